"""Opening, merging and moving offices (working rule 17): previewed, then done in one act.

    districts(office, codes, on)         what giving these districts to an office from a day would do
    give_districts(office, codes, …)     the same, written
    merger(office, into, on)             what joining an office to another from a day would do
    merge(office, into, …)               the same, written

Jurisdiction is dated: the row that stands is closed the day before and a new one opened, so that the past
stays. A day on which two changes would meet is refused. Open files go along or stay, as the person chooses;
numbers issued never change. Files and people have no dated office: they move on the day of the act, and not
before the change.

Whoever keeps the offices sees no files: the scope is set aside here, and only number and office are shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import exists, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.exc import StaleDataError

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing, RuleBroken, Stale
from app.core.types import format_date
from app.models.catalogs import District, Jurisdiction, Office
from app.models.inspections import InspectionOrder, OrderEstablishment, Visit
from app.models.procedures import ProcedureState
from app.models.registry import Establishment
from app.models.security import Account, UserOffice
from app.models.staff import Brigade, Inspector, Post
from app.models.transfers import FileTransfer, TransferStatus
from app.operations import records, transfers, watch
from app.operations.unit import Unit, act
from app.security.principal import current
from app.security.roles import Role
from app.security.scope import unscoped

DAY = timedelta(days=1)
LATER = "Los expedientes y las personas se trasladan desde ese día: déjelos por ahora y vuelva entonces."


@dataclass(frozen=True)
class OpenFile:
    """An open file by its number and office, which is all that is shown of it."""

    key: int
    number: str
    office: str


@dataclass(frozen=True)
class Move:
    """A district that changes office; `before` is empty where nobody served it."""

    district: District
    row: Jurisdiction | None
    before: str


@dataclass(frozen=True)
class Preview:
    """What a change of offices would do. `staying`: files that name other districts too."""

    office: Office
    on: date
    moves: tuple[Move, ...]
    establishments: int
    files: tuple[OpenFile, ...]
    staying: tuple[OpenFile, ...] = ()
    inspectors: tuple[Inspector, ...] = ()
    accounts: tuple[Account, ...] = ()
    brigades: tuple[Brigade, ...] = ()
    posts: tuple[Post, ...] = ()
    into: Office | None = None
    again: bool = False

    @property
    def later(self) -> bool:
        """The change begins on a day to come: nothing moves yet."""
        return self.on > clock.today()

    @property
    def seen(self) -> str:
        """What a person saw: the same only while the same would happen."""
        said = (
            self.office.id,
            self.into.id if self.into else 0,
            self.on,
            [(each.district.code, each.row.id if each.row else 0) for each in self.moves],
            [each.key for each in (*self.files, *self.staying)],
            [each.id for each in self.inspectors],
            [each.id for each in self.accounts],
            [each.id for each in self.brigades],
        )
        return sha256(repr(said).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Done:
    """What an act upon offices did."""

    districts: int
    files: int
    people: int


# Districts


def districts(office_id: int, codes: Collection[int], on: date | None) -> Preview:
    """What giving these districts to an office from a day would do. Raises RuleBroken, Missing."""
    office = _office(office_id)
    on = _day(on)
    if not transfers.in_service(office, on):
        raise RuleBroken(f"{office} no está abierta el {format_date(on)}.", "on")
    rows = list(
        Session.scalars(
            select(District)
            .where(District.code.in_(set(codes)))
            .options(joinedload(District.department))
            .order_by(District.department_code, District.name)
        )
    )
    if not rows or len(rows) != len(set(codes)):
        raise RuleBroken("Elija los distritos de la lista.", "districts")
    moves, former = _moves(office, rows, on)
    wanted = {row.code for row in rows}
    with unscoped():
        moving, staying = _files_in(former - {office.id}, wanted)
    if not moves and not moving:
        raise RuleBroken(
            "Esos distritos ya son de esta oficina y no quedan expedientes por trasladar.", "districts"
        )
    return Preview(office, on, tuple(moves), _establishments(wanted), moving, staying)


def give_districts(
    office_id: int, codes: Collection[int], on: date | None, legal_basis: str, move_files: bool, seen: str
) -> Done:
    """Give districts to an office from a day, with or without the open files. Raises RuleBroken, Missing."""
    basis = _basis(legal_basis)
    with act("office.districts", reason=basis) as unit, unscoped():
        _lock(unit, office_id)
        found = districts(office_id, codes, on)
        _confirmed(found, seen, move_files)
        _write(unit, found.moves, found.office.id, found.on)
        if move_files:
            _move_files(unit, found.files, found.office, basis)
        unit.session.flush()
    return Done(len(found.moves), len(found.files) if move_files else 0, 0)


def _moves(office: Office, rows: Iterable[District], on: date) -> tuple[list[Move], set[int]]:
    """The districts that change hands on a day, and the offices that had any of them."""
    known: dict[int, list[Jurisdiction]] = {}
    asked = list(rows)
    for row in Session.scalars(
        select(Jurisdiction)
        .where(Jurisdiction.district_code.in_([each.code for each in asked]))
        .options(joinedload(Jurisdiction.office))
        .order_by(Jurisdiction.valid_from)
    ):
        known.setdefault(row.district_code, []).append(row)
    moves, former = [], set()
    for district in asked:
        past = known.get(district.code, [])
        former |= {row.office_id for row in past if row.valid_from <= on}
        later = next((row for row in past if row.valid_from > on), None)
        if later is not None:
            raise RuleBroken(
                f"{district.name} ya tiene un cambio fijado desde el {format_date(later.valid_from)}"
                f" ({later.office.code}): las fechas se cruzan.",
                "on",
            )
        now = next((row for row in past if row.valid_to is None or row.valid_to >= on), None)
        if now is not None and now.office_id == office.id:
            continue
        if now is not None and now.valid_from == on:
            raise RuleBroken(
                f"{district.name} es de {now.office.code} desde ese mismo día: elija una fecha posterior.",
                "on",
            )
        moves.append(Move(district, now, now.office.code if now else ""))
    return moves, former


def _write(unit: Unit, moves: Iterable[Move], office_id: int, on: date) -> None:
    who = current().account_id
    try:
        for move in moves:
            if move.row is not None:
                move.row.valid_to, move.row.updated_by_id = on - DAY, who
        unit.session.flush()
        for move in moves:
            row = Jurisdiction(office_id=office_id, district_code=move.district.code, valid_from=on)
            row.created_by_id = who
            unit.session.add(row)
        unit.session.flush()
    except IntegrityError as error:
        raise records.explain(Jurisdiction, error) from error
    except StaleDataError as error:
        raise Stale() from error


# Mergers


def merger(office_id: int, into_id: int | None, on: date | None) -> Preview:
    """What joining an office to another from a day would do. Raises RuleBroken, Missing.

    Of an office that is closed already, what was left in it goes to the other.
    """
    office = _office(office_id)
    into = Session.get(Office, into_id) if into_id else None
    if into is None or into.id == office.id:
        raise RuleBroken("Elija la oficina que la recibe, otra que esta.", "into")
    again = office.closed_on is not None
    on = office.closed_on if office.closed_on is not None else _day(on)
    if not transfers.in_service(into, max(on, clock.today()) if again else on):
        raise RuleBroken(f"{into} no está abierta ese día: no recibe.", "into")
    if on <= office.opened_on:
        raise RuleBroken(
            f"La oficina abrió el {format_date(office.opened_on)}: elija una fecha posterior.", "on"
        )
    moves = [] if again else _districts_of(office, into, on)
    with unscoped():
        files = tuple(_open_file(order) for order in _open_orders([office.id]))
    today = clock.today()
    served = select(UserOffice.user_id).where(
        UserOffice.office_id == office.id, UserOffice.valid_to.is_(None)
    )
    return Preview(
        office,
        on,
        tuple(moves),
        _establishments({move.district.code for move in moves}),
        files,
        inspectors=tuple(
            Session.scalars(
                select(Inspector)
                .where(Inspector.office_id == office.id, func.coalesce(Inspector.active_to, today) >= today)
                .order_by(Inspector.last_name, Inspector.id)
            )
        ),
        accounts=tuple(
            Session.scalars(
                select(Account).where(Account.id.in_(served)).order_by(Account.last_name, Account.id)
            )
        ),
        brigades=tuple(
            Session.scalars(select(Brigade).where(Brigade.office_id == office.id).order_by(Brigade.id))
        ),
        posts=tuple(Session.scalars(select(Post).where(Post.office_id == office.id).order_by(Post.id))),
        into=into,
        again=again,
    )


def merge(
    office_id: int,
    into_id: int | None,
    on: date | None,
    legal_basis: str,
    move_files: bool,
    move_people: bool,
    seen: str,
) -> Done:
    """Join an office to another: districts, closing, and what is chosen. Raises RuleBroken, Missing."""
    basis = _basis(legal_basis)
    with act("office.merge", reason=basis) as unit, unscoped():
        _lock(unit, office_id, into_id)
        found = merger(office_id, into_id, on)
        _confirmed(found, seen, move_files or move_people)
        assert found.into is not None
        if not found.again:
            _write(unit, found.moves, found.into.id, found.on)
            _close(unit, found.office, found.into, found.on)
        if move_files:
            _move_files(unit, found.files, found.into, basis)
        if move_people:
            _move_people(unit, found, found.into)
        unit.session.flush()
    people = len(found.inspectors) + len(found.accounts) if move_people else 0
    return Done(len(found.moves), len(found.files) if move_files else 0, people)


def _districts_of(office: Office, into: Office, on: date) -> list[Move]:
    """The districts that an office has on a day, all of which go to the other."""
    rows = list(
        Session.scalars(
            select(District)
            .join(Jurisdiction, Jurisdiction.district_code == District.code)
            .where(Jurisdiction.office_id == office.id)
            .where(or_(Jurisdiction.valid_to.is_(None), Jurisdiction.valid_to >= on))
            .options(joinedload(District.department))
            .order_by(District.department_code, District.name)
        ).unique()
    )
    return _moves(into, rows, on)[0]


def _close(unit: Unit, office: Office, into: Office, on: date) -> None:
    office.closed_on, office.updated_by_id = on, current().account_id
    above = office.parent_id
    for child in unit.session.scalars(select(Office).where(Office.parent_id == office.id)):
        child.parent_id = above if child.id == into.id else into.id
    unit.session.flush()


def _move_people(unit: Unit, found: Preview, into: Office) -> None:
    today, who = clock.today(), current().account_id
    for inspector in found.inspectors:
        inspector.office_id, inspector.updated_by_id = into.id, who
    for brigade in found.brigades:
        brigade.office_id, brigade.updated_by_id = into.id, who
    keys = [account.id for account in found.accounts]
    served = list(
        unit.session.scalars(
            select(UserOffice).where(UserOffice.user_id.in_(keys), UserOffice.valid_to.is_(None))
        )
    )
    there = {row.user_id for row in served if row.office_id == into.id}
    for row in served:
        if row.office_id == found.office.id:
            row.valid_to, row.updated_by_id = max(today - DAY, row.valid_from), who
    unit.session.flush()
    for key in keys:
        if key not in there:
            unit.session.add(UserOffice(user_id=key, office_id=into.id, valid_from=today, created_by_id=who))
    unit.session.flush()


# Files


def _open_orders(offices: Iterable[int]) -> list[InspectionOrder]:
    """The orders of these offices whose file is open."""
    final = exists().where(
        ProcedureState.version_code == InspectionOrder.version_code,
        ProcedureState.process_code == InspectionOrder.process,
        ProcedureState.code == InspectionOrder.state,
        ProcedureState.final,
    )
    return list(
        Session.scalars(
            select(InspectionOrder)
            .where(InspectionOrder.office_id.in_(list(offices)), InspectionOrder.state.is_not(None), ~final)
            .options(
                joinedload(InspectionOrder.document),
                joinedload(InspectionOrder.office),
                selectinload(InspectionOrder.places).joinedload(OrderEstablishment.establishment),
            )
            .order_by(InspectionOrder.id)
        )
    )


def _files_in(offices: set[int], codes: set[int]) -> tuple[tuple[OpenFile, ...], tuple[OpenFile, ...]]:
    """The open files of these offices that lie in the districts; and those that name others besides."""
    orders = _open_orders(offices)
    where: dict[int, set[int]] = {
        order.id: {place.establishment.district_code for place in order.places} for order in orders
    }
    visited = (
        select(Visit.order_id, Establishment.district_code)
        .join(Establishment, Establishment.id == Visit.establishment_id)
        .where(Visit.order_id.in_(list(where)))
    )
    for key, code in Session.execute(visited):
        if key is not None:
            where[key].add(code)
    moving = tuple(_open_file(order) for order in orders if where[order.id] and where[order.id] <= codes)
    staying = tuple(
        _open_file(order) for order in orders if where[order.id] & codes and not where[order.id] <= codes
    )
    return moving, staying


def _open_file(order: InspectionOrder) -> OpenFile:
    return OpenFile(order.id, order.number, order.office.code)


def _move_files(unit: Unit, files: Iterable[OpenFile], office: Office, basis: str) -> None:
    now = clock.now()
    told: dict[int, list[str]] = {}
    people = watch.People(clock.today())
    for each in files:
        order = unit.session.get_one(InspectionOrder, each.key, with_for_update={"of": InspectionOrder})
        before = order.office_id
        waiting = unit.session.scalars(
            select(FileTransfer).where(
                FileTransfer.order_id == order.id, FileTransfer.status == TransferStatus.REQUESTED.value
            )
        )
        for row in waiting:  # what was asked for has happened, or can no longer happen
            row.status, row.answered_at = TransferStatus.WITHDRAWN.value, now
        unit.session.flush()
        unit.session.add(transfers.enter_pass(order, before, office.id, basis, now))
        transfers.pass_on(unit, order, office)
        for account in people.of(order, (Role.COORDINATOR.value, Role.INSPECTOR.value), office.id):
            told.setdefault(account, []).append(order.number)
    watch.tell(
        {
            account: [f"Pasaron a {office}: {', '.join(numbers[:5])}{_more(numbers)}. {basis}"]
            for account, numbers in told.items()
        },
        "/ordenes/list/",
    )


def _more(numbers: list[str]) -> str:
    return f" y {len(numbers) - 5} más" if len(numbers) > 5 else ""


# Parts


def _office(key: int) -> Office:
    office = Session.get(Office, key)
    if office is None:
        raise Missing()
    return office


def _day(on: date | None) -> date:
    if on is None:
        raise RuleBroken("Escriba desde qué día.", "on")
    return on


def _basis(text: str) -> str:
    words = (text or "").strip()
    if not words:
        raise RuleBroken("Escriba la resolución que lo dispone: queda en la historia.", "legal_basis")
    return words


def _establishments(codes: Collection[int]) -> int:
    query = select(func.count(Establishment.id)).where(
        Establishment.district_code.in_(list(codes)),
        Establishment.closed_on.is_(None),
        Establishment.merged_into_id.is_(None),
    )
    return int(Session.scalar(query) or 0)


def _lock(unit: Unit, *keys: int | None) -> None:
    """Two people who change the same offices at once: the second waits, and then sees what the first did."""
    wanted: list[Any] = sorted(key for key in keys if key is not None)
    unit.session.scalars(
        select(Office).where(Office.id.in_(wanted)).order_by(Office.id).with_for_update()
    ).all()


def _confirmed(found: Preview, seen: str, moves: bool) -> None:
    if found.later and moves:
        raise RuleBroken(LATER, "files")
    if found.seen != seen:
        raise RuleBroken("Algo cambió desde que usted lo vio: revíselo y confirme otra vez.", code="changed")
