"""From the report to the decision."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.errors import RuleBroken
from app.core.types import inside
from app.documents import letters as out
from app.documents.letters import Paper
from app.models.documents import Document, DocumentStatus
from app.models.inspections import (
    FinalReport,
    Finding,
    InspectionOrder,
    Proposal,
    Visit,
    VisitKind,
)
from app.models.norms import Basis, Severity
from app.operations import moves, papers
from app.operations.inspections import facts
from app.operations.inspections.letters.record import visited
from app.operations.inspections.letters.shared import (
    DGAJ,
    DGIFT,
    concerned,
    concerned_places,
    employer,
    employer_of,
    establishment,
    lines,
    matters,
    norm,
    order_date,
    said,
    sole_employer,
    team,
)
from app.operations.moves import Context
from app.operations.papers import Made, Signing, builds
from app.workflow.definition import Phase


def _amend_earlier(c: Context, document: Document) -> None:
    """An acta de infracción of a report that was returned and signed again is replaced by the new one."""
    for earlier in papers.documents_of(c.record):
        again = earlier.type_code == document.type_code and earlier.id not in c.issued
        if again and earlier.status == DocumentStatus.ISSUED.value and earlier.replaced_by_id is None:
            papers.amend(earlier, document)


def _keep_report(c: Context, document: Document) -> None:
    papers.amend(c.record.document, document)  # one that was returned and signed again
    c.record.document_id, c.record.document = document.id, document


def _state_name(record: Finding | Visit) -> str:
    state = moves.state_of(record)
    return state.name if state else ""


def background(order: InspectionOrder, listed: str | None) -> tuple[out.Background, ...]:
    """The documents of a file that a report rests on, and what the inspector adds."""
    records = [order, *facts.visits_of(order), *facts.findings_of(order)]
    found = [document for record in records for document in reversed(papers.documents_of(record))]
    rows = [
        out.Background(document.type.title, document.number, document.happened_on)
        for document in found
        if document.status == "issued"
    ]
    return (*rows, *(out.Background(line) for line in lines(listed)))


@builds("INF-FIN", _keep_report)
def report_letter(c: Context, paper: Paper, signing: Signing) -> Made:
    """Informe final."""
    report = c.record
    order = facts.order_of(report)
    return Made(
        out.FinalReportLetter(
            paper,
            addressee=DGIFT,
            order_number=order.number,
            order_date=order_date(order),
            concerned=_concerned(order),
            inspectors=team(order),
            facts=report.facts or "…",
            analysis=report.analysis or "…",
            proposal=said(Proposal, report.proposal) or "…",
            proposal_reason=report.analysis or "…",
            signatures=(signing.block("Inspector actuante"),),
            matters=matters(order),
            visits=tuple(
                out.VisitMade(
                    v.happened_on or v.planned_on or c.act_date,
                    said(VisitKind, v.kind),
                    _state_name(v),
                    v.document.number if v.document else None,
                    f"{v.establishment.employer.legal_name} · {v.establishment}"
                    if v.establishment and len(concerned(order)) > 1
                    else None,
                )
                for v in facts.visits_of(order)
            ),
            carried_out=any(facts.act_type(v) in facts.DONE_ACTS for v in facts.visits_of(order)),
            background=background(order, report.background),
        ),
        {},
    )


def _concerned(order: InspectionOrder) -> tuple[out.Concerned, ...]:
    """Each employer of the file, with the findings at his establishments."""
    opened = [f for f in facts.findings_of(order) if f.state is not None]
    return tuple(
        out.Concerned(
            employer(owner),
            tuple(establishment(row) for row in rows),
            tuple(_finding_state(f) for f in opened if visited(f.visit).employer_id == owner.id),
        )
        for owner, rows in concerned(order).items()
    )


def _finding_state(f: Finding) -> out.FindingState:
    state = _state_name(f)
    if facts.barred(f):
        state = f"{state}. El anexo del establecimiento no fue ratificado: no va a sumario"
    return out.FindingState(
        f.facts,
        norm(f.infraction),
        state,
        f.infraction.code if f.infraction else None,
        said(Severity, f.infraction.severity) if f.infraction else None,
        facts.affected(f) or None,
        f.request.number if f.request else None,
    )


def _charged(report: FinalReport) -> list[int]:
    """The employers with findings destined to a sumario, each with an acta of his own."""
    cited = facts.cited_of(facts.order_of(report))
    return list(dict.fromkeys(visited(finding.visit).employer_id for finding in cited))


@builds("ACT-INF", _amend_earlier, each=_charged)
def infraction_letter(c: Context, paper: Paper, signing: Signing) -> Made:
    """Acta de infracción of an employer: his findings destined to a sumario, with their range of fines."""
    report = c.record
    order = facts.order_of(report)
    cited = [f for f in facts.cited_of(order) if f.infraction and visited(f.visit).employer_id == c.part]
    if not cited:
        raise RuleBroken("Ningún hallazgo está destinado a sumario: decida los hallazgos primero.")
    visit = cited[0].visit
    several = len({f.visit_id for f in cited}) > 1
    charges = tuple(_charge(f, several) for f in cited)
    return Made(
        out.InfractionLetter(
            paper,
            order_number=order.number,
            order_date=order_date(order),
            record_number=visit.document.number if visit.document else "",
            record_date=visit.happened_on or c.act_date,
            employer=employer_of(visit),
            establishment=establishment(visited(visit)),
            inspectors=team(order),
            charges=charges,
            total_from=sum(each.proposed_from for each in charges),
            total_until=sum(each.proposed_until for each in charges),
            signatures=(signing.block("Inspector actuante"),),
            report_number=report.document.number if report.document else None,
            roster_annex=any(f.roster for f in cited),
        ),
        {},
    )


def _charge(f: Finding, several: bool) -> out.Charge:
    """A charge; with `several` visits it says where it was found, and by which acta."""
    breach = f.infraction
    assert breach is not None
    whose = ""
    if several:
        acta = f.visit.document.number if f.visit.document else ""
        whose = f"{visited(f.visit)} ({acta}). "
    count = facts.affected(f) if breach.basis == Basis.PER_WORKER.value else 1
    return out.Charge(
        f"{whose}{f.facts}",
        norm(breach),
        breach.title,
        said(Basis, breach.basis),
        breach.day_wages_min,
        breach.day_wages_max,
        breach.day_wages_min * max(count, 1),
        breach.day_wages_max * max(count, 1),
        breach.code,
        said(Severity, breach.severity),
        facts.affected(f) or None,
        f.evidence,
    )


@builds("INF-DGIF")
def review_letter(c: Context, paper: Paper, signing: Signing) -> Made:
    """Informe explicativo de la DGIFT."""
    report = c.record
    order = facts.order_of(report)
    if not report.observation:
        raise RuleBroken("Escriba el informe explicativo antes de firmarlo.", "observation")
    return Made(
        out.ReviewLetter(
            paper,
            addressee=DGAJ,
            report_number=report.document.number if report.document else "",
            report_date=report.document.happened_on if report.document else c.act_date,
            order_number=order.number,
            employer=sole_employer(order),
            proposal=said(Proposal, report.proposal),
            review=report.observation,
            conclusion="El archivo no procede por las razones expuestas.",
            signature=signing.block("Por la DGIFT"),
            establishments=concerned_places(order),
            background=background(order, None),
        ),
        {},
    )


def _keep_opinion(c: Context, document: Document) -> None:
    papers.amend(c.record.opinion_document, document)
    c.record.opinion_id, c.record.opinion_document = document.id, document


@builds("DIC", _keep_opinion)
def opinion_letter(c: Context, paper: Paper, signing: Signing) -> Made:
    """Dictamen de la DGAJ."""
    report = c.record
    order = facts.order_of(report)
    if not report.opinion:
        raise RuleBroken("Escriba el dictamen antes de firmarlo.", "opinion")
    paragraphs = lines(report.opinion)
    return Made(
        out.OpinionLetter(
            paper,
            addressee="Máxima Autoridad Institucional",
            subject=f"Decisión sobre la orden de inspección {order.number}",
            history=f"Informe final {report.document.number if report.document else ''}, "
            f"que propone: {inside(said(Proposal, report.proposal))}.",
            analysis="\n".join(paragraphs[:-1]) or paragraphs[0],
            conclusion=paragraphs[-1],
            signatures=(signing.block("Por la DGAJ"),),
            employer=sole_employer(order),
            establishments=concerned_places(order),
            order_number=order.number,
            report_number=report.document.number if report.document else None,
            background=background(order, None),
        ),
        {},
    )


@builds("PRV-ARC")
def ruling_letter(c: Context, paper: Paper, signing: Signing) -> Made:
    """Providencia: archive, or new actions."""
    report = c.record
    order = facts.order_of(report)
    opinion = report.opinion_document
    if report.document is None:
        raise RuleBroken("Falta el informe final en el expediente.")
    orders_actions = bool(c.transition and c.transition.to_state.phase is Phase.IN_FIELD)
    return Made(
        out.RulingLetter(
            paper,
            order_number=order.number,
            order_date=order_date(order),
            report_number=report.document.number,
            report_date=report.document.happened_on,
            opinion_number=opinion.number if opinion else None,
            opinion_date=opinion.happened_on if opinion else None,
            grounds=report.decision
            or f"Los antecedentes{' y el dictamen jurídico' if opinion else ''} que anteceden.",
            employer=sole_employer(order),
            signature=signing.block("Máxima Autoridad Institucional"),
            establishments=concerned_places(order),
            actions=tuple(out.OrderedAction(line) for line in lines(c.details.reason))
            if orders_actions
            else (),
            new_valid_until=order.valid_until if orders_actions else None,
        ),
        {},
    )


def roster_pdf(order: InspectionOrder, cited: Sequence[Finding], named_for: str | None) -> bytes:
    """The annex of affected workers of an order's findings (working rule 14).

    With names only when `named_for` says for whom; else counts and descriptions.
    """
    found = [finding for finding in cited if finding.roster]
    if not found:
        raise RuleBroken("Ningún hallazgo tiene nómina de trabajadores.")
    visit = found[0].visit
    document = visit.document or order.document
    letter = out.RosterAnnex(
        papers.paper_of(visit, document),
        annexed_to=document.type.title if document else "Acta",
        order_number=order.number,
        employer=employer_of(visit),
        establishment=establishment(visited(visit)),
        rosters=tuple(
            out.Roster(
                finding.infraction.title if finding.infraction else finding.facts,
                tuple(
                    out.Worker(
                        worker.name,
                        worker.document_number,
                        worker.period,
                        worker.amount,
                        worker.removed_reason,
                    )
                    for worker in finding.roster
                ),
                norm(finding.infraction),
                finding.infraction.code if finding.infraction else None,
            )
            for finding in found
        ),
        with_names=named_for is not None,
        printed_for=named_for,
    )
    return papers.sheet_pdf("roster", letter, document)
