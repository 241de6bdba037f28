"""Procedure versions between rows and the interpreter: seeding, loading (cached), the one in force.

A published version is frozen in the database, so its dataclasses are kept for the life of the process; a
draft is read anew each time.
"""

import logging
import time
from dataclasses import fields
from datetime import date
from typing import Any, TypeVar

import yaml
from sqlalchemy import or_, select

from app.core import clock
from app.core.base import Model, Session
from app.core.errors import Missing, RuleBroken
from app.models import procedures as rows
from app.operations.readiness import APP
from app.operations.unit import act
from app.workflow import definition
from app.workflow.fields import ExtraField, FieldKind
from app.workflow.loading import version_from_mapping

log = logging.getLogger(__name__)
Part = TypeVar("Part", definition.State, definition.TermType, definition.Move, ExtraField)
PUBLISHED = rows.VersionStatus.PUBLISHED.value


def version_in_force(on: date | None = None) -> definition.ProcedureVersion:
    """The published version that rules on a day (today by default). Raises Missing when none does."""
    on = on or clock.today()
    table = rows.ProcedureVersion
    code = Session.scalar(
        select(table.code)
        .where(table.status == PUBLISHED, ~table.historical, table.valid_from <= on)
        .where(or_(table.valid_to.is_(None), table.valid_to >= on))
        .order_by(table.valid_from.desc())
        .limit(1)
    )
    if code is None:
        raise Missing(f"Ninguna versión del procedimiento rige el {on:%d/%m/%Y}: publique una.")
    return version(code)


def version(code: str) -> definition.ProcedureVersion:
    """The version of this code, as the interpreter reads it. Raises Missing."""
    if code in _frozen:
        return _frozen[code]
    row = Session.get(rows.ProcedureVersion, code)
    if row is None:
        raise Missing(f"No hay una versión «{code}» del procedimiento.")
    read = _read(row)
    if row.status != rows.VersionStatus.DRAFT.value:
        _frozen[code] = read
    return read


_frozen: dict[str, definition.ProcedureVersion] = {}


def state_names(process: str) -> dict[str, str]:
    """The states of a process in every version, by code, named as the newest does; at most a minute old.

    For the filters of lists, which are drawn with each page.
    """
    made, names = _names.get(process, (0.0, {}))
    if not names or time.monotonic() - made > 60:
        state = rows.ProcedureState
        found = Session.execute(
            select(state.code, state.name)
            .where(state.process_code == process)
            .order_by(state.version_code.desc(), state.position)
        ).tuples()
        once = dict(reversed(found.all()))  # the newest name, in the oldest place
        names = dict([*once.items()][::-1])
        _names[process] = (time.monotonic(), names)
    return names


_names: dict[str, tuple[float, dict[str, str]]] = {}


def forget() -> None:
    """Forget what was read: for tests, which change databases under one process."""
    _frozen.clear()
    _names.clear()


def seed() -> int:
    """Add and publish the shipped versions that are not there yet; how many were added.

    A published one is frozen: where the shipped file says otherwise it stays as it was, and the log says so.
    """
    known = set(Session.scalars(select(rows.ProcedureVersion.code)))
    added = 0
    for path in sorted((APP / "seeds" / "procedures").glob("*.yaml")):
        read = version_from_mapping(yaml.safe_load(path.read_text(encoding="utf-8")))
        if read.code in known:
            if version(read.code).processes != read.processes:
                log.warning("the published procedure %s stays; the shipped file differs from it", read.code)
            continue
        with act("procedure.publish", reason=read.basis):
            write(read, status=PUBLISHED)
        added += 1
    return added


def reread(head: rows.ProcedureVersion) -> definition.ProcedureVersion:
    """A version as its rows say now, past what is kept."""
    return _read(head)


def write(read: definition.ProcedureVersion, status: str) -> None:
    """Store a version as rows. Raises RuleBroken with every problem of a version that is not sound."""
    problems = definition.problems(read)
    if problems:
        raise RuleBroken("La versión no se puede usar: " + " ".join(problems), reasons=problems)
    head = rows.ProcedureVersion(
        status=rows.VersionStatus.DRAFT.value, **columns_of(read, skip=("processes", "letters"))
    )
    Session.add(head)
    Session.flush()
    for position, process in enumerate(read.processes):
        _write_process(read.code, position, process)
    for letter in read.letters:
        Session.add(rows.ProcedureLetter(version_code=read.code, code=letter.code, source=letter.source))
    Session.flush()
    head.status = status


