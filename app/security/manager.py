"""Flask-AppBuilder's security manager, tamed: exact grants, verifiable sessions, delays that lock nobody out.

Besides views/base.py this is the only file that touches Flask-AppBuilder's insides. The factory hands in the
unit of work (`act`, `untraced`), so that the writes made here are Acts like any other.
"""

import re
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

from flask import current_app, g, request, session
from flask_appbuilder.security.sqla.manager import SecurityManager as FabSecurityManager
from flask_login import current_user
from sqlalchemy import Text, delete, func, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from werkzeug.security import check_password_hash, generate_password_hash

from app.core import clock
from app.core.base import Session
from app.core.errors import RuleBroken
from app.core.types import fold
from app.models.security import Account, Awaits, LoginSession
from app.security import directory
from app.security.attempts import Attempts, fingerprint
from app.security.principal import Principal, acting_as
from app.security.roles import BY_NAME, PERSONAL, Role

HIS_ROLES = (
    "SELECT ur.role_id FROM ab_user_role ur WHERE ur.user_id = ab_user.id"
    " UNION SELECT gr.role_id FROM ab_user_group ug JOIN ab_group_role gr ON gr.group_id = ug.group_id"
    " WHERE ug.user_id = ab_user.id"
)
ROLE_NAMES = literal_column(
    f"ARRAY(SELECT r.name::text FROM ab_role r WHERE r.id IN ({HIS_ROLES}))",
    ARRAY(Text),
)
BASE_NAMES = literal_column(
    f"ARRAY(SELECT d.base FROM derived_role d WHERE d.role_id IN ({HIS_ROLES}))",
    ARRAY(Text),
)
OFFICE_IDS = text(
    "ARRAY(SELECT uo.office_id FROM user_office uo WHERE uo.user_id = ab_user.id"
    " AND uo.valid_from <= :today AND (uo.valid_to IS NULL OR uo.valid_to >= :today)) AS office_ids"
)
"""SQL fragments beside an account: the names of its roles (own and by group), of the base roles that its
derived ones were copied from, and its offices of today."""

SEEN_EVERY = timedelta(minutes=1)
CODE_WITHIN = timedelta(minutes=5)
"""How long the second step of entering waits for its code."""
REFUSED_AFTER = 1.0
"""Seconds that a refused log-in takes at least where a directory is asked: time does not tell who is in."""
SHORTEST_PASSWORD, LEAST_STRENGTH = 12, 3
"""ASVS 6.2: twelve characters, and 10^8 guesses or more by zxcvbn, which knows the 30,000 commonest
passwords, words, names, dates and keyboard walks."""
OF_THE_HOUSE = (
    "sis mtess ministerio trabajo inspeccion inspector fiscalizacion paraguay asuncion guarani cerro porteno"
    " cerroporteno olimpia libertad terere mate contrasena clave secreta secreto usuario sistema provisoria"
    " temporal cambiame bienvenido hola administrador informatica enero febrero marzo abril mayo junio julio"
    " agosto septiembre setiembre octubre noviembre diciembre lunes martes miercoles jueves viernes sabado"
)
"""What anybody here would try first; zxcvbn's own lists are mostly English."""
OF_THE_MINISTRY = (
    "Usted entra con la contraseña de su computadora: se cambia en el directorio del ministerio, no aquí."
)
DIRECTORY_DOWN = (
    "El directorio del ministerio no responde y no se pudo comprobar la contraseña. Intente en unos minutos; "
    "si sigue, avise a Informática."
)
ESTIMATED = 72
"""Characters whose strength is estimated; what is longer has been judged by then."""


