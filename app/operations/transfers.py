"""A file passes from one office to another: asked for, answered by the other office, or decided by DGIFT.

    request(order, office, reason)    the office that holds it offers it
    request_by_number(number, ...)    another office asks for it, knowing its number alone
    accept, refuse, withdraw          by the office that is asked, by the one that asks
    decide                            by the director of DGIFT, of a request in dispute or that waits

When a file passes, the order, its visits, findings, report and running terms change office in one act; terms
are counted anew by the calendar of the new office, and a day printed for a party never becomes earlier. What
was issued, and its numbers, stay. The former office reads on and writes no more (security/scope.py).

Both offices act here on what is not, or no longer, theirs: the scope is set aside after the right of the
person was asked, and only inside these functions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing, NotAllowed, RuleBroken
from app.models.catalogs import Office
from app.models.documents import Document, DocumentStatus
from app.models.followup import Term, owner_column
from app.models.inspections import InspectionOrder, OrderEstablishment
from app.models.registry import Establishment
from app.models.transfers import FileTransfer, TransferStatus
from app.operations import moves, records, terms, watch
from app.operations.inspections import facts
from app.operations.unit import Unit, act
from app.security.principal import current
from app.security.roles import Role
from app.security.scope import is_system, roles_of, unscoped
from app.workflow import terms as arithmetic

LEADERS = frozenset({Role.REGIONAL, Role.COORDINATOR})
"""Who offers, asks for and receives the files of an office."""
SHOWN = 100
"""Passes that the inbox lists; those that wait come first."""


@dataclass(frozen=True)
class Line:
    """A pass as the present person sees it. `places` is empty where he may know the number alone."""

    transfer: FileTransfer
    number: str
    places: tuple[str, ...]
    readable: bool
    may_answer: bool
    may_withdraw: bool
    may_decide: bool


# Who may


def directs() -> bool:
    """Whether the present person decides for DGIFT (or is the system itself)."""
    return Role.DIRECTOR in roles_of(current()) or is_system(current())


def leads(office_id: int) -> bool:
    """Whether the present person leads an office."""
    return bool(roles_of(current()) & LEADERS) and office_id in current().offices


def may_ask(order: InspectionOrder) -> bool:
    """Whether the present person may start the pass of a file that he sees; a closed one stays put."""
    state = moves.state_of(order)
    return (leads(order.office_id) or directs()) and state is not None and not state.final


# Asking


def request(order: InspectionOrder, to_office_id: int | None, reason: str) -> FileTransfer:
    """Offer a file to another office; DGIFT passes it at once. Raises RuleBroken, NotAllowed."""
    return _request(order.id, to_office_id, reason, None)


def request_by_number(number: str, to_office_id: int | None, reason: str) -> FileTransfer:
    """Ask another office for a file of which only the number is known. Raises RuleBroken, NotAllowed."""
    wanted = number.strip().upper()
    with unscoped():
        found = Session.scalar(
            select(InspectionOrder.id)
            .join(Document, Document.id == InspectionOrder.document_id)
            .where(Document.number == wanted, Document.status != DocumentStatus.ANNULLED.value)
        )
    if found is None:
        raise RuleBroken("No hay una orden con ese número. Escríbalo entero, como OI-2026-000012.", "number")
    if to_office_id is None or not (leads(to_office_id) or directs()):
        raise NotAllowed()
    return _request(found, to_office_id, reason, to_office_id)


def _request(order_id: int, to_office_id: int | None, reason: str, asking: int | None) -> FileTransfer:
    words = _said(reason, "reason", "Escriba el motivo del pase: queda en el expediente.")
    at = "to_office_id" if asking is None else "number"
    with act("transfer.request", reason=words) as unit, unscoped():
        order = records.locked(InspectionOrder, order_id)
        if not directs() and not leads(order.office_id if asking is None else asking):
            raise NotAllowed()
        office = unit.session.get(Office, to_office_id) if to_office_id else None
        if office is None or not in_service(office, clock.today()):
            raise RuleBroken("Elija una oficina abierta.", "to_office_id")
        if office.id == order.office_id:
            raise RuleBroken("El expediente ya está en esa oficina.", at)
        _passes(order, at)
        if _pending_of(order.id) is not None:
            raise RuleBroken("Ya hay un pase de este expediente que espera respuesta.", at)
        transfer = FileTransfer(
            order_id=order.id,
            from_office_id=order.office_id,
            to_office_id=office.id,
            asking_office_id=asking or order.office_id,
            reason=words,
            requested_at=clock.now(),
            requested_by_id=current().account_id,
            created_by_id=current().account_id,
            status=TransferStatus.REQUESTED.value,
        )
        if directs():
            _decided(transfer, words)
        unit.session.add(transfer)
        unit.session.flush()
        if directs():
            _pass(unit, transfer, order)
            _tell_both(transfer, order, f"DGIFT resolvió el pase del expediente {order.number}")
        else:
            said = "le ofrece" if transfer.asking_office_id == transfer.from_office_id else "le pide"
            words = f"{transfer.asking_office.code} {said} el expediente {order.number}: responda el pase."
            _tell(order, [transfer.answering_office_id], words, "/pases/")
        unit.session.flush()
    return transfer


# Answering


def accept(transfer: FileTransfer) -> FileTransfer:
    """The office that was asked agrees: the file passes. Raises RuleBroken, NotAllowed."""
    with act("transfer.accept", reason=transfer.reason) as unit, unscoped():
        row, order = _asked(unit, transfer)
        if not leads(row.answering_office_id):
            raise NotAllowed()
        _answered(row, TransferStatus.ACCEPTED, None)
        _pass(unit, row, order)
        unit.session.flush()
        _tell_both(row, order, f"Se aceptó el pase del expediente {order.number}")
        unit.session.flush()
    return row


def refuse(transfer: FileTransfer, reason: str) -> FileTransfer:
    """The office that was asked does not agree; DGIFT may decide otherwise. Raises RuleBroken, NotAllowed."""
    words = _said(reason, "reason", "Escriba por qué se rechaza: lo lee la otra oficina y DGIFT.")
    with act("transfer.refuse", reason=words) as unit, unscoped():
        row, order = _asked(unit, transfer)
        if not leads(row.answering_office_id):
            raise NotAllowed()
        _answered(row, TransferStatus.REFUSED, words)
        unit.session.flush()
        _tell(
            order,
            [row.asking_office_id],
            f"{_code(row.answering_office_id)} rechazó el pase del expediente {order.number}: {words}",
            "/pases/",
        )
        _tell_director(order, f"Pase rechazado del expediente {order.number} ({row}): DGIFT puede resolver.")
        unit.session.flush()
    return row


def withdraw(transfer: FileTransfer) -> FileTransfer:
    """The office that asked thinks better of it. Raises RuleBroken, NotAllowed."""
    with act("transfer.withdraw") as unit, unscoped():
        row, _ = _asked(unit, transfer)
        if not leads(row.asking_office_id):
            raise NotAllowed()
        _answered(row, TransferStatus.WITHDRAWN, None)
        unit.session.flush()
    return row


def decide(transfer: FileTransfer, passes: bool, reason: str) -> FileTransfer:
    """DGIFT decides a request that waits or was refused: the file passes, or stays. Raises RuleBroken."""
    words = _said(reason, "reason", "Escriba el fundamento: lo leen las dos oficinas.")
    if not directs():
        raise NotAllowed()
    with act("transfer.decide", reason=words) as unit, unscoped():
        row, order = _asked(unit, transfer, TransferStatus.REQUESTED, TransferStatus.REFUSED)
        if not _newest(row):
            raise RuleBroken("Hay un pase posterior de este expediente: resuelva ese.")
        _decided(row, words)
        unit.session.flush()
        if passes:
            _pass(unit, row, order)
        _tell_both(
            row,
            order,
            f"DGIFT resolvió que el expediente {order.number} {'pase' if passes else 'no pase'}: {words}",
        )
        unit.session.flush()
    return row


# Reading


def lines() -> list[Line]:
    """The passes within the scope of the present person: those that wait first, then the newest."""
    rows = Session.scalars(
        select(FileTransfer)
        .options(
            joinedload(FileTransfer.from_office),
            joinedload(FileTransfer.to_office),
            joinedload(FileTransfer.asking_office),
            joinedload(FileTransfer.requested_by),
            joinedload(FileTransfer.answered_by),
            joinedload(FileTransfer.decided_by),
        )
        .order_by(FileTransfer.status != TransferStatus.REQUESTED.value, FileTransfer.id.desc())
        .limit(SHOWN)
    ).all()
    return _lines(rows)


def line(transfer: FileTransfer) -> Line:
    """One pass as the present person sees it."""
    return _lines([transfer])[0]


def of_order(order: InspectionOrder) -> list[FileTransfer]:
    """The passes of a file, the newest first."""
    return list(
        Session.scalars(
            select(FileTransfer)
            .where(FileTransfer.order_id == order.id)
            .options(joinedload(FileTransfer.from_office), joinedload(FileTransfer.to_office))
            .order_by(FileTransfer.id.desc())
        )
    )


def _lines(rows: Iterable[FileTransfer]) -> list[Line]:
    rows = list(rows)
    keys = [row.order_id for row in rows]
    readable = set(Session.scalars(select(InspectionOrder.id).where(InspectionOrder.id.in_(keys))))
    with unscoped():
        orders = {order.id: order for order in Session.scalars(_with_places(keys))}
        last = select(func.max(FileTransfer.id)).where(FileTransfer.order_id.in_(keys))
        newest = set(Session.scalars(last.group_by(FileTransfer.order_id)))
    return [_line(row, orders[row.order_id], row.order_id in readable, row.id in newest) for row in rows]


def _line(row: FileTransfer, order: InspectionOrder, readable: bool, newest: bool) -> Line:
    waits = row.status == TransferStatus.REQUESTED.value
    open_ = waits or row.status == TransferStatus.REFUSED.value
    offered = row.asking_office_id == row.from_office_id  # its holder shows the other office what it is about
    places = (
        tuple(f"{each.establishment.employer.legal_name} · {each.establishment}" for each in order.places)
        if readable or (waits and offered)
        else ()
    )
    return Line(
        row,
        order.number,
        places,
        readable,
        may_answer=waits and leads(row.answering_office_id),
        may_withdraw=waits and leads(row.asking_office_id),
        may_decide=open_ and newest and order.office_id == row.from_office_id and directs(),
    )


def _with_places(keys: Iterable[int]) -> Any:
    place = joinedload(OrderEstablishment.establishment).joinedload(Establishment.employer)
    return (
        select(InspectionOrder)
        .where(InspectionOrder.id.in_(list(keys)))
        .options(joinedload(InspectionOrder.document), selectinload(InspectionOrder.places).options(place))
    )


# The pass itself


def pass_on(unit: Unit, order: InspectionOrder, office: Office) -> None:
    """Give a whole file to an office, inside an act and beyond the scope. What was issued stays as it was."""
    report = facts.report_of(order)
    records: list[Any] = [
        order,
        *facts.visits_of(order),
        *facts.findings_of(order),
        *([report] if report else []),
    ]
    for record in records:
        record.office_id = office.id
    unit.session.flush()
    owners: dict[str, list[int]] = {}
    for record in records:
        owners.setdefault(owner_column(record), []).append(record.id)
    found = unit.session.scalars(
        select(Term)
        .where(or_(*(getattr(Term, name).in_(keys) for name, keys in owners.items())))
        .where(Term.status.in_(terms.RUNNING))
    ).all()
    for term in found:
        term.office_id = office.id
        _recount(term)
    unit.session.flush()


def enter_pass(
    order: InspectionOrder, from_office: int, to_office: int, reason: str, at: Any
) -> FileTransfer:
    """The line that an act upon offices leaves of a file that it moved."""
    who = current().account_id
    return FileTransfer(
        order_id=order.id,
        from_office_id=from_office,
        to_office_id=to_office,
        asking_office_id=from_office,
        reason=reason,
        requested_at=at,
        requested_by_id=who,
        created_by_id=who,
        status=TransferStatus.DECIDED.value,
        decided_at=at,
        decided_by_id=who,
        decision=reason,
        moved_at=at,
    )


def _pass(unit: Unit, row: FileTransfer, order: InspectionOrder) -> None:
    office = unit.session.get_one(Office, row.to_office_id)
    if not in_service(office, clock.today()):
        raise RuleBroken(f"{office} está cerrada: no recibe expedientes.")
    _passes(order, None)
    row.moved_at = clock.now()
    pass_on(unit, order, office)


def _recount(term: Term) -> None:
    """The last day of a running term by the calendar that counts now; what was printed is never earlier."""
    record = term.record
    whose = moves.process_of(record).term(term.type_code).calendar_of
    days = terms.calendar_of(record, whose)
    made = arithmetic.recompute_chain(terms.chain(term), days, terms.pauses(record))
    due = terms.no_later_than_now(term.due_on, made.due)
    if due != term.due_on:
        terms.move(term, record, made.start, due, whose)


# Parts


def in_service(office: Office, on: date) -> bool:
    """Whether an office is open on a day."""
    return office.opened_on <= on and (office.closed_on is None or on < office.closed_on)


def _said(text: str, field: str, message: str) -> str:
    words = (text or "").strip()
    if not words:
        raise RuleBroken(message, field)
    return words


def _passes(order: InspectionOrder, field: str | None) -> None:
    state = moves.state_of(order)
    if state is None or state.final:
        raise RuleBroken("El expediente está cerrado: queda en la oficina que lo llevó.", field)


def _pending_of(order_id: int) -> FileTransfer | None:
    return Session.scalar(
        select(FileTransfer).where(
            FileTransfer.order_id == order_id, FileTransfer.status == TransferStatus.REQUESTED.value
        )
    )


def _asked(
    unit: Unit, transfer: FileTransfer, *statuses: TransferStatus
) -> tuple[FileTransfer, InspectionOrder]:
    """The request and its file, locked in the order in which a request locks them. Raises RuleBroken."""
    order = records.locked(InspectionOrder, transfer.order_id)
    row = unit.session.get(
        FileTransfer, transfer.id, with_for_update={"of": FileTransfer}, populate_existing=True
    )
    if row is None:
        raise Missing()
    if row.status not in {each.value for each in statuses or (TransferStatus.REQUESTED,)}:
        raise RuleBroken("Este pase ya fue respondido. Recargue la página.", code="answered")
    if order.office_id != row.from_office_id:
        raise RuleBroken("El expediente ya cambió de oficina: este pase quedó sin objeto.", code="moved")
    return row, order


def _newest(row: FileTransfer) -> bool:
    later = select(FileTransfer.id).where(FileTransfer.order_id == row.order_id, FileTransfer.id > row.id)
    return Session.scalar(later.limit(1)) is None


def _answered(row: FileTransfer, status: TransferStatus, words: str | None) -> None:
    row.status, row.answer = status.value, words
    row.answered_at, row.answered_by_id = clock.now(), current().account_id
    row.moved_at = clock.now() if status is TransferStatus.ACCEPTED else None


def _decided(row: FileTransfer, words: str) -> None:
    row.status, row.decision = TransferStatus.DECIDED.value, words
    row.decided_at, row.decided_by_id = clock.now(), current().account_id


def _code(office_id: int) -> str:
    return str(Session.get_one(Office, office_id).code)


def _tell(order: InspectionOrder, offices: Iterable[int], words: str, url: str) -> None:
    people = watch.People(clock.today())
    keys = [role.value for role in sorted(LEADERS)]
    told = {account: [words] for office in offices for account in people.of(order, keys, office)}
    watch.tell(told, url)


def _tell_both(row: FileTransfer, order: InspectionOrder, words: str) -> None:
    """Both offices and the inspectors of the file."""
    people = watch.People(clock.today())
    keys = [role.value for role in sorted(LEADERS)]
    accounts = [
        *people.of(order, keys, row.from_office_id),
        *people.of(order, keys, row.to_office_id),
        *watch.team_of(order),
    ]
    said = f"{words} ({_code(row.from_office_id)} → {_code(row.to_office_id)})."
    told = {account: [said] for account in dict.fromkeys(accounts) if account != current().account_id}
    watch.tell(told, watch.address_of(order))


def _tell_director(order: InspectionOrder, words: str) -> None:
    people = watch.People(clock.today())
    watch.tell({account: [words] for account in people.of(order, [Role.DIRECTOR.value], 0)}, "/pases/")
