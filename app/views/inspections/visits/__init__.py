"""The screens of a visit: one step a page, from the door to the signed acta; the paper transcribed."""

from app.views.inspections.visits.view import VisitView

__all__ = ["VisitView"]
