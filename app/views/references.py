"""A field that refers to another record, and the look-up behind it: `GET /lookup/<table>?q=&id=`.

A small table is offered whole in a select. A longer one is a text box that a script turns into a searchable
list (assets/lookup.ts); without the script it takes an exact code or the exact text. What comes back is
checked on the server through the scoped session in either case.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from flask import current_app, jsonify, request, url_for
from flask_appbuilder import BaseView, expose
from markupsafe import Markup, escape
from sqlalchemy import inspect, select
from wtforms import SelectField, validators
from wtforms.widgets import Select, html_params

from app.core.base import Model, Session
from app.core.errors import Missing, NotAllowed
from app.core.types import fold
from app.operations.search import LIMIT, found
from app.views.shell import icon

SMALL = 100
"""A related table of up to this many rows is offered whole in a select; a longer one is looked up."""

CHOOSE = "Elija una opción de la lista."

_long: set[type[Model]] = set()
"""Kinds that were seen to have more than SMALL rows: their options are not fetched again."""


@cache
def kinds() -> dict[str, type[Model]]:
    """Every model that declares itself for look-ups, by table."""
    classes = [mapper.class_ for mapper in Model.registry.mappers]
    return {kind.__tablename__: kind for kind in classes if getattr(kind, "lookup_columns", ())}


def text_of(record: Any) -> str:
    """The line that stands for a record where it is chosen."""
    return str(getattr(record, "lookup_text", None) or record)


def key_of(record: Any) -> Any:
    """The value of a record's one key column."""
    return inspect(record).identity[0]


def by_key(kind: type[Model], text: Any) -> Any:
    """The record with this key, as text or value; None when there is none, or when it gave way to another."""
    key = inspect(kind).primary_key[0]
    if key.type.python_type is int:
        if not str(text).isascii() or not str(text).isdigit() or int(text) >= 2**31:
            return None
        text = int(text)
    record = Session.get(kind, text)
    return None if getattr(record, "merged_into_id", None) else record


class LookupView(BaseView):
    """Look-ups, for whoever may list what is looked up."""

    route_base = "/lookup"
    class_permission_name = "Lookup"

    @expose("/<name>")
    def find(self, name: str) -> Any:
        """`[{id, text}]`: the record of `id`, or those that answer `q`, 20 at most."""
        kind = kinds().get(name)
        if kind is None:
            raise Missing()
        if not self.appbuilder.sm.has_access("can_list", kind.__name__):
            raise NotAllowed()
        if "id" in request.args:
            record = by_key(kind, request.args["id"])
            records = [] if record is None else [record]
        else:
            query = found(kind, request.args.get("q", ""), LIMIT)
            for column in kind.lookup_filters:
                if request.args.get(column):
                    query = query.where(_equal(kind, column, request.args[column]))
            records = list(Session.scalars(query).unique())
        return jsonify([{"id": key_of(record), "text": text_of(record)} for record in records])


def _equal(kind: type[Model], name: str, text: str) -> Any:
    column = kind.__table__.c[name]
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
    return getattr(kind, name) == (value if column.type.python_type is int else text)


def adding(kind: type[Model]) -> dict[str, str]:
    """Where the present person adds a record of this kind, and under which words; nothing when he may not."""
    builder = current_app.extensions["appbuilder"]
    for view in builder.baseviews:
        if getattr(view, "kind", None) is not kind or "can_add" not in view.base_permissions:
            continue
        if builder.sm.has_access("can_add", view.class_permission_name):
            return {
                "data-create": url_for(f"{view.endpoint}.add"),
                "data-create-title": view.add_title,
                "data-create-failed": "No se pudo abrir ni guardar. Revise la conexión e intente de nuevo; "
                "lo escrito sigue aquí.",
            }
    return {}


def _plus(door: dict[str, str]) -> Markup:
    """The button that adds a record in a dialog; the script shows it."""
    if not door:
        return Markup()
    words = door["data-create-title"]
    return Markup('<button type="button" class="btn sis-create" title="{}" hidden>{}{}</button>').format(
        words, icon("plus"), Markup('<span class="visually-hidden">{}</span>').format(words)
    )


