"""The procedure in real days: acts entered late, operations of several employers, actas annulled, numbers used."""

import io
import unicodedata
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pypdf
import pytest
from flask.testing import FlaskClient
from inspection_samples import (
    SIGN,
    acting,
    assigned,
    begun,
    checklist,
    done,
    draft,
    filled,
    first_finding,
    inspector,
    photo,
    principal,
    reported,
    signatures,
)
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession
from support import PASSWORD, token_of

from app.core import clock
from app.core.base import Session
from app.core.errors import RuleBroken
from app.models.catalogs import Office
from app.models.documents import Document, NumberSeries
from app.models.followup import Term
from app.models.inspections import FinalReport, Finding, InspectionOrder, Visit
from app.models.norms import Infraction
from app.models.registry import Establishment
from app.models.security import Account, UserOffice
from app.models.staff import Absence, Inspector
from app.operations import attachments, files, moves, papers
from app.operations.inspections import facts, findings, orders, reports, visits
from app.operations.moves import Details
from app.operations.unit import act

Enter = Callable[[str], FlaskClient]
Later = Callable[[int], None]


@pytest.fixture
def later() -> Iterator[Later]:
    """Move the clock of the system forward by days from now."""
    passed = 0

    def go(days: int) -> None:
        nonlocal passed
        passed += days
        clock.use_offset(lambda: timedelta(days=passed))

    yield go
    clock.use_offset(None)


def scan() -> int:
    with act("test"):
        return attachments.receive(photo()).file.id


def entered_late(day: date, **more: Any) -> Details:
    return Details(happened_on=day, late_reason="Corte de luz.", scan_id=scan(), **more)


def words(document: Document | None) -> str:
    assert document is not None and document.file is not None
    pages = pypdf.PdfReader(io.BytesIO(files.read(document.file))).pages
    text = unicodedata.normalize("NFC", " ".join(page.extract_text() for page in pages))
    return " ".join(text.split())


def reviewed(*records: Any) -> None:
    """The coordinator looks at every held act of these records."""
    with acting("coordinador"):
        for step in moves.history(records):
            if step.holds and step.reviewed_at is None:
                moves.review(step, "Se vio el papel.")


def required(visit: Visit) -> Finding:
    """The first finding of a visit, its remedy required and delivered."""
    finding = first_finding(visit)
    with acting("inspector1"):
        moves.move(finding, "requerir", SIGN)
        findings.deliver(finding, "signed", Details())
    return finding


# Rule 3: an act that happened in time and is entered late


def test_visit_of_the_validity_entered_after_the_expiry_brings_the_order_back_and_is_held(
    db: OrmSession, later: Later
) -> None:
    order = assigned()
    with acting("inspector1"):
        visit = visits.plan(order, {"kind": "INICIAL"})
    day, until = clock.today(), order.valid_until
    assert until is not None
    later((until - day).days + 2)
    moves.move(order, "vencer", Details(captured=True), as_system=True)
    assert order.state == "VENCIDA"
    with acting("inspector1"):
        with pytest.raises(RuleBroken, match="indique su fecha"):
            visits.start(visit, Details())
        db.refresh(visit)
        visits.start(visit, entered_late(day))
    assert visit.state == "EN_CURSO" and order.state == "EN_EJECUCION" and order.held
    term = db.scalars(select(Term).where(Term.order_id == order.id)).one()
    assert (term.status, term.closed_on) == ("met", day)
    reviewed(order, visit)
    signatures(filled(visit, 0))
    with acting("inspector1"):
        moves.move(visit, "finalizar", entered_late(day, signing_mode="drawn"))
    reviewed(order, visit)
    with acting("inspector1"):
        moves.move(order, "declarar_ejecutada")
    assert order.state == "EJECUTADA"


