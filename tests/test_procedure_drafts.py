"""From a copy to what rules: a draft changes by whole edits, two persons publish it, cases stay on theirs."""

import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pypdf
import pytest
from flask.testing import FlaskClient
from inspection_samples import acting, signed
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session as OrmSession
from support import token_of

from app.core import clock
from app.core.errors import Missing, RuleBroken, Stale
from app.documents import letters
from app.exchange import procedures as files
from app.models import procedures as rows
from app.models.inspections import InspectionOrder
from app.models.norms import Parameter
from app.operations import papers, procedures
from app.operations import procedure_drafts as drafts
from app.operations.parameters import parameter
from app.operations.unit import act
from app.workflow import editing
from app.workflow.definition import Move, Phase, State, Transition

Enter = Callable[[str], FlaskClient]
NEW = State("DICTAMEN_PREVIO", "Dictamen previo", Phase.IN_DECISION)
TO_NEW = Move("pedir_dictamen", "", "", "Pedir el dictamen previo", ("legal",))
TOMORROW = timedelta(days=1)


@pytest.fixture
def draft(db: OrmSession) -> str:
    procedures.forget()
    return drafts.clone(
        "2025-398", "2027-015", "Otro procedimiento", "Res. 15/2027", clock.today() + TOMORROW
    )


def seen(code: str) -> int:
    found: int = procedures.Session.get_one(rows.ProcedureVersion, code).version
    return found


def with_dictamen(version: Any) -> Any:
    first = version.process("report").states[2].code
    return editing.split_state(version, "report", first, NEW, TO_NEW)


def one_person() -> None:
    with act("test"):
        row = procedures.Session.scalars(select(Parameter).where(Parameter.code == drafts.TWO_PERSONS)).one()
        row.value = "false"


def test_a_copy_is_equal_but_for_its_head(draft: str) -> None:
    copy, source = procedures.version(draft), procedures.version("2025-398")
    assert copy.processes == source.processes
    assert (copy.name, copy.basis, copy.transition) == (
        "Otro procedimiento",
        "Res. 15/2027",
        Transition.NEW_FILES,
    )
    assert not [check for check in drafts.checks(copy) if check.blocks]


