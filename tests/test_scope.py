"""Who reaches which rows: the cast against every scoped class, by every way to a row.

Four files and a piece of history, each with a canary in its texts: A in the capital, its report being written;
B in Alto Paraná, its report at DGIFT; C in Alto Paraná, its report at DGAJ; D in the capital, about safety and
health; H imported.
"""

import ast
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from typing import Any
from uuid import uuid4

import pytest
from registry_samples import make, place
from sqlalchemy import create_engine, delete, exists, func, insert, select, text, union_all, update
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import aliased, joinedload, lazyload, selectinload, sessionmaker
from support import ROOT, Live

from app.core.base import Model, Session
from app.core.errors import NotAllowed
from app.models.catalogs import Office
from app.models.checklists import ChecklistQuestion, ChecklistVersion
from app.models.documents import Document, DocumentType, StoredFile
from app.models.followup import Notice, RecordDocument, RecordMove, Term, TermAlert
from app.models.inspections import (
    ActaCorrection,
    AffectedWorker,
    Answer,
    Filing,
    FinalReport,
    Finding,
    InspectionOrder,
    OrderChecklist,
    OrderEstablishment,
    OrderInspector,
    Visit,
    VisitFile,
    VisitHeadcount,
    VisitInspector,
    VisitInterview,
    VisitSignature,
)
from app.models.security import Account, UserOffice
from app.models.staff import Inspector
from app.operations.seed_files import load
from app.operations.unit import act
from app.security import scope
from app.security.principal import SYSTEM, Principal, acting_as
from app.security.roles import BY_KEY, Role
from app.security.scope import scoped, unscoped

VERSION = "2025-398"
TODAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 13, tzinfo=UTC)
RECORDS = tuple(scope.RECORDS)
KINDS: Any = pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)

SEES = {
    "director": "ABCDH",
    "ministro": "ABCDH",
    "secretaria": "ABCDH",
    "auditor": "ABCDH",
    "regional": "BCH",
    "coordinador": "ADH",
    "mesa": "ABCDH",
    "notificador": "ABCDH",
    "inspector1": "AH",
    "inspector2": "AH",
    "inspector3": "BH",
    "juridico": "CH",
    "juez": "CH",
    "sst": "BDH",
    "admin": "",
    "tesoreria": "",
    "licencias": "",
    "estadistica": "",
    "conciliacion": "",
    "salud": "",
}
"""The files of each of the cast, worked out by hand."""
WRITES = {name: files.replace("H", "") for name, files in SEES.items()} | {
    "director": "ABCDH",
    "ministro": "ABCDH",
    "secretaria": "ABCDH",
    "auditor": "",
}
CAST: Any = pytest.mark.parametrize("name", SEES)


@dataclass
class World:
    """What was built: the rows of each file by class, and the cast as principals."""

    rows: dict[str, list[Any]] = field(default_factory=dict)
    keys: dict[tuple[str, type], list[int]] = field(default_factory=dict)

    def of(self, kind: type, files: str) -> list[int]:
        return sorted(key for letter in files for key in self.keys.get((letter, kind), ()))

    def everything(self, kind: type) -> list[int]:
        return self.of(kind, "ABCDH")

    def foreign(self, kind: type, files: str) -> list[int]:
        return sorted(set(self.everything(kind)) - set(self.of(kind, files)))


@cache
def roles() -> dict[str, str]:
    return {row["username"]: BY_KEY[row["role"]].label for row in load("demo.yaml", "accounts")}


def who(name: str) -> Principal:
    """One of the cast as the web knows him."""
    key = Session.scalars(select(Account.id).where(Account.username == name)).one()
    offices = Session.scalars(select(UserOffice.office_id).where(UserOffice.user_id == key))
    return Principal(name, key, frozenset({roles()[name]}), frozenset(offices), "web")


