"""Demonstration inspections, for training alone (domain 14): files in every state of the procedure.

The older ones are rows that `demo_lives` makes as if the procedure had been followed, inserted in sets; each
kind of document shares one PDF, plainly marked. The newest are made by the operations themselves, with the
clock of each act, when the password of the demonstration accounts is known. Nothing is added to orders.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import Any

from PIL import Image, ImageDraw
from sqlalchemy import Integer, column, func, insert, select, update, values

from app.core import clock
from app.core.base import Model, Session
from app.core.calendar import Place as Where
from app.core.types import inside
from app.models.catalogs import District, Jurisdiction, Office
from app.models.checklists import ChecklistQuestion, ChecklistStatus, ChecklistVersion
from app.models.documents import Document, DocumentType, NumberSeries
from app.models.followup import Notice, RecordDocument, RecordMove, Term
from app.models.inspections import (
    Answer,
    Filing,
    FinalReport,
    Finding,
    HeadcountGroup,
    InspectionOrder,
    OrderChecklist,
    OrderEstablishment,
    OrderInspector,
    Visit,
    VisitHeadcount,
    VisitInspector,
    VisitSignature,
)
from app.models.norms import Infraction, InfractionArea
from app.models.registry import Establishment
from app.models.security import Account, UserOffice
from app.models.staff import Inspector, Post, PostHolder
from app.operations import files, moves, parameters, procedures
from app.operations.demo_lives import (
    Actor,
    Bureau,
    Halt,
    Life,
    Mix,
    Numbers,
    Person,
    Place,
    Question,
    Row,
    World,
)
from app.operations.inspections import facts, findings, orders, questionnaire, reports, visits
from app.operations.moves import Details
from app.operations.unit import act
from app.security.principal import Principal, acting_as
from app.workflow.definition import Phase

FICTIONAL = "Documento ficticio de demostración"
RECENT = 8
"""Days before today of which the documents are made for real."""

TABLES: tuple[type[Any], ...] = (
    NumberSeries,
    Document,
    InspectionOrder,
    OrderInspector,
    OrderEstablishment,
    OrderChecklist,
    Visit,
    VisitInspector,
    VisitHeadcount,
    VisitSignature,
    Answer,
    Finding,
    Filing,
    FinalReport,
    Term,
    RecordMove,
    RecordDocument,
)
"""The tables that lives fill, in the order of their references."""

LATELY: tuple[tuple[Halt, int, int, dict[str, Any]], ...] = (
    (("order", "PROYECTO"), 7, 2, {}),
    (("order", "PENDIENTE_FIRMA"), 11, 4, {}),
    (("order", "DEVUELTA"), 3, 8, {}),
    (("order", "EMITIDA"), 4, 18, {}),
    (("order", "ASIGNADA"), 8, 20, {}),
    (("order", "REASIGNADA"), 4, 24, {"many": True}),
    (("order", "PRORROGADA"), 3, 44, {}),
    (("order", "VENCIDA"), 3, 54, {"expires": True}),
    (("order", "REEMITIDA"), 2, 80, {"result": "frustrar"}),
    (("order", "NO_EJECUTADA"), 3, 36, {"result": "frustrar"}),
    (("order", "ANULADA"), 2, 40, {}),
    (("visit", "PROGRAMADA"), 6, 22, {}),
    (("visit", "SUSPENDIDA"), 2, 26, {}),
    (("visit", "ANULADA"), 2, 26, {}),
    (("visit", "OBSTRUIDA"), 2, 34, {"result": "obstruir"}),
    (("finding", "CONSTATADO"), 4, 32, {}),
    (("finding", "REQUERIDO"), 3, 34, {}),
    (("finding", "EN_PLAZO"), 12, 36, {}),
    (("finding", "PRORROGADO"), 4, 46, {}),
    (("finding", "PRESENTADO"), 5, 46, {}),
    (("finding", "VENCIDO"), 4, 44, {}),
    (("finding", "SUBSANADO"), 2, 52, {}),
    (("finding", "SUBSANADO_PARCIAL"), 2, 52, {}),
    (("finding", "NO_SUBSANADO"), 3, 52, {}),
    (("report", "ELABORACION"), 6, 44, {"findings": 0}),
    (("report", "REVISION_COORDINACION"), 4, 52, {"findings": 0}),
    (("report", "VISTO_BUENO"), 3, 54, {"findings": 0}),
    (("report", "REVISION_DGIF"), 4, 58, {"findings": 0}),
    (("report", "REMITIDO_DGAJ"), 4, 66, {"findings": 0}),
    (("report", "REMITIDO_DGAJ_CON_OBSERVACION"), 2, 66, {"findings": 0}),
    (("report", "CON_DICTAMEN"), 3, 78, {"findings": 0}),
    (("report", "DECISION_MAI"), 5, 80, {"findings": 0}),
    (("report", "DILIGENCIAS_ORDENADAS"), 2, 70, {"findings": 0}),
)
"""A state in which lives halt, how many, how many days before today they began, and what else is told."""

ORDINARY = 100
"""Lives of the last fourteen months that go as far as they come."""


def seed(password: str | None = None) -> int:
    """Add the demonstration inspections to a database without orders; how many orders were added.

    `password` is that of the demonstration accounts; without it nothing is signed for real.
    """
    if Session.scalar(select(InspectionOrder.id).limit(1)) is not None:
        return 0
    with act("seed.inspections"):
        world = world_of_today(timedelta(days=RECENT), mix=Mix(2.2, (3, 8, 16, 20, 20, 15, 11, 7)))
        if not world.offices:
            return 0
        lives = _lives(world)
        numbers = Numbers({}, lambda: world.key("number_series"))
        numbers.give(lives, world)
        _insert(world, lives, numbers)
        _tell(world, lives)
    made = sum(len(life.rows["inspection_order"]) for life in lives)
    return made + (_for_real(password) if password else 0)


# -- what lives stand on


def world_of_today(recent: timedelta = timedelta(0), **options: Any) -> World:
    """The offices, people, law and papers of this database. Must run inside an act: it stores the papers."""
    today, now = clock.today(), clock.now()
    version = procedures.version_in_force(today)
    types = {row.code: row for row in Session.scalars(select(DocumentType))}
    letters = {code for p in version.processes for move in p.moves for code in move.letters}
    accounts = {
        name: (key, name) for key, name in Session.execute(select(Account.id, Account.username)).tuples()
    }
    first = {kind.__tablename__: next_key(kind) for kind in TABLES}
    return World(
        version=version,
        offices=_offices(accounts),
        accounts=accounts,
        signatories=_signatories(),
        days=lambda code: parameters.whole(code, today),
        checklists=_checklists(today),
        matters=tuple(Session.scalars(select(InfractionArea.code).order_by(InfractionArea.code))),
        titles={c: (t.title, t.series_scope, t.number_format, t.first_number) for c, t in types.items()},
        files={code: files.store(paper(types[code].title), "application/pdf").id for code in sorted(letters)},
        today=today,
        now=now,
        papers_until=today - recent,
        first_ids=first,
        **options,
    )


def next_key(kind: type[Any]) -> int:
    """Take a key from the sequence of a table: lives count on from it."""
    return int(Session.execute(select(func.nextval(f"{kind.__tablename__}_id_seq"))).scalar_one())


def _offices(accounts: dict[str, Actor]) -> list[Bureau]:
    """The offices with inspectors and establishments; the largest first."""
    usernames = dict(accounts.values())
    people: dict[int, list[Person]] = {}
    for row in Session.scalars(
        select(Inspector).where(Inspector.active_to.is_(None)).order_by(Inspector.code)
    ):
        username = usernames.get(row.account_id) if row.account_id else None
        found = Person(row.id, row.full_name, row.account_id, username or row.full_name)
        people.setdefault(row.office_id, []).append(found)
    places: dict[int, list[Place]] = {}
    for office, key, latitude, longitude in Session.execute(
        select(Jurisdiction.office_id, Establishment.id, Establishment.latitude, Establishment.longitude)
        .join(District, District.code == Jurisdiction.district_code)
        .join(Establishment, Establishment.district_code == District.code)
        .where(Jurisdiction.valid_to.is_(None), Establishment.closed_on.is_(None))
        .where(Establishment.merged_into_id.is_(None))
        .order_by(Establishment.id)
    ):
        places.setdefault(office, []).append(Place(key, latitude, longitude))
    chiefs = _chiefs()
    found_offices = [
        Bureau(
            row.id,
            row.code,
            row.series_code or row.code,
            parameters.calendar_for(Where(office=row.code)),
            chiefs.get(row.id, ((None, f"Coordinación {row.series_code}"), False))[0],
            row.id in chiefs and chiefs[row.id][1],
            people[row.id],
            places[row.id],
        )
        for row in Session.scalars(select(Office).order_by(Office.code))
        if row.id in people and row.id in places
    ]
    return sorted(found_offices, key=lambda office: (-len(office.people), office.code))


def _chiefs() -> dict[int, tuple[Actor, bool]]:
    """Who drafts the orders of an office, and whether he is a coordinator."""
    found: dict[int, tuple[Actor, bool]] = {}
    for office, role, key, name in Session.execute(
        select(Post.office_id, Post.role, Account.id, Account.username)
        .join(PostHolder, PostHolder.post_id == Post.id)
        .join(Account, Account.id == PostHolder.account_id)
        .where(Post.role.in_(("coordinator", "regional")), PostHolder.valid_to.is_(None))
        .order_by(Post.id)
    ):
        found[office] = ((key, name), role == "coordinator")
    return found


def _signatories() -> dict[str, str]:
    """Account -> the signature block of the post that it holds."""
    rows = Session.execute(
        select(Account, Post.title)
        .join(PostHolder, PostHolder.account_id == Account.id)
        .join(Post, Post.id == PostHolder.post_id)
        .where(PostHolder.valid_to.is_(None))
    )
    return {account.username: f"{account.get_full_name()}, {title}" for account, title in rows}


def _checklists(today: date) -> dict[int, list[Question]]:
    """The published checklists with the questions that are always asked."""
    infractions = {
        row.code: row
        for row in Session.scalars(
            select(Infraction).where(
                Infraction.valid_from <= today, func.coalesce(Infraction.valid_to, today) >= today
            )
        )
    }
    found: dict[int, list[Question]] = {}
    for row in Session.scalars(
        select(ChecklistQuestion)
        .join(ChecklistVersion, ChecklistVersion.id == ChecklistQuestion.version_id)
        .where(
            ChecklistVersion.status == ChecklistStatus.PUBLISHED.value, ChecklistQuestion.show_if.is_(None)
        )
        .where(ChecklistQuestion.scope.is_(None))
        .order_by(ChecklistQuestion.version_id, ChecklistQuestion.number)
    ):
        known = infractions.get(row.infraction_code or "")
        found.setdefault(row.version_id, []).append(
            Question(
                row.id,
                known.id if known else None,
                row.infraction_code or row.code,
                inside(known.title) if known else row.text,
                known.area_code if known else "",
                bool(known and known.remediable),
            )
        )
    return {key: asked for key, asked in found.items() if sum(q.remediable for q in asked) >= 8}


def paper(title: str) -> bytes:
    """A page that says that it is no document: the same bytes each time."""

    def said(text: str, size: int, y: int) -> bytes:
        clean = text.encode("cp1252", "replace").replace(b"\\", b"").replace(b"(", b"[").replace(b")", b"]")
        return b"BT /F1 %d Tf 60 %d Td (" % (size, y) + clean + b") Tj ET\n"

    lines = said(FICTIONAL, 22, 640) + said(title, 14, 600)
    lines += said("CAPACITACIÓN: sin validez. Ocupa el lugar de un documento que no se emitió.", 11, 570)
    parts = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n" % len(lines) + lines + b"endstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    )
    out, offsets = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + part + b"\nendobj\n"
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    table += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return (
        out
        + table
        + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, len(out))
    )


# -- the lives of the demonstration


def _lives(world: World) -> list[Life]:
    """The lives, the oldest first: the keys of their orders follow the days."""
    rng, today = world.rng, world.today
    plans: list[tuple[date, Halt | None, dict[str, Any]]] = []
    for n in range(ORDINARY):
        ago = 20 + int(405 * (n + rng.random()) / ORDINARY)
        plans.append((today - timedelta(days=ago), None, {"annulled": True} if n % 30 == 7 else {}))
    for halt, count, lead, wishes in LATELY:
        for n in range(count):
            plans.append((today - timedelta(days=lead + n * (2 if lead > 15 else 1)), halt, dict(wishes)))
    for username in ("inspector1", "inspector2", "inspector3") * 2:
        plans.append(
            (today - timedelta(days=20), ("visit", "PROGRAMADA"), {"username": username, "planned_on": today})
        )
    for username in ("inspector1", "inspector3"):
        plans.append(
            (today - timedelta(days=21), ("visit", "EN_CURSO"), {"username": username, "planned_on": today})
        )
    lives = []
    for n, (day, wanted, wishes) in enumerate(sorted(plans, key=lambda plan: plan[0])):
        office = _office_of(world, n, wishes)
        lives.append(Life(world, office, max(day, world.version.valid_from), wanted, **wishes))
    return lives


def _office_of(world: World, n: int, wishes: dict[str, Any]) -> Bureau:
    """The office of the inspector who is wanted; else the large ones have more, and each has some."""
    username = wishes.pop("username", None)
    for office in world.offices if username else ():
        leader = next((p for p in office.people if p.username == username), None)
        if leader is not None:
            wishes["leader"], wishes["kind"] = leader, "ESTABLECIMIENTO"
            return office
    if wishes.pop("many", False):
        return world.rng.choice(
            [office for office in world.offices if len(office.people) > 1] or world.offices
        )
    if "annulled" in wishes:
        return next((office for office in world.offices if office.coordinated), world.offices[0])
    if n % 3 == 0:
        return world.offices[n // 3 % len(world.offices)]
    return world.rng.choices(world.offices, [len(office.people) ** 1.4 for office in world.offices])[0]


def _insert(world: World, lives: list[Life], numbers: Numbers) -> None:
    """Insert the rows of these lives, table by table; an acta becomes its visit's when the rest is there."""
    for kind in TABLES:
        table = kind.__tablename__
        rows = (
            series_rows(numbers)
            if kind is NumberSeries
            else [row for life in lives for row in life.rows.get(table, ())]
        )
        _keep_keys(world, kind)
        if kind is Visit:
            rows = [{**row, "document_id": None} for row in rows]
        if rows:
            Session.execute(insert(kind), [plain(row) for row in rows])
    signed = [(row["id"], row["document_id"]) for life in lives for row in life.rows.get("visit", ())]
    acta = values(column("visit", Integer), column("document", Integer), name="acta")
    acta = acta.data([pair for pair in signed if pair[1] is not None])
    Session.execute(
        update(Visit)
        .where(Visit.id == acta.c.visit)
        .values(document_id=acta.c.document)
        .execution_options(synchronize_session=False)
    )


