"""Changes of the law as rows: a new value is a new row with its date, the past is never edited.

Adding a row closes the row in force the day before, in the same Act. A row already in force may be closed,
verified and annotated; its value may not be changed. A row that has not begun is corrected freely.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import select

from app.core import clock
from app.core.base import Model, Session
from app.core.errors import Missing, RuleBroken
from app.models.norms import Dated
from app.operations import records
from app.operations.unit import act

Record = TypeVar("Record", bound=Model)

IN_FORCE = (
    "Este registro ya está en vigencia y su valor no se modifica. Agregue uno nuevo con la fecha desde la "
    "que rige el cambio: el actual se cierra solo el día anterior."
)
BACKDATED = "El registro todavía no rige: su inicio no puede quedar en el pasado. Agregue uno nuevo."


def create(kind: type[Record], values: Mapping[str, Any]) -> Record:
    """A new row of law; the one in force until then ends the day before. Raises RuleBroken."""
    with act(f"{kind.__tablename__}.create"):
        _close_before(kind, values)
        return records.create(kind, values)


def change(kind: type[Record], key: Any, values: Mapping[str, Any], version: int | None = None) -> Record:
    """Change what may be changed of a row. Raises Missing, Stale, RuleBroken at the first frozen field."""
    row = Session.get(kind, key)
    if row is None:
        raise Missing()
    assert isinstance(row, Dated)
    if row.valid_from <= clock.today():
        for name in (column.name for column in kind.__table__.c):
            if name in row.frozen and name in values and values[name] != getattr(row, name):
                raise RuleBroken(IN_FORCE, name, "row_in_force")
    elif values.get("valid_from", row.valid_from) <= clock.today() and "valid_from" in row.frozen:
        raise RuleBroken(BACKDATED, "valid_from", "row_backdated")
    return records.change(kind, key, values, version)


def _close_before(kind: type[Record], values: Mapping[str, Any]) -> None:
    """End the open row of the same code the day before the new one begins."""
    columns = kind.__table__.c
    start = values.get("valid_from")
    if start is None:
        return
    query = select(kind).where(columns.valid_to.is_(None), columns.valid_from < start)
    if "code" in columns:
        query = query.where(columns.code == values.get("code"))
    for row in Session.scalars(query):
        row.valid_to = start - timedelta(days=1)
    Session.flush()