def build() -> World:
    """The four files and the history, by the system; the interviews by who may write them."""
    world = World()
    with acting_as(SYSTEM), act("test"):
        once = _catalogues()
        _file(world, once, "A", "REG-CAP", ("INSP-01", "INSP-02"), "ELABORACION")
        _file(world, once, "B", "REG-11", ("INSP-07",), "REVISION_DGIF")
        _file(world, once, "C", "REG-11", ("INSP-08",), "REMITIDO_DGAJ")
        _file(world, once, "D", "REG-CAP", ("INSP-03",), "ELABORACION", matters=["SAL", "SST"])
        _history(world, once)
        for name in SEES:
            Session.add(Notice(account_id=who(name).account_id, text=f"CANARIO-{name}"))
        Session.flush()
        for letter, rows in world.rows.items():
            for row in rows:
                world.keys.setdefault((letter, type(row)), []).append(row.id)
    for letter, name in (("A", "inspector1"), ("B", "inspector3")):
        with acting_as(who(name)), act("test"):
            interview = VisitInterview(
                visit_id=world.of(Visit, letter)[0], taken_at=NOW, worker="Cajera", text=f"CANARIO-{letter}"
            )
            Session.add(interview)
            Session.flush()
            world.keys[letter, VisitInterview] = [interview.id]
    Session.expunge_all()
    return world


def _catalogues() -> dict[str, Any]:
    house = place(make())
    stored = StoredFile(sha256="a" * 64, size=1, content_type="image/png")
    Session.add(stored)
    Session.flush()
    return {
        "place": house.id,
        "file": stored.id,
        "checklist": Session.scalars(select(ChecklistVersion.id).limit(1)).one(),
        "question": Session.scalars(select(ChecklistQuestion.id).limit(1)).one(),
        "type": Session.scalars(select(DocumentType.code).limit(1)).one(),
        "offices": dict(Session.execute(select(Office.code, Office.id)).all()),
        "inspectors": dict(Session.execute(select(Inspector.code, Inspector.id)).all()),
    }


def _file(
    world: World,
    once: dict[str, Any],
    letter: str,
    office_code: str,
    team: tuple[str, ...],
    state: str,
    matters: list[str] | None = None,
) -> None:
    canary, office = f"CANARIO-{letter}", once["offices"][office_code]
    common = {"version_code": VERSION, "office_id": office}
    order = InspectionOrder(
        kind="ESTABLECIMIENTO",
        origin="OFICIO",
        state="EJECUTADA",
        matters=matters or ["SAL"],
        instructions=canary,
        **common,
    )
    keep = world.rows.setdefault(letter, [])
    keep.append(_saved(order))
    for number, code in enumerate(team):  # the second was substituted: he was of the team
        member = OrderInspector(order=order, inspector_id=once["inspectors"][code], since=TODAY)
        member.leader, member.until = number == 0, TODAY if number else None
        member.reason = canary
        keep.append(_saved(member))
    keep.append(_saved(OrderEstablishment(order=order, establishment_id=once["place"])))
    keep.append(_saved(OrderChecklist(order=order, checklist_version_id=once["checklist"])))
    visit = Visit(
        order=order,
        state="EN_CURSO",
        establishment_id=once["place"],
        kind="INICIAL",
        narrative=canary,
        **common,
    )
    keep.append(_saved(visit))
    finding = Finding(visit=visit, state="CONSTATADO", confirmed=True, facts=canary, **common)
    keep.append(_saved(finding))
    report = FinalReport(order=order, state=state, facts=canary, **common)
    keep.append(_saved(report))
    _parts(keep, once, visit, finding, canary)
    inspector = once["inspectors"][team[0]]
    keep.append(_saved(VisitInspector(visit=visit, inspector_id=inspector, absence_reason=canary)))
    types = ("VIGENCIA", "RATIFICACION_ANEXO", "REGULARIZACION_DOC", "INF_ELABORACION")
    for record, code in zip((order, visit, finding, report), types, strict=True):
        owner = {record.process: record}
        move = RecordMove(process_code=record.process, name=canary, to_state=record.state, happened_on=TODAY)
        move.actor_name = canary
        setattr(move, record.process, record)
        term = Term(
            process_code=record.process,
            type_code=code,
            start_on=TODAY,
            days=5,
            unit="habiles",
            due_on=TODAY,
            **common,
            **owner,
        )
        keep += [_saved(move), _saved(term), _saved(TermAlert(term=term, offset_days=-2))]
        keep.append(_saved(RecordDocument(document_id=_document(once, canary), **owner)))


def _history(world: World, once: dict[str, Any]) -> None:
    keep, canary = world.rows.setdefault("H", []), "CANARIO-H"
    common = {"version_code": "historico", "office_id": once["offices"]["REG-08"]}
    visit = Visit(state="REALIZADA", kind="INICIAL", historical_act=canary, **common)
    finding = Finding(visit=visit, state="CONSTATADO", confirmed=True, facts=canary, **common)
    keep += [_saved(visit), _saved(finding)]
    _parts(keep, once, visit, finding, canary)


