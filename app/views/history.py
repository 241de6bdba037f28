"""The history of a record in words: who did what, when, with old and new values."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, DateTime, inspect, text

from app.core.base import Model, Session
from app.views.widgets import formatter

TITLES = {
    "I": "Se creó",
    "U": "Se modificó",
    "D": "Se borró",
    "R": "Se leyó",
    "T": "Se vació la tabla",
    "L": "Se cargó sin rastro",
    "C": "Cambió la estructura",
}
RESERVED = "dato reservado"
"""What the trail says in the place of a value that few may read."""
SILENT = frozenset({"version", "updated_at", "updated_by_id", "state_since"})
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
    column = inspect(kind).primary_key[0]
    value = int(key) if column.type.python_type is int and str(key).isdecimal() else key
    rows = Session.execute(
        HISTORY,
        {"table": kind.__tablename__, "key": json.dumps({column.name: value})},
    )
    return [
        Entry(
            row.at,
            row.actor,
            TITLES[row.operation],
            list(changes(kind, row)) if row.operation == "U" else [],
        )
        for row in rows
    ]


def changes(kind: type[Model], row: Any) -> Iterator[str]:
    """The changed columns of a row of the trail in words, with their old and new values."""
    for name, new in (row.new_values or {}).items():
        column = kind.__table__.c.get(name)
        if column is None or name in SILENT:
            continue
        label = column.info.get("label") or getattr(kind, "words", {}).get(name, name)
        if str(new).startswith("sha256:"):
            yield f"{label}: cambiada"
            continue
        if new == RESERVED:
            yield f"{label}: {RESERVED}"
            continue
        show = formatter(column)
        before, after = (show(_typed(column, value)) or "—" for value in (row.old_values.get(name), new))
        yield f"{label}: {before} → {after}"


def _typed(column: Any, value: Any) -> Any:
    """A value as JSON kept it, back to what the column's format expects."""
    if isinstance(value, str) and isinstance(column.type, DateTime):
        return datetime.fromisoformat(value)
    if isinstance(value, str) and isinstance(column.type, Date):
        return date.fromisoformat(value)
    return value
