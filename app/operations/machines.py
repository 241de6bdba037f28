"""Keys of machines: made with an account of their own, renewed, revoked. What Informática does on screen.

The key itself is shown once, to whoever makes it; only its hash is kept.
"""

import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from ipaddress import ip_network
from typing import Any

from sqlalchemy import func, select

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.core.types import fold
from app.models.machines import MOST_CALLS, ApiKey, KeyScope
from app.models.security import Account
from app.operations import accounts, records
from app.operations.unit import act
from app.security.attempts import fingerprint
from app.security.principal import current
from app.security.roles import Role

SHOWN = 10
"""Signs of a key that are kept to be recognised by."""
LONGEST_LIFE = timedelta(days=2 * 366)


def create(values: Mapping[str, Any], roles: Collection[int], office_id: int | None) -> tuple[ApiKey, str]:
    """A machine with its account and its first key, which is shown once. Raises RuleBroken at the field."""
    clean = _clean(values)
    with act("api_key.create"):
        account = _account(clean["name"], roles, office_id)
        return _add(account, clean)


def renew(key: int) -> tuple[ApiKey, str]:
    """A second key for the same machine, as long-lived as the first; the first lives until it is revoked."""
    with act("api_key.renew"):
        old = records.locked(ApiKey, key)
        if not old.account.active:
            raise RuleBroken("La cuenta de esta máquina está desactivada: actívela antes, en Usuarios.")
        if old.revoked_at is not None:
            raise RuleBroken("Esta llave se revocó: agregue otra.")
        clean = {name: getattr(old, name) for name in ("name", "scopes", "addresses", "calls_per_minute")}
        return _add(
            old.account, {**clean, "expires_at": clock.real_now() + (old.expires_at - old.created_at)}
        )


def revoke(key: int, reason: str) -> ApiKey:
    """End a key at once, with the reason. Raises Missing, RuleBroken."""
    if not reason.strip():
        raise RuleBroken("Escriba el motivo: queda en la historia de la llave.", field="reason")
    with act("api_key.revoke", reason=reason.strip()[:500]):
        row = records.locked(ApiKey, key)
        if row.revoked_at is not None:
            raise RuleBroken("La llave ya estaba revocada.")
        row.revoked_at, row.updated_by_id = clock.real_now(), current().account_id
        return row


def _add(account: Account, clean: Mapping[str, Any]) -> tuple[ApiKey, str]:
    token = f"sis_{secrets.token_urlsafe(32)}"
    secret = {"prefix": token[:SHOWN], "secret_hash": fingerprint(token)}
    return records.create(ApiKey, {"account_id": account.id, **clean, **secret}), token


def _account(name: str, roles: Collection[int], office_id: int | None) -> Account:
    """The account of a machine: no password, no mail that anybody reads, never the administration."""
    base = re.sub(r"[^a-z0-9]+", "-", fold(name)).strip("-")[:30]
    taken = Session.scalar(select(func.count()).where(Account.username.startswith(f"maquina-{base}")))
    username = f"maquina-{base}-{(taken or 0) + 1}"
    values: dict[str, Any] = {"username": username, "first_name": "Máquina", "last_name": name[:64]}
    values |= {"active": True, "directory": False}
    values["email"] = f"{username}@maquina.invalid"
    with act("account.create") as unit:
        account = accounts.add(unit, values, roles, office_id, None)
        account.machine, account.must_change_password = True, False
        unit.session.flush()
        if Role.ADMIN.label in {role.name for role in account.roles}:
            raise RuleBroken("Una máquina no administra: elija otra función.", field="roles")
    return account


def _clean(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values ready for the columns. Raises RuleBroken at the field."""
    name = " ".join(str(values.get("name") or "").split())
    if not re.search(r"[a-zA-Z]", name) or len(name) > 64:
        raise RuleBroken("Escriba el nombre del sistema que pregunta, hasta 64 letras.", field="name")
    known = {scope.value for scope in KeyScope}
    scopes = [scope for scope in dict.fromkeys(values.get("scopes") or ()) if scope in known]
    if not scopes:
        raise RuleBroken("Elija al menos un alcance.", field="scopes")
    calls = values.get("calls_per_minute")
    if not isinstance(calls, int) or not 1 <= calls <= MOST_CALLS:
        raise RuleBroken(f"Escriba un número de 1 a {MOST_CALLS}.", field="calls_per_minute")
    return {
        "name": name,
        "scopes": scopes,
        "addresses": _networks(values.get("addresses") or ()) or None,
        "calls_per_minute": calls,
        "expires_at": _end(values.get("expires_on")),
    }


def _networks(texts: Iterable[str]) -> list[str]:
    found = []
    for each in texts:
        try:
            found.append(str(ip_network(each.strip())))
        except ValueError:
            raise RuleBroken(
                f"«{each.strip()}» no es una dirección ni una red. Ejemplos: 10.1.2.3, 10.1.0.0/16.",
                field="addresses",
            ) from None
    return found


def _end(day: date | None) -> datetime:
    """The end of the last day of a key."""
    today = clock.local(clock.real_now()).date()
    if day is None or not today < day <= today + LONGEST_LIFE:
        raise RuleBroken("Elija una fecha desde mañana y hasta dentro de dos años.", field="expires_on")
    return datetime.combine(day + timedelta(days=1), time(), clock.ASUNCION).astimezone(UTC)


def get(key: int) -> ApiKey:
    """A key. Raises Missing."""
    row = Session.get(ApiKey, key) if key < 2**31 else None
    if row is None:
        raise Missing()
    return row
