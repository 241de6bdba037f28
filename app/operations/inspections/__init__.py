"""Inspections: the only writers of orders, visits, findings and reports.

Importing this package registers what their guards ask and what their moves bring about.
"""

from app.operations.inspections import (
    effects,
    facts,
    findings,
    letters,
    orders,
    questionnaire,
    reports,
    visits,
)

__all__ = [
    "corrections",
    "effects",
    "facts",
    "findings",
    "letters",
    "orders",
    "questionnaire",
    "reports",
    "visits",
]
