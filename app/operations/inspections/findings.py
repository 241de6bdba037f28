"""Findings: prepared with their acta, required, extended, filed, verified; the roster of affected workers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import func, select

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.core.types import parse_guaranies
from app.models.documents import Document
from app.models.inspections import (
    AffectedWorker,
    Delivery,
    Filing,
    Finding,
    RemedyKind,
    Verification,
    Visit,
)
from app.models.norms import Basis, Infraction
from app.operations import attachments, moves, records, terms
from app.operations.inspections import facts
from app.operations.inspections.visits import editable
from app.operations.moves import Details
from app.operations.unit import Unit, act
from app.workflow.definition import Move, Phase

FIELDS = ("facts", "evidence", "affected_workers", "obligation", "remedy_kind", "repeat_offence")
REQUEST = "REQ-REG"
LONGEST_ROSTER = 20_000
HEADINGS = ("nombre", "nombre y apellido", "trabajador", "trabajadora")


def prepare(visit: Visit, values: Mapping[str, Any]) -> Finding:
    """A finding that no question asked about, in the acta being written. Raises RuleBroken at the field."""
    with act("finding.prepare") as unit:
        row = editable(visit)
        finding = Finding(
            version_code=row.version_code, visit=row, office_id=row.office_id, facts="", confirmed=False
        )
        _fill(unit, finding, values)
        unit.session.add(finding)
        unit.session.flush()
        _check_counted(finding)
        finding.confirmed = True
        unit.session.flush()
    return finding


def confirm(finding: Finding, values: Mapping[str, Any]) -> Finding:
    """The inspector saw the finding that a "No cumple" opens, and says what it needs (working rule 12)."""
    with act("finding.confirm") as unit:
        row = _in_preparation(finding)
        _fill(unit, row, values)
        unit.session.flush()
        _check_counted(row)
        row.confirmed = True
        unit.session.flush()
    return row


def _check_counted(finding: Finding) -> None:
    """A fine that is multiplied by workers has some: afterwards only an acta complementaria would say so."""
    breach = finding.infraction
    if breach is not None and breach.basis == Basis.PER_WORKER.value and facts.affected(finding) < 1:
        raise RuleBroken(
            f"La multa de {breach.code} se cuenta por trabajador: indique cuántos afecta, al menos uno.",
            "affected_workers",
        )


def revise(finding: Finding, values: Mapping[str, Any]) -> Finding:
    """Keep what was written on a finding in preparation, without confirming it. Raises RuleBroken."""
    with act("finding.revise") as unit:
        row = _in_preparation(finding)
        _fill(unit, row, values)
        unit.session.flush()
    return row


def discard(finding: Finding) -> None:
    """Take back a finding in preparation that no answer opened."""
    with act("finding.discard") as unit:
        row = _in_preparation(finding)
        if row.question_id is not None:
            raise RuleBroken("Este hallazgo nace de un «No cumple»: cambie la respuesta para retirarlo.")
        row.visit.findings.remove(row)
        unit.session.delete(row)
        unit.session.flush()


def require(findings: Sequence[Finding], details: Details) -> Document:
    """Require the remedy of several findings of one visit by one document. Raises RuleBroken."""
    if not findings:
        raise RuleBroken("Elija al menos un hallazgo.", "findings")
    if len({finding.visit_id for finding in findings}) != 1:
        raise RuleBroken("Un requerimiento reúne hallazgos de una misma visita.", "findings")
    with act("finding.require"):
        rows = [records.locked(Finding, finding.id) for finding in findings]
        told = replace(details, content=tuple(rows))
        for row in rows:
            step = next(
                (m for m in moves.process_of(row).moves_from(row.state or "") if REQUEST in m.letters), None
            )
            if step is None:
                raise RuleBroken(f"{row}: en este estado no se requiere.", "findings")
            moves.move(row, step.code, told)
            told = replace(told, shared=row.request)
        assert told.shared is not None
    return told.shared


def deliver_all(document: Document, how: str, details: Details) -> list[Finding]:
    """The request reached the employer: the terms of all its findings start (working rule 28)."""
    with act("finding.deliver_all") as unit:
        waiting = unit.session.scalars(
            select(Finding).where(Finding.request_id == document.id, Finding.delivery.is_(None))
        ).all()
        if not waiting:
            raise RuleBroken("La entrega de este requerimiento ya está registrada.")
        return [deliver(finding, how, details) for finding in waiting]


def deliver(finding: Finding, how: str, details: Details) -> Finding:
    """The request to remedy reached the employer; the term starts (working rule 28)."""
    if how not in {each.value for each in Delivery}:
        raise RuleBroken("Elija cómo se entregó el requerimiento.", "delivery")
    with act("finding.deliver") as unit:
        row = records.locked(Finding, finding.id)
        if row.request_id is None:
            raise RuleBroken("Primero emita el requerimiento.")
        row.delivery, row.delivered_on = how, details.happened_on or clock.today()
        unit.session.flush()
        step = next((m for m in moves.process_of(row).moves_from(row.state or "") if m.opens_terms), None)
        if step is None:
            raise RuleBroken("El plazo de este hallazgo ya está abierto.")
        moves.move(row, step.code, details)
    return row


def file(finding: Finding, words: str, content: bytes | None, details: Details) -> Filing:
    """What the employer handed in; within its term, the finding waits for its verification.

    What comes after the last day is received and kept, and the finding stays where it is.
    """
    if not words.strip():
        raise RuleBroken("Escriba qué presentó el empleador.", "description")
    with act("finding.file") as unit:
        row = records.locked(Finding, finding.id)
        filing = Filing(
            finding_id=row.id,
            filed_on=details.happened_on or clock.today(),
            description=words.strip(),
            file_id=attachments.receive(content).file.id if content else None,
        )
        row.filings.append(filing)
        unit.session.flush()
        term = terms.standing(row)
        step = next((m for m in moves.process_of(row).moves_from(row.state or "") if _answers(m)), None)
        if step is not None and term is not None and (term.due_on is None or filing.filed_on <= term.due_on):
            moves.move(row, step.code, details)
    return filing


def _answers(step: Move) -> bool:
    return "filing_recorded" in step.guards


def conclude(finding: Finding, result: str, note: str, on: date | None = None) -> Finding:
    """What the check of the remedy showed, and the step that follows, when it is the person's to take."""
    with act("finding.conclude"):
        row = verify(finding, result, note, on)
        for offer in moves.offers(row):
            if offer.allowed and "verification_recorded" in offer.move.guards:
                moves.move(row, offer.move.code)
                break
    return row


