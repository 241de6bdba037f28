"""The steps of a record: which the present person may take, and taking one. The same judgement serves both.

    for offer in offers(order): ...            the buttons, each with the reasons when it is refused
    move(order, "firmar", Details(password="…"))   one act: guards, state, terms, effects, documents, log

Contexts register what their guards ask (`fact`) and what their moves bring about (`effect`), each by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

from sqlalchemy import false, func, or_, select
from sqlalchemy.orm import joinedload

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.core.types import format_date, inside
from app.models.documents import Document
from app.models.followup import RecordMove, owner_column
from app.operations import procedures, records, staff, terms
from app.operations.parameters import whole
from app.operations.unit import act
from app.security.principal import SYSTEM, Principal, current
from app.security.roles import Role
from app.security.scope import may_write
from app.workflow import definition, engine
from app.workflow.definition import Move, Process, State
from app.workflow.effects import EFFECTS
from app.workflow.engine import MoveOffer, Transition
from app.workflow.guards import FACTS

LONGEST_REASON = 4_000
ELECTRONIC, DRAWN, HANDWRITTEN = "electronic", "drawn", "handwritten"


@dataclass(frozen=True)
class Details:
    """What a person says about an act besides which one: when it happened, why, how it is signed.

    `scan_id` is a stored file: the signed paper, or the proof of an act that is entered late. `content` is
    what the document of the act says beside its record (a change of team, corrections). `shared`
    is a document that another step of this very act issued for several records. With `preview` the facts
    that the form of the move will ask for are taken as given.
    """

    happened_on: date | None = None
    reason: str = ""
    late_reason: str = ""
    scan_id: int | None = None
    captured: bool = False
    signing_mode: str = ELECTRONIC
    password: str = ""
    seal: str = ""
    signatory_account_id: int | None = None
    external_number: str | None = None
    content: Any = None
    shared: Document | None = None
    absence_confirmed: bool = False
    """Whoever enters a team is designated although he is absent (working rule 5)."""
    preview: bool = False


@dataclass
class Context:
    """A record in the middle of a step: what facts, effects and letters look at."""

    record: Any
    details: Details
    actor: Principal
    letters: tuple[str, ...] = ()
    part: int | None = None
    """Of what part of the record a document speaks, when a step issues one for each (`papers.builds`)."""
    transition: Transition | None = None
    documents: dict[str, Document] = field(default_factory=dict)
    issued: list[int] = field(default_factory=list)
    """The documents of this step."""
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    known: dict[str, Any] = field(default_factory=dict)
    """What several facts of one judgement look at: asked once."""

    @cached_property
    def act_date(self) -> date:
        """The day of the act, on which guards are judged (working rule 3)."""
        return self.details.happened_on or clock.today()


FactSource = Callable[[Context], Any]
EffectDone = Callable[[Context], None]
Foresight = Callable[[Any, Move], Iterable[str]]
_FACT_SOURCES: dict[str, FactSource] = {}
_EFFECTS: dict[str, EffectDone] = {}
_ISSUERS: list[Callable[[Context, str], Document]] = []
_READERS: list[EffectDone] = []
_SETTLERS: list[EffectDone] = []
_FORESIGHTS: dict[str, Foresight] = {}
_OF_PAPERS: list[Foresight] = []
_LOCKS: dict[str, Callable[[Any], Iterable[Any]]] = {}


def fact(*names: str) -> Callable[[FactSource], FactSource]:
    """Register where facts come from; each name has exactly one source."""

    def register(source: FactSource) -> FactSource:
        for name in names:
            if name not in FACTS or name in _FACT_SOURCES:
                raise ValueError(f"fact {name}: unknown, or has a source already")
            _FACT_SOURCES[name] = source
        return source

    return register


def effect(
    name: str, foresees: Foresight | None = None, locks: Callable[[Any], Iterable[Any]] | None = None
) -> Callable[[EffectDone], EffectDone]:
    """Register what an effect does; each name has exactly one implementation.

    `foresees` says in words, before the step is taken, what it will do beyond the record itself. `locks`
    names what is locked before the record, so that two steps of a file never wait for each other.
    """

    def register(done: EffectDone) -> EffectDone:
        if name not in EFFECTS or name in _EFFECTS:
            raise ValueError(f"effect {name}: unknown, or implemented already")
        _EFFECTS[name] = done
        if foresees is not None:
            _FORESIGHTS[name] = foresees
        if locks is not None:
            _LOCKS[name] = locks
        return done

    return register


def issues(issue: Callable[[Context, str], Document]) -> Callable[[Context, str], Document]:
    """Register who makes the documents of a move."""
    _ISSUERS[:] = [issue]
    return issue


def reads(check: EffectDone) -> EffectDone:
    """Register who compares what a step is about to sign with what the signer was shown."""
    _READERS[:] = [check]
    return check


def settles(foresees: Foresight) -> Callable[[EffectDone], EffectDone]:
    """Register what becomes of the papers of a record when it takes a step, and who foresees it in words."""

    def register(done: EffectDone) -> EffectDone:
        _SETTLERS[:], _OF_PAPERS[:] = [done], [foresees]
        return done

    return register


def foreseen(record: Any, step: Move) -> tuple[str, ...]:
    """What a step brings about beyond the state of its record, by name, for whoever is about to take it."""
    told = [_FORESIGHTS[name] for name in step.effects if name in _FORESIGHTS]
    return tuple(dict.fromkeys(words for foresee in (*told, *_OF_PAPERS) for words in foresee(record, step)))


def registered() -> tuple[frozenset[str], frozenset[str]]:
    """The names of the facts that have a source and of the effects that are implemented."""
    return frozenset(_FACT_SOURCES), frozenset(_EFFECTS)


def process_of(record: Any) -> Process:
    """The process of a record in its own version."""
    return procedures.version(record.version_code).process(record.process)


def state_of(record: Any) -> State | None:
    """The state of a record in its own version; None while it is in preparation."""
    return process_of(record).state(record.state) if record.state is not None else None


def role_keys(actor: Principal) -> frozenset[str]:
    """The roles of the procedure that somebody has; the system itself when nobody acts."""
    if actor.account_id is None and actor.origin != "web":
        return frozenset({definition.SYSTEM})
    return frozenset(role.value for role in Role if role.label in actor.roles)


def offers(record: Any, known: Mapping[str, Any] | None = None, said: Details = Details()) -> list[MoveOffer]:
    """The moves from the state of a record that concern the present person, each judged.

    `known`: what facts look at and the caller has read already (`Context.known`). `said`: what the form
    of the move says so far.
    """
    process = process_of(record)
    if record.state is None or not may_write(record):
        return []
    roles, found = role_keys(current()), []
    facts: dict[str, Any] = {}
    looked = dict(known or {})
    delegated = staff.delegated_to(current().account_id)
    for wanted in process.moves_from(record.state):
        own = _with_delegation(roles, wanted, delegated)
        if wanted.automatic or not own.intersection(wanted.roles):
            continue
        told = replace(said, preview=True)
        context = Context(record, told, current(), wanted.letters, known=looked)
        facts = _facts(context, process, wanted, facts)
        offer = next(o for o in engine.allowed_moves(_only(process, wanted), record.state, own, facts))
        if record.held:
            offer = replace(offer, allowed=False, reasons=(HELD, *offer.reasons))
        found.append(offer)
    return found


def _with_delegation(roles: frozenset[str], wanted: Move, delegated: frozenset[str]) -> frozenset[str]:
    """Who signs by delegation takes the step as the one who delegates it (working rule 5)."""
    signs = bool(wanted.letters) and "signatory_of_the_day" in wanted.guards
    return roles | frozenset(wanted.roles) if signs and delegated.issuperset(wanted.letters) else roles


HELD = "Hay un acto retenido: la coordinación debe revisarlo antes de seguir."


def move(record: Any, code: str, details: Details = Details(), *, as_system: bool = False) -> Transition:
    """Take a step of a record, whole, or nothing. `as_system`: a consequence of another record's step.

    Raises RuleBroken with every reason, NotAllowed, Missing, Stale.
    """
    with act(f"{record.process}.{code}", reason=details.reason or None) as unit:
        _lock_first(record, code)
        row = records.locked(type(record), record.id)
        process = process_of(row)
        if row.state is None:
            raise RuleBroken("Este registro todavía está en preparación.", code="no_state")
        _check_said(row, details)
        if row.held and not as_system:
            raise RuleBroken(HELD, code="held")
        roles = frozenset({definition.SYSTEM}) if as_system else role_keys(current())
        wanted = next((m for m in process.moves_from(row.state) if m.code == code), None)
        if wanted is not None and not as_system:
            delegated = staff.delegated_to(current().account_id, details.happened_on)
            roles = _with_delegation(roles, wanted, delegated)
        context = Context(row, details, current(), wanted.letters if wanted else ())
        facts = _facts(context, process, wanted, {}) if wanted else {}
        transition = engine.apply_move(process, row.state, code, roles, facts, details.reason)
        if details.seal:
            for check in _READERS:
                check(context)
        _carry_out(context, transition)
        unit.session.flush()
    return transition


def _lock_first(record: Any, code: str) -> None:
    step = next((m for m in process_of(record).moves_from(record.state or "") if m.code == code), None)
    for locks in (_LOCKS[name] for name in (step.effects if step else ()) if name in _LOCKS):
        for other in locks(record):
            records.locked(type(other), other.id)


def begin(record: Any, details: Details = Details(), *, as_system: bool = False) -> Transition:
    """Open a record that was just added: its first state, its terms, its first line in the log."""
    with act(f"{record.process}.begin", reason=details.reason or None) as unit:
        unit.session.add(record)
        process = process_of(record)
        roles = frozenset({definition.SYSTEM}) if as_system else role_keys(current())
        context = Context(record, details, current())
        with unit.session.no_autoflush:
            needed = engine.facts_needed(process)
            facts: dict[str, Any] = {name: _FACT_SOURCES[name](context) for name in needed}
            facts["extra"] = record.extra or {}
        transition = engine.begin(process, roles, facts)
        _carry_out(context, transition)
        unit.session.flush()
    return transition


def review(step: RecordMove, words: str) -> None:
    """The coordinator looked at a held act; the record goes on. Raises RuleBroken."""
    if not words.strip():
        raise RuleBroken("Escriba el resultado de la revisión: queda en el expediente.", "review")
    with act("move.review", reason=words) as unit:
        row = unit.session.get(RecordMove, step.id, with_for_update=True, populate_existing=True)
        if row is None:
            raise Missing()
        if not row.holds or row.reviewed_at is not None:
            raise RuleBroken("Este acto no está retenido: ya fue revisado.")
        row.reviewed_at, row.reviewed_by_id, row.review = clock.now(), current().account_id, words.strip()
        record = records.locked(type(row.record), row.record.id)
        others = select(RecordMove.id).where(
            getattr(RecordMove, owner_column(record)) == record.id,
            RecordMove.id != row.id,
            func.cardinality(RecordMove.holds) > 0,
            RecordMove.reviewed_at.is_(None),
        )
        record.held = unit.session.scalar(others.limit(1)) is not None
        unit.session.flush()


def history(records: Iterable[Any]) -> list[RecordMove]:
    """Every step of these records, the newest first."""
    by_column: dict[str, list[int]] = {}
    for record in records:
        by_column.setdefault(owner_column(record), []).append(record.id)
    mine = (getattr(RecordMove, column).in_(keys) for column, keys in by_column.items())
    return list(
        Session.scalars(
            select(RecordMove)
            .options(joinedload(RecordMove.actor))
            .where(or_(false(), *mine))
            .order_by(RecordMove.id.desc())
        )
    )


def system_move(record: Any, phase: definition.Phase, details: Details = Details()) -> Move | None:
    """The step to a phase that the system may take from the state of a record, for the day of an act."""
    process = process_of(record)
    for wanted in process.moves_from(record.state):
        if definition.SYSTEM not in wanted.roles or process.state(wanted.to_state).phase is not phase:
            continue
        context = Context(record, details, SYSTEM, wanted.letters)
        facts = _facts(context, process, wanted, {})
        offers_ = engine.allowed_moves(_only(process, wanted), record.state, {definition.SYSTEM}, facts)
        if all(offer.allowed for offer in offers_):
            return wanted
    return None


def _only(process: Process, wanted: Move) -> Process:
    return replace(process, moves=(wanted,))


def _check_said(record: Any, details: Details) -> None:
    """A reason is printed, so it has an end; no act of a file is older than the procedure that rules it."""
    for name in ("reason", "late_reason"):
        if len(getattr(details, name)) > LONGEST_REASON:
            raise RuleBroken("El motivo es demasiado largo: resúmalo en 4.000 letras.", name)
    since = procedures.version(record.version_code).valid_from
    if details.happened_on is not None and details.happened_on < since:
        raise RuleBroken(
            f"El procedimiento de este expediente rige desde el {format_date(since)}: revise la fecha.",
            "happened_on",
        )


def _facts(context: Context, process: Process, wanted: Move, known: dict[str, Any]) -> dict[str, Any]:
    """The facts that a move asks for; those that do not depend on its documents are asked once."""
    needed = engine.facts_needed(_only(process, wanted), context.record.state)
    facts: dict[str, Any] = {}
    for name in needed:
        of_letter = name in OF_LETTER
        if name in known and not of_letter:
            facts[name] = known[name]
            continue
        facts[name] = _FACT_SOURCES[name](context)
    return {**known, **facts, "extra": context.record.extra or {}}


OF_LETTER = frozenset(
    {
        "signing_mode",
        "actor_is_signatory",
        "signatory_recorded",
        "number_available",
        "template_in_force",
        "signed_scan_attached",
    }
)
"""Facts that depend on the documents of the move, and so are asked for each."""


def _carry_out(context: Context, transition: Transition) -> None:
    record, on = context.record, context.act_date
    context.transition = transition
    today = clock.today()
    record.state, record.state_since = transition.to_state.code, clock.now()
    if not transition.holds:
        record.last_act_on = on
    record.held = record.held or bool(transition.holds)  # a step of the system does not review what is held
    Session.flush()
    if transition.closes_terms:
        terms.close(record, transition.closes_terms, on)
    for kind in transition.opens_terms:
        term = terms.open_term(record, kind, on)
        if hasattr(record, "follow_term"):
            record.follow_term(term.start_on, term.due_on)
    step = transition.move
    actor = current()
    Session.add(
        RecordMove(
            process_code=record.process,
            code=step.code if step else None,
            name=step.label if step else f"Se abrió: {inside(process_of(record).name)}",
            from_state=transition.from_state.code if transition.from_state else None,
            to_state=transition.to_state.code,
            happened_on=on,
            entered_at=clock.now(),
            actor_id=actor.account_id,
            actor_name=actor.name,
            reason=transition.reason or None,
            late=on < today,
            late_reason=context.details.late_reason or None,
            scan_id=context.details.scan_id,
            holds=list(transition.holds),
            **{owner_column(record): record.id},
        )
    )
    for name in transition.effects:
        _EFFECTS[name](context)
    for letter in transition.letters:
        context.documents[letter] = _ISSUERS[0](context, letter)
    for done in context.afterwards:
        done()
    for settle in _SETTLERS:
        settle(context)
    Session.flush()


# Facts of any act: the two moments of working rule 3, and the running term of the record.


@fact("act_date")
def _act_date(c: Context) -> date:
    return c.act_date


@fact("today")
def _today(c: Context) -> date:
    return clock.today()


@fact("previous_act_date")
def _previous(c: Context) -> date | None:
    found: date | None = c.record.last_act_on
    return found


@fact("late_reason")
def _late_reason(c: Context) -> str:
    return c.details.late_reason


@fact("late_scan_attached")
def _late_scan(c: Context) -> bool:
    return c.details.scan_id is not None


@fact("term_due")
def _term_due(c: Context) -> date | None:
    term = terms.standing(c.record)
    return term.due_on if term else None


@fact("extension_count")
def _extension_count(c: Context) -> int:
    term = terms.standing(c.record)
    return terms.chain(term).extension_count if term else 0


@fact("extension_limit")
def _extension_limit(c: Context) -> int:
    term = terms.standing(c.record)
    kind = process_of(c.record).term(term.type_code) if term else None
    if kind is None or not kind.extension_parameter:
        return 0
    return whole(kind.extension_parameter, c.act_date)


def details_from(values: Mapping[str, Any], **more: Any) -> Details:
    """Details from the fields of a form; unknown names are left out."""
    names = Details.__dataclass_fields__
    return Details(**{name: value for name, value in {**values, **more}.items() if name in names})
