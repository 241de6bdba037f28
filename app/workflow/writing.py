"""A procedure version as a mapping, the inverse of `loading.version_from_mapping`: what a YAML file holds.

`version_from_mapping(mapping_of(version)) == version`, for every version read from a mapping or from rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from itertools import groupby
from typing import Any

from app.workflow.definition import Move, ProcedureVersion, Process, Source, State, TermType
from app.workflow.fields import ExtraField
from app.workflow.loading import SAME


def mapping_of(version: ProcedureVersion) -> dict[str, Any]:
    """The mapping of a version, in the order in which a person reads it; what is empty is left out."""
    transition = {
        "rule": version.transition.value,
        "basis": version.transition_basis,
        "source": version.transition_source.value,
    }
    return _kept(
        code=version.code,
        name=version.name,
        basis=version.basis,
        valid_from=version.valid_from,
        valid_to=version.valid_to,
        historical=version.historical,
        transition=_kept(**transition),
        notes=version.notes,
        letters={each.code: each.source for each in version.letters},
        processes={process.code: _process(process) for process in version.processes},
    )


def _process(process: Process) -> dict[str, Any]:
    start = process.start
    opening = start and _kept(
        state=start.state,
        roles=_listed(start.roles),
        guards=_listed(start.guards),
        opens_terms=_listed(start.opens_terms),
    )
    return _kept(
        name=process.name,
        version_from=process.version_from.value,
        basis=process.basis,
        guards=_listed(process.guards),
        start=opening,
        states=[_state(state) for state in process.states],
        terms=[_term(term) for term in process.terms],
        moves=list(_moves(process.moves)),
        fields=[_field(field) for field in process.fields],
    )


def _state(state: State) -> dict[str, Any]:
    return _kept(
        code=state.code,
        name=state.name,
        phase=state.phase.value,
        final=state.final,
        basis=state.basis,
        source=_unusual(state.source, Source.DESIGN),
    )


def _term(term: TermType) -> dict[str, Any]:
    alerts = _kept(
        parameter=term.alerts_parameter,
        roles=_listed(term.alert_roles),
        escalation=_listed(term.escalation),
    )
    return _kept(
        code=term.code,
        name=term.name,
        parameter=term.parameter,
        unit=term.unit.value,
        calendar_of=term.calendar_of.value,
        responsible=term.responsible,
        alerts=alerts,
        extension_parameter=term.extension_parameter,
        condition=term.condition,
        basis=term.basis,
        source=_unusual(term.source, Source.DESIGN),
    )


def _field(field: ExtraField) -> dict[str, Any]:
    return _kept(
        code=field.code,
        label=field.label,
        kind=field.kind.value,
        help=field.help,
        required=field.required,
        options=_listed(field.options),
        condition=field.condition,
        see=_listed(field.see),
        edit=_listed(field.edit),
        basis=field.basis,
    )


def _moves(moves: Iterable[Move]) -> Iterator[dict[str, Any]]:
    """One entry for the neighbours that differ in nothing but the state they leave."""
    for _, group in groupby(moves, key=_likeness):
        alike = list(group)
        move = alike[0]
        stays = move.from_state == move.to_state
        yield _kept(
            code=move.code,
            **{"from": [each.from_state for each in alike] if len(alike) > 1 else move.from_state},
            to=SAME if stays else move.to_state,
            label=move.label,
            roles=_listed(move.roles),
            reason_required=move.reason_required,
            reopens=move.reopens,
            guards=_listed(move.guards),
            condition=move.condition,
            condition_reason=move.condition_reason,
            opens_terms=_listed(move.opens_terms),
            closes_terms=_listed(move.closes_terms),
            letters=_listed(move.letters),
            effects=_listed(move.effects),
            basis=move.basis,
            source=_unusual(move.source, Source.DESIGN),
        )


def _likeness(move: Move) -> tuple[Any, ...]:
    target = SAME if move.from_state == move.to_state else move.to_state
    rest = replace(move, from_state="", to_state=target)
    return tuple(vars(rest).values())


def _listed(values: tuple[str, ...]) -> list[str]:
    return list(values)


def _unusual(value: StrEnum, usual: StrEnum) -> str:
    """The text of a choice; none when the reader would take it anyway."""
    return "" if value is usual else value.value


def _kept(**values: Any) -> dict[str, Any]:
    """The values that say something."""
    return {key: value for key, value in values.items() if not _empty(value)}


def _empty(value: Any) -> bool:
    return value is None or value is False or (isinstance(value, str | list | Mapping) and not value)
