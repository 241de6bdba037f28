"""The screen of an acta complementaria (working rule 6), and the acta printed together with it."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from flask import flash, redirect, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from wtforms import StringField
from wtforms.validators import InputRequired

from app.core.base import Session
from app.core.errors import DomainError, Missing
from app.documents.pdfs import joined
from app.models.inspections import Visit
from app.operations import files
from app.operations.inspections import corrections
from app.operations.moves import Details
from app.views.base import explain, valid
from app.views.inspections.shown import page_of
from app.views.inspections.steps import SignedForm, counted, pdf
from app.views.widgets import text_or_none

ROWS = 4
CELLS = ("target", "part", "says", "should_say", "reason")


class CorrectionForm(SignedForm):
    """Who receives, and the signature; the corrections are rows that the template draws."""

    name = StringField("Recibe por la parte empleadora", [InputRequired("Este dato es obligatorio.")])
    post = StringField("Cargo", filters=[text_or_none])
    refusal = StringField(
        "Si no firma, por qué", filters=[text_or_none], description="Queda constancia de la negativa."
    )


class CorrectionView(BaseView):
    """Actas complementarias."""

    route_base = "/complementarias"
    class_permission_name = "Visit"

    @expose("/<int:pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def correct(self, pk: int) -> Any:
        """Write and sign an acta complementaria of a visit."""
        visit = self._visit(pk)
        if visit.document is None:
            raise Missing()
        form = CorrectionForm()
        rows = [_row(number) for number in range(ROWS)]
        errors: dict[str, str] = {}
        if request.method == "GET":
            form.name.data, form.post.data = visit.attended_by, visit.attended_post
        elif valid(form):
            try:
                with counted(form.password.data):
                    corrections.correct(
                        visit,
                        rows,
                        Details(password=form.password.data or ""),
                        {name: form[name].data for name in ("name", "post", "refusal")},
                        drawing_of(request.form.get("drawing", "")),
                    )
            except DomainError as error:
                field = getattr(error, "field", None)
                if field and "-" in field:
                    errors[field] = error.message
                explain(form, error)
            else:
                flash("Acta complementaria firmada.", "success")
                return redirect(page_of(visit))
        return self.render_template(
            "inspections/correction.html",
            title="Acta complementaria",
            visit=visit,
            form=form,
            rows=rows,
            errors=errors,
            targets=corrections.targets(visit),
            back=page_of(visit),
        )

    @expose("/<int:pk>/juntas")
    @has_access
    @permission_name("show")
    def together(self, pk: int) -> Any:
        """The acta and its complementarias in one PDF."""
        visit = self._visit(pk)
        found = [visit.document] if visit.document else []
        for row in corrections.corrections_of(visit):
            if row.document not in found:
                found.append(row.document)
        if not found:
            raise Missing()
        pages = [files.read(document.file) for document in found if document and document.file]
        return pdf(joined(pages) or b"", f"{found[0].number} con sus complementarias.pdf")

    def _visit(self, pk: int) -> Visit:
        visit: Visit | None = Session.get(Visit, pk) if pk < 2**31 else None
        if visit is None:
            raise Missing()
        return visit


def _row(number: int) -> dict[str, str]:
    return {name: request.form.get(f"{name}-{number}", "") for name in CELLS}


def drawing_of(sent: str) -> bytes | None:
    """The picture that a signature pad sent as a data address; None when nothing was drawn."""
    head, comma, data = sent.partition(",")
    if not comma or not head.startswith("data:image/png;base64"):
        return None
    try:
        return base64.b64decode(data, validate=True) or None
    except binascii.Error:
        return None
