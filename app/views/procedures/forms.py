"""The forms of the procedure editor: one for each kind of part, made from what the code knows by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, SelectField, SelectMultipleField, StringField, TextAreaField, validators

from app.core.errors import RuleBroken
from app.views.widgets import REQUIRED, WholeNumber, day_field, text_or_none
from app.workflow import condition_rows
from app.workflow.definition import (
    ROLES,
    SYSTEM,
    CalendarOf,
    Move,
    Phase,
    Process,
    Source,
    Start,
    State,
    TermType,
    Transition,
    Unit,
    VersionFrom,
)
from app.workflow.differences import VALUES
from app.workflow.effects import EFFECTS
from app.workflow.fields import ExtraField, FieldKind, facts_of
from app.workflow.guards import FACTS, GUARDS, Fact

ROWS = 4
"""Comparisons that the form of a condition offers."""
NEEDED = validators.InputRequired(REQUIRED)


def words(label: str, needed: bool = True, most: int = 300, **options: Any) -> StringField:
    """A line of text."""
    checks = [NEEDED if needed else validators.Optional(), validators.Length(max=most)]
    return StringField(label, checks, filters=[text_or_none], **options)


def long_words(label: str, needed: bool = False, **options: Any) -> TextAreaField:
    """Some lines of text."""
    checks = [NEEDED if needed else validators.Optional(), validators.Length(max=2000)]
    options.setdefault("render_kw", {"rows": 2})
    return TextAreaField(label, checks, filters=[text_or_none], **options)


class Picks(SelectMultipleField):
    """Some of the names that the code knows, each with what it does; kept in the order of the list."""

    def __init__(self, label: str, names: Mapping[str, str] | None = None, **options: Any) -> None:
        super().__init__(label, choices=list((names or {}).items()), **options)

    def pre_validate(self, form: Any) -> None:
        known = {value for value, _ in self.choices}
        if not set(self.data or ()) <= known:
            raise validators.ValidationError("Elija opciones de la lista.")


class Pick(SelectField):
    """One of a closed list."""

    def __init__(self, label: str, names: Mapping[str, str], **options: Any) -> None:
        super().__init__(label, [NEEDED], choices=list(names.items()), **options)

    def pre_validate(self, form: Any) -> None:
        if self.data not in {value for value, *_ in self.choices}:
            raise validators.ValidationError("Elija una opción de la lista.")


SOURCES = {source.value: VALUES[source.value] for source in Source}


class PartForm(FlaskForm):
    """What the form of every part has."""

    sections: Mapping[str, Iterable[str]] = {}

    def fill(self, part: Any) -> None:
        """Show a part as it is."""
        for name, field in self._fields.items():
            if hasattr(part, name):
                value = getattr(part, name)
                field.data = list(value) if isinstance(value, tuple) else getattr(value, "value", value)

    def text(self, name: str) -> str:
        """What a line says; empty when nothing."""
        return self[name].data or ""

    def picked(self, name: str) -> tuple[str, ...]:
        """What was picked."""
        return tuple(self[name].data or ())


class StateForm(PartForm):
    """A state."""

    sections = {"El estado": ("name", "code", "phase", "final"), "Respaldo": ("basis", "source")}
    name = words("Nombre", description="Como lo llama la norma; se ve en todas las pantallas.")
    code = words("Código", most=60, description="En mayúsculas, por ejemplo DICTAMEN_PREVIO.")
    phase = Pick(
        "Etapa",
        {phase.value: phase.label for phase in Phase},
        description="Las cifras e indicadores dependen de la etapa, nunca del nombre.",
    )
    final = BooleanField("Es final", description="De un estado final solo se sale por una reapertura.")
    basis = long_words("Base legal")
    source = Pick("Respaldo", SOURCES)

    def part(self) -> State:
        """The state that was filled in."""
        return State(
            code=self.text("code"),
            name=self.text("name"),
            phase=Phase(self.phase.data),
            final=bool(self.final.data),
            basis=self.text("basis"),
            source=Source(self.source.data),
        )


class SplitForm(StateForm):
    """A new state after another, and the step that leads to it."""

    sections = {
        "El estado nuevo": ("name", "code", "phase"),
        "El paso que lleva a él": ("label", "move_code", "roles"),
        "Respaldo": ("basis", "source"),
    }
    label = words("Texto del botón")
    move_code = words("Código del paso", most=60, description="En minúsculas, por ejemplo pedir_dictamen.")
    roles = Picks("Quién puede darlo", ROLES, validators=[NEEDED])

    def bridge(self) -> Move:
        """The step to the new state."""
        return Move(
            code=self.text("move_code"),
            from_state="",
            to_state="",
            label=self.text("label"),
            roles=self.picked("roles"),
            basis=self.text("basis"),
            source=Source(self.source.data),
        )


class DropForm(FlaskForm):
    """A state that goes; its steps go to another."""

    into = SelectField("Sus pasos pasan a", validate_choice=False)


class ConditionFields:
    """The rows of a condition, beside the fields of a form: `condition_how`, `condition_1_fact`…"""

    def __init__(self, expr: Any, known: Mapping[str, Fact]) -> None:
        self.expr, self.known = expr, known
        self.shown = condition_rows.rows_of(expr, known)
        self.facts = {f.name: f.label for f in known.values() if f.kind in condition_rows.FITTING}
        self.hows, self.comparisons = condition_rows.HOW, condition_rows.COMPARISONS
        self.errors: list[str] = []

    @property
    def beyond(self) -> str:
        """The words of a condition that rows cannot say."""
        return "" if self.shown is not None else condition_rows.in_words(self.expr, self.known)

    @property
    def how(self) -> str:
        """How the rows are joined, as sent or as it is."""
        return request.form.get("condition_how") or (self.shown[0] if self.shown else condition_rows.ALL)

    @property
    def rows(self) -> list[condition_rows.Row]:
        """The rows to draw: as sent, else as they are, and empty ones up to `ROWS`."""
        if request.method == "POST":
            return [self._sent(number) for number in range(1, ROWS + 1)]
        rows = list(self.shown[1]) if self.shown else []
        return rows + [condition_rows.Row("", "==")] * max(0, ROWS - len(rows))

    def read(self) -> Any:
        """The condition that was sent. Raises RuleBroken; one beyond the rows stays unless it is removed."""
        if self.beyond and not request.form.get("condition_drop"):
            return self.expr
        sent = [self._sent(number) for number in range(1, max(ROWS, len(self.rows)) + 1)]
        try:
            return condition_rows.expression(self.how, [row for row in sent if row.fact], self.known)
        except RuleBroken as broken:
            self.errors = [broken.message]
            raise

    @staticmethod
    def _sent(number: int) -> condition_rows.Row:
        given = request.form.get
        return condition_rows.Row(
            given(f"condition_{number}_fact", ""),
            given(f"condition_{number}_operator", "=="),
            given(f"condition_{number}_value", ""),
        )


def facts_for(process: Process) -> dict[str, Fact]:
    """What a condition of a process may compare: the facts of the code and its extra fields."""
    return {**facts_of(process.fields), **FACTS}


class MoveForm(PartForm):
    """A step from one state to another."""

    sections = {
        "El paso": ("label", "code", "from_state", "to_state", "roles"),
        "Qué exige": ("reason_required", "reopens", "guards"),
        "Qué produce": ("letters", "opens_terms", "closes_terms", "effects"),
        "Respaldo": ("basis", "source"),
    }
    label = words("Texto del botón", description="Lo que la persona hace, por ejemplo «Elevar al ministro».")
    code = words("Código", most=60, description="En minúsculas, por ejemplo elevar_ministro.")
    from_state = SelectField("Desde", validate_choice=False)
    to_state = SelectField("Hasta", validate_choice=False)
    roles = Picks("Quién puede", {**ROLES, SYSTEM: "El sistema, solo"})
    reason_required = BooleanField("Exige escribir el motivo")
    reopens = BooleanField("Reabre un caso terminado")
    guards = Picks("Reglas que deben cumplirse", {name: g.description for name, g in GUARDS.items()})
    condition_reason = words(
        "Qué se le dice a quien no cumple la condición", needed=False, description="Solo si hay condición."
    )
    letters = Picks("Documentos que emite")
    opens_terms = Picks("Plazos que abre")
    closes_terms = Picks("Plazos que cierra")
    effects = Picks("Consecuencias")
    basis = long_words("Base legal")
    source = Pick("Respaldo", SOURCES)

    def offer(self, process: Process, letters: Mapping[str, str]) -> None:
        """Fill the lists that depend on the process."""
        states = [(state.code, state.name) for state in process.states]
        self.from_state.choices = self.to_state.choices = states
        terms = [(term.code, term.name) for term in process.terms]
        self.opens_terms.choices = self.closes_terms.choices = terms
        self.letters.choices = [(code, f"{code} · {title}") for code, title in letters.items()]
        self.effects.choices = [
            (name, effect.description) for name, effect in EFFECTS.items() if process.code in effect.processes
        ]

    def part(self, condition: Any) -> Move:
        """The step that was filled in."""
        return Move(
            code=self.text("code"),
            from_state=self.text("from_state"),
            to_state=self.text("to_state"),
            label=self.text("label"),
            roles=self.picked("roles"),
            reason_required=bool(self.reason_required.data),
            reopens=bool(self.reopens.data),
            guards=self.picked("guards"),
            condition=condition,
            condition_reason=self.text("condition_reason") if condition is not None else "",
            opens_terms=self.picked("opens_terms"),
            closes_terms=self.picked("closes_terms"),
            letters=self.picked("letters"),
            effects=self.picked("effects"),
            basis=self.text("basis"),
            source=Source(self.source.data),
        )


class TermForm(PartForm):
    """A kind of term."""

    sections = {
        "El plazo": ("name", "code", "parameter", "unit", "calendar_of", "responsible"),
        "Avisos y prórrogas": ("alerts_parameter", "alert_roles", "escalation", "extension_parameter"),
        "Respaldo": ("basis", "source"),
    }
    name = words("Nombre")
    code = words("Código", most=60, description="En mayúsculas y con guion bajo.")
    parameter = Pick("Parámetro de los días", {})
    unit = Pick("Se cuenta en", {unit.value: VALUES[unit.value] for unit in Unit})
    calendar_of = Pick("Con el calendario de", {each.value: VALUES[each.value] for each in CalendarOf})
    responsible = Pick("Responsable", ROLES)
    alerts_parameter = SelectField("Parámetro de los avisos", validate_choice=False)
    alert_roles = Picks("Avisa a", ROLES)
    escalation = Picks("Si vence, avisa además a", ROLES)
    extension_parameter = SelectField(
        "Parámetro del límite de prórrogas",
        validate_choice=False,
        description="Sin él, el plazo no se prorroga.",
    )
    basis = long_words("Base legal")
    source = Pick("Respaldo", SOURCES)

    def offer(self, parameters: Mapping[str, str]) -> None:
        """Fill the lists of parameters."""
        named = [(code, f"{code} · {text}") for code, text in parameters.items()]
        self.parameter.choices = named
        self.alerts_parameter.choices = self.extension_parameter.choices = [("", "Ninguno"), *named]

    def part(self, condition: Any) -> TermType:
        """The kind of term that was filled in."""
        return TermType(
            code=self.text("code"),
            name=self.text("name"),
            parameter=self.text("parameter"),
            unit=Unit(self.unit.data),
            calendar_of=CalendarOf(self.calendar_of.data),
            responsible=self.text("responsible"),
            alerts_parameter=self.text("alerts_parameter"),
            alert_roles=self.picked("alert_roles"),
            escalation=self.picked("escalation"),
            extension_parameter=self.text("extension_parameter"),
            condition=condition,
            basis=self.text("basis"),
            source=Source(self.source.data),
        )


class FieldForm(PartForm):
    """An extra field of the records of a process."""

    sections = {
        "El dato": ("label", "code", "kind", "required", "option_lines", "help"),
        "Quién": ("see", "edit"),
        "Respaldo": ("basis",),
    }
    label = words("Nombre", description="Como se pregunta en la pantalla.")
    code = words("Código", most=40, description="En minúsculas; no cambia, porque nombra lo ya cargado.")
    kind = Pick("Qué contiene", {kind.value: kind.label for kind in FieldKind})
    required = BooleanField("Obligatorio", description="Sin él no se firma ni se termina.")
    option_lines = long_words("Opciones", description="Una por línea, solo para las listas.")
    help = words("Ayuda", needed=False)
    see = Picks("Quién lo ve", ROLES, description="Sin marcar ninguno: todos los que ven el registro.")
    edit = Picks("Quién lo llena", ROLES, description="Sin marcar ninguno: todos los que editan el registro.")
    basis = long_words("Base legal")

    def show(self, field: ExtraField) -> None:
        """Show a field as it is."""
        self.fill(field)
        self.option_lines.data = "\n".join(field.options)

    def part(self, condition: Any) -> ExtraField:
        """The field that was filled in."""
        lines = (line.strip() for line in self.text("option_lines").splitlines())
        return ExtraField(
            code=self.text("code"),
            label=self.text("label"),
            kind=FieldKind(self.kind.data),
            help=self.text("help"),
            required=bool(self.required.data),
            options=tuple(line for line in lines if line),
            condition=condition,
            see=self.picked("see"),
            edit=self.picked("edit"),
            basis=self.text("basis"),
        )


class DaysForm(FlaskForm):
    """A number of days of this version's own."""

    days = WholeNumber("Días desde que rija esta versión", [NEEDED])
    basis = words("Norma que los fija")


