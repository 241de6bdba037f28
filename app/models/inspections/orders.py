"""Inspection orders: what is to be inspected, by whom, until when; where the file (expediente) begins."""

from datetime import date

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, relationship

from app.core.base import Choice, Identified, Model, Stamped, choice_check, field
from app.models.catalogs import Office
from app.models.checklists import ChecklistVersion
from app.models.documents import Document, StoredFile
from app.models.procedures import Procedural, names, state_checks
from app.models.registry import Employer, Establishment
from app.models.staff import Inspector


class OrderKind(Choice):
    """Kinds of order (working rule 10)."""

    ESTABLISHMENT = "ESTABLECIMIENTO", "De establecimiento"
    SHIFT = "TURNO", "De turno o abierta"
    OPERATION = "OPERATIVO", "De operativo"


class OrderOrigin(Choice):
    """Ways to start an inspection (Res. MTESS 346/2024)."""

    PLAN = "PLAN", "De oficio, por plan"
    OWN_MOTION = "OFICIO", "De oficio"
    COMPLAINT = "DENUNCIA", "Por denuncia"
    UNION = "GREMIAL", "Por denuncia gremial o sindical"
    INSTITUTION = "INSTITUCIONAL", "A pedido de una institución pública"
    COURT = "FISCAL_JUDICIAL", "A pedido de fiscal o juez"
    ACCIDENT = "ACCIDENTE", "Por accidente de trabajo"


class Priority(Choice):
    """How soon: P1 imminent danger, child or forced labour, death; P2 many unpaid, reprisals; P3 the rest."""

    P1 = "P1", "P1 · Urgente"
    P2 = "P2", "P2 · Alta"
    P3 = "P3", "P3 · Ordinaria"


class Shift(Choice):
    """When the visit is made."""

    DAY = "diurno", "Diurno"
    NIGHT = "nocturno", "Nocturno"
    WEEKEND = "fin_de_semana", "Fin de semana o feriado"


class InspectionOrder(Identified, Stamped, Procedural, Model):
    """An order of inspection; the root of its file, whose procedure version every record inside takes."""

    __tablename__ = "inspection_order"
    process = "order"
    __table_args__ = (
        *state_checks("order"),
        UniqueConstraint("id", "version_code"),
        choice_check("kind", OrderKind),
        choice_check("origin", OrderOrigin),
        choice_check("priority", Priority),
        choice_check("shift", Shift),
        CheckConstraint("period_to IS NULL OR period_from <= period_to", name="period"),
        CheckConstraint("valid_until IS NULL OR valid_until >= valid_from", name="validity"),
        CheckConstraint("replaces_id <> id", name="replaces"),
        Index("ix_inspection_order_state", "version_code", "process_code", "state", "office_id", "id"),
        Index("ix_inspection_order_office_created", "office_id", "created_at"),
        Index("ix_inspection_order_valid_from", "valid_from", "office_id", "version_code", "state"),
    )
    label, label_plural = "Orden de inspección", "Órdenes de inspección"
    rules = {
        "period": "El período examinado termina antes de empezar: corrija sus fechas.",
        "validity": "La vigencia termina antes de empezar.",
    }

    kind: Mapped[str] = field(Text, nullable=False, label="Clase de orden", choices=OrderKind)
    origin: Mapped[str] = field(Text, nullable=False, label="Modo de inicio", choices=OrderOrigin)
    priority: Mapped[str] = field(
        Text, nullable=False, default="P3", server_default=text("'P3'"), label="Prioridad", choices=Priority
    )
    office_id: Mapped[int] = field(ForeignKey("office.id"), nullable=False, label="Oficina")
    matters: Mapped[list[str]] = names("Materias", "Áreas que la orden alcanza.")
    instructions: Mapped[str | None] = field(
        Text, label="Instrucciones", help="Se imprimen en la orden.", long=True
    )
    period_from: Mapped[date | None] = field(Date, label="Período examinado desde")
    period_to: Mapped[date | None] = field(Date, label="Período examinado hasta")
    shift: Mapped[str] = field(
        Text, nullable=False, default="diurno", server_default=text("'diurno'"), label="Turno", choices=Shift
    )
    zone: Mapped[str | None] = field(Text, label="Zona", help="En una orden de turno o abierta.")
    requires_authorisation: Mapped[bool] = field(
        Boolean,
        nullable=False,
        default=False,
        server_default=text("false"),
        label="Es un domicilio particular",
        help="Exige consentimiento o autorización judicial antes de la visita.",
    )
    authorisation: Mapped[str | None] = field(
        Text, label="Consentimiento o autorización judicial", help="Quién la dio, número y fecha."
    )
    authorisation_file_id: Mapped[int | None] = field(
        ForeignKey("stored_file.id"), index=True, label="Documento del consentimiento o la autorización"
    )
    absence_confirmed: Mapped[bool] = field(
        Boolean,
        nullable=False,
        default=False,
        server_default=text("false"),
        label="Designación confirmada pese a la ausencia",
    )
    valid_from: Mapped[date | None] = field(Date, label="Vigente desde")
    valid_until: Mapped[date | None] = field(Date, label="Vigente hasta", help="Para la primera visita.")
    document_id: Mapped[int | None] = field(ForeignKey("document.id"), index=True, label="Orden emitida")
    replaces_id: Mapped[int | None] = field(
        ForeignKey("inspection_order.id"), index=True, label="Reemplaza a"
    )

    office: Mapped[Office] = relationship()
    document: Mapped[Document | None] = relationship(foreign_keys=[document_id])
    authorisation_file: Mapped[StoredFile | None] = relationship(foreign_keys=[authorisation_file_id])
    replaces: Mapped["InspectionOrder | None"] = relationship(remote_side="InspectionOrder.id")
    team: Mapped[list["OrderInspector"]] = relationship(
        back_populates="order", order_by="OrderInspector.leader.desc(), OrderInspector.id"
    )
    places: Mapped[list["OrderEstablishment"]] = relationship(
        back_populates="order", order_by="OrderEstablishment.id"
    )
    checklists: Mapped[list["OrderChecklist"]] = relationship(
        back_populates="order", order_by="OrderChecklist.id"
    )

    @property
    def designated(self) -> list["OrderInspector"]:
        """The inspectors of the order as it stands, the leader first."""
        return [each for each in self.team if each.until is None]

    def follow_term(self, start: date, due: date | None) -> None:
        """The term of an order is its validity."""
        self.valid_from, self.valid_until = self.valid_from or start, due

    @property
    def number(self) -> str:
        """The number of the signed order; before that, the draft by its internal number."""
        return self.document.number if self.document else f"Proyecto {self.id}"

    def __repr__(self) -> str:
        return self.number


