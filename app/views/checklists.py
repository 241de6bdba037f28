"""Checklists: a version with its sections and questions on one page; a draft is changed there."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.core.base import Session
from app.models.checklists import ChecklistSection, ChecklistVersion, Evidence, QuestionScope
from app.models.norms import Infraction
from app.views.base import RegistryView
from app.views.checklist_drafts import DraftPages

NAMES = {
    "workers_total": "la cantidad de trabajadores",
    "unhealthy_work": "hay tareas insalubres",
    "domain": "el ámbito",
    "live_in": "la persona trabaja sin retiro",
    "domestic": "trabajo doméstico",
    "rural": "trabajo rural",
}
WORDS = {
    ">": "es mayor que",
    ">=": "es mayor o igual que",
    "<": "es menor que",
    "<=": "es menor o igual que",
    "==": "es",
    "!=": "no es",
}


def in_words(condition: Any) -> str:
    """A condition as a person reads it; what has no words yet is shown as it is written."""
    if not isinstance(condition, dict) or len(condition) != 1:
        return NAMES.get(str(condition), str(condition))
    ((operator, operands),) = condition.items()
    if operator == "var":
        name = str(operands)
        return (
            f"el parámetro {name.removeprefix('params.')}"
            if name.startswith("params.")
            else NAMES.get(name, name)
        )
    if operator in ("and", "or"):
        return (" y " if operator == "and" else " o ").join(in_words(part) for part in operands)
    if operator in WORDS and len(operands) == 2:
        left, right = operands
        if isinstance(right, bool):
            return in_words(left) if right == (operator == "==") else f"no es cierto que {in_words(left)}"
        return f"{in_words(left)} {WORDS[operator]} {in_words(right)}"
    return str(condition)


class ChecklistVersionView(DraftPages, RegistryView):
    """Versions of the checklists."""

    kind = ChecklistVersion
    route_base = "/listas-de-control"
    page_size = 25
    base_permissions = ["can_list", "can_show", "can_draft", "can_publish"]
    show_template = "sis/checklist.html"
    list_columns = ["checklist", "number", "status", "valid_from", "valid_to", "legal_basis"]
    search_columns = ["checklist", "number", "status", "valid_from"]
    show_columns = [
        "checklist",
        "number",
        "status",
        "valid_from",
        "valid_to",
        "legal_basis",
        "verification",
        "note",
    ]
    base_order = ("checklist_code", "asc")

    def render_template(self, template: str, **context: Any) -> Any:
        """The page of a version has its sections and questions."""
        if "pk" in context:
            context |= _content(context["pk"]) | self.drafting(context["pk"])
        return super().render_template(template, **context)


def _content(key: Any) -> dict[str, Any]:
    sections = Session.scalars(
        select(ChecklistSection)
        .where(ChecklistSection.version_id == int(key))
        .order_by(ChecklistSection.number)
        .options(selectinload(ChecklistSection.questions))
    ).all()
    codes = {question.infraction_code for section in sections for question in section.questions}
    titles = Session.execute(
        select(Infraction.code, Infraction.title)
        .where(Infraction.code.in_(codes - {None}))
        .order_by(Infraction.valid_from)
    )
    return {
        "sections": sections,
        "infractions": dict(titles.tuples().all()),
        "evidence": {member.value: member.label for member in Evidence},
        "scopes": {member.value: member.label for member in QuestionScope},
        "in_words": in_words,
    }
