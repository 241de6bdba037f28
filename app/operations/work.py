"""What waits for a person, in queues. Reading only, from phases and steps, never from state names.

A queue is one select: its number, its first records and its whole list come from the same. Selects carry the
scope of the present principal (security/scope.py); a queue narrows further to what is his to do now: of the
files that he may read, those of his offices, or those to whose team he still belongs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import (
    CTE,
    CompoundSelect,
    Date,
    Integer,
    Select,
    Text,
    and_,
    cast,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.orm import joinedload

from app.core import clock
from app.core.base import Session
from app.core.types import inside
from app.models.catalogs import Office
from app.models.documents import Document
from app.models.followup import ARC, Notice, RecordMove, Term, TermStatus, owner_column
from app.models.inspections import (
    FinalReport,
    Finding,
    InspectionOrder,
    OrderEstablishment,
    OrderInspector,
    Proposal,
    Visit,
)
from app.models.norms import GeneralSuspension, Holiday, Infraction
from app.models.procedures import ProcedureTerm, ProcedureVersion, VersionStatus
from app.models.registry import Establishment
from app.models.staff import Inspector
from app.operations import procedures
from app.operations.figures import OF_OFFICE
from app.security.principal import Principal
from app.security.roles import Role
from app.security.scope import SEES_ALL
from app.workflow.definition import Move, Phase, Process

SHOWN = 5
"""Records that a queue shows; of more it says how many."""
BLOCK = 500
"""Rows of a whole queue that are read at a time."""
STAND_INS = frozenset({Role.REGIONAL, Role.SECRETARY, Role.OSH, Role.NOTIFIER})
"""A step waits for the first role that it names, and for these wherever it names them."""
GUIDES = frozenset({Role.COORDINATOR, Role.REGIONAL, Role.INSPECTOR})
"""Who follows the visits of the day."""
ELSEWHERE = frozenset({Phase.IN_TERM})
"""Phases in which the work is the employer's: nothing waits here."""
UNDER_WAY = (Phase.PLANNED, Phase.ISSUED, Phase.IN_FIELD)
"""Phases in which an order needs its inspectors."""
ASSIGNED = (Phase.ISSUED, Phase.IN_FIELD, Phase.IN_REPORT)
"""Phases in which an order is work of its inspectors."""
UNDECIDED = (Phase.IN_FIELD, Phase.ISSUED, Phase.IN_TERM, Phase.IN_DECISION)
"""Phases in which a finding needs somebody."""
LAPSES = frozenset({"expired_without_visit", "term_over"})
"""Guards of the steps by which the clock closes a term that nobody met."""
KINDS: tuple[type[Any], ...] = (InspectionOrder, Visit, Finding, FinalReport)
BY_PROCESS: dict[str, type[Any]] = {kind.process: kind for kind in KINDS}
NEVER = date(9999, 12, 31)

COLUMNS = ("process", "id", "file", "due", "since", "word")
Part = Select[Any]
Pairs = Collection[tuple[str, str]]
"""(version, state)."""


# Who works, on which day


