"""Core: values of the domain, domain errors and the clock."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock, types
from app.core.errors import DomainError, Missing, NotAllowed, RuleBroken, Stale
from app.core.types import Ruc


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("80009735-1", "80009735-1"),
        ("80028061-0", "80028061-0"),
        ("999160-3", "999160-3"),
        ("2660-3", "2660-3"),
        ("80000035-8", "80000035-8"),
        ("80002201-7", "80002201-7"),
        ("80000519-8", "80000519-8"),
        ("4123456-1", "4123456-1"),
        (" 80.009.735 - 1 ", "80009735-1"),
        ("80009735–1", "80009735-1"),
        ("0080009735-1", "80009735-1"),
    ],
)
def test_ruc_with_hyphen_is_read_and_shown(text: str, shown: str) -> None:
    assert str(Ruc.parse(text)) == shown


def test_ruc_without_hyphen_is_a_base_without_digit() -> None:
    ruc = Ruc.parse("80.009.735")
    assert (ruc.base, ruc.dv, str(ruc)) == ("80009735", None, "80009735")
    assert ruc.complete == Ruc("80009735", "1")
    assert Ruc("80009735", "1").complete == Ruc("80009735", "1")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("80053249-2", "ruc_digit"),
        ("4123456-7", "ruc_digit"),
        ("80123456789", "ruc_length"),
        ("800097351", "ruc_length"),
        ("12-0", "ruc_length"),
        ("", "ruc_format"),
        ("000", "ruc_format"),
        ("80009735-", "ruc_format"),
        ("80009735-12", "ruc_format"),
        ("8000973A-1", "ruc_format"),
        ("80009735-1-1", "ruc_format"),
        ("٨٠٠٠٩٧٣٥-1", "ruc_format"),
    ],
)
def test_ruc_that_is_wrong_is_refused_with_its_code(text: str, code: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        Ruc.parse(text, field="ruc")
    assert (refused.value.code, refused.value.field) == (code, "ruc")


def test_ruc_with_letter_needs_the_parameter() -> None:
    digit = types.ruc_check_digit("123456A")
    assert digit == types.ruc_check_digit("12345665")  # "A" counts as its code, 65
    assert Ruc.parse(f"123456a-{digit}", allow_letter=True) == Ruc("123456A", digit)
    with pytest.raises(RuleBroken):
        Ruc.parse(f"123456A-{digit}")
    with pytest.raises(ValueError, match="not a RUC base"):
        types.ruc_check_digit("12 34")


@given(st.integers(min_value=100, max_value=99_999_999))
def test_ruc_round_trip_and_one_valid_digit(number: int) -> None:
    base = str(number)
    whole = Ruc(base).complete
    assert Ruc.parse(str(whole)) == whole
    wrong = str((int(whole.dv or 0) + 1) % 10)
    with pytest.raises(RuleBroken):
        Ruc.parse(f"{base}-{wrong}")


def test_ruc_digit_of_the_published_example() -> None:
    total = 5 * 2 + 3 * 3 + 7 * 4 + 9 * 5 + 0 * 6 + 0 * 7 + 0 * 8 + 8 * 9
    assert (total, 11 - total % 11, types.ruc_check_digit("80009735")) == (164, 1, "1")


def test_cedula_is_read_and_shown() -> None:
    assert types.parse_cedula(" 1.234.567 ") == "1234567"
    assert types.parse_cedula("0045678") == "45678"
    assert types.format_cedula("1234567") == "1.234.567"


@pytest.mark.parametrize("text", ["", "1234", "123456789", "12A4567", "1234567-9", "000000"])
def test_cedula_that_is_wrong_is_refused(text: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        types.parse_cedula(text, "ci")
    assert (refused.value.code, refused.value.field) == ("cedula_format", "ci")


@pytest.mark.parametrize(
    ("text", "number", "shown"),
    [
        ("0981 123 456", "+595981123456", "0981 123 456"),
        ("981123456", "+595981123456", "0981 123 456"),
        ("+595 (981) 123-456", "+595981123456", "0981 123 456"),
        ("595981123456", "+595981123456", "0981 123 456"),
        ("00595981123456", "+595981123456", "0981 123 456"),
        ("+595 0981 123 456", "+595981123456", "0981 123 456"),
        ("021 729 0100", "+595217290100", "021 729 0100"),
        ("021 729 010", "+59521729010", "021 729 010"),
        ("061 500.123", "+59561500123", "061500123"),
        ("+54 11 4123-4567", "+541141234567", "+541141234567"),
    ],
)
def test_phone_becomes_e164_and_back(text: str, number: str, shown: str) -> None:
    assert types.parse_phone(text) == number
    assert types.format_phone(number) == shown


@pytest.mark.parametrize("text", ["", "0981 123 45", "0981 123 4567", "123", "abc", "+1", "0181123456"])
def test_phone_that_is_wrong_is_refused(text: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        types.parse_phone(text)
    assert refused.value.code == "phone_format"


@pytest.mark.parametrize(
    ("amount", "shown"), [(0, "Gs. 0"), (999, "Gs. 999"), (1000, "Gs. 1.000"), (1_170_770, "Gs. 1.170.770")]
)
def test_guaranies_are_shown_with_dots(amount: int, shown: str) -> None:
    assert types.format_guaranies(amount) == shown


@given(st.integers(min_value=0, max_value=10**15))
def test_guaranies_round_trip(amount: int) -> None:
    assert types.parse_guaranies(types.format_guaranies(amount)) == amount
    assert types.parse_guaranies(str(amount)) == amount


@pytest.mark.parametrize(
    "text", ["1.234.567", "1234567", "Gs. 1.234.567", "gs 1234567", "₲ 1.234.567", " 1.234.567 "]
)
def test_guaranies_are_read_in_every_usual_form(text: str) -> None:
    assert types.parse_guaranies(text) == 1_234_567


@pytest.mark.parametrize(
    "text", ["", "1,234,567", "1.234,50", "12.34", "1.23.456", "-5", "1 234", "1e6", "1234.567"]
)
def test_guaranies_that_could_be_misread_are_refused(text: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        types.parse_guaranies(text, "amount")
    assert (refused.value.code, refused.value.field) == ("guaranies_format", "amount")


def test_guaranies_round_half_up() -> None:
    assert [types.round_guaranies(Decimal(x)) for x in ("10.4", "10.5", "11.5")] == [10, 11, 12]


def test_date_is_shown_read_and_written_in_words() -> None:
    day = date(2026, 11, 24)
    assert types.format_date(day) == "24/11/2026"
    assert types.parse_date("24/11/2026") == day
    assert types.parse_date(" 1/3/2026 ") == date(2026, 3, 1)
    assert types.date_in_words(day) == "24 de noviembre de 2026"
    assert types.date_in_words(date(2026, 3, 1)) == "1 de marzo de 2026"


@pytest.mark.parametrize(
    "text", ["", "31/02/2026", "2026-11-24", "24/11/26", "24-11-2026", "11/24/2026", "0/1/2026"]
)
def test_date_that_is_wrong_is_refused(text: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        types.parse_date(text, "day")
    assert (refused.value.code, refused.value.field) == ("date_format", "day")


@given(st.dates())
def test_date_round_trip(day: date) -> None:
    assert types.parse_date(types.format_date(day)) == day


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ñemby", "nemby"),
        ("  José   PÉREZ ", "jose perez"),
        ("Ygatimỹ g̃uasu ã ẽ", "ygatimy guasu a e"),
        ("Ka’aguasu", "ka'aguasu"),
        ("Straße", "strasse"),
    ],
)
def test_fold_drops_accents_case_and_spare_spaces(text: str, folded: str) -> None:
    assert types.fold(text) == folded


@given(st.text())
def test_fold_twice_changes_nothing(text: str) -> None:
    assert types.fold(types.fold(text)) == types.fold(text)


def test_errors_carry_words_code_and_field() -> None:
    rule = RuleBroken("Falta el nombre.", "name", "name_missing")
    assert rule.as_dict() == {
        "code": "name_missing",
        "message": "Falta el nombre.",
        "fields": {"name": ["Falta el nombre."]},
        "reasons": ["Falta el nombre."],
    }
    assert str(rule) == "Falta el nombre."
    assert isinstance(rule, ValueError)  # form libraries show it at its field
    assert RuleBroken("a b", reasons=["a", "b"]).reasons == ("a", "b")
    for kind, code in ((NotAllowed, "not_allowed"), (Missing, "missing"), (Stale, "stale")):
        error = kind()
        assert isinstance(error, DomainError)
        assert (error.code, error.as_dict()["fields"]) == (code, {})
        assert len(error.message.split(". ")) >= 2  # what happened, and what to do


def test_clock_offset_moves_now_and_today_but_not_the_audit_time(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)  # 23:30 of the day before in Paraguay
    monkeypatch.setattr(clock, "real_now", lambda: moment)
    assert clock.today() == date(2026, 11, 23)
    clock.use_offset(lambda: timedelta(days=1))
    try:
        assert clock.now() == moment + timedelta(days=1)
        assert clock.today() == date(2026, 11, 24)
        assert clock.offset() == timedelta(days=1)
        assert clock.real_now() == moment
    finally:
        clock.use_offset(None)
    assert (clock.now(), clock.offset()) == (moment, timedelta(0))


def test_clock_real_now_is_aware_and_local_time_is_three_hours_behind_all_year() -> None:
    assert clock.real_now().utcoffset() == timedelta(0)
    for month in (1, 7):
        assert clock.local(datetime(2026, month, 15, 12, tzinfo=UTC)).hour == 9
    with pytest.raises(ValueError, match="time zone"):
        clock.local(datetime(2026, 1, 1))


def test_bottom_layers_import_neither_framework_nor_database() -> None:
    program = (
        "import sys, app.core.calendar, app.core.clock, app.core.errors, app.core.types, "
        "app.workflow.engine, app.workflow.loading, app.workflow.terms\n"
        "print([m for m in ('flask', 'flask_appbuilder', 'sqlalchemy', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "label, written",
    [
        ("Plazo de descargo", "plazo de descargo"),
        ("IPS: aporte", "IPS: aporte"),
        ("A la firma", "a la firma"),
        ("", ""),
    ],
)
def test_a_label_inside_a_sentence_keeps_its_abbreviations(label: str, written: str) -> None:
    assert types.inside(label) == written
