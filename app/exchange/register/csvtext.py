"""Text tables: which encoding, which separator, and records that survive wrong quoting.

The csv module is not used to read: an unclosed quote would make it swallow the rest of the file into one
cell.
Here a quoted cell may span lines only while the record stays sensible; else the quote is taken literally.
"""

from __future__ import annotations

import codecs
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from app.exchange.register.errors import RegisterError

ENCODINGS = ("utf-8-sig", "utf-8", "cp1252", "latin-1", "cp850", "utf-16")
SEPARATORS = (";", ",", "\t", "|")
SEPARATOR_NAMES = {";": "punto y coma", ",": "coma", "\t": "tabulación", "|": "barra vertical"}

MAX_LINE = 1_000_000  # characters: beyond it the file is no table, and memory stays flat
MAX_CELL_SIZE = 65_536  # characters of one cell over several lines
MAX_CELL_LINES = 60  # lines of one quoted cell: beyond it the quote was never meant to open one
_CHUNK = 1 << 20
_ENOUGH = 500  # bytes that are not UTF-8: with fewer letters that are, the rest need not be read
_ASCII = bytes(range(128))
_NOT_ASCII = re.compile("[^\x00-\x7f]")
_FOREIGN = re.compile("[\udc80-\udcff]")  # what surrogateescape makes of bytes that are not UTF-8
_SPANISH = frozenset("áéíóúñÁÉÍÓÚÑüÜ")


