"""The face: every screen of the menu and what its links lead to, in both themes, wide and narrow."""

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from browser.conftest import served
from browser.face import AXE, COLOURS, TAGS, WATCH, Screen, Walk, axe
from browser.visitor import SIZES, Visitor
from flask import Flask
from inspection_samples import assigned, begun, done, filled
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import create_engine

from app import embedded
from app.core.base import Session
from app.operations import demo_inspections, files
from app.views.menu import ITEMS
from config import Settings

ASSETS, LIST, SHIFT = 200_000, 60_000, 0.05
"""Most bytes of a list page's files as they are sent, and of its HTML; most layout shift of any page."""


@pytest.fixture(scope="module")
def server(app: Flask, prepared: Settings, cluster: embedded.Cluster) -> Iterator[str]:
    """The product, with the demonstration's records and a visit under way."""
    urls = cluster.create_database(f"face_{uuid4().hex[:8]}", template="prepared")
    engine = create_engine(urls.app_url, connect_args={"options": "-c timezone=UTC"})
    Session.remove()
    Session.configure(bind=engine)
    files.use(
        prepared.SIS_DATA_DIR / "files"
    )  # where the server looks; other tests may have said another place
    try:
        demo_inspections.seed()
        done(fails=2, order=(order := assigned()))
        filled(begun(order))
    finally:
        Session.remove()
        Session.configure(bind=app.extensions["sis_engine"])
        engine.dispose()
    with served(urls, prepared) as address:
        yield address


@pytest.fixture(scope="module")
def screens(app: Flask, browser: Browser, server: str) -> list[Screen]:
    """Every screen, seen once."""
    return Walk(app, browser, server)()


@pytest.mark.parametrize(
    "what",
    [
        *("answer", "head", "english", "picture", "policy", "console", "wide"),
        *("axe", "axe dark", "axe narrow", "axe narrow dark"),
    ],
)
def test_nothing_is_found_on_any_screen(screens: list[Screen], what: str) -> None:
    wrong = [f"{s.name} {s.path} {words}" for s in screens for words in s.found.get(what, [])]
    assert not wrong, "\n".join(["", *wrong])


def test_every_screen_of_the_menu_was_seen(screens: list[Screen]) -> None:
    seen = {screen.name.partition(".")[0] for screen in screens}
    assert {item.view.__name__ for item in ITEMS if item.name} - seen == set()


def test_nothing_shifts_after_it_was_drawn(screens: list[Screen]) -> None:
    assert [f"{s.name} {s.path} {s.shift:.3f}" for s in screens if s.shift >= SHIFT] == []


def test_a_list_is_light(screens: list[Screen]) -> None:
    lists = {s.name: s.size for s in screens if re.match(r"\w+\.list ", s.name)}
    assert {name: size for name, size in lists.items() if size > LIST} == {}


def test_files_of_a_list_page_come_compressed_and_stay(visitor: Visitor) -> None:
    page, asked = visitor.page, set[str]()
    page.on("request", lambda request: asked.add(request.url.partition("#")[0]))
    visitor.enter("coordinador")
    visitor.go("/ordenes/list/")
    page.wait_for_load_state("networkidle")
    weights = {}
    for url in sorted(url for url in asked if "/static/" in url):
        answer = page.request.get(url)
        weights[url] = int(answer.headers["content-length"])
        if "/static/dist/" in url:
            assert answer.headers["content-encoding"] == "gzip", url
            assert "immutable" in answer.headers["cache-control"], url
    assert any("/dist/main-" in url for url in weights)
    assert sum(weights.values()) < ASSETS, weights


def test_nothing_shifts_on_any_size(visitor: Visitor) -> None:
    page = visitor.page
    page.add_init_script(WATCH)
    visitor.enter("inspector1")
    for path in ("/", "/ordenes/list/", "/empleadores/add"):
        visitor.go(path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.sisFace.shift") < SHIFT, path
    visitor.go("/ordenes/list/")
    with page.expect_navigation():
        page.locator("main tbody a").first.click()
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.sisFace.shift") < SHIFT, page.url


def clean(page: Page) -> None:
    """What stands open on the page is accessible, in both themes."""
    page.evaluate(axe())
    assert page.evaluate(AXE, ["tag", TAGS]) == []
    page.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
    assert page.evaluate(AXE, ["rule", COLOURS]) == []
    page.evaluate("document.documentElement.dataset.bsTheme = 'light'")


def test_what_opens_over_a_page_is_accessible_too(browser: Browser, server: str) -> None:
    for size, (width, height) in SIZES.items():
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale="es-PY", reduced_motion="reduce"
        )
        visitor = Visitor(context.new_page(), server, size)
        visitor.enter("coordinador")
        page = visitor.page
        visitor.go("/ordenes/list/")
        page.keyboard.press("Control+k")
        page.keyboard.type("orden")
        expect(page.locator("#paleta").get_by_role("option").first).to_be_visible()
        visitor.look("face-palette")
        clean(page)
        page.locator("[data-palette-close]").click()
        for name in ("Avisos", "mi cuenta"):
            page.locator("summary").filter(has_text=name).click()
            visitor.look(f"face-{name.replace(' ', '-').lower()}")
            clean(page)
            page.keyboard.press("Escape")
        page.get_by_role("link", name="Ayuda", exact=True).click()
        expect(page.locator("#ayuda.show")).to_be_visible()
        visitor.look("face-help")
        clean(page)
        context.close()