def verify(finding: Finding, result: str, note: str, on: date | None = None) -> Finding:
    """What the check of the remedy showed; the step that follows from it is taken apart."""
    if result not in {each.value for each in Verification}:
        raise RuleBroken("Elija el resultado de la verificación.", "verification")
    if not note.strip():
        raise RuleBroken("Escriba qué se verificó y cómo.", "verification_note")
    on = on or clock.today()
    if on > clock.today():
        raise RuleBroken("La fecha de la verificación está en el futuro.", "verified_on")
    with act("finding.verify") as unit:
        row = records.locked(Finding, finding.id)
        row.verification, row.verification_note, row.verified_on = result, note.strip(), on
        unit.session.flush()
    return row


# The roster (working rule 14)


def add_workers(finding: Finding, rows: Iterable[Mapping[str, Any]]) -> int:
    """Add workers to the roster: `name`, `document_number`, `period`, `amount`. How many were added."""
    with act("finding.add_workers") as unit:
        row = records.locked(Finding, finding.id)
        if facts.phase_of(row) is Phase.ANNULLED:
            raise RuleBroken("El hallazgo fue retirado: no admite cambios.")
        last = unit.session.scalar(
            select(func.max(AffectedWorker.position)).where(AffectedWorker.finding_id == row.id)
        )
        position = added = last or 0
        for given in rows:
            name = " ".join(str(given.get("name") or "").split())
            if not name:
                continue
            position += 1
            row.roster.append(
                AffectedWorker(
                    position=position,
                    name=name[:200],
                    document_number=(str(given.get("document_number") or "").strip() or None),
                    period=(str(given.get("period") or "").strip() or None),
                    amount=given.get("amount"),
                )
            )
        if position > LONGEST_ROSTER:
            raise RuleBroken("La nómina pasa de 20.000 personas: divídala.", "roster")
        unit.session.flush()
    return position - added


