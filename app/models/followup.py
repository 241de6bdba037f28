"""What follows every record of a procedure: its moves, terms, documents, and notices to people.

Each row belongs to exactly one record; a context that adds a process adds its column here.
"""

from datetime import date, datetime
from typing import Any

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
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, declared_attr, relationship

from app.core.base import Choice, Identified, Model, Stamped, choice_check, field
from app.models.documents import Document, StoredFile
from app.models.inspections import FinalReport, Finding, InspectionOrder, Visit
from app.models.procedures import ProcedureTerm, names
from app.models.security import Account

ARC = ("order_id", "visit_id", "finding_id", "report_id")
"""The columns of which exactly one names the record."""


def owner_column(record: Any) -> str:
    """The column of `ARC` that refers to a record (or its class): `order_id`."""
    return f"{record.process}_id"


class OfRecord:
    """A row that belongs to exactly one record."""

    @declared_attr
    def order_id(cls) -> Mapped[int | None]:
        return field(ForeignKey("inspection_order.id"), index=True, label="Orden")

    @declared_attr
    def visit_id(cls) -> Mapped[int | None]:
        return field(ForeignKey("visit.id"), index=True, label="Visita")

    @declared_attr
    def finding_id(cls) -> Mapped[int | None]:
        return field(ForeignKey("finding.id"), index=True, label="Hallazgo")

    @declared_attr
    def report_id(cls) -> Mapped[int | None]:
        return field(ForeignKey("final_report.id"), index=True, label="Informe final")

    @declared_attr
    def order(cls) -> Mapped[InspectionOrder | None]:
        return relationship(InspectionOrder)

    @declared_attr
    def visit(cls) -> Mapped[Visit | None]:
        return relationship(Visit)

    @declared_attr
    def finding(cls) -> Mapped[Finding | None]:
        return relationship(Finding)

    @declared_attr
    def report(cls) -> Mapped[FinalReport | None]:
        return relationship(FinalReport)

    @property
    def record(self) -> Any:
        """The record to which the row belongs."""
        return self.order or self.visit or self.finding or self.report


def one_record() -> CheckConstraint:
    """Exactly one record owns the row."""
    return CheckConstraint(f"num_nonnulls({', '.join(ARC)}) = 1", name="one_record")


class RecordMove(OfRecord, Identified, Model):
    """A step that a record took: when it happened and when it was entered, by whom, why (working rule 3).

    Written once; only the coordinator's answer to a held act is added later.
    """

    __tablename__ = "record_move"
    __table_args__ = (
        one_record(),
        CheckConstraint("cardinality(holds) = 0 OR late", name="held_is_late"),
        CheckConstraint("(reviewed_at IS NULL) = (review IS NULL)", name="reviewed"),
        Index(
            "ix_record_move_held",
            "id",
            postgresql_where=text("cardinality(holds) > 0 AND reviewed_at IS NULL"),
        ),
    )
    label, label_plural = "Paso", "Pasos"

    process_code: Mapped[str] = field(Text, nullable=False, label="Proceso")
    code: Mapped[str | None] = field(Text, label="Paso", help="Vacío: el inicio del registro.")
    name: Mapped[str] = field(Text, nullable=False, label="Acto")
    from_state: Mapped[str | None] = field(Text, label="Desde")
    to_state: Mapped[str] = field(Text, nullable=False, label="Hasta")
    happened_on: Mapped[date] = field(Date, nullable=False, index=True, label="Ocurrió")
    entered_at: Mapped[datetime] = field(
        DateTime(timezone=True), nullable=False, server_default=func.now(), label="Se cargó"
    )
    actor_id: Mapped[int | None] = field(ForeignKey("ab_user.id"), index=True, label="Quién")
    actor_name: Mapped[str] = field(Text, nullable=False, label="Nombre")
    reason: Mapped[str | None] = field(Text, label="Motivo", long=True)
    late: Mapped[bool] = field(
        Boolean, nullable=False, default=False, server_default=text("false"), label="Cargado después"
    )
    late_reason: Mapped[str | None] = field(Text, label="Motivo de la carga posterior")
    scan_id: Mapped[int | None] = field(ForeignKey("stored_file.id"), index=True, label="Escaneo")
    holds: Mapped[list[str]] = names("Retenido porque")
    reviewed_at: Mapped[datetime | None] = field(DateTime(timezone=True), label="Revisado")
    reviewed_by_id: Mapped[int | None] = field(ForeignKey("ab_user.id"), index=True, label="Revisó")
    review: Mapped[str | None] = field(Text, label="Resultado de la revisión")

    actor: Mapped[Account | None] = relationship(foreign_keys=[actor_id])
    scan: Mapped[StoredFile | None] = relationship(foreign_keys=[scan_id])

    def __repr__(self) -> str:
        return self.name


