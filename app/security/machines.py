"""Who asks the API: a machine, by the key in its `Authorization: Bearer` header and by nothing else.

The account behind a key is found in one statement, so that a key that was revoked or ended, or whose account
was deactivated, is refused at the next question. A machine has the functions and the office of its account;
the administration is never among them. The count of its questions is a row, shared by every node.
"""

import re
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Any

from flask import Request, g
from sqlalchemy import case, select, text
from sqlalchemy.dialects.postgresql import insert

from app.core import clock
from app.core.base import Session
from app.models.machines import ApiKey, ApiKeyUse
from app.models.security import Account
from app.security.attempts import fingerprint
from app.security.manager import BASE_NAMES, OFFICE_IDS, ROLE_NAMES
from app.security.principal import Principal
from app.security.roles import Role

BEARER = re.compile(r"Bearer (sis_[A-Za-z0-9_-]{43})")
"""`sis_` and 256 random bits."""


def load(request: Request) -> Account | None:
    """The account whose key the request carries, when it is good for this moment and address."""
    sent = BEARER.fullmatch(request.headers.get("Authorization", ""))
    if sent is None or not request.path.startswith("/api/"):
        return None
    now = clock.real_now()
    row = Session.execute(
        select(Account, ApiKey, ROLE_NAMES, BASE_NAMES, OFFICE_IDS)
        .join(ApiKey, ApiKey.account_id == Account.id)
        .where(Account.active, ApiKey.secret_hash == fingerprint(sent[1]))
        .where(ApiKey.revoked_at.is_(None), ApiKey.expires_at > now),
        {"today": clock.today()},
    ).first()
    if row is None or not _from_here(row[1], request.remote_addr):
        return None
    account: Account = row[0]
    account.role_names = frozenset(row[2]) - {Role.ADMIN.label}
    account.base_names = frozenset(row[3]) - {Role.ADMIN.label}
    account.office_ids = frozenset(row[4])
    g.sis_key = row[1]
    return account


def acting(who: Principal) -> Principal:
    """The machine of this request as the layers below know it, and as its acts name it."""
    return replace(who, name=f"máquina: {g.sis_key.name}", origin="api")


def wait(untraced: Any) -> int:
    """Count a question of this request's key; the seconds that it must wait, 0 when it may go on."""
    key: ApiKey = g.sis_key
    now = clock.real_now()
    minute = now.replace(second=0, microsecond=0)
    row = insert(ApiKeyUse).values(key_id=key.id, minute=minute, calls=1, last_used_on=clock.today())
    same = ApiKeyUse.minute == row.excluded.minute
    with untraced() as db:
        db.execute(text("SET LOCAL synchronous_commit = off"))  # a counter: nobody misses its last second
        calls: int = db.execute(
            row.on_conflict_do_update(
                index_elements=["key_id"],
                set_={
                    "calls": case((same, ApiKeyUse.calls + 1), else_=1),
                    "minute": row.excluded.minute,
                    "last_used_on": row.excluded.last_used_on,
                },
            ).returning(ApiKeyUse.calls)
        ).scalar_one()
    over = calls > key.calls_per_minute
    return int((minute + timedelta(minutes=1) - now).total_seconds()) + 1 if over else 0


def _from_here(key: ApiKey, address: str | None) -> bool:
    if not key.addresses:
        return True
    return address is not None and any(ip_address(address) in ip_network(each) for each in key.addresses)
