"""The second step of entering; one's own second factor; and a lost one, taken away by two persons."""

import base64
from typing import Any

from flask import Response, current_app, flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_login import login_user
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload
from wtforms import PasswordField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.core.base import Session
from app.core.errors import DomainError, Missing, RuleBroken
from app.documents.verify import qr_png
from app.models.security import Account, SecondFactor, SecondFactorReset
from app.operations import search, second_factor
from app.security import second_factor as codes
from app.security.attempts import TooManyAttempts
from app.views.account import LONGEST, REVEAL, inside
from app.views.base import explain, valid

PAGE = 50
COUNTED = "segundo factor "
"""Wrong codes are counted apart from wrong passwords: a right password does not forgive them."""


class CodeForm(FlaskForm):
    """A code of the telephone, or one on paper."""

    code = StringField(
        "Código",
        [InputRequired("Escriba el código."), Length(max=LONGEST)],
        render_kw={
            "autocomplete": "one-time-code",
            "inputmode": "text",
            "autocapitalize": "none",
            "spellcheck": "false",
        },
    )


class ProvenForm(CodeForm):
    """A code and the password: what changes the second factor asks for both."""

    password = PasswordField(
        "Su contraseña",
        [InputRequired("Escriba su contraseña."), Length(max=1024)],
        render_kw={"autocomplete": "current-password", **REVEAL},
    )


class ReasonForm(FlaskForm):
    """Why something is asked for, or refused."""

    reason = TextAreaField(
        "Motivo",
        [Length(max=500)],
        description="Qué pasó y cómo comprobó que es la persona; por ejemplo: «Perdió el teléfono; vino con"
        " su cédula».",
        render_kw={"rows": 3},
    )


class CodeView(BaseView):
    """The second step of entering."""

    route_base = ""
    class_permission_name = "Auth"
    default_view = "code"

    @expose("/segundo-paso/", methods=["GET", "POST"])
    def code(self) -> Any:
        """Ask for the code of whoever gave the right password in this browser, five minutes long."""
        manager = self.appbuilder.sm
        account = manager.pending_account()
        if account is None:
            flash(
                "Pasaron más de cinco minutos o ya entró: escriba de nuevo su usuario y contraseña.", "info"
            )
            return redirect(url_for("AuthView.login", next=request.args.get("next")))
        form, wait, status = CodeForm(), 0, 200
        if form.validate_on_submit():
            name, place = COUNTED + account.username, manager.code_place(account.username)
            try:
                manager.take_attempt(name, place)
            except TooManyAttempts as error:
                wait, status = error.seconds, 429
            else:
                used = second_factor.use(account, form.code.data)
                if used is not None:
                    manager.give_attempts_back(name, entered=False, place=place)
                    return self._enter(account, used)
                manager.refused(account)
                form.code.errors, status = [second_factor.WRONG], 401
        page = Response(
            self.render_template("sis/second_step.html", form=form, wait=wait, status=status), status=status
        )
        if wait:
            page.headers["Retry-After"] = str(wait)
        return page

    def _enter(self, account: Account, used: second_factor.Used) -> Any:
        self.appbuilder.sm.open_session(account)
        login_user(account)
        if used.paper:
            few = used.left <= second_factor.FEW
            advice = " Haga códigos nuevos en «Mi cuenta»." if few else ""
            flash(f"Usó un código de recuperación. Le quedan {used.left}.{advice}", "warning")
        return redirect(inside(request.args.get("next", "")))


