"""A procedure version as frozen dataclasses, and what is wrong with one, in words.

A version is made by `loading.version_from_mapping`, from a YAML file or from rows, and read by `engine`.
Numbers of days never stand here: a term names the parameter that holds them, with its dates and legal basis.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from app.workflow import conditions
from app.workflow import fields as extra
from app.workflow.effects import EFFECTS
from app.workflow.fields import ExtraField
from app.workflow.guards import FACTS, GUARDS

ROLES: Mapping[str, str] = {
    "admin": "Admin TI",
    "director": "Director DGIFT",
    "regional": "Director Regional",
    "coordinator": "Coordinador",
    "inspector": "Inspector",
    "intake": "Mesa de Entrada",
    "licensing": "Licencias (DROP/DSSO)",
    "osh": "SST",
    "legal": "Jurídico (DGAJ)",
    "judge": "Juez Instructor",
    "minister": "Ministro/Delegado",
    "treasury": "Tesorería",
    "statistics": "Estadística",
    "auditor": "Auditor",
    "secretary": "Secretaría General",
    "notifier": "Notificador",
    "conciliation": "Conciliación (DT)",
    "health": "Salud (MSPBS)",
}
"""The roles that a procedure may name, with the words shown for them."""

SYSTEM = "system"
"""The actor of moves that no person makes: expiry of a term, consequence of another record's move."""


class Phase(StrEnum):
    """The closed list of phases, on which figures and code depend instead of the ministry's state names."""

    RECEIVED = "received"
    TRIAGED = "triaged"
    PLANNED = "planned"
    ISSUED = "issued"
    IN_FIELD = "in_field"
    IN_REPORT = "in_report"
    IN_TERM = "in_term"
    IN_DECISION = "in_decision"
    IN_CASE = "in_case"
    IN_HEARING = "in_hearing"
    RESOLVED = "resolved"
    APPEALED = "appealed"
    FINAL = "final"
    COLLECTING = "collecting"
    CLOSED = "closed"
    ARCHIVED = "archived"
    DISMISSED = "dismissed"
    ANNULLED = "annulled"
    SUSPENDED = "suspended"

    @property
    def label(self) -> str:
        """The Spanish words shown for the phase."""
        return _PHASE_LABELS[self]


_PHASE_LABELS: Mapping[Phase, str] = {
    Phase.RECEIVED: "Recibido",
    Phase.TRIAGED: "Analizado",
    Phase.PLANNED: "Planificado",
    Phase.ISSUED: "Emitido",
    Phase.IN_FIELD: "En campo",
    Phase.IN_REPORT: "En informe",
    Phase.IN_TERM: "En plazo",
    Phase.IN_DECISION: "En decisión",
    Phase.IN_CASE: "En sumario",
    Phase.IN_HEARING: "En audiencia",
    Phase.RESOLVED: "Resuelto",
    Phase.APPEALED: "Recurrido",
    Phase.FINAL: "Firme",
    Phase.COLLECTING: "En cobro",
    Phase.CLOSED: "Cerrado",
    Phase.ARCHIVED: "Archivado",
    Phase.DISMISSED: "Desestimado",
    Phase.ANNULLED: "Anulado",
    Phase.SUSPENDED: "Suspendido",
}


class Unit(StrEnum):
    """How the days of a term are counted."""

    BUSINESS = "business"
    CALENDAR = "calendar"


class CalendarOf(StrEnum):
    """Whose calendar a term is counted by: that of the office of the procedure, or of the establishment."""

    OFFICE = "office"
    ESTABLISHMENT = "establishment"


class VersionFrom(StrEnum):
    """Which version a record takes: that of its file's root, or the one in force on the day it opens."""

    ROOT = "raiz"
    DATE = "fecha"


class Transition(StrEnum):
    """What a new version does with open files: nothing, from their next act, or as the office chooses."""

    NEW_FILES = "nuevos"
    NEXT_ACT = "proximo_acto"
    CHOICE = "eleccion"


class Source(StrEnum):
    """Standing of a row: stated by the norm, designed for this system, or to be verified by the ministry."""

    NORM = "norma"
    DESIGN = "diseno"
    UNVERIFIED = "por_verificar"


