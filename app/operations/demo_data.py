"""Demonstration employers and establishments, for training alone (domain 14).

Deterministic, without a source of chance: the same rows at every installation. Names are invented from parts
and marked as fictional in their observations; RUC bases come from a block of their own, digits computed.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select

from app.core.base import Model, Session
from app.core.types import ruc_check_digit
from app.models.catalogs import Activity, District
from app.models.registry import Employer, Establishment, Headcount, PatronalNumber
from app.operations.unit import act

EMPLOYERS, ESTABLISHMENTS = 120, 180
INDIVIDUALS = 30
FIRST_LEGAL, FIRST_INDIVIDUAL = 80_990_000, 9_800_000
FICTIONAL = "Ficticio: dato de demostración para capacitación."

TRADES = (
    "Panadería",
    "Ferretería",
    "Aserradero",
    "Transportes",
    "Constructora",
    "Confecciones",
    "Frigorífico",
    "Supermercado",
    "Estación de Servicio",
    "Taller",
    "Hotel",
    "Clínica",
    "Lácteos",
    "Estancia",
    "Metalúrgica",
)
NAMES = (
    "Ñandejára Poty",
    "Yvytu Pyahu",
    "Tapé Guasu",
    "Karanday del Sur",
    "Lapacho Rosado",
    "Kuarahy Resẽ",
    "Arroyo Hovy",
    "Tres Cocoteros",
    "Mbarakaja",
    "Puente Viejo",
    "Jasy Morotĩ",
    "Cerro Ñu",
)
FIRST_NAMES = ("Ramona", "Eulalio", "Ña Blanca", "Críspulo", "Petrona", "Sindulfo", "Zunilda", "Anuncio")
SURNAMES = ("Yegros Ficticio", "Ortúzar Inventado", "Caballero Supuesto", "Ñúñez de Muestra")
STREETS = (
    "Avda. de los Lapachos",
    "Calle Yvapovõ",
    "Mcal. de Mentira",
    "Ruta Imaginaria km",
    "Calle 13 Tuicha",
    "Pasaje Ñangapiry",
)
FORMS = ("S.A.", "S.R.L.", "E.A.S.", "Cooperativa")


def seed() -> int:
    """Add the demonstration registry to a database without employers; how many establishments were added."""
    if Session.scalar(select(Employer.id).limit(1)) is not None:
        return 0
    districts = _districts()
    activities = list(
        Session.scalars(select(Activity.code).where(Activity.level == "division").order_by(Activity.code))
    )
    with act("seed.registry"):
        employers = _add(Employer, list(_employers()))
        places = list(_establishments(employers, districts, activities))
        establishments = _add(Establishment, places)
        _add(PatronalNumber, list(_numbers(employers)))
        _add(Headcount, list(_headcounts(establishments)))
    return len(places)


def _add(kind: type[Model], rows: list[dict[str, Any]]) -> list[int]:
    """Insert the rows in sets; their keys in the order given."""
    key = kind.__table__.c["id"]
    result = Session.execute(insert(kind).returning(key, sort_by_parameter_order=True), rows)
    return [row[0] for row in result]


def _employers() -> Iterator[dict[str, Any]]:
    for n in range(EMPLOYERS):
        legal = n >= INDIVIDUALS
        base = str(FIRST_LEGAL + n * 7 if legal else FIRST_INDIVIDUAL + n * 13)
        trade = f"{TRADES[n % len(TRADES)]} {NAMES[(n * 5 + n // 15) % len(NAMES)]}"
        person = f"{FIRST_NAMES[n % len(FIRST_NAMES)]} {SURNAMES[n // 8 % len(SURNAMES)]}"
        form = FORMS[n % len(FORMS)] if legal else None
        yield {
            "kind": "legal" if legal else "individual",
            "ruc_base": base,
            "ruc_dv": ruc_check_digit(base),
            "document_number": None if legal else base,
            "legal_name": f"{trade} {form}" if legal else person,
            "trade_name": None if legal else trade,
            "legal_form": form,
            "status": ("ACTIVO", "ACTIVO", "ACTIVO", "NO_REGISTRADO", "INACTIVO_TEMPORAL")[n % 5],
            "started_on": date(2005 + n % 18, 1 + n % 12, 1 + n % 28),
            "representative": f"{FIRST_NAMES[n * 3 % 8]} {SURNAMES[n % 4]}",
            "notes": FICTIONAL,
        }


def _districts() -> list[list[int]]:
    """The districts of each department, the departments in turn: every region has its part."""
    found: dict[int, list[int]] = {}
    for code, department in Session.execute(
        select(District.code, District.department_code).order_by(District.code)
    ):
        found.setdefault(department, []).append(code)
    return [found[department] for department in sorted(found)]


def _establishments(
    employers: list[int], districts: list[list[int]], activities: list[str]
) -> Iterator[dict[str, Any]]:
    for n in range(ESTABLISHMENTS):
        owner = employers[n % len(employers)] if n < EMPLOYERS else employers[INDIVIDUALS + (n * 7) % 20]
        region = districts[n % len(districts)]
        # The first EMPLOYERS rows are head offices; branch numbers of the rest go on from 002.
        branch = 1 if n < EMPLOYERS else 2 + (n - EMPLOYERS) // 20
        yield {
            "employer_id": owner,
            "branch_number": f"{branch:03d}",
            "name": "Casa central" if n < EMPLOYERS else f"Sucursal {branch - 1}",
            "district_code": region[(n // len(districts)) % len(region)],
            "address": f"{STREETS[n % len(STREETS)]} {100 + n * 17 % 900}",
            "reference": None,
            "latitude": Decimal("-25.300000") + Decimal(n % 30) / 40 - Decimal(n % 7) / 10,
            "longitude": Decimal("-57.500000") + Decimal(n % 45) / 15,
            "activity_code": activities[n * 5 % len(activities)] if activities else None,
            "opened_on": date(2008 + n % 16, 1 + n % 12, 1 + n % 28),
            "closed_on": date(2025, 6, 30) if n % 37 == 36 else None,
            "notes": FICTIONAL,
        }


def _numbers(employers: list[int]) -> Iterator[dict[str, Any]]:
    for n, employer in enumerate(employers):
        if n % 4 != 3:
            yield {"employer_id": employer, "kind": "MTESS", "number": str(990_000 + n)}
        if n % 3 == 0:
            yield {"employer_id": employer, "kind": "IPS", "number": f"09{n % 90 + 10}-77-{10_000 + n}"}


def _headcounts(establishments: list[int]) -> Iterator[dict[str, Any]]:
    for n, establishment in enumerate(establishments):
        for year in (2024, 2025):
            women, men = n * 7 % 60 + year % 2024, n * 11 % 80 + 1
            yield {
                "establishment_id": establishment,
                "as_of": date(year, 12, 31),
                "source": "reop" if n % 2 else "declarado",
                "women": women,
                "men": men,
                "adolescents": 1 if n % 23 == 0 else 0,
                "foreigners": (women + men) // 20,
                "disabled": (women + men) // 40,
            }
