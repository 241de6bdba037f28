"""Bringing an installation back from a backup: into an empty place, proved before it counts, whole or not.

The file is unpacked beside the data and checked against its manifest. The database is filled in one
transaction, in which every table is counted and summed again and every document finds its file; only then do
the files take their place and the transaction ends. Whoever pulls the plug before finds the place empty.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy import delete, text

from app import migrations
from app.core import clock
from app.core.errors import RuleBroken
from app.models.security import LoginSession
from app.operations.backups import archive, place, programs
from app.operations.backups.making import CONTENT, Tell, quiet
from app.operations.files import PRIVATE
from app.operations.unit import act, untraced

PENDING, STAGING = "restore.pending", ".restoring"
ENVIRONMENTS = {"training": "capacitación", "production": "producción"}
OTHERS = text(
    "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname IN ('public', 'audit') AND c.relkind IN ('r', 'p')"
)
PROOF = f"""
DO $proof$
DECLARE
    wanted record;
    rows bigint;
    content text;
BEGIN
    FOR wanted IN SELECT * FROM sis_expected LOOP
        EXECUTE format($q${CONTENT.format("%s")}$q$, wanted.name) INTO rows, content;
        IF rows <> wanted.rows THEN
            RAISE EXCEPTION 'SIS: %: volvieron % filas de %', wanted.name, rows, wanted.rows;
        ELSIF content <> wanted.content THEN
            RAISE EXCEPTION 'SIS: %: el contenido no es el de la copia', wanted.name;
        END IF;
    END LOOP;
    SELECT count(*) INTO rows FROM public.stored_file f
     WHERE NOT EXISTS (SELECT FROM sis_file s WHERE s.sha256 = f.sha256 AND s.size IN (f.size, -1));
    IF rows > 0 THEN
        RAISE EXCEPTION 'SIS: faltan % archivos de los que la base nombra', rows;
    END IF;
END
$proof$;
"""
"""Run between the rows and the policies, so that row security hides none from the owner."""
COPIED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
"""How a text goes into COPY: whoever writes a manifest gives psql no command."""
CHAIN = """
SET row_security = on;
DO $chain$
DECLARE
    head record;
    wrong record;
    wanted text;
BEGIN
    SELECT * INTO head FROM audit.chain_head();
    SELECT audit_head INTO wanted FROM sis_head;
    IF head.seq || ':' || head.hash IS DISTINCT FROM wanted THEN
        RAISE EXCEPTION 'SIS: la auditoría no termina donde dice la copia';
    END IF;
    FOR batch IN 0..(head.seq - 1) / 20000 LOOP
        SELECT * INTO wrong
          FROM audit.verify(batch * 20000 + 1, least(batch * 20000 + 20000, head.seq)) LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'SIS: la cadena de auditoría no cierra en el sello % (%). '
                'Si era así cuando se copió, agregue --despite-audit.', wrong.seq, wrong.fault;
        END IF;
    END LOOP;
