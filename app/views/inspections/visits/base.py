"""What every page of a visit does alike: it loads, it refuses what is closed, it shows the way."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect
from flask_appbuilder import BaseView

from app.core.base import Session
from app.core.errors import DomainError, Missing, NotAllowed
from app.models.followup import RecordMove
from app.models.inspections import Visit
from app.operations.inspections import questionnaire, visits
from app.views.inspections.shown import mark, page_of
from app.views.inspections.visits import progress
from app.workflow.definition import Phase


class VisitPages(BaseView):
    """The common part of the pages of a visit."""

    def opened(self, pk: int, places: bool = False) -> tuple[Visit, RecordMove | None]:
        """A visit under way and, when it is typed in from paper, the step with the scan."""
        visit = progress.load(pk, places)
        return visit, visits.paper(visit) if visit.order_id is not None else None

    def elsewhere(self, visit: Visit) -> Any:
        """Where a page of a visit that is not under way sends: its own page, or the start."""
        if progress.phase_of(visit) is Phase.PLANNED and visit.order_id is not None:
            flash("Primero inicie la visita.", "warning")
            return redirect(progress.address(visit, "start"))
        flash("Esta visita está cerrada: ya no se cambia.", "warning")
        return redirect(page_of(visit))

    def step(self, template: str, visit: Visit, code: str, paper: RecordMove | None, **context: Any) -> Any:
        """A page of a visit under way: where one is, what follows."""
        groups = context.pop("groups", None)
        if groups is None:
            groups = questionnaire.groups(visit)
        steps = progress.steps(visit, groups, paper is not None)
        place = next(position for position, step in enumerate(steps) if step.code == code)
        return self.render_template(
            f"inspections/visit_{template}.html",
            visit=visit,
            paper=paper,
            groups=groups,
            steps=steps,
            here=steps[place],
            place=place,
            before=steps[place - 1] if place else None,
            after=steps[place + 1] if place + 1 < len(steps) else None,
            title=steps[place].title,
            mark=mark(visit),
            **context,
        )

    def told(self, visit: Visit, error: DomainError) -> None:
        """A refusal above the form; what was typed stays."""
        if isinstance(error, Missing | NotAllowed):
            raise error
        flash(error.message, "danger")
        g.sis_status = 422

    def again(self, visit: Visit) -> Visit:
        """The visit after a refused act, whose transaction is gone."""
        Session.rollback()
        return progress.load(visit.id)
