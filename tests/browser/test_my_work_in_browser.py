"""«Mi trabajo» as people use it: the inspector on a phone, the coordinator at a desk; both themes, by keyboard."""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from browser.conftest import served
from browser.visitor import SIZES, Visitor
from flask import Flask
from inspection_samples import acting, assigned, draft
from playwright.sync_api import expect
from sqlalchemy import create_engine
from support import ROOT

from app import embedded
from app.core import clock
from app.core.base import Session
from app.operations.inspections import visits
from app.operations.unit import act
from config import Settings

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
FAULTS = """async () => (await axe.run(document.querySelector('main'))).violations.map(
    v => v.id + ': ' + v.nodes.map(n => n.html).join(' | '))"""


@pytest.fixture(scope="module")
def server(app: Flask, prepared: Settings, cluster: embedded.Cluster) -> Iterator[str]:
    """The product on a database with a visit for today, one left over, and an order without inspectors."""
    urls = cluster.create_database(f"work_{uuid4().hex[:8]}", template="prepared")
    engine = create_engine(urls.app_url, connect_args={"options": "-c timezone=UTC"})
    Session.remove()
    Session.configure(bind=engine)
    try:
        _fill()
    finally:
        Session.remove()
        Session.configure(bind=app.extensions["sis_engine"])
        engine.dispose()
    with served(urls, prepared) as address:
        yield address


def _fill() -> None:
    order = assigned()
    draft(team=[])
    with acting("inspector1"):
        made = [visits.plan(order, {"kind": "INICIAL"}) for _ in range(2)]
    with act("test"):
        place = order.places[0].establishment
        place.latitude, place.longitude = Decimal("-25.281234"), Decimal("-57.635678")
        made[0].planned_on = clock.today()
        made[1].planned_on = clock.today() - timedelta(days=9)


def sound(visitor: Visitor) -> None:
    """Axe finds nothing, in light and in dark."""
    page = visitor.page
    page.emulate_media(reduced_motion="reduce")  # no colour is half way from one theme to the other
    page.evaluate(AXE.read_text("utf-8"))
    for theme in ("light", "dark"):
        page.evaluate("theme => { document.documentElement.dataset.bsTheme = theme }", theme)
        assert page.evaluate(FAULTS) == [], theme
    page.evaluate("document.documentElement.dataset.bsTheme = 'light'")


def test_inspector_finds_the_visits_of_today_and_turns_the_days(visitor: Visitor) -> None:
    visitor.enter("inspector1")
    page = visitor.page
    today = page.get_by_role("region", name=re.compile("Visitas de hoy"))
    box = today.bounding_box()
    assert box is not None and box["y"] < SIZES[visitor.size][1] / 2
    way = today.get_by_role("link", name=re.compile("Cómo llegar")).first
    expect(way).to_have_attribute("href", re.compile(r"^geo:-25\.281234,-57\.635678"))
    expect(today.get_by_text("Era para el")).to_be_hidden()
    today.get_by_text("De días anteriores").click()
    expect(today.get_by_text("Era para el")).to_be_visible()
    visitor.look("mi-trabajo-inspector")
    sound(visitor)
    agenda = page.locator("#agenda")
    if visitor.size == "phone":
        expect(agenda.get_by_role("table")).to_be_hidden()
        agenda.get_by_role("link", name="Semana siguiente").click()
        expect(agenda.locator(".sis-week .sis-turn")).not_to_contain_text(f"{clock.today():%d/%m/%Y} al")
    else:
        agenda.get_by_role("link", name=f"{clock.today():%d/%m/%Y}: 1 visita").press("Enter")
        expect(agenda.get_by_role("link", name="Ver toda la semana")).to_be_visible()
        expect(agenda.locator(".sis-listed").get_by_role("link", name=re.compile("Visita 1"))).to_be_visible()
        month = agenda.locator(".sis-month strong")
        before = month.inner_text()
        agenda.get_by_role("link", name="Mes anterior").click()
        expect(month).not_to_have_text(before)
    assert page.url == f"{visitor.address}/"  # only the calendar was exchanged
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    today.get_by_role("link", name=re.compile("^ ?Abrir")).first.click()
    page.wait_for_url(re.compile(r"/visitas/\d+"))


def test_coordinator_goes_from_a_number_to_its_records(visitor: Visitor) -> None:
    visitor.enter("coordinador")
    page = visitor.page
    expect(page.get_by_role("region", name="Mi equipo")).to_be_visible()
    visitor.look("mi-trabajo-coordinacion")
    sound(visitor)
    page.get_by_role("list", name="Números de mi trabajo").get_by_role("link", name="Sin asignar").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"Sin asignar\s+1"))
    visitor.look("mi-trabajo-sin-asignar")
    sound(visitor)
    page.go_back()
    team = page.get_by_role("row", name=re.compile("Vázquez Riquelme, Lourdes"))
    team.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(
        "Órdenes abiertas de Lourdes Vázquez Riquelme"
    )
    visitor.go("/avisos")
    sound(visitor)
