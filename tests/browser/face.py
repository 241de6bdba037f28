"""The walk over every screen of the menu and what its links lead to, and what is looked at on each.

A screen is an endpoint: it is opened once, as the first of `WALKERS` that a link leads to it (the home page and
each list of the menu: as everybody who has it). A page is loaded once; theme and width change under it.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

from browser.visitor import SHOTS, SIZES, Visitor
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Error, Page
from support import ROOT
from werkzeug.exceptions import HTTPException

WALKERS = ("inspector1", "coordinador", "ministro", "admin")
NARROW, NARROWEST = 360, 320
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules that a theme decides; all others see the same page in both."""

ENGLISH = re.compile(
    r"\b(?:the|and|with|this|your|List|Show|Add|Edit|Delete|Search|Save|Submit|Cancel|Close|Back|Next|Previous|"
    r"Loading|Filters?|Actions|Refresh|Log ?in|Log ?out|Password|Users?|Record Count|Page size|Yes|Sort|Download|"
    r"Upload|Please|Required|Invalid|None|Null|True|False|undefined|NaN|Not found|Created|Changed)\b"
)

HREF = re.compile(r'<a [^>]*href="([^"]+)"')
WATCH = """
  window.sisFace = {shift: 0, refused: []};
  new PerformanceObserver(list => { for (const each of list.getEntries())
    if (!each.hadRecentInput) window.sisFace.shift += each.value;
  }).observe({type: 'layout-shift', buffered: true});
  document.addEventListener('securitypolicyviolation', each =>
    window.sisFace.refused.push(`${each.violatedDirective}: ${each.blockedURI} ${each.sample}`));
"""
SETTLED = """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"""
READ = """() => {
  for (const each of document.querySelectorAll('main details, nav details')) each.open = true;
  const words = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode())
    if (!texts.currentNode.parentElement.closest('script, style, code, pre, kbd, textarea, [lang=en]'))
      words.push(texts.currentNode.data);
  for (const each of document.querySelectorAll('[aria-label], [title], [placeholder], [alt]'))
    for (const name of ['aria-label', 'title', 'placeholder', 'alt']) words.push(each.getAttribute(name) ?? '');
  return {
    words: words.map(each => each.trim()).filter(Boolean),
    links: [...document.querySelectorAll('a[href]:not([download])')].map(each => each.href),
    pictures: [...document.querySelectorAll('use[href*="/icons"]')].map(each => each.getAttribute('href').split('#')[1]),
    headings: document.querySelectorAll('h1').length,
    title: document.title,
    shift: window.sisFace.shift,
  };
}"""
AXE = """async ([kind, values]) => {
  const found = await axe.run(document, {runOnly: {type: kind, values}, resultTypes: ['violations'],
    iframes: false, preload: false, ancestry: false});
  return found.violations.flatMap(rule => rule.nodes.slice(0, 4).map(node =>
    `${rule.id}: ${node.target.join(' ')} | ${(node.any[0] ?? node.all[0] ?? node.none[0])?.message ?? ''}`));
}"""


