"""Inspections: from the draft of an order to its archive, and what is refused on the way."""

import io
import unicodedata

import pypdf
import pytest
from inspection_samples import (
    SIGN,
    acting,
    assigned,
    begun,
    done,
    draft,
    filled,
    first_finding,
    inspector,
    office_of,
    photo,
    signatures,
    signed,
)
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from app.core.errors import NotAllowed, RuleBroken
from app.models.documents import Document
from app.models.followup import Term
from app.operations import files, moves
from app.operations.inspections import facts, findings, reports, visits
from app.operations.moves import Details
from app.workflow.effects import EFFECTS
from app.workflow.guards import FACTS


def words(document: Document | None) -> str:
    assert document is not None and document.file is not None
    reader = pypdf.PdfReader(io.BytesIO(files.read(document.file)))
    text = " ".join(page.extract_text() for page in reader.pages)
    return " ".join(unicodedata.normalize("NFC", text).split())


def test_every_fact_has_a_source_and_every_effect_one_implementation() -> None:
    known_facts, known_effects = moves.registered()
    assert known_facts == set(FACTS)
    assert known_effects == set(EFFECTS)


def test_signed_order_has_its_number_its_validity_and_says_who_goes_where(db: OrmSession) -> None:
    order = signed()
    text = words(order.document)
    assert order.document is not None and order.document.number.startswith("OI-")
    assert order.document.number in text
    assert "Lourdes Vázquez Riquelme" in text and "9.100.137" in text
    assert order.places[0].establishment.employer.legal_name in text
    assert order.valid_until is not None and f"{order.valid_until:%d/%m/%Y}" in text
    term = db.scalars(select(Term).where(Term.order_id == order.id)).one()
    assert term.due_on == order.valid_until and term.status == "open"


def test_wrong_password_signs_nothing_and_takes_no_number(db: OrmSession) -> None:
    order = draft()
    with acting("coordinador"):
        moves.move(order, "enviar_a_firma")
    with acting("ministro"), pytest.raises(RuleBroken) as refused:
        moves.move(order, "firmar", Details(password="otra"))
    assert refused.value.field == "password"
    db.refresh(order)
    assert order.state == "PENDIENTE_FIRMA" and order.document_id is None
    assert not db.scalars(select(Document)).all()


def test_only_the_signatory_of_the_day_signs(db: OrmSession) -> None:
    order = draft()
    with acting("coordinador"):
        moves.move(order, "enviar_a_firma")
    with acting("secretaria"), pytest.raises(RuleBroken, match="firmante habilitado"):
        moves.move(order, "firmar", SIGN)
    with acting("inspector1"), pytest.raises(NotAllowed):
        moves.move(order, "firmar", SIGN)


def test_buttons_and_server_judge_alike(db: OrmSession) -> None:
    order = draft(team=[])
    with acting("coordinador"):
        offer = next(o for o in moves.offers(order) if o.move.code == "enviar_a_firma")
        assert not offer.allowed
        with pytest.raises(RuleBroken) as refused:
            moves.move(order, "enviar_a_firma")
    assert refused.value.reasons == offer.reasons


def test_acta_states_what_was_found_and_opens_its_findings(db: OrmSession) -> None:
    visit = done(fails=1)
    assert visit.state == "REALIZADA" and visit.document is not None
    text = words(visit.document)
    assert visit.document.number in text and "Carlos Benítez" in text
    finding = first_finding(visit)
    assert finding.state == "CONSTATADO"
    assert finding.infraction is not None and finding.infraction.code in text
    assert facts.order_of(visit).state == "EN_EJECUCION"


def test_unanswered_or_unsigned_visit_is_not_closed_and_says_why(db: OrmSession) -> None:
    visit = begun()
    with acting("inspector1"), pytest.raises(RuleBroken) as refused:
        moves.move(visit, "finalizar", SIGN)
    said = " ".join(refused.value.reasons)
    assert "respuestas obligatorias" in said and "Falta la firma de" in said and "trabajadores" in said


def test_signed_acta_cannot_be_written_on(db: OrmSession) -> None:
    visit = done(fails=0)
    with acting("inspector1"), pytest.raises(RuleBroken, match="firmada"):
        visits.write(visit, {"narrative": "Otra cosa"})
    with acting("inspector1"), pytest.raises(RuleBroken, match="firmada"):
        visits.attach(visit, photo(), "Otra")


