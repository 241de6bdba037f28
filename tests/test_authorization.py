"""The doors of the application against the roles: `authorization.csv`, read by a person, kept by this test.

A row is a method and a route, a column who comes: a visitor without a session, an account that was switched off
while it was inside, each role, an inspector of another office. `x` lets in. A route that is not in the file
fails here, and so does a door that opens or closes for somebody. After a change that is meant:

    SIS_TEST_REWRITE=1 .venv/bin/python -m pytest tests/test_authorization.py

writes the file anew; its difference is what has to be reviewed. Which rows somebody sees behind an open door
is another matter (tests/test_scope.py, tests/objects.csv).
"""

import csv
import os
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from api_samples import machine
from flask import Flask
from flask.testing import FlaskClient
from inspection_samples import office_of
from sqlalchemy import update
from sqlalchemy.orm import Session as OrmSession
from support import log_in, token_of

from app.factory import PUBLIC
from app.models.security import Account
from app.operations.seed_files import load
from app.operations.unit import act
from app.security.roles import Role

FILE = Path(__file__).with_name("authorization.csv")
MISSING = "999999999"
"""A key that no record has: the door is asked, nothing behind it is touched."""
ENDS_THE_SESSION = "AuthView.logout"
ROLES = [role.value for role in Role]
ANONYMOUS, DEACTIVATED, ELSEWHERE = "anonymous", "deactivated", "inspector-elsewhere"
WHO = [ANONYMOUS, DEACTIVATED, *ROLES, ELSEWHERE]
Matrix = dict[tuple[str, str], dict[str, bool]]


def doors(app: Flask) -> list[tuple[str, str, str]]:
    """Every (method, route, endpoint), the files of the front end apart; the way out comes last."""
    return sorted(
        (
            (method, rule.rule, rule.endpoint)
            for rule in app.url_map.iter_rules()
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
            if not rule.rule.startswith("/static/")
        ),
        key=lambda door: (door[2] == ENDS_THE_SESSION, *door),
    )


def expected() -> Matrix:
    with FILE.open(encoding="utf-8", newline="") as file:
        return {
            (row["method"], row["route"]): {who: row[who] == "x" for who in WHO}
            for row in csv.DictReader(file)
        }


def rewrite(matrix: Matrix) -> None:
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["method", "route", *WHO])
        for (method, route), row in sorted(matrix.items(), key=lambda item: (item[0][1], item[0][0])):
            writer.writerow([method, route, *("x" if row[who] else "" for who in WHO)])


def visitors(app: Flask) -> Iterator[tuple[str, FlaskClient, str]]:
    """Each who comes, his client, and the token of his forms."""
    people = {row["role"]: row["username"] for row in load("demo.yaml", "accounts")}
    assert set(people) == set(ROLES), "a demonstration account for each role"
    stranger = app.test_client()
    yield ANONYMOUS, stranger, token_of(stranger.get("/login/").get_data(as_text=True))
    offices = [office_of(username) for username in ("inspector1", "inspector3")]
    assert offices[0] != offices[1]
    names = {**people, Role.INSPECTOR.value: "inspector1", ELSEWHERE: "inspector3", DEACTIVATED: "inspector2"}
    for who, username in names.items():
        client = log_in(app.test_client(), username)
        token = token_of(client.get("/").get_data(as_text=True))
        if who == DEACTIVATED:
            with act("test") as unit:
                unit.session.execute(update(Account).where(Account.username == username).values(active=False))
        yield who, client, token


def machines(app: Flask) -> dict[str, dict[str, str]]:
    """Each role but Informática's (no machine administers) -> what a machine with it sends to the API."""
    roles = {role.value: role for role in Role if role is not Role.ADMIN} | {ELSEWHERE: Role.INSPECTOR}
    offices = {ELSEWHERE: "REG-11"}
    made = {
        who: machine(app, role, office=offices.get(who, "REG-CAP"), name=who) for who, role in roles.items()
    }
    return {who: {"Authorization": f"Bearer {each.token}"} for who, each in made.items()}


def measured(app: Flask) -> Matrix:
    """What each door answers to each: a refusal or the way to the log-in page, anything else was let in."""
    found: Matrix = {(method, route): {} for method, route, _ in doors(app)}
    keys = machines(app)
    for who, client, token in visitors(app):
        for method, route, endpoint in doors(app):
            path = re.sub(r"<[^>]+>", MISSING, re.sub("<uuid:[^>]+>", str(UUID(int=0)), route))
            if path.startswith("/api/"):
                answer = client.open(path, method=method, headers=keys.get(who), json={})
            else:
                data = {"csrf_token": token} if method != "GET" else None
                answer = client.open(path, method=method, data=data)
            assert answer.status_code < 500 or endpoint.startswith("health."), (who, method, route)
            to_log_in = (answer.location or "").startswith("/login/?next=")
            found[method, route][who] = answer.status_code not in (401, 403) and not to_log_in
    return found


def test_every_route_is_in_the_matrix(app: Flask) -> None:
    if os.environ.get("SIS_TEST_REWRITE"):
        pytest.skip("the file is being written anew")
    routes = {(method, route) for method, route, _ in doors(app)}
    assert sorted(routes - expected().keys()) == [], "routes that nobody reviewed: see the head of this file"
    assert sorted(expected().keys() - routes) == [], "routes that are gone: see the head of this file"


def test_every_door_opens_to_the_roles_of_the_matrix_alone(app: Flask, db: OrmSession) -> None:
    found = measured(app)
    if os.environ.get("SIS_TEST_REWRITE"):
        rewrite(found)
    wanted = expected()
    opened = [
        (method, route, who)
        for (method, route), row in found.items()
        for who, lets_in in row.items()
        if lets_in is not wanted.get((method, route), {}).get(who)
    ]
    assert opened == [], "doors that differ from the matrix (method, route, who)"


def test_who_has_no_session_enters_the_public_pages_alone(app: Flask) -> None:
    public = {(method, route) for method, route, endpoint in doors(app) if endpoint in PUBLIC}
    for who in (ANONYMOUS, DEACTIVATED):
        assert {door for door, row in expected().items() if row[who]} == public, who


def test_another_office_opens_no_door_more(app: Flask) -> None:
    for door, row in expected().items():
        assert row[ELSEWHERE] is row[Role.INSPECTOR.value], door


def test_no_list_has_actions_that_the_matrix_does_not_know(app: Flask) -> None:
    """What is done to many rows at once has a route of its own here, hence a row of the matrix."""
    views = app.extensions["appbuilder"].baseviews
    assert {
        type(view).__name__: sorted(view.actions) for view in views if getattr(view, "actions", None)
    } == {}
    assert [rule.rule for rule in app.url_map.iter_rules() if "/action" in rule.rule] == []
