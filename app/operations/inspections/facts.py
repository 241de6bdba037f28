"""Where the guards of orders, visits, findings and reports get what they ask about.

Each fact is one query or less; what a record's relations already hold is not asked again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from app.core import clock
from app.core.base import Session
from app.models.documents import Document, DocumentStatus
from app.models.followup import RecordDocument, Term
from app.models.inspections import (
    AffectedWorker,
    AnnexStatus,
    ConflictOfInterest,
    Filing,
    FinalReport,
    Finding,
    HeadcountGroup,
    InspectionOrder,
    OrderKind,
    Party,
    Priority,
    Verification,
    Visit,
    VisitKind,
)
from app.models.norms import Basis
from app.models.registry import Employer
from app.models.staff import Absence, Inspector
from app.operations import moves, terms
from app.operations.inspections import questionnaire
from app.operations.moves import Context, fact
from app.operations.papers import SIGNED_ON_RECORD
from app.operations.parameters import whole
from app.workflow.definition import Phase

DONE_ACTS = frozenset({"ACT-INS", "ACT-VER"})
FAILED_ACTS = frozenset({"ACT-NEG", "ACT-OBS"})
NOT_BEGUN = frozenset({Phase.PLANNED, Phase.ANNULLED})
STANDING = frozenset({Phase.PLANNED, Phase.IN_FIELD})
OBSTRUCTION = "OBS"
RESULTS = {
    Verification.REMEDIED.value: "SUBSANADO",
    Verification.PARTLY.value: "PARCIAL",
    Verification.NOT_REMEDIED.value: "NO_SUBSANADO",
}
"""The result of a verification as conditions of a procedure name it."""


@dataclass(frozen=True)
class TeamChange:
    """Who leaves an order, who enters, and the team as it is to stand, the leader first."""

    leaving: tuple[Inspector, ...]
    entering: tuple[Inspector, ...]
    standing: tuple[Inspector, ...]


def order_of(record: Any) -> InspectionOrder:
    """The order of the file to which a record belongs."""
    if isinstance(record, InspectionOrder):
        return record
    if isinstance(record, Finding):
        return order_of(record.visit)
    order: InspectionOrder = record.order
    return order


def phase_of(record: Any) -> Phase | None:
    """The phase of a record; None while it is in preparation."""
    state = moves.state_of(record)
    return state.phase if state else None


def visits_of(order: InspectionOrder) -> list[Visit]:
    """The visits of an order, in their order."""
    query = select(Visit).where(Visit.order_id == order.id).options(joinedload(Visit.document))
    return list(Session.scalars(query.order_by(Visit.number)))


def _visits(c: Context) -> list[Visit]:
    """The visits of the order of a record, asked once for all the facts of a judgement."""
    if "visits" not in c.known:
        c.known["visits"] = visits_of(order_of(c.record))
    found: list[Visit] = c.known["visits"]
    return found


def findings_of(order: InspectionOrder) -> list[Finding]:
    """The findings of an order, opened or in preparation."""
    query = select(Finding).join(Visit, Visit.id == Finding.visit_id).where(Visit.order_id == order.id)
    return list(Session.scalars(query.options(joinedload(Finding.infraction)).order_by(Finding.id)))


def report_of(order: InspectionOrder) -> FinalReport | None:
    """The final report of an order, once there is one."""
    return Session.scalar(select(FinalReport).where(FinalReport.order_id == order.id))


def act_type(visit: Visit) -> str | None:
    """The kind of the acta in force of a visit."""
    return visit.document.type_code if visit.document is not None else None


# Order


@fact("order_kind")
def _kind(c: Context) -> str:
    return order_of(c.record).kind


@fact("order_missing")
def _missing(c: Context) -> tuple[str, ...]:
    order = order_of(c.record)
    wanted: list[tuple[str, object]] = [
        ("clase", order.kind),
        ("modo de inicio", order.origin),
        ("materias", order.matters),
        ("lista de control", order.checklists),
    ]
    if order.kind == OrderKind.SHIFT.value:
        wanted += [("zona", order.zone)]
    return tuple(name for name, value in wanted if not value)


@fact("establishment_count")
def _establishments(c: Context) -> int:
    return len(order_of(c.record).places)


def _change(c: Context) -> TeamChange | None:
    """The team that the form of a substitution names."""
    return c.details.content if isinstance(c.details.content, TeamChange) else None


def _team(c: Context) -> list[Inspector]:
    change = _change(c)
    return list(change.standing) if change else [each.inspector for each in order_of(c.record).designated]


@fact("inspector_count")
def _inspectors(c: Context) -> int:
    return len(_team(c))


@fact("minimum_inspectors")
def _minimum(c: Context) -> int:
    urgent = order_of(c.record).priority == Priority.P1.value
    return whole("OI_P1_INSPECTORES_MIN", c.act_date) if urgent else 1


@fact("leader_count")
def _leaders(c: Context) -> int:
    if _change(c) is not None:
        return min(1, len(_team(c)))
    return sum(each.leader for each in order_of(c.record).designated)


@fact("actor_is_assigned")
def _assigned(c: Context) -> bool:
    here = c.actor.account_id
    return here is not None and any(person.account_id == here for person in _team(c))


@fact("conflicted_inspectors")
def _conflicted(c: Context) -> tuple[str, ...]:
    if _asks_team(c):
        return ()
    if isinstance(c.record, Visit):  # at the door of an open order the employer is known for the first time
        place = c.record.establishment
        present = [row.inspector_id for row in c.record.inspectors if row.present]
        return conflicted(present, [place.employer_id] if place is not None else [], c.act_date)
    employers = [each.establishment.employer_id for each in order_of(c.record).places]
    return conflicted([person.id for person in _team(c)], employers, c.act_date)


def _asks_team(c: Context) -> bool:
    """Whether the form of the step will ask for the team: before that nobody is judged."""
    return c.details.preview and "OI-SUS" in c.letters and _change(c) is None


def conflicted(team: list[int], employers: list[int], on: date) -> tuple[str, ...]:
    """The names of these inspectors who declared a relation with one of these employers."""
    keys = conflicted_ids(team, employers, on)
    if not keys:
        return ()
    rows = Session.scalars(select(Inspector).where(Inspector.id.in_(keys)))
    return tuple(row.full_name for row in rows)


def conflicted_ids(team: list[int], employers: list[int], on: date) -> list[int]:
    """Which of these inspectors declared a relation with one of these employers, in force on a day."""
    if not team or not employers:
        return []
    return list(
        Session.scalars(
            select(ConflictOfInterest.inspector_id)
            .where(ConflictOfInterest.inspector_id.in_(team))
            .where(ConflictOfInterest.employer_id.in_(employers), ConflictOfInterest.valid_from <= on)
            .where(func.coalesce(ConflictOfInterest.valid_to, on) >= on)
            .distinct()
        )
    )


@fact("absent_inspectors")
def _absent(c: Context) -> tuple[str, ...]:
    if _asks_team(c):
        return ()
    order, change = order_of(c.record), _change(c)
    people = change.entering if change else _team(c)  # who stays was confirmed when he was designated
    until = order.valid_until or c.act_date + timedelta(days=whole("OI_VIGENCIA_DIAS", c.act_date))
    return tuple(
        row.inspector.full_name for row in absences([person.id for person in people], c.act_date, until)
    )


def absences(team: list[int], since: date, until: date) -> list[Absence]:
    """The absences of these inspectors that touch a period."""
    return list(
        Session.scalars(
            select(Absence)
            .where(Absence.inspector_id.in_(team))
            .where(Absence.valid_from <= until, Absence.valid_to >= since)
            .order_by(Absence.valid_from)
        )
    )


@fact("absence_confirmed")
def _absence_confirmed(c: Context) -> bool:
    said = c.details.absence_confirmed
    return said if _change(c) else said or order_of(c.record).absence_confirmed


@fact("order_valid_until")
def _valid_until(c: Context) -> date | None:
    return order_of(c.record).valid_until


@fact("first_visit_begun")
def _first_visit(c: Context) -> bool:
    order = order_of(c.record)
    since = validity_start(order)
    visits = [visit for visit in _visits(c) if visit is not c.record]
    return any(
        visit.happened_on is not None
        and (since is None or visit.happened_on >= since)
        and phase_of(visit) not in NOT_BEGUN
        for visit in visits
    )


def validity_start(order: InspectionOrder) -> date | None:
    """The day on which a renewed validity of an order began; None for its first one.

    Any visit meets the first validity: one made before its order was registered too (working rule 3).
    """
    return _renewed_on(Term.order_id == order.id)


def _renewed_on(owner: Any) -> date | None:
    """When the term of a record that follows an earlier one, and extends none, began."""
    query = select(Term.start_on).where(owner, Term.extends_id.is_(None)).order_by(Term.id.desc()).limit(2)
    starts = Session.scalars(query).all()
    return starts[0] if len(starts) > 1 else None


@fact("needs_judicial_authorisation")
def _needs_authorisation(c: Context) -> bool:
    return order_of(c.record).requires_authorisation


@fact("has_judicial_authorisation")
def _has_authorisation(c: Context) -> bool:
    order = order_of(c.record)
    return bool(order.authorisation) and order.authorisation_file_id is not None


@fact("open_visit_count")
def _open_visits(c: Context) -> int:
    return sum(phase_of(visit) in STANDING for visit in _visits(c))


@fact("done_visit_count")
def _done_visits(c: Context) -> int:
    return sum(act_type(visit) in DONE_ACTS for visit in _visits(c))


@fact("failed_visit_count")
def _failed_visits(c: Context) -> int:
    return sum(act_type(visit) in FAILED_ACTS for visit in _visits(c))


@fact("annexes_unratified")
def _annexes(c: Context) -> int:
    """Of a finding, that of its visit; of a report, those of the findings that it sends to a sumario."""
    cited = [c.record] if isinstance(c.record, Finding) else cited_of(order_of(c.record))
    pending = {each.visit_id for each in cited if each.visit.annex == AnnexStatus.PENDING.value}
    return len(pending)


def cited_of(order: InspectionOrder) -> list[Finding]:
    """The findings of an order that are destined to a sumario."""
    return [finding for finding in findings_of(order) if phase_of(finding) is Phase.IN_CASE]


def barred(finding: Finding) -> bool:
    """Whether a finding waits for a sumario to which it can no longer go.

    The annex that names its establishment was not ratified in its term (working rule 10): the finding stands
    as it was found, marked, and holds up nobody else's.
    """
    if finding.visit.annex != AnnexStatus.PENDING.value or finding.state is None:
        return False
    to_case = any(
        moves.process_of(finding).state(step.to_state).phase is Phase.IN_CASE
        for step in moves.process_of(finding).moves_from(finding.state)
    )
    term = terms.standing(finding.visit) if to_case else None
    return term is not None and term.due_on is not None and term.due_on < clock.today()


@fact("order_decided")
def _order_decided(c: Context) -> bool:
    return phase_of(order_of(c.record)) not in (Phase.IN_FIELD, Phase.IN_REPORT)


@fact("report_opened")
def _report_opened(c: Context) -> bool:
    return report_of(order_of(c.record)) is not None


@fact("report_ahead")
def _report_ahead(c: Context) -> str | None:
    """The name of the state of the report, unless it is the inspector's to write or actions were ordered."""
    report = report_of(order_of(c.record))
    state = moves.state_of(report) if report is not None else None
    if report is None or state is None or state.phase is Phase.IN_FIELD:
        return None
    start = moves.process_of(report).start
    return None if start is not None and state.code == start.state else state.name


