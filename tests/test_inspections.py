"""Inspections: from the draft of an order to its archive, and what is refused on the way."""

import io
import unicodedata
from datetime import timedelta

import pypdf
import pytest
from inspection_samples import (
    SIGN,
    acting,
    assigned,
    begun,
    checklist,
    done,
    draft,
    establishment,
    filled,
    first_finding,
    inspector,
    office_of,
    photo,
    reported,
    signatures,
    signed,
)
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession
from support import PASSWORD

from app.core import clock
from app.core.errors import Missing, NotAllowed, RuleBroken
from app.models.documents import Document, NumberSeries
from app.models.followup import Term
from app.models.inspections import ConflictOfInterest
from app.models.staff import Absence, Delegation, Inspector, Post
from app.operations import attachments, documents, files, moves, papers
from app.operations.inspections import corrections, facts, findings, letters, orders, reports, visits
from app.operations.moves import Details
from app.operations.unit import act
from app.workflow.effects import EFFECTS
from app.workflow.guards import FACTS


def words(document: Document | None) -> str:
    assert document is not None and document.file is not None
    return pdf_words(files.read(document.file))


def pdf_words(content: bytes) -> str:
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)
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
    order = assigned(checklists=[checklist("CL-GEN").id])
    finding = first_finding(done(fails=1, order=order))
    with acting("inspector1"):
        moves.move(finding, "requerir", SIGN)
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
        reports.write(
            report, {"facts": "Sin novedad.", "analysis": "No hay infracción.", "proposal": "ARCHIVO"}
        )
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


def test_substitution_is_a_document_of_its_own_and_the_order_says_modified(db: OrmSession) -> None:
    order = assigned()
    other = db.scalars(select(Inspector).where(Inspector.code == "INSP-04")).one()
    first = order.document
    with acting("ministro"):
        team = [inspector("inspector1").id, other.id]
        orders.substitute(order, team, Details(reason="Licencia médica.", password=PASSWORD))
    document = papers.documents_of(order)[0]
    text = words(document)
    assert document.type_code == "OI-SUS" and "Licencia médica" in text
    assert "Nelson Ojeda Cabañas" in text and "Gustavo Aquino Fretes" in text
    assert first is not None and first.replaced_by_id == document.id and first.status == "issued"
    assert [each.inspector.code for each in order.designated] == ["INSP-01", "INSP-04"]


def test_extension_goes_from_the_last_day_and_only_once(db: OrmSession) -> None:
    order = assigned()
    before = order.valid_until
    with acting("ministro"):
        moves.move(order, "prorrogar", Details(reason="Zona inundada.", password=PASSWORD))
    assert before is not None and order.valid_until is not None
    assert order.valid_until >= before + timedelta(days=30)
    text = words(papers.documents_of(order)[0])
    assert f"{before:%d/%m/%Y}" in text and f"{order.valid_until:%d/%m/%Y}" in text
    with acting("ministro"), pytest.raises(RuleBroken, match="prórrogas permitidas"):
        moves.move(order, "prorrogar", Details(reason="Otra vez.", password=PASSWORD))


def test_handwritten_order_keeps_its_reserved_number_and_the_scan_counts(db: OrmSession) -> None:
    order = draft()
    with acting("coordinador"):
        moves.move(order, "enviar_a_firma")
    with acting("secretaria"):
        document, paper = papers.print_for_signature(order, "OI")
        again, _ = papers.print_for_signature(order, "OI")
        assert document.id == again.id and "Bernardo Espínola" in pdf_words(paper)
        scan = attachments.receive(photo()).file
        minister = papers.signatories(order, "OI", clock.today())[0]
        with pytest.raises(RuleBroken, match="quién firmó"):
            moves.move(order, "firmar", Details(signing_mode="handwritten", scan_id=scan.id))
        moves.move(
            order,
            "firmar",
            Details(signing_mode="handwritten", scan_id=scan.id, signatory_account_id=minister.account_id),
        )
    assert order.document_id == document.id and order.document is not None
    assert order.document.signatory == str(minister) and order.document.signing_mode == "handwritten"


