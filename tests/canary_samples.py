"""A world to prove that nobody reads what is not his: one file, copied, with a canary in every free text.

`own`      of the office of the capital; its team is inspector1 and inspector2, its report is at DGAJ, it is
           about safety and health too: whoever may have a part in some file has one in this.
`office`   the same file, of the same office and of another team; its report is being written.
`foreign`  the same file, of another office and of its inspectors.
`gone`     the same file, deleted.

Everybody of the cast serves the office of the capital here (but inspector3, of the other one), so that the
office is never why a role sees less. The copies and the canaries are written past the triggers, by the owner
of the server: what is signed does not change otherwise.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from api_samples import machine
from inspection_samples import acting, assigned, begun, done, draft, filled, inspector, photo
from registry_samples import doubles
from sqlalchemy import Connection, Table, Text, create_engine, delete, insert, literal, select, text, update
from sqlalchemy.exc import IntegrityError
from support import Live

from app.core.base import Model, Session
from app.exchange import register_batches
from app.exchange.register.reading import detect
from app.models.catalogs import Office
from app.models.documents import Document, NumberSeries, StoredFile
from app.models.followup import Notice, RecordDocument, RecordMove, Term
from app.models.inspections import (
    ActaCorrection,
    AffectedWorker,
    ConflictOfInterest,
    Filing,
    FinalReport,
    Finding,
    InspectionOrder,
    VisitFile,
    VisitInterview,
)
from app.models.norms import GeneralSuspension
from app.models.registry import Worker
from app.models.security import Account, UserOffice
from app.models.staff import Absence, Delegation, Inspector, Post
from app.models.transfers import FileTransfer
from app.operations import files, registry, roles, signing
from app.operations.unit import act
from app.security import scope
from app.security.roles import Role

FILES = ("own", "office", "foreign", "gone")
CANARY = re.compile(r"CANARIO-([a-z0-9]+)(?:-([a-z]+))?(?:-([a-z]+))?")
"""File, table, column; a page that shortens a text shortens its canary from behind."""
KINDS: tuple[Any, ...] = (StoredFile, Document, *scope.SCOPED, ConflictOfInterest)
"""What makes a file: the scoped classes, the papers and files they refer to, the conflicts of its people."""
OTHER = {"INSP-01": "INSP-07", "INSP-02": "INSP-08"}
PLACES: dict[str, tuple[str, str, dict[str, str]]] = {
    "office": ("REG-CAP", "REG-11", {"INSP-01": "INSP-03", "INSP-02": "INSP-04"}),
    "foreign": ("REG-11", "REG-08", OTHER),
    "gone": ("REG-11", "REG-08", OTHER),
}
"""Of each copy: its office, the office that asks for it, its inspectors."""
ELSEWHERE = "inspector3"
DAY = date(2026, 3, 2)
CODES = frozenset(
    {
        *("state", "from_state", "to_state", "status", "code", "process_code", "version_code", "type_code"),
        *("unit", "number", "verification_code", "sha256", "sha256_original", "content_type", "group_code"),
        *("target", "url"),
    }
)
"""Texts that the system writes and compares, in which nobody puts a word of his own."""

TRAIL = text(
    "SELECT id, act_id FROM audit.change WHERE table_name = 'inspection_order'"
    " AND new_values ->> 'instructions' LIKE 'CANARIO-%' ORDER BY id LIMIT 1"
)
"""The change of the trail that holds a canary, for it was written as people write."""

Clones = dict[tuple[str, int], int]
"""Table and key of a row of the own file -> the key of its copy."""


@dataclass
class World:
    """The keys of each file by name; which (table, column) of it got a canary.

    `public`: their public identifiers. `tables`: where what a name means is kept. `machines`: role, and whether
    of the other office -> its key.
    """

    keys: dict[str, dict[str, int]] = field(default_factory=dict)
    public: dict[str, dict[str, Any]] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    machines: dict[tuple[Role, bool], str] = field(default_factory=dict)
    stamped: dict[str, set[tuple[str, str]]] = field(default_factory=dict)


def build(live: Live) -> World:
    """The world, in a database of its own."""
    world = World()
    named = _file()
    world.tables = {name: table for name, (table, _) in named.items()}
    engine = create_engine(live.urls.superuser_url)
    with engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(delete(Notice))
        rows = [(kind.__tablename__, key) for kind in KINDS for key in connection.scalars(select(kind.id))]
        clones: dict[str, Clones] = {"own": {each: each[1] for each in rows}}
        for name in PLACES:
            clones[name] = _copied(connection, name, rows)
        for name in FILES:
            world.keys[name] = {each: clones[name].get(row, row[1]) for each, row in named.items()}
            world.stamped[name] = _stamped(connection, name, clones[name])
        for name in FILES:
            world.public[name] = {
                each: connection.scalar(text(f"SELECT uuid FROM {table} WHERE id = :key"), {"key": key})
                for each, table in world.tables.items()
                if (key := world.keys[name][each]) and "uuid" in Model.metadata.tables[table].c
            }
        for (table, _), key in clones["gone"].items():
            connection.execute(text(f"DELETE FROM {table} WHERE id = :key"), {"key": key})
        _goes_on(connection, world.keys["own"])
        written = connection.execute(TRAIL).one()
        _cast(connection)
    engine.dispose()
    for name, keys in _administration().items():
        world.keys[name] |= keys
    world.keys["own"] |= {"act": written.act_id, "change": written.id}
    for role, away in [(role, False) for role in Role if role is not Role.ADMIN] + [(Role.INSPECTOR, True)]:
        office = "REG-11" if away else "REG-CAP"
        made = machine(live.app, role, office=office, name=f"{role.value} {office}")
        world.machines[role, away] = f"Bearer {made.token}"
        world.keys["own"]["api key"] = made.key.id
    Session.remove()
    return world


def _file() -> dict[str, tuple[str, int]]:
    """The file as its people make it: what is asked for by name -> (table, key)."""
    order = assigned()
    acta = done(fails=2, order=order)
    visit = filled(begun(order))
    paper = _first(RecordDocument, RecordDocument.visit_id == acta.id).document
    finding, prepared = (_first(Finding, Finding.visit_id == each.id) for each in (acta, visit))
    proof = _first(VisitFile, VisitFile.visit_id == visit.id)
    asking = Session.scalars(select(Office.id).where(Office.code == "REG-11")).one()
    report = FinalReport(
        order_id=order.id,
        version_code=order.version_code,
        office_id=order.office_id,
        state="ELABORACION",
        **dict.fromkeys(("facts", "analysis", "background", "observation", "opinion", "decision"), "x"),
    )
    parts = {
        "report": report,
        "term": Term(
            report=report,
            version_code=order.version_code,
            process_code=FinalReport.process,
            type_code="INF_ELABORACION",
            office_id=order.office_id,
            start_on=DAY,
            days=1,
            unit="business",
            due_on=DAY,
        ),
        "worker": AffectedWorker(
            finding_id=finding.id, position=1, name="x", document_number="1", period="x"
        ),
        "filing": Filing(finding_id=finding.id, filed_on=DAY, description="x", file_id=proof.file_id),
        "correction": ActaCorrection(
            visit_id=acta.id, document_id=paper.id, says="1", should_say="2", reason="x"
        ),
        "transfer": FileTransfer(
            order_id=order.id,
            from_office_id=order.office_id,
            to_office_id=asking,
            asking_office_id=asking,
            reason="x",
        ),
        "conflict": ConflictOfInterest(
            inspector_id=inspector("inspector1").id,
            employer_id=order.places[0].establishment.employer_id,
            relation="x",
            valid_from=DAY,
        ),
    }
    interview = VisitInterview(
        visit_id=acta.id, taken_at=datetime(2026, 3, 2, 13, tzinfo=UTC), worker="x", text="x"
    )
    with act("test") as unit:
        unit.session.add_all(parts.values())
    with acting("inspector1"), act("test") as unit:
        unit.session.add(interview)
    found = {
        **parts,
        "order": order,
        "draft": draft(instructions=canary("own", "inspection_order", "instructions")),
        "acta": acta,
        "visit": visit,
        "finding": finding,
        "prepared": prepared,
        "proof": proof,
        "photo": proof.file,
        "paper": paper,
        "interview": interview,
        "step": _first(RecordMove, RecordMove.visit_id == acta.id),
        "section": order.checklists[0].checklist_version.sections[0],
    }
    return {name: (row.__tablename__, row.id) for name, row in found.items()}


def _administration() -> dict[str, dict[str, int]]:
    """What belongs to no file: of it there is one, and perhaps one that was deleted or gave way."""
    kept, absorbed, _ = doubles()
    merge = registry.merge_employers(kept.id, absorbed.id)
    people = dict(Session.execute(select(Account.username, Account.id)).tuples().all())
    with acting("admin"):
        named = [
            roles.create(Role.STATISTICS.label, name, "", [("can_list", "Office")])
            for name in ("Una", "Otra")
        ]
        groups = [roles.create_group(name, "", named[:1]) for name in ("Uno", "Otro")]
        roles.remove(named[1])
        roles.remove_group(groups[1])
    register = b"Fecha;Nro. de acta;RUC;Distrito\n05/03/2014;1/2014;80009735-1;San Lorenzo\n"
    batch = register_batches.load(register, "registro.csv", detect(register))
    with acting("ministro"):
        folder = signing.receive([photo()], "carpeta")
    series = _first(NumberSeries).id
    posts = list(Session.scalars(select(Post.id).order_by(Post.id).limit(2)))
    bounds = {"valid_from": DAY, "valid_to": DAY}
    with act("test") as unit:
        unit.session.add_all(
            (
                Worker(document_number="4999123", name="x"),
                Absence(inspector_id=inspector("inspector2").id, reason="x", **bounds),
                GeneralSuspension(legal_basis="x", verification="verificado", **bounds),
                Delegation(
                    from_post_id=posts[0],
                    to_post_id=posts[1],
                    document_type_code="OI",
                    legal_act="x",
                    **bounds,
                ),
            )
        )
    own = {"role": named[0], "group": groups[0], "merge": merge.id, "batch": batch.id, "series": series}
    own["numbered"] = _first(Document).id
    return {
        "own": {**own, "folder": folder, "person": people["inspector2"]},
        "foreign": {"person": people[ELSEWHERE]},
        "gone": {"role": named[1], "group": groups[1], "table employer": absorbed.id},
    }


def _first(kind: Any, *where: Any) -> Any:
    return Session.scalars(select(kind).where(*where).order_by(kind.id).limit(1)).one()


# -- past the triggers ----------------------------------------------------------------------------------


def _copied(connection: Connection, name: str, rows: list[tuple[str, int]]) -> Clones:
    """A copy of every row of the own file, in another office and with other people."""
    office, asking, people = PLACES[name]
    offices = dict(connection.execute(select(Office.code, Office.id)).tuples().all())
    inspectors = dict(connection.execute(select(Inspector.code, Inspector.id)).tuples().all())
    moved: dict[str, Any] = {
        "office_id": offices[office],
        "from_office_id": offices[office],
        "to_office_id": offices[asking],
        "asking_office_id": offices[asking],
    }
    others = {inspectors[old]: inspectors[new] for old, new in people.items()}
    tables: list[Table] = sorted(
        (kind.__table__ for kind in KINDS), key=lambda each: list(each.metadata.sorted_tables).index(each)
    )
    clones: Clones = {}
    for table in tables:
        for key in [key for of, key in rows if of == table.name]:
            values = dict(connection.execute(select(table).where(table.c.id == key)).mappings().one())
            del values["id"]
            for column in table.c:
                for reference in column.foreign_keys:
                    old = values.get(column.name)
                    values[column.name] = clones.get((reference.column.table.name, old), old)
            values |= {each: value for each, value in moved.items() if values.get(each) is not None}
            if "inspector_id" in values:
                values["inspector_id"] = others[values["inspector_id"]]
            values |= _apart(table.name, name, values)
            made = connection.execute(insert(table).values(values).returning(table.c.id))
            clones[table.name, key] = made.scalar_one()
    return clones


def _apart(table: str, name: str, values: dict[str, Any]) -> dict[str, Any]:
    """What a copy cannot share with the row it was taken from."""
    fresh: dict[str, Any] = {"uuid": uuid4()}
    if table == "document":
        code = uuid4().hex[:12].upper()
        number = f"{values['number']} {canary(name, table, 'number')}"
        fresh |= {"number": number, "verification_code": code}
        fresh |= {"series_id": None, "sequence": None}
    if table == "stored_file":
        content = files.place(values["sha256"]).read_bytes() + f"\n%CANARIO-{name}-storedfile\n".encode()
        sha256 = hashlib.sha256(content).hexdigest()
        files.place(sha256).parent.mkdir(parents=True, exist_ok=True)
        files.place(sha256).write_bytes(content)
        fresh |= {"sha256": sha256, "size": len(content)}
    return fresh


def canary(name: str, table: str, column: str) -> str:
    """The word that stands in a column of a file."""
    return f"CANARIO-{name}-{table.replace('_', '')}-{column.replace('_', '')}"


def free_texts(table: Table) -> Iterable[str]:
    """The columns of a table in which people write what they want."""
    for column in table.c:
        bound = column.foreign_keys or column.info.get("choices") or column.name in CODES
        if isinstance(column.type, Text) and not bound:
            yield column.name


def _stamped(connection: Connection, name: str, clones: Clones) -> set[tuple[str, str]]:
    """A canary in every free text of a file; where a rule of the table asks for none, where there is a text."""
    found = set()
    for kind in KINDS:
        table: Table = kind.__table__
        mine = table.c.id.in_([key for (of, _), key in clones.items() if of == table.name])
        for column in free_texts(table):
            words = literal(canary(name, table.name, column))
            for where in ((mine,), (mine, table.c[column].is_not(None))):
                try:
                    with connection.begin_nested():
                        changed = connection.execute(update(table).where(*where).values({column: words}))
                    break
                except IntegrityError:
                    continue
            else:
                raise AssertionError((table.name, column))
            if changed.rowcount:
                found.add((table.name, column))
    return found


def _goes_on(connection: Connection, own: dict[str, int]) -> None:
    """What only the own file has: its report at DGAJ, the matter of safety, an act that waits for review."""
    connection.execute(
        update(FinalReport).where(FinalReport.id == own["report"]).values(state="REMITIDO_DGAJ")
    )
    orders = InspectionOrder.id.in_([own["order"], own["draft"]])
    connection.execute(update(InspectionOrder).where(orders).values(matters=["SAL", "SST"]))
    held = {"holds": ["x"], "late": True}
    connection.execute(update(RecordMove).where(RecordMove.id == own["step"]).values(held))


def _cast(connection: Connection) -> None:
    """Everybody serves the capital, and has a notice of his own."""
    people = dict(connection.execute(select(Account.username, Account.id)).tuples().all())
    office = connection.execute(select(Office.id).where(Office.code == "REG-CAP")).scalar_one()
    connection.execute(delete(UserOffice).where(UserOffice.user_id != people[ELSEWHERE]))
    serving = [
        {"user_id": key, "office_id": office, "valid_from": DAY}
        for name, key in people.items()
        if name != ELSEWHERE
    ]
    connection.execute(insert(UserOffice), serving)
    told = [
        {"account_id": key, "text": canary(f"to{name}", "notice", "text")} for name, key in people.items()
    ]
    connection.execute(insert(Notice), told)
