"""The request to remedy: one document for the findings of a visit, and its delivery."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from wtforms import RadioField

from app.core import clock
from app.core.base import Session
from app.core.errors import DomainError, Missing, RuleBroken
from app.models.documents import Document
from app.models.inspections import Delivery, Finding, Visit
from app.operations import moves, papers
from app.operations.inspections import findings
from app.operations.inspections.letters.remedy import remedy_term
from app.views.base import explain, valid
from app.views.inspections.shown import mark, page_of
from app.views.inspections.steps import StepForm, counted, details_of, fit
from app.views.widgets import whole

LATER = "later"


class RequestForm(StepForm):
    """The signature of the request and how it reached the employer."""

    delivery = RadioField(
        "Entrega",
        choices=[
            (Delivery.SIGNED.value, "Se entrega ahora y firma el recibo"),
            (Delivery.REFUSED.value, "Se entrega ahora y se niega a firmar"),
            (LATER, "Se entregará o notificará después"),
        ],
        default=LATER,
    )


class RequestView(BaseView):
    """Requests to remedy."""

    route_base = "/requerimientos"
    class_permission_name = "Finding"

    @expose("/<int:pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def require(self, pk: int) -> Any:
        """Choose the findings of a visit, sign one request for all, say whether it was handed over."""
        visit: Visit | None = Session.get(Visit, pk) if pk < 2**31 else None
        if visit is None:
            raise Missing()
        offered = [(row, offer) for row in findings.of_visit(visit) if (offer := _offer(row)) is not None]
        if not offered:
            raise Missing()
        form = RequestForm()
        kind = papers.kind_of(findings.REQUEST)
        fit(form, offered[0][1].move, [kind], [], visit)
        chosen = {whole(key) for key in request.form.getlist("findings")}
        if request.method == "GET":
            form.happened_on.data = clock.today()
            chosen = {row.id for row, offer in offered if offer.allowed}
        elif valid(form):
            try:
                self._sign([row for row, _ in offered if row.id in chosen], form)
            except DomainError as error:
                explain(form, error)
            else:
                return redirect(page_of(visit))
        return self.render_template(
            "inspections/request.html",
            title="Requerir la regularización",
            visit=visit,
            form=form,
            offered=offered,
            chosen=chosen,
            terms={row.id: remedy_term(row, clock.today()) for row, _ in offered},
            marks={row.id: mark(row) for row, _ in offered},
            back=page_of(visit),
        )

    def _sign(self, rows: list[Finding], form: RequestForm) -> None:
        details = details_of(form)
        with counted(details.password):
            document: Document = findings.require(rows, details)
        flash(f"{document.number}: requerimiento emitido.", "success")
        if form.delivery.data == LATER:
            return
        try:
            findings.deliver_all(document, str(form.delivery.data), details)
        except RuleBroken as error:  # the request stands; its delivery is told apart
            flash(f"El requerimiento se emitió, pero no se registró la entrega: {error.message}", "warning")
        else:
            flash("Entrega registrada: los plazos están corriendo.", "success")


def _offer(row: Finding) -> Any:
    if row.state is None:
        return None
    return next((o for o in moves.offers(row) if findings.REQUEST in o.move.letters), None)