class OrderInspector(Identified, Stamped, Model):
    """An inspector of an order, from a day to a day; exactly one leads."""

    __tablename__ = "order_inspector"
    __table_args__ = (
        Index(
            "uq_order_inspector_once",
            "order_id",
            "inspector_id",
            unique=True,
            postgresql_where=text("until IS NULL"),
        ),
        Index(
            "uq_order_inspector_leader",
            "order_id",
            unique=True,
            postgresql_where=text("leader AND until IS NULL"),
        ),
        Index("ix_order_inspector_inspector_id", "inspector_id", "order_id", postgresql_include=["until"]),
        CheckConstraint("until IS NULL OR until >= since", name="dates"),
    )
    label, label_plural = "Inspector designado", "Inspectores designados"

    order_id: Mapped[int] = field(
        ForeignKey("inspection_order.id"), nullable=False, index=True, label="Orden"
    )
    inspector_id: Mapped[int] = field(ForeignKey("inspector.id"), nullable=False, label="Inspector")
    leader: Mapped[bool] = field(
        Boolean, nullable=False, default=False, server_default=text("false"), label="Líder"
    )
    since: Mapped[date] = field(Date, nullable=False, label="Desde")
    until: Mapped[date | None] = field(Date, label="Hasta", help="Fue sustituido ese día.")
    reason: Mapped[str | None] = field(Text, label="Motivo de la sustitución")

    order: Mapped[InspectionOrder] = relationship(back_populates="team")
    inspector: Mapped[Inspector] = relationship()

    def __repr__(self) -> str:
        return f"{self.inspector}{' (líder)' if self.leader else ''}"


class OrderEstablishment(Identified, Stamped, Model):
    """An establishment that the order names."""

    __tablename__ = "order_establishment"
    __table_args__ = (
        UniqueConstraint("order_id", "establishment_id"),
        Index("ix_order_establishment_establishment_id", "establishment_id", "order_id"),
    )
    label, label_plural = "Establecimiento de la orden", "Establecimientos de la orden"

    order_id: Mapped[int] = field(
        ForeignKey("inspection_order.id"), nullable=False, index=True, label="Orden"
    )
    establishment_id: Mapped[int] = field(
        ForeignKey("establishment.id"), nullable=False, label="Establecimiento"
    )

    order: Mapped[InspectionOrder] = relationship(back_populates="places")
    establishment: Mapped[Establishment] = relationship()

    def __repr__(self) -> str:
        return str(self.establishment)


class OrderChecklist(Identified, Stamped, Model):
    """A checklist version that the visits of the order answer; fixed when the order is made."""

    __tablename__ = "order_checklist"
    __table_args__ = (UniqueConstraint("order_id", "checklist_version_id"),)
    label, label_plural = "Lista de control de la orden", "Listas de control de la orden"

    order_id: Mapped[int] = field(
        ForeignKey("inspection_order.id"), nullable=False, index=True, label="Orden"
    )
    checklist_version_id: Mapped[int] = field(
        ForeignKey("checklist_version.id"), nullable=False, index=True, label="Lista de control"
    )

    order: Mapped[InspectionOrder] = relationship(back_populates="checklists")
    checklist_version: Mapped[ChecklistVersion] = relationship()

    def __repr__(self) -> str:
        return str(self.checklist_version)


class ConflictOfInterest(Identified, Stamped, Model):
    """A relation with an employer that an inspector declared; he is not designated for it."""

    __tablename__ = "conflict_of_interest"
    __table_args__ = (CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="dates"),)
    label, label_plural = "Conflicto de interés", "Conflictos de interés"
    rules = {"dates": "La fecha final es anterior a la inicial."}

    inspector_id: Mapped[int] = field(
        ForeignKey("inspector.id"), nullable=False, index=True, label="Inspector"
    )
    employer_id: Mapped[int] = field(ForeignKey("employer.id"), nullable=False, index=True, label="Empleador")
    relation: Mapped[str] = field(
        Text, nullable=False, label="Relación", help="Por ejemplo parentesco, empleo anterior, pleito."
    )
    valid_from: Mapped[date] = field(Date, nullable=False, label="Desde")
    valid_to: Mapped[date | None] = field(Date, label="Hasta")

    inspector: Mapped[Inspector] = relationship()
    employer: Mapped[Employer] = relationship()

    def __repr__(self) -> str:
        return f"{self.inspector}: {self.relation}"
