"""Back in without the password: a link by mail, or a code on paper. Nothing tells whether an account exists.

Either serves once, ends every session of the account (a trigger does) and leaves what a device holds offline
alone. The link is made by the worker, so that its secret is in the letter and nowhere else.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select, update
from werkzeug.security import check_password_hash

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing, NotAllowed, RuleBroken
from app.models.security import Account, Recovery, UserOffice, Way
from app.operations import accounts, mail
from app.operations.jobs import defer
from app.operations.unit import Unit, act
from app.security.attempts import fingerprint
from app.security.manager import BASE_NAMES, ROLE_NAMES, check_new_password, hash_password
from app.security.principal import Principal, acting_as, current
from app.security.roles import LEADERS, Role

LINK_LIVES = timedelta(minutes=30)
CODE_LIVES = timedelta(hours=48)
LINKS_AN_HOUR = 3
"""Letters that an account gets in an hour at most, however often strangers ask for them."""

LINK_PAGE, CODE_PAGE = "/olvide-mi-clave", "/codigo/"

LETTER = """Hola, {name}:

Alguien, probablemente usted, pidió una contraseña nueva para su cuenta «{username}» del SIS.
Elíjala en esta dirección, que sirve una sola vez y hasta las {until}:

{address}

Si no fue usted, no haga nada: su contraseña sigue siendo la misma. Nadie de Informática le pedirá
este enlace ni su contraseña.
"""
NOTICE = """Hola, {name}:

La contraseña de su cuenta «{username}» del SIS se cambió el {moment} {how}.
Se cerraron las sesiones abiertas.

