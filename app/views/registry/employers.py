"""Employers: searched list, record with what hangs on it, form that warns of doubles."""

from typing import Any

from flask import g, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response
from wtforms import StringField, validators

from app.core.base import Model, Session
from app.core.errors import Missing
from app.models.registry import (
    Contact,
    Employer,
    EmployerKind,
    EmployerStatus,
    Establishment,
    Merge,
    PatronalNumber,
)
from app.operations import registry
from app.views.base import RegistryView, columns_of
from app.views.exports import keys
from app.views.fields import YesNo
from app.views.lists import Button, Column, Listing, OneOf, Yes, matches, options
from app.views.registry import doubles
from app.views.widgets import ChoiceField, mask, text_or_none

MOST_BRANCHES = 500
"""Establishments that one page offers to choose from."""
SHOWN = 20
"""Establishments on the page of an employer; the rest are a search away."""


def any_of(choices: Any, words: str) -> list[tuple[str, str]]:
    """The choices of a filter, with the one that filters nothing."""
    return [("", words), *((member.value, member.label) for member in choices)]


EMPLOYERS = Listing(
    kind=Employer,
    title=Employer.label_plural,
    columns=(
        Column("legal_name", "Razón social", lambda row: row.legal_name, sort=Employer.legal_name),
        Column("ruc", "RUC o cédula", lambda row: row.identification),
        Column("trade_name", "Nombre de fantasía", lambda row: row.trade_name, wide=True),
        Column("kind", "Tipo", lambda row: EmployerKind(row.kind).label),
        Column("status", "Situación", lambda row: EmployerStatus(row.status).label),
        Column("started_on", "Inicio de actividades", lambda row: row.started_on, shown=False),
        Column("created_at", "Cargado", lambda row: row.created_at, shown=False),
    ),
    filters=(
        OneOf(
            "status",
            "Situación",
            lambda query, value: query.where(Employer.status == value),
            choices=options(EmployerStatus),
            every="Todas",
            main=True,
        ),
        OneOf(
            "kind",
            "Tipo de persona",
            lambda query, value: query.where(Employer.kind == value),
            choices=options(EmployerKind),
            main=True,
        ),
        Yes("provisional", "Solo sin identificar", lambda query, value: query.where(Employer.provisional)),
    ),
    search=matches(Employer),
    hint="Nombre o parte, RUC con o sin dígito, cédula.",
    base=lambda query: query.where(Employer.merged_into_id.is_(None)),
    order="legal_name",
    page=lambda row: url_for("EmployerView.show", pk=row.id),
    keys=keys(Employer),
    empty="Todavía no hay empleadores: agregue el primero o importe el registro.",
    add=Button("Agregar empleador", "EmployerView.add", ("can_add", "Employer")),
)


class Writer:
    """How the form of an employer is written."""

    @staticmethod
    def create(kind: type[Model], values: dict[str, Any]) -> Employer:
        """Register; whoever may not edit adds provisional ones."""
        made = registry.register_employer(
            values, confirmed=doubles.confirmed(), provisional_only=doubles.provisional_only("Employer")
        )
        g.sis_made = made.id
        return made

    @staticmethod
    def change(kind: type[Model], key: int, values: dict[str, Any], version: int | None) -> Employer:
        """Change."""
        g.sis_made = key
        return registry.update_employer(key, values, version)