def _parts(keep: list[Any], once: dict[str, Any], visit: Visit, finding: Finding, canary: str) -> None:
    paper = _document(once, canary)
    for row in (
        VisitHeadcount(visit_id=visit.id, group_code="TOTAL", men=1, women=2),
        Answer(visit_id=visit.id, question_id=once["question"], value="CUMPLE", note=canary),
        VisitSignature(visit_id=visit.id, party="employer", name=canary, signed_at=NOW),
        VisitFile(visit_id=visit.id, file_id=once["file"], caption=canary, sha256_original="b" * 64),
        ActaCorrection(visit=visit, document_id=paper, says="1", should_say="2", reason=canary),
        Filing(finding_id=finding.id, filed_on=TODAY, description=canary),
        AffectedWorker(finding_id=finding.id, position=1, name=canary),
    ):
        keep.append(_saved(row))


def _document(once: dict[str, Any], canary: str) -> int:
    code = uuid4().hex
    row = Document(type_code=once["type"], number=code, status="reserved", title="x", happened_on=TODAY)
    row.verification_code = code
    return _saved(row).id


def _saved(row: Any) -> Any:
    Session.add(row)
    Session.flush()
    return row


@pytest.fixture
def world(db: OrmSession) -> World:
    return build()


def canaries(*rows: Any) -> set[str]:
    """The files whose canary occurs in these rows, whatever their columns."""
    found: set[str] = set()
    for row in rows:
        if row is None:
            continue
        values = [getattr(row, name) for name in row.__mapper__.columns.keys()]  # noqa: SIM118
        found |= set(re.findall(r"CANARIO-(\w)", json.dumps(values, default=str)))
    return found


# -- reading --------------------------------------------------------------------------------------------


@CAST
def test_each_of_the_cast_reads_the_files_that_are_his_by_every_way(world: World, name: str) -> None:
    files = SEES[name]
    with acting_as(who(name)):
        for kind in RECORDS:
            mine, foreign = world.of(kind, files), world.foreign(kind, files)
            twin = aliased(kind)
            asked = (
                select(kind),
                select(twin),
                scoped(kind),
                select(kind).where(kind.id.in_(select(twin.id))),
            )
            for statement in asked:
                Session.expunge_all()
                rows = Session.scalars(statement).all()
                assert sorted(row.id for row in rows) == mine, (kind, str(statement))
                assert canaries(*rows) <= set(files), kind
            counted = (
                select(func.count(kind.id)),
                select(func.count()).select_from(kind),
                select(func.count()).select_from(select(kind.id).subquery()),
                select(select(func.count(kind.id)).scalar_subquery()),
                select(func.count()).select_from(select(kind.id).cte()),
            )
            for statement in counted:
                assert Session.scalar(statement) == len(mine), (kind, str(statement))
            assert Session.query(kind).count() == len(mine), kind
            assert sorted(Session.scalars(union_all(select(kind.id), select(twin.id)))) == sorted(mine * 2)
            assert bool(Session.scalar(select(exists(select(kind.id))))) is bool(mine), kind
            assert sorted(Session.connection().scalars(scoped(kind).with_only_columns(kind.id))) == mine
            Session.expunge_all()
            assert [key for key in foreign if Session.get(kind, key) is not None] == [], kind
            assert all(Session.get(kind, key) is not None for key in mine), kind


@pytest.mark.parametrize("name", ["inspector1", "coordinador", "juridico", "sst", "admin"])
def test_relations_lead_to_nothing_foreign(world: World, name: str) -> None:
    """Lazily from foreign rows in hand, however they came there; lazily and eagerly from one's own."""
    files, principal = SEES[name], who(name)
    for kind in RECORDS:
        relations = [each for each in kind.__mapper__.relationships if each.mapper.class_ in RECORDS]
        foreign = world.foreign(kind, files)
        with acting_as(principal):
            for relation in relations:  # only the foreign row is held: the rest has to be asked for
                Session.expunge_all()
                with unscoped():
                    held = Session.scalars(select(kind).where(kind.id.in_(foreign))).all()
                for row in held:
                    others = [each for each in related(row, relation) if each not in held]
                    assert canaries(*others) <= set(files), (kind, relation.key)
            for eager in (lazyload, joinedload, selectinload):
                Session.expunge_all()
                ways = [eager(getattr(kind, relation.key)) for relation in relations]
                for row in Session.scalars(select(kind).options(*ways)).unique():
                    for relation in relations:
                        assert canaries(*related(row, relation)) <= set(files), (kind, relation.key)


