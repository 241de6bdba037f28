"""Lists: declared once (`declared`), paged by key (`paging`), drawn by one template (`page`), kept."""

from app.views.lists.declared import (
    Button,
    Column,
    Day,
    Filter,
    Listing,
    OfRecord,
    OneOf,
    Yes,
    matches,
    of_office,
    options,
)
from app.views.lists.page import ListView
from app.views.lists.saved import SavedListView

__all__ = [
    "Button",
    "Column",
    "Day",
    "Filter",
    "ListView",
    "Listing",
    "SavedListView",
    "OfRecord",
    "OneOf",
    "Yes",
    "matches",
    "of_office",
    "options",
]
