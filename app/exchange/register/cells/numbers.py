"""Amounts in guaraníes and counts of persons. Both are whole: decimals that are not zero are never rounded
away."""

from __future__ import annotations

import re
from functools import lru_cache

from app.core.types import fold
from app.exchange.register.cells.text import is_nothing
from app.exchange.register.marks import Cell, Problem, Repair

MAX_AMOUNT = 10**15
MAX_COUNT = 1_000_000
_MINUS = str.maketrans(dict.fromkeys("‐‑‒–—−", "-"))
_CURRENCY = re.compile(r"^(?:gs|g|pyg|guaranies|guarani|₲|gs/|g/)\s*[.:]*\s*|\s*(?:gs|pyg|guaranies|₲)\.?$")
_NO_FINE = frozenset(("sin multa", "s/m", "sm", "no se aplico", "sin sancion", "exonerado", "apercibimiento"))
_NO_ONE = frozenset(("ninguno", "ninguna", "no hay", "cero", "nadie", "no", "sin menores", "no se constato"))
_PLAIN = re.compile(r"\d+", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}(?:([. ,'])\d{3})(?:\1\d{3})*", re.ASCII)
_COUNT = re.compile(
    r"(?:aprox(?:imadamente)?\.?|cerca de|unos|total:?|cant\.?:?|\+)?\s*(\d[\d.]*)\s*(?:\(\w+\))?\s*"
    r"(?:trab\w*|empl\w*|pers\w*|func\w*|obrer\w*|varon\w*|hombr\w*|mujer\w*|menor\w*|adolesc\w*|aprox\w*|"
    r"en total)?\.?",
    re.ASCII,
)


@lru_cache(maxsize=8_192)
def read_amount(text: str, field: str) -> Cell[int]:
    """Return an amount of guaraníes; blank gives no value and no problem."""
    if not text or not text.strip():
        return Cell()
    if _PLAIN.fullmatch(text) and len(text) <= 15:
        return Cell(int(text))
    bare = " ".join(fold(text.translate(_MINUS)).split())
    if is_nothing(bare) or bare in _NO_FINE:
        return Cell(
            None, (Repair("nothing_said", f"«{text.strip()}» se tomó como celda vacía.", text, "", field),)
        )
    shorn = _CURRENCY.sub("", _CURRENCY.sub("", bare)).strip()
    shorn = re.sub(r"[.,]?[-=]+$", "", shorn)  # the stroke that closes an amount by hand: 1.234.567.-
    if shorn.startswith("-") or (shorn.startswith("(") and shorn.endswith(")")):
        return Cell(problem=Problem("negative_amount", f"El monto «{text.strip()[:40]}» es negativo.", field))
    amount = _whole(shorn)
    if amount is None or amount > MAX_AMOUNT:
        return Cell(problem=_bad_amount(text, field))
    sentence = "El monto se convirtió en un número entero de guaraníes."
    return Cell(amount, (Repair("amount_format", sentence, text, str(amount), field),))


def _bad_amount(text: str, field: str) -> Problem:
    return Problem(
        "bad_amount",
        f"«{text.strip()[:40]}» no se entiende como monto en guaraníes. Escríbalo como 1.234.567, sin "
        "decimales.",
        field,
    )


def _whole(text: str) -> int | None:
    """Return the whole number that figures and separators write, None when it could be more than one."""
    if _PLAIN.fullmatch(text):
        return int(text)
    text = re.sub(r"\s*([.,])\s*", r"\1", text)
    if _GROUPED.fullmatch(text):
        return int(re.sub(r"\D", "", text))
    # A tail of zeros after the last separator is decimals: 1.234.567,00 and 1234567.0
    head, mark, tail = text.rpartition("," if text.rfind(",") > text.rfind(".") else ".")
    if mark and re.fullmatch(r"0{1,2}", tail) and (_PLAIN.fullmatch(head) or _grouped_otherwise(head, mark)):
        return int(re.sub(r"\D", "", head))
    return None


def _grouped_otherwise(head: str, mark: str) -> bool:
    found = _GROUPED.fullmatch(head)
    return found is not None and found[1] != mark


@lru_cache(maxsize=8_192)
def read_count(text: str, field: str) -> Cell[int]:
    """Return a count of persons, from 0; blank gives no value and no problem. A minus sign is a problem."""
    if _PLAIN.fullmatch(text) and len(text) <= 6:
        return Cell(int(text))
    bare = " ".join(fold(text.translate(_MINUS)).split())
    if not bare:
        return Cell()
    if bare in _NO_ONE:
        return Cell(0, (Repair("count_text", f"«{text.strip()}» se tomó como 0.", text, "0", field),))
    if is_nothing(bare):
        return Cell(
            None, (Repair("nothing_said", f"«{text.strip()}» se tomó como celda vacía.", text, "", field),)
        )
    if re.match(r"-\s*\d", bare):
        sentence = f"La cantidad «{text.strip()[:40]}» es negativa. Corríjala según el acta."
        return Cell(problem=Problem("negative_count", sentence, field))
    found = _COUNT.fullmatch(bare)
    number = _count_of(bare, found[1] if found else "")
    if number is None or number > MAX_COUNT:
        sentence = (
            f"«{text.strip()[:40]}» no se entiende como cantidad de personas. Escriba un número entero."
        )
        return Cell(problem=Problem("bad_count", sentence, field))
    return Cell(number, (Repair("count_text", "Se tomó el número de la celda.", text, str(number), field),))


def _count_of(bare: str, digits: str) -> int | None:
    """Read `14`, `14.0` (a float as text) and `1.200` (thousands)."""
    whole = re.fullmatch(r"(\d+)[.,]0{1,2}", bare, re.ASCII)
    if whole:
        return int(whole[1]) if len(whole[1]) <= 7 else None
    digits = digits.rstrip(".")
    if "." in digits and not _GROUPED.fullmatch(digits):
        return None
    return int(digits.replace(".", "")) if digits and len(digits) <= 9 else None
