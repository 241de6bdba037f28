"""Making a backup while people work: one snapshot of the database, then the files that it names."""

import hashlib
import io
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock
from app.core.base import Session
from app.core.errors import DomainError, RuleBroken
from app.operations import jobs, parameters
from app.operations.backups import archive, place, programs, shelf
from app.operations.backups.shelf import Card
from app.operations.files import flush_folder
from app.operations.unit import act

RETRY = timedelta(hours=1)
PATIENCE = ("--lock-wait-timeout", "60s")
Tell = Callable[[str, int, int], None]
"""Hears (step, done, total); a total of 0 is not known."""

TABLES = text(
    "SELECT format('%I.%I', n.nspname, c.relname)"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'r' AND n.nspname IN ('public', 'audit') ORDER BY 1"
)
CONTENT = "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM {} t"
"""Rows of a table, and a checksum of all that is in them, whatever their order."""

WAITING = text(
    "SELECT EXISTS (SELECT FROM procrastinate_jobs"
    " WHERE task_name = 'app.jobs.make_backup' AND status = 'todo')"
)


def quiet(step: str, done: int, total: int) -> None:
    """Tell nobody."""


def make(to: Path | None = None, recipient: str | None = None, tell: Tell = quiet) -> Card:
    """Back up the installation into a folder (that of the nightly ones by default); the card of the backup.

    `recipient` is a public key of age; None: the one of the installation. Raises RuleBroken, and leaves a
    card that says why when the folder takes one.
    """
    kept = place.current()
    folder = (to or kept.folder).resolve()
    key = kept.recipient if recipient is None else recipient
    began, clock_began = clock.real_now(), time.monotonic()
    name = f"sis-{kept.environment}-{began:%Y%m%dT%H%M%SZ}"

    def both(step: str, done: int, total: int) -> None:
        shelf.tell(folder, step, done, total)
        tell(step, done, total)

    try:
        with shelf.alone(folder):
            card = _made(kept, folder, name, key, began, both)
            card = replace(card, seconds=round(time.monotonic() - clock_began, 1))
            shelf.write(folder, card)
            return card
    except (DomainError, OSError, SQLAlchemyError) as error:
        if getattr(error, "code", "") == "backup_running":
            raise
        words = _words(error, folder)
        failed = Card(name, began, round(time.monotonic() - clock_began, 1), error=words)
        with suppress(OSError):
            shelf.write(folder, failed)
        raise RuleBroken(f"No se pudo hacer la copia: {words}", code="backup_failed") from error


def _made(kept: place.Installation, folder: Path, name: str, key: str, began: datetime, tell: Tell) -> Card:
    target = folder / f"{name}.tar{'.age' if key else ''}"
    part = folder / f".{target.name}"
    # The dump has no name: nobody else opens it, and of a backup that was killed it does not stay.
    with tempfile.TemporaryFile(dir=folder) as dump:
        with _snapshot(kept.reader()) as (connection, snapshot):
            tell("La base de datos", 0, 0)
            facts = _facts(connection, kept, began)
            tool = programs.of_version(int(facts["server"])) / "pg_dump"
            programs.run(tool, kept.reader(), "-Fc", *PATIENCE, "--snapshot", snapshot, into=dump)
            named = connection.execute(text("SELECT sha256 FROM stored_file ORDER BY sha256")).scalars().all()
        missing: list[str] = []
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as raw:
                output = archive.Hashing(raw)
                with archive.sealing(output, key) as sink:
                    writer = archive.Writer(sink)
                    size = dump.seek(0, os.SEEK_END)
                    dump.seek(0)
                    writer.add(archive.DUMP, dump, size)
                    dump.close()
                    for number, sha256 in enumerate(named):
                        if number % archive.TOLD == 0:
                            tell("Los archivos", number, len(named))
                        content = _content(kept.files / sha256[:2] / sha256, sha256)
                        if content is None:
                            missing.append(sha256)
                        else:
                            writer.add(archive.FILES + sha256, io.BytesIO(content), len(content))
                    writer.close({**facts, "missing": missing})
                raw.flush()
                os.fsync(raw.fileno())
            part.rename(target)
            flush_folder(folder)
        finally:
            part.unlink(missing_ok=True)
    return Card(
        name,
        began,
        0,
        file=target.name,
        size=output.size,
        sha256=output.sha256,
        encrypted=bool(key),
        environment=kept.environment,
        revision=facts["revision"],
        audit_head=facts["audit_head"],
        rows=sum(rows for rows, _ in facts["tables"].values()),
        files=len(named) - len(missing),
        missing=tuple(missing),
    )


@contextmanager
def _snapshot(address: str) -> Iterator[tuple[Connection, str]]:
    """One view of the database that `pg_dump` can share."""
    engine = programs.engine(address)
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        yield connection, connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()


def _facts(connection: Connection, kept: place.Installation, began: datetime) -> dict[str, Any]:
    """What the manifest says of the database."""
    names = connection.execute(TABLES).scalars().all()
    tables = {name: list(connection.exec_driver_sql(CONTENT.format(name)).one()) for name in names}
    found = connection.execute(text("SELECT environment FROM installation")).scalar_one()
    if found != kept.environment:
        raise RuleBroken(f"La base es de «{found}» y el sistema de «{kept.environment}».")
    return {
        "system": kept.version,
        "made_at": began.isoformat(),
        "environment": kept.environment,
        "server": int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10000,
        "revision": connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one(),
        "audit_head": connection.exec_driver_sql(
            "SELECT seq || ':' || hash FROM audit.chain_head()"
        ).scalar_one(),
        "tables": tables,
    }


def _content(path: Path, sha256: str) -> bytes | None:
    """A file of the store as it was kept; None when it is not there, or is another by now."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == sha256 else None


def _words(error: Exception, folder: Path) -> str:
    if isinstance(error, DomainError):
        return error.message
    if isinstance(error, OSError):
        return f"no se puede escribir en «{folder}»: {error.strerror or error}."
    return "la base de datos no respondió."


def nightly(tell: Tell = quiet) -> Card | None:
    """The backup of the night, when it is due, and the old ones out; None when it is not yet time.

    Due is: past the hour of the parameter, and none good since. So a machine that was off makes it when it is
    on again, and a failed one is tried again an hour later. Raises RuleBroken.
    """
    kept = place.current()
    today = clock.today()
    now = clock.local(clock.real_now())
    due = now.replace(hour=parameters.whole("RESPALDO_HORA", today), minute=0, second=0, microsecond=0)
    tried = shelf.cards(kept.folder)
    soon = now + RETRY  # what a clock that ran ahead has dated is no backup of today
    if now < due or any(
        due <= card.at < soon if card.good else now - RETRY < card.at < soon for card in tried
    ):
        return None
    # Before, not after: a full disk is a reason to throw away.
    shelf.prune(
        kept.folder,
        parameters.whole("RESPALDO_DIAS", today),
        parameters.whole("RESPALDO_SEMANAL_DIAS", today),
    )
    return make(tell=tell)


def ask() -> None:
    """Ask the worker for a backup now. Raises RuleBroken when one is being made, or waits for the worker."""
    if shelf.progress(place.current().folder) is not None or asked():
        raise RuleBroken("Ya se está haciendo una copia de respaldo.", code="backup_running")
    with act("backup.ask") as unit:
        jobs.defer(unit.session, "make_backup")


def asked() -> bool:
    """Whether a backup that somebody asked for waits for the worker (once begun, `progress` tells)."""
    return bool(Session.execute(WAITING).scalar())
