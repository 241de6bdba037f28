"""Keys of machines, for Informática: who asks, what for, until when; made, shown once, renewed, revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_appbuilder.security.sqla.models import Role as RoleRow
from flask_wtf import FlaskForm
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload
from wtforms import SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.core import clock
from app.core.base import Session
from app.core.errors import DomainError, RuleBroken
from app.exchange.exports import Sheet
from app.models.catalogs import Office
from app.models.machines import ApiKey, KeyScope
from app.models.security import Account
from app.operations import accounts, machines
from app.security.roles import Role
from app.views.base import explain, valid
from app.views.exports import Exported, keys
from app.views.fields import Words
from app.views.history import history_of
from app.views.inspections.shown import Mark
from app.views.widgets import WholeNumber, day_field

PAGE = 100
REQUIRED = "Este dato es obligatorio."
USUAL_LIFE = timedelta(days=365)
SCOPES = [(scope.value, scope.label) for scope in KeyScope]
SOON = timedelta(days=30)


class KeyForm(FlaskForm):
    """A machine and its first key."""

    name = StringField(
        "Sistema que pregunta",
        [InputRequired(REQUIRED), Length(max=64)],
        description="Con este nombre figura en la historia de lo que haga; por ejemplo «Portal REOP».",
    )
    scopes = SelectMultipleField("Qué abre la llave", choices=SCOPES, validate_choice=False)
    roles = SelectMultipleField("Funciones", coerce=int, validate_choice=False)
    office_id = SelectField(
        "Oficina",
        coerce=lambda value: int(value) if value else None,
        validate_choice=False,
        description="La máquina alcanza los mismos expedientes que una persona con esta función y oficina.",
    )
    expires_on = day_field(
        "Vale hasta", validators=[InputRequired(REQUIRED)], description="Hasta dentro de dos años."
    )
    calls_per_minute = WholeNumber("Pedidos por minuto", [InputRequired(REQUIRED)], default=120)
    addresses = Words(
        "Solo desde",
        description="Direcciones o redes separadas por comas, como 10.1.2.3 o 10.1.0.0/16; vacío: todas.",
    )

    def offer(self) -> None:
        """Fill the lists of functions and offices; a machine does not administer."""
        roles = select(RoleRow.id, RoleRow.name).where(RoleRow.name != Role.ADMIN.label)
        self.roles.choices = [(key, name) for key, name in Session.execute(roles.order_by(RoleRow.name))]
        offices = Session.execute(select(Office.id, Office.code, Office.name).order_by(Office.code))
        self.office_id.choices = [("", "Sin oficina")]
        self.office_id.choices += [(key, f"{code} · {name}") for key, code, name in offices]


class RevokeForm(FlaskForm):
    """Why a key ends."""

    reason = TextAreaField("Motivo", [InputRequired(REQUIRED), Length(max=500)], render_kw={"rows": 2})


class ApiKeyView(Exported, BaseView):
    """The keys of machines."""

    route_base = "/llaves"
    class_permission_name = "ApiKey"
    default_view = "list"

    def listing(self) -> Sheet:
        """The keys with the columns of their page."""
        cells = [
            ("Sistema", lambda row: row.name),
            ("Comienzo", lambda row: row.prefix),
            ("Qué abre", lambda row: opens(row)),
            ("Vale hasta", lambda row: row.last_day),
            ("Usada por última vez", lambda row: row.use and row.use.last_used_on),
            ("Estado", lambda row: key_mark(row).text),
            *keys(ApiKey),
        ]
        return Sheet("Llaves de máquinas", "api_key", cells, _every())

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """Every key, the newest first."""
        return self.render_template(
            "sis/api_keys.html",
            title="Llaves de máquinas",
            rows=Session.scalars(_every().limit(PAGE)).all(),
            mark=key_mark,
            opens=opens,
            may_add=self._may("can_add"),
        )

    @expose("/show/<int:pk>")
    @has_access
    def show(self, pk: int) -> Any:
        """One key: what it opens, when it was used, its history."""
        return self._show(machines.get(pk), RevokeForm(formdata=None))

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Any:
        """A new machine; its key is shown once."""
        form = KeyForm()
        form.offer()
        if request.method == "GET":
            form.expires_on.data = clock.today() + USUAL_LIFE
        elif valid(form):
            names = ("name", "scopes", "addresses", "calls_per_minute", "expires_on")
            try:
                values = {name: form[name].data for name in names}
                made, token = machines.create(values, form.roles.data or (), form.office_id.data)
            except DomainError as error:
                explain(form, error)
            else:
                return self._handed_over(made, token)
        return self.render_template("sis/api_key_form.html", title="Agregar llave de máquina", form=form)

    @expose("/renovar/<int:pk>", methods=["POST"])
    @has_access
    @permission_name("add")
    def renew(self, pk: int) -> Any:
        """Another key for the same machine, shown once; the present one goes on until it is revoked."""
        try:
            made, token = machines.renew(pk)
        except RuleBroken as error:
            flash(error.message, "danger")
            return redirect(url_for("ApiKeyView.show", pk=pk))
        return self._handed_over(made, token)

    @expose("/revocar/<int:pk>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def revoke(self, pk: int) -> Any:
        """End a key at once."""
        form = RevokeForm()
        if valid(form):
            try:
                machines.revoke(pk, form.reason.data or "")
            except RuleBroken as error:
                explain(form, error)
            else:
                flash("La llave se revocó: desde ahora no abre nada.", "success")
                return redirect(url_for("ApiKeyView.show", pk=pk))
        return self._show(machines.get(pk), form)

    def _show(self, row: ApiKey, form: RevokeForm) -> Any:
        account: Account | None = Session.scalar(
            select(Account).where(Account.id == row.account_id).options(selectinload(Account.roles))
        )
        office = accounts.office_of(row.account_id)
        return self.render_template(
            "sis/api_key.html",
            title=str(row),
            row=row,
            account=account,
            office=Session.get(Office, office) if office else None,
            mark=key_mark(row),
            scopes=[label for value, label in SCOPES if value in row.scopes],
            form=form,
            history=history_of(ApiKey, row.id),
            may_edit=self._may("can_edit") and row.revoked_at is None,
            may_renew=self._may("can_add") and row.revoked_at is None,
        )

    def _handed_over(self, row: ApiKey, token: str) -> Response:
        page = self.render_template("sis/api_key_made.html", title="Llave nueva", row=row, token=token)
        return Response(page)

    def _may(self, permission: str) -> bool:
        return bool(self.appbuilder.sm.has_access(permission, self.class_permission_name))


def opens(row: ApiKey) -> str:
    """What a key opens, in words."""
    return ", ".join(label for value, label in SCOPES if value in row.scopes)


def key_mark(row: ApiKey) -> Mark:
    """How a key stands."""
    now = clock.real_now()
    if row.revoked_at is not None:
        return Mark("Revocada", "sis-state-void")
    if row.expires_at <= now:
        return Mark("Vencida", "sis-state-late")
    if not row.account.active:
        return Mark("Cuenta desactivada", "sis-state-late")
    return (
        Mark("Vence pronto", "sis-state-soon")
        if row.expires_at - now < SOON
        else Mark("Vale", "sis-state-done")
    )


def _every() -> Select[ApiKey]:
    return (
        select(ApiKey).options(joinedload(ApiKey.account), joinedload(ApiKey.use)).order_by(ApiKey.id.desc())
    )
