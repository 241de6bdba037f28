"""The request to remedy and its extension."""

from __future__ import annotations

from datetime import date

from app.core.errors import RuleBroken
from app.documents import letters as out
from app.documents.letters import Paper
from app.models.documents import Document
from app.models.inspections import (
    Finding,
    Party,
)
from app.operations import moves, terms
from app.operations.inspections import facts
from app.operations.inspections.letters.record import visited
from app.operations.inspections.letters.shared import (
    DESK,
    employer_of,
    establishment,
    last_term,
    norm,
)
from app.operations.moves import Context
from app.operations.papers import Made, Signing, builds
from app.operations.parameters import whole
from app.workflow import conditions
from app.workflow.definition import Unit


def in_days(days: int, unit: str) -> str:
    """`10 días hábiles`, `Inmediato`."""
    if days == 0:
        return "Inmediato"
    kind = "hábiles" if unit == Unit.BUSINESS.value else "corridos"
    return f"{days} día{'s' if days != 1 else ''} {kind}"


def remedy_term(finding: Finding, on: date) -> tuple[str, date | None]:
    """The term of a remedy in words, and its last day if it were handed over on a day."""
    process = moves.process_of(finding)
    for kind in process.terms:
        if kind.condition is not None and conditions.holds(
            kind.condition, {"remedy_kind": finding.remedy_kind}
        ):
            made = terms.opening(finding, kind, on)
            return in_days(made.days, kind.unit.value), made.due
    return "A fijar", None


def _keep_request(c: Context, document: Document) -> None:
    c.record.request_id, c.record.request = document.id, document


@builds("REQ-REG", _keep_request)
def request_letter(c: Context, paper: Paper, signing: Signing) -> Made:
    """Requerimiento de regularización."""
    finding: Finding = c.record
    visit = finding.visit
    order = facts.order_of(visit)
    required: tuple[Finding, ...] = c.details.content or (finding,)
    told = [(each, *remedy_term(each, c.act_date)) for each in required]
    receipt = next((s for s in visit.signatures if s.party == Party.EMPLOYER.value), None)
    return Made(
        out.RequirementLetter(
            paper,
            record_number=visit.document.number if visit.document else "",
            record_date=visit.happened_on or c.act_date,
            order_number=order.number,
            employer=employer_of(visit),
            establishment=establishment(visited(visit)),
            requirements=tuple(
                out.Requirement(each.obligation or each.facts, norm(each.infraction), words)
                for each, words, _ in told
            ),
            signature=signing.block("Inspector actuante"),
            receipt=out.Signature(
                receipt.name if receipt else "",
                "Recibí, por la parte empleadora",
                receipt.post if receipt else None,
            ),
            where_to_answer=DESK,
            extension_rule=(
                "El plazo puede prorrogarse a pedido fundado, antes de su vencimiento"
                f" (hasta {whole('PRORROGA_MAX', c.act_date)} vez)."
                if any(due is not None for _, _, due in told)
                else None
            ),
            calendar=f"Cuenta el calendario de {paper.office}.",
        ),
        {},
    )


def _printed_due(c: Context, document: Document) -> None:
    """The day that the letter says is never made earlier (working rule 18)."""
    term = last_term(c.record)
    if term is not None:
        term.printed_due_on = term.due_on


@builds("PRO", _printed_due)
def extension_of_remedy(c: Context, paper: Paper, signing: Signing) -> Made:
    """Prórroga del plazo de regularización."""
    finding: Finding = c.record
    term = last_term(finding)
    if term is None or finding.request is None:
        raise RuleBroken("El hallazgo no tiene un plazo requerido que prorrogar.")
    before, after = (term.extends.due_on, term.due_on) if term.extends else (term.due_on, term.due_on)
    if before is None or after is None:
        raise RuleBroken("El plazo está suspendido: levante la suspensión antes de prorrogarlo.")
    visit = finding.visit
    return Made(
        out.TermExtensionLetter(
            paper,
            requirement_number=finding.request.number,
            requirement_date=finding.request.happened_on,
            employer=employer_of(visit),
            establishment=establishment(visited(visit)),
            terms=(
                out.ExtendedTerm(
                    finding.obligation or finding.facts,
                    before,
                    in_days(term.days, term.unit),
                    after,
                    norm(finding.infraction),
                ),
            ),
            reason=c.details.reason or "…",
            signature=signing.block("Por la autoridad"),
            record_number=visit.document.number if visit.document else None,
            calendar=f"Cuenta el calendario de {paper.office}.",
        ),
        {},
    )
