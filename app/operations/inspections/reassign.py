"""Orders handed to another leader, several at once: each in its own act, each refusal in its own words."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.models.inspections import InspectionOrder
from app.operations import papers
from app.operations.inspections import orders
from app.operations.moves import Details
from app.operations.signing.batch import Outcome, attempted

MOST = 100
"""Orders that one request hands over."""


def reassign(keys: Sequence[int], leader_id: int, details: Details) -> list[Outcome]:
    """Give these orders a leader in the place of theirs; the rest of each team stays.

    A draft is changed, a signed order gets its substitution (OI-SUS), signed with the password of `details`.
    Raises RuleBroken at `reason` or `password` before anything changes.
    """
    if not details.reason.strip():
        raise RuleBroken("Escriba el motivo: se imprime en las sustituciones.", "reason")
    if details.password:
        papers.confirm_password(details.password)
    return [_tried(key, leader_id, details) for key in list(dict.fromkeys(keys))[:MOST]]


def _tried(key: int, leader_id: int, details: Details) -> Outcome:
    order = Session.get(InspectionOrder, key)
    return attempted(lambda: _handed(order, leader_id, details), str(order or "Orden"), order)


def _handed(order: InspectionOrder | None, leader_id: int, details: Details) -> Outcome:
    if order is None:
        raise Missing()
    before = [each for each in order.designated if each.leader]
    if any(each.inspector_id == leader_id for each in before):
        raise RuleBroken("Ya la lidera esa persona: no cambió nada.")
    leaving = {each.inspector_id for each in before}
    team = [
        leader_id,
        *(e.inspector_id for e in order.designated if e.inspector_id not in leaving | {leader_id}),
    ]
    if order.document_id is None:
        orders.change(order, {"team": team})
        return Outcome(str(order), order, True, "Se cambió el proyecto.")
    orders.substitute(order, team, details)
    document = next(d for d in papers.documents_of(order) if d.type_code == orders.SUBSTITUTION)
    return Outcome(str(order), order, True, "Se emitió la sustitución.", document)
