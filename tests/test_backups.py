"""Backups: made while people work, brought back whole or not at all, thrown away in time."""

import errno
import gzip
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2
import pyrage
import pytest
from flask import Flask
from inspection_samples import done
from sqlalchemy import create_engine, select
from support import ROOT, Live, log_in, token_of

from app import embedded, jobs, migrations, wal
from app.core import clock
from app.core.base import Session
from app.core.errors import RuleBroken
from app.models.documents import StoredFile
from app.models.security import Account
from app.operations import audit, backups, files
from app.operations.backups import archive, making, programs, restoring, shelf
from app.operations.unit import act

POSTGRES_15 = Path("/usr/lib/postgresql/15/bin")
CHANGED_BY_A_RESTORE = {"public.login_session", "audit.act"}


@pytest.fixture(scope="module")
def source(
    app: Flask, cluster: embedded.Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Live, backups.Installation]]:
    """An installation with a signed acta, on a database of its own."""
    urls = cluster.create_database(f"source_{uuid4().hex[:8]}", template="prepared")
    live = Live(app, urls, create_engine(urls.app_url))
    data = tmp_path_factory.mktemp("source")
    with using(live, installation(urls, data)) as kept:
        done()
        log_in(app.test_client(), "inspector1")
    yield live, kept
    live.engine.dispose()
    cluster.drop_database(urls.database)


@pytest.fixture
def empty(app: Flask, cluster: embedded.Cluster, tmp_path: Path) -> Iterator[Live]:
    """An empty database of this system."""
    urls = cluster.create_database(f"target_{uuid4().hex[:8]}")
    live = Live(app, urls, create_engine(urls.app_url))
    yield live
    live.engine.dispose()
    cluster.drop_database(urls.database)


@pytest.fixture(scope="module")
def made(source: tuple[Live, backups.Installation]) -> Path:
    """A backup of it."""
    with using(*source) as kept:
        return kept.folder / backups.make().file


def installation(urls: embedded.URLs, data: Path, **changes: Any) -> backups.Installation:
    found = backups.Installation(
        environment="training",
        version="0",
        data=data,
        folder=data / "backups",
        recipient="",
        app_url=lambda: urls.app_url,
        backup_url=lambda: urls.backup_url,
    )
    return replace(found, **changes)


class using:
    """Let the application stand on this database, this store and these backups for a while."""

    def __init__(self, live: Live, kept: backups.Installation) -> None:
        self.live, self.kept = live, kept

    def __enter__(self) -> backups.Installation:
        self.before = backups.current()
        Session.remove()
        Session.configure(bind=self.live.engine)
        files.use(self.kept.files)
        backups.use(self.kept)
        return self.kept

    def __exit__(self, *error: object) -> None:
        Session.remove()
        Session.configure(bind=self.live.app.extensions["sis_engine"])
        files.use(self.before.files)
        backups.use(self.before)


def rows(url: str) -> dict[str, list[str]]:
    """Every row of every table, as texts."""
    with psycopg2.connect(embedded.libpq_dsn(url)) as connection, connection.cursor() as cursor:
        cursor.execute(making.TABLES.text)
        names = [name for (name,) in cursor.fetchall()]
        found = {}
        for name in names:
            cursor.execute(f"SELECT t::text FROM {name} t ORDER BY 1")
            found[name] = [row for (row,) in cursor.fetchall()]
    connection.close()
    return found


def is_empty(target: Live, data: Path) -> bool:
    """Whether nothing came of a restore, in the database and beside it."""
    left = {path.name for path in data.iterdir()} if data.exists() else set()
    return restoring._tables(target.urls.owner_url) == 0 and left <= {"secret_key"}


def remade(made: Path, to: Path, change: Any) -> Path:
    """The same backup with changed members: `change` gets (name, content), gives what there shall be."""
    with tarfile.open(made) as old, tarfile.open(to, "w") as new:
        for member in old:
            content = old.extractfile(member).read()  # type: ignore[union-attr]
            for name, text in change(member.name, content):
                copy = tarfile.TarInfo(name)
                copy.size = len(text)
                new.addfile(copy, io.BytesIO(text))
    return to


