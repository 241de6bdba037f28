"""Visits: what was found at the door, the answers, the counts of workers, the signatures, the acta."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, relationship

from app.core.base import Choice, Identified, Model, Stamped, choice_check, field
from app.models.catalogs import Office
from app.models.checklists import ChecklistQuestion, QuestionScope
from app.models.documents import Document, SigningMode, StoredFile
from app.models.inspections.orders import InspectionOrder
from app.models.procedures import Procedural, state_checks
from app.models.registry import Establishment
from app.models.staff import Inspector


class VisitKind(Choice):
    """Kinds of visit."""

    INITIAL = "INICIAL", "Inicial"
    CONTINUATION = "CONTINUACION", "Continuación"
    VERIFICATION = "VERIFICACION", "Verificación"
    ACCIDENT = "ACCIDENTE", "Por accidente"
    OPERATION = "OPERATIVO", "Operativo"
    DOCUMENTARY = "DOCUMENTAL", "Documental, en la oficina"


class AnnexStatus(Choice):
    """Whether DGIFT ratified the annex that names the establishment (working rule 10)."""

    PENDING = "pending", "Pendiente de ratificación"
    RATIFIED = "ratified", "Ratificado"


class CopyMeans(Choice):
    """How the employer got his copy of the acta."""

    PAPER = "paper", "En papel, en el acto"
    PDF = "pdf", "En PDF, por correo"
    CODE = "code", "Por código de retiro"


class Visit(Identified, Stamped, Procedural, Model):
    """A presence at an establishment under an order, ended by an acta. Imported history has no order."""

    __tablename__ = "visit"
    process = "visit"
    __table_args__ = (
        *state_checks("visit"),
        ForeignKeyConstraint(
            ["order_id", "version_code"], ["inspection_order.id", "inspection_order.version_code"]
        ),
        UniqueConstraint("id", "version_code"),
        UniqueConstraint("order_id", "number"),
        choice_check("kind", VisitKind),
        choice_check("annex", AnnexStatus),
        choice_check("copy_means", CopyMeans),
        choice_check("work_domain", QuestionScope),
        CheckConstraint("order_id IS NOT NULL OR version_code = 'historico'", name="order"),
        CheckConstraint("ended_at IS NULL OR ended_at >= started_at", name="hours"),
        CheckConstraint("latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="position"),
        Index("ix_visit_order_version", "order_id", "version_code"),
        Index("ix_visit_state", "version_code", "process_code", "state"),
        Index("ix_visit_office_happened", "office_id", "happened_on"),
        Index("ix_visit_establishment_happened", "establishment_id", "happened_on"),
    )
    label, label_plural = "Visita", "Visitas"
    rules = {
        "hours": "La visita termina antes de empezar: corrija las horas.",
        "position": "La posición no es un punto del mapa: revise latitud y longitud.",
    }

    order_id: Mapped[int | None] = field(Integer, label="Orden")
    office_id: Mapped[int] = field(ForeignKey("office.id"), nullable=False, label="Oficina")
    establishment_id: Mapped[int | None] = field(
        ForeignKey("establishment.id"), label="Establecimiento", help="En una orden de turno, en la puerta."
    )
    kind: Mapped[str] = field(Text, nullable=False, label="Tipo de visita", choices=VisitKind)
    number: Mapped[int] = field(
        Integer, nullable=False, default=1, server_default=text("1"), label="N.º de visita"
    )
    planned_on: Mapped[date | None] = field(Date, label="Programada para")
    happened_on: Mapped[date | None] = field(Date, label="Fecha de la visita")
    started_at: Mapped[datetime | None] = field(DateTime(timezone=True), label="Inicio")
    ended_at: Mapped[datetime | None] = field(DateTime(timezone=True), label="Fin")
    latitude: Mapped[Decimal | None] = field(Numeric(9, 6), label="Latitud")
    longitude: Mapped[Decimal | None] = field(Numeric(9, 6), label="Longitud")
    accuracy: Mapped[int | None] = field(Integer, label="Precisión", help="En metros.")
    attended_by: Mapped[str | None] = field(Text, label="Atendió la visita", personal=True)
    attended_document: Mapped[str | None] = field(Text, label="Documento de quien atendió", personal=True)
    attended_post: Mapped[str | None] = field(Text, label="Cargo de quien atendió")
    workers_representative: Mapped[str | None] = field(
        Text, label="Representante de los trabajadores", personal=True
    )
    work_domain: Mapped[str | None] = field(
        Text, label="Ámbito", choices=QuestionScope, help="En trabajo doméstico o rural."
    )
    live_in: Mapped[bool] = field(
        Boolean,
        nullable=False,
        default=False,
        server_default=text("false"),
        label="Sin retiro",
        help="La persona trabajadora vive en el lugar.",
    )
    unhealthy_work: Mapped[bool] = field(
        Boolean, nullable=False, default=False, server_default=text("false"), label="Trabajo insalubre"
    )
    documents_seen: Mapped[str | None] = field(
        Text, label="Documentos vistos", help="Uno por línea.", long=True
    )
    documents_requested: Mapped[str | None] = field(
        Text, label="Documentos requeridos", help="Uno por línea.", long=True
    )
    narrative: Mapped[str | None] = field(Text, label="Relato de lo constatado", long=True)
    employer_statement: Mapped[str | None] = field(
        Text, label="Manifestaciones de la parte empleadora", long=True
    )
    workers_statement: Mapped[str | None] = field(
        Text, label="Manifestaciones de los trabajadores", help="Sin nombres.", long=True
    )
    copy_means: Mapped[str | None] = field(Text, label="Entrega de la copia", choices=CopyMeans)
    annex: Mapped[str | None] = field(Text, label="Anexo de establecimiento", choices=AnnexStatus)
    captured_on_device: Mapped[bool] = field(
        Boolean, nullable=False, default=False, server_default=text("false"), label="Capturada en el momento"
    )
    document_id: Mapped[int | None] = field(ForeignKey("document.id"), index=True, label="Acta")
    historical_order: Mapped[str | None] = field(Text, label="Orden, en el registro histórico")
    historical_act: Mapped[str | None] = field(Text, label="Acta, en el registro histórico")
    historical_result: Mapped[str | None] = field(Text, label="Resultado, en el registro histórico")
    historical_inspectors: Mapped[str | None] = field(Text, label="Inspectores, en el registro histórico")

    order: Mapped[InspectionOrder | None] = relationship(
        foreign_keys=[order_id], primaryjoin="Visit.order_id == InspectionOrder.id", backref="visits"
    )
    office: Mapped[Office] = relationship()
    establishment: Mapped[Establishment | None] = relationship()
    document: Mapped[Document | None] = relationship(foreign_keys=[document_id])
    inspectors: Mapped[list["VisitInspector"]] = relationship(
        back_populates="visit", order_by="VisitInspector.id"
    )
    headcounts: Mapped[list["VisitHeadcount"]] = relationship(
        back_populates="visit", order_by="VisitHeadcount.id"
    )
    answers: Mapped[list["Answer"]] = relationship(back_populates="visit")
    signatures: Mapped[list["VisitSignature"]] = relationship(
        back_populates="visit", order_by="VisitSignature.id"
    )
    files: Mapped[list["VisitFile"]] = relationship(back_populates="visit", order_by="VisitFile.id")

    def __repr__(self) -> str:
        if self.historical_act:
            return f"Acta {self.historical_act}"
        return f"{self.order.number if self.order else 'Visita'} · visita {self.number}"


class VisitInspector(Identified, Stamped, Model):
    """A designated inspector at a visit: present and signing, or absent with his reason (working rule 11)."""

    __tablename__ = "visit_inspector"
    __table_args__ = (
        UniqueConstraint("visit_id", "inspector_id"),
        choice_check("signing_mode", SigningMode),
        CheckConstraint("signed_at IS NULL OR present", name="present"),
    )
    label, label_plural = "Inspector en la visita", "Inspectores en la visita"
    rules = {"present": "Solo firma quien estuvo presente."}

    visit_id: Mapped[int] = field(ForeignKey("visit.id"), nullable=False, index=True, label="Visita")
    inspector_id: Mapped[int] = field(
        ForeignKey("inspector.id"), nullable=False, index=True, label="Inspector"
    )
    present: Mapped[bool] = field(
        Boolean, nullable=False, default=True, server_default=text("true"), label="Presente"
    )
    absence_reason: Mapped[str | None] = field(Text, label="Motivo de la ausencia")
    signed_at: Mapped[datetime | None] = field(DateTime(timezone=True), label="Firmó")
    signing_mode: Mapped[str | None] = field(Text, label="Modo de firma", choices=SigningMode)
    signature_file_id: Mapped[int | None] = field(
        ForeignKey("stored_file.id"), index=True, label="Firma dibujada"
    )
    confirmed_at: Mapped[datetime | None] = field(
        DateTime(timezone=True),
        label="Confirmó con su usuario",
        help="Quien firmó en el dispositivo de un colega confirma después.",
    )

    visit: Mapped[Visit] = relationship(back_populates="inspectors")
    inspector: Mapped[Inspector] = relationship()
    signature_file: Mapped[StoredFile | None] = relationship()

    def __repr__(self) -> str:
        return str(self.inspector)


class HeadcountGroup(Choice):
    """The groups of workers that an acta counts."""

    TOTAL = "TOTAL", "Total"
    ADOLESCENTS = "ADOLESCENTES", "Adolescentes"
    FOREIGNERS = "EXTRANJEROS", "Extranjeros"
    DISABLED = "DISCAPACIDAD", "Con discapacidad"
    INSURED = "IPS", "Con IPS"
    CONTRACT = "CONTRATO", "Con contrato escrito"


class VisitHeadcount(Identified, Stamped, Model):
    """How many workers of a group were there."""

    __tablename__ = "visit_headcount"
    __table_args__ = (
        UniqueConstraint("visit_id", "group_code"),
        choice_check("group_code", HeadcountGroup),
        CheckConstraint("men >= 0 AND women >= 0", name="counts"),
    )
    label, label_plural = "Cantidad de trabajadores", "Cantidades de trabajadores"
    rules = {"counts": "Las cantidades no pueden ser negativas."}

    visit_id: Mapped[int] = field(ForeignKey("visit.id"), nullable=False, index=True, label="Visita")
    group_code: Mapped[str] = field(Text, nullable=False, label="Grupo", choices=HeadcountGroup)
    men: Mapped[int] = field(Integer, nullable=False, label="Hombres")
    women: Mapped[int] = field(Integer, nullable=False, label="Mujeres")

    visit: Mapped[Visit] = relationship(back_populates="headcounts")

    def __repr__(self) -> str:
        return f"{self.group_code}: {self.men + self.women}"


class AnswerValue(Choice):
    """The answers to a question (working rule 12)."""

    COMPLIES = "CUMPLE", "Cumple"
    FAILS = "NO_CUMPLE", "No cumple"
    NOT_APPLICABLE = "NO_APLICA", "No aplica"
    UNVERIFIED = "NO_VERIFICADO", "No verificado"


class Answer(Identified, Stamped, Model):
    """The answer to a question of the order's checklist."""

    __tablename__ = "answer"
    __table_args__ = (
        UniqueConstraint("visit_id", "question_id"),
        choice_check("value", AnswerValue),
        CheckConstraint("affected_workers >= 0", name="affected_workers"),
    )
    label, label_plural = "Respuesta", "Respuestas"
    rules = {"affected_workers": "La cantidad de trabajadores no puede ser negativa."}

    visit_id: Mapped[int] = field(ForeignKey("visit.id"), nullable=False, label="Visita")
    question_id: Mapped[int] = field(
        ForeignKey("checklist_question.id"), nullable=False, index=True, label="Pregunta"
    )
    value: Mapped[str] = field(Text, nullable=False, label="Respuesta", choices=AnswerValue)
    note: Mapped[str | None] = field(Text, label="Observación", long=True)
    affected_workers: Mapped[int | None] = field(Integer, label="Trabajadores afectados")

    visit: Mapped[Visit] = relationship(back_populates="answers")
    question: Mapped[ChecklistQuestion] = relationship()

    def __repr__(self) -> str:
        return f"{self.question_id}: {self.value}"


