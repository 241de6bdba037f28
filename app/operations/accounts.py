"""Accounts of people: made, changed, deactivated, given a provisional password. What IT does on screen.

Every call is an Act. A change of password, state or roles ends the sessions of the account (by a trigger).
"""

import secrets
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any

from flask_appbuilder.security.sqla.models import Role as RoleRow
from sqlalchemy import ColumnElement, Text, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing, NotAllowed, RuleBroken
from app.models.catalogs import Office
from app.models.security import Account, DerivedRole, UserOffice
from app.operations.unit import Unit, act
from app.security.manager import ROLE_NAMES, hash_password
from app.security.principal import current
from app.security.roles import Role

PLAIN = ("username", "first_name", "last_name", "email", "active", "directory")
SYLLABLES = ("ka", "me", "ru", "to", "pi", "sa", "ne", "lo", "vi", "da", "gu", "cha", "ro", "ti", "be", "mo")


def create(values: Mapping[str, Any], roles: Collection[int], office_id: int | None) -> tuple[Account, str]:
    """A new account and its provisional password, which is shown once. Raises RuleBroken at the field."""
    password = provisional_password()
    hashed = hash_password(password)  # slow on purpose: before the act, which holds a connection
    with act("account.create") as unit:
        account = add(unit, values, roles, office_id, hashed)
    return account, password


def add(
    unit: Unit, values: Mapping[str, Any], roles: Collection[int], office_id: int | None, hashed: str | None
) -> Account:
    """A new account inside an open act; a machine's has no password. Raises RuleBroken at the field."""
    account = Account(must_change_password=True, password=hashed)
    _fill(unit, account, values)
    unit.session.add(account)
    _give_roles(unit, account, roles)
    unit.session.flush()
    _give_office(unit, account, office_id)
    return account


def change(key: int, values: Mapping[str, Any], roles: Collection[int], office_id: int | None) -> Account:
    """Change an account, its roles and its office. Nobody takes the administration from himself."""
    with act("account.change") as unit:
        account = _get(unit, key)
        spare_administrators(unit, account)
        _fill(unit, account, values)
        _give_roles(unit, account, roles)
        _give_office(unit, account, office_id)
        unit.session.flush()
        keep_administration(unit)
        keep_local_administrator(unit, account)
    return account


def reset_password(key: int) -> tuple[Account, str]:
    """A provisional password, shown once to whoever hands it over; the sessions end."""
    password = provisional_password()
    with act("account.reset") as unit:
        account = _get(unit, key)
        if account.id == current().account_id:
            raise NotAllowed("Su propia contraseña se cambia en «Mi cuenta».")
        spare_administrators(unit, account)
        if account.machine:
            raise RuleBroken("Es una máquina: pregunta con su llave y no entra con contraseña.")
        if account.directory:
            raise RuleBroken("Entra con la contraseña de su computadora: se cambia en el directorio.")
        account.password, account.must_change_password = hash_password(password), True
        unit.session.flush()
    return account, password


def provisional_password() -> str:
    """A password that can be read aloud and typed from paper: four groups of two syllables and a digit."""
    groups = (
        "".join(secrets.choice(SYLLABLES) for _ in range(2)) + secrets.choice("23456789") for _ in range(4)
    )
    return "-".join(groups)


def is_administrator() -> bool:
    """Whether the present actor is Informática itself: the role of the code, or the system, its console."""
    actor = current()
    return Role.ADMIN.label in actor.roles or (actor.account_id is None and actor.origin != "web")


def administration() -> ColumnElement[list[str]]:
    """The names of the roles that administer: Admin TI and what was copied from it, as an array in SQL."""
    return func.array_append(derived_from(Role.ADMIN.label), Role.ADMIN.label, type_=ARRAY(Text))


def derived_from(base: str) -> ColumnElement[list[str]]:
    """The names of the roles copied from a base role, as an array in SQL."""
    names = (
        select(cast(RoleRow.name, Text))
        .join(DerivedRole, DerivedRole.role_id == RoleRow.id)
        .where(DerivedRole.base == base)
    )
    return func.array(names.scalar_subquery(), type_=ARRAY(Text))


