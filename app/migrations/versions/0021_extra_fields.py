"""Fields that a procedure version adds to its records, and where the records keep them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app import migrations

revision = "0021"
down_revision = "0020"

RECORDS = ("inspection_order", "visit", "finding", "final_report")
KINDS = ("text", "long", "whole", "decimal", "money", "day", "yes_no", "one", "many")
EXTRA = "Otros datos. Los que agrega la versión del procedimiento, por su código."


def names(name: str, comment: str) -> sa.Column:
    return sa.Column(
        name, postgresql.ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{}'"), comment=comment
    )


def words(name: str, comment: str) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=False, server_default=sa.text("''"), comment=comment)


def upgrade() -> None:
    op.create_table(
        "procedure_field",
        sa.Column("version_code", sa.Text(), nullable=False, comment="Versión"),
        sa.Column("process_code", sa.Text(), nullable=False, comment="Proceso"),
        sa.Column("code", sa.Text(), nullable=False, comment="Código"),
        sa.Column("position", sa.Integer(), nullable=False, comment="Orden"),
        sa.Column("text", sa.Text(), nullable=False, comment="Nombre"),
        sa.Column("kind", sa.Text(), nullable=False, comment="Clase"),
        words("help", "Ayuda"),
        sa.Column("required", sa.Boolean(), nullable=False, comment="Obligatorio"),
        names("options", "Opciones"),
        sa.Column("condition", postgresql.JSONB(none_as_null=True), comment="Condición"),
        names("see", "Quién lo ve"),
        names("edit", "Quién lo edita"),
        words("basis", "Base legal"),
        sa.CheckConstraint(
            f"kind IN ({', '.join(repr(kind) for kind in KINDS)})", name=op.f("ck_procedure_field_kind")
        ),
        sa.ForeignKeyConstraint(
            ["version_code", "process_code"],
            ["procedure_process.version_code", "procedure_process.code"],
            name=op.f("fk_procedure_field_version_code_process_code"),
        ),
        sa.PrimaryKeyConstraint("version_code", "process_code", "code", name=op.f("pk_procedure_field")),
    )
    migrations.trace(op, "procedure_field", "version_code", "process_code", "code")
    op.execute(
        "CREATE TRIGGER frozen BEFORE INSERT OR UPDATE OR DELETE ON procedure_field"
        " FOR EACH ROW EXECUTE FUNCTION refuse_published_part()"
    )
    for table in RECORDS:
        op.add_column(
            table,
            sa.Column(
                "extra",
                postgresql.JSONB(),
                nullable=False,
                server_default=sa.text("'{}'::jsonb"),
                comment=EXTRA,
            ),
        )
        op.create_check_constraint("extra", table, "jsonb_typeof(extra) = 'object'")


def downgrade() -> None:
    for table in RECORDS:
        op.drop_column(table, "extra")
    op.drop_table("procedure_field")
