"""The signing desk: sign many at once, print for the hand, bring the signed folder back by its scan."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import PurePath
from typing import Any

from flask import Blueprint, Response, flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from wtforms import PasswordField, TextAreaField

from app.core import clock
from app.core.errors import DomainError, Missing, RuleBroken
from app.core.types import inside
from app.documents import scans
from app.documents.verify import printed_code
from app.models.inspections import FinalReport, InspectionOrder, OrderOrigin, Priority, Proposal
from app.operations import signing
from app.operations.inspections.letters import said
from app.operations.signing import Entry, Folder, Outcome, Pick
from app.views.base import explain, valid
from app.views.inspections.shown import page_of, place_of
from app.views.inspections.steps import SignedForm, counted, pdf
from app.views.widgets import day_field, text_or_none, whole

DISCARD = "descartar"


class SignForm(SignedForm):
    """The password, once for all."""

    password = PasswordField(
        "Su contraseña",
        description="Una vez para todos: cada documento se firma por separado y lleva su propia huella.",
        render_kw={"autocomplete": "current-password", "data-autofocus": ""},
    )


class ReturnForm(FlaskForm):
    """Why documents are returned."""

    reason = TextAreaField(
        "Motivo de la devolución",
        filters=[text_or_none],
        description="Lo lee quien preparó cada documento. Queda en el expediente.",
    )


class FolderForm(FlaskForm):
    """When the papers of a folder were signed."""

    happened_on = day_field("Fecha de la firma", description="La que figura al pie de los documentos.")
    late_reason = TextAreaField(
        "Por qué se carga después",
        filters=[text_or_none],
        description="Solo si se firmaron antes de hoy. El escaneo queda como respaldo.",
        render_kw={"rows": 2},
    )


class SigningDeskView(BaseView):
    """What waits for a signature of the present person, or of the minister.

    Its doors: `list`; `take` signs, returns and prints; `add` brings signed folders; `undo` annuls a number.
    """

    route_base = "/firmas"
    class_permission_name = "SigningDesk"
    default_view = "list"

    def create_blueprint(self, *arguments: Any, **options: Any) -> Blueprint:
        """A scanned folder is larger than other forms; the limit is set before anybody reads the form."""
        blueprint: Blueprint = super().create_blueprint(*arguments, **options)
        blueprint.url_value_preprocessor(_allow_folders)
        return blueprint

    @expose("/")
    @has_access
    def list(self) -> Any:
        """The documents that wait, the numbers that are out, the folders that are not finished."""
        waiting, reserved = signing.waiting(), signing.reserved()
        shown = {one.document.id for one in waiting if one.document is not None}
        return self.render_template(
            "inspections/desk.html",
            title="Mesa de firmas",
            waiting=waiting,
            others=[one for one in reserved if one.document.id not in shown],
            stale=[one for one in reserved if one.stale],
            folders=signing.folders() if self._may("can_add") else [],
            all_picked="todos" in request.args,
            batch=signing.BATCH,
            most=signing.MOST,
            employer=_employer,
            team=_team,
            why=_why,
            page_of=page_of,
            may={name: self._may(f"can_{name}") for name in ("take", "add", "undo")},
        )

    @expose("/revisar", methods=["POST"])
    @has_access
    @permission_name("take")
    def review(self) -> Any:
        """The chosen documents, each with its seal, and the box for the password."""
        return self._review(SignForm(formdata=None))

    @expose("/firmar", methods=["POST"])
    @has_access
    @permission_name("take")
    def sign(self) -> Any:
        """Sign them all: an outcome for each."""
        form = SignForm()
        if valid(form):
            try:
                with counted(form.password.data):
                    outcomes = signing.sign(_picks(), form.password.data or "")
            except RuleBroken as error:
                explain(form, error)
            else:
                return self._outcomes("Resultado de la firma", outcomes, "firmado", "firmados")
        return self._review(form)

    def _review(self, form: SignForm) -> Any:
        try:
            picks = _picks()
            found = signing.review(picks)
        except RuleBroken as error:
            flash(error.message, "warning")
            return redirect(url_for("SigningDeskView.list"))
        return self.render_template(
            "inspections/desk_review.html",
            title="Firmar",
            form=form,
            ready=[one for one in found if not one.reasons],
            refused=[one for one in found if one.reasons],
            # A wrong password shows the page again: what was read stays what is signed.
            seals={str(pick): pick.seal for pick in picks if pick.seal},
            employer=_employer,
            team=_team,
            why=_why,
        )

    @expose("/devolver", methods=["POST"])
    @has_access
    @permission_name("take")
    def give_back(self) -> Any:
        """Return the chosen documents unsigned, with a reason."""
        form = ReturnForm()
        try:
            picks = _picks()
            asked = signing.chosen(picks)
            found = [one for one in asked if one.may_return]
            if "reason" in request.form and valid(form):
                return self._outcomes(
                    "Resultado de la devolución",
                    signing.give_back(picks, form.reason.data or ""),
                    "devuelto",
                    "devueltos",
                )
        except RuleBroken as error:
            if error.field != "reason":
                flash(error.message, "warning")
                return redirect(url_for("SigningDeskView.list"))
            explain(form, error)
        if not found:
            flash(
                "Los documentos elegidos no se devuelven desde aquí: ábralos para ver sus pasos.", "warning"
            )
            return redirect(url_for("SigningDeskView.list"))
        return self.render_template(
            "inspections/desk_return.html",
            title="Devolver sin firmar",
            form=form,
            found=found,
            kept=[one for one in asked if not one.may_return],
            page_of=page_of,
            employer=_employer,
        )

    @expose("/imprimir", methods=["POST"])
    @has_access
    @permission_name("take")
    def printed(self) -> Any:
        """One PDF of the chosen documents to sign by hand, their numbers reserved."""
        try:
            content, outcomes = signing.printed(_picks())
        except RuleBroken as error:
            flash(error.message, "warning")
            return redirect(url_for("SigningDeskView.list"))
        return self._paper(content, outcomes)

    @expose("/reimprimir", methods=["POST"])
    @has_access
    @permission_name("take")
    def reprinted(self) -> Any:
        """The papers in the name of who left the post, anew in the name of who holds it."""
        content, outcomes = signing.reprinted()
        if not outcomes:
            flash("No hay documentos a nombre de quien dejó el cargo.", "info")
            return redirect(url_for("SigningDeskView.list"))
        return self._paper(content, outcomes)

    def _paper(self, content: bytes | None, outcomes: Sequence[Outcome]) -> Any:
        """The PDF when all went well; else what failed, and a button for the others."""
        if content is not None and all(one.ok for one in outcomes):
            return pdf(content, f"Para firmar {clock.today():%Y-%m-%d}.pdf")
        return self._outcomes("Resultado de la impresión", outcomes, "impreso", "impresos")

    @expose("/anular/<int:pk>", methods=["POST"])
    @has_access
    @permission_name("undo")
    def annul(self, pk: int) -> Any:
        """Annul a reserved number that will not be signed."""
        try:
            document = signing.annul(pk, request.form.get("annulled_reason", "")[:500])
        except RuleBroken as error:
            flash(error.message, "danger")
        else:
            flash(
                f"El número {document.number} quedó anulado: figura en el libro y no se usa más.", "success"
            )
        return redirect(url_for("SigningDeskView.list"))

    @expose("/escanear", methods=["POST"])
    @has_access
    @permission_name("add")
    def scan(self) -> Any:
        """Take a scanned folder and read it."""
        sent = [one for one in request.files.getlist("scan") if one.filename]
        name = PurePath(sent[0].filename or "").name if sent else ""
        if len(sent) > 1:
            name = f"{name} y {len(sent) - 1} más"
        try:
            key = signing.receive([one.read() for one in sent], name or "carpeta")
        except RuleBroken as error:
            flash(error.message, "danger")
            return redirect(url_for("SigningDeskView.list", _anchor="escanear"))
        return redirect(url_for("SigningDeskView.folder", pk=key))

    @expose("/carpetas/<int:pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def folder(self, pk: int) -> Any:
        """What each page of a folder is, and attaching each part to its document."""
        folder = signing.folder(pk)
        form = FolderForm()
        if request.method == "GET":
            form.happened_on.data = clock.today()
        elif valid(form) and "actualizar" not in request.form:
            try:
                entries, discarded = _decisions(folder)
                attached = signing.attach(
                    folder,
                    entries,
                    discarded,
                    happened_on=form.happened_on.data or clock.today(),
                    late_reason=form.late_reason.data or "",
                )
            except DomainError as error:
                explain(form, error)
            else:
                if not attached.outcomes:
                    flash(f"Páginas descartadas: {len(discarded)}.", "success")
                    more = ("folder", {"pk": pk}) if attached.left else ("list", {})
                    return redirect(url_for(f"SigningDeskView.{more[0]}", **more[1]))
                return self._outcomes(
                    "Resultado de la carpeta",
                    attached.outcomes,
                    "adjuntado",
                    "adjuntados",
                    folder=folder if attached.left else None,
                    left=attached.left,
                )
        on: date = form.happened_on.data or clock.today()
        return self.render_template(
            "inspections/desk_folder.html",
            title=f"Carpeta escaneada: {folder.name}",
            folder=folder,
            form=form,
            on=on,
            preview=signing.preview(folder, on, _assigned(folder)),
            printed_code=printed_code,
            employer=_employer,
            discard=DISCARD,
            asked=request.form,
        )

    @expose("/carpetas/<int:pk>/<int:page>.jpg")
    @has_access
    @permission_name("add")
    def picture(self, pk: int, page: int) -> Response:
        """The small picture of a page."""
        response = Response(signing.picture(signing.folder(pk), page), mimetype="image/jpeg")
        response.headers["Cache-Control"] = "private, max-age=3600"
        return response

    def _outcomes(self, title: str, outcomes: Sequence[Outcome], one: str, many: str, **more: Any) -> Any:
        done = [each for each in outcomes if each.ok]
        if not done:
            g.sis_status = 422
        return self.render_template(
            "inspections/desk_result.html",
            title=title,
            done=done,
            failed=[each for each in outcomes if not each.ok],
            word=one if len(done) == 1 else many,
            printing=one == "impreso",
            page_of=page_of,
            **more,
        )

    def _may(self, permission: str) -> bool:
        return bool(self.appbuilder.sm.has_access(permission, "SigningDesk"))


def _allow_folders(endpoint: str | None, values: dict[str, Any] | None) -> None:
    if endpoint == "SigningDeskView.scan":
        request.max_content_length = scans.MOST_BYTES + 1024 * 1024


def _picks() -> list[Pick]:
    return [
        Pick.parse(text, request.form.get(f"seal-{text}", "")[:64])
        for text in dict.fromkeys(request.form.getlist("pick"))
    ]


def _assigned(folder: Folder) -> dict[int, int]:
    """Page -> document, as the form says."""
    said = {number: request.form.get(f"page-{number}", "") for number in folder.left}
    return {number: key for number, text in said.items() if (key := whole(text)) is not None}


def _decisions(folder: Folder) -> tuple[list[Entry], list[int]]:
    """What the clerk decided: pages to documents, pages set aside. Pages without a word stay."""
    pages: dict[int, list[int]] = {}
    for number, key in _assigned(folder).items():
        pages.setdefault(key, []).append(number)
    entries = [
        Entry(
            key,
            tuple(numbers),
            whole(request.form.get(f"signatory-{key}", "")),
            request.form.get(f"way-{key}", ""),
            request.form.get(f"reason-{key}", "").strip(),
        )
        for key, numbers in pages.items()
    ]
    return entries, [number for number in folder.left if request.form.get(f"page-{number}") == DISCARD]


def _order(record: Any) -> InspectionOrder:
    order: InspectionOrder | None = getattr(record, "order", record)
    if order is None:
        raise Missing()
    return order


def _employer(record: Any) -> str:
    """Whom a document concerns, in a line."""
    return place_of(_order(record)) or "—"


def _team(record: Any) -> str:
    """Who inspects, the leader first."""
    return ", ".join(each.inspector.full_name for each in _order(record).designated)


def _why(record: Any) -> str:
    """Why an order begins, or what a report proposes."""
    if isinstance(record, FinalReport):
        return f"Propone: {inside(said(Proposal, record.proposal))}" if record.proposal else ""
    order = _order(record)
    return f"{said(OrderOrigin, order.origin)} · {said(Priority, order.priority)}"
