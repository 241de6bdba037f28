"""What is searched by a part of it, at the size of a country: the number of an order."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_document_order_number ON document USING gin (fold(number) gin_trgm_ops)"
        " WHERE type_code = 'OI'"
    )


def downgrade() -> None:
    op.drop_index("ix_document_order_number", table_name="document")
