"""`make bench`: the product as its users run it, beside a floor on the same machine at the same time.

    python -m bench.run [--inspections 10000] [--data DIR] [--growth] [--quick]

Builds its own data in a temporary folder (`flask init`, `flask demo`), starts gunicorn with two workers for
the product and two for the floor, enters as a person does, and measures over HTTP. Machines are noisy: what
counts is the ratio to the floor of the same run. Prints a table and writes bench/results/<date>-<N>.json
and .md.
"""

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import psycopg2

from app import embedded
from app.core.types import ruc_check_digit
from bench import face

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PASSWORD = "una clave para medir 31"
PERSON, INSPECTOR = "coordinador", "inspector1"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
EVERYWHERE = "director"
TARGETS = {
    "list, first page": {"p50": 30, "ratio": 1.5, "sql": 8, "bytes": 60_000},
    "list, middle page": {"of_first": 1.2, "sql": 8},
    "list, two filters": {"p50": 25, "sql": 8},
    "search, part of a name": {"p50": 20, "sql": 8},
    "record page": {"p50": 25},
    "edit form": {"p50": 25},
    "save, with audit": {"p50": 15},
}
MEMORY_MB, PDF_RATIO, IMPORT_ROWS, GROWTH = 150, 1.3, 1_000, 1.3


@dataclass
class Measure:
    """One operation: milliseconds, bytes, statements; at one client and at eight."""

    name: str
    p50: float = 0.0
    p95: float = 0.0
    per_second: float = 0.0
    per_second_8: float = 0.0
    bytes: int = 0
    sql: int = 0
    cpu_ms: float = 0.0
    floor_p50: float | None = None
    misses: list[str] = field(default_factory=list)

    @property
    def ratio(self) -> float | None:
        return round(self.p50 / self.floor_p50, 2) if self.floor_p50 else None


