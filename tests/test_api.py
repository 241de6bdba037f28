"""The API: who gets in, what he reads and writes, and the holes of Flask-AppBuilder's (A1 to A14), closed.

Own, foreign and missing records; writing by the operations of the screens; keys that end.
"""

import base64
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from api_samples import EVERYTHING, Machine, machine
from flask import Flask
from flask.testing import FlaskClient
from inspection_samples import acting, draft, drawing, office_of, signed
from jsonschema import Draft202012Validator
from registry_samples import LUQUE, district, make
from sqlalchemy import event, func, select, update
from sqlalchemy.orm import Session as OrmSession
from support import Live, log_in, token_of

from app.core import clock
from app.core.base import Session
from app.core.errors import RuleBroken
from app.models.inspections import Finding, InspectionOrder
from app.models.machines import ApiKey, ApiKeyUse
from app.models.registry import Employer
from app.models.security import Account
from app.operations import machines
from app.operations.unit import act
from app.security.roles import Role
from app.views import api

Enter = Callable[[str], FlaskClient]
READS = tuple(scope for scope in EVERYTHING if scope.endswith("read"))


@pytest.fixture
def reader(app: Flask, db: OrmSession) -> Machine:
    """A coordinator's machine of the capital."""
    return machine(app, Role.COORDINATOR)


@pytest.fixture
def other(app: Flask, db: OrmSession) -> Machine:
    """A coordinator's machine of another office."""
    return machine(app, Role.COORDINATOR, office="REG-01", name="Otra oficina")


def own_order() -> InspectionOrder:
    """A signed order of the office of `reader`."""
    return signed()


# -- who gets in ---------------------------------------------------------------------------------------


def test_without_a_key_nothing_answers(app: Flask, db: OrmSession, enter: Enter) -> None:
    for headers in ({}, {"Authorization": "Bearer sis_" + "a" * 43}, {"Authorization": "Basic YTpi"}):
        answer = app.test_client().get("/api/v1/empleadores", headers=headers)
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.get_json() == {"code": "401", "message": "Hace falta entrar", "fields": {}}
    client = enter("coordinador")
    assert client.get("/api/v1/empleadores").status_code == 401, "a cookie is no key"
    assert client.get("/api/v1/_openapi").status_code == 401
    assert app.test_client().post("/api/v1/security/login", json={}).status_code == 404


def test_key_in_the_address_or_in_a_cookie_is_no_key(app: Flask, reader: Machine) -> None:
    client = app.test_client()
    assert client.get("/api/v1/empleadores", query_string={"key": reader.token}).status_code == 401
    client.set_cookie("Authorization", f"Bearer {reader.token}")
    assert client.get("/api/v1/empleadores").status_code == 401


def test_key_opens_no_screen(reader: Machine, app: Flask) -> None:
    answer = app.test_client().get("/empleadores/list/", headers={"Authorization": f"Bearer {reader.token}"})
    assert answer.status_code == 302 and "/login" in answer.headers["Location"]


def test_key_that_ended_is_refused_at_the_next_question(reader: Machine, db: OrmSession) -> None:
    assert reader.ask("oficinas").status_code == 200
    machines.revoke(reader.key.id, "Se filtró.")
    assert reader.ask("oficinas").status_code == 401
    with pytest.raises(RuleBroken, match="ya estaba revocada"):
        machines.revoke(reader.key.id, "Otra vez.")


@pytest.mark.parametrize("end", ["expired", "inactive"])
def test_key_whose_time_or_account_ended_is_refused(reader: Machine, db: OrmSession, end: str) -> None:
    with act("test.end"):
        if end == "inactive":
            db.execute(update(Account).where(Account.id == reader.key.account_id).values(active=False))
        else:
            past = clock.real_now() - timedelta(seconds=1)
            early = past - timedelta(days=1)
            db.execute(
                update(ApiKey).where(ApiKey.id == reader.key.id).values(expires_at=past, created_at=early)
            )
    assert reader.ask("oficinas").status_code == 401