@cache
def axe() -> str:
    """The source of axe-core, of the front end's packages."""
    return (ROOT / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


@cache
def sprite() -> frozenset[str]:
    """The pictures that there are."""
    return frozenset((ROOT / "app/assets/icons.txt").read_text(encoding="utf-8").split())


@dataclass
class Screen:
    """A page as it was seen: what was found is a list of words for each thing that was looked at."""

    name: str
    path: str
    shift: float = 0.0
    size: int = 0
    found: dict[str, list[str]] = field(default_factory=dict)

    def note(self, what: str, words: list[str]) -> None:
        """Keep what was found, if anything."""
        if words:
            self.found.setdefault(what, []).extend(words)


@dataclass
class Walk:
    """Goes from link to link; `screens` holds what it saw."""

    app: Flask
    browser: Browser
    address: str
    screens: list[Screen] = field(default_factory=list)
    known: set[str] = field(default_factory=set)

    def __call__(self) -> list[Screen]:
        """Every screen, as those who use it."""
        for person in WALKERS:
            self._as(person)
        return self.screens

    def endpoint(self, url: str) -> str:
        """The endpoint behind an address of the product; empty for anything else."""
        try:
            endpoint, _ = self.app.url_map.bind("").match(urlsplit(url).path or "/", method="GET")
        except HTTPException:
            return ""
        return str(endpoint)

    def _as(self, person: str) -> None:
        complaints: list[str] = []
        context = self._context(complaints)
        page = context.new_page()
        Visitor(page, self.address, "desktop").enter(person)
        queue, met = deque([f"{self.address}/"]), {"HomeView.index"}
        own = {"HomeView.index"}  # what each person sees his own way
        while queue:
            url = queue.popleft()
            endpoint = self.endpoint(url)
            if endpoint in self.known and endpoint not in own:
                links = self._only_links(page, url)
            elif screen := self._see(page, url, f"{endpoint} {person}"):
                self.known.add(endpoint)
                screen.note("console", complaints)
                complaints.clear()
                links = self._links
            else:
                continue
            for link in links:
                target = self.endpoint(link)
                if target and target not in met and link.startswith(self.address):
                    met.add(target)
                    queue.append(link)
        context.close()

    def _only_links(self, page: Page, url: str) -> list[str]:
        """Where a page leads that somebody saw already: another person may go further from it."""
        answer = page.context.request.get(url)
        if "text/html" not in answer.headers.get("content-type", ""):
            return []
        return [urljoin(url, unescape(link)) for link in HREF.findall(answer.text())]

    def _context(self, complaints: list[str]) -> BrowserContext:
        width, height = SIZES["desktop"]
        context = self.browser.new_context(
            viewport={"width": width, "height": height}, locale="es-PY", reduced_motion="reduce"
        )
        context.add_init_script(WATCH)

        def console(message: Any) -> None:
            if message.type == "error":
                complaints.append(message.text)

        def request(sent: Any) -> None:
            if not sent.url.startswith((self.address, "data:", "blob:")):
                complaints.append(f"asked outside: {sent.url}")

        context.on("console", console)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on("request", request)
        return context

    def _see(self, page: Page, url: str, name: str) -> Screen | None:
        """A page in both themes, wide and narrow; None for what is no page (a file, a picture)."""
        try:
            answer = page.goto(url)
        except Error as error:
            if "Download is starting" in error.message or "ERR_ABORTED" in error.message:
                return None
            raise
        if answer is None or "text/html" not in answer.headers.get("content-type", ""):
            return None
        screen = Screen(name, urlsplit(url).path, size=len(answer.body()))
        page.evaluate(SETTLED)
        read = page.evaluate(READ)
        self._links: list[str] = read["links"]
        screen.shift = read["shift"]
        if answer.status != 200:
            screen.note("answer", [str(answer.status)])
        if read["headings"] != 1 or not read["title"].endswith("SIS") or read["title"] == "SIS":
            screen.note("head", [f"{read['headings']} h1, title «{read['title']}»"])
        screen.note("english", [words for words in read["words"] if ENGLISH.search(words)])
        screen.note("picture", sorted(set(read["pictures"]) - sprite()))
        page.evaluate(axe())
        for what, words in self._looks(page, re.sub(r"\W+", "-", name)):
            screen.note(what, words)
        screen.note("policy", page.evaluate("window.sisFace.refused"))
        self.screens.append(screen)
        return screen

    def _looks(self, page: Page, shot: str) -> Iterator[tuple[str, list[str]]]:
        """Wide and light, wide and dark, narrow and dark, narrow and light; then as narrow as it gets."""
        width, height = SIZES["desktop"]
        yield "axe", page.evaluate(AXE, ["tag", TAGS])
        self._shoot(page, f"{shot}-desktop")
        self._theme(page, "dark")
        yield "axe dark", page.evaluate(AXE, ["rule", COLOURS])
        self._shoot(page, f"{shot}-dark")
        page.set_viewport_size({"width": NARROW, "height": 780})
        yield "axe narrow dark", page.evaluate(AXE, ["tag", TAGS])
        self._theme(page, "light")
        yield "axe narrow", page.evaluate(AXE, ["rule", COLOURS])
        self._shoot(page, f"{shot}-phone")
        for narrow in (NARROW, NARROWEST):
            page.set_viewport_size({"width": narrow, "height": 780})
            yield "wide", page.evaluate(TOO_WIDE, narrow)
        page.set_viewport_size({"width": width, "height": height})

    def _theme(self, page: Page, theme: str) -> None:
        page.evaluate("theme => { document.documentElement.dataset.bsTheme = theme }", theme)
        page.evaluate(SETTLED)

    def _shoot(self, page: Page, name: str) -> None:
        SHOTS.mkdir(exist_ok=True)
        page.screenshot(path=str(SHOTS / f"face-{name}.png"), full_page=True)


TOO_WIDE = """narrow => {
  const wide = document.documentElement.scrollWidth;
  if (wide <= narrow) return [];
  const out = [...document.querySelectorAll('main *')].filter(each => each.getBoundingClientRect().right > narrow
    && ![...each.children].some(child => child.getBoundingClientRect().right > narrow));
  return [`${wide} px at ${narrow}: ` + out.slice(0, 3).map(each => each.outerHTML.slice(0, 100)).join(' ')];
}"""
