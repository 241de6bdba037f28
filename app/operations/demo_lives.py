"""Invented lives of inspection orders, step by step through the procedure in force, as rows in memory.

Nothing here writes: `demo_inspections` inserts what it makes, `demo_load` copies it. Every step is looked up
in the version (`World.move`), so that its states, terms, documents and words are those of the procedure. A
life ends when its next act would be in the future, or where it is told to halt; chance comes from one seed.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from app.core.calendar import Calendar
from app.core.clock import ASUNCION
from app.core.types import inside
from app.documents.verify import ALPHABET, CODE_LENGTH
from app.workflow import conditions, definition
from app.workflow import terms as arithmetic

Row = dict[str, Any]
Actor = tuple[int | None, str]
Halt = tuple[str, str]
"""A process and a state: the life ends as soon as one of its records stands there."""

SYSTEM: Actor = (None, "sistema")
VISITED = ("REALIZADA", "FRUSTRADA", "OBSTRUIDA")
PEOPLE = (
    "Carmelo Ficticio Rotela",
    "Ña Tomasa Supuesta",
    "Edelira Inventada Paniagua",
    "Porfirio de Muestra",
    "Benicio Imaginario Cáceres",
    "Delfina Ejemplo Zárate",
)
POSTS = ("Encargado", "Jefa de personal", "Administrador", "Contadora", "Propietaria")
NARRATIVES = (
    "Se recorre el establecimiento y se entrevista al personal presente.",
    "Se verifica la documentación laboral exhibida y se recorren las áreas de trabajo.",
    "Se constata la actividad del establecimiento y se solicita la documentación.",
)
REASONS = {
    "devolver": "Falta precisar el alcance de la actuación.",
    "anular": "Se dejó sin efecto por duplicación.",
    "sustituir": "Reorganización del equipo por permiso de un inspector.",
    "prorrogar": "Hace falta más tiempo por la distancia del lugar.",
    "frustrar": "El local se encontró cerrado.",
    "obstruir": "Se impidió el ingreso a las áreas de trabajo.",
    "suspender": "Terminó la jornada sin concluir la verificación.",
    "reabrir": "Se consignó otro establecimiento en el acta.",
    "reemitir": "Sigue pendiente la verificación ordenada.",
    "declarar_no_ejecutada": "No se pudo ingresar en ninguna de las visitas.",
    "descartar": "El empleador acreditó que ya estaba regularizado.",
    "nuevo_plazo": "Cumplió en parte y pidió tiempo para lo que falta.",
    "ordenar_diligencias": "Falta verificar el turno noche.",
    "enviar_a_sumario": "Hay infracciones sin regularizar.",
}


@dataclass
class Place:
    """An establishment that may be inspected, with what the rows need of it."""

    id: int
    latitude: Any = None
    longitude: Any = None


@dataclass
class Person:
    """An inspector: his key, name, and account if he has one."""

    id: int
    name: str
    account: int | None
    username: str


@dataclass
class Bureau:
    """An office that inspects: who drafts its orders, its inspectors, the establishments of its districts."""

    id: int
    code: str
    series: str
    calendar: Calendar
    chief: Actor
    coordinated: bool
    people: list[Person] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    _due: dict[tuple[date, int, definition.Unit], date | None] = field(default_factory=dict)
    _after: dict[tuple[date, int], date] = field(default_factory=dict)

    def due(self, start: date, days: int, unit: definition.Unit) -> date | None:
        """The due day of a term counted here."""
        key = (start, days, unit)
        if key not in self._due:
            self._due[key] = arithmetic.due_date(start, days, unit, self.calendar)
        return self._due[key]

    def after(self, day: date, days: int) -> date:
        """The working day that many working days after another."""
        key = (day, days)
        if key not in self._after:
            self._after[key] = self.calendar.add_business_days(day, days)
        return self._after[key]


@dataclass
class Question:
    """A question of a checklist, with the infraction that its "No cumple" opens."""

    id: int
    infraction: int | None
    code: str
    title: str
    area: str
    remediable: bool


@dataclass
class Mix:
    """How often things happen: visits and findings of an order."""

    extra_visits: float = 1.0
    """Multiplies the chances of a second visit."""
    findings: tuple[int, ...] = (15, 20, 23, 18, 11, 7, 4, 2)
    """Weights of 0, 1, 2, … findings at a visit."""
    operations: float = 0.07
    """The share of orders for an operation at several establishments."""
    answers: bool = True
    """Whether visits carry answers, counts and signatures."""


@dataclass
class World:
    """What the lives stand on: the version in force, offices, people, law, kinds of document, the day."""

    version: definition.ProcedureVersion
    offices: list[Bureau]
    accounts: Mapping[str, Actor]
    signatories: Mapping[str, str]
    days: Callable[[str], int]
    checklists: dict[int, list[Question]]
    matters: tuple[str, ...]
    titles: Mapping[str, tuple[str, str, str, int]]
    """Kind of document -> title, scope of its series, format of its number, first number."""
    files: Mapping[str, int]
    today: date
    now: datetime
    papers_until: date
    """No life issues a document after this day: later numbers are for acts made for real."""
    first_ids: Mapping[str, int]
    mix: Mix = field(default_factory=Mix)
    seed: int = 20130101
    _ids: dict[str, int] = field(default_factory=dict)
    _steps: dict[tuple[str, str, str], tuple[definition.Move, str, bool]] = field(default_factory=dict)
    _opens: dict[tuple[str, str | None, str | None], bool] = field(default_factory=dict)
    _midnights: dict[date, datetime] = field(default_factory=dict)

    @cached_property
    def rng(self) -> random.Random:
        """The one source of chance."""
        return random.Random(self.seed)

    @cached_property
    def kinds(self) -> dict[tuple[str, str], definition.TermType]:
        """The kinds of term by process and code."""
        return {(p.code, term.code): term for p in self.version.processes for term in p.terms}

    def key(self, table: str) -> int:
        """The next key of a table."""
        found = self._ids.get(table, self.first_ids.get(table, 1) - 1) + 1
        self._ids[table] = found
        return found

    def used(self, table: str) -> int:
        """How many keys of a table were taken."""
        first = self.first_ids.get(table, 1)
        return self._ids.get(table, first - 1) - first + 1

    def move(self, process: str, state: str, code: str) -> tuple[definition.Move, str, bool]:
        """A step of the version, the state it leads to, and whether that one is final."""
        key = (process, state, code)
        if key not in self._steps:
            here = self.version.process(process)
            step = next((m for m in here.moves_from(state) if m.code == code), None)
            if step is None:
                raise LookupError(f"La versión {self.version.code} no tiene el paso {key}.")
            self._steps[key] = (step, step.to_state, here.state(step.to_state).final)
        return self._steps[key]

    def opens(self, kind: definition.TermType, remedy_kind: str | None, order_kind: str | None) -> bool:
        """Whether a term opens on these facts, the only ones that the version asks for."""
        if kind.condition is None:
            return True
        key = (kind.code, remedy_kind, order_kind)
        if key not in self._opens:
            facts = {"remedy_kind": remedy_kind, "order_kind": order_kind}
            self._opens[key] = conditions.holds(kind.condition, facts)
        return self._opens[key]

    def moment(self, day: date, minutes: int) -> datetime:
        """A moment of a day in Paraguay; never in the future."""
        if day not in self._midnights:
            self._midnights[day] = datetime.combine(day, time(), ASUNCION).astimezone(UTC)
        return min(self._midnights[day] + timedelta(minutes=minutes), self.now)

    @staticmethod
    def code(key: int) -> str:
        """The verification code of the document with this key: no two keys share one."""
        size, code = len(ALPHABET), ""
        rest = key * 314_159_265_359 % size**CODE_LENGTH
        for _ in range(CODE_LENGTH):
            rest, digit = divmod(rest, size)
            code += ALPHABET[digit]
        return code


class End(Exception):
    """The life, or one of its findings, goes no further for now."""


class Life:
    """One order and everything that happened under it, as rows by table."""

    def __init__(self, world: World, office: Bureau, opened: date, halt: Halt | None = None, **wishes: Any):
        self.world, self.office, self.halt, self.wishes = world, office, halt, wishes
        self.rng = world.rng
        self.rows: dict[str, list[Row]] = {}
        self.documents: list[Row] = []
        self._running: dict[tuple[str, int], list[Row]] = {}
        self._moves: list[Row] = []
        self._minutes = 0
        self.on = office.calendar.next_business_day(opened)
        self._minutes_from(self.on)
        self.lead: Actor = SYSTEM
        self.order: Row = {}
        with contextlib.suppress(End):
            self._live()
        self._moves.sort(key=lambda row: row["entered_at"])
        for row in self._moves:
            row["id"] = world.key("record_move")
        self.rows["record_move"] = self._moves

    # -- time

    def _minutes_from(self, day: date) -> None:
        self._day, self._minutes = day, 8 * 60 + self.rng.randrange(60)

    def now(self) -> datetime:
        """The moment of the next act: a few minutes after the last."""
        if self.on != self._day:
            self._minutes_from(self.on)
        self._minutes += 1 + self.rng.randrange(9)
        return self.world.moment(self.on, self._minutes)

    def wait(self, least: int, most: int, paper: bool = False) -> None:
        """Let working days pass; the life ends for now when that is in the future."""
        self.go(self.office.after(self.on, self.rng.randint(least, most)) if most else self.on, paper)

    def go(self, day: date, paper: bool = False) -> None:
        """Go to a day."""
        if day > (self.world.papers_until if paper else self.world.today):
            raise End
        self.on = day

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    # -- records, steps, terms, documents

    def add(self, table: str, row: Row) -> Row:
        row["id"] = self.world.key(table)
        self.rows.setdefault(table, []).append(row)
        return row

    def begin(self, process: str, table: str, actor: Actor, **values: Any) -> Row:
        """Open a record in the first state of its process."""
        at = self.now()
        row = self.add(
            table,
            {
                "version_code": self.world.version.code,
                "process_code": process,
                "state": None,
                "state_since": at,
                "last_act_on": self.on,
                "office_id": self.office.id,
                "created_at": at,
                "updated_at": at,
                "created_by_id": actor[0],
                **values,
            },
        )
        self._begun(row, actor)
        return row

    def _begun(self, row: Row, actor: Actor) -> None:
        process = self.world.version.process(row["process_code"])
        assert process.start is not None
        row["state"] = process.start.state
        self._open(row, process.start.opens_terms)
        self._log(row, None, f"Se abrió: {inside(process.name)}", None, actor, None, row["state_since"])

    def step(self, row: Row, code: str, actor: Actor) -> list[Row]:
        """Take a step: the state, the terms, the log, the documents. The documents, in their order."""
        process = row["process_code"]
        move, target, _ = self.world.move(process, row["state"], code)
        at = self.now()
        before, row["state"] = row["state"], target
        row["state_since"] = row["updated_at"] = at
        row["last_act_on"] = self.on
        self.close(row, move.closes_terms)
        self._open(row, move.opens_terms)
        reason = REASONS[code] if move.reason_required else None
        self._log(row, code, move.label, before, actor, reason, at)
        return [self._paper(row, letter, actor, at) for letter in move.letters]

    def _log(
        self,
        row: Row,
        code: str | None,
        name: str,
        before: str | None,
        actor: Actor,
        reason: str | None,
        at: datetime,
    ) -> None:
        self._moves.append(
            {
                "process_code": row["process_code"],
                "code": code,
                "name": name,
                "from_state": before,
                "to_state": row["state"],
                "happened_on": self.on,
                "entered_at": at,
                "actor_id": actor[0],
                "actor_name": actor[1],
                "reason": reason,
                **self.owner(row),
            }
        )

    @staticmethod
    def owner(row: Row) -> Row:
        """The four columns of which one names the record."""
        found = {"order_id": None, "visit_id": None, "finding_id": None, "report_id": None}
        found[f"{row['process_code']}_id"] = row["id"]
        return found

    def _open(self, row: Row, codes: tuple[str, ...]) -> None:
        for code in codes:
            kind = self.world.kinds[row["process_code"], code]
            if self.world.opens(kind, row.get("remedy_kind"), self.order.get("kind")):
                self.term(row, kind, self.on, self.world.days(kind.parameter))

    def term(
        self, row: Row, kind: definition.TermType, start: date, days: int, extends: int | None = None
    ) -> Row:
        """Open a term of a record; the validity of an order follows it."""
        due = self.office.due(start, days, kind.unit)
        made = self.add(
            "term",
            {
                "version_code": row["version_code"],
                "process_code": row["process_code"],
                "type_code": kind.code,
                "office_id": self.office.id,
                "start_on": start,
                "days": days,
                "unit": kind.unit.value,
                "due_on": due,
                "status": "open",
                "closed_on": None,
                "extends_id": extends,
                **self.owner(row),
            },
        )
        self._running.setdefault((row["process_code"], row["id"]), []).append(made)
        if row["process_code"] == "order":
            row["valid_from"], row["valid_until"] = row["valid_from"] or start, due
        return made

    def close(self, row: Row, codes: tuple[str, ...], status: str = "met") -> None:
        """Close the running terms of these kinds."""
        if not codes:
            return
        for made in self._running.get((row["process_code"], row["id"]), ()):
            if made["status"] == "open" and made["type_code"] in codes:
                late = status == "met" and self.on > made["due_on"]
                made["status"], made["closed_on"] = "overdue" if late else status, self.on

    def running(self, row: Row) -> Row:
        """The running term of a record, the newest."""
        return [t for t in self._running[row["process_code"], row["id"]] if t["status"] == "open"][-1]

    def extend(self, row: Row) -> None:
        """Extend the running term by as much again."""
        before = self.running(row)
        kind = self.world.kinds[row["process_code"], before["type_code"]]
        before["status"], before["closed_on"] = "extended", self.on
        self.term(row, kind, before["due_on"], before["days"], before["id"])

    def _paper(self, row: Row, letter: str, actor: Actor, at: datetime) -> Row:
        title, scope, _, _ = self.world.titles[letter]
        document = self.add(
            "document",
            {
                "type_code": letter,
                "number": "",
                "series_id": None,
                "sequence": None,
                "office_id": self.office.id,
                "status": "issued",
                "title": title,
                "happened_on": self.on,
                "signing_mode": "electronic",
                "signatory": self.world.signatories.get(actor[1], f"{self._name(actor)}, Inspector"),
                "signed_by_id": actor[0],
                "issued_at": at,
                "verification_code": "",
                "file_id": self.world.files[letter],
                "annulled_on": None,
                "annulled_reason": None,
                "created_at": at,
                "created_by_id": actor[0],
            },
        )
        document["verification_code"] = self.world.code(document["id"])
        document["_series"] = (letter, self.on.year, self.office.id if scope == "office" else None)
        document["_code"] = self.office.series
        document["_record"] = row
        self.documents.append(document)
        self.add("record_document", {"document_id": document["id"], **self.owner(row)})
        return document

    def _name(self, actor: Actor) -> str:
        return next((p.name for p in self.office.people if p.username == actor[1]), actor[1])

    def title(self, row: Row) -> str:
        """What a record is called in the title of its document."""
        wanted = row.get("order_id", self.order["id"])
        signed = next(o["document_id"] for o in self.rows["inspection_order"] if o["id"] == wanted)
        order = next((d["number"] for d in self.documents if d["id"] == signed), "")
        names = {
            "order": f"Proyecto {row['id']}",
            "visit": f"{order} · visita {row.get('number')}",
            "report": f"Informe final de {order}",
        }
        return names.get(row["process_code"]) or f"{row['_code']}: {row['facts'][:60]}"

    def rest(self, *records: Row) -> None:
        """The life ends where it was told to halt."""
        if self.halt and any((r["process_code"], r["state"]) == self.halt for r in records):
            raise End

    # -- the order

    def _live(self, replaces: Row | None = None) -> None:
        self._draft(replaces)
        order, chief, minister = self.order, self.office.chief, self.world.accounts["ministro"]
        self.rest(order)
        natural = self.halt is None
        if natural and self.chance(0.03):
            self.wait(0, 2)
            self.step(order, "anular", chief)
            return
        self.wait(0, 1)
        self.step(order, "enviar_a_firma", chief)
        self.rest(order)
        if self.halt == ("order", "DEVUELTA") or (natural and self.chance(0.06)):
            self.wait(1, 2)
            self.step(order, "devolver", minister)
            self.rest(order)
            self.step(order, "corregir", chief)
            self.wait(0, 1)
            self.step(order, "enviar_a_firma", chief)
        self.wait(1, 3, paper=True)
        order["document_id"] = self.step(order, "firmar", minister)[0]["id"]
        self.rest(order)
        if self.halt == ("order", "ANULADA"):
            self.wait(1, 3)
            self.step(order, "anular", self.world.accounts["director"])
            return
        self.wait(0, 2)
        self.step(order, "asignar", chief)
        self.rest(order)
        self._before_the_visit(natural)
        if self.wishes.get("expires") or (natural and not replaces and self.chance(0.02)):
            self._expire()
            return
        self._field()
        self._report()

    def _draft(self, replaces: Row | None) -> None:
        rng, office = self.rng, self.office
        kind = self.wishes.get("kind") or (
            "OPERATIVO" if self.chance(self.world.mix.operations) else "ESTABLECIMIENTO"
        )
        leader = self.wishes.get("leader")
        people = [p for p in office.people if p is not leader]
        spare = int(self.halt == ("order", "REASIGNADA"))  # somebody has to be left who takes over
        most = max(1, len(office.people) - spare)
        count = min(most, rng.choices((1, 2, 3), (45, 45, 10))[0])
        team = ([leader] if leader else []) + rng.sample(people, min(len(people), count - bool(leader)))
        urgent = len(team) > 1 and self.chance(0.12)
        places = (
            rng.sample(office.places, min(len(office.places), 3)) if kind == "OPERATIVO" else [self._place()]
        )
        checklist = rng.choice(list(self.world.checklists))
        areas = {q.area for q in self.world.checklists[checklist]}
        self.team, self.places, self.checklist = team, places, checklist
        self.lead = (team[0].account, team[0].username)
        if replaces is not None:  # the effect copies what the first order said
            kind, checklist = replaces["kind"], self.checklist
        self.order = self.begin(
            "order",
            "inspection_order",
            office.chief,
            kind=kind,
            origin=rng.choices(
                ("DENUNCIA", "PLAN", "OFICIO", "INSTITUCIONAL", "GREMIAL", "FISCAL_JUDICIAL"),
                (45, 28, 15, 5, 4, 3),
            )[0],
            priority="P1" if urgent else rng.choices(("P2", "P3"), (25, 75))[0],
            matters=[a for a in self.world.matters if a in areas][:4],
            instructions="Verificar el cumplimiento de las normas laborales en las materias indicadas.",
            period_from=self.on - timedelta(days=365),
            period_to=self.on,
            shift=rng.choices(("diurno", "nocturno", "fin_de_semana"), (90, 6, 4))[0],
            valid_from=None,
            valid_until=None,
            document_id=None,
            replaces_id=replaces["id"] if replaces else None,
        )
        for position, person in enumerate(team):
            self._member(person, position == 0)
        for place in places:
            self.add("order_establishment", {"order_id": self.order["id"], "establishment_id": place.id})
        self.add("order_checklist", {"order_id": self.order["id"], "checklist_version_id": checklist})

    def _place(self) -> Place:
        places = self.office.places  # some are inspected far more often than others
        return places[int(len(places) * self.rng.random() ** 1.7)]

    def _member(self, person: Person, leader: bool) -> Row:
        return self.add(
            "order_inspector",
            {
                "order_id": self.order["id"],
                "inspector_id": person.id,
                "leader": leader,
                "since": self.on,
                "until": None,
                "reason": None,
            },
        )

    def _before_the_visit(self, natural: bool) -> None:
        order, minister = self.order, self.world.accounts["ministro"]
        spare = [p for p in self.office.people if p not in self.team]
        if spare and (self.halt == ("order", "REASIGNADA") or (natural and self.chance(0.04))):
            self.wait(1, 3, paper=True)
            gone = next(
                r for r in self.rows["order_inspector"][::-1] if r["inspector_id"] == self.team[-1].id
            )
            gone["until"], gone["reason"] = self.on, REASONS["sustituir"]
            was_leader, gone["leader"] = gone["leader"], False
            self.step(order, "sustituir", minister)
            self.team[-1] = spare[0]
            self._member(spare[0], was_leader)
            self.lead = (self.team[0].account, self.team[0].username)
            self.rest(order)
        if self.halt == ("order", "PRORROGADA") or (natural and self.chance(0.04)):
            due = order["valid_until"]
            self.go(self.office.calendar.add_business_days(due, -self.rng.randint(1, 4)), paper=True)
            self.step(order, "prorrogar", minister)
            self.extend(order)
            self.rest(order)
            self.wait(0, 1)
            self.step(order, "asignar", self.office.chief)
            self.rest(order)

    def _expire(self) -> None:
        order = self.order
        self.go(order["valid_until"] + timedelta(days=1))
        self.step(order, "vencer", SYSTEM)
        self.rest(order)
        self.wait(1, 4)
        if self.chance(0.4) and self.halt is None:
            self.step(order, "anular", self.world.accounts["director"])
            return
        self._again(order)

    def _again(self, order: Row) -> None:
        """Another order linked to this one, with a life of its own."""
        self.step(order, "reemitir", self.office.chief)
        self.rest(order)
        self.halt = None
        self._live(order)

    # -- visits

    def _field(self) -> None:
        rng, mix, order = self.rng, self.world.mix, self.order
        for number, place in enumerate(self.places):
            kind = "OPERATIVO" if order["kind"] == "OPERATIVO" else "INICIAL"
            result = (
                self.wishes.get("result")
                or rng.choices(("finalizar", "frustrar", "obstruir"), (90, 7 * mix.extra_visits, 3))[0]
            )
            if number == 0 and self.halt in (("visit", "SUSPENDIDA"), ("visit", "ANULADA")):
                self._visit(place, kind, "suspender" if self.halt[1] == "SUSPENDIDA" else "anular")
            elif self.halt is None and self.chance(0.08 * mix.extra_visits):
                self._visit(place, kind, "suspender")
                kind = "CONTINUACION"
            self._visit(place, kind, result)
            if result == "frustrar" and self.chance(0.75) and not self.wishes.get("result"):
                self._visit(place, kind, "finalizar")
        done = [v for v in self.rows["visit"] if v["order_id"] == order["id"]]
        if not any(v["state"] == "REALIZADA" or v["state"] == "OBSTRUIDA" for v in done):
            self.wait(0, 2)
            self.step(order, "declarar_no_ejecutada", self.lead)
            self.rest(order)
            self.wait(1, 4)
            if self.chance(0.5) or self.halt == ("order", "REEMITIDA"):
                self._again(order)
                raise End
            self.step(order, "abrir_informe", self.lead)
            return
        found = [f for f in self.rows.get("finding", ()) if f["_order"] is order and f["state"] != "ANULADO"]
        if found and self.chance(min(0.3 * mix.extra_visits, 0.6)) and not self.halt:
            due = max((t["due_on"] for t in self.rows["term"] if t["finding_id"]), default=self.on)
            self.go(max(self.on, min(due, self.office.after(self.on, 22))))
            self._visit(self.places[0], "VERIFICACION", "finalizar_verificacion")
        if self.halt and self.halt[0] == "finding":
            self.rest(*found)
        self.wait(0, 3)
        self.step(order, "declarar_ejecutada", self.lead)

    def _visit(self, place: Place, kind: str, result: str) -> Row:
        """Plan a visit, make it, end it as told."""
        order, rng, paper = self.order, self.rng, result not in ("suspender", "anular")
        here = [v for v in self.rows.get("visit", ()) if v["order_id"] == order["id"]]
        planned = self.wishes.get("planned_on")
        day = planned or self.office.after(self.on, rng.randint(1, 6))
        row = self.begin(
            "visit",
            "visit",
            self.lead,
            order_id=order["id"],
            establishment_id=place.id,
            kind=kind,
            number=len(here) + 1,
            planned_on=day,
            happened_on=None,
            started_at=None,
            ended_at=None,
            latitude=None,
            longitude=None,
            attended_by=None,
            attended_document=None,
            attended_post=None,
            documents_seen=None,
            narrative=None,
            employer_statement=None,
            annex=None,
            document_id=None,
        )
        signers = [
            self.add(
                "visit_inspector",
                {
                    "visit_id": row["id"],
                    "inspector_id": p.id,
                    "signed_at": None,
                    "signing_mode": None,
                    "confirmed_at": None,
                },
            )
            for p in self.team
        ]
        self.rest(row)
        if result == "anular":
            self.wait(0, 1)
            self.step(row, "anular", self.lead)
            self.rest(row)
            return row
        self.go(
            min(day, order["valid_until"]) if len(here) == 0 else day,
            paper and self.halt != ("visit", "EN_CURSO"),
        )
        self._start(row, place)
        self.rest(row, order)
        self._end_visit(row, result, signers)
        if result in ("finalizar", "obstruir"):
            found = self._findings(row, result)
            if result == "finalizar" and self.office.coordinated and self.wishes.get("annulled"):
                self.wishes.pop("annulled")
                self._annul(row, found, signers)
            for finding in found:
                self._follow(finding)
            if self.halt and self.halt[0] == "finding":
                self.rest(*found)
        self.rest(row)
        return row

    def _start(self, row: Row, place: Place) -> None:
        order = self.order
        at = self.now()
        row["happened_on"], row["started_at"] = self.on, at
        if self.chance(0.7):
            row["latitude"], row["longitude"] = place.latitude, place.longitude
        self.step(row, "iniciar", self.lead)
        if order["kind"] != "ESTABLECIMIENTO":
            row["annex"] = "pending"
        if order["state"] != "EN_EJECUCION":
            self.step(order, "iniciar", self.lead)

    def _end_visit(self, row: Row, result: str, signers: list[Row]) -> None:
        if result not in ("frustrar", "suspender"):
            row["attended_by"] = self.rng.choice(PEOPLE)
            row["attended_document"] = str(self.rng.randrange(3_000_000, 6_999_999))
            row["attended_post"] = self.rng.choice(POSTS)
            row["documents_seen"] = "Planilla de salarios\nContratos de trabajo\nComprobantes del IPS"
        row["narrative"] = self.rng.choice(NARRATIVES)
        self._minutes += 40 + self.rng.randrange(120)
        at = self.now()
        row["ended_at"] = at
        for signer in signers:
            signer["signed_at"] = signer["confirmed_at"] = at
            signer["signing_mode"] = "electronic"
        documents = self.step(row, result, self.lead)
        if documents:
            row["document_id"] = documents[0]["id"]
        else:
            row["ended_at"] = at
        if self.world.mix.answers and row["attended_by"]:
            self._counts(row, at, result)
        if row["annex"] == "pending" and not self.halt:
            here, minutes = self.on, self._minutes
            self.on = self.office.after(here, 2)
            if self.on <= self.world.today:
                self.step(row, "ratificar_anexo", self.world.accounts["director"])
                row["annex"] = "ratified"
            self.on, self._day, self._minutes = here, here, minutes

    def _counts(self, row: Row, at: datetime, result: str) -> None:
        men, women = self.rng.randrange(1, 40), self.rng.randrange(0, 30)
        for group, share in (
            ("TOTAL", 1.0),
            ("ADOLESCENTES", 0.0),
            ("EXTRANJEROS", 0.05),
            ("DISCAPACIDAD", 0.04),
            ("IPS", 0.8),
            ("CONTRATO", 0.7),
        ):
            self.add(
                "visit_headcount",
                {
                    "visit_id": row["id"],
                    "group_code": group,
                    "men": int(men * share),
                    "women": int(women * share),
                },
            )
        if result in ("finalizar", "finalizar_verificacion"):
            refused = self.chance(0.06)
            self.add(
                "visit_signature",
                {
                    "visit_id": row["id"],
                    "party": "employer",
                    "name": row["attended_by"],
                    "document_number": row["attended_document"],
                    "post": row["attended_post"],
                    "signed_at": None if refused else at,
                    "signing_mode": None if refused else "handwritten",
                    "refusal": "Consultará con su abogado." if refused else None,
                },
            )

    # -- findings

    def _findings(self, visit: Row, result: str) -> list[Row]:
        """The findings that a signed acta opens, and the answers that they come from."""
        questions = self.world.checklists[self.checklist]
        failing = [q for q in questions if q.infraction is not None]
        weights = self.world.mix.findings
        wanted = self.rng.choices(range(len(weights)), weights)[0]
        if self.halt and self.halt[0] == "finding":
            wanted = max(1, wanted)
        wanted = self.wishes.get("findings", wanted)
        if result == "obstruir":
            wanted = 0  # the obstruction itself is told in its acta
        good = [q for q in failing if q.remediable]
        if (self.halt and self.halt[0] == "finding") or self.chance(0.6):
            failing = good
        bad = self.rng.sample(failing, min(wanted, len(failing)))
        found = [self._finding(visit, question) for question in bad]
        if self.world.mix.answers and result == "finalizar":
            for question in questions:
                value = (
                    "NO_CUMPLE"
                    if question in bad
                    else self.rng.choices(("CUMPLE", "NO_APLICA", "NO_VERIFICADO"), (85, 12, 3))[0]
                )
                self.add(
                    "answer",
                    {
                        "visit_id": visit["id"],
                        "question_id": question.id,
                        "value": value,
                        "note": "Se constata en el lugar." if question in bad else None,
                        "affected_workers": 2 if question in bad else None,
                    },
                )
        return found

    def _finding(self, visit: Row, question: Question) -> Row:
        kind = "SST" if question.area == "SST" else "DOCUMENTAL"
        row = self.begin(
            "finding",
            "finding",
            self.lead,
            visit_id=visit["id"],
            question_id=question.id,
            infraction_id=question.infraction,
            facts=f"Se constata en el lugar: {question.title}.",
            evidence="Constatación directa y documentos exhibidos.",
            affected_workers=1 + int(30 * self.rng.random() ** 3),
            obligation="Regularizar lo constatado y acreditarlo con los documentos que correspondan.",
            remedy_kind="INMEDIATO" if self.chance(0.03) else kind,
            confirmed=True,
            repeat_offence=self.chance(0.05),
            request_id=None,
            delivery=None,
            delivered_on=None,
            verification=None,
            verification_note=None,
            verified_on=None,
        )
        row["_order"], row["_question"], row["_code"] = self.order, question, question.code
        return row

    def _follow(self, row: Row) -> None:
        """The life of a finding, beside that of its order: the days of the order stand still meanwhile."""
        here, minutes = self.on, self._minutes
        with contextlib.suppress(End):
            self._remedy(row)
        self.on, self._day, self._minutes = here, here, minutes

    def _remedy(self, row: Row) -> None:
        question, rng = row["_question"], self.rng
        director = self.world.accounts["director"]
        self.rest(row)
        self.wait(0, 2, paper=question.remediable)
        if not question.remediable:
            self.step(row, "enviar_a_sumario", self.lead)
            return
        if self.office.coordinated and (
            self.halt == ("finding", "DESCARTADO") or (self.halt is None and self.chance(0.05))
        ):
            self.step(row, "descartar", self.office.chief)
            return
        row["request_id"] = self.step(row, "requerir", self.lead)[0]["id"]
        self.rest(row)
        self.wait(0, 3)
        self._delivered(row)
        self.rest(row)
        due = self.running(row)["due_on"]
        if self.halt == ("finding", "PRORROGADO") or (
            self.halt is None and row["remedy_kind"] != "INMEDIATO" and self.chance(0.1)
        ):
            self.go(max(self.on, self.office.calendar.add_business_days(due, -rng.randint(1, 3))), paper=True)
            self.step(row, "prorrogar", director)
            self.extend(row)
            self.rest(row)
            due = self.running(row)["due_on"]
        silent = self.chance(0.22) if self.halt is None else self.halt == ("finding", "VENCIDO")
        if silent:
            self.go(due + timedelta(days=1))
            self.step(row, "vencer", SYSTEM)
            self.rest(row)
            self.wait(2, 8)
            self.step(row, "cerrar_sin_respuesta", self.lead)
        else:
            self._filed(row, due)
        self.rest(row)
        self._decided(row, director)

    def _delivered(self, row: Row) -> None:
        row["delivery"] = self.rng.choices(("signed", "refused", "notified"), (80, 5, 15))[0]
        row["delivered_on"] = self.on
        self.step(row, "abrir_plazo", self.lead)

    def _filed(self, row: Row, due: date) -> None:
        days = max(0, self.office.calendar.business_days_between(self.on, due))
        self.go(self.office.after(self.on, self.rng.randint(days // 2, days)) if days else self.on)
        self.add(
            "filing",
            {
                "finding_id": row["id"],
                "filed_on": self.on,
                "description": "Presenta copias que acreditan la regularización.",
            },
        )
        self.step(row, "presentar", self.lead)
        self.rest(row)
        self.wait(1, 7)
        wanted = {"SUBSANADO": 0, "SUBSANADO_PARCIAL": 1, "NO_SUBSANADO": 2}.get(
            self.halt[1] if self.halt else ""
        )
        result = self.rng.choices((0, 1, 2), (76, 10, 14))[0] if wanted is None else wanted
        row["verification"] = ("remedied", "partly", "not_remedied")[result]
        row["verification_note"] = "Se cotejaron las copias con los originales."
        row["verified_on"] = self.on
        self.step(row, ("dar_por_subsanado", "dar_por_parcial", "dar_por_no_subsanado")[result], self.lead)

    def _decided(self, row: Row, director: Actor) -> None:
        self.wait(0, 3)
        if row["state"] == "SUBSANADO":
            self.step(row, "cerrar", self.lead)
        else:
            self.step(row, "enviar_a_sumario", self.lead)

    def _annul(self, visit: Row, found: list[Row], signers: list[Row]) -> None:
        """The coordinator annuls the acta: its findings are withdrawn, the visit is ended again."""
        self.wait(1, 2, paper=True)
        document = next(d for d in self.documents if d["id"] == visit["document_id"])
        document["status"], document["annulled_on"] = "annulled", self.on
        document["annulled_reason"] = REASONS["reabrir"]
        self.step(visit, "reabrir", self.office.chief)
        for finding in found:
            self.step(finding, "anular", SYSTEM)
        found.clear()
        self._end_visit_again(visit, signers)
        withdrawn = [f for f in self.rows["finding"] if f["visit_id"] == visit["id"]]
        found += [self._finding(visit, f["_question"]) for f in withdrawn]

    def _end_visit_again(self, visit: Row, signers: list[Row]) -> None:
        at = self.now()
        visit["ended_at"] = at
        for signer in signers:
            signer["signed_at"] = signer["confirmed_at"] = at
        visit["document_id"] = self.step(visit, "finalizar", self.lead)[0]["id"]

    # -- the report

    def _report(self) -> None:
        order, world = self.order, self.world
        row = self.begin(
            "report",
            "final_report",
            self.lead,
            order_id=order["id"],
            facts=None,
            analysis=None,
            background=None,
            proposal=None,
            observation=None,
            opinion=None,
            decision=None,
            document_id=None,
            opinion_id=None,
        )
        self.rest(row, order)
        found = [f for f in self.rows.get("finding", ()) if f["_order"] is order]
        final = {"A_SUMARIO", "CERRADO", "DESCARTADO", "ANULADO"}
        if any(f["state"] not in final for f in found):
            raise End
        self.on = max([self.on, *(f["last_act_on"] for f in found)])
        self.wait(3, 9)
        case = any(f["state"] == "A_SUMARIO" for f in found)
        proposal = "SUMARIO" if case else "ARCHIVO"
        if self.halt == ("report", "DILIGENCIAS_ORDENADAS") or (
            not case and self.halt is None and self.chance(0.04)
        ):
            proposal = "NUEVAS_DILIGENCIAS"
        row["facts"] = "Se cumplió la orden y se dejó constancia de lo actuado en las actas."
        row["analysis"] = "Los hechos se examinaron según las normas de las materias de la orden."
        row["background"] = "Actas de la visita\nDocumentos presentados"
        row["proposal"] = proposal
        chief, director = self.office.chief, world.accounts["director"]
        self.step(row, "enviar_a_coordinacion", self.lead)
        self.rest(row)
        self.wait(1, 3)
        if self.halt is None and self.chance(0.08):
            self.step(row, "devolver", chief)
            self.wait(1, 4)
            self.step(row, "enviar_a_coordinacion", self.lead)
            self.wait(1, 2)
        self.step(row, "dar_visto_bueno", chief)
        self.rest(row)
        self.wait(0, 2, paper=True)
        signed = "firmar_con_infraccion" if proposal == "SUMARIO" else "firmar"
        row["document_id"] = self.step(row, signed, self.lead)[0]["id"]
        self.rest(row)
        self._decision(row, proposal, director)

    def _decision(self, row: Row, proposal: str, director: Actor) -> None:
        order, world = self.order, self.world
        self.wait(2, 5)
        if proposal == "SUMARIO":
            self.step(row, "enviar_a_sumario", director)
            self.step(order, "cerrar", director)
            return
        if proposal == "NUEVAS_DILIGENCIAS":
            self.step(row, "ordenar_diligencias", director)
            self.step(order, "reabrir", director)
            self.halt = ("visit", "PROGRAMADA")
            self._visit(self.places[0], "CONTINUACION", "finalizar")
            return
        if self.halt == ("report", "REMITIDO_DGAJ_CON_OBSERVACION") or self.chance(0.1):
            self.go(self.on, paper=True)
            row["observation"] = "Se remite con la observación de que faltó verificar un turno."
            self.step(row, "remitir_con_observacion", director)
        else:
            self.step(row, "remitir", director)
        self.rest(row)
        self.wait(3, 9, paper=True)
        row["opinion"] = "Corresponde el archivo: no quedan hechos por sancionar."
        lawyer = world.accounts["juridico"]
        row["opinion_id"] = self.step(row, "dictaminar", lawyer)[0]["id"]
        self.rest(row)
        self.wait(0, 2)
        self.step(row, "elevar", lawyer)
        self.rest(row)
        self.wait(1, 5, paper=True)
        row["decision"] = "Archívese."
        minister = world.accounts["ministro"]
        self.step(row, "archivar", minister)
        self.step(order, "cerrar", minister)


class Numbers:
    """Gapless numbers of the series, given in the order of the days."""

    def __init__(
        self, standing: Mapping[tuple[str, int, int | None], tuple[int, int]], key: Callable[[], int]
    ):
        """`standing`: series that are there already -> its key and next number; `key`: a new series' key."""
        self.keys = {series: row[0] for series, row in standing.items()}
        self.next = {series: row[1] for series, row in standing.items()}
        self.new: set[tuple[str, int, int | None]] = set()
        self._key = key

    def give(self, lives: list[Life], world: World) -> None:
        """Number the documents of these lives and word their titles."""
        pairs = [(d["issued_at"], d["id"], d, life) for life in lives for d in life.documents]
        for _, _, document, life in sorted(pairs, key=lambda pair: pair[:2]):
            series = document.pop("_series")
            title, _, pattern, first = world.titles[document["type_code"]]
            if series not in self.keys:
                self.keys[series], self.next[series] = self._key(), first
                self.new.add(series)
            number = self.next[series]
            self.next[series] = number + 1
            document["series_id"], document["sequence"] = self.keys[series], number
            document["number"] = pattern.format(office=document.pop("_code"), year=series[1], number=number)
            document["title"] = f"{title} · {life.title(document.pop('_record'))}"
