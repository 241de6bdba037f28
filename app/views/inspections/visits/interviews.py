"""The reserved interviews of a visit: its team writes, the director reads, nobody else has a page."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from wtforms import IntegerField
from wtforms.validators import InputRequired, Optional
from wtforms.widgets import HiddenInput

from app.core import clock
from app.core.errors import DomainError, Missing, NotAllowed
from app.models.inspections import Visit, VisitInterview
from app.operations.inspections import interviews
from app.views.base import explain, valid
from app.views.history import history_of
from app.views.inspections.visits import progress
from app.views.inspections.visits.base import VisitPages
from app.views.inspections.visits.forms import hour, hour_of, moment_of
from app.views.widgets import day_field, form_field


class InterviewForm(FlaskForm):
    """What somebody said in confidence."""

    taken_on = day_field("Fecha", validators=[InputRequired("Escriba la fecha de la entrevista.")])
    taken = hour("Hora")
    worker = form_field(VisitInterview, "worker")
    text = form_field(VisitInterview, "text")
    version = IntegerField(validators=[Optional()], widget=HiddenInput())

    def show(self, interview: VisitInterview | None) -> None:
        """Begin with an interview, or with this moment."""
        at = interview.taken_at if interview else clock.now()
        self.taken_on.data, self.taken.data = clock.local(at).date(), hour_of(at)
        if interview is not None:
            self.worker.data, self.text.data = interview.worker, interview.text
            self.version.data = interview.version

    def values(self) -> dict[str, Any]:
        """What was typed, for the operation."""
        at = moment_of(self.taken_on.data, self.taken.data or clock.local(clock.now()).time())
        return {"taken_at": at, "worker": self.worker.data, "text": self.text.data}


class InterviewPages(VisitPages):
    """The pages of the interviews."""

    @expose("/<int:pk>/entrevistas")
    @has_access
    @permission_name("show")
    def entrevistas(self, pk: int) -> Any:
        """The interviews of a visit; to open the page is to read them."""
        visit = progress.load(pk)
        return self.render_template(
            "inspections/interviews.html",
            visit=visit,
            rows=interviews.of_visit(visit),
            title="Entrevistas reservadas",
            writes=interviews.may_write(visit),
        )

    @expose("/<int:pk>/entrevistas/agregar", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def agregar_entrevista(self, pk: int) -> Any:
        """A new interview."""
        visit = progress.load(pk)
        if not interviews.may_write(visit):
            raise Missing()
        return self._write(visit, None)

    @expose("/<int:pk>/entrevistas/<int:key>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def entrevista(self, pk: int, key: int) -> Any:
        """Change an interview before the acta is signed."""
        visit = progress.load(pk)
        return self._write(visit, interviews.one(visit, key))

    def _write(self, visit: Visit, interview: VisitInterview | None) -> Any:
        form = InterviewForm()
        if not form.is_submitted():
            form.show(interview)
        elif valid(form):
            try:
                if interview is None:
                    interviews.add(visit, form.values())
                else:
                    interviews.change(interview, form.values(), form.version.data or 0)
            except DomainError as error:
                if isinstance(error, Missing | NotAllowed):
                    raise
                explain(form, error)
                visit = self.again(visit)
            else:
                flash("Entrevista: se guardó.", "success")
                return redirect(url_for("VisitView.entrevistas", pk=visit.id))
        return self.render_template(
            "inspections/interview.html",
            visit=visit,
            form=form,
            title="Editar la entrevista" if interview else "Agregar una entrevista",
            history=history_of(VisitInterview, interview.id) if interview else [],
        )
