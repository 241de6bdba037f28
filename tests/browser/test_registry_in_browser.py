"""Intake registers an employer and an establishment without doubling them; a look-up by keyboard and by finger."""

from browser.visitor import Visitor
from playwright.sync_api import Locator, expect


def choose(visitor: Visitor, label: str, typed: str, option: str) -> Locator:
    """Look something up as a person does: by keyboard on a desktop, by finger on a phone."""
    page = visitor.page
    box = page.get_by_role("combobox", name=label)
    box.click()
    box.press_sequentially(typed)
    found = page.locator(".sis-lookup-list [role=option]").first
    expect(found).to_have_text(option)
    if visitor.size == "desktop":
        box.press("ArrowDown")
        expect(found).to_have_attribute("aria-selected", "true")
        box.press("Enter")
    else:
        found.click()
    expect(box).to_have_value(option)
    expect(page.get_by_role("listbox")).to_have_count(0)
    return box


def test_intake_registers_a_branch_without_doubling_it(visitor: Visitor) -> None:
    page, name = visitor.page, f"Librería Pira Para {visitor.size}"
    ruc = {"phone": "80100200-1", "desktop": "80100201-0"}[visitor.size]
    visitor.enter("mesa")
    visitor.go("/empleadores/list/")
    visitor.look("employers")
    filters = page.get_by_role("search", name="Empleadores")
    filters.get_by_role("searchbox", name="Buscar").fill("nandejara")
    filters.get_by_role("button", name="Buscar").click()
    expect(page.get_by_role("link", name="Ñandejára").first).to_be_visible()
    visitor.look("employers-found")

    page.get_by_role("link", name="Agregar empleador").click()
    page.get_by_label("RUC").fill(ruc)
    page.get_by_label("Razón social").fill(f"{name} S.A.")
    page.get_by_label("Situación").select_option("Activo")
    page.get_by_role("button", name="Guardar").click()
    similar = page.get_by_label("Los revisé")
    if similar.count():  # the other screen size registered its own before
        similar.check()
        page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_role("heading", name=f"{ruc} · {name} S.A.")).to_be_visible()
    visitor.look("employer")

    page.get_by_role("link", name="Agregar establecimiento").click()
    expect(page.get_by_role("combobox", name="Empleador")).to_have_value(f"{ruc} · {name} S.A.")
    page.get_by_label("Nombre", exact=False).first.fill("Casa central")
    page.get_by_label("Departamento").select_option("Central")
    choose(visitor, "Distrito", "luq", "Luque (Central)")
    page.get_by_label("Dirección").fill("Calle del Pira Para 321")
    visitor.look("establishment-form")
    page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_text("Establecimiento: se guardó.")).to_be_visible()
    page.get_by_role("link", name="Línea de tiempo").click()
    expect(page.get_by_role("region", name="Línea de tiempo")).to_be_visible()
    visitor.look("establishment")

    # The same RUC again: told while typing, and refused.
    visitor.go("/empleadores/add")
    page.get_by_label("RUC").press_sequentially(ruc)
    warning = page.get_by_role("status").filter(has_text="Ya existe:")
    expect(warning.get_by_role("link", name=f"{ruc} · {name} S.A.")).to_be_visible()
    page.get_by_label("Razón social").fill("Otra cosa")
    visitor.look("employer-double")
    page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_text(f"Ya existe: {ruc}").last).to_be_visible()

    # The same door again: shown on saving, until somebody says that it is another.
    visitor.go("/establecimientos/add")
    choose(visitor, "Empleador", ruc, f"{ruc} · {name} S.A.")
    page.get_by_label("Nombre", exact=False).first.fill("Sucursal")
    choose(visitor, "Distrito", "luque", "Luque (Central)")
    page.get_by_label("Dirección").fill("calle pira para 321")
    page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_text("Puede ser un establecimiento ya registrado")).to_be_visible()
    expect(page.get_by_role("combobox", name="Distrito")).to_have_value("Luque (Central)")
    visitor.look("establishment-double")


def test_a_look_up_is_worked_by_keyboard(visitor: Visitor) -> None:
    page = visitor.page
    visitor.enter("mesa")
    visitor.go("/establecimientos/add")
    box = page.get_by_role("combobox", name="Distrito")
    box.focus()
    box.press("ArrowDown")
    options = page.locator(".sis-lookup-list [role=option]")
    expect(options).to_have_count(20)
    box.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    box.press("Escape")
    expect(options).to_have_count(0)
    box.press_sequentially("zzzz")
    expect(page.get_by_text("Nada coincide.").last).to_be_visible()
    visitor.look("lookup-empty")
    box.fill("")
    box.press_sequentially("encarnacion")
    expect(options).to_have_text(["Encarnación (Itapúa)"])
    visitor.look("lookup-open")
    box.press("ArrowDown")
    box.press("Enter")
    expect(box).to_have_value("Encarnación (Itapúa)")
    assert page.url.endswith("/establecimientos/add"), "Enter chose and did not submit"
    page.get_by_label("Departamento").select_option("Central")
    expect(box).to_have_value("")
    box.click()
    expect(options.first).to_contain_text("(Central)")


def test_a_director_joins_doubles_and_takes_them_apart(visitor: Visitor) -> None:
    page, words = visitor.page, f"Responsable del puesto {visitor.size} del mercado"
    visitor.enter("coordinador")
    visitor.go("/empleadores/add")
    page.get_by_label("Descripción provisoria").fill(words)
    page.get_by_label("Situación").select_option("No registrado")
    page.get_by_role("button", name="Guardar").click()
    similar = page.get_by_label("Los revisé")
    if similar.count():
        similar.check()
        page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_text("Sin identificar: falta su RUC o cédula")).to_be_visible()
    page.get_by_text("Más", exact=True).click()
    page.get_by_role("link", name="Unir con otro").click()
    choose(visitor, "Segundo registro", "80990210", "80990210-9 · Panadería Mbarakaja E.A.S.")
    page.get_by_role("button", name="Comparar").click()
    visitor.look("merge")
    page.get_by_label("Conservar este").last.check()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Unir", exact=True).click()
    expect(page.get_by_text("Los registros se unieron.")).to_be_visible()
    visitor.go("/duplicados/")
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator(".sis-merge", has_text=words).get_by_role("button", name="Deshacer").click()
    expect(page.get_by_text("Se deshizo la unión")).to_be_visible()
    visitor.look("merge-undone")
