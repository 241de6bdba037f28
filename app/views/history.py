"""The history of a record in words: who did what, when, with old and new values.

What a value refers to is said by its name, as far as the present person may see it; else by its number.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Date, DateTime, inspect, select, text
from sqlalchemy.orm.util import identity_key

from app.core.base import Model, Session
from app.models.procedures import Procedural
from app.operations import extra, procedures
from app.views.widgets import formatter
from app.workflow import fields

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
    ).all()
    changed = [row for row in rows if row.operation == "U"]
    names = names_of(kind, changed)
    record = Session.get(kind, value) if issubclass(kind, Procedural) else None
    if record is not None:
        names["state"] = _states(record)
    return [
        Entry(
            row.at,
            row.actor,
            TITLES[row.operation],
            [*changes(kind, row, names), *_extra_changes(record, row)] if row.operation == "U" else [],
        )
        for row in rows
    ]


Names = Mapping[str, Mapping[Any, str]]
"""Column -> value as the trail keeps it -> how it is said."""


def changes(kind: type[Model], row: Any, names: Names | None = None) -> Iterator[str]:
    """The changed columns of a row of the trail in words, with their old and new values, but for `extra`."""
    for label, before, after in compared(kind, row, names, SILENT | {"extra"}):
        yield f"{label}: {after}" if before is None else f"{label}: {before} → {after}"


def compared(
    kind: type[Model], row: Any, names: Names | None = None, silent: frozenset[str] = SILENT
) -> Iterator[tuple[str, str | None, str]]:
    """(column, before, after) of what a row of the trail changed; no `before` where values are not told."""
    for name, new in (row.new_values or {}).items():
        column = kind.__table__.c.get(name)
        if column is None or name in silent:
            continue
        label = column.info.get("label") or getattr(kind, "words", {}).get(name, name)
        if str(new).startswith("sha256:"):
            yield label, None, "cambiada"
            continue
        if new == RESERVED:
            yield label, None, RESERVED
            continue
        values = (row.old_values.get(name), new)
        before, after = (str(_said(column, value, (names or {}).get(name)) or "—") for value in values)
        yield label, before, after


def _extra_changes(record: Any, row: Any) -> Iterator[str]:
    """The extra fields that a row of the trail changed, of those that the present person sees."""
    if record is None or "extra" not in row.new_values:
        return
    before, after = row.old_values.get("extra") or {}, row.new_values["extra"] or {}
    for each in extra.fields_of(record):
        old, new = (fields.shown(each, values.get(each.code)) or "—" for values in (before, after))
        if old != new:
            yield f"{each.label}: {old} → {new}"


def _said(column: Column[Any], value: Any, names: Mapping[Any, str] | None) -> Any:
    """A value as a page says it."""
    if names is not None and value is not None:
        return names.get(value) or (f"n.º {value}" if column.foreign_keys else value)
    return formatter(column)(_typed(column, value))


def names_of(kind: type[Model], rows: Iterable[Any]) -> dict[str, Mapping[Any, str]]:
    """What the changed references name; one question for each kind that the session does not hold yet."""
    found: dict[str, Mapping[Any, str]] = {}
    for column in kind.__table__.c:
        refers = next(iter(column.foreign_keys), None)
        if refers is None or refers.constraint is None or len(refers.constraint.columns) > 1:
            continue
        keys = {
            value
            for row in rows
            if column.name in (row.new_values or {})
            for value in (row.old_values.get(column.name), row.new_values[column.name])
            if value is not None
        }
        named = next((m.class_ for m in kind.registry.mappers if m.local_table is refers.column.table), None)
        if keys and named is not None:
            found[column.name] = _named(named, refers.column, keys)
    return found


def _named(kind: type[Model], key: Column[Any], wanted: set[Any]) -> dict[Any, str]:
    """The names of the records with these keys, of those that the present person may see."""
    here = {value: Session().identity_map.get(identity_key(kind, value)) for value in wanted}
    rest = [value for value, record in here.items() if record is None]
    for record in Session.scalars(select(kind).where(key.in_(rest))).unique() if rest else ():
        here[getattr(record, key.name)] = record
    return {value: str(record) for value, record in here.items() if record is not None}


def _states(record: Any) -> dict[Any, str]:
    """The names of the states that a record of a procedure can be in."""
    process = procedures.version(record.version_code).process(record.process)
    return {state.code: state.name for state in process.states}


def _typed(column: Any, value: Any) -> Any:
    """A value as JSON kept it, back to what the column's format expects."""
    if isinstance(value, str) and isinstance(column.type, DateTime):
        return datetime.fromisoformat(value)
    if isinstance(value, str) and isinstance(column.type, Date):
        return date.fromisoformat(value)
    return value