class ProcessForm(PartForm):
    """The words of a process, and how it begins."""

    sections = {
        "El proceso": ("name", "basis", "version_from", "guards"),
        "Cómo empieza": ("start_state", "start_roles", "start_guards", "start_opens_terms"),
    }
    name = words("Nombre")
    basis = long_words("Base legal")
    version_from = Pick("Toma la versión de", {each.value: VALUES[each.value] for each in VersionFrom})
    guards = Picks("Reglas de todos sus pasos", {name: g.description for name, g in GUARDS.items()})
    start_state = SelectField("Estado inicial", validate_choice=False)
    start_roles = Picks("Quién lo abre", {**ROLES, SYSTEM: "El sistema, solo"}, validators=[NEEDED])
    start_guards = Picks("Reglas para abrirlo", {name: g.description for name, g in GUARDS.items()})
    start_opens_terms = Picks("Plazos que abre")

    def offer(self, process: Process) -> None:
        """Fill the lists that depend on the process."""
        self.start_state.choices = [(state.code, state.name) for state in process.states]
        self.start_opens_terms.choices = [(term.code, term.name) for term in process.terms]

    def show(self, process: Process) -> None:
        """Show a process as it is."""
        self.fill(process)
        if process.start:
            self.start_state.data = process.start.state
            self.start_roles.data = list(process.start.roles)
            self.start_guards.data = list(process.start.guards)
            self.start_opens_terms.data = list(process.start.opens_terms)

    def values(self) -> dict[str, Any]:
        """What was filled in."""
        return {
            "name": self.text("name"),
            "basis": self.text("basis"),
            "version_from": VersionFrom(self.version_from.data),
            "guards": self.picked("guards"),
            "start": Start(
                state=self.text("start_state"),
                roles=self.picked("start_roles"),
                guards=self.picked("start_guards"),
                opens_terms=self.picked("start_opens_terms"),
            ),
        }


