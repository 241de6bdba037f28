"""The audit trail: its seals, its verification, its copy for another computer, and who read what is reserved.

For other operations:

    head() -> AuditHead(seq, hash, at, waiting_since)      the last seal; copy seq and hash out of the house
    verify(copies=()) -> Verification                      the chain, against heads copied out (seq, hash)
    verify_tables(tables=None) -> Comparison               the tables, against what their changes say

They read by the present session, also inside `promotion.elsewhere(connection)`. Both reports have `ok`,
`sentences` and `as_dict()`. The functions of schema `audit` do the work (migration 0014).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DBAPIError

from app.core import clock
from app.core.base import Model, Session, metadata
from app.core.errors import Missing, RuleBroken
from app.models.audit import AuditCheck
from app.operations import jobs, mail, parameters
from app.operations.unit import act, untraced

BATCH = 20_000
"""Seals made, or judged, in one statement."""
MOST_FAULTS = 200
"""Faults that a report names; it says when there were more."""
LATE = timedelta(minutes=5)
"""How long a change may wait for its seal before somebody should look at the worker."""
FORMAT = "sis-audit-1"
ADDRESSES = "AUDITORIA_CORREO"
NOBODY = "-"

COMPARE = text("SELECT total, faults FROM audit.compare(:name)")
ABOUT = text("SELECT at, words FROM audit.about(:kind, :id)")
JUDGE = text("SELECT seq, kind, row_id, fault FROM audit.verify(:first, :last)")

KINDS = {"a": "acto", "c": "cambio", "r": "lectura", "v": "dato reservado del cambio"}
FAULTS = {
    "deleted": "se borró su fila ({row})",
    "edited": "{row} no es lo que se selló: se editó la fila, o el sello",
    "hidden_deleted": "se borró el dato reservado ({row})",
    "hidden_edited": "el dato reservado no es el que se selló ({row})",
    "inserted": "{row} no tiene sello y ya lo tendría: se insertó después",
    "backdated": "{row} lleva una hora anterior a la de la fila que la precede: se insertó después, o el "
    "reloj del servidor retrocedió",
}
CHANGES = {
    "inserted": "apareció sin rastro",
    "deleted": "se borró sin rastro",
    "changed": "cambió sin rastro",
}


@dataclass(frozen=True)
class AuditHead:
    """The last seal: its number, its hash (hexadecimal), when it was made; since when a row waits for one."""

    seq: int
    hash: str
    at: datetime | None
    waiting_since: datetime | None

    @property
    def short(self) -> str:
        """What people compare: the number and the first signs of the hash."""
        return f"{self.seq}:{self.hash[:16]}"

    @property
    def late(self) -> bool:
        """Whether a change waits too long for its seal: the worker does not run."""
        return self.waiting_since is not None and self.waiting_since < clock.real_now() - LATE


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: `code`, the number of the seal when there is one, and a Spanish sentence."""

    code: str
    seq: int | None
    sentence: str


@dataclass
class Verification:
    """The chain up to a seal, and what is wrong with it, the first fault first."""

    seq: int
    hash: str
    faults: list[Fault] = field(default_factory=list)
    more: bool = False

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    @property
    def sentences(self) -> list[str]:
        """What is wrong, in words."""
        more = ["Hay más hallazgos que los que aquí se nombran."] if self.more else []
        return [*(each.sentence for each in self.faults), *more]

    def as_dict(self) -> dict[str, Any]:
        """For a machine."""
        return {"ok": self.ok, **asdict(self)}


@dataclass(frozen=True)
class ChangedRow:
    """A row that is not what its changes say: `inserted`, `deleted` or `changed` (which columns)."""

    table: str
    key: dict[str, Any]
    code: str
    columns: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """In words."""
        columns = f" ({', '.join(self.columns)})" if self.columns else ""
        return f"{label_of(self.table, self.key)} {CHANGES[self.code]}{columns}."


