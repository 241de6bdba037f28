"""Lists of infractions, whatever parts them, matched to the catalogue by a table of wordings.

A text that matches nothing is kept and listed; it rejects nothing. Commas and `y` part two infractions only
when the pieces are known or the whole is not: some wordings contain them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from app.exchange.register.cells.text import formula_notice, is_nothing, key, looks_like_formula
from app.exchange.register.marks import Cell, Notice, Repair
from app.exchange.register.words import word_set

_STRONG = re.compile(r"\s*(?:[;|\n•·]|\s[-–—/]+\s|(?<=[a-z])/(?=[A-ZÁÉÍÓÚÑ]))\s*")
_NUMBERING = re.compile(r"^\s*(?:\d{1,2}\s*[.)°º]+-?(?!\d)|\d{1,2}\s?-\s|[a-z]\)|[-–—*•·]+)\s*")
_BLANKS = re.compile(r"[^\S\n]+")  # long runs would make the patterns below slow
_NUMBERED = re.compile(r"\s(?=\d{1,2}\s*[.)]-?\s+\S)")
_CODE = re.compile(r"[A-Z]{3}-\d{2}")
_NONE = frozenset(
    (
        "sin infraccion",
        "sin infracciones",
        "no se constataron infracciones",
        "no se constato",
        "no hay",
        "ninguna",
    )
)
_WEAK = word_set("de del la las los el en a al por para con un una su sus")


class Infraction(NamedTuple):
    """An infraction as written, with its code in the catalogue or None."""

    text: str
    code: str | None


def wording_key(text: str) -> str:
    """Return a wording for comparison: folded, without small words."""
    return " ".join(word for word in key(text).split() if word not in _WEAK)


class Infractions:
    """Reads cells of infractions with one table of wordings: text -> code. Codes themselves are understood
    too."""

    def __init__(self, aliases: Mapping[str, str]) -> None:
        self._codes = {wording_key(text): code for text, code in aliases.items()}
        self._known = set(aliases.values())
        self.read = lru_cache(maxsize=16_384)(self._read)

    def _code(self, text: str) -> str | None:
        found = self._codes.get(wording_key(text))
        if found is None and (code := _CODE.match(text.strip().upper())) and code[0] in self._known:
            return code[0]
        return found

    def _read(self, text: str, field: str = "infractions") -> Cell[tuple[Infraction, ...]]:
        if not text.strip():
            return Cell(())
        if is_nothing(text) or key(text) in _NONE:
            repair = Repair(
                "nothing_said", f"«{text.strip()}» se tomó como sin infracciones.", text, "", field
            )
            return Cell((), (repair,))
        items: dict[str, Infraction] = {}
        for piece in self._pieces(text):
            items.setdefault(wording_key(piece), Infraction(piece, self._code(piece)))
        found = tuple(items.values())
        notices = tuple(
            Notice(
                "unknown_infraction",
                f"«{item.text[:80]}» no está en la tabla de infracciones; quedó como texto.",
                field,
            )
            for item in found
            if item.code is None
        )
        if looks_like_formula(text):
            notices += (formula_notice(text, field),)
        if len(found) == 1 and found[0].text == text:
            return Cell(found, notices=notices)
        sentence = f"Se separaron {len(found)} infracciones." if len(found) > 1 else "Se limpió el texto."
        shown = "; ".join(item.text for item in found)
        return Cell(found, (Repair("infractions_split", sentence, text, shown, field),), None, notices)

    def _pieces(self, text: str) -> list[str]:
        text = _BLANKS.sub(" ", text)
        if self._code(text):
            return [_clean(text)]
        pieces: list[str] = []
        for part in _STRONG.split(_NUMBERED.sub("\n", text)):
            bare = _clean(part)
            if not bare:
                continue
            if self._code(bare):
                pieces.append(bare)
            else:
                for slice_ in self._at_commas(bare):
                    pieces.extend(self._at_and(slice_))
        return pieces or [text.strip()]

    def _at_commas(self, text: str) -> list[str]:
        """Part at commas and bare slashes, joining again what the table knows as one wording."""
        return [
            bare for piece in self._known_runs(re.split(r"(\s*[,/]\s*)", text)) if (bare := _clean(piece))
        ]

    def _at_and(self, text: str) -> list[str]:
        """Part at `y` when every piece is known: `sueldos y jornales` is one thing."""
        pieces = self._known_runs(re.split(r"(\s+[ye]\s+)", text))
        return pieces if len(pieces) > 1 and all(self._code(piece) for piece in pieces) else [text]

    def _known_runs(self, marks: list[str]) -> list[str]:
        """Join parts (at even places, their marks between) into the longest runs known, single parts else."""
        parts, gaps = marks[::2], marks[1::2]
        found: list[str] = []
        index = 0
        while index < len(parts):
            end = index + 1
            for stop in range(min(len(parts), index + 4), index + 1, -1):
                if self._code(_joined(parts, gaps, index, stop)):
                    end = stop
                    break
            found.append(_joined(parts, gaps, index, end))
            index = end
        return found


def _joined(parts: list[str], gaps: list[str], start: int, stop: int) -> str:
    return "".join(parts[i] + (gaps[i] if i < stop - 1 else "") for i in range(start, stop))


def _clean(text: str) -> str:
    return " ".join(_NUMBERING.sub("", text).split()).strip(" .;,")
