"""Roles of the ministry's own and groups: what they open, at once; and what they can never become."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from support import Live, log_in, token_of

from app.core.errors import NotAllowed, RuleBroken
from app.operations import accounts, recovery, roles
from app.security.principal import Principal, acting_as
from app.security.roles import BY_NAME, GRANTS, PERSONAL, Role

Enter = Callable[[str], FlaskClient]
LISTS = {"base": "Inspector", "name": "Inspector de mesa", "description": "Sin trabajadores"}


def send(client: FlaskClient, path: str, page: str | None = None, **form: Any) -> Any:
    token = token_of(client.get(page or path).get_data(as_text=True))
    return client.post(path, data={**form, "csrf_token": token})


def key(live: Live, table: str, column: str, value: str) -> int:
    return int(live.sql(f"SELECT id FROM {table} WHERE {column} = '{value}'")[0][0])


def give(live: Live, name: str, *role_names: str) -> None:
    """These roles and no other, given by SQL (the triggers end the sessions)."""
    live.sql(f"DELETE FROM ab_user_role WHERE user_id = (SELECT id FROM ab_user WHERE username = '{name}')")
    for role in role_names:
        live.sql(
            "INSERT INTO ab_user_role (user_id, role_id) SELECT u.id, r.id FROM ab_user u, ab_role r"
            f" WHERE u.username = '{name}' AND r.name = '{role}'"
        )


def copy(live: Live, grants: set[tuple[str, str]], name: str = "Copia", base: str = "Inspector") -> int:
    with live.app.app_context():
        return roles.create(base, name, "", grants)


def test_a_copy_made_on_screen_opens_and_closes_doors(live: Live) -> None:
    admin = log_in(live.app.test_client(), "admin")
    page = admin.get("/funciones/add?base=Inspector").get_data(as_text=True)
    assert 'value="can_list:Worker" checked' in page and 'value="can_edit:Account"' not in page
    form = {
        **LISTS,
        "grants": ["can_list:Office", "can_list:Parameter", "can_edit:Brigade"],
        "reason": "Nota 3",
    }
    answer = send(admin, "/funciones/add", "/funciones/add?base=Inspector", **form)
    assert answer.status_code == 302, answer.get_data(as_text=True)[:3000]
    shown = admin.get(answer.location).get_data(as_text=True)
    assert "Puede además" in shown and "Brigadas" in shown and "Nota 3" in shown
    give(live, "inspector1", "Inspector de mesa")
    person = log_in(live.app.test_client(), "inspector1")
    assert person.get("/").status_code == 200, "what is everybody's stays"
    assert person.get("/oficinas/list/").status_code == 200
    assert person.get("/trabajadores/list/").status_code == 403
    assert person.get("/usuarios/list/").status_code == 403


def test_changed_grants_hold_at_the_next_request_and_end_no_session(live: Live) -> None:
    role = copy(live, {("can_list", "Office")})
    give(live, "inspector1", "Copia")
    person = log_in(live.app.test_client(), "inspector1")
    assert person.get("/oficinas/list/").status_code == 200
    assert person.get("/brigadas/list/").status_code == 403
    with live.app.app_context():
        roles.change(role, "Copia", "", {("can_list", "Brigade")})
    assert person.get("/oficinas/list/").status_code == 403
    assert person.get("/brigadas/list/").status_code == 200
    acts = live.sql(
        "SELECT count(*) FROM audit.change c JOIN audit.act a ON a.id = c.act_id"
        " WHERE a.verb = 'role.change' AND c.table_name = 'ab_permission_view_role'"
    )
    assert acts[0][0] == 2


@pytest.mark.parametrize(
    ("base", "grant", "words"),
    [
        ("Inspector", ("can_edit", "Account"), "de Informática"),
        ("Coordinador", ("can_edit", "Role"), "de Informática"),
        ("Inspector", ("can_edit", "Nada"), "de la lista"),
        ("Inspector", ("can_explode", "Office"), "de la lista"),
        ("Inspector", ("can_logout", "Auth"), "de la lista"),
        ("Jefe", ("can_list", "Office"), "base de la lista"),
    ],
)
def test_a_grant_that_is_no_door_or_climbs_is_refused(
    live: Live, base: str, grant: tuple[str, str], words: str
) -> None:
    with live.app.app_context(), pytest.raises(RuleBroken, match=words):
        roles.create(base, "Copia", "", {grant})
    assert live.sql("SELECT count(*) FROM derived_role")[0][0] == 0


@pytest.mark.parametrize("name", ["Admin TI", "admin ti", "INSPECTOR", "minister", "ab", "Copia"])
def test_a_name_that_is_taken_or_means_a_base_role_is_refused(live: Live, name: str) -> None:
    copy(live, {("can_list", "Office")})
    with live.app.app_context(), pytest.raises(RuleBroken):
        roles.create("Inspector", name, "", {("can_list", "Office")})


def test_a_mistake_keeps_what_was_typed(enter: Enter) -> None:
    form = {
        "base": "Inspector",
        "name": "Inspector",
        "description": "larga historia",
        "grants": ["can_list:Office"],
    }
    answer = send(enter("admin"), "/funciones/add", "/funciones/add?base=Inspector", **form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "Ya hay una función" in page
    assert "larga historia" in page and 'value="can_list:Office" checked' in page
    assert 'value="can_list:Worker" checked' not in page


def test_two_who_edit_at_once_do_not_overwrite_each_other(live: Live) -> None:
    role = copy(live, {("can_list", "Office")})
    admin = log_in(live.app.test_client(), "admin")
    page = f"/funciones/edit/{role}"
    version = admin.get(page).get_data(as_text=True).split('name="version" type="hidden" value="')[1][0]
    form = {"name": "Copia", "description": "", "grants": ["can_list:Brigade"], "version": version}
    assert send(admin, page, **form).status_code == 302
    assert send(admin, page, **form).status_code == 409


def test_a_base_role_is_read_only(live: Live) -> None:
    admin = log_in(live.app.test_client(), "admin")
    role = key(live, "ab_role", "name", "Inspector")
    assert admin.get(f"/funciones/edit/{role}").status_code == 403
    token = token_of(admin.get("/").get_data(as_text=True))
    assert admin.post(f"/funciones/delete/{role}", data={"csrf_token": token}).status_code == 403
    assert "Función de base" in admin.get(f"/funciones/show/{role}").get_data(as_text=True)


def test_a_role_in_use_is_not_deleted(live: Live) -> None:
    role = copy(live, {("can_list", "Office")})
    give(live, "inspector1", "Copia")
    admin = log_in(live.app.test_client(), "admin")
    page = f"/funciones/show/{role}"
    answer = send(admin, f"/funciones/delete/{role}", page)
    assert "La tienen 1 personas" in admin.get(answer.location).get_data(as_text=True)
    give(live, "inspector1", "Inspector")
    assert send(admin, f"/funciones/delete/{role}", page).location == "/funciones/list/"
    assert live.sql("SELECT count(*) FROM ab_permission_view_role")[0][0] == 0


@pytest.mark.parametrize(
    ("name", "status"),
    [("admin", 200), ("auditor", 200), ("director", 403), ("inspector1", 403), ("salud", 403)],
)
def test_who_sees_roles_and_groups(enter: Enter, name: str, status: int) -> None:
    client = enter(name)
    for path in ("/funciones/list/", "/funciones/matriz/", "/grupos/list/"):
        assert client.get(path).status_code == status, path
    changes = 200 if name == "admin" else 403
    for path in ("/funciones/add", "/grupos/add"):
        assert client.get(path).status_code == changes, path
    assert client.get("/funciones/show/999999").status_code == (404 if status == 200 else 403)
    assert client.post("/funciones/delete/1").status_code == 400


def test_the_matrix_shows_every_resource_and_role(enter: Enter) -> None:
    page = enter("auditor").get("/funciones/matriz/").get_data(as_text=True)
    assert all(role.label in page for role in Role) and "Usuarios" in page and "Account" not in page


def test_every_door_and_resource_of_the_matrix_has_words(app: Any) -> None:
    from app.views.roles import DOORS, resource_words

    doors = {door for grants in BY_NAME.values() for door, resource in grants if resource in GRANTS}
    assert doors <= set(DOORS), "name it in views/roles.DOORS"
    letters = [letter for _, letter in DOORS.values()]
    assert len(set(letters)) == len(letters)
    with app.app_context():
        assert [name for name, words in resource_words().items() if name == words] == []


def test_a_copy_acts_in_the_procedure_as_its_base_but_never_administers(live: Live) -> None:
    copy(live, {("can_list", "Office")}, "Copia de inspector")
    copy(live, {("can_list", "Account"), ("can_edit", "Account")}, "Mesa de ayuda", "Admin TI")
    give(live, "inspector1", "Copia de inspector")
    give(live, "mesa", "Mesa de ayuda")
    seen = {}

    def look(name: str) -> None:
        client = log_in(live.app.test_client(), name)
        with client:
            client.get("/")
            from flask_login import current_user

            manager = live.app.extensions["appbuilder"].sm
            seen[name] = manager.principal(current_user, "x").roles

    look("inspector1")
    look("mesa")
    assert seen["inspector1"] == {"Copia de inspector", "Inspector"}
    assert seen["mesa"] == {"Mesa de ayuda"}
    coordinator = log_in(live.app.test_client(), "coordinador")
    person = key(live, "ab_user", "username", "inspector1")
    assert send(coordinator, f"/codigos/release/{person}", "/").status_code == 200, "still his inspector"


def test_a_help_desk_does_not_climb(live: Live) -> None:
    everything = set(BY_NAME["Admin TI"] - PERSONAL)
    copy(live, everything, "Mesa de ayuda", "Admin TI")
    give(live, "mesa", "Mesa de ayuda")
    desk = Principal(
        "mesa", key(live, "ab_user", "username", "mesa"), frozenset({"Mesa de ayuda"}), origin="web"
    )
    admin, me = key(live, "ab_user", "username", "admin"), desk.account_id
    top = key(live, "ab_role", "name", "Admin TI")
    other = key(live, "ab_role", "name", "Inspector")
    values = {"username": "mesa", "first_name": "M", "last_name": "M", "email": "m@x.gov.py", "active": True}
    with live.app.app_context(), acting_as(desk):
        for attempt in (
            lambda: accounts.change(me, values, [top], None),
            lambda: accounts.change(me, {**values}, [other], None),
            lambda: accounts.create({**values, "username": "otro", "email": "o@x.gov.py"}, [top], None),
            lambda: accounts.reset_password(admin),
            lambda: accounts.change(admin, {**values, "username": "admin"}, [other], None),
            lambda: recovery.release_code(admin),
            lambda: roles.create("Inspector", "Otra", "", {("can_list", "Office")}),
            lambda: roles.create_group("Otro", "", [top]),
        ):
            with pytest.raises(NotAllowed):
                attempt()


# -- groups ---------------------------------------------------------------------------------------------


def group(live: Live, *role_names: str) -> int:
    with live.app.app_context():
        return roles.create_group(
            "Operativo", "", [key(live, "ab_role", "name", name) for name in role_names]
        )


def test_a_group_made_on_screen_gives_its_roles_and_takes_them(live: Live) -> None:
    admin = log_in(live.app.test_client(), "admin")
    osh = key(live, "ab_role", "name", "Auditor")
    answer = send(admin, "/grupos/add", name="Operativo Mayo", description="", roles=[osh])
    page = answer.location
    number = int(page.rpartition("/")[2])
    before = log_in(live.app.test_client(), "mesa")
    assert before.get("/usuarios/list/").status_code == 403
    assert send(admin, f"/grupos/member/{number}", page, member="MESA").status_code == 302
    assert before.get("/").status_code == 302, "joining ends the session"
    inside = log_in(live.app.test_client(), "mesa")
    assert inside.get("/usuarios/list/").status_code == 200
    user = key(live, "ab_user", "username", "mesa")
    assert "Operativo Mayo" in admin.get(f"/usuarios/show/{user}").get_data(as_text=True)
    form = {
        "name": "Operativo Mayo",
        "description": "",
        "roles": [key(live, "ab_role", "name", "Estadística")],
    }
    assert send(admin, f"/grupos/edit/{number}", **form).status_code == 302
    assert inside.get("/").status_code == 302, "a change of its roles too"
    inside = log_in(live.app.test_client(), "mesa")
    assert inside.get("/usuarios/list/").status_code == 403
    assert send(admin, f"/grupos/leave/{number}/{user}", page).status_code == 302
    assert inside.get("/").status_code == 302, "and leaving"
    assert send(admin, f"/grupos/delete/{number}", page).location == "/grupos/list/"
    verbs = {row[0] for row in live.sql("SELECT verb FROM audit.act WHERE verb LIKE 'group%%'")}
    assert verbs == {"group.create", "group.member", "group.change", "group.remove"}


def test_an_unknown_member_is_named_and_what_was_typed_stays(live: Live) -> None:
    number = group(live, "Inspector")
    admin = log_in(live.app.test_client(), "admin")
    answer = send(admin, f"/grupos/member/{number}", f"/grupos/show/{number}", member="naadie")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "No hay una cuenta" in page and 'value="naadie"' in page


def test_nobody_takes_the_administration_from_himself_by_a_group(live: Live) -> None:
    number = group(live, "Admin TI")
    give(live, "admin")
    live.sql(
        f"INSERT INTO ab_user_group (user_id, group_id) SELECT id, {number} FROM ab_user WHERE username = 'admin'"
    )
    admin = log_in(live.app.test_client(), "admin")
    me, page = key(live, "ab_user", "username", "admin"), f"/grupos/show/{number}"
    for path in (f"/grupos/leave/{number}/{me}", f"/grupos/delete/{number}"):
        answer = send(admin, path, page)
        assert "a sí mismo" in admin.get(answer.location).get_data(as_text=True), path
    other = key(live, "ab_role", "name", "Inspector")
    answer = send(admin, f"/grupos/edit/{number}", name="Operativo", description="", roles=[other])
    assert answer.status_code == 422 and "a sí mismo" in answer.get_data(as_text=True)
    assert admin.get("/usuarios/add").status_code == 200


def test_a_row_moved_from_one_person_to_another_ends_both_sessions(live: Live) -> None:
    clients = [log_in(live.app.test_client(), name) for name in ("mesa", "notificador")]
    live.sql(
        "UPDATE ab_user_role SET user_id = (SELECT id FROM ab_user WHERE username = 'notificador')"
        " WHERE user_id = (SELECT id FROM ab_user WHERE username = 'mesa')"
    )
    assert [client.get("/").status_code for client in clients] == [302, 302]
