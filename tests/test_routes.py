"""Every route of the application, read off its registry: who is let in, what is refused, what never breaks.

A new route is picked up by itself. A route open to anybody is on the short list `PUBLIC` of the factory; one
that takes a write without the token of a form (for machines, by token) has to be named in `TOKENLESS` here.
"""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session as OrmSession
from support import log_in, written
from werkzeug.routing import Rule

from app.core.base import Model
from app.factory import PUBLIC
from app.operations.seed_files import load
from app.security.roles import BY_KEY, PERSONAL, Role, grants_of

WRITES = {"POST", "PUT", "PATCH", "DELETE"}
TOKENLESS: set[str] = set()
"""Endpoints that take a write without a CSRF token: none."""
KEYS_ALONE = "/api/"
"""Below it a session means nothing: no cookie is looked at, so none can be misused (docs/adr/012)."""

NONSENSE = (
    "0",
    "999999999",
    "-1",
    "abc",
    str(2**40),
    "%00",
    "%27%22%3C",
    "1.5",
    "9" * 30,
    "..%2f..%2fetc",
    "ñ%25_",
)
"""What people, scripts and scanners put where a key is expected (in the form of an address)."""

STATIC = ("/static/",)


def rules(app: Flask, *methods: str) -> list[Rule]:
    """The rules that take one of these methods, the files of the front end apart."""
    found = [rule for rule in app.url_map.iter_rules() if not rule.rule.startswith(STATIC)]
    return [rule for rule in found if rule.methods and rule.methods & set(methods)]


def filled(rule: Rule, value: str) -> str:
    """The path of a rule with this in the place of each argument."""
    return re.sub(r"<[^>]+>", value, rule.rule)


def resource_of(app: Flask, rule: Rule) -> str | None:
    """The resource of the matrix that a route belongs to, by its view."""
    name = rule.endpoint.partition(".")[0]
    views = {view.endpoint: view for view in app.extensions["appbuilder"].baseviews}
    return views[name].class_permission_name if name in views else None


