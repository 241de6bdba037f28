"""Alembic's environment: our metadata, the connection that `app.migrations` hands in."""

from alembic import context

import app.models  # noqa: F401  declares every table
from app.core.base import metadata


def include(item: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
    """The queue's own tables are procrastinate's."""
    return not (kind == "table" and (name or "").startswith("procrastinate_"))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_object=include,
    compare_type=True,
    compare_server_default=False,
    transactional_ddl=True,
)
context.run_migrations()
