"""Guards: the rules that a move must meet, known by name, each a pure function on facts.

A guard has a name, a Spanish description for the screen where procedures are edited, the facts that it
needs, and gives None or a Spanish reason that says what is missing and what to do. Facts are fetched by
operations; `FACTS` says of each its kind and meaning. Guards are judged for the date of the act, not for
the day on which it is typed in. A guard of outcome `HOLD` never refuses: the act is recorded and held for
the coordinator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from app.core.types import format_date

Facts = Mapping[str, Any]


class Kind(StrEnum):
    """The type of a fact. A `day` and a `text` may be None (no data); the others are always known."""

    YES_NO = "yes_no"
    COUNT = "count"
    DAY = "day"
    TEXT = "text"
    NAMES = "names"


@dataclass(frozen=True)
class Fact:
    """One thing that guards and conditions may ask about a record; `label` is Spanish."""

    name: str
    kind: Kind
    label: str


FACTS: Mapping[str, Fact] = {
    name: Fact(name, kind, label)
    for name, kind, label in (
        # Any act
        ("act_date", Kind.DAY, "Fecha en que ocurrió el acto"),
        ("today", Kind.DAY, "Fecha de carga"),
        ("previous_act_date", Kind.DAY, "Fecha del acto anterior del mismo registro"),
        ("late_reason", Kind.TEXT, "Motivo de la carga posterior"),
        ("late_scan_attached", Kind.YES_NO, "Hay escaneo del acto cargado después"),
        ("captured_on_time", Kind.YES_NO, "El acto se capturó en el momento en un dispositivo de campo"),
        ("term_due", Kind.DAY, "Vencimiento del plazo abierto del registro"),
        ("extension_count", Kind.COUNT, "Prórrogas ya concedidas"),
        ("extension_limit", Kind.COUNT, "Prórrogas que admite el parámetro"),
        # Signature
        ("signing_mode", Kind.TEXT, "Modo de firma: MANUSCRITA, PANTALLA o ELECTRONICA"),
        ("actor_is_signatory", Kind.YES_NO, "Quien actúa es el firmante habilitado del día"),
        ("signatory_recorded", Kind.YES_NO, "Está registrado el firmante de la firma manuscrita y su fecha"),
        ("number_available", Kind.YES_NO, "Hay número reservado o serie abierta para el documento"),
        ("template_in_force", Kind.YES_NO, "Hay plantilla vigente para el documento"),
        ("signed_scan_attached", Kind.YES_NO, "Está adjunto el escaneo firmado"),
        # Order
        ("order_kind", Kind.TEXT, "Clase de orden: ESTABLECIMIENTO, TURNO u OPERATIVO"),
        ("order_missing", Kind.NAMES, "Datos obligatorios de la orden que faltan"),
        ("establishment_count", Kind.COUNT, "Establecimientos de la orden"),
        ("inspector_count", Kind.COUNT, "Inspectores designados"),
        ("minimum_inspectors", Kind.COUNT, "Inspectores que exige la prioridad"),
        ("leader_count", Kind.COUNT, "Inspectores designados como líder"),
        ("actor_is_assigned", Kind.YES_NO, "Quien actúa está entre los inspectores designados"),
        ("conflicted_inspectors", Kind.NAMES, "Inspectores con conflicto de interés declarado"),
        ("absent_inspectors", Kind.NAMES, "Inspectores con ausencia en el período"),
        ("absence_confirmed", Kind.YES_NO, "Se confirmó la designación pese a la ausencia"),
        ("order_valid_until", Kind.DAY, "Último día de vigencia de la orden"),
        ("first_visit_begun", Kind.YES_NO, "La primera visita de la vigencia actual ya comenzó"),
        (
            "needs_judicial_authorisation",
            Kind.YES_NO,
            "El lugar exige consentimiento o autorización judicial",
        ),
        ("has_judicial_authorisation", Kind.YES_NO, "Hay consentimiento o autorización judicial adjunta"),
        ("open_visit_count", Kind.COUNT, "Visitas programadas o en curso"),
        ("done_visit_count", Kind.COUNT, "Visitas realizadas"),
        ("failed_visit_count", Kind.COUNT, "Visitas frustradas u obstruidas"),
        ("annexes_unratified", Kind.COUNT, "Anexos sin ratificar de los hallazgos que irían a sumario"),
        ("order_decided", Kind.YES_NO, "La orden ya tiene su decisión o fue reemplazada"),
        ("report_opened", Kind.YES_NO, "Se abrió el informe final de la orden"),
        ("report_ahead", Kind.TEXT, "Estado del informe final cuando no lo tiene el inspector"),
        ("report_decided", Kind.YES_NO, "El informe final tiene decisión"),
        ("actions_ordered", Kind.YES_NO, "Se ordenaron nuevas diligencias"),
        # Visit
        ("order_executable", Kind.YES_NO, "La orden está emitida, asignada o en ejecución"),
        ("visit_kind", Kind.TEXT, "Tipo de visita: INICIAL, CONTINUACION, VERIFICACION, ACCIDENTE, ..."),
        ("establishment_named", Kind.YES_NO, "La visita tiene establecimiento, aunque sea provisorio"),
        ("establishment_merged", Kind.YES_NO, "El establecimiento de la visita se unió a otro"),
        ("unanswered_questions", Kind.NAMES, "Preguntas obligatorias sin respuesta"),
        ("questions_without_evidence", Kind.NAMES, "Respuestas que exigen prueba y no la tienen"),
        ("worker_counts_missing", Kind.NAMES, "Cantidades de trabajadores sin cargar"),
        ("unconfirmed_findings", Kind.COUNT, "Hallazgos por «No cumple» todavía no confirmados"),
        ("unsigned_inspectors", Kind.NAMES, "Inspectores presentes que no firmaron"),
        ("absent_without_reason", Kind.NAMES, "Inspectores designados ausentes sin motivo registrado"),
        ("employer_signed", Kind.YES_NO, "Firmó quien atendió la visita"),
        ("refusal_recorded", Kind.YES_NO, "Está registrada la negativa a firmar"),
        ("negative_act_signed", Kind.YES_NO, "Está firmada el acta negativa"),
        ("obstruction_act_signed", Kind.YES_NO, "Está firmada el acta de obstrucción"),
        ("acta_annulled", Kind.YES_NO, "El acta de la visita fue anulada"),
        ("annex_pending", Kind.YES_NO, "La visita tiene un anexo pendiente de ratificación"),
        ("requests_to_verify", Kind.COUNT, "Requerimientos de la orden que se pueden verificar"),
        # Finding
        ("infraction_coded", Kind.YES_NO, "El hallazgo tiene código de infracción"),
        ("per_worker", Kind.YES_NO, "La multa de la infracción se cuenta por trabajador"),
        ("affected_workers", Kind.COUNT, "Trabajadores afectados"),
        ("remedy_kind", Kind.TEXT, "Plazo de regularización: DOCUMENTAL, SST o INMEDIATO"),
        ("remediable", Kind.YES_NO, "El hallazgo es subsanable"),
        ("obstruction", Kind.YES_NO, "Hubo obstrucción"),
        ("child_or_forced_labour", Kind.YES_NO, "Hay trabajo infantil o forzoso"),
        ("repeat_offence", Kind.YES_NO, "Hay antecedente de reincidencia"),
        (
            "request_delivered",
            Kind.YES_NO,
            "El requerimiento fue firmado, rechazado con constancia o notificado",
        ),
        ("filing_count", Kind.COUNT, "Presentaciones del empleador en el plazo"),
        ("verification_recorded", Kind.YES_NO, "Está registrada la verificación"),
        ("verification_result", Kind.TEXT, "Resultado: SUBSANADO, PARCIAL o NO_SUBSANADO"),
        ("employer_identified", Kind.YES_NO, "El empleador está identificado por RUC o cédula"),
        # Report
        ("proposal", Kind.TEXT, "Propuesta del informe: ARCHIVO, SUMARIO o NUEVAS_DILIGENCIAS"),
        ("order_executed", Kind.YES_NO, "La orden está ejecutada o no ejecutada"),
        ("undecided_findings", Kind.NAMES, "Hallazgos sin estado decidido"),
        ("unremedied_findings", Kind.COUNT, "Hallazgos no subsanados o destinados a sumario"),
        ("case_findings", Kind.COUNT, "Hallazgos destinados a sumario"),
        ("observation_written", Kind.YES_NO, "Está escrito el informe explicativo de la DGIFT"),
        ("opinion_written", Kind.YES_NO, "Está escrito el dictamen de la DGAJ"),
        ("legal_opinion_attached", Kind.YES_NO, "Está el dictamen de la DGAJ"),
    )
}


class Outcome(StrEnum):
    """What an unmet guard does: refuse the move, or let it pass and hold the act for the coordinator."""

    REFUSE = "refuse"
    HOLD = "hold"


@dataclass(frozen=True)
class Guard:
    """A named rule; `judge` gives None or a Spanish reason from the facts named in `needs`."""

    name: str
    description: str
    needs: tuple[str, ...]
    judge: Callable[[Facts], str | None]
    outcome: Outcome = Outcome.REFUSE


class FactError(LookupError):
    """A fact that a guard needs was not supplied or has the wrong kind: an error of the program."""


GUARDS: dict[str, Guard] = {}
"""Every guard by name."""
ON_PAPER = frozenset({"observation_written", "opinion_written"})
"""Guards that a paper signed by hand meets: it brings what they ask for."""


def judge(name: str, facts: Facts) -> str | None:
    """Return None when the guard `name` is met on `facts`, else the Spanish reason.

    Raises `KeyError` for an unknown guard and `FactError` for a fact that is absent or of the wrong kind:
    a rule is never passed for want of data.
    """
    guard = GUARDS[name]
    for fact in guard.needs:
        _require(fact, facts)
    return guard.judge(facts)


def _require(name: str, facts: Facts) -> None:
    if name not in facts:
        raise FactError(f"fact not supplied: {name}")
    value, kind = facts[name], FACTS[name].kind
    right = {
        Kind.YES_NO: isinstance(value, bool),
        Kind.COUNT: isinstance(value, int) and not isinstance(value, bool),
        Kind.DAY: value is None or (isinstance(value, date) and not isinstance(value, datetime)),
        Kind.TEXT: value is None or isinstance(value, str),
        Kind.NAMES: isinstance(value, tuple | list),
    }[kind]
    if not right:
        raise FactError(f"fact {name} is not of kind {kind}: {value!r}")


def _guard(
    name: str, description: str, *needs: str, outcome: Outcome = Outcome.REFUSE
) -> Callable[[Callable[[Facts], str | None]], Callable[[Facts], str | None]]:
    unknown = [fact for fact in needs if fact not in FACTS]
    if name in GUARDS or unknown:
        raise ValueError(f"guard {name}: declared twice, or facts unknown: {unknown}")

    def register(function: Callable[[Facts], str | None]) -> Callable[[Facts], str | None]:
        GUARDS[name] = Guard(name, description, needs, function, outcome)
        return function

    return register


def _listed(names: Iterable[str], limit: int = 5) -> str:
    everything = list(names)
    more = f" y {len(everything) - limit} más" if len(everything) > limit else ""
    return ", ".join(everything[:limit]) + more


# Any act: the two moments of working rule 3.


@_guard("act_not_in_future", "La fecha del acto está indicada y no es futura", "act_date", "today")
def _act_not_in_future(f: Facts) -> str | None:
    if f["act_date"] is None:
        return "Falta la fecha en que ocurrió el acto. Indíquela."
    if f["act_date"] > f["today"]:
        return f"La fecha del acto ({format_date(f['act_date'])}) es futura. Indique la fecha en que ocurrió."
    return None


@_guard(
    "late_act_documented",
    "Un acto cargado después lleva motivo y escaneo",
    "act_date",
    "today",
    "late_reason",
    "late_scan_attached",
    "captured_on_time",
)
def _late_act_documented(f: Facts) -> str | None:
    if f["act_date"] is None or f["act_date"] >= f["today"] or f["captured_on_time"]:
        return None
    if not (f["late_reason"] or "").strip() or not f["late_scan_attached"]:
        return "El acto se carga después de ocurrido: indique el motivo y adjunte el escaneo del documento."
    return None


@_guard(
    "acts_in_order",
    "Un acto anterior al que le precede queda retenido para la coordinación",
    "act_date",
    "previous_act_date",
    outcome=Outcome.HOLD,
)
def _acts_in_order(f: Facts) -> str | None:
    if f["act_date"] and f["previous_act_date"] and f["act_date"] < f["previous_act_date"]:
        return (
            f"El acto tiene fecha anterior al acto que le precede ({format_date(f['previous_act_date'])}). "
            "Queda retenido hasta que la coordinación lo revise."
        )
    return None


# Terms: working rule 9 and domain 6.5.


@_guard("extension_before_expiry", "La prórroga se dicta antes del vencimiento", "act_date", "term_due")
def _extension_before_expiry(f: Facts) -> str | None:
    if f["term_due"] is None:
        return "No hay plazo en curso que prorrogar."
    if f["act_date"] is None or f["act_date"] > f["term_due"]:
        return (
            f"La prórroga solo procede antes del vencimiento, que fue el {format_date(f['term_due'])}. "
            "Si se dictó antes y se carga después, indique la fecha en que se dictó."
        )
    return None


@_guard("extensions_left", "Quedan prórrogas según el parámetro", "extension_count", "extension_limit")
def _extensions_left(f: Facts) -> str | None:
    if f["extension_count"] >= f["extension_limit"]:
        return f"Ya se concedieron las prórrogas permitidas ({f['extension_limit']})."
    return None


@_guard("term_over", "El plazo está vencido a la fecha del acto", "act_date", "term_due")
def _term_over(f: Facts) -> str | None:
    if f["term_due"] is None:
        return "El plazo no tiene vencimiento: está suspendido o no se fijó."
    if f["act_date"] is None or f["act_date"] <= f["term_due"]:
        return f"El plazo vence el {format_date(f['term_due'])}; todavía no puede darse por vencido."
    return None


@_guard("term_running", "El acto ocurre dentro del plazo", "act_date", "term_due")
def _term_running(f: Facts) -> str | None:
    if f["term_due"] is None:
        return "No hay plazo en curso."
    if f["act_date"] is None or f["act_date"] > f["term_due"]:
        return (
            f"El plazo venció el {format_date(f['term_due'])}. Si el acto ocurrió antes y se carga después, "
            "indique la fecha en que ocurrió."
        )
    return None


@_guard("no_filing", "El empleador no presentó nada en el plazo", "filing_count")
def _no_filing(f: Facts) -> str | None:
    if f["filing_count"] > 0:
        return (
            "Hay una presentación del empleador dentro del plazo. Regístrela como presentada y verifíquela."
        )
    return None


# Signature: working rules 1, 4 and 5.


@_guard(
    "signatory_of_the_day",
    "Firma el titular, interino o delegado del día; en la firma manuscrita consta quién firmó y cuándo",
    "signing_mode",
    "actor_is_signatory",
    "signatory_recorded",
)
def _signatory_of_the_day(f: Facts) -> str | None:
    if f["signing_mode"] == "MANUSCRITA":
        return None if f["signatory_recorded"] else "Registre quién firmó el documento y en qué fecha."
    if f["signing_mode"] not in ("PANTALLA", "ELECTRONICA"):
        return "Falta el modo de firma del documento. Elija manuscrita, en pantalla o electrónica."
    return None if f["actor_is_signatory"] else "Usted no es el firmante habilitado para este documento hoy."


@_guard(
    "document_ready",
    "El documento tiene número y plantilla; con firma manuscrita, su escaneo firmado",
    "signing_mode",
    "number_available",
    "template_in_force",
    "signed_scan_attached",
)
def _document_ready(f: Facts) -> str | None:
    if not f["number_available"]:
        return "No hay número para el documento. Abra la serie del año o reserve el número antes de firmar."
    if not f["template_in_force"]:
        return "No hay plantilla vigente para el documento. Publique una versión de la plantilla."
    if f["signing_mode"] == "MANUSCRITA" and not f["signed_scan_attached"]:
        return "Falta el escaneo del documento firmado. Adjúntelo."
    return None


# Order: domain 6.3 and 6.11, working rules 2, 5, 9, 10, 13.


@_guard("order_complete", "La orden tiene su contenido mínimo", "order_missing")
def _order_complete(f: Facts) -> str | None:
    return f"Faltan datos de la orden: {_listed(f['order_missing'])}." if f["order_missing"] else None


@_guard(
    "order_has_establishments",
    "La orden por establecimiento o de operativo nombra sus establecimientos; la de turno, en la puerta",
    "order_kind",
    "establishment_count",
)
def _order_has_establishments(f: Facts) -> str | None:
    kind, count = f["order_kind"], f["establishment_count"]
    if kind == "TURNO":
        return None
    if kind == "ESTABLECIMIENTO" and count != 1:
        return (
            f"La orden por establecimiento debe nombrar uno solo, y tiene {count}. Elija el establecimiento."
        )
    if kind == "OPERATIVO" and count < 1:
        return "La orden de operativo no tiene lista de establecimientos. Agregue al menos uno."
    if kind not in ("ESTABLECIMIENTO", "OPERATIVO"):
        return "Falta la clase de orden. Elija por establecimiento, de turno o de operativo."
    return None


@_guard(
    "inspectors_designated",
    "Hay inspectores designados, en el número que exige la prioridad, y un solo líder",
    "inspector_count",
    "minimum_inspectors",
    "leader_count",
)
def _inspectors_designated(f: Facts) -> str | None:
    needed = max(1, f["minimum_inspectors"])
    if f["inspector_count"] < needed:
        named = "inspector" if needed == 1 else "inspectores"
        return f"La orden necesita al menos {needed} {named} y tiene {f['inspector_count']}. Desígnelos."
    if f["leader_count"] != 1:
        return f"Debe haber exactamente un líder entre los inspectores y hay {f['leader_count']}."
    return None


@_guard("no_self_assignment", "Nadie se designa a sí mismo", "actor_is_assigned")
def _no_self_assignment(f: Facts) -> str | None:
    if f["actor_is_assigned"]:
        return "Usted figura entre los inspectores designados. Debe designarlos otra persona."
    return None


@_guard("no_conflict_of_interest", "Ningún inspector tiene conflicto de interés", "conflicted_inspectors")
def _no_conflict_of_interest(f: Facts) -> str | None:
    if f["conflicted_inspectors"]:
        names = _listed(f["conflicted_inspectors"])
        return f"Declararon relación con el empleador: {names}. Designe a otra persona."
    return None


@_guard(
    "absences_confirmed",
    "Designar a una persona ausente exige confirmación",
    "absent_inspectors",
    "absence_confirmed",
)
def _absences_confirmed(f: Facts) -> str | None:
    if f["absent_inspectors"] and not f["absence_confirmed"]:
        names = _listed(f["absent_inspectors"])
        return f"Están ausentes en el período: {names}. Cambie la designación o confírmela."
    return None


@_guard(
    "order_in_force",
    "La orden está vigente para la primera visita; comenzada esta, sigue vigente hasta el informe final",
    "act_date",
    "order_valid_until",
    "first_visit_begun",
)
def _order_in_force(f: Facts) -> str | None:
    until = f["order_valid_until"]
    if f["first_visit_begun"]:
        return None
    if until is None:
        return "La orden no tiene fecha de vigencia. Complete su emisión."
    if f["act_date"] is None or f["act_date"] > until:
        return (
            f"La orden venció el {format_date(until)} sin una primera visita. Si la visita se hizo antes y "
            "se carga después, indique su fecha; si no, pida que se emita otra enlazada a esta."
        )
    return None


@_guard(
    "expired_without_visit",
    "La vigencia pasó sin que comenzara una primera visita",
    "act_date",
    "order_valid_until",
    "first_visit_begun",
)
def _expired_without_visit(f: Facts) -> str | None:
    until = f["order_valid_until"]
    if f["first_visit_begun"]:
        return "La primera visita ya comenzó: la orden sigue vigente hasta el informe final."
    if until is None:
        return "La orden no tiene fecha de vigencia. Complete su emisión."
    if f["act_date"] is None or f["act_date"] <= until:
        return f"La orden está vigente hasta el {format_date(until)}; todavía no venció."
    return None


@_guard(
    "judicial_authorisation",
    "En domicilio particular hay consentimiento o autorización judicial",
    "needs_judicial_authorisation",
    "has_judicial_authorisation",
)
def _judicial_authorisation(f: Facts) -> str | None:
    if f["needs_judicial_authorisation"] and not f["has_judicial_authorisation"]:
        return "El lugar es un domicilio: adjunte el acta de consentimiento o la autorización judicial."
    return None


def _visits_open(number: int) -> str:
    if number == 1:
        return "Queda 1 visita programada o en curso. Ciérrela o anúlela."
    return f"Quedan {number} visitas programadas o en curso. Ciérrelas o anúlelas."


@_guard(
    "visits_finished",
    "Hay al menos una visita realizada y ninguna queda abierta",
    "open_visit_count",
    "done_visit_count",
)
def _visits_finished(f: Facts) -> str | None:
    if f["open_visit_count"]:
        return _visits_open(f["open_visit_count"])
    if not f["done_visit_count"]:
        return "No hay ninguna visita realizada. Registre la visita o declare la orden no ejecutada."
    return None


@_guard(
    "only_failed_visits",
    "Hubo visitas frustradas u obstruidas, ninguna realizada y ninguna abierta",
    "open_visit_count",
    "done_visit_count",
    "failed_visit_count",
)
def _only_failed_visits(f: Facts) -> str | None:
    if f["open_visit_count"]:
        return _visits_open(f["open_visit_count"])
    if f["done_visit_count"]:
        return "Hay visitas realizadas: la orden debe declararse ejecutada."
    if not f["failed_visit_count"]:
        return "Para declarar la orden no ejecutada registre el acta negativa o de obstrucción."
    return None


@_guard("no_visit_begun", "Ninguna visita comenzó", "first_visit_begun")
def _no_visit_begun(f: Facts) -> str | None:
    if f["first_visit_begun"]:
        return (
            "Ya comenzó una visita: la orden no se anula, sigue hasta su informe final. "
            "Si un acta es errónea, la coordinación la anula desde su visita."
        )
    return None


@_guard("order_undecided", "La orden no tiene todavía su decisión", "order_decided")
def _order_undecided(f: Facts) -> str | None:
    if f["order_decided"]:
        return "La orden ya tiene su decisión o fue reemplazada: sus actas quedan como están."
    return None


@_guard("no_report_open", "Todavía no se abrió el informe final", "report_opened")
def _no_report_open(f: Facts) -> str | None:
    if f["report_opened"]:
        return "Ya se abrió el informe final: la orden se cierra con su decisión, no se reemplaza."
    return None


@_guard("report_with_inspector", "El informe final, si lo hay, está en manos del inspector", "report_ahead")
def _report_with_inspector(f: Facts) -> str | None:
    if f["report_ahead"]:
        return (
            f"El informe final está en «{f['report_ahead']}»: antes de anular el acta debe volver a la "
            "inspección, devuelto por quien lo tiene o por nuevas diligencias."
        )
    return None


@_guard("report_decided", "El informe final tiene decisión", "report_decided")
def _report_decided(f: Facts) -> str | None:
    return (
        None if f["report_decided"] else "El informe final todavía no tiene decisión. Complete su circuito."
    )


@_guard("actions_ordered", "Se ordenaron nuevas diligencias", "actions_ordered")
def _actions_ordered(f: Facts) -> str | None:
    return None if f["actions_ordered"] else "No hay una providencia que ordene nuevas diligencias."


# Visit: domain 6.4 and 6.11, working rules 6, 10, 11, 12.


@_guard("order_executable", "La orden permite visitar", "order_executable")
def _order_executable(f: Facts) -> str | None:
    if not f["order_executable"]:
        return "La orden no está en condiciones de ejecutarse. Verifique que esté emitida y asignada."
    return None


@_guard("establishment_named", "La visita tiene establecimiento", "establishment_named")
def _establishment_named(f: Facts) -> str | None:
    if not f["establishment_named"]:
        return "Indique el establecimiento visitado; si no está registrado, cárguelo como provisional."
    return None


@_guard("establishment_in_register", "El establecimiento no se unió a otro", "establishment_merged")
def _establishment_in_register(f: Facts) -> str | None:
    if f["establishment_merged"]:
        return "Ese establecimiento se unió a otro en el registro: búsquelo otra vez y elija el que quedó."
    return None


@_guard("questions_answered", "El cuestionario obligatorio está completo", "unanswered_questions")
def _questions_answered(f: Facts) -> str | None:
    if f["unanswered_questions"]:
        return f"Faltan respuestas obligatorias: {_listed(f['unanswered_questions'])}."
    return None


@_guard("evidence_attached", "Las respuestas que exigen prueba la tienen", "questions_without_evidence")
def _evidence_attached(f: Facts) -> str | None:
    if f["questions_without_evidence"]:
        return f"Falta la prueba de estas respuestas: {_listed(f['questions_without_evidence'])}. Adjúntela."
    return None


@_guard("workers_counted", "Las cantidades de trabajadores están cargadas", "worker_counts_missing")
def _workers_counted(f: Facts) -> str | None:
    if f["worker_counts_missing"]:
        return f"Faltan cantidades de trabajadores: {_listed(f['worker_counts_missing'])}."
    return None


@_guard("findings_confirmed", "Los hallazgos que abren los «No cumple» fueron vistos", "unconfirmed_findings")
def _findings_confirmed(f: Facts) -> str | None:
    if f["unconfirmed_findings"]:
        return f"Hay {f['unconfirmed_findings']} hallazgo(s) por «No cumple» sin confirmar. Revíselos."
    return None


@_guard(
    "inspectors_signed",
    "Firmó cada inspector presente y consta el motivo de cada ausente",
    "unsigned_inspectors",
    "absent_without_reason",
)
def _inspectors_signed(f: Facts) -> str | None:
    if f["unsigned_inspectors"]:
        return f"Falta la firma de: {_listed(f['unsigned_inspectors'])}."
    if f["absent_without_reason"]:
        return f"Indique por qué no estuvo presente: {_listed(f['absent_without_reason'])}."
    return None


@_guard(
    "employer_signed_or_refused",
    "Firmó quien atendió la visita, o consta su negativa",
    "employer_signed",
    "refusal_recorded",
)
def _employer_signed_or_refused(f: Facts) -> str | None:
    if not (f["employer_signed"] or f["refusal_recorded"]):
        return "Falta la firma de quien atendió la visita. Obténgala o deje constancia de la negativa."
    return None


@_guard("negative_act", "Hay acta negativa firmada", "negative_act_signed")
def _negative_act(f: Facts) -> str | None:
    return None if f["negative_act_signed"] else "Falta el acta negativa firmada. Complétela y fírmela."


@_guard("obstruction_act", "Hay acta de obstrucción firmada", "obstruction_act_signed")
def _obstruction_act(f: Facts) -> str | None:
    return (
        None if f["obstruction_act_signed"] else "Falta el acta de obstrucción firmada. Complétela y fírmela."
    )


@_guard("acta_annulled", "El acta fue anulada", "acta_annulled")
def _acta_annulled(f: Facts) -> str | None:
    return None if f["acta_annulled"] else "Antes debe anularse el acta de la visita, con su motivo."


@_guard("annex_pending", "Hay un anexo pendiente de ratificación", "annex_pending")
def _annex_pending(f: Facts) -> str | None:
    return None if f["annex_pending"] else "Esta visita no tiene un anexo pendiente de ratificación."


@_guard("something_to_verify", "La orden tiene requerimientos que verificar", "requests_to_verify")
def _something_to_verify(f: Facts) -> str | None:
    if not f["requests_to_verify"]:
        return "Ningún hallazgo de la orden tiene un requerimiento: no hay nada que verificar."
    return None


# Finding: domain 6.5 and 6.11, working rules 10, 14, 15, 28.


@_guard(
    "finding_complete",
    "El hallazgo tiene código de infracción y, si la multa es por trabajador, al menos uno afectado",
    "infraction_coded",
    "per_worker",
    "affected_workers",
)
def _finding_complete(f: Facts) -> str | None:
    if not f["infraction_coded"]:
        return "El hallazgo no tiene código de infracción. Elíjalo del catálogo."
    if f["per_worker"] and f["affected_workers"] < 1:
        return "La infracción se cuenta por trabajador: indique cuántos afecta o cargue la nómina."
    return None


@_guard("remedy_term_set", "El hallazgo es subsanable y tiene plazo", "remediable", "remedy_kind")
def _remedy_term_set(f: Facts) -> str | None:
    if not f["remediable"]:
        return "El hallazgo no es subsanable: corresponde proponer sumario."
    if f["remedy_kind"] not in ("DOCUMENTAL", "SST", "INMEDIATO"):
        return "Falta el plazo de regularización. Elija documental, de obras de seguridad o inmediato."
    return None


@_guard("request_delivered", "El requerimiento fue entregado con constancia", "request_delivered")
def _request_delivered(f: Facts) -> str | None:
    if not f["request_delivered"]:
        return "El plazo corre desde la entrega: registre la firma, la negativa o la notificación."
    return None


@_guard("filing_recorded", "El empleador presentó algo", "filing_count")
def _filing_recorded(f: Facts) -> str | None:
    return None if f["filing_count"] > 0 else "No hay ninguna presentación del empleador. Regístrela primero."


@_guard("verification_recorded", "La verificación está registrada", "verification_recorded")
def _verification_recorded(f: Facts) -> str | None:
    if not f["verification_recorded"]:
        return "Falta la verificación. Registre el acta de verificación o el control de los documentos."
    return None


@_guard(
    "case_grounds",
    "Sumario sin requerimiento: no subsanable, obstrucción, trabajo infantil o forzoso, reincidencia",
    "remediable",
    "obstruction",
    "child_or_forced_labour",
    "repeat_offence",
)
def _case_grounds(f: Facts) -> str | None:
    if f["remediable"] and not (f["obstruction"] or f["child_or_forced_labour"] or f["repeat_offence"]):
        return "El hallazgo es subsanable y no es grave: primero corresponde requerir su regularización."
    return None


@_guard(
    "annexes_ratified",
    "El anexo del establecimiento del hallazgo está ratificado, en orden abierta o de operativo",
    "annexes_unratified",
)
def _annexes_ratified(f: Facts) -> str | None:
    if f["annexes_unratified"]:
        return (
            "La DGIFT no ratificó el anexo que nombra el establecimiento: sus hallazgos no van a sumario. "
            "Pida la ratificación."
        )
    return None


@_guard("employer_identified", "El empleador está identificado", "employer_identified")
def _employer_identified(f: Facts) -> str | None:
    if not f["employer_identified"]:
        return "El empleador es provisorio. Identifíquelo por RUC o cédula antes de enviar a sumario."
    return None


# Report: domain 6.6 and 6.11, working rule 13.


@_guard("order_executed", "La orden terminó de ejecutarse", "order_executed")
def _order_executed(f: Facts) -> str | None:
    return None if f["order_executed"] else "La orden todavía no se declaró ejecutada o no ejecutada."


@_guard("findings_decided", "Todo hallazgo tiene un estado decidido", "undecided_findings")
def _findings_decided(f: Facts) -> str | None:
    if f["undecided_findings"]:
        return f"Hay hallazgos sin decidir: {_listed(f['undecided_findings'])}."
    return None


@_guard("proposal_made", "El informe propone archivo, sumario o nuevas diligencias", "proposal")
def _proposal_made(f: Facts) -> str | None:
    if f["proposal"] not in ("ARCHIVO", "SUMARIO", "NUEVAS_DILIGENCIAS"):
        return "El informe no tiene propuesta. Elija archivo, sumario o nuevas diligencias."
    return None


@_guard("nothing_unremedied", "No quedan hallazgos sin subsanar", "unremedied_findings")
def _nothing_unremedied(f: Facts) -> str | None:
    if f["unremedied_findings"]:
        return (
            f"Quedan {f['unremedied_findings']} hallazgo(s) sin subsanar: el archivo no procede; "
            "remita con observación o proponga sumario."
        )
    return None


@_guard("case_findings_exist", "Hay hallazgos destinados a sumario", "case_findings")
def _case_findings_exist(f: Facts) -> str | None:
    return (
        None
        if f["case_findings"]
        else "Ningún hallazgo está destinado a sumario. Decida los hallazgos primero."
    )


@_guard(
    "observation_written",
    "Está escrito el informe explicativo; firmado a mano, lo dice el papel",
    "observation_written",
    "signing_mode",
)
def _observation_written(f: Facts) -> str | None:
    if f["observation_written"] or f["signing_mode"] == "MANUSCRITA":
        return None
    return "Falta el informe explicativo. Escríbalo en el informe final antes de firmarlo."


@_guard(
    "opinion_written",
    "Está escrito el dictamen; firmado a mano, lo dice el papel",
    "opinion_written",
    "signing_mode",
)
def _opinion_written(f: Facts) -> str | None:
    if f["opinion_written"] or f["signing_mode"] == "MANUSCRITA":
        return None
    return "Falta el texto del dictamen. Escríbalo antes de firmarlo."


@_guard("legal_opinion_attached", "Está el dictamen de la DGAJ", "legal_opinion_attached")
def _legal_opinion_attached(f: Facts) -> str | None:
    return (
        None if f["legal_opinion_attached"] else "Falta el dictamen de la DGAJ. Emítalo o adjunte su escaneo."
    )