@dataclass(frozen=True)
class Desk:
    """Whose work is looked at, on which day; `reviews`: whether he answers held acts."""

    who: Principal
    roles: frozenset[Role]
    today: date
    reviews: bool = False

    @cached_property
    def known(self) -> list[tuple[str, Process]]:
        """The processes of every version that open files may stand on, with the code of the version."""
        if not self.roles:
            return []
        codes = Session.scalars(
            select(ProcedureVersion.code)
            .where(ProcedureVersion.status != VersionStatus.DRAFT.value, ~ProcedureVersion.historical)
            .order_by(ProcedureVersion.code)
        )
        return [(code, process) for code in codes for process in procedures.version(code).processes]

    @cached_property
    def signs(self) -> Mapping[str, Pairs]:
        """Process -> the states in which his signature is what comes next."""
        return states_awaiting(self.known, self.roles, signing=True)

    @cached_property
    def waits(self) -> Mapping[str, Pairs]:
        """Process -> the states in which another step of his comes next."""
        return states_awaiting(self.known, self.roles, signing=False)

    @cached_property
    def closed_days(self) -> dict[date, list[str]]:
        """Holidays and suspensions of the whole country and of his offices, by day."""
        found: dict[date, list[str]] = {}
        for first, last, words in Session.execute(_closed(sorted(self.who.offices))):
            for day in _days(first, min(last or first, self.today + timedelta(days=366))):
                found.setdefault(day, []).append(words)
        return found

    @cached_property
    def week_end(self) -> date:
        """The Sunday up to which this week's work reaches: of the week that has the next day of work."""
        day = self.today + timedelta(days=1)
        while day.weekday() > 4 or day in self.closed_days:
            day += timedelta(days=1)
        return day + timedelta(days=6 - day.weekday())

    @cached_property
    def pressed(self) -> CTE | None:
        """The terms that press the person; None when none can."""
        parts = [*_running(self), *_lapsed(self)]
        return union_all(*parts).cte("pressed") if parts else None

    @cached_property
    def awaiting(self) -> CTE | None:
        """The records whose next step is his; None when none can be."""
        parts = _awaiting(self)
        return union_all(*parts).cte("awaiting") if parts else None

    @cached_property
    def calls(self) -> CTE | None:
        """The visits that he follows; None for who follows none."""
        parts = _calls(self)
        return union_all(*parts).cte("calls") if parts else None

    def phases(self, kind: Any, *phases: Phase) -> Any:
        """Whether a record stands in one of these phases, in a version that files live on."""
        return _in_states(
            kind,
            [
                (version, state.code)
                for version, process in self.known
                if process.code == kind.process
                for state in process.states
                if state.phase in phases
            ],
        )

    def mine(self, kind: Any) -> Any:
        """Whether a record is his to work on: of his offices, or of a file whose team he is in now."""
        if self.roles & SEES_ALL or not self.roles & GUIDES:
            return true()
        terms = [kind.office_id.in_(sorted(self.who.offices))] if self.roles & OF_OFFICE else []
        if Role.INSPECTOR in self.roles:
            terms.append(_file(kind).in_(_my_files(self)))
        return or_(*terms)


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _closed(offices: list[int]) -> CompoundSelect[Any]:
    """Days without work: national ones and those of these offices."""
    local = or_(Holiday.departments.any(), Holiday.districts.any(), Holiday.offices.any())
    here = Holiday.offices.any(Office.id.in_(offices))
    stopped = or_(~GeneralSuspension.offices.any(), GeneralSuspension.offices.any(Office.id.in_(offices)))
    first = Holiday.effective_date
    return union_all(
        select(first, cast(null(), Date), Holiday.name).where(
            Holiday.kind != "ASUETO", or_(and_(~local, Holiday.kind != "LOCAL"), here)
        ),
        select(
            GeneralSuspension.valid_from,
            func.coalesce(GeneralSuspension.valid_to, NEVER),
            literal("Plazos suspendidos: ") + GeneralSuspension.legal_basis,
        ).where(stopped),
    )


# What comes next, by the procedure


def awaited(step: Move, others: Iterable[Move], roles: frozenset[Role]) -> bool:
    """Whether a step is somebody's next work: it needs no special reason, or nothing else leads on."""
    if step.automatic:
        return False
    if step.reason_required:
        forward = [each for each in others if not each.automatic and not each.reason_required]
        first = next((each for each in others if not each.automatic), None)
        if forward or step is not first:
            return False
    keys = {role.value for role in roles}
    stand_ins = {role.value for role in roles & STAND_INS}
    return step.roles[0] in keys or bool(stand_ins.intersection(step.roles))


