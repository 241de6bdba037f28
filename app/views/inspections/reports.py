"""Final reports: their list, their page, and the form of the parts that each person writes in his turn."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms import RadioField, TextAreaField
from wtforms.validators import Length, Optional

from app.core.base import Session
from app.core.errors import DomainError, Missing, NotAllowed
from app.core.types import inside
from app.models.followup import Term
from app.models.inspections import FinalReport, InspectionOrder, OrderEstablishment, OrderInspector, Proposal
from app.models.registry import Establishment
from app.operations import moves, papers, procedures
from app.operations.inspections import facts, reports
from app.views.base import explain, valid
from app.views.exports import keys
from app.views.history import history_of
from app.views.inspections.outlook import outlook
from app.views.inspections.searched import HINT, by_place, found
from app.views.inspections.shown import Mark, mark, page_of, place_of, term_mark
from app.views.inspections.steps import held_of
from app.views.lists import Column, Listing, ListView, OneOf, Yes, of_office, options
from app.views.widgets import text_or_none

LONGEST = 100_000
"""Characters of one part: about forty printed pages."""

PARTS = ("facts", "analysis", "background", "observation", "opinion", "decision")
"""The texts of a report, in the order in which they are written."""


def _text(name: str, help: str, rows: int = 8) -> TextAreaField:
    label = FinalReport.__table__.c[name].info["label"]
    checks = [
        Optional(),
        Length(max=LONGEST, message="El texto es demasiado largo: pase una parte a un anexo."),
    ]
    return TextAreaField(
        label,
        checks,
        filters=[text_or_none],
        description=help,
        render_kw={"rows": rows, "maxlength": LONGEST},
    )


class ReportForm(FlaskForm):
    """Every part of a report; those that the present person does not write now are taken out."""

    facts = _text("facts", "Qué se constató, en qué visitas y cómo respondió la parte empleadora.", 12)
    analysis = _text("analysis", "Qué normas alcanzan a los hechos y por qué se propone lo que sigue.", 10)
    background = _text("background", "Uno por línea. Los documentos del expediente se agregan solos.", 4)
    proposal = RadioField(
        "Propuesta",
        choices=[(each.value, each.label) for each in Proposal],
        validate_choice=False,
        filters=[text_or_none],
    )
    observation = _text("observation", "Por qué no procede el archivo. Se remite a la DGAJ con el informe.")
    opinion = _text("opinion", "El último párrafo es la conclusión.", 12)
    decision = _text("decision", "Fundamentos de la providencia. Vacío: los antecedentes y el dictamen.", 5)


def _states() -> list[tuple[str, str]]:
    """The states of reports in every version, by their order; a code that repeats is shown once."""
    return [*procedures.state_names(FinalReport.process).items()]


def _said(proposal: str | None) -> str:
    return next((each.label for each in Proposal if each.value == proposal), "")


def _marks(report: FinalReport) -> tuple[Mark, ...]:
    held = (Mark("Acto retenido", "sis-state-late"),) if report.held else ()
    return (mark(report), *held)


REPORTS = Listing(
    kind=FinalReport,
    title="Informes finales",
    columns=(
        Column(
            "informe",
            "Informe de la orden",
            lambda row: row.order.number if row.order else str(row),
            sort=FinalReport.id,
        ),
        Column("lugar", "Empleador y lugar", lambda row: place_of(row.order), wide=True),
        Column("estado", "Estado", _marks),
        Column("propuesta", "Propuesta", lambda row: _said(row.proposal)),
        Column("oficina", "Oficina", lambda row: row.office.code, sort=FinalReport.office_id, tight=True),
        Column("retenido", "Acto retenido", lambda row: row.held, shown=False),
    ),
    filters=(
        OneOf(
            "estado",
            "Estado",
            lambda query, value: query.where(FinalReport.state == value),
            choices=_states,
            main=True,
        ),
        OneOf(
            "propuesta",
            "Propuesta",
            lambda query, value: query.where(FinalReport.proposal == value),
            choices=options(Proposal),
            every="Todas",
            main=True,
        ),
        of_office(FinalReport),
        *by_place(FinalReport),
        Yes("retenidos", "Con un acto retenido", lambda query, _: query.where(FinalReport.held)),
    ),
    search=found(FinalReport),
    hint=HINT,
    load=(
        joinedload(FinalReport.office),
        joinedload(FinalReport.order).joinedload(InspectionOrder.document),
        joinedload(FinalReport.order)
        .selectinload(InspectionOrder.places)
        .joinedload(OrderEstablishment.establishment)
        .joinedload(Establishment.employer),
    ),
    order="-informe",
    page=page_of,
    keys=keys(FinalReport),
    empty="Todavía no hay informes a su alcance: se abren cuando una orden se declara ejecutada.",
)


class ReportView(ListView, BaseView):
    """Final reports and their circuit to archive, sumario or new actions (Res. MTESS 398/2025)."""

    route_base = "/informes"
    class_permission_name = "FinalReport"
    default_view = "list"
    listed = REPORTS

    @expose("/<int:pk>")
    @has_access
    @permission_name("show")
    def show(self, pk: int) -> Any:
        """The report: its texts, where it stands, its terms, documents and steps."""
        report = _report(pk)
        order = facts.order_of(report)
        running = Session.scalars(
            select(Term)
            .where(Term.report_id == report.id)
            .options(joinedload(Term.type))
            .order_by(Term.id.desc())
        ).all()
        may_write = reports.may_write(report) if self._may("can_edit") else frozenset()
        log, offers = moves.history([report]), moves.offers(report)
        return self.render_template(
            "inspections/report.html",
            title=str(report),
            report=report,
            order=order,
            mark=mark(report),
            offers=offers,
            outlook=outlook(report, running, log, offers),
            leader=next((each.inspector.full_name for each in order.designated if each.leader), ""),
            parts_=[(name, _label(name), getattr(report, name), name in may_write) for name in PARTS],
            proposal=_said(report.proposal),
            may_write=may_write,
            terms=[(term, term_mark(term)) for term in running],
            documents=papers.documents_of(report),
            file=_file(order),
            log=log,
            decided=(state := moves.state_of(report)) is not None and state.final,
            held=held_of(log),
            may_review=self._may("can_review", "Step"),
            history=history_of(FinalReport, report.id),
        )

    @expose("/<int:pk>/escribir", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def write(self, pk: int) -> Any:
        """Write the parts that are the present person's to write now."""
        report = _report(pk)
        allowed = reports.may_write(report)
        if not allowed:
            raise NotAllowed("En este estado el informe no se escribe, o lo escribe otra persona.")
        form = ReportForm(obj=report if request.method == "GET" else None)
        for name in [*form._fields]:
            if name != "csrf_token" and name not in allowed:
                delattr(form, name)
        if request.method == "POST" and valid(form):
            sent = request.form.get("_version", "")
            good = sent.isascii() and sent.isdigit() and len(sent) < 10
            try:
                reports.write(report, _values(form), int(sent) if good else -1)
            except DomainError as error:
                explain(form, error)
            else:
                flash("Informe final: se guardó lo escrito.", "success")
                return redirect(page_of(report))
        order = facts.order_of(report)
        return self.render_template(
            "inspections/report_form.html",
            title=f"Escribir: {report}",
            report=report,
            form=form,
            mark=mark(report),
            version=request.form.get("_version") or report.version,
            file=_file(order),
            back=page_of(report),
            sole=inside(_label(next(iter(allowed)))) if len(allowed) == 1 else "",
        )

    def _may(self, permission: str, resource: str = "FinalReport") -> bool:
        return bool(self.appbuilder.sm.has_access(permission, resource))


def _report(pk: int) -> FinalReport:
    load = (
        joinedload(FinalReport.office),
        joinedload(FinalReport.document),
        joinedload(FinalReport.order).joinedload(InspectionOrder.document),
        joinedload(FinalReport.order).selectinload(InspectionOrder.places),
        joinedload(FinalReport.order).selectinload(InspectionOrder.team).joinedload(OrderInspector.inspector),
    )
    if pk >= 2**31:
        raise Missing()
    found = Session.scalars(select(FinalReport).where(FinalReport.id == pk).options(*load)).unique().first()
    if found is None:
        raise Missing()
    return found


def _file(order: InspectionOrder) -> dict[str, Any]:
    """What the report is about, beside it: the visits and the findings, with their states."""
    return {
        "order": order,
        "order_mark": mark(order),
        "visits": [(visit, mark(visit)) for visit in facts.visits_of(order)],
        "findings": [(each, mark(each)) for each in facts.findings_of(order) if each.state is not None],
    }


def _values(form: ReportForm) -> dict[str, Any]:
    return {name: field.data for name, field in form._fields.items() if name != "csrf_token"}


def _label(name: str) -> str:
    label: str = FinalReport.__table__.c[name].info["label"]
    return label
