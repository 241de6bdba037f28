"""Form fields and cell formats made from the declaration of a column (app/core/base.py: `field`)."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from markupsafe import Markup
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Integer,
    Numeric,
    Text,
)
from wtforms import (
    BooleanField,
    DateField,
    Field,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
    validators,
)
from wtforms.widgets import DateInput, TextInput

from app.core import clock
from app.core.base import Model
from app.core.types import format_guaranies
from app.views.fields import DecimalNumber, Guaranies, ManyField, Words, decimal
from app.views.references import ReferenceField

DATE = "%d/%m/%Y"
MOMENT = "%d/%m/%Y %H:%M"
REQUIRED = "Este dato es obligatorio."


class DayInput(DateInput):
    """The browser's own date control; a text box for what was typed and is no date, so that it is kept."""

    def __call__(self, field: Field, **attributes: Any) -> Markup:
        if field.data is None and field._value():
            attributes.setdefault("type", "text")
        return super().__call__(field, **attributes)


class Day(DateField):
    """A date, from the browser's control (ISO) or typed as dd/mm/aaaa."""

    widget = DayInput()

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, format=["%Y-%m-%d", DATE], **options)

    def _value(self) -> str:
        return self.data.isoformat() if self.data else " ".join(self.raw_data or ())

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError("Escriba la fecha como dd/mm/aaaa, por ejemplo 24/11/2026.") from None


def whole(text: str | None) -> int | None:
    """The key, the office or the page that an address or a form names; None when it is no such number."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


def day_field(label: str, **options: Any) -> Field:
    """A date outside a model's column; optional."""
    options.setdefault("validators", [validators.Optional()])
    return Day(label, **options)


class WholeNumber(IntegerField):
    """An integer; the error says what to type."""

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError("Escriba un número entero, sin letras ni decimales.") from None


class ChoiceField(SelectField):
    """A choice from a closed list; the error says so in Spanish."""

    def pre_validate(self, form: Any) -> None:
        if self.data is not None and self.data not in {value for value, *_ in self.choices}:
            raise validators.ValidationError("Elija una opción de la lista.")


def form_field(kind: type[Model], name: str) -> Field:
    """The form field of a column, from its type, label, help and choices."""
    if name not in kind.__table__.c:
        relation = kind.__mapper__.relationships[name]
        return ManyField(
            relation.mapper.class_, label=relation.info["label"], description=relation.info.get("help", "")
        )
    column: Column[Any] = kind.__table__.c[name]
    info, required = column.info, not column.nullable and column.server_default is None
    options: dict[str, Any] = {"label": info["label"], "description": info["help"]}
    options["validators"] = [validators.InputRequired(REQUIRED) if required else validators.Optional()]
    if info.get("choices"):
        choices = [(member.value, member.label) for member in info["choices"]]
        blank = [("", "Elija…" if required else "")]
        look = {"class": "form-select"}
        return ChoiceField(choices=blank + choices, coerce=text_or_none, render_kw=look, **options)
    if column.foreign_keys:
        return ReferenceField(_referred(kind, column), required, creates=True, **options)
    return _typed(column, options)


def _typed(column: Column[Any], options: dict[str, Any]) -> Field:
    if isinstance(column.type, Boolean):
        return BooleanField(options["label"], description=options["description"])
    if isinstance(column.type, Date):
        return Day(**options)
    if column.info.get("money"):
        return Guaranies(**options)
    if isinstance(column.type, Numeric):
        return DecimalNumber(render_kw={"inputmode": "decimal"}, **options)
    if isinstance(column.type, ARRAY):
        return Words(**options)
    if isinstance(column.type, Integer | BigInteger):
        return WholeNumber(widget=TextInput(), render_kw={"inputmode": "numeric"}, **options)
    options["filters"] = [text_or_none]
    if column.info.get("long"):
        return TextAreaField(**options)
    if isinstance(column.type, Text):
        options["validators"].append(validators.Length(max=500, message="Use 500 caracteres o menos."))
    if column.info.get("mask"):
        options["render_kw"] = mask(column.info["mask"])
    return StringField(**options)


def mask(name: str) -> dict[str, str]:
    """The attributes of a text box that is put in order when one leaves it (assets/masks.ts)."""
    keyboard = "tel" if name == "phone" else "numeric"
    return {"data-mask": name, "autocomplete": "off"} | ({} if name == "ruc" else {"inputmode": keyboard})


def text_or_none(value: Any) -> str | None:
    """Text without blanks at its ends and without NUL, which PostgreSQL cannot store; empty means none."""
    return str(value).replace("\x00", "").strip() or None if value is not None else None


def _referred(kind: type[Model], column: Column[Any]) -> type[Model]:
    table = next(iter(column.foreign_keys)).column.table
    return next(mapper.class_ for mapper in kind.registry.mappers if mapper.local_table is table)


def formatter(column: Column[Any]) -> Callable[[Any], Any]:
    """How a value of this column is written in lists and records."""
    choices = column.info.get("choices")
    if choices:
        labels = {member.value: member.label for member in choices}
        return lambda value: labels.get(value, value or "")
    if isinstance(column.type, Boolean):
        return lambda value: "" if value is None else "Sí" if value else "No"
    if column.info.get("money"):
        return lambda value: "" if value is None else format_guaranies(value)
    if isinstance(column.type, Numeric):
        return lambda value: "" if value is None else decimal(value)
    if isinstance(column.type, ARRAY):
        return lambda value: ", ".join(value or ())
    if isinstance(column.type, DateTime):
        return moment
    if isinstance(column.type, Date):
        return day
    return lambda value: "" if value is None else value


def day(value: date | None) -> str:
    """A date as dd/mm/aaaa, or nothing."""
    return value.strftime(DATE) if value else ""


def moment(value: datetime | None) -> str:
    """A moment as dd/mm/aaaa hh:mm in the time of Asunción, or nothing."""
    return clock.local(value).strftime(MOMENT) if value else ""
