"""Nobody reads what is not his: every answer of every route to every role, searched for canaries.

The world is that of `canary_samples.py`. `objects.csv` says what each route that carries a key answers: to
which roles, for an object of their own file, of another file of their office, of a foreign file, for a part of
a foreign file at the address of an own one (`crossed`), for a key that no record has, for one that was deleted.
Empty: there is no such thing. It is read by a person and kept by this test; after a change that is meant,

    SIS_TEST_REWRITE=1 .venv/bin/python -m pytest tests/test_canaries.py

writes it anew, and its difference is what has to be reviewed.
"""

import csv
import io
import json
import logging
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import canary_samples
import pypdf
import pytest
from canary_samples import CANARY, ELSEWHERE, World
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, create_engine, func, select, update
from support import PASSWORD, Live, log_in, token_of, written
from test_authorization import expected
from test_routes import asked_of
from werkzeug.routing import Rule, UUIDConverter
from werkzeug.test import TestResponse

from app import embedded
from app.core import clock
from app.core.base import Model, Session
from app.documents import render
from app.exchange.tables import FORMATS
from app.factory import PUBLIC
from app.models.documents import Document
from app.models.followup import Notice
from app.models.registry import Employer, Establishment
from app.models.security import Account
from app.operations import mail, watch
from app.operations.seed_files import load
from app.security import scope
from app.security.roles import BY_KEY, LEADERS, Role
from app.views.base import RegistryView
from app.views.references import kinds

FILE = Path(__file__).with_name("objects.csv")
OBJECTS = ("own", "office", "foreign", "crossed", "missing", "gone")
MISSING = 999999999
ROLE = {row["username"]: BY_KEY[row["role"]] for row in load("demo.yaml", "accounts")}
CAST = [*(next(name for name, of in ROLE.items() if of is role) for role in Role), ELSEWHERE]
"""The first of the cast of each role, and the inspector of the other office."""

