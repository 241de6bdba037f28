"""A person at a screen, for the browser tests."""

import re
from dataclasses import dataclass

from playwright.sync_api import Page, expect
from support import PASSWORD, ROOT

SIZES = {"phone": (390, 844), "desktop": (1440, 900)}
SHOTS = ROOT / "tests" / "browser" / "screenshots"


@dataclass
class Visitor:
    """A person at a screen."""

    page: Page
    address: str
    size: str

    def go(self, path: str) -> None:
        """Open a path of the product."""
        self.page.goto(self.address + path)

    def enter(self, username: str) -> None:
        """Log in through the page."""
        self.go("/login/")
        self.page.get_by_label("Usuario").fill(username)
        self.page.get_by_label("Contraseña").fill(PASSWORD)
        self.page.get_by_role("button", name="Entrar").click()
        self.page.wait_for_url(f"{self.address}/")

    def answer_section(self, answer: str) -> None:
        """Give this answer to every question of the section that has none, and go on to the next one."""
        page = self.page
        page.wait_for_url(re.compile("/cuestionario/"))
        rest = page.locator(".sis-rest summary")
        if rest.count():
            rest.click()
            page.get_by_label("Con la respuesta").select_option(answer)
            page.get_by_label("Sí: revisé").check()
            page.get_by_role("button", name="Responder las que faltan").click()
            expect(page.get_by_role("status").get_by_text("Las que exigen prueba")).to_be_visible()
        open_questions = page.locator(".sis-question:visible:not(:has(:checked))")
        while open_questions.count():
            open_questions.first.get_by_text(answer, exact=True).click()
        with page.expect_navigation():
            page.get_by_role("button", name="Guardar y seguir").click()

    def look(self, name: str) -> None:
        """Keep a picture, and see that nothing sticks out to the side."""
        SHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=str(SHOTS / f"{name}-{self.size}.png"), full_page=True)
        width: int = self.page.evaluate("document.documentElement.scrollWidth")
        assert width <= SIZES[self.size][0], f"{name}: the page is {width} px wide"