def related(row: Any, relation: Any) -> list[Any]:
    found = getattr(row, relation.key)
    return [each for each in (found if relation.uselist else [found]) if each is not None]


def test_a_join_and_a_condition_by_relation_stay_inside(world: World) -> None:
    with acting_as(who("inspector1")):
        joined = select(Visit.id).join(Finding, Finding.visit_id == Visit.id)
        assert sorted(Session.scalars(joined)) == world.of(Visit, "AH")
        outer = select(Office.code, Visit.id).outerjoin(Visit, Visit.office_id == Office.id)
        assert sorted(key for _, key in Session.execute(outer) if key) == world.of(Visit, "AH")
        teams = select(Inspector.code).where(
            Inspector.id.in_(select(OrderInspector.inspector_id).join(InspectionOrder))
        )
        assert sorted(Session.scalars(teams)) == ["INSP-01", "INSP-02"]
        asked = select(Office.code).where(exists(select(Visit.id).where(Visit.office_id == Office.id)))
        assert sorted(Session.scalars(asked)) == ["REG-08", "REG-CAP"]
        assert Session.scalars(select(Term.id).where(Term.visit.has())).all() == [
            term for term in world.of(Term, "A") if Session.get(Term, term).visit_id
        ]


def test_everybody_has_his_own_notices_alone(world: World) -> None:
    for name in SEES:
        with acting_as(who(name)):
            assert Session.scalars(select(Notice.text)).all() == [f"CANARIO-{name}"]
            with act("test"):
                told = update(Notice).values(read_at=NOW)
                assert Session.execute(told).rowcount == 1
                Session.add(Notice(account_id=world_account("director"), text=f"CANARIO-{name}"))
    with acting_as(who("director")):
        assert Session.scalar(select(func.count(Notice.id))) == len(SEES) + 1


def world_account(name: str) -> int:
    return Session.scalars(select(Account.id).where(Account.username == name)).one()


@pytest.mark.parametrize(
    "stranger",
    [
        Principal("anónimo", origin="web"),
        Principal("sin función", 999_999, origin="web"),
        Principal("sin función", 999_999, offices=frozenset(range(1000)), origin="web"),
        Principal("propia", 999_999, frozenset({"Función de la casa"}), frozenset(range(1000)), "web"),
        Principal("tarea", 999_999, origin="tarea"),
        Principal("inspector sin ficha", 999_999, frozenset({Role.INSPECTOR.label}), origin="web"),
        Principal("sin oficina", 999_999, frozenset({Role.COORDINATOR.label}), origin="web"),
    ],
    ids=lambda principal: principal.name,
)
def test_a_stranger_gets_nothing(world: World, stranger: Principal) -> None:
    known = bool(scope.roles_of(stranger))
    with acting_as(stranger):
        for kind in (*RECORDS, Notice, VisitInterview):
            found = Session.scalars(select(kind)).all()
            assert canaries(*found) <= ({"H"} if known else set()), kind
            assert len(found) == (len(world.of(kind, "H")) if known else 0), kind


def test_the_system_reads_every_record(world: World) -> None:
    for principal in (SYSTEM, Principal("consola", origin="consola"), Principal("tarea", origin="tarea")):
        with acting_as(principal):
            for kind in RECORDS:
                assert sorted(Session.scalars(select(kind.id))) == world.everything(kind)


def test_who_has_several_roles_sees_their_union(world: World) -> None:
    both = who("inspector1")
    both = Principal(
        both.name, both.account_id, both.roles | {Role.LEGAL.label, Role.ADMIN.label}, origin="web"
    )
    with acting_as(both):
        for kind in RECORDS:
            assert sorted(Session.scalars(select(kind.id))) == world.of(kind, "ACH"), kind
    third = who("coordinador")
    third = Principal(third.name, third.account_id, third.roles | {Role.OSH.label}, third.offices, "web")
    with acting_as(third):
        for kind in RECORDS:
            assert sorted(Session.scalars(select(kind.id))) == world.of(kind, "ABDH"), kind


def test_unscoped_looks_beyond_and_only_inside_its_block(world: World) -> None:
    with acting_as(who("inspector1")):
        with unscoped():
            assert sorted(Session.scalars(select(Visit.id))) == world.everything(Visit)
        assert sorted(Session.scalars(select(Visit.id))) == world.of(Visit, "AH")


