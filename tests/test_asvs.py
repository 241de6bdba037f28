"""What OWASP ASVS 5.0 asks and no other test proves; and that docs/seguridad-asvs.md names tests that exist."""

import re
import struct
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any
from urllib.parse import urljoin, urlsplit

import lxml.html
import pytest
from flask import Flask
from flask.testing import FlaskClient
from inspection_samples import done, draft
from PIL import Image
from sqlalchemy import Text, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session as OrmSession
from support import PASSWORD, ROOT, Live, log_in, token_of
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from app.core.base import Session, metadata
from app.core.errors import RuleBroken
from app.exchange.tables import harmless
from app.operations import attachments, files
from app.operations.unit import act

Enter = Callable[[str], FlaskClient]

TABLE = ROOT / "docs" / "seguridad-asvs.md"
APP = ROOT / "app"


# -- the table ------------------------------------------------------------------------------------------


def test_every_test_that_the_table_names_exists_and_every_line_names_one() -> None:
    names = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for found in re.findall(r"^\s*def (test_\w+)", path.read_text(), re.M):
            names.add(f"{path.stem}::{found}")
    lines = [line for line in TABLE.read_text().splitlines() if re.match(r"\| \d", line)]
    assert len(lines) > 40
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert len(cells) == 4, line
        named = re.findall(r"`(test_\w+::test_\w+)`", cells[3])
        assert named or cells[3].startswith("Después:"), f"no test, and not said to come later: {line}"
        assert set(named) <= names, sorted(set(named) - names)


# -- 1.2.1, 1.3.7, 3.4, 3.5.3, 14.3.2: everything that is shown ---------------------------------------------

PAYLOAD = "CANARIO\"'></textarea></script><svg onload=canario()>{{7*7}}"
UNPAINTED = {"installation", "login_session", "login_failure", "stored_file", "parameter"}
"""Tables whose texts no person writes, or which the pages compute with."""


def painted(db: OrmSession) -> int:
    """Put the payload into every text that takes it, of two rows of each table; how many columns took it."""
    count = 0
    with act("test.paint"):
        for table in metadata.sorted_tables:
            if table.name in UNPAINTED:
                continue
            for column in table.columns:
                if not isinstance(column.type, Text) and str(column.type) != "VARCHAR(64)":
                    continue
                if column.primary_key or column.foreign_keys or column.unique or column.computed is not None:
                    continue
                if column.info.get("choices") or column.name.endswith(("code", "state", "hash", "sha256")):
                    continue
                change = text(
                    f'UPDATE "{table.name}" SET "{column.name}" = :payload'
                    f' WHERE ctid IN (SELECT ctid FROM "{table.name}" WHERE "{column.name}" IS NOT NULL LIMIT 2)'
                )
                try:
                    with db.begin_nested():
                        count += db.execute(change, {"payload": PAYLOAD}).rowcount > 0
                except DBAPIError:
                    continue
    return count


def digest(db: OrmSession) -> dict[str, str]:
    """What is in every table, the counters of presence apart."""
    names = [t.name for t in metadata.sorted_tables if t.name not in ("login_session", "login_failure")]
    return {
        name: str(db.scalar(text(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \"{name}\" t")))
        for name in names
    }


def crawl(app: Flask, client: FlaskClient) -> Iterator[tuple[str, Any]]:
    """Every page that links lead to from the first one, one of each endpoint, with its answer."""
    looked: set[str] = set()
    queue = deque(["/"])
    adapter = app.url_map.bind("localhost")
    while queue:
        path = queue.popleft()
        try:
            endpoint = adapter.match(urlsplit(path).path)[0]
        except HTTPException:  # a link that is a form's
            continue
        if endpoint in looked or endpoint.endswith("static"):
            continue
        looked.add(endpoint)
        answer = client.get(path)
        yield path, answer
        if answer.mimetype == "text/html":
            page = lxml.html.fromstring(answer.get_data())
            targets = [urljoin(f"http://localhost{path}", link) for link in page.xpath("//a/@href")]
            queue.extend(
                urlsplit(link)._replace(scheme="", netloc="", fragment="").geturl()
                for link in targets
                if urlsplit(link).netloc == "localhost"
            )