class SecondFactorView(BaseView):
    """One's own second factor."""

    route_base = "/mi-cuenta/segundo-factor"
    class_permission_name = "MyAccount"
    default_view = "show"

    @expose("/")
    @has_access
    @permission_name("read")
    def show(self) -> Any:
        """Whether I have one, and how it is activated or changed."""
        return self._page(ProvenForm(formdata=None))

    @expose("/comenzar", methods=["POST"])
    @has_access
    @permission_name("password")
    def start(self) -> Any:
        """Make the secret that the telephone will take."""
        try:
            second_factor.start(g.user)
        except RuleBroken as error:
            flash(error.message, "warning")
        return redirect(url_for("SecondFactorView.show"))

    @expose("/confirmar", methods=["POST"])
    @has_access
    @permission_name("password")
    def confirm(self) -> Any:
        """The first code of the telephone; the codes on paper, shown once."""
        form = self._form()
        owes = g.user.awaits is not None
        if valid(form):
            try:
                self._prove(form)
                with self.appbuilder.sm.counted(COUNTED + g.user.username, "code"):
                    papers = second_factor.confirm(g.user, form.code.data)
            except DomainError as error:
                explain(form, error)
            else:
                if owes:
                    self.appbuilder.sm.enrolled()
                self.appbuilder.sm.close_others(g.user)
                return self.render_template("sis/paper_codes.html", papers=papers, new=True)
        return self._page(form)

    @expose("/codigos", methods=["POST"])
    @has_access
    @permission_name("password")
    def renew(self) -> Any:
        """New codes on paper in the place of the former ones."""
        form = self._form()
        if valid(form):
            try:
                self._prove(form)
                with self.appbuilder.sm.counted(COUNTED + g.user.username, "code"):
                    papers = second_factor.renew(g.user, form.code.data)
            except DomainError as error:
                explain(form, error)
            else:
                return self.render_template("sis/paper_codes.html", papers=papers, new=False)
        return self._page(form)

    @expose("/desactivar", methods=["POST"])
    @has_access
    @permission_name("password")
    def turn_off(self) -> Any:
        """Enter with the password alone again."""
        form = self._form()
        if valid(form):
            try:
                self._prove(form)
                with self.appbuilder.sm.counted(COUNTED + g.user.username, "code"):
                    second_factor.turn_off(g.user, form.code.data)
            except RuleBroken as error:
                explain(form, error)
            else:
                self.appbuilder.sm.close_others(g.user)
                flash("Desactivó el segundo factor: desde ahora entra con la contraseña sola.", "success")
                return redirect(url_for("MyAccountView.show"))
        return self._page(form)

    def _form(self) -> ProvenForm:
        form = ProvenForm()
        if g.user.awaits is not None:
            del form.password  # given a moment ago, at the door
        return form

    def _prove(self, form: ProvenForm) -> None:
        if form.password is None:
            return
        try:
            self.appbuilder.sm.prove(g.user, form.password.data)
        except TooManyAttempts as wait:
            words = f"Demasiados intentos equivocados: espere {wait.seconds} segundos."
            raise RuleBroken(words, "password") from wait

    def _page(self, form: ProvenForm) -> Any:
        if g.user.awaits is not None and form.password is not None:
            del form.password
        factor = second_factor.factor_of(g.user.id)
        secret = None if factor else second_factor.pending_secret(g.user)
        picture = None
        if secret:
            training = current_app.config["SIS_ENV"] == "training"
            picture = base64.b64encode(qr_png(codes.address(secret, g.user.username, training))).decode()
        return self.render_template(
            "sis/second_factor.html",
            form=form,
            factor=factor,
            left=second_factor.codes_left(factor) if factor else 0,
            few=second_factor.FEW,
            secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)) if secret else None,
            picture=picture,
            demanded=second_factor.demanded_of(g.user.id),
            pressed=request.endpoint.rpartition(".")[2] if request.endpoint else "",
        )


class SecondFactorResetView(BaseView):
    """Lost second factors: asked for by one, approved by another."""

    route_base = "/segundo-factor"
    class_permission_name = "SecondFactorReset"
    default_view = "list"

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """What waits for a decision, and the people who have a second factor."""
        wanted = request.args.get("q", "").strip()
        whole = func.fold(func.concat_ws(" ", Account.first_name, Account.last_name, Account.username))
        having = select(SecondFactor.user_id).where(SecondFactor.confirmed_at.is_not(None))
        query = second_factor.reach().where(Account.id.in_(having))
        query = query.where(*(search.like(whole, word) for word in search.words(wanted)))
        people = Session.scalars(query.limit(PAGE + 1)).all()
        waiting = second_factor.requests().options(
            joinedload(SecondFactorReset.user), joinedload(SecondFactorReset.requested_by)
        )
        return self.render_template(
            "sis/second_factors.html",
            people=people[:PAGE],
            more=len(people) > PAGE,
            q=wanted,
            waiting=Session.scalars(waiting).all(),
            form=ReasonForm(formdata=None),
        )

    @expose("/pedir/<int:pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def ask(self, pk: int) -> Any:
        """Ask for it, with the reason."""
        account = Session.scalar(second_factor.reach().where(Account.id == pk)) if pk < 2**31 else None
        if account is None or second_factor.factor_of(pk) is None:
            raise Missing()
        form = ReasonForm()
        if request.method == "POST" and valid(form):
            try:
                second_factor.ask_reset(pk, form.reason.data or "")
            except RuleBroken as error:
                explain(form, error)
            else:
                flash("Pedido hecho: lo aprueba otra persona, que ya fue avisada.", "success")
                return redirect(url_for("SecondFactorResetView.list"))
        return self.render_template("sis/second_factor_ask.html", form=form, account=account)

    @expose("/resolver/<int:pk>", methods=["POST"])
    @has_access
    @permission_name("approve")
    def decide(self, pk: int) -> Any:
        """Approve or refuse what another asked for."""
        if pk >= 2**31:
            raise Missing()
        try:
            if request.form.get("answer") == "approve":
                account = second_factor.approve(pk)
                flash(f"Se restableció el segundo factor de {account.get_full_name()}.", "success")
            else:
                account = second_factor.refuse(pk, request.form.get("reason", ""))
                flash(f"Rechazó el pedido sobre {account.get_full_name()}.", "success")
        except RuleBroken as error:
            flash(error.message, "danger")
        return redirect(url_for("SecondFactorResetView.list"))
