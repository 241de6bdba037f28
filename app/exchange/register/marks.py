"""What the reading of a cell can say: a value, what was repaired to get it, and what is wrong with it."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Repair(NamedTuple):
    """A change made to understand a cell; `code` is for machines, `sentence` for people."""

    code: str
    sentence: str
    before: str
    after: str
    field: str = ""


class Problem(NamedTuple):
    """A reason to put the row in quarantine."""

    code: str
    sentence: str
    field: str = ""


class Notice(NamedTuple):
    """Something that a person should know; it does not stop the row."""

    code: str
    sentence: str
    field: str = ""


class Cell(NamedTuple, Generic[T]):
    """A cell that was read: `value` is None when it is blank or when `problem` says why it cannot be used."""

    value: T | None = None
    repairs: tuple[Repair, ...] = ()
    problem: Problem | None = None
    notices: tuple[Notice, ...] = ()
