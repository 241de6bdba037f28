"""Holidays and general suspensions of terms: what stops the count of business days, and where."""

from datetime import date

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, relationship

from app.core.base import Choice, Identified, Model, Stamped, choice_check, field, metadata
from app.core.types import format_date
from app.models.catalogs import Department, District, Office
from app.models.norms.dated import DATES, Dated, Verification, Verified, dated_checks


def _places(owner: str, place: str, key: str, label: str) -> Table:
    """The table that says in which places a row of `owner` holds."""
    return Table(
        f"{owner}_{place}",
        metadata,
        Column(
            f"{owner}_id",
            Integer,
            ForeignKey(f"{owner}.id", ondelete="CASCADE"),
            primary_key=True,
            comment="Registro",
        ),
        Column(
            f"{place}_{key}",
            Integer,
            ForeignKey(f"{place}.{key}"),
            primary_key=True,
            index=True,
            comment=label,
        ),
    )


HOLIDAY_DEPARTMENT = _places("holiday", "department", "code", "Departamento")
HOLIDAY_DISTRICT = _places("holiday", "district", "code", "Distrito")
HOLIDAY_OFFICE = _places("holiday", "office", "id", "Oficina")
SUSPENSION_OFFICE = _places("general_suspension", "office", "id", "Oficina")


class HolidayKind(Choice):
    """What a holiday is; the values are those of `core/calendar`."""

    NATIONAL = "NACIONAL", "Nacional"
    DECREE = "DECRETO", "Por decreto"
    LOCAL = "LOCAL", "Local"
    HALF_DAY = "ASUETO", "Asueto"


class Holiday(Identified, Stamped, Verified, Model):
    """A holiday; only the day to which it was moved stops the count (Ley 1723/2001, Ley 7544/2025)."""

    __tablename__ = "holiday"
    __table_args__ = (
        choice_check("verification", Verification),
        choice_check("kind", HolidayKind),
        CheckConstraint("effective_date BETWEEN '1990-01-01' AND '2100-12-31'", name="effective_date"),
        UniqueConstraint("original_date", "name"),
    )
    label, label_plural = "Feriado", "Feriados"
    rules = {"effective_date": "La fecha efectiva va de 1990 a 2100."}

    original_date: Mapped[date] = field(
        Date, nullable=False, label="Fecha original", help="La que trae el calendario."
    )
    effective_date: Mapped[date] = field(
        Date,
        nullable=False,
        index=True,
        label="Fecha efectiva",
        help="El día en que se cumple, otro si un decreto lo trasladó. Solo esta detiene plazos.",
    )
    name: Mapped[str] = field(Text, nullable=False, label="Nombre")
    kind: Mapped[str] = field(
        Text,
        nullable=False,
        label="Tipo",
        help="Un asueto detiene plazos solo si así lo dice el parámetro ASUETO_SUSPENDE.",
        choices=HolidayKind,
    )
    movable: Mapped[bool] = field(
        nullable=False, server_default=text("false"), label="Trasladable por decreto"
    )
    norm: Mapped[str | None] = field(Text, label="Norma", help="La que lo crea o lo traslada.")

    departments: Mapped[list[Department]] = relationship(
        secondary=HOLIDAY_DEPARTMENT,
        info={"label": "Departamentos", "help": "Vacíos los tres, vale en todo el país."},
    )
    districts: Mapped[list[District]] = relationship(
        secondary=HOLIDAY_DISTRICT,
        info={"label": "Distritos", "help": "Por ejemplo, el día de su fundación."},
    )
    offices: Mapped[list[Office]] = relationship(
        secondary=HOLIDAY_OFFICE, info={"label": "Oficinas", "help": "Solo para las oficinas marcadas."}
    )

    def __repr__(self) -> str:
        return f"{format_date(self.effective_date)} · {self.name}"


class GeneralSuspension(Identified, Stamped, Dated, Model):
    """A norm that stops terms from a day to a day: of all offices and processes, or of some."""

    __tablename__ = "general_suspension"
    __table_args__ = dated_checks()
    label, label_plural = "Suspensión general de plazos", "Suspensiones generales de plazos"
    rules = {"dates": DATES}

    processes: Mapped[list[str]] = field(
        ARRAY(Text),
        nullable=False,
        server_default=text("'{}'"),
        default=list,
        label="Procesos",
        help="Códigos de los procesos alcanzados; vacío, todos.",
    )
    offices: Mapped[list[Office]] = relationship(
        secondary=SUSPENSION_OFFICE, info={"label": "Oficinas", "help": "Vacío, todas."}
    )

    def __repr__(self) -> str:
        return f"{self.legal_basis} desde el {format_date(self.valid_from)}"
