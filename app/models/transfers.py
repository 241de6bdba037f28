"""A file passes from one office to another: asked for, answered by the other office, decided by DGIFT.

The record of the pass is also what lets the former office read on (app/security/scope.py), so that a file
that moves with a merger or with its district leaves one too.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Text, func, text
from sqlalchemy.orm import Mapped, relationship

from app.core.base import Choice, Identified, Model, Stamped, choice_check, field
from app.models.catalogs import Office
from app.models.inspections import InspectionOrder
from app.models.security import Account


class TransferStatus(Choice):
    """The life of a request to pass a file (working rule 17)."""

    REQUESTED = "requested", "Espera respuesta"
    ACCEPTED = "accepted", "Aceptado"
    REFUSED = "refused", "Rechazado"
    DECIDED = "decided", "Resuelto por DGIFT"
    WITHDRAWN = "withdrawn", "Retirado"


class FileTransfer(Identified, Stamped, Model):
    """The pass of a file (an order with all that hangs on it) from an office to another.

    `moved_at` says that the file did change office, and when; a request refused or withdrawn has none.
    """

    __tablename__ = "file_transfer"
    __table_args__ = (
        choice_check("status", TransferStatus),
        CheckConstraint("from_office_id <> to_office_id", name="offices"),
        CheckConstraint("asking_office_id IN (from_office_id, to_office_id)", name="asking"),
        CheckConstraint(
            "CASE WHEN status IN ('accepted', 'refused', 'withdrawn') THEN answered_at IS NOT NULL"
            " WHEN status = 'requested' THEN answered_at IS NULL ELSE true END",
            name="answered",
        ),
        CheckConstraint("status <> 'refused' OR answer IS NOT NULL", name="answer"),
        CheckConstraint(
            "(status = 'decided') = (decided_at IS NOT NULL) AND (decided_at IS NULL) = (decision IS NULL)",
            name="decision",
        ),
        CheckConstraint(
            "CASE status WHEN 'accepted' THEN moved_at IS NOT NULL"
            " WHEN 'decided' THEN true ELSE moved_at IS NULL END",
            name="moved",
        ),
        Index(
            "uq_file_transfer_open",
            "order_id",
            unique=True,
            postgresql_where=text("status = 'requested'"),
        ),
        Index(
            "ix_file_transfer_left",
            "from_office_id",
            "order_id",
            postgresql_where=text("moved_at IS NOT NULL"),
        ),
    )
    label, label_plural = "Pase de expediente", "Pases de expedientes"
    rules = {
        "offices": "El expediente ya está en esa oficina: elija otra.",
        "answer": "Escriba el motivo: queda en el expediente.",
        "decision": "Escriba el fundamento: queda en el expediente.",
    }

    order_id: Mapped[int] = field(
        ForeignKey("inspection_order.id"), nullable=False, index=True, label="Expediente"
    )
    from_office_id: Mapped[int] = field(
        ForeignKey("office.id"), nullable=False, index=True, label="De la oficina"
    )
    to_office_id: Mapped[int] = field(
        ForeignKey("office.id"), nullable=False, index=True, label="A la oficina"
    )
    asking_office_id: Mapped[int] = field(
        ForeignKey("office.id"), nullable=False, index=True, label="Lo pide la oficina"
    )
    reason: Mapped[str] = field(Text, nullable=False, label="Motivo del pase", long=True)
    requested_at: Mapped[datetime] = field(
        DateTime(timezone=True), nullable=False, server_default=func.now(), label="Pedido"
    )
    requested_by_id: Mapped[int | None] = field(ForeignKey("ab_user.id"), index=True, label="Pedido por")
    status: Mapped[str] = field(
        Text,
        nullable=False,
        default="requested",
        server_default=text("'requested'"),
        label="Estado",
        choices=TransferStatus,
    )
    answered_at: Mapped[datetime | None] = field(DateTime(timezone=True), label="Respondido")
    answered_by_id: Mapped[int | None] = field(ForeignKey("ab_user.id"), index=True, label="Respondido por")
    answer: Mapped[str | None] = field(Text, label="Motivo de la respuesta", long=True)
    decided_at: Mapped[datetime | None] = field(DateTime(timezone=True), label="Resuelto")
    decided_by_id: Mapped[int | None] = field(ForeignKey("ab_user.id"), index=True, label="Resuelto por")
    decision: Mapped[str | None] = field(Text, label="Fundamento de la resolución", long=True)
    moved_at: Mapped[datetime | None] = field(
        DateTime(timezone=True), label="Pasó", help="Cuándo el expediente cambió de oficina."
    )

    order: Mapped[InspectionOrder] = relationship()
    from_office: Mapped[Office] = relationship(foreign_keys=[from_office_id])
    to_office: Mapped[Office] = relationship(foreign_keys=[to_office_id])
    asking_office: Mapped[Office] = relationship(foreign_keys=[asking_office_id])
    requested_by: Mapped[Account | None] = relationship(foreign_keys=[requested_by_id])
    answered_by: Mapped[Account | None] = relationship(foreign_keys=[answered_by_id])
    decided_by: Mapped[Account | None] = relationship(foreign_keys=[decided_by_id])

    @property
    def answering_office_id(self) -> int:
        """The office whose answer is awaited: the other one."""
        return self.to_office_id if self.asking_office_id == self.from_office_id else self.from_office_id

    def __repr__(self) -> str:
        return f"{self.from_office.code} → {self.to_office.code}"
