"""A mistake in a signed acta is corrected only by an acta complementaria (working rule 6).

The acta stays as it was signed, its public page names the one that modifies it, and reports use the corrected
value: `headcounts` and `Finding.affected_workers` give it; the first is in the acta and in the trail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from app.core import clock
from app.core.base import Session
from app.core.errors import NotAllowed, RuleBroken
from app.core.types import inside
from app.models.documents import Document
from app.models.inspections import ActaCorrection, Finding, HeadcountGroup, Party, Visit, VisitSignature
from app.operations import attachments, papers, records
from app.operations.inspections import facts
from app.operations.moves import Context, Details
from app.operations.unit import act
from app.security.principal import current

CODE = "ACT-COM"
DIGITS = 6
SEXES = {"men": "hombres", "women": "mujeres"}


@dataclass(frozen=True)
class Correction:
    """One mistake: the part of the acta, what it says and should say, why; `target` when it is a datum."""

    part: str
    says: str
    should_say: str
    reason: str
    target: str | None = None


@dataclass(frozen=True)
class Content:
    """What an acta complementaria says, and how the employer's side signed it."""

    corrections: tuple[Correction, ...]
    receipt: VisitSignature | None
    drawing: bytes | None


def targets(visit: Visit) -> dict[str, tuple[str, str]]:
    """The data of an acta that a correction may name: target -> (part of the acta, what it says now)."""
    found: dict[str, tuple[str, str]] = {}
    counts = headcounts(visit)
    for group in HeadcountGroup:
        if group.value in counts:
            for sex, label in SEXES.items():
                target = f"headcount:{group.value}:{sex}"
                found[target] = (
                    f"Trabajadores, {inside(group.label)}, {label}",
                    str(counts[group.value][sex]),
                )
    for finding in visit.findings:
        if finding.state is not None and finding.infraction is not None:
            target = f"finding:{finding.id}:affected_workers"
            part = f"Hallazgo {finding.infraction.code}, trabajadores afectados"
            found[target] = (part, str(finding.affected_workers))
    return found


def headcounts(visit: Visit) -> dict[str, dict[str, int]]:
    """The counts of an acta with its corrections: group -> {men, women}."""
    counts = {row.group_code: {"men": row.men, "women": row.women} for row in visit.headcounts}
    for row in corrections_of(visit):
        parts = (row.target or "").split(":")
        if parts[0] == "headcount" and parts[1] in counts and row.should_say.isdecimal():
            counts[parts[1]][parts[2]] = int(row.should_say)
    return counts


def corrections_of(visit: Visit) -> list[ActaCorrection]:
    """The corrections of an acta, in their order; those of an annulled complementaria do not count."""
    return list(
        Session.scalars(
            select(ActaCorrection)
            .join(Document, Document.id == ActaCorrection.document_id)
            .where(ActaCorrection.visit_id == visit.id, Document.status == "issued")
            .order_by(ActaCorrection.id)
        )
    )


def correct(
    visit: Visit,
    given: Iterable[Mapping[str, Any]],
    details: Details,
    receipt: Mapping[str, Any],
    drawing: bytes | None = None,
) -> Document:
    """Issue an acta complementaria: corrections, the inspector's signature, the employer's or his refusal.

    Raises RuleBroken, NotAllowed, Missing.
    """
    with act("visit.correct") as unit:
        row = records.locked(Visit, visit.id)
        if row.document is None:
            raise RuleBroken("El acta no está firmada: corríjala directamente en la visita.")
        team = facts.order_of(row).designated
        if current().account_id not in {each.inspector.account_id for each in team}:
            raise NotAllowed("El acta complementaria la firma un inspector designado en la orden.")
        content = Content(_read(row, given), _receipt(row, receipt, drawing), drawing)
        context = Context(row, replace(details, content=content), current(), (CODE,))
        document = papers.issue(context, CODE)
        papers.amend(row.document, document)
        for one in content.corrections:
            unit.session.add(
                ActaCorrection(
                    visit_id=row.id,
                    document_id=document.id,
                    target=one.target,
                    says=one.says,
                    should_say=one.should_say,
                    reason=f"{one.part}: {one.reason}",
                )
            )
            _apply(row, one)
        unit.session.flush()
    return document


def _read(visit: Visit, given: Iterable[Mapping[str, Any]]) -> tuple[Correction, ...]:
    known = targets(visit)
    made = {(row.target, row.says, row.should_say, row.reason) for row in corrections_of(visit)}
    found = []
    for number, one in enumerate(given):
        target = one.get("target") or None
        part, says = known.get(target, ("", "")) if target else ("", "")
        part = part or (one.get("part") or "").strip()
        says = says or (one.get("says") or "").strip()
        should, why = (one.get("should_say") or "").strip(), (one.get("reason") or "").strip()
        if not any((target, part, says, should, why)):
            continue
        if target and target not in known:
            raise RuleBroken("Elija el dato de la lista.", f"target-{number}")
        if not part or not says or not should:
            raise RuleBroken("Complete la parte del acta, lo que dice y lo que debe decir.", f"says-{number}")
        if target and not (should.isdecimal() and len(should) <= DIGITS):
            raise RuleBroken(
                "Escriba un número entero, hasta 999.999: es una cantidad.", f"should_say-{number}"
            )
        if says == should:
            raise RuleBroken("Lo que dice y lo que debe decir son iguales.", f"should_say-{number}")
        if not why:
            raise RuleBroken("Escriba el motivo de la corrección.", f"reason-{number}")
        if (target, says, should, f"{part}: {why}") in made:
            raise RuleBroken("Esa corrección ya está en un acta complementaria.", f"says-{number}")
        found.append(Correction(part, says, should, why, target))
    if not found:
        raise RuleBroken("Indique al menos una corrección.", "says-0")
    return tuple(found)


def _receipt(visit: Visit, given: Mapping[str, Any], drawing: bytes | None) -> VisitSignature:
    """The employer's side on the complementaria; it is not kept among the signatures of the acta."""
    name, refusal = (given.get("name") or "").strip(), (given.get("refusal") or "").strip()
    if not name:
        raise RuleBroken("Escriba quién recibe por la parte empleadora.", "name")
    if not drawing and not refusal:
        raise RuleBroken("Dibuje la firma, o registre la negativa con su motivo.", "refusal")
    if drawing:
        attachments.receive(drawing, "drawing")
    return VisitSignature(
        party=Party.EMPLOYER.value,
        name=name,
        post=(given.get("post") or "").strip() or None,
        refusal=refusal or None,
        signed_at=None if refusal else clock.now(),
    )


def _apply(visit: Visit, one: Correction) -> None:
    """A corrected datum that has a column of its own takes the new value."""
    parts = (one.target or "").split(":")
    if parts[0] == "finding":
        finding = Session.get(Finding, int(parts[1]))
        if finding is not None and finding.visit_id == visit.id:
            finding.affected_workers = int(one.should_say)
