"""HTML to PDF in a child that can be killed: within 20 seconds and 512 MB, without network or foreign files.

    pdf = render(html, title="Orden de inspección OI-2026-000001", images={"qr": qr_png(address)})

The HTML may show `sis-image:<id>` for the images handed in, already re-encoded by `images.safe_image`, and
nothing else. The same arguments give the same bytes. Children are kept warm, one pool per process.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from app.documents.pool import Pool, RenderFailed

__all__ = ["Job", "RenderFailed", "render", "render_letter", "render_many", "shut_down", "warm_up"]

TIMEOUT: Final = 20.0
WARM: Final = 2
EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""The moment written into a PDF whose caller gave none."""

_lock = threading.Lock()
_pool: Pool | None = None


@dataclass(frozen=True)
class Job:
    """One document: `html`, or the `source` of a template with its `context`.

    `moment` becomes the date inside the file (the signing, not the clock of the machine); it is aware.
    `watermark` is drawn over every page. `images` maps the id of `sis-image:<id>` to PNG or JPEG bytes.
    """

    title: str
    html: str = ""
    source: str | None = None
    context: Mapping[str, object] = field(default_factory=dict)
    watermark: str | None = None
    images: Mapping[str, bytes] = field(default_factory=dict)
    moment: datetime | None = None

    def request(self) -> dict[str, object]:
        """What the child is told; raises `ValueError` for a moment without time zone."""
        moment = self.moment or EPOCH
        if moment.tzinfo is None:
            raise ValueError("a moment without time zone cannot be written into a document")
        return {
            "html": self.html,
            "source": self.source,
            "context": dict(self.context),
            "title": self.title,
            "watermark": self.watermark,
            "images": dict(self.images),
            "moment": int(moment.timestamp()),
        }


def render(
    html: str,
    *,
    title: str,
    watermark: str | None = None,
    timeout: float = TIMEOUT,
    images: Mapping[str, bytes] | None = None,
    moment: datetime | None = None,
) -> bytes:
    """Return the PDF of `html`. Raises `RenderFailed`, with words for the user, when it cannot be made."""
    job = Job(title, html, watermark=watermark, images=images or {}, moment=moment)
    return _warm_pool().render(job.request(), timeout)


def render_letter(
    source: str,
    context: Mapping[str, object],
    *,
    title: str,
    watermark: str | None = None,
    timeout: float = TIMEOUT,
    images: Mapping[str, bytes] | None = None,
    moment: datetime | None = None,
) -> bytes:
    """Return the PDF of a template's text and its data; the template runs in the child as well.

    This is the way for templates that the ministry edits: one that loops or grows without end is killed.
    `context` holds plain values only (what `Letter.as_context` returns). Raises `RenderFailed`.
    """
    job = Job(title, source=source, context=context, watermark=watermark, images=images or {}, moment=moment)
    return _warm_pool().render(job.request(), timeout)


def render_many(
    jobs: Sequence[Job],
    progress: Callable[[int, int], None] | None = None,
    *,
    timeout: float = TIMEOUT,
) -> list[bytes | RenderFailed]:
    """Return the PDF of each job, in their order; a job that fails gives its `RenderFailed`, not an end.

    Uses every core, with children of its own, so that people who print one letter do not wait behind a batch.
    `progress(done, total)` is called in the caller's thread.
    """
    results: list[bytes | RenderFailed] = [RenderFailed("died")] * len(jobs)
    if not jobs:
        return results
    pool = Pool(min(len(os.sched_getaffinity(0)), len(jobs)))
    workers = ThreadPoolExecutor(pool.size, thread_name_prefix="sis-render")
    try:
        waiting = {
            workers.submit(_outcome, pool, job, timeout): position for position, job in enumerate(jobs)
        }
        for done, future in enumerate(as_completed(waiting), 1):
            results[waiting[future]] = future.result()
            if progress is not None:
                progress(done, len(jobs))
    finally:
        # Children first: a caller that stops the batch does not wait for what was begun.
        workers.shutdown(wait=False, cancel_futures=True)
        pool.close()
    return results


def _outcome(pool: Pool, job: Job, timeout: float) -> bytes | RenderFailed:
    try:
        return pool.render(job.request(), timeout)
    except RenderFailed as error:
        return error


def warm_up() -> None:
    """Start the children of this process without waiting; for servers, after they fork."""
    _warm_pool().warm_up()


def shut_down() -> None:
    """End the children of this process; the next document starts new ones."""
    global _pool
    with _lock:
        pool, _pool = _pool, None
    if pool is not None:
        pool.close()


def _warm_pool() -> Pool:
    global _pool
    with _lock:
        if _pool is None:
            _pool = Pool(min(WARM, len(os.sched_getaffinity(0))))
        return _pool


def _after_fork() -> None:
    """A forked process starts without children: two writers on one pipe would mix their documents."""
    global _pool, _lock
    _lock = threading.Lock()
    pool, _pool = _pool, None
    if pool is not None:
        pool.forget()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(shut_down)
