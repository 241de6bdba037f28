"""Register and change establishments."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.models.registry import Employer, Establishment, PatronalKind, PatronalNumber
from app.operations import records
from app.operations.registry.details import check_detail
from app.operations.registry.employers import clean_reach
from app.operations.registry.likeness import LooksAlike, similar_establishments
from app.operations.unit import act


def register_establishment(
    values: Mapping[str, Any], *, confirmed: bool = False, provisional_only: bool = False
) -> Establishment:
    """A new establishment of an employer, with its patronal number when `patronal` is among the values.

    Raises RuleBroken (branch number taken, employer merged away), LooksAlike unless `confirmed`.
    """
    clean = dict(values)
    patronal = clean.pop("patronal", None)
    clean_reach(clean)
    if provisional_only:
        clean["provisional"] = True
    with act("establishment.register"):
        _lock_employer(clean.get("employer_id"))
        _refuse_taken_branch(clean)
        if not confirmed:
            _refuse_alike(clean, patronal)
        made = records.create(Establishment, clean)
        if patronal:
            _add_number(made, patronal.strip())
        return made


def _add_number(place: Establishment, number: str) -> None:
    """The number of a new establishment; one that the employer has already stays as it is."""
    kind = PatronalKind.IPS if "-" in number else PatronalKind.MTESS
    known = select(PatronalNumber.id).where(
        PatronalNumber.employer_id == place.employer_id, PatronalNumber.number == number
    )
    if Session.scalar(known.limit(1)) is not None:
        return
    values = {
        "employer_id": place.employer_id,
        "establishment_id": place.id,
        "kind": kind.value,
        "number": number,
    }
    try:
        records.create(PatronalNumber, check_detail(PatronalNumber, values))
    except RuleBroken as error:
        error.field = "patronal"
        raise


def change_establishment(key: int, values: Mapping[str, Any], version: int | None = None) -> Establishment:
    """Change an establishment. Raises Missing, Stale, RuleBroken."""
    clean = dict(values)
    clean_reach(clean)
    with act("establishment.change"):
        before = Session.get(Establishment, key)
        if before is None:
            raise Missing()
        if before.merged_into is not None:
            raise RuleBroken(f"Este registro se unió con {before.merged_into}: cambie aquel.", code="merged")
        whole = {"employer_id": before.employer_id, "branch_number": before.branch_number, **clean}
        _lock_employer(whole["employer_id"])
        _refuse_taken_branch(whole, key)
        return records.change(Establishment, key, clean, version)


def _lock_employer(key: int | None) -> Employer:
    """Two branches with one number, registered at once, wait here for each other."""
    employer = Session.scalars(
        select(Employer).where(Employer.id == (key or 0)).with_for_update(of=Employer)
    ).first()
    if employer is None:
        raise RuleBroken("Elija el empleador.", field="employer_id", code="employer_missing")
    if employer.merged_into is not None:
        raise RuleBroken(
            f"Ese registro se unió con {employer.merged_into}: elija aquel.",
            field="employer_id",
            code="merged",
        )
    return employer


def _refuse_taken_branch(values: Mapping[str, Any], key: int = 0) -> None:
    number = values.get("branch_number")
    if not number or not number.isdigit():
        return
    for other in Session.scalars(
        select(Establishment).where(
            Establishment.employer_id == values["employer_id"],
            Establishment.branch_number.is_not(None),
            Establishment.merged_into_id.is_(None),
            Establishment.id != key,
        )
    ):
        if int(other.branch_number or 0) == int(number):
            raise RuleBroken(
                f"El empleador ya tiene la sucursal {other}. Verifique el número.",
                field="branch_number",
                code="duplicate",
            )


def _refuse_alike(clean: Mapping[str, Any], patronal: str | None) -> None:
    alike = similar_establishments(
        clean["employer_id"],
        clean.get("district_code"),
        clean.get("address"),
        point_of(clean),
        patronal,
    )
    if alike:
        raise LooksAlike("Puede ser un establecimiento ya registrado. Mírelo antes de agregar otro.", alike)


def point_of(values: Mapping[str, Any]) -> tuple[Decimal, Decimal] | None:
    """Latitude and longitude, when both were given."""
    latitude, longitude = values.get("latitude"), values.get("longitude")
    return (latitude, longitude) if latitude is not None and longitude is not None else None
