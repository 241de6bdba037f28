"""The screens of the registry: who may what, what is shown, what is kept."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from registry_samples import Enter, district, doubles, make, place, send
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session as OrmSession
from support import token_of

from app.core.base import Session
from app.models.registry import (
    Employer,
    Establishment,
    Merge,
    PatronalNumber,
    Worker,
)
from app.operations import records

# -- screens ---------------------------------------------------------------------------------------------

PLACE = {"name": "Casa central", "address": "Avda. Primera 100"}


def statements(app: Flask, visit: Callable[[], Any]) -> list[str]:
    seen: list[str] = []

    def note(*call: Any) -> None:
        seen.append(call[2])

    engine = app.extensions["sis_engine"]
    event.listen(engine, "before_cursor_execute", note)
    try:
        answer = visit()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert answer.status_code == 200, answer.status_code
    # Who asks is told to PostgreSQL once a transaction (security/scope.py); it reads nothing.
    ours = ("SAVEPOINT", "set_config('app.uid'")
    return [statement for statement in seen if not any(mark in statement for mark in ours)]


def test_pages_cost_a_constant_number_of_statements(enter: Enter, app: Flask, db: OrmSession) -> None:
    client = enter("coordinador")
    there = place(make())
    for path in (
        "/empleadores/list/",
        "/empleadores/list/?q=guyra&status=ACTIVO",
        "/establecimientos/list/?q=guyra luque&department=12",
        "/trabajadores/list/",
        "/lookup/employer?q=a",
        f"/empleadores/show/{there.employer_id}",
        f"/establecimientos/show/{there.id}",
        "/establecimientos/add",
        f"/duplicados/?kind=establishment&a={there.id}",
    ):
        cost = statements(app, lambda path=path: client.get(path))  # type: ignore[misc]
        most = 12 if "/show/" in path else 8  # a page asks each provider of its timeline once
        assert len(cost) <= most, path + "\n".join(line.split("WHERE")[-1][:150] + line[:60] for line in cost)


def test_the_list_searches_filters_and_turns_pages(enter: Enter, db: OrmSession) -> None:
    client, made = enter("mesa"), make()
    page = client.get("/empleadores/list/?q=guyra").get_data(as_text=True)
    assert "Zapatería Guyra Campana" in page and ">1 registro<" in page
    assert "Nada coincide" in client.get("/empleadores/list/?q=zzzz").get_data(as_text=True)
    assert "Nada coincide" in client.get("/empleadores/list/?q=guyra&provisional=y").get_data(as_text=True)
    assert client.get("/empleadores/list/?despues=zz&status=nada&kind='").status_code == 200
    names: list[str] = []
    path: str | None = "/empleadores/list/"
    while path:
        page = client.get(path).get_data(as_text=True)
        names += re.findall(r'data-label="Razón social"[^>]*><a [^>]*>([^<]+)', page)
        found = re.search(r'href="([^"]+)"[^>]* rel="next"', page)
        path = found[1].replace("&amp;", "&") if found else None
    total = db.scalar(select(func.count()).select_from(Employer))
    assert len(names) == total and made.legal_name in names


def test_establishments_are_found_by_employer_and_place(enter: Enter, db: OrmSession) -> None:
    client, made = enter("inspector1"), make()
    place(made, address="Calle del Karumbe 77")
    for query in ("q=guyra karumbe", "q=80012345-0", "department=12&q=karumbe", f"employer_id={made.id}"):
        page = client.get(f"/establecimientos/list/?{query}").get_data(as_text=True)
        assert "Calle del Karumbe 77" in page, query
    page = client.get("/establecimientos/list/?q=karumbe&state=cerrado").get_data(as_text=True)
    assert "Calle del Karumbe 77" not in page


def test_intake_registers_an_employer_and_sees_the_doubles_first(enter: Enter, db: OrmSession) -> None:
    client, first = enter("mesa"), make()
    form = {"ruc": "80045678-5", "legal_name": "Zapateria Guyra Campana", "status": "ACTIVO"}
    answer = send(client, "/empleadores/add", **form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and f"/empleadores/show/{first.id}" in page and "80045678-5" in page
    answer = send(client, "/empleadores/add", **form, _confirmed="1")
    assert answer.status_code == 302, answer.get_data(as_text=True)
    shown = client.get(answer.location).get_data(as_text=True)
    assert "80045678-5 · Zapateria Guyra Campana" in shown


def test_the_same_ruc_is_told_at_its_field(enter: Enter, db: OrmSession) -> None:
    make()
    answer = send(enter("mesa"), "/empleadores/add", ruc="80.012.345", legal_name="Otra", status="ACTIVO")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "Ya existe: 80012345-0" in page and 'aria-invalid="true"' in page


def test_warning_while_typing(enter: Enter, db: OrmSession) -> None:
    client, made = enter("mesa"), make()
    answer = client.get("/empleadores/parecidos?legal_name=zapateria guyra campana").json
    assert answer[0]["url"] == f"/empleadores/show/{made.id}" and answer[0]["reason"] == "nombre parecido"
    there = place(made)
    path = f"/establecimientos/parecidos?employer_id={made.id}&district_code={district()}&address=avda primera 100"
    assert [item["id"] for item in client.get(path).json] == [there.id]
    assert client.get("/establecimientos/parecidos?latitude=x&longitude=nan&employer_id=é").json == []
    assert enter("ministro").get("/empleadores/parecidos?legal_name=zapateria").status_code == 403


def test_a_provisional_employer_is_identified_on_its_form(enter: Enter, db: OrmSession) -> None:
    client = enter("licencias")
    made = make(ruc=None, legal_name=None, description="Responsable del quiosco")
    form = {"description": "Responsable del quiosco", "legal_name": "Quiosco Ficticio", "status": "ACTIVO"}
    answer = send(
        client, f"/empleadores/edit/{made.id}", **form, kind="unknown", ruc="80045678", _version=made.version
    )
    assert answer.status_code == 302, answer.get_data(as_text=True)
    made = db.get_one(Employer, made.id)
    assert made.ruc == "80045678-5" and made.kind == "legal"


def test_establishment_form_takes_key_code_or_exact_text(enter: Enter, db: OrmSession) -> None:
    client, made = enter("mesa"), make()
    for number, (employer, there) in enumerate(
        (
            ([str(made), str(made.id)], ["Luque (Central)", str(district())]),
            (["80012345-0", ""], [str(district())]),
            (["zapatería guyra campana s.a.", ""], ["Luque (Central)", ""]),
        )
    ):
        form = {**PLACE, "address": f"Calle {number} de prueba", "employer_id": employer}
        answer = send(client, "/establecimientos/add", **form, district_code=there, _confirmed="1")
        assert answer.status_code == 302, (employer, answer.get_data(as_text=True))
    places = Session.scalars(select(Establishment).where(Establishment.employer_id == made.id)).all()
    assert [there.district_code for there in places] == [district()] * 3


@pytest.mark.parametrize(
    "typed", [["zapat", ""], ["nadie", "999999"], ["Otra cosa", "1"], ["", ""], ["1e9", "x"]]
)
def test_establishment_form_refuses_what_is_not_on_the_list_and_keeps_it(
    enter: Enter, db: OrmSession, typed: list[str]
) -> None:
    make()
    answer = send(
        enter("mesa"), "/establecimientos/add", **PLACE, employer_id=typed, district_code=str(district())
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert ("Elija una opción de la lista." if typed[0] else "Este dato es obligatorio.") in page
    assert not typed[0] or f'value="{typed[0]}"' in page


def test_what_an_inspector_adds_is_provisional(enter: Enter, db: OrmSession) -> None:
    client, made = enter("inspector1"), make()
    answer = send(client, "/empleadores/add", ruc="80045678-5", legal_name="X y Cía", status="ACTIVO")
    assert answer.status_code == 422 and "provisorios" in answer.get_data(as_text=True)
    answer = send(client, "/empleadores/add", description="Responsable del vivero", status="NO_REGISTRADO")
    assert answer.status_code == 302, answer.get_data(as_text=True)
    form = {**PLACE, "employer_id": str(made.id), "district_code": str(district())}
    assert send(client, "/establecimientos/add", **form).status_code == 302
    places = Session.scalars(select(Establishment).where(Establishment.employer_id == made.id)).all()
    assert [there.provisional for there in places] == [True]
    assert client.get(f"/empleadores/edit/{made.id}").status_code == 403


@pytest.mark.parametrize(
    ("username", "list_status", "add_status"),
    [
        ("mesa", 200, 200),
        ("licencias", 200, 200),
        ("coordinador", 200, 200),
        ("admin", 200, 200),
        ("inspector1", 200, 200),
        ("auditor", 200, 403),
        ("director", 200, 403),
        ("salud", 403, 403),
    ],
)
def test_who_may_list_and_add(enter: Enter, username: str, list_status: int, add_status: int) -> None:
    client = enter(username)
    for path in ("/empleadores", "/establecimientos"):
        assert client.get(f"{path}/list/").status_code == list_status
        assert client.get(f"{path}/add").status_code == add_status


@pytest.mark.parametrize(
    ("username", "status"),
    [
        ("inspector1", 200),
        ("coordinador", 200),
        ("sst", 200),
        ("juridico", 200),
        ("mesa", 403),
        ("admin", 403),
    ],
)
def test_workers_are_for_those_who_need_them(
    enter: Enter, db: OrmSession, username: str, status: int
) -> None:
    made = records.create(Worker, {"name": "Persona Inventada", "document_number": "1234567"})
    client = enter(username)
    assert client.get("/trabajadores/list/").status_code == status
    assert client.get(f"/trabajadores/show/{made.id}").status_code == status
    assert ("Trabajadores" in client.get("/").get_data(as_text=True)) is (status == 200)


def test_details_are_added_from_the_page_and_lead_back_to_it(enter: Enter, db: OrmSession) -> None:
    client, made = enter("coordinador"), make()
    there = place(made)
    form = client.get(f"/personal/add?establishment_id={there.id}").get_data(as_text=True)
    assert there.lookup_text in form
    answer = send(
        client,
        "/personal/add",
        establishment_id=str(there.id),
        as_of="31/12/2025",
        source="reop",
        women="5",
        men="4",
    )
    assert answer.location == f"/establecimientos/show/{there.id}", answer.get_data(as_text=True)
    answer = send(
        client, "/numeros-patronales/add", employer_id=str(made.id), kind="IPS", number="0123-45-06789"
    )
    assert answer.location == f"/empleadores/show/{made.id}", answer.get_data(as_text=True)
    answer = send(client, "/contactos/add", employer_id=str(made.id), name="Jefa", phone="0981 123 456")
    assert answer.status_code == 302, answer.get_data(as_text=True)
    page = client.get(f"/empleadores/show/{made.id}").get_data(as_text=True)
    assert "0123-45-06789" in page and "+595981123456" in page and "Casa central" in page
    assert "<strong>9</strong>" in client.get(f"/establecimientos/show/{there.id}").get_data(as_text=True)


def test_doubles_are_merged_and_taken_apart_on_screen(enter: Enter, db: OrmSession) -> None:
    client = enter("director")
    kept, absorbed, there = doubles()
    path = f"/duplicados/?kind=employer&a={kept.id}&b={absorbed.id}"
    page = client.get(path).get_data(as_text=True)
    assert "Conservar este" in page and "sis-unequal" in page and "Contactos" in page
    form = {"kind": "employer", "record": [kept.id, absorbed.id], "csrf_token": token_of(page)}
    assert client.post("/duplicados/unir", data=form).status_code == 422
    refused = client.post("/duplicados/unir", data={**form, "kept": absorbed.id})
    assert refused.status_code == 422 and "Conserve el que está identificado" in refused.get_data(
        as_text=True
    )
    answer = client.post("/duplicados/unir", data={**form, "kept": kept.id, "reason": "La misma"})
    assert answer.location == f"/empleadores/show/{kept.id}", answer.get_data(as_text=True)
    assert "La misma" in client.get(answer.location).get_data(as_text=True)
    shown = client.get(f"/empleadores/show/{absorbed.id}").get_data(as_text=True)
    assert "que es el que vale" in shown
    merge = db.scalars(select(Merge).order_by(Merge.id.desc())).first()
    assert merge is not None
    answer = client.post(f"/duplicados/deshacer/{merge.id}", data={"csrf_token": token_of(page)})
    assert answer.status_code == 302
    Session.expire_all()
    assert there.employer_id == absorbed.id


@pytest.mark.parametrize("username", ["mesa", "inspector1", "auditor"])
def test_others_merge_nothing(enter: Enter, username: str) -> None:
    client = enter(username)
    assert client.get("/duplicados/").status_code == 403
    token = token_of(client.get("/").get_data(as_text=True))
    assert client.post("/duplicados/unir", data={"csrf_token": token}).status_code == 403
    assert client.post("/duplicados/deshacer/1", data={"csrf_token": token}).status_code == 403


def test_strange_addresses_answer_404_or_nothing(enter: Enter) -> None:
    client = enter("director")
    for path in ("/empleadores/show/999999999", "/empleadores/show/abc", "/duplicados/?kind=ab_user"):
        assert client.get(path).status_code == 404, path
    assert client.get("/duplicados/?a=zz&b=9999999999999").status_code == 200


def test_markup_in_names_is_text(enter: Enter, db: OrmSession) -> None:
    made = make(legal_name="<script>alert(1)</script>")
    client = enter("mesa")
    for path in (
        "/empleadores/list/?q=script",
        f"/empleadores/show/{made.id}",
        f"/establecimientos/add?employer_id={made.id}",
    ):
        page = client.get(path).get_data(as_text=True)
        assert "<script>alert(1)" not in page and "alert(1)" in page, path


def test_the_patronal_number_typed_with_an_establishment_is_kept(enter: Enter, db: OrmSession) -> None:
    client, made = enter("mesa"), make()
    form = {**PLACE, "employer_id": str(made.id), "district_code": str(district())}
    answer = send(client, "/establecimientos/add", **form, patronal="123 456")
    assert answer.status_code == 422 and "de 1 a 7 cifras" in answer.get_data(as_text=True)
    assert send(client, "/establecimientos/add", **form, patronal="0123-45-06789").status_code == 302
    number = db.scalars(select(PatronalNumber).where(PatronalNumber.employer_id == made.id)).one()
    assert (number.kind, number.number, number.establishment_id is None) == ("IPS", "0123-45-06789", False)
    page = client.get(f"/establecimientos/edit/{number.establishment_id}").get_data(as_text=True)
    assert "Número patronal" not in page
