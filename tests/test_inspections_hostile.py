"""The core of inspections under attack: races, faults, forged forms, late acts, and a random life of a file."""

import io
import os
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from inspection_samples import (
    SIGN,
    acting,
    assigned,
    begun,
    checklist,
    done,
    draft,
    drawing,
    establishment,
    filled,
    first_finding,
    inspector,
    photo,
    principal,
    reported,
    signatures,
    signed,
)
from sqlalchemy import Engine, event, func, select
from sqlalchemy.orm import Session as OrmSession
from support import PASSWORD, Live, token_of

from app.core import clock
from app.core.base import Session
from app.core.errors import DomainError, NotAllowed, RuleBroken, Stale
from app.documents.pool import RenderFailed
from app.models.documents import Document, NumberSeries, StoredFile
from app.models.followup import RecordDocument, RecordMove, Term, owner_column
from app.models.inspections import ConflictOfInterest, FinalReport, Finding, InspectionOrder, Visit
from app.models.registry import Establishment
from app.models.staff import Delegation, Inspector, Post, PostHolder
from app.operations import attachments, files, moves, papers, procedures
from app.operations.inspections import (
    corrections,
    facts,
    findings,
    orders,
    reports,
    visits,
)
from app.operations.moves import Details
from app.operations.unit import act
from app.workflow import definition

Enter = Callable[[str], FlaskClient]
KINDS: tuple[type[Any], ...] = (InspectionOrder, Visit, Finding, FinalReport)
RECEIPT = {"name": "Carlos Benítez", "refusal": "No quiso firmar."}


def scan() -> int:
    return attachments.receive(photo()).file.id


def late(days: int = 1, **more: Any) -> Details:
    """An act of some days ago, documented."""
    day = clock.today() - timedelta(days=days)
    return Details(happened_on=day, late_reason="Corte de luz.", scan_id=scan(), **more)


def pending(**values: Any) -> InspectionOrder:
    """An order that waits for its signature."""
    order = draft(**values)
    with acting("coordinador"):
        moves.move(order, "enviar_a_firma")
    return order


def by_hand(days: int = 0, who: str = "ministro") -> Details:
    """A handwritten signature of some days ago."""
    signer = principal(who).account_id
    told = late(days) if days else Details(scan_id=scan())
    return Details(
        **{**told.__dict__, "signing_mode": "handwritten", "signatory_account_id": signer},
    )


def fresh(record: Any) -> Any:
    """The record as the database has it."""
    return Session.get(type(record), record.id, populate_existing=True)