def with_facts(change: Any) -> Any:
    """A change of what the manifest says, its own proof made anew."""

    def change_manifest(name: str, content: bytes) -> list[tuple[str, bytes]]:
        if name == archive.MANIFEST:
            manifest = json.loads(content)
            del manifest["digest"]
            change(manifest)
            manifest["digest"] = archive._digest(manifest)
            content = json.dumps(manifest).encode()
        return [(name, content)]

    return change_manifest


# -- there and back -------------------------------------------------------------------------------------


def test_every_table_and_every_file_comes_back(
    source: tuple[Live, backups.Installation],
    made: Path,
    empty: Live,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    live, kept = source
    before = rows(live.urls.superuser_url)
    with using(empty, installation(empty.urls, tmp_path / "new")) as target:
        report = backups.restore(made, empty.urls.owner_url)
        after = rows(empty.urls.superuser_url)
        assert {name for name in before if before[name] != after[name]} == CHANGED_BY_A_RESTORE
        assert after["public.login_session"] == [] != before["public.login_session"]
        [act_row] = set(after["audit.act"]) - set(before["audit.act"])
        assert "backup.restore" in act_row
        assert report.rows == sum(map(len, before.values())) and report.missing == ()
        kept_files = {path.relative_to(kept.files) for path in kept.files.rglob("*") if path.is_file()}
        assert {
            path.relative_to(target.files) for path in target.files.rglob("*") if path.is_file()
        } == kept_files

        client = log_in(empty.app.test_client(), "inspector1")
        [(visit, document, number, sha256)] = empty.sql(
            "SELECT v.id, d.id, d.number, f.sha256 FROM visit v JOIN document d ON d.id = v.document_id"
            " JOIN stored_file f ON f.id = d.file_id"
        )
        assert number in client.get(f"/visitas/{visit}").get_data(as_text=True)
        acta = client.get(f"/documentos/{document}").get_data()
        assert acta.startswith(b"%PDF") and hashlib.sha256(acta).hexdigest() == sha256
        with act("account.create") as unit:  # it works on: the keys go on from where they were
            unit.session.add(person("nueva"))
    with using(empty, installation(empty.urls, tmp_path / "another")):
        with pytest.raises(RuleBroken, match="La base de datos no está vacía"):
            backups.restore(made, empty.urls.owner_url)
    # Two began at once and the other one has ended: its files stay.
    monkeypatch.setattr(restoring, "_check_empty", lambda *place: None)
    with using(empty, installation(empty.urls, tmp_path / "new")) as target:
        with pytest.raises(RuleBroken, match="La base no volvió entera"):
            backups.restore(made, empty.urls.owner_url)
        assert any(target.files.iterdir())


def person(name: str) -> Account:
    return Account(
        username=name, first_name=name, last_name=name, email=f"{name}@demo.sis.invalid", active=True
    )


def test_it_is_one_moment_while_people_go_on(
    source: tuple[Live, backups.Installation], empty: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live, _ = source
    dump = programs.run

    def dumped(program: Path, address: str | None, *arguments: str | Path, **options: Any) -> str:
        if program.name == "pg_dump" and "-Fc" in arguments:  # after the rows were counted
            live.sql("INSERT INTO ab_group (name) VALUES ('entre tanto')")
        printed = dump(program, address, *arguments, **options)
        assert {path.name for path in (tmp_path / "copies").iterdir()} <= {shelf.LOCK, shelf.RUNNING}
        return printed

    monkeypatch.setattr(programs, "run", dumped)
    with using(live, replace(source[1], folder=tmp_path / "copies")) as kept:
        file = kept.folder / backups.make().file
    monkeypatch.undo()
    with using(empty, installation(empty.urls, tmp_path / "new")):
        backups.restore(file, empty.urls.owner_url)
    assert len(live.sql("SELECT FROM ab_group WHERE name = 'entre tanto'")) == 1
    assert empty.sql("SELECT FROM ab_group WHERE name = 'entre tanto'") == []


@pytest.mark.skipif(
    not (POSTGRES_15 / "pg_dump").exists(), reason="needs PostgreSQL 15 (Debian's postgresql-15)"
)
def test_a_server_of_version_15_is_kept_by_its_own_programs(app: Flask, tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="sis-test-"))
    folder.chmod(0o711)
    server = embedded.Cluster.throwaway(folder / "pg", programs=POSTGRES_15)
    try:
        urls = server.ensure()
        migrations.upgrade(urls.owner_url)
        old = Live(app, urls, create_engine(urls.app_url))
        old.sql("INSERT INTO installation (environment) VALUES ('training')")
        with using(old, installation(urls, tmp_path / "old")) as kept:
            file = kept.folder / backups.make().file
        new_urls = server.create_database("new")
        new = Live(app, new_urls, create_engine(new_urls.app_url))
        with using(new, installation(new_urls, tmp_path / "new")):
            backups.restore(file, new_urls.owner_url)
        before, after = rows(urls.superuser_url), rows(new_urls.superuser_url)
        assert {name for name in before if before[name] != after[name]} == {"audit.act"}
        for live in (old, new):
            live.engine.dispose()
    finally:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_broken_chain_of_the_trail_is_brought_back_knowingly_alone(
    live: Live, empty: Live, tmp_path: Path
) -> None:
    with using(live, installation(live.urls, tmp_path / "old")) as kept:
        audit.seal()
        edit = "UPDATE audit.act SET actor = 'nadie' WHERE id = (SELECT min(id) FROM audit.act)"
        live.sql(f"SET session_replication_role = replica; {edit}", live.urls.superuser_url)
        file = kept.folder / backups.make().file
    with using(empty, installation(empty.urls, tmp_path / "new")) as target:
        with pytest.raises(RuleBroken, match=r"auditoría no cierra en el sello \d+ \(edited\)"):
            backups.restore(file, empty.urls.owner_url)
        assert is_empty(empty, target.data)
        backups.restore(file, empty.urls.owner_url, despite_audit=True)
    verb = "SELECT reason FROM audit.act WHERE verb = 'backup.restore'"
    [(reason,)] = empty.sql(verb, empty.urls.superuser_url)
    assert reason.endswith("sin comprobar la cadena de auditoría")


def test_programs_of_another_version_are_not_used() -> None:
    with pytest.raises(RuleBroken, match="postgresql-client-99"):
        programs.of_version(99)


# -- encrypted ------------------------------------------------------------------------------------------


def test_an_encrypted_one_opens_with_its_key_alone(
    source: tuple[Live, backups.Installation], empty: Live, tmp_path: Path
) -> None:
    keys = [pyrage.x25519.Identity.generate() for _ in range(2)]
    files_of_keys = []
    for number, key in enumerate(keys):
        files_of_keys.append(tmp_path / f"key{number}")
        files_of_keys[number].write_text(f"# created: today\n{key}\n")
    with using(source[0], replace(source[1], folder=tmp_path / "copies")) as kept:
        card = backups.make(recipient=str(keys[0].to_public()))
        file = kept.folder / card.file
    content = file.read_bytes()
    assert (
        card.encrypted
        and content.startswith(b"age-encryption.org/v1")
        and archive.MANIFEST.encode() not in content
    )
    with using(empty, installation(empty.urls, tmp_path / "new")) as target:
        with pytest.raises(RuleBroken, match="está cifrada"):
            backups.restore(file, empty.urls.owner_url)
        with pytest.raises(RuleBroken, match="no se abre con esa clave"):
            backups.restore(file, empty.urls.owner_url, files_of_keys[1])
        file.write_bytes(content[:-5000] + b"x" + content[-4999:])
        with pytest.raises(RuleBroken, match="dañada"):
            backups.restore(file, empty.urls.owner_url, files_of_keys[0])
        assert is_empty(empty, target.data)
        file.write_bytes(content)
        assert backups.restore(file, empty.urls.owner_url, files_of_keys[0]).files == card.files


def test_a_key_that_is_none_is_refused(source: tuple[Live, backups.Installation], tmp_path: Path) -> None:
    with using(source[0], replace(source[1], folder=tmp_path / "copies", recipient="age1nada")) as kept:
        with pytest.raises(RuleBroken, match="clave pública de age no es válida"):
            backups.make()
        assert [path.name for path in kept.folder.glob("*.tar*")] == []


# -- damaged, cut short, out of place -------------------------------------------------------------------


def cut(made: Path, to: Path) -> None:
    to.write_bytes(made.read_bytes()[: made.stat().st_size // 2])


def without_manifest(made: Path, to: Path) -> None:
    remade(made, to, lambda name, content: [(name, content)] if name != archive.MANIFEST else [])


def with_one_bit_changed(made: Path, to: Path) -> None:
    remade(
        made,
        to,
        lambda name, content: [
            (name, content[:-1] + bytes([content[-1] ^ 1]) if archive.FILES in name else content)
        ],
    )


def without_a_file(made: Path, to: Path) -> None:
    left: list[str] = []

    def change(name: str, content: bytes) -> list[tuple[str, bytes]]:
        if name.startswith(archive.FILES) and not left:
            left.append(name)
            return []
        return [(name, content)]

    remade(made, to, change)


def with_a_path_outside(made: Path, to: Path) -> None:
    remade(made, to, lambda name, content: [("../outside", b"x"), (name, content)])


def with_a_hole(made: Path, to: Path) -> None:
    with tarfile.open(to, "w") as new:
        member = tarfile.TarInfo(archive.DUMP)
        member.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(10**13)}
        new.addfile(member)


def with_a_map_that_is_none(made: Path, to: Path) -> None:
    with tarfile.open(to, "w") as new:
        member = tarfile.TarInfo(archive.DUMP)
        member.pax_headers = {"GNU.sparse.map": "x"}
        new.addfile(member)


def with_a_changed_manifest(made: Path, to: Path) -> None:
    remade(made, to, lambda name, content: [(name, content.replace(b'"training"', b'"trayning"'))])


def with_a_row_more(made: Path, to: Path) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["tables"]["public.office"][0] += 1

    remade(made, to, with_facts(change))


def with_other_values(made: Path, to: Path) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["tables"]["audit.change"][1] = "12345"

    remade(made, to, with_facts(change))


def with_a_command_in_its_manifest(made: Path, to: Path) -> None:
    name = f"public.office\n\\.\n\\! touch {to.with_name('done')}"
    remade(made, to, with_facts(lambda manifest: manifest["tables"].update({name: [0, "0"]})))


def with_a_file_that_nobody_listed(made: Path, to: Path) -> None:
    """As if the backup had lost a file that the database names."""

    def change(name: str, content: bytes) -> list[tuple[str, bytes]]:
        return [] if name == lost else dropped(name, content)

    with tarfile.open(made) as tar:
        lost = next(name for name in tar.getnames() if name.startswith(archive.FILES))
    dropped = with_facts(lambda manifest: manifest["members"].pop(lost))
    remade(made, to, change)


def of_a_newer_system(made: Path, to: Path) -> None:
    remade(made, to, with_facts(lambda manifest: manifest.update(revision="9999")))


def of_a_newer_server(made: Path, to: Path) -> None:
    remade(made, to, with_facts(lambda manifest: manifest.update(server=99)))


def of_production(made: Path, to: Path) -> None:
    remade(made, to, with_facts(lambda manifest: manifest.update(environment="production")))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut, "cortada o dañada"),
        (without_manifest, "le falta el manifiesto"),
        (with_one_bit_changed, "no coincide «files/"),
        (without_a_file, "no coincide «files/"),
        (with_a_path_outside, "algo que no es suyo"),
        (with_a_hole, "algo que no es suyo"),
        (with_a_map_that_is_none, "cortada o dañada"),
        (with_a_changed_manifest, "fue alterado"),
        (with_a_row_more, r"public\.office: volvieron \d+ filas de"),
        (with_other_values, r"audit\.change: el contenido no es el de la copia"),
        (with_a_command_in_its_manifest, "no volvió entera"),
        (with_a_file_that_nobody_listed, "faltan 1 archivos"),
        (of_a_newer_system, "versión más nueva"),
        (of_a_newer_server, "PostgreSQL 99"),
        (of_production, "SIS_ENV=production"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_not_as_it_should_be_changes_nothing(
    made: Path, empty: Live, tmp_path: Path, damage: Any, words: str
) -> None:
    damage(made, tmp_path / "bad.tar")
    with using(empty, installation(empty.urls, tmp_path / "new")) as target:
        with pytest.raises(RuleBroken, match=words):
            backups.restore(tmp_path / "bad.tar", empty.urls.owner_url)
        assert is_empty(empty, target.data) and not (tmp_path / "done").exists()


def test_a_place_with_files_is_refused(made: Path, empty: Live, tmp_path: Path) -> None:
    with using(empty, installation(empty.urls, tmp_path)) as target:
        (target.files / "ab").mkdir(parents=True)
        with pytest.raises(RuleBroken, match="ya tiene archivos"):
            backups.restore(made, empty.urls.owner_url)
        assert (target.files / "ab").is_dir()


def test_killed_in_the_middle_leaves_the_place_empty_and_the_next_one_ends(
    made: Path, empty: Live, tmp_path: Path
) -> None:
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("SIS_", "DATABASE_"))
    }
    environ |= {
        "DATABASE_URL": empty.urls.app_url,
        "DATABASE_OWNER_URL": empty.urls.owner_url,
        "SIS_DATA_DIR": str(tmp_path / "new"),
        "FLASK_APP": "app.factory",
    }
    command = [sys.executable, "-m", "flask", "restore", str(made)]
    with subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any("Índices" in line for line in process.stderr)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 60
    while empty.sql(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    ):
        assert time.monotonic() < deadline, "its transaction goes on"
        time.sleep(0.1)
    assert restoring._tables(empty.urls.owner_url) == 0
    assert (tmp_path / "new" / restoring.PENDING).exists()

    ended = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert "Listo: volvió la instalación" in ended.stdout
    assert {path.name for path in (tmp_path / "new").iterdir()} >= {"files"}
    assert not (tmp_path / "new" / restoring.PENDING).exists()


