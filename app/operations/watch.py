"""The daily watch: alerts of terms, escalation, and the steps that the system takes when a term is over.

Each alert is given once (`term_alert`). A watch that did not run for days gives, for each term, one notice
that says where it stands today and marks every alert that was missed. Two watches at once do not meet: the
second one finds the lock taken and leaves. Serves domain 6.10 and working rule 9.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, cast

from sqlalchemy import and_, func, or_, select, text
from sqlalchemy.orm import joinedload, selectinload

from app.core import clock
from app.core.base import Session
from app.core.errors import DomainError
from app.core.types import format_date, inside
from app.models.documents import Document
from app.models.followup import Notice, Term, TermAlert, TermStatus
from app.models.inspections import FinalReport, Finding, InspectionOrder, OrderInspector, Visit
from app.models.security import Account, DerivedRole, UserOffice
from app.models.staff import Inspector
from app.operations import jobs, mail, moves, terms
from app.operations.parameters import parameter, whole
from app.operations.unit import act
from app.security.principal import SYSTEM, Principal, acting_as
from app.security.roles import BY_KEY, Role
from app.security.scope import OF_OFFICE
from app.workflow import terms as arithmetic
from app.workflow.definition import Process, TermType

log = logging.getLogger(__name__)

LOCK = 20130108
"""The advisory lock of the watch."""
HORIZON = timedelta(days=60)
"""How far before its due day, and after the system closed it, a term is looked at: more than any offset."""
STAND_IN = {Role.COORDINATOR: Role.REGIONAL}
"""Who is told where an office has nobody of a role: a regional office is led by its director."""
NO_MAIL = (".invalid", ".test", ".example", "@localhost")
"""Endings of addresses at which nobody reads: those of the demonstration accounts (RFC 2606)."""


@dataclass
class Watched:
    """What a watch did. `busy`: another one was at work, and nothing was done here."""

    on: date
    busy: bool = False
    terms: int = 0
    alerts: int = 0
    notices: int = 0
    mails: int = 0
    moves: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For a machine."""
        return {**self.__dict__, "on": self.on.isoformat()}

    @property
    def sentence(self) -> str:
        """For a person."""
        if self.busy:
            return "Otra vigilancia de plazos está en marcha."
        return (
            f"{format_date(self.on)}: {self.terms} plazos en curso, {self.alerts} alertas, "
            f"{self.notices} avisos, {self.mails} correos, {len(self.moves)} pasos del sistema."
        )


@dataclass(frozen=True)
class Owed:
    """The alerts of a term that are due and were not given, and whom the newest one is for."""

    term: Term
    record: Any
    kind: TermType
    offsets: tuple[int, ...]
    roles: tuple[str, ...]
    days: int
    """Business days from the due day to today: negative while the term still runs."""


def watch() -> Watched:
    """Give the alerts of today and take the system's steps; what was done is not done again."""
    result = Watched(clock.today())
    with _alone() as alone, acting_as(_machine()):
        if not alone:
            return replace(result, busy=True)
        _take_steps(result)
        _give_alerts(result)
    return result


