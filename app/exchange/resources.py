"""Records as JSON for machines, declared once: what is shown, what may be asked for, what may be sent.

From a `Resource` come the answers, the check of what arrives, and its description in OpenAPI: titles, help
and choices are those of the model's columns. Records are named by their public identifier, catalogues by
their code; internal keys neither leave nor enter. What arrives is judged by the schema that is published.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    Date,
    DateTime,
    Integer,
    Numeric,
    Select,
    Text,
    Uuid,
    inspect,
    select,
)

from app.core.base import Model, Session
from app.core.errors import RuleBroken

Schema = dict[str, Any]

LARGEST_PAGE, USUAL_PAGE = 100, 25
LONGEST = {False: 500, True: 100_000}
"""Characters of a text that is sent: of a line, of a long one."""
NUMBER = 2**53 - 1
"""The largest whole number that every reader of JSON keeps exact."""
UUID_FORM = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
KEPT = "^[^\\u0000\\ud800-\\udfff]*$"
"""Texts that a database keeps: without NUL and halves of signs."""


CONFIRMED: Schema = {
    "type": "boolean",
    "title": "Confirmado",
    "description": "Se miraron los registros parecidos que nombró el rechazo de código `similar`, y es otro.",
}


class FieldsBroken(RuleBroken):
    """A refusal that names several fields, each with its reasons."""

    def __init__(self, message: str, fields: Mapping[str, list[str]], code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.fields = dict(fields)


class Malformed(FieldsBroken):
    """What a machine sent is not of the published form."""

    default_code = "malformed"

    def __init__(self, fields: Mapping[str, list[str]]) -> None:
        super().__init__("El pedido no tiene la forma publicada: revise los campos señalados.", fields)


@dataclass(frozen=True)
class Field:
    """One value of a record in JSON: its name, its schema, how it is read off the record."""

    name: str
    schema: Schema
    value: Callable[[Any], Any]


# -- a column as JSON ------------------------------------------------------------------------------------


def shown(kind: type[Model], *names: str) -> tuple[Field, ...]:
    """These columns and relations of a model, as they are answered."""
    return tuple(_shown(kind, name) for name in names)


def _shown(kind: type[Model], name: str) -> Field:
    if name in kind.__mapper__.relationships:
        relation = kind.__mapper__.relationships[name]
        column = next(iter(relation.local_columns))
        title = column.info.get("label", name)
        target = reference(relation.mapper.class_)
        schema = {"anyOf": [target, {"type": "null"}]} if column.nullable else dict(target)
        return Field(name, {**schema, "title": title}, lambda row: refer(getattr(row, name)))
    column = kind.__table__.c[name]
    return Field(name, column_schema(column), _reader(name, column))


def _reader(name: str, column: Column[Any]) -> Callable[[Any], Any]:
    if isinstance(column.type, Uuid):
        return lambda row: str(getattr(row, name))
    if isinstance(column.type, Numeric):
        return lambda row: None if (value := getattr(row, name)) is None else float(value)
    if isinstance(column.type, DateTime):
        return lambda row: None if (value := getattr(row, name)) is None else moment(value)
    if isinstance(column.type, Date):
        return lambda row: None if (value := getattr(row, name)) is None else value.isoformat()
    return lambda row: getattr(row, name)


def moment(value: datetime) -> str:
    """A moment in UTC, as RFC 3339 writes it."""
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def column_schema(column: Column[Any], writing: bool = False) -> Schema:
    """The schema of a column: its type, title, help, choices; bounds where it may be sent."""
    info = column.info
    kind = _type(column, writing)
    if info.get("choices"):
        kind = {"type": "string", "enum": [member.value for member in info["choices"]]}
    words = [info.get("help", "")]
    if info.get("choices"):
        words.append("; ".join(f"{member.value}: {member.label}" for member in info["choices"]))
    if info.get("money"):
        words.append("En guaraníes.")
    if column.nullable:
        kind["type"] = [kind["type"], "null"]
        if "enum" in kind:
            kind["enum"] = [*kind["enum"], None]
    return {**kind, "title": info.get("label", column.name), **_described(words)}


def _described(words: Sequence[str]) -> Schema:
    said = " ".join(filter(None, words))
    return {"description": said} if said else {}


def _type(column: Column[Any], writing: bool) -> Schema:
    if isinstance(column.type, Boolean):
        return {"type": "boolean"}
    if isinstance(column.type, Integer):
        return {"type": "integer", **({"minimum": -NUMBER, "maximum": NUMBER} if writing else {})}
    if isinstance(column.type, Numeric):
        return {"type": "number", **({"minimum": -1000, "maximum": 1000} if writing else {})}
    if isinstance(column.type, DateTime):
        return {"type": "string", "format": "date-time"}
    if isinstance(column.type, Date):
        return {"type": "string", "format": "date"}
    if isinstance(column.type, Uuid):
        return {"type": "string", "format": "uuid"}
    if isinstance(column.type, ARRAY):
        return {"type": "array", "items": {"type": "string"}}
    assert isinstance(column.type, Text), column
    if not writing:
        return {"type": "string"}
    return {"type": "string", "maxLength": LONGEST[bool(column.info.get("long"))], "pattern": KEPT}


# -- records that others refer to ------------------------------------------------------------------------


def key_name(kind: type[Model]) -> str:
    """The name of the column by which machines know the records of a model."""
    return "uuid" if "uuid" in kind.__table__.c else str(inspect(kind).primary_key[0].name)


def key_schema(kind: type[Model]) -> Schema:
    """The schema of the key of a record."""
    column = kind.__table__.c[key_name(kind)]
    if isinstance(column.type, Uuid):
        return {"type": "string", "format": "uuid", "pattern": UUID_FORM}
    if isinstance(column.type, Integer):
        return {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
    return {"type": "string", "maxLength": 100, "pattern": KEPT}


@cache
def reference(kind: type[Model]) -> Schema:
    """The schema of a record that another refers to: its key and its text."""
    name = key_name(kind)
    plain = {key: value for key, value in key_schema(kind).items() if key in ("type", "format")}
    return {
        "type": "object",
        "properties": {name: plain, "text": {"type": "string"}},
        "required": [name, "text"],
        "additionalProperties": False,
    }


def refer(record: Any) -> dict[str, Any] | None:
    """A record that another refers to."""
    if record is None:
        return None
    name = key_name(type(record))
    key = getattr(record, name)
    return {name: str(key) if isinstance(key, UUID) else key, "text": str(record)}


def find(kind: type[Model], key: Any) -> Any:
    """The record with this key within one's scope, None when there is none."""
    of: Any = kind
    name = key_name(kind)
    if name == "uuid":
        if not re.fullmatch(UUID_FORM, str(key)):
            return None
        key = UUID(str(key))
    elif isinstance(kind.__table__.c[name].type, Integer):
        if not re.fullmatch("[0-9]{1,9}", str(key)):
            return None
        key = int(key)
    return Session.scalar(select(of).where(getattr(of, name) == key))


