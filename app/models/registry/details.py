"""What is known beside an employer or establishment: patronal numbers, headcounts, contacts."""

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, Text
from sqlalchemy.orm import Mapped, relationship

from app.core.base import Choice, Identified, Model, Stamped, choice_check, field
from app.models.registry.employers import Employer, Establishment


class PatronalKind(Choice):
    """Who gave a patronal number."""

    MTESS = "MTESS", "MTESS (REOP)"
    IPS = "IPS", "IPS"


class HeadcountSource(Choice):
    """Where a headcount comes from."""

    DECLARED = "declarado", "Declarado por el empleador"
    INSPECTION = "inspeccion", "Constatado en inspección"
    REOP = "reop", "Planilla del REOP"
    IPS = "ips", "Planilla del IPS"
    IMPORTED = "importado", "Importado del registro histórico"


class PatronalNumber(Identified, Stamped, Model):
    """A number of an employer at the ministry (REOP) or at IPS; an employer may have several."""

    __tablename__ = "patronal_number"
    __table_args__ = (
        choice_check("kind", PatronalKind),
        CheckConstraint(
            "kind <> 'MTESS' OR number ~ '^[0-9]{1,7}$'",
            name="mtess",
        ),
        CheckConstraint("kind <> 'IPS' OR number ~ '^[0-9]{3,4}-[0-9]{2}-[0-9]{4,6}$'", name="ips"),
        Index("uq_patronal_number_kind_number", "kind", "number", unique=True),
    )
    label, label_plural = "Número patronal", "Números patronales"
    rules = {
        "mtess": "El número patronal del MTESS lleva de 1 a 7 cifras.",
        "ips": "El número patronal del IPS tiene la forma 0123-45-06789.",
    }

    employer_id: Mapped[int] = field(ForeignKey("employer.id"), nullable=False, index=True, label="Empleador")
    establishment_id: Mapped[int | None] = field(
        ForeignKey("establishment.id"),
        index=True,
        label="Establecimiento",
        help="Cuando el número es de una sola sucursal.",
    )
    kind: Mapped[str] = field(Text, nullable=False, label="Institución", choices=PatronalKind)
    number: Mapped[str] = field(Text, nullable=False, label="Número")

    employer: Mapped[Employer] = relationship()
    establishment: Mapped[Establishment | None] = relationship()

    def __repr__(self) -> str:
        return f"{self.kind} {self.number}"


def _people(label: str, help: str = "") -> Any:
    return field(Integer, label=label, help=help)


class Headcount(Identified, Stamped, Model):
    """How many people worked at an establishment on a date: a new count is a new row, history stays."""

    __tablename__ = "headcount"
    __table_args__ = (
        choice_check("source", HeadcountSource),
        CheckConstraint(
            "least(women, men, adolescents, foreigners, disabled, indigenous) >= 0", name="counts"
        ),
        CheckConstraint(
            "greatest(adolescents, foreigners, disabled, indigenous) <= women + men",
            name="within",
        ),
        Index("ix_headcount_establishment_as_of", "establishment_id", "as_of"),
    )
    label, label_plural = "Cantidad de personal", "Cantidades de personal"
    rules = {
        "counts": "Las cantidades son números enteros desde 0.",
        "within": "Ningún grupo puede pasar del total de mujeres y hombres.",
    }

    establishment_id: Mapped[int] = field(
        ForeignKey("establishment.id"), nullable=False, index=True, label="Establecimiento"
    )
    as_of: Mapped[date] = field(Date, nullable=False, label="A la fecha")
    source: Mapped[str] = field(Text, nullable=False, label="Fuente", choices=HeadcountSource)
    women: Mapped[int] = field(Integer, nullable=False, label="Mujeres")
    men: Mapped[int] = field(Integer, nullable=False, label="Hombres")
    adolescents: Mapped[int | None] = _people("Adolescentes", "De 14 a 17 años, incluidos en el total.")
    foreigners: Mapped[int | None] = _people("Extranjeros")
    disabled: Mapped[int | None] = _people("Personas con discapacidad")
    indigenous: Mapped[int | None] = _people("Personas indígenas")

    establishment: Mapped[Establishment] = relationship(back_populates="headcounts")

    @property
    def total(self) -> int:
        """Women and men together."""
        return self.women + self.men

    def __repr__(self) -> str:
        return f"{self.as_of:%d/%m/%Y}: {self.total}"


class Contact(Identified, Stamped, Model):
    """A person through whom an employer or one of its establishments is reached."""

    __tablename__ = "contact"
    __table_args__ = (CheckConstraint("phone IS NOT NULL OR email IS NOT NULL", name="reachable"),)
    label, label_plural = "Contacto", "Contactos"
    rules = {"reachable": "Escriba un teléfono o un correo electrónico."}

    employer_id: Mapped[int] = field(ForeignKey("employer.id"), nullable=False, index=True, label="Empleador")
    establishment_id: Mapped[int | None] = field(
        ForeignKey("establishment.id"), index=True, label="Establecimiento"
    )
    name: Mapped[str] = field(Text, nullable=False, label="Nombre y apellido", personal=True)
    role: Mapped[str | None] = field(Text, label="Cargo", help="Por ejemplo jefa de personal, contador.")
    phone: Mapped[str | None] = field(Text, label="Teléfono", personal=True, mask="phone")
    email: Mapped[str | None] = field(Text, label="Correo electrónico", personal=True)

    employer: Mapped[Employer] = relationship()
    establishment: Mapped[Establishment | None] = relationship()

    def __repr__(self) -> str:
        return f"{self.name} ({self.role})" if self.role else self.name
