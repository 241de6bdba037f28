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
from app.core.types import fold
from app.exchange.exports import Sheet
from app.models.security import Account, DerivedRole
from app.operations import roles
from app.operations.roles import Grant
from app.security.roles import BY_NAME, GRANTS, PERSONAL, Role
from app.security.scope import BY_LABEL, SCOPED_ROLES, SEES_ALL
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
    "can_draft": ("Preparar borradores", "N"),
    "can_publish": ("Publicar", "K"),
    "can_watch": ("Vigilar el sistema", "G"),
}
"""Each door in words and as a letter of the matrix; one that is not here shows its own name."""
LOOKS = frozenset({"can_get", "can_list", "can_show", "can_export"})
WRITES = frozenset({"can_add", "can_edit", "can_delete"})

INSIDE = "Dentro de otras pantallas"
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


def sections() -> dict[str, str]:
    """resource -> the section of the menu that its screen stands in."""
    menu = current_app.extensions["appbuilder"].menu.menu
    return {child.baseview.class_permission_name: part.label for part in menu for child in part.childs}


Doors = list[tuple[str, str]]
Part = tuple[str, list[tuple[str, Doors]]]


def offered(grants: Iterable[Grant]) -> list[Part]:
    """[(section, [(resource in words, [(value, door in words)])])] of these grants."""
    words, order = resource_words(), {name: index for index, name in enumerate(DOORS)}
    by_resource: dict[str, Doors] = {}
    for permission, resource in sorted(grants, key=lambda grant: (order.get(grant[0], 99), grant[0])):
        by_resource.setdefault(resource, []).append((f"{permission}:{resource}", door_words(permission)))
    return in_sections((name, words.get(name, name), doors) for name, doors in by_resource.items())


def in_sections(rows: Iterable[tuple[str, str, Any]]) -> list[tuple[str, list[tuple[str, Any]]]]:
    """(resource, in words, anything) under the sections of the menu, in its order, each by the alphabet."""
    of = sections()
    parts: dict[str, list[tuple[str, Any]]] = {name: [] for name in (*of.values(), INSIDE)}
    for resource, words, what in rows:
        parts[of.get(resource, INSIDE)].append((words, what))
    return [(name, sorted(found, key=lambda row: fold(row[0]))) for name, found in parts.items() if found]


def reach(names: Iterable[str], grants: Iterable[Grant]) -> list[tuple[str, str]]:
    """[(what, in words)] that somebody with these base roles and these grants can do, in a few lines."""
    by_resource: dict[str, set[str]] = {}
    for permission, resource in grants:
        by_resource.setdefault(resource, set()).add(permission)
    words = resource_words()
    kept: dict[str, list[str]] = {"Agrega y cambia": [], "Decide": [], "Solo mira": []}
    for resource, doors in by_resource.items():
        name, more = words.get(resource, resource), sorted(map(door_words, doors - WRITES - LOOKS))
        if more:
            kept["Decide"].append(f"{name} ({', '.join(more).lower()})")
        if doors & WRITES:
            kept["Agrega y cambia"].append(name)
        elif not more:
            kept["Solo mira"].append(name)
    scopes = {BY_LABEL[name] for name in names if name in BY_LABEL}
    files = "Todos los del país" if scopes & SEES_ALL else "Los de su oficina, o los que le tocan a él"
    lines = [(what, " · ".join(sorted(found, key=fold))) for what, found in kept.items() if found]
    return [("Expedientes que ve", files if scopes & (SEES_ALL | SCOPED_ROLES) else "Ninguno"), *lines]


def reach_of(keys: Iterable[int]) -> list[tuple[str, str]]:
    """What somebody with the roles of these keys can do; nothing without a role."""
    rows = Session.execute(
        select(RoleRow.id, RoleRow.name, DerivedRole.base)
        .outerjoin(DerivedRole, DerivedRole.role_id == RoleRow.id)
        .where(RoleRow.id.in_(keys))
    ).all()
    grants: set[Grant] = set()
    for row in rows:
        grants |= BY_NAME[row.name] if row.base is None else roles.grants_of_role(row.id)
    return reach((row.base or row.name for row in rows), grants - PERSONAL) if rows else []


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
        words, order = resource_words(), {name: index for index, name in enumerate(DOORS)}
        asked = request.args.get("funcion", "")
        role = next((each for each in Role if each.label == asked), None)
        rows = []
        for resource in GRANTS:
            cells = []
            for each in Role:
                doors = [door for door, name in BY_NAME[each.label] if name == resource]
                doors.sort(key=lambda door: (order.get(door, 99), door))
                cells.append((" ".join(map(door_letter, doors)), ", ".join(map(door_words, doors))))
            rows.append((resource, words[resource], cells))
        used = {door for grants in BY_NAME.values() for door, name in grants if name in GRANTS}
        legend = [
            (door_letter(door), door_words(door)) for door in sorted(used, key=lambda d: order.get(d, 99))
        ]
        one = role or next(iter(Role))
        return self.render_template(
            "sis/roles_matrix.html",
            parts=in_sections(rows),
            roles=list(Role),
            legend=legend,
            chosen=role,
            one=one,
            doors=offered(BY_NAME[one.label] - PERSONAL),
        )

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
