"""From a file of unknown shape to rows of named cells.

`detect` says what the file is, where its header stands and which column holds which field; a person may
correct any of it by calling `detect` again with what he knows. `rows` then streams the file with flat memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

from app.exchange.register import columns, csvtext, xlsx
from app.exchange.register.columns import Column
from app.exchange.register.errors import RegisterError

Source = str | Path | bytes
MAX_COLUMNS = 256
HEADER_DEPTH = 60  # rows searched for the header
_SHEETS_TRIED = 30
_SAMPLE = 120


@dataclass(frozen=True)
class Layout:
    """How to read one file. Rows are numbered from 1 as a spreadsheet shows them.

    `header_row` 0 means that the file has no header and the columns were given by a person.
    """

    kind: Literal["csv", "xlsx"]
    header_row: int
    headers: tuple[str, ...]
    columns: Mapping[str, Column]
    encoding: str = ""
    separator: str = ""
    sheet: str = ""
    other_sheets: tuple[str, ...] = ()
    titles: tuple[str, ...] = field(default=())

    @property
    def missing(self) -> tuple[str, ...]:
        """The Spanish labels of essential fields without a column."""
        return columns.missing(self.columns)

    @property
    def unmapped(self) -> tuple[str, ...]:
        """Headers that no field took; their cells are kept in `RawRow.extra`."""
        taken = {column.position for column in self.columns.values()}
        return tuple(name for index, name in enumerate(self.headers) if index not in taken and name)

    def as_dict(self) -> dict[str, Any]:
        """Return the layout as plain values, to be kept with its batch."""
        return asdict(self) | {"columns": {name: list(column) for name, column in self.columns.items()}}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Layout:
        """Return the layout that `as_dict` wrote, also after a passage through JSON."""
        plain = dict(values)
        for name in ("headers", "other_sheets", "titles"):
            plain[name] = tuple(plain[name])
        plain["columns"] = {name: Column(*column) for name, column in plain["columns"].items()}
        return cls(**plain)


class RawRow(NamedTuple):
    """A row as written. `values` are its cells in file order; `cells` by field, `extra` by header."""

    line_number: int
    cells: dict[str, str]
    extra: dict[str, str]
    values: tuple[str, ...]
    overflow: bool = False
    repeated_header: bool = False


def detect(
    source: Source,
    *,
    encoding: str | None = None,
    separator: str | None = None,
    sheet: str | None = None,
    header_row: int | None = None,
    mapping: Mapping[str, str | int | None] | None = None,
) -> Layout:
    """Return the layout of a register; each keyword is a person's correction of what was detected.

    `header_row` is counted from 1, 0 says that there is none. `mapping` gives, for a field, the header or
    index of its column, or None for no column. Raises `RegisterError` when the file cannot be a register.
    """
    with csvtext.open_bytes(source) as stream:
        head = stream.read(65_536)
    if not head.strip(b"\0\r\n\t ;,\xef\xbb\xbf"):
        raise RegisterError("El archivo está vacío. Verifique que sea el archivo correcto.", "empty")
    wishes = mapping or {}
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _detect_workbook(source, sheet, header_row, wishes)
    _refuse_other_kinds(source, head)
    return _detect_text(source, encoding, separator, header_row, wishes)


def rows(source: Source, layout: Layout) -> Iterator[RawRow]:
    """Yield every row below the header, empty ones too, one at a time."""
    width = len(layout.headers)
    fields = [(name, column.position) for name, column in layout.columns.items()]
    taken = {column.position for column in layout.columns.values()}
    others = [(index, _title(layout.headers, index)) for index in range(width) if index not in taken]
    empty = ("",) * width
    for number, found in enumerate(_records(source, layout), start=1):
        if number <= layout.header_row:
            continue
        size = len(found)
        overflow = False
        if size < width:
            found = [*found, *empty[size:]]
        extra = {title: found[index] for index, title in others if found[index]}
        if size > width:
            for index in range(width, min(size, MAX_COLUMNS * 4)):
                if found[index].strip():
                    extra[_title((), index)] = found[index]
                    overflow = True
        values = tuple(found) if overflow else tuple(found[:width])
        yield RawRow(
            number,
            {name: found[index] for name, index in fields},
            extra,
            values,
            overflow,
            layout.header_row > 0 and values == layout.headers,
        )


def _title(headers: Sequence[str], index: int) -> str:
    """Return a column's header, or its letter as a spreadsheet shows it."""
    if index < len(headers) and headers[index].strip():
        return headers[index]
    letters, rest = "", index + 1
    while rest:
        rest, letter = divmod(rest - 1, 26)
        letters = chr(65 + letter) + letters
    return f"(columna {letters})"


