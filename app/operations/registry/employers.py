"""Register, change and identify employers."""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import or_, select

from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.core.types import Ruc, parse_cedula, parse_phone
from app.models.registry import Employer, EmployerKind
from app.operations import records
from app.operations.registry.likeness import LooksAlike, similar_employers
from app.operations.unit import act

FIRST_LEGAL_RUC = 80_000_000
"""DNIT numbers legal persons from here on; below are persons, whose number is mostly their cédula."""


def register_employer(
    values: Mapping[str, Any], *, confirmed: bool = False, provisional_only: bool = False
) -> Employer:
    """A new employer. `ruc` is read as people write it; without RUC and cédula a description is needed.

    Raises RuleBroken (`duplicate`: the number belongs to another, named in the message), LooksAlike unless
    `confirmed`, RuleBroken when the actor may only add provisional ones and gave a number.
    """
    clean = clean_employer(values)
    if provisional_only and (clean.get("ruc_base") or clean.get("document_number")):
        raise RuleBroken(
            "Su función registra empleadores provisorios: escriba el número en la descripción y "
            "Mesa de Entrada o Licencias lo identifica.",
            field="ruc",
            code="provisional_only",
        )
    with act("employer.register"):
        _refuse_known(clean)
        if not confirmed:
            alike = similar_employers(clean.get("legal_name"), trade_name=clean.get("trade_name"))
            if alike:
                raise LooksAlike("Hay empleadores parecidos. Mírelos antes de registrar otro.", alike)
        return _at_form_field(lambda: records.create(Employer, clean))


def change_employer(key: int, values: Mapping[str, Any], version: int | None = None) -> Employer:
    """Change an employer. Raises Missing, Stale, RuleBroken."""
    with act("employer.change"):
        before = _standing(key)
        clean = clean_employer(values, before)
        _refuse_known(clean, key)
        return _at_form_field(lambda: records.change(Employer, key, clean, version))


def update_employer(key: int, values: Mapping[str, Any], version: int | None = None) -> Employer:
    """Change an employer; a provisional one that is given a number is identified, which is an act of its own.

    Raises Missing, Stale, RuleBroken.
    """
    before = Session.get(Employer, key)
    numbered = values.get("ruc") or values.get("document_number")
    identifies = before is not None and before.provisional and bool(numbered)
    return (identify_employer if identifies else change_employer)(key, values, version)


def identify_employer(key: int, values: Mapping[str, Any], version: int | None = None) -> Employer:
    """Give a provisional employer its RUC or cédula (and name); everything that refers to it stays.

    Raises RuleBroken: already identified, no number given, or the number belongs to another employer, with
    which it is then to be merged.
    """
    with act("employer.identify"):
        employer = _standing(key)
        if not employer.provisional:
            raise RuleBroken(f"Ya está identificado: {employer}.", code="identified")
        clean = clean_employer(values, employer)
        if not clean.get("ruc_base") and not clean.get("document_number"):
            raise RuleBroken("Escriba el RUC o la cédula.", field="ruc", code="number_missing")
        _refuse_known(clean, key)
        return _at_form_field(lambda: records.change(Employer, key, clean, version))


def existing_employer(ruc: str | None = None, document_number: str | None = None) -> Employer | None:
    """The employer that has this RUC or this cédula, if any."""
    clean = clean_numbers({"ruc": ruc, "document_number": document_number})
    return _holder(clean)


def clean_employer(values: Mapping[str, Any], before: Employer | None = None) -> dict[str, Any]:
    """Values ready for the columns: numbers parsed and completed, kind inferred, a name for the unnamed."""
    clean = {name: value for name, value in values.items() if name not in ("ruc", "provisional")}
    clean |= clean_numbers(values)
    clean_reach(clean)
    base = clean.get("ruc_base")
    kind = clean.pop("kind", None) or (before.kind if before else None)
    if not kind or (kind == EmployerKind.UNKNOWN and base):
        kind = _kind_of(base, clean.get("document_number"))
    clean["kind"] = kind
    if before is None or "legal_name" in clean:
        clean["legal_name"] = _name_of(clean)
    return clean


def _name_of(clean: Mapping[str, Any]) -> str:
    name = clean.get("legal_name") or clean.get("description") or clean.get("trade_name")
    if not name:
        raise RuleBroken("Escriba la razón social o, si no se conoce, una descripción.", field="legal_name")
    return str(name)


def clean_numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    """`ruc` to its base and check digit, `document_number` to digits; what was not given is not touched."""
    clean: dict[str, Any] = {}
    if "ruc" in values:
        ruc = Ruc.parse(values["ruc"], field="ruc").complete if values["ruc"] else None
        clean["ruc_base"], clean["ruc_dv"] = (ruc.base, ruc.dv) if ruc else (None, None)
    if "document_number" in values:
        number = values["document_number"]
        clean["document_number"] = parse_cedula(number, "document_number") if number else None
    return clean


def clean_reach(values: dict[str, Any]) -> None:
    """Telephone in its stored form, mail with an @ in its place."""
    if values.get("phone"):
        values["phone"] = parse_phone(values["phone"], "phone")
    if values.get("email") and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", values["email"]):
        raise RuleBroken("El correo no tiene la forma nombre@lugar.com.", field="email")


def _kind_of(base: str | None, document_number: str | None) -> str:
    if base and base.isdigit():
        return EmployerKind.LEGAL if int(base) >= FIRST_LEGAL_RUC else EmployerKind.INDIVIDUAL
    return EmployerKind.INDIVIDUAL if document_number else EmployerKind.UNKNOWN


def _holder(clean: Mapping[str, Any], exclude: int = 0) -> Employer | None:
    given = [
        getattr(Employer, name) == clean[name]
        for name in ("ruc_base", "document_number")
        if clean.get(name) is not None
    ]
    if not given:
        return None
    return Session.scalars(select(Employer).where(Employer.id != exclude, or_(*given)).limit(1)).first()


def _refuse_known(clean: Mapping[str, Any], key: int = 0) -> None:
    """The number of a double that gave way still belongs to the employer that was kept."""
    holder = _holder(clean, key)
    if holder is None:
        return
    by_ruc = bool(clean.get("ruc_base")) and holder.ruc_base == clean["ruc_base"]
    advice = f"Use ese registro{'; o, si este es el mismo, únalos en «Unir duplicados»' if key else ''}."
    raise RuleBroken(
        f"Ya existe: {holder.merged_into or holder}. {advice}",
        field="ruc" if by_ruc else "document_number",
        code="duplicate",
    )


def _standing(key: int) -> Employer:
    employer = Session.get(Employer, key)
    if employer is None:
        raise Missing()
    if employer.merged_into is not None:
        raise RuleBroken(f"Este registro se unió con {employer.merged_into}: cambie aquel.", code="merged")
    return employer


def _at_form_field(write: Any) -> Employer:
    """A number taken by somebody a moment ago is shown at the field where it was typed."""
    try:
        employer: Employer = write()
    except RuleBroken as error:
        if error.field in ("ruc_base", "ruc_dv"):
            error.field = "ruc"
        raise
    return employer
