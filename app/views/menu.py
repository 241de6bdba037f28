"""Registration is data: every screen, its place in the menu, in one table.

A screen that is not here does not exist; the entry is visible to those whose grants let them through the
screen's first door. `register` feeds Flask-AppBuilder.
"""

from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask_appbuilder import AppBuilder
from flask_appbuilder.menu import Menu

from app.views import account, catalogs


@dataclass(frozen=True)
class Item:
    """A screen: its view, the words of its entry, its section; without words it has no entry."""

    view: type
    name: str = ""
    section: str = ""
    icon: str = ""
    door: str = "can_list"


SECTIONS = {"Registro": "fa-building-o", "Administración": "fa-cogs"}

ITEMS = (
    Item(account.AuthView),
    Item(account.MyAccountView),
    Item(catalogs.OfficeView, "Oficinas", "Administración", "fa-sitemap"),
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
