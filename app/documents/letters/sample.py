"""A letter filled with the names of its own data, to see a text without a real case; those names."""

from __future__ import annotations

import typing
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, TypeVar

from app.documents.letters.frame import Letter

Filled = TypeVar("Filled")
IMAGE = "qr"
"""The picture that a sample shows wherever its letter has one."""
DAY = date(2027, 1, 4)
MOMENT = datetime(2027, 1, 4, 12, 30, tzinfo=UTC)
PLAIN: dict[Any, Any] = {
    bool: True,
    int: 3,
    date: DAY,
    datetime: MOMENT,
    Decimal: Decimal("12.5"),
    float: 1.5,
}


def sample(kind: type[Filled], path: str = "") -> Filled:
    """An instance where each text says the name by which a template prints it."""
    hints = typing.get_type_hints(kind)
    values = {}
    for each in fields(kind):  # type: ignore[arg-type]
        name = f"{path}.{each.name}" if path else each.name
        values[each.name] = _value(hints[each.name], name, each)
    return kind(**values)


def _value(hint: Any, name: str, each: Any = None) -> Any:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, UnionType):
        if name.endswith((".image", ".refused", ".absent")):  # what only some signatures have
            return None
        return _value(next(item for item in inner if item is not NoneType), name)
    if origin is typing.Literal:
        return inner[0]
    if origin is tuple:
        return (_value(inner[0], name), _value(inner[0], name)) if inner and name.count(".") < 4 else ()
    if is_dataclass(hint):
        return sample(hint, name)  # type: ignore[arg-type]
    if hint in PLAIN:
        return PLAIN[hint]
    if hint is str:
        return IMAGE if name.endswith(".image") else f"[{name}]"
    return None if each is None or each.default is MISSING else each.default


def names_of(kind: type[Letter]) -> list[str]:
    """Every name that a template of this letter may print, with what repeats marked by `[]`."""
    return list(_names(kind, ""))


def _names(kind: Any, path: str) -> typing.Iterator[str]:
    hints = typing.get_type_hints(kind)
    for each in fields(kind):
        name = f"{path}.{each.name}" if path else each.name
        hint = hints[each.name]
        for part in typing.get_args(hint) or (hint,):
            inner = next((item for item in typing.get_args(part) if is_dataclass(item)), None)
            if is_dataclass(part) or inner is not None:
                many = typing.get_origin(hint) is tuple or inner is not None
                yield from _names(part if is_dataclass(part) else inner, f"{name}[]" if many else name)
                break
        else:
            yield name
