"""Roles and groups: the matrix of the code to read, roles of the ministry's own and groups to change."""

from collections.abc import Iterable, Sequence
from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_appbuilder.security.sqla.models import Group, assoc_group_role, assoc_user_group, assoc_user_role
from flask_appbuilder.security.sqla.models import Role as RoleRow
from flask_wtf import FlaskForm
from sqlalchemy import func, select, text
from sqlalchemy.orm import selectinload
from wtforms import IntegerField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length
from wtforms.widgets import HiddenInput

from app.core.base import Model, Session
from app.core.errors import DomainError, Missing, NotAllowed
from app.exchange.exports import Sheet
from app.models.security import Account, DerivedRole
from app.operations import roles
from app.operations.roles import Grant
from app.security.roles import BY_NAME, GRANTS, PERSONAL, Role
from app.views.base import explain, valid
from app.views.exports import Exported

DOORS = {
    "can_get": ("Entrar", "I"),
    "can_list": ("Ver la lista", "V"),
    "can_show": ("Ver la ficha", "F"),
    "can_export": ("Descargar la lista", "L"),
    "can_add": ("Agregar", "A"),
    "can_edit": ("Editar", "E"),
    "can_delete": ("Borrar", "B"),
    "can_merge": ("Unir duplicados", "U"),
    "can_release": ("Dar códigos", "C"),
    "can_approve": ("Aprobar lo pedido", "T"),
    "can_take": ("Dar el paso", "P"),
    "can_review": ("Revisar lo retenido", "R"),
    "can_undo": ("Deshacer", "D"),
    "can_answer": ("Responder pases", "S"),
    "can_decide": ("Resolver pases", "Z"),
}
"""Each door in words and as a letter of the matrix; one that is not here shows its own name."""

SCREENS = {"Step": "Pasos del procedimiento", "Home": "Mi trabajo"}
"""Resources that are neither an entry of the menu nor a table, in words."""

HISTORY = text(
    "SELECT at, actor, verb, reason FROM audit.history('derived_role', jsonb_build_object('role_id', :key))"
    " LIMIT 50"
)
GROUPS = select(Group).options(selectinload(Group.roles)).order_by(Group.name)
VERBS = {"role.create": "Se creó", "role.change": "Se modificó"}


def door_words(permission: str) -> str:
    """A door in words."""
    return DOORS.get(permission, (permission.removeprefix("can_").replace("_", " ").capitalize(), ""))[0]


def door_letter(permission: str) -> str:
    """A door as the matrix abbreviates it."""
    return DOORS.get(permission, ("", permission.removeprefix("can_")))[1]


def resource_words() -> dict[str, str]:
    """Every resource of the matrix, as its screen calls itself."""
    entries = {resource: name for name, (_, resource) in current_app.extensions["sis_menu"].items()}
    classes = (mapper.class_ for mapper in Model.registry.mappers)
    tables = {kind.__name__: getattr(kind, "label_plural", "") for kind in classes}
    return {name: entries.get(name) or tables.get(name) or SCREENS.get(name, name) for name in GRANTS}


def offered(grants: Iterable[Grant]) -> list[tuple[str, list[tuple[str, str]]]]:
    """(resource in words, [(value, door in words)]) of these grants, for check boxes and lists."""
    words = resource_words()
    by_resource: dict[str, list[tuple[str, str]]] = {}
    order = {name: index for index, name in enumerate(DOORS)}
    for permission, resource in sorted(grants, key=lambda grant: (order.get(grant[0], 99), grant[0])):
        by_resource.setdefault(resource, []).append((f"{permission}:{resource}", door_words(permission)))
    return sorted(
        ((words.get(resource, resource), doors) for resource, doors in by_resource.items()),
        key=lambda row: row[0].lower(),
    )


def read_grants(values: Iterable[str]) -> set[Grant]:
    """Check boxes back into grants; what is no grant stays one that does not exist."""
    return {(permission, resource) for permission, _, resource in (value.partition(":") for value in values)}


