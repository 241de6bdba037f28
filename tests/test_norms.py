"""The law as rows: what is in force on a day, what may be changed, what is seeded."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as OrmSession

from app.core import clock, fines
from app.core.base import Session
from app.core.calendar import Place
from app.core.errors import Missing, RuleBroken
from app.models.catalogs import Activity, District
from app.models.norms import Holiday, Infraction, InfractionAlias, MinimumWage, Norm, Parameter
from app.operations import catalog_seeds, norms, parameters, records
from app.operations.unit import act

TODAY = date(2026, 11, 24)


def parameter_row(code: str) -> Parameter:
    Session.expire_all()
    return Session.scalars(
        select(Parameter).where(Parameter.code == code).order_by(Parameter.valid_from.desc())
    ).first()


# --- What is in force


@pytest.mark.parametrize(
    ("on", "daily"),
    [
        (date(2014, 3, 1), 70155),
        (date(2023, 6, 30), 98089),
        (date(2023, 7, 1), 103091),
        (date(2026, 6, 30), 111502),
        (date(2026, 7, 1), 117077),
        (TODAY, 117077),
    ],
)
def test_day_wage_in_force_on_a_day(db: OrmSession, on: date, daily: int) -> None:
    assert parameters.minimum_wage(on).daily == daily


def test_no_day_wage_before_the_first_row_says_what_to_do(db: OrmSession) -> None:
    with pytest.raises(Missing, match="No hay jornal mínimo cargado para el 01/01/2010"):
        parameters.minimum_wage(date(2010, 1, 1))


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("MULTA_FACTOR_REINCIDENCIA", 2),
        ("IPS_PATRONAL", Decimal("16.5")),
        ("DEN_ANONIMA_PERMITIDA", True),
        ("ASUETO_SUSPENDE", False),
        ("ALERTA_OFFSETS", ["-5", "-2", "0", "1", "5"]),
        ("OI_FIRMANTE", "MINISTRO"),
    ],
)
def test_parameter_has_the_type_that_its_row_says(db: OrmSession, code: str, value: Any) -> None:
    found = parameters.parameter(code, TODAY)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(("code", "on"), [("NO_EXISTE", TODAY), ("OI_FIRMANTE", date(2000, 1, 1))])
def test_parameter_without_a_row_in_force_is_missing_by_name(db: OrmSession, code: str, on: date) -> None:
    with pytest.raises(Missing, match=code):
        parameters.parameter(code, on)


def test_infraction_as_it_stood_on_a_day(db: OrmSession) -> None:
    found = parameters.infraction("SAL-01", TODAY)
    assert (found.day_wages_min, found.day_wages_max, found.area.code) == (30, 30, "SAL")
    with pytest.raises(Missing, match="DOM-01"):
        parameters.infraction("DOM-01", date(2014, 1, 1))


def test_reading_twice_asks_the_database_once(db: OrmSession, app: Any) -> None:
    seen: list[str] = []
    listener = lambda *call: seen.append(call[2])  # noqa: E731
    event.listen(app.extensions["sis_engine"], "before_cursor_execute", listener)
    for code in ("OI_FIRMANTE", "IPS_PATRONAL", "OI_FIRMANTE"):
        parameters.parameter(code, TODAY)
    event.remove(app.extensions["sis_engine"], "before_cursor_execute", listener)
    ours = ("SAVEPOINT", "set_config('app.uid'")
    assert len([one for one in seen if not any(mark in one for mark in ours)]) == 1, seen


# --- Fines (domain 4.6) and business days (domain 5.2)


@pytest.mark.parametrize(
    ("code", "on", "day_wages", "workers", "factor", "amount"),
    [
        ("SAL-01", TODAY, 30, 12, 1, 42_147_720),
        ("SAL-01", TODAY, 30, 12, 2, 84_295_440),
        ("JOR-01", TODAY, 10, 8, 1, 9_366_160),
        ("REG-01", TODAY, 15, 40, 1, 1_756_155),
        ("SST-01", date(2023, 10, 1), 20, 120, 1, 2_061_820),
    ],
)
def test_fine(
    db: OrmSession, code: str, on: date, day_wages: int, workers: int, factor: int, amount: int
) -> None:
    row = parameters.infraction(code, on)
    fines.check_range(day_wages, row.day_wages_min, row.day_wages_max)
    number = fines.times(row.basis, workers)
    assert fines.fine(day_wages, number, parameters.minimum_wage(on).daily, factor) == amount


def test_fine_outside_the_range_or_for_nobody_is_refused() -> None:
    with pytest.raises(RuleBroken, match="van de 10 a 30"):
        fines.check_range(31, 10, 30)
    with pytest.raises(RuleBroken, match="al menos un trabajador"):
        fines.times("per_worker", 0)


@pytest.mark.parametrize(("severity", "expected"), [("leve", 10), ("grave", 20), ("muy_grave", 30)])
def test_suggested_day_wages(severity: str, expected: int) -> None:
    assert fines.suggested_day_wages(severity, 10, 30) == expected
    assert fines.suggested_day_wages("grave", 20, 25) == 23


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-03-27", 5, "2026-04-07"),
        ("2026-04-01", 1, "2026-04-06"),
        ("2026-02-27", 1, "2026-03-03"),
        ("2026-05-11", 5, "2026-05-20"),
        ("2026-05-13", 18, "2026-06-10"),
        ("2026-06-05", 9, "2026-06-19"),
        ("2026-09-25", 3, "2026-10-01"),
        ("2026-12-04", 10, "2026-12-21"),
    ],
)
def test_business_days_over_the_seeded_holidays(db: OrmSession, start: str, days: int, end: str) -> None:
    kept = parameters.calendar_for(Place("12"), {2026})
    assert kept.add_business_days(date.fromisoformat(start), days) == date.fromisoformat(end)


def test_holiday_of_a_district_is_kept_there_only_and_from_the_next_reading_on(db: OrmSession) -> None:
    day, here, there = date(2026, 8, 11), Place("12", "153"), Place("12", "999")
    assert parameters.calendar_for(here).is_business_day(day)
    district = Session.scalars(select(District).order_by(District.code).limit(1)).one()
    values = {"original_date": day, "effective_date": day, "name": "Fundación", "kind": "LOCAL"}
    records.create(Holiday, values | {"verification": "verificado", "districts": [district]})
    here = Place(str(district.department_code), str(district.code))
    assert not parameters.calendar_for(here).is_business_day(day)
    assert parameters.calendar_for(there).is_business_day(day)


def test_bulk_change_is_seen_at_once(db: OrmSession) -> None:
    assert parameters.parameter("OI_FIRMANTE", TODAY) == "MINISTRO"
    with act("test"):
        db.execute(update(Parameter).where(Parameter.code == "OI_FIRMANTE").values(value="DGIFT"))
        assert parameters.parameter("OI_FIRMANTE", TODAY) == "DGIFT"


# --- A change of the law is a new row


def test_new_wage_closes_the_one_in_force_and_holds_at_once(db: OrmSession) -> None:
    assert parameters.minimum_wage(date(2027, 7, 1)).daily == 117077
    values = {
        "monthly": 3_200_000,
        "daily": 123_077,
        "legal_basis": "Decreto 1/2027",
        "verification": "verificado",
    }
    norms.create(MinimumWage, values | {"valid_from": date(2027, 7, 1)})
    assert parameters.minimum_wage(date(2027, 6, 30)).daily == 117077
    assert parameters.minimum_wage(date(2027, 6, 30)).valid_to == date(2027, 6, 30)
    assert parameters.minimum_wage(date(2027, 7, 1)).daily == 123_077


@pytest.mark.parametrize("start", [date(2025, 1, 1), date(2023, 7, 1)])
def test_overlapping_rows_are_refused(db: OrmSession, start: date) -> None:
    values = {"monthly": 3_200_000, "daily": 123_077, "legal_basis": "x", "verification": "verificado"}
    with pytest.raises(RuleBroken, match="se cruzan|Ya existe"):
        norms.create(MinimumWage, values | {"valid_from": start})
    assert Session.scalars(select(MinimumWage).where(MinimumWage.valid_to.is_(None))).one().daily == 117077


def test_the_database_itself_refuses_two_rows_of_a_code_on_one_day(db: OrmSession) -> None:
    with pytest.raises(IntegrityError, match="ex_parameter_one_in_force"), act("test"):
        db.execute(
            text(
                "INSERT INTO parameter (code, description, value, value_type, unit, valid_from, legal_basis,"
                " verification) VALUES ('OI_FIRMANTE', 'x', 'DGIFT', 'text', 'opcion', '2026-01-01', 'x', 'diseno')"
            )
        )


def test_value_in_force_is_not_edited_but_may_be_closed_and_verified(db: OrmSession) -> None:
    row = parameter_row("MULTA_PLAZO_PAGO")
    with pytest.raises(RuleBroken, match="Agregue uno nuevo") as refused:
        norms.change(Parameter, row.id, {"value": "15"})
    assert refused.value.field == "value"
    norms.change(Parameter, row.id, {"valid_to": date(2026, 12, 31), "verification": "verificado"})
    assert parameter_row("MULTA_PLAZO_PAGO").valid_to == date(2026, 12, 31)


def test_row_that_has_not_begun_is_corrected_but_not_moved_into_the_past(db: OrmSession) -> None:
    start = clock.today() + timedelta(days=30)
    row = parameter_row("MULTA_PLAZO_PAGO")
    names = ("code", "description", "value_type", "unit", "legal_basis", "verification")
    values = {name: getattr(row, name) for name in names}
    new = norms.create(Parameter, values | {"value": "15", "valid_from": start})
    norms.change(Parameter, new.id, {"value": "12", "valid_from": start + timedelta(days=1)})
    assert parameters.parameter("MULTA_PLAZO_PAGO", start + timedelta(days=1)) == 12
    with pytest.raises(RuleBroken, match="no puede quedar en el pasado"):
        norms.change(Parameter, new.id, {"valid_from": clock.today()})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": "diez"}, "no corresponde a su tipo"),
        ({"value": "1.5"}, "no corresponde a su tipo"),
        ({"code": "minúsculas"}, "mayúsculas, números y guion bajo"),
        ({"options": ["5", "6"]}, "una de las opciones admitidas"),
        ({"valid_to": date(2020, 1, 1)}, "no puede ser anterior"),
    ],
)
def test_parameter_that_breaks_a_rule_is_refused_in_words(
    db: OrmSession, change: dict[str, Any], words: str
) -> None:
    values = {"code": "NUEVO", "description": "x", "value": "10", "value_type": "int", "unit": "veces"}
    values |= {"valid_from": date(2026, 1, 1), "legal_basis": "x", "verification": "diseno"}
    with pytest.raises(RuleBroken, match=words):
        norms.create(Parameter, values | change)


def test_alias_names_an_infraction_that_exists_and_differs_from_the_others(db: OrmSession) -> None:
    values = {"alias": "Sin vestuario", "infraction_code": "XXX-99", "confidence": "alta"}
    with pytest.raises(RuleBroken, match="Ninguna infracción") as refused:
        records.create(InfractionAlias, values)
    assert refused.value.field == "infraction_code"
    with pytest.raises(RuleBroken, match="Ya existe"):
        records.create(InfractionAlias, values | {"alias": "FALTA DE EPP", "infraction_code": "SST-02"})


# --- Seeds


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (Activity, 109),
        (Norm, 57),
        (Infraction, 69),
        (InfractionAlias, 67),
        (MinimumWage, 12),
        (Parameter, 143),
        (Holiday, 223),
    ],
)
def test_every_seeded_row_is_there(db: OrmSession, kind: Any, number: int) -> None:
    assert Session.scalar(select(func.count()).select_from(kind)) == number


def test_seeding_again_adds_nothing_and_keeps_what_the_ministry_changed(db: OrmSession) -> None:
    row = parameter_row("OI_FIRMANTE")
    copied = ("code", "description", "value_type", "unit", "legal_basis", "verification")
    values = {name: getattr(row, name) for name in copied} | {
        "value": "DGIFT",
        "valid_from": date(2026, 1, 1),
    }
    norms.create(Parameter, values)
    added: dict[str, int] = {}
    catalog_seeds.seed(lambda table, number: added.update({table: number}))
    assert set(added.values()) == {0}
    assert parameters.parameter("OI_FIRMANTE", TODAY) == "DGIFT"
