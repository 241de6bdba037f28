"""The 33 probes that leak in a bare Flask-AppBuilder (15 of them), against our screens: none may.

Each probe is one row of `PROBES`: its number, what is asked, and a function that fails when something leaks.
The API probes (A) assert that nothing answers where Flask-AppBuilder's API would be, and that ours opens to no
cookie; against ours itself they run in tests/test_api.py. The probes about "bob's record" run over
`FOREIGN`: **a context whose records are scoped adds one line there.**
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.charts.views import BaseChartView
from flask_appbuilder.security.sqla.models import Role as RoleRow
from registry_samples import make, place
from sqlalchemy import select, text
from sqlalchemy.orm import Session as OrmSession
from support import PASSWORD, log_in, token_of

from app.core.base import Session
from app.models.catalogs import Office
from app.models.registry import Contact, Employer, PatronalNumber, Worker
from app.models.security import Account, LoginSession
from app.operations import records
from app.operations.seed_files import load
from app.operations.unit import act
from app.security.roles import GRANTS, PERSONAL
from app.views import api
from app.views.base import RegistryView

CANARY = "Canario9f3b"
"""A word that is in every record of "bob's" and in nothing else: no answer to another may contain it."""


@dataclass
class Scene:
    """The application, a database that is put back after the test, and how to enter it."""

    app: Flask
    db: OrmSession

    def enter(self, username: str) -> FlaskClient:
        """A client entered as somebody of the cast, or as an account of `derived`."""
        return log_in(self.app.test_client(), username)

    def send(self, client: FlaskClient, path: str, **form: Any) -> Any:
        """POST with the token of the session, whether or not the page of the form may be seen."""
        token = token_of(client.get("/").get_data(as_text=True))
        return client.post(path, data={**form, "csrf_token": token})

    def registries(self) -> list[RegistryView]:
        """Every generated screen."""
        views = self.app.extensions["appbuilder"].baseviews
        return [view for view in views if isinstance(view, RegistryView)]

    def reader_of(self, view: RegistryView) -> FlaskClient:
        """Somebody of the cast who may list a registry."""
        rows = GRANTS[view.class_permission_name].items()
        readers = {role for doors, roles in rows if "can_list" in doors for role in roles}
        return self.enter(next(row["username"] for row in ACCOUNTS if row["role"] in readers))


ACCOUNTS = load("demo.yaml", "accounts")


@pytest.fixture
def scene(app: Flask, db: OrmSession) -> Scene:
    return Scene(app, db)


def derived(username: str, *grants: tuple[str, str]) -> str:
    """An account whose one role is derived by the ministry and has these (permission, resource)."""
    with act("test.derived") as unit:
        role = RoleRow(name=f"Derivada de {username}")
        unit.session.add(role)
        unit.session.flush()
        for door, resource in {*grants, *PERSONAL}:
            unit.session.execute(
                text(
                    "INSERT INTO ab_permission_view_role (permission_view_id, role_id)"
                    " SELECT pv.id, :role FROM ab_permission_view pv"
                    " JOIN ab_permission p ON p.id = pv.permission_id AND p.name = :door"
                    " JOIN ab_view_menu v ON v.id = pv.view_menu_id AND v.name = :resource"
                ),
                {"role": role.id, "door": door, "resource": resource},
            )
    person(username, "Derivada", role.name)
    return username


def person(username: str, last_name: str, role: str) -> int:
    """An account with the password of the cast and one role; its key."""
    with act("test.person") as unit:
        password = unit.session.scalar(select(Account.password).where(Account.username == "mesa"))
        account = Account(username=username, first_name="Persona", last_name=last_name, active=True)
        account.email, account.password = f"{username}@{last_name}.invalid", password
        account.roles = [unit.session.scalars(select(RoleRow).where(RoleRow.name == role)).one()]
        unit.session.add(account)
        unit.session.flush()
        return int(account.id)


# Records of "bob's": (name, who is "alice", builder of the record: its screen and its key).

Built = tuple[str, Any]


def account_of_bob(db: OrmSession) -> Built:
    """Accounts are for the administrators."""
    return "/usuarios", person("bob9f3b", CANARY, "Inspector")


def worker_of_bob(db: OrmSession) -> Built:
    """Workers are for those who inspect and judge."""
    values = {"document_number": "4999123", "name": CANARY}
    return "/trabajadores", records.create(Worker, values).id


def office_of_bob(db: OrmSession) -> Built:
    """An office, for a role derived by the ministry that has other screens."""
    values = {"code": "REG-97", "name": CANARY, "kind": "regional", "opened_on": "2024-01-01"}
    return "/oficinas", records.create(Office, values).id


FOREIGN: list[tuple[str, Callable[[], str], Callable[[OrmSession], Built]]] = [
    ("account", lambda: "inspector1", account_of_bob),
    ("worker", lambda: "mesa", worker_of_bob),
    ("office", lambda: derived("lectora", ("can_list", "Activity"), ("can_show", "Activity")), office_of_bob),
    # Scoped record classes (orders, visits, cases…): add them here, with a colleague of another office.
]
"""(name, user name of the stranger, builder of the record -> (route of its screen, its key))."""


def bobs(scene: Scene) -> Iterable[tuple[FlaskClient, str, Any]]:
    """For each foreign record: the stranger's client, the route of the screen, the key."""
    for _, stranger, build in FOREIGN:
        base, key = build(scene.db)
        yield scene.enter(stranger()), base, key


