"""Screens of inspections: orders, visits, findings, reports, their steps and documents."""

from app.views.inspections.orders import OrderView
from app.views.inspections.papers import DocumentView
from app.views.inspections.reports import ReportView
from app.views.inspections.steps import StepView
from app.views.inspections.visits import VisitView

__all__ = ["DocumentView", "OrderView", "ReportView", "StepView", "VisitView"]
