"""The filters of a generated list (`_flt_…`): what LIKE takes as a sign of its own is a letter, accents and
capitals do not count, a value is read as the forms read it, and one that cannot be read finds nothing.

Flask-AppBuilder's own filters pass `%` and `_` on, read dates month first and fail on other nonsense.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_appbuilder.models.filters import BaseFilter
from flask_appbuilder.models.sqla import filters as theirs
from sqlalchemy import Boolean, Date, DateTime, Integer, Numeric, String, Text, cast, false, func

from app.core import clock
from app.views.references import by_key

LARGEST = 2**63 - 1


class Unreadable(ValueError):
    """The value of a filter is none of its column's kind."""


def _whole(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,19}", text) or abs(int(text)) > LARGEST:
        raise Unreadable
    return int(text)


def _yes_or_no(text: str) -> bool:
    known = {"y": True, "1": True, "true": True, "sí": True, "n": False, "0": False, "false": False}
    if text.lower() not in known:
        raise Unreadable
    return known[text.lower()]


def _day(text: str) -> date:
    for form in ("%d/%m/%Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise Unreadable


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise Unreadable from None
    if not number.is_finite() or abs(number) > LARGEST:
        raise Unreadable
    return number


READERS: tuple[tuple[type, Callable[[str], Any]], ...] = (
    (Boolean, _yes_or_no),
    (Integer, _whole),
    (Numeric, _number),
    (DateTime, _day),
    (Date, _day),
    (String, str),
)


def _column(item: BaseFilter) -> Any:
    """The column of a filter, as values are compared with it: a moment by its day in Asunción."""
    column = getattr(item.model, item.column_name)
    return (
        cast(func.timezone(clock.ASUNCION.key, column), Date) if isinstance(column.type, DateTime) else column
    )


def _value(item: BaseFilter, text: Any) -> Any:
    kind = getattr(item.model, item.column_name).type
    for known, read in READERS:
        if isinstance(kind, known):
            return read(str(text).strip())
    raise Unreadable


def _like(before: str, after: str, negative: bool) -> Any:
    """`apply` of a filter by a part of a text."""

    def apply(item: BaseFilter, query: Any, value: Any) -> Any:
        escaped = re.sub(r"([\\%_])", r"\\\1", str(value).strip())
        pattern = before + func.fold(escaped) + after
        found = func.fold(cast(getattr(item.model, item.column_name), Text)).like(pattern)
        return query.filter(~found if negative else found)

    return apply


def _compared(compare: Callable[[Any, Any], Any]) -> Any:
    """`apply` of a filter by a value."""

    def apply(item: BaseFilter, query: Any, value: Any) -> Any:
        try:
            return query.filter(compare(_column(item), _value(item, value)))
        except Unreadable:
            return query.filter(false())

    return apply


def _among(negative: bool) -> Any:
    def apply(item: BaseFilter, query: Any, values: Any) -> Any:
        try:
            read = [_value(item, value) for value in values]
        except Unreadable:
            return query.filter(false())
        found = _column(item).in_(read)
        return query.filter(~found if negative else found)

    return apply


def _related(negative: bool, many: bool) -> Any:
    """`apply` of a filter by the record that a relation leads to, whose key is the value."""

    def apply(item: BaseFilter, query: Any, value: Any) -> Any:
        relation = getattr(item.model, item.column_name)
        record = by_key(relation.property.mapper.class_, value)
        if record is None:
            return query.filter(false())
        found = relation.contains(record) if many else relation == record
        return query.filter(~found if negative else found)

    return apply


APPLY: dict[type, Any] = {
    theirs.FilterStartsWith: _like("", "%", False),
    theirs.FilterEndsWith: _like("%", "", False),
    theirs.FilterContains: _like("%", "%", False),
    theirs.FilterNotStartsWith: _like("", "%", True),
    theirs.FilterNotEndsWith: _like("%", "", True),
    theirs.FilterNotContains: _like("%", "%", True),
    theirs.FilterEqual: _compared(lambda column, value: column == value),
    theirs.FilterNotEqual: _compared(lambda column, value: column.is_distinct_from(value)),
    theirs.FilterGreater: _compared(lambda column, value: column > value),
    theirs.FilterSmaller: _compared(lambda column, value: column < value),
    theirs.FilterIn: _among(negative=False),
    theirs.FilterNotIn: _among(negative=True),
    theirs.FilterRelationOneToManyEqual: _related(negative=False, many=False),
    theirs.FilterRelationOneToManyNotEqual: _related(negative=True, many=False),
    theirs.FilterRelationManyToManyEqual: _related(negative=False, many=True),
}
"""Flask-AppBuilder's filter -> what ours does in its place; one that is not here does not exist."""

OURS = {kind: type(kind.__name__, (kind,), {"apply": apply}) for kind, apply in APPLY.items()}


class Converter(theirs.SQLAFilterConverter):
    """The filters of each kind of column, at the places where Flask-AppBuilder's list script expects them."""

    conversion_table = tuple(
        (test, [OURS[kind] for kind in kinds]) for test, kinds in theirs.SQLAFilterConverter.conversion_table
    )
