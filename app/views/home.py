"""The first page: what waits for the person who entered, his notices, the figures of his offices."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from flask import Response, redirect, request, url_for
from flask_appbuilder import IndexView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy import Select, select

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing
from app.core.types import inside
from app.exchange.exports import Sheet
from app.models.followup import Notice, Term
from app.models.inspections import FinalReport, Finding, InspectionOrder, Visit
from app.operations import audit, figures, notices
from app.operations.figures import Waiting
from app.security.principal import current
from app.security.roles import Role
from app.security.scope import roles_of
from app.views.exports import download, export_links, keys
from app.views.inspections.shown import Mark, mark, page_of, term_mark, validity
from app.views.widgets import day, whole

PAGE = 25
LATEST = 50
"""Notices on the page of all of them."""
GUIDES = frozenset({Role.COORDINATOR, Role.REGIONAL, Role.INSPECTOR})
"""Who follows the visits of the day."""


@dataclass(frozen=True)
class Row:
    """A record that waits: its name, where, how it stands, its page."""

    name: str
    place: str
    mark: Mark | None
    url: str


@dataclass(frozen=True)
class Group:
    """Records that wait for the same reason."""

    title: str
    icon: str
    rows: list[Row]
    total: int
    more: str = ""


class HomeView(IndexView):
    """«Mi trabajo»."""

    class_permission_name = "Home"

    @expose("/")
    @has_access
    @permission_name("get")
    def index(self) -> str:
        """The landing page; anonymous visitors are sent to log in."""
        who = current()
        roles = roles_of(who)
        table = figures.by_office(who, roles) if figures.reads_figures(roles) else None
        return str(
            self.render_template(
                "sis/home.html",
                groups=self._groups(roles),
                notices=figures.notices(who.account_id),
                figures=table,
                exports=export_links("HomeView.export") if table is not None else [],
                measures=figures.MEASURES,
                most=_largest(table),
                links=_links(table),
                today=clock.today(),
            )
        )

    @expose("/avisos")
    @has_access
    @permission_name("get")
    def notices(self) -> str:
        """The latest notices, read or not."""
        rows = Session.scalars(_own_notices().limit(LATEST)).all()
        exports = export_links("HomeView.export_notices")
        return str(self.render_template("sis/notices.html", title="Avisos", rows=rows, exports=exports))

    @expose("/avisos/exportar.<form>")
    @has_access
    @permission_name("get")
    def export_notices(self, form: str) -> Response:
        """All of one's own notices as a spreadsheet."""
        cells = [
            ("Fecha", lambda row: row.created_at),
            ("Aviso", lambda row: row.text),
            ("Leído", lambda row: row.read_at),
            *keys(Notice),
        ]
        return download(Sheet("Avisos", "notice", cells, _own_notices()), form)

    @expose("/avisos/leidos", methods=["POST"])
    @has_access
    @permission_name("get")
    def read(self) -> Any:
        """Mark notices of one's own as read."""
        sent = request.form.getlist("notice")
        notices.mark_read([key for key in map(whole, sent) if key is not None])
        return redirect(
            url_for("HomeView.notices" if request.form.get("from") == "all" else "HomeView.index")
        )

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

    @expose("/plazos/exportar.<form>")
    @has_access
    @permission_name("export")
    def export_terms(self, form: str) -> Response:
        """The running terms as a spreadsheet."""
        asked, offices = request.args, figures.office_codes()
        cells = [
            ("Registro", lambda term: figures.name_of(term.record)),
            ("Plazo", lambda term: term.type.name),
            ("Vencimiento", lambda term: term.due_on),
            ("Situación", lambda term: term_mark(term).text),
            ("Oficina", lambda term: offices.get(term.office_id)),
            *keys(Term),
        ]
        query = figures.running_terms(whole(asked.get("oficina")), bool(asked.get("vencidos")))
        return download(Sheet("Plazos en curso", "term", cells, query), form)

    @expose("/plazos")
    @has_access
    @permission_name("get")
    def terms(self) -> str:
        """The running terms within the person's scope, by their last day; pages by key."""
        asked = request.args
        office, after = whole(asked.get("oficina")), whole(asked.get("despues"))
        rows, offices = figures.terms_page(office, bool(asked.get("vencidos")), after, PAGE + 1)
        kept = {name: asked[name] for name in ("oficina", "vencidos") if asked.get(name)}
        return str(
            self.render_template(
                "sis/terms.html",
                title="Plazos en curso",
                exports=export_links("HomeView.export_terms")
                if self.appbuilder.sm.has_access("can_export", "Home")
                else [],
                rows=[
                    (term, figures.name_of(term.record), term_mark(term), page_of(term.record))
                    for term in rows[:PAGE]
                    if term.record is not None
                ],
                offices=offices,
                asked=asked,
                next_url=url_for("HomeView.terms", **kept, despues=rows[PAGE - 1].id)
                if len(rows) > PAGE
                else None,
                first_url=url_for("HomeView.terms", **kept) if after is not None else None,
                searching=bool(kept),
            )
        )

    def _groups(self, roles: frozenset[Role]) -> list[Group]:
        """What waits, the most pressing first; groups without anything are left out."""
        known = figures.processes() if roles else []
        signs = figures.states_awaiting(known, roles, signing=True)
        waits = figures.states_awaiting(known, roles, signing=False)
        inspector = Role.INSPECTOR in roles
        found = [
            _group("Para firmar", "signature", *(self._waiting(kind, signs) for kind in KINDS)),
            self._visits(roles),
        ]
        if inspector:
            mine = figures.my_orders(current().account_id or 0)
            found.append(_group("Mis órdenes", "file-text", mine, more=_list("OrderView", mias=1)))
            waits.pop(InspectionOrder.process, None)
        found += [
            _group("Órdenes por seguir", "file-text", self._waiting(InspectionOrder, waits)),
            _group("Hallazgos por atender", "alert-triangle", self._waiting(Finding, waits)),
            _group(
                "Informes por escribir o firmar" if inspector else "Informes por revisar",
                "scale",
                self._waiting(FinalReport, waits),
                more=_list("ReportView"),
            ),
        ]
        if self.appbuilder.sm.has_access("can_review", "Step"):
            found.append(_held())
        found.append(_terms(figures.terms_at_hand(known, roles)))
        return [group for group in found if group.rows]

    def _visits(self, roles: frozenset[Role]) -> Group:
        today = figures.visits_of_today() if roles & GUIDES else figures.NOTHING
        return _group("Visitas de hoy", "map-pin", today)

    def _waiting(self, kind: type[Any], states: dict[str, list[tuple[str, str]]]) -> Waiting:
        return figures.waiting(kind, states.get(kind.process, []))