def test_key_of_a_network_is_refused_from_elsewhere(app: Flask, db: OrmSession) -> None:
    asked = machine(app, Role.COORDINATOR, addresses=["10.1.0.0/16"])
    assert asked.ask("oficinas").status_code == 401
    near = {"REMOTE_ADDR": "10.1.2.3"}
    assert asked.ask("oficinas", environ_overrides=near).status_code == 200


def test_key_asks_as_often_as_it_may(app: Flask, db: OrmSession) -> None:
    asked = machine(app, Role.COORDINATOR, calls_per_minute=2)
    codes = [asked.ask("oficinas").status_code for _ in range(2)]
    minute = db.scalar(select(ApiKeyUse.minute))
    refused = asked.ask("oficinas")
    if db.scalar(select(ApiKeyUse.minute)) == minute:  # the third was asked in the minute of the first
        assert codes == [200, 200] and refused.status_code == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 61 and refused.get_json()["code"] == "429"
    assert db.scalar(select(ApiKeyUse.last_used_on)) == clock.today()


def test_scope_of_the_key_and_functions_of_its_account_both_count(app: Flask, db: OrmSession) -> None:
    narrow = machine(app, Role.COORDINATOR, scopes=["registry:read"])
    assert narrow.ask("empleadores").status_code == 200
    refused = narrow.ask("ordenes")
    assert refused.status_code == 403 and "inspections:read" in refused.get_json()["message"]
    assert narrow.ask("empleadores", "POST", json={"legal_name": "X S.A."}).status_code == 403
    notifier = machine(app, Role.NOTIFIER, name="Notificaciones")
    assert notifier.ask("empleadores").status_code == 200
    assert notifier.ask("trabajadores").status_code == 403
    assert notifier.ask("empleadores", "POST", json={"legal_name": "X S.A."}).status_code == 403


def test_machine_never_administers(app: Flask, db: OrmSession) -> None:
    with pytest.raises(RuleBroken, match="no administra"):
        machine(app, Role.ADMIN)


def test_machine_has_no_password_and_gets_none(app: Flask, db: OrmSession, reader: Machine) -> None:
    assert db.scalar(select(Account.username).where(Account.machine)) == "maquina-portal-reop-1"
    client = app.test_client()
    token = token_of(client.get("/login/").get_data(as_text=True))
    form = {"username": "maquina-portal-reop-1", "password": "", "csrf_token": token}
    assert client.post("/login/", data=form).status_code != 302
    admin = log_in(app.test_client(), "admin")
    page = f"/usuarios/show/{reader.key.account_id}"
    shown = admin.get(page).get_data(as_text=True)
    assert "Contraseña provisoria" not in shown and "Código de un solo uso" not in shown
    answer = admin.post(f"/usuarios/reset/{reader.key.account_id}", data={"csrf_token": token_of(shown)})
    assert answer.status_code == 422
    assert db.scalar(select(Account.password).where(Account.id == reader.key.account_id)) is None


# -- what is read ----------------------------------------------------------------------------------------


def test_own_file_is_read_foreign_and_missing_are_alike(reader: Machine, other: Machine) -> None:
    order = own_order()
    read = reader.get(f"ordenes/{order.uuid}")["result"]
    assert read["number"] == order.number and read["state"]["phase"] == "issued"
    assert [each["text"] for each in read["establishments"]] == [str(order.places[0].establishment)]
    foreign = other.ask(f"ordenes/{order.uuid}")
    missing = reader.ask(f"ordenes/{uuid4()}")
    assert foreign.status_code == missing.status_code == 404
    assert foreign.get_json() == missing.get_json()
    for way in ("pasos", "pasos/asignar"):
        method = "GET" if way == "pasos" else "POST"
        assert other.ask(f"ordenes/{order.uuid}/{way}", method, json={}).get_json() == missing.get_json()
    assert order.number not in other.ask("ordenes").get_data(as_text=True)
    document = reader.get("documentos", type_code="OI")["result"][-1]
    assert document["number"] == order.number
    assert other.ask(f"documentos/{document['uuid']}").status_code == 404
    assert other.ask(f"documentos/{document['uuid']}/pdf").status_code == 404
    assert reader.ask(f"documentos/{document['uuid']}/pdf").get_data().startswith(b"%PDF")