def test_open_order_names_the_establishment_at_the_door_in_an_annex_to_ratify(db: OrmSession) -> None:
    order = assigned(kind="TURNO", places=[], zone="Mercado 4", period_from=clock.today())
    with acting("inspector1"):
        visit = visits.plan(order, {"kind": "INICIAL"})
        with pytest.raises(RuleBroken, match="establecimiento"):
            visits.start(visit, Details())
        visits.start(visit, Details(), {"establishment_id": establishment().id})
    assert visit.annex == "pending" and order.state == "EN_EJECUCION"
    term = db.scalars(select(Term).where(Term.visit_id == visit.id)).one()
    assert term.type_code == "RATIFICACION_ANEXO"
    with acting("director"):
        moves.move(visit, "ratificar_anexo")
    db.refresh(term)
    assert visit.annex == "ratified" and term.status == "met"


def test_finding_of_an_unratified_annex_does_not_go_to_sumario(db: OrmSession) -> None:
    order = assigned(kind="TURNO", places=[], zone="Mercado 4")
    with acting("inspector1"):
        visit = visits.plan(order, {"kind": "INICIAL"})
        visits.start(visit, Details(), {"establishment_id": establishment().id})
    signatures(filled(visit, 1))
    with acting("inspector1"):
        moves.move(visit, "finalizar", SIGN)
        with pytest.raises(RuleBroken, match="no ratificó"):
            moves.move(first_finding(visit), "enviar_a_sumario")


def test_complementary_acta_corrects_and_the_first_value_stays_in_the_acta(db: OrmSession) -> None:
    visit = done(fails=0)
    with acting("inspector1"):
        document = corrections.correct(
            visit,
            [{"target": "headcount:TOTAL:men", "should_say": "13", "reason": "Se contó mal el depósito."}],
            SIGN,
            {"name": "Carlos Benítez", "refusal": "No quiso firmar."},
        )
    assert corrections.headcounts(visit)["TOTAL"]["men"] == 13
    assert visit.headcounts[0].men == 3
    assert visit.document is not None and visit.document.replaced_by_id == document.id
    assert "13" in words(document) and "No quiso firmar" in words(document)
    with acting("inspector3"), pytest.raises((NotAllowed, Missing)):
        corrections.correct(visit, [], SIGN, {"name": "x", "refusal": "y"})


def test_absence_asks_before_designating(db: OrmSession) -> None:
    order = draft()
    with acting("director"), act("test"):
        db.add(
            Absence(
                inspector_id=inspector("inspector1").id,
                valid_from=clock.today(),
                valid_to=clock.today() + timedelta(days=5),
                reason="Vacaciones",
            )
        )
    with acting("coordinador"):
        with pytest.raises(RuleBroken, match="ausentes"):
            moves.move(order, "enviar_a_firma")
        orders.change(order, {"absence_confirmed": True})
        moves.move(order, "enviar_a_firma")
    assert order.state == "PENDIENTE_FIRMA"


def test_conflict_of_interest_refuses(db: OrmSession) -> None:
    order = draft()
    with acting("director"), act("test"):
        db.add(
            ConflictOfInterest(
                inspector_id=inspector("inspector2").id,
                employer_id=establishment().employer_id,
                relation="Parentesco",
                valid_from=clock.today(),
            )
        )
    with acting("coordinador"), pytest.raises(RuleBroken, match="Nelson Ojeda"):
        moves.move(order, "enviar_a_firma")


def test_visit_pack_has_the_questions_of_its_order(db: OrmSession) -> None:
    order = assigned()
    reader = pypdf.PdfReader(io.BytesIO(letters.pack_pdf(order)))
    text = " ".join(page.extract_text() for page in reader.pages)
    assert "CL-INF-01" in text and order.number in text


def test_refused_signature_leaves_no_gap_in_the_book(db: OrmSession) -> None:
    for _ in range(3):
        signed()
    order = draft()
    with acting("coordinador"):
        moves.move(order, "enviar_a_firma")
    with acting("ministro"), pytest.raises(RuleBroken):
        moves.move(order, "firmar", Details(password="mala"))
    series = db.scalars(select(NumberSeries).where(NumberSeries.type_code == "OI")).one()
    assert [line.sequence for line in documents.book(series)] == [1, 2, 3]


