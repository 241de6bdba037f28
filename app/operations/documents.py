"""Numbers and official documents: reserve, issue, annul; the book of a series.

A number is taken under the lock of its series' row, inside the act that needs it: when the act fails the
number goes back, so that a series has no gap (working rules 1 and 4).
"""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.documents.verify import verification_code
from app.models.catalogs import Office
from app.models.documents import (
    Document,
    DocumentStatus,
    DocumentType,
    NumberOwner,
    NumberSeries,
    SeriesScope,
    SigningMode,
)
from app.operations import attachments, files, records
from app.operations.seed_files import add_missing, load
from app.operations.unit import Unit, act
from app.security.principal import current

KIND_COLUMNS = (
    "title",
    "stage",
    "signer_roles",
    "addressee",
    "number_owner",
    "series_scope",
    "first_number",
    "number_format",
    "signing_modes",
)


@dataclass(frozen=True)
class BookLine:
    """A number of a series and what became of it."""

    sequence: int | None
    number: str
    status: str
    happened_on: date
    reason: str | None


def reserve(
    type_code: str,
    title: str,
    *,
    office_id: int | None = None,
    happened_on: date | None = None,
    external_number: str | None = None,
) -> Document:
    """A document with its number, waiting for its signature. Raises RuleBroken, Missing."""
    happened_on = happened_on or clock.today()
    if happened_on > clock.today():
        raise RuleBroken("La fecha del documento no puede estar en el futuro.", field="happened_on")
    with act("document.reserve") as unit:
        kind = unit.session.get(DocumentType, type_code)
        if kind is None:
            raise Missing(f"No hay un tipo de documento «{type_code}».")
        document = Document(
            type_code=kind.code,
            title=title,
            office_id=office_id,
            happened_on=happened_on,
            status=DocumentStatus.RESERVED.value,
            verification_code=verification_code(),
            created_by_id=current().account_id,
        )
        if kind.number_owner == NumberOwner.EXTERNAL.value:
            document.number = _typed(unit, kind, external_number)
        else:
            _number(unit, kind, document)
        unit.session.add(document)
        unit.session.flush()
    return document


def issue(document: Document, content: bytes, *, signatory: str, signing_mode: str) -> Document:
    """The reserved document, issued with its PDF; from here on it never changes. Raises RuleBroken."""
    with act("document.issue") as unit:
        row = records.locked(Document, document.id)
        if row.status != DocumentStatus.RESERVED.value:
            raise RuleBroken(f"El documento {row.number} ya no espera su firma.")
        if signing_mode not in row.type.signing_modes:
            raise RuleBroken(f"{row.type.title}: no se firma de ese modo.", field="signing_mode")
        row.file_id = files.store(content, "application/pdf").id
        row.status = DocumentStatus.ISSUED.value
        row.signing_mode, row.signatory = signing_mode, signatory
        row.signed_by_id, row.issued_at = current().account_id, clock.now()
        unit.session.flush()
    return row


def annul(document: Document, reason: str) -> Document:
    """The document, annulled; its number stays in the book and is not used again. Raises RuleBroken."""
    if not reason.strip():
        raise RuleBroken("Escriba el motivo de la anulación: queda en el libro.", field="annulled_reason")
    with act("document.annul", reason=reason) as unit:
        row = records.locked(Document, document.id)
        if row.status == DocumentStatus.ANNULLED.value:
            raise RuleBroken(f"El documento {row.number} ya está anulado.")
        row.status = DocumentStatus.ANNULLED.value
        row.annulled_reason, row.annulled_on = reason.strip(), clock.today()
        unit.session.flush()
    return row