class Client:
    """A browser without a screen: cookies, forms, redirects followed by hand."""

    def __init__(self, base: str) -> None:
        self.base = base
        handlers: list[Any] = [urllib.request.HTTPCookieProcessor(CookieJar()), NoRedirect()]
        self.opener = urllib.request.build_opener(*handlers)

    def ask(self, path: str, form: dict[str, str] | None = None) -> tuple[int, str, Any]:
        data = urllib.parse.urlencode(form, doseq=True).encode() if form is not None else None
        try:
            with self.opener.open(urllib.request.Request(self.base + path, data), timeout=60) as answer:
                return answer.status, answer.read().decode(), answer.headers
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.read().decode(), answer.headers

    def enter(self, username: str) -> "Client":
        page = self.ask("/login/")[1]
        token = field_of(page, "csrf_token")
        status, _, _ = self.ask("/login/", {"username": username, "password": PASSWORD, "csrf_token": token})
        if status != 302:
            raise SystemExit(f"could not enter as {username}: {status}")
        return self


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def field_of(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    return found[1] if found else ""


def form_of(page: str) -> dict[str, Any]:
    """The fields of the largest form of a page, as a browser would send them back."""
    from html.parser import HTMLParser

    class Fields(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.forms: list[list[tuple[str, str]]] = []
            self.select, self.area, self.text = "", "", ""
            self.first: str | None = None
            self.chosen = False

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            a = {name: value or "" for name, value in attrs}
            if tag == "form":
                self.forms.append([])
            if not self.forms:
                return
            if tag == "input" and a.get("name"):
                kind = a.get("type", "text")
                if kind in ("submit", "button", "file") or (
                    kind in ("checkbox", "radio") and "checked" not in a
                ):
                    return
                self.forms[-1].append((a["name"], a.get("value", "on" if kind == "checkbox" else "")))
            if tag == "select":
                self.select, self.first, self.chosen = a.get("name", ""), None, False
            if tag == "option" and self.select:
                self.first = a.get("value", "") if self.first is None else self.first
                if "selected" in a:
                    self.forms[-1].append((self.select, a.get("value", "")))
                    self.chosen = True
            if tag == "textarea":
                self.area, self.text = a.get("name", ""), ""

        def handle_endtag(self, tag: str) -> None:
            if tag == "select" and self.select:
                if not self.chosen and self.first is not None:
                    self.forms[-1].append((self.select, self.first))
                self.select = ""
            if tag == "textarea" and self.area:
                self.forms[-1].append((self.area, self.text.strip()))
                self.area = ""

        def handle_data(self, data: str) -> None:
            if self.area:
                self.text += data

    reader = Fields()
    reader.feed(page)
    made: dict[str, Any] = {}
    for name, value in max(reader.forms, key=len):
        made.setdefault(name, []).append(value)
    return made


Ask = Callable[[], tuple[int, str, Any]]


def measure(name: str, ask: Ask, seconds: float, wanted: int = 200) -> Measure:
    """One operation alone."""
    return rotate({name: (ask, None)}, seconds, wanted)[0]


def rotate(asks: dict[str, tuple[Ask, Ask | None]], seconds: float, wanted: int = 200) -> list[Measure]:
    """One client asks each in turn, the floor right after: what else the machine does falls on all alike.

    The first asks are thrown away.
    """
    times: dict[str, list[float]] = {name: [] for name in asks}
    floors: dict[str, list[float]] = {name: [] for name in asks}
    spent: dict[str, list[float]] = {name: [] for name in asks}
    last: dict[str, tuple[int, str, Any]] = {}
    begun, rounds = 0.0, -4
    while rounds < 10 or time.perf_counter() - begun < seconds * len(asks):
        rounds += 1
        if rounds == 0:
            begun = time.perf_counter()
        for name, (ask, floor) in asks.items():
            start = time.perf_counter()
            last[name] = status, page, headers = ask()
            took = (time.perf_counter() - start) * 1000
            if status != wanted:
                raise SystemExit(f"{name}: answered {status}\n{re.sub('<[^>]+>', ' ', page)[:800]}")
            start = time.perf_counter()
            if floor is not None:
                floor()
            if rounds >= 0:
                times[name].append(took)
                spent[name].append(float(headers.get("X-Bench-Cpu") or 0))
                floors[name].append((time.perf_counter() - start) * 1000)
    return [
        Measure(
            name,
            round(statistics.median(each), 1),
            round(sorted(each)[int(len(each) * 0.95)], 1),
            round(1000 / statistics.mean(each), 1),
            bytes=len(last[name][1].encode()),
            sql=int(last[name][2].get("X-Bench-Sql") or 0),
            cpu_ms=round(statistics.median(spent[name]), 1),
            floor_p50=round(statistics.median(floors[name]), 1) if asks[name][1] else None,
        )
        for name, each in times.items()
    ]


def together(clients: list[Client], path: str, seconds: float) -> float:
    """Requests a second of all clients at once."""
    done = [0] * len(clients)
    stop = time.perf_counter() + seconds

    def work(number: int) -> None:
        while time.perf_counter() < stop:
            clients[number].ask(path)
            done[number] += 1

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(clients))]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return round(sum(done) / (time.perf_counter() - begun), 1)


