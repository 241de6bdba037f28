"""Create, change and delete a record of a registry: what the generated screens, imports and the API call.

Every call is one Act. A broken rule, a lost update or a constraint of the database comes back as a domain
error that names the field, so that the form shows it there and keeps what was typed.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm.exc import StaleDataError

from app.core.base import Model, Session
from app.core.errors import DomainError, Missing, RuleBroken, Stale
from app.operations.unit import act
from app.security.principal import current

Record = TypeVar("Record", bound=Model)


def create(kind: type[Record], values: Mapping[str, Any]) -> Record:
    """A new record of this kind. Raises RuleBroken with the field at fault."""
    record = kind()
    _fill(record, values)
    _stamp(record, "created_by_id")
    with _explained(kind), act(f"{kind.__tablename__}.create") as unit:
        unit.session.add(record)
        unit.session.flush()
    return record


def change(kind: type[Record], key: Any, values: Mapping[str, Any], version: int | None = None) -> Record:
    """Change a record. Raises Missing, Stale (another person changed it since `version`), RuleBroken."""
    with _explained(kind), act(f"{kind.__tablename__}.change") as unit:
        record = unit.session.get(kind, key)
        if record is None:
            raise Missing()
        if version is not None and getattr(record, "version", version) != version:
            raise Stale()
        _fill(record, values)
        _refuse_circle(unit.session, record)
        if unit.session.is_modified(record):
            _stamp(record, "updated_by_id")
        unit.session.flush()
    return record


def remove(kind: type[Record], key: Any) -> None:
    """Delete a record that nothing refers to. Raises Missing, RuleBroken."""
    with _explained(kind), act(f"{kind.__tablename__}.remove") as unit:
        record = unit.session.get(kind, key)
        if record is None:
            raise Missing()
        unit.session.delete(record)
        unit.session.flush()


def locked(kind: type[Record], key: int) -> Record:
    """The record as it is now, locked until the act ends. Raises Missing."""
    of: Any = kind
    row: Record | None = Session.scalar(
        select(of).where(of.id == key).with_for_update(of=of).execution_options(populate_existing=True)
    )
    if row is None:
        raise Missing()
    return row


def _fill(record: Model, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(record, name, value)


def _refuse_circle(session: OrmSession, record: Model) -> None:
    """Refuse a record that would depend on itself through others. Raises RuleBroken at the field."""
    kind = type(record)
    for column in kind.__table__.c:
        if not column.references(kind.__mapper__.primary_key[0]) or column.name not in kind.__mapper__.attrs:
            continue
        seen: set[Any] = set()
        key = getattr(record, column.name)
        with session.no_autoflush:
            while key is not None and key not in seen:
                seen.add(key)
                above = session.get(kind, key)
                key = None if above is None else getattr(above, column.name)
        if kind.__mapper__.primary_key_from_instance(record)[0] in seen:
            raise RuleBroken(
                f"{kind.label}: no puede depender de sí ni de otro registro que dependa de él. Elija otro.",
                field=column.name,
                code="circle",
            )


def _stamp(record: Model, column: str) -> None:
    if hasattr(record, column):
        setattr(record, column, current().account_id)


class _explained:
    """Turn what the database refuses into a domain error that a person can act on."""

    def __init__(self, kind: type[Model]) -> None:
        self.kind = kind

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, StaleDataError):
            raise Stale() from error
        if isinstance(error, IntegrityError):
            raise explain(self.kind, error) from error


def explain(kind: type[Model], error: IntegrityError) -> DomainError:
    """The domain error behind a constraint of the database, at its field when the constraint names one."""
    diagnosis = getattr(error.orig, "diag", None)
    code = getattr(error.orig, "pgcode", "") or ""
    constraint = getattr(diagnosis, "constraint_name", None) or ""
    column = getattr(diagnosis, "column_name", None) or _column_of(kind, constraint)
    if code == "23505":
        return RuleBroken("Ya existe otro registro con este valor.", field=column)
    if code == "23503":
        return RuleBroken(
            "Otros registros dependen de este: no se puede borrar ni cambiar así.", field=column
        )
    if code == "23502":
        return RuleBroken("Este dato es obligatorio.", field=column)
    if code == "23P01":
        return RuleBroken("Las fechas se cruzan con las de otro registro.", field=column)
    rule = kind.rules.get(constraint.removeprefix(f"ck_{kind.__tablename__}_"))
    rule = rule or getattr(diagnosis, "message_hint", None)  # a trigger of ours says what to do in its hint
    return RuleBroken(rule or "El valor no cumple una regla del registro.", field=column)


def _column_of(kind: type[Model], constraint: str) -> str | None:
    """The column that a constraint's conventional name (`uq_office_code`) ends with."""
    for prefix in ("uq", "ck", "fk"):
        start = f"{prefix}_{kind.__tablename__}_"
        if constraint.startswith(start):
            name = constraint.removeprefix(start)
            return name if name in kind.__table__.c else None
    return None
