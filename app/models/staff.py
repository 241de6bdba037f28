"""The people of the procedure: inspectors, brigades, absences, posts and who holds them on a day.

Who may sign follows the post, not the account: a post has holders with dates and legal act, acting holders,
and delegations by document type and period. The block of a document prints the holder of the day.
"""

from datetime import date

from sqlalchemy import Boolean, CheckConstraint, Date, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, relationship

from app.core.base import Choice, Identified, Model, Stamped, choice_check, field, never_twice
from app.models.catalogs import Office
from app.models.security import Account

DATES = {"dates": "La fecha final no puede ser anterior a la inicial."}


def dates(start: str = "valid_from", end: str = "valid_to") -> CheckConstraint:
    """The CHECK that an interval ends after it begins."""
    return CheckConstraint(f"{end} IS NULL OR {end} >= {start}", name="dates")


class Holding(Choice):
    """In what quality somebody holds a post."""

    TITULAR = "titular", "Titular"
    ENCARGADO = "encargado", "Encargado de despacho"
    INTERINO = "interino", "Interino"


class Specialty(Choice):
    """The matter that an inspector knows best."""

    GENERAL = "general", "Condiciones generales"
    OSH = "sst", "Seguridad y salud"
    CHILD = "infantil", "Trabajo infantil y adolescente"
    DOMESTIC_RURAL = "domestico_rural", "Trabajo doméstico y rural"


class Contract(Choice):
    """The tie of an inspector with the ministry."""

    PERMANENT = "permanente", "Permanente"
    HIRED = "contratado", "Contratado"
    SECONDED = "comisionado", "Comisionado"


class Sex(Choice):
    """Sex, for the annual report of the inspectorate's staff."""

    FEMALE = "F", "Femenino"
    MALE = "M", "Masculino"


class Inspector(Identified, Stamped, Model):
    """An inspector of the ministry, with an account or without one (those of old registers)."""

    __tablename__ = "inspector"
    __table_args__ = (
        dates("active_from", "active_to"),
        choice_check("specialty", Specialty),
        choice_check("contract_type", Contract),
        choice_check("sex", Sex),
        Index(
            "ix_inspector_search",
            text("search_text(last_name, first_name, code) gin_trgm_ops"),
            postgresql_using="gin",
        ),
    )
    label, label_plural = "Inspector", "Inspectores"
    lookup_columns = ("last_name", "first_name", "code")
    rules = DATES

    code: Mapped[str] = field(Text, nullable=False, unique=True, label="Código", help="Por ejemplo INSP-01.")
    first_name: Mapped[str] = field(Text, nullable=False, label="Nombre")
    last_name: Mapped[str] = field(Text, nullable=False, label="Apellido")
    document: Mapped[str | None] = field(Text, unique=True, label="Cédula", personal=True)
    sex: Mapped[str | None] = field(Text, label="Sexo", choices=Sex)
    office_id: Mapped[int] = field(ForeignKey("office.id"), nullable=False, index=True, label="Oficina")
    account_id: Mapped[int | None] = field(
        ForeignKey("ab_user.id"), unique=True, label="Cuenta", help="Con la que entra al sistema."
    )
    specialty: Mapped[str | None] = field(Text, label="Especialidad", choices=Specialty)
    contract_type: Mapped[str | None] = field(Text, label="Vínculo", choices=Contract)
    has_vehicle: Mapped[bool] = field(
        Boolean, nullable=False, server_default=text("false"), default=False, label="Con vehículo"
    )
    active_from: Mapped[date] = field(Date, nullable=False, label="En funciones desde")
    active_to: Mapped[date | None] = field(Date, label="Hasta")

    office: Mapped[Office] = relationship()
    account: Mapped[Account | None] = relationship(foreign_keys=[account_id])

    @property
    def full_name(self) -> str:
        """Name and surname, as a document prints them."""
        return f"{self.first_name} {self.last_name}"

    def __repr__(self) -> str:
        return f"{self.code} · {self.full_name}"


class Brigade(Identified, Stamped, Model):
    """A group of inspectors that is designated together."""

    __tablename__ = "brigade"
    label, label_plural = "Brigada", "Brigadas"

    code: Mapped[str] = field(Text, nullable=False, unique=True, label="Código")
    name: Mapped[str] = field(Text, nullable=False, label="Nombre")
    office_id: Mapped[int] = field(ForeignKey("office.id"), nullable=False, index=True, label="Oficina")
    leader_id: Mapped[int | None] = field(ForeignKey("inspector.id"), index=True, label="Líder")
    shift: Mapped[bool] = field(
        Boolean, nullable=False, server_default=text("false"), default=False, label="De turno"
    )
    subject: Mapped[str | None] = field(Text, label="Materia")

    office: Mapped[Office] = relationship()
    leader: Mapped[Inspector | None] = relationship(foreign_keys=[leader_id])
    members: Mapped[list["BrigadeMember"]] = relationship(back_populates="brigade")

    def __repr__(self) -> str:
        return f"{self.code} · {self.name}"


