"""Doubles before they are made: employers by name or number, establishments by address, point, number."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Float, cast, desc, func, literal, or_, select
from sqlalchemy.orm import joinedload

from app.core.base import Session
from app.core.errors import DomainError, RuleBroken
from app.core.types import Ruc
from app.models.registry import Employer, Establishment, PatronalNumber

NAME_LIKENESS = 0.45
"""Trigram similarity of two names from which a person should look. Seen on pairs typed twice: a missing
«S.A.», a missing accent or one wrong letter stay above 0.5; different firms that share «Comercial» or
«Panadería» stay below 0.4."""

ADDRESS_LIKENESS = 0.5
"""The same for addresses, which share «Avda.», «casi» and numbers more often than names share words."""

NEAR_METRES = 60
"""Two points this close are one door: a telephone's error in a street plus the width of a plot."""

METRES_A_DEGREE = 111_320
LIMIT = 5


@dataclass(frozen=True)
class Similar:
    """A record that may be the one being registered, and why."""

    kind: str
    id: int
    text: str
    score: float
    reason: str


class LooksAlike(RuleBroken):
    """Similar records exist: the person looks at them and confirms that this is another one."""

    default_code = "similar"

    def __init__(self, message: str, similar: Sequence[Similar]) -> None:
        super().__init__(message, reasons=[f"{item.text} ({item.reason})" for item in similar])
        self.similar = tuple(similar)


def similar_employers(
    name: str | None,
    ruc: str | None = None,
    document_number: str | None = None,
    trade_name: str | None = None,
    exclude: int | None = None,
) -> list[Similar]:
    """Employers with the same number, then those with a name alike (legal or trade), the closest first."""
    same = _same_number(ruc, document_number)
    names = [text for text in (name, trade_name) if text and len(text.strip()) > 2]
    if not same and not names:
        return []
    likeness, alike = _likeness(names)
    _threshold(NAME_LIKENESS)
    same_number: ColumnElement[bool] = or_(*same) if same else literal(False)
    rows = Session.execute(
        select(Employer, likeness.label("score"), same_number.label("same"))
        .where(Employer.merged_into_id.is_(None), Employer.id != (exclude or 0))
        .where(or_(same_number, alike))
        .order_by(desc("same"), desc("score"), Employer.id)
        .limit(LIMIT)
    )
    return [
        Similar(
            "employer",
            employer.id,
            str(employer),
            1.0 if equal else float(score or 0),
            "mismo número" if equal else "nombre parecido",
        )
        for employer, score, equal in rows
    ]


def _threshold(likeness: float) -> None:
    """From which similarity the operator `%` holds, in this transaction: the index then skips the rest."""
    Session.execute(select(func.set_config("pg_trgm.similarity_threshold", str(likeness), True)))


def _same_number(ruc: str | None, document_number: str | None) -> list[ColumnElement[bool]]:
    """Conditions for the numbers given; one half typed says nothing yet."""
    found: list[ColumnElement[bool]] = []
    try:
        if ruc:
            found.append(Employer.ruc_base == Ruc.parse(ruc).base)
    except DomainError:
        pass
    digits = "".join(c for c in document_number or "" if c.isdigit()).lstrip("0")
    if len(digits) > 4:
        found.append(Employer.document_number == digits)
    return found


def _likeness(names: Iterable[str]) -> tuple[Any, ColumnElement[bool]]:
    """The greatest similarity of these names with an employer's; the condition that the indexes answer."""
    scores, alike = [], []
    for name in names:
        for column in (Employer.legal_name, Employer.trade_name):
            folded = func.fold(column)
            scores.append(func.similarity(folded, func.fold(name)))
            alike.append(folded.bool_op("%")(func.fold(name)))
    if not scores:
        return cast(literal(0), Float), literal(False)
    return func.greatest(*scores), or_(*alike)


def similar_establishments(
    employer_id: int | None,
    district_code: int | None = None,
    address: str | None = None,
    point: tuple[Decimal, Decimal] | None = None,
    patronal: str | None = None,
    exclude: int | None = None,
) -> list[Similar]:
    """Establishments at the same door: by patronal number, point (metres) or address in the district.

    Looked for among those of the employer and of the employers that nobody identified; among all when no
    employer is given. In a shopping centre one address is many employers.
    """
    signs = list(_signs(district_code, address, point, patronal))
    if not signs:
        return []
    _threshold(ADDRESS_LIKENESS)
    query = (
        select(Establishment, *(condition.label(f"sign_{n}") for n, (condition, _) in enumerate(signs)))
        .join(Establishment.employer)
        .where(Establishment.merged_into_id.is_(None), Establishment.id != (exclude or 0))
        .where(or_(*(condition for condition, _ in signs)))
        .options(joinedload(Establishment.district), joinedload(Establishment.employer))
        .order_by(Establishment.id)
        .limit(LIMIT)
    )
    if employer_id is not None:
        query = query.where(or_(Establishment.employer_id == employer_id, Employer.provisional))
    return [
        Similar(
            "establishment",
            row[0].id,
            row[0].lookup_text,
            1.0,
            ", ".join(reason for (_, reason), there in zip(signs, row[1:], strict=True) if there),
        )
        for row in Session.execute(query)
    ]


def _signs(
    district_code: int | None,
    address: str | None,
    point: tuple[Decimal, Decimal] | None,
    patronal: str | None,
) -> Iterable[tuple[Any, str]]:
    if patronal:
        yield (
            Establishment.id.in_(
                select(PatronalNumber.establishment_id).where(
                    PatronalNumber.number == patronal.strip(), PatronalNumber.establishment_id.is_not(None)
                )
            ),
            "mismo número patronal",
        )
    if point:
        yield func.coalesce(_near(*point), False), "mismo lugar en el mapa"
    if address and len(address.strip()) > 3 and district_code is not None:
        folded = func.fold(Establishment.address)
        alike = folded.bool_op("%")(func.fold(address))
        yield (
            func.coalesce((Establishment.district_code == district_code) & alike, False),
            "dirección parecida",
        )


def _near(latitude: Decimal, longitude: Decimal) -> ColumnElement[bool]:
    """Inside the square around a point; the country is far enough from the poles for one cosine (0.9)."""
    up = Decimal(NEAR_METRES) / METRES_A_DEGREE
    across = up / Decimal("0.9")
    return Establishment.latitude.between(latitude - up, latitude + up) & Establishment.longitude.between(
        longitude - across, longitude + across
    )