class Party(Choice):
    """Who signs an acta beside the inspectors."""

    EMPLOYER = "employer", "Por la parte empleadora"
    WORKERS = "workers", "Por los trabajadores"
    WITNESS = "witness", "Testigo"


class VisitSignature(Identified, Stamped, Model):
    """The signature, or its refusal, of somebody who is no inspector."""

    __tablename__ = "visit_signature"
    __table_args__ = (
        choice_check("party", Party),
        choice_check("signing_mode", SigningMode),
        CheckConstraint("(signed_at IS NULL) <> (refusal IS NULL)", name="signed_or_refused"),
    )
    label, label_plural = "Firma", "Firmas"
    rules = {"signed_or_refused": "Registre la firma o la negativa, no ambas."}

    visit_id: Mapped[int] = field(ForeignKey("visit.id"), nullable=False, index=True, label="Visita")
    party: Mapped[str] = field(Text, nullable=False, label="Parte", choices=Party)
    name: Mapped[str] = field(Text, nullable=False, label="Nombre y apellido", personal=True)
    document_number: Mapped[str | None] = field(Text, label="Documento", personal=True)
    post: Mapped[str | None] = field(Text, label="Cargo")
    signed_at: Mapped[datetime | None] = field(DateTime(timezone=True), label="Firmó")
    signing_mode: Mapped[str | None] = field(Text, label="Modo de firma", choices=SigningMode)
    signature_file_id: Mapped[int | None] = field(
        ForeignKey("stored_file.id"), index=True, label="Firma dibujada"
    )
    refusal: Mapped[str | None] = field(Text, label="Motivo de la negativa a firmar")

    visit: Mapped[Visit] = relationship(back_populates="signatures")
    signature_file: Mapped[StoredFile | None] = relationship()

    def __repr__(self) -> str:
        return self.name