@dataclass(frozen=True)
class State:
    """A state of a process: legal code, name shown, phase; nothing leaves a `final` one but a reopening."""

    code: str
    name: str
    phase: Phase
    final: bool = False
    basis: str = ""
    source: Source = Source.DESIGN


@dataclass(frozen=True)
class TermType:
    """A kind of term. The number of days is that of `parameter` on the day the term opens.

    `alerts_parameter` holds the offsets in business days around the due day; `alert_roles` are told at each.
    At the first offset after the due day the first role of `escalation` is told too, at the next the second.
    A term with a `condition` opens only where it holds. `extension_parameter` limits the extensions;
    without it the term cannot be extended.
    """

    code: str
    name: str
    parameter: str
    unit: Unit
    calendar_of: CalendarOf = CalendarOf.OFFICE
    responsible: str = "inspector"
    alerts_parameter: str = ""
    alert_roles: tuple[str, ...] = ()
    escalation: tuple[str, ...] = ()
    extension_parameter: str = ""
    condition: Any = field(default=None, hash=False)
    basis: str = ""
    source: Source = Source.DESIGN


@dataclass(frozen=True)
class Move:
    """A step from one state to another, known in its process by `(from_state, code)`.

    `roles` may make it (`SYSTEM` alone: no person). `guards` are names; `condition` is an expression of the
    condition language that must hold, `condition_reason` the Spanish words when it does not. `letters` are
    the document types issued, or whose signed scan is attached. `reopens` marks the rare move that leaves
    a final state; it always needs a reason.
    """

    code: str
    from_state: str
    to_state: str
    label: str
    roles: tuple[str, ...]
    reason_required: bool = False
    reopens: bool = False
    guards: tuple[str, ...] = ()
    condition: Any = field(default=None, hash=False)
    condition_reason: str = ""
    opens_terms: tuple[str, ...] = ()
    closes_terms: tuple[str, ...] = ()
    letters: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    basis: str = ""
    source: Source = Source.DESIGN

    @property
    def automatic(self) -> bool:
        """Whether the system alone makes this move."""
        return self.roles == (SYSTEM,)


@dataclass(frozen=True)
class Start:
    """How a record of the process begins: its first state, who may open it, what that needs and opens."""

    state: str
    roles: tuple[str, ...]
    guards: tuple[str, ...] = ()
    opens_terms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Process:
    """The life of one kind of record.

    `guards` are judged at the start and at every move; `fields` are added to the record's own.
    """

    code: str
    name: str
    start: Start | None
    states: tuple[State, ...]
    moves: tuple[Move, ...] = ()
    terms: tuple[TermType, ...] = ()
    guards: tuple[str, ...] = ()
    fields: tuple[ExtraField, ...] = ()
    version_from: VersionFrom = VersionFrom.ROOT
    basis: str = ""

    def state(self, code: str) -> State:
        """Return the state of that code; raises `KeyError` when there is none."""
        for state in self.states:
            if state.code == code:
                return state
        raise KeyError(code)

    def term(self, code: str) -> TermType:
        """Return the term type of that code; raises `KeyError` when there is none."""
        for term in self.terms:
            if term.code == code:
                return term
        raise KeyError(code)

    def moves_from(self, state: str) -> tuple[Move, ...]:
        """Return the moves that leave a state, in the order declared, which is that of the buttons."""
        return tuple(move for move in self.moves if move.from_state == state)


@dataclass(frozen=True)
class LetterText:
    """The text of a kind of document in a version, in place of the shipped one: a template of the sandbox."""

    code: str
    source: str


