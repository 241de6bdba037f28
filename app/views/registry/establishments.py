"""Establishments: searched list, record with headcounts and timeline, form that warns of doubles."""

from decimal import Decimal, InvalidOperation
from typing import Any

from flask import g, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy import select, union
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response
from wtforms import StringField

from app.core.base import Model, Session
from app.models.catalogs import Department, District
from app.models.registry import Employer, Establishment, Headcount
from app.operations import registry
from app.operations.search import conditions
from app.views.base import RegistryView
from app.views.exports import keys
from app.views.lists import Button, Column, Listing, OfRecord, OneOf, Yes
from app.views.registry import doubles
from app.views.registry.timeline import timeline
from app.views.widgets import day, text_or_none, whole


def found(query: Any, q: str) -> Any:
    """Each word of the search is of the establishment or of its employer: «ñandutí luque»."""
    pairs = zip(conditions(Establishment, q), conditions(Employer, q), strict=True)
    return query.where(*(Establishment.id.in_(_either(here, there)) for here, there in pairs))


def _either(here: Any, there: Any) -> Any:
    """Establishments that answer a word, and those whose employer does: two indexes, no reading through."""
    own = select(Establishment.id).where(here)
    return union(own, select(Establishment.id).join(Establishment.employer).where(there))


def _of_department(query: Any, value: int) -> Any:
    inside = select(District.code).where(District.department_code == value)
    return query.where(Establishment.district_code.in_(inside))


def _standing(query: Any, value: str) -> Any:
    closed = Establishment.closed_on
    return query.where(closed.is_(None) if value == "abierto" else closed.is_not(None))


ESTABLISHMENTS = Listing(
    kind=Establishment,
    title=Establishment.label_plural,
    columns=(
        Column("name", "Establecimiento", str, sort=Establishment.name),
        Column("employer", "Empleador", lambda row: row.employer.legal_name, wide=True),
        Column("district", "Distrito", lambda row: str(row.district)),
        Column("address", "Dirección", lambda row: row.address or row.reference, wide=True),
        Column(
            "state",
            "Estado",
            lambda row: f"Cerrado el {day(row.closed_on)}" if row.closed_on else "Abierto",
        ),
        Column("ruc", "RUC o cédula", lambda row: row.employer.identification, shown=False),
        Column("phone", "Teléfono", lambda row: row.phone, shown=False),
        Column("provisional", "Provisorio", lambda row: row.provisional, shown=False),
    ),
    filters=(
        OfRecord("department", "Departamento", _of_department, kind=Department, main=True),
        OfRecord(
            "district",
            "Distrito",
            lambda query, value: query.where(Establishment.district_code == value),
            kind=District,
            within=("department", "department_code"),
            main=True,
        ),
        OneOf(
            "state",
            "Estado",
            _standing,
            choices=[("abierto", "Abiertos"), ("cerrado", "Cerrados")],
            main=True,
        ),
        OfRecord(
            "employer_id",
            "Empleador",
            lambda query, value: query.where(Establishment.employer_id == value),
            kind=Employer,
        ),
        Yes("provisional", "Solo provisorios", lambda query, value: query.where(Establishment.provisional)),
    ),
    search=found,
    hint="Nombre, dirección, empleador o su RUC.",
    base=lambda query: query.where(Establishment.merged_into_id.is_(None)),
    load=(joinedload(Establishment.employer), joinedload(Establishment.district)),
    order="name",
    page=lambda row: url_for("EstablishmentView.show", pk=row.id),
    keys=keys(Establishment),
    empty="Todavía no hay establecimientos: agregue el primero o importe el registro.",
    add=Button("Agregar establecimiento", "EstablishmentView.add", ("can_add", "Establishment")),
)


class Writer:
    """How the form of an establishment is written."""

    @staticmethod
    def create(kind: type[Model], values: dict[str, Any]) -> Establishment:
        """Register; what somebody adds who may not edit is marked provisional."""
        made = registry.register_establishment(
            values,
            confirmed=doubles.confirmed(),
            provisional_only=doubles.provisional_only("Establishment"),
        )
        g.sis_made = made.id
        return made

    @staticmethod
    def change(kind: type[Model], key: int, values: dict[str, Any], version: int | None) -> Establishment:
        """Change."""
        g.sis_made = key
        return registry.change_establishment(key, values, version)


class EstablishmentView(doubles.WarnsOfDoubles, RegistryView):
    """Establishments of the whole country, for everybody of the ministry."""

    kind = Establishment
    writer = Writer
    route_base = "/establecimientos"
    show_template = "registry/establishment.html"
    similar_fields = ["employer_id", "district_code", "address", "latitude", "longitude", "patronal"]
    list_columns = ["name"]
    listed = ESTABLISHMENTS
    added_only = frozenset({"patronal"})
    extra_fields = {
        "patronal": StringField(
            label="Número patronal",
            description="Del MTESS o del IPS, si se conoce: muestra también si el lugar ya está registrado.",
            render_kw={"autocomplete": "off"},
            filters=[text_or_none],
        )
    }
    form_sections = {
        "Identificación": ["employer_id", "branch_number", "name", "patronal"],
        "Dónde está": ["district_code", "neighbourhood", "address", "reference", "latitude", "longitude"],
        "Actividad": ["activity_code", "second_activity_code", "opened_on", "closed_on"],
        "Contacto y notas": ["phone", "email", "provisional", "notes"],
    }
    show_columns = [
        "employer",
        "branch_number",
        "name",
        "district",
        "neighbourhood",
        "address",
        "reference",
        "activity",
        "second_activity",
        "phone",
        "email",
        "opened_on",
        "closed_on",
        "provisional",
        "notes",
        "merged_into",
        "created_at",
        "updated_at",
    ]

    @expose("/parecidos")
    @has_access
    @permission_name("add")
    def similar(self) -> Any:
        """Establishments at the door of the one being typed."""
        asked = request.args
        latitude, longitude = _degrees(asked.get("latitude")), _degrees(asked.get("longitude"))
        return doubles.answer(
            registry.similar_establishments(
                whole(asked.get("employer_id")),
                whole(asked.get("district_code")),
                asked.get("address"),
                (latitude, longitude) if latitude is not None and longitude is not None else None,
                asked.get("patronal"),
            )
        )

    def _show(self, pk: Any) -> Any:
        # One statement brings what the page would ask for one by one.
        if str(pk).isdecimal() and len(str(pk)) < 10:
            relations = ("employer", "district", "activity", "second_activity")
            query = select(Establishment).where(Establishment.id == int(pk))
            load = [joinedload(getattr(Establishment, name)) for name in relations]
            g.sis_place = Session.scalars(query.options(*load)).unique().first()
        return super()._show(pk)

    def render_template(self, template: str, **context: Any) -> Any:
        if template == self.show_template:
            key = int(context["pk"])
            establishment = Session.get(Establishment, key)
            headcounts = Session.scalars(
                select(Headcount)
                .where(Headcount.establishment_id == key)
                .order_by(Headcount.as_of.desc(), Headcount.id.desc())
                .limit(20)
            ).all()
            context |= {
                "establishment": establishment,
                "headcounts": headcounts,
                "timeline": timeline(establishment),
            }
        return super().render_template(template, **context)

    def post_add_redirect(self) -> Response:
        return redirect(url_for("EstablishmentView.show", pk=g.sis_made))

    post_edit_redirect = post_add_redirect


def _degrees(text: str | None) -> Decimal | None:
    try:
        number = Decimal((text or "").strip().replace(",", "."))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) <= 180 else None
