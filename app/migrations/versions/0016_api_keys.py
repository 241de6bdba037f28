"""Keys of machines, their counters, and accounts that are no person's."""

import sqlalchemy as sa
from alembic import op

from app import migrations

revision = "0016"
down_revision = "0015"

MOMENT = sa.DateTime(timezone=True)
NOW = sa.text("now()")
PEOPLE = ("account_id", "created_by_id", "updated_by_id")


def upgrade() -> None:
    op.add_column(
        "ab_user",
        sa.Column(
            "machine",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Es una máquina. Pregunta con su llave y no entra con contraseña.",
        ),
    )
    op.create_check_constraint(op.f("ck_ab_user_machine"), "ab_user", "NOT machine OR password IS NULL")
    op.create_table(
        "api_key",
        sa.Column("account_id", sa.Integer(), nullable=False, comment="Cuenta. La de la máquina."),
        sa.Column(
            "name", sa.Text(), nullable=False, comment="Sistema. Quién pregunta; por ejemplo «Portal REOP»."
        ),
        sa.Column(
            "prefix", sa.Text(), nullable=False, comment="Comienzo. Sus primeros signos, para reconocerla."
        ),
        sa.Column("secret_hash", sa.Text(), nullable=False, comment="Huella. SHA-256 de la llave."),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False, comment="Alcances"),
        sa.Column(
            "addresses",
            sa.ARRAY(sa.Text()),
            nullable=True,
            comment="Solo desde. Direcciones o redes desde las que vale, separadas por comas; vacío: desde"
            " cualquiera.",
        ),
        sa.Column(
            "calls_per_minute",
            sa.Integer(),
            server_default=sa.text("120"),
            nullable=False,
            comment="Pedidos por minuto",
        ),
        sa.Column("expires_at", MOMENT, nullable=False, comment="Vence"),
        sa.Column("revoked_at", MOMENT, nullable=True, comment="Revocada"),
        sa.Column("id", sa.Integer(), nullable=False, comment="N.º interno"),
        sa.Column(
            "uuid",
            sa.Uuid(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="Identificador público",
        ),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False, comment="Fecha de carga"),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False, comment="Última modificación"),
        sa.Column("created_by_id", sa.Integer(), nullable=True, comment="Cargado por"),
        sa.Column("updated_by_id", sa.Integer(), nullable=True, comment="Modificado por"),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False, comment="Versión"),
        sa.CheckConstraint("calls_per_minute BETWEEN 1 AND 6000", name=op.f("ck_api_key_calls_per_minute")),
        sa.CheckConstraint(
            "scopes <@ ARRAY['registry:read', 'registry:write', 'inspections:read', 'inspections:write']"
            " AND cardinality(scopes) > 0",
            name=op.f("ck_api_key_scopes"),
        ),
        sa.CheckConstraint("secret_hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_api_key_secret_hash")),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_api_key_dates")),
        *(
            sa.ForeignKeyConstraint([name], ["ab_user.id"], name=op.f(f"fk_api_key_{name}"))
            for name in PEOPLE
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_key_secret_hash")),
        sa.UniqueConstraint("uuid", name=op.f("uq_api_key_uuid")),
    )
    for name in PEOPLE:
        op.create_index(op.f(f"ix_api_key_{name}"), "api_key", [name])
    op.create_table(
        "api_key_use",
        sa.Column("key_id", sa.Integer(), autoincrement=False, nullable=False, comment="Llave"),
        sa.Column("minute", MOMENT, nullable=False, comment="Minuto"),
        sa.Column("calls", sa.Integer(), nullable=False, comment="Pedidos en ese minuto"),
        sa.Column("last_used_on", sa.Date(), nullable=False, comment="Usada por última vez"),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_key.id"], name=op.f("fk_api_key_use_key_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_key_use")),
    )
    migrations.trace(op, "api_key", secret=("secret_hash",))


def downgrade() -> None:
    op.drop_table("api_key_use")
    op.drop_table("api_key")
    op.drop_constraint(op.f("ck_ab_user_machine"), "ab_user")
    op.drop_column("ab_user", "machine")
