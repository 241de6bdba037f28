"""Inspectors: one person under many spellings.

A person is known by the words of the name, folded and in alphabetical order, so that accents, capitals and
the order of surname and name do not make two persons of one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from app.core.types import fold
from app.exchange.register.cells.text import capitalise, is_nothing
from app.exchange.register.marks import Cell, Repair

_TITLES = re.compile(
    r"^(?:(?:insp(?:ector|ectora)?|lic|abog|abg|ing|dr|dra|sr|sra|srta|don|dona)\b\.?\s*)+", re.IGNORECASE
)
_STRONG = re.compile(r"\s*(?:[;/|\n+&]|\s-\s)\s*")
_BLANKS = re.compile(r"[^\S\n]+")  # long runs would make the patterns above slow
_AND = re.compile(r"\s+[ye]\s+", re.IGNORECASE)


class Person(NamedTuple):
    """A person: `key` identifies, `name` is shown."""

    key: str
    name: str


@lru_cache(maxsize=8_192)
def person_key(name: str) -> str:
    """Return the words of a name, folded, in alphabetical order."""
    return " ".join(sorted(re.findall(r"[^\W\d_]+", fold(name))))


def tidy_person(name: str) -> str:
    """Return a name as it is shown: name before surname, without title, blanks single, capitals only at
    the start."""
    bare = _TITLES.sub("", " ".join(name.split())).strip(" .,;-")
    surname, comma, given = bare.partition(",")
    if comma and given.strip():
        bare = f"{given.strip()} {surname.strip()}"
    return capitalise(bare) if bare.isupper() or bare.islower() else bare


def split_people(text: str, is_known: Callable[[str], bool]) -> list[str]:
    """Return the names in one cell. A comma parts two persons unless it parts a surname from a name."""
    names: list[str] = []
    for piece in _STRONG.split(_BLANKS.sub(" ", text)):
        if is_known(piece):
            names.append(piece)
            continue
        for half in _AND.split(piece):
            names.extend(_at_commas(half, is_known))
    return [name for name in (name.strip() for name in names) if name and not is_nothing(name)]


def _at_commas(text: str, is_known: Callable[[str], bool]) -> list[str]:
    parts = [part for part in text.split(",") if part.strip()]
    if len(parts) < 2 or is_known(text):
        return [text]
    short = any(len(part.split()) == 1 for part in parts)
    if len(parts) == 2 and short:
        return [text]  # Núñez, Óscar: two persons would have two words each
    if short and len(parts) % 2 == 0:
        return [",".join(parts[index : index + 2]) for index in range(0, len(parts), 2)]
    return parts


class Inspectors:
    """Reads the cells of inspectors, with the names that the caller knows: key -> name as shown."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known
        self.read = lru_cache(maxsize=8192)(self._read)

    def _read(self, text: str, field: str) -> Cell[tuple[Person, ...]]:
        if not text.strip() or is_nothing(text):
            return Cell(())
        people: list[Person] = []
        repairs: list[Repair] = []
        pieces = split_people(text, lambda name: person_key(name) in self._known)
        for piece in pieces:
            person = self._person(piece)
            if person.key and person.key not in {other.key for other in people}:
                people.append(person)
            if len(pieces) == 1 and text != person.name:
                sentence = "El nombre del inspector se llevó a su forma única."
                repairs.append(Repair("inspector_name", sentence, text, person.name, field))
        if len(pieces) > 1:
            sentence = "La celda tenía varios inspectores; se separaron."
            names = "; ".join(person.name for person in people)
            repairs.append(Repair("inspectors_split", sentence, text, names, field))
        return Cell(tuple(people), tuple(repairs))

    def _person(self, piece: str) -> Person:
        name = tidy_person(piece)
        found = person_key(name)
        return Person(found, self._known.get(found, name))


def learn_inspectors(cells: Iterable[str], known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return key -> best spelling of every inspector in the cells: that with most accents, then the
    commonest.

    Names already `known` keep their form. One pass over a file before its import gives every person one name,
    whatever the order of the rows.
    """
    spellings: dict[str, Counter[str]] = {}
    ordered = dict(known or {})
    for text in cells:
        for piece in split_people(text, lambda name: person_key(name) in ordered):
            name = tidy_person(piece)
            spellings.setdefault(person_key(name), Counter())[name] += 1
    for found, names in spellings.items():
        if found and found not in ordered:
            ordered[found] = max(names, key=lambda name: (_accents(name), names[name], name))
    return ordered


def _accents(name: str) -> int:
    return sum(1 for c in name if ord(c) > 127)
