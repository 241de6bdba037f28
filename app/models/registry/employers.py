"""Who employs, and where: employers and their establishments."""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import Boolean, CheckConstraint, Computed, Date, ForeignKey, Index, Numeric, Text, text
from sqlalchemy.orm import Mapped, relationship

from app.core.base import Choice, Identified, Model, Stamped, choice_check, field
from app.core.types import format_cedula
from app.models.catalogs import Activity, District
from app.models.registry.search import searchable

if TYPE_CHECKING:
    from app.models.registry.details import Headcount

SOUTH, NORTH = Decimal("-27.7"), Decimal("-19.2")
WEST, EAST = Decimal("-62.7"), Decimal("-54.2")
"""The rectangle around the country, in degrees: a point outside it was mistyped."""


class EmployerKind(Choice):
    """What an employer is before the law."""

    LEGAL = "legal", "Persona jurídica"
    INDIVIDUAL = "individual", "Persona física"
    UNKNOWN = "unknown", "Sin determinar"


class EmployerStatus(Choice):
    """Standing in the register of employers (REOP)."""

    ACTIVE = "ACTIVO", "Activo"
    PAUSED = "INACTIVO_TEMPORAL", "Inactivo temporal"
    CANCELLED = "CANCELADO", "Cancelado"
    UNREGISTERED = "NO_REGISTRADO", "No registrado"


class Employer(Identified, Stamped, Model):
    """Who employs: a legal person, a person, or somebody not identified yet."""

    __tablename__ = "employer"
    lookup_columns = ("legal_name", "trade_name", "description", "ruc_base", "document_number")
    __table_args__ = (
        choice_check("kind", EmployerKind),
        choice_check("status", EmployerStatus),
        CheckConstraint("(ruc_base IS NULL) = (ruc_dv IS NULL)", name="ruc_whole"),
        CheckConstraint("ruc_base ~ '^[1-9][0-9]{0,7}[A-Z]?$'", name="ruc_base"),
        CheckConstraint("ruc_dv = ruc_check_digit(ruc_base)", name="ruc_dv"),
        CheckConstraint("document_number ~ '^[1-9][0-9]{4,7}$'", name="document_number"),
        CheckConstraint(
            "ruc_base IS NOT NULL OR document_number IS NOT NULL OR description IS NOT NULL",
            name="identified",
        ),
        CheckConstraint("merged_into_id <> id", name="own_merge"),
        Index("uq_employer_ruc_base", "ruc_base", unique=True, postgresql_where=text("ruc_base IS NOT NULL")),
        Index(
            "uq_employer_document_number",
            "document_number",
            unique=True,
            postgresql_where=text("document_number IS NOT NULL"),
        ),
        Index("ix_employer_legal_name_id", "legal_name", "id"),
        Index("ix_employer_fold_name", text("fold(legal_name) gin_trgm_ops"), postgresql_using="gin"),
        Index("ix_employer_fold_trade", text("fold(trade_name) gin_trgm_ops"), postgresql_using="gin"),
        searchable("ix_employer_search", *lookup_columns),
    )
    label, label_plural = "Empleador", "Empleadores"
    rules = {
        "ruc_base": "El RUC lleva de 3 a 8 cifras antes del guion.",
        "ruc_dv": "El dígito verificador del RUC no corresponde. Verifique el número en la constancia.",
        "document_number": "La cédula lleva de 5 a 8 cifras.",
        "identified": "Identifique al empleador por RUC, por cédula o con una descripción provisoria.",
        "own_merge": "Un registro no puede unirse consigo mismo.",
    }

    kind: Mapped[str] = field(Text, nullable=False, label="Tipo de persona", choices=EmployerKind)
    ruc_base: Mapped[str | None] = field(Text, label="RUC sin dígito")
    ruc_dv: Mapped[str | None] = field(Text, label="Dígito verificador")
    document_number: Mapped[str | None] = field(
        Text,
        label="Cédula",
        help="De la persona física, cuando no tiene RUC.",
        personal=True,
        mask="cedula",
    )
    description: Mapped[str | None] = field(
        Text,
        label="Descripción provisoria",
        help="Cuando no se conoce RUC ni cédula; por ejemplo «responsable del taller de la calle Palma 123».",
    )
    provisional: Mapped[bool] = field(
        Boolean,
        Computed("ruc_base IS NULL AND document_number IS NULL", persisted=True),
        index=True,
        label="Sin identificar",
    )
    legal_name: Mapped[str] = field(
        Text, nullable=False, label="Razón social", help="O nombre y apellido de la persona física."
    )
    trade_name: Mapped[str | None] = field(Text, label="Nombre de fantasía")
    legal_form: Mapped[str | None] = field(Text, label="Forma jurídica", help="Por ejemplo S.A., S.R.L.")
    status: Mapped[str] = field(
        Text, nullable=False, server_default="NO_REGISTRADO", label="Situación", choices=EmployerStatus
    )
    started_on: Mapped[date | None] = field(Date, label="Inicio de actividades")
    representative: Mapped[str | None] = field(Text, label="Representante legal", personal=True)
    has_union: Mapped[bool | None] = field(Boolean, label="Tiene sindicato")
    shifts: Mapped[str | None] = field(Text, label="Turnos de trabajo")
    phone: Mapped[str | None] = field(Text, label="Teléfono", mask="phone")
    email: Mapped[str | None] = field(Text, label="Correo electrónico")
    notes: Mapped[str | None] = field(Text, label="Observaciones", long=True)
    merged_into_id: Mapped[int | None] = field(ForeignKey("employer.id"), index=True, label="Unido con")

    establishments: Mapped[list["Establishment"]] = relationship(back_populates="employer")
    merged_into: Mapped["Employer | None"] = relationship(remote_side="Employer.id")

    @property
    def ruc(self) -> str | None:
        """The RUC as it is shown, `80009735-1`."""
        return f"{self.ruc_base}-{self.ruc_dv}" if self.ruc_base else None

    @property
    def identification(self) -> str:
        """RUC, else cédula, else the word that says that nobody knows yet."""
        if self.ruc:
            return self.ruc
        return f"C.I. {format_cedula(self.document_number)}" if self.document_number else "Sin identificar"

    def __repr__(self) -> str:
        return f"{self.identification} · {self.legal_name}"


