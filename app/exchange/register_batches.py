"""An import of the historical register from its file to its end: what command, worker and screen call.

Reading and judging are `app/exchange/register`, writing is `app/operations/register_import`; here they meet.
Rows pass one at a time and are written in chunks. A run that died is taken up by running again: the rows
written are judged once more, for what they say about later ones, and the next chunk follows.
"""

from __future__ import annotations

import csv
import gc
import io
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TextIO

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.base import Session
from app.core.errors import DomainError, Missing, RuleBroken, Stale
from app.core.types import many
from app.exchange.register.account import Account, ReportWriter, check_of, corrected
from app.exchange.register.catalogs import Catalogs
from app.exchange.register.cells.dates import read_date
from app.exchange.register.cells.identifiers import read_act, read_resolution, read_ruc
from app.exchange.register.cells.numbers import read_amount, read_count
from app.exchange.register.cells.people import learn_inspectors, person_key
from app.exchange.register.cells.places import address_key
from app.exchange.register.cells.text import key as text_key
from app.exchange.register.cells.text import read_name, read_text
from app.exchange.register.columns import BY_NAME
from app.exchange.register.judge import CleanRow, Judged, judge
from app.exchange.register.ledger import (
    ActKey,
    Decision,
    Known,
    Ledger,
    act_key,
    content_of,
    differences,
    fingerprint_of,
)
from app.exchange.register.marks import Notice, Problem, Repair
from app.exchange.register.reading import Layout, RawRow, Source, detect, rows
from app.models.catalogs import ActivityAlias, Department, DepartmentAlias, District
from app.models.imports import ImportStatus, RegisterImport, RegisterRow
from app.models.norms import InfractionAlias
from app.models.staff import Inspector
from app.operations import files
from app.operations import register_import as ops
from app.operations.register_import.entries import Entry, Row

CHUNK = 1_000
"""Rows of one transaction: large enough for few round trips, small enough that nobody waits for it."""

REMEMBERED = 5_000
"""Rows after which the cells read are let go of."""

EXAMPLES = 5
Tell = Callable[[int], None]


def layout_of(batch: RegisterImport) -> Layout:
    """How the file of a batch is read."""
    return _ordered(batch.layout)


def _ordered(kept: Mapping[str, Any]) -> Layout:
    """A layout as it was kept; JSON in the database forgets the order of the columns."""
    layout = Layout.from_dict(kept)
    return replace(layout, columns=dict(sorted(layout.columns.items(), key=lambda item: item[1].position)))


