"""IT imports the historical register on screen: reading, dry run, progress, result, correction, undoing."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.visitor import Visitor
from playwright.sync_api import expect
from sqlalchemy import create_engine
from support import ROOT
from test_register_import import register, row

from app import embedded
from config import Settings


@pytest.fixture
def worker(server: str, prepared: Settings, cluster: embedded.Cluster) -> Iterator[None]:
    """A worker on the database of the browser's server."""
    engine = create_engine(prepared.DATABASE_OWNER_URL)
    with engine.connect() as connection:
        names = "SELECT datname FROM pg_database WHERE datname LIKE 'browser_%%' ORDER BY oid DESC LIMIT 1"
        database = connection.exec_driver_sql(names).scalar_one()
    engine.dispose()
    url = re.sub(r"@/[^?]+", f"@/{database}", prepared.DATABASE_URL or "")
    environ = dict(os.environ, DATABASE_URL=url, SIS_DATA_DIR=str(prepared.SIS_DATA_DIR), SIS_ENV="training")
    process = subprocess.Popen([sys.executable, "-m", "app.jobs"], cwd=ROOT, env=environ)
    yield
    process.terminate()
    process.wait(40)


def test_a_register_is_read_tried_imported_corrected_and_undone(
    visitor: Visitor, worker: None, tmp_path: Path
) -> None:
    page, base = visitor.page, len(visitor.size) * 100
    page.on("dialog", lambda dialog: dialog.accept())
    one = row(base, infractions="Extintores vencidos", outcome="Con infracción", fine="2.000.000")
    file = tmp_path / f"registro-{visitor.size}.csv"
    file.write_bytes(
        register(
            one, row(base, workers="11", men="7"), row(base + 1, ruc=""), row(base + 2, district="Xx"),
            row(base + 3, address="Calle Paraná 45"),
        )
    )  # fmt: skip
    visitor.enter("admin")
    visitor.go("/importaciones/list/")
    page.get_by_label("Archivo").set_input_files(str(file))
    page.get_by_role("button", name="Cargar y ver la lectura").click()
    expect(page.get_by_role("heading", name="Primeras filas, como se leen")).to_be_visible()
    expect(page.get_by_label("Separador de columnas")).to_have_value(";")
    visitor.look("register-layout")
    page.get_by_role("button", name="Guardar y probar").click()
    # The page follows the work by itself, from the wait to the result.
    expect(page.get_by_role("heading", name="Resultado de la prueba")).to_be_visible(timeout=60_000)
    visitor.look("register-trial")
    page.get_by_role("button", name="Importar").click()
    expect(page.get_by_role("heading", name="En cuarentena, por causa")).to_be_visible(timeout=60_000)
    batch = page.url
    visitor.look("register-result")

    page.get_by_role("row", name=re.compile("Distrito desconocido")).get_by_role(
        "link", name="Corregir"
    ).click()
    page.get_by_role("link", name="Fila 5").click()
    expect(page.get_by_text("«Xx» no existe").first).to_be_visible()
    page.get_by_label("Distrito", exact=True).fill("Nada")
    page.get_by_role("button", name="Guardar y juzgar de nuevo").click()
    expect(page.get_by_label("Distrito", exact=True)).to_have_value("Nada")
    visitor.look("register-row")
    page.get_by_label("Distrito", exact=True).fill("San Lorenzo")
    page.get_by_role("button", name="Guardar y juzgar de nuevo").click()
    expect(page.get_by_text("La fila 5 se importó.")).to_be_visible()

    page.get_by_role("row", name=re.compile("Acta ya importada")).get_by_role("link", name="Comparar").click()
    page.get_by_role("link", name="Fila 3").click()
    expect(page.get_by_role("heading", name="Las dos actas, lado a lado")).to_be_visible()
    visitor.look("register-conflict")
    page.get_by_role("button", name="Vale esta fila").click()
    expect(page.get_by_text("reemplazó a la anterior")).to_be_visible()
    page.get_by_role("button", name="Tomar todas como provisorias").click()
    expect(page.get_by_text("1 fila se importó con empleador provisorio.")).to_be_visible()
    visitor.look("register-settled")

    page.get_by_role("button", name="Deshacer el lote").click()
    expect(page.locator(".sis-state", has_text="Deshecho")).to_be_visible(timeout=60_000)
    assert page.url == batch
