"""The pages that change a draft of a checklist: its sections and questions; its publication."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField, validators

from app.core.base import Session
from app.core.errors import DomainError, Missing
from app.models.checklists import (
    ChecklistQuestion,
    ChecklistSection,
    ChecklistVersion,
    Evidence,
    QuestionScope,
)
from app.models.norms import Infraction
from app.operations import checklists
from app.operations.procedure_drafts import tomorrow
from app.views.base import explain, valid, version_sent
from app.views.procedures.forms import ConditionFields, Pick
from app.views.widgets import REQUIRED, day_field, text_or_none

NEEDED = validators.InputRequired(REQUIRED)


class CopyForm(FlaskForm):
    """A draft equal to a version."""

    legal_basis = StringField("Base legal", [NEEDED, validators.Length(max=500)], filters=[text_or_none])
    valid_from = day_field("Rige desde", validators=[NEEDED], description="Se confirma al publicarla.")


class SectionForm(FlaskForm):
    """A section."""

    title = StringField("Título", [NEEDED, validators.Length(max=200)], filters=[text_or_none])


class QuestionForm(FlaskForm):
    """A question."""

    section_id = SelectField("Sección", coerce=int, validate_choice=False)
    code = StringField(
        "Código",
        [NEEDED, validators.Length(max=20)],
        filters=[text_or_none],
        description="Único en la lista.",
    )
    text = TextAreaField(
        "Pregunta",
        [NEEDED, validators.Length(max=1000)],
        filters=[text_or_none],
        description="De modo que «Cumple» sea lo correcto.",
        render_kw={"rows": 3},
    )
    help = TextAreaField(
        "Ayuda",
        [validators.Optional(), validators.Length(max=1000)],
        filters=[text_or_none],
        render_kw={"rows": 2},
    )
    infraction_code = StringField(
        "Infracción que abre «No cumple»",
        [validators.Optional(), validators.Length(max=20)],
        filters=[text_or_none],
        description="Su código, por ejemplo SAL-01; vacía, no abre ninguna.",
        render_kw={"list": "codigos", "autocomplete": "off"},
    )
    weight = Pick("Peso", {"1": "1", "2": "2", "3": "3"}, default="1")
    evidence = Pick("Evidencia", {each.value: each.label for each in Evidence}, default=Evidence.NONE.value)
    scope = SelectField(
        "Ámbito",
        choices=[("", "Todos"), *((each.value, each.label) for each in QuestionScope)],
        validate_choice=False,
    )

    def values(self, show_if: Any) -> dict[str, Any]:
        """What was filled in."""
        return {
            "section_id": self.section_id.data,
            "code": self.code.data,
            "text": self.text.data,
            "help": self.help.data,
            "infraction_code": self.infraction_code.data.upper() if self.infraction_code.data else None,
            "weight": int(self.weight.data),
            "evidence": self.evidence.data,
            "scope": self.scope.data or None,
            "show_if": show_if,
        }


class PublishForm(FlaskForm):
    """From which day it rules."""

    valid_from = day_field("Rige desde", validators=[NEEDED])


class DiscardForm(FlaskForm):
    """Why it is thrown away."""

    reason = TextAreaField("Motivo", [NEEDED, validators.Length(max=500)], render_kw={"rows": 2})


class DraftPages:
    """Mixed into the view of checklist versions."""

    appbuilder: Any
    render_template: Any
    class_permission_name: str

    def drafting(self, key: Any) -> dict[str, Any]:
        """What the page of a version needs to be changed on it."""
        version = Session.get(ChecklistVersion, int(key))
        draft = version is not None and version.status == checklists.DRAFT
        may = self.appbuilder.sm.has_access
        return {
            "checklist": version,
            "draft": draft and may("can_draft", self.class_permission_name),
            "may_copy": not draft and may("can_draft", self.class_permission_name),
            "may_publish": draft and may("can_publish", self.class_permission_name),
            "publish_form": PublishForm(valid_from=max(version.valid_from, tomorrow()))
            if draft and version
            else None,
            "discard_form": DiscardForm() if draft else None,
            "may_edit": False,
        }

    @expose("/<int:pk>/copiar", methods=["GET", "POST"])
    @has_access
    @permission_name("draft")
    def copy(self, pk: int) -> Any:
        """A draft equal to this version."""
        version = self._version(pk)
        form = CopyForm(legal_basis=version.legal_basis, valid_from=tomorrow())
        if request.method == "POST" and valid(form):
            try:
                made = checklists.clone(pk, form.legal_basis.data, form.valid_from.data)
            except DomainError as error:
                explain(form, error)
            else:
                flash("Se hizo el borrador.", "success")
                return redirect(self._page(made))
        return self._form(version, form, f"Copiar {version} a un borrador")

    @expose("/<int:pk>/seccion", methods=["GET", "POST"])
    @has_access
    @permission_name("draft")
    def section(self, pk: int) -> Any:
        """A section: new, or the one that `clave` names."""
        version, key = self._draft(pk), self._key()
        part = self._part(ChecklistSection, version, key)
        form = SectionForm(obj=part)
        return self._saved(
            version, form, f"Sección «{part.title}»" if part else "Agregar una sección",
            lambda: checklists.put_section(pk, version_sent(), form.title.data, key),
        )  # fmt: skip

    @expose("/<int:pk>/pregunta", methods=["GET", "POST"])
    @has_access
    @permission_name("draft")
    def question(self, pk: int) -> Any:
        """A question: new (in `seccion`), or the one that `clave` names."""
        version, key = self._draft(pk), self._key()
        part = self._part(ChecklistQuestion, version, key)
        form = QuestionForm(obj=part)
        form.section_id.choices = [(each.id, str(each)) for each in version.sections]
        if request.method == "GET":
            form.weight.data = str(part.weight) if part else "1"
            form.section_id.data = part.section_id if part else request.args.get("seccion", type=int)
        condition = ConditionFields(part.show_if if part else None, checklists.FACTS)
        return self._saved(
            version, form, f"Pregunta {part.code}" if part else "Agregar una pregunta",
            lambda: checklists.put_question(pk, version_sent(), form.values(condition.read()), key),
            condition=condition,
        )  # fmt: skip

    @expose("/<int:pk>/quitar", methods=["POST"])
    @has_access
    @permission_name("draft")
    def drop(self, pk: int) -> Response:
        """Take the section or the question that `clave` names away."""
        version, key = self._draft(pk), self._key() or 0
        if request.args.get("parte") == "seccion":
            return self._done(
                version, lambda: checklists.drop_section(pk, version_sent(), key), "Se quitó la sección."
            )
        return self._done(
            version, lambda: checklists.drop_question(pk, version_sent(), key), "Se quitó la pregunta."
        )

    @expose("/<int:pk>/orden", methods=["POST"])
    @has_access
    @permission_name("draft")
    def shift(self, pk: int) -> Response:
        """The question that `clave` names, one place up or down."""
        version, key = self._draft(pk), self._key() or 0
        by = -1 if request.args.get("hacia") == "arriba" else 1
        return self._done(version, lambda: checklists.shift_question(pk, version_sent(), key, by), "")

    @expose("/<int:pk>/publicar", methods=["POST"])
    @has_access
    @permission_name("publish")
    def publish(self, pk: int) -> Response:
        """Publish the draft."""
        version, form = self._draft(pk), PublishForm()
        if not form.validate():
            flash("Escriba desde qué día rige.", "danger")
            return redirect(self._page(pk))
        said = "Se publicó: la toman las órdenes que se hagan desde su fecha."
        return self._done(version, lambda: checklists.publish(pk, version_sent(), form.valid_from.data), said)

    @expose("/<int:pk>/descartar", methods=["POST"])
    @has_access
    @permission_name("draft")
    def discard(self, pk: int) -> Response:
        """Throw the draft away."""
        version = self._draft(pk)
        reason = request.form.get("reason", "")
        try:
            checklists.discard(pk, version_sent(), reason)
        except DomainError as error:
            flash(error.message, "danger")
            return redirect(self._page(version.id))
        flash("Se descartó el borrador.", "success")
        return redirect(url_for("ChecklistVersionView.list"))

    def _saved(
        self, version: ChecklistVersion, form: Any, title: str, act: Callable[[], None], **more: Any
    ) -> Any:
        if request.method == "POST" and valid(form):
            try:
                act()
            except DomainError as error:
                explain(form, error)
            else:
                return redirect(self._page(version.id))
        return self._form(version, form, title, **more)

    def _done(self, version: ChecklistVersion, act: Callable[[], None], said: str) -> Response:
        try:
            act()
        except DomainError as error:
            if isinstance(error, Missing):
                raise
            flash(error.message, "danger")
        else:
            if said:
                flash(said, "success")
        return redirect(self._page(version.id))

    def _form(self, version: ChecklistVersion, form: Any, title: str, **more: Any) -> Any:
        return self.render_template(
            "sis/checklist_form.html", title=title, form=form, version=version, leave=self._page(version.id),
            codes=_codes() if isinstance(form, QuestionForm) else [], **more,
        )  # fmt: skip

    @staticmethod
    def _page(key: int) -> str:
        return url_for("ChecklistVersionView.show", pk=key)

    @staticmethod
    def _version(key: int) -> ChecklistVersion:
        found = Session.get(ChecklistVersion, key) if key < 2**31 else None
        if found is None:
            raise Missing()
        return found

    def _draft(self, key: int) -> ChecklistVersion:
        found = self._version(key)
        if found.status != checklists.DRAFT:
            raise Missing()
        return found

    @staticmethod
    def _key() -> int | None:
        sent = request.args.get("clave", "")
        if not sent:
            return None
        if not (sent.isascii() and sent.isdigit() and len(sent) < 10):
            raise Missing()
        return int(sent)

    @staticmethod
    def _part(kind: Any, version: ChecklistVersion, key: int | None) -> Any:
        part = None if key is None else Session.get(kind, key)
        if key is not None and (part is None or part.version_id != version.id):
            raise Missing()
        return part


def _codes() -> list[tuple[str, str]]:
    """The infractions in force, to be offered while typing."""
    rows = Session.query(Infraction.code, Infraction.title).order_by(Infraction.code, Infraction.valid_from)
    return list(dict(tuple(row) for row in rows).items())