def test_refusal_to_sign_closes_the_visit_and_is_in_the_acta(db: OrmSession) -> None:
    visit = signatures(filled(begun(), 0), refused=True)
    with acting("inspector1"):
        moves.move(visit, "finalizar", SIGN)
    assert "Consultará con su abogado" in words(visit.document)


def test_annulled_acta_reopens_the_visit_and_withdraws_its_findings(db: OrmSession) -> None:
    visit = done(fails=1)
    first = visit.document
    with acting("inspector1"), pytest.raises(NotAllowed):
        moves.move(visit, "reabrir", Details(reason="Un error"))
    with acting("coordinador"):
        moves.move(visit, "reabrir", Details(reason="Se confundió el establecimiento."))
    assert visit.state == "EN_CURSO" and visit.document_id is None
    assert first is not None and first.status == "annulled"
    assert first_finding(visit).state == "ANULADO"
    assert not visit.signatures and all(row.signed_at is None for row in visit.inspectors)


def test_remedy_runs_from_delivery_to_closure(db: OrmSession) -> None:
    finding = first_finding(done(fails=1))
    with acting("inspector1"):
        findings_ = finding
        if finding.infraction is not None and not finding.infraction.remediable:
            pytest.skip("the first question of the checklist opens a breach that cannot be remedied")
        moves.move(findings_, "requerir", SIGN)
        assert "Requerimiento" in words(finding.request)
        findings.deliver(finding, "signed", Details())
        assert finding.state == "EN_PLAZO"
        findings.file(finding, "Planillas del IPS", None, Details())
        assert finding.state == "PRESENTADO"
        findings.verify(finding, "remedied", "Se vio la planilla.")
        moves.move(finding, "dar_por_subsanado")
        moves.move(finding, "cerrar")
    assert finding.state == "CERRADO"


def test_report_goes_its_whole_way_to_the_archive(db: OrmSession) -> None:
    visit = done(fails=0)
    order = facts.order_of(visit)
    with acting("inspector1"):
        moves.move(order, "declarar_ejecutada")
        report = facts.report_of(order)
        assert report is not None and report.state == "ELABORACION"
        reports.write(report, {"facts": "Sin novedad.", "analysis": "No hay infracción.", "proposal": "ARCHIVO"})
        moves.move(report, "enviar_a_coordinacion")
    with acting("coordinador"):
        moves.move(report, "devolver", Details(reason="Falta el detalle de la visita."))
    with acting("inspector1"):
        moves.move(report, "enviar_a_coordinacion")
    with acting("coordinador"):
        moves.move(report, "dar_visto_bueno")
    with acting("inspector1"):
        moves.move(report, "firmar", SIGN)
        assert "Sin novedad" in words(report.document)
    with acting("director"):
        moves.move(report, "remitir")
    with acting("juridico"):
        reports.write(report, {"opinion": "Visto.\nCorresponde el archivo."})
        moves.move(report, "dictaminar", SIGN)
        moves.move(report, "elevar")
    with acting("ministro"):
        moves.move(report, "archivar", SIGN)
    assert report.state == "ARCHIVADO" and order.state == "CERRADA"
    assert not db.scalars(select(Term).where(Term.status == "open")).all()


def test_act_of_yesterday_needs_its_reason_and_scan(db: OrmSession) -> None:
    from datetime import timedelta

    from app.core import clock

    order = draft()
    yesterday = clock.today() - timedelta(days=1)
    with acting("coordinador"), pytest.raises(RuleBroken, match="motivo y adjunte el escaneo"):
        moves.move(order, "enviar_a_firma", Details(happened_on=yesterday))
    with acting("coordinador"), pytest.raises(RuleBroken, match="futura"):
        moves.move(order, "enviar_a_firma", Details(happened_on=clock.today() + timedelta(days=1)))


def test_p1_needs_two_inspectors(db: OrmSession) -> None:
    order = draft(priority="P1", team=[inspector("inspector1").id])
    with acting("coordinador"), pytest.raises(RuleBroken, match="al menos 2"):
        moves.move(order, "enviar_a_firma")


def test_order_of_another_office_is_told_its_own(db: OrmSession) -> None:
    assert assigned().office_id == office_of("coordinador")
