"""What the moves of orders, visits and reports bring about beside their new state, one function per name."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from app.core import clock
from app.core.base import Session
from app.core.errors import RuleBroken
from app.core.types import inside
from app.models.documents import Document
from app.models.followup import TermStatus
from app.models.inspections import (
    AffectedWorker,
    AnnexStatus,
    FinalReport,
    Finding,
    InspectionOrder,
    OrderChecklist,
    OrderEstablishment,
    OrderInspector,
    OrderKind,
    Visit,
    VisitKind,
)
from app.models.security import Account
from app.operations import documents, moves, notices, terms
from app.operations.inspections import facts, orders, visits
from app.operations.inspections.corrections import corrections_of
from app.operations.moves import Context, Details, effect
from app.security.roles import Role
from app.workflow.definition import Move, Phase


def _follow(context: Context, record: InspectionOrder | Visit | FinalReport, phase: Phase) -> bool:
    """Take the system's step of another record to a phase, if there is one on the facts of today."""
    reason = context.details.reason or (context.transition.reason if context.transition else "")
    details = Details(
        happened_on=context.details.happened_on,
        reason=reason,
        late_reason=context.details.late_reason,
        scan_id=context.details.scan_id,
        captured=True,  # documented by the act that it follows from
    )
    step = moves.system_move(record, phase, details)
    if step is None:
        return False
    moves.move(record, step.code, details, as_system=True)
    return True


@effect("notify_inspectors")
def notify_inspectors(c: Context) -> None:
    """Tell the designated inspectors."""
    order = facts.order_of(c.record)
    people = [each.inspector.account_id for each in order.designated]
    state = moves.state_of(order)
    place = f" ({order.places[0].establishment.employer.legal_name})" if order.places else ""
    text = f"{order.number}{place}: usted está designado. Estado: {state.name if state else ''}."
    notices.tell(people, text, f"/ordenes/{order.id}")


@effect("record_extension")
def record_extension(c: Context) -> None:
    """Extend the term; the validity of an order follows its term."""
    term = terms.standing(c.record)
    if term is None:
        raise RuleBroken("No hay plazo en curso que prorrogar.", code="no_term")
    kind = moves.process_of(c.record).term(term.type_code)
    longer = terms.extend(c.record, kind, c.act_date)
    if isinstance(c.record, InspectionOrder):
        c.record.follow_term(longer.start_on, longer.due_on)


REISSUED = (orders.FIELDS | {"authorisation_file_id"}) - {"absence_confirmed"}
"""What an order that takes the place of another says like it; who is absent is asked anew."""


@effect("reissue_order")
def reissue_order(c: Context) -> None:
    """A new draft with the content of this order, linked to it."""
    old: InspectionOrder = c.record
    order = InspectionOrder(
        version_code=old.version_code,
        replaces_id=old.id,
        **{name: getattr(old, name) for name in REISSUED},
    )
    moves.begin(order)
    for person in old.designated:
        Session.add(
            OrderInspector(
                order_id=order.id,
                inspector_id=person.inspector_id,
                leader=person.leader,
                since=clock.today(),
            )
        )
    for place in old.places:
        Session.add(OrderEstablishment(order_id=order.id, establishment_id=place.establishment_id))
    for row in old.checklists:
        Session.add(OrderChecklist(order_id=order.id, checklist_version_id=row.checklist_version_id))


def _planned(order: InspectionOrder) -> list[Visit]:
    return [visit for visit in facts.visits_of(order) if facts.phase_of(visit) is Phase.PLANNED]


def _foresee_visits(order: InspectionOrder, step: Move) -> list[str]:
    return [f"Se anula la visita {visit.number}, que estaba programada." for visit in _planned(order)]


@effect("annul_planned_visits", _foresee_visits, locks=_planned)
def annul_planned_visits(c: Context) -> None:
    """Nobody goes to the visits that were planned for an order that is no more."""
    for visit in _planned(c.record):
        if not _follow(c, visit, Phase.ANNULLED):
            raise RuleBroken(f"La visita {visit.number} no puede anularse: revise su estado.")


@effect("open_report")
def open_report(c: Context) -> None:
    """Open the final report; an order that comes back from new actions has it already."""
    order = facts.order_of(c.record)
    if facts.report_of(order) is None:
        report = FinalReport(version_code=order.version_code, order_id=order.id, office_id=order.office_id)
        report.order = order
        moves.begin(report, Details(happened_on=c.act_date, captured=True), as_system=True)


@effect("begin_order")
def begin_order(c: Context) -> None:
    """The first visit puts the order in execution."""
    order, visit = facts.order_of(c.record), c.record
    if visit.happened_on is None:  # begun by its button, without the screen of the door
        visit.happened_on = c.act_date
    if facts.phase_of(order) is Phase.IN_FIELD:
        running = terms.running(order)
        if running is not None:  # a new validity, after new actions, limits its first visit only
            terms.close(order, (running.type_code,), c.act_date)
        return
    if not _follow(c, order, Phase.IN_FIELD):
        raise RuleBroken("La orden no puede pasar a ejecución. Revise que esté asignada y vigente.")


@effect("create_annex")
def create_annex(c: Context) -> None:
    """Under an open order or an operation the visit names its establishment in an annex (working rule 10)."""
    if facts.order_of(c.record).kind != OrderKind.ESTABLISHMENT.value:
        c.record.annex = AnnexStatus.PENDING.value


@effect("ratify_annex")
def ratify_annex(c: Context) -> None:
    """DGIFT ratified the annex."""
    c.record.annex = AnnexStatus.RATIFIED.value


