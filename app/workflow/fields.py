"""Extra fields of a kind of record: what a version adds to a form without code, read and judged here.

A value is stored as JSON: text, whole number (guaraníes too), decimal as text with a point, day as
`YYYY-MM-DD`, yes or no, one option, several options. In conditions a field is the fact `extra.<code>`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from app.core.types import format_date, format_guaranies, parse_guaranies
from app.workflow import conditions
from app.workflow.guards import Fact, Kind

PREFIX = "extra."
"""Before the code of a field in the facts of a condition."""
LONGEST = {"text": 300, "long": 4000}
MOST_OPTIONS = 200


class FieldKind(StrEnum):
    """What a field holds."""

    TEXT = "text"
    LONG = "long"
    WHOLE = "whole"
    DECIMAL = "decimal"
    MONEY = "money"
    DAY = "day"
    YES_NO = "yes_no"
    ONE = "one"
    MANY = "many"

    @property
    def label(self) -> str:
        """The Spanish words for it."""
        return _KIND_LABELS[self]


_KIND_LABELS: Mapping[FieldKind, str] = {
    FieldKind.TEXT: "Texto de una línea",
    FieldKind.LONG: "Texto de varias líneas",
    FieldKind.WHOLE: "Número entero",
    FieldKind.DECIMAL: "Número con decimales",
    FieldKind.MONEY: "Guaraníes",
    FieldKind.DAY: "Fecha",
    FieldKind.YES_NO: "Sí o no",
    FieldKind.ONE: "Una opción de una lista",
    FieldKind.MANY: "Varias opciones de una lista",
}
FACT_KINDS: Mapping[FieldKind, Kind] = {
    FieldKind.TEXT: Kind.TEXT,
    FieldKind.LONG: Kind.TEXT,
    FieldKind.WHOLE: Kind.COUNT,
    FieldKind.MONEY: Kind.COUNT,
    FieldKind.DAY: Kind.DAY,
    FieldKind.YES_NO: Kind.YES_NO,
    FieldKind.ONE: Kind.TEXT,
    FieldKind.MANY: Kind.NAMES,
}
"""What a condition sees of a field; a decimal is no fact."""


@dataclass(frozen=True)
class ExtraField:
    """A field that a version adds to a kind of record.

    `see` and `edit` are roles; empty, everybody who sees or edits the record. With a `condition` (on other
    extra fields) it is asked only where that holds. A `required` one is filled before a document is issued or
    the record ends.
    """

    code: str
    label: str
    kind: FieldKind
    help: str = ""
    required: bool = False
    options: tuple[str, ...] = ()
    condition: Any = None
    see: tuple[str, ...] = ()
    edit: tuple[str, ...] = ()
    basis: str = ""

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Its options as (value, words)."""
        return tuple((option, option) for option in self.options)

    @property
    def fact(self) -> Fact:
        """The field as conditions name it."""
        return Fact(PREFIX + self.code, FACT_KINDS.get(self.kind, Kind.NAMES), self.label)


class Unreadable(ValueError):
    """What was typed is no value of the field; the message says what to type."""


def facts_of(fields: Collection[ExtraField]) -> dict[str, Fact]:
    """The fields as facts, by name."""
    return {each.fact.name: each.fact for each in fields}


def read(field: ExtraField, given: list[str]) -> Any:
    """The value of what was typed or picked; None when nothing. Raises Unreadable."""
    texts = [text.replace("\x00", "").strip() for text in given]
    texts = [text for text in texts if text]
    if field.kind is FieldKind.MANY:
        if not set(texts) <= set(field.options):
            raise Unreadable("Elija opciones de la lista.")
        return [option for option in field.options if option in texts] or None
    if not texts:
        return None
    text = texts[0]
    if field.kind in LONGEST and len(text) > LONGEST[field.kind]:
        raise Unreadable(f"Use {LONGEST[field.kind]} letras o menos.")
    if field.kind is FieldKind.ONE and text not in field.options:
        raise Unreadable("Elija una opción de la lista.")
    return _READERS[field.kind](text)


def _whole(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,15}", text, re.ASCII):
        raise Unreadable("Escriba un número entero, sin letras ni decimales.")
    return int(text)


def _decimal(text: str) -> str:
    try:
        number = Decimal(text.replace(",", "."))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) > 10**15 or len(text) > 30:
        raise Unreadable("Escriba un número, por ejemplo 12,5.")
    return f"{number:f}"


def _money(text: str) -> int:
    try:
        amount = parse_guaranies(text)
    except ValueError as error:
        raise Unreadable(str(error)) from None
    if abs(amount) > 10**15:
        raise Unreadable("El monto es demasiado grande.")
    return amount