def test_list_comes_in_pages_that_skip_nothing(reader: Machine, db: OrmSession) -> None:
    for number in range(5):
        make(ruc=None, legal_name=f"Almacén {number}", document_number=f"{1000000 + number}")
    found: list[str] = []
    query: dict[str, Any] = {"q": "almacen", "limit": 2}
    while True:
        page = reader.get("empleadores", **query)
        found += [row["legal_name"] for row in page["result"]]
        if page["next"] is None:
            break
        query["after"] = page["next"]
    assert found == [f"Almacén {number}" for number in range(5)]


def test_double_that_gave_way_is_out_of_the_list_and_leads_to_the_other(reader: Machine) -> None:
    from app.operations import registry

    kept, absorbed = make(), make(ruc=None, legal_name=None, description="El de la zapatería guyra")
    registry.merge_employers(kept.id, absorbed.id, "Es la misma.")
    kept_uuid, gone_uuid = str(kept.uuid), str(absorbed.uuid)
    names = [row["uuid"] for row in reader.get("empleadores", q="guyra")["result"]]
    assert kept_uuid in names and gone_uuid not in names
    gone = reader.get(f"empleadores/{gone_uuid}")["result"]
    assert gone["merged_into"]["uuid"] == kept_uuid


def test_finding_in_preparation_is_not_there_yet(reader: Machine, db: OrmSession) -> None:
    known = {row["uuid"] for row in reader.get("hallazgos")["result"]}
    hidden = db.scalars(select(Finding.uuid).where(Finding.state.is_(None)))
    assert known.isdisjoint(map(str, hidden))


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    said: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        said.append(statement)

    event.listen(app.extensions["sis_engine"], "before_cursor_execute", note)
    yield said
    event.remove(app.extensions["sis_engine"], "before_cursor_execute", note)


def test_page_costs_few_statements_however_long(
    reader: Machine, db: OrmSession, statements: list[str]
) -> None:
    counts = {}
    for limit in (1, 100):
        for _ in range(2 if limit > 1 else 1):
            signed()
        for path in ("ordenes", "establecimientos", "empleadores", "distritos"):
            reader.get(path, limit=limit)
            db.expunge_all()
            statements.clear()
            reader.get(path, limit=limit)
            asked = [each for each in statements if not each.startswith(("SAVEPOINT", "RELEASE"))]
            counts[path, limit] = len(asked)
    assert all(counts[path, 1] == counts[path, 100] for path, _ in counts), counts
    assert max(counts.values()) <= 11, counts


# -- what is written -------------------------------------------------------------------------------------


def test_employer_is_registered_changed_and_its_doubles_are_shown(reader: Machine, db: OrmSession) -> None:
    made = reader.ask("empleadores", "POST", json={"ruc": "80012345-0", "legal_name": "Xqwzty Kývla S.A."})
    assert made.status_code == 201, made.get_json()
    row = made.get_json()["result"]
    assert made.headers["Location"].endswith(f"/api/v1/empleadores/{row['uuid']}")
    employer = db.scalars(select(Employer).where(Employer.ruc_base == "80012345")).one()
    assert employer.created_by_id == reader.key.account_id and row["kind"] == employer.kind
    twice = reader.ask("empleadores", "POST", json={"ruc": "80012345", "legal_name": "Otra"})
    assert twice.status_code == 422 and "ruc" in twice.get_json()["fields"]
    alike = {"legal_name": "Xqwzty Kyvla SA", "description": "La de la esquina"}
    shown = reader.ask("empleadores", "POST", json=alike)
    assert shown.status_code == 422 and shown.get_json()["code"] == "similar"
    assert shown.get_json()["fields"]["confirmed"][0].startswith(row["uuid"])
    confirmed = reader.ask("empleadores", "POST", json={**alike, "confirmed": True})
    assert confirmed.status_code == 201, confirmed.get_json()
    path = f"empleadores/{row['uuid']}"
    changed = reader.ask(path, "PATCH", json={"version": row["version"], "phone": "021 729 0100"})
    assert changed.status_code == 200 and changed.get_json()["result"]["legal_name"] == "Xqwzty Kývla S.A."
    stale = reader.ask(path, "PATCH", json={"version": row["version"], "phone": None})
    assert stale.status_code == 409 and stale.get_json()["code"] == "stale"


