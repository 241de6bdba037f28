"""Screens of the law as rows: norms, infractions, amounts, parameters, holidays, general suspensions."""

from typing import Any

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_appbuilder.widgets import FormWidget
from wtforms import HiddenField

from app.core import clock
from app.core.base import Model
from app.core.errors import DomainError, Missing
from app.core.types import inside
from app.models.norms import (
    GeneralSuspension,
    Holiday,
    Infraction,
    InfractionAlias,
    InfractionArea,
    MinimumWage,
    Norm,
    Parameter,
)
from app.operations import norms, recount
from app.views.base import RegistryView, columns_of
from app.views.fields import Checks

LEGAL = ["valid_from", "valid_to", "legal_basis", "verification", "note"]
STAMPS = ["created_at", "updated_at"]


class LegalView(RegistryView):
    """A registry whose values change by a new row with its date; the form of the new row starts as a copy."""

    writer = norms
    page_size = 25

    def _add(self) -> Any:
        source = request.args.get("desde", "")
        item = self.datamodel.get(source, self._base_filters) if source and request.method == "GET" else None
        if item is None:
            return super()._add()
        form = self.add_form.refresh(obj=item)
        for name in ("valid_from", "valid_to", "legal_basis", "verification", "note"):
            form[name].data = None
        return self._get_add_widget(form=form)

    def render_template(self, template: str, **context: Any) -> Any:
        """The record page offers the new value that a change of the law is."""
        if "pk" in context and self.appbuilder.sm.has_access("can_add", self.class_permission_name):
            context["renew_url"] = url_for(f"{self.endpoint}.add", desde=context["pk"])
        return super().render_template(template, **context)


class NormView(RegistryView):
    """Instruments of law."""

    kind = Norm
    route_base = "/normas"
    page_size = 25
    list_columns = ["code", "kind", "number", "title", "status", "verification"]
    form_sections = {
        "Identificación": ["code", "kind", "number", "title", "dated", "status"],
        "Vigencia y fuente": [*LEGAL],
    }
    show_columns = [*columns_of(form_sections), *STAMPS]
    base_order = ("code", "asc")


class InfractionAreaView(RegistryView):
    """Groups of infractions."""

    kind = InfractionArea
    route_base = "/areas-de-infracciones"
    page_size = 25
    list_columns = ["code", "position", "title"]
    form_sections = {
        "Área": ["code", "position", "title"],
        "Fuente": ["verification", "note"],
    }
    base_order = ("position", "asc")


class InfractionView(LegalView):
    """The catalogue of infractions, a row for each period in force."""

    kind = Infraction
    route_base = "/infracciones"
    list_columns = [
        "code",
        "title",
        "area",
        "severity",
        "day_wages_min",
        "day_wages_max",
        "basis",
        "valid_from",
        "valid_to",
    ]
    search_columns = ["code", "title", "area", "severity", "basis", "verification", "valid_from"]
    form_sections = {
        "Infracción": ["code", "area_code", "title", "article", "article_verification"],
        "Multa": [
            "severity",
            "severity_verification",
            "day_wages_min",
            "day_wages_max",
            "basis",
            "doubles_on_repeat",
        ],
        "Qué sigue": ["remediable", "mandatory_referral", "stoppage_proposed"],
        "Vigencia y fuente": [*LEGAL],
    }
    show_columns = ["area" if name == "area_code" else name for name in columns_of(form_sections)] + STAMPS
    base_order = ("code", "asc")


class InfractionAliasView(RegistryView):
    """Texts of old registers and the infraction that each means."""

    kind = InfractionAlias
    route_base = "/alias-de-infracciones"
    page_size = 25
    list_columns = ["alias", "infraction_code", "confidence", "source"]
    form_sections = {
        "Texto antiguo y su infracción": ["alias", "infraction_code", "confidence", "source", "note"],
    }
    show_columns = [*columns_of(form_sections), *STAMPS]
    base_order = ("alias", "asc")


class MinimumWageView(LegalView):
    """Minimum wage and day wage by period."""

    kind = MinimumWage
    route_base = "/salario-minimo"
    list_columns = [
        "valid_from",
        "valid_to",
        "monthly",
        "daily",
        "adjustment_percent",
        "legal_basis",
        "verification",
    ]
    search_columns = ["valid_from", "legal_basis", "verification"]
    form_sections = {
        "Montos": ["monthly", "daily", "adjustment_percent"],
        "Vigencia y fuente": [*LEGAL],
    }
    show_columns = [*columns_of(form_sections), *STAMPS]
    base_order = ("valid_from", "desc")


class ParameterView(LegalView):
    """Parameters of the procedure by period."""

    kind = Parameter
    route_base = "/parametros"
    list_columns = ["code", "description", "value", "unit", "valid_from", "valid_to", "verification"]
    search_columns = ["code", "description", "value", "unit", "legal_basis", "verification"]
    form_sections = {
        "Parámetro": ["code", "description"],
        "Valor": ["value", "value_type", "unit", "options"],
        "Vigencia y fuente": [*LEGAL],
    }
    show_columns = [*columns_of(form_sections), *STAMPS]
    base_order = ("code", "asc")


