"""From the end of the field work to the decision: report, infraction, review, opinion, ruling; the roster."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from app.documents.letters.frame import Employer, Establishment, Letter, Person, Signature, plain
from app.documents.letters.record import Measure


@dataclass(frozen=True)
class Background:
    """A document of the file that a report rests on."""

    document: str  # "Acta de inspección"
    number: str | None = None
    issued_on: date | None = None
    folios: str | None = None  # fojas: "12 a 15"


# INF-FIN


@dataclass(frozen=True)
class VisitMade:
    """A visit of the order, as a report lists it."""

    day: date
    kind: str  # "Inicial", "Continuación", "Verificación"
    result: str  # "Realizada", "Frustrada: local cerrado"
    record_number: str | None = None  # acta
    place: str | None = None  # establecimiento, where the order reached several


@dataclass(frozen=True)
class FindingState:
    """A finding and where it stands at the moment of the report."""

    facts: str
    norm: str
    state: str  # "Subsanado", "No subsanado", "A sumario", "Descartado: motivo"
    code: str | None = None
    severity: str | None = None
    affected: int | None = None
    remedy: str | None = None  # "REQ-REG-R11-2026-000031, vencido el 11/12/2026"


@dataclass(frozen=True)
class Concerned:
    """An employer whom a report concerns: where he was visited, what was found there."""

    employer: Employer
    establishments: tuple[Establishment, ...]
    findings: tuple[FindingState, ...] = ()  # hallazgos con su estado


@dataclass(frozen=True)
class FinalReportLetter(Letter):
    """Informe final de inspección (INF-FIN): facts, legal analysis and proposal, with background, 6.6."""

    addressee: str  # "Dirección General de Inspección y Fiscalización del Trabajo"
    order_number: str
    order_date: date
    concerned: tuple[Concerned, ...]  # each employer; one, but for an operation or an open order
    inspectors: tuple[Person, ...]
    facts: str  # relación de hechos
    analysis: str  # análisis jurídico
    proposal: str  # "Archivo", "Instrucción de sumario administrativo", "Nuevas diligencias"
    proposal_reason: str  # fundamento de la propuesta
    signatures: tuple[Signature, ...]  # inspectores, visto bueno de la coordinación
    matters: tuple[str, ...] = ()  # materias de la orden
    visits: tuple[VisitMade, ...] = ()  # visitas
    carried_out: bool = True  # False: ninguna visita pudo practicarse
    measures: tuple[Measure, ...] = ()  # medidas inmediatas
    background: tuple[Background, ...] = ()  # antecedentes


# ACT-INF


@dataclass(frozen=True)
class Charge:
    """A finding that goes to a sumario. Amounts are in jornales mínimos and come worked out."""

    facts: str  # hechos
    norm: str  # norma infringida
    qualification: str  # calificación legal: "Código del Trabajo, artículo 385, primer párrafo"
    base: str  # base: "Por trabajador afectado", "Por infracción"
    unit_from: int  # jornales por unidad, desde
    unit_until: int  # jornales por unidad, hasta
    proposed_from: int  # rango propuesto, desde
    proposed_until: int  # rango propuesto, hasta
    code: str | None = None
    severity: str | None = None
    affected: int | None = None  # trabajadores afectados
    evidence: str | None = None  # medio de prueba
    antecedent: str | None = None  # reincidencia propuesta: "Resolución MTESS N° 12/2025, firme el ..."


@dataclass(frozen=True)
class InfractionLetter(Letter):
    """Acta de infracción (ACT-INF): the findings destined to a sumario, with the proposed range of fines."""

    order_number: str
    order_date: date
    record_number: str  # acta de inspección
    record_date: date
    employer: Employer
    establishment: Establishment
    inspectors: tuple[Person, ...]
    charges: tuple[Charge, ...]
    total_from: int  # jornales, suma propuesta
    total_until: int
    signatures: tuple[Signature, ...]
    requirement_number: str | None = None  # requerimiento no cumplido
    report_number: str | None = None  # informe final
    wage_note: str | None = None  # qué jornal se aplica y desde qué norma
    circumstances: str | None = None  # circunstancias que gradúan la sanción
    roster_annex: bool = False  # la nómina va en anexo


# INF-DGIF


@dataclass(frozen=True)
class Observation:
    """A point of the file that the review objects to."""

    point: str  # actuación observada
    remark: str  # observación


@dataclass(frozen=True)
class ReviewLetter(Letter):
    """Informe explicativo de la DGIFT (INF-DGIF): why archiving is not proper, for the DGAJ, 6.6."""

    addressee: str  # "Dirección General de Asesoría Jurídica"
    report_number: str  # informe final revisado
    report_date: date
    order_number: str
    employer: Employer | None  # None: several, each with his establishment
    proposal: str  # propuesta del informe final
    review: str  # revisión de las actuaciones
    conclusion: str  # por qué no procede
    signature: Signature
    observations: tuple[Observation, ...] = ()
    suggestion: str | None = None  # lo que se sugiere
    establishments: tuple[Establishment, ...] = ()
    background: tuple[Background, ...] = ()


# DIC


@dataclass(frozen=True)
class OpinionLetter(Letter):
    """Dictamen jurídico (DIC) of the DGAJ, for the minister."""

    addressee: str  # "Ministra de Trabajo, Empleo y Seguridad Social"
    subject: str  # objeto del dictamen
    history: str  # antecedentes
    analysis: str  # análisis jurídico
    conclusion: str  # conclusión
    signatures: tuple[Signature, ...]  # dictaminante, director de la DGAJ
    employer: Employer | None = None
    establishments: tuple[Establishment, ...] = ()
    order_number: str | None = None
    report_number: str | None = None  # informe final
    review_number: str | None = None  # informe explicativo de la DGIFT
    norms: tuple[str, ...] = ()  # normas examinadas
    recommendations: tuple[str, ...] = ()  # lo que se recomienda
    background: tuple[Background, ...] = ()


# PRV-ARC


@dataclass(frozen=True)
class OrderedAction:
    """An action that the minister orders before deciding."""

    action: str  # diligencia
    responsible: str | None = None  # a cargo de
    term: str | None = None  # plazo, in words
    due: date | None = None


@dataclass(frozen=True)
class RulingLetter(Letter):
    """Providencia (PRV-ARC) of the minister: with `actions` it orders them, without it archives, 6.6."""

    order_number: str
    order_date: date
    report_number: str  # informe final
    report_date: date
    opinion_number: str | None  # dictamen, where the procedure asks for one
    opinion_date: date | None
    grounds: str  # considerando
    employer: Employer | None  # None: several, each with his establishment
    signature: Signature
    establishments: tuple[Establishment, ...] = ()
    review_number: str | None = None  # informe explicativo de la DGIFT
    actions: tuple[OrderedAction, ...] = ()  # nuevas diligencias
    new_valid_until: date | None = None  # nueva vigencia de la orden
    notify: tuple[str, ...] = ()  # a quienes se comunica


# Annex


@dataclass(frozen=True)
class Worker:
    """An affected worker, as cited; `removed` says by what act he no longer counts."""

    name: str  # nombre y apellido
    identity: str | None = None  # documento, or how he was described
    period: str | None = None  # período
    amount: int | None = None  # guaraníes
    removed: str | None = None  # "Excluido por prueba, Res. 14/2027"


@dataclass(frozen=True)
class Roster:
    """The workers whom one finding affects. Its size is the count for the fine."""

    description: str  # "Trabajadores sin inscripción en el IPS"
    workers: tuple[Worker, ...]
    norm: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class RosterAnnex(Letter):
    """Annex of affected workers of a document, whose paper it bears; names only for those entitled.

    Without `with_names` no name leaves this object, so that no template can print one.
    """

    annexed_to: str  # "Acta de infracción"
    order_number: str
    employer: Employer
    establishment: Establishment
    rosters: tuple[Roster, ...]
    with_names: bool = False
    printed_for: str | None = None  # para quién se imprime con nombres, y por qué puede verlos

    def as_context(self) -> dict[str, object]:
        """Return the annex as plain values, each roster with its numbers: `cited`, and `standing` now."""
        context = super().as_context()
        context["rosters"] = [self._roster(one) for one in self.rosters]
        return context

    def _roster(self, one: Roster) -> dict[str, object]:
        shown = one if self.with_names else replace(one, workers=())
        values = {name: plain(getattr(shown, name)) for name in ("description", "norm", "code", "workers")}
        standing = sum(worker.removed is None for worker in one.workers)
        return {**values, "cited": len(one.workers), "standing": standing}
