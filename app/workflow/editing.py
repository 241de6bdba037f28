"""Changes of a draft of a procedure, each a pure function: a version goes in, another comes out.

What refers to a part follows it: a state that takes another code takes its moves and the start along; a part
that others need is not dropped. What remains to be mended (a state that nobody reaches yet) is told by
`definition.problems` and holds nothing up: a draft may be half done. Raises RuleBroken, with the field at
fault, for what cannot be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from app.core.errors import RuleBroken
from app.workflow import conditions
from app.workflow.definition import LetterText, Move, ProcedureVersion, Process, State, TermType
from app.workflow.fields import PREFIX, ExtraField

Part = TypeVar("Part", State, TermType, Move, ExtraField)
MoveKey = tuple[str, str]
"""A move in its process: (state that it leaves, code)."""


def put_state(version: ProcedureVersion, process: str, state: State, old: str = "") -> ProcedureVersion:
    """The version with this state: at the end, or in the place of `old`, whose moves and start it takes."""

    def edit(before: Process) -> Process:
        _refuse_twice(state.code, [each.code for each in before.states], old, "un estado")
        states = _put(before.states, state, lambda each: each.code == old)
        changed = replace(before, states=states)
        return changed if old in ("", state.code) else _repointed(changed, old, state.code)

    return _edited(version, process, edit)


def drop_state(version: ProcedureVersion, process: str, code: str, into: str = "") -> ProcedureVersion:
    """The version without this state. Its moves go to `into`; without one, a state with moves stays."""

    def edit(before: Process) -> Process:
        before.state(code)
        used = [move for move in before.moves if code in (move.from_state, move.to_state)]
        begins = before.start is not None and before.start.state == code
        changed = before
        if used or begins:
            if not into:
                raise RuleBroken(
                    f"Al estado «{before.state(code).name}» llegan o salen {len(used)} pasos"
                    f"{', y en él empieza el proceso' if begins else ''}: elija a qué estado pasan.",
                    field="into",
                )
            _refuse_unknown(into, {s.code for s in before.states} - {code}, "into", "el estado")
            changed = _repointed(_without_bridges(before, code, into), code, into)
        return replace(changed, states=tuple(s for s in changed.states if s.code != code))

    return _edited(version, process, edit)


def split_state(
    version: ProcedureVersion, process: str, code: str, state: State, move: Move
) -> ProcedureVersion:
    """The version where `state` follows the state `code`: what left `code` leaves it, and `move` leads there.

    `move` is taken from `code` to the new state, whatever it says of them.
    """

    def edit(before: Process) -> Process:
        first = before.state(code)
        _refuse_twice(state.code, [each.code for each in before.states], "", "un estado")
        after = tuple(replace(m, from_state=state.code) if m.from_state == code else m for m in before.moves)
        bridge = replace(move, from_state=code, to_state=state.code)
        place = before.states.index(first) + 1
        return replace(
            before,
            states=(*before.states[:place], state, *before.states[place:]),
            moves=(*after, bridge),
        )

    return _edited(version, process, edit)


def put_move(
    version: ProcedureVersion, process: str, move: Move, old: MoveKey | None = None
) -> ProcedureVersion:
    """The version with this move: new at the end, or in the place of `old`."""

    def edit(before: Process) -> Process:
        codes = {state.code for state in before.states}
        _refuse_unknown(move.from_state, codes, "from_state", "el estado")
        _refuse_unknown(move.to_state, codes, "to_state", "el estado")
        _refuse_terms(before, (*move.opens_terms, *move.closes_terms))
        _refuse_twice(_key(move), [_key(each) for each in before.moves], old, "un paso desde ese estado")
        return replace(before, moves=_put(before.moves, move, lambda each: _key(each) == old))

    return _edited(version, process, edit)


def drop_move(version: ProcedureVersion, process: str, key: MoveKey) -> ProcedureVersion:
    """The version without this move."""

    def edit(before: Process) -> Process:
        _refuse_unknown(key, {_key(move) for move in before.moves}, "code", "el paso")
        return replace(before, moves=tuple(move for move in before.moves if _key(move) != key))

    return _edited(version, process, edit)


def put_term(version: ProcedureVersion, process: str, term: TermType, old: str = "") -> ProcedureVersion:
    """The version with this kind of term: new at the end, or in the place of `old`, whose uses it takes."""

    def edit(before: Process) -> Process:
        _refuse_twice(term.code, [each.code for each in before.terms], old, "un plazo")
        changed = replace(before, terms=_put(before.terms, term, lambda each: each.code == old))
        if old in ("", term.code):
            return changed

        def renamed(codes: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(term.code if code == old else code for code in codes)

        start = changed.start and replace(changed.start, opens_terms=renamed(changed.start.opens_terms))
        moves = tuple(
            replace(m, opens_terms=renamed(m.opens_terms), closes_terms=renamed(m.closes_terms))
            for m in changed.moves
        )
        return replace(changed, start=start, moves=moves)

    return _edited(version, process, edit)


def drop_term(version: ProcedureVersion, process: str, code: str) -> ProcedureVersion:
    """The version without this kind of term, which no move and no start may still open or close."""

    def edit(before: Process) -> Process:
        term = before.term(code)
        users = [move.label for move in before.moves if code in (*move.opens_terms, *move.closes_terms)]
        if before.start and code in before.start.opens_terms:
            users.insert(0, "el inicio")
        if users:
            raise RuleBroken(f"El plazo «{term.name}» lo usan: {', '.join(users)}. Quítelo antes de ellos.")
        return replace(before, terms=tuple(each for each in before.terms if each.code != code))

    return _edited(version, process, edit)


def put_field(version: ProcedureVersion, process: str, field: ExtraField, old: str = "") -> ProcedureVersion:
    """The version with this extra field: new at the end, or in the place of `old`, whose code it must keep.

    A code names the values that records hold: a field that means another thing is another field.
    """

    def edit(before: Process) -> Process:
        _refuse_twice(field.code, [each.code for each in before.fields], old, "un dato")
        if old and field.code != old:
            raise RuleBroken("El código de un dato no cambia: quítelo y agregue otro.", field="code")
        return replace(before, fields=_put(before.fields, field, lambda each: each.code == old))

    return _edited(version, process, edit)


def drop_field(version: ProcedureVersion, process: str, code: str) -> ProcedureVersion:
    """The version without this extra field, on which no condition may still depend."""

    def edit(before: Process) -> Process:
        _refuse_unknown(code, {each.code for each in before.fields}, "code", "el dato")
        parts: list[Move | ExtraField] = [*before.moves, *before.fields]
        users = [
            each.label
            for each in parts
            if each.condition is not None and PREFIX + code in conditions.variables(each.condition)
        ]
        if users:
            raise RuleBroken(f"Dependen de él: {', '.join(users)}. Cambie antes su condición.")
        return replace(before, fields=tuple(each for each in before.fields if each.code != code))

    return _edited(version, process, edit)


def shift(version: ProcedureVersion, process: str, part: str, key: Any, by: int) -> ProcedureVersion:
    """The version with a part `by` places later (earlier when negative): states, terms, fields or moves.

    A move changes places among those that leave its state: that is the order of the buttons.
    """

    def edit(before: Process) -> Process:
        items = list(getattr(before, part))
        keys = [_key(each) if part == "moves" else each.code for each in items]
        _refuse_unknown(key, keys, "key", "la parte")
        here = keys.index(key)
        peers = [i for i, each in enumerate(keys) if part != "moves" or each[0] == key[0]]
        place = max(0, min(len(peers) - 1, peers.index(here) + by))
        there = peers[place]
        items.insert(there, items.pop(here))
        values: dict[str, Any] = {part: tuple(items)}
        return replace(before, **values)

    return _edited(version, process, edit)


def put_head(version: ProcedureVersion, process: str, **values: Any) -> ProcedureVersion:
    """The version with other words, guards or start of a process."""

    def edit(before: Process) -> Process:
        changed = replace(before, **values)
        if changed.start is not None:
            codes = {state.code for state in changed.states}
            _refuse_unknown(changed.start.state, codes, "start_state", "el estado")
            _refuse_terms(changed, changed.start.opens_terms)
        return changed

    return _edited(version, process, edit)


def put_letter(version: ProcedureVersion, code: str, source: str | None) -> ProcedureVersion:
    """The version with its own text of a kind of document; without one the shipped text holds again."""
    others = tuple(each for each in version.letters if each.code != code)
    own = () if source is None else (LetterText(code, source),)
    return replace(version, letters=tuple(sorted((*others, *own), key=lambda each: each.code)))


def _edited(version: ProcedureVersion, process: str, edit: Callable[[Process], Process]) -> ProcedureVersion:
    before = version.process(process)
    return replace(
        version, processes=tuple(edit(before) if each is before else each for each in version.processes)
    )


def _key(move: Move) -> MoveKey:
    return (move.from_state, move.code)


def _put(items: tuple[Part, ...], item: Part, place: Callable[[Part], bool]) -> tuple[Part, ...]:
    for number, each in enumerate(items):
        if place(each):
            return items[:number] + (item,) + items[number + 1 :]
    return items + (item,)


def _repointed(process: Process, old: str, new: str) -> Process:
    """The moves and the start that named one state name another."""

    def other(code: str) -> str:
        return new if code == old else code

    moves = tuple(
        replace(m, from_state=other(m.from_state), to_state=other(m.to_state)) for m in process.moves
    )
    seen: set[MoveKey] = set()
    for move in moves:
        if _key(move) in seen:
            raise RuleBroken(
                f"Dos pasos «{move.code}» saldrían del mismo estado: quite o renombre uno antes.",
                field="into",
            )
        seen.add(_key(move))
    start = process.start and replace(process.start, state=other(process.start.state))
    return replace(process, moves=moves, start=start)


def _without_bridges(process: Process, one: str, other: str) -> Process:
    """Without the moves that only led from one of two states to the other: they become one state."""
    ends = {(one, other), (other, one)}
    return replace(process, moves=tuple(m for m in process.moves if (m.from_state, m.to_state) not in ends))


def _refuse_twice(key: Any, taken: Sequence[Any], old: Any, what: str) -> None:
    if key != old and key in taken:
        code = key[1] if isinstance(key, tuple) else key
        raise RuleBroken(f"Ya hay {what} con el código «{code}»: elija otro.", field="code")


def _refuse_unknown(key: Any, known: Any, field: str, what: str) -> None:
    if key not in known:
        raise RuleBroken(f"No existe {what} «{key}» en este proceso.", field=field)


def _refuse_terms(process: Process, codes: tuple[str, ...]) -> None:
    for code in codes:
        _refuse_unknown(code, {term.code for term in process.terms}, "opens_terms", "el plazo")
