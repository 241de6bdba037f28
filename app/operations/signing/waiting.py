"""What waits for a signature of the present person, and which numbers are out for the hand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.models.documents import Document, DocumentStatus, DocumentType
from app.models.followup import RecordDocument
from app.models.inspections import FinalReport, InspectionOrder, OrderEstablishment, OrderInspector
from app.models.procedures import ProcedureMove, ProcedureVersion, VersionStatus
from app.models.registry import Establishment
from app.operations import moves, papers
from app.operations.staff import Signatory
from app.security.principal import current

KINDS: dict[str, Any] = {kind.process: kind for kind in (InspectionOrder, FinalReport)}
"""The records whose documents are signed at a desk; an acta is signed on its visit, by who was there."""
WRITTEN_FIRST = {"INF-DGIF": "observation", "DIC": "opinion"}
"""Documents that wait for their text before they wait for a signature: the column that holds it."""
ELSEWHERE = frozenset({"OI-SUS"})
"""Documents whose step asks for more than a signature: they are attached on the page of their record."""
RETURN = "devolver"
MOST = 100
"""Documents that the desk shows at once, the oldest first."""
BATCH = 50
"""Documents signed or printed by one press of a button: half a minute at the most."""


@dataclass(frozen=True)
class Way:
    """A step that issues one document."""

    version: str
    process: str
    state: str
    code: str
    label: str
    letter: str
    reason_required: bool


@dataclass(frozen=True)
class Pick:
    """A document chosen on the desk: its record, the step that signs it, the seal that was shown."""

    process: str
    pk: int
    code: str
    seal: str = ""

    @classmethod
    def parse(cls, text: str, seal: str = "") -> Pick:
        """`order:12:firmar`. Raises Missing."""
        process, _, rest = text.partition(":")
        key, _, code = rest.partition(":")
        if process not in KINDS or not (key.isascii() and key.isdigit() and len(key) < 10) or not code:
            raise Missing()
        return cls(process, int(key), code, seal)

    def __str__(self) -> str:
        return f"{self.process}:{self.pk}:{self.code}"


@dataclass(frozen=True)
class Waiting:
    """A document that waits for a signature."""

    record: Any
    way: Way
    kind: DocumentType
    signers: tuple[Signatory, ...]
    document: Document | None = None
    printed_for: str = ""
    may_return: bool = False

    @property
    def pick(self) -> Pick:
        return Pick(self.record.process, self.record.id, self.way.code)

    @property
    def mine(self) -> bool:
        """Whether the present person may sign it himself."""
        return any(one.account_id == current().account_id for one in self.signers)

    @property
    def stale(self) -> bool:
        """Printed in the name of somebody who no longer signs it."""
        return _stale(self.printed_for, self.signers)


@dataclass(frozen=True)
class Reserved:
    """A number that was given out for the hand and is not signed yet."""

    document: Document
    record: Any
    signers: tuple[Signatory, ...]
    printed_for: str
    ways: tuple[Way, ...]
    """The steps that its signed paper allows now; none: the record went another way."""

    @property
    def stale(self) -> bool:
        """As `Waiting.stale`; a number whose record went another way is not printed anew."""
        return bool(self.ways) and _stale(self.printed_for, self.signers)


def waiting(most: int = MOST) -> list[Waiting]:
    """What waits for the present person, the oldest first; a constant number of queries."""
    open_ = [way for way in my_ways() if not way.reason_required and way.letter not in ELSEWHERE]
    books = Books()
    found: list[Waiting] = []
    for process, kind in KINDS.items():
        for way, record in _records(kind, [way for way in open_ if way.process == process], most):
            found.append(books.waiting(record, way))
    found.sort(key=lambda one: (one.record.state_since is None, one.record.state_since, one.record.id))
    return found[:most]


def reserved() -> list[Reserved]:
    """Every number given out for the hand whose paper would come back to the present person."""
    ways = my_ways()
    rows = _reserved_rows({way.letter for way in ways})
    books = Books()
    found = []
    for row in rows:
        record, document = row.order or row.report, row.document
        if record is None:
            continue
        fitting = [way for way in ways if way.letter == document.type_code and fits(way, record)]
        found.append(
            Reserved(
                document,
                record,
                books.signers(record, document.type_code),
                books.printed_for(document, record),
                tuple(way for way in fitting if way.letter not in ELSEWHERE),
            )
        )
    return found


def my_ways() -> list[Way]:
    """The steps of every version that issue one document and that the roles of the person take."""
    table, roles = ProcedureMove, sorted(moves.role_keys(current()))
    rows = Session.scalars(
        select(table)
        .join(ProcedureVersion, ProcedureVersion.code == table.version_code)
        .where(ProcedureVersion.status != VersionStatus.DRAFT.value, table.process_code.in_(KINDS))
        .where(func.cardinality(table.letters) == 1, table.roles.overlap(roles))
        .order_by(table.version_code, table.position)
    )
    return [
        Way(r.version_code, r.process_code, r.from_state, r.code, r.text, r.letters[0], r.reason_required)
        for r in rows
    ]


def fits(way: Way, record: Any) -> bool:
    return (way.version, way.process, way.state) == (record.version_code, record.process, record.state)


def _records(kind: Any, ways: Sequence[Way], most: int) -> list[tuple[Way, Any]]:
    """The records in a state that one of these steps leaves, with the step."""
    if not ways:
        return []
    order = joinedload(kind.order) if kind is FinalReport else None
    places = (order.selectinload if order else selectinload)(InspectionOrder.places)
    load = [places.joinedload(OrderEstablishment.establishment).joinedload(Establishment.employer)]
    team = (order.selectinload if order else selectinload)(InspectionOrder.team)
    load.append(team.joinedload(OrderInspector.inspector))
    document = (order.joinedload if order else joinedload)(InspectionOrder.document)
    states = [
        and_(
            kind.version_code == way.version,
            kind.state == way.state,
            *(getattr(kind, name).is_not(None) for name in filter(None, [WRITTEN_FIRST.get(way.letter)])),
        )
        for way in ways
    ]
    query = (
        select(kind)
        .where(or_(*states))
        .options(joinedload(kind.office), document, *load)
        .order_by(kind.state_since, kind.id)
        .limit(most)
    )
    return [
        (next(way for way in ways if fits(way, record)), record) for record in Session.scalars(query).unique()
    ]


def _reserved_rows(letters: Collection[str]) -> list[RecordDocument]:
    order = joinedload(RecordDocument.order)
    report = joinedload(RecordDocument.report).joinedload(FinalReport.order)
    return list(
        Session.scalars(
            select(RecordDocument)
            .join(RecordDocument.document)
            .where(Document.status == DocumentStatus.RESERVED.value, Document.type_code.in_(letters))
            .options(joinedload(RecordDocument.document).joinedload(Document.type))
            .options(order.joinedload(InspectionOrder.document), report.joinedload(InspectionOrder.document))
            .order_by(Document.id)
        ).unique()
    )


def _stale(printed_for: str, signers: Iterable[Signatory]) -> bool:
    names = {str(one) for one in signers}
    return bool(printed_for and names) and printed_for not in names


class Books:
    """Who signs what today, and which numbers are out: asked once for a page."""

    def __init__(self) -> None:
        self._signers: dict[tuple[str, int, date], tuple[Signatory, ...]] = {}
        self._kinds: dict[str, DocumentType] = {}

    def signers(self, record: Any, letter: str, on: date | None = None) -> tuple[Signatory, ...]:
        office = 0 if letter in papers.ORDER_PAPERS else record.office_id  # one signs orders for the country
        key = (letter, office, on or clock.today())
        if key not in self._signers:
            self._signers[key] = tuple(papers.signatories(record, letter, key[2]))
        return self._signers[key]

    def printed_for(self, document: Document, record: Any) -> str:
        """The name on the paper; one printed elsewhere bears who signed on the day of its number."""
        if document.signatory:
            return document.signatory
        before = self.signers(record, document.type_code, document.happened_on)
        return str(before[0]) if before else ""

    def kind(self, code: str) -> DocumentType:
        if code not in self._kinds:
            self._kinds[code] = papers.kind_of(code)
        return self._kinds[code]

    @cached_property
    def out(self) -> dict[tuple[str, int, str], Document]:
        """Process, key of the record and kind -> its reserved document, the newest."""
        found: dict[tuple[str, int, str], Document] = {}
        for row in _reserved_rows({way.letter for way in my_ways()}):
            for process, key in (("order", row.order_id), ("report", row.report_id)):
                if key is not None:
                    found[process, key, row.document.type_code] = row.document
        return found

    @cached_property
    def returns(self) -> frozenset[tuple[str, str, str]]:
        """Version, process and state from which the person may give a document back."""
        table, roles = ProcedureMove, sorted(moves.role_keys(current()))
        rows = Session.execute(
            select(table.version_code, table.process_code, table.from_state).where(
                table.code == RETURN, table.process_code.in_(KINDS), table.roles.overlap(roles)
            )
        )
        return frozenset((version, process, state) for version, process, state in rows)

    def waiting(self, record: Any, way: Way) -> Waiting:
        document = self.out.get((record.process, record.id, way.letter))
        return Waiting(
            record,
            way,
            self.kind(way.letter),
            self.signers(record, way.letter),
            document,
            self.printed_for(document, record) if document else "",
            (way.version, way.process, way.state) in self.returns,
        )


def chosen(picks: Sequence[Pick]) -> list[Waiting]:
    """The documents of these picks that still wait, within the scope of the person. Raises RuleBroken."""
    bounded(picks)
    ways, books = my_ways(), Books()
    found = []
    for pick in picks:
        record = Session.get(KINDS[pick.process], pick.pk)
        way = next((w for w in ways if w.code == pick.code and record and fits(w, record)), None)
        if record is not None and way is not None and way.letter not in ELSEWHERE:
            found.append(books.waiting(record, way))
    return found


def bounded(picks: Sequence[Any]) -> None:
    if not picks:
        raise RuleBroken("Elija al menos un documento.", "pick")
    if len(picks) > BATCH:
        raise RuleBroken(f"Elija hasta {BATCH} documentos por vez.", "pick")
