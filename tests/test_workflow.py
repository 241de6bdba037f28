"""The shipped procedures, the interpreter, each guard, and what makes a definition unsound."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.core.errors import NotAllowed, RuleBroken
from app.workflow import conditions
from app.workflow.definition import (
    ROLES,
    SYSTEM,
    Move,
    Phase,
    ProcedureVersion,
    Process,
    Source,
    Start,
    State,
    TermType,
    Transition,
    Unit,
    VersionFrom,
    problems,
)
from app.workflow.effects import EFFECTS
from app.workflow.engine import allowed_moves, apply_move, begin, facts_needed
from app.workflow.guards import FACTS, GUARDS, FactError, Kind, Outcome, judge
from app.workflow.loading import DefinitionError, version_from_mapping

FOLDER = Path(__file__).parents[1] / "app" / "seeds" / "procedures"
VERSIONS = {
    path.stem: version_from_mapping(yaml.safe_load(path.read_text(encoding="utf-8")))
    for path in sorted(FOLDER.glob("*.yaml"))
}
NOW = VERSIONS["2025-398"]
LIVE = [v for v in VERSIONS.values() if not v.historical]
PROCESSES = [(v, p) for v in LIVE for p in v.processes]
MOVES = [(v, p, m) for v, p in PROCESSES for m in p.moves]

TODAY = date(2026, 11, 24)
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)

_NEUTRAL: Mapping[Kind, Any] = {
    Kind.YES_NO: False,
    Kind.COUNT: 0,
    Kind.DAY: None,
    Kind.TEXT: None,
    Kind.NAMES: (),
}
BASE: dict[str, Any] = {f.name: _NEUTRAL[f.kind] for f in FACTS.values()} | {
    "act_date": TODAY,
    "today": TODAY,
}

# Guard: facts on which it is met (each a change of BASE), facts on which it is not.
CASES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "act_not_in_future": ([{}, {"act_date": YESTERDAY}], [{"act_date": TOMORROW}, {"act_date": None}]),
    "late_act_documented": (
        [
            {},
            {"act_date": YESTERDAY, "late_reason": "Corte de luz", "late_scan_attached": True},
            {"act_date": YESTERDAY, "captured_on_time": True},
        ],
        [
            {"act_date": YESTERDAY},
            {"act_date": YESTERDAY, "late_reason": "Corte de luz"},
            {"act_date": YESTERDAY, "late_reason": "  ", "late_scan_attached": True},
        ],
    ),
    "acts_in_order": (
        [{}, {"previous_act_date": TODAY}],
        [{"previous_act_date": TOMORROW}],
    ),
    "extension_before_expiry": ([{"term_due": TODAY}], [{"term_due": YESTERDAY}, {"term_due": None}]),
    "extensions_left": (
        [{"extension_limit": 1}],
        [{"extension_limit": 1, "extension_count": 1}, {"extension_limit": 0}],
    ),
    "term_over": ([{"term_due": YESTERDAY}], [{"term_due": TODAY}, {"term_due": None}]),
    "term_running": ([{"term_due": TODAY}], [{"term_due": YESTERDAY}, {"term_due": None}]),
    "no_filing": ([{}], [{"filing_count": 1}]),
    "signatory_of_the_day": (
        [
            {"signing_mode": "PANTALLA", "actor_is_signatory": True},
            {"signing_mode": "ELECTRONICA", "actor_is_signatory": True},
            {"signing_mode": "MANUSCRITA", "signatory_recorded": True},
        ],
        [
            {"signing_mode": "PANTALLA"},
            {"signing_mode": "MANUSCRITA", "actor_is_signatory": True},
            {"signing_mode": None, "actor_is_signatory": True, "signatory_recorded": True},
        ],
    ),
    "document_ready": (
        [
            {"number_available": True, "template_in_force": True},
            {
                "number_available": True,
                "template_in_force": True,
                "signing_mode": "MANUSCRITA",
                "signed_scan_attached": True,
            },
        ],
        [
            {"template_in_force": True},
            {"number_available": True},
            {"number_available": True, "template_in_force": True, "signing_mode": "MANUSCRITA"},
        ],
    ),
    "order_complete": ([{}], [{"order_missing": ["período", "materias"]}]),
    "order_has_establishments": (
        [
            {"order_kind": "ESTABLECIMIENTO", "establishment_count": 1},
            {"order_kind": "OPERATIVO", "establishment_count": 40},
            {"order_kind": "TURNO"},
        ],
        [
            {"order_kind": "ESTABLECIMIENTO"},
            {"order_kind": "ESTABLECIMIENTO", "establishment_count": 2},
            {"order_kind": "OPERATIVO"},
            {"order_kind": None, "establishment_count": 1},
        ],
    ),
    "inspectors_designated": (
        [
            {"inspector_count": 1, "leader_count": 1},
            {"inspector_count": 2, "minimum_inspectors": 2, "leader_count": 1},
        ],
        [
            {"leader_count": 1},
            {"inspector_count": 1, "minimum_inspectors": 2, "leader_count": 1},
            {"inspector_count": 2},
            {"inspector_count": 2, "leader_count": 2},
        ],
    ),
    "no_self_assignment": ([{}], [{"actor_is_assigned": True}]),
    "no_conflict_of_interest": ([{}], [{"conflicted_inspectors": ["Ana Gómez"]}]),
    "absences_confirmed": (
        [{}, {"absent_inspectors": ["Ana Gómez"], "absence_confirmed": True}],
        [{"absent_inspectors": ["Ana Gómez"]}],
    ),
    "order_in_force": (
        [
            {"order_valid_until": TODAY},
            {"order_valid_until": YESTERDAY, "first_visit_begun": True},
            {"order_valid_until": None, "first_visit_begun": True},
        ],
        [{"order_valid_until": YESTERDAY}, {"order_valid_until": None}],
    ),
    "expired_without_visit": (
        [{"order_valid_until": YESTERDAY}],
        [
            {"order_valid_until": TODAY},
            {"order_valid_until": None},
            {"order_valid_until": YESTERDAY, "first_visit_begun": True},
        ],
    ),
    "judicial_authorisation": (
        [{}, {"needs_judicial_authorisation": True, "has_judicial_authorisation": True}],
        [{"needs_judicial_authorisation": True}],
    ),
    "visits_finished": ([{"done_visit_count": 1}], [{}, {"done_visit_count": 1, "open_visit_count": 1}]),
    "only_failed_visits": (
        [{"failed_visit_count": 1}],
        [
            {},
            {"failed_visit_count": 1, "open_visit_count": 1},
            {"failed_visit_count": 1, "done_visit_count": 1},
        ],
    ),
    "no_visit_begun": ([{}], [{"first_visit_begun": True}]),
    "order_undecided": ([{}], [{"order_decided": True}]),
    "no_report_open": ([{}], [{"report_opened": True}]),
    "report_with_inspector": ([{}], [{"report_ahead": "Con dictamen"}]),
    "report_decided": ([{"report_decided": True}], [{}]),
    "actions_ordered": ([{"actions_ordered": True}], [{}]),
    "order_executable": ([{"order_executable": True}], [{}]),
    "establishment_named": ([{"establishment_named": True}], [{}]),
    "establishment_in_register": ([{}], [{"establishment_merged": True}]),
    "questions_answered": ([{}], [{"unanswered_questions": ["GEN-01", "GEN-02"]}]),
    "evidence_attached": ([{}], [{"questions_without_evidence": ["SST-03"]}]),
    "workers_counted": ([{}], [{"worker_counts_missing": ["mujeres"]}]),
    "findings_confirmed": ([{}], [{"unconfirmed_findings": 2}]),
    "inspectors_signed": ([{}], [{"unsigned_inspectors": ["Ana"]}, {"absent_without_reason": ["Luis"]}]),
    "employer_signed_or_refused": ([{"employer_signed": True}, {"refusal_recorded": True}], [{}]),
    "negative_act": ([{"negative_act_signed": True}], [{}]),
    "obstruction_act": ([{"obstruction_act_signed": True}], [{}]),
    "acta_annulled": ([{"acta_annulled": True}], [{}]),
    "annex_pending": ([{"annex_pending": True}], [{}]),
    "something_to_verify": ([{"requests_to_verify": 1}], [{}]),
    "finding_complete": (
        [{"infraction_coded": True}, {"infraction_coded": True, "per_worker": True, "affected_workers": 1}],
        [{}, {"infraction_coded": True, "per_worker": True}],
    ),
    "remedy_term_set": (
        [{"remediable": True, "remedy_kind": kind} for kind in ("DOCUMENTAL", "SST", "INMEDIATO")],
        [{"remedy_kind": "SST"}, {"remediable": True}, {"remediable": True, "remedy_kind": "OTRO"}],
    ),
    "request_delivered": ([{"request_delivered": True}], [{}]),
    "filing_recorded": ([{"filing_count": 1}], [{}]),
    "verification_recorded": ([{"verification_recorded": True}], [{}]),
    "case_grounds": (
        [
            {},
            {"remediable": True, "obstruction": True},
            {"remediable": True, "child_or_forced_labour": True},
            {"remediable": True, "repeat_offence": True},
        ],
        [{"remediable": True}],
    ),
    "annexes_ratified": ([{}], [{"annexes_unratified": 1}]),
    "employer_identified": ([{"employer_identified": True}], [{}]),
    "order_executed": ([{"order_executed": True}], [{}]),
    "findings_decided": ([{}], [{"undecided_findings": ["DOC-01"]}]),
    "proposal_made": (
        [{"proposal": p} for p in ("ARCHIVO", "SUMARIO", "NUEVAS_DILIGENCIAS")],
        [{}, {"proposal": "OTRA"}],
    ),
    "nothing_unremedied": ([{}], [{"unremedied_findings": 3}]),
    "case_findings_exist": ([{"case_findings": 1}], [{}]),
    "observation_written": ([{"observation_written": True}, {"signing_mode": "MANUSCRITA"}], [{}]),
    "opinion_written": ([{"opinion_written": True}, {"signing_mode": "MANUSCRITA"}], [{}]),
    "legal_opinion_attached": ([{"legal_opinion_attached": True}], [{}]),
}


def _conditioned(condition: Any, facts: dict[str, Any]) -> dict[str, Any]:
    """Return `facts` with the texts of a condition chosen so that it holds."""
    if condition is None:
        return facts
    names = conditions.variables(condition)
    words = ("ARCHIVO", "SUMARIO", "NUEVAS_DILIGENCIAS", "INICIAL", "VERIFICACION")
    words += ("SUBSANADO", "PARCIAL", "NO_SUBSANADO")
    for choice in product(words, repeat=len(names)):
        chosen = facts | dict(zip(names, choice, strict=True))
        if conditions.holds(condition, chosen):
            return chosen
    raise AssertionError(f"no facts satisfy {condition}")


def _good(process: Process, move: Move) -> dict[str, Any]:
    """Return facts on which every guard and the condition of a move are met."""
    facts = dict(BASE)
    for name in (*process.guards, *move.guards):
        facts |= CASES[name][0][0]
    return _conditioned(move.condition, facts)


def _id(item: Any) -> str:
    if isinstance(item, Move):
        return f"{item.from_state}-{item.code}"
    return str(getattr(item, "code", item))


# The shipped versions


def test_shipped_versions_are_the_three_expected() -> None:
    assert {code: v.historical for code, v in VERSIONS.items()} == {
        "2024-346": False,
        "2025-398": False,
        "historico": True,
    }
    assert all(v.code == stem for stem, v in VERSIONS.items())
    old, new = VERSIONS["2024-346"], VERSIONS["2025-398"]
    assert old.valid_to is not None and old.valid_to + timedelta(days=1) == new.valid_from


@pytest.mark.parametrize("version", VERSIONS.values(), ids=_id)
def test_shipped_version_has_no_problems_and_every_process(version: ProcedureVersion) -> None:
    assert problems(version) == []
    assert [p.code for p in version.processes] == ["order", "visit", "finding", "report"]


def test_every_guard_and_effect_is_used_by_a_shipped_version() -> None:
    guards = {g for _, p in PROCESSES for g in p.guards} | {g for _, _, m in MOVES for g in m.guards}
    guards |= {g for _, p in PROCESSES if p.start for g in p.start.guards}
    assert guards == set(GUARDS)
    assert {e for _, _, m in MOVES for e in m.effects} == set(EFFECTS)


def test_every_fact_is_needed_by_a_guard_or_a_condition() -> None:
    needed = {fact for g in GUARDS.values() for fact in g.needs}
    for _, process in PROCESSES:
        expressions = [m.condition for m in process.moves] + [t.condition for t in process.terms]
        needed |= {name for e in expressions for name in conditions.variables(e)}
    assert needed == set(FACTS)


def test_roles_and_phases_are_the_closed_lists() -> None:
    assert " ".join(sorted(ROLES)) == (
        "admin auditor conciliation coordinator director health inspector intake judge legal licensing "
        "minister notifier osh regional secretary statistics treasury"
    )
    assert " ".join(Phase) == (
        "received triaged planned issued in_field in_report in_term in_decision in_case in_hearing resolved "
        "appealed final collecting closed archived dismissed annulled suspended"
    )
    assert len({p.label for p in Phase}) == len(Phase)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda p: p.stem)
def test_procedure_file_writes_no_number_of_days(path: Path) -> None:
    def numbers(value: Any) -> Iterator[Any]:
        if isinstance(value, dict):
            for item in value.values():
                yield from numbers(item)
        elif isinstance(value, list):
            for item in value:
                yield from numbers(item)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield value

    assert list(numbers(yaml.safe_load(path.read_text(encoding="utf-8")))) == []


def test_archive_before_2025_needs_neither_opinion_nor_minister_and_is_marked_unverified() -> None:
    report = VERSIONS["2024-346"].process("report")
    archive = [m for m in report.moves if m.to_state == "ARCHIVADO"]
    assert [(m.from_state, m.roles, m.source) for m in archive] == [
        ("REVISION_DGIF", ("director",), Source.UNVERIFIED)
    ]
    assert report.state("ARCHIVADO").source is Source.UNVERIFIED
    assert not {"CON_DICTAMEN", "DECISION_MAI"} & {s.code for s in report.states}
    assert not any({"legal", "minister"} & set(m.roles) for m in report.moves)


def test_acts_of_authority_belong_to_their_authority_only() -> None:
    order, report = NOW.process("order"), NOW.process("report")
    by_letter = {letter: set(m.roles) for p in (order, report) for m in p.moves for letter in m.letters}
    assert by_letter["OI"] == {"minister", "secretary"}  # the secretary records a handwritten signature
    assert by_letter["DIC"] == {"legal"}
    assert by_letter["INF-DGIF"] == {"director"}
    assert by_letter["INF-FIN"] == {"inspector"}
    assert all(m.roles == ("minister", "secretary") for m in report.moves_from("DECISION_MAI"))
    assert {m.to_state for m in report.moves_from("DECISION_MAI")} == {
        "ARCHIVADO",
        "DILIGENCIAS_ORDENADAS",
        "A_SUMARIO",
    }


# The matrix: what is not declared is refused, what is declared passes on good facts only


@pytest.mark.parametrize(("version", "process"), PROCESSES, ids=_id)
def test_undeclared_move_from_any_state_is_refused(version: ProcedureVersion, process: Process) -> None:
    everyone = {*ROLES, SYSTEM}
    codes = {m.code for m in process.moves}
    declared = {(m.from_state, m.code) for m in process.moves}
    refused = 0
    for state, code in product((s.code for s in process.states), codes):
        if (state, code) in declared:
            continue
        with pytest.raises(RuleBroken) as error:
            apply_move(process, state, code, everyone, BASE, "motivo")
        assert error.value.code == "move_not_declared"
        assert code not in {o.move.code for o in allowed_moves(process, state, everyone, BASE)}
        refused += 1
    assert refused == len(process.states) * len(codes) - len(declared) > 0


@pytest.mark.parametrize(("version", "process", "move"), MOVES, ids=_id)
def test_declared_move_passes_on_good_facts_and_brings_what_it_declares(
    version: ProcedureVersion, process: Process, move: Move
) -> None:
    facts = _good(process, move)
    done = apply_move(process, move.from_state, move.code, {move.roles[0]}, facts, " motivo ")
    assert (done.from_state, done.to_state) == (process.state(move.from_state), process.state(move.to_state))
    assert (done.letters, done.effects, done.closes_terms) == (move.letters, move.effects, move.closes_terms)
    assert done.reason == "motivo"
    assert done.holds == ()
    opened = {t.code for t in done.opens_terms}
    assert opened <= set(move.opens_terms)
    assert {c for c in move.opens_terms if process.term(c).condition is None} <= opened
    offers = {o.move: o for o in allowed_moves(process, move.from_state, {move.roles[0]}, facts)}
    assert (offers[move].allowed, offers[move].for_role, offers[move].reasons) == (True, True, ())
    assert facts_needed(process, move.from_state) <= set(facts)


@pytest.mark.parametrize(("version", "process", "move"), MOVES, ids=_id)
def test_declared_move_is_refused_to_every_other_role(
    version: ProcedureVersion, process: Process, move: Move
) -> None:
    others = {*ROLES, SYSTEM} - set(move.roles)
    facts = _good(process, move)
    with pytest.raises(NotAllowed) as error:
        apply_move(process, move.from_state, move.code, others, facts, "motivo")
    assert error.value.message.startswith("Este paso corresponde a: ")
    offers = {o.move: o for o in allowed_moves(process, move.from_state, others, facts)}
    if move.automatic:
        assert move not in offers
    else:
        offer = offers[move]
        assert (offer.allowed, offer.for_role, offer.reasons) == (False, False, (error.value.message,))


@pytest.mark.parametrize(("version", "process", "move"), MOVES, ids=_id)
def test_each_guard_and_the_condition_of_a_move_refuse_it(
    version: ProcedureVersion, process: Process, move: Move
) -> None:
    good = _good(process, move)
    for name in (*process.guards, *move.guards):
        met, unmet = CASES[name][0][0], CASES[name][1][0]
        bad = good | {fact: BASE[fact] for fact in met} | unmet
        why = judge(name, bad)
        assert why is not None
        offer = {o.move: o for o in allowed_moves(process, move.from_state, move.roles, bad)}[move]
        if GUARDS[name].outcome is Outcome.HOLD:
            assert apply_move(process, move.from_state, move.code, move.roles, bad, "motivo").holds == (why,)
            assert (offer.allowed, offer.holds) == (True, (why,))
            continue
        with pytest.raises(RuleBroken) as error:
            apply_move(process, move.from_state, move.code, move.roles, bad, "motivo")
        assert error.value.code == "guards"
        assert why in error.value.reasons
        assert (offer.allowed, offer.reasons) == (False, error.value.reasons)
    if move.condition is not None:
        name = conditions.variables(move.condition)[0]
        opposite = _conditioned({"!": [move.condition]}, dict(good))
        assert good[name] != opposite[name]
        with pytest.raises(RuleBroken) as error:
            apply_move(process, move.from_state, move.code, move.roles, opposite, "motivo")
        assert error.value.reasons == (move.condition_reason,)


@pytest.mark.parametrize(("version", "process", "move"), [x for x in MOVES if x[2].reason_required], ids=_id)
def test_move_that_needs_a_reason_is_refused_without_one(
    version: ProcedureVersion, process: Process, move: Move
) -> None:
    for reason in ("", "   "):
        with pytest.raises(RuleBroken) as error:
            apply_move(process, move.from_state, move.code, move.roles, _good(process, move), reason)
        assert (error.value.code, error.value.field) == ("reason_missing", "reason")


@pytest.mark.parametrize(("version", "process"), PROCESSES, ids=_id)
def test_record_begins_in_its_first_state_for_its_roles_only(
    version: ProcedureVersion, process: Process
) -> None:
    assert process.start is not None
    facts = dict(BASE)
    for name in (*process.guards, *process.start.guards):
        facts |= CASES[name][0][0]
    begun = begin(process, {process.start.roles[0]}, facts)
    assert (begun.move, begun.from_state, begun.to_state.code) == (None, None, process.start.state)
    assert [t.code for t in begun.opens_terms] == list(process.start.opens_terms)
    with pytest.raises(NotAllowed):
        begin(process, {"auditor"}, facts)
    with pytest.raises(RuleBroken) as error:
        begin(process, {process.start.roles[0]}, facts | {"act_date": TOMORROW})
    assert error.value.code == "guards"
    assert facts_needed(process) <= set(facts)


# Guards


def test_every_guard_has_cases() -> None:
    assert set(CASES) == set(GUARDS)
    assert all(good and bad for good, bad in CASES.values())


@pytest.mark.parametrize(("name", "facts"), [(n, f) for n, (good, _) in CASES.items() for f in good])
def test_guard_is_met(name: str, facts: dict[str, Any]) -> None:
    assert judge(name, BASE | facts) is None


@pytest.mark.parametrize(("name", "facts"), [(n, f) for n, (_, bad) in CASES.items() for f in bad])
def test_guard_is_not_met_and_says_why(name: str, facts: dict[str, Any]) -> None:
    why = judge(name, BASE | facts)
    assert why is not None and why.endswith(".")
    for value in facts.values():
        if isinstance(value, list):
            assert value[0] in why


@pytest.mark.parametrize("name", GUARDS)
def test_guard_reads_only_the_facts_that_it_names(name: str) -> None:
    guard = GUARDS[name]
    assert guard.description
    for facts in (*CASES[name][0], *CASES[name][1]):
        only = {fact: (BASE | facts)[fact] for fact in guard.needs}
        assert judge(name, only) == judge(name, BASE | facts)
        assert set(facts) <= set(guard.needs)


@pytest.mark.parametrize("name", GUARDS)
def test_guard_without_a_fact_or_with_a_wrong_one_is_an_error_of_the_program(name: str) -> None:
    for fact in GUARDS[name].needs:
        with pytest.raises(FactError):
            judge(name, {k: v for k, v in BASE.items() if k != fact})
        with pytest.raises(FactError):
            judge(name, BASE | {fact: object()})


def test_long_lists_in_reasons_are_cut() -> None:
    why = judge("questions_answered", BASE | {"unanswered_questions": [f"GEN-{i:02d}" for i in range(1, 9)]})
    assert why == "Faltan respuestas obligatorias: GEN-01, GEN-02, GEN-03, GEN-04, GEN-05 y 3 más."


# Rules of the working days, told as stories on the version in force


def _walk(process: Process, state: str, steps: list[tuple[str, str, dict[str, Any]]]) -> list[str]:
    path = [state]
    for code, role, facts in steps:
        state = apply_move(process, state, code, {role}, BASE | facts, "motivo").to_state.code
        path.append(state)
    return path


SIGN: dict[str, Any] = {
    "signing_mode": "PANTALLA",
    "actor_is_signatory": True,
    "number_available": True,
    "template_in_force": True,
}
TEAM: dict[str, Any] = {"inspector_count": 2, "leader_count": 1, "minimum_inspectors": 1}
READY: dict[str, Any] = {"order_executed": True, **SIGN}


def test_order_goes_from_project_to_closed() -> None:
    one = {"order_kind": "ESTABLECIMIENTO", "establishment_count": 1}
    path = _walk(
        NOW.process("order"),
        "PROYECTO",
        [
            ("enviar_a_firma", "coordinator", TEAM | one),
            ("devolver", "minister", {}),
            ("corregir", "coordinator", {}),
            ("enviar_a_firma", "coordinator", TEAM | one),
            ("firmar", "minister", SIGN),
            ("asignar", "director", TEAM),
            ("iniciar", "inspector", TEAM | {"order_valid_until": TODAY}),
            ("declarar_ejecutada", "inspector", {"done_visit_count": 1}),
            ("cerrar", SYSTEM, {"report_decided": True}),
        ],
    )
    assert path[-5:] == ["EMITIDA", "ASIGNADA", "EN_EJECUCION", "EJECUTADA", "CERRADA"]


def test_order_begun_stays_in_force_after_its_validity_and_one_without_visit_is_reissued() -> None:
    order, late = NOW.process("order"), {"order_valid_until": YESTERDAY, "term_due": YESTERDAY}
    assert _walk(order, "ASIGNADA", [("iniciar", "inspector", TEAM | late | {"first_visit_begun": True})])[
        -1
    ] == ("EN_EJECUCION")
    for code, role, facts in (
        ("iniciar", "inspector", TEAM),
        ("prorrogar", "director", SIGN | {"extension_limit": 1}),
    ):
        with pytest.raises(RuleBroken):
            apply_move(order, "ASIGNADA", code, {role}, BASE | late | facts, "motivo")
    assert _walk(order, "ASIGNADA", [("vencer", SYSTEM, late), ("reemitir", "coordinator", {})]) == [
        "ASIGNADA",
        "VENCIDA",
        "REEMITIDA",
    ]
    assert "reissue_order" in apply_move(order, "VENCIDA", "reemitir", {"director"}, BASE, "x").effects


def test_act_of_its_days_entered_after_the_expiry_has_a_way_back_and_is_held() -> None:
    before = {"act_date": YESTERDAY, "previous_act_date": TODAY, "late_reason": "Corte de luz"}
    before |= {"late_scan_attached": True, "term_due": YESTERDAY, "order_valid_until": YESTERDAY}
    before |= {"filing_count": 1, "extension_limit": 1}
    for process, state, code, role, target in (
        ("order", "VENCIDA", "iniciar_en_termino", SYSTEM, "EN_EJECUCION"),
        ("order", "VENCIDA", "prorrogar", "director", "PRORROGADA"),
        ("finding", "VENCIDO", "presentar", "intake", "PRESENTADO"),
        ("finding", "NO_SUBSANADO", "presentar", "intake", "PRESENTADO"),
        ("finding", "VENCIDO", "prorrogar", "director", "PRORROGADO"),
    ):
        facts = BASE | TEAM | SIGN | before
        done = apply_move(NOW.process(process), state, code, {role}, facts, "motivo")
        assert done.to_state.code == target and done.holds
        with pytest.raises(RuleBroken, match="venci"):
            apply_move(NOW.process(process), state, code, {role}, facts | {"act_date": TODAY}, "motivo")


def test_substitution_after_signature_is_its_own_document_and_keeps_execution_going() -> None:
    order = NOW.process("order")
    done = apply_move(order, "EN_EJECUCION", "sustituir", {"director"}, BASE | TEAM | SIGN, "Licencia médica")
    assert (done.to_state.code, done.letters) == ("EN_EJECUCION", ("OI-SUS",))


def test_archive_runs_through_coordination_dgift_opinion_and_minister() -> None:
    proposal = {"proposal": "ARCHIVO", "opinion_written": True, "legal_opinion_attached": True, **READY}
    path = _walk(
        NOW.process("report"),
        "ELABORACION",
        [
            ("enviar_a_coordinacion", "inspector", proposal),
            ("devolver", "coordinator", {}),
            ("enviar_a_coordinacion", "inspector", proposal),
            ("dar_visto_bueno", "coordinator", proposal),
            ("firmar", "inspector", proposal),
            ("remitir", "director", proposal),
            ("dictaminar", "legal", proposal),
            ("elevar", "legal", proposal),
            ("archivar", "minister", proposal),
        ],
    )
    assert path[-5:] == ["REVISION_DGIF", "REMITIDO_DGAJ", "CON_DICTAMEN", "DECISION_MAI", "ARCHIVADO"]


def test_ministers_actions_send_the_order_back_to_execution_with_a_new_validity() -> None:
    ordered = apply_move(
        NOW.process("report"),
        "DECISION_MAI",
        "ordenar_diligencias",
        {"minister"},
        BASE | SIGN,
        "Falta oír testigos",
    )
    assert (ordered.to_state.phase, ordered.effects) == (Phase.IN_FIELD, ("reopen_order",))
    back = apply_move(
        NOW.process("order"), "EJECUTADA", "reabrir", {SYSTEM}, BASE | {"actions_ordered": True}
    )
    assert (back.to_state.code, [t.parameter for t in back.opens_terms]) == (
        "EN_EJECUCION",
        ["OI_VIGENCIA_DIAS"],
    )


def test_routes_from_dgift_follow_the_proposal() -> None:
    report = NOW.process("report")
    facts = BASE | SIGN | {"case_findings": 1, "employer_identified": True, "observation_written": True}
    for proposal, targets in (
        ("ARCHIVO", {"ELABORACION", "REMITIDO_DGAJ", "REMITIDO_DGAJ_CON_OBSERVACION"}),
        ("SUMARIO", {"ELABORACION", "A_SUMARIO"}),
        ("NUEVAS_DILIGENCIAS", {"ELABORACION", "DILIGENCIAS_ORDENADAS"}),
    ):
        offers = allowed_moves(report, "REVISION_DGIF", {"director"}, facts | {"proposal": proposal})
        assert {o.move.to_state for o in offers if o.allowed} == targets


@pytest.mark.parametrize("kind", ["TURNO", "OPERATIVO", "ESTABLECIMIENTO"])
def test_visit_under_an_open_order_opens_the_term_to_ratify_its_annex(kind: str) -> None:
    facts = BASE | TEAM | {"order_kind": kind, "order_valid_until": TODAY, "order_executable": True}
    done = apply_move(
        NOW.process("visit"), "PROGRAMADA", "iniciar", {"inspector"}, facts | {"establishment_named": True}
    )
    assert [t.code for t in done.opens_terms] == ([] if kind == "ESTABLECIMIENTO" else ["RATIFICACION_ANEXO"])


def test_annex_not_ratified_closes_the_way_to_sumario() -> None:
    facts = BASE | {"infraction_coded": True, "annexes_unratified": 1}
    with pytest.raises(RuleBroken, match="no ratificó"):
        apply_move(NOW.process("finding"), "CONSTATADO", "enviar_a_sumario", {"inspector"}, facts)


@pytest.mark.parametrize(
    ("kind", "parameter"),
    [
        ("DOCUMENTAL", "PLAZO_REGULARIZACION_DOC"),
        ("SST", "PLAZO_REGULARIZACION_SST"),
        ("INMEDIATO", "PLAZO_REGULARIZACION_INMINENTE"),
    ],
)
def test_delivered_request_opens_the_term_of_its_kind(kind: str, parameter: str) -> None:
    facts = BASE | {"request_delivered": True, "remedy_kind": kind}
    done = apply_move(NOW.process("finding"), "REQUERIDO", "abrir_plazo", {"notifier"}, facts)
    assert [t.parameter for t in done.opens_terms] == [parameter]


def test_annulled_acta_reopens_the_visit_with_a_reason_by_the_coordinator() -> None:
    visit = NOW.process("visit")
    done = apply_move(visit, "REALIZADA", "reabrir", {"coordinator"}, BASE, "Error de empleador")
    assert (done.to_state.code, done.effects) == (
        "EN_CURSO",
        ("annul_acta", "withdraw_findings", "reopen_order"),
    )


def test_every_unmet_rule_is_reported_at_once() -> None:
    with pytest.raises(RuleBroken) as error:
        apply_move(
            NOW.process("visit"),
            "EN_CURSO",
            "finalizar",
            {"inspector"},
            BASE
            | {
                "unanswered_questions": ["GEN-01"],
                "worker_counts_missing": ["varones"],
                "visit_kind": "VERIFICACION",
            },
        )
    reasons = " ".join(error.value.reasons)
    for words in ("GEN-01", "varones", "atendió la visita", "No hay número", "acta de verificación"):
        assert words in reasons
    assert error.value.message == reasons


def test_system_moves_are_offered_to_the_system_only() -> None:
    order = NOW.process("order")
    assert "vencer" not in {o.move.code for o in allowed_moves(order, "ASIGNADA", set(ROLES), BASE)}
    assert "vencer" in {o.move.code for o in allowed_moves(order, "ASIGNADA", {SYSTEM}, BASE)}


def test_unknown_state_and_history_are_refused() -> None:
    order = NOW.process("order")
    for call in (
        lambda: allowed_moves(order, "NADA", {"director"}, BASE),
        lambda: apply_move(order, "NADA", "firmar", {"minister"}, BASE),
        lambda: facts_needed(order, "NADA"),
    ):
        with pytest.raises(RuleBroken) as error:
            call()
        assert error.value.code == "unknown_state"
    past = VERSIONS["historico"].process("order")
    assert allowed_moves(past, "CERRADA", {*ROLES, SYSTEM}, BASE) == []
    assert facts_needed(past) == frozenset()
    with pytest.raises(RuleBroken) as error:
        begin(past, {"director"}, BASE)
    assert error.value.code == "no_start"


# What makes a version unsound


def _small(**changes: Any) -> ProcedureVersion:
    """Return a sound version of one process, with parts of the process replaced."""
    process = Process(
        "order",
        "Orden",
        Start("A", ("director",)),
        (State("A", "A", Phase.PLANNED), State("B", "B", Phase.CLOSED, final=True)),
        (Move("ir", "A", "B", "Ir", ("director",)),),
        (TermType("T", "T", "DIAS_T", Unit.BUSINESS),),
    )
    return ProcedureVersion("x", "X", "Res.", TODAY, (replace(process, **changes),))


GO = Move("ir", "A", "B", "Ir", ("director",))
A, B = State("A", "A", Phase.PLANNED), State("B", "B", Phase.CLOSED, final=True)
C = State("C", "C", Phase.PLANNED)
T = TermType("T", "T", "DIAS_T", Unit.BUSINESS)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"states": (A, B, C)}, "al estado «C» no se llega"),
        ({"states": (A, B, C)}, "desde el estado «C» no hay salida"),
        (
            {"states": (A, B, C), "moves": (GO, replace(GO, code="c", to_state="C"))},
            "desde el estado «C» no hay",
        ),
        ({"states": (A, replace(B, final=False))}, "no tiene ningún estado final"),
        ({"states": (A, B, B)}, "el estado «B» está repetido"),
        ({"states": ()}, "no tiene estados"),
        ({"states": (A, B, replace(C, code="c"))}, "debe ir en mayúsculas"),
        ({"states": (A, replace(B, name=" "))}, "«B» no tiene nombre"),
        ({"code": "Orden"}, "debe ser una palabra en minúsculas"),
        ({"moves": (GO, GO)}, "el paso «ir» está repetido desde «A»"),
        ({"moves": (replace(GO, to_state="Z"),)}, "el estado «Z» no existe"),
        ({"moves": (GO, replace(GO, from_state="Z"))}, "el estado «Z» no existe"),
        ({"moves": (replace(GO, guards=("nada",)),)}, "la guarda «nada» no existe"),
        ({"moves": (replace(GO, effects=("nada",)),)}, "el efecto «nada» no existe"),
        ({"moves": (replace(GO, effects=("lock_acta",)),)}, "no sirve para este proceso"),
        ({"moves": (replace(GO, roles=()),)}, "falta el rol"),
        ({"moves": (replace(GO, roles=("jefe",)),)}, "el rol «jefe» no existe"),
        ({"moves": (replace(GO, label=""),)}, "no tiene texto para el botón"),
        ({"moves": (replace(GO, code="Ir"),)}, "debe ser una palabra en minúsculas"),
        ({"moves": (replace(GO, letters=("oi",)),)}, "«oi» no es el código de un documento"),
        ({"moves": (replace(GO, opens_terms=("Z",)),)}, "el plazo «Z» no existe"),
        ({"moves": (replace(GO, closes_terms=("Z",)),)}, "el plazo «Z» no existe"),
        ({"moves": (replace(GO, condition={"nope": 1}, condition_reason="x"),)}, "«nope» no existe"),
        (
            {"moves": (replace(GO, condition={"var": "nada"}, condition_reason="x"),)},
            "no existe el dato «nada»",
        ),
        ({"moves": (replace(GO, condition={"var": "obstruction"}),)}, "no tiene el motivo"),
        ({"moves": (GO, replace(GO, code="b", from_state="B", to_state="A"))}, "sale de un estado final"),
        ({"moves": (replace(GO, reopens=True, reason_required=True),)}, "no sale de un estado final"),
        (
            {"moves": (GO, replace(GO, code="b", from_state="B", to_state="A", reopens=True))},
            "una reapertura exige motivo",
        ),
        ({"guards": ("nada",)}, "la guarda «nada» no existe"),
        ({"start": None}, "no tiene estado inicial"),
        ({"start": Start("Z", ("director",))}, "el estado inicial «Z» no existe"),
        ({"start": Start("A", ())}, "el inicio: falta el rol"),
        ({"start": Start("A", ("director",), ("nada",))}, "el inicio: la guarda «nada» no existe"),
        ({"start": Start("A", ("director",), (), ("Z",))}, "el inicio: el plazo «Z» no existe"),
        ({"terms": (T, T)}, "el plazo «T» está repetido"),
        ({"terms": (replace(T, code="t"),)}, "el plazo «t»: el código debe ir en mayúsculas"),
        ({"terms": (replace(T, parameter="10"),)}, "«10» no es el código de un parámetro"),
        ({"terms": (replace(T, parameter=""),)}, "«» no es el código de un parámetro"),
        ({"terms": (replace(T, alerts_parameter="ALERTA_OFFSETS"),)}, "las alertas necesitan"),
        ({"terms": (replace(T, responsible="jefe"),)}, "el rol «jefe» no existe"),
        ({"terms": (replace(T, condition={"var": "nada"}),)}, "no existe el dato «nada»"),
    ],
)
def test_unsound_process_is_explained(changes: dict[str, Any], words: str) -> None:
    assert problems(_small()) == []
    found = problems(_small(**changes))
    assert any(words in problem for problem in found), found


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"basis": ""}, "no tiene base legal"),
        ({"valid_to": YESTERDAY}, "termina antes de empezar"),
        ({"processes": ()}, "no tiene procesos"),
        ({"processes": _small().processes * 2}, "«order» está repetido"),
        ({"historical": True}, "no lleva inicio ni pasos"),
        ({"historical": True}, "todo estado es final, y «A» no lo es"),
    ],
)
def test_unsound_version_is_explained(changes: dict[str, Any], words: str) -> None:
    found = problems(replace(_small(), **changes))
    assert any(words in problem for problem in found), found


def test_reopening_and_annotation_of_a_final_state_are_sound() -> None:
    again = Move("b", "B", "A", "Reabrir", ("director",), reason_required=True, reopens=True)
    note = Move("n", "B", "B", "Anotar", ("director",))
    assert problems(_small(moves=(GO, again, note))) == []


# Loading


def _mapping() -> dict[str, Any]:
    return {
        "code": "x",
        "name": "X",
        "basis": "Res.",
        "valid_from": TODAY,
        "processes": {
            "order": {
                "name": "Orden",
                "start": {"state": "A", "roles": ["director"]},
                "states": [
                    {"code": "A", "name": "A", "phase": "planned"},
                    {"code": "B", "name": "B", "phase": "closed", "final": True},
                ],
                "terms": [{"code": "T", "name": "T", "parameter": "DIAS_T", "unit": "business"}],
                "moves": [{"code": "ir", "from": "A", "to": "B", "label": "Ir", "roles": ["director"]}],
            }
        },
    }


def test_mapping_becomes_the_version() -> None:
    assert version_from_mapping(_mapping()) == _small()


def test_mapping_with_several_origins_and_the_same_target_is_spread() -> None:
    mapping = _mapping()
    mapping["processes"]["order"]["moves"].append(
        {"code": "n", "from": ["A", "B"], "to": "=", "label": "N", "roles": ["director"]}
    )
    mapping["processes"]["order"]["version_from"] = "fecha"
    mapping["transition"] = {"rule": "proximo_acto", "basis": "art. 9", "source": "norma"}
    version = version_from_mapping(mapping)
    order = version.process("order")
    assert [(m.from_state, m.to_state) for m in order.moves if m.code == "n"] == [("A", "A"), ("B", "B")]
    assert order.version_from is VersionFrom.DATE
    assert (version.transition, version.transition_basis, version.transition_source) == (
        Transition.NEXT_ACT,
        "art. 9",
        Source.NORM,
    )


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (("code",), None, "code: falta."),
        (("code",), 2025, "code: debe ser un texto"),
        (("valid_from",), None, "valid_from: falta."),
        (("valid_from",), "ayer", "valid_from: debe ser una fecha"),
        (("historical",), "si", "historical: debe ser true o false"),
        (("color",), "rojo", "color: clave desconocida."),
        (("transition",), {}, "transition.rule: falta."),
        (("processes",), [], "processes: se esperaba un grupo"),
        (("processes", "order"), None, "processes.order: se esperaba un grupo"),
        (("processes", "order", "states"), "A", "processes.order.states: debe ser una lista"),
        (("processes", "order", "states", 0), "A", "processes.order.states[0]: se esperaba un grupo"),
        (
            ("processes", "order", "states", 1, "phase"),
            "fin",
            "processes.order.states[1].phase: «fin» no vale",
        ),
        (("processes", "order", "states", 1, "phase"), None, "processes.order.states[1].phase: falta."),
        (("processes", "order", "states", 1, "final"), "x", "processes.order.states[1].final: debe ser true"),
        (("processes", "order", "start", "roles"), None, "processes.order.start.roles: falta."),
        (("processes", "order", "terms", 0, "days"), 10, "processes.order.terms[0].days: clave desconocida."),
        (
            ("processes", "order", "terms", 0, "alerts"),
            {},
            "processes.order.terms[0].alerts.parameter: falta.",
        ),
        (("processes", "order", "moves", 0, "from"), None, "processes.order.moves[0].from: falta."),
        (
            ("processes", "order", "moves", 0, "roles"),
            [1],
            "processes.order.moves[0].roles: debe ser una lista",
        ),
        (
            ("processes", "order", "moves", 0, "guard"),
            "x",
            "processes.order.moves[0].guard: clave desconocida.",
        ),
    ],
)
def test_fault_of_a_mapping_is_named_with_its_path(path: tuple[Any, ...], value: Any, fault: str) -> None:
    mapping = _mapping()
    place: Any = mapping
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(DefinitionError) as error:
        version_from_mapping(mapping)
    assert any(reason.startswith(fault) for reason in error.value.reasons), error.value.reasons


def test_all_faults_of_a_mapping_are_reported_at_once() -> None:
    with pytest.raises(DefinitionError) as error:
        version_from_mapping({"color": "rojo"})
    assert [r.split(":")[0] for r in error.value.reasons] == [
        "valid_from",
        "code",
        "name",
        "basis",
        "processes",
        "color",
    ]
