"""Doubles made one: the record of each merge, from which it is undone."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, relationship

from app.core.base import Identified, Model, Stamped, field
from app.models.registry.employers import Employer, Establishment


class Merge(Identified, Stamped, Model):
    """Two records of one employer or establishment made one: what was kept, and every reference moved."""

    __tablename__ = "record_merge"
    __table_args__ = (
        CheckConstraint(
            "num_nonnulls(kept_employer_id, absorbed_employer_id) IN (0, 2)"
            " AND num_nonnulls(kept_establishment_id, absorbed_establishment_id) IN (0, 2)"
            " AND num_nonnulls(kept_employer_id, kept_establishment_id) = 1",
            name="one_pair",
        ),
    )
    label, label_plural = "Unión de registros", "Uniones de registros"

    kept_employer_id: Mapped[int | None] = field(
        ForeignKey("employer.id"), index=True, label="Empleador conservado"
    )
    absorbed_employer_id: Mapped[int | None] = field(
        ForeignKey("employer.id"), index=True, label="Empleador absorbido"
    )
    kept_establishment_id: Mapped[int | None] = field(
        ForeignKey("establishment.id"), index=True, label="Establecimiento conservado"
    )
    absorbed_establishment_id: Mapped[int | None] = field(
        ForeignKey("establishment.id"), index=True, label="Establecimiento absorbido"
    )
    reason: Mapped[str | None] = field(Text, label="Motivo")
    moved: Mapped[list[dict[str, Any]]] = field(
        JSONB, nullable=False, label="Referencias movidas", help="Tabla, columna y claves de cada fila."
    )
    undone_at: Mapped[datetime | None] = field(DateTime(timezone=True), label="Deshecha")

    kept_employer: Mapped[Employer | None] = relationship(foreign_keys=[kept_employer_id])
    absorbed_employer: Mapped[Employer | None] = relationship(foreign_keys=[absorbed_employer_id])
    kept_establishment: Mapped[Establishment | None] = relationship(foreign_keys=[kept_establishment_id])
    absorbed_establishment: Mapped[Establishment | None] = relationship(
        foreign_keys=[absorbed_establishment_id]
    )

    @property
    def kept(self) -> Any:
        """The record that stayed."""
        return self.kept_employer or self.kept_establishment

    @property
    def absorbed(self) -> Any:
        """The record that gave way."""
        return self.absorbed_employer or self.absorbed_establishment

    def __repr__(self) -> str:
        return f"{self.absorbed} → {self.kept}"