def _machine() -> Principal:
    return replace(SYSTEM, name="vigilancia de plazos")


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether this is the only watch at work on all nodes; one that dies frees the lock."""
    bind: Any = Session.get_bind()
    with bind.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK}).scalar_one():
            yield False
            return
        try:
            yield True
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})


# The steps that the system takes


def _take_steps(result: Watched) -> None:
    """Take the automatic steps that close a term which is over, each in an act of its own."""
    for kind, key in _over(result.on):
        record: Any = Session.get(kind, key)
        try:
            step = _automatic(record)
            if step is None:
                continue
            if record.held:
                result.waiting.append(f"{record}: {moves.HELD}")
                continue
            words = f"Venció el plazo sin el acto que se esperaba ({format_date(result.on)})."
            moves.move(record, step, moves.Details(reason=words, captured=True), as_system=True)
        except DomainError as error:
            result.errors.append(f"{record}: {error.message}")
            log.warning("the watch could not move %s %s: %s", kind.__name__, key, error.message)
        else:
            result.moves.append(f"{record}: {step}")


def _over(on: date) -> list[tuple[type[Any], int]]:
    """The records with a term that passed its due day, by class and key."""
    rows = Session.execute(
        select(Term.order_id, Term.visit_id, Term.finding_id, Term.report_id)
        .where(Term.status == TermStatus.OPEN.value, Term.due_on < on)
        .order_by(Term.due_on, Term.id)
    ).all()
    kinds: tuple[type[Any], ...] = (InspectionOrder, Visit, Finding, FinalReport)
    found = [(kind, key) for row in rows for kind, key in zip(kinds, row, strict=True) if key is not None]
    return list(dict.fromkeys(found))


def _automatic(record: Any) -> str | None:
    """The step of the system alone that closes an overdue term of a record and whose guards pass."""
    process = moves.process_of(record)
    over = {
        term.type_code
        for term in Session.scalars(_of(record).where(Term.status == TermStatus.OPEN.value))
        if term.due_on is not None and term.due_on < clock.today()
    }
    for wanted in process.moves_from(record.state or ""):
        if not wanted.automatic or not over.intersection(wanted.closes_terms):
            continue
        step = moves.system_move(record, process.state(wanted.to_state).phase)
        if step is not None and step.automatic and over.intersection(step.closes_terms):
            return step.code
    return None


def _of(record: Any) -> Any:
    return select(Term).where(getattr(Term, f"{record.process}_id") == record.id)


# Alerts


def _give_alerts(result: Watched) -> None:
    """One act: every alert that is owed, as notices to people, and one mail to each with an address."""
    with act("term.watch") as unit:
        people = People(result.on)
        told: dict[int, list[Notice]] = {}
        for owed in _owed(result):
            words, url = sentence(owed), address_of(owed.record)
            for offset in owed.offsets:
                given = TermAlert(term_id=owed.term.id, offset_days=offset, given_at=clock.now())
                unit.session.add(given)
            result.alerts += len(owed.offsets)
            for account in people.of(owed.record, owed.roles, owed.term.office_id):
                notice = Notice(account_id=account, text=words, url=url, created_at=clock.now())
                unit.session.add(notice)
                told.setdefault(account, []).append(notice)
        unit.session.flush()
        result.notices = sum(map(len, told.values()))
        result.mails = post(told)


def _owed(result: Watched) -> Iterator[Owed]:
    """The alerts that are due and were not given."""
    rows = Session.scalars(_watched(result.on)).unique().all()
    result.terms = sum(row.status == TermStatus.OPEN.value for row in rows)
    given: dict[int, set[int]] = {}
    keys = [row.id for row in rows]
    for key, offset in Session.execute(
        select(TermAlert.term_id, TermAlert.offset_days).where(TermAlert.term_id.in_(keys))
    ):
        given.setdefault(key, set()).add(offset)
    for term in rows:
        try:
            owed = owed_of(term, given.get(term.id, set()), result.on)
        except DomainError as error:
            result.errors.append(f"{term.record}: {error.message}")
            log.warning("no alerts for the term %s: %s", term.id, error.message)
        else:
            if owed is not None:
                yield owed


def owed_of(term: Term, given: set[int], on: date) -> Owed | None:
    """The alerts of a term that are due on a day and are not among those given."""
    record = term.record
    process = moves.process_of(record)
    kind = process.term(term.type_code)
    if term.due_on is None or not kind.alerts_parameter or not _still_waits(term, record, process):
        return None
    calendar = terms.calendar_of(record, kind.calendar_of)
    due = [
        alert
        for alert in arithmetic.alerts(kind, term.due_on, offsets_of(record, kind, on), calendar)
        if alert.day <= on and (alert.day > term.start_on or alert.offset >= 0)
    ]
    if term.status != TermStatus.OPEN.value:
        due = [alert for alert in due if alert.offset > 0]
    missing = [alert for alert in due if alert.offset not in given]
    if not missing:
        return None
    roles = tuple(dict.fromkeys((kind.responsible, *missing[-1].roles)))
    days = calendar.business_days_between(term.due_on, on)
    return Owed(term, record, kind, tuple(alert.offset for alert in missing), roles, days)


def offsets_of(record: Any, kind: TermType, on: date) -> list[int]:
    """The offsets at which a kind of term alerts, in business days around its due day."""
    found = {int(each) for each in cast(list[str], parameter(kind.alerts_parameter, on))}
    if isinstance(record, InspectionOrder):
        found.add(whole("OI_ALERTA_VENCIMIENTO", on))
    return sorted(found)


def _watched(on: date) -> Any:
    """The terms to look at: those that run and come due soon, and those that the system closed of late."""
    team = selectinload(InspectionOrder.team).joinedload(OrderInspector.inspector)
    document = joinedload(InspectionOrder.document).load_only(Document.number)
    visit = joinedload(Term.finding).joinedload(Finding.visit)
    roads = (
        joinedload(Term.order),
        joinedload(Term.visit).joinedload(Visit.order),
        visit.joinedload(Visit.order),
        joinedload(Term.report).joinedload(FinalReport.order),
    )
    return (
        select(Term)
        .where(
            or_(
                and_(Term.status == TermStatus.OPEN.value, Term.due_on <= on + HORIZON),
                and_(Term.status == TermStatus.OVERDUE.value, Term.closed_on >= on - HORIZON),
            )
        )
        .options(*(road.options(team, document) for road in roads), joinedload(Term.type))
        .order_by(Term.due_on, Term.id)
    )


def _still_waits(term: Term, record: Any, process: Process) -> bool:
    """A term that runs, or one that the system closed as over and after which nobody has acted."""
    if record.state is None or process.state(record.state).final:
        return False
    if term.status == TermStatus.OPEN.value:
        return True
    return any(
        step.automatic and term.type_code in step.closes_terms and step.to_state == record.state
        for step in process.moves
    )


def sentence(owed: Owed) -> str:
    """What a person reads: the record, the term, its day, how far it is."""
    assert owed.term.due_on is not None
    name = f"{name_of(owed.record)}: {inside(owed.kind.name)}"
    day, count = format_date(owed.term.due_on), abs(owed.days)
    of_days = f"{count} día{'s' if count != 1 else ''} hábil{'es' if count != 1 else ''}"
    if owed.term.due_on < clock.today():
        late = f", hace {of_days}" if count else ""
        return f"{name}. Venció el {day}{late}."
    if owed.days == 0:
        return f"{name}. Vence hoy, {day}."
    return f"{name}. Vence el {day}: {'queda' if count == 1 else 'quedan'} {of_days}."


def name_of(record: Any) -> str:
    if isinstance(record, InspectionOrder):
        return f"Orden {record.number}"
    order: Any = record.visit.order if isinstance(record, Finding) else record.order
    if isinstance(record, Finding):
        return f"Hallazgo de la orden {order.number}"
    if isinstance(record, Visit):
        return f"Visita {record.number} de la orden {order.number}"
    return f"Informe final de la orden {order.number}"


PAGES = {"order": "/ordenes", "visit": "/visitas", "finding": "/hallazgos", "report": "/informes"}
"""Process -> the path of its pages."""


def address_of(record: Any) -> str:
    """The path of the page of a record."""
    return f"{PAGES[record.process]}/{record.id}"


# People


class People:
    """Who holds the roles of the procedure on a day; asked once and kept."""

    def __init__(self, on: date) -> None:
        self.on = on
        self._holders: dict[Role, list[int]] | None = None
        self._offices: dict[int, set[int]] = {}

    def of(self, record: Any, roles: Iterable[str], office: int) -> list[int]:
        """The accounts that these roles mean for a record, each once."""
        found: list[int] = []
        for key in roles:
            if key == Role.INSPECTOR.value:
                found += team_of(record)
                continue
            role = BY_KEY[key]
            here = self._of_role(role, office)
            if not here and role in STAND_IN:
                here = self._of_role(STAND_IN[role], office)
            found += here
        return list(dict.fromkeys(found))

    def _of_role(self, role: Role, office: int) -> list[int]:
        holders = self._all().get(role, [])
        if role in OF_OFFICE:
            return [account for account in holders if office in self._offices.get(account, ())]
        return holders

    def _all(self) -> dict[Role, list[int]]:
        if self._holders is not None:
            return self._holders
        found: dict[Role, dict[int, None]] = {}
        labels = {role.label: role for role in Role}
        bases = dict(Session.execute(select(DerivedRole.role_id, DerivedRole.base)).tuples().all())
        people = select(Account).where(Account.active, Account.machine.is_(False)).order_by(Account.id)
        people = people.options(selectinload(Account.roles), selectinload(Account.groups))
        for account in Session.scalars(people):
            own = [*account.roles, *(role for group in account.groups for role in group.roles)]
            for row in own:
                role = labels.get(bases.get(row.id, row.name))
                if role is not None:
                    found.setdefault(role, {})[account.id] = None
        served = select(UserOffice.user_id, UserOffice.office_id).where(
            UserOffice.valid_from <= self.on, func.coalesce(UserOffice.valid_to, self.on) >= self.on
        )
        for account_id, office in Session.execute(served):
            self._offices.setdefault(account_id, set()).add(office)
        self._holders = {role: list(accounts) for role, accounts in found.items()}
        return self._holders


def team_of(record: Any) -> list[int]:
    """The accounts of the inspectors designated for the order of a record."""
    order = record.visit.order if isinstance(record, Finding) else getattr(record, "order", record)
    people: Sequence[Inspector] = [each.inspector for each in order.designated] if order is not None else []
    return [person.account_id for person in people if person.account_id is not None]


# Mail


def reads_mail(account: Account) -> bool:
    """Whether somebody reads at the address of an account."""
    address = (account.email or "").strip().lower()
    return bool(account.active and "@" in address and not address.endswith(NO_MAIL))


def post(told: dict[int, list[Notice]]) -> int:
    """Ask the worker for one mail to each person with an address; how many will go out."""
    if not mail.configured() or not told:
        return 0
    count = 0
    for account in Session.scalars(select(Account).where(Account.id.in_(told))):
        if reads_mail(account):
            jobs.defer(
                Session(),
                "send_notices",
                account_id=account.id,
                notice_ids=[notice.id for notice in told[account.id]],
            )
            count += 1
    return count


LETTER = """Estimado/a {name}:

