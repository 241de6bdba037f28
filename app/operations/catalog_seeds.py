"""Seeding of the catalogues from `app/seeds`: each table at once, only what is missing, nothing changed.

A row that the ministry replaced or whose dates it changed stays as the ministry left it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import insert as plain_insert
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.base import Session
from app.models.catalogs import Activity, ActivityAlias, DepartmentAlias
from app.models.checklists import Checklist, ChecklistQuestion, ChecklistSection, ChecklistVersion
from app.models.norms import (
    Holiday,
    Infraction,
    InfractionAlias,
    InfractionArea,
    MinimumWage,
    Norm,
    Parameter,
)
from app.operations.seed_files import add_missing, load
from app.operations.unit import act

Rows = list[dict[str, Any]]

TABLES: Sequence[tuple[Any, str, Mapping[str, str]]] = (
    (Activity, "activities.yaml", {"parent_code": "parent"}),
    (ActivityAlias, "activity_aliases.yaml", {"activity_code": "code"}),
    (DepartmentAlias, "department_aliases.yaml", {}),
    (Norm, "norms.yaml", {"dated": "date"}),
    (InfractionArea, "infraction_areas.yaml", {"position": "order"}),
    (Infraction, "infractions.yaml", {"area_code": "area"}),
    (InfractionAlias, "infraction_aliases.yaml", {"infraction_code": "code"}),
    (MinimumWage, "minimum_wages.yaml", {}),
    (Parameter, "parameters.yaml", {"options": "choices"}),
    (Holiday, "holidays.yaml", {}),
)
"""Table, its file, and the columns whose name in the file is another."""

OURS = frozenset({"id", "uuid", "version", "created_at", "updated_at", "created_by_id", "updated_by_id"})


def seed(count: Callable[[str, int], None]) -> None:
    """Every catalogue, then the checklists; `count` is told the rows added to each table."""
    with act("seed.catalogues"):
        for kind, file, renamed in TABLES:
            names = [column.name for column in kind.__table__.c if column.name not in OURS]
            rows = [{name: row.get(renamed.get(name, name)) for name in names} for row in load(file)]
            count(kind.__tablename__, add_missing(kind, rows))
        count("checklist_version", _checklists(load("checklists.yaml")))


def _checklists(rows: Rows) -> int:
    """Versions that are missing: as drafts with their sections and questions, then published."""
    known = set(Session.execute(select(ChecklistVersion.checklist_code, ChecklistVersion.number)))
    missing = [row for row in rows if (row["code"], int(row["version"])) not in known]
    if not missing:
        return 0
    names = [{"code": row["code"], "title": row["title"]} for row in missing]
    add_missing(Checklist, names)
    versions = _versions(missing)
    sections = _sections(missing, versions)
    questions = [
        _question(question)
        | {"version_id": versions[row["code"]], "section_id": sections[row["code"], part["number"]]}
        for row in missing
        for part in row["sections"]
        for question in part["questions"]
    ]
    Session.execute(plain_insert(ChecklistQuestion), questions)
    published = update(ChecklistVersion).where(ChecklistVersion.id.in_(versions.values()))
    Session.execute(published.values(status="published"), execution_options={"synchronize_session": False})
    return len(missing)


def _versions(rows: Rows) -> dict[str, int]:
    columns = ("valid_from", "valid_to", "legal_basis", "verification", "note")
    values = [
        {"checklist_code": row["code"], "number": int(row["version"]), "status": "draft"}
        | {name: row.get(name) for name in columns}
        for row in rows
    ]
    made = insert(ChecklistVersion).values(values)
    found = Session.execute(made.returning(ChecklistVersion.checklist_code, ChecklistVersion.id))
    return dict(found.tuples().all())


def _sections(rows: Rows, versions: Mapping[str, int]) -> dict[tuple[str, int], int]:
    codes = {key: code for code, key in versions.items()}
    values = [
        {"version_id": versions[row["code"]], "number": part["number"], "title": part["title"]}
        for row in rows
        for part in row["sections"]
    ]
    made = insert(ChecklistSection).values(values)
    columns = (ChecklistSection.version_id, ChecklistSection.number, ChecklistSection.id)
    return {
        (codes[version], number): key for version, number, key in Session.execute(made.returning(*columns))
    }


def _question(question: Mapping[str, Any]) -> dict[str, Any]:
    columns = ("number", "code", "text", "weight", "evidence", "show_if", "scope", "help")
    values = {name: question.get(name) for name in columns}
    return values | {"infraction_code": question["infraction"], "answer_type": "compliance"}
