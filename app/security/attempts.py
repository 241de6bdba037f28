"""Attempts to enter: counted before anything is checked, delayed by place and name, never by account.

A place is a network address, or a browser in which the person entered before. No stranger locks anybody out.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any

from flask import Response, after_this_request, current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core import clock
from app.core.base import Session
from app.core.errors import DomainError, RuleBroken
from app.models.security import LoginFailure

FREE_FAILURES = 5
FIRST_DELAY = timedelta(seconds=30)
LONGEST_DELAY = timedelta(minutes=15)
ADDRESS_FAILURES = 300
KNOWN_FOR = timedelta(days=90)
"""After five failures of one (name, address) the sixth waits, each time twice as long; one address alone may
fail 300 times in a quarter of an hour, because a whole office can stand behind it. A pair that entered from
there in the last 90 days only answers for its own failures; and a browser in which a person entered counts
for itself alone (a signed cookie says so): nobody at the same address shuts him out, not even by his name."""

DEVICE_COOKIE, NAMES_OF_A_DEVICE = "sis-device", 8
ANYWHERE = "cuenta"
"""The place of attempts that count for the account wherever they come from: a code follows a right password,
so whoever guesses at it is no stranger, and a thousand addresses do not give him a thousand times five."""
WRONG = frozenset({"password", "code"})
"""The codes of errors that are a wrong attempt; any other refusal is not counted."""


class TooManyAttempts(Exception):
    """The pair (name, address) has to wait `seconds` before it may try again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Attempts:
    """The part of the security manager that counts attempts."""

    untraced: Callable[[], AbstractContextManager[Any]]

    @contextmanager
    def counted(self, name: str, field: str = "password") -> Iterator[None]:
        """Around what proves a person who entered: wrong ones are counted and delayed as at the door.

        Raises RuleBroken at `field` while the person has to wait.
        """
        try:
            self.take_attempt(name)
        except TooManyAttempts as wait:
            words = f"Demasiados intentos equivocados: espere {wait.seconds} segundos y vuelva a intentar."
            raise RuleBroken(words, field, "too_many") from wait
        try:
            yield
        except DomainError as error:
            if error.code not in WRONG:
                self.not_judged(name)
            raise
        self.give_attempts_back(name, entered=False)

    def code_place(self, name: str) -> str:
        """Where wrong codes of the second factor count: his known browser, else the account, anywhere."""
        place = self._place(name)
        return place if place != _address() else ANYWHERE

    def take_attempt(self, name: str, place: str | None = None) -> None:
        """Count a failure of (name, this address) before anything is checked: of many at once five pass.

        Raises TooManyAttempts when the pair has to wait, or is unknown at a place under attack.
        """
        place, now = place or self._place(name), clock.real_now()
        if place == _address():
            self._refuse_flood(name, place, now)
        row = insert(LoginFailure).values(
            name_hash=fingerprint(name.lower()), address=place, failures=1, last_at=now
        )
        doublings = func.least(LoginFailure.failures - FREE_FAILURES, 10)
        pause = func.least(FIRST_DELAY * func.power(2, doublings), LONGEST_DELAY)
        counted = row.on_conflict_do_update(
            index_elements=["name_hash", "address"],
            set_={"failures": LoginFailure.failures + 1, "last_at": row.excluded.last_at},
            where=or_(LoginFailure.failures < FREE_FAILURES, LoginFailure.last_at + pause <= now),
        )
        with self.untraced() as db:
            taken = db.execute(counted.returning(LoginFailure.failures)).scalar()
            if taken is None:
                until = db.scalar(select(LoginFailure.last_at + pause).where(*_pair(name, place)))
        if taken is None:
            raise TooManyAttempts(max(int((until - now).total_seconds()) + 1, 1) if until else 1)

    def not_judged(self, name: str) -> None:
        """The last attempt was neither right nor wrong: it alone does not count."""
        with self.untraced() as db:
            db.execute(
                update(LoginFailure)
                .where(*_pair(name, self._place(name)), LoginFailure.failures > 0)
                .values(failures=LoginFailure.failures - 1)
                .execution_options(synchronize_session=False)
            )

    def give_attempts_back(self, name: str, entered: bool = True, place: str | None = None) -> None:
        """The pair was right: its failures are forgotten, and the place is known from now on (`entered`)."""
        place, now = place or self._place(name), clock.real_now()
        with self.untraced() as db:
            db.execute(
                update(LoginFailure)
                .where(*_pair(name, place))
                .values(failures=0)
                .execution_options(synchronize_session=False)
            )
            if entered:
                row = insert(LoginFailure).values(
                    name_hash=fingerprint(name.lower()),
                    address=_address(),
                    failures=0,
                    last_at=now,
                    succeeded_at=now,
                )
                db.execute(
                    row.on_conflict_do_update(
                        index_elements=["name_hash", "address"], set_={"succeeded_at": now}
                    )
                )

    def _place(self, name: str) -> str:
        """Where failures of this name count: the browser that he entered with before, else the address."""
        device, names = _device()
        return f"equipo {device}" if fingerprint(name.lower()) in names else _address()

    def remember_device(self, name: str) -> None:
        device, names = _device()
        names = [fingerprint(name.lower()), *(each for each in names if each != fingerprint(name.lower()))]
        value = _signer().dumps([device or secrets.token_hex(8), names[:NAMES_OF_A_DEVICE]])

        @after_this_request
        def keep(response: Response) -> Response:
            secure = current_app.config["SESSION_COOKIE_SECURE"]
            response.set_cookie(
                _device_cookie(), value, max_age=KNOWN_FOR, secure=secure, httponly=True, samesite="Lax"
            )
            return response

    def _refuse_flood(self, name: str, address: str, now: datetime) -> None:
        of_address = Session.scalar(
            select(func.sum(LoginFailure.failures)).where(
                LoginFailure.address == address, LoginFailure.last_at > now - LONGEST_DELAY
            )
        )
        if (of_address or 0) < ADDRESS_FAILURES:
            return
        known = select(LoginFailure.failures).where(
            *_pair(name, address), LoginFailure.succeeded_at > now - KNOWN_FOR
        )
        if Session.scalar(known) is None:
            raise TooManyAttempts(int(LONGEST_DELAY.total_seconds()))


def _address() -> str:
    return request.remote_addr or ""


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="sis-device")


def _device_cookie() -> str:
    return f"__Host-{DEVICE_COOKIE}" if current_app.config["SESSION_COOKIE_SECURE"] else DEVICE_COOKIE


def _device() -> tuple[str, list[str]]:
    """This browser as its cookie tells, and the hashes of the names that entered with it; none: ("", [])."""
    try:
        device, names = _signer().loads(
            request.cookies.get(_device_cookie(), ""), max_age=int(KNOWN_FOR.total_seconds())
        )
    except (BadData, ValueError, TypeError):
        return "", []
    return str(device), list(names)


def _pair(name: str, address: str) -> tuple[Any, Any]:
    return LoginFailure.name_hash == fingerprint(name.lower()), LoginFailure.address == address


def fingerprint(token: str) -> str:
    """SHA-256 of a token or a name, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()
