"""The frame around every page: where one is, what one may open, in which theme.

Drawn by `templates/sis/base.html`. What depends on the person alone (theme, folded navigation) is kept in
cookies that the server reads, so that no page is drawn twice.
"""

from dataclasses import dataclass
from typing import Any

from flask import Flask, request, url_for
from flask_appbuilder import AppBuilder
from flask_login import current_user
from markupsafe import Markup

from app.assets_manifest import asset

THEMES = {"light": "Claro", "dark": "Oscuro", "auto": "Según el equipo"}
THEME_COOKIE, FOLDED_COOKIE = "sis_tema", "sis_menu"


@dataclass(frozen=True)
class Crumb:
    """A step of the way to this page; without an address it is a section or the page itself."""

    label: str
    url: str = ""


def icon(name: str) -> Markup:
    """A picture of the sprite, for the eye alone: the word beside it says the same."""
    url = url_for("static", filename=asset("icons.svg"))
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>').format(url, name)


def theme() -> str:
    """The theme that this browser asked for; "auto" follows the device."""
    asked = request.cookies.get(THEME_COOKIE, "auto")
    return asked if asked in THEMES else "auto"


def sections(appbuilder: AppBuilder) -> list[tuple[Any, list[Any]]]:
    """The navigation of the present user: sections, each with the entries that he may open."""
    if not current_user.is_authenticated:
        return []
    allowed: set[str] = appbuilder.sm.get_user_menu_access()
    found: list[tuple[Any, list[Any]]] = appbuilder.menu.sections(allowed)
    return found


def here(appbuilder: AppBuilder) -> tuple[str, Any]:
    """The section and the entry that the present page belongs to; ("", None) for a page outside the menu."""
    view = (request.endpoint or "").partition(".")[0]
    for section, entries in sections(appbuilder):
        for entry in entries:
            if getattr(entry.baseview, "endpoint", None) == view:
                return section.label, entry
    return "", None


def crumbs(appbuilder: AppBuilder) -> list[Crumb]:
    """The way to this page, without the page itself."""
    section, entry = here(appbuilder)
    if entry is None:
        return []
    url = entry.get_url()
    return [Crumb(section), *([] if request.path == url else [Crumb(entry.label, url)])]


def register(app: Flask, appbuilder: AppBuilder) -> None:
    """What the frame's template asks."""
    app.jinja_env.globals.update(
        icon=icon,
        theme=theme,
        nav_sections=lambda: sections(appbuilder),
        nav_here=lambda: here(appbuilder),
        crumbs=lambda: crumbs(appbuilder),
        nav_folded=lambda: request.cookies.get(FOLDED_COOKIE) == "plegado",
    )
