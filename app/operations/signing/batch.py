"""Many documents at once: signed, returned, printed for the hand; each in an act of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from app.core.base import Session
from app.core.errors import DomainError, Missing, RuleBroken
from app.documents.pdfs import joined
from app.models.documents import Document
from app.operations import documents, moves, papers
from app.operations.moves import Details
from app.operations.signing.waiting import (
    BATCH,
    ELSEWHERE,
    KINDS,
    RETURN,
    Pick,
    Reserved,
    Waiting,
    Way,
    bounded,
    chosen,
    fits,
    my_ways,
    reserved,
)
from app.workflow.engine import MoveOffer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What became of one document of a batch."""

    what: str
    record: Any
    ok: bool
    text: str
    document: Document | None = None
    seal: str = ""
    pick: Pick | None = None


@dataclass(frozen=True)
class Reviewed:
    """A chosen document before it is signed: whether it can be, and the seal of what it says."""

    waiting: Waiting
    offer: MoveOffer
    seal: str
    reasons: tuple[str, ...]


# Signing


def review(picks: Sequence[Pick]) -> list[Reviewed]:
    """The chosen documents with the seal of each, and why one cannot be signed."""
    found = []
    for one in chosen(picks):
        offer = next(o for o in moves.offers(one.record) if o.move.code == one.way.code)
        reasons, seal = offer.reasons, ""
        if not one.mine:
            who = one.signers[0] if one.signers else None
            reasons = (f"La firma {who}." if who else "Nadie ocupa hoy el cargo que la firma.", *reasons)
        try:
            seal = papers.seal(one.record, one.way.letter)
        except DomainError as error:
            reasons = (*reasons, error.message)
        found.append(Reviewed(one, offer, seal, tuple(dict.fromkeys(reasons))))
    return found


def sign(picks: Sequence[Pick], password: str) -> list[Outcome]:
    """Sign each document, electronically, in an act of its own; one that fails does not stop the others.

    Raises RuleBroken at `password` before anything is signed.
    """
    bounded(picks)
    papers.confirm_password(password)

    def one(pick: Pick) -> Outcome:
        record, way = _still(pick)
        if not pick.seal:
            raise RuleBroken("Vuelva a leer el documento: falta la huella de lo que iba a firmar.")
        transition = moves.move(record, pick.code, Details(password=password, seal=pick.seal))
        assert transition.move is not None
        document = next(d for d in papers.documents_of(record) if d.type_code == way.letter)
        return Outcome(document.type.title, record, True, "Firmado.", document, pick.seal, pick)

    return [_tried(pick, one) for pick in picks]


def give_back(picks: Sequence[Pick], reason: str) -> list[Outcome]:
    """Return each record unsigned, with one reason. Raises RuleBroken at `reason`."""
    bounded(picks)
    if not reason.strip():
        raise RuleBroken("Escriba el motivo de la devolución: lo lee quien preparó el documento.", "reason")

    def one(pick: Pick) -> Outcome:
        record, way = _still(pick)
        moves.move(record, RETURN, Details(reason=reason.strip()))
        return Outcome(papers.kind_of(way.letter).title, record, True, "Devuelto sin firmar.", pick=pick)

    return [_tried(pick, one) for pick in picks]


def _still(pick: Pick) -> tuple[Any, Way]:
    """The record of a pick and its step, if it waits still. Raises Missing."""
    record = Session.get(KINDS[pick.process], pick.pk, populate_existing=True)
    found = [way for way in my_ways() if record is not None and way.code == pick.code and fits(way, record)]
    if not found or found[0].letter in ELSEWHERE:
        raise Missing("Ya no espera la firma: otra persona lo firmó o lo devolvió. Vuelva a abrir la mesa.")
    return record, found[0]


def _tried(pick: Pick, do: Callable[[Pick], Outcome]) -> Outcome:
    record = Session.get(KINDS[pick.process], pick.pk)
    what = str(record) if record is not None else "Documento"
    return attempted(lambda: do(pick), what, record, pick)


def attempted(do: Callable[[], Outcome], what: str, record: Any, pick: Pick | None = None) -> Outcome:
    """The outcome of one of many: a refusal in its own words, an error of the system under a number."""
    try:
        return do()
    except DomainError as error:
        text = error.message
    except Exception:
        number = uuid4().hex[:8]
        log.exception("error %s signing %s", number, what)
        text = f"No se pudo por un error del sistema (n.º {number}). Nada cambió en este documento."
        Session.rollback()
    return Outcome(what, record, False, text, pick=pick)


# Printing for the hand


def printed(picks: Sequence[Pick]) -> tuple[bytes | None, list[Outcome]]:
    """One PDF of the chosen documents, their numbers reserved; printed again they keep their numbers."""
    pages: list[bytes] = []
    bounded(picks)

    def one(pick: Pick) -> Outcome:
        record, way = _still(pick)
        return _print_one(record, way, pages, pick)

    outcomes = [_tried(pick, one) for pick in picks]
    return joined(pages), outcomes


def reprinted() -> tuple[bytes | None, list[Outcome]]:
    """Print anew, with the same numbers, what bears the name of somebody who left the post."""
    pages: list[bytes] = []
    outcomes = []
    for each in [one for one in reserved() if one.stale][:BATCH]:

        def one(each: Reserved = each) -> Outcome:
            return _print_one(each.record, each.ways[0], pages, None)

        outcomes.append(attempted(one, each.document.number, each.record))
    return joined(pages), outcomes


def _print_one(record: Any, way: Way, pages: list[bytes], pick: Pick | None) -> Outcome:
    """Judged first as its step would be: a number is not reserved for what could not be signed."""
    offer = next((o for o in moves.offers(record) if o.move.code == way.code), None)
    if offer is None or not offer.allowed:
        reasons = offer.reasons if offer else ("Este paso corresponde a otra persona.",)
        raise RuleBroken(" ".join(reasons), reasons=reasons)
    document, content = papers.print_for_signature(record, way.letter)
    pages.append(content)
    said = f"Impreso con el número {document.number}."
    return Outcome(document.type.title, record, True, said, document, pick=pick)


def annul(document_id: int, reason: str) -> Document:
    """Annul a reserved number that will not be signed; it is never used again. Raises Missing, RuleBroken."""
    found = next((one for one in reserved() if one.document.id == document_id), None)
    if found is None:
        raise Missing("Ese número ya no espera la firma.")
    return documents.annul(found.document, reason)
