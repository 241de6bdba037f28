"""Every generated form, one table: labelled, explained, in parts; dates of both kinds; a record added in a dialog."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from registry_samples import district, make, place, send
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession
from support import token_of

from app.core.base import Session
from app.models.catalogs import Office
from app.models.registry import Employer, Establishment
from app.operations.seed_files import load
from app.security.roles import GRANTS
from app.views.base import RegistryView
from app.views.menu import ITEMS
from app.views.references import key_of

Enter = Callable[[str], FlaskClient]
WRITABLE = [
    item.view
    for item in ITEMS
    if issubclass(item.view, RegistryView) and "can_add" in item.view.base_permissions
]
DIALOG = {"X-SIS-Dialog": "1"}
OFFICE = {"code": "REG-97", "name": "Oficina de prueba", "kind": "regional"}


def writer_of(view: type[RegistryView], door: str) -> str:
    """Somebody of the cast whom this door of the registry is open to."""
    grants = GRANTS[view.class_permission_name]
    roles = {role for doors, members in grants.items() if door in doors for role in members}
    return str(next(row["username"] for row in load("demo.yaml", "accounts") if row["role"] in roles))


def judge(page: str, view: type[RegistryView]) -> None:
    """A form is in parts; each of its fields has a label and help tied to it; a date is the browser's own."""
    form = html.fromstring(page).xpath("//form[contains(@class, 'sis-form')]")[0]
    titles = [legend.text_content().strip() for legend in form.xpath("./fieldset/legend")]
    assert titles and all(titles), f"{view.__name__} has no sections"
    fields = form.xpath(".//fieldset[contains(@class, 'sis-section')]//*[contains(@class, 'sis-field')]")
    assert len(fields) == len(form.xpath(".//*[contains(@class, 'sis-field')]")), "a field outside the parts"
    for field in fields:
        if field.tag == "fieldset":  # a choice of several boxes
            assert field.xpath("string(./legend)").strip() and field.xpath(".//label[input]")
            assert form.xpath(f".//*[@id='{field.get('aria-describedby')}']")
            continue
        label = field.xpath(".//label[@for]")[0]
        control = field.xpath(f".//*[@id='{label.get('for')}']")[0]
        name = f"{view.__name__}.{control.get('name')}"
        assert label.text_content().strip(), name
        assert form.xpath(f".//*[@id='{control.get('aria-describedby')}']"), f"{name}: no help tied to it"
        column = view.kind.__table__.c.get(control.get("name"))
        if column is not None and column.type.python_type is date:
            assert control.get("type") == "date", name
        if column is not None and column.info.get("help") and control.get("name") not in view.extra_fields:
            assert column.info["help"] in field.text_content(), name
    starred = form.xpath(".//*[contains(@class, 'sis-field')]//*[contains(@class, 'sis-required')]")
    assert bool(starred) == ("obligatorio" in form.xpath("string(./p[contains(@class, 'sis-note')])"))


@pytest.mark.parametrize("view", WRITABLE, ids=lambda view: view.__name__)
def test_every_generated_form_is_in_parts_labelled_and_explained(
    enter: Enter, db: OrmSession, view: type[RegistryView]
) -> None:
    made = place(make())  # so that the registries of the register are not empty
    assert made.id
    answer = enter(writer_of(view, "can_add")).get(f"{view.route_base}/add")
    assert answer.status_code == 200
    judge(answer.get_data(as_text=True), view)
    row = Session.scalars(select(view.kind).limit(1)).first()
    if row is not None:
        answer = enter(writer_of(view, "can_edit")).get(f"{view.route_base}/edit/{key_of(row)}")
        assert answer.status_code == 200
        judge(answer.get_data(as_text=True), view)


@pytest.mark.parametrize("typed", ["2026-11-24", "24/11/2026"])
def test_a_date_is_taken_from_the_control_and_as_people_type_it(
    enter: Enter, db: OrmSession, typed: str
) -> None:
    client = enter("admin")
    answer = send(client, "/oficinas/add", **OFFICE, opened_on=typed)
    assert answer.status_code == 302, answer.get_data(as_text=True)
    office = db.scalars(select(Office).where(Office.code == OFFICE["code"])).one()
    assert office.opened_on == date(2026, 11, 24)
    page = client.get(f"/oficinas/edit/{office.id}").get_data(as_text=True)
    assert html.fromstring(page).xpath("//input[@name='opened_on']")[0].get("value") == "2026-11-24"