def plain(row: Row) -> Row:
    """A row without the notes that lives keep on it."""
    return {name: value for name, value in row.items() if name[0] != "_"}


def series_rows(numbers: Numbers) -> list[Row]:
    """The rows of the series that these lives began."""
    return [
        {
            "id": numbers.keys[series],
            "type_code": series[0],
            "year": series[1],
            "office_id": series[2],
            "next_number": numbers.next[series],
        }
        for series in sorted(numbers.new, key=lambda one: numbers.keys[one])
    ]


def _keep_keys(world: World, kind: type[Model]) -> None:
    """Take from the sequence the keys that lives counted; nobody else may have taken one meanwhile."""
    table = kind.__tablename__
    more = world.used(table) - 1
    if more <= 0:
        return
    sequence = func.nextval(f"{table}_id_seq")
    last = Session.execute(
        select(
            func.max(select(sequence.label("k")).select_from(func.generate_series(1, more)).subquery().c.k)
        )
    ).scalar_one()
    if last != world.first_ids[table] + more:
        raise RuntimeError(f"Somebody else added rows to {table} while the demonstration was being seeded.")


def _tell(world: World, lives: list[Life]) -> None:
    """The notices of the orders that their inspectors have in hand."""
    accounts = {person.id: person.account for office in world.offices for person in office.people}
    names = {state.code: state.name for state in world.version.process("order").states}
    rows = []
    for life in lives:
        for order in life.rows["inspection_order"]:
            if order["state"] not in ("ASIGNADA", "REASIGNADA", "EN_EJECUCION"):
                continue
            number = next(d["number"] for d in life.documents if d["id"] == order["document_id"])
            for member in life.rows["order_inspector"]:
                account = accounts[member["inspector_id"]]
                if member["order_id"] == order["id"] and member["until"] is None and account is not None:
                    rows.append(
                        {
                            "account_id": account,
                            "text": f"{number}: usted está designado. Estado: {names['ASIGNADA']}.",
                            "url": f"/ordenes/{order['id']}",
                            "created_at": order["state_since"],
                        }
                    )
    if rows:
        Session.execute(insert(Notice), rows)