def hidden(answer: Any) -> None:
    """The answer refuses, and says nothing of the record."""
    assert answer.status_code in (403, 404, 405), answer.status_code
    assert CANARY not in answer.get_data(as_text=True)


def table_of(scene: Scene, base: str) -> str:
    """The table behind a screen."""
    views = scene.app.extensions["appbuilder"].baseviews
    view = next(view for view in views if view.route_base == base)
    return str(view.kind.__tablename__) if isinstance(view, RegistryView) else "ab_user"


def row(scene: Scene, base: str, key: Any) -> Any:
    """The stored row, as it stands in the database."""
    return scene.db.execute(
        text(f"SELECT * FROM {table_of(scene, base)} WHERE id = :key"), {"key": key}
    ).one_or_none()


# A: an API. Ours knows keys alone (tests/test_api.py); to a cookie nothing answers, there or elsewhere.

API = ("/api/v1", "/api/v2", "/api")


def no_api(method: str, *tails: str, **options: Any) -> Callable[[Scene], None]:
    """A probe: nothing answers `method` at any address of a record's API, whoever asks."""

    def probe(scene: Scene) -> None:
        admin, anonymous = scene.enter("admin"), scene.app.test_client()
        names = {view.route_base.strip("/") for view in scene.registries()}
        names |= {view.kind.__tablename__ for view in scene.registries()}
        token = token_of(admin.get("/").get_data(as_text=True))
        for name in sorted(names | {"security/users", "security/roles"}):
            for root in API:
                for tail in tails:
                    sent = options | {"headers": {"X-CSRFToken": token}}
                    answer = admin.open(f"{root}/{name}/{tail}", method=method, **sent)
                    assert answer.status_code in (401, 404, 405), (root, name, tail, answer.status_code)
        assert anonymous.open(f"/api/v1/office/{tails[0]}", method=method, **options).status_code >= 400

    return probe


def a05_no_exempt_view(scene: Scene) -> None:
    """A write with the session's cookie and no token is refused at every route that writes."""
    protection = scene.app.extensions["csrf"]
    assert not protection._exempt_views
    assert {blueprint.name for blueprint in protection._exempt_blueprints} == {p.__name__ for p in api.PARTS}
    admin = scene.enter("admin")
    assert admin.put("/api/v1/office/1", json={"name": "x"}).status_code in (400, 404)
    assert admin.post("/oficinas/edit/1", data={"name": "x"}).status_code == 400


def a06_options_of_look_ups(scene: Scene) -> None:
    """What `_info` gave away, the look-up does not: it is for those who may list."""
    for client, base, key in bobs(scene):
        table = table_of(scene, base)
        hidden(client.get(f"/lookup/{table}?q={CANARY}"))
        hidden(client.get(f"/lookup/{table}?id={key}"))


def a08_mass_assignment(scene: Scene) -> None:
    """Fields that a form does not offer are not stored."""
    admin = scene.enter("admin")
    form = {"code": "REG-96", "name": "Con dueño ajeno", "kind": "regional", "opened_on": "01/01/2024"}
    extra = {
        "created_by_id": "1",
        "id": "777777",
        "version": "99",
        "uuid": "0" * 32,
        "created_at": "2001-01-01",
    }
    assert scene.send(admin, "/oficinas/add", **form, **extra).status_code == 302
    made = scene.db.scalars(select(Office).where(Office.code == "REG-96")).one()
    me = scene.db.scalars(select(Account.id).where(Account.username == "admin")).one()
    assert (made.created_by_id, made.version) == (me, 1)
    assert made.id != 777777 and made.created_at.year > 2001 and made.uuid.int != 0


