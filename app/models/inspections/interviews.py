"""Interviews at a visit: the confidential annex of the acta, never printed in what the employer gets.

Convenio 81 of the ILO, art. 15(c): the inspector does not reveal where a complaint came from. PostgreSQL's
row-level security stands behind the scope of the session (migration 0009): the inspectors of the file's team
write and read, the director of DGIFT reads, nobody else; without a word of who asks there is no row. What the
trail keeps of them has the same policy (0014), and whoever reads them is written down.
"""

from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, Text
from sqlalchemy.orm import Mapped, relationship

from app.core.base import Identified, Model, Stamped, field
from app.models.inspections.visits import Visit


class VisitInterview(Identified, Stamped, Model):
    """What a worker said in confidence."""

    __tablename__ = "visit_interview"
    label, label_plural = "Entrevista reservada", "Entrevistas reservadas"
    rules = {"signed": "El acta está firmada: agregue otra entrevista en lugar de cambiar esta."}

    visit_id: Mapped[int] = field(ForeignKey("visit.id"), nullable=False, index=True, label="Visita")
    taken_at: Mapped[datetime] = field(DateTime(timezone=True), nullable=False, label="Tomada")
    worker: Mapped[str] = field(
        Text,
        nullable=False,
        label="Persona entrevistada",
        help="Puesto, turno, antigüedad; el nombre solo si ella lo quiere.",
        personal=True,
    )
    text: Mapped[str] = field(
        Text,
        nullable=False,
        label="Qué dijo",
        help="No se imprime en nada de lo que recibe la parte empleadora.",
        personal=True,
        long=True,
    )

    visit: Mapped[Visit] = relationship()

    def __repr__(self) -> str:
        return f"Entrevista {self.id}"
