"""An inspector at the door with a phone: starts the visit, answers, takes a photo, gathers the signatures, ends."""

import io
import re
import unicodedata
from collections.abc import Iterator
from uuid import uuid4

import pypdf
import pytest
from browser.conftest import served
from browser.visitor import SIZES, Visitor
from flask import Flask
from inspection_samples import acting, assigned, photo
from playwright.sync_api import Locator, expect
from sqlalchemy import create_engine
from support import PASSWORD

from app import embedded
from app.core.base import Session
from app.operations.inspections import visits
from config import Settings

PLANNED: dict[str, int] = {}
"""Size of the screen -> the visit that waits for its inspector."""


@pytest.fixture(scope="module")
def server(app: Flask, prepared: Settings, cluster: embedded.Cluster) -> Iterator[str]:
    """The product on a database in which a visit waits for each size of screen."""
    urls = cluster.create_database(f"visit_{uuid4().hex[:8]}", template="prepared")
    engine = create_engine(urls.app_url, connect_args={"options": "-c timezone=UTC"})
    Session.remove()
    Session.configure(bind=engine)
    try:
        with app.app_context():
            for size in SIZES:
                order = assigned()
                with acting("inspector1"):
                    PLANNED[size] = visits.plan(order, {"kind": "INICIAL"}).id
    finally:
        Session.remove()
        Session.configure(bind=app.extensions["sis_engine"])
        engine.dispose()
    with served(urls, prepared) as address:
        yield address


