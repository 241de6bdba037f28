"""The signing desk as people use it: the minister signs several, the secretariat brings the folder back."""

import io
import re
from collections.abc import Iterator
from uuid import uuid4

import pypdf
import pytest
from browser.conftest import served
from browser.visitor import SIZES, Visitor
from flask import Flask
from inspection_samples import acting, draft
from playwright.sync_api import expect
from sqlalchemy import create_engine
from support import PASSWORD

from app import embedded
from app.core.base import Session
from app.operations import moves, signing
from app.operations.signing import Pick
from config import Settings

FOLDERS: dict[str, bytes] = {}
"""Size of the screen -> the papers that its secretariat has signed."""


@pytest.fixture(scope="module")
def server(app: Flask, prepared: Settings, cluster: embedded.Cluster) -> Iterator[str]:
    """The product on a database where orders wait for the minister."""
    urls = cluster.create_database(f"desk_{uuid4().hex[:8]}", template="prepared")
    engine = create_engine(urls.app_url, connect_args={"options": "-c timezone=UTC"})
    Session.remove()
    Session.configure(bind=engine)
    try:
        _fill()
    finally:
        Session.remove()
        Session.configure(bind=app.extensions["sis_engine"])
        engine.dispose()
    with served(urls, prepared) as address:
        yield address


def _fill() -> None:
    """For each screen: two orders to sign, two that were printed and signed by hand."""
    for size in SIZES:
        orders = [draft() for _ in range(4)]
        with acting("coordinador"):
            for order in orders:
                moves.move(order, "enviar_a_firma")
        with acting("secretaria"):
            content, _ = signing.printed([Pick("order", order.id, "firmar") for order in orders[2:]])
        assert content is not None
        writer = pypdf.PdfWriter(io.BytesIO(content))
        writer.add_blank_page(595, 842)
        out = io.BytesIO()
        writer.write(out)
        FOLDERS[size] = out.getvalue()


def test_minister_signs_two_with_one_password(visitor: Visitor) -> None:
    visitor.enter("ministro")
    visitor.go("/firmas/")
    page = visitor.page
    visitor.look("mesa-de-firmas")
    free = page.locator("tbody tr", has=page.get_by_text("Usted")).filter(has_not_text="Impreso")
    free.nth(0).get_by_role("checkbox").check()
    free.nth(1).get_by_role("link", name="Leer").click()
    reader = page.get_by_role("dialog")
    expect(reader.get_by_role("img", name="Página 1")).to_be_visible(timeout=30_000)
    visitor.look("mesa-leer")
    reader.get_by_label("Elegir").check()
    reader.get_by_role("button", name="Cerrar").click()
    expect(free.nth(1).get_by_role("checkbox")).to_be_checked()
    page.get_by_role("button", name="Firmar los elegidos (2)").click()
    assert page.locator("code").count() == 2
    visitor.look("mesa-revisar")
    page.get_by_label("Su contraseña").fill("otra")
    page.get_by_role("button", name="Firmar 2 documentos").click()
    page.get_by_text("La contraseña no es correcta").wait_for()
    page.get_by_label("Su contraseña").fill(PASSWORD)
    page.get_by_role("button", name="Firmar 2 documentos").click()
    page.get_by_text("2 firmados").wait_for()
    assert page.get_by_role("link", name=re.compile("OI-2")).count() == 2
    visitor.look("mesa-resultado")


def test_secretariat_brings_the_signed_folder_back(visitor: Visitor) -> None:
    visitor.enter("secretaria")
    visitor.go("/firmas/")
    page = visitor.page
    scan = {"name": "carpeta.pdf", "mimeType": "application/pdf", "buffer": FOLDERS[visitor.size]}
    page.get_by_label("Escaneo de los documentos firmados").set_input_files(scan)  # type: ignore[arg-type]
    page.get_by_role("button", name="Separar los documentos").click()
    page.wait_for_url(re.compile(r"/firmas/carpetas/\d+"))
    page.get_by_text("2 documentos reconocidos por su QR").wait_for()
    last = len(pypdf.PdfReader(io.BytesIO(FOLDERS[visitor.size])).pages)
    page.get_by_label(f"Página {last}", exact=True).and_(page.locator("select")).select_option("descartar")
    visitor.look("mesa-carpeta")
    page.get_by_role("button", name="Confirmar y adjuntar").click()
    page.get_by_text("2 adjuntados").wait_for()
    visitor.go("/firmas/")
    assert page.get_by_text("Carpetas sin terminar").count() == 0
