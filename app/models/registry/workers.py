"""Workers: personal data, for those who need it alone."""

from datetime import date

from sqlalchemy import CheckConstraint, Date, Index, Text, text
from sqlalchemy.orm import Mapped

from app.core.base import Choice, Identified, Model, Stamped, choice_check, field
from app.models.registry.search import searchable


class Sex(Choice):
    """Sex as in the identity document."""

    FEMALE = "F", "Femenino"
    MALE = "M", "Masculino"


class Worker(Identified, Stamped, Model):
    """A person who works; known to those who need it alone."""

    __tablename__ = "worker"
    lookup_columns = ("name", "document_number")
    __table_args__ = (
        choice_check("sex", Sex),
        CheckConstraint("document_country ~ '^[A-Z]{2}$'", name="document_country"),
        CheckConstraint(
            "document_country <> 'PY' OR document_number ~ '^[1-9][0-9]{4,7}$'", name="document_number"
        ),
        Index(
            "uq_worker_document_number",
            "document_country",
            "document_number",
            unique=True,
            postgresql_where=text("document_number IS NOT NULL"),
        ),
        Index("ix_worker_name_id", "name", "id"),
        searchable("ix_worker_search", *lookup_columns),
    )
    label, label_plural = "Trabajador", "Trabajadores"
    rules = {
        "document_country": "El país del documento lleva dos letras; por ejemplo PY, AR, BR.",
        "document_number": "La cédula lleva de 5 a 8 cifras, sin puntos.",
    }

    name: Mapped[str] = field(Text, nullable=False, label="Nombre y apellido", personal=True)
    document_country: Mapped[str] = field(
        Text, nullable=False, server_default="PY", label="País del documento", help="Dos letras: PY, AR, BR."
    )
    document_number: Mapped[str | None] = field(Text, label="Documento", personal=True)
    birth_date: Mapped[date | None] = field(Date, label="Fecha de nacimiento", personal=True)
    sex: Mapped[str | None] = field(Text, label="Sexo", choices=Sex, personal=True)
    nationality: Mapped[str | None] = field(Text, label="Nacionalidad", personal=True)
    phone: Mapped[str | None] = field(Text, label="Teléfono", personal=True, mask="phone")
    notes: Mapped[str | None] = field(Text, label="Observaciones", personal=True)

    def __repr__(self) -> str:
        return f"{self.document_number} · {self.name}" if self.document_number else self.name
