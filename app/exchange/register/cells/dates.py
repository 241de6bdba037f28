"""Days: in figures with the day first, ISO, Excel's serial numbers (1900 system), or words, Spanish or
English.

The day always stands before the month, as the country writes; a month above 12 is never swapped with the day.
Whether a day is too old or in the future is for the judge, who knows today.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache

from app.core.types import fold, format_date
from app.exchange.register.cells.text import is_nothing
from app.exchange.register.marks import Cell, Problem, Repair
from app.exchange.register.words import word_set

_EPOCH = date(1899, 12, 30)  # absorbs Excel's 29 February 1900 for every day after it
_SERIALS = range(10_000, 80_000)  # 1927 to 2119
_MONTHS = {
    "ene": 1, "jan": 1, "feb": 2, "mar": 3, "abr": 4, "apr": 4, "may": 5, "jun": 6, "jul": 7,
    "ago": 8, "aug": 8,
    "sep": 9, "set": 9, "oct": 10, "nov": 11, "dic": 12, "dec": 12,
}  # fmt: skip
_NAMES = word_set(
    "enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre sept "
    "january february march april may june july august september october november december"
)
_WEEKDAYS = re.compile(r"\b(?:lunes|martes|miercoles|jueves|viernes|sabado|domingo)\b,?")
_DAY_FIRST = re.compile(r"(\d{1,2})\s*[/\-. \\]+\s*(\d{1,2})\s*[/\-. \\]+\s*(\d{4}|\d{2})", re.ASCII)
_YEAR_FIRST = re.compile(r"(\d{4})[/\-.](\d{1,2})[/\-.](\d{1,2})", re.ASCII)
_TIME = re.compile(r"[T ]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?hs?\.?)?(?:Z|[+-]\d{2}:?\d{2})?$", re.ASCII)
_SERIAL = re.compile(r"(\d{5})(?:[.,]\d+)?", re.ASCII)
_COMPACT = re.compile(r"\d{8}", re.ASCII)
_WORDS_DAY_FIRST = re.compile(
    r"(\d{1,2})(?:ro|o|er|°)?[\s./-]*(?:de\s+)?([a-z]{3,})\.?[\s./,-]*"
    r"(?:del?\s+)?(?:ano\s+)?(\d{4}|\d{2})",
    re.ASCII,
)
_WORDS_MONTH_FIRST = re.compile(
    r"([a-z]{3,})\.?\s+(\d{1,2})(?:ro|o|er|°|st|nd|rd|th)?\s*,?\s*(?:del?\s+)?(\d{4})", re.ASCII
)
_SENTENCES = {
    "date_day_first": "La fecha día/mes/año se pasó a la forma interna.",
    "date_two_digit_year": "El año de dos cifras se completó.",
    "date_serial": "El número de serie de Excel se convirtió en fecha.",
    "date_words": "La fecha en palabras se convirtió.",
    "date_compact": "La fecha sin separadores se convirtió.",
    "date_time_dropped": "Se quitó la hora.",
}


@lru_cache(maxsize=16_384)
def read_date(text: str, field: str) -> Cell[date]:
    """Return the day that a cell names; blank gives no value and no problem."""
    bare = " ".join(text.split())
    if not bare:
        return Cell()
    if is_nothing(bare) or fold(bare).replace(".", "") in ("sin fecha", "s/fecha"):
        return Cell(None, (Repair("nothing_said", f"«{bare}» se tomó como celda vacía.", text, "", field),))
    short = _TIME.sub("", bare)
    code, day = _parse(short)
    if day is None:
        return Cell(problem=_impossible(bare, field) if code else _unreadable(bare, field))
    repairs: tuple[Repair, ...] = ()
    if code != "date_iso":
        repairs = (Repair(code, _SENTENCES[code], text, day.isoformat(), field),)
    elif short != bare:
        repairs = (
            Repair("date_time_dropped", _SENTENCES["date_time_dropped"], text, day.isoformat(), field),
        )
    return Cell(day, repairs)


def _impossible(text: str, field: str) -> Problem:
    hint = ""
    swapped = _DAY_FIRST.fullmatch(text)
    if swapped and int(swapped[2]) > 12 >= int(swapped[1]) >= 1 and len(swapped[3]) == 4:
        other = _day(int(swapped[3]), int(swapped[1]), int(swapped[2]))
        hint = f" Si el mes está antes del día, escriba {format_date(other)}." if other else ""
    return Problem(
        "impossible_date", f"La fecha «{text[:40]}» no existe. Corríjala según el acta.{hint}", field
    )


def _unreadable(text: str, field: str) -> Problem:
    return Problem(
        "impossible_date",
        f"«{text[:40]}» no se entiende como fecha. Escríbala como día/mes/año, por ejemplo 24/11/2019.",
        field,
    )


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _full_year(text: str) -> int:
    year = int(text)
    if len(text) == 4:
        return year
    return year + (1900 if year >= 70 else 2000)


def _parse(text: str) -> tuple[str, date | None]:
    """Return (form, day). The form is empty when the text has none; with a form and no day the day is
    impossible."""
    if found := _DAY_FIRST.fullmatch(text):
        form = "date_day_first" if len(found[3]) == 4 else "date_two_digit_year"
        return form, _day(_full_year(found[3]), int(found[2]), int(found[1]))
    if found := _YEAR_FIRST.fullmatch(text):
        return "date_iso", _day(int(found[1]), int(found[2]), int(found[3]))
    if found := _SERIAL.fullmatch(text):
        number = int(found[1])
        return "date_serial", _EPOCH + timedelta(number) if number in _SERIALS else None
    if _COMPACT.fullmatch(text):
        return _compact(text)
    return _words(text)


def _compact(text: str) -> tuple[str, date | None]:
    """Read eight digits as yyyymmdd or ddmmyyyy, when only one of the two can be meant."""
    readings = {
        day
        for day in (
            _day(int(text[:4]), int(text[4:6]), int(text[6:])),
            _day(int(text[4:]), int(text[2:4]), int(text[:2])),
        )
        if day is not None and 1950 <= day.year < 2100
    }
    return "date_compact", readings.pop() if len(readings) == 1 else None


def _words(text: str) -> tuple[str, date | None]:
    plain = " ".join(_WEEKDAYS.sub(" ", fold(text)).split())
    if found := _WORDS_DAY_FIRST.fullmatch(plain):
        day, word, year = found[1], found[2], found[3]
    elif found := _WORDS_MONTH_FIRST.fullmatch(plain):
        word, day, year = found[1], found[2], found[3]
    else:
        return "", None
    month = month_of(word)
    return ("date_words", _day(_full_year(year), month, int(day))) if month else ("", None)


def month_of(word: str) -> int | None:
    """Return the month that a folded word names: whole, cut short (`sept`), or with a slip after its third
    letter."""
    number = _MONTHS.get(word[:3])
    if number is None or len(word) == 3 or any(name.startswith(word) for name in _NAMES):
        return number
    same = [name for name in _NAMES if name.startswith(word[:3])]
    return number if any(abs(len(name) - len(word)) <= 2 and name[-1] == word[-1] for name in same) else None
