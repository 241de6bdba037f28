"""The folder of backups: what is there, what is being made, what is thrown away.

Beside each backup lies its card, a small JSON with what the page and `/health` tell; a backup that failed
leaves a card alone. Files decide, no table: after a disaster the folder still says what it holds.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from app.core import clock
from app.core.errors import RuleBroken
from app.operations.files import flush_folder

RUNNING, LOCK = ".running", ".lock"


@dataclass(frozen=True)
class Card:
    """What is known of a backup, or of an attempt that failed (`error`, and no file)."""

    name: str
    at: datetime
    seconds: float
    file: str = ""
    size: int = 0
    sha256: str = ""
    encrypted: bool = False
    environment: str = ""
    revision: str = ""
    audit_head: str = ""
    rows: int = 0
    files: int = 0
    missing: tuple[str, ...] = ()
    """Hashes of files that the database names and the store did not have whole."""
    error: str = ""

    @property
    def good(self) -> bool:
        """Whether it brings back the installation as it was."""
        return not self.error

    def as_dict(self) -> dict[str, Any]:
        """For a machine."""
        return {**asdict(self), "at": self.at.isoformat()}


def cards(folder: Path) -> list[Card]:
    """The backups of a folder and the failed attempts, newest first. A file that went away is not listed."""
    found = []
    for path in folder.glob("sis-*.json"):
        with suppress(OSError, ValueError, TypeError, KeyError):
            told = json.loads(path.read_text("utf-8"))
            told |= {"at": datetime.fromisoformat(told["at"]), "missing": tuple(told["missing"])}
            card = Card(**told)
            if card.name != path.stem or Path(card.file).name != card.file:
                continue  # of another folder: what it names is not ours to throw away
            if card.error or (folder / card.file).exists():
                found.append(card)
    return sorted(found, key=lambda card: card.at, reverse=True)


def last_good(folder: Path) -> Card | None:
    """The newest backup that can be restored."""
    return next((card for card in cards(folder) if card.good), None)


def write(folder: Path, card: Card) -> None:
    """Lay a card down, whole."""
    path = folder / f"{card.name}.json"
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(card.as_dict(), ensure_ascii=False, indent=1), "utf-8")
    part.chmod(0o600)
    part.rename(path)
    flush_folder(folder)


def prune(folder: Path, days: int, weekly_days: int) -> list[str]:
    """Throw away what is older than `days`, but for the newest of each week of `weekly_days`; their names.

    The newest good backup always stays. What the folder was not told of in a card is not touched.
    """
    now = clock.real_now()
    found = cards(folder)
    good = [card for card in found if card.good]
    keep = {card.name for card in found if now - card.at < timedelta(days=days)}
    keep |= {card.name for card in good[:1]}
    weekly: dict[tuple[int, int], str] = {}
    for card in good:
        if now - card.at < timedelta(days=weekly_days):
            weekly.setdefault(clock.local(card.at).isocalendar()[:2], card.name)
    gone = [card for card in found if card.name not in keep | set(weekly.values())]
    for card in gone:
        if card.file:
            (folder / card.file).unlink(missing_ok=True)
        (folder / f"{card.name}.json").unlink(missing_ok=True)
    return [card.name for card in gone]


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One backup at a time in a folder; what a dead one left half made is cleared. Raises RuleBroken."""
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuleBroken("Ya se está haciendo una copia de respaldo.", code="backup_running") from None
        for left in folder.glob(".sis-*"):
            left.unlink(missing_ok=True)
        try:
            yield
        finally:
            (folder / RUNNING).unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def progress(folder: Path) -> dict[str, Any] | None:
    """What the backup that is being made says of itself; None when none is."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        with suppress(OSError, ValueError):
            told: dict[str, Any] = json.loads((folder / RUNNING).read_text("utf-8"))
            return told
        return {"step": "", "done": 0, "total": 0}
    finally:
        os.close(descriptor)


def tell(folder: Path, step: str, done: int, total: int) -> None:
    """Say how far it is, for `progress`."""
    path = folder / RUNNING
    part = path.with_name(f"{RUNNING}.part")
    with suppress(OSError):  # a full disk is told by the backup itself
        part.write_text(json.dumps({"step": step, "done": done, "total": total}), "utf-8")
        part.rename(path)
