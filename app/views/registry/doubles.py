"""The warning of doubles on a form: while typing (JSON), and again on the server when it is saved."""

from typing import Any

from flask import current_app, g, jsonify, request, url_for

from app.core.errors import DomainError
from app.operations.registry import LooksAlike, Similar

VIEWS = {"employer": "EmployerView", "establishment": "EstablishmentView"}


def with_url(item: Similar) -> dict[str, Any]:
    """A similar record as the page shows it."""
    return {
        "id": item.id,
        "text": item.text,
        "reason": item.reason,
        "url": url_for(f"{VIEWS[item.kind]}.show", pk=item.id),
    }


def answer(found: list[Similar]) -> Any:
    """The JSON answer of a `parecidos` address."""
    return jsonify([with_url(item) for item in found])


def confirmed() -> bool:
    """Whether the person looked at the similar ones and says that this is another."""
    return request.form.get("_confirmed") == "1"


def provisional_only(resource: str) -> bool:
    """Whoever may add and not edit registers provisional records alone."""
    return not current_app.extensions["appbuilder"].sm.has_access("can_edit", resource)


class WarnsOfDoubles:
    """For a registry view with an address `parecidos`: the form asks it, and shows what the save refused."""

    similar_fields: list[str] = []
    endpoint: str

    def render_template(self, template: str, **context: Any) -> Any:
        if template == self.add_template:  # type: ignore[attr-defined]
            g.sis_similar_url = url_for(f"{self.endpoint}.similar")
            g.sis_similar_fields = self.similar_fields
        return super().render_template(template, **context)  # type: ignore[misc]

    def _explain(self, form: Any, error: DomainError) -> None:
        if not isinstance(error, LooksAlike):
            super()._explain(form, error)  # type: ignore[misc]
            return
        g.sis_similar = [with_url(item) for item in error.similar]
        g.sis_similar_words = error.message
        g.sis_status = 422
