"""The unit of work: the one place that commits, and the Act that every change carries.

    with act("office.create", reason="Ley 5115") as unit:
        unit.session.add(office)

opens an Act (who, which verb, why, from where), runs the body and commits once. An error rolls everything
back, the Act with it. A write outside an Act is refused by the session, so that nothing escapes the trace.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.orm import ORMExecuteState
from sqlalchemy.orm import Session as OrmSession

from app.core.base import Session
from app.security import scope  # noqa: F401  every session of the system is scoped
from app.security.principal import current

UNTRACED = frozenset({"login_session", "login_failure", "api_key_use"})
"""Tables of counters and sessions: written without an Act, because they are no record of anything."""


_open: ContextVar["Unit | None"] = ContextVar("sis_unit", default=None)


@dataclass
class Unit:
    """An open Act: its session, its verb, its number in the trail."""

    session: OrmSession
    verb: str
    act_id: int


@contextmanager
def act(verb: str, reason: str | None = None) -> Iterator[Unit]:
    """Open an Act, commit once at the end. Inside an open Act it joins it: one act, one commit."""
    outer = _open.get()
    if outer is not None:
        yield outer
        return
    session = Session()
    if session.new or session.dirty or session.deleted:
        session.rollback()
        raise RuntimeError("There were unsaved changes before the act began; change records inside it.")
    try:
        unit = Unit(session, verb, _begin(session, verb, reason))
        token = _open.set(unit)
        try:
            yield unit
            session.flush()
        finally:
            _open.reset(token)
        session.commit()
    except BaseException:
        session.rollback()
        raise


@contextmanager
def untraced() -> Iterator[OrmSession]:
    """Commit a change of the `UNTRACED` tables, without an Act."""
    session = Session()
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise


def _begin(session: OrmSession, verb: str, reason: str | None) -> int:
    actor = current()
    number: int = session.execute(
        text("SELECT audit.open_act(:account, :name, :verb, :reason, :origin, :address, :request)"),
        {
            "account": actor.account_id,
            "name": actor.name,
            "verb": verb,
            "reason": reason,
            "origin": actor.origin,
            "address": actor.address,
            "request": actor.request_id,
        },
    ).scalar_one()
    return number


@event.listens_for(OrmSession, "before_flush")
def _refuse_untraced(session: OrmSession, flush_context: Any, instances: Any) -> None:
    if _open.get() is not None:
        return
    for row in (*session.new, *session.dirty, *session.deleted):
        if row.__table__.name not in UNTRACED and (row not in session.dirty or session.is_modified(row)):
            raise RuntimeError(f"A change of {row.__table__.name} outside an act: use operations.unit.act().")


@event.listens_for(OrmSession, "do_orm_execute")
def _refuse_untraced_bulk(state: ORMExecuteState) -> None:
    if not (state.is_insert or state.is_update or state.is_delete) or _open.get() is not None:
        return
    table = str(getattr(state.bind_mapper and state.bind_mapper.local_table, "name", ""))
    if table not in UNTRACED:
        raise RuntimeError(f"A change of {table} outside an act: use operations.unit.act().")
