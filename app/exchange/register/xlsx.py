"""Workbooks (.xlsx, .xlsm) as rows of text, streamed. Only what a register needs is read.

Formulas are never evaluated: the result that the spreadsheet itself stored is taken, and a formula without
one is kept as text. Dates become `yyyy-mm-dd` by the cell's own format. A file that unpacks beyond bounds,
asks for a password or declares entities is refused.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, NamedTuple
from xml.etree import ElementTree

from app.exchange.register.csvtext import open_bytes
from app.exchange.register.errors import RegisterError

MAX_UNPACKED = 600 * 1024 * 1024
MAX_RATIO = 400  # a real sheet packs some 10 to 50 times
MAX_STRINGS = 200 * 1024 * 1024
MAX_PARTS = 5_000
MAX_COLUMN = 16_384
MAX_GAP = 5_000  # empty rows between two rows that are counted; a wider hole is an accident of formatting
_BUILTIN_DATES = frozenset([14, 15, 16, 17, 22, *range(27, 32), *range(34, 37), *range(50, 59)])
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"


class Sheet(NamedTuple):
    """A sheet of the workbook."""

    name: str
    part: str
    visible: bool


def damaged() -> RegisterError:
    return RegisterError(
        "El archivo de Excel está dañado o incompleto. Ábralo en la planilla de cálculo, guárdelo de nuevo "
        "como .xlsx y vuelva a cargarlo.",
        "damaged",
    )


def _protected() -> RegisterError:
    return RegisterError(
        "El archivo está protegido con contraseña. Quítele la contraseña (Archivo, Información, "
        "Proteger libro) "
        "y vuelva a cargarlo.",
        "password_protected",
    )


def refuse_ole(head: bytes) -> RegisterError:
    """Return the error for a file in Microsoft's older container: an encrypted .xlsx or an old .xls."""
    if "EncryptedPackage".encode("utf-16-le") in head:
        return _protected()
    return RegisterError(
        "El archivo es de un Excel antiguo (.xls). Ábralo en la planilla de cálculo, guárdelo como "
        ".xlsx o CSV "
        "y vuelva a cargarlo.",
        "old_excel",
    )