# -- what is started


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(
    application: str, environ: dict[str, str], *options: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """gunicorn with two workers, as run.py starts it."""
    port = int(environ.get("PORT") or free_port())
    command = [sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}", *options]
    process = subprocess.Popen(command, cwd=ROOT, env=environ)
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None:
                raise SystemExit(f"{application} did not start")
            time.sleep(0.1)
        time.sleep(1)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait(30)


def flask(environ: dict[str, str], *arguments: str) -> dict[str, Any]:
    """A `flask` command that answers JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", *arguments, "--json"],
        cwd=ROOT, env=environ, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def memory(process: subprocess.Popen[bytes], what: str) -> list[float]:
    """Megabytes of each worker: resident (`Rss`), or with its part of the pages that it shares (`Pss`)."""
    found = []
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for child in children:
        rollup = Path(f"/proc/{child}/smaps_rollup").read_text()
        found.append(round(int(re.search(rf"\b{what}:\s+(\d+)", rollup)[1]) / 1024, 1))  # type: ignore[index]
    return found


# -- one size


@dataclass
class Result:
    """What one size gave."""

    inspections: int
    when: str
    machine: dict[str, Any]
    load: dict[str, Any]
    measures: list[Measure]
    login: dict[str, float]
    memory_mb: list[float]
    memory_shared_out_mb: list[float]
    floor_memory_mb: list[float]
    pdf: dict[str, Any]
    imports: dict[str, Any]
    interactions: list[face.Interaction]


def bench(inspections: int, folder: Path, seconds: float, extras: bool = True) -> Result:
    """Build the data in a folder (or use what is there), start, measure."""
    cluster = embedded.Cluster(folder / "postgres")
    urls = cluster.ensure()
    port = free_port()
    environ = dict(
        os.environ,
        FLASK_APP="app.factory",
        SIS_ENV="training",
        SIS_DATA_DIR=str(folder),
        DATABASE_URL=urls.app_url,
        DATABASE_OWNER_URL=urls.owner_url,
        SIS_DEMO_PASSWORD=PASSWORD,
        SIS_PUBLIC_URL=f"http://127.0.0.1:{port}",
        PORT=str(port),
    )
    dsn = embedded.libpq_dsn(urls.app_url)
    try:
        flask(environ, "init")
        standing = one(dsn, "SELECT count(*) FROM inspection_order")
        load: dict[str, Any] = {"reused": standing}
        if standing < inspections:
            load = flask(environ, "demo", "--inspections", str(inspections))
        bare = {**environ, "BENCH_DSN": dsn, "PORT": str(free_port())}
        plain = ("--workers", "2", "--threads", "8", "--worker-class", "gthread", "--log-level", "warning")
        with (
            served("bench.wsgi:app()", environ, "--config", "python:app.server") as (address, product),
            served("bench.floor:app()", bare, *plain) as (floor_address, floor),
        ):
            measures, login = _measures(address, floor_address, dsn, seconds)
            result = Result(
                inspections,
                datetime.now(UTC).isoformat(timespec="seconds"),
                {"cores": os.cpu_count(), "load": os.getloadavg(), "python": sys.version.split()[0]},
                load,
                measures,
                login,
                memory(product, "Rss"),
                memory(product, "Pss"),
                memory(floor, "Rss"),
                {},
                {},
                _interactions(address, dsn) if extras else [],
            )
        if extras:
            result.pdf = _papers(environ)
            result.imports = _imports(environ, folder)
        return result
    finally:
        cluster.stop()


def one(dsn: str, sql: str, *values: Any) -> Any:
    connection = psycopg2.connect(dsn)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            row = cursor.fetchone()
            return row[0] if row else None
    finally:
        connection.close()


def _measures(
    address: str, floor_address: str, dsn: str, seconds: float
) -> tuple[list[Measure], dict[str, float]]:
    begun = time.perf_counter()
    Client(address).ask("/login/")
    first = round((time.perf_counter() - begun) * 1000, 1)
    for _ in range(8):  # both workers are warm
        Client(address).enter(EVERYWHERE)
    begun = time.perf_counter()
    person = Client(address).enter(EVERYWHERE)
    login = round((time.perf_counter() - begun) * 1000, 1)
    floor = Client(floor_address)
    office = one(dsn, "SELECT id FROM office WHERE code = 'REG-CAP'")
    top = one(dsn, "SELECT max(id) FROM inspection_order")
    middle = one(dsn, "SELECT id FROM inspection_order WHERE id <= %s ORDER BY id DESC LIMIT 1", top // 2)
    record = one(
        dsn,
        "SELECT o.id FROM inspection_order o JOIN visit v ON v.order_id = o.id"
        " JOIN finding f ON f.visit_id = v.id"
        " WHERE o.id > %s GROUP BY o.id HAVING count(*) BETWEEN 3 AND 4 ORDER BY o.id DESC LIMIT 1",
        top // 2,
    )
    part = str(
        one(dsn, "SELECT lower(split_part(legal_name, ' ', 2)) FROM employer ORDER BY id DESC LIMIT 1")
    )
    word = re.sub(r"[^a-z]", "", part)[:5] or "kara"
    paths = {
        "list, first page": "/ordenes/list/",
        "list, middle page": f"/ordenes/list/?despues={middle}",
        "list, two filters": f"/ordenes/list/?fase=in_report&oficina={office}",
        "search, part of a name": f"/ordenes/list/?q={word}",
        "record page": f"/ordenes/{record}",
    }
    crowd = [Client(address).enter(EVERYWHERE) for _ in range(8)]
    found = rotate(
        {
            name: (lambda path=path: person.ask(path), lambda path=path: floor.ask(path))  # type: ignore[misc]
            for name, path in paths.items()
        },
        seconds,
    )
    for made in found:
        made.per_second_8 = together(crowd, paths[made.name], seconds)
    scoped = Client(address).enter(PERSON)
    found.append(measure("list, first page, one office", lambda: scoped.ask("/ordenes/list/"), seconds))
    inspector = Client(address).enter(INSPECTOR)
    found.append(measure("list, first page, an inspector", lambda: inspector.ask("/ordenes/list/"), seconds))
    found += _edited(address, dsn, seconds)
    _judge(found)
    return found, {"first_request_ms": first, "login_ms": login}


def _edited(address: str, dsn: str, seconds: float) -> list[Measure]:
    """The edit form of a draft, and saving it: one field changes each time."""
    coordinator = Client(address).enter(PERSON)
    draft = one(
        dsn,
        "SELECT o.id FROM inspection_order o JOIN office f ON f.id = o.office_id"
        " WHERE f.code = 'REG-CAP' AND o.state = 'PROYECTO' ORDER BY o.id DESC LIMIT 1",
    )
    if draft is None:
        return []
    path = f"/ordenes/{draft}/editar"
    form = measure("edit form", lambda: coordinator.ask(path), seconds)
    fields = form_of(coordinator.ask(path)[1])
    number = [0]

    def save() -> tuple[int, str, Any]:
        number[0] += 1
        fields["instructions"] = [f"Medición n.º {number[0]}"]
        fields["_version"] = [str(one_kept())]
        return coordinator.ask(path, fields)

    connection = psycopg2.connect(dsn)
    connection.autocommit = True

    def one_kept() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT version FROM inspection_order WHERE id = %s", (draft,))
            return int(cursor.fetchone()[0])

    saved = measure("save, with audit", save, seconds, wanted=302)
    connection.close()
    return [form, saved]


def _judge(found: list[Measure]) -> None:
    """Note what is over its target."""
    first = next(m for m in found if m.name == "list, first page")
    for made in found:
        target = TARGETS.get(made.name, {})
        checks = {
            "p50": (made.p50, "ms"),
            "ratio": (made.ratio or 0, "× floor"),
            "of_first": (round(made.p50 / first.p50, 2), "× first page"),
            "sql": (made.sql, "statements"),
            "bytes": (made.bytes, "bytes"),
        }
        for key, most in target.items():
            value, unit = checks[key]
            if value > most:
                made.misses.append(f"{value} {unit} > {most}")


def _interactions(address: str, dsn: str) -> list[face.Interaction]:
    """What the browser does meanwhile; a visit under way is one that the demonstration leaves so."""
    visit = one(
        dsn,
        "SELECT max(v.id) FROM visit v JOIN order_inspector t ON t.order_id = v.order_id"
        " JOIN inspector i ON i.id = t.inspector_id JOIN ab_user u ON u.id = i.account_id"
        " WHERE u.username = %s AND v.state = 'EN_CURSO'",
        INSPECTOR,
    )
    people = {"coordinator": PERSON, "inspector": INSPECTOR}
    return face.long_tasks(CHROMIUM, address, PASSWORD, people, visit)


def _papers(environ: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.papers"], cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True
    )
    return dict(json.loads(done.stdout)) if done.returncode == 0 else {"failed": done.returncode}


def _imports(environ: dict[str, str], folder: Path) -> dict[str, Any]:
    """Rows a second of `flask import-register`, from a file of invented history."""
    rows = 3_000
    file = folder / "registro.csv"
    heads = "Fecha inspección;Acta N°;Empresa / Razón social;RUC;Departamento;Distrito;Dirección"
    with file.open("w", encoding="utf-8") as out:
        out.write(f"{heads};Cant. trabajadores;Inspector 1;Resultado\n")
        for n in range(rows):
            base = str(82_000_000 + n % 900)
            day, name = f"{1 + n % 28:02d}/{1 + n % 12:02d}/{2014 + n % 9}", f"Comercio Medido {n % 900} S.A."
            place = f"Central;San Lorenzo;Calle Medida {n % 900}"
            who = f"{name};{base}-{ruc_check_digit(base)}"
            out.write(f"{day};{n + 1};{who};{place};{1 + n % 40};Óscar Núñez;Archivado\n")
    command = [sys.executable, "-m", "flask", "import-register", str(file), "--json"]
    command += ["--batch", f"medida {time.time()}"]
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    seconds = time.perf_counter() - begun
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1:] or done.returncode}
    account = json.loads(done.stdout.strip().splitlines()[-1])
    return {
        "rows": rows,
        "seconds": round(seconds, 1),
        "rows_per_second": round(rows / seconds),
        "account": account,
    }


# -- what is said


def table(result: Result) -> str:
    lines = [
        f"# {result.inspections:,} inspections, {result.when}",
        "",
        "{cores} cores, load {load[0]:.1f}, Python {python}.".format(**result.machine),
        "",
        "| operation | p50 ms | p95 | floor p50 | ratio | req/s | req/s, 8 | bytes | SQL | CPU ms | over |",
        "| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --- |",
    ]
    for m in result.measures:
        lines.append(
            f"| {m.name} | {m.p50} | {m.p95} | {m.floor_p50 or ''} | {m.ratio or ''} | {m.per_second}"
            f" | {m.per_second_8 or ''} | {m.bytes:,} | {m.sql or ''} | {m.cpu_ms} | {'; '.join(m.misses)} |"
        )
    over = "" if max(result.memory_mb) <= MEMORY_MB else f" (over {MEMORY_MB})"
    lines += [
        "",
        f"- log-in, a form and a password hash: {result.login}",
        f"- memory of a worker: {result.memory_mb} MB{over}, {result.memory_shared_out_mb} MB with what they"
        f" share counted once; of the floor: {result.floor_memory_mb} MB",
        f"- load: {result.load}",
    ]
    if result.pdf:
        lines.append(f"- PDF beside bare xhtml2pdf (≤ {PDF_RATIO}): {result.pdf}")
    if result.imports:
        lines.append(f"- import (≥ {IMPORT_ROWS} rows/s): {result.imports}")
    if result.interactions:
        lines += ["", "Long tasks of the browser (goal: none over 100 ms at full speed):", ""]
        lines += [face.table(result.interactions)]
    return "\n".join(lines) + "\n"


def grown(small: Result, large: Result) -> str:
    """How much each page grew."""
    before = {m.name: m for m in small.measures}
    lines = [f"## Growth from {small.inspections:,} to {large.inspections:,} (≤ {GROWTH})", ""]
    lines += [
        "| operation | p50 small | p50 large | growth | growth over the floor's |",
        "| --- | --: | --: | --: | --: |",
    ]
    for m in large.measures:
        if m.name in before and before[m.name].p50:
            old = before[m.name]
            growth = m.p50 / old.p50
            floor = (m.floor_p50 / old.floor_p50) if m.floor_p50 and old.floor_p50 else 1.0
            over = " **over**" if growth > GROWTH else ""
            lines.append(f"| {m.name} | {old.p50} | {m.p50} | {growth:.2f}{over} | {growth / floor:.2f} |")
    return "\n".join(lines) + "\n"


def keep(result: Result, also: str = "") -> None:
    """Print, and write the results of this day and size."""
    text = table(result) + (f"\n{also}" if also else "")
    print(text)
    (HERE / "results").mkdir(exist_ok=True)
    path = HERE / "results" / f"{result.when[:10]}-{result.inspections}"
    data = asdict(result) | {"ratios": {m.name: m.ratio for m in result.measures}}
    path.with_suffix(".json").write_text(json.dumps(data, indent=1, ensure_ascii=False, default=str) + "\n")
    path.with_suffix(".md").write_text(text)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--inspections", type=int, default=10_000)
    parser.add_argument(
        "--data", type=Path, help="a folder to build in, or to use again; else a temporary one"
    )
    parser.add_argument("--growth", action="store_true", help="compare 10,000 with --inspections (200,000)")
    parser.add_argument("--quick", action="store_true", help="one second a measure, no PDF nor import")
    options = parser.parse_args()
    seconds = 1.0 if options.quick else 4.0
    sizes = [10_000, max(options.inspections, 200_000)] if options.growth else [options.inspections]
    results: list[Result] = []
    for size in sizes:
        kept = options.data if size == sizes[-1] else None
        folder = kept or Path(tempfile.mkdtemp(prefix="sis-bench-"))
        folder.mkdir(parents=True, exist_ok=True)
        try:
            results.append(bench(size, folder.resolve(), seconds, extras=not options.quick))
        finally:
            if kept is None:
                shutil.rmtree(folder, ignore_errors=True)
        keep(results[-1], grown(results[0], results[-1]) if len(results) > 1 else "")


if __name__ == "__main__":
    main()