@dataclass
class Trial:
    """What a dry run found; nothing was written."""

    account: Account
    examples: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, to be kept with the batch."""
        return {
            "account": self.account.as_dict(),
            "causes": dict(self.account.causes.most_common()),
            "repairs": dict(self.account.repairs.most_common()),
            "warnings": dict(self.account.warnings.most_common()),
            "unknown_infractions": dict(self.account.unknown_infractions.most_common(50)),
            "examples": {code: [list(one) for one in found] for code, found in self.examples.items()},
        }


def catalogs(source: Source | None = None, layout: Layout | None = None) -> Catalogs:
    """The catalogues as they stand; with a file, its inspectors get one name each."""
    people = {
        person_key(f"{first} {last}"): f"{first} {last}"
        for first, last in Session.execute(select(Inspector.first_name, Inspector.last_name))
    }
    if source is not None and layout is not None:
        names = ("inspector_1", "inspector_2")
        cells = (raw.cells.get(name, "") for raw in rows(source, layout) for name in names)
        people = learn_inspectors((cell for cell in cells if cell), people)
    aliases = select(InfractionAlias.alias, InfractionAlias.infraction_code)
    return Catalogs(
        departments=dict(Session.execute(select(Department.code, Department.official_name)).tuples().all()),
        districts={
            code: (department, name)
            for code, department, name in Session.execute(
                select(District.code, District.department_code, District.official_name)
            )
        },
        department_aliases=dict(
            Session.execute(select(DepartmentAlias.alias, DepartmentAlias.department_code)).tuples().all()
        ),
        infraction_aliases={text: code for text, code in Session.execute(aliases) if code},
        activities=dict(
            Session.execute(select(ActivityAlias.alias, ActivityAlias.activity_code)).tuples().all()
        ),
        inspectors=people,
    )


class _Book:
    """The ledger, with what the database knows fetched a chunk at a time."""

    def __init__(self, but: int | None) -> None:
        self.known: dict[ActKey, Known] = {}
        self.waiting: set[bytes] = set()
        self.ledger = Ledger(self.known, self.waiting)
        self.but = but
        others = select(RegisterRow.id).limit(1)
        if but is not None:
            others = others.where(RegisterRow.batch_id != but)
        self.alone = Session.scalar(others) is None

    def decide(self, chunk: list[Judged]) -> list[Decision]:
        acts = {found for judged in chunk if judged.record and (found := act_key(judged.record))}
        self.known.clear()
        for (number, year), (content, where, born_here) in ops.known_acts(acts, self.but).items():
            origin: Any = "sis" if born_here else "historical"
            self.known[ActKey(number, year)] = Known(content, where, origin)
        self.waiting.clear()
        if not self.alone:
            prints = {fingerprint_of(content_of(judged)) for judged in chunk if judged.record}
            self.waiting |= ops.prints_seen(prints, self.but)
        return [self.ledger.decide(judged) for judged in chunk]


def decisions(source: Source, layout: Layout, on: date, but: int | None = None) -> Iterator[list[Decision]]:
    """The decision of every row, in chunks. `but` is the batch whose own rows do not count as known."""
    lists, book = catalogs(source, layout), _Book(but)
    since = 0
    for chunk in _ahead(judge(raw, lists, on) for raw in rows(source, layout)):
        yield book.decide(chunk)
        since += len(chunk)
        if since >= REMEMBERED:
            _forget_cells(lists)
            since = 0


def _ahead(stream: Iterator[Judged]) -> Iterator[list[Judged]]:
    """A stream in chunks: the next is judged, which asks nobody, while PostgreSQL writes the last."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(lambda: list(islice(stream, CHUNK)))
        while chunk := coming.result():
            coming = pool.submit(lambda: list(islice(stream, CHUNK)))
            yield chunk


def _forget_cells(lists: Catalogs) -> None:
    """Let go of the cells read: registers repeat themselves nearby, and a long one would fill the memory."""
    kept: tuple[Any, ...] = (
        read_ruc, read_act, read_resolution, read_date, read_text, read_name, text_key,
        read_amount, read_count, address_key,
        lists.infractions.read, lists.people.read, lists.places.district,
    )  # fmt: skip
    for cache in kept:
        cache.cache_clear()


def try_out(source: Source, layout: Layout, report: TextIO | None = None, tell: Tell | None = None) -> Trial:
    """Judge a file against what is there, and write nothing."""
    trial = Trial(Account())
    writer = ReportWriter(report, layout) if report is not None else None
    for chunk in decisions(source, layout, clock.today()):
        for decision in chunk:
            trial.account.add(decision)
            for cause in decision.causes:
                listed = trial.examples.setdefault(cause.code, [])
                if len(listed) < EXAMPLES:
                    listed.append((decision.judged.raw.line_number, cause.sentence))
            if writer is not None:
                writer.write(decision)
        if tell is not None:
            tell(trial.account.rows)
    return trial


def run(batch_id: int, tell: Tell | None = None) -> None:
    """Import a batch, or go on with it. Raises Busy; any other failure stops it where it is, with words."""
    with ops.exclusive():
        progress = ops.begin(batch_id, clock.today())
        try:
            _run(progress, tell)
        except BaseException as error:
            Session.rollback()
            ops.fail(batch_id, _words(error))
            raise


def _run(progress: ops.Progress, tell: Tell | None) -> None:
    layout, seen = _ordered(progress.layout), 0
    gc.freeze()  # the garbage collector would go through the whole program every few hundred rows
    for chunk in decisions(progress.path, layout, progress.judged_on, progress.batch_id):
        seen += len(chunk)
        fresh = [row_of(one) for one in chunk if one.judged.raw.line_number > progress.position]
        if fresh:
            ops.write(progress.batch_id, fresh, seen, address_key)
            Session.expunge_all()
        if tell is not None:
            tell(seen)
    ops.end(progress.batch_id, seen)


