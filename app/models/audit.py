"""What the nightly verification of the trail found; the trail itself is schema `audit`, not mapped."""

from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, DateTime, Integer, Text
from sqlalchemy.orm import Mapped

from app.core.base import Model, field


class AuditCheck(Model):
    """One verification: how far the chain was checked and what was found."""

    __tablename__ = "audit_check"
    __table_args__ = (CheckConstraint("ended_at >= started_at", name="times"),)
    label, label_plural = "Verificación del rastro", "Verificaciones del rastro"

    id: Mapped[int] = field(Integer, primary_key=True, label="N.º interno")
    started_at: Mapped[datetime] = field(DateTime(timezone=True), nullable=False, label="Empezó")
    ended_at: Mapped[datetime] = field(DateTime(timezone=True), nullable=False, label="Terminó")
    seq: Mapped[int] = field(BigInteger, nullable=False, label="Último sello", help="Hasta cuál se verificó.")
    hash: Mapped[str] = field(Text, nullable=False, label="Huella", help="La de ese sello.")
    rows: Mapped[int] = field(
        BigInteger, nullable=False, label="Filas comparadas", help="Con lo que dice su rastro."
    )
    faults: Mapped[list[str]] = field(
        ARRAY(Text), nullable=False, label="Hallazgos", help="Una frase por cada uno."
    )

    def __repr__(self) -> str:
        return f"Verificación hasta el sello {self.seq}"