def _own_notices() -> Select[Notice]:
    return select(Notice).where(Notice.account_id == current().account_id).order_by(Notice.id.desc())


KINDS: tuple[type[Any], ...] = (InspectionOrder, Finding, FinalReport)


def _group(title: str, icon: str, *found: Waiting, more: str = "") -> Group:
    rows = [_row(record) for each in found for record in each.rows]
    return Group(title, icon, rows, sum(each.total for each in found), more)


def _row(record: Any) -> Row:
    planned = isinstance(record, Visit) and record.planned_on is not None and record.happened_on is None
    place = figures.about(record)
    if planned:
        place = f"{day(record.planned_on)} · {place}" if place else day(record.planned_on)
    if isinstance(record, InspectionOrder) and record.valid_until is not None:
        place = f"{place} · {inside(validity(record))}"
    return Row(figures.name_of(record), place, mark(record), page_of(record))


def _held() -> Group:
    rows = [
        Row(
            figures.name_of(step.record),
            f"{step.name}, {day(step.happened_on)}. {' '.join(step.holds)}",
            Mark("Retenido", "sis-state-late"),
            page_of(step.record),
        )
        for step in figures.held()
        if step.record is not None
    ]
    return Group("Actos retenidos", "hand-stop", rows, len(rows))


def _terms(found: Waiting) -> Group:
    rows = [
        Row(figures.name_of(term.record), term.type.name, term_mark(term), page_of(term.record))
        for term in found.rows
        if term.record is not None
    ]
    return Group("Plazos vencidos y por vencer", "clock", rows, found.total, url_for("HomeView.terms"))


def _list(view: str, **filters: Any) -> str:
    return url_for(f"{view}.list", **filters)


def _links(table: figures.Figures | None) -> dict[str, Any]:
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


def _largest(table: figures.Figures | None) -> dict[tuple[str, int], int]:
    """The largest number of each column, on which its bars are drawn."""
    if table is None:
        return {}
    return {
        (name, span): max((line.counts[name][span] for line in table.lines), default=0) or 1
        for name, _ in figures.MEASURES
        for span in (0, 1)
    } | {("overdue", 0): max((line.overdue for line in table.lines), default=0) or 1}