def test_establishment_names_its_employer_and_district_by_public_keys(
    reader: Machine, db: OrmSession
) -> None:
    employer = make()
    sent = {
        "employer": str(employer.uuid),
        "name": "Central",
        "district": district(LUQUE),
        "address": "Avda. 1",
    }
    made = reader.ask("establecimientos", "POST", json=sent)
    assert made.status_code == 201, made.get_json()
    row = made.get_json()["result"]
    assert row["employer"] == {"uuid": str(employer.uuid), "text": str(employer)}
    there = reader.get("establecimientos", employer=str(employer.uuid))["result"]
    assert [each["uuid"] for each in there] == [row["uuid"]]
    for wrong in ({"employer": str(uuid4())}, {"district": 999}):
        refused = reader.ask("establecimientos", "POST", json={**sent, **wrong})
        assert refused.status_code == 400 and list(refused.get_json()["fields"]) == list(wrong)


def test_who_may_only_add_registers_provisional_ones(app: Flask, db: OrmSession) -> None:
    asked = machine(app, Role.INSPECTOR, name="Campo")
    refused = asked.ask("empleadores", "POST", json={"ruc": "80012345-0", "legal_name": "X S.A."})
    assert refused.status_code == 422 and refused.get_json()["code"] == "provisional_only"
    assert asked.ask("empleadores", "POST", json={"description": "El taller de Luque"}).status_code == 201
    row = asked.get("empleadores", q="taller")["result"][0]
    changed = asked.ask(f"empleadores/{row['uuid']}", "PATCH", json={"version": 1, "phone": None})
    assert changed.status_code == 403


def test_step_is_judged_and_taken_as_by_its_button(reader: Machine, app: Flask, db: OrmSession) -> None:
    order = own_order()
    offers = {each["code"]: each for each in reader.get(f"ordenes/{order.uuid}/pasos")["result"]}
    assert offers["asignar"]["allowed"] and not offers["asignar"]["signed"]
    taken = reader.ask(f"ordenes/{order.uuid}/pasos/asignar", "POST", json={})
    assert taken.status_code == 200, taken.get_json()
    assert taken.get_json()["result"]["state"]["code"] == "ASIGNADA"
    again = reader.ask(f"ordenes/{order.uuid}/pasos/asignar", "POST", json={})
    assert again.status_code == 404
    narrow = machine(app, Role.COORDINATOR, scopes=READS, name="Solo lee")
    assert narrow.ask(f"ordenes/{order.uuid}/pasos/cerrar", "POST", json={}).status_code == 403


def test_step_that_is_signed_is_a_persons(app: Flask, db: OrmSession) -> None:
    order = draft()
    with acting("coordinador"):
        from app.operations import moves

        moves.move(order, "enviar_a_firma")
    signer = machine(app, Role.MINISTER, office=None, name="Firmador")
    offers = {each["code"]: each for each in signer.get(f"ordenes/{order.uuid}/pasos")["result"]}
    assert offers["firmar"]["signed"]
    refused = signer.ask(f"ordenes/{order.uuid}/pasos/firmar", "POST", json={})
    assert refused.status_code == 422 and refused.get_json()["code"] == "signed"
    key = select(InspectionOrder.document_id).where(InspectionOrder.uuid == order.uuid)
    with acting("coordinador"):
        assert db.scalar(key) is None


def test_act_of_another_day_comes_with_its_scan(reader: Machine, db: OrmSession) -> None:
    order = own_order()
    path = f"ordenes/{order.uuid}/pasos/asignar"
    yesterday = (clock.today() - timedelta(days=1)).isoformat()
    assert reader.ask(path, "POST", json={"happened_on": yesterday}).status_code == 422
    told = {"happened_on": clock.today().isoformat(), "scan": base64.b64encode(drawing()).decode()}
    assert reader.ask(path, "POST", json={**told, "scan": "no es base64"}).status_code == 400
    assert reader.ask(path, "POST", json=told).status_code == 200


