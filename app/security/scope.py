"""Which rows reach whom: one function, in the session, for select, update, delete and insert.

A statement of the ORM that touches a scoped class anywhere (joined, aliased, in a subquery, counted, lazily
or eagerly loaded) gets the criterion of the present principal. What is flushed is checked against the
criterion for writing, which is narrower: history is read and never written, the auditor writes nothing. A
screen may narrow further; only `unscoped()` looks beyond, and a test lists who does.

It does not see `select(table)`, `text()`, COPY and what runs on a bare connection: a lint refuses those for
scoped tables (tests/test_scope.py). PostgreSQL's row-level security stands behind the most confidential table
and learns here, at the begin of each transaction and whenever the principal changes, who is asking.

The criteria hold no value of a principal: his account and offices are asked for when the statement runs, so
that one compiled statement serves everybody of the same roles and can leak nothing. A session belongs to one
person at a time: who begins to act as another does not forget the objects that he holds.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    FromClause,
    Integer,
    Select,
    Table,
    TableClause,
    and_,
    any_,
    bindparam,
    column,
    event,
    exists,
    false,
    func,
    inspect,
    literal,
    or_,
    select,
    table,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import ORMExecuteState, SessionTransaction
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm.util import LoaderCriteriaOption
from sqlalchemy.sql.visitors import iterate

from app.core import clock
from app.core.base import Model, Session
from app.core.errors import NotAllowed
from app.models.followup import ARC, Notice, RecordDocument, RecordMove, Term, TermAlert
from app.models.inspections import (
    ActaCorrection,
    AffectedWorker,
    Answer,
    Filing,
    FinalReport,
    Finding,
    InspectionOrder,
    OrderChecklist,
    OrderEstablishment,
    OrderInspector,
    Visit,
    VisitFile,
    VisitHeadcount,
    VisitInspector,
    VisitInterview,
    VisitSignature,
)
from app.models.procedures import ProcedureState
from app.models.staff import Inspector
from app.models.transfers import FileTransfer
from app.security.principal import Principal, current
from app.security.roles import Role

SEES_ALL = frozenset({Role.DIRECTOR, Role.MINISTER, Role.SECRETARY, Role.AUDITOR})
WRITES_ALL = SEES_ALL - {Role.AUDITOR}
OF_OFFICE = frozenset({Role.REGIONAL, Role.COORDINATOR, Role.INTAKE, Role.NOTIFIER})
"""The records of one's own offices."""
DESKS = frozenset({Role.INTAKE, Role.NOTIFIER})
"""At a central office, those of the offices that it serves (`served_offices` of migration 0017)."""
OF_REPORT = frozenset({Role.LEGAL, Role.JUDGE})
"""The files whose final report has left the inspectorate."""
SCOPED_ROLES = OF_OFFICE | OF_REPORT | {Role.INSPECTOR, Role.OSH}
"""Roles with a part of the records; a role that is neither here nor in SEES_ALL has no record at all."""

HISTORY = "historico"
OSH_AREA = "SST"
IN_INSPECTORATE = ("in_report", "in_field")
UNDER_REVIEW = "REVISION_DGIF"

BY_LABEL: Mapping[str, Role] = {role.label: role for role in Role}

Criterion = ColumnElement[bool]

_beyond: ContextVar[bool] = ContextVar("sis_unscoped", default=False)

CHECKED, FRESH, TOLD = "sis_scope_checked", "sis_scope_fresh", "sis_scope_told"
"""Keys of `session.info`: (account, table, id) found writable in this transaction; keys of the team members
inserted in it; what PostgreSQL was told of the principal."""


# -- who asks -------------------------------------------------------------------------------------------


def roles_of(principal: Principal) -> frozenset[Role]:
    """The base roles of a principal. A derived role brings its base (security/manager.py), else nothing."""
    return frozenset(BY_LABEL[name] for name in principal.roles if name in BY_LABEL)


def is_system(principal: Principal) -> bool:
    """Whether this is the system itself or its console: no account, and nobody's visit by the web."""
    return principal.account_id is None and principal.origin != "web"


def _account() -> int | None:
    return current().account_id


def _offices() -> list[int]:
    return sorted(current().offices)


