"""A list at work: only the rows are swapped, back is right, columns and filters are kept, a card on a telephone."""

import re

from browser.visitor import Visitor
from playwright.sync_api import expect


def test_a_list_is_narrowed_ordered_kept_and_opened(visitor: Visitor) -> None:
    page, phone = visitor.page, visitor.size == "phone"
    name = f"Ferreterías {visitor.size}"
    visitor.enter("mesa")
    visitor.go("/empleadores/list/")
    total, chips = page.locator("#lista-total"), page.get_by_role("list", name="Filtros puestos")
    expect(total).to_have_text(re.compile("registros"))
    before = total.inner_text()
    page.evaluate("window.sisSamePage = true")

    if phone:
        page.locator("summary", has_text="Filtros").click()
    page.get_by_label("Tipo de persona").select_option("Persona física")
    expect(chips).to_contain_text("Persona física")
    expect(page).to_have_url(re.compile("kind=individual"))
    expect(total).not_to_have_text(before)
    if phone:
        page.get_by_role("button", name="Aplicar filtros").click()
        expect(page.get_by_label("Tipo de persona")).to_be_hidden()
    page.get_by_role("searchbox").press_sequentially("zzzz")
    expect(page.get_by_text("Nada coincide.")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_be_focused()
    assert page.evaluate("window.sisSamePage"), "the page was not loaded again"

    page.go_back()
    expect(page).to_have_url(re.compile("kind=individual"))
    expect(chips).to_contain_text("Persona física")
    expect(page.get_by_role("searchbox")).to_have_value("")
    assert page.locator("#kind").input_value() == "individual", "the form says what the address says"
    visitor.look("list-narrowed")

    page.locator("summary", has_text="Guardadas").click()
    page.get_by_label("Nombre", exact=True).fill(name)
    page.get_by_role("button", name="Guardar esta lista").click()
    expect(page.get_by_text(f"Se guardó la lista «{name}».")).to_be_visible()
    page.get_by_role("link", name="Persona física").click()
    expect(page.get_by_role("list", name="Filtros puestos")).to_have_count(0)
    expect(total).to_have_text(before)
    page.locator("summary", has_text="Guardadas").click()
    page.get_by_role("link", name=name).click()
    expect(chips).to_contain_text("Persona física")

    page.locator("summary", has_text="Columnas").click()
    visitor.look("list-columns")
    page.get_by_role("checkbox", name="Nombre de fantasía").uncheck()
    page.get_by_role("button", name="Ver estas").click()
    expect(page.get_by_role("cell", name="Nombre de fantasía")).to_have_count(0)
    expect(page.locator("[data-label='Nombre de fantasía']")).to_have_count(0)

    page.locator(".sis-rows > tbody > tr").first.locator("[data-label='RUC o cédula']").click()
    expect(page).to_have_url(re.compile("/empleadores/show/"))