def test_what_a_machine_does_is_in_the_trail_under_its_name(live: Live) -> None:
    with live.app.app_context():
        asked = machine(live.app, Role.COORDINATOR)
        Session.remove()
    made = asked.ask("empleadores", "POST", json={"ruc": "80012345-0", "legal_name": "Kuña S.A."})
    assert made.status_code == 201
    ((actor, origin),) = live.sql(
        "SELECT actor, origin FROM audit.act WHERE verb = 'employer.register' ORDER BY id DESC LIMIT 1"
    )
    assert (actor, origin) == ("máquina: Portal REOP", "api")
    rows = live.sql("SELECT prefix, secret_hash FROM api_key")
    trail = live.sql("SELECT new_values::text FROM audit.change WHERE table_name = 'api_key'")
    assert asked.token not in str(rows) + str(trail) and rows[0][1] not in str(trail)
    assert live.sql("SELECT count(*) FROM audit.change WHERE table_name = 'api_key_use'")[0][0] == 0


# -- the holes of Flask-AppBuilder's REST classes (A1 to A14) --------------------------------------------


def test_a1_to_a4_foreign_rows_are_neither_listed_read_changed_nor_deleted(
    reader: Machine, other: Machine
) -> None:
    order = own_order()
    assert order.number not in other.ask("ordenes", query_string={"limit": 100}).get_data(as_text=True)
    assert other.ask(f"ordenes/{order.uuid}").status_code == 404
    assert other.ask(f"ordenes/{order.uuid}/pasos/asignar", "POST", json={}).status_code == 404
    assert reader.ask(f"ordenes/{order.uuid}", "DELETE").status_code == 405
    assert reader.ask(f"ordenes/{order.uuid}", "PATCH", json={}).status_code == 405


def test_a5_cookie_and_no_key_changes_nothing(enter: Enter, db: OrmSession) -> None:
    client = enter("coordinador")
    before = db.scalar(select(func.count()).select_from(Employer))
    answer = client.post("/api/v1/empleadores", json={"ruc": "80012345-0", "legal_name": "X S.A."})
    assert answer.status_code == 401
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert db.scalar(select(func.count()).select_from(Employer)) == before


def test_a6_nothing_offers_the_rows_of_a_related_table(reader: Machine) -> None:
    assert reader.ask("ordenes/_info", query_string={"q": "(keys:!(add_columns))"}).status_code == 404


def test_a7_reference_to_what_one_does_not_see_is_refused(reader: Machine, other: Machine) -> None:
    order = own_order()
    for path, name in (("visitas", "order"), ("informes", "order")):
        own, foreign = (each.ask(path, query_string={name: str(order.uuid)}) for each in (reader, other))
        assert own.status_code == 200
        assert foreign.status_code == 400 and foreign.get_json()["fields"][name]
        assert foreign.get_json() == other.ask(path, query_string={name: str(uuid4())}).get_json()


@pytest.mark.parametrize(
    "name", ["created_by_id", "created_by", "id", "uuid", "version", "provisional", "zz"]
)
def test_a8_who_owns_a_row_is_not_the_senders_to_say(reader: Machine, name: str) -> None:
    sent = {"ruc": "80012345-0", "legal_name": "X S.A.", name: 1}
    answer = reader.ask("empleadores", "POST", json=sent)
    assert answer.status_code == 400 and name in answer.get_json()["fields"]


@pytest.mark.parametrize(
    "query",
    [
        {"q": "(filters:!((col:representative,opr:sw,value:a)))", "representative": "a"},
        {"representative": "a"},
        {"order_column": "notes"},
        {"columns": "notes"},
        {"_flt_0_notes": "a"},
    ],
)
def test_a9_to_a13_columns_that_are_not_offered_cannot_be_asked(
    reader: Machine, query: dict[str, str]
) -> None:
    answer = reader.ask("empleadores", query_string=query)
    assert answer.status_code == 400 and set(answer.get_json()["fields"]) == set(query) - {"q"}