def looked_at(app: Flask, client: FlaskClient) -> tuple[int, int]:
    """Every page, with its headers and nothing alive of what people wrote: pages, and those that show it."""
    pages = shown = 0
    for path, answer in crawl(app, client):
        assert answer.status_code in (200, 302, 403, 404), (path, answer.status_code)
        assert answer.headers["Cache-Control"] == "no-store", path
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], path
        if answer.mimetype != "text/html":
            continue
        words = answer.get_data(as_text=True)
        page = lxml.html.fromstring(words)
        assert not page.xpath("//@onload"), path
        assert not [each for each in page.xpath("//script/text()") if 'CANARIO"' in each], path
        assert "canario()>49" not in words, path
        pages += 1
        shown += "CANARIO" in words
    return pages, shown


def test_what_people_write_is_shown_as_they_wrote_it_and_looking_changes_nothing(
    app: Flask, db: OrmSession, enter: Enter
) -> None:
    done()
    draft()
    assert painted(db) > 40
    for username in ("admin", "coordinador", "inspector1"):
        client = enter(username)
        before = digest(db)
        pages, shown = looked_at(app, client)
        assert pages > 25 and shown > 10, (username, pages, shown)
        Session.expire_all()
        after = digest(db)
        assert {name for name in before if before[name] != after[name]} == set(), username


# -- 1.2.5, 1.2.10, 15.3.3 ------------------------------------------------------------------------------

SHELLS = re.compile(
    r"shell=True|\bos\.(system|popen)\(|\b(eval|exec)\(|pickle\.loads?\(|yaml\.(unsafe|full)_load"
)

TRUSTED = {name: {"pickle.loads("} for name in ("child.py", "scans.py")}
"""What a sealed child is told by its parent, through a pipe; what it answers is never unpickled."""


def test_no_shell_no_evaluation_and_no_pickle_in_the_code() -> None:
    for path in APP.rglob("*.py"):
        code = re.sub(r'"""[\s\S]*?"""|#.*', "", path.read_text())
        found = {each.group() for each in SHELLS.finditer(code)} - TRUSTED.get(path.name, set())
        assert not found, (path.relative_to(ROOT), found)


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_cell_that_a_spreadsheet_would_run_is_a_text(sign: str) -> None:
    assert harmless(f"{sign}cmd|' /C calc'!A0") == f"'{sign}cmd|' /C calc'!A0"
    assert harmless(-5) == -5 and harmless("a=b") == "a=b"


def test_a_field_that_the_form_does_not_have_is_not_taken(live: Live) -> None:
    client = log_in(live.app.test_client(), "admin")
    key, before = live.sql("SELECT id, password FROM ab_user WHERE username = 'mesa'")[0]
    roles = [row[0] for row in live.sql(f"SELECT role_id FROM ab_user_role WHERE user_id = {key}")]
    path = f"/usuarios/edit/{key}"
    person = {"username": "mesa", "first_name": "Otra", "last_name": "Persona", "email": "m@x.invalid"}
    more = {"password": "x", "directory": "y", "uuid": "0" * 32, "must_change_password": "y", "id": "1"}
    token = token_of(client.get(path).get_data(as_text=True))
    form = MultiDict({**person, **more, "office_id": "", "active": "y", "csrf_token": token})
    form.setlist("roles", roles)
    assert client.post(path, data=form).status_code == 302
    row = live.sql(
        f"SELECT first_name, password, directory, must_change_password FROM ab_user WHERE id = {key}"
    )
    assert [tuple(each) for each in row] == [("Otra", before, False, False)]


# -- 3.3, 14.3.1 ----------------------------------------------------------------------------------------


