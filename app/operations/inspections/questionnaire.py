"""The questions of a visit: which are asked (show-if), what is answered, what still needs its proof."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import contains_eager, selectinload

from app.core import clock
from app.core.base import Session
from app.core.errors import RuleBroken
from app.core.types import inside
from app.models.checklists import ChecklistQuestion, ChecklistSection, ChecklistVersion, Evidence
from app.models.inspections import (
    Answer,
    AnswerValue,
    Finding,
    HeadcountGroup,
    OrderChecklist,
    RemedyKind,
    Visit,
)
from app.models.norms import Infraction
from app.operations.inspections.visits import editable
from app.operations.parameters import infraction, parameter
from app.operations.unit import act
from app.workflow import conditions

PARAMETERS = "params."
_SECTIONS = "sis_sections"


@dataclass(frozen=True)
class Asked:
    """A question of a visit with its answer, if any, and how many proofs it has."""

    question: ChecklistQuestion
    answer: Answer | None
    proofs: int


@dataclass(frozen=True)
class Group:
    """A section of a checklist with the questions that are asked now."""

    version: ChecklistVersion
    section: ChecklistSection
    asked: tuple[Asked, ...]

    @property
    def answered(self) -> int:
        """How many have an answer."""
        return sum(one.answer is not None for one in self.asked)


def sections_of(visit: Visit) -> list[ChecklistSection]:
    """Every section of the checklists of the visit's order, with its questions.

    A published checklist is frozen and a signed order keeps its own: they are read once for each session.
    """
    session = Session()
    kept: dict[int, list[ChecklistSection]] = session.info.setdefault(_SECTIONS, {})
    found = kept.get(visit.order_id or 0)
    if found is not None and all(section in session for section in found):
        return found
    found = list(
        session.scalars(
            select(ChecklistSection)
            .join(ChecklistSection.parent)
            .join(OrderChecklist, OrderChecklist.checklist_version_id == ChecklistVersion.id)
            .where(OrderChecklist.order_id == visit.order_id)
            .order_by(OrderChecklist.id, ChecklistSection.number)
            .options(contains_eager(ChecklistSection.parent), selectinload(ChecklistSection.questions))
        )
    )
    if visit.order_id is not None and visit.order is not None and visit.order.document_id is not None:
        kept[visit.order_id] = found
    return found


def groups(visit: Visit) -> list[Group]:
    """The questionnaire as it is asked now; sections without a question are left out."""
    answers = {row.question_id: row for row in visit.answers}
    proofs: dict[int, int] = {}
    for file in visit.files:
        if file.question_id is not None and file.withdrawn_reason is None:
            proofs[file.question_id] = proofs.get(file.question_id, 0) + 1
    facts = variables(visit)
    found = []
    for section in sections_of(visit):
        asked = tuple(
            Asked(question, answers.get(question.id), proofs.get(question.id, 0))
            for question in section.questions
            if is_asked(question, facts)
        )
        if asked:
            found.append(Group(section.parent, section, asked))
    return found


def is_asked(question: ChecklistQuestion, facts: Mapping[str, Any]) -> bool:
    """Whether a question is asked; one whose condition lacks data is not, until the data is there."""
    if question.show_if is None:
        return True
    wanted = conditions.variables(question.show_if)
    known = dict(facts)
    for name in wanted:
        if name.startswith(PARAMETERS):
            known.setdefault("params", {})[name.removeprefix(PARAMETERS)] = _number(name, facts["on"])
    known.pop("on", None)
    return bool(conditions.holds(question.show_if, known))


def _number(name: str, on: date) -> Any:
    return parameter(name.removeprefix(PARAMETERS), on)


def variables(visit: Visit) -> dict[str, Any]:
    """What conditions may ask about a visit."""
    total = next((row for row in visit.headcounts if row.group_code == HeadcountGroup.TOTAL.value), None)
    return {
        "workers_total": total.men + total.women if total else None,
        "unhealthy_work": visit.unhealthy_work,
        "domain": visit.work_domain,
        "live_in": visit.live_in,
        "on": visit.happened_on or clock.today(),
    }


def unanswered(visit: Visit) -> list[ChecklistQuestion]:
    """The questions that are asked and have no answer."""
    return [one.question for group in groups(visit) for one in group.asked if one.answer is None]


def unproved(visit: Visit) -> list[ChecklistQuestion]:
    """The questions answered with yes or no that need a proof and have none."""
    wanted = (AnswerValue.COMPLIES.value, AnswerValue.FAILS.value)
    return [
        one.question
        for group in groups(visit)
        for one in group.asked
        if one.answer is not None
        and one.answer.value in wanted
        and one.question.evidence != Evidence.NONE.value
        and not one.proofs
    ]


def answer(visit: Visit, values: Iterable[Mapping[str, Any]]) -> None:
    """Keep answers: each with `question_id`, `value`, `note`, `affected_workers`; "" takes one back.

    A "No cumple" prepares the finding that it opens, a change of mind withdraws it. Raises RuleBroken.
    """
    with act("visit.answer") as unit:
        row = editable(visit)
        asked = {one.question.id: one.question for group in groups(row) for one in group.asked}
        known = {each.question_id: each for each in row.answers}
        for given in values:
            question = asked.get(int(given["question_id"]))
            if question is None:
                raise RuleBroken("Esa pregunta no corresponde a esta visita. Recargue la página.")
            value = str(given.get("value") or "")
            found = known.get(question.id)
            if not value:
                if found is not None:
                    row.answers.remove(found)
                    unit.session.delete(found)
                    unit.session.flush()
                    _withdraw(row, question)
                continue
            if value not in {each.value for each in AnswerValue}:
                raise RuleBroken("Elija una de las cuatro respuestas.", f"value-{question.id}")
            if found is None:
                found = Answer(visit_id=row.id, question_id=question.id)
                row.answers.append(found)
            found.value = value
            found.note = (given.get("note") or "").strip() or None
            recount = found.affected_workers != given.get("affected_workers")
            found.affected_workers = given.get("affected_workers")
            if value == AnswerValue.FAILS.value:
                _prepare(row, question, found, recount)
            else:
                _withdraw(row, question)
        unit.session.flush()


def answer_section(visit: Visit, section: ChecklistSection, value: str) -> int:
    """Answer at once the questions of a section that have no answer yet, but those that need a proof.

    How many were answered. Raises RuleBroken for "No cumple", which is answered one by one.
    """
    if value == AnswerValue.FAILS.value:
        raise RuleBroken("«No cumple» se responde pregunta por pregunta: cada una abre un hallazgo.")
    group = next((g for g in groups(visit) if g.section.id == section.id), None)
    chosen = [
        one.question.id
        for one in (group.asked if group else ())
        if one.answer is None
        and (
            one.question.evidence == Evidence.NONE.value
            or value in (AnswerValue.NOT_APPLICABLE.value, AnswerValue.UNVERIFIED.value)
        )
    ]
    answer(visit, [{"question_id": key, "value": value} for key in chosen])
    return len(chosen)


def _prepare(visit: Visit, question: ChecklistQuestion, given: Answer, recount: bool) -> None:
    """The finding of a "No cumple"; saved again unchanged, the answer leaves what the inspector confirmed."""
    found = next((f for f in visit.findings if f.question_id == question.id and f.state is None), None)
    affected = given.affected_workers or 0
    if found is not None:
        if recount and affected and found.affected_workers != affected:
            found.affected_workers, found.confirmed = affected, False
        return
    breach = _infraction(question, visit)
    Session.add(
        Finding(
            version_code=visit.version_code,
            visit=visit,
            office_id=visit.office_id,
            question_id=question.id,
            infraction_id=breach.id if breach else None,
            facts=given.note or (breach.title if breach else question.text),
            affected_workers=affected,
            obligation=_obligation(breach),
            remedy_kind=_remedy(breach),
        )
    )
    Session.flush()


def _withdraw(visit: Visit, question: ChecklistQuestion) -> None:
    """A finding in preparation goes with the answer that opened it."""
    for finding in [f for f in visit.findings if f.question_id == question.id and f.state is None]:
        visit.findings.remove(finding)
        Session.delete(finding)
    Session.flush()


def _infraction(question: ChecklistQuestion, visit: Visit) -> Infraction | None:
    if question.infraction_code is None:
        return None
    return infraction(question.infraction_code, visit.happened_on or clock.today())


def _obligation(breach: Infraction | None) -> str | None:
    """What is to be put right, to be worded by the inspector; nothing when it cannot be."""
    if breach is None or not breach.remediable:
        return None
    return f"Regularizar: {inside(breach.title)}."


def _remedy(breach: Infraction | None) -> str | None:
    """The usual term of a remedy; the inspector may choose another one."""
    if breach is None or not breach.remediable:
        return None
    return RemedyKind.WORKS.value if breach.area_code == "SST" else RemedyKind.DOCUMENTS.value
