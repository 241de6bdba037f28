"""The texts of documents that a procedure version brings of its own."""

import sqlalchemy as sa
from alembic import op

from app import migrations

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_table(
        "procedure_letter",
        sa.Column("version_code", sa.Text(), nullable=False, comment="Versión"),
        sa.Column("code", sa.Text(), nullable=False, comment="Tipo de documento"),
        sa.Column("source", sa.Text(), nullable=False, comment="Texto"),
        sa.ForeignKeyConstraint(
            ["version_code"], ["procedure_version.code"], name=op.f("fk_procedure_letter_version_code")
        ),
        sa.ForeignKeyConstraint(["code"], ["document_type.code"], name=op.f("fk_procedure_letter_code")),
        sa.PrimaryKeyConstraint("version_code", "code", name=op.f("pk_procedure_letter")),
    )
    op.create_index(op.f("ix_procedure_letter_code"), "procedure_letter", ["code"], unique=False)
    migrations.trace(op, "procedure_letter", "version_code", "code")
    op.execute(
        "CREATE TRIGGER frozen BEFORE INSERT OR UPDATE OR DELETE ON procedure_letter"
        " FOR EACH ROW EXECUTE FUNCTION refuse_published_part()"
    )


def downgrade() -> None:
    op.drop_table("procedure_letter")
