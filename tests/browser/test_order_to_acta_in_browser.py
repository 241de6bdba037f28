"""From the draft of an order to the signed acta and its public page: coordinator, minister, inspector."""

import io
import re
import unicodedata

import pypdf
from browser.visitor import Visitor
from playwright.sync_api import Page, expect
from support import PASSWORD

ORDER = re.compile(r"OI-\d{4}-\d{6}")


def words(content: bytes) -> str:
    """The text of a PDF, on one line."""
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)
    return " ".join(unicodedata.normalize("NFC", text).split())


def downloaded(page: Page, name: str | re.Pattern[str]) -> str:
    """The text of the PDF behind a link."""
    with page.expect_download() as download:
        page.get_by_role("link", name=name).first.click()
    return words(download.value.path().read_bytes())


def leave(visitor: Visitor) -> None:
    """Close the session, so that another person enters."""
    visitor.page.context.clear_cookies()


def test_coordinator_minister_and_inspector_take_an_order_to_its_signed_acta(visitor: Visitor) -> None:
    page = visitor.page
    visitor.enter("coordinador")
    visitor.go("/ordenes/nueva")
    page.get_by_label("Clase de orden").select_option("De establecimiento")
    page.get_by_label("Modo de inicio").select_option("De oficio")
    page.get_by_role("combobox", name="Empleador").fill("aserradero")
    page.locator(".sis-lookup-list > li:visible").first.click()
    page.get_by_role("combobox", name="Establecimiento").fill("c")
    page.locator(".sis-lookup-list > li:visible").first.click()
    page.get_by_role("button", name="Agregar este establecimiento").click()
    employer = page.locator(".sis-chips strong").inner_text()
    page.get_by_label("Trabajo infantil y adolescente", exact=True).check()
    for other in page.get_by_role("group", name="Listas de control").locator("input:checked").all():
        other.uncheck()
    page.get_by_label(re.compile("CL-INF")).check()
    page.get_by_label("Lourdes Vázquez Riquelme", exact=True).check()
    page.get_by_label("Líder: Lourdes Vázquez Riquelme").check()
    visitor.look("order-draft")
    page.get_by_role("button", name="Guardar el proyecto").last.click()
    expect(page.get_by_text("Proyecto de orden guardado.")).to_be_visible()
    file = page.url
    page.get_by_role("link", name="Enviar a la firma").click()
    page.get_by_role("button", name="Enviar a la firma").click()
    expect(page.get_by_text("Pendiente de firma").first).to_be_visible()

    leave(visitor)
    visitor.enter("ministro")
    page.goto(file)
    page.get_by_role("link", name="Firmar y emitir la orden").click()
    visitor.look("order-sign")
    page.get_by_label("Su contraseña").fill("una clave equivocada")
    page.get_by_role("button", name="Firmar y emitir la orden").click()
    expect(page.get_by_text("La contraseña no es correcta")).to_be_visible()
    page.get_by_label("Su contraseña").fill(PASSWORD)
    page.get_by_role("button", name="Firmar y emitir la orden").click()
    expect(page.get_by_text("hecho.")).to_be_visible()
    number = page.get_by_role("heading", level=1).inner_text().split()[0]
    assert ORDER.fullmatch(number)
    order = downloaded(page, number)
    assert number in order and employer in order and "Lourdes Vázquez Riquelme" in order
    visitor.look("order-signed")
    page.get_by_role("link", name="Línea de tiempo").click()
    page.reload()  # the address keeps the part
    expect(page.get_by_role("region", name="Línea de tiempo")).to_be_visible()
    expect(page.get_by_role("region", name="Resumen")).to_be_hidden()

    leave(visitor)
    visitor.enter("coordinador")
    page.goto(file)
    page.get_by_role("link", name="Asignar y avisar a los inspectores").click()
    page.get_by_role("button", name="Asignar y avisar a los inspectores").click()
    expect(page.get_by_text("Asignada").first).to_be_visible()

    leave(visitor)
    visitor.enter("inspector1")
    expect(page.get_by_text(number).first).to_be_visible()
    page.goto(file)
    page.get_by_role("button", name="Preparar una visita").click()
    page.get_by_role("link", name="Iniciar la visita").click()
    page.get_by_role("button", name="Iniciar la visita").click()
    page.get_by_label("Atendió la visita").fill("Rosa Cáceres")
    page.get_by_role("button", name="Guardar y seguir").click()
    page.get_by_label("Total: hombres").fill("4")
    page.get_by_label("Total: mujeres").fill("3")
    page.get_by_role("button", name="Poner 0 en lo que está vacío").click()
    page.get_by_role("button", name="Guardar y seguir").click()
    for _ in range(12):
        visitor.answer_section("No aplica")
        if page.url.endswith("/hallazgos"):
            break
    page.goto(page.url.partition("/hallazgos")[0] + "/firmas")
    page.get_by_label("Su contraseña").fill(PASSWORD)
    page.get_by_role("button", name="Firmar con la contraseña").first.click()
    page.get_by_label("Nombre y apellido").fill("Rosa Cáceres")
    page.get_by_label("No quiso firmar: motivo").fill("Esperará a su abogado.")
    page.get_by_role("button", name="Guardar la firma o la negativa").click()
    page.get_by_role("link", name="Seguir: Cierre").click()
    page.get_by_role("link", name="Firmar el acta y finalizar").click()
    page.get_by_role("button", name="Firmar el acta y finalizar").click()
    expect(page.get_by_role("link", name="Descargar el acta")).to_be_visible(timeout=30_000)
    acta = downloaded(page, "Descargar el acta")
    for said in (number, employer, "Rosa Cáceres", "Esperará a su abogado.", "Lourdes Vázquez Riquelme"):
        assert said in acta, said

    code = re.search(r"/v/([2-9A-Z]{8})", acta)
    assert code
    leave(visitor)
    visitor.go(f"/v/{code[1]}?lang=es")
    expect(page.get_by_text("Documento válido")).to_be_visible()
    shown = page.locator("main").inner_text()
    assert "Rosa" not in shown and employer not in shown
    visitor.look("verify")
