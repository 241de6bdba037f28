"""What the letters of inspections say alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from sqlalchemy import select

from app.core import clock
from app.core.base import Choice, Session
from app.core.errors import RuleBroken
from app.documents import letters as out
from app.models.followup import Term
from app.models.inspections import (
    Finding,
    InspectionOrder,
    Verification,
    Visit,
)
from app.models.norms import Infraction, InfractionArea
from app.models.registry import Employer, Establishment
from app.models.staff import Inspector
from app.operations import terms
from app.operations.inspections import facts
from app.operations.parameters import whole

DGIFT = "Dirección General de Inspección y Fiscalización del Trabajo"
DGAJ = "Dirección General de Asesoría Jurídica"
DESK = "Mesa de Entrada del Ministerio o de la oficina regional"
RESULTS = {
    Verification.REMEDIED.value: "Cumplido",
    Verification.PARTLY.value: "Cumplido en parte",
    Verification.NOT_REMEDIED.value: "No cumplido",
}


def said(choices: type[Choice], value: str | None) -> str:
    """The Spanish words of a stored choice."""
    return next((each.label for each in choices if each.value == value), "")


def person(inspector: Inspector, leader: bool = False) -> out.Person:
    """An inspector with the documents by which he identifies himself."""
    return out.Person(inspector.full_name, inspector.document, "Inspector", inspector.code, leader=leader)


def team(order: InspectionOrder) -> tuple[out.Person, ...]:
    """The designated inspectors, the leader first."""
    return tuple(person(each.inspector, each.leader) for each in order.designated)


def employer(row: Employer) -> out.Employer:
    """The employer, as he is known."""
    return out.Employer(
        row.legal_name,
        ruc=row.ruc,
        identity=row.document_number,
        trade_name=row.trade_name,
        provisional=row.provisional,
    )


def establishment(row: Establishment) -> out.Establishment:
    """Where it is."""
    return out.Establishment(
        row.address or row.reference or "Sin dirección registrada",
        row.district.name,
        row.district.department.name,
        name=str(row),
        reference=row.reference if row.address else None,
        activity=str(row.activity) if row.activity else None,
    )


def places(order: InspectionOrder) -> tuple[out.Establishment, ...]:
    """The establishments that an order names."""
    return tuple(establishment(each.establishment) for each in order.places)


def one_employer(order: InspectionOrder) -> out.Employer | None:
    """The employer of an order, when all its establishments are his."""
    owners = {each.establishment.employer_id: each.establishment.employer for each in order.places}
    return employer(next(iter(owners.values()))) if len(owners) == 1 else None


def concerned(order: InspectionOrder) -> dict[Employer, list[Establishment]]:
    """The employers of a file with their establishments: those visited; before any visit, those named.

    Raises RuleBroken while nobody is known.
    """
    visited = [v.establishment for v in facts.visits_of(order) if facts.phase_of(v) not in facts.NOT_BEGUN]
    rows = [row for row in visited if row is not None] or [each.establishment for each in order.places]
    if not rows:
        raise RuleBroken("La orden todavía no tiene empleador: indíquelo en la visita.")
    found: dict[Employer, list[Establishment]] = {}
    for row in dict.fromkeys(rows):
        found.setdefault(row.employer, []).append(row)
    return found


def sole_employer(order: InspectionOrder) -> out.Employer | None:
    """The employer of a file, when it concerns one."""
    found = concerned(order)
    return employer(next(iter(found))) if len(found) == 1 else None


def concerned_places(order: InspectionOrder) -> tuple[out.Establishment, ...]:
    """The establishments of a file; with several employers, each says whose it is."""
    found = concerned(order)
    several = len(found) > 1
    return tuple(
        replace(establishment(row), name=f"{owner.legal_name} · {row}") if several else establishment(row)
        for owner, rows in found.items()
        for row in rows
    )


def employer_of(visit: Visit) -> out.Employer:
    """The employer of the establishment of a visit. Raises RuleBroken while it has none."""
    if visit.establishment is None:
        raise RuleBroken("Indique el establecimiento visitado.", "establishment_id")
    return employer(visit.establishment.employer)


def matters(order: InspectionOrder) -> tuple[str, ...]:
    """The areas that an order reaches, in words."""
    titles = {row.code: row.title for row in Session.scalars(select(InfractionArea))}
    return tuple(titles.get(code, code) for code in order.matters)


def order_date(order: InspectionOrder) -> date:
    """The day of the order."""
    return order.document.happened_on if order.document else clock.today()


def norm(infraction: Infraction | None) -> str:
    """The norm that an infraction breaks."""
    return (infraction.article or infraction.title) if infraction else "A calificar"


def lines(text: str | None) -> tuple[str, ...]:
    """The lines of a text that has one thing on each."""
    return tuple(line.strip() for line in (text or "").splitlines() if line.strip())


def requested_due(visit: Visit) -> date | None:
    """The last day to hand in what the visit asked for (PLAZO_DOCUMENTAL, in business days)."""
    if not lines(visit.documents_requested) or visit.happened_on is None:
        return None
    calendar = terms.calendar_of(visit)
    return calendar.add_business_days(visit.happened_on, whole("PLAZO_DOCUMENTAL", visit.happened_on))


def last_term(finding: Finding) -> Term | None:
    """The newest term of a finding."""
    return Session.scalars(
        select(Term).where(Term.finding_id == finding.id).order_by(Term.id.desc()).limit(1)
    ).first()


def due_of(finding: Finding) -> date | None:
    """The last day of the newest term of a finding."""
    term = last_term(finding)
    return term.due_on if term else None
