"""What waits for a person, and the figures of the offices. Reading only, from phases, never from state names.

Selects carry the scope of the present principal (security/scope.py): what is not his is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Select, and_, case, func, literal, or_, select, tuple_
from sqlalchemy.orm import joinedload, selectinload

from app.core import clock
from app.core.base import Session
from app.core.types import inside
from app.models.catalogs import Office
from app.models.documents import Document
from app.models.followup import Notice, RecordMove, Term, TermStatus
from app.models.inspections import (
    FinalReport,
    Finding,
    InspectionOrder,
    OrderEstablishment,
    OrderInspector,
    Proposal,
    Visit,
)
from app.models.norms import Infraction
from app.models.procedures import ProcedureState, ProcedureVersion, VersionStatus
from app.models.registry import Establishment
from app.models.staff import Inspector
from app.operations import procedures
from app.security.principal import Principal
from app.security.roles import Role
from app.workflow.definition import Move, Phase, Process

SHOWN = 6
"""Records that a group shows; of more it says how many."""
SOON = timedelta(days=7)
"""Terms that come due within these days are shown before they are over."""
STAND_INS = frozenset({Role.REGIONAL, Role.SECRETARY, Role.OSH, Role.NOTIFIER})
"""A step waits for the first role that it names, and for these wherever it names them."""
ELSEWHERE = frozenset({Phase.IN_TERM})
"""Phases in which the work is the employer's: nothing waits here."""
COUNTED: dict[type[Any], tuple[tuple[str, ...], bool]] = {
    InspectionOrder: ((Phase.PLANNED.value, Phase.ANNULLED.value), False),
    Visit: ((Phase.CLOSED.value,), True),
    Finding: ((Phase.ANNULLED.value, Phase.DISMISSED.value), False),
}
"""What the figures count of a kind: the records in these phases, or those in none of them."""


@dataclass(frozen=True)
class Waiting:
    """Records of one kind, the oldest first; `total` may be more than those listed."""

    rows: list[Any]
    total: int


NOTHING = Waiting([], 0)


# What waits for a person


def processes() -> list[tuple[str, Process]]:
    """The processes of every version that open files may stand on, with the code of the version."""
    codes = Session.scalars(
        select(ProcedureVersion.code)
        .where(ProcedureVersion.status != VersionStatus.DRAFT.value, ~ProcedureVersion.historical)
        .order_by(ProcedureVersion.code)
    )
    return [(code, process) for code in codes for process in procedures.version(code).processes]


def awaited(step: Move, others: Iterable[Move], roles: frozenset[Role]) -> bool:
    """Whether a step is somebody's next work: it needs no special reason, or nothing else leads on."""
    if step.automatic:
        return False
    if step.reason_required:
        forward = [each for each in others if not each.automatic and not each.reason_required]
        first = next((each for each in others if not each.automatic), None)
        if forward or step is not first:
            return False
    keys = {role.value for role in roles}
    stand_ins = {role.value for role in roles & STAND_INS}
    return step.roles[0] in keys or bool(stand_ins.intersection(step.roles))


