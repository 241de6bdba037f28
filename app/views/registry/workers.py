"""Workers: for inspectors, coordinators, safety and health, and lawyers."""

from flask import url_for

from app.models.registry import Worker
from app.views.base import RegistryView, columns_of
from app.views.exports import keys
from app.views.lists import Button, Column, Listing, matches

WORKERS = Listing(
    kind=Worker,
    title=Worker.label_plural,
    columns=(
        Column("name", "Nombre y apellido", lambda row: row.name, sort=Worker.name),
        Column("document_number", "Documento", lambda row: row.document_number, sort=Worker.document_number),
        Column("document_country", "País", lambda row: row.document_country),
        Column("birth_date", "Nacimiento", lambda row: row.birth_date, sort=Worker.birth_date),
    ),
    search=matches(Worker),
    hint="Nombre o parte, número de documento.",
    order="name",
    page=lambda row: url_for("WorkerView.show", pk=row.id),
    keys=keys(Worker),
    empty="Todavía no hay trabajadores: se cargan en la nómina de un hallazgo o desde aquí.",
    add=Button("Agregar trabajador", "WorkerView.add", ("can_add", "Worker")),
)


class WorkerView(RegistryView):
    """Workers: personal data."""

    kind = Worker
    route_base = "/trabajadores"
    list_columns = ["name"]
    listed = WORKERS
    form_sections = {
        "Persona": ["name", "document_number", "document_country", "birth_date", "sex", "nationality"],
        "Contacto y notas": ["phone", "notes"],
    }
    show_columns = [*columns_of(form_sections), "created_at", "updated_at"]
