"""Who is acting in this request, command or task, and what reaches him: roles and offices.

The web sets it from the verified session, the command line and jobs name themselves. Everything below views
asks here, never Flask.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from uuid import uuid4


@dataclass(frozen=True)
class Principal:
    """Someone who acts: an account with its roles and offices, or a named machine without account."""

    name: str
    account_id: int | None = None
    roles: frozenset[str] = frozenset()
    offices: frozenset[int] = frozenset()
    origin: str = "sistema"
    address: str | None = None
    request_id: str = field(default_factory=lambda: uuid4().hex)


SYSTEM = Principal("sistema")
_current: ContextVar[Principal] = ContextVar("sis_principal", default=SYSTEM)


def current() -> Principal:
    """Who acts now; the system itself when nobody was named."""
    return _current.get()


def enter(principal: Principal) -> Token[Principal]:
    """Name who acts from here on; the token goes to `leave`."""
    return _current.set(principal)


def leave(token: Token[Principal]) -> None:
    """Undo `enter`."""
    _current.reset(token)


@contextmanager
def acting_as(principal: Principal) -> Iterator[Principal]:
    """Act as someone inside the block."""
    token = enter(principal)
    try:
        yield principal
    finally:
        leave(token)