def test_held_act_waits_for_the_coordinator(db: OrmSession) -> None:
    order = assigned()
    scan = attachments.receive(photo()).file
    with acting("inspector1"):
        visit = visits.plan(order, {"kind": "INICIAL"})
        before = clock.today() - timedelta(days=2)
        told = Details(happened_on=before, late_reason="Corte de luz.", scan_id=scan.id)
        visits.start(visit, told)
    assert visit.held and visit.state == "EN_CURSO"
    with acting("inspector1"), pytest.raises(RuleBroken, match="retenido"):
        moves.move(visit, "suspender", Details(reason="x"))
    step = next(step for step in moves.history([visit]) if step.holds)
    with acting("coordinador"):
        moves.review(step, "Se verificó con el acta en papel.")
    db.refresh(visit)
    assert not visit.held


def test_order_of_another_office_is_told_its_own(db: OrmSession) -> None:
    assert assigned().office_id == office_of("coordinador")


def test_one_request_reunites_the_findings_of_a_visit_and_one_delivery_starts_their_terms(
    db: OrmSession,
) -> None:
    visit = done(fails=3, order=assigned(checklists=[checklist("CL-GEN").id]))
    found = findings.of_visit(visit)
    with acting("inspector1"):
        document = findings.require(found, SIGN)
        assert {each.request_id for each in found} == {document.id}
        text = words(document)
        assert all(each.obligation and each.obligation[:40] in text for each in found)
        findings.deliver_all(document, "refused", Details())
    assert {each.state for each in found} == {"EN_PLAZO"}
    assert len(db.scalars(select(Term).where(Term.finding_id.in_([f.id for f in found]))).all()) == 3
    with acting("inspector1"), pytest.raises(RuleBroken, match="ya está registrada"):
        findings.deliver_all(document, "signed", Details())


def test_report_that_proposes_sumario_is_signed_with_the_acta_of_infraction(db: OrmSession) -> None:
    visit = done(fails=1)
    finding = first_finding(visit)
    assert finding.infraction is not None and not finding.infraction.remediable
    with acting("inspector1"):
        moves.move(finding, "enviar_a_sumario")
    report = reported(facts.order_of(visit), "SUMARIO")
    with acting("inspector1"):
        with pytest.raises(RuleBroken, match="acta de infracción"):
            moves.move(report, "firmar", SIGN)
        moves.move(report, "firmar_con_infraccion", SIGN)
    issued = {document.type_code: document for document in papers.documents_of(report)}
    assert set(issued) == {"INF-FIN", "ACT-INF"}
    text = words(issued["ACT-INF"])
    assert finding.infraction.code in text and str(finding.infraction.day_wages_min) in text
    with acting("director"):
        moves.move(report, "enviar_a_sumario")
    assert report.state == "A_SUMARIO" and facts.order_of(visit).state == "CERRADA"


def test_new_actions_of_the_minister_give_the_order_a_new_validity(db: OrmSession) -> None:
    visit = done(fails=0)
    order = facts.order_of(visit)
    report = reported(facts.order_of(visit), "ARCHIVO")
    with acting("inspector1"):
        moves.move(report, "firmar", SIGN)
    with acting("director"):
        reports.write(report, {"observation": "Falta verificar el depósito."})
        moves.move(report, "remitir_con_observacion", SIGN)
    with acting("juridico"):
        reports.write(report, {"opinion": "Visto.\nCorresponden nuevas diligencias."})
        moves.move(report, "dictaminar", SIGN)
        moves.move(report, "elevar")
    with acting("ministro"):
        moves.move(report, "ordenar_diligencias", Details(reason="Verificar el depósito.", password=PASSWORD))
    assert report.state == "DILIGENCIAS_ORDENADAS" and order.state == "EN_EJECUCION"
    assert order.valid_until is not None and order.valid_until > clock.today()
    assert "Verificar el depósito" in words(papers.documents_of(report)[0])
    second = done(fails=0, order=order)
    with acting("inspector1"):
        moves.move(order, "declarar_ejecutada")
        moves.move(report, "retomar")
    assert second.number == 2 and report.state == "ELABORACION"


