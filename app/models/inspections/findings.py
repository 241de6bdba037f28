"""Findings: a breach found at a visit, its remedy, and the workers that it affects."""

from datetime import date

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, relationship

from app.core.base import Choice, Identified, Model, Stamped, choice_check, field
from app.models.catalogs import Office
from app.models.checklists import ChecklistQuestion
from app.models.documents import Document, StoredFile
from app.models.inspections.visits import Visit
from app.models.norms import Infraction
from app.models.procedures import Procedural, state_checks


class RemedyKind(Choice):
    """Which term a remedy has."""

    DOCUMENTS = "DOCUMENTAL", "Documental"
    WORKS = "SST", "Obras de seguridad y salud"
    IMMEDIATE = "INMEDIATO", "Inmediato, por peligro inminente"


class Delivery(Choice):
    """How a request to remedy reached the employer (working rule 28)."""

    SIGNED = "signed", "Firmó el recibo"
    REFUSED = "refused", "Se negó a firmar, con constancia"
    NOTIFIED = "notified", "Fue notificado"


class Verification(Choice):
    """What the check of a remedy showed."""

    REMEDIED = "remedied", "Subsanado"
    PARTLY = "partly", "Subsanado en parte"
    NOT_REMEDIED = "not_remedied", "No subsanado"


class Finding(Identified, Stamped, Procedural, Model):
    """A breach found. While it has no state it is being prepared with its acta, and counts nowhere."""

    __tablename__ = "finding"
    process = "finding"
    __table_args__ = (
        *state_checks("finding"),
        ForeignKeyConstraint(["visit_id", "version_code"], ["visit.id", "visit.version_code"]),
        UniqueConstraint("id", "version_code"),
        choice_check("remedy_kind", RemedyKind),
        choice_check("delivery", Delivery),
        choice_check("verification", Verification),
        CheckConstraint("affected_workers >= 0", name="affected_workers"),
        CheckConstraint("state IS NULL OR confirmed", name="confirmed"),
        Index(
            "uq_finding_question",
            "visit_id",
            "question_id",
            unique=True,
            postgresql_where=text(
                "question_id IS NOT NULL AND (state IS NULL OR state NOT IN ('ANULADO', 'DESCARTADO'))"
            ),
        ),
        Index("ix_finding_visit_version", "visit_id", "version_code", "state", "office_id"),
        Index("ix_finding_state", "version_code", "process_code", "state"),
    )
    label, label_plural = "Hallazgo", "Hallazgos"
    rules = {"affected_workers": "La cantidad de trabajadores no puede ser negativa."}

    visit_id: Mapped[int] = field(Integer, nullable=False, label="Visita")
    office_id: Mapped[int] = field(ForeignKey("office.id"), nullable=False, index=True, label="Oficina")
    question_id: Mapped[int | None] = field(ForeignKey("checklist_question.id"), index=True, label="Pregunta")
    infraction_id: Mapped[int | None] = field(ForeignKey("infraction.id"), index=True, label="Infracción")
    facts: Mapped[str] = field(Text, nullable=False, label="Hechos constatados", long=True)
    evidence: Mapped[str | None] = field(Text, label="Medio de prueba")
    affected_workers: Mapped[int] = field(
        Integer, nullable=False, default=0, server_default=text("0"), label="Trabajadores afectados"
    )
    obligation: Mapped[str | None] = field(Text, label="Qué debe regularizar", long=True)
    remedy_kind: Mapped[str | None] = field(Text, label="Plazo de regularización", choices=RemedyKind)
    confirmed: Mapped[bool] = field(
        Boolean,
        nullable=False,
        default=False,
        server_default=text("false"),
        label="Revisado por el inspector",
    )
    repeat_offence: Mapped[bool] = field(
        Boolean, nullable=False, default=False, server_default=text("false"), label="Reincidencia"
    )
    request_id: Mapped[int | None] = field(ForeignKey("document.id"), index=True, label="Requerimiento")
    delivery: Mapped[str | None] = field(Text, label="Entrega del requerimiento", choices=Delivery)
    delivered_on: Mapped[date | None] = field(Date, label="Entregado el")
    verification: Mapped[str | None] = field(Text, label="Verificación", choices=Verification)
    verification_note: Mapped[str | None] = field(Text, label="Qué se verificó", long=True)
    verified_on: Mapped[date | None] = field(Date, label="Verificado el")
    historical_fine: Mapped[int | None] = field(
        BigInteger, label="Multa, en el registro histórico", money=True
    )

    visit: Mapped[Visit] = relationship(
        foreign_keys=[visit_id], primaryjoin="Finding.visit_id == Visit.id", backref="findings"
    )
    office: Mapped[Office] = relationship()
    question: Mapped[ChecklistQuestion | None] = relationship()
    infraction: Mapped[Infraction | None] = relationship()
    request: Mapped[Document | None] = relationship(foreign_keys=[request_id])
    filings: Mapped[list["Filing"]] = relationship(back_populates="finding", order_by="Filing.filed_on")
    roster: Mapped[list["AffectedWorker"]] = relationship(
        back_populates="finding", order_by="AffectedWorker.position"
    )

    def __repr__(self) -> str:
        return f"{self.infraction.code if self.infraction else 'Sin código'}: {self.facts[:60]}"


class Filing(Identified, Stamped, Model):
    """What the employer handed in to prove the remedy."""

    __tablename__ = "filing"
    label, label_plural = "Presentación", "Presentaciones"

    finding_id: Mapped[int] = field(ForeignKey("finding.id"), nullable=False, index=True, label="Hallazgo")
    filed_on: Mapped[date] = field(Date, nullable=False, label="Presentado el")
    description: Mapped[str] = field(Text, nullable=False, label="Qué presentó", long=True)
    file_id: Mapped[int | None] = field(ForeignKey("stored_file.id"), index=True, label="Archivo")

    finding: Mapped[Finding] = relationship(back_populates="filings")
    file: Mapped[StoredFile | None] = relationship()

    def __repr__(self) -> str:
        return self.description[:60]


class AffectedWorker(Identified, Stamped, Model):
    """A worker on the roster of a finding; taken out by evidence, never deleted (working rule 14)."""

    __tablename__ = "affected_worker"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint("(removed_on IS NULL) = (removed_reason IS NULL)", name="removed"),
    )
    label, label_plural = "Trabajador afectado", "Trabajadores afectados"
    rules = {"amount": "El importe no puede ser negativo.", "removed": "El retiro lleva fecha y motivo."}

    finding_id: Mapped[int] = field(ForeignKey("finding.id"), nullable=False, index=True, label="Hallazgo")
    position: Mapped[int] = field(Integer, nullable=False, label="Orden")
    name: Mapped[str] = field(Text, nullable=False, label="Nombre o descripción", personal=True)
    document_number: Mapped[str | None] = field(Text, label="Documento", personal=True)
    period: Mapped[str | None] = field(Text, label="Período")
    amount: Mapped[int | None] = field(BigInteger, label="Importe", money=True)
    removed_on: Mapped[date | None] = field(Date, label="Retirado el")
    removed_reason: Mapped[str | None] = field(Text, label="Motivo del retiro")

    finding: Mapped[Finding] = relationship(back_populates="roster")

    def __repr__(self) -> str:
        return self.name
