"""Official documents: their kinds, their gapless number series, each document issued, and its file.

A number belongs to a series (kind and year, and office when the kind says so). A document is never deleted
and its number never changes: it is annulled with its reason, and the number is not used again. Triggers hold
that.
"""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, relationship

from app.core.base import Choice, Identified, Model, Stamped, choice_check, field
from app.models.catalogs import Office


class NumberOwner(Choice):
    """Who gives the number: this system, or somebody else whose number is typed."""

    SIS = "sis", "El sistema"
    EXTERNAL = "external", "Otra dependencia"


class SeriesScope(Choice):
    """Whether a kind has one series for the country or one for each office."""

    NATIONAL = "national", "Nacional"
    OFFICE = "office", "Por oficina"


class DocumentStatus(Choice):
    """The life of a numbered document."""

    RESERVED = "reserved", "Número reservado para la firma"
    ISSUED = "issued", "Emitido"
    ANNULLED = "annulled", "Anulado"
    USED = "used", "Usado en papel"


class SigningMode(Choice):
    """How a document is signed."""

    HANDWRITTEN = "handwritten", "De puño y letra"
    DRAWN = "drawn", "Dibujada en pantalla"
    ELECTRONIC = "electronic", "Electrónica"


class DocumentType(Stamped, Model):
    """A kind of official document: who signs it, how it is numbered."""

    __tablename__ = "document_type"
    __table_args__ = (choice_check("number_owner", NumberOwner), choice_check("series_scope", SeriesScope))
    label, label_plural = "Tipo de documento", "Tipos de documento"

    code: Mapped[str] = field(Text, primary_key=True, label="Código")
    position: Mapped[int] = field(Integer, nullable=False, label="Orden")
    title: Mapped[str] = field(Text, nullable=False, label="Título")
    stage: Mapped[str] = field(Text, nullable=False, label="Etapa")
    signer_roles: Mapped[list[str]] = field(ARRAY(Text), nullable=False, label="Firma")
    addressee: Mapped[str] = field(Text, nullable=False, label="Destinatario")
    number_owner: Mapped[str] = field(Text, nullable=False, label="Número de", choices=NumberOwner)
    series_scope: Mapped[str] = field(Text, nullable=False, label="Serie", choices=SeriesScope)
    first_number: Mapped[int] = field(Integer, nullable=False, label="Primer número")
    number_format: Mapped[str] = field(Text, nullable=False, label="Formato del número")
    signing_modes: Mapped[list[str]] = field(ARRAY(Text), nullable=False, label="Modos de firma")

    def __repr__(self) -> str:
        return f"{self.code} · {self.title}"


