"""Search and look-ups: what is found, in how many statements, and for whom."""

import pytest
from flask import Flask
from registry_samples import Enter, doubles, make, place
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session as OrmSession

from app.models.registry import (
    Employer,
)
from app.operations import registry
from app.operations.search import matching, search_employers

# -- search ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "q",
    [
        "zapateria",
        "ZAPATERÍA",
        "apater campa",
        "campana guyra",
        "80012345",
        "80012345-0",
        "80.012.345-0",
        "80.012.345",
        "80 012 345-0",
        "800123450",
        "0012345",
        "pykasu",
        "PỸKASU",
        "  guyra   pykasu ",
    ],
)
def test_search_finds_an_employer(db: OrmSession, q: str) -> None:
    made = make(trade_name="Calzados Pykasu")
    assert made.id in [item.id for item in search_employers(q)]


def test_search_by_cedula_and_description(db: OrmSession) -> None:
    person = make(ruc=None, document_number="4123456", legal_name="Críspula Muestra")
    unknown = make(ruc=None, legal_name=None, description="Responsable del horno de Ñumí")
    assert [item.id for item in search_employers("4.123.456")] == [person.id]
    assert [item.id for item in search_employers("horno numi")] == [unknown.id]


@pytest.mark.parametrize("q", ["zapatería inexistente", "%", "_____", "\\", "x" * 500, "\x00'; DROP TABLE"])
def test_search_without_an_answer_is_empty_or_harmless(db: OrmSession, q: str) -> None:
    made = make()
    found = [item.id for item in search_employers(q)]
    assert made.id not in found or q in ("%", "_____", "\\")


def test_search_puts_the_closest_first_in_one_statement(db: OrmSession, app: Flask) -> None:
    make(legal_name="Transportes Guyra Campana y Hermanos del Chaco Central S.A.", ruc="80045678-5")
    close = make(legal_name="Guyra Campana")
    seen: list[str] = []
    event.listen(app.extensions["sis_engine"], "before_cursor_execute", lambda *call: seen.append(call[2]))
    assert search_employers("guyra campana")[0].id == close.id
    ours = ("SAVEPOINT", "set_config('app.uid'")
    assert len([one for one in seen if not any(mark in one for mark in ours)]) == 1


def test_the_trigram_index_answers_a_search(db: OrmSession) -> None:
    db.execute(text("SET LOCAL enable_seqscan = off"))
    statement = select(Employer.id).where(matching(Employer, "guyra campana"))
    compiled = statement.compile(db.get_bind(), compile_kwargs={"literal_binds": True})
    plan = "\n".join(row[0] for row in db.connection().exec_driver_sql(f"EXPLAIN {compiled}"))
    assert "ix_employer_search" in plan


# -- look-ups --------------------------------------------------------------------------------------------


def test_look_up_answers_key_and_text(enter: Enter, db: OrmSession) -> None:
    client, made = enter("inspector1"), make()
    assert client.get("/lookup/employer?q=guyra campana").json == [
        {"id": made.id, "text": "80012345-0 · Zapatería Guyra Campana S.A."}
    ]
    assert client.get(f"/lookup/employer?id={made.id}").json[0]["id"] == made.id
    assert client.get("/lookup/employer?id=abc").json == []
    assert len(client.get("/lookup/employer").json) == 20
    assert client.get("/lookup/activity?q=01").json[0]["id"] == "01"


def test_look_up_is_narrowed_by_the_department_and_the_employer(enter: Enter, db: OrmSession) -> None:
    client, made = enter("inspector1"), make()
    there = place(made)
    assert client.get(f"/lookup/establishment?employer_id={made.id}").json[0]["id"] == there.id
    found = client.get("/lookup/district?department_code=12&q=luq").json
    assert [row["text"] for row in found] == ["Luque (Central)"]
    assert client.get("/lookup/district?department_code=2&q=luq").json == []
    assert client.get("/lookup/district?department_code=x").json == []


@pytest.mark.parametrize(
    ("username", "name", "status"),
    [
        ("salud", "employer", 403),
        ("mesa", "worker", 403),
        ("inspector1", "worker", 200),
        ("mesa", "establishment", 200),
        ("admin", "ab_user", 404),
        ("admin", "login_session", 404),
    ],
)
def test_look_up_is_for_who_may_list(enter: Enter, username: str, name: str, status: int) -> None:
    assert enter(username).get(f"/lookup/{name}?q=a").status_code == status


def test_look_up_does_not_offer_what_gave_way(enter: Enter, db: OrmSession) -> None:
    kept, absorbed, _ = doubles()
    key = absorbed.id
    registry.merge_employers(kept.id, key)
    client = enter("mesa")
    assert client.get("/lookup/employer?q=zapateria luque").json == []
    assert client.get(f"/lookup/employer?id={key}").json == []