class Cast:
    """Clients of the cast, entered when they are first needed."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.clients: dict[str, FlaskClient] = {}

    def enter(self, username: str) -> FlaskClient:
        if username not in self.clients:
            self.clients[username] = log_in(self.app.test_client(), username)
        return self.clients[username]

    def enter_all(self) -> None:
        """Everybody enters, for a log-in writes: what follows can be asked whether it wrote."""
        for row in load("demo.yaml", "accounts"):
            self.enter(row["username"])

    def who_may_most(self, resource: str | None) -> FlaskClient:
        """The account whose role opens most doors of a resource (the first administrator, when all are equal)."""
        rows = load("demo.yaml", "accounts")
        doors = {row["username"]: grants_of(BY_KEY[row["role"]]) for row in rows}
        most = max(doors, key=lambda name: sum(1 for _, of in doors[name] if of == resource))
        return self.enter(most)


@pytest.fixture
def cast(app: Flask, db: OrmSession) -> Cast:
    return Cast(app)


def test_the_public_list_names_real_endpoints(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} >= PUBLIC


def test_the_public_list_is_short(app: Flask) -> None:
    assert len(PUBLIC) <= 12, "a page for anybody is a decision: write it down, then raise this number"


def test_every_route_asks_an_anonymous_visitor_to_log_in(app: Flask, anonymous: FlaskClient) -> None:
    let_in = set()
    for rule in rules(app, "GET", *WRITES):
        if rule.endpoint in PUBLIC:
            continue
        for method in sorted(rule.methods & {"GET", *WRITES}):
            for value in ("1", "abc"):
                answer = anonymous.open(filled(rule, value), method=method)
                asked = answer.status_code == 302 and (answer.location or "").startswith("/login/")
                if not asked and answer.status_code not in (400, 401, 403, 404):
                    let_in.add((method, rule.rule, answer.status_code))
    assert let_in == set()


def test_a_route_that_is_not_there_says_nothing(anonymous: FlaskClient, cast: Cast) -> None:
    assert anonymous.get("/no-existe/").status_code == 404
    assert cast.enter("admin").get("/no-existe/").status_code == 404


def test_a_stranger_is_let_into_his_own_pages_alone(app: Flask, cast: Cast) -> None:
    """The Ministry of Health has nearly no grants: every page that is not personal answers 403 or 404."""
    stranger = cast.enter("salud")
    own = {resource for _, resource in PERSONAL | grants_of(Role.HEALTH)}
    let_in = set()
    for rule in rules(app, "GET"):
        if rule.endpoint in PUBLIC or resource_of(app, rule) in own:
            continue
        for value in ("1", "0", "abc"):
            answer = stranger.get(filled(rule, value))
            if answer.status_code not in (401, 403, 404):
                let_in.add((rule.rule, value, answer.status_code))
    assert let_in == set()


def test_a_stranger_looks_nothing_up(app: Flask, cast: Cast) -> None:
    stranger = cast.enter("salud")
    kinds = [mapper.class_ for mapper in Model.registry.mappers]
    own = {resource for _, resource in grants_of(Role.HEALTH)}
    for kind in kinds:
        if kind.__name__ not in own:
            assert stranger.get(f"/lookup/{kind.__tablename__}?q=a").status_code in (403, 404), kind


def test_a_stranger_writes_nothing(app: Flask, cast: Cast, db: OrmSession) -> None:
    stranger = cast.enter("salud")
    page = stranger.get("/").get_data(as_text=True)
    token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[0]
    own = {resource for _, resource in PERSONAL | grants_of(Role.HEALTH)}
    before = written(db)
    for rule in rules(app, *WRITES):
        if rule.endpoint in PUBLIC or resource_of(app, rule) in own:
            continue
        for method in sorted(rule.methods & WRITES):
            answer = stranger.open(filled(rule, "1"), method=method, data={"csrf_token": token})
            assert answer.status_code in (401, 403, 404), (method, rule.rule, answer.status_code)
    assert written(db) == before


def test_every_write_without_the_token_of_a_form_is_refused(app: Flask, cast: Cast) -> None:
    admin = cast.enter("admin")
    for rule in rules(app, *WRITES):
        if rule.endpoint in TOKENLESS:
            continue
        for method in sorted(rule.methods & WRITES):
            for options in (
                {},
                {"json": {}},
                {"data": {"csrf_token": "x"}},
                {"headers": {"X-CSRFToken": "x"}},
            ):
                answer = admin.open(filled(rule, "1"), method=method, **options)
                refused = (401, 404) if rule.rule.startswith(KEYS_ALONE) else (400,)
                assert answer.status_code in refused, (method, rule.rule, options, answer.status_code)


def test_tokenless_endpoints_exist(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} >= TOKENLESS


def asked_of(view: Any) -> Iterator[str]:
    """The names that the module of a view reads from the address."""
    source = inspect.getsource(inspect.getmodule(view))
    yield from sorted(set(re.findall(r"""(?:args|asked)(?:\.get|\.getlist)?[(\[]\s*"(\w+)\"""", source)))
    if names := getattr(getattr(view, "listed", None), "names", None):  # a list of the engine
        yield from sorted(names | {"despues", "antes"})


def test_no_page_breaks_on_nonsense_where_a_key_is_expected(app: Flask, cast: Cast, db: OrmSession) -> None:
    cast.enter_all()
    before = written(db)
    for rule in rules(app, "GET"):
        if not rule.arguments:
            continue
        client = cast.who_may_most(resource_of(app, rule))
        for value in NONSENSE:
            answer = client.get(filled(rule, value))
            assert answer.status_code < 500, (rule.rule, value)
            if value == "%00":
                assert answer.status_code in (400, 404), rule.rule
    assert written(db) == before, "a page that was only looked at changed something"


def test_no_page_breaks_on_nonsense_in_its_address(app: Flask, cast: Cast, db: OrmSession) -> None:
    """Every name that a view reads from the address, and those of Flask-AppBuilder's lists, one by one."""
    views = {view.endpoint: view for view in app.extensions["appbuilder"].baseviews}
    cast.enter_all()
    before = written(db)
    for rule in rules(app, "GET"):
        view = views.get(rule.endpoint.partition(".")[0])
        names = {"q", "page", "id", "desde", "despues", "next"} | set(asked_of(type(view)) if view else ())
        if rule.endpoint.endswith(".list"):
            names |= {"_flt_0_id", "_flt_9_code"}
        client = cast.who_may_most(resource_of(app, rule))
        path = filled(rule, "1")
        for value in NONSENSE:
            together = "&".join(f"{name}={value}" for name in sorted(names))
            assert client.get(f"{path}?{together}").status_code < 500, (path, together)
        for name in sorted(names):
            for value in ("-1", "abc", str(2**40)):
                answer = client.get(f"{path}?{name}={value}")
                assert answer.status_code < 500, (path, name, value)
    assert written(db) == before
