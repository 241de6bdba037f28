"""Back to a moment: the embedded server's kept log, played into a new place. And its weekly copy."""

import hashlib
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import text

from app import embedded, wal
from app.core import clock
from app.core.base import Session
from app.core.errors import RuleBroken
from app.operations.backups import archive, place, programs
from app.operations.backups.making import Tell, quiet
from app.operations.backups.restoring import ENVIRONMENTS, STAGING, begin_again, place_files
from app.operations.files import PRIVATE

WORDS = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")
ARCHIVER = text(
    "SELECT last_archived_time, coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false)"
    " FROM pg_stat_archiver"
)
READING = text("SELECT sha256 FROM stored_file ORDER BY sha256")


def moment(words: str) -> datetime:
    """A moment as a person writes it, in Paraguay's time. Raises RuleBroken."""
    for pattern in WORDS:
        try:
            return datetime.strptime(words.strip(), pattern).replace(tzinfo=clock.ASUNCION)
        except ValueError:
            continue
    raise RuleBroken("Escriba el momento como 24/11/2026 10:31 o 24/11/2026 10:31:05 (hora del Paraguay).")


@dataclass(frozen=True)
class KeptLog:
    """How the embedded server's log is kept."""

    folder: Path
    since: datetime | None
    """From when on one can go back to any moment; None before the first copy."""
    handed_over: datetime | None
    failing: bool


def kept_log() -> KeptLog | None:
    """How the embedded server's log is kept; None with a server of the ministry's own."""
    cluster = place.current().cluster()
    folder = cluster.archive_folder() if cluster else None
    if folder is None:
        return None
    found = wal.bases(folder)
    last, failing = Session.execute(ARCHIVER).one()
    return KeptLog(folder, found[0].at if found else None, last, failing)


def refresh() -> bool:
    """The weekly copy of the embedded server, when it is due; whether one was made. Raises EmbeddedError."""
    cluster = place.current().cluster()
    return cluster is not None and wal.refresh(cluster, clock.real_now())


def restore_to(source: Path, at: datetime, tell: Tell = quiet) -> list[str]:
    """Bring up here the installation of the folder `source` as it was at a moment; the files not found.

    The source stays as it is. Raises RuleBroken or EmbeddedError, and leaves the place as empty as it was.
    """
    kept = place.current()
    into = wal.patient(kept.data, kept.folder)
    staging = kept.data / STAGING
    if kept.files.is_dir() and any(kept.files.iterdir()):
        raise RuleBroken(
            f"«{kept.files}» ya tiene archivos. Elija otro lugar con SIS_DATA_DIR.", code="not_empty"
        )
    log = _log_of(source, kept.folder)
    rest = embedded.Cluster(source / "postgres").log_folder
    try:
        shutil.rmtree(staging, ignore_errors=True)
        tell("La base de datos, hasta el momento pedido", 0, 0)
        urls = wal.recover(log, into, at, rest if rest.is_dir() else None)
        try:
            missing = _files(source / "files", kept, urls.backup_url, staging, tell)
        except BaseException:
            into.stop()
            into.uproot()
            shutil.rmtree(kept.files, ignore_errors=True)
            raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    begin_again(f"al {clock.local(at):%d/%m/%Y %H:%M:%S}, de {source}")
    into.stop()
    return missing


def _log_of(source: Path, folder: Path) -> Path:
    """The kept log of an installation: in its folder, or where backups go; the one with the newest copy."""
    places = (source / "backups" / "wal", source / "postgres" / "wal", folder / "wal")
    found = [path for place in places if place.is_dir() for path in place.iterdir() if wal.bases(path)]
    if not found:
        raise RuleBroken(
            f"En «{source}» no hay una copia base con su registro. Solo la tiene el servidor embebido, desde "
            "diez minutos después de arrancar por primera vez."
        )
    return max(found, key=lambda path: wal.bases(path)[-1].at)


def _files(store: Path, kept: place.Installation, address: str, staging: Path, tell: Tell) -> list[str]:
    """Copy the files that the database names, each checked against its hash; those not found."""
    with programs.engine(address).connect() as connection:
        environment = connection.execute(text("SELECT environment FROM installation")).scalar_one()
        if environment != kept.environment:
            name = ENVIRONMENTS[environment]
            raise RuleBroken(f"La instalación es de {name}: restaure con SIS_ENV={environment}.")
        named = connection.execute(READING).scalars().all()
    (staging / "files").mkdir(mode=PRIVATE, parents=True)
    missing = []
    for number, sha256 in enumerate(named):
        if number % archive.TOLD == 0:
            tell("Los archivos", number, len(named))
        try:
            content = (store / sha256[:2] / sha256).read_bytes()
        except OSError:
            content = b""
        if hashlib.sha256(content).hexdigest() == sha256:
            (staging / "files" / sha256).write_bytes(content)
        else:
            missing.append(sha256)
    place_files(staging / "files", kept.files)
    return missing
