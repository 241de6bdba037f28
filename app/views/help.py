"""Help: what the manuals say of a screen, the manuals whole, the glossary, words explained."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

from flask import Flask, g, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from markupsafe import Markup, escape

from app.core.errors import Missing
from app.core.types import fold
from app.security.principal import current
from app.security.roles import Role
from app.security.scope import roles_of
from app.views import manuals, shell
from app.views.manuals import Section
from app.views.trail import Crumb

LONGEST = 100
MOST = 12
"""Sections that a search shows."""

SCREENS: dict[str, tuple[str, ...]] = {
    "HomeView": ("inspeccion#el-comienzo-del-dia", "coordinacion#mi-trabajo-y-sus-cifras"),
    "HomeView.terms": ("coordinacion#plazos-y-alertas",),
    "HomeView.notices": ("general#avisos",),
    "SearchView": ("general#buscar",),
    "HelpView": ("general#ayuda",),
    "MyAccountView": ("general#mi-cuenta",),
    "SecondFactorView": ("general#segundo-factor",),
    "OrderView": (
        "inspeccion#la-orden",
        "coordinacion#enviar-a-la-firma-y-asignar",
        "coordinacion#sustituir-y-prorrogar-dgift",
        "inspeccion#terminar-la-orden-y-el-informe-final",
    ),
    "OrderView.list": ("general#listas", "coordinacion#preparar-el-proyecto-de-orden", "inspeccion#la-orden"),
    "OrderView.add": ("coordinacion#preparar-el-proyecto-de-orden",),
    "OrderView.edit": ("coordinacion#preparar-el-proyecto-de-orden",),
    "VisitView": (
        "inspeccion#la-visita-paso-a-paso",
        "inspeccion#no-atendieron-obstruyeron-o-no-se-pudo-terminar",
        "inspeccion#sin-senal-sin-bateria-sin-luz",
    ),
    "VisitView.list": ("general#listas", "inspeccion#la-visita-paso-a-paso"),
    "VisitView.transcribe": ("inspeccion#transcribir-la-carpeta-de-visita",),
    "FindingView": (
        "inspeccion#requerir-la-regularizacion-y-entregarla",
        "inspeccion#la-presentacion-y-la-verificacion",
        "inspeccion#la-nomina-de-trabajadores",
        "registro#lo-que-presento-un-empleador",
    ),
    "ReportView": (
        "inspeccion#terminar-la-orden-y-el-informe-final",
        "coordinacion#revisar-informes",
        "firmas#el-dictamen-dgaj",
        "firmas#la-decision-ministro-o-secretaria-general",
    ),
    "StepView": (
        "general#los-pasos-de-un-expediente",
        "coordinacion#actos-retenidos",
        "coordinacion#anular-un-acta-coordinador",
    ),
    "CorrectionView": ("inspeccion#corregir-un-acta-firmada-el-acta-complementaria",),
    "RequestView": ("inspeccion#requerir-la-regularizacion-y-entregarla",),
    "DocumentView": ("firmas#comprobar-una-copia",),
    "TransferView": ("coordinacion#pases-entre-oficinas",),
    "SigningDeskView": (
        "firmas#la-mesa-de-firmas",
        "firmas#firmar-electronicamente",
        "firmas#devolver-sin-firmar",
        "firmas#firmar-a-mano",
        "firmas#un-numero-que-no-se-va-a-firmar",
    ),
    "EmployerView": ("registro#buscar-antes-de-registrar", "registro#registrar-un-empleador"),
    "EmployerView.add": ("registro#registrar-un-empleador",),
    "EstablishmentView": ("registro#registrar-un-establecimiento", "registro#buscar-antes-de-registrar"),
    "PatronalNumberView": ("registro#registrar-un-empleador",),
    "HeadcountView": ("registro#registrar-un-establecimiento",),
    "ContactView": ("registro#registrar-un-empleador",),
    "WorkerView": ("registro#trabajadores", "inspeccion#la-nomina-de-trabajadores"),
    "DuplicatesView": ("registro#unir-duplicados",),
    "RegisterImportView": ("registro#importar-el-registro-historico", "registro#corregir-la-cuarentena"),
    "NormView": ("informatica#normas-infracciones-y-sus-areas",),
    "InfractionView": (
        "informatica#normas-infracciones-y-sus-areas",
        "informatica#valores-que-cambian-por-norma",
    ),
    "InfractionAreaView": ("informatica#normas-infracciones-y-sus-areas",),
    "InfractionAliasView": ("informatica#normas-infracciones-y-sus-areas",),
    "ChecklistVersionView": ("informatica#listas-de-control",),
    "MinimumWageView": ("informatica#valores-que-cambian-por-norma",),
    "ParameterView": ("informatica#valores-que-cambian-por-norma",),
    "HolidayView": ("informatica#feriados-y-suspensiones",),
    "SuspensionView": ("informatica#feriados-y-suspensiones",),
    "ProcedureView": ("procedimientos#cambiar-el-procedimiento", "procedimientos#volver-atras"),
    "ActivityView": ("informatica#actividades-departamentos-y-distritos",),
    "DepartmentView": ("informatica#actividades-departamentos-y-distritos",),
    "DistrictView": ("informatica#actividades-departamentos-y-distritos", "informatica#oficinas"),
    "UserView": ("informatica#usuarios",),
    "AccessCodeView": ("informatica#quien-olvido-la-contrasena",),
    "SecondFactorResetView": ("informatica#segundo-factor",),
    "RoleView": ("informatica#funciones-y-grupos",),
    "GroupView": ("informatica#funciones-y-grupos",),
    "OfficeView": ("informatica#oficinas",),
    "InspectorView": ("coordinacion#inspectores-y-brigadas",),
    "BrigadeView": ("coordinacion#inspectores-y-brigadas",),
    "AbsenceView": ("coordinacion#ausencias-y-conflictos",),
    "ConflictView": ("coordinacion#ausencias-y-conflictos",),
    "PostView": ("firmas#titulares-y-delegaciones-secretaria-general",),
    "PostHolderView": ("firmas#titulares-y-delegaciones-secretaria-general",),
    "DelegationView": ("firmas#titulares-y-delegaciones-secretaria-general",),
    "BookView": ("firmas#libros-de-numeros-secretaria-general",),
    "AuditView": ("informatica#auditoria",),
    "BackupView": ("informatica#copias-de-respaldo", "informatica#restaurar"),
    "ApiKeyView": ("informatica#llaves-de-maquinas",),
}
"""View, or view and method -> the sections of the manuals that belong to it, the first one first."""

OTHERWISE = ("general#el-marco-de-cada-pantalla",)
MANUAL_OF = {
    Role.INSPECTOR: "inspeccion",
    Role.COORDINATOR: "coordinacion",
    Role.REGIONAL: "coordinacion",
    Role.DIRECTOR: "coordinacion",
    Role.MINISTER: "firmas",
    Role.SECRETARY: "firmas",
    Role.LEGAL: "firmas",
    Role.INTAKE: "registro",
    Role.LICENSING: "registro",
    Role.ADMIN: "informatica",
}
"""The manual of a role: of several sections of a screen, its own comes first."""


class HelpView(BaseView):
    """The manuals, beside a screen and whole."""

    route_base = "/ayuda"
    class_permission_name = "Help"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("get")
    def index(self) -> Any:
        """The contents of all manuals; `q` searches them."""
        q = asked()
        return self.render_template(
            "sis/help.html",
            title="Ayuda",
            q=q,
            found=_found(q),
            manuals=manuals.manuals(),
        )

    @expose("/manual/<name>")
    @has_access
    @permission_name("get")
    def manual(self, name: str) -> Any:
        """A manual whole."""
        if name not in manuals.NAMES:
            raise Missing()
        book = manuals.manual(name)
        return self.render_template("sis/help_manual.html", title=book.title, book=book, trail=_above())

    @expose("/glosario")
    @has_access
    @permission_name("get")
    def glossary(self) -> Any:
        """Every word of the glossary."""
        return self.render_template(
            "sis/glossary.html", title="Glosario", terms=manuals.glossary(), trail=_above()
        )

    @expose("/panel")
    @has_access
    @permission_name("get")
    def panel(self) -> str:
        """Beside a screen: the sections of `de`, or the one of `seccion`, or what answers `q`."""
        q, wanted, screen = asked(), request.args.get("seccion", ""), request.args.get("de", "")
        try:
            chosen = [manuals.section(wanted)] if wanted else sections_of(screen)
        except KeyError:
            raise Missing() from None
        return str(
            self.render_template(
                "sis/help_content.html",
                q=q,
                found=_found(q),
                sections=[manuals.manual(each.manual).whole(each) for each in chosen],
                screen=screen,
            )
        )


def _above() -> list[Crumb]:
    return [Crumb("Ayuda", url_for("HelpView.index"))]


def page_of(section: Section) -> str:
    """The address of a section in its manual."""
    return url_for("HelpView.manual", name=section.manual, _anchor=section.anchor)


def asked() -> str:
    """The words of a search of this request."""
    return request.args.get("q", "").strip()[:LONGEST]


def _found(q: str) -> list[tuple[Section, str]]:
    """The sections that answer a search, each with the passage found."""
    word = next(iter(fold(q).split()), "")
    return [(each, each.around(word)) for each in manuals.found(q)[:MOST]]


def keys_of(endpoint: str) -> tuple[str, ...]:
    """The sections of a screen: those of its method, else those of its view, else how screens work."""
    return SCREENS.get(endpoint) or SCREENS.get(endpoint.partition(".")[0]) or OTHERWISE


def sections_of(endpoint: str) -> list[Section]:
    """The sections of a screen; those of the manuals of one's own roles first."""
    own = {MANUAL_OF.get(role) for role in roles_of(current())}
    sections = [manuals.section(key) for key in keys_of(endpoint)]
    return sorted(sections, key=lambda each: each.manual not in own)


