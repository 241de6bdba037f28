"""The registry: employers, their establishments, and what identifies, describes and reaches them; workers.

Nobody is turned away for lack of papers: an employer is identified by RUC, by cédula, or provisionally by a
description; an establishment by its address, or by a point and words (working rule 15). A record that turned
out to be a double stays, pointing at the one that was kept (`merged_into_id`), and leaves lists and searches.
"""

from app.models.registry.details import (
    Contact,
    Headcount,
    HeadcountSource,
    PatronalKind,
    PatronalNumber,
)
from app.models.registry.employers import (
    EAST,
    NORTH,
    SOUTH,
    WEST,
    Employer,
    EmployerKind,
    EmployerStatus,
    Establishment,
)
from app.models.registry.merges import Merge
from app.models.registry.search import search_expression
from app.models.registry.workers import Sex, Worker

__all__ = [
    "EAST",
    "NORTH",
    "SOUTH",
    "WEST",
    "Contact",
    "Employer",
    "EmployerKind",
    "EmployerStatus",
    "Establishment",
    "Headcount",
    "HeadcountSource",
    "Merge",
    "PatronalKind",
    "PatronalNumber",
    "Sex",
    "Worker",
    "search_expression",
]