def test_home_is_not_entered_without_consent_or_court(db: OrmSession) -> None:
    order = assigned(requires_authorisation=True)
    with acting("inspector1"):
        visit = visits.plan(order, {"kind": "INICIAL"})
        with pytest.raises(RuleBroken, match="domicilio"):
            visits.start(visit, Details())
    with acting("coordinador"):
        orders.authorise_entry(order, "Consentimiento escrito de la dueña de casa", photo())
    with acting("inspector1"):
        visits.start(visit, Details())
    assert visit.state == "EN_CURSO"


def test_roster_counts_for_the_fine_and_prints_names_only_for_those_entitled(db: OrmSession) -> None:
    visit = done(fails=1)
    finding = first_finding(visit)
    with acting("inspector1"):
        rows = findings.parse_roster(
            "Nombre;Documento;Período;Importe\nAna Duarte;1234567;2025;1.200.000\nLuis Paz"
        )
        assert findings.add_workers(finding, rows) == 2
        assert facts.affected(finding) == 2
        findings.remove_worker(finding.roster[1], "Probó su inscripción.")
    assert facts.affected(finding) == 1 and len(finding.roster) == 2
    order = facts.order_of(visit)

    def text(content: bytes) -> str:
        return " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)

    assert "Ana Duarte" not in text(letters.roster_pdf(order, [finding], None))
    assert "Ana Duarte" in text(letters.roster_pdf(order, [finding], "Coordinación"))


def test_what_was_signed_is_not_written_on_until_the_signatures_are_withdrawn(db: OrmSession) -> None:
    visit = signatures(filled(begun(), 0))
    with acting("inspector1"):
        with pytest.raises(RuleBroken, match="Ya hay firmas"):
            visits.write(visit, {"narrative": "Otra cosa"})
        visits.withdraw_signatures(visit)
        visits.write(visit, {"narrative": "Otra cosa"})
        with pytest.raises(RuleBroken, match="Falta la firma de"):
            moves.move(visit, "finalizar", SIGN)


def test_result_of_the_verification_decides_the_step(db: OrmSession) -> None:
    order = assigned(checklists=[checklist("CL-GEN").id])
    finding = first_finding(done(fails=1, order=order))
    with acting("inspector1"):
        findings.require([finding], SIGN)
        findings.deliver(finding, "signed", Details())
        findings.file(finding, "Planillas", None, Details())
        findings.verify(finding, "not_remedied", "Faltan dos trabajadores.")
        with pytest.raises(RuleBroken, match="no dio por subsanado"):
            moves.move(finding, "dar_por_subsanado")
        moves.move(finding, "dar_por_no_subsanado")
    assert finding.state == "NO_SUBSANADO"


def test_delegate_signs_the_order_as_the_minister_would(db: OrmSession) -> None:
    order = draft()
    with acting("coordinador"):
        moves.move(order, "enviar_a_firma")
    with acting("director"):
        assert "firmar" not in {offer.move.code for offer in moves.offers(order)}
        with pytest.raises(NotAllowed):
            moves.move(order, "firmar", SIGN)
    posts = {post.code: post.id for post in db.scalars(select(Post))}
    with acting("secretaria"), act("test"):
        db.add(
            Delegation(
                from_post_id=posts["MINISTRO"],
                to_post_id=posts["DIR-DGIFT"],
                document_type_code="OI",
                valid_from=clock.today(),
                valid_to=clock.today(),
                legal_act="Resolución de prueba",
            )
        )
    with acting("director"):
        assert next(o for o in moves.offers(order) if o.move.code == "firmar").allowed
        moves.move(order, "firmar", SIGN)
    assert order.document is not None and "Rubén Escurra" in (order.document.signatory or "")


def test_substituted_inspector_writes_no_more_on_the_visit(db: OrmSession) -> None:
    visit = begun()
    order = facts.order_of(visit)
    with acting("inspector2"):
        visits.write(visit, {"narrative": "Se recorre el local."})
    with acting("ministro"):
        told = Details(reason="Licencia médica.", password=PASSWORD)
        orders.substitute(order, [inspector("inspector1").id], told)
    with acting("inspector2"), pytest.raises(NotAllowed, match="sustituido"):
        visits.write(visit, {"narrative": "Otra cosa"})
