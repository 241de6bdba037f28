"""Tables, one file per context; contexts point one way: audit < catalogs < security < registry < norms < ...

Importing this package declares every table on the one metadata.
"""

from app.models import (
    audit,
    catalogs,
    checklists,
    documents,
    followup,
    imports,
    inspections,
    lists,
    machines,
    norms,
    procedures,
    registry,
    security,
    staff,
    system,
    transfers,
)

__all__ = [
    "audit",
    "catalogs",
    "checklists",
    "documents",
    "followup",
    "imports",
    "inspections",
    "lists",
    "machines",
    "norms",
    "procedures",
    "registry",
    "security",
    "staff",
    "system",
    "transfers",
]