class TermStatus(Choice):
    """The life of a term."""

    OPEN = "open", "Abierto"
    MET = "met", "Cumplido"
    OVERDUE = "overdue", "Vencido"
    SUSPENDED = "suspended", "Suspendido"
    EXTENDED = "extended", "Prorrogado"
    WITHDRAWN = "withdrawn", "Retirado"


class Term(OfRecord, Identified, Stamped, Model):
    """A term that runs for a record; an extension is a new term linked to the one it extends."""

    __tablename__ = "term"
    __table_args__ = (
        one_record(),
        ForeignKeyConstraint(
            ["version_code", "process_code", "type_code"],
            ["procedure_term.version_code", "procedure_term.process_code", "procedure_term.code"],
        ),
        choice_check("status", TermStatus),
        CheckConstraint("days >= 0", name="days"),
        CheckConstraint("due_on IS NOT NULL OR status IN ('suspended', 'withdrawn')", name="due"),
        UniqueConstraint("extends_id"),
        Index("ix_term_type", "version_code", "process_code", "type_code"),
        Index("ix_term_due", "due_on", "office_id", postgresql_where=text("status = 'open'")),
    )
    label, label_plural = "Plazo", "Plazos"

    version_code: Mapped[str] = field(Text, nullable=False, label="Versión")
    process_code: Mapped[str] = field(Text, nullable=False, label="Proceso")
    type_code: Mapped[str] = field(Text, nullable=False, label="Tipo")
    office_id: Mapped[int] = field(ForeignKey("office.id"), nullable=False, index=True, label="Oficina")
    start_on: Mapped[date] = field(Date, nullable=False, label="Desde", help="Día cero: el del acto.")
    days: Mapped[int] = field(Integer, nullable=False, label="Días")
    unit: Mapped[str] = field(Text, nullable=False, label="Unidad")
    due_on: Mapped[date | None] = field(Date, label="Vence")
    printed_due_on: Mapped[date | None] = field(
        Date, label="Vencimiento impreso", help="Dicho a una parte: nunca se adelanta."
    )
    status: Mapped[str] = field(Text, nullable=False, default="open", label="Estado", choices=TermStatus)
    closed_on: Mapped[date | None] = field(Date, label="Cerrado el")
    extends_id: Mapped[int | None] = field(ForeignKey("term.id"), label="Prorroga a")

    type: Mapped[ProcedureTerm] = relationship()
    extends: Mapped["Term | None"] = relationship(remote_side="Term.id")

    def __repr__(self) -> str:
        return self.type.name


class TermAlert(Identified, Model):
    """An alert of a term that was given, so that it is given once."""

    __tablename__ = "term_alert"
    __table_args__ = (UniqueConstraint("term_id", "offset_days"),)
    label, label_plural = "Alerta", "Alertas"

    term_id: Mapped[int] = field(ForeignKey("term.id"), nullable=False, index=True, label="Plazo")
    offset_days: Mapped[int] = field(Integer, nullable=False, label="Días hábiles respecto del vencimiento")
    given_at: Mapped[datetime] = field(
        DateTime(timezone=True), nullable=False, server_default=func.now(), label="Dada"
    )

    term: Mapped[Term] = relationship()

    def __repr__(self) -> str:
        return f"{self.term_id}: {self.offset_days:+d}"


class RecordDocument(OfRecord, Identified, Model):
    """A document of a record."""

    __tablename__ = "record_document"
    __table_args__ = (
        one_record(),
        *(
            UniqueConstraint("document_id", column, name=f"uq_record_document_{column.removesuffix('_id')}")
            for column in ARC
        ),
    )
    label, label_plural = "Documento del registro", "Documentos del registro"

    document_id: Mapped[int] = field(ForeignKey("document.id"), nullable=False, index=True, label="Documento")

    document: Mapped[Document] = relationship()

    def __repr__(self) -> str:
        return str(self.document)


class Notice(Identified, Model):
    """A message to a person inside the system, and by mail when he has one."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("ix_notice_unread", "account_id", "id", postgresql_where=text("read_at IS NULL")),
    )
    label, label_plural = "Aviso", "Avisos"

    account_id: Mapped[int] = field(ForeignKey("ab_user.id"), nullable=False, index=True, label="Para")
    text: Mapped[str] = field(Text, nullable=False, label="Aviso")
    url: Mapped[str | None] = field(Text, label="Dirección", help="Camino dentro del sistema.")
    created_at: Mapped[datetime] = field(
        DateTime(timezone=True), nullable=False, server_default=func.now(), label="Fecha"
    )
    read_at: Mapped[datetime | None] = field(DateTime(timezone=True), label="Leído")

    account: Mapped[Account] = relationship(foreign_keys=[account_id])

    def __repr__(self) -> str:
        return self.text[:60]
