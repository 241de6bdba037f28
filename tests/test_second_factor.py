"""The second factor: activated, asked for at the door and at a signature, lost and taken away by two persons."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
from flask.testing import FlaskClient
from inspection_samples import acting, begun, draft, filled, inspector, principal
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession
from support import PASSWORD, Live, log_in, token_of

from app.core.base import Session
from app.core.errors import Missing, NotAllowed, RuleBroken
from app.models.documents import Document
from app.models.security import Account, RecoveryCode, SecondFactor, SecondFactorReset
from app.operations import moves, second_factor, signing
from app.operations.inspections import visits
from app.operations.signing import Pick
from app.operations.unit import act
from app.security import second_factor as codes
from app.security.principal import Principal, acting_as

Enter = Callable[[str], FlaskClient]
PAGE, STEP = "/mi-cuenta/segundo-factor/", "/segundo-paso/"


class Telephone:
    """The application of a telephone: the code of now, and of the periods after it (the clock may be early)."""

    def __init__(self, secret: str) -> None:
        self.totp, self.at, self.given = pyotp.TOTP(secret), datetime.now(UTC), 0

    def code(self) -> str:
        """The next code that was not given yet: of the period before, of this one, of the next one."""
        moment = self.at + timedelta(seconds=30 * (self.given - 1))
        self.given += 1
        return self.totp.at(moment)


@pytest.fixture(autouse=True)
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the codes stands in the middle of a period: no test crosses its end."""
    now = datetime.fromtimestamp(datetime.now(UTC).timestamp() // 30 * 30 + 15, UTC)
    monkeypatch.setattr("app.core.clock.real_now", lambda: now)


@pytest.fixture
def demanding(app: Any) -> Iterator[None]:
    """As in production: those of `ASKED_OF` do not enter without one."""
    key = app.config["SECRET_KEY"]
    codes.use(key, required=True)
    yield
    codes.use(key, required=False)


def account(name: str) -> Account:
    found: Account = Session.scalars(select(Account).where(Account.username == name)).one()
    return found


def activated(name: str) -> tuple[Telephone, list[str]]:
    """A person with a second factor: his telephone, and his codes on paper."""
    person = account(name)
    with acting_as(Principal(name, person.id, origin="web")):
        second_factor.start(person)
        secret = second_factor.pending_secret(person)
        assert secret is not None
        telephone = Telephone(secret)
        return telephone, second_factor.confirm(person, telephone.code())


def send(client: FlaskClient, path: str, page: str | None = None, **form: Any) -> Any:
    token = token_of(client.get(page or path).get_data(as_text=True))
    return client.post(path, data={**form, "csrf_token": token})


def knock(client: FlaskClient, name: str, password: str = PASSWORD) -> Any:
    """The first step: user name and password."""
    return send(client, "/login/", username=name, password=password)


# -- activating -----------------------------------------------------------------------------------------


def test_a_person_activates_it_from_his_account_and_gets_ten_codes_once(enter: Enter) -> None:
    client = enter("inspector1")
    assert "Activar el segundo factor" in client.get("/mi-cuenta/").get_data(as_text=True)
    assert send(client, PAGE + "comenzar", PAGE).status_code == 302
    page = client.get(PAGE).get_data(as_text=True)
    assert "data:image/png;base64," in page
    secret = second_factor.pending_secret(account("inspector1"))
    assert secret is not None and secret[:4] in page
    wrong = send(client, PAGE + "confirmar", PAGE, code="000000", password=PASSWORD)
    assert wrong.status_code == 422 and "El código no coincide" in wrong.get_data(as_text=True)
    stolen = send(client, PAGE + "confirmar", PAGE, code=Telephone(secret).code(), password="no es")
    assert stolen.status_code == 422 and second_factor.factor_of(account("inspector1").id) is None
    done = send(client, PAGE + "confirmar", PAGE, code=Telephone(secret).code(), password=PASSWORD)
    assert done.get_data(as_text=True).count("<li><code>") == 10
    again = client.get(PAGE).get_data(as_text=True)
    assert secret[:4] not in again and "Códigos de recuperación sin usar: <strong>10</strong>" in again


def test_the_secret_is_encrypted_for_its_owner_and_the_trail_keeps_a_hash(live: Live) -> None:
    with live.app.app_context():
        telephone, papers = activated("inspector1")
        owner, other = account("inspector1").uuid, account("mesa").uuid
    row = live.sql("SELECT sealed_secret FROM second_factor")[0][0]
    assert telephone.totp.secret not in row
    assert codes.unseal(row, owner) == telephone.totp.secret
    assert codes.unseal(row, other) is None
    codes.use("otra clave de la instalación", required=False)
    assert codes.unseal(row, owner) is None
    codes.use(live.app.config["SECRET_KEY"], required=False)
    trail = str(
        live.sql("SELECT new_values FROM audit.change WHERE table_name IN ('second_factor', 'recovery_code')")
    )
    assert "sha256:" in trail and row not in trail
    stored = str(live.sql("SELECT code_hash FROM recovery_code"))
    assert all(code not in stored and code not in trail for code in papers)


def test_an_activation_left_open_is_asked_of_nobody_and_lapses(
    db: OrmSession, anonymous: FlaskClient
) -> None:
    person = account("mesa")
    with acting_as(Principal("mesa", person.id)):
        second_factor.start(person)
    assert knock(anonymous, "mesa").location == "/"
    with act("test.age") as unit:
        row = unit.session.scalars(select(SecondFactor)).one()
        row.created_at -= timedelta(minutes=31)
    with acting_as(Principal("mesa", person.id)), pytest.raises(RuleBroken, match="venció"):
        second_factor.confirm(person, "123456")


# -- at the door ----------------------------------------------------------------------------------------


def test_the_password_alone_does_not_enter(db: OrmSession, anonymous: FlaskClient) -> None:
    telephone, _ = activated("mesa")
    first = send(anonymous, "/login/?next=/oficinas/list/", username="mesa", password=PASSWORD)
    assert first.location == f"{STEP}?next=/oficinas/list/"
    assert anonymous.get("/").location.startswith("/login/"), "half entered is not entered"
    assert send(anonymous, STEP, code="000000").status_code == 401
    done = send(anonymous, first.location, code=telephone.code())
    assert done.location == "/oficinas/list/"
    assert anonymous.get("/oficinas/list/").status_code == 200


def test_a_code_is_not_accepted_twice_nor_an_older_one_after_it(
    db: OrmSession, anonymous: FlaskClient
) -> None:
    telephone, _ = activated("mesa")
    older, used = telephone.code(), telephone.code()
    knock(anonymous, "mesa")
    assert send(anonymous, STEP, code=used).status_code == 302
    for code in (used, older):
        anonymous.delete_cookie("sis")
        knock(anonymous, "mesa")
        assert send(anonymous, STEP, code=code).status_code == 401, code


def test_of_the_same_code_twice_at_once_one_enters(live: Live) -> None:
    with live.app.app_context():
        telephone, _ = activated("mesa")
    code, ready, found = telephone.code(), threading.Barrier(4), []

    def one() -> None:
        client = live.app.test_client()
        knock(client, "mesa")
        token = token_of(client.get(STEP).get_data(as_text=True))
        ready.wait()
        found.append(client.post(STEP, data={"code": code, "csrf_token": token}).status_code)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(found) == [302, 401, 401, 401]


def test_a_code_on_paper_serves_once_however_it_is_typed_and_says_how_many_are_left(
    db: OrmSession, anonymous: FlaskClient
) -> None:
    _, papers = activated("mesa")
    knock(anonymous, "mesa")
    assert send(anonymous, STEP, code=papers[0].upper().replace("-", " ")).status_code == 302
    assert "Le quedan 9." in anonymous.get("/").get_data(as_text=True)
    anonymous.delete_cookie("sis")
    knock(anonymous, "mesa")
    assert send(anonymous, STEP, code=papers[0]).status_code == 401


def test_wrong_codes_wait_and_a_right_password_does_not_forgive_them(
    db: OrmSession, anonymous: FlaskClient
) -> None:
    telephone, _ = activated("mesa")
    anonymous.delete_cookie("sis-device")
    statuses = []
    for _ in range(6):
        knock(anonymous, "mesa")
        statuses.append(send(anonymous, STEP, code="000000").status_code)
    assert statuses == [401] * 5 + [429]
    elsewhere = {"REMOTE_ADDR": "203.0.113.9"}
    token = token_of(anonymous.get(STEP).get_data(as_text=True))
    form = {"code": telephone.code(), "csrf_token": token}
    assert anonymous.post(STEP, data=form, environ_base=elsewhere).status_code == 429, "nor another address"


def test_what_was_not_judged_forgives_no_wrong_code(db: OrmSession, app: Any) -> None:
    manager = app.extensions["appbuilder"].sm

    def attempt(code: str) -> str:
        with pytest.raises(RuleBroken) as refused, manager.counted("firma mesa"):
            raise RuleBroken("No.", "code", code)
        return refused.value.code

    with app.test_request_context():
        codes_given = ["code"] * 4 + ["rule_broken"] * 2 + ["code"] * 2
        assert [attempt(code) for code in codes_given] == [*codes_given[:-1], "too_many"]


def test_whoever_guesses_elsewhere_does_not_shut_out_the_known_browser(live: Live) -> None:
    mine = log_in(live.app.test_client(), "mesa")
    mine.post("/logout/", data={"csrf_token": token_of(mine.get("/").get_data(as_text=True))})
    with live.app.app_context():
        telephone, _ = activated("mesa")
    stranger = live.app.test_client()
    knock(stranger, "mesa")
    assert [send(stranger, STEP, code="000000").status_code for _ in range(6)][-1] == 429
    knock(mine, "mesa")
    assert send(mine, STEP, code=telephone.code()).status_code == 302


def test_the_second_step_lasts_five_minutes_and_ends_with_the_password(live: Live) -> None:
    with live.app.app_context():
        telephone, _ = activated("mesa")
    client = live.app.test_client()
    knock(client, "mesa")
    live.sql("UPDATE login_session SET ends_at = ends_at - interval '301 s'")
    assert client.get(STEP).location.startswith("/login/")
    knock(client, "mesa")
    page = client.get(STEP).get_data(as_text=True)
    live.sql("UPDATE ab_user SET password = 'otra' WHERE username = 'mesa'")
    late = client.post(STEP, data={"code": telephone.code(), "csrf_token": token_of(page)})
    assert late.location.startswith("/login/")


def test_the_pending_cookie_is_no_session(live: Live) -> None:
    """The token of the second step, put where that of a session stands, opens nothing."""
    with live.app.app_context():
        activated("mesa")
    client = live.app.test_client()
    knock(client, "mesa")
    with client.session_transaction() as cookie:
        key = live.sql("SELECT id FROM ab_user WHERE username = 'mesa'")[0][0]
        cookie["sid"], cookie["_user_id"] = cookie["pending"], str(key)
    assert client.get("/").location.startswith("/login/")


# -- demanded -------------------------------------------------------------------------------------------


def test_in_production_administrators_and_signers_activate_it_before_anything_else(
    db: OrmSession, demanding: None, app: Any
) -> None:
    for name in ("admin", "coordinador", "director", "ministro"):
        client = log_in(app.test_client(), name)
        assert client.get("/oficinas/list/").location == PAGE, name
        assert client.get("/").location == PAGE
    send(client, PAGE + "comenzar", PAGE)
    secret = second_factor.pending_secret(account("ministro"))
    assert secret is not None
    done = send(client, PAGE + "confirmar", PAGE, code=Telephone(secret).code())
    assert done.status_code == 200 and "Códigos de recuperación" in done.get_data(as_text=True)
    assert client.get("/").status_code == 200, "the session works from here on"
    refused = send(client, PAGE + "desactivar", PAGE, code="0", password=PASSWORD)
    assert refused.status_code in (403, 422)
    assert second_factor.factor_of(account("ministro").id) is not None


def test_in_production_an_inspector_chooses_and_who_holds_a_post_does_not(
    db: OrmSession, demanding: None, app: Any
) -> None:
    from app.core import clock
    from app.models.staff import Post, PostHolder

    assert log_in(app.test_client(), "inspector1").get("/").status_code == 200
    with act("test.post") as unit:
        post = unit.session.scalars(select(Post).limit(1)).one()
        key, today = account("notificador").id, clock.today()
        held = {"post_id": post.id, "account_id": key, "holding": "interino", "legal_act": "Res. 1"}
        before = select(PostHolder).where(PostHolder.post_id == post.id, PostHolder.valid_to.is_(None))
        for row in unit.session.scalars(before):
            row.valid_to = today - timedelta(days=1)
        unit.session.flush()
        unit.session.add(PostHolder(**held, valid_from=today))
    assert log_in(app.test_client(), "notificador").get("/").location == PAGE


def test_in_training_nobody_must(enter: Enter) -> None:
    assert enter("admin").get("/").status_code == 200


def test_it_is_turned_off_with_password_and_code_and_other_sessions_end(live: Live) -> None:
    with live.app.app_context():
        telephone, papers = activated("inspector1")
    mine, other = live.app.test_client(), live.app.test_client()
    for client in (mine, other):
        knock(client, "inspector1")
        send(client, STEP, code=telephone.code())
    assert other.get("/").status_code == 200
    assert send(mine, PAGE + "desactivar", PAGE, code="000000", password=PASSWORD).status_code == 422
    off = send(mine, PAGE + "desactivar", PAGE, code=papers[0], password=PASSWORD)
    assert off.status_code == 302 and live.sql("SELECT count(*) FROM second_factor")[0][0] == 0
    assert mine.get("/").status_code == 200 and other.get("/").status_code == 302


def test_new_codes_on_paper_leave_the_former_without_effect(db: OrmSession) -> None:
    telephone, papers = activated("mesa")
    person = account("mesa")
    with acting_as(Principal("mesa", person.id)):
        fresh = second_factor.renew(person, telephone.code())
        assert second_factor.use(person, papers[1]) is None
        used = second_factor.use(person, fresh[0])
    assert used is not None and used.paper and used.left == 9
    assert len(db.scalars(select(RecoveryCode)).all()) == 10


# -- at a signature -------------------------------------------------------------------------------------


def orders(count: int) -> list[Pick]:
    """Orders that wait for the minister, with the seals that the desk shows him."""
    found = [draft() for _ in range(count)]
    with acting("coordinador"):
        for order in found:
            moves.move(order, "enviar_a_firma")
    with acting("ministro"):
        plain = [Pick("order", order.id, "firmar") for order in found]
        return [Pick("order", each.waiting.pick.pk, "firmar", each.seal) for each in signing.review(plain)]


def test_a_signer_with_a_second_factor_gives_its_code_once_for_all_he_signs(db: OrmSession) -> None:
    telephone, papers = activated("ministro")
    picks = orders(2)
    with acting("ministro"):
        with pytest.raises(RuleBroken) as missing:
            signing.sign(picks, PASSWORD)
        assert missing.value.field == "code"
        with pytest.raises(RuleBroken, match="no es correcto"), second_factor.offered("000000"):
            signing.sign(picks, PASSWORD)
        with second_factor.offered(telephone.code()):
            outcomes = signing.sign(picks, PASSWORD)
    assert [one.ok for one in outcomes] == [True, True], outcomes


def test_a_code_that_signed_does_not_sign_again(db: OrmSession) -> None:
    telephone, _ = activated("ministro")
    first, second = ([pick] for pick in orders(2))
    code = telephone.code()
    with acting("ministro"):
        with second_factor.offered(code):
            assert signing.sign(first, PASSWORD)[0].ok
        with pytest.raises(RuleBroken, match="ya se usó"), second_factor.offered(code):
            signing.sign(second, PASSWORD)


def test_the_desk_asks_for_the_code_of_who_has_one_and_of_nobody_else(db: OrmSession, enter: Enter) -> None:
    pick = orders(1)[0]
    client = enter("ministro")
    chosen = {"pick": str(pick)}
    assert 'name="code"' not in send(client, "/firmas/revisar", "/firmas/", **chosen).get_data(as_text=True)
    telephone, _ = activated("ministro")
    page = send(client, "/firmas/revisar", "/firmas/", **chosen).get_data(as_text=True)
    assert "Código del teléfono" in page
    form = {**chosen, f"seal-{pick}": pick.seal, "password": PASSWORD}
    refused = send(client, "/firmas/firmar", "/firmas/", **form, code="")
    assert refused.status_code == 422 and "Escriba también el código" in refused.get_data(as_text=True)
    done = send(client, "/firmas/firmar", "/firmas/", **form, code=telephone.code())
    assert done.status_code == 200 and telephone.given == 2
    assert db.scalars(select(Document)).one().status == "issued"


def test_an_inspector_signs_an_acta_with_his_code_on_a_colleagues_device_too(db: OrmSession) -> None:
    visit = filled(begun())
    telephone, _ = activated("inspector1")
    key = inspector("inspector1").id
    with acting("inspector2"), pytest.raises(RuleBroken) as missing:
        visits.sign_as_inspector(visit, key, password=PASSWORD)
    assert missing.value.field == "code"
    with acting("inspector2"), second_factor.offered(telephone.code()):
        visits.sign_as_inspector(visit, key, password=PASSWORD)
    row = next(each for each in visit.inspectors if each.inspector_id == key)
    assert row.signed_at is not None and row.confirmed_at is not None


# -- lost -----------------------------------------------------------------------------------------------


WHY = "Perdió el teléfono; vino con su cédula"


def test_two_persons_take_a_lost_one_away_and_its_owner_is_told(live: Live) -> None:
    with live.app.app_context():
        telephone, _ = activated("inspector1")
    client = live.app.test_client()
    knock(client, "inspector1")
    send(client, STEP, code=telephone.code())
    it, boss = log_in(live.app.test_client(), "admin"), log_in(live.app.test_client(), "director")
    key = live.sql("SELECT id FROM ab_user WHERE username = 'inspector1'")[0][0]
    ask = f"/segundo-factor/pedir/{key}"
    short = send(it, ask, reason="perdido")
    assert short.status_code == 422 and "cómo comprobó" in short.get_data(as_text=True)
    assert send(it, ask, reason=WHY).status_code == 302
    row = live.sql("SELECT id FROM second_factor_reset")[0][0]
    decide = f"/segundo-factor/resolver/{row}"
    assert send(it, decide, "/segundo-factor/list/", answer="approve").status_code == 403, "not who asked"
    assert live.sql("SELECT count(*) FROM second_factor")[0][0] == 1
    assert WHY in boss.get("/segundo-factor/list/").get_data(as_text=True)
    assert send(boss, decide, "/segundo-factor/list/", answer="approve").status_code == 302
    assert client.get("/").status_code == 302, "his sessions end"
    assert knock(live.app.test_client(), "inspector1").location == "/"
    acts = live.sql(
        "SELECT verb, actor FROM audit.act WHERE verb IN ('second_factor.ask_reset', 'second_factor.reset') ORDER BY id"
    )
    assert [tuple(each) for each in acts] == [
        ("second_factor.ask_reset", "admin"),
        ("second_factor.reset", "director"),
    ]
    jobs = live.sql(
        "SELECT args->>'what' FROM procrastinate_jobs WHERE task_name = 'app.jobs.tell_second_factor' ORDER BY id"
    )
    assert [each[0] for each in jobs][-1] == "reset"
    told = live.sql(f"SELECT text FROM notice WHERE account_id = {key}")
    assert "Se restableció su segundo factor" in told[0][0]


def test_nobody_asks_for_his_own_nor_for_those_of_others_offices(db: OrmSession) -> None:
    activated("admin")
    activated("inspector1")
    with acting("admin"), pytest.raises(Missing):
        second_factor.ask_reset(account("admin").id, WHY)
    with acting_as(replace(principal("coordinador"), offices=frozenset())), pytest.raises(Missing):
        second_factor.ask_reset(account("inspector1").id, WHY)
    with acting("mesa"), pytest.raises(NotAllowed):
        second_factor.ask_reset(account("inspector1").id, WHY)


def test_its_owner_does_not_approve_and_the_database_says_so_too(live: Live) -> None:
    with live.app.app_context():
        activated("director")
        with acting("admin"):
            row = second_factor.ask_reset(account("director").id, WHY)
        with acting("director"), pytest.raises(Missing):
            second_factor.approve(row.id)
    for column in ("user_id", "requested_by_id"):
        with pytest.raises(Exception, match="decided_by_another"):
            live.sql(
                f"UPDATE second_factor_reset SET status = 'approved', decided_at = now(), decided_by_id = {column}"
            )


def test_a_request_is_refused_with_a_reason_lapses_and_is_not_decided_twice(db: OrmSession) -> None:
    activated("inspector1")
    key = account("inspector1").id
    with acting("admin"):
        first = second_factor.ask_reset(key, WHY)
        with pytest.raises(RuleBroken, match="Ya hay un pedido"):
            second_factor.ask_reset(key, WHY)
    with acting("director"):
        with pytest.raises(RuleBroken) as bare:
            second_factor.refuse(first.id, " ")
        assert bare.value.field == "reason"
        second_factor.refuse(first.id, "No era él")
        with pytest.raises(Missing):
            second_factor.approve(first.id)
    assert second_factor.factor_of(key) is not None
    with acting("admin"):
        second = second_factor.ask_reset(key, WHY)
        with act("test.age") as unit:
            unit.session.get(SecondFactorReset, second.id).requested_at -= timedelta(hours=49)
    with acting("director"), pytest.raises(Missing):
        second_factor.approve(second.id)
    with acting("admin"):
        third = second_factor.ask_reset(key, WHY)
    Session.expire_all()
    assert db.get(SecondFactorReset, second.id).status == "lapsed" and third.status == "asked"


def test_asked_from_the_console_one_person_approves_and_the_console_never(live: Live) -> None:
    """With one administrator alone, who lost his: whoever has the machine asks, another person approves."""
    with live.app.app_context():
        activated("admin")
    runner = live.app.test_cli_runner()
    done = runner.invoke(args=["ask-second-factor-reset", "admin", "--reason", WHY])
    assert done.exit_code == 0 and "lo aprueba otra persona" in done.output, done.output
    row = live.sql("SELECT id FROM second_factor_reset")[0][0]
    with live.app.app_context():
        with acting_as(Principal("consola", origin="consola")), pytest.raises(NotAllowed):
            second_factor.approve(row)
        with acting("director"):
            assert second_factor.approve(row).username == "admin"
    missing = runner.invoke(args=["ask-second-factor-reset", "nadie", "--reason", WHY])
    assert missing.exit_code == 1 and "nadie" in missing.output


def test_the_letter_says_what_and_when(app: Any, db: OrmSession, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.operations import mail

    sent: list[tuple[str, ...]] = []
    monkeypatch.setattr(mail, "configured", lambda: True)
    monkeypatch.setattr(mail, "send", lambda *parts: sent.append(parts))
    assert second_factor.tell(account("mesa").id, "reset", "2026-11-24T13:30:00+00:00")
    assert sent[0][0] == account("mesa").email and "24/11/2026 a las 10:30" in sent[0][2]
