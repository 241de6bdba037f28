"""The registry of offices through its generated screens: who may, what is kept, what is refused."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as OrmSession
from support import Live, token_of

from app.core.base import Session
from app.models.catalogs import Jurisdiction, Office

Enter = Callable[[str], FlaskClient]
NEW = {
    "code": "REG-99",
    "series_code": "R99",
    "name": "Oficina de Ñemby",
    "kind": "regional",
    "opened_on": "24/11/2026",
}


def send(client: FlaskClient, path: str, **form: Any) -> Any:
    token = token_of(client.get(path).get_data(as_text=True))
    return client.post(path, data={**form, "csrf_token": token})


def office(code: str) -> Office:
    Session.expire_all()
    return Session.scalars(select(Office).where(Office.code == code)).one()


def test_list_is_in_spanish_with_the_seeded_offices(enter: Enter) -> None:
    page = enter("inspector1").get("/oficinas/list/").get_data(as_text=True)
    assert "<h1>Oficinas</h1>" in page and "DGIFT" in page and "01/01/2013" in page
    assert "Agregar oficina" not in page


def test_administrator_adds_an_office(enter: Enter, db: OrmSession) -> None:
    answer = send(enter("admin"), "/oficinas/add", **NEW)
    assert answer.status_code == 302, answer.get_data(as_text=True)
    made = office("REG-99")
    assert (made.name, made.opened_on.isoformat()) == ("Oficina de Ñemby", "2026-11-24")
    assert made.created_by_id is not None


@pytest.mark.parametrize("username", ["inspector1", "director", "auditor", "ministro"])
def test_others_may_not_add(enter: Enter, username: str) -> None:
    client = enter(username)
    assert client.get("/oficinas/add").status_code == 403
    token = token_of(client.get("/").get_data(as_text=True))
    assert client.post("/oficinas/add", data={**NEW, "csrf_token": token}).status_code == 403


def test_guest_from_the_ministry_of_health_sees_no_offices(enter: Enter) -> None:
    client = enter("salud")
    assert client.get("/oficinas/list/").status_code == 403
    assert "Oficinas" not in client.get("/").get_data(as_text=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"code": ""}, "Este dato es obligatorio."),
        ({"code": "DGIFT"}, "Ya existe otro registro con este valor."),
        ({"code": "con espacio"}, "La sigla lleva de 2 a 16"),
        ({"opened_on": "31/02/2026"}, "Escriba la fecha como dd/mm/aaaa"),
        ({"closed_on": "01/01/2020"}, "La fecha de cierre no puede ser anterior"),
        ({"kind": "otra"}, "Elija una opción de la lista."),
        ({"parent_id": "999999"}, "Elija una opción de la lista."),
    ],
)
def test_a_broken_rule_is_shown_at_its_field_and_keeps_what_was_typed(
    enter: Enter, change: dict[str, str], words: str
) -> None:
    form = {**NEW, "city": "Ciudad escrita a mano", **change}
    answer = send(enter("admin"), "/oficinas/add", **form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "Ciudad escrita a mano" in page
    assert words in page


def test_two_people_editing_the_second_is_told(enter: Enter, db: OrmSession) -> None:
    client = enter("admin")
    path = f"/oficinas/edit/{office('DT').id}"
    form = {"code": "DT", "series_code": "DT", "kind": "central", "opened_on": "01/01/2013"}
    assert send(client, path, **form, name="Primera", _version=office("DT").version).status_code == 302
    answer = send(client, path, **form, name="Segunda", _version=office("DT").version - 1)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409 and "Otra persona" in page and "Segunda" in page
    assert office("DT").name == "Primera"


def test_record_page_tells_its_history_in_words(enter: Enter, db: OrmSession) -> None:
    client = enter("admin")
    key = office("SG").id
    form = {"code": "SG", "series_code": "SG", "kind": "central", "opened_on": "01/01/2013"}
    send(client, f"/oficinas/edit/{key}", **form, name="Secretaría", _version=office("SG").version)
    page = client.get(f"/oficinas/show/{key}").get_data(as_text=True)
    assert "Se modificó" in page and "Nombre: Secretaría General → Secretaría" in page and "admin" in page


def test_missing_office_and_strange_keys_answer_404(enter: Enter) -> None:
    client = enter("admin")
    for key in ("999999", "0", "abc", "1%27"):
        assert client.get(f"/oficinas/show/{key}").status_code == 404, key


def test_markup_in_a_name_is_text(enter: Enter, db: OrmSession) -> None:
    client = enter("admin")
    send(client, "/oficinas/add", **{**NEW, "name": "<script>alert(1)</script>"})
    assert "<script>alert(1)" not in client.get("/oficinas/list/?filas=100").get_data(as_text=True)


def test_list_costs_a_constant_number_of_statements(enter: Enter, app: Any) -> None:
    client = enter("admin")
    seen: list[str] = []
    engine = app.extensions["sis_engine"]
    event.listen(engine, "before_cursor_execute", lambda *call: seen.append(call[2]))
    client.get("/oficinas/list/")
    statements = [statement for statement in seen if "SAVEPOINT" not in statement]
    assert 0 < len(statements) <= 8, statements


def test_one_office_per_district_and_day(db: OrmSession) -> None:
    from app.core.errors import RuleBroken
    from app.operations import records

    taken = Session.scalars(select(Jurisdiction).limit(1)).one()
    with pytest.raises(RuleBroken, match="se cruzan"):
        records.create(
            Jurisdiction,
            {
                "office_id": office("DGIFT").id,
                "district_code": taken.district_code,
                "valid_from": "2026-01-01",
            },
        )


@pytest.mark.parametrize(
    "query",
    [
        "filas=-1",
        "filas=abc",
        "filas=1180591620717411303424",
        "filas=0",
        "despues=-5",
        "antes=abc",
        "despues=1180591620717411303424",
        "antes=999999999&despues=999999999",
        "orden=__class__",
        "orden=-",
        "kind=nada&opened_on_desde=31/02/2024",
        "_flt_0_code=%25",
        "_flt_0_email=x",
    ],
)
def test_nonsense_in_the_address_of_a_list_is_no_error(enter: Enter, query: str) -> None:
    assert enter("admin").get(f"/oficinas/list/?{query}").status_code == 200


def test_nul_in_an_address_or_a_field_is_refused(enter: Enter, anonymous: FlaskClient) -> None:
    assert enter("admin").get("/oficinas/list/?_flt_0_code=%00").status_code == 400
    assert anonymous.post("/login/", data={"username": "a\x00b", "password": "x"}).status_code == 400


@pytest.mark.parametrize("version", [None, "abc", "-1", " 1", "²"])
def test_a_form_that_does_not_say_what_it_was_opened_on_overwrites_nothing(
    enter: Enter, db: OrmSession, version: str | None
) -> None:
    form = {"code": "DT", "series_code": "DT", "kind": "central", "opened_on": "01/01/2013", "name": "Otra"}
    if version is not None:
        form["_version"] = version
    answer = send(enter("admin"), f"/oficinas/edit/{office('DT').id}", **form)
    assert answer.status_code == 409
    assert office("DT").name != "Otra"


def test_an_office_under_one_that_depends_on_it_is_refused_at_its_field(enter: Enter, db: OrmSession) -> None:
    client, top, middle, leaf = enter("admin"), "DGIFT", "REG-CAP", "REG-11"

    def move(code: str, under: str) -> Any:
        moved = office(code)
        form = {"code": moved.code, "series_code": moved.series_code, "kind": moved.kind, "name": moved.name}
        form |= {"opened_on": "01/01/2013", "_version": moved.version, "parent_id": office(under).id}
        return send(client, f"/oficinas/edit/{moved.id}", **form)

    db.connection().exec_driver_sql("UPDATE office SET parent_id = NULL")
    assert move(middle, top).status_code == 302 and move(leaf, middle).status_code == 302
    for moved, under in ((top, leaf), (top, middle), (top, top), (middle, leaf)):
        answer = move(moved, under)
        assert answer.status_code == 422, (moved, under)
        assert "no puede depender de sí" in answer.get_data(as_text=True)
    assert office("DGIFT").parent_id is None
    assert move(leaf, top).status_code == 302, "a move that makes no circle is free"


def test_the_database_refuses_a_circle_of_offices_whoever_writes(live: Live) -> None:
    live.sql("UPDATE office SET parent_id = NULL")
    live.sql("UPDATE office SET parent_id = (SELECT id FROM office WHERE code = 'DT') WHERE code = 'SG'")
    for code in ("SG", "DT"):
        with pytest.raises(IntegrityError, match="office"):
            live.sql(
                f"UPDATE office SET parent_id = (SELECT id FROM office WHERE code = '{code}') WHERE code = 'DT'"
            )


def test_two_people_moving_two_offices_under_each_other_one_is_refused(live: Live) -> None:
    live.sql("UPDATE office SET parent_id = NULL")
    barrier, results = threading.Barrier(2, timeout=30), []

    def move(code: str, under: str) -> None:
        with live.engine.connect() as connection:
            run = connection.exec_driver_sql
            run("SELECT 1")
            barrier.wait()
            try:
                run(
                    f"UPDATE office SET parent_id = (SELECT id FROM office WHERE code = '{under}')"
                    f" WHERE code = '{code}'"
                )
                time.sleep(0.3)
                connection.commit()
                results.append("moved")
            except IntegrityError as error:
                results.append(type(error).__name__)

    def both() -> None:
        threads = [threading.Thread(target=move, args=pair) for pair in (("DT", "SG"), ("SG", "DT"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    both()
    linked = live.sql("SELECT count(*) FROM office WHERE parent_id IS NOT NULL")[0][0]
    assert linked == 1, results