@fact("report_decided")
def _report_decided(c: Context) -> bool:
    report = report_of(order_of(c.record))
    state = moves.state_of(report) if report is not None else None
    return state is not None and state.final


@fact("actions_ordered")
def _actions_ordered(c: Context) -> bool:
    report = report_of(order_of(c.record))
    return report is not None and phase_of(report) is Phase.IN_FIELD


# Visit


@fact("order_executable")
def _executable(c: Context) -> bool:
    order = order_of(c.record)
    process, phase = moves.process_of(order), phase_of(order)
    begins = phase is Phase.ISSUED and any(
        process.state(step.to_state).phase is Phase.IN_FIELD for step in process.moves_from(order.state or "")
    )
    return order.document_id is not None and not order.held and (begins or phase is Phase.IN_FIELD)


@fact("visit_kind")
def _visit_kind(c: Context) -> str:
    kind: str = c.record.kind
    return kind


@fact("establishment_named")
def _named(c: Context) -> bool:
    return c.record.establishment_id is not None


@fact("establishment_merged")
def _merged(c: Context) -> bool:
    place = c.record.establishment
    return place is not None and place.merged_into_id is not None


@fact("unanswered_questions")
def _unanswered(c: Context) -> tuple[str, ...]:
    return tuple(question.code for question in questionnaire.unanswered(c.record))


