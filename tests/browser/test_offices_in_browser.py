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
    page.get_by_role("link", name="Oficinas").last.click()
    visitor.look("offices")

    page.get_by_role("link", name="Agregar oficina").click()
    page.get_by_label("Sigla").fill("con espacio")
    page.get_by_label("Código de serie").fill(f"S{len(visitor.size)}")
    page.get_by_label("Nombre").fill("Oficina de Mbocayaty")
    page.get_by_label("Tipo").select_option("Regional")
    page.get_by_label("Abierta desde").fill("24/11/2026")
    page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_text("La sigla lleva de 2 a 16")).to_be_visible()
    expect(page.get_by_label("Nombre")).to_have_value("Oficina de Mbocayaty")
    visitor.look("office-error")

    page.get_by_label("Sigla").fill(code)
    page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_text("Oficina: se guardó.")).to_be_visible()
    page.get_by_role("link", name="2", exact=True).click()
    page.get_by_role("link", name=code).click()
    expect(page.get_by_role("heading", name="Historia")).to_be_visible()
    expect(page.get_by_text("Se creó")).to_be_visible()
    visitor.look("office")


def test_leaving_ends_the_session(visitor: Visitor) -> None:
    visitor.enter("inspector1")
    open_menu(visitor)
    visitor.page.get_by_role("button", name="Salir").click()
    expect(visitor.page.get_by_text("Cerró la sesión.")).to_be_visible()
    visitor.go("/oficinas/list/")
    expect(visitor.page.get_by_role("heading", name="Entrar")).to_be_visible()
