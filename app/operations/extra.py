"""The extra fields of a record: those of its own version, read, judged and kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.errors import NotAllowed, RuleBroken, Stale
from app.operations import moves, records
from app.operations.unit import act
from app.security.principal import current
from app.workflow import fields
from app.workflow.fields import ExtraField


def fields_of(record: Any) -> list[ExtraField]:
    """The extra fields of a record's version that the present person sees."""
    return fields.seen_by(moves.process_of(record).fields, moves.role_keys(current()))


def editable(record: Any) -> list[ExtraField]:
    """Those that the present person may fill in."""
    return fields.edited_by(moves.process_of(record).fields, moves.role_keys(current()))


def said(record: Any) -> list[tuple[str, str]]:
    """(name, value in words) of what the present person sees and applies, filled in or not."""
    values = record.extra or {}
    return [
        (each.label, fields.shown(each, values.get(each.code)))
        for each in fields_of(record)
        if fields.applies(each, values) or each.code in values
    ]


def keep(record: Any, given: Mapping[str, list[str]], seen: int) -> None:
    """Fill in extra fields: code -> what was typed or picked; a field that is not given stays as it is.

    Raises RuleBroken with the field at fault, NotAllowed, Missing, Stale; a finished record keeps its own.
    """
    with act(f"{record.process}.extra"):
        row = records.locked(type(record), record.id)
        if row.version != seen:
            raise Stale()
        state = moves.state_of(row)
        if state is not None and state.final:
            raise RuleBroken("El registro terminó: sus datos ya no cambian.")
        mine = {each.code: each for each in editable(row)}
        if not set(given) <= set(mine):
            raise NotAllowed()
        values = dict(row.extra or {})
        for code, texts in given.items():
            try:
                value = fields.read(mine[code], texts)
            except fields.Unreadable as error:
                raise RuleBroken(str(error), field=code) from None
            values.pop(code, None)
            if value is not None:
                values[code] = value
        known = {each.code: each for each in moves.process_of(row).fields}
        for each in mine.values():  # what is not asked for any more says nothing
            if each.code in values and not fields.applies(known[each.code], values):
                del values[each.code]
        row.extra = values