# -- writing --------------------------------------------------------------------------------------------


@CAST
def test_statements_change_and_delete_nothing_foreign(world: World, name: str) -> None:
    files = WRITES[name]
    for kind in RECORDS:
        foreign, mine = world.foreign(kind, files), world.of(kind, files)
        with acting_as(who(name)), act("test") as unit:
            touched = update(kind).values(uuid=kind.uuid)
            for extra in ((), (kind.id.in_(foreign),)):
                changed = unit.session.execute(touched.where(*extra))
                assert changed.rowcount == (0 if extra else len(mine)), kind
            twice = unit.session.execute(touched.where(kind.id.in_(select(kind.id))))
            assert twice.rowcount == len(mine), kind
            removed = unit.session.execute(delete(kind).where(kind.id.in_(foreign)))
            assert removed.rowcount == 0, kind
    with acting_as(SYSTEM):
        for kind in RECORDS:
            assert sorted(Session.scalars(select(kind.id))) == world.everything(kind), kind


@KINDS
def test_a_foreign_row_in_hand_is_neither_changed_nor_deleted(world: World, kind: Any) -> None:
    for name in ("inspector1", "coordinador", "juridico", "auditor", "admin"):
        foreign = world.foreign(kind, WRITES[name])
        for way in ("change", "delete"):
            with pytest.raises(NotAllowed), acting_as(who(name)), act("test") as unit:
                with unscoped():
                    row = unit.session.get(kind, foreign[0])
                if way == "delete":
                    unit.session.delete(row)
                else:
                    row.uuid = uuid4()
            Session.expunge_all()


def order(office: int) -> InspectionOrder:
    return InspectionOrder(
        kind="ESTABLECIMIENTO", origin="OFICIO", version_code=VERSION, office_id=office, matters=[]
    )


def office_of(code: str) -> int:
    return Session.scalars(select(Office.id).where(Office.code == code)).one()


def test_a_record_is_opened_in_ones_own_office_only(world: World) -> None:
    own, other = office_of("REG-CAP"), office_of("REG-11")
    with acting_as(who("coordinador")):
        with act("test") as unit:
            mine = order(own)
            unit.session.add(mine)
        with pytest.raises(NotAllowed, match="Orden de inspección"), act("test") as unit:
            unit.session.add(order(other))
        with pytest.raises(NotAllowed), act("test") as unit:  # nor given away
            unit.session.get(InspectionOrder, mine.id).office_id = other
    for name in ("admin", "salud", "auditor", "inspector1", "juridico"):
        with acting_as(who(name)), pytest.raises(NotAllowed), act("test") as unit:
            unit.session.add(order(own))
    with acting_as(who("director")), act("test") as unit:
        unit.session.add(order(other))


def test_an_inspector_opens_a_visit_inside_his_order_and_fills_it(world: World) -> None:
    mine, foreign = world.of(InspectionOrder, "A")[0], world.of(InspectionOrder, "B")[0]
    question = Session.scalars(select(ChecklistQuestion.id).limit(1)).one()

    def opened(key: int) -> Visit:
        common = {"version_code": VERSION, "kind": "CONTINUACION", "number": 2}
        return Visit(order_id=key, office_id=office_of("REG-CAP"), **common)

    with acting_as(who("inspector1")):
        with act("test") as unit:
            visit = opened(mine)
            visit.answers.append(Answer(question_id=question, value="CUMPLE"))
            unit.session.add(visit)
            unit.session.flush()
            moved = RecordMove(visit=visit, process_code="visit", name="Inicio", to_state="EN_CURSO")
            moved.happened_on, moved.actor_name = TODAY, "x"
            unit.session.add(moved)
        with pytest.raises(NotAllowed, match="Visita"), act("test") as unit:
            unit.session.add(opened(foreign))
        with pytest.raises(NotAllowed, match="Respuesta"), act("test") as unit:
            key = world.of(Visit, "B")[0]
            unit.session.add(Answer(visit_id=key, question_id=question + 1, value="CUMPLE"))


