"""The worker of the web server: idle and slow connections block nobody, and every request arrives as sent."""

import hashlib
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support import ROOT

MANY = 100
SMALL_APP = """
import hashlib

def app(environ, start):
    body = environ["wsgi.input"].read()
    answer = b"x" * int(environ.get("QUERY_STRING") or 0) or hashlib.sha256(body).hexdigest().encode()
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
    return [answer]
"""
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
HALF_OPEN = {
    "silent": b"",
    "half a line": b"GET /he",
    "half the head": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    "half a body": POST + b"Content-Length: 1000\r\n\r\nhalf",
    "a body that was asked for": POST + b"Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n",
    "half a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
    "a second request by half": GET + b"GET /he",
    "an answer read, and not closed": b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "kept alive": GET,
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = int(free.getsockname()[1])
    process = started(tmp_path_factory.mktemp("small"), number)
    yield number
    process.terminate()
    process.wait(30)


def started(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    """The worker as run.py starts it, with one process, four threads and a small application."""
    (folder / "small.py").write_text(SMALL_APP)
    command = [sys.executable, "-m", "gunicorn", "small:app", "--pythonpath", f"{folder},{ROOT}"]
    command += ["--worker-class", "app.server.PatientWorker", "--workers", "1", "--threads", "4"]
    command += [
        "--bind",
        f"127.0.0.1:{port}",
        "--keep-alive",
        "5",
        "--log-level",
        "warning",
        "--no-control-socket",
    ]
    process = subprocess.Popen(command, cwd=folder)
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.05)
    raise AssertionError("it did not start")


def connect(port: int, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=15)
    connection.sendall(sent)
    return connection


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """Status and body of the next answer; a `100 Continue` before it is passed over."""
    received = b""
    while True:
        while b"\r\n\r\n" not in received:
            more = connection.recv(65536)
            assert more, received
            received += more
        head, _, received = received.partition(b"\r\n\r\n")
        if b" 100 " not in head.split(b"\r\n")[0]:
            break
    found = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    assert found, head
    while len(received) < int(found[1]):
        received += connection.recv(65536)
    assert len(received) == int(found[1]), "bytes of another answer"
    return int(head.split()[1]), received


def seconds(port: int) -> float:
    """How long a normal request takes."""
    began = time.monotonic()
    with connect(port, GET) as connection:
        assert answer(connection)[0] == 200
    return time.monotonic() - began


@pytest.mark.parametrize("kind", HALF_OPEN)
def test_a_hundred_half_open_connections_block_nobody(port: int, kind: str) -> None:
    with ExitStack() as held:
        for _ in range(MANY):
            held.enter_context(connect(port, HALF_OPEN[kind]))
        time.sleep(0.2)
        assert max(seconds(port) for _ in range(5)) < 1


def test_more_connections_than_it_keeps_the_longest_waiting_gives_way(port: int) -> None:
    with ExitStack() as held:
        first = held.enter_context(connect(port, b"GET /"))
        for _ in range(520):
            held.enter_context(connect(port, b"GET /"))
        assert max(seconds(port) for _ in range(5)) < 1
        assert first.recv(1) == b""


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
@pytest.mark.parametrize("way", ["length", "chunked", "expect"])
def test_a_body_arrives_whole_however_it_is_sent(port: int, size: int, way: str) -> None:
    body = hashlib.sha512(b"seed").digest() * (size // 64 + 1)
    body = body[:size]
    with connect(port, POST) as connection:
        if way == "chunked":
            connection.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
            for start in range(0, size, 50_000):
                part = body[start : start + 50_000]
                connection.sendall(b"%x\r\n" % len(part) + part + b"\r\n")
            connection.sendall(b"0\r\n\r\n")
        else:
            expect = b"Expect: 100-continue\r\n" if way == "expect" else b""
            connection.sendall(expect + b"Content-Length: %d\r\n\r\n" % size)
            if expect:
                assert connection.recv(len(b"HTTP/1.1 100 Continue\r\n\r\n")).startswith(b"HTTP/1.1 100")
            for start in range(0, size, 999_999):
                connection.sendall(body[start : start + 999_999])
        assert answer(connection) == (200, hashlib.sha256(body).hexdigest().encode())


def test_a_request_sent_byte_by_byte_is_answered(port: int) -> None:
    with connect(port) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in POST + b"Content-Length: 3\r\n\r\nabc":
            connection.sendall(bytes([byte]))
        assert answer(connection)[1] == hashlib.sha256(b"abc").hexdigest().encode()


def test_requests_follow_each_other_on_one_connection(port: int) -> None:
    with connect(port) as connection:
        for size in (3, 5, 70_000):
            connection.sendall(b"GET /?%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % size)
            assert answer(connection) == (200, b"x" * size)


def test_requests_sent_at_once_are_all_answered_in_order(port: int) -> None:
    asked = [b"GET /?%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % size for size in (3, 5, 7)]
    with connect(port, b"".join(asked) + b"GET /?9 HTTP/1.1\r\n") as connection:
        received = b""
        while received.count(b"HTTP/1.1 200") < 3 or not received.endswith(b"x" * 7):
            received += connection.recv(65536)
        connection.sendall(b"Host: localhost\r\n\r\n")
        assert answer(connection) == (200, b"x" * 9)


def test_a_slow_reader_gets_the_whole_of_a_large_answer(port: int) -> None:
    sent = b"GET /?3000000 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with connect(port, sent) as connection:
        time.sleep(1)
        assert answer(connection) == (200, b"x" * 3_000_000)
        assert connection.recv(1) == b""


@pytest.mark.parametrize(
    "head", [b"X: " + b"x" * 200_000, b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost\r\n\r\n"]
)
def test_nonsense_is_refused_and_the_next_is_answered(port: int, head: bytes) -> None:
    start = b"GET / HTTP/1.1\r\n" if head.startswith(b"X") else b""
    with connect(port, start + head) as connection:
        assert connection.recv(65536).split()[1].startswith(b"4")
    assert seconds(port) < 1


def test_it_stops_at_once_with_idle_connections_open(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = int(free.getsockname()[1])
    process = started(tmp_path, number)
    with ExitStack() as held:
        for _ in range(20):
            held.enter_context(connect(number))
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert time.monotonic() - began < 5
