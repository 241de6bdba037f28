"""Users as IT manages them: provisional passwords, roles, offices; and what nobody may do to himself."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession
from support import Live, log_in, token_of

from app.core.base import Session
from app.models.security import Account, UserOffice
from app.operations import accounts

Enter = Callable[[str], FlaskClient]


def send(client: FlaskClient, path: str, page: str | None = None, **form: Any) -> Any:
    token = token_of(client.get(page or path).get_data(as_text=True))
    return client.post(path, data={**form, "csrf_token": token})


def role_id(db: OrmSession, name: str) -> int:
    from flask_appbuilder.security.sqla.models import Role

    return db.scalars(select(Role.id).where(Role.name == name)).one()


def account(name: str) -> Account:
    Session.expire_all()
    return Session.scalars(select(Account).where(Account.username == name)).one()


@pytest.fixture
def person(db: OrmSession) -> dict[str, Any]:
    return {
        "username": "ygimenez",
        "first_name": "Ygnacio",
        "last_name": "Giménez Peña",
        "email": "ygimenez@mtess.invalid",
        "roles": [role_id(db, "Inspector")],
        "office_id": "",
        "active": "y",
    }


def password_on(page: str) -> str:
    return page.split("<code>")[1].split("</code>")[0]


def test_it_makes_an_account_that_chooses_its_password_at_first_log_in(
    enter: Enter, person: dict[str, Any], app: Any
) -> None:
    page = send(enter("admin"), "/usuarios/add", **person).get_data(as_text=True)
    assert "No vuelve a mostrarse" in page
    newcomer = log_in(app.test_client(), "ygimenez", password_on(page))
    assert newcomer.get("/").location == "/mi-cuenta/contrasena"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"username": "admin"}, "Ya lo usa otra cuenta."),
        ({"username": "Con Espacio"}, "letras minúsculas"),
        ({"email": "no-es-correo"}, "No parece un correo"),
        ({"email": "ADMIN@demo.sis.invalid"}, "Ya lo usa otra cuenta."),
        ({"roles": []}, "Elija al menos una función"),
        ({"first_name": ""}, "Este dato es obligatorio."),
        ({"office_id": "999999"}, "Elija una oficina de la lista."),
    ],
)
def test_a_mistake_is_shown_and_what_was_typed_stays(
    enter: Enter, person: dict[str, Any], change: dict[str, Any], words: str
) -> None:
    answer = send(enter("admin"), "/usuarios/add", **{**person, **change})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "Giménez Peña" in page
    assert words in page
    assert "Not a valid choice" not in page, "an English message on the page"


def test_search_takes_parts_without_accents(enter: Enter, person: dict[str, Any]) -> None:
    client = enter("admin")
    send(client, "/usuarios/add", **person)
    for wanted in ("gimenez", "PEÑA ygn", "pena", "ygimenez@"):
        page = client.get("/usuarios/list/", query_string={"q": wanted}).get_data(as_text=True)
        assert "Giménez Peña" in page, wanted
    assert "Nada coincide" in client.get("/usuarios/list/?q=%25zzz").get_data(as_text=True)


def test_the_form_says_what_somebody_will_be_able_to_do(enter: Enter, db: OrmSession) -> None:
    client = enter("admin")
    inspector, auditor = role_id(db, "Inspector"), role_id(db, "Auditor")
    said = client.get(f"/usuarios/alcance?roles={inspector}").get_data(as_text=True)
    assert "Los de su oficina, o los que le tocan" in said and "Pasos del procedimiento (dar el paso)" in said
    assert "Todos los del país" not in said and "Copias de respaldo" not in said
    both = client.get(f"/usuarios/alcance?roles={inspector}&roles={auditor}").get_data(as_text=True)
    assert "Todos los del país" in both and "Copias de respaldo" in both
    assert "Elija una función" in client.get("/usuarios/alcance?roles=x").get_data(as_text=True)
    assert "Pasos del procedimiento" in client.get(f"/usuarios/show/{account('inspector1').id}").get_data(
        as_text=True
    )


@pytest.mark.parametrize("username", ["director", "inspector1", "auditor", "salud"])
def test_only_it_makes_accounts(enter: Enter, username: str) -> None:
    client = enter(username)
    assert client.get("/usuarios/add").status_code == 403
    key = account("mesa").id
    token = token_of(client.get("/").get_data(as_text=True))
    assert client.post(f"/usuarios/reset/{key}", data={"csrf_token": token}).status_code == 403


def test_auditor_reads_and_inspector_does_not(enter: Enter) -> None:
    assert enter("auditor").get("/usuarios/list/").status_code == 200
    assert enter("inspector1").get("/usuarios/list/").status_code == 403


def test_nobody_takes_the_administration_from_himself(enter: Enter, db: OrmSession) -> None:
    me = account("admin")
    form = {
        "username": me.username,
        "first_name": me.first_name,
        "last_name": me.last_name,
        "email": me.email,
        "roles": [role_id(db, "Inspector")],
        "office_id": "",
        "active": "y",
    }
    answer = send(enter("admin"), f"/usuarios/edit/{me.id}", **form)
    assert answer.status_code == 422 and "a sí mismo" in answer.get_data(as_text=True)
    assert [role.name for role in account("admin").roles] == ["Admin TI"]


def test_a_provisional_password_ends_the_sessions_of_its_owner(live: Live) -> None:
    victim = log_in(live.app.test_client(), "mesa")
    admin = log_in(live.app.test_client(), "admin")
    key = live.sql("SELECT id FROM ab_user WHERE username = 'mesa'")[0][0]
    page = send(admin, f"/usuarios/reset/{key}", f"/usuarios/show/{key}").get_data(as_text=True)
    assert victim.get("/").status_code == 302
    log_in(live.app.test_client(), "mesa", password_on(page))
    trace = live.sql(
        "SELECT new_values::text FROM audit.change WHERE table_name = 'ab_user' ORDER BY id DESC LIMIT 1"
    )
    assert password_on(page) not in trace[0][0] and "sha256:" in trace[0][0]


def test_a_change_of_office_keeps_the_former_one(db: OrmSession) -> None:
    key = account("inspector1").id
    former = accounts.office_of(key)
    other = db.scalars(select(UserOffice.office_id).where(UserOffice.office_id != former)).first()
    me = account("inspector1")
    values = {name: getattr(me, name) for name in accounts.PLAIN}
    accounts.change(key, values, [role.id for role in me.roles], other)
    rows = db.scalars(select(UserOffice).where(UserOffice.user_id == key).order_by(UserOffice.id)).all()
    assert [row.office_id for row in rows] == [former, other]
    assert rows[0].valid_to is not None and rows[1].valid_to is None


def test_history_of_an_account_hides_the_password(enter: Enter, person: dict[str, Any]) -> None:
    client = enter("admin")
    send(client, "/usuarios/add", **person)
    key = account("ygimenez").id
    send(client, f"/usuarios/reset/{key}", f"/usuarios/show/{key}")
    page = client.get(f"/usuarios/show/{key}").get_data(as_text=True)
    assert "Contraseña: cambiada" in page and "sha256" not in page


def test_keys_out_of_range_answer_404(enter: Enter) -> None:
    client = enter("admin")
    for key in (0, 999999, 2**40):
        assert client.get(f"/usuarios/show/{key}").status_code == 404
