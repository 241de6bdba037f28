"""Norms and the catalogue of infractions with its areas and the texts of old registers.

Serves Libro V of the Código del Trabajo (arts. 384 to 411). An infraction has a row for each period in force.
"""

from datetime import date

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, relationship

from app.core.base import Choice, Identified, Model, Stamped, choice_check, field, never_twice
from app.models.norms.dated import DATES, Dated, Verification, Verified, dated_checks


class NormKind(Choice):
    """The rank of a norm."""

    CONSTITUTION = "constitucion", "Constitución"
    CONVENTION = "convenio", "Convenio"
    LAW = "ley", "Ley"
    DECREE_LAW = "decreto_ley", "Decreto-Ley"
    DECREE = "decreto", "Decreto"
    RESOLUTION = "resolucion", "Resolución"


class NormStatus(Choice):
    """Whether a norm is in force."""

    IN_FORCE = "vigente", "Vigente"
    PARTLY = "parcialmente_derogada", "Parcialmente derogada"
    REPEALED = "derogada", "Derogada"
    UNKNOWN = "por_determinar", "Por determinar"


class Norm(Identified, Stamped, Dated, Model):
    """An instrument of law, named by a short code (`CT`, `R346`)."""

    __tablename__ = "norm"
    __table_args__ = (
        *dated_checks(),
        choice_check("kind", NormKind),
        choice_check("status", NormStatus),
        CheckConstraint("code = upper(code) AND code ~ '^[A-Z0-9-]{2,16}$'", name="code"),
        Index("ix_norm_title_trgm", text("fold(title) gin_trgm_ops"), postgresql_using="gin"),
    )
    label, label_plural = "Norma", "Normas"
    rules = {
        "dates": DATES,
        "code": "La sigla lleva de 2 a 16 mayúsculas, números o guiones; por ejemplo R346.",
    }

    code: Mapped[str] = field(
        Text, nullable=False, unique=True, label="Sigla", help="Corta, para citarla; por ejemplo CT o R346."
    )
    kind: Mapped[str] = field(Text, nullable=False, label="Tipo", choices=NormKind)
    number: Mapped[str | None] = field(Text, label="Número", help="Como se cita; por ejemplo 346/2024.")
    title: Mapped[str] = field(Text, nullable=False, label="Título")
    dated: Mapped[date | None] = field(
        Date, label="Fecha", help="De la firma o promulgación; vacía si no se conoce."
    )
    status: Mapped[str] = field(Text, nullable=False, label="Estado", choices=NormStatus)

    def __repr__(self) -> str:
        return f"{self.code} · {self.title}"


class InfractionArea(Verified, Model):
    """A group of infractions (`REG`, `SAL`)."""

    __tablename__ = "infraction_area"
    __table_args__ = (
        choice_check("verification", Verification),
        CheckConstraint("code ~ '^[A-Z]{2,6}$'", name="code"),
        CheckConstraint("position > 0", name="position"),
    )
    label, label_plural = "Área de infracciones", "Áreas de infracciones"
    rules = {
        "code": "La sigla lleva de 2 a 6 mayúsculas; por ejemplo SAL.",
        "position": "El orden empieza en 1.",
    }

    code: Mapped[str] = field(Text, primary_key=True, label="Sigla", help="De 2 a 6 mayúsculas.")
    position: Mapped[int] = field(
        Integer, nullable=False, label="Orden", help="Lugar en listas y documentos."
    )
    title: Mapped[str] = field(Text, nullable=False, unique=True, label="Nombre")

    def __repr__(self) -> str:
        return f"{self.code} · {self.title}"


class Severity(Choice):
    """How serious an infraction is: a classification of the ministry, not of the Code."""

    MINOR = "leve", "Leve"
    SERIOUS = "grave", "Grave"
    VERY_SERIOUS = "muy_grave", "Muy grave"


class Basis(Choice):
    """What the fine is multiplied by (Código del Trabajo, art. 385)."""

    PER_WORKER = "per_worker", "Por trabajador afectado"
    PER_OBLIGATION = "per_obligation", "Por obligación incumplida"


