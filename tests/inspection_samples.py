"""Steps of an inspection as its people take them, for tests: each function acts as one of the cast."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL import Image, ImageDraw
from sqlalchemy import select
from support import PASSWORD

from app.core.base import Session
from app.models.checklists import ChecklistVersion
from app.models.inspections import FinalReport, Finding, HeadcountGroup, InspectionOrder, Visit
from app.models.registry import Establishment
from app.models.security import Account, UserOffice
from app.models.staff import Inspector
from app.operations import moves
from app.operations.inspections import facts, findings, orders, questionnaire, reports, visits
from app.operations.moves import Details
from app.security.principal import Principal, acting_as

SIGN = Details(password=PASSWORD)


def principal(username: str) -> Principal:
    """One of the cast, as the web would name him."""
    account = Session.scalars(select(Account).where(Account.username == username)).one()
    offices = Session.scalars(select(UserOffice.office_id).where(UserOffice.user_id == account.id))
    return Principal(
        username,
        account.id,
        roles=frozenset(role.name for role in account.roles),
        offices=frozenset(offices),
        origin="web",
    )


@contextmanager
def acting(username: str) -> Iterator[Principal]:
    """Act as one of the cast."""
    with acting_as(principal(username)) as who:
        yield who


def office_of(username: str) -> int:
    """The office that one of the cast serves."""
    return next(iter(principal(username).offices))


def inspector(username: str) -> Inspector:
    """The inspector that one of the cast is."""
    account = Session.scalars(select(Account.id).where(Account.username == username)).one()
    return Session.scalars(select(Inspector).where(Inspector.account_id == account)).one()


def drawing() -> bytes:
    """A signature drawn on a screen: PNG with transparency."""
    picture = Image.new("RGBA", (300, 120), (255, 255, 255, 0))
    ImageDraw.Draw(picture).line([(10, 90), (80, 20), (150, 100), (290, 30)], fill=(0, 0, 60, 255), width=4)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def photo(color: tuple[int, int, int] = (90, 120, 60)) -> bytes:
    """A photograph."""
    out = io.BytesIO()
    Image.new("RGB", (640, 480), color).save(out, "JPEG")
    return out.getvalue()


def establishment() -> Establishment:
    """An establishment of the demonstration register."""
    return Session.scalars(select(Establishment).order_by(Establishment.id).limit(1)).one()


def checklist(code: str = "CL-INF") -> ChecklistVersion:
    """A published checklist."""
    return Session.scalars(
        select(ChecklistVersion).where(
            ChecklistVersion.checklist_code == code,
            ChecklistVersion.status == "published",
            ChecklistVersion.valid_to.is_(None),
        )
    ).one()


def draft(**values: Any) -> InspectionOrder:
    """A complete draft of an order."""
    with acting("coordinador"):
        return orders.create(
            {
                "kind": "ESTABLECIMIENTO",
                "origin": "OFICIO",
                "priority": "P3",
                "office_id": office_of("coordinador"),
                "matters": ["REG", "INF"],
                "places": [establishment().id],
                "checklists": [checklist().id],
                "team": [inspector("inspector1").id, inspector("inspector2").id],
                **values,
            }
        )


def signed(**values: Any) -> InspectionOrder:
    """An order that the minister signed."""
    order = draft(**values)
    with acting("coordinador"):
        moves.move(order, "enviar_a_firma")
    with acting("ministro"):
        moves.move(order, "firmar", SIGN)
    return order


def assigned(**values: Any) -> InspectionOrder:
    """A signed order whose inspectors were told."""
    order = signed(**values)
    with acting("coordinador"):
        moves.move(order, "asignar")
    return order


def begun(order: InspectionOrder | None = None) -> Visit:
    """A visit under way."""
    order = order or assigned()
    with acting("inspector1"):
        visit = visits.plan(order, {"kind": "INICIAL"})
        visits.start(visit, Details(), {"latitude": None, "longitude": None})
    return visit


def filled(visit: Visit, fails: int = 1, proofs: bool = True) -> Visit:
    """The questionnaire answered, `fails` questions with "No cumple", the workers counted."""
    with acting("inspector1"):
        visits.write(
            visit,
            {
                "attended_by": "Carlos Benítez",
                "attended_document": "2345678",
                "attended_post": "Encargado",
                "narrative": "Se recorre el establecimiento.",
            },
        )
        visits.count(visit, [{"group": g.value, "men": 3, "women": 2} for g in HeadcountGroup])
        asked = [one.question for group in questionnaire.groups(visit) for one in group.asked]
        questionnaire.answer(
            visit,
            [
                {
                    "question_id": question.id,
                    "value": "NO_CUMPLE" if position < fails else "CUMPLE",
                    "note": "Se constata en el lugar." if position < fails else None,
                    "affected_workers": 2 if position < fails else None,
                }
                for position, question in enumerate(asked)
            ],
        )
        if proofs:
            for question in questionnaire.unproved(visit):
                visits.attach(visit, photo(), f"Prueba de {question.code}", question.id)
        for finding in findings.of_visit(visit):
            findings.confirm(finding, {"facts": finding.facts})
    return visit


def signatures(visit: Visit, refused: bool = False) -> Visit:
    """Both inspectors and the employer sign, or the employer refuses."""
    with acting("inspector1"):
        visits.sign_as_inspector(visit, inspector("inspector1").id, password=PASSWORD)
        visits.sign_as_inspector(visit, inspector("inspector2").id, drawing=drawing())
        party = {"party": "employer", "name": "Carlos Benítez", "post": "Encargado"}
        if refused:
            visits.sign_as_party(visit, {**party, "refusal": "Consultará con su abogado."})
        else:
            visits.sign_as_party(visit, party, drawing())
    return visit


def done(fails: int = 1, order: InspectionOrder | None = None) -> Visit:
    """A visit with its signed acta."""
    visit = signatures(filled(begun(order), fails))
    with acting("inspector1"):
        moves.move(visit, "finalizar", SIGN)
    return visit


def first_finding(visit: Visit) -> Finding:
    """The first finding of a visit."""
    return findings.of_visit(visit)[0]


def reported(order: InspectionOrder, proposal: str) -> FinalReport:
    """The report of an order that was carried out, with the approval of the coordination."""
    with acting("inspector1"):
        moves.move(order, "declarar_ejecutada")
        report = facts.report_of(order)
        assert report is not None
        reports.write(report, {"facts": "Lo visto.", "analysis": "Lo dicho.", "proposal": proposal})
        moves.move(report, "enviar_a_coordinacion")
    with acting("coordinador"):
        moves.move(report, "dar_visto_bueno")
    return report
