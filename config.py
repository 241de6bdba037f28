"""Configuration: the environment is read here and nowhere else.

`settings(os.environ)` returns the class of the environment named by SIS_ENV, filled in; a mistake is a
`ConfigurationError` with one plain Spanish sentence that says what to set.
"""

import os
import secrets
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent


class ConfigurationError(Exception):
    """The environment asks for something that cannot be; the message says what to set."""


class Settings:
    """What every environment shares; keys in capitals go to Flask."""

    SIS_ENV = ""
    VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    APP_NAME = "SIS · Inspección del Trabajo"

    # Flask-AppBuilder, tamed: see app/views/base.py and app/security/manager.py.
    AUTH_TYPE = 1  # accounts in the database
    AUTH_USER_REGISTRATION = False
    AUTH_RATE_LIMITED = False  # our own delay counts failures alone; a limit by address would stop an office
    RATELIMIT_ENABLED = False
    FAB_CREATE_DB = False  # tables come from migrations
    FAB_UPDATE_PERMS = False  # permissions are synchronised by `flask sync-security`
    FAB_ADD_SECURITY_API = False
    FAB_API_SWAGGER_UI = False
    FAB_API_MAX_PAGE_SIZE = 100
    FAB_ADD_SECURITY_PERMISSION_VIEW = False
    FAB_ADD_SECURITY_VIEW_MENU_VIEW = False
    FAB_ADD_SECURITY_PERMISSION_VIEWS_VIEW = False
    FAB_PASSWORD_HASH_METHOD = "scrypt"
    FAB_SECURITY_MANAGER_CLASS = "app.security.manager.SecurityManager"
    FAB_INDEX_VIEW = "app.views.home.HomeView"
    FAB_BASE_TEMPLATE = "sis/base.html"

    BABEL_DEFAULT_LOCALE = "es"
    BABEL_DEFAULT_TIMEZONE = "America/Asuncion"
    BABEL_TRANSLATION_DIRECTORIES = str(ROOT / "translations")
    LANGUAGES = {"es": {"flag": "py", "name": "Español"}}

    WTF_CSRF_ENABLED = True
    WTF_CSRF_TIME_LIMIT = None  # the token lives as long as the session
    SESSION_COOKIE_HTTPONLY = True
    SESSION_COOKIE_SAMESITE = "Lax"
    PERMANENT_SESSION_LIFETIME = timedelta(hours=8)
    SESSION_IDLE = timedelta(hours=2)
    SESSION_REFRESH_EACH_REQUEST = False  # the row ends the session; static answers set no cookie
    MAX_CONTENT_LENGTH = 25 * 1024 * 1024
    MAX_FORM_MEMORY_SIZE = 2 * 1024 * 1024
    SEND_FILE_MAX_AGE_DEFAULT = timedelta(days=365)  # built files carry their hash in their name

    STATEMENT_TIMEOUT = "15s"
    LOCK_TIMEOUT = "5s"
    POOL_TIMEOUT = 10  # seconds that a request waits for a connection before it answers 503

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.SIS_DATA_DIR = Path(environ.get("SIS_DATA_DIR") or ROOT / "instance").resolve()
        self.PORT = _port(environ.get("PORT") or "8080")
        self.DATABASE_URL = _postgres(environ, "DATABASE_URL")
        self.DATABASE_OWNER_URL = _postgres(environ, "DATABASE_OWNER_URL")
        self.DATABASE_BACKUP_URL = _postgres(environ, "DATABASE_BACKUP_URL")
        self.SIS_BACKUP_DIR = Path(environ.get("SIS_BACKUP_DIR") or self.SIS_DATA_DIR / "backups").resolve()
        self.SIS_BACKUP_RECIPIENT = _age(environ.get("SIS_BACKUP_RECIPIENT") or "")
        self.PLACES = self.SIS_DATA_DIR, self.SIS_BACKUP_DIR
        self.EMBEDDED = self.DATABASE_URL is None
        self.SIS_PUBLIC_URL = (environ.get("SIS_PUBLIC_URL") or f"http://127.0.0.1:{self.PORT}").rstrip("/")
        self.SIS_DEMO_PASSWORD = environ.get("SIS_DEMO_PASSWORD") or None
        self.SECRET_KEY = environ.get("SIS_SECRET_KEY") or ""
        self._check(environ)
        https = self.SIS_PUBLIC_URL.startswith("https://")
        self.SESSION_COOKIE_SECURE = https
        self.SESSION_COOKIE_NAME = "__Host-sis" if https else "sis"
        self.FAB_SAFE_REDIRECT_HOSTS = [urlsplit(self.SIS_PUBLIC_URL).netloc]
        self.TRUSTED_HOSTS = [urlsplit(self.SIS_PUBLIC_URL).hostname or "", "127.0.0.1", "localhost"]
        self.SIS_TRUSTED_PROXIES = _count(environ, "SIS_TRUSTED_PROXIES")
        self.SIS_SMTP_URL = _smtp(environ)
        self.SIS_MAIL_FROM = _sender(environ, self.SIS_SMTP_URL)
        self.SIS_LDAP = _ldap(environ)

    def _check(self, environ: Mapping[str, str]) -> None:
        try:
            parts = urlsplit(self.SIS_PUBLIC_URL)
            _ = parts.port
        except ValueError:
            raise ConfigurationError(
                "SIS_PUBLIC_URL no es una dirección: revise el servidor y el puerto."
            ) from None
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path:
            raise ConfigurationError(
                "SIS_PUBLIC_URL debe ser una dirección completa sin ruta, por ejemplo https://sis.mtess.gov.py"
            )

    def flask_mapping(self) -> dict[str, object]:
        """Every setting in capitals, as Flask wants them."""
        return {name: getattr(self, name) for name in dir(self) if name.isupper()}


