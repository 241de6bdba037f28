"""The manuals and the glossary of `docs/`, as the help of the screens shows them.

Markdown is read once and kept; HTML inside it is text (markdown-it-py with `html` off, docs/adr/013), so that
what a manual says can run nothing. A section (`##` or `###`) is the piece that help gives for a screen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from app.core.types import fold

DOCS = Path(__file__).resolve().parents[2] / "docs"
NAMES = ("general", "inspeccion", "coordinacion", "firmas", "registro", "procedimientos", "informatica")
"""The manuals in the order in which help lists them."""
AROUND = 60
"""Characters on each side of a word found."""

markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True)
class Section:
    """What stands under a heading, up to the next one: anchor on the manual's page, words, HTML."""

    manual: str
    anchor: str
    title: str
    level: int
    """2 for `##`, 3 for `###`."""
    html: str
    text: str

    @property
    def key(self) -> str:
        """How the map of screens names it: `registro#unir-duplicados`."""
        return f"{self.manual}#{self.anchor}"

    def fits(self, words: list[str]) -> int:
        """How well the section answers folded words: 0 not at all, 2 by its title."""
        title, text = fold(self.title), fold(self.text)
        if not words or not all(word in title or word in text for word in words):
            return 0
        return 2 if all(word in title for word in words) else 1

    def around(self, word: str) -> str:
        """The passage in which a folded word stands, or the beginning."""
        place = max(fold(self.text).find(word), 0)
        start = max(self.text.rfind(" ", 0, max(place - AROUND, 0)) + 1, 0)
        passage = self.text[start : place + len(word) + AROUND]
        return f"{'…' if start else ''}{passage.strip()}…"


@dataclass(frozen=True)
class Manual:
    """A manual: its name in addresses, its title, what stands before the first section, the sections."""

    name: str
    title: str
    intro: str
    sections: tuple[Section, ...]

    def whole(self, section: Section) -> list[Section]:
        """A section with those under it."""
        at = self.sections.index(section)
        below = takewhile(lambda each: each.level > section.level, self.sections[at + 1 :])
        return [section, *below]


class Term(NamedTuple):
    """A word of the glossary and what it is."""

    word: str
    meaning: str
    anchor: str


def slug(text: str) -> str:
    """A heading as an anchor: folded, words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", fold(text)).strip("-")


@cache
def manual(name: str) -> Manual:
    """A manual by its name; those of `NAMES` exist."""
    tokens = markdown.parse((DOCS / f"manual-{name}.md").read_text(encoding="utf-8"))
    starts = [at for at, token in enumerate(tokens) if token.type == "heading_open" and token.tag != "h1"]
    bounds = zip(starts, [*starts[1:], len(tokens)], strict=True)
    return Manual(
        name,
        _plain(tokens[1]),
        _drawn(tokens[3 : starts[0]]),
        tuple(_section(name, tokens[start:end]) for start, end in bounds),
    )


def _section(name: str, tokens: list[Token]) -> Section:
    title = _plain(tokens[1])
    inner = tokens[3:]
    text = " ".join(_plain(token) for token in inner if token.type == "inline")
    return Section(name, slug(title), title, int(tokens[0].tag[1:]), _drawn(inner), text)


def _plain(token: Token) -> str:
    """The words of a line without its marks."""
    return "".join(" " if part.type == "softbreak" else part.content for part in token.children or ())


def _drawn(tokens: list[Token]) -> str:
    """Their HTML; tables look like those of the screens."""
    for token in tokens:
        if token.type == "table_open":
            token.attrSet("class", "table")
    return str(markdown.renderer.render(tokens, markdown.options, {}))


def manuals() -> list[Manual]:
    """All of them, in their order."""
    return [manual(name) for name in NAMES]


@cache
def _by_key() -> dict[str, Section]:
    return {each.key: each for book in manuals() for each in book.sections}


def section(key: str) -> Section:
    """A section by its key (`registro#unir-duplicados`); KeyError for one that is not there."""
    return _by_key()[key]


def found(q: str) -> list[Section]:
    """The sections that answer a search, those with the words in their title first."""
    words = fold(q).split()
    fitting = [each for book in manuals() for each in book.sections if each.fits(words)]
    return sorted(fitting, key=lambda each: -each.fits(words))


@cache
def glossary() -> list[Term]:
    """The words of the glossary, for the people of the ministry: without their names in the code."""
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| ([^|]+) \|$", (DOCS / "glosario.md").read_text("utf-8"), re.M)
    return [Term(word, meaning, slug(word)) for word, meaning in rows[1:] if word.strip("- ")]


@cache
def terms() -> dict[str, Term]:
    """Folded word -> its term; «Plazo, prórroga» is both, «Acta de inspección» is itself."""
    known = {fold(name): term for term in glossary() for name in term.word.split(", ")}
    return known | {fold(term.word): term for term in glossary()}
