"""Screens of the catalogues, and the acts that change which office serves what."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload
from wtforms import BooleanField, HiddenField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired

from app.core import clock
from app.core.base import Session
from app.core.errors import DomainError, Missing
from app.models.catalogs import Activity, Department, District, Jurisdiction, Office
from app.operations import offices
from app.views.base import RegistryView, explain, valid
from app.views.widgets import day_field, text_or_none, whole

MOVE, LEAVE = "move", "leave"
BASIS = "Resolución que lo dispone"


def _key(value: Any) -> int | None:
    return whole(str(value))


class DistrictsForm(FlaskForm):
    """Districts that an office takes. The template draws the districts themselves."""

    on = day_field(
        "Desde", description="El día anterior termina la jurisdicción de la oficina que los tenía."
    )
    legal_basis = StringField(BASIS, [InputRequired("Este dato es obligatorio.")], filters=[text_or_none])
    files = RadioField(
        "Expedientes abiertos",
        choices=[(MOVE, "Pasan a esta oficina"), (LEAVE, "Quedan en la oficina que los lleva")],
        default=LEAVE,
    )
    seen = HiddenField()


class MergerForm(FlaskForm):
    """An office that joins another."""

    into = SelectField(
        "Se une a", [InputRequired("Este dato es obligatorio.")], coerce=_key, validate_choice=False
    )
    on = day_field("Desde", description="Ese día la oficina queda cerrada y sus distritos pasan a la otra.")
    legal_basis = StringField(BASIS, [InputRequired("Este dato es obligatorio.")], filters=[text_or_none])
    files = RadioField(
        "Expedientes abiertos",
        choices=[
            (MOVE, "Pasan a la oficina que recibe"),
            (LEAVE, "Quedan en esta oficina hasta que se cierren"),
        ],
        default=MOVE,
    )
    people = BooleanField("Inspectores, brigadas y usuarios pasan a la oficina que recibe", default=True)
    seen = HiddenField()


class OfficeView(RegistryView):
    """The offices of the ministry."""

    kind = Office
    route_base = "/oficinas"
    show_template = "offices/office.html"
    list_columns = ["code", "name", "kind", "city", "opened_on", "closed_on"]
    search_columns = ["code", "name", "kind", "city"]
    form_sections = {
        "Identificación": ["code", "series_code", "name", "kind", "parent_id"],
        "Dónde está": ["city", "address", "phone", "email"],
        "Funcionamiento": ["opened_on", "closed_on"],
    }
    show_columns = [
        "code",
        "series_code",
        "name",
        "kind",
        "parent",
        "city",
        "address",
        "phone",
        "email",
        "opened_on",
        "closed_on",
        "created_at",
        "updated_at",
    ]
    base_order = ("code", "asc")

    def render_template(self, template: str, **context: Any) -> Any:
        if template == self.show_template:
            office = self._office(int(context["pk"]))
            context |= {"office": office, "served": _served(office.id), "today": clock.today()}
        return super().render_template(template, **context)

    @expose("/<int:pk>/distritos", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def districts(self, pk: int) -> Any:
        """Districts that this office takes from a day: chosen, looked at, confirmed."""
        office = self._office(pk)
        form = DistrictsForm()
        chosen = {key for each in request.form.getlist("districts") if (key := _key(each)) is not None}
        preview = None
        if request.method == "GET":
            form.on.data = clock.today()
        elif valid(form):
            try:
                preview = offices.districts(pk, chosen, form.on.data)
                if self._confirms(form, preview):
                    done = offices.give_districts(
                        pk,
                        chosen,
                        form.on.data,
                        form.legal_basis.data or "",
                        form.files.data == MOVE and not preview.later,
                        form.seen.data or "",
                    )
                    flash(f"Hecho: {_count(done.districts, 'distrito')}, {_moved(done.files)}.", "success")
                    return redirect(url_for("OfficeView.show", pk=pk))
            except DomainError as error:
                explain(form, error)
        return self.render_template(
            "offices/districts.html",
            title=f"Dar distritos a {office}",
            office=office,
            form=form,
            preview=preview,
            chosen=chosen,
            departments=_departments(),
            page=url_for("OfficeView.show", pk=pk),
        )

    @expose("/<int:pk>/fusion", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def merge(self, pk: int) -> Any:
        """This office joins another: looked at, confirmed."""
        office = self._office(pk)
        form = MergerForm()
        open_ = or_(Office.closed_on.is_(None), Office.closed_on > clock.today())
        others = Session.scalars(select(Office).where(Office.id != pk, open_).order_by(Office.code))
        form.into.choices = [("", "Elija…"), *((each.id, str(each)) for each in others)]
        preview = None
        if request.method == "GET":
            form.on.data = office.closed_on or clock.today()
        elif valid(form):
            form.people.data = form.people.data or not form.seen.data  # until it was shown
            try:
                preview = offices.merger(pk, form.into.data, form.on.data)
                if self._confirms(form, preview):
                    done = offices.merge(
                        pk,
                        form.into.data,
                        form.on.data,
                        form.legal_basis.data or "",
                        form.files.data == MOVE and not preview.later,
                        bool(form.people.data) and not preview.later,
                        form.seen.data or "",
                    )
                    people = _count(done.people, "persona trasladada", "personas trasladadas")
                    flash(
                        f"Hecho: {_count(done.districts, 'distrito')}, {_moved(done.files)}, {people}.",
                        "success",
                    )
                    return redirect(url_for("OfficeView.show", pk=pk))
            except DomainError as error:
                explain(form, error)
        return self.render_template(
            "offices/merger.html",
            title=f"Unir {office} a otra oficina"
            if not office.closed_on
            else f"Trasladar lo que quedó en {office}",
            office=office,
            form=form,
            preview=preview,
            page=url_for("OfficeView.show", pk=pk),
        )

    def _confirms(self, form: Any, preview: offices.Preview) -> bool:
        """Whether what was looked at is confirmed; else it is shown, to be confirmed."""
        if request.form.get("confirm") and form.seen.data == preview.seen:
            return True
        if request.form.get("confirm"):
            flash("Algo cambió desde que usted lo vio: revíselo y confirme otra vez.", "warning")
        form.seen.data = preview.seen
        g.sis_status = 422
        return False

    def _office(self, pk: int) -> Office:
        office: Office | None = Session.get(Office, pk) if pk < 2**31 else None
        if office is None:
            raise Missing()
        return office


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _moved(files: int) -> str:
    return _count(files, "expediente trasladado", "expedientes trasladados")


def _served(office_id: int) -> list[tuple[Department, list[Jurisdiction]]]:
    """The districts of an office, those of the past too, by department."""
    rows = Session.scalars(
        select(Jurisdiction)
        .join(District, District.code == Jurisdiction.district_code)
        .where(Jurisdiction.office_id == office_id)
        .options(joinedload(Jurisdiction.district).joinedload(District.department))
        .order_by(District.department_code, District.name, Jurisdiction.valid_from)
    )
    found: dict[int, tuple[Department, list[Jurisdiction]]] = {}
    for row in rows:
        department = row.district.department
        found.setdefault(department.code, (department, []))[1].append(row)
    return list(found.values())


def _departments() -> list[tuple[Department, list[tuple[District, str]]]]:
    """Every district by department, with the office that serves it today."""
    today = clock.today()
    now = dict(
        Session.execute(
            select(Jurisdiction.district_code, Office.code)
            .join(Office, Office.id == Jurisdiction.office_id)
            .where(Jurisdiction.valid_from <= today)
            .where(or_(Jurisdiction.valid_to.is_(None), Jurisdiction.valid_to >= today))
        )
        .tuples()
        .all()
    )
    found: dict[int, tuple[Department, list[tuple[District, str]]]] = {}
    rows = (
        select(District)
        .options(joinedload(District.department))
        .order_by(District.department_code, District.name)
    )
    for row in Session.scalars(rows):
        found.setdefault(row.department_code, (row.department, []))[1].append((row, now.get(row.code, "—")))
    return list(found.values())


class DepartmentView(RegistryView):
    """Departments of the official catalogue; nobody edits them here."""

    kind = Department
    route_base = "/departamentos"
    page_size = 25
    base_permissions = ["can_list", "can_show"]
    list_columns = ["code", "name", "capital", "iso"]
    search_columns = ["name", "capital", "iso"]
    show_columns = ["code", "name", "official_name", "capital", "iso"]
    base_order = ("code", "asc")


class DistrictView(RegistryView):
    """Districts of the official catalogue; nobody edits them here."""

    kind = District
    route_base = "/distritos"
    page_size = 25
    base_permissions = ["can_list", "can_show"]
    list_columns = ["code", "name", "department"]
    search_columns = ["name", "department"]
    show_columns = ["code", "name", "official_name", "department"]
    base_order = ("name", "asc")


class ActivityView(RegistryView):
    """Economic activities of CIIU Rev. 4; nobody edits them here."""

    kind = Activity
    route_base = "/actividades"
    page_size = 25
    base_permissions = ["can_list", "can_show"]
    list_columns = ["code", "level", "title", "parent_code"]
    search_columns = ["code", "title", "level"]
    show_columns = ["code", "level", "title", "parent"]
    base_order = ("code", "asc")
