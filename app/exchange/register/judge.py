"""One row judged by itself: blank, quarantined with its causes, or ok; repairs and notices in any case.

What needs other rows (duplicates, conflicts) is the ledger's. A quarantined row carries its record too, as
far as it could be read, so that a person corrects one cell and not twenty.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from app.core.types import format_date
from app.exchange.register.catalogs import Catalogs
from app.exchange.register.cells.choices import read_choice
from app.exchange.register.cells.dates import read_date
from app.exchange.register.cells.identifiers import read_act, read_resolution, read_ruc
from app.exchange.register.cells.infractions import Infraction, wording_key
from app.exchange.register.cells.numbers import read_amount, read_count
from app.exchange.register.cells.people import Person
from app.exchange.register.cells.places import address_key
from app.exchange.register.cells.text import is_firm, key, read_name, read_text
from app.exchange.register.marks import Cell, Notice, Problem, Repair
from app.exchange.register.reading import RawRow

T = TypeVar("T")

MAX_CELL = 2_000  # letters of a cell that names something; longer ones are an accident, and cost time
MAX_TEXT = 32_000  # letters of a cell of prose: what a spreadsheet can hold
_PROSE = frozenset(("remarks", "infractions"))
_KEPT = 300  # letters of a text worth remembering: longer ones hardly repeat, and would fill the memory
_FIRST_FIRM_RUC = 80_000_000  # numbers from here on are given to firms and public bodies


@dataclass(slots=True)
class CleanRow:
    """A row of the register with typed values. In an `ok` row the act, date and district are never None,
    nor the RUC unless its absence was waived. `raw` texts stay with the source row.
    """

    line_number: int
    row_number: str = ""
    date: dt.date | None = None
    order_number: str = ""
    act_number: str | None = None
    act_year: int | None = None
    employer_name: str = ""
    employer_is_firm: bool | None = None
    trade_name: str = ""
    ruc_base: str | None = None
    ruc_dv: str | None = None
    department: int | None = None
    district: int | None = None
    address: str = ""
    activity: str = ""
    activity_code: str = ""
    workers: int | None = None
    men: int | None = None
    women: int | None = None
    minors: int | None = None
    inspectors: tuple[Person, ...] = ()
    cause: str = ""
    cause_text: str = ""
    infractions: tuple[Infraction, ...] = ()
    outcome: str = ""
    outcome_text: str = ""
    fine: int | None = None
    resolution_number: str = ""
    resolution_date: dt.date | None = None
    remarks: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def establishment(self) -> tuple[str, int | None, str]:
        """The establishment without a database: (RUC base, district, folded address).

        An employer without RUC is told apart by its name, marked `?` so that it never equals a number.
        """
        return (self.ruc_base or f"?{key(self.employer_name)}", self.district, address_key(self.address))


@dataclass(slots=True)
class Judged:
    """The judgement of one row; `record` is None only for a blank one."""

    raw: RawRow
    outcome: Literal["blank", "quarantined", "ok"]
    record: CleanRow | None = None
    causes: list[Problem] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)


def judge(raw: RawRow, catalogs: Catalogs, today: dt.date, waive: Container[str] = ()) -> Judged:
    """Return the judgement of a row. `today` is the day after which a date is in the future.

    `waive` holds codes of causes that a person has accepted: each becomes a notice (`missing_ruc`: the
    employer is then provisional).
    """
    if raw.repeated_header:
        sentence = "La fila repite los títulos; se tomó como en blanco."
        return Judged(raw, "blank", warnings=[Notice("repeated_header", sentence)])
    if not any(cell and not cell.isspace() for cell in raw.values):
        return Judged(raw, "blank")
    record = CleanRow(raw.line_number, extra=raw.extra)
    judged = Judged(raw, "ok", record)
    cells = raw.cells
    if max(map(len, raw.values)) > MAX_CELL:
        cells = _shortened(cells, judged)
    _Row(judged, record, cells, catalogs, today).read()
    if waive and judged.causes:
        _waive(judged, waive)
    if judged.causes:
        judged.outcome = "quarantined"
    return judged


def _shortened(cells: dict[str, str], judged: Judged) -> dict[str, str]:
    """Return the cells cut to what can be read, each cut one a cause; the source row keeps all."""
    result = dict(cells)
    for name, text in cells.items():
        limit = MAX_TEXT if name in _PROSE else MAX_CELL
        if len(text) > limit:
            result[name] = text[:limit]
            sentence = (
                f"La celda tiene {len(text)} letras; se leen hasta {limit}. Acórtela, o falta una comilla."
            )
            judged.causes.append(Problem("cell_too_long", sentence, name))
    return result


def _waive(judged: Judged, waive: Container[str]) -> None:
    kept = []
    for cause in judged.causes:
        if cause.code in waive:
            judged.warnings.append(Notice(f"waived_{cause.code}", f"Aceptado: {cause.sentence}", cause.field))
        else:
            kept.append(cause)
    judged.causes = kept


class _Row:
    """The reading of one row: fills the record, collects what the cells say."""

    __slots__ = ("catalogs", "cells", "judged", "record", "today")

    def __init__(
        self, judged: Judged, record: CleanRow, cells: dict[str, str], catalogs: Catalogs, today: dt.date
    ) -> None:
        self.judged, self.record, self.cells, self.catalogs, self.today = (
            judged,
            record,
            cells,
            catalogs,
            today,
        )

    def read(self) -> None:
        self._who()
        self._when()
        self._where()
        self._counts()
        self._what()
        if self.judged.raw.overflow:
            self._cause(
                "too_many_cells",
                "La fila tiene más celdas que los títulos: falta una comilla o sobra un separador, y los "
                "datos "
                "pueden estar corridos. Corrija la fila en el archivo.",
            )

    def take(self, cell: Cell[T]) -> T | None:
        value, repairs, problem, notices = cell
        if repairs:
            self.judged.repairs.extend(repairs)
        if problem is not None:
            self.judged.causes.append(problem)
        if notices:
            self.judged.warnings.extend(notices)
        return value

    def _cell(self, name: str) -> str:
        return self.cells.get(name, "")

    def _cause(self, code: str, sentence: str, name: str = "") -> None:
        self.judged.causes.append(Problem(code, sentence, name))

    def _warn(self, code: str, sentence: str, name: str = "") -> None:
        self.judged.warnings.append(Notice(code, sentence, name))

    def _text(self, name: str) -> str:
        text = self._cell(name)
        read = read_text if len(text) <= _KEPT else read_text.__wrapped__
        return self.take(read(text, name)) or ""

    def _who(self) -> None:
        record = self.record
        record.row_number = self._cell("row_number").strip()
        record.order_number = self._text("order_number")
        record.employer_name = self.take(read_name(self._cell("employer_name"), "employer_name")) or ""
        record.trade_name = self.take(read_name(self._cell("trade_name"), "trade_name")) or ""
        ruc = self.take(read_ruc(self._cell("ruc"), "ruc", self.catalogs.ruc_with_letter))
        if ruc is not None:
            record.ruc_base, record.ruc_dv = ruc.base, ruc.dv
        record.employer_is_firm = is_firm(record.employer_name)
        if record.employer_is_firm is None and ruc is not None and ruc.base.isdigit():
            record.employer_is_firm = int(ruc.base) >= _FIRST_FIRM_RUC
        if not record.employer_name:
            self._warn("missing_employer_name", "Falta el nombre del empleador.", "employer_name")

    def _when(self) -> None:
        record = self.record
        record.date = self._plausible(self._cell("date"), "date")
        if record.date is None and not any(cause.field == "date" for cause in self.judged.causes):
            self._cause("missing_date", "Falta la fecha de inspección. Complétela según el acta.", "date")
        record.resolution_number = self.take(read_resolution(self._cell("resolution_number"))) or ""
        record.resolution_date = self._plausible(self._cell("resolution_date"), "resolution_date")
        if record.date and record.resolution_date and record.resolution_date < record.date:
            sentence = "La resolución tiene fecha anterior a la inspección. Verifique ambas."
            self._warn("resolution_before_inspection", sentence, "resolution_date")
        self._act()

    def _plausible(self, text: str, name: str) -> dt.date | None:
        day = self.take(read_date(text, name))
        if day is None:
            return None
        if day > self.today:
            sentence = f"La fecha {format_date(day)} está en el futuro. Corríjala según el acta."
            self._cause("future_date", sentence, name)
            return None
        if day.year < self.catalogs.first_year:
            sentence = (
                f"La fecha {format_date(day)} es anterior a {self.catalogs.first_year}, lo que no es creíble "
                "para este registro. Corríjala según el acta."
            )
            self._cause("date_too_old", sentence, name)
            return None
        return day

    def _act(self) -> None:
        """Read the act and compare its year with the date's, when that date can be trusted."""
        act = self.take(read_act(self._cell("act_number")))
        if act is None:
            return
        record, year = self.record, act.year
        if year is None and record.date is not None:
            year = record.date.year
            written = self._cell("act_number")
            sentence = "El acta no tenía año; se tomó el de la fecha de inspección."
            self.judged.repairs.append(
                Repair("act_year_from_date", sentence, written, f"{act.number}/{year}", "act_number")
            )
        elif year is not None and record.date is not None and year != record.date.year:
            self._cause(
                "act_year_conflict",
                f"El acta es de {year} y la inspección de {format_date(record.date)}. Corrija la que esté "
                "mal.",
                "act_number",
            )
        record.act_number, record.act_year = act.number, year

    def _where(self) -> None:
        record, places = self.record, self.catalogs.places
        causes = len(self.judged.causes)
        record.department = self.take(places.department(self._cell("department")))
        district = self._cell("district")
        if len(self.judged.causes) == causes:
            record.district = self.take(places.district(district, record.department))
        if record.department is None and record.district is not None:
            record.department = places.home(record.district)
            after = self.catalogs.departments.get(record.department, "")
            sentence = "Faltaba el departamento; se tomó el del distrito."
            self.judged.repairs.append(
                Repair("department_from_district", sentence, self._cell("department"), after, "department")
            )
        record.address = self._text("address")

    def _counts(self) -> None:
        record, before = self.record, len(self.judged.causes)
        record.workers, record.men, record.women, record.minors = (
            self.take(read_count(self._cell(name), name)) for name in ("workers", "men", "women", "minors")
        )
        if len(self.judged.causes) > before:
            return
        total, men, women = record.workers, record.men, record.women
        if men is not None and women is not None:
            if total is None:
                record.workers = total = men + women
                sentence = "Faltaba el total de trabajadores; se sumaron varones y mujeres."
                self.judged.repairs.append(Repair("workers_added_up", sentence, "", str(total), "workers"))
            elif men + women != total:
                sentence = (
                    f"Varones ({men}) más mujeres ({women}) no dan el total ({total}). Corrija según el acta."
                )
                self._cause("inconsistent_counts", sentence, "workers")
        elif total is not None and max(men or 0, women or 0) > total:
            sentence = f"Hay más varones o mujeres que el total ({total}). Corrija según el acta."
            self._cause("inconsistent_counts", sentence, "workers")
        if total is not None and record.minors is not None and record.minors > total:
            sentence = f"Hay más menores ({record.minors}) que trabajadores ({total}). Verifique el acta."
            self._warn("minors_above_total", sentence, "minors")

    def _what(self) -> None:
        record = self.record
        record.activity = self._text("activity")
        if record.activity:
            record.activity_code = self.catalogs.activity_codes.get(wording_key(record.activity), "")
            if not record.activity_code:
                sentence = f"La actividad «{record.activity[:60]}» no está en la tabla; quedó como texto."
                self._warn("unknown_activity", sentence, "activity")
        self._inspectors()
        record.cause, record.cause_text = self.take(read_choice(self._cell("cause"), "cause")) or ("", "")
        record.outcome, record.outcome_text = self.take(read_choice(self._cell("outcome"), "outcome")) or (
            "",
            "",
        )
        text, reader = self._cell("infractions"), self.catalogs.infractions
        read = reader.read if len(text) <= MAX_CELL else reader.read.__wrapped__
        record.infractions = self.take(read(text, "infractions")) or ()
        if record.infractions and record.outcome == "sin_infraccion":
            sentence = "El resultado dice sin infracción y hay infracciones escritas. Verifique el acta."
            self._warn("outcome_contradicts", sentence, "outcome")
        record.fine = self.take(read_amount(self._cell("fine"), "fine"))
        record.remarks = self._text("remarks")

    def _inspectors(self) -> None:
        found: list[Person] = []
        for name in ("inspector_1", "inspector_2"):
            text = self._cell(name)
            if text:
                people: tuple[Person, ...] | None = self.take(self.catalogs.people.read(text, name))
                found.extend(people or ())
        if len({person.key for person in found}) < len(found):
            found = list({person.key: person for person in found}.values())
        self.record.inspectors = tuple(found)


def as_values(record: CleanRow) -> dict[str, Any]:
    """Return a record as plain values, fit for JSON: dates in ISO form, names of inspectors, codes with
    texts."""
    values: dict[str, Any] = {name: getattr(record, name) for name in CleanRow.__slots__}
    for name in ("date", "resolution_date"):
        values[name] = values[name].isoformat() if values[name] else None
    values["inspectors"] = [person.name for person in record.inspectors]
    values["infractions"] = [item._asdict() for item in record.infractions]
    return values
