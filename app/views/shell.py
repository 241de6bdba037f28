"""The frame around every page: what one may open, what is new, in which theme.

Drawn by `templates/sis/base.html`. What depends on the person alone (theme, navigation) is kept in cookies
that the server reads, so that no page is drawn twice.
"""

from typing import Any

from flask import Flask, current_app, request, url_for
from flask_appbuilder import AppBuilder
from flask_login import current_user
from markupsafe import Markup

from app.assets_manifest import asset
from app.core.types import fold
from app.operations import notices

THEMES = {
    "light": ("Claro", "sun"),
    "dark": ("Oscuro", "moon"),
    "auto": ("Según el equipo", "device-desktop"),
}
THEME_COOKIE, FOLDED_COOKIE, SECTIONS_COOKIE = "sis_tema", "sis_menu", "sis_secciones"


def icon(name: str) -> Markup:
    """A picture of the sprite, for the eye alone: the word beside it says the same."""
    url = url_for("static", filename=asset("icons.svg"))
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>').format(url, name)


def theme() -> str:
    """The theme that this browser asked for; "auto" follows the device."""
    asked = request.cookies.get(THEME_COOKIE, "auto")
    return asked if asked in THEMES else "auto"


def sections() -> list[tuple[Any, list[Any]]]:
    """The navigation of the present user: sections, each with the entries that he may open."""
    if not current_user.is_authenticated:
        return []
    appbuilder: AppBuilder = current_app.extensions["appbuilder"]
    allowed: set[str] = appbuilder.sm.get_user_menu_access()
    found: list[tuple[Any, list[Any]]] = appbuilder.menu.sections(allowed)
    return found


def slug(section: str) -> str:
    """A section as the cookie of open sections names it."""
    return fold(section).replace(" ", "-")


def here(view: str = "") -> tuple[str, Any]:
    """The section and the entry that a view (the present one) belongs to; ("", None) outside the menu."""
    view = view or (request.endpoint or "").partition(".")[0]
    for section, entries in sections():
        for entry in entries:
            if getattr(entry.baseview, "endpoint", None) == view:
                return section.label, entry
    return "", None


def open_sections() -> set[str]:
    """The sections of the navigation that stand open: those that the person left so, and the present one."""
    return {*request.cookies.get(SECTIONS_COOKIE, "").split("."), slug(here()[0])}


def register(app: Flask) -> None:
    """What the frame's templates ask."""
    app.jinja_env.globals.update(
        icon=icon,
        theme=theme,
        themes=THEMES,
        nav_sections=sections,
        nav_here=here,
        nav_open=open_sections,
        nav_slug=slug,
        nav_folded=lambda: request.cookies.get(FOLDED_COOKIE) == "plegado",
        unread_notices=notices.count_unread,
    )