def test_every_cookie_is_closed_to_scripts_other_sites_and_plain_http(
    app: Flask, db: OrmSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "SESSION_COOKIE_SECURE", True)
    monkeypatch.setitem(app.config, "SESSION_COOKIE_NAME", "__Host-sis")
    client, safe = app.test_client(), {"base_url": "https://localhost"}
    headers = {"Referer": "https://localhost/"}
    answers = [client.get("/login/", **safe)]
    form = {
        "username": "mesa",
        "password": PASSWORD,
        "csrf_token": token_of(answers[0].get_data(as_text=True)),
    }
    answers.append(client.post("/login/", data=form, headers=headers, **safe))
    answers.append(client.get("/", **safe))
    token = token_of(answers[-1].get_data(as_text=True))
    answers.append(client.post("/logout/", data={"csrf_token": token}, headers=headers, **safe))
    cookies = [line for answer in answers for line in answer.headers.getlist("Set-Cookie")]
    assert {line.partition("=")[0] for line in cookies} == {"__Host-sis", "__Host-sis-device"}
    for line in cookies:
        assert all(f"; {flag}" in line for flag in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax")), line
        assert "Domain=" not in line
    for answer in answers:
        assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]
    assert answers[-1].headers["Clear-Site-Data"] == '"cache"'


KEEPERS = {
    "drafts.ts": "what is typed and not saved, by person; never passwords, files, tokens; gone at log-out",
    "palette.ts": "what was opened lately, for the tab and the person",
    "frame.ts": "a cookie of the look: folded menu, open sections, theme",
}
"""The scripts that keep something in the browser, and what."""


def test_only_drafts_and_the_look_are_kept_in_the_browser() -> None:
    for path in (APP / "assets").rglob("*.ts"):
        if path.name not in KEEPERS:
            kept = re.search(r"localStorage|sessionStorage|indexedDB|document\.cookie", path.read_text())
            assert not kept, path
    drafts = (APP / "assets/drafts.ts").read_text(encoding="utf-8")
    assert "[type=password], [type=file]" in drafts and "7 * 24 * 60" in drafts


# -- 5.2, 5.3: what people hand in ----------------------------------------------------------------------


def picture(kind: str = "JPEG", size: tuple[int, int] = (40, 30)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, (120, 30, 30)).save(out, kind)
    return out.getvalue()


def flood() -> bytes:
    """A PNG that says 20,000 by 20,000 points in a few bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


SCRIPT = b"<script>alert(1)</script>"
REFUSED = {
    "php as a photograph": b"<?php system($_GET['c']); ?>",
    "svg with a script": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "html": b"<!doctype html>" + SCRIPT,
    "empty": b"",
    "too large": b"\xff\xd8\xff" + b"0" * (attachments.LARGEST + 1),
    "flood of points": flood(),
    "jpeg cut short": picture()[:60],
    "jpeg of nothing": b"\xff\xd8\xff" + SCRIPT,
    "pdf of nothing": b"%PDF-1.7\n" + SCRIPT,
    "zip": b"PK\x03\x04" + b"\x00" * 200,
    "program": b"MZ" + b"\x00" * 200,
    "shell": b"#!/bin/sh\nreboot\n",
    "gif": b"GIF89a" + b"\x00" * 40,
    "tiff": b"II*\x00" + b"\x00" * 40,
    "bitmap": b"BM" + b"\x00" * 40,
    "nul": b"\x00" * 64,
    "entity bomb": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaa">]><x>&a;</x>',
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_is_not_what_it_should_be_is_refused_with_words(db: OrmSession, what: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        attachments.receive(REFUSED[what], "scan")
    assert refused.value.field in ("scan", None) and len(refused.value.message) > 20


@pytest.mark.parametrize("tail", [SCRIPT, b"<?php phpinfo(); ?>", b"PK\x03\x04PK\x05\x06" + b"\x00" * 18])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_is_hidden_in_a_photograph_does_not_survive(db: OrmSession, kind: str, tail: bytes) -> None:
    with act("test.receive"):
        kept = files.read(attachments.receive(picture(kind) + tail).file)
    assert tail not in kept and b"script" not in kept


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\..\\x.csv",
        "a" * 300 + ".csv",
        "‮vsc.exe",
        "a\x00b.csv",
        "<svg onload=x()>.csv",
        "",
    ],
)
def test_the_name_of_a_file_is_no_path_and_no_markup(enter: Enter, name: str) -> None:
    """By a page that takes a file: its name reaches neither the disk nor the page as it came."""
    client, page = enter("admin"), "/usuarios/planilla"
    token = token_of(client.get(page).get_data(as_text=True))
    sheet = (BytesIO(b"usuario;nombre\nx;y\n"), name)
    answer = client.post(page, data={"sheet": sheet, "csrf_token": token})
    assert answer.status_code in (200, 400, 422)
    assert "<svg onload" not in answer.get_data(as_text=True)


def test_a_file_is_kept_by_its_hash(db: OrmSession) -> None:
    with act("test.receive"):
        row = attachments.receive(picture()).file
    assert files.place(row.sha256).name.startswith(row.sha256) or row.sha256[4:] in str(
        files.place(row.sha256)
    )
    assert re.fullmatch(r"[0-9a-f]{64}", row.sha256)


# -- 6.3.8, 7.2, 7.3, 7.4, 11.4 -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mesa", "nadie", "notificador"])
def test_the_same_work_is_done_for_every_name(live: Live, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Known, unknown and turned off: one password is compared, by the same method."""
    from app.security import manager

    live.sql("UPDATE ab_user SET active = false WHERE username = 'notificador'")
    compared: list[str] = []

    def check(stored: str, password: str) -> bool:
        compared.append(stored.split("$")[0])
        return False

    monkeypatch.setattr(manager, "check_password_hash", check)
    client = live.app.test_client()
    token = token_of(client.get("/login/").get_data(as_text=True))
    form = {"username": name, "password": "equivocada", "csrf_token": token}
    assert client.post("/login/", data=form).status_code == 401
    assert compared == ["scrypt:32768:8:1"]


