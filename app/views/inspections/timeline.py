"""What inspections add to the timeline of an establishment: what the present person may see."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.core import clock
from app.core.base import Session
from app.core.types import inside
from app.models.inspections import Finding, InspectionOrder, OrderEstablishment, Visit, VisitKind
from app.models.registry import Establishment
from app.operations.inspections.letters import said
from app.views.inspections.shown import mark, page_of
from app.views.registry.timeline import Event, provides

MOST = 50


@provides
def orders(establishment: Establishment) -> Iterable[Event]:
    """Orders that name the establishment."""
    query = (
        select(InspectionOrder)
        .join(OrderEstablishment, OrderEstablishment.order_id == InspectionOrder.id)
        .where(OrderEstablishment.establishment_id == establishment.id)
        .options(joinedload(InspectionOrder.document))
        .order_by(InspectionOrder.id.desc())
        .limit(MOST)
    )
    for order in Session.scalars(query):
        day = order.document.happened_on if order.document else clock.local(order.created_at).date()
        yield Event(day, f"Orden {order.number}", mark(order).text, page_of(order))


@provides
def visits(establishment: Establishment) -> Iterable[Event]:
    """Visits made there; the imported ones have a provider of their own."""
    query = (
        select(Visit)
        .where(Visit.establishment_id == establishment.id, Visit.order_id.is_not(None))
        .where(Visit.happened_on.is_not(None))
        .options(joinedload(Visit.document), joinedload(Visit.order).joinedload(InspectionOrder.document))
        .order_by(Visit.happened_on.desc())
        .limit(MOST)
    )
    for visit in Session.scalars(query):
        acta = f" · {visit.document.number}" if visit.document else ""
        title = f"Visita {inside(said(VisitKind, visit.kind))}{acta}"
        assert visit.happened_on is not None
        yield Event(visit.happened_on, title, mark(visit).text, page_of(visit))


@provides
def findings(establishment: Establishment) -> Iterable[Event]:
    """What was found there."""
    query = (
        select(Finding)
        .join(Visit, Visit.id == Finding.visit_id)
        .where(Visit.establishment_id == establishment.id, Visit.order_id.is_not(None))
        .where(Finding.state.is_not(None))
        .options(joinedload(Finding.infraction), joinedload(Finding.visit))
        .order_by(Finding.id.desc())
        .limit(MOST)
    )
    for finding in Session.scalars(query):
        if finding.visit.happened_on is not None:
            yield Event(
                finding.visit.happened_on, f"Hallazgo {finding}", mark(finding).text, page_of(finding)
            )
