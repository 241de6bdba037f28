"""Back in without the password: by a link, by a code; and releasing codes to one's people."""

from typing import Any

from flask import Response, current_app, flash, redirect, request, session, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.models.catalogs import Office
from app.models.security import Account, UserOffice
from app.operations import mail, recovery, search
from app.security.attempts import TooManyAttempts
from app.views.account import LONGEST, NewPasswordForm

PAGE = 50
FORGOTTEN, BY_CODE = "olvido:", "código:"
"""Attempts of these pages are counted apart from those of the log-in, by (name, address) like them."""


class AskForm(FlaskForm):
    """Who forgot the password."""

    name = StringField(
        "Usuario o correo electrónico",
        [InputRequired("Escriba su usuario o su correo."), Length(max=LONGEST)],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )


class LinkForm(NewPasswordForm):
    """A new password, by the link."""


class CodeForm(NewPasswordForm):
    """A new password, by the code on paper."""

    name = StringField(
        "Usuario",
        [InputRequired("Escriba su usuario."), Length(max=LONGEST)],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    code = StringField(
        "Código",
        [InputRequired("Escriba el código del papel."), Length(max=LONGEST)],
        description="Como está impreso; no importan las mayúsculas, los guiones ni los espacios.",
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )


class RecoveryView(BaseView):
    """The public pages of a forgotten password."""

    route_base = ""
    class_permission_name = "Recovery"
    default_view = "ask"

    @expose("/olvide-mi-clave/", methods=["GET", "POST"])
    def ask(self) -> Any:
        """Ask for a link by mail: the same answer, and the same work, for every name."""
        form, state, wait = AskForm(), "form" if mail.configured() else "off", 0
        if state == "form" and form.validate_on_submit():
            name = (form.name.data or "").strip()
            try:
                self.appbuilder.sm.take_attempt(FORGOTTEN + name)
                recovery.ask(name)
                state = "sent"
            except TooManyAttempts as error:
                wait = error.seconds
        return self._page("sis/recovery.html", form, wait, state=state)

    @expose("/olvide-mi-clave/<token>", methods=["GET", "POST"])
    def link(self, token: str) -> Any:
        """Choose a new password with the link of the letter."""
        form, holder = LinkForm(), recovery.holder_of(token)
        if holder is not None and form.validate_on_submit():
            try:
                account = recovery.use_link(token, form.new.data)
            except RuleBroken as error:
                _explain(form, error)
            except Missing:
                holder = None
            else:
                return self._done(account)
        if holder is None:
            return Response(self.render_template("sis/recovery_spent.html"), status=410)
        return self._page("sis/recovery_link.html", form, 0, account=holder)

    @expose("/codigo/", methods=["GET", "POST"])
    def code(self) -> Any:
        """Choose a new password with a one-time code from Informática or the coordinator."""
        form, wait, wrong = CodeForm(), 0, False
        if form.validate_on_submit():
            name, manager = (form.name.data or "").strip(), self.appbuilder.sm
            fake = current_app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"]
            try:
                manager.take_attempt(BY_CODE + name)
                account = recovery.use_code(name, form.code.data, form.new.data, fake)
            except TooManyAttempts as error:
                wait = error.seconds
            except (RuleBroken, Missing) as error:
                manager.give_attempts_back(BY_CODE + name, entered=False)  # the code was right
                _explain(form, error)
            else:
                if account is not None:
                    manager.give_attempts_back(BY_CODE + name, entered=False)
                    return self._done(account)
                wrong = True
        return self._page("sis/recovery_code.html", form, wait, wrong=wrong)

    def _page(self, template: str, form: FlaskForm, wait: int, **context: Any) -> Response:
        status = 429 if wait else 422 if form.errors or context.get("wrong") else 200
        page = Response(self.render_template(template, form=form, wait=wait, **context), status=status)
        if wait:
            page.headers["Retry-After"] = str(wait)
        return page

    def _done(self, account: Account) -> Any:
        # Who just proved to be the one need not wait for what he mistyped before.
        self.appbuilder.sm.give_attempts_back(account.username, entered=False)
        session.clear()
        flash("Tiene una contraseña nueva y se cerraron sus sesiones. Entre con ella.", "success")
        return redirect(url_for("AuthView.login"))


class AccessCodeView(BaseView):
    """One-time codes for people who forgot their password."""

    route_base = "/codigos"
    class_permission_name = "AccessCode"
    default_view = "list"

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """The people to whom one may release a code."""
        wanted = request.args.get("q", "").strip()
        person = (Account.first_name, Account.last_name, Account.username)
        whole = func.fold(func.concat_ws(" ", *person))
        query = recovery.may_help().where(*(search.like(whole, word) for word in search.words(wanted)))
        rows = Session.scalars(query.limit(PAGE + 1)).all()
        served = (
            select(UserOffice.user_id, Office.code)
            .join(Office, UserOffice.office_id == Office.id)
            .where(UserOffice.user_id.in_([row.id for row in rows]), UserOffice.valid_to.is_(None))
        )
        offices = dict(Session.execute(served).tuples().all())
        return self.render_template(
            "sis/recovery_codes.html", rows=rows[:PAGE], more=len(rows) > PAGE, q=wanted, offices=offices
        )

    @expose("/release/<int:pk>", methods=["POST"])
    @has_access
    @permission_name("release")
    def release(self, pk: int) -> Any:
        """A code for one of them, shown once on a page to be printed."""
        if pk >= 2**31:
            raise Missing()
        return self.render_template("sis/recovery_slip.html", slip=recovery.release_code(pk))


def _explain(form: FlaskForm, error: RuleBroken | Missing) -> None:
    name = getattr(error, "field", None)
    field = form[name if name in form else "new"]
    field.errors = [*field.errors, error.message]
