"""Conflicts of interest: an inspector declares his own, who leads an office those of its inspectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, false, or_, true

from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.models.inspections import ConflictOfInterest
from app.models.staff import Inspector
from app.operations import records
from app.operations.unit import act
from app.security.principal import current
from app.security.roles import Role
from app.security.scope import is_system, roles_of

OF_OFFICE = frozenset({Role.REGIONAL, Role.COORDINATOR})
EVERY = frozenset({Role.DIRECTOR, Role.AUDITOR})


def whose() -> ColumnElement[bool]:
    """The inspectors whose conflicts the present person sees, and declares."""
    here, roles = current(), roles_of(current())
    if is_system(here) or roles & EVERY:
        return true()
    terms: list[ColumnElement[bool]] = []
    if roles & OF_OFFICE:
        terms.append(Inspector.office_id.in_(here.offices))
    if Role.INSPECTOR in roles:
        terms.append(Inspector.account_id == here.account_id)
    return or_(false(), *terms)


def create(kind: type[ConflictOfInterest], values: Mapping[str, Any]) -> ConflictOfInterest:
    """Declare a conflict. Raises RuleBroken at the inspector when he is not one's own to declare for."""
    _check(values.get("inspector_id"))
    return records.create(kind, values)


def change(
    kind: type[ConflictOfInterest], key: Any, values: Mapping[str, Any], version: int | None = None
) -> ConflictOfInterest:
    """Change a declaration, for example its last day. Raises RuleBroken, Missing, Stale."""
    with act(f"{kind.__tablename__}.change") as unit:
        row = unit.session.get(kind, key)
        if row is None or not _mine(row.inspector_id):
            raise Missing()
        _check(values.get("inspector_id", row.inspector_id))
        return records.change(kind, key, values, version)


def _check(inspector_id: int | None) -> None:
    if not _mine(inspector_id):
        raise RuleBroken(
            "Usted declara sus propios conflictos; la coordinación, los de su oficina.", "inspector_id"
        )


def _mine(inspector_id: int | None) -> bool:
    if inspector_id is None:
        return False
    found = Session.query(Inspector.id).where(Inspector.id == inspector_id, whose()).first()
    return found is not None
