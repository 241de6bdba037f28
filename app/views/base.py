"""Flask-AppBuilder's screens, tamed: the one base class of every generated screen.

What is closed here, one test each (numbers of the list of traps): filters kept per request and not on the
shared view (3), related lists only for who may list them (2), search and order only by declared columns (7)
and with filters of our own (views/filters.py), rules shown at their field with everything typed kept (10),
every write through an operation (11), titles and labels from the model (12), errors that say what to do and
never the database's words (19).
"""

import logging
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from flask import flash, g, has_request_context, jsonify, redirect, request, url_for
from flask_appbuilder import AppBuilder, ModelView, expose
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.decorators import has_access
from sqlalchemy import Boolean, Column, Date, DateTime, Integer, Numeric, Select
from werkzeug.wrappers import Response

from app.core.base import Model, Session
from app.core.errors import DomainError, Missing, NotAllowed, RuleBroken, Stale
from app.core.types import inside
from app.operations import records
from app.views.filters import Converter
from app.views.history import history_of
from app.views.lists import ListView
from app.views.lists.generated import generated
from app.views.lists.page import ASKED
from app.views.references import ReferenceField, by_key, key_of, text_of
from app.views.widgets import form_field, formatter

log = logging.getLogger(__name__)

PLAIN = (Boolean, Date, DateTime, Integer, Numeric)
"""Types whose values a spreadsheet keeps as they are."""

KEPT_OUT = frozenset({"id", "uuid", "version", "created_at", "updated_at", "created_by_id", "updated_by_id"})
"""Columns that no generated form offers."""


class Builder(AppBuilder):
    """Flask-AppBuilder with the first page and nothing else that it would add unasked.

    Left out: `/back`, `/lang/<locale>` (a change by GET), `/api/v1/menu/` and the description of an API.
    """

    def _add_admin_views(self) -> None:
        self._indexview = self.add_view_no_menu(self.indexview)


class Interface(SQLAInterface):
    """Reads through the scoped session; refuses to write, which is what operations are for."""

    filter_converter_class = Converter

    def __init__(self, kind: type[Model]) -> None:
        super().__init__(kind, Session)

    def apply_engine_specific_hack(self, query: Any, *paging: Any) -> Any:
        """Nothing to work around: the one engine is PostgreSQL."""
        return query

    def get_search_columns_list(self) -> list[str]:
        return [name for name in super().get_search_columns_list() if name not in KEPT_OUT]

    def get_filters(self, search_columns: Any = None, search_filters: Any = None) -> Any:
        return super().get_filters(search_columns or self.get_search_columns_list(), search_filters)

    def add(self, item: Any, commit: bool = True) -> None:
        raise RuntimeError("Screens write through operations.records.")

    edit = delete = add

    def delete_all(self, items: list[Any]) -> None:
        raise RuntimeError("Screens write through operations.records.")


