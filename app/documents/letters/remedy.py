"""What must be remedied: the requirement, its extension, and the record of what was met."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from app.documents.letters.frame import Employer, Establishment, Letter, Person, Signature
from app.documents.letters.record import Photo


@dataclass(frozen=True)
class Requirement:
    """One obligation to remedy: what to do, its norm, how it is proved, until when."""

    obligation: str  # qué se debe regularizar
    norm: str  # norma
    term: str  # "10 días hábiles", "Inmediato"
    due: date | None = None  # vence; None: from the notification on
    proof: str | None = None  # cómo se acredita


@dataclass(frozen=True)
class RequirementLetter(Letter):
    """Requerimiento o intimación de regularización (REQ-REG), 6.5."""

    record_number: str  # acta de la que surge
    record_date: date
    order_number: str
    employer: Employer
    establishment: Establishment
    requirements: tuple[Requirement, ...]  # hallazgos requeridos
    signature: Signature  # inspector o DGIFT
    receipt: Signature  # recepción del empleador, o su negativa
    where_to_answer: str  # dónde se presenta
    handed_over_at: datetime | None = None  # entregado en la visita
    extension_rule: str | None = None  # regla de prórroga
    calendar: str | None = None  # calendario que cuenta los días hábiles


# PRO


@dataclass(frozen=True)
class ExtendedTerm:
    """One obligation whose term is extended."""

    obligation: str
    due: date  # vencimiento original
    extension: str  # prórroga: "10 días hábiles"
    new_due: date  # nuevo vencimiento
    norm: str | None = None


@dataclass(frozen=True)
class TermExtensionLetter(Letter):
    """Providencia de prórroga (PRO) of the terms of a requirement."""

    requirement_number: str
    requirement_date: date
    employer: Employer
    establishment: Establishment
    terms: tuple[ExtendedTerm, ...]
    reason: str  # motivo por el que se concede
    signature: Signature
    requested_on: date | None = None  # fecha de la solicitud
    requested_by: Person | None = None  # quien la solicita
    record_number: str | None = None  # acta
    conditions: tuple[str, ...] = ()  # condiciones
    extension_rule: str | None = None  # "No se concederá otra": as the parameter has it
    calendar: str | None = None  # calendario que cuenta los días hábiles


# ACT-VER


@dataclass(frozen=True)
class Verified:
    """One obligation required and whether it was met."""

    obligation: str
    norm: str
    result: str  # "Cumplido", "Cumplido en parte", "No cumplido"
    due: date | None = None  # vencimiento
    evidence: str | None = None  # cómo se verificó
    remark: str | None = None  # observación, lo que falta


@dataclass(frozen=True)
class VerificationLetter(Letter):
    """Acta de verificación (ACT-VER): each requirement and whether it was met."""

    requirement_number: str
    requirement_date: date
    record_number: str  # acta de la que surge
    order_number: str
    order_date: date
    started_at: datetime
    ended_at: datetime | None
    way: str  # modalidad: "En el establecimiento", "Documental"
    employer: Employer
    establishment: Establishment
    inspectors: tuple[Person, ...]
    checks: tuple[Verified, ...]
    signatures: tuple[Signature, ...]
    conclusion: str | None = None  # resultado en conjunto
    attended_by: Person | None = None
    position: str | None = None  # GPS
    documents_seen: tuple[str, ...] = ()
    narrative: str | None = None
    employer_statement: str | None = None
    photos: tuple[Photo, ...] = ()
    copies: int = 2
    copy_means: str | None = None
    entered_late: str | None = None  # "cargado después": motivo
