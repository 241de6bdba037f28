"""Finding anything from the bar of every page: records, people, screens, actions that the person may open.

`/buscar` is a page that needs no script and leads at once to the record of a number typed whole; the palette
(assets/palette.ts) shows the same results as a fragment. Each kind of record is one statement of the scoped
session, answered by a trigram index and bounded (operations/search.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy import func, select

from app.core.base import Session
from app.core.types import fold
from app.models.registry import Employer, Establishment, Worker
from app.models.security import Account
from app.models.staff import Inspector
from app.operations import search
from app.views import shell
from app.views.widgets import day

EACH = 5
"""Results of each kind, in the palette and on the page."""
RANKED = 100
"""Of a word that many records have, this many are ranked: who searches by a common word adds another."""
SCREENS = 8


@dataclass(frozen=True)
class Hit:
    """Something found: what it is called, what tells it from the others, where it leads."""

    title: str
    detail: str
    url: str
    icon: str
    exact: bool = False
    command: str = ""
    """What the palette does instead of going there: `theme:dark`, `help`."""


@dataclass(frozen=True)
class Hits:
    """What was found of one kind."""

    title: str
    hits: list[Hit]


@dataclass(frozen=True)
class Kind:
    """Records found by their words: their door, page, and line."""

    model: type[Any]
    title: str
    icon: str
    endpoint: str
    words: Callable[[Any], tuple[str, str]]
    numbers: Callable[[Any], tuple[str | None, ...]] = lambda record: ()


def _of_establishment(place: Establishment) -> tuple[str, str]:
    address = place.address or place.reference or ""
    return str(place), " · ".join(filter(None, (place.employer.legal_name, address, str(place.district))))


KINDS = (
    Kind(
        Employer,
        "Empleadores",
        "briefcase",
        "EmployerView.show",
        lambda row: (row.legal_name, " · ".join(filter(None, (row.identification, row.trade_name)))),
        lambda row: (row.ruc, row.ruc_base, row.document_number),
    ),
    Kind(Establishment, "Establecimientos", "building-store", "EstablishmentView.show", _of_establishment),
    Kind(
        Worker,
        "Trabajadores",
        "user",
        "WorkerView.show",
        lambda row: (row.name, row.document_number or ""),
        lambda row: (row.document_number,),
    ),
    Kind(
        Inspector,
        "Inspectores",
        "id-badge-2",
        "InspectorView.show",
        lambda row: (row.full_name, row.code),
        lambda row: (row.code,),
    ),
)

PAGES = {
    "order_id": ("OrderView.show", "file-text"),
    "visit_id": ("VisitView.show", "map-pin"),
    "finding_id": ("FindingView.show", "alert-triangle"),
    "report_id": ("ReportView.show", "scale"),
}
"""The page of the record that a document belongs to."""

OWN_SCREENS = (
    ("Mi trabajo", "Lo que espera por usted", "HomeView.index", "home"),
    ("Avisos", "Todos los suyos", "HomeView.notices", "bell"),
    ("Plazos en curso", "Vencidos y por vencer", "HomeView.terms", "clock"),
    ("Mi cuenta", "Contraseña y sesiones", "MyAccountView.show", "user"),
    ("Mi segundo factor", "El código del teléfono", "SecondFactorView.show", "device-mobile"),
    ("Ayuda", "Los manuales", "HelpView.index", "help"),
    ("Glosario", "Las palabras del sistema", "HelpView.glossary", "book"),
)
"""Screens of everybody that are no entry of the menu: name, what it is, endpoint, picture."""

IN_LISTS = "En las listas"
LISTS = ("OrderView", "VisitView", "FindingView")
"""Lists that look for the same words in what hangs from an order."""


class SearchView(BaseView):
    """The search of the bar."""

    route_base = "/buscar"
    class_permission_name = "Search"
    default_view = "page"

    @expose("/")
    @has_access
    @permission_name("get")
    def page(self) -> Any:
        """Everything found, by kind; a number typed whole leads to its record."""
        q = asked()
        groups = self._groups(q)
        exact = {hit.url for group in groups for hit in group.hits if hit.exact}
        if len(exact) == 1:
            return redirect(exact.pop())
        return self.render_template(
            "sis/search.html",
            title="Buscar",
            q=q,
            groups=groups,
            found=any(group.title != IN_LISTS for group in groups),
            short=bool(q) and not search.long_enough(q),
        )

    @expose("/resultados")
    @has_access
    @permission_name("get")
    def fragment(self) -> str:
        """The same for the palette, with what it can do by itself; no words: what there is to do."""
        q = asked()
        groups = self._groups(q) if q else [Hits("Acciones", self._actions())]
        groups.append(Hits("Esta ventana", [hit for hit in _commands() if _said(q, hit.title)]))
        groups.sort(key=lambda group: group.title == IN_LISTS)
        if q:
            groups.append(Hits("Más", [Hit(f"Todo lo que hay de «{q}»", "", _page_of(q), "search")]))
        return str(self.render_template("sis/search_hits.html", groups=[g for g in groups if g.hits], q=q))

    def _groups(self, q: str) -> list[Hits]:
        """What answers the words, the surest first; a kind without any is left out."""
        if not q:
            return []
        found = [Hits("Pantallas y acciones", self._screens(q))]
        if search.long_enough(q):
            found = [
                Hits("Expedientes, por su número", self._numbered(q)),
                *found,
                *(self._records(kind, q) for kind in KINDS if self._may("can_show", kind.model.__name__)),
                Hits("Usuarios", self._accounts(q)),
                Hits(IN_LISTS, self._lists(q)),
            ]
        found.sort(key=lambda group: not any(hit.exact for hit in group.hits))
        return [group for group in found if group.hits]

    def _may(self, permission: str, resource: str) -> bool:
        return bool(self.appbuilder.sm.has_access(permission, resource))

    def _numbered(self, q: str) -> list[Hit]:
        if not self._may("can_show", "InspectionOrder"):
            return []
        hits = {}
        for row in search.numbered(q, EACH):
            name, key = next((name, key) for name in PAGES if (key := getattr(row, name)) is not None)
            endpoint, icon = PAGES[name]
            kind, _, rest = row.title.partition(" · ")
            about = row.employer or ("" if name == "order_id" else rest)
            detail = " · ".join(filter(None, (kind, about, day(row.happened_on))))
            url = url_for(endpoint, pk=key)
            exact = fold(row.number) == fold(q)
            hits.setdefault(row.number, Hit(row.number, detail, url, icon, exact))
        return [*hits.values()]

    def _records(self, kind: Kind, q: str) -> Hits:
        rows = Session.scalars(search.found(kind.model, q, EACH, RANKED)).unique()
        hits = [
            Hit(
                *kind.words(row),
                url_for(kind.endpoint, pk=row.id),
                kind.icon,
                _digits(q) in {_digits(number) for number in kind.numbers(row) if number},
            )
            for row in rows
        ]
        return Hits(kind.title, hits)

    def _accounts(self, q: str) -> list[Hit]:
        if not self._may("can_show", "Account"):
            return []
        name = func.fold(func.concat_ws(" ", Account.first_name, Account.last_name, Account.username))
        query = select(Account).where(*(search.like(name, word) for word in search.words(q)))
        rows = Session.scalars(query.order_by(Account.last_name, Account.id).limit(EACH))
        return [
            Hit(row.get_full_name(), row.username, url_for("UserView.show", pk=row.id), "user-circle")
            for row in rows
        ]

    def _screens(self, q: str) -> list[Hit]:
        own = [Hit(name, about, url_for(end), icon) for name, about, end, icon in OWN_SCREENS]
        entries = [
            Hit(entry.label, section.label, entry.get_url(), entry.icon)
            for section, entries in shell.sections()
            for entry in entries
        ]
        fitting = [hit for hit in [*self._actions(), *entries, *own] if _said(q, f"{hit.title} {hit.detail}")]
        return sorted(fitting, key=lambda hit: not fold(hit.title).startswith(fold(q)))[:SCREENS]

    def _actions(self) -> list[Hit]:
        """What the person may begin: «Nueva orden», «Agregar empleador», …"""
        hits = []
        for _, entries in shell.sections():
            for entry in entries:
                view = entry.baseview
                words = ADDS.get(view.endpoint) or getattr(view, "add_title", "")
                if words and self._may("can_add", view.class_permission_name):
                    hits.append(Hit(words, entry.label, url_for(f"{view.endpoint}.add"), "plus"))
        return hits

    def _lists(self, q: str) -> list[Hit]:
        return [
            Hit(f"{entry.label} con «{q}»", "", f"{entry.get_url()}?{_query(q)}", entry.icon)
            for _, entries in shell.sections()
            for entry in entries
            if entry.baseview.endpoint in LISTS
        ]


ADDS = {"OrderView": "Nueva orden", "UserView": "Agregar usuario", "GroupView": "Agregar grupo"}
"""What the buttons of screens that are not generated say."""


def asked() -> str:
    """The words of this request, as far as a search reads them."""
    return request.args.get("q", "").strip()[: search.LONGEST]


def _page_of(q: str) -> str:
    return url_for("SearchView.page", q=q)


def _query(q: str) -> str:
    return _page_of(q).partition("?")[2]


def _said(q: str, text: str) -> bool:
    """Whether each word typed begins a word of the text."""
    there = fold(text).split()
    return all(any(part.startswith(word) for part in there) for word in fold(q).split())


def _digits(text: str) -> str:
    """A number without its dots, folded: `4.123.456` and `4123456` are one."""
    return fold(text).replace(".", "")


def _commands() -> list[Hit]:
    """What the palette does without leaving the page."""
    themes = [
        Hit(f"Cambiar el tema: {label.lower()}", "", "#", icon, command=f"theme:{key}")
        for key, (label, icon) in shell.THEMES.items()
    ]
    here = Hit("Ver la ayuda de esta pantalla", "", url_for("HelpView.index"), "help", command="help")
    return [here, *themes]