@pytest.mark.parametrize("limit", ["-1", "0", "101", "1e3", "x", "9" * 40])
def test_a14_page_has_its_bounds(reader: Machine, limit: str) -> None:
    answer = reader.ask("empleadores", query_string={"limit": limit})
    assert answer.status_code == 400 and "limit" in answer.get_json()["fields"]
    assert reader.ask("empleadores", query_string="limit=1&limit=2").status_code == 400


@pytest.mark.parametrize(
    "body",
    ["[null]", "null", "1", '"x"', "{", "", '{"legal_name": "\\u0000"}', "NaN", "[" * 5000 + "]" * 5000],
    ids=lambda body: body[:20],
)
def test_body_that_is_no_good_object_is_refused_in_words(reader: Machine, body: str) -> None:
    answer = reader.ask("empleadores", "POST", data=body, content_type="application/json")
    assert answer.status_code == 400 and set(answer.get_json()) == {"code", "message", "fields"}
    plain = reader.ask("empleadores", "POST", data='{"legal_name": "X"}', content_type="text/plain")
    assert plain.status_code == 400


# -- its description -------------------------------------------------------------------------------------


def test_description_names_every_route_and_its_answers_are_of_its_form(reader: Machine, app: Flask) -> None:
    spec = reader.get("_openapi")
    assert spec["openapi"].startswith("3.1")
    described = {
        (method.upper(), path) for path, operations in spec["paths"].items() for method in operations
    }
    routes = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and not rule.rule.endswith("_openapi")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert described == routes
    own_order()
    for part in api.PARTS:
        if hasattr(part, "resource"):
            for row in reader.get(part.resource_name)["result"]:
                Draft202012Validator(part.resource.schema).validate(row)
            for name, schema in part.resource.schema["properties"].items():
                titled = schema.get("title") or schema.get("anyOf")
                assert titled, (part.resource_name, name)


# -- the screen ------------------------------------------------------------------------------------------


def test_key_is_made_on_screen_shown_once_renewed_and_revoked(
    enter: Enter, app: Flask, db: OrmSession
) -> None:
    client = enter("admin")
    page = client.get("/llaves/add").get_data(as_text=True)
    role = re.search(r'name="roles" value="(\d+)"[^>]*> Coordinador', page)
    assert role and not re.search(rf'name="roles"[^>]*> {Role.ADMIN.label}', page)
    form = {
        "csrf_token": token_of(page),
        "name": "Portal REOP",
        "scopes": ["registry:read"],
        "roles": role[1],
        "office_id": str(office_of("coordinador")),
        "expires_on": (clock.today() + timedelta(days=30)).strftime("%d/%m/%Y"),
        "calls_per_minute": "60",
    }
    refused = client.post("/llaves/add", data={**form, "addresses": "nada"})
    assert refused.status_code == 422 and "no es una dirección ni una red" in refused.get_data(as_text=True)
    assert "Portal REOP" in refused.get_data(as_text=True), "what was typed stays"
    made = client.post("/llaves/add", data=form).get_data(as_text=True)
    token = re.search(r"sis_[A-Za-z0-9_-]{43}", made)
    assert token
    key = db.scalars(select(ApiKey)).one()
    assert Machine(app, key, token[0]).ask("oficinas").status_code == 200
    shown = client.get(f"/llaves/show/{key.id}").get_data(as_text=True)
    assert token[0] not in shown and token[0][:10] in shown and "Coordinador" in shown
    again = client.post(f"/llaves/renovar/{key.id}", data={"csrf_token": form["csrf_token"]})
    second = re.search(r"sis_[A-Za-z0-9_-]{43}", again.get_data(as_text=True))
    assert second and second[0] != token[0]
    bare = client.post(f"/llaves/revocar/{key.id}", data={"csrf_token": form["csrf_token"]})
    assert bare.status_code == 422
    data = {"csrf_token": form["csrf_token"], "reason": "Cambio de servidor"}
    assert client.post(f"/llaves/revocar/{key.id}", data=data).status_code == 302
    assert Machine(app, key, token[0]).ask("oficinas").status_code == 401
    assert Machine(app, key, second[0]).ask("oficinas").status_code == 200
    assert "Revocada" in client.get("/llaves/list/").get_data(as_text=True)
    assert enter("coordinador").get("/llaves/list/").status_code == 403