def states_awaiting(
    known: list[tuple[str, Process]], roles: frozenset[Role], signing: bool
) -> Mapping[str, Pairs]:
    """Process -> (version, state) in which somebody with these roles has the next step.

    `signing`: those whose first step is the signature of an authority; the others otherwise.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for code, process in known:
        for state in process.states:
            if state.final or state.phase in ELSEWHERE:
                continue
            steps = process.moves_from(state.code)
            mine = [each for each in steps if awaited(each, steps, roles)]
            if mine and ("signatory_of_the_day" in mine[0].guards) is signing:
                found.setdefault(process.code, []).append((code, state.code))
    return found


def gives_back(step: Move, process: Process) -> bool:
    """Whether a step hands a record back: it asks a reason and nothing else, and ends nothing."""
    plain = not (step.guards or step.letters or step.condition or step.automatic or step.reopens)
    return step.reason_required and plain and not process.state(step.to_state).final


def _returns(known: list[tuple[str, Process]], kind: Any) -> tuple[Pairs, Pairs, set[str]]:
    """States that are only reached by being given back, those that may be, and the codes of such steps."""
    always: list[tuple[str, str]] = []
    sometimes: list[tuple[str, str]] = []
    codes: set[str] = set()
    for version, process in known:
        if process.code != kind.process:
            continue
        back = {(step.to_state, step.code) for step in process.moves if gives_back(step, process)}
        codes |= {code for _, code in back}
        for state in {state for state, _ in back}:
            begins = process.start is not None and process.start.state == state
            ways = {
                (step.to_state, step.code)
                for step in process.moves
                if step.to_state == state != step.from_state
            }
            (sometimes if begins or ways - back else always).append((version, state))
    return always, sometimes, codes


def _given_back(desk: Desk, kind: Any) -> Any:
    always, sometimes, codes = _returns(desk.known, kind)
    terms = [_in_states(kind, always)]
    if sometimes:
        owner = getattr(RecordMove, owner_column(kind))
        last = select(RecordMove.code).where(owner == kind.id).order_by(RecordMove.id.desc()).limit(1)
        came = func.coalesce(last.correlate(kind).scalar_subquery(), "").in_(sorted(codes))
        terms.append(and_(_in_states(kind, sometimes), came))
    return or_(*terms)


def _in_states(kind: Any, pairs: Pairs) -> Any:
    return tuple_(kind.version_code, kind.state).in_(sorted(pairs)) if pairs else false()


# The rows of a queue: process, id, file (key of its order), due, since, word


def _file(kind: Any) -> Any:
    """The key of the order of a record."""
    if kind is InspectionOrder:
        return InspectionOrder.id
    if kind is Finding:
        found = select(Visit.order_id).where(Visit.id == Finding.visit_id)
        return found.correlate(Finding).scalar_subquery()
    return kind.order_id


def _orders_of(inspector: Any) -> Select[Any]:
    """The orders to which an inspector is designated now."""
    return select(OrderInspector.order_id).where(
        OrderInspector.until.is_(None), OrderInspector.inspector_id == inspector
    )


def _my_files(desk: Desk) -> Select[Any]:
    """The orders to whose team the person belongs now."""
    me = select(Inspector.id).where(Inspector.account_id == desk.who.account_id).scalar_subquery()
    return _orders_of(me)


def _rows(kind: Any, due: Any, since: Any = None, word: Any = "", file: Any = None) -> Part:
    """Rows of one kind of record."""
    return select(
        literal(kind.process, Text).label("process"),
        kind.id.label("id"),
        cast(_file(kind) if file is None else file, Integer).label("file"),
        cast(due, Date).label("due"),
        cast(kind.state_since if since is None else since, Date).label("since"),
        (literal(word, Text) if isinstance(word, str) else word).label("word"),
    ).select_from(kind)


def _of(rows: CTE, *conditions: Any) -> list[Part]:
    """The rows of a common part that fulfil these conditions."""
    return [select(*(rows.c[name] for name in COLUMNS)).where(*conditions)]


def _running(desk: Desk) -> list[Part]:
    """The running terms that concern the roles, each as the record that it presses."""
    parts = []
    for kind in KINDS:
        concerned = kinds_of_terms(desk, kind)
        if not concerned:
            continue
        named = and_(
            ProcedureTerm.version_code == Term.version_code,
            ProcedureTerm.process_code == Term.process_code,
            ProcedureTerm.code == Term.type_code,
        )
        parts.append(
            _rows(kind, Term.due_on, word=ProcedureTerm.name)
            .join(Term, getattr(Term, owner_column(kind)) == kind.id)
            .join(ProcedureTerm, named)
            .where(Term.status == TermStatus.OPEN.value, Term.type_code.in_(concerned), desk.mine(kind))
        )
    return parts


def _lapsed(desk: Desk) -> list[Part]:
    """Records that the clock moved on because nobody met a term that concerns the roles."""
    parts = []
    for kind in KINDS:
        concerned = set(kinds_of_terms(desk, kind))
        states = {
            (version, step.to_state)
            for version, process in desk.known
            if process.code == kind.process
            for step in process.moves
            if step.automatic and LAPSES.intersection(step.guards) and concerned & {*step.closes_terms}
        }
        if states:
            owner = getattr(Term, owner_column(kind))
            was = select(func.max(Term.due_on)).where(
                owner == kind.id, Term.status == TermStatus.OVERDUE.value
            )
            due = was.correlate(kind).scalar_subquery()
            parts.append(_rows(kind, due).where(_in_states(kind, states), desk.mine(kind)))
    return parts


def kinds_of_terms(desk: Desk, kind: Any) -> list[str]:
    """The kinds of term of a process for which these roles answer, or which their act meets.

    Who leads an office follows those of its inspectors; the auditor, all.
    """
    keys = {role.value for role in desk.roles}
    found = {
        term.code: None
        for _, process in desk.known
        if process.code == kind.process
        for term in process.terms
        if term.responsible in keys
        or any(term.code in step.closes_terms and step.roles[0] in keys for step in process.moves)
        or (desk.roles & OF_OFFICE and Role.COORDINATOR.value in term.alert_roles)
        or Role.AUDITOR in desk.roles
    }
    return list(found)


def _awaiting(desk: Desk) -> list[Part]:
    """The records in a state in which the next step is the person's; by whom, and whether it came back."""
    parts = []
    for kind in KINDS:
        signs, waits = desk.signs.get(kind.process, []), desk.waits.get(kind.process, [])
        if kind is InspectionOrder and Role.INSPECTOR in desk.roles:
            waits = []  # an inspector's orders are told by their team: `_my_orders`
        if signs or waits:
            parts.append(
                _rows(kind, _next_due(kind))
                .add_columns(
                    _in_states(kind, signs).label("signs"),
                    _given_back(desk, kind).label("back"),
                )
                .where(_in_states(kind, [*signs, *waits]), desk.mine(kind))
            )
    return parts


