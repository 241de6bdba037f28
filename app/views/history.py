"""The history of a record in words: who did what, when, with old and new values."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, DateTime, inspect, text

from app.core.base import Model, Session
from app.views.widgets import formatter

TITLES = {"I": "Se creó", "U": "Se modificó", "D": "Se borró"}
SILENT = frozenset({"version", "updated_at", "updated_by_id"})
HISTORY = text(
    "SELECT at, actor, operation, old_values, new_values"
    " FROM audit.history(:table, CAST(:key AS jsonb)) LIMIT 50"
)


@dataclass(frozen=True)
class Entry:
    """One change of a record."""

    at: datetime
    actor: str
    title: str
    changes: list[str]


def history_of(kind: type[Model], key: Any) -> list[Entry]:
    """The last changes of the record with this key, newest first."""
    name = inspect(kind).primary_key[0].name
    rows = Session.execute(
        HISTORY,
        {"table": kind.__tablename__, "key": json.dumps({name: int(key) if str(key).isdigit() else key})},
    )
    return [
        Entry(
            row.at,
            row.actor,
            TITLES[row.operation],
            list(_changes(kind, row)) if row.operation == "U" else [],
        )
        for row in rows
    ]


def _changes(kind: type[Model], row: Any) -> Iterator[str]:
    for name, new in (row.new_values or {}).items():
        column = kind.__table__.c.get(name)
        if column is None or name in SILENT:
            continue
        show = formatter(column)
        before, after = (show(_typed(column, value)) or "—" for value in (row.old_values.get(name), new))
        yield f"{column.info.get('label', name)}: {before} → {after}"


def _typed(column: Any, value: Any) -> Any:
    """A value as JSON kept it, back to what the column's format expects."""
    if isinstance(value, str) and isinstance(column.type, DateTime):
        return datetime.fromisoformat(value)
    if isinstance(value, str) and isinstance(column.type, Date):
        return date.fromisoformat(value)
    return value
