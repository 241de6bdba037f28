"""A chunk of judged rows becomes records, in one transaction: employers, establishments, visits, findings.

COPY and statements of many rows; nothing here asks row by row. The numbers of new rows are taken from their
sequences beforehand, so that each table is written in one go.
"""

import io
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import select, text, update

from app.core import clock
from app.core.base import Session
from app.core.types import fold
from app.models.catalogs import Jurisdiction, Office, OfficeKind
from app.models.imports import RegisterImport
from app.models.inspections import HeadcountGroup, Visit, VisitKind
from app.models.norms import Infraction
from app.models.procedures import ProcedureVersion
from app.models.registry import HeadcountSource
from app.models.staff import Inspector
from app.operations.register_import.entries import Entry, Row
from app.operations.register_import.matching import Matcher, next_ids
from app.operations.unit import act
from app.security.principal import current

HISTORY = "historico"
KINDS = {
    "verificacion": VisitKind.VERIFICATION,
    "accidente": VisitKind.ACCIDENT,
    "operativo": VisitKind.OPERATION,
}
_PLAIN = re.compile(r"[\\\t\n\r\0]").search  # None for a text that COPY takes as it is
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": ""})


def write(key: int, rows: list[Row], seen: int, address_key: Callable[[str], str]) -> None:
    """Write the next rows of a batch and how far it is, together or not at all."""
    with act("register.import"):
        made = make(rows, address_key)
        _copy("register_row", ROW, (_row_values(key, row, made.get(id(row))) for row in rows))
        table = RegisterImport.__table__
        counts: dict[str, int] = defaultdict(int)
        for row in rows:
            counts[row.outcome] += 1
        values: dict[str, Any] = {name: table.c[name] + number for name, number in counts.items()}
        values |= {"position": rows[-1].line_number, "seen": seen, "beat_at": clock.real_now()}
        Session.execute(update(table).values(values).where(table.c.id == key))


class Made:
    """What an imported row made: its visit, and the records that did not exist before."""

    __slots__ = ("employer", "establishment", "headcount", "place", "visit")

    def __init__(self, visit: int, place: int) -> None:
        self.visit, self.place = visit, place
        self.employer: int | None = None
        self.establishment: int | None = None
        self.headcount: int | None = None


ROW = (
    "batch_id", "line_number", "outcome", "codes", "flags", "waived", "values", "causes", "repairs",
    "notices", "content", "fingerprint", "act_number", "act_year", "cause", "result", "fine",
    "resolution_number", "resolution_on", "visit_id", "made_employer", "made_establishment", "made_headcount",
)  # fmt: skip


def _row_values(key: int, row: Row, made: Made | None) -> list[Any]:
    return [key, row.line_number, *row_columns(row, made).values()]


def row_columns(row: Row, made: Made | None) -> dict[str, Any]:
    """The columns of a row, ready for COPY or UPDATE texts, in the order of `ROW` after the line number."""
    entry = row.entry if made else None
    return {
        "outcome": row.outcome,
        "codes": _array(row.codes),
        "flags": _array(row.flags),
        "waived": _array(row.waived),
        "values": _json(row.values),
        "causes": _json(row.causes),
        "repairs": _json(row.repairs),
        "notices": _json(row.notices),
        "content": row.content,
        "fingerprint": None if row.fingerprint is None else f"\\x{row.fingerprint.hex()}",
        "act_number": row.act_number,
        "act_year": row.act_year,
        "cause": entry.cause or None if entry else None,
        "result": entry.result or None if entry else None,
        "fine": entry.fine if entry else None,
        "resolution_number": entry.resolution_number or None if entry else None,
        "resolution_on": entry.resolution_on if entry else None,
        "visit_id": made.visit if made else None,
        "made_employer": made.employer if made else None,
        "made_establishment": made.establishment if made else None,
        "made_headcount": made.headcount if made else None,
    }


def make(
    rows: list[Row], address_key: Callable[[str], str], visits: dict[int, int] | None = None
) -> dict[int, Made]:
    """Write the records of the imported rows; id(row) -> what it made. Flags what a person should see.

    `visits` gives the rows (by id) whose visit is there already, emptied: it is filled in again.
    """
    imported = [row for row in rows if row.entry is not None]
    if not imported:
        return {}
    entries = [row.entry for row in imported if row.entry is not None]
    law = _Law(entries)
    matches = Matcher(imported, address_key).run()
    new = iter(next_ids("visit", len(imported)))
    made: dict[int, Made] = {}
    for row, match in zip(imported, matches, strict=True):
        there = (visits or {}).get(id(row))
        one = Made(next(new) if there is None else there, match.establishment)
        one.employer, one.establishment = match.made_employer, match.made_establishment
        made[id(row)] = one
        _flag(row, match.flags)
    _flag_own(imported, made)
    author = current().account_id
    fresh = [row for row in imported if id(row) not in (visits or {})]
    _copy("visit", VISIT, (_visit(row, made[id(row)], law, author) for row in fresh))
    for row in imported:
        if id(row) in (visits or {}):
            _refill(row, made[id(row)], law)
    _parts(imported, made, law, author)
    return made