class ReferenceWidget:
    """A select, or the text box of a look-up with the chosen key beside it."""

    select = Select()

    def __call__(self, field: "ReferenceField", **attributes: Any) -> Markup:
        door = adding(field.kind) if field.creates and field.looked_up else {}
        options = field.options()
        if options is None:
            return self.box(field, attributes, door)
        field.offered = options
        select = self.select(field, **attributes | {"class": "form-select"})
        if not door:
            return select
        frame = {"class": "sis-creates"} | door
        return Markup(f"<div {html_params(**frame)}>{select}{_plus(door)}</div>")

    def box(self, field: "ReferenceField", attributes: dict[str, Any], door: dict[str, str]) -> Markup:
        """The combobox as it stands without script; the words that the script shows come with it."""
        attributes.setdefault("id", field.id)
        attributes["class"] = f"{attributes.get('class', '')} sis-lookup-input".strip()
        shown = html_params(
            type="text",
            name=field.name,
            value=field.shown(),
            autocomplete="off",
            placeholder="Escriba para buscar",
            **attributes,
        )
        hidden = html_params(type="hidden", name=field.name, value="" if field.data is None else field.data)
        frame: dict[str, Any] = {
            "class": "sis-lookup",
            "data-lookup": url_for("LookupView.find", name=field.kind.__tablename__),
            "data-none": "Nada coincide. Pruebe con otra parte del nombre o del número.",
            "data-failed": "No se pudo buscar. Revise la conexión e intente de nuevo.",
            "data-found": "opciones; use las flechas para elegir",
        } | door
        if field.depends_on:
            frame["data-depends-on"], frame["data-depends-as"] = field.depends_on
        narrow = self.narrow(field) if not field.depends_on and field.kind.lookup_narrow else ""
        if narrow:
            frame["data-depends-on"] = f"{field.id}-narrow"
            frame["data-depends-as"] = field.kind.lookup_narrow
        return Markup(
            f"<div {html_params(**frame)}>{narrow}<input {shown}><input {hidden}>{_plus(door)}</div>"
        )

    def narrow(self, field: "ReferenceField") -> str:
        """A select that narrows the look-up, as the department does the districts; shown by the script."""
        column = field.kind.__table__.c[field.kind.lookup_narrow]
        table = next(iter(column.foreign_keys)).column.table
        kind = next(m.class_ for m in Model.registry.mappers if m.local_table is table)
        record = by_key(field.kind, field.data) if field.data is not None else None
        chosen = getattr(record, field.kind.lookup_narrow, None)
        rows = sorted(Session.scalars(select(kind)).unique(), key=lambda row: fold(str(row)))
        options = "".join(
            f"<option {html_params(value=key_of(row), selected=key_of(row) == chosen)}>{escape(row)}</option>"
            for row in rows
        )
        label = column.info.get("label", "")
        frame = html_params(
            **{"id": f"{field.id}-narrow", "class": "form-select sis-narrowing", "aria-label": label}
        )
        return f'<select {frame} hidden><option value="">{escape(label)}: todos</option>{options}</select>'


class ReferenceField(SelectField):
    """A reference to another record: offers what the present user may see, and checks what comes back.

    `depends_on` is (id of another field, column): the look-up is narrowed by what is chosen there. With
    `creates` a record that is missing is added on the spot, by whoever may add it.
    """

    widget = ReferenceWidget()

    def __init__(
        self,
        kind: type[Model],
        required: bool,
        depends_on: tuple[str, str] | None = None,
        creates: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(coerce=lambda value: value, validate_choice=False, choices=[], **options)
        self.kind = kind
        self.required = required
        self.depends_on = depends_on
        self.creates = creates
        self.looked_up = bool(getattr(kind, "lookup_columns", ()))
        self.typed = ""
        self.offered: list[Any] = []

    def options(self) -> list[Any] | None:
        """Every record, when they are few; None when they are to be looked up."""
        if self.kind in _long:
            return None
        few = select(self.kind).limit(SMALL + 1) if self.looked_up else select(self.kind)
        rows = list(Session.scalars(few).unique())
        if len(rows) > SMALL and self.looked_up:
            _long.add(self.kind)
            return None
        return [row for row in rows if getattr(row, "merged_into_id", None) is None]

    def iter_choices(self) -> Iterator[Any]:
        rows = [(key_of(record), text_of(record), key_of(record) == self.data, {}) for record in self.offered]
        # Nobody's first record is chosen for him: a required one is asked for.
        blank = ("", "Elija…" if self.required else "", self.data is None, {})
        return iter([blank, *sorted(rows, key=lambda option: option[1])])

    def shown(self) -> str:
        """What the text box holds: what was typed, else the text of the chosen record."""
        if self.data is None:
            return self.typed
        record = Session.get(self.kind, self.data)
        return "" if record is None else text_of(record)

    def process_data(self, value: Any) -> None:
        self.data = value

    def process_formdata(self, valuelist: list[str]) -> None:
        given = [value.replace("\x00", "").strip() for value in valuelist]
        self.typed = given[0] if given else ""
        self.data = None
        if self.typed:
            record = self._resolve(self.typed, given[1] if len(given) > 1 else None)
            if record is None:
                raise ValueError(CHOOSE)
            self.data = key_of(record)

    def pre_validate(self, form: Any) -> None:
        if self.required and self.data is None and not self.typed:
            raise validators.StopValidation("Este dato es obligatorio.")

    def _resolve(self, typed: str, key: str | None) -> Any:
        """The record meant: the key that came with its own text, an exact code, or the one exact text."""
        if key:
            record = by_key(self.kind, key)
            if record is not None and fold(text_of(record)) == fold(typed):
                return record
        if key is None:  # a select, a machine
            return by_key(self.kind, typed) or self._exact(typed)
        return self._exact(typed) or by_key(self.kind, typed)

    def _exact(self, typed: str) -> Any:
        if not self.looked_up:
            return None
        for q in dict.fromkeys((typed, typed.partition(" (")[0])):
            records = list(Session.scalars(found(self.kind, q)).unique())
            exact = [record for record in records if fold(typed) in _names(record)]
            if len(exact) == 1:
                return exact[0]
        return None


def _names(record: Any) -> set[str]:
    """Every text that means this record and no part of it."""
    values = [getattr(record, name) for name in (*record.lookup_columns, "ruc") if hasattr(record, name)]
    return {fold(str(value)) for value in (text_of(record), record, *values) if value is not None}
