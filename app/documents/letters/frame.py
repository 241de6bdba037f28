"""What all letters have: the paper, who takes part, where, the places to sign."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime


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
    """What every letter has. `LETTERS` names the template of each."""

    paper: Paper

    def as_context(self) -> dict[str, object]:
        """Return the letter as plain values, for a template."""
        return {item.name: plain(getattr(self, item.name)) for item in fields(self)}


def plain(value: object) -> object:
    """Return dataclasses as dicts, tuples as lists, all the way down; plain values as they are."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return value
