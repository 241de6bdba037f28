"""A load of any size for training and measurement: invented registry and inspections by COPY, from one seed.

    flask demo --inspections 200000

It goes around the audit trail and the triggers that keep signed records, on purpose and in one way only: as
the owner of the schema (DATABASE_OWNER_URL, or the embedded server's), who takes triggers, foreign keys and
indexes off these tables for one transaction and puts them back before it commits, so that every reference is
judged. The application's role owns no table and cannot. Production is refused.
"""

from __future__ import annotations

import io
import random
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import psycopg2
from sqlalchemy import select
from sqlalchemy.engine import make_url

from app.core.base import Session
from app.core.errors import RuleBroken
from app.core.types import ruc_check_digit
from app.models.catalogs import Activity, District, Jurisdiction
from app.models.registry import Employer, Establishment
from app.models.staff import Inspector
from app.models.system import Installation
from app.operations.demo_data import FICTIONAL, FIRST_NAMES, FORMS, STREETS, SURNAMES, TRADES
from app.operations.demo_inspections import LATELY, TABLES, series_rows, world_of_today
from app.operations.demo_lives import Bureau, Life, Mix, Numbers, Person, Place, Row, World
from app.operations.unit import act

SEED = 20260101
YEARS = 10
CHUNK = 1_000
PER_ESTABLISHMENT, PER_EMPLOYER, PER_INSPECTOR = 4, 6, 1_000
"""Orders for each establishment, employer, inspector: 200,000 orders bring 50,000 establishments."""
FIRST_RUC = 81_000_000
HALTED = 0.12
"""The share of orders that halt on their way, so that every state has its part at any size."""
LOAD = Mix(extra_visits=0.25, findings=(5, 9, 17, 22, 19, 13, 9, 6), operations=0.01, answers=False)
KINDS: tuple[type[Any], ...] = (Employer, Establishment, Inspector, *TABLES)
SYLLABLES = (
    "ka",
    "ra",
    "gua",
    "po",
    "ty",
    "ñe",
    "mby",
    "yvy",
    "ju",
    "ro",
    "lo",
    "ma",
    "te",
    "si",
    "pa",
    "ve",
)

Tell = Callable[[int, float], None]


@dataclass
class Loaded:
    """Rows by table, and seconds."""

    rows: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


def load(owner_url: str, inspections: int, tell: Tell | None = None) -> Loaded:
    """Add so many orders with all that belongs to them. Raises RuleBroken in production."""
    if Session.scalar(select(Installation.environment)) != "training":
        raise RuleBroken("Esta base no es de capacitación: no se cargan datos inventados.")
    started, done = time.monotonic(), Loaded()
    with act("demo.load", reason=f"{inspections} órdenes inventadas"):
        world = world_of_today(mix=LOAD, seed=SEED)
        registry = _Registry(world, inspections)
    connection = psycopg2.connect(make_url(owner_url).set(drivername="postgresql").render_as_string(False))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '30s'")
            cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
            with _bare(cursor):
                world.first_ids = {kind.__tablename__: _key(cursor, kind.__tablename__) for kind in KINDS}
                _registry(cursor, registry, done)
                series = _inspections(cursor, world, inspections, done, tell, started)
                for kind in KINDS:
                    _settle(cursor, world, kind.__tablename__)
            cursor.executemany("UPDATE number_series SET next_number = %s WHERE id = %s", series)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    except psycopg2.errors.InsufficientPrivilege as error:
        raise RuleBroken(
            "Esta carga la hace solo el dueño del esquema (usuario sis_owner): dé su dirección en "
            "DATABASE_OWNER_URL."
        ) from error
    finally:
        connection.close()
    done.seconds = round(time.monotonic() - started, 1)
    return done


# -- around the triggers


@contextmanager
def _bare(cursor: Any) -> Iterator[None]:
    """The tables without their triggers, references and indexes; on leaving, all are back and judged."""
    tables = [kind.__tablename__ for kind in KINDS]
    cursor.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
    cursor.execute(
        "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid)"
        " FROM pg_constraint c WHERE conrelid = ANY(%(of)s::regclass[]) AND (contype = 'f' OR contype = 'u'"
        " AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conindid = c.conindid"
        " AND f.conrelid <> ALL(%(of)s::regclass[]))) ORDER BY contype = 'f', 1, 2",
        {"of": tables},
    )
    references = cursor.fetchall()  # the unique ones first, as the others may stand on them
    cursor.execute(
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i"
        " WHERE i.indrelid = ANY(%s::regclass[])"
        " AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid) ORDER BY 1",
        (tables,),
    )
    indexes = cursor.fetchall()
    for table in tables:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for table, name, _ in reversed(references):
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    yield
    for _, definition in indexes:
        cursor.execute(definition)
    for table in tables:
        cursor.execute(f"ANALYZE {table}")
    for table, name, definition in references:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
    for table in tables:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def _key(cursor: Any, table: str) -> int:
    cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", (table,))
    return int(cursor.fetchone()[0])


