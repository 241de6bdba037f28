"""Orders: drafted with their inspectors and places, changed while a draft, their team substituted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import joinedload

from app.core import clock
from app.core.base import Session
from app.core.errors import RuleBroken, Stale
from app.models.catalogs import Office
from app.models.checklists import ChecklistStatus, ChecklistVersion
from app.models.documents import Document
from app.models.inspections import (
    InspectionOrder,
    OrderChecklist,
    OrderEstablishment,
    OrderInspector,
    OrderKind,
    Visit,
    VisitInspector,
)
from app.models.norms import InfractionArea
from app.models.procedures import ProcedureState
from app.models.registry import Establishment
from app.models.staff import Absence, Inspector
from app.operations import attachments, moves, papers, procedures, records
from app.operations.inspections import facts
from app.operations.inspections.facts import TeamChange
from app.operations.moves import Details
from app.operations.parameters import whole
from app.operations.unit import Unit, act
from app.security.principal import current
from app.security.scope import unscoped
from app.workflow.definition import Move, Phase

SUBSTITUTION = "OI-SUS"
FIELDS = frozenset(
    {
        "kind",
        "origin",
        "priority",
        "office_id",
        "matters",
        "instructions",
        "period_from",
        "period_to",
        "shift",
        "zone",
        "requires_authorisation",
        "authorisation",
        "absence_confirmed",
    }
)


OFFERED = 50
"""Inspectors that a form lists with their work; the others are looked up."""


@dataclass(frozen=True)
class OpenWork:
    """Open work on an establishment as anybody who opens more is told of it: number and office."""

    establishment_id: int
    number: str
    office: str


@dataclass(frozen=True)
class Workload:
    """An inspector as the one who designates sees him: what he has open, when he is away."""

    inspector: Inspector
    open_orders: int
    absences: tuple[Absence, ...]
    conflict: bool

    @property
    def available(self) -> bool:
        """Nothing speaks against designating him."""
        return not self.absences and not self.conflict


def create(values: Mapping[str, Any]) -> InspectionOrder:
    """A draft, on the procedure version in force. `team`: inspector ids, the leader first; `places`:
    establishment ids; `checklists`: checklist version ids. Raises RuleBroken at the field."""
    with act("order.create") as unit:
        order = InspectionOrder(version_code=procedures.version_in_force().code)
        with unit.session.no_autoflush:
            _fill(unit, order, values)
            moves.begin(order)
            _fill_lists(unit, order, values)
        unit.session.flush()
    return order


def create_several(values: Mapping[str, Any]) -> list[InspectionOrder]:
    """One draft for each establishment, in one act (working rule 16)."""
    places = list(dict.fromkeys(values.get("places") or ()))
    with act("order.create_several"):
        return [create({**values, "places": [place]}) for place in places]


def change(order: InspectionOrder, values: Mapping[str, Any], version: int | None = None) -> InspectionOrder:
    """Change a draft. Raises RuleBroken once it went for signature, Stale."""
    with act("order.change") as unit:
        row = _draft(order, version)
        _fill(unit, row, values)
        _fill_lists(unit, row, values)
        row.updated_by_id = current().account_id
        unit.session.flush()
    return row


def authorise_entry(order: InspectionOrder, words: str, content: bytes) -> None:
    """Attach the consent or the court's authorisation to enter a home. Raises RuleBroken."""
    if not words.strip():
        raise RuleBroken("Escriba quién consintió o autorizó, el número y la fecha.", "authorisation")
    with act("order.authorise_entry") as unit:
        row = records.locked(InspectionOrder, order.id)
        if facts.phase_of(row) not in (Phase.PLANNED, Phase.ISSUED, Phase.IN_FIELD):
            raise RuleBroken("La orden ya no está por ejecutarse: su autorización queda como está.")
        row.authorisation = words.strip()
        row.authorisation_file_id = attachments.receive(content, "authorisation_file").file.id
        unit.session.flush()


