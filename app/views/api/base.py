"""The one base of the API: its door, what it takes, what it answers, its description.

What Flask-AppBuilder's REST classes leave open is closed here, once (docs/adr/012): a key and nothing else
lets in, so a cookie means nothing and there is no forgery to fear; what is asked and sent is judged by the
published schema, unknown names included; records are named by public identifiers; who owns a row is the
server's to say; writing calls the operation of the screen; a refusal is `{code, message, fields}`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Response, current_app, g, jsonify, make_response, request, url_for
from flask_appbuilder.api import BaseApi, expose
from jsonschema import Draft202012Validator, FormatChecker

from app.core.errors import Missing, NotAllowed
from app.exchange.resources import Malformed, Resource, Schema, key_name, key_schema
from app.models.machines import KeyScope

JSON = "application/json"
WRONG: Mapping[str, Callable[[Any], str]] = {
    "type": lambda error: f"Debe ser {_kinds(error.validator_value)}.",
    "enum": lambda error: f"Debe ser uno de estos: {', '.join(map(str, error.validator_value))}.",
    "format": lambda error: f"No tiene la forma {FORMATS.get(error.validator_value, error.validator_value)}.",
    "maxLength": lambda error: f"Use {error.validator_value} caracteres o menos.",
    "minLength": lambda error: "No puede estar vacío.",
    "minimum": lambda error: f"Debe ser {error.validator_value} o más.",
    "maximum": lambda error: f"Debe ser {error.validator_value} o menos.",
    "pattern": lambda error: "Tiene signos que no se admiten o no tiene la forma esperada.",
    "maxItems": lambda error: f"Envíe {error.validator_value} o menos.",
    "contentEncoding": lambda error: "Debe ser base64.",
}
"""What is wrong, by the word of the schema that it breaks."""
KINDS = {
    "string": "un texto",
    "integer": "un número entero",
    "number": "un número",
    "boolean": "true o false",
    "array": "una lista",
    "object": "un objeto",
    "null": "null",
}
FORMATS = {"date": "de una fecha, como 2026-11-24", "uuid": "de un identificador público"}

Operation = dict[str, Any]
Door = Callable[..., Any]


def door(permission: str, writing: bool = False) -> Callable[[Door], Door]:
    """Who may come in: the account must have the permission of the screen, the key the scope.

    Raises NotAllowed.
    """

    def guard(method: Door) -> Door:
        @functools.wraps(method)
        def guarded(self: Api, *arguments: Any, **values: Any) -> Any:
            wanted = self.write_scope if writing else self.read_scope
            if wanted not in g.sis_key.scopes:
                raise NotAllowed(f"Su llave no tiene el alcance «{wanted}».", "scope")
            if not self.may(permission):
                raise NotAllowed("La función de su cuenta no incluye este recurso.")
            return method(self, *arguments, **values)

        guarded._permission_name = permission  # type: ignore[attr-defined]
        return guarded

    return guard


class Api(BaseApi):
    """A part of the API."""

    csrf_exempt = True  # a key comes in a header that no other site can make a browser send
    read_scope: KeyScope
    write_scope: KeyScope

    def may(self, permission: str, resource: str = "") -> bool:
        """Whether the machine has a permission of a screen."""
        name = resource or self.class_permission_name
        return bool(self.appbuilder.sm.has_access(f"can_{permission}", name))

    def operations(self) -> Iterable[tuple[str, str, Operation]]:
        """(path, method, description in OpenAPI) of what this part offers."""
        return ()


class ResourceApi(Api):
    """A kind of record: its list and each of them."""

    resource: Resource

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "resource" in cls.__dict__:
            cls.class_permission_name = cls.resource.kind.__name__

    @expose("", methods=["GET"])
    @door("list")
    def get_list(self) -> Response:
        """A page of the list."""
        return self.listed()

    def listed(self) -> Response:
        """The page of the list that is asked for."""
        rows, after = self.resource.page(asked(self.resource.parameters))
        return answered({"result": rows, "next": after})

    @property
    def path(self) -> str:
        """Where the list is."""
        return str(self.route_base)

    @property
    def one_path(self) -> str:
        """Where one record is, as OpenAPI writes it."""
        return f"{self.route_base}/{{key}}"

    def operations(self) -> Iterable[tuple[str, str, Operation]]:
        kind = self.resource.kind
        found = {"result": {"type": "array", "items": self.resource.schema}, "next": _next(kind)}
        yield (
            self.path,
            "get",
            describe(self, f"{kind.label_plural}: lista", _whole(found), queries=self.resource.parameters),
        )
        yield (
            self.one_path,
            "get",
            describe(
                self,
                f"{kind.label}: un registro",
                _whole({"result": self.resource.schema}),
                key=key_schema(kind),
            ),
        )

    def record(self, key: Any) -> Any:
        """The record with this key within one's scope. Raises Missing."""
        row = self.resource.one(key)
        if row is None:
            raise Missing()
        return row

    def shown(self, row: Any, status: int = 200) -> Response:
        """A record as an answer."""
        return answered({"result": self.resource.dump(row)}, status)


