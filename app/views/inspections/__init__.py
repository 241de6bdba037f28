"""Screens of inspections: orders, visits, findings, reports, their steps and documents."""

from app.views.inspections import timeline
from app.views.inspections.corrections import CorrectionView
from app.views.inspections.desk import SigningDeskView
from app.views.inspections.findings import FindingView
from app.views.inspections.orders import OrderView
from app.views.inspections.papers import DocumentView
from app.views.inspections.reports import ReportView
from app.views.inspections.requests import RequestView
from app.views.inspections.steps import StepView
from app.views.inspections.transfers import TransferView
from app.views.inspections.visits import VisitView

__all__ = [
    "CorrectionView",
    "DocumentView",
    "FindingView",
    "OrderView",
    "ReportView",
    "RequestView",
    "SigningDeskView",
    "StepView",
    "TransferView",
    "VisitView",
    "timeline",
]