class CalendarForm(FormWidget):
    """The form of what stops terms: once the terms touched are shown, its button confirms them."""

    template = "sis/calendar_form.html"


class CalendarWriter:
    """Writes what stops terms, together with the open terms that it touches (working rule 18)."""

    @staticmethod
    def create(kind: type[Model], values: dict[str, Any]) -> Any:
        """A new row, when what it touches was seen."""
        seen = values.pop("seen", None) or ""
        return recount.create(kind, values, seen)

    @staticmethod
    def change(kind: type[Model], key: Any, values: dict[str, Any], version: int | None) -> Any:
        """A changed row, when what it touches was seen."""
        seen = values.pop("seen", None) or ""
        return recount.change(kind, key, values, version, seen)


class CalendarView(RegistryView):
    """A registry of what stops terms: before it is written, the open terms touched are shown."""

    writer = CalendarWriter
    page_size = 25
    add_widget = edit_widget = CalendarForm
    show_template = "sis/calendar_show.html"
    extra_fields: dict[str, Any] = {"seen": HiddenField(label="", default="")}

    def _explain(self, form: Any, error: DomainError) -> None:
        if not isinstance(error, recount.Touched):
            return super()._explain(form, error)
        form.seen.data = error.seen
        g.sis_touched = error
        g.sis_status = 422
        return None

    @expose("/quitar/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def remove(self, pk: str) -> Any:
        """Take a row away: first what that touches, then doing it."""
        row = self.datamodel.get(pk, self._base_filters) if pk.isascii() and pk.isdigit() else None
        if row is None:
            raise Missing()
        name = str(row)
        try:
            recount.remove(self.kind, row.id, request.form.get("seen", ""))
        except recount.Touched as error:
            touched = error
            if request.method == "POST":
                g.sis_status = 422
        except DomainError as error:
            flash(error.message, "danger")
            return redirect(url_for(f"{self.endpoint}.show", pk=row.id))
        else:
            flash(f"{self.kind.label}: se quitó {name}.", "success")
            return redirect(url_for(f"{self.endpoint}.list"))
        return self.render_template(
            "sis/calendar_remove.html",
            title=f"Quitar {inside(self.kind.label)}",
            name=name,
            touched=touched,
            again=request.method == "POST",
            back=url_for(f"{self.endpoint}.show", pk=row.id),
        )

    def render_template(self, template: str, **context: Any) -> Any:
        """The record page offers taking the row away."""
        if "pk" in context and self.appbuilder.sm.has_access("can_edit", self.class_permission_name):
            context["remove_url"] = url_for(f"{self.endpoint}.remove", pk=context["pk"])
        return super().render_template(template, **context)


class HolidayView(CalendarView):
    """Holidays and half-days, national or of some places."""

    kind = Holiday
    route_base = "/feriados"
    list_columns = ["effective_date", "name", "kind", "original_date", "norm", "verification"]
    search_columns = ["effective_date", "original_date", "name", "kind", "verification"]
    form_sections = {
        "Feriado": ["name", "kind", "original_date", "effective_date", "movable", "norm"],
        "Dónde rige": ["departments", "districts", "offices"],
        "Fuente": ["verification", "note", "seen"],
    }
    show_columns = [*columns_of(form_sections)[:-1], *STAMPS]
    base_order = ("effective_date", "asc")

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """Without a filter the list begins with this year's; the filter is seen and can be taken off."""
        if not request.args:
            first = f"{clock.today().year}-01-01"
            return redirect(url_for(f"{self.endpoint}.list", effective_date_desde=first))
        return super().list()


PROCESSES = [
    ("order", "Órdenes: vigencia para la primera visita"),
    ("visit", "Visitas: ratificación de anexos"),
    ("finding", "Hallazgos: regularización"),
    ("report", "Informes finales"),
]
"""Process -> the terms that a suspension of it stops."""


class SuspensionView(CalendarView):
    """General suspensions of terms: a norm stops the terms of all offices and processes, or of some."""

    kind = GeneralSuspension
    route_base = "/suspensiones"
    list_columns = ["valid_from", "valid_to", "legal_basis", "processes", "verification"]
    search_columns = ["valid_from", "valid_to", "legal_basis"]
    extra_fields = {
        **CalendarView.extra_fields,
        "processes": Checks(
            label="Procesos",
            choices=PROCESSES,
            description="Cuáles se detienen. Sin marcar ninguno, todos.",
        ),
    }
    form_sections = {
        "Suspensión": ["valid_from", "valid_to", "legal_basis"],
        "Qué detiene": ["processes", "offices"],
        "Fuente": ["verification", "note", "seen"],
    }
    show_columns = [*columns_of(form_sections)[:-1], *STAMPS]
    base_order = ("valid_from", "desc")


SuspensionView.formatters_columns["processes"] = lambda codes: (
    ", ".join(words for code, words in PROCESSES if code in (codes or ())) or "Todos"
)
