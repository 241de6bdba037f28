"""The steps of a visit: in which order they are walked, what each still lacks, which one follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from app.core.base import Session
from app.core.errors import Missing
from app.models.checklists import Evidence
from app.models.inspections import (
    Finding,
    HeadcountGroup,
    InspectionOrder,
    OrderEstablishment,
    Party,
    Visit,
    VisitFile,
    VisitInspector,
    VisitKind,
)
from app.models.registry import Establishment
from app.operations import moves
from app.operations.inspections import questionnaire
from app.operations.inspections.questionnaire import Group
from app.operations.moves import HELD
from app.workflow.definition import Phase
from app.workflow.engine import MoveOffer

TITLES = {
    "datos": "Lugar y persona",
    "trabajadores": "Trabajadores",
    "cuestionario": "Cuestionario",
    "hallazgos": "Hallazgos",
    "pruebas": "Fotos y pruebas",
    "relato": "Documentos y relato",
    "manifestaciones": "Manifestaciones",
    "firmas": "Firmas",
    "cierre": "Cierre",
}
AT_THE_DOOR = tuple(TITLES)
AS_PRINTED = (
    "datos",
    "trabajadores",
    "relato",
    "hallazgos",
    "manifestaciones",
    "cuestionario",
    "pruebas",
    "firmas",
    "cierre",
)
"""The sequence of the printed visit pack, for whoever types it in from top to bottom (working rule 7)."""

PLACES = (
    ("Faltan respuestas", "cuestionario"),
    ("Falta la prueba", "pruebas"),
    ("Faltan cantidades", "trabajadores"),
    ("hallazgo(s) por «No cumple»", "hallazgos"),
    ("Falta la firma", "firmas"),
    ("Indique por qué no estuvo", "firmas"),
    ("Falta el acta", "relato"),
    ("Indique el establecimiento", "datos"),
)
"""Words of a guard's reason -> the step where it is mended."""


@dataclass(frozen=True)
class Step:
    """A step with its page, and how it stands: `done`, `missing` or `free` (may be left empty)."""

    code: str
    title: str
    url: str
    look: str
    detail: str = ""


def address(visit: Visit, code: str) -> str:
    """The page of a step."""
    return url_for(f"VisitView.{code}", pk=visit.id)


def load(pk: int, places: bool = False) -> Visit:
    """A visit with what its pages show, within the scope of the present person. Raises Missing.

    `places`: with the establishments that its order names.
    """
    query = (
        select(Visit)
        .where(Visit.id == pk)
        .options(
            joinedload(Visit.order).joinedload(InspectionOrder.document),
            joinedload(Visit.establishment).joinedload(Establishment.employer),
            joinedload(Visit.establishment).joinedload(Establishment.district),
            joinedload(Visit.document),
            joinedload(Visit.office),
            selectinload(Visit.inspectors).joinedload(VisitInspector.inspector),
            selectinload(Visit.files).joinedload(VisitFile.file),
            selectinload(Visit.findings).joinedload(Finding.infraction),
        )
    )
    if places:
        there = joinedload(Visit.order).selectinload(InspectionOrder.places)
        place = there.joinedload(OrderEstablishment.establishment)
        query = query.options(
            place.joinedload(Establishment.employer), place.joinedload(Establishment.district)
        )
    visit: Visit | None = Session.scalar(query) if pk < 2**31 else None
    if visit is None:
        raise Missing()
    return visit


def phase_of(visit: Visit) -> Phase | None:
    """The phase of a visit."""
    state = moves.state_of(visit)
    return state.phase if state else None


def open_now(visit: Visit) -> bool:
    """Whether the visit is under way and its acta is not signed."""
    return visit.order_id is not None and visit.document_id is None and phase_of(visit) is Phase.IN_FIELD


def order_of_steps(paper: bool) -> tuple[str, ...]:
    """The codes of the steps, in the sequence in which they are walked."""
    return AS_PRINTED if paper else AT_THE_DOOR


