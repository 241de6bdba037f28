"""The visit pack: what an order's inspectors fill in by hand where no device can be used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.documents.letters.frame import Employer, Establishment, Letter, Person


@dataclass(frozen=True)
class PackQuestion:
    """A question of the checklist with its boxes still empty."""

    code: str
    text: str
    evidence: str | None = None  # prueba que pide: "Documento", "Fotografía"
    condition: str | None = None  # cuándo se pregunta, in words
    help: str | None = None


@dataclass(frozen=True)
class PackSection:
    """A section of a checklist."""

    title: str
    questions: tuple[PackQuestion, ...]


@dataclass(frozen=True)
class PackChecklist:
    """A checklist, in the version that the order's file was opened with."""

    code: str
    title: str
    version: str
    sections: tuple[PackSection, ...]


@dataclass(frozen=True)
class VisitPack(Letter):
    """Carpeta de visita: the blank record and checklists of an order, as they are typed in later.

    Its paper is the order's, so that the QR of each sheet finds the order again when the scans are split.
    """

    kind: str  # clase de orden
    matters: tuple[str, ...]  # alcance: materias
    inspectors: tuple[Person, ...]
    valid_until: date  # vigencia: hasta
    checklists: tuple[PackChecklist, ...]
    employer: Employer | None = None  # None: written at the door
    establishments: tuple[Establishment, ...] = ()  # more than one: written at the door
    zone: str | None = None
    shift: str | None = None
    period_from: date | None = None  # período examinado
    period_until: date | None = None
    record_number: str | None = None  # número de acta reservado, if the book gave one
    visit_kinds: tuple[str, ...] = (
        "Inicial",
        "Continuación",
        "Verificación",
        "Accidente",
        "Operativo",
        "Documental",
    )
    headcounts: tuple[str, ...] = (
        "Total",
        "Adolescentes",
        "Extranjeros",
        "Con discapacidad",
        "Con IPS",
        "Con contrato escrito",
    )
    answers: tuple[str, ...] = ("Cumple", "No cumple", "No aplica", "No verificado")
    signers: tuple[str, ...] = (
        "Por la parte empleadora",
        "Por los trabajadores",
        "Testigo",
        "Testigo",
    )
    copy_means: tuple[str, ...] = ("En papel", "PDF por correo electrónico", "Código para descargarla")