class ByUuid(ResourceApi):
    """Records with a public identifier."""

    @expose("/<uuid:key>", methods=["GET"])
    @door("show")
    def get(self, key: Any) -> Response:
        """One record."""
        return self.shown(self.record(key))


class ByNumber(ResourceApi):
    """Records of a catalogue whose code is a number."""

    @expose("/<int:key>", methods=["GET"])
    @door("show")
    def get(self, key: int) -> Response:
        """One record."""
        return self.shown(self.record(key if key < 2**31 else -1))


class ByCode(ResourceApi):
    """Records of a catalogue whose code is a text."""

    @expose("/<key>", methods=["GET"])
    @door("show")
    def get(self, key: str) -> Response:
        """One record."""
        return self.shown(self.record(key))


class Writable(ByUuid):
    """Records that machines make and change, by the operations of the screens."""

    def create(self, values: dict[str, Any], sent: Mapping[str, Any]) -> Any:
        """Make a record."""
        raise NotImplementedError

    def change(self, key: int, values: dict[str, Any], version: int) -> Any:
        """Change a record that was read at this version."""
        raise NotImplementedError

    @expose("", methods=["POST"])
    @door("add", writing=True)
    def post(self) -> Response:
        """Make a record."""
        sent = body(self.resource.creation)
        made = self.create(self.resource.values(sent), sent)
        response = self.shown(self.record(made.uuid), 201)
        response.headers["Location"] = url_for(f"{self.endpoint}.get", key=made.uuid)
        return response

    @expose("/<uuid:key>", methods=["PATCH"])
    @door("edit", writing=True)
    def patch(self, key: Any) -> Response:
        """Change a record."""
        row = self.record(key)
        sent = body(self.resource.correction)
        self.change(row.id, self.resource.values(sent), sent["version"])
        return self.shown(self.record(key))

    def operations(self) -> Iterable[tuple[str, str, Operation]]:
        yield from super().operations()
        label, one = self.resource.kind.label, _whole({"result": self.resource.schema})
        yield (
            self.path,
            "post",
            describe(self, f"{label}: registrar", one, sent=self.resource.creation, made=True),
        )
        yield (
            self.one_path,
            "patch",
            describe(
                self,
                f"{label}: cambiar",
                one,
                sent=self.resource.correction,
                key=key_schema(self.resource.kind),
            ),
        )


# -- what comes in ---------------------------------------------------------------------------------------


def asked(parameters: Mapping[str, Schema]) -> dict[str, Any]:
    """The parameters of the address, as their schemas say. Raises Malformed for each that is not so."""
    found: dict[str, Any] = {}
    wrong: dict[str, list[str]] = {}
    for name, values in request.args.lists():
        if name not in parameters:
            wrong[name] = ["Ese parámetro no existe."]
        elif len(values) > 1:
            wrong[name] = ["Envíelo una sola vez."]
        else:
            value = _typed(parameters[name], values[0])
            wrong |= {name: reasons} if (reasons := _reasons(parameters[name], value)) else {}
            found[name] = value
    if wrong:
        raise Malformed(wrong)
    return found


def body(schema: Schema) -> dict[str, Any]:
    """The JSON object that was sent, as its schema says. Raises Malformed with every field at fault."""
    try:
        sent = request.get_json(silent=True) if request.is_json else None
    except RecursionError:  # lists within lists
        sent = None
    if not isinstance(sent, dict):
        raise Malformed({"": ["Envíe un objeto JSON, con Content-Type: application/json."]})
    wrong: dict[str, list[str]] = {}
    for name in sent.keys() - schema["properties"].keys():
        wrong[name.encode("ascii", "replace").decode()[:100]] = ["Ese campo no existe."]
    for name in schema["required"]:
        if name not in sent:
            wrong[name] = ["Este dato es obligatorio."]
    for name, value in sent.items():
        reasons = _reasons(schema["properties"].get(name, {}), value)
        if reasons:
            wrong[name] = reasons
    if wrong:
        raise Malformed(wrong)
    return sent