class RoleForm(FlaskForm):
    """A role of the ministry's own."""

    base = SelectField("Copia de", validate_choice=False)
    name = StringField("Nombre", [InputRequired("Este dato es obligatorio."), Length(max=64)])
    description = TextAreaField("Para qué", [Length(max=500)], render_kw={"rows": 2})
    grants = SelectMultipleField("Permisos", validate_choice=False)
    reason = StringField(
        "Motivo del cambio",
        [Length(max=300)],
        description="Queda en la historia; por ejemplo, la nota que lo pide.",
    )
    version = IntegerField(widget=HiddenInput())


class GroupForm(FlaskForm):
    """A group of people."""

    name = StringField("Nombre", [InputRequired("Este dato es obligatorio."), Length(max=100)])
    description = TextAreaField("Para qué", [Length(max=500)], render_kw={"rows": 2})
    roles = SelectMultipleField("Funciones", coerce=int, validate_choice=False)

    def offer(self) -> None:
        """Fill the list of roles."""
        rows = Session.execute(select(RoleRow.id, RoleRow.name).order_by(RoleRow.name))
        self.roles.choices = [(key, name) for key, name in rows]


class MemberForm(FlaskForm):
    """Somebody who joins a group."""

    member = StringField(
        "Agregar a una persona",
        [InputRequired("Escriba su usuario o su correo."), Length(max=320)],
        description="Su usuario o su correo.",
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )


class RoleView(Exported, BaseView):
    """The roles: those of the system and those of the ministry."""

    route_base = "/funciones"
    class_permission_name = "Role"
    default_view = "list"

    def listing(self) -> Sheet:
        """The roles with the columns of their page."""
        people, groups = (_count(table.c.role_id) for table in (assoc_user_role, assoc_group_role))
        cells = [
            ("Función", lambda row: row.name),
            ("Copia de", lambda row: row.base),
            ("Para qué", lambda row: row.description),
            ("Personas", lambda row: people.get(row.id, 0)),
            ("Grupos", lambda row: groups.get(row.id, 0)),
        ]
        return Sheet("Funciones", "role", cells, rows=self._rows())

    def _rows(self) -> Sequence[Any]:
        return Session.execute(
            select(RoleRow.id, RoleRow.name, DerivedRole.base, DerivedRole.description)
            .outerjoin(DerivedRole, DerivedRole.role_id == RoleRow.id)
            .order_by(RoleRow.name)
        ).all()

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """Every role, with who holds it."""
        people, groups = (_count(table.c.role_id) for table in (assoc_user_role, assoc_group_role))
        rows = self._rows()
        own = [row for row in rows if row.name not in BY_NAME]
        order = {role.label: index for index, role in enumerate(Role)}
        base = sorted((row for row in rows if row.name in BY_NAME), key=lambda row: order[row.name])
        return self.render_template("sis/roles.html", base=base, own=own, people=people, groups=groups)

    @expose("/matriz/")
    @has_access
    @permission_name("list")
    def matrix(self) -> Any:
        """The matrix of the base roles."""
        words = resource_words()
        order = {name: index for index, name in enumerate(DOORS)}
        rows = []
        for resource in sorted(GRANTS, key=lambda name: words[name].lower()):
            cells = []
            for role in Role:
                doors = [door for door, name in BY_NAME[role.label] if name == resource]
                doors.sort(key=lambda door: (order.get(door, 99), door))
                cells.append((" ".join(map(door_letter, doors)), ", ".join(map(door_words, doors))))
            rows.append((words[resource], cells))
        used = {door for grants in BY_NAME.values() for door, name in grants if name in GRANTS}
        legend = [
            (door_letter(door), door_words(door)) for door in sorted(used, key=lambda d: order.get(d, 99))
        ]
        return self.render_template("sis/roles_matrix.html", rows=rows, roles=list(Role), legend=legend)

    @expose("/show/<int:pk>")
    @has_access
    def show(self, pk: int) -> Any:
        """One role: its grants and, of a derived one, what it differs in from its base."""
        row, derived = self._found(pk)
        grants = (BY_NAME[row.name] if derived is None else roles.grants_of_role(pk)) - PERSONAL
        more: Iterable[Grant] = ()
        less: Iterable[Grant] = ()
        history: Iterable[Any] = ()
        if derived is not None:
            base = BY_NAME.get(derived.base, frozenset()) - PERSONAL
            more, less = grants - base, base - grants
            history = [
                {
                    "at": each.at,
                    "actor": each.actor,
                    "title": VERBS.get(each.verb, "Se modificó"),
                    "reason": each.reason,
                }
                for each in Session.execute(HISTORY, {"key": pk})
            ]
        people, groups = roles.holders(pk)
        return self.render_template(
            "sis/roles_show.html",
            role=row,
            derived=derived,
            grants=offered(grants),
            more=offered(more),
            less=offered(less),
            people=people,
            groups=groups,
            history=history,
        )

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Any:
        """A copy of a base role."""
        form = RoleForm()
        form.base.choices = [(role.label, role.label) for role in Role]
        if request.method == "GET":
            asked = request.args.get("base", "")
            form.base.data = asked if asked in BY_NAME else None
            form.grants.data = [f"{door}:{name}" for door, name in BY_NAME.get(asked, ()) if name in GRANTS]
            if form.base.data is None:
                return self.render_template("sis/roles_choose.html", roles=list(Role))
        if request.method == "POST" and valid(form):
            try:
                pk = roles.create(
                    form.base.data or "",
                    form.name.data or "",
                    form.description.data or "",
                    read_grants(form.grants.data or ()),
                    form.reason.data or None,
                )
            except DomainError as error:
                explain(form, error)
            else:
                flash("Función: se guardó. Désela a quien corresponda desde Usuarios o Grupos.", "success")
                return redirect(url_for("RoleView.show", pk=pk))
        return self._form(form, f"Copia de «{form.base.data}»", form.base.data or "")

    @expose("/edit/<int:pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: int) -> Any:
        """Change a derived role."""
        row, derived = self._found(pk)
        if derived is None:
            raise NotAllowed("Las funciones de base son parte del sistema: haga una copia y cámbiela.")
        form = RoleForm(obj=None if request.method == "POST" else derived)
        if request.method == "GET":
            form.name.data = row.name
            form.grants.data = [f"{door}:{name}" for door, name in roles.grants_of_role(pk)]
        if request.method == "POST" and valid(form):
            try:
                roles.change(
                    pk,
                    form.name.data or "",
                    form.description.data or "",
                    read_grants(form.grants.data or ()),
                    form.version.data if form.version.data is not None else -1,
                    form.reason.data or None,
                )
            except DomainError as error:
                explain(form, error)
            else:
                flash(
                    "Función: se guardaron los cambios. Valen desde el próximo paso de cada persona.",
                    "success",
                )
                return redirect(url_for("RoleView.show", pk=pk))
        return self._form(form, f"Editar «{row.name}», copia de «{derived.base}»", derived.base)

    @expose("/delete/<int:pk>", methods=["POST"])
    @has_access
    def delete(self, pk: int) -> Any:
        """Delete a derived role that nobody holds."""
        self._found(pk)
        try:
            roles.remove(pk)
        except DomainError as error:
            if isinstance(error, Missing | NotAllowed):
                raise
            flash(error.message, "danger")
            return redirect(url_for("RoleView.show", pk=pk))
        flash("Función: se borró.", "success")
        return redirect(url_for("RoleView.list"))

    def _found(self, pk: int) -> tuple[Any, DerivedRole | None]:
        row = Session.get(RoleRow, pk) if pk < 2**31 else None
        derived = None if row is None else Session.get(DerivedRole, pk)
        if row is None or (derived is None and row.name not in BY_NAME):
            raise Missing()
        return row, derived

    def _form(self, form: RoleForm, title: str, base: str) -> Any:
        grants = roles.existing() - (frozenset() if base == Role.ADMIN.label else roles.CLIMBING)
        usual = {f"{door}:{name}" for door, name in BY_NAME.get(base, ())}
        return self.render_template(
            "sis/roles_form.html", form=form, title=title, base=base, doors=offered(grants), usual=usual
        )


class GroupView(Exported, BaseView):
    """Groups of people that get roles together."""

    route_base = "/grupos"
    class_permission_name = "Group"
    default_view = "list"

    def listing(self) -> Sheet:
        """The groups with the columns of their page."""
        people = _count(assoc_user_group.c.group_id)
        cells = [
            ("Grupo", lambda row: row.name),
            ("Funciones", lambda row: ", ".join(sorted(role.name for role in row.roles))),
            ("Personas", lambda row: people.get(row.id, 0)),
        ]
        return Sheet("Grupos", "group", cells, GROUPS)

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """Every group."""
        return self.render_template(
            "sis/roles_groups.html",
            rows=Session.scalars(GROUPS).all(),
            people=_count(assoc_user_group.c.group_id),
        )

    @expose("/show/<int:pk>")
    @has_access
    def show(self, pk: int) -> Any:
        """One group: its roles and its members."""
        return self._show(self._found(pk), MemberForm())

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Any:
        """A new group."""
        form = GroupForm()
        form.offer()
        if request.method == "POST" and valid(form):
            try:
                pk = roles.create_group(
                    form.name.data or "", form.description.data or "", form.roles.data or ()
                )
            except DomainError as error:
                explain(form, error)
            else:
                flash("Grupo: se guardó. Agregue ahora a las personas.", "success")
                return redirect(url_for("GroupView.show", pk=pk))
        return self.render_template("sis/roles_group_form.html", form=form, title="Agregar grupo")

    @expose("/edit/<int:pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: int) -> Any:
        """Change a group and its roles."""
        group = self._found(pk)
        form = GroupForm(obj=group)
        form.offer()
        if request.method == "GET":
            form.roles.data = [role.id for role in group.roles]
        if request.method == "POST" and valid(form):
            try:
                roles.change_group(
                    pk, form.name.data or "", form.description.data or "", form.roles.data or ()
                )
            except DomainError as error:
                explain(form, error)
            else:
                flash("Grupo: se guardaron los cambios.", "success")
                return redirect(url_for("GroupView.show", pk=pk))
        return self.render_template(
            "sis/roles_group_form.html", form=form, title=f"Editar grupo {group.name}"
        )

    @expose("/delete/<int:pk>", methods=["POST"])
    @has_access
    def delete(self, pk: int) -> Any:
        """Delete a group; its members lose what it gave them."""
        return self._then(pk, lambda: roles.remove_group(pk), "Grupo: se borró.", url_for("GroupView.list"))

    @expose("/member/<int:pk>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def member(self, pk: int) -> Any:
        """Put somebody into the group."""
        group, form = self._found(pk), MemberForm()
        if valid(form):
            try:
                account = roles.add_member(pk, form.member.data or "")
            except DomainError as error:
                explain(form, error)
            else:
                flash(f"{account.get_full_name()} integra el grupo.", "success")
                return redirect(url_for("GroupView.show", pk=pk))
        return self._show(group, form)

    @expose("/leave/<int:pk>/<int:account>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def leave(self, pk: int, account: int) -> Any:
        """Take somebody out of the group."""
        back = url_for("GroupView.show", pk=pk)
        return self._then(pk, lambda: roles.remove_member(pk, account), "Ya no integra el grupo.", back)

    def _then(self, pk: int, operation: Any, words: str, target: str) -> Any:
        self._found(pk)
        try:
            operation()
        except DomainError as error:
            if isinstance(error, Missing | NotAllowed):
                raise
            flash(error.message, "danger")
            return redirect(url_for("GroupView.show", pk=pk))
        flash(words, "success")
        return redirect(target)

    def _found(self, pk: int) -> Any:
        group = Session.get(Group, pk) if pk < 2**31 else None
        if group is None:
            raise Missing()
        return group

    def _show(self, group: Any, form: MemberForm) -> Any:
        members = Session.scalars(
            select(Account)
            .join(assoc_user_group, assoc_user_group.c.user_id == Account.id)
            .where(assoc_user_group.c.group_id == group.id)
            .order_by(Account.last_name, Account.id)
        ).all()
        return self.render_template("sis/roles_group.html", group=group, members=members, form=form)


def _count(column: Any) -> dict[int, int]:
    rows = Session.execute(select(column, func.count()).group_by(column))
    return dict(rows.tuples().all())