KEYS: dict[str, dict[str, str]] = {
    "OrderView": {"pk": "order"},
    "OrderView.edit": {"pk": "draft"},
    "VisitView": {"pk": "visit"},
    "VisitView.section": {"pk": "visit", "key": "section"},
    "VisitView.hallazgo": {"pk": "visit", "key": "prepared"},
    "VisitView.quitar_hallazgo": {"pk": "visit", "key": "prepared"},
    "VisitView.retirar_prueba": {"pk": "visit", "key": "proof"},
    "CorrectionView": {"pk": "acta"},
    "RequestView": {"pk": "acta"},
    "FindingView": {"pk": "finding"},
    "FindingView.remove_worker": {"pk": "finding", "key": "worker"},
    "ReportView": {"pk": "report"},
    "TransferView": {"pk": "transfer"},
    "TransferView.offer": {"pk": "order"},
    "StepView": {"pk": "visit"},
    "ExtraDataView": {"pk": "visit"},
    "StepView.review": {"pk": "step"},
    "DocumentView.download": {"pk": "paper"},
    "DocumentView.file": {"pk": "photo"},
    "DocumentView.roster": {"pk": "finding"},
    "ConflictView": {"pk": "conflict"},
    "SigningDeskView.annul": {"pk": "paper"},
    "SigningDeskView": {"pk": "folder"},
    "BookView": {"pk": "series"},
    "BookView.annul": {"pk": "numbered"},
    "UserView": {"pk": "person"},
    "AccessCodeView": {"pk": "person"},
    "RoleView": {"pk": "role"},
    "GroupView": {"pk": "group", "account": "person"},
    "DuplicatesView": {"key": "merge"},
    "RegisterImportView": {"key": "batch"},
    "VisitView.entrevistas": {"pk": "acta"},
    "VisitView.entrevista": {"pk": "acta", "key": "interview"},
    "AuditView.act": {"pk": "act"},
    "AuditView.change": {"pk": "change"},
    "ApiKeyView": {"pk": "api key"},
    "SecondFactorResetView": {"pk": "person"},
    "OrderApi": {"key": "order"},
    "VisitApi": {"key": "visit"},
    "FindingApi": {"key": "finding"},
    "ReportApi": {"key": "report"},
    "DocumentApi": {"key": "paper"},
}
"""What the keys of a route name (in `World.keys`), by view or endpoint; a registry names its own records."""
WORDS = {
    "process": "visit",
    "code": "finalizar",
    "letter": "ACT-INS",
    "kind": "csv",
    "form": "csv",
    "task": "trial",
    "page": "1",
    "row_id": str(MISSING),
}
"""What stands for the arguments of a route that are no keys."""
SAID = {"kind": tuple(FORMATS), "form": tuple(FORMATS), "name": tuple(kinds())}
"""What the arguments of a route without a key can be."""
GUARDS = {
    "Content-Security-Policy": "default-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What stands on every answer."""
BODY = {
    "reason": "Motivo de la prueba",
    "annulled_reason": "Motivo de la prueba",
    "name": "Persona de la prueba",
    "happened_on": "02/03/2026",
    "review": "Se revisó",
    "_version": "1",
}
"""A form that could be meant for many routes."""

SEES: dict[Role, set[str]] = {
    **dict.fromkeys(
        (Role.DIRECTOR, Role.MINISTER, Role.SECRETARY, Role.AUDITOR), {"own", "office", "foreign"}
    ),
    **dict.fromkeys((Role.REGIONAL, Role.COORDINATOR, Role.INTAKE, Role.NOTIFIER), {"own", "office"}),
    **dict.fromkeys((Role.INSPECTOR, Role.LEGAL, Role.JUDGE, Role.OSH), {"own"}),
}
"""The files that a role reads in this world, worked out by hand; who is not here reads none."""
NAMES = {Role.INSPECTOR, Role.COORDINATOR, Role.OSH, Role.LEGAL, Role.REGIONAL, Role.DIRECTOR, Role.JUDGE}
NARROWER: dict[tuple[str, str], set[Role]] = {
    **dict.fromkeys(
        (("visitinterview", "worker"), ("visitinterview", "text")), {Role.INSPECTOR, Role.DIRECTOR}
    ),
    ("conflictofinterest", "relation"): SEES.keys() - {Role.MINISTER, Role.SECRETARY},
    **dict.fromkeys((("affectedworker", "name"), ("affectedworker", "documentnumber")), NAMES),
}
"""What not everybody reads who reads the file: working rule 14, Convenio 81 of the ILO, art. 15."""


def allowed(username: str, found: tuple[str, str, str]) -> bool:
    """Whether one of the cast may have seen this canary."""
    file, table, column = found
    role = ROLE[username]
    if file.startswith("to"):  # a notice is its addressee's
        return file == f"to{username}"
    if table == "document" and role is Role.ADMIN:
        return True  # the books of numbers say why a number was annulled
    if (table, column) == ("document", "number") and role in LEADERS:
        return True  # who plans an inspection is told the number of open work at the place, and its office
    files = {"foreign"} if username == ELSEWHERE else SEES.get(role, set())
    return file in files and role in NARROWER.get((table, column), {role})


doors = cache(expected)


# -- the world, once ------------------------------------------------------------------------------------


@dataclass
class Stage:
    """The application on the world, and the cast that has entered it."""

    app: Flask
    world: World
    connection: Connection
    clients: dict[str, FlaskClient] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    changed: bool = False
    log: list[str] = field(default_factory=list)

    def client(self, username: str) -> FlaskClient:
        if username not in self.clients:
            self.clients[username] = log_in(self.app.test_client(), username)
            self.tokens[username] = token_of(self.clients[username].get("/").get_data(as_text=True))
        return self.clients[username]

    def ask(self, username: str, method: str, path: str) -> TestResponse:
        """The answer; what a write did is undone."""
        client = self.client(username)
        if path.startswith("/api/"):
            headers = self.world.machines[ROLE[username], username == ELSEWHERE]
            client = self.app.test_client()
            client.environ_base["HTTP_AUTHORIZATION"] = headers
        if method == "GET":
            return client.get(path)
        return self._sent(client, path, method, {**BODY, "csrf_token": self.tokens[username]})

    def send(self, username: str, path: str, form: dict[str, Any]) -> TestResponse:
        """The page after a form."""
        client = self.client(username)
        sent = {**BODY, **form, "csrf_token": self.tokens[username]}
        return self._sent(client, path, "POST", sent, follow_redirects=True)

    def _sent(
        self, client: Any, path: str, method: str, form: dict[str, Any], **options: Any
    ) -> TestResponse:
        """An answer; `changed` says whether the question wrote anything, which is undone."""
        whole = self.connection.begin_nested()
        before = written(self.connection)
        body = {"json": {"reason": BODY["reason"]}} if path.startswith("/api/") else {"data": form}
        try:
            answer: TestResponse = client.open(path, method=method, **body, **options)
            return answer
        finally:
            self.changed = written(self.connection) != before
            Session.remove()
            whole.rollback()

    def key(self, file: str, thing: str, public: bool = False) -> Any:
        """The key of a part of a file, or its public identifier; of what belongs to no file there is one."""
        found = (self.world.public if public else self.world.keys)[file].get(thing)
        if found is not None or file != "own" or not thing.startswith("table "):
            return found
        table = Model.metadata.tables[thing.removeprefix("table ")]
        key = next(iter(table.primary_key))
        return self.connection.scalar(select(table.c.uuid if public else key).order_by(key).limit(1))


@pytest.fixture(scope="module")
def stage(app: Flask, cluster: embedded.Cluster) -> Iterator[Stage]:
    name = f"canaries_{uuid4().hex[:12]}"
    urls = cluster.create_database(name, template="prepared")
    engine = create_engine(urls.app_url, connect_args={"options": "-c timezone=UTC"}, query_cache_size=5000)
    Session.remove()
    Session.configure(bind=engine)
    try:
        world = canary_samples.build(Live(app, urls, engine))
        Session.remove()
        with engine.connect() as connection, connection.begin():
            Session.configure(bind=connection, join_transaction_mode="create_savepoint")
            stage = Stage(app, world, connection)
            with pytest.MonkeyPatch.context() as patch, listening(stage.log):
                patch.setattr(render, "_warm_pool", Words)
                yield stage
            Session.remove()
    finally:
        Session.remove()
        Session.configure(bind=app.extensions["sis_engine"], join_transaction_mode="conditional_savepoint")
        engine.dispose()
        cluster.drop_database(name)


@contextmanager
def listening(log: list[str]) -> Iterator[None]:
    """Every line of the application's log, as it is written; errors with their traces."""

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            log.append(self.format(record))

    root, keep = logging.getLogger(), Keep(logging.DEBUG)
    named = [logging.getLogger(name) for name in ("app", "sis")]
    levels = [each.level for each in named]
    root.addHandler(keep)
    for each in named:
        each.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(keep)
        for each, level in zip(named, levels, strict=True):
            each.setLevel(level)


def is_ours(rule: Rule) -> bool:
    """Whether a route asks who comes: not the pages for anybody, nor the files of the front end."""
    return rule.endpoint not in PUBLIC and not rule.rule.startswith("/static/")


# -- routes that carry a key ----------------------------------------------------------------------------


def keyed(app: Flask) -> list[tuple[str, Rule]]:
    """Every (method, rule) with a key in its address."""
    return sorted(
        (
            (method, rule)
            for rule in app.url_map.iter_rules()
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
            if rule.arguments - SAID.keys() - WORDS.keys() and is_ours(rule)
        ),
        key=lambda each: (each[1].rule, each[0]),
    )


def things(app: Flask, rule: Rule) -> dict[str, str]:
    """Argument -> what it names. A registry's own records are named by their table."""
    view = rule.endpoint.partition(".")[0]
    found = KEYS.get(rule.endpoint) or KEYS.get(view)
    if found is None:
        kind = kind_of(app, rule)
        assert kind is not None, f"{rule.endpoint}: say in KEYS what its key names"
        found = dict.fromkeys(("pk", "key"), f"table {kind.__tablename__}")
    return {name: thing for name, thing in found.items() if name in rule.arguments}


def view_of(app: Flask, rule: Rule) -> Any:
    """The view that a route belongs to."""
    name = rule.endpoint.partition(".")[0]
    return next((each for each in app.extensions["appbuilder"].baseviews if each.endpoint == name), None)


def kind_of(app: Flask, rule: Rule) -> Any:
    """The records of the registry, or of the part of the API, that a route belongs to."""
    view = view_of(app, rule)
    return getattr(view, "kind", None) or getattr(getattr(view, "resource", None), "kind", None)


PLACES = (Employer, Establishment)
"""Records of nobody's file, on whose pages files are shown."""


def alike(app: Flask, rule: Rule) -> bool:
    """Whether a route shows a catalogue: the first of those who may enter speaks for the others."""
    kind = kind_of(app, rule)
    bounded = getattr(view_of(app, rule), "base_filters", None) or kind in (*PLACES, *scope.SCOPED, Document)
    return kind is not None and not bounded


def path(stage: Stage, rule: Rule, which: str) -> str | None:
    """The address of a route for an object; None when there is no such object."""
    named = things(stage.app, rule)
    values: dict[str, Any] = {name: WORDS.get(name) for name in rule.arguments}
    for place, (name, thing) in enumerate(named.items()):
        file = which if which != "crossed" else "foreign" if place else "own"
        public = isinstance(rule._converters[name], UUIDConverter)
        missing = UUID(int=0) if public else MISSING
        values[name] = missing if which == "missing" else stage.key(file, thing, public)
        if which == "crossed" and place and values[name] == stage.key("own", thing, public):
            return None  # the part is nobody's
    if which == "crossed" and len(named) < 2 or None in values.values():
        return None
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", lambda found: str(values[found[1]]), rule.rule)


def plain(answer: TestResponse, word: str = "") -> tuple[Any, ...]:
    """An answer without what differs each time, nor the word that was asked for."""
    headers = {
        name: re.sub(r"nonce-[\w-]+", "nonce", value)
        for name, value in answer.headers.items()
        if name not in ("Date", "Expires", "Set-Cookie")
    }
    varying = rb'nonce="[^"]*"|name="csrf_token"[^>]*|csrf-token"[^>]*'
    return answer.status_code, headers, re.sub(varying, b"", answer.data).replace(word.encode(), b"")


Answers = dict[tuple[str, str, str], dict[str, str]]
"""Method, route and role -> the status for each object."""


@dataclass
class Crawl:
    """What was asked and answered: statuses, canaries where they must not be, foreign and missing that differ."""

    answers: Answers = field(default_factory=dict)
    leaks: list[tuple[str, str, str]] = field(default_factory=list)
    seen: set[tuple[str, str, str]] = field(default_factory=set)
    bare: list[tuple[str, str, str]] = field(default_factory=list)
    told_apart: list[tuple[str, ...]] = field(default_factory=list)
    changed: list[tuple[str, ...]] = field(default_factory=list)

    def look(self, username: str, where: str, answer: TestResponse) -> None:
        """Search an answer for canaries that are not for who got it."""
        assert answer.status_code < 500, (username, where)
        if any(wanted not in answer.headers.get(name, "") for name, wanted in GUARDS.items()):
            self.bare.append((username, where, str(answer.status_code)))
        for found in canaries(answer):
            self.seen.add(found)
            if not allowed(username, found):
                self.leaks.append((username, where, "-".join(found)))


def canaries(answer: TestResponse) -> set[tuple[str, str, str]]:
    """The canaries in an answer, whatever it is."""
    words = [answer.data.decode("utf-8", "replace"), *answer.headers.values()]
    if answer.data.startswith(b"%PDF"):
        pages = pypdf.PdfReader(io.BytesIO(answer.data)).pages
        words += [re.sub(r"\s", "", page.extract_text()) for page in pages]
    if answer.data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(answer.data)) as bundle:
            words += [bundle.read(name).decode("utf-8", "replace") for name in bundle.namelist()]
    return {found.groups("") for each in words for found in CANARY.finditer(each)}


