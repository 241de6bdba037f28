"""How the first page draws what waits: a row, a stop of the day, a number, a day of the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from flask import url_for

from app.core.types import inside
from app.models.inspections import InspectionOrder, Visit
from app.models.registry import Establishment
from app.operations import work
from app.operations.work import Item, Queue
from app.security.roles import Role
from app.views.inspections.shown import Mark, mark, page_of, validity
from app.views.widgets import day

SOON = timedelta(days=5)
UNDER_WAY = "sis-state-open"
TITLES: dict[tuple[str, Role], str] = {
    ("vencidos", Role.COORDINATOR): "Vencidos en mi equipo",
    ("vencidos", Role.REGIONAL): "Vencidos en mi oficina",
    ("informes", Role.INSPECTOR): "Informes por escribir o firmar",
    ("informes", Role.COORDINATOR): "Informes por revisar",
    ("informes", Role.DIRECTOR): "Informes por decidir",
    ("informes", Role.LEGAL): "Dictámenes por elevar",
    ("para-firmar", Role.LEGAL): "Dictámenes por emitir",
    ("hallazgos", Role.NOTIFIER): "Requerimientos por notificar",
    ("hallazgos", Role.SECRETARY): "Requerimientos por notificar",
    ("en-termino", Role.MINISTER): "Decisiones en término",
}
"""A queue in the words of a role."""


@dataclass(frozen=True)
class Row:
    """A record that waits: its name, what it is about, how it stands, the day that presses it, its page."""

    name: str
    about: str
    state: Mark | None
    due: Mark | None
    url: str


@dataclass(frozen=True)
class Stop:
    """A visit of the day: the row, where it is, and how a telephone finds the way."""

    row: Row
    where: str
    reference: str
    way: str
    left: bool = False
    """Planned for a day that is over, and not begun."""


@dataclass(frozen=True)
class Group:
    """A queue on the page: its first rows, how many there are, the address of all of them."""

    title: str
    icon: str
    rows: list[Any]
    total: int
    url: str
    nothing: str


@dataclass(frozen=True)
class Number:
    """A number that matters, in words and with a shape, and where its records are."""

    label: str
    value: str
    url: str
    look: str = ""


def title_of(queue: Queue, roles: frozenset[Role]) -> str:
    """The title of a queue, in the words of the first role that has some."""
    return next(
        (TITLES[queue.code, role] for role in Role if (queue.code, role) in TITLES and role in roles),
        queue.title,
    )


def due_mark(due: date | None, today: date) -> Mark | None:
    """The day on which a term ends, as it stands today."""
    if due is None:
        return None
    if due < today:
        return Mark(f"Venció el {day(due)}", "sis-state-late")
    if due == today:
        return Mark("Vence hoy", "sis-state-soon")
    if due == today + timedelta(days=1):
        return Mark("Vence mañana", "sis-state-soon")
    return Mark(f"Vence el {day(due)}", "sis-state-soon" if due - today <= SOON else "sis-state-waiting")


def row_of(item: Item, today: date) -> Row:
    """An item of a queue as a row."""
    record, about = item.record, [work.about(item.record)]
    due = due_mark(item.due, today)
    if isinstance(record, Visit) and not item.word:  # the day for which it is planned; else the end of a term
        due = _planned(record, today)
    if isinstance(record, InspectionOrder) and record.valid_until is not None and item.due is None:
        about.append(inside(validity(record)))
    words = [item.word, *about]
    return Row(work.name_of(record), " · ".join(filter(None, words)), mark(record), due, page_of(record))


def _planned(visit: Visit, today: date) -> Mark | None:
    if visit.happened_on is not None or visit.planned_on is None:
        return None
    if visit.planned_on < today:
        return Mark(f"Era para el {day(visit.planned_on)}", "sis-state-late")
    if visit.planned_on == today:
        return Mark("Es hoy", "sis-state-soon")
    return Mark(f"Será el {day(visit.planned_on)}", "sis-state-waiting")


def stops(items: list[Item], today: date) -> list[Stop]:
    """The visits of the day: those under way first, then those of today by district, then those left over."""
    return [_stop(item, today) for item in sorted(items, key=lambda item: _turn(item.record, today))]


def _turn(visit: Visit, today: date) -> tuple[bool, bool, float, str, str, int]:
    place = visit.establishment
    began = visit.started_at.timestamp() if visit.started_at else 0.0
    where = (place.district.name, place.name) if place else ("", "")
    return _left(visit, today), visit.happened_on is None, began, *where, visit.id


def _left(visit: Visit, today: date) -> bool:
    return visit.happened_on is None and visit.planned_on is not None and visit.planned_on < today


def _stop(item: Item, today: date) -> Stop:
    row, left, place = row_of(item, today), _left(item.record, today), item.record.establishment
    if place is None:
        return Stop(row, "El establecimiento se elige en la puerta.", "", "", left)
    where = " · ".join(filter(None, [place.name, place.address, place.neighbourhood, place.district.name]))
    return Stop(row, where, place.reference or "", way_to(place), left)


def way_to(place: Establishment) -> str:
    """What a telephone opens with its own maps (RFC 5870); empty when nothing says where it is."""
    label = quote(f"({place.name})")
    if place.latitude is not None:
        point = f"{place.latitude},{place.longitude}"
        return f"geo:{point}?q={point}{label}"
    if place.address:
        return f"geo:0,0?q={quote(f'{place.address}, {place.district.name}, Paraguay')}"
    return ""


def address_of(queue: Queue, **more: Any) -> str:
    """The address of the whole list of a queue."""
    return url_for("HomeView.queue", cola=queue.code, **more)
