"""The interpreter of procedure versions: pure functions on a process, a state, roles and facts.

The same judgement serves the buttons (`allowed_moves`) and the server (`apply_move`), so that a screen never
offers what the server refuses. Every unmet rule is reported, in Spanish, not only the first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from app.core.errors import NotAllowed, RuleBroken
from app.workflow import conditions, fields
from app.workflow.definition import ROLES, SYSTEM, Move, Process, State, TermType
from app.workflow.guards import GUARDS, ON_PAPER, Facts, Outcome, judge


@dataclass(frozen=True)
class MoveOffer:
    """A move that the state declares, and whether this actor may make it on these facts.

    `for_role` tells a button shown and explained (True) from one not shown (False). `reasons` say why it is
    refused; `holds` why the act, though recorded, will wait for the coordinator.
    """

    move: Move
    allowed: bool
    for_role: bool
    reasons: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()

    @property
    def dated(self) -> bool:
        """Whether the rules of the move ask when the act happened: one entered late may be met (rule 3)."""
        return any("act_date" in GUARDS[name].needs for name in self.move.guards)

    @property
    def on_paper(self) -> bool:
        """Whether a paper that is already signed may take the place of what is missing."""
        return not ON_PAPER.isdisjoint(self.move.guards)


@dataclass(frozen=True)
class Transition:
    """What a start or a move brings: the new state, terms to close and open, documents, effects.

    `move` is None for a start. The act is to be held for the coordinator when `holds` is not empty.
    """

    move: Move | None
    from_state: State | None
    to_state: State
    closes_terms: tuple[str, ...]
    opens_terms: tuple[TermType, ...]
    letters: tuple[str, ...]
    effects: tuple[str, ...]
    reason: str
    holds: tuple[str, ...]


def allowed_moves(process: Process, state: str, roles: Collection[str], facts: Facts) -> list[MoveOffer]:
    """Return every move that `state` declares, in order, each judged for an actor with `roles`.

    Moves of the system are returned only to the system. Raises `RuleBroken` for an unknown state.
    """
    _state(process, state)
    offers = []
    for move in process.moves_from(state):
        if move.automatic and SYSTEM not in roles:
            continue
        for_role = _may(move.roles, roles)
        reasons, holds = _judged(process, move, facts)
        if not for_role:
            reasons = (_not_yours(move.roles), *reasons)
        offers.append(MoveOffer(move, not reasons, for_role, reasons, holds))
    return offers


def apply_move(
    process: Process,
    state: str,
    code: str,
    roles: Collection[str],
    facts: Facts,
    reason: str = "",
) -> Transition:
    """Return what the move `code` from `state` brings, for an actor with `roles`, on `facts`.

    Raises `RuleBroken` when the state does not declare the move (`move_not_declared`), when rules are not met
    (`guards`, with every reason) or when the reason is missing (`reason_missing`); `NotAllowed` for the role.
    """
    origin = _state(process, state)
    move = next((m for m in process.moves_from(state) if m.code == code), None)
    if move is None:
        raise RuleBroken(
            f"Este paso no existe desde el estado «{origin.name}». Vuelva a abrir el registro y elija otro.",
            code="move_not_declared",
        )
    if not _may(move.roles, roles):
        raise NotAllowed(_not_yours(move.roles))
    reasons, holds = _judged(process, move, facts)
    if reasons:
        raise RuleBroken(" ".join(reasons), code="guards", reasons=reasons)
    reason = reason.strip()
    if move.reason_required and not reason:
        raise RuleBroken(f"«{move.label}» exige un motivo. Escríbalo.", "reason", "reason_missing")
    return Transition(
        move,
        origin,
        process.state(move.to_state),
        move.closes_terms,
        _opened(process, move.opens_terms, facts),
        move.letters,
        move.effects,
        reason,
        holds,
    )


def begin(process: Process, roles: Collection[str], facts: Facts) -> Transition:
    """Return what opening a record of `process` brings. Raises `NotAllowed` or `RuleBroken`, as `apply_move`.

    A process of the historical version has no start and raises `RuleBroken` (`no_start`).
    """
    start = process.start
    if start is None:
        raise RuleBroken("La versión histórica no admite registros nuevos.", code="no_start")
    if not _may(start.roles, roles):
        raise NotAllowed(_not_yours(start.roles))
    reasons, holds = _judged_guards((*process.guards, *start.guards), facts)
    if reasons:
        raise RuleBroken(" ".join(reasons), code="guards", reasons=reasons)
    opened = _opened(process, start.opens_terms, facts)
    return Transition(None, None, process.state(start.state), (), opened, (), (), "", holds)


def facts_needed(process: Process, state: str | None = None) -> frozenset[str]:
    """Return the names of the facts that judging every move from `state` needs; of the start when None.

    Those of extra fields are no facts to be fetched: the record has them, as `extra`. Raises `RuleBroken` for
    an unknown state.
    """
    guards, expressions = list(process.guards), []
    if state is None:
        if process.start is not None:
            guards += process.start.guards
            expressions += [process.term(t).condition for t in process.start.opens_terms]
    else:
        _state(process, state)
        for move in process.moves_from(state):
            guards += move.guards
            expressions += [move.condition, *(process.term(t).condition for t in move.opens_terms)]
    needed = {fact for name in guards for fact in GUARDS[name].needs}
    asked = needed.union(*(conditions.variables(expression) for expression in expressions))
    return frozenset(name for name in asked if not name.startswith(fields.PREFIX))


def _state(process: Process, code: str) -> State:
    try:
        return process.state(code)
    except KeyError:
        raise RuleBroken(
            f"El estado «{code}» no existe en el proceso «{process.name}» de esta versión.",
            code="unknown_state",
        ) from None


def _may(wanted: Iterable[str], roles: Collection[str]) -> bool:
    return any(role in roles for role in wanted)


def _not_yours(roles: Iterable[str]) -> str:
    words = " o ".join(ROLES.get(role, "el sistema") for role in roles)
    return f"Este paso corresponde a: {words}."


def _judged(process: Process, move: Move, facts: Facts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    reasons, holds = _judged_guards((*process.guards, *move.guards), facts)
    if move.condition is not None and not conditions.holds(move.condition, facts):
        reasons = (*reasons, move.condition_reason)
    if _seals(process, move):
        missing = fields.lacking(process.fields, facts.get("extra", {}))
        words = (f"Falta el dato «{each.label}»: complételo en «Otros datos»." for each in missing)
        reasons = (*reasons, *words)
    return reasons, holds


def _seals(process: Process, move: Move) -> bool:
    """Whether a move of a person issues a document or ends the record: then its required fields are filled.

    An annulment or a return, which is to be explained, waits for none.
    """
    if move.automatic or move.reason_required:
        return False
    return bool(move.letters) or process.state(move.to_state).final


def _judged_guards(names: Iterable[str], facts: Facts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    reasons: list[str] = []
    holds: list[str] = []
    for name in dict.fromkeys(names):
        why = judge(name, facts)
        if why is not None:
            (holds if GUARDS[name].outcome is Outcome.HOLD else reasons).append(why)
    return tuple(dict.fromkeys(reasons)), tuple(holds)


def _opened(process: Process, codes: Iterable[str], facts: Facts) -> tuple[TermType, ...]:
    kinds = (process.term(code) for code in codes)
    return tuple(k for k in kinds if k.condition is None or conditions.holds(k.condition, facts))