class Training(Settings):
    """The default: demonstration data, a constant mark on every page, a clock that can be moved."""

    SIS_ENV = "training"

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(environ)
        self.SECRET_KEY = self.SECRET_KEY or _kept_secret(self.SIS_DATA_DIR / "secret_key")


class Production(Settings):
    """Real cases: refuses to start without its own secret and its public https address."""

    SIS_ENV = "production"

    def _check(self, environ: Mapping[str, str]) -> None:
        super()._check(environ)
        if len(self.SECRET_KEY) < 32:
            raise ConfigurationError(
                "En producción hace falta SIS_SECRET_KEY, de 32 caracteres o más. "
                'Genere una con: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
            )
        if not environ.get("SIS_PUBLIC_URL", "").startswith("https://"):
            raise ConfigurationError(
                "En producción hace falta SIS_PUBLIC_URL con https://, la dirección con que entra la gente: "
                "va en cada código QR, en cada correo y en el control de redirecciones."
            )
        if self.SIS_DEMO_PASSWORD:
            raise ConfigurationError(
                "SIS_DEMO_PASSWORD es de capacitación: en producción no hay cuentas de demostración. Quítela."
            )


ENVIRONMENTS: dict[str, type[Settings]] = {"training": Training, "production": Production}


def settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of the environment that SIS_ENV names (`training` when unset)."""
    name = environ.get("SIS_ENV") or "training"
    if name not in ENVIRONMENTS:
        raise ConfigurationError(f"SIS_ENV es «{name}»; debe ser training o production.")
    return ENVIRONMENTS[name](environ)


def _count(environ: Mapping[str, str], name: str) -> int:
    text = environ.get(name) or "0"
    if not (text.isascii() and text.isdigit()) or int(text) > 5:
        raise ConfigurationError(f"{name} es «{text}»; debe ser un número de 0 a 5.")
    return int(text)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 65536:
        raise ConfigurationError(f"PORT es «{text}»; debe ser un número entre 1 y 65535.")
    return int(text)


def _postgres(environ: Mapping[str, str], name: str) -> str | None:
    """A PostgreSQL address for psycopg2 (a bare `postgresql://` would mean psycopg 3 to SQLAlchemy 2.1)."""
    url = environ.get(name) or None
    if url is None:
        return None
    scheme, mark, rest = url.partition("://")
    if not mark or scheme.partition("+")[0] not in ("postgres", "postgresql"):
        raise ConfigurationError(f"{name} debe empezar con postgresql:// (solo PostgreSQL 15 o más nuevo).")
    return f"postgresql+psycopg2://{rest}"


def _age(recipient: str) -> str:
    if recipient and not (recipient.startswith("age1") and recipient.isalnum()):
        raise ConfigurationError(
            "SIS_BACKUP_RECIPIENT debe ser una clave pública de age (empieza con age1), la que da age-keygen."
        )
    return recipient


def _smtp(environ: Mapping[str, str]) -> str | None:
    """The mail server: `smtp://`, `smtps://` or `smtp+starttls://`, with user and password where it asks."""
    url = environ.get("SIS_SMTP_URL") or None
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("smtp", "smtps", "smtp+starttls") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        good = False
    if not good or parts.path.strip("/") or parts.query:
        raise ConfigurationError(
            "SIS_SMTP_URL debe ser como smtp+starttls://usuario:clave@correo.mtess.gov.py:587 "
            "(o smtps://…, o smtp://… dentro de la red del ministerio)."
        )
    if parts.username and parts.scheme == "smtp":
        raise ConfigurationError(
            "SIS_SMTP_URL lleva usuario y clave sin cifrar: use smtp+starttls:// o smtps://."
        )
    return url


def _sender(environ: Mapping[str, str], smtp_url: str | None) -> str | None:
    sender = environ.get("SIS_MAIL_FROM") or None
    if smtp_url and not sender:
        raise ConfigurationError(
            "Con SIS_SMTP_URL hace falta SIS_MAIL_FROM, la dirección que envía; por ejemplo sis@mtess.gov.py."
        )
    if sender and (sender.count("@") != 1 or any(c.isspace() for c in sender) or not sender.isascii()):
        raise ConfigurationError("SIS_MAIL_FROM debe ser una dirección sola, por ejemplo sis@mtess.gov.py.")
    return sender


def _ldap(environ: Mapping[str, str]) -> dict[str, str] | None:
    """The ministry's directory: its address, where people are in it, how one is found, who may search."""
    url = environ.get("SIS_LDAP_URL") or None
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("ldap", "ldaps") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        good = False
    if not good or parts.path.strip("/") or parts.query or parts.username:
        raise ConfigurationError(
            "SIS_LDAP_URL debe ser como ldaps://directorio.mtess.gov.py o ldap://directorio.mtess.gov.py:389 "
            "(se cifra con STARTTLS)."
        )
    base, search = environ.get("SIS_LDAP_BASE") or "", environ.get("SIS_LDAP_FILTER") or "(uid={username})"
    if not base:
        raise ConfigurationError(
            "Con SIS_LDAP_URL hace falta SIS_LDAP_BASE, por ejemplo ou=personas,dc=mtess,dc=gov,dc=py."
        )
    if "{username}" not in search or search.count("(") != search.count(")") or not search.startswith("("):
        raise ConfigurationError(
            "SIS_LDAP_FILTER debe ser un filtro con {username}, por ejemplo (sAMAccountName={username})."
        )
    if bool(environ.get("SIS_LDAP_BIND_DN")) != bool(environ.get("SIS_LDAP_BIND_PASSWORD")):
        raise ConfigurationError("SIS_LDAP_BIND_DN y SIS_LDAP_BIND_PASSWORD van juntos, o ninguno.")
    if find_spec("ldap3") is None:
        raise ConfigurationError("SIS_LDAP_URL necesita un extra: ejecute «make setup-ldap».")
    return {
        "url": url,
        "base": base,
        "search": search,
        "bind_dn": environ.get("SIS_LDAP_BIND_DN") or "",
        "bind_password": environ.get("SIS_LDAP_BIND_PASSWORD") or "",
        "ca_file": environ.get("SIS_LDAP_CA_FILE") or "",
    }


def _kept_secret(path: Path) -> str:
    """The secret of a training installation: made once, kept readable by its owner alone."""
    try:
        if not path.exists() or path.stat().st_size < 32:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}.{os.getpid()}")
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(48))
            try:
                os.link(part, path)  # whole or not at all, and the first one wins
                part.unlink()
            except FileExistsError:
                if path.stat().st_size < 32:  # cut short by a full disk
                    part.replace(path)
                part.unlink(missing_ok=True)
        return path.read_text().strip()
    except OSError as error:
        raise ConfigurationError(
            f"No se puede escribir en «{path.parent}» ({error.strerror}): elija otra con SIS_DATA_DIR."
        ) from error