def test_paper_of_a_visit_is_transcribed_after_the_expiry(db: OrmSession, enter: Enter, later: Later) -> None:
    order = assigned()
    with acting("inspector1"):
        visit = visits.plan(order, {"kind": "INICIAL"})
    day, until, key = clock.today(), order.valid_until, order.id
    assert until is not None
    later((until - day).days + 2)
    moves.move(order, "vencer", Details(captured=True), as_system=True)
    page = enter("director").get(f"/ordenes/{key}").get_data(as_text=True)
    assert f'href="/pasos/order/{key}/prorrogar">Ocurrió antes' in page
    client, path = enter("inspector1"), f"/visitas/{visit.id}/transcribir"
    page = client.get(path).get_data(as_text=True)
    assert "indique su fecha" in page
    told = {"happened_on": f"{day:%d/%m/%Y}", "started": "09:00", "late_reason": "Corte de luz."}
    token = {"csrf_token": token_of(page)}
    refused = client.post(path, data={**token, **told, "happened_on": f"{clock.today():%d/%m/%Y}"})
    assert refused.status_code == 422
    assert (
        client.post(path, data={**token, **told, "scan": (io.BytesIO(photo()), "a.jpg")}).status_code == 302
    )
    fresh = db.get_one(InspectionOrder, key, populate_existing=True)
    assert fresh.state == "EN_EJECUCION" and fresh.held


def test_extension_signed_before_the_expiry_and_entered_after_it(db: OrmSession, later: Later) -> None:
    order = assigned()
    until = order.valid_until
    assert until is not None
    later((until - clock.today()).days + 2)
    moves.move(order, "vencer", Details(captured=True), as_system=True)
    who = principal("ministro").account_id
    told = {"reason": "Zona inundada.", "signing_mode": "handwritten", "signatory_account_id": who}
    with acting("ministro"):
        with pytest.raises(RuleBroken, match="Si se dictó antes"):
            moves.move(order, "prorrogar", Details(scan_id=scan(), **told))
        moves.move(order, "prorrogar", entered_late(until - timedelta(days=1), **told))
    assert order.state == "PRORROGADA" and order.held
    assert order.valid_until is not None and order.valid_until > until


def test_remedy_filed_in_time_and_entered_after_the_expiry(db: OrmSession, later: Later) -> None:
    finding = required(done(fails=1, order=assigned(checklists=[checklist("CL-GEN").id])))
    day = clock.today()
    later(90)
    moves.move(finding, "vencer", Details(captured=True), as_system=True)
    with acting("mesa"):
        findings.file(finding, "Planilla fuera de plazo", None, Details())
    assert finding.state == "VENCIDO" and len(finding.filings) == 1
    with acting("inspector1"):
        moves.move(finding, "cerrar_sin_respuesta")
    with acting("mesa"):
        findings.file(finding, "Planilla", photo(), entered_late(day))
    assert finding.state == "PRESENTADO" and finding.held
    term = db.scalars(select(Term).where(Term.finding_id == finding.id)).one()
    assert (term.status, term.closed_on) == ("met", day)
    reviewed(finding)
    with acting("inspector1"):
        findings.verify(finding, "remedied", "Se vio.")
        moves.move(finding, "dar_por_subsanado")
    assert finding.state == "SUBSANADO"


# Rule 10: an operation at several employers


def operation(ratified: tuple[bool, bool]) -> tuple[InspectionOrder, list[Visit], list[Establishment]]:
    """An operation at two employers, each with one finding."""
    owners: dict[int, Establishment] = {}
    for place in Session.scalars(select(Establishment).order_by(Establishment.id)):
        owners.setdefault(place.employer_id, place)
    places = list(owners.values())[:2]
    order = assigned(kind="OPERATIVO", places=[place.id for place in places])
    made = []
    for place, ratify in zip(places, ratified, strict=True):
        with acting("inspector1"):
            visit = visits.plan(order, {"kind": "INICIAL", "establishment_id": place.id})
            visits.start(visit, Details())
        signatures(filled(visit, 1))
        with acting("inspector1"):
            moves.move(visit, "finalizar", SIGN)
        if ratify:
            with acting("director"):
                moves.move(visit, "ratificar_anexo")
        made.append(visit)
    return order, made, places