@dataclass
class Comparison:
    """The rows compared by table, and those that are not what their changes say."""

    rows: dict[str, int] = field(default_factory=dict)
    faults: list[ChangedRow] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether every table is what its changes say."""
        return not self.faults and not self.failed

    @property
    def sentences(self) -> list[str]:
        """What is wrong, in words."""
        unread = [f"La tabla {name} no se pudo comparar: {why}." for name, why in self.failed.items()]
        return [*(each.sentence for each in self.faults), *unread]

    def as_dict(self) -> dict[str, Any]:
        """For a machine."""
        found = [
            {"table": row.table, "key": row.key, "code": row.code, "columns": row.columns}
            for row in self.faults
        ]
        return {"ok": self.ok, "rows": self.rows, "faults": found, "failed": self.failed}


@cache
def kind_of(table: str) -> type[Any] | None:
    """The class that a table is mapped to."""
    found = (mapper.class_ for mapper in Model.registry.mappers if mapper.local_table.name == table)
    return next(found, None)


def label_of(table: str, key: dict[str, Any]) -> str:
    """A record in words: what its table is called, and its key."""
    label = getattr(kind_of(table), "label", "")
    name = label if isinstance(label, str) and label else table
    return f"{name} {', '.join(str(value) for value in key.values())}".strip()


# -- seals


def head() -> AuditHead:
    """The last seal of the chain."""
    return AuditHead(
        *Session.execute(text("SELECT seq, hash, at, waiting_since FROM audit.chain_head()")).one()
    )


def seal() -> int:
    """Give every row that waits its seal, in batches; how many they were."""
    total = 0
    while True:
        with untraced() as db:
            db.execute(text("SET LOCAL statement_timeout = 0"))
            done: int = db.execute(text("SELECT audit.seal(:most)"), {"most": BATCH}).scalar_one()
        total += done
        if done < BATCH:
            return total


# -- verification


def verify(copies: Iterable[tuple[int, str]] = ()) -> Verification:
    """Check the chain from its first seal to its last, and against heads that were copied out of the house.

    `copies` are (number, hash or its beginning); those that earlier verifications wrote down are added. A
    chain that was cut with its head, or made anew, is found by them alone.
    """
    Session.execute(text("SET LOCAL statement_timeout = 0"))
    last = head()
    report = Verification(last.seq, last.hash)
    real = Session.execute(text("SELECT audit.hash_at(:seq)"), {"seq": last.seq}).scalar_one()
    gone = _Gap()
    for first in range(1, last.seq + 1, BATCH):
        upto = min(first + BATCH - 1, last.seq)
        rows = Session.execute(
            text("SELECT * FROM audit.verify(:first, :last)"), {"first": first, "last": upto}
        )
        for row in rows:
            if row.fault == "missing" and gone.follows(row.seq):
                continue
            gone.close(report, last.seq)
            if row.fault == "missing":
                gone.open(row.seq)
            elif not _add(report, row.fault, row.seq, row.kind, row.row_id):
                return report
        if len(report.faults) >= MOST_FAULTS:
            report.more = True
            return report
    gone.close(report, last.seq)
    if real is not None and real != last.hash:
        report.faults.append(Fault("head", last.seq, f"El sello {last.seq} no tiene la huella de la cabeza."))
    kept = Session.execute(select(AuditCheck.seq, AuditCheck.hash).order_by(AuditCheck.seq)).tuples()
    for seq, hash in [*kept, *copies]:
        _check_copy(report, last, seq, hash.lower())
    for row in Session.execute(text("SELECT * FROM audit.strangers()")):
        if not _add(report, row.fault, None, row.kind, row.row_id):
            break
    return report


def verify_tables(tables: Collection[str] | None = None) -> Comparison:
    """Compare tables (all that are traced, when None) with what their changes rebuild. Raises Missing."""
    Session.execute(text("SET LOCAL statement_timeout = 0"))
    traced = list(Session.scalars(text("SELECT table_name FROM audit.traced()")))
    for name in tables or ():
        if name not in traced:
            raise Missing(f"La tabla «{name}» no existe o no lleva rastro.")
    report = Comparison()
    for name in sorted(tables or traced):
        try:
            with Session.begin_nested():
                found = Session.execute(COMPARE, {"name": name}).one()
        except DBAPIError as error:
            report.failed[name] = str(error.orig).splitlines()[0]
            continue
        report.rows[name] = found.total
        report.faults += [
            ChangedRow(name, row["row_key"], row["fault"], tuple(row["columns"])) for row in found.faults
        ]
    return report


class _Gap:
    """Seals missing one after the other are one fault."""

    def __init__(self) -> None:
        self.first = self.last = 0

    def open(self, seq: int) -> None:
        self.first = self.last = seq

    def follows(self, seq: int) -> bool:
        if not self.first or seq != self.last + 1:
            return False
        self.last = seq
        return True

    def close(self, report: Verification, end: int) -> None:
        if not self.first:
            return
        one = self.first == self.last
        which = f"Falta el sello {self.first}" if one else f"Faltan los sellos {self.first} a {self.last}"
        code, why = "missing", "se borró" if one else "se borraron"
        if self.last == end:
            code, why = "cut", "se cortó el final de la cadena"
        report.faults.append(Fault(code, self.first, f"{which}: {why}."))
        self.first = self.last = 0


def _add(report: Verification, code: str, seq: int | None, kind: str, number: int) -> bool:
    """Name a fault; False when the report is full."""
    if len(report.faults) >= MOST_FAULTS:
        report.more = True
        return False
    about = Session.execute(
        text("SELECT at, words FROM audit.about(:kind, :id)"), {"kind": kind, "id": number}
    )
    row = f"{KINDS[kind]} n.º {number}"
    for at, words in about:
        row += f", {words}, {clock.local(at):%d/%m/%Y %H:%M:%S}"
    words = FAULTS[code].format(row=row)
    sentence = f"Sello {seq}: {words}." if seq else f"{words[0].upper()}{words[1:]}."
    report.faults.append(Fault(code, seq, sentence))
    return True


def _check_copy(report: Verification, last: AuditHead, seq: int, hash: str) -> None:
    found = Session.execute(text("SELECT audit.hash_at(:seq)"), {"seq": seq}).scalar_one()
    if seq > last.seq:
        words = f"La cadena termina en el sello {last.seq} y se anotó el {seq}: se cortó el final."
        report.faults.append(Fault("cut", seq, words))
    elif found is not None and not found.startswith(hash):
        words = f"El sello {seq} no tiene la huella que se anotó ({hash[:16]}): la cadena se rehízo."
        report.faults.append(Fault("remade", seq, words))


def read_copy(copy: str) -> tuple[int, str]:
    """A head as it was copied out, «number:hash». Raises RuleBroken."""
    number, mark, hash = copy.strip().partition(":")
    hash = hash.strip().lower()
    if not mark or not number.isdigit() or len(hash) < 16 or set(hash) - set("0123456789abcdef"):
        raise RuleBroken("Escriba la cabeza como NÚMERO:HUELLA, con 16 signos de la huella o más.", "head")
    return int(number), hash


# -- every night


def nightly() -> AuditCheck:
    """Seal, verify chain and tables, keep what was found and send the head to whoever keeps it."""
    started = clock.real_now()
    seal()
    chain = verify()
    tables = verify_tables()
    check = AuditCheck(
        started_at=started,
        ended_at=clock.real_now(),
        seq=chain.seq,
        hash=chain.hash,
        rows=sum(tables.rows.values()),
        faults=[*chain.sentences, *tables.sentences],
    )
    Session.rollback()  # the long reading is over; the act begins anew
    with act("audit.verify") as unit:
        unit.session.add(check)
        unit.session.flush()
        if mail.configured() and addresses():
            jobs.defer(unit.session, "send_audit_head", check_id=check.id)
    return check


def last_check() -> AuditCheck | None:
    """The last verification."""
    return Session.scalars(select(AuditCheck).order_by(AuditCheck.id.desc()).limit(1)).first()


def addresses() -> list[str]:
    """Who keeps the heads outside; the parameter says so."""
    try:
        value = parameters.parameter(ADDRESSES, clock.today())
    except Missing:
        return []
    return [each for each in value if each != NOBODY] if isinstance(value, list) else []


def send_head(check_id: int) -> None:
    """Mail the head of a verification. Raises OSError or smtplib.SMTPException."""
    check = Session.get(AuditCheck, check_id)
    if check is None:
        return
    result = "sin novedades" if not check.faults else f"{len(check.faults)} hallazgo(s)"
    lines = [
        f"Verificación del rastro de auditoría, {clock.local(check.ended_at):%d/%m/%Y %H:%M}: {result}.",
        "",
        f"Cabeza de la cadena: {check.seq}:{check.hash}",
        "",
        *(f"- {fault}" for fault in check.faults),
        "Guarde este mensaje: con la cabeza se comprueba, también en otra computadora, que nadie cambió ni",
        "cortó el rastro («flask audit verify --head», o tools/verify_audit.py sobre una copia).",
    ]
    for address in addresses():
        mail.send(address, f"SIS: cabeza del rastro {check.seq}, {result}", "\n".join(lines))


# -- the copy for another computer


def export(first: int = 1) -> Iterator[str]:
    """The chain from a seal on, as lines of text (JSON); reserved values are «dato reservado»."""
    if first < 1:
        raise RuleBroken("El primer sello es un número desde 1.", "first")
    with act("audit.export", reason=f"desde el sello {first}"):
        last = head()
        before = Session.execute(text("SELECT audit.hash_at(:seq)"), {"seq": first - 1}).scalar_one()
    if before is None or first > last.seq:
        raise RuleBroken(f"El sello {first} no existe: el último es el {last.seq}.", "first")
    opening = {"format": FORMAT, "first": first, "last": last.seq, "before": before, "head": last.hash}
    return _lines(opening)


def _lines(opening: dict[str, Any]) -> Iterator[str]:
    yield json.dumps(opening)
    for first in range(opening["first"], opening["last"] + 1, BATCH):
        rows = Session.execute(
            text("SELECT seq, hash, words FROM audit.export(:first, :last)"),
            {"first": first, "last": min(first + BATCH - 1, opening["last"])},
        )
        for seq, hash, words in rows:
            yield f'{{"seq": {seq}, "hash": "{hash}", "row": {words or "null"}}}'


# -- reading what is reserved


def read_reserved(rows: Collection[Model]) -> None:
    """Write down that the present person is shown these records, all of one kind, which few may read."""
    if not rows:
        return
    kind = type(next(iter(rows)))
    names = [column.name for column in inspect(kind).primary_key]
    keys = [json.dumps({name: getattr(row, name) for name in names}) for row in rows]
    table = metadata.tables[kind.__tablename__].name
    with act(f"{table}.read") as unit:
        unit.session.execute(
            text("SELECT audit.note_readings(:table, CAST(:keys AS jsonb[]))"), {"table": table, "keys": keys}
        )
