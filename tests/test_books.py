"""The books of numbers: every number accounted for, a reserved one annulled with its reason."""

import csv
import html
import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from inspection_samples import acting, draft, signed
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession
from support import token_of

from app.core.base import Session
from app.models.documents import Document, NumberSeries
from app.operations import moves, papers

Enter = Callable[[str], FlaskClient]


def reserved() -> Document:
    """A number reserved for an order that is printed to be signed by hand."""
    order = draft()
    with acting("coordinador"):
        moves.move(order, "enviar_a_firma")
    with acting("secretaria"):
        document, _ = papers.print_for_signature(order, "OI")
    return document


def page(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return html.unescape(answer.get_data(as_text=True))


def send(client: FlaskClient, path: str, **form: Any) -> Any:
    token = token_of(client.get(path).get_data(as_text=True))
    return client.post(path, data={"csrf_token": token, **form})


def test_book_lists_every_number_and_says_that_none_is_missing(enter: Enter, db: OrmSession) -> None:
    signed()
    waiting = reserved()
    numbers, series = (signed().number, waiting.number), waiting.series_id
    client = enter("secretaria")
    assert f"/libros/{series}" in page(client, "/libros/list/")
    text = page(client, f"/libros/{series}")
    assert all(number in text for number in numbers) and "Sin huecos" in text
    assert all(tab in text for tab in ("Todos (3)", "Emitidos (2)", "Reservados (1)", "Anulados (0)"))
    only = page(client, f"/libros/{series}?estado=reserved")
    assert numbers[1] in only and numbers[0] not in only
    answer = client.get(f"/libros/{series}/libro.csv").get_data().decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(answer), delimiter=";"))
    assert [row[0] for row in rows[1:]] == ["1", "2", "3"]
    assert client.get(f"/libros/{series}/libro.xlsx").status_code == 200
    assert client.get(f"/libros/{series}/libro.pdf").status_code == 404


def test_reserved_number_is_annulled_with_its_reason_and_not_used_again(enter: Enter, db: OrmSession) -> None:
    waiting = reserved()
    key, number, series = waiting.id, waiting.number, waiting.series_id
    client = enter("secretaria")
    refused = send(client, f"/libros/anular/{key}", reason="  ")
    assert refused.status_code == 422 and "Escriba el motivo" in html.unescape(refused.get_data(as_text=True))
    assert send(client, f"/libros/anular/{key}", reason="Se rompió la hoja.").status_code == 302
    text = page(client, f"/libros/{series}")
    assert "Se rompió la hoja." in text and "Sin huecos" in text
    assert signed().number != number
    assert Session.get_one(Document, key).status == "annulled"


def test_issued_number_is_not_annulled_here(enter: Enter, db: OrmSession) -> None:
    document = signed().document
    assert document is not None
    key = document.id
    client = enter("secretaria")
    token = token_of(page(client, "/libros/list/"))
    answer = client.post(f"/libros/anular/{key}", data={"csrf_token": token, "reason": "Porque sí"})
    assert answer.status_code == 422
    assert Session.get_one(Document, key).status == "issued"


def test_missing_number_would_be_told(enter: Enter, db: OrmSession) -> None:
    from app.operations.unit import act

    signed()
    series = Session.scalars(select(NumberSeries).where(NumberSeries.type_code == "OI")).one()
    key = series.id
    with act("test"):
        series.next_number += 1
    assert "Faltan números: 2" in page(enter("secretaria"), f"/libros/{key}")


@pytest.mark.parametrize("username", ["admin", "auditor"])
def test_others_read_the_books_and_annul_nothing(enter: Enter, db: OrmSession, username: str) -> None:
    waiting = reserved()
    key, series = waiting.id, waiting.series_id
    client = enter(username)
    assert "/libros/anular/" not in page(client, f"/libros/{series}")
    assert client.get(f"/libros/anular/{key}").status_code == 403


@pytest.mark.parametrize("username", ["inspector1", "coordinador", "salud"])
def test_who_keeps_no_numbers_does_not_see_the_books(enter: Enter, username: str) -> None:
    assert enter(username).get("/libros/list/").status_code == 403
