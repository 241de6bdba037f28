"""Screens of the people of the procedure: inspectors, brigades, absences, conflicts, posts, delegations."""

from typing import Any

from flask import g, redirect, request, url_for
from flask_appbuilder.models.filters import BaseFilter
from sqlalchemy import exists, or_, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response
from wtforms.validators import InputRequired

from app.core.base import Model, Session
from app.models.documents import DocumentType
from app.models.inspections import ConflictOfInterest, InspectionOrder, OrderInspector, Visit, VisitInspector
from app.models.procedures import ProcedureState
from app.models.staff import Absence, Brigade, Delegation, Inspector, Post, PostHolder
from app.operations import conflicts, moves, records
from app.security.principal import current
from app.security.roles import Role
from app.security.scope import may_write
from app.views.base import RegistryView
from app.views.references import ReferenceField
from app.views.widgets import ChoiceField, text_or_none
from app.workflow.definition import Phase

SUBSTITUTION = "OI-SUS"


class InspectorView(RegistryView):
    """The inspectors."""

    kind = Inspector
    route_base = "/inspectores"
    list_columns = ["code", "last_name", "first_name", "office", "specialty", "active_to"]
    search_columns = ["code", "last_name", "first_name", "specialty"]
    form_sections = {
        "Persona": ["code", "first_name", "last_name", "document", "sex"],
        "Trabajo": ["office_id", "account_id", "specialty", "contract_type", "has_vehicle"],
        "Funciones": ["active_from", "active_to"],
    }
    show_columns = [
        "code",
        "first_name",
        "last_name",
        "office",
        "account",
        "specialty",
        "contract_type",
        "has_vehicle",
        "active_from",
        "active_to",
    ]
    base_order = ("code", "asc")


class BrigadeView(RegistryView):
    """Groups of inspectors."""

    kind = Brigade
    route_base = "/brigadas"
    list_columns = ["code", "name", "office", "leader", "shift"]
    search_columns = ["code", "name", "subject"]
    form_sections = {
        "Brigada": ["code", "name", "office_id", "leader_id", "subject", "shift"],
    }
    show_columns = ["code", "name", "office", "leader", "shift", "subject", "members"]
    base_order = ("code", "asc")


class AbsenceWriter:
    """Absences as records, with the key of what was saved kept for the page that follows."""

    @staticmethod
    def create(kind: type[Model], values: dict[str, Any]) -> Any:
        """A new absence."""
        made: Any = records.create(kind, values)
        g.sis_made = made.id
        return made

    @staticmethod
    def change(kind: type[Model], key: int, values: dict[str, Any], version: int | None) -> Any:
        """A changed one."""
        g.sis_made = key
        return records.change(kind, key, values, version)


class AbsenceView(RegistryView):
    """Who is away, and when; his page lists the work that the absence strands (working rule 5)."""

    kind = Absence
    writer = AbsenceWriter
    route_base = "/ausencias"
    show_template = "inspections/absence.html"
    list_columns = ["inspector", "valid_from", "valid_to", "reason"]
    search_columns = ["valid_from", "valid_to", "reason"]
    form_sections = {
        "Quién": ["inspector_id"],
        "Cuándo y por qué": ["valid_from", "valid_to", "reason"],
    }
    show_columns = ["inspector", "valid_from", "valid_to", "reason"]
    base_order = ("valid_from", "desc")

    def render_template(self, template: str, **context: Any) -> Any:
        if template == self.show_template:
            absence = Session.get(Absence, int(context["pk"]))
            assert absence is not None
            context |= stranded(absence)
        return super().render_template(template, **context)

    def post_add_redirect(self) -> Response:
        return redirect(url_for("AbsenceView.show", pk=g.sis_made))

    post_edit_redirect = post_add_redirect


def stranded(absence: Absence) -> dict[str, Any]:
    """The open orders and planned visits of an absent inspector within those days, as far as one may see."""
    started = (Phase.IN_FIELD.value, Phase.IN_REPORT.value)
    open_ = (Phase.PLANNED.value, Phase.ISSUED.value, *started)
    in_time = or_(
        InspectionOrder.valid_until.is_(None),
        InspectionOrder.valid_until >= absence.valid_from,
        _in_phase(InspectionOrder, *started),  # validity limits the first visit only (working rule 9)
    )
    orders = Session.scalars(
        select(InspectionOrder)
        .join(OrderInspector, OrderInspector.order_id == InspectionOrder.id)
        .where(OrderInspector.inspector_id == absence.inspector_id, OrderInspector.until.is_(None))
        .where(_in_phase(InspectionOrder, *open_), in_time)
        .where(or_(InspectionOrder.valid_from.is_(None), InspectionOrder.valid_from <= absence.valid_to))
        .options(joinedload(InspectionOrder.document), joinedload(InspectionOrder.office))
        .order_by(InspectionOrder.valid_until, InspectionOrder.id)
    ).all()
    visits = Session.scalars(
        select(Visit)
        .join(VisitInspector, VisitInspector.visit_id == Visit.id)
        .where(VisitInspector.inspector_id == absence.inspector_id, _in_phase(Visit, Phase.PLANNED.value))
        .where(Visit.planned_on.between(absence.valid_from, absence.valid_to))
        .options(joinedload(Visit.order).joinedload(InspectionOrder.document))
        .order_by(Visit.planned_on, Visit.id)
    ).all()
    return {
        "absence": absence,
        "stranded_orders": [(order, moves.state_of(order), _substitutes(order)) for order in orders],
        "stranded_visits": list(visits),
    }


