"""Letters as data, and the sandbox that turns a template and its data into HTML.

One dataclass per letter; comments name the field of the ministry's procedure that each serves. Templates get
plain dicts, lists, texts, numbers, days and moments: nothing that reaches a database. Whatever a person
wrote is escaped, always; there is no way to mark text as safe.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from jinja2 import FileSystemLoader, StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.core.clock import local
from app.core.types import date_in_words, format_cedula, format_date, format_guaranies

TEMPLATES: Final = Path(__file__).resolve().parent.parent / "templates" / "documents"

# What all letters have


@dataclass(frozen=True)
class Paper:
    """The frame of a document: who issues it, its number, what proves it."""

    issued_on: date  # fecha
    place: str  # lugar: "Asunción"
    office: str  # unidad que expide: "Dirección Regional de Trabajo de Itapúa"
    legal_basis: tuple[str, ...]  # base legal, una norma por línea
    number: str | None = None  # número; None: BORRADOR
    case_file: str | None = None  # expediente
    verification_code: str | None = None  # código de verificación, 8 caracteres
    verification_address: str | None = None  # dirección pública, como se escribe; the QR is image `qr`
    amended_by: str | None = None  # "modificada por OI-PRO-2026-000012"


@dataclass(frozen=True)
class Person:
    """Someone who takes part: inspector, attendant, representative, witness."""

    name: str  # nombre y apellido
    identity: str | None = None  # CI, digits, or another document as it is written
    post: str | None = None  # cargo
    credential: str | None = None  # credencial del inspector
    leader: bool = False  # inspector líder


@dataclass(frozen=True)
class Employer:
    """The employer, known by RUC, by cédula, or only as the one responsible for an establishment."""

    name: str  # razón social
    ruc: str | None = None  # RUC
    identity: str | None = None  # CI de la persona física
    trade_name: str | None = None  # nombre de fantasía
    registration: str | None = None  # número patronal MTESS
    provisional: bool = False  # identificación provisoria


@dataclass(frozen=True)
class Establishment:
    """Where the inspection takes place."""

    address: str  # domicilio
    district: str  # distrito
    department: str  # departamento
    name: str | None = None  # nombre o sucursal
    reference: str | None = None  # punto de referencia
    activity: str | None = None  # actividad económica


@dataclass(frozen=True)
class Signature:
    """A place to sign: signed by hand, drawn, electronic, refused, or absent."""

    name: str  # aclaración
    role: str  # "Inspector actuante", "Por la parte empleadora"
    post: str | None = None  # cargo
    identity: str | None = None  # CI
    acting: str | None = None  # "Encargado de despacho, Resolución N° 12/2026"
    image: str | None = None  # id of the drawn signature among the images
    signed_at: datetime | None = None  # firma electrónica: momento
    seal: str | None = None  # firma electrónica: huella que se mostró al firmar
    refused: str | None = None  # motivo de la negativa a firmar
    absent: str | None = None  # motivo de la ausencia


@dataclass(frozen=True)
class Letter:
    """What every letter has. `template` and `title` are those of its type."""

    paper: Paper

    def as_context(self) -> dict[str, object]:
        """Return the letter as plain values, for a template."""
        return {item.name: _plain(getattr(self, item.name)) for item in fields(self)}


# OI


@dataclass(frozen=True)
class OrderLetter(Letter):
    """Orden de inspección (OI), with the minimum content of 6.3."""

    start_mode: str  # modo de inicio: "De oficio, por plan anual", "Por denuncia"
    kind: str  # clase: "De establecimiento", "De turno o abierta", "De operativo"
    matters: tuple[str, ...]  # alcance: materias
    inspectors: tuple[Person, ...]  # inspectores, con CI
    valid_from: date  # vigencia, desde
    valid_until: date  # vigencia, hasta
    signature: Signature  # firma de la MAI o de quien delega
    employer: Employer | None = None  # empleador; None in an open order
    establishments: tuple[Establishment, ...] = ()  # domicilio(s); empty in an open order
    zone: str | None = None  # zona, in an open order
    period_from: date | None = None  # período examinado, desde
    period_until: date | None = None  # período examinado, hasta
    shift: str | None = None  # turno
    court_authorisation: str | None = None  # autorización judicial o consentimiento
    replaces: str | None = None  # orden que se vuelve a expedir
    instructions: str | None = None  # instrucciones


# ACT-INS


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


# REQ-REG


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


def _plain(value: object) -> object:
    """Dataclasses as dicts, tuples as lists, all the way down; plain values as they are."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value


# Composition

_BIDI_CONTROLS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def clean(value: object) -> object:
    """Return a text without control characters, lone surrogates and turners of direction.

    The last would print an amount or a name other than the one stored.
    """
    if not isinstance(value, str):
        return value
    shown = value.translate(_BIDI_CONTROLS)
    if shown.isprintable():
        return shown
    bad = ("Cc", "Cs", "Cn")
    return "".join(c for c in shown if c in "\n\t" or unicodedata.category(c) not in bad)


def _finalize(value: object) -> object:
    if value is None:
        return ""
    cleaned = clean(value)
    # A text marked as safe keeps its mark only through its own type.
    return type(value)(cleaned) if isinstance(value, str) and isinstance(cleaned, str) else cleaned


def _identity(text: str | None) -> str:
    """`1234567` as `1.234.567`; a foreign document as it is."""
    return format_cedula(text) if text and text.isascii() and text.isdigit() else text or ""


def _moment(moment: datetime) -> str:
    there = local(moment)
    return f"{format_date(there.date())} {there:%H:%M}"


def _hour(moment: datetime) -> str:
    return f"{local(moment):%H:%M}"


def _local_day(moment: datetime) -> date:
    return local(moment).date()


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    del environment.globals["lipsum"]
    for name in ("safe", "pprint", "xmlattr", "urlize", "tojson"):
        environment.filters.pop(name)
    environment.filters.update(
        day=format_date,
        moment=_moment,
        hour=_hour,
        local_day=_local_day,
        guaranies=format_guaranies,
        in_words=date_in_words,
        identity=_identity,
    )
    return environment


_ENVIRONMENT = _environment()


def compose(template: str, context: Mapping[str, Any]) -> str:
    """Return the HTML of a shipped template (`order.html`) with its data, in this process."""
    return _ENVIRONMENT.get_template(template).render(context)


def compose_source(source: str, context: Mapping[str, Any]) -> str:
    """Return the HTML of a template given as text; it may extend `base.html`. It may also never end: call
    `render.render_letter`, which runs it in a child that is killed in time."""
    return _compiled(source).render(context)


@lru_cache(maxsize=64)
def _compiled(source: str) -> Template:
    return _ENVIRONMENT.from_string(source)


def source_of(template: str) -> str:
    """Return the text of a shipped template, the first version that the ministry edits."""
    return (TEMPLATES / Path(template).name).read_text(encoding="utf-8")
