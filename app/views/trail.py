"""The way to the present page, above its title: «Inspecciones › Órdenes › OI-2026-000077 › Visita 2»."""

from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, request, url_for
from sqlalchemy import inspect

from app.core.base import Session
from app.models.inspections import FinalReport, Finding, InspectionOrder, Visit
from app.operations import work
from app.views.inspections.shown import page_of
from app.views.shell import here


@dataclass(frozen=True)
class Crumb:
    """A step of the way to this page; without an address it is a section or the page itself."""

    label: str
    url: str = ""


def crumbs(trail: Any = None) -> list[Crumb]:
    """The way to this page, without the page itself.

    `trail` is what the page is about: a record, or the view's own crumbs behind the entry of the menu.
    """
    behind = trail if isinstance(trail, list) else [*_above(trail or _edited())]
    record = None if isinstance(trail, list) else trail
    section, entry = here(_list_of(record))
    if entry is None:
        home = url_for("HomeView.index")
        return [] if request.path == home else [Crumb("Mi trabajo", home), *behind]
    url = entry.get_url()
    way = [Crumb(section)] if request.path == url else [Crumb(section), Crumb(entry.label, url)]
    return [*way, *(crumb for crumb in behind if crumb.url != request.path)]


def _list_of(record: Any) -> str:
    """The view that the way to a record begins with: the parts of a file begin with its order."""
    return "OrderView" if isinstance(record, InspectionOrder | Visit | Finding | FinalReport) else ""


def _above(record: Any) -> list[Crumb]:
    """A record and what it is part of, from above."""
    if isinstance(record, InspectionOrder):
        return [Crumb(record.number, page_of(record))]
    if isinstance(record, Visit | FinalReport):
        name = f"Visita {record.number}" if isinstance(record, Visit) else "Informe"
        return [*_above(record.order), Crumb(name, page_of(record))]
    if isinstance(record, Finding):
        return [*_above(record.visit), Crumb(work.name_of(record).partition(" · ")[0], page_of(record))]
    if isinstance(record, Crumb):
        return [record]
    return []


def _edited() -> Crumb | None:
    """The page of the record that a page of its registry changes."""
    view = (request.endpoint or "").partition(".")[0]
    kind = next((v.kind for v in _views() if v.endpoint == view and hasattr(v, "kind")), None)
    if kind is None or f"{view}.show" not in current_app.view_functions:
        return None
    key = str((request.view_args or {}).get("pk", ""))
    loaded = (row for row in Session.identity_map.values() if isinstance(row, kind))
    row = next((row for row in loaded if str(inspect(row).identity[0]) == key), None)
    return None if row is None else Crumb(str(row), url_for(f"{view}.show", pk=key))


def _views() -> list[Any]:
    views: list[Any] = current_app.extensions["appbuilder"].baseviews
    return views


def register(app: Flask) -> None:
    """What the frame's template asks."""
    app.jinja_env.globals["crumbs"] = crumbs