def process_columns(code: str, position: int, process: definition.Process) -> dict[str, Any]:
    """The row of a process, without its parts, as column values."""
    start = process.start
    return {
        "version_code": code,
        "code": process.code,
        "position": position,
        "name": process.name,
        "guards": list(process.guards),
        "version_from": process.version_from.value,
        "basis": process.basis,
        "start_state": start.state if start else None,
        "start_roles": list(start.roles) if start else [],
        "start_guards": list(start.guards) if start else [],
        "start_opens_terms": list(start.opens_terms) if start else [],
    }


def _write_process(code: str, position: int, process: definition.Process) -> None:
    Session.add(rows.ProcedureProcess(**process_columns(code, position, process)))
    Session.flush()
    parts: tuple[tuple[type[Model], tuple[Any, ...]], ...] = (
        (rows.ProcedureState, process.states),
        (rows.ProcedureTerm, process.terms),
        (rows.ProcedureMove, process.moves),
        (rows.ProcedureField, process.fields),
    )
    for kind, items in parts:
        for number, item in enumerate(items):
            Session.add(
                kind(version_code=code, process_code=process.code, position=number, **columns_of(item))
            )
        Session.flush()


def columns_of(item: Any, skip: tuple[str, ...] = ()) -> dict[str, Any]:
    """A dataclass as column values: tuples become lists, enums their text, `label` the column `text`."""
    values = {}
    for each in fields(item):
        if each.name in skip:
            continue
        value = getattr(item, each.name)
        if isinstance(value, tuple):
            value = list(value)
        values["text" if each.name == "label" else each.name] = getattr(value, "value", value)
    return values


def _read(head: rows.ProcedureVersion) -> definition.ProcedureVersion:
    states = _parts(rows.ProcedureState, head.code)
    terms = _parts(rows.ProcedureTerm, head.code)
    moves = _parts(rows.ProcedureMove, head.code)
    extra = _parts(rows.ProcedureField, head.code)
    processes = []
    for row in Session.scalars(
        select(rows.ProcedureProcess)
        .where(rows.ProcedureProcess.version_code == head.code)
        .order_by(rows.ProcedureProcess.position)
    ):
        start = None
        if row.start_state is not None:
            start = definition.Start(
                row.start_state, tuple(row.start_roles), tuple(row.start_guards), tuple(row.start_opens_terms)
            )
        processes.append(
            definition.Process(
                code=row.code,
                name=row.name,
                start=start,
                states=tuple(
                    _made(definition.State, each) for each in states if each.process_code == row.code
                ),
                terms=tuple(
                    _made(definition.TermType, each) for each in terms if each.process_code == row.code
                ),
                moves=tuple(_made(definition.Move, each) for each in moves if each.process_code == row.code),
                fields=tuple(_made(ExtraField, each) for each in extra if each.process_code == row.code),
                guards=tuple(row.guards),
                version_from=definition.VersionFrom(row.version_from),
                basis=row.basis,
            )
        )
    return definition.ProcedureVersion(
        code=head.code,
        name=head.name,
        basis=head.basis,
        valid_from=head.valid_from,
        valid_to=head.valid_to,
        historical=head.historical,
        transition=definition.Transition(head.transition),
        transition_basis=head.transition_basis,
        transition_source=definition.Source(head.transition_source),
        notes=head.notes,
        processes=tuple(processes),
        letters=tuple(
            definition.LetterText(each.code, each.source)
            for each in Session.scalars(
                select(rows.ProcedureLetter)
                .where(rows.ProcedureLetter.version_code == head.code)
                .order_by(rows.ProcedureLetter.code)
            )
        ),
    )


def _parts(kind: Any, code: str) -> list[Any]:
    return list(Session.scalars(select(kind).where(kind.version_code == code).order_by(kind.position)))


ENUMS: dict[str, type] = {
    "phase": definition.Phase,
    "source": definition.Source,
    "unit": definition.Unit,
    "calendar_of": definition.CalendarOf,
    "kind": FieldKind,
}


def _made(kind: type[Part], row: Any) -> Part:
    values: dict[str, Any] = {}
    for name in (each.name for each in fields(kind)):
        value = getattr(row, "text" if name == "label" else name)
        if name in ENUMS:
            value = ENUMS[name](value)
        values[name] = tuple(value) if isinstance(value, list) and name != "condition" else value
    return kind(**values)
