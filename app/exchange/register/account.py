"""The account of an import: totals that add up, the report of every row, and the corrected report read back.

In the report a cell that a spreadsheet would run as a formula gets a leading apostrophe; reading back takes
away exactly that apostrophe. Each row carries a check of its cells, so that only rows that a person changed
are taken from a corrected report.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple, TextIO

from app.exchange.register.columns import BY_NAME
from app.exchange.register.errors import RegisterError
from app.exchange.register.ledger import Decision
from app.exchange.register.marks import Repair
from app.exchange.register.reading import Layout, RawRow, Source, detect, rows

OUTCOMES = {
    "imported": "importada",
    "duplicate": "duplicada",
    "quarantined": "en cuarentena",
    "blank": "en blanco",
}
# Repairs that only rewrite a notation: they are counted, and may be left out where a person looks for
# changes.
NOTATION = frozenset(("date_day_first", "amount_format"))
REPORT_COLUMNS = (
    "SIS fila",
    "SIS desenlace",
    "SIS códigos",
    "SIS explicación",
    "SIS reparaciones",
    "SIS avisos",
    "SIS celdas sobrantes",
    "SIS control",
)
_MAX_LISTED = 20_000
_HARMLESS = re.compile(r"-?\d+(?:[.,]\d+)*")
_ARMED = re.compile(r"'*(?:\s*[=+\-@]|[\t\r])")


@dataclass
class Account:
    """Totals of an import. `rows` is the number of rows below the header, and the four outcomes add up to
    it."""

    imported: int = 0
    duplicate: int = 0
    quarantined: int = 0
    blank: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    repairs: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    unknown_infractions: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        return self.imported + self.duplicate + self.quarantined + self.blank

    def add(self, decision: Decision) -> None:
        """Count one row; a row counts once for each code that it has."""
        setattr(self, decision.outcome, getattr(self, decision.outcome) + 1)
        if decision.outcome == "blank":
            return
        judged = decision.judged
        if decision.causes:
            self.causes.update({cause.code for cause in decision.causes})
        if decision.outcome == "duplicate":
            return
        if judged.repairs:
            self.repairs.update({repair.code for repair in judged.repairs})
        if judged.warnings:
            self.warnings.update({notice.code for notice in judged.warnings})
            if judged.record is not None:
                self._list(judged.record.infractions)

    def _list(self, infractions: tuple[tuple[str, str | None], ...]) -> None:
        for text, code in infractions:
            if code is None and (
                text in self.unknown_infractions or len(self.unknown_infractions) < _MAX_LISTED
            ):
                self.unknown_infractions[text] += 1

    def as_dict(self) -> dict[str, int]:
        """Return the five totals, in the order in which they are printed."""
        return {
            "rows": self.rows,
            "imported": self.imported,
            "duplicate": self.duplicate,
            "quarantined": self.quarantined,
            "blank": self.blank,
        }


def neutralise(text: str) -> str:
    """Return a cell that no spreadsheet runs: an apostrophe before a formula; plain negative numbers stay."""
    return f"'{text}" if _ARMED.match(text) and not _HARMLESS.fullmatch(text) else text


def restore(text: str) -> str:
    """Return a cell as it was before `neutralise`."""
    return text[1:] if text.startswith("'") and _ARMED.match(text) else text


def check_of(values: tuple[str, ...]) -> str:
    """Return the check of a row's cells: blanks and line ends, which spreadsheets change by themselves,
    apart."""
    plain = "\x1f".join(" ".join(value.split()) for value in values).rstrip("\x1f")
    return blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=9).hexdigest()


class ReportWriter:
    """Writes the report: each source row repeated, with its outcome, causes (code and sentence) and repairs.

    The stream is opened by the caller with newline="" and encoding utf-8; the byte order mark is written
    here.
    """

    def __init__(self, stream: TextIO, layout: Layout, separator: str = ";") -> None:
        stream.write("\ufeff")
        self._writer = csv.writer(stream, delimiter=separator, lineterminator="\r\n")
        self._width = len(layout.headers)
        headers = [name.strip() or f"Columna {index}" for index, name in enumerate(layout.headers, start=1)]
        self._writer.writerow([*map(neutralise, headers), *REPORT_COLUMNS])

    def write(self, decision: Decision) -> None:
        """Write one row. Cells beyond the headers stand together in a column of their own."""
        judged = decision.judged
        values = judged.raw.values[: self._width]
        found = (
            str(judged.raw.line_number),
            OUTCOMES[decision.outcome],
            " ".join(dict.fromkeys(cause.code for cause in decision.causes)),
            " ".join(cause.sentence for cause in decision.causes),
            " | ".join(_told(repair) for repair in judged.repairs),
            " ".join(notice.sentence for notice in judged.warnings),
            " | ".join(filter(None, judged.raw.values[self._width :])),
            check_of(values),
        )
        self._writer.writerow([neutralise(value) for value in (*values, *found)])


def _told(repair: Repair) -> str:
    label = BY_NAME[repair.field].label if repair.field in BY_NAME else repair.field
    return f"{label} [{repair.code}]: {repair.before.strip()} → {repair.after}"


class Corrected(NamedTuple):
    """A row that a person changed in the report. `line_number` is that of the source file, `check` its old
    check."""

    line_number: int
    check: str
    raw: RawRow


def corrected(source: Source, mapping: Mapping[str, str | int | None] | None = None) -> Iterator[Corrected]:
    """Yield the changed rows of a corrected report, saved as CSV in any form or as XLSX.

    `mapping` is the one that the import used (field -> header), where it was corrected by hand. Raises
    `RegisterError` when the file is no report of an import.
    """
    layout = detect(source, mapping=mapping)
    places = {name: index for index, name in enumerate(layout.headers) if name in REPORT_COLUMNS}
    line_at, check_at = places.get(REPORT_COLUMNS[0]), places.get(REPORT_COLUMNS[-1])
    if line_at is None or check_at is None:
        raise RegisterError(
            "El archivo no es un informe de importación: faltan las columnas «SIS fila» y «SIS control». "
            "Corrija el informe que el sistema entregó, sin quitarle columnas.",
            "not_a_report",
        )
    own = [index for index in range(len(layout.headers)) if index not in places.values()]
    for row in rows(source, layout):
        values = tuple(restore(row.values[index]) for index in own)
        number, check = row.values[line_at].strip(), row.values[check_at].strip()
        if not number.isdecimal() or check == check_of(values):
            continue
        cells = {name: restore(text) for name, text in row.cells.items()}
        extra = {name: restore(text) for name, text in row.extra.items() if name not in REPORT_COLUMNS}
        raw = row._replace(line_number=int(number), cells=cells, extra=extra, values=values)
        yield Corrected(int(number), check, raw)