def parse_roster(text: str) -> list[dict[str, Any]]:
    """Read a roster that was pasted or came as CSV: name, document, period, amount, one worker on a line.

    Tabs, semicolons and commas separate; a heading line is left out. Raises RuleBroken with the line.
    """
    sample = text.lstrip("\ufeff")
    separator = next((mark for mark in ("\t", ";", ",") if mark in sample), ";")
    found = []
    for number, cells in enumerate(csv.reader(io.StringIO(sample), delimiter=separator), start=1):
        cells = [cell.strip() for cell in cells]
        if not any(cells) or (number == 1 and cells[0].lower() in HEADINGS):
            continue
        cells += [""] * (4 - len(cells))
        amount = None
        if cells[3]:
            try:
                amount = parse_guaranies(cells[3])
            except RuleBroken as error:
                raise RuleBroken(f"Línea {number}: {error.message}", "roster") from error
        if not cells[0]:
            raise RuleBroken(f"Línea {number}: falta el nombre o la descripción.", "roster")
        found.append({"name": cells[0], "document_number": cells[1], "period": cells[2], "amount": amount})
    if not found:
        raise RuleBroken("No se encontró ningún trabajador: pegue una persona por línea.", "roster")
    return found


def remove_worker(worker: AffectedWorker, reason: str) -> None:
    """Take a worker out of the count by evidence or appeal; he stays on the roster as cited."""
    if not reason.strip():
        raise RuleBroken("Escriba por qué se retira de la nómina.", "removed_reason")
    with act("finding.remove_worker", reason=reason) as unit:
        row = unit.session.get(AffectedWorker, worker.id, with_for_update=True, populate_existing=True)
        if row is None:
            raise Missing()
        if row.finding.state is None:
            row.finding.roster.remove(row)
            unit.session.delete(row)
        else:
            row.removed_on, row.removed_reason = clock.today(), reason.strip()
        unit.session.flush()


# Rules


def _fill(unit: Unit, finding: Finding, values: Mapping[str, Any]) -> None:
    if values.get("infraction_id") is not None:
        infraction = unit.session.get(Infraction, values["infraction_id"])
        if infraction is None:
            raise RuleBroken("Elija la infracción del catálogo.", "infraction_id")
        finding.infraction_id, finding.infraction = infraction.id, infraction
    for name in FIELDS:
        if name in values:
            value = values[name]
            setattr(finding, name, value.strip() or None if isinstance(value, str) else value)
    finding.affected_workers = finding.affected_workers or 0
    if not finding.facts:
        raise RuleBroken("Escriba los hechos constatados.", "facts")
    if finding.infraction_id is None:
        raise RuleBroken("Elija la infracción del catálogo.", "infraction_id")
    if finding.remedy_kind is not None and finding.remedy_kind not in {each.value for each in RemedyKind}:
        raise RuleBroken("Elija el plazo de regularización de la lista.", "remedy_kind")
    if finding.affected_workers < 0:
        raise RuleBroken("La cantidad de trabajadores no puede ser negativa.", "affected_workers")


def _in_preparation(finding: Finding) -> Finding:
    row = records.locked(Finding, finding.id)
    editable(row.visit)
    if row.state is not None:
        raise RuleBroken("El hallazgo está en un acta firmada: solo se corrige con un acta complementaria.")
    return row


def of_visit(visit: Visit) -> list[Finding]:
    """The findings of a visit, in their order."""
    return list(Session.scalars(select(Finding).where(Finding.visit_id == visit.id).order_by(Finding.id)))