def substitute(order: InspectionOrder, team: Sequence[int], details: Details) -> InspectionOrder:
    """Substitute or add inspectors of a signed order, by a document of its own (working rule 2).

    `team` is the whole team as it is to stand, the leader first. Raises RuleBroken with every reason.
    """
    if not details.reason.strip():
        raise RuleBroken("Escriba el motivo de la sustitución: se imprime en el documento.", "reason")
    with act("order.substitute", reason=details.reason) as unit:
        for visit in facts.visits_of(order):
            records.locked(
                Visit, visit.id
            )  # before the order, as every step of a visit does: two at once never cross
        row = records.locked(InspectionOrder, order.id)
        told = _told(row, team, details)
        step = _substitution(row)
        _change_team(unit, row, team, details.happened_on, details.reason)
        moves.move(row, step.code, told)
        _follow_team(unit, row)
    return row


def draft_substitution(order: InspectionOrder, team: Sequence[int], details: Details) -> bytes:
    """The document of a substitution as it would be issued with this team, marked as a draft."""
    return papers.draft(order, SUBSTITUTION, _told(order, team, details))


def print_substitution(
    order: InspectionOrder, team: Sequence[int], details: Details
) -> tuple[Document, bytes]:
    """Reserve the number of a substitution and give the PDF to sign by hand (working rule 1).

    The team changes when the signed paper is recorded. Raises RuleBroken with every reason.
    """
    if not details.reason.strip():
        raise RuleBroken("Escriba el motivo de la sustitución: se imprime en el documento.", "reason")
    with act("order.print_substitution", reason=details.reason):
        told, step = _told(order, team, details), _substitution(order)
        offer = next((o for o in moves.offers(order, said=told) if o.move == step), None)
        if offer is None or not offer.allowed:
            reasons = offer.reasons if offer else ("Este paso corresponde a otra persona.",)
            raise RuleBroken(" ".join(reasons), reasons=reasons)
        return papers.print_for_signature(order, SUBSTITUTION, told)


def _substitution(order: InspectionOrder) -> Move:
    """The step that changes the team of a signed order. Raises RuleBroken where there is none."""
    steps = moves.process_of(order).moves_from(order.state or "")
    step = next((m for m in steps if SUBSTITUTION in m.letters), None)
    if step is None:
        raise RuleBroken("En este estado no se sustituyen inspectores.", code="move_not_declared")
    return step


def _told(order: InspectionOrder, team: Sequence[int], details: Details) -> Details:
    """The details of a substitution, with who leaves, who enters and who stands. Raises RuleBroken."""
    people = _people(team, details.happened_on or clock.today())
    before = {each.inspector_id: each.inspector for each in order.designated}
    leaving = tuple(person for key, person in before.items() if key not in people)
    entering = tuple(person for key, person in people.items() if key not in before)
    if not leaving and not entering:
        raise RuleBroken("El equipo quedó igual: no hay nada que sustituir.", "team")
    return replace(details, content=TeamChange(leaving, entering, tuple(people.values())))


def workloads(
    office_id: int | None, places: Sequence[int] = (), team: Sequence[int] = (), on: date | None = None
) -> list[Workload]:
    """The team, and inspectors in post to choose from: open orders, absences in the validity, conflicts.

    OFFERED at most, the team first, then those of the office; whoever is not among them is looked up.
    """
    on = on or clock.today()
    until = on + timedelta(days=whole("OI_VIGENCIA_DIAS", on))
    in_post = and_(Inspector.active_from <= on, func.coalesce(Inspector.active_to, on) >= on)
    people = Session.scalars(
        select(Inspector)
        .options(joinedload(Inspector.office))
        .where(or_(in_post, Inspector.id.in_(team)))
        .order_by(Inspector.id.not_in(team), Inspector.office_id != office_id)
        .order_by(Inspector.last_name, Inspector.first_name)
        .limit(OFFERED)
    ).all()
    keys = [person.id for person in people]
    open_orders = dict(
        Session.execute(
            select(OrderInspector.inspector_id, func.count())
            .join(InspectionOrder, InspectionOrder.id == OrderInspector.order_id)
            .where(OrderInspector.inspector_id.in_(keys), OrderInspector.until.is_(None))
            .where(InspectionOrder.process_code == InspectionOrder.process)
            .where(InspectionOrder.state.in_(_open_states()))
            .group_by(OrderInspector.inspector_id)
        ).all()
    )
    away: dict[int, list[Absence]] = {}
    for absence in facts.absences(keys, on, until):
        away.setdefault(absence.inspector_id, []).append(absence)
    employers = list(
        Session.scalars(select(Establishment.employer_id).where(Establishment.id.in_(list(places))))
    )
    related = facts.conflicted_ids(keys, employers, on)
    return [
        Workload(person, open_orders.get(person.id, 0), tuple(away.get(person.id, ())), person.id in related)
        for person in people
    ]