def row_of(decision: Decision) -> Row:
    """A decision as the writer takes it."""
    judged = decision.judged
    record = judged.record
    row = Row(judged.raw.line_number, decision.outcome, list(judged.raw.values))
    if record is None:
        return row
    row.causes = [list(cause) for cause in decision.causes]
    row.codes = [cause.code for cause in decision.causes]
    row.repairs = [list(repair) for repair in judged.repairs]
    row.notices = [list(notice) for notice in judged.warnings]
    row.flags = [notice.code for notice in judged.warnings if notice.code == "matches_own_inspection"]
    row.waived = [n.code.removeprefix("waived_") for n in judged.warnings if n.code.startswith("waived_")]
    row.content, row.fingerprint = decision.content, decision.fingerprint
    row.act_number, row.act_year = record.act_number, record.act_year
    if decision.outcome == "imported":
        row.entry = entry_of(record)
    return row


def entry_of(record: CleanRow) -> Entry:
    """What a clean row says, as the writer takes it."""
    assert record.date is not None and record.district is not None
    return Entry(
        act=f"{record.act_number}/{record.act_year}",
        on=record.date,
        order=record.order_number,
        employer_name=record.employer_name,
        name_key=text_key(record.employer_name),
        trade_name=record.trade_name,
        is_firm=record.employer_is_firm,
        ruc_base=record.ruc_base,
        ruc_dv=record.ruc_dv,
        district=record.district,
        address=record.address,
        address_key=address_key(record.address),
        activity_code=record.activity_code,
        men=record.men,
        women=record.women,
        minors=record.minors,
        inspectors=tuple((person.key, person.name) for person in record.inspectors),
        cause=record.cause,
        result=record.outcome_text,
        infractions=tuple((item.text, item.code) for item in record.infractions),
        fine=record.fine,
        resolution_number=record.resolution_number,
        resolution_on=record.resolution_date,
        remarks=record.remarks,
    )


# --- in the background, for the screen --------------------------------------------------------------------


def try_batch(batch_id: int) -> None:
    """The dry run that the screen asked for: its result and report are kept with the batch."""
    batch = _batch(batch_id)
    beat = _Beat(batch_id)
    try:
        trials: list[Trial] = []
        content = written(
            lambda stream: trials.append(try_out(path_of(batch), layout_of(batch), stream, beat))
        )
        trial, kept = trials[0], files.store(content, "text/csv")
        ops.keep_trial(batch_id, trial.as_dict() | {"report": kept.id})
    except Exception as error:
        Session.rollback()
        ops.fail(batch_id, _words(error), ImportStatus.LOADED)
        raise


def written(write: Callable[[TextIO], None]) -> bytes:
    """What is written to a stream, by way of a file: a report of many rows as text would fill the memory."""
    with TemporaryFile("w+b") as file:
        stream = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        write(stream)
        stream.flush()
        file.seek(0)
        content = file.read()
        stream.detach()
        return content


class _Beat:
    """Says how far a dry run is, every two seconds."""

    def __init__(self, batch_id: int) -> None:
        self.batch_id, self.last = batch_id, clock.real_now()

    def __call__(self, seen: int) -> None:
        now = clock.real_now()
        if (now - self.last).total_seconds() >= 2:
            self.last = now
            ops.beat(self.batch_id, seen)


def undo_batch(batch_id: int) -> None:
    """The undoing that the screen asked for; what stands in its way is kept with the batch, in words."""
    try:
        undo(batch_id)
    except Exception as error:
        Session.rollback()
        if isinstance(error, ops.Busy):
            raise
        ops.fail(batch_id, _words(error), ImportStatus.DONE)
        if not isinstance(error, DomainError):
            raise


