"""What the writer is given: rows with their outcome, and what an imported one says, typed."""

from dataclasses import dataclass, field
from datetime import date

Told = list[list[str]]
"""Causes, repairs or notices as plain texts, fit for JSON."""


@dataclass(slots=True)
class Entry:
    """An inspection of the register. `address_key` is the address for comparison."""

    act: str
    on: date
    order: str
    employer_name: str
    name_key: str
    trade_name: str
    is_firm: bool | None
    ruc_base: str | None
    ruc_dv: str | None
    district: int
    address: str
    address_key: str
    activity_code: str
    men: int | None
    women: int | None
    minors: int | None
    inspectors: tuple[tuple[str, str], ...]
    cause: str
    result: str
    infractions: tuple[tuple[str, str | None], ...]
    fine: int | None
    resolution_number: str
    resolution_on: date | None
    remarks: str


@dataclass(slots=True)
class Row:
    """A row of the file with its one outcome. `entry` is there when it is imported."""

    line_number: int
    outcome: str
    values: list[str]
    codes: list[str] = field(default_factory=list)
    causes: Told = field(default_factory=list)
    repairs: Told = field(default_factory=list)
    notices: Told = field(default_factory=list)
    waived: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    content: str = ""
    fingerprint: bytes | None = None
    act_number: str | None = None
    act_year: int | None = None
    entry: Entry | None = None
