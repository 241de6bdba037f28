"""Many accounts at once, from a list: every row is judged first, then all are made in one act or none is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_appbuilder.security.sqla.models import Role as RoleRow
from sqlalchemy import func, select

from app.core.base import Session
from app.core.errors import DomainError, RuleBroken
from app.core.types import fold
from app.models.catalogs import Office
from app.models.security import Account
from app.operations import accounts
from app.operations.unit import act
from app.security.manager import hash_password
from app.security.roles import Role

USERNAME = re.compile(r"[a-z][a-z0-9._-]{2,39}")
MAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,200}\.[a-zA-Z]{2,}")
NEEDED = {"first_name": "el nombre", "last_name": "el apellido", "email": "el correo", "roles": "la función"}


@dataclass
class Candidate:
    """A row of the list, what it stands for, and what is wrong with it."""

    line: int
    cells: dict[str, str]
    username: str = ""
    proposed: bool = False
    roles: list[RoleRow] = field(default_factory=list)
    office: Office | None = None
    errors: list[str] = field(default_factory=list)


def review(rows: Sequence[tuple[int, Mapping[str, str]]]) -> list[Candidate]:
    """Judge every (line, cells); nothing is written."""
    roles = _roles_by_name()
    offices = _offices_by_name()
    found = [Candidate(line, dict(cells)) for line, cells in rows]
    names = {fold(each.cells.get("username", "")) for each in found}
    mails = {each.cells.get("email", "").lower() for each in found}
    used_names, used_mails = _used(mails)
    seen: dict[str, int] = {}
    for each in found:
        cells = each.cells
        each.errors += [f"Falta {words}." for name, words in NEEDED.items() if not cells.get(name)]
        _judge_mail(each, used_mails, seen)
        each.username = cells.get("username", "").lower()
        if not each.username and cells.get("first_name") and cells.get("last_name"):
            each.username, each.proposed = _propose(cells, used_names | names), True
            names.add(each.username)
        _judge_name(each, used_names, seen)
        for name in ("first_name", "last_name"):
            if len(cells.get(name, "")) > 64:
                each.errors.append(f"{'El nombre' if name == 'first_name' else 'El apellido'} es muy largo.")
        _judge_roles(each, roles)
        wanted = fold(cells.get("office", ""))
        if wanted:
            each.office = offices.get(wanted)
            if each.office is None:
                each.errors.append(f"No hay una oficina «{cells['office']}»: use su sigla.")
    return found


def create(rows: Sequence[tuple[int, Mapping[str, str]]]) -> list[tuple[Account, str]]:
    """Make every account, in one act; each with its provisional password, shown once.

    Raises RuleBroken when any row is not good (it is judged again: the list came back from a page).
    """
    found = review(rows)
    wrong = [each.line for each in found if each.errors]
    if not found or wrong:
        raise RuleBroken(f"Hay filas para corregir: {', '.join(map(str, wrong[:20])) or 'ninguna persona'}.")
    passwords = [accounts.provisional_password() for _ in found]
    hashes = [hash_password(password) for password in passwords]
    made = []
    with act("account.create", reason=f"Planilla de {len(found)} personas") as unit:
        for each, hashed in zip(found, hashes, strict=True):
            values: dict[str, Any] = {name: each.cells[name] for name in ("first_name", "last_name", "email")}
            values |= {"username": each.username, "active": True}
            roles = [role.id for role in each.roles]
            try:
                account = accounts.add(unit, values, roles, each.office.id if each.office else None, hashed)
            except RuleBroken as error:
                raise RuleBroken(f"Fila {each.line}: {error.message}") from error
            made.append(account)
    return list(zip(made, passwords, strict=True))


def _judge_mail(each: Candidate, used: set[str], seen: dict[str, int]) -> None:
    mail = each.cells.get("email", "").lower()
    if not mail:
        return
    if not MAIL.fullmatch(mail):
        each.errors.append("No parece un correo: revise la dirección.")
    elif mail in used:
        each.errors.append("Otra cuenta ya usa ese correo.")
    elif mail in seen:
        each.errors.append(f"El correo se repite en la fila {seen[mail]}.")
    seen.setdefault(mail, each.line)


def _judge_name(each: Candidate, used: set[str], seen: dict[str, int]) -> None:
    name = each.username
    if not name:
        return
    if not USERNAME.fullmatch(name):
        each.errors.append("El usuario lleva de 3 a 40 letras sin acento, números, punto o guion.")
    elif name in used:
        each.errors.append(f"Ya existe el usuario «{name}».")
    elif f"usuario {name}" in seen:
        each.errors.append(f"El usuario se repite en la fila {seen[f'usuario {name}']}.")
    seen.setdefault(f"usuario {name}", each.line)


def _judge_roles(each: Candidate, roles: Mapping[str, RoleRow]) -> None:
    for word in filter(None, (part.strip() for part in re.split(r"[;,/|+]", each.cells.get("roles", "")))):
        role = roles.get(fold(word)) or roles.get(fold(each.cells["roles"]))
        if role is None:
            each.errors.append(f"No hay una función «{word}»: use los nombres de la lista.")
        elif role not in each.roles:
            each.roles.append(role)
    try:
        accounts.may_give(role.name for role in each.roles)
    except DomainError as error:
        each.errors.append(error.message)


def _propose(cells: Mapping[str, str], taken: set[str]) -> str:
    """`lvazquez` for Lourdes Vázquez, with a number when it is taken."""
    first, last = (
        re.sub(r"[^a-z]", "", fold(cells[name]).split(" ")[0]) for name in ("first_name", "last_name")
    )
    stem = (first[:1] + last)[:36] or "usuario"
    stem = stem if len(stem) > 2 else f"{stem}usuario"
    return next(name for n in range(1, 10_000) if (name := stem if n == 1 else f"{stem}{n}") not in taken)


def _used(mails: set[str]) -> tuple[set[str], set[str]]:
    """User names and, of these mails, those that accounts have already, in small letters."""
    names = set(Session.scalars(select(func.lower(Account.username))))
    mail = func.lower(Account.email)
    return names, set(Session.scalars(select(mail).where(mail.in_(mails))))


def _roles_by_name() -> dict[str, RoleRow]:
    rows = {fold(row.name): row for row in Session.scalars(select(RoleRow))}
    keys = {fold(role.value): rows[fold(role.label)] for role in Role if fold(role.label) in rows}
    short = {
        fold(role.label.partition(" (")[0]): rows[fold(role.label)]
        for role in Role
        if fold(role.label) in rows
    }
    return {**keys, **short, **rows}


def _offices_by_name() -> dict[str, Office]:
    rows = list(Session.scalars(select(Office)))
    return {fold(row.name): row for row in rows} | {fold(row.code): row for row in rows}
