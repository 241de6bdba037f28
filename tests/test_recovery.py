"""A forgotten password: by link or by code, once, in time, without telling who has an account."""

import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from support import PASSWORD, Live, log_in, token_of

from app import embedded, jobs
from app.core.base import Session
from app.core.errors import Missing
from app.operations import mail, recovery
from app.security.principal import Principal, acting_as

Enter = Callable[[str], FlaskClient]
NEW = "mate amargo a las cinco"
ASK, CODE = "/olvide-mi-clave/", "/codigo/"


class Letters(socketserver.StreamRequestHandler):
    """A mail server that keeps what it is sent, or refuses everything."""

    kept: list[str] = []
    refuses = False

    def handle(self) -> None:
        self.say("220 prueba")
        while line := self.rfile.readline().decode().strip():
            if line.upper() == "DATA":
                self.say("354 siga")
                text = ""
                while (part := self.rfile.readline().decode()) != ".\r\n":
                    text += part
                Letters.kept.append(text)
            if line.upper() == "QUIT":
                self.say("221 chau")
                return
            self.say("451 ahora no" if Letters.refuses and line[:4].upper() == "MAIL" else "250 bien")

    def say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")


@pytest.fixture
def letters(app: Any) -> Iterator[list[str]]:
    """The letters sent, through a real mail server on this machine."""
    Letters.kept, Letters.refuses = [], False
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Letters)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    mail.use(f"smtp://127.0.0.1:{server.server_address[1]}", "sis@mtess.invalid", "http://localhost")
    try:
        yield Letters.kept
    finally:
        mail.use(None, None, "http://localhost")
        server.shutdown()
        server.server_close()


def send(client: FlaskClient, path: str, page: str | None = None, **form: Any) -> Any:
    token = token_of(client.get(page or path).get_data(as_text=True))
    return client.post(path, data={**form, "csrf_token": token})


def work(live: Live) -> None:
    """The worker, as it runs beside the server, until the queue is empty."""
    import procrastinate

    connector = procrastinate.PsycopgConnector(conninfo=embedded.libpq_dsn(live.urls.app_url))
    with live.app.app_context(), jobs.queue.replace_connector(connector) as worker:
        worker.run_worker(wait=False, install_signal_handlers=False, listen_notify=False)
    Session.remove()


def link_in(letter: str) -> str:
    import email
    import email.policy

    body = email.message_from_string(letter, policy=email.policy.default).get_content()
    return re.search(r"http://localhost(/olvide-mi-clave/\S+)", body)[1]


def key_of(live: Live, name: str) -> int:
    return int(live.sql(f"SELECT id FROM ab_user WHERE username = '{name}'")[0][0])


def link_for(live: Live, letters: list[str], name: str) -> str:
    with live.app.app_context():
        recovery.send_link(key_of(live, name))
    return link_in(letters[-1])


def code_on(page: str) -> str:
    return page.split("<code>")[1].split("</code>")[0]


def bare(answer: Any) -> str:
    """A page without what is different at every answer."""
    page = re.sub(r'(nonce|value|content)="[^"]*"', "", answer.get_data(as_text=True))
    return page


# -- the link -------------------------------------------------------------------------------------------


def test_the_answer_is_the_same_for_every_name(live: Live, letters: list[str]) -> None:
    live.sql("UPDATE ab_user SET active = false WHERE username = 'notificador'")
    answers = [
        send(live.app.test_client(), ASK, name=name)
        for name in ("mesa", "mesa@demo.sis.invalid", "nadie", "notificador", "x' OR 1=1 --")
    ]
    assert {answer.status_code for answer in answers} == {200}
    assert len({bare(answer) for answer in answers}) == 1
    found = live.sql("SELECT args->>'account_id' FROM procrastinate_jobs ORDER BY id")
    assert [row[0] is not None for row in found] == [True, True, False, False, False]
    acts = live.sql("SELECT count(*) FROM audit.act WHERE verb = 'account.forgotten'")[0][0]
    assert acts == 5, "the same work: one act and one job for each"


