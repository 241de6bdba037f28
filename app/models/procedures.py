"""Procedure versions as rows: what a new minister changes. Read into dataclasses by operations/procedures.py.

A published version is frozen by a trigger. A record of any process refers to its state by (version, process,
state), so that no record can stand in a state that its version does not have. The columns are those of the
dataclasses of workflow/definition.py, by the same names.
"""

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, declared_attr, relationship

from app.core.base import Choice, Model, Stamped, choice_check, field
from app.workflow import fields

NOTHING = text("'{}'")


class FieldKinds(Choice):
    """What an extra field holds, as a choice of a column."""

    TEXT = "text", fields.FieldKind.TEXT.label
    LONG = "long", fields.FieldKind.LONG.label
    WHOLE = "whole", fields.FieldKind.WHOLE.label
    DECIMAL = "decimal", fields.FieldKind.DECIMAL.label
    MONEY = "money", fields.FieldKind.MONEY.label
    DAY = "day", fields.FieldKind.DAY.label
    YES_NO = "yes_no", fields.FieldKind.YES_NO.label
    ONE = "one", fields.FieldKind.ONE.label
    MANY = "many", fields.FieldKind.MANY.label


class VersionStatus(Choice):
    """The life of a procedure version."""

    DRAFT = "draft", "Borrador"
    PUBLISHED = "published", "Publicada"
    RETIRED = "retired", "Retirada"


def names(label: str, help: str = "") -> Any:
    """A list of codes, empty by default."""
    return field(ARRAY(Text), nullable=False, server_default=NOTHING, default=list, label=label, help=help)


def words(label: str, help: str = "") -> Any:
    """A text, empty by default."""
    return field(Text, nullable=False, server_default=text("''"), default="", label=label, help=help)


class ProcedureVersion(Stamped, Model):
    """A numbered version of the whole procedure, with its legal basis and the date from which it rules."""

    __tablename__ = "procedure_version"
    __table_args__ = (
        choice_check("status", VersionStatus),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="dates"),
    )
    label, label_plural = "Versión del procedimiento", "Versiones del procedimiento"
    rules = {"dates": "La versión no puede terminar antes de empezar a regir."}

    code: Mapped[str] = field(Text, primary_key=True, label="Código", help="Por ejemplo 2025-398.")
    name: Mapped[str] = field(Text, nullable=False, label="Nombre")
    basis: Mapped[str] = field(Text, nullable=False, label="Base legal")
    valid_from: Mapped[date] = field(Date, nullable=False, index=True, label="Rige desde")
    valid_to: Mapped[date | None] = field(Date, label="Rige hasta")
    status: Mapped[str] = field(
        Text, nullable=False, default=VersionStatus.DRAFT.value, label="Estado", choices=VersionStatus
    )
    historical: Mapped[bool] = field(
        Boolean,
        nullable=False,
        server_default=text("false"),
        default=False,
        label="Histórica",
        help="Sobre ella se apoyan las actuaciones importadas: tiene fases y ningún paso.",
    )
    transition: Mapped[str] = words("Regla transitoria", "Qué pasa con los expedientes abiertos.")
    transition_basis: Mapped[str] = words("Base de la regla transitoria")
    transition_source: Mapped[str] = words("Respaldo de la regla transitoria")
    notes: Mapped[str] = words("Notas")
    proposed_by_id: Mapped[int | None] = field(
        ForeignKey("ab_user.id"),
        index=True,
        label="Propuesta por",
        help="Quien pidió publicarla; cualquier cambio del borrador lo borra.",
    )

    processes: Mapped[list["ProcedureProcess"]] = relationship(
        back_populates="version_row", order_by="ProcedureProcess.position"
    )

    def __repr__(self) -> str:
        return f"{self.code} · {self.name}"


class ProcedureProcess(Model):
    """The life of one kind of record (order, visit, finding, report) in a version."""

    __tablename__ = "procedure_process"
    label, label_plural = "Proceso", "Procesos"

    version_code: Mapped[str] = field(ForeignKey("procedure_version.code"), primary_key=True, label="Versión")
    code: Mapped[str] = field(Text, primary_key=True, label="Código")
    position: Mapped[int] = field(Integer, nullable=False, label="Orden")
    name: Mapped[str] = field(Text, nullable=False, label="Nombre")
    guards: Mapped[list[str]] = names("Guardas", "Se juzgan al inicio y en cada paso.")
    version_from: Mapped[str] = field(Text, nullable=False, label="Toma la versión de")
    basis: Mapped[str] = words("Base legal")
    start_state: Mapped[str | None] = field(Text, label="Estado inicial")
    start_roles: Mapped[list[str]] = names("Quién lo abre")
    start_guards: Mapped[list[str]] = names("Guardas del inicio")
    start_opens_terms: Mapped[list[str]] = names("Plazos que abre el inicio")

    version_row: Mapped[ProcedureVersion] = relationship(back_populates="processes")

    def __repr__(self) -> str:
        return self.name


