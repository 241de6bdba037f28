"""The screens of the catalogues: in Spanish, for those who may, a change of the law as a new row."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session as OrmSession
from support import token_of

from app.core import clock
from app.core.base import Session
from app.core.calendar import Place
from app.models.catalogs import Department, Office
from app.models.norms import Holiday, Parameter
from app.operations import parameters

Enter = Callable[[str], FlaskClient]
PATHS = [
    "/normas/list/",
    "/infracciones/list/",
    "/areas-de-infracciones/list/",
    "/alias-de-infracciones/list/",
    "/listas-de-control/list/",
    "/salario-minimo/list/",
    "/parametros/list/",
    "/feriados/list/?_flt_1_effective_date=2025-12-31",
    "/actividades/list/",
    "/departamentos/list/",
    "/distritos/list/",
]
WRITABLE = [
    "/normas",
    "/infracciones",
    "/areas-de-infracciones",
    "/alias-de-infracciones",
    "/salario-minimo",
    "/parametros",
    "/feriados",
]
ENGLISH = re.compile(
    r"\b(Search|Add|Edit|Show|List|Back|Save|Delete|Record Count|Page size|Refresh|Order by|Name|Value|Starts with"
    r"|Contains|Equal to|Greater than|No records found|True|False|None)\b"
)
WAGE = {
    "monthly": "3.200.000",
    "daily": "Gs. 123.077",
    "adjustment_percent": "5,1",
    "valid_from": "01/07/2027",
    "legal_basis": "Decreto 1/2027",
    "verification": "por_verificar",
}


def send(client: FlaskClient, path: str, **form: Any) -> Any:
    token = token_of(client.get(path).get_data(as_text=True))
    return client.post(path, data={**form, "csrf_token": token})


def visible(page: str) -> str:
    """The words that a person sees on a page."""
    page = re.sub(r"(?s)<(script|style|template|head).*?</\1>", " ", page)
    return re.sub(r"<[^>]+>", " ", page)


def values_of(client: FlaskClient, path: str) -> dict[str, Any]:
    """What the form of a page would send back untouched."""
    form = re.search(
        r'(?s)<form method="post" class="sis-form".*?</form>', client.get(path).get_data(as_text=True)
    )
    assert form, path
    found: dict[str, Any] = {}
    for name, value in re.findall(
        r'<input[^>]* name="(\w+)"[^>]* type="(?:text|hidden)"[^>]* value="([^"]*)"', form[0]
    ):
        found[name] = value
    for tag in re.findall(r"<input[^>]*>", form[0]):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        name = attributes.get("name", "")
        if not name:  # it looks through the list beside it
            continue
        if attributes.get("type") != "checkbox":
            found[name] = attributes.get("value", "")
        elif form[0].count(f'name="{name}"') > 1:  # a list of them
            found.setdefault(name, []).extend([attributes["value"]] if " checked" in tag else [])
        elif " checked" in tag:
            found[name] = attributes.get("value", "")
    for name, options in re.findall(r'(?s)<select[^>]* name="(\w+)"[^>]*>(.*?)</select>', form[0]):
        found[name] = re.findall(r'<option selected value="([^"]*)"', options)
    for name, body in re.findall(r'(?s)<textarea[^>]* name="(\w+)"[^>]*>(.*?)</textarea>', form[0]):
        found[name] = body.strip()
    return found


def parameter_row(code: str) -> Parameter:
    Session.expire_all()
    return Session.scalars(
        select(Parameter).where(Parameter.code == code).order_by(Parameter.valid_from.desc())
    ).first()


@pytest.mark.parametrize("path", PATHS)
def test_list_is_in_spanish_and_costs_a_constant_number_of_statements(
    enter: Enter, app: Any, path: str
) -> None:
    client = enter("inspector1")
    seen: list[str] = []
    listener = lambda *call: seen.append(call[2])  # noqa: E731
    event.listen(app.extensions["sis_engine"], "before_cursor_execute", listener)
    answer = client.get(path)
    event.remove(app.extensions["sis_engine"], "before_cursor_execute", listener)
    page = visible(answer.get_data(as_text=True))
    assert answer.status_code == 200 and not ENGLISH.search(page), ENGLISH.search(page)
    statements = [statement for statement in seen if "SAVEPOINT" not in statement]
    assert 0 < len(statements) <= 8, statements


@pytest.mark.parametrize("path", WRITABLE)
def test_form_is_in_spanish_and_only_for_those_who_may(enter: Enter, path: str) -> None:
    page = visible(enter("admin").get(f"{path}/add").get_data(as_text=True))
    assert "Guardar" in page and not ENGLISH.search(page), ENGLISH.search(page)
    for username in ("inspector1", "director", "ministro", "auditor"):
        assert enter(username).get(f"{path}/add").status_code == 403


def test_legal_writes_norms_and_infractions_and_no_amounts(enter: Enter) -> None:
    client = enter("juridico")
    assert [client.get(f"{path}/add").status_code for path in WRITABLE] == [200, 200, 403, 403, 403, 403, 403]


@pytest.mark.parametrize("path", PATHS)
def test_guest_from_the_ministry_of_health_sees_no_catalogue(enter: Enter, path: str) -> None:
    assert enter("salud").get(path).status_code == 403


@pytest.mark.parametrize("path", ["/departamentos", "/distritos", "/actividades", "/listas-de-control"])
def test_read_only_catalogues_have_no_form(enter: Enter, path: str) -> None:
    assert enter("admin").get(f"{path}/add").status_code in (403, 404)


def test_wages_are_shown_as_money_and_added_as_people_write_them(enter: Enter, db: OrmSession) -> None:
    client = enter("admin")
    assert "Gs. 117.077" in client.get("/salario-minimo/list/").get_data(as_text=True)
    answer = send(client, "/salario-minimo/add", **WAGE)
    assert answer.status_code == 302, visible(answer.get_data(as_text=True))
    page = client.get("/salario-minimo/list/").get_data(as_text=True)
    assert "Gs. 123.077" in page and "5,1" in page and "30/06/2027" in page


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"monthly": "3.200,50"}, "El monto debe ser un número entero de guaraníes"),
        ({"daily": "9.000.000"}, "El jornal es mayor que cero y no supera"),
        ({"adjustment_percent": "mucho"}, "Escriba un número, con coma"),
        ({"valid_from": "2020-01-01"}, "Las fechas se cruzan con las de otro registro"),
        ({"verification": ""}, "Este dato es obligatorio"),
    ],
)
def test_refused_wage_says_why_and_keeps_what_was_typed(
    enter: Enter, change: dict[str, str], words: str
) -> None:
    answer = send(enter("admin"), "/salario-minimo/add", **{**WAGE, **change})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and words in page and "Decreto 1/2027" in page
    assert next(iter(change.values())) in page


def test_form_of_a_row_in_force_refuses_its_value_and_lets_it_be_closed(enter: Enter, db: OrmSession) -> None:
    client = enter("admin")
    row = parameter_row("REC_SILENCIO")
    path = f"/parametros/edit/{row.id}"
    same = values_of(client, path)
    answer = send(client, path, **same | {"value": "25"})
    assert answer.status_code == 422 and "Agregue uno nuevo" in answer.get_data(as_text=True)
    assert parameter_row("REC_SILENCIO").value == "20"
    answer = send(client, path, **same | {"valid_to": "31/12/2026", "note": "Se revisa en enero"})
    assert answer.status_code == 302, visible(answer.get_data(as_text=True))
    assert parameter_row("REC_SILENCIO").valid_to == date(2026, 12, 31)


def test_new_value_starts_as_a_copy_and_is_read_by_the_next_request(enter: Enter, db: OrmSession) -> None:
    assert parameters.parameter("OI_VIGENCIA_DIAS", date(2027, 6, 1)) == 30
    client = enter("admin")
    row = parameter_row("OI_VIGENCIA_DIAS")
    page = client.get(f"/parametros/show/{row.id}").get_data(as_text=True)
    assert f"/parametros/add?desde={row.id}" in page and "Agregar un valor nuevo" in page
    copy = values_of(client, f"/parametros/add?desde={row.id}")
    assert copy["code"] == "OI_VIGENCIA_DIAS" and copy["valid_from"] == ""
    copy |= {
        "value": "45",
        "valid_from": "01/01/2027",
        "legal_basis": "Res. 1/2027",
        "verification": "verificado",
    }
    answer = send(client, "/parametros/add", **copy)
    assert answer.status_code == 302, visible(answer.get_data(as_text=True))
    assert parameters.parameter("OI_VIGENCIA_DIAS", date(2027, 6, 1)) == 45
    assert parameters.parameter("OI_VIGENCIA_DIAS", date(2026, 12, 31)) == 30


def test_holiday_of_an_office_is_added_and_edited_on_screen(enter: Enter, db: OrmSession) -> None:
    client = enter("admin")
    office = Session.scalars(select(Office).where(Office.code == "REG-10")).one()
    form = {"name": "Día de Ciudad del Este", "kind": "LOCAL", "original_date": "03/02/2027"}
    form |= {"effective_date": "03/02/2027", "verification": "por_verificar", "offices": [str(office.id)]}
    assert send(client, "/feriados/add", **form).status_code == 302
    row = Session.scalars(select(Holiday).where(Holiday.name == form["name"])).one()
    page = client.get(f"/feriados/show/{row.id}").get_data(as_text=True)
    assert str(office) in page
    same = values_of(client, f"/feriados/edit/{row.id}")
    assert same["offices"] == [str(office.id)]
    answer = send(client, f"/feriados/edit/{row.id}", **same | {"departments": ["11"], "offices": []})
    assert answer.status_code == 302, visible(answer.get_data(as_text=True))
    row = Session.get(Holiday, row.id, populate_existing=True)
    assert (row.departments, row.offices) == ([Session.get(Department, 11)], [])
    assert not parameters.calendar_for(Place("11")).is_business_day(date(2027, 2, 3))
    assert send(client, "/feriados/add", **form | {"offices": ["9999"]}).status_code == 422


@pytest.mark.parametrize(
    "path", ["/actividades/show/01", "/actividades/show/A", "/areas-de-infracciones/show/SAL"]
)
def test_records_with_a_key_of_text_have_their_page(enter: Enter, path: str) -> None:
    assert enter("admin").get(path).status_code == 200


def test_area_with_a_key_of_text_is_edited_with_its_history(enter: Enter, db: OrmSession) -> None:
    client = enter("admin")
    same = values_of(client, "/areas-de-infracciones/edit/SAL")
    assert send(client, "/areas-de-infracciones/edit/SAL", **same | {"title": "Salarios"}).status_code == 302
    assert "Nombre: Salario → Salarios" in client.get("/areas-de-infracciones/show/SAL").get_data(
        as_text=True
    )


def test_holidays_begin_with_the_present_year(enter: Enter) -> None:
    page = enter("inspector1").get("/feriados/list/", follow_redirects=True).get_data(as_text=True)
    year = clock.today().year
    assert f"01/01/{year}" in page and f"25/12/{year - 1}" not in page