@pytest.fixture(scope="module")
def crawl(stage: Stage) -> Crawl:
    """Every keyed route, for everybody who may enter and every object."""
    crawl = Crawl()
    for method, rule in keyed(stage.app):
        paths = {which: found for which in OBJECTS if (found := path(stage, rule, which))}
        entering = who_enter(method, rule)
        for username in entering[:1] if alike(stage.app, rule) else entering:
            here = (method, rule.rule, username)
            row = crawl.answers.setdefault(here, dict.fromkeys(OBJECTS, ""))
            missing: tuple[Any, ...] = ()
            for which in sorted(paths, key=lambda each: each != "missing"):
                answer = stage.ask(username, method, paths[which])
                row[which] = str(answer.status_code)
                crawl.look(username, f"{method} {rule.rule} {which}", answer)
                missing = missing or plain(answer)
                if answer.status_code == 404 and plain(answer) != missing:
                    crawl.told_apart.append((*here, which))
                if method != "GET" and answer.status_code in (403, 404) and stage.changed:
                    crawl.changed.append((*here, which))
    return crawl


def who_enter(method: str, rule: Rule) -> list[str]:
    """Those of the cast for whom the door of a route is open (authorization.csv)."""
    row = doors()[method, rule.rule]
    return [name for name in CAST if row[ROLE[name].value]]


