"""Who proposed a procedure version for publication."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column(
        "procedure_version",
        sa.Column(
            "proposed_by_id",
            sa.Integer(),
            sa.ForeignKey("ab_user.id", name=op.f("fk_procedure_version_proposed_by_id")),
            comment="Propuesta por. Quien pidió publicarla; cualquier cambio del borrador lo borra.",
        ),
    )
    op.create_index(
        op.f("ix_procedure_version_proposed_by_id"), "procedure_version", ["proposed_by_id"], unique=False
    )


def downgrade() -> None:
    op.drop_column("procedure_version", "proposed_by_id")