class VisitFile(Identified, Stamped, Model):
    """A photograph or a document taken at a visit, as evidence of an answer or of the visit as a whole."""

    __tablename__ = "visit_file"
    __table_args__ = (CheckConstraint("length(sha256_original) = 64", name="sha256_original"),)
    label, label_plural = "Prueba", "Pruebas"

    visit_id: Mapped[int] = field(ForeignKey("visit.id"), nullable=False, index=True, label="Visita")
    question_id: Mapped[int | None] = field(ForeignKey("checklist_question.id"), index=True, label="Pregunta")
    file_id: Mapped[int] = field(ForeignKey("stored_file.id"), nullable=False, index=True, label="Archivo")
    caption: Mapped[str] = field(Text, nullable=False, label="Descripción")
    sha256_original: Mapped[str] = field(
        Text, nullable=False, label="Huella del original", help="SHA-256 de lo que se recibió."
    )
    taken_at: Mapped[datetime | None] = field(DateTime(timezone=True), label="Tomada")
    withdrawn_reason: Mapped[str | None] = field(
        Text, label="Motivo del retiro", help="Una prueba no se borra: se retira."
    )

    visit: Mapped[Visit] = relationship(back_populates="files")
    file: Mapped[StoredFile] = relationship()

    def __repr__(self) -> str:
        return self.caption


class ActaCorrection(Identified, Stamped, Model):
    """A correction of a signed acta by an acta complementaria (working rule 6)."""

    __tablename__ = "acta_correction"
    __table_args__ = (CheckConstraint("says <> should_say", name="differs"),)
    label, label_plural = "Corrección del acta", "Correcciones del acta"
    rules = {"differs": "Lo que dice y lo que debe decir son iguales."}

    visit_id: Mapped[int] = field(ForeignKey("visit.id"), nullable=False, index=True, label="Visita")
    document_id: Mapped[int] = field(
        ForeignKey("document.id"), nullable=False, index=True, label="Acta complementaria"
    )
    target: Mapped[str | None] = field(
        Text, label="Dato", help="El dato corregido: los informes usan el valor nuevo y guardan el primero."
    )
    says: Mapped[str] = field(Text, nullable=False, label="Dice", long=True)
    should_say: Mapped[str] = field(Text, nullable=False, label="Debe decir", long=True)
    reason: Mapped[str] = field(Text, nullable=False, label="Motivo", long=True)

    visit: Mapped[Visit] = relationship()
    document: Mapped[Document] = relationship()

    def __repr__(self) -> str:
        return f"{self.says[:30]} → {self.should_say[:30]}"
