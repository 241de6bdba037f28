"""Conditions filled in as rows: what rows say is the condition language, and comes back as the same rows."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import RuleBroken
from app.workflow import conditions
from app.workflow.condition_rows import ALL, ANY, FITTING, Row, expression, in_words, rows_of
from app.workflow.guards import FACTS, Kind
from app.workflow.loading import version_from_mapping

VALUES = {
    Kind.YES_NO: st.sampled_from(["sí", "no"]),
    Kind.COUNT: st.integers(0, 999_999).map(str),
    Kind.DAY: st.dates().map(lambda day: day.isoformat()),
    Kind.TEXT: st.text(st.characters(categories=("L", "N")), min_size=1, max_size=20),
}
FILLABLE = [fact for fact in FACTS.values() if fact.kind in FITTING]


@st.composite
def rows(draw: st.DrawFn) -> Row:
    fact = draw(st.sampled_from(FILLABLE))
    operator = draw(st.sampled_from(list(FITTING[fact.kind])))
    return Row(fact.name, operator, "" if operator == "missing" else draw(VALUES[fact.kind]))


@given(st.sampled_from([ALL, ANY]), st.lists(rows(), max_size=4))
def test_rows_say_a_sound_condition_and_come_back(how: str, given_rows: list[Row]) -> None:
    expr = expression(how, given_rows, FACTS)
    back = rows_of(expr, FACTS)
    assert back is not None and back[1] == given_rows
    assert expr is None or not conditions.check(expr, FACTS)
    if len(given_rows) > 1:
        assert back[0] == how
    assert all(FACTS[row.fact].label in in_words(expr, FACTS) for row in given_rows)


@pytest.mark.parametrize(
    "row",
    [
        Row("", "==", "1"),
        Row("nada", "==", "1"),
        Row("inspector_count", "missing"),
        Row("inspector_count", "==", "dos"),
        Row("inspector_count", "==", "²"),
        Row("late_scan_attached", "<", "sí"),
        Row("late_scan_attached", "==", "quizás"),
        Row("today", ">", "31/12/2027"),
        Row("late_reason", "==", ""),
        Row("conflicted_inspectors", "==", "x"),
        Row("late_reason", "borra", "x"),
    ],
)
def test_a_row_that_says_nothing_is_refused_with_its_number(row: Row) -> None:
    with pytest.raises(RuleBroken, match="fila 2") as refused:
        expression(ALL, [Row("inspector_count", ">", "1"), row], FACTS)
    assert refused.value.field == "condition"


@pytest.mark.parametrize(
    "expr",
    [
        {"!": [{"var": "late_scan_attached"}]},
        {"and": [{"or": [True, False]}, {"==": [1, 1]}]},
        {">": [{"+": [{"var": "inspector_count"}, 1]}, 2]},
        {"==": [{"var": "unknown"}, 1]},
        {"==": [{"var": "inspector_count"}, True]},
        {"var": "late_scan_attached"},
        {"missing": ["today", "late_reason"]},
        [1],
        "x",
    ],
)
def test_what_rows_cannot_say_stays_as_it_was_written(expr: object) -> None:
    assert rows_of(expr, FACTS) is None
    assert in_words(expr, FACTS) == str(expr)


def test_every_condition_of_the_shipped_versions_has_rows_or_stays() -> None:
    for path in (Path(__file__).parents[1] / "app/seeds/procedures").glob("*.yaml"):
        version = version_from_mapping(yaml.safe_load(path.read_text(encoding="utf-8")))
        for process in version.processes:
            for part in (*process.moves, *process.terms):
                found = rows_of(part.condition, FACTS)
                assert found is None or expression(*found, FACTS) == part.condition