# -- the newest, by the operations themselves

DEPTHS = {"firmada": 0, "acta": 3, "en plazo": 5, "dictamen": 9, "archivo": 10}
"""How far each of the newest goes."""


def _for_real(password: str) -> int:
    """Orders of the last days, every act by its operation at its own moment; how many."""
    people = {
        name: _principal(name)
        for name in ("coordinador", "inspector1", "inspector2", "director", "juridico", "ministro")
    }
    office = next(iter(people["coordinador"].offices))
    places = list(
        Session.scalars(
            select(Establishment.id)
            .join(Jurisdiction, Jurisdiction.district_code == Establishment.district_code)
            .where(Jurisdiction.office_id == office, Establishment.closed_on.is_(None))
            .order_by(Establishment.id.desc())
            .limit(len(DEPTHS))
        )
    )
    checklist = Session.scalars(
        select(ChecklistVersion).where(
            ChecklistVersion.checklist_code == "CL-INF", ChecklistVersion.status == "published"
        )
    ).first()
    if not places or checklist is None:
        return 0
    for number, deep in enumerate(DEPTHS.values()):
        _Acted(people, password, deep).play(office, places[number % len(places)], checklist.id)
    return len(DEPTHS)


def _principal(username: str) -> Principal:
    account = Session.scalars(select(Account).where(Account.username == username)).one()
    offices = Session.scalars(select(UserOffice.office_id).where(UserOffice.user_id == account.id))
    roles = frozenset(role.name for role in account.roles)
    return Principal(username, account.id, roles, frozenset(offices), origin="consola")


