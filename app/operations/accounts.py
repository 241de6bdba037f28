"""Accounts of people: made, changed, deactivated, given a provisional password. What IT does on screen.

Every call is an Act. A change of password, state or roles ends the sessions of the account (by a trigger).
"""

import secrets
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from flask_appbuilder.security.sqla.models import Role as RoleRow
from sqlalchemy import func, select

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing, NotAllowed, RuleBroken
from app.models.catalogs import Office
from app.models.security import Account, UserOffice
from app.operations.unit import Unit, act
from app.security.manager import hash_password
from app.security.principal import current
from app.security.roles import Role

PLAIN = ("username", "first_name", "last_name", "email", "active")
SYLLABLES = ("ka", "me", "ru", "to", "pi", "sa", "ne", "lo", "vi", "da", "gu", "cha", "ro", "ti", "be", "mo")


def create(values: Mapping[str, Any], roles: Collection[int], office_id: int | None) -> tuple[Account, str]:
    """A new account and its provisional password, which is shown once. Raises RuleBroken at the field."""
    password = provisional_password()
    with act("account.create") as unit:
        account = Account(must_change_password=True)
        _fill(unit, account, values)
        account.password = hash_password(password)
        unit.session.add(account)
        _give_roles(unit, account, roles)
        unit.session.flush()
        _give_office(unit, account, office_id)
    return account, password


def change(key: int, values: Mapping[str, Any], roles: Collection[int], office_id: int | None) -> Account:
    """Change an account, its roles and its office. Nobody takes the administration from himself."""
    with act("account.change") as unit:
        account = _get(unit, key)
        _fill(unit, account, values)
        _give_roles(unit, account, roles)
        if account.id == current().account_id:
            names = {role.name for role in account.roles}
            if not account.active or Role.ADMIN.label not in names:
                raise RuleBroken(
                    "No puede quitarse a sí mismo la administración: pídalo a otro administrador."
                )
        _give_office(unit, account, office_id)
        unit.session.flush()
    return account


def reset_password(key: int) -> tuple[Account, str]:
    """A provisional password, shown once to whoever hands it over; the sessions end."""
    password = provisional_password()
    with act("account.reset") as unit:
        account = _get(unit, key)
        if account.id == current().account_id:
            raise NotAllowed("Su propia contraseña se cambia en «Mi cuenta».")
        account.password, account.must_change_password = hash_password(password), True
        unit.session.flush()
    return account, password


def provisional_password() -> str:
    """A password that can be read aloud and typed from paper: four groups of two syllables and a digit."""
    groups = (
        "".join(secrets.choice(SYLLABLES) for _ in range(2)) + secrets.choice("23456789") for _ in range(4)
    )
    return "-".join(groups)


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
        if getattr(account, name) != values[name]:
            setattr(account, name, values[name])


def _give_roles(unit: Unit, account: Account, roles: Collection[int]) -> None:
    found = list(unit.session.scalars(select(RoleRow).where(RoleRow.id.in_(roles))))
    if not found or len(found) != len(set(roles)):
        raise RuleBroken("Elija al menos una función de la lista.", field="roles")
    if {role.id for role in found} != {role.id for role in account.roles}:
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