PRINTER = render._warm_pool


class Words:
    """In place of the children that print: the words that a document would be printed from."""

    @staticmethod
    def render(request: dict[str, Any], timeout: float) -> bytes:
        return json.dumps(request, default=str).encode()


def test_every_key_of_a_route_answers_as_written(stage: Stage, crawl: Crawl) -> None:
    found = grouped(crawl.answers)
    if os.environ.get("SIS_TEST_REWRITE"):
        with FILE.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([("method", "route", "roles", *OBJECTS), *found])
    with FILE.open(encoding="utf-8", newline="") as file:
        wanted = [tuple(row) for row in csv.reader(file)][1:]
    assert sorted(set(found) ^ set(wanted)) == [], "answers that nobody reviewed: see the head of this file"


def grouped(answers: Answers) -> list[tuple[str, ...]]:
    """The rows of the file: method, route, who gets the same answers (by role), the answers."""
    found: dict[tuple[str, ...], list[str]] = {}
    for (method, route, name), row in answers.items():
        role = ROLE[name].value + ("-elsewhere" if name == ELSEWHERE else "")
        found.setdefault((route, method, *row.values()), []).append(role)
    return [(method, route, " ".join(who), *row) for (route, method, *row), who in sorted(found.items())]


def test_a_foreign_key_answers_as_a_missing_one_and_changes_nothing(crawl: Crawl) -> None:
    assert crawl.told_apart == []
    assert crawl.changed == []