TRANSITIONS = {each.value: VALUES[each.value].capitalize() for each in Transition}


class HeadForm(PartForm):
    """The words of a version."""

    sections = {
        "La versión": ("name", "basis", "valid_from", "notes"),
        "Los casos abiertos": ("transition", "transition_basis", "transition_source"),
    }
    name = words("Nombre")
    basis = long_words("Base legal", needed=True, description="Instrumento, fecha y artículo.")
    valid_from = day_field("Rige desde", validators=[NEEDED])
    notes = long_words("Notas")
    transition = Pick("Qué pasa con los casos abiertos", TRANSITIONS)
    transition_basis = words("Artículo que lo dice", needed=False)
    transition_source = Pick("Respaldo", SOURCES)

    def values(self) -> dict[str, Any]:
        """What was filled in."""
        return {
            "name": self.text("name"),
            "basis": self.text("basis"),
            "valid_from": self.valid_from.data,
            "notes": self.text("notes"),
            "transition": Transition(self.transition.data),
            "transition_basis": self.text("transition_basis"),
            "transition_source": Source(self.transition_source.data),
        }


class CloneForm(PartForm):
    """A draft equal to a version."""

    sections = {"La versión nueva": ("code", "name", "basis", "valid_from")}
    code = words("Número", most=40, description="Año y número del instrumento, por ejemplo 2027-015.")
    name = words("Nombre")
    basis = long_words("Base legal", needed=True, description="Instrumento, fecha y artículo.")
    valid_from = day_field("Rige desde", validators=[NEEDED], description="Se confirma al publicarla.")


class FileForm(FlaskForm):
    """A version as a file."""

    file = FileField("Archivo YAML de la versión", [FileRequired("Elija el archivo.")])


class PublishForm(FlaskForm):
    """From which day a version rules."""

    valid_from = day_field("Rige desde", validators=[NEEDED])


class ReasonForm(FlaskForm):
    """Why something is taken back."""

    reason = long_words("Motivo", needed=True)