@fact("questions_without_evidence")
def _unproved(c: Context) -> tuple[str, ...]:
    if c.record.kind == VisitKind.VERIFICATION.value:
        return ()
    return tuple(question.code for question in questionnaire.unproved(c.record))


@fact("worker_counts_missing")
def _uncounted(c: Context) -> tuple[str, ...]:
    counted = {row.group_code for row in c.record.headcounts}
    return tuple(group.label for group in HeadcountGroup if group.value not in counted)


@fact("unconfirmed_findings")
def _unconfirmed(c: Context) -> int:
    return sum(finding.state is None and not finding.confirmed for finding in c.record.findings)


@fact("unsigned_inspectors")
def _unsigned(c: Context) -> tuple[str, ...]:
    if not isinstance(c.record, Visit) or c.details.signing_mode == moves.HANDWRITTEN:
        return ()  # a report is signed by whoever presses the button; a paper bears the signatures itself
    return tuple(
        row.inspector.full_name for row in c.record.inspectors if row.present and row.signed_at is None
    )


@fact("absent_without_reason")
def _absent_without_reason(c: Context) -> tuple[str, ...]:
    if not isinstance(c.record, Visit):
        return ()
    return tuple(
        row.inspector.full_name
        for row in c.record.inspectors
        if not row.present and not (row.absence_reason or "").strip()
    )


