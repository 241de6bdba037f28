"""What a page may cost: statements and bytes, which do not depend on the machine (`make bench` measures time)."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from flask.testing import FlaskClient
from inspection_samples import acting, done, draft, establishment, office_of
from sqlalchemy import event, select
from sqlalchemy.orm import Session as OrmSession
from support import token_of

from app import migrations
from app.models.inspections import InspectionOrder
from app.models.staff import Inspector, Post, PostHolder
from app.operations import staff
from app.operations.inspections import orders
from app.operations.unit import act

Enter = Callable[[str], FlaskClient]
NOT_COUNTED = ("SAVEPOINT", "RELEASE", "ROLLBACK")
"""What the tests add: their commits are savepoints."""


@pytest.fixture
def asked(app: Flask) -> Iterator[Callable[..., int]]:
    """`asked(client, path, **form)`: the statements of a request that succeeds."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(NOT_COUNTED):
            seen.append(statement)

    def ask(client: FlaskClient, path: str, form: dict[str, Any] | None = None) -> int:
        for _ in range(2):  # the first time learns what stays
            seen.clear()
            answer = client.get(path) if form is None else client.post(path, data=form)
        assert answer.status_code in (200, 302), answer.status_code
        return len(seen)

    engine = app.extensions["sis_engine"]
    event.listen(engine, "before_cursor_execute", note)
    yield ask
    event.remove(engine, "before_cursor_execute", note)


def crowd(office: int, count: int) -> list[Inspector]:
    """Inspectors of an office, named after those that are there."""
    rows = [
        Inspector(
            code=f"MUCHO-{number:03d}", first_name="Zulma", last_name=f"Zárate {number:03d}",
            office_id=office, active_from=date(2020, 1, 1),
        )
        for number in range(count)
    ]  # fmt: skip
    with act("test.crowd") as unit:
        unit.session.add_all(rows)
    return rows


def test_list_and_record_cost_what_they_cost(db: OrmSession, enter: Enter, asked: Callable[..., int]) -> None:
    order = done(fails=3).order
    assert order is not None
    client = enter("coordinador")
    assert asked(client, "/ordenes/list/") <= 8
    assert asked(client, "/ordenes/list/?q=san&fase=in_field") <= 8
    assert asked(client, f"/ordenes/{order.id}") <= 18
    assert asked(client, "/mi-trabajo/lista?cola=ordenes") <= 9
    assert asked(client, "/mi-trabajo/agenda") <= 11


def test_form_costs_the_same_however_many_inspectors(
    db: OrmSession, enter: Enter, asked: Callable[..., int]
) -> None:
    with acting("coordinador"):
        order = draft(places=[establishment().id])
    crowd(office_of("coordinador"), orders.OFFERED + 10)
    client, path = enter("coordinador"), f"/ordenes/{order.id}/editar"
    assert asked(client, path) <= 20  # one of them the bell's
    page = client.get(path).get_data(as_text=True)
    assert len(re.findall(r'<input type="checkbox" name="team"', page)) == orders.OFFERED
    assert len(page) < 80_000


def test_saving_a_draft_leaves_a_team_that_did_not_change(db: OrmSession) -> None:
    with acting("coordinador"):
        order = draft(places=[establishment().id])
        before = {(row.id, row.leader) for row in order.team}
        orders.change(order, {"instructions": "Otra", "team": [row.inspector_id for row in order.team]})
    assert {(row.id, row.leader) for row in db.get_one(InspectionOrder, order.id).team} == before


def test_somebody_beyond_the_list_is_looked_up_and_joins_the_team(db: OrmSession, enter: Enter) -> None:
    with acting("coordinador"):
        order = draft(places=[establishment().id])
    last = crowd(office_of("coordinador"), orders.OFFERED + 1)[-1]
    key, code = last.id, last.code
    client, path = enter("coordinador"), f"/ordenes/{order.id}/editar"
    assert f'name="team" value="{key}"' not in client.get(path).get_data(as_text=True)
    offered = client.get(f"/lookup/inspector?q={code}").get_json()
    assert [row["id"] for row in offered] == [key]
    sent = {"add_person": "1", "person": key, "csrf_token": token_of(client.get(path).get_data(as_text=True))}
    page = client.post(path, data=sent).get_data(as_text=True)
    assert re.search(rf'name="team" value="{key}" checked', page)
    refused = client.post(path, data=sent | {"person": "Nadie"}).get_data(as_text=True)
    assert "Busque al inspector y elíjalo de la lista." in refused


def test_who_signs_is_asked_again_once_it_changed(db: OrmSession) -> None:
    post = db.scalars(select(Post).join(PostHolder, PostHolder.post_id == Post.id).limit(1)).one()
    assert staff.holder(post.code).post == post.title
    with act("test.post"):
        post.title = "Cargo con otro nombre"
        db.flush()
        assert staff.holder(post.code).post == "Cargo con otro nombre"


def test_newest_file_is_the_newest_revision() -> None:
    newest = ScriptDirectory.from_config(migrations.configuration()).get_current_head()
    assert newest == migrations.head()