def _next_due(kind: Any) -> Any:
    owner = getattr(Term, owner_column(kind))
    due = select(func.min(Term.due_on)).where(owner == kind.id, Term.status == TermStatus.OPEN.value)
    return due.correlate(kind).scalar_subquery()


def _calls(desk: Desk) -> list[Part]:
    """The visits that are planned or under way."""
    if not desk.roles & GUIDES:
        return []
    open_ = desk.phases(Visit, Phase.PLANNED, Phase.IN_FIELD)
    day = func.coalesce(Visit.happened_on, Visit.planned_on)
    under_way = desk.phases(Visit, Phase.IN_FIELD).label("under_way")
    return [_rows(Visit, day).add_columns(under_way).where(open_, desk.mine(Visit))]


def _held(desk: Desk) -> list[Part]:
    """The acts that wait for somebody to look at a contradiction."""
    if not (desk.reviews or Role.AUDITOR in desk.roles):
        return []
    words = RecordMove.name + ". " + func.array_to_string(RecordMove.holds, " ")
    # Apart and first: PostgreSQL takes a third of all steps for held ones, and would plan for them.
    held = (
        select(RecordMove.happened_on, words.label("words"), *(getattr(RecordMove, name) for name in ARC))
        .where(func.cardinality(RecordMove.holds) > 0, RecordMove.reviewed_at.is_(None))
        .cte("held")
        .prefix_with("MATERIALIZED")
    )
    return [
        _rows(kind, null(), held.c.happened_on, held.c.words)
        .join(held, held.c[owner_column(kind)] == kind.id)
        .where(desk.mine(kind))
        for kind in KINDS
    ]


