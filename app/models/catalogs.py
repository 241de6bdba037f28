"""Catalogues that the rest stands on: the territory and the offices of the ministry.

Departments and districts carry the keys of the official catalogue (DNIT/INE); the screen shows their names
with accents. An office has dated jurisdiction over districts, so that a merger never rewrites the past.
"""

from datetime import date

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, relationship

from app.core.base import Choice, Identified, Model, Stamped, choice_check, field, never_twice


class OfficeKind(Choice):
    """Whether an office is a unit of the central house or a regional office (domain: organisation)."""

    CENTRAL = "central", "Central"
    REGIONAL = "regional", "Regional"


class Department(Model):
    """A department of Paraguay, or the capital district; key of the official catalogue."""

    __tablename__ = "department"
    label, label_plural = "Departamento", "Departamentos"
    lookup_columns = ("name", "code")

    code: Mapped[int] = field(Integer, primary_key=True, autoincrement=False, label="Código")
    iso: Mapped[str] = field(Text, nullable=False, unique=True, label="Código ISO", help="ISO 3166-2.")
    name: Mapped[str] = field(Text, nullable=False, unique=True, label="Nombre")
    official_name: Mapped[str] = field(Text, nullable=False, label="Nombre oficial")
    capital: Mapped[str | None] = field(Text, label="Capital")

    def __repr__(self) -> str:
        return self.name


class District(Model):
    """A district (municipality) inside a department; key of the official catalogue."""

    __tablename__ = "district"
    __table_args__ = (UniqueConstraint("department_code", "name"),)
    label, label_plural = "Distrito", "Distritos"
    lookup_columns = ("name", "code")
    lookup_filters = ("department_code",)
    lookup_narrow = "department_code"

    code: Mapped[int] = field(Integer, primary_key=True, autoincrement=False, label="Código")
    department_code: Mapped[int] = field(
        ForeignKey("department.code"), nullable=False, index=True, label="Departamento"
    )
    name: Mapped[str] = field(Text, nullable=False, label="Nombre")
    official_name: Mapped[str] = field(Text, nullable=False, label="Nombre oficial")

    department: Mapped[Department] = relationship(lazy="joined")

    def __repr__(self) -> str:
        return f"{self.name} ({self.department.name})"


class Office(Identified, Stamped, Model):
    """A unit of the ministry: central directorate or regional labour office."""

    __tablename__ = "office"
    __table_args__ = (
        choice_check("kind", OfficeKind),
        CheckConstraint("closed_on IS NULL OR closed_on >= opened_on", name="dates"),
        CheckConstraint("parent_id IS NULL OR parent_id <> id", name="own_parent"),
        CheckConstraint("code = upper(code) AND code ~ '^[A-Z0-9-]{2,16}$'", name="code"),
        Index(
            "ix_office_name_trgm",
            text("fold(name) gin_trgm_ops"),
            postgresql_using="gin",
        ),
    )
    label, label_plural = "Oficina", "Oficinas"
    lookup_columns = ("code", "name")
    rules = {
        "dates": "La fecha de cierre no puede ser anterior a la de apertura.",
        "own_parent": "Una oficina no puede depender de sí misma.",
        "code": "La sigla lleva de 2 a 16 mayúsculas, números o guiones; por ejemplo REG-07.",
    }

    code: Mapped[str] = field(
        Text,
        nullable=False,
        unique=True,
        label="Sigla",
        help="Mayúsculas, números y guion; por ejemplo DGIFT o REG-07.",
    )
    series_code: Mapped[str | None] = field(
        Text,
        unique=True,
        label="Código de serie",
        help="Aparece en los números de documentos propios de la oficina; por ejemplo R07.",
    )
    name: Mapped[str] = field(Text, nullable=False, label="Nombre")
    kind: Mapped[str] = field(
        Text,
        nullable=False,
        label="Tipo",
        choices=OfficeKind,
    )
    parent_id: Mapped[int | None] = field(ForeignKey("office.id"), index=True, label="Depende de")
    city: Mapped[str | None] = field(Text, label="Ciudad")
    address: Mapped[str | None] = field(Text, label="Dirección")
    phone: Mapped[str | None] = field(Text, label="Teléfono", mask="phone")
    email: Mapped[str | None] = field(Text, label="Correo electrónico")
    opened_on: Mapped[date] = field(Date, nullable=False, label="Abierta desde")
    closed_on: Mapped[date | None] = field(Date, label="Cerrada desde")

    parent: Mapped["Office | None"] = relationship(remote_side="Office.id")
    jurisdictions: Mapped[list["Jurisdiction"]] = relationship(back_populates="office")

    def __repr__(self) -> str:
        return f"{self.code} · {self.name}"


