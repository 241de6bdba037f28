"""The figures of the offices (working rule 26): their table on the first page, and as a spreadsheet."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from flask import Response, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app.core.errors import Missing
from app.exchange.exports import Sheet
from app.operations import audit, figures
from app.security.principal import current
from app.security.scope import roles_of
from app.views.exports import download
from app.views.widgets import day


class FigurePages:
    """The spreadsheet of the figures; part of the first page's view."""

    @expose("/mi-trabajo/cifras.<form>")
    @has_access
    @permission_name("get")
    def export(self, form: str) -> Response:
        """The figures of the offices as a spreadsheet."""
        who = current()
        roles = roles_of(who)
        if not figures.reads_figures(roles):
            raise Missing()
        found = figures.by_office(who, roles)
        rows = [line.cells for line in (*found.lines, found.total)]
        if roles & figures.NATIONAL:  # a copy of the head of the trail outside of the system
            blank = [None] * (len(figures.COLUMNS) - 1)
            head = audit.head()
            rows.append([f"Cabeza del rastro de auditoría {head.seq}:{head.hash}", *blank])
        cells = [(title, itemgetter(place)) for place, title in enumerate(figures.COLUMNS)]
        name = f"Cifras por oficina {found.on.isoformat()}"
        return download(Sheet(name, "figures", cells, rows=rows), form)


def links(table: figures.Figures | None) -> dict[str, Any]:
    """Measure -> the address of the list that a number leads to, by office and span (0: week, 1: year)."""
    if table is None:
        return {}
    since = (table.week_from, table.year_from)

    def leading(view: str, office_name: str) -> Any:
        return lambda office, span: url_for(
            view, **{office_name: office}, desde=day(since[span]), hasta=day(table.on), cuenta=1
        )

    return {
        "orders": leading("OrderView.list", "oficina"),
        "visits": leading("VisitView.list", "office"),
        "findings": leading("FindingView.list", "office"),
        "overdue": lambda office: url_for("HomeView.terms", oficina=office, vencidos=1),
    }


def largest(table: figures.Figures | None) -> dict[tuple[str, int], int]:
    """The largest number of each column, on which its bars are drawn."""
    if table is None:
        return {}
    return {
        (name, span): max((line.counts[name][span] for line in table.lines), default=0) or 1
        for name, _ in figures.MEASURES
        for span in (0, 1)
    } | {("overdue", 0): max((line.overdue for line in table.lines), default=0) or 1}