def _flag(row: Row, flags: Iterable[list[str]]) -> None:
    for flag in flags:
        row.flags.append(flag[0])
        row.notices.append(flag)


def _flag_own(rows: list[Row], made: dict[int, Made]) -> None:
    """An inspection born in this system, at the same place on the same day, is told, never merged."""
    places = {made[id(row)].place for row in rows}
    own = {
        (place, on)
        for place, on in Session.execute(
            text(
                "SELECT establishment_id, happened_on FROM visit WHERE version_code <> :history"
                " AND establishment_id = ANY(:places)"
            ),
            {"history": HISTORY, "places": list(places)},
        )
    }
    for row in rows:
        if row.entry is not None and (made[id(row)].place, row.entry.on) in own:
            sentence = "Ese día hay una inspección de este sistema en el establecimiento. Compárelas."
            _flag(row, [["matches_own_inspection", sentence, "date"]])


VISIT = (
    "id", "version_code", "process_code", "state", "state_since", "last_act_on", "office_id",
    "establishment_id", "kind", "number", "happened_on", "narrative", "historical_order", "historical_act",
    "historical_result", "historical_inspectors", "created_by_id",
)  # fmt: skip


def _visit(row: Row, made: Made, law: "_Law", author: int | None) -> list[Any]:
    entry = row.entry
    assert entry is not None
    return [
        made.visit, HISTORY, "visit", "REALIZADA", f"{entry.on.isoformat()} 00:00:00 America/Asuncion",
        *visit_values(entry, made.place, law).values(), author,
    ]  # fmt: skip


def visit_values(entry: Entry, place: int, law: "_Law") -> dict[str, Any]:
    """What the register says of a visit, by column."""
    return {
        "last_act_on": entry.on,
        "office_id": law.office(entry.district, entry.on),
        "establishment_id": place,
        "kind": KINDS.get(entry.cause, VisitKind.INITIAL).value,
        "number": 1,
        "happened_on": entry.on,
        "narrative": entry.remarks or None,
        "historical_order": entry.order or None,
        "historical_act": entry.act,
        "historical_result": _result(entry),
        "historical_inspectors": "; ".join(name for _, name in entry.inspectors) or None,
    }


def _result(entry: Entry) -> str | None:
    parts = [entry.result]
    if entry.resolution_number:
        of = f" del {entry.resolution_on:%d/%m/%Y}" if entry.resolution_on else ""
        parts.append(f"Resolución {entry.resolution_number}{of}")
    return " · ".join(part for part in parts if part) or None


def _refill(row: Row, made: Made, law: "_Law") -> None:
    """Give a visit that is there the values of another row of its act."""
    assert row.entry is not None
    table = Visit.__table__
    values = visit_values(row.entry, made.place, law)
    values |= {
        "version": table.c.version + 1,
        "updated_at": clock.now(),
        "updated_by_id": current().account_id,
    }
    Session.execute(update(table).values(values).where(table.c.id == made.visit))


def _parts(rows: list[Row], made: dict[int, Made], law: "_Law", author: int | None) -> None:
    counts = next_ids("headcount", sum(1 for row in rows if row.entry and _counted(row.entry)))
    numbers = iter(counts)
    headcounts: list[list[Any]] = []
    groups: list[list[Any]] = []
    people: list[list[Any]] = []
    findings: list[list[Any]] = []
    for row in rows:
        entry, one = row.entry, made[id(row)]
        assert entry is not None
        if _counted(entry):
            one.headcount = next(numbers)
            total = (entry.men or 0) + (entry.women or 0)
            minors = entry.minors if entry.minors is not None and entry.minors <= total else None
            headcounts.append(
                [
                    one.headcount, one.place, entry.on, HeadcountSource.IMPORTED.value, entry.women,
                    entry.men, minors, author,
                ]
            )  # fmt: skip
            groups.append([one.visit, HeadcountGroup.TOTAL.value, entry.men, entry.women, author])
        known = {law.inspectors.get(key) for key, _ in entry.inspectors} - {None}
        people += [[one.visit, inspector, True, author] for inspector in sorted(known, key=str)]
        findings += _findings(entry, one.visit, law, author)
    columns = ("id", "establishment_id", "as_of", "source", "women", "men", "adolescents", "created_by_id")
    _copy("headcount", columns, headcounts)
    _copy("visit_headcount", ("visit_id", "group_code", "men", "women", "created_by_id"), groups)
    _copy("visit_inspector", ("visit_id", "inspector_id", "present", "created_by_id"), people)
    _copy("finding", FINDING, findings)


def _counted(entry: Entry) -> bool:
    return entry.men is not None and entry.women is not None


FINDING = (
    "version_code", "process_code", "state", "state_since", "last_act_on", "visit_id", "office_id",
    "infraction_id", "facts", "confirmed", "historical_fine", "created_by_id",
)  # fmt: skip