@contextmanager
def _as_of(moment: datetime) -> Iterator[None]:
    """The clock of the system shows this moment; only while training is seeded, before anybody enters."""
    before = clock._source
    shift = moment - clock.real_now()
    clock.use_offset(lambda: shift)
    try:
        yield
    finally:
        clock.use_offset(before)


class _Acted:
    """One order, played by its people."""

    def __init__(self, people: dict[str, Principal], password: str, deep: int) -> None:
        self.people, self.deep = people, deep
        self.sign = Details(password=password)
        self.password = password

    @contextmanager
    def at(self, ago: int, hour: int, who: str) -> Iterator[None]:
        """Someone acts, so many days ago at an hour."""
        day = clock.today() - timedelta(days=ago)
        moment = datetime.combine(day, time(hour, 5), clock.ASUNCION)
        with _as_of(min(moment, clock.now())), acting_as(self.people[who]):
            yield

    def play(self, office: int, place: int, checklist: int) -> None:
        """The life up to its depth."""
        deep = self.deep
        team = [self._inspector("inspector1"), self._inspector("inspector2")]
        with self.at(7, 8, "coordinador"):
            order = orders.create(
                {
                    "kind": "ESTABLECIMIENTO",
                    "origin": "DENUNCIA",
                    "priority": "P2",
                    "office_id": office,
                    "matters": ["REG", "INF"],
                    "instructions": "Verificar el registro de las personas adolescentes que trabajan.",
                    "places": [place],
                    "checklists": [checklist],
                    "team": team,
                    "absence_confirmed": True,
                }
            )
            moves.move(order, "enviar_a_firma")
        with self.at(6, 9, "ministro"):
            moves.move(order, "firmar", self.sign)
        if deep < 1:
            return
        with self.at(6, 11, "coordinador"):
            moves.move(order, "asignar")
        if deep < 2:
            return
        if deep < 3:
            with self.at(1, 9, "inspector1"):
                visits.plan(order, {"kind": "INICIAL", "planned_on": clock.today() + timedelta(days=1)})
            return
        visit = self._visit(order, team, 1 if deep < 8 else 0)
        if deep < 4:
            return
        if deep < 8:
            self._remedy(findings.of_visit(visit)[0], deep)
        else:
            self._report(order, deep)

    def _visit(self, order: InspectionOrder, team: list[int], fails: int) -> Visit:
        with self.at(5, 8, "inspector1"):
            visit = visits.plan(order, {"kind": "INICIAL", "planned_on": clock.today()})
            visits.start(visit, Details(), {"latitude": None, "longitude": None})
            visits.write(
                visit,
                {
                    "attended_by": "Carmelo Ficticio Rotela",
                    "attended_document": "3456789",
                    "attended_post": "Encargado",
                    "narrative": "Se recorre el establecimiento y se entrevista al personal presente.",
                },
            )
            visits.count(visit, [{"group": g.value, "men": 3, "women": 2} for g in HeadcountGroup])
            self._answer(visit, fails)
        with self.at(5, 10, "inspector1"):
            visits.sign_as_inspector(visit, team[0], password=self.password)
            visits.sign_as_inspector(visit, team[1], drawing=_drawing())
            party = {"party": "employer", "name": "Carmelo Ficticio Rotela", "post": "Encargado"}
            visits.sign_as_party(visit, {**party, "document_number": "3456789"}, _drawing())
            moves.move(visit, "finalizar", self.sign)
        with self.at(5, 11, "inspector2"):
            visits.confirm_signature(visit)
        return visit

    def _answer(self, visit: Visit, fails: int) -> None:
        asked = [one.question for group in questionnaire.groups(visit) for one in group.asked]
        known = set(Session.scalars(select(Infraction.code).where(Infraction.remediable)))
        bad = [q.id for q in asked if q.infraction_code in known][:fails]
        questionnaire.answer(
            visit,
            [
                {
                    "question_id": question.id,
                    "value": "NO_CUMPLE" if question.id in bad else "CUMPLE",
                    "note": "Se constata en el lugar." if question.id in bad else None,
                    "affected_workers": 2 if question.id in bad else None,
                }
                for question in asked
            ],
        )
        for question in questionnaire.unproved(visit):
            visits.attach(visit, _photo(), f"Prueba de {question.code}", question.id)
        for finding in findings.of_visit(visit):
            findings.confirm(finding, {"facts": finding.facts})

    def _remedy(self, finding: Finding, deep: int) -> None:
        with self.at(4, 9, "inspector1"):
            moves.move(finding, "requerir", self.sign)
        if deep < 5:
            return
        with self.at(3, 9, "inspector1"):
            findings.deliver(finding, "signed", Details())
        if deep < 6:
            return
        with self.at(2, 9, "inspector1"):
            findings.file(finding, "Copia de la inscripción en el registro.", None, Details())
        if deep < 7:
            return
        with self.at(1, 9, "inspector1"):
            findings.verify(finding, "remedied", "Se vio la inscripción en el registro.")
            moves.move(finding, "dar_por_subsanado")
            moves.move(finding, "cerrar")

    def _report(self, order: InspectionOrder, deep: int) -> None:
        with self.at(4, 9, "inspector1"):
            moves.move(order, "declarar_ejecutada")
            report = facts.report_of(order)
            assert report is not None and facts.phase_of(report) is Phase.IN_REPORT
            words = {"facts": "No se constataron infracciones.", "analysis": "No hay hechos por sancionar."}
            reports.write(report, {**words, "proposal": "ARCHIVO"})
            moves.move(report, "enviar_a_coordinacion")
        with self.at(3, 9, "coordinador"):
            moves.move(report, "dar_visto_bueno")
        with self.at(3, 10, "inspector1"):
            moves.move(report, "firmar", self.sign)
        if deep < 9:
            return
        with self.at(2, 9, "director"):
            moves.move(report, "remitir")
        with self.at(1, 8, "juridico"):
            reports.write(report, {"opinion": "Visto.\nCorresponde el archivo."})
            moves.move(report, "dictaminar", self.sign)
            moves.move(report, "elevar")
        if deep < 10:
            return
        with self.at(1, 10, "ministro"):
            moves.move(report, "archivar", self.sign)

    def _inspector(self, username: str) -> int:
        account = self.people[username].account_id
        return Session.scalars(select(Inspector.id).where(Inspector.account_id == account)).one()


def _drawing() -> bytes:
    """A signature drawn on a screen."""
    picture = Image.new("RGBA", (300, 120), (255, 255, 255, 0))
    ImageDraw.Draw(picture).line([(10, 90), (80, 20), (150, 100), (290, 30)], fill=(0, 0, 60, 255), width=4)
    return _image(picture, "PNG")


def _photo() -> bytes:
    """A photograph that says that it is none."""
    picture = Image.new("RGB", (640, 480), (90, 120, 60))
    ImageDraw.Draw(picture).text((60, 220), "Imagen ficticia de demostracion", fill=(255, 255, 255))
    return _image(picture, "JPEG")


def _image(picture: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind)
    return out.getvalue()