# -- what goes wrong while it is made -------------------------------------------------------------------


def test_a_file_that_the_store_lost_is_named_and_the_rest_is_kept(
    source: tuple[Live, backups.Installation], empty: Live, tmp_path: Path
) -> None:
    live, kept = source
    shutil.copytree(kept.files, tmp_path / "data" / "files")
    one, other = sorted(path for path in (tmp_path / "data" / "files").rglob("*") if path.is_file())[:2]
    one.unlink()
    other.write_bytes(b"something else")
    with using(live, replace(kept, data=tmp_path / "data", folder=tmp_path / "copies")):
        card = backups.make()
    assert set(card.missing) == {one.name, other.name}
    with using(empty, installation(empty.urls, tmp_path / "new")):
        report = backups.restore(tmp_path / "copies" / card.file, empty.urls.owner_url)
    assert set(report.missing) == {one.name, other.name} and report.files == card.files


def test_a_full_disk_leaves_a_card_that_says_so_and_nothing_half_made(
    source: tuple[Live, backups.Installation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with using(source[0], replace(source[1], folder=tmp_path / "copies")) as kept:
        good = backups.make()
        monkeypatch.setattr("app.operations.backups.making.os.fsync", full)
        monkeypatch.setattr(clock, "real_now", lambda: good.at + timedelta(hours=1))
        with pytest.raises(RuleBroken, match="No space left"):
            backups.make()
        failed, first = backups.cards(kept.folder)
        assert "No space left" in failed.error and first == good == backups.last_good(kept.folder)
        left = {path.name for path in kept.folder.iterdir()} - {shelf.LOCK}
        assert left == {f"{good.name}.json", good.file, f"{failed.name}.json"}


def test_two_at_once_are_one(source: tuple[Live, backups.Installation], tmp_path: Path) -> None:
    with using(source[0], replace(source[1], folder=tmp_path / "copies")) as kept:
        with shelf.alone(kept.folder):
            shelf.tell(kept.folder, "Los archivos", 200, 500)
            for task in (backups.make, backups.ask):
                with pytest.raises(RuleBroken, match="Ya se está haciendo"):
                    task()
            assert backups.progress(kept.folder) == {"step": "Los archivos", "done": 200, "total": 500}
        assert backups.progress(kept.folder) is None
        assert backups.cards(kept.folder) == []


def test_without_the_role_that_reads_everything_it_says_which_address_is_missing(
    source: tuple[Live, backups.Installation], tmp_path: Path
) -> None:
    with using(source[0], replace(source[1], folder=tmp_path / "copies", backup_url=lambda: None)):
        with pytest.raises(RuleBroken, match="DATABASE_BACKUP_URL"):
            backups.make()


# -- every night, and how long --------------------------------------------------------------------------


def laid(folder: Path, at: datetime, error: str = "") -> str:
    """A card, with a file unless it failed."""
    name = f"sis-training-{at:%Y%m%dT%H%M%SZ}"
    folder.mkdir(exist_ok=True)
    if not error:
        (folder / f"{name}.tar").touch()
    shelf.write(folder, backups.Card(name, at, 1, file="" if error else f"{name}.tar", error=error))
    return name


def test_it_is_due_once_after_its_hour_and_tried_again_an_hour_after_a_failure(
    live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[datetime] = []

    def made_at(minutes: int, fails: bool = False) -> bool:
        """Whether the tick at two o'clock (in Paraguay) and these minutes made one."""
        now = datetime(2026, 11, 24, 2, 0, tzinfo=clock.ASUNCION).astimezone(UTC) + timedelta(minutes=minutes)
        monkeypatch.setattr(clock, "real_now", lambda: now)

        def make(tell: Any) -> backups.Card:
            tried.append(now)
            laid(kept.folder, now, "no hay lugar" if fails else "")
            if fails:
                raise RuleBroken("no hay lugar")
            return backups.cards(kept.folder)[0]

        monkeypatch.setattr(making, "make", make)
        try:
            return backups.nightly() is not None
        except RuleBroken:
            return False

    with using(live, installation(live.urls, tmp_path)) as kept:
        kept.folder.mkdir()
        assert not made_at(-1) and tried == []
        assert not made_at(0, fails=True) and not made_at(50) and len(tried) == 1
        assert made_at(60) and not made_at(70) and not made_at(23 * 60 + 59) and len(tried) == 2
        assert made_at(3 * 24 * 60 + 500), "a machine that was off makes it when it is on again"


def test_old_ones_go_but_the_newest_of_each_week_and_the_newest_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 11, 24, 6, tzinfo=UTC)  # a Tuesday
    monkeypatch.setattr(clock, "real_now", lambda: now)
    names = [laid(tmp_path, now - timedelta(days=day, hours=1)) for day in range(60)]
    old = laid(tmp_path, now - timedelta(days=30, hours=2), "no hay lugar")
    (tmp_path / "sis-training-theirs.tar").touch()
    outside = tmp_path / "outside"
    outside.touch()
    card = shelf.Card("sis-x", now - timedelta(days=90), 1, file="../outside")
    (tmp_path / "sub").mkdir()
    shelf.write(tmp_path / "sub", card)
    shelf.prune(tmp_path / "sub", days=7, weekly_days=28)
    assert outside.exists()
    shelf.prune(tmp_path, days=7, weekly_days=28)
    left = {card.name for card in backups.cards(tmp_path)}
    sundays = {names[day] for day in (9, 16, 23)}
    assert left == set(names[:7]) | sundays and old not in left
    assert {path.stem for path in tmp_path.glob("*.tar")} == left | {"sis-training-theirs"}
    monkeypatch.setattr(clock, "real_now", lambda: now + timedelta(days=900))
    shelf.prune(tmp_path, days=7, weekly_days=28)
    assert [card.name for card in backups.cards(tmp_path)] == [names[0]]


# -- to a moment ----------------------------------------------------------------------------------------


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's user can enter, whoever runs the tests."""
    found = Path(tempfile.mkdtemp(prefix="sis-test-"))
    found.chmod(0o711)
    yield found
    for name in ("old", "new"):
        cluster = embedded.Cluster(found / name / "postgres", throwaway=True)
        if cluster.running():
            cluster.stop_unused()
        cluster.remove()
    shutil.rmtree(found, ignore_errors=True)


def test_back_to_the_second_before_a_delete_without_where(app: Flask, folder: Path) -> None:
    old, new = folder / "old", folder / "new"
    cluster = embedded.of(old, old / "backups")
    urls = cluster.ensure()
    migrations.upgrade(urls.owner_url)
    live = Live(app, urls, create_engine(urls.app_url))
    live.sql("INSERT INTO installation (environment) VALUES ('training')")
    with using(live, installation(urls, old)):
        with act("account.create") as unit:
            unit.session.add(person("antes"))
        assert backups.refresh() and not backups.refresh(), "the weekly copy is made once"
        with act("account.create") as unit:
            unit.session.add(person("despues"))
        content = files.store(b"%PDF the acta", "application/pdf").sha256
        [(moment,)] = live.sql("SELECT clock_timestamp()")
        live.sql("DELETE FROM ab_user")
        kept = backups.kept_log()
        assert kept is not None and kept.since is not None and kept.since < moment and not kept.failing
    live.engine.dispose()
    cluster.stop()  # hands over the last of its log

    too_late = installation(urls, new, app_url=lambda: "", backup_url=lambda: None)
    with using(live, too_late), pytest.raises(embedded.EmbeddedError, match="no llega a ese momento"):
        backups.restore_to(old, moment + timedelta(days=1))
    assert not (new / "files").exists() and not embedded.Cluster(new / "postgres").credentials_file.exists()

    target = embedded.of(new, new / "backups")
    engine = create_engine(
        "postgresql+psycopg2://",
        creator=lambda: psycopg2.connect(embedded.libpq_dsn(target.ensure().app_url)),
    )
    back = Live(app, urls, engine)
    with using(back, too_late):
        assert backups.restore_to(old, moment) == []
        assert set(Session.scalars(select(Account.username))) == {"antes", "despues"}
        row = Session.scalars(select(StoredFile)).one()
        assert row.sha256 == content and files.read(row) == b"%PDF the acta"
    engine.dispose()
    assert target.stop()


def test_a_moment_before_the_first_copy_is_refused(folder: Path, live: Live) -> None:
    (folder / "old" / "backups" / "wal" / "1" / "base" / "20261101T000000.000000Z").mkdir(parents=True)
    with using(live, installation(live.urls, folder / "new")):
        with pytest.raises(embedded.EmbeddedError, match="La primera copia es de 01/11/2026"):
            backups.restore_to(folder / "old", datetime(2026, 10, 31, tzinfo=UTC))
        with pytest.raises(RuleBroken, match="no hay una copia base"):
            backups.restore_to(folder / "nothing", datetime(2026, 10, 31, tzinfo=UTC))


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ("24/11/2026 10:31", datetime(2026, 11, 24, 13, 31, tzinfo=UTC)),
        ("2026-11-24 10:31:05", datetime(2026, 11, 24, 13, 31, 5, tzinfo=UTC)),
    ],
)
def test_a_moment_is_written_in_the_time_of_paraguay(words: str, moment: datetime) -> None:
    assert backups.moment(words) == moment
    with pytest.raises(RuleBroken, match="24/11/2026 10:31"):
        backups.moment("ayer")


