"""Holidays and general suspensions: what they would touch is shown first, then done in one act."""

import html
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from flask.testing import FlaskClient
from inspection_samples import acting, assigned, done, principal
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session as OrmSession
from support import token_of

from app.core import clock
from app.core.base import Session
from app.models.followup import Notice, Term, TermAlert
from app.models.inspections import InspectionOrder
from app.models.norms import GeneralSuspension, Holiday
from app.operations import moves, recount, watch
from app.operations.inspections import facts

Enter = Callable[[str], FlaskClient]
START = date(2027, 4, 5)
"""A Monday. An order signed on it is valid until Wednesday 5 May (thirty days, printed); a report opened on
it is to be written until Monday 19 April (ten business days, not printed)."""
DAY = {
    "name": "Día de prueba",
    "kind": "DECRETO",
    "original_date": "12/04/2027",
    "effective_date": "12/04/2027",
    "verification": "diseno",
}
STOP = {"valid_from": "12/04/2027", "legal_basis": "Decreto de prueba", "verification": "diseno"}


@pytest.fixture(autouse=True)
def spring(db: OrmSession) -> Iterator[Callable[[date], None]]:
    """The day of the system, START at first."""
    before = clock._source

    def go(day: date) -> None:
        noon = datetime.combine(day, time(12), tzinfo=clock.ASUNCION)
        moved = noon.astimezone(UTC) - clock.real_now()
        clock.use_offset(lambda: moved)

    go(START)
    yield go
    clock.use_offset(before)


def report_term() -> int:
    """The term of a report that was just opened."""
    order = facts.order_of(done(fails=0))
    with acting("inspector1"):
        moves.move(order, "declarar_ejecutada")
    report = facts.report_of(order)
    assert report is not None
    return Session.scalars(select(Term.id).where(Term.report_id == report.id)).one()


def order_term() -> int:
    return Session.scalars(select(Term.id).where(Term.order_id == assigned().id)).one()


def term(key: int) -> Term:
    Session.expire_all()
    return Session.get_one(Term, key)


def send(client: FlaskClient, path: str, **form: Any) -> Any:
    page = client.get(path).get_data(as_text=True)
    version = re.search(r'name="_version" value="(\d+)"', page)
    data = {"csrf_token": token_of(page), **({"_version": version[1]} if version else {}), **form}
    return client.post(path, data=data)


def seen_in(answer: Any) -> str:
    found = re.search(r'name="seen"[^>]*value="(\w*)"', answer.get_data(as_text=True))
    assert found
    return found[1]


def confirmed(client: FlaskClient, path: str, **form: Any) -> Any:
    """Send, look at what would change, confirm."""
    answer = send(client, path, **form)
    assert answer.status_code == 422, answer.status_code
    return send(client, path, **form, seen=seen_in(answer))


def unread(username: str) -> list[str]:
    here = principal(username).account_id
    query = select(Notice.text).where(Notice.account_id == here, Notice.text.like("Cambió el calendario%"))
    return list(Session.scalars(query))


def test_holiday_is_previewed_and_nothing_is_written_before_it_is_confirmed(enter: Enter) -> None:
    key = report_term()
    assert term(key).due_on == date(2027, 4, 19)
    answer = send(enter("admin"), "/feriados/add", **DAY)
    page = html.unescape(answer.get_data(as_text=True))
    assert answer.status_code == 422
    assert "1 plazo abierto cambia de vencimiento" in page and "19/04/2027" in page and "20/04/2027" in page
    assert 'value="Día de prueba"' in page  # what was typed stays
    assert term(key).due_on == date(2027, 4, 19)
    assert not Session.scalars(select(Holiday).where(Holiday.name == DAY["name"])).all()


def test_confirmed_holiday_moves_the_term_in_one_act_and_tells_those_responsible(enter: Enter) -> None:
    key = report_term()
    acts = "SELECT audit.head()"
    Session.execute(text(acts))
    answer = confirmed(enter("admin"), "/feriados/add", **DAY)
    assert answer.status_code == 302
    assert term(key).due_on == date(2027, 4, 20)
    for username in ("inspector1", "inspector2", "coordinador"):
        assert len(unread(username)) == 1 and "ahora el 20/04/2027" in unread(username)[0]
    assert unread("director") == [] and unread("inspector3") == []


def test_holiday_that_touches_nothing_is_written_at_once(enter: Enter) -> None:
    report_term()
    day = {**DAY, "original_date": "12/07/2027", "effective_date": "12/07/2027"}
    assert send(enter("admin"), "/feriados/add", **day).status_code == 302


def test_holiday_of_another_office_touches_nothing_here(enter: Enter) -> None:
    key = report_term()
    assert term(key).due_on is not None
    other = next(iter(principal("regional").offices))
    answer = send(enter("admin"), "/feriados/add", **{**DAY, "kind": "LOCAL"}, offices=str(other))
    assert answer.status_code == 302
    assert term(key).due_on == date(2027, 4, 19)