def test_report_of_an_operation_names_each_employer_and_charges_each_in_his_own_acta(db: OrmSession) -> None:
    order, made, places = operation((True, True))
    with acting("inspector1"):
        for visit in made:
            moves.move(first_finding(visit), "enviar_a_sumario")
    report = reported(order, "SUMARIO")
    with acting("inspector1"):
        assert papers.draft(report, "ACT-INF").startswith(b"%PDF")
        moves.move(report, "firmar_con_infraccion", SIGN)
    issued = [one for one in papers.documents_of(report) if one.type_code == "ACT-INF"]
    first, second = (words(one) for one in reversed(issued))
    names = [place.employer.legal_name for place in places]
    assert names[0] in first and names[1] not in first
    assert names[1] in second and names[0] not in second
    said = words(report.document)
    assert all(name in said for name in names) and "por empleador" in said
    with acting("director"):
        moves.move(report, "devolver", Details(reason="Falta un dato."))
    with acting("inspector1"):
        moves.move(report, "enviar_a_coordinacion")
    with acting("coordinador"):
        moves.move(report, "dar_visto_bueno")
    with acting("inspector1"):
        moves.move(report, "firmar_con_infraccion", SIGN)
    again = [one for one in papers.documents_of(report) if one.type_code == "ACT-INF"]
    assert [one.replaced_by_id is None for one in again] == [True, True, False, False]


def test_annex_that_lapsed_holds_up_its_own_findings_only(db: OrmSession, later: Later) -> None:
    order, made, places = operation((True, False))
    with acting("inspector1"):
        moves.move(first_finding(made[0]), "enviar_a_sumario")
        with pytest.raises(RuleBroken, match="no ratificó"):
            moves.move(first_finding(made[1]), "enviar_a_sumario")
        moves.move(order, "declarar_ejecutada")
        report = facts.report_of(order)
        assert report is not None
        reports.write(report, {"facts": "a", "analysis": "b", "proposal": "SUMARIO"})
        with pytest.raises(RuleBroken, match="sin decidir"):  # the annex may still be ratified
            moves.move(report, "enviar_a_coordinacion")
        later(30)
        moves.move(report, "enviar_a_coordinacion")
    with acting("coordinador"):
        moves.move(report, "dar_visto_bueno")
    with acting("inspector1"):
        moves.move(report, "firmar_con_infraccion", SIGN)
    assert [one.type_code for one in papers.documents_of(report)].count("ACT-INF") == 1
    assert "no va a sumario" in words(report.document)
    with acting("director"):
        moves.move(report, "enviar_a_sumario")
    assert order.state == "CERRADA" and first_finding(made[1]).state == "CONSTATADO"


# Orders and actas that are annulled, and what hangs on them


def test_annulled_order_takes_its_planned_visits_and_letters_with_it(db: OrmSession) -> None:
    order = assigned()
    with acting("inspector1"):
        visit = visits.plan(order, {"kind": "INICIAL"})
    with acting("ministro"):
        moves.move(order, "prorrogar", Details(reason="Zona inundada.", password=PASSWORD))
        step = next(offer.move for offer in moves.offers(order) if offer.move.code == "anular")
        said = " ".join(moves.foreseen(order, step))
        moves.move(order, "anular", Details(reason="Se duplicó."))
    assert "visita 1" in said and order.number in said and "OI-PRO" in said
    assert visit.state == "ANULADA"
    assert moves.history([visit])[0].reason == "Se duplicó."
    assert {one.status for one in papers.documents_of(order)} == {"annulled"}


