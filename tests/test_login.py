"""Entering and leaving: sessions that can be verified and ended, delays that lock nobody out."""

import threading
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session as OrmSession
from support import PASSWORD, Live, log_in, token_of

Enter = Callable[[str], FlaskClient]


def attempt(client: FlaskClient, username: str, password: str, **options: object) -> object:
    token = token_of(client.get("/login/").get_data(as_text=True))
    form = {"username": username, "password": password, "csrf_token": token}
    return client.post("/login/", data=form, **options)


def test_anonymous_visitor_is_sent_to_log_in(anonymous: FlaskClient) -> None:
    answer = anonymous.get("/oficinas/list/")
    assert answer.status_code == 302
    assert answer.location == "/login/?next=/oficinas/list/"


def test_right_password_enters_and_shows_work(enter: Enter) -> None:
    page = enter("inspector1").get("/").get_data(as_text=True)
    assert "Mi trabajo" in page and "CAPACITACIÓN" in page


def test_wrong_password_and_unknown_name_answer_alike(anonymous: FlaskClient) -> None:
    wrong = attempt(anonymous, "inspector1", "no es esta clave")
    unknown = attempt(anonymous, "nadie", "no es esta clave")
    assert wrong.status_code == unknown.status_code == 401
    pages = [answer.get_data(as_text=True) for answer in (wrong, unknown)]
    assert all("El usuario o la contraseña no son correctos" in page for page in pages)


