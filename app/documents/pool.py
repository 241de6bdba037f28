"""Warm children that render, and how they are ended.

A pool belongs to the process that made it and is safe for its threads. A child serves one request at a time;
one that fails, is late or has served `MAX_SERVED` is replaced. Children die with their parent: their input
closes.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from app.core.errors import DomainError
from app.documents import channel

log = logging.getLogger("sis.documents")

ROOT: Final = Path(__file__).resolve().parents[2]
MEMORY: Final = 512 * 1024 * 1024
MAX_SERVED: Final = 500
START_SECONDS: Final = 30.0
_BOOT: Final = "import sys; sys.path.insert(0, sys.argv[1]); from app.documents.child import main; main()"

_MESSAGES: Final = {
    "timeout": "El documento tardó demasiado en generarse y se detuvo. Reduzca su extensión o sus imágenes y "
    "pruebe de nuevo; si se repite, avise a informática.",
    "memory": "El documento necesita demasiada memoria y se detuvo. Reduzca su extensión o sus imágenes y "
    "pruebe de nuevo.",
    "too_large": "El documento es demasiado grande. Divídalo en anexos y pruebe de nuevo.",
    "died": "El generador de documentos se detuvo. Nada fue guardado ni numerado: pruebe de nuevo; si se "
    "repite, avise a informática.",
    "busy": "Hay muchos documentos en espera. Pruebe de nuevo dentro de un minuto.",
    "template": "La plantilla del documento tiene un error. Corríjala en Plantillas, o avise a informática.",
    "template_field": "La plantilla usa un dato que este documento no tiene. Corrija la plantilla o complete "
    "el registro.",
    "image": "Una imagen del documento no es legible o es demasiado grande. Quítela o adjúntela de nuevo.",
    "image_missing": "Falta una imagen que el documento menciona. Adjúntela de nuevo o quítela.",
    "html": "El documento no se pudo componer. Revise la plantilla o avise a informática.",
}


class RenderFailed(DomainError):
    """The PDF was not made, and nothing of it is left; `code` says why, `detail` is for the log."""

    default_code = "render_failed"

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(_MESSAGES.get(code, _MESSAGES["html"]), code)
        self.detail = detail


class Child:
    """One rendering process and the two pipes to it."""

    def __init__(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="sis-render-")
        # No variable of ours goes in: addresses and passwords of the database are there.
        kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", _BOOT, str(ROOT), str(MEMORY)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            env={
                **kept,
                "LC_ALL": "C.UTF-8",
                "TZ": "UTC",
                "HOME": self.folder,
                "TMPDIR": self.folder,
            },
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self.requests: IO[bytes] = self.process.stdin
        self.answers: IO[bytes] = self.process.stdout
        self.served = 0
        self.ready = False

    @property
    def usable(self) -> bool:
        """Whether it is alive and still young."""
        return self.process.poll() is None and self.served < MAX_SERVED

    def ask(self, request: Mapping[str, object], timeout: float) -> bytes:
        """Return the PDF. Raises `RenderFailed`; the child is then dead."""
        try:
            self._start()
            body = pickle.dumps({**request, "timeout": timeout}, pickle.HIGHEST_PROTOCOL)
            frame, late = self._exchange(body, timeout)
            self.served += 1
        except BaseException:
            self.end()
            raise
        if frame is not None and frame[0] == channel.PDF:
            return frame[1]
        self.end()
        raise self._failure(frame, late)

    def _start(self) -> None:
        """Wait until fonts are read: that time is not the document's."""
        if not self.ready:
            frame, _ = self._exchange(None, START_SECONDS)
            if frame is None or frame[0] != channel.READY:
                self.end()
                raise RenderFailed("died", f"the child did not start, exit {self.process.returncode}")
            self.ready = True

    def _exchange(self, body: bytes | None, timeout: float) -> tuple[tuple[bytes, bytes] | None, bool]:
        """Send, wait for the answer, kill at `timeout`; the second value says whether it was late."""
        late = threading.Event()

        def kill() -> None:
            late.set()
            self.process.kill()

        timer = threading.Timer(timeout, kill)
        timer.daemon = True
        timer.start()
        try:
            if body is not None:
                channel.send(self.requests, channel.REQUEST, body)
            return channel.receive(self.answers), late.is_set()
        except OSError:  # the child is gone, and its pipe with it
            return None, late.is_set()
        finally:
            timer.cancel()

    def _failure(self, frame: tuple[bytes, bytes] | None, late: bool) -> RenderFailed:
        if frame is not None:
            with suppress(ValueError, TypeError, KeyError):
                reason = json.loads(frame[1])
                return RenderFailed(str(reason["code"]), str(reason["detail"]))
        code = "timeout" if late else "died"
        return RenderFailed(code, f"exit {self.process.returncode}")

    def end(self) -> None:
        """Kill it, wait for it, remove what it left."""
        self.process.kill()
        for stream in (self.requests, self.answers):
            with suppress(OSError):
                stream.close()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def forget(self) -> None:
        """In a forked copy of the parent: close our ends, leave the process and its folder to the parent."""
        for stream in (self.requests, self.answers):
            with suppress(OSError):
                os.close(stream.fileno())
        self.process.returncode = 0


class Pool:
    """At most `size` children, started when they are first needed."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._places = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._all: set[Child] = set()
        self._closed = False

    def render(self, request: Mapping[str, object], timeout: float) -> bytes:
        """Return the PDF of a request; waits at most three times `timeout` for a free child."""
        if not self._places.acquire(timeout=max(3 * timeout, START_SECONDS)):
            raise RenderFailed("busy")
        try:
            return self._render(request, timeout)
        finally:
            self._places.release()

    def _render(self, request: Mapping[str, object], timeout: float) -> bytes:
        child = self._take()
        began = time.monotonic()
        try:
            return child.ask(request, timeout)
        except RenderFailed as error:
            log.warning(
                "document %r not rendered: %s after %.1f s: %s",
                request.get("title"),
                error.code,
                time.monotonic() - began,
                error.detail,
            )
            raise
        finally:
            self._give_back(child)

    def warm_up(self) -> None:
        """Start every child without waiting for it, so that the first document finds one ready."""
        children = [self._take() for _ in range(self.size)]
        for child in children:
            self._give_back(child)

    def _take(self) -> Child:
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.usable:
                    return child
                self._discard(child)
        try:
            child = Child()
        except OSError as error:
            raise RenderFailed("died", f"no child could be started: {error}") from error
        with self._lock:
            self._all.add(child)
        return child

    def _give_back(self, child: Child) -> None:
        with self._lock:
            if child.usable and not self._closed:
                self._idle.append(child)
            else:
                self._discard(child)

    def _discard(self, child: Child) -> None:
        child.end()
        self._all.discard(child)

    def close(self) -> None:
        """End all children; one that is at work fails its document."""
        with self._lock:
            self._closed = True
            for child in list(self._all):
                self._discard(child)
            self._idle.clear()

    def forget(self) -> None:
        """In a forked copy of the parent, see `Child.forget`. Takes no lock: its holder was not copied."""
        for child in list(self._all):
            child.forget()
