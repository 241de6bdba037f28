"""Forgotten passwords: single-use links and codes; attempts remember success; roles of the ministry's own."""

import sqlalchemy as sa
from alembic import op

from app import migrations

revision = "0007"
down_revision = "0006"

END_SESSIONS = """
CREATE OR REPLACE FUNCTION end_sessions() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    IF TG_TABLE_NAME = 'ab_user' THEN
        DELETE FROM login_session WHERE user_id = NEW.id;
    ELSIF TG_TABLE_NAME = 'ab_group_role' THEN
        DELETE FROM login_session WHERE user_id IN (
            SELECT user_id FROM ab_user_group WHERE group_id IN (NEW.group_id, OLD.group_id));
    ELSE
        DELETE FROM login_session WHERE user_id IN (NEW.user_id, OLD.user_id);
    END IF;
    RETURN NULL;
END
$$;
"""
"""As before, and a row moved from one person or group to another ends the sessions of both."""

VOID = """
CREATE FUNCTION void_recoveries() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    UPDATE account_recovery SET void_at = clock_timestamp()
     WHERE user_id = NEW.id AND used_at IS NULL AND void_at IS NULL;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION void_recoveries IS 'A change of password, address or state leaves links and codes without effect';
CREATE TRIGGER void_recoveries AFTER UPDATE OF password, email, active ON ab_user FOR EACH ROW
    WHEN (OLD.password IS DISTINCT FROM NEW.password OR OLD.email IS DISTINCT FROM NEW.email
          OR OLD.active IS DISTINCT FROM NEW.active)
    EXECUTE FUNCTION void_recoveries();
CREATE FUNCTION keep_recovery() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    IF (OLD.used_at IS NOT NULL OR OLD.void_at IS NOT NULL)
       OR (NEW.user_id, NEW.way, NEW.secret_hash, NEW.created_at, NEW.ends_at)
          IS DISTINCT FROM (OLD.user_id, OLD.way, OLD.secret_hash, OLD.created_at, OLD.ends_at)
    THEN
        RAISE EXCEPTION 'A link or code is used once and never changed (%)', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_account_recovery_kept';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER kept BEFORE UPDATE ON account_recovery FOR EACH ROW EXECUTE FUNCTION keep_recovery();
"""


def upgrade() -> None:
    op.create_table(
        "account_recovery",
        sa.Column("user_id", sa.Integer(), nullable=False, comment="Usuario"),
        sa.Column("way", sa.Text(), nullable=False, comment="Medio"),
        sa.Column("secret_hash", sa.Text(), nullable=False, comment="Huella"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="Emitido",
        ),
        sa.Column("created_by_id", sa.Integer(), nullable=True, comment="Emitido por"),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False, comment="Vence"),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True, comment="Usado"),
        sa.Column(
            "void_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Sin efecto desde. Por otro posterior o por un cambio de contraseña.",
        ),
        sa.Column("id", sa.Integer(), nullable=False, comment="N.º interno"),
        sa.Column(
            "uuid",
            sa.Uuid(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="Identificador público",
        ),
        sa.CheckConstraint("way IN ('link', 'code')", name=op.f("ck_account_recovery_way")),
        sa.CheckConstraint("ends_at > created_at", name=op.f("ck_account_recovery_dates")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["ab_user.id"], name=op.f("fk_account_recovery_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_account_recovery_created_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_recovery")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_account_recovery_secret_hash")),
        sa.UniqueConstraint("uuid", name=op.f("uq_account_recovery_uuid")),
    )
    for column in ("user_id", "created_by_id"):
        op.create_index(op.f(f"ix_account_recovery_{column}"), "account_recovery", [column])
    op.create_table(
        "derived_role",
        sa.Column("role_id", sa.Integer(), nullable=False, comment="Función"),
        sa.Column(
            "base", sa.Text(), nullable=False, comment="Función de base. En el procedimiento actúa como ella."
        ),
        sa.Column("description", sa.Text(), nullable=True, comment="Para qué"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="Fecha de carga",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="Última modificación",
        ),
        sa.Column("created_by_id", sa.Integer(), nullable=True, comment="Cargado por"),
        sa.Column("updated_by_id", sa.Integer(), nullable=True, comment="Modificado por"),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False, comment="Versión"),
        sa.ForeignKeyConstraint(
            ["role_id"], ["ab_role.id"], name=op.f("fk_derived_role_role_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_derived_role_created_by_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_derived_role_updated_by_id")),
        sa.PrimaryKeyConstraint("role_id", name=op.f("pk_derived_role")),
    )
    for column in ("created_by_id", "updated_by_id"):
        op.create_index(op.f(f"ix_derived_role_{column}"), "derived_role", [column])
    op.add_column(
        "login_failure",
        sa.Column(
            "succeeded_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Última entrada. Desde esa dirección con ese nombre.",
        ),
    )
    migrations.trace(op, "account_recovery", secret=("secret_hash",))
    migrations.trace(op, "derived_role", "role_id")
    op.execute(END_SESSIONS)
    op.execute(VOID)


def downgrade() -> None:
    op.execute("DROP TRIGGER void_recoveries ON ab_user")
    op.drop_table("account_recovery")
    op.drop_table("derived_role")
    op.drop_column("login_failure", "succeeded_at")
    for function in ("void_recoveries", "keep_recovery"):
        op.execute(f"DROP FUNCTION {function}")