def _held() -> list[int]:
    """The reports that this transaction moves on stay with who moves them until it ends."""
    account = current().account_id
    checked = Session().info.get(CHECKED, ())
    return sorted(key for whose, table, key in checked if table == "final_report" and whose == account)


def _fresh() -> list[int]:
    return sorted(Session().info.get(FRESH, ()))


ACCOUNT = bindparam("sis_scope_account", type_=Integer, callable_=_account)
OFFICES: Any = bindparam("sis_scope_offices", type_=ARRAY(Integer), callable_=_offices)
TODAY: Any = bindparam("sis_scope_today", type_=Date, callable_=clock.today)
HELD: Any = bindparam("sis_scope_held", type_=ARRAY(Integer), callable_=_held)
FRESH_TEAM: Any = bindparam("sis_scope_fresh_team", type_=ARRAY(Integer), callable_=_fresh)


# -- the criteria of each class --------------------------------------------------------------------------


class Rule:
    """The criteria of one combination of roles, for reading or for writing.

    Subqueries stand on aliases of the tables, so that neither the criteria nor the correlation of a statement
    reach into them. A set that is small (the files of one inspector) is an array that PostgreSQL fetches once
    and probes indexes with. A large one beside others is EXISTS, which it plans both ways: a probe for a few
    rows, a hash for many; it is IN where it stands alone and may be joined.
    """

    def __init__(self, roles: frozenset[Role], writing: bool, history: bool = True) -> None:
        self.roles, self.writing = roles, writing
        self.history = history and not writing

    def order(self, o: Any) -> list[Criterion]:
        terms = self._here(o, "office_id")
        if self.roles & OF_OFFICE:
            terms += self._left(_column(o, "id"))
        if Role.INSPECTOR in self.roles:
            terms.append(_column(o, "id") == any_(self._my_orders()))
        if self.roles & (OF_REPORT | {Role.OSH}):
            terms.append(self._reported(_column(o, "id")))
        if Role.OSH in self.roles:
            terms.append(_column(o, "matters").contains([OSH_AREA]))
        return terms

    def report(self, r: Any) -> list[Criterion]:
        terms = self._inside(r)
        if self.roles & (OF_REPORT | {Role.OSH}):
            terms.append(self._reached(r))
        if Role.OSH in self.roles:
            terms.append(_of_osh(r))
        return terms

    def visit(self, v: Any) -> list[Criterion]:
        return [*self._live(v, [*self._inside(v), *self._reported_or_osh(v)]), *self._history(v)]

    def finding(self, f: Any) -> list[Criterion]:
        terms = self._here(f, "office_id")
        if self.roles & OF_OFFICE:
            v = _alias(Visit)
            terms += [
                _column(f, "visit_id") == any_(_array(select(v.c.id).where(left)))
                for left in self._left(v.c.order_id)
            ]
        if Role.INSPECTOR in self.roles:
            terms.append(_column(f, "visit_id") == any_(self._my_visits()))
        if self.roles & (OF_REPORT | {Role.OSH}):
            v = _alias(Visit)
            found = or_(*self._reported_or_osh(v))
            terms.append(exists().where(v.c.id == _column(f, "visit_id"), found))
        return [*self._live(f, terms), *self._history(f)]

    def of_order(self, row: Any) -> list[Criterion]:
        """A part of an order; an inspector's are told by key, which spares a join of all of his orders."""
        terms: list[Criterion] = []
        if Role.INSPECTOR in self.roles:
            terms.append(_column(row, "order_id") == any_(self._my_orders()))
        rest = Rule(self.roles - {Role.INSPECTOR}, self.writing)
        if rest.roles:
            o = _alias(InspectionOrder)
            terms.append(exists().where(o.c.id == _column(row, "order_id"), or_(*rest.order(o))))
        return terms

    def of_visit(self, row: Any) -> list[Criterion]:
        """A part of a visit."""
        v = _alias(Visit)
        return [_column(row, "visit_id").in_(_keys(v, self.visit(v)))]

    def of_finding(self, row: Any) -> list[Criterion]:
        """A part of a finding."""
        f = _alias(Finding)
        return [_column(row, "finding_id").in_(_keys(f, self.finding(f)))]

    def of_record(self, row: Any) -> list[Criterion]:
        """A row that belongs to one order, visit, finding or report; history has none."""
        terms: list[Criterion] = []
        rest = Rule(self.roles - {Role.INSPECTOR}, self.writing, history=False)
        if Role.INSPECTOR in self.roles:
            mine = (self._my_orders, self._my_visits, self._my_findings, self._my_reports)
            terms += [_column(row, name) == any_(keys()) for name, keys in zip(ARC, mine, strict=True)]
        if rest.roles:
            kinds = (InspectionOrder, Visit, Finding, FinalReport)
            for name, kind in zip(ARC, kinds, strict=True):
                owner = _alias(kind)
                found = select(owner.c.id).where(owner.c.id == _column(row, name))
                found = found.where(or_(*ROOTS[kind](rest, owner)))
                terms.append(exists(found.offset(0)))  # a probe: four sets of a whole office are not hashed
        return terms

    def alert(self, row: Any) -> list[Criterion]:
        t = _alias(Term)
        return [_column(row, "term_id").in_(_keys(t, self.of_record(t)))]

    def transfer(self, row: Any) -> list[Criterion]:
        """The pass of a file, of both its offices; the team of the file reads it."""
        terms = [*self._here(row, "from_office_id"), *self._here(row, "to_office_id")]
        if Role.INSPECTOR in self.roles and not self.writing:
            terms.append(_column(row, "order_id") == any_(self._my_orders()))
        return terms

    # -- parts

    def _inside(self, row: Any) -> list[Criterion]:
        """A visit or a report by its office or by its order's team."""
        terms = self._here(row, "office_id")
        if self.roles & OF_OFFICE:
            terms += self._left(_column(row, "order_id"))
        if Role.INSPECTOR in self.roles:
            terms.append(_column(row, "order_id") == any_(self._my_orders()))
        return terms

    def _here(self, row: Any, name: str) -> list[Criterion]:
        """A row of one's own offices; at a desk, and only there, of those that they serve."""
        if self.roles & OF_OFFICE and self.roles & OF_OFFICE <= DESKS:
            return [_column(row, name) == any_(_array(select(func.served_offices(OFFICES, TODAY))))]
        return [_column(row, name) == any_(OFFICES)] if self.roles & OF_OFFICE else []

    def _left(self, order_id: Any) -> list[Criterion]:
        """A file that passed from one's office to another is read on, whole, and written no more."""
        if self.writing:
            return []
        t = _alias(FileTransfer)
        left = select(t.c.order_id).where(t.c.moved_at.is_not(None), t.c.from_office_id == any_(OFFICES))
        return [order_id == any_(_array(left))]

    def _reported_or_osh(self, v: Any) -> list[Criterion]:
        terms: list[Criterion] = []
        if self.roles & (OF_REPORT | {Role.OSH}):
            terms.append(self._reported(_column(v, "order_id")))
        if Role.OSH in self.roles:
            terms.append(_of_osh(v))
        return terms

    def _live(self, row: Any, terms: list[Criterion]) -> list[Criterion]:
        """History is nobody's to write, in one's own office neither."""
        if not self.writing or not terms:
            return terms
        return [and_(_column(row, "version_code") != HISTORY, or_(*terms))]

    def _history(self, row: Any) -> list[Criterion]:
        return [_column(row, "version_code") == HISTORY] if self.history and self.roles else []

    def _reached(self, r: Any) -> Criterion:
        terms: list[Criterion] = [_column(r, "id") == any_(HELD)]
        if self.roles & OF_REPORT:
            s = _alias(ProcedureState)
            left = select(s.c.version_code, s.c.code).where(
                s.c.process_code == "report", s.c.phase.not_in(IN_INSPECTORATE)
            )
            terms.append(tuple_(_column(r, "version_code"), _column(r, "state")).in_(left))
        if Role.OSH in self.roles:
            terms.append(_column(r, "state") == UNDER_REVIEW)
        if not self.writing:  # where one took a step, one reads on when the report went back
            m = _alias(RecordMove)
            mine = select(m.c.report_id).where(m.c.report_id.is_not(None), m.c.actor_id == ACCOUNT)
            terms.append(_column(r, "id") == any_(_array(mine)))
        return or_(*terms)

    def _reported(self, order_id: Any) -> Criterion:
        r = _alias(FinalReport)
        return exists().where(r.c.order_id == order_id, self._reached(r))

    def _my_orders(self) -> Any:
        member, inspector = _alias(OrderInspector), _alias(Inspector)
        seats = member.join(inspector, inspector.c.id == member.c.inspector_id)
        found = select(member.c.order_id).select_from(seats).where(inspector.c.account_id == ACCOUNT)
        if self.writing:  # nobody lets himself in by joining the team
            found = found.where(member.c.id != func.all(FRESH_TEAM))
        return _array(found)

    def _my_visits(self) -> Any:
        v = _alias(Visit)
        return _array(select(v.c.id).where(v.c.order_id == any_(self._my_orders())))

    def _my_findings(self) -> Any:
        f = _alias(Finding)
        return _array(select(f.c.id).where(f.c.visit_id == any_(self._my_visits())))

    def _my_reports(self) -> Any:
        r = _alias(FinalReport)
        return _array(select(r.c.id).where(r.c.order_id == any_(self._my_orders())))


