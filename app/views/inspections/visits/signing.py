"""Signatures one by one, what is still missing, the end of a visit, the copy of the acta."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy import select

from app.core.base import Session
from app.core.errors import DomainError, Missing, NotAllowed, RuleBroken
from app.models.documents import DocumentType
from app.models.inspections import Party, Visit
from app.operations import attachments, moves, second_factor
from app.operations.inspections import visits
from app.operations.moves import HANDWRITTEN, Details
from app.security.principal import current
from app.views.base import explain, valid
from app.views.inspections.shown import page_of
from app.views.inspections.steps import counted
from app.views.inspections.visits import progress
from app.views.inspections.visits.base import VisitPages
from app.views.inspections.visits.forms import PICTURES, CopyForm, PartyForm, drawn
from app.workflow.definition import Phase


class SigningPages(VisitPages):
    """Signing and closing a visit."""

    def waits_for_me(self, visit: Visit) -> bool:
        """Whether the present person signed on a colleague's device and has not confirmed it."""
        here = current().account_id
        return any(
            row.signed_at is not None and row.confirmed_at is None and row.inspector.account_id == here
            for row in visit.inspectors
        )

    @expose("/<int:pk>/firmas", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def firmas(self, pk: int) -> Any:
        """Who was present and who signed."""
        visit, paper = self.opened(pk)
        if not progress.open_now(visit) and request.method == "GET":
            return self.elsewhere(visit)
        form = PartyForm()
        errors: dict[str, str] = {}
        if request.method == "POST":
            what = request.form.get("what", "")
            try:
                self._sign(visit, what, form, paper is not None)
            except (Missing, NotAllowed):
                raise
            except DomainError as error:
                self._refused(form, error, what, errors)
                visit = self.again(visit)
            else:
                return redirect(f"{url_for('VisitView.firmas', pk=pk)}#{what}")
        elif not any(row.party == Party.EMPLOYER.value for row in visit.signatures):
            form.name.data, form.post.data = visit.attended_by, visit.attended_post
            form.document_number.data = visit.attended_document
        else:
            form.party.data = Party.WORKERS.value
        leaders = (
            {each.inspector_id for each in visit.order.designated if each.leader} if visit.order else set()
        )
        return self.step(
            "signatures",
            visit,
            "firmas",
            paper,
            form=form,
            errors=errors,
            typed=request.form,
            leaders=leaders,
            me=current().account_id,
            coded=second_factor.having(row.inspector.account_id for row in visit.inspectors),
            parties={each.value: each.label for each in Party},
            pictures=PICTURES,
            some_signed=visits.signed_by_some(visit),
        )

    def _sign(self, visit: Visit, what: str, form: PartyForm, paper: bool) -> None:
        """One of the acts of the page: a presence, the signature of an inspector, that of a party."""
        kind, _, name = what.partition("-")
        if kind == "party":
            values = {key: field.data for key, field in form._fields.items() if key != "csrf_token"}
            on_paper = paper and request.form.get("on_paper") == "1"
            visits.sign_as_party(visit, values, self._drawing("drawing"), on_paper=on_paper)
            return
        if kind == "withdraw":
            visits.withdraw_signatures(visit)
            flash("Las firmas se retiraron: corrija y vuelvan a firmar.", "success")
            return
        row = next((each for each in visit.inspectors if str(each.inspector_id) == name), None)
        if row is None:
            raise Missing()
        if kind == "presence":
            present = request.form.get("present") == "1"
            visits.mark_presence(visit, row.inspector_id, present, request.form.get("reason", ""))
            return
        password = request.form.get("password", "")
        with counted(password, f"inspector {row.inspector_id}"):
            visits.sign_as_inspector(
                visit, row.inspector_id, password=password, drawing=self._drawing("drawing")
            )

    def _drawing(self, name: str) -> bytes | None:
        """What was drawn on the canvas, else the photograph of a signature on paper."""
        upload = request.files.get(f"{name}_file")
        return drawn(request.form.get(name)) or (upload.read() if upload and upload.filename else None)

    def _refused(self, form: PartyForm, error: DomainError, what: str, errors: dict[str, str]) -> None:
        g.sis_status = 422
        field = error.field if isinstance(error, RuleBroken) else None
        if what == "party" and field in ("name", "refusal", "party"):
            explain(form, error)
        else:
            errors[what or "page"] = error.message

    @expose("/<int:pk>/confirmar-firma", methods=["POST"])
    @has_access
    @permission_name("edit")
    def confirmar_firma(self, pk: int) -> Any:
        """An inspector who signed on a colleague's device confirms by his own log-in."""
        visit = progress.load(pk)
        try:
            visits.confirm_signature(visit)
        except RuleBroken as error:
            flash(error.message, "danger")
        else:
            flash("Su firma quedó confirmada.", "success")
        return redirect(page_of(visit))

    @expose("/<int:pk>/cierre", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def cierre(self, pk: int) -> Any:
        """What is still missing, and the ways to end the visit."""
        visit, paper = self.opened(pk)
        if not progress.open_now(visit) and request.method == "GET":
            return self.elsewhere(visit)
        process = moves.process_of(visit)
        if request.method == "POST" and paper is not None:
            try:
                self._close_on_paper(visit, paper)
            except (Missing, NotAllowed):
                raise
            except DomainError as error:
                flash(error.message, "danger")
                g.sis_status = 422
                visit = self.again(visit)
            else:
                flash("El acta en papel quedó como acta de la visita.", "success")
                return redirect(page_of(visit))
        kinds = Session.scalars(select(DocumentType)).all()  # held here: the guards ask for each by its key
        ends = [
            offer
            for offer in moves.offers(visit)
            if process.state(offer.move.to_state).phase in (Phase.CLOSED, Phase.SUSPENDED)
            and not (offer.move.condition is not None and offer.move.condition_reason in offer.reasons)
        ]
        return self.step(
            "close",
            visit,
            "cierre",
            paper,
            kinds=kinds,
            ends=[(offer, progress.missing(visit, offer, paper is not None)) for offer in ends],
            typed=request.form,
            pictures=PICTURES,
            some_signed=visits.signed_by_some(visit),
        )

    def _close_on_paper(self, visit: Visit, paper: Any) -> None:
        """The move that ends the visit, signed by hand: the scan is the acta (working rules 1 and 7)."""
        upload = request.files.get("scan")
        content = upload.read() if upload and upload.filename else b""
        scan_id = attachments.receive(content, "scan").file.id if content else paper.scan_id
        details = Details(
            happened_on=visit.happened_on,
            signing_mode=HANDWRITTEN,
            scan_id=scan_id,
            late_reason=request.form.get("late_reason", "").strip() or (paper.late_reason or ""),
            reason=request.form.get("reason", "").strip(),
        )
        moves.move(visit, request.form.get("move", ""), details)

    @expose("/<int:pk>/copia", methods=["POST"])
    @has_access
    @permission_name("edit")
    def copia(self, pk: int) -> Any:
        """How the employer got his copy."""
        visit = progress.load(pk)
        form = CopyForm()
        try:
            if not valid(form) or not form.copy_means.data:
                raise RuleBroken("Elija cómo se entregó la copia.", "copy_means")
            if form.copy_means.data not in {value for value, _ in form.copy_means.choices}:
                raise RuleBroken("Elija cómo se entregó la copia.", "copy_means")
            visits.hand_over(visit, form.copy_means.data)
        except RuleBroken as error:
            g.pop("sis_status", None)
            flash(error.message, "danger")
        else:
            flash("La entrega de la copia quedó registrada.", "success")
        return redirect(page_of(visit))