def _words(error: BaseException) -> str:
    if isinstance(error, DomainError):
        return error.message
    said = str(error).splitlines()[:1]
    return f"{type(error).__name__}: {said[0] if said else 'interrumpido'}"


# --- what was written, read back --------------------------------------------------------------------------


def account_of(batch: RegisterImport) -> dict[str, int]:
    """The five totals of a batch, which add up."""
    return {
        "rows": batch.rows,
        "imported": batch.imported,
        "duplicate": batch.duplicate,
        "quarantined": batch.quarantined,
        "blank": batch.blank,
    }


def report(batch: RegisterImport, stream: TextIO, only: Collection[str] = ()) -> None:
    """Write the report of a batch: each source row with its outcome, causes and repairs."""
    writer = ReportWriter(stream, layout_of(batch))
    query = select(RegisterRow).where(RegisterRow.batch_id == batch.id).order_by(RegisterRow.line_number)
    if only:
        query = query.where(RegisterRow.outcome.in_(list(only)))
    for row in Session.scalars(query.execution_options(yield_per=1000)):
        writer.write(_decision_of(row))


def _decision_of(row: RegisterRow) -> Decision:
    judged = Judged(
        RawRow(row.line_number, {}, {}, tuple(row.values)),
        "ok",
        repairs=[Repair(*told) for told in row.repairs],
        warnings=[Notice(*told) for told in row.notices],
    )
    outcome: Any = row.outcome
    return Decision(outcome, judged, [Problem(*told) for told in row.causes])


