"""The store of files: content addressed by its SHA-256, written once, never changed.

A file is on the disk, whole and flushed, before the row that names it is committed: a row never points to
nothing. A rolled-back act may leave a file without a row, which harms nobody and is swept.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from sqlalchemy import select

from app.core.errors import DomainError, Missing
from app.models.documents import StoredFile
from app.operations.unit import act

PRIVATE = 0o700
"""Of folders with documents of cases: no other user of the machine looks in."""

_root: list[Path] = []


class StoreFull(DomainError):
    """The store cannot take the file; nothing was changed."""

    default_code = "store_full"


def use(root: Path) -> None:
    """Keep files below this folder from here on (the factory says which)."""
    _root[:] = [root]


def place(sha256: str) -> Path:
    """Where the content with this hash is kept."""
    return _root[0] / sha256[:2] / sha256


def store(content: bytes, content_type: str) -> StoredFile:
    """Keep a file and its row; the same content twice is kept once. Raises StoreFull."""
    sha256 = hashlib.sha256(content).hexdigest()
    with act("file.store") as unit:
        row = unit.session.scalar(select(StoredFile).where(StoredFile.sha256 == sha256))
        if row is None or not place(sha256).exists():
            _write(place(sha256), content)
        if row is None:
            row = StoredFile(sha256=sha256, size=len(content), content_type=content_type)
            unit.session.add(row)
            unit.session.flush()
    return row


def read(row: StoredFile) -> bytes:
    """The content of a file, checked against its hash. Raises Missing when it is gone or was altered."""
    try:
        content = place(row.sha256).read_bytes()
    except OSError as error:
        raise Missing(
            "El archivo no está en el depósito. Avise a Informática: hay copia en el respaldo."
        ) from error
    if hashlib.sha256(content).hexdigest() != row.sha256:
        raise Missing("El archivo del depósito fue alterado y no se muestra. Avise a Informática.")
    return content


def _write(target: Path, content: bytes) -> None:
    part = target.with_name(f".{uuid4().hex}.part")
    try:
        target.parent.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.rename(target)
        flush_folder(target.parent)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise StoreFull(
            "No hay lugar para guardar el archivo. Nada se perdió; avise a Informática."
        ) from error


def flush_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
