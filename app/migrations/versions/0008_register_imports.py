"""Imports of a historical register: batches and rows."""

from alembic import op  # noqa: F401

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Filled in by its context."""
