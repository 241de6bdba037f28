"""Business days: which days count, and how terms are counted over them.

Serves Ley 1723/2001 (holidays moved by decree) and Ley 7544/2025 (20 June; days added by the Executive)
as data: every holiday is a row handed in, none is known to the code. Day 0 is the day of the act, counting
begins the next business day, and a term of calendar days that ends on a day without work ends on the next
business day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

_DAY = timedelta(days=1)
MONDAY_TO_FRIDAY = frozenset(range(5))


class HolidayKind(StrEnum):
    """What a holiday row is; an `ASUETO` is a half-day and stops the count only where a parameter says so."""

    NACIONAL = "NACIONAL"
    DECRETO = "DECRETO"
    LOCAL = "LOCAL"
    ASUETO = "ASUETO"


@dataclass(frozen=True)
class Place:
    """Where a term is counted: codes of department, district and office, None when unknown."""

    department: str | None = None
    district: str | None = None
    office: str | None = None


@dataclass(frozen=True)
class Holiday:
    """One holiday row. Only `effective`, the day to which a decree may have moved it, blocks a day.

    Without departments, districts and offices it is national; with any of them it holds there only.
    """

    effective: date
    name: str = ""
    kind: HolidayKind = HolidayKind.NACIONAL
    original: date | None = None
    norm: str = ""
    departments: frozenset[str] = frozenset()
    districts: frozenset[str] = frozenset()
    offices: frozenset[str] = frozenset()

    def applies_to(self, place: Place) -> bool:
        """Say whether the holiday is kept at `place`; a local one is not kept at an unknown place."""
        if not (self.departments or self.districts or self.offices):
            return self.kind is not HolidayKind.LOCAL
        return (
            place.department in self.departments
            or place.district in self.districts
            or place.office in self.offices
        )


@dataclass(frozen=True)
class Calendar:
    """The working days of one place; immutable.

    `asueto_suspends` is the parameter that makes half-days count as days without work.
    `weekdays` are the days of work, Monday being 0.
    """

    holidays: tuple[Holiday, ...] = ()
    place: Place = Place()
    asueto_suspends: bool = False
    weekdays: frozenset[int] = MONDAY_TO_FRIDAY
    _blocked: frozenset[date] = field(init=False, repr=False, compare=False, default=frozenset())

    def __init__(
        self,
        holidays: Iterable[Holiday] = (),
        place: Place | None = None,
        asueto_suspends: bool = False,
        weekdays: Iterable[int] = MONDAY_TO_FRIDAY,
    ) -> None:
        kept = tuple(holidays)
        where = place or Place()
        days = frozenset(weekdays)
        if not days or not days <= frozenset(range(7)):
            raise ValueError("a calendar needs at least one day of work, from 0 (Monday) to 6")
        blocked = frozenset(
            h.effective
            for h in kept
            if h.applies_to(where) and (asueto_suspends or h.kind is not HolidayKind.ASUETO)
        )
        for name, value in (
            ("holidays", kept),
            ("place", where),
            ("asueto_suspends", asueto_suspends),
            ("weekdays", days),
            ("_blocked", blocked),
        ):
            object.__setattr__(self, name, value)

    def is_business_day(self, day: date) -> bool:
        """Say whether `day` is a day of work and no holiday in force here."""
        return day.weekday() in self.weekdays and day not in self._blocked

    def holidays_on(self, day: date) -> tuple[Holiday, ...]:
        """Return the holiday rows kept here on `day`, half-days included, to explain it to the user."""
        return tuple(h for h in self.holidays if h.effective == day and h.applies_to(self.place))

    def next_business_day(self, day: date) -> date:
        """Return `day` itself when it is a business day, else the first one after it."""
        while not self.is_business_day(day):
            day += _DAY
        return day

    def add_business_days(self, start: date, days: int) -> date:
        """Return the `days`-th business day after `start`, which is day 0 and never counts.

        Zero gives `start` itself; a negative number counts backwards, as alerts do.
        """
        step = _DAY if days > 0 else -_DAY
        day = start
        for _ in range(abs(days)):
            day += step
            while not self.is_business_day(day):
                day += step
        return day

    def add_calendar_days(self, start: date, days: int) -> date:
        """Return the day `days` calendar days after `start`, moved on to the next business day."""
        return self.next_business_day(start + timedelta(days=days))

    def business_days_between(self, start: date, end: date) -> int:
        """Return how many business days lie after `start` up to and including `end`.

        Negative, with the days after `end` up to `start`, when `end` is earlier.
        """
        if end < start:
            return -self.business_days_between(end, start)
        return sum(self.is_business_day(start + timedelta(days=i)) for i in range(1, (end - start).days + 1))