class Jurisdiction(Identified, Stamped, Model):
    """The district that an office serves, from a date to a date; one office per district and day."""

    __tablename__ = "jurisdiction"
    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="dates"),
        never_twice("ex_jurisdiction_one_office", "district_code"),
    )
    label, label_plural = "Jurisdicción", "Jurisdicciones"

    office_id: Mapped[int] = field(ForeignKey("office.id"), nullable=False, index=True, label="Oficina")
    district_code: Mapped[int] = field(
        ForeignKey("district.code"), nullable=False, index=True, label="Distrito"
    )
    valid_from: Mapped[date] = field(Date, nullable=False, label="Desde")
    valid_to: Mapped[date | None] = field(Date, label="Hasta")

    office: Mapped[Office] = relationship(back_populates="jurisdictions")
    district: Mapped[District] = relationship()

    def __repr__(self) -> str:
        return f"{self.district} → {self.office.code}"


class DepartmentAlias(Model):
    """A spelling of a department in old registers; compared without case, accents or edge spaces."""

    __tablename__ = "department_alias"
    __table_args__ = (Index("uq_department_alias_folded", text("fold(alias)"), unique=True),)
    label, label_plural = "Variante de departamento", "Variantes de departamentos"

    alias: Mapped[str] = field(Text, primary_key=True, label="Texto", help="Como aparece en los registros.")
    department_code: Mapped[int] = field(
        ForeignKey("department.code"), nullable=False, index=True, label="Departamento"
    )

    department: Mapped[Department] = relationship(lazy="joined")

    def __repr__(self) -> str:
        return self.alias


class ActivityLevel(Choice):
    """The two levels of CIIU that are kept: letter and two figures."""

    SECTION = "section", "Sección"
    DIVISION = "division", "División"


class Activity(Model):
    """An economic activity of CIIU Rev. 4; codes are text (`01`)."""

    __tablename__ = "activity"
    __table_args__ = (
        choice_check("level", ActivityLevel),
        CheckConstraint("(level = 'section') = (parent_code IS NULL)", name="parent"),
        Index("ix_activity_title_trgm", text("fold(title) gin_trgm_ops"), postgresql_using="gin"),
    )
    label, label_plural = "Actividad económica", "Actividades económicas (CIIU)"
    lookup_columns = ("code", "title")
    rules = {"parent": "Una división pertenece a una sección; una sección no pertenece a otra."}

    code: Mapped[str] = field(Text, primary_key=True, label="Código", help="CIIU Rev. 4.")
    parent_code: Mapped[str | None] = field(ForeignKey("activity.code"), index=True, label="Sección")
    level: Mapped[str] = field(Text, nullable=False, label="Nivel", choices=ActivityLevel)
    title: Mapped[str] = field(Text, nullable=False, label="Título")

    parent: Mapped["Activity | None"] = relationship(remote_side="Activity.code")

    def __repr__(self) -> str:
        return f"{self.code} · {self.title}"


class ActivityAlias(Model):
    """A text of old registers that means an activity; compared without case, accents or edge spaces."""

    __tablename__ = "activity_alias"
    __table_args__ = (Index("uq_activity_alias_folded", text("fold(alias)"), unique=True),)
    label, label_plural = "Variante de actividad", "Variantes de actividades"

    alias: Mapped[str] = field(Text, primary_key=True, label="Texto", help="Como aparece en los registros.")
    activity_code: Mapped[str] = field(
        ForeignKey("activity.code"), nullable=False, index=True, label="Actividad"
    )
    source: Mapped[str | None] = field(Text, label="Origen")

    activity: Mapped[Activity] = relationship(lazy="joined")

    def __repr__(self) -> str:
        return self.alias