def states_awaiting(
    known: list[tuple[str, Process]], roles: frozenset[Role], signing: bool
) -> dict[str, list[tuple[str, str]]]:
    """Process -> (version, state) in which somebody with these roles has the next step.

    `signing`: those whose first step is the signature of an authority; the others otherwise.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for code, process in known:
        for state in process.states:
            if state.final or state.phase in ELSEWHERE:
                continue
            steps = process.moves_from(state.code)
            mine = [each for each in steps if awaited(each, steps, roles)]
            if mine and ("signatory_of_the_day" in mine[0].guards) is signing:
                found.setdefault(process.code, []).append((code, state.code))
    return found


_DOCUMENT = joinedload(InspectionOrder.document).load_only(Document.number)


def _of_order(road: Any) -> Any:
    return road.joinedload(InspectionOrder.document).load_only(Document.number)


_LOADS: dict[type[Any], tuple[Any, ...]] = {
    InspectionOrder: (
        _DOCUMENT,
        selectinload(InspectionOrder.places)
        .joinedload(OrderEstablishment.establishment)
        .joinedload(Establishment.employer),
    ),
    Visit: (
        _of_order(joinedload(Visit.order)),
        joinedload(Visit.establishment).joinedload(Establishment.employer),
    ),
    Finding: (
        _of_order(joinedload(Finding.visit).joinedload(Visit.order)),
        joinedload(Finding.infraction).load_only(Infraction.code),
    ),
    FinalReport: (_of_order(joinedload(FinalReport.order)),),
}


def waiting(kind: type[Any], pairs: list[tuple[str, str]]) -> Waiting:
    """The records of a kind in these states, those that wait longest first."""
    if not pairs:
        return NOTHING
    query = select(kind).where(tuple_(kind.version_code, kind.state).in_(pairs))
    return _listed(kind, query, kind.state_since, _LOADS[kind])


def my_orders(account: int) -> Waiting:
    """The orders to which somebody is designated, from their signature to the report."""
    mine = (
        select(OrderInspector.order_id)
        .join(Inspector, Inspector.id == OrderInspector.inspector_id)
        .where(Inspector.account_id == account, OrderInspector.until.is_(None))
    )
    query = select(InspectionOrder).where(
        InspectionOrder.id.in_(mine), in_phase(InspectionOrder, (Phase.ISSUED.value, Phase.IN_FIELD.value))
    )
    return _listed(InspectionOrder, query, InspectionOrder.valid_until, _LOADS[InspectionOrder])


def visits_of_today() -> Waiting:
    """The visits planned for today or earlier, and those under way."""
    query = select(Visit).where(
        or_(
            in_phase(Visit, (Phase.IN_FIELD.value,)),
            and_(in_phase(Visit, (Phase.PLANNED.value,)), Visit.planned_on <= clock.today()),
        )
    )
    return _listed(Visit, query, Visit.planned_on, _LOADS[Visit])


def notices(account: int | None, limit: int = SHOWN) -> Waiting:
    """The notices that a person has not read, the newest first."""
    query = select(Notice, func.count().over()).where(Notice.account_id == account, Notice.read_at.is_(None))
    rows = Session.execute(query.order_by(Notice.id.desc()).limit(limit)).all()
    return Waiting([row[0] for row in rows], rows[0][1] if rows else 0)


def held() -> list[RecordMove]:
    """The held acts that wait for the coordinator."""
    query = select(RecordMove).where(func.cardinality(RecordMove.holds) > 0, RecordMove.reviewed_at.is_(None))
    roads = (
        _of_order(joinedload(RecordMove.order)),
        _of_order(joinedload(RecordMove.visit).joinedload(Visit.order)),
        _of_order(joinedload(RecordMove.finding).joinedload(Finding.visit).joinedload(Visit.order)),
        _of_order(joinedload(RecordMove.report).joinedload(FinalReport.order)),
    )
    return list(Session.scalars(query.options(*roads).order_by(RecordMove.id).limit(SHOWN)).unique())


def terms_at_hand(known: list[tuple[str, Process]], roles: frozenset[Role]) -> Waiting:
    """The running terms that are over or come due soon, of those that concern these roles."""
    concerned = _kinds_of_terms(known, roles)
    if not concerned:
        return NOTHING
    query = select(Term).where(Term.status == TermStatus.OPEN.value, Term.due_on <= clock.today() + SOON)
    query = query.where(tuple_(Term.process_code, Term.type_code).in_(concerned))
    return _listed(Term, query, Term.due_on, _roads_of_terms())


def running_terms(office: int | None, over: bool) -> Select[Term]:
    """The running terms by their last day, those of an office, those that are over."""
    query = select(Term).where(Term.status == TermStatus.OPEN.value).options(*_roads_of_terms())
    if over:
        query = query.where(Term.due_on < clock.today())
    if office is not None:
        query = query.where(Term.office_id == office)
    return query.order_by(Term.due_on, Term.id)


def terms_page(
    office: int | None, over: bool, after: int | None, limit: int
) -> tuple[list[Term], dict[int, str]]:
    """The running terms of a page, which begins after the term `after`; the codes of offices."""
    query = running_terms(office, over)
    if after is not None:
        start = select(Term.due_on).where(Term.id == after).scalar_subquery()
        query = query.where(tuple_(Term.due_on, Term.id) > tuple_(start, after))
    return list(Session.scalars(query.limit(limit)).unique()), office_codes()


def office_codes() -> dict[int, str]:
    """The code of each office, by their order."""
    return dict(Session.execute(select(Office.id, Office.code).order_by(Office.code)).tuples().all())


def _roads_of_terms() -> tuple[Any, ...]:
    """From a term to the number of its order, and to what its page says, in the same statement."""
    return (
        _of_order(joinedload(Term.order)),
        _of_order(joinedload(Term.visit).joinedload(Visit.order)),
        _of_order(joinedload(Term.finding).joinedload(Finding.visit).joinedload(Visit.order)),
        _of_order(joinedload(Term.report).joinedload(FinalReport.order)),
        joinedload(Term.finding).joinedload(Finding.infraction).load_only(Infraction.code),
        joinedload(Term.type),
    )


def _kinds_of_terms(known: list[tuple[str, Process]], roles: frozenset[Role]) -> list[tuple[str, str]]:
    """The kinds of term for which these roles answer, or which their act meets.

    Who leads an office follows those of its inspectors.
    """
    keys = {role.value for role in roles}
    found = {
        (process.code, kind.code): None
        for _, process in known
        for kind in process.terms
        if kind.responsible in keys
        or any(kind.code in step.closes_terms and step.roles[0] in keys for step in process.moves)
        or (roles & OF_OFFICE and Role.COORDINATOR.value in kind.alert_roles)
    }
    return list(found)


def _listed(kind: type[Any], query: Select[Any], order: Any, loads: Iterable[Any]) -> Waiting:
    """The first records of a query and how many there are; only those shown get joined to what is said."""
    order = (order.nulls_last(), kind.id)
    counted = query.with_only_columns(kind.id, func.count().over().label("total")).order_by(*order)
    first = counted.limit(SHOWN).subquery()
    shown = select(kind, first.c.total).join(first, first.c.id == kind.id).options(*loads)
    rows = Session.execute(shown.order_by(*order)).unique().all()
    return Waiting([row[0] for row in rows], rows[0][1] if rows else 0)


def in_phase(kind: Any, phases: Iterable[str], inside: bool = True) -> Any:
    """Whether a record stands in one of these phases of its own version."""
    state = ProcedureState
    found = (
        select(literal(1))
        .where(state.version_code == kind.version_code, state.process_code == kind.process)
        .where(state.code == kind.state, state.phase.in_([str(phase) for phase in phases]))
        .exists()
    )
    return found if inside else and_(kind.state.is_not(None), ~found)


# The figures of the offices (working rule 26)


NATIONAL = frozenset({Role.DIRECTOR, Role.MINISTER, Role.AUDITOR})
"""Who reads the figures of the whole country."""
OF_OFFICE = frozenset({Role.REGIONAL, Role.COORDINATOR})
"""Who reads those of his own offices."""
HISTORY = "historico"

MEASURES = (
    ("orders", "Órdenes emitidas"),
    ("visits", "Visitas terminadas"),
    ("findings", "Hallazgos"),
)
COLUMNS = (
    "Oficina",
    *(f"{label}, {span}" for _, label in MEASURES for span in ("esta semana", "este año")),
    "Plazos vencidos hoy",
)


@dataclass(frozen=True)
class Line:
    """The figures of an office: measure -> (this week, this year), and the terms that are over today."""

    office_id: int | None
    code: str
    name: str
    counts: dict[str, tuple[int, int]]
    overdue: int

    @property
    def cells(self) -> list[Any]:
        """As a row of a table."""
        return [
            f"{self.code} · {self.name}" if self.code else self.name,
            *(count for name, _ in MEASURES for count in self.counts[name]),
            self.overdue,
        ]


@dataclass(frozen=True)
class Figures:
    """This week's and this year's figures by office, with their sum."""

    on: date
    week_from: date
    year_from: date
    lines: list[Line]
    total: Line


def reads_figures(roles: frozenset[Role]) -> bool:
    """Whether these roles are shown the figures of offices."""
    return bool(roles & (NATIONAL | OF_OFFICE))


def by_office(who: Principal, roles: frozenset[Role], on: date | None = None) -> Figures:
    """The figures of the offices that a person may see, in one statement.

    Orders count on the day of their signature, visits on that on which they happened, findings on that of
    their visit. Imported history is left out, so that nothing is counted twice.
    """
    on = on or clock.today()
    week, year = on - timedelta(days=on.weekday()), on.replace(month=1, day=1)
    since = min(week, year)
    spans = (week, year, since, on)
    parts = {
        "orders": _count(InspectionOrder, spans),
        "visits": _count(Visit, spans),
        "findings": _count(Finding, spans, join=(Visit, Visit.id == Finding.visit_id)),
    }
    overdue = (
        select(Term.office_id, func.count(Term.id).label("late"))
        .where(Term.status == TermStatus.OPEN.value, Term.due_on < on)
        .group_by(Term.office_id)
        .subquery()
    )
    columns: list[Any] = [Office.id, Office.code, Office.name]
    query: Any = select(Office).outerjoin(overdue, overdue.c.office_id == Office.id)
    for name, _ in MEASURES:
        part = parts[name]
        columns += [func.coalesce(part.c.week, 0), func.coalesce(part.c.year, 0)]
        query = query.outerjoin(part, part.c.office_id == Office.id)
    columns.append(func.coalesce(overdue.c.late, 0))
    query = query.with_only_columns(*columns, maintain_column_froms=True).order_by(Office.code)
    if not roles & NATIONAL:
        query = query.where(Office.id.in_(sorted(who.offices)))
    lines = [_line(row) for row in Session.execute(query)]
    if roles & NATIONAL:
        lines = [line for line in lines if line.overdue or any(map(any, line.counts.values()))]
    return Figures(on, week, year, lines, _sum(lines))


def day_of(kind: type[Any]) -> Any:
    """The day that a record counts on: of its signature, or of the visit."""
    return InspectionOrder.valid_from if kind is InspectionOrder else Visit.happened_on


def counted(kind: type[Any]) -> Any:
    """Whether the figures count a record: its phase is one of those counted; never imported history."""
    phases, inside = COUNTED[kind]
    return and_(kind.version_code != HISTORY, in_phase(kind, phases, inside=inside))


def _count(kind: type[Any], spans: tuple[date, date, date, date], join: Any = None) -> Any:
    week, year, since, on = spans
    day = day_of(kind)
    query = select(
        kind.office_id,
        func.count(case((day >= week, 1))).label("week"),
        func.count(case((day >= year, 1))).label("year"),
    ).select_from(kind)
    if join is not None:
        query = query.join(*join)
    return query.where(day >= since, day <= on, counted(kind)).group_by(kind.office_id).subquery()


def _line(row: Any) -> Line:
    key, code, name, *counts, late = row
    pairs = {each: (counts[2 * i], counts[2 * i + 1]) for i, (each, _) in enumerate(MEASURES)}
    return Line(key, code, name, pairs, late)


def _sum(lines: list[Line]) -> Line:
    counts = {
        name: (sum(line.counts[name][0] for line in lines), sum(line.counts[name][1] for line in lines))
        for name, _ in MEASURES
    }
    return Line(None, "", "Total", counts, sum(line.overdue for line in lines))


def name_of(record: Any) -> str:
    """A record in a few words, with the number of its order."""
    if isinstance(record, InspectionOrder):
        return record.number
    if isinstance(record, Finding):
        code = record.infraction.code if record.infraction else "sin código"
        return f"Hallazgo {code} · {_number(record.visit.order)}"
    if isinstance(record, Visit):
        return f"Visita {record.number} · {_number(record.order)}"
    return f"Informe · {_number(record.order)}"


def _number(order: InspectionOrder | None) -> str:
    """The number of an order, when it is within reach."""
    return order.number if order is not None else "otra orden"


def about(record: Any) -> str:
    """What tells a record from the others: the employer, the proposal, the facts."""
    if isinstance(record, FinalReport):
        words = next((each.label for each in Proposal if each.value == record.proposal), "")
        return f"Propone: {inside(words)}" if words else "Sin propuesta todavía"
    if isinstance(record, Finding):
        return record.facts[:90]
    places = [record.establishment] if isinstance(record, Visit) else []
    if isinstance(record, InspectionOrder):
        places = [each.establishment for each in record.places]
    known = [place for place in places if place is not None]
    if not known:
        return getattr(record, "zone", None) or ""
    more = f" y {len(known) - 1} más" if len(known) > 1 else ""
    return f"{known[0].employer.legal_name}{more}"
