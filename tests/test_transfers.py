"""A file passes to another office: asked for, answered, decided; what moves, what stays, who still reads."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from inspection_samples import acting, assigned, begun, done, draft, first_finding, office_of, principal
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session as OrmSession
from support import token_of

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing, NotAllowed, RuleBroken
from app.models.catalogs import Office
from app.models.followup import Notice, RecordDocument, RecordMove, Term
from app.models.inspections import Finding, InspectionOrder, Visit
from app.models.norms import Holiday
from app.models.transfers import FileTransfer
from app.operations import moves, terms, transfers
from app.operations.inspections import facts, orders, visits
from app.operations.moves import Details
from app.operations.unit import act

Enter = Callable[[str], FlaskClient]
OTHER = "regional"
"""Who leads the other office, REG-11."""


def offered(order: InspectionOrder) -> FileTransfer:
    with acting("coordinador"):
        return transfers.request(order, office_of(OTHER), "El empleador se mudó a Ciudad del Este.")


def passed(order: InspectionOrder) -> FileTransfer:
    transfer = offered(order)
    with acting(OTHER):
        return transfers.accept(transfer)


def post(client: FlaskClient, path: str, **form: Any) -> Any:
    token = token_of(client.get("/pases/").get_data(as_text=True))
    return client.post(path, data={**form, "csrf_token": token})


def told(username: str) -> list[str]:
    here = principal(username).account_id
    return list(Session.scalars(select(Notice.text).where(Notice.account_id == here)))


# -- what moves, what stays ---------------------------------------------------------------------------------


def test_accepted_file_changes_office_whole_and_keeps_what_was_issued(db: OrmSession) -> None:
    visit = done(fails=1)
    order = facts.order_of(visit)
    papers = db.execute(
        select(RecordDocument.document_id).join(RecordDocument.document).order_by(RecordDocument.document_id)
    ).all()
    number, acta, issuer = order.number, visit.document, order.document.office_id  # type: ignore[union-attr]
    passed(order)
    db.expire_all()
    there = office_of(OTHER)
    assert (order.office_id, visit.office_id, first_finding(visit).office_id) == (there, there, there)
    running = db.scalars(select(Term).where(Term.status.in_(terms.RUNNING))).all()
    assert all(term.office_id == there for term in running)
    assert order.number == number and visit.document is acta
    assert order.document is not None and order.document.office_id == issuer
    assert (
        papers
        == db.execute(
            select(RecordDocument.document_id)
            .join(RecordDocument.document)
            .order_by(RecordDocument.document_id)
        ).all()
    )


def test_signed_acta_is_still_kept_from_change(db: OrmSession) -> None:
    visit = done(fails=0)
    passed(facts.order_of(visit))
    with pytest.raises(Exception, match="is signed"), act("test") as unit:
        visit.narrative = "Otra cosa"
        unit.session.flush()


def test_closed_terms_stay_with_the_office_in_which_they_ran(db: OrmSession) -> None:
    order = assigned()
    with act("test"):
        row = terms.running(order)
        assert row is not None
        row.status, row.closed_on = "met", clock.today()
    passed(order)
    assert db.scalars(select(Term.office_id).where(Term.order_id == order.id)).all() == [
        office_of("coordinador")
    ]


def holiday_there() -> None:
    """A local holiday of the other office on each of the next days but the first three."""
    place = Session.get_one(Office, office_of(OTHER))
    with act("test") as unit:
        for days in range(3, 20):
            day = clock.today() + timedelta(days=days)
            row = Holiday(name=f"Local {days}", kind="LOCAL", original_date=day, effective_date=day)
            row.verification = "diseno"
            row.offices = [place]
            unit.session.add(row)


def test_terms_are_counted_by_the_calendar_of_the_new_office(db: OrmSession) -> None:
    order = facts.order_of(done(fails=0))
    with acting("inspector1"):
        moves.move(order, "declarar_ejecutada")
    report = facts.report_of(order)
    assert report is not None
    term = terms.running(report)
    assert term is not None and term.due_on is not None and term.printed_due_on is None
    before = term.due_on
    holiday_there()
    passed(order)
    assert term.due_on > before and term.office_id == office_of(OTHER)


def test_printed_day_never_becomes_earlier(db: OrmSession) -> None:
    order = assigned()
    term = terms.running(order)
    assert term is not None and term.printed_due_on == term.due_on
    with act("test"):
        term.days -= 10  # as if the new calendar gave fewer days
    printed = term.printed_due_on
    passed(order)
    assert term.due_on == printed == order.valid_until


# -- who asks, who answers ----------------------------------------------------------------------------------


def test_request_waits_and_moves_nothing(db: OrmSession) -> None:
    order = assigned()
    transfer = offered(order)
    assert transfer.status == "requested" and transfer.moved_at is None
    assert order.office_id == office_of("coordinador")
    assert any("le ofrece" in words and order.number in words for words in told(OTHER))
    with acting("coordinador"), pytest.raises(RuleBroken, match="espera respuesta"):
        transfers.request(order, office_of(OTHER), "Otra vez")


def test_nobody_answers_his_own_request_nor_that_of_strangers(db: OrmSession) -> None:
    transfer = offered(assigned())
    for name in ("coordinador", "inspector1", "mesa", "sst", "director"):
        with acting(name), pytest.raises(NotAllowed):
            transfers.accept(transfer)
        with acting(name), pytest.raises(NotAllowed):
            transfers.refuse(transfer, "No")
    assert transfer.status == "requested"


@pytest.mark.parametrize("name", ["inspector1", "mesa", "auditor", OTHER])
def test_who_does_not_lead_the_office_offers_nothing(db: OrmSession, name: str) -> None:
    order = assigned()
    with acting(name), pytest.raises(NotAllowed):
        transfers.request(order, office_of(OTHER), "Motivo")


def test_office_that_wants_a_file_asks_by_number_and_the_holder_accepts(db: OrmSession) -> None:
    order = assigned()
    with acting(OTHER):
        transfer = transfers.request_by_number(order.number.lower(), office_of(OTHER), "Trabajo conexo")
        assert Session.scalars(select(InspectionOrder.id)).all() == []
        row = transfers.line(transfer)
        assert (row.number, row.places, row.readable, row.may_answer) == (order.number, (), False, False)
        with pytest.raises(NotAllowed):
            transfers.accept(transfer)
    with acting("coordinador"):
        assert transfers.line(transfer).may_answer
        transfers.accept(transfer)
    assert order.office_id == office_of(OTHER)


def test_unknown_number_own_file_and_missing_reason_are_refused_at_their_field(db: OrmSession) -> None:
    order = assigned()
    with acting(OTHER), pytest.raises(RuleBroken) as refused:
        transfers.request_by_number("OI-2026-999999", office_of(OTHER), "Motivo")
    assert refused.value.field == "number"
    with acting("coordinador"):
        for office, reason, field in (
            (office_of("coordinador"), "Motivo", "to_office_id"),
            (None, "Motivo", "to_office_id"),
            (office_of(OTHER), "  ", "reason"),
        ):
            with pytest.raises(RuleBroken) as refused:
                transfers.request(order, office, reason)
            assert refused.value.field == field


def test_closed_file_stays_where_it_is(db: OrmSession) -> None:
    order = draft()
    with acting("coordinador"):
        code = next(o.move.code for o in moves.offers(order) if "anul" in o.move.code)
        moves.move(order, code, Details(reason="Se cargó dos veces."))
        with pytest.raises(RuleBroken, match="cerrado"):
            transfers.request(order, office_of(OTHER), "Motivo")


def test_withdrawn_request_can_no_longer_be_answered(db: OrmSession) -> None:
    order = assigned()
    transfer = offered(order)
    with acting("coordinador"):
        transfers.withdraw(transfer)
    with acting(OTHER), pytest.raises(RuleBroken, match="ya fue respondido"):
        transfers.accept(transfer)
    assert offered(order).status == "requested"  # and may be asked again


# -- disputes -----------------------------------------------------------------------------------------------


def refused() -> FileTransfer:
    transfer = offered(assigned())
    with acting(OTHER):
        return transfers.refuse(transfer, "No tenemos inspectores.")


def test_refusal_needs_a_reason_and_goes_to_dgift(db: OrmSession) -> None:
    transfer = offered(assigned())
    with acting(OTHER), pytest.raises(RuleBroken) as wrong:
        transfers.refuse(transfer, " ")
    assert wrong.value.field == "reason"
    with acting(OTHER):
        transfers.refuse(transfer, "No tenemos inspectores.")
    assert any("No tenemos inspectores" in words for words in told("coordinador"))
    assert any("DGIFT puede resolver" in words for words in told("director"))


@pytest.mark.parametrize("passes", [True, False])
def test_director_decides_a_dispute(db: OrmSession, passes: bool) -> None:
    transfer = refused()
    with acting("coordinador"), pytest.raises(NotAllowed):
        transfers.decide(transfer, True, "Motivo")
    with acting("director"):
        transfers.decide(transfer, passes, "Por jurisdicción.")
    order = transfer.order
    assert (order.office_id == office_of(OTHER)) is passes
    assert transfer.status == "decided" and (transfer.moved_at is not None) is passes
    assert transfer.answer == "No tenemos inspectores." and transfer.decision == "Por jurisdicción."
    with acting("director"), pytest.raises(RuleBroken):
        transfers.decide(transfer, True, "Otra vez")


def test_director_passes_a_file_at_once(db: OrmSession) -> None:
    order = assigned()
    with acting("director"):
        transfer = transfers.request(order, office_of(OTHER), "Avocación.")
    assert transfer.status == "decided" and order.office_id == office_of(OTHER)


def test_older_dispute_of_a_file_that_was_asked_again_is_not_decided(db: OrmSession) -> None:
    transfer = refused()
    offered(transfer.order)
    with acting("director"), pytest.raises(RuleBroken, match="posterior"):
        transfers.decide(transfer, True, "Motivo")


# -- who reads, who writes ----------------------------------------------------------------------------------


def test_former_office_reads_the_whole_file_and_writes_none_of_it(db: OrmSession) -> None:
    visit = done(fails=1)
    order = facts.order_of(visit)
    finding = first_finding(visit)
    passed(order)
    Session.expunge_all()
    with acting("coordinador"):
        for kind, key in ((InspectionOrder, order.id), (Visit, visit.id), (Finding, finding.id)):
            assert Session.get(kind, key) is not None, kind
        for kind in (RecordMove, Term, RecordDocument):
            assert Session.scalar(select(func.count()).select_from(kind)), kind
        here = Session.get_one(InspectionOrder, order.id)
        with pytest.raises(NotAllowed), act("test"):
            here.instructions = "Otra"
        with pytest.raises(NotAllowed):
            visits.plan(Session.get_one(InspectionOrder, order.id), {"kind": "VERIFICACION"})
    Session.expunge_all()
    with acting(OTHER):
        assert Session.get(InspectionOrder, order.id) is not None


def test_a_request_alone_opens_nothing(db: OrmSession) -> None:
    order = assigned()
    offered(order)
    Session.expunge_all()
    with acting(OTHER):
        assert Session.get(InspectionOrder, order.id) is None
    with acting("inspector3"):
        assert Session.scalars(select(FileTransfer)).all() == []


def test_refused_request_of_another_office_leaves_it_nothing_to_read(db: OrmSession) -> None:
    order = assigned()
    with acting(OTHER):
        transfer = transfers.request_by_number(order.number, office_of(OTHER), "Motivo")
    with acting("coordinador"):
        transfers.refuse(transfer, "Está por terminar.")
    Session.expunge_all()
    with acting(OTHER):
        assert Session.get(InspectionOrder, order.id) is None


def test_the_team_keeps_working_until_it_is_substituted(db: OrmSession) -> None:
    visit = begun()
    passed(facts.order_of(visit))
    with acting("inspector1"):
        visits.write(visit, {"narrative": "Sigue la visita."})
    assert visit.narrative == "Sigue la visita."


# -- screens ------------------------------------------------------------------------------------------------


def test_pass_is_asked_from_the_page_and_accepted_in_the_inbox(enter: Enter, db: OrmSession) -> None:
    order = assigned()
    key = order.id
    coordinator, regional = enter("coordinador"), enter(OTHER)
    assert "Pedir el pase a otra oficina" in coordinator.get(f"/ordenes/{key}").get_data(as_text=True)
    empty = post(coordinator, f"/pases/orden/{key}", to_office_id=office_of(OTHER), reason="")
    assert empty.status_code == 422 and "obligatorio" in empty.get_data(as_text=True)
    sent = post(coordinator, f"/pases/orden/{key}", to_office_id=office_of(OTHER), reason="Mudanza")
    assert sent.status_code == 302
    inbox = regional.get("/pases/").get_data(as_text=True)
    assert order.number in inbox and "Mudanza" in inbox and "Esperan su respuesta" in inbox
    transfer = Session.scalars(select(FileTransfer.id)).one()
    assert post(coordinator, f"/pases/{transfer}/aceptar").status_code == 404
    assert post(regional, f"/pases/{transfer}/aceptar").status_code == 302
    assert regional.get(f"/ordenes/{key}").status_code == 200
    page = coordinator.get(f"/ordenes/{key}").get_data(as_text=True)
    assert "ya no escribe en él" in page and "Preparar una visita" not in page and "/pasos/" not in page


def test_file_of_another_office_is_asked_for_by_number(enter: Enter, db: OrmSession) -> None:
    order = assigned()
    employer = order.places[0].establishment.employer.legal_name
    regional = enter(OTHER)
    sent = post(
        regional, "/pases/pedir", number=order.number, to_office_id=office_of(OTHER), reason="Trabajo conexo"
    )
    assert sent.status_code == 302
    inbox = regional.get("/pases/").get_data(as_text=True)
    assert order.number in inbox and employer not in inbox
    refusal = enter("coordinador")
    transfer = Session.scalars(select(FileTransfer.id)).one()
    assert post(refusal, f"/pases/{transfer}/rechazar", reason="Termina ya").status_code == 302
    director = enter("director")
    assert "Rechazados, para resolver" in director.get("/pases/").get_data(as_text=True)
    assert post(director, f"/pases/{transfer}/resolver", reason="x").status_code == 422
    assert post(director, f"/pases/{transfer}/resolver", outcome="passes", reason="Sí").status_code == 302
    assert Session.scalars(select(FileTransfer.status)).one() == "decided"


@pytest.mark.parametrize("name", ["inspector1", "mesa", "juridico", "admin"])
def test_inbox_is_of_those_who_lead(enter: Enter, name: str) -> None:
    assert enter(name).get("/pases/").status_code == 403


def test_stranger_finds_neither_the_pass_nor_the_page_to_ask_for_it(enter: Enter, db: OrmSession) -> None:
    order = assigned()
    with acting("director"):
        central = Session.scalars(select(Office.id).where(Office.code == "REG-08")).one()
        transfers.request(order, central, "Prueba")
    transfer = Session.scalars(select(FileTransfer.id)).one()
    regional = enter(OTHER)
    assert regional.get(f"/pases/orden/{order.id}").status_code == 404
    assert post(regional, f"/pases/{transfer}/aceptar").status_code == 404
    assert order.number not in regional.get("/pases/").get_data(as_text=True)


# -- open work elsewhere ------------------------------------------------------------------------------------


def test_draft_tells_number_and_office_of_open_work_elsewhere_and_nothing_else(
    enter: Enter, db: OrmSession
) -> None:
    order = assigned(instructions="SECRETO DE LA ORDEN")
    place, held_by, number = order.places[0].establishment_id, str(order.office), order.number
    key, regional = order.id, enter(OTHER)
    page = regional.get(f"/ordenes/nueva?establecimiento={place}").get_data(as_text=True)
    assert "Ya hay trabajo abierto" in page and number in page and held_by in page
    assert "SECRETO" not in page
    with acting(OTHER):
        found = orders.open_elsewhere([place])
    assert [(row.number, row.office) for row in found] == [(number, held_by)]
    assert orders.open_elsewhere([place], key) == [] == orders.open_elsewhere([])


def test_closed_work_is_not_told(db: OrmSession) -> None:
    order = draft()
    place = order.places[0].establishment_id
    with acting("coordinador"):
        code = next(o.move.code for o in moves.offers(order) if "anul" in o.move.code)
        moves.move(order, code, Details(reason="Se cargó dos veces."))
    assert orders.open_elsewhere([place]) == []


def test_inbox_costs_the_same_for_one_and_for_several(enter: Enter, db: OrmSession) -> None:
    director = enter("director")
    asked: list[str] = []
    counts = []
    event.listen(db.get_bind(), "before_cursor_execute", lambda *each: asked.append(each[2]))
    for _ in range(2):
        for _ in range(2):
            offered(assigned())
        asked.clear()
        assert director.get("/pases/").status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_missing_transfer_is_missing(db: OrmSession) -> None:
    order = assigned()
    ghost = FileTransfer(id=999_999, order_id=order.id)
    with acting(OTHER), pytest.raises(Missing):
        transfers.accept(ghost)
