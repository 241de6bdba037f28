"""Free text: blanks, capitals, names of firms and persons, and cells that a spreadsheet would run as
formulas."""

from __future__ import annotations

import re
from functools import lru_cache

from app.core.types import fold
from app.exchange.register.marks import Cell, Notice, Repair
from app.exchange.register.words import word_set

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_NOTHING = word_set(
    "- -- --- . .. ... / x xx xxx n/a na s/d sd s/n sn s/f sf nd n/d ninguno ninguna no null "
    "none nan #n/a #n/d"
) | {"no aplica", "sin datos", "sin dato", "no tiene", "no corresponde", "- -", "no consta"}
_PARTICLES = word_set("de del la las los el y e o u en al para por da do dos von van")
_LEGAL = re.compile(
    r"(?:[A-Za-z]\.){2,}[A-Za-z]?\.?|S\.?A\.?(?:C\.?I\.?)?|S\.?R\.?L\.?|E\.?A\.?S\.?|SACIG|SAECA|EIRL|LTDA\.?|CIA\.?",
    re.IGNORECASE,
)
_FIRM_WORDS = word_set(
    "sa srl eas saci saciyf sacig saeca eirl ltda cia cooperativa consorcio asociacion fundacion sociedad "
    "municipalidad ministerio universidad"
)


def is_nothing(text: str) -> bool:
    """Tell whether a cell says in some way that it has nothing to say."""
    shorn = text.strip()
    if len(shorn) > 16 or shorn[:1].isdigit():
        return False  # longer than any such wording; most cells end here
    bare = fold(shorn)
    return not bare or bare in _NOTHING


def looks_like_formula(text: str) -> bool:
    """Tell whether a spreadsheet would run the text: blanks before the sign do not disarm it."""
    return text.startswith(("\t", "\r")) or text.lstrip().startswith(FORMULA_STARTS[:4])


def formula_notice(text: str, field: str) -> Notice:
    return Notice(
        "formula_text",
        f"La celda parece una fórmula («{text.strip()[:40]}»). Se guardó como texto y no se ejecuta.",
        field,
    )


@lru_cache(maxsize=8_192)
def read_text(text: str, field: str) -> Cell[str]:
    """Return free text without outer blanks; one that looks like a formula is kept to the letter."""
    if not text or not text.strip():
        return Cell("")
    if looks_like_formula(text) and not is_nothing(text):
        return Cell(text, notices=(formula_notice(text, field),))
    tidy = text.strip().replace("\r\n", "\n").replace("\r", "\n")
    if "\n" not in tidy:
        tidy = " ".join(tidy.split())
    if tidy in ("-", "--", "---"):
        return Cell("", (Repair("nothing_said", "El guion se tomó como celda vacía.", text, "", field),))
    return Cell(tidy, _blanks(text, tidy, field))


def _blanks(text: str, tidy: str, field: str) -> tuple[Repair, ...]:
    if text == tidy:
        return ()
    return (Repair("blanks", "Se quitaron espacios sobrantes.", text, tidy, field),)


@lru_cache(maxsize=8_192)
def read_name(text: str, field: str) -> Cell[str]:
    """Return a name of a firm or person: blanks single, and all capitals or all small letters set as a
    name."""
    if not text or is_nothing(text):
        said = text.strip()
        if not said:
            return Cell("")
        return Cell("", (Repair("nothing_said", f"«{said}» se tomó como celda vacía.", text, "", field),))
    if looks_like_formula(text):
        return Cell(text, notices=(formula_notice(text, field),))
    whole = text.replace('"', " ") if text.count('"') == 1 else text  # a lone quote is a slip of the export
    tidy = re.sub(r"\s+([,;])", r"\1", " ".join(whole.split()))
    if is_nothing(tidy):
        return Cell("", _blanks(text, "", field))
    repairs = _blanks(text, tidy, field)
    letters = [c for c in tidy if c.isalpha()]
    if len(letters) > 3 and (tidy.upper() == tidy or tidy.lower() == tidy):
        set_name = capitalise(tidy)
        if set_name != tidy:
            repairs += (Repair("capitals", "Se ajustaron las mayúsculas.", tidy, set_name, field),)
            tidy = set_name
    return Cell(tidy, repairs)


def capitalise(text: str) -> str:
    """Return a name with capital initials: particles small, legal forms and initials as they were."""
    words = text.split(" ")
    return " ".join(_word(word, first=index == 0) for index, word in enumerate(words))


def _word(word: str, first: bool) -> str:
    if _LEGAL.fullmatch(word.rstrip(",;")):
        return word.upper()
    small = word.lower()
    if not first and fold(small) in _PARTICLES:
        return small
    letters = fold(small)
    if letters.isalpha() and not set(letters) & set("aeiouy") and len(letters) > 1:
        return word.upper()  # initials have no vowel to be a word
    return re.sub(
        r"[^\W\d_]+(?:['’][^\W\d_]{1,2}\b)?", lambda found: found[0][:1].upper() + found[0][1:], small
    )


@lru_cache(maxsize=8_192)
def is_firm(name: str) -> bool | None:
    """Tell a firm (True) from an individual (`APELLIDO, NOMBRE`: False); None when the name does not show
    it."""
    words = [fold(word).replace(".", "").strip(",;") for word in name.split()]
    if any(word in _FIRM_WORDS for word in words) or re.search(r"(?:[A-Za-z]\.){2,}", name):
        return True
    if name.count(",") == 1 and not any(c.isdigit() for c in name):
        return False
    return None


@lru_cache(maxsize=16_384)
def key(text: str) -> str:
    """Return text for comparison: folded, letters and digits only, words apart by one blank."""
    return " ".join(re.findall(r"[^\W_]+", fold(text)))