def test_the_whole_way_by_mail(live: Live, letters: list[str]) -> None:
    thief = log_in(live.app.test_client(), "mesa")
    visitor = live.app.test_client()
    send(visitor, ASK, name="Mesa")
    work(live)
    assert len(letters) == 1 and "mesa" in letters[0]
    path = link_in(letters[0])
    assert visitor.get(path).status_code == 200
    assert visitor.get(path).status_code == 200, "looking does not use it up"
    answer = send(visitor, path, new=NEW, again=NEW)
    assert answer.status_code == 302 and answer.location == "/login/"
    assert thief.get("/").status_code == 302, "its sessions ended"
    log_in(live.app.test_client(), "mesa", NEW)
    assert visitor.get(path).status_code == 410, "once"
    work(live)
    assert "se cambi" in letters[-1], "the person is told"
    verbs = [row[0] for row in live.sql("SELECT verb FROM audit.act ORDER BY id")]
    assert {"account.forgotten", "recovery.link", "account.recover"} <= set(verbs)


def test_neither_database_nor_trail_nor_queue_holds_the_secret(live: Live, letters: list[str]) -> None:
    send(live.app.test_client(), ASK, name="mesa")
    work(live)
    token = link_in(letters[0]).rpartition("/")[2]
    for table in ("account_recovery", "procrastinate_jobs", "audit.change", "audit.act"):
        rows = live.sql(f"SELECT t::text FROM {table} t")
        assert rows and not any(token in row[0] for row in rows), table
    hashes = live.sql(
        "SELECT new_values->>'secret_hash' FROM audit.change"
        " WHERE table_name = 'account_recovery' AND operation = 'I'"
    )
    stored = live.sql("SELECT secret_hash FROM account_recovery")[0][0]
    assert hashes[0][0].startswith("sha256:") and stored not in hashes[0][0]


def test_a_link_is_good_for_half_an_hour(live: Live, letters: list[str]) -> None:
    path = link_for(live, letters, "mesa")
    minutes = live.sql("SELECT extract(epoch FROM ends_at - created_at) / 60 FROM account_recovery")
    assert float(minutes[0][0]) == 30
    live.sql("ALTER TABLE account_recovery DISABLE TRIGGER kept")
    live.sql(
        "UPDATE account_recovery SET created_at = now() - interval '1 h', ends_at = now() - interval '1 s'"
    )
    assert live.app.test_client().get(path).status_code == 410


def test_the_last_link_alone_serves_and_three_an_hour_go_out(live: Live, letters: list[str]) -> None:
    first, last = link_for(live, letters, "mesa"), link_for(live, letters, "mesa")
    visitor = live.app.test_client()
    assert [visitor.get(path).status_code for path in (first, last)] == [410, 200]
    link_for(live, letters, "mesa")
    with live.app.app_context():
        assert recovery.send_link(key_of(live, "mesa")) is False
    assert len(letters) == 3, "a stranger cannot flood a mailbox"


def test_a_mail_server_that_refuses_costs_no_link(live: Live, letters: list[str]) -> None:
    Letters.refuses = True
    for _ in range(4):
        with live.app.app_context(), pytest.raises(Exception, match="ahora no"):
            recovery.send_link(key_of(live, "mesa"))
    Letters.refuses = False
    assert live.app.test_client().get(link_for(live, letters, "mesa")).status_code == 200


@pytest.mark.parametrize("change", ["password = 'otra'", "email = 'otra@demo.sis.invalid'", "active = false"])
def test_a_change_of_the_account_leaves_its_links_without_effect(
    live: Live, letters: list[str], change: str
) -> None:
    path = link_for(live, letters, "mesa")
    live.sql(f"UPDATE ab_user SET {change} WHERE username = 'mesa'")
    assert live.app.test_client().get(path).status_code == 410


