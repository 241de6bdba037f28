"""An office never depends on itself, not through others either: refused by the database, whoever writes."""

from alembic import op

revision = "0010"
down_revision = "0009"

REFUSE = """
CREATE FUNCTION refuse_office_cycle() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    -- Two people moving two offices under each other at once: the second waits, and then sees the first.
    PERFORM pg_advisory_xact_lock(20130110);
    IF EXISTS (
        WITH RECURSIVE above(id) AS (
            SELECT NEW.parent_id
            UNION
            SELECT o.parent_id FROM office o JOIN above ON o.id = above.id WHERE o.parent_id IS NOT NULL
        )
        SELECT FROM above WHERE id = NEW.id
    ) THEN
        RAISE EXCEPTION 'office % would depend on itself', NEW.id
            USING ERRCODE = 'check_violation', TABLE = 'office', CONSTRAINT = 'ck_office_parent_id',
                  HINT = 'Una oficina no puede depender de sí misma ni de otra que dependa de ella: elija otra.';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION refuse_office_cycle IS 'The offices are a tree: no office is above itself';
CREATE CONSTRAINT TRIGGER office_cycle AFTER INSERT OR UPDATE OF parent_id ON office
    DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW
    WHEN (NEW.parent_id IS NOT NULL) EXECUTE FUNCTION refuse_office_cycle();
"""


def upgrade() -> None:
    with op.get_bind().connection.cursor() as cursor:
        cursor.execute(REFUSE)  # without parameters: its % is its own


def downgrade() -> None:
    op.execute("DROP TRIGGER office_cycle ON office")
    op.execute("DROP FUNCTION refuse_office_cycle()")
