"""The questionnaire, section by section; the findings that it opens; photographs and other proofs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, g, get_template_attribute, jsonify, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app.core import clock
from app.core.base import Session
from app.core.errors import DomainError, Missing, NotAllowed, RuleBroken
from app.core.types import many
from app.models.inspections import AnswerValue, Finding, RemedyKind, Visit, VisitFile
from app.operations.inspections import findings, questionnaire, visits
from app.operations.inspections.questionnaire import Asked, Group
from app.views.base import explain, valid
from app.views.inspections.visits import progress
from app.views.inspections.visits.base import VisitPages
from app.views.inspections.visits.forms import PICTURES, FindingForm, whole

AT_ONCE = (AnswerValue.COMPLIES, AnswerValue.NOT_APPLICABLE, AnswerValue.UNVERIFIED)
"""What a whole section may be answered with; "No cumple" is answered one by one."""

MARKS = {
    AnswerValue.COMPLIES.value: "check",
    AnswerValue.FAILS.value: "x",
    AnswerValue.NOT_APPLICABLE.value: "minus",
    AnswerValue.UNVERIFIED.value: "question-mark",
}
"""The shape of each answer, beside its word."""
OPEN_ONLY = "faltan"


class QuestionPages(VisitPages):
    """Answers, findings and proofs of a visit under way."""

    @expose("/<int:pk>/cuestionario")
    @has_access
    @permission_name("edit")
    def cuestionario(self, pk: int) -> Any:
        """The first section that still lacks an answer."""
        visit, paper = self.opened(pk)
        if not progress.open_now(visit):
            return self.elsewhere(visit)
        groups = questionnaire.groups(visit)
        if not groups:
            return self.step("no_questions", visit, "cuestionario", paper, groups=groups)
        lacking = next((group for group in groups if group.answered < len(group.asked)), groups[0])
        return redirect(url_for("VisitView.section", pk=pk, key=lacking.section.id))

    @expose("/<int:pk>/cuestionario/<int:key>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def section(self, pk: int, key: int) -> Any:
        """A section of the questionnaire: whole by its button, a question at a time by its script.

        With `?ver=faltan` the questions without an answer alone, and then the next section that has some.
        """
        visit, paper = self.opened(pk)
        only_open = request.args.get("ver") == OPEN_ONLY
        quick = request.method == "POST" and request.accept_mimetypes.best == "application/json"
        if not progress.open_now(visit) and request.method == "GET":
            return self.elsewhere(visit)
        groups = questionnaire.groups(visit)
        group = next((each for each in groups if each.section.id == key), None)
        if group is None:
            raise Missing()
        errors: dict[str, str] = {}
        if request.method == "POST":
            wanted = request.form.get("only", "")
            asked = [one for one in group.asked if not quick or str(one.question.id) == wanted]
            errors = self._keep(visit, group, asked)
            visit = progress.load(pk)
            groups = questionnaire.groups(visit)
            group = next((each for each in groups if each.section.id == key), group)
            if quick:
                return self._told(visit, groups, group, wanted, errors)
            if not errors:
                return self._onward(visit, groups, group, paper, only_open)
            g.sis_status = 422
        place = [each.section.id for each in groups].index(key) if group in groups else 0
        return self.step(
            "section",
            visit,
            "cuestionario",
            paper,
            groups=groups,
            group=group,
            only_open=only_open,
            shown=[
                one
                for one in group.asked
                if not only_open or one.answer is None or str(one.question.id) in errors
            ],
            number=place + 1,
            total=sum(len(each.asked) for each in groups),
            findings={row.question_id: row for row in visit.findings if row.state is None},
            proofs=_proofs(visit),
            typed=request.form if errors else {},
            errors=errors,
            values=list(AnswerValue),
            marks=MARKS,
            at_once=AT_ONCE,
            remedies=list(RemedyKind),
            pictures=PICTURES,
        )

    def _keep(self, visit: Visit, group: Group, asked: list[Asked]) -> dict[str, str]:
        """Keep what was sent of these questions; what could not be kept, by its place."""
        errors: dict[str, str] = {}
        rows = []
        for one in asked:
            try:
                row = _sent(one)
            except RuleBroken as error:
                errors[str(one.question.id)] = error.message
                continue
            if row is not None:
                rows.append(row)
        try:
            if rows:
                questionnaire.answer(visit, rows)
        except RuleBroken as error:
            place = (error.field or "").removeprefix("value-")
            return {**errors, place: error.message}
        for one in asked:
            name = str(one.question.id)
            for upload in request.files.getlist(f"proof-{name}"):
                if not upload or not upload.filename:
                    continue
                try:
                    caption = f"{one.question.code}: {one.question.text}"
                    visits.attach(visit, upload.read(), caption, one.question.id, clock.now())
                except RuleBroken as error:
                    errors[name] = error.message
        self._keep_findings(visit, asked, errors)
        rest = request.form.get("rest")
        if rest and not errors:
            self._rest(visit, group, rest, errors)
        return errors

    def _rest(self, visit: Visit, group: Group, value: str, errors: dict[str, str]) -> None:
        if request.form.get("sure") != "1":
            errors["rest"] = "Marque la casilla para confirmar que revisó las preguntas que faltan."
            return
        chosen = request.form.get("rest_value", "")
        if chosen not in {each.value for each in AT_ONCE}:
            errors["rest"] = "Elija con qué responder las que faltan."
            return
        try:
            done = questionnaire.answer_section(visit, group.section, chosen)
        except RuleBroken as error:
            errors["rest"] = error.message
        else:
            answered = many(done, "pregunta respondida", "preguntas respondidas")
            flash(f"{answered}. Las que exigen prueba se responden una por una.", "info")

    def _keep_findings(self, visit: Visit, asked: list[Asked], errors: dict[str, str]) -> None:
        """What was written on the findings shown below their questions; the button of one confirms it."""
        pressed = request.form.get("confirm", "")
        keys = {one.question.id for one in asked}
        rows = {
            row.id: row for row in findings.of_visit(visit) if row.question_id in keys and row.state is None
        }
        for row in rows.values():
            facts = request.form.get(f"facts-{row.id}")
            if facts is None:
                continue
            values = {
                "facts": facts,
                "obligation": request.form.get(f"obligation-{row.id}", row.obligation or ""),
                "remedy_kind": request.form.get(f"remedy-{row.id}") or None,
            }
            changed = any((values[name] or "").strip() != (getattr(row, name) or "") for name in values)
            try:
                if pressed == str(row.id):
                    findings.confirm(row, {**values, "affected_workers": row.affected_workers})
                elif changed:
                    findings.revise(row, values)
            except RuleBroken as error:
                errors[str(row.question_id)] = error.message

    def _told(
        self, visit: Visit, groups: list[Group], group: Group, wanted: str, errors: Mapping[str, str]
    ) -> Any:
        """The answer to the script: what is kept, and what is now shown below the question."""
        one = next((each for each in group.asked if str(each.question.id) == wanted), None)
        if one is None:
            raise Missing()
        tail = get_template_attribute("inspections/visit_parts.html", "tail")
        found = {row.question_id: row for row in visit.findings if row.state is None}
        message = errors.get(wanted) or next(iter(errors.values()), "")
        body = {
            "saved": not errors,
            "message": message or f"Guardado a las {clock.local(clock.now()):%H:%M}",
            "answered": group.answered,
            "asked": len(group.asked),
            "done": sum(each.answered for each in groups),
            "total": sum(len(each.asked) for each in groups),
            "tail": tail(
                visit,
                one,
                found.get(one.question.id),
                _proofs(visit).get(one.question.id, []),
                {},
                list(RemedyKind),
            ),
        }
        return jsonify(body), 422 if errors else 200

    def _onward(self, visit: Visit, groups: list[Group], group: Group, paper: Any, only_open: bool) -> Any:
        """After a section is kept: its findings to be seen, the next section, the next step."""
        ver = OPEN_ONLY if only_open else None
        here = url_for("VisitView.section", pk=visit.id, key=group.section.id)
        keys = {one.question.id for one in group.asked}
        waiting = [
            row
            for row in visit.findings
            if row.state is None and not row.confirmed and row.question_id in keys
        ]
        if request.form.get("rest"):
            return redirect(url_for("VisitView.section", pk=visit.id, key=group.section.id, ver=ver))
        if request.form.get("confirm"):
            flash("Hallazgo confirmado.", "success")
            pressed = next((r for r in visit.findings if str(r.id) == request.form["confirm"]), None)
            return redirect(f"{here}#q-{pressed.question_id}" if pressed else here)
        if waiting and request.form.get("go") != "visit":
            flash("Revise y confirme el hallazgo que abre cada «No cumple» antes de seguir.", "warning")
            return redirect(f"{here}#q-{waiting[0].question_id}")
        if request.form.get("go") == "visit":
            return redirect(url_for("VisitView.show", pk=visit.id))
        place = [each.section.id for each in groups].index(group.section.id)
        onward = (each for each in groups[place + 1 :] if not only_open or each.answered < len(each.asked))
        if (after := next(onward, None)) is not None:
            return redirect(url_for("VisitView.section", pk=visit.id, key=after.section.id, ver=ver))
        return redirect(progress.following(visit, "cuestionario", paper is not None))

    # Findings

    @expose("/<int:pk>/hallazgos")
    @has_access
    @permission_name("edit")
    def hallazgos(self, pk: int) -> Any:
        """The findings of the acta being written."""
        visit, paper = self.opened(pk)
        if not progress.open_now(visit):
            return self.elsewhere(visit)
        rows = [row for row in findings.of_visit(visit) if row.state is None]
        return self.step("findings", visit, "hallazgos", paper, rows=rows)

    @expose("/<int:pk>/hallazgos/nuevo", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def nuevo_hallazgo(self, pk: int) -> Any:
        """A finding that no question asked about."""
        return self._finding(pk, None)

    @expose("/<int:pk>/hallazgos/<int:key>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def hallazgo(self, pk: int, key: int) -> Any:
        """A finding in preparation: seen, corrected, confirmed."""
        return self._finding(pk, key)

    def _finding(self, pk: int, key: int | None) -> Any:
        visit, paper = self.opened(pk)
        if not progress.open_now(visit) and request.method == "GET":
            return self.elsewhere(visit)
        row = _finding_of(visit, key) if key is not None else None
        form = FindingForm(obj=row)
        on = visit.happened_on or clock.today()
        form.offer(on, row.infraction_id if row else None)
        if request.method == "POST" and valid(form):
            try:
                if row is None:
                    findings.prepare(visit, form.values())
                else:
                    findings.confirm(row, form.values())
            except DomainError as error:
                explain(form, error)
                visit = self.again(visit)
                row = _finding_of(visit, key) if key is not None else None
            else:
                flash("Hallazgo confirmado.", "success")
                return redirect(url_for("VisitView.hallazgos", pk=pk))
        return self.step("finding", visit, "hallazgos", paper, form=form, finding=row)

    @expose("/<int:pk>/hallazgos/<int:key>/quitar", methods=["POST"])
    @has_access
    @permission_name("edit")
    def quitar_hallazgo(self, pk: int, key: int) -> Any:
        """Take back a finding that no answer opened."""
        visit = progress.load(pk)
        try:
            findings.discard(_finding_of(visit, key))
        except RuleBroken as error:
            flash(error.message, "danger")
        else:
            flash("Hallazgo retirado.", "success")
        return redirect(url_for("VisitView.hallazgos", pk=pk))

    # Proofs

    @expose("/<int:pk>/pruebas", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def pruebas(self, pk: int) -> Any:
        """Photographs and documents: what there is, what is still needed, adding more."""
        visit, paper = self.opened(pk)
        if not progress.open_now(visit) and request.method == "GET":
            return self.elsewhere(visit)
        groups = questionnaire.groups(visit)
        asked = {str(one.question.id): one for group in groups for one in group.asked}
        errors: dict[str, str] = {}
        if request.method == "POST":
            try:
                self._attach(visit, asked, paper)
            except (Missing, NotAllowed):
                raise
            except DomainError as error:
                errors["file"] = error.message
                g.sis_status = 422
                visit = self.again(visit)
                groups = questionnaire.groups(visit)
            else:
                return redirect(url_for("VisitView.pruebas", pk=pk))
        return self.step(
            "proofs",
            visit,
            "pruebas",
            paper,
            groups=groups,
            lacking=progress.unproved(groups),
            codes={one.question.id: one.question.code for one in asked.values()},
            errors=errors,
            typed=request.form,
            pictures=PICTURES,
        )

    def _attach(self, visit: Visit, asked: Mapping[str, Asked], paper: Any) -> None:
        if request.form.get("by_paper") and paper is not None:
            lacking = [one.question.id for one in progress.unproved(questionnaire.groups(visit))]
            done = visits.prove_by_paper(visit, lacking)
            flash(f"La carpeta escaneada es la prueba de {done} respuestas.", "success")
            return
        sent = [upload for upload in request.files.getlist("file") if upload and upload.filename]
        if not sent:
            raise RuleBroken("Elija una foto o un PDF.", "file")
        one = asked.get(request.form.get("question", ""))
        caption = request.form.get("caption", "").strip()
        for upload in sent:
            words = caption or (one.question.text if one else "")
            visits.attach(visit, upload.read(), words, one.question.id if one else None, clock.now())
        flash(f"Se guardó {len(sent)} prueba{'s' if len(sent) > 1 else ''}.", "success")

    @expose("/<int:pk>/pruebas/<int:key>/retirar", methods=["POST"])
    @has_access
    @permission_name("edit")
    def retirar_prueba(self, pk: int, key: int) -> Any:
        """Withdraw a proof, with its reason."""
        visit = progress.load(pk)
        file = next((row for row in visit.files if row.id == key), None)
        if file is None:
            raise Missing()
        try:
            visits.withdraw_file(file, request.form.get("reason", ""))
        except RuleBroken as error:
            flash(error.message, "danger")
        else:
            flash("La prueba se retiró; queda guardada con su motivo.", "success")
        return redirect(url_for("VisitView.pruebas", pk=pk))


def _sent(one: Asked) -> dict[str, Any] | None:
    """What was sent of a question; None when it was not on the page. Raises RuleBroken."""
    name = str(one.question.id)
    value = request.form.get(f"value-{name}", "")
    note = request.form.get(f"note-{name}", "").strip()
    typed = request.form.get(f"affected-{name}", "").strip()
    if not value:
        if note or typed:
            raise RuleBroken("Elija una respuesta para guardar lo que escribió.", name)
        return None
    affected = whole(typed, name) if value == AnswerValue.FAILS.value else None
    return {"question_id": one.question.id, "value": value, "note": note, "affected_workers": affected}


def _proofs(visit: Visit) -> dict[int | None, list[VisitFile]]:
    found: dict[int | None, list[VisitFile]] = {}
    for file in visit.files:
        if file.withdrawn_reason is None:
            found.setdefault(file.question_id, []).append(file)
    return found


def _finding_of(visit: Visit, key: int) -> Finding:
    row = Session.get(Finding, key) if key < 2**31 else None
    if row is None or row.visit_id != visit.id or row.state is not None:
        raise Missing()
    return row
