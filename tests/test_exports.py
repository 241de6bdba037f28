"""Lists as spreadsheets: every list has them, whole, narrowed as on screen, within scope, harmless, traced."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from inspection_samples import acting, assigned, draft, signed
from registry_samples import make
from sqlalchemy import event, func, select, update
from sqlalchemy.orm import Session as OrmSession
from support import Live, log_in

from app.core.base import Session
from app.core.errors import RuleBroken
from app.exchange import exports, tables
from app.exchange.exports import Sheet
from app.models.catalogs import Activity, District
from app.models.norms import Parameter
from app.models.registry import Employer
from app.operations import registry
from app.operations.seed_files import load
from app.operations.unit import act
from app.security.roles import BY_KEY, BY_NAME, GRANTS
from app.views.exports import Exported
from app.views.menu import ITEMS

Enter = Callable[[str], FlaskClient]

NO_LIST = {
    "SigningDeskView": "a tray of work: what waits for one's own signature",
    "AuditView": "the trail has an export of its own, with its chain (app/views/audit.py)",
    "AccessCodeView": "a tray of work: people to hand a code to",
    "SecondFactorResetView": "a tray of work: requests that wait for a second person",
    "BackupView": "the folder of backups: files, not records",
    "ProcedureView": "a version has a file of its own, whole (YAML), to go to another installation",
    "DuplicatesView": "a tool: two records are chosen, nothing is listed",
}
"""Entries of the menu that open no list, and why."""
PEOPLE = {row["role"]: row["username"] for row in load("demo.yaml", "accounts")}
LISTS = [item.view for item in ITEMS if item.name and item.view.__name__ not in NO_LIST]


def who_may(resource: str) -> str:
    """One of the cast who may take the list of a resource away."""
    rows = GRANTS[resource].items()
    return next(
        username
        for role, username in PEOPLE.items()
        if any("can_export" in doors and BY_KEY[role] in roles for doors, roles in rows)
    )


def links(page: str) -> dict[str, str]:
    """The buttons of a page: ending of the file -> its address."""
    found = re.findall(r'href="([^"]*/[^"/]*\.(csv|xlsx)[^"]*)"[^>]*>\s*<svg.*?</svg> Descargar', page)
    return {form: address.replace("&amp;", "&") for address, form in found}


def read_csv(client: FlaskClient, address: str) -> list[list[str]]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:2000]
    content = answer.get_data()
    assert content.startswith(b"\xef\xbb\xbf") and answer.headers["Content-Disposition"].startswith(
        "attachment"
    )
    assert int(answer.headers["Content-Length"]) == len(content)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))


def read_xlsx(client: FlaskClient, address: str) -> list[tuple[Any, ...]]:
    answer = client.get(address)
    assert answer.status_code == 200 and answer.mimetype == tables.XLSX
    sheet = openpyxl.load_workbook(io.BytesIO(answer.get_data())).active
    assert sheet is not None
    return [tuple(cell.value for cell in row) for row in sheet.iter_rows()]


@pytest.mark.parametrize("view", LISTS, ids=lambda view: view.__name__)
def test_every_list_of_the_menu_is_taken_away_in_both_forms(enter: Enter, app: Flask, view: Any) -> None:
    assert issubclass(view, Exported), "take app/views/exports.Exported, or say in NO_LIST why it is no list"
    client = enter(who_may(view.class_permission_name))
    made = next(each for each in app.extensions["appbuilder"].baseviews if type(each) is view)
    with app.test_request_context():
        address = made.get_default_url()
    page = client.get(address, follow_redirects=True).get_data(as_text=True)
    found = links(page)
    assert set(found) == {"csv", "xlsx"}
    rows, cells = read_csv(client, found["csv"]), read_xlsx(client, found["xlsx"])
    assert [str(title) for title in cells[0]] == rows[0] and len(cells) == len(rows)
    assert all(title and not title.islower() for title in rows[0]), "titles are words of the screen"
    assert client.get(found["csv"].replace(".csv", ".pdf")).status_code == 404


def test_terms_notices_and_figures_are_taken_away_too(enter: Enter, db: OrmSession) -> None:
    assigned()
    for username, address in (("coordinador", "/plazos"), ("inspector1", "/avisos"), ("director", "/")):
        client = enter(username)
        found = links(client.get(address).get_data(as_text=True))
        assert set(found) == {"csv", "xlsx"}, address
        assert len(read_csv(client, found["csv"])) > 1, address
        assert len(read_xlsx(client, found["xlsx"])) > 1, address


def test_whole_list_comes_with_the_filters_and_the_order_of_its_page(enter: Enter, db: OrmSession) -> None:
    client = enter("coordinador")
    rows = read_csv(client, "/actividades/exportar.csv")
    assert len(rows) - 1 == db.scalar(select(func.count()).select_from(Activity)) > 100
    page = client.get("/distritos/list/?_flt_2_name=san&orden=-name")
    address = links(page.get_data(as_text=True))["csv"]
    assert "_flt_2_name=san" in address and "orden=-name" in address
    names = [row[1] for row in read_csv(client, address)[1:]]
    wanted = db.scalars(
        select(District.name).where(func.fold(District.name).contains("san")).order_by(District.name.desc())
    ).all()
    assert len(names) > 25 and sorted(names) == sorted(wanted) and names[0] == wanted[0]


def test_page_of_a_list_does_not_narrow_what_is_taken_away(enter: Enter, db: OrmSession) -> None:
    for number in range(30):
        make(ruc=None, legal_name=f"Almacén {number:02}", document_number=f"{1000000 + number}")
    client = enter("coordinador")
    last = db.scalars(select(Employer.id).where(Employer.legal_name == "Almacén 24")).one()
    page = client.get(f"/empleadores/list/?q=almacen&despues={last}").get_data(as_text=True)
    rows = read_csv(client, links(page)["csv"])
    assert "Almacén 00" not in page and [row[0] for row in rows[1:]] == [f"Almacén {n:02}" for n in range(30)]
    assert rows[0][-1] == "Identificador público" and re.fullmatch(r"[0-9a-f-]{36}", rows[1][-1])


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_text_that_a_spreadsheet_would_run_is_a_text(sign: str) -> None:
    evil = f"{sign}HYPERLINK(1)"
    out = io.BytesIO()
    tables.write_csv(out, "H", ["A", "B"], [[evil, Decimal("-25.3")]])
    assert list(csv.reader(io.StringIO(out.getvalue().decode("utf-8-sig"), newline=""), delimiter=";"))[
        1
    ] == [f"'{evil}", "-25,3"]
    out = io.BytesIO()
    tables.write_xlsx(out, "H", ["A"], [[evil]])
    sheet = openpyxl.load_workbook(io.BytesIO(out.getvalue())).active
    assert sheet is not None and sheet["A2"].data_type == "s" and "HYPERLINK(1)" in sheet["A2"].value


def test_days_amounts_and_moments_are_those_of_a_spreadsheet_in_spanish(enter: Enter) -> None:
    client = enter("coordinador")
    title = read_csv(client, "/salario-minimo/exportar.csv")[0]
    csv_row = read_csv(client, "/salario-minimo/exportar.csv")[1]
    xlsx_row = read_xlsx(client, "/salario-minimo/exportar.xlsx")[1]
    assert re.fullmatch(r"\d\d/\d\d/\d{4}", csv_row[title.index("Vigente desde")])
    assert xlsx_row[title.index("Vigente desde")].date() == date.fromisoformat(
        "-".join(reversed(csv_row[title.index("Vigente desde")].split("/")))
    )
    amounts = [value for value in xlsx_row if isinstance(value, int) and value > 10_000]
    assert amounts and str(amounts[0]) in csv_row, "guaraníes are numbers, without points"


def test_control_signs_of_a_text_break_no_workbook() -> None:
    out = io.BytesIO()
    tables.write_xlsx(out, "a/b[c]", ["A"], [["uno\x0bdos"], [None], [True]])
    sheet = openpyxl.load_workbook(io.BytesIO(out.getvalue())).active
    assert sheet is not None and [cell.value for cell in sheet["A"]] == ["A", "uno dos", None, "Sí"]


def test_office_that_is_no_number_narrows_nothing(enter: Enter) -> None:
    client = enter("coordinador")
    whole = read_csv(client, "/ordenes/exportar.csv")
    assert read_csv(client, "/ordenes/exportar.csv?oficina=²") == whole


def test_foreign_file_is_in_no_list_that_is_taken_away(enter: Enter, db: OrmSession) -> None:
    canary = f"Canario{'9f3c'}"
    with acting("coordinador"):
        order = draft(kind="TURNO", zone=canary, places=[])
    assert order.zone == canary
    own, other = enter("coordinador"), enter("inspector3")
    for form in ("csv", "xlsx"):
        read = read_csv if form == "csv" else read_xlsx
        for view in ("ordenes", "visitas", "hallazgos", "informes"):
            assert canary not in str(read(other, f"/{view}/exportar.{form}")), view
    assert canary in str(read_csv(own, "/ordenes/exportar.csv"))


def test_who_may_only_look_takes_nothing_away(enter: Enter, db: OrmSession) -> None:
    client = enter("mesa")
    assert links(client.get("/ordenes/list/").get_data(as_text=True)) == {}
    assert client.get("/ordenes/exportar.csv").status_code == 403
    assert ("can_list", "InspectionOrder") in BY_NAME["Mesa de Entrada"]


def test_list_beyond_the_bound_is_refused_with_what_to_do(enter: Enter, db: OrmSession) -> None:
    row = db.scalars(select(Parameter).where(Parameter.code == exports.MOST_ROWS)).one()
    with act("test.bound"):
        db.execute(update(Parameter).where(Parameter.id == row.id).values(value="3"))
    answer = enter("coordinador").get("/distritos/exportar.csv")
    assert answer.status_code == 422
    assert "más de 3 filas" in answer.get_data(as_text=True) and "agregue filtros" in answer.get_data(
        as_text=True
    )
    with pytest.raises(RuleBroken):
        exports.take(Sheet("Lista", "x", [("A", str)], rows=range(4)), "csv", "")


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    said: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        said.append(statement)

    event.listen(app.extensions["sis_engine"], "before_cursor_execute", note)
    yield said
    event.remove(app.extensions["sis_engine"], "before_cursor_execute", note)


def test_longer_list_asks_no_more_questions(enter: Enter, db: OrmSession, statements: list[str]) -> None:
    client = enter("coordinador")
    client.get("/ordenes/exportar.csv")
    counts = []
    for more in (1, 4):
        for _ in range(more):
            signed()
        db.expunge_all()
        statements.clear()
        client.get("/ordenes/exportar.csv")
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_rows_are_read_in_blocks_by_a_cursor_of_the_server(db: OrmSession, monkeypatch: Any) -> None:
    monkeypatch.setattr(exports, "BLOCK", 40)
    sizes: list[int] = []

    def each(block: Any) -> Any:
        sizes.append(len(block))
        return block

    sheet = Sheet("Distritos", "district", [("A", lambda row: row.name)], select(District), each=each)
    with acting("coordinador"):
        exports.take(sheet, "csv", "").close()
    assert len(sizes) > 5 and set(sizes[:-1]) == {40}


def test_who_takes_a_list_is_written_down_with_filters_and_rows(live: Live) -> None:
    with live.app.app_context():
        registry.register_employer({"ruc": "80012345-0", "legal_name": "Guyra S.A."}, confirmed=True)
        Session.remove()
    client = log_in(live.app.test_client(), "coordinador")
    read_csv(client, "/empleadores/exportar.csv?q=guyra")
    (found,) = live.sql(
        "SELECT a.verb, a.reason, u.username FROM audit.act a JOIN ab_user u ON u.id = a.account_id"
        " WHERE a.verb = 'employer.export'"
    )
    assert tuple(found) == ("employer.export", "Empleadores (CSV), filas: 1. q=guyra", "coordinador")
    client.get("/empleadores/exportar.pdf")
    assert len(live.sql("SELECT 1 FROM audit.act WHERE verb = 'employer.export'")) == 1