# -- what is declared ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Resource:
    """A kind of record as machines see it.

    `within` says which records there are at all, `listed` which of them a list shows. `filters` are columns
    or relations that narrow the list by equality; `search` gives the condition of `q`. `accepts` are the
    columns and relations that may be sent, `extra` what else may be, `required` what nothing is made without.
    `confirms`: similar records stop a creation until it says that they were looked at.
    """

    kind: type[Model]
    fields: tuple[Field, ...]
    load: tuple[Any, ...] = ()
    filters: tuple[str, ...] = ()
    search: Callable[[str], Any] | None = None
    within: Callable[[], Any] | None = None
    listed: Callable[[], Any] | None = None
    accepts: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    extra: Mapping[str, Schema] = field(default_factory=dict)
    confirms: bool = False

    def dump(self, row: Any) -> dict[str, Any]:
        """A record as it is answered."""
        return {each.name: each.value(row) for each in self.fields}

    def select(self) -> Select[Any]:
        """Every record within one's scope."""
        query: Select[Any] = select(self.kind).options(*self.load)
        return query if self.within is None else query.where(self.within())

    def page(self, asked: Mapping[str, Any]) -> tuple[list[dict[str, Any]], Any]:
        """A page of the list and the key after which the next one begins (None: it was the last).

        Pages go by the order of entry, so that nothing is skipped while records are added. Raises Malformed.
        """
        of: Any = self.kind
        query, key = self.select(), inspect(of).primary_key[0]
        if self.listed is not None:
            query = query.where(self.listed())
        for name in self.filters:
            if name in asked:
                query = query.where(self._condition(name, asked[name]))
        if self.search is not None and asked.get("q"):
            query = query.where(self.search(asked["q"]))
        if "after" in asked:
            last = find(of, asked["after"])
            if last is None:
                raise Malformed({"after": ["Ese registro no existe o no está a su alcance."]})
            query = query.where(key > inspect(last).identity[0])
        most = asked.get("limit", USUAL_PAGE)
        rows = Session.scalars(query.order_by(key).limit(most + 1)).unique().all()
        more = getattr(rows[most - 1], key_name(of)) if len(rows) > most else None
        return [self.dump(row) for row in rows[:most]], str(more) if isinstance(more, UUID) else more

    def one(self, key: Any) -> Any:
        """A record within one's scope, with what its answer needs; None when there is none."""
        of: Any = self.kind
        name = key_name(of)
        return Session.scalars(self.select().where(getattr(of, name) == key)).unique().first()

    def _condition(self, name: str, value: Any) -> Any:
        of: Any = self.kind
        if name in self.kind.__mapper__.relationships:
            record = find(self.kind.__mapper__.relationships[name].mapper.class_, value)
            if record is None:
                raise Malformed({name: ["Ese registro no existe o no está a su alcance."]})
            return getattr(of, name) == record
        return getattr(of, name) == value

    # -- schemas

    @cached_property
    def schema(self) -> Schema:
        """The schema of a record."""
        return {
            "type": "object",
            "title": self.kind.label,
            "properties": {each.name: each.schema for each in self.fields},
            "required": [each.name for each in self.fields],
            "additionalProperties": False,
        }

    @cached_property
    def parameters(self) -> dict[str, Schema]:
        """The parameters of the list, each with its schema."""
        found: dict[str, Schema] = {}
        if self.search is not None:
            found["q"] = {
                "type": "string",
                "title": "Palabras que se buscan",
                "maxLength": 200,
                "pattern": KEPT,
            }
        for name in self.filters:
            found[name] = _without_null(self._sent(name))
        found["limit"] = {
            "type": "integer",
            "title": "Registros por página",
            "minimum": 1,
            "maximum": LARGEST_PAGE,
            "default": USUAL_PAGE,
        }
        found["after"] = {**key_schema(self.kind), "title": "El `next` de la página anterior"}
        return found

    @cached_property
    def creation(self) -> Schema:
        """The schema of what makes a record."""
        confirmation = {"confirmed": CONFIRMED} if self.confirms else {}
        return _object({**self._properties, **confirmation}, self.required)

    @cached_property
    def correction(self) -> Schema:
        """The schema of what changes a record: any of its values, and the version that was read."""
        version = {"type": "integer", "title": "Versión leída", "minimum": 1, "maximum": 2**31 - 1}
        return _object({**self._properties, "version": version}, ("version",))

    @cached_property
    def _properties(self) -> dict[str, Schema]:
        return {**{name: self._sent(name) for name in self.accepts}, **self.extra}

    def _sent(self, name: str) -> Schema:
        if name in self.kind.__mapper__.relationships:
            relation = self.kind.__mapper__.relationships[name]
            column = next(iter(relation.local_columns))
            schema = dict(key_schema(relation.mapper.class_))
            if column.nullable:
                schema["type"] = [schema["type"], "null"]
            return {**schema, "title": column.info.get("label", name)}
        return column_schema(self.kind.__table__.c[name], writing=True)

    def values(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """What was sent, by the columns it goes to, as Python values. Raises Malformed for a reference."""
        values: dict[str, Any] = {name: sent[name] for name in self.extra if name in sent}
        for name in self.accepts:
            if name not in sent:
                continue
            value = sent[name]
            if name in self.kind.__mapper__.relationships:
                relation = self.kind.__mapper__.relationships[name]
                target = None if value is None else find(relation.mapper.class_, value)
                if target is None and value is not None:
                    raise Malformed({name: ["Ese registro no existe o no está a su alcance."]})
                values[next(iter(relation.local_columns)).name] = target and inspect(target).identity[0]
            else:
                values[name] = _value(self.kind.__table__.c[name], value)
        return values


def _object(properties: Mapping[str, Schema], required: Sequence[str]) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def _without_null(schema: Schema) -> Schema:
    """The schema of a value that, in an address, is either there or not."""
    kind = schema.get("type")
    kept = {**schema, "type": kind[0] if isinstance(kind, list) else kind}
    if "enum" in kept:
        kept["enum"] = [value for value in kept["enum"] if value is not None]
    return kept


def _value(column: Column[Any], value: Any) -> Any:
    """A value of JSON as its column keeps it; a text without blanks at its ends, an empty one is none."""
    if value is None:
        return None
    if isinstance(column.type, DateTime):
        return datetime.fromisoformat(value)
    if isinstance(column.type, Date):
        return date.fromisoformat(value)
    if isinstance(column.type, Numeric):
        return Decimal(str(value))
    return (value.strip() or None) if isinstance(value, str) else value