class Infraction(Identified, Stamped, Dated, Model):
    """An infraction as it stood from a date to a date; its fine is a range of day wages."""

    __tablename__ = "infraction"
    __table_args__ = (
        *dated_checks(),
        choice_check("severity", Severity),
        choice_check("severity_verification", Verification),
        choice_check("article_verification", Verification),
        choice_check("basis", Basis),
        CheckConstraint("code ~ '^[A-Z]{2,6}-[0-9]{2,3}$'", name="code"),
        CheckConstraint("day_wages_min BETWEEN 1 AND 10000", name="day_wages_min"),
        CheckConstraint("day_wages_max BETWEEN day_wages_min AND 10000", name="day_wages_max"),
        UniqueConstraint("code", "valid_from"),
        never_twice("ex_infraction_one_in_force", "code"),
        Index("ix_infraction_title_trgm", text("fold(title) gin_trgm_ops"), postgresql_using="gin"),
    )
    label, label_plural = "Infracción", "Infracciones"
    rules = {
        "dates": DATES,
        "code": "El código lleva la sigla del área, un guion y dos o tres cifras; por ejemplo SAL-05.",
        "day_wages_min": "El mínimo va de 1 a 10.000 jornales.",
        "day_wages_max": "El máximo no puede ser menor que el mínimo.",
    }
    frozen = frozenset(
        {
            "code",
            "area_code",
            "title",
            "severity",
            "day_wages_min",
            "day_wages_max",
            "basis",
            "doubles_on_repeat",
            "remediable",
            "mandatory_referral",
            "stoppage_proposed",
            "valid_from",
        }
    )

    code: Mapped[str] = field(Text, nullable=False, label="Código", help="Área y número; por ejemplo SAL-05.")
    area_code: Mapped[str] = field(
        ForeignKey("infraction_area.code"), nullable=False, index=True, label="Área"
    )
    title: Mapped[str] = field(Text, nullable=False, label="Título")
    article: Mapped[str | None] = field(
        Text, label="Norma incumplida", help="La obligación que no se cumplió."
    )
    article_verification: Mapped[str] = field(
        Text, nullable=False, label="Verificación de la norma incumplida", choices=Verification
    )
    severity: Mapped[str] = field(Text, nullable=False, label="Gravedad", choices=Severity)
    severity_verification: Mapped[str] = field(
        Text, nullable=False, label="Verificación de la gravedad", choices=Verification
    )
    day_wages_min: Mapped[int] = field(Integer, nullable=False, label="Jornales, mínimo")
    day_wages_max: Mapped[int] = field(Integer, nullable=False, label="Jornales, máximo")
    basis: Mapped[str] = field(
        Text, nullable=False, label="La multa se cuenta", help="Código del Trabajo, art. 385.", choices=Basis
    )
    doubles_on_repeat: Mapped[bool] = field(
        Boolean, nullable=False, server_default=text("true"), label="Se duplica si hay reincidencia"
    )
    remediable: Mapped[bool] = field(
        Boolean, nullable=False, server_default=text("true"), label="Se puede regularizar antes del sumario"
    )
    mandatory_referral: Mapped[bool] = field(
        Boolean, nullable=False, server_default=text("false"), label="Derivación obligatoria"
    )
    stoppage_proposed: Mapped[bool] = field(
        Boolean, nullable=False, server_default=text("false"), label="Propone paralización de tareas"
    )

    area: Mapped[InfractionArea] = relationship(lazy="joined", innerjoin=True)

    def __repr__(self) -> str:
        return f"{self.code} · {self.title}"


class Confidence(Choice):
    """How sure it is that a text of old registers means the infraction."""

    HIGH = "alta", "Alta"
    MEDIUM = "media", "Media"
    NONE = "nula", "Nula: decide una persona"


class InfractionAlias(Identified, Stamped, Model):
    """A text of old registers that means an infraction; compared without case, accents or edge spaces."""

    __tablename__ = "infraction_alias"
    __table_args__ = (
        choice_check("confidence", Confidence),
        CheckConstraint("(infraction_code IS NULL) = (confidence = 'nula')", name="confidence_fits"),
        Index("uq_infraction_alias_folded", text("fold(alias)"), unique=True),
        Index("ix_infraction_alias_code", "infraction_code"),
        Index("ix_infraction_alias_trgm", text("fold(alias) gin_trgm_ops"), postgresql_using="gin"),
    )
    label, label_plural = "Alias de infracción", "Alias de infracciones"
    rules = {
        "confidence_fits": "Sin infracción la confianza es «Nula»; con infracción es «Alta» o «Media».",
        "infraction_code": "Ninguna infracción tiene este código. Búsquelo en la lista de infracciones.",
    }

    alias: Mapped[str] = field(
        Text,
        nullable=False,
        label="Texto",
        help="Como aparece en los registros; no importan mayúsculas ni acentos.",
    )
    infraction_code: Mapped[str | None] = field(
        Text, label="Código de la infracción", help="Por ejemplo SAL-05; vacío si debe decidir una persona."
    )
    confidence: Mapped[str] = field(Text, nullable=False, label="Confianza", choices=Confidence)
    source: Mapped[str | None] = field(Text, label="Origen")
    note: Mapped[str | None] = field(Text, label="Observación", long=True)

    def __repr__(self) -> str:
        return self.alias
