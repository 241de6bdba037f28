"""Screens of the catalogues."""

from app.models.catalogs import Office
from app.views.base import RegistryView


class OfficeView(RegistryView):
    """The offices of the ministry."""

    kind = Office
    route_base = "/oficinas"
    list_columns = ["code", "name", "kind", "city", "opened_on", "closed_on"]
    search_columns = ["code", "name", "kind", "city"]
    form_columns = [
        "code",
        "series_code",
        "name",
        "kind",
        "parent_id",
        "city",
        "address",
        "phone",
        "email",
        "opened_on",
        "closed_on",
    ]
    show_columns = [
        "code",
        "series_code",
        "name",
        "kind",
        "parent",
        "city",
        "address",
        "phone",
        "email",
        "opened_on",
        "closed_on",
        "created_at",
        "updated_at",
    ]
    base_order = ("code", "asc")
