"""Which employer and which establishment a row means: those there, or new ones; the doubtful flagged."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from psycopg2.extras import execute_values
from sqlalchemy import func, select, text

from app.core.base import Session
from app.core.types import fold
from app.models.registry import Employer, EmployerKind
from app.operations.register_import.entries import Entry, Row
from app.security.principal import current

SAME_STREET = 0.8
"""Likeness of two addresses, numbers apart, from which they are one street: a letter, an abbreviation."""

MAYBE_STREET = 0.6
"""From here a person should look whether it is one place."""

MAYBE_NAME = 0.5
"""Under one RUC, names less alike than this are told: the number may be another firm's."""

NO_ADDRESS = "Sin dirección en el registro histórico"


@dataclass
class Place:
    """An establishment as far as matching needs it."""

    id: int
    employer: int
    district: int
    key: str


@dataclass
class Match:
    """Where a row belongs, and what did not exist before it."""

    establishment: int
    made_employer: int | None = None
    made_establishment: int | None = None
    flags: list[list[str]] = field(default_factory=list)


def next_ids(table: str, count: int) -> list[int]:
    """Numbers for new rows, so that what refers to them is written in one go."""
    if not count:
        return []
    statement = text("SELECT nextval(pg_get_serial_sequence(:t, 'id')) FROM generate_series(1, :n)")
    return list(Session.execute(statement, {"t": table, "n": count}).scalars())


def insert_rows(
    table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], conflict: str = ""
) -> list[tuple[Any, ...]]:
    """Many rows in one statement; with `conflict`, the keys of those that were not there."""
    values = list(rows)
    if not values:
        return []
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES %s {conflict}"
    cursor: Any = Session.connection().connection.cursor()
    try:
        found = execute_values(cursor, statement, values, page_size=1000, fetch=bool(conflict))
    finally:
        cursor.close()
    return list(found or ())


