"""What every legal row carries: from when to when it is in force, by which norm, and who has verified it."""

from datetime import date
from typing import ClassVar

from sqlalchemy import CheckConstraint, Date, Text
from sqlalchemy.orm import Mapped, declared_attr
from sqlalchemy.sql.schema import SchemaItem

from app.core.base import Choice, choice_check, field

DATES = "La fecha «Vigente hasta» no puede ser anterior a «Vigente desde»."


class Verification(Choice):
    """The standing of a datum: read in its source, taken from elsewhere, or a decision of the system."""

    VERIFIED = "verificado", "Verificado"
    PENDING = "por_verificar", "Por verificar"
    DESIGN = "diseno", "Criterio del sistema"


class Verified:
    """The standing of a row and what is known about it."""

    @declared_attr
    def verification(cls) -> Mapped[str]:
        return field(
            Text,
            nullable=False,
            label="Verificación",
            help="Si el dato se leyó en su fuente. «Por verificar» lo marca para Jurídico.",
            choices=Verification,
        )

    @declared_attr
    def note(cls) -> Mapped[str | None]:
        return field(Text, label="Observación", long=True)


class Dated(Verified):
    """A row of law: in force from a date to a date, both included; without the second it is still in force.

    `frozen` names the columns that nobody edits once the row is in force: a change is a new row.
    """

    frozen: ClassVar[frozenset[str]] = frozenset()

    @declared_attr
    def valid_from(cls) -> Mapped[date]:
        return field(Date, nullable=False, label="Vigente desde")

    @declared_attr
    def valid_to(cls) -> Mapped[date | None]:
        return field(Date, label="Vigente hasta", help="Último día de vigencia; vacío mientras siga vigente.")

    @declared_attr
    def legal_basis(cls) -> Mapped[str]:
        return field(Text, nullable=False, label="Base legal", help="Norma y artículo que lo establece.")


def dated_checks() -> tuple[SchemaItem, ...]:
    """The CHECKs of a table with `Dated`."""
    return (
        choice_check("verification", Verification),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="dates"),
    )
