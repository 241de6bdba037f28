"""The second factor of a person: activated, asked for, renewed, turned off; lost, taken away by two persons.

    start(account); confirm(account, code)      ten codes on paper, shown once
    use(account, code)                          at the door: a code of the telephone or one of those
    with offered(code): sign(...)               at a signature: whoever checks a password calls `demand`
    ask_reset(key, reason); approve(key)        never one person, never its owner

A code serves once. Every call is an Act; the screen that changes a factor ends the other sessions.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, exists, func, or_, select, update

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing, NotAllowed, RuleBroken
from app.models.security import (
    Account,
    LoginSession,
    RecoveryCode,
    ResetStatus,
    SecondFactor,
    SecondFactorReset,
)
from app.models.staff import PostHolder
from app.operations import accounts, mail, notices, recovery
from app.operations.jobs import defer
from app.operations.unit import Unit, act
from app.security import second_factor as codes
from app.security.manager import BASE_NAMES, ROLE_NAMES
from app.security.principal import current
from app.security.roles import Role

PAPER_CODES = 10
FEW = 3
"""Codes on paper left from which on their owner is told to make new ones."""
ACTIVATION = timedelta(minutes=30)
"""How long the QR of an activation serves."""
RESET_LIVES = timedelta(hours=48)
RESETS = "/segundo-factor/list/"

WRONG = "El código no es correcto, ya se usó o venció. Espere el próximo y escríbalo entero."
LETTER = """Hola, {name}:

El segundo factor de su cuenta «{username}» del SIS {what} el {moment}.

Si no fue usted, ni lo pidió, avise enseguida a Informática.
"""
WHAT = {
    "confirmed": "se activó",
    "renewed": "tiene códigos de recuperación nuevos; los anteriores ya no sirven",
    "off": "se desactivó",
    "reset": "se restableció a pedido; al entrar podrá activar otro",
    "spent": "se reemplazó por un código de recuperación",
}


@dataclass(frozen=True)
class Used:
    """A code that was right: whether it was one on paper, and how many of those are left."""

    paper: bool
    left: int


# -- asking ---------------------------------------------------------------------------------------------


def factor_of(account_id: int) -> SecondFactor | None:
    """The second factor that this account enters with, if any."""
    found: SecondFactor | None = Session.scalar(
        select(SecondFactor).where(SecondFactor.user_id == account_id, SecondFactor.confirmed_at.is_not(None))
    )
    return found


def having(keys: Iterable[int | None]) -> frozenset[int]:
    """Those of these accounts that enter with a second factor."""
    query = select(SecondFactor.user_id).where(
        SecondFactor.user_id.in_({key for key in keys if key is not None}),
        SecondFactor.confirmed_at.is_not(None),
    )
    return frozenset(Session.scalars(query))


def pending_secret(account: Account) -> str | None:
    """The secret of an activation under way, to be shown to its owner alone."""
    row: SecondFactor | None = Session.scalar(
        select(SecondFactor).where(
            SecondFactor.user_id == account.id,
            SecondFactor.confirmed_at.is_(None),
            SecondFactor.created_at > clock.real_now() - ACTIVATION,
        )
    )
    return codes.unseal(row.sealed_secret, account.uuid) if row else None


def codes_left(factor: SecondFactor) -> int:
    """How many codes on paper still serve."""
    still = select(func.count()).where(RecoveryCode.factor_id == factor.id, RecoveryCode.used_at.is_(None))
    return Session.scalar(still) or 0


def demanded_of(account_id: int) -> bool:
    """Whether this account may not work without a second factor (roles.ASKED_OF, or a post that signs)."""
    if not codes.required_here():
        return False
    today = clock.today()
    holds = exists().where(
        PostHolder.account_id == account_id,
        PostHolder.valid_from <= today,
        or_(PostHolder.valid_to.is_(None), PostHolder.valid_to >= today),
    )
    row = Session.execute(select(ROLE_NAMES, BASE_NAMES, holds).where(Account.id == account_id)).one()
    return bool(row[2] or {*row[0], *row[1]} & {role.label for role in codes.ASKED_OF})


# -- one's own ------------------------------------------------------------------------------------------


def start(account: Account) -> None:
    """A new secret, to be confirmed with a code. Raises RuleBroken when one is active."""
    with act("second_factor.start") as unit:
        row = _locked(unit, account.id)
        if row is not None and row.confirmed_at is not None:
            raise RuleBroken("Ya tiene un segundo factor: desactívelo antes de activar otro.")
        if row is not None:
            unit.session.delete(row)
            unit.session.flush()
        sealed = codes.seal(codes.new_secret(), account.uuid)
        unit.session.add(SecondFactor(user_id=account.id, sealed_secret=sealed, created_at=clock.real_now()))


def confirm(account: Account, code: str) -> list[str]:
    """The telephone has the secret: from here on it is asked for. The ten codes on paper, shown once."""
    with act("second_factor.confirm") as unit:
        row = _locked(unit, account.id)
        if row is None or row.confirmed_at is not None or pending_secret(account) is None:
            raise RuleBroken("La activación venció: comience de nuevo.", "code")
        if not _telephone(unit, row, account, code):
            raise RuleBroken(
                "El código no coincide. Revise que la hora del teléfono sea automática y escriba el que "
                "muestra ahora.",
                "code",
                "code",
            )
        row.confirmed_at = clock.real_now()
        papers = _new_papers(unit, row)
        _tell(unit, account.id, "confirmed")
    return papers


def renew(account: Account, code: str) -> list[str]:
    """Ten new codes on paper; the former ones serve no more. Raises RuleBroken at `code`."""
    with act("second_factor.renew") as unit:
        row = _own(unit, account, code)
        unit.session.execute(
            delete(RecoveryCode)
            .where(RecoveryCode.factor_id == row.id)
            .execution_options(synchronize_session=False)
        )
        papers = _new_papers(unit, row)
        _tell(unit, account.id, "renewed")
    return papers


def turn_off(account: Account, code: str) -> None:
    """Without second factor again, where it is not demanded. Raises RuleBroken at `code`."""
    if demanded_of(account.id):
        raise NotAllowed("Su función exige el segundo factor: no se desactiva.")
    with act("second_factor.off") as unit:
        unit.session.delete(_own(unit, account, code))
        _tell(unit, account.id, "off")


def use(account: Account, code: str) -> Used | None:
    """A code at the door or at a signature; None when it is not right. Each serves once."""
    with act("second_factor.use") as unit:
        row = _locked(unit, account.id)
        if row is None or row.confirmed_at is None:
            return None
        if _telephone(unit, row, account, code):
            return Used(False, codes_left(row))
        spent = unit.session.execute(
            update(RecoveryCode)
            .where(RecoveryCode.factor_id == row.id, RecoveryCode.used_at.is_(None))
            .where(RecoveryCode.code_hash == codes.hash_code(recovery.plain(code), row.uuid))
            .values(used_at=clock.real_now())
            .returning(RecoveryCode.id)
            .execution_options(synchronize_session=False)
        ).first()
        if spent is None:
            return None
        _tell(unit, account.id, "spent")
        return Used(True, codes_left(row))


def _own(unit: Unit, account: Account, code: str) -> SecondFactor:
    """One's own factor, whose code was just given. Raises RuleBroken."""
    if use(account, code) is None:
        raise RuleBroken(WRONG, "code", "code")
    row = _locked(unit, account.id)
    assert row is not None
    return row


