"""What narrows the lists of orders, visits, findings and reports alike: words, days, phase, place."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select, tuple_, union

from app.models.catalogs import Department, District
from app.models.documents import Document
from app.models.inspections import FinalReport, Finding, InspectionOrder, OrderEstablishment, Visit
from app.models.procedures import ProcedureState
from app.models.registry import Employer, Establishment
from app.operations import figures, search
from app.views.lists import Day, Filter, OfRecord, OneOf, Yes

HINT = "Número de orden, empleador o su RUC, establecimiento."


def found(kind: Any) -> Any:
    """The search of a list: each word in the place or its employer, or the number of the order."""
    return lambda query, q: query.where(kind.id.in_(FOUND[kind](q)))


def in_phase(kind: Any, name: str, label: str, phases: Any, every: str = "Todos") -> Filter:
    """The records whose state is of a phase, in the version that each one stands on."""

    def narrow(query: Any, value: str) -> Any:
        state = (ProcedureState.version_code, ProcedureState.process_code, ProcedureState.code)
        known = select(*state).where(ProcedureState.phase == value)
        return query.where(tuple_(kind.version_code, kind.process_code, kind.state).in_(known))

    return OneOf(name, label, narrow, choices=phases, every=every, main=True)


def by_days(kind: Any) -> tuple[Filter, ...]:
    """From a day, to a day; and only what the figures count."""
    on = figures.day_of(kind)

    def narrow(query: Any, condition: Any) -> Any:
        if kind is Finding:
            return query.where(Finding.visit_id.in_(select(Visit.id).where(condition)))
        return query.where(condition)

    return (
        Day("desde", "Desde", lambda query, value: narrow(query, on >= value), main=True),
        Day("hasta", "Hasta", lambda query, value: narrow(query, on <= value), main=True),
        Yes("cuenta", "Solo lo que cuentan las cifras", lambda query, _: query.where(figures.counted(kind))),
    )


def by_place(kind: Any) -> tuple[Filter, ...]:
    """The department, and the district, of a place of the record."""

    def narrow(query: Any, inside: Any) -> Any:
        places = select(Establishment.id).where(inside)
        if kind is Visit:
            return query.where(Visit.establishment_id.in_(places))
        if kind is Finding:
            return query.where(
                Finding.visit_id.in_(select(Visit.id).where(Visit.establishment_id.in_(places)))
            )
        named = select(OrderEstablishment.order_id).where(OrderEstablishment.establishment_id.in_(places))
        return query.where((kind.id if kind is InspectionOrder else kind.order_id).in_(named))

    def of_department(query: Any, value: int) -> Any:
        districts = select(District.code).where(District.department_code == value)
        return narrow(query, Establishment.district_code.in_(districts))

    return (
        OfRecord("departamento", "Departamento", of_department, kind=Department),
        OfRecord(
            "distrito",
            "Distrito",
            lambda query, value: narrow(query, Establishment.district_code == value),
            kind=District,
            within=("departamento", "department_code"),
        ),
    )


def _orders(q: str) -> Any:
    return _either(select(OrderEstablishment.order_id), OrderEstablishment.establishment_id, q, _numbered(q))


def _visits(q: str) -> Any:
    by_number = select(Visit.id).where(Visit.order_id.in_(_numbered(q)))
    return _either(select(Visit.id), Visit.establishment_id, q, by_number)


def _findings(q: str) -> Any:
    return select(Finding.id).where(Finding.visit_id.in_(_visits(q)))


def _reports(q: str) -> Any:
    return select(FinalReport.id).where(FinalReport.order_id.in_(_orders(q)))


FOUND = {InspectionOrder: _orders, Visit: _visits, Finding: _findings, FinalReport: _reports}
"""The keys that answer a search."""


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
