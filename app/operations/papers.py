"""The documents that a step issues: who signs, in which mode, on which paper; drafts and prints to sign.

Signing is one transaction: checks, number under its lock, PDF in a child that can be killed, file, document.
The seal that is shown before an electronic signature is the SHA-256 of what the letter says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import false, or_, select
from sqlalchemy.orm import joinedload

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing, NotAllowed, RuleBroken, Stale
from app.core.types import format_date, inside
from app.documents import letters
from app.documents.pdfs import joined
from app.documents.render import render_letter
from app.documents.verify import qr_png
from app.models.catalogs import Office
from app.models.documents import Document, DocumentStatus, DocumentType, StoredFile
from app.models.followup import RecordDocument, owner_column
from app.models.security import Account
from app.models.staff import Delegation, Holding, Post, PostHolder
from app.models.system import Installation
from app.operations import attachments, documents, files, procedures, records, second_factor, staff
from app.operations.moves import (
    DRAWN,
    ELECTRONIC,
    HANDWRITTEN,
    Context,
    Details,
    fact,
    issues,
    process_of,
    reads,
    role_keys,
    settles,
)
from app.operations.parameters import kept, parameter
from app.operations.unit import act
from app.security.manager import proves
from app.security.principal import current
from app.security.roles import BY_KEY
from app.workflow import fields
from app.workflow.definition import Move, Phase

SIGNED_ON_RECORD = frozenset({"ACT-INS", "ACT-NEG", "ACT-OBS", "ACT-VER"})
"""Documents whose signatures are gathered one by one on the record before it is issued (working rule 11)."""
MODES = {HANDWRITTEN: "MANUSCRITA", DRAWN: "PANTALLA", ELECTRONIC: "ELECTRONICA"}
ORDER_POSTS = {"MINISTRO": "MINISTRO", "VICEMINISTRO": "VICEMINISTRO", "DGIFT": "DIR-DGIFT"}
"""What the parameter OI_FIRMANTE names -> the post that signs orders."""
NOTHING_SAID = Details()
ORDER_PAPERS = frozenset({"OI", "OI-SUS", "OI-PRO"})

_public: list[str] = ["http://127.0.0.1:8080"]


@dataclass(frozen=True)
class Signing:
    """Who signs and how, as a letter prints it."""

    name: str
    post: str | None
    acting: str | None = None
    mode: str = ELECTRONIC
    signed_at: datetime | None = None
    seal: str | None = None
    account_id: int | None = None

    def block(self, role: str) -> letters.Signature:
        """The block of a letter."""
        electronic = self.mode == ELECTRONIC
        return letters.Signature(
            self.name,
            role,
            self.post,
            acting=self.acting,
            signed_at=self.signed_at if electronic else None,
            seal=self.seal if electronic else None,
        )


@dataclass(frozen=True)
class Made:
    """What a builder gives: the letter, and its images by id.

    `source` is the text of the record's own version, when it has one; `extra` are its extra fields in words.
    """

    letter: letters.Letter
    images: Mapping[str, bytes]
    source: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


Builder = Callable[[Context, letters.Paper, Signing], Made]
Keeper = Callable[[Context, Document], None]
Splitter = Callable[[Any], list[int]]
_BUILDERS: dict[str, Builder] = {}
_SPLITTERS: dict[str, Splitter] = {}
_KEEPERS: dict[str, Keeper] = {}


def use(public_url: str) -> None:
    """The address that QR codes lead to (the factory says which)."""
    _public[:] = [public_url.rstrip("/")]


def builds(
    code: str, keep: Keeper | None = None, each: Splitter | None = None
) -> Callable[[Builder], Builder]:
    """Register who fills in a kind of document, and what to do with it once it is issued.

    With `each` a step issues one document for each key that it gives of the record (`Context.part`).
    """

    def register(builder: Builder) -> Builder:
        _BUILDERS[code] = builder
        if keep is not None:
            _KEEPERS[code] = keep
        if each is not None:
            _SPLITTERS[code] = each
        return builder

    return register


def buildable() -> frozenset[str]:
    """The kinds of document that can be filled in."""
    return frozenset(_BUILDERS)


def address_of(code: str) -> str:
    """The public address of a document, as it is printed."""
    return f"{_public[0]}/v/{code}"


# Who signs


def signatories(record: Any, code: str, on: date) -> list[staff.Signatory]:
    """Who may sign a kind of document of a record on a day: the holders of its posts, or their delegates."""
    kind = kind_of(code)
    if code in ORDER_PAPERS:
        wanted = [ORDER_POSTS[str(parameter("OI_FIRMANTE", on))]]
    else:
        posts = Session.scalars(select(Post).where(Post.role.in_(kind.signer_roles))).all()
        own = [post for post in posts if post.office_id == record.office_id]
        wanted = [post.code for post in (own or posts)]
    found = []
    for post in wanted:
        try:
            found.append(staff.signatory(post, code, on))
        except RuleBroken:
            continue  # vacant: the others may sign
    return found


def signatories_since(record: Any, code: str, since: date) -> list[staff.Signatory]:
    """Who may sign today, then whoever might have signed by hand on an earlier day, from `since` on."""
    today = clock.today()
    days = {today, since}
    for kind in (PostHolder, Delegation):
        for row in Session.execute(select(kind.valid_from, kind.valid_to).where(kind.valid_to >= since)):
            days.update(day for day in row if since <= day <= today)
    found: dict[int, staff.Signatory] = {}
    for day in sorted(days, reverse=True):
        for one in signatories(record, code, day):
            found.setdefault(one.account_id, one)
    return list(found.values())


def signs(record: Any, code: str, on: date) -> staff.Signatory | None:
    """The signatory that the present person is for a document, if any."""
    here = current().account_id
    return next((one for one in signatories(record, code, on) if one.account_id == here), None)


# Drafts and prints


def draft(record: Any, code: str, said: Details = NOTHING_SAID, source: str | None = None) -> bytes:
    """The document as it would be issued now, without number, marked as a draft.

    `source`: by this text, which says no extra field that the present person does not see.
    """
    context = Context(record, replace(said, preview=True), current(), (code,))
    paper = paper_of(context.record, None, context.act_date)
    expected = _expected(context, code)
    made = (_build(own, code, paper, expected) for own in _parts(context, code))
    return _joined(_pdf(code, _within_reach(m, record, source), None, "BORRADOR", source) for m in made)


def _within_reach(made: Made, record: Any, source: str | None) -> Made:
    """What a letter says by a text that somebody tries, which could name any extra field."""
    if source is None:
        return made
    seen = {each.code for each in fields.seen_by(process_of(record).fields, role_keys(current()))}
    return replace(made, extra={code: v if code in seen else "" for code, v in made.extra.items()})


def _parts(context: Context, code: str) -> list[Context]:
    """The documents of a kind that a step issues: one, or one for each part of the record."""
    splitter = _SPLITTERS.get(code)
    keys = splitter(context.record) if splitter is not None else []
    return [replace(context, part=key) for key in keys] or [context]


def _joined(papers: Iterable[bytes]) -> bytes:
    first, *others = papers
    return (joined([first, *others]) if others else None) or first


def seal(record: Any, code: str, details: Details | None = None) -> str:
    """The SHA-256 of what a document says, shown to whoever signs it electronically."""
    context = Context(record, details or Details(preview=True), current(), (code,))
    paper = paper_of(context.record, None, context.act_date)
    seals = [_seal(_build(own, code, paper, Signing("", None))) for own in _parts(context, code)]
    return seals[0] if len(seals) == 1 else hashlib.sha256("".join(seals).encode()).hexdigest()


def print_for_signature(record: Any, code: str, said: Details = NOTHING_SAID) -> tuple[Document, bytes]:
    """Reserve the number and give the PDF to sign by hand; printing again gives the same number."""
    with act("document.print", reason=code) as unit:
        record = records.locked(type(record), record.id)  # two clerks who print at once get one number
        if code not in {
            letter for step in process_of(record).moves_from(record.state) for letter in step.letters
        }:
            raise RuleBroken("Este documento ya no espera la firma. Recargue la página.")
        who = _signer_of_paper(record, code)
        details = replace(
            said, signing_mode=HANDWRITTEN, signatory_account_id=who.account_id if who is not None else None
        )
        context = Context(record, details, current(), (code,))
        expected, waiting, pages = _expected(context, code), reserved_of(record, code), []
        for number, own in enumerate(_parts(context, code)):
            document = waiting[number] if number < len(waiting) else _reserve(own, code)
            document.signatory = str(who) if who is not None else expected.name
            paper = paper_of(record, document, context.act_date)
            made = _build(own, code, paper, replace(expected, mode=HANDWRITTEN))
            pages.append((document, _pdf(code, made, document, None)))
        unit.session.flush()
    return pages[0][0], _joined(content for _, content in pages)


def _signer_of_paper(record: Any, code: str) -> staff.Signatory | None:
    """In whose name a paper is printed: the signatory of today; None when it is who prints it himself.

    Raises RuleBroken when nobody holds the post.
    """
    found = signatories(record, code, clock.today())
    mine = next((one for one in found if one.account_id == current().account_id), None)
    if mine is not None or any(BY_KEY[role].label in current().roles for role in kind_of(code).signer_roles):
        return mine
    if not found:
        raise RuleBroken("Nadie ocupa hoy el cargo que firma este documento: registre a quien lo ejerce.")
    return found[0]


def reserved_of(record: Any, code: str) -> list[Document]:
    """The documents of this kind that wait for their handwritten signature, in the order of their numbers."""
    return list(
        Session.scalars(
            select(Document)
            .join(RecordDocument, RecordDocument.document_id == Document.id)
            .where(getattr(RecordDocument, owner_column(record)) == record.id, Document.type_code == code)
            .where(Document.status == DocumentStatus.RESERVED.value)
            .order_by(Document.id)
        )
    )


def documents_of(record: Any) -> list[Document]:
    """The documents of a record, the newest first."""
    return documents_of_file([record])


def documents_of_file(records: Iterable[Any]) -> list[Document]:
    """The documents of these records, in the order of the records, each once, the newest of each first."""
    places = {(owner_column(record), record.id): number for number, record in enumerate(records)}
    by_column: dict[str, list[int]] = {}
    for column, key in places:
        by_column.setdefault(column, []).append(key)
    mine = (getattr(RecordDocument, column).in_(keys) for column, keys in by_column.items())
    rows = Session.scalars(
        select(RecordDocument)
        .where(or_(false(), *mine))
        .options(joinedload(RecordDocument.document).joinedload(Document.type))
        .order_by(RecordDocument.document_id.desc())
    ).all()

    def place(row: RecordDocument) -> int:
        return next(places[column, key] for column in by_column if (key := getattr(row, column)) is not None)

    return list(dict.fromkeys(row.document for row in sorted(rows, key=place)))


# Issuing


@issues
def issue(context: Context, code: str) -> Document:
    """Issue the documents of a kind of a step: electronic, drawn, or the signed scan of handwritten ones."""
    waiting = reserved_of(context.record, code)
    if context.details.signing_mode != HANDWRITTEN:
        for unsigned in waiting:
            documents.annul(unsigned, "No se firmó de puño y letra: se emitió de otro modo.")
        waiting = []
    for own in _parts(context, code):
        document = _issue(own, code, waiting.pop(0) if waiting else None)
        context.issued.append(document.id)
        if code in _KEEPERS:
            _KEEPERS[code](own, document)
    for unsigned in waiting:
        documents.annul(unsigned, "No se firmó: ya no hacía falta.")
    return document


def _issue(context: Context, code: str, document: Document | None) -> Document:
    details, record = context.details, context.record
    if details.shared is not None and details.shared.type_code == code:
        _link(details.shared, record)
        return details.shared
    if document is None:
        document = _reserve(context, code)
    if details.signing_mode == HANDWRITTEN:
        who = _signed_by_hand(context, code)
        scan = Session.get(StoredFile, details.scan_id) if details.scan_id else None
        if scan is None:
            raise RuleBroken("Falta el escaneo del documento firmado. Adjúntelo.", "scan", "scan_missing")
        content = attachments.as_pdf(files.read(scan))
        documents.issue(document, content, signatory=str(who), signing_mode=HANDWRITTEN)
        return document
    expected = _expected(context, code)
    if code not in SIGNED_ON_RECORD:
        if context.act_date != clock.today():
            raise RuleBroken(
                "La firma electrónica lleva la fecha de hoy. Si firmó a mano otro día, adjunte el escaneo.",
                "happened_on",
            )
        confirm_password(details.password)
    paper = paper_of(context.record, document, context.act_date)
    shown = _seal(_build(context, code, replace(paper, number=None), Signing("", None)))
    signing = replace(expected, mode=details.signing_mode, signed_at=clock.now(), seal=shown)
    pdf = _pdf(code, _build(context, code, paper, signing), document, None)
    signer = f"{signing.name}, {signing.post}" if signing.post else signing.name
    documents.issue(document, pdf, signatory=signer, signing_mode=details.signing_mode)
    return document


def confirm_password(password: str) -> None:
    """Signing asks for the password again, and for the code of who has a second factor.

    Raises RuleBroken at their fields.
    """
    account = Session.get(Account, current().account_id) if current().account_id else None
    if account is None:
        raise NotAllowed("Solo una persona con su usuario puede firmar.")
    if not password or not proves(account, password):
        raise RuleBroken("La contraseña no es correcta: el documento no se firmó.", "password", "password")
    second_factor.demand(account)


@reads
def check_seal(context: Context) -> None:
    """The document still says what its signer read, but for the reason that he writes with his signature."""
    if context.details.seal not in [seal(context.record, code) for code in context.letters]:
        raise Stale("El documento cambió desde que usted lo leyó. Vuelva a leerlo antes de firmar.")


def _voided(record: Any, step: Move) -> list[Document]:
    """The papers of a record that a step leaves without worth (working rules 1 and 6).

    What was printed to be signed and is awaited no more: its number is not used again. Of a record that is
    annulled, whatever was issued.
    """
    process = process_of(record)
    to_state = process.state(step.to_state)
    ended = to_state.final and step.from_state != step.to_state
    known = {letter for each in process.moves for letter in each.letters}
    awaited = {letter for each in process.moves_from(to_state.code) for letter in each.letters}
    return [
        document
        for document in documents_of(record)
        if (
            document.status == DocumentStatus.RESERVED.value
            and (ended or document.type_code in known - awaited)
        )
        or (document.status == DocumentStatus.ISSUED.value and to_state.phase is Phase.ANNULLED)
    ]


def _foresee(record: Any, step: Move) -> list[str]:
    voided = [one for one in _voided(record, step) if one.type_code not in step.letters]
    return [f"Se anula: {document.type.title} {document.number}." for document in voided]


@settles(_foresee)
def settle(context: Context) -> None:
    """What a step leaves without worth is annulled, with the reason."""
    transition = context.transition
    if transition is None or transition.move is None:
        return
    what = transition.move.label
    for document in _voided(context.record, transition.move):
        unsigned = document.status == DocumentStatus.RESERVED.value
        documents.annul(document, f"No se firmó: {inside(what)}." if unsigned else transition.reason or what)


def amend(document: Document | None, by: Document) -> None:
    """The page of a document says from here on that another one modifies it."""
    if document is not None:
        document.replaced_by_id = by.id


def _reserve(context: Context, code: str) -> Document:
    record = context.record
    document = documents.reserve(
        code,
        f"{kind_of(code).title} · {record}",
        office_id=record.office_id,
        happened_on=context.act_date,
        external_number=context.details.external_number,
    )
    _link(document, record)
    return document


def _link(document: Document, record: Any) -> None:
    Session.add(RecordDocument(document_id=document.id, **{owner_column(record): record.id}))
    Session.flush()


def _signed_by_hand(context: Context, code: str) -> staff.Signatory | str:
    """Who signed the paper: chosen among those who may on the day of the act."""
    if code in SIGNED_ON_RECORD:
        return _expected(context, code).name
    wanted = context.details.signatory_account_id
    for one in signatories(context.record, code, context.act_date):
        if one.account_id == wanted:
            return one
    raise RuleBroken(
        f"Elija quién firmó: alguien habilitado para firmar el {format_date(context.act_date)}.",
        "signatory_account_id",
        "signatory",
    )


def _expected(context: Context, code: str) -> Signing:
    """The person who signs in this step: the signatory of the day, or the inspector who acts."""
    here = current().account_id
    candidates = signatories(context.record, code, context.act_date)
    chosen = context.details.signatory_account_id or here
    one = next((c for c in candidates if c.account_id == chosen), None)
    one = one or (candidates[0] if context.details.preview and candidates else None)
    if one is not None:
        acting = None if one.quality == Holding.TITULAR.value else _acting(one)
        return Signing(one.name, one.post, acting, account_id=one.account_id)
    account = Session.get(Account, here) if here else None
    name = account.get_full_name() if account is not None else current().name
    labels = (BY_KEY[role].label for role in kind_of(code).signer_roles)
    title = next((label for label in labels if label in current().roles), None)
    return Signing(name, title, account_id=here)


def _acting(one: staff.Signatory) -> str:
    quality = next(each.label for each in Holding if each.value == one.quality)
    return f"{quality}, {one.legal_act}"


def kind_of(code: str) -> DocumentType:
    kinds = kept("document_type", lambda: {each.code: each for each in Session.scalars(select(DocumentType))})
    kind: DocumentType | None = kinds.get(code)
    if kind is None:
        raise Missing(f"No hay un tipo de documento «{code}».")
    return kind


def paper_of(record: Any, document: Document | None, on: date | None = None) -> letters.Paper:
    """The frame of a document of a record; without a document it is a draft."""
    office = Session.get(Office, record.office_id)
    version = procedures.version(record.version_code)
    bases = (version.process(record.process).basis, version.basis)
    code = document.verification_code if document else None
    return letters.Paper(
        issued_on=on or (document.happened_on if document else clock.today()),
        place=(office.city if office and office.city else "Asunción"),
        office=office.name if office else "",
        legal_basis=tuple(dict.fromkeys(base for base in bases if base)),
        number=document.number if document else None,
        verification_code=code,
        verification_address=address_of(code) if code else None,
    )


def _build(context: Context, code: str, paper: letters.Paper, signing: Signing) -> Made:
    if code not in _BUILDERS:
        raise Missing(f"El documento «{code}» todavía no se emite desde el sistema: adjunte su escaneo.")
    made = _BUILDERS[code](context, paper, signing)
    record = context.record
    version = procedures.version(record.version_code)
    said = {
        each.code: fields.shown(each, record.extra.get(each.code))
        for each in version.process(record.process).fields
    }
    return replace(made, source=version.letter(code), extra=said)


def _seal(made: Made) -> str:
    """What the letter says, without number nor who signs when: the same before and at the signature."""
    said = made.letter.as_context()
    for name in ("paper", "signature", "signatures"):
        said.pop(name, None)
    if made.source is not None:  # what another text or another datum says is another document
        said["source"] = made.source
    if made.extra:
        said["extra"] = dict(made.extra)
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def _pdf(
    code: str, made: Made, document: Document | None, watermark: str | None, source: str | None = None
) -> bytes:
    """The PDF of a letter: its version's own text, or the shipped one; `source` is a text that is tried."""
    title = f"{kind_of(code).title} {document.number}" if document else kind_of(code).title
    source = source or made.source or letters.source_of(letters.LETTERS[code][1])
    return _rendered(source, made, title, document, watermark)