def _locked(unit: Unit, account_id: int) -> SecondFactor | None:
    row: SecondFactor | None = unit.session.scalar(
        select(SecondFactor)
        .where(SecondFactor.user_id == account_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return row


def _telephone(unit: Unit, row: SecondFactor, account: Account, code: str) -> bool:
    """Whether this is a code of the telephone not yet used; it is now."""
    secret = codes.unseal(row.sealed_secret, account.uuid)
    digits = "".join(code.split())
    step = codes.step_of(secret, digits, clock.real_now(), row.last_step) if secret else None
    if step is None:
        return False
    row.last_step = step
    unit.session.flush()
    return True


def _new_papers(unit: Unit, row: SecondFactor) -> list[str]:
    made = [accounts.provisional_password() for _ in range(PAPER_CODES)]
    unit.session.add_all(
        RecoveryCode(factor_id=row.id, code_hash=codes.hash_code(recovery.plain(code), row.uuid))
        for code in made
    )
    return made


# -- at a signature -------------------------------------------------------------------------------------


@dataclass
class _Offer:
    """A code given beside a password, and for whom it was found right."""

    code: str
    proven: int | None = None


_offer: ContextVar[_Offer | None] = ContextVar("sis_offered_code", default=None)


@contextmanager
def offered(code: str | None) -> Iterator[None]:
    """Around a signature: the code that its signer gave. Many signatures of one request take one code."""
    token = _offer.set(_Offer(code or ""))
    try:
        yield
    finally:
        _offer.reset(token)


def demand(account: Account) -> None:
    """Who signs and has a second factor gave its code. Raises RuleBroken at `code`."""
    if factor_of(account.id) is None:
        return
    offer = _offer.get() or _Offer("")
    if offer.proven == account.id:
        return
    if not offer.code.strip():
        raise RuleBroken("Escriba también el código de su teléfono.", "code")
    if use(account, offer.code) is None:
        raise RuleBroken(WRONG, "code", "code")
    offer.proven = account.id


# -- lost -----------------------------------------------------------------------------------------------


def reach() -> Select[Any]:
    """The accounts whose second factor the present actor may help to take away; never his own.

    Informática and the director of DGIFT: everybody's. Other leaders: as with codes (recovery.may_help).
    """
    actor = current()
    if Role.DIRECTOR.label in actor.roles:
        return (
            select(Account)
            .where(Account.active, Account.id != actor.account_id)
            .order_by(Account.last_name, Account.id)
        )
    return recovery.may_help()


def requests() -> Select[Any]:
    """The requests that wait, of those within reach, the oldest first."""
    return (
        select(SecondFactorReset)
        .where(SecondFactorReset.user_id.in_(reach().with_only_columns(Account.id).order_by(None)), *_open())
        .order_by(SecondFactorReset.id)
    )


def ask_reset(key: int, reason: str) -> SecondFactorReset:
    """Ask that a lost second factor be taken away; another person decides. Raises Missing, RuleBroken."""
    if len(reason.strip()) < 10:
        raise RuleBroken("Escriba qué pasó y cómo comprobó que es la persona.", "reason")
    with act("second_factor.ask_reset", reason=reason.strip()) as unit:
        account = unit.session.scalar(reach().where(Account.id == key).with_for_update(of=Account))
        if account is None or factor_of(key) is None:
            raise Missing()
        waits = select(SecondFactorReset.id).where(SecondFactorReset.user_id == key, *_open())
        if unit.session.scalar(waits) is not None:
            raise RuleBroken("Ya hay un pedido para esta persona: lo aprueba otra.")
        unit.session.execute(
            update(SecondFactorReset)
            .where(SecondFactorReset.user_id == key, SecondFactorReset.status == ResetStatus.ASKED.value)
            .values(status=ResetStatus.LAPSED.value)
            .execution_options(synchronize_session=False)
        )
        row = SecondFactorReset(
            user_id=key,
            reason=reason.strip(),
            requested_at=clock.real_now(),
            requested_by_id=current().account_id,
        )
        unit.session.add(row)
        unit.session.flush()
        words = f"Piden restablecer el segundo factor de {account.get_full_name()}: revíselo."
        notices.tell(_deciders(unit) - {key, current().account_id}, words, RESETS)
    return row


def approve(key: int) -> Account:
    """Take the second factor away: a person other than who asked. Its owner's sessions end, he is told."""
    with act("second_factor.reset") as unit:
        row = _decide(unit, key, ResetStatus.APPROVED)
        account = row.user
        factor = _locked(unit, account.id)
        if factor is not None:
            unit.session.delete(factor)
        unit.session.execute(delete(LoginSession).where(LoginSession.user_id == account.id))
        notices.tell([account.id], "Se restableció su segundo factor. Si no lo pidió, avise a Informática.")
        _tell(unit, account.id, "reset")
    return account


def refuse(key: int, reason: str) -> Account:
    """Leave the second factor as it is. Raises RuleBroken at `reason`."""
    if not reason.strip():
        raise RuleBroken("Escriba por qué lo rechaza.", "reason")
    with act("second_factor.refuse_reset", reason=reason.strip()) as unit:
        row = _decide(unit, key, ResetStatus.REFUSED)
        if row.requested_by_id is not None:
            about = f"Se rechazó restablecer el segundo factor de {row.user.get_full_name()}"
            notices.tell([row.requested_by_id], f"{about}: {reason.strip()}")
    return row.user


def _decide(unit: Unit, key: int, status: ResetStatus) -> SecondFactorReset:
    row: SecondFactorReset | None = unit.session.scalar(
        requests().where(SecondFactorReset.id == key).with_for_update(of=SecondFactorReset)
    )
    if row is None:
        raise Missing("El pedido ya se resolvió o venció.")
    me = current().account_id
    if me is None or row.requested_by_id == me:
        raise NotAllowed("Quien pide no aprueba: lo resuelve otra persona, con su propio usuario.")
    row.status, row.decided_by_id, row.decided_at = status.value, me, clock.real_now()
    unit.session.flush()
    return row


def _open() -> tuple[Any, ...]:
    return (
        SecondFactorReset.status == ResetStatus.ASKED.value,
        SecondFactorReset.requested_at > clock.real_now() - RESET_LIVES,
    )


def _deciders(unit: Unit) -> set[int | None]:
    """Those who may decide about anybody: Informática and the director of DGIFT."""
    names = func.array_cat(ROLE_NAMES, BASE_NAMES)
    has = (func.array_position(names, role.label).is_not(None) for role in (Role.ADMIN, Role.DIRECTOR))
    return set(unit.session.scalars(select(Account.id).where(Account.active, or_(*has))))


# -- telling --------------------------------------------------------------------------------------------


def _tell(unit: Unit, account_id: int, what: str) -> None:
    moment = clock.real_now().isoformat()
    defer(unit.session, "tell_second_factor", account_id=account_id, what=what, moment=moment)


def tell(account_id: int, what: str, moment: str) -> bool:
    """Tell the person by mail what became of his second factor (the worker's part); whether it went out."""
    account = Session.get(Account, account_id)
    if account is None or not account.email or not mail.configured():
        return False
    when = clock.local(datetime.fromisoformat(moment))
    words = LETTER.format(
        name=account.get_full_name(),
        username=account.username,
        what=WHAT[what],
        moment=f"{when:%d/%m/%Y a las %H:%M}",
    )
    mail.send(account.email, "SIS: su segundo factor", words)
    return True