ROOTS: Mapping[Any, Callable[[Rule, Any], list[Criterion]]] = {
    InspectionOrder: Rule.order,
    Visit: Rule.visit,
    Finding: Rule.finding,
    FinalReport: Rule.report,
}
RECORDS: Mapping[type[Any], Callable[[Rule, Any], list[Criterion]]] = {
    **ROOTS,
    OrderInspector: Rule.of_order,
    OrderEstablishment: Rule.of_order,
    OrderChecklist: Rule.of_order,
    VisitInspector: Rule.of_visit,
    VisitHeadcount: Rule.of_visit,
    Answer: Rule.of_visit,
    VisitSignature: Rule.of_visit,
    VisitFile: Rule.of_visit,
    ActaCorrection: Rule.of_visit,
    Filing: Rule.of_finding,
    AffectedWorker: Rule.of_finding,
    RecordMove: Rule.of_record,
    Term: Rule.of_record,
    RecordDocument: Rule.of_record,
    TermAlert: Rule.alert,
}
"""The classes of a file, each with its rule."""
SCOPED: tuple[type[Model], ...] = (*RECORDS, FileTransfer, VisitInterview, Notice)
"""Every class whose rows are scoped."""
TABLES = frozenset(kind.__tablename__ for kind in SCOPED)