@dataclass(frozen=True)
class ProcedureVersion:
    """A version of the procedure, in force from `valid_from` until `valid_to` (None: not yet replaced).

    `historical` marks the frozen version on which imported history stands: phases and no moves.
    `transition` and `transition_basis` say what happens to files open when the version comes into force.
    """

    code: str
    name: str
    basis: str
    valid_from: date
    processes: tuple[Process, ...]
    valid_to: date | None = None
    historical: bool = False
    transition: Transition = Transition.NEW_FILES
    transition_basis: str = ""
    transition_source: Source = Source.UNVERIFIED
    notes: str = ""
    letters: tuple[LetterText, ...] = ()

    def letter(self, code: str) -> str | None:
        """The version's own text of a kind of document; None when the shipped one holds."""
        return next((each.source for each in self.letters if each.code == code), None)

    def process(self, code: str) -> Process:
        """Return the process of that code; raises `KeyError` when there is none."""
        for process in self.processes:
            if process.code == code:
                return process
        raise KeyError(code)


_CODE = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)
_WORD = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_LETTER = re.compile(r"[A-Z]{2,4}(?:-[A-Z]{2,4})?", re.ASCII)


def problems(version: ProcedureVersion) -> list[str]:
    """Return what is wrong with a version, in Spanish, each with its place; empty when it is sound."""
    found: list[str] = []
    if not version.basis.strip():
        found.append("La versión no tiene base legal.")
    if version.valid_to is not None and version.valid_to < version.valid_from:
        found.append("La versión termina antes de empezar a regir.")
    if not version.processes:
        found.append("La versión no tiene procesos.")
    found += [f"El proceso «{code}» está repetido." for code in _repeated(p.code for p in version.processes)]
    for code in _repeated(each.code for each in version.letters):
        found.append(f"El texto del documento «{code}» está repetido.")
    for process in version.processes:
        found += [f"{process.code}: {problem}" for problem in _process_problems(process, version.historical)]
    return found


def _repeated(items: Iterable[Any]) -> list[Any]:
    return [item for item, times in Counter(items).items() if times > 1]


def _process_problems(process: Process, historical: bool) -> Iterator[str]:
    codes = {state.code for state in process.states}
    if not _WORD.fullmatch(process.code):
        yield f"el código «{process.code}» debe ser una palabra en minúsculas."
    if not process.states:
        yield "no tiene estados."
    for code in _repeated(state.code for state in process.states):
        yield f"el estado «{code}» está repetido."
    for code in _repeated(term.code for term in process.terms):
        yield f"el plazo «{code}» está repetido."
    for from_state, code in _repeated((m.from_state, m.code) for m in process.moves):
        yield f"el paso «{code}» está repetido desde «{from_state}»."
    for state in process.states:
        if not _CODE.fullmatch(state.code):
            yield f"el código de estado «{state.code}» debe ir en mayúsculas, con guion bajo."
        if not state.name.strip():
            yield f"el estado «{state.code}» no tiene nombre."
    yield from _name_problems("el proceso", process.guards, GUARDS, "la guarda")
    for term in process.terms:
        yield from _term_problems(term)
    for code in _repeated(each.code for each in process.fields):
        yield f"el dato «{code}» está repetido."
    for each in process.fields:
        yield from extra.problems(each, process.fields, ROLES)
    if historical:
        if process.moves or process.start:
            yield "una versión histórica no lleva inicio ni pasos."
        for state in process.states:
            if not state.final:
                yield f"en una versión histórica todo estado es final, y «{state.code}» no lo es."
        return
    for move in process.moves:
        yield from _move_problems(process, move, codes)
    if process.start is None:
        yield "no tiene estado inicial."
        return
    if process.start.state not in codes:
        yield f"el estado inicial «{process.start.state}» no existe."
        return
    yield from _role_problems("el inicio", process.start.roles)
    yield from _name_problems("el inicio", process.start.guards, GUARDS, "la guarda")
    yield from _opened_problems("el inicio", process.start.opens_terms, process)
    yield from _path_problems(process, process.start.state)


def _term_problems(term: TermType) -> Iterator[str]:
    where = f"el plazo «{term.code}»"
    if not _CODE.fullmatch(term.code):
        yield f"{where}: el código debe ir en mayúsculas, con guion bajo."
    for parameter, needed in (
        (term.parameter, True),
        (term.alerts_parameter, False),
        (term.extension_parameter, False),
    ):
        if (needed or parameter) and not _CODE.fullmatch(parameter):
            yield f"{where}: «{parameter}» no es el código de un parámetro; los días no se escriben aquí."
    if bool(term.alerts_parameter) != bool(term.alert_roles):
        yield f"{where}: las alertas necesitan su parámetro y los roles a los que avisan."
    for role in (term.responsible, *term.alert_roles, *term.escalation):
        if role not in ROLES:
            yield f"{where}: el rol «{role}» no existe."
    if term.condition is not None:
        yield from (f"{where}: {problem}" for problem in conditions.check(term.condition, FACTS))


