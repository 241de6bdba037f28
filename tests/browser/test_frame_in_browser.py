"""The frame in a real browser: the navigation, the theme, the bell, the palette, help; by keyboard, and axe clean."""

import re

from browser.visitor import Visitor
from playwright.sync_api import expect
from support import ROOT

AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def clean(visitor: Visitor, where: str) -> None:
    """axe finds nothing on the page as it stands."""
    visitor.page.evaluate(AXE)
    found = visitor.page.evaluate(
        "async () => (await axe.run()).violations.map(each => [each.id, each.nodes.map(n => n.target)])"
    )
    assert found == [], (where, visitor.size, found)


def test_person_moves_about_and_finds_things(visitor: Visitor) -> None:
    page = visitor.page
    visitor.enter("coordinador")
    phone = visitor.size == "phone"

    # The theme: at once, and on the next page from its first paint
    menu = page.locator("details.sis-pop").last
    menu.locator("summary").click()
    page.get_by_label("Oscuro").check()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(menu.locator("summary")).to_be_focused()
    visitor.go("/mi-cuenta/")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")

    # The navigation: by section, remembered; on a phone it slides in and Escape puts it away
    if phone:
        page.get_by_role("button", name="Abrir el menú").click()
        expect(page.locator("#navegacion")).to_have_class(re.compile(r"\bshow\b"))
    page.locator("#navegacion summary", has_text="Catálogos").click()
    page.get_by_role("link", name="Feriados").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Feriados")
    if phone:
        page.get_by_role("button", name="Abrir el menú").click()
    expect(page.locator("#navegacion [aria-current=page]")).to_be_visible()
    expect(page.locator("#navegacion [aria-current=page]")).to_have_text("Feriados")
    clean(visitor, "navigation")
    if phone:
        page.keyboard.press("Escape")
        expect(page.locator("#navegacion")).to_be_hidden()
    expect(page.get_by_role("navigation", name="Dónde estoy")).to_contain_text("Catálogos")

    # The bell brings the last notices when it opens
    page.locator("details.sis-pop").first.locator("summary").click()
    expect(page.locator(".sis-pop-list, .sis-pop-none")).to_be_visible()
    clean(visitor, "bell")
    page.keyboard.press("Escape")

    # Help beside the page, without leaving it
    page.get_by_role("link", name="Ayuda", exact=True).click()
    panel = page.locator("#ayuda")
    expect(panel.get_by_role("heading", name="Feriados y suspensiones")).to_be_visible()
    expect(panel).to_have_attribute("role", "complementary")
    clean(visitor, "help")
    panel.get_by_role("searchbox").fill("nomina")
    panel.get_by_role("searchbox").press("Enter")
    panel.get_by_role("link", name="La nómina de trabajadores").click()
    expect(panel.get_by_role("heading", name="La nómina de trabajadores")).to_be_visible()
    page.get_by_role("button", name="Cerrar la ayuda").click()
    expect(panel).to_be_hidden()

    # The palette, by keyboard alone
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Buscar expedientes")
    expect(box).to_be_focused()
    expect(page.get_by_role("option", name="Nueva orden")).to_be_visible()
    clean(visitor, "palette")
    box.press_sequentially("claro")
    light = page.get_by_role("option", name="Cambiar el tema: claro")
    expect(light).to_have_attribute("aria-selected", "true")
    box.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    page.keyboard.press("/")
    box.fill("parametros")
    expect(page.get_by_role("option", name="Parámetros Catálogos")).to_have_attribute("aria-selected", "true")
    box.press("ArrowDown")
    expect(page.get_by_role("option", name="Parámetros Catálogos")).to_have_attribute(
        "aria-selected", "false"
    )
    box.press("ArrowUp")
    box.press("Enter")
    page.wait_for_url(re.compile("/parametros/"))

    # What was opened lately is offered before a word is typed
    page.keyboard.press("Control+k")
    expect(page.get_by_role("option", name="Feriados", exact=True)).to_be_visible()
    page.keyboard.press("Escape")

    for path, heading in (
        ("/ayuda/", "Ayuda"),
        ("/ayuda/manual/coordinacion", "Manual de la coordinación y las direcciones"),
        ("/ayuda/glosario", "Glosario"),
        ("/buscar/?q=san", "Buscar"),
        ("/no-esta", "No está"),
    ):
        visitor.go(path)
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        visitor.look(f"frame-{heading.split()[0].lower()}")
        clean(visitor, path)