def test_nobody_lets_himself_in_by_joining_a_team(world: World) -> None:
    himself = Session.scalars(select(Inspector.id).where(Inspector.code == "INSP-01")).one()
    foreign = world.of(InspectionOrder, "D")[0]
    with acting_as(who("inspector1")):
        for way in ("alone", "with a new order"):
            with pytest.raises(NotAllowed), act("test") as unit:
                member = OrderInspector(inspector_id=himself, since=TODAY)
                if way == "alone":
                    member.order_id = foreign
                else:
                    member.order = order(office_of("REG-CAP"))
                unit.session.add(member)
    with acting_as(who("coordinador")), act("test") as unit:
        unit.session.add(OrderInspector(order_id=foreign, inspector_id=himself, since=TODAY))
    with acting_as(who("inspector1")):
        assert foreign in Session.scalars(select(InspectionOrder.id)).all()


def test_many_rows_at_once_are_the_systems_to_insert(world: World) -> None:
    key = world.of(Visit, "B")[0]
    rows = [{"visit_id": key, "group_code": "IPS", "men": 1, "women": 1}]
    with acting_as(who("inspector1")):
        with pytest.raises(NotAllowed), act("test") as unit:
            unit.session.execute(insert(VisitHeadcount), rows)
        copied = insert(Office).from_select(["code", "name"], select(Visit.narrative, Visit.narrative))
        with pytest.raises(NotAllowed), act("test") as unit:
            unit.session.execute(copied)
    with act("test") as unit:
        unit.session.execute(insert(VisitHeadcount), rows)


def test_who_moves_a_report_on_keeps_it_until_the_act_ends(world: World) -> None:
    key = world.of(FinalReport, "B")[0]
    with acting_as(who("sst")):
        with act("test") as unit:
            report = unit.session.get(FinalReport, key)
            report.state = "ELABORACION"
            unit.session.flush()
            assert unit.session.scalars(select(Term.id).where(Term.report_id == key)).all()
            moved = RecordMove(report=report, process_code="report", name="Devolver", to_state="ELABORACION")
            moved.happened_on, moved.actor_name = TODAY, "x"
            unit.session.add(moved)
            unit.session.flush()
            assert report.order.reports == [report]
        Session.expunge_all()
        assert Session.get(FinalReport, key) is None


# -- one session, two people; two threads ------------------------------------------------------------------


def test_one_session_serves_one_after_the_other(world: World) -> None:
    for _ in range(3):
        for name in ("inspector1", "inspector3", "coordinador", "regional", "juridico", "admin", "director"):
            with acting_as(who(name)):
                assert sorted(Session.scalars(select(Visit.id))) == world.of(Visit, SEES[name])
                assert [key for key in world.everything(Visit) if Session.get(Visit, key)] == world.of(
                    Visit, SEES[name]
                )