def test_no_answer_of_a_keyed_route_has_a_canary_that_is_not_for_who_asks(crawl: Crawl) -> None:
    assert sorted(set(crawl.leaks)) == []
    assert crawl.bare == []


def test_the_canaries_are_where_they_can_be_seen(stage: Stage, crawl: Crawl) -> None:
    """Who may see the file does see it: a canary that nobody ever saw would prove nothing."""
    seen = {(table, column) for _, table, column in crawl.seen}
    stamped = {(t.replace("_", ""), c.replace("_", "")) for t, c in stage.world.stamped["own"]}
    assert stamped - seen == UNSEEN


UNSEEN: set[tuple[str, str]] = {
    *(("actacorrection", name) for name in ("says", "shouldsay", "reason")),
    *(("visit", name) for name in ("historicalorder", "historicalresult", "historicalinspectors")),
    *(("visitsignature", name) for name in ("name", "post", "documentnumber")),
    *(("recordmove", name) for name in ("actorname", "latereason")),
    ("finding", "verificationnote"),
    ("document", "usedreason"),
    ("orderinspector", "reason"),
    ("visitinspector", "absencereason"),
}
"""What no page shows, or none of this world: signed papers hold it, and they are not written anew."""


# -- pages, lists, searches, look-ups, exports: routes without a key ---------------------------------------


def pages(app: Flask) -> list[tuple[Rule, str]]:
    """Every GET route without a key, with each of its addresses."""
    found = []
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.arguments <= SAID.keys() and is_ours(rule):
            ways = [
                dict(zip(rule.arguments, each, strict=True))
                for each in product(*(SAID[name] for name in rule.arguments))
            ]
            found += [
                (rule, re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", lambda hit, way=way: way[hit[1]], rule.rule))
                for way in ways
            ]
    return sorted(found, key=lambda each: each[1])


def searches(app: Flask, rule: Rule) -> list[str]:
    """The arguments by which a page is searched for words; of generated lists, those that show a part."""
    view = view_of(app, rule)
    if rule.endpoint == "AuditView.list":
        return []  # it has no words to look for, and grows by what is asked meanwhile
    if isinstance(view, RegistryView) and rule.endpoint.endswith(".list"):
        return [f"_flt_2_{column}" for column in view.search_columns if view.base_filters] + ["q"]
    return ["q"] if view is not None and "q" in asked_of(type(view)) else []


def test_no_page_list_search_look_up_or_export_has_a_canary_that_is_not_for_who_asks(stage: Stage) -> None:
    crawl = Crawl()
    for rule, address in pages(stage.app):
        searched = [] if address.endswith(".xlsx") else searches(stage.app, rule)  # it bears its moment
        entering = who_enter("GET", rule)
        for username in entering[:1] if alike(stage.app, rule) else entering:
            crawl.look(username, address, stage.ask(username, "GET", address))
            for name in searched:
                found, nothing = (
                    stage.ask(username, "GET", f"{address}?{name}={word}")
                    for word in ("canario-foreign", "canario-fxxxxxx")
                )
                crawl.look(username, f"{address}?{name}=", found)
                if "foreign" not in SEES.get(ROLE[username], ()) and username != ELSEWHERE:
                    assert plain(found, "canario-foreign") == plain(nothing, "canario-fxxxxxx"), (
                        username,
                        address,
                        name,
                    )
    assert sorted(set(crawl.leaks)) == []
    assert crawl.bare == []
    assert {file for file, *_ in crawl.seen} >= {"own", "office", "foreign", *(f"to{name}" for name in CAST)}


# -- keys in forms, what anybody reads, paper, mail, log ------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["/firmas/revisar", "/firmas/firmar", "/firmas/devolver", "/firmas/imprimir"]
)
def test_a_foreign_key_in_a_form_answers_as_a_missing_one(stage: Stage, address: str) -> None:
    for username in ("regional", "juridico"):
        for process, thing in (("order", "draft"), ("report", "report")):
            answers = []
            for key in (stage.key("foreign", thing), MISSING):
                form = {"pick": f"{process}:{key}:firmar", "password": PASSWORD}
                answers.append(plain(stage.send(username, address, form), f":{key}:"))
                assert not stage.changed
            assert answers[0] == answers[1], (username, process)


