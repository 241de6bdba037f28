"""Terms of records: opened and closed by moves, extended; what a change of the calendar does to them.

The days come from the parameter of the day on which the term opens; the calendar is that of the office of
the procedure, or of the establishment, as the kind of term says (working rule 18).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.core import clock
from app.core.base import Session
from app.core.calendar import Calendar, Place
from app.core.errors import RuleBroken
from app.models.catalogs import Office
from app.models.followup import Term, TermAlert, TermStatus, owner_column
from app.models.norms import GeneralSuspension
from app.operations.parameters import calendar_for, whole
from app.operations.unit import act
from app.workflow import terms as arithmetic
from app.workflow.definition import CalendarOf, TermType, Unit

RUNNING = (TermStatus.OPEN.value, TermStatus.SUSPENDED.value)


@dataclass(frozen=True)
class Opening:
    """A term as it would stand if it opened on `start`."""

    kind: TermType
    start: date
    days: int
    due: date | None


def place_of(record: Any, whose: CalendarOf = CalendarOf.OFFICE) -> Place:
    """Where the terms of a record are counted."""
    office = Session.get(Office, record.office_id)
    code = office.code if office else None
    establishment = getattr(record, "establishment", None)
    if whose is CalendarOf.ESTABLISHMENT and establishment is not None:
        district = establishment.district
        return Place(str(district.department_code), str(district.code), code)
    return Place(office=code)


def calendar_of(record: Any, whose: CalendarOf = CalendarOf.OFFICE) -> Calendar:
    """The working days that count for a record."""
    return calendar_for(place_of(record, whose))


def opening(record: Any, kind: TermType, start: date) -> Opening:
    """What opening a term of this kind on a day would give."""
    days = whole(kind.parameter, start)
    term = arithmetic.open_term(kind, start, days, calendar_of(record, kind.calendar_of), pauses(record))
    return Opening(kind, start, days, term.due)


def open_term(record: Any, kind: TermType, start: date) -> Term:
    """Open a term of a record."""
    made = opening(record, kind, start)
    with act("term.open") as unit:
        row = Term(
            version_code=record.version_code,
            process_code=record.process,
            type_code=kind.code,
            office_id=record.office_id,
            start_on=start,
            days=made.days,
            unit=kind.unit.value,
            due_on=made.due,
            printed_due_on=made.due
            if hasattr(record, "follow_term")
            else None,  # an order prints its validity
            status=TermStatus.SUSPENDED.value if made.due is None else TermStatus.OPEN.value,
            **{owner_column(record): record.id},
        )
        unit.session.add(row)
        unit.session.flush()
    return row


def running(record: Any, code: str | None = None) -> Term | None:
    """The term of a record that runs now, the newest; of one kind when `code` is given."""
    query = select(Term).where(getattr(Term, owner_column(record)) == record.id, Term.status.in_(RUNNING))
    if code is not None:
        query = query.where(Term.type_code == code)
    return Session.scalars(query.order_by(Term.id.desc()).limit(1)).first()


def standing(record: Any, code: str | None = None) -> Term | None:
    """The term on which an act of a record is judged: the one that runs, or the last one if it was left to
    expire (an act of its days may be entered after it: working rule 3)."""
    query = select(Term).where(getattr(Term, owner_column(record)) == record.id)
    if code is not None:
        query = query.where(Term.type_code == code)
    last = Session.scalars(query.order_by(Term.id.desc()).limit(1)).first()
    return last if last is not None and last.status in (*RUNNING, TermStatus.OVERDUE.value) else None


def close(record: Any, codes: tuple[str, ...], on: date, status: TermStatus = TermStatus.MET) -> None:
    """Close the running terms of these kinds; one closed after its due day is overdue, not met.

    One that the clock closed is met after all when the act happened in its days.
    """
    owner = getattr(Term, owner_column(record))
    with act("term.close") as unit:
        for row in unit.session.scalars(
            select(Term).where(owner == record.id, Term.type_code.in_(codes), Term.status.in_(RUNNING))
        ):
            late = status is TermStatus.MET and row.due_on is not None and on > row.due_on
            row.status, row.closed_on = (TermStatus.OVERDUE if late else status).value, on
        last = standing(record)
        if last is not None and last.type_code in codes and last.due_on is not None and on <= last.due_on:
            last.status, last.closed_on = status.value, on
        unit.session.flush()


def chain(term: Term) -> arithmetic.Term:
    """A term with those that it extends, as the arithmetic knows it."""
    return arithmetic.Term(
        term.type_code,
        term.start_on,
        term.days,
        Unit(term.unit),
        term.due_on,
        term.printed_due_on,
        chain(term.extends) if term.extends is not None else None,
    )


def extension(record: Any, kind: TermType, on: date) -> arithmetic.Term:
    """What extending the term of this kind on a day would give. Raises RuleBroken."""
    term = standing(record, kind.code)
    if term is None:
        raise RuleBroken("No hay plazo en curso que prorrogar.", code="no_term")
    limit = whole(kind.extension_parameter, on) if kind.extension_parameter else 0
    return arithmetic.extend(chain(term), on, limit, calendar_of(record, kind.calendar_of), pauses(record))


def extend(record: Any, kind: TermType, on: date) -> Term:
    """Extend the term: a new one linked to it. Raises RuleBroken."""
    made = extension(record, kind, on)
    with act("term.extend") as unit:
        before = standing(record, kind.code)
        assert before is not None
        before.status, before.closed_on = TermStatus.EXTENDED.value, on
        row = Term(
            version_code=record.version_code,
            process_code=record.process,
            type_code=kind.code,
            office_id=record.office_id,
            start_on=made.start,
            days=made.days,
            unit=made.unit.value,
            due_on=made.due,
            printed_due_on=made.due,  # an extension is granted by a letter that says its last day
            status=TermStatus.SUSPENDED.value if made.due is None else TermStatus.OPEN.value,
            extends_id=before.id,
            **{owner_column(record): record.id},
        )
        unit.session.add(row)
        unit.session.flush()
    return row


@dataclass(frozen=True)
class Pause:
    """A general suspension: what stops from when to when, where. Empty sets reach everything."""

    start: date
    end: date | None
    norm: str
    offices: frozenset[int] = frozenset()
    processes: frozenset[str] = frozenset()

    def reaches(self, record: Any) -> bool:
        """Whether the terms of a record stand still under it."""
        return (not self.offices or record.office_id in self.offices) and (
            not self.processes or record.process in self.processes
        )


def general_pauses() -> dict[int, Pause]:
    """Every general suspension, by the key of its row."""
    rows = Session.scalars(select(GeneralSuspension).options(selectinload(GeneralSuspension.offices)))
    return {
        row.id: Pause(
            row.valid_from,
            row.valid_to,
            row.legal_basis,
            frozenset(office.id for office in row.offices),
            frozenset(row.processes),
        )
        for row in rows
    }


def pauses(record: Any, general: Iterable[Pause] | None = None) -> list[arithmetic.Suspension]:
    """The general suspensions that reach a record (working rule 18)."""
    known = general_pauses().values() if general is None else general
    return [arithmetic.Suspension(each.start, each.end, each.norm) for each in known if each.reaches(record)]


def no_later_than_now(before: date | None, after: date | None) -> date | None:
    """A term that runs today is not over today because its calendar changed."""
    today = clock.today()
    if before is not None and after is not None and after < today <= before:
        return today
    return after


def move(term: Term, record: Any, start: date, due: date | None, whose: CalendarOf) -> None:
    """Give a running term another last day, inside an open act; without one it is suspended.

    The alerts that come again on the way to the new day are forgotten; those that stay in the past are not.
    """
    term.start_on, term.due_on = start, due
    term.status = (TermStatus.SUSPENDED if due is None else TermStatus.OPEN).value
    if due is None:
        return
    if hasattr(record, "follow_term"):
        record.follow_term(start, due)
    days, today = calendar_of(record, whose), clock.today()
    for alert in Session.scalars(select(TermAlert).where(TermAlert.term_id == term.id)):
        if days.add_business_days(due, alert.offset_days) > today:
            Session.delete(alert)
