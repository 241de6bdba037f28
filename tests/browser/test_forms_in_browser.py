"""What is typed is never lost: drafts after a crash and an ended session; a missing record added in a dialog."""

from browser.visitor import Visitor
from playwright.sync_api import Page, expect

DRAFTS = "Object.keys(localStorage).filter((key) => key.startsWith('sis-borrador:')).length"


def kept(page: Page) -> None:
    """Wait until the page says that it has kept what was typed last."""
    expect(page.locator("[data-draft-kept]")).to_contain_text("Borrador en este equipo")


def test_what_was_typed_comes_back_after_a_crash_and_after_the_session(visitor: Visitor) -> None:
    page, words = visitor.page, {"phone": "Taller de Palma", "desktop": "Quiosco del puente"}[visitor.size]
    visitor.enter("mesa")
    visitor.go("/empleadores/add")
    page.get_by_label("Descripción provisoria").fill(words)
    page.get_by_label("Situación").select_option("Activo")
    kept(page)
    context = page.context
    page.close()  # without a word to the page: the telephone ran out, the browser fell
    visitor.page = page = context.new_page()
    visitor.go("/empleadores/add")
    expect(page.get_by_label("Descripción provisoria")).to_have_value("")
    visitor.look("draft-offered")
    page.get_by_role("button", name="Recuperar lo escrito").click()
    expect(page.get_by_label("Descripción provisoria")).to_have_value(words)
    expect(page.get_by_label("Situación")).to_have_value("ACTIVO")

    # The session ends while one types: the form cannot be sent, and comes back filled in.
    context.clear_cookies()
    page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_text("Su sesión terminó")).to_be_visible()
    visitor.enter("mesa")
    visitor.go("/empleadores/add")
    page.get_by_role("button", name="Recuperar lo escrito").click()
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Empleador: se guardó.")).to_be_visible()
    visitor.go("/empleadores/add")
    expect(page.get_by_role("button", name="Guardar")).to_be_visible()
    expect(page.get_by_role("button", name="Recuperar lo escrito")).to_have_count(0)

    # Leaving on purpose and logging out leave nothing behind.
    page.get_by_label("Razón social").fill("Nadie S.A.")
    kept(page)
    assert page.evaluate(DRAFTS) == 1
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("link", name="Volver sin guardar").click()
    page.wait_for_url("**/empleadores/list/**")
    assert page.evaluate(DRAFTS) == 0


def test_a_missing_employer_is_added_in_a_dialog_and_chosen(visitor: Visitor) -> None:
    page, name = visitor.page, {"phone": "Vivero Ysapy", "desktop": "Olería Tobatí"}[visitor.size]
    visitor.enter("mesa")
    visitor.go("/establecimientos/add")
    page.get_by_label("Dirección").fill("Ruta 2, km 20")
    box = page.get_by_role("combobox", name="Empleador")
    box.click()
    box.press_sequentially(name)
    new = page.get_by_role("option", name="Agregar empleador…")
    expect(page.locator(".sis-lookup-list [role=option]")).to_have_count(1)
    visitor.look("lookup-creates")
    box.press("ArrowUp")  # the last of the list
    expect(new).to_have_attribute("aria-selected", "true")
    box.press("Enter")
    dialog = page.get_by_role("dialog", name="Agregar empleador")
    expect(dialog.get_by_label("Razón social")).to_have_value(name)
    dialog.get_by_label("RUC").fill("80.009.735 - 9")
    dialog.get_by_label("Teléfono").fill("0981123456")
    dialog.get_by_label("Cédula").press_sequentially("1234567")
    expect(dialog.get_by_label("Cédula")).to_have_value("1.234.567")
    expect(dialog.get_by_label("Teléfono")).to_have_value("0981 123 456")
    expect(dialog.get_by_label("RUC")).to_have_value("80009735-9")
    dialog.get_by_role("button", name="Guardar").click()
    expect(dialog.get_by_text("no corresponde")).to_be_visible()
    visitor.look("dialog-error")
    expect(dialog.get_by_label("Razón social")).to_have_value(name)
    dialog.get_by_label("Cédula").fill("")
    ruc = {"phone": "80100300-8", "desktop": "80100301-6"}[visitor.size]
    dialog.get_by_label("RUC").fill(ruc)
    dialog.get_by_role("button", name="Guardar").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(box).to_have_value(f"{ruc} · {name}")
    expect(page.get_by_label("Dirección")).to_have_value("Ruta 2, km 20")
    page.get_by_label("Nombre", exact=False).first.fill("Casa central")
    district = page.get_by_role("combobox", name="Distrito")
    district.click()
    district.press_sequentially("luque")
    page.get_by_role("option", name="Luque (Central)").click()
    page.get_by_label("Dirección").press("Control+Enter")
    saved = page.get_by_text("Establecimiento: se guardó.")
    expect(saved.or_(page.get_by_label("Los revisé"))).to_be_visible()