def _attended(order: Any) -> Any:
    """Whether an order has somebody in service among its designated inspectors."""
    return (
        exists()
        .where(OrderInspector.order_id == order, OrderInspector.until.is_(None))
        .where(Inspector.id == OrderInspector.inspector_id)
        .where(or_(Inspector.active_to.is_(None), Inspector.active_to >= clock.today()))
    )


def _unassigned(desk: Desk) -> list[Part]:
    if not desk.roles & OF_OFFICE:
        return []
    return [
        _rows(kind, _next_due(kind)).where(
            desk.phases(kind, *phases), ~_attended(_file(kind)), desk.mine(kind)
        )
        for kind, phases in ((InspectionOrder, UNDER_WAY), (Finding, UNDECIDED))
    ]


def _my_orders(desk: Desk) -> list[Part]:
    if Role.INSPECTOR not in desk.roles:
        return []
    open_ = desk.phases(InspectionOrder, Phase.ISSUED, Phase.IN_FIELD)
    mine = InspectionOrder.id.in_(_my_files(desk))
    return [_rows(InspectionOrder, _next_due(InspectionOrder)).where(open_, mine)]


# The queues


def _pressed(condition: Callable[[Any, Desk], Any]) -> Callable[[Desk], list[Part]]:
    """Terms whose last day fulfils a condition."""

    def parts(desk: Desk) -> list[Part]:
        rows = desk.pressed
        return [] if rows is None else _of(rows, condition(rows.c.due, desk))

    return parts


def _waiting(condition: Callable[[Any], Any]) -> Callable[[Desk], list[Part]]:
    """Records whose next step is the person's."""

    def parts(desk: Desk) -> list[Part]:
        rows = desk.awaiting
        return [] if rows is None else _of(rows, condition(rows.c))

    return parts


def _next_steps(kind: Any) -> Callable[[Desk], list[Part]]:
    def parts(desk: Desk) -> list[Part]:
        rows = desk.awaiting
        if rows is None or kind.process not in desk.waits:
            return []
        return _of(rows, rows.c.process == kind.process, ~rows.c.signs, ~rows.c.back)

    return parts


def _called(condition: Callable[[Any, Desk], Any]) -> Callable[[Desk], list[Part]]:
    def parts(desk: Desk) -> list[Part]:
        rows = desk.calls
        return [] if rows is None else _of(rows, condition(rows.c, desk))

    return parts


@dataclass(frozen=True)
class Queue:
    """Records that wait for the same reason. `nothing` says what an empty one means."""

    code: str
    title: str
    icon: str
    parts: Callable[[Desk], Sequence[Part]]
    nothing: str = "Nada espera por usted aquí."
    files: Select[Any] | None = None
    """Only what belongs to these files."""

    def select(self, desk: Desk) -> Select[Any] | None:
        """The rows of the queue, the most pressing first; None when it can hold nothing for these roles."""
        parts = self.parts(desk)
        if not parts:
            return None
        rows = union_all(*parts).subquery()
        query = select(*rows.c)
        if self.files is not None:
            query = query.where(rows.c.file.in_(self.files))
        return query.order_by(rows.c.due, rows.c.since, rows.c.process, rows.c.id)


