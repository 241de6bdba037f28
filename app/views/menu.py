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
    help,
    inspections,
    lists,
    norms,
    procedures,
    recovery,
    references,
    register_import,
    registry,
    roles,
    search,
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
    "Inspecciones": "clipboard-list",
    "Registro": "building",
    "Personal": "users",
    "Catálogos": "book",
    "Administración": "settings",
}

ITEMS = (
    Item(account.AuthView),
    Item(account.MyAccountView),
    Item(recovery.RecoveryView),
    Item(second_factor.CodeView),
    Item(second_factor.SecondFactorView),
    Item(references.LookupView),
    Item(lists.SavedListView),
    Item(search.SearchView),
    Item(help.HelpView),
    Item(inspections.OrderView, "Órdenes", "Inspecciones", "file-text"),
    Item(inspections.VisitView, "Visitas", "Inspecciones", "map-pin"),
    Item(inspections.FindingView, "Hallazgos", "Inspecciones", "alert-triangle"),
    Item(inspections.ReportView, "Informes finales", "Inspecciones", "scale"),
    Item(inspections.TransferView, "Pases entre oficinas", "Inspecciones", "arrows-exchange"),
    Item(inspections.SigningDeskView, "Mesa de firmas", "Inspecciones", "signature"),
    Item(inspections.StepView),
    Item(procedures.ExtraDataView),
    Item(inspections.CorrectionView),
    Item(inspections.RequestView),
    Item(inspections.DocumentView),
    Item(registry.EmployerView, "Empleadores", "Registro", "briefcase"),
    Item(registry.EstablishmentView, "Establecimientos", "Registro", "building-store"),
    Item(registry.WorkerView, "Trabajadores", "Registro", "user"),
    Item(registry.DuplicatesView, "Unir duplicados", "Registro", "arrows-join"),
    Item(register_import.RegisterImportView, "Importar historial", "Registro", "upload"),
    Item(registry.PatronalNumberView),
    Item(registry.HeadcountView),
    Item(registry.ContactView),
    Item(staff.InspectorView, "Inspectores", "Personal", "id-badge-2"),
    Item(staff.BrigadeView, "Brigadas", "Personal", "users-group"),
    Item(staff.AbsenceView, "Ausencias", "Personal", "calendar-off"),
    Item(staff.ConflictView, "Conflictos de interés", "Personal", "user-x"),
    Item(staff.PostView, "Cargos", "Personal", "certificate"),
    Item(staff.PostHolderView, "Titulares de cargos", "Personal", "user-check"),
    Item(staff.DelegationView, "Delegaciones de firma", "Personal", "share"),
    Item(norms.NormView, "Normas", "Catálogos", "license"),
    Item(norms.InfractionView, "Infracciones", "Catálogos", "gavel"),
    Item(norms.InfractionAreaView, "Áreas de infracciones", "Catálogos", "tags"),
    Item(norms.InfractionAliasView, "Alias de infracciones", "Catálogos", "arrows-shuffle"),
    Item(procedures.ProcedureView, "Procedimientos", "Catálogos", "git-branch"),
    Item(checklists.ChecklistVersionView, "Listas de control", "Catálogos", "checklist"),
    Item(norms.MinimumWageView, "Salario mínimo y jornal", "Catálogos", "coin"),
    Item(norms.ParameterView, "Parámetros", "Catálogos", "adjustments-horizontal"),
    Item(norms.HolidayView, "Feriados", "Catálogos", "calendar"),
    Item(norms.SuspensionView, "Suspensiones de plazos", "Catálogos", "player-pause"),
    Item(catalogs.ActivityView, "Actividades (CIIU)", "Catálogos", "building-factory-2"),
    Item(catalogs.DepartmentView, "Departamentos", "Catálogos", "map"),
    Item(catalogs.DistrictView, "Distritos", "Catálogos", "map-pin"),
    Item(users.UserView, "Usuarios", "Administración", "users"),
    Item(recovery.AccessCodeView, "Códigos de acceso", "Administración", "key"),
    Item(second_factor.SecondFactorResetView, "Segundo factor", "Administración", "device-mobile"),
    Item(roles.RoleView, "Funciones", "Administración", "id"),
    Item(roles.GroupView, "Grupos", "Administración", "circles"),
    Item(catalogs.OfficeView, "Oficinas", "Administración", "sitemap"),
    Item(books.BookView, "Libros de numeración", "Administración", "list-numbers"),
    Item(audit.AuditView, "Auditoría", "Administración", "eye"),
    Item(backups.BackupView, "Copias de respaldo", "Administración", "lifebuoy"),
    Item(api_keys.ApiKeyView, "Llaves de máquinas", "Administración", "plug"),
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
