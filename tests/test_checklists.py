"""Checklists: what is seeded, what a published version refuses, its page."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session as OrmSession
from support import Live

from app.core.base import Session
from app.core.errors import RuleBroken
from app.models.checklists import Checklist, ChecklistQuestion, ChecklistSection, ChecklistVersion
from app.operations import records
from app.views.checklists import in_words
from app.workflow.conditions import check

Enter = Callable[[str], FlaskClient]


def version(code: str) -> ChecklistVersion:
    return Session.scalars(select(ChecklistVersion).where(ChecklistVersion.checklist_code == code)).one()


@pytest.mark.parametrize(("code", "number"), [("CL-GEN", 25), ("CL-SST", 24), ("CL-INF", 16), ("CL-DR", 20)])
def test_seeded_checklist_is_published_with_its_questions(db: OrmSession, code: str, number: int) -> None:
    found = version(code)
    assert found.status == "published"
    query = select(func.count()).where(ChecklistQuestion.version_id == found.id)
    assert Session.scalar(query) == number


def test_every_condition_is_well_formed_and_has_words(db: OrmSession) -> None:
    shown = [row for row in Session.scalars(select(ChecklistQuestion.show_if)) if row is not None]
    assert shown
    for condition in shown:
        assert check(condition) == []
        assert "{" not in in_words(condition)


def test_condition_in_words() -> None:
    bigger = {">": [{"var": "workers_total"}, {"var": "params.RIT_UMBRAL"}]}
    assert in_words(bigger) == "la cantidad de trabajadores es mayor que el parámetro RIT_UMBRAL"
    both = {"and": [{"==": [{"var": "domain"}, "domestic"]}, {"==": [{"var": "live_in"}, True]}]}
    assert in_words(both) == "el ámbito es trabajo doméstico y la persona trabaja sin retiro"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE checklist_question SET text = 'Otra' WHERE code = 'CL-GEN-01'",
        "UPDATE checklist_question SET weight = 1 WHERE code = 'CL-GEN-01'",
        "DELETE FROM checklist_question WHERE code = 'CL-GEN-01'",
        "UPDATE checklist_section SET title = 'Otra'",
        "INSERT INTO checklist_section (version_id, number, title) SELECT id, 99, 'x' FROM checklist_version",
        "UPDATE checklist_version SET status = 'draft'",
        "UPDATE checklist_version SET valid_from = '2020-01-01'",
        "DELETE FROM checklist_version",
    ],
)
def test_published_version_is_frozen_by_the_database(live: Live, statement: str) -> None:
    with pytest.raises(DBAPIError, match="frozen"):
        live.sql(statement, live.urls.app_url)


def test_published_version_may_be_closed_and_retired_for_good(live: Live) -> None:
    live.sql("UPDATE checklist_version SET valid_to = '2027-01-31', status = 'retired'", live.urls.app_url)
    with pytest.raises(DBAPIError, match="frozen"):
        live.sql("UPDATE checklist_version SET status = 'published'", live.urls.app_url)


def test_draft_is_written_freely_and_frozen_when_published(db: OrmSession) -> None:
    values = {"checklist_code": "CL-GEN", "number": 2, "valid_from": "2027-01-01", "legal_basis": "x"}
    draft = records.create(ChecklistVersion, values | {"verification": "diseno"})
    part = records.create(ChecklistSection, {"version_id": draft.id, "number": 1, "title": "Sola"})
    question = {"version_id": draft.id, "section_id": part.id, "number": 1, "code": "CL-GEN-01"}
    question |= {"text": "¿Está inscripto?", "infraction_code": "REG-01", "weight": 2}
    made = records.create(ChecklistQuestion, question)
    records.change(ChecklistQuestion, made.id, {"weight": 3})
    with pytest.raises(RuleBroken, match="El peso va de 1 a 3"):
        records.change(ChecklistQuestion, made.id, {"weight": 4})
    with pytest.raises(RuleBroken, match="Ninguna infracción"):
        records.change(ChecklistQuestion, made.id, {"infraction_code": "XXX-99"})
    with pytest.raises(RuleBroken, match="se cruzan"):
        records.change(ChecklistVersion, draft.id, {"status": "published"})
    records.change(ChecklistVersion, version_one(), {"valid_to": "2026-12-31"})
    records.change(ChecklistVersion, draft.id, {"status": "published"})
    with pytest.raises(RuleBroken, match="prepare una versión nueva"):
        records.change(ChecklistQuestion, made.id, {"weight": 1})


def version_one() -> int:
    found = Session.scalars(
        select(ChecklistVersion.id).where(
            ChecklistVersion.checklist_code == "CL-GEN", ChecklistVersion.number == 1
        )
    )
    return found.one()


def test_question_stays_in_a_section_of_its_own_version(db: OrmSession) -> None:
    other = Session.scalars(
        select(ChecklistSection.id).where(ChecklistSection.version_id == version("CL-SST").id)
    )
    values = {"checklist_code": "CL-INF", "number": 2, "valid_from": "2027-01-01", "legal_basis": "x"}
    draft = records.create(ChecklistVersion, values | {"verification": "diseno"})
    question = {"version_id": draft.id, "section_id": other.first(), "number": 1, "code": "X", "text": "¿?"}
    with pytest.raises(RuleBroken):
        records.create(ChecklistQuestion, question)


def test_page_of_a_version_shows_sections_questions_and_conditions(enter: Enter) -> None:
    page = enter("inspector1").get(f"/listas-de-control/show/{version('CL-GEN').id}").get_data(as_text=True)
    assert "1. Registro y documentación" in page and "¿El empleador está inscripto" in page
    assert "REG-01" in page and "No inscripción del empleador" in page
    assert "Se pregunta si la cantidad de trabajadores es mayor que" in page
    assert "Editar" not in page


def test_every_checklist_has_a_title(db: OrmSession) -> None:
    assert all(row.title for row in Session.scalars(select(Checklist)))
