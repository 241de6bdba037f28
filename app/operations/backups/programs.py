"""The client programs of PostgreSQL, of the server's own version: another one's dump may not come back."""

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.pool import NullPool

from app import embedded
from app.core.errors import RuleBroken

FOLDERS = ("/usr/lib/postgresql/{}/bin", "/usr/pgsql-{}/bin")

FIXED = {"timezone": "UTC", "datestyle": "ISO", "intervalstyle": "postgres", "bytea_output": "hex"}
"""How values become text where rows are summed."""


def of_version(major: int) -> Path:
    """The folder with `pg_dump`, `pg_restore` and `psql` of a server's major version. Raises RuleBroken."""
    places = [Path(folder.format(major)) for folder in FOLDERS]
    found = shutil.which("pg_dump")
    places += [Path(found).resolve().parent] if found else []
    with suppress(embedded.EmbeddedError):  # not installed where a ministry's own server is used
        places.append(embedded.bin_dir())
    for place in places:
        if (place / "pg_dump").exists() and _major(place) == major:
            return place
    raise RuleBroken(
        f"Faltan los programas de PostgreSQL {major} (pg_dump, pg_restore, psql), la versión del servidor. "
        f"En Debian: apt-get install postgresql-client-{major}.",
        code="programs_missing",
    )


def engine(address: str) -> Engine:
    """Connections to an address, none kept. What a row looks like as a text is fixed, for its checksum."""
    options = " ".join(f"-c {name}={value}" for name, value in FIXED.items())
    return create_engine(address, poolclass=NullPool, connect_args={"options": options}, hide_parameters=True)


def start(program: Path, address: str | None, *arguments: str | Path, **options: Any) -> Any:
    """Start a program on the database of an address; the password is in no list of processes."""
    environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
    command: list[str | Path] = [program, *arguments]
    if address is not None:
        url = make_url(address)
        environment["PGPASSWORD"] = url.password or ""
        bare = url.set(drivername="postgresql", password=None)
        command += ["-d", bare.render_as_string(hide_password=False)]
    return subprocess.Popen(
        command, env=environment, stdin=options.pop("stdin", subprocess.DEVNULL), **options
    )


def run(program: Path, address: str | None, *arguments: str | Path, into: IO[bytes] | None = None) -> str:
    """Run a program to its end; what it printed, unless it went `into` a file. Raises RuleBroken with its
    last complaint.
    """
    out = subprocess.PIPE if into is None else into
    process = start(program, address, *arguments, stdout=out, stderr=subprocess.PIPE, text=True)
    try:
        printed, complaint = process.communicate()
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode != 0:
        lines = complaint.strip().splitlines() or [""]
        raise RuleBroken(f"{program.name} no terminó bien: {lines[-1][:300]}", code="program_failed")
    return printed or ""


def _major(folder: Path) -> int:
    said = run(folder / "pg_dump", None, "--version").split()
    return int(next(word for word in said if word[0].isdigit()).partition(".")[0])
