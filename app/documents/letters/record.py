"""The records of visits (actas), and the one that corrects another. Interviews are never part of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from app.documents.letters.frame import Employer, Establishment, Letter, Person, Signature


@dataclass(frozen=True)
class Headcount:
    """A line of the count of workers: `group` and its numbers, None when it was not counted."""

    group: (
        str  # "Total", "Adolescentes", "Extranjeros", "Con discapacidad", "Con IPS", "Con contrato escrito"
    )
    men: int | None = None
    women: int | None = None
    total: int | None = None


@dataclass(frozen=True)
class Finding:
    """A breach found: what, by which norm, how many workers, until when."""

    facts: str  # hechos constatados
    norm: str  # norma infringida
    severity: str | None = None  # gravedad
    affected: int | None = None  # trabajadores afectados
    code: str | None = None  # código de la infracción
    evidence: str | None = None  # medio de prueba


@dataclass(frozen=True)
class Answer:
    """An answer of the checklist, as it is printed."""

    question: str
    answer: str  # "Cumple", "No cumple", "No aplica", "No verificado"
    remark: str | None = None


@dataclass(frozen=True)
class Measure:
    """An immediate measure (medida), with its state."""

    text: str  # medida
    state: str  # DISPUESTA, RATIFICADA, LEVANTADA, in words
    ground: str | None = None  # fundamento


@dataclass(frozen=True)
class Photo:
    """A photograph: `image` is its id among the images, `digest` the SHA-256 of the original."""

    image: str
    caption: str
    digest: str
    taken_at: datetime | None = None


@dataclass(frozen=True)
class RecordLetter(Letter):
    """Acta de inspección (ACT-INS), with the fields of 6.4. Interviews are never part of it."""

    order_number: str  # orden de inspección
    order_date: date
    visit_kind: str  # tipo de visita: "Inicial", "Continuación", "Verificación"
    started_at: datetime  # fecha y hora de inicio
    ended_at: datetime | None  # hora de finalización
    employer: Employer
    establishment: Establishment
    inspectors: tuple[Person, ...]
    signatures: tuple[Signature, ...]  # inspectores, parte empleadora, trabajadores, testigos
    position: str | None = None  # GPS: "-25.28220, -57.63510 (± 12 m)"
    attended_by: Person | None = None  # persona que atiende
    workers_representative: Person | None = None  # representante de los trabajadores
    headcounts: tuple[Headcount, ...] = ()  # trabajadores
    documents_seen: tuple[str, ...] = ()  # documentos vistos
    documents_requested: tuple[str, ...] = ()  # documentos requeridos
    documents_due: date | None = None  # plazo documental: vence
    answers: tuple[Answer, ...] = ()  # lista de verificación
    findings: tuple[Finding, ...] = ()  # hallazgos
    measures: tuple[Measure, ...] = ()  # medidas
    narrative: str | None = None  # relato
    employer_statement: str | None = None  # manifestaciones de la parte empleadora
    workers_statement: str | None = None  # manifestaciones de los trabajadores
    photos: tuple[Photo, ...] = ()  # fotografías
    copies: int = 2  # ejemplares
    copy_means: str | None = None  # cómo se entrega la copia
    entered_late: str | None = None  # "cargado después": motivo


# ACT-NEG


@dataclass(frozen=True)
class Attempt:
    """Something that the inspectors tried, and what came of it."""

    action: str  # diligencia: "Se llama a la puerta", "Se consulta a vecinos"
    result: str  # resultado
    at: datetime | None = None  # fecha y hora


@dataclass(frozen=True)
class FailedVisitLetter(Letter):
    """Acta negativa (ACT-NEG): the visit could not be made, without anybody's opposition."""

    order_number: str
    order_date: date
    started_at: datetime
    ended_at: datetime | None
    cause: str  # causa: "Local cerrado", "Domicilio inexistente o equivocado"
    establishment: Establishment  # domicilio de la orden
    attempts: tuple[Attempt, ...]  # diligencias practicadas
    inspectors: tuple[Person, ...]
    signatures: tuple[Signature, ...]
    employer: Employer | None = None  # None when the order names none
    position: str | None = None  # GPS
    found: str | None = None  # lo que se observó en el lugar
    notice_left: str | None = None  # aviso dejado
    next_step: str | None = None  # lo que se propone
    photos: tuple[Photo, ...] = ()
    copies: int = 1  # ejemplares
    entered_late: str | None = None  # "cargado después": motivo


# ACT-OBS


@dataclass(frozen=True)
class ObstructionLetter(Letter):
    """Acta de obstrucción (ACT-OBS): what was prevented, by whom, before whom."""

    order_number: str
    order_date: date
    started_at: datetime
    ended_at: datetime | None
    form: str  # modalidad: "Negativa de ingreso", "Ocultamiento de documentos"
    facts: str  # hechos
    obstructors: tuple[Person, ...]  # quienes obstruyeron; the name may be a description
    employer: Employer
    establishment: Establishment
    inspectors: tuple[Person, ...]
    signatures: tuple[Signature, ...]  # inspectores, testigos, quien obstruye o su negativa
    norms: tuple[str, ...] = ()  # normas que la califican
    witnesses: tuple[Person, ...] = ()  # testigos
    warning: str | None = None  # advertencia hecha a quien obstruye
    statement: str | None = None  # su manifestación
    public_force: str | None = None  # auxilio de la fuerza pública
    position: str | None = None  # GPS
    photos: tuple[Photo, ...] = ()
    copies: int = 1  # ejemplares
    copy_means: str | None = None
    entered_late: str | None = None  # "cargado después": motivo


# ACT-COM


@dataclass(frozen=True)
class Correction:
    """One mistake of a signed record: where, what it says, what it should say, why."""

    part: str  # parte del acta: "2. Trabajadores, total de mujeres"
    reason: str  # motivo
    says: str | None = None  # donde dice; None: it was left out
    should_say: str | None = None  # debe decir; None: it is taken out


@dataclass(frozen=True)
class CorrectionLetter(Letter):
    """Acta complementaria (ACT-COM): the only way to correct a signed record; both are printed together."""

    record_kind: str  # "Acta de inspección"
    record_number: str  # acta que se corrige
    record_date: date
    order_number: str
    corrections: tuple[Correction, ...]
    employer: Employer
    establishment: Establishment
    inspectors: tuple[Person, ...]
    signatures: tuple[Signature, ...]  # inspectores, parte empleadora o su negativa
    employer_statement: str | None = None
    copies: int = 2  # ejemplares
    copy_means: str | None = None  # cómo se entrega la copia
    handed_over_at: datetime | None = None  # entrega a la parte empleadora
    entered_late: str | None = None  # "cargado después": motivo
