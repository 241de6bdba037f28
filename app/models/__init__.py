"""Tables, one file per context; contexts point one way: audit < catalogs < security < registry < norms < ...

Importing this package declares every table on the one metadata.
"""

from app.models import (
    catalogs,
    checklists,
    documents,
    followup,
    imports,
    inspections,
    norms,
    procedures,
    registry,
    security,
    staff,
    system,
    transfers,
)

__all__ = [
    "catalogs",
    "checklists",
    "documents",
    "followup",
    "imports",
    "inspections",
    "norms",
    "procedures",
    "registry",
    "security",
    "staff",
    "system",
    "transfers",
]
