"""The file of a backup: a tar with the dump, the files of the store and, last, the manifest that proves them.

    database.dump   pg_dump's own format, compressed
    files/<sha256>  as the store keeps them
    manifest.json   what there must be: sizes, hashes, rows; without it the file was cut

With a public key of `age` the whole is encrypted while it is written; nothing lies about in the clear.
"""

import hashlib
import io
import json
import os
import re
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from app.core.errors import RuleBroken

DUMP, MANIFEST, FILES = "database.dump", "manifest.json", "files/"
NAME = re.compile(r"database\.dump|manifest\.json|files/[0-9a-f]{64}")
BLOCK = 1024 * 1024
TOLD = 200
"""Members between two words of progress."""
KNOWN_FORMAT = 1


class Damaged(RuleBroken):
    """The file is not a whole backup; nothing was changed."""

    default_code = "backup_damaged"


class Hashing(io.RawIOBase):
    """Passes bytes on, and knows how many they were and their SHA-256."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """The hash of what passed."""
        return self._hash.hexdigest()

    def _seen(self, block: bytes) -> None:
        self._hash.update(block)
        self.size += len(block)

    def writable(self) -> bool:
        """For writers."""
        return True

    def write(self, block: Any) -> int:
        """Pass it on whole."""
        self._seen(bytes(block))
        self._inner.write(block)
        return len(block)

    def read(self, size: int = -1) -> bytes:
        """What the inner one gives."""
        block: bytes = self._inner.read(size)
        self._seen(block)
        return block


class Writer:
    """Writes a backup, member by member; `close` with the manifest makes it whole."""

    def __init__(self, target: Any) -> None:
        self._tar = tarfile.open(mode="w|", fileobj=target)  # noqa: SIM115  closed with the manifest
        self.members: dict[str, dict[str, Any]] = {}

    def add(self, name: str, content: BinaryIO, size: int) -> None:
        """Add what can be read. Raises OSError when it ends before its size."""
        passing = Hashing(content)
        self._tar.addfile(_member(name, size), cast(BinaryIO, passing))
        self.members[name] = {"size": passing.size, "sha256": passing.sha256}

    def close(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Write the manifest of these facts; the manifest."""
        manifest = {"format": KNOWN_FORMAT, **facts, "members": self.members}
        manifest["digest"] = _digest(manifest)
        text = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
        self._tar.addfile(_member(MANIFEST, len(text)), io.BytesIO(text))
        self._tar.close()
        return manifest


def read(source: Any, into: Path, tell: Callable[[int], None]) -> dict[str, Any]:
    """Unpack a backup, and check it against its manifest, which is given back. Raises Damaged.

    `tell` hears now and then how many members there were.
    """
    found: dict[str, dict[str, Any]] = {}
    text = b""
    try:
        with tarfile.open(mode="r|", fileobj=source) as tar:
            for member in tar:
                plain = member.isreg() and not member.issparse()
                if not NAME.fullmatch(member.name) or not plain or member.name in found:
                    raise Damaged(f"La copia trae algo que no es suyo: «{member.name[:100]}». No se usó.")
                content = Hashing(tar.extractfile(member))
                if member.name == MANIFEST:
                    text = content.read()
                    continue
                with (into / member.name).open("wb") as file:
                    while block := content.read(BLOCK):
                        file.write(block)
                found[member.name] = {"size": content.size, "sha256": content.sha256}
                if len(found) % TOLD == 0:
                    tell(len(found))
    except Damaged:
        raise
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise Damaged("La copia está cortada o dañada: no se puede leer hasta el final.") from error
    return _proved(text, found)


def _proved(text: bytes, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if not text:
        raise Damaged("La copia está incompleta: le falta el manifiesto, que se escribe al final.")
    try:
        manifest: dict[str, Any] = json.loads(text)
        whole = manifest.pop("digest") == _digest(manifest)
        members = manifest["members"]
    except (ValueError, KeyError, AttributeError) as error:
        raise Damaged("El manifiesto de la copia está dañado.") from error
    if not whole:
        raise Damaged("El manifiesto de la copia fue alterado.")
    if manifest["format"] != KNOWN_FORMAT:
        raise Damaged("La copia es de un formato que esta versión no conoce: actualice el sistema.")
    wrong = sorted(name for name in members.keys() | found.keys() if members.get(name) != found.get(name))
    if wrong or DUMP not in found:
        raise Damaged(f"La copia está dañada: no coincide «{(wrong or [DUMP])[0]}» ({len(wrong)} en total).")
    return manifest


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o600
    return member


def _digest(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@contextmanager
def sealing(target: Any, recipient: str) -> Iterator[Any]:
    """Where to write what is to be in `target`, encrypted for a public key when there is one."""
    if not recipient:
        yield target
        return
    import pyrage

    try:
        key = pyrage.x25519.Recipient.from_str(recipient)
    except pyrage.RecipientError as error:
        raise RuleBroken("La clave pública de age no es válida (empieza con age1).") from error
    with _piped(lambda pipe: pyrage.encrypt_io(pipe, target, [key]), writing=True) as pipe:
        yield pipe


@contextmanager
def opening(source: Any, identity: Path | None) -> Iterator[Any]:
    """Where to read what is in `source`, decrypted with the identity in a file when one is given."""
    if identity is None:
        yield source
        return
    import pyrage

    lines = (line.strip() for line in identity.read_text("utf-8").splitlines())
    try:
        keys = [pyrage.x25519.Identity.from_str(line) for line in lines if line.startswith("AGE-SECRET-KEY-")]
    except pyrage.IdentityError as error:
        raise RuleBroken(f"«{identity}» no es una clave privada de age.") from error
    if not keys:
        raise RuleBroken(f"«{identity}» no tiene una clave privada de age (AGE-SECRET-KEY-…).")
    try:
        with _piped(lambda pipe: pyrage.decrypt_io(source, pipe, keys), writing=False) as pipe:
            yield pipe
    except (pyrage.DecryptError, OSError) as error:
        if getattr(error, "errno", None) is not None:
            raise  # of the disk, not of pyrage
        raise Damaged("La copia no se abre con esa clave, o está dañada.") from error


@contextmanager
def _piped(work: Callable[[BinaryIO], Any], *, writing: bool) -> Iterator[BinaryIO]:
    """Let `work` have one end of a pipe in a thread, and us the other; its error is ours."""
    read_end, write_end = os.pipe()
    ends = cast(BinaryIO, os.fdopen(read_end, "rb")), cast(BinaryIO, os.fdopen(write_end, "wb"))
    theirs, ours = ends if writing else ends[::-1]
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work(theirs)
        except BaseException as error:
            failed.append(error)  # before the other end hears that it is over
        finally:
            with suppress(OSError):
                theirs.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield ours
        ours.close()
    except BaseException as error:
        cause = failed[0] if failed else error
        with suppress(OSError):
            ours.close()
        thread.join()
        raise cause from error
    thread.join()
    if failed:
        raise failed[0]
