"""Numbers that name something: the RUC of an employer, the number and year of an act, of a resolution."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from app.core.errors import RuleBroken
from app.core.types import Ruc, fold, ruc_check_digit
from app.exchange.register.cells.dates import month_of
from app.exchange.register.cells.text import is_nothing
from app.exchange.register.marks import Cell, Problem, Repair

_NO_RUC = frozenset(
    ("0", "00", "000", "sin ruc", "s/ruc", "no posee", "no tiene ruc", "0-0", "en tramite", "s/ ruc")
)
_FLOAT = re.compile(r"(\d{4,})\.0", re.ASCII)


class Act(NamedTuple):
    """The number of an act without leading zeros (with a suffix such as `12-BIS`) and its year, None if
    not written."""

    number: str
    year: int | None


@lru_cache(maxsize=16_384)
def read_ruc(text: str, field: str = "ruc", allow_letter: bool = False) -> Cell[Ruc]:
    """Return a RUC with its digit. One without hyphen is a base without digit, which is computed.

    A blank RUC is a problem: the row waits for a person, who may take it as provisional.
    """
    bare = " ".join(text.split())
    if is_nothing(bare) or fold(bare) in _NO_RUC or not re.search(r"[1-9A-Za-z]", bare):
        sentence = "Falta el RUC. Complételo, o acepte la fila con empleador provisorio."
        return Cell(problem=Problem("missing_ruc", sentence, field))
    shorn = re.sub(r"(?i)^(?:r\.?\s*u\.?\s*c\.?|c\.?\s*i\.?)\s*(?:n[°ºro.]*)?\s*:?\s*(?=\d)", "", bare)
    whole = _FLOAT.fullmatch(shorn)
    shorn = whole[1] if whole else re.sub(r"\s*/\s*(?=\d$)", "-", shorn)
    try:
        ruc = Ruc.parse(shorn, allow_letter=allow_letter)
    except RuleBroken as broken:
        return Cell(problem=_ruc_problem(bare, shorn, broken, field))
    complete = ruc.complete
    return Cell(complete, _ruc_repairs(text, complete, ruc.dv is None, field))


def _ruc_repairs(text: str, ruc: Ruc, computed: bool, field: str) -> tuple[Repair, ...]:
    after = str(ruc)
    repairs: tuple[Repair, ...] = ()
    if text != after and not (computed and text == ruc.base):
        repairs = (Repair("ruc_format", "Se quitaron puntos, espacios o texto del RUC.", text, after, field),)
    if computed:
        sentence = f"El RUC no tenía dígito verificador; se calculó {ruc.dv}."
        repairs += (Repair("ruc_digit_computed", sentence, text, after, field),)
    return repairs


def _ruc_problem(bare: str, shorn: str, broken: RuleBroken, field: str) -> Problem:
    if broken.code == "ruc_digit":
        base = re.sub(r"[^0-9A-Z]", "", re.split("[-\u2010-\u2015\u2212]", shorn.upper())[0]).lstrip("0")
        return Problem(
            "wrong_ruc_digit",
            f"El dígito verificador del RUC «{bare[:30]}» no corresponde: para {base} sería "
            f"{ruc_check_digit(base)}. Verifique el número con la constancia de RUC.",
            field,
        )
    return Problem("bad_ruc", f"«{bare[:30]}» no es un RUC. {broken.message}", field)


_LEAD = re.compile(
    r"^(?:acta|act|ac|resolucion|resol|res|orden|oi|mtess|dgi|dgift|ins|insp|inspeccion|de|n|no|nro|"
    r"numero|num|nr|s|:|\.|°|#|-|/|\s)*(?=\d)"
)
_SUFFIX = r"(?:[\s-]*(bis|ter|[a-z]))?"
_NUMBER_YEAR = re.compile(rf"(\d{{1,9}}){_SUFFIX}\s*[/\\.-]+\s*(\d{{4}}|\d{{2}}){_SUFFIX}", re.ASCII)
_OF_YEAR = re.compile(rf"(\d{{1,9}}){_SUFFIX}\s*(?:/|-)?\s*(?:del?|ano|del ano)\s*(\d{{4}})()", re.ASCII)
_YEAR_NUMBER = re.compile(rf"((?:19|20)\d\d)\s*[/\\.-]+\s*(\d{{1,9}}){_SUFFIX}", re.ASCII)
_ALONE = re.compile(rf"(\d{{1,9}}){_SUFFIX}(?:\.0)?", re.ASCII)
_AS_DATE = re.compile(r"(\d{4})-(\d{2})-01(?: 00:00:00)?", re.ASCII)
_AS_MONTH = re.compile(r"([a-z]{3,})\.?[-/ ]+(\d{4}|\d{2})", re.ASCII)
_YEARS = range(1950, 2100)


@lru_cache(maxsize=1_024)  # an act hardly comes twice
def read_act(text: str, field: str = "act_number") -> Cell[Act]:
    """Return the number and year of an act: `12/2013`, `Acta N° 12-13`, `ACT 012/2013`, `ACT-INS-2013-00012`.

    A spreadsheet that took `12/2013` for December 2013 is undone. A blank or unreadable cell is a problem.
    """
    if is_nothing(text):
        sentence = "Falta el número de acta. Complételo según el acta en papel."
        return Cell(problem=Problem("missing_act", sentence, field))
    code, act = _number_and_year(text)
    if act is None or not act.number.strip("0"):
        sentence = f"«{text.strip()[:40]}» no se entiende como número de acta. Escríbalo como 12/2013."
        return Cell(problem=Problem("bad_act", sentence, field))
    after = act.number if act.year is None else f"{act.number}/{act.year}"
    if code == "act_format" and text == after:
        return Cell(act)
    sentence = (
        "La planilla había convertido el número de acta en fecha; se deshizo."
        if code == "act_was_date"
        else "El número de acta se pasó a la forma número/año."
    )
    return Cell(act, (Repair(code, sentence, text, after, field),))


@lru_cache(maxsize=8_192)
def read_resolution(text: str, field: str = "resolution_number") -> Cell[str]:
    """Return a resolution as `89/2013`; what cannot be read so is kept as text."""
    bare = " ".join(text.split())
    if not bare or is_nothing(bare):
        return Cell("")
    code, act = _number_and_year(bare)
    if act is None or act.year is None or code == "act_was_date":
        return Cell(bare)
    after = f"{act.number}/{act.year}"
    if after == text:
        return Cell(after)
    sentence = "El número de resolución se pasó a la forma número/año."
    return Cell(after, (Repair("resolution_format", sentence, text, after, field),))


def _number_and_year(text: str) -> tuple[str, Act | None]:
    plain = " ".join(fold(text.replace("º", " ").replace("°", " ")).split())
    if found := _AS_DATE.fullmatch(plain):
        return "act_was_date", Act(str(int(found[2])), int(found[1]))
    if (found := _AS_MONTH.fullmatch(plain)) and (month := month_of(found[1])):
        return "act_was_date", Act(str(month), _year(found[2]))
    shorn = _LEAD.sub("", plain)
    if found := _NUMBER_YEAR.fullmatch(shorn) or _OF_YEAR.fullmatch(shorn):
        year = _year(found[3])
        if year is not None:
            return "act_format", Act(_numbered(found[1], found[2] or found[4]), year)
    if found := _YEAR_NUMBER.fullmatch(shorn):
        return "act_format", Act(_numbered(found[2], found[3]), int(found[1]))
    if found := _ALONE.fullmatch(shorn):
        return "act_format", Act(_numbered(found[1], found[2]), None)
    return "", None


def _year(text: str) -> int | None:
    year = int(text)
    if len(text) == 2:
        year += 1900 if year >= 70 else 2000
    return year if year in _YEARS else None


def _numbered(digits: str, suffix: str | None) -> str:
    number = digits.lstrip("0") or "0"
    return f"{number}-{suffix.upper()}" if suffix else number
