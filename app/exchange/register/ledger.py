"""Duplicates and conflicts: of the rows of one file among themselves, and against what is known already.

Tests of a row run in the order blank, duplicate, quarantined, imported. A row whose content was seen
before is
a duplicate, even if the first one went to quarantine: one correction is enough. A row whose act number and
year belong to an imported row of other content is quarantined as a conflict, with the differences listed.
Content is compared as understood, not as written: `07/01/2013` and `41281` are the same day.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from typing import Literal, NamedTuple

from app.exchange.register.cells.places import address_key
from app.exchange.register.cells.text import key
from app.exchange.register.columns import BY_NAME
from app.exchange.register.judge import CleanRow, Judged
from app.exchange.register.marks import Notice, Problem

_APART = "\x1f"
_COMPARED = (
    "act_number", "date", "order_number", "employer_name", "trade_name", "ruc", "department", "district",
    "address", "activity", "workers", "men", "women", "minors", "inspector_1", "cause", "infractions",
    "outcome", "fine", "resolution_number", "resolution_date", "remarks", "extra",
)  # fmt: skip
_LABELS = {name: BY_NAME[name].label for name in _COMPARED if name in BY_NAME} | {
    "inspector_1": "Inspectores",
    "extra": "Otras columnas",
}


class ActKey(NamedTuple):
    """What must be unique: the number of an act and its year."""

    number: str
    year: int


class Identity(NamedTuple):
    """Identity of a historical row (working rule 19). `establishment` is (RUC base, district, folded
    address)."""

    act_number: str
    act_year: int
    date: date
    establishment: tuple[str, int | None, str]


class Known(NamedTuple):
    """An act already there: `content` as `content_of` wrote it, `where` for the reader.

    Who keeps only the fingerprint gives "" and that: duplicates are found, differences cannot be listed.
    `origin` is `sis` for an inspection born in this system: a row that meets it is flagged, never merged.
    """

    content: str
    where: str
    origin: Literal["historical", "sis"] = "historical"
    fingerprint: bytes = b""


@dataclass(slots=True)
class Decision:
    """The end of one row: exactly one of the four outcomes, with all causes."""

    outcome: Literal["imported", "duplicate", "quarantined", "blank"]
    judged: Judged
    causes: list[Problem] = field(default_factory=list)
    identity: Identity | None = None
    content: str = ""
    fingerprint: bytes = b""
    duplicate_of: str = ""


def act_key(record: CleanRow) -> ActKey | None:
    """Return the key of the row's act, None while number or year is unknown."""
    if record.act_number is None or record.act_year is None:
        return None
    return ActKey(record.act_number, record.act_year)


def identity_of(record: CleanRow) -> Identity | None:
    """Return the identity of a row, None while a part of it is unknown."""
    if record.act_number is None or record.act_year is None or record.date is None:
        return None
    return Identity(record.act_number, record.act_year, record.date, record.establishment)


def content_of(judged: Judged) -> str:
    """Return the content of a row for comparison: typed values where cells were understood, else what was
    written.

    The row's own number and its place in the file are no part of it.
    """
    record, cells = judged.record, judged.raw.cells
    if record is None:
        return ""
    get = cells.get
    act = f"{record.act_number}/{record.act_year}" if record.act_number else key(get("act_number", ""))
    district, department = record.district, record.department
    return _APART.join(
        (
            act,
            record.date.isoformat() if record.date else key(get("date", "")),
            key(record.order_number),
            key(record.employer_name),
            key(record.trade_name),
            record.ruc_base or get("ruc", "").strip(),
            str(department) if department is not None else key(get("department", "")),
            str(district) if district is not None else key(get("district", "")),
            address_key(record.address),
            key(record.activity),
            _number(record.workers, get("workers", "")),
            _number(record.men, get("men", "")),
            _number(record.women, get("women", "")),
            _number(record.minors, get("minors", "")),
            " + ".join(sorted(person.key for person in record.inspectors)),
            record.cause or key(record.cause_text),
            "; ".join(sorted(item.code or key(item.text) for item in record.infractions)),
            record.outcome or key(record.outcome_text),
            _number(record.fine, get("fine", "")),
            key(record.resolution_number),
            record.resolution_date.isoformat() if record.resolution_date else key(get("resolution_date", "")),
            key(record.remarks),
            "; ".join(f"{name}={key(text)}" for name, text in record.extra.items() if text.strip()),
        )
    )


