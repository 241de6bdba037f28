"""Users as IT manages them: accounts with their roles and office, one by one or from a spreadsheet."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import Response, current_app, flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_appbuilder.security.sqla.models import Role as RoleRow
from flask_wtf import FlaskForm
from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased, selectinload
from wtforms import BooleanField, FileField, HiddenField, SelectField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length, Regexp

from app.core import clock
from app.core.base import Session
from app.core.errors import DomainError, Missing, RuleBroken
from app.exchange import accounts as sheets
from app.exchange.exports import Sheet
from app.models.catalogs import Office
from app.models.security import Account, Recovery, UserOffice, Way
from app.operations import accounts, bulk, roles, search, second_factor
from app.security import directory
from app.views.base import explain, valid
from app.views.history import history_of
from app.views.inspections.shown import Mark
from app.views.lists import Column, Listing, ListView, OfRecord, OneOf
from app.views.roles import reach_of
from app.views.widgets import whole

ACTIVE, INACTIVE = Mark("Activa", "sis-state-done"), Mark("Desactivada", "sis-state-void")
Rows = Sequence[tuple[int, Mapping[str, str]]]
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
    directory = BooleanField(
        "Se autentica por directorio", description="Entra con la contraseña de su computadora del ministerio."
    )

    def offer(self) -> None:
        """Fill the lists of roles and offices; without a directory nobody is in it."""
        if not directory.configured():
            del self.directory
        roles = Session.execute(select(RoleRow.id, RoleRow.name).order_by(RoleRow.name))
        self.roles.choices = [(key, name) for key, name in roles]
        offices = Session.execute(select(Office.id, Office.code, Office.name).order_by(Office.code))
        self.office_id.choices = [("", "Sin oficina")]
        self.office_id.choices += [(key, f"{code} · {name}") for key, code, name in offices]


class SheetForm(FlaskForm):
    """A spreadsheet of people."""

    sheet = FileField(
        "Planilla",
        description=f"CSV o XLSX, hasta {sheets.MOST} personas, con una fila de títulos.",
        render_kw={"accept": ".csv,.xlsx,.xlsm,.txt"},
    )


class ReviewedForm(FlaskForm):
    """The people of a spreadsheet that was looked over, on their way back."""

    people = HiddenField("Personas")

    def rows(self) -> list[tuple[int, dict[str, str]]]:
        """The rows as they left. Raises RuleBroken when they were tampered with."""
        try:
            rows = [
                (int(line), {name: str(cells.get(name, ""))[:320] for name in sheets.COLUMNS})
                for line, cells in json.loads(self.people.data or "[]")[: sheets.MOST]
            ]
        except (ValueError, TypeError, AttributeError):
            rows = []
        if not rows:
            raise RuleBroken("La lista no llegó completa: vuelva a cargar la planilla.")
        return rows


def _roles_offered() -> list[tuple[str, str]]:
    rows = Session.execute(select(RoleRow.id, RoleRow.name).order_by(RoleRow.name))
    return [(str(key), name) for key, name in rows]


def _named(query: Select[Any], wanted: str) -> Select[Any]:
    person = (Account.first_name, Account.last_name, Account.username, Account.email)
    text = func.fold(func.concat_ws(" ", *person))
    return query.where(*(search.like(text, word) for word in search.words(wanted)))


def _at_office(query: Select[Any], office: int) -> Select[Any]:
    there = select(UserOffice.user_id).where(UserOffice.office_id == office, UserOffice.valid_to.is_(None))
    return query.where(Account.id.in_(there))


def _offices(keys: Any) -> dict[int, str]:
    rows = Session.execute(
        select(UserOffice.user_id, Office.code)
        .join(Office, UserOffice.office_id == Office.id)
        .where(UserOffice.user_id.in_(keys), UserOffice.valid_to.is_(None))
    )
    return dict(rows.tuples().all())


def _with_offices(block: Sequence[Account]) -> Sequence[tuple[Account, str]]:
    offices = _offices([row.id for row in block])
    return [(row, offices.get(row.id, "")) for row in block]


USERS = Listing(
    kind=Account,
    title="Usuarios",
    columns=(
        Column(
            "persona",
            "Apellido y nombre",
            lambda row: f"{row[0].last_name}, {row[0].first_name}",
            sort=Account.last_name,
        ),
        Column("usuario", "Usuario", lambda row: row[0].username, sort=Account.username),
        Column("correo", "Correo electrónico", lambda row: row[0].email, shown=False),
        Column("funciones", "Funciones", lambda row: ", ".join(sorted(role.name for role in row[0].roles))),
        Column("oficina", "Oficina", lambda row: row[1], tight=True),
        Column("estado", "Estado", lambda row: ACTIVE if row[0].active else INACTIVE),
    ),
    keys=(("Identificador público", lambda row: str(row[0].uuid)),),
    page=lambda row: url_for("UserView.show", pk=row.id),
    order="persona",
    filters=(
        OneOf(
            "funcion",
            "Función",
            lambda query, value: query.where(Account.roles.any(RoleRow.id == int(value))),
            choices=_roles_offered,
            every="Todas",
            main=True,
        ),
        OfRecord("oficina", "Oficina", _at_office, kind=Office, main=True),
        OneOf(
            "estado",
            "Estado",
            lambda query, value: query.where(Account.active.is_(value == "activa")),
            choices=(("activa", "Activa"), ("desactivada", "Desactivada")),
            every="Todos",
        ),
    ),
    search=_named,
    hint="Una parte del nombre, del usuario o del correo, con acentos o sin ellos.",
    load=(selectinload(Account.roles),),
    lines=_with_offices,
)


class UserView(ListView, BaseView):
    """The registry of accounts."""

    route_base = "/usuarios"
    class_permission_name = "Account"
    default_view = "list"
    listed = USERS
    list_template = "sis/users.html"

    def listing(self) -> Sheet:
        """The list as a spreadsheet; its act is one of accounts, whatever their table is called."""
        return replace(super().listing(), verb="account")

    @expose("/show/<int:pk>")
    @has_access
    def show(self, pk: int) -> Any:
        """One account, with its history."""
        account = self._account(pk)
        return self.render_template(
            "sis/user.html",
            account=account,
            office=_offices([pk]).get(pk, ""),
            groups=roles.groups_of(pk),
            lines=reach_of(role.id for role in account.roles),
            factor=second_factor.factor_of(pk),
            recoveries=self._recoveries(pk),
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

    @expose("/alcance")
    @has_access
    @permission_name("add")
    def reach(self) -> Any:
        """What somebody with these roles would be able to do: a piece of the form, as boxes are checked."""
        keys = {key for text in request.args.getlist("roles") if (key := whole(text)) is not None}
        return self.render_template("sis/user_reach.html", lines=reach_of(keys))

    @expose("/reset/<int:pk>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def reset(self, pk: int) -> Any:
        """A provisional password for somebody who forgot his."""
        return self._handed_over(*accounts.reset_password(pk))

    @expose("/planilla", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def sheet(self) -> Any:
        """Upload a spreadsheet of people and see what each row would make."""
        form = SheetForm()
        if request.method == "POST" and valid(form):
            file = form.sheet.data
            try:
                if not file or not getattr(file, "filename", ""):
                    raise RuleBroken("Elija un archivo.", field="sheet")
                found = sheets.people(file.read())
            except RuleBroken as error:
                explain(form, error)
            else:
                return self._review([(row.line, row.cells) for row in found])
        return self.render_template("sis/users_sheet.html", form=form, columns=sheets.COLUMNS)

    @expose("/planilla/modelo.csv")
    @has_access
    @permission_name("add")
    def model_sheet(self) -> Response:
        """The spreadsheet to be filled in."""
        offices = Session.scalars(select(Office.code).order_by(Office.code).limit(1)).all()
        answer = Response(sheets.model_sheet(offices), mimetype="text/csv")
        answer.headers["Content-Disposition"] = 'attachment; filename="usuarios.csv"'
        return answer

    @expose("/planilla/crear", methods=["POST"])
    @has_access
    @permission_name("add")
    def create_all(self) -> Any:
        """Make every account of a reviewed spreadsheet; their slips are shown once."""
        form = ReviewedForm()
        rows: Rows = ()
        try:
            rows = form.rows() if valid(form) else ()
            made = bulk.create(rows)
        except RuleBroken as error:
            flash(error.message, "danger")
            if not rows:
                return redirect(url_for("UserView.sheet"))
            return self._review(rows)
        page = current_app.config["SIS_PUBLIC_URL"]
        return self.render_template("sis/users_slips.html", made=made, page=page)

    def _review(self, rows: Rows) -> Any:
        found = bulk.review(rows)
        form = ReviewedForm(formdata=None, people=json.dumps(rows, ensure_ascii=False))
        wrong = sum(bool(each.errors) for each in found)
        g.sis_status = 422 if wrong else None
        return self.render_template("sis/users_review.html", rows=found, wrong=wrong, form=form)

    def _account(self, pk: int) -> Account:
        account = Session.get(Account, pk) if pk < 2**31 else None
        if account is None:
            raise Missing()
        return account

    def _recoveries(self, pk: int) -> Sequence[dict[str, Any]]:
        """The last links and codes of an account, with what became of each."""
        giver = aliased(Account)
        rows = Session.execute(
            select(Recovery, giver.username)
            .outerjoin(giver, giver.id == Recovery.created_by_id)
            .where(Recovery.user_id == pk)
            .order_by(Recovery.id.desc())
            .limit(10)
        )
        ways, now = {way.value: way.label for way in Way}, clock.real_now()
        return [
            {
                "way": ways[row.way],
                "at": row.created_at,
                "by": name,
                "used_at": row.used_at,
                "state": "anulado" if row.void_at else "vencido" if row.ends_at < now else "vale todavía",
            }
            for row, name in rows
        ]

    def _values(self, form: AccountForm) -> dict[str, Any]:
        text = {name: form[name].data.strip() for name in ("username", "first_name", "last_name", "email")}
        boxes = {name: form[name].data for name in ("active", "directory") if name in form}
        return {**text, **boxes}

    def _form(self, form: AccountForm, title: str) -> Any:
        lines = reach_of(form.roles.data or ())
        return self.render_template("sis/user_form.html", form=form, title=title, lines=lines)

    def _handed_over(self, account: Account, password: str) -> Response:
        page = self.render_template("sis/user_password.html", account=account, password=password)
        return Response(page)
