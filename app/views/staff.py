"""Screens of the people of the procedure: inspectors, brigades, absences, posts, holders, delegations."""

from app.models.staff import Absence, Brigade, Delegation, Inspector, Post, PostHolder
from app.views.base import RegistryView


class InspectorView(RegistryView):
    """The inspectors."""

    kind = Inspector
    route_base = "/inspectores"
    list_columns = ["code", "last_name", "first_name", "office", "specialty", "active_to"]
    search_columns = ["code", "last_name", "first_name", "specialty"]
    form_columns = [
        "code",
        "first_name",
        "last_name",
        "document",
        "sex",
        "office_id",
        "account_id",
        "specialty",
        "contract_type",
        "has_vehicle",
        "active_from",
        "active_to",
    ]
    show_columns = [
        "code",
        "first_name",
        "last_name",
        "office",
        "account",
        "specialty",
        "contract_type",
        "has_vehicle",
        "active_from",
        "active_to",
    ]
    base_order = ("code", "asc")


class BrigadeView(RegistryView):
    """Groups of inspectors."""

    kind = Brigade
    route_base = "/brigadas"
    list_columns = ["code", "name", "office", "leader", "shift"]
    search_columns = ["code", "name", "subject"]
    form_columns = ["code", "name", "office_id", "leader_id", "shift", "subject"]
    show_columns = ["code", "name", "office", "leader", "shift", "subject", "members"]
    base_order = ("code", "asc")


class AbsenceView(RegistryView):
    """Who is away, and when."""

    kind = Absence
    route_base = "/ausencias"
    list_columns = ["inspector", "valid_from", "valid_to", "reason"]
    search_columns = ["valid_from", "valid_to", "reason"]
    form_columns = ["inspector_id", "valid_from", "valid_to", "reason"]
    show_columns = ["inspector", "valid_from", "valid_to", "reason"]
    base_order = ("valid_from", "desc")


class PostView(RegistryView):
    """The posts that sign."""

    kind = Post
    route_base = "/cargos"
    list_columns = ["code", "title", "office"]
    search_columns = ["code", "title"]
    form_columns = ["code", "title", "office_id", "role"]
    show_columns = ["code", "title", "office"]
    base_order = ("code", "asc")


class PostHolderView(RegistryView):
    """Who holds each post, and since when."""

    kind = PostHolder
    route_base = "/titulares"
    list_columns = ["post", "account", "holding", "valid_from", "valid_to"]
    search_columns = ["holding", "valid_from", "valid_to", "legal_act"]
    form_columns = ["post_id", "account_id", "holding", "valid_from", "valid_to", "legal_act"]
    show_columns = ["post", "account", "holding", "valid_from", "valid_to", "legal_act"]
    base_order = ("valid_from", "desc")


class DelegationView(RegistryView):
    """Delegated signatures."""

    kind = Delegation
    route_base = "/delegaciones"
    list_columns = ["document_type_code", "from_post", "to_post", "valid_from", "valid_to"]
    search_columns = ["document_type_code", "valid_from", "valid_to", "legal_act"]
    form_columns = ["from_post_id", "to_post_id", "document_type_code", "valid_from", "valid_to", "legal_act"]
    show_columns = ["document_type_code", "from_post", "to_post", "valid_from", "valid_to", "legal_act"]
    base_order = ("valid_from", "desc")