@fact("employer_signed")
def _employer_signed(c: Context) -> bool:
    return any(s.party == Party.EMPLOYER.value and s.signed_at for s in c.record.signatures)


@fact("refusal_recorded")
def _refused(c: Context) -> bool:
    return any(s.party == Party.EMPLOYER.value and s.refusal for s in c.record.signatures)


@fact("negative_act_signed", "obstruction_act_signed")
def _told_and_signed(c: Context) -> bool:
    """The act itself is issued by the move: here, that it says something and is signed."""
    return bool((c.record.narrative or "").strip()) and not _unsigned(c)


@fact("acta_annulled")
def _acta_annulled(c: Context) -> bool:
    """An acta of the visit (of any visit of the order) was annulled and none took its place."""
    if isinstance(c.record, InspectionOrder):
        visits = _visits(c)
    else:
        visits = [c.record.visit if isinstance(c.record, Finding) else c.record]
    open_again = [visit.id for visit in visits if visit.document_id is None]
    found = Session.scalar(
        select(RecordDocument.id)
        .join(Document, Document.id == RecordDocument.document_id)
        .where(RecordDocument.visit_id.in_(open_again), Document.type_code.in_(SIGNED_ON_RECORD))
        .where(Document.status == DocumentStatus.ANNULLED.value)
        .limit(1)
    )
    return found is not None


@fact("annex_pending")
def _annex_pending(c: Context) -> bool:
    return bool(c.record.annex == AnnexStatus.PENDING.value)


@fact("requests_to_verify")
def _requests(c: Context) -> int:
    return sum(finding.request_id is not None for finding in findings_of(order_of(c.record)))


# Finding


@fact("infraction_coded")
def _coded(c: Context) -> bool:
    return c.record.infraction_id is not None


@fact("per_worker")
def _per_worker(c: Context) -> bool:
    infraction = c.record.infraction
    return infraction is not None and infraction.basis == Basis.PER_WORKER.value


@fact("affected_workers")
def _affected(c: Context) -> int:
    return affected(c.record)


