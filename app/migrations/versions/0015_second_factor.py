"""Second factor: its secret, its recovery codes, its reset by two persons; accounts of the directory."""

import sqlalchemy as sa
from alembic import op

from app import migrations

revision = "0015"
down_revision = "0014"

MOMENT = sa.DateTime(timezone=True)
NOW = sa.text("now()")


def upgrade() -> None:
    op.add_column(
        "ab_user",
        sa.Column(
            "directory",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Se autentica por directorio. Entra con la contraseña de su computadora del ministerio"
            " (LDAP).",
        ),
    )
    op.add_column(
        "login_session",
        sa.Column(
            "awaits", sa.Text(), nullable=True, comment="Espera. Lo que falta para trabajar con ella."
        ),
    )
    op.create_check_constraint(
        op.f("ck_login_session_awaits"), "login_session", "awaits IN ('code', 'enrolment')"
    )
    op.create_table(
        "second_factor",
        sa.Column("user_id", sa.Integer(), nullable=False, comment="Usuario"),
        sa.Column("sealed_secret", sa.Text(), nullable=False, comment="Secreto cifrado"),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False, comment="Comenzado"),
        sa.Column("confirmed_at", MOMENT, nullable=True, comment="Activado"),
        sa.Column(
            "last_step",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Último período usado. De 30 segundos desde 1970: un código no se acepta dos veces.",
        ),
        *_identity(),
        sa.ForeignKeyConstraint(
            ["user_id"], ["ab_user.id"], name=op.f("fk_second_factor_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_second_factor")),
        sa.UniqueConstraint("user_id", name=op.f("uq_second_factor_user_id")),
        sa.UniqueConstraint("uuid", name=op.f("uq_second_factor_uuid")),
    )
    op.create_table(
        "recovery_code",
        sa.Column("factor_id", sa.Integer(), nullable=False, comment="Segundo factor"),
        sa.Column("code_hash", sa.Text(), nullable=False, comment="Huella"),
        sa.Column("used_at", MOMENT, nullable=True, comment="Usado"),
        *_identity(),
        sa.ForeignKeyConstraint(
            ["factor_id"], ["second_factor.id"], name=op.f("fk_recovery_code_factor_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint("uuid", name=op.f("uq_recovery_code_uuid")),
    )
    op.create_index(op.f("ix_recovery_code_factor_id"), "recovery_code", ["factor_id"])
    op.create_table(
        "second_factor_reset",
        sa.Column("user_id", sa.Integer(), nullable=False, comment="Usuario"),
        sa.Column("reason", sa.Text(), nullable=False, comment="Motivo"),
        sa.Column("requested_at", MOMENT, server_default=NOW, nullable=False, comment="Pedido"),
        sa.Column(
            "requested_by_id", sa.Integer(), nullable=True, comment="Pedido por. Vacío: desde la consola."
        ),
        sa.Column("status", sa.Text(), server_default=sa.text("'asked'"), nullable=False, comment="Estado"),
        sa.Column("decided_at", MOMENT, nullable=True, comment="Resuelto"),
        sa.Column("decided_by_id", sa.Integer(), nullable=True, comment="Resuelto por"),
        *_identity(),
        sa.CheckConstraint(
            "status IN ('asked', 'approved', 'refused', 'lapsed')", name=op.f("ck_second_factor_reset_status")
        ),
        sa.CheckConstraint(
            "requested_by_id <> user_id", name=op.f("ck_second_factor_reset_asked_by_another")
        ),
        sa.CheckConstraint(
            "decided_by_id <> user_id AND decided_by_id <> requested_by_id",
            name=op.f("ck_second_factor_reset_decided_by_another"),
        ),
        sa.CheckConstraint(
            "(status IN ('approved', 'refused')) = (decided_by_id IS NOT NULL AND decided_at IS NOT NULL)",
            name=op.f("ck_second_factor_reset_decided"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["ab_user.id"], name=op.f("fk_second_factor_reset_user_id"), ondelete="CASCADE"
        ),
        *(
            sa.ForeignKeyConstraint([name], ["ab_user.id"], name=op.f(f"fk_second_factor_reset_{name}"))
            for name in ("requested_by_id", "decided_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_second_factor_reset")),
        sa.UniqueConstraint("uuid", name=op.f("uq_second_factor_reset_uuid")),
    )
    for name in ("user_id", "requested_by_id", "decided_by_id"):
        op.create_index(op.f(f"ix_second_factor_reset_{name}"), "second_factor_reset", [name])
    op.create_index(
        "uq_second_factor_reset_open",
        "second_factor_reset",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("status = 'asked'"),
    )
    migrations.trace(op, "second_factor", secret=("sealed_secret",), ignore=("last_step",))
    migrations.trace(op, "recovery_code", secret=("code_hash",))
    migrations.trace(op, "second_factor_reset")


def downgrade() -> None:
    for table in ("second_factor_reset", "recovery_code", "second_factor"):
        op.drop_table(table)
    op.drop_column("login_session", "awaits")
    op.drop_column("ab_user", "directory")


def _identity() -> tuple[sa.Column, sa.Column]:
    return (
        sa.Column("id", sa.Integer(), nullable=False, comment="N.º interno"),
        sa.Column(
            "uuid",
            sa.Uuid(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="Identificador público",
        ),
    )
