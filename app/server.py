"""The worker of gunicorn that idle and slow connections do not block: only whole requests take a thread.

gunicorn's own threaded worker gives each new connection a thread, which then waits for the request: as many
half-open sockets as there are threads stop the service, for seconds when they are silent and for good when
they send half a line. Here one poller reads every connection; a request goes to the pool when it is whole.

    gunicorn --config python:app.server --bind 127.0.0.1:8080 "app.factory:create_app()"

Plain HTTP/1.1 (a proxy in front does https). A body larger than KEPT is handed over while it still arrives:
the thread that reads it gives up after BLOCKED seconds without a byte.
"""

import errno
import gc
import re
import socket
import time
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn import http
from gunicorn.workers.gthread import TConn, ThreadWorker

HEAD_SECONDS, BODY_SECONDS, LINGER_SECONDS = 10.0, 60.0, 2.0
"""How long a connection may take to send its first lines, then its body, and to go after the answer."""

BLOCKED = 10.0
"""Seconds after which a thread that cannot read from a connection, or write to it, gives it up."""

HEAD, KEPT, BUDGET = 128 * 1024, 2 * 1024 * 1024, 64 * 1024 * 1024
"""Bytes: of first lines that are read before they are refused, of a body kept for one connection, and
of all bodies together; past that the largest gives way."""

WAITING = 500
"""Connections without a whole request; one more, and the one that has waited longest gives way."""

TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
IDLE = 300
"""Connections kept alive after an answer; with those that wait they stay below `worker_connections` (1000),
so that new ones are always taken."""

AGAIN = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED, errno.EINTR)
LENGTH = re.compile(rb"\r\ncontent-length[ \t]*:[ \t]*([0-9]{1,15})[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding[ \t]*:", re.IGNORECASE)
EXPECTS = re.compile(rb"\r\nexpect[ \t]*:[ \t]*100-continue", re.IGNORECASE)


# gunicorn's settings. The application is loaded once, before the port opens; the workers share what it takes.
preload_app = True
workers, threads, worker_class = 2, 8, "app.server.PatientWorker"
timeout, graceful_timeout, keepalive = 60, 20, 5
loglevel, control_socket_disable = "warning", True


def when_ready(server: Any) -> None:
    """Put what was loaded out of the garbage collector's reach: its marks would copy the shared pages."""
    gc.collect()
    gc.freeze()


class Connection(TConn):  # type: ignore[misc]
    """A connection, with what it has sent of its next request."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.received = bytearray()
        self.wanted: int | None = None
        self.lingering = False
        self.timeout = time.monotonic() + HEAD_SECONDS

    def init(self) -> None:
        """Called by the thread that answers: it blocks on the socket, but not for ever."""
        super().init()
        self.sock.settimeout(BLOCKED)

    def begin(self, received: bytes = b"") -> None:
        """Wait for the next request, of which this has come already."""
        self.received, self.wanted = bytearray(received), None
        self.timeout = time.monotonic() + HEAD_SECONDS
        self.sock.setblocking(False)

    def whole(self) -> bool:
        """Whether there is a request for a thread to answer (the parser judges it; this only counts)."""
        if self.wanted is None:
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                return False
            head = bytes(self.received[: end + 4])
            self.wanted = end + 4
            self.timeout = time.monotonic() + BODY_SECONDS
            length = LENGTH.search(head)
            if CHUNKED.search(head):
                self.wanted = -1
            elif length:
                self.wanted += min(int(length[1]), KEPT)
            if EXPECTS.search(head):
                with suppress(OSError):
                    self.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self.wanted < 0:
            return self.received.endswith(b"0\r\n\r\n") or len(self.received) > KEPT
        return len(self.received) >= self.wanted


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """Threads for whole requests, one poller for everything else."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.max_keepalived = IDLE

    def accept(self, listener: socket.socket) -> None:
        """Take a connection and wait for its request, without a thread."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in AGAIN:
                raise
            return
        self.nr_conns += 1
        if len(self.pending_conns) >= WAITING:
            self._drop(self.pending_conns[0])
        self._wait(Connection(self.cfg, client, address, listener.getsockname()))

    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """The next request on a connection kept alive: it is read like the first."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        conn.begin()
        self._wait(conn)

    def on_pending_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """Read what has come; hand a whole request over to a thread."""
        try:
            data = client.recv(65536)
        except OSError as error:
            if error.errno in AGAIN:
                return
            data = b""
        if not data:
            self._drop(conn)
        elif not conn.lingering:
            conn.received += data
            if self._handed_over(conn):
                return
            if conn.wanted is None and len(conn.received) > HEAD:
                with suppress(OSError):
                    client.send(TOO_LARGE)
                self._forget(conn)
                self._see_off(conn)
            elif sum(len(each.received) for each in self.pending_conns) > BUDGET:
                self._drop(max(self.pending_conns, key=lambda each: len(each.received)))

    def finish_request(self, conn: Connection, future: "Future[Any]") -> None:
        """After an answer: wait for the next request, or see the client off; never here, on the poller."""
        with suppress(Exception):
            if not future.cancelled() and future.result():
                rest = conn.parser.unreader.take_buffered()
                if rest:  # more requests came with this one
                    conn.begin(rest)
                    self._wait(conn)
                    self._handed_over(conn)
                    return
                super().finish_request(conn, future)
                return
        self._see_off(conn)

    def _see_off(self, conn: Connection) -> None:
        """End a connection after its last answer: what the client still sends is read away for a while."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.begin()
        except OSError:
            self.nr_conns -= 1
            conn.close()
            return
        conn.lingering, conn.timeout = True, time.monotonic() + LINGER_SECONDS
        self._wait(conn)

    def murder_pending(self) -> None:
        """Close what has waited too long; when stopping, whatever has not begun a request."""
        now = time.monotonic()
        for conn in list(self.pending_conns):
            idle = not self.alive and not conn.received and not conn.lingering
            if idle or conn.timeout <= now:
                self._drop(conn)

    def _wait(self, conn: Connection) -> None:
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _handed_over(self, conn: Connection) -> bool:
        if not conn.whole():
            return False
        self._forget(conn)
        if conn.parser is None:
            conn.parser = http.get_parser(self.cfg, conn.sock, conn.client)
        conn.parser.unreader.unread(bytes(conn.received))
        conn.received, conn.data_ready = bytearray(), True
        self.enqueue_req(conn)
        return True

    def _forget(self, conn: Connection) -> None:
        self.pending_conns.remove(conn)
        with suppress(OSError, KeyError, ValueError):
            self.poller.unregister(conn.sock)

    def _drop(self, conn: Connection) -> None:
        self._forget(conn)
        self.nr_conns -= 1
        conn.close()