def affected(finding: Finding) -> int:
    """How many workers count for the fine: those who stand on the roster when there is one."""
    standing, all_ = Session.execute(
        select(
            func.count(AffectedWorker.id).filter(AffectedWorker.removed_on.is_(None)),
            func.count(AffectedWorker.id),
        ).where(AffectedWorker.finding_id == finding.id)
    ).one()
    return int(standing) if all_ else finding.affected_workers


@fact("remedy_kind")
def _remedy(c: Context) -> str | None:
    kind: str | None = c.record.remedy_kind
    return kind


@fact("remediable")
def _remediable(c: Context) -> bool:
    infraction = c.record.infraction
    return infraction is not None and infraction.remediable


@fact("obstruction")
def _obstruction(c: Context) -> bool:
    infraction = c.record.infraction
    return infraction is not None and infraction.area_code == OBSTRUCTION


@fact("child_or_forced_labour")
def _child_labour(c: Context) -> bool:
    infraction = c.record.infraction
    return infraction is not None and infraction.mandatory_referral


@fact("repeat_offence")
def _repeat(c: Context) -> bool:
    return bool(c.record.repeat_offence)


@fact("request_delivered")
def _delivered(c: Context) -> bool:
    return c.record.delivery is not None


@fact("filing_count")
def _filings(c: Context) -> int:
    query = select(func.count(Filing.id)).where(Filing.finding_id == c.record.id)
    renewed = _renewed_on(Term.finding_id == c.record.id)  # what answered an earlier term is not asked again
    if renewed:
        query = query.where(Filing.filed_on >= renewed)
    term = terms.standing(c.record)
    if term is not None and term.due_on is not None:  # what came after its day is kept, and answers no term
        query = query.where(Filing.filed_on <= term.due_on)
    return int(Session.scalar(query) or 0)


@fact("verification_recorded")
def _verified(c: Context) -> bool:
    if c.record.verification is None:
        return False
    renewed = _renewed_on(Term.finding_id == c.record.id)
    return renewed is None or c.record.verified_on is None or c.record.verified_on > renewed


@fact("employer_identified")
def _identified(c: Context) -> bool:
    """Every employer of a finding that goes to a sumario."""
    cited = cited_of(order_of(c.record))
    keys = {each.visit.establishment.employer_id for each in cited if each.visit.establishment is not None}
    unknown = select(func.count(Employer.id)).where(Employer.id.in_(keys), Employer.provisional)
    return bool(keys) and not Session.scalar(unknown)


@fact("verification_result")
def _result(c: Context) -> str | None:
    return RESULTS.get(c.record.verification)


# Report


@fact("proposal")
def _proposal(c: Context) -> str | None:
    proposal: str | None = c.record.proposal
    return proposal


@fact("order_executed")
def _executed(c: Context) -> bool:
    return phase_of(order_of(c.record)) is Phase.IN_REPORT


@fact("undecided_findings")
def _undecided(c: Context) -> tuple[str, ...]:
    names = []
    for finding in findings_of(order_of(c.record)):
        state = moves.state_of(finding)
        decided = state is None or state.final or state.phase is Phase.RESOLVED or barred(finding)
        if state is not None and not decided:
            names.append(f"{finding.infraction.code if finding.infraction else 'sin código'} ({state.name})")
    return tuple(names)


@fact("unremedied_findings")
def _unremedied(c: Context) -> int:
    bad = (Phase.IN_CASE, Phase.IN_DECISION)
    found = findings_of(order_of(c.record))
    return sum(phase_of(finding) in bad or barred(finding) for finding in found)


@fact("case_findings")
def _case_findings(c: Context) -> int:
    return len(cited_of(order_of(c.record)))


@fact("observation_written")
def _observation(c: Context) -> bool:
    return bool((c.record.observation or "").strip())


@fact("opinion_written")
def _opinion_text(c: Context) -> bool:
    return bool((c.record.opinion or "").strip())


@fact("legal_opinion_attached")
def _opinion(c: Context) -> bool:
    return c.record.opinion_id is not None


@fact("captured_on_time")
def _captured(c: Context) -> bool:
    return c.details.captured or bool(getattr(c.record, "captured_on_device", False))
