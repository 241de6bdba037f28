"""Doubles joined into one, and taken apart again.

What refers to a record is read off the foreign keys of the metadata, so that tables of later contexts move
too. Each row moved is written down by its key; undoing puts back exactly those, or refuses with words. The
rows are moved on the tables, whatever the person who merges may see of them: half a merge would be worse.
"""

from collections.abc import Iterator
from typing import Any, TypeVar

from sqlalchemy import Column, Table, and_, func, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError, InternalError

from app.core import clock
from app.core.base import Model, Session, Stamped, metadata
from app.core.errors import Missing, RuleBroken
from app.models.registry import Employer, Establishment, Merge
from app.operations.unit import act
from app.security.principal import current

Place = TypeVar("Place", Employer, Establishment)


def merge_employers(kept_id: int, absorbed_id: int, reason: str | None = None) -> Merge:
    """Make two employers one: what refers to `absorbed_id` refers to `kept_id` from now on.

    Raises RuleBroken: the same record, one already merged, two identified by different numbers, or the
    identified one would give way.
    """
    with act("employer.merge", reason):
        kept, absorbed = _both(Employer, kept_id, absorbed_id)
        if kept.provisional and not absorbed.provisional:
            raise RuleBroken("Conserve el que está identificado; el provisorio es el que se une a él.")
        if kept.ruc_base and absorbed.ruc_base:
            raise RuleBroken(
                "Cada uno tiene su RUC: son dos contribuyentes y no se unen. Si uno está mal, corríjalo."
            )
        return _join(Employer, kept, absorbed, reason)


def merge_establishments(kept_id: int, absorbed_id: int, reason: str | None = None) -> Merge:
    """Make two establishments of one employer one. Raises RuleBroken as for employers."""
    with act("establishment.merge", reason):
        kept, absorbed = _both(Establishment, kept_id, absorbed_id)
        if kept.employer_id != absorbed.employer_id:
            raise RuleBroken(
                "Son de empleadores distintos. Una primero los empleadores o corrija el empleador de uno."
            )
        return _join(Establishment, kept, absorbed, reason)


def undo_merge(key: int, reason: str | None = None) -> Merge:
    """Take a merge apart: the rows it moved go back, the absorbed record stands again.

    Raises Missing, RuleBroken: already undone, or what it moved was moved, merged or deleted later.
    """
    with act("merge.undo", reason) as unit:
        merge = unit.session.get(Merge, key, with_for_update=True)
        if merge is None:
            raise Missing()
        if merge.undone_at is not None:
            raise RuleBroken("Esta unión ya se deshizo.", code="undone")
        kept, absorbed = merge.kept, merge.absorbed
        _lock(type(kept), (kept.id, absorbed.id))
        obstacles = list(_obstacles(merge))
        if obstacles:
            raise RuleBroken(
                "No se puede deshacer: " + "; ".join(obstacles) + ". Corrija eso primero.",
                code="changed_later",
                reasons=obstacles,
            )
        for entry in merge.moved:
            _move(metadata.tables[entry["table"]], entry["column"], kept.id, absorbed.id, entry["keys"])
        absorbed.merged_into_id = None
        merge.undone_at = clock.now()
        merge.updated_by_id = current().account_id
        unit.session.flush()
        unit.session.expire_all()
        return merge


def references(table: Table) -> Iterator[Column[Any]]:
    """Every column of the metadata that refers to the key of this table, those of merges excepted."""
    for other in metadata.sorted_tables:
        if other is Merge.__table__:
            continue
        for column in other.c:
            if any(key.column is table.c.id for key in column.foreign_keys):
                yield column


def referring(kind: type[Employer | Establishment], keys: list[int]) -> dict[str, list[int]]:
    """How many rows of each table refer to each record: words of the table -> counts. One statement."""
    columns = list(references(metadata.tables[kind.__tablename__]))
    counts = [
        select(func.count()).select_from(column.table).where(column == key).scalar_subquery()
        for column in columns
        for key in keys
    ]
    found = list(Session.execute(select(*counts)).one())
    total: dict[str, list[int]] = {}
    for number, column in enumerate(columns):
        part = found[number * len(keys) : (number + 1) * len(keys)]
        before = total.get(_words(column.table), [0] * len(keys))
        total[_words(column.table)] = [a + b for a, b in zip(before, part, strict=True)]
    return {words: numbers for words, numbers in total.items() if any(numbers)}