class EmployerView(doubles.WarnsOfDoubles, RegistryView):
    """Employers of the whole country, for everybody of the ministry."""

    kind = Employer
    writer = Writer
    route_base = "/empleadores"
    show_template = "registry/employer.html"
    similar_fields = ["ruc", "document_number", "legal_name", "trade_name"]
    list_columns = ["legal_name"]
    listed = EMPLOYERS
    extra_fields = {
        "ruc": StringField(
            label="RUC",
            description="Con guion y dígito, como 80009735-1. Sin guion se calcula el dígito.",
            render_kw=mask("ruc"),
        ),
        "legal_name": StringField(
            label="Razón social",
            description="O nombre y apellido. Si no se conoce, alcanza la descripción provisoria.",
            filters=[text_or_none],
            validators=[validators.Length(max=500, message="Use 500 caracteres o menos.")],
        ),
        "status": ChoiceField(
            label="Situación",
            choices=[(member.value, member.label) for member in EmployerStatus],
            coerce=text_or_none,
            default=EmployerStatus.UNREGISTERED.value,
        ),
        "has_union": YesNo(label="Tiene sindicato"),
        "kind": ChoiceField(
            label="Tipo de persona",
            choices=any_of(EmployerKind, "Según el RUC o la cédula"),
            coerce=text_or_none,
        ),
    }
    form_sections = {
        "Identificación": ["ruc", "document_number", "legal_name", "trade_name", "description"],
        "Situación": ["kind", "legal_form", "status", "started_on", "has_union", "shifts"],
        "Contacto": ["representative", "phone", "email", "notes"],
    }
    show_columns = [*columns_of(form_sections), "merged_into", "created_at", "updated_at"]

    @expose("/parecidos")
    @has_access
    @permission_name("add")
    def similar(self) -> Any:
        """Employers like the one being typed."""
        asked = request.args
        return doubles.answer(
            registry.similar_employers(
                asked.get("legal_name"),
                asked.get("ruc"),
                asked.get("document_number"),
                asked.get("trade_name"),
            )
        )

    @expose("/<int:pk>/orden")
    @has_access
    @permission_name("show")
    def branches(self, pk: int) -> Any:
        """The open establishments of an employer, to choose those of new orders (working rule 16)."""
        employer = Session.get(Employer, pk) if pk < 2**31 else None
        may = self.appbuilder.sm.has_access("can_add", "InspectionOrder")
        if employer is None or employer.merged_into_id is not None or not may:
            raise Missing()
        places = Session.scalars(
            select(Establishment)
            .where(
                Establishment.employer_id == pk,
                Establishment.merged_into_id.is_(None),
                Establishment.closed_on.is_(None),
            )
            .options(joinedload(Establishment.district))
            .order_by(Establishment.branch_number, Establishment.name, Establishment.id)
            .limit(MOST_BRANCHES)
        ).all()
        return self.render_template(
            "registry/branches.html",
            title="Nueva orden para sus establecimientos",
            employer=employer,
            places=places,
        )

    def render_template(self, template: str, **context: Any) -> Any:
        if template == self.show_template:
            context |= related(int(context["pk"]))
            employer = context["employer"]
            context["words"] = {
                name: self.formatters_columns[name](getattr(employer, name)) for name in ("kind", "status")
            }
            context["may_order"] = self.appbuilder.sm.has_access("can_add", "InspectionOrder")
        return super().render_template(template, **context)

    def post_add_redirect(self) -> Response:
        return redirect(url_for("EmployerView.show", pk=g.sis_made))

    post_edit_redirect = post_add_redirect


def related(key: int) -> dict[str, Any]:
    """What hangs on an employer: a statement each."""
    places = Session.scalars(
        select(Establishment)
        .where(Establishment.employer_id == key, Establishment.merged_into_id.is_(None))
        .options(joinedload(Establishment.district))
        .order_by(Establishment.branch_number, Establishment.name)
        .limit(SHOWN + 1)
    ).all()
    return {
        "employer": Session.get(Employer, key),
        "establishments": places[:SHOWN],
        "more_establishments": len(places) > SHOWN,
        "numbers": Session.scalars(
            select(PatronalNumber)
            .where(PatronalNumber.employer_id == key)
            .options(joinedload(PatronalNumber.establishment))
            .order_by(PatronalNumber.kind, PatronalNumber.number)
        ).all(),
        "contacts": Session.scalars(
            select(Contact).where(Contact.employer_id == key).order_by(Contact.name)
        ).all(),
        "merges": Session.scalars(
            select(Merge)
            .where(
                or_(Merge.kept_employer_id == key, Merge.absorbed_employer_id == key),
                Merge.undone_at.is_(None),
            )
            .options(joinedload(Merge.kept_employer), joinedload(Merge.absorbed_employer))
        ).all(),
    }