def test_a_password_is_kept_by_scrypt_with_a_salt_of_its_own(live: Live) -> None:
    rows = [row[0] for row in live.sql("SELECT password FROM ab_user")]
    assert all(re.fullmatch(r"scrypt:32768:8:1\$[A-Za-z0-9]{16}\$[0-9a-f]{128}", row) for row in rows)
    with live.app.app_context():
        from app.security.manager import hash_password

        assert hash_password(PASSWORD) != hash_password(PASSWORD)


def test_entering_makes_a_new_session_and_the_token_before_it_opens_nothing(live: Live) -> None:
    client = live.app.test_client()
    client.get("/login/")
    with client.session_transaction() as cookie:
        cookie["sid"] = "puesto por otro"
    log_in(client, "mesa")
    with client.session_transaction() as cookie:
        assert cookie["sid"] != "puesto por otro" and len(cookie["sid"]) > 40


@pytest.mark.parametrize(
    "change", ["seen_at = seen_at - interval '2 h 1 s'", "ends_at = now() - interval '1 s'"]
)
def test_a_session_ends_when_idle_and_at_its_end(live: Live, change: str) -> None:
    client = log_in(live.app.test_client(), "mesa")
    assert client.get("/").status_code == 200
    live.sql(f"UPDATE login_session SET {change}")
    assert client.get("/").status_code == 302


def test_a_person_sees_his_sessions_and_closes_the_others(live: Live) -> None:
    mine, other = log_in(live.app.test_client(), "mesa"), log_in(live.app.test_client(), "mesa")
    page = mine.get("/mi-cuenta/").get_data(as_text=True)
    assert page.count("última actividad") == 2
    assert mine.post("/mi-cuenta/sesiones", data={"csrf_token": token_of(page)}).status_code == 302
    assert mine.get("/").status_code == 200 and other.get("/").status_code == 302


# -- 13.4, 16.4 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/.git/HEAD",
        "/.env",
        "/config.py",
        "/static/../config.py",
        "/static/%2e%2e/config.py",
        "/console",
        "/server-status",
    ],
)
def test_nothing_of_the_workshop_is_served(app: Flask, enter: Enter, path: str) -> None:
    assert not app.debug
    assert enter("admin").get(path).status_code == 404


def test_a_name_with_line_breaks_forges_no_line(live: Live, caplog: pytest.LogCaptureFixture) -> None:
    client = live.app.test_client()
    token = token_of(client.get("/login/").get_data(as_text=True))
    forged = "mesa\r\n2026-11-24 INFO admin entró"
    with caplog.at_level("DEBUG"):
        client.post("/login/", data={"username": forged, "password": "x", "csrf_token": token})
        client.get("/oficinas/list/\r\nadmin entró")
    assert not [each for each in caplog.messages if "admin entró" in each and "\n" in each]
    actors = {row[0] for row in live.sql("SELECT actor FROM audit.act WHERE verb = 'session.refused'")}
    assert actors == {"desconocido"}
