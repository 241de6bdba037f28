"""«Otros datos»: the fields that the version of a record adds to it, on one page for every kind of record."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app.core.errors import Missing, NotAllowed, RuleBroken
from app.operations import extra
from app.views.base import version_sent
from app.views.inspections.shown import page_of, record_of


class ExtraDataView(BaseView):
    """The extra fields of one record."""

    route_base = "/otros-datos"
    class_permission_name = "Step"

    @expose("/<process>/<int:pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("take")
    def edit(self, process: str, pk: int) -> Any:
        """Fill them in."""
        record = record_of(process, pk)
        if record is None:
            raise Missing()
        if not self.appbuilder.sm.has_access("can_edit", type(record).__name__):
            raise NotAllowed()
        fields = extra.editable(record)
        if not fields:
            raise Missing()
        errors: dict[str, str] = {}
        if request.method == "POST":
            given = {each.code: request.form.getlist(each.code) for each in fields}
            try:
                extra.keep(record, given, version_sent())
            except RuleBroken as broken:
                errors[broken.field or ""] = broken.message
            else:
                flash("Se guardaron los otros datos.", "success")
                return redirect(page_of(record))
        return self.render_template(
            "procedures/data.html",
            title="Otros datos",
            record=record,
            fields=fields,
            typed={each.code: request.form.getlist(each.code) for each in fields} if errors else None,
            errors=errors,
            back=page_of(record),
        ), (422 if errors else 200)
