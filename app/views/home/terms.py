"""The running terms within a person's scope, whoever answers for them."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app.exchange.exports import Sheet
from app.models.followup import Term
from app.operations import figures, work
from app.views.exports import download, export_links, keys
from app.views.inspections.shown import page_of, term_mark
from app.views.widgets import whole

PAGE = 25


class TermPages:
    """The list of running terms; part of the first page's view."""

    appbuilder: Any
    render_template: Any

    @expose("/plazos/exportar.<form>")
    @has_access
    @permission_name("export")
    def export_terms(self, form: str) -> Response:
        """The running terms as a spreadsheet."""
        asked, offices = request.args, figures.office_codes()
        cells = [
            ("Registro", lambda term: work.name_of(term.record)),
            ("Plazo", lambda term: term.type.name),
            ("Vencimiento", lambda term: term.due_on),
            ("Situación", lambda term: term_mark(term).text),
            ("Oficina", lambda term: offices.get(term.office_id)),
            *keys(Term),
        ]
        query = figures.running_terms(whole(asked.get("oficina")), bool(asked.get("vencidos")))
        return download(Sheet("Plazos en curso", "term", cells, query), form)

    @expose("/plazos")
    @has_access
    @permission_name("get")
    def terms(self) -> str:
        """The running terms within the person's scope, by their last day; pages by key."""
        asked = request.args
        office, after = whole(asked.get("oficina")), whole(asked.get("despues"))
        rows, offices = figures.terms_page(office, bool(asked.get("vencidos")), after, PAGE + 1)
        kept = {name: asked[name] for name in ("oficina", "vencidos") if asked.get(name)}
        return str(
            self.render_template(
                "sis/terms.html",
                title="Plazos en curso",
                exports=export_links("HomeView.export_terms")
                if self.appbuilder.sm.has_access("can_export", "Home")
                else [],
                rows=[
                    (term, work.name_of(term.record), term_mark(term), page_of(term.record))
                    for term in rows[:PAGE]
                    if term.record is not None
                ],
                offices=offices,
                asked=asked,
                next_url=url_for("HomeView.terms", **kept, despues=rows[PAGE - 1].id)
                if len(rows) > PAGE
                else None,
                first_url=url_for("HomeView.terms", **kept) if after is not None else None,
                searching=bool(kept),
            )
        )
