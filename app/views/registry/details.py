"""What is added from the page of an employer or establishment: patronal numbers, headcounts, contacts."""

from typing import Any

from flask import g, redirect, url_for
from werkzeug.wrappers import Response

from app.core.base import Model
from app.models.registry import Contact, Establishment, Headcount, PatronalNumber
from app.operations import records
from app.operations.registry import check_detail
from app.views.base import RegistryView, columns_of
from app.views.references import ReferenceField


class Writer:
    """Written as any record, after the rules that hold for all details."""

    @staticmethod
    def create(kind: type[Model], values: dict[str, Any]) -> Any:
        """A new detail of an employer or establishment."""
        made = records.create(kind, check_detail(kind, values))
        _remember(made)
        return made

    @staticmethod
    def change(kind: type[Model], key: Any, values: dict[str, Any], version: int | None) -> Any:
        """Change a detail."""
        made = records.change(kind, key, check_detail(kind, values), version)
        _remember(made)
        return made


def _remember(made: Any) -> None:
    g.sis_owner = (
        ("EstablishmentView.show", made.establishment_id)
        if isinstance(made, Headcount)
        else ("EmployerView.show", made.employer_id)
    )


class DetailView(RegistryView):
    """Belongs to the page of an employer or establishment, and goes back there."""

    writer = Writer
    page_size = 25

    def post_add_redirect(self) -> Response:
        endpoint, key = g.sis_owner
        return redirect(url_for(endpoint, pk=key))

    post_edit_redirect = post_add_redirect


def _of_the_employer() -> Any:
    return ReferenceField(
        Establishment,
        False,
        depends_on=("employer_id", "employer_id"),
        creates=True,
        label="Establecimiento",
        description="Cuando es de una sola sucursal.",
    )


class PatronalNumberView(DetailView):
    """Patronal numbers."""

    kind = PatronalNumber
    route_base = "/numeros-patronales"
    list_columns = ["number", "kind", "employer"]
    search_columns = ["number", "kind"]
    extra_fields = {"establishment_id": _of_the_employer()}
    form_sections = {
        "Número patronal": ["employer_id", "establishment_id", "kind", "number"],
    }
    show_columns = ["employer", "kind", "number", "establishment"]


class ContactView(DetailView):
    """Contacts."""

    kind = Contact
    route_base = "/contactos"
    list_columns = ["name", "role", "employer"]
    search_columns = ["name", "role"]
    extra_fields = {"establishment_id": _of_the_employer()}
    form_sections = {
        "De quién es": ["employer_id", "establishment_id"],
        "Contacto": ["name", "role", "phone", "email"],
    }
    show_columns = ["employer", "name", "role", "phone", "email", "establishment"]


class HeadcountView(DetailView):
    """Headcounts: a new count is a new row."""

    kind = Headcount
    route_base = "/personal"
    list_columns = ["as_of", "source", "women", "men"]
    search_columns = ["as_of", "source"]
    form_sections = {
        "A qué se refiere": ["establishment_id", "as_of", "source"],
        "Total": ["women", "men"],
        "Incluidos en el total": ["adolescents", "foreigners", "disabled", "indigenous"],
    }
    show_columns = ["establishment", *columns_of(form_sections)[1:]]
