"""A batch from its file to its end: opened, begun, moved on, stopped; one run at a time."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from sqlalchemy import func, select, text, update

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.models.imports import ImportStatus, RegisterImport, RegisterRow
from app.models.inspections import Visit
from app.operations import files
from app.operations.jobs import defer
from app.operations.unit import act
from app.security.principal import current
from app.security.scope import unscoped

LOCK = 20130107
"""The advisory lock of imports: the first day of the register."""

TRY_LOCK = text("SELECT pg_try_advisory_lock(:key)")
UNFINISHED = (ImportStatus.WRITING, ImportStatus.FAILED)
STANDING = (ImportStatus.DONE, *UNFINISHED)
"""Batches whose rows stand; those of an undone one are gone."""


class Busy(RuleBroken):
    """Another import is at work."""

    default_code = "busy"


@dataclass(frozen=True)
class Progress:
    """What a run needs to know of its batch. Rows up to `position` are written."""

    batch_id: int
    path: Path
    layout: Mapping[str, Any]
    judged_on: date
    position: int


@contextmanager
def exclusive(wait: float = 0) -> Iterator[None]:
    """Be the only import at work, on all nodes; a run that dies frees it. Raises Busy after `wait` s."""
    bind: Any = Session.get_bind()
    with bind.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        until = monotonic() + wait
        while not connection.execute(TRY_LOCK, {"key": LOCK}).scalar_one():
            if monotonic() >= until:
                raise Busy("Otra importación está en marcha. Espere a que termine y repita.")
            sleep(0.1)
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})


def open_batch(
    content: bytes, content_type: str, file_name: str, layout: Mapping[str, Any], name: str | None = None
) -> RegisterImport:
    """The batch of this file: the one that has its name, or a new one. Raises RuleBroken: the name is taken.

    Without a name, the file's own batch when there is one, else a new one named after the file.
    """
    with act("register.load") as unit:
        stored = files.store(content, content_type)
        found = unit.session.scalars(
            select(RegisterImport)
            .where(RegisterImport.name == name if name is not None else RegisterImport.file_id == stored.id)
            .order_by(RegisterImport.id.desc())
            .limit(1)
        ).first()
        if found is not None and found.file_id != stored.id:
            raise RuleBroken(
                f"El lote «{name}» ya existe con otro archivo ({found.file_name}). Elija otro nombre.",
                field="name",
                code="batch_taken",
            )
        if found is None:
            found = RegisterImport(
                name=name if name is not None else _free_name(file_name),
                file_name=file_name,
                file_id=stored.id,
                layout=dict(layout),
                status=ImportStatus.LOADED.value,
                created_by_id=current().account_id,
            )
            unit.session.add(found)
        elif found.status not in (*STANDING, ImportStatus.UNDOING):
            found.layout = dict(layout)
        unit.session.flush()
    return found


def _free_name(file_name: str) -> str:
    taken = set(
        Session.scalars(
            select(RegisterImport.name).where(RegisterImport.name.startswith(file_name, autoescape=True))
        )
    )
    number, name = 1, file_name
    while name in taken:
        number += 1
        name = f"{file_name} ({number})"
    return name


def relayout(key: int, layout: Mapping[str, Any]) -> None:
    """Read the file in another way from here on. Raises RuleBroken once rows are written."""
    with act("register.layout") as unit:
        batch = locked(key)
        if batch.status not in (ImportStatus.LOADED, ImportStatus.READY, ImportStatus.UNDONE):
            raise RuleBroken("El lote ya se importó: su lectura no se cambia. Deshágalo primero.")
        batch.layout, batch.trial = dict(layout), None
        if batch.status == ImportStatus.READY:
            batch.status = ImportStatus.LOADED.value
        unit.session.flush()


def locked(key: int) -> RegisterImport:
    """The batch, for this transaction alone. Raises Missing."""
    batch = Session.get(RegisterImport, key, with_for_update={"of": RegisterImport}, populate_existing=True)
    if batch is None:
        raise Missing()
    return batch


def status_label(status: str) -> str:
    """The Spanish word of a status."""
    return next(member.label for member in ImportStatus if member.value == status)


def ask_for(key: int, task: str) -> None:
    """Have the worker do `task` with this batch (`register_trial`, `register_run`, `register_undo`)."""
    asked = {
        "register_trial": (
            ImportStatus.JUDGING,
            (ImportStatus.LOADED, ImportStatus.READY, ImportStatus.JUDGING, ImportStatus.UNDONE),
        ),
        "register_run": (
            ImportStatus.WRITING,
            (ImportStatus.LOADED, ImportStatus.READY, ImportStatus.UNDONE, *UNFINISHED),
        ),
        "register_undo": (ImportStatus.UNDOING, (*STANDING, ImportStatus.UNDOING)),
    }
    status, allowed = asked[task]
    with act(f"register.ask_{task.removeprefix('register_')}") as unit:
        batch = locked(key)
        if batch.status not in allowed:
            raise RuleBroken(f"El lote está «{status_label(batch.status)}»: recargue la página.")
        if batch.status == ImportStatus.UNDONE:
            _forget(batch)
        batch.status, batch.message, batch.beat_at = status.value, None, clock.real_now()
        if status is ImportStatus.JUDGING:
            batch.seen = 0
        defer(
            unit.session,
            task,
            batch_id=key,
            account_id=current().account_id,
            actor=current().name,
        )
        unit.session.flush()


def begin(key: int, judged_on: date) -> Progress:
    """Start to write, or to go on; the day of the first start counts. Raises RuleBroken: it is finished."""
    with act("register.begin") as unit:
        batch = locked(key)
        if batch.status in (ImportStatus.DONE, ImportStatus.UNDOING):
            raise RuleBroken(f"El lote «{batch}» está «{status_label(batch.status)}».")
        if batch.status == ImportStatus.UNDONE:
            _forget(batch)
        batch.status, batch.message = ImportStatus.WRITING.value, None
        batch.judged_on = batch.judged_on or judged_on
        batch.beat_at = clock.real_now()
        unit.session.flush()
        return Progress(key, files.place(batch.file.sha256), batch.layout, batch.judged_on, batch.position)


def _forget(batch: RegisterImport) -> None:
    """An undone batch starts over."""
    batch.position = batch.seen = batch.imported = batch.duplicate = batch.quarantined = batch.blank = 0
    batch.judged_on = batch.finished_at = batch.trial = batch.total = None


def beat(key: int, seen: int, total: int | None = None) -> None:
    """Say that the run is alive and how far it is. No record of anything: the trail leaves it out."""
    values: dict[str, Any] = {"seen": seen, "beat_at": clock.real_now()}
    if total is not None:
        values["total"] = total
    with act("register.beat"):
        Session.execute(update(RegisterImport.__table__).values(values).where(_is(key)))


def _is(key: int) -> Any:
    return RegisterImport.__table__.c.id == key


def keep_trial(key: int, result: Mapping[str, Any]) -> None:
    """Keep what a dry run found."""
    with act("register.trial") as unit:
        batch = locked(key)
        if batch.status == ImportStatus.JUDGING:
            batch.status = ImportStatus.READY.value
        batch.trial, batch.total = dict(result), result["account"]["rows"]
        unit.session.flush()


def end(key: int, total: int) -> None:
    """Every row has its end."""
    with act("register.end") as unit:
        batch = locked(key)
        batch.status, batch.message, batch.total = ImportStatus.DONE.value, None, total
        batch.seen, batch.finished_at = total, clock.now()
        unit.session.flush()


def fail(key: int, message: str, status: ImportStatus = ImportStatus.FAILED) -> None:
    """Say why a run stopped; what it wrote stands, and it can go on."""
    with act("register.stop", message[:500]) as unit:
        batch = locked(key)
        batch.status, batch.message = status.value, message
        unit.session.flush()


def recount(key: int) -> None:
    """Count the rows of a batch again, after some were settled."""
    counts = dict(
        Session.execute(
            select(RegisterRow.outcome, func.count())
            .where(RegisterRow.batch_id == key)
            .group_by(RegisterRow.outcome)
        )
        .tuples()
        .all()
    )
    values = {name: counts.get(name, 0) for name in ("imported", "duplicate", "quarantined", "blank")}
    Session.execute(update(RegisterImport.__table__).values(values).where(_is(key)))


OWN_ACTS = text(
    "SELECT d.number, d.sequence, extract(year FROM d.happened_on)::int"
    " FROM unnest(CAST(:numbers AS int[]), CAST(:years AS int[])) AS asked (number, year)"
    " JOIN document d ON d.sequence = asked.number AND d.type_code = 'ACT-INS'"
    " AND d.happened_on BETWEEN make_date(asked.year, 1, 1) AND make_date(asked.year, 12, 31)"
    " JOIN visit v ON v.document_id = d.id AND v.version_code <> 'historico'"
)
IMPORTED_ACTS = text(
    "SELECT r.act_number, r.act_year, r.content, r.line_number, b.name"
    " FROM unnest(CAST(:numbers AS text[]), CAST(:years AS int[])) AS asked (number, year)"
    " JOIN register_row r ON r.act_year = asked.year AND r.act_number = asked.number"
    " JOIN register_import b ON b.id = r.batch_id"
    " WHERE r.outcome = 'imported' AND r.superseded_by_id IS NULL AND r.batch_id <> :but ORDER BY r.id DESC"
)
PRINTS = text(
    "SELECT fingerprint FROM register_row"
    " WHERE fingerprint = ANY(CAST(:prints AS bytea[])) AND batch_id <> :but"
)
"""Written out: hundreds of pairs cost nothing as arrays, and more than the rest as parameters of an IN."""


def places_of(rows: Collection[int]) -> dict[int, int]:
    """Row -> establishment of its visit; establishments are seen nationwide, whoever sees the visit."""
    query = select(RegisterRow.id, Visit.establishment_id).join(Visit, Visit.id == RegisterRow.visit_id)
    with unscoped():
        found = Session.execute(query.where(RegisterRow.id.in_(rows))).all()
    return {row: place for row, place in found if place is not None}


def known_acts(
    acts: Collection[tuple[str, int]], but: int | None = None
) -> dict[tuple[str, int], tuple[str, str, bool]]:
    """(content, where, born here) of the acts that are there already; rows of the batch `but` apart."""
    found: dict[tuple[str, int], tuple[str, str, bool]] = {}
    if not acts:
        return found
    plain = [(int(number), year) for number, year in acts if number.isdecimal()]
    asked = {"numbers": [number for number, _ in plain], "years": [year for _, year in plain]}
    for name, sequence, year in Session.execute(OWN_ACTS, asked):
        found[str(sequence), int(year)] = ("", f"acta {name}", True)
    pairs: dict[str, Any] = {"numbers": [number for number, _ in acts], "years": [year for _, year in acts]}
    for number, year, content, line, name in Session.execute(IMPORTED_ACTS, pairs | {"but": but or 0}):
        found[number, year] = (content, f"fila {line} del lote «{name}»", False)
    return found


def prints_seen(prints: Collection[bytes], but: int | None = None) -> set[bytes]:
    """Which of these rows came in an earlier file, whatever became of them there."""
    asked = {"prints": [f"\\x{one.hex()}" for one in prints], "but": but or 0}
    return {bytes(found) for found in Session.execute(PRINTS, asked).scalars()}
