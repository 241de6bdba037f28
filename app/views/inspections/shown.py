"""What the pages of inspections show alike: the state of a record, its buttons, its documents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import url_for

from app.core import clock
from app.core.base import Session
from app.models.followup import Term, TermStatus
from app.models.inspections import FinalReport, Finding, InspectionOrder, Visit
from app.models.procedures import Procedural
from app.operations import moves
from app.workflow.definition import Phase

KINDS: dict[str, type[Any]] = {kind.process: kind for kind in (InspectionOrder, Visit, Finding, FinalReport)}
"""Process -> the records that live through it."""

LOOKS = {
    Phase.PLANNED: "",
    Phase.ISSUED: "sis-state-waiting",
    Phase.IN_FIELD: "sis-state-open",
    Phase.IN_REPORT: "sis-state-open",
    Phase.IN_TERM: "sis-state-soon",
    Phase.IN_DECISION: "sis-state-waiting",
    Phase.IN_CASE: "sis-state-late",
    Phase.RESOLVED: "sis-state-done",
    Phase.CLOSED: "sis-state-done",
    Phase.ARCHIVED: "sis-state-done",
    Phase.ANNULLED: "sis-state-void",
    Phase.DISMISSED: "sis-state-void",
    Phase.SUSPENDED: "sis-state-soon",
}

CLOSED_TERMS = {TermStatus.OVERDUE.value: "sis-state-late", TermStatus.WITHDRAWN.value: "sis-state-void"}


@dataclass(frozen=True)
class Mark:
    """A word with its shape."""

    text: str
    look: str = ""


def mark(record: Procedural) -> Mark:
    """The state of a record."""
    state = moves.state_of(record)
    if state is None:
        return Mark("En preparación")
    return Mark(state.name, LOOKS.get(state.phase, ""))


def term_mark(term: Term, today: date | None = None) -> Mark:
    """How a term stands today: its day, and whether it is near or over."""
    today = today or clock.today()
    if term.status == TermStatus.SUSPENDED.value or term.due_on is None:
        return Mark("Suspendido", "sis-state-soon")
    due = f"{term.due_on:%d/%m/%Y}"
    if term.status != TermStatus.OPEN.value:
        label = next(each.label for each in TermStatus if each.value == term.status)
        closed = f" el {term.closed_on:%d/%m/%Y}" if term.closed_on else ""
        return Mark(f"{label}{closed} (vencía el {due})", CLOSED_TERMS.get(term.status, "sis-state-done"))
    if term.due_on < today:
        return Mark(f"Venció el {due}", "sis-state-late")
    if (term.due_on - today).days <= 5:
        return Mark(f"Vence el {due}", "sis-state-soon")
    return Mark(f"Vence el {due}", "sis-state-waiting")


def place_of(order: InspectionOrder | None) -> str:
    """Where an order sends, in a line: the first place with its employer, and how many more."""
    places = order.places if order is not None else []
    if not places:
        return (order.zone if order is not None else None) or ""
    first = f"{places[0].establishment.employer.legal_name} · {places[0].establishment}"
    return first if len(places) == 1 else f"{first} y {len(places) - 1} más"


def validity(order: InspectionOrder) -> str:
    """Until when an order allows its first visit; once begun it stays in force (working rule 9)."""
    if order.valid_until is None:
        return ""
    state, until = moves.state_of(order), f"{order.valid_until:%d/%m/%Y}"
    if state is not None and state.phase is Phase.IN_FIELD:
        return f"En ejecución; la vigencia, hasta el {until}, limita solo la primera visita"
    return f"Hasta el {until}, para la primera visita"


def page_of(record: Any) -> str:
    """The address of the page of a record."""
    if isinstance(record, Visit):
        return url_for("VisitView.show", pk=record.id)
    if isinstance(record, Finding):
        return url_for("FindingView.show", pk=record.id)
    if isinstance(record, FinalReport):
        return url_for("ReportView.show", pk=record.id)
    return url_for("OrderView.show", pk=record.id)


def record_of(process: str, key: int) -> Any:
    """A record by its process and key, within the scope of the present person; None when there is none."""
    kind = KINDS.get(process)
    return None if kind is None or key >= 2**31 else Session.get(kind, key)