def _typed(schema: Schema, text: str) -> Any:
    """A value of the address: a number or a yes or no where the schema says so, else the text."""
    kind = schema.get("type")
    if kind == "integer" and text.removeprefix("-").isdecimal() and text.isascii() and len(text) < 20:
        return int(text)
    return {"true": True, "false": False}.get(text, text) if kind == "boolean" else text


def _reasons(schema: Schema, value: Any) -> list[str]:
    errors = Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(value)
    return list(dict.fromkeys(_said(error) for error in errors))


def _said(error: Any) -> str:
    return WRONG.get(error.validator, lambda _: "No tiene la forma publicada.")(error)


def _kinds(names: Any) -> str:
    return " o ".join(KINDS[name] for name in ([names] if isinstance(names, str) else names))


# -- what goes out ---------------------------------------------------------------------------------------


def answered(content: Mapping[str, Any], status: int = 200) -> Response:
    """A JSON answer."""
    return make_response(jsonify(content), status)


# -- how it is described ---------------------------------------------------------------------------------

ERROR: Schema = {
    "type": "object",
    "title": "Error",
    "properties": {
        "code": {"type": "string", "title": "Código estable, para programas"},
        "message": {"type": "string", "title": "Qué pasó y qué hacer"},
        "fields": {
            "type": "object",
            "title": "Cada campo señalado, con sus motivos",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
    "required": ["code", "message", "fields"],
}
REFUSALS = {
    400: "El pedido no tiene la forma publicada",
    401: "Falta la llave, o no vale",
    403: "La llave o su cuenta no alcanzan",
    404: "No existe o no está a su alcance",
    409: "Otra persona lo cambió: léalo de nuevo",
    415: "El contenido no es JSON",
    413: "Es demasiado grande",
    422: "No se cumple una regla",
    429: "Demasiados pedidos en este minuto",
    503: "No se puede atender ahora: intente en un momento",
}


def describe(
    part: Api,
    title: str,
    answer: Schema,
    *,
    queries: Mapping[str, Schema] | None = None,
    sent: Schema | None = None,
    made: bool = False,
    **places: Schema,
) -> Operation:
    """An operation in OpenAPI: `places` are the parts of its path, `sent` the schema of its body."""
    refused = {400, 401, 403, 429, 503} | ({404} if places else set())
    if sent is not None:
        refused |= {409, 413, 422}
    described: Operation = {
        "summary": title,
        "tags": ["Inspecciones" if part.read_scope is KeyScope.READ_INSPECTIONS else "Registro y catálogos"],
        "parameters": [
            *({"name": name, "in": "path", "required": True, "schema": s} for name, s in places.items()),
            *({"name": name, "in": "query", "schema": s} for name, s in (queries or {}).items()),
        ],
        "responses": {
            "201" if made else "200": {"description": "Hecho", "content": {JSON: {"schema": answer}}},
            **{str(code): {"$ref": f"#/components/responses/{code}"} for code in sorted(refused)},
        },
        "security": [{"llave": []}],
    }
    if sent is not None:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": sent}}}
    return described


def _whole(properties: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "properties": dict(properties), "required": list(properties)}


def _next(kind: Any) -> Schema:
    schema = {name: value for name, value in key_schema(kind).items() if name in ("type", "format")}
    return {
        **schema,
        "type": [schema["type"], "null"],
        "title": f"El `{key_name(kind)}` con que se pide la página siguiente (`after`); null: no hay más",
    }


def description(parts: Iterable[Api]) -> dict[str, Any]:
    """The whole API in OpenAPI 3.1."""
    paths: dict[str, dict[str, Operation]] = {}
    for part in parts:
        for path, method, operation in part.operations():
            paths.setdefault(path, {})[method] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": current_app.config["APP_NAME"],
            "version": "1",
            "description": "Con la llave de una máquina, en `Authorization: Bearer sis_…`.",
        },
        "servers": [{"url": current_app.config["SIS_PUBLIC_URL"]}],
        "paths": paths,
        "components": {
            "securitySchemes": {"llave": {"type": "http", "scheme": "bearer"}},
            "responses": {
                str(code): {"description": said, "content": {JSON: {"schema": ERROR}}}
                for code, said in REFUSALS.items()
            },
        },
    }
