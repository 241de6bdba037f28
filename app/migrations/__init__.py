"""Schema by Alembic, run by the owner's role; the application's role never changes the schema.

`upgrade(url)`, `current(connection)`, `head()`; `trace()` and `untrace()` are for the migrations themselves.
"""

from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

HERE = Path(__file__).resolve().parent


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration, without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["connection"] = connection
    return config


def upgrade(owner_url: str, revision: str = "head") -> None:
    """Bring the schema of this database to a revision; two at once wait for each other."""
    engine = create_engine(owner_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(20130131)")
        command.upgrade(configuration(connection), revision)
    engine.dispose()


def current(connection: Connection) -> str | None:
    """The revision that this database stands on; None when it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def head() -> str:
    """The newest revision of the code."""
    found = ScriptDirectory.from_config(configuration()).get_current_head()
    assert found is not None
    return found


def trace(op: Any, table: str, *key: str, secret: tuple[str, ...] = (), ignore: tuple[str, ...] = ()) -> None:
    """Record every change of a table from here on.

    `key` names its primary key columns; `secret` columns are kept as a hash alone; a change of nothing but
    `ignore` columns (counters) is not recorded.
    """
    arguments = ", ".join(f"'{','.join(names)}'" for names in (key or ("id",), secret, ignore))
    op.execute(
        f"CREATE TRIGGER zz_audit AFTER INSERT OR UPDATE OR DELETE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION audit.record({arguments})"
    )
