"""Screens of the catalogues."""

from app.models.catalogs import Activity, Department, District, Office
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


class DepartmentView(RegistryView):
    """Departments of the official catalogue; nobody edits them here."""

    kind = Department
    route_base = "/departamentos"
    page_size = 25
    base_permissions = ["can_list", "can_show"]
    list_columns = ["code", "name", "capital", "iso"]
    search_columns = ["name", "capital", "iso"]
    show_columns = ["code", "name", "official_name", "capital", "iso"]
    base_order = ("code", "asc")


class DistrictView(RegistryView):
    """Districts of the official catalogue; nobody edits them here."""

    kind = District
    route_base = "/distritos"
    page_size = 25
    base_permissions = ["can_list", "can_show"]
    list_columns = ["code", "name", "department"]
    search_columns = ["name", "department"]
    show_columns = ["code", "name", "official_name", "department"]
    base_order = ("name", "asc")


class ActivityView(RegistryView):
    """Economic activities of CIIU Rev. 4; nobody edits them here."""

    kind = Activity
    route_base = "/actividades"
    page_size = 25
    base_permissions = ["can_list", "can_show"]
    list_columns = ["code", "level", "title", "parent_code"]
    search_columns = ["code", "title", "level"]
    show_columns = ["code", "level", "title", "parent"]
    base_order = ("code", "asc")
