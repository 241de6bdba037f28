"""The registry: who is an employer, where, and what hangs on them; doubles seen before they are made."""

import random
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from registry_samples import district, make, place
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session as OrmSession

from app.core.errors import Missing, RuleBroken, Stale
from app.core.types import ruc_check_digit
from app.models.registry import (
    Contact,
    Employer,
    Headcount,
    PatronalNumber,
)
from app.operations import demo_data, records, registry
from app.operations.registry import LooksAlike

# -- employers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["80012345-0", "80.012.345-0", " 80012345 ", "80 012 345 - 0"])
def test_ruc_is_read_and_completed(db: OrmSession, typed: str) -> None:
    made = make(ruc=typed)
    assert (made.ruc_base, made.ruc_dv, made.ruc) == ("80012345", "0", "80012345-0")
    assert (made.kind, made.provisional) == ("legal", False)


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({"ruc": "80012345-1"}, "ruc", "ruc_digit"),
        ({"ruc": "hola"}, "ruc", "ruc_format"),
        ({"ruc": "80123456789"}, "ruc", "ruc_length"),
        ({"ruc": None, "document_number": "12"}, "document_number", "cedula_format"),
        ({"phone": "123"}, "phone", "phone_format"),
        ({"email": "sin arroba"}, "email", None),
        ({"ruc": None}, None, None),
        ({"ruc": None, "legal_name": None}, "legal_name", None),
    ],
)
def test_a_wrong_employer_is_refused_at_its_field(
    db: OrmSession, values: dict[str, Any], field: str | None, code: str | None
) -> None:
    with pytest.raises(RuleBroken) as refusal:
        make(**values)
    assert refusal.value.field == field
    assert code is None or refusal.value.code == code


def test_the_same_ruc_is_refused_with_the_name_of_who_has_it(db: OrmSession) -> None:
    make()
    with pytest.raises(RuleBroken, match=r"Ya existe: 80012345-0 · Zapatería Guyra Campana") as refusal:
        make(ruc="80012345", legal_name="Otra cosa")
    assert (refusal.value.field, refusal.value.code) == ("ruc", "duplicate")


def test_the_same_cedula_is_refused_too(db: OrmSession) -> None:
    first = make(ruc=None, document_number="1.234.567", legal_name="Ña Tomasa Muestra")
    assert first.kind == "individual" and str(first) == "C.I. 1.234.567 · Ña Tomasa Muestra"
    with pytest.raises(RuleBroken, match="Ya existe: C.I. 1.234.567"):
        make(ruc=None, document_number="1234567", legal_name="Otra")


def test_an_employer_without_papers_is_provisional_by_its_description(db: OrmSession) -> None:
    made = make(ruc=None, legal_name=None, description="Responsable del taller de la calle Palma")
    db.refresh(made)
    assert made.provisional and made.kind == "unknown"
    assert str(made) == "Sin identificar · Responsable del taller de la calle Palma"


def test_identifying_keeps_what_refers_to_it(db: OrmSession) -> None:
    made = make(ruc=None, legal_name=None, description="Responsable del obraje")
    there = place(made)
    registry.identify_employer(made.id, {"ruc": "80045678", "legal_name": "Obraje Ficticio S.A."})
    db.refresh(made)
    assert not made.provisional and made.kind == "legal" and there.employer_id == made.id
    with pytest.raises(RuleBroken, match="Ya está identificado"):
        registry.identify_employer(made.id, {"ruc": "80045678-5"})


def test_identifying_with_the_number_of_another_says_to_merge(db: OrmSession) -> None:
    make()
    other = make(ruc=None, legal_name=None, description="Responsable de la zapatería")
    with pytest.raises(RuleBroken, match="Unir duplicados"):
        registry.identify_employer(other.id, {"ruc": "80012345-0"})
    with pytest.raises(RuleBroken, match="Escriba el RUC o la cédula"):
        registry.identify_employer(other.id, {"legal_name": "Sin número"})


def test_an_employer_is_changed_and_a_lost_update_is_refused(db: OrmSession) -> None:
    made = make()
    registry.change_employer(made.id, {"trade_name": "Guyra"}, made.version)
    assert made.trade_name == "Guyra" and made.legal_name.startswith("Zapatería")
    with pytest.raises(Stale):
        registry.change_employer(made.id, {"trade_name": "Tarde"}, made.version - 1)
    with pytest.raises(Missing):
        registry.change_employer(999_999_999, {"trade_name": "Nadie"})


def test_who_may_only_add_provisional_ones_gives_no_number(db: OrmSession) -> None:
    with pytest.raises(RuleBroken, match="provisorios"):
        registry.register_employer({"ruc": "80012345-0", "legal_name": "X"}, provisional_only=True)


