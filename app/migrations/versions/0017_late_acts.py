"""A number used on paper has its place in the book; a central desk serves the offices of its branch."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

# As in 0005, with the numbers that were used on paper: they are annulled at most.
KEPT = """
CREATE OR REPLACE FUNCTION keep_document() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'A numbered document is annulled, never deleted (%%)', OLD.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_document_kept';
    END IF;
    IF (NEW.type_code, NEW.number, NEW.series_id, NEW.sequence, NEW.happened_on, NEW.verification_code)
       IS DISTINCT FROM
       (OLD.type_code, OLD.number, OLD.series_id, OLD.sequence, OLD.happened_on, OLD.verification_code)
       OR (OLD.file_id IS NOT NULL AND NEW.file_id IS DISTINCT FROM OLD.file_id)
       OR (OLD.status = 'annulled' AND NEW.status <> 'annulled')
       OR (OLD.status = 'issued' AND NEW.status = 'reserved')%s
    THEN
        RAISE EXCEPTION 'The number and the file of a document never change (%%)', OLD.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_document_kept';
    END IF;
    RETURN NEW;
END
$$;
"""
USED = """
       OR (OLD.status = 'issued' AND NEW.status = 'used')
       OR (OLD.status = 'used' AND NEW.status IN ('reserved', 'issued'))"""

# A central office without districts of its own serves the offices of its branch: those below the nearest
# office, itself or above it, that has districts below it.
SERVED = """
CREATE FUNCTION served_offices(mine integer[], on_day date) RETURNS SETOF integer
LANGUAGE sql STABLE SET search_path = public AS $$
    WITH RECURSIVE districts AS (
        SELECT DISTINCT office_id FROM jurisdiction
        WHERE valid_from <= on_day AND coalesce(valid_to, on_day) >= on_day
    ), above AS (
        SELECT id AS desk, id, parent_id, 0 AS height FROM office
        WHERE id = ANY (mine) AND kind = 'central' AND id NOT IN (SELECT office_id FROM districts)
        UNION ALL
        SELECT above.desk, o.id, o.parent_id, above.height + 1
        FROM above JOIN office o ON o.id = above.parent_id
    ), below AS (
        SELECT DISTINCT id AS head, id FROM above
        UNION
        SELECT below.head, o.id FROM below JOIN office o ON o.parent_id = below.id
    ), heads AS (
        SELECT DISTINCT ON (above.desk) above.id AS head FROM above
        WHERE EXISTS (
            SELECT FROM below JOIN districts ON districts.office_id = below.id WHERE below.head = above.id
        )
        ORDER BY above.desk, above.height
    )
    SELECT unnest(mine) UNION SELECT below.id FROM below JOIN heads ON heads.head = below.head
$$;
GRANT EXECUTE ON FUNCTION served_offices TO sis_app, sis_backup;
"""


def upgrade() -> None:
    op.add_column(
        "document", sa.Column("used_reason", sa.Text(), nullable=True, comment="Motivo del uso en papel")
    )
    _statuses("'reserved', 'issued', 'annulled', 'used'")
    op.create_check_constraint(
        op.f("ck_document_used"),
        "document",
        "status <> 'used' OR (file_id IS NOT NULL AND used_reason IS NOT NULL)",
    )
    _define(KEPT % USED)
    _define(SERVED)


def downgrade() -> None:
    op.execute("DROP FUNCTION served_offices(integer[], date)")
    _define(KEPT % "")
    op.drop_constraint(op.f("ck_document_used"), "document")
    _statuses("'reserved', 'issued', 'annulled'")
    op.drop_column("document", "used_reason")


def _statuses(known: str) -> None:
    op.drop_constraint(op.f("ck_document_status"), "document")
    op.create_check_constraint(op.f("ck_document_status"), "document", f"status IN ({known})")


def _define(sql: str) -> None:
    with op.get_bind().connection.cursor() as cursor:
        cursor.execute(sql)  # without parameters: its % is its own
