"""Establishments: searched list, record with headcounts and timeline, form that warns of doubles."""

from decimal import Decimal, InvalidOperation
from typing import Any

from flask import g, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy import Select, select, union
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response
from wtforms import BooleanField, StringField

from app.core.base import Model, Session
from app.models.catalogs import Department, District
from app.models.registry import Employer, Establishment, Headcount
from app.operations import registry
from app.operations.search import conditions, words
from app.views.references import ReferenceField
from app.views.registry import doubles
from app.views.registry.lists import SearchedView, SearchForm
from app.views.registry.timeline import timeline
from app.views.widgets import ChoiceField, day, text_or_none, whole


class EstablishmentSearch(SearchForm):
    """Filters of the list."""

    department = ReferenceField(Department, False, label="Departamento")
    employer_id = ReferenceField(Employer, False, label="Empleador")
    state = ChoiceField(
        "Estado",
        choices=[("", "Todos"), ("abierto", "Abiertos"), ("cerrado", "Cerrados")],
        coerce=str,
        default="",
    )
    provisional = BooleanField("Solo provisorios")


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


class EstablishmentView(doubles.WarnsOfDoubles, SearchedView):
    """Establishments of the whole country, for everybody of the ministry."""

    kind = Establishment
    writer = Writer
    route_base = "/establecimientos"
    show_template = "registry/establishment.html"
    search_form_class = EstablishmentSearch
    search_help = "Nombre, dirección, empleador o su RUC."
    similar_fields = ["employer_id", "district_code", "address", "latitude", "longitude", "patronal"]
    cells = [
        ("Establecimiento", lambda row: str(row)),
        ("Empleador", lambda row: row.employer.legal_name),
        ("Distrito", lambda row: str(row.district)),
        ("Dirección", lambda row: row.address or row.reference),
        ("Estado", lambda row: f"Cerrado el {day(row.closed_on)}" if row.closed_on else "Abierto"),
    ]
    load = (joinedload(Establishment.employer), joinedload(Establishment.district))
    extra_fields = {
        "patronal": StringField(
            label="Número patronal",
            description="Del MTESS o del IPS, si se conoce: muestra también si el lugar ya está registrado.",
            render_kw={"autocomplete": "off"},
            filters=[text_or_none],
        )
    }
    form_columns = [
        "employer_id",
        "branch_number",
        "name",
        "patronal",
        "district_code",
        "neighbourhood",
        "address",
        "reference",
        "latitude",
        "longitude",
        "activity_code",
        "second_activity_code",
        "phone",
        "email",
        "opened_on",
        "closed_on",
        "provisional",
        "notes",
    ]
    show_columns = [
        "employer",
        "branch_number",
        "name",
        "district",
        "neighbourhood",
        "address",
        "reference",
        "latitude",
        "longitude",
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

    def narrowed(self, query: Select[Any], form: Any) -> Select[Any]:
        """Each word of the search is of the establishment or of its employer: «ñandutí luque»."""
        query = query.where(Establishment.merged_into_id.is_(None))
        q = form.q.data or ""
        if words(q):
            pairs = zip(conditions(Establishment, q), conditions(Employer, q), strict=True)
            query = query.where(*(Establishment.id.in_(_either(here, there)) for here, there in pairs))
        if form.department.data is not None:
            query = query.where(
                Establishment.district_code.in_(
                    select(District.code).where(District.department_code == form.department.data)
                )
            )
        if form.employer_id.data is not None:
            query = query.where(Establishment.employer_id == form.employer_id.data)
        if form.state.data:
            closed = Establishment.closed_on
            query = query.where(closed.is_(None) if form.state.data == "abierto" else closed.is_not(None))
        return query.where(Establishment.provisional) if form.provisional.data else query

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


def _either(here: Any, there: Any) -> Any:
    """Establishments that answer a word, and those whose employer does: two indexes, no reading through."""
    own = select(Establishment.id).where(here)
    return union(own, select(Establishment.id).join(Establishment.employer).where(there))


def _degrees(text: str | None) -> Decimal | None:
    try:
        number = Decimal((text or "").strip().replace(",", "."))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) <= 180 else None


# The patronal number is asked when an establishment is registered; later it has a screen of its own.
EstablishmentView.edit_columns = [name for name in EstablishmentView.form_columns if name != "patronal"]