class RegistryView(ListView, ModelView):
    """A registry: list, record, add, edit, from the declaration of its model.

    A subclass names `kind` and its columns:

        class OfficeView(RegistryView):
            kind = Office
            list_columns = ["code", "name", "kind"]
            form_columns = ["code", "name", "kind"]
    """

    kind: type[Model]
    form_columns: list[str] = []
    form_sections: dict[str, list[str]] = {}
    """The parts of the form in their order, title -> columns; a form without them is one part."""
    added_only: frozenset[str] = frozenset()
    """Columns that are asked when a record is added, and have a screen of their own afterwards."""
    extra_fields: dict[str, Any] = {}
    """Form fields that are no column of their own, or not the one its column would have: name -> field."""
    writer: Any = records
    """The module whose `create` and `change` write; a context with rules of its own names its own."""
    base_permissions = ["can_list", "can_show", "can_add", "can_edit"]
    """Whoever lists may be let take the list away: `can_export` is added to what a subclass says."""
    exclude_route_methods = {"download", "delete", "action", "action_post"}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not hasattr(cls, "kind"):  # a base of several registries
            return
        kind = cls.kind
        columns: dict[str, Column[Any]] = dict(kind.__table__.c)
        cls.datamodel = Interface(kind)
        cls.class_permission_name = kind.__name__
        cls.base_permissions = [*dict.fromkeys([*cls.base_permissions, "can_export"])]
        cls.list_title = kind.label_plural
        cls.show_title = kind.label
        cls.add_title = f"Agregar {inside(kind.label)}"
        cls.edit_title = f"Editar {inside(kind.label)}"
        cls.label_columns = {name: column.info.get("label", name) for name, column in columns.items()}
        cls.label_columns |= _labels_of_relations(kind)
        cls.description_columns = {name: column.info.get("help", "") for name, column in columns.items()}
        cls.formatters_columns = {name: formatter(column) for name, column in columns.items()}
        cls.formatters_columns |= {
            relation.key: _names_of for relation in kind.__mapper__.relationships if relation.uselist
        }
        if cls.form_sections:
            cls.form_columns = columns_of(cls.form_sections)
        cls.show_columns = cls.__dict__.get("show_columns") or cls.form_columns
        cls.show_fieldsets = _shown_in_parts(cls)
        # Flask-AppBuilder builds its forms even where nobody may write: never over every column.
        cls.add_columns = cls.edit_columns = cls.form_columns or [
            name for name in cls.list_columns if name in columns
        ]
        parts = cls.form_sections or {"": cls.add_columns}
        cls.add_fieldsets = [(title, {"fields": names}) for title, names in parts.items()]
        cls.edit_fieldsets = [
            (title, {"fields": [name for name in names if name not in cls.added_only]})
            for title, names in parts.items()
        ]
        cls.search_columns = cls.__dict__.get("search_columns") or [
            name for name in cls.list_columns if name in columns
        ]
        cls.search_form_extra_fields = {
            name: form_field(kind, name)
            for name in cls.search_columns
            if name in columns and columns[name].info.get("choices")
        }
        cls.order_columns = [name for name in cls.list_columns if name in columns]
        fields = {
            name: cls.extra_fields.get(name) or form_field(kind, name)
            for name in cls.form_columns
            if name not in KEPT_OUT
        }
        cls.label_columns |= {name: extra.kwargs["label"] for name, extra in cls.extra_fields.items()}
        cls.add_form_extra_fields = cls.edit_form_extra_fields = fields
        if "listed" not in cls.__dict__:
            cls.listed = generated(cls)

    def every_row(self) -> Select[Any]:
        """The records within the filters of the view and those of the address (`_flt_…`)."""
        query: Select[Any] = self._base_filters.apply_all(super().every_row())
        for applied, name in self._asked():
            for value in filter(None, request.args.getlist(name)):
                many = applied.arg_name in {"in", "not_in"}
                query = applied.apply(query, [value] if many else value)
        return query

    def asked_besides(self) -> Iterator[tuple[str, str, str]]:
        """The filters of Flask-AppBuilder that the address holds."""
        for applied, name in self._asked():
            if value := request.args.get(name):
                label = str(self.label_columns[applied.column_name])
                yield name, label, f"{str(applied.name).lower()} {value}"

    def _asked(self) -> Iterator[tuple[Any, str]]:
        """(filter, its name in the address); one that the search does not offer is left out."""
        offered = self._filters.get_search_filters()
        for name in request.args:
            found = ASKED.fullmatch(name)
            if found and int(found[1]) < len(offered.get(found[2], ())):
                yield offered[found[2]][int(found[1])], name

    @classmethod
    def cell_of(cls, row: Any, name: str) -> Any:
        """A value of the list as a spreadsheet takes it: numbers and days as such, the rest in words."""
        column = cls.kind.__table__.c.get(name)
        if column is not None and isinstance(column.type, PLAIN) and not column.info.get("choices"):
            return getattr(row, name)
        return cls.written_of(row, name)

    @classmethod
    def written_of(cls, row: Any, name: str) -> Any:
        """A value of the list in words."""
        value = getattr(row, name)
        return "" if value is None else cls.formatters_columns.get(name, str)(value)

    @property
    def _filters(self) -> Any:
        """The filters of this request (trap 3: the view object is shared by all threads)."""
        kept = g.setdefault("sis_filters", {})
        if self not in kept:
            kept[self] = self.datamodel.get_filters(self.search_columns)
        return kept[self]

    @_filters.setter
    def _filters(self, value: Any) -> None:
        """Set once by Flask-AppBuilder's constructor; what it holds is made anew for each request."""

    @property
    def _related_views(self) -> list[Any]:
        """The related lists that the present user may list (trap 2)."""
        views: list[Any] = self.__dict__.get("sis_related", [])
        return [view for view in views if not has_request_context() or self._may_list(view)]

    @_related_views.setter
    def _related_views(self, views: list[Any]) -> None:
        self.__dict__["sis_related"] = views

    def _may_list(self, view: Any) -> bool:
        return bool(self.appbuilder.sm.has_access("can_list", view.class_permission_name))

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Any:
        """The form of a new record. In a dialog of another form: the form alone, then what was added."""
        widgets = self._add()
        if widgets is not None:
            return self.render_template(self.add_template, title=self.add_title, widgets=widgets)
        if in_dialog():
            return jsonify(id=key_of(g.sis_added), text=text_of(g.sis_added))
        return self.post_add_redirect()

    def _add(self) -> Any:
        form = self.add_form.refresh()
        if request.method == "GET":
            _prefill(form, self.kind)
        if request.method == "POST" and valid(form):
            try:
                g.sis_added = self.writer.create(self.kind, self._values(form))
            except DomainError as error:
                self._explain(form, error)
            except Exception:
                self._apologise(form)
            else:
                if not in_dialog():
                    flash(f"{self.kind.label}: se guardó.", "success")
                return None
        return self._get_add_widget(form=form)

    def _edit(self, pk: Any) -> Any:
        item = self.datamodel.get(pk, self._base_filters)
        if not item:
            raise Missing()
        form = self.edit_form.refresh(request.form if request.method == "POST" else None)
        if request.method == "POST":
            form._id = self.datamodel.get_pk_value(item)
            if valid(form):
                try:
                    self.writer.change(self.kind, form._id, self._values(form), version_sent())
                except DomainError as error:
                    self._explain(form, error)
                except Exception:
                    self._apologise(form)
                else:
                    flash(f"{self.kind.label}: se guardaron los cambios.", "success")
                    return None
        else:
            form = self.edit_form.refresh(obj=item)
        return self._get_edit_widget(form=form) | {
            "version": getattr(item, "version", ""),
            "title": str(item),
        }

    def _show(self, pk: Any) -> Any:
        item = self.datamodel.get(pk, self._base_filters)
        if not item:
            raise Missing()
        g.sis_item = item  # the page of a subclass finds it in the session, without asking again
        return self._get_show_widget(pk, item) | {"title": f"{self.kind.label} {item}"}

    def render_template(self, template: str, **context: Any) -> Any:
        """Every page of a registry knows its list, and what the user may do from here."""
        if template == self.add_template and in_dialog():
            template = "sis/dialog_form.html"
        allowed = self.appbuilder.sm.has_access
        context.setdefault("back", url_for(f"{self.endpoint}.list"))
        context["may_add"] = allowed("can_add", self.class_permission_name)
        context["add_url"] = url_for(f"{self.endpoint}.add")
        context["add_title"] = self.add_title
        if "pk" in context:
            context["may_edit"] = allowed("can_edit", self.class_permission_name)
            context["edit_url"] = url_for(f"{self.endpoint}.edit", pk=context["pk"])
            context["history"] = history_of(self.kind, context["pk"])
        return super().render_template(template, **self._seen(context))

    def _seen(self, context: dict[str, Any]) -> dict[str, Any]:
        """What a page is drawn from, less the records of other screens that the user may not list (trap 2).

        An empty list is drawn in their place: a subclass that adds related records needs no check of its own.
        """
        screens = {view.class_permission_name for view in self.appbuilder.baseviews}
        for name, value in context.items():
            if isinstance(value, list) and value and isinstance(value[0], Model):
                resource = type(value[0]).__name__
                if resource in screens and not self.appbuilder.sm.has_access("can_list", resource):
                    context[name] = []
        return context

    def _values(self, form: Any) -> dict[str, Any]:
        names = [name for name in self.form_columns if name not in KEPT_OUT and name in form]
        values = {name: form[name].data for name in names}
        # Left blank where the database has a default: the default, or what stood before.
        return {name: value for name, value in values.items() if value is not None or self._may_be_null(name)}

    def _may_be_null(self, name: str) -> bool:
        column = self.kind.__table__.c.get(name)
        return column is None or bool(column.nullable) or column.server_default is None

    def _explain(self, form: Any, error: DomainError) -> None:
        """What a refused form says; a screen with an answer of its own adds it here."""
        explain(form, error)

    def _apologise(self, form: Any) -> None:
        """An unexpected error: logged under a number that the person can tell us (trap 19)."""
        number = uuid4().hex[:8]
        log.exception("error %s saving %s", number, self.kind.__name__)
        Session.rollback()  # what failed may have spoilt the transaction that draws the form again
        flash(
            f"No se pudo guardar por un error del sistema (n.º {number}). Lo escrito sigue en el formulario: "
            "intente de nuevo y, si se repite, avise a Informática con ese número.",
            "danger",
        )
        g.sis_status = 500

    def post_add_redirect(self) -> Response:
        return redirect(self.get_default_url())

    def post_edit_redirect(self) -> Response:
        return redirect(self.get_default_url())