@pytest.fixture
def later() -> Iterator[Callable[[int], None]]:
    """Move the clock on by days."""
    passed = [0]

    def go(days: int) -> None:
        passed[0] += days
        clock.use_offset(lambda: timedelta(days=passed[0]))

    yield go
    clock.use_offset(None)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters are filled in, but no PDF is drawn: for tests that issue many."""
    monkeypatch.setattr(papers, "render_letter", lambda *a, **k: b"%PDF-1.4 " + os.urandom(12))


def sound() -> None:
    """What holds of every record at every moment: states, log, terms, documents, numbers."""
    Session.expire_all()
    for kind in KINDS:
        for record in Session.scalars(select(kind)):
            if record.state is None:
                continue
            steps = moves.history([record])[::-1]
            assert steps and steps[0].code is None, record
            for before, after in zip(steps, steps[1:], strict=False):
                assert after.from_state == before.to_state, (record, before.code, after.code)
            assert steps[-1].to_state == record.state, record
            assert record.held == any(step.holds and step.reviewed_at is None for step in steps), record
            owner = getattr(Term, owner_column(record))
            running = Session.scalars(
                select(Term.type_code).where(owner == record.id, Term.status.in_(("open", "suspended")))
            ).all()
            assert len(running) == len(set(running)), (record, running)
            state = moves.state_of(record)
            assert state is not None
            if state.final and not isinstance(record, Visit):
                assert not running, (record, record.state, running)
            own = Session.get(Document, getattr(record, "document_id", None) or 0)
            if own is not None:
                assert own.status == ("annulled" if state.phase == "annulled" else "issued"), record
            if state.final:
                assert all(paper.status != "reserved" for paper in papers.documents_of(record)), record
    for paper in Session.scalars(select(Document)):
        assert Session.scalar(
            select(func.count(RecordDocument.id)).where(RecordDocument.document_id == paper.id)
        )
        assert paper.status != "issued" or paper.file_id is not None, paper
    for series in Session.scalars(select(NumberSeries)):
        taken = Session.scalars(
            select(Document.sequence).where(Document.series_id == series.id).order_by(Document.sequence)
        ).all()
        assert taken == list(range(1, series.next_number)), series


# Two people at once


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """What each of these gave or raised, begun at one moment in threads of their own."""
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        try:
            gate.wait(20)
            return work()
        except Exception as error:
            return error
        finally:
            Session.remove()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def taking(who: str, record: Any, code: str, details: Details = SIGN) -> Callable[[], str]:
    """A step as a request takes it: the buttons first, then the step."""
    kind, key = type(record), record.id

    def take() -> str:
        with acting(who):
            row = Session.get(kind, key)
            moves.offers(row)
            return moves.move(row, code, details).to_state.code

    return take


def one_of(results: list[Any]) -> Any:
    """The one result that is no refusal; everything else was refused in words."""
    good = [each for each in results if not isinstance(each, Exception)]
    assert len(good) == 1, results
    refused = [each for each in results if isinstance(each, Exception)]
    assert all(isinstance(each, NotAllowed | RuleBroken | Stale) for each in refused), results
    return good[0]


def test_order_signed_by_two_at_once_is_issued_once(live: Live) -> None:
    order = pending()
    one_of(at_once(*[taking("ministro", order, "firmar")] * 3))
    assert live.sql("SELECT number, status FROM document") == [(f"OI-{clock.today().year}-000001", "issued")]
    assert live.sql("SELECT count(*) FROM term") == [(1,)]
    sound()


def test_signature_and_annulment_at_once_leave_one_of_both(live: Live) -> None:
    order = pending()
    results = at_once(
        taking("ministro", order, "firmar"), taking("coordinador", order, "anular", Details(reason="Ya no."))
    )
    state = one_of(results)
    assert live.sql("SELECT state FROM inspection_order") == [(state,)]
    sound()


def test_signature_waits_while_the_series_is_locked_and_leaves_no_gap(live: Live) -> None:
    signed()
    order = pending()
    engine = live.engine
    with engine.connect() as other, ThreadPoolExecutor(1) as pool:
        other.exec_driver_sql("SELECT * FROM number_series FOR UPDATE")
        waiting = pool.submit(at_once, taking("ministro", order, "firmar"))
        assert not waiting.done()
        other.rollback()
        assert waiting.result(60) == ["EMITIDA"]
    assert [row[0] for row in live.sql("SELECT sequence FROM document ORDER BY id")] == [1, 2]
    sound()


def test_acta_signed_twice_at_once_is_one_acta(live: Live) -> None:
    visit = signatures(filled(begun(), 1))
    one_of(at_once(*[taking("inspector1", visit, "finalizar")] * 2))
    assert live.sql("SELECT count(*) FROM document WHERE type_code = 'ACT-INS'") == [(1,)]
    assert live.sql("SELECT count(*), count(state) FROM finding") == [(1, 1)]
    sound()


def test_acta_annulled_while_its_report_is_written_leaves_one_story(live: Live) -> None:
    visit = done(fails=0)
    order = facts.order_of(visit)
    with acting("inspector1"):
        moves.move(order, "declarar_ejecutada")
        report = facts.report_of(order)
        assert report is not None
        reports.write(report, {"facts": "a", "analysis": "b", "proposal": "ARCHIVO"})
    results = at_once(
        taking("coordinador", visit, "reabrir", Details(reason="Un error.")),
        taking("inspector1", report, "enviar_a_coordinacion"),
    )
    assert results[0] == "EN_CURSO"
    assert live.sql("SELECT state FROM inspection_order") == [("EN_EJECUCION",)]
    sound()


def test_two_clerks_who_print_at_once_get_one_number(live: Live) -> None:
    order = pending()
    key = order.id

    def print_it() -> str:
        with acting("secretaria"):
            return papers.print_for_signature(Session.get(InspectionOrder, key), "OI")[0].number

    first, second = at_once(print_it, print_it)
    assert first == second
    sound()


def test_paper_of_a_signed_order_is_not_printed_again(db: OrmSession) -> None:
    order = signed()
    with acting("secretaria"), pytest.raises(RuleBroken, match="ya no espera"):
        papers.print_for_signature(order, "OI")


def test_presence_changed_before_the_signature_is_seen_by_it(live: Live) -> None:
    visit = filled(begun(), 0)
    absent = inspector("inspector2").id
    with acting("inspector1"):
        visits.sign_as_inspector(visit, inspector("inspector1").id, password=PASSWORD)
        visits.mark_presence(visit, absent, False, "Enfermo.")
        visits.sign_as_party(visit, {"party": "employer", "name": "Carlos"}, drawing())
    key = visit.id
    looked, changed = threading.Event(), threading.Event()

    def finish() -> Any:
        with acting("inspector1"):
            row = Session.get(Visit, key)
            moves.offers(row)
            looked.set()
            changed.wait(20)
            return moves.move(row, "finalizar", SIGN)

    def arrive() -> None:
        looked.wait(20)
        with acting("inspector1"):
            visits.mark_presence(Session.get(Visit, key), absent, True)
        changed.set()

    refused, _ = at_once(finish, arrive)
    assert isinstance(refused, RuleBroken) and "Falta la firma" in refused.message


def test_moves_across_a_file_in_every_order_do_not_end_in_an_error_of_the_database(live: Live) -> None:
    order = assigned()
    with acting("inspector1"):
        visit = visits.plan(order, {"kind": "INICIAL"})
    other = Session.scalars(select(Inspector.id).where(Inspector.code == "INSP-04")).one()
    team = [inspector("inspector1").id, other]
    visit_key, order_key = visit.id, order.id

    def start() -> str:
        with acting("inspector1"):
            return str(visits.start(Session.get(Visit, visit_key), Details()).state)

    def substitute() -> str:
        with acting("ministro"):
            told = Details(reason="Licencia.", password=PASSWORD)
            return str(orders.substitute(Session.get(InspectionOrder, order_key), team, told).state)

    results = at_once(start, substitute)
    assert all(isinstance(each, str | DomainError) for each in results), results
    sound()


# Faults


class Broken(Exception):
    """What the database or the disk says when it gives up."""


def pictured() -> tuple[Any, ...]:
    """The rows that a signature changes."""
    Session.rollback()
    Session.expire_all()
    return (
        Session.execute(
            select(InspectionOrder.state, InspectionOrder.held, InspectionOrder.document_id)
        ).all(),
        Session.execute(select(Document.number, Document.status)).all(),
        Session.execute(select(NumberSeries.type_code, NumberSeries.next_number)).all(),
        Session.execute(select(Term.type_code, Term.status)).all(),
        Session.execute(select(RecordMove.code)).all(),
        Session.scalar(select(func.count(StoredFile.id))),
    )


def test_signature_that_fails_at_any_statement_changes_nothing(live: Live, quick: None) -> None:
    order = pending()
    key, before = order.id, pictured()
    left = [0]

    def count(*call: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Broken

    event.listen(live.engine, "before_cursor_execute", count)
    try:
        with acting("ministro"):
            for statement in range(1, 400):
                row = Session.get(InspectionOrder, key, populate_existing=True)
                left[0] = statement
                try:
                    moves.move(row, "firmar", SIGN)
                except Broken:
                    left[0] = 0
                    assert pictured() == before, statement
                else:
                    break
    finally:
        event.remove(live.engine, "before_cursor_execute", count)
    assert 20 < statement < 400
    assert fresh(order).state == "EMITIDA"
    sound()


@pytest.mark.parametrize("fault", ["child", "disk"])
def test_pdf_that_dies_or_a_full_disk_leaves_the_order_unsigned(
    db: OrmSession, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    order = pending()
    before = pictured()

    def fail(*call: Any, **more: Any) -> Any:
        raise RenderFailed("died") if fault == "child" else files.StoreFull("No hay lugar.")

    if fault == "child":
        monkeypatch.setattr(papers, "render_letter", fail)
    else:
        monkeypatch.setattr(files, "_write", fail)
    with acting("ministro"), pytest.raises(DomainError):
        moves.move(order, "firmar", SIGN)
    assert pictured() == before
    monkeypatch.undo()
    with acting("ministro"):
        moves.move(fresh(order), "firmar", SIGN)
    assert fresh(order).number.endswith("000001")


# Forged forms


def step(client: FlaskClient, address: str, **sent: Any) -> Any:
    """Open the form of a step and send it."""
    page = client.get(address)
    if page.status_code != 200:
        return page
    text = page.get_data(as_text=True)
    seal = re.search(r'name="seal"[^>]*value="([0-9a-f]+)"', text)
    base = {"csrf_token": token_of(text), "happened_on": clock.today().isoformat()}
    base |= {"seal": seal[1]} if seal else {}
    return client.post(address, data={**base, **sent})


ELECTRONIC = {"signing_mode": "electronic", "password": PASSWORD}


def test_forged_signature_is_refused_in_words_and_signs_nothing(db: OrmSession, enter: Enter) -> None:
    order = pending()
    address = f"/pasos/order/{order.id}/firmar"
    other = signed()
    client = enter("ministro")
    secretary = str(principal("secretaria").account_id)

    def scanned(content: bytes) -> dict[str, Any]:
        return {"signing_mode": "handwritten", "scan": (io.BytesIO(content), "x.pdf")}

    forged: list[tuple[dict[str, Any], int]] = [
        ({**ELECTRONIC, "happened_on": "2099-01-01"}, 422),
        ({**ELECTRONIC, "happened_on": "1900-01-01"}, 422),
        ({**ELECTRONIC, "happened_on": "ayer"}, 422),
        ({**ELECTRONIC, "happened_on": "9999999-01-01"}, 422),
        ({**ELECTRONIC, "seal": "0" * 64}, 409),
        ({**ELECTRONIC, "password": "otra"}, 422),
        ({"signing_mode": "drawn"}, 422),
        ({"signing_mode": "x"}, 422),
        ({**scanned(photo())}, 422),
        ({**scanned(photo()), "signatory_account_id": secretary}, 422),
        ({**scanned(photo()), "signatory_account_id": "9" * 30}, 422),
        ({**scanned(b"MZ no es un PDF"), "signatory_account_id": secretary}, 422),
        ({**scanned(b"%PDF-1.7 roto"), "signatory_account_id": secretary}, 422),
    ]
    for sent, status in forged:
        answer = step(client, address, **sent)
        assert answer.status_code == status, (sent, answer.get_data(as_text=True)[-2000:])
    for wrong in (
        f"/pasos/visit/{order.id}/firmar",
        f"/pasos/order/{order.id}/cerrar",
        f"/pasos/order/{order.id}/asignar",
        "/pasos/order/999999999999/firmar",
        f"/pasos/nada/{order.id}/firmar",
        f"/pasos/order/{other.id}/firmar",
        f"/pasos/borrador/order/{order.id}/PRV-ARC",
        f"/pasos/borrador/order/{order.id}/OI-",
    ):
        assert client.get(wrong).status_code == 404, wrong
    token = token_of(client.get(address).get_data(as_text=True))
    for letter in ("PRV-ARC", "OI-SUS"):
        sent = {"csrf_token": token}
        assert client.post(f"/pasos/imprimir/order/{order.id}/firmar/{letter}", data=sent).status_code == 404
    assert fresh(order).state == "PENDIENTE_FIRMA"
    assert step(client, address, **ELECTRONIC).status_code == 302
    assert fresh(order).state == "EMITIDA"
    sound()


def test_form_sent_twice_is_one_step(db: OrmSession, enter: Enter) -> None:
    order = pending()
    address = f"/pasos/order/{order.id}/firmar"
    client = enter("ministro")
    token = token_of(client.get(address).get_data(as_text=True))
    sent = {"csrf_token": token, "happened_on": clock.today().isoformat(), **ELECTRONIC}
    assert [client.post(address, data=sent).status_code for _ in range(2)] == [302, 404]
    sound()


@pytest.mark.parametrize(
    "reason",
    [
        "{{7*7}} {% for x in y %}",
        "<script>alert(1)</script>&<!--",
        "\u202eoirartnoc\u202c \x07\x0b",
        "palabra " * 20_000,
    ],
    ids=["jinja", "html", "controls", "huge"],
)
def test_reason_of_any_text_is_printed_as_text(db: OrmSession, enter: Enter, reason: str) -> None:
    order = assigned()
    client = enter("ministro")
    answer = step(client, f"/pasos/order/{order.id}/prorrogar", reason=reason, **ELECTRONIC)
    assert answer.status_code == (422 if len(reason) > 4000 else 302), answer.get_data(as_text=True)[-3000:]
    page = client.get(f"/ordenes/{order.id}").get_data(as_text=True)
    assert "<script>alert(1)" not in page
    sound()


def test_substitution_without_a_team_is_no_document(db: OrmSession, enter: Enter) -> None:
    order = assigned()
    key = order.id
    with acting("ministro"), pytest.raises(RuleBroken, match="equipo"):
        moves.move(order, "sustituir", Details(reason="Nada.", password=PASSWORD))
    answer = enter("ministro").get(f"/pasos/order/{key}/sustituir")
    assert answer.status_code == 302 and answer.location.endswith(f"/ordenes/{key}/equipo")


def test_team_of_strangers_doubles_and_crowds(db: OrmSession) -> None:
    one = inspector("inspector1").id
    with acting("coordinador"):
        order = draft(team=[one, one])
        assert len(order.designated) == 1
        for team in (list(range(1, 501)), [0], [2**31 - 1]):
            with pytest.raises(RuleBroken, match="lista"):
                orders.change(order, {"team": team})
        other = db.scalars(select(Inspector).where(Inspector.code == "INSP-04")).one()
        for dates in (
            {"active_to": clock.today() - timedelta(days=1)},
            {"active_from": clock.today() + timedelta(days=9)},
        ):
            with act("test"), db.begin_nested():
                for name, value in dates.items():
                    setattr(other, name, value)
            with pytest.raises(RuleBroken, match="en funciones"):
                orders.change(order, {"team": [other.id]})
            with act("test"):
                other.active_from, other.active_to = date(2020, 1, 1), None


def test_substitution_dated_before_the_designation_is_refused_in_words(db: OrmSession) -> None:
    order = assigned()
    other = db.scalars(select(Inspector).where(Inspector.code == "INSP-04")).one()
    with acting("ministro"), pytest.raises(RuleBroken, match="designado desde"):
        orders.substitute(order, [inspector("inspector1").id, other.id], late(reason="Licencia."))


def test_visit_begun_by_its_button_has_its_day(db: OrmSession) -> None:
    order = assigned()
    with acting("inspector1"):
        visit = visits.plan(order, {"kind": "INICIAL"})
        moves.move(visit, "iniciar")
    assert visit.happened_on == clock.today()
    signatures(filled(visit, 0))
    with acting("inspector1"):
        moves.move(visit, "finalizar", SIGN)
    sound()


def test_draft_of_every_letter_of_every_record_is_a_pdf_or_words(
    db: OrmSession, enter: Enter, quick: None
) -> None:
    visit = done(fails=1)
    order = facts.order_of(visit)
    with acting("inspector1"):
        moves.move(order, "declarar_ejecutada")
    report = facts.report_of(order)
    assert report is not None
    client = enter("director")
    pairs = [
        ("order", order.id),
        ("visit", visit.id),
        ("finding", first_finding(visit).id),
        ("report", report.id),
    ]
    for process, key in pairs:
        for letter in sorted(papers.buildable()):
            answer = client.get(f"/pasos/borrador/{process}/{key}/{letter}")
            assert answer.status_code in (200, 404, 422), (process, letter, answer.status_code)


# Corrections (rule 6)


def test_correction_beyond_a_count_is_refused_and_the_same_one_is_made_once(db: OrmSession) -> None:
    visit = done(fails=1)
    finding = first_finding(visit)
    targets = [f"finding:{finding.id}:affected_workers", "headcount:TOTAL:men"]
    with acting("inspector1"):
        for target in targets:
            for number in ("9" * 11, "9" * 5000, "-1", "1e3"):
                with pytest.raises(RuleBroken, match="número entero"):
                    corrections.correct(
                        visit, [{"target": target, "should_say": number, "reason": "x"}], SIGN, RECEIPT
                    )
        text = {"part": "Domicilio", "says": "Calle 1", "should_say": "Calle 2", "reason": "Error."}
        corrections.correct(visit, [text], SIGN, RECEIPT)
        with pytest.raises(RuleBroken, match="ya está"):
            corrections.correct(visit, [text], SIGN, RECEIPT)
    sound()


def test_annulled_acta_takes_its_corrections_with_it_and_its_findings_are_confirmed_again(
    db: OrmSession,
) -> None:
    visit = done(fails=2)
    order = facts.order_of(visit)
    first, second = findings.of_visit(visit)
    with acting("inspector1"):
        findings.add_workers(first, [{"name": "Ana Duarte"}, {"name": "Luis Paz"}])
        corrections.correct(
            visit,
            [{"target": "headcount:TOTAL:men", "should_say": "13", "reason": "Mal contado."}],
            SIGN,
            RECEIPT,
        )
        moves.move(first, "enviar_a_sumario")
        assert first.state == "A_SUMARIO" and second.state == "CONSTATADO"
        moves.move(order, "declarar_ejecutada")
    with acting("coordinador"):
        moves.move(visit, "reabrir", Details(reason="Otro establecimiento."))
    assert order.state == "EN_EJECUCION"
    assert corrections.headcounts(visit)["TOTAL"]["men"] == 3
    found = findings.of_visit(visit)
    assert [each.state for each in found] == ["ANULADO", "ANULADO", None, None]
    assert [worker.name for worker in found[2].roster] == ["Ana Duarte", "Luis Paz"]
    assert not db.scalars(
        select(Document.id).where(Document.type_code == "ACT-COM", Document.status == "issued")
    ).all()
    with acting("inspector1"):
        with pytest.raises(RuleBroken, match="sin confirmar"):
            moves.move(visit, "finalizar", SIGN)
        for each in found[2:]:
            findings.confirm(each, {"facts": each.facts})
    signatures(visit)
    with acting("inspector1"):
        moves.move(visit, "finalizar", SIGN)
    assert [each.state for each in findings.of_visit(visit)][2:] == ["CONSTATADO", "CONSTATADO"]
    sound()


# Late acts, and who signed on the day


def test_order_signed_by_hand_yesterday_is_held_and_no_visit_begins_before_its_review(db: OrmSession) -> None:
    order = pending()
    with acting("secretaria"):
        moves.move(order, "firmar", by_hand(1))
    assert order.held and order.valid_from == clock.today() - timedelta(days=1)
    with acting("inspector1"), pytest.raises(RuleBroken, match="condiciones de ejecutarse"):
        visits.start(visits.plan(order, {"kind": "INICIAL"}), Details())
    sound()


def test_step_of_the_system_does_not_review_what_is_held(db: OrmSession) -> None:
    order = assigned()
    with acting("inspector1"):
        visit = visits.plan(order, {"kind": "INICIAL"})
        visits.start(visit, late(2))
    assert visit.held and order.held
    held = [one for one in moves.history([order]) if one.holds]
    with acting("coordinador"):
        moves.review(held[0], "Se vio el acta en papel.")
    assert not fresh(order).held and fresh(visit).held
    sound()


def test_visit_made_before_its_order_was_registered_meets_the_validity_for_good(
    db: OrmSession, later: Callable[[int], None]
) -> None:
    order = assigned()
    with acting("inspector1"):
        visit = visits.plan(order, {"kind": "INICIAL"})
        visits.start(visit, late(2))
    with acting("coordinador"):
        for held in moves.history([visit, order]):
            if held.holds:
                moves.review(held, "Conforme.")
    later(45)
    with acting("inspector1"):
        again = visits.plan(order, {"kind": "CONTINUACION"})
        visits.start(again, Details())
    assert again.state == "EN_CURSO"


def test_electronic_signature_is_not_dated_back(db: OrmSession) -> None:
    order = pending()
    with acting("ministro"), pytest.raises(RuleBroken, match="fecha de hoy"):
        moves.move(order, "firmar", late(1, password=PASSWORD))


def change_minister(on: date) -> PostHolder:
    """Who holds the post of minister from a day on is the secretary."""
    post = Session.scalars(select(Post).where(Post.code == "MINISTRO")).one()
    old = Session.scalars(select(PostHolder).where(PostHolder.post_id == post.id)).one()
    with act("test"):
        old.valid_to = on - timedelta(days=1)
        Session.flush()
        new = PostHolder(
            post_id=post.id,
            account_id=principal("secretaria").account_id,
            holding=old.holding,
            valid_from=on,
            legal_act="Decreto 1",
        )
        Session.add(new)
    return new


def test_former_holder_signs_by_hand_for_his_days_only(db: OrmSession, enter: Enter) -> None:
    order = pending()
    key = order.id
    change_minister(clock.today())
    with acting("ministro"), pytest.raises(RuleBroken, match="firmante habilitado"):
        moves.move(order, "firmar", SIGN)
    with acting("secretaria"):
        with pytest.raises(RuleBroken, match="quién firmó"):
            moves.move(order, "firmar", by_hand(0))
    page = enter("secretaria").get(f"/pasos/order/{key}/firmar").get_data(as_text=True)
    assert f'value="{principal("ministro").account_id}"' in page
    with acting("secretaria"):
        order = Session.get(InspectionOrder, key)
        assert order is not None
        moves.move(order, "firmar", by_hand(1))
    assert order.document is not None and order.document.happened_on == clock.today() - timedelta(days=1)


def test_delegation_that_ended_signs_no_more(db: OrmSession) -> None:
    order = pending()
    posts = {post.code: post.id for post in db.scalars(select(Post))}
    with act("test"):
        db.add(
            Delegation(
                from_post_id=posts["MINISTRO"],
                to_post_id=posts["DIR-DGIFT"],
                document_type_code="OI",
                valid_from=clock.today() - timedelta(days=9),
                valid_to=clock.today() - timedelta(days=1),
                legal_act="Resolución 1",
            )
        )
    with acting("ministro"):
        moves.move(order, "firmar", SIGN)
    other = pending()
    with acting("secretaria"):
        with pytest.raises(RuleBroken, match="quién firmó"):
            moves.move(other, "firmar", by_hand(1, "ministro"))
        moves.move(fresh(other), "firmar", by_hand(1, "director"))


def test_number_of_an_act_is_of_its_own_year(db: OrmSession) -> None:
    order = pending()
    days = (clock.today() - date(clock.today().year - 1, 12, 31)).days
    with acting("secretaria"):
        moves.move(order, "firmar", by_hand(days))
    assert order.number == f"OI-{clock.today().year - 1}-000001" and order.held
    sound()


def test_act_older_than_its_procedure_is_refused_in_words(db: OrmSession) -> None:
    order = pending()
    with acting("ministro"), pytest.raises(RuleBroken, match="rige desde") as refused:
        moves.move(order, "devolver", late(5000, reason="x"))
    assert refused.value.field == "happened_on"


def test_extension_dated_before_the_expiry_counts_though_entered_after_it(
    db: OrmSession, later: Callable[[int], None]
) -> None:
    order = assigned()
    until = order.valid_until
    assert until is not None
    later((until - clock.today()).days + 3)
    who = principal("ministro").account_id
    with acting("ministro"):
        with pytest.raises(RuleBroken, match="antes del vencimiento"):
            moves.move(order, "prorrogar", Details(reason="x", password=PASSWORD))
        told = late(4, reason="Zona inundada.", signing_mode="handwritten", signatory_account_id=who)
        moves.move(order, "prorrogar", told)
    assert order.state == "PRORROGADA" and order.valid_until is not None and order.valid_until > clock.today()
    sound()


# Rules 9, 10, 13


def test_annulled_order_is_annulled_in_the_book_and_for_who_reads_its_code(
    db: OrmSession, anonymous: FlaskClient
) -> None:
    order = assigned()
    document = order.document
    assert document is not None
    with acting("ministro"):
        moves.move(order, "anular", Details(reason="Se duplicó."))
    assert document.status == "annulled" and document.annulled_reason == "Se duplicó."
    page = anonymous.get(f"/v/{document.verification_code}").get_data(as_text=True)
    assert "Documento anulado" in page
    sound()


def test_number_printed_for_an_order_that_is_annulled_is_void(db: OrmSession) -> None:
    order = pending()
    with acting("secretaria"):
        document, _ = papers.print_for_signature(order, "OI")
    with acting("coordinador"):
        moves.move(order, "anular", Details(reason="Ya no."))
    assert document.status == "annulled"
    sound()


def returned(visit: Visit, route: str, later: Callable[[int], None]) -> FinalReport:
    """A signed report that comes back to its inspector."""
    order = facts.order_of(visit)
    with acting("inspector1"):
        moves.move(order, "declarar_ejecutada")
        report = facts.report_of(order)
        assert report is not None
        proposal = "NUEVAS_DILIGENCIAS" if route == "ordenar_diligencias" else "ARCHIVO"
        reports.write(report, {"facts": "Primero.", "analysis": "b", "proposal": proposal})
        moves.move(report, "enviar_a_coordinacion")
    with acting("coordinador"):
        moves.move(report, "dar_visto_bueno")
    with acting("inspector1"):
        moves.move(report, "firmar", SIGN)
        with pytest.raises(NotAllowed):
            reports.write(report, {"facts": "Otra cosa."})
    with acting("director"):
        moves.move(report, route, Details(reason="Falta el depósito."))
    return report


@pytest.mark.parametrize("version", ["2024-346", "2025-398"])
@pytest.mark.parametrize("route", ["devolver", "ordenar_diligencias"])
def test_report_that_comes_back_is_rewritten_and_its_new_paper_replaces_the_first(
    db: OrmSession,
    quick: None,
    later: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    route: str,
) -> None:
    monkeypatch.setattr(procedures, "version_in_force", lambda on=None: procedures.version(version))
    visit = done(fails=0)
    order = facts.order_of(visit)
    report = returned(visit, route, later)
    first = report.document
    if route == "ordenar_diligencias":
        assert order.state == "EN_EJECUCION"
        later(3)
        done(fails=0, order=order)
        assert not db.scalars(select(Term).where(Term.order_id == order.id, Term.status == "open")).all()
        with acting("inspector1"):
            moves.move(order, "declarar_ejecutada")
            moves.move(report, "retomar")
    with acting("inspector1"):
        reports.write(report, {"facts": "Después.", "proposal": "ARCHIVO"})
        moves.move(report, "enviar_a_coordinacion")
    with acting("coordinador"):
        moves.move(report, "devolver", Details(reason="Otra vez."))
    with acting("inspector1"):
        reports.write(report, {"facts": "Al fin."})
        moves.move(report, "enviar_a_coordinacion")
    with acting("coordinador"):
        moves.move(report, "dar_visto_bueno")
    with acting("inspector1"):
        moves.move(report, "firmar", SIGN)
    assert first is not None and first.replaced_by_id == report.document_id != first.id
    assert order.version_code == report.version_code == version
    sound()


def test_second_term_of_a_remedy_is_not_answered_by_the_papers_of_the_first(
    db: OrmSession, quick: None, later: Callable[[int], None]
) -> None:
    order = assigned(checklists=[checklist("CL-GEN").id])
    finding = first_finding(done(fails=1, order=order))
    with acting("inspector1"):
        moves.move(finding, "requerir", SIGN)
        findings.deliver(finding, "signed", Details())
        findings.file(finding, "Planillas", None, Details())
        findings.verify(finding, "partly", "Falta una.")
        moves.move(finding, "dar_por_parcial")
    later(2)
    with acting("director"):
        moves.move(finding, "nuevo_plazo", Details(reason="Por lo que falta.", password=PASSWORD))
    with acting("inspector1"), pytest.raises(RuleBroken, match="ninguna presentación"):
        moves.move(finding, "presentar")
    later(90)
    moves.move(finding, "vencer", as_system=True)
    assert finding.state == "VENCIDO"
    with acting("inspector1"):
        with pytest.raises(RuleBroken, match="Falta la verificación"):
            moves.move(finding, "dar_por_subsanado")
        moves.move(finding, "cerrar_sin_respuesta")
    sound()


def test_annex_that_nobody_ratified_in_time_stays_pending_and_never_goes_to_sumario(
    db: OrmSession, quick: None, later: Callable[[int], None]
) -> None:
    order = assigned(kind="TURNO", places=[], zone="Mercado 4")
    with acting("inspector1"):
        visit = visits.plan(order, {"kind": "INICIAL"})
        visits.start(visit, Details(), {"establishment_id": establishment().id})
    signatures(filled(visit, 1))
    with acting("inspector1"):
        moves.move(visit, "finalizar", SIGN)
    later(30)
    with acting("director"):
        with pytest.raises(RuleBroken, match="venció"):
            moves.move(visit, "ratificar_anexo")
        moves.move(visit, "ratificar_anexo", late(29))
    assert visit.annex == "ratified"
    sound()


def test_open_order_is_not_carried_out_at_a_relative_nor_at_a_place_that_was_joined(db: OrmSession) -> None:
    order = assigned(kind="TURNO", places=[], zone="Mercado 4")
    theirs, joined = db.scalars(select(Establishment).order_by(Establishment.id).limit(2)).all()
    with act("test"):
        db.add(
            ConflictOfInterest(
                inspector_id=inspector("inspector2").id,
                employer_id=theirs.employer_id,
                relation="Parentesco",
                valid_from=clock.today(),
            )
        )
        joined.merged_into_id = theirs.id
    with acting("inspector1"):
        visit = visits.plan(order, {"kind": "INICIAL"})
        with pytest.raises(RuleBroken, match="Nelson Ojeda"):
            visits.start(visit, Details(), {"establishment_id": theirs.id})
        with pytest.raises(RuleBroken, match="se unió a otro"):
            visits.start(fresh(visit), Details(), {"establishment_id": joined.id})
    assert fresh(visit).state == "PROGRAMADA"
    sound()


def test_acta_of_a_closed_order_is_not_annulled(db: OrmSession, quick: None) -> None:
    visit = done(fails=1)
    with acting("inspector1"):
        moves.move(first_finding(visit), "enviar_a_sumario")
        order = facts.order_of(visit)
    report = reported(order, "SUMARIO")
    with acting("inspector1"):
        moves.move(report, "firmar_con_infraccion", SIGN)
    with acting("director"):
        moves.move(report, "enviar_a_sumario")
    assert order.state == "CERRADA"
    with acting("coordinador"), pytest.raises(RuleBroken, match="ya tiene su decisión") as refused:
        moves.move(visit, "reabrir", Details(reason="Tarde."))
    assert "El informe final está en «A sumario»" in refused.value.message
    assert fresh(visit).state == "REALIZADA"
    sound()


def test_authorisation_is_not_changed_once_the_order_was_carried_out(db: OrmSession) -> None:
    visit = done(fails=0)
    order = facts.order_of(visit)
    with acting("inspector1"):
        moves.move(order, "declarar_ejecutada")
    with acting("coordinador"), pytest.raises(RuleBroken, match="autorización queda"):
        orders.authorise_entry(order, "Otra", photo())


# A random life: every button that is offered works, everything else is refused in words

PEOPLE = (
    "coordinador",
    "director",
    "ministro",
    "secretaria",
    "inspector1",
    "inspector2",
    "juridico",
    "mesa",
)


class Life(RuleBasedStateMachine):
    """One file, moved at random by its people."""

    engine: Engine
    reached: set[tuple[str, str]] = set()

    def __init__(self) -> None:
        super().__init__()
        self.connection = self.engine.connect()
        self.whole = self.connection.begin()
        self.days = 0
        Session.remove()
        Session.configure(bind=self.connection, join_transaction_mode="create_savepoint")
        self.order = draft()

    @initialize(stage=st.sampled_from(["draft", "assigned", "visited", "remedy", "report", "signed report"]))
    def begin(self, stage: str) -> None:
        """How far the file has come when chance takes over."""
        if stage == "draft":
            return
        order = self.order = assigned(checklists=[checklist("CL-GEN" if stage == "remedy" else "CL-INF").id])
        if stage == "assigned":
            return
        visit = done(fails=1, order=order)
        with acting("inspector1"):
            if stage == "remedy":
                moves.move(first_finding(visit), "requerir", SIGN)
                findings.deliver(first_finding(visit), "signed", Details())
            elif stage != "visited":
                moves.move(first_finding(visit), "enviar_a_sumario")
                moves.move(order, "declarar_ejecutada")
        if stage == "signed report":
            report = facts.report_of(order)
            with acting("inspector1"):
                reports.write(report, {"facts": "a", "analysis": "b", "proposal": "ARCHIVO"})
                moves.move(report, "enviar_a_coordinacion")
            with acting("coordinador"):
                moves.move(report, "dar_visto_bueno")
            with acting("inspector1"):
                moves.move(report, "firmar", SIGN)
        self.after()

    def teardown(self) -> None:
        Session.remove()
        self.whole.rollback()
        self.connection.close()
        clock.use_offset(None)

    def records(self) -> list[Any]:
        order = Session.get(InspectionOrder, self.order.id)
        assert order is not None
        report = facts.report_of(order)
        found = [f for f in facts.findings_of(order) if f.state is not None]
        return [order, *facts.visits_of(order), *found, *([report] if report else [])]

    def judged(self, who: str, record: Any) -> list[Any]:
        """What somebody is offered on a record that he sees."""
        with acting(who):
            seen = Session.scalar(select(type(record).id).where(type(record).id == record.id))
            return moves.offers(record) if seen else []

    def details(self, record: Any, letters_: tuple[str, ...], reason: str = "Porque sí.") -> Details:
        """How the present person signs these letters."""
        today = clock.today()
        own = [code for code in letters_ if code not in papers.SIGNED_ON_RECORD]
        by_inspector = all("inspector" in papers.kind_of(code).signer_roles for code in own)
        if by_inspector or all(papers.signs(record, code, today) for code in own):
            return Details(reason=reason, password=PASSWORD)
        signers = papers.signatories(record, own[0], today)
        return Details(
            reason=reason,
            signing_mode="handwritten",
            scan_id=scan(),
            signatory_account_id=signers[0].account_id if signers else None,
        )

    @rule(who=st.sampled_from(PEOPLE), pick=st.integers(0, 30))
    def press_a_button(self, who: str, pick: int) -> None:
        offered = [(r, o) for r in self.records() for o in self.judged(who, r) if o.allowed]
        if not offered:
            return
        record, offer = offered[pick % len(offered)]
        if offer.move.code in ("anular", "sustituir") and pick % 5:
            return  # too soon an end, and a step with a form of its own
        with acting(who):
            try:
                moves.move(record, offer.move.code, self.details(record, offer.move.letters))
            except RuleBroken as error:  # whatever a step refuses, its button had to say
                known = "OI-SUS" in offer.move.letters and "Elija el equipo" in error.message
                assert known, (record.process, record.state, offer.move.code, error.message)
        self.after()

    @rule(who=st.sampled_from(PEOPLE), pick=st.integers(0, 200))
    def force_a_step(self, who: str, pick: int) -> None:
        records = self.records()
        record = records[pick % len(records)]
        steps = moves.process_of(record).moves
        code = steps[(pick // len(records)) % len(steps)].code
        if any(o.allowed and o.move.code == code for o in self.judged(who, record)):
            return
        before = (record.state, len(moves.history([record])))
        with acting(who):
            try:
                moves.move(record, code, Details(reason="x", password=PASSWORD))
            except DomainError:
                pass
            else:
                raise AssertionError((who, record.process, before, code))
        record = Session.get(type(record), record.id, populate_existing=True)
        assert record is not None and before == (record.state, len(moves.history([record])))

    @rule(days=st.integers(1, 12))
    def let_days_pass(self, days: int) -> None:
        self.days += days
        passed = timedelta(days=self.days)
        clock.use_offset(lambda: passed)
        for record in self.records():
            for phase in (definition.Phase.ISSUED, definition.Phase.IN_DECISION):
                wanted = moves.system_move(record, phase)
                if wanted is not None and wanted.code == "vencer" and not record.held:
                    moves.move(record, "vencer", Details(reason="Venció.", captured=True), as_system=True)
        self.after()

    @rule(kind=st.sampled_from(["INICIAL", "CONTINUACION", "VERIFICACION"]), fails=st.integers(0, 2))
    def visit(self, kind: str, fails: int) -> None:
        """Plan a visit, or write and sign the one that is under way."""
        order = self.records()[0]
        under_way = [v for v in facts.visits_of(order) if v.state == "EN_CURSO" and not v.held]
        try:
            if under_way:
                filled(under_way[0], fails)
                signatures(under_way[0])
            else:
                with acting("inspector1"):
                    visits.plan(order, {"kind": kind})
        except DomainError:
            pass
        self.after()

    @rule(what=st.sampled_from(["signed", "file", "remedied", "partly", "not_remedied"]))
    def answer_the_findings(self, what: str) -> None:
        for record in self.records():
            if isinstance(record, Finding):
                with acting("inspector1"):
                    try:
                        if what == "signed":
                            findings.deliver(record, what, Details())
                        elif what == "file":
                            findings.file(record, "Papeles", None, Details())
                        else:
                            findings.verify(record, what, "Se vio.")
                    except DomainError:
                        pass
        self.after()

    @rule(proposal=st.sampled_from(["ARCHIVO", "SUMARIO", "NUEVAS_DILIGENCIAS"]))
    def write_the_report(self, proposal: str) -> None:
        texts = {"facts": "a", "analysis": "b", "proposal": proposal, "observation": "c", "opinion": "d"}
        report = self.records()[-1]
        if isinstance(report, FinalReport):
            for who in ("inspector1", "director", "juridico"):
                with acting(who):
                    if Session.scalar(select(FinalReport.id)) is not None:
                        reports.write(
                            report, {k: v for k, v in texts.items() if k in reports.may_write(report)}
                        )
        self.after()

    @rule()
    def review(self) -> None:
        for one in moves.history(self.records()):
            if one.holds and one.reviewed_at is None:
                with acting("coordinador"):
                    moves.review(one, "Conforme.")
        self.after()

    def after(self) -> None:
        sound()
        self.reached.update((record.process, record.state) for record in self.records())


@pytest.mark.parametrize("version", ["2024-346", "2025-398"])
def test_random_lives_are_sound_and_buttons_keep_their_word(
    app: Any, db: OrmSession, quick: None, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setattr(procedures, "version_in_force", lambda on=None: procedures.version(version))
    bound = Session.get_bind()
    Life.engine, Life.reached = app.extensions["sis_engine"], set()
    try:
        run_state_machine_as_test(
            Life,
            settings=settings(
                max_examples=int(os.environ.get("LIVES", "4")),
                stateful_step_count=int(os.environ.get("STEPS", "45")),
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        Session.remove()
        Session.configure(bind=bound)
    print(sorted(Life.reached))


# What others see, and what a page costs


def test_other_offices_and_roles_learn_nothing_of_a_file(db: OrmSession, enter: Enter) -> None:
    visit = done(fails=1)
    order = facts.order_of(visit)
    document, key = visit.document, order.id
    assert document is not None
    file = db.scalars(select(StoredFile.id).order_by(StoredFile.id)).first()
    secret = order.places[0].establishment.employer.legal_name
    addresses = [
        f"/ordenes/{key}",
        f"/pasos/order/{key}/declarar_ejecutada",
        f"/pasos/visit/{visit.id}/reabrir",
        f"/pasos/borrador/order/{key}/OI",
        f"/documentos/{document.id}",
        f"/documentos/archivo/{file}",
        f"/documentos/nomina/{first_finding(visit).id}?nombres=1",
        f"/complementarias/{visit.id}",
        f"/complementarias/{visit.id}/juntas",
        f"/requerimientos/{visit.id}",
        f"/ordenes/{key}/carpeta",
    ]
    for who in ("inspector3", "regional", "juridico", "juez", "sst", "admin", "licencias"):
        client = enter(who)
        for address in addresses:
            answer = client.get(address)
            assert answer.status_code in (302, 403, 404), (who, address, answer.status_code)
            assert secret not in answer.get_data(as_text=True)


def test_public_page_of_a_document_names_nobody(db: OrmSession, anonymous: FlaskClient) -> None:
    visit = done(fails=1)
    order = facts.order_of(visit)
    owner = order.places[0].establishment.employer
    with acting("inspector1"):
        corrections.correct(
            visit, [{"target": "headcount:TOTAL:men", "should_say": "13", "reason": "Mal."}], SIGN, RECEIPT
        )
    for document in (order.document, visit.document, papers.documents_of(visit)[0]):
        assert document is not None
        page = anonymous.get(f"/v/{document.verification_code}").get_data(as_text=True)
        assert document.number in page
        said = (
            owner.legal_name,
            owner.ruc or "—",
            "Carlos Benítez",
            "Lourdes",
            "Bernardo",
            document.signatory or "—",
        )
        assert not [word for word in said if word in page]