def raw_of(layout: Layout, line: int, values: Sequence[str]) -> RawRow:
    """The row as reading it from its file gives it."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(values)
    plain = replace(layout, kind="csv", header_row=0, encoding="utf-8", separator=";")
    found = next(iter(rows(text.getvalue().encode("utf-8", "replace"), plain)))
    # A cell of many lines is not read back by the reader of files: the values stand as they are kept.
    places = {name: column.position for name, column in layout.columns.items()}
    whole = [*values, *[""] * (len(layout.headers) - len(values))]
    return found._replace(
        line_number=line, values=tuple(whole), cells={name: whole[at] for name, at in places.items()}
    )


def cells_of(layout: Layout, row: RegisterRow) -> dict[str, str]:
    """Field -> cell of a stored row."""
    return {
        name: row.values[column.position] if column.position < len(row.values) else ""
        for name, column in layout.columns.items()
    }


# --- settling rows that wait ------------------------------------------------------------------------------


@dataclass
class Change:
    """New cells or an acceptance for a row that waits. `over`: the row whose act it replaces, reviewed."""

    row: RegisterRow
    values: list[str]
    waive: frozenset[str] = frozenset()
    over: int | None = None


@dataclass
class Outcome:
    """What became of the rows that a person settled."""

    counts: dict[str, int] = field(default_factory=dict)
    left_alone: int = 0

    @property
    def rows(self) -> int:
        """How many rows changed."""
        return sum(self.counts.values())


def settle(
    batch: RegisterImport, changes: Iterable[Change], verb: str, alone: frozenset[str] = frozenset()
) -> Outcome:
    """Judge rows again with their changes, and write them; only these rows change. Raises Busy, Stale.

    `alone` lists causes that a review has settled for these rows (`conflict`).
    """
    layout, lists, result = layout_of(batch), catalogs(), Outcome()
    today = clock.today()
    with ops.exclusive(wait=4):
        todo = iter(changes)
        while chunk := list(islice(todo, CHUNK)):
            book = _Book(None)
            book.alone = True  # the rows themselves are what waits
            judged = [
                judge(
                    raw_of(layout, change.row.line_number, change.values),
                    lists,
                    today,
                    change.waive | set(change.row.waived),
                )
                for change in chunk
            ]
            settled = []
            for change, decision in zip(chunk, book.decide(judged), strict=True):
                _reviewed(decision, alone)
                row = row_of(decision)
                result.counts[row.outcome] = result.counts.get(row.outcome, 0) + 1
                settled.append(ops.Settled(change.row.id, change.row.version, row, change.over))
            ops.settle(batch.id, settled, verb, address_key)
    return result


def _reviewed(decision: Decision, alone: frozenset[str]) -> None:
    """Take away the causes that a person has settled."""
    if not alone or decision.outcome != "quarantined":
        return
    for cause in decision.causes:
        if cause.code in alone:
            sentence = f"Revisado por una persona: {cause.sentence}"
            decision.judged.warnings.append(Notice(f"reviewed_{cause.code}", sentence, cause.field))
    decision.causes = [cause for cause in decision.causes if cause.code not in alone]
    if not decision.causes:
        decision.outcome = "imported"


def correct(batch: RegisterImport, row: RegisterRow, cells: Mapping[str, str], version: int) -> Outcome:
    """Judge a row again with corrected cells (field -> text). It may wait still, for what is left."""
    if row.version != version:
        raise Stale()
    layout = layout_of(batch)
    return settle(batch, [Change(row, _with_cells(layout, row.values, cells))], "correct")


def _with_cells(layout: Layout, values: Sequence[str], cells: Mapping[str, str]) -> list[str]:
    found = [*values, *[""] * (len(layout.headers) - len(values))]
    for name, text in cells.items():
        if name in layout.columns:
            found[layout.columns[name].position] = text
    return found


def take_as_provisional(batch: RegisterImport) -> Outcome:
    """Take every row without RUC with a provisional employer; one that has other causes waits for them."""
    waiting = Session.scalars(
        select(RegisterRow)
        .where(RegisterRow.batch_id == batch.id, RegisterRow.outcome == "quarantined")
        .where(RegisterRow.codes.any("missing_ruc"))  # type: ignore[arg-type]
        .order_by(RegisterRow.line_number)
    ).all()
    waive = frozenset({"missing_ruc"})
    return settle(batch, [Change(row, row.values, waive) for row in waiting], "provisional")


def conflicting(row: RegisterRow) -> list[RegisterRow]:
    """The imported rows that have the act of a row in conflict."""
    return list(
        Session.scalars(
            select(RegisterRow)
            .where(
                RegisterRow.act_number == row.act_number,
                RegisterRow.act_year == row.act_year,
                RegisterRow.outcome == "imported",
                RegisterRow.superseded_by_id.is_(None),
            )
            .order_by(RegisterRow.id.desc())
        )
    )


def compared(row: RegisterRow, other: RegisterRow) -> list[tuple[str, str, str, bool]]:
    """(label, cell of the row, cell of the other, whether they differ) for each field of the register."""
    layouts = [layout_of(one.batch) for one in (row, other)]
    new, old = (cells_of(layout, one) for layout, one in zip(layouts, (row, other), strict=True))
    # A cell may hold anything, a colon too: the label is what stands before the first one.
    differing = {told.split(":")[0] for told in differences(row.content, other.content)}
    if "Inspectores" in differing:
        differing |= {"Inspector 1", "Inspector 2"}
    listed = []
    for name, field_ in BY_NAME.items():
        one, two = new.get(name, "").strip(), old.get(name, "").strip()
        if (one or two) and name != "row_number":
            listed.append((field_.label, one, two, field_.label in differing))
    return listed


def apply_conflict(batch: RegisterImport, row: RegisterRow, version: int, replace_it: bool) -> Outcome:
    """After a review: the row replaces the act that is there, or stands beside it as another one.

    What is replaced stays with its row and in the trail. Raises RuleBroken: other causes are left, or it is
    the same place and day, which cannot be two acts.
    """
    if row.version != version or row.outcome != "quarantined":
        raise Stale()
    if set(row.codes) != {"conflict"}:
        raise RuleBroken("La fila tiene otras causas: corríjalas primero.")
    others = conflicting(row)
    if not others:
        raise RuleBroken("El acta con que chocaba ya no está: corrija la fila, sin cambios, para tomarla.")
    change = Change(row, row.values, over=others[0].id if replace_it else None)
    try:
        return settle(batch, [change], "replace" if replace_it else "keep_apart", frozenset({"conflict"}))
    except IntegrityError as error:
        raise RuleBroken(
            "Es el mismo lugar y el mismo día: no pueden ser dos actas. Reemplácela o deje la fila."
        ) from error


def import_corrected(batch: RegisterImport, source: Source) -> Outcome:
    """Take the changed rows of a corrected report. Rows that do not wait any more are left alone."""
    layout = layout_of(batch)
    mapping = {name: column.header for name, column in layout.columns.items() if column.header.strip()}
    wanted = list(corrected(source, mapping))
    stored: dict[int, RegisterRow] = {}
    lines = [item.line_number for item in wanted]
    for start in range(0, len(lines), 1000):
        query = select(RegisterRow).where(
            RegisterRow.batch_id == batch.id, RegisterRow.line_number.in_(lines[start : start + 1000])
        )
        stored |= {row.line_number: row for row in Session.scalars(query)}
    changes, left = [], 0
    for item in wanted:
        row = stored.get(item.line_number)
        width = len(layout.headers)
        if row is None or row.outcome != "quarantined" or check_of(tuple(row.values[:width])) != item.check:
            left += 1
            continue
        values = _with_cells(layout, row.values[:width], item.raw.cells)
        for title, text in item.raw.extra.items():
            if title in layout.headers:
                values[layout.headers.index(title)] = text
        changes.append(Change(row, values))
    result = settle(batch, changes, "corrected_report") if changes else Outcome()
    result.left_alone = left
    return result


def undo(batch_id: int, reason: str | None = None) -> int:
    """Take back a whole batch; rows of other batches that it replaced get their act back."""
    with ops.exclusive():
        lists, today, restored = catalogs(), clock.today(), {}
        for row in ops.replaced(batch_id):
            raw = raw_of(layout_of(row.batch), row.line_number, row.values)
            judged = judge(raw, lists, today, set(row.waived))
            decision = Decision("imported", judged, [], None, row.content, row.fingerprint or b"")
            restored[row.id] = row_of(decision)
        return ops.undo(batch_id, restored, address_key, reason)


# --- the command ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """What a command did: the five totals, the batch, and a sentence for the person."""

    account: dict[str, int]
    batch: str
    sentence: str
    causes: dict[str, int] = field(default_factory=dict)


def import_file(
    path: Path,
    *,
    dry_run: bool = False,
    name: str | None = None,
    report_to: Path | None = None,
    hints: Mapping[str, Any] | None = None,
    tell: Tell | None = None,
) -> Answer:
    """Import a file, go on with it, or take a corrected report; a file that is in already changes nothing.

    `hints` are a person's corrections of what `detect` finds. Raises RegisterError, RuleBroken, Busy.
    """
    layout = detect(path, **(hints or {}))
    if is_report(layout) and not dry_run:
        return _corrected(named(name), path, report_to)
    if layout.missing:
        raise RuleBroken(
            f"No se encontraron columnas indispensables: {', '.join(layout.missing)}. "
            "Indique cuál es cada una con --column campo=título.",
            code="columns_missing",
        )
    content = path.read_bytes()
    if (there := standing_batch(content)) is not None:
        with _report_file(report_to) as stream:
            account = repeated(there, stream)
        return Answer(account, there.name, f"Este archivo ya se importó (lote «{there}»): no cambió nada.")
    if dry_run:
        with _report_file(report_to) as stream:
            trial = try_out(path, layout, stream, tell)
        causes = dict(trial.account.causes.most_common())
        return Answer(trial.account.as_dict(), name or "", "Prueba: no se escribió nada.", causes)
    key = load(content, path.name, layout, name).id
    del content
    run(key, tell)
    batch = _batch(key)
    if report_to is not None:
        with _report_file(report_to) as stream:
            assert stream is not None
            report(batch, stream)
    return Answer(account_of(batch), batch.name, f"Lote «{batch}» importado.", waiting_by_cause(batch))


def _batch(key: int) -> RegisterImport:
    batch = Session.get(RegisterImport, key, populate_existing=True)
    if batch is None:
        raise Missing()
    return batch


def _corrected(batch: RegisterImport, path: Path, report_to: Path | None) -> Answer:
    outcome = import_corrected(batch, path)
    batch = _batch(batch.id)
    if report_to is not None:
        with _report_file(report_to) as stream:
            assert stream is not None
            report(batch, stream)
    account = {"rows": outcome.rows} | {
        name: outcome.counts.get(name, 0) for name in ("imported", "duplicate", "quarantined", "blank")
    }
    changed = many(outcome.rows, "fila cambiada y juzgada", "filas cambiadas y juzgadas")
    sentence = f"Informe corregido del lote «{batch}»: {changed} de nuevo."
    if outcome.left_alone:
        sentence += f" {outcome.left_alone} no esperaban en cuarentena y no se tocaron."
    return Answer(account, batch.name, sentence)


@contextmanager
def _report_file(path: Path | None) -> Iterator[TextIO | None]:
    if path is None:
        yield None
        return
    try:
        stream = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise RuleBroken(f"No se puede escribir el informe en «{path}»: {error.strerror}.") from error
    with stream:
        yield stream


def waiting_by_cause(batch: RegisterImport) -> dict[str, int]:
    """Code of a cause -> rows that wait for it, the most first."""
    code = func.unnest(RegisterRow.codes)
    rows = (
        select(code, func.count())
        .where(RegisterRow.batch_id == batch.id, RegisterRow.outcome == "quarantined")
        .group_by(code)
        .order_by(func.count().desc(), code)
    )
    return dict(Session.execute(rows).tuples().all())


def is_report(layout: Layout) -> bool:
    """Whether the file is a report of an import, to be taken as corrections."""
    return {"SIS fila", "SIS control"} <= set(layout.headers)


def standing_batch(content: bytes) -> RegisterImport | None:
    """The finished batch of this very file, if there is one."""
    query = select(RegisterImport).where(
        RegisterImport.file.has(sha256=sha256(content).hexdigest()),
        RegisterImport.status == ImportStatus.DONE,
    )
    return Session.scalars(query.order_by(RegisterImport.id.desc()).limit(1)).first()


def repeated(batch: RegisterImport, stream: TextIO | None = None) -> dict[str, int]:
    """The account of a file that is in already, and its report: every row repeats its own earlier self."""
    account = {"rows": batch.rows, "imported": 0, "duplicate": batch.rows - batch.blank, "quarantined": 0}
    if stream is not None:
        writer = ReportWriter(stream, layout_of(batch))
        query = select(RegisterRow).where(RegisterRow.batch_id == batch.id).order_by(RegisterRow.line_number)
        for row in Session.scalars(query.execution_options(yield_per=1000)):
            decision = _decision_of(row)
            if row.outcome != "blank":
                decision.outcome = "duplicate"
                where = f"fila {row.line_number} del lote «{batch}»"
                decision.causes = [Problem("duplicate", f"La fila ya se importó: {where}.")]
            writer.write(decision)
    return account | {"blank": batch.blank}


def named(name: str | None) -> RegisterImport:
    """The batch with this name, else the only one that has rows waiting. Raises Missing, RuleBroken."""
    query = select(RegisterImport).where(RegisterImport.status == ImportStatus.DONE)
    if name is not None:
        found = Session.scalars(query.where(RegisterImport.name == name)).all()
    else:
        found = Session.scalars(query.where(RegisterImport.quarantined > 0)).all()
    if not found:
        raise Missing("No hay ningún lote con filas en cuarentena con ese nombre.")
    if len(found) > 1:
        names = ", ".join(f"«{batch.name}»" for batch in found)
        raise RuleBroken(f"Hay filas en cuarentena en varios lotes ({names}): indique cuál con --batch.")
    return found[0]


def load(content: bytes, file_name: str, layout: Layout, name: str | None = None) -> RegisterImport:
    """The batch of a file."""
    sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    kind = sheet if layout.kind == "xlsx" else "text/csv"
    return ops.open_batch(content, kind, file_name, layout.as_dict(), name)


def path_of(batch: RegisterImport) -> Path:
    """Where the file of a batch is kept."""
    return files.place(batch.file.sha256)
