"""Departments, districts inside them, and addresses.

A name is looked up in steps, the surest first: by the ministry's aliases, as written, with abbreviations
written out, by initials (`J.A. Saldívar`), by a part that only one place has (`Curuguaty`), by its beginning,
by likeness.
Likeness counts from `CLOSE_*` on and only when the second best is `MARGIN` below: a tie is a problem.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from typing import NamedTuple

from app.core.types import fold
from app.exchange.register.cells.text import is_nothing, key
from app.exchange.register.marks import Cell, Notice, Problem, Repair
from app.exchange.register.words import word_set

# Share of letters in common (difflib). Eighteen departments lie far apart; districts are many and alike.
CLOSE_DEPARTMENT = 0.75
CLOSE_DISTRICT = 0.85
MARGIN = 0.05
SHORTEST_CLOSE = 5  # letters: Itá, Yhú and Fram are too short to be told from a slip

_FULL = {
    "gral": "general", "gnral": "general", "cnel": "coronel", "crnel": "coronel", "mcal": "mariscal",
    "pte": "presidente", "pdte": "presidente", "pres": "presidente", "pdente": "presidente",
    "tte": "teniente",
    "tnte": "teniente", "dr": "doctor", "sgto": "sargento", "sgt": "sargento", "cap": "capitan",
    "cptan": "capitan",
    "capt": "capitan", "cptn": "capitan", "pto": "puerto", "sta": "santa", "sto": "santo", "fdo": "fernando",
    "hno": "hermano", "ma": "maria", "may": "mayor", "cdad": "ciudad", "cd": "ciudad", "ing": "ingeniero",
    "1ro": "1", "1o": "1", "primero": "1", "pdro": "pedro", "dpto": "", "depto": "", "departamento": "",
    "distrito": "", "municipio": "", "ciudad": "ciudad",
}  # fmt: skip
_LINKS = word_set("de del la las los el y e")
_COMMON = word_set(
    "san santa santo villa nueva nuevo general puerto capitan coronel doctor paso bella vista "
    "alto presidente "
    "mariscal teniente mayor sargento isla loma colonia ciudad parana paraguay juan jose pedro maria carlos"
)
_NICKNAMES = {
    "cde": "ciudad del este", "pjc": "pedro juan caballero", "mra": "mariano roque alonso",
    "santani": "san estanislao", "mariano": "mariano roque alonso", "fernando": "fernando de la mora",
    "gran asuncion": "asuncion", "asu": "asuncion",
}  # fmt: skip


@lru_cache(maxsize=8_192)
def words(text: str) -> tuple[str, ...]:
    """Return the words that name a place: folded, abbreviations written out, links and brackets left out."""
    plain = fold(re.sub(r"\(.*?(?:\)|$)", " ", text) or text).replace("'", "").replace("°", "")
    found = (_FULL.get(word, word) for word in re.findall(r"[^\W_]+", plain))
    return tuple(word for word in found if word and word not in _LINKS)


class _Place(NamedTuple):
    code: int
    name: str
    words: tuple[str, ...]


class _Found(NamedTuple):
    """Places found at one step; `step` is "" when the name stands as in the catalogue."""

    step: str
    places: tuple[_Place, ...]


def _initials(written: Sequence[str], full: Sequence[str]) -> bool:
    """Tell whether words agree one by one, a single letter standing for the word that it begins."""
    if len(written) != len(full):
        return False
    pairs = list(zip(written, full, strict=True))
    same = any(a == b and len(a) > 1 for a, b in pairs)
    return same and all(a == b or (min(len(a), len(b)) == 1 and a[0] == b[0]) for a, b in pairs)


def _is_part(written: Sequence[str], full: Sequence[str]) -> bool:
    return set(written) < set(full)


def search(text: str, places: Sequence[_Place], close: float) -> _Found:
    """Return the places that the text may name, by the first step that finds any."""
    plain = key(text)
    if exact := tuple(place for place in places if key(place.name) == plain):
        return _Found("", exact)
    written = words(text)
    if not written:
        return _Found("unknown", ())
    for step, test in _STEPS:
        if found := tuple(place for place in places if test(written, place.words)):
            return _Found(step, found)
    own = set(written) - _COMMON
    if (len(written) > 1 or (own and len(written[0]) >= SHORTEST_CLOSE)) and (
        found := tuple(place for place in places if _is_part(written, place.words))
    ):
        return _Found("part", found)
    if found := _cut_short(written, places):
        return _Found("cut", found)
    return _Found("close", _closest(written, places, close))


_STEPS: tuple[tuple[str, Callable[[Sequence[str], Sequence[str]], bool]], ...] = (
    ("variant", lambda written, full: tuple(written) == tuple(full)),
    ("initials", _initials),
)


def _cut_short(written: Sequence[str], places: Sequence[_Place]) -> tuple[_Place, ...]:
    """Return the places whose name begins with the text: `Alto Para` may be two."""
    text = "".join(written)
    if len(text) < SHORTEST_CLOSE or set(written) <= _COMMON:
        return ()
    return tuple(place for place in places if "".join(place.words).startswith(text))


def _closest(written: Sequence[str], places: Sequence[_Place], close: float) -> tuple[_Place, ...]:
    """Return the best likeness at or above `close`, with every other within `MARGIN` of it."""
    text = "".join(written)
    if len(text) < SHORTEST_CLOSE:
        return ()
    likeness = [(SequenceMatcher(None, text, "".join(place.words)).ratio(), place) for place in places]
    best = max((score for score, _ in likeness), default=0.0)
    if best < close:
        return ()
    return tuple(place for score, place in likeness if score >= max(best - MARGIN, close))


def _distinct(places: Iterable[_Place]) -> list[_Place]:
    """Return one place for each name, the lowest code first: a catalogue may list a district twice."""
    by_name: dict[str, _Place] = {}
    for place in sorted(places):
        by_name.setdefault(key(place.name), place)
    return list(by_name.values())


class Places:
    """Finds departments and districts of one catalogue. Answers are kept: registers repeat a few names."""

    def __init__(
        self,
        departments: Mapping[int, str],
        districts: Mapping[int, tuple[int, str]],
        department_aliases: Mapping[str, int],
        district_aliases: Mapping[str, int],
    ) -> None:
        self._departments = [_Place(code, name, words(name)) for code, name in departments.items()]
        self._names = dict(departments)
        self._districts: dict[int, list[_Place]] = {code: [] for code in departments}
        for code, (department, name) in districts.items():
            self._districts.setdefault(department, []).append(_Place(code, name, words(name)))
        self._everywhere = [place for places in self._districts.values() for place in places]
        self._home = {code: department for code, (department, _) in districts.items()}
        self._titles = {code: name for code, (_, name) in districts.items()}
        self._department_aliases = {key(text): code for text, code in department_aliases.items()}
        self._district_aliases = {key(text): code for text, code in district_aliases.items()}
        self.department = lru_cache(maxsize=4096)(self._department)
        self.district = lru_cache(maxsize=16_384)(self._district)

    def _department(self, text: str) -> Cell[int]:
        """Return the code of a department; blank gives no value and no problem."""
        if is_nothing(text):
            return Cell()
        alias = self._department_aliases.get(key(text))
        if alias in self._names:
            found = _Found("alias", (_Place(alias, self._names[alias], ()),))
        else:
            nickname = _NICKNAMES.get(key(text), text)
            found = search(nickname, self._departments, CLOSE_DEPARTMENT)
            if not found.places and "asuncion" in words(text):
                found = _Found("variant", tuple(p for p in self._departments if key(p.name) == "capital"))
        return _answer(text, found, "department", "departamento", "")

    def _district(self, text: str, department: int | None) -> Cell[int]:
        """Return the code of a district inside a department, or in the whole country when that is None."""
        shown = text.strip()[:60]
        if not text.strip(" -.\t\r\n"):
            sentence = "Falta el distrito. Complételo según el acta."
            return Cell(problem=Problem("missing_district", sentence, "district"))
        alias = self._district_aliases.get(key(text))
        if alias in self._home and department in (None, self._home[alias]):
            return _answer(
                text, _Found("alias", (_Place(alias, self._titles[alias], ()),)), "district", "distrito", ""
            )
        places = self._everywhere if department is None else self._districts.get(department, [])
        found = search(text, places, CLOSE_DISTRICT)
        if found.step not in ("", "variant") and key(text) in _NICKNAMES:
            better = search(_NICKNAMES[key(text)], places, CLOSE_DISTRICT)
            found = (
                _Found("nickname", better.places)
                if better.step in ("", "variant") and better.places
                else found
            )
        if found.places or department is None:
            return _answer(text, found, "district", "distrito", "", whole_country=department is None)
        elsewhere = search(text, self._everywhere, CLOSE_DISTRICT)
        hint = ""
        if elsewhere.step in ("", "variant") and elsewhere.places:
            homes = sorted({self._names[self._home[place.code]] for place in elsewhere.places})
            hint = f" Un distrito de ese nombre está en {', '.join(homes)}: verifique el departamento."
        name = self._names.get(department, "")
        return Cell(
            problem=Problem(
                "unknown_district",
                f"El distrito «{shown}» no existe en {name}. Corríjalo según el acta.{hint}",
                "district",
            )
        )  # fmt: skip

    def home(self, district: int) -> int:
        """Return the department of a district."""
        return self._home[district]


_HOW = {
    "alias": "por la tabla de equivalencias",
    "nickname": "por su nombre corriente",
    "variant": "por una abreviatura",
    "initials": "por sus iniciales",
    "part": "por una parte del nombre que solo él tiene",
    "cut": "por el comienzo de su nombre",
    "close": "por parecido",
}


def _answer(
    text: str, found: _Found, field: str, noun: str, hint: str, whole_country: bool = False
) -> Cell[int]:
    shown = text.strip()[:60]
    places = _distinct(found.places) if not whole_country else sorted(found.places)
    if not places:
        sentence = f"El {noun} «{shown}» no existe en el catálogo. Corríjalo según el acta.{hint}"
        return Cell(problem=Problem(f"unknown_{field}", sentence, field))
    if len(places) > 1:
        names = ", ".join(place.name for place in places[:5])
        sentence = f"El {noun} «{shown}» puede ser más de uno: {names}. Escriba el nombre completo."
        return Cell(problem=Problem(f"ambiguous_{field}", sentence, field))
    place = places[0]
    notices: tuple[Notice, ...] = ()
    if len(found.places) > 1:
        codes = " y ".join(str(other.code) for other in sorted(found.places))
        sentence = (
            f"El catálogo oficial tiene dos veces {place.name} (códigos {codes}); se tomó {place.code}."
        )
        notices = (Notice("district_listed_twice", sentence, field),)
    if not found.step or key(text) == key(place.name):
        return Cell(place.code, notices=notices)
    sentence = f"El {noun} se reconoció {_HOW[found.step]}."
    return Cell(
        place.code, (Repair(f"{field}_{found.step}", sentence, text, place.name, field),), None, notices
    )


_STREETS = {
    "av": "avenida", "avda": "avenida", "avd": "avenida", "c": "calle", "cl": "calle", "esq": "esquina",
    "km": "km", "nro": "", "n": "", "no": "", "num": "", "numero": "", "bo": "barrio", "b": "barrio",
    "rta": "ruta", "ctra": "ruta", "e": "entre", "casi": "esquina", "c/": "casi",
}  # fmt: skip


@lru_cache(maxsize=16_384)
def address_key(text: str) -> str:
    """Return an address for comparison: folded, the kind of street written out, without number signs or
    links."""
    plain = fold(text.replace("°", " ").replace("º", " "))
    found = (
        _STREETS.get(word) if word in _STREETS else _FULL.get(word, word)
        for word in re.findall(r"[^\W_]+", plain)
    )
    return " ".join(word for word in found if word and word not in _LINKS)
