"""A list of people as a spreadsheet brings it (CSV or XLSX), read into plain rows. No database, no Flask."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from app.core.errors import RuleBroken
from app.core.types import fold
from app.exchange.register import csvtext, xlsx
from app.exchange.register.errors import RegisterError

MOST = 100
"""People that one list may bring: each password is hashed slowly, on purpose."""
HEADER_DEPTH = 20

COLUMNS = {
    "username": ("Usuario", ("usuario", "user", "cuenta", "login", "nombre de usuario")),
    "first_name": ("Nombre", ("nombre", "nombres", "primer nombre")),
    "last_name": ("Apellido", ("apellido", "apellidos")),
    "email": ("Correo", ("correo", "email", "e-mail", "mail", "correo electronico")),
    "roles": ("Función", ("funcion", "funciones", "rol", "roles", "perfil")),
    "office": ("Oficina", ("oficina", "oficinas", "dependencia", "sede")),
}
"""Field -> its title in the model sheet, and the titles by which it is known."""

OPTIONAL = frozenset({"username", "office"})


@dataclass(frozen=True)
class Person:
    """A row as written: `line` as the spreadsheet counts, the cells by field."""

    line: int
    cells: dict[str, str]


def people(content: bytes) -> list[Person]:
    """The people of a list. Raises RuleBroken on the field `sheet` when it cannot be read as one."""
    try:
        table = list(islice(_table(content), HEADER_DEPTH + MOST + 500))
    except RegisterError as error:
        raise RuleBroken(error.message, field="sheet") from error
    at, places = _header(table)
    found = [
        Person(number, {name: _cell(row, place) for name, place in places.items()})
        for number, row in enumerate(table, start=1)
        if number > at and any(cell.strip() for cell in row)
    ]
    if not found:
        raise RuleBroken("La planilla tiene títulos y ninguna persona debajo.", field="sheet")
    if len(found) > MOST:
        raise RuleBroken(
            f"La planilla trae más de {MOST} personas: divídala en partes de {MOST} o menos.", field="sheet"
        )
    return found


def model_sheet(offices: Iterable[str]) -> str:
    """An example to be filled in, as CSV that a spreadsheet in Spanish opens by itself."""
    office = next(iter(offices), "")
    titles = ";".join(title for title, _ in COLUMNS.values())
    example = f"lvazquez;Lourdes;Vázquez Riquelme;lvazquez@ejemplo.gov.py;Inspector;{office}"
    return f"\ufeff{titles}\r\n{example}\r\n"


def _table(content: bytes) -> Iterable[list[str]]:
    if not content.strip(b"\0\r\n\t ;,\xef\xbb\xbf"):
        raise RegisterError("El archivo está vacío. Verifique que sea el archivo correcto.", "empty")
    if content.startswith(b"PK"):
        with xlsx.Workbook(content) as book:
            visible = [sheet for sheet in book.sheets if sheet.visible] or book.sheets
            yield from book.rows(visible[0])
        return
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise xlsx.refuse_ole(content)
    if b"\0" in content[:4096] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise RegisterError("El archivo no es una planilla: guárdela como .xlsx o CSV.", "not_a_table")
    with csvtext.open_text(content, csvtext.detect_encoding(content)) as stream:
        lines = list(islice(csvtext.lines(stream), HEADER_DEPTH + MOST + 500))
    yield from csvtext.records(lines, _separator(lines))


def _separator(lines: list[str]) -> str:
    """The separator under which the most titles are recognised."""

    def known(separator: str) -> int:
        rows = csvtext.records(lines[:HEADER_DEPTH], separator)
        return max((len(_places(row)) for row in rows), default=0)

    return max(csvtext.SEPARATORS, key=known)


def _header(table: list[list[str]]) -> tuple[int, dict[str, int]]:
    best = max(
        ((len(_places(row)), -number) for number, row in enumerate(table[:HEADER_DEPTH], start=1)),
        default=(0, 0),
    )
    at = -best[1]
    places = _places(table[at - 1]) if best[0] else {}
    missing = [title for name, (title, _) in COLUMNS.items() if name not in places and name not in OPTIONAL]
    if missing:
        raise RuleBroken(
            f"En la fila de títulos falta: {', '.join(missing)}. Descargue el modelo y copie ahí los datos.",
            field="sheet",
        )
    return at, places


def _places(row: list[str]) -> dict[str, int]:
    titles = {fold(cell.strip(" *:")): index for index, cell in reversed(list(enumerate(row)))}
    found = {}
    for name, (_, known) in COLUMNS.items():
        place = next((titles[title] for title in known if title in titles), None)
        if place is not None:
            found[name] = place
    return found


def _cell(row: list[str], place: int) -> str:
    return " ".join(row[place].replace("\x00", "").split())[:320] if place < len(row) else ""