class Matcher:
    """Matches the rows of one chunk with the registry, and registers what is new."""

    def __init__(self, rows: list[Row], address_key: Callable[[str], str]) -> None:
        self.entries = [row.entry for row in rows if row.entry is not None]
        self.address_key = address_key
        self.author = current().account_id
        self.made_employers: set[int] = set()
        self.names: dict[int, str] = {}
        self.places: dict[tuple[int, int], list[Place]] = defaultdict(list)
        self.made: list[tuple[Place, Entry]] = []
        self.made_provisional: list[tuple[int, Entry]] = []
        self.notes: dict[int, list[list[str]]] = defaultdict(list)

    def run(self) -> list[Match]:
        """The match of each entry, in order; new establishments are written at the end."""
        by_ruc = self._employers()
        unnamed = self._provisional()
        self._known_places({*by_ruc.values(), *(key for keys in unnamed.values() for key in keys)})
        spare = iter(next_ids("establishment", len(self.entries)))
        spare_employers = iter(next_ids("employer", sum(1 for e in self.entries if e.ruc_base is None)))
        told: set[int] = set()
        matches = []
        for entry in self.entries:
            if entry.ruc_base is None:
                match = self._unidentified(entry, unnamed, spare, spare_employers)
            else:
                employer = by_ruc[entry.ruc_base]
                match = self._place(entry, employer, spare)
                match.flags += self._named_otherwise(entry, employer)
                if employer in self.made_employers and employer not in told:
                    told.add(employer)
                    match.made_employer = employer
                    match.flags += self.notes[employer]
            matches.append(match)
        self._write()
        return matches

    def _employers(self) -> dict[str, int]:
        """RUC -> employer, the new ones registered; a record joined to another gives that other."""
        first: dict[str, Entry] = {}
        for entry in self.entries:
            if entry.ruc_base is not None:
                first.setdefault(entry.ruc_base, entry)
        found = self._by_ruc(list(first))
        missing = [base for base in first if base not in found]
        self._same_document(missing, found)
        columns = ("kind", "ruc_base", "ruc_dv", "legal_name", "trade_name", "created_by_id")
        rows = [
            (
                _kind(first[base]), base, first[base].ruc_dv, first[base].employer_name or f"RUC {base}",
                first[base].trade_name or None, self.author,
            )
            for base in missing
        ]  # fmt: skip
        conflict = (
            "ON CONFLICT (ruc_base) WHERE ruc_base IS NOT NULL DO NOTHING RETURNING id, ruc_base, legal_name"
        )
        for key, base, name in insert_rows("employer", columns, rows, conflict):
            found[base], self.names[key] = key, name
            self.made_employers.add(key)
            for other in self.notes.pop(-int(re.sub(r"\D", "", base) or 0), []):
                self.notes[key].append(other)
        late = [base for base in missing if base not in found]  # registered by somebody at this moment
        if late:
            found |= self._by_ruc(late)
        return found

    def _by_ruc(self, bases: list[str]) -> dict[str, int]:
        if not bases:
            return {}
        kept = text(
            "WITH RECURSIVE up AS (SELECT ruc_base AS asked, id, merged_into_id, legal_name FROM employer"
            " WHERE ruc_base = ANY(:bases) UNION ALL SELECT up.asked, e.id, e.merged_into_id, e.legal_name"
            " FROM up JOIN employer e ON e.id = up.merged_into_id)"
            " SELECT asked, id, legal_name FROM up WHERE merged_into_id IS NULL"
        )
        found = {}
        for base, key, name in Session.execute(kept, {"bases": bases}):
            found[base], self.names[key] = key, name
        return found

    def _same_document(self, missing: list[str], found: dict[str, int]) -> None:
        """A person's RUC is mostly his cédula: an employer known by that cédula alone is told."""
        persons = [base for base in missing if base.isdecimal() and len(base) < 8]
        if not persons:
            return
        rows = select(Employer.document_number, Employer.legal_name).where(
            Employer.document_number.in_(persons), Employer.ruc_base.is_(None)
        )
        for number, name in Session.execute(rows):
            sentence = f"«{name}» está registrado con la cédula {number}: puede ser el mismo empleador."
            self.notes[-int(number or 0)].append(["employer_same_document", sentence, "ruc"])

    def _named_otherwise(self, entry: Entry, employer: int) -> list[list[str]]:
        name = self.names.get(employer, "")
        if not entry.employer_name or _likeness(_fold(name), _fold(entry.employer_name)) >= MAYBE_NAME:
            return []
        sentence = f"El RUC es de «{name}» y la fila dice «{entry.employer_name}». Verifique."
        return [["employer_name_differs", sentence, "employer_name"]]

    def _provisional(self) -> dict[str, list[int]]:
        """Name -> employers without number that have it."""
        names = {entry.name_key: entry.employer_name for entry in self.entries if entry.ruc_base is None}
        if not names:
            return {}
        rows = select(Employer.id, Employer.legal_name).where(
            Employer.provisional,
            Employer.merged_into_id.is_(None),
            func.fold(Employer.legal_name).in_([func.fold(_unnamed(name)) for name in names.values()]),
        )
        found: dict[str, list[int]] = defaultdict(list)
        for key, name in Session.execute(rows.order_by(Employer.id)):
            found[_fold(name)].append(key)
        return found

    def _unidentified(
        self, entry: Entry, unnamed: dict[str, list[int]], spare: Any, spare_employers: Any
    ) -> Match:
        """Nobody knows the RUC: the same name at the same door is the same, any other one is new."""
        same_name = unnamed.setdefault(_fold(_unnamed(entry.employer_name)), [])
        for employer in same_name:
            for place in self.places[employer, entry.district]:
                if place.key == entry.address_key:
                    return Match(place.id)
        employer = next(spare_employers)
        same_name.append(employer)
        self.made_provisional.append((employer, entry))
        match = self._place(entry, employer, spare)
        match.made_employer = employer
        return match

    def _known_places(self, employers: set[int]) -> None:
        if not employers:
            return
        rows = text(
            "WITH RECURSIVE up AS (SELECT s.id AS asked, s.id, s.merged_into_id, s.employer_id AS employer,"
            " s.district_code AS district, s.address AS address FROM establishment s"
            " WHERE s.employer_id = ANY(:keys) UNION ALL"
            " SELECT up.asked, s.id, s.merged_into_id, up.employer, up.district, up.address"
            " FROM up JOIN establishment s ON s.id = up.merged_into_id)"
            " SELECT id, employer, district, address FROM up WHERE merged_into_id IS NULL ORDER BY asked"
        )
        for key, employer, district, address in Session.execute(rows, {"keys": list(employers)}):
            place = Place(key, employer, district, self.address_key(address or ""))
            self.places[employer, district].append(place)

    def _place(self, entry: Entry, employer: int, spare: Any) -> Match:
        """The establishment of an employer in a district by its address, or a new one."""
        there = self.places[employer, entry.district]
        for place in there:
            if place.key == entry.address_key:
                return Match(place.id)
        best, likeness, sure = None, 0.0, False
        for place in there:
            score, same = addresses_alike(place.key, entry.address_key)
            if score > likeness:
                best, likeness, sure = place, score, same
        if best is not None and sure and likeness >= SAME_STREET:
            sentence = f"Se tomó el establecimiento de dirección parecida («{best.key}»). Verifique."
            return Match(best.id, flags=[["establishment_alike", sentence, "address"]])
        new = Place(next(spare), employer, entry.district, entry.address_key)
        there.append(new)
        self.made.append((new, entry))
        match = Match(new.id, made_establishment=new.id)
        if best is not None and likeness >= MAYBE_STREET:
            sentence = (
                f"Se registró un establecimiento nuevo; hay otro parecido del mismo empleador («{best.key}»)."
            )
            match.flags.append(["establishment_doubtful", sentence, "address"])
        return match

    def _write(self) -> None:
        columns: tuple[str, ...]
        columns = ("id", "kind", "description", "legal_name", "trade_name", "created_by_id")
        rows = (
            (
                key, EmployerKind.UNKNOWN.value,
                f"Sin RUC en el registro histórico: {_unnamed(entry.employer_name)}, acta {entry.act}.",
                _unnamed(entry.employer_name), entry.trade_name or None, self.author,
            )
            for key, entry in self.made_provisional
        )  # fmt: skip
        insert_rows("employer", columns, rows)
        columns = (
            "id", "employer_id", "name", "district_code", "address", "reference", "activity_code",
            "created_by_id",
        )  # fmt: skip
        insert_rows(
            "establishment",
            columns,
            (
                (
                    place.id, place.employer,
                    entry.trade_name or entry.employer_name or self.names.get(place.employer) or "Sin nombre",
                    place.district, entry.address or None, None if entry.address else NO_ADDRESS,
                    entry.activity_code or None, self.author,
                )
                for place, entry in self.made
            ),
        )  # fmt: skip


def _kind(entry: Entry) -> str:
    if entry.is_firm is None:
        return EmployerKind.UNKNOWN.value
    return EmployerKind.LEGAL.value if entry.is_firm else EmployerKind.INDIVIDUAL.value


def _unnamed(name: str) -> str:
    return name or "Empleador sin nombre en el registro"


@lru_cache(maxsize=8_192)
def _fold(name: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", fold(name)))


@lru_cache(maxsize=8_192)
def _likeness(one: str, other: str) -> float:
    return 1.0 if one == other else SequenceMatcher(None, one, other).ratio()


@lru_cache(maxsize=8_192)
def addresses_alike(one: str, other: str) -> tuple[float, bool]:
    """(likeness of the words from 0 to 1, whether the numbers allow one door)."""
    if not one or not other:
        return (SAME_STREET, True) if one or other else (1.0, True)
    numbers = [set(re.findall(r"\d+", key)) for key in (one, other)]
    words = [" ".join(re.findall(r"[^\W\d_]+", key)) for key in (one, other)]
    same = numbers[0] == numbers[1] or not numbers[0] or not numbers[1]
    return _likeness(words[0], words[1]), same