def linked(html: str) -> Markup:
    """The HTML of a manual, with the screens that it names as links, where the person may open them."""
    known = {
        f"{section.label} › {entry.label}": entry.get_url()
        for section, entries in shell.sections()
        for entry in entries
    }

    def link(found: re.Match[str]) -> str:
        url = known.get(found[1])
        return f'<a href="{escape(url)}">{found[1]}</a>' if url else found[0]

    return Markup(re.sub(r"<strong>([^<›]+ › [^<]+)</strong>", link, html))


def term(word: str, text: str = "") -> Markup:
    """A word with its meaning in the glossary, on hover, focus or touch: `{{ term('hallazgo') }}`."""
    known = manuals.terms().get(fold(word))
    shown = text or word
    if known is None:
        return escape(shown)
    key = f"termino-{next(g.setdefault('sis_terms', count(1)))}"
    return Markup(
        '<span class="sis-termed">'
        '<button class="sis-term" type="button" aria-describedby="{key}">{shown}</button>'
        '<span class="sis-meaning" role="tooltip" id="{key}">{meaning}</span></span>'
    ).format(key=key, shown=shown, meaning=known.meaning)


def register(app: Flask) -> None:
    """What templates ask."""

    def here() -> str:
        return page_of(sections_of(request.endpoint or "")[0])

    app.jinja_env.globals.update(
        term=term,
        linked=linked,
        help_page=page_of,
        help_url=here,
        help_fragment_url=lambda: url_for("HelpView.panel", de=request.endpoint or ""),
    )
