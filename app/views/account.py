"""Entering, leaving, and one's own account."""

import re
from typing import Any

from flask import Response, flash, g, redirect, request, session, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_login import login_user
from flask_wtf import FlaskForm
from werkzeug.exceptions import TooManyRequests
from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from app.core.errors import RuleBroken
from app.models.security import Awaits
from app.operations import second_factor
from app.security.attempts import TooManyAttempts
from app.security.directory import DirectoryDown

LONGEST = 128
REVEAL = {"data-show": "Mostrar|la contraseña", "data-hide": "Ocultar|la contraseña"}
"""What a password field brings for the button that shows it (assets/admin.ts)."""


def inside(target: str) -> str:
    """Where to go after entering: a path of this site, or the first page (no open redirect)."""
    if re.fullmatch(r"/(?![/\\])[^\\\x00-\x20]*", target):
        return target
    return url_for("HomeView.index")


BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "Mac",
    "Linux": "Linux",
}


def device_words(announced: str | None) -> str:
    """A device as its owner knows it: «Chrome en Android», from what the browser announces."""
    text = announced or ""
    browser = next((name for mark, name in BROWSERS.items() if mark in text), "Navegador desconocido")
    system = next((name for mark, name in SYSTEMS.items() if mark in text), "")
    return f"{browser} en {system}" if system else browser


class LoginForm(FlaskForm):
    """User name and password."""

    username = StringField(
        "Usuario",
        [InputRequired("Escriba su usuario."), Length(max=LONGEST)],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    password = PasswordField(
        "Contraseña",
        [InputRequired("Escriba su contraseña."), Length(max=1024)],
        render_kw={"autocomplete": "current-password", **REVEAL},
    )


class NewPasswordForm(FlaskForm):
    """A password chosen by its owner, twice."""

    new = PasswordField(
        "Contraseña nueva",
        [InputRequired("Escriba la contraseña nueva."), Length(max=1024)],
        description="12 caracteres o más. Una frase que solo usted recuerde sirve más que una palabra rara.",
        render_kw={"autocomplete": "new-password", **REVEAL},
    )
    again = PasswordField(
        "Repita la contraseña nueva",
        [EqualTo("new", "Las dos contraseñas nuevas no son iguales.")],
        render_kw={"autocomplete": "new-password", **REVEAL},
    )


class PasswordForm(NewPasswordForm):
    """The change of one's own password."""

    current = PasswordField(
        "Contraseña actual",
        [InputRequired("Escriba su contraseña actual.")],
        render_kw={"autocomplete": "current-password", **REVEAL},
    )


class AuthView(BaseView):
    """Log-in and log-out."""

    route_base = ""
    class_permission_name = "Auth"
    default_view = "login"

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> Any:
        """The log-in page; a wrong name and a wrong password look alike and take the same time."""
        if g.user is not None and g.user.is_authenticated:
            return redirect(url_for("HomeView.index"))
        form, status, wait = LoginForm(), 200, 0
        if form.validate_on_submit():
            try:
                account = self.appbuilder.sm.auth_user_db(form.username.data, form.password.data)
            except TooManyAttempts as error:
                wait, status = error.seconds, 429
            except DirectoryDown:
                status = 503
            else:
                if account is not None:
                    return self._enter(account)
                status = 401
        page = Response(
            self.render_template("sis/login.html", form=form, status=status, wait=wait), status=status
        )
        if wait:
            page.headers["Retry-After"] = str(wait)
        return page

    def _enter(self, account: Any) -> Any:
        wanted = inside(request.args.get("next", ""))
        if second_factor.factor_of(account.id) is not None:
            self.appbuilder.sm.await_code(account)
            return redirect(url_for("CodeView.code", next=wanted))
        owes = Awaits.ENROLMENT if second_factor.demanded_of(account.id) else None
        self.appbuilder.sm.open_session(account, owes)
        login_user(account)
        return redirect(wanted)

    @expose("/logout/", methods=["POST"])
    @has_access
    def logout(self) -> Any:
        """End the session here and on the server (POST: a link elsewhere cannot do it)."""
        self.appbuilder.sm.close_session()
        flash("Cerró la sesión.", "info")
        answer = redirect(url_for("AuthView.login"))
        answer.headers["Clear-Site-Data"] = '"cache"'  # not storage: a device may hold work not yet sent
        return answer


class MyAccountView(BaseView):
    """What a person sees and changes of his own account."""

    route_base = "/mi-cuenta"
    class_permission_name = "MyAccount"
    default_view = "show"

    @expose("/")
    @has_access
    @permission_name("read")
    def show(self) -> Any:
        """Who I am for the system: name, roles, second factor, and where I am entered."""
        return self.render_template(
            "sis/my_account.html",
            account=g.user,
            factor=second_factor.factor_of(g.user.id),
            sessions=self.appbuilder.sm.sessions_of(g.user),
            device_words=device_words,
        )

    @expose("/sesiones", methods=["POST"])
    @has_access
    @permission_name("password")
    def close_others(self) -> Any:
        """End my sessions everywhere but here."""
        self.appbuilder.sm.close_others(g.user)
        flash("Se cerraron sus otras sesiones.", "success")
        return redirect(url_for("MyAccountView.show"))

    @expose("/contrasena", methods=["GET", "POST"])
    @has_access
    @permission_name("password")
    def password(self) -> Any:
        """Change my password; every session of mine ends and I enter again."""
        form, status = PasswordForm(), 200
        if form.validate_on_submit():
            try:
                self.appbuilder.sm.change_password(g.user, form.current.data, form.new.data)
            except TooManyAttempts as error:
                raise TooManyRequests(retry_after=error.seconds) from error
            except RuleBroken as error:
                field = form[error.field or "new"]
                field.errors = [*field.errors, error.message]
            else:
                session.clear()
                flash("Cambió la contraseña. Entre de nuevo con la nueva.", "success")
                return redirect(url_for("AuthView.login"))
        if form.errors:
            status = 422
        return Response(self.render_template("sis/password.html", form=form), status=status)
