"""A forgotten password by code, people from a spreadsheet, a role of one's own: on a phone and at a desk."""

from browser.visitor import Visitor
from playwright.sync_api import expect


def test_a_code_on_paper_brings_an_inspector_back(visitor: Visitor) -> None:
    page = visitor.page
    name = {"phone": "inspector1", "desktop": "inspector2"}[visitor.size]
    visitor.enter("coordinador")
    visitor.go("/codigos/list/")
    visitor.look("codes")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("row").filter(has_text=name).get_by_role("button").click()
    code = page.locator(".sis-code code").inner_text()
    visitor.look("slip")
    page.context.clear_cookies()
    visitor.go("/login/")
    page.get_by_role("link", name="Tengo un código").click()
    page.get_by_label("Usuario").fill(name)
    page.get_by_label("Código").fill(code)
    for label in ("Contraseña nueva", "Repita la contraseña nueva"):
        page.get_by_label(label, exact=False).last.fill("password12345")
    page.locator("#new").fill("password12345")
    page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_text("se adivinan pronto")).to_be_visible()
    expect(page.get_by_label("Código")).to_have_value(code)
    visitor.look("code-error")
    for field in ("#new", "#again"):
        page.locator(field).fill("lluvia mansa sobre el lapacho")
    page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_text("Tiene una contraseña nueva")).to_be_visible()


def test_people_come_from_a_spreadsheet_with_a_slip_each(visitor: Visitor) -> None:
    page, tag = visitor.page, visitor.size
    visitor.enter("admin")
    visitor.go("/usuarios/planilla")
    visitor.look("sheet")
    rows = f"Nombre;Apellido;Correo;Función\nÑeca;{tag}uno;n{tag}@x.gov.py;Inspector\n"
    file = {"name": "gente.csv", "mimeType": "text/csv"}
    page.locator("#sheet").set_input_files({**file, "buffer": (rows + "Ana;;malo;Jefe\n").encode("cp1252")})
    page.get_by_role("button", name="Cargar y revisar").click()
    expect(page.get_by_text("Falta el apellido")).to_be_visible()
    visitor.look("review-error")
    page.get_by_role("link", name="Cargar otra planilla").click()
    page.locator("#sheet").set_input_files({**file, "buffer": rows.encode("cp1252")})
    page.get_by_role("button", name="Cargar y revisar").click()
    page.get_by_role("button", name="Crear las 1 cuentas").click()
    expect(page.locator(".sis-slip")).to_have_count(1)
    visitor.look("slips")


def test_informatica_copies_a_role_and_gathers_a_group(visitor: Visitor) -> None:
    page, tag = visitor.page, visitor.size
    visitor.enter("admin")
    visitor.go("/funciones/matriz/")
    visitor.look("matrix")
    visitor.go("/funciones/list/")
    visitor.look("roles")
    page.get_by_role("link", name="Copiar una función").click()
    page.get_by_label("Función de base").select_option("Inspector")
    page.get_by_role("button", name="Seguir").click()
    page.get_by_label("Nombre").fill("Inspector")
    page.locator("input[value='can_list:Worker']").uncheck()
    page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_text("Ya hay una función con ese nombre")).to_be_visible()
    expect(page.locator("input[value='can_list:Worker']")).not_to_be_checked()
    visitor.look("role-error")
    page.get_by_label("Nombre").fill(f"Inspector de {tag}")
    page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_role("heading", name="No puede")).to_be_visible()
    visitor.look("role")
    visitor.go("/grupos/add")
    page.get_by_label("Nombre").fill(f"Operativo {tag}")
    page.get_by_label(f"Inspector de {tag}").check()
    page.get_by_role("button", name="Guardar").click()
    page.get_by_label("Agregar a una persona").fill("estadistica")
    page.get_by_role("button", name="Agregar").click()
    expect(page.get_by_text("integra el grupo.")).to_be_visible()
    visitor.look("group")
