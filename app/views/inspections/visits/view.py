"""The pages of a visit: its list, the visit itself, the start, who received it, workers, texts."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, g, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from app.core import clock
from app.core.base import Session
from app.core.errors import DomainError, RuleBroken
from app.models.documents import Document
from app.models.followup import RecordDocument
from app.models.inspections import HeadcountGroup, InspectionOrder, Visit, VisitKind
from app.models.registry import Establishment
from app.operations import attachments, moves, papers
from app.operations.inspections import facts, findings, interviews, questionnaire, visits
from app.operations.moves import Details
from app.views.base import explain, valid
from app.views.exports import keys
from app.views.inspections.searched import HINT, by_days, by_place, found, in_phase
from app.views.inspections.shown import mark, page_of, validity
from app.views.inspections.steps import held_moves, pdf
from app.views.inspections.visits import progress
from app.views.inspections.visits.forms import (
    CopyForm,
    DataForm,
    PaperForm,
    StartForm,
    StatementsForm,
    TextsForm,
    counts,
    hour_of,
    moment_of,
)
from app.views.inspections.visits.interviews import InterviewPages
from app.views.inspections.visits.questions import QuestionPages
from app.views.inspections.visits.signing import SigningPages
from app.views.lists import Column, Listing, ListView, of_office
from app.workflow.definition import Phase

PHASES = [
    (Phase.PLANNED.value, "Programadas"),
    (Phase.IN_FIELD.value, "En curso"),
    (Phase.CLOSED.value, "Cerradas"),
    (Phase.SUSPENDED.value, "Suspendidas"),
]
CORRECTION = "ACT-COM"


VISITS = Listing(
    kind=Visit,
    title="Visitas",
    columns=(
        Column("visita", "Visita", str, sort=Visit.id),
        Column(
            "empleador",
            "Empleador",
            lambda row: row.establishment and row.establishment.employer.legal_name,
            wide=True,
        ),
        Column("lugar", "Lugar", lambda row: row.establishment and str(row.establishment), wide=True),
        Column(
            "fecha",
            "Fecha",
            lambda row: row.happened_on or row.planned_on,
            sort=func.coalesce(Visit.happened_on, Visit.planned_on),
        ),
        Column("estado", "Estado", mark),
        Column("oficina", "Oficina", lambda row: row.office.code, sort=Visit.office_id, tight=True),
    ),
    filters=(
        in_phase(Visit, "phase", "Estado", PHASES),
        of_office(Visit, "office"),
        *by_days(Visit),
        *by_place(Visit),
    ),
    search=found(Visit),
    hint=HINT,
    load=(
        joinedload(Visit.order).joinedload(InspectionOrder.document),
        joinedload(Visit.establishment).joinedload(Establishment.employer),
        joinedload(Visit.office),
    ),
    order="-visita",
    page=page_of,
    keys=keys(Visit),
    empty="Todavía no hay visitas a su alcance: se programan en la página de una orden emitida.",
)


class VisitView(ListView, QuestionPages, SigningPages, InterviewPages):
    """Visits."""

    route_base = "/visitas"
    class_permission_name = "Visit"

    listed = VISITS

    @expose("/")
    @has_access
    def list(self) -> Any:
        """The visits within one's scope, the newest first."""
        return self.drawn()

    @expose("/<int:pk>")
    @has_access
    @permission_name("show")
    def show(self, pk: int) -> Any:
        """A visit: what to do next, or what was signed."""
        visit, paper = self.opened(pk)
        under_way = progress.open_now(visit)
        groups = questionnaire.groups(visit) if visit.order_id is not None else []
        history = moves.history([visit])
        offers = [] if under_way else moves.offers(visit)
        records = Session.scalars(
            select(RecordDocument)
            .where(RecordDocument.visit_id == visit.id)
            .options(joinedload(RecordDocument.document).joinedload(Document.type))
            .order_by(RecordDocument.id.desc())
        ).all()
        return self.render_template(
            "inspections/visit_show.html",
            visit=visit,
            paper=paper,
            title=f"Visita {visit.number}",
            mark=mark(visit),
            groups=groups,
            steps=progress.steps(visit, groups, paper is not None) if under_way else [],
            planned=progress.phase_of(visit) is Phase.PLANNED,
            offers=offers,
            documents=[row.document for row in records],
            log=history,
            held=held_moves([visit]) if visit.held else [],
            headcount_groups=list(HeadcountGroup),
            copy=CopyForm(copy_means=visit.copy_means),
            kind=next(each.label for each in VisitKind if each.value == visit.kind),
            hours=_hours(visit),
            validity=validity(visit.order) if visit.order else "",
            carried_out=visit.order_id is None or facts.act_type(visit) in facts.DONE_ACTS,
            marks={row.id: mark(row) for row in visit.findings if row.state},
            order_url=(
                url_for("OrderView.show", pk=visit.order_id)
                if visit.order_id and "OrderView.show" in current_app.view_functions
                else None
            ),
            may_edit=self.appbuilder.sm.has_access("can_edit", "Visit"),
            may_require=_may_require(visit),
            corrected=any(row.document.type_code == CORRECTION for row in records),
            waits_for_me=self.waits_for_me(visit),
            reads_interviews=visit.order_id is not None and interviews.may_read(visit),
        )

    @expose("/<int:pk>/inicio", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def start(self, pk: int) -> Any:
        """The door: moment, point, establishment."""
        visit = progress.load(pk, places=True)
        if progress.phase_of(visit) is not Phase.PLANNED:
            return redirect(page_of(visit))
        form = StartForm()
        form.offer(visit)
        if request.method == "POST" and valid(form):
            try:
                given = {**form.point(), **form.place()}
                at = moment_of(clock.today(), form.started.data)
                visits.start(visit, Details(), {**given, "started_at": at or clock.now()})
            except DomainError as error:
                _refused(form, error)
                visit = self.again(visit)
            else:
                return redirect(progress.address(visit, "datos"))
        elif request.method == "GET":
            form.started.data = hour_of(clock.now())
            if "establishment_id" in form:
                form.establishment_id.process_data(visit.establishment_id)
        return self.render_template(
            "inspections/visit_start.html",
            visit=visit,
            form=form,
            title="Iniciar la visita",
            mark=mark(visit),
            offer=_start_offer(visit),
        )

    @expose("/<int:pk>/transcribir", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def transcribe(self, pk: int) -> Any:
        """Begin to type in the pack that was filled in by hand (working rule 7)."""
        visit = progress.load(pk, places=True)
        if progress.phase_of(visit) is not Phase.PLANNED:
            return redirect(page_of(visit))
        form = PaperForm()
        form.offer(visit)
        if request.method == "POST" and valid(form):
            try:
                upload = form.scan.data
                content = upload.read() if upload else b""
                if not content:
                    raise RuleBroken("Adjunte el escaneo de la carpeta firmada.", "scan")
                happened = form.happened_on.data
                if happened > clock.today():
                    raise RuleBroken("La fecha de la visita está en el futuro.", "happened_on")
                if happened < clock.today() and not form.late_reason.data:
                    raise RuleBroken("Escriba por qué se carga después.", "late_reason")
                at = moment_of(happened, form.started.data)
                if at is None:
                    raise RuleBroken("Escriba la hora de inicio que dice el papel.", "started")
                details = Details(
                    happened_on=happened,
                    late_reason=form.late_reason.data or "",
                    scan_id=attachments.receive(content, "scan").file.id,
                )
                visits.start(visit, details, {**form.point(), **form.place(), "started_at": at})
            except DomainError as error:
                _refused(form, error)
                visit = self.again(visit)
            else:
                return redirect(progress.address(visit, "datos"))
        elif request.method == "GET" and "establishment_id" in form:
            form.establishment_id.process_data(visit.establishment_id)
        return self.render_template(
            "inspections/visit_transcribe.html",
            visit=visit,
            form=form,
            title="Transcribir la carpeta de visita",
            mark=mark(visit),
            offer=_start_offer(visit),
        )

    @expose("/<int:pk>/datos", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def datos(self, pk: int) -> Any:
        """Who received the inspectors, where, and what kind of work it is."""
        visit, paper = self.opened(pk, places=True)
        if not progress.open_now(visit) and request.method == "GET":
            return self.elsewhere(visit)
        form = DataForm(obj=visit)
        form.offer(visit)
        if request.method == "POST" and valid(form):
            try:
                visits.write(visit, _data(form, visit))
            except DomainError as error:
                _refused(form, error)
                visit = self.again(visit)
            else:
                return self._saved(visit, "datos", paper)
        elif request.method == "GET":
            form.started.data, form.ended.data = hour_of(visit.started_at), hour_of(visit.ended_at)
        return self.step("data", visit, "datos", paper, form=form)

    @expose("/<int:pk>/trabajadores", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def trabajadores(self, pk: int) -> Any:
        """How many workers there are, by group."""
        visit, paper = self.opened(pk)
        if not progress.open_now(visit) and request.method == "GET":
            return self.elsewhere(visit)
        typed: dict[str, Any] = {}
        for row in visit.headcounts:
            typed |= {f"men-{row.group_code}": row.men, f"women-{row.group_code}": row.women}
        errors: dict[str, str] = {}
        if request.method == "POST":
            typed = request.form.to_dict()
            try:
                visits.count(visit, counts(request.form))
            except RuleBroken as error:
                if error.field and error.field.startswith("count-"):
                    errors[error.field.removeprefix("count-")] = error.message
                    g.sis_status = 422
                else:
                    self.told(visit, error)
                visit = self.again(visit)
            else:
                return self._saved(visit, "trabajadores", paper)
        kinds = list(HeadcountGroup)
        return self.step("workers", visit, "trabajadores", paper, kinds=kinds, typed=typed, errors=errors)

    @expose("/<int:pk>/relato", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def relato(self, pk: int) -> Any:
        """Documents and narrative."""
        return self._texts(pk, "relato", TextsForm)

    @expose("/<int:pk>/manifestaciones", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def manifestaciones(self, pk: int) -> Any:
        """What the parties said."""
        return self._texts(pk, "manifestaciones", StatementsForm)

    def _texts(self, pk: int, code: str, kind: type[Any]) -> Any:
        visit, paper = self.opened(pk)
        if not progress.open_now(visit) and request.method == "GET":
            return self.elsewhere(visit)
        form = kind(obj=visit)
        if request.method == "POST" and valid(form):
            try:
                values = {name: field.data for name, field in form._fields.items() if name != "csrf_token"}
                visits.write(visit, values)
            except DomainError as error:
                _refused(form, error)
                visit = self.again(visit)
            else:
                return self._saved(visit, code, paper)
        return self.step("texts", visit, code, paper, form=form)

    @expose("/<int:pk>/borrador")
    @has_access
    @permission_name("show")
    def borrador(self, pk: int) -> Any:
        """The acta as it would be signed now."""
        visit = progress.load(pk)
        if not progress.open_now(visit):
            return self.elsewhere(visit)
        letter = "ACT-VER" if visit.kind == "VERIFICACION" else "ACT-INS"
        return pdf(papers.draft(visit, letter), f"Borrador {letter}.pdf")

    def _saved(self, visit: Visit, code: str, paper: Any) -> Any:
        """After a step is kept: the next one, or back to the visit."""
        if request.form.get("go") == "visit":
            flash("Guardado.", "success")
            return redirect(page_of(visit))
        return redirect(progress.following(visit, code, paper is not None))


def _refused(form: Any, error: DomainError) -> None:
    """The reason at its field; the operations name moments, the form asks hours."""
    if isinstance(error, RuleBroken):
        error.field = {"started_at": "started", "ended_at": "ended"}.get(error.field or "", error.field)
    explain(form, error)


def _data(form: DataForm, visit: Visit) -> dict[str, Any]:
    names = ("attended_by", "attended_document", "attended_post", "workers_representative")
    values = {name: form[name].data for name in (*names, "work_domain", "live_in", "unhealthy_work")}
    day = visit.happened_on or clock.today()
    started = visit.started_at
    if form.started.data is not None and form.started.data != hour_of(started):
        started = moment_of(day, form.started.data)
    values |= {**form.point(), **form.place(), "started_at": started}
    values["ended_at"] = moment_of(day, form.ended.data)
    return values


def _may_require(visit: Visit) -> bool:
    """Whether the present person may ask the employer to put right what the acta states."""
    if visit.document_id is None:
        return False
    first = next(
        (
            row
            for row in visit.findings
            if row.state is not None and row.infraction is not None and row.infraction.remediable
            if moves.process_of(row).state(row.state).phase is Phase.IN_FIELD
        ),
        None,
    )
    return first is not None and any(findings.REQUEST in o.move.letters for o in moves.offers(first))


def _hours(visit: Visit) -> str:
    """From when to when, as the page shows it."""
    times = [f"{each:%H:%M}" for each in (hour_of(visit.started_at), hour_of(visit.ended_at)) if each]
    return " a ".join(times)


def _start_offer(visit: Visit) -> Any:
    """The move that begins a visit, with what stands in its way."""
    process = moves.process_of(visit)
    return next(
        (o for o in moves.offers(visit) if process.state(o.move.to_state).phase is Phase.IN_FIELD), None
    )
