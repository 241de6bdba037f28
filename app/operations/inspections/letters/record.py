"""The records of visits (actas)."""

from __future__ import annotations

from datetime import datetime

from app.core import clock
from app.core.errors import RuleBroken
from app.documents import letters as out
from app.documents.letters import Paper
from app.models.inspections import (
    AnswerValue,
    CopyMeans,
    Finding,
    HeadcountGroup,
    Party,
    Visit,
    VisitKind,
)
from app.models.norms import Severity
from app.models.registry import Establishment
from app.operations import files
from app.operations.inspections import facts, questionnaire
from app.operations.inspections.letters.shared import (
    RESULTS,
    due_of,
    employer,
    employer_of,
    establishment,
    lines,
    norm,
    order_date,
    person,
    requested_due,
    said,
)
from app.operations.moves import Context
from app.operations.papers import Made, Signing, builds


def signatures(visit: Visit) -> tuple[tuple[out.Signature, ...], dict[str, bytes]]:
    """The signatures gathered on a visit, and the drawn ones as images."""
    found: list[out.Signature] = []
    images: dict[str, bytes] = {}
    for row in visit.inspectors:
        image = None
        if row.signature_file is not None:
            image = f"inspector-{row.inspector_id}"
            images[image] = files.read(row.signature_file)
        found.append(
            out.Signature(
                row.inspector.full_name,
                "Inspector actuante",
                identity=row.inspector.document,
                image=image,
                signed_at=row.signed_at if image is None else None,
                absent=None if row.present else row.absence_reason,
            )
        )
    for signature in visit.signatures:
        image = None
        if signature.signature_file is not None:
            image = f"party-{signature.id}"
            images[image] = files.read(signature.signature_file)
        found.append(
            out.Signature(
                signature.name,
                said(Party, signature.party),
                signature.post,
                signature.document_number,
                image=image,
                refused=signature.refusal,
            )
        )
    return tuple(found), images


def photos(visit: Visit) -> tuple[tuple[out.Photo, ...], dict[str, bytes]]:
    """The photographs of a visit that were not withdrawn."""
    found: list[out.Photo] = []
    images: dict[str, bytes] = {}
    for file in visit.files:
        if file.withdrawn_reason is None and file.file.content_type.startswith("image/"):
            name = f"photo-{file.id}"
            images[name] = files.read(file.file)
            found.append(out.Photo(name, file.caption, file.sha256_original, file.taken_at))
    return tuple(found), images


def position(visit: Visit) -> str | None:
    """The point of the visit, as it is printed."""
    if visit.latitude is None or visit.longitude is None:
        return None
    accuracy = f" (± {visit.accuracy} m)" if visit.accuracy else ""
    return f"{visit.latitude:.5f}, {visit.longitude:.5f}{accuracy}"


def present(visit: Visit) -> tuple[out.Person, ...]:
    """The inspectors who were there, the leader first."""
    order = facts.order_of(visit)
    leaders = {each.inspector_id for each in order.designated if each.leader}
    rows = [row for row in visit.inspectors if row.present]
    return tuple(
        person(row.inspector, row.inspector_id in leaders)
        for row in sorted(rows, key=lambda row: row.inspector_id not in leaders)
    )


def visited(visit: Visit) -> Establishment:
    """The establishment of a visit. Raises RuleBroken while it has none."""
    if visit.establishment is None:
        raise RuleBroken("Indique el establecimiento visitado.", "establishment_id")
    return visit.establishment


def _started(visit: Visit) -> datetime:
    return visit.started_at or clock.now()


def _late(c: Context) -> str | None:
    if c.act_date >= clock.today() or c.details.captured or c.record.captured_on_device:
        return None
    return c.details.late_reason or None


@builds("ACT-INS")
def record_letter(c: Context, paper: Paper, signing: Signing) -> Made:
    """Acta de inspección."""
    visit: Visit = c.record
    order = facts.order_of(visit)
    place = visited(visit)
    signed, drawn = signatures(visit)
    pictures, images = photos(visit)
    counts = {row.group_code: row for row in visit.headcounts}
    attendant = (
        out.Person(visit.attended_by, visit.attended_document, visit.attended_post)
        if visit.attended_by
        else None
    )
    return Made(
        out.RecordLetter(
            paper,
            order_number=order.number,
            order_date=order_date(order),
            visit_kind=said(VisitKind, visit.kind),
            started_at=_started(visit),
            ended_at=visit.ended_at,
            employer=employer(place.employer),
            establishment=establishment(place),
            inspectors=present(visit),
            signatures=signed,
            position=position(visit),
            attended_by=attendant,
            workers_representative=(
                out.Person(visit.workers_representative) if visit.workers_representative else None
            ),
            headcounts=tuple(
                out.Headcount(
                    group.label,
                    counts[group.value].men,
                    counts[group.value].women,
                    counts[group.value].men + counts[group.value].women,
                )
                for group in HeadcountGroup
                if group.value in counts
            ),
            documents_seen=lines(visit.documents_seen),
            documents_requested=lines(visit.documents_requested),
            documents_due=requested_due(visit),
            answers=tuple(
                out.Answer(one.question.text, said(AnswerValue, one.answer.value), one.answer.note)
                for group in questionnaire.groups(visit)
                for one in group.asked
                if one.answer is not None
            ),
            findings=tuple(_finding(each) for each in prepared(visit)),
            narrative=visit.narrative,
            employer_statement=visit.employer_statement,
            workers_statement=visit.workers_statement,
            photos=pictures,
            copy_means=said(CopyMeans, visit.copy_means) or None,
            entered_late=_late(c),
        ),
        {**images, **drawn},
    )


