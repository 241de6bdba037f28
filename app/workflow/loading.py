"""A procedure version from a mapping: a YAML file, or rows gathered into one, become dataclasses.

The reader knows every key and refuses what it does not know; it reports all faults at once, each with its
path, such as `processes.order.moves[3].roles`. Whether the version makes sense is `definition.problems`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeVar

from app.core.errors import RuleBroken
from app.workflow.definition import (
    CalendarOf,
    LetterText,
    Move,
    Phase,
    ProcedureVersion,
    Process,
    Source,
    Start,
    State,
    TermType,
    Transition,
    Unit,
    VersionFrom,
)
from app.workflow.fields import ExtraField, FieldKind

SAME = "="
"""As the target of a move: it stays in the state that it comes from."""

E = TypeVar("E", bound=StrEnum)


class DefinitionError(RuleBroken):
    """A mapping is not a procedure version; `reasons` holds every fault, each beginning with its path."""

    default_code = "definition"


class _Reader:
    """One mapping with its path: takes keys out, notes what is missing, wrong or left over."""

    def __init__(self, data: object, path: str, faults: list[str]) -> None:
        self.path = path
        self.faults = faults
        self.data: dict[str, Any] = {}
        if isinstance(data, Mapping):
            self.data = {str(key): value for key, value in data.items()}
        else:
            self.fault("", "se esperaba un grupo de claves y valores")

    def fault(self, key: str, words: str) -> None:
        place = ".".join(part for part in (self.path, key) if part) or "(raíz)"
        self.faults.append(f"{place}: {words}.")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.data.pop(key, None)
        if value is None:
            if default is None:
                self.fault(key, "falta")
            return default or ""
        if not isinstance(value, str):
            self.fault(key, "debe ser un texto; si parece un número o una fecha, póngalo entre comillas")
            return ""
        return value

    def flag(self, key: str) -> bool:
        value = self.data.pop(key, False)
        if not isinstance(value, bool):
            self.fault(key, "debe ser true o false")
            return False
        return value

    def day(self, key: str, required: bool) -> date | None:
        value = self.data.pop(key, None)
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        if value is not None:
            self.fault(key, "debe ser una fecha AAAA-MM-DD")
        elif required:
            self.fault(key, "falta")
        return None

    def texts(self, key: str, required: bool = False) -> tuple[str, ...]:
        value = self.data.pop(key, None)
        if value is None:
            if required:
                self.fault(key, "falta")
            return ()
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            self.fault(key, "debe ser una lista de textos")
            return ()
        return tuple(value)

    def choice(self, key: str, kind: type[E], default: E | None = None) -> E:
        value = self.data.pop(key, None)
        if value is None and default is not None:
            return default
        try:
            return kind(value)
        except ValueError:
            options = ", ".join(member.value for member in kind)
            self.fault(key, "falta" if value is None else f"«{value}» no vale; use uno de: {options}")
            return next(iter(kind))

    def take(self, key: str) -> Any:
        return self.data.pop(key, None)

    def child(self, key: str) -> _Reader:
        return _Reader(self.data.pop(key, None), f"{self.path}.{key}".lstrip("."), self.faults)

    def children(self, key: str) -> list[_Reader]:
        value = self.data.pop(key, None)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            self.fault(key, "debe ser una lista")
            return []
        place = f"{self.path}.{key}".lstrip(".")
        return [_Reader(item, f"{place}[{index}]", self.faults) for index, item in enumerate(value)]

    def done(self) -> None:
        for key in self.data:
            self.fault(key, "clave desconocida")


def version_from_mapping(mapping: Mapping[str, Any]) -> ProcedureVersion:
    """Return the procedure version that `mapping` describes.

    Raises `DefinitionError` with every fault of form and its path. It does not judge the procedure itself.
    """
    faults: list[str] = []
    reader = _Reader(mapping, "", faults)
    valid_from = reader.day("valid_from", required=True)
    transition = reader.child("transition") if "transition" in reader.data else None
    version = ProcedureVersion(
        code=reader.text("code"),
        name=reader.text("name"),
        basis=reader.text("basis"),
        valid_from=valid_from or date.min,
        valid_to=reader.day("valid_to", required=False),
        historical=reader.flag("historical"),
        transition=transition.choice("rule", Transition) if transition else Transition.NEW_FILES,
        transition_basis=transition.text("basis", "") if transition else "",
        transition_source=(
            transition.choice("source", Source, Source.UNVERIFIED) if transition else Source.UNVERIFIED
        ),
        notes=reader.text("notes", ""),
        letters=_letters(reader),
        processes=_processes(reader),
    )
    if transition:
        transition.done()
    reader.done()
    if faults:
        raise DefinitionError("El procedimiento no se puede leer. " + " ".join(faults), reasons=faults)
    return version


def _letters(reader: _Reader) -> tuple[LetterText, ...]:
    if "letters" not in reader.data:
        return ()
    group = reader.child("letters")
    return tuple(LetterText(code, group.text(code)) for code in list(group.data))


def _processes(reader: _Reader) -> tuple[Process, ...]:
    if "processes" not in reader.data:
        reader.fault("processes", "falta")
        return ()
    group = reader.child("processes")
    return tuple(_process(code, group.child(code)) for code in list(group.data))


def _process(code: str, reader: _Reader) -> Process:
    start = None
    if reader.data.get("start") is not None:
        opening = reader.child("start")
        start = Start(
            state=opening.text("state"),
            roles=opening.texts("roles", required=True),
            guards=opening.texts("guards"),
            opens_terms=opening.texts("opens_terms"),
        )
        opening.done()
    else:
        reader.take("start")
    process = Process(
        code=code,
        name=reader.text("name"),
        start=start,
        states=tuple(_state(item) for item in reader.children("states")),
        terms=tuple(_term(item) for item in reader.children("terms")),
        moves=tuple(move for item in reader.children("moves") for move in _moves(item)),
        guards=reader.texts("guards"),
        fields=tuple(_field(item) for item in reader.children("fields")),
        version_from=reader.choice("version_from", VersionFrom, VersionFrom.ROOT),
        basis=reader.text("basis", ""),
    )
    reader.done()
    return process


def _state(reader: _Reader) -> State:
    state = State(
        code=reader.text("code"),
        name=reader.text("name"),
        phase=reader.choice("phase", Phase),
        final=reader.flag("final"),
        basis=reader.text("basis", ""),
        source=reader.choice("source", Source, Source.DESIGN),
    )
    reader.done()
    return state


def _term(reader: _Reader) -> TermType:
    alerts = reader.child("alerts") if "alerts" in reader.data else None
    term = TermType(
        code=reader.text("code"),
        name=reader.text("name"),
        parameter=reader.text("parameter"),
        unit=reader.choice("unit", Unit),
        calendar_of=reader.choice("calendar_of", CalendarOf, CalendarOf.OFFICE),
        responsible=reader.text("responsible", "inspector"),
        alerts_parameter=alerts.text("parameter") if alerts else "",
        alert_roles=alerts.texts("roles", required=True) if alerts else (),
        escalation=alerts.texts("escalation") if alerts else (),
        extension_parameter=reader.text("extension_parameter", ""),
        condition=reader.take("condition"),
        basis=reader.text("basis", ""),
        source=reader.choice("source", Source, Source.DESIGN),
    )
    if alerts:
        alerts.done()
    reader.done()
    return term


def _field(reader: _Reader) -> ExtraField:
    field = ExtraField(
        code=reader.text("code"),
        label=reader.text("label"),
        kind=reader.choice("kind", FieldKind),
        help=reader.text("help", ""),
        required=reader.flag("required"),
        options=reader.texts("options"),
        condition=reader.take("condition"),
        see=reader.texts("see"),
        edit=reader.texts("edit"),
        basis=reader.text("basis", ""),
    )
    reader.done()
    return field


def _moves(reader: _Reader) -> list[Move]:
    """Return one move for each state of `from`, which is a state or a list of them."""
    origins = reader.texts("from", required=True)
    target = reader.text("to")
    move = Move(
        code=reader.text("code"),
        from_state="",
        to_state="",
        label=reader.text("label"),
        roles=reader.texts("roles"),
        reason_required=reader.flag("reason_required"),
        reopens=reader.flag("reopens"),
        guards=reader.texts("guards"),
        condition=reader.take("condition"),
        condition_reason=reader.text("condition_reason", ""),
        opens_terms=reader.texts("opens_terms"),
        closes_terms=reader.texts("closes_terms"),
        letters=reader.texts("letters"),
        effects=reader.texts("effects"),
        basis=reader.text("basis", ""),
        source=reader.choice("source", Source, Source.DESIGN),
    )
    reader.done()
    return [replace(move, from_state=o, to_state=o if target == SAME else target) for o in origins]