END
$chain$;
"""
"""Run at the end, when the functions of the trail are there."""


@dataclass(frozen=True)
class Restored:
    """What came back."""

    made_at: datetime
    environment: str
    rows: int
    tables: int
    files: int
    missing: tuple[str, ...]
    audit_head: str
    older: bool
    """Whether the schema is of an older version of the system: `flask init` brings it up."""

    def as_dict(self) -> dict[str, Any]:
        """For a machine."""
        return {**self.__dict__, "made_at": self.made_at.isoformat()}


def restore(
    source: Path,
    owner_url: str,
    identity: Path | None = None,
    tell: Tell = quiet,
    *,
    despite_audit: bool = False,
) -> Restored:
    """Bring the installation back from a backup. Raises RuleBroken, and leaves the place empty then.

    `despite_audit`: also one whose chain of the trail did not hold when it was made; the trail tells it.
    """
    kept = place.current()
    _clear_cut_short(kept, owner_url)
    _check_empty(kept, owner_url)
    pending, staging, placed = kept.data / PENDING, kept.data / STAGING, False
    try:
        kept.data.mkdir(parents=True, exist_ok=True)
        pending.write_text(str(source), "utf-8")
        staging.mkdir(mode=PRIVATE)
        (staging / "files").mkdir(mode=PRIVATE)
        manifest = _unpacked(source, identity, staging, tell)
        older = _check_fits(manifest, kept, owner_url)
        chain = "" if despite_audit else CHAIN
        with _filled(staging / archive.DUMP, manifest, owner_url, chain, tell):
            tell("Los archivos", 0, 0)
            place_files(staging / "files", kept.files)
            placed = True
    except BaseException as error:
        if placed:  # else they are of another restore, which ended meanwhile
            shutil.rmtree(kept.files, ignore_errors=True)
        if isinstance(error, OSError):
            raise RuleBroken(
                f"{error.strerror}: «{error.filename or kept.data}». No se cambió nada."
            ) from error
        raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        pending.unlink(missing_ok=True)
    spared = "; sin comprobar la cadena de auditoría" if despite_audit else ""
    begin_again(f"{source.name}, del {manifest['made_at']}{spared}")
    return Restored(
        datetime.fromisoformat(manifest["made_at"]),
        manifest["environment"],
        sum(rows for rows, _ in manifest["tables"].values()),
        len(manifest["tables"]),
        len(manifest["members"]) - 1,
        tuple(manifest["missing"]),
        manifest["audit_head"],
        older,
    )


def begin_again(reason: str) -> None:
    """After a restore: nobody is inside (a session ended since then would live again), the trail tells it."""
    with untraced() as session:
        session.execute(delete(LoginSession))
    with act("backup.restore", reason=reason):
        pass


def _clear_cut_short(kept: place.Installation, owner_url: str) -> None:
    """Clear what a restore that was cut short left. Files that had their place already are put aside, not
    deleted: should the database be the wrong one, they are somebody's."""
    if not (kept.data / PENDING).exists():
        return
    shutil.rmtree(kept.data / STAGING, ignore_errors=True)
    if kept.files.exists() and _tables(owner_url) == 0:
        kept.files.rename(kept.data / f"files.{clock.real_now():%Y%m%dT%H%M%SZ}")
    (kept.data / PENDING).unlink()


def _check_empty(kept: place.Installation, owner_url: str) -> None:
    if kept.files.is_dir() and any(kept.files.iterdir()):
        raise RuleBroken(
            f"«{kept.files}» ya tiene archivos. Se restaura solo en un lugar vacío: elija otro SIS_DATA_DIR.",
            code="not_empty",
        )
    if _tables(owner_url) > 0:
        raise RuleBroken(
            "La base de datos no está vacía. Se restaura solo en una vacía: con el servidor embebido, elija "
            "otro SIS_DATA_DIR; con el del ministerio, cree otra base y póngala en DATABASE_URL y "
            "DATABASE_OWNER_URL.",
            code="not_empty",
        )


def _tables(owner_url: str) -> int:
    with programs.engine(owner_url).connect() as connection:
        return int(connection.execute(OTHERS).scalar_one())


def _unpacked(source: Path, identity: Path | None, staging: Path, tell: Tell) -> dict[str, Any]:
    with source.open("rb") as raw:
        encrypted = raw.read(21) == b"age-encryption.org/v1"
        raw.seek(0)
        if encrypted and identity is None:
            raise RuleBroken("La copia está cifrada: dé la clave privada con --age-identity ARCHIVO.")
        tell("Lectura y huellas", 0, 0)
        with archive.opening(raw, identity if encrypted else None) as content:
            return archive.read(content, staging, lambda done: tell("Lectura y huellas", done, 0))


def _check_fits(manifest: dict[str, Any], kept: place.Installation, owner_url: str) -> bool:
    """Whether the schema of the backup is older than this code; refuses what cannot be brought back here."""
    if manifest["environment"] != kept.environment:
        name = ENVIRONMENTS.get(manifest["environment"], manifest["environment"])
        raise RuleBroken(
            f"La copia es de {name} y este sistema no. Restaure con SIS_ENV={manifest['environment']}.",
            code="wrong_environment",
        )
    with programs.engine(owner_url).connect() as connection:
        server = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10000
    if manifest["server"] > server:
        raise RuleBroken(
            f"La copia es de PostgreSQL {manifest['server']} y el servidor, de la versión {server}: "
            "hace falta uno igual o más nuevo."
        )
    if not migrations.knows(manifest["revision"]):
        raise RuleBroken("La copia es de una versión más nueva del sistema: instale esa versión y repita.")
    return bool(manifest["revision"] != migrations.head())