def prepared(visit: Visit) -> list[Finding]:
    """The findings that an acta states: those confirmed for it, withdrawn ones apart."""
    return [each for each in visit.findings if each.confirmed and each.state != "ANULADO"]


def _finding(row: Finding) -> out.Finding:
    return out.Finding(
        row.facts,
        norm(row.infraction),
        said(Severity, row.infraction.severity) if row.infraction else None,
        facts.affected(row) or None,
        row.infraction.code if row.infraction else None,
        row.evidence,
    )


@builds("ACT-NEG")
def failed_visit_letter(c: Context, paper: Paper, signing: Signing) -> Made:
    """Acta negativa: what was tried and what came of it, from the narrative."""
    visit: Visit = c.record
    order = facts.order_of(visit)
    signed, drawn = signatures(visit)
    pictures, images = photos(visit)
    return Made(
        out.FailedVisitLetter(
            paper,
            order_number=order.number,
            order_date=order_date(order),
            started_at=_started(visit),
            ended_at=visit.ended_at,
            cause=c.details.reason or "…",
            establishment=establishment(visited(visit)),
            attempts=tuple(out.Attempt(line, "") for line in lines(visit.narrative)),
            inspectors=present(visit),
            signatures=signed,
            employer=employer(visited(visit).employer),
            position=position(visit),
            photos=pictures,
            entered_late=_late(c),
        ),
        {**images, **drawn},
    )


@builds("ACT-OBS")
def obstruction_letter(c: Context, paper: Paper, signing: Signing) -> Made:
    """Acta de obstrucción."""
    visit: Visit = c.record
    order = facts.order_of(visit)
    signed, drawn = signatures(visit)
    pictures, images = photos(visit)
    who = out.Person(
        visit.attended_by or "Persona no identificada", visit.attended_document, visit.attended_post
    )
    witnesses = tuple(
        out.Person(row.name, row.document_number)
        for row in visit.signatures
        if row.party == Party.WITNESS.value
    )
    return Made(
        out.ObstructionLetter(
            paper,
            order_number=order.number,
            order_date=order_date(order),
            started_at=_started(visit),
            ended_at=visit.ended_at,
            form=c.details.reason or "…",
            facts=visit.narrative or "…",
            obstructors=(who,),
            employer=employer(visited(visit).employer),
            establishment=establishment(visited(visit)),
            inspectors=present(visit),
            signatures=signed,
            norms=tuple(dict.fromkeys(norm(f.infraction) for f in prepared(visit) if f.infraction)),
            witnesses=witnesses,
            statement=visit.employer_statement,
            position=position(visit),
            photos=pictures,
            entered_late=_late(c),
        ),
        {**images, **drawn},
    )


@builds("ACT-VER")
def verification_letter(c: Context, paper: Paper, signing: Signing) -> Made:
    """Acta de verificación: each requirement of the order and whether it was met."""
    visit: Visit = c.record
    order = facts.order_of(visit)
    signed, drawn = signatures(visit)
    required = [f for f in facts.findings_of(order) if f.request is not None]
    if not required:
        raise RuleBroken("No hay requerimientos que verificar en esta orden.")
    pictures, images = photos(visit)
    first = required[0]
    assert first.request is not None
    return Made(
        out.VerificationLetter(
            paper,
            requirement_number=first.request.number,
            requirement_date=first.request.happened_on,
            record_number=first.visit.document.number if first.visit.document else "",
            order_number=order.number,
            order_date=order_date(order),
            started_at=_started(visit),
            ended_at=visit.ended_at,
            way="Documental" if visit.kind == VisitKind.DOCUMENTARY.value else "En el establecimiento",
            employer=employer_of(visit),
            establishment=establishment(visited(visit)),
            inspectors=present(visit),
            checks=tuple(
                out.Verified(
                    f.obligation or f.facts,
                    norm(f.infraction),
                    RESULTS.get(f.verification or "", "Sin verificar"),
                    due=due_of(f),
                    remark=f.verification_note,
                )
                for f in required
            ),
            signatures=signed,
            attended_by=(
                out.Person(visit.attended_by, visit.attended_document, visit.attended_post)
                if visit.attended_by
                else None
            ),
            position=position(visit),
            documents_seen=lines(visit.documents_seen),
            narrative=visit.narrative,
            employer_statement=visit.employer_statement,
            photos=pictures,
            entered_late=_late(c),
        ),
        {**images, **drawn},
    )


@builds("ACT-COM")
def correction_letter(c: Context, paper: Paper, signing: Signing) -> Made:
    """Acta complementaria."""
    visit: Visit = c.record
    order = facts.order_of(visit)
    content = c.details.content
    if content is None or visit.document is None:
        raise RuleBroken("Escriba las correcciones antes de firmarlas.")
    images = {"receipt": content.drawing} if content.drawing else {}
    receipt = out.Signature(
        content.receipt.name,
        said(Party, Party.EMPLOYER.value),
        content.receipt.post,
        image="receipt" if content.drawing else None,
        refused=content.receipt.refusal,
    )
    return Made(
        out.CorrectionLetter(
            paper,
            record_kind=visit.document.type.title,
            record_number=visit.document.number,
            record_date=visit.document.happened_on,
            order_number=order.number,
            corrections=tuple(
                out.Correction(one.part, one.reason, one.says, one.should_say) for one in content.corrections
            ),
            employer=employer(visited(visit).employer),
            establishment=establishment(visited(visit)),
            inspectors=present(visit),
            signatures=(signing.block("Inspector actuante"), receipt),
        ),
        images,
    )