{lines}

Entre al sistema para verlos: {address}

Este mensaje es automático; no lo responda.
"""


def send_notices(account_id: int, notice_ids: list[int]) -> None:
    """Send the notices of a person that he has not read yet, in one mail. Called by the worker."""
    account = Session.get(Account, account_id)
    if account is None or not reads_mail(account) or not mail.configured():
        return
    query = select(Notice).where(Notice.id.in_(notice_ids), Notice.account_id == account_id)
    rows = Session.scalars(query.where(Notice.read_at.is_(None)).order_by(Notice.id)).all()
    if not rows:
        return
    lines = "\n".join(f"- {row.text}" for row in rows)
    to, name = account.email, account.get_full_name()
    Session.rollback()  # a slow mail server holds no transaction
    subject = rows[0].text if len(rows) == 1 else f"{len(rows)} avisos de plazos"
    words = LETTER.format(name=name, lines=lines, address=mail.address_of("/"))
    mail.send(to, f"SIS: {subject}"[:150], words)


def tell(accounts: dict[int, list[str]], url: str | None = None) -> int:
    """Leave each person his own words, and mail them; how many notices."""
    told: dict[int, list[Notice]] = {}
    with act("notice.tell") as unit:
        for account, words in accounts.items():
            for line in words:
                notice = Notice(account_id=account, text=line, url=url, created_at=clock.now())
                unit.session.add(notice)
                told.setdefault(account, []).append(notice)
        unit.session.flush()
        post(told)
    return sum(map(len, told.values()))
