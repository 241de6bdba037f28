"""The trail is sealed in a chain; values under row-level security, readings and TRUNCATE are part of it."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from app import migrations

revision = "0014"
down_revision = "0013"

INTERVIEWS = """
CREATE FUNCTION reads_interviews(visit integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT 'director' = ANY (string_to_array(current_setting('app.roles', true), ','))
        OR 'inspector' = ANY (string_to_array(current_setting('app.roles', true), ','))
       AND EXISTS (
            SELECT FROM visit v
              JOIN order_inspector m ON m.order_id = v.order_id
              JOIN inspector i ON i.id = m.inspector_id
             WHERE v.id = reads_interviews.visit
               AND i.account_id = nullif(current_setting('app.uid', true), '')::integer)
$$;
COMMENT ON FUNCTION reads_interviews IS
    'Who reads the interviews of a visit, in their table and in the trail: its team and the director';
REVOKE ALL ON FUNCTION reads_interviews FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO sis_audit;
GRANT EXECUTE ON FUNCTION reads_interviews TO sis_app, sis_audit;
ALTER POLICY readers ON visit_interview USING (reads_interviews(visit_id));
CREATE POLICY checkers ON visit_interview FOR SELECT TO sis_owner
    USING (current_setting('audit.checking', true) = 'on');
DROP TRIGGER zz_audit ON visit_interview;
DROP TRIGGER zz_audit_emptied ON visit_interview;
SET ROLE sis_audit;
CREATE POLICY interviews ON audit.reserved FOR SELECT USING (
    CASE table_name WHEN 'visit_interview' THEN public.reads_interviews((owner ->> 'visit_id')::integer) END);
RESET ROLE;
"""
"""The policies of 0009 in one function, which the reserved part of the trail asks too."""

EMPTIED = """
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT table_name FROM audit.traced() t WHERE NOT EXISTS (
        SELECT FROM pg_trigger WHERE tgrelid = table_name::regclass AND tgname = 'zz_audit_emptied')
    LOOP
        EXECUTE format('CREATE TRIGGER zz_audit_emptied AFTER TRUNCATE ON %I'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION audit.record()', name);
    END LOOP;
END $$;
"""
"""Databases that were made before: `trace()` adds this trigger by now."""


def upgrade() -> None:
    _run((Path(migrations.HERE) / "audit_chain.sql").read_text())
    _run(EMPTIED)
    _run(INTERVIEWS)
    migrations.trace(op, "visit_interview", reserved=("visit_id",))
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "audit_check",
        sa.Column("started_at", moment, nullable=False, comment="Empezó"),
        sa.Column("ended_at", moment, nullable=False, comment="Terminó"),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="Último sello. Hasta cuál se verificó."),
        sa.Column("hash", sa.Text(), nullable=False, comment="Huella. La de ese sello."),
        sa.Column("rows", sa.BigInteger(), nullable=False, comment="Filas comparadas. Con lo que dice su rastro."),
        sa.Column("faults", sa.ARRAY(sa.Text()), nullable=False, comment="Hallazgos. Una frase por cada uno."),
        sa.Column("id", sa.Integer(), nullable=False, comment="N.º interno"),
        sa.CheckConstraint("ended_at >= started_at", name=op.f("ck_audit_check_times")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_check")),
    )
    migrations.trace(op, "audit_check")


def downgrade() -> None:
    raise RuntimeError("The chain of the trail is not undone: restore a backup instead.")


def _run(script: str) -> None:
    """Run a script as it stands, without parameters (its % and : are its own)."""
    with op.get_bind().connection.cursor() as cursor:
        cursor.execute(script)