def test_a_segment_is_kept_once_and_another_of_its_name_never(tmp_path: Path) -> None:
    place = tmp_path / "it's 100% of a place"
    (place / "log").mkdir(parents=True)
    segment = tmp_path / "segment"

    def keep(content: bytes) -> int:
        segment.write_bytes(content)
        command = (
            embedded._keep_log(place).replace("%%", "\0").replace("%p", str(segment)).replace("%f", "0001")
        )
        return subprocess.run(
            ["/bin/sh", "-c", command.replace("\0", "%")], stderr=subprocess.DEVNULL
        ).returncode

    assert keep(b"one") == 0 and keep(b"one") == 0 and keep(b"other") != 0
    assert gzip.decompress((place / "log" / "0001.gz").read_bytes()) == b"one"
    assert [path.name for path in (place / "log").iterdir()] == ["0001.gz"]


def test_old_copies_go_with_the_log_that_only_they_need(tmp_path: Path) -> None:
    for day, segment in ((1, 3), (8, 7), (15, 9)):
        base = tmp_path / "base" / f"202611{day:02}T000000.000000Z"
        base.mkdir(parents=True)
        (base / "backup_label").write_text(f"START WAL LOCATION: 0/1 (file {1:08X}{segment:016X})\n")
    (tmp_path / "log").mkdir()
    for number in range(1, 12):
        (tmp_path / "log" / f"{1:08X}{number:016X}.gz").touch()
    (tmp_path / "log" / "00000002.history.gz").touch()
    wal._forget(tmp_path)
    assert [base.at.day for base in wal.bases(tmp_path)] == [8, 15]
    left = sorted(path.name for path in (tmp_path / "log").iterdir())
    assert left == [*(f"{1:08X}{number:016X}.gz" for number in range(7, 12)), "00000002.history.gz"]