def _in_phase(kind: Any, *phases: str) -> Any:
    return exists().where(
        ProcedureState.version_code == kind.version_code,
        ProcedureState.process_code == kind.process,
        ProcedureState.code == kind.state,
        ProcedureState.phase.in_(phases),
    )


def _substitutes(order: InspectionOrder) -> str | None:
    """Where another inspector is put in his place: the draft itself, or the document of substitution."""
    if not may_write(order):
        return None
    if order.document_id is None:
        start = moves.process_of(order).start
        draft = start is not None and order.state == start.state
        return url_for("OrderView.edit", pk=order.id) if draft else None
    there = any(SUBSTITUTION in offer.move.letters for offer in moves.offers(order))
    return url_for("OrderView.team", pk=order.id) if there else None


class OwnConflicts(BaseFilter):
    """The conflicts of the inspectors of whom the present person may know."""

    name = "De quien corresponde"

    def apply(self, query: Any, value: Any) -> Any:
        whose = select(Inspector.id).where(conflicts.whose())
        return query.filter(ConflictOfInterest.inspector_id.in_(whose))


class InspectorField(ReferenceField):
    """The inspectors for whom the present person declares."""

    def options(self) -> list[Any] | None:
        query = select(Inspector).where(conflicts.whose()).order_by(Inspector.code)
        return list(Session.scalars(query.options(joinedload(Inspector.office))))


class ConflictView(RegistryView):
    """Conflicts of interest that inspectors declare; whoever has one is not designated for that employer."""

    kind = ConflictOfInterest
    writer = conflicts
    route_base = "/conflictos"
    base_filters = [["id", OwnConflicts, None]]
    list_columns = ["inspector", "employer", "relation", "valid_from", "valid_to"]
    search_columns = ["relation", "valid_from", "valid_to"]
    form_sections = {
        "Con quién": ["inspector_id", "employer_id", "relation"],
        "Desde cuándo": ["valid_from", "valid_to"],
    }
    show_columns = ["inspector", "employer", "relation", "valid_from", "valid_to"]
    extra_fields = {"inspector_id": InspectorField(Inspector, True, label="Inspector")}
    base_order = ("valid_from", "desc")

    def _add(self) -> Any:
        if request.method == "GET" and not request.args.get("inspector_id"):
            query = select(Inspector.id).where(Inspector.account_id == current().account_id)
            own = Session.scalar(query.where(conflicts.whose()))
            if own is not None:
                request.args = request.args.copy()
                request.args["inspector_id"] = str(own)
        return super()._add()


class PostView(RegistryView):
    """The posts that sign."""

    kind = Post
    route_base = "/cargos"
    list_columns = ["code", "title", "office"]
    search_columns = ["code", "title"]
    form_sections = {
        "Cargo": ["code", "title", "office_id", "role"],
    }
    show_columns = ["code", "title", "office"]
    extra_fields = {
        "role": ChoiceField(
            label="Función",
            description="Con la que firma en el procedimiento.",
            choices=[("", "Elija…"), *((role.value, role.label) for role in Role)],
            coerce=text_or_none,
            validators=[InputRequired("Este dato es obligatorio.")],
            render_kw={"class": "form-select"},
        )
    }
    base_order = ("code", "asc")


class PostHolderView(RegistryView):
    """Who holds each post, and since when."""

    kind = PostHolder
    route_base = "/titulares"
    list_columns = ["post", "account", "holding", "valid_from", "valid_to"]
    search_columns = ["holding", "valid_from", "valid_to", "legal_act"]
    form_sections = {
        "Cargo y persona": ["post_id", "account_id", "holding"],
        "Período": ["valid_from", "valid_to", "legal_act"],
    }
    show_columns = ["post", "account", "holding", "valid_from", "valid_to", "legal_act"]
    base_order = ("valid_from", "desc")


class DelegationView(RegistryView):
    """Delegated signatures."""

    kind = Delegation
    route_base = "/delegaciones"
    list_columns = ["document_type_code", "from_post", "to_post", "valid_from", "valid_to"]
    search_columns = ["document_type_code", "valid_from", "valid_to", "legal_act"]
    form_sections = {
        "Qué se delega": ["from_post_id", "to_post_id", "document_type_code"],
        "Período": ["valid_from", "valid_to", "legal_act"],
    }
    show_columns = ["document_type_code", "from_post", "to_post", "valid_from", "valid_to", "legal_act"]
    base_order = ("valid_from", "desc")
    extra_fields = {"document_type_code": ReferenceField(DocumentType, True, label="Tipo de documento")}