def _both(kind: type[Place], kept_id: int, absorbed_id: int) -> tuple[Place, Place]:
    if kept_id == absorbed_id:
        raise RuleBroken("Elija dos registros distintos.", code="same")
    found = _lock(kind, (kept_id, absorbed_id))
    if len(found) < 2:
        raise Missing()
    for record in found.values():
        if record.merged_into_id is not None:
            raise RuleBroken(f"{record} ya se unió con {record.merged_into}.", code="merged")
    return found[kept_id], found[absorbed_id]


def _lock(kind: type[Place], keys: tuple[int, int]) -> dict[int, Place]:
    rows = Session.scalars(
        select(kind)
        .where(kind.id.in_(keys))
        .order_by(kind.id)
        .with_for_update(of=kind)
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


def _join(kind: type[Employer | Establishment], kept: Any, absorbed: Any, reason: str | None) -> Merge:
    moved = []
    for column in references(metadata.tables[kind.__tablename__]):
        keys = _move(column.table, column.name, absorbed.id, kept.id)
        if keys:
            moved.append({"table": column.table.name, "column": column.name, "keys": keys})
    absorbed.merged_into_id = kept.id
    merge = Merge(reason=reason, moved=moved, created_by_id=current().account_id)
    setattr(merge, f"kept_{kind.__tablename__}_id", kept.id)
    setattr(merge, f"absorbed_{kind.__tablename__}_id", absorbed.id)
    Session.add(merge)
    Session.flush()
    Session.expire_all()
    return merge


def _move(table: Table, column: str, old: int, new: int, keys: list[Any] | None = None) -> list[list[Any]]:
    """Point the rows (all, or those with these keys) from one record to the other; their keys."""
    key = list(table.primary_key.columns)
    values: dict[str, Any] = {column: new}
    if table in _stamped():
        # Whoever has one of them open is told that it changed.
        values |= {"version": table.c.version + 1, "updated_at": clock.now()}
    statement = update(table).where(table.c[column] == old).values(values).returning(*key)
    if keys is not None:
        statement = statement.where(_has_key(table, keys))
    try:
        with Session.begin_nested():
            return [list(row) for row in Session.execute(statement)]
    except (IntegrityError, InternalError) as error:
        raise RuleBroken(
            f"{_words(table)}: los dos tienen datos que no pueden convivir. Resuélvalo y repita.",
            code="collision",
        ) from error


def _has_key(table: Table, keys: list[Any]) -> Any:
    key = list(table.primary_key.columns)
    values = [tuple(_typed(column, value) for column, value in zip(key, row, strict=True)) for row in keys]
    return tuple_(*key).in_(values)


def _typed(column: Column[Any], value: Any) -> Any:
    kind = column.type.python_type
    return value if isinstance(value, kind) else kind(value)


def _stamped() -> set[Any]:
    return {mapper.local_table for mapper in Model.registry.mappers if issubclass(mapper.class_, Stamped)}


def _words(table: Table) -> str:
    for mapper in Model.registry.mappers:
        if mapper.local_table is table:
            return str(getattr(mapper.class_, "label_plural", "") or table.name)
    return table.name


def _obstacles(merge: Merge) -> Iterator[str]:
    kept, absorbed = merge.kept, merge.absorbed
    if kept.merged_into_id is not None:
        yield f"{kept} se unió después con {kept.merged_into}"
    if absorbed.merged_into_id != kept.id:
        yield f"{absorbed} ya no está unido a {kept}"
    for entry in merge.moved:
        table = metadata.tables.get(entry["table"])
        if table is None or entry["column"] not in table.c:
            yield f"la tabla {entry['table']} ya no existe así"
            continue
        there = len(
            Session.execute(
                select(*table.primary_key.columns).where(
                    table.c[entry["column"]] == kept.id, _has_key(table, entry["keys"])
                )
            ).all()
        )
        if there < len(entry["keys"]):
            yield f"{_words(table)}: {len(entry['keys']) - there} cambiaron después de la unión"
        if table is Establishment.__table__ and _joined_later(merge, [key[0] for key in entry["keys"]]):
            yield "establecimientos que se movieron se unieron después con otros: deshaga antes esas uniones"


def _joined_later(merge: Merge, establishments: list[int]) -> bool:
    later = select(Merge.id).where(
        and_(
            Merge.id > merge.id,
            Merge.undone_at.is_(None),
            or_(
                Merge.kept_establishment_id.in_(establishments),
                Merge.absorbed_establishment_id.in_(establishments),
            ),
        )
    )
    return Session.scalar(later.limit(1)) is not None