class NumberSeries(Identified, Stamped, Model):
    """The next number of a kind and year (and office); taken under a row lock."""

    __tablename__ = "number_series"
    __table_args__ = (
        UniqueConstraint("type_code", "year", "office_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("next_number >= 1", name="next_number"),
    )
    label, label_plural = "Serie de números", "Series de números"

    type_code: Mapped[str] = field(ForeignKey("document_type.code"), nullable=False, index=True, label="Tipo")
    year: Mapped[int] = field(Integer, nullable=False, label="Año")
    office_id: Mapped[int | None] = field(ForeignKey("office.id"), index=True, label="Oficina")
    next_number: Mapped[int] = field(Integer, nullable=False, label="Próximo número")

    def __repr__(self) -> str:
        return f"{self.type_code} {self.year}"


class StoredFile(Identified, Model):
    """A file kept by the hash of its content; the content itself is in the store, never changed."""

    __tablename__ = "stored_file"
    __table_args__ = (CheckConstraint("size > 0", name="size"),)
    label, label_plural = "Archivo", "Archivos"

    sha256: Mapped[str] = field(Text, nullable=False, unique=True, label="Huella SHA-256")
    size: Mapped[int] = field(BigInteger, nullable=False, label="Tamaño", help="En bytes.")
    content_type: Mapped[str] = field(Text, nullable=False, label="Clase de contenido")
    created_at: Mapped[datetime] = field(
        DateTime(timezone=True), nullable=False, server_default=func.now(), label="Fecha de carga"
    )

    def __repr__(self) -> str:
        return self.sha256[:12]


class Document(Identified, Stamped, Model):
    """An official document with its number: reserved, issued, annulled, or used on paper."""

    __tablename__ = "document"
    __table_args__ = (
        choice_check("status", DocumentStatus),
        CheckConstraint("signing_mode IN ('handwritten', 'drawn', 'electronic')", name="signing_mode"),
        CheckConstraint(
            "status <> 'issued' OR (file_id IS NOT NULL AND issued_at IS NOT NULL)", name="issued"
        ),
        CheckConstraint("status <> 'annulled' OR annulled_reason IS NOT NULL", name="annulled"),
        CheckConstraint("status <> 'used' OR (file_id IS NOT NULL AND used_reason IS NOT NULL)", name="used"),
        CheckConstraint("(series_id IS NULL) = (sequence IS NULL)", name="series"),
        UniqueConstraint("series_id", "sequence"),
        Index("ix_document_type_happened", "type_code", "happened_on"),
        Index("ix_document_reserved", "type_code", postgresql_where=text("status = 'reserved'")),
        Index(
            "ix_document_order_number",
            text("fold(number) gin_trgm_ops"),
            postgresql_using="gin",
            postgresql_where=text("type_code = 'OI'"),
        ),
    )
    label, label_plural = "Documento", "Documentos"
    rules = {
        "annulled": "Un documento se anula con su motivo.",
        "issued": "Un documento se emite con su archivo y su momento.",
        "used": "Un número usado en papel lleva su motivo y el escaneo.",
    }

    type_code: Mapped[str] = field(ForeignKey("document_type.code"), nullable=False, index=True, label="Tipo")
    number: Mapped[str] = field(Text, nullable=False, unique=True, label="Número")
    series_id: Mapped[int | None] = field(ForeignKey("number_series.id"), index=True, label="Serie")
    sequence: Mapped[int | None] = field(Integer, label="Número en la serie")
    office_id: Mapped[int | None] = field(ForeignKey("office.id"), index=True, label="Oficina")
    status: Mapped[str] = field(Text, nullable=False, label="Estado", choices=DocumentStatus)
    title: Mapped[str] = field(Text, nullable=False, label="Asunto")
    happened_on: Mapped[date] = field(
        Date, nullable=False, label="Fecha", help="Cuándo ocurrió el acto; nunca en el futuro."
    )
    signing_mode: Mapped[str | None] = field(Text, label="Modo de firma", choices=SigningMode)
    signatory: Mapped[str | None] = field(Text, label="Firmante", help="Nombre y cargo, como se imprimieron.")
    signed_by_id: Mapped[int | None] = field(ForeignKey("ab_user.id"), index=True, label="Firmado por")
    issued_at: Mapped[datetime | None] = field(DateTime(timezone=True), label="Emitido")
    verification_code: Mapped[str] = field(Text, nullable=False, unique=True, label="Código de verificación")
    file_id: Mapped[int | None] = field(ForeignKey("stored_file.id"), index=True, label="Archivo")
    annulled_on: Mapped[date | None] = field(Date, label="Fecha de anulación")
    annulled_reason: Mapped[str | None] = field(Text, label="Motivo de anulación")
    used_reason: Mapped[str | None] = field(Text, label="Motivo del uso en papel")
    replaced_by_id: Mapped[int | None] = field(ForeignKey("document.id"), index=True, label="Modificado por")

    type: Mapped[DocumentType] = relationship()
    office: Mapped[Office | None] = relationship()
    file: Mapped[StoredFile | None] = relationship()

    def __repr__(self) -> str:
        return self.number
