"""Roles of the ministry's own and groups of people, as Informática makes them on screen.

A base role is code (security/roles.py). A derived one is a row: a copy of a base role with changed grants, of
doors that exist; in the procedure who holds it acts as the base. A group gives its roles to its members.
"""

from collections.abc import Collection
from typing import Any

from flask_appbuilder.security.sqla.models import (
    Group,
    Permission,
    PermissionView,
    ViewMenu,
    assoc_group_role,
    assoc_user_role,
)
from flask_appbuilder.security.sqla.models import Role as RoleRow
from flask_appbuilder.security.sqla.models import assoc_user_group as MEMBERS
from sqlalchemy import delete, func, insert, or_, select

from app.core.base import Session
from app.core.errors import Missing, NotAllowed, RuleBroken, Stale
from app.core.types import fold
from app.models.security import Account, DerivedRole
from app.operations import accounts
from app.operations.unit import Unit, act
from app.security.principal import current
from app.security.roles import BY_NAME, PERSONAL, Role

Grant = tuple[str, str]
"""(permission, resource), such as ("can_list", "Office")."""

GRANTABLE = frozenset(grant for grants in BY_NAME.values() for grant in grants) - PERSONAL
"""What a derived role may hold at all: doors that the matrix opens to somebody."""

CLIMBING = frozenset(
    grant
    for grant in GRANTABLE
    if grant[1] in ("Account", "Role", "Group") and grant[0] not in ("can_list", "can_show")
)
"""Doors through which one gives himself any other: only for copies of Admin TI."""


def create(
    base: str, name: str, description: str, grants: Collection[Grant], reason: str | None = None
) -> int:
    """A copy of a base role with these grants; its key. Raises RuleBroken at the field."""
    if base not in BY_NAME:
        raise RuleBroken("Elija una función de base de la lista.", field="base")
    with act("role.create", reason=reason) as unit:
        _check_administrator()
        role = RoleRow(name=_role_name(unit, name, None))
        role.permissions = _permissions(unit, base, grants)
        unit.session.add(role)
        unit.session.flush()
        unit.session.add(
            DerivedRole(
                role_id=role.id,
                base=base,
                description=description.strip() or None,
                created_by_id=current().account_id,
            )
        )
        unit.session.flush()
        key: int = role.id
    return key


def change(
    key: int,
    name: str,
    description: str,
    grants: Collection[Grant],
    version: int | None = None,
    reason: str | None = None,
) -> None:
    """Change a derived role; its holders have the new grants at their next request.

    Raises Missing, NotAllowed for a base role, Stale when another person changed it since `version`.
    """
    with act("role.change", reason=reason) as unit:
        _check_administrator()
        role, derived = _derived(unit, key)
        if version is not None and version != derived.version:
            raise Stale()
        role.name = _role_name(unit, name, key)
        found = _permissions(unit, derived.base, grants)
        if {item.id for item in found} != {item.id for item in role.permissions}:
            role.permissions = found
        derived.description = description.strip() or None
        derived.updated_by_id, derived.updated_at = current().account_id, func.now()
        unit.session.flush()


def remove(key: int) -> None:
    """Delete a derived role that nobody holds. Raises RuleBroken while somebody does."""
    with act("role.remove") as unit:
        _check_administrator()
        role, derived = _derived(unit, key)
        people, groups = holders(key)
        if people or groups:
            raise RuleBroken(
                f"La tienen {people} personas y {groups} grupos: quítesela primero, o cámbiela por otra."
            )
        role.permissions = []
        unit.session.delete(derived)
        unit.session.flush()
        unit.session.delete(role)
        unit.session.flush()


def holders(key: int) -> tuple[int, int]:
    """How many accounts and groups hold a role."""
    people, groups = (
        Session.scalar(select(func.count()).select_from(table).where(table.c.role_id == key)) or 0
        for table in (assoc_user_role, assoc_group_role)
    )
    return people, groups


def grants_of_role(key: int) -> frozenset[Grant]:
    """The grants of a derived role, those of everybody apart."""
    rows = Session.execute(
        select(Permission.name, ViewMenu.name)
        .select_from(RoleRow)
        .join(RoleRow.permissions)
        .join(Permission, PermissionView.permission_id == Permission.id)
        .join(ViewMenu, PermissionView.view_menu_id == ViewMenu.id)
        .where(RoleRow.id == key)
    )
    return frozenset((permission, resource) for permission, resource in rows)


def existing() -> frozenset[Grant]:
    """Every grant that a derived role may be given in this installation."""
    rows = Session.execute(
        select(Permission.name, ViewMenu.name)
        .select_from(PermissionView)
        .join(Permission, PermissionView.permission_id == Permission.id)
        .join(ViewMenu, PermissionView.view_menu_id == ViewMenu.id)
    )
    return frozenset((permission, resource) for permission, resource in rows) & GRANTABLE


# -- groups ---------------------------------------------------------------------------------------------


def create_group(name: str, description: str, roles: Collection[int]) -> int:
    """A new group without members; its key. Raises RuleBroken at the field."""
    with act("group.create") as unit:
        _check_administrator()
        group = Group(name=_group_name(unit, name, None), description=description.strip() or None)
        group.roles = _roles(unit, roles)
        unit.session.add(group)
        unit.session.flush()
        key: int = group.id
    return key