QUEUES: tuple[Queue, ...] = (
    Queue(
        "visitas-de-hoy", "Visitas de hoy", "map-pin",
        _called(lambda visit, desk: or_(visit.under_way, visit.due <= desk.today)),
        "No hay visitas programadas hasta hoy. Se programan en la orden, con «Preparar una visita».",
    ),
    Queue(
        "actas", "Actas por cerrar", "clipboard-list", _called(lambda visit, desk: visit.under_way),
        "Ninguna visita está en curso.",
    ),
    Queue(
        "para-firmar", "Para firmar", "signature",
        lambda desk: _waiting(lambda row: and_(row.signs, ~row.back))(desk) if desk.signs else [],
        "Ningún documento espera su firma.",
    ),
    Queue(
        "devueltos", "Devueltos a mí", "arrow-back-up", _waiting(lambda row: row.back),
        "Nada le fue devuelto.",
    ),
    Queue("retenidos", "Actos retenidos", "hand-stop", _held, "Ningún acto está retenido."),
    Queue(
        "sin-asignar", "Sin asignar", "user-x", _unassigned,
        "Toda orden y todo hallazgo abierto tiene un inspector en funciones.",
    ),
    Queue(
        "vencidos", "Vencidos", "alert-octagon", _pressed(lambda due, desk: due < desk.today),
        "Ningún plazo está vencido.",
    ),
    Queue(
        "vencen-hoy", "Vencen hoy", "clock", _pressed(lambda due, desk: due == desk.today),
        "Ningún plazo vence hoy.",
    ),
    Queue(
        "esta-semana", "Vencen esta semana", "calendar-week",
        _pressed(lambda due, desk: and_(due > desk.today, due <= desk.week_end)),
        "Ningún otro plazo vence esta semana.",
    ),
    Queue(
        "en-termino", "En término", "hourglass", _pressed(lambda due, desk: due >= desk.today),
        "Ningún plazo está corriendo.",
    ),
    Queue("mis-ordenes", "Mis órdenes", "file-text", _my_orders, "No tiene órdenes en curso."),
    Queue("ordenes", "Órdenes por seguir", "file-text", _next_steps(InspectionOrder)),
    Queue("hallazgos", "Hallazgos por atender", "alert-triangle", _next_steps(Finding)),
    Queue("informes", "Informes por atender", "scale", _next_steps(FinalReport)),
)  # fmt: skip
"""In the order of the page."""
BY_CODE = {queue.code: queue for queue in QUEUES}


# What a page shows


@dataclass(frozen=True)
class Item:
    """A record in a queue, the day that presses it, and a word about it (the kind of term, the held act)."""

    record: Any
    due: date | None
    word: str = ""


@dataclass(frozen=True)
class Waiting:
    """The first items of a queue; `total` may be more than those listed."""

    rows: list[Item]
    total: int


NOTHING = Waiting([], 0)
Busy = dict[date, dict[bool, int]]
"""Day -> how many visits (True) and ends of terms (False) it has."""
MONTH = "month"
"""The name of the rows that count the days."""


def first_of(
    wanted: dict[str, tuple[Select[Any], int]], month: Select[Any] | None = None
) -> tuple[dict[str, Waiting], Busy]:
    """Name -> the first items of the select of a queue and how many it has in all; how busy a month is.

    One statement for everything, and one for each kind of record that is shown.
    """
    parts = []
    for name, (query, most) in wanted.items():
        rows = query.add_columns(func.count().over().label("total")).limit(most).subquery()
        parts.append(select(literal(name, Text).label("name"), *rows.c))
    if month is not None:
        rows = month.order_by(None).subquery()
        counted = (rows.c.process, literal(0), null(), rows.c.due, null(), literal("", Text), func.count())
        parts.append(select(literal(MONTH, Text), *counted).group_by(rows.c.process, rows.c.due))
    if not parts:
        return {}, {}
    found = union_all(*parts).subquery()
    picked = sorted(Session.execute(select(*found.c)).all(), key=_pressing)
    busy: Busy = {}
    for row in picked:
        if row.name == MONTH:
            counts = busy.setdefault(row.due, {True: 0, False: 0})
            counts[row.process == Visit.process] += row.total
    records = _load({(row.process, row.id) for row in picked if row.name != MONTH})
    answer: dict[str, Waiting] = {}
    for name in wanted:
        mine = [row for row in picked if row.name == name]
        answer[name] = Waiting(_items(mine, records), mine[0].total if mine else 0)
    return answer, busy


