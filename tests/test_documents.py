"""Numbers without gaps whoever writes at once; documents that are annulled, never deleted or changed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session as OrmSession
from support import Live

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.documents.verify import verification_code
from app.models.catalogs import Office
from app.models.documents import Document, NumberSeries, StoredFile
from app.models.staff import Post
from app.operations import documents, files, records, staff
from app.operations.unit import act

PDF = b"%PDF-1.4 not a real one, but content"


def office(code: str) -> int:
    return Session.scalars(select(Office.id).where(Office.code == code)).one()


@pytest.fixture(autouse=True)
def store(tmp_path: Path) -> None:
    files.use(tmp_path)


def test_a_national_series_starts_at_one_and_follows(db: OrmSession) -> None:
    first, second = (documents.reserve("OI", f"Orden {n}") for n in (1, 2))
    year = clock.today().year
    assert [first.number, second.number] == [f"OI-{year}-000001", f"OI-{year}-000002"]


def test_a_series_of_offices_prints_the_office_and_counts_apart(db: OrmSession) -> None:
    capital, parana = office("REG-CAP"), office("REG-11")
    numbers = [
        documents.reserve("ACT-INS", "Acta", office_id=key).number for key in (capital, parana, capital)
    ]
    assert [number[-6:] for number in numbers] == ["000001", "000001", "000002"]
    assert len(set(numbers)) == 3


def test_a_series_of_offices_asks_for_the_office(db: OrmSession) -> None:
    with pytest.raises(RuleBroken, match="hace falta la oficina"):
        documents.reserve("ACT-INS", "Acta")


def test_the_year_is_that_of_the_act_and_the_future_is_refused(db: OrmSession) -> None:
    assert documents.reserve("OI", "Vieja", happened_on=date(2025, 12, 31)).number == "OI-2025-000001"
    with pytest.raises(RuleBroken, match="futuro"):
        documents.reserve("OI", "Futura", happened_on=clock.today() + timedelta(days=1))


def test_an_external_number_is_typed_once(db: OrmSession) -> None:
    document = documents.reserve("RES-SUM", "Sumario", external_number="Resolución MTESS N° 123/2026")
    assert document.number == "Resolución MTESS N° 123/2026" and document.sequence is None
    with pytest.raises(RuleBroken, match="ya está cargado"):
        documents.reserve("RES-SUM", "Otro", external_number="Resolución MTESS N° 123/2026")
    with pytest.raises(RuleBroken, match="escriba el número"):
        documents.reserve("RES-SUM", "Otro", external_number=" ")


def test_a_failed_act_gives_its_number_back(db: OrmSession) -> None:
    with pytest.raises(ZeroDivisionError), act("order.sign"):
        documents.reserve("OI", "Fallida")
        _ = 1 / 0
    assert documents.reserve("OI", "Buena").number.endswith("-000001")


def test_forty_writers_at_once_some_failing_leave_no_gap_and_no_double(live: Live) -> None:
    def write(turn: int) -> None:
        try:
            with act("order.sign"):
                documents.reserve("OI", f"Orden {turn}")
                if turn % 4 == 0:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        finally:
            Session.remove()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    sequences = [row[0] for row in live.sql("SELECT sequence FROM document ORDER BY sequence")]
    assert sequences == list(range(1, 31))
    assert live.sql("SELECT next_number FROM number_series WHERE type_code = 'OI'")[0][0] == 31


def test_issue_keeps_the_file_and_its_hash(db: OrmSession) -> None:
    document = documents.reserve("OI", "Orden")
    documents.issue(document, PDF, signatory="La ministra", signing_mode="electronic")
    assert document.status == "issued" and files.read(document.file) == PDF
    with pytest.raises(RuleBroken, match="ya no espera"):
        documents.issue(document, PDF, signatory="Otra", signing_mode="electronic")


def test_an_altered_or_lost_file_is_not_shown(db: OrmSession) -> None:
    row = files.store(PDF, "application/pdf")
    files.place(row.sha256).write_bytes(PDF + b"!")
    with pytest.raises(Missing, match="alterado"):
        files.read(row)
    files.place(row.sha256).unlink()
    with pytest.raises(Missing, match="no está en el depósito"):
        files.read(row)


def test_the_same_content_is_kept_once(db: OrmSession) -> None:
    assert files.store(PDF, "application/pdf").id == files.store(PDF, "application/pdf").id


def test_a_store_that_cannot_be_written_says_so_and_leaves_nothing(db: OrmSession, tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file where the folder should be")
    files.use(tmp_path / "blocked")
    with pytest.raises(files.StoreFull, match="Nada se perdió"):
        files.store(PDF, "application/pdf")
    assert db.scalar(select(StoredFile)) is None


def test_annulling_needs_a_reason_and_stays_in_the_book(db: OrmSession) -> None:
    one, two = documents.reserve("OI", "Una"), documents.reserve("OI", "Dos")
    with pytest.raises(RuleBroken, match="motivo"):
        documents.annul(one, "  ")
    documents.annul(one, "No se firmó")
    series = db.scalars(select(NumberSeries).where(NumberSeries.type_code == "OI")).one()
    assert [(line.sequence, line.status, line.reason) for line in documents.book(series)] == [
        (1, "annulled", "No se firmó"),
        (2, "reserved", None),
    ]
    with pytest.raises(RuleBroken, match="ya está anulado"):
        documents.annul(one, "Otra vez")
    assert two.status == "reserved"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM document",
        "UPDATE document SET number = 'OI-2026-999999'",
        "UPDATE document SET sequence = 99",
        "UPDATE document SET happened_on = '2020-01-01'",
        "UPDATE number_series SET next_number = 1",
        "DELETE FROM number_series",
    ],
)
def test_the_database_refuses_to_change_or_delete_a_number(live: Live, statement: str) -> None:
    documents.reserve("OI", "Una")
    Session.remove()
    for url in (live.urls.app_url, live.urls.owner_url):
        with pytest.raises(DBAPIError, match="never|only goes forward"):
            live.sql(statement, url)


def test_codes_are_long_enough_and_never_ambiguous() -> None:
    codes = {verification_code() for _ in range(2000)}
    assert len(codes) == 2000 and all(len(code) == 8 and not set(code) & set("01OIL") for code in codes)


def test_the_holder_of_the_day_signs_and_a_vacant_post_is_refused(db: OrmSession) -> None:
    assert "Ministr" in str(staff.holder("MINISTRO"))
    with pytest.raises(RuleBroken, match="Nadie ocupa"):
        staff.holder("MINISTRO", date(2020, 1, 1))


def test_a_delegation_names_the_other_post_for_its_period_only(db: OrmSession) -> None:
    posts = {post.code: post.id for post in db.scalars(select(Post))}
    records.create(
        staff.Delegation,
        {
            "from_post_id": posts["MINISTRO"],
            "to_post_id": posts["DIR-DGIFT"],
            "document_type_code": "OI",
            "valid_from": date(2026, 1, 1),
            "valid_to": date(2026, 12, 31),
            "legal_act": "Res. de prueba",
        },
    )
    assert "Director" in staff.signatory("MINISTRO", "OI", date(2026, 6, 1)).post
    assert "Ministr" in staff.signatory("MINISTRO", "OI", date(2025, 6, 1)).post
    assert "Ministr" in staff.signatory("MINISTRO", "PRV-ARC", date(2026, 6, 1)).post


def test_two_holders_of_one_post_on_a_day_are_refused(db: OrmSession) -> None:
    row = db.scalars(select(staff.PostHolder)).first()
    assert row is not None
    with pytest.raises(RuleBroken, match="se cruzan"):
        records.create(
            staff.PostHolder,
            {
                "post_id": row.post_id,
                "account_id": row.account_id,
                "holding": "interino",
                "valid_from": date(2026, 1, 1),
                "legal_act": "Res. de prueba",
            },
        )


def test_documents_carry_no_other_type_than_the_shipped_ones(db: OrmSession) -> None:
    with pytest.raises(Missing, match="No hay un tipo"):
        documents.reserve("NO-HAY", "x")
    assert db.scalar(select(Document)) is None
