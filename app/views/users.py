"""Users as IT manages them: accounts with their roles and office, and provisional passwords."""

from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_appbuilder.security.sqla.models import Role as RoleRow
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload
from wtforms import BooleanField, SelectField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length, Regexp

from app.core.base import Session
from app.core.errors import DomainError, Missing
from app.models.catalogs import Office
from app.models.security import Account, UserOffice
from app.operations import accounts, search
from app.views.base import explain, valid
from app.views.history import history_of

PAGE = 50
MAIL = r"[^@\s]{1,64}@[^@\s]{1,200}\.[a-zA-Z]{2,}$"


class AccountForm(FlaskForm):
    """What IT knows of a person with an account."""

    username = StringField(
        "Usuario",
        [
            InputRequired("Este dato es obligatorio."),
            Regexp(
                r"[a-z][a-z0-9._-]{2,39}$", message="De 3 a 40 letras minúsculas, números, punto o guion."
            ),
        ],
        description="Con el que entra; por ejemplo lvazquez.",
    )
    first_name = StringField("Nombre", [InputRequired("Este dato es obligatorio."), Length(max=64)])
    last_name = StringField("Apellido", [InputRequired("Este dato es obligatorio."), Length(max=64)])
    email = StringField(
        "Correo electrónico",
        [
            InputRequired("Este dato es obligatorio."),
            Regexp(MAIL, message="No parece un correo: revise la dirección."),
        ],
    )
    roles = SelectMultipleField("Funciones", coerce=int, validate_choice=False)
    office_id = SelectField(
        "Oficina", coerce=lambda value: int(value) if value else None, validate_choice=False
    )
    active = BooleanField("Activa", default=True, description="Una cuenta no se borra: se desactiva.")

    def offer(self) -> None:
        """Fill the lists of roles and offices."""
        roles = Session.execute(select(RoleRow.id, RoleRow.name).order_by(RoleRow.name))
        self.roles.choices = [(key, name) for key, name in roles]
        offices = Session.execute(select(Office.id, Office.code, Office.name).order_by(Office.code))
        self.office_id.choices = [("", "Sin oficina")]
        self.office_id.choices += [(key, f"{code} · {name}") for key, code, name in offices]


class UserView(BaseView):
    """The registry of accounts."""

    route_base = "/usuarios"
    class_permission_name = "Account"
    default_view = "list"

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """Everybody with an account; `q` searches by name, user or mail, with accents or without."""
        wanted = request.args.get("q", "").strip()
        page = max(request.args.get("page", 0, int), 0) if len(request.args.get("page", "")) < 6 else 0
        query = select(Account).options(selectinload(Account.roles)).order_by(Account.last_name, Account.id)
        person = (Account.first_name, Account.last_name, Account.username, Account.email)
        whole = func.fold(func.concat_ws(" ", *person))
        query = query.where(*(search.like(whole, word) for word in search.words(wanted)))
        rows = Session.scalars(query.limit(PAGE + 1).offset(page * PAGE)).all()
        offices = self._offices([row.id for row in rows])
        return self.render_template(
            "sis/users.html", rows=rows[:PAGE], more=len(rows) > PAGE, page=page, q=wanted, offices=offices
        )

    @expose("/show/<int:pk>")
    @has_access
    def show(self, pk: int) -> Any:
        """One account, with its history."""
        account = self._account(pk)
        return self.render_template(
            "sis/user.html",
            account=account,
            office=self._offices([pk]).get(pk, ""),
            history=history_of(Account, pk),
        )

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Any:
        """A new account; its provisional password is shown once."""
        form = AccountForm()
        form.offer()
        if request.method == "POST" and valid(form):
            try:
                account, password = accounts.create(self._values(form), form.roles.data, form.office_id.data)
            except DomainError as error:
                explain(form, error)
            else:
                return self._handed_over(account, password)
        return self._form(form, "Agregar usuario")

    @expose("/edit/<int:pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: int) -> Any:
        """Change an account, its roles and its office."""
        account = self._account(pk)
        form = AccountForm(obj=account)
        form.offer()
        if request.method == "GET":
            form.roles.data = [role.id for role in account.roles]
            form.office_id.data = accounts.office_of(pk)
        if request.method == "POST" and valid(form):
            try:
                accounts.change(pk, self._values(form), form.roles.data, form.office_id.data)
            except DomainError as error:
                explain(form, error)
            else:
                flash("Usuario: se guardaron los cambios.", "success")
                return redirect(url_for("UserView.show", pk=pk))
        return self._form(form, f"Editar usuario {account.username}")

    @expose("/reset/<int:pk>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def reset(self, pk: int) -> Any:
        """A provisional password for somebody who forgot his."""
        return self._handed_over(*accounts.reset_password(pk))

    def _account(self, pk: int) -> Account:
        account = Session.get(Account, pk) if pk < 2**31 else None
        if account is None:
            raise Missing()
        return account

    def _offices(self, keys: Any) -> dict[int, str]:
        rows = Session.execute(
            select(UserOffice.user_id, Office.code)
            .join(Office, UserOffice.office_id == Office.id)
            .where(UserOffice.user_id.in_(keys), UserOffice.valid_to.is_(None))
        )
        return dict(rows.tuples().all())

    def _values(self, form: AccountForm) -> dict[str, Any]:
        text = {name: form[name].data.strip() for name in ("username", "first_name", "last_name", "email")}
        return {**text, "active": form.active.data}

    def _form(self, form: AccountForm, title: str) -> Any:
        return self.render_template("sis/user_form.html", form=form, title=title)

    def _handed_over(self, account: Account, password: str) -> Response:
        page = self.render_template("sis/user_password.html", account=account, password=password)
        return Response(page)
