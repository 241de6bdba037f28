"""Business days and terms: the vectors of the counting rule, and properties that hold for any calendar."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.calendar import Calendar, Holiday, HolidayKind, Place
from app.core.errors import RuleBroken
from app.workflow import terms
from app.workflow.definition import TermType, Unit
from app.workflow.terms import Suspension, Term, due_date

HOLIDAYS_2026 = tuple(
    Holiday(date(2026, month, day), name)
    for month, day, name in (
        (1, 1, "Año Nuevo"),
        (3, 2, "Día de los Héroes"),
        (4, 2, "Jueves Santo"),
        (4, 3, "Viernes Santo"),
        (5, 1, "Día del Trabajador"),
        (5, 14, "Independencia Nacional"),
        (5, 15, "Independencia Nacional"),
        (6, 12, "Paz del Chaco"),
        (6, 20, "Constitución Nacional"),
        (8, 15, "Fundación de Asunción"),
        (9, 29, "Victoria de Boquerón"),
        (12, 8, "Virgen de Caacupé"),
        (12, 25, "Navidad"),
    )
)
YEAR = Calendar(HOLIDAYS_2026)
DAY = timedelta(days=1)

days = st.dates(date(2025, 1, 1), date(2027, 12, 31))
calendars = st.sets(days, max_size=30).map(lambda s: Calendar(Holiday(d) for d in s))


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        (date(2026, 3, 27), 5, date(2026, 4, 7)),
        (date(2026, 4, 1), 1, date(2026, 4, 6)),
        (date(2026, 2, 27), 1, date(2026, 3, 3)),
        (date(2026, 5, 11), 5, date(2026, 5, 20)),
        (date(2026, 5, 13), 18, date(2026, 6, 10)),
        (date(2026, 6, 5), 9, date(2026, 6, 19)),
        (date(2026, 9, 25), 3, date(2026, 10, 1)),
        (date(2026, 12, 4), 10, date(2026, 12, 21)),
    ],
)
def test_business_days_of_2026(start: date, count: int, end: date) -> None:
    assert YEAR.add_business_days(start, count) == end
    assert YEAR.business_days_between(start, end) == count
    assert due_date(start, count, Unit.BUSINESS, YEAR) == end


def test_only_the_effective_day_of_a_moved_holiday_blocks() -> None:
    moved = Calendar([Holiday(date(2026, 3, 2), "Héroes", original=date(2026, 3, 1))])
    assert not moved.is_business_day(date(2026, 3, 2))
    weekday = Calendar([Holiday(date(2026, 9, 28), "Boquerón", original=date(2026, 9, 29))])
    assert weekday.is_business_day(date(2026, 9, 29))


def test_half_day_counts_as_work_unless_the_parameter_says_otherwise() -> None:
    half = Holiday(date(2026, 12, 24), "Asueto de Navidad", HolidayKind.ASUETO)
    assert Calendar([half]).is_business_day(date(2026, 12, 24))
    assert not Calendar([half], asueto_suspends=True).is_business_day(date(2026, 12, 24))
    assert Calendar([half]).holidays_on(date(2026, 12, 24)) == (half,)


@pytest.mark.parametrize(
    ("holiday", "place", "kept"),
    [
        (Holiday(date(2026, 8, 3)), Place(), True),
        (Holiday(date(2026, 8, 3), departments=frozenset({"11"})), Place(department="11"), True),
        (Holiday(date(2026, 8, 3), departments=frozenset({"11"})), Place(department="12"), False),
        (Holiday(date(2026, 8, 3), districts=frozenset({"11-1"})), Place("11", "11-1"), True),
        (Holiday(date(2026, 8, 3), offices=frozenset({"R07"})), Place(office="R07"), True),
        (Holiday(date(2026, 8, 3), offices=frozenset({"R07"})), Place(), False),
        (Holiday(date(2026, 8, 3), kind=HolidayKind.LOCAL), Place("11"), False),
    ],
)
def test_holiday_is_kept_where_it_holds(holiday: Holiday, place: Place, kept: bool) -> None:
    calendar = Calendar([holiday], place)
    assert calendar.is_business_day(date(2026, 8, 3)) is not kept
    assert calendar.holidays_on(date(2026, 8, 3)) == ((holiday,) if kept else ())


def test_calendar_days_that_end_on_a_day_without_work_move_on() -> None:
    assert YEAR.add_calendar_days(date(2026, 5, 1), 13) == date(
        2026, 5, 18
    )  # 14, 15 holidays, then a weekend
    assert YEAR.add_calendar_days(date(2026, 5, 4), 2) == date(2026, 5, 6)


def test_calendar_is_immutable_and_refuses_a_week_without_work() -> None:
    with pytest.raises(AttributeError):
        YEAR.asueto_suspends = True  # type: ignore[misc]
    assert Calendar(HOLIDAYS_2026) == YEAR
    assert hash(Calendar(HOLIDAYS_2026)) == hash(YEAR)
    for weekdays in ([], [7]):
        with pytest.raises(ValueError, match="day of work"):
            Calendar(weekdays=weekdays)


@given(calendars, days, st.integers(1, 60))
def test_added_business_days_are_counted_back(calendar: Calendar, start: date, count: int) -> None:
    end = calendar.add_business_days(start, count)
    assert calendar.is_business_day(end)
    assert calendar.business_days_between(start, end) == count
    assert calendar.business_days_between(end, start) == -count


@given(calendars, days, st.integers(1, 40), st.integers(0, 40))
def test_adding_in_two_parts_is_adding_at_once(
    calendar: Calendar, start: date, first: int, then: int
) -> None:
    parts = calendar.add_business_days(calendar.add_business_days(start, first), then)
    assert parts == calendar.add_business_days(start, first + then)


@given(calendars, days, st.integers(1, 60))
def test_going_forth_and_back_from_a_business_day_returns(calendar: Calendar, day: date, count: int) -> None:
    start = calendar.next_business_day(day)
    assert calendar.add_business_days(calendar.add_business_days(start, count), -count) == start


@given(calendars, days, st.integers(1, 60), days)
def test_one_more_holiday_never_makes_a_term_shorter(
    calendar: Calendar, start: date, count: int, extra: date
) -> None:
    more = Calendar((*calendar.holidays, Holiday(extra)))
    assert more.add_business_days(start, count) >= calendar.add_business_days(start, count)
    assert more.add_calendar_days(start, count) >= calendar.add_calendar_days(start, count)


@given(calendars, days, st.integers(0, 90))
def test_calendar_days_end_on_the_first_business_day_not_before(
    calendar: Calendar, start: date, count: int
) -> None:
    end, plain = calendar.add_calendar_days(start, count), start + count * DAY
    assert end >= plain
    assert calendar.is_business_day(end)
    assert not any(calendar.is_business_day(plain + i * DAY) for i in range((end - plain).days))


@given(calendars, days, st.integers(1, 60))
def test_term_without_suspension_agrees_with_the_calendar(
    calendar: Calendar, start: date, count: int
) -> None:
    assert due_date(start, count, Unit.BUSINESS, calendar) == calendar.add_business_days(start, count)
    assert due_date(start, count, Unit.CALENDAR, calendar) == calendar.add_calendar_days(start, count)


@given(calendars, days, st.integers(1, 40), days, st.integers(0, 40), st.sampled_from(Unit))
def test_suspension_never_makes_a_term_shorter_nor_ends_it(
    calendar: Calendar, start: date, count: int, pause_start: date, length: int, unit: Unit
) -> None:
    pause = Suspension(pause_start, pause_start + length * DAY)
    due = due_date(start, count, unit, calendar, [pause])
    plain = due_date(start, count, unit, calendar)
    assert due is not None and plain is not None
    assert due >= plain
    assert not pause.covers(due)
    if pause_start > plain:
        assert due == plain


def test_suspended_business_days_do_not_count() -> None:
    pause = [Suspension(date(2026, 7, 7), date(2026, 7, 10))]  # Tuesday to Friday
    assert due_date(date(2026, 7, 3), 5, Unit.BUSINESS, YEAR, pause) == date(2026, 7, 16)
    overlapping = [*pause, Suspension(date(2026, 7, 9), date(2026, 7, 13))]
    assert due_date(date(2026, 7, 3), 5, Unit.BUSINESS, YEAR, overlapping) == date(2026, 7, 17)


def test_suspended_calendar_days_do_not_count_and_the_end_moves_on() -> None:
    pause = [Suspension(date(2026, 7, 7), date(2026, 7, 10))]
    # From Friday 3: 4, 5, 6 count, 7 to 10 stand still, 11 and 12 count: the fifth is Sunday 12.
    assert due_date(date(2026, 7, 3), 5, Unit.CALENDAR, YEAR, pause) == date(2026, 7, 13)


def test_suspension_without_end_leaves_the_term_without_due_day() -> None:
    assert due_date(date(2026, 7, 3), 5, Unit.BUSINESS, YEAR, [Suspension(date(2026, 7, 7))]) is None
    assert due_date(date(2026, 7, 3), 1, Unit.BUSINESS, YEAR, [Suspension(date(2026, 7, 7))]) == date(
        2026, 7, 6
    )


def test_immediate_term_is_due_the_same_day_and_negative_ones_are_refused() -> None:
    saturday = date(2026, 7, 4)
    assert due_date(saturday, 0, Unit.CALENDAR, YEAR) == saturday
    with pytest.raises(RuleBroken):
        due_date(saturday, -1, Unit.BUSINESS, YEAR)
    with pytest.raises(RuleBroken):
        Suspension(date(2026, 7, 4), date(2026, 7, 3))


KIND = TermType(
    "REGULARIZACION",
    "Plazo",
    "PLAZO_REGULARIZACION_DOC",
    Unit.BUSINESS,
    alerts_parameter="ALERTA_OFFSETS",
    alert_roles=("inspector", "coordinator"),
    escalation=("coordinator", "director"),
)


def test_extension_is_a_new_term_from_the_due_day_of_equal_length() -> None:
    first = terms.open_term(KIND, date(2026, 7, 1), 10, YEAR)
    assert first.due == date(2026, 7, 15)
    second = terms.extend(first, date(2026, 7, 15), 1, YEAR)
    assert (second.extends, second.start, second.days, second.due) == (
        first,
        first.due,
        10,
        date(2026, 7, 29),
    )
    assert (first.extension_count, second.extension_count) == (0, 1)
    assert first.due == date(2026, 7, 15)
    assert terms.extend(first, date(2026, 7, 2), 1, YEAR, days=2).due == date(2026, 7, 17)


def test_extension_is_refused_when_over_spent_suspended_or_empty() -> None:
    first = terms.open_term(KIND, date(2026, 7, 1), 10, YEAR)
    second = terms.extend(first, date(2026, 7, 2), 1, YEAR)
    stopped = terms.open_term(KIND, date(2026, 7, 1), 10, YEAR, [Suspension(date(2026, 7, 2))])
    for term, act, limit, length, code in (
        (first, date(2026, 7, 16), 1, None, "term_over"),
        (second, date(2026, 7, 16), 1, None, "extension_limit"),
        (first, date(2026, 7, 2), 0, None, "extension_limit"),
        (stopped, date(2026, 7, 2), 1, None, "term_suspended"),
        (first, date(2026, 7, 2), 1, 0, "term_days"),
    ):
        with pytest.raises(RuleBroken) as refused:
            terms.extend(term, act, limit, YEAR, days=length)
        assert refused.value.code == code


def test_recount_never_brings_a_printed_day_forward() -> None:
    printed = Term("X", date(2026, 9, 25), 3, Unit.BUSINESS, date(2026, 10, 1), printed_due=date(2026, 10, 1))
    fewer = Calendar()  # the holiday of 29 September taken out
    assert terms.recompute(printed, fewer).due == date(2026, 10, 1)
    assert terms.recompute(Term("X", date(2026, 9, 25), 3, Unit.BUSINESS, None), fewer).due == date(
        2026, 9, 30
    )
    more = Calendar((*HOLIDAYS_2026, Holiday(date(2026, 10, 1))))
    assert terms.recompute(printed, more).due == date(2026, 10, 2)


def test_recount_of_an_extension_starts_from_the_new_due_day() -> None:
    first = terms.open_term(KIND, date(2026, 7, 1), 10, YEAR)
    second = terms.extend(first, date(2026, 7, 2), 1, YEAR)
    pause = [Suspension(date(2026, 7, 6), date(2026, 7, 7), "Res. 1")]
    again = terms.recompute_chain(second, YEAR, pause)
    assert again.extends is not None
    assert (again.extends.due, again.start, again.due) == (
        date(2026, 7, 17),
        date(2026, 7, 17),
        date(2026, 7, 31),
    )
    assert terms.recompute_chain(second, YEAR, [Suspension(date(2026, 7, 6))]).due is None


def test_term_ends_with_its_due_day() -> None:
    term = terms.open_term(KIND, date(2026, 7, 1), 10, YEAR)
    assert not terms.is_over(term, date(2026, 7, 15))
    assert terms.is_over(term, date(2026, 7, 16))
    assert not terms.is_over(Term("X", date(2026, 7, 1), 1, Unit.BUSINESS, None), date(2030, 1, 1))


def test_alerts_stand_at_business_days_around_the_due_day_and_escalate_after_it() -> None:
    given_alerts = terms.alerts(KIND, date(2026, 10, 1), [-5, -2, 0, 1, 5], YEAR)
    assert [(a.offset, a.day) for a in given_alerts] == [
        (-5, date(2026, 9, 23)),
        (-2, date(2026, 9, 28)),
        (0, date(2026, 10, 1)),
        (1, date(2026, 10, 2)),
        (5, date(2026, 10, 8)),
    ]
    assert [a.roles for a in given_alerts] == [("inspector", "coordinator")] * 4 + [
        ("inspector", "coordinator", "director")
    ]
    owed = terms.alerts_between(given_alerts, date(2026, 9, 28), date(2026, 10, 2))
    assert [a.offset for a in owed] == [0, 1]
