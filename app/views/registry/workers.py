"""Workers: for inspectors, coordinators, safety and health, and lawyers."""

from app.models.registry import Worker
from app.views.registry.lists import SearchedView


class WorkerView(SearchedView):
    """Workers: personal data."""

    kind = Worker
    route_base = "/trabajadores"
    search_help = "Nombre o parte, número de documento."
    cells = [
        ("Nombre y apellido", lambda row: row.name),
        ("Documento", lambda row: row.document_number),
        ("País", lambda row: row.document_country),
        ("Nacimiento", lambda row: row.birth_date),
    ]
    form_columns = [
        "name",
        "document_number",
        "document_country",
        "birth_date",
        "sex",
        "nationality",
        "phone",
        "notes",
    ]
    show_columns = [*form_columns, "created_at", "updated_at"]
