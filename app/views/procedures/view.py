"""Procedure versions: the list, a version with its processes, what changed, its file, its publication."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from flask import Response, flash, redirect, request, send_file, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy import func, select

from app.core import clock
from app.core.base import Session
from app.core.errors import DomainError, Missing, RuleBroken
from app.exchange import procedures as files
from app.models import procedures as rows
from app.models.security import Account
from app.operations import procedure_drafts as drafts
from app.operations import procedures
from app.views.base import explain, valid, version_sent
from app.views.history import history_of
from app.views.inspections.shown import Mark
from app.views.procedures import forms
from app.views.procedures.letters import LetterPages, kinds_of
from app.views.procedures.parts import PartPages, days_of
from app.workflow import condition_rows
from app.workflow.definition import ROLES, SYSTEM, ProcedureVersion
from app.workflow.diagram import HIGH, WIDE, draw
from app.workflow.differences import VALUES, differences
from app.workflow.effects import EFFECTS
from app.workflow.guards import GUARDS


class ProcedureView(PartPages, LetterPages, BaseView):
    """Versions of the procedure."""

    route_base = "/procedimientos"
    class_permission_name = "ProcedureVersion"
    default_view = "list"

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """Every version, the newest first, with the cases that stand on each."""
        heads = Session.scalars(
            select(rows.ProcedureVersion).order_by(
                rows.ProcedureVersion.status != drafts.DRAFT, rows.ProcedureVersion.valid_from.desc()
            )
        ).all()
        ruling = procedures.version_in_force().code
        return self.render_template(
            "procedures/list.html",
            title="Versiones del procedimiento",
            rows=[(head, mark_of(head, ruling)) for head in heads],
            cases=_cases(),
            may_edit=self._may("can_edit"),
        )

    @expose("/<code>/")
    @has_access
    def show(self, code: str) -> Any:
        """A version: one process at a time, as tables with its diagram; what is to be mended in a draft."""
        head, version = self._version(code)
        draft = head.status == drafts.DRAFT
        asked = request.args.get("proceso", version.processes[0].code if version.processes else "")
        process = next((each for each in version.processes if each.code == asked), None)
        if process is None and version.processes:
            raise Missing()
        return self.render_template(
            "procedures/show.html",
            title=f"Procedimiento {head.code}",
            head=head,
            version=version,
            process=process,
            mark=mark_of(head, procedures.version_in_force().code),
            checks=drafts.checks(version) if draft else [],
            diagram=draw(process) if process else None,
            box=(WIDE, HIGH),
            draft=draft,
            may_edit=draft and self._may("can_edit"),
            may_clone=not head.historical and self._may("can_edit"),
            may_publish=draft and self._may("can_publish"),
            may_retire=head.status == procedures.PUBLISHED
            and not head.historical
            and self._may("can_publish"),
            two=drafts.needs_two(),
            proposer=Session.get(Account, head.proposed_by_id) if head.proposed_by_id else None,
            publish_form=forms.PublishForm(valid_from=max(head.valid_from, drafts.tomorrow())),
            reason_form=forms.ReasonForm(),
            others=[each for each in self._codes() if each != code],
            ruling=procedures.version_in_force().code,
            history=history_of(rows.ProcedureVersion, code),
            words=WORDS,
            letters=kinds_of(version),
            days=lambda name: days_of(name, head.valid_from),
        )

    @expose("/<code>/diferencias")
    @has_access
    @permission_name("show")
    def differences(self, code: str) -> Any:
        """What a version says otherwise than another: the one in force unless `con` names one."""
        head, version = self._version(code)
        other = request.args.get("con") or procedures.version_in_force().code
        _, before = self._version(other)
        found = differences(before, version)
        groups: dict[str, list[Any]] = {}
        for each in found:
            groups.setdefault(each.process or "La versión", []).append(each)
        return self.render_template(
            "procedures/differences.html",
            title=f"Qué cambia de {other} a {code}",
            head=head,
            other=other,
            groups=groups,
            total=len(found),
            others=[each for each in self._codes() if each != code],
        )

    @expose("/<code>/archivo")
    @has_access
    @permission_name("show")
    def file(self, code: str) -> Response:
        """The whole version as a YAML file."""
        _, version = self._version(code)
        content = io.BytesIO(files.written(version).encode())
        return send_file(
            content, "application/yaml", as_attachment=True, download_name=f"procedimiento-{code}.yaml"
        )

    @expose("/copiar/<code>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def clone(self, code: str) -> Any:
        """A draft equal to a version."""
        _, version = self._version(code)
        form = forms.CloneForm(name=version.name, basis=version.basis, valid_from=drafts.tomorrow())

        def make() -> str:
            return drafts.clone(
                code, form.text("code"), form.text("name"), form.text("basis"), form.valid_from.data
            )

        return self._made(form, make, f"Copiar {code} a un borrador", "Se hizo el borrador {}.")

    @expose("/traer", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def take_in(self) -> Any:
        """A draft from a file; what it changes is shown next, before anything rules."""
        form = forms.FileForm()

        def make() -> str:
            return drafts.take_in(files.read(form.file.data.read(files.LARGEST + 1)))

        made = self._made(form, make, "Traer una versión desde un archivo", "Se leyó el borrador {}.", "file")
        return made

    def _made(self, form: Any, make: Callable[[], str], title: str, said: str, page: str = "form") -> Any:
        if request.method == "POST" and valid(form):
            try:
                code = make()
            except DomainError as error:
                explain(form, error)
            else:
                flash(said.format(code), "success")
                step = "differences" if page == "file" else "show"
                return redirect(url_for(f"ProcedureView.{step}", code=code))
        return self.render_template(
            f"procedures/{page}.html", title=title, form=form, back=url_for("ProcedureView.list")
        )

    @expose("/<code>/proponer", methods=["POST"])
    @has_access
    @permission_name("edit")
    def propose(self, code: str) -> Response:
        """Say that a draft is ready."""
        return self._dated(code, drafts.propose, "Quedó propuesta: la publica otra persona.")

    @expose("/<code>/publicar", methods=["POST"])
    @has_access
    @permission_name("publish")
    def publish(self, code: str) -> Response:
        """Publish a draft."""
        if drafts.needs_two():
            return self._done(code, lambda: drafts.publish(code, version_sent()), PUBLISHED_WORDS)
        return self._dated(code, drafts.publish, PUBLISHED_WORDS)

    def _dated(self, code: str, act: Callable[..., None], said: str) -> Response:
        form = forms.PublishForm()
        if not form.validate():
            flash("Escriba desde qué día rige, por ejemplo 31/01/2027.", "danger")
            return redirect(url_for("ProcedureView.show", code=code))
        return self._done(code, lambda: act(code, version_sent(), form.valid_from.data), said)

    @expose("/<code>/retirar", methods=["POST"])
    @has_access
    @permission_name("publish")
    def retire(self, code: str) -> Response:
        """Take a published version back: new cases get the one before."""
        reason = request.form.get("reason", "")
        return self._done(
            code, lambda: drafts.retire(code, reason), "Se retiró: los casos nuevos toman la anterior."
        )

    @expose("/<code>/descartar", methods=["POST"])
    @has_access
    @permission_name("edit")
    def discard(self, code: str) -> Response:
        """Throw a draft away."""
        reason = request.form.get("reason", "")
        return self._done(
            code, lambda: drafts.discard(code, version_sent(), reason), "Se descartó el borrador.", "list"
        )

    def _done(self, code: str, act: Callable[[], None], said: str, page: str = "show") -> Response:
        try:
            act()
        except RuleBroken as broken:
            for reason in broken.reasons:
                flash(reason, "danger")
            page = "show"
        except DomainError as error:
            if isinstance(error, Missing):
                raise
            flash(error.message, "danger")
            page = "show"
        else:
            flash(said, "success")
        return redirect(url_for(f"ProcedureView.{page}", **({"code": code} if page == "show" else {})))

    def _version(self, code: str) -> tuple[rows.ProcedureVersion, ProcedureVersion]:
        head = Session.get(rows.ProcedureVersion, code)
        if head is None:
            raise Missing()
        return head, procedures.version(code)

    def _codes(self) -> list[str]:
        return list(
            Session.scalars(
                select(rows.ProcedureVersion.code)
                .where(~rows.ProcedureVersion.historical)
                .order_by(rows.ProcedureVersion.valid_from.desc())
            )
        )

    def _may(self, permission: str) -> bool:
        return bool(self.appbuilder.sm.has_access(permission, self.class_permission_name))


PUBLISHED_WORDS = (
    "Se publicó: rige para los casos que se abran desde su fecha; los abiertos siguen en la suya."
)

WORDS = {
    "roles": {**ROLES, SYSTEM: "El sistema"},
    "guards": {name: guard.description for name, guard in GUARDS.items()},
    "effects": {name: effect.description for name, effect in EFFECTS.items()},
    "values": VALUES,
    "condition": lambda expr, process: condition_rows.in_words(expr, forms.facts_for(process)),
}
"""What the page of a version calls the names of the code."""


def mark_of(head: rows.ProcedureVersion, ruling: str) -> Mark:
    """The state of a version, by word and shape."""
    if head.historical:
        return Mark("Historia importada", "sis-state-void")
    if head.status == drafts.DRAFT:
        return Mark("Propuesta" if head.proposed_by_id else "Borrador", "sis-state-waiting")
    if head.status == drafts.RETIRED:
        return Mark("Retirada", "sis-state-void")
    if head.code == ruling:
        return Mark("Rige hoy", "sis-state-done")
    if head.valid_from > clock.today():
        return Mark(f"Regirá desde el {head.valid_from:%d/%m/%Y}", "sis-state-open")
    return Mark("Regía antes", "sis-state-open")


def _rules(head: rows.ProcedureVersion) -> bool:
    """Whether a version is published, and not that of the imported history."""
    return head.status == procedures.PUBLISHED and not head.historical


def _cases() -> dict[str, int]:
    """How many files stand on each version, of those that the person sees."""
    order = drafts.procedural()["order"]
    return dict(
        Session.execute(select(order.version_code, func.count()).group_by(order.version_code)).tuples().all()
    )
