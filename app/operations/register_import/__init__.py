"""The writer of imported history: batches, chunks of rows, rows settled by a person, a batch undone.

What a file says is read and judged above (`app/exchange`); here judged rows become records, set by set, each
chunk one Act and one transaction: a run that dies leaves whole chunks, and goes on after the last of them.
"""

from app.operations.register_import.batches import (
    Busy,
    Progress,
    ask_for,
    beat,
    begin,
    end,
    exclusive,
    fail,
    keep_trial,
    known_acts,
    open_batch,
    places_of,
    prints_seen,
    relayout,
    status_label,
)
from app.operations.register_import.entries import Entry, Row
from app.operations.register_import.settling import Settled, settle
from app.operations.register_import.undoing import Standing, obstacles, replaced, undo
from app.operations.register_import.writing import write

__all__ = [
    "Busy",
    "Entry",
    "Progress",
    "Row",
    "Settled",
    "Standing",
    "ask_for",
    "beat",
    "begin",
    "end",
    "exclusive",
    "fail",
    "keep_trial",
    "known_acts",
    "obstacles",
    "open_batch",
    "places_of",
    "prints_seen",
    "relayout",
    "replaced",
    "settle",
    "status_label",
    "undo",
    "write",
]
