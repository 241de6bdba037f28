"""A file passes from one office to another; a signed acta keeps its words while its file changes office."""

import sqlalchemy as sa
from alembic import op

from app import migrations

revision = "0013"
down_revision = "0012"

# As in 0006. What a signed visit says is fixed; the office that keeps its file is not part of what it says.
SIGNED = """
CREATE OR REPLACE FUNCTION keep_signed_visit() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
DECLARE
    annulled boolean;
    loose text[] := '{%s}';
BEGIN
    IF OLD.document_id IS NULL THEN
        RETURN NEW;
    END IF;
    IF NEW.document_id IS DISTINCT FROM OLD.document_id THEN
        SELECT status = 'annulled' INTO annulled FROM document WHERE id = OLD.document_id;
        IF NEW.document_id IS NULL AND annulled THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'The acta of visit %% is signed', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_visit_signed';
    END IF;
    IF (to_jsonb(NEW) - loose) IS DISTINCT FROM (to_jsonb(OLD) - loose) THEN
        RAISE EXCEPTION 'The acta of visit %% is signed', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_visit_signed';
    END IF;
    RETURN NEW;
END $$;
"""
LOOSE = "state,state_since,last_act_on,held,annex,copy_means,version,updated_at,updated_by_id"

OFFICES = ("from_office_id", "to_office_id", "asking_office_id")
PEOPLE = ("requested_by_id", "answered_by_id", "decided_by_id", "created_by_id", "updated_by_id")


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    now = sa.text("now()")
    op.create_table(
        "file_transfer",
        sa.Column("order_id", sa.Integer(), nullable=False, comment="Expediente"),
        sa.Column("from_office_id", sa.Integer(), nullable=False, comment="De la oficina"),
        sa.Column("to_office_id", sa.Integer(), nullable=False, comment="A la oficina"),
        sa.Column("asking_office_id", sa.Integer(), nullable=False, comment="Lo pide la oficina"),
        sa.Column("reason", sa.Text(), nullable=False, comment="Motivo del pase"),
        sa.Column("requested_at", moment, server_default=now, nullable=False, comment="Pedido"),
        sa.Column("requested_by_id", sa.Integer(), nullable=True, comment="Pedido por"),
        sa.Column("status", sa.Text(), server_default=sa.text("'requested'"), nullable=False, comment="Estado"),
        sa.Column("answered_at", moment, nullable=True, comment="Respondido"),
        sa.Column("answered_by_id", sa.Integer(), nullable=True, comment="Respondido por"),
        sa.Column("answer", sa.Text(), nullable=True, comment="Motivo de la respuesta"),
        sa.Column("decided_at", moment, nullable=True, comment="Resuelto"),
        sa.Column("decided_by_id", sa.Integer(), nullable=True, comment="Resuelto por"),
        sa.Column("decision", sa.Text(), nullable=True, comment="Fundamento de la resolución"),
        sa.Column("moved_at", moment, nullable=True, comment="Pasó. Cuándo el expediente cambió de oficina."),
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
            "status IN ('requested', 'accepted', 'refused', 'decided', 'withdrawn')",
            name=op.f("ck_file_transfer_status"),
        ),
        sa.CheckConstraint("from_office_id <> to_office_id", name=op.f("ck_file_transfer_offices")),
        sa.CheckConstraint(
            "asking_office_id IN (from_office_id, to_office_id)", name=op.f("ck_file_transfer_asking")
        ),
        sa.CheckConstraint(
            "CASE WHEN status IN ('accepted', 'refused', 'withdrawn') THEN answered_at IS NOT NULL"
            " WHEN status = 'requested' THEN answered_at IS NULL ELSE true END",
            name=op.f("ck_file_transfer_answered"),
        ),
        sa.CheckConstraint("status <> 'refused' OR answer IS NOT NULL", name=op.f("ck_file_transfer_answer")),
        sa.CheckConstraint(
            "(status = 'decided') = (decided_at IS NOT NULL)"
            " AND (decided_at IS NULL) = (decision IS NULL)",
            name=op.f("ck_file_transfer_decision"),
        ),
        sa.CheckConstraint(
            "CASE status WHEN 'accepted' THEN moved_at IS NOT NULL"
            " WHEN 'decided' THEN true ELSE moved_at IS NULL END",
            name=op.f("ck_file_transfer_moved"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["inspection_order.id"], name=op.f("fk_file_transfer_order_id")
        ),
        *(
            sa.ForeignKeyConstraint([name], ["office.id"], name=op.f(f"fk_file_transfer_{name}"))
            for name in OFFICES
        ),
        *(
            sa.ForeignKeyConstraint([name], ["ab_user.id"], name=op.f(f"fk_file_transfer_{name}"))
            for name in PEOPLE
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_transfer")),
        sa.UniqueConstraint("uuid", name=op.f("uq_file_transfer_uuid")),
    )
    for name in ("order_id", *OFFICES, *PEOPLE):
        op.create_index(op.f(f"ix_file_transfer_{name}"), "file_transfer", [name])
    op.create_index(
        "uq_file_transfer_open",
        "file_transfer",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("status = 'requested'"),
    )
    op.create_index(
        "ix_file_transfer_left",
        "file_transfer",
        ["from_office_id", "order_id"],
        postgresql_where=sa.text("moved_at IS NOT NULL"),
    )
    migrations.trace(op, "file_transfer")
    _define(SIGNED % f"{LOOSE},office_id")


def downgrade() -> None:
    _define(SIGNED % LOOSE)
    op.drop_table("file_transfer")


def _define(sql: str) -> None:
    with op.get_bind().connection.cursor() as cursor:
        cursor.execute(sql)  # without parameters: its % is its own