def steps(visit: Visit, groups: Sequence[Group], paper: bool) -> list[Step]:
    """Every step of a visit under way, with what it lacks."""
    found = {
        "datos": _datos(visit),
        "trabajadores": _workers(visit),
        "cuestionario": _questions(groups),
        "hallazgos": _findings(visit),
        "pruebas": _proofs(visit, groups),
        "relato": ("done" if visit.narrative else "free", "" if visit.narrative else "Sin relato todavía"),
        "manifestaciones": _statements(visit),
        "firmas": _signatures(visit, paper),
        "cierre": ("free", ""),
    }
    return [Step(code, TITLES[code], address(visit, code), *found[code]) for code in order_of_steps(paper)]


def following(visit: Visit, code: str, paper: bool) -> str:
    """The page after a step."""
    sequence = order_of_steps(paper)
    place = sequence.index(code)
    return address(visit, sequence[min(place + 1, len(sequence) - 1)])


def unproved(groups: Sequence[Group]) -> list[questionnaire.Asked]:
    """The questions whose answer still needs its proof."""
    return [
        one
        for group in groups
        for one in group.asked
        if one.answer is not None
        and one.answer.value in ("CUMPLE", "NO_CUMPLE")
        and one.question.evidence != Evidence.NONE.value
        and not one.proofs
    ]


def missing(visit: Visit, offer: MoveOffer, paper: bool) -> list[tuple[str, str | None]]:
    """What a move lacks, each with the page where it is mended."""
    found: list[tuple[str, str | None]] = []
    for reason in offer.reasons:
        code = next((code for words, code in PLACES if words in reason), None)
        if paper and reason.startswith("Falta la firma de:"):
            continue  # the inspectors signed the paper
        found.append((reason, None if code is None or reason == HELD else address(visit, code)))
    return found


def _datos(visit: Visit) -> tuple[str, str]:
    lacks = []
    if visit.establishment_id is None:
        lacks.append("el establecimiento")
    if not visit.attended_by:
        lacks.append("quién atiende")
    return ("missing", f"Falta {' y '.join(lacks)}") if lacks else ("done", visit.attended_by or "")


def _workers(visit: Visit) -> tuple[str, str]:
    counted = {row.group_code: row for row in visit.headcounts}
    lacking = [group.label for group in HeadcountGroup if group.value not in counted]
    if lacking:
        return "missing", f"Faltan {len(lacking)} de {len(HeadcountGroup)} grupos"
    total = counted[HeadcountGroup.TOTAL.value]
    return "done", f"{total.men + total.women} en total"


def _questions(groups: Sequence[Group]) -> tuple[str, str]:
    asked, answered = sum(len(g.asked) for g in groups), sum(g.answered for g in groups)
    return ("done" if asked == answered else "missing"), f"{answered} de {asked} respuestas"


def _findings(visit: Visit) -> tuple[str, str]:
    rows = [row for row in visit.findings if row.state is None]
    waiting = sum(not row.confirmed for row in rows)
    if waiting:
        return "missing", f"{waiting} sin confirmar"
    return ("done", f"{len(rows)} confirmados") if rows else ("free", "Ninguno")


def _proofs(visit: Visit, groups: Sequence[Group]) -> tuple[str, str]:
    kept = sum(file.withdrawn_reason is None for file in visit.files)
    lacking = [] if visit.kind == VisitKind.VERIFICATION.value else unproved(groups)
    if lacking:
        return "missing", f"Falta la prueba de {len(lacking)} respuesta{'s' if len(lacking) > 1 else ''}"
    return ("done" if kept else "free"), f"{kept} archivo{'' if kept == 1 else 's'}"


def _statements(visit: Visit) -> tuple[str, str]:
    said = bool(visit.employer_statement or visit.workers_statement)
    return ("done", "") if said else ("free", "Nadie manifestó nada todavía")


def _signatures(visit: Visit, paper: bool) -> tuple[str, str]:
    lacking = 0 if paper else sum(row.present and row.signed_at is None for row in visit.inspectors)
    employer = any(row.party == Party.EMPLOYER.value for row in visit.signatures)
    lacking += not employer
    if lacking:
        return "missing", f"Falta{'n' if lacking > 1 else ''} {lacking} firma{'s' if lacking > 1 else ''}"
    return "done", ""
