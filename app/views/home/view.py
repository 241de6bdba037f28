"""«Mi trabajo»: the numbers that matter to the role, what waits, the calendar, the team; the lists behind."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for
from flask_appbuilder import IndexView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing
from app.exchange.exports import Sheet
from app.models.staff import Inspector
from app.operations import audit, backups, figures, upkeep, work
from app.operations.work import BY_CODE, NOTHING, QUEUES, Desk, Queue
from app.security.principal import current
from app.security.roles import Role
from app.security.scope import roles_of
from app.views.exports import download, export_links
from app.views.health import BACKUP_EVERY
from app.views.home import days, offices
from app.views.home.notices import NoticePages
from app.views.home.offices import FigurePages
from app.views.home.shown import Group, Number, address_of, row_of, stops, title_of
from app.views.home.terms import TermPages
from app.views.inspections.shown import mark
from app.views.widgets import whole

PAGE = 25
VISITS, SIGNATURES = "visitas-de-hoy", "para-firmar"
"""Queues with a place of their own on the page."""
NOTICES = 3
"""Unread notices on the page."""
STOPS = 30
"""Visits of a day that an inspector sees at once."""
PRESSED = ("vencidos", "vencen-hoy", "esta-semana")
"""The queues of terms, shown together."""
NUMBERS_ALONE = frozenset({"actas", "en-termino"})
"""Queues that are a number of the page and no part of it."""
NUMBERS: tuple[tuple[Role, tuple[str, ...]], ...] = (
    (Role.INSPECTOR, ("visitas-de-hoy", "actas", "vencidos")),
    (Role.COORDINATOR, ("sin-asignar", "vencidos", "informes")),
    (Role.REGIONAL, ("sin-asignar", "vencidos", "para-firmar")),
    (Role.DIRECTOR, ("informes", "para-firmar", "vencidos")),
    (Role.MINISTER, ("para-firmar", "en-termino", "vencidos")),
    (Role.SECRETARY, ("para-firmar", "hallazgos", "vencidos")),
    (Role.LEGAL, ("para-firmar", "informes", "vencidos")),
    (Role.OSH, ("informes", "en-termino", "vencidos")),
    (Role.INTAKE, ("vencen-hoy", "esta-semana", "vencidos")),
    (Role.NOTIFIER, ("hallazgos",)),
    (Role.JUDGE, ("en-sumario",)),
    (Role.AUDITOR, ("retenidos", "vencidos")),
)
"""Role -> the queues whose numbers matter to it; who has several roles sees those of the first one here."""
PRESSING = frozenset({"vencidos", "sin-asignar", "retenidos"})
"""Queues that should be empty."""
AT_LEAST = 3
"""Numbers on the page; the unread notices fill up."""


class HomeView(NoticePages, TermPages, FigurePages, IndexView):
    """«Mi trabajo»."""

    class_permission_name = "Home"

    @expose("/")
    @has_access
    @permission_name("get")
    def index(self) -> str:
        """The landing page; anonymous visitors are sent to log in."""
        desk = self._desk()
        unread, total = work.notices(desk.who.account_id, NOTICES)
        asked = days.Asked(desk.today, desk.today)
        walks = Role.INSPECTOR in desk.roles
        wanted = {
            queue.code: (query, STOPS if walks and queue.code == VISITS else work.SHOWN)
            for queue in QUEUES
            if self._shows(queue, desk) and (query := queue.select(desk)) is not None
        }
        listing, month = days.queries_of(desk, asked)
        if listing is not None:
            wanted["agenda"] = (listing, days.MOST)
        found, busy = work.first_of(wanted, month)
        listed = found.pop("agenda", NOTHING)
        groups = {code: _group(BY_CODE[code], desk, waiting) for code, waiting in found.items()}
        apart = {*NUMBERS_ALONE, *PRESSED, SIGNATURES, *([VISITS] if walks else [])}
        table = figures.by_office(desk.who, desk.roles) if figures.reads_figures(desk.roles) else None
        return str(
            self.render_template(
                "sis/home.html",
                numbers=self._numbers(desk, groups, total),
                visits=groups.get(VISITS) if walks else None,
                signatures=[group for code, group in groups.items() if code == SIGNATURES and group.rows],
                pressed=[groups[code] for code in PRESSED if code in groups],
                groups=[group for code, group in groups.items() if group.rows and code not in apart],
                action=self._action(groups),
                notices=unread,
                unread=total,
                agenda=days.drawn(desk, asked, listed, busy) if listing is not None else None,
                team=work.team(desk) if work.leads(desk) else [],
                figures=table,
                exports=export_links("HomeView.export") if table is not None else [],
                measures=figures.MEASURES,
                most=offices.largest(table),
                links=offices.links(table),
                today=desk.today,
                weekday=days.WEEKDAYS[desk.today.weekday()],
            )
        )

    @expose("/mi-trabajo/agenda")
    @has_access
    @permission_name("get")
    def agenda(self) -> str:
        """The calendar at another day, or the list of one day."""
        desk = self._desk()
        asked = days.Asked.read(request.args, desk.today)
        query, month = days.queries_of(desk, asked)
        if query is None:
            raise Missing()
        found, busy = work.first_of({"agenda": (query, days.MOST)}, month)
        agenda = days.drawn(desk, asked, found["agenda"], busy)
        return str(self.render_template("sis/agenda.html", title="Agenda", agenda=agenda))

    @expose("/mi-trabajo/lista")
    @has_access
    @permission_name("get")
    def queue(self) -> str:
        """Everything in a queue, the most pressing first: what the number on the first page counts."""
        desk = self._desk()
        queue, query, title = self._asked(desk)
        number = min(max(whole(request.args.get("pagina")) or 1, 1), 10_000)
        waiting = work.page_of(query, number, PAGE)
        kept = {name: value for name, value in request.args.items() if name != "pagina"}

        def page(to: int) -> str:
            return url_for("HomeView.queue", **{**kept, "pagina": to})

        return str(
            self.render_template(
                "sis/queue.html",
                title=title,
                nothing=queue.nothing,
                rows=[row_of(item, desk.today) for item in waiting.rows],
                total=waiting.total,
                number=number,
                previous_url=page(number - 1) if number > 1 else None,
                next_url=page(number + 1) if number * PAGE < waiting.total else None,
                exports=export_links("HomeView.export_queue") if self._may("can_export") else [],
            )
        )

    @expose("/mi-trabajo/lista/exportar.<form>")
    @has_access
    @permission_name("export")
    def export_queue(self, form: str) -> Response:
        """A queue as a spreadsheet."""
        desk = self._desk()
        _, query, title = self._asked(desk)
        cells = [
            ("Registro", lambda item: work.name_of(item.record)),
            ("De qué trata", lambda item: item.word or work.about(item.record)),
            ("Estado", lambda item: mark(item.record).text),
            ("Vence", lambda item: item.due),
            ("Identificador público", lambda item: str(item.record.uuid)),
        ]
        return download(Sheet(title, "work", cells, rows=work.every(query)), form)

    @expose("/mi-trabajo/sistema")
    @has_access
    @permission_name("watch")
    def upkeep(self) -> str:
        """People who cannot work yet, tasks of the system that failed or wait."""
        tasks, total = upkeep.stuck_tasks()
        people = Session.scalars(upkeep.without_access()).all()
        return str(
            self.render_template(
                "sis/upkeep.html",
                title="Personas y tareas por atender",
                people=people,
                tasks=tasks,
                total=total,
            )
        )

    def _desk(self) -> Desk:
        who = current()
        return Desk(who, roles_of(who), clock.today(), self.appbuilder.sm.has_access("can_review", "Step"))

    def _may(self, permission: str) -> bool:
        return bool(self.appbuilder.sm.has_access(permission, "Home"))

    def _shows(self, queue: Queue, desk: Desk) -> bool:
        return queue.code not in NUMBERS_ALONE or queue.code in _numbers_of(desk.roles)

    def _asked(self, desk: Desk) -> tuple[Queue, Any, str]:
        """The queue of this request, its rows, its title. Raises Missing."""
        code, key = request.args.get("cola", ""), whole(request.args.get("inspector"))
        if code == "equipo" and key is not None and work.leads(desk):
            inspector = Session.get(Inspector, key)
            if inspector is None or inspector.office_id not in desk.who.offices:
                raise Missing()
            late = bool(request.args.get("vencidos"))
            queue = work.of_member(desk, key, late)
            title = f"{'Vencidos' if late else 'Órdenes abiertas'} de {inspector.full_name}"
        elif code in BY_CODE:
            queue = BY_CODE[code]
            title = title_of(queue, desk.roles)
        else:
            raise Missing()
        query = queue.select(desk)
        if query is None:
            raise Missing()
        return queue, query, title

    def _action(self, groups: dict[str, Group]) -> tuple[str, str, str] | None:
        """What the person most likely came to do, when it is one thing: its icon, words and address."""
        may = self.appbuilder.sm.has_access
        if SIGNATURES in groups and groups[SIGNATURES].total and may("can_list", "SigningDesk"):
            return "signature", "Firmar", url_for("SigningDeskView.list")
        if may("can_add", "InspectionOrder"):
            return "plus", "Nueva orden", url_for("OrderView.add")
        return None

    def _numbers(self, desk: Desk, groups: dict[str, Group], unread: int) -> list[Number]:
        """Three numbers that matter to the role, each with the way to its records."""
        found = [
            Number(group.title, str(group.total), group.url, _look(code, group.total))
            for code in _numbers_of(desk.roles)
            if (group := groups.get(code)) is not None
        ]
        if Role.AUDITOR in desk.roles:
            found.append(_trail())
        if Role.ADMIN in desk.roles:
            found += _watched()
        if found and len(found) < AT_LEAST:
            look = "sis-state-open" if unread else "sis-state-done"
            found.append(Number("Avisos sin leer", str(unread), url_for("HomeView.notices"), look))
        return found[:AT_LEAST]


def _numbers_of(roles: frozenset[Role]) -> tuple[str, ...]:
    return next((codes for role, codes in NUMBERS if role in roles), ())


def _look(code: str, total: int) -> str:
    if not total:
        return "sis-state-done"
    return "sis-state-late" if code in PRESSING else "sis-state-open"


def _watched() -> list[Number]:
    """What whoever keeps the system running watches."""
    people = len(Session.scalars(upkeep.without_access()).all())
    _, tasks = upkeep.stuck_tasks()
    last = backups.last_good(backups.current().folder)
    age = clock.real_now() - last.at if last else None
    backup = "Nunca" if age is None else f"Hace {int(age.total_seconds() // 3600)} h"
    page = url_for("HomeView.upkeep")
    good = age is not None and age < BACKUP_EVERY
    return [
        Number("Última copia de respaldo", backup, url_for("BackupView.list"), _well(good)),
        Number("Personas que no entraron o sin función", str(people), f"{page}#personas", _well(not people)),
        Number("Tareas fallidas o detenidas", str(tasks), f"{page}#tareas", _well(not tasks)),
    ]


def _trail() -> Number:
    check = audit.last_check()
    words = "Nunca" if check is None else "Con faltas" if check.faults else "Íntegro"
    good = check is not None and not check.faults
    return Number("Rastro de auditoría", words, url_for("AuditView.list"), _well(good))


def _well(good: bool) -> str:
    return "sis-state-done" if good else "sis-state-late"


def _group(queue: Queue, desk: Desk, waiting: work.Waiting) -> Group:
    rows: list[Any] = [row_of(item, desk.today) for item in waiting.rows]
    if queue.code == VISITS and Role.INSPECTOR in desk.roles:
        rows = stops(waiting.rows, desk.today)
    return Group(
        title_of(queue, desk.roles), queue.icon, rows, waiting.total, address_of(queue), queue.nothing
    )
