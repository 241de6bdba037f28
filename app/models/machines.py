"""Machines that ask the API: their keys, and how often each asked.

A machine is an account of its own, with functions and an office like a person's and no password. Of a key
only the hash is kept; whoever made it saw it once.
"""

from datetime import date, datetime, timedelta

from sqlalchemy import CheckConstraint, Date, DateTime, ForeignKey, Integer, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, relationship

from app.core import clock
from app.core.base import Choice, Identified, Model, Stamped, field
from app.models.security import Account

MOST_CALLS = 6000


class KeyScope(Choice):
    """What a key opens, whatever else its account might do."""

    READ_REGISTRY = "registry:read", "Leer el registro y los catálogos"
    WRITE_REGISTRY = "registry:write", "Registrar y cambiar empleadores, establecimientos y trabajadores"
    READ_INSPECTIONS = "inspections:read", "Leer órdenes, visitas, hallazgos, informes y documentos"
    WRITE_INSPECTIONS = "inspections:write", "Dar pasos que no llevan firma"


class ApiKey(Identified, Stamped, Model):
    """A key of a machine: from its making until it ends or is revoked."""

    __tablename__ = "api_key"
    __table_args__ = (
        CheckConstraint(f"calls_per_minute BETWEEN 1 AND {MOST_CALLS}", name="calls_per_minute"),
        CheckConstraint(
            "scopes <@ ARRAY['registry:read', 'registry:write', 'inspections:read', 'inspections:write']"
            " AND cardinality(scopes) > 0",
            name="scopes",
        ),
        CheckConstraint("secret_hash ~ '^[0-9a-f]{64}$'", name="secret_hash"),
        CheckConstraint("expires_at > created_at", name="dates"),
    )
    label, label_plural = "Llave de máquina", "Llaves de máquinas"
    rules = {
        "calls_per_minute": f"Los pedidos por minuto van de 1 a {MOST_CALLS}.",
        "scopes": "Elija al menos un alcance de la lista.",
        "dates": "La llave debe vencer después de hoy.",
    }

    account_id: Mapped[int] = field(
        ForeignKey("ab_user.id"), nullable=False, index=True, label="Cuenta", help="La de la máquina."
    )
    name: Mapped[str] = field(
        Text, nullable=False, label="Sistema", help="Quién pregunta; por ejemplo «Portal REOP»."
    )
    prefix: Mapped[str] = field(
        Text, nullable=False, label="Comienzo", help="Sus primeros signos, para reconocerla."
    )
    secret_hash: Mapped[str] = field(
        Text, nullable=False, unique=True, label="Huella", secret=True, help="SHA-256 de la llave."
    )
    scopes: Mapped[list[str]] = field(ARRAY(Text), nullable=False, label="Alcances")
    addresses: Mapped[list[str] | None] = field(
        ARRAY(Text),
        label="Solo desde",
        help="Direcciones o redes desde las que vale, separadas por comas; vacío: desde cualquiera.",
    )
    calls_per_minute: Mapped[int] = field(
        Integer, nullable=False, server_default=text("120"), default=120, label="Pedidos por minuto"
    )
    expires_at: Mapped[datetime] = field(DateTime(timezone=True), nullable=False, label="Vence")
    revoked_at: Mapped[datetime | None] = field(DateTime(timezone=True), label="Revocada")

    account: Mapped[Account] = relationship(foreign_keys=[account_id])
    use: Mapped["ApiKeyUse | None"] = relationship(viewonly=True)

    @property
    def last_day(self) -> date:
        """The last day on which the key opens anything."""
        return clock.local(self.expires_at - timedelta(seconds=1)).date()

    def __repr__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class ApiKeyUse(Model):
    """How often a key asked in its last minute, and the day of its last question. A counter, not traced."""

    __tablename__ = "api_key_use"
    label, label_plural = "Uso de una llave", "Uso de las llaves"

    key_id: Mapped[int] = field(
        ForeignKey("api_key.id", ondelete="CASCADE"), primary_key=True, label="Llave", autoincrement=False
    )
    minute: Mapped[datetime] = field(DateTime(timezone=True), nullable=False, label="Minuto")
    calls: Mapped[int] = field(Integer, nullable=False, label="Pedidos en ese minuto")
    last_used_on: Mapped[date] = field(Date, nullable=False, label="Usada por última vez")
