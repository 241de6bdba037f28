"""A step of a record: one form for every move of every process, made from the move itself."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from flask import Response, current_app, flash, g, jsonify, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import FileField, HiddenField, PasswordField, RadioField, SelectField, StringField, TextAreaField

from app.core import clock
from app.core.base import Session
from app.core.errors import DomainError, Missing, RuleBroken
from app.documents.scans import draw
from app.models.documents import DocumentType, SigningMode
from app.models.followup import RecordMove
from app.operations import attachments, moves, papers, second_factor
from app.operations.moves import Details
from app.views.base import explain, valid
from app.views.inspections.shown import mark, page_of, record_of
from app.views.widgets import day_field, text_or_none

SUBSTITUTION = "OI-SUS"
LOOK_BACK = timedelta(days=60)
"""How long ago somebody who left his post may have signed what is recorded now."""


class SignedForm(FlaskForm):
    """What proves a signer: the password, and the code of who has a second factor."""

    password = PasswordField(
        "Su contraseña",
        description="Firmar pide la contraseña otra vez.",
        render_kw={"autocomplete": "current-password"},
    )
    code = StringField(
        "Código del teléfono",
        description="De su segundo factor. Uno alcanza para todo lo que firma ahora.",
        render_kw={"autocomplete": "one-time-code", "inputmode": "numeric"},
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if second_factor.factor_of(g.user.id) is None:
            del self.code


class StepForm(SignedForm):
    """What a person says about an act; fields that a move does not ask for are taken out."""

    happened_on = day_field(
        "Fecha del acto",
        description="Cuándo ocurrió. Si fue antes de hoy, complete el motivo y adjunte el escaneo.",
    )
    reason = TextAreaField("Motivo", filters=[text_or_none])
    signing_mode = RadioField("Cómo se firma", choices=[(each.value, each.label) for each in SigningMode])
    signatory_account_id = SelectField(
        "Quién firmó", coerce=lambda value: int(value) if value else None, validate_choice=False
    )
    external_number = StringField("Número", description="El que le dio la otra dependencia.")
    scan = FileField(
        "Escaneo",
        description="PDF o fotografía del documento firmado, o de la prueba del acto.",
        render_kw={"accept": "application/pdf,image/*"},
    )
    late_reason = TextAreaField("Por qué se carga después", filters=[text_or_none])
    seal = HiddenField()


class StepView(BaseView):
    """The steps of orders, visits, findings and reports."""

    route_base = "/pasos"
    class_permission_name = "Step"

    @expose("/<process>/<int:pk>/<code>", methods=["GET", "POST"])
    @has_access
    @permission_name("take")
    def take(self, process: str, pk: int, code: str) -> Any:
        """The form of a step, and taking it."""
        record = record_of(process, pk)
        if record is None:
            raise Missing()
        offer = next((o for o in moves.offers(record) if o.move.code == code), None)
        if offer is None:
            raise Missing()
        if SUBSTITUTION in offer.move.letters:  # its form asks for the team
            return redirect(url_for("OrderView.team", pk=pk))
        form = StepForm()
        types = [kind for letter in offer.move.letters if (kind := Session.get(DocumentType, letter))]
        signers = self._signers(record, offer.move.letters)
        fit(form, offer.move, types, signers, record)
        if request.method == "POST" and valid(form):
            try:
                details = details_of(form)
                with counted(details.password):
                    moves.move(record, code, details)
            except DomainError as error:
                explain(form, error)
                offer = next((o for o in moves.offers(record) if o.move.code == code), offer)
            else:
                flash(f"{offer.move.label}: hecho.", "success")
                return redirect(page_of(record))
        elif request.method == "GET":
            form.happened_on.data = clock.today()
            if len(types) == 1 and papers.SIGNED_ON_RECORD.isdisjoint(offer.move.letters) and "seal" in form:
                form.seal.data = _seal(record, types[0].code)
        return self.render_template(
            "inspections/step.html",
            title=offer.move.label,
            form=form,
            offer=offer,
            record=record,
            process=process,
            types=types,
            mark=mark(record),
            back=page_of(record),
            foreseen=moves.foreseen(record, offer.move),
            seal=form.seal.data if "seal" in form else None,
        )

    @expose("/imprimir/<process>/<int:pk>/<code>/<letter>", methods=["POST"])
    @has_access
    @permission_name("take")
    def printed(self, process: str, pk: int, code: str, letter: str) -> Any:
        """Reserve the number of a document and give the PDF to sign by hand (working rule 1)."""
        record = record_of(process, pk)
        offer = next((o for o in moves.offers(record) if o.move.code == code), None) if record else None
        if offer is None or letter not in offer.move.letters:
            raise Missing()
        if not offer.allowed:
            raise RuleBroken(" ".join(offer.reasons))
        document, content = papers.print_for_signature(record, letter)
        return pdf(content, f"{document.number} para firmar.pdf")

    @expose("/borrador/<process>/<int:pk>/<letter>")
    @has_access
    @permission_name("take")
    def draft(self, process: str, pk: int, letter: str) -> Any:
        """What a document would say, marked as a draft: a PDF, or (`?paginas`) its pages as pictures."""
        record = record_of(process, pk)
        if record is None or letter not in papers.buildable():
            raise Missing()
        letters = {code for step in moves.process_of(record).moves for code in step.letters}
        if letter not in letters:
            raise Missing()
        content = papers.draft(record, letter)
        if "paginas" in request.args:
            return jsonify(
                pages=[f"data:image/jpeg;base64,{b64encode(page).decode()}" for page in draw(content)]
            )
        return pdf(content, f"Borrador {letter}.pdf")

    @expose("/retenido/<int:pk>", methods=["POST"])
    @has_access
    @permission_name("review")
    def review(self, pk: int) -> Any:
        """The coordinator's answer to a held act (working rule 3)."""
        step = Session.get(RecordMove, pk)
        if step is None:
            raise Missing()
        try:
            moves.review(step, request.form.get("review", ""))
        except RuleBroken as error:
            flash(error.message, "danger")
        else:
            flash("Acto revisado: el expediente sigue su curso.", "success")
        return redirect(page_of(step.record))

    def _signers(self, record: Any, letters: tuple[str, ...]) -> list[tuple[int, str]]:
        found = {}
        for letter in letters:
            for one in papers.signatories_since(record, letter, clock.today() - LOOK_BACK):
                found.setdefault(one.account_id, str(one))
        return sorted(found.items(), key=lambda item: item[1])


