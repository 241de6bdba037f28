"""The page of a record: what comes next, its parts, its point on the country, its history in names."""

import html
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from inspection_samples import SIGN, acting, assigned, done, draft, first_finding
from registry_samples import make, place
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from app.assets_manifest import STATIC, asset
from app.core.base import Session
from app.models.catalogs import Department
from app.models.followup import Term
from app.models.inspections import InspectionOrder
from app.operations import moves, registry
from app.operations.inspections import facts
from app.views.history import changes, history_of, names_of
from app.views.inspections.outlook import Outlook, Stage, outlook

Enter = Callable[[str], FlaskClient]
POINT = {"latitude": "-25.3005", "longitude": "-57.6362"}


def page(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return html.unescape(answer.get_data(as_text=True))


def ahead(record: Any, who: str) -> Outlook:
    """What comes next in a record, for one of the cast."""
    with acting(who):
        terms = [term for term in Session.scalars(select(Term)) if term.record is record]
        return outlook(record, terms, moves.history([record]), moves.offers(record))


def looks(view: Outlook) -> list[tuple[str, str]]:
    return [(stage.name, stage.look) for stage in view.stages]


def test_what_comes_next_follows_the_order_and_says_whose_turn_it_is(db: OrmSession) -> None:
    order = draft()
    view = ahead(order, "coordinador")
    assert looks(view)[0] == ("Proyecto", "now") and view.stages[-1] == Stage("Cierre", "ahead")
    assert view.turns[0].mine and view.turns[0].steps == [("Enviar a la firma", "Pendiente de firma")]
    assert view.term is None and not view.ended
    with acting("coordinador"):
        moves.move(order, "enviar_a_firma")
    turn = ahead(order, "coordinador").turns[0]
    assert not turn.mine and "Ministro/Delegado" in turn.who
    assert turn.steps == [("Firmar y emitir la orden", "Emitida")]
    with acting("ministro"):
        moves.move(order, "firmar", SIGN)
    view = ahead(order, "coordinador")
    assert looks(view)[:2] == [("Proyecto", "past"), ("Emitida", "now")]
    assert view.term is not None and view.due is not None and "Vence el" in view.due.text
    assert view.lapses == "Vencida" and view.left.startswith("faltan")


def test_a_step_that_is_mine_says_what_is_missing_first(db: OrmSession) -> None:
    order = draft(team=[])
    turn = ahead(order, "coordinador").turns[0]
    assert turn.mine and turn.missing and any("inspector" in reason for reason in turn.missing)


def test_what_only_another_record_brings_about_is_said_so(db: OrmSession) -> None:
    order = facts.order_of(done(fails=0))
    with acting("inspector1"):
        moves.move(order, "declarar_ejecutada")
    turns = ahead(order, "inspector1").turns
    assert [turn.who for turn in turns] == [""]
    assert ("Cerrar con la decisión del informe", "Cerrada") in turns[0].steps


def test_an_ended_record_has_no_way_ahead(db: OrmSession) -> None:
    order = draft()
    with acting("coordinador"):
        moves.move(order, "anular", moves.Details(reason="Se cargó dos veces."))
    view = ahead(order, "coordinador")
    assert view.ended == "Anulada" and not view.turns
    assert looks(view) == [("Proyecto", "past"), ("Anulada", "ended")]


@pytest.mark.parametrize("who", ["coordinador", "inspector1", "auditor"])
def test_every_tab_leads_to_a_part_and_every_part_has_its_tab(db: OrmSession, enter: Enter, who: str) -> None:
    visit = done(fails=1)
    order, finding = facts.order_of(visit), first_finding(visit)
    there = visit.establishment_id
    owner = visit.establishment.employer_id
    client = enter(who)
    for path in (
        f"/ordenes/{order.id}",
        f"/hallazgos/{finding.id}",
        f"/establecimientos/show/{there}",
        f"/empleadores/show/{owner}",
        "/oficinas/show/1",
    ):
        text = page(client, path)
        box = text[text.index("data-tabs") :]
        tabs = re.findall(r'<a href="#([a-z]+)"', box[: box.index("</nav>")])
        parts = re.findall(r'<section id="([a-z]+)" aria-label="', box)
        assert tabs and tabs == parts, path


def test_steps_not_yet_possible_stand_apart_with_their_reasons(db: OrmSession, enter: Enter) -> None:
    order = assigned()
    text = page(enter("inspector1"), f"/ordenes/{order.id}")
    head = text[text.index('class="sis-head"') : text.index('class="sis-strip"')]
    assert text.count("btn-primary") == head.count("btn-primary") == 1
    order = draft(team=[])
    text = page(enter("coordinador"), f"/ordenes/{order.id}")
    assert "Enviar a la firma" not in text[text.index('class="sis-head"') : text.index('class="sis-strip"')]
    refused = text[text.index('class="sis-refused"') :]
    assert "Enviar a la firma" in refused[: refused.index("</details>")]


def test_an_establishment_stands_on_the_country_without_asking_outside(db: OrmSession, enter: Enter) -> None:
    owner = make()
    with_point, without = place(owner, **POINT), place(owner, name="Depósito", address="Calle 2")
    department = with_point.district.department_code
    client = enter("coordinador")
    text = page(client, f"/establecimientos/show/{with_point.id}")
    drawn = text[text.index('class="sis-map"') :]
    assert f"#d{department}" in drawn and 'href="geo:-25.300500,-57.636200"' in drawn
    assert not re.findall(r'(?:href|src)="https?://', drawn)
    assert 'class="sis-map"' not in page(client, f"/establecimientos/show/{without.id}")


def test_every_department_is_drawn(db: OrmSession) -> None:
    drawing = (STATIC / asset("paraguay.svg")).read_text(encoding="utf-8")
    drawn = {int(code) for code in re.findall(r'id="d(\d+)"', drawing)}
    assert drawn == set(db.scalars(select(Department.code)))


def test_the_history_names_what_values_refer_to(db: OrmSession) -> None:
    owner, other = make(), make(ruc="80100200-1", legal_name="Segunda Firma de Muestra")
    there = place(owner)
    registry.change_establishment(there.id, {"employer_id": other.id})
    told = [words for entry in history_of(type(there), there.id) for words in entry.changes]
    assert told == [f"Empleador: {owner} → {other}"]


def test_the_history_names_states_as_the_ministry_does(db: OrmSession) -> None:
    order = draft()
    with acting("coordinador"):
        moves.move(order, "enviar_a_firma")
    told = [words for entry in history_of(InspectionOrder, order.id) for words in entry.changes]
    assert "Estado: Proyecto → Pendiente de firma" in told


def test_what_one_may_not_see_keeps_its_number_in_the_history(db: OrmSession) -> None:
    order = draft()
    row = SimpleNamespace(old_values={"replaces_id": None}, new_values={"replaces_id": order.id})
    with acting("inspector3"):
        db.expunge_all()
        told = list(changes(InspectionOrder, row, names_of(InspectionOrder, [row])))
    assert told == [f"Reemplaza a: — → n.º {order.id}"]
    with acting("coordinador"):
        told = list(changes(InspectionOrder, row, names_of(InspectionOrder, [row])))
    assert told == [f"Reemplaza a: — → {db.get_one(InspectionOrder, order.id).number}"]