def sheet_pdf(name: str, letter: letters.Letter, document: Document | None) -> bytes:
    """A sheet that is printed under the number of another document (`letters.SHEETS`)."""
    title = f"{document.number}" if document else name
    return _rendered(letters.source_of(letters.SHEETS[name][1]), Made(letter, {}), title, document, None)


def _rendered(source: str, made: Made, title: str, document: Document | None, watermark: str | None) -> bytes:
    images = dict(made.images)
    if document is not None:
        images["qr"] = qr_png(address_of(document.verification_code))
    if watermark is None and Session.scalar(select(Installation.environment)) == "training":
        watermark = "CAPACITACIÓN"
    return render_letter(
        source,
        made.letter.as_context() | {"extra": dict(made.extra)},
        title=title,
        watermark=watermark,
        images=images,
        moment=clock.now(),
    )


# Facts of signature


def _modes(c: Context) -> str:
    """The mode of the form; in a preview the one that the person could use."""
    if not c.details.preview:
        return c.details.signing_mode
    if SIGNED_ON_RECORD.issuperset(c.letters):
        return DRAWN
    if all(signs(c.record, code, c.act_date) for code in c.letters):
        return ELECTRONIC
    return HANDWRITTEN


@fact("signing_mode")
def _signing_mode(c: Context) -> str:
    return MODES[_modes(c)]


@fact("actor_is_signatory")
def _actor_is_signatory(c: Context) -> bool:
    return all(signs(c.record, code, c.act_date) is not None for code in c.letters)


@fact("signatory_recorded")
def _signatory_recorded(c: Context) -> bool:
    return c.details.preview or c.details.signatory_account_id is not None


@fact("signed_scan_attached")
def _signed_scan(c: Context) -> bool:
    return c.details.preview or c.details.scan_id is not None


@fact("number_available")
def _number_available(c: Context) -> bool:
    for code in c.letters:
        kind = kind_of(code)
        if kind.number_owner == "external":
            if not (c.details.preview or c.details.external_number):
                return False
        elif kind.series_scope == "office":
            office = Session.get(Office, c.record.office_id)
            if office is None or not office.series_code:
                return False
    return True


@fact("template_in_force")
def _template(c: Context) -> bool:
    return all(code in letters.LETTERS and code in _BUILDERS for code in c.letters)
