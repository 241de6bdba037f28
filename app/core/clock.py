"""The clock: the only module that reads the time of the machine.

Moments are aware and in UTC; days are those of Paraguay. An installation for training may add an offset,
kept as a database row, which a higher layer supplies through `use_offset`. The audit trail uses
`real_now`, which no offset touches.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

ASUNCION = ZoneInfo("America/Asuncion")


def _no_offset() -> timedelta:
    return timedelta(0)


_source: Callable[[], timedelta] = _no_offset


def use_offset(source: Callable[[], timedelta] | None) -> None:
    """Take the offset added to the clock from `source`, asked at each reading; `None` removes it."""
    global _source
    _source = source or _no_offset


def offset() -> timedelta:
    """Return the offset in force, zero in production."""
    return _source()


def real_now() -> datetime:
    """Return the machine's moment, aware, in UTC, without any offset: the time of the audit trail."""
    return datetime.now(UTC)


def now() -> datetime:
    """Return the present moment of the system, aware, in UTC, offset included."""
    return real_now() + offset()


def today() -> date:
    """Return the present day in Paraguay (America/Asuncion), offset included: the day of legal acts."""
    return local(now()).date()


def local(moment: datetime) -> datetime:
    """Return an aware moment as wall time of Paraguay.

    Raises `ValueError` for a moment without time zone, whose day cannot be known.
    """
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError("a moment without time zone has no local time")
    return moment.astimezone(ASUNCION)