def _role_problems(where: str, roles: tuple[str, ...]) -> Iterator[str]:
    if not roles:
        yield f"{where}: falta el rol que puede hacerlo."
    for role in roles:
        if role not in ROLES and role != SYSTEM:
            yield f"{where}: el rol «{role}» no existe."


def _name_problems(where: str, names: Iterable[str], known: Mapping[str, Any], what: str) -> Iterator[str]:
    for name in names:
        if name not in known:
            yield f"{where}: {what} «{name}» no existe."


def _opened_problems(where: str, terms: Iterable[str], process: Process) -> Iterator[str]:
    yield from _name_problems(where, terms, {t.code: t for t in process.terms}, "el plazo")


def _move_problems(process: Process, move: Move, codes: set[str]) -> Iterator[str]:
    where = f"el paso «{move.code}» desde «{move.from_state}»"
    if not _WORD.fullmatch(move.code):
        yield f"{where}: el código debe ser una palabra en minúsculas."
    if not move.label.strip():
        yield f"{where}: no tiene texto para el botón."
    for code in (move.from_state, move.to_state):
        if code not in codes:
            yield f"{where}: el estado «{code}» no existe."
    yield from _role_problems(where, move.roles)
    yield from _name_problems(where, move.guards, GUARDS, "la guarda")
    yield from _name_problems(where, move.effects, EFFECTS, "el efecto")
    yield from _opened_problems(where, (*move.opens_terms, *move.closes_terms), process)
    for name in move.effects:
        if name in EFFECTS and process.code not in EFFECTS[name].processes:
            yield f"{where}: el efecto «{name}» no sirve para este proceso."
    for letter in move.letters:
        if not _LETTER.fullmatch(letter):
            yield f"{where}: «{letter}» no es el código de un documento."
    if move.condition is not None:
        known = {**FACTS, **extra.facts_of(process.fields)}
        yield from (f"{where}: {problem}" for problem in conditions.check(move.condition, known))
        if not move.condition_reason.strip():
            yield f"{where}: la condición no tiene el motivo que se muestra cuando no se cumple."
    if {move.from_state, move.to_state} <= codes:
        leaves_final = process.state(move.from_state).final and move.from_state != move.to_state
        if leaves_final and not move.reopens:
            yield f"{where}: sale de un estado final; solo una reapertura puede hacerlo."
        if move.reopens and not leaves_final:
            yield f"{where}: es una reapertura y no sale de un estado final."
        if move.reopens and not (move.reason_required or move.automatic):
            yield f"{where}: una reapertura exige motivo."


def _path_problems(process: Process, start: str) -> Iterator[str]:
    onward: dict[str, set[str]] = {state.code: set() for state in process.states}
    back: dict[str, set[str]] = {state.code: set() for state in process.states}
    for move in process.moves:
        if move.from_state in onward and move.to_state in onward:
            onward[move.from_state].add(move.to_state)
            back[move.to_state].add(move.from_state)
    reachable = _closure({start}, onward)
    ending = _closure({state.code for state in process.states if state.final}, back)
    if not any(state.final for state in process.states):
        yield "no tiene ningún estado final."
    for state in process.states:
        if state.code not in reachable:
            yield f"al estado «{state.code}» no se llega desde el inicio."
        if state.code not in ending:
            yield f"desde el estado «{state.code}» no hay salida hacia un estado final."


def _closure(start: set[str], edges: Mapping[str, set[str]]) -> set[str]:
    seen, fresh = set(start), list(start)
    while fresh:
        for code in edges[fresh.pop()] - seen:
            seen.add(code)
            fresh.append(code)
    return seen