def columns_of(sections: dict[str, list[str]]) -> list[str]:
    """The columns of a form with sections, in their order."""
    return [name for names in sections.values() for name in names]


def in_dialog() -> bool:
    """Whether a form is asked for a dialog of another one (assets/create.ts)."""
    return request.headers.get("X-SIS-Dialog") == "1"


def _shown_in_parts(view: type[RegistryView]) -> list[tuple[str, dict[str, list[str]]]]:
    """What a record's page shows, in the parts of its form; what the form does not ask comes last."""
    relations = view.kind.__mapper__.relationships
    homes = {name: title for title, names in view.form_sections.items() for name in names}
    parts: dict[str, list[str]] = {title: [] for title in view.form_sections}
    for name in view.show_columns:
        local = {column.name for column in relations[name].local_columns} if name in relations else set()
        title = next((homes[each] for each in (name, *sorted(local)) if each in homes), "Registro")
        parts.setdefault(title if view.form_sections else "", []).append(name)
    return [(title, {"fields": names}) for title, names in parts.items() if names]


def valid(form: Any) -> bool:
    """Whether a form sent in passes its own checks; when not, the page answers 422."""
    passed = bool(form.validate())
    g.sis_status = None if passed else 422
    return passed


def explain(form: Any, error: DomainError) -> None:
    """Put the broken rule at its field, or above the form; what was typed stays."""
    if isinstance(error, Missing | NotAllowed):
        raise error
    name = error.field if isinstance(error, RuleBroken) else None
    if name and name in form:
        form[name].errors = [*form[name].errors, error.message]
    else:
        flash(error.message, "danger")
    g.sis_status = 409 if isinstance(error, Stale) else 422


def _prefill(form: Any, kind: type[Model]) -> None:
    """References named in the address are filled in: «agregar» from the page of a record.

    `escrito` is what was looked for in vain: it becomes the name of the record to add.
    """
    name = next((name for name in kind.lookup_columns if name.endswith("name") and name in form), None)
    if name:
        form[name].data = request.args.get("escrito") or form[name].data
    for name, field in form._fields.items():
        if isinstance(field, ReferenceField) and request.args.get(name):
            record = by_key(field.kind, request.args[name])
            field.process_data(None if record is None else key_of(record))


def version_sent() -> int:
    """The version that the form was opened on; a form without one cannot tell what it would overwrite."""
    sent = request.form.get("_version", "")
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else -1


def _names_of(records: Any) -> str:
    """Related records in one cell."""
    return ", ".join(sorted(str(record) for record in records or ()))


def _labels_of_relations(kind: type[Model]) -> dict[str, str]:
    """`parent` is shown under the label of `parent_id`."""
    labels = {}
    for relation in kind.__mapper__.relationships:
        if relation.info.get("label"):
            labels[relation.key] = relation.info["label"]
            continue
        for column in relation.local_columns:
            if column.foreign_keys:
                labels[relation.key] = column.info.get("label", relation.key)
    return labels