def _pressing(row: Any) -> tuple[date, date, str, int]:
    """The order of a queue, as its select has it."""
    return row.due or NEVER, row.since or NEVER, row.process, row.id


def page_of(query: Select[Any], number: int, size: int) -> Waiting:
    """A page of a queue (the first is 1), with the number of its records in all."""
    rows = query.add_columns(func.count().over().label("total"))
    picked = Session.execute(rows.limit(size).offset((number - 1) * size)).all()
    return Waiting(items_of(picked), picked[0].total if picked else 0)


def every(query: Select[Any]) -> Iterator[Item]:
    """Everything in a queue, a block at a time."""
    for block in Session.execute(query.execution_options(yield_per=BLOCK)).partitions():
        yield from items_of(block)


def items_of(rows: Sequence[Any]) -> list[Item]:
    """The records of rows of a queue, loaded with what a page says of them."""
    return _items(rows, _load({(row.process, row.id) for row in rows}))


def _items(rows: Sequence[Any], records: dict[tuple[str, int], Any]) -> list[Item]:
    return [Item(records[row.process, row.id], row.due, row.word) for row in rows]


def _load(keys: set[tuple[str, int]]) -> dict[tuple[str, int], Any]:
    found: dict[tuple[str, int], Any] = {}
    for process, kind in BY_PROCESS.items():
        wanted = sorted(key for code, key in keys if code == process)
        if wanted:
            query = select(kind).where(kind.id.in_(wanted)).options(*_LOADS[kind])
            found |= {(process, row.id): row for row in Session.scalars(query).unique()}
    return found


def _of_order(road: Any) -> Any:
    return road.joinedload(InspectionOrder.document).load_only(Document.number)


def _places(road: Any) -> Any:
    return road.joinedload(OrderEstablishment.establishment).joinedload(Establishment.employer)


_EMPLOYER = joinedload(Establishment.employer)
_LOADS: dict[type[Any], tuple[Any, ...]] = {
    InspectionOrder: (
        joinedload(InspectionOrder.document).load_only(Document.number),
        _places(joinedload(InspectionOrder.places)),
    ),
    Visit: (
        _of_order(joinedload(Visit.order)),
        joinedload(Visit.establishment).options(_EMPLOYER, joinedload(Establishment.district)),
    ),
    Finding: (
        _of_order(joinedload(Finding.visit).joinedload(Visit.order)),
        joinedload(Finding.visit).joinedload(Visit.establishment).options(_EMPLOYER),
        joinedload(Finding.infraction).load_only(Infraction.code),
    ),
    FinalReport: (
        _of_order(joinedload(FinalReport.order)),
        _places(joinedload(FinalReport.order).joinedload(InspectionOrder.places)),
    ),
}


def notices(account: int | None, limit: int = SHOWN) -> tuple[list[Notice], int]:
    """The notices that a person has not read, the newest first, and how many they are."""
    query = select(Notice, func.count().over()).where(Notice.account_id == account, Notice.read_at.is_(None))
    rows = Session.execute(query.order_by(Notice.id.desc()).limit(limit)).all()
    return [row[0] for row in rows], rows[0][1] if rows else 0


# The days


def agenda(desk: Desk, first: date, last: date) -> Select[Any] | None:
    """Visits and ends of terms from a day to a day, as rows of a queue; None: nothing for these roles."""

    def parts(desk: Desk) -> list[Part]:
        both = (desk.pressed, desk.calls)
        return [
            part for rows in both if rows is not None for part in _of(rows, rows.c.due.between(first, last))
        ]

    return Queue("agenda", "Agenda", "calendar", parts).select(desk)


# The team of whoever leads an office


@dataclass(frozen=True)
class Member:
    """An inspector, the open files to which he is designated, and what is overdue in them."""

    inspector_id: int
    name: str
    open: int
    overdue: int


