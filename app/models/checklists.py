"""Checklists as rows: a version with its sections and questions, frozen by the database once published.

"Cumple" is the good answer of every question; "No cumple" opens a finding with the question's infraction.
"""

from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
)
from sqlalchemy import (
    text as sql,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, relationship

from app.core.base import Choice, Identified, Model, Stamped, choice_check, field, never_twice
from app.models.norms import Dated
from app.models.norms.dated import DATES, dated_checks


class Checklist(Model):
    """A checklist through all its versions (`CL-GEN`)."""

    __tablename__ = "checklist"
    __table_args__ = (CheckConstraint("code ~ '^[A-Z0-9-]{2,16}$'", name="code"),)
    label, label_plural = "Lista de control", "Listas de control"
    rules = {"code": "El código lleva de 2 a 16 mayúsculas, números o guiones; por ejemplo CL-GEN."}

    code: Mapped[str] = field(Text, primary_key=True, label="Código")
    title: Mapped[str] = field(Text, nullable=False, label="Título")

    def __repr__(self) -> str:
        return f"{self.code} · {self.title}"


class ChecklistStatus(Choice):
    """A draft is edited, a published version is used and frozen, a retired one is kept."""

    DRAFT = "draft", "Borrador"
    PUBLISHED = "published", "Publicada"
    RETIRED = "retired", "Retirada"


class ChecklistVersion(Identified, Stamped, Dated, Model):
    """One version of a checklist; at most one published version of each is in force on a day."""

    __tablename__ = "checklist_version"
    __table_args__ = (
        *dated_checks(),
        choice_check("status", ChecklistStatus),
        CheckConstraint("number > 0", name="number"),
        UniqueConstraint("checklist_code", "number"),
        never_twice("ex_checklist_version_one_published", "checklist_code", where="status = 'published'"),
    )
    label, label_plural = "Lista de control", "Listas de control"
    rules = {
        "dates": DATES,
        "number": "El número de versión empieza en 1.",
        "frozen": "Una versión publicada no se modifica: prepare una versión nueva en borrador.",
    }

    checklist_code: Mapped[str] = field(
        ForeignKey("checklist.code"), nullable=False, index=True, label="Lista de control"
    )
    number: Mapped[int] = field(Integer, nullable=False, label="N.º de versión")
    status: Mapped[str] = field(
        Text,
        nullable=False,
        server_default=sql("'draft'"),
        default="draft",
        label="Estado",
        choices=ChecklistStatus,
    )

    checklist: Mapped[Checklist] = relationship(lazy="joined", innerjoin=True)
    sections: Mapped[list["ChecklistSection"]] = relationship(
        back_populates="parent", order_by="ChecklistSection.number"
    )

    def __repr__(self) -> str:
        return f"{self.checklist}, versión {self.number}"


class ChecklistSection(Identified, Model):
    """A titled group of questions."""

    __tablename__ = "checklist_section"
    __table_args__ = (
        CheckConstraint("number > 0", name="number"),
        UniqueConstraint("version_id", "number"),
        UniqueConstraint("version_id", "id"),
    )
    label, label_plural = "Sección de lista de control", "Secciones de listas de control"
    rules = {"number": "El orden empieza en 1.", "frozen": ChecklistVersion.rules["frozen"]}

    version_id: Mapped[int] = field(
        ForeignKey("checklist_version.id"), nullable=False, index=True, label="Versión"
    )
    number: Mapped[int] = field(Integer, nullable=False, label="Orden")
    title: Mapped[str] = field(Text, nullable=False, label="Título")

    parent: Mapped[ChecklistVersion] = relationship(back_populates="sections")
    questions: Mapped[list["ChecklistQuestion"]] = relationship(
        back_populates="section",
        order_by="ChecklistQuestion.number",
        foreign_keys="ChecklistQuestion.section_id",
    )

    def __repr__(self) -> str:
        return f"{self.number}. {self.title}"


class Evidence(Choice):
    """What an answer needs beside it."""

    NONE = "none", "Ninguna"
    PHOTO = "photo", "Foto"
    DOCUMENT = "document", "Documento"


class AnswerType(Choice):
    """How a question is answered; so far only with the four answers of compliance."""

    COMPLIANCE = "compliance", "Cumple / No cumple / No aplica / No verificado"


class QuestionScope(Choice):
    """The kind of work that a question is about."""

    DOMESTIC = "domestic", "Trabajo doméstico"
    RURAL = "rural", "Trabajo rural"


class ChecklistQuestion(Identified, Model):
    """A question, worded so that "Cumple" is plainly good."""

    __tablename__ = "checklist_question"
    __table_args__ = (
        ForeignKeyConstraint(
            ["version_id", "section_id"], ["checklist_section.version_id", "checklist_section.id"]
        ),
        choice_check("evidence", Evidence),
        choice_check("answer_type", AnswerType),
        choice_check("scope", QuestionScope),
        CheckConstraint("weight BETWEEN 1 AND 3", name="weight"),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("show_if IS NULL OR jsonb_typeof(show_if) = 'object'", name="show_if"),
        UniqueConstraint("version_id", "code"),
        Index("ix_checklist_question_section", "section_id", "version_id"),
        Index("ix_checklist_question_infraction_code", "infraction_code"),
    )
    label, label_plural = "Pregunta de lista de control", "Preguntas de listas de control"
    rules = {
        "weight": "El peso va de 1 a 3.",
        "number": "El orden empieza en 1.",
        "show_if": "La condición no tiene la forma esperada.",
        "infraction_code": "Ninguna infracción tiene este código. Búsquelo en la lista de infracciones.",
        "frozen": ChecklistVersion.rules["frozen"],
    }

    version_id: Mapped[int] = field(Integer, nullable=False, label="Versión")
    section_id: Mapped[int] = field(Integer, nullable=False, label="Sección")
    number: Mapped[int] = field(Integer, nullable=False, label="Orden", help="Dentro de la lista.")
    code: Mapped[str] = field(Text, nullable=False, label="Código")
    text: Mapped[str] = field(
        Text, nullable=False, label="Pregunta", help="De modo que «Cumple» sea lo correcto.", long=True
    )
    infraction_code: Mapped[str | None] = field(
        Text, label="Infracción", help="La que abre la respuesta «No cumple»."
    )
    weight: Mapped[int] = field(
        Integer, nullable=False, server_default=sql("1"), default=1, label="Peso", help="De 1 a 3."
    )
    evidence: Mapped[str] = field(
        Text,
        nullable=False,
        server_default=sql("'none'"),
        default="none",
        label="Evidencia",
        choices=Evidence,
    )
    answer_type: Mapped[str] = field(
        Text,
        nullable=False,
        server_default=sql("'compliance'"),
        default="compliance",
        label="Tipo de respuesta",
        choices=AnswerType,
    )
    show_if: Mapped[dict[str, Any] | None] = field(
        JSONB(none_as_null=True), label="Se pregunta si", help="Condición; sin ella se pregunta siempre."
    )
    scope: Mapped[str | None] = field(Text, label="Ámbito", choices=QuestionScope)
    help: Mapped[str | None] = field(Text, label="Ayuda", long=True)

    section: Mapped[ChecklistSection] = relationship(back_populates="questions", foreign_keys=[section_id])

    def __repr__(self) -> str:
        return f"{self.code} · {self.text}"