class SecurityManager(Attempts, FabSecurityManager):
    """Accounts in the database, sessions as rows, base roles as code."""

    user_model = Account
    act: Callable[..., AbstractContextManager[Any]]

    def register_views(self) -> None:
        """Register nothing: every screen is declared in views/menu.py."""

    # -- grants -----------------------------------------------------------------------------------------

    def _has_view_access(self, user: Any, permission_name: str, view_name: str) -> bool:
        return (permission_name, view_name) in self.grants_of(user)

    def has_access(self, permission_name: str, view_name: str) -> bool:
        """Whether the present user may go through this door of this resource; anonymous: never."""
        return current_user.is_authenticated and self._has_view_access(
            current_user, permission_name, view_name
        )

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        """No resource is public by grant: public pages are on the list of the factory."""
        return False

    def grants_of(self, user: Any) -> frozenset[tuple[str, str]]:
        """Every (permission, resource) of the user: base roles from code, derived ones from their rows."""
        if "sis_grants" not in g:
            names: frozenset[str] = getattr(user, "role_names", frozenset())
            found = frozenset(grant for name in names for grant in BY_NAME.get(name, ()))
            derived = [name for name in names if name not in BY_NAME]
            g.sis_grants = found | PERSONAL | self._derived_grants(derived) if derived else found
        grants: frozenset[tuple[str, str]] = g.sis_grants
        return grants

    def _derived_grants(self, names: list[str]) -> frozenset[tuple[str, str]]:
        rows = Session.execute(
            text(
                "SELECT p.name, v.name FROM ab_role r"
                " JOIN ab_permission_view_role pvr ON pvr.role_id = r.id"
                " JOIN ab_permission_view pv ON pv.id = pvr.permission_view_id"
                " JOIN ab_permission p ON p.id = pv.permission_id"
                " JOIN ab_view_menu v ON v.id = pv.view_menu_id"
                " WHERE r.name = ANY(:names)"
            ),
            {"names": names},
        )
        return frozenset((permission, resource) for permission, resource in rows)

    def get_user_menu_access(self, menu_names: list[str] | None = None) -> set[str]:
        """The menu entries that the user may see: those whose screen he may list (views/menu.py)."""
        resources: dict[str, tuple[str, str]] = current_app.extensions["sis_menu"]
        if not current_user.is_authenticated:
            return set()
        grants = self.grants_of(current_user)
        return {name for name in menu_names or resources if resources.get(name) in grants}

    # -- sessions ---------------------------------------------------------------------------------------

    def load_user(self, pk: str) -> Account | None:
        """The account behind a session that still lives: one statement brings account, roles and offices."""
        token = session.get("sid")
        if not token or not str(pk).isdigit() or request.path.startswith("/api/"):
            return None  # the API knows keys alone (security/machines.py)
        now = clock.real_now()
        row = Session.execute(
            select(Account, LoginSession.seen_at, LoginSession.awaits, ROLE_NAMES, BASE_NAMES, OFFICE_IDS)
            .join(LoginSession, LoginSession.user_id == Account.id)
            .where(Account.id == int(pk), Account.active, LoginSession.token_hash == fingerprint(token))
            .where(
                LoginSession.ends_at > now,
                LoginSession.seen_at > now - current_app.config["SESSION_IDLE"],
                LoginSession.awaits.is_distinct_from(Awaits.CODE.value),
            ),
            {"today": clock.today()},
        ).first()
        if row is None:
            return None
        account: Account = row[0]
        seen_at, account.awaits, role_names, base_names, office_ids = row[1:]
        account.role_names, account.office_ids = frozenset(role_names), frozenset(office_ids)
        account.base_names = frozenset(base_names) - {Role.ADMIN.label}
        if now - seen_at > SEEN_EVERY:
            with self.untraced() as db:
                db.execute(
                    update(LoginSession)
                    .where(LoginSession.token_hash == fingerprint(token))
                    .values(seen_at=now)
                    .execution_options(synchronize_session=False)
                )
        return account

    def principal(self, user: Any, request_id: str) -> Principal:
        """The user of this request as the layers below views know him.

        Who holds a derived role acts in the procedure as its base; the administration is never inherited.
        """
        return Principal(
            name=user.username,
            account_id=user.id,
            roles=user.role_names | user.base_names,
            offices=user.office_ids,
            origin="web",
            address=request.remote_addr,
            request_id=request_id,
        )

    def open_session(self, account: Account, awaits: Awaits | None = None) -> None:
        """A new session row and a new cookie; what the cookie held before is dropped (fixation)."""
        self._forget_pending()
        session.clear()
        token = secrets.token_urlsafe(32)
        now = clock.real_now()
        with acting_as(Principal(account.username, account.id, origin="web", address=request.remote_addr)):
            with self.act("session.open") as unit:
                unit.session.execute(
                    update(Account)
                    .where(Account.id == account.id)
                    .values(
                        last_login=now.replace(tzinfo=None),
                        login_count=func.coalesce(Account.login_count, 0) + 1,
                        fail_login_count=0,
                    )
                    .execution_options(synchronize_session=False)
                )
                lives = current_app.config["PERMANENT_SESSION_LIFETIME"]
                unit.session.add(_session_row(token, account, now + lives, awaits))
        session["sid"] = token
        session.permanent = True
        self.remember_device(account.username)

    def await_code(self, account: Account) -> None:
        """The password was right and a code is asked for: a row with which nobody has entered yet."""
        session.clear()
        token = secrets.token_urlsafe(32)
        with self.untraced() as db:
            db.add(_session_row(token, account, clock.real_now() + CODE_WITHIN, Awaits.CODE))
        session["pending"] = token

    def pending_account(self) -> Account | None:
        """Who gave the right password in this browser a moment ago and owes the code."""
        account: Account | None = Session.scalar(
            select(Account)
            .join(LoginSession, LoginSession.user_id == Account.id)
            .where(Account.active, LoginSession.token_hash == fingerprint(session.get("pending", "")))
            .where(LoginSession.awaits == Awaits.CODE.value, LoginSession.ends_at > clock.real_now())
        )
        return account

    def _forget_pending(self) -> None:
        if "pending" in session:
            with self.untraced() as db:
                db.execute(
                    delete(LoginSession).where(LoginSession.token_hash == fingerprint(session["pending"]))
                )

    def enrolled(self) -> None:
        """The session of this request may work from here on, with a new token."""
        token, former = secrets.token_urlsafe(32), fingerprint(session["sid"])
        with self.untraced() as db:
            db.execute(
                update(LoginSession)
                .where(LoginSession.token_hash == former)
                .values(token_hash=fingerprint(token), awaits=None)
                .execution_options(synchronize_session=False)
            )
        session["sid"] = token

    def close_others(self, account: Account) -> None:
        """End every session of the account but that of this request."""
        with self.untraced() as db:
            db.execute(
                delete(LoginSession).where(
                    LoginSession.user_id == account.id,
                    LoginSession.token_hash != fingerprint(session["sid"]),
                )
            )

    def sessions_of(self, account: Account) -> list[tuple[LoginSession, bool]]:
        """The sessions of an account, the last used first, and whether each is that of this request."""
        rows = Session.scalars(
            select(LoginSession)
            .where(LoginSession.user_id == account.id, LoginSession.ends_at > clock.real_now())
            .where(LoginSession.awaits.is_distinct_from(Awaits.CODE.value))
            .order_by(LoginSession.seen_at.desc())
        )
        here = fingerprint(session["sid"])
        return [(row, row.token_hash == here) for row in rows]

    def close_session(self) -> None:
        """End the session of this request, in the database and in the cookie."""
        token = session.get("sid")
        if token:
            with self.act("session.close") as unit:
                unit.session.execute(
                    delete(LoginSession).where(LoginSession.token_hash == fingerprint(token))
                )
        session.clear()

    # -- passwords --------------------------------------------------------------------------------------

    def auth_user_db(self, username: str, password: str) -> Account | None:
        """The account of this name and password, or None; the same work is done for unknown names.

        Raises TooManyAttempts while the pair (name, address) has to wait, DirectoryDown when the directory
        of the ministry does not answer (an unknown name is looked for there too, to answer alike).
        """
        name, begun = (username or "").strip(), time.monotonic()
        self.take_attempt(name)
        account: Account | None = Session.scalar(
            select(Account).where(func.lower(Account.username) == name.lower(), Account.active)
        )
        stored = account.password if account is not None and account.password else None
        fake = current_app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"]
        right = check_password_hash(stored or fake, password or "") and stored is not None
        if directory.configured() and (account is None or account.directory):
            try:
                right = directory.authenticates(name, password or "")
            except directory.DirectoryDown:
                self.not_judged(name)
                raise
        if account is None or not right or (account.directory and not directory.configured()):
            self.refused(account)
            if directory.configured():
                time.sleep(max(0.0, REFUSED_AFTER - (time.monotonic() - begun)))
            return None
        self.give_attempts_back(name)
        return account

    def change_password(self, account: Account, current: str, new: str) -> None:
        """Change one's own password: asks for the present one, ends every session (a trigger does)."""
        if account.directory:
            raise RuleBroken(OF_THE_MINISTRY, field="current")
        self.prove(account, current, "current")
        if new == current:
            raise RuleBroken("La contraseña nueva es igual a la actual: elija otra.", field="new")
        check_new_password(new, account)
        with self.act("account.password") as unit:
            unit.session.execute(
                update(Account)
                .where(Account.id == account.id)
                .values(password=hash_password(new), must_change_password=False)
                .execution_options(synchronize_session=False)
            )

    def prove(self, account: Account, password: str, field: str = "password") -> None:
        """Who entered gives his password again. Raises TooManyAttempts, RuleBroken at `field`."""
        self.take_attempt(account.username)
        try:
            right = proves(account, password)
        except RuleBroken:
            self.not_judged(account.username)
            raise
        if not right:
            self.refused(account)
            raise RuleBroken("La contraseña actual no es esa. Vuelva a escribirla.", field, "password")
        self.give_attempts_back(account.username)

    def refused(self, account: Account | None) -> None:
        """Leave in the trail that somebody was not let in."""
        # An unknown name is not written down: it may be a password typed in the wrong box.
        who = account.username if account is not None else "desconocido"
        with acting_as(Principal(who, origin="web", address=request.remote_addr)):
            with self.act("session.refused"):
                pass


