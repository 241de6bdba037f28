"""The calendar: a month as a table, the week of a day as a list; what happens on each day."""

from __future__ import annotations

from calendar import Calendar
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import url_for

from app.operations import work
from app.operations.work import Desk, Item
from app.views.home.shown import Row, row_of
from app.views.widgets import day as written

WEEKDAYS = ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")
MONTHS = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio",
    "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
)  # fmt: skip
MOST = 25
"""Records that the list of a week or a day shows; of more it says how many."""
FIRST, LAST = date(2000, 1, 1), date(2099, 12, 31)


@dataclass(frozen=True)
class Day:
    """A day of the calendar."""

    date: date
    url: str
    visits: int
    terms: int
    closed: str
    today: bool
    outside: bool
    """Of the month before or after."""

    @property
    def words(self) -> str:
        """What the day has, for who does not see the marks."""
        found = [_many(self.visits, "visita", "visitas"), _many(self.terms, "vencimiento", "vencimientos")]
        return ", ".join(filter(None, [*found, self.closed])) or "nada"


@dataclass(frozen=True)
class Listed:
    """A day in the list of the week."""

    title: str
    closed: str
    rows: list[Row]
    today: bool


@dataclass(frozen=True)
class Agenda:
    """The month and the week of a day, with the ways to those before and after."""

    title: str
    weeks: list[list[Day]]
    month: tuple[str, str]
    week: tuple[str, str]
    listed_title: str
    listed: list[Listed]
    hidden: int
    """Records of the listed days that are not shown."""
    all: bool
    """Whether the whole week is listed, not one day."""
    whole_week: str


@dataclass(frozen=True)
class Asked:
    """The day that is looked at, alone or with its week."""

    today: date
    day: date
    alone: bool = False

    @classmethod
    def read(cls, args: Any, today: date) -> Asked:
        """From an address; what is no day of this century is today."""
        try:
            day = date.fromisoformat(args.get("dia", ""))
        except ValueError:
            return cls(today, today)
        return cls(today, day if FIRST <= day <= LAST else today, args.get("vista") == "dia")

    @property
    def monday(self) -> date:
        """The first day of its week."""
        return self.day - timedelta(days=self.day.weekday())

    @property
    def span(self) -> tuple[date, date]:
        """The days that are listed; of this week, those that are left."""
        if self.alone:
            return self.day, self.day
        sunday = self.monday + timedelta(days=6)
        return (self.today if self.monday <= self.today <= sunday else self.monday), sunday

    @property
    def month(self) -> list[list[date]]:
        """The weeks of its month, whole."""
        return Calendar().monthdatescalendar(self.day.year, self.day.month)


def queries_of(desk: Desk, asked: Asked) -> tuple[Any, Any]:
    """The rows of the days that are listed, and of the month; None when the roles have none."""
    weeks = asked.month
    return work.agenda(desk, *asked.span), work.agenda(desk, weeks[0][0], weeks[-1][-1])


def drawn(desk: Desk, asked: Asked, listed: work.Waiting, busy: work.Busy) -> Agenda:
    """The calendar of the day that is looked at; `listed` are the records of its list."""
    weeks = asked.month
    name = f"{MONTHS[asked.day.month - 1]} de {asked.day.year}"
    first = asked.day.replace(day=1)
    before, after = (first - timedelta(days=1)).replace(day=1), (first + timedelta(days=32)).replace(day=1)
    a_week = timedelta(days=7)
    return Agenda(
        name.capitalize(),
        [[_day(desk, each, asked, busy.get(each, {})) for each in week] for week in weeks],
        (address(before), address(after)),
        (address(asked.monday - a_week), address(asked.monday + a_week)),
        _named(asked.day) if asked.alone else f"Del {written(asked.span[0])} al {written(asked.span[1])}",
        _listed(desk, asked, listed.rows),
        listed.total - len(listed.rows),
        not asked.alone,
        address(asked.day),
    )


def _day(desk: Desk, day: date, asked: Asked, busy: dict[bool, int]) -> Day:
    return Day(
        day,
        address(day, alone=True),
        busy.get(True, 0),
        busy.get(False, 0),
        _closed(desk, day),
        day == desk.today,
        day.month != asked.day.month,
    )


def _listed(desk: Desk, asked: Asked, items: list[Item]) -> list[Listed]:
    """The days with something on them; of a single day that day, though it be empty."""
    found = []
    for number in range((asked.span[1] - asked.span[0]).days + 1):
        day = asked.span[0] + timedelta(days=number)
        rows = [row_of(item, desk.today) for item in items if item.due == day]
        closed = _closed(desk, day)
        if rows or closed or asked.alone:
            found.append(Listed(_named(day), closed, rows, day == desk.today))
    return found


def _closed(desk: Desk, day: date) -> str:
    return "; ".join(desk.closed_days.get(day, ()))


def _named(day: date) -> str:
    return f"{WEEKDAYS[day.weekday()].capitalize()} {written(day)}"


def _many(count: int, one: str, more: str) -> str:
    return "" if not count else f"{count} {one if count == 1 else more}"


def address(day: date, alone: bool = False) -> str:
    """The address of the calendar at a day."""
    return url_for("HomeView.agenda", dia=day.isoformat(), **({"vista": "dia"} if alone else {}))
