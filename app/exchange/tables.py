"""A table as a file for a spreadsheet: CSV and XLSX, with nothing in it that a spreadsheet would run.

Rows are written as they come, so that a long list costs no more memory than a short one. Days, moments,
amounts and yes or no are given as values of Python: each format writes them as a spreadsheet in Spanish reads
them.
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

from app.core import clock

RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A text that begins so is taken for a formula by some spreadsheet."""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DAY, MOMENT = "%d/%m/%Y", "%d/%m/%Y %H:%M"
LONGEST_NAME = 31
"""Characters of the name of a sheet."""

Row = Sequence[Any]


def harmless(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(RUNS) else value


def write_csv(out: IO[bytes], name: str, titles: Sequence[str], rows: Iterable[Row]) -> None:
    """Write the table as CSV that a spreadsheet in Spanish opens by itself (BOM, semicolons)."""
    text = io.TextIOWrapper(out, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text, delimiter=";")
    writer.writerow([harmless(title) for title in titles])
    writer.writerows([_as_text(harmless(cell)) for cell in row] for row in rows)
    text.detach()


def write_xlsx(out: IO[bytes], name: str, titles: Sequence[str], rows: Iterable[Row]) -> None:
    """Write the table as the one sheet of a workbook, its titles kept in view.

    Texts are texts: a cell that begins like a formula is none, and keeps its words.
    """
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet = book.create_sheet("".join(" " if sign in "[]:*?/\\" else sign for sign in name)[:LONGEST_NAME])
    sheet.freeze_panes = "A2"
    for number, title in enumerate(titles, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = min(max(len(title) + 2, 12), 60)

    def dated(value: date, shown: str) -> Any:
        made = WriteOnlyCell(sheet, value)
        made.number_format = shown
        return made

    def cell(value: Any) -> Any:
        if isinstance(value, bool):
            value = _as_text(value)
        if isinstance(value, str):
            made = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub(" ", value))
            made.data_type = "s"
            return made
        if isinstance(value, datetime):
            return dated(clock.local(value).replace(tzinfo=None), "dd/mm/yyyy hh:mm")
        if isinstance(value, date):
            return dated(value, "dd/mm/yyyy")
        return value

    head = [cell(title) for title in titles]
    for made in head:
        made.font = Font(bold=True)
    sheet.append(head)
    for row in rows:
        sheet.append([cell(value) for value in row])
    book.save(out)


Writer = Callable[[IO[bytes], str, Sequence[str], Iterable[Row]], None]
FORMATS: dict[str, tuple[str, Writer]] = {
    "csv": ("text/csv", write_csv),
    "xlsx": (XLSX, write_xlsx),
}
"""Ending of the file -> its type and who writes it."""


def _as_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "Sí" if value else "No"
    if isinstance(value, datetime):
        return clock.local(value).strftime(MOMENT)
    if isinstance(value, date):
        return value.strftime(DAY)
    if isinstance(value, Decimal):
        return str(value).replace(".", ",")
    return "" if value is None else value
