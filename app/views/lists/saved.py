"""Lists that people keep: filters under a name, columns chosen. An address is kept; it grants nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.models.lists import SavedList
from app.operations import lists
from app.views.widgets import whole


def of_screen(screen: str) -> tuple[Sequence[SavedList], Sequence[str]]:
    """The lists of a screen that the present person may open, and the columns that he chose."""
    query = select(SavedList).where(SavedList.screen == screen, lists.within_reach())
    rows = Session.scalars(query.order_by(SavedList.name)).all()
    chosen: Sequence[str] = next((row.columns for row in rows if row.columns), ())
    return tuple(row for row in rows if row.name is not None), chosen


class SavedListView(BaseView):
    """What the menus «Guardadas» and «Columnas» of a list send."""

    route_base = "/listas"
    class_permission_name = "SavedList"

    @expose("/guardar", methods=["POST"])
    @has_access
    @permission_name("keep")
    def keep(self) -> Response:
        """Keep the filters of a list under a name."""
        view, sent = self._view(), request.form
        here = view.cleaned(sent.get("here", ""))
        try:
            row = lists.keep(view.endpoint, sent.get("name", ""), here, bool(sent.get("shared")))
        except RuleBroken as error:
            flash(error.message, "danger")
        else:
            flash(f"Se guardó la lista «{row.name}».", "success")
        return self._back(view)

    @expose("/borrar", methods=["POST"])
    @has_access
    @permission_name("keep")
    def drop(self) -> Response:
        """Take a kept list away."""
        view = self._view()
        row = lists.drop(whole(request.form.get("key")) or 0)
        flash(f"Se borró la lista «{row.name}».", "success")
        return self._back(view)

    @expose("/columnas", methods=["POST"])
    @has_access
    @permission_name("keep")
    def columns(self) -> Response:
        """Choose the columns that one sees of a list."""
        view, chosen = self._view(), request.form.getlist("column")
        names = [each.name for each in view.declared().columns if each.name in chosen]
        lists.choose(view.endpoint, [] if "again" in request.form else names)
        return self._back(view)

    def _view(self) -> Any:
        """The view whose list is meant, for who may list it. Raises Missing."""
        screen = request.form.get("screen", "")
        found = (each for each in self.appbuilder.baseviews if each.endpoint == screen)
        view = next((each for each in found if hasattr(each, "declared")), None)
        if view is None or not self.appbuilder.sm.has_access("can_list", view.class_permission_name):
            raise Missing()
        return view

    def _back(self, view: Any) -> Response:
        here = view.cleaned(request.form.get("here", ""))
        return redirect(url_for(f"{view.endpoint}.list") + (f"?{here}" if here else ""))
