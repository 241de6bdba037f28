"""An administrator keeps the offices; a wrong entry costs nothing; leaving ends the session."""

from browser.visitor import Visitor
from playwright.sync_api import expect


def open_menu(visitor: Visitor) -> None:
    if visitor.size == "phone":
        visitor.page.get_by_role("button", name="Abrir el menú").click()


def test_administrator_finds_corrects_and_adds_an_office(visitor: Visitor) -> None:
    page, code = visitor.page, f"REG-9{len(visitor.size)}"
    visitor.go("/oficinas/list/")
    expect(page.get_by_role("heading", name="Entrar")).to_be_visible()
    visitor.look("login")
    visitor.enter("admin")
    expect(page.get_by_text("CAPACITACIÓN")).to_be_visible()
    visitor.look("home")
    open_menu(visitor)
    page.get_by_role("navigation", name="Principal").get_by_text("Administración", exact=True).click()
    page.get_by_role("link", name="Oficinas").click()
    expect(page.get_by_role("heading", name="Oficinas", level=1)).to_be_visible()
    visitor.look("offices")

    page.get_by_role("link", name="Agregar oficina").click()
    page.get_by_label("Sigla").fill("con espacio")
    page.get_by_label("Código de serie").fill(f"S{len(visitor.size)}")
    page.get_by_label("Nombre").fill("Oficina de Mbocayaty")
    page.get_by_label("Tipo").select_option("Regional")
    page.get_by_label("Abierta desde").fill("2026-11-24")
    page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_text("La sigla lleva de 2 a 16")).to_be_visible()
    expect(page.get_by_label("Nombre")).to_have_value("Oficina de Mbocayaty")
    visitor.look("office-error")

    page.get_by_label("Sigla").fill(code)
    page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_text("Oficina: se guardó.")).to_be_visible()
    page.locator("#filtros").get_by_role("searchbox").fill(code)
    page.get_by_role("link", name=code, exact=True).click()
    page.get_by_role("link", name="Historia").click()
    expect(page.get_by_role("region", name="Historia")).to_be_visible()
    expect(page.get_by_text("Se creó")).to_be_visible()
    visitor.look("office")


def test_leaving_ends_the_session(visitor: Visitor) -> None:
    visitor.enter("inspector1")
    visitor.page.locator("summary", has_text="mi cuenta").click()
    visitor.page.get_by_role("button", name="Salir").click()
    expect(visitor.page.get_by_text("Cerró la sesión.")).to_be_visible()
    visitor.go("/oficinas/list/")
    expect(visitor.page.get_by_role("heading", name="Entrar")).to_be_visible()
