"""What a list is, declared once: its columns, its filters, its order, what is done with rows that are ticked.

    Listing(
        kind=Visit,
        title="Visitas",
        columns=(Column("visita", "Visita", str, sort=Visit.id), Column("estado", "Estado", mark)),
        filters=(of_office(Visit),),
        order="-visita",
        page=page_of,
    )

From it come the page (templates/sis/list.html), the spreadsheet, the chips, the columns to choose from.
The address is the whole state of a list: it may be kept, sent and come back to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from flask_wtf import FlaskForm
from sqlalchemy import false
from wtforms import BooleanField, SelectField, StringField

from app.core.base import Model
from app.exchange.exports import Cells
from app.models.catalogs import Office
from app.operations.search import matching
from app.views.references import ReferenceField, by_key, text_of
from app.views.widgets import day, day_field, moment

Choices = Sequence[tuple[str, str]]
Narrow = Callable[[Any, Any], Any]
"""The select, and the value of the filter -> the select narrowed by it."""


def words(value: Any) -> Any:
    """A value as the page writes it; a mark (`text` and `look`) stays one, and is drawn with its shape."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Sí" if value else "No"
    if isinstance(value, datetime):
        return moment(value)
    return day(value) if isinstance(value, date) else value


def cell(value: Any) -> Any:
    """A value as a spreadsheet takes it: of a mark its word."""
    if isinstance(value, tuple):
        return ", ".join(str(cell(each)) for each in value)
    return getattr(value, "text", value)


@dataclass(frozen=True, eq=False)
class Column:
    """A column: its value in a row, and how the page writes it where that is not `words` of the value.

    `sort` is the expression that its header orders by; `shown` whether it is seen until somebody chooses;
    `wide` gives it a line of its own on a telephone; `tight` keeps a number or a code in one piece.
    """

    name: str
    label: str
    value: Callable[[Any], Any]
    write: Callable[[Any], Any] | None = None
    sort: Any = None
    shown: bool = True
    wide: bool = False
    tight: bool = False

    def written(self, row: Any) -> Any:
        """The cell of a row on the page."""
        return self.write(row) if self.write is not None else words(self.value(row))


@dataclass(frozen=True, eq=False)
class Filter:
    """A question of the bar. `main`: seen beside the search box, the others behind «Más filtros»."""

    name: str
    label: str
    narrow: Narrow
    main: bool = field(default=False, kw_only=True)

    def field(self) -> Any:
        """Its field of the form."""
        return StringField(self.label)

    def active(self, asked: Any) -> bool:
        """Whether it narrows anything as it was asked."""
        return bool(asked.data) and not asked.errors

    def said(self, asked: Any) -> str:
        """What was asked, in words."""
        return str(asked.data)

    def applied(self, query: Any, asked: Any) -> Any:
        """The select with what was asked."""
        return self.narrow(query, asked.data)


@dataclass(frozen=True, eq=False)
class OneOf(Filter):
    """One of some values; what is none of them is in no record."""

    choices: Callable[[], Choices] | Choices = field(default=(), kw_only=True)
    every: str = field(default="Todos", kw_only=True)

    def field(self) -> Any:
        offered = self.choices() if callable(self.choices) else self.choices
        return SelectField(
            self.label, choices=[("", self.every), *offered], default="", validate_choice=False
        )

    def active(self, asked: Any) -> bool:
        return bool(asked.data)

    def said(self, asked: Any) -> str:
        return str(dict(asked.choices).get(asked.data, asked.data))

    def applied(self, query: Any, asked: Any) -> Any:
        known = asked.data in dict(asked.choices)
        return self.narrow(query, asked.data) if known else query.where(false())


class RecordField(ReferenceField):
    """A reference in a bar of filters: looked up however few there are, so that no page reads them."""

    def options(self) -> list[Any] | None:
        return None if self.looked_up else super().options()


@dataclass(frozen=True, eq=False)
class OfRecord(Filter):
    """A record that is looked up; `within` is (id of another field, column), as of a ReferenceField."""

    kind: type[Model] = field(kw_only=True)
    within: tuple[str, str] | None = field(default=None, kw_only=True)

    def field(self) -> Any:
        return RecordField(self.kind, False, depends_on=self.within, label=self.label)

    def active(self, asked: Any) -> bool:
        return asked.data is not None and not asked.errors

    def said(self, asked: Any) -> str:
        record = by_key(self.kind, asked.data)
        return "" if record is None else text_of(record)


@dataclass(frozen=True, eq=False)
class Day(Filter):
    """A day, from which or until which."""

    def field(self) -> Any:
        return day_field(self.label)

    def said(self, asked: Any) -> str:
        return day(asked.data)


@dataclass(frozen=True, eq=False)
class Yes(Filter):
    """A box to tick."""

    def field(self) -> Any:
        return BooleanField(self.label)

    def said(self, asked: Any) -> str:
        return ""


@dataclass(frozen=True, eq=False)
class Button:
    """What is done from a list: to the rows that are ticked, or (`add`) to make another row."""

    label: str
    endpoint: str
    door: tuple[str, str]
    icon: str = "plus"


@dataclass(frozen=True, eq=False)
class Listing:
    """A list. `order` names a column, with a hyphen before it downwards; `page` gives a record's address.

    `search` narrows by the words of the search box, `hint` says what they may be. `lines` makes of the
    records of a page what the columns read. `base` narrows always. `empty` says what to do when there is
    nothing yet. `load` is what a page loads with its rows; `streamed` what a file loads where `load` joins
    many rows to one, which a cursor cannot.
    """

    kind: type[Any]
    title: str
    columns: tuple[Column, ...]
    page: Callable[[Any], str]
    order: str
    filters: tuple[Filter, ...] = ()
    search: Narrow | None = None
    hint: str = ""
    base: Callable[[Any], Any] = lambda query: query
    load: tuple[Any, ...] = ()
    streamed: tuple[Any, ...] = ()
    lines: Callable[[Sequence[Any]], Sequence[Any]] | None = None
    keys: Cells = ()
    empty: str = "Todavía no hay registros."
    add: Button | None = None
    bulk: tuple[Button, ...] = ()

    @property
    def names(self) -> set[str]:
        """What the address may hold, beside the place of the page."""
        return {"q", "orden", "filas", *(each.name for each in self.filters)}

    def column(self, name: str) -> Column | None:
        """The column that an order names, when it orders."""
        found = (each for each in self.columns if each.name == name and each.sort is not None)
        return next(found, None)


class Search(FlaskForm):
    """What every list asks. By GET: a search is an address to send."""

    class Meta:
        csrf = False

    q = StringField("Buscar", filters=[lambda value: (value or "").strip()])


def form_of(listing: Listing, args: Any) -> Any:
    """The form of a list's filters with what the address asks, judged."""
    form = type("ListSearch", (Search,), {each.name: each.field() for each in listing.filters})
    asked = form(args, meta={"csrf": False})
    asked.validate()
    return asked


def matches(kind: type[Model]) -> Narrow:
    """`search` of a list whose records have a text of their own to search (`searchable`)."""
    return lambda query, q: query.where(matching(kind, q))


def options(kind: Any) -> list[tuple[str, str]]:
    """The members of a closed list, for `OneOf`."""
    return [(member.value, member.label) for member in kind]


def of_office(kind: Any, name: str = "oficina") -> Filter:
    """The office that keeps the record."""
    return OfRecord(
        name, "Oficina", lambda query, value: query.where(kind.office_id == value), kind=Office, main=True
    )
