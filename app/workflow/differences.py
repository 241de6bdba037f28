"""What one procedure version says otherwise than another, in Spanish, part by part.

Shown before a version is imported or published, and beside the two versions of an open case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, TypeVar

from app.workflow.definition import ROLES, SYSTEM, Move, Phase, ProcedureVersion, Process, State, TermType
from app.workflow.fields import ExtraField, FieldKind

Part = TypeVar("Part", State, TermType, Move, ExtraField)
Key = TypeVar("Key")


class Change(StrEnum):
    """What happened to a part."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"

    @property
    def label(self) -> str:
        """The Spanish word for it."""
        return {"added": "Nuevo", "removed": "Quitado", "changed": "Cambiado", "moved": "Reordenado"}[self]


@dataclass(frozen=True)
class Difference:
    """One difference: in which process, of which part, what happened; `details` says from what to what."""

    process: str
    part: str
    change: Change
    details: tuple[str, ...] = ()

    def __str__(self) -> str:
        place = f"{self.process}: " if self.process else ""
        details = f" ({'; '.join(self.details)})" if self.details else ""
        return f"{place}{self.part}. {self.change.label}{details}"


LABELS: Mapping[str, str] = {
    "name": "nombre",
    "label": "texto del botón",
    "basis": "base legal",
    "source": "respaldo",
    "phase": "fase",
    "final": "final",
    "to_state": "lleva a",
    "roles": "quién puede",
    "reason_required": "exige motivo",
    "reopens": "reabre",
    "guards": "guardas",
    "condition": "condición",
    "condition_reason": "motivo de la condición",
    "opens_terms": "plazos que abre",
    "closes_terms": "plazos que cierra",
    "letters": "documentos",
    "effects": "efectos",
    "parameter": "parámetro de los días",
    "unit": "unidad",
    "calendar_of": "calendario",
    "responsible": "responsable",
    "alerts_parameter": "parámetro de las alertas",
    "alert_roles": "avisa a",
    "escalation": "escala a",
    "extension_parameter": "parámetro de las prórrogas",
    "kind": "clase de dato",
    "help": "ayuda",
    "required": "obligatorio",
    "options": "opciones",
    "see": "quién lo ve",
    "edit": "quién lo edita",
    "version_from": "toma la versión de",
    "state": "estado",
    "valid_from": "rige desde",
    "valid_to": "rige hasta",
    "historical": "histórica",
    "transition": "regla transitoria",
    "transition_basis": "base de la regla transitoria",
    "transition_source": "respaldo de la regla transitoria",
    "notes": "notas",
}
"""The words for each field of a part; the labels of the columns, in the middle of a sentence."""

VALUES: Mapping[str, str] = {
    "business": "días hábiles",
    "calendar": "días corridos",
    "office": "la oficina",
    "establishment": "el establecimiento",
    "raiz": "la raíz del expediente",
    "fecha": "la fecha en que se abre",
    "nuevos": "solo expedientes nuevos",
    "proximo_acto": "desde el próximo acto",
    "eleccion": "lo que la oficina elija",
    "norma": "la norma",
    "diseno": "diseño propio",
    "por_verificar": "por verificar",
}
"""The words for the values of closed lists."""


def differences(old: ProcedureVersion, new: ProcedureVersion) -> list[Difference]:
    """What `new` says otherwise than `old`, in the order of `new`; what was removed follows its process.

    The code of the version is no difference. Two versions without any are equal but for it.
    """
    found = []
    head = _fields_of(old, new, skip={"code", "processes", "letters"})
    if head:
        found.append(Difference("", "La versión", Change.CHANGED, head))
    texts, now = ({each.code: each.source for each in v.letters} for v in (old, new))
    for code in sorted(texts.keys() | now.keys()):
        if texts.get(code) != now.get(code):
            change = (
                Change.CHANGED
                if code in texts and code in now
                else Change.ADDED
                if code in now
                else Change.REMOVED
            )
            found.append(Difference("Documentos", f"El texto propio de {code}", change))
    before = {process.code: process for process in old.processes}
    after = {process.code: process for process in new.processes}
    for code, process in after.items():
        if code in before:
            found += _within(before[code], process)
        else:
            words = (f"{len(process.states)} estados", f"{len(process.moves)} pasos")
            found.append(Difference(process.name, "El proceso", Change.ADDED, words))
    found += [
        Difference(process.name, "El proceso", Change.REMOVED)
        for code, process in before.items()
        if code not in after
    ]
    return found


def _within(old: Process, new: Process) -> Iterator[Difference]:
    head = _fields_of(old, new, skip={"code", "start", "states", "moves", "terms", "fields"})
    if head:
        yield Difference(new.name, "El proceso", Change.CHANGED, head)
    if old.start != new.start:
        start = _fields_of(old.start, new.start) if old.start and new.start else ()
        change = Change.CHANGED if old.start and new.start else Change.ADDED if new.start else Change.REMOVED
        yield Difference(new.name, "El inicio", change, start)
    names = {state.code: state.name for state in (*old.states, *new.states)}
    yield from _parts(new.name, old.states, new.states, _code, lambda s: f"El estado «{s.name}»")
    yield from _parts(new.name, old.terms, new.terms, _code, lambda t: f"El plazo «{t.name}»")
    yield from _parts(new.name, old.fields, new.fields, _code, lambda f: f"El dato «{f.label}»")
    yield from _parts(
        new.name,
        old.moves,
        new.moves,
        lambda m: (m.from_state, m.code),
        lambda m: f"El paso «{m.label}» desde «{names.get(m.from_state, m.from_state)}»",
        names,
    )


def _code(part: State | TermType | ExtraField) -> str:
    return part.code


def _parts(
    process: str,
    old: Iterable[Part],
    new: Iterable[Part],
    key: Callable[[Part], Key],
    words: Callable[[Part], str],
    names: Mapping[str, str] | None = None,
) -> Iterator[Difference]:
    before, after = {key(part): part for part in old}, {key(part): part for part in new}
    for code, part in after.items():
        if code not in before:
            yield Difference(process, words(part), Change.ADDED)
        elif before[code] != part:
            details = _fields_of(before[code], part, skip={"code", "from_state"}, names=names)
            yield Difference(process, words(part), Change.CHANGED, details)
    for code, part in before.items():
        if code not in after:
            yield Difference(process, words(part), Change.REMOVED)
    kept = [code for code in before if code in after]
    if kept != [code for code in after if code in before]:
        yield Difference(process, "El orden de sus partes", Change.MOVED)


def _fields_of(
    old: Any, new: Any, skip: Iterable[str] = (), names: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """«campo: antes → después», for each field that differs."""
    found = []
    for each in fields(new):
        before, after = getattr(old, each.name), getattr(new, each.name)
        if each.name not in skip and before != after:
            found.append(f"{LABELS[each.name]}: {_words(before, names)} → {_words(after, names)}")
    return tuple(found)


def _words(value: Any, names: Mapping[str, str] | None = None) -> str:
    """A value as a person reads it."""
    if value is None or value == "" or value == ():
        return "nada"
    if isinstance(value, bool):
        return "sí" if value else "no"
    if isinstance(value, Phase | FieldKind):
        return value.label
    if isinstance(value, tuple):
        return ", ".join(_words(item, names) for item in value)
    text = f"{value:%d/%m/%Y}" if hasattr(value, "strftime") else str(value)
    if text == SYSTEM:
        return "el sistema"
    return ROLES.get(text) or VALUES.get(text) or (names or {}).get(text) or text
