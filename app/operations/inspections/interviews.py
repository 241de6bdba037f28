"""The reserved interviews of a visit: who reads them leaves a reading in the trail (C81, art. 15 c)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, text

from app.core.base import Session
from app.core.errors import Missing, NotAllowed, RuleBroken
from app.models.inspections import OrderInspector, Visit, VisitInterview
from app.models.staff import Inspector
from app.operations import audit, records
from app.security.principal import current
from app.security.roles import Role
from app.security.scope import roles_of

READERS = text("SELECT reads_interviews(:visit)")


def may_read(visit: Visit) -> bool:
    """Whether the present person reads the interviews of a visit: its team, the director of DGIFT."""
    return bool(Session.scalar(READERS, {"visit": visit.id}))


def may_write(visit: Visit) -> bool:
    """Whether the present person adds interviews: the inspectors of the file's team."""
    member = (
        select(OrderInspector.id)
        .join(Inspector, Inspector.id == OrderInspector.inspector_id)
        .where(OrderInspector.order_id == visit.order_id, Inspector.account_id == current().account_id)
    )
    return Role.INSPECTOR in roles_of(current()) and Session.scalar(member.limit(1)) is not None


def of_visit(visit: Visit) -> list[VisitInterview]:
    """The interviews of a visit, in their order; that they were read is written down. Raises Missing."""
    if not may_read(visit):
        raise Missing()
    rows = list(
        Session.scalars(
            select(VisitInterview)
            .where(VisitInterview.visit_id == visit.id)
            .order_by(VisitInterview.taken_at, VisitInterview.id)
        )
    )
    audit.read_reserved(rows)
    return rows


def one(visit: Visit, key: int) -> VisitInterview:
    """An interview of a visit, to be changed; that it was read is written down. Raises Missing."""
    row: VisitInterview | None = Session.scalar(
        select(VisitInterview).where(VisitInterview.visit_id == visit.id, VisitInterview.id == key)
    )
    if row is None or not may_write(visit):
        raise Missing()
    audit.read_reserved([row])
    return row


def add(visit: Visit, values: Mapping[str, Any]) -> VisitInterview:
    """A new interview of a visit, also once its acta is signed. Raises NotAllowed, RuleBroken."""
    if not may_write(visit):
        raise NotAllowed("Las entrevistas reservadas las carga el equipo de la orden.")
    return records.create(VisitInterview, {**values, "visit_id": visit.id})


def change(interview: VisitInterview, values: Mapping[str, Any], version: int) -> None:
    """Change an interview until the acta is signed. Raises RuleBroken, Stale."""
    if interview.visit.document_id is not None:
        raise RuleBroken(VisitInterview.rules["signed"])
    records.change(VisitInterview, interview.id, values, version)
