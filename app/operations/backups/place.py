"""Which installation is kept, and where: told once by the factory."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app import embedded
from app.core.errors import RuleBroken


@dataclass(frozen=True)
class Installation:
    """What a backup is made of, and what a restore fills."""

    environment: str
    version: str
    data: Path
    """The folder of the data, with the store of files."""
    folder: Path
    """Where nightly backups go, and the log of the embedded server."""
    recipient: str
    """The public key of `age` for which they are encrypted; empty: they are not."""
    app_url: Callable[[], str]
    backup_url: Callable[[], str | None]
    """The address of the role that reads everything."""

    @property
    def files(self) -> Path:
        """The store."""
        return self.data / "files"

    def cluster(self) -> embedded.Cluster | None:
        """The embedded server, when it is the one at work."""
        found = embedded.of(self.data, self.folder)
        return found if found.serves(self.app_url()) else None

    def reader(self) -> str:
        """The address to read from. Raises RuleBroken without one."""
        url = self.backup_url()
        if not url:
            raise RuleBroken(
                "Para respaldar hace falta DATABASE_BACKUP_URL, la dirección del usuario sis_backup.",
                code="no_backup_role",
            )
        return url


_kept: list[Installation] = []


def use(installation: Installation) -> None:
    """Keep this installation from here on."""
    _kept[:] = [installation]


def current() -> Installation:
    """The installation."""
    return _kept[0]