def change_group(key: int, name: str, description: str, roles: Collection[int]) -> None:
    """Change a group; a change of its roles ends the sessions of its members (a trigger does)."""
    with act("group.change") as unit:
        _check_administrator()
        group = _group(unit, key)
        group.name, group.description = _group_name(unit, name, key), description.strip() or None
        found = _roles(unit, roles)
        if {role.id for role in found} != {role.id for role in group.roles}:
            group.roles = found
        unit.session.flush()
        accounts.keep_administration(unit)


def remove_group(key: int) -> None:
    """Delete a group; its members lose what it gave them, and their sessions end."""
    with act("group.remove") as unit:
        _check_administrator()
        group = _group(unit, key)
        group.roles = []
        unit.session.execute(delete(MEMBERS).where(MEMBERS.c.group_id == key))
        unit.session.flush()
        unit.session.delete(group)
        unit.session.flush()
        accounts.keep_administration(unit)


def add_member(key: int, name_or_mail: str) -> Account:
    """Put a person into a group, by user name or mail. Raises RuleBroken when there is no such account."""
    wanted = name_or_mail.strip().lower()
    with act("group.member") as unit:
        _check_administrator()
        _group(unit, key)
        account: Account | None = unit.session.scalar(
            select(Account).where(
                or_(func.lower(Account.username) == wanted, func.lower(Account.email) == wanted)
            )
        )
        if account is None:
            raise RuleBroken("No hay una cuenta con ese usuario o correo: revise cómo se escribe.", "member")
        if unit.session.execute(select(MEMBERS).where(*_membership(key, account.id))).first():
            raise RuleBroken("Ya integra el grupo.", field="member")
        unit.session.execute(insert(MEMBERS).values(group_id=key, user_id=account.id))
    return account


def remove_member(key: int, account_id: int) -> None:
    """Take a person out of a group; his sessions end."""
    with act("group.member") as unit:
        _check_administrator()
        gone = delete(MEMBERS).where(*_membership(key, account_id)).returning(MEMBERS.c.user_id)
        if unit.session.execute(gone).first() is None:
            raise Missing()
        accounts.keep_administration(unit)


def groups_of(account_id: int) -> list[str]:
    """The names of the groups that an account belongs to."""
    return list(
        Session.scalars(
            select(Group.name)
            .join(MEMBERS, MEMBERS.c.group_id == Group.id)
            .where(MEMBERS.c.user_id == account_id)
            .order_by(Group.name)
        )
    )


def _check_administrator() -> None:
    if not accounts.is_administrator():
        raise NotAllowed("Las funciones y los grupos solo los cambia Informática (Admin TI).")


def _role_name(unit: Unit, name: str, key: int | None) -> str:
    name = " ".join(name.split())
    if not 3 <= len(name) <= 64:
        raise RuleBroken("Escriba un nombre de 3 a 64 letras.", field="name")
    taken = {fold(role.label) for role in Role} | {fold(word) for role in Role for word in (role.value,)}
    same = select(RoleRow.id).where(func.fold(RoleRow.name) == func.fold(name))
    with unit.session.no_autoflush:
        found = unit.session.scalar(same)
    if fold(name) in taken or (found is not None and found != key):
        raise RuleBroken("Ya hay una función con ese nombre.", field="name")
    return name


def _group_name(unit: Unit, name: str, key: int | None) -> str:
    name = " ".join(name.split())
    if not 3 <= len(name) <= 100:
        raise RuleBroken("Escriba un nombre de 3 a 100 letras.", field="name")
    with unit.session.no_autoflush:
        found = unit.session.scalar(select(Group.id).where(func.fold(Group.name) == func.fold(name)))
    if found is not None and found != key:
        raise RuleBroken("Ya hay un grupo con ese nombre.", field="name")
    return name


def _permissions(unit: Unit, base: str, grants: Collection[Grant]) -> list[PermissionView]:
    wanted = set(grants)
    if not wanted:
        raise RuleBroken("Marque al menos un permiso.", field="grants")
    if not wanted <= GRANTABLE:
        raise RuleBroken("Elija permisos de la lista.", field="grants")
    if wanted & CLIMBING and base != Role.ADMIN.label:
        raise RuleBroken(
            "Cambiar usuarios, funciones o grupos es de Informática: solo lo puede tener una copia de "
            f"«{Role.ADMIN.label}».",
            field="grants",
        )
    rows = unit.session.execute(
        select(PermissionView, Permission.name, ViewMenu.name)
        .join(Permission, PermissionView.permission_id == Permission.id)
        .join(ViewMenu, PermissionView.view_menu_id == ViewMenu.id)
    )
    found = [row for row, permission, resource in rows if (permission, resource) in wanted]
    if len(found) != len(wanted):
        raise RuleBroken("Elija permisos de la lista.", field="grants")
    return found


def _derived(unit: Unit, key: int) -> tuple[RoleRow, DerivedRole]:
    role = unit.session.get(RoleRow, key)
    derived = unit.session.get(DerivedRole, key)
    if role is None:
        raise Missing()
    if derived is None:
        raise NotAllowed("Las funciones de base son parte del sistema: haga una copia y cámbiela.")
    return role, derived


def _group(unit: Unit, key: int) -> Group:
    group = unit.session.get(Group, key)
    if group is None:
        raise Missing()
    return group


def _membership(group: int, account: int) -> tuple[Any, Any]:
    return MEMBERS.c.group_id == group, MEMBERS.c.user_id == account


def _roles(unit: Unit, keys: Collection[int]) -> list[RoleRow]:
    found = list(unit.session.scalars(select(RoleRow).where(RoleRow.id.in_(keys))))
    if not found or len(found) != len(set(keys)):
        raise RuleBroken("Elija al menos una función de la lista.", field="roles")
    return found