KEYS = frozenset({"id", "code", "state", "phase", "process_code", "version_code", "office_id", "account_id"})
KEYS |= {*ARC, "actor_id", "inspector_id", "from_office_id", "moved_at", "matters"}
"""The columns that criteria ask: an alias of a whole table would carry its forty into every statement."""


@cache
def _slim(kind: Any) -> TableClause:
    return table(kind.__tablename__, *(column(c.name, c.type) for c in kind.__table__.c if c.name in KEYS))


def _alias(kind: Any) -> FromClause:
    return _slim(kind).alias()


def _column(row: Any, name: str) -> Any:
    """A column of a class or of an alias of its table."""
    return row.c[name] if isinstance(row, FromClause) else getattr(row, name)


def _array(keys: Select[Any]) -> Any:
    return func.array(keys.correlate(None).scalar_subquery(), type_=ARRAY(Integer))


def _keys(row: FromClause, terms: list[Criterion]) -> Select[Any]:
    return select(row.c.id).where(or_(false(), *terms)).correlate(None)


def _of_osh(row: Any) -> Criterion:
    o = _alias(InspectionOrder)
    return exists().where(o.c.id == _column(row, "order_id"), o.c.matters.contains([OSH_AREA]))


def _interview(roles: frozenset[Role], writing: bool, system: bool) -> Criterion | None:
    """The same as the policies of migration 0009: the team of the file; the director reads. Nobody else."""
    if Role.DIRECTOR in roles and not writing:
        return None
    if Role.INSPECTOR not in roles or system:
        return false()
    return or_(*Rule(frozenset({Role.INSPECTOR}), writing=True).of_visit(VisitInterview))


