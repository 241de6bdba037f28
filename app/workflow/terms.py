"""Deadline arithmetic: when a term falls due, suspensions, extensions, alerts.

Day 0 is the day of the act that opens the term. Days inside a suspension do not count. An extension is a new
term linked to the one it extends. Serves the counting rule of the procedure, whose numbers are parameters.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from app.core.calendar import Calendar
from app.core.errors import RuleBroken
from app.core.types import format_date
from app.workflow.definition import TermType, Unit

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Suspension:
    """An interval in which terms do not run, both days included; `end` None while it lasts."""

    start: date
    end: date | None = None
    norm: str = ""

    def __post_init__(self) -> None:
        if self.end is not None and self.end < self.start:
            raise RuleBroken(
                "La suspensión termina antes de empezar. Corrija sus fechas.", "end", "suspension_dates"
            )

    def covers(self, day: date) -> bool:
        """Say whether terms stand still on `day`."""
        return self.start <= day and (self.end is None or day <= self.end)


@dataclass(frozen=True)
class Term:
    """A term of a record: opened on `start` (day 0) for `days` of `unit`; `due` is None while suspended.

    `printed_due` is the day already told to a party on paper. `extends` is the term that this one extends.
    """

    type_code: str
    start: date
    days: int
    unit: Unit
    due: date | None
    printed_due: date | None = None
    extends: Term | None = None

    @property
    def extension_count(self) -> int:
        """How many extensions led to this term; 0 for an original one."""
        return 0 if self.extends is None else 1 + self.extends.extension_count


@dataclass(frozen=True)
class Alert:
    """A notice to be given on `day` to `roles`; `offset` is in business days from the due day."""

    offset: int
    day: date
    roles: tuple[str, ...]


def due_date(
    start: date,
    days: int,
    unit: Unit,
    calendar: Calendar,
    suspensions: Iterable[Suspension] = (),
) -> date | None:
    """Return the last day of a term of `days` days whose day 0 is `start`.

    Zero days fall due on `start` itself (immediate). Suspended days do not count, and a term never ends on
    one; a term of calendar days moves on to the next business day. None when a suspension without end
    stops the count. Raises `RuleBroken` for negative days.
    """
    if days < 0:
        raise RuleBroken("El plazo no puede tener días negativos. Corrija el parámetro.", "days", "term_days")
    pauses = tuple(suspensions)
    if days == 0:
        return start
    day, counted = start, 0
    while True:
        day += _DAY
        pause = next((p for p in pauses if p.covers(day)), None)
        if pause is not None:
            if pause.end is None:
                return None
            day = pause.end
            continue
        works = calendar.is_business_day(day)
        if works or unit is Unit.CALENDAR:
            counted += 1
        if counted >= days and works:
            return day


def open_term(
    kind: TermType,
    start: date,
    days: int,
    calendar: Calendar,
    suspensions: Iterable[Suspension] = (),
) -> Term:
    """Return the term of `kind` that opens on `start`; `days` is the value of its parameter on that day."""
    return Term(kind.code, start, days, kind.unit, due_date(start, days, kind.unit, calendar, suspensions))


def extend(
    term: Term,
    act_date: date,
    limit: int,
    calendar: Calendar,
    suspensions: Iterable[Suspension] = (),
    days: int | None = None,
) -> Term:
    """Return the new term that extends `term` from its due day, of equal length unless `days` is given.

    Raises `RuleBroken` when the term is suspended, already over on `act_date`, or extended `limit` times.
    """
    if term.due is None:
        raise RuleBroken(
            "El plazo está suspendido. Levante la suspensión antes de prorrogarlo.", code="term_suspended"
        )
    if act_date > term.due:
        raise RuleBroken(
            f"La prórroga solo procede antes del vencimiento, que fue el {format_date(term.due)}.",
            "act_date",
            "term_over",
        )
    if term.extension_count >= limit:
        raise RuleBroken(f"Ya se concedieron las prórrogas permitidas ({limit}).", code="extension_limit")
    length = term.days if days is None else days
    if length < 1:
        raise RuleBroken("La prórroga debe ser de al menos un día.", "days", "term_days")
    due = due_date(term.due, length, term.unit, calendar, suspensions)
    return Term(term.type_code, term.due, length, term.unit, due, extends=term)


def recompute(term: Term, calendar: Calendar, suspensions: Iterable[Suspension] = ()) -> Term:
    """Return `term` with its due day counted anew, after a change of holidays or a suspension.

    A day already printed for a party never becomes earlier. An extension keeps its own `start`.
    """
    due = due_date(term.start, term.days, term.unit, calendar, suspensions)
    if due is not None and term.printed_due is not None:
        due = max(due, term.printed_due)
    return replace(term, due=due)


def recompute_chain(term: Term, calendar: Calendar, suspensions: Iterable[Suspension] = ()) -> Term:
    """Return `term` and those it extends counted anew, each from the new due day of the one before."""
    pauses = tuple(suspensions)
    if term.extends is None:
        return recompute(term, calendar, pauses)
    before = recompute_chain(term.extends, calendar, pauses)
    if before.due is None:
        return replace(term, extends=before, due=None)
    return recompute(replace(term, extends=before, start=before.due), calendar, pauses)


def is_over(term: Term, day: date) -> bool:
    """Say whether the term is past on `day`: it ends with the last hour of its due day."""
    return term.due is not None and day > term.due


def alerts(kind: TermType, due: date, offsets: Iterable[int], calendar: Calendar) -> tuple[Alert, ...]:
    """Return the alerts of a term due on `due`, in order; `offsets` is the value of its alerts parameter.

    The alert roles are told at every offset; after the due day the roles of the escalation join one by one.
    """
    result: list[Alert] = []
    late = 0
    for offset in sorted(set(offsets)):
        late += offset > 0
        roles = tuple(dict.fromkeys((*kind.alert_roles, *kind.escalation[:late])))
        result.append(Alert(offset, calendar.add_business_days(due, offset), roles))
    return tuple(result)


def alerts_between(all_alerts: Iterable[Alert], after: date, until: date) -> tuple[Alert, ...]:
    """Return the alerts after `after` up to `until`: what a daily job that may have missed days owes."""
    return tuple(a for a in all_alerts if after < a.day <= until)
