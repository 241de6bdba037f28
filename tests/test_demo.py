"""Demonstration and synthetic inspections: as if the procedure had been followed; the way around the trail."""

import io
from collections import defaultdict
from typing import Any

import psycopg2
import pypdf
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session as OrmSession
from support import PASSWORD, Live

from app.core import clock
from app.core.base import Session
from app.core.errors import RuleBroken
from app.models.documents import Document, NumberSeries
from app.models.followup import ARC, RecordMove, Term, TermStatus
from app.models.inspections import FinalReport, Finding, InspectionOrder, Visit
from app.operations import audit, demo_inspections, demo_load, files, moves, terms
from app.operations.unit import act
from app.security.principal import Principal, acting_as

RECORDS = {"order": InspectionOrder, "visit": Visit, "finding": Finding, "report": FinalReport}


def counted(kind: Any) -> int:
    return Session.scalar(select(func.count()).select_from(kind)) or 0


def every(kind: Any) -> list[Any]:
    return list(Session.scalars(select(kind).order_by(kind.id)))


def test_demonstration_has_its_numbers_and_every_state_of_the_procedure(db: OrmSession) -> None:
    assert demo_inspections.seed() >= 240
    assert 230 <= counted(InspectionOrder) <= 290
    assert 280 <= counted(Visit) <= 380
    assert 500 <= counted(Finding) <= 750
    for code, kind in RECORDS.items():
        states = {row.state for row in every(kind)}
        wanted = {state.code for state in moves.process_of(every(kind)[0]).states}
        assert states == wanted, code
    assert demo_inspections.seed() == 0, "nothing is added to orders"


def test_demonstration_is_as_if_the_procedure_had_been_followed(db: OrmSession) -> None:
    demo_inspections.seed()
    today, now = clock.today(), clock.now()
    steps: dict[tuple[str, int], list[RecordMove]] = defaultdict(list)
    for step in every(RecordMove):
        column = next(name for name in ARC if getattr(step, name) is not None)
        steps[column.removesuffix("_id"), getattr(step, column)].append(step)
        assert step.happened_on <= today and step.entered_at <= now
    for code, kind in RECORDS.items():
        for row in every(kind):
            taken = steps[code, row.id]
            assert taken[0].from_state is None and taken[-1].to_state == row.state
            process, before = moves.process_of(row), taken[0]
            assert process.start is not None and before.to_state == process.start.state
            for step in taken[1:]:
                assert step.from_state == before.to_state and step.happened_on >= before.happened_on
                move = next(m for m in process.moves_from(step.from_state) if m.code == step.code)
                assert move.to_state == step.to_state and move.label == step.name
                assert bool(step.reason) >= move.reason_required
                before = step
            assert row.last_act_on == before.happened_on
    for term in every(Term):
        kind = moves.process_of(term.record).term(term.type_code)
        assert term.due_on == terms.opening(term.record, kind, term.start_on).due
        assert (term.status == TermStatus.OPEN.value) == (term.closed_on is None)
    open_terms = [term for term in every(Term) if term.status == TermStatus.OPEN.value]
    assert any(term.due_on < today for term in open_terms), "some are overdue"
    assert any(0 <= (term.due_on - today).days <= 7 for term in open_terms), "some are near"


def test_demonstration_numbers_have_no_gap_and_follow_the_days(db: OrmSession) -> None:
    demo_inspections.seed()
    book: dict[int, list[Document]] = defaultdict(list)
    for document in db.scalars(select(Document).order_by(Document.series_id, Document.sequence)):
        book[document.series_id or 0].append(document)
        assert document.file is not None
    for series in every(NumberSeries):
        written = book.pop(series.id)
        assert [d.sequence for d in written] == list(range(1, series.next_number))
        assert [d.happened_on for d in written] == sorted(d.happened_on for d in written)
    assert not book
    text_ = pypdf.PdfReader(io.BytesIO(files.read(every(Document)[0].file))).pages[0].extract_text()
    assert demo_inspections.FICTIONAL in text_
    for visit in every(Visit):
        assert (visit.document is not None) == (visit.state in ("REALIZADA", "FRUSTRADA", "OBSTRUIDA"))
    waiting = db.scalars(select(Visit).where(Visit.state == "PROGRAMADA", Visit.planned_on == clock.today()))
    assert len(waiting.all()) >= 3, "inspectors have a visit today"