def test_annulled_acta_takes_the_letters_of_its_findings_and_names_them_before(
    db: OrmSession, enter: Enter, anonymous: FlaskClient
) -> None:
    visit = done(fails=2, order=assigned(checklists=[checklist("CL-GEN").id]))
    one, two = findings.of_visit(visit)
    required(visit)
    with acting("coordinador"):
        moves.move(two, "descartar", Details(reason="No corresponde."))
    request = one.request
    assert request is not None
    with acting("director"):
        moves.move(one, "prorrogar", Details(reason="Lo pidió.", password=PASSWORD))
    page = enter("coordinador").get(f"/pasos/visit/{visit.id}/reabrir").get_data(as_text=True)
    extension = papers.documents_of(one)[0]
    assert extension.type_code == "PRO"
    for number in (request.number, extension.number, visit.document.number if visit.document else "?"):
        assert number in page
    with acting("coordinador"):
        moves.move(visit, "reabrir", Details(reason="Otro establecimiento."))
    assert [each.state for each in findings.of_visit(visit)][:2] == ["ANULADO", "ANULADO"]
    kept = db.scalars(select(Document).where(Document.id.in_([request.id, extension.id])))
    assert {one.status for one in kept} == {"annulled"}
    public = anonymous.get(f"/v/{request.verification_code}").get_data(as_text=True)
    assert "Documento anulado" in public


def test_acta_is_not_annulled_while_its_report_is_ahead(db: OrmSession) -> None:
    visit = done(fails=0)
    order = facts.order_of(visit)
    report = reported(order, "ARCHIVO")
    with acting("coordinador"):
        with pytest.raises(RuleBroken, match="debe volver a la inspección"):
            moves.move(visit, "reabrir", Details(reason="Un error."))
        moves.move(report, "devolver", Details(reason="Se anula un acta."))
        moves.move(visit, "reabrir", Details(reason="Un error."))
    assert order.state == "EN_EJECUCION" and report.state == "ELABORACION"
    with acting("inspector1"), pytest.raises(RuleBroken, match="todavía no se declaró"):
        moves.move(report, "enviar_a_coordinacion")


# Substitution by hand


def test_substitution_asks_for_who_is_absent_and_is_drafted_and_printed(db: OrmSession, enter: Enter) -> None:
    order = assigned()
    other = db.scalars(select(Inspector).where(Inspector.code == "INSP-04")).one()
    with act("test"):
        until = clock.today() + timedelta(days=9)
        db.add(Absence(inspector_id=other.id, valid_from=clock.today(), valid_to=until, reason="Vacaciones"))
    team = [inspector("inspector1").id, other.id]
    told = Details(reason="Licencia.", password=PASSWORD)
    with acting("ministro"):
        with pytest.raises(RuleBroken, match="Están ausentes"):
            orders.substitute(order, team, told)
        offer = next(one for one in moves.offers(order) if one.move.code == "sustituir")
        assert offer.allowed
    client = enter("secretaria")
    path = f"/ordenes/{order.id}/equipo"
    form = {
        "team": team,
        "leader": team[0],
        "reason": "Licencia.",
        "happened_on": f"{clock.today():%d/%m/%Y}",
    }
    token = token_of(client.get(path).get_data(as_text=True))
    answer = client.post(path, data={"csrf_token": token, **form, "go": "draft"})
    assert answer.mimetype == "application/pdf"
    answer = client.post(path, data={"csrf_token": token, **form, "go": "print"})
    assert answer.status_code == 422 and "Están ausentes" in answer.get_data(as_text=True)
    answer = client.post(path, data={"csrf_token": token, **form, "absence_confirmed": "y", "go": "print"})
    assert answer.mimetype == "application/pdf"
    (reserved,) = papers.reserved_of(order, "OI-SUS")
    assert [each.inspector.code for each in order.designated] == ["INSP-01", "INSP-02"]
    with acting("secretaria"):
        minister = papers.signatories(order, "OI-SUS", clock.today())[0].account_id
        paper = {"signing_mode": "handwritten", "scan_id": scan(), "signatory_account_id": minister}
        orders.substitute(order, team, Details(reason="Licencia.", absence_confirmed=True, **paper))
    assert papers.documents_of(order)[0].id == reserved.id and reserved.status == "issued"


# Who sees what


def test_osh_reads_on_what_it_returned_and_writes_it_no_more(db: OrmSession) -> None:
    report = reported(facts.order_of(done(fails=0)), "ARCHIVO")
    with acting("inspector1"):
        moves.move(report, "firmar", SIGN)
    with acting("sst"):
        moves.move(report, "devolver", Details(reason="Falta un dato."))
    key = report.id
    db.expire_all()
    with acting("sst"):
        seen = db.scalars(select(FinalReport).where(FinalReport.id == key)).first()
        assert seen is not None and moves.offers(seen) == []
        assert db.scalars(select(InspectionOrder.id)).all()


