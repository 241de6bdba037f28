"""The letters of inspections, filled in from their records: one builder for each kind of document."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select

from app.core import clock
from app.core.base import Choice, Session
from app.core.errors import RuleBroken
from app.documents import letters as out
from app.documents.letters import Paper
from app.models.checklists import ChecklistQuestion
from app.models.documents import Document
from app.models.followup import Term
from app.models.inspections import (
    AnswerValue,
    CopyMeans,
    Finding,
    HeadcountGroup,
    InspectionOrder,
    OrderKind,
    OrderOrigin,
    Party,
    Proposal,
    Shift,
    Verification,
    Visit,
    VisitKind,
)
from app.models.norms import Basis, Infraction, InfractionArea, Severity
from app.models.registry import Employer, Establishment
from app.models.staff import Inspector
from app.operations import files, moves, papers, terms
from app.operations.inspections import facts, questionnaire
from app.operations.moves import Context
from app.operations.papers import Made, Signing, builds
from app.operations.parameters import whole
from app.workflow import conditions
from app.workflow.definition import Phase, Unit

DGIFT = "Dirección General de Inspección y Fiscalización del Trabajo"
DGAJ = "Dirección General de Asesoría Jurídica"
DESK = "Mesa de Entrada del Ministerio o de la oficina regional"
RESULTS = {
    Verification.REMEDIED.value: "Cumplido",
    Verification.PARTLY.value: "Cumplido en parte",
    Verification.NOT_REMEDIED.value: "No cumplido",
}


# The parts that letters share


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


def employer_of(order: InspectionOrder, visit: Visit | None = None) -> out.Employer:
    """The employer of a file: of the establishment visited, else of the order."""
    if visit is not None and visit.establishment is not None:
        return employer(visit.establishment.employer)
    found = one_employer(order)
    if found is None:
        visited = next((v.establishment for v in facts.visits_of(order) if v.establishment), None)
        if visited is None:
            raise RuleBroken("La orden todavía no tiene empleador: indíquelo en la visita.")
        return employer(visited.employer)
    return found


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


# The order


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
            start_mode=said(OrderOrigin, order.origin).lower(),
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


@builds("OI-SUS", _amend_order)
def substitution_letter(c: Context, paper: Paper, signing: Signing) -> Made:
    """Sustitución o incorporación de inspectores: what changed since the last document of the team."""
    order: InspectionOrder = c.record
    return Made(
        out.TeamChangeLetter(
            paper,
            order_number=order.number,
            order_date=order_date(order),
            team=team(order),
            signature=signing.block("Por la autoridad que ordena"),
            leaving=tuple(
                out.Departure(person(each.inspector), c.details.reason) for each in c.details.leaving
            ),
            entering=tuple(person(each.inspector, each.leader) for each in c.details.entering),
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


# The actas


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


def _visited(visit: Visit) -> Establishment:
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
    place = _visited(visit)
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
            establishment=establishment(_visited(visit)),
            attempts=tuple(out.Attempt(line, "") for line in lines(visit.narrative)),
            inspectors=present(visit),
            signatures=signed,
            employer=employer(_visited(visit).employer),
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
            employer=employer(_visited(visit).employer),
            establishment=establishment(_visited(visit)),
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
            employer=employer_of(order, visit),
            establishment=establishment(_visited(visit)),
            inspectors=present(visit),
            checks=tuple(
                out.Verified(
                    f.obligation or f.facts,
                    norm(f.infraction),
                    RESULTS.get(f.verification or "", "Sin verificar"),
                    due=_due(f),
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


# The remedy


def _last_term(finding: Finding) -> Term | None:
    return Session.scalars(
        select(Term).where(Term.finding_id == finding.id).order_by(Term.id.desc()).limit(1)
    ).first()


def _due(finding: Finding) -> date | None:
    term = _last_term(finding)
    return term.due_on if term else None


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
    words, due = remedy_term(finding, c.act_date)
    receipt = next((s for s in visit.signatures if s.party == Party.EMPLOYER.value), None)
    return Made(
        out.RequirementLetter(
            paper,
            record_number=visit.document.number if visit.document else "",
            record_date=visit.happened_on or c.act_date,
            order_number=order.number,
            employer=employer_of(order, visit),
            establishment=establishment(_visited(visit)),
            requirements=(
                out.Requirement(
                    finding.obligation or finding.facts, norm(finding.infraction), words, due=None, proof=None
                ),
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
                if due is not None
                else None
            ),
            calendar=f"Cuenta el calendario de {paper.office}.",
        ),
        {},
    )


@builds("PRO")
def extension_of_remedy(c: Context, paper: Paper, signing: Signing) -> Made:
    """Prórroga del plazo de regularización."""
    finding: Finding = c.record
    term = _last_term(finding)
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
            employer=employer_of(facts.order_of(visit), visit),
            establishment=establishment(_visited(visit)),
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


# The report


def _keep_report(c: Context, document: Document) -> None:
    c.record.document_id, c.record.document = document.id, document


def _state_name(record: Finding | Visit) -> str:
    state = moves.state_of(record)
    return state.name if state else ""


def background(order: InspectionOrder, listed: str | None) -> tuple[out.Background, ...]:
    """The documents of a file that a report rests on, and what the inspector adds."""
    records = [order, *facts.visits_of(order), *facts.findings_of(order)]
    found = [document for record in records for document in reversed(papers.documents_of(record))]
    rows = [
        out.Background(document.type.title, document.number, document.happened_on)
        for document in found
        if document.status == "issued"
    ]
    return (*rows, *(out.Background(line) for line in lines(listed)))


@builds("INF-FIN", _keep_report)
def report_letter(c: Context, paper: Paper, signing: Signing) -> Made:
    """Informe final."""
    report = c.record
    order = facts.order_of(report)
    return Made(
        out.FinalReportLetter(
            paper,
            addressee=DGIFT,
            order_number=order.number,
            order_date=order_date(order),
            employer=employer_of(order),
            inspectors=team(order),
            facts=report.facts or "…",
            analysis=report.analysis or "…",
            proposal=said(Proposal, report.proposal) or "…",
            proposal_reason=report.analysis or "…",
            signatures=(signing.block("Inspector actuante"),),
            establishments=places(order),
            matters=matters(order),
            visits=tuple(
                out.VisitMade(
                    v.happened_on or v.planned_on or c.act_date,
                    said(VisitKind, v.kind),
                    _state_name(v),
                    v.document.number if v.document else None,
                )
                for v in facts.visits_of(order)
            ),
            findings=tuple(
                out.FindingState(
                    f.facts,
                    norm(f.infraction),
                    _state_name(f),
                    f.infraction.code if f.infraction else None,
                    said(Severity, f.infraction.severity) if f.infraction else None,
                    facts.affected(f) or None,
                    f.request.number if f.request else None,
                )
                for f in facts.findings_of(order)
                if f.state is not None
            ),
            background=background(order, report.background),
        ),
        {},
    )


@builds("ACT-INF")
def infraction_letter(c: Context, paper: Paper, signing: Signing) -> Made:
    """Acta de infracción: the findings destined to a sumario, with the range of their fines in jornales."""
    report = c.record
    order = facts.order_of(report)
    cited = [f for f in facts.findings_of(order) if facts.phase_of(f) is Phase.IN_CASE and f.infraction]
    if not cited:
        raise RuleBroken("Ningún hallazgo está destinado a sumario: decida los hallazgos primero.")
    charges = tuple(_charge(f) for f in cited)
    visit = cited[0].visit
    return Made(
        out.InfractionLetter(
            paper,
            order_number=order.number,
            order_date=order_date(order),
            record_number=visit.document.number if visit.document else "",
            record_date=visit.happened_on or c.act_date,
            employer=employer_of(order, visit),
            establishment=establishment(_visited(visit)),
            inspectors=team(order),
            charges=charges,
            total_from=sum(each.proposed_from for each in charges),
            total_until=sum(each.proposed_until for each in charges),
            signatures=(signing.block("Inspector actuante"),),
            report_number=report.document.number if report.document else None,
            roster_annex=any(f.roster for f in cited),
        ),
        {},
    )


def _charge(f: Finding) -> out.Charge:
    breach = f.infraction
    assert breach is not None
    count = facts.affected(f) if breach.basis == Basis.PER_WORKER.value else 1
    return out.Charge(
        f.facts,
        norm(breach),
        breach.title,
        said(Basis, breach.basis),
        breach.day_wages_min,
        breach.day_wages_max,
        breach.day_wages_min * max(count, 1),
        breach.day_wages_max * max(count, 1),
        breach.code,
        said(Severity, breach.severity),
        facts.affected(f) or None,
        f.evidence,
    )


@builds("INF-DGIF")
def review_letter(c: Context, paper: Paper, signing: Signing) -> Made:
    """Informe explicativo de la DGIFT."""
    report = c.record
    order = facts.order_of(report)
    if not report.observation:
        raise RuleBroken("Escriba el informe explicativo antes de firmarlo.", "observation")
    return Made(
        out.ReviewLetter(
            paper,
            addressee=DGAJ,
            report_number=report.document.number if report.document else "",
            report_date=report.document.happened_on if report.document else c.act_date,
            order_number=order.number,
            employer=employer_of(order),
            proposal=said(Proposal, report.proposal),
            review=report.observation,
            conclusion="El archivo no procede por las razones expuestas.",
            signature=signing.block("Por la DGIFT"),
            establishments=places(order),
            background=background(order, None),
        ),
        {},
    )


def _keep_opinion(c: Context, document: Document) -> None:
    c.record.opinion_id, c.record.opinion_document = document.id, document


@builds("DIC", _keep_opinion)
def opinion_letter(c: Context, paper: Paper, signing: Signing) -> Made:
    """Dictamen de la DGAJ."""
    report = c.record
    order = facts.order_of(report)
    if not report.opinion:
        raise RuleBroken("Escriba el dictamen antes de firmarlo.", "opinion")
    paragraphs = lines(report.opinion)
    return Made(
        out.OpinionLetter(
            paper,
            addressee="Máxima Autoridad Institucional",
            subject=f"Decisión sobre la orden de inspección {order.number}",
            history=f"Informe final {report.document.number if report.document else ''}, "
            f"que propone: {said(Proposal, report.proposal).lower()}.",
            analysis="\n".join(paragraphs[:-1]) or paragraphs[0],
            conclusion=paragraphs[-1],
            signatures=(signing.block("Por la DGAJ"),),
            employer=employer_of(order),
            establishments=places(order),
            order_number=order.number,
            report_number=report.document.number if report.document else None,
            background=background(order, None),
        ),
        {},
    )


@builds("PRV-ARC")
def ruling_letter(c: Context, paper: Paper, signing: Signing) -> Made:
    """Providencia: archive, or new actions."""
    report = c.record
    order = facts.order_of(report)
    opinion = report.opinion_document
    if opinion is None or report.document is None:
        raise RuleBroken("Faltan el informe final o el dictamen en el expediente.")
    orders_actions = bool(c.transition and c.transition.to_state.phase is Phase.IN_FIELD)
    return Made(
        out.RulingLetter(
            paper,
            order_number=order.number,
            order_date=order_date(order),
            report_number=report.document.number,
            report_date=report.document.happened_on,
            opinion_number=opinion.number,
            opinion_date=opinion.happened_on,
            grounds=report.decision or "Los antecedentes y el dictamen jurídico que anteceden.",
            employer=employer_of(order),
            signature=signing.block("Máxima Autoridad Institucional"),
            establishments=places(order),
            actions=tuple(out.OrderedAction(line) for line in lines(c.details.reason))
            if orders_actions
            else (),
            new_valid_until=order.valid_until if orders_actions else None,
        ),
        {},
    )


# The visit pack (working rule 7)


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
