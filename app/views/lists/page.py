"""The page of a list, drawn from its declaration and from the address that was asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from sqlalchemy import Select, inspect, select
from werkzeug.datastructures import MultiDict

from app.exchange.exports import Sheet
from app.views.exports import Exported
from app.views.lists import saved
from app.views.lists.declared import Column, Listing, cell, form_of
from app.views.lists.paging import Order, turn

SIZES = (25, 50, 100)
"""Rows of a page to choose from."""
ASKED = re.compile(r"_flt_([0-9])_(\w+)", re.ASCII)
"""A filter of Flask-AppBuilder in an address: its number among those of a column, and the column."""
MOST = 10_000
"""What is counted exactly; beyond it the page says that there are more."""


Header = tuple[str | None, str | None]


@dataclass(frozen=True)
class Chip:
    """A filter that narrows: its words, the names that it has in the address, and the list without it."""

    label: str
    said: str
    name: str
    url: str


@dataclass(frozen=True)
class Line:
    """A record of the page: its key, its address, what its columns read."""

    key: Any
    url: str
    row: Any


class ListView(Exported):
    """A view with a list: says what it is (`listed`), and gets its page and its spreadsheet."""

    listed: Listing
    list_template = "sis/list.html"

    def declared(self) -> Listing:
        """The list of this view."""
        return self.listed

    def every_row(self) -> Select[Any]:
        """The records, before what the form of the list asks."""
        listing = self.declared()
        query: Select[Any] = listing.base(select(listing.kind))
        return query

    def asked_besides(self) -> Iterator[tuple[str, str, str]]:
        """(name in the address, label, words) of what narrows beside the filters of the form."""
        return iter(())

    def cleaned(self, query: str) -> str:
        """The part of an address after its question mark, with what this list knows alone."""
        names = self.declared().names
        known = [(k, v) for k, v in parse_qsl(query) if k in names or ASKED.fullmatch(k)]
        return urlencode(known)

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """The page of the list."""
        return self.drawn()

    def drawn(self) -> Any:
        """The page that the address asks for."""
        listing, form = self.declared(), form_of(self.declared(), request.args)
        column, order = self._list_order(listing)
        size = next((each for each in SIZES if str(each) == request.args.get("filas")), SIZES[0])
        query = self._list_narrowed(listing, form)
        keys = query.with_only_columns(order.key, maintain_column_froms=True)
        page = turn(
            keys,
            select(listing.kind).options(*listing.load),
            order,
            size,
            MOST,
            after=_key(order.key, "despues"),
            before=_key(order.key, "antes"),
        )
        kept, own = saved.of_screen(self.endpoint)
        chosen = [each for each in listing.columns if each.name in own] or [
            each for each in listing.columns if each.shown
        ]
        if listing.columns[0] not in chosen:
            chosen.insert(0, listing.columns[0])
        may = self.appbuilder.sm.has_access
        return self.render_template(
            self.list_template,
            title=listing.title,
            listing=listing,
            form=form,
            fields=[(each, form[each.name]) for each in listing.filters],
            columns=chosen,
            headers=[(each, *self._list_header(each, column, order)) for each in chosen],
            lines=_lines(listing, page.rows),
            total=page.total,
            most=MOST,
            sizes=SIZES,
            size=size,
            sorted_by=f"{'-' if order.down else ''}{column.name if column else ''}",
            chips=list(self._list_chips(listing, form)),
            besides=[
                (name, value) for name, _, _ in self.asked_besides() for value in request.args.getlist(name)
            ],
            previous_url=self._list_url(antes=_pk(page.rows[0])) if page.before and page.rows else None,
            next_url=self._list_url(despues=_pk(page.rows[-1])) if page.after else None,
            first_url=self._list_url() if page.before else None,
            clear_url=self._list_clear_url(listing),
            saved=kept,
            here=self._list_state(),
            screen=self.endpoint,
            add=listing.add if listing.add and may(*listing.add.door) else None,
            bulk=[each for each in listing.bulk if may(*each.door)],
        )

    def listing(self) -> Sheet:
        """The list with the filters and the order of its page, and every column that it can show."""
        listing = self.declared()
        form = form_of(listing, request.args)
        _, order = self._list_order(listing)
        query = self._list_narrowed(listing, form).order_by(*order.by())
        query = query.options(*(listing.streamed or listing.load))
        cells = [(each.label, lambda row, each=each: cell(each.value(row))) for each in listing.columns]
        kind = listing.kind
        return Sheet(listing.title, kind.__tablename__, [*cells, *listing.keys], query, each=listing.lines)

    def _list_narrowed(self, listing: Listing, form: Any) -> Select[Any]:
        query = self.every_row()
        if form.q.data and listing.search is not None:
            query = listing.search(query, form.q.data)
        for each in listing.filters:
            if each.active(form[each.name]):
                query = each.applied(query, form[each.name])
        return query

    def _list_order(self, listing: Listing) -> tuple[Column | None, Order]:
        """The column that the list is ordered by, and the order; nonsense in the address is left out."""
        key = inspect(listing.kind).mapper.primary_key[0]
        key = getattr(listing.kind, key.name)
        for asked in (request.args.get("orden", ""), listing.order):
            column = listing.column(asked.removeprefix("-"))
            if column is not None:
                return column, Order(key, column.sort, asked.startswith("-"))
        return None, Order(key, key, listing.order.startswith("-"))

    def _list_header(self, each: Column, column: Column | None, order: Order) -> Header:
        """The address that orders by a column, and how it orders now (`aria-sort`)."""
        if each.sort is None:
            return None, None
        if each is not column:
            return self._list_url(orden=each.name), None
        turned = each.name if order.down else f"-{each.name}"
        return self._list_url(orden=turned), "descending" if order.down else "ascending"

    def _list_chips(self, listing: Listing, form: Any) -> Iterator[Chip]:
        if form.q.data and listing.search is not None:
            yield Chip("Buscar", form.q.data, "q", self._list_url(q=None))
        for each in listing.filters:
            if each.active(form[each.name]):
                said = each.said(form[each.name])
                yield Chip(each.label, said, each.name, self._list_url(**{each.name: None}))
        for name, label, said in self.asked_besides():
            yield Chip(label, said, name, self._list_url(**{name: None}))

    def _list_kept(self) -> MultiDict[str, str]:
        """What the address says of the list, without the place of the page."""
        names = self.declared().names | {name for name, _, _ in self.asked_besides()}
        return MultiDict((k, v) for k, v in request.args.items(multi=True) if k in names and v)

    def _list_url(self, **changed: Any) -> str:
        """The list with something of its address changed (None: left out), from its first page on."""
        kept: dict[str, Any] = dict(self._list_kept().lists())
        return url_for(f"{self.endpoint}.list", **(kept | changed))

    def _list_clear_url(self, listing: Listing) -> str:
        """The list without filters. It says its order, so that a list that begins narrowed does not again."""
        return url_for(f"{self.endpoint}.list", orden=request.args.get("orden") or listing.order)

    def _list_state(self) -> str:
        return self._list_url().partition("?")[2]


def _lines(listing: Listing, rows: list[Any]) -> list[Line]:
    read = rows if listing.lines is None else listing.lines(rows)
    return [Line(_pk(row), listing.page(row), line) for row, line in zip(rows, read, strict=True)]


def _pk(row: Any) -> Any:
    return inspect(row).identity[0]


def _key(column: Any, name: str) -> Any:
    """The key that the address names, as the column holds it; None when it is no such key."""
    text = request.args.get(name, "")
    if column.type.python_type is not int:
        return text or None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
