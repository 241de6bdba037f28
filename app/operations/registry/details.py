"""Rules of what hangs on employers and establishments."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select

from app.core import clock
from app.core.base import Model, Session
from app.core.errors import RuleBroken
from app.models.registry import Establishment, PatronalNumber
from app.operations.registry.employers import clean_reach


def check_detail(kind: type[Model], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a patronal number, contact or headcount, ready to be written.

    Raises RuleBroken: the establishment is of another employer, the number belongs to another, the count is
    of a day to come.
    """
    clean = dict(values)
    clean_reach(clean)
    employer_id, place = clean.get("employer_id"), clean.get("establishment_id")
    if employer_id and place:
        owner = Session.scalar(select(Establishment.employer_id).where(Establishment.id == place))
        if owner != employer_id:
            raise RuleBroken("Ese establecimiento es de otro empleador.", field="establishment_id")
    if clean.get("as_of") and clean["as_of"] > clock.today():
        raise RuleBroken("La fecha no puede ser posterior a hoy.", field="as_of")
    if kind is PatronalNumber:
        _refuse_others_number(clean)
    return clean


def _refuse_others_number(clean: Mapping[str, Any]) -> None:
    holder = Session.scalars(
        select(PatronalNumber).where(
            PatronalNumber.kind == clean.get("kind"),
            PatronalNumber.number == func.trim(clean.get("number") or ""),
            PatronalNumber.employer_id != (clean.get("employer_id") or 0),
        )
    ).first()
    if holder is not None:
        raise RuleBroken(
            f"Ese número ya es de {holder.employer}. Si es el mismo empleador, únalos en «Unir duplicados».",
            field="number",
            code="duplicate",
        )
