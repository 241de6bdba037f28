"""«Mi trabajo»: what waits for each role, notices, the figures of the offices and their files."""

import csv
import html
import io
import re
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient
from inspection_samples import (
    acting,
    assigned,
    begun,
    done,
    draft,
    first_finding,
    inspector,
    office_of,
    principal,
)
from sqlalchemy import event, select
from sqlalchemy.orm import Session as OrmSession
from support import token_of

from app.core import clock
from app.core.base import Session
from app.core.types import format_date
from app.models.followup import Notice, Term
from app.operations import moves, notices
from app.operations.inspections import facts
from app.operations.unit import act
from app.security.roles import Role

Enter = Callable[[str], FlaskClient]
CAST = [
    "admin",
    "director",
    "regional",
    "coordinador",
    "inspector1",
    "mesa",
    "secretaria",
    "notificador",
    "juridico",
    "ministro",
    "auditor",
]


def home(client: FlaskClient) -> str:
    answer = client.get("/")
    assert answer.status_code == 200
    return html.unescape(answer.get_data(as_text=True))


def group(page: str, title: str) -> str:
    """The part of the page under a heading; empty when it is not there."""
    for part in re.findall(r'(?s)<section class="panel.*?</section>', page):
        if title in part:
            return part
    return ""


def waiting_order() -> Any:
    order = draft()
    with acting("coordinador"):
        moves.move(order, "enviar_a_firma")
    return order


def test_minister_finds_what_he_signs(enter: Enter, db: OrmSession) -> None:
    order = waiting_order()
    part = group(home(enter("ministro")), "Para firmar")
    assert f"/ordenes/{order.id}" in part and "Pendiente de firma" in part
    assert "Para firmar" not in home(enter("inspector1"))
    assert "Para firmar" not in home(enter("director"))


def test_coordinator_finds_drafts_and_reports_to_review_of_his_office(enter: Enter, db: OrmSession) -> None:
    order = draft()
    visit = done(fails=0)
    report_order = facts.order_of(visit)
    with acting("inspector1"):
        moves.move(report_order, "declarar_ejecutada")
        from app.operations.inspections import reports

        report = facts.report_of(report_order)
        assert report is not None
        reports.write(report, {"facts": "a", "analysis": "b", "proposal": "ARCHIVO"})
        moves.move(report, "enviar_a_coordinacion")
    key = report.id
    page = home(enter("coordinador"))
    assert f"/ordenes/{order.id}" in group(page, "Órdenes por seguir")
    assert f"/informes/{key}" in group(page, "Informes por revisar")
    assert f"/informes/{key}" not in home(enter("regional"))  # of another office
    assert f"/informes/{key}" not in group(home(enter("inspector1")), "Informes por escribir")


def test_inspector_finds_his_orders_visits_and_findings(enter: Enter, db: OrmSession) -> None:
    order = assigned()
    visit = begun()
    finding = first_finding(done(fails=1))
    keys = order.id, visit.id, finding.id
    page = home(enter("inspector1"))
    assert f"/ordenes/{keys[0]}" in group(page, "Mis órdenes")
    assert f"/visitas/{keys[1]}" in group(page, "Visitas de hoy")
    assert f"/hallazgos/{keys[2]}" in group(page, "Hallazgos por atender")
    other = home(enter("inspector3"))
    assert f"/ordenes/{keys[0]}" not in other and f"/visitas/{keys[1]}" not in other


def test_terms_that_are_over_come_first_for_those_concerned(enter: Enter, db: OrmSession) -> None:
    visit = done(fails=0)
    order = facts.order_of(visit)
    with acting("inspector1"):
        moves.move(order, "declarar_ejecutada")
    report = facts.report_of(order)
    assert report is not None
    term = db.scalars(select(Term).where(Term.report_id == report.id)).one()
    with act("test"):
        term.start_on = term.due_on = term.start_on.replace(year=2025)
    for username in ("inspector1", "coordinador"):
        part = group(home(enter(username)), "Plazos vencidos y por vencer")
        assert "Elaboración del informe final" in part and "Venció el" in part, username
    assert group(home(enter("mesa")), "Plazos vencidos") == ""


def test_held_act_waits_for_the_coordinator(enter: Enter, db: OrmSession) -> None:
    from app.models.followup import RecordMove

    order = assigned()
    key = order.id
    with act("test") as unit:
        order.held = True
        unit.session.add(
            RecordMove(
                process_code="order",
                name="Iniciar la ejecución",
                to_state="EN_EJECUCION",
                happened_on=order.valid_from,
                actor_name="inspector1",
                late=True,
                holds=["Es anterior al último acto."],
                order_id=order.id,
            )
        )
    part = group(home(enter("coordinador")), "Actos retenidos")
    assert f"/ordenes/{key}" in part and "Es anterior al último acto." in part
    assert "Actos retenidos" not in home(enter("inspector1"))


@pytest.mark.parametrize("username", CAST)
def test_page_costs_fifteen_statements_at_most(enter: Enter, app: Any, db: OrmSession, username: str) -> None:
    waiting_order()
    draft()
    begun()
    visit = done(fails=1)
    finding = first_finding(visit)
    with acting("inspector1"):
        moves.move(finding, "enviar_a_sumario") if not finding.infraction.remediable else None  # type: ignore[union-attr]
    notices.tell([principal(username).account_id], "Un aviso", "/")
    client = enter(username)
    client.get("/")
    seen: list[str] = []
    listener = lambda *call: seen.append(call[2])  # noqa: E731
    event.listen(app.extensions["sis_engine"], "before_cursor_execute", listener)
    page = home(client)
    event.remove(app.extensions["sis_engine"], "before_cursor_execute", listener)
    statements = [one for one in seen if "SAVEPOINT" not in one]
    assert len(statements) <= 15, (len(statements), [one[:150] for one in statements])
    assert "Un aviso" in page and "Pantallas" in page