@effect("open_findings")
def open_findings(c: Context) -> None:
    """Open the findings that were prepared and confirmed; the others never were."""
    for finding in [f for f in c.record.findings if f.state is None and f.confirmed]:
        moves.begin(finding, Details(happened_on=c.act_date, captured=True), as_system=True)


@effect("lock_acta")
def lock_acta(c: Context) -> None:
    """The signed acta becomes that of the visit; from here on the database keeps it as it is."""

    def lock() -> None:
        visit: Visit = c.record
        act_documents = list(c.documents.values())
        visit.ended_at = visit.ended_at or clock.now()
        visit.document_id = act_documents[0].id
        visit.document = act_documents[0]

    c.afterwards.append(lock)


def _actas(visit: Visit) -> list[Document]:
    """The acta in force of a visit and what corrects it."""
    document = Session.get(Document, visit.document_id) if visit.document_id else None
    if document is None:
        return []
    return list(dict.fromkeys([document, *(row.document for row in corrections_of(visit))]))


def _foresee_actas(visit: Visit, step: Move) -> list[str]:
    return [f"Se anula: {paper.type.title} {paper.number}." for paper in _actas(visit)]


@effect("annul_acta", _foresee_actas)
def annul_acta(c: Context) -> None:
    """Annul the acta; the visit is open again, its signatures are void."""
    visit: Visit = c.record
    for paper in _actas(visit):
        documents.annul(paper, c.details.reason)
    visit.document_id, visit.document = None, None
    Session.flush()
    visit.ended_at = None
    visits.void_signatures(visit)


def _withdrawn(visit: Visit) -> list[Finding]:
    """The findings that go with the acta of a visit."""
    opened = [finding for finding in visit.findings if finding.state is not None]
    standing = [finding for finding in opened if facts.phase_of(finding) is not Phase.ANNULLED]
    return sorted(standing, key=lambda finding: finding.id)


def _foresee_findings(visit: Visit, step: Move) -> Iterator[str]:
    for finding in _withdrawn(visit):
        state = moves.state_of(finding)
        yield f"Se retira el hallazgo «{finding}», que está en «{state.name if state else ''}»."
        running = terms.running(finding)
        if running is not None:
            yield f"Se retira su plazo: {inside(running.type.name)}."
        for each in moves.process_of(finding).moves_from(finding.state or ""):
            if _annuls(each):
                yield from moves.foreseen(finding, each)


def _annuls(step: Move) -> bool:
    return step.automatic and "acta_annulled" in step.guards


@effect("withdraw_findings", _foresee_findings)
def withdraw_findings(c: Context) -> None:
    """Withdraw by name the findings, terms and letters that were born of the annulled acta."""
    for finding in _withdrawn(c.record):
        running = terms.running(finding)
        if running is not None:
            terms.close(finding, (running.type_code,), c.act_date, TermStatus.WITHDRAWN)
        step = moves.system_move(finding, Phase.ANNULLED)
        if step is not None:
            details = Details(happened_on=c.act_date, reason=c.details.reason, captured=True)
            moves.move(finding, step.code, details, as_system=True)
            _prepare_again(finding)


def _prepare_again(finding: Finding) -> None:
    """What the annulled acta found stands in the next one too, once the inspector saw it again."""
    kept = ("version_code", "office_id", "question_id", "infraction_id", "facts", "evidence")
    remedy = ("affected_workers", "obligation", "remedy_kind", "repeat_offence")
    roster = [
        AffectedWorker(
            position=row.position,
            name=row.name,
            document_number=row.document_number,
            period=row.period,
            amount=row.amount,
        )
        for row in finding.roster
        if row.removed_on is None
    ]
    again = {name: getattr(finding, name) for name in (*kept, *remedy)}
    Session.add(Finding(visit=finding.visit, roster=roster, **again))
    Session.flush()


@effect("propose_visit")
def propose_visit(c: Context) -> None:
    """A continuation in the same order."""
    visits.plan(
        facts.order_of(c.record),
        {"establishment_id": c.record.establishment_id, "kind": VisitKind.CONTINUATION.value},
        as_system=True,
    )


def _foresee_order(record: Visit | FinalReport, step: Move) -> list[str]:
    order = facts.order_of(record)
    return [] if facts.phase_of(order) is Phase.IN_FIELD else [f"La orden {order.number} vuelve a ejecución."]


@effect("reopen_order", _foresee_order)
def reopen_order(c: Context) -> None:
    """Give the order back to execution."""
    order = facts.order_of(c.record)
    phase = facts.phase_of(order)
    if phase is not Phase.IN_FIELD and not (phase is Phase.IN_REPORT and _follow(c, order, Phase.IN_FIELD)):
        raise RuleBroken("La orden ya tiene su decisión: no vuelve a ejecución.")


@effect("close_order")
def close_order(c: Context) -> None:
    """The decision of the report closes the order."""
    if not _follow(c, facts.order_of(c.record), Phase.CLOSED):
        raise RuleBroken("La orden no puede cerrarse: revise su estado.")


@effect("send_to_case")
def send_to_case(c: Context) -> None:
    """The findings destined to a sumario wait for the DGAJ, which is told."""
    order = facts.order_of(c.record)
    lawyers = Session.scalars(
        select(Account.id).where(
            Account.active, Account.machine.is_(False), Account.roles.any(name=Role.LEGAL.label)
        )
    )
    notices.tell(lawyers, f"{order.number}: remitido para sumario.", f"/ordenes/{order.id}")
