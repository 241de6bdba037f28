"""The registry's verbs: register, change, identify employers and establishments; find and join doubles."""

from app.operations.registry.details import check_detail
from app.operations.registry.employers import (
    change_employer,
    existing_employer,
    identify_employer,
    register_employer,
    update_employer,
)
from app.operations.registry.establishments import change_establishment, register_establishment
from app.operations.registry.likeness import LooksAlike, Similar, similar_employers, similar_establishments
from app.operations.registry.merges import merge_employers, merge_establishments, referring, undo_merge

__all__ = [
    "LooksAlike",
    "Similar",
    "change_employer",
    "change_establishment",
    "check_detail",
    "existing_employer",
    "identify_employer",
    "merge_employers",
    "merge_establishments",
    "referring",
    "register_employer",
    "register_establishment",
    "similar_employers",
    "similar_establishments",
    "undo_merge",
    "update_employer",
]
