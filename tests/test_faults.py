"""What happens outside: killed workers, a killed database, no connection left, held locks, a full disk, a
clock that jumps. Nothing that was acknowledged is lost, nothing is there by half, and everybody is told.

Faults of one part alone stand with that part; docs/architecture.md has the table of all.
"""

import os
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from datetime import time as daytime
from http.cookiejar import CookieJar
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask
from inspection_samples import assigned
from sqlalchemy import create_engine, text
from support import PASSWORD, ROOT, Live, log_in, token_of

from app import embedded
from app.core import clock
from app.core.base import Session
from app.operations import files, watch
from app.operations.unit import act
from config import Settings

START = date(2027, 4, 5)
"""A Monday; an order signed on it is valid until 5 May."""
PEOPLE = 4
KILLS = 6


def new_group(page: str) -> dict[str, str]:
    """The form of a new group, but for its name."""
    role = re.search(r'name="roles"[^>]*value="(\d+)"', page)
    assert role, "no role on the page"
    return {"roles": role[1], "csrf_token": token_of(page)}


class Stay(urllib.request.HTTPRedirectHandler):
    """Answers are looked at where they come."""

    def redirect_request(self, *request: object) -> None:
        return None


class Person:
    """Somebody who saves one record after the other, and notes what the server acknowledged."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()), Stay())
        page = self._open("/login/")[1]
        form = {"username": "admin", "password": PASSWORD, "csrf_token": token_of(page)}
        assert self._open("/login/", form)[0] == 302
        self.form = new_group(self._open("/grupos/add")[1])
        self.sent: list[str] = []
        self.acknowledged: set[str] = set()
        self.refused: dict[int, set[str | None]] = {}

    def save(self, name: str) -> int:
        """Save a record of this name; the status, 0 when the connection broke."""
        self.sent.append(name)
        try:
            status, _, headers = self._open("/grupos/add", {**self.form, "name": name})
        except OSError:
            return 0
        if status == 302:
            self.acknowledged.add(name)
        else:
            self.refused.setdefault(status, set()).add(headers.get("Retry-After"))
        return status

    def _open(self, path: str, form: dict[str, str] | None = None) -> tuple[int, str, dict[str, str]]:
        data = urllib.parse.urlencode(form).encode() if form else None
        request = urllib.request.Request(self.address + path, data, {"Referer": self.address})
        try:
            answer = self.opener.open(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.read().decode(), dict(answer.headers)


@contextmanager
def saving(address: str) -> Iterator[list[Person]]:
    """Several people save without a pause while something happens."""
    people = [Person(address) for _ in range(PEOPLE)]
    over = threading.Event()

    def save(person: Person) -> None:
        while not over.is_set():
            person.save(uuid4().hex)

    threads = [threading.Thread(target=save, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    try:
        yield people
    finally:
        over.set()
        for thread in threads:
            thread.join()


def saved(people: list[Person], more: int) -> None:
    """Wait until so many more saves of each person were acknowledged."""
    wanted = [len(person.acknowledged) + more for person in people]
    deadline = time.monotonic() + 60
    while any(len(person.acknowledged) < number for person, number in zip(people, wanted, strict=True)):
        assert time.monotonic() < deadline, [person.refused for person in people]
        time.sleep(0.02)


@pytest.fixture(scope="module")
def server(
    app: Flask, cluster: embedded.Cluster, prepared: Settings
) -> Iterator[tuple[Live, str, "subprocess.Popen[bytes]"]]:
    """The product as run.py serves it, with two workers, on a database that keeps what it acknowledged."""
    urls = cluster.create_database(f"faults_{uuid4().hex[:8]}", template="prepared")
    live = Live(app, urls, create_engine(urls.app_url))
    live.sql(f'ALTER DATABASE "{urls.database}" SET synchronous_commit = on', urls.superuser_url)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    environ = dict(
        os.environ,
        DATABASE_URL=urls.app_url,
        SIS_DATA_DIR=str(prepared.SIS_DATA_DIR),
        SIS_PUBLIC_URL=address,
        SIS_ENV="training",
    )
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "app.factory:create_app()",
        "--bind",
        address.partition("//")[2],
    ]
    command += ["--workers", "2", "--threads", "4", "--worker-class", "app.server.PatientWorker"]
    command += ["--log-level", "critical", "--no-control-socket"]
    process = subprocess.Popen(command, cwd=ROOT, env=environ)
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{address}/health/live", timeout=5).close()
            break
        except OSError:
            assert process.poll() is None, "it ended while starting"
            time.sleep(0.1)
    yield live, address, process
    process.terminate()
    process.wait(30)
    live.engine.dispose()
    cluster.drop_database(urls.database)


def whole(live: Live, people: list[Person]) -> None:
    """Every acknowledged record is there, none twice, and the trail knows of exactly those that are there."""
    names = {name for (name,) in live.sql("SELECT name FROM ab_group")}
    assert set().union(*(person.acknowledged for person in people)) <= names
    traced = live.sql(
        "SELECT c.new_values->>'name' FROM audit.change c JOIN audit.act a ON a.id = c.act_id"
        " WHERE c.table_name = 'ab_group' AND c.operation = 'I' AND a.verb = 'group.create'"
    )
    assert sorted(name for (name,) in traced) == sorted(names)


def test_workers_killed_while_people_save(server: tuple[Live, str, "subprocess.Popen[bytes]"]) -> None:
    live, address, process = server
    chance = random.Random(19)
    with saving(address) as people:
        for _ in range(KILLS):
            saved(people, 2)
            time.sleep(chance.random() / 10)
            os.kill(chance.choice(workers(process.pid)), signal.SIGKILL)
        saved(people, 2)
    whole(live, people)
    broken = [name for person in people for name in person.sent if name not in person.acknowledged]
    for name in broken:  # the person sends it again: it is there once, whether it was or not
        people[0].save(name)
    names = [name for (name,) in live.sql("SELECT name FROM ab_group")]
    assert len(names) == len(set(names)) and set(broken) <= set(names)


def workers(master: int) -> list[int]:
    """The processes that serve; at least one, for the killed one is replaced."""
    deadline = time.monotonic() + 30
    while True:
        found = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        if found:
            return [int(pid) for pid in found]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_database_killed_while_people_save(
    server: tuple[Live, str, "subprocess.Popen[bytes]"], cluster: embedded.Cluster
) -> None:
    live, address, process = server
    before = process.pid
    with saving(address) as people:
        saved(people, 2)
        postmaster = int((cluster._base() / "pgdata" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while not all(person.refused for person in people):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        cluster.ensure()  # as run.py does when it sees it
        saved(people, 2)
    for person in people:
        assert person.refused == {503: {"10"}}, "told to come back, by nothing else"
    assert process.poll() is None and process.pid == before, "nobody restarted the server"
    whole(live, people)


def test_without_a_connection_left_one_is_told_to_come_back(live: Live) -> None:
    client = log_in(live.app.test_client(), "admin")
    small = create_engine(live.urls.app_url, pool_size=1, max_overflow=0, pool_timeout=0.2)
    Session.remove()
    Session.configure(bind=small)
    with small.connect():
        refused = client.get("/grupos/list/")
        assert refused.status_code == 503 and refused.headers["Retry-After"] == "10"
    assert client.get("/grupos/list/").status_code == 200
    small.dispose()


@pytest.mark.parametrize(
    ("limit", "words"),
    [("lock_timeout", "Otra persona está guardando lo mismo"), ("statement_timeout", "tardaba demasiado")],
)
def test_a_lock_that_is_held_is_told_and_loses_nothing(live: Live, limit: str, words: str) -> None:
    client = log_in(live.app.test_client(), "admin")
    form = {**new_group(client.get("/grupos/add").get_data(as_text=True)), "name": "Turno noche"}
    patient = create_engine(live.urls.app_url, connect_args={"options": f"-c timezone=UTC -c {limit}=300ms"})
    Session.remove()
    Session.configure(bind=patient)
    holder = create_engine(live.urls.owner_url)
    with holder.connect() as connection:
        connection.execute(text("LOCK TABLE ab_group IN SHARE MODE"))
        refused = client.post("/grupos/add", data=form)
        assert refused.status_code == 503 and refused.headers["Retry-After"] == "10"
        assert words in refused.get_data(as_text=True)
    assert client.post("/grupos/add", data=form).status_code == 302
    for engine in (patient, holder):
        engine.dispose()
    assert live.sql("SELECT count(*) FROM ab_group WHERE name = 'Turno noche'") == [(1,)]


def test_a_disk_that_fills_up_under_an_upload_leaves_no_row_and_no_half_file(
    live: Live, tmp_path: Path
) -> None:
    before = files._root[0]
    files.use(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # the kernel refuses in the middle
        with pytest.raises(files.StoreFull, match="No hay lugar"), act("visit.photo"):
            files.store(os.urandom(50_000), "image/jpeg")
            files.store(os.urandom(500_000), "image/jpeg")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert live.sql("SELECT count(*) FROM stored_file") == [(0,)]
    assert live.sql("SELECT count(*) FROM audit.act WHERE verb = 'visit.photo'") == [(0,)]
    assert [path.name for path in tmp_path.rglob("*.part")] == []
    assert files.read(files.store(b"%PDF again", "application/pdf")) == b"%PDF again"
    files.use(before)


def test_a_clock_a_day_off_ends_sessions_and_revives_none(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = log_in(live.app.test_client(), "admin")
    real = clock.real_now
    assert client.get("/grupos/list/").status_code == 200
    monkeypatch.setattr(clock, "real_now", lambda: real() + timedelta(days=1))
    assert client.get("/grupos/list/").status_code == 302
    monkeypatch.setattr(clock, "real_now", lambda: real() - timedelta(days=1))
    late = log_in(live.app.test_client(), "director")
    monkeypatch.undo()
    assert late.get("/").status_code == 302, "a session begun by a slow clock ends by the right one"


def test_a_clock_that_jumps_and_comes_back_alerts_once(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    def on(day: date) -> None:
        noon = datetime.combine(day, daytime(12), tzinfo=clock.ASUNCION).astimezone(UTC)
        monkeypatch.setattr(clock, "real_now", lambda: noon)

    on(START)
    assigned()
    found = []
    for days in (0, 29, 0, 29):
        on(START + timedelta(days=days))
        watch.watch()
        Session.remove()
        found.append(live.sql("SELECT count(*) FROM term_alert")[0][0])
    assert found[0] == 0 < found[1] == found[2] == found[3]