def test_what_is_no_date_stays_as_typed(enter: Enter, db: OrmSession) -> None:
    answer = send(enter("admin"), "/oficinas/add", **OFFICE, opened_on="ayer")
    control = html.fromstring(answer.get_data(as_text=True)).xpath("//input[@name='opened_on']")[0]
    assert answer.status_code == 422 and control.get("aria-invalid") == "true"
    assert (control.get("type"), control.get("value")) == ("text", "ayer")


def test_two_errors_are_told_together_each_with_the_way_to_its_field(enter: Enter, db: OrmSession) -> None:
    answer = send(enter("admin"), "/oficinas/add", name="Sin nada más", opened_on="ayer")
    page = html.fromstring(answer.get_data(as_text=True))
    links = page.xpath("//*[contains(@class, 'sis-summary')]//a/@href")
    assert links == ["#code", "#kind", "#opened_on"]
    assert all(page.xpath(f"//*[@id='{link[1:]}']") for link in links)
    answer = send(enter("admin"), "/oficinas/add", **OFFICE, opened_on="ayer")
    assert "sis-summary" not in answer.get_data(as_text=True), "one error says itself at its field"


def test_a_record_is_added_in_a_dialog_by_the_same_form(enter: Enter, db: OrmSession) -> None:
    client = enter("mesa")
    page = client.get("/empleadores/add?escrito=Vivero Ysapy", headers=DIALOG).get_data(as_text=True)
    form = html.fragment_fromstring(page, create_parent=True)
    assert form.xpath("//*[@data-dialog-form]//form") and not form.xpath("//nav | //h1")
    assert form.xpath("//input[@name='legal_name']")[0].get("value") == "Vivero Ysapy"
    sent: dict[str, Any] = {"legal_name": "Vivero Ysapy", "ruc": "80045678-1", "csrf_token": token_of(page)}
    refused = client.post("/empleadores/add", data=sent, headers=DIALOG)
    assert refused.status_code == 422 and "no corresponde" in refused.get_data(as_text=True)
    assert "<h1" not in refused.get_data(as_text=True)
    answer = client.post("/empleadores/add", data={**sent, "ruc": "80045678-5"}, headers=DIALOG)
    made = db.scalars(select(Employer).where(Employer.legal_name == "Vivero Ysapy")).one()
    assert answer.json == {"id": made.id, "text": "80045678-5 · Vivero Ysapy"}
    assert "se guardó" not in client.get("/empleadores/list/").get_data(as_text=True), "said to nobody later"


def test_adding_is_offered_to_those_who_may(enter: Enter, db: OrmSession) -> None:
    made = make()
    page = html.fromstring(enter("mesa").get("/establecimientos/add").get_data(as_text=True))
    assert page.xpath("//*[@data-create]/@data-create-title") == ["Agregar empleador"], "not of catalogues"
    place(made)
    inspector = html.fromstring(enter("inspector1").get("/conflictos/add").get_data(as_text=True))
    assert inspector.xpath("//*[@data-create]/@data-create") == ["/empleadores/add"]
    assert enter("auditor").get("/empleadores/add", headers=DIALOG).status_code == 403


def test_the_number_of_what_is_typed_is_prefilled_for_a_place_of_its_employer(
    enter: Enter, db: OrmSession
) -> None:
    client, made = enter("mesa"), make()
    path = f"/establecimientos/add?employer_id={made.id}&escrito=Depósito"
    page = client.get(path, headers=DIALOG).get_data(as_text=True)
    form = {
        "employer_id": str(made.id),
        "district_code": str(district()),
        "name": "Depósito",
        "address": "Ruta 1",
    }
    assert str(made) in page and 'value="Depósito"' in page
    answer = client.post("/establecimientos/add", data={**form, "csrf_token": token_of(page)}, headers=DIALOG)
    there = db.scalars(select(Establishment).where(Establishment.employer_id == made.id)).one()
    assert answer.json == {"id": there.id, "text": there.lookup_text}


def test_money_telephone_and_numbers_are_put_in_order(app: Flask, enter: Enter) -> None:
    found: dict[str, str] = {}
    for username, path in (("admin", "/salario-minimo/add"), ("mesa", "/empleadores/add")):
        page = html.fromstring(enter(username).get(path).get_data(as_text=True))
        found |= {box.get("name"): box.get("data-mask") for box in page.xpath("//input[@data-mask]")}
    assert found == {
        "monthly": "money",
        "daily": "money",
        "ruc": "ruc",
        "document_number": "cedula",
        "phone": "phone",
    }