def spare_administrators(unit: Unit, account: Account) -> None:
    """Only Informática itself touches who administers: a derived role cannot climb by way of an account."""
    if is_administrator() or account.id is None:
        return
    administers = select(ROLE_NAMES.bool_op("&&")(administration())).where(Account.id == account.id)
    if unit.session.scalar(administers):
        raise NotAllowed("Las cuentas de Informática solo las cambia Informática.")


def may_give(names: Iterable[str]) -> None:
    """Refuse to give or take the roles that administer to whoever is not Informática itself."""
    if not is_administrator() and set(names) & set(Session.scalar(select(administration())) or ()):
        raise NotAllowed("La función de Informática solo la da o la quita Informática.")


def keep_administration(unit: Unit) -> None:
    """Nobody takes the administration from himself, by account, role or group: someone always keeps it."""
    actor = current()
    if actor.account_id is None or Role.ADMIN.label not in actor.roles:
        return
    names = unit.session.scalar(select(ROLE_NAMES).where(Account.id == actor.account_id, Account.active))
    if Role.ADMIN.label not in (names or ()):
        raise RuleBroken("No puede quitarse a sí mismo la administración: pídalo a otro administrador.")


def keep_local_administrator(unit: Unit, changed: Account) -> None:
    """Somebody administers with a password of the system's own: a directory that is down stops nobody.

    Raises RuleBroken at `directory`.
    """
    local = select(Account.id).where(
        Account.active,
        Account.directory.is_(False),
        func.array_position(ROLE_NAMES, Role.ADMIN.label).is_not(None),
    )
    if changed.directory and unit.session.scalar(local.limit(1)) is None:
        raise RuleBroken(
            "Es el último administrador con contraseña propia del SIS: sin él, nadie entra cuando el "
            "directorio no responde.",
            field="directory",
        )


def _get(unit: Unit, key: int) -> Account:
    account: Account | None = unit.session.get(Account, key)
    if account is None:
        raise Missing()
    return account


def _fill(unit: Unit, account: Account, values: Mapping[str, Any]) -> None:
    for name in ("username", "email"):
        column = getattr(Account, name)
        same = select(Account.id).where(func.lower(column) == str(values[name]).lower())
        with unit.session.no_autoflush:
            found = unit.session.scalar(same)
        if found is not None and found != account.id:
            raise RuleBroken("Ya lo usa otra cuenta.", field=name)
    for name in PLAIN:
        if name in values and getattr(account, name) != values[name]:
            setattr(account, name, values[name])
    if account.directory:
        account.must_change_password = False


def _give_roles(unit: Unit, account: Account, roles: Collection[int]) -> None:
    found = list(unit.session.scalars(select(RoleRow).where(RoleRow.id.in_(roles))))
    if not found or len(found) != len(set(roles)):
        raise RuleBroken("Elija al menos una función de la lista.", field="roles")
    touched = {role.name for role in found} ^ {role.name for role in account.roles}
    if not touched:
        return
    may_give(touched)
    account.roles = found


def _give_office(unit: Unit, account: Account, office_id: int | None) -> None:
    """The office served from today on; the former one is closed yesterday, its history stays."""
    if office_id is not None and unit.session.get(Office, office_id) is None:
        raise RuleBroken("Elija una oficina de la lista.", field="office_id")
    today = clock.today()
    still = list(
        unit.session.scalars(
            select(UserOffice).where(UserOffice.user_id == account.id, UserOffice.valid_to.is_(None))
        )
    )
    if [row.office_id for row in still] == ([office_id] if office_id else []):
        return
    for row in still:
        row.valid_to = max(today - timedelta(days=1), row.valid_from)
    unit.session.flush()
    if office_id is not None:
        unit.session.add(UserOffice(user_id=account.id, office_id=office_id, valid_from=today))


def office_of(account_id: int) -> int | None:
    """The office that an account serves today, if any."""
    found: int | None = Session.scalar(
        select(UserOffice.office_id).where(UserOffice.user_id == account_id, UserOffice.valid_to.is_(None))
    )
    return found
