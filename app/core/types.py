"""Values of the domain: RUC, cédula, telephone, guaraníes, dates, and the folding of text for search.

Parsers are strict and raise `RuleBroken` with words for the user; formatters give what is shown on screen
and printed. Nothing here knows whether a number exists: only the authority that issued it does.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from stdnum.py import ruc as _ruc

from app.core.errors import RuleBroken

_HYPHENS = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"))
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\u00b4`", "'"))
_MONTHS = (
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
)


def _bare(text: str) -> str:
    """Return text without spaces or dots, its hyphens of any kind as `-`."""
    return re.sub(r"[\s.]", "", text.translate(_HYPHENS))


def ruc_check_digit(base: str) -> str:
    """Return the check digit of a RUC base (módulo 11); a letter counts as its character code.

    Raises `ValueError` when `base` has anything but ASCII digits and capital letters.
    """
    if not re.fullmatch(r"[0-9A-Z]+", base):
        raise ValueError(f"not a RUC base: {base!r}")
    return str(_ruc.calc_check_digit("".join(c if c.isdigit() else str(ord(c)) for c in base)))


@dataclass(frozen=True, order=True)
class Ruc:
    """A RUC: `base` without leading zeros and `dv`, its check digit, or None when it was not given.

    Two values with the same base are the same taxpayer: compare `base`.
    """

    base: str
    dv: str | None = None

    @classmethod
    def parse(cls, text: str, *, allow_letter: bool = False, field: str | None = None) -> Ruc:
        """Read a RUC as people write it: with or without dots and spaces.

        With a hyphen the digit after it is checked. Without a hyphen the whole number is a base whose digit
        was not given. `allow_letter` admits the letter of some old numbers of natural persons.
        Raises `RuleBroken` (codes `ruc_format`, `ruc_length`, `ruc_digit`).
        """
        bare = _bare(text).upper()
        base, hyphen, digit = bare.partition("-")
        base = base.lstrip("0")
        pattern = r"[1-9][0-9]*[A-Z]?" if allow_letter else r"[1-9][0-9]*"
        if not re.fullmatch(pattern, base) or (hyphen and not re.fullmatch(r"[0-9]", digit)):
            raise RuleBroken(
                "El RUC no tiene la forma esperada. Escríbalo con guion y dígito, como 80009735-1.",
                field,
                "ruc_format",
            )
        digits = base.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        if len(digits) > 8 or (len(base) < 3 and not allow_letter):
            raise RuleBroken(
                "El número de RUC debe tener de 3 a 8 cifras antes del guion. "
                "Si la última cifra es el dígito verificador, sepárela con un guion.",
                field,
                "ruc_length",
            )
        if hyphen and digit != ruc_check_digit(base):
            raise RuleBroken(
                f"El dígito verificador del RUC {base}-{digit} no corresponde. "
                "Verifique el número en la constancia de RUC.",
                field,
                "ruc_digit",
            )
        return cls(base, digit if hyphen else None)

    @property
    def complete(self) -> Ruc:
        """This RUC with its check digit, computed when it was not given."""
        return self if self.dv is not None else Ruc(self.base, ruc_check_digit(self.base))

    def __str__(self) -> str:
        return self.base if self.dv is None else f"{self.base}-{self.dv}"


def parse_cedula(text: str, field: str | None = None) -> str:
    """Return a Paraguayan identity number as digits without leading zeros.

    Raises `RuleBroken` (code `cedula_format`) unless it has 5 to 8 digits, dots and spaces apart.
    """
    bare = _bare(text).lstrip("0")
    if not re.fullmatch(r"[1-9][0-9]{4,7}", bare):
        raise RuleBroken(
            "La cédula debe tener de 5 a 8 cifras, sin letras ni dígito verificador. Ejemplo: 1.234.567.",
            field,
            "cedula_format",
        )
    return bare


def format_cedula(digits: str) -> str:
    """Return an identity number as it is printed: `1.234.567`."""
    return _grouped(int(digits))


def parse_phone(text: str, field: str | None = None) -> str:
    """Return a telephone number in E.164, as `+595981123456`.

    National numbers are Paraguayan, with or without their leading 0; others need `+` and the country code.
    Raises `RuleBroken` (code `phone_format`).
    """
    bare = re.sub(r"[\s().\-/]", "", text.translate(_HYPHENS))
    if bare.startswith("00"):
        bare = "+" + bare[2:]
    if re.fullmatch(r"595[0-9]{8,9}", bare):
        bare = "+" + bare
    if bare.startswith("+") and not bare.startswith("+595"):
        if re.fullmatch(r"\+[1-9][0-9]{7,14}", bare):
            return bare
    else:
        national = bare.removeprefix("+595")
        national = national.removeprefix("0")
        # Mobile: 9 and eight digits. Fixed line: area code and number, eight or nine digits together.
        if re.fullmatch(r"9[0-9]{8}|[2-8][0-9]{7,8}", national):
            return "+595" + national
    raise RuleBroken(
        "El teléfono no tiene la forma esperada. Ejemplos: 0981 123 456, 021 729 0100; "
        "de otro país, con + y su código.",
        field,
        "phone_format",
    )


def format_phone(number: str) -> str:
    """Return an E.164 number as it is dialled in Paraguay, `0981 123 456`; foreign numbers unchanged.

    Fixed lines outside Asunción are not split: the length of their area code is not known from the number.
    """
    if not number.startswith("+595"):
        return number
    national = number.removeprefix("+595")
    area = 3 if national.startswith("9") else 2 if national.startswith("21") else 0
    if not area:
        return "0" + national
    return f"0{national[:area]} {national[area : area + 3]} {national[area + 3 :]}"


def _grouped(amount: int) -> str:
    return f"{amount:,}".replace(",", ".")


def format_guaranies(amount: int) -> str:
    """Return an amount in guaraníes as it is shown: `Gs. 1.234.567`. There are no decimals."""
    return f"Gs. {_grouped(amount)}"


def parse_guaranies(text: str, field: str | None = None) -> int:
    """Return an amount in guaraníes from `Gs. 1.234.567`, `1.234.567` or `1234567`.

    Raises `RuleBroken` (code `guaranies_format`) for decimals, signs, commas and misplaced dots,
    which would change the amount if guessed at.
    """
    match = re.fullmatch(
        r"(?:(?:Gs\.?|₲)\s*)?([0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)", text.strip(), re.IGNORECASE
    )
    if match is None or not match[1].isascii():
        raise RuleBroken(
            "El monto debe ser un número entero de guaraníes, con puntos de a tres cifras o sin puntos. "
            "Ejemplo: 1.234.567.",
            field,
            "guaranies_format",
        )
    return int(match[1].replace(".", ""))


def round_guaranies(amount: Decimal) -> int:
    """Return an amount rounded half up to the guaraní: only for the result of applying a factor."""
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def format_date(day: date) -> str:
    """Return a day as `dd/mm/yyyy`."""
    return f"{day.day:02d}/{day.month:02d}/{day.year:04d}"


def parse_date(text: str, field: str | None = None) -> date:
    """Return the day written as `dd/mm/yyyy`; one digit suffices for day or month, the year has four.

    Raises `RuleBroken` (code `date_format`).
    """
    match = re.fullmatch(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", text.strip())
    try:
        if match is None:
            raise ValueError
        return date(int(match[3]), int(match[2]), int(match[1]))
    except ValueError:
        raise RuleBroken(
            "La fecha no existe o no tiene la forma día/mes/año. Ejemplo: 24/11/2026.", field, "date_format"
        ) from None


def date_in_words(day: date) -> str:
    """Return a day as documents write it: `24 de noviembre de 2026`."""
    return f"{day.day} de {_MONTHS[day.month - 1]} de {day.year}"


def many(number: int, one: str, more: str) -> str:
    """Return a number with its noun: `1 fila`, `2 filas`."""
    return f"{_grouped(number)} {one if number == 1 else more}"


def inside(words: str) -> str:
    """Return a label as it stands inside a sentence: its first letter small, an abbreviation as it is."""
    return words[:1].lower() + words[1:] if words[1:2].islower() or words[1:2] == " " else words


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES)).casefold()
    plain = unicodedata.normalize("NFKD", plain)
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(plain.split())


# Letters only: each folds by itself, so that a table does for them what normalising does for a whole text.
_LETTERS = {code: _fold(chr(code)) for code in range(0xC0, 0x250) if chr(code).isalpha()}


def fold(text: str) -> str:
    """Return text for search: without accents, tildes or case, spaces single, apostrophes alike.

    Guaraní letters (ã, ẽ, g̃, ỹ) and ñ fold to their plain letter. Folding twice changes nothing.
    """
    plain = text if text.isascii() else text.translate(_LETTERS)
    if plain.isascii():
        return " ".join(plain.replace("`", "'").casefold().split())
    return _fold(text)