def proves(account: Account, password: str) -> bool:
    """Whether this is the password of this account, ours or the directory's.

    Raises RuleBroken at `password` when the directory does not answer.
    """
    if not account.directory:
        return check_password_hash(account.password or "", password)
    try:
        return directory.authenticates(account.username, password)
    except directory.DirectoryDown as error:
        raise RuleBroken(DIRECTORY_DOWN, "password", "directory_down") from error


def _session_row(token: str, account: Account, ends_at: datetime, awaits: Awaits | None) -> LoginSession:
    now = clock.real_now()
    return LoginSession(
        token_hash=fingerprint(token),
        user_id=account.id,
        created_at=now,
        seen_at=now,
        ends_at=ends_at,
        address=request.remote_addr,
        device=(request.user_agent.string or "")[:200],
        awaits=awaits.value if awaits else None,
    )


def hash_password(password: str) -> str:
    """The stored form of a password (scrypt)."""
    method = current_app.config["FAB_PASSWORD_HASH_METHOD"]
    return generate_password_hash(password, method=method, salt_length=16)


def check_new_password(password: str, account: Any) -> None:
    """Refuse a password that is short, common, plain or made of the person's own name (ASVS 6.2)."""
    if len(password) < SHORTEST_PASSWORD:
        raise RuleBroken(
            f"La contraseña es corta: use {SHORTEST_PASSWORD} caracteres o más; una frase sirve.", field="new"
        )
    if len(set(password)) < 5 or re.fullmatch(r"(.{1,4})\1+", password):
        raise RuleBroken("La contraseña repite pocos caracteres: elija una frase.", field="new")
    own = {account.username, account.first_name, account.last_name, account.email.partition("@")[0]}
    if any(len(part) > 3 and part.lower() in password.lower() for part in own if part):
        raise RuleBroken("La contraseña contiene su nombre o su usuario: elija otra.", field="new")
    known = [fold(str(part)) for part in (*own, account.email, *OF_THE_HOUSE.split()) if part]
    from zxcvbn import zxcvbn  # its dictionaries take 13 MB: only a process that changes passwords has them

    bare = fold(password).replace(" ", "") or "a"
    if zxcvbn(bare[:ESTIMATED], user_inputs=known)["score"] < LEAST_STRENGTH:
        raise RuleBroken(
            "La contraseña es de las que se adivinan pronto (palabras, fechas o teclas conocidas): "
            "elija una frase propia de cuatro palabras o más.",
            field="new",
        )