def test_a_notice_of_somebody_else_is_not_marked_as_read(stage: Stage) -> None:
    theirs = select(Notice.id).join(Account, Account.id == Notice.account_id)
    for whose, changed in (("ministro", False), ("mesa", True)):
        key = stage.connection.scalar(theirs.where(Account.username == whose))
        stage.send("mesa", "/avisos/leidos", {"notice": str(key)})
        assert stage.changed is changed


def test_the_public_page_of_a_document_says_no_word_of_its_people(stage: Stage) -> None:
    visitor = stage.app.test_client()
    codes = stage.connection.scalars(
        select(Document.verification_code).where(Document.series_id.is_not(None))
    )
    for code in codes.all():
        answer = visitor.get(f"/v/{code}")
        assert answer.status_code == 200
        assert canaries(answer) == set()


def test_paper_says_no_more_than_the_screen(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real PDFs, read back: the roster names people to who is entitled and asks for it, to nobody else."""
    monkeypatch.setattr(render, "_warm_pool", PRINTER)
    address, name = (
        f"/documentos/nomina/{stage.key('own', 'finding')}?nombres=1",
        ("own", "affectedworker", "name"),
    )
    for username, named in (("inspector1", True), ("mesa", False), ("auditor", False)):
        answer = stage.ask(username, "GET", address)
        assert answer.data.startswith(b"%PDF")
        assert (name in canaries(answer)) is named, username
        assert all(allowed(username, found) for found in canaries(answer))
    draft = canaries(stage.ask("mesa", "GET", f"/visitas/{stage.key('own', 'visit')}/borrador"))
    assert ("own", "visit", "narrative") in draft
    assert all(allowed("mesa", found) for found in draft)


def test_no_mail_says_what_its_reader_may_not_read(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch of a day on which every term is over: to each his own notices, by the mail as on the screen."""
    sent: dict[str, str] = {}
    monkeypatch.setattr(mail, "send", lambda to, subject, words: sent.update({to: f"{subject} {words}"}))
    monkeypatch.setattr(mail, "configured", lambda: True)
    monkeypatch.setattr(clock, "_source", lambda: timedelta(days=90))
    whole = stage.connection.begin_nested()
    try:
        people = update(Account).where(Account.username.in_(ROLE))
        stage.connection.execute(people.values(email=Account.username + "@mtess.gov.py"))
        before = stage.connection.scalar(select(func.max(Notice.id)))
        watch.watch()
        told: dict[int, list[int]] = {}
        for key, account in stage.connection.execute(
            select(Notice.id, Notice.account_id).where(Notice.id > before)
        ):
            told.setdefault(account, []).append(key)
        for account, keys in told.items():
            watch.send_notices(account, keys)
    finally:
        Session.remove()
        whole.rollback()
    assert {"coordinador@mtess.gov.py", f"{ELSEWHERE}@mtess.gov.py"} <= sent.keys()
    for to, words in sent.items():
        for found in CANARY.finditer(words):
            assert allowed(to.partition("@")[0], found.groups("")), (to, found[0])


def test_the_log_has_no_word_of_a_file(stage: Stage, crawl: Crawl) -> None:
    assert stage.ask("salud", "GET", "/ordenes/list/").status_code == 403
    assert any("Access is Denied" in line for line in stage.log)
    assert [line for line in stage.log if CANARY.search(line)] == []
