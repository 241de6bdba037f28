"""A whole batch taken back, while nothing later refers to what it made: in one transaction, or not at all."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import Table, delete, func, select, update

from app.core import clock
from app.core.base import Model, Session, metadata
from app.core.errors import RuleBroken
from app.models.imports import ImportStatus, RegisterImport, RegisterRow
from app.models.inspections import Finding, Visit, VisitHeadcount, VisitInspector
from app.models.registry import Employer, Establishment
from app.operations.register_import.batches import STANDING, locked
from app.operations.register_import.entries import Row
from app.operations.register_import.settling import empty_visit, restore
from app.operations.unit import act
from app.security.scope import unscoped

PIECE = 1_000
"""Rows of one statement: each stays far below the limit of time of a statement."""

_ROWS: Table = RegisterRow.__table__


class Standing(RuleBroken):
    """Something later refers to what the batch made; the message names it."""

    default_code = "referred"


def undo(
    key: int, restored: Mapping[int, Row], address_key: Callable[[str], str], reason: str | None = None
) -> int:
    """Delete what a batch made; how many visits. `restored`: rows of other batches that get their act back.

    Raises Standing, with the names of what refers to it, and changes nothing then.
    """
    # History is of every office, and nobody's to write: who may undo an import takes back the whole of it.
    with unscoped(), act("register.undo", reason) as unit:
        batch = locked(key)
        if batch.status not in (*STANDING, ImportStatus.UNDOING):
            raise RuleBroken(f"El lote «{batch}» no está importado: no hay qué deshacer.")
        reasons = list(obstacles(key))
        if reasons:
            raise Standing(
                "No se puede deshacer: " + "; ".join(reasons) + ". Resuelva eso primero.", reasons=reasons
            )
        own = _own(key)
        for row_id in restored:
            stored = unit.session.get(RegisterRow, row_id)
            assert stored is not None and stored.superseded_by_id is not None and stored.visit_id is not None
            above = unit.session.get(RegisterRow, stored.superseded_by_id)
            empty_visit(stored.visit_id, above.made_headcount if above else None)
            if above and above.made_headcount:
                own["headcount"].discard(above.made_headcount)
        Session.execute(update(_ROWS).values(superseded_by_id=None).where(_ROWS.c.batch_id == key))
        for row_id, row in restored.items():
            restore(row_id, row, address_key)
        unit.session.expire_all()
        _take_back(own)
        batch = locked(key)
        batch.status, batch.message = ImportStatus.UNDONE.value, None
        batch.imported = batch.duplicate = batch.quarantined = batch.blank = batch.position = batch.seen = 0
        batch.finished_at = clock.now()
        unit.session.flush()
    return len(own["visit"])


def replaced(key: int) -> list[RegisterRow]:
    """The rows of other batches whose act this batch replaced."""
    above = select(RegisterRow.id).where(RegisterRow.batch_id == key)
    rows = select(RegisterRow).where(
        RegisterRow.superseded_by_id.in_(above),
        RegisterRow.batch_id != key,
        RegisterRow.outcome == "imported",
    )
    return list(Session.scalars(rows))


def _own(key: int) -> dict[str, set[int]]:
    """Table -> keys of what the batch made, and nobody but it."""
    rows = Session.execute(
        select(
            _ROWS.c.id,
            _ROWS.c.visit_id,
            _ROWS.c.made_employer,
            _ROWS.c.made_establishment,
            _ROWS.c.made_headcount,
        ).where(_ROWS.c.batch_id == key)
    ).all()
    own: dict[str, set[int]] = {"register_row": {row.id for row in rows}}
    others = select(_ROWS.c.visit_id).where(
        _ROWS.c.batch_id != key, _ROWS.c.visit_id.is_not(None), _ROWS.c.visit_id.in_(_visits(key))
    )
    shared = set(Session.scalars(others))
    own["visit"] = {row.visit_id for row in rows} - {None} - shared
    own["employer"] = {row.made_employer for row in rows} - {None}
    own["establishment"] = {row.made_establishment for row in rows} - {None}
    own["headcount"] = {row.made_headcount for row in rows} - {None}
    for kind in (Finding, VisitHeadcount, VisitInspector):
        column = kind.__table__.c.visit_id
        own[kind.__tablename__] = {
            found
            for piece in _pieces(own["visit"])
            for found in Session.scalars(select(kind.__table__.c.id).where(column.in_(piece)))
        }
    return own


def _visits(key: int) -> Any:
    return select(_ROWS.c.visit_id).where(_ROWS.c.batch_id == key, _ROWS.c.visit_id.is_not(None))


def obstacles(key: int) -> Iterator[str]:
    """What refers to the batch and came later, in words."""
    own = _own(key)
    # Visits of other batches that were replaced get their values back: they stand, and refer no more.
    mine = own | {"visit": own["visit"] | {row.visit_id for row in replaced(key) if row.visit_id}}
    yield from _replaced_later(key)
    for kind in (Employer, Establishment, Visit, Finding):
        table: Table = kind.__table__
        for other in metadata.sorted_tables:
            for column in other.c:
                if any(reference.column is table.c.id for reference in column.foreign_keys):
                    yield from _referring(other, column, own[table.name], mine.get(other.name, set()))
    for changed in (Employer, Establishment):
        yield from _changed(changed, own[changed.__tablename__])


def _replaced_later(key: int) -> Iterator[str]:
    above, mine = _ROWS.alias(), _ROWS
    rows = Session.execute(
        select(RegisterImport.name, func.count())
        .select_from(mine)
        .join(above, above.c.id == mine.c.superseded_by_id)
        .join(RegisterImport, RegisterImport.id == above.c.batch_id)
        .where(mine.c.batch_id == key, above.c.batch_id != key)
        .group_by(RegisterImport.name)
    )
    for name, count in rows:
        yield f"el lote «{name}» reemplazó {count} actas de este"


def _referring(other: Table, column: Any, targets: set[int], own: set[int]) -> Iterator[str]:
    """Rows that point at what the batch made and are not its own."""
    if other is _ROWS:
        return  # rows of other batches share a visit only by replacing it, which is told apart
    ident = other.c.get("id")
    if ident is None:
        ident = next(iter(other.primary_key.columns))
    found: list[Any] = []
    for piece in _pieces(targets):
        for row_id in Session.scalars(select(ident).where(column.in_(piece))):
            if row_id not in own:
                found.append(row_id)
    if found:
        kind = _kind_of(other)
        label = kind.label_plural if kind is not None else other.name
        names = [str(Session.get(kind, key)) for key in found[:3]] if kind is not None else []
        more = f" y {len(found) - 3} más" if len(found) > 3 else ""
        yield f"{label}: {', '.join(names)}{more}" if names else f"{label}: {len(found)}"


def _changed(kind: Any, keys: set[int]) -> Iterator[str]:
    found: list[Any] = []
    for piece in _pieces(keys):
        found += Session.scalars(select(kind).where(kind.id.in_(piece), kind.version > 1).limit(4))
    if found:
        names = ", ".join(str(record) for record in found[:3])
        yield f"{kind.label_plural} cambiados después: {names}{' y otros' if len(found) > 3 else ''}"


def _kind_of(table: Table) -> type[Model] | None:
    for mapper in Model.registry.mappers:
        if mapper.local_table is table and issubclass(mapper.class_, Model):
            found: type[Model] = mapper.class_
            return found
    return None


def _take_back(own: dict[str, set[int]]) -> None:
    order = (
        "register_row", "finding", "visit_headcount", "visit_inspector", "headcount", "visit",
        "establishment", "employer",
    )  # fmt: skip
    counts: dict[str, int] = defaultdict(int)
    for name in order:
        table = metadata.tables[name]
        for piece in _pieces(own[name]):
            result: Any = Session.execute(delete(table).where(table.c.id.in_(piece)))
            counts[name] += result.rowcount


def _pieces(keys: set[int]) -> Iterator[list[int]]:
    listed = sorted(keys)
    for start in range(0, len(listed), PIECE):
        yield listed[start : start + PIECE]