@cache
def _criteria(roles: frozenset[Role], system: bool, writing: bool) -> Mapping[type[Model], Criterion | None]:
    """The criterion of every scoped class for these roles; None: every row."""
    found: dict[type[Model], Criterion | None] = {}
    every = system or bool(roles & (WRITES_ALL if writing else SEES_ALL))
    rule = Rule(roles & SCOPED_ROLES, writing)
    for kind, of in RECORDS.items():
        found[kind] = None if every else or_(false(), *(of(rule, kind) if rule.roles else ()))
    found[FileTransfer] = None if every else or_(false(), *rule.transfer(FileTransfer))
    found[VisitInterview] = _interview(roles, writing, system)
    found[Notice] = None if system else Notice.account_id == ACCOUNT
    return found


class _Option(LoaderCriteriaOption):
    """SQLAlchemy's option with a name as its key in the cache of statements.

    Walking the criteria of twenty classes cost every statement 3 to 5 ms. They hold constants, and questions
    that are answered when the statement runs: class, roles, and whether it writes say all that differs.
    """

    inherit_cache = True

    def __init__(self, kind: type[Model], condition: Criterion, key: tuple[Any, ...]) -> None:
        super().__init__(kind, condition, include_aliases=True, propagate_to_loaders=False)
        self.key = (_Option, kind, *key)

    def _gen_cache_key(self, anon_map: Any, bindparams: Any) -> tuple[Any, ...]:
        return self.key


@cache
def _options(roles: frozenset[Role], system: bool, writing: bool) -> tuple[_Option, ...]:
    key = (roles, system, writing)
    return tuple(
        _Option(kind, condition, key) for kind, condition in _criteria(*key).items() if condition is not None
    )


def criterion(kind: type[Model], writing: bool = False) -> Criterion | None:
    """The criterion of the present principal for a scoped class; None when nothing is kept from him."""
    return _criteria(*_asker(), writing).get(kind)


def _asker() -> tuple[frozenset[Role], bool]:
    """What the criteria depend on: the roles that matter, and whether the system itself asks."""
    principal = current()
    return roles_of(principal) & (SEES_ALL | SCOPED_ROLES), is_system(principal)


# -- what the layers above use ---------------------------------------------------------------------------


def scoped(*entities: type[Model]) -> Select[*tuple[Any, ...]]:
    """A select of these classes that carries its scope, for reporting and whatever runs on a connection."""
    found = (criterion(kind) for kind in entities)
    return select(*entities).where(*(condition for condition in found if condition is not None))


def may_write(row: Any) -> bool:
    """Whether a row of a file is the present person's to write; he may read more than that."""
    of: Any = type(row)
    condition = criterion(of, writing=True)
    own = getattr(row, "office_id", None) in current().offices and roles_of(current()) & OF_OFFICE
    if condition is None or own:
        return True
    with unscoped(), Session.no_autoflush:
        mine = select(func.count()).select_from(of).where(of.id == row.id, condition)
        return bool(Session.scalar(mine))


@contextmanager
def unscoped() -> Iterator[None]:
    """Look beyond one's own rows, for an operation that says why; row-level security stays."""
    token = _beyond.set(True)
    try:
        yield
    finally:
        _beyond.reset(token)


# -- the session -----------------------------------------------------------------------------------------


@event.listens_for(OrmSession, "do_orm_execute")
def _scope(state: ORMExecuteState) -> None:
    tell(state.session)
    if _beyond.get() or state.is_column_load:
        return
    if state.is_select or state.is_update or state.is_delete:
        options = _options(*_asker(), not state.is_select)
        if options:
            state.statement = state.statement.options(*options)
    elif state.is_insert:
        _check_insert(state)


def _check_insert(state: ORMExecuteState) -> None:
    """Statements that insert many rows at once are not checked one by one: the system's, or beyond scope."""
    kind = state.bind_mapper.class_ if state.bind_mapper is not None else None
    if kind is Notice:
        return
    if kind in SCOPED and criterion(kind, writing=True) is not None:
        raise NotAllowed(f"Rows of {kind.__name__} are added one by one (session.add), or with unscoped().")
    source = getattr(state.statement, "select", None)
    if source is not None and any(_named(part) in TABLES for part in iterate(source)):
        raise NotAllowed("INSERT … SELECT of scoped tables is not scoped: select first, or with unscoped().")


def _named(part: Any) -> str:
    return part.name if isinstance(part, Table) else ""


