"""Users from a spreadsheet: every row judged first, all made at once or none."""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from support import Live, log_in, token_of

from app.core.errors import RuleBroken
from app.exchange import accounts as sheets

Enter = Callable[[str], FlaskClient]
PAGE = "/usuarios/planilla"
TITLES = "Usuario;Nombre;Apellido;Correo;Función;Oficina"
GOOD = f"{TITLES}\r\nlvazquez;Lourdes;Vázquez;lv@x.gov.py;Inspector;REG-CAP\r\n;Ñu Juan;Peña;jp@x.gov.py;SST / Inspector;\r\n"


def upload(client: FlaskClient, content: bytes, name: str = "gente.csv") -> Any:
    token = token_of(client.get(PAGE).get_data(as_text=True))
    return client.post(PAGE, data={"sheet": (io.BytesIO(content), name), "csrf_token": token})


def people_in(page: str) -> str:
    import html

    found = re.search(r'name="people"[^>]*value="([^"]*)"', page)
    assert found, page[:2000]
    return html.unescape(found[1])


def create(client: FlaskClient, people: str) -> Any:
    token = token_of(client.get(PAGE).get_data(as_text=True))
    return client.post(f"{PAGE}/crear", data={"people": people, "csrf_token": token})


def test_a_sheet_becomes_accounts_with_a_slip_each(live: Live) -> None:
    admin = log_in(live.app.test_client(), "admin")
    before = live.sql("SELECT count(*) FROM ab_user")[0][0]
    review = upload(admin, GOOD.encode("cp1252")).get_data(as_text=True)
    assert "2 filas bien" in review and "Vázquez" in review and "npena" in review
    assert live.sql("SELECT count(*) FROM ab_user")[0][0] == before, "looking makes nothing"
    page = create(admin, people_in(review)).get_data(as_text=True)
    passwords = re.findall(r"<code>([^<]+)</code>", page)
    assert len(passwords) == 2 and page.count('class="sis-slip"') == 2
    for name, password in zip(("lvazquez", "npena"), passwords, strict=True):
        person = log_in(live.app.test_client(), name, password)
        assert person.get("/").location == "/mi-cuenta/contrasena"
    roles = live.sql(
        "SELECT r.name FROM ab_user u JOIN ab_user_role ur ON ur.user_id = u.id JOIN ab_role r"
        " ON r.id = ur.role_id WHERE u.username = 'npena' ORDER BY 1"
    )
    assert [row[0] for row in roles] == ["Inspector", "SST"]
    acts = live.sql("SELECT reason FROM audit.act WHERE verb = 'account.create'")
    assert [row[0] for row in acts] == ["Planilla de 2 personas"], "one act"
    again = create(admin, people_in(review))
    assert again.status_code == 422 and "Ya existe el usuario" in again.get_data(as_text=True)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("x;Ana;Ruiz;a@x.gov.py;Inspector;", "de 3 a 40"),
        ("admin;Ana;Ruiz;a@x.gov.py;Inspector;", "Ya existe el usuario"),
        ("ana;Ana;;a@x.gov.py;Inspector;", "Falta el apellido"),
        ("ana;Ana;Ruiz;;Inspector;", "Falta el correo"),
        ("ana;Ana;Ruiz;malo;Inspector;", "No parece un correo"),
        ("ana;Ana;Ruiz;ADMIN@demo.sis.invalid;Inspector;", "ya usa ese correo"),
        ("ana;Ana;Ruiz;a@x.gov.py;Jefe;", "No hay una función «Jefe»"),
        ("ana;Ana;Ruiz;a@x.gov.py;;", "Falta la función"),
        ("ana;Ana;Ruiz;a@x.gov.py;Inspector;LEJOS", "No hay una oficina"),
        ("lvazquez;Ana;Ruiz;a@x.gov.py;Inspector;", "se repite en la fila 2"),
        ("ana;Ana;Ruiz;lv@x.gov.py;Inspector;", "se repite en la fila 2"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_made(live: Live, row: str, words: str) -> None:
    admin = log_in(live.app.test_client(), "admin")
    answer = upload(admin, (GOOD.splitlines()[0] + "\n" + GOOD.splitlines()[1] + "\n" + row).encode())
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and words in page and "Lourdes" in page
    assert "Crear las" not in page
    titles = ("username", "first_name", "last_name", "email", "roles", "office")
    rows = [
        [3, dict(zip(titles, row.split(";"), strict=True))],
        [2, dict(zip(titles, GOOD.splitlines()[1].split(";"), strict=True))],
    ]
    forced = create(admin, json.dumps(rows))
    assert forced.status_code == 422, "the server judges again"
    assert live.sql("SELECT count(*) FROM ab_user WHERE username = 'lvazquez'")[0][0] == 0


def test_a_workbook_is_read_too(enter: Enter) -> None:
    book = Workbook()
    book.active.append(["Personal de la regional"])
    book.active.append(["E-mail", "Nombres", "Apellidos", "Rol"])
    book.active.append(["lv@x.gov.py", "Lourdes", "Vázquez", "Mesa de Entrada"])
    file = io.BytesIO()
    book.save(file)
    page = upload(enter("admin"), file.getvalue(), "gente.xlsx").get_data(as_text=True)
    assert "1 fila bien" in page and "lvazquez" in page


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Elija un archivo"),
        (b"   \n", "vac"),
        (b"PK\x03\x04basura", "dañado"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "Excel antiguo"),
        (b"\x89PNG\r\n\0\0\0", "no es una planilla"),
        (b"Color;Talle\nrojo;5\n", "falta: Nombre"),
        (TITLES.encode(), "ninguna persona"),
        ((TITLES + "\n" + "a;b;c;d;e;f\n" * 101).encode(), "más de 100"),
    ],
)
def test_a_file_that_is_no_list_says_so(enter: Enter, content: bytes, words: str) -> None:
    client = enter("admin")
    token = token_of(client.get(PAGE).get_data(as_text=True))
    name = "gente.csv" if content else ""
    answer = client.post(PAGE, data={"sheet": (io.BytesIO(content), name), "csrf_token": token})
    assert answer.status_code == 422 and words in answer.get_data(as_text=True)


@pytest.mark.parametrize("people", ["", "[]", "{", "[1]", '[[1, "x"]]', '{"a": 1}', "null", '[["x", {}]]'])
def test_a_list_tampered_with_is_refused(enter: Enter, people: str) -> None:
    assert create(enter("admin"), people).status_code in (302, 422)


@pytest.mark.parametrize("name", ["director", "coordinador", "auditor", "inspector1"])
def test_only_it_uploads_people(enter: Enter, name: str) -> None:
    client = enter(name)
    assert client.get(PAGE).status_code == 403
    assert client.get(f"{PAGE}/modelo.csv").status_code == 403
    token = token_of(client.get("/").get_data(as_text=True))
    assert client.post(f"{PAGE}/crear", data={"people": "[]", "csrf_token": token}).status_code == 403
    assert client.post(f"{PAGE}/crear", data={"people": "[]"}).status_code == 400


def test_the_model_sheet_is_good_as_it_is(enter: Enter) -> None:
    client = enter("admin")
    answer = client.get(f"{PAGE}/modelo.csv")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "1 fila bien" in upload(client, answer.data).get_data(as_text=True)


@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: f"{TITLES}\n{text}".encode()))
def test_any_file_is_read_or_refused_with_words(content: bytes) -> None:
    try:
        found = sheets.people(content)
    except RuleBroken as error:
        assert error.field == "sheet" and error.message
    else:
        assert all(set(person.cells) <= set(sheets.COLUMNS) for person in found)
