"""The main job: database, migrations, seeds, web server and worker, until Ctrl-C.

    python run.py

A second start does only what changed. Ctrl-C (or SIGTERM) stops everything in order; after a kill -9 the next
start takes up what it finds.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import psycopg2

from app import embedded
from config import ROOT, ConfigurationError, Settings, settings

PYTHON = sys.executable
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PR_SET_PDEATHSIG = 1


class Stop(Exception):
    """Asked to stop by a signal."""


def main() -> int:
    """Start, wait, stop; the exit status of the process."""
    for number in STOPS:
        signal.signal(number, _stop)
    cluster: embedded.Cluster | None = None
    children: list[subprocess.Popen[bytes]] = []
    try:
        configuration = settings()
        environ = dict(os.environ, FLASK_APP="app.factory")
        address = configuration.DATABASE_URL
        if configuration.EMBEDDED:
            cluster = embedded.of(*configuration.PLACES)
            urls = cluster.ensure()
            address = urls.app_url
            environ |= {
                "DATABASE_URL": urls.app_url,
                "DATABASE_OWNER_URL": urls.owner_url,
                "DATABASE_BACKUP_URL": urls.backup_url,
            }
        assert address is not None
        if not _ready(configuration, address):
            subprocess.run([PYTHON, "-m", "flask", "init"], cwd=ROOT, env=environ, check=True)
        _free_port(configuration)
        children.append(_server(configuration, environ))
        children.append(_worker(configuration, environ))
        _await(configuration, children[0])
        print(_welcome(configuration), flush=True)
        return _watch(children, lambda: _worker(configuration, environ), cluster)
    except Stop:
        return 0
    except (ConfigurationError, embedded.EmbeddedError, OSError) as error:
        print(f"No se pudo arrancar: {error}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError:
        print("No se pudo preparar la base de datos; el motivo está más arriba.", file=sys.stderr)
        return 2
    finally:
        for number in STOPS:
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running
        _end(children)
        if cluster is not None:
            cluster.stop()


def _ready(configuration: Settings, address: str) -> bool:
    """Whether schema, seeds and permissions are those of this code, without loading the application."""
    from app.operations.readiness import digest

    try:
        with psycopg2.connect(embedded.libpq_dsn(address)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT seeds_digest, environment FROM installation")
            row = cursor.fetchone()
    except psycopg2.Error:
        return False
    return row == (digest(), configuration.SIS_ENV) and not configuration.SIS_DEMO_PASSWORD


def _server(configuration: Settings, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [
        PYTHON, "-m", "gunicorn", "app.factory:create_app()",
        "--config", "python:app.server", "--bind", f"127.0.0.1:{configuration.PORT}",
    ]  # fmt: skip
    return subprocess.Popen(command, cwd=ROOT, env=environ, start_new_session=True, preexec_fn=_die_with_us)


def _worker(configuration: Settings, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    with (configuration.SIS_DATA_DIR / "worker.log").open("ab") as log:
        return subprocess.Popen(
            [PYTHON, "-m", "app.jobs"],
            cwd=ROOT,
            env=environ,
            start_new_session=True,
            preexec_fn=_die_with_us,
            stdout=log,
            stderr=log,
        )


def _die_with_us() -> None:
    """Ask the kernel to stop this child when its parent dies, even by kill -9 (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _free_port(configuration: Settings) -> None:
    """Wait for a former server that is still stopping; say so when the port belongs to somebody else."""
    for _ in range(100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", configuration.PORT))
                return
            except OSError:
                time.sleep(0.25)
    raise ConfigurationError(
        f"el puerto {configuration.PORT} está ocupado por otro programa. "
        "Deténgalo, o use otro: PORT=8081 make run"
    )


def _await(configuration: Settings, server: subprocess.Popen[bytes]) -> None:
    address = f"http://127.0.0.1:{configuration.PORT}/health/live"
    for _ in range(600):
        if server.poll() is not None:
            raise ConfigurationError("el servidor web terminó al arrancar; el motivo está más arriba.")
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise ConfigurationError(f"el servidor no respondió en {address}.")


def _welcome(configuration: Settings) -> str:
    if configuration.SIS_ENV == "training":
        who = (
            "entre como coordinador, inspector1, ministro o admin (contraseña: la que se mostró al crearlas)"
        )
        if configuration.SIS_DEMO_PASSWORD:
            who = (
                "entre como coordinador, inspector1, ministro o admin con la contraseña de SIS_DEMO_PASSWORD"
            )
    else:
        who = "entre con su cuenta"
    return f"SIS está en {configuration.SIS_PUBLIC_URL} — {who}. Ctrl-C lo detiene."


def _watch(
    children: list[subprocess.Popen[bytes]],
    another_worker: Callable[[], subprocess.Popen[bytes]],
    cluster: embedded.Cluster | None,
) -> int:
    """Wait. The database or a worker that dies is started again; a web server that dies ends the whole."""
    while True:
        time.sleep(0.5)
        if cluster is not None and not cluster.running():
            print("La base de datos se detuvo sola; se vuelve a arrancar.", file=sys.stderr)
            cluster.ensure()
        if children[0].poll() is not None:
            print("El servidor web terminó solo; se detiene todo.", file=sys.stderr)
            return 1
        if children[1].poll() is not None:
            time.sleep(2)
            children[1] = another_worker()


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    for child in children:
        try:
            child.wait(25)
        except subprocess.TimeoutExpired:
            child.kill()


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stop


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent)
    sys.exit(main())