def test_two_people_at_once_each_see_their_own(live: Live) -> None:
    world = build()
    people = {name: who(name) for name in ("inspector1", "inspector3", "coordinador", "regional")}
    Session.remove()
    barrier, wrong = threading.Barrier(len(people), timeout=60), []

    def ask(name: str) -> None:
        try:
            with acting_as(people[name]):
                barrier.wait()
                for _ in range(100):
                    seen = sorted(Session.scalars(select(Finding.id)))
                    told = Session.execute(text("SELECT current_setting('app.uid', true)")).scalar()
                    if seen != world.of(Finding, SEES[name]) or told != str(people[name].account_id):
                        wrong.append((name, seen, told))
                    Session.remove()
        finally:
            Session.remove()

    threads = [threading.Thread(target=ask, args=(name,)) for name in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# -- PostgreSQL behind it ----------------------------------------------------------------------------------

READS_INTERVIEWS = {"director": "AB", "inspector1": "A", "inspector2": "A", "inspector3": "B"}


@pytest.mark.parametrize("layer", ["both", "session", "database"])
def test_each_layer_alone_keeps_the_interviews_the_same(live: Live, layer: str) -> None:
    world = build()
    if layer == "session":
        live.sql("ALTER TABLE visit_interview DISABLE ROW LEVEL SECURITY")
    beyond = unscoped if layer == "database" else nullcontext
    for name in SEES:
        with acting_as(who(name)), beyond():
            files = READS_INTERVIEWS.get(name, "")
            assert sorted(Session.scalars(select(VisitInterview.id))) == world.of(VisitInterview, files), name
            assert canaries(*Session.scalars(select(VisitInterview))) == set(files), name
            if layer != "session":
                assert Session.scalar(text("SELECT count(*) FROM visit_interview")) == len(files), name
            files = "" if name == "director" else files
            with act("test") as unit:
                touched = update(VisitInterview).values(taken_at=NOW)
                assert unit.session.execute(touched).rowcount == len(files), name
        Session.remove()
    for stranger in (SYSTEM, Principal("anónimo", origin="web")):
        with acting_as(stranger), beyond():
            assert Session.scalars(select(VisitInterview)).all() == []
        Session.remove()


@pytest.mark.parametrize("layer", ["session", "database"])
def test_an_interview_is_written_by_the_team_alone(live: Live, layer: str) -> None:
    world = build()
    if layer == "session":
        live.sql("ALTER TABLE visit_interview DISABLE ROW LEVEL SECURITY")
    beyond = unscoped if layer == "database" else nullcontext
    for name in SEES:
        allowed = READS_INTERVIEWS.get(name, "") == "A"
        row = VisitInterview(visit_id=world.of(Visit, "A")[0], taken_at=NOW, worker="x", text="y")
        with acting_as(who(name)), beyond():
            try:
                with act("test") as unit:
                    unit.session.add(row)
            except Exception as error:
                assert not allowed, name
                assert isinstance(error, NotAllowed) or "row-level security" in str(error)
            else:
                assert allowed, name
        Session.remove()


def test_nobody_is_carried_into_the_next_transaction(live: Live) -> None:
    build()
    asked = text("SELECT current_setting('app.uid', true)")
    one = create_engine(live.urls.app_url, pool_size=1, max_overflow=0)
    with sessionmaker(one)() as session:
        with acting_as(who("inspector1")) as principal:
            assert session.scalar(asked) == str(principal.account_id)
            with session.begin_nested() as inner:
                assert session.scalar(asked) == str(principal.account_id)
                inner.rollback()
            assert session.scalar(asked) == str(principal.account_id)
            session.commit()
        with acting_as(Principal("anónimo", origin="web")):
            assert not session.scalar(asked)
        with acting_as(who("inspector3")) as principal:  # the same transaction, another person
            assert session.scalar(asked) == str(principal.account_id)
            assert session.scalar(text("SELECT count(*) FROM visit_interview")) == 1
        assert not session.scalar(asked)
        session.rollback()
    with one.connect() as connection:
        assert not connection.scalar(asked)
        assert connection.scalar(text("SELECT count(*) FROM visit_interview")) == 0
    one.dispose()


def test_the_owner_is_no_exception_and_the_trail_keeps_no_word(live: Live) -> None:
    build()
    assert live.sql("SELECT count(*) FROM visit_interview")[0][0] == 0
    trail = live.sql(
        "SELECT new_values FROM audit.change WHERE table_name = 'visit_interview' AND operation = 'I'",
        live.urls.superuser_url,
    )
    assert len(trail) == 2
    assert not [row for row in trail if "CANARIO" in json.dumps(row[0]) or "Cajera" in json.dumps(row[0])]


def test_an_inspectors_list_walks_no_table_of_records(live: Live) -> None:
    build()
    live.sql(MANY, live.urls.superuser_url)
    lists = {
        "orders": select(InspectionOrder.id).order_by(InspectionOrder.created_at.desc()).limit(25),
        "count": select(func.count(InspectionOrder.id)),
        "visits": select(Visit.id).order_by(Visit.happened_on.desc()).limit(25),
    }
    with acting_as(who("inspector1")):
        for name, statement in lists.items():
            asked = statement.options(*scope._options(*scope._asker(), False))
            compiled = asked.compile(dialect=live.engine.dialect)
            explained = f"EXPLAIN (COSTS OFF) {compiled}"
            rows = Session.connection().exec_driver_sql(explained, compiled.construct_params())
            plan = "\n".join(row[0] for row in rows)
            assert "Seq Scan on inspection_order" not in plan, (name, plan)
            assert "Seq Scan on visit" not in plan, (name, plan)


MANY = """
SET session_replication_role = replica;
INSERT INTO inspection_order (kind, origin, version_code, office_id, state)
SELECT 'ESTABLECIMIENTO', 'OFICIO', '2025-398', (SELECT min(id) FROM office), 'EJECUTADA'
  FROM generate_series(1, 50000);
INSERT INTO order_inspector (order_id, inspector_id, leader, since)
SELECT o.id, (SELECT min(id) FROM inspector) + mod(o.id, 25), true, '2026-01-01'
  FROM inspection_order o ON CONFLICT DO NOTHING;
INSERT INTO visit (order_id, version_code, office_id, kind, state, number)
SELECT id, version_code, office_id, 'INICIAL', 'REALIZADA', 9 FROM inspection_order;
ANALYZE inspection_order; ANALYZE order_inspector; ANALYZE visit;
"""


# -- the house --------------------------------------------------------------------------------------------

NAMES = frozenset(kind.__name__ for kind in scope.SCOPED)
SQL = re.compile(
    rf"\b(?:from|join|update|into|copy|only|using)\s+(?:public\.)?(?:{'|'.join(sorted(scope.TABLES))})\b",
    re.I,
)
BARE = frozenset({"read_sql", "read_sql_query", "read_sql_table", "copy_expert", "copy_from", "copy_to"}) | {
    "bulk_save_objects",
    "bulk_insert_mappings",
    "bulk_update_mappings",
}
MAY_LOOK_BENEATH = (
    "app/migrations/",
    "app/models/",
    "app/security/scope.py",
    "app/exchange/register/",
    "app/operations/register_import/",
    "app/operations/demo_load.py",
)
"""Where tables are named as they are: their declarations, migrations, the import of the historical register, the
load of a demonstration's thousands of rows by the console."""
LOOKS_BEYOND = {
    "app/operations/inspections/orders.py",
    "app/operations/offices.py",
    "app/operations/recount.py",
    "app/operations/register_import/batches.py",
    "app/operations/register_import/settling.py",
    "app/operations/register_import/undoing.py",
    "app/operations/transfers.py",
}
"""The files that may say `unscoped()`; each of them says why beside it."""


def sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / "app").rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def beneath(tree: ast.Module) -> Iterator[str]:
    """What the scope of the session would not see."""
    documentation = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    words = {  # `Visit.__table__.c[name].info`: what a column is called, and no row
        part
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "info"
        for part in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node not in words:
            if node.attr == "__table__" and isinstance(node.value, ast.Name) and node.value.id in NAMES:
                yield f"{node.value.id}.__table__"
            if node.attr in BARE:
                yield node.attr
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in documentation:
            yield from (found[0] for found in SQL.finditer(node.value))
        if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("tables"):
            key = getattr(node.slice, "value", None)
            yield from [f"tables[{key}]"] if key in scope.TABLES else []


def test_nothing_reads_scoped_tables_past_the_session() -> None:
    seen = {name: list(beneath(tree)) for name, tree in sources() if not name.startswith(MAY_LOOK_BENEATH)}
    assert {name: found for name, found in seen.items() if found} == {}


@pytest.mark.parametrize(
    "wrong",
    [
        "select(Visit.__table__)",
        "text('SELECT facts FROM finding')",
        'f"UPDATE visit SET office_id = {office}"',
        "text('SELECT 1 FROM a JOIN public.inspection_order o ON true')",
        "pandas.read_sql(query, connection)",
        "session.bulk_save_objects(rows)",
        "metadata.tables['answer']",
    ],
)
def test_the_lint_sees_what_it_is_for(wrong: str) -> None:
    assert list(beneath(ast.parse(wrong))) != []


def test_the_lint_lets_the_orm_and_words_be() -> None:
    right = "'''All from visit to answer.'''\nselect(Visit).where(Visit.id.in_(select(Finding.visit_id)))"
    assert list(beneath(ast.parse(right))) == []


def test_who_looks_beyond_the_scope_is_listed() -> None:
    found = set()
    for name, tree in sources():
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        if "unscoped" in names:
            found.add(name)
    assert found - {"app/security/scope.py"} == LOOKS_BEYOND


@pytest.mark.parametrize("entry", ["app.factory", "app.cli", "app.jobs", "app.operations.records"])
def test_every_door_of_the_system_brings_the_scope(entry: str) -> None:
    asked = f"import {entry}, sys; sys.exit('app.security.scope' not in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], cwd=ROOT).returncode == 0


def test_every_class_of_a_file_has_its_rule() -> None:
    """A new table that belongs to an order, visit, finding or report is scoped too, or says why not."""
    roots = {"inspection_order", "visit", "finding", "final_report", "term", "record_move"}
    unruled = set()
    for mapper in Model.registry.mappers:
        table = mapper.local_table
        owners = {key.column.table.name for key in getattr(table, "foreign_keys", ())}
        if owners & roots and mapper.class_ not in scope.SCOPED:
            unruled.add(table.name)
    assert unruled <= UNRULED


UNRULED = frozenset({"register_row", "file_transfer"})
"""`register_row`: the rows of an imported register, read by those who import; history is open to all who
have records. `file_transfer`: offices and a reason, for the offices between which a file passes; what it says of
the order is asked of the order, which is scoped."""