def a14_page_size(scene: Scene) -> None:
    """A page has a hundred rows at most, whatever is asked."""
    client = scene.enter("admin")
    for size in ("-1", "0", "100000", "abc", "1e9"):
        for view in scene.registries():
            if view.route_base in ("/distritos", "/infracciones", "/establecimientos", "/empleadores"):
                page = client.get(f"{view.route_base}/list/?filas={size}", follow_redirects=True)
                assert page.status_code == 200
                rows = set(re.findall(rf"{view.route_base}/show/[^\"]+", page.get_data(as_text=True)))
                assert 0 < len(rows) <= 100, (view, size)


# M: the generated screens.


def m01_show(scene: Scene) -> None:
    for client, base, key in bobs(scene):
        hidden(client.get(f"{base}/show/{key}"))


def m02_edit(scene: Scene) -> None:
    for client, base, key in bobs(scene):
        before = row(scene, base, key)
        hidden(client.get(f"{base}/edit/{key}"))
        hidden(
            scene.send(client, f"{base}/edit/{key}", name="x", last_name="x", first_name="x", _version="1")
        )
        assert row(scene, base, key) == before


def m03_delete(scene: Scene) -> None:
    for client, base, key in bobs(scene):
        hidden(scene.send(client, f"{base}/delete/{key}"))
        assert row(scene, base, key) is not None


def m03_delete_without_token(scene: Scene) -> None:
    for client, base, key in bobs(scene):
        assert client.post(f"{base}/delete/{key}").status_code in (400, 403, 404, 405)
        assert row(scene, base, key) is not None


def m03_delete_by_get(scene: Scene) -> None:
    for client, base, key in bobs(scene):
        assert client.get(f"{base}/delete/{key}").status_code in (404, 405)
        assert row(scene, base, key) is not None


def m04_lists_and_add_forms(scene: Scene) -> None:
    """No page that the stranger may open names the record: lists, add forms, searches."""
    for client, _, _ in bobs(scene):
        for path in openable(scene):
            answer = client.get(path, follow_redirects=True)
            assert CANARY not in answer.get_data(as_text=True), path


def m04_search_forms(scene: Scene) -> None:
    for client, base, _ in bobs(scene):
        for path in (f"{base}/list/?q={CANARY}", f"{base}/list/?_flt_2_name={CANARY}", f"/?q={CANARY}"):
            page = client.get(path, follow_redirects=True).get_data(as_text=True)
            assert not re.search(rf">[^<]*{CANARY}[^<]*</(td|a|li)>", page), path


def openable(scene: Scene) -> list[str]:
    """Every GET route without a key."""
    rules = [rule for rule in scene.app.url_map.iter_rules() if "GET" in rule.methods and not rule.arguments]
    return sorted({rule.rule for rule in rules})


def m05_reference_to_a_hidden_record(scene: Scene) -> None:
    """A key that the form does not offer is not stored: a record that gave way to another, or that is not."""
    kept, gone = make(), make(ruc=None, legal_name=None, description="La que se unió")
    with act("test.merge") as unit:
        found = unit.session.get(Employer, gone.id)
        assert found is not None
        found.merged_into_id = kept.id
    admin = scene.enter("mesa")
    for key in (gone.id, 999999, -1, "abc"):
        form = {"employer_id": key, "kind": "MTESS", "number": "777001"}
        assert scene.send(admin, "/numeros-patronales/add", **form).status_code == 422, key
    assert not scene.db.scalars(select(PatronalNumber.id).where(PatronalNumber.number == "777001")).all()


def m06_filters_on_columns_that_are_not_listed(scene: Scene) -> None:
    """A filter on a column outside the search changes nothing: no oracle on what is not shown."""
    for view in scene.registries():
        client, path = scene.reader_of(view), f"{view.route_base}/list/"
        first = rows_of(client.get(f"{path}?_flt_0_nada=zzzz"))
        for column in sorted(set(view.kind.__table__.c.keys()) - set(view.search_columns)):
            query = {f"_flt_{kind}_{column}": "zzzz" for kind in range(4)}
            assert rows_of(client.get(path, query_string=query)) == first, (view, column)
    admin = scene.enter("admin")
    every = rows_of(admin.get("/usuarios/list/"))
    for word in ("scrypt", "zzzz"):
        assert rows_of(admin.get(f"/usuarios/list/?_flt_0_password={word}&password={word}")) == every


