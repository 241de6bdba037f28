"""A procedure version as a file: it comes back equal, says what changed, and refuses what is hostile."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import RuleBroken
from app.exchange import procedures
from app.workflow import definition
from app.workflow.differences import LABELS, Change, differences
from app.workflow.fields import ExtraField
from app.workflow.loading import version_from_mapping

SHIPPED = {
    path.stem: version_from_mapping(yaml.safe_load(path.read_text(encoding="utf-8")))
    for path in sorted((Path(__file__).parents[1] / "app/seeds/procedures").glob("*.yaml"))
}
NEWEST = SHIPPED["2025-398"]


@pytest.mark.parametrize("code", SHIPPED)
def test_a_shipped_version_comes_back_equal_from_its_file(code: str) -> None:
    text = procedures.written(SHIPPED[code])
    assert procedures.read(text.encode()) == SHIPPED[code]
    assert procedures.written(procedures.read(text.encode())) == text
    assert "&id" not in text and "!!" not in text


WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=30)


def changed(item: Any, draw: Callable[[Any], Any]) -> Any:
    """The same part with other words, flags and lists."""
    values: dict[str, Any] = {}
    for each in fields(item):
        value = getattr(item, each.name)
        if each.name in ("name", "basis", "condition_reason", "notes") and isinstance(value, str):
            values[each.name] = draw(WORDS)
        elif isinstance(value, bool):
            values[each.name] = draw(st.booleans())
        elif each.name in ("letters", "guards", "effects"):
            values[each.name] = tuple(draw(st.lists(WORDS, max_size=3)))
    return replace(item, **values)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_any_version_comes_back_equal_whatever_its_words(data: st.DataObject) -> None:
    process = data.draw(st.sampled_from(NEWEST.processes))
    other = replace(
        process,
        name=data.draw(WORDS.filter(bool)),
        states=tuple(replace(changed(each, data.draw), name=each.name) for each in process.states[:3]),
        moves=tuple(changed(each, data.draw) for each in process.moves[:4]),
        terms=tuple(replace(changed(each, data.draw), name=each.name) for each in process.terms[:2]),
    )
    version = replace(NEWEST, processes=(other,), notes=data.draw(WORDS))
    assert procedures.read(procedures.written(version).encode()) == version


def test_a_version_differs_from_itself_in_nothing() -> None:
    assert not differences(NEWEST, NEWEST)
    assert not differences(NEWEST, replace(NEWEST, code="2027-001"))


def test_the_second_shipped_version_adds_the_opinion_and_the_decision() -> None:
    found = differences(SHIPPED["2024-346"], NEWEST)
    added = {each.part for each in found if each.change is Change.ADDED}
    states = {part for part in added if part.startswith("El estado")}
    assert states == {
        "El estado «Remitido a la DGAJ»",
        "El estado «Remitido a la DGAJ con observación»",
        "El estado «Con dictamen»",
        "El estado «A decisión del ministro»",
    }
    assert {"El plazo «Dictamen de la DGAJ»", "El plazo «Decisión del ministro»"} <= added
    back = differences(NEWEST, SHIPPED["2024-346"])
    assert {e.part for e in back if e.change is Change.REMOVED} == added


def test_a_difference_says_from_what_to_what() -> None:
    report = NEWEST.process("report")
    state, move = report.states[0], report.moves[0]
    other = replace(
        report,
        states=(replace(state, name="Otro nombre"), *report.states[1:]),
        moves=(
            replace(move, roles=("minister",), letters=(), reason_required=not move.reason_required),
            *report.moves[1:],
        ),
    )
    version = replace(
        NEWEST,
        valid_from=date(2027, 1, 4),
        processes=tuple(other if each.code == "report" else each for each in NEWEST.processes),
    )
    found = {each.part: each for each in differences(NEWEST, version)}
    assert found["La versión"].details == (f"rige desde: {NEWEST.valid_from:%d/%m/%Y} → 04/01/2027",)
    assert f"nombre: {state.name} → Otro nombre" in found["El estado «Otro nombre»"].details
    step = next(each for part, each in found.items() if part.startswith(f"El paso «{move.label}»"))
    assert any(
        detail.startswith("quién puede: ") and "Ministro/Delegado" in detail for detail in step.details
    )
    assert str(step).startswith(f"{report.name}: El paso «{move.label}»")


def test_parts_in_another_order_are_said_so() -> None:
    order = NEWEST.process("order")
    turned = replace(order, states=tuple(reversed(order.states)))
    version = replace(NEWEST, processes=tuple(turned if p is order else p for p in NEWEST.processes))
    assert [each.change for each in differences(NEWEST, version)] == [Change.MOVED]


def test_every_field_of_a_part_has_words() -> None:
    kinds = (definition.State, definition.TermType, definition.Move, definition.Start, definition.Process)
    kinds = (*kinds, ExtraField)
    names = {each.name for kind in (*kinds, definition.ProcedureVersion) for each in fields(kind)}
    assert names - {"code", "from_state", "processes", "states", "moves", "terms", "fields", "start"} == set(
        LABELS
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe\x00", "UTF-8"),
        (b"a: &x [1]\nb: *x\n", "los alias"),
        (b"code: a\ncode: b\n", "repetida"),
        (b"code: [", "línea 1"),
        (b"!!python/object/apply:os.system ['true']", "No se pudo leer"),
        (b"hola", "se esperaba un grupo"),
        (b"", "se esperaba un grupo"),
        (b"code: '1'\nsobra: 1\n", "clave desconocida"),
        (b"[" * 20_000, "niveles"),
        (b"x" * (procedures.LARGEST + 1), "MB"),
        (b"? [a]\n: b\n", "una clave es un texto"),
        (b"!!set [1]", "No se pudo leer"),
        (b"a: !!bool x", "No se pudo leer"),
        (b"a: !!timestamp x", "No se pudo leer"),
        (b'a: !!int ""', "No se pudo leer"),
        (b'code: "a\\0b"', "no se puede guardar"),
        (b'code: "\\ud800"', "no se puede guardar"),
        (b"[" + b"x," * procedures.MOST_NODES + b"]", "60000 valores"),
    ],
)
def test_what_is_no_version_is_refused_with_its_place(content: bytes, words: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        procedures.read(content)
    assert words in refused.value.message
