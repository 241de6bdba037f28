"""Lists as people keep them: filters under a name, columns chosen."""

import sqlalchemy as sa
from alembic import op

from app import migrations

revision = "0019"
down_revision = "0018"

PEOPLE = ("created_by_id", "updated_by_id")


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    now = sa.text("now()")
    op.create_table(
        "saved_list",
        sa.Column("account_id", sa.Integer(), nullable=False, comment="Dueño"),
        sa.Column("screen", sa.Text(), nullable=False, comment="Pantalla"),
        sa.Column("name", sa.Text(), nullable=True, comment="Nombre. Vacío: son las columnas elegidas."),
        sa.Column(
            "address", sa.Text(), server_default=sa.text("''"), nullable=False, comment="Filtros y orden"
        ),
        sa.Column("columns", sa.ARRAY(sa.Text()), nullable=True, comment="Columnas"),
        sa.Column("office_id", sa.Integer(), nullable=True, comment="Compartida con la oficina"),
        sa.Column("id", sa.Integer(), nullable=False, comment="N.º interno"),
        sa.Column(
            "uuid",
            sa.Uuid(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="Identificador público",
        ),
        sa.Column("created_at", moment, server_default=now, nullable=False, comment="Fecha de carga"),
        sa.Column("updated_at", moment, server_default=now, nullable=False, comment="Última modificación"),
        sa.Column("created_by_id", sa.Integer(), nullable=True, comment="Cargado por"),
        sa.Column("updated_by_id", sa.Integer(), nullable=True, comment="Modificado por"),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False, comment="Versión"),
        sa.CheckConstraint(
            "(name IS NULL) = (columns IS NOT NULL)", name=op.f("ck_saved_list_name_or_columns")
        ),
        sa.CheckConstraint(
            "name IS NOT NULL OR office_id IS NULL", name=op.f("ck_saved_list_shared_by_name")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ab_user.id"], name=op.f("fk_saved_list_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_saved_list_office_id")),
        *(
            sa.ForeignKeyConstraint([name], ["ab_user.id"], name=op.f(f"fk_saved_list_{name}"))
            for name in PEOPLE
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_list")),
        sa.UniqueConstraint("uuid", name=op.f("uq_saved_list_uuid")),
    )
    op.create_index(
        "uq_saved_list_name",
        "saved_list",
        ["account_id", "screen", "name"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_index(
        "ix_saved_list_office_id",
        "saved_list",
        ["office_id", "screen"],
        postgresql_where=sa.text("office_id IS NOT NULL"),
    )
    for name in PEOPLE:
        op.create_index(op.f(f"ix_saved_list_{name}"), "saved_list", [name])
    migrations.trace(op, "saved_list")


def downgrade() -> None:
    op.drop_table("saved_list")
