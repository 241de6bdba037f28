"""Pages by key: a page begins after a record, so that page 1,000 costs what page 1 costs.

The order is total: the column, then the key of the record. Blank values come last, upwards and downwards.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, or_, select, tuple_

from app.core.base import Session


@dataclass(frozen=True)
class Order:
    """How the rows of a kind follow each other: by `sort`, upwards or downwards, then by key."""

    key: Any
    sort: Any
    down: bool = False

    @property
    def _by_key(self) -> bool:
        return self.sort is self.key

    @property
    def _blank(self) -> bool:
        """Whether the column may be blank; of an expression nobody knows."""
        columns = getattr(getattr(self.sort, "property", None), "columns", None)
        return columns is None or bool(columns[0].nullable)

    def by(self, backwards: bool = False) -> list[Any]:
        """The terms of ORDER BY."""
        down = self.down != backwards
        terms = [self.key.desc() if down else self.key.asc()]
        if self._by_key:
            return terms
        sort = self.sort.desc() if down else self.sort.asc()
        if self._blank:
            sort = sort.nulls_first() if backwards else sort.nulls_last()
        return [sort, *terms]

    def value_at(self, pk: Any) -> tuple[Any] | None:
        """What the record of a key is ordered by; None when there is none within the person's scope."""
        if self._by_key:
            return (pk,)
        row = Session.execute(select(self.sort).where(self.key == pk)).first()
        return None if row is None else (row[0],)

    def beyond(self, pk: Any, value: Any, backwards: bool = False) -> ColumnElement[bool]:
        """The rows that follow a record; `backwards`: those before it."""
        ahead = operator.lt if self.down != backwards else operator.gt
        further: ColumnElement[bool] = ahead(self.key, pk)
        if self._by_key:
            return further
        if value is None:
            here = and_(self.sort.is_(None), further)
            return or_(here, self.sort.is_not(None)) if backwards else here
        at = tuple_(literal(value, self.sort.type), literal(pk, self.key.type))
        found: ColumnElement[bool] = ahead(tuple_(self.sort, self.key), at)
        return or_(found, self.sort.is_(None)) if self._blank and not backwards else found


@dataclass(frozen=True)
class Page:
    """The records of a page in their order, whether there are any before and after, how many in all."""

    rows: list[Any]
    before: bool
    after: bool
    total: int


def turn(
    keys: Any, rows: Any, order: Order, size: int, most: int, after: Any = None, before: Any = None
) -> Page:
    """The page of a select of keys that follows one record, or ends before another.

    `rows` selects the records with what a line shows: they are joined to the keys of the page alone. All are
    counted in the same statement, up to `most` and one more.
    """
    backwards = before is not None
    anchor = before if backwards else after
    at = None if anchor is None else order.value_at(anchor)
    wanted = keys if at is None else keys.where(order.beyond(anchor, at[0], backwards))
    backwards = backwards and at is not None
    by = order.by(backwards)
    wanted = wanted.order_by(*by).limit(size + 1)
    total = select(func.count()).select_from(keys.limit(most + 1).subquery()).scalar_subquery()
    query = rows.add_columns(total).where(order.key.in_(wanted)).order_by(*by)
    answer = Session.execute(query).unique().all()
    found, more = [row for row, _ in answer[:size]], len(answer) > size
    if backwards and not more and len(found) < size:
        return turn(keys, rows, order, size, most)  # less than a page: the first one, whole
    count = answer[0][1] if answer else Session.scalar(select(total)) if at is not None else 0
    return Page(found[::-1], more, True, count) if backwards else Page(found, at is not None, more, count)