def test_notices_are_marked_as_read_by_their_owner_alone(enter: Enter, db: OrmSession) -> None:
    notices.tell([principal("inspector1").account_id], "Solo para Lourdes", "/ordenes/1")
    notices.tell([principal("inspector2").account_id], "Solo para Nelson")
    theirs = Session.scalars(select(Notice.id).where(Notice.text == "Solo para Nelson")).one()
    mine = Session.scalars(select(Notice.id).where(Notice.text == "Solo para Lourdes")).one()
    client = enter("inspector1")
    page = home(client)
    assert "Solo para Lourdes" in page and "Solo para Nelson" not in page
    data = {"csrf_token": token_of(page), "notice": [str(mine), str(theirs), "x", "9" * 40]}
    assert client.post("/avisos/leidos", data=data).status_code == 302
    assert "Solo para Lourdes" not in home(client)
    assert "Solo para Lourdes" in html.unescape(client.get("/avisos").get_data(as_text=True))
    assert "Solo para Nelson" in home(enter("inspector2"))


def test_director_reads_the_figures_of_each_office(enter: Enter, db: OrmSession) -> None:
    done(fails=2)
    draft()  # not issued: it counts nowhere
    office = office_of("coordinador")
    page = home(enter("director"))
    row = re.search(r"(?s)<tr><td data-label=\"Oficina\">.*?REG-CAP.*?</tr>", page)
    assert row is not None
    assert [int(n) for n in re.findall(r">(\d+)</(?:a|span)>", row[0])] == [1, 1, 1, 1, 2, 2, 0]
    assert f"oficina={office}" in row[0]
    links = re.findall(r'<a[^>]* href="([^"]*cuenta=1[^"]*)"[^>]*>(\d+)</a>', row[0])
    assert len(links) == 6
    for address, number in links:
        listed = enter("director").get(html.unescape(address)).get_data(as_text=True)
        assert listed.count("<tr><td data-label") == int(number), address
    rows = list(
        csv.reader(
            io.StringIO(enter("ministro").get("/mi-trabajo/cifras.csv").get_data().decode("utf-8-sig")),
            delimiter=";",
        )
    )
    assert rows[0][0] == "Oficina" and rows[-2] == ["Total", "1", "1", "1", "1", "2", "2", "0"]
    sheet = openpyxl.load_workbook(
        io.BytesIO(enter("ministro").get("/mi-trabajo/cifras.xlsx").get_data())
    ).active
    assert sheet is not None and [cell.value for cell in sheet[sheet.max_row - 1]] == [
        "Total",
        1,
        1,
        1,
        1,
        2,
        2,
        0,
    ]


def test_lists_are_searched_by_place_number_and_days(enter: Enter, db: OrmSession) -> None:
    visit = done(fails=1)
    client = enter("director")

    def listed(address: str, **asked: str) -> int:
        page = client.get(address, query_string=asked)
        assert page.status_code == 200
        return page.get_data(as_text=True).count("<tr><td data-label")

    employer = visit.establishment.employer
    for address in ("/ordenes/list/", "/visitas/", "/hallazgos/"):
        assert listed(address) == 1
        for q in (employer.legal_name, visit.order.number, employer.ruc or employer.legal_name):
            assert listed(address, q=q) == 1, (address, q)
        assert listed(address, q="nadie se llama asi") == 0
        assert listed(address, hasta="01/01/2000") == 0
        assert listed(address, desde="01/01/2000", hasta=format_date(clock.today())) == 1
        wrong = client.get(address, query_string={"desde": "31/02/2026"}).get_data(as_text=True)
        assert "dd/mm" in wrong and "has-error" in wrong and 'value="31/02/2026"' in wrong


def test_regional_director_reads_the_figures_of_his_office_alone(enter: Enter, db: OrmSession) -> None:
    done(fails=0)
    page = home(enter("regional"))
    part = page[page.index("Cifras por oficina") :]
    assert "REG-11" in part and "REG-CAP" not in part


@pytest.mark.parametrize("username", ["inspector1", "mesa", "admin", "salud", "juridico"])
def test_others_have_no_figures(enter: Enter, username: str) -> None:
    assert "Cifras por oficina" not in home(enter(username))
    assert enter(username).get("/mi-trabajo/cifras.csv").status_code == 404


def test_figures_have_two_formats_and_no_other(enter: Enter) -> None:
    assert enter("director").get("/mi-trabajo/cifras.pdf").status_code == 404


def test_step_that_needs_a_reason_waits_for_nobody_unless_nothing_else_leads_on() -> None:
    from app.operations import figures, procedures

    process = procedures.version_in_force().process("order")
    of = {step.code: step for step in process.moves_from("ASIGNADA")}
    assert not figures.awaited(of["prorrogar"], of.values(), frozenset({Role.DIRECTOR}))
    over = process.moves_from("VENCIDA")
    assert figures.awaited(over[0], over, frozenset({Role.COORDINATOR}))
    assert not figures.awaited(over[0], over, frozenset({Role.MINISTER}))


def test_inspector_without_office_sees_his_page(enter: Enter, db: OrmSession) -> None:
    assert inspector("inspector3").account_id is not None
    assert "Mi trabajo" in home(enter("inspector3"))