Si no fue usted, avise enseguida a Informática.
"""
HOW = {Way.LINK.value: "con el enlace que pidió por correo", Way.CODE.value: "con un código de un solo uso"}


@dataclass(frozen=True)
class Slip:
    """A code to be handed over in print, shown once."""

    account: Account
    code: str
    ends_at: datetime
    page: str


# -- by mail --------------------------------------------------------------------------------------------


def ask(name_or_mail: str) -> None:
    """Somebody forgot his password. The same for every name: one select, one act, one job."""
    wanted = name_or_mail.strip().lower()
    with act("account.forgotten") as unit:
        found = unit.session.scalar(
            select(Account.id)
            .where(
                Account.active,
                Account.directory.is_(False),
                Account.machine.is_(False),
                or_(func.lower(Account.username) == wanted, func.lower(Account.email) == wanted),
            )
            .order_by((func.lower(Account.username) == wanted).desc())
            .limit(1)
        )
        defer(unit.session, "send_recovery", account_id=found)


def send_link(account_id: int | None) -> bool:
    """Make a link and send it (the worker's part); whether a letter went out."""
    if account_id is None or not mail.configured():
        return False
    token, now = secrets.token_urlsafe(32), clock.real_now()
    with acting_as(Principal("correo", origin="tarea")), act("recovery.link") as unit:
        account = unit.session.get(Account, account_id)
        if account is None or not account.active or not account.email or _many(unit, account_id, now):
            return False
        _void(unit, account_id, Way.LINK, now)
        link = Recovery(
            user_id=account_id,
            way=Way.LINK.value,
            secret_hash=fingerprint(token),
            created_at=now,
            ends_at=now + LINK_LIVES,
        )
        unit.session.add(link)
    words = LETTER.format(
        name=account.get_full_name(),
        username=account.username,
        until=f"{clock.local(link.ends_at):%H:%M}",
        address=mail.address_of(f"{LINK_PAGE}/{token}"),
    )
    try:
        mail.send(account.email, "SIS: su contraseña nueva", words)
    except Exception:
        with acting_as(Principal("correo", origin="tarea")), act("recovery.unsent") as unit:
            unit.session.delete(link)  # not sent: it does not count among those of this hour
        raise
    return True


def tell_change(account_id: int, way: str, moment: str) -> bool:
    """Tell the person by mail that the password was changed (the worker's part); whether it went out."""
    account = Session.get(Account, account_id)
    if account is None or not account.email or not mail.configured():
        return False
    when = clock.local(datetime.fromisoformat(moment))
    words = NOTICE.format(
        name=account.get_full_name(),
        username=account.username,
        moment=f"{when:%d/%m/%Y a las %H:%M}",
        how=HOW[way],
    )
    mail.send(account.email, "SIS: se cambió su contraseña", words)
    return True


def holder_of(token: str) -> Account | None:
    """Whose link this is, while it serves. Looking does not use it up: mail programs look first."""
    found: Account | None = Session.scalar(
        select(Account)
        .join(Recovery, Recovery.user_id == Account.id)
        .where(*_serves(clock.real_now()), Recovery.secret_hash == fingerprint(token))
        .where(Recovery.way == Way.LINK.value, Account.active)
    )
    return found


def use_link(token: str, new: str) -> Account:
    """Set a new password with a link. Raises Missing when it serves no more, RuleBroken at the password."""
    account = holder_of(token)
    if account is None:
        raise Missing("El enlace ya no sirve.")
    with acting_as(himself(account)), act("account.recover", reason=Way.LINK.label) as unit:
        _use(unit, Recovery.secret_hash == fingerprint(token), Way.LINK)
        _set_password(unit, account, new, Way.LINK)
    return account


# -- on paper -------------------------------------------------------------------------------------------


def may_help(words: Any = None) -> Select[Any]:
    """The accounts to which the present actor may release a code.

    Informática: every one. A coordinator or director: those who are inspectors and nothing else, of the
    offices that he serves himself.
    """
    people = select(Account).where(Account.active, Account.machine.is_(False))
    query = people.order_by(Account.last_name, Account.id)
    actor = current()
    if actor.account_id is not None:
        query = query.where(Account.id != actor.account_id)
    if Role.ADMIN.label in actor.roles or actor.account_id is None:
        return query
    if not actor.roles & {role.label for role in LEADERS}:
        raise NotAllowed()
    today = clock.today()
    served = select(UserOffice.user_id).where(
        UserOffice.office_id.in_(actor.offices),
        UserOffice.valid_from <= today,
        or_(UserOffice.valid_to.is_(None), UserOffice.valid_to >= today),
    )
    inspector = Role.INSPECTOR.label
    bases = func.array_cat(ROLE_NAMES, BASE_NAMES)
    others = func.array_remove(bases, inspector)
    return query.where(
        Account.id.in_(served),
        func.array_position(bases, inspector).is_not(None),
        others.bool_op("<@")(accounts.derived_from(inspector)),
    )


def release_code(key: int) -> Slip:
    """A one-time code for somebody of one's own. Raises Missing for everybody else's people."""
    code, now = accounts.provisional_password(), clock.real_now()
    hashed, ends_at = hash_password(code), now + CODE_LIVES
    with act("recovery.code") as unit:
        account: Account | None = unit.session.scalar(may_help().where(Account.id == key))
        if account is None:
            raise Missing()
        if account.directory:
            raise RuleBroken("Entra con la contraseña de su computadora: se cambia en el directorio.")
        _void(unit, account.id, Way.CODE, now)
        unit.session.add(
            Recovery(
                user_id=account.id,
                way=Way.CODE.value,
                secret_hash=hashed,
                created_at=now,
                created_by_id=current().account_id,
                ends_at=ends_at,
            )
        )
    return Slip(account, code, ends_at, mail.address_of(CODE_PAGE))


def use_code(name: str, code: str, new: str, fake_hash: str) -> Account | None:
    """Set a new password with a code; None when name and code do not go together (whichever it is).

    The same work is done for names without account or code; `fake_hash` is what they are checked against.
    Raises RuleBroken at the password, with the code still good.
    """
    wanted = name.strip().lower()
    row = Session.execute(
        select(Account, Recovery)
        .join(Recovery, Recovery.user_id == Account.id)
        .where(func.lower(Account.username) == wanted, Account.active)
        .where(*_serves(clock.real_now()), Recovery.way == Way.CODE.value)
        .order_by(Recovery.id.desc())
    ).first()
    right = check_password_hash(row[1].secret_hash if row else fake_hash, plain(code))
    if row is None or not right:
        with act("recovery.refused"):
            return None
    account: Account = row[0]
    recovery: Recovery = row[1]
    with acting_as(himself(account)), act("account.recover", reason=Way.CODE.label) as unit:
        _use(unit, Recovery.id == recovery.id, Way.CODE)
        _set_password(unit, account, new, Way.CODE)
    return account


def plain(code: str) -> str:
    """A code as it was printed, however it was typed: capitals, blanks, no hyphens."""
    bare = "".join(letter for letter in code.lower() if letter.isascii() and letter.isalnum())
    groups, group = [], ""
    for letter in bare[:64]:
        group += letter
        if letter.isdigit():
            groups.append(group)
            group = ""
    return "-".join([*groups, group] if group else groups)


# -- both -----------------------------------------------------------------------------------------------


def _serves(now: datetime) -> tuple[Any, ...]:
    return Recovery.used_at.is_(None), Recovery.void_at.is_(None), Recovery.ends_at > now


def _many(unit: Unit, account_id: int, now: datetime) -> bool:
    sent = select(func.count()).where(
        Recovery.user_id == account_id,
        Recovery.way == Way.LINK.value,
        Recovery.created_at > now - timedelta(hours=1),
    )
    return (unit.session.scalar(sent) or 0) >= LINKS_AN_HOUR


def _void(unit: Unit, account_id: int, way: Way, now: datetime) -> None:
    """A new one leaves the former without effect; two at once wait for each other on the account's row."""
    unit.session.execute(select(Account.id).where(Account.id == account_id).with_for_update())
    unit.session.execute(
        update(Recovery)
        .where(Recovery.user_id == account_id, Recovery.way == way.value)
        .where(Recovery.used_at.is_(None), Recovery.void_at.is_(None))
        .values(void_at=now)
        .execution_options(synchronize_session=False)
    )


def _use(unit: Unit, which: Any, way: Way) -> None:
    """Use it up, in one statement: of two at once the second finds nothing."""
    now = clock.real_now()
    used = unit.session.execute(
        update(Recovery)
        .where(which, Recovery.way == way.value, *_serves(now))
        .values(used_at=now)
        .returning(Recovery.id)
        .execution_options(synchronize_session=False)
    ).first()
    if used is None:
        raise Missing("El enlace o el código ya no sirve.")


def _set_password(unit: Unit, account: Account, new: str, way: Way) -> None:
    check_new_password(new, account)
    unit.session.execute(
        update(Account)
        .where(Account.id == account.id)
        .values(password=hash_password(new), must_change_password=False)
        .execution_options(synchronize_session=False)
    )
    defer(
        unit.session,
        "tell_change",
        account_id=account.id,
        way=way.value,
        moment=clock.real_now().isoformat(),
    )


def himself(account: Account) -> Principal:
    """The person, who proved by link or code to be the one."""
    present = current()
    return Principal(
        account.username,
        account.id,
        origin=present.origin,
        address=present.address,
        request_id=present.request_id,
    )
