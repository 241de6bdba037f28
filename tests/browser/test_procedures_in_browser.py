"""An administrator changes the procedure on screen; another person publishes it; no deployment, no SQL."""

import re

from browser.visitor import Visitor
from playwright.sync_api import expect


def test_a_new_state_is_put_in_proposed_and_published(visitor: Visitor) -> None:
    page, number = visitor.page, f"2027-{visitor.size}"
    visitor.enter("admin")
    visitor.go("/procedimientos/2025-398/")
    page.get_by_role("link", name="Copiar a un borrador").click()
    page.get_by_label("Número").fill(number)
    page.get_by_role("button", name="Guardar en el borrador").click()
    page.wait_for_url(re.compile(f"/procedimientos/{number}/"))
    page.get_by_role("link", name="Informe final").click()
    page.wait_for_url(re.compile("proceso=report"))
    page.get_by_role("link", name="un estado después de En revisión de la DGIFT").click()
    page.get_by_label("Nombre").fill("Dictamen previo")
    page.get_by_role("textbox", name="Código", exact=False).first.fill("DICTAMEN_PREVIO")
    page.get_by_label("Texto del botón").fill("Pedir el dictamen previo")
    page.get_by_label("Código del paso").fill("pedir_dictamen_previo")
    page.get_by_label("Jurídico (DGAJ)").check()
    visitor.look("procedimiento-intercalar")
    with page.expect_navigation():
        page.get_by_role("button", name="Guardar en el borrador").click()
    expect(page.get_by_text("Impide publicar")).to_have_count(0)
    expect(page.locator("#estados").get_by_role("link", name="Dictamen previo", exact=True)).to_be_visible()
    visitor.look("procedimiento-borrador")
    day = "2027-01-04" if visitor.size == "phone" else "2027-01-05"
    page.get_by_label("Rige desde").fill(day)
    page.once("dialog", lambda dialog: dialog.accept())
    with page.expect_navigation():
        page.get_by_role("button", name="Proponer su publicación").click()
    expect(page.get_by_text("la publica otra persona").first).to_be_visible()
    page.context.clear_cookies()
    visitor.enter("director")
    visitor.go(f"/procedimientos/{number}/?proceso=report")
    page.once("dialog", lambda dialog: dialog.accept())
    with page.expect_navigation():
        page.get_by_role("button", name=re.compile("Publicar desde el")).click()
    expect(page.get_by_text("Se publicó")).to_be_visible()
    page.get_by_role("link", name="Qué cambia").click()
    expect(page.get_by_text("Dictamen previo").first).to_be_visible()
    visitor.look("procedimiento-diferencias")