def open_bytes(source: str | Path | bytes) -> BinaryIO:
    """Return the source as a binary stream. Raises `RegisterError` when the file cannot be opened."""
    if isinstance(source, bytes):
        return io.BytesIO(source)
    try:
        return open(source, "rb")
    except OSError as error:
        raise RegisterError(
            f"No se pudo abrir el archivo «{source}». Verifique que exista y que tenga permiso para leerlo.",
            "unreadable",
        ) from error


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    """Decode the bytes that the file's own encoding refuses: registers joined from several hands mix
    encodings."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    text = "".join(bytes([b]).decode("cp1252", "ignore") or chr(b) for b in wrong)
    return text, error.end


codecs.register_error("register_cp1252", _as_cp1252)


def open_text(source: str | Path | bytes, encoding: str) -> io.TextIOWrapper:
    """Return the source as text with line ends as `\\n`."""
    errors = "replace" if encoding.startswith("utf-16") else "register_cp1252"
    return io.TextIOWrapper(open_bytes(source), encoding=encoding, errors=errors, newline=None)


def detect_encoding(source: str | Path | bytes) -> str:
    """Return the encoding of the whole file; UTF-8 with a few foreign bytes is still UTF-8.

    The whole file is read, in pieces: the first accent of a register may stand far below its first lines.
    """
    with open_bytes(source) as stream:
        chunk = stream.read(_CHUNK)
        if chunk.startswith(codecs.BOM_UTF8):
            return "utf-8-sig"
        if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if _looks_utf16(chunk[:4000]):
            return "utf-16-le"
        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        foreign = multibyte = 0
        sample = b""
        while chunk:
            text = decoder.decode(chunk)
            if not text.isascii():
                wrong = len(_FOREIGN.findall(text))
                foreign += wrong
                multibyte += len(_NOT_ASCII.findall(text)) - wrong
                if len(sample) < _CHUNK:
                    sample += chunk.translate(None, _ASCII)
                if foreign > _ENOUGH and multibyte < foreign:
                    break
            chunk = stream.read(_CHUNK)
        foreign += len(decoder.decode(b"", True))
    return "utf-8" if multibyte >= 2 * foreign else _single_byte(sample)


def _looks_utf16(head: bytes) -> bool:
    odd = head[1::2]
    return len(odd) >= 8 and odd.count(0) > 0.8 * len(odd) and head[::2].count(0) == 0


def _single_byte(high: bytes) -> str:
    """Choose among Windows-1252, Latin-1 and DOS 850 by the Spanish letters that the high bytes make."""
    windows = high.decode("cp1252", "replace")
    dos = high.decode("cp850", "replace")
    in_windows = sum(1 for c in windows if c in _SPANISH)
    in_dos = sum(1 for c in dos if c in _SPANISH)
    if in_dos > 2 * in_windows:
        return "cp850"
    return "latin-1" if "\ufffd" in windows else "cp1252"


def lines(stream: io.TextIOWrapper) -> Iterator[str]:
    """Yield lines without their end and without NUL. Raises `RegisterError` for a line that no table has."""
    while line := stream.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise RegisterError(
                "El archivo no parece una tabla: tiene líneas de más de un millón de letras. "
                "Abra el archivo en la planilla de cálculo y guárdelo como CSV o XLSX.",
                "not_a_table",
            )
        yield line.rstrip("\n").replace("\0", "") if "\0" in line else line.rstrip("\n")


def split(text: str, separator: str, strict: bool = False) -> tuple[list[str], bool, bool]:
    """Return (cells, open, stray): the last cell was not closed; a quote stood undoubled inside a cell.

    A closing quote is one followed by the separator or the end. When `strict`, an opening quote whose cell is
    not quoted properly is an ordinary character, and no cell is open.
    """
    cells: list[str] = []
    stray = False
    start, end = 0, len(text)
    while True:
        if start < end and text[start] == '"':
            value, after, inner = _quoted(text, start + 1, separator, strict)
            stray = stray or inner
            if after >= 0:
                cells.append(value)
                if after >= end:
                    return cells, False, stray
                start = after + 1
                continue
            if not strict:
                cells.append(value)
                return cells, True, stray
        stop = text.find(separator, start)
        if stop < 0:
            cells.append(text[start:])
            return cells, False, stray
        cells.append(text[start:stop])
        start = stop + 1


def _quoted(text: str, start: int, separator: str, strict: bool = False) -> tuple[str, int, bool]:
    """Return (value, index after the closing quote or -1 for none, whether stray quotes were met)."""
    inner = False
    at = text.find('"', start)
    while at >= 0:
        after = at + 1
        if text[after : after + 1] == '"':
            at = text.find('"', after + 1)
            continue
        while text[after : after + 1] == " ":
            after += 1
        if after >= len(text) or text[after] == separator:
            return text[start:at].replace('""', '"'), after, inner
        inner = True
        if strict:
            break
        at = text.find('"', at + 1)
    return text[start:].replace('""', '"'), -1, inner


def records(source: Iterable[str], separator: str, width: int | None = None) -> Iterator[list[str]]:
    """Yield the cells of each record. `width`, the number of headers, exposes what a stray quote swallows."""
    coming = iter(source)
    waiting: deque[str] = deque()
    while True:
        line = waiting.popleft() if waiting else next(coming, None)
        if line is None:
            return
        if '"' not in line:
            yield line.split(separator)
            continue
        cells, is_open, stray = split(line, separator)
        if not is_open and not stray:
            yield cells
        elif not is_open:
            other = split(line, separator, strict=True)[0]
            yield other if len(other) == width != len(cells) else cells
        else:
            taken: list[str] = []
            joined = None if stray else _join(cells, taken, waiting, coming, separator, width)
            if joined is None:
                waiting.extendleft(reversed(taken))
                joined = split(line, separator, strict=True)[0]
            yield joined


def _join(
    cells: list[str],
    taken: list[str],
    waiting: deque[str],
    coming: Iterator[str],
    separator: str,
    width: int | None,
) -> list[str] | None:
    """Take further lines until the open cell closes; return the record, or None when it makes no sense.

    The lines taken are appended to `taken`, for the caller to give back.
    """
    parts = [cells.pop()]
    size = len(parts[0])
    while len(taken) < MAX_CELL_LINES and size < MAX_CELL_SIZE:
        line = waiting.popleft() if waiting else next(coming, None)
        if line is None:
            return None
        taken.append(line)
        size += len(line)
        value, after, stray = _quoted(line, 0, separator)
        if stray:
            return None
        parts.append(value)
        if after < 0:
            continue
        cells.append("\n".join(parts))
        if after >= len(line):
            return cells if width is None or len(trimmed(cells)) <= width else None
        more, is_open, stray = split(line[after + 1 :], separator)
        if stray:
            return None
        cells.extend(more)
        if not is_open:
            return cells if width is None or len(trimmed(cells)) <= width else None
        parts = [cells.pop()]
    return None


def trimmed(cells: Sequence[str]) -> list[str]:
    """Return the cells without the empty ones at the end."""
    end = len(cells)
    while end and not cells[end - 1].strip():
        end -= 1
    return list(cells[:end])
