"""Search for a person: accents or none, parts of words, numbers with or without dots and check digit.

One statement whatever the words; each word must occur somewhere in the folded text of the record, whose
trigram index answers. Reading only: nothing here writes.
"""

import re
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, Select, and_, func, literal, or_, select, true, union
from sqlalchemy.orm import joinedload

from app.core.base import Model, Session
from app.core.types import fold, ruc_check_digit
from app.models.documents import Document
from app.models.followup import ARC, RecordDocument
from app.models.inspections import OrderEstablishment, Visit
from app.models.registry import Employer, Establishment, search_expression

LIMIT = 20
RANKED = 500
"""Of a word that thousands of records have, this many are ranked: the person has to type more in any case."""
LONGEST, MOST_WORDS = 100, 8
"""What a search box is read up to: characters and words."""
SHORTEST = 3
"""Characters of a word that a trigram index can look for; shorter ones alone find no record."""
NUMBER = re.compile(r"(?P<base>[0-9][0-9.]*[0-9]|[0-9])(?:-[0-9]?)?")

Record = TypeVar("Record", bound=Model)


def words(q: str) -> list[str]:
    """The words of a search; a number written with blanks is one word."""
    q = q.replace("\x00", "")[:LONGEST].strip()
    if re.fullmatch(r"[0-9.\s-]+", q):
        q = re.sub(r"\s", "", q)
    return [word for word in q.split() if any(c.isalnum() for c in word)][:MOST_WORDS]


def conditions(kind: type[Model], q: str) -> list[ColumnElement[bool]]:
    """One condition for each word of the search; none for an empty one."""
    return [_occurs(kind, word) for word in words(q)]


def matching(kind: type[Model], q: str) -> ColumnElement[bool]:
    """Whether a record of this kind answers the search; every record answers an empty one."""
    return and_(true(), *conditions(kind, q))


def _occurs(kind: type[Model], word: str) -> ColumnElement[bool]:
    text = search_expression(kind)
    found = [like(text, word)]
    number = NUMBER.fullmatch(word)
    if number is not None:
        base = number["base"].replace(".", "").lstrip("0")
        if base and base != word:
            found.append(like(text, base))
        if kind is Employer and len(base) > 3 and ruc_check_digit(base[:-1]) == base[-1]:
            # Somebody left out the hyphen before the check digit.
            found.append(Employer.ruc_base == base[:-1])
    return or_(*found)


def like(text: Any, word: str) -> ColumnElement[bool]:
    """Whether a folded text has the word in it; what LIKE takes as a sign of its own is a letter here."""
    escaped = re.sub(r"([\\%_])", r"\\\1", word)
    condition: ColumnElement[bool] = text.like(literal("%") + func.fold(escaped) + "%")
    return condition


def found(kind: type[Record], q: str, limit: int = LIMIT, ranked: int = RANKED) -> Select[tuple[Record]]:
    """The records that answer a search, the closest first; doubles that gave way are left out."""
    query = select(kind).limit(limit)
    query = query.options(*(joinedload(getattr(kind, name)) for name in kind.lookup_load))
    standing = getattr(kind, "merged_into_id", None)
    if standing is not None:
        query = query.where(standing.is_(None))
    key = kind.__mapper__.primary_key[0]
    order = [getattr(kind, name) for name in kind.lookup_columns[:1]]
    if words(q):
        candidates = select(key).where(matching(kind, q)).limit(ranked)
        closeness = func.word_similarity(func.fold(" ".join(words(q))), search_expression(kind))
        query, order = query.where(key.in_(candidates)), [closeness.desc(), *order]
    return query.order_by(*order, key)


def long_enough(q: str) -> bool:
    """Whether a search has a word that an index can look for."""
    return any(len(word) >= SHORTEST for word in words(q))


def numbered(q: str, limit: int) -> list[Row[Any]]:
    """The documents of files within reach whose number is the one typed, then orders by a part of theirs.

    Rows of (number, title, happened_on, employer, order_id, visit_id, finding_id, report_id), one for each
    record that the document belongs to; the employer of orders and visits. Without a figure, nothing.
    """
    text = fold(q.strip()[:LONGEST])
    if not long_enough(q) or not any(c.isdigit() for c in text):
        return []
    exact = Document.number == text.upper()
    part = select(Document.id).where(Document.type_code == "OI", like(func.fold(Document.number), text))
    keys = union(select(Document.id).where(exact), part.limit(RANKED))
    owner = [getattr(RecordDocument, name) for name in ARC]
    employer = (
        select(Employer.legal_name).join(Establishment, Establishment.employer_id == Employer.id).limit(1)
    )
    of_order = employer.join(OrderEstablishment, OrderEstablishment.establishment_id == Establishment.id)
    of_visit = employer.join(Visit, Visit.establishment_id == Establishment.id)
    named = func.coalesce(
        of_order.where(OrderEstablishment.order_id == RecordDocument.order_id).scalar_subquery(),
        of_visit.where(Visit.id == RecordDocument.visit_id).scalar_subquery(),
    )
    shown = (Document.number, Document.title, Document.happened_on, named.label("employer"))
    query = select(*shown, *owner).join(RecordDocument, RecordDocument.document_id == Document.id)
    query = query.where(Document.id.in_(keys)).order_by(exact.desc(), Document.id.desc()).limit(limit)
    return list(Session.execute(query))


def search_employers(q: str, limit: int = LIMIT) -> list[Employer]:
    """Employers by parts of their names, RUC or cédula, the closest first."""
    return list(Session.scalars(found(Employer, q, limit)))