def _records(source: Source, layout: Layout) -> Iterator[list[str]]:
    if layout.kind == "xlsx":
        with xlsx.Workbook(source) as book:
            yield from book.rows(_sheet(book, layout.sheet))
        return
    with csvtext.open_text(source, layout.encoding) as stream:
        yield from csvtext.records(csvtext.lines(stream), layout.separator, len(layout.headers))


def _sheet(book: xlsx.Workbook, name: str) -> xlsx.Sheet:
    for sheet in book.sheets:
        if sheet.name == name:
            return sheet
    raise RegisterError(f"El libro no tiene una hoja llamada «{name}». Elija otra hoja.", "unknown_sheet")


def _detect_workbook(
    source: Source, name: str | None, header_row: int | None, wishes: Mapping[str, str | int | None]
) -> Layout:
    with xlsx.Workbook(source) as book:
        visible = [sheet for sheet in book.sheets if sheet.visible] or book.sheets
        tried = [_sheet(book, name)] if name is not None else visible[:_SHEETS_TRIED]
        best: tuple[float, int, xlsx.Sheet, list[list[str]]] | None = None
        good = []
        for sheet in tried:
            sample = list(islice(book.rows(sheet), HEADER_DEPTH))
            score, at = _best_header(sample)
            if score:
                good.append(sheet.name)
            if sample and (best is None or score > best[0]):
                best = (score, at, sheet, sample)
        if best is None:
            raise RegisterError(
                "El libro de Excel no tiene datos. Verifique que sea el archivo correcto.", "empty"
            )
        _, at, chosen, sample = best
        at, headers, found = _header(sample, at, header_row, wishes)
        return Layout(
            kind="xlsx",
            header_row=at,
            headers=headers,
            columns=found,
            sheet=chosen.name,
            other_sheets=tuple(other for other in good if other != chosen.name),
            titles=_titles(sample, at),
        )


def _detect_text(
    source: Source,
    encoding: str | None,
    separator: str | None,
    header_row: int | None,
    wishes: Mapping[str, str | int | None],
) -> Layout:
    chosen = encoding or csvtext.detect_encoding(source)
    try:
        with csvtext.open_text(source, chosen) as stream:
            sample = list(islice(csvtext.lines(stream), _SAMPLE))
    except LookupError as error:
        raise RegisterError(f"La codificación «{encoding}» no se conoce.", "unknown_encoding") from error
    except UnicodeError as error:
        raise RegisterError(
            "El texto del archivo no corresponde a la codificación indicada. Elija otra codificación.",
            "wrong_encoding",
        ) from error
    _refuse_noise(sample)
    separator = separator or _separator(sample, header_row)
    table = list(csvtext.records(sample, separator))
    _, at = _best_header(table)
    at, headers, found = _header(table, at, header_row, wishes)
    return Layout(
        kind="csv",
        header_row=at,
        headers=headers,
        columns=found,
        encoding=chosen,
        separator=separator,
        titles=_titles(table, at),
    )


def _separator(sample: Sequence[str], header_row: int | None) -> str:
    """Return the separator under which a header is best recognised, or else the rows are most alike."""
    if sample and sample[0].lower().startswith("sep=") and len(sample[0]) == 5:
        return sample[0][4]
    best, chosen = 0.0, ""
    for separator in csvtext.SEPARATORS:
        table = list(csvtext.records(sample, separator))
        score = _best_header(table)[0] if header_row is None else 0.0
        score = score or _regularity(table) / 100
        if score > best:
            best, chosen = score, separator
    if not chosen:
        names = ", ".join(csvtext.SEPARATOR_NAMES.values())
        raise RegisterError(
            f"No se reconoció el separador de columnas del archivo (se probó {names}). "
            "Indique el separador, o guarde el archivo como XLSX o como CSV separado por punto y coma.",
            "unknown_separator",
        )
    return chosen