def use_on_paper(
    series: NumberSeries, number: int, title: str, reason: str, scan: bytes, happened_on: date
) -> Document:
    """Number N of a series was used on a paper outside the system: its place in the book (working rule 4).

    N is the next number of the series, or one that was printed to be signed by hand. Raises RuleBroken at the
    field: any other number would leave a gap, or stands in the book already.
    """
    for name, value, words in (
        ("title", title, "Escriba de qué trata el documento: figura en el libro."),
        ("reason", reason, "Escriba por qué se usó el número en papel: queda en el libro."),
        ("scan", scan, "Adjunte el escaneo del documento."),
    ):
        if not value.strip():
            raise RuleBroken(words, name)
    if happened_on > clock.today() or happened_on.year != series.year:
        raise RuleBroken(f"La fecha es del año {series.year} del libro, y no es futura.", "happened_on")
    with act("document.use_on_paper", reason=reason) as unit:
        row = records.locked(NumberSeries, series.id)
        document = unit.session.scalar(
            select(Document).where(Document.series_id == row.id, Document.sequence == number)
        )
        if document is None and number != row.next_number:
            raise RuleBroken(
                f"El próximo número de este libro es el {row.next_number}: los anteriores ya figuran, y uno "
                "posterior dejaría un hueco. Registre los números usados en su orden.",
                "number",
            )
        if document is not None and document.status != DocumentStatus.RESERVED.value:
            raise RuleBroken(f"El número {document.number} ya figura en el libro y no se cambia.", "number")
        if document is None:
            document = reserve(row.type_code, title.strip(), office_id=row.office_id, happened_on=happened_on)
        else:
            document = records.locked(Document, document.id)
        document.file_id = attachments.receive(scan, "scan").file.id
        document.status, document.used_reason = DocumentStatus.USED.value, reason.strip()
        document.signing_mode, document.signed_by_id = SigningMode.HANDWRITTEN.value, current().account_id
        unit.session.flush()
    return document


def book(series: NumberSeries) -> list[BookLine]:
    """Every number of a series in order: reserved, issued, annulled, used on paper; no gap."""
    rows = Session.scalars(
        select(Document).where(Document.series_id == series.id).order_by(Document.sequence)
    )
    return [
        BookLine(
            row.sequence, row.number, row.status, row.happened_on, row.annulled_reason or row.used_reason
        )
        for row in rows
    ]


def seed() -> int:
    """Add the shipped kinds of document that are not there yet; how many were added."""
    rows = [
        {
            "code": row["code"],
            "position": row["order"],
            **{name: row[name] for name in KIND_COLUMNS},
        }
        for row in load("document_types.yaml")
    ]
    with act("seed.document_types"):
        return add_missing(DocumentType, rows)


def _typed(unit: Unit, kind: DocumentType, number: str | None) -> str:
    number = (number or "").strip()
    if not number:
        raise RuleBroken(f"{kind.title}: escriba el número que le dio la otra dependencia.", field="number")
    if unit.session.scalar(select(Document.id).where(Document.number == number)):
        raise RuleBroken(f"El número {number} ya está cargado.", field="number")
    return number


def _number(unit: Unit, kind: DocumentType, document: Document) -> None:
    """Take the next number of the series, whose row stays locked until the act ends."""
    office = None
    if kind.series_scope == SeriesScope.OFFICE.value:
        office = unit.session.get(Office, document.office_id) if document.office_id else None
        if office is None or not office.series_code:
            raise RuleBroken(
                f"{kind.title}: hace falta la oficina, con su código de serie.", field="office_id"
            )
    office_id, year = (office.id if office else None), document.happened_on.year
    unit.session.execute(
        insert(NumberSeries)
        .values(type_code=kind.code, year=year, office_id=office_id, next_number=kind.first_number)
        .on_conflict_do_nothing(index_elements=["type_code", "year", "office_id"])
    )
    same_office = NumberSeries.office_id == office_id if office_id else NumberSeries.office_id.is_(None)
    series = unit.session.scalars(
        select(NumberSeries)
        .where(NumberSeries.type_code == kind.code, NumberSeries.year == year, same_office)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    document.series_id, document.sequence = series.id, series.next_number
    code = office.series_code if office else ""
    document.number = kind.number_format.format(office=code, year=year, number=series.next_number)
    series.next_number += 1
    unit.session.flush()
