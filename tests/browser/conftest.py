"""Browser tests: the product as users run it (gunicorn), in headless Chromium, on a phone and on a desktop.

Every page is held to the real Content-Security-Policy: an error in the console fails the test.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from browser.visitor import SIZES, Visitor
from playwright.sync_api import Browser, sync_playwright
from support import CHROMIUM, ROOT

from app import embedded
from config import Settings

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def served(urls: embedded.URLs, prepared: Settings) -> Iterator[str]:
    """The address of the product, served by gunicorn as users run it, on this database."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    environ = dict(
        os.environ,
        DATABASE_URL=urls.app_url,
        SIS_DATA_DIR=str(prepared.SIS_DATA_DIR),
        SIS_PUBLIC_URL=address,
        SIS_ENV="training",
    )
    command = [sys.executable, "-m", "gunicorn", "app.factory:create_app()", "--bind", f"127.0.0.1:{port}"]
    command += ["--threads", "8", "--worker-class", "app.server.PatientWorker"]
    command += ["--log-level", "warning", "--no-control-socket"]
    process = subprocess.Popen(command, cwd=ROOT, env=environ)
    try:
        _await(f"{address}/health/live", process)
        yield address
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def server(prepared: Settings, cluster: embedded.Cluster) -> Iterator[str]:
    """The product on a database of this file's own: what one file changes does not trip another."""
    urls = cluster.create_database(f"browser_{uuid4().hex[:8]}", template="prepared")
    with served(urls, prepared) as address:
        yield address


def _await(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert process.poll() is None, "the server ended while starting"
        try:
            urllib.request.urlopen(address, timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"no answer from {address}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(params=SIZES)
def visitor(browser: Browser, server: str, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """A fresh browser context on each screen size; script errors and blocked resources fail the test."""
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height}, locale="es-PY")
    page = context.new_page()
    complaints: list[str] = []

    def console(message: Any) -> None:
        if message.type == "error" and "status of 4" not in message.text:
            complaints.append(message.text)

    page.on("console", console)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield Visitor(page, server, request.param)
    context.close()
    assert not complaints, complaints
