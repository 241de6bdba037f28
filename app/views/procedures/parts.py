"""The pages that change one part of a draft: a state, a step, a kind of term, a process, the version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy import select

from app.core.base import Session
from app.core.errors import DomainError, Missing
from app.models import procedures as rows
from app.models.documents import DocumentType
from app.models.norms import Parameter
from app.operations import procedure_drafts as drafts
from app.operations import procedures
from app.operations.parameters import parameter
from app.views.base import explain, valid, version_sent
from app.views.procedures import forms
from app.workflow import editing
from app.workflow.definition import ProcedureVersion, Process, Source
from app.workflow.fields import facts_of
from app.workflow.guards import FACTS

Edit = Callable[[ProcedureVersion], ProcedureVersion]


class PartPages:
    """Mixed into the view of versions."""

    render_template: Any

    @expose("/<code>/datos", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def head(self, code: str) -> Any:
        """The words of a version and its transitional rule."""
        draft = self._draft(code)
        form = forms.HeadForm()
        if request.method == "GET":
            form.fill(procedures.version(code))
        return self._page(
            draft, None, form, "Datos de la versión", "head", lambda v: replace(v, **form.values())
        )

    @expose("/<code>/<process>/proceso", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def process(self, code: str, process: str) -> Any:
        """The words of a process and how it begins."""
        draft, found = self._process(code, process)
        form = forms.ProcessForm()
        form.offer(found)
        if request.method == "GET":
            form.show(found)
        return self._page(
            draft, found, form, f"Proceso {found.name}", "process",
            lambda v: editing.put_head(v, process, **form.values()),
        )  # fmt: skip

    @expose("/<code>/<process>/estado", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def state(self, code: str, process: str) -> Any:
        """A state: new, or the one that `clave` names."""
        draft, found = self._process(code, process)
        key = request.args.get("clave", "")
        part = self._named(found.states, key)
        form = forms.StateForm(source=Source.NORM.value)
        if request.method == "GET" and part:
            form.fill(part)
        title = f"Estado «{part.name}»" if part else "Agregar un estado"
        return self._page(
            draft, found, form, title, "state",
            lambda v: editing.put_state(v, process, form.part(), old=key),
            drop=part and url_for("ProcedureView.drop_state", code=code, process=process, clave=key),
        )  # fmt: skip

    @expose("/<code>/<process>/dividir", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def split(self, code: str, process: str) -> Any:
        """A new state after the one that `clave` names: what left that one leaves the new one."""
        draft, found = self._process(code, process)
        key = request.args.get("clave", "")
        part = self._named(found.states, key)
        if part is None:
            raise Missing()
        form = forms.SplitForm(source=Source.NORM.value)
        form.phase.data = form.phase.data or part.phase.value
        return self._page(
            draft, found, form, f"Intercalar un estado después de «{part.name}»", "split",
            lambda v: editing.split_state(v, process, key, form.part(), form.bridge()),
            note=f"Los pasos que hoy salen de «{part.name}» saldrán del estado nuevo.",
        )  # fmt: skip

    @expose("/<code>/<process>/quitar-estado", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def drop_state(self, code: str, process: str) -> Any:
        """Take a state away; its steps go to another."""
        draft, found = self._process(code, process)
        key = request.args.get("clave", "")
        part = self._named(found.states, key)
        if part is None:
            raise Missing()
        form = forms.DropForm()
        form.into.choices = [("", "Ninguno: no tiene pasos")]
        form.into.choices += [(s.code, s.name) for s in found.states if s.code != key]
        return self._page(
            draft, found, form, f"Quitar el estado «{part.name}»", "drop_state",
            lambda v: editing.drop_state(v, process, key, form.into.data or ""),
            verb="Quitar",
        )  # fmt: skip

    @expose("/<code>/<process>/paso", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def move(self, code: str, process: str) -> Any:
        """A step: new (from `desde`), or the one that `desde` and `clave` name."""
        draft, found = self._process(code, process)
        origin, key = request.args.get("desde", ""), request.args.get("clave", "")
        part = next((m for m in found.moves if (m.from_state, m.code) == (origin, key)), None)
        if key and part is None:
            raise Missing()
        form = forms.MoveForm(source=Source.NORM.value)
        form.offer(found, _letters())
        condition = forms.ConditionFields(part.condition if part else None, forms.facts_for(found))
        if request.method == "GET":
            if part:
                form.fill(part)
            else:
                form.from_state.data = origin or None
        return self._page(
            draft, found, form, f"Paso «{part.label}»" if part else "Agregar un paso", "move",
            lambda v: editing.put_move(
                v, process, form.part(condition.read()), old=(origin, key) if part else None
            ),
            condition=condition,
            drop=part and url_for(
                "ProcedureView.drop", code=code, process=process, parte="moves", desde=origin, clave=key
            ),
        )  # fmt: skip

    @expose("/<code>/<process>/plazo", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def term(self, code: str, process: str) -> Any:
        """A kind of term: new, or the one that `clave` names."""
        draft, found = self._process(code, process)
        key = request.args.get("clave", "")
        part = self._named(found.terms, key)
        form = forms.TermForm(source=Source.NORM.value)
        form.offer(_parameters())
        condition = forms.ConditionFields(part.condition if part else None, FACTS)
        if request.method == "GET" and part:
            form.fill(part)
        return self._page(
            draft, found, form, f"Plazo «{part.name}»" if part else "Agregar un plazo", "term",
            lambda v: editing.put_term(v, process, form.part(condition.read()), old=key),
            condition=condition,
            days=part and _said(part.parameter, draft),
            drop=part and url_for(
                "ProcedureView.drop", code=code, process=process, parte="terms", clave=key
            ),
        )  # fmt: skip

    @expose("/<code>/<process>/dato", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def field(self, code: str, process: str) -> Any:
        """An extra field: new, or the one that `clave` names."""
        draft, found = self._process(code, process)
        key = request.args.get("clave", "")
        part = self._named(found.fields, key)
        others = facts_of([each for each in found.fields if each.code != key])
        condition = forms.ConditionFields(part.condition if part else None, others)
        form = forms.FieldForm()
        if request.method == "GET" and part:
            form.show(part)
        return self._page(
            draft, found, form, f"Dato «{part.label}»" if part else "Agregar un dato", "field",
            lambda v: editing.put_field(v, process, form.part(condition.read()), old=key),
            condition=condition,
            drop=part and url_for(
                "ProcedureView.drop", code=code, process=process, parte="fields", clave=key
            ),
        )  # fmt: skip

    @expose("/<code>/<process>/dias", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def days(self, code: str, process: str) -> Any:
        """Days of this version's own for the kind of term that `clave` names."""
        draft, found = self._process(code, process)
        key = request.args.get("clave", "")
        part = self._named(found.terms, key)
        if part is None:
            raise Missing()
        form = forms.DaysForm(basis=draft.basis[:300])
        if request.method == "POST" and valid(form):
            try:
                drafts.own_days(code, version_sent(), process, key, form.days.data, form.basis.data)
            except DomainError as error:
                explain(form, error)
            else:
                flash(f"«{part.name}»: {form.days.data} días desde que rija esta versión.", "success")
                return redirect(self._back(code, process, "plazos"))
        return self._drawn(
            draft, found, form, f"Días del plazo «{part.name}»",
            note=f"Hoy: {_said(part.parameter, draft)}. Las versiones anteriores conservan sus días.",
        )  # fmt: skip

    @expose("/<code>/<process>/quitar", methods=["POST"])
    @has_access
    @permission_name("edit")
    def drop(self, code: str, process: str) -> Response:
        """Take a step or a kind of term away."""
        self._process(code, process)
        part, key = request.args.get("parte"), request.args.get("clave", "")
        if part == "moves":
            key_of_move = (request.args.get("desde", ""), key)
            return self._at_once(
                code, process, "drop_move", lambda v: editing.drop_move(v, process, key_of_move)
            )
        if part == "terms":
            return self._at_once(code, process, "drop_term", lambda v: editing.drop_term(v, process, key))
        if part == "fields":
            return self._at_once(
                code, process, "drop_field", lambda v: editing.drop_field(v, process, key), part
            )
        raise Missing()

    @expose("/<code>/<process>/orden", methods=["POST"])
    @has_access
    @permission_name("edit")
    def shift(self, code: str, process: str) -> Response:
        """A part one place up or down."""
        self._process(code, process)
        part, key = request.args.get("parte", ""), request.args.get("clave", "")
        by = -1 if request.args.get("hacia") == "arriba" else 1
        if part not in ("states", "terms", "moves", "fields"):
            raise Missing()
        whole: Any = (request.args.get("desde", ""), key) if part == "moves" else key
        return self._at_once(
            code, process, "shift", lambda v: editing.shift(v, process, part, whole, by), part
        )

    def _at_once(self, code: str, process: str, verb: str, edit: Edit, part: str = "moves") -> Response:
        try:
            drafts.change(code, version_sent(), verb, edit)
        except DomainError as error:
            if isinstance(error, Missing):
                raise
            flash(error.message, "danger")
        return redirect(self._back(code, process, TABS.get(part, "pasos")))

    def _page(
        self,
        draft: rows.ProcedureVersion,
        process: Process | None,
        form: Any,
        title: str,
        verb: str,
        edit: Edit,
        **more: Any,
    ) -> Any:
        """The form of a part; sent and sound, the draft is changed and its page shown again."""
        if request.method == "POST" and valid(form):
            try:
                drafts.change(draft.code, version_sent(), verb, edit)
            except DomainError as error:
                explain(form, error)
            else:
                return redirect(
                    self._back(draft.code, process.code if process else "", TABS.get(verb, "estados"))
                )
        return self._drawn(draft, process, form, title, **more)

    def _drawn(
        self, draft: rows.ProcedureVersion, process: Process | None, form: Any, title: str, **more: Any
    ) -> Any:
        code = process.code if process else ""
        return self.render_template(
            "procedures/form.html", title=title, form=form, draft=draft, process=process,
            back=self._back(draft.code, code), **more,
        )  # fmt: skip

    def _back(self, code: str, process: str = "", tab: str = "") -> str:
        asked = {"proceso": process} if process else {}
        return url_for("ProcedureView.show", code=code, **asked, _anchor=tab or None)

    def _draft(self, code: str) -> rows.ProcedureVersion:
        head = Session.get(rows.ProcedureVersion, code)
        if head is None or head.status != drafts.DRAFT:
            raise Missing()
        return head

    def _process(self, code: str, process: str) -> tuple[rows.ProcedureVersion, Process]:
        draft = self._draft(code)
        found = next((each for each in procedures.version(code).processes if each.code == process), None)
        if found is None:
            raise Missing()
        return draft, found

    @staticmethod
    def _named(parts: tuple[Any, ...], key: str) -> Any:
        part = next((each for each in parts if each.code == key), None)
        if key and part is None:
            raise Missing()
        return part


TABS: Mapping[str, str] = {
    **dict.fromkeys(("state", "split", "drop_state", "states"), "estados"),
    **dict.fromkeys(("move", "moves"), "pasos"),
    **dict.fromkeys(("term", "terms", "drop_term"), "plazos"),
    **dict.fromkeys(("field", "fields"), "datos"),
}
"""Where on the page of a version a change is seen."""


def _letters() -> dict[str, str]:
    found = Session.execute(select(DocumentType.code, DocumentType.title).order_by(DocumentType.position))
    return dict(found.tuples().all())


def _parameters() -> dict[str, str]:
    found = Session.execute(
        select(Parameter.code, Parameter.description).order_by(Parameter.code, Parameter.valid_from)
    )
    return dict(found.tuples().all())


def days_of(name: str, on: date) -> str:
    """The value of a parameter on a day; words when it has none."""
    try:
        return str(parameter(name, on))
    except Missing:
        return "sin valor"


def _said(name: str, draft: rows.ProcedureVersion) -> str:
    return f"{days_of(name, draft.valid_from)} (parámetro {name})"