def of_process() -> tuple[Any, ...]:
    """The composite reference of a row to its process."""
    return (
        ForeignKeyConstraint(
            ["version_code", "process_code"], ["procedure_process.version_code", "procedure_process.code"]
        ),
    )


class ProcedureState(Model):
    """A state of a process: the ministry's own name for it, and the fixed phase that figures stand on."""

    __tablename__ = "procedure_state"
    __table_args__ = of_process()
    label, label_plural = "Estado", "Estados"

    version_code: Mapped[str] = field(Text, primary_key=True, label="Versión")
    process_code: Mapped[str] = field(Text, primary_key=True, label="Proceso")
    code: Mapped[str] = field(Text, primary_key=True, label="Código")
    position: Mapped[int] = field(Integer, nullable=False, label="Orden")
    name: Mapped[str] = field(Text, nullable=False, label="Nombre")
    phase: Mapped[str] = field(Text, nullable=False, index=True, label="Fase")
    final: Mapped[bool] = field(Boolean, nullable=False, label="Final")
    basis: Mapped[str] = words("Base legal")
    source: Mapped[str] = words("Respaldo")

    def __repr__(self) -> str:
        return self.name


class ProcedureTerm(Model):
    """A kind of term of a process; its days are those of the parameter named."""

    __tablename__ = "procedure_term"
    __table_args__ = of_process()
    label, label_plural = "Tipo de plazo", "Tipos de plazo"

    version_code: Mapped[str] = field(Text, primary_key=True, label="Versión")
    process_code: Mapped[str] = field(Text, primary_key=True, label="Proceso")
    code: Mapped[str] = field(Text, primary_key=True, label="Código")
    position: Mapped[int] = field(Integer, nullable=False, label="Orden")
    name: Mapped[str] = field(Text, nullable=False, label="Nombre")
    parameter: Mapped[str] = field(Text, nullable=False, label="Parámetro de los días")
    unit: Mapped[str] = field(Text, nullable=False, label="Unidad", help="Días hábiles o corridos.")
    calendar_of: Mapped[str] = field(Text, nullable=False, label="Calendario de")
    responsible: Mapped[str] = field(Text, nullable=False, label="Responsable")
    alerts_parameter: Mapped[str] = words("Parámetro de las alertas")
    alert_roles: Mapped[list[str]] = names("Avisa a")
    escalation: Mapped[list[str]] = names("Escala a")
    extension_parameter: Mapped[str] = words("Parámetro del límite de prórrogas")
    condition: Mapped[Any | None] = field(JSONB(none_as_null=True), label="Condición")
    basis: Mapped[str] = words("Base legal")
    source: Mapped[str] = words("Respaldo")

    def __repr__(self) -> str:
        return self.name


class ProcedureMove(Model):
    """A step from one state to another: who may take it, what it needs, what it brings."""

    __tablename__ = "procedure_move"
    __table_args__ = (
        ForeignKeyConstraint(
            ["version_code", "process_code", "from_state"],
            ["procedure_state.version_code", "procedure_state.process_code", "procedure_state.code"],
            name="fk_procedure_move_from",
        ),
        ForeignKeyConstraint(
            ["version_code", "process_code", "to_state"],
            ["procedure_state.version_code", "procedure_state.process_code", "procedure_state.code"],
            name="fk_procedure_move_to",
        ),
        Index("ix_procedure_move_to", "version_code", "process_code", "to_state"),
    )
    label, label_plural = "Paso", "Pasos"

    version_code: Mapped[str] = field(Text, primary_key=True, label="Versión")
    process_code: Mapped[str] = field(Text, primary_key=True, label="Proceso")
    from_state: Mapped[str] = field(Text, primary_key=True, label="Desde")
    code: Mapped[str] = field(Text, primary_key=True, label="Código")
    position: Mapped[int] = field(Integer, nullable=False, label="Orden")
    to_state: Mapped[str] = field(Text, nullable=False, label="Hasta")
    text: Mapped[str] = field(Text, nullable=False, label="Texto del botón")
    roles: Mapped[list[str]] = names("Quién puede")
    reason_required: Mapped[bool] = field(Boolean, nullable=False, label="Exige motivo")
    reopens: Mapped[bool] = field(Boolean, nullable=False, label="Reabre")
    guards: Mapped[list[str]] = names("Guardas")
    condition: Mapped[Any | None] = field(JSONB(none_as_null=True), label="Condición")
    condition_reason: Mapped[str] = words("Motivo cuando la condición no se cumple")
    opens_terms: Mapped[list[str]] = names("Plazos que abre")
    closes_terms: Mapped[list[str]] = names("Plazos que cierra")
    letters: Mapped[list[str]] = names("Documentos que emite")
    effects: Mapped[list[str]] = names("Efectos")
    basis: Mapped[str] = words("Base legal")
    source: Mapped[str] = words("Respaldo")

    def __repr__(self) -> str:
        return self.text


