"""Row-level security."""

from alembic import op  # noqa: F401

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Filled in by its context."""
