"""A list taken away as a spreadsheet: the whole of it, within one's scope, and never without a trace.

A screen says what its list is (`Sheet`); `take` reads it through a cursor of the server, a block at a time,
writes the file and records who took which list, narrowed how, and how many rows. Nothing leaves before that
is written down. The file is temporary and small ones stay in memory.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from sqlalchemy import Select, func, select

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.exchange.tables import FORMATS
from app.operations import parameters
from app.operations.unit import act

MOST_ROWS = "EXPORTACION_FILAS_MAX"
BLOCK = 500
"""Rows fetched at a time."""
IN_MEMORY = 1024 * 1024
LONGEST_REASON = 500

Cells = Sequence[tuple[str, Callable[[Any], Any]]]
"""Title of each column, and its value in a row."""


@dataclass(frozen=True)
class Sheet:
    """A list: its name, the word of its act, its columns, and its rows or the select that gives them.

    `each` makes of a block of rows what the columns read; without it they read the rows.
    """

    name: str
    verb: str
    columns: Cells
    query: Select[Any] | None = None
    rows: Iterable[Any] = ()
    each: Callable[[Sequence[Any]], Iterable[Any]] | None = None


def take(sheet: Sheet, form: str, narrowed: str) -> IO[bytes]:
    """The file of a list in a form of `FORMATS`, at its beginning; `narrowed` says the filters in words.

    Raises Missing for another form, RuleBroken when the list is longer than the parameter allows.
    """
    if form not in FORMATS:
        raise Missing()
    most = parameters.whole(MOST_ROWS, clock.today())
    _refuse_long(sheet.query, most)
    out: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  it is the answer
    count = 0

    def cells() -> Iterator[list[Any]]:
        nonlocal count
        for count, row in enumerate(_rows(sheet), start=1):
            if count > most:
                raise _too_long(most)
            yield [value(row) for _, value in sheet.columns]

    try:
        FORMATS[form][1](out, sheet.name, [title for title, _ in sheet.columns], cells())
        account = f"{sheet.name} ({form.upper()}), filas: {count}. {narrowed or 'Sin filtros'}"
        with act(f"{sheet.verb}.export", reason=account[:LONGEST_REASON]):
            pass
    except BaseException:
        out.close()
        raise
    out.seek(0)
    return out


def _rows(sheet: Sheet) -> Iterator[Any]:
    """The rows, block by block."""
    each = sheet.each or list
    source = iter(sheet.rows)
    if sheet.query is not None:
        source = iter(Session.scalars(sheet.query.execution_options(yield_per=BLOCK)))
    while block := list(islice(source, BLOCK)):
        yield from each(block)


def _refuse_long(query: Select[Any] | None, most: int) -> None:
    """Said before anything is read: a list that will not fit costs one count, which stops at the bound."""
    if query is None:
        return
    bounded = query.order_by(None).limit(most + 1).subquery()
    if (Session.scalar(select(func.count()).select_from(bounded)) or 0) > most:
        raise _too_long(most)


def _too_long(most: int) -> RuleBroken:
    said = f"{most:,}".replace(",", ".")
    return RuleBroken(
        f"La lista tiene más de {said} filas y no se descarga entera. Vuelva, agregue filtros "
        "(oficina, estado, fechas) y descárguela por partes.",
        code="too_long",
    )
