"""The letters of inspections, filled in from their records: one builder for each kind of document."""

from app.operations.inspections.letters import record, remedy, report
from app.operations.inspections.letters.order import pack_pdf
from app.operations.inspections.letters.report import roster_pdf
from app.operations.inspections.letters.shared import matters, said

__all__ = ["matters", "pack_pdf", "record", "remedy", "report", "roster_pdf", "said"]