def _settle(cursor: Any, world: World, table: str) -> None:
    """The sequence goes on after the keys that were used; the trail learns that they have none."""
    last = world.first_ids[table] + max(world.used(table), 1) - 1
    cursor.execute("SELECT audit.note_load(%s, %s, %s)", (table, world.first_ids[table], last))
    cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", (table, last))


# -- COPY


def _copy(cursor: Any, table: str, rows: Iterable[Row], done: Loaded) -> None:
    _send(cursor, [_text(table, list(rows))], done)


def _text(table: str, rows: list[Row]) -> tuple[str, str, int]:
    """The command, the lines and how many they are."""
    names = [name for name in rows[0] if name[0] != "_"] if rows else []
    lines = ["\t".join([_cell(row[name]) for name in names]) for row in rows]
    return f"COPY {table} ({', '.join(names)}) FROM STDIN", "\n".join(lines), len(lines)


def _send(cursor: Any, texts: list[tuple[str, str, int]], done: Loaded) -> None:
    for command, lines, count in texts:
        if count:
            cursor.copy_expert(command, io.StringIO(lines + "\n"), 1 << 16)
            table = command.split()[1]
            done.rows[table] = done.rows.get(table, 0) + count


def _cell(value: Any) -> str:
    """A value as COPY reads it."""
    kind = type(value)
    if value is None:
        return r"\N"
    if kind is str:
        if "\\" in value or "\n" in value or "\t" in value:
            return str(value.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t"))
        return str(value)
    if kind is bool:
        return "t" if value else "f"
    return "{" + ",".join(value) + "}" if kind is list else str(value)


# -- the registry


class _Registry:
    """Employers, establishments and inspectors in proportion, each office having its part."""

    def __init__(self, world: World, inspections: int) -> None:
        self.world, self.rng = world, random.Random(SEED + 1)
        self.wanted = inspections
        self.activities = list(Session.scalars(select(Activity.code).order_by(Activity.code)))
        self.districts: dict[int, list[int]] = {}
        for office, district in Session.execute(
            select(Jurisdiction.office_id, District.code)
            .join(District, District.code == Jurisdiction.district_code)
            .where(Jurisdiction.valid_to.is_(None))
            .order_by(District.code)
        ):
            self.districts.setdefault(office, []).append(district)
        found = Session.scalars(
            select(Employer.ruc_base)
            .where(Employer.ruc_base.like("8_______"))
            .order_by(Employer.ruc_base.desc())
        ).first()
        self.ruc = max(int(found or 0) + 1, FIRST_RUC)
        self.inspectors = int(
            Session.scalar(select(Inspector.id).order_by(Inspector.id.desc()).limit(1)) or 0
        )

    def weights(self) -> list[float]:
        """The share of each office: half the country's work is in the capital and its department."""
        return [float(len(office.people) ** 1.4) for office in self.world.offices]

    def word(self) -> str:
        """An invented word."""
        return "".join(self.rng.choices(SYLLABLES, k=self.rng.choice((2, 3, 3, 4)))).capitalize()

    def employers(self) -> Iterator[Row]:
        """The employers."""
        for n in range(max(1, self.wanted // PER_EMPLOYER)):
            base, individual = str(self.ruc + n), self.rng.random() < 0.3
            trade = f"{self.rng.choice(TRADES)} {self.word()} {self.word()}"
            person = f"{self.rng.choice(FIRST_NAMES)} {self.word()} {self.rng.choice(SURNAMES)}"
            form = self.rng.choice(FORMS)
            yield {
                "id": self.world.key("employer"),
                "kind": "individual" if individual else "legal",
                "ruc_base": base,
                "ruc_dv": ruc_check_digit(base),
                "legal_name": person if individual else f"{trade} {form}",
                "trade_name": trade if individual else None,
                "legal_form": None if individual else form,
                "status": self.rng.choices(("ACTIVO", "NO_REGISTRADO", "INACTIVO_TEMPORAL"), (8, 1, 1))[0],
                "representative": person,
                "notes": FICTIONAL,
            }

    def establishments(self, employers: list[int]) -> Iterator[Row]:
        """The establishments: a few employers have many, most have one."""
        branches: dict[int, int] = {}
        offices = self.rng.choices(
            self.world.offices, self.weights(), k=max(1, self.wanted // PER_ESTABLISHMENT)
        )
        for n, office in enumerate(offices):
            owner = (
                employers[n]
                if n < len(employers)
                else employers[int(len(employers) * self.rng.random() ** 4)]
            )
            branch = branches[owner] = branches.get(owner, 0) + 1
            key = self.world.key("establishment")
            latitude = f"{-25.3 + self.rng.uniform(-1.9, 1.9):.6f}"
            longitude = f"{-57.0 + self.rng.uniform(-1.9, 1.9):.6f}"
            office.places.append(Place(key, latitude, longitude))
            yield {
                "id": key,
                "employer_id": owner,
                "branch_number": f"{branch:03d}",
                "name": "Casa central" if branch == 1 else f"Sucursal {self.word()}",
                "district_code": self.rng.choice(self.districts[office.id]),
                "address": f"{self.rng.choice(STREETS)} {self.word()} {self.rng.randrange(100, 9000)}",
                "latitude": latitude,
                "longitude": longitude,
                "activity_code": self.rng.choice(self.activities) if self.activities else None,
                "opened_on": date(2000 + n % 20, 1 + n % 12, 1 + n % 28),
                "notes": FICTIONAL,
            }

    def people(self) -> Iterator[Row]:
        """Inspectors without an account."""
        offices = self.rng.choices(self.world.offices, self.weights(), k=self.wanted // PER_INSPECTOR)
        for n, office in enumerate(offices, start=self.inspectors + 1):
            key, first, last = self.world.key("inspector"), self.rng.choice(FIRST_NAMES), self.word()
            office.people.append(Person(key, f"{first} {last}", None, f"{first} {last}"))
            yield {
                "id": key,
                "code": f"DEMO-{n:05d}",
                "first_name": first,
                "last_name": last,
                "office_id": office.id,
                "active_from": date(2013, 1, 1),
            }


def _registry(cursor: Any, registry: _Registry, done: Loaded) -> None:
    owners: list[int] = []

    def noted() -> Iterator[Row]:
        for row in registry.employers():
            owners.append(row["id"])
            yield row

    _copy(cursor, "employer", noted(), done)
    _copy(cursor, "establishment", registry.establishments(owners), done)
    _copy(cursor, "inspector", registry.people(), done)


# -- the inspections


def _inspections(
    cursor: Any, world: World, wanted: int, done: Loaded, tell: Tell | None, started: float
) -> list[tuple[int, int]]:
    """Orders in the order of their days, so that the newest have the highest keys, in portions.

    The next number and the key of each series that was there before.
    """
    cursor.execute("SELECT type_code, year, office_id, id, next_number FROM number_series")
    standing = {(code, year, office): (key, number) for code, year, office, key, number in cursor.fetchall()}
    numbers = Numbers(standing, lambda: world.key("number_series"))
    weights = [float(len(office.people) ** 1.1) for office in world.offices]
    tables = [kind.__tablename__ for kind in TABLES if kind.__tablename__ != "number_series"]
    made, sent = 0, None
    with ThreadPoolExecutor(1) as sender:  # PostgreSQL takes one portion while the next is being invented
        while made < wanted:
            portion = range(made, min(made + CHUNK, wanted))
            lives = [_life(world, weights, n / wanted) for n in portion]
            numbers.give(lives, world)
            texts = [
                _text(table, [row for life in lives for row in life.rows.get(table, ())]) for table in tables
            ]
            if sent is not None:
                sent.result()
            sent = sender.submit(_send, cursor, texts, done)
            made = portion.stop
            if tell is not None:
                tell(made, time.monotonic() - started)
        if sent is not None:
            sent.result()
    _copy(cursor, "number_series", series_rows(numbers), done)
    return [(numbers.next[series], key) for series, (key, _) in standing.items()]


def _life(world: World, weights: list[float], share: float) -> Life:
    rng = world.rng
    office: Bureau = rng.choices(world.offices, weights)[0]
    ago = int(365 * YEARS * (1 - share) ** 1.15)
    halt, wishes = None, {}
    if rng.random() < HALTED:
        halt, _, _, told = rng.choice(LATELY)
        wishes = dict(told)
        wishes.pop("many", None)
    return Life(world, office, world.today - timedelta(days=ago), halt, **wishes)
