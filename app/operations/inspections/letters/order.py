"""The letters of an order: the order itself, what changes it, the pack that is filled in by hand."""

from __future__ import annotations

from datetime import date

from app.core.errors import RuleBroken
from app.core.types import inside
from app.documents import letters as out
from app.documents.letters import Paper
from app.models.checklists import ChecklistQuestion
from app.models.documents import Document
from app.models.inspections import (
    InspectionOrder,
    OrderKind,
    OrderOrigin,
    Shift,
)
from app.operations import moves, papers, terms
from app.operations.inspections.letters.shared import (
    matters,
    one_employer,
    order_date,
    person,
    places,
    said,
    team,
)
from app.operations.moves import Context
from app.operations.papers import Made, Signing, builds


def _keep_order(c: Context, document: Document) -> None:
    c.record.document_id, c.record.document = document.id, document
    if c.record.replaces is not None:
        papers.amend(c.record.replaces.document, document)


@builds("OI", _keep_order)
def order_letter(c: Context, paper: Paper, signing: Signing) -> Made:
    """Orden de inspección."""
    order: InspectionOrder = c.record
    since = order.valid_from or c.act_date
    until = order.valid_until or _validity(order, c.act_date)
    return Made(
        out.OrderLetter(
            paper,
            start_mode=inside(said(OrderOrigin, order.origin)),
            kind=said(OrderKind, order.kind),
            matters=matters(order),
            inspectors=team(order),
            valid_from=since,
            valid_until=until,
            signature=signing.block("Máxima Autoridad Institucional"),
            employer=one_employer(order),
            establishments=places(order),
            zone=order.zone,
            period_from=order.period_from,
            period_until=order.period_to,
            shift=said(Shift, order.shift),
            court_authorisation=order.authorisation if order.requires_authorisation else None,
            replaces=order.replaces.number if order.replaces else None,
            instructions=order.instructions,
        ),
        {},
    )


def _validity(order: InspectionOrder, on: date) -> date:
    """Until when the order would be valid if it were signed on a day."""
    process = moves.process_of(order)
    opened = [
        code
        for step in process.moves_from(order.state or "")
        if "OI" in step.letters
        for code in step.opens_terms
    ]
    due = terms.opening(order, process.term(opened[0]), on).due if opened else None
    return due or on


def _amend_order(c: Context, document: Document) -> None:
    papers.amend(c.record.document, document)


def _keep_substitution(c: Context, document: Document) -> None:
    if c.details.content is None:
        raise RuleBroken("Elija el equipo en «Sustituir o agregar inspectores»: el documento lo nombra.")
    _amend_order(c, document)


@builds("OI-SUS", _keep_substitution)
def substitution_letter(c: Context, paper: Paper, signing: Signing) -> Made:
    """Sustitución o incorporación de inspectores: what changed since the last document of the team."""
    order: InspectionOrder = c.record
    change = c.details.content
    people = change.standing if change else [each.inspector for each in order.designated]
    return Made(
        out.TeamChangeLetter(
            paper,
            order_number=order.number,
            order_date=order_date(order),
            team=tuple(person(each, leader=number == 0) for number, each in enumerate(people)),
            signature=signing.block("Por la autoridad que ordena"),
            leaving=tuple(
                out.Departure(person(each), c.details.reason) for each in (change.leaving if change else ())
            ),
            entering=tuple(
                person(each, leader=each == people[0]) for each in (change.entering if change else ())
            ),
            effective_from=c.act_date,
            reason=c.details.reason,
            employer=one_employer(order),
            establishments=places(order),
            zone=order.zone,
        ),
        {},
    )


@builds("OI-PRO", _amend_order)
def extension_letter(c: Context, paper: Paper, signing: Signing) -> Made:
    """Prórroga de la vigencia de la orden."""
    order: InspectionOrder = c.record
    running = terms.running(order)
    if running is None or order.valid_from is None:
        raise RuleBroken("No hay vigencia en curso que prorrogar.")
    before: date | None
    after: date | None
    if c.transition is not None and running.extends is not None:  # extended by this very act
        before, after = running.extends.due_on, running.due_on
    else:
        kind = moves.process_of(order).term(running.type_code)
        before, after = running.due_on, terms.extension(order, kind, c.act_date).due
    if before is None or after is None:
        raise RuleBroken("El plazo está suspendido: levante la suspensión antes de prorrogarlo.")
    return Made(
        out.OrderExtensionLetter(
            paper,
            order_number=order.number,
            order_date=order_date(order),
            valid_from=order.valid_from,
            valid_until=before,
            new_until=after,
            reason=c.details.reason or "…",
            signature=signing.block("Por la autoridad que ordena"),
            inspectors=team(order),
            employer=one_employer(order),
            establishments=places(order),
            zone=order.zone,
        ),
        {},
    )


def pack(order: InspectionOrder) -> out.VisitPack:
    """The blank acta and checklists of an order, to fill in by hand."""
    if order.document is None or order.valid_until is None:
        raise RuleBroken("La carpeta de visita se imprime de una orden firmada.")
    paper = papers.paper_of(order, order.document)
    checklists: list[out.PackChecklist] = []
    for row in order.checklists:
        version = row.checklist_version
        checklists.append(
            out.PackChecklist(
                version.checklist_code,
                version.checklist.title,
                str(version.number),
                tuple(
                    out.PackSection(
                        section.title, tuple(_pack_question(question) for question in section.questions)
                    )
                    for section in version.sections
                ),
            )
        )
    return out.VisitPack(
        paper,
        kind=said(OrderKind, order.kind),
        matters=matters(order),
        inspectors=team(order),
        valid_until=order.valid_until,
        checklists=tuple(checklists),
        employer=one_employer(order),
        establishments=places(order),
        zone=order.zone,
        shift=said(Shift, order.shift),
        period_from=order.period_from,
        period_until=order.period_to,
    )


def _pack_question(question: ChecklistQuestion) -> out.PackQuestion:
    proofs = {"photo": "Fotografía", "document": "Documento"}
    return out.PackQuestion(
        question.code,
        question.text,
        proofs.get(question.evidence),
        question.help if question.show_if else None,
    )


def pack_pdf(order: InspectionOrder) -> bytes:
    """The visit pack as PDF."""
    return papers.sheet_pdf("visit_pack", pack(order), order.document)
