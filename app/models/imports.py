"""Imports of a historical register: the batch, its rows, and where each row went.

A row keeps its cells as they came, what was repaired and why it waits; an imported one names the visit that
it made. `made_*` are the records that did not exist before the row: what an undone batch takes back. They
are plain numbers on purpose: a merge of doubles moves references, and what a row made does not move.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, relationship

from app.core.base import Choice, Identified, Model, Stamped, choice_check, field
from app.models.documents import StoredFile
from app.models.inspections import Visit


class ImportStatus(Choice):
    """Where a batch stands. `failed` is a batch that stopped: it goes on where it was."""

    LOADED = "loaded", "Cargado, sin importar"
    JUDGING = "judging", "En prueba"
    READY = "ready", "Probado, sin importar"
    WRITING = "writing", "Importando"
    FAILED = "failed", "Detenido"
    DONE = "done", "Importado"
    UNDOING = "undoing", "Deshaciendo"
    UNDONE = "undone", "Deshecho"


class RowOutcome(Choice):
    """The one end of a row."""

    IMPORTED = "imported", "Importada"
    DUPLICATE = "duplicate", "Duplicada"
    QUARANTINED = "quarantined", "En cuarentena"
    BLANK = "blank", "En blanco"


def _count(name: str) -> Any:
    return field(Integer, nullable=False, default=0, server_default=text("0"), label=name)


class RegisterImport(Identified, Stamped, Model):
    """A file of the historical register, and how far its import went."""

    __tablename__ = "register_import"
    __table_args__ = (choice_check("status", ImportStatus),)
    label, label_plural = "Importación del registro", "Importaciones del registro"

    name: Mapped[str] = field(Text, nullable=False, unique=True, label="Lote")
    file_name: Mapped[str] = field(Text, nullable=False, label="Archivo")
    file_id: Mapped[int] = field(
        ForeignKey("stored_file.id"), nullable=False, index=True, label="Archivo guardado"
    )
    layout: Mapped[dict[str, Any]] = field(
        JSONB, nullable=False, label="Lectura del archivo", help="Codificación, separador, títulos, columnas."
    )
    status: Mapped[str] = field(
        Text, nullable=False, server_default="loaded", label="Estado", choices=ImportStatus
    )
    message: Mapped[str | None] = field(Text, label="Por qué se detuvo")
    judged_on: Mapped[date | None] = field(
        Date, label="Fecha de la importación", help="Después de ella, una fecha está en el futuro."
    )
    position: Mapped[int] = field(
        Integer,
        nullable=False,
        default=0,
        server_default=text("0"),
        label="Última fila escrita",
        help="Como la numera la planilla.",
    )
    seen: Mapped[int] = _count("Filas recorridas")
    total: Mapped[int | None] = field(Integer, label="Filas del archivo")
    imported: Mapped[int] = _count("Importadas")
    duplicate: Mapped[int] = _count("Duplicadas")
    quarantined: Mapped[int] = _count("En cuarentena")
    blank: Mapped[int] = _count("En blanco")
    trial: Mapped[dict[str, Any] | None] = field(
        JSONB, label="Resultado de la prueba", help="Cuenta, causas y ejemplos, sin escribir nada."
    )
    beat_at: Mapped[datetime | None] = field(DateTime(timezone=True), label="Última señal")
    finished_at: Mapped[datetime | None] = field(DateTime(timezone=True), label="Terminó")

    file: Mapped[StoredFile] = relationship()

    @property
    def rows(self) -> int:
        """The rows that have an end."""
        return self.imported + self.duplicate + self.quarantined + self.blank

    def __repr__(self) -> str:
        return self.name


class RegisterRow(Model):
    """A row of the file: its cells, its one outcome, and the visit that it made."""

    __tablename__ = "register_row"
    __table_args__ = (
        choice_check("outcome", RowOutcome),
        CheckConstraint("outcome <> 'imported' OR visit_id IS NOT NULL", name="visit"),
        UniqueConstraint("batch_id", "line_number"),
        Index("ix_register_row_batch_outcome", "batch_id", "outcome"),
        Index("ix_register_row_act", "act_year", "act_number"),
    )
    label, label_plural = "Fila del registro", "Filas del registro"

    id: Mapped[int] = field(Integer, primary_key=True, label="N.º interno")
    batch_id: Mapped[int] = field(ForeignKey("register_import.id"), nullable=False, label="Lote")
    line_number: Mapped[int] = field(Integer, nullable=False, label="Fila del archivo")
    outcome: Mapped[str] = field(Text, nullable=False, label="Desenlace", choices=RowOutcome)
    codes: Mapped[list[str]] = field(
        ARRAY(Text), nullable=False, server_default=text("'{}'"), label="Causas", help="Sus códigos."
    )
    flags: Mapped[list[str]] = field(
        ARRAY(Text), nullable=False, server_default=text("'{}'"), label="Dudas", help="Para que alguien mire."
    )
    waived: Mapped[list[str]] = field(
        ARRAY(Text), nullable=False, server_default=text("'{}'"), label="Causas aceptadas"
    )
    values: Mapped[list[str]] = field(JSONB, nullable=False, label="Celdas", help="En el orden del archivo.")
    original: Mapped[list[str] | None] = field(JSONB, label="Celdas antes de corregir")
    causes: Mapped[list[list[str]]] = field(
        JSONB, nullable=False, server_default=text("'[]'"), label="Explicación"
    )
    repairs: Mapped[list[list[str]]] = field(
        JSONB, nullable=False, server_default=text("'[]'"), label="Reparaciones"
    )
    notices: Mapped[list[list[str]]] = field(
        JSONB, nullable=False, server_default=text("'[]'"), label="Avisos"
    )
    content: Mapped[str] = field(
        Text, nullable=False, server_default="", label="Contenido", help="Como se entendió, para comparar."
    )
    fingerprint: Mapped[bytes | None] = field(LargeBinary, index=True, label="Huella de la fila del archivo")
    act_number: Mapped[str | None] = field(Text, label="Número de acta")
    act_year: Mapped[int | None] = field(Integer, label="Año del acta")
    cause: Mapped[str | None] = field(Text, label="Motivo")
    result: Mapped[str | None] = field(Text, label="Resultado")
    fine: Mapped[int | None] = field(BigInteger, label="Multa", money=True)
    resolution_number: Mapped[str | None] = field(Text, label="Resolución")
    resolution_on: Mapped[date | None] = field(Date, label="Fecha de la resolución")
    visit_id: Mapped[int | None] = field(ForeignKey("visit.id"), index=True, label="Visita")
    superseded_by_id: Mapped[int | None] = field(
        ForeignKey("register_row.id"), index=True, label="Reemplazada por", help="Otra fila de la misma acta."
    )
    made_employer: Mapped[int | None] = field(Integer, label="Empleador creado")
    made_establishment: Mapped[int | None] = field(Integer, label="Establecimiento creado")
    made_headcount: Mapped[int | None] = field(Integer, label="Cantidad de personal creada")
    version: Mapped[int] = field(
        Integer, nullable=False, server_default=text("1"), default=1, label="Versión"
    )

    batch: Mapped[RegisterImport] = relationship()
    visit: Mapped[Visit | None] = relationship()
    superseded_by: Mapped["RegisterRow | None"] = relationship(remote_side="RegisterRow.id")

    def __repr__(self) -> str:
        return f"fila {self.line_number}"


# The identity of a historical row (working rule 19): act number and year, date, establishment.
Index(
    "uq_visit_historical_identity",
    Visit.__table__.c.historical_act,
    Visit.__table__.c.happened_on,
    Visit.__table__.c.establishment_id,
    unique=True,
    postgresql_where=text("historical_act IS NOT NULL"),
)
