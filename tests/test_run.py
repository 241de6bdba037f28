"""`run.py` as a user starts it: everything comes up, stops on Ctrl-C, and survives kill -9."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from support import ROOT

from app import embedded


class Product:
    """The product in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Start and wait for the line that says where to go."""
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("SIS_", "DATABASE_"))}
        environ |= {"SIS_DATA_DIR": str(self.folder), "PORT": str(self.port)}
        self.process = subprocess.Popen(
            [sys.executable, "run.py"], cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True
        )
        said = ""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said += line
            if line.startswith("SIS está en"):
                return said
        raise AssertionError(f"it ended while starting: {said}")

    def health(self) -> Any:
        """What /health says, once the worker has reported."""
        for _ in range(100):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5) as answer:
                    found = json.load(answer)
            except urllib.error.HTTPError as error:
                found = json.load(error)
            if found["worker"] == "alive":
                return found
            time.sleep(0.2)
        return found

    def changes(self) -> int:
        """How many changes its trail holds."""
        engine = create_engine(embedded.Cluster(self.folder / "postgres").urls().owner_url)
        with engine.connect() as connection:
            number: int = connection.scalar(text("SELECT count(*) FROM audit.change"))
        engine.dispose()
        return number

    def wait_until_quiet(self) -> None:
        """Nothing answers on the port any more."""
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) != 0:
                    return
            time.sleep(0.1)
        raise AssertionError("an orphan still serves")

    def kill_database(self) -> None:
        """kill -9 of the postmaster; the next look at /health waits for its return."""
        cluster = embedded.Cluster(self.folder / "postgres")
        pid = int((cluster._base() / "pgdata" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        time.sleep(1)

    def stop(self, number: int) -> int:
        """Send a signal and wait; the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    found = Product(tmp_path / "instance")
    yield found
    if found.process is not None and found.process.poll() is None:
        found.stop(signal.SIGTERM)
    cluster = embedded.Cluster(found.folder / "postgres", throwaway=True)
    cluster.stop_unused()
    cluster.remove()


def test_the_whole_life_of_an_installation(product: Product) -> None:
    said = product.start()
    assert re.search(r"Contraseña de las cuentas de demostración: \S{8,}", said)
    assert product.health()["status"] == "ok"
    assert product.stop(signal.SIGINT) == 0
    assert not embedded.Cluster(product.folder / "postgres").running()

    again = product.start()  # nothing to prepare: no password, no report
    assert again.count("\n") == 1
    count = product.changes()

    assert product.stop(signal.SIGKILL) == -signal.SIGKILL
    product.wait_until_quiet()  # what it had started ends with it
    product.start()
    product.health()
    assert product.changes() == count

    product.kill_database()
    assert product.health()["status"] == "ok"
    assert product.stop(signal.SIGTERM) == 0


def test_a_database_of_another_environment_is_refused(product: Product) -> None:
    product.start()
    product.stop(signal.SIGTERM)
    environ = dict(
        os.environ,
        SIS_DATA_DIR=str(product.folder),
        SIS_ENV="production",
        SIS_SECRET_KEY="x" * 40,
        SIS_PUBLIC_URL="https://sis.example",
    )
    refused = subprocess.run(
        [sys.executable, "run.py"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60
    )
    assert refused.returncode == 2
    assert "Esta base de datos es de «training»" in refused.stderr
