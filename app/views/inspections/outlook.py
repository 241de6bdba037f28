"""What comes next in a record of a procedure: its way so far, whose turn it is, until when, where it goes.

Read off the record's own version of the procedure; asks the database nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.core import clock
from app.models.followup import RecordMove, Term, TermStatus, owner_column
from app.operations import moves
from app.views.inspections.shown import Mark, term_mark
from app.workflow.definition import ROLES, SYSTEM, Move, Phase, Process
from app.workflow.engine import MoveOffer

EXPIRY = frozenset({"expired_without_visit", "term_over"})
"""Guards of the steps that the clock takes once a term is over."""
ENDING = "Cierre"


@dataclass(frozen=True)
class Stage:
    """A part of a record's way; `look` is "past", "now", "ended" (the last one, reached) or "ahead"."""

    name: str
    look: str


@dataclass(frozen=True)
class Turn:
    """Steps that take the record on and that the same people take; nobody's come by themselves."""

    who: str
    mine: bool
    steps: list[tuple[str, str]]
    """The name of each, and of the state that it leads to."""
    missing: tuple[str, ...] = ()
    """What is still needed, when there is one step and it is the present person's."""


@dataclass(frozen=True)
class Outlook:
    """What the head of a record's page says."""

    stages: list[Stage]
    ended: str
    """The name of its last state, once it has reached one."""
    turns: list[Turn]
    term: Term | None
    due: Mark | None
    left: str
    lapses: str
    """The state that follows by itself once the term is over."""


def outlook(
    record: Any,
    terms: Iterable[Term],
    log: Iterable[RecordMove],
    offers: Sequence[MoveOffer],
    own: Collection[str] = (),
) -> Outlook:
    """What follows for a record.

    `terms` and `log` may hold those of its whole file. The steps of `own` have screens of their own, which
    ask what is missing.
    """
    process, state = moves.process_of(record), moves.state_of(record)
    term = _nearest(term for term in terms if getattr(term, owner_column(record)) == record.id)
    return Outlook(
        stages=_stages(process, record, log),
        ended=state.name if state is not None and state.final else "",
        turns=_turns(process, record.state or "", offers, own) or _waits(process, record.state or ""),
        term=term,
        due=term_mark(term) if term else None,
        left=_left(term.due_on) if term and term.due_on else "",
        lapses=_lapses(process, record.state or "", term),
    )


def next_due(terms: Iterable[Term]) -> Mark | None:
    """The term that is due first, of all those of a file."""
    term = _nearest(terms)
    return term_mark(term) if term else None


def _nearest(terms: Iterable[Term]) -> Term | None:
    running = [term for term in terms if term.status == TermStatus.OPEN.value and term.due_on]
    return min(running, key=lambda term: (term.due_on, term.id), default=None)


def _onward(step: Move) -> bool:
    """Whether a step takes a record on: neither back, nor out of its way, nor by the clock."""
    return not (step.reason_required or step.reopens or step.automatic)


def _stages(process: Process, record: Any, log: Iterable[RecordMove]) -> list[Stage]:
    if record.state is None or not process.moves:
        return []
    owner = owner_column(record)
    passed = [step.to_state for step in log if getattr(step, owner) == record.id]
    names = {process.state(code).phase: process.state(code).name for code in passed}
    now = process.state(record.state)
    closing = _closing(process)
    order = [phase for phase in dict.fromkeys(each.phase for each in process.states) if phase not in closing]
    place = order.index(now.phase) if now.phase in order else len(order)
    found = [Stage(names[phase], "past") for phase in order[:place] if phase in names]
    if now.phase in closing:
        return [*found, Stage(now.name, "ended")]
    ahead = _ahead(process, record.state)
    found.append(Stage(now.name, "now"))
    found += [Stage(ahead[phase], "ahead") for phase in order[place + 1 :] if phase in ahead]
    return [*found, Stage(ENDING, "ahead")]


def _closing(process: Process) -> set[Phase]:
    """The phases in which nothing goes on."""
    going = {state.phase for state in process.states if not state.final}
    return {state.phase for state in process.states} - going


def _ahead(process: Process, code: str) -> dict[Phase, str]:
    """The phases to which the steps from a state lead, each with the first state there."""
    reached, waiting = {code}, [code]
    while waiting:
        for step in process.moves_from(waiting.pop()):
            if _onward(step) and step.to_state not in reached:
                reached.add(step.to_state)
                waiting.append(step.to_state)
    states = [state for state in process.states if state.code in reached]
    return {state.phase: state.name for state in reversed(states)}


def _turns(process: Process, state: str, offers: Sequence[MoveOffer], own: Collection[str]) -> list[Turn]:
    """The steps on, those of the present person first, gathered by who takes them."""
    offered = {offer.move.code: offer for offer in offers}
    groups: dict[tuple[bool, str], list[Move]] = {}
    for step in process.moves_from(state):
        if _onward(step):
            who = " o ".join(ROLES[role] for role in step.roles if role != SYSTEM)
            groups.setdefault((step.code in offered, who), []).append(step)
    turns = []
    for (mine, who), steps in sorted(groups.items(), key=lambda item: not item[0][0]):
        offer = offered.get(steps[0].code) if len(steps) == 1 and steps[0].code not in own else None
        missing = offer.reasons if offer is not None and not offer.allowed else ()
        turns.append(Turn(who, mine, [_told(process, step) for step in steps], missing))
    return turns


def _waits(process: Process, state: str) -> list[Turn]:
    """What another record brings about, where no person can go on."""
    places = {each.code: place for place, each in enumerate(process.states)}
    steps = [
        step
        for step in process.moves_from(state)
        if step.automatic and EXPIRY.isdisjoint(step.guards) and places[step.to_state] > places[state]
    ]
    return [Turn("", False, [_told(process, step) for step in steps])] if steps else []


def _told(process: Process, step: Move) -> tuple[str, str]:
    return step.label, process.state(step.to_state).name


def _lapses(process: Process, state: str, term: Term | None) -> str:
    for step in process.moves_from(state):
        if term is not None and not EXPIRY.isdisjoint(step.guards) and term.type_code in step.closes_terms:
            return process.state(step.to_state).name
    return ""


def _left(due: date) -> str:
    days = (due - clock.today()).days
    if days == 0:
        return "vence hoy"
    count = f"{abs(days)} {'día' if abs(days) == 1 else 'días'}"
    return f"{'falta' if days == 1 else 'faltan'} {count}" if days > 0 else f"hace {count}"