class ProcedureField(Model):
    """A field that a version adds to the records of a process."""

    __tablename__ = "procedure_field"
    __table_args__ = (*of_process(), choice_check("kind", FieldKinds))
    label, label_plural = "Dato adicional", "Datos adicionales"

    version_code: Mapped[str] = field(Text, primary_key=True, label="Versión")
    process_code: Mapped[str] = field(Text, primary_key=True, label="Proceso")
    code: Mapped[str] = field(Text, primary_key=True, label="Código")
    position: Mapped[int] = field(Integer, nullable=False, label="Orden")
    text: Mapped[str] = field(Text, nullable=False, label="Nombre")
    kind: Mapped[str] = field(Text, nullable=False, label="Clase", choices=FieldKinds)
    help: Mapped[str] = words("Ayuda")
    required: Mapped[bool] = field(Boolean, nullable=False, label="Obligatorio")
    options: Mapped[list[str]] = names("Opciones")
    condition: Mapped[Any | None] = field(JSONB(none_as_null=True), label="Condición")
    see: Mapped[list[str]] = names("Quién lo ve")
    edit: Mapped[list[str]] = names("Quién lo edita")
    basis: Mapped[str] = words("Base legal")

    def __repr__(self) -> str:
        return self.text


class ProcedureLetter(Model):
    """The text of a kind of document in a version, in place of the one that the system brings."""

    __tablename__ = "procedure_letter"
    label, label_plural = "Texto de documento", "Textos de documentos"

    version_code: Mapped[str] = field(ForeignKey("procedure_version.code"), primary_key=True, label="Versión")
    code: Mapped[str] = field(
        ForeignKey("document_type.code"), primary_key=True, index=True, label="Tipo de documento"
    )
    source: Mapped[str] = field(Text, nullable=False, label="Texto", long=True)

    def __repr__(self) -> str:
        return self.code


class Procedural:
    """A record that lives through a process: its state is one that its procedure version has.

    `process_code` is a constant of the class. `last_act_on` is the day of its last act; a record with
    `held` waits for the coordinator to look at an act that contradicts the order of events.
    """

    process: ClassVar[str]

    @declared_attr
    def version_code(cls) -> Mapped[str]:
        return field(Text, nullable=False, label="Versión del procedimiento")

    @declared_attr
    def process_code(cls) -> Mapped[str]:
        code = cls.process
        return field(Text, nullable=False, default=code, server_default=text(f"'{code}'"), label="Proceso")

    @declared_attr
    def state(cls) -> Mapped[str | None]:
        return field(Text, label="Estado", help="Sin estado: en preparación.")

    @declared_attr
    def state_since(cls) -> Mapped[datetime | None]:
        return field(DateTime(timezone=True), label="En este estado desde")

    @declared_attr
    def last_act_on(cls) -> Mapped[date | None]:
        return field(Date, label="Último acto")

    @declared_attr
    def extra(cls) -> Mapped[dict[str, Any]]:
        return field(
            JSONB,
            nullable=False,
            server_default=text("'{}'::jsonb"),
            default=dict,
            label="Otros datos",
            help="Los que agrega la versión del procedimiento, por su código.",
        )

    @declared_attr
    def held(cls) -> Mapped[bool]:
        return field(
            Boolean, nullable=False, server_default=text("false"), default=False, label="Acto retenido"
        )


def state_checks(process: str) -> tuple[Any, ...]:
    """The constraints that every table of a process has: its state exists in its version."""
    return (
        ForeignKeyConstraint(
            ["version_code", "process_code", "state"],
            ["procedure_state.version_code", "procedure_state.process_code", "procedure_state.code"],
        ),
        CheckConstraint(f"process_code = '{process}'", name="process"),
        CheckConstraint("jsonb_typeof(extra) = 'object'", name="extra"),
    )