def leads(desk: Desk) -> bool:
    """Whether somebody follows the work of a team."""
    return bool(desk.roles & OF_OFFICE and desk.who.offices)


def team(desk: Desk) -> list[Member]:
    """The inspectors in service of the person's offices, who has most overdue first; one statement."""
    seats = select(OrderInspector.inspector_id, OrderInspector.order_id).where(OrderInspector.until.is_(None))
    orders = select(InspectionOrder.id).where(
        desk.phases(InspectionOrder, *ASSIGNED), desk.mine(InspectionOrder)
    )
    files = (
        seats.where(OrderInspector.order_id.in_(orders))
        .with_only_columns(OrderInspector.inspector_id, func.count().label("open"))
        .group_by(OrderInspector.inspector_id)
        .subquery()
    )
    late = desk.pressed
    if late is None:
        return []
    seat = seats.subquery()
    over = (
        select(seat.c.inspector_id, func.count().label("late"))
        .join(late, late.c.file == seat.c.order_id)
        .where(late.c.due < desk.today)
        .group_by(seat.c.inspector_id)
        .subquery()
    )
    query = (
        select(
            Inspector.id,
            func.concat(Inspector.last_name, ", ", Inspector.first_name),
            func.coalesce(files.c.open, 0),
            func.coalesce(over.c.late, 0),
        )
        .outerjoin(files, files.c.inspector_id == Inspector.id)
        .outerjoin(over, over.c.inspector_id == Inspector.id)
        .where(Inspector.office_id.in_(sorted(desk.who.offices)))
        .where(or_(Inspector.active_to.is_(None), Inspector.active_to >= desk.today))
        .order_by(func.coalesce(over.c.late, 0).desc(), func.coalesce(files.c.open, 0).desc(), Inspector.id)
    )
    return [Member(*row) for row in Session.execute(query)]


def of_member(desk: Desk, inspector: int, overdue: bool) -> Queue:
    """The open files of an inspector, or what is overdue in them, as the team counts them."""

    def files(desk: Desk) -> list[Part]:
        open_ = desk.phases(InspectionOrder, *ASSIGNED)
        return [_rows(InspectionOrder, _next_due(InspectionOrder)).where(open_, desk.mine(InspectionOrder))]

    parts = BY_CODE["vencidos"].parts if overdue else files
    return Queue("equipo", "", "users", parts, "No tiene nada aquí.", _orders_of(inspector))


# Words


def name_of(record: Any) -> str:
    """A record in a few words, with the number of its order."""
    if isinstance(record, InspectionOrder):
        return record.number
    if isinstance(record, Finding):
        code = record.infraction.code if record.infraction else "sin código"
        return f"Hallazgo {code} · {_number(record.visit.order)}"
    if isinstance(record, Visit):
        return f"Visita {record.number} · {_number(record.order)}"
    return f"Informe · {_number(record.order)}"


def _number(order: InspectionOrder | None) -> str:
    """The number of an order, when it is within reach."""
    return order.number if order is not None else "otra orden"


def about(record: Any) -> str:
    """What tells a record from the others: the employer, and the proposal or the facts."""
    if isinstance(record, FinalReport):
        words = next((each.label for each in Proposal if each.value == record.proposal), "")
        said = f"Propone: {inside(words)}" if words else "Sin propuesta todavía"
        return " · ".join(filter(None, [about(record.order), said])) if record.order is not None else said
    if isinstance(record, Finding):
        place = record.visit.establishment
        return f"{place.employer.legal_name}: {record.facts[:60]}" if place else record.facts[:90]
    places = [record.establishment] if isinstance(record, Visit) else []
    if isinstance(record, InspectionOrder):
        places = [each.establishment for each in record.places]
    known = [place for place in places if place is not None]
    if not known:
        return getattr(record, "zone", None) or ""
    more = f" y {len(known) - 1} más" if len(known) > 1 else ""
    return f"{known[0].employer.legal_name}{more}"
