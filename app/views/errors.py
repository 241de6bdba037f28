"""One place turns what went wrong into an answer: a page, or JSON for machines, never a trace."""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from flask import Flask, Response, current_app, jsonify, make_response, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, SecurityError

from app.core.base import Session
from app.core.errors import DomainError, Missing, NotAllowed, RuleBroken, Stale
from app.exchange.resources import FieldsBroken, Malformed

log = logging.getLogger(__name__)

WORDS = {
    400: ("No entendimos el pedido", "Abra la página de nuevo desde el inicio y repita lo suyo."),
    401: ("Hace falta entrar", "Entre con su usuario y contraseña."),
    403: ("No tiene permiso", "Su función no incluye esta pantalla. Si la necesita, pídala a Informática."),
    404: (
        "No está",
        "Lo que busca no existe o no está a su alcance. Revise la dirección, o vuelva al inicio.",
    ),
    405: ("No se puede así", "Esa dirección no se abre de esta manera. Use los botones de la pantalla."),
    409: ("Otra persona lo cambió", "Recargue la página, mire el cambio y repita el suyo si hace falta."),
    413: ("Es demasiado grande", "El archivo o el formulario pasa del límite. Envíe uno más chico."),
    422: ("Falta corregir algo", "Revise los datos marcados."),
    429: ("Demasiados intentos", "Espere unos minutos y vuelva a intentar."),
    500: (
        "Error del sistema",
        "No se perdió lo ya guardado. Intente de nuevo y avise a Informática con el número.",
    ),
    503: ("No pudimos atenderlo ahora", "Vuelve en un momento. Espere un minuto y recargue la página."),
}
REASONS = {
    "55P03": "Otra persona está guardando lo mismo en este momento.",
    "57014": "El pedido tardaba demasiado y se cortó: pida menos datos a la vez.",
    "53100": "El servidor se quedó sin espacio en disco. Nada de lo ya guardado se perdió.",
}
"""Why the database did not serve, by its code, when it is not that it is down."""

STATUS: dict[type[DomainError], int] = {
    NotAllowed: 403,
    Missing: 404,
    Stale: 409,
    Malformed: 400,
    RuleBroken: 422,
}
"""The status of each refusal; the first that it is an instance of."""


def register(app: Flask) -> None:
    """Attach the handlers."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(DomainError, _domain)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(OperationalError, _database)
    app.register_error_handler(PoolTimeout, _database)
    app.register_error_handler(DBAPIError, _unexpected)
    app.register_error_handler(Exception, _unexpected)


def answer(
    status: int, detail: str = "", code: str = "", fields: Mapping[str, Any] = MappingProxyType({})
) -> Response:
    """The page (or JSON) of an error, with what to do."""
    title, advice = WORDS.get(status, WORDS[500])
    if request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json":
        said = {"code": code or str(status), "message": detail or title, "fields": dict(fields)}
        response = make_response(jsonify(said), status)
        if status == 401:
            response.headers["WWW-Authenticate"] = 'Bearer realm="SIS"'
        return response
    if isinstance(request.routing_exception, SecurityError):  # a host that is not ours: no address to link to
        return make_response(f"<!doctype html><html lang=es><title>{title}</title><p>{title}</p>", status)
    # Without the context of a page (who is logged in, flashes): the database may be what failed.
    template = current_app.jinja_env.get_template("sis/error.html")
    page = template.render(status=status, title=title, advice=advice, detail=detail)
    return make_response(page, status)


def too_often(seconds: int) -> Response | None:
    """The refusal of a machine that asks more often than its key allows; None when it need not wait."""
    if not seconds:
        return None
    response = answer(429, f"Su llave ya hizo los pedidos de este minuto: espere {seconds} segundos.")
    response.headers["Retry-After"] = str(seconds)
    return response


def _http(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error
    response = answer(error.code)
    if error.code == 405 and getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(error.valid_methods)  # type: ignore[attr-defined]
    return response


def _domain(error: DomainError) -> Response:
    Session.rollback()
    # A missing record and a forbidden one answer alike: nothing is learnt from the words.
    detail = "" if isinstance(error, Missing) else error.message
    return answer(_status(error), detail, error.code, _fields(error))


def _fields(error: DomainError) -> Mapping[str, Any]:
    """Each field at fault with its messages."""
    if isinstance(error, FieldsBroken):
        return error.fields
    field = error.field if isinstance(error, RuleBroken) else None
    return {field: [error.message]} if field else {}


def _status(error: DomainError) -> int:
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 422)


def _csrf(error: CSRFError) -> Response:
    return answer(400, "Su sesión terminó, o la página se abrió en otra: lo último que envió no se guardó.")


def _database(error: Exception) -> Response:
    code = getattr(getattr(error, "orig", None), "pgcode", None)
    log.warning("database: %s %s", type(getattr(error, "orig", error)).__name__, code or "")
    Session.remove()
    response = answer(503, REASONS.get(code or "", ""))
    response.headers["Retry-After"] = "10"
    return response


def _unexpected(error: Exception) -> Response:
    number = uuid4().hex[:8]
    log.exception("error %s on %s %s", number, request.method, request.path)
    Session.rollback()
    return answer(500, f"Número del error: {number}.")
