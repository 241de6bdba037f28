"""Registration is data: every screen, its place in the menu, in one table.

A screen that is not here does not exist; the entry is visible to those whose grants let them through the
screen's first door. `register` feeds Flask-AppBuilder.
"""

from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask_appbuilder import AppBuilder
from flask_appbuilder.menu import Menu

from app.views import (
    account,
    api,
    api_keys,
    audit,
    backups,
    books,
    catalogs,
    checklists,
    inspections,
    norms,
    recovery,
    references,
    register_import,
    registry,
    roles,
    second_factor,
    staff,
    users,
)


@dataclass(frozen=True)
class Item:
    """A screen: its view, the words of its entry, its section; without words it has no entry."""

    view: type
    name: str = ""
    section: str = ""
    icon: str = ""
    door: str = "can_list"


SECTIONS = {
    "Inspección": "fa-search",
    "Registro": "fa-building-o",
    "Catálogos": "fa-book",
    "Administración": "fa-cogs",
}

ITEMS = (
    Item(account.AuthView),
    Item(account.MyAccountView),
    Item(recovery.RecoveryView),
    Item(second_factor.CodeView),
    Item(second_factor.SecondFactorView),
    Item(references.LookupView),
    Item(inspections.OrderView, "Órdenes", "Inspección", "fa-file-text-o"),
    Item(inspections.VisitView, "Visitas", "Inspección", "fa-map-marker"),
    Item(inspections.FindingView, "Hallazgos", "Inspección", "fa-exclamation-triangle"),
    Item(inspections.ReportView, "Informes finales", "Inspección", "fa-balance-scale"),
    Item(inspections.TransferView, "Pases entre oficinas", "Inspección", "fa-share-square-o"),
    Item(inspections.SigningDeskView, "Mesa de firmas", "Inspección", "fa-pencil-square-o"),
    Item(inspections.StepView),
    Item(inspections.CorrectionView),
    Item(inspections.RequestView),
    Item(inspections.DocumentView),
    Item(registry.EmployerView, "Empleadores", "Registro", "fa-building-o"),
    Item(registry.EstablishmentView, "Establecimientos", "Registro", "fa-map-marker"),
    Item(registry.WorkerView, "Trabajadores", "Registro", "fa-user-o"),
    Item(registry.DuplicatesView, "Unir duplicados", "Registro", "fa-compress"),
    Item(register_import.RegisterImportView, "Importar historial", "Registro", "fa-upload"),
    Item(registry.PatronalNumberView),
    Item(registry.HeadcountView),
    Item(registry.ContactView),
    Item(norms.NormView, "Normas", "Catálogos", "fa-gavel"),
    Item(norms.InfractionView, "Infracciones", "Catálogos", "fa-exclamation-triangle"),
    Item(norms.InfractionAreaView, "Áreas de infracciones", "Catálogos", "fa-tags"),
    Item(norms.InfractionAliasView, "Alias de infracciones", "Catálogos", "fa-random"),
    Item(checklists.ChecklistVersionView, "Listas de control", "Catálogos", "fa-check-square-o"),
    Item(norms.MinimumWageView, "Salario mínimo y jornal", "Catálogos", "fa-money"),
    Item(norms.ParameterView, "Parámetros", "Catálogos", "fa-sliders"),
    Item(norms.HolidayView, "Feriados", "Catálogos", "fa-calendar"),
    Item(norms.SuspensionView, "Suspensiones de plazos", "Catálogos", "fa-pause-circle-o"),
    Item(catalogs.ActivityView, "Actividades (CIIU)", "Catálogos", "fa-industry"),
    Item(catalogs.DepartmentView, "Departamentos", "Catálogos", "fa-map-o"),
    Item(catalogs.DistrictView, "Distritos", "Catálogos", "fa-map-marker"),
    Item(users.UserView, "Usuarios", "Administración", "fa-users"),
    Item(recovery.AccessCodeView, "Códigos de acceso", "Administración", "fa-key"),
    Item(second_factor.SecondFactorResetView, "Segundo factor", "Administración", "fa-mobile"),
    Item(roles.RoleView, "Funciones", "Administración", "fa-id-card-o"),
    Item(roles.GroupView, "Grupos", "Administración", "fa-object-ungroup"),
    Item(catalogs.OfficeView, "Oficinas", "Administración", "fa-sitemap"),
    Item(staff.InspectorView, "Inspectores", "Administración", "fa-id-badge"),
    Item(staff.BrigadeView, "Brigadas", "Administración", "fa-object-group"),
    Item(staff.AbsenceView, "Ausencias", "Administración", "fa-calendar-times-o"),
    Item(staff.ConflictView, "Conflictos de interés", "Administración", "fa-user-times"),
    Item(staff.PostView, "Cargos", "Administración", "fa-certificate"),
    Item(staff.PostHolderView, "Titulares de cargos", "Administración", "fa-pencil-square-o"),
    Item(staff.DelegationView, "Delegaciones de firma", "Administración", "fa-share"),
    Item(books.BookView, "Libros de numeración", "Administración", "fa-list-ol"),
    Item(audit.AuditView, "Auditoría", "Administración", "fa-eye"),
    Item(backups.BackupView, "Copias de respaldo", "Administración", "fa-life-ring"),
    Item(api_keys.ApiKeyView, "Llaves de máquinas", "Administración", "fa-plug"),
    *(Item(part) for part in api.PARTS),
)


def register(app: Flask, appbuilder: AppBuilder) -> None:
    """Add every screen of the table, and what the security manager needs to draw the menu."""
    doors: dict[str, tuple[str, str]] = {}
    for item in ITEMS:
        if not item.name:
            appbuilder.add_view_no_menu(item.view)
            continue
        view = appbuilder.add_view(
            item.view,
            item.name,
            label=item.name,
            icon=item.icon,
            category=item.section,
            category_icon=SECTIONS[item.section],
            category_label=item.section,
        )
        doors[item.name] = (item.door, view.class_permission_name)
    app.extensions["sis_menu"] = doors
    appbuilder.sm.auth_view = next(
        view for view in appbuilder.baseviews if isinstance(view, account.AuthView)
    )


class WorkMenu(Menu):
    """The menu as the templates read it: sections with the entries that the user may see."""

    def sections(self, allowed: set[str]) -> list[tuple[Any, list[Any]]]:
        """Each section with its visible entries; a section without any is left out."""
        found = [
            (section, [child for child in section.childs if child.name in allowed]) for section in self.menu
        ]
        return [(section, children) for section, children in found if children]