@contextmanager
def _filled(dump: Path, manifest: dict[str, Any], owner_url: str, chain: str, tell: Tell) -> Iterator[None]:
    """Fill the database and prove it; what is done inside comes before the end of the transaction."""
    with programs.engine(owner_url).connect() as connection:
        server = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10000
    tools = programs.of_version(server)
    contents = dump.with_name("contents")
    listed = programs.run(tools / "pg_restore", None, "-l", dump).splitlines()
    contents.write_text("\n".join(line for line in listed if _ours(line)), "utf-8")
    complaints = dump.with_name("complaints")
    with complaints.open("w+b") as errors:
        psql = programs.start(
            tools / "psql", owner_url, "-X", "-q", "-v", "ON_ERROR_STOP=1",
            stdin=-1, stdout=-1, stderr=errors,
        )  # fmt: skip
        try:
            with suppress(BrokenPipeError):
                fixed = "".join(f"SET {name} = '{value}';\n" for name, value in programs.FIXED.items())
                _say(psql.stdin, "\\o /dev/null\n", fixed, "BEGIN;\n")
                for section, words in (
                    ("pre-data", "La estructura"),
                    ("data", "Los datos"),
                    ("proof", "Filas y contenido, tabla por tabla"),
                    ("post-data", "Índices, reglas y permisos"),
                    ("chain", "La cadena de auditoría"),
                ):
                    tell(words, 0, 0)
                    if section == "proof":
                        _say(psql.stdin, *_expected(manifest), PROOF)
                    elif section == "chain":
                        _say(psql.stdin, chain)
                    else:
                        _pour(tools / "pg_restore", section, contents, dump, psql.stdin)
                _say(psql.stdin, "\\echo ready\n")
            if psql.stdout.readline() != b"ready\n":
                psql.wait()
                raise RuleBroken(f"La base no volvió entera: {_last_line(errors)} No se cambió nada.")
            yield
            _say(psql.stdin, "COMMIT;\n")
            psql.stdin.close()
            if psql.wait() != 0:
                raise RuleBroken(f"La base no volvió entera: {_last_line(errors)} No se cambió nada.")
        finally:
            if psql.poll() is None:
                psql.kill()
                psql.wait()


def _ours(line: str) -> bool:
    """Whether an entry of the dump is to be made: not what an empty database of ours has, or is not ours."""
    return "COMMENT - EXTENSION" not in line and "SCHEMA - public" not in line


def _say(stdin: IO[bytes], *parts: str) -> None:
    for part in parts:
        stdin.write(part.encode())
    stdin.flush()


def _pour(pg_restore: Path, section: str, contents: Path, dump: Path, sink: IO[bytes]) -> None:
    process = programs.start(
        pg_restore, None, f"--section={section}", "-L", contents, "-f", "-", dump, stdout=-1
    )
    try:
        shutil.copyfileobj(process.stdout, sink, archive.BLOCK)
    finally:
        process.stdout.close()
        if process.wait() != 0:
            sink.close()  # what comes is half: psql ends without a commit


def _expected(manifest: dict[str, Any]) -> Iterator[str]:
    """What there must be, as temporary tables."""
    yield "CREATE TEMP TABLE sis_expected (name text, rows bigint, content text) ON COMMIT DROP;\n"
    yield from _copied("sis_expected", ((name, *facts) for name, facts in manifest["tables"].items()))
    yield "CREATE TEMP TABLE sis_file (sha256 text, size bigint) ON COMMIT DROP;\n"
    sizes = {name: facts["size"] for name, facts in manifest["members"].items()}
    files = [(name[len(archive.FILES) :], size) for name, size in sizes.items() if name != archive.DUMP]
    yield from _copied("sis_file", (*files, *((sha256, -1) for sha256 in manifest["missing"])))
    yield "CREATE INDEX ON sis_file (sha256);\n"
    yield "CREATE TEMP TABLE sis_head (audit_head text) ON COMMIT DROP;\n"
    yield from _copied("sis_head", [(manifest["audit_head"],)])


def _copied(table: str, rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    yield f"COPY {table} FROM stdin;\n"
    for row in rows:
        yield "\t".join(str(value).translate(COPIED) for value in row) + "\n"
    yield "\\.\n"


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode("utf-8", "replace").strip().splitlines()
    said = next((line for line in lines if "ERROR" in line or "FATAL" in line), (lines or [""])[0])
    return said.partition("ERROR:")[2].strip().removeprefix("SIS: ")[:300] or said[:300]


def place_files(unpacked: Path, store: Path) -> None:
    """Put files, each named by its hash, where the store has them; then all of it is on the disk."""
    for path in sorted(unpacked.iterdir()):
        folder = unpacked / path.name[:2]
        folder.mkdir(mode=PRIVATE, exist_ok=True)
        path.rename(folder / path.name)
    if store.exists():
        store.rmdir()
    unpacked.rename(store)
    os.sync()  # once, not for each of many thousand files
