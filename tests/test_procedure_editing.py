"""Changes of a draft: what refers to a part follows it, what others need stays; the diagram of a process."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import RuleBroken
from app.workflow import definition, diagram, editing
from app.workflow.definition import Move, Phase, ProcedureVersion, State, TermType, Unit, problems
from app.workflow.loading import version_from_mapping

PATH = Path(__file__).parents[1] / "app/seeds/procedures/2025-398.yaml"
VERSION = version_from_mapping(yaml.safe_load(PATH.read_text(encoding="utf-8")))
REPORT = VERSION.process("report")
START = REPORT.start.state if REPORT.start else ""
NEW = State("DICTAMEN_PREVIO", "Dictamen previo", Phase.IN_DECISION)
TO_NEW = Move("pedir_dictamen", "", "", "Pedir el dictamen previo", ("legal",))


def states(version: ProcedureVersion) -> list[str]:
    return [state.code for state in version.process("report").states]


def whole(version: ProcedureVersion) -> bool:
    """Whether every move and the start name states and terms that are there, each move once."""
    for process in version.processes:
        codes = {state.code for state in process.states}
        terms = {term.code for term in process.terms}
        keys = [(move.from_state, move.code) for move in process.moves]
        used = {t for move in process.moves for t in (*move.opens_terms, *move.closes_terms)}
        ends = {code for move in process.moves for code in (move.from_state, move.to_state)}
        begins = {process.start.state} if process.start else set()
        if len(keys) != len(set(keys)) or not used <= terms or not (ends | begins) <= codes:
            return False
    return True


def test_a_state_with_another_code_takes_its_moves_and_the_start_along() -> None:
    renamed = replace(REPORT.state(START), code="EN_OTRO_ESTADO")
    changed = editing.put_state(VERSION, "report", renamed, old=START)
    report = changed.process("report")
    assert report.start and report.start.state == "EN_OTRO_ESTADO"
    assert [m.code for m in report.moves_from("EN_OTRO_ESTADO")] == [m.code for m in REPORT.moves_from(START)]
    assert whole(changed) and not problems(changed)
    assert VERSION.process("report") is REPORT  # the one that went in stays as it was


def test_a_new_state_that_nobody_reaches_is_kept_and_named() -> None:
    changed = editing.put_state(VERSION, "report", NEW)
    assert states(changed)[-1] == NEW.code
    assert any(NEW.code in each and "no se llega" in each for each in problems(changed))
    with pytest.raises(RuleBroken) as twice:
        editing.put_state(changed, "report", NEW)
    assert twice.value.field == "code"


def test_a_state_is_split_between_another_and_what_followed_it() -> None:
    first = REPORT.states[2].code
    changed = editing.split_state(VERSION, "report", first, NEW, TO_NEW)
    report = changed.process("report")
    assert [move.to_state for move in report.moves_from(first)] == [NEW.code]
    moved = [m.code for m in REPORT.moves_from(first)]
    assert [m.code for m in report.moves_from(NEW.code)] == moved
    assert states(changed).index(NEW.code) == states(changed).index(first) + 1
    assert not problems(changed)


def test_a_state_with_moves_goes_only_into_another() -> None:
    changed = editing.split_state(VERSION, "report", REPORT.states[2].code, NEW, TO_NEW)
    with pytest.raises(RuleBroken, match="elija a qué estado pasan"):
        editing.drop_state(changed, "report", NEW.code)
    with pytest.raises(RuleBroken):
        editing.drop_state(changed, "report", NEW.code, into=NEW.code)
    back = editing.drop_state(changed, "report", NEW.code, into=REPORT.states[2].code)
    assert set(back.process("report").moves) == set(REPORT.moves) and states(back) == states(VERSION)


def test_a_move_is_put_in_its_place_and_names_what_exists() -> None:
    move = REPORT.moves[0]
    key = (move.from_state, move.code)
    other = replace(move, label="Otro texto", code="otro_codigo")
    changed = editing.put_move(VERSION, "report", other, old=key)
    assert changed.process("report").moves[0] == other
    for wrong, field in (
        (replace(move, to_state="NADA"), "to_state"),
        (replace(move, from_state="NADA"), "from_state"),
        (replace(move, opens_terms=("NADA",)), "opens_terms"),
    ):
        with pytest.raises(RuleBroken) as refused:
            editing.put_move(VERSION, "report", wrong, old=key)
        assert refused.value.field == field
    with pytest.raises(RuleBroken) as twice:
        editing.put_move(VERSION, "report", move)
    assert twice.value.field == "code"
    assert key not in {
        (m.from_state, m.code) for m in editing.drop_move(VERSION, "report", key).process("report").moves
    }


def test_a_term_in_use_stays_and_its_uses_follow_its_code() -> None:
    term = next(t for t in REPORT.terms if any(t.code in m.opens_terms for m in REPORT.moves))
    with pytest.raises(RuleBroken, match="lo usan"):
        editing.drop_term(VERSION, "report", term.code)
    changed = editing.put_term(VERSION, "report", replace(term, code="OTRO_PLAZO"), old=term.code)
    report = changed.process("report")
    assert {m.code for m in report.moves if "OTRO_PLAZO" in m.opens_terms} == {
        m.code for m in REPORT.moves if term.code in m.opens_terms
    }
    assert not problems(changed)
    spare = TermType("LIBRE", "Libre", "PLAZO_LIBRE", Unit.BUSINESS)
    assert editing.drop_term(editing.put_term(VERSION, "report", spare), "report", "LIBRE") == VERSION


def test_buttons_change_places_among_those_of_their_state() -> None:
    order = VERSION.process("order")
    state = next(s.code for s in order.states if len(order.moves_from(s.code)) > 2)
    first, second, *_ = order.moves_from(state)
    changed = editing.shift(VERSION, "order", "moves", (state, first.code), 1).process("order")
    assert changed.moves_from(state)[:2] == (second, first)
    assert sorted(map(str, changed.moves)) == sorted(map(str, order.moves))
    ends = editing.shift(VERSION, "order", "states", order.states[0].code, -5)
    assert ends == VERSION


CHANGES = st.sampled_from(["put", "rename", "drop", "split", "move", "unmove", "shift", "term"])


@given(st.lists(st.tuples(CHANGES, st.integers(0, 40), st.integers(0, 40)), max_size=12))
@settings(max_examples=60, deadline=None)
def test_whatever_is_changed_nothing_names_what_is_gone(changes: list[tuple[str, int, int]]) -> None:
    version = VERSION
    for number, (what, a, b) in enumerate(changes):
        process = version.processes[a % len(version.processes)]
        one, other = process.states[a % len(process.states)], process.states[b % len(process.states)]
        fresh = replace(NEW, code=f"NUEVO_{number}")
        try:
            if what == "put":
                version = editing.put_state(version, process.code, fresh)
            elif what == "rename":
                version = editing.put_state(
                    version, process.code, replace(one, code=fresh.code), old=one.code
                )
            elif what == "drop":
                version = editing.drop_state(version, process.code, one.code, into=other.code)
            elif what == "split":
                bridge = replace(TO_NEW, code=f"paso_{number}")
                version = editing.split_state(version, process.code, one.code, fresh, bridge)
            elif what == "term" and process.terms:
                version = editing.drop_term(version, process.code, process.terms[b % len(process.terms)].code)
            elif process.moves:
                move = process.moves[b % len(process.moves)]
                if what == "move":
                    changed = replace(move, from_state=one.code, code=f"paso_{number}")
                    version = editing.put_move(version, process.code, changed)
                elif what == "unmove":
                    version = editing.drop_move(version, process.code, (move.from_state, move.code))
                else:
                    key = (move.from_state, move.code)
                    version = editing.shift(version, process.code, "moves", key, b - 20)
        except RuleBroken:
            continue
        assert whole(version)
        assert all(diagram.draw(each).boxes for each in version.processes if each.states)


@pytest.mark.parametrize("code", [process.code for process in VERSION.processes])
def test_the_diagram_shows_each_state_once_and_each_way_between_two(code: str) -> None:
    process = VERSION.process(code)
    drawn = diagram.draw(process)
    assert sorted(box.state.code for box in drawn.boxes) == sorted(state.code for state in process.states)
    assert len({(box.x, box.y) for box in drawn.boxes}) == len(drawn.boxes)
    assert all(0 <= box.x <= drawn.width - diagram.WIDE for box in drawn.boxes)
    assert all(0 <= box.y <= drawn.height - diagram.HIGH for box in drawn.boxes)
    ways = {(m.from_state, m.to_state) for m in process.moves if m.from_state != m.to_state}
    assert {(m.from_state, m.to_state) for line in drawn.lines for m in line.moves} == ways
    assert drawn.boxes[0].state.code == (process.start.state if process.start else "")
    assert drawn == diagram.draw(process)
    assert definition.problems(VERSION) == []
