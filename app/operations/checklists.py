"""Checklists changed as drafts: copied, edited, published from a day; orders made before keep theirs.

A published version is frozen (triggers); publishing the next one closes it the day before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm.attributes import flag_modified

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing, RuleBroken, Stale
from app.models.checklists import ChecklistQuestion, ChecklistSection, ChecklistStatus, ChecklistVersion
from app.models.norms import Infraction
from app.operations.unit import act
from app.security.principal import current
from app.workflow import conditions
from app.workflow.guards import Fact, Kind

DRAFT, PUBLISHED = ChecklistStatus.DRAFT.value, ChecklistStatus.PUBLISHED.value
FACTS: Mapping[str, Fact] = {
    name: Fact(name, kind, label)
    for name, kind, label in (
        ("workers_total", Kind.COUNT, "Cantidad de trabajadores"),
        ("unhealthy_work", Kind.YES_NO, "Hay tareas insalubres"),
        ("domestic", Kind.YES_NO, "Es trabajo doméstico"),
        ("live_in", Kind.YES_NO, "La persona trabaja sin retiro"),
        ("rural", Kind.YES_NO, "Es trabajo rural"),
    )
}
"""What «se pregunta si» may compare: what a visit knows before its questions."""
COPIED = (
    "number",
    "code",
    "text",
    "infraction_code",
    "weight",
    "evidence",
    "answer_type",
    "show_if",
    "scope",
    "help",
)


def clone(key: int, legal_basis: str, valid_from: date) -> int:
    """A draft equal to a version, under the next number; its key. Raises Missing, RuleBroken."""
    if not legal_basis.strip():
        raise RuleBroken("Escriba la norma y el artículo.", field="legal_basis")
    with act("checklist.clone", reason=legal_basis.strip()):
        source = _version(key)
        if Session.scalar(_drafts(source.checklist_code)) is not None:
            raise RuleBroken("Ya hay un borrador de esta lista: siga en él, o descártelo.")
        last = select(func.max(ChecklistVersion.number)).where(
            ChecklistVersion.checklist_code == source.checklist_code
        )
        copy = ChecklistVersion(
            checklist_code=source.checklist_code,
            number=(Session.scalar(last) or 0) + 1,
            status=DRAFT,
            valid_from=valid_from,
            legal_basis=legal_basis.strip(),
            verification=source.verification,
        )
        Session.add(copy)
        Session.flush()
        for section in source.sections:
            mine = ChecklistSection(version_id=copy.id, number=section.number, title=section.title)
            Session.add(mine)
            Session.flush()
            for question in section.questions:
                values = {name: getattr(question, name) for name in COPIED}
                Session.add(ChecklistQuestion(version_id=copy.id, section_id=mine.id, **values))
        Session.flush()
        return copy.id


def _drafts(code: str) -> Any:
    return select(ChecklistVersion.id).where(
        ChecklistVersion.checklist_code == code, ChecklistVersion.status == DRAFT
    )


def put_section(key: int, seen: int, title: str, section: int | None = None) -> None:
    """Add a section at the end, or give one another title. Raises RuleBroken, Missing, Stale."""
    if not title.strip():
        raise RuleBroken("Escriba el título de la sección.", field="title")
    with act("checklist.section"):
        draft = _draft(key, seen)
        if section is None:
            last = max((each.number for each in draft.sections), default=0)
            Session.add(ChecklistSection(version_id=draft.id, number=last + 1, title=title.strip()))
        else:
            _section(draft, section).title = title.strip()
        _touched(draft)


def drop_section(key: int, seen: int, section: int) -> None:
    """Take an empty section away."""
    with act("checklist.drop_section"):
        draft = _draft(key, seen)
        found = _section(draft, section)
        if found.questions:
            raise RuleBroken("La sección tiene preguntas: quítelas o muévalas antes.")
        Session.delete(found)
        _touched(draft)


def put_question(key: int, seen: int, values: Mapping[str, Any], question: int | None = None) -> None:
    """Add a question at the end of its section, or change one. Raises RuleBroken with the field, Stale."""
    with act("checklist.question"):
        draft = _draft(key, seen)
        _section(draft, values["section_id"])
        _judge(draft, values, question)
        if question is None:
            row = ChecklistQuestion(version_id=draft.id, number=_last_number(draft.id) + 1)
            Session.add(row)
        else:
            row = _question(draft, question)
        for name, value in values.items():
            setattr(row, name, value)
        Session.flush()
        _touched(draft)


def _judge(draft: ChecklistVersion, values: Mapping[str, Any], question: int | None) -> None:
    twin = Session.scalar(
        select(ChecklistQuestion.id).where(
            ChecklistQuestion.version_id == draft.id, ChecklistQuestion.code == values["code"]
        )
    )
    if twin is not None and twin != question:
        raise RuleBroken(f"Ya hay una pregunta con el código «{values['code']}».", field="code")
    code = values.get("infraction_code")
    if code and Session.scalar(select(Infraction.id).where(Infraction.code == code).limit(1)) is None:
        raise RuleBroken(ChecklistQuestion.rules["infraction_code"], field="infraction_code")
    if values.get("show_if") is not None:
        wrong = conditions.check(values["show_if"])
        if wrong:
            raise RuleBroken(" ".join(wrong), field="show_if")


def _last_number(version: int) -> int:
    last = select(func.max(ChecklistQuestion.number)).where(ChecklistQuestion.version_id == version)
    return Session.scalar(last) or 0


def drop_question(key: int, seen: int, question: int) -> None:
    """Take a question away."""
    with act("checklist.drop_question"):
        draft = _draft(key, seen)
        Session.delete(_question(draft, question))
        _touched(draft)


def shift_question(key: int, seen: int, question: int, by: int) -> None:
    """Move a question among those of its section; past its ends it stays."""
    with act("checklist.shift"):
        draft = _draft(key, seen)
        row = _question(draft, question)
        peers = sorted(row.section.questions, key=lambda each: each.number)
        here = peers.index(row)
        there = max(0, min(len(peers) - 1, here + by))
        if there != here:
            numbers = [each.number for each in peers]
            peers.insert(there, peers.pop(here))
            for each, number in zip(peers, numbers, strict=True):
                each.number = number
        _touched(draft)


def publish(key: int, seen: int, valid_from: date) -> None:
    """Publish a draft from a day on; the version in force until then ends the day before.

    Raises RuleBroken (a past day, no question, a later version already published), Missing, Stale.
    """
    with act("checklist.publish"):
        draft = _draft(key, seen)
        if valid_from < clock.today():
            raise RuleBroken(
                "Una lista no rige hacia atrás: elija hoy o un día que viene.", field="valid_from"
            )
        if _last_number(draft.id) == 0:
            raise RuleBroken("La lista no tiene ninguna pregunta.")
        former = Session.scalars(
            select(ChecklistVersion)
            .where(
                ChecklistVersion.checklist_code == draft.checklist_code,
                ChecklistVersion.status == PUBLISHED,
                (ChecklistVersion.valid_to.is_(None)) | (ChecklistVersion.valid_to >= valid_from),
            )
            .order_by(ChecklistVersion.valid_from)
            .with_for_update(of=ChecklistVersion)
        ).all()
        for each in former:
            if each.valid_from >= valid_from:
                raise RuleBroken(
                    f"La versión {each.number} ya rige desde el {each.valid_from:%d/%m/%Y}: elija otro día.",
                    field="valid_from",
                )
            each.valid_to = valid_from - timedelta(days=1)
        Session.flush()
        draft.valid_from, draft.status = valid_from, PUBLISHED
        draft.updated_by_id = current().account_id
        Session.flush()


def discard(key: int, seen: int, reason: str) -> None:
    """Throw a draft away. The trail keeps what it said."""
    if not reason.strip():
        raise RuleBroken("Escriba por qué se descarta el borrador.", field="reason")
    with act("checklist.discard", reason=reason.strip()):
        draft = _draft(key, seen)
        for section in draft.sections:
            for question in section.questions:
                Session.delete(question)
        Session.flush()
        for section in draft.sections:
            Session.delete(section)
        Session.flush()
        Session.delete(draft)
        Session.flush()


def _version(key: int) -> ChecklistVersion:
    found = Session.get(ChecklistVersion, key) if key < 2**31 else None
    if found is None:
        raise Missing()
    return found


def _draft(key: int, seen: int) -> ChecklistVersion:
    found: ChecklistVersion | None = Session.scalar(
        select(ChecklistVersion)
        .where(ChecklistVersion.id == key)
        .with_for_update(of=ChecklistVersion)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise Missing()
    if found.status != DRAFT:
        raise RuleBroken("Una lista publicada no se cambia: cópiela a un borrador.")
    if found.version != seen:
        raise Stale()
    return found


def _touched(draft: ChecklistVersion) -> None:
    draft.updated_by_id = current().account_id
    flag_modified(draft, "note")  # the counter moves even when only questions changed
    Session.flush()
    Session.expire(draft)


def _section(draft: ChecklistVersion, key: int) -> Any:
    return _of(draft, Session.get(ChecklistSection, key))


def _question(draft: ChecklistVersion, key: int) -> Any:
    return _of(draft, Session.get(ChecklistQuestion, key))


def _of(draft: ChecklistVersion, part: Any) -> Any:
    if part is None or part.version_id != draft.id:
        raise Missing()
    return part
