"""Long tasks: how long the browser's main thread is taken by one piece of work while a person works.

A headless Chromium does what people do all day, at its own speed and with the processor slowed four times (a
cheap telephone). A task over 50 ms is felt; the goal is none over 100 ms at full speed. Nothing is asserted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

SLOWED = 4
OBSERVE = """
  window.longTasks = [];
  new PerformanceObserver(list => window.longTasks.push(...list.getEntries().map(each => each.duration)))
    .observe({type: 'longtask', buffered: true});
"""
QUIET = "() => new Promise(done => setTimeout(() => requestIdleCallback(done), 300))"
"""The answer is on the screen and the main thread has nothing left: by now the observer has told all."""


@dataclass
class Interaction:
    """What one thing that a person does costs: the long tasks in milliseconds, slowed `factor` times."""

    name: str
    factor: int
    tasks: list[float]


def long_tasks(
    chromium: str, address: str, password: str, people: dict[str, str], visit: int
) -> list[Interaction]:
    """Each thing at each speed. `people`: coordinator and inspector -> username; `visit`: one under way."""

    def search(page: Page) -> None:
        page.locator("#q").press_sequentially("kara", delay=60)
        page.wait_for_url("**q=kara**")

    def palette(page: Page) -> None:
        page.keyboard.press("Control+k")
        page.keyboard.type("kara", delay=60)
        expect(page.locator("#paleta").get_by_role("option").first).to_be_visible()

    def form(page: Page) -> None:
        page.goto(f"{address}/ordenes/nueva")

    def record(page: Page) -> None:
        page.locator("main tbody tr a").first.click()
        page.wait_for_url("**/ordenes/*")

    def answer(page: Page) -> None:
        with page.expect_response(lambda sent: sent.request.method == "POST"):
            page.locator(".sis-question").first.locator(".sis-answer:not(:has(:checked))").first.click()

    steps: list[tuple[str, str, str, Callable[[Page], None]]] = [
        ("type in the search of a list", "coordinator", "/ordenes/list/", search),
        ("open the palette and type", "coordinator", "/", palette),
        ("open a form", "coordinator", "/", form),
        ("open a record from its list", "coordinator", "/ordenes/list/", record),
        ("answer a question", "inspector", f"/visitas/{visit}/cuestionario", answer),
    ]
    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for who, username in people.items():
            context = browser.new_context(viewport={"width": 390, "height": 844}, locale="es-PY")
            context.add_init_script(OBSERVE)
            page = context.new_page()
            page.goto(f"{address}/login/")
            page.get_by_label("Usuario").fill(username)
            page.get_by_label("Contraseña").fill(password)
            page.get_by_role("button", name="Entrar").click()
            page.wait_for_url(f"{address}/")
            session = context.new_cdp_session(page)
            for factor in (1, SLOWED):
                session.send("Emulation.setCPUThrottlingRate", {"rate": factor})
                for name, person, path, do in steps:
                    if person == who:
                        found.append(Interaction(name, factor, _measured(page, address + path, do)))
        browser.close()
    return found


def _measured(page: Page, url: str, do: Callable[[Page], None]) -> list[float]:
    page.goto(url)
    page.evaluate(QUIET)
    page.evaluate("window.longTasks = []")
    do(page)
    page.evaluate(QUIET)
    tasks: list[Any] = page.evaluate("window.longTasks")
    return [round(float(task)) for task in tasks]


def table(found: list[Interaction]) -> str:
    """The figures as Markdown."""
    lines = [
        "| interaction | processor | long tasks | over 100 ms | longest ms |",
        "| --- | --: | --: | --: | --: |",
    ]
    for each in found:
        over, longest = sum(task > 100 for task in each.tasks), max(each.tasks, default=0)
        lines.append(f"| {each.name} | 1/{each.factor} | {len(each.tasks)} | {over} | {longest:.0f} |")
    return "\n".join(lines)
