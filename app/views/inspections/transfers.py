"""A file passes to another office: asked for from its page or by its number, answered in the inbox."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from sqlalchemy import or_, select
from wtforms import RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired

from app.core import clock
from app.core.base import Session
from app.core.errors import DomainError, Missing, NotAllowed
from app.exchange.exports import Sheet
from app.models.catalogs import Office
from app.models.inspections import InspectionOrder
from app.models.transfers import FileTransfer, TransferStatus
from app.operations import transfers
from app.operations.transfers import Line
from app.security.principal import current
from app.views.base import explain, valid
from app.views.exports import Exported
from app.views.inspections.shown import Mark, page_of
from app.views.widgets import text_or_none, whole

REQUIRED = "Este dato es obligatorio."
LOOKS = {
    TransferStatus.REQUESTED.value: "sis-state-waiting",
    TransferStatus.ACCEPTED.value: "sis-state-done",
    TransferStatus.DECIDED.value: "sis-state-done",
    TransferStatus.REFUSED.value: "sis-state-late",
    TransferStatus.WITHDRAWN.value: "sis-state-void",
}
STAYS, PASSES = "stays", "passes"


def transfer_mark(transfer: FileTransfer) -> Mark:
    """The state of a pass."""
    words = next(each.label for each in TransferStatus if each.value == transfer.status)
    if transfer.status == TransferStatus.DECIDED.value:
        words += ": pasa" if transfer.moved_at else ": no pasa"
    return Mark(words, LOOKS[transfer.status])


def _key(value: Any) -> int | None:
    return whole(str(value))


def _office_field(label: str) -> SelectField:
    return SelectField(
        label,
        [InputRequired(REQUIRED)],
        coerce=_key,
        validate_choice=False,
    )


class OfferForm(FlaskForm):
    """To which office, and why."""

    to_office_id = _office_field("Oficina que lo recibiría")
    reason = TextAreaField(
        "Motivo", [InputRequired(REQUIRED)], filters=[text_or_none], description="Lo lee la otra oficina."
    )


class AskForm(FlaskForm):
    """Which file, and why."""

    number = StringField(
        "Número de la orden",
        [InputRequired(REQUIRED)],
        description="Entero, como OI-2026-000012.",
        render_kw={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"},
    )
    to_office_id = _office_field("Oficina que lo pide")
    reason = TextAreaField(
        "Motivo", [InputRequired(REQUIRED)], filters=[text_or_none], description="Lo lee la otra oficina."
    )


class ReasonForm(FlaskForm):
    """Why a pass is refused."""

    reason = TextAreaField("Motivo", [InputRequired(REQUIRED)], filters=[text_or_none])


class DecisionForm(FlaskForm):
    """What DGIFT decides."""

    outcome = RadioField(
        "Resolución",
        [InputRequired("Elija una de las dos.")],
        choices=[(PASSES, "El expediente pasa"), (STAYS, "El expediente queda donde está")],
    )
    reason = TextAreaField("Fundamento", [InputRequired(REQUIRED)], filters=[text_or_none])


class TransferView(Exported, BaseView):
    """The passes of files between offices."""

    route_base = "/pases"
    class_permission_name = "FileTransfer"
    default_view = "list"

    def listing(self) -> Sheet:
        """Every pass of the inbox."""
        cells = [
            ("Orden", lambda line: line.number),
            ("Lugares", lambda line: "; ".join(line.places)),
            ("De la oficina", lambda line: line.transfer.from_office.code),
            ("A la oficina", lambda line: line.transfer.to_office.code),
            ("Estado", lambda line: transfer_mark(line.transfer).text),
            ("Pedido", lambda line: line.transfer.requested_at),
            ("Motivo", lambda line: line.transfer.reason),
            ("Identificador público", lambda line: str(line.transfer.uuid)),
        ]
        return Sheet("Pases de expedientes", "file_transfer", cells, rows=transfers.lines())

    @expose("/")
    @has_access
    def list(self) -> Any:
        """The inbox: what waits for an answer or a decision, what was asked, what became of it."""
        rows = transfers.lines()
        mine = [row for row in rows if row.may_answer]
        waiting = [row for row in rows if row.transfer.status == TransferStatus.REQUESTED.value]
        disputes = [row for row in rows if row.may_decide and row not in waiting]
        rest = [row for row in rows if row not in waiting and row not in disputes]
        return self.render_template(
            "inspections/transfers.html",
            title="Pases de expedientes",
            groups=[
                ("Esperan su respuesta", mine),
                ("Rechazados, para resolver", disputes),
                ("Esperan a otra oficina", [row for row in waiting if row not in mine]),
                ("Anteriores", rest),
            ],
            mark=transfer_mark,
            may_ask=self._may("can_add") and bool(self._own_offices()),
        )

    @expose("/orden/<int:pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def offer(self, pk: int) -> Any:
        """Offer a file to another office; DGIFT passes it."""
        order = Session.get(InspectionOrder, pk) if pk < 2**31 else None
        if order is None or not transfers.may_ask(order):
            raise Missing()
        form = OfferForm()
        form.to_office_id.choices = [("", "Elija…"), *_offices(but=order.office_id)]
        decides = transfers.directs()
        if request.method == "POST" and valid(form):
            try:
                transfers.request(order, form.to_office_id.data, form.reason.data or "")
            except DomainError as error:
                explain(form, error)
            else:
                flash(
                    "El expediente pasó." if decides else "Pase pedido: la otra oficina responde.", "success"
                )
                return redirect(page_of(order))
        return self.render_template(
            "inspections/transfer_form.html",
            title="Pedir el pase a otra oficina",
            form=form,
            about=f"Expediente {order.number}, de {order.office}.",
            decides=decides,
            button="Pasar el expediente" if decides else "Pedir el pase",
            back=page_of(order),
        )

    @expose("/pedir", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def ask(self) -> Any:
        """Ask for a file of another office, of which only the number is known."""
        own = self._own_offices()
        if not own:
            raise Missing()
        form = AskForm()
        form.to_office_id.choices = own
        if request.method == "GET":
            form.number.data = request.args.get("orden", "")[:40]
            form.to_office_id.data = own[0][0]
        elif valid(form):
            try:
                transfers.request_by_number(
                    form.number.data or "", form.to_office_id.data, form.reason.data or ""
                )
            except DomainError as error:
                explain(form, error)
            else:
                flash("Pase pedido: la oficina que tiene el expediente responde.", "success")
                return redirect(url_for("TransferView.list"))
        return self.render_template(
            "inspections/transfer_form.html",
            title="Pedir un expediente de otra oficina",
            form=form,
            about="La oficina que lo tiene recibe el pedido y responde. Hasta entonces usted ve su número"
            " y su oficina, nada más.",
            decides=False,
            button="Pedir el pase",
            back=url_for("TransferView.list"),
        )

    @expose("/<int:pk>/aceptar", methods=["POST"])
    @has_access
    @permission_name("answer")
    def accept(self, pk: int) -> Any:
        """Agree: the file passes."""
        row = self._line(pk)
        if not row.may_answer:
            raise Missing()
        return self._then(lambda: transfers.accept(row.transfer), f"El expediente {row.number} pasó.")

    @expose("/<int:pk>/retirar", methods=["POST"])
    @has_access
    @permission_name("add")
    def withdraw(self, pk: int) -> Any:
        """Think better of it."""
        row = self._line(pk)
        if not row.may_withdraw:
            raise Missing()
        return self._then(lambda: transfers.withdraw(row.transfer), "Se retiró el pedido.")

    @expose("/<int:pk>/rechazar", methods=["GET", "POST"])
    @has_access
    @permission_name("answer")
    def refuse(self, pk: int) -> Any:
        """Do not agree, and say why."""
        row = self._line(pk)
        if not row.may_answer:
            raise Missing()
        return self._reasoned(
            row,
            ReasonForm(),
            "Rechazar el pase",
            lambda form: transfers.refuse(row.transfer, form.reason.data),
        )

    @expose("/<int:pk>/resolver", methods=["GET", "POST"])
    @has_access
    @permission_name("decide")
    def decide(self, pk: int) -> Any:
        """DGIFT decides."""
        row = self._line(pk)
        if not row.may_decide:
            raise Missing()
        return self._reasoned(
            row,
            DecisionForm(),
            "Resolver el pase",
            lambda form: transfers.decide(row.transfer, form.outcome.data == PASSES, form.reason.data),
        )

    def _reasoned(self, row: Line, form: Any, title: str, done: Any) -> Any:
        if request.method == "POST" and valid(form):
            try:
                done(form)
            except DomainError as error:
                explain(form, error)
            else:
                flash(f"{title}: hecho.", "success")
                return redirect(url_for("TransferView.list"))
        return self.render_template(
            "inspections/transfer_answer.html",
            title=title,
            form=form,
            row=row,
            mark=transfer_mark,
            back=url_for("TransferView.list"),
        )

    def _then(self, operation: Any, words: str) -> Any:
        try:
            operation()
        except DomainError as error:
            if isinstance(error, Missing | NotAllowed):
                raise
            flash(error.message, "danger")
        else:
            flash(words, "success")
        return redirect(url_for("TransferView.list"))

    def _line(self, pk: int) -> Line:
        transfer = Session.get(FileTransfer, pk) if pk < 2**31 else None
        if transfer is None:
            raise Missing()
        return transfers.line(transfer)

    def _own_offices(self) -> Any:
        """The offices that the person leads."""
        return [(key, name) for key, name in _offices() if transfers.leads(key)] if current().offices else []

    def _may(self, permission: str) -> bool:
        return bool(self.appbuilder.sm.has_access(permission, self.class_permission_name))


def _offices(but: int | None = None) -> list[tuple[int, str]]:
    today = clock.today()
    open_ = or_(Office.closed_on.is_(None), Office.closed_on > today)
    rows = Session.scalars(
        select(Office).where(open_, Office.opened_on <= today, Office.id != (but or 0)).order_by(Office.code)
    )
    return [(row.id, str(row)) for row in rows]
