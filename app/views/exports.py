"""Lists as spreadsheets: the buttons «Descargar CSV» and «Descargar XLSX» of every list, and their answers.

A view with a list takes `Exported` and says its `listing()`; the file has the filters and the order of the
page that the button is on, and the whole list. The door is `can_export`, apart from that of looking.
"""

from __future__ import annotations

from typing import Any

from flask import Response, request, send_file, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app.core.base import Model
from app.exchange import exports
from app.exchange.exports import Cells, Sheet
from app.exchange.tables import FORMATS

PAGING = frozenset({"despues", "antes", "filas"})
"""Arguments of a list that say which page of it is shown."""


class Exported:
    """A view whose list can be taken away."""

    endpoint: str
    class_permission_name: str
    appbuilder: Any

    def listing(self) -> Sheet:
        """The list of this request."""
        raise NotImplementedError

    @expose("/exportar.<form>")
    @has_access
    @permission_name("export")
    def export(self, form: str) -> Response:
        """The list as a spreadsheet."""
        return download(self.listing(), form)

    def render_template(self, template: str, **context: Any) -> Any:
        """Every page of the view knows where its list is taken from, for whom it may be."""
        if self.appbuilder.sm.has_access("can_export", self.class_permission_name):
            context.setdefault("exports", export_links(f"{self.endpoint}.export"))
        return super().render_template(template, **context)  # type: ignore[misc]


def download(sheet: Sheet, form: str) -> Response:
    """The answer with the file of a list; the act that it leaves says how the list was narrowed."""
    file = exports.take(sheet, form, "; ".join(f"{name}={value}" for name, value in _narrowing()))
    length = file.seek(0, 2)
    file.seek(0)
    name = f"{sheet.name.lower()}.{form}"
    response = send_file(file, mimetype=FORMATS[form][0], as_attachment=True, download_name=name)
    response.content_length = length
    return response


def export_links(endpoint: str, **address: Any) -> list[tuple[str, str]]:
    """(form, address) of each form of a list, narrowed as the page that is looked at."""
    kept: dict[str, Any] = {}
    for name, value in _narrowing():
        kept.setdefault(name, []).append(value)
    return [(form, url_for(endpoint, form=form, **(kept | address))) for form in FORMATS]


def keys(kind: type[Model]) -> Cells:
    """The column that tells the records of a list apart for a machine."""
    if "uuid" in kind.__table__.c:
        return [("Identificador público", lambda row: str(row.uuid))]
    return []


def _narrowing() -> list[tuple[str, str]]:
    return [(name, value) for name, value in request.args.items(multi=True) if value and name not in PAGING]
