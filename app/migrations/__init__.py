"""Schema by Alembic, run by the owner's role; the application's role never changes the schema.

`upgrade(url)`, `current(connection)`, `head()`; `trace()` is for the migrations themselves. Only an upgrade
loads Alembic: a web worker, which asks where the schema stands, does without it.
"""

from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine

HERE = Path(__file__).resolve().parent


def configuration(connection: Connection | None = None) -> Any:
    """Alembic's configuration, without an ini file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["connection"] = connection
    return config


def upgrade(owner_url: str, revision: str = "head") -> None:
    """Bring the schema of this database to a revision; two at once wait for each other."""
    from alembic import command

    engine = create_engine(owner_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(20130131)")
        command.upgrade(configuration(connection), revision)
        if connection.exec_driver_sql("SELECT to_regproc('audit.note_columns') IS NOT NULL").scalar_one():
            connection.exec_driver_sql("SELECT audit.note_columns()")
    engine.dispose()


def current(connection: Connection) -> str | None:
    """The revision that this database stands on; None when it is empty."""
    if connection.exec_driver_sql("SELECT to_regclass('alembic_version')").scalar() is None:
        return None
    revision: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return revision


@cache
def head() -> str:
    """The newest revision of the code: revisions are numbered, each in the file of its number."""
    return max(path.name for path in (HERE / "versions").glob("[0-9]*.py")).partition("_")[0]


def knows(revision: str) -> bool:
    """Whether the code has this revision: not one of a newer system."""
    return any((HERE / "versions").glob(f"{revision}_*.py"))


def trace(
    op: Any,
    table: str,
    *key: str,
    secret: tuple[str, ...] = (),
    ignore: tuple[str, ...] = (),
    reserved: tuple[str, ...] = (),
) -> None:
    """Record every change of a table from here on.

    `key` names its primary key columns; `secret` columns are kept as a hash alone; a change of nothing but
    `ignore` columns (counters) is not recorded. `reserved` is for a table under row-level security: the
    columns that its policy asks for. Its values go to the reserved part of the trail, which needs a policy
    for them too (0014).
    """
    names = [key or ("id",), secret, ignore, *([reserved] if reserved else [])]
    arguments = ", ".join(f"'{','.join(each)}'" for each in names)
    op.execute(
        f"CREATE TRIGGER zz_audit AFTER INSERT OR UPDATE OR DELETE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION audit.record({arguments})"
    )
    op.execute(
        f"CREATE TRIGGER zz_audit_emptied AFTER TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit.record()"
    )
