"""Safe keeping: backups while people work, the nightly one, the way back from a file or to a moment.

make(), nightly(), ask()      a backup now, the one that is due, one by the worker
restore(), restore_to()       from a file; to a moment, from the embedded server's log
cards(), progress()           what there is, what is being made
"""

from app.operations.backups.making import ask, asked, make, nightly
from app.operations.backups.moments import KeptLog, kept_log, moment, refresh, restore_to
from app.operations.backups.place import Installation, current, use
from app.operations.backups.restoring import Restored, restore
from app.operations.backups.shelf import Card, cards, last_good, progress

__all__ = [
    "Card",
    "Installation",
    "KeptLog",
    "Restored",
    "ask",
    "asked",
    "cards",
    "current",
    "kept_log",
    "last_good",
    "make",
    "moment",
    "nightly",
    "progress",
    "refresh",
    "restore",
    "restore_to",
    "use",
]