def test_newest_are_signed_for_real_at_their_moments(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_inspections, "DEPTHS", {"programada": 2, "cerrada": 7, "archivo": 10})
    monkeypatch.setattr(demo_inspections, "ORDINARY", 10)
    before = clock.now()
    demo_inspections.seed(PASSWORD)
    assert abs((clock.now() - before).total_seconds()) < 300, "the clock is put back"
    newest = every(InspectionOrder)[-len(demo_inspections.DEPTHS) :]
    for order in newest:
        assert order.document is not None and order.document.file is not None
        assert order.document.number in str(
            pypdf.PdfReader(io.BytesIO(files.read(order.document.file))).pages[0].extract_text()
        )
        assert 5 <= (clock.today() - order.document.happened_on).days <= 7
    assert newest[-1].state == "CERRADA"
    of_orders = select(Document).where(Document.type_code == "OI")
    book = list(Session.scalars(of_orders.order_by(Document.series_id, Document.sequence)))
    assert [d.happened_on for d in book] == sorted(d.happened_on for d in book)


# -- the load


def shape(live: Live) -> list[Any]:
    """Every constraint, index and trigger of the schema."""
    return [
        sorted(map(tuple, live.sql(statement)))
        for statement in (
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint",
            "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
            "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal",
        )
    ]


def test_load_leaves_the_schema_as_it_was_and_no_row_in_the_trail(live: Live) -> None:
    before = shape(live)
    with acting_as(Principal("consola: demo", origin="consola")):
        done = demo_load.load(live.urls.owner_url, 120)
        again = demo_load.load(live.urls.owner_url, 30)
    assert shape(live) == before
    assert audit.verify_tables().ok  # the trail says which rows have none
    assert done.rows["inspection_order"] >= 120 and again.rows["inspection_order"] >= 30
    assert counted(InspectionOrder) == done.rows["inspection_order"] + again.rows["inspection_order"]
    assert done.rows["finding"] > 200 and done.rows["visit"] > 90
    broken = live.sql(
        "SELECT series_id FROM document GROUP BY series_id HAVING count(*) <> max(sequence) OR min(sequence) <> 1"
    )
    assert broken == []
    found = Session.scalars(select(InspectionOrder).order_by(InspectionOrder.id.desc()).limit(1)).one()
    with act("test") as unit:  # the sequences go on
        unit.session.execute(
            text("INSERT INTO stored_file (sha256, size, content_type) VALUES ('x', 1, 'y')")
        )
    assert found.places and found.designated


def test_load_is_refused_to_the_role_of_the_application(live: Live) -> None:
    with (
        acting_as(Principal("consola: demo", origin="consola")),
        pytest.raises(RuleBroken, match="sis_owner"),
    ):
        demo_load.load(live.urls.app_url, 5)
    assert counted(InspectionOrder) == 0


def test_load_is_refused_in_production(live: Live) -> None:
    live.sql("UPDATE installation SET environment = 'production'")
    with pytest.raises(RuleBroken, match="capacitación"):
        demo_load.load(live.urls.owner_url, 5)


def test_application_cannot_take_the_way_around_the_trail(live: Live) -> None:
    for statement in ("ALTER TABLE visit DISABLE TRIGGER USER", "SET session_replication_role = replica"):
        with psycopg2.connect(live.urls.app_url.replace("+psycopg2", "")) as connection:
            with connection.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(statement)
