"""The running terms and the figures of the offices. Reading only, from phases, never from state names.

Selects carry the scope of the present principal (security/scope.py): what is not his is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Select, and_, case, func, literal, select, tuple_
from sqlalchemy.orm import joinedload

from app.core import clock
from app.core.base import Session
from app.models.catalogs import Office
from app.models.documents import Document
from app.models.followup import Term, TermStatus
from app.models.inspections import (
    FinalReport,
    Finding,
    InspectionOrder,
    Visit,
)
from app.models.norms import Infraction
from app.models.procedures import ProcedureState
from app.security.principal import Principal
from app.security.roles import Role
from app.workflow.definition import Phase

COUNTED: dict[type[Any], tuple[tuple[str, ...], bool]] = {
    InspectionOrder: ((Phase.PLANNED.value, Phase.ANNULLED.value), False),
    Visit: ((Phase.CLOSED.value,), True),
    Finding: ((Phase.ANNULLED.value, Phase.DISMISSED.value), False),
}
"""What the figures count of a kind: the records in these phases, or those in none of them."""


# The running terms


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


def _of_order(road: Any) -> Any:
    return road.joinedload(InspectionOrder.document).load_only(Document.number)


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
