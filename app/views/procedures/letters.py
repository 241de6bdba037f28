"""The text of each kind of document in a version: read, changed in a draft, tried on a model or a record."""

from __future__ import annotations

import difflib
import io
from typing import Any

from flask import Response, flash, redirect, request, send_file, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from wtforms import StringField, TextAreaField, validators

from app.core.errors import DomainError, Missing, NotAllowed, RuleBroken
from app.documents import letters
from app.documents.render import RenderFailed
from app.operations import papers, procedures
from app.operations import procedure_drafts as drafts
from app.operations.search import numbered
from app.views.base import explain, valid, version_sent
from app.views.inspections.shown import record_of
from app.views.widgets import REQUIRED
from app.workflow.definition import ProcedureVersion


class LetterForm(FlaskForm):
    """The text of a document."""

    source = TextAreaField(
        "Texto del documento",
        [validators.InputRequired(REQUIRED)],
        render_kw={"rows": 24, "spellcheck": "false", "class": "form-control sis-code-text"},
    )
    numero = StringField("Número del expediente", [validators.Optional(), validators.Length(max=60)])


def kinds_of(version: ProcedureVersion) -> list[tuple[str, str, bool]]:
    """(code, title, whether the version has its own text) of each document that the system writes."""
    own = {each.code for each in version.letters}
    return [(code, papers.kind_of(code).title, code in own) for code in letters.LETTERS]


class LetterPages:
    """Mixed into the view of versions."""

    render_template: Any
    appbuilder: Any
    _version: Any
    _may: Any

    @expose("/<code>/documento/<letter>", methods=["GET", "POST"])
    @has_access
    @permission_name("show")
    def letter(self, code: str, letter: str) -> Any:
        """The text that holds in a version, with what differs from the shipped one; a draft's is changed."""
        head, version = self._version(code)
        shipped = self._shipped(letter)
        text = version.letter(letter) or shipped
        may_edit = head.status == drafts.DRAFT and self._may("can_edit")
        form = LetterForm()
        if not self._may("can_publish"):
            form.source.render_kw = {**form.source.render_kw, "readonly": True}
            del form.numero
        if request.method == "GET":
            form.source.data = text
        elif not may_edit:
            raise NotAllowed()
        elif valid(form):
            try:
                drafts.put_letter(code, version_sent(), letter, form.source.data)
            except DomainError as error:
                explain(form, error)
            else:
                flash(f"Se guardó el texto de {letter} en el borrador.", "success")
                return redirect(url_for("ProcedureView.letter", code=code, letter=letter))
        kind, _ = letters.LETTERS[letter]
        return self.render_template(
            "procedures/letter.html",
            title=f"{papers.kind_of(letter).title}: texto en {code}",
            head=head,
            letter=letter,
            form=form,
            text=text,
            own=version.letter(letter) is not None,
            may_edit=may_edit,
            may_try=self._may("can_publish"),
            names=letters.names_of(kind),
            extra=sorted({field.code for process in version.processes for field in process.fields}),
            changes=_changes(shipped, text),
        )

    @expose("/<code>/documento/<letter>/de-fabrica", methods=["POST"])
    @has_access
    @permission_name("edit")
    def shipped_letter(self, code: str, letter: str) -> Response:
        """Back to the text that the system brings."""
        self._shipped(letter)
        try:
            drafts.put_letter(code, version_sent(), letter, None)
        except DomainError as error:
            if isinstance(error, Missing):
                raise
            flash(error.message, "danger")
        else:
            flash(f"{letter} vuelve al texto que trae el sistema.", "success")
        return redirect(url_for("ProcedureView.letter", code=code, letter=letter))

    @expose("/<code>/documento/<letter>/probar", methods=["POST"])
    @has_access
    @permission_name("publish")
    def try_letter(self, code: str, letter: str) -> Any:
        """The PDF of the text in the form: a model with the names of its data, or a real record."""
        self._version(code)
        self._shipped(letter)
        source = request.form.get("source", "").replace("\r\n", "\n")
        number = request.form.get("numero", "").strip()
        try:
            wrong = drafts.letter_faults(letter, source)
            if wrong:
                raise RuleBroken(" ".join(wrong))
            pdf = self._tried(letter, source, number)
        except (RuleBroken, RenderFailed) as error:
            flash(f"{error} Vuelva atrás: lo escrito sigue en el formulario.", "danger")
            return self.render_template("procedures/refused.html", title="No se pudo imprimir"), 422
        return send_file(io.BytesIO(pdf), "application/pdf", download_name=f"modelo-{letter}.pdf")

    def _tried(self, letter: str, source: str, number: str) -> bytes:
        if not number:
            return drafts.sample_pdf(letter, source)
        for row in numbered(number, 10):
            for process in _issuers(letter):
                key = getattr(row, f"{process}_id")
                if key is not None and (record := record_of(process, key)) is not None:
                    return papers.draft(record, letter, source=source)
        raise RuleBroken(
            f"A su alcance no hay un registro con el número {number} que emita {letter}. Deje el número "
            "vacío para ver el modelo con los nombres de los datos."
        )

    @staticmethod
    def _shipped(letter: str) -> str:
        if letter not in letters.LETTERS:
            raise Missing()
        return letters.source_of(letters.LETTERS[letter][1])


def _issuers(letter: str) -> set[str]:
    """The processes whose steps issue a kind of document, in the version that rules."""
    rules = procedures.version_in_force()
    return {p.code for p in rules.processes if any(letter in move.letters for move in p.moves)}


def _changes(shipped: str, text: str) -> list[tuple[str, str]]:
    """The lines that differ from the shipped text: (+, - or blank, line)."""
    lines = difflib.unified_diff(shipped.splitlines(), text.splitlines(), n=1, lineterm="")
    return [(line[:1], line[1:]) for line in list(lines)[2:]]