def _regularity(table: Sequence[Sequence[str]]) -> float:
    """Return how many rows of three cells or more have the commonest width, as a share of the rows."""
    widths = [len(row) for row in table if any(cell.strip() for cell in row)]
    wide = [width for width in widths if width >= 3]
    return max((wide.count(width) for width in set(wide)), default=0) / len(widths) if widths else 0.0


def _best_header(table: Sequence[Sequence[str]]) -> tuple[float, int]:
    """Return (quality, row number from 1) of the row that looks most like a header; quality 0 for none."""
    best, at = 0.0, 0
    for number, row in enumerate(table[:HEADER_DEPTH], start=1):
        if len(row) > MAX_COLUMNS * 4:
            continue
        score = columns.quality(row)
        if score > best:
            best, at = score, number
    return best, at


def _header(
    table: Sequence[Sequence[str]], found_at: int, wished: int | None, wishes: Mapping[str, str | int | None]
) -> tuple[int, tuple[str, ...], dict[str, Column]]:
    at = found_at if wished is None else wished
    if wished is None and at == 0:
        raise RegisterError(
            f"No se encontró la fila de títulos en las primeras {HEADER_DEPTH} filas. Debe haber una fila "
            "con "
            "nombres como «Fecha», «Acta N°», «Empresa», «RUC», «Distrito». Agréguela, o indique en qué fila "
            "están los títulos y qué contiene cada columna.",
            "no_header",
        )
    if not 0 <= at <= len(table):
        raise RegisterError(f"El archivo no tiene la fila {at}, indicada para los títulos.", "no_header")
    if at:
        headers = tuple(csvtext.trimmed(table[at - 1]))
    else:
        width = max((len(csvtext.trimmed(row)) for row in table), default=0)
        headers = ("",) * width
    if len(headers) > MAX_COLUMNS:
        raise RegisterError(
            f"La tabla tiene {len(headers)} columnas; se aceptan hasta {MAX_COLUMNS}. "
            "Deje solo las columnas del registro y vuelva a cargar el archivo.",
            "too_many_columns",
        )
    return at, headers, columns.override(columns.match(headers), headers, wishes)


def _titles(table: Sequence[Sequence[str]], at: int) -> tuple[str, ...]:
    """Return the texts above the header: the name of the register, its period, its office."""
    lines = (" ".join(cell.strip() for cell in row if cell.strip()) for row in table[: max(0, at - 1)])
    return tuple(line[:300] for line in lines if line)


def _refuse_other_kinds(source: Source, head: bytes) -> None:
    """Refuse files that are known not to be tables of text, each with what to do."""
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        with csvtext.open_bytes(source) as stream:
            raise xlsx.refuse_ole(stream.read(32 * 1024 * 1024))
    start = head[:512].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    kinds = {b"%pdf": "un PDF", b"\x89png": "una imagen", b"\xff\xd8\xff": "una imagen",
             b"{\\rtf": "un texto RTF",
             b"<html": "una página web", b"<!doctype": "una página web", b"<table": "una página web",
             b"<?xml": "un XML", b"rar!": "un archivo comprimido", b"7z\xbc\xaf": "un archivo comprimido",
             b"\x1f\x8b": "un archivo comprimido"}  # fmt: skip
    for mark, name in kinds.items():
        if start.startswith(mark):
            raise _no_table(f"El archivo es {name}, no una tabla.")


def _refuse_noise(sample: Sequence[str]) -> None:
    """Refuse binary contents: text has hardly any control characters."""
    text = "".join(sample)[:20_000]
    noise = sum(1 for c in text if c < " " and c not in "\t\n\r" or "\x7f" <= c < "\xa0" or c == "\ufffd")
    if noise > len(text) * 0.05:
        raise _no_table("El archivo no es una tabla de texto.")
    if not text.strip():
        raise RegisterError("El archivo está vacío. Verifique que sea el archivo correcto.", "empty")


def _no_table(what: str) -> RegisterError:
    return RegisterError(
        f"{what} Abra el registro en la planilla de cálculo y guárdelo como .xlsx o CSV.", "not_a_table"
    )
