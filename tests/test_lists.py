"""Lists: every one drawn by the engine, its state in its address, paged by key, kept and shared as addresses."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from inspection_samples import acting, assigned, draft, establishment, inspector, office_of
from registry_samples import make
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession
from support import token_of

from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.models.inspections import InspectionOrder
from app.models.lists import SavedList
from app.models.registry import Employer
from app.operations import lists
from app.operations.seed_files import load
from app.security.roles import BY_KEY, GRANTS
from app.views.lists import ListView
from app.views.lists.paging import Order, turn
from app.views.menu import ITEMS

Enter = Callable[[str], FlaskClient]
LISTS = [item.view for item in ITEMS if item.name and issubclass(item.view, ListView)]
PEOPLE = {row["role"]: row["username"] for row in load("demo.yaml", "accounts")}
ROW = re.compile(r'<td data-label="[^"]*" class="sis-cell-name[^"]*"><a href="([^"]+)"')


def who_lists(resource: str) -> str:
    return next(
        username
        for role, username in PEOPLE.items()
        if any("can_list" in doors and BY_KEY[role] in roles for doors, roles in GRANTS[resource].items())
    )


def link(page: str, mark: str) -> str | None:
    """The address of the link that bears a mark."""
    found = re.search(rf'<a [^>]*href="([^"]+)"[^>]*{mark}', page)
    return unescape(found[1]) if found else None


def total_of(page: str) -> int:
    found = re.search(r'role="status">([\d.]+) registros?<', page)
    assert found, "the list says how many there are"
    return int(found[1].replace(".", ""))


def sent(client: FlaskClient, path: str, **form: Any) -> Any:
    token = token_of(client.get("/").get_data(as_text=True))
    return client.post(path, data={**form, "csrf_token": token})


@pytest.mark.parametrize("view", LISTS, ids=lambda view: view.__name__)
def test_list_of_the_menu_orders_and_turns_its_pages(enter: Enter, app: Flask, view: Any) -> None:
    client = enter(who_lists(view.class_permission_name))
    made = next(each for each in app.extensions["appbuilder"].baseviews if type(each) is view)
    with app.test_request_context():
        path = made.get_default_url()
    path = f"{path}?orden={view.listed.order}"
    page = client.get(path).get_data(as_text=True)
    total, seen, pages = total_of(page), ROW.findall(page), 1
    first = seen[:]
    while (turned := link(page, 'rel="next"')) and pages < 14:
        assert f"orden={view.listed.order}" in turned
        page = client.get(turned).get_data(as_text=True)
        assert total_of(page) == total
        seen += ROW.findall(page)
        pages += 1
    assert len(set(seen)) == len(seen), "a row came twice"
    assert turned or len(seen) == total, "a row was lost"
    while back := link(page, 'rel="prev"'):
        page = client.get(back).get_data(as_text=True)
    assert ROW.findall(page) == first
    for name in re.findall(r'id="orden-(\w+)"', page):
        for order, said in ((name, "ascending"), (f"-{name}", "descending")):
            answer = client.get(f"{path.partition('?')[0]}?orden={order}")
            assert answer.status_code == 200 and f'aria-sort="{said}"' in answer.get_data(as_text=True), order


@pytest.mark.parametrize("down", [False, True])
def test_blank_values_come_last_and_no_row_is_lost_at_them(db: OrmSession, down: bool) -> None:
    for number in range(7):
        name = f"Fantasía {number // 2}" if number < 4 else None
        make(ruc=None, legal_name=f"Prueba {number}", document_number=f"{2000000 + number}", trade_name=name)
    found = Employer.legal_name.like("Prueba _")
    keys, order = select(Employer.id).where(found), Order(Employer.id, Employer.trade_name, down)
    whole = turn(keys, select(Employer), order, 50, 100).rows
    assert turn(keys, select(Employer), order, 50, 5).total == 6, "counted no further than the bound"
    assert [row.trade_name is None for row in whole] == [False] * 4 + [True] * 3
    forward: list[Employer] = []
    page = turn(keys, select(Employer), order, 2, 100)
    while page.rows:
        forward += page.rows
        if not page.after:
            break
        page = turn(keys, select(Employer), order, 2, 100, after=page.rows[-1].id)
        assert page.before
    assert forward == whole
    page = turn(keys, select(Employer), order, 2, 100, before=whole[5].id)
    assert page.rows == whole[3:5] and page.before and page.after and page.total == 7
    page = turn(keys, select(Employer), order, 2, 100, before=whole[1].id)
    assert page.rows == whole[:2] and not page.before, "less than a page before: the first one, whole"
    assert turn(keys, select(Employer), order, 2, 100, after=2**31 - 1).rows == whole[:2]


def test_address_holds_the_whole_state(enter: Enter, db: OrmSession) -> None:
    client = enter("coordinador")
    for number in range(30):
        make(ruc=None, legal_name=f"Kiosco {number:02}", document_number=f"{3000000 + number}")
    page = client.get("/empleadores/list/?q=kiosco&kind=individual&orden=-legal_name&x=1").get_data(
        as_text=True
    )
    assert total_of(page) == 30 and "Kiosco 29" in page and "Kiosco 04" not in page
    turned = link(page, 'rel="next"')
    assert turned and {"q=kiosco", "kind=individual", "orden=-legal_name"} <= set(
        turned.partition("?")[2].split("&")
    )
    assert "x=1" not in turned
    assert "Kiosco 04" in client.get(turned).get_data(as_text=True)
    chips = re.findall(r'class="sis-chip" href="([^"]+)" data-clear="(\w+)"', page)
    assert [name for _, name in chips] == ["q", "kind"]
    assert "kind=individual" in chips[0][0] and "q=kiosco" not in chips[0][0]
    assert 'value="kiosco"' in page and re.search(r'<option selected value="individual"', page)
    page = client.get("/empleadores/list/?q=kiosco&filas=50").get_data(as_text=True)
    assert len(ROW.findall(page)) == 30 and link(page, 'rel="next"') is None
    assert "Más de" not in page


def test_what_is_no_day_and_no_record_is_said_and_what_is_no_choice_is_in_no_row(
    enter: Enter, db: OrmSession
) -> None:
    client = enter("coordinador")
    assigned()
    every = ROW.findall(client.get("/ordenes/list/").get_data(as_text=True))
    page = client.get("/ordenes/list/?oficina=²&desde=31/02/2026").get_data(as_text=True)
    assert ROW.findall(page) == every and every
    assert "sis-asked" not in page and "sis-invalid" in page
    assert not ROW.findall(client.get("/ordenes/list/?fase=nada").get_data(as_text=True))


def test_orders_are_found_by_place_and_inspector(enter: Enter, db: OrmSession) -> None:
    order = assigned()
    client, there = enter("coordinador"), establishment()
    department, leader = there.district.department_code, inspector("inspector1").id
    for query, found in (
        (f"departamento={department}", True),
        (f"departamento={department}&distrito={there.district_code}", True),
        ("departamento=17", False),
        (f"inspector={leader}", any(each.inspector_id == leader for each in order.designated)),
    ):
        page = client.get(f"/ordenes/list/?{query}").get_data(as_text=True)
        assert (f'href="/ordenes/{order.id}"' in page) is found, query


def test_kept_list_is_its_owners_and_a_shared_one_his_offices(enter: Enter, db: OrmSession) -> None:
    with acting("coordinador"):
        number = draft(kind="TURNO", zone="Zona canario", places=[], team=[inspector("inspector2").id]).number
    owner, colleague, stranger = enter("coordinador"), enter("inspector1"), enter("inspector3")
    here = "orden=-orden&fase=planned&despues=5&otra=1"
    for name, shared in (("Solo mía", ""), ("De la casa", "1")):
        answer = sent(owner, "/listas/guardar", screen="OrderView", here=here, name=name, shared=shared)
        assert answer.location == "/ordenes/list/?orden=-orden&fase=planned"
    assert [row.address for row in db.scalars(select(SavedList))] == ["orden=-orden&fase=planned"] * 2
    pages = [client.get("/ordenes/list/").get_data(as_text=True) for client in (owner, colleague, stranger)]
    assert [page.count(">Solo mía</a>") for page in pages] == [1, 0, 0]
    assert [page.count(">De la casa</a>") for page in pages] == [1, 1, 0]
    assert number in pages[0] and number not in pages[1], "sharing an address shares no row"
    shared = db.scalars(select(SavedList).where(SavedList.name == "De la casa")).one()
    key = shared.id
    assert shared.office_id == office_of("coordinador")
    for client in (colleague, stranger):
        assert sent(client, "/listas/borrar", screen="OrderView", key=key).status_code == 404
    assert sent(owner, "/listas/borrar", screen="OrderView", key=key).status_code == 302
    assert [row.name for row in db.scalars(select(SavedList))] == ["Solo mía"]


def test_same_name_again_takes_the_place_of_the_one_before(enter: Enter, db: OrmSession) -> None:
    with acting("coordinador"):
        for address in ("fase=closed", "fase=issued"):
            lists.keep("OrderView", " Mi  lista ", address, shared=False)
        with pytest.raises(RuleBroken):
            lists.keep("OrderView", " ", "", shared=False)
        with pytest.raises(Missing):
            lists.drop(999999)
    assert [(row.name, row.address) for row in db.scalars(select(SavedList))] == [("Mi lista", "fase=issued")]


@pytest.mark.parametrize("screen", ["", "nada", "HomeView", "WorkerView", "OrderView.list"])
def test_screen_that_one_may_not_list_keeps_nothing(enter: Enter, db: OrmSession, screen: str) -> None:
    client = enter("mesa")
    for path in ("/listas/guardar", "/listas/columnas"):
        assert sent(client, path, screen=screen, name="x", column="name").status_code == 404
    assert not db.scalars(select(SavedList)).all()


def test_columns_are_chosen_by_each_person_for_himself(enter: Enter, db: OrmSession) -> None:
    assigned()
    client, other = enter("coordinador"), enter("inspector1")

    def heads(who: FlaskClient) -> list[str]:
        page = who.get("/ordenes/list/").get_data(as_text=True)
        return [unescape(text) for text in re.findall(r'<td data-label="([^"]+)"', page)]

    usual = heads(other)
    sent(client, "/listas/columnas", screen="OrderView", column=["prioridad", "oficina", "nada"])
    assert set(heads(client)) == {"Orden", "Oficina", "Prioridad"}
    assert heads(other) == usual and "Prioridad" not in usual
    sent(client, "/listas/columnas", screen="OrderView", again="1")
    assert "Empleador y lugar" in heads(client)
    assert not db.scalars(select(SavedList)).all()


def test_several_orders_are_handed_to_another_leader_each_with_its_result(
    enter: Enter, db: OrmSession
) -> None:
    with acting("coordinador"):
        mine = draft(places=[establishment().id], team=[inspector("inspector1").id])
        same = draft(places=[establishment().id], team=[inspector("inspector2").id])
        signed = assigned()
    rows = (mine, same, signed)
    keys, numbers = [order.id for order in rows], [order.number for order in rows]
    old, new, client = inspector("inspector1").id, inspector("inspector2").id, enter("coordinador")
    page = client.get("/ordenes/list/").get_data(as_text=True)
    assert "/ordenes/reasignar" in page and f'name="fila" value="{keys[0]}"' in page
    path = "/ordenes/reasignar?" + "&".join(f"fila={key}" for key in keys)
    page = client.get(path).get_data(as_text=True)
    assert all(number in page for number in numbers) and "3 órdenes cambian" in page
    refused = sent(client, "/ordenes/reasignar", fila=keys, leader=str(new))
    assert refused.status_code == 422 and "Este dato es obligatorio" in refused.get_data(as_text=True)
    page = sent(
        client, "/ordenes/reasignar", fila=keys, leader=str(new), reason="Licencia del líder"
    ).get_data(as_text=True)
    assert "1 reasignada" in page and "2 no" in page and "Ya la lidera esa persona" in page
    Session.expire_all()
    leads = {
        row.id: next(each.inspector_id for each in row.designated if each.leader)
        for row in db.scalars(select(InspectionOrder).where(InspectionOrder.id.in_(keys)))
    }
    assert leads[keys[0]] == leads[keys[1]] == new and leads[keys[2]] == old
    foreign = enter("regional")
    assert sent(foreign, "/ordenes/reasignar", fila=keys, leader=str(new), reason="x").status_code == 302
    assert enter("inspector1").get(path).status_code == 403
