"""The final report of an order and its circuit to archive, sumario or new actions (Res. MTESS 398/2025)."""

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Integer, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, relationship

from app.core.base import Choice, Identified, Model, Stamped, choice_check, field
from app.models.catalogs import Office
from app.models.documents import Document
from app.models.inspections.orders import InspectionOrder
from app.models.procedures import Procedural, state_checks


class Proposal(Choice):
    """What the report proposes."""

    ARCHIVE = "ARCHIVO", "Archivo"
    CASE = "SUMARIO", "Sumario"
    ACTIONS = "NUEVAS_DILIGENCIAS", "Nuevas diligencias"


class FinalReport(Identified, Stamped, Procedural, Model):
    """The report of facts, legal analysis and proposal that closes the field work of an order."""

    __tablename__ = "final_report"
    process = "report"
    __table_args__ = (
        *state_checks("report"),
        ForeignKeyConstraint(
            ["order_id", "version_code"], ["inspection_order.id", "inspection_order.version_code"]
        ),
        UniqueConstraint("order_id"),
        choice_check("proposal", Proposal),
        Index("ix_final_report_order_version", "order_id", "version_code"),
        Index("ix_final_report_state", "version_code", "process_code", "state"),
    )
    label, label_plural = "Informe final", "Informes finales"

    order_id: Mapped[int] = field(Integer, nullable=False, label="Orden")
    office_id: Mapped[int] = field(ForeignKey("office.id"), nullable=False, index=True, label="Oficina")
    facts: Mapped[str | None] = field(Text, label="Relato de los hechos", long=True)
    analysis: Mapped[str | None] = field(Text, label="Análisis legal", long=True)
    background: Mapped[str | None] = field(
        Text, label="Antecedentes que acompaña", help="Uno por línea.", long=True
    )
    proposal: Mapped[str | None] = field(Text, label="Propuesta", choices=Proposal)
    observation: Mapped[str | None] = field(Text, label="Informe explicativo de la DGIFT", long=True)
    opinion: Mapped[str | None] = field(Text, label="Dictamen de la DGAJ", long=True)
    decision: Mapped[str | None] = field(Text, label="Providencia", long=True)
    document_id: Mapped[int | None] = field(ForeignKey("document.id"), index=True, label="Informe emitido")
    opinion_id: Mapped[int | None] = field(ForeignKey("document.id"), index=True, label="Dictamen emitido")

    order: Mapped[InspectionOrder] = relationship(
        foreign_keys=[order_id],
        primaryjoin="FinalReport.order_id == InspectionOrder.id",
        backref="reports",
    )
    office: Mapped[Office] = relationship()
    document: Mapped[Document | None] = relationship(foreign_keys=[document_id])
    opinion_document: Mapped[Document | None] = relationship(foreign_keys=[opinion_id])

    def __repr__(self) -> str:
        return f"Informe final de {self.order.number}"