class Workbook:
    """An open workbook. Use as a context manager; every failure of the file is a `RegisterError`."""

    def __init__(self, source: str | Path | bytes) -> None:
        self._stream = open_bytes(source)
        try:
            self._zip = zipfile.ZipFile(self._stream)
            self._check()
            self.sheets = self._sheets()
            self._dates = self._date_styles()
            self._strings: list[str] | None = None
        except (zipfile.BadZipFile, ElementTree.ParseError, *_FAULTS) as error:
            self._stream.close()
            raise damaged() from error
        except RegisterError:
            self._stream.close()
            raise

    def __enter__(self) -> Workbook:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()
        self._stream.close()

    def rows(self, sheet: Sheet) -> Iterator[list[str]]:
        """Yield each row from the first as text, empty rows between rows included, those after the last
        not."""
        try:
            if self._strings is None:
                self._strings = self._shared_strings()
            expected, empties = 1, 0
            for number, cells in self._raw_rows(sheet):
                empties += min(max(0, number - expected), MAX_GAP)
                expected = number + 1
                if not any(cells):
                    empties = min(empties + 1, MAX_GAP)
                    continue
                for _ in range(empties):
                    yield []
                empties = 0
                yield cells
        except (zipfile.BadZipFile, ElementTree.ParseError, *_FAULTS) as error:
            raise damaged() from error

    def _check(self) -> None:
        parts = self._zip.infolist()
        if any(part.flag_bits & 1 for part in parts):
            raise _protected()
        unpacked = sum(part.file_size for part in parts)
        packed = sum(part.compress_size for part in parts) or 1
        swollen = unpacked > 10 * 1024 * 1024 and unpacked / packed > MAX_RATIO
        if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED or swollen:
            raise RegisterError(
                "El archivo de Excel ocupa demasiado al desempaquetarse y no se abrió, por seguridad. "
                "Guarde como CSV solo la hoja del registro y cargue ese archivo.",
                "too_large",
            )
        names = set(self._zip.namelist())
        if "xl/workbook.xml" not in names:
            raise RegisterError(
                "El archivo no es un libro de Excel (.xlsx). Guárdelo como .xlsx o CSV desde la planilla de "
                "cálculo.",
                "not_a_table",
            )

    def _open(self, part: str) -> IO[bytes]:
        """Open a part, refusing one that declares a document type: entities have no place in a workbook."""
        with self._zip.open(part) as probe:
            if b"<!DOCTYPE" in probe.read(2048).upper():
                raise damaged()
        return self._zip.open(part)

    def _tree(self, part: str) -> ElementTree.Element | None:
        if part not in self._zip.namelist():
            return None
        with self._open(part) as stream:
            return ElementTree.parse(stream).getroot()

    def _sheets(self) -> list[Sheet]:
        workbook = self._tree("xl/workbook.xml")
        relations = self._tree("xl/_rels/workbook.xml.rels")
        if workbook is None or relations is None:
            raise damaged()
        targets = {item.get("Id"): item.get("Target", "") for item in relations}
        self.date1904 = any(
            _tag(item) == "workbookPr" and item.get("date1904") in ("1", "true") for item in workbook
        )
        found = []
        for item in workbook.iter():
            if _tag(item) != "sheet":
                continue
            target = targets.get(item.get(_RELATION) or item.get(_STRICT_RELATION), "")
            part = target[1:] if target.startswith("/") else "xl/" + target
            if target and part in self._zip.namelist() and "worksheets" in part:
                found.append(Sheet(item.get("name", ""), part, item.get("state", "visible") == "visible"))
        if not found:
            raise damaged()
        return found

    def _date_styles(self) -> frozenset[int]:
        """Return the cell styles whose number format shows a day."""
        styles = self._tree("xl/styles.xml")
        if styles is None:
            return frozenset()
        formats = {
            int(item.get("numFmtId", "-1")): item.get("formatCode", "")
            for item in styles.iter()
            if _tag(item) == "numFmt"
        }
        found = set()
        for group in styles:
            if _tag(group) != "cellXfs":
                continue
            for index, style in enumerate(group):
                number = int(style.get("numFmtId", "0"))
                if number in _BUILTIN_DATES or _shows_day(formats.get(number, "")):
                    found.add(index)
        return frozenset(found)

    def _shared_strings(self) -> list[str]:
        part = "xl/sharedStrings.xml"
        if part not in self._zip.namelist():
            return []
        if self._zip.getinfo(part).file_size > MAX_STRINGS:
            raise RegisterError(
                "El archivo de Excel contiene demasiado texto para leerlo de una vez. "
                "Guarde la hoja del registro como CSV y cargue ese archivo.",
                "too_large",
            )
        found: list[str] = []
        with self._open(part) as stream:
            root: ElementTree.Element | None = None
            for event, item in ElementTree.iterparse(stream, events=("start", "end")):
                if event == "start":
                    root = item if root is None else root
                elif _tag(item) == "si":
                    found.append(_text_of(item))
                    if root is not None:
                        root.clear()
        return found

    def _raw_rows(self, sheet: Sheet) -> Iterator[tuple[int, list[str]]]:
        number = 0
        with self._open(sheet.part) as stream:
            data: ElementTree.Element | None = None
            for event, item in ElementTree.iterparse(stream, events=("start", "end")):
                name = _tag(item)
                if event == "start":
                    if name == "sheetData":
                        data = item
                elif name == "row":
                    number = max(number + 1, int(item.get("r") or 0))
                    yield number, self._cells(item)
                    if data is not None:
                        data.clear()
                elif name == "sheetData":
                    return

    def _cells(self, row: ElementTree.Element) -> list[str]:
        cells: list[str] = []
        for item in row:
            index = _column(item.get("r", "")) if item.get("r") else len(cells)
            if index >= MAX_COLUMN:
                raise damaged()
            if index < len(cells):
                continue
            value = self._value(item)
            if value:
                cells.extend([""] * (index - len(cells)))
                cells.append(value)
            elif index == len(cells):
                cells.append("")
        return cells

    def _value(self, cell: ElementTree.Element) -> str:
        kind = cell.get("t", "n")
        value = formula = None
        for child in cell:
            name = _tag(child)
            if name == "v":
                value = child.text
            elif name == "f":
                formula = child.text or ""
            elif name == "is":
                value = _text_of(child)
        if value is None:
            return f"={formula}" if formula else ""
        if kind == "s":
            strings = self._strings or []
            index = int(value)
            return strings[index] if 0 <= index < len(strings) else ""
        if kind == "n":
            return self._number(value, int(cell.get("s") or 0))
        if kind == "b":
            return "VERDADERO" if value.strip() == "1" else "FALSO"
        return _unescape(value) if kind != "d" else value

    def _number(self, text: str, style: int) -> str:
        try:
            number = float(text)
        except ValueError:
            return text
        if style in self._dates and 0 < number < 2_958_466:
            start = datetime(1904, 1, 1) if self.date1904 else datetime(1899, 12, 30)
            moment = start + timedelta(seconds=round(number * 86_400))
            return moment.date().isoformat() if moment.time() == datetime.min.time() else str(moment)
        if abs(number) < 1e15 and number == int(number):
            return str(int(number))
        return text


# What a workbook made or cut by hand raises while it is read; each is told as a damaged file.
_FAULTS = (
    ValueError, LookupError, EOFError, OSError, RuntimeError, OverflowError, zlib.error, struct.error,
    zipfile.LargeZipFile,
)  # fmt: skip


def _tag(item: ElementTree.Element) -> str:
    return item.tag.rpartition("}")[2]


def _text_of(item: ElementTree.Element) -> str:
    """Return the text of a string item: its runs joined, without the phonetic reading."""
    parts = []
    for child in item:
        name = _tag(child)
        if name == "t":
            parts.append(child.text or "")
        elif name == "r":
            parts.extend(run.text or "" for run in child if _tag(run) == "t")
    return _unescape("".join(parts))


def _unescape(text: str) -> str:
    if "_x" in text:
        text = re.sub(r"_x([0-9A-Fa-f]{4})_", _character, text)
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def _character(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return "" if 0xD800 <= code <= 0xDFFF else chr(code)  # half a pair could never be written again


def _shows_day(code: str) -> bool:
    """Tell whether a number format shows a day or a year, outside quotes, brackets and escapes."""
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]|\\.', "", code.lower())
    return "d" in bare or "yy" in bare or "aa" in bare


def _column(reference: str) -> int:
    index = 0
    for letter in reference:
        if not letter.isalpha() or not letter.isascii():
            break
        index = index * 26 + ord(letter.upper()) - 64
    return index - 1 if index > 0 else MAX_COLUMN
