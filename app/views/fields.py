"""Form fields of the catalogues: amounts, decimals, lists of words, several related records at once."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from markupsafe import Markup
from sqlalchemy import inspect, select
from wtforms import Field, SelectField, SelectMultipleField
from wtforms.widgets import TextInput

from app.core.base import Model, Session
from app.core.types import format_guaranies, parse_guaranies


class Typed(Field):
    """A text box whose text is read into a value; the text stays as typed when it cannot be read."""

    widget = TextInput()
    hint = ""

    def read(self, text: str) -> Any:
        """The value of a text. Raises ValueError with words for the person."""
        raise NotImplementedError

    def write(self, value: Any) -> str:
        """The text of a value."""
        raise NotImplementedError

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else self.write(self.data)

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0].replace("\x00", "").strip() if valuelist else ""
        self.data = None
        if text:
            try:
                self.data = self.read(text)
            except (ValueError, InvalidOperation) as error:
                raise ValueError(self.hint or str(error)) from None


class Guaranies(Typed):
    """An amount in guaraníes, with or without dots and `Gs.`; the dots come by themselves."""

    def __init__(self, *given: Any, **options: Any) -> None:
        options.setdefault("render_kw", {"inputmode": "numeric", "autocomplete": "off", "data-mask": "money"})
        super().__init__(*given, **options)

    def read(self, text: str) -> int:
        return parse_guaranies(text)

    def write(self, value: int) -> str:
        return format_guaranies(value).removeprefix("Gs. ")


class DecimalNumber(Typed):
    """A number with comma or point."""

    hint = "Escriba un número, con coma si tiene decimales; por ejemplo 3,6."

    def read(self, text: str) -> Decimal:
        number = Decimal(text.replace(",", "."))
        if not number.is_finite() or abs(number) >= 10**9:
            raise ValueError
        return number

    def write(self, value: Decimal) -> str:
        return decimal(value)


class Words(Typed):
    """A list of words separated by commas; empty means none."""

    def read(self, text: str) -> list[str] | None:
        return [word.strip() for word in text.split(",") if word.strip()] or None

    def write(self, value: list[str]) -> str:
        return ", ".join(value)


class YesNo(SelectField):
    """Yes, no, or nobody asked yet."""

    WORDS = (("", "No se sabe"), ("1", "Sí"), ("0", "No"))

    def __init__(self, **options: Any) -> None:
        known = {"1": True, "0": False, True: True, False: False}
        super().__init__(choices=list(self.WORDS), coerce=known.get, **options)


MANY = 10
"""Choices beyond which a list of check boxes gets a box to look through them."""


class CheckList:
    """A check box for each choice; with many of them a box that narrows the list (assets/choose.ts)."""

    def __call__(self, field: SelectMultipleField, **attributes: Any) -> Markup:
        line = Markup(
            '<li data-words="{}"><label><input type="checkbox" name="{}" value="{}"{}> {}</label></li>'
        )
        rows = [
            line.format(text, field.name, value, Markup(" checked") if chosen else "", text)
            for value, text, chosen, _ in field.iter_choices()
        ]
        key = f"{field.id}-list"
        frame = Markup('<ul class="sis-many" id="{}">{}</ul>').format(key, Markup("").join(rows))
        return (self.search(field, key) if len(rows) > MANY else Markup()) + frame

    def search(self, field: SelectMultipleField, key: str) -> Markup:
        """The box that narrows the list, and how many are chosen; the script shows it."""
        return Markup(
            '<div class="sis-many-search" data-filter-bar hidden>'
            '<input class="form-control" type="search" autocomplete="off" data-filters="#{key}"'
            ' aria-label="Buscar en {label}" placeholder="Escriba para buscar">'
            '<output data-checked="#{key}" data-one="1 elegido" data-many="elegidos"></output></div>'
            '<p class="form-hint" data-none-of="#{key}" hidden>Nada coincide.</p>'
        ).format(key=key, label=field.label.text)


class Checks(SelectMultipleField):
    """Several of a closed list, as check boxes."""

    widget = CheckList()


class ManyField(Checks):
    """Several records of a small related table; `data` are the records themselves."""

    def __init__(self, kind: type[Model], **options: Any) -> None:
        key = inspect(kind).primary_key[0].type.python_type
        super().__init__(coerce=key, validate_choice=False, **options)
        self.kind = kind

    def iter_choices(self) -> Iterator[tuple[Any, str, bool, dict[str, Any]]]:
        chosen = set(self.data or ())
        rows = Session.scalars(select(self.kind)).unique()
        return iter(
            sorted(
                ((inspect(row).identity[0], str(row), row in chosen, {}) for row in rows),
                key=lambda option: option[1],
            )
        )

    def process_data(self, value: Any) -> None:
        self.data = list(value or ())

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            keys = [self.coerce(value) for value in valuelist]
        except ValueError:
            raise ValueError("Elija opciones de la lista.") from None
        column = inspect(self.kind).primary_key[0]
        self.data = list(Session.scalars(select(self.kind).where(column.in_(keys))).unique()) if keys else []
        if len(self.data) != len(set(keys)):
            raise ValueError("Elija opciones de la lista.")


def decimal(value: Decimal) -> str:
    """A number with comma and without needless zeros."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace(".", ",")