class BrigadeMember(Identified, Stamped, Model):
    """An inspector of a brigade."""

    __tablename__ = "brigade_member"
    __table_args__ = (UniqueConstraint("brigade_id", "inspector_id"),)
    label, label_plural = "Integrante", "Integrantes"

    brigade_id: Mapped[int] = field(ForeignKey("brigade.id"), nullable=False, index=True, label="Brigada")
    inspector_id: Mapped[int] = field(
        ForeignKey("inspector.id"), nullable=False, index=True, label="Inspector"
    )

    brigade: Mapped[Brigade] = relationship(back_populates="members")
    inspector: Mapped[Inspector] = relationship()

    def __repr__(self) -> str:
        return f"{self.inspector} en {self.brigade.code}"


class Absence(Identified, Stamped, Model):
    """A period in which an inspector is not to be designated without asking."""

    __tablename__ = "absence"
    __table_args__ = (dates(), never_twice("ex_absence_apart", "inspector_id"))
    label, label_plural = "Ausencia", "Ausencias"
    rules = DATES

    inspector_id: Mapped[int] = field(
        ForeignKey("inspector.id"), nullable=False, index=True, label="Inspector"
    )
    valid_from: Mapped[date] = field(Date, nullable=False, label="Desde")
    valid_to: Mapped[date] = field(Date, nullable=False, label="Hasta")
    reason: Mapped[str] = field(Text, nullable=False, label="Motivo", help="Vacaciones, permiso, comisión.")

    inspector: Mapped[Inspector] = relationship()

    def __repr__(self) -> str:
        return f"{self.inspector}: {self.valid_from:%d/%m/%Y} a {self.valid_to:%d/%m/%Y}"


class Post(Identified, Stamped, Model):
    """A post that signs documents."""

    __tablename__ = "post"
    label, label_plural = "Cargo", "Cargos"

    code: Mapped[str] = field(Text, nullable=False, unique=True, label="Código")
    title: Mapped[str] = field(
        Text, nullable=False, label="Denominación", help="Como se imprime en la firma."
    )
    office_id: Mapped[int] = field(ForeignKey("office.id"), nullable=False, index=True, label="Oficina")
    role: Mapped[str] = field(
        Text, nullable=False, label="Función", help="Con la que firma en el procedimiento."
    )

    office: Mapped[Office] = relationship()

    def __repr__(self) -> str:
        return self.title


class PostHolder(Identified, Stamped, Model):
    """Who holds a post from a day to a day, and by which act; one at a time."""

    __tablename__ = "post_holder"
    __table_args__ = (
        choice_check("holding", Holding),
        dates(),
        never_twice("ex_post_holder_apart", "post_id"),
    )
    label, label_plural = "Titular del cargo", "Titulares de los cargos"
    rules = DATES

    post_id: Mapped[int] = field(ForeignKey("post.id"), nullable=False, index=True, label="Cargo")
    account_id: Mapped[int] = field(ForeignKey("ab_user.id"), nullable=False, index=True, label="Persona")
    holding: Mapped[str] = field(Text, nullable=False, label="Calidad", choices=Holding)
    valid_from: Mapped[date] = field(Date, nullable=False, label="Desde")
    valid_to: Mapped[date | None] = field(Date, label="Hasta")
    legal_act: Mapped[str] = field(
        Text, nullable=False, label="Acto legal", help="Decreto o resolución que lo nombra."
    )

    post: Mapped[Post] = relationship()
    account: Mapped[Account] = relationship(foreign_keys=[account_id])

    def __repr__(self) -> str:
        return f"{self.account} · {self.post}"


class Delegation(Identified, Stamped, Model):
    """The signature of a kind of document, delegated by one post to another for a period."""

    __tablename__ = "delegation"
    __table_args__ = (
        dates(),
        CheckConstraint("from_post_id <> to_post_id", name="to_another"),
        never_twice("ex_delegation_apart", "from_post_id", "document_type_code"),
    )
    label, label_plural = "Delegación de firma", "Delegaciones de firma"
    rules = {**DATES, "to_another": "La firma se delega en otro cargo."}

    from_post_id: Mapped[int] = field(ForeignKey("post.id"), nullable=False, index=True, label="Delega")
    to_post_id: Mapped[int] = field(ForeignKey("post.id"), nullable=False, index=True, label="En")
    document_type_code: Mapped[str] = field(Text, nullable=False, index=True, label="Tipo de documento")
    valid_from: Mapped[date] = field(Date, nullable=False, label="Desde")
    valid_to: Mapped[date] = field(Date, nullable=False, label="Hasta")
    legal_act: Mapped[str] = field(Text, nullable=False, label="Acto legal")

    from_post: Mapped[Post] = relationship(foreign_keys=[from_post_id])
    to_post: Mapped[Post] = relationship(foreign_keys=[to_post_id])

    def __repr__(self) -> str:
        return f"{self.document_type_code}: {self.from_post} → {self.to_post}"
