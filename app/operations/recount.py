"""A holiday or a general suspension is added, moved or taken away: the open terms that this touches.

    what = Change(holiday_in=…)        the calendar as it would be
    shifts = preview(what)             the open terms whose last day would be another one; nothing is written
    create(Holiday, values, seen)      the same, written: the row, the terms, the notices, in one act

A day that was printed for a party never becomes earlier, and no term that runs is over because of a change
(working rule 18). Terms are those of the whole country: whoever keeps the calendar sees no files, so the
scope is set aside here, and only the number of the order, its office and the days are shown to him.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.exc import StaleDataError

from app.core import calendar, clock
from app.core.base import Session
from app.core.calendar import Calendar
from app.core.errors import Missing, RuleBroken, Stale
from app.core.types import format_date, inside
from app.models.catalogs import Office
from app.models.followup import Term
from app.models.inspections import FinalReport, Finding, Visit
from app.models.norms import GeneralSuspension, Holiday
from app.models.registry import Establishment
from app.operations import moves, records, terms, watch
from app.operations.parameters import calendar_for
from app.operations.terms import Pause
from app.operations.unit import act
from app.security.scope import unscoped
from app.workflow import terms as arithmetic

SHOWN = 3
"""Terms that one notice names; of more it says how many."""


@dataclass(frozen=True)
class Change:
    """What would change of the calendar. `pause_id`: the suspension that is replaced, or goes away."""

    holiday_out: calendar.Holiday | None = None
    holiday_in: calendar.Holiday | None = None
    pause_id: int | None = None
    pause_in: Pause | None = None


@dataclass(frozen=True)
class Shift:
    """An open term whose last day becomes another one; None: it stands still."""

    term: Term
    record: Any
    before: date | None
    after: date | None
    start: date
    office: str

    @property
    def name(self) -> str:
        """The record and the term, in words."""
        return f"{watch.name_of(self.record)}: {inside(self.term.type.name)}"


class Touched(RuleBroken):
    """The change touches open terms that the person has not seen yet; `seen` is what he confirms."""

    default_code = "terms_touched"

    def __init__(self, shifts: list[Shift]) -> None:
        count = len(shifts)
        words = "1 plazo abierto cambia" if count == 1 else f"{count} plazos abiertos cambian"
        super().__init__(f"{words} de vencimiento. Revíselos y confirme.")
        self.shifts, self.seen = shifts, fingerprint(shifts)


def fingerprint(shifts: Iterable[Shift]) -> str:
    """What a person saw: the same only while the same terms go to the same days."""
    said = ";".join(f"{each.term.id}:{each.before}:{each.after}" for each in shifts)
    return sha256(said.encode()).hexdigest()[:32]


def preview(change: Change = Change()) -> list[Shift]:
    """The open terms that the change touches, those that become earlier first. Nothing is written."""
    with unscoped():
        return _shifts(change)


def _shifts(change: Change) -> list[Shift]:
    general = terms.general_pauses()
    if change.pause_id is not None:
        general.pop(change.pause_id, None)
    pauses = [*general.values(), *([change.pause_in] if change.pause_in else [])]
    offices = dict(Session.execute(select(Office.id, Office.code)).tuples().all())
    calendars: dict[Any, Calendar] = {}
    found = []
    for term in Session.scalars(_running()).unique():
        record = term.record
        kind = moves.process_of(record).term(term.type_code)
        place = terms.place_of(record, kind.calendar_of)
        if place not in calendars:
            calendars[place] = _as_changed(calendar_for(place), change)
        made = arithmetic.recompute_chain(terms.chain(term), calendars[place], terms.pauses(record, pauses))
        after = terms.no_later_than_now(term.due_on, made.due)
        if after != term.due_on:
            found.append(Shift(term, record, term.due_on, after, made.start, offices.get(term.office_id, "")))
    return sorted(found, key=lambda each: (each.before or date.max, each.term.id))


def _as_changed(known: Calendar, change: Change) -> Calendar:
    rows = list(known.holidays)
    if change.holiday_out in rows:
        rows.remove(change.holiday_out)
    if change.holiday_in is not None:
        rows.append(change.holiday_in)
    return Calendar(rows, known.place, known.asueto_suspends, known.weekdays)


def _running() -> Any:
    order = joinedload(Term.order)
    return (
        select(Term)
        .where(Term.status.in_(terms.RUNNING))
        .options(
            order,
            joinedload(Term.type),
            joinedload(Term.visit).joinedload(Visit.order),
            joinedload(Term.visit).joinedload(Visit.establishment).joinedload(Establishment.district),
            joinedload(Term.finding).joinedload(Finding.visit).joinedload(Visit.order),
            joinedload(Term.report).joinedload(FinalReport.order),
        )
        .order_by(Term.id)
    )


# Writing


def create(kind: type[Any], values: Mapping[str, Any], seen: str = "") -> Any:
    """A new holiday or suspension, with the terms that it touches. Raises Touched until they were seen."""
    _confirm(kind, values, None, seen)
    with act(f"{kind.__tablename__}.create"):
        row = records.create(kind, values)
        _recount(str(row))
    return row


def change(
    kind: type[Any], key: Any, values: Mapping[str, Any], version: int | None = None, seen: str = ""
) -> Any:
    """Change a holiday or a suspension, with the terms that it touches. Raises Touched, Stale, Missing."""
    row = Session.get(kind, key)
    if row is None:
        raise Missing()
    if version is not None and row.version != version:
        raise Stale()
    _confirm(kind, values, row, seen)
    with act(f"{kind.__tablename__}.change"):
        row = records.change(kind, key, values, version)
        _recount(str(row))
    return row


def remove(kind: type[Any], key: Any, seen: str = "") -> list[Shift]:
    """Take a holiday or a suspension away, with the terms that it touches. Raises Touched, Missing."""
    row = Session.get(kind, key)
    if row is None:
        raise Missing()
    shifts = preview(taken_away(row))
    if fingerprint(shifts) != seen:
        raise Touched(shifts)
    words = str(row)
    with act(f"{kind.__tablename__}.remove", reason=words):
        records.remove(kind, key)
        return _recount(f"se quitó {words}")


def taken_away(row: Holiday | GeneralSuspension) -> Change:
    """The calendar without a row."""
    if isinstance(row, Holiday):
        return Change(holiday_out=_holiday(row))
    return Change(pause_id=row.id)


def _confirm(kind: type[Any], values: Mapping[str, Any], row: Any, seen: str) -> None:
    shifts = preview(_change(kind, values, row))
    if shifts and fingerprint(shifts) != seen:
        raise Touched(shifts)


def _change(kind: type[Any], values: Mapping[str, Any], row: Any) -> Change:
    def value(name: str) -> Any:
        return values[name] if name in values or row is None else getattr(row, name)

    if kind is Holiday:
        made = calendar.Holiday(
            effective=values.get("effective_date") or value("effective_date"),
            name=value("name") or "",
            kind=calendar.HolidayKind(value("kind")),
            original=value("original_date"),
            norm=value("norm") or "",
            departments=frozenset(str(each.code) for each in value("departments") or ()),
            districts=frozenset(str(each.code) for each in value("districts") or ()),
            offices=frozenset(each.code for each in value("offices") or ()),
        )
        return Change(_holiday(row) if row is not None else None, made)
    start, end = value("valid_from"), value("valid_to")
    if end is not None and end < start:
        raise RuleBroken("La suspensión termina antes de empezar. Corrija sus fechas.", "valid_to")
    pause = Pause(
        start,
        end,
        value("legal_basis") or "",
        frozenset(each.id for each in value("offices") or ()),
        frozenset(value("processes") or ()),
    )
    return Change(pause_id=row.id if row is not None else None, pause_in=pause)


def _holiday(row: Holiday) -> calendar.Holiday:
    return calendar.Holiday(
        effective=row.effective_date,
        name=row.name,
        kind=calendar.HolidayKind(row.kind),
        original=row.original_date,
        norm=row.norm or "",
        departments=frozenset(str(each.code) for each in row.departments),
        districts=frozenset(str(each.code) for each in row.districts),
        offices=frozenset(each.code for each in row.offices),
    )


def _recount(cause: str) -> list[Shift]:
    """Give every open term its day on the calendar as it now stands; tell those who answer for it."""
    with act("term.recount", reason=cause) as unit, unscoped():
        unit.session.flush()
        shifts = _shifts(Change())
        people = watch.People(clock.today())
        told: dict[int, list[str]] = {}
        for shift in shifts:
            term = shift.term
            kind = moves.process_of(shift.record).term(term.type_code)
            terms.move(term, shift.record, shift.start, shift.after, kind.calendar_of)
            words = f"{shift.name}: {_said(shift)}"
            for account in people.of(shift.record, (kind.responsible, *kind.alert_roles), term.office_id):
                told.setdefault(account, []).append(words)
        try:
            unit.session.flush()
        except StaleDataError as error:
            raise Stale("Un plazo cambió mientras tanto: repita el cambio.") from error
        watch.tell({account: [_letter(cause, lines)] for account, lines in told.items()}, "/")
    return shifts


def _said(shift: Shift) -> str:
    if shift.after is None:
        return "queda suspendido"
    if shift.before is None:
        return f"vuelve a correr y vence el {format_date(shift.after)}"
    return f"vencía el {format_date(shift.before)} y ahora el {format_date(shift.after)}"


def _letter(cause: str, lines: list[str]) -> str:
    more = f" Y {len(lines) - SHOWN} más." if len(lines) > SHOWN else ""
    return f"Cambió el calendario ({cause}). " + "; ".join(lines[:SHOWN]) + "." + more