def rows_of(answer: Any) -> set[str]:
    """The records that a list shows, by the addresses of their pages."""
    return set(re.findall(r'href="(/[\w-]+/show/[^"]+)"', answer.get_data(as_text=True)))


def m07_related_lists(scene: Scene) -> None:
    """A record's page shows no rows of a screen that the reader may not open."""
    employer = make()
    there = place(employer)
    records.create(Contact, {"employer_id": employer.id, "name": CANARY, "phone": "+595981123456"})
    records.create(PatronalNumber, {"employer_id": employer.id, "kind": "MTESS", "number": "7654321"})
    doors = [("can_list", "Employer"), ("can_show", "Employer"), ("can_list", "Establishment")]
    client = scene.enter(derived("mirona", *doors, ("can_show", "Establishment")))
    for path in (f"/empleadores/show/{employer.id}", f"/establecimientos/show/{there.id}"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert CANARY not in answer.get_data(as_text=True), path
        assert "7654321" not in answer.get_data(as_text=True), path
    assert CANARY in scene.enter("mesa").get(f"/empleadores/show/{employer.id}").get_data(as_text=True)


def m08_no_charts(scene: Scene) -> None:
    views = scene.app.extensions["appbuilder"].baseviews
    assert not [view for view in views if isinstance(view, BaseChartView)]
    assert not [rule.rule for rule in scene.app.url_map.iter_rules() if "chart" in rule.rule]


def m09_markup_is_text(scene: Scene) -> None:
    """Markup in a name is letters: in the list, the page, the history, the look-up, the title."""
    bad = f"<script>alert('{CANARY}')</script>\"><svg onload=x>"
    office = records.create(
        Office, {"code": "REG-95", "name": "Antes", "kind": "regional", "opened_on": "2024-01-01"}
    )
    records.change(Office, office.id, {"name": bad, "city": bad})
    employer = make(legal_name=bad)
    admin = scene.enter("admin")
    paths = [
        "/oficinas/list/?filas=100",
        f"/oficinas/show/{office.id}",
        f"/oficinas/edit/{office.id}",
        "/inspectores/add",
        "/empleadores/list/?q=alert",
        f"/empleadores/list/?q={CANARY}<script>alert(1)</script>",
        f"/empleadores/show/{employer.id}",
        "/usuarios/list/?q=<script>alert(1)</script>",
    ]
    for path in paths:
        page = admin.get(path).get_data(as_text=True)
        assert "<script>alert" not in page and "<svg onload" not in page, path
    looked_up = admin.get("/lookup/office?q=alert")
    assert looked_up.mimetype == "application/json" and CANARY in looked_up.get_data(as_text=True)


# S: sessions, passwords, headers.


def copied(scene: Scene, client: FlaskClient) -> FlaskClient:
    thief, cookie = scene.app.test_client(), client.get_cookie("sis")
    assert cookie is not None
    thief.set_cookie("sis", cookie.value)
    assert thief.get("/").status_code == 200
    return thief


def s01_cookie_of_before_leaving(scene: Scene) -> None:
    client = scene.enter("mesa")
    thief = copied(scene, client)
    assert scene.send(client, "/logout/").status_code == 302
    assert thief.get("/").status_code == 302


def s02_cookie_of_before_a_new_password(scene: Scene) -> None:
    client = scene.enter("mesa")
    thief = copied(scene, client)
    new = "una frase nueva y larga"
    form = {"current": PASSWORD, "new": new, "again": new}
    assert scene.send(client, "/mi-cuenta/contrasena", **form).status_code == 302
    assert thief.get("/").status_code == 302


def s03_deactivated(scene: Scene) -> None:
    client = scene.enter("mesa")
    with act("test.deactivate") as unit:
        account = unit.session.scalars(select(Account).where(Account.username == "mesa")).one()
        account.active = False
    assert client.get("/").status_code == 302
    assert not scene.db.scalars(select(LoginSession).where(LoginSession.user_id == account.id)).all()


def s04_forty_wrong_log_ins(scene: Scene) -> None:
    client = scene.app.test_client()
    token = token_of(client.get("/login/").get_data(as_text=True))
    form = {"username": "mesa", "password": "equivocada", "csrf_token": token}
    answers = [client.post("/login/", data=form).status_code for _ in range(40)]
    assert answers[:5] == [401] * 5 and set(answers[5:]) == {429}


def s05_plain_password(scene: Scene) -> None:
    client = scene.enter("mesa")
    for new in ("1", "contraseña", "a" * 20, "abcabcabcabcabc", "mesa de entrada!"):
        form = {"current": PASSWORD, "new": new, "again": new}
        assert scene.send(client, "/mi-cuenta/contrasena", **form).status_code == 422, new
    assert scene.enter("mesa").get("/").status_code == 200


def s06_headers(scene: Scene) -> None:
    for answer in (scene.app.test_client().get("/login/"), scene.enter("mesa").get("/")):
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy and "object-src 'none'" in policy
        assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


def s06_cookie(scene: Scene) -> None:
    from config import settings

    cookie = scene.app.test_client().get("/login/").headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    config = scene.app.config
    assert config["PERMANENT_SESSION_LIFETIME"].total_seconds() <= 8 * 3600
    secure = settings({"SIS_DATA_DIR": str(config["SIS_DATA_DIR"]), "SIS_PUBLIC_URL": "https://sis.example"})
    assert secure.SESSION_COOKIE_SECURE and secure.SESSION_COOKIE_NAME.startswith("__Host-")


PROBES: list[tuple[str, str, Callable[[Scene], None]]] = [
    ("A1", "API list", no_api("GET", "", "?q=(page_size:100)")),
    ("A2", "API get of bob's row", no_api("GET", "1")),
    ("A3", "API put of bob's row", no_api("PUT", "1", json={"name": "x"})),
    ("A4", "API delete of bob's row", no_api("DELETE", "1", "?q=!(1,2)")),
    ("A5", "API put with the cookie and no token", a05_no_exempt_view),
    ("A6", "API _info with hidden options; look-ups", a06_options_of_look_ups),
    ("A7", "API post that points to a hidden record", no_api("POST", "", json={"parent_id": 1})),
    ("A8", "post with another owner", a08_mass_assignment),
    (
        "A9",
        "API filter on a column in no list",
        no_api("GET", "?q=(filters:!((col:password,opr:sw,value:s)))"),
    ),
    (
        "A10",
        "API order by an unlisted column",
        no_api("GET", "?q=(order_column:password,order_direction:asc)"),
    ),
    ("A11", "API columns", no_api("GET", "?q=(columns:!(password))")),
    ("A12", "API select_columns", no_api("GET", "?q=(select_columns:!(password))")),
    ("A13", "API _info", no_api("GET", "_info", "_info?q=(keys:!(add_columns))")),
    ("A14", "page size -1", a14_page_size),
    ("M1", "show bob's row", m01_show),
    ("M2", "edit bob's row", m02_edit),
    ("M3", "delete bob's row", m03_delete),
    ("M3b", "POST delete without token", m03_delete_without_token),
    ("M3c", "delete by GET", m03_delete_by_get),
    ("M4", "lists and options of add forms", m04_lists_and_add_forms),
    ("M4b", "options of search forms", m04_search_forms),
    ("M5", "add with the key of a hidden record", m05_reference_to_a_hidden_record),
    ("M6", "list filtered by a column in no list", m06_filters_on_columns_that_are_not_listed),
    ("M7", "related rows that the reader may not list", m07_related_lists),
    ("M8", "charts that count bob's rows", m08_no_charts),
    ("M9", "<script> in a list column", m09_markup_is_text),
    ("S1", "cookie of before log-out", s01_cookie_of_before_leaving),
    ("S2", "cookie of before a change of password", s02_cookie_of_before_a_new_password),
    ("S3", "deactivated user", s03_deactivated),
    ("S4", "40 wrong log-ins", s04_forty_wrong_log_ins),
    ("S5", "password «1»", s05_plain_password),
    ("S6", "headers", s06_headers),
    ("S6b", "flags of the cookie", s06_cookie),
]


def test_there_are_thirty_three_probes() -> None:
    assert len(PROBES) == len({number for number, _, _ in PROBES}) == 33


@pytest.mark.parametrize(("what", "probe"), [row[1:] for row in PROBES], ids=[row[0] for row in PROBES])
def test_probe_does_not_leak(scene: Scene, what: str, probe: Callable[[Scene], None]) -> None:
    probe(scene)


def test_bobs_records_are_seen_by_those_who_may(scene: Scene) -> None:
    """The probes would pass over records that do not exist: these do, and their readers find them."""
    readers = {"/usuarios": "admin", "/trabajadores": "inspector1"}
    for _, base, key in bobs(scene):
        page = scene.enter(readers.get(base, "admin")).get(f"{base}/show/{key}")
        assert page.status_code == 200 and CANARY in page.get_data(as_text=True), base
    Session.rollback()