def test_central_desk_serves_the_offices_of_its_branch_and_a_regional_one_its_own(db: OrmSession) -> None:
    finding = required(done(fails=1, order=assigned(checklists=[checklist("CL-GEN").id])))
    for who in ("mesa", "notificador"):
        with acting(who):
            assert finding.id in db.scalars(select(Finding.id)).all()
    with acting("mesa"):
        findings.file(finding, "Planilla", None, Details())
    assert finding.state == "PRESENTADO"
    account = db.scalars(select(Account).where(Account.username == "mesa")).one()
    with act("test"):  # the same person at the desk of another region
        elsewhere = db.scalars(select(Office.id).where(Office.code == "REG-11")).one()
        db.scalars(select(UserOffice).where(UserOffice.user_id == account.id)).one().office_id = elsewhere
    with acting("mesa"):
        assert not db.scalars(select(Finding.id)).all() and not db.scalars(select(InspectionOrder.id)).all()


# Numbers


def test_number_printed_before_the_return_is_not_used_again(db: OrmSession) -> None:
    order = draft()
    with acting("coordinador"):
        moves.move(order, "enviar_a_firma")
    with acting("secretaria"):
        first, _ = papers.print_for_signature(order, "OI")
        moves.move(order, "devolver", Details(reason="Falta la materia."))
    assert first.status == "annulled" and first.annulled_reason == "No se firmó: devolver sin firmar."
    with acting("coordinador"):
        moves.move(order, "corregir")
        moves.move(order, "enviar_a_firma")
    with acting("secretaria"):
        second, _ = papers.print_for_signature(order, "OI")
    assert second.number != first.number


def test_number_used_on_paper_has_its_place_in_the_book(db: OrmSession, enter: Enter) -> None:
    series_id = (assigned().document or Document()).series_id
    series = db.get_one(NumberSeries, series_id)
    client = enter("secretaria")
    path = f"/libros/{series_id}/papel"
    told = {"title": "Orden urgente", "reason": "Sin luz en la sede."}

    def send(number: int, **more: Any) -> Any:
        token = token_of(client.get(path).get_data(as_text=True))
        form = {"number": number, "happened_on": f"{clock.today():%d/%m/%Y}", **told, **more}
        return client.post(path, data={"csrf_token": token, **form})

    assert send(series.next_number).status_code == 422  # without its scan
    gap = send(series.next_number + 1, scan=(io.BytesIO(photo()), "a.jpg"))
    assert gap.status_code == 422 and "hueco" in gap.get_data(as_text=True)
    number = series.next_number
    assert send(number, scan=(io.BytesIO(photo()), "a.jpg")).status_code == 302
    page = client.get(f"/libros/{series_id}").get_data(as_text=True)
    assert "Usado en papel" in page and "Sin luz en la sede." in page and "Sin huecos" in page
    used = db.scalars(select(Document).where(Document.status == "used")).one()
    assert client.get(f"/libros/escaneo/{used.id}").mimetype == "image/jpeg"
    assert send(number, scan=(io.BytesIO(photo()), "a.jpg")).status_code == 422
    assert (assigned().document or Document()).sequence == number + 1
    assert enter("auditor").get(path).status_code == 403


def test_worker_counted_by_the_fine_is_asked_for_at_the_finding(db: OrmSession) -> None:
    visit = begun()
    breach = db.scalars(select(Infraction).where(Infraction.basis == "per_worker")).first()
    assert breach is not None
    told = {"facts": "Sin planilla.", "infraction_id": breach.id}
    with acting("inspector1"):
        assert findings.prepare(visit, {**told, "affected_workers": 2}).confirmed
        with pytest.raises(RuleBroken, match="por trabajador") as refused:
            findings.prepare(visit, {**told, "affected_workers": 0})
    assert refused.value.field == "affected_workers"
