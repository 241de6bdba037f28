"""The order of inspection and the documents that change it: who goes, until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.documents.letters.frame import Employer, Establishment, Letter, Person, Signature


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


# OI-SUS


@dataclass(frozen=True)
class Departure:
    """An inspector who leaves an order, and why."""

    inspector: Person
    reason: str  # motivo


@dataclass(frozen=True)
class TeamChangeLetter(Letter):
    """Sustitución o incorporación de inspectores (OI-SUS): who leaves, who enters, who they are now.

    The order's own PDF stays as it was signed; this one is shown together with it.
    """

    order_number: str
    order_date: date
    team: tuple[Person, ...]  # equipo, tal como queda
    signature: Signature  # firma de la MAI o de quien delega
    leaving: tuple[Departure, ...] = ()  # quienes cesan
    entering: tuple[Person, ...] = ()  # quienes se incorporan
    effective_from: date | None = None  # rige desde; None: from its issue on
    reason: str | None = None  # motivo de la incorporación
    employer: Employer | None = None  # None in an open order
    establishments: tuple[Establishment, ...] = ()
    zone: str | None = None


# OI-PRO


@dataclass(frozen=True)
class OrderExtensionLetter(Letter):
    """Prórroga de la orden (OI-PRO): a new last day for the first visit, before the old one has passed."""

    order_number: str
    order_date: date
    valid_from: date  # vigencia original, desde
    valid_until: date  # vigencia original, hasta
    new_until: date  # nueva vigencia, hasta
    reason: str  # motivo
    signature: Signature
    inspectors: tuple[Person, ...] = ()  # equipo designado
    requested_by: Person | None = None  # quien la solicita
    requested_on: date | None = None  # fecha de la solicitud
    employer: Employer | None = None  # None in an open order
    establishments: tuple[Establishment, ...] = ()
    zone: str | None = None
