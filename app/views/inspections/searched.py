"""What narrows the lists of orders, visits and findings alike: words, days, what the figures count."""

from __future__ import annotations

from typing import Any, Self

from flask import request
from sqlalchemy import func, select, union
from wtforms import BooleanField

from app.models.documents import Document
from app.models.inspections import Finding, InspectionOrder, OrderEstablishment, Visit
from app.models.registry import Employer, Establishment
from app.operations import figures, search
from app.views.registry.lists import SearchForm
from app.views.widgets import day_field

ACT_FILTERS = ("q", "desde", "hasta", "cuenta")


class ActSearch(SearchForm):
    """A search of orders, visits or findings; a list adds its own filters."""

    desde = day_field("Desde")
    hasta = day_field("Hasta")
    cuenta = BooleanField("Solo lo que cuentan las cifras")

    @classmethod
    def asked(cls) -> Self:
        """The search of this request, judged."""
        form = cls(request.args, meta={"csrf": False})
        form.validate()
        return form


def narrowed(query: Any, kind: type[Any], form: ActSearch) -> Any:
    """The select of a list with the filters of its form; a day that was typed wrong narrows nothing."""
    words = (form.q.data or "").strip()
    if words:
        query = query.where(kind.id.in_(FOUND[kind](words)))
    if form.cuenta.data:
        query = query.where(figures.counted(kind))
    on = figures.day_of(kind)
    days = [on >= form.desde.data] if form.desde.data else []
    days += [on <= form.hasta.data] if form.hasta.data else []
    if days and kind is Finding:
        return query.where(Finding.visit_id.in_(select(Visit.id).where(*days)))
    return query.where(*days)


def _orders(q: str) -> Any:
    return _either(select(OrderEstablishment.order_id), OrderEstablishment.establishment_id, q, _numbered(q))


def _visits(q: str) -> Any:
    by_number = select(Visit.id).where(Visit.order_id.in_(_numbered(q)))
    return _either(select(Visit.id), Visit.establishment_id, q, by_number)


def _findings(q: str) -> Any:
    return select(Finding.id).where(Finding.visit_id.in_(_visits(q)))


FOUND = {InspectionOrder: _orders, Visit: _visits, Finding: _findings}
"""The keys that answer a search: each word in the place or its employer, or the number of the order."""


def _either(keys: Any, place: Any, q: str, by_number: Any) -> Any:
    """Keys by their place, or by number where one was typed.

    A union for each word, so that every part is answered by its own trigram index: an OR over two tables
    by none.
    """
    for word in search.words(q):
        here = select(Establishment.id).where(search.matching(Establishment, word))
        theirs = select(Establishment.id).join(Employer, Employer.id == Establishment.employer_id)
        keys = keys.where(place.in_(union(here, theirs.where(search.matching(Employer, word)))))
    return union(keys, by_number) if any(c.isdigit() for c in q) else keys


def _numbered(q: str) -> Any:
    return (
        select(InspectionOrder.id)
        .join(Document, Document.id == InspectionOrder.document_id)
        .where(Document.type_code == "OI", search.like(func.fold(Document.number), q))
    )
