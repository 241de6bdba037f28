"""The drill: a new minister's procedure, forms and letters in an afternoon; open cases go on as they began."""

import io
from datetime import timedelta
from typing import Any

import pypdf
from inspection_samples import SIGN, acting, assigned, begun, checklist, done, filled, reported
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session as OrmSession

from app.core import clock
from app.documents import letters
from app.models import procedures as rows
from app.models.checklists import ChecklistQuestion, ChecklistVersion
from app.models.followup import Term
from app.models.inspections import FinalReport, InspectionOrder
from app.operations import checklists, extra, moves, papers, procedures
from app.operations import procedure_drafts as drafts
from app.operations.inspections import questionnaire
from app.operations.unit import act
from app.workflow import editing
from app.workflow.definition import Move, Phase, State
from app.workflow.fields import ExtraField, FieldKind

CODE = "2027-015"
MODE = ExtraField(
    "modalidad", "Modalidad de trabajo", FieldKind.ONE, required=True, options=("Presencial", "Remota")
)


def seen() -> int:
    found: int = procedures.Session.get_one(rows.ProcedureVersion, CODE).version
    return found


def own(code: str, words: str) -> str:
    """The shipped text of a document with other words in its title."""
    source = letters.source_of(letters.LETTERS[code][1])
    return source.replace("{% block title %}", f"{{% block title %}}{words} · ", 1)


def tomorrow_comes(db: OrmSession) -> None:
    with act("clock.move"):
        db.execute(text("UPDATE installation SET clock_offset = clock_offset + interval '1 day'"))
    clock.use_offset(lambda: timedelta(days=1))


def titled(record: Any, code: str) -> str:
    pdf = pypdf.PdfReader(io.BytesIO(papers.draft(record, code)))
    return " ".join(page.extract_text() for page in pdf.pages)


def first_term(report: FinalReport) -> Term:
    return procedures.Session.scalars(
        select(Term).where(Term.report_id == report.id).order_by(Term.id).limit(1)
    ).one()


def test_a_change_of_minister_is_an_afternoon_without_deployment(db: OrmSession) -> None:
    procedures.forget()
    old = procedures.version_in_force().code
    try:
        # Before: one case with its visit made, one just assigned.
        first = done(fails=0).order
        waiting = assigned()

        # The afternoon: an administrator changes the draft, a director publishes it from tomorrow.
        day = clock.today() + timedelta(days=1)
        with acting("admin"):
            drafts.clone(old, CODE, "Procedimiento nuevo", "Res. 15/2027", day)
            state = State("DICTAMEN_PREVIO", "Dictamen previo", Phase.IN_DECISION)
            step = Move("pedir_dictamen_previo", "", "", "Pedir el dictamen previo", ("director",))
            drafts.change(
                CODE,
                seen(),
                "split",
                lambda v: editing.split_state(v, "report", "REVISION_DGIF", state, step),
            )
            drafts.change(CODE, seen(), "field", lambda v: editing.put_field(v, "visit", MODE))
            drafts.own_days(CODE, seen(), "report", "INF_ELABORACION", 7, "Res. 15/2027, art. 4")
            for code in ("OI", "ACT-INS"):
                drafts.put_letter(CODE, seen(), code, own(code, "MODELO NUEVO"))
            draft = db.get_one(ChecklistVersion, checklists.clone(checklist().id, "Res. 15/2027", day))
            question = {"section_id": draft.sections[0].id, "code": "MOD-01", "text": "¿Consta la modalidad?"}
            question |= {"weight": 1, "evidence": "none", "infraction_code": None, "show_if": None}
            checklists.put_question(draft.id, draft.version, question)
            drafts.propose(CODE, seen(), day)
        with acting("director"):
            drafts.publish(CODE, seen())
            checklists.publish(draft.id, draft.version, day)
        assert procedures.version_in_force().code == old

        tomorrow_comes(db)
        assert procedures.version_in_force().code == CODE

        # A case opened before: the old fields, steps, terms and letters, to its end.
        visit = begun(waiting)
        assert extra.fields_of(visit) == [] and "MODELO NUEVO" not in titled(waiting, "OI")
        asked = {each.question.code for group in questionnaire.groups(visit) for each in group.asked}
        assert "MOD-01" not in asked
        report = reported(first, "ARCHIVO")
        assert report.version_code == old and first_term(report).days != 7
        with acting("inspector1"):
            moves.move(report, "firmar", SIGN)
        with acting("director"):
            steps = {offer.move.code for offer in moves.offers(report)}
        assert "remitir" in steps and "pedir_dictamen_previo" not in steps

        # One opened after: the new ones.
        order = assigned()
        assert order.version_code == CODE and "MODELO NUEVO" in titled(order, "OI")
        visit = begun(order)
        asked = {each.question.code for group in questionnaire.groups(visit) for each in group.asked}
        assert "MOD-01" in asked
        filled(visit)
        with acting("inspector1"):
            finish = next(offer for offer in moves.offers(visit) if offer.move.code == "finalizar")
            assert any("Modalidad de trabajo" in reason for reason in finish.reasons)
            extra.keep(visit, {"modalidad": ["Remota"]}, visit.version)
            finish = next(offer for offer in moves.offers(visit) if offer.move.code == "finalizar")
            assert not any("Modalidad de trabajo" in reason for reason in finish.reasons)
            assert "MODELO NUEVO" in titled(visit, "ACT-INS")

        # A report over both counts both, by the phases that no minister renames.
        phases = (
            select(rows.ProcedureState.phase, func.count())
            .join(
                InspectionOrder,
                (InspectionOrder.version_code == rows.ProcedureState.version_code)
                & (InspectionOrder.process_code == rows.ProcedureState.process_code)
                & (InspectionOrder.state == rows.ProcedureState.code),
            )
            .where(InspectionOrder.id.in_([first.id, waiting.id, order.id]))
            .group_by(rows.ProcedureState.phase)
        )
        assert sum(count for _, count in db.execute(phases)) == 3
        codes = select(ChecklistQuestion.code).join(
            ChecklistVersion, ChecklistVersion.id == ChecklistQuestion.version_id
        )
        assert "MOD-01" in set(db.scalars(codes.where(ChecklistVersion.id == draft.id)))
    finally:
        clock.use_offset(None)
        procedures.forget()
