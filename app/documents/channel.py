"""Frames between parent and child: one byte of kind, four of length, the body.

Requests are pickles, because only the parent, which trusts itself, writes them. Answers are never unpickled:
the child has read what strangers wrote.
"""

from __future__ import annotations

import struct
from typing import IO

READY, PDF, REFUSED = b"r", b"p", b"x"
REQUEST = b"q"

MAX_BODY = 256 * 1024 * 1024
_HEAD = struct.Struct("!cI")


def send(stream: IO[bytes], kind: bytes, body: bytes) -> None:
    """Write one frame and flush it."""
    if len(body) > MAX_BODY:
        raise ValueError(f"a frame of {len(body)} bytes is larger than {MAX_BODY}")
    stream.write(_HEAD.pack(kind, len(body)))
    stream.write(body)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[bytes, bytes] | None:
    """Return the kind and the body of the next frame; None when the other side is gone."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    kind, size = _HEAD.unpack(head)
    if size > MAX_BODY:
        return None
    body = stream.read(size)
    return (kind, body) if len(body) == size else None
