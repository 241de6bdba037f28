"""The log of the embedded PostgreSQL, kept: copies of the whole cluster, and the way back to a moment.

The server hands over its log every five minutes at the latest (`embedded.Cluster` with an archive). With a
copy of the data from before, that log leads to any moment after it. One folder for each cluster:

    log/<segment>.gz            as the server handed it over
    base/<moment of its end>/   a copy by pg_basebackup, verified before it gets its name
    passwords.json              of the roles of that server (0600)
"""

import json
import shlex
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.embedded import Cluster, EmbeddedError, URLs

NAME = "%Y%m%dT%H%M%S.%fZ"
BASES = 2
"""So many copies are kept, and the log since the older one."""
BASE_EVERY = timedelta(days=7)
LONGEST = 6 * 3600
"""Seconds that a copy or a recovery may take."""


@dataclass(frozen=True)
class Base:
    """A copy of a cluster that can be recovered to any moment from `at` on."""

    at: datetime
    folder: Path

    @property
    def first_segment(self) -> str:
        """The first segment of the log that it needs."""
        label = (self.folder / "backup_label").read_text("utf-8")
        return label.partition("(file ")[2].partition(")")[0]


def bases(kept: Path) -> list[Base]:
    """The copies in the folder of a cluster, oldest first."""
    found = (path for path in (kept / "base").glob("*Z") if path.is_dir())
    return sorted(
        (Base(datetime.strptime(path.name, NAME).replace(tzinfo=UTC), path) for path in found),
        key=lambda base: base.at,
    )


def refresh(cluster: Cluster, now: datetime) -> bool:
    """Copy the running cluster when the last copy is a week old; forget what is no longer needed.

    Whether a copy was made. Raises EmbeddedError; what was kept before is kept then.
    """
    kept = cluster.archive_folder()
    if kept is None:
        return False
    found = bases(kept)
    if found and now - found[-1].at < BASE_EVERY:
        return False
    part = kept / "base" / "part"
    shutil.rmtree(part, ignore_errors=True)
    for program, arguments in (
        ("pg_basebackup", ("-D", part, "--checkpoint=fast", "--no-password")),
        ("pg_verifybackup", ("-q", part)),
    ):
        answer = cluster.run(program, *arguments, seconds=LONGEST)
        if answer.returncode != 0:
            shutil.rmtree(part, ignore_errors=True)
            raise EmbeddedError(f"La copia base no salió bien ({program}).\n{answer.stdout.strip()[-800:]}")
    passwords = kept / "passwords.json"
    passwords.touch(mode=0o600)
    passwords.write_text(cluster.credentials_file.read_text("utf-8"), "utf-8")
    part.rename(part.with_name(datetime.now(UTC).strftime(NAME)))
    _forget(kept)
    return True


def _forget(kept: Path) -> None:
    """Delete the older copies, and the log from before the oldest one that stays."""
    found = bases(kept)
    for old in found[:-BASES]:
        shutil.rmtree(old.folder)
    oldest = found[-BASES:][0].first_segment[8:]  # after the number of the timeline
    for path in (kept / "log").iterdir():
        if len(path.name) >= 24 and path.name[8:24] < oldest:
            path.unlink()


def patient(data: Path, backups: Path) -> Cluster:
    """A cluster that takes as long as a recovery takes."""
    return Cluster(data / "postgres", archive=backups / "wal", ready_seconds=LONGEST)


def recover(kept: Path, into: Cluster, moment: datetime, rest: Path | None = None) -> URLs:
    """Bring up, in a new place, the cluster as it was at a moment; what was committed later is not there.

    `rest` is the folder with the log that a dead server did not hand over. Raises EmbeddedError, and leaves
    the new place empty then.
    """
    found = bases(kept)
    fitting = [base for base in found if base.at <= moment]
    if not fitting:
        oldest = f" La primera copia es de {found[0].at:%d/%m/%Y %H:%M:%S} UTC." if found else ""
        raise EmbeddedError(f"No se puede volver a ese momento: no hay una copia base anterior.{oldest}")
    base = fitting[-1]
    answer = into.run("pg_verifybackup", "-q", base.folder, seconds=LONGEST)
    if answer.returncode != 0:
        raise EmbeddedError(f"La copia base «{base.folder}» está dañada.\n{answer.stdout.strip()[-800:]}")
    segment = f"{_shell(kept / 'log')}/%f.gz"
    command = f"[ -f {segment} ] && gzip -dc {segment} > %p"
    if rest is not None:
        command = f"{{ {command}; }} || cp {_shell(rest)}/%f %p"
    settings = {
        "restore_command": command,
        "recovery_target_time": moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00"),
    }
    passwords = json.loads((kept / "passwords.json").read_text("utf-8"))
    try:
        return into.plant(base.folder, passwords, settings)
    except EmbeddedError as error:
        if "recovery ended before configured recovery target" not in str(error):
            raise
        raise EmbeddedError(
            "El registro guardado no llega a ese momento. Si el sistema sigue en marcha, deténgalo: así "
            "termina de guardar lo último. Si no, elija un momento anterior."
        ) from error


def _shell(path: Path) -> str:
    return shlex.quote(str(path).replace("%", "%%"))
