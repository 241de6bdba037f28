"""Offices change: districts, mergers, absences, conflicts; previewed, in one act, refused where dates meet."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from inspection_samples import acting, assigned, checklist, draft, inspector, office_of, principal
from registry_samples import make, place
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session as OrmSession
from support import token_of

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.models.catalogs import Jurisdiction, Office
from app.models.documents import Document
from app.models.inspections import ConflictOfInterest, InspectionOrder
from app.models.security import UserOffice
from app.models.staff import Absence
from app.models.transfers import FileTransfer
from app.operations import conflicts, offices
from app.operations.inspections import orders, visits
from app.operations.offices import Done
from app.operations.unit import act
from app.views.staff import stranded

Enter = Callable[[str], FlaskClient]
BASIS = "Resolución de prueba 1/2026"


def office(code: str) -> Office:
    return Session.scalars(select(Office).where(Office.code == code)).one()


def district_of(order: InspectionOrder) -> int:
    return order.places[0].establishment.district_code


def holders(district: int, on: date) -> list[int]:
    rows = select(Jurisdiction.office_id).where(
        Jurisdiction.district_code == district,
        Jurisdiction.valid_from <= on,
        func.coalesce(Jurisdiction.valid_to, on) >= on,
    )
    return list(Session.scalars(rows))


def give(code: str, districts: list[int], on: date | None = None, files: bool = False) -> Done:
    here, on = office(code).id, on or clock.today()
    with acting("admin"):
        seen = offices.districts(here, districts, on).seen
        return offices.give_districts(here, districts, on, BASIS, files, seen)


def merged(code: str, into: str, on: date | None = None, files: bool = True, people: bool = True) -> Done:
    here, there, on = office(code).id, office(into).id, on or clock.today()
    with acting("admin"):
        seen = offices.merger(here, there, on).seen
        return offices.merge(here, there, on, BASIS, files, people, seen)


def own(order: InspectionOrder) -> InspectionOrder:
    """The order, held by the office of its district."""
    with act("test"):
        order.office_id = holders(district_of(order), clock.today())[0]
    return order


def other_than(key: int) -> str:
    codes = select(Office.code).where(Office.kind == "regional", Office.id != key).order_by(Office.code)
    return Session.scalars(codes.limit(1)).one()


def send(client: FlaskClient, path: str, **form: Any) -> Any:
    page = client.get(path).get_data(as_text=True)
    return client.post(path, data={"csrf_token": token_of(page), **form})


def seen_in(answer: Any) -> str:
    found = re.search(r'name="seen"[^>]*value="(\w+)"', answer.get_data(as_text=True))
    assert found
    return found[1]


# -- districts ----------------------------------------------------------------------------------------------


def test_district_changes_office_from_a_day_and_the_past_stays(db: OrmSession) -> None:
    order = own(assigned())
    district, before, on = district_of(order), order.office_id, clock.today()
    target = other_than(before)
    done = give(target, [district], on)
    assert done == Done(1, 0, 0)
    assert holders(district, on) == [office(target).id]
    assert holders(district, on - timedelta(days=1)) == [before]
    assert order.office_id == before  # left where it is


def test_open_files_of_the_district_go_along_when_that_is_chosen(db: OrmSession) -> None:
    order = own(assigned())
    before, number = order.office_id, order.number
    target = other_than(before)
    assert give(target, [district_of(order)], files=True).files == 1
    db.expire_all()
    assert order.office_id == office(target).id and order.number == number
    row = db.scalars(select(FileTransfer)).one()
    assert (row.status, row.from_office_id, row.decision) == ("decided", before, BASIS)


def test_files_that_were_left_go_along_later(db: OrmSession) -> None:
    order = own(assigned())
    target = other_than(order.office_id)
    give(target, [district_of(order)])
    assert give(target, [district_of(order)], files=True) == Done(0, 1, 0)
    with acting("admin"), pytest.raises(RuleBroken, match="ya son de esta oficina"):
        offices.districts(office(target).id, [district_of(order)], clock.today())


def test_file_that_names_other_districts_stays(db: OrmSession) -> None:
    order = own(assigned())
    elsewhere = place(make(), district_code=_district_besides(district_of(order)))
    two = draft(kind="OPERATIVO", places=[order.places[0].establishment_id, elsewhere.id])
    with act("test"):
        two.office_id = order.office_id
    with acting("admin"):
        found = offices.districts(office(other_than(order.office_id)).id, [district_of(order)], clock.today())
    assert [each.key for each in found.files] == [order.id]
    assert [each.key for each in found.staying] == [two.id]


def _district_besides(code: int) -> int:
    query = text("SELECT code FROM district WHERE code <> :code ORDER BY code DESC LIMIT 1")
    return int(Session.execute(query, {"code": code}).scalar_one())


def test_dates_that_meet_are_refused(db: OrmSession) -> None:
    order = own(assigned())
    district, today = district_of(order), clock.today()
    target = other_than(order.office_id)
    give(target, [district], today + timedelta(days=30))
    with acting("admin"):
        for on in (today, today + timedelta(days=30), today + timedelta(days=29)):
            with pytest.raises(RuleBroken) as refused:
                offices.districts(order.office_id, [district], on)
            assert refused.value.field in ("on", "districts"), on
        with pytest.raises(RuleBroken) as refused:
            offices.districts(office(target).id, [district], None)
        assert refused.value.field == "on"
        with pytest.raises(RuleBroken) as refused:
            offices.districts(office(target).id, [], today)
        assert refused.value.field == "districts"


def test_files_do_not_move_before_the_change_begins(db: OrmSession) -> None:
    order = own(assigned())
    target = other_than(order.office_id)
    with pytest.raises(RuleBroken, match="vuelva entonces"):
        give(target, [district_of(order)], clock.today() + timedelta(days=5), files=True)
    assert db.scalars(select(FileTransfer)).all() == []


def test_what_was_confirmed_is_what_was_seen(db: OrmSession) -> None:
    order = own(assigned())
    target = office(other_than(order.office_id)).id
    with acting("admin"):
        seen = offices.districts(target, [district_of(order)], clock.today()).seen
    own(assigned())
    with acting("admin"), pytest.raises(RuleBroken, match="Algo cambió"):
        offices.give_districts(target, [district_of(order)], clock.today(), BASIS, True, seen)
    assert holders(district_of(order), clock.today()) == [order.office_id]


def test_closed_office_takes_no_districts(db: OrmSession) -> None:
    order = own(assigned())
    target = office(other_than(order.office_id))
    with act("test"):
        target.closed_on = clock.today()
    with acting("admin"), pytest.raises(RuleBroken, match="no está abierta"):
        offices.districts(target.id, [district_of(order)], clock.today())


# -- mergers ------------------------------------------------------------------------------------------------


def test_office_joins_another_with_districts_files_and_people(db: OrmSession) -> None:
    order = assigned()
    number, issued = order.number, db.scalars(select(Document.number).order_by(Document.id)).all()
    source, target = office("REG-CAP"), office("REG-11")
    districts = db.scalars(
        select(Jurisdiction.district_code).where(Jurisdiction.office_id == source.id)
    ).all()
    someone = inspector("inspector1")
    done = merged("REG-CAP", "REG-11")
    db.expire_all()
    assert done.districts == len(districts) > 0 and done.files == 1 and done.people > 3
    assert source.closed_on == clock.today()
    assert all(holders(code, clock.today()) == [target.id] for code in districts)
    assert order.office_id == target.id and order.number == number
    assert issued == db.scalars(select(Document.number).order_by(Document.id)).all()
    assert someone.office_id == target.id
    account = principal("coordinador").account_id
    rows = db.execute(
        select(UserOffice.office_id, UserOffice.valid_to).where(UserOffice.user_id == account)
    ).all()
    assert (target.id, None) in rows and all(ended for key, ended in rows if key == source.id)


def test_merger_leaves_files_and_people_when_that_is_chosen_and_takes_them_later(db: OrmSession) -> None:
    order = assigned()
    source, target = office("REG-CAP"), office("REG-11")
    assert merged("REG-CAP", "REG-11", files=False, people=False).files == 0
    assert order.office_id == source.id and inspector("inspector1").office_id == source.id
    done = merged("REG-CAP", "REG-11")
    db.expire_all()
    assert done.districts == 0 and done.files == 1 and order.office_id == target.id


def test_merger_of_a_day_to_come_closes_then_and_moves_nobody_now(db: OrmSession) -> None:
    order = assigned()
    on = clock.today() + timedelta(days=20)
    with pytest.raises(RuleBroken, match="vuelva entonces"):
        merged("REG-CAP", "REG-11", on)
    merged("REG-CAP", "REG-11", on, files=False, people=False)
    db.expire_all()
    assert office("REG-CAP").closed_on == on and order.office_id == office("REG-CAP").id
    assert holders(district_of(order), on - timedelta(days=1)) != holders(district_of(order), on)


def test_offices_below_follow_the_one_that_receives(db: OrmSession) -> None:
    above = office("VMT")
    child = office("DGIFT")
    assert child.parent_id == above.id
    merged("VMT", "MAI", files=False, people=False)
    db.expire_all()
    assert child.parent_id == office("MAI").id


def test_merger_is_refused_into_itself_into_a_closed_one_or_before_it_opened(db: OrmSession) -> None:
    source, target, today = office("REG-CAP"), office("REG-11"), clock.today()
    with acting("admin"):
        for into, on, field in (
            (source.id, today, "into"),
            (None, today, "into"),
            (target.id, None, "on"),
            (target.id, source.opened_on, "on"),
        ):
            with pytest.raises(RuleBroken) as refused:
                offices.merger(source.id, into, on)
            assert refused.value.field == field, (into, on)
        with pytest.raises(Missing):
            offices.merger(999_999, target.id, today)
    with act("test"):
        target.closed_on = today
    with acting("admin"), pytest.raises(RuleBroken, match="no está abierta"):
        offices.merger(source.id, target.id, today)


def test_administrator_walks_the_screens(enter: Enter, db: OrmSession) -> None:
    order = own(assigned())
    district, code = district_of(order), other_than(order.office_id)
    key, number = order.id, order.number
    employer = order.places[0].establishment.employer.legal_name
    admin, target = enter("admin"), office(code).id
    assert "Dar distritos" in admin.get(f"/oficinas/show/{target}").get_data(as_text=True)
    path = f"/oficinas/{target}/distritos"
    form = {"on": f"{clock.today():%d/%m/%Y}", "legal_basis": BASIS, "districts": str(district)}
    assert "obligatorio" in send(admin, path, **{**form, "legal_basis": ""}).get_data(as_text=True)
    shown = send(admin, path, **form)
    page = shown.get_data(as_text=True)
    assert shown.status_code == 422 and number in page and "Confirmar" in page
    assert employer not in page
    done = send(admin, path, **form, files="move", confirm="1", seen=seen_in(shown))
    assert done.status_code == 302
    assert Session.get_one(InspectionOrder, key).office_id == target
    path, into = f"/oficinas/{target}/fusion", office("REG-11" if code != "REG-11" else "REG-10").id
    tomorrow = clock.today() + timedelta(days=1)  # the district came today: the dates would meet
    form = {"legal_basis": BASIS, "into": str(into)}
    met = send(admin, path, **form, on=f"{clock.today():%d/%m/%Y}")
    assert met.status_code == 422 and "ese mismo día" in met.get_data(as_text=True)
    form["on"] = f"{tomorrow:%d/%m/%Y}"
    shown = send(admin, path, **form)
    assert number in shown.get_data(as_text=True)
    done = send(admin, path, **form, confirm="1", seen=seen_in(shown))
    assert done.status_code == 302
    assert Session.get_one(Office, target).closed_on == tomorrow


@pytest.mark.parametrize("name", ["director", "coordinador", "regional", "auditor", "inspector1"])
@pytest.mark.parametrize("path", ["distritos", "fusion"])
def test_only_the_administration_changes_offices(enter: Enter, name: str, path: str) -> None:
    assert enter(name).get(f"/oficinas/{office('REG-11').id}/{path}").status_code == 403


# -- absences -----------------------------------------------------------------------------------------------


def test_absence_lists_the_orders_and_visits_of_those_days(enter: Enter, db: OrmSession) -> None:
    order, today = assigned(), clock.today()
    with acting("inspector1"):
        visit = visits.plan(order, {"kind": "INICIAL", "planned_on": today + timedelta(days=3)})
    coordinator = enter("coordinador")
    saved = send(
        coordinator,
        "/ausencias/add",
        inspector_id=inspector("inspector1").id,
        valid_from=f"{today + timedelta(days=2):%d/%m/%Y}",
        valid_to=f"{today + timedelta(days=9):%d/%m/%Y}",
        reason="Vacaciones",
    )
    assert saved.status_code == 302 and "/ausencias/show/" in saved.location
    page = coordinator.get(saved.location).get_data(as_text=True)
    assert order.number in page and f"/visitas/{visit.id}" in page
    substitution = (
        f"/ordenes/{order.id}/equipo"  # offered to who may substitute, nobody is sent to a closed door
    )
    assert substitution not in page
    assert substitution in enter("director").get(saved.location).get_data(as_text=True)


def test_absence_of_other_days_or_of_another_strands_nothing(db: OrmSession) -> None:
    order = assigned()
    assert order.valid_until is not None
    late = order.valid_until + timedelta(days=1)
    for who, start in (("inspector1", late), ("inspector3", clock.today())):
        absence = Absence(
            inspector_id=inspector(who).id, valid_from=start, valid_to=start + timedelta(days=3)
        )
        assert stranded(absence)["stranded_orders"] == []


# -- branches -----------------------------------------------------------------------------------------------


def test_one_order_for_each_branch_from_the_employers_page(enter: Enter, db: OrmSession) -> None:
    employer = make()
    keys = [place(employer, name=f"Sucursal {n}", address=f"Calle {n} 1{n}0").id for n in range(3)]
    coordinator = enter("coordinador")
    page = coordinator.get(f"/empleadores/{employer.id}/orden").get_data(as_text=True)
    assert all(f'value="{key}"' in page for key in keys)
    path = "/ordenes/nueva?" + "&".join(f"establecimiento={key}" for key in keys)
    page = coordinator.get(path).get_data(as_text=True)
    assert "Sucursal 0" in page and re.search(r'name="one_each" value="1" checked', page)
    made = coordinator.post(
        "/ordenes/nueva",
        data={
            "csrf_token": token_of(page),
            "kind": "ESTABLECIMIENTO",
            "origin": "OFICIO",
            "priority": "P3",
            "shift": "diurno",
            "office_id": office_of("coordinador"),
            "places": keys,
            "one_each": "1",
            "matters": ["REG"],
            "checklists": [checklist().id],
            "team": [inspector("inspector1").id],
            "leader": [inspector("inspector1").id],
        },
    )
    assert made.status_code == 302, made.get_data(as_text=True)
    rows = db.scalars(select(InspectionOrder)).all()
    assert sorted(row.places[0].establishment_id for row in rows) == sorted(keys)
    assert all(len(row.places) == 1 for row in rows)


@pytest.mark.parametrize("name", ["inspector1", "licencias", "mesa"])
def test_who_makes_no_orders_is_not_offered_the_branches(enter: Enter, db: OrmSession, name: str) -> None:
    assert enter(name).get(f"/empleadores/{make().id}/orden").status_code == 404


# -- conflicts of interest ----------------------------------------------------------------------------------


def conflict(who: str) -> dict[str, Any]:
    return {
        "inspector_id": inspector(who).id,
        "employer_id": make().id,
        "relation": "Parentesco con la gerente",
        "valid_from": clock.today(),
    }


def test_inspector_declares_his_own_conflict_alone(db: OrmSession) -> None:
    values = conflict("inspector1")
    with acting("inspector1"):
        conflicts.create(ConflictOfInterest, values)
    with acting("inspector1"), pytest.raises(RuleBroken) as refused:
        conflicts.create(ConflictOfInterest, {**values, "inspector_id": inspector("inspector2").id})
    assert refused.value.field == "inspector_id"


def test_leader_declares_for_his_office_alone(db: OrmSession) -> None:
    values = conflict("inspector1")
    with acting("coordinador"):
        made = conflicts.create(ConflictOfInterest, values)
    with acting("regional"):
        with pytest.raises(RuleBroken):
            conflicts.create(ConflictOfInterest, values)
        with pytest.raises(Missing):
            conflicts.change(ConflictOfInterest, made.id, {"relation": "Otra"})
    load = orders.workloads(
        office_of("coordinador"), [place(db.get_one(type(made.employer), made.employer_id)).id]
    )
    assert next(row for row in load if row.inspector.id == made.inspector_id).conflict


def test_list_shows_each_his_own(enter: Enter, db: OrmSession) -> None:
    with acting("inspector1"):
        made = conflicts.create(ConflictOfInterest, conflict("inspector1")).id
    for name, sees in (("inspector1", True), ("coordinador", True), ("director", True), ("auditor", True)):
        assert ("Parentesco" in enter(name).get("/conflictos/list/").get_data(as_text=True)) is sees, name
    for name in ("inspector2", "regional"):
        client = enter(name)
        assert "Parentesco" not in client.get("/conflictos/list/").get_data(as_text=True), name
        assert client.get(f"/conflictos/show/{made}").status_code == 404
        assert client.get(f"/conflictos/edit/{made}").status_code == 404


def test_form_offers_the_inspector_himself(enter: Enter, db: OrmSession) -> None:
    client = enter("inspector1")
    page = client.get("/conflictos/add").get_data(as_text=True)
    assert inspector("inspector1").code in page and inspector("inspector3").code not in page
    saved = send(
        client,
        "/conflictos/add",
        inspector_id=inspector("inspector1").id,
        employer_id=make().id,
        relation="Fue su empleador",
        valid_from=f"{clock.today():%d/%m/%Y}",
    )
    assert saved.status_code == 302, saved.get_data(as_text=True)
    assert enter("mesa").get("/conflictos/list/").status_code == 403
