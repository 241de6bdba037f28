"""Whether a database still fits this code: one digest, cheap enough for every start (no heavy import)."""

import hashlib
from pathlib import Path

APP = Path(__file__).resolve().parent.parent


def digest() -> str:
    """SHA-256 of everything that seeding depends on: when it equals the stored one there is nothing to do."""
    total = hashlib.sha256()
    for folder in ("seeds", "security", "views", "operations", "migrations"):
        for path in sorted((APP / folder).rglob("*")):
            if path.suffix in {".py", ".yaml", ".csv", ".sql"}:
                total.update(path.relative_to(APP).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()