def _day(text: str) -> str:
    found = re.fullmatch(r"([0-9]{2})/([0-9]{2})/([0-9]{4})", text, re.ASCII)
    try:
        return date.fromisoformat(f"{found[3]}-{found[2]}-{found[1]}" if found else text).isoformat()
    except ValueError:
        raise Unreadable("Escriba la fecha como dd/mm/aaaa.") from None


def _yes_no(text: str) -> bool:
    if text not in ("1", "0"):
        raise Unreadable("Elija sí o no.")
    return text == "1"


_READERS: Mapping[FieldKind, Any] = {
    FieldKind.TEXT: str,
    FieldKind.LONG: str,
    FieldKind.WHOLE: _whole,
    FieldKind.DECIMAL: _decimal,
    FieldKind.MONEY: _money,
    FieldKind.DAY: _day,
    FieldKind.YES_NO: _yes_no,
    FieldKind.ONE: str,
}


def shown(field: ExtraField, value: Any) -> str:
    """A value as a person reads it; empty when there is none."""
    if value is None:
        return ""
    if field.kind is FieldKind.MANY:
        return ", ".join(value)
    if field.kind is FieldKind.YES_NO:
        return "Sí" if value else "No"
    if field.kind is FieldKind.MONEY:
        return format_guaranies(value)
    if field.kind is FieldKind.DAY:
        return format_date(date.fromisoformat(value))
    if field.kind is FieldKind.DECIMAL:
        return str(value).replace(".", ",")
    return str(value)


def applies(field: ExtraField, values: Mapping[str, Any]) -> bool:
    """Whether a field is asked for, given the values of the others."""
    return field.condition is None or conditions.holds(field.condition, {"extra": dict(values)})


def lacking(fields: Collection[ExtraField], values: Mapping[str, Any]) -> list[ExtraField]:
    """The required fields that apply and have no value."""
    return [
        each for each in fields if each.required and values.get(each.code) is None and applies(each, values)
    ]


def seen_by(fields: Collection[ExtraField], roles: Collection[str]) -> list[ExtraField]:
    """The fields that an actor with these roles sees."""
    return [each for each in fields if not each.see or set(each.see) & set(roles)]


def edited_by(fields: Collection[ExtraField], roles: Collection[str]) -> list[ExtraField]:
    """The fields that an actor with these roles sees and may fill in."""
    return [each for each in seen_by(fields, roles) if not each.edit or set(each.edit) & set(roles)]


_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)


def problems(field: ExtraField, fields: Collection[ExtraField], roles: Collection[str]) -> list[str]:
    """What is wrong with a field among those of its process, in Spanish."""
    where = f"el dato «{field.label or field.code}»"
    found = []
    if not _CODE.fullmatch(field.code) or field.code == "csrf_token":  # it is a name of the form too
        found.append(f"{where}: el código debe ser una palabra en minúsculas, con guion bajo.")
    if not field.label.strip():
        found.append(f"el dato «{field.code}» no tiene nombre.")
    listed = field.kind in (FieldKind.ONE, FieldKind.MANY)
    if listed and not field.options:
        found.append(f"{where}: faltan sus opciones.")
    if len(set(field.options)) != len(field.options) or len(field.options) > MOST_OPTIONS:
        found.append(f"{where}: hay opciones repetidas o demasiadas.")
    if field.options and not listed:
        found.append(f"{where}: tiene opciones y no es una lista.")
    found += [
        f"{where}: el rol «{role}» no existe." for role in (*field.see, *field.edit) if role not in roles
    ]
    if field.see and not set(field.edit) <= set(field.see):
        found.append(f"{where}: lo edita quien no lo ve.")
    if field.condition is not None:
        others = facts_of([each for each in fields if each.code != field.code])
        found += [f"{where}: {problem}" for problem in conditions.check(field.condition, others)]
        if not found and _circular(field, fields):
            found.append(f"{where}: su condición depende de sí misma a través de otros datos.")
    return found


def _circular(field: ExtraField, fields: Collection[ExtraField]) -> bool:
    """Whether what a field waits for waits for the field."""
    by_name = {each.fact.name: each for each in fields}
    fresh, seen = [field], set()
    while fresh:
        each = fresh.pop()
        for name in conditions.variables(each.condition) if each.condition is not None else ():
            other = by_name.get(name)
            if other is field:
                return True
            if other is not None and other.code not in seen:
                seen.add(other.code)
                fresh.append(other)
    return False
