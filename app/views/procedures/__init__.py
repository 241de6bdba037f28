"""Procedure versions on screen: what rules, what a draft changes, what is checked, who publishes it."""

from app.views.procedures.data import ExtraDataView
from app.views.procedures.view import ProcedureView

__all__ = ["ExtraDataView", "ProcedureView"]
