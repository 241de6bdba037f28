"""Readers of the law as rows: the value of a parameter, a wage, an infraction, a calendar, on a given day.

Nothing here is a constant of the code: without a row in force the answer is an error that names the row to
add. What is read is kept on the session until its transaction ends or one of these tables changes in it, so
that a change on screen, by any node, holds from the next request on; who signs what is kept so too (`kept`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar, cast

from sqlalchemy import event, inspect, select
from sqlalchemy.orm import ORMExecuteState, selectinload
from sqlalchemy.orm import Session as OrmSession

from app.core import calendar, clock
from app.core.base import Session
from app.core.errors import Missing
from app.core.types import format_date
from app.models.norms import Dated, Holiday, Infraction, MinimumWage, Parameter

Value = int | Decimal | bool | str | list[str]
Row = TypeVar("Row", bound=Dated)
Made = TypeVar("Made")

_KEPT = "sis_law"
_TABLES = frozenset(
    {"parameter", "minimum_wage", "infraction", "holiday", "department", "district", "office"}
    | {"holiday_department", "holiday_district", "holiday_office"}
    | {"document_type", "post", "post_holder", "delegation", "ab_user"}
)


def parameter(code: str, on: date) -> Value:
    """The value of a parameter on a day, as its type says. Raises Missing when none is in force."""
    row = _in_force(kept("parameter", _parameters).get(code, ()), on)
    if row is None:
        raise Missing(
            f"El parámetro {code} no tiene valor vigente al {format_date(on)}. "
            "Pida a Informática que lo agregue en Catálogos, Parámetros.",
            "parameter_missing",
        )
    return typed(row.value, row.value_type)


def whole(code: str, on: date) -> int:
    """A parameter that is a whole number."""
    return cast(int, parameter(code, on))


def typed(value: str, value_type: str) -> Value:
    """A stored text as the value that it means; lists are of texts without blanks."""
    readers: dict[str, Callable[[str], Value]] = {
        "int": int,
        "decimal": Decimal,
        "bool": lambda text: text == "true",
        "list": lambda text: [item.strip() for item in text.split(",") if item.strip()],
    }
    return readers.get(value_type, str)(value)


def minimum_wage(on: date) -> MinimumWage:
    """The minimum wage and day wage of a day, in guaraníes. Raises Missing."""
    row = _in_force(kept("minimum_wage", _wages), on)
    if row is None:
        raise Missing(
            f"No hay jornal mínimo cargado para el {format_date(on)}. "
            "Pida a Informática que lo agregue en Catálogos, Salario mínimo y jornal.",
            "minimum_wage_missing",
        )
    return row


def infraction(code: str, on: date) -> Infraction:
    """An infraction as it stood on a day. Raises Missing."""
    row = _in_force(kept("infraction", _infractions).get(code, ()), on)
    if row is None:
        raise Missing(
            f"La infracción {code} no está vigente al {format_date(on)}. "
            "Revise el código y la fecha en Catálogos, Infracciones.",
            "infraction_missing",
        )
    return row


def calendar_for(
    place: calendar.Place, years: Collection[int] | None = None, on: date | None = None
) -> calendar.Calendar:
    """The working days at a place, from the holidays kept in `years` (all that are known, when None).

    Codes of the place are texts: `Place(department="11", district="153", office="REG-11")`. `on` is the day
    whose parameters count (whether a half-day stops terms); today when None.
    """
    wanted = None if years is None else frozenset(years)
    suspends = bool(parameter("ASUETO_SUSPENDE", on or clock.today()))

    def make() -> calendar.Calendar:
        rows = kept("holiday", _holidays)
        asked = (row for row in rows if wanted is None or row.effective.year in wanted)
        return calendar.Calendar(asked, place, suspends)

    return kept(("calendar", place, wanted, suspends), make)


def _in_force(rows: Iterable[Row], on: date) -> Row | None:
    return next(
        (row for row in rows if row.valid_from <= on and (row.valid_to is None or on <= row.valid_to)), None
    )


def kept(name: Any, make: Callable[[], Made]) -> Made:
    """What `make` gives, once for each transaction of this session."""
    store: dict[Any, Any] = Session().info.setdefault(_KEPT, {})
    if name not in store:
        store[name] = make()
    return cast(Made, store[name])


def _by_code(kind: type[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in Session.scalars(select(kind)):
        found.setdefault(row.code, []).append(row)
    return found


def _parameters() -> dict[str, list[Parameter]]:
    return _by_code(Parameter)


def _infractions() -> dict[str, list[Infraction]]:
    return _by_code(Infraction)


def _wages() -> list[MinimumWage]:
    return list(Session.scalars(select(MinimumWage)))


def _holidays() -> list[calendar.Holiday]:
    places = (
        selectinload(Holiday.departments),
        selectinload(Holiday.districts),
        selectinload(Holiday.offices),
    )
    return [
        calendar.Holiday(
            effective=row.effective_date,
            name=row.name,
            kind=calendar.HolidayKind(row.kind),
            original=row.original_date,
            norm=row.norm or "",
            departments=frozenset(str(department.code) for department in row.departments),
            districts=frozenset(str(district.code) for district in row.districts),
            offices=frozenset(office.code for office in row.offices),
        )
        for row in Session.scalars(select(Holiday).options(*places).order_by(Holiday.effective_date))
    ]


def _forget(session: OrmSession) -> None:
    session.info.pop(_KEPT, None)


@event.listens_for(OrmSession, "after_flush")
def _forget_changed(session: OrmSession, flush_context: Any) -> None:
    rows = (*session.new, *session.dirty, *session.deleted)
    if any(inspect(type(row)).local_table.name in _TABLES for row in rows):
        _forget(session)


@event.listens_for(OrmSession, "do_orm_execute")
def _forget_executed(state: ORMExecuteState) -> None:
    table = getattr(state.statement, "table", None)  # of an insert, update or delete
    if getattr(table, "name", None) in _TABLES:
        _forget(state.session)


@event.listens_for(OrmSession, "after_commit")
def _forget_committed(session: OrmSession) -> None:
    _forget(session)


@event.listens_for(OrmSession, "after_soft_rollback")
def _forget_undone(session: OrmSession, previous: Any) -> None:
    _forget(session)
