"""A table as a file for a spreadsheet: CSV and XLSX, with nothing in it that a spreadsheet would run."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

RUNS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A text that begins so is taken for a formula by some spreadsheet."""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def harmless(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(RUNS) else value


def as_csv(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """The table as CSV that a spreadsheet in Spanish opens by itself."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow([harmless(title) for title in titles])
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return ("\ufeff" + out.getvalue()).encode()


def as_xlsx(name: str, titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """The table as the one sheet of a workbook, its titles kept in view."""
    book = Workbook()
    sheet = book.active
    sheet.title = name[:31]
    sheet.append([harmless(title) for title in titles])
    for row in rows:
        sheet.append([harmless(cell) for cell in row])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for number, title in enumerate(titles, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = min(max(len(title) + 2, 12), 60)
    sheet.freeze_panes = "A2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
