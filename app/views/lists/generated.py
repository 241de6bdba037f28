"""The list of a generated registry, from the declaration of its model: columns, filters and search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from flask import url_for
from sqlalchemy import Boolean, Date, DateTime, Integer, String, Text, cast, func, inspect, or_
from sqlalchemy.orm import joinedload, selectinload

from app.operations import search
from app.views.exports import keys
from app.views.lists.declared import Button, Column, Day, Filter, Listing, Narrow, OfRecord, OneOf, options

BESIDE = 3
"""Filters that stand beside the search box; the rest are a click away."""
YES_OR_NO = (("1", "Sí"), ("0", "No"))


def generated(view: Any) -> Listing:
    """The list of a registry, whose class names `list_columns`, `search_columns` and `base_order`."""
    kind = view.kind
    relations = inspect(kind).relationships
    name, way = view.base_order or ("", "")
    ordered = _ordered_by(view, name)
    filters = [each for name in view.search_columns for each in _filters(view, name)]
    beside = [each for each in filters if not isinstance(each, Day)][:BESIDE]
    filters = [replace(each, main=True) if each in beside else each for each in filters]
    return Listing(
        kind=kind,
        title=view.list_title,
        columns=tuple(_column(view, each, ordered, name) for each in view.list_columns),
        page=lambda row: url_for(f"{view.__name__}.show", pk=inspect(row).identity[0]),
        order=f"{'-' if way == 'desc' else ''}{ordered}",
        filters=tuple(filters),
        search=_search(view),
        hint=_hint(view),
        load=tuple(
            (selectinload if relations[each].uselist else joinedload)(getattr(kind, each))
            for each in view.list_columns
            if each in relations
        ),
        keys=keys(kind),
        empty=f"Todavía no hay registros de «{view.list_title}».",
        add=Button(view.add_title, f"{view.__name__}.add", ("can_add", kind.__name__)),
    )


def _ordered_by(view: Any, name: str) -> str:
    """The column of the list that an order names: itself, or the relation that its key leads to."""
    if not name or name in view.list_columns:
        return name
    relations = inspect(view.kind).relationships
    return next(
        each
        for each in view.list_columns
        if each in relations and name in {column.name for column in relations[each].local_columns}
    )


def _column(view: Any, name: str, ordered: str, by: str) -> Column:
    columns = view.kind.__table__.c
    sort = getattr(view.kind, name) if name in columns else None
    if sort is None and name == ordered:
        sort = getattr(view.kind, by)
    return Column(
        name,
        str(view.label_columns[name]),
        lambda row: view.cell_of(row, name),
        lambda row: view.written_of(row, name),
        sort,
    )


def _filters(view: Any, name: str) -> Iterator[Filter]:
    """The filters that a column of the search gives; a text is found by the search box."""
    kind, label = view.kind, str(view.label_columns[name])
    relation = inspect(kind).relationships.get(name)
    attribute = getattr(kind, name)
    if relation is not None:
        yield OfRecord(name, label, _related(attribute, relation.uselist), kind=relation.mapper.class_)
        return
    column = kind.__table__.c[name]
    if column.info.get("choices"):
        yield OneOf(name, label, _equal(attribute), choices=options(column.info["choices"]))
    elif isinstance(column.type, Boolean):
        yield OneOf(
            name, label, lambda query, value: query.where(attribute.is_(value == "1")), choices=YES_OR_NO
        )
    elif isinstance(column.type, Date) and not isinstance(column.type, DateTime):
        yield Day(f"{name}_desde", f"{label}: desde", lambda query, value: query.where(attribute >= value))
        yield Day(f"{name}_hasta", f"{label}: hasta", lambda query, value: query.where(attribute <= value))


def _equal(attribute: Any) -> Narrow:
    return lambda query, value: query.where(attribute == value)


def _related(attribute: Any, many: bool) -> Narrow:
    """The value is the key of the record that a relation leads to."""
    key = attribute.property.mapper.primary_key[0]
    return lambda query, value: query.where(
        attribute.any(key == value) if many else attribute.has(key == value)
    )


def _texts(view: Any) -> list[str]:
    """The columns whose words the search box finds."""
    columns = view.kind.__table__.c
    names = dict.fromkeys([*view.search_columns, *view.list_columns])
    return [
        name
        for name in names
        if name in columns
        and isinstance(columns[name].type, String | Integer)
        and not columns[name].info.get("choices")
        and not columns[name].info.get("secret")
    ]


def _looked_up(view: Any) -> list[Any]:
    """The relations of the list whose records have a text of their own to search."""
    relations = inspect(view.kind).relationships
    return [
        getattr(view.kind, name)
        for name in view.list_columns
        if name in relations
        and not relations[name].uselist
        and getattr(relations[name].mapper.class_, "lookup_columns", ())
    ]


def _search(view: Any) -> Narrow | None:
    texts = [cast(getattr(view.kind, name), Text) for name in _texts(view)]
    looked_up = _looked_up(view)
    if not texts and not looked_up:
        return None

    def narrow(query: Any, q: str) -> Any:
        for word in search.words(q):
            found = [search.like(func.fold(func.concat_ws(" ", *texts)), word)] if texts else []
            found += [each.has(search.matching(each.property.mapper.class_, word)) for each in looked_up]
            query = query.where(or_(*found))
        return query

    return narrow


def _hint(view: Any) -> str:
    """What may be typed, in the words of the columns."""
    named = [str(view.label_columns[name]) for name in _texts(view)]
    named += [str(view.label_columns[each.key]) for each in _looked_up(view)]
    return ", ".join(dict.fromkeys(named))