@pytest.mark.parametrize("code", ["2025-398", "", "a b", "x/y", "x" * 41, "<i>", "..", "list", "traer"])
def test_a_copy_needs_a_number_of_its_own(db: OrmSession, code: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        drafts.clone("2025-398", code, "Otro", "Ley", date(2027, 1, 1))
    assert refused.value.field == "code"


def test_only_the_rows_that_differ_are_written(db: OrmSession, draft: str) -> None:
    kept = text("SELECT xmin::text FROM procedure_move WHERE version_code = :code AND process_code = 'order'")
    before = list(db.scalars(kept, {"code": draft}))
    count = select(func.count()).where(rows.ProcedureMove.version_code == draft)
    moves = db.scalar(count)
    drafts.change(draft, seen(draft), "split", with_dictamen)
    assert list(db.scalars(kept, {"code": draft})) == before
    assert db.scalar(count) == (moves or 0) + 1


def test_what_was_changed_comes_back_and_the_one_in_force_stays(db: OrmSession, draft: str) -> None:
    original = procedures.version("2025-398")
    move = original.process("report").moves[0]
    edits = (
        with_dictamen,
        lambda v: editing.put_move(
            v, "report", replace(move, label="Otro botón", roles=("minister",)), (move.from_state, move.code)
        ),
        lambda v: editing.shift(v, "order", "states", v.process("order").states[0].code, 2),
        lambda v: editing.drop_state(v, "report", NEW.code, v.process("report").states[2].code),
        lambda v: replace(v, name="Con otro nombre", transition=Transition.CHOICE),
    )
    expected = procedures.version(draft)
    for edit in edits:
        expected = edit(expected)
        drafts.change(draft, seen(draft), "test", edit)
        procedures.Session.expire_all()
        assert procedures.version(draft) == expected
    assert procedures.version("2025-398") == original


def test_two_administrators_on_one_draft_get_a_clear_conflict(draft: str) -> None:
    opened = seen(draft)
    drafts.change(draft, opened, "split", with_dictamen)
    with pytest.raises(Stale, match="Otra persona cambió este borrador"):
        drafts.change(draft, opened, "test", lambda v: replace(v, name="Tarde"))
    assert procedures.version(draft).name == "Otro procedimiento"


def test_a_published_version_is_not_changed(db: OrmSession) -> None:
    with pytest.raises(RuleBroken, match="cópiela"):
        drafts.change("2025-398", seen("2025-398"), "test", lambda v: replace(v, name="X"))
    with pytest.raises(Missing):
        drafts.change("9999-1", 1, "test", lambda v: v)


def test_a_draft_that_would_strand_a_case_is_not_published(db: OrmSession, draft: str) -> None:
    one_person()
    drafts.change(draft, seen(draft), "test", lambda v: editing.put_state(v, "report", NEW))
    with pytest.raises(RuleBroken, match="no se llega"):
        drafts.publish(draft, seen(draft), clock.today() + TOMORROW)
    drafts.change(draft, seen(draft), "test", lambda v: editing.drop_state(v, "report", NEW.code))
    order = signed()
    name = next(
        s.name for s in procedures.version("2025-398").process("order").states if s.code == order.state
    )

    def without(version: Any) -> Any:
        renamed = replace(version.process("order").state(order.state), code="OTRO_ESTADO")
        return replace(
            editing.put_state(version, "order", renamed, order.state), transition=Transition.NEXT_ACT
        )

    drafts.change(draft, seen(draft), "test", without)
    with pytest.raises(RuleBroken, match=f"casos abiertos en «{re.escape(name)}»"):
        drafts.publish(draft, seen(draft), clock.today() + TOMORROW)
    drafts.change(draft, seen(draft), "test", lambda v: replace(v, transition=Transition.NEW_FILES))
    drafts.publish(draft, seen(draft), clock.today() + TOMORROW)


def test_one_person_proposes_and_another_publishes(db: OrmSession, draft: str) -> None:
    day = clock.today() + TOMORROW
    with acting("admin"):
        with pytest.raises(RuleBroken, match="Primero alguien la propone"):
            drafts.publish(draft, seen(draft))
        drafts.propose(draft, seen(draft), day)
        with pytest.raises(RuleBroken, match="la publica otra persona"):
            drafts.publish(draft, seen(draft))
    with acting("director"):
        drafts.publish(draft, seen(draft))
    assert procedures.version_in_force(day).code == draft
    assert procedures.version_in_force().code == "2025-398"


def test_a_change_after_the_proposal_asks_for_another(db: OrmSession, draft: str) -> None:
    with acting("admin"):
        drafts.propose(draft, seen(draft), clock.today() + TOMORROW)
        drafts.change(draft, seen(draft), "test", lambda v: replace(v, name="Con otro nombre"))
    with acting("director"), pytest.raises(RuleBroken, match="Primero alguien la propone"):
        drafts.publish(draft, seen(draft))


def test_two_versions_do_not_rule_from_the_same_day(db: OrmSession, draft: str) -> None:
    other = drafts.clone(draft, "2027-016", "La otra", "Res. 16/2027", clock.today() + TOMORROW)
    for code in (draft, other):
        with acting("admin"):
            drafts.propose(code, seen(code), clock.today() + TOMORROW)
    with acting("director"):
        drafts.publish(draft, seen(draft))
        with pytest.raises(RuleBroken, match=f"ya rige {draft}"):
            drafts.publish(other, seen(other))


@pytest.mark.parametrize("days", [-1, -400])
def test_a_version_does_not_rule_backwards(db: OrmSession, draft: str, days: int) -> None:
    one_person()
    with pytest.raises(RuleBroken) as refused:
        drafts.publish(draft, seen(draft), clock.today() + timedelta(days=days))
    assert refused.value.field == "valid_from"


def test_cases_stay_on_theirs_and_the_new_ones_take_the_new_and_the_old_again(
    db: OrmSession, draft: str
) -> None:
    one_person()
    before = signed()
    drafts.change(draft, seen(draft), "split", with_dictamen)
    drafts.publish(draft, seen(draft), clock.today())
    after = signed()
    assert (before.version_code, after.version_code) == ("2025-398", draft)
    drafts.retire(draft, "El ministro la dejó sin efecto")
    again = signed()
    assert again.version_code == "2025-398"
    assert (
        db.scalars(select(InspectionOrder.version_code).where(InspectionOrder.id == after.id)).one() == draft
    )
    assert procedures.version_in_force().code == "2025-398"


def test_the_only_version_that_rules_stays(db: OrmSession) -> None:
    with act("test"):
        db.execute(text("UPDATE procedure_version SET status = 'retired' WHERE code = '2024-346'"))
    with pytest.raises(RuleBroken, match="la única"):
        drafts.retire("2025-398", "Porque sí")


def test_days_of_its_own_leave_those_of_the_others(db: OrmSession, draft: str) -> None:
    source = procedures.version("2025-398").process("report")
    term = next(t for t in source.terms if t.parameter)
    before = parameter(term.parameter, clock.today())
    drafts.own_days(draft, seen(draft), "report", term.code, 7, "Res. 15/2027, art. 4")
    own = procedures.version(draft).process("report").term(term.code).parameter
    day = procedures.version(draft).valid_from
    assert own != term.parameter and parameter(own, day) == 7
    assert parameter(term.parameter, day) == before
    drafts.own_days(draft, seen(draft), "report", term.code, 9, "Res. 15/2027, art. 4")
    assert procedures.version(draft).process("report").term(term.code).parameter == own
    assert parameter(own, day) == 9
    for days, basis in ((0, "Ley"), (4000, "Ley"), (5, " ")):
        with pytest.raises(RuleBroken):
            drafts.own_days(draft, seen(draft), "report", term.code, days, basis)


def test_days_of_its_own_are_of_one_term_of_one_version(db: OrmSession, draft: str) -> None:
    terms = procedures.version(draft).process("report").terms
    first, second = terms[0], replace(terms[0], code="OTRO_PLAZO", name="Otro plazo")
    drafts.change(draft, seen(draft), "term", lambda v: editing.put_term(v, "report", second))
    drafts.own_days(draft, seen(draft), "report", first.code, 7, "Res. 15/2027")
    drafts.own_days(draft, seen(draft), "report", second.code, 8, "Res. 15/2027")
    near = drafts.clone(draft, draft.replace("-", "."), "De número parecido", "Res.", clock.today())
    drafts.own_days(near, seen(near), "report", first.code, 9, "Res. 16/2027")
    day = clock.today() + TOMORROW
    found = [
        parameter(procedures.version(code).process("report").term(term.code).parameter, day)
        for code, term in ((draft, first), (draft, second), (near, first), (near, second))
    ]
    assert found == [7, 8, 9, 8]


def test_other_days_are_another_proposal(db: OrmSession, draft: str) -> None:
    term = procedures.version(draft).process("report").terms[0]
    drafts.own_days(draft, seen(draft), "report", term.code, 7, "Res. 15/2027")
    with acting("admin"):
        drafts.propose(draft, seen(draft), clock.today() + TOMORROW)
    proposed = seen(draft)
    with acting("director"):
        drafts.own_days(draft, proposed, "report", term.code, 700, "Res. 15/2027")
        with pytest.raises(Stale):
            drafts.publish(draft, proposed)
        with pytest.raises(RuleBroken, match="Primero alguien la propone"):
            drafts.publish(draft, seen(draft))


def test_a_draft_is_thrown_away_with_its_reason(db: OrmSession, draft: str) -> None:
    with pytest.raises(RuleBroken):
        drafts.discard(draft, seen(draft), " ")
    drafts.discard(draft, seen(draft), "Se hará de otro modo")
    assert db.get(rows.ProcedureVersion, draft) is None
    assert not db.scalar(select(func.count()).where(rows.ProcedureState.version_code == draft))


# On screen


def page(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.text


def send(client: FlaskClient, path: str, **values: Any) -> Any:
    token = token_of(page(client, "/procedimientos/list/"))
    return client.post(path, data={"csrf_token": token, **values}, follow_redirects=True)


def test_a_version_goes_out_as_a_file_and_comes_in_as_a_draft(enter: Enter, db: OrmSession) -> None:
    client = enter("admin")
    content = client.get("/procedimientos/2025-398/archivo").data
    assert files.read(content) == procedures.version("2025-398")
    other = content.replace(b"code: 2025-398", b"code: 2027-020", 1).replace(b"Con dictamen", b"Dictaminado")
    answer = send(client, "/procedimientos/traer", file=(io.BytesIO(other), "p.yaml"))
    assert "Qué cambia de 2025-398 a 2027-020" in answer.text and "Dictaminado" in answer.text
    again = send(client, "/procedimientos/traer", file=(io.BytesIO(other), "p.yaml"))
    assert again.status_code == 422 and "Ya hay una versión" in again.text
    bad = send(client, "/procedimientos/traer", file=(io.BytesIO(b"code: [\n"), "p.yaml"))
    assert bad.status_code == 422 and "línea" in bad.text


def test_a_state_is_put_between_two_on_screen(enter: Enter, db: OrmSession, draft: str) -> None:
    client = enter("admin")
    first = procedures.version(draft).process("report").states[2]
    path = f"/procedimientos/{draft}/report/dividir?clave={first.code}"
    assert f"Intercalar un estado después de «{first.name}»" in page(client, path)
    values: dict[str, Any] = {
        "_version": seen(draft), "name": "Dictamen previo", "code": "DICTAMEN_PREVIO", "phase": "in_decision",
        "label": "Pedir el dictamen previo", "move_code": "pedir_dictamen", "roles": ["legal"], "source": "norma",
    }  # fmt: skip
    wrong = send(client, path, **{**values, "code": first.code})
    assert (
        wrong.status_code == 422
        and "Ya hay un estado" in wrong.text
        and "Pedir el dictamen previo" in wrong.text
    )
    answer = send(client, path, **values)
    assert (
        "Dictamen previo" in answer.text
        and "Sin observaciones" not in answer.text.split("Impide publicar")[0][:0]
    )
    assert procedures.version(draft).process("report").state("DICTAMEN_PREVIO").name == "Dictamen previo"
    stale = send(client, path.replace(first.code, "DICTAMEN_PREVIO"), **{**values, "code": "OTRO"})
    assert stale.status_code == 409 and "Otra persona cambió" in stale.text


def test_a_step_gets_a_condition_without_code(enter: Enter, db: OrmSession, draft: str) -> None:
    client = enter("admin")
    move = procedures.version(draft).process("report").moves[0]
    path = f"/procedimientos/{draft}/report/paso?desde={move.from_state}&clave={move.code}"
    text_of_page = page(client, path)
    assert move.label in text_of_page and "Vale si" in text_of_page
    values: dict[str, Any] = {
        "_version": seen(draft), "label": move.label, "code": move.code, "from_state": move.from_state,
        "to_state": move.to_state, "roles": list(move.roles), "guards": list(move.guards),
        "letters": list(move.letters), "opens_terms": list(move.opens_terms),
        "closes_terms": list(move.closes_terms), "effects": list(move.effects), "source": move.source.value,
        "condition_how": "and", "condition_1_fact": "inspector_count", "condition_1_operator": ">",
        "condition_1_value": "dos", "condition_reason": "Hacen falta dos inspectores.",
    }  # fmt: skip
    wrong = send(client, path, **values)
    assert (
        wrong.status_code == 422
        and "se compara con un número entero" in wrong.text
        and 'value="dos"' in wrong.text
    )
    send(client, path, **{**values, "condition_1_value": "1"})
    changed = procedures.version(draft).process("report").moves[0]
    assert changed.condition == {">": [{"var": "inspector_count"}, 1]}
    assert replace(changed, condition=None, condition_reason="", basis=move.basis) == move


@pytest.mark.parametrize("username", ["coordinador", "inspector1", "auditor"])
def test_others_read_versions_and_change_nothing(
    enter: Enter, db: OrmSession, draft: str, username: str
) -> None:
    client = enter(username)
    assert "Editar los datos" not in page(client, f"/procedimientos/{draft}/")
    assert client.get(f"/procedimientos/{draft}/datos").status_code in (403, 404)
    assert send(client, f"/procedimientos/{draft}/publicar", _version=1).status_code == 403


def test_it_is_proposed_by_one_and_published_by_another_on_screen(
    enter: Enter, db: OrmSession, draft: str
) -> None:
    client = enter("admin")
    day = (clock.today() + TOMORROW).isoformat()
    answer = send(client, f"/procedimientos/{draft}/proponer", _version=seen(draft), valid_from=day)
    assert "la publica otra persona" in answer.text
    answer = send(enter("director"), f"/procedimientos/{draft}/publicar", _version=seen(draft))
    assert "Se publicó" in answer.text and "Regirá desde el" in answer.text


# Texts of documents


OWN = """{% extends "base.html" %}
{% block title %}Orden de inspección{% endblock %}
{% block body %}
<p class="lead">DISPÓNESE, por la Resolución nueva, la inspección que sigue{% if employer %} a {{ employer.name }}{% endif %}.</p>
{{ parts.numbered(matters) }}
{% endblock %}
{% block signatures %}{% call parts.signatures([signature], "Comuníquese.", paper.legal_basis) %}{% endcall %}{% endblock %}
"""


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{% if %}", "Línea 1"),
        ("a\n\n{{ nombre_inventado }}", "Línea 3: «nombre_inventado»"),
        ("{{ paper.__class__ }}", "«__class__» no se puede usar"),
        ("{{ paper['__init__'] }}", "«__init__» no se puede usar"),
        ("a\n{% include '/etc/passwd' %}", "Línea 2: solo se usan"),
        ("{% extends title %}", "solo se usan"),
        ("{{ kind | safe }}", "Línea 1"),
        ("{{ lipsum }}", "lipsum"),
        (
            "{% extends 'base.html' %}{% block body %}{{ parts.signatures([signature], '', []) }}{% endblock %}",
            "ejemplo",
        ),
        ("{% for a in range(10 ** 9) %}x{% endfor %}", "ejemplo"),
        ("{{ kind.no_hay }}", "ejemplo"),
        ("{{ 9 ** (9 ** 9) }}", "ejemplo"),  # worked out in the child alone, never where it is judged
        ("{% autoescape 9 ** (9 ** 9) %}{% endautoescape %}", "«autoescape»"),
        ("{% autoescape false %}{{ kind }}{% endautoescape %}", "«autoescape»"),
        ("{% for a in kind %}" * 25 + "{% endfor %}" * 25, "No se entiende"),
        ("{{ " + "9" * 5000 + " }}", "No se entiende"),
        ("x" * 60_001, "60000"),
    ],
)
def test_a_text_that_cannot_be_is_refused_with_its_line(draft: str, source: str, words: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        drafts.put_letter(draft, seen(draft), "OI", source)
    assert words in refused.value.message and refused.value.field == "source"
    assert procedures.version(draft).letters == ()


def test_every_shipped_text_is_sound_as_an_own_text() -> None:
    for code, (_, template) in letters.LETTERS.items():
        assert drafts.letter_faults(code, letters.source_of(template)) == []


def test_a_case_gets_the_text_of_its_own_version(db: OrmSession, draft: str) -> None:
    one_person()
    drafts.put_letter(draft, seen(draft), "OI", OWN)
    assert files.read(files.written(procedures.version(draft)).encode()) == procedures.version(draft)
    before = signed()
    drafts.publish(draft, seen(draft), clock.today())
    after = signed()
    new, old = (" ".join(pypdf_text(papers.draft(order, "OI")).split()) for order in (after, before))
    assert "DISPÓNESE, por la Resolución nueva" in new and "VISTO" not in new
    assert "VISTO" in old and "DISPÓNESE" not in old


def pypdf_text(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)


def test_a_text_is_tried_on_a_real_record_and_goes_back_to_the_shipped_one(
    enter: Enter, db: OrmSession, draft: str
) -> None:
    order = signed()
    client = enter("admin")
    path = f"/procedimientos/{draft}/documento/OI"
    shown = page(client, path)
    assert "VISTO" in shown and "employer.name" in shown and "signature" in shown
    tried = send(client, f"{path}/probar", source=OWN)
    assert "DISPÓNESE" in pypdf_text(tried.data) and "[employer.name]" in pypdf_text(tried.data)
    hidden = send(client, f"{path}/probar", source=OWN, numero=order.number)
    assert (
        hidden.status_code == 422 and "A su alcance no hay" in hidden.text
    )  # Informática lee versiones, no casos
    seen_by_director = send(enter("director"), f"{path}/probar", source=OWN, numero=order.number)
    place = order.places[0].establishment.employer.legal_name
    assert place in " ".join(pypdf_text(seen_by_director.data).split())
    inspector = enter("inspector1")  # reads the text; tries none on what he sees
    assert "Ver en PDF" not in page(inspector, path)
    assert send(inspector, f"{path}/probar", source=OWN, numero=order.number).status_code == 403
    bad = send(client, path, _version=seen(draft), source="{{ nada }}")
    assert bad.status_code == 422 and "«nada» no es un dato" in bad.text and "{{ nada }}" in bad.text
    send(client, path, _version=seen(draft), source=OWN)
    assert procedures.version(draft).letter("OI") == OWN
    assert "DISPÓNESE" in page(client, path)
    send(client, f"{path}/de-fabrica", _version=seen(draft))
    assert procedures.version(draft).letters == ()