# -- the page -------------------------------------------------------------------------------------------


def test_the_administrator_asks_for_one_and_sees_it(live: Live, tmp_path: Path) -> None:
    with using(live, installation(live.urls, tmp_path)) as kept:
        client = log_in(live.app.test_client(), "admin")
        page = client.get("/respaldos/list/").get_data(as_text=True)
        assert "Todavía no hay ninguna copia" in page
        for _ in range(2):
            client.post("/respaldos/hacer", data={"csrf_token": token_of(page)})
        assert live.sql(
            "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'app.jobs.make_backup'"
        ) == [(1,)]
        assert client.get("/respaldos/avance").get_json()["working"]
        jobs.make_backup.func()
        laid(kept.folder, clock.real_now() - timedelta(days=1), "no queda espacio")
        page = client.get("/respaldos/list/").get_data(as_text=True)
        assert backups.cards(kept.folder)[0].file in page and "no queda espacio" in page
        health = live.app.test_client().get("/health").get_json()
        assert health["backup"] == "ok" and health["backup_hours"] == 0


def test_health_says_that_no_backup_was_made_for_a_day(live: Live, tmp_path: Path) -> None:
    client = live.app.test_client()
    with using(live, installation(live.urls, tmp_path)) as kept:
        assert client.get("/health").get_json()["backup"] == "ok", "a new system has time for its first one"
        laid(kept.folder, clock.real_now() - timedelta(hours=27))
        answer = client.get("/health").get_json()
        assert answer["backup"] == "late" and answer["backup_hours"] == 27 and answer["status"] == "degraded"