@event.listens_for(OrmSession, "before_flush")
def _check_before(session: OrmSession, flush_context: Any, instances: Any) -> None:
    tell(session)
    if _beyond.get():
        return
    for row in session.new:
        condition = None if isinstance(row, Notice) else criterion(type(row), writing=True)
        if condition is not None and isinstance(condition, type(false())):
            raise _outside(type(row))
    changed = [row for row in session.dirty if isinstance(row, SCOPED) and session.is_modified(row)]
    _check(session, [*changed, *(row for row in session.deleted if isinstance(row, SCOPED))])


@event.listens_for(OrmSession, "after_flush")
def _check_after(session: OrmSession, flush_context: Any) -> None:
    if _beyond.get():
        return
    fresh = [row.id for row in session.new if isinstance(row, OrderInspector)]
    session.info[FRESH] = session.info.get(FRESH, frozenset()) | frozenset(fresh)
    new = [row for row in session.new if isinstance(row, SCOPED) and not isinstance(row, Notice)]
    moved = [row for row in session.dirty if isinstance(row, SCOPED) and _moved(row)]
    _check(session, [*new, *moved], again=True)


PLACES = frozenset({"office_id", "version_code", "inspector_id", "account_id", "term_id", *ARC})
"""The columns that decide to whom a row belongs."""


def _moved(row: Any) -> bool:
    state = inspect(row)
    return any(
        state.attrs[name].history.has_changes() for name in PLACES.intersection(state.mapper.columns.keys())
    )


def _check(session: OrmSession, rows: Iterable[Any], again: bool = False) -> None:
    """Raise NotAllowed when one of these rows is not the present principal's to write; one query a class."""
    checked: set[tuple[int | None, str, int]] = session.info.setdefault(CHECKED, set())
    wanted: dict[type[Model], set[int]] = {}
    for row in rows:
        if again or (_account(), row.__tablename__, row.id) not in checked:
            wanted.setdefault(type(row), set()).add(row.id)
    for kind, keys in wanted.items():
        condition = criterion(kind, writing=True)
        if condition is None:
            continue
        of: Any = kind
        with unscoped(), session.no_autoflush:
            mine = session.scalar(
                select(func.count()).select_from(of).where(of.id == any_(_numbers(keys)), condition)
            )
        if mine != len(keys):
            raise _outside(kind)
        checked |= {(_account(), of.__tablename__, key) for key in keys}


def _numbers(keys: Iterable[int]) -> Any:
    return literal(sorted(keys), ARRAY(Integer))


def _outside(kind: type[Model]) -> NotAllowed:
    return NotAllowed(f"{kind.label}: no es de su oficina ni de sus expedientes.")


# -- what PostgreSQL is told -----------------------------------------------------------------------------

NOBODY = ("", "", "")
TELL = (
    "SELECT set_config('app.uid', %(uid)s, true), set_config('app.roles', %(roles)s, true),"
    " set_config('app.offices', %(offices)s, true)"
)
"""Transaction-local, so that a pooled connection carries nobody into the next request."""


def tell(session: OrmSession, connection: Connection | None = None) -> None:
    """Say who asks, once a transaction and again when another person acts in it; nobody is the default."""
    principal = current()
    wanted = NOBODY
    if principal.account_id is not None:
        roles = ",".join(sorted(role.value for role in roles_of(principal)))
        wanted = (str(principal.account_id), roles, ",".join(map(str, sorted(principal.offices))))
    if session.info.get(TOLD, NOBODY) == wanted:
        return
    connection = connection or session.connection()
    if session.info.get(TOLD, NOBODY) != wanted:  # the connection may have begun, and told, just now
        connection.exec_driver_sql(TELL, dict(zip(("uid", "roles", "offices"), wanted, strict=True)))
        session.info[TOLD] = wanted


@event.listens_for(OrmSession, "after_begin")
def _begun(session: OrmSession, transaction: SessionTransaction, connection: Connection) -> None:
    if transaction.nested:
        return  # a savepoint inherits
    session.info[TOLD] = None if connection.in_nested_transaction() else NOBODY
    tell(session, connection)


@event.listens_for(OrmSession, "after_soft_rollback")
def _undone(session: OrmSession, previous: SessionTransaction) -> None:
    session.info[TOLD] = None  # what was said inside a savepoint is unsaid


@event.listens_for(OrmSession, "after_transaction_end")
def _ended(session: OrmSession, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(CHECKED, None)
        session.info.pop(FRESH, None)