@pytest.mark.parametrize(
    "typed",
    [
        "Zapateria Guyra Campana",
        "ZAPATERÍA GUYRÁ CAMPANA S.R.L.",
        "Zapatería Guyra Canpana SA",
        "zapatería guyra campana s. a.",
    ],
)
def test_an_employer_with_a_name_alike_is_shown_before_registering(db: OrmSession, typed: str) -> None:
    made = make()
    with pytest.raises(LooksAlike) as refusal:
        registry.register_employer({"ruc": "80045678-5", "legal_name": typed})
    assert [item.id for item in refusal.value.similar] == [made.id]
    assert registry.register_employer({"ruc": "80045678-5", "legal_name": typed}, confirmed=True).id


@pytest.mark.parametrize("typed", ["Zapatería El Rayo S.A.", "Panadería Campana", "Ferretería San Blas"])
def test_another_name_is_not_taken_for_a_double(db: OrmSession, typed: str) -> None:
    made = make()
    assert made.id not in [item.id for item in registry.similar_employers(typed)]


def test_a_trade_name_and_a_number_betray_a_double(db: OrmSession) -> None:
    made = make(trade_name="Calzados Pykasu")
    assert [item.id for item in registry.similar_employers("calzados pikasu")] == [made.id]
    (same,) = registry.similar_employers(None, "80012345")
    assert (same.id, same.reason, same.score) == (made.id, "mismo número", 1.0)
    assert registry.similar_employers("Calzados Pykasu", exclude=made.id) == []
    assert registry.similar_employers("", "8001") == registry.similar_employers(None) == []


# -- the check digit -------------------------------------------------------------------------------------


def test_the_database_and_the_program_agree_on_the_check_digit(db: OrmSession) -> None:
    chance = random.Random(20130131)
    bases = [str(chance.randint(1, 99_999_999)) for _ in range(1000)] + ["80009735", "999160", "1", "12A"]
    rows = db.execute(
        text("SELECT base, ruc_check_digit(base) FROM unnest(CAST(:bases AS text[])) AS base"),
        {"bases": bases},
    ).all()
    assert len(rows) == 1004 and all(digit == ruc_check_digit(base) for base, digit in rows)


def test_the_database_itself_refuses_a_wrong_digit(db: OrmSession) -> None:
    with pytest.raises(RuleBroken, match="dígito verificador"):
        records.create(Employer, {"kind": "legal", "legal_name": "X", "ruc_base": "80012345", "ruc_dv": "1"})


# -- establishments and details --------------------------------------------------------------------------


def test_one_employer_has_two_branches_and_no_number_twice(db: OrmSession) -> None:
    made = make()
    place(made, branch_number="001")
    second = place(made, branch_number="002", name="Sucursal Luque", address="Otra calle 8")
    assert {item.branch_number for item in made.establishments} == {"001", "002"}
    with pytest.raises(RuleBroken, match="ya tiene la sucursal 002 · Sucursal Luque") as refusal:
        place(made, branch_number="2", address="Tercera calle 9")
    assert refusal.value.field == "branch_number"
    registry.change_establishment(second.id, {"branch_number": "002", "name": "Sucursal Uno"})
    with pytest.raises(RuleBroken, match="ya tiene la sucursal 001"):
        registry.change_establishment(second.id, {"branch_number": "0001"})


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"latitude": Decimal("-25.3")}, "las dos o ninguna"),
        ({"latitude": Decimal("25.3"), "longitude": Decimal("-57.6")}, "fuera del país"),
        ({"latitude": Decimal("-25.3"), "longitude": Decimal("-50")}, "fuera del país"),
        ({"address": None}, "Indique dónde está"),
        ({"opened_on": date(2025, 1, 1), "closed_on": date(2024, 1, 1)}, "fecha de cierre"),
        ({"branch_number": "uno"}, "de 1 a 4 cifras"),
        ({"employer_id": 999_999_999}, "Elija el empleador"),
        ({"phone": "1"}, "El teléfono"),
    ],
)
def test_a_wrong_establishment_is_refused_in_words(
    db: OrmSession, values: dict[str, Any], words: str
) -> None:
    made = make()
    with pytest.raises(RuleBroken, match=words):
        place(made, **values)


