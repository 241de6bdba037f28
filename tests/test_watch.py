"""The daily watch with the moved clock: every offset, weekends, holidays, escalation, days of being off."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from inspection_samples import (
    acting,
    assigned,
    begun,
    checklist,
    done,
    filled,
    inspector,
    office_of,
    principal,
    reported,
    signatures,
)
from sqlalchemy import func, select
from sqlalchemy.orm import Session as OrmSession
from support import PASSWORD, Live

from app.core import clock
from app.core.base import Session
from app.models.followup import Notice, Term, TermAlert
from app.models.inspections import Finding, InspectionOrder
from app.models.norms import Holiday
from app.models.security import Account
from app.operations import mail, moves, records, watch
from app.operations.inspections import facts, findings, reports
from app.operations.moves import Details
from app.operations.unit import act
from app.security.principal import Principal, acting_as

START = date(2027, 4, 5)
"""A Monday; an order signed on it is valid until Wednesday 5 May, with the holiday of 1 May on a Saturday."""
DUE = date(2027, 5, 5)

Clock = Callable[[date], None]


@pytest.fixture
def at(db: OrmSession) -> Iterator[Clock]:
    """Set the day of the system: noon in Paraguay."""
    yield from _clock()


def _clock() -> Iterator[Clock]:
    before = clock._source

    def go(day: date) -> None:
        noon = datetime.combine(day, time(12), tzinfo=clock.ASUNCION)
        moved = noon.astimezone(UTC) - clock.real_now()
        clock.use_offset(lambda: moved)

    go(START)
    yield go
    clock.use_offset(before if before is not clock._no_offset else None)


def account(username: str) -> int:
    found = principal(username).account_id
    assert found is not None
    return found


def notices_of(username: str) -> list[str]:
    query = select(Notice.text).where(Notice.account_id == account(username), Notice.text.like("%enc%"))
    return list(Session.scalars(query.order_by(Notice.id)))


def offsets_of(term: Term) -> list[int]:
    query = select(TermAlert.offset_days).where(TermAlert.term_id == term.id)
    return sorted(Session.scalars(query))


def term_of(record: Any) -> Term:
    column = getattr(Term, f"{record.process}_id")
    return Session.scalars(select(Term).where(column == record.id).order_by(Term.id.desc()).limit(1)).one()


def in_term() -> Finding:
    """A finding whose employer has ten business days from 5 April: until 19 April."""
    visit = filled(begun(assigned(checklists=[checklist("CL-GEN").id])), 3)
    found = findings.of_visit(visit)
    finding = next(each for each in found if each.infraction is not None and each.infraction.remediable)
    with acting("inspector1"):
        findings.revise(finding, {"remedy_kind": "DOCUMENTAL"})
        findings.confirm(finding, {})
    signatures(visit)
    with acting("inspector1"):
        moves.move(visit, "finalizar", Details(password=PASSWORD))
        moves.move(finding, "requerir", Details(password=PASSWORD))
        findings.deliver(finding, "signed", Details())
    assert finding.state == "EN_PLAZO"
    return finding


@pytest.mark.parametrize(
    ("day", "offset", "said"),
    [
        (date(2027, 4, 28), -5, "Vence el 05/05/2027: quedan 5 días hábiles."),
        (date(2027, 5, 3), -2, "Vence el 05/05/2027: quedan 2 días hábiles."),
        (date(2027, 5, 5), 0, "Vence hoy, 05/05/2027."),
    ],
)
def test_alert_at_each_offset_before_the_due_day_goes_to_team_and_coordinator(
    at: Clock, day: date, offset: int, said: str
) -> None:
    order = assigned()
    term = term_of(order)
    assert term.due_on == DUE
    at(day - timedelta(days=1))
    watch.watch()
    before = len(notices_of("inspector1"))
    at(day)
    result = watch.watch()
    assert result.errors == [] and offset in offsets_of(term)
    for username in ("inspector1", "inspector2", "coordinador"):
        assert len(notices_of(username)) == before + 1
        assert said in notices_of(username)[-1] and order.number in notices_of(username)[-1]
    for username in ("director", "inspector3", "regional", "ministro"):
        assert notices_of(username) == []


def test_nothing_is_said_twice(at: Clock) -> None:
    assigned()
    at(date(2027, 4, 28))
    assert watch.watch().notices == 3
    second = watch.watch()
    assert (second.alerts, second.notices, second.moves) == (0, 0, [])


def test_weekend_before_an_offset_waits_for_the_working_day(at: Clock) -> None:
    order = assigned()
    at(date(2027, 5, 2))  # Sunday: two business days before is Monday the 3rd
    watch.watch()
    assert offsets_of(term_of(order)) == [-5]
    at(date(2027, 5, 3))
    watch.watch()
    assert offsets_of(term_of(order)) == [-5, -2]


def test_holiday_moves_the_offsets_back(at: Clock) -> None:
    order = assigned()
    with act("test"):
        records.create(
            Holiday,
            {
                "name": "Feriado de prueba",
                "kind": "DECRETO",
                "original_date": date(2027, 4, 29),
                "effective_date": date(2027, 4, 29),
                "verification": "diseno",
            },
        )
    at(date(2027, 4, 26))
    watch.watch()
    assert offsets_of(term_of(order)) == []
    at(date(2027, 4, 27))  # five business days before 5 May, now that Thursday the 29th does not count
    watch.watch()
    assert offsets_of(term_of(order)) == [-5]


def test_offset_of_a_short_term_that_lies_before_its_opening_is_not_given(at: Clock) -> None:
    visit = done(fails=0)
    order = facts.order_of(visit)
    with acting("inspector1"):
        moves.move(order, "declarar_ejecutada")
    report = facts.report_of(order)
    assert report is not None
    with acting("inspector1"):
        reports.write(report, {"facts": "a", "analysis": "b", "proposal": "ARCHIVO"})
        moves.move(report, "enviar_a_coordinacion")  # three business days: until Thursday 8 April
    term = term_of(report)
    assert term.due_on == date(2027, 4, 8)
    watch.watch()
    assert offsets_of(term) == []
    at(date(2027, 4, 6))
    watch.watch()
    assert offsets_of(term) == [-2]


def test_order_without_a_visit_expires_and_the_delay_climbs_step_by_step(at: Clock) -> None:
    order = assigned()
    at(DUE)
    watch.watch()
    assert order.state == "ASIGNADA"
    at(DUE + timedelta(days=1))  # one business day late: the first of the escalation is the coordinator
    result = watch.watch()
    Session.refresh(order)
    assert order.state == "VENCIDA" and len(result.moves) == 1
    assert term_of(order).status == "overdue"
    assert "Venció el 05/05/2027, hace 1 día hábil." in notices_of("coordinador")[-1]
    assert notices_of("director") == []
    at(date(2027, 5, 11))  # four business days late
    assert watch.watch().notices == 0
    at(date(2027, 5, 12))  # five: the director
    watch.watch()
    assert "hace 5 días hábiles" in notices_of("director")[-1] and order.number in notices_of("director")[-1]
    assert offsets_of(term_of(order)) == [-5, -2, 0, 1, 5]


def test_who_acted_on_an_expired_order_is_not_reminded_any_more(at: Clock) -> None:
    order = assigned()
    at(DUE + timedelta(days=1))
    watch.watch()
    with acting("coordinador"):
        moves.move(order, "reemitir", Details(reason="No hubo vehículo."))
    at(date(2027, 5, 12))
    watch.watch()
    assert not any(order.number in words for words in notices_of("director"))


def test_days_of_being_off_give_one_notice_that_says_where_it_stands(at: Clock) -> None:
    order = assigned()
    at(date(2027, 5, 13))
    result = watch.watch()
    assert offsets_of(term_of(order)) == [1, 5]  # the system closed the term first: what was before is moot
    for username in ("inspector1", "coordinador", "director"):
        assert len(notices_of(username)) == 1 and "hace 6 días hábiles" in notices_of(username)[0]
    assert len(result.moves) == 1


def test_begun_order_has_no_term_to_watch(at: Clock) -> None:
    visit = begun()
    order = facts.order_of(visit)
    at(DUE + timedelta(days=40))
    result = watch.watch()
    Session.refresh(order)
    assert order.state == "EN_EJECUCION" and result.moves == []


def test_finding_without_filing_becomes_overdue_and_both_are_told(at: Clock) -> None:
    finding = in_term()
    term = term_of(finding)
    assert term.due_on == date(2027, 4, 19)
    for day, offset in ((12, -5), (15, -2), (19, 0)):
        at(date(2027, 4, day))
        watch.watch()
        assert offset in offsets_of(term)
    assert finding.state == "EN_PLAZO"
    at(date(2027, 4, 20))
    watch.watch()
    Session.refresh(finding)
    assert finding.state == "VENCIDO" and term_of(finding).status == "overdue"
    assert "hace 1 día hábil" in notices_of("inspector1")[-1]
    at(date(2027, 4, 26))
    watch.watch()
    assert "hace 5 días hábiles" in notices_of("director")[-1]


def test_finding_with_a_filing_stays(at: Clock) -> None:
    finding = in_term()
    with acting("inspector1"):
        findings.file(finding, "Planillas del IPS", None, Details())
    at(date(2027, 5, 20))
    result = watch.watch()
    Session.refresh(finding)
    assert finding.state == "PRESENTADO" and not any("Hallazgo" in line for line in result.moves)


def test_held_record_waits_for_the_coordinator(at: Clock) -> None:
    order = assigned()
    with act("test"):
        order.held = True
    at(DUE + timedelta(days=2))
    result = watch.watch()
    Session.refresh(order)
    assert order.state == "ASIGNADA" and result.moves == [] and len(result.waiting) == 1


def test_opinion_that_is_late_is_told_to_those_who_must_give_it(at: Clock) -> None:
    order = facts.order_of(done(fails=0))
    sign = Details(password=PASSWORD)
    report = reported(order, "ARCHIVO")
    with acting("inspector1"):
        moves.move(report, "firmar", sign)
    with acting("director"):
        moves.move(report, "remitir")
    due = term_of(report).due_on
    assert due is not None
    at(due)
    watch.watch()
    assert "Vence hoy" in notices_of("juridico")[-1]


def test_office_without_coordinator_tells_its_director(at: Clock) -> None:
    order = assigned()
    people = watch.People(clock.today())
    assert people.of(order, ("coordinator",), office_of("regional")) == [account("regional")]
    assert people.of(order, ("inspector",), order.office_id) == [
        inspector("inspector1").account_id,
        inspector("inspector2").account_id,
    ]


def test_two_watches_at_once_give_each_alert_once(live: Live, app: Flask) -> None:
    for go in _clock():
        order = assigned()
        Session.remove()
        go(date(2027, 4, 28))
        results: list[watch.Watched] = []

        def run(results: list[watch.Watched] = results) -> None:
            with app.app_context():
                results.append(watch.watch())

        threads = [threading.Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(result.notices for result in results) == 3
        count = select(func.count(TermAlert.id)).join(Term).where(Term.order_id == order.id)
        with acting_as(Principal("prueba")):
            assert Session.scalar(count) == 1


def test_mail_goes_to_real_addresses_alone_in_one_letter(at: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    assigned()
    assigned()
    with act("test"):
        Session.get_one(Account, account("inspector1")).email = "lvazquez@mtess.gov.py"
    monkeypatch.setattr(mail, "_post", [mail.Post("smtp://127.0.0.1:1", "sis@mtess.gov.py", "http://sis")])
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(
        watch.jobs, "defer", lambda session, task, **args: asked.append({"task": task, **args})
    )
    at(date(2027, 4, 28))
    result = watch.watch()
    assert result.mails == 1 and asked[0]["task"] == "send_notices"
    sent: list[tuple[str, str, str]] = []
    monkeypatch.setattr(mail, "send", lambda *letter: sent.append(letter))
    del asked[0]["task"]
    watch.send_notices(**asked[0])
    assert len(sent) == 1
    to, subject, words = sent[0]
    assert to == "lvazquez@mtess.gov.py" and subject == "SIS: 2 avisos de plazos"
    assert words.count("quedan 5 días hábiles") == 2 and "http://sis/" in words
    with act("test"):
        Session.get_one(Account, account("inspector1")).active = False
    watch.send_notices(**asked[0])
    assert len(sent) == 1


def test_command_reports_as_json(at: Clock, app: Flask) -> None:
    assigned()
    at(date(2027, 4, 28))
    answer = app.test_cli_runner().invoke(args=["watch", "--json"])
    assert answer.exit_code == 0, answer.output
    report = json.loads(answer.output)
    assert report["on"] == "2027-04-28" and report["notices"] == 3 and not report["busy"]


def test_notice_leads_to_the_page_of_its_record(at: Clock, enter: Callable[[str], FlaskClient]) -> None:
    order = assigned()
    at(date(2027, 4, 28))
    watch.watch()
    url = Session.scalars(select(Notice.url).where(Notice.text.like("%quedan%"))).first()
    assert url == f"/ordenes/{order.id}"
    assert isinstance(Session.get(InspectionOrder, order.id), InspectionOrder)


def test_worker_knows_the_watch_and_its_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    from app import jobs

    assert {"app.jobs.watch_terms", "app.jobs.send_notices"} <= set(jobs.queue.tasks)
    ran: list[int] = []
    monkeypatch.setattr(watch, "watch", lambda: ran.append(1) or watch.Watched(START))
    monkeypatch.setattr(Session, "remove", lambda: None)
    for hour, times in ((5, 0), (6, 1)):
        now = datetime(2027, 4, 5, hour, 5, tzinfo=clock.ASUNCION)
        monkeypatch.setattr(clock, "real_now", lambda now=now: now.astimezone(UTC))
        jobs.watch_terms(0)
        assert len(ran) == times
