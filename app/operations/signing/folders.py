"""A folder of papers signed by hand, scanned in one go: read by its QR codes, kept until it is confirmed.

What was read, and what was decided on which pages, are files of the store as the PDF is: written once, in
acts of their own, found by the content type that names the person or the folder.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from PIL import Image
from sqlalchemy import select

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.documents import scans
from app.documents.images import safe_image
from app.documents.pdfs import joined
from app.models.documents import Document, DocumentStatus, StoredFile
from app.models.followup import RecordDocument
from app.operations import attachments, files, moves, papers
from app.operations.moves import HANDWRITTEN, Details
from app.operations.signing.batch import Outcome, attempted
from app.operations.signing.waiting import ELSEWHERE, Books, Reserved, reserved
from app.operations.staff import Signatory
from app.operations.unit import act
from app.security.principal import current

FOLDER, RESULT, PICTURES = (
    "application/vnd.sis.scan+json",
    "application/vnd.sis.scan-result+json",
    "application/zip",
)
KEPT_FOR = timedelta(days=30)
"""How long an unfinished folder is listed."""


@dataclass(frozen=True)
class Folder:
    """A scanned folder: the PDF as it came, what each page says, what was done with which pages."""

    id: int
    name: str
    account_id: int | None
    at: datetime
    pdf_id: int
    pictures_id: int
    texts: tuple[tuple[str, ...], ...]
    unread: frozenset[int] = frozenset()
    finished: frozenset[int] = frozenset()
    """Pages that were attached or set aside."""

    @property
    def left(self) -> tuple[int, ...]:
        """The pages that nobody decided on yet."""
        return tuple(n for n in range(1, len(self.texts) + 1) if n not in self.finished)


@dataclass(frozen=True)
class Group:
    """Pages of one code. Without `reserved`, `why` says what the code is; `scattered`: not in a row."""

    code: str
    pages: tuple[int, ...]
    reserved: Reserved | None
    why: str = ""
    signers: tuple[Signatory, ...] = ()

    @property
    def scattered(self) -> bool:
        """Whether other pages lie between: perhaps the paper was scanned twice."""
        return self.pages[-1] - self.pages[0] >= len(self.pages)


@dataclass(frozen=True)
class Preview:
    """What a folder would attach."""

    groups: tuple[Group, ...]
    loose: tuple[int, ...]
    open: tuple[Reserved, ...]


@dataclass(frozen=True)
class Entry:
    """A document and the pages that are its signed copy, as the clerk decided."""

    document_id: int
    pages: tuple[int, ...]
    signatory_account_id: int | None
    code: str = ""
    reason: str = ""


@dataclass
class Attached:
    """The outcomes, and what is left of the folder."""

    outcomes: list[Outcome] = field(default_factory=list)
    left: int = 0


def receive(contents: Sequence[bytes], name: str) -> int:
    """Read a scanned folder, one PDF or several photographs, and keep it; its number. Raises RuleBroken."""
    pdf = _one_pdf([content for content in contents if content])
    pages = scans.read(pdf)
    pictures = io.BytesIO()
    with zipfile.ZipFile(pictures, "w") as bundle:
        for page in pages:
            bundle.writestr(f"{page.number}.jpg", page.picture or b"")
    with act("signing.scan"):
        said = {
            "key": uuid4().hex,
            "name": name[:120],
            "at": clock.now().isoformat(),
            "account": current().account_id,
            "pdf": files.store(pdf, "application/pdf").id,
            "pictures": files.store(pictures.getvalue(), PICTURES).id,
            "pages": [list(page.texts) for page in pages],
            "unread": [page.number for page in pages if page.picture is None],
        }
        row = files.store(json.dumps(said).encode(), f"{FOLDER};account={current().account_id}")
    return row.id


def folder(key: int) -> Folder:
    """A folder of the present person. Raises Missing."""
    row = Session.get(StoredFile, key) if key < 2**31 else None
    if row is None or row.content_type != f"{FOLDER};account={current().account_id}":
        raise Missing()
    return _folder(row)


def folders() -> list[Folder]:
    """The folders of the present person with pages to decide on, the newest first."""
    rows = Session.scalars(
        select(StoredFile)
        .where(StoredFile.content_type == f"{FOLDER};account={current().account_id}")
        .where(StoredFile.created_at > clock.real_now() - KEPT_FOR)
        .order_by(StoredFile.id.desc())
        .limit(10)
    ).all()
    return [found for found in map(_folder, rows) if found.left]


def picture(of: Folder, page: int) -> bytes:
    """The small picture of a page. Raises Missing."""
    row = Session.get(StoredFile, of.pictures_id)
    if row is None:
        raise Missing()
    with zipfile.ZipFile(io.BytesIO(files.read(row))) as bundle:
        if f"{page}.jpg" not in bundle.namelist() or not (content := bundle.read(f"{page}.jpg")):
            raise Missing()
    return content


def preview(of: Folder, on: date | None = None, assigned: Mapping[int, int] | None = None) -> Preview:
    """The undecided pages of a folder by document, as their QR codes say, or as the clerk assigned them."""
    on = on or clock.today()
    assigned = assigned or {}
    mine = reserved()
    by_code = {one.document.verification_code: one for one in mine}
    codes = {one.document.id: one.document.verification_code for one in mine if one.ways}
    books = Books()
    said = {page: (codes[key],) for page, key in assigned.items() if key in codes}
    pages = [scans.Page(number, said.get(number) or _codes(of.texts[number - 1])) for number in of.left]
    groups: list[Group] = []
    loose: list[int] = []
    for part in scans.split(pages, str):
        if part.code is None:
            loose += part.pages
            continue
        one = by_code.get(part.code)
        if one is not None and one.ways:
            signers = books.signers(one.record, one.document.type_code, on)
            groups.append(Group(part.code, part.pages, one, signers=signers))
        else:
            groups.append(Group(part.code, part.pages, None, _why(part.code, one)))
    return Preview(tuple(groups), tuple(loose), tuple(one for one in mine if one.ways))


def _codes(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(code for text in texts if (code := scans.code_in(text)) is not None)


def _why(code: str, one: Reserved | None) -> str:
    """Why a code is no document that waits for the person: nothing is said of what is not his."""
    if one is not None:
        if one.document.type_code in ELSEWHERE:
            return f"{one.document.number}: se adjunta desde la página de su orden."
        return f"{one.document.number}: su expediente ya no está a la firma."
    document = Session.scalar(select(Document).where(Document.verification_code == code))
    own = document and Session.scalar(
        select(RecordDocument.id).where(RecordDocument.document_id == document.id).limit(1)
    )
    if document is None or not own:
        return "El código no es de un documento a su alcance."
    if document.status == DocumentStatus.ISSUED.value:
        return f"{document.number}: ya está emitido."
    if document.status == DocumentStatus.ANNULLED.value:
        return f"{document.number}: está anulado."
    return f"{document.number}: lo adjunta otra dependencia."


def attach(
    of: Folder,
    entries: Sequence[Entry],
    discarded: Sequence[int] = (),
    *,
    happened_on: date | None = None,
    late_reason: str = "",
) -> Attached:
    """Make each part the authoritative copy of its document, each in an act of its own.

    Pages of documents that were refused stay in the folder. Raises RuleBroken, ScanRefused.
    """
    _decided(of, entries, discarded)
    parts: list[bytes] = []
    if entries:
        row = Session.get(StoredFile, of.pdf_id)
        if row is None:
            raise Missing()
        parts = scans.extract(files.read(row), [entry.pages for entry in entries])
    result = Attached()
    done: list[int] = [*discarded]
    told: list[dict[str, Any]] = []
    for entry, content in zip(entries, parts, strict=True):
        document = Session.get(Document, entry.document_id)
        title = document.number if document is not None else "Documento"

        def one(entry: Entry = entry, content: bytes = content) -> Outcome:
            return _attach(entry, content, happened_on, late_reason)

        outcome = attempted(one, title, None)
        result.outcomes.append(outcome)
        if outcome.ok:
            done += entry.pages
        told.append({"document": entry.document_id, "pages": list(entry.pages), "ok": outcome.ok})
    if done:
        with act("signing.attach", reason=f"{of.name}: páginas {', '.join(map(str, sorted(done)))}"):
            said = {
                "key": uuid4().hex,
                "scan": of.id,
                "documents": told,
                "discarded": list(discarded),
                "done": done,
            }
            files.store(json.dumps(said).encode(), f"{RESULT};scan={of.id}")
    result.left = len(set(of.left) - set(done))
    return result


def _decided(of: Folder, entries: Sequence[Entry], discarded: Sequence[int]) -> None:
    pages = [*discarded, *(page for entry in entries for page in entry.pages)]
    if not pages:
        raise RuleBroken("No hay páginas elegidas: asigne o descarte al menos una.")
    if len(set(pages)) != len(pages) or not set(pages) <= set(of.left):
        raise RuleBroken("Otra pestaña ya decidió sobre estas páginas. Vuelva a abrir la carpeta.")


def _attach(entry: Entry, content: bytes, on: date | None, late_reason: str) -> Outcome:
    one = next((each for each in reserved() if each.document.id == entry.document_id), None)
    if one is None or not one.ways:
        raise Missing("Ya no espera la firma: otra persona lo adjuntó, o se anuló.")
    ways = [way for way in one.ways if entry.code in (way.code, "")]
    if len(ways) != 1:
        raise RuleBroken("Elija qué dispone este documento: hay más de un paso posible.")
    who = entry.signatory_account_id
    if who is None:
        signers = papers.signatories(one.record, one.document.type_code, on or clock.today())
        who = signers[0].account_id if signers else None
    scan = attachments.receive(content, "scan").file
    details = Details(
        happened_on=on,
        reason=entry.reason,
        late_reason=late_reason,
        scan_id=scan.id,
        signing_mode=HANDWRITTEN,
        signatory_account_id=who,
    )
    moves.move(one.record, ways[0].code, details)
    document = Session.get(Document, one.document.id)
    assert document is not None
    pages = len(entry.pages)
    said = f"Adjuntado y emitido ({pages} página{'s' if pages > 1 else ''})."
    return Outcome(document.type.title, one.record, True, said, document)


def _folder(row: StoredFile) -> Folder:
    said = json.loads(files.read(row))
    finished: set[int] = set()
    for result in Session.scalars(
        select(StoredFile).where(StoredFile.content_type == f"{RESULT};scan={row.id}")
    ):
        finished.update(json.loads(files.read(result))["done"])
    return Folder(
        row.id,
        said["name"],
        said["account"],
        datetime.fromisoformat(said["at"]),
        said["pdf"],
        said["pictures"],
        tuple(tuple(texts) for texts in said["pages"]),
        frozenset(said["unread"]),
        frozenset(finished),
    )


def _one_pdf(contents: Sequence[bytes]) -> bytes:
    if not contents:
        raise RuleBroken("Elija el PDF de la carpeta escaneada, o sus fotografías.", "scan", "empty_file")
    if sum(map(len, contents)) > scans.MOST_BYTES:
        raise scans.ScanRefused("size")
    if len(contents) == 1 and contents[0][:1024].lstrip().startswith(b"%PDF-"):
        return contents[0]
    if len(contents) > scans.MOST_PAGES:
        raise scans.ScanRefused("pages")
    if any(content[:1024].lstrip().startswith(b"%PDF-") for content in contents):
        raise RuleBroken("Suba un solo PDF por vez, o varias fotografías.", "scan", "scan_many")
    return joined([_page(content) for content in contents]) or b""


def _page(content: bytes) -> bytes:
    """A photograph on an A4 page of its own, large enough for its QR to be read."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(safe_image(content, max_side=2600, field="scan"))) as shown:
        shown.convert("RGB").save(out, "PDF", resolution=max(shown.size) / 11.7)
    return out.getvalue()