def test_a_point_and_words_are_an_address(db: OrmSession) -> None:
    made = make()
    there = place(made, address=None, latitude=Decimal("-22.34"), longitude=Decimal("-60.03"))
    assert there.id and str(there) == "Casa central"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"address": "avda primera 100"}, "dirección parecida"),
        ({"address": "Lejos", "patronal": "77001"}, "mismo número patronal"),
        (
            {"address": "Lejos", "latitude": Decimal("-25.27001"), "longitude": Decimal("-57.48001")},
            "mismo lugar en el mapa",
        ),
    ],
)
def test_the_same_door_is_shown_before_registering(
    db: OrmSession, values: dict[str, Any], reason: str
) -> None:
    made = make()
    first = place(made, latitude=Decimal("-25.27"), longitude=Decimal("-57.48"))
    records.create(
        PatronalNumber,
        {"employer_id": made.id, "establishment_id": first.id, "kind": "MTESS", "number": "77001"},
    )
    with pytest.raises(LooksAlike) as refusal:
        registry.register_establishment(
            {"employer_id": made.id, "name": "Otro nombre", "district_code": district(), **values}
        )
    assert [(item.id, item.reason) for item in refusal.value.similar] == [(first.id, reason)]


def test_a_far_point_or_another_employer_in_the_same_building_is_no_double(db: OrmSession) -> None:
    made, other = make(), make(ruc="80045678-5", legal_name="Heladería Aparte")
    place(made, latitude=Decimal("-25.27"), longitude=Decimal("-57.48"))
    near = (Decimal("-25.27"), Decimal("-57.48"))
    assert registry.similar_establishments(other.id, district(), "Avda. Primera 100", near) == []
    assert registry.similar_establishments(made.id, point=(Decimal("-25.28"), Decimal("-57.48"))) == []
    assert len(registry.similar_establishments(None, point=near)) == 1
    assert registry.similar_establishments(made.id) == []


def test_a_provisional_one_at_the_same_door_is_a_candidate(db: OrmSession) -> None:
    unknown = make(ruc=None, legal_name=None, description="Responsable del local")
    there = place(unknown, address="Calle del Trapiche 55")
    found = registry.similar_establishments(make().id, district(), "calle del trapiche 55")
    assert [item.id for item in found] == [there.id]


def test_details_are_of_the_same_employer_and_of_no_day_to_come(db: OrmSession) -> None:
    made, other = make(), make(ruc="80045678-5", legal_name="Heladería Aparte")
    there = place(other)
    contact = {"employer_id": made.id, "name": "Jefa", "phone": "0981 123 456", "establishment_id": there.id}
    with pytest.raises(RuleBroken, match="es de otro empleador"):
        registry.check_detail(Contact, contact)
    count = {"establishment_id": there.id, "as_of": date(2999, 1, 1), "women": 1, "men": 1}
    with pytest.raises(RuleBroken, match="posterior a hoy"):
        registry.check_detail(Headcount, count)
    number = {"employer_id": other.id, "kind": "MTESS", "number": "4321"}
    records.create(PatronalNumber, number)
    with pytest.raises(RuleBroken, match="Ese número ya es de 80045678-5"):
        registry.check_detail(PatronalNumber, {**number, "employer_id": made.id})


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        (PatronalNumber, {"kind": "MTESS", "number": "12345678"}, "de 1 a 7 cifras"),
        (PatronalNumber, {"kind": "IPS", "number": "123"}, "tiene la forma"),
        (Contact, {"name": "Alguien"}, "un teléfono o un correo"),
    ],
)
def test_rules_of_details(db: OrmSession, kind: Any, values: dict[str, Any], words: str) -> None:
    with pytest.raises(RuleBroken, match=words):
        records.create(kind, {"employer_id": make().id, **values})


def test_headcounts_are_history(db: OrmSession) -> None:
    there = place(make())
    for year, women in ((2024, 5), (2025, 7)):
        values = {"establishment_id": there.id, "as_of": date(year, 12, 31), "source": "reop", "men": 2}
        records.create(Headcount, {**values, "women": women})
    assert [(count.as_of.year, count.total) for count in there.headcounts] == [(2025, 9), (2024, 7)]
    with pytest.raises(RuleBroken, match="Ningún grupo puede pasar"):
        records.create(Headcount, {**values, "women": 1, "foreigners": 9})


# -- demonstration data ----------------------------------------------------------------------------------


def test_demonstration_registry_is_whole_valid_and_added_once(db: OrmSession) -> None:
    rows = db.execute(text("SELECT count(*), count(DISTINCT ruc_base) FROM employer")).one()
    assert tuple(rows) == (demo_data.EMPLOYERS, demo_data.EMPLOYERS)
    regions = db.execute(
        text(
            "SELECT count(*), count(DISTINCT d.department_code) FROM establishment e"
            " JOIN district d ON d.code = e.district_code"
        )
    ).one()
    assert tuple(regions) == (demo_data.ESTABLISHMENTS, 18)
    assert demo_data.seed() == 0
    assert db.scalar(select(func.count()).where(Employer.notes.not_like("Ficticio%"))) == 0