def test_two_at_once_use_a_link_once(live: Live, letters: list[str]) -> None:
    token = link_for(live, letters, "mesa").rpartition("/")[2]
    done: list[str] = []
    ready = threading.Barrier(4)

    def use(n: int) -> None:
        with live.app.app_context():
            ready.wait()
            try:
                recovery.use_link(token, f"{NEW} {n}")
                done.append("used")
            except Missing:
                done.append("refused")

    threads = [threading.Thread(target=use, args=(n,)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(done) == ["refused"] * 3 + ["used"]


def test_a_bad_password_does_not_use_the_link_up(live: Live, letters: list[str]) -> None:
    path, visitor = link_for(live, letters, "mesa"), live.app.test_client()
    for new, again, words in (
        ("corta", "corta", "es corta"),
        (NEW, "otra cosa distinta", "no son iguales"),
        ("Cinthia Melgarejo", "Cinthia Melgarejo", "su nombre"),
        ("password12345", "password12345", "se adivinan pronto"),
    ):
        answer = send(visitor, path, new=new, again=again)
        assert answer.status_code == 422 and words in answer.get_data(as_text=True), new
    assert send(visitor, path, new=NEW, again=NEW).status_code == 302


def test_asking_waits_after_five_and_hurts_no_log_in(live: Live, letters: list[str]) -> None:
    visitor = live.app.test_client()
    statuses = [send(visitor, ASK, name=name).status_code for name in ["mesa"] * 6 + ["nadie"] * 6]
    assert statuses == ([200] * 5 + [429]) * 2
    log_in(live.app.test_client(), "mesa")


def test_without_mail_the_page_says_whom_to_ask(anonymous: FlaskClient) -> None:
    page = anonymous.get(ASK).get_data(as_text=True)
    assert "no envía correos" in page and "Pida un código" in page and 'name="name"' not in page
    assert anonymous.get("/login/").get_data(as_text=True).count('href="/olvide-mi-clave/"') == 1


@pytest.mark.parametrize("path", [ASK, CODE, "/olvide-mi-clave/abc"])
def test_forms_of_another_site_are_refused(anonymous: FlaskClient, path: str) -> None:
    assert anonymous.post(path, data={"name": "mesa", "new": NEW, "again": NEW}).status_code == 400


def test_a_link_names_the_configured_address_alone(live: Live, letters: list[str]) -> None:
    client = live.app.test_client()
    page = client.get(ASK, headers={"Host": "127.0.0.1"})
    form = {"name": "mesa", "csrf_token": token_of(page.get_data(as_text=True))}
    client.post(ASK, data=form, headers={"Host": "127.0.0.1", "X-Forwarded-Host": "evil.example"})
    work(live)
    assert link_in(letters[0]) and "127.0.0.1" not in letters[0] and "evil" not in letters[0]


def test_a_strange_token_is_no_error(anonymous: FlaskClient) -> None:
    for token in ("abc", "ñandú", "%00", "x" * 3000):
        assert anonymous.get(f"/olvide-mi-clave/{token}").status_code in (400, 404, 410), token


# -- the code -------------------------------------------------------------------------------------------


def release(live: Live, giver: str, name: str) -> Any:
    client = log_in(live.app.test_client(), giver)
    return send(client, f"/codigos/release/{key_of(live, name)}", "/")


def test_a_code_from_the_coordinator_serves_once(live: Live) -> None:
    victim = log_in(live.app.test_client(), "inspector1")
    page = release(live, "coordinador", "inspector1").get_data(as_text=True)
    code = code_on(page)
    assert "http://localhost/codigo/" in page and "Lourdes" in page
    assert victim.get("/").status_code == 200, "until it is used nothing changes"
    visitor = live.app.test_client()
    form = {"name": "Inspector1", "code": code.upper().replace("-", " "), "new": NEW, "again": NEW}
    assert send(visitor, CODE, **form).location == "/login/"
    assert victim.get("/").status_code == 302
    log_in(live.app.test_client(), "inspector1", NEW)
    again = send(visitor, CODE, **form)
    assert again.status_code == 422 and "no van juntos" in again.get_data(as_text=True)
    rows = live.sql("SELECT c::text FROM audit.change c UNION ALL SELECT a::text FROM audit.act a")
    assert not any(code in row[0] for row in rows)
    who = live.sql("SELECT actor FROM audit.act WHERE verb = 'recovery.code'")
    assert who[0][0] == "coordinador"
    page = log_in(live.app.test_client(), "auditor").get(f"/usuarios/show/{key_of(live, 'inspector1')}")
    assert "lo dio coordinador" in page.get_data(as_text=True) and "usado el" in page.get_data(as_text=True)


@pytest.mark.parametrize(
    ("giver", "name", "status"),
    [
        ("admin", "ministro", 200),
        ("coordinador", "inspector1", 200),
        ("coordinador", "inspector3", 404),  # of another office
        ("coordinador", "mesa", 404),
        ("coordinador", "admin", 404),
        ("coordinador", "coordinador", 404),
        ("regional", "inspector3", 200),
        ("regional", "inspector1", 404),
        ("admin", "admin", 404),
        ("inspector1", "inspector2", 403),
        ("auditor", "inspector1", 403),
        ("mesa", "inspector1", 403),
    ],
)
def test_who_may_release_a_code_to_whom(live: Live, giver: str, name: str, status: int) -> None:
    assert release(live, giver, name).status_code == status


def test_an_inspector_with_another_role_is_not_the_coordinators(live: Live) -> None:
    live.sql(
        "INSERT INTO ab_user_role (user_id, role_id) SELECT u.id, r.id FROM ab_user u, ab_role r"
        " WHERE u.username = 'inspector1' AND r.name = 'Admin TI'"
    )
    assert release(live, "coordinador", "inspector1").status_code == 404


def test_the_list_shows_one_s_own_people_alone(live: Live) -> None:
    page = log_in(live.app.test_client(), "coordinador").get("/codigos/list/").get_data(as_text=True)
    assert "inspector1" in page and "inspector2" in page
    assert "inspector3" not in page and "mesa" not in page.replace("Mesa", "")
    admin = log_in(live.app.test_client(), "admin").get("/codigos/list/?q=melgarejo").get_data(as_text=True)
    assert "mesa" in admin and "inspector1" not in admin


def test_a_wrong_code_and_an_unknown_name_answer_alike_and_wait(live: Live) -> None:
    code = code_on(release(live, "admin", "mesa").get_data(as_text=True))
    visitor = live.app.test_client()
    pages = []
    for name in ("mesa", "nadie", "ministro"):
        answers = [
            send(visitor, CODE, name=name, code="kame2-kame2-kame2-kame2", new=NEW, again=NEW)
            for _ in range(6)
        ]
        assert [answer.status_code for answer in answers] == [422] * 5 + [429], name
        pages.append(bare(answers[0]).replace(name, ""))
    assert len(set(pages)) == 1
    elsewhere = {"REMOTE_ADDR": "203.0.113.7"}
    client = live.app.test_client()
    token = token_of(client.get(CODE).get_data(as_text=True))
    form = {"name": "mesa", "code": code, "new": NEW, "again": NEW, "csrf_token": token}
    assert client.post(CODE, data=form, environ_base=elsewhere).status_code == 302, "no stranger spoils it"
    log_in(live.app.test_client(), "ministro")


def test_a_code_is_good_for_two_days_and_the_last_alone(live: Live) -> None:
    first = code_on(release(live, "admin", "mesa").get_data(as_text=True))
    last = code_on(release(live, "admin", "mesa").get_data(as_text=True))
    hours = live.sql("SELECT DISTINCT extract(epoch FROM ends_at - created_at) / 3600 FROM account_recovery")
    assert [float(row[0]) for row in hours] == [48]
    visitor = live.app.test_client()
    assert send(visitor, CODE, name="mesa", code=first, new=NEW, again=NEW).status_code == 422
    live.sql("ALTER TABLE account_recovery DISABLE TRIGGER kept")
    live.sql(
        "UPDATE account_recovery SET created_at = now() - interval '3 d', ends_at = now() - interval '1 s'"
    )
    assert send(visitor, CODE, name="mesa", code=last, new=NEW, again=NEW).status_code == 422


def test_a_weak_password_leaves_the_code_good_and_counts_no_failure(live: Live) -> None:
    code = code_on(release(live, "admin", "mesa").get_data(as_text=True))
    visitor = live.app.test_client()
    for _ in range(7):
        answer = send(visitor, CODE, name="mesa", code=code, new="qwertyuiop123", again="qwertyuiop123")
        assert answer.status_code == 422 and "se adivinan pronto" in answer.get_data(as_text=True)
        assert code in answer.get_data(as_text=True), "what was typed stays"
    assert send(visitor, CODE, name="mesa", code=code, new=NEW, again=NEW).status_code == 302


def test_a_used_or_void_way_back_never_changes_again(live: Live, letters: list[str]) -> None:
    link_for(live, letters, "mesa")
    with pytest.raises(Exception, match="never changed"):
        live.sql("UPDATE account_recovery SET ends_at = ends_at + interval '1 d'")
    live.sql("UPDATE account_recovery SET used_at = now()")
    with pytest.raises(Exception, match="used once"):
        live.sql("UPDATE account_recovery SET used_at = NULL")


def test_who_was_locked_out_by_his_own_mistakes_enters_at_once(live: Live) -> None:
    code = code_on(release(live, "admin", "mesa").get_data(as_text=True))
    visitor = live.app.test_client()
    for _ in range(6):
        send(visitor, "/login/", username="mesa", password="equivocada")
    assert send(visitor, CODE, name="mesa", code=code, new=NEW, again=NEW).status_code == 302
    log_in(visitor, "mesa", NEW)


def test_a_role_without_reach_is_refused_below_the_screen_too(live: Live) -> None:
    stranger = Principal("mesa", key_of(live, "mesa"), roles=frozenset({"Mesa de Entrada"}))
    with live.app.app_context(), acting_as(stranger):
        with pytest.raises(Exception, match="no permite"):
            recovery.release_code(key_of(live, "inspector1"))
    assert PASSWORD


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"SIS_SMTP_URL": "correo.mtess.gov.py", "SIS_MAIL_FROM": "a@b.py"}, "SIS_SMTP_URL"),
        ({"SIS_SMTP_URL": "smtp://h:x", "SIS_MAIL_FROM": "a@b.py"}, "SIS_SMTP_URL"),
        ({"SIS_SMTP_URL": "smtp://u:p@h:25", "SIS_MAIL_FROM": "a@b.py"}, "sin cifrar"),
        ({"SIS_SMTP_URL": "smtps://u:p@h"}, "SIS_MAIL_FROM"),
        ({"SIS_SMTP_URL": "smtps://u:p@h", "SIS_MAIL_FROM": "sis"}, "SIS_MAIL_FROM"),
    ],
)
def test_a_wrong_mail_server_is_refused_by_name(tmp_path: Any, environ: dict[str, str], words: str) -> None:
    from config import ConfigurationError, settings

    with pytest.raises(ConfigurationError, match=words):
        settings({"SIS_DATA_DIR": str(tmp_path), **environ})


def test_the_worker_tries_again_when_the_mail_server_is_down(live: Live, letters: list[str]) -> None:
    Letters.refuses = True
    send(live.app.test_client(), ASK, name="mesa")
    work(live)
    found = live.sql(
        "SELECT status::text, attempts, scheduled_at > now() FROM procrastinate_jobs"
        " WHERE task_name = 'app.jobs.send_recovery'"
    )
    assert [tuple(row) for row in found] == [("todo", 1, True)]
    assert letters == [] and live.sql("SELECT count(*) FROM account_recovery")[0][0] == 0


def test_a_request_that_fails_leaves_no_job_behind(live: Live, letters: list[str]) -> None:
    from app.operations.jobs import defer
    from app.operations.unit import act

    with live.app.app_context(), pytest.raises(ZeroDivisionError), act("prueba") as unit:
        defer(unit.session, "send_recovery", account_id=1)
        raise ZeroDivisionError
    assert live.sql("SELECT count(*) FROM procrastinate_jobs")[0][0] == 0