def test_moved_and_removed_holiday_recount_again(enter: Enter) -> None:
    key, admin = report_term(), enter("admin")
    confirmed(admin, "/feriados/add", **DAY)
    holiday = Session.scalars(select(Holiday.id).where(Holiday.name == DAY["name"])).one()
    moved = {**DAY, "effective_date": "26/04/2027"}  # after the term's last day
    assert confirmed(admin, f"/feriados/edit/{holiday}", **moved).status_code == 302
    assert term(key).due_on == date(2027, 4, 19)
    assert confirmed(admin, f"/feriados/edit/{holiday}", **DAY).status_code == 302
    assert term(key).due_on == date(2027, 4, 20)
    page = admin.get(f"/feriados/quitar/{holiday}")
    assert "20/04/2027" in page.get_data(as_text=True) and term(key).due_on == date(2027, 4, 20)
    gone = send(admin, f"/feriados/quitar/{holiday}", seen=seen_in(page))
    assert gone.status_code == 302 and Session.get(Holiday, holiday) is None
    assert term(key).due_on == date(2027, 4, 19)


def test_what_was_confirmed_is_what_was_seen(enter: Enter) -> None:
    first, admin = report_term(), enter("admin")
    seen = seen_in(send(admin, "/feriados/add", **DAY))
    second = report_term()
    answer = send(admin, "/feriados/add", **DAY, seen=seen)
    assert answer.status_code == 422 and "2 plazos abiertos cambian" in answer.get_data(as_text=True)
    assert {term(first).due_on, term(second).due_on} == {date(2027, 4, 19)}


def test_printed_day_never_becomes_earlier(enter: Enter) -> None:
    key, admin = order_term(), enter("admin")
    assert term(key).printed_due_on == date(2027, 5, 5)
    stop = {**STOP, "valid_to": "14/04/2027"}
    assert confirmed(admin, "/suspensiones/add", **stop).status_code == 302
    assert term(key).due_on == date(2027, 5, 8) or term(key).due_on == date(2027, 5, 10)
    order = Session.get_one(InspectionOrder, term(key).order_id)
    assert order.valid_until == term(key).due_on
    row = Session.scalars(select(GeneralSuspension)).one()
    page = admin.get(f"/suspensiones/quitar/{row.id}")
    send(admin, f"/suspensiones/quitar/{row.id}", seen=seen_in(page))
    assert term(key).due_on == date(2027, 5, 5)  # what the order says on paper, and not a day before


def test_printed_day_holds_against_a_recount(db: OrmSession) -> None:
    key = order_term()
    with recount.act("test"):
        row = term(key)
        row.days = 20
        row.printed_due_on = date(2027, 5, 5)
    assert recount.preview() == []


def test_suspension_without_end_stops_all_terms_and_its_end_lets_them_run_again(enter: Enter) -> None:
    key, validity, admin = report_term(), order_term(), enter("admin")
    answer = send(admin, "/suspensiones/add", **STOP)
    assert "Suspendido" in answer.get_data(as_text=True)
    assert confirmed(admin, "/suspensiones/add", **STOP).status_code == 302
    assert term(key).status == term(validity).status == "suspended" and term(key).due_on is None
    assert watch.watch().notices == 0
    row = Session.scalars(select(GeneralSuspension)).one()
    ended = {**STOP, "valid_to": "13/04/2027"}
    assert confirmed(admin, f"/suspensiones/edit/{row.id}", **ended).status_code == 302
    assert term(key).status == "open" and term(key).due_on == date(2027, 4, 21)


def test_suspension_of_one_process_leaves_the_others(enter: Enter) -> None:
    key, validity = report_term(), order_term()
    stop = {**STOP, "valid_to": "13/04/2027", "processes": ["report"]}
    assert confirmed(enter("admin"), "/suspensiones/add", **stop).status_code == 302
    assert term(key).due_on == date(2027, 4, 21) and term(validity).due_on == date(2027, 5, 5)
    page = enter("inspector1").get("/suspensiones/list/").get_data(as_text=True)
    assert "Informes finales" in page


def test_suspension_that_ends_before_it_begins_is_refused_at_its_field(enter: Enter) -> None:
    answer = send(enter("admin"), "/suspensiones/add", **{**STOP, "valid_to": "01/04/2027"})
    assert answer.status_code == 422 and "termina antes de empezar" in answer.get_data(as_text=True)


def test_alerts_of_a_longer_term_come_again(enter: Enter, spring: Callable[[date], None]) -> None:
    key = report_term()
    spring(date(2027, 4, 15))
    watch.watch()
    given = select(func.count(TermAlert.id)).where(TermAlert.term_id == key)
    assert Session.scalar(given) == 2
    stop = {**STOP, "valid_from": "16/04/2027", "valid_to": "30/04/2027"}
    confirmed(enter("admin"), "/suspensiones/add", **stop)
    assert Session.scalar(given) == 0


@pytest.mark.parametrize("username", ["director", "coordinador", "inspector1", "auditor"])
@pytest.mark.parametrize("path", ["/suspensiones/add", "/feriados/quitar/1", "/feriados/add"])
def test_only_the_administration_changes_the_calendar(enter: Enter, username: str, path: str) -> None:
    assert enter(username).get(path).status_code == 403
