"""`/health`: whether it works for anybody, the figures for those who watch over it."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine
from sqlalchemy.orm import Session as OrmSession
from support import Live

from app.core.base import Session

Enter = Callable[[str], FlaskClient]
FIGURES = {"database", "migrations", "worker", "disk", "disk_free_mb", "audit", "audit_head", "audit_checked"}
FIGURES |= {"backup", "backup_hours", "log"}
ELSEWHERE = {"REMOTE_ADDR": "203.0.113.9"}


def told(client: FlaskClient, **options: object) -> set[str]:
    answer = client.get("/health", **options).get_json()
    assert answer["status"] in ("ok", "degraded", "down")
    return set(answer) - {"status"}


def test_on_the_machine_itself_the_figures_are_told(anonymous: FlaskClient) -> None:
    assert told(anonymous) == FIGURES
    assert told(anonymous, environ_base={"REMOTE_ADDR": "::1"}) == FIGURES


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Proto", "Via"])
def test_behind_a_proxy_of_the_machine_nobody_is_local(anonymous: FlaskClient, header: str) -> None:
    assert told(anonymous, headers={header: "127.0.0.1"}) == set()


def test_a_stranger_learns_only_whether_it_works(anonymous: FlaskClient, enter: Enter) -> None:
    assert told(anonymous, environ_base=ELSEWHERE) == set()
    for username in ("inspector1", "director", "auditor"):
        assert told(enter(username), environ_base=ELSEWHERE) == set(), username


def test_an_administrator_learns_the_figures_from_anywhere(enter: Enter) -> None:
    assert told(enter("admin"), environ_base=ELSEWHERE) == FIGURES


def test_it_is_alive_for_anybody(anonymous: FlaskClient, db: OrmSession) -> None:
    answer = anonymous.get("/health/live", environ_base=ELSEWHERE)
    assert answer.status_code == 200 and answer.get_json() == {"status": "ok"}


def test_with_the_database_down_it_says_so_and_no_more(app: Flask, live: Live) -> None:
    broken = create_engine("postgresql+psycopg2://nobody@/nothing?host=/nonexistent")
    client = app.test_client()
    assert client.get("/health").status_code == 200
    Session.remove()
    Session.configure(bind=broken)
    near = client.get("/health")
    far = client.get("/health", environ_base=ELSEWHERE)
    assert near.status_code == far.status_code == 503
    assert near.get_json()["database"] == "down" and far.get_json() == {"status": "down"}
