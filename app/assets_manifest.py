"""Names of the built front-end files: `asset("main.ts")` is `"dist/main-1a2b3c4d.js"`.

The build (`tools/build_assets.py`) gives each file a name with a digest, so that browsers may keep it for
good, and writes `manifest.json` beside them. Paths are relative to the static folder, for
`url_for("static", filename=...)`. Imports nothing of the application.
"""

from __future__ import annotations

import json
from pathlib import Path

STATIC = Path(__file__).resolve().parent / "static"

_Stamp = tuple[int, int]
_cache: dict[Path, tuple[_Stamp, dict[str, str]]] = {}


class AssetsMissing(RuntimeError):
    """The front-end build is absent or damaged, or does not have the file asked for."""


def asset(name: str, static: Path = STATIC) -> str:
    """Path, relative to `static`, of the built file of an entry such as `main.ts` or `main.scss`.

    Raises `AssetsMissing`, in Spanish and English, with the command that mends it.
    """
    manifest = static / "dist" / "manifest.json"
    files = _files(manifest)
    if name not in files:
        known = ", ".join(sorted(files))
        raise AssetsMissing(
            f"La interfaz compilada no contiene «{name}»; contiene: {known}. "
            f'The front-end build does not contain "{name}"; it contains: {known}. '
            "Ejecute / run: python tools/build_assets.py"
        )
    return files[name]


def _files(manifest: Path) -> dict[str, str]:
    """Entry name to path, read again only when the manifest has changed."""
    try:
        status = manifest.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        cached = _cache.get(manifest)
        if cached and cached[0] == stamp:
            return cached[1]
        raw = json.loads(manifest.read_text(encoding="utf-8"))
        files = {name: f"dist/{entry['file']}" for name, entry in raw.items()}
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        raise AssetsMissing(
            "Falta la interfaz compilada (o está dañada). The front-end build is missing (or damaged). "
            "Ejecute / run: python tools/build_assets.py"
        ) from error
    # One assignment, so that threads see the old table or the new one.
    _cache[manifest] = (stamp, files)
    return files