def _findings(entry: Entry, visit: int, law: "_Law", author: int | None) -> list[list[Any]]:
    """One finding for each infraction; the fine is of the whole act and stands on the first of them."""
    listed = entry.infractions
    if not listed and entry.fine:
        listed = (("Multa en el registro, sin infracción escrita", None),)
    state = "SANCIONADO" if entry.fine else "CONSTATADO"
    since = f"{entry.on.isoformat()} 00:00:00 America/Asuncion"
    office = law.office(entry.district, entry.on)
    return [
        [
            HISTORY, "finding", state, since, entry.on, visit, office,
            law.infraction(code, entry.on) if code else None, words, True,
            entry.fine if number == 0 else None, author,
        ]
        for number, (words, code) in enumerate(listed)
    ]  # fmt: skip


class _Law:
    """What every row of a chunk asks of the catalogues: infractions by day, offices by district, people."""

    def __init__(self, entries: list[Entry]) -> None:
        version = Session.scalar(select(ProcedureVersion.code).where(ProcedureVersion.code == HISTORY))
        if version is None:
            raise RuntimeError("the procedure version «historico» is missing: run flask seed")
        self._infractions: dict[str, list[tuple[date, date | None, int]]] = defaultdict(list)
        codes = {code for entry in entries for _, code in entry.infractions if code}
        for code, start, stop, key in Session.execute(
            select(Infraction.code, Infraction.valid_from, Infraction.valid_to, Infraction.id)
            .where(Infraction.code.in_(codes))
            .order_by(Infraction.valid_from)
        ):
            self._infractions[code].append((start, stop, key))
        self._offices: dict[int, list[tuple[date, date | None, int]]] = defaultdict(list)
        for district, start, stop, key in Session.execute(
            select(
                Jurisdiction.district_code,
                Jurisdiction.valid_from,
                Jurisdiction.valid_to,
                Jurisdiction.office_id,
            )
            .where(Jurisdiction.district_code.in_({entry.district for entry in entries}))
            .order_by(Jurisdiction.valid_from)
        ):
            self._offices[district].append((start, stop, key))
        central = select(Office.id).where(Office.kind == OfficeKind.CENTRAL)
        self._central: int = Session.execute(
            central.order_by((Office.code != "DGIFT"), Office.id).limit(1)
        ).scalar_one()
        names: dict[str, set[int]] = defaultdict(set)
        for key, first, last in Session.execute(
            select(Inspector.id, Inspector.first_name, Inspector.last_name)
        ):
            names[person_words(f"{first} {last}")].add(key)
        self.inspectors = {name: keys.pop() for name, keys in names.items() if len(keys) == 1}

    def infraction(self, code: str, on: date) -> int | None:
        """The infraction as it stood that day, else its first version; None when there is none."""
        return _on(self._infractions[code], on)

    def office(self, district: int, on: date) -> int:
        """The office of the district that day, else its first one, else the central directorate."""
        return _on(self._offices[district], on) or self._central


def person_words(name: str) -> str:
    """The words of a name, folded, in alphabetical order: how the register knows a person."""
    return " ".join(sorted("".join(c if c.isalpha() else " " for c in fold(name)).split()))


def _on(rows: list[tuple[date, date | None, int]], on: date) -> int | None:
    for start, stop, key in rows:
        if start <= on and (stop is None or on <= stop):
            return key
    return rows[0][2] if rows else None


def _array(texts: Sequence[str]) -> str:
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in dict.fromkeys(texts))
    return "{" + ",".join(f'"{text}"' for text in quoted) + "}"


_dumps = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


def _json(value: Any) -> str:
    """JSON that PostgreSQL can keep: it has no NUL."""
    text = _dumps(value)
    return text if "\\u0000" not in text else _dumps(_without_nul(value))


def _without_nul(value: Any) -> Any:
    return value.replace("\0", "") if isinstance(value, str) else [_without_nul(item) for item in value]


def _cell(value: Any) -> str:
    if type(value) is str:
        return value if _PLAIN(value) is None else value.translate(_ESCAPES)
    if value is None:
        return "\\N"
    if value is True or value is False:
        return "t" if value else "f"
    return str(value).translate(_ESCAPES)


def _copy(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows by COPY, on the transaction of the act."""
    lines = ["\t".join(map(_cell, row)) for row in rows]
    if not lines:
        return
    lines.append("")
    cursor: Any = Session.connection().connection.cursor()
    names = ", ".join(f'"{name}"' for name in columns)
    try:
        cursor.copy_expert(f"COPY {table} ({names}) FROM STDIN", io.StringIO("\n".join(lines)))
    finally:
        cursor.close()


def lock_batch_rows(keys: Sequence[int]) -> None:
    """Nobody else settles these rows in the meantime."""
    Session.execute(
        text("SELECT id FROM register_row WHERE id = ANY(:keys) ORDER BY id FOR UPDATE"), {"keys": list(keys)}
    )