def _number(value: int | None, written: str) -> str:
    return written.strip() if value is None else str(value)


def fingerprint_of(content: str) -> bytes:
    """Return 16 bytes that stand for a content."""
    return blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def differences(content: str, other: str) -> list[str]:
    """Return what differs between two contents, in Spanish: `Empresa: «a» y «b»`."""
    pairs = zip(_COMPARED, content.split(_APART), other.split(_APART), strict=False)
    return [f"{_LABELS[name]}: «{new}» y «{old}»" for name, new, old in pairs if new != old]


class Ledger:
    """Remembers what was seen: about 0.5 kB a row, and nothing else of the file.

    `known` gives the acts already there by key; a mapping that asks a database in blocks will do. `waiting`
    holds the fingerprints of rows in quarantine from before: such a row is a duplicate, it already waits.
    """

    def __init__(
        self, known: Mapping[ActKey, Known] | None = None, waiting: Container[bytes] = frozenset()
    ) -> None:
        self._known = known if known is not None else {}
        self._waiting = waiting
        self._seen: dict[bytes, int] = {}
        self._accepted: dict[ActKey, tuple[int, str]] = {}

    def decide(self, judged: Judged) -> Decision:
        """Return the outcome of a row, and remember it."""
        record = judged.record
        if judged.outcome == "blank" or record is None:
            return Decision("blank", judged)
        content = content_of(judged)
        print_ = fingerprint_of(content)
        decision = Decision("imported", judged, list(judged.causes), identity_of(record), content, print_)
        act = act_key(record)
        known = self._known.get(act) if act is not None else None
        if repeated := self._repeats(print_, content, known):
            decision.outcome, decision.duplicate_of = "duplicate", repeated
            sentence = f"La fila repite un acto ya registrado: {repeated}."
            decision.causes = [Problem("duplicate", sentence)]
            return decision
        self._seen[print_] = judged.raw.line_number
        if act is not None:
            self._compare(decision, act, known)
        if decision.causes:
            decision.outcome = "quarantined"
        elif act is not None:
            self._accepted[act] = (judged.raw.line_number, content)
        return decision

    def _repeats(self, print_: bytes, content: str, known: Known | None) -> str:
        line = self._seen.get(print_)
        if line is not None:
            return f"fila {line} de este archivo"
        if (
            known is not None
            and known.origin == "historical"
            and (known.content == content or known.fingerprint == print_)
        ):
            return known.where
        return "una fila que ya espera en cuarentena" if print_ in self._waiting else ""

    def _compare(self, decision: Decision, act: ActKey, known: Known | None) -> None:
        """Add the conflict with an accepted row of the same act, or the flag of an inspection born here."""
        if known is not None and known.origin == "sis":
            met = f"una inspección de este sistema ({known.where})"
            sentence = f"El acta {act.number}/{act.year} coincide con {met}. Compárelas."
            decision.judged.warnings.append(Notice("matches_own_inspection", sentence, "act_number"))
        elif known is not None:
            decision.causes.append(_conflict(act, decision.content, known.content, known.where))
        if act in self._accepted:
            line, content = self._accepted[act]
            decision.causes.append(_conflict(act, decision.content, content, f"fila {line} de este archivo"))


def _conflict(act: ActKey, content: str, other: str, where: str) -> Problem:
    listed = "; ".join(differences(content, other)) if other else ""
    sentence = f"El acta {act.number}/{act.year} ya existe con otro contenido ({where})."
    if listed:
        sentence += f" Difieren: {listed}."
    return Problem("conflict", sentence, "act_number")
