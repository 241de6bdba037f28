"""The doors of the application against the roles: `authorization.csv`, read by a person, kept by this test.

A row is a method and a route, a column a role: `x` lets in. A route that is not in the file fails here, and so
does a door that opens or closes for somebody. After a change that is meant:

    SIS_TEST_REWRITE=1 .venv/bin/python -m pytest tests/test_authorization.py

writes the file anew; its difference is what has to be reviewed. Which rows somebody sees behind an open door
is another matter (tests/test_scope.py).
"""

import csv
import os
import re
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session as OrmSession
from support import log_in

from app.factory import PUBLIC
from app.operations.seed_files import load
from app.security.roles import Role

FILE = Path(__file__).with_name("authorization.csv")
MISSING = "999999999"
"""A key that no record has: the door is asked, nothing behind it is touched."""
ENDS_THE_SESSION = {"AuthView.logout"}
ROLES = [role.value for role in Role]
Matrix = dict[tuple[str, str], dict[str, bool]]


def doors(app: Flask) -> list[tuple[str, str, str]]:
    """Every (method, route, endpoint) that is not for anybody, the files of the front end apart."""
    return sorted(
        (method, rule.rule, rule.endpoint)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint not in PUBLIC | ENDS_THE_SESSION and not rule.rule.startswith("/static/")
    )


def expected() -> Matrix:
    with FILE.open(encoding="utf-8", newline="") as file:
        return {
            (row["method"], row["route"]): {role: row[role] == "x" for role in ROLES}
            for row in csv.DictReader(file)
        }


def rewrite(matrix: Matrix) -> None:
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["method", "route", *ROLES])
        for (method, route), row in sorted(matrix.items(), key=lambda item: (item[0][1], item[0][0])):
            writer.writerow([method, route, *("x" if row[role] else "" for role in ROLES)])


def measured(app: Flask) -> Matrix:
    """What each door answers to each role: 403 is a refusal, anything else was let in."""
    found: Matrix = {(method, route): {} for method, route, _ in doors(app)}
    people = {row["role"]: row["username"] for row in load("demo.yaml", "accounts")}
    assert set(people) == set(ROLES), "a demonstration account for each role"
    for role in ROLES:
        client = log_in(app.test_client(), people[role])
        page = client.get("/").get_data(as_text=True)
        token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[0]
        for method, route in found:
            path = re.sub(r"<[^>]+>", MISSING, route)
            data = {"csrf_token": token} if method != "GET" else None
            answer = client.open(path, method=method, data=data)
            assert answer.status_code < 500, (role, method, route)
            found[method, route][role] = answer.status_code != 403
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
        (method, route, role)
        for (method, route), row in found.items()
        for role, lets_in in row.items()
        if lets_in is not wanted.get((method, route), {}).get(role)
    ]
    assert opened == [], "doors that differ from the matrix (method, route, role)"