@contextmanager
def counted(password: str | None, who: str | None = None) -> Iterator[None]:
    """Around a signature by password, with the code typed beside it: wrong ones are counted as at the door.

    Raises RuleBroken at the password's field while the person has to wait.
    """
    if not password:
        yield
        return
    name = f"firma {who or g.user.username}"
    with current_app.extensions["appbuilder"].sm.counted(name):
        with second_factor.offered(request.form.get("code")):
            yield


def pdf(content: bytes, name: str) -> Response:
    """A PDF as a download; nothing in it runs in our pages."""
    response = Response(content, mimetype="application/pdf")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _seal(record: Any, code: str) -> str | None:
    try:
        return papers.seal(record, code)
    except DomainError:
        return None  # what is missing is said by the guards and by the draft


def fit(form: Any, step: Any, types: list[DocumentType], signers: list[Any], record: Any) -> None:
    """Leave in the form what this step asks for."""
    own_signature = bool(types) and papers.SIGNED_ON_RECORD.isdisjoint(step.letters)
    if not step.reason_required:
        form.reason.description = "Si hace falta explicarlo."
    if not types:
        for name in ("signing_mode", "password", "signatory_account_id", "external_number", "seal"):
            delattr(form, name)
        return
    modes = set.intersection(*(set(kind.signing_modes) for kind in types))
    if not own_signature:
        del form.password, form.seal
        modes -= {SigningMode.ELECTRONIC.value}
        form.signing_mode.choices = [
            (SigningMode.DRAWN.value, "Con las firmas tomadas en la visita"),
            (SigningMode.HANDWRITTEN.value, "Se firmó de puño y letra: se adjunta el escaneo"),
        ]
        form.signing_mode.default = SigningMode.DRAWN.value
        del form.signatory_account_id
    else:
        modes -= {SigningMode.DRAWN.value}  # drawn signatures are taken on the record of a visit
        here = all(papers.signs(record, kind.code, clock.today()) for kind in types)
        inspectors = all("inspector" in kind.signer_roles for kind in types)
        if not here and not inspectors:
            modes -= {SigningMode.ELECTRONIC.value}
        form.signing_mode.choices = [(m.value, m.label) for m in SigningMode if m.value in modes]
        form.signing_mode.default = next(
            (value for value, _ in reversed(form.signing_mode.choices)), SigningMode.HANDWRITTEN.value
        )
        form.signatory_account_id.choices = [("", "Elija…"), *signers]
        if not signers:
            del form.signatory_account_id
        if SigningMode.ELECTRONIC.value not in modes:
            del form.password, form.seal
    if form.signing_mode.data is None:
        form.signing_mode.data = form.signing_mode.default
    if all(kind.number_owner == "sis" for kind in types):
        del form.external_number


def details_of(form: Any) -> Details:
    """What the form says, with its scan kept."""
    values = {name: field.data for name, field in form._fields.items() if name not in ("scan", "csrf_token")}
    upload = form.scan.data
    content = upload.read() if upload else b""
    scan_id = attachments.receive(content, "scan").file.id if content else None
    happened: date | None = values.pop("happened_on", None)
    clean = {name: value for name, value in values.items() if value is not None}
    return moves.details_from(clean, happened_on=happened, scan_id=scan_id)


def held_moves(records: list[Any]) -> list[RecordMove]:
    """The held acts of a file that wait for the coordinator."""
    return held_of(moves.history(records))


def held_of(log: list[RecordMove]) -> list[RecordMove]:
    """The steps of a log that wait for the coordinator."""
    return [step for step in log if step.holds and step.reviewed_at is None]


def recent(limit: int = 20) -> list[RecordMove]:
    """Every held act that the present person may see."""
    query = select(RecordMove).where(RecordMove.reviewed_at.is_(None))
    return [step for step in Session.scalars(query.order_by(RecordMove.id.desc()).limit(limit)) if step.holds]
