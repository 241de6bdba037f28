"""A checklist gets another version without code: copied, changed, published from a day; orders keep theirs."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from inspection_samples import checklist
from inspection_samples import draft as order_draft
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession
from support import token_of

from app.core import clock
from app.core.errors import Missing, RuleBroken, Stale
from app.models.checklists import ChecklistQuestion, ChecklistVersion
from app.operations import checklists
from app.operations.inspections import orders

Enter = Callable[[str], FlaskClient]
TOMORROW = timedelta(days=1)


@pytest.fixture
def copied(db: OrmSession) -> ChecklistVersion:
    return db.get_one(
        ChecklistVersion, checklists.clone(checklist().id, "Res. 15/2027", clock.today() + TOMORROW)
    )


def values(draft: ChecklistVersion, **other: Any) -> dict[str, Any]:
    given = {"section_id": draft.sections[0].id, "code": "MOD-01", "text": "¿El registro dice la modalidad?"}
    return {**given, "weight": 1, "evidence": "none", "infraction_code": None, "show_if": None, **other}


def contents(version: ChecklistVersion) -> list[Any]:
    return [
        (section.title, [(q.code, q.text, q.weight, q.infraction_code, q.show_if) for q in section.questions])
        for section in version.sections
    ]


def test_a_copy_says_the_same_under_the_next_number(db: OrmSession, copied: ChecklistVersion) -> None:
    source = checklist()
    assert contents(copied) == contents(source) and copied.number == source.number + 1
    with pytest.raises(RuleBroken, match="Ya hay un borrador"):
        checklists.clone(source.id, "Otra", date(2027, 2, 1))


def test_questions_and_sections_are_put_moved_and_dropped(db: OrmSession, copied: ChecklistVersion) -> None:
    key = copied.id
    checklists.put_question(key, copied.version, values(copied))
    made = db.scalars(select(ChecklistQuestion).where(ChecklistQuestion.code == "MOD-01")).one()
    checklists.shift_question(key, copied.version, made.id, -1)
    db.expire_all()
    codes = [question.code for question in copied.sections[0].questions]
    assert codes[-2] == "MOD-01"
    checklists.put_question(key, copied.version, values(copied, text="Otra", weight=3), made.id)
    assert (made.text, made.weight) == ("Otra", 3)
    with pytest.raises(RuleBroken, match="tiene preguntas"):
        checklists.drop_section(key, copied.version, copied.sections[0].id)
    checklists.put_section(key, copied.version, "Teletrabajo")
    new = copied.sections[-1]
    checklists.put_section(key, copied.version, "Trabajo remoto", new.id)
    assert new.title == "Trabajo remoto"
    checklists.drop_section(key, copied.version, new.id)
    checklists.drop_question(key, copied.version, made.id)
    assert contents(copied) == contents(checklist())


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ({"code": "repeated"}, "code"),
        ({"infraction_code": "NO-HAY"}, "infraction_code"),
        ({"show_if": {"nada": 1}}, "show_if"),
    ],
)
def test_a_question_that_cannot_be_is_refused_at_its_field(
    db: OrmSession, copied: ChecklistVersion, other: dict[str, Any], field: str
) -> None:
    if other.get("code") == "repeated":
        other = {"code": copied.sections[0].questions[0].code}
    with pytest.raises(RuleBroken) as refused:
        checklists.put_question(copied.id, copied.version, values(copied, **other))
    assert refused.value.field == field


def test_two_people_on_one_draft_and_parts_of_another(db: OrmSession, copied: ChecklistVersion) -> None:
    seen = copied.version
    checklists.put_section(copied.id, seen, "Una")
    with pytest.raises(Stale):
        checklists.put_section(copied.id, seen, "Otra")
    other = checklist("CL-GEN")
    with pytest.raises(Missing):
        checklists.drop_question(copied.id, copied.version, other.sections[0].questions[0].id)
    with pytest.raises(RuleBroken, match="cópiela"):
        checklists.put_section(other.id, other.version, "X")


def test_new_orders_take_the_new_version_from_its_day_and_open_ones_keep_theirs(
    db: OrmSession, copied: ChecklistVersion
) -> None:
    old = checklist()
    before = order_draft(checklists=[old.id])
    checklists.publish(copied.id, copied.version, clock.today())
    db.refresh(old)
    assert old.valid_to == clock.today() - TOMORROW
    in_force = set(db.scalars(select(ChecklistVersion.id).where(orders.checklists_in_force())))
    assert copied.id in in_force and old.id not in in_force
    with pytest.raises(RuleBroken, match="que rijan hoy"):
        order_draft(checklists=[old.id])
    assert [row.checklist_version_id for row in before.checklists] == [old.id]
    after = order_draft(checklists=[copied.id])
    assert [row.checklist_version_id for row in after.checklists] == [copied.id]


@pytest.mark.parametrize("days", [-1, -30])
def test_a_list_does_not_rule_backwards(db: OrmSession, copied: ChecklistVersion, days: int) -> None:
    with pytest.raises(RuleBroken) as refused:
        checklists.publish(copied.id, copied.version, clock.today() + timedelta(days=days))
    assert refused.value.field == "valid_from"


def test_a_draft_is_thrown_away(db: OrmSession, copied: ChecklistVersion) -> None:
    key = copied.id
    with pytest.raises(RuleBroken):
        checklists.discard(key, copied.version, "")
    checklists.discard(key, copied.version, "Se hará de otro modo")
    assert db.get(ChecklistVersion, key) is None


def test_a_question_is_added_on_screen_and_the_list_published(enter: Enter, db: OrmSession) -> None:
    client = enter("admin")
    source = checklist()
    page = client.get(f"/listas-de-control/show/{source.id}").text
    assert "Copiar a un borrador" in page
    day = clock.today() + TOMORROW
    answer = client.post(
        f"/listas-de-control/{source.id}/copiar",
        data={"csrf_token": token_of(page), "legal_basis": "Res. 15/2027", "valid_from": day.isoformat()},
        follow_redirects=True,
    )
    made = db.scalars(select(ChecklistVersion).where(ChecklistVersion.status == "draft")).one()
    assert "Agregar una pregunta" in answer.text and "ninguna orden lo toma" in answer.text
    sent = {
        "csrf_token": token_of(page), "_version": made.version, "section_id": made.sections[0].id, "code": "MOD-01",
        "text": "¿Consta la modalidad de trabajo?", "weight": "2", "evidence": "photo",
        "condition_how": "and", "condition_1_fact": "workers_total", "condition_1_operator": ">=",
        "condition_1_value": "diez",
    }  # fmt: skip
    path = f"/listas-de-control/{made.id}/pregunta"
    wrong = client.post(path, data=sent)
    assert wrong.status_code == 422 and "número entero" in wrong.text and "¿Consta la modalidad" in wrong.text
    answer = client.post(path, data={**sent, "condition_1_value": "10"}, follow_redirects=True)
    assert (
        "¿Consta la modalidad de trabajo?" in answer.text
        and "cantidad de trabajadores" in answer.text.lower()
    )
    db.expire_all()
    publish = {"csrf_token": token_of(page), "_version": made.version, "valid_from": day.isoformat()}
    other = enter("inspector1")
    refused = publish | {"csrf_token": token_of(other.get("/").text)}
    assert other.post(f"/listas-de-control/{made.id}/publicar", data=refused).status_code == 403
    answer = client.post(f"/listas-de-control/{made.id}/publicar", data=publish, follow_redirects=True)
    assert "Se publicó" in answer.text and "Agregar una pregunta" not in answer.text