def open_elsewhere(places: Sequence[int], but_order_id: int | None = None) -> list[OpenWork]:
    """The orders not closed, of any office, that name these establishments (working rule 17).

    It looks beyond the scope, and so gives the number and the office of an order and nothing else.
    """
    if not places:
        return []
    closed = exists().where(
        ProcedureState.version_code == InspectionOrder.version_code,
        ProcedureState.process_code == InspectionOrder.process,
        ProcedureState.code == InspectionOrder.state,
        ProcedureState.final,
    )
    query = (
        select(OrderEstablishment.establishment_id, InspectionOrder, Office)
        .join(InspectionOrder, InspectionOrder.id == OrderEstablishment.order_id)
        .join(Office, Office.id == InspectionOrder.office_id)
        .where(OrderEstablishment.establishment_id.in_(list(places)))
        .where(InspectionOrder.state.is_not(None), InspectionOrder.id != (but_order_id or 0), ~closed)
        .options(joinedload(InspectionOrder.document))
        .order_by(InspectionOrder.id)
    )
    with unscoped():
        return [OpenWork(key, order.number, str(office)) for key, order, office in Session.execute(query)]


def _open_states() -> list[str]:
    """The states of orders, of any version, in which their inspectors have work."""
    wanted = [Phase.PLANNED.value, Phase.ISSUED.value, Phase.IN_FIELD.value, Phase.IN_REPORT.value]
    return list(
        Session.scalars(
            select(ProcedureState.code)
            .where(ProcedureState.process_code == InspectionOrder.process, ProcedureState.phase.in_(wanted))
            .distinct()
        )
    )


def _fill(unit: Unit, order: InspectionOrder, values: Mapping[str, Any]) -> None:
    for name in FIELDS & set(values):
        value = values[name]
        setattr(order, name, value.strip() or None if isinstance(value, str) else value)
    if order.office_id is None or unit.session.get(Office, order.office_id) is None:
        raise RuleBroken("Elija la oficina que lleva el procedimiento.", "office_id")
    known = set(unit.session.scalars(select(InfractionArea.code)))
    order.matters = list(dict.fromkeys(order.matters or []))
    if not set(order.matters) <= known:
        raise RuleBroken("Elija las materias de la lista.", "matters")
    if order.period_from and order.period_to and order.period_to < order.period_from:
        raise RuleBroken("El período examinado termina antes de empezar.", "period_to")


def _fill_lists(unit: Unit, order: InspectionOrder, values: Mapping[str, Any]) -> None:
    if "places" in values:
        _set_places(unit, order, list(dict.fromkeys(values["places"] or ())))
    if "checklists" in values:
        _set_checklists(unit, order, list(dict.fromkeys(values["checklists"] or ())))
    if "team" in values:
        wanted = list(values["team"] or ())
        for each in list(order.team):
            if each.inspector_id not in wanted:  # a draft: nobody was told yet
                order.team.remove(each)
                unit.session.delete(each)
        unit.session.flush()
        _change_team(unit, order, wanted, None, "")


def _set_places(unit: Unit, order: InspectionOrder, wanted: list[int]) -> None:
    found = set(
        unit.session.scalars(
            select(Establishment.id).where(
                Establishment.id.in_(wanted), Establishment.merged_into_id.is_(None)
            )
        )
    )
    if len(found) != len(wanted):
        raise RuleBroken("Un establecimiento ya no está en el registro: búsquelo otra vez.", "places")
    if order.kind == OrderKind.ESTABLISHMENT.value and len(wanted) > 1:
        raise RuleBroken("Esta clase de orden nombra un solo establecimiento.", "places")
    if order.kind == OrderKind.SHIFT.value and wanted:
        raise RuleBroken("Una orden de turno no nombra establecimientos: se indican en la puerta.", "places")
    for place in list(order.places):
        if place.establishment_id not in wanted:
            order.places.remove(place)
            unit.session.delete(place)
    here = {place.establishment_id for place in order.places}
    for key in wanted:
        if key not in here:
            order.places.append(OrderEstablishment(establishment_id=key))
    unit.session.flush()


