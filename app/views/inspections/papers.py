"""Documents to download, and the public page that says whether a copy is good."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, g, redirect, render_template, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy import select

from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.documents.verify import normalise_code, printed_code
from app.models.documents import Document, DocumentStatus, StoredFile
from app.models.followup import RecordDocument, RecordMove
from app.models.inspections import Filing, Finding, InspectionOrder, VisitFile
from app.operations import files
from app.operations.inspections import facts, letters
from app.operations.unit import act
from app.security.principal import current
from app.security.roles import Role
from app.views.inspections.steps import pdf

VERDICTS = {
    "issued": ("valid", "Documento válido", "Valid document"),
    "amended": ("amended", "Documento válido, modificado por otro", "Valid document, amended by another one"),
    "annulled": ("annulled", "Documento anulado", "Annulled document"),
    "used": ("used", "Número usado en papel, fuera del sistema", "Number used on paper"),
    "reserved": ("reserved", "Número reservado: el documento todavía no se firmó", "Not signed yet"),
}

NAMED_FOR = frozenset(
    role.label
    for role in (Role.INSPECTOR, Role.COORDINATOR, Role.REGIONAL, Role.DIRECTOR, Role.LEGAL, Role.JUDGE)
)
"""Who may print the names of affected workers."""


class DocumentView(BaseView):
    """Documents and files of the records that the present person may see."""

    route_base = "/documentos"
    class_permission_name = "Document"

    @expose("/<int:pk>")
    @has_access
    @permission_name("show")
    def download(self, pk: int) -> Response:
        """The PDF of a document."""
        owned = select(RecordDocument.id).where(RecordDocument.document_id == pk).limit(1)
        document = Session.get(Document, pk) if pk < 2**31 and Session.scalar(owned) else None
        if document is None or document.file is None:
            raise Missing()
        return pdf(files.read(document.file), f"{document.number}.pdf")

    @expose("/archivo/<int:pk>")
    @has_access
    @permission_name("show")
    def file(self, pk: int) -> Response:
        """A photograph, a scan, a filing: whatever belongs to a record within the person's scope."""
        if pk >= 2**31 or not self._belongs(pk):
            raise Missing()
        row = Session.get(StoredFile, pk)
        if row is None:
            raise Missing()
        shown = row.content_type.startswith("image/") and "ver" in request.args
        response = Response(files.read(row), mimetype=row.content_type)
        name = f"{row.sha256[:12]}.{row.content_type.rpartition('/')[2]}"
        response.headers.set("Content-Disposition", "inline" if shown else "attachment", filename=name)
        return response

    @expose("/nomina/<int:pk>")
    @has_access
    @permission_name("show")
    def roster(self, pk: int) -> Response:
        """The annex of affected workers of a finding; names only for those who work with them (rule 14)."""
        finding = Session.get(Finding, pk) if pk < 2**31 else None
        if finding is None:
            raise Missing()
        entitled = current().roles & NAMED_FOR and "nombres" in request.args
        order = facts.order_of(finding)
        named_for = f"{g.user.get_full_name()}, en uso de sus funciones" if entitled else None
        with act("roster.print", reason="con nombres" if named_for else "sin nombres"):
            content = letters.roster_pdf(order, [finding], named_for)
        return pdf(content, f"Nómina {order.number}.pdf")

    def _belongs(self, pk: int) -> bool:
        owners = (
            select(VisitFile.id).where(VisitFile.file_id == pk),
            select(RecordMove.id).where(RecordMove.scan_id == pk),
            select(Filing.id).where(Filing.file_id == pk),
            select(InspectionOrder.id).where(InspectionOrder.authorisation_file_id == pk),
        )
        return any(Session.scalar(query.limit(1)) is not None for query in owners)


def register(app: Flask) -> None:
    """The public pages: a code typed or read from a QR."""
    app.add_url_rule("/v/", "verify.ask", ask, methods=["GET"])
    app.add_url_rule("/v/<code>", "verify.show", show, methods=["GET"])


def ask() -> Any:
    """The box where a code is typed."""
    typed = request.args.get("codigo", "")
    error = ""
    if typed:
        try:
            return redirect(url_for("verify.show", code=normalise_code(typed)))
        except RuleBroken as broken:
            error = broken.message
    page = render_template("inspections/verify.html", error=error, typed=typed, document=None, **_language())
    return page, 422 if error else 200


def show(code: str) -> Any:
    """What is known of a copy: valid, amended, annulled. No personal data."""
    try:
        wanted = normalise_code(code)
    except RuleBroken as broken:
        page = render_template(
            "inspections/verify.html", error=broken.message, typed=code[:20], document=None, **_language()
        )
        return page, 404
    document = Session.scalar(select(Document).where(Document.verification_code == wanted))
    if document is None:
        page = render_template(
            "inspections/verify.html",
            error="unknown",
            typed=printed_code(wanted),
            document=None,
            **_language(),
        )
        return page, 404
    status = document.status
    if status == DocumentStatus.ISSUED.value and document.replaced_by_id is not None:
        status = "amended"
    other = Session.get(Document, document.replaced_by_id) if document.replaced_by_id else None
    look, spanish, english = VERDICTS[status]
    return render_template(
        "inspections/verify.html",
        document=document,
        code=printed_code(wanted),
        look=look,
        verdict={"es": spanish, "en": english},
        other=other,
        sha256=document.file.sha256 if document.file else None,
        error="",
        typed="",
        **_language(),
    )


def _language() -> dict[str, str]:
    asked = request.args.get("lang") or request.accept_languages.best_match(["es", "en"]) or "es"
    return {"lang": "en" if asked == "en" else "es"}