def draw(visitor: Visitor, canvas: Locator) -> None:
    """Sign with the finger, or the mouse."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    mouse = visitor.page.mouse
    mouse.move(box["x"] + 20, box["y"] + 60)
    mouse.down()
    for step in range(1, 8):
        mouse.move(box["x"] + 20 + step * 30, box["y"] + (20 if step % 2 else 80), steps=3)
    mouse.up()


def _lose_and_send_again(visitor: Visitor, question: Locator) -> None:
    """What the server did not take stays on the page, is said, and goes when it is sent again."""
    page = visitor.page
    sent = re.compile("/cuestionario/")
    page.route(sent, lambda route: route.fulfill(status=200, content_type="text/html", body="Entrar"))
    question.get_by_label("Trabajadores afectados").fill("7")
    question.get_by_label("Trabajadores afectados").blur()
    expect(question.get_by_role("status")).to_contain_text("No se guardó")
    expect(page.get_by_text("1 respuesta sin guardar")).to_be_visible()
    page.unroute(sent)
    question.get_by_role("button", name="Reintentar").click()
    expect(question.get_by_role("status")).to_contain_text("Guardado a las")
    expect(page.get_by_text("1 respuesta sin guardar")).to_have_count(0)


def _answer_from_the_keyboard(visitor: Visitor) -> None:
    """On a question 1 to 4 answer it, and Enter goes to the next one."""
    questions = visitor.page.locator(".sis-question")
    questions.nth(1).get_by_role("radio").first.focus()
    visitor.page.keyboard.press("4")
    expect(questions.nth(1).get_by_label("No verificado")).to_be_checked()
    expect(questions.nth(1).get_by_role("status")).to_contain_text("Guardado a las")
    visitor.page.keyboard.press("Enter")
    expect(questions.nth(2).get_by_role("radio").first).to_be_focused()


def words(content: bytes) -> str:
    """The text of a PDF, on one line."""
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)
    return " ".join(unicodedata.normalize("NFC", text).split())


def test_inspector_makes_a_visit_from_the_door_to_the_signed_acta(visitor: Visitor) -> None:
    page = visitor.page
    page.context.grant_permissions(["geolocation"])
    page.context.set_geolocation({"latitude": -25.2867, "longitude": -57.647, "accuracy": 12})
    visitor.enter("inspector1")
    visitor.go("/visitas/")
    visitor.look("visits")
    visitor.go(f"/visitas/{PLANNED[visitor.size]}")
    visitor.look("visit-planned")
    page.get_by_role("link", name="Iniciar la visita").click()
    page.get_by_role("button", name="Tomar la ubicación del teléfono").click()
    expect(page.get_by_text("con una precisión de 12 m")).to_be_visible()
    visitor.look("visit-start")
    page.get_by_role("button", name="Iniciar la visita").click()

    expect(page.get_by_role("heading", name="Lugar y persona")).to_be_visible()
    page.get_by_label("Atendió la visita").fill("Rosa Cáceres")
    page.get_by_label("Cargo de quien atendió").fill("Encargada de turno")
    visitor.look("visit-data")
    page.get_by_role("button", name="Guardar y seguir").click()

    expect(page.get_by_role("heading", name="Trabajadores")).to_be_visible()
    page.get_by_label("Total: hombres").fill("4")
    for _ in range(3):
        page.get_by_role("button", name="Uno más: mujeres, Total").click()
    expect(page.get_by_label("Total: mujeres")).to_have_value("3")
    page.get_by_role("button", name="Poner 0 en lo que está vacío").click()
    expect(page.get_by_label("Con IPS: mujeres")).to_have_value("0")
    visitor.look("visit-workers")
    page.get_by_role("button", name="Guardar y seguir").click()

    expect(page.get_by_role("heading", name="Cuestionario")).to_be_visible()
    first = page.locator(".sis-question").first
    first.get_by_text("No cumple", exact=True).click()
    expect(first.get_by_text("Hallazgo que se abre")).to_be_visible()
    expect(first.get_by_role("status")).to_contain_text("Guardado a las")
    _lose_and_send_again(visitor, first)
    first.get_by_label("Trabajadores afectados").fill("2")
    first.get_by_label("Trabajadores afectados").blur()
    first.locator("input[type=file]").set_input_files(
        {"name": "puerta.jpg", "mimeType": "image/jpeg", "buffer": photo()}
    )
    expect(first.locator(".sis-thumbs img")).to_have_count(1)
    first.get_by_label("Hechos constatados").fill("Se encuentra a dos niños cargando cajas.")
    visitor.look("visit-question")
    first.get_by_role("button", name="Confirmar este hallazgo").click()
    expect(page.get_by_text("Hallazgo confirmado.")).to_be_visible()
    _answer_from_the_keyboard(visitor)
    for _ in range(12):
        visitor.answer_section("No aplica")
        if page.get_by_role("heading", name="Hallazgos", exact=True).count():
            break
    expect(page.get_by_text("Se encuentra a dos niños")).to_be_visible()
    visitor.look("visit-findings")
    page.get_by_role("link", name="Seguir: Fotos y pruebas").click()
    page.locator("#file").set_input_files(
        {"name": "patio.jpg", "mimeType": "image/jpeg", "buffer": photo((40, 60, 120))}
    )
    page.get_by_label("Descripción").fill("Patio de carga")
    page.get_by_role("button", name="Guardar la prueba").click()
    expect(page.get_by_text("Patio de carga")).to_be_visible()
    visitor.look("visit-proofs")
    page.get_by_role("link", name="Seguir: Documentos y relato").click()
    page.get_by_label("Relato de lo constatado").fill("Se recorre el local con la encargada.")
    page.get_by_role("button", name="Guardar y seguir").click()
    page.get_by_label("Manifestaciones de la parte empleadora").fill("Dice que regularizará.")
    page.get_by_role("button", name="Guardar y seguir").click()

    expect(page.get_by_role("heading", name="Firmas")).to_be_visible()
    page.get_by_label("Su contraseña").fill(PASSWORD)
    page.get_by_role("button", name="Firmar con la contraseña").first.click()
    me = page.get_by_role("region", name="Lourdes Vázquez Riquelme")
    expect(me.get_by_text("Firmó")).to_be_visible()
    colleague = page.get_by_role("region", name="Nelson Ojeda Cabañas")
    colleague.get_by_text("Firmar con el dedo").click()
    draw(visitor, colleague.locator("canvas"))
    colleague.get_by_role("button", name="Guardar la firma").click()
    expect(colleague.get_by_text("Debe confirmar con su usuario")).to_be_visible()

    # Refused for want of a name: what was drawn is drawn again.
    page.get_by_label("Nombre y apellido").fill("")
    draw(visitor, page.locator("canvas").last)
    page.get_by_role("button", name="Guardar la firma o la negativa").click()
    expect(page.get_by_text("Escriba el nombre")).to_be_visible()
    expect(page.locator("input[name=drawing]").last).to_have_value(re.compile("^data:image/png"))
    page.get_by_label("Nombre y apellido").fill("Rosa Cáceres")
    visitor.look("visit-signatures")
    page.get_by_role("button", name="Guardar la firma o la negativa").click()
    expect(page.locator(".sis-cards").get_by_text("Firmó")).to_be_visible()
    page.get_by_role("link", name="Seguir: Cierre").click()
    visitor.look("visit-close")
    page.get_by_role("link", name="Firmar el acta y finalizar").click()
    page.get_by_role("button", name="Firmar el acta y finalizar").click()

    link = page.get_by_role("link", name="Descargar el acta")
    expect(link).to_be_visible(timeout=30_000)
    visitor.look("visit-signed")
    with page.expect_download() as download:
        link.click()
    text = words(download.value.path().read_bytes())
    for said in (
        "Rosa Cáceres",
        "Se encuentra a dos niños cargando cajas.",
        "Se recorre el local con la encargada.",
        "Dice que regularizará.",
        "Patio de carga",
        "-25.28670, -57.64700",
        "Nelson Ojeda Cabañas",
    ):
        assert said in text, said
    page.get_by_label("En papel, en el acto").check()
    page.get_by_role("button", name="Registrar la entrega").click()
    expect(page.get_by_text("La entrega de la copia quedó registrada.")).to_be_visible()