class Establishment(Identified, Stamped, Model):
    """A place of work of an employer: the head office or a branch."""

    __tablename__ = "establishment"
    lookup_columns = ("name", "branch_number", "address", "reference", "neighbourhood")
    __table_args__ = (
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="point_whole"),
        CheckConstraint(
            f"latitude BETWEEN {SOUTH} AND {NORTH} AND longitude BETWEEN {WEST} AND {EAST}", name="point"
        ),
        CheckConstraint(
            "address IS NOT NULL OR reference IS NOT NULL OR latitude IS NOT NULL", name="somewhere"
        ),
        CheckConstraint("closed_on >= opened_on", name="dates"),
        CheckConstraint("branch_number ~ '^[0-9]{1,4}$'", name="branch_number"),
        CheckConstraint("merged_into_id <> id", name="own_merge"),
        Index("ix_establishment_name_id", "name", "id"),
        Index("ix_establishment_point", "latitude", "longitude"),
        Index("ix_establishment_fold_address", text("fold(address) gin_trgm_ops"), postgresql_using="gin"),
        searchable("ix_establishment_search", *lookup_columns),
    )
    label, label_plural = "Establecimiento", "Establecimientos"
    lookup_filters = ("employer_id", "district_code")
    lookup_load = ("employer", "district")
    rules = {
        "point_whole": "El punto lleva latitud y longitud: escriba las dos o ninguna.",
        "point": "El punto está fuera del país: latitud de -27,7 a -19,2, longitud de -62,7 a -54,2.",
        "somewhere": "Indique dónde está: dirección, referencia o punto en el mapa.",
        "dates": "La fecha de cierre no puede ser anterior a la de apertura.",
        "branch_number": "El número de sucursal lleva de 1 a 4 cifras; la casa central es 0 o 001.",
        "own_merge": "Un registro no puede unirse consigo mismo.",
    }

    employer_id: Mapped[int] = field(ForeignKey("employer.id"), nullable=False, index=True, label="Empleador")
    branch_number: Mapped[str | None] = field(
        Text, label="N.º de sucursal", help="El de la constancia de RUC, por ejemplo 001."
    )
    name: Mapped[str] = field(
        Text, nullable=False, label="Nombre", help="Como se lo conoce: «Casa central», «Sucursal Luque»."
    )
    district_code: Mapped[int] = field(
        ForeignKey("district.code"), nullable=False, index=True, label="Distrito"
    )
    neighbourhood: Mapped[str | None] = field(Text, label="Barrio, compañía o localidad")
    address: Mapped[str | None] = field(Text, label="Dirección")
    reference: Mapped[str | None] = field(
        Text, label="Referencia", help="Cómo llegar, cuando la dirección no alcanza."
    )
    latitude: Mapped[Decimal | None] = field(
        Numeric(9, 6), label="Latitud", help="En grados, negativa; por ejemplo -25,286700."
    )
    longitude: Mapped[Decimal | None] = field(
        Numeric(9, 6), label="Longitud", help="En grados, negativa; por ejemplo -57,647000."
    )
    activity_code: Mapped[str | None] = field(
        ForeignKey("activity.code"), index=True, label="Actividad principal", help="CIIU Rev. 4."
    )
    second_activity_code: Mapped[str | None] = field(
        ForeignKey("activity.code"), index=True, label="Actividad secundaria"
    )
    phone: Mapped[str | None] = field(Text, label="Teléfono", mask="phone")
    email: Mapped[str | None] = field(Text, label="Correo electrónico")
    opened_on: Mapped[date | None] = field(Date, label="Abierto desde")
    closed_on: Mapped[date | None] = field(Date, label="Cerrado desde")
    provisional: Mapped[bool] = field(
        Boolean,
        nullable=False,
        default=False,
        server_default=text("false"),
        index=True,
        label="Provisorio",
        help="Sus datos se tomaron sin papeles y falta confirmarlos.",
    )
    notes: Mapped[str | None] = field(Text, label="Observaciones", long=True)
    merged_into_id: Mapped[int | None] = field(ForeignKey("establishment.id"), index=True, label="Unido con")

    employer: Mapped[Employer] = relationship(back_populates="establishments")
    district: Mapped[District] = relationship()
    activity: Mapped[Activity | None] = relationship(foreign_keys=[activity_code])
    second_activity: Mapped[Activity | None] = relationship(foreign_keys=[second_activity_code])
    merged_into: Mapped["Establishment | None"] = relationship(remote_side="Establishment.id")
    headcounts: Mapped[list["Headcount"]] = relationship(
        back_populates="establishment",
        order_by="(Headcount.as_of.desc(), Headcount.id.desc())",
    )

    @property
    def lookup_text(self) -> str:
        """Name, district and employer: forty branches are told apart."""
        return f"{self} · {self.district} · {self.employer.legal_name}"

    def __repr__(self) -> str:
        return f"{self.branch_number} · {self.name}" if self.branch_number else self.name