def test_sixth_attempt_waits_and_another_address_does_not(anonymous: FlaskClient) -> None:
    for _ in range(5):
        assert attempt(anonymous, "mesa", "equivocada").status_code == 401
    sixth = attempt(anonymous, "mesa", PASSWORD)
    assert sixth.status_code == 429 and int(sixth.headers["Retry-After"]) > 0
    assert "La cuenta no está bloqueada" in sixth.get_data(as_text=True)
    elsewhere = attempt(anonymous, "mesa", PASSWORD, environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert elsewhere.status_code == 302


def test_form_without_token_is_refused(anonymous: FlaskClient) -> None:
    answer = anonymous.post("/login/", data={"username": "admin", "password": PASSWORD})
    assert answer.status_code == 400


def test_log_out_by_get_is_refused(enter: Enter) -> None:
    assert enter("admin").get("/logout/").status_code == 405


def copy_of_cookie(client: FlaskClient, app: Flask) -> FlaskClient:
    thief = app.test_client()
    cookie = client.get_cookie("sis")
    assert cookie is not None
    thief.set_cookie("sis", cookie.value)
    assert thief.get("/").status_code == 200
    return thief


def test_log_out_ends_the_session_on_the_server(enter: Enter, app: Flask) -> None:
    client = enter("admin")
    thief = copy_of_cookie(client, app)
    token = token_of(client.get("/").get_data(as_text=True))
    assert client.post("/logout/", data={"csrf_token": token}).status_code == 302
    assert thief.get("/").status_code == 302


def end(live: Live, statement: str) -> int:
    """The status that a session gets after this SQL ran outside the application."""
    client = log_in(live.app.test_client(), "coordinador")
    assert client.get("/").status_code == 200
    live.sql(statement)
    return int(client.get("/").status_code)


def test_deactivation_ends_the_session(live: Live) -> None:
    assert end(live, "UPDATE ab_user SET active = false WHERE username = 'coordinador'") == 302


def test_change_of_role_ends_the_session(live: Live) -> None:
    statement = (
        "DELETE FROM ab_user_role WHERE user_id = (SELECT id FROM ab_user WHERE username = 'coordinador')"
    )
    assert end(live, statement) == 302


def test_change_of_password_asks_for_the_present_one_and_ends_sessions(live: Live) -> None:
    client = log_in(live.app.test_client(), "coordinador")
    other = log_in(live.app.test_client(), "coordinador")
    page = "/mi-cuenta/contrasena"

    def change(current: str, new: str, again: str) -> object:
        token = token_of(client.get(page).get_data(as_text=True))
        form = {"current": current, "new": new, "again": again, "csrf_token": token}
        return client.post(page, data=form)

    new = "otra frase bien larga"
    assert "no es esa" in change("incorrecta", new, new).get_data(as_text=True)
    assert "es corta" in change(PASSWORD, "corta", "corta").get_data(as_text=True)
    assert "no son iguales" in change(PASSWORD, new, "distinta").get_data(as_text=True)
    assert change(PASSWORD, new, new).status_code == 302
    assert other.get("/").status_code == 302
    log_in(live.app.test_client(), "coordinador", new)


def test_provisional_password_is_changed_before_anything_else(live: Live) -> None:
    live.sql("UPDATE ab_user SET must_change_password = true WHERE username = 'mesa'")
    client = log_in(live.app.test_client(), "mesa")
    assert client.get("/").location == "/mi-cuenta/contrasena"
    assert client.get("/mi-cuenta/contrasena").status_code == 200


def test_next_outside_the_site_is_not_followed(anonymous: FlaskClient) -> None:
    for target in ("//evil.example", "https://evil.example/", "https:evil.example", "\\\\evil.example"):
        token = token_of(anonymous.get("/login/").get_data(as_text=True))
        form = {"username": "admin", "password": PASSWORD, "csrf_token": token}
        answer = anonymous.post("/login/", query_string={"next": target}, data=form)
        assert answer.location == "/", target
        anonymous.delete_cookie("sis")


def test_log_in_is_an_act_and_a_typed_name_is_not_kept(db: OrmSession, anonymous: FlaskClient) -> None:
    attempt(anonymous, "clave-en-la-casilla-equivocada", "x")
    kept = db.execute(
        text("SELECT count(*) FROM login_failure WHERE name_hash LIKE '%casilla%'")
    ).scalar_one()
    assert kept == 0


def test_every_answer_carries_the_security_headers(anonymous: FlaskClient, enter: Enter) -> None:
    for answer in (anonymous.get("/login/"), anonymous.get("/nada"), enter("admin").get("/oficinas/list/")):
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self' 'nonce-" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
    cookie = (
        enter("admin").get("/").headers.get("Set-Cookie", "")
        or anonymous.get("/login/").headers["Set-Cookie"]
    )
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie


def test_with_the_database_down_everybody_gets_a_spanish_503(live: Live) -> None:
    from app.core.base import Session

    client = log_in(live.app.test_client(), "admin")
    broken = create_engine("postgresql+psycopg2://nobody@/nothing?host=/nonexistent")
    Session.configure(bind=broken)
    for path in ("/", "/oficinas/list/", "/nada"):
        answer = client.get(path)
        assert answer.status_code in (503, 404), path
        assert "No pudimos atenderlo" in answer.get_data(as_text=True) or answer.status_code == 404
    assert client.get("/oficinas/list/").headers["Retry-After"] == "10"


def test_an_unknown_host_is_refused(anonymous: FlaskClient) -> None:
    answer = anonymous.get("/login", headers={"Host": "evil.example"})
    assert answer.status_code == 400 and "evil" not in answer.headers.get("Location", "")


def test_the_same_password_again_is_refused_and_guessing_waits(enter: Enter) -> None:
    client, page = enter("mesa"), "/mi-cuenta/contrasena"

    def change(current: str) -> object:
        token = token_of(client.get(page).get_data(as_text=True))
        form = {"current": current, "new": PASSWORD, "again": PASSWORD, "csrf_token": token}
        return client.post(page, data=form)

    assert "es igual a la actual" in change(PASSWORD).get_data(as_text=True)
    for _ in range(5):
        change("adivinando la clave")
    assert change(PASSWORD).status_code == 429


def test_a_database_of_another_environment_is_not_served(app: Flask, live: Live) -> None:
    app.extensions.pop("sis_right_database", None)
    live.sql("UPDATE installation SET environment = 'production'")
    assert app.test_client().get("/login/").status_code == 503


def at_once(live: Live, name: str, passwords: list[str]) -> list[int]:
    """The answers to log-ins sent at the same moment, each from a browser of its own."""
    found: list[int] = []
    ready = threading.Barrier(len(passwords))

    def one(password: str) -> None:
        client = live.app.test_client()
        token = token_of(client.get("/login/").get_data(as_text=True))
        ready.wait()
        form = {"username": name, "password": password, "csrf_token": token}
        found.append(client.post("/login/", data=form).status_code)

    threads = [threading.Thread(target=one, args=(password,)) for password in passwords]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return sorted(found)


@pytest.mark.parametrize("name", ["mesa", "nadie"])
def test_of_many_wrong_passwords_at_once_five_are_checked(live: Live, name: str) -> None:
    assert at_once(live, name, [f"adivinanza {n}" for n in range(12)]) == [401] * 5 + [429] * 7
    assert live.sql("SELECT failures FROM login_failure")[0][0] == 5


def test_the_wait_doubles_and_one_passes_after_it(live: Live) -> None:
    client = live.app.test_client()
    for _ in range(5):
        attempt(client, "mesa", "equivocada")
    assert 25 <= int(attempt(client, "mesa", "equivocada").headers["Retry-After"]) <= 30
    live.sql("UPDATE login_failure SET last_at = last_at - interval '31 s'")
    assert at_once(live, "mesa", ["equivocada"] * 6) == [401] + [429] * 5
    assert 55 <= int(attempt(client, "mesa", "equivocada").headers["Retry-After"]) <= 60


def test_right_passwords_at_once_all_enter_and_leave_no_failure(live: Live) -> None:
    assert at_once(live, "mesa", [PASSWORD] * 4) == [302] * 4
    assert live.sql("SELECT failures FROM login_failure")[0][0] == 0


FLOOD = (
    "INSERT INTO login_failure (name_hash, address, failures, last_at)"
    " SELECT 'x' || n, '127.0.0.1', 5, now() FROM generate_series(1, 80) n"
)


def test_a_flood_at_an_address_stops_strangers_and_not_who_enters_from_there(live: Live) -> None:
    log_in(live.app.test_client(), "mesa")
    live.sql(FLOOD)
    client = live.app.test_client()
    assert attempt(client, "mesa", PASSWORD).status_code == 302
    assert attempt(live.app.test_client(), "mesa", "equivocada").status_code == 401
    assert attempt(live.app.test_client(), "inspector1", PASSWORD).status_code == 429
    elsewhere = {"REMOTE_ADDR": "203.0.113.9"}
    assert attempt(live.app.test_client(), "inspector1", PASSWORD, environ_base=elsewhere).status_code == 302


def test_a_known_pair_still_waits_for_its_own_failures(live: Live) -> None:
    log_in(live.app.test_client(), "mesa")
    live.sql(FLOOD)
    client = live.app.test_client()
    statuses = [attempt(client, "mesa", "equivocada").status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]


def test_a_place_is_forgotten_after_ninety_days(live: Live) -> None:
    from app.jobs import sweep_sessions

    log_in(live.app.test_client(), "mesa")
    log_in(live.app.test_client(), "inspector1")
    old = "UPDATE login_failure SET last_at = now() - interval '91 d', succeeded_at = now() - interval"
    live.sql(f"{old} '91 d' WHERE name_hash = encode(sha256('mesa'), 'hex')")
    live.sql(f"{old} '89 d' WHERE name_hash = encode(sha256('inspector1'), 'hex')")
    live.sql(FLOOD)
    assert attempt(live.app.test_client(), "mesa", PASSWORD).status_code == 429
    assert attempt(live.app.test_client(), "inspector1", PASSWORD).status_code == 302
    with live.app.app_context():
        sweep_sessions(0)
    left = live.sql("SELECT count(*) FROM login_failure WHERE name_hash = encode(sha256('mesa'), 'hex')")
    assert left[0][0] == 0


@pytest.mark.parametrize(
    "password",
    ["password12345", "qwertyuiop12", "1234567890123", "Contraseña123", "ministerio2026", "Cerro Porteño"],
)
def test_a_common_password_is_refused(password: str) -> None:
    from types import SimpleNamespace

    from app.core.errors import RuleBroken
    from app.security.manager import check_new_password

    person = SimpleNamespace(username="jlopez", first_name="José", last_name="López", email="jl@x.gov.py")
    with pytest.raises(RuleBroken) as refused:
        check_new_password(password, person)
    assert refused.value.field == "new"


def test_long_passwords_are_whole_and_quick(app: Flask) -> None:
    from time import perf_counter
    from types import SimpleNamespace

    from werkzeug.security import check_password_hash

    from app.security.manager import check_new_password, hash_password

    person = SimpleNamespace(username="jlopez", first_name="José", last_name="López", email="jl@x.gov.py")
    long = "tereré jaguareté lapacho yvytu " * 30
    start = perf_counter()
    check_new_password(long, person)
    assert perf_counter() - start < 1
    with app.app_context():
        assert not check_password_hash(hash_password(long), long[:-1])


def test_nobody_at_the_same_address_shuts_a_known_browser_out(live: Live) -> None:
    mine = log_in(live.app.test_client(), "mesa")
    mine.post("/logout/", data={"csrf_token": token_of(mine.get("/").get_data(as_text=True))})
    stranger = live.app.test_client()
    for _ in range(6):
        attempt(stranger, "mesa", "equivocada")
    live.sql(FLOOD)
    assert attempt(stranger, "mesa", PASSWORD).status_code == 429
    assert attempt(mine, "mesa", PASSWORD).status_code == 302
    assert attempt(stranger, "mesa", PASSWORD).status_code == 429, "nor does it open the door to the stranger"


def test_a_known_browser_waits_too_and_for_its_own_names_alone(live: Live) -> None:
    mine = log_in(live.app.test_client(), "mesa")
    mine.post("/logout/", data={"csrf_token": token_of(mine.get("/").get_data(as_text=True))})
    statuses = [attempt(mine, "mesa", "equivocada").status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    live.sql(FLOOD)
    assert attempt(mine, "inspector1", PASSWORD).status_code == 429


def test_a_forged_mark_of_a_browser_is_nothing(live: Live) -> None:
    live.sql(FLOOD)
    for value in ("x", "WyJhIixbXV0.aaaa.bbbb", "null", "é"):
        client = live.app.test_client()
        client.set_cookie("sis-device", value)
        assert attempt(client, "mesa", PASSWORD).status_code == 429


def test_the_mark_of_a_browser_is_closed_to_scripts_and_names_nobody(anonymous: FlaskClient) -> None:
    answer = attempt(anonymous, "mesa", PASSWORD)
    mark = next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith("sis-device="))
    assert "HttpOnly" in mark and "SameSite=Lax" in mark and "mesa" not in mark
