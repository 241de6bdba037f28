"""The condition language: the shared vectors, the limits, and properties that hold for any expression."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.workflow.conditions import (
    MAX_DEPTH,
    MAX_NODES,
    MAX_WHOLE,
    OPERATORS,
    ConditionError,
    check,
    evaluate,
    holds,
    variables,
)

VECTORS = json.loads(Path(__file__).with_name("condition_vectors.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("vector", VECTORS["evaluate"], ids=lambda v: v["name"])
def test_vector_gives_its_result(vector: dict[str, Any]) -> None:
    if vector.get("error"):
        with pytest.raises(ConditionError) as refused:
            evaluate(vector["expr"], vector["facts"])
        assert refused.value.problems
    else:
        result = evaluate(vector["expr"], vector["facts"])
        assert result == vector["result"]
        assert isinstance(result, bool) == isinstance(vector["result"], bool)


@pytest.mark.parametrize("vector", VECTORS["check"], ids=lambda v: v["name"])
def test_vector_is_sound_or_explained(vector: dict[str, Any]) -> None:
    problems = check(vector["expr"])
    assert (problems == []) is vector["sound"], problems
    assert all(p.startswith("condición") and p.endswith(".") for p in problems)


def test_vectors_use_every_operator_and_have_distinct_names() -> None:
    used = {op for v in VECTORS["evaluate"] for op in OPERATORS if f'"{op}":' in json.dumps(v["expr"])}
    assert used == set(OPERATORS)
    for group in ("evaluate", "check"):
        names = [v["name"] for v in VECTORS[group]]
        assert len(names) == len(set(names))


def test_problems_name_their_place_and_all_are_reported() -> None:
    problems = check({"and": [{"==": [1]}, {"nope": 1}, {"!": 3}]})
    assert len(problems) == 3
    assert problems[0] == "condición.and[0].==: lleva 2 operandos y tiene 1."
    assert "«nope» no existe" in problems[1]
    assert problems[2].startswith("condición.and[2].![0]:")


def test_unknown_facts_are_reported_only_when_the_known_are_given() -> None:
    expr = {"and": [{"==": [{"var": "a"}, 1]}, {"!": {"missing": ["b"]}}]}
    assert check(expr) == []
    assert check(expr, {"a"}) == ["condición: no existe el dato «b»."]
    assert check(expr, {"a", "b"}) == []


def test_variables_are_listed_once_in_order() -> None:
    expr = {
        "and": [
            {"<": [{"var": "b"}, {"+": [{"var": "a"}, 1]}]},
            {"missing": ["c", "b"]},
            {"in": ["x", ["y"]]},
        ]
    }
    assert variables(expr) == ("b", "a", "c")
    assert variables(True) == ()


def _nested(levels: int) -> Any:
    expr: Any = True
    for _ in range(levels):
        expr = {"!": [expr]}
    return expr


def test_depth_and_size_are_limited() -> None:
    assert check(_nested(MAX_DEPTH - 1)) == []
    assert "niveles" in check(_nested(MAX_DEPTH))[0]
    with pytest.raises(ConditionError):
        evaluate(_nested(5000), {})
    wide = {"or": [True] * (MAX_NODES - 1)}
    assert check(wide) == []
    assert "demasiado larga" in check({"or": [True] * MAX_NODES})[0]
    with pytest.raises(ConditionError):
        evaluate({"or": [True] * MAX_NODES}, {})
    assert "caracteres" in check({"==": [{"var": "a"}, "x" * 501]})[0]
    assert "finito" in check({"==": [{"var": "a"}, float("inf")]})[0]
    assert "un valor debe ser" in check({"==": [{"var": "a"}, object()]})[0]


def test_days_and_sequences_of_python_are_facts() -> None:
    facts = {"day": date(2026, 3, 2), "kinds": ("A", "B"), "moment": datetime(2026, 3, 2, 10)}
    assert evaluate({"<": [{"var": "day"}, "2026-03-03"]}, facts) is True
    assert evaluate({"in": ["B", {"var": "kinds"}]}, facts) is True
    with pytest.raises(ConditionError):
        evaluate({"var": "moment"}, facts)


def test_holds_needs_a_boolean_and_null_does_not_hold() -> None:
    assert holds({"var": "a"}, {"a": True})
    assert not holds({"var": "a"}, {})
    with pytest.raises(ConditionError, match="verdadero o falso"):
        holds({"+": [1, 1]}, {})


def test_evaluation_changes_no_fact() -> None:
    facts = {"a": {"b": [1, 2]}}
    evaluate({"in": [1, {"var": "a.b"}]}, facts)
    assert facts == {"a": {"b": [1, 2]}}


values = st.none() | st.booleans() | st.integers(-MAX_WHOLE, MAX_WHOLE) | st.text(max_size=5)
facts_strategy = st.dictionaries(st.sampled_from("abcd"), values)
numbers = st.integers(-1000, 1000)
booleans = st.recursive(
    st.booleans() | st.sampled_from("abcd").map(lambda n: {"missing": [n]}),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda xs: {"and": xs})
        | st.lists(inner, min_size=1, max_size=3).map(lambda xs: {"or": xs})
        | inner.map(lambda x: {"!": [x]})
        | st.tuples(numbers, numbers).map(lambda p: {"<": list(p)})
        | st.tuples(st.sampled_from("abcd"), values).map(lambda p: {"==": [{"var": p[0]}, p[1]]})
    ),
    max_leaves=15,
).filter(lambda e: not check(e))
anything = st.recursive(
    values | st.floats() | st.sampled_from("abcd").map(lambda n: {"var": n}),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*OPERATORS, "nope"]), inner | st.lists(inner, max_size=3), max_size=2
        )
    ),
    max_leaves=20,
)


@given(booleans, facts_strategy)
def test_sound_boolean_expressions_give_booleans(expr: Any, facts: dict[str, Any]) -> None:
    assert isinstance(evaluate(expr, facts), bool)


@given(booleans, facts_strategy)
def test_not_inverts_and_de_morgan_holds(expr: Any, facts: dict[str, Any]) -> None:
    value = evaluate(expr, facts)
    assert evaluate({"!": [{"or": [expr]}]}, facts) is (not value)
    assert evaluate({"or": [expr, {"!": [expr]}]}, facts) is True
    assert evaluate({"and": [expr, {"!": [expr]}]}, facts) is False


@given(anything, facts_strategy)
def test_any_expression_gives_a_value_or_a_condition_error(expr: Any, facts: dict[str, Any]) -> None:
    problems = check(expr)
    try:
        result = evaluate(expr, facts)
    except ConditionError as error:
        assert error.problems
    else:
        assert result is None or isinstance(result, bool | int | float | str | list)
    if not problems:
        assert set(variables(expr)) <= set("abcd")


@given(anything, facts_strategy, st.sampled_from("abcd"), values)
def test_facts_not_read_do_not_matter(expr: Any, facts: dict[str, Any], name: str, value: Any) -> None:
    if check(expr) or name in variables(expr):
        return
    other = {**facts, name: value}

    def outcome(of: dict[str, Any]) -> Any:
        try:
            return evaluate(expr, of)
        except ConditionError as error:
            return error.problems

    assert outcome(facts) == outcome(other)


@given(values, values)
def test_equality_is_strict_symmetric_and_opposed_to_difference(left: Any, right: Any) -> None:
    facts = {"a": left, "b": right}
    equal = evaluate({"==": [{"var": "a"}, {"var": "b"}]}, facts)
    assert equal is (type(left) is type(right) and left == right)
    assert equal is evaluate({"==": [{"var": "b"}, {"var": "a"}]}, facts)
    assert equal is not evaluate({"!=": [{"var": "a"}, {"var": "b"}]}, facts)