def checklists_in_force() -> ColumnElement[bool]:
    """The condition of the checklists that an order takes today."""
    today = clock.today()
    return and_(
        ChecklistVersion.status == ChecklistStatus.PUBLISHED.value,
        ChecklistVersion.valid_from <= today,
        or_(ChecklistVersion.valid_to.is_(None), ChecklistVersion.valid_to >= today),
    )


def _set_checklists(unit: Unit, order: InspectionOrder, wanted: list[int]) -> None:
    kept = {row.checklist_version_id for row in order.checklists}
    found = kept | set(unit.session.scalars(select(ChecklistVersion.id).where(checklists_in_force())))
    if not set(wanted) <= found:
        raise RuleBroken("Elija listas de control que rijan hoy.", "checklists")
    for row in list(order.checklists):
        if row.checklist_version_id not in wanted:
            order.checklists.remove(row)
            unit.session.delete(row)
    here = {row.checklist_version_id for row in order.checklists}
    for key in wanted:
        if key not in here:
            order.checklists.append(OrderChecklist(checklist_version_id=key))
    unit.session.flush()


def _change_team(
    unit: Unit, order: InspectionOrder, wanted: Sequence[int], on: date | None, reason: str
) -> None:
    """Make the team the wanted one, the leader first."""
    on = on or clock.today()
    people = _people(wanted, on)
    standing = {each.inspector_id: each for each in order.designated}
    leaving = [each for key, each in standing.items() if key not in people]
    for each in leaving:
        if on < each.since:
            who, since = each.inspector.full_name, f"{each.since:%d/%m/%Y}"
            raise RuleBroken(f"{who} está designado desde el {since}: no pudo dejar antes.", "happened_on")
    for each in leaving:
        each.until, each.reason, each.leader = on, reason or None, False
    leader = next(iter(people), None)
    for key, each in standing.items():
        each.leader = each.leader and key == leader
    unit.session.flush()
    for position, key in enumerate(people):
        member = standing.get(key)
        if member is None:
            member = OrderInspector(inspector_id=key, since=on, inspector=people[key])
            order.team.append(member)
        member.leader = position == 0
    unit.session.flush()


def _people(wanted: Sequence[int], on: date) -> dict[int, Inspector]:
    """The inspectors of these keys, in their order, in post on a day. Raises RuleBroken."""
    found = {row.id: row for row in Session.scalars(select(Inspector).where(Inspector.id.in_(wanted)))}
    people = {key: found[key] for key in wanted if key in found}
    if set(people) != set(wanted):
        raise RuleBroken("Elija inspectores de la lista.", "team")
    for person in people.values():
        if not person.active_from <= on <= (person.active_to or on):
            raise RuleBroken(f"{person.full_name} no está en funciones el {on:%d/%m/%Y}.", "team")
    return people


def _follow_team(unit: Unit, order: InspectionOrder) -> None:
    """Visits that are still planned or under way take the new team."""
    wanted = {each.inspector_id for each in order.designated}
    for visit in facts.visits_of(order):
        if facts.phase_of(visit) not in facts.STANDING:
            continue
        for row in list(visit.inspectors):
            if row.inspector_id not in wanted and row.signed_at is None:
                visit.inspectors.remove(row)
                unit.session.delete(row)
        here = {row.inspector_id for row in visit.inspectors}
        for key in wanted - here:
            visit.inspectors.append(VisitInspector(inspector_id=key))
    unit.session.flush()


def _draft(order: InspectionOrder, version: int | None) -> InspectionOrder:
    row = records.locked(InspectionOrder, order.id)
    if version is not None and row.version != version:
        raise Stale()
    process = moves.process_of(row)
    if row.document_id is not None or row.state != (process.start.state if process.start else None):
        raise RuleBroken("La orden ya no es un proyecto: no se cambia así.", code="not_draft")
    return row
