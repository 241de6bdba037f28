"""Row-level security, and its first table: the confidential interviews of a visit."""

import sqlalchemy as sa
from alembic import op

from app import migrations

revision = "0009"
down_revision = "0008"

TEAM = """
'inspector' = ANY (string_to_array(current_setting('app.roles', true), ','))
AND EXISTS (
    SELECT FROM visit v
      JOIN order_inspector m ON m.order_id = v.order_id
      JOIN inspector i ON i.id = m.inspector_id
     WHERE v.id = visit_interview.visit_id
       AND i.account_id = nullif(current_setting('app.uid', true), '')::integer)
"""
DIRECTOR = "'director' = ANY (string_to_array(current_setting('app.roles', true), ','))"

SECURITY = f"""
ALTER TABLE visit_interview ENABLE ROW LEVEL SECURITY;
ALTER TABLE visit_interview FORCE ROW LEVEL SECURITY;
CREATE POLICY readers ON visit_interview FOR SELECT USING (({DIRECTOR}) OR ({TEAM}));
CREATE POLICY adders ON visit_interview FOR INSERT WITH CHECK ({TEAM});
CREATE POLICY changers ON visit_interview FOR UPDATE USING ({TEAM}) WITH CHECK ({TEAM});
CREATE POLICY removers ON visit_interview FOR DELETE USING ({TEAM});
CREATE TRIGGER keep_signed BEFORE UPDATE OR DELETE ON visit_interview
    FOR EACH ROW EXECUTE FUNCTION keep_signed_parts();
"""
"""The session tells who asks (app/security/scope.py), for one transaction; untold, there is no row. The owner
of the schema is no exception; the role of backups (BYPASSRLS) is."""


def upgrade() -> None:
    op.create_table(
        "visit_interview",
        sa.Column("visit_id", sa.Integer(), nullable=False, comment="Visita"),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False, comment="Tomada"),
        sa.Column(
            "worker",
            sa.Text(),
            nullable=False,
            comment="Persona entrevistada. Puesto, turno, antigüedad; el nombre solo si ella lo quiere.",
        ),
        sa.Column(
            "text",
            sa.Text(),
            nullable=False,
            comment="Qué dijo. No se imprime en nada de lo que recibe la parte empleadora.",
        ),
        sa.Column("id", sa.Integer(), nullable=False, comment="N.º interno"),
        sa.Column(
            "uuid",
            sa.Uuid(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="Identificador público",
        ),
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
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_interview_visit_id")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_visit_interview_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_visit_interview_updated_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_interview")),
        sa.UniqueConstraint("uuid", name=op.f("uq_visit_interview_uuid")),
    )
    for column in ("visit_id", "created_by_id", "updated_by_id"):
        op.create_index(op.f(f"ix_visit_interview_{column}"), "visit_interview", [column])
    migrations.trace(op, "visit_interview", secret=("worker", "text"))
    op.execute(SECURITY)


def downgrade() -> None:
    op.drop_table("visit_interview")
