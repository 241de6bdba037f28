"""A row that waited gets its end: corrected, accepted as provisional, or applied after a review.

Only the rows named change. A row that another person settled in the meantime is left alone and reported.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update

from app.core.base import Session
from app.core.errors import Missing, RuleBroken, Stale
from app.models.imports import ImportStatus, RegisterRow
from app.models.inspections import Finding, VisitHeadcount, VisitInspector
from app.models.registry import Headcount
from app.operations.register_import.batches import locked, recount
from app.operations.register_import.entries import Row
from app.operations.register_import.writing import Made, lock_batch_rows, make, row_columns
from app.operations.unit import act
from app.security.scope import unscoped


@dataclass(slots=True)
class Settled:
    """A row judged again: `key` and `version` of the stored one; `over` is the row whose act it replaces."""

    key: int
    version: int
    row: Row
    over: int | None = None


def settle(batch_id: int, settled: Sequence[Settled], verb: str, address_key: Callable[[str], str]) -> int:
    """Write these rows anew; how many were. Raises Stale when one was settled by somebody else."""
    if not settled:
        return 0
    # The register is of every office: who may settle its rows writes the history of any.
    with unscoped(), act(f"register.{verb}") as unit:
        batch = locked(batch_id)
        if batch.status != ImportStatus.DONE:
            raise RuleBroken("El lote no terminó de importarse: complételo o deshágalo primero.")
        lock_batch_rows([item.key for item in settled])
        stored = {
            row.id: row
            for row in unit.session.scalars(
                select(RegisterRow)
                .where(RegisterRow.id.in_([item.key for item in settled]))
                .execution_options(populate_existing=True)
            )
        }
        for item in settled:
            row = stored.get(item.key)
            if row is None or row.batch_id != batch_id:
                raise Missing()
            if row.version != item.version or row.outcome != "quarantined":
                raise Stale()
        visits = {id(item.row): _emptied(item.over) for item in settled if item.over is not None}
        made = make([item.row for item in settled], address_key, visits)
        for item in settled:
            _store(item, stored[item.key], made.get(id(item.row)))
        recount(batch_id)
        unit.session.expire_all()
    return len(settled)


def _store(item: Settled, stored: RegisterRow, made: Made | None) -> None:
    table = RegisterRow.__table__
    values = python_columns(item.row, made)
    # What came in the file is what another file is compared with, whatever became of it here.
    values["fingerprint"] = stored.fingerprint
    if stored.original is None and stored.values != item.row.values:
        values["original"] = stored.values
    values["version"] = table.c.version + 1
    Session.execute(update(table).values(values).where(table.c.id == item.key))
    if item.over is not None:
        Session.execute(update(table).values(superseded_by_id=item.key).where(table.c.id == item.over))


def python_columns(row: Row, made: Made | None) -> dict[str, Any]:
    """The columns of a row as values."""
    values = row_columns(row, made)
    values |= {name: list(getattr(row, name)) for name in ("codes", "flags", "waived", "values")}
    values |= {name: getattr(row, name) for name in ("causes", "repairs", "notices", "fingerprint")}
    return values


def _emptied(key: int) -> int:
    """The visit of the row with this key, without the parts that the row gave it; the trail keeps them."""
    row = Session.get(RegisterRow, key, populate_existing=True)
    if row is None or row.visit_id is None or row.superseded_by_id is not None:
        raise Stale()
    empty_visit(row.visit_id, row.made_headcount)
    return row.visit_id


def empty_visit(visit_id: int, headcount: int | None) -> None:
    """Take from a visit of the register what hangs on it."""
    for kind in (Finding, VisitHeadcount, VisitInspector):
        Session.execute(delete(kind.__table__).where(kind.__table__.c.visit_id == visit_id))
    if headcount is not None:
        Session.execute(delete(Headcount.__table__).where(Headcount.__table__.c.id == headcount))


def restore(key: int, row: Row, address_key: Callable[[str], str]) -> None:
    """Give a visit back the values of the row that was replaced; part of undoing a batch."""
    stored = Session.get(RegisterRow, key, populate_existing=True)
    assert stored is not None and stored.visit_id is not None
    made = make([row], address_key, {id(row): stored.visit_id})[id(row)]
    values: dict[str, Any] = {"superseded_by_id": None, "made_headcount": made.headcount}
    # The place that the row made the first time is there still.
    values |= {"made_employer": stored.made_employer or made.employer}
    values |= {"made_establishment": stored.made_establishment or made.establishment}
    table = RegisterRow.__table__
    Session.execute(update(table).values(values).where(table.c.id == key))
