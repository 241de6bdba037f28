"""Imports of a historical register: batches and rows; the identity of a historical visit."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app import migrations

revision = "0008"
down_revision = "0007"

# A finding of the imported history has no effect in the procedure: undoing its import, or applying a reviewed
# correction of the register, may take it away (traced). Every other finding that counts is withdrawn instead.
KEPT = """
CREATE OR REPLACE FUNCTION keep_opened_finding() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.state IS NOT NULL AND OLD.version_code <> 'historico' THEN
            RAISE EXCEPTION 'A finding is withdrawn, never deleted (%)', OLD.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_finding_kept';
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.state IS NOT NULL AND
       (NEW.visit_id, NEW.question_id, NEW.facts) IS DISTINCT FROM (OLD.visit_id, OLD.question_id, OLD.facts)
    THEN
        RAISE EXCEPTION 'The finding % is in a signed acta', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_finding_signed';
    END IF;
    RETURN NEW;
END $$;
"""


def upgrade() -> None:
    op.create_table(
        "register_import",
        sa.Column("name", sa.Text(), nullable=False, comment="Lote"),
        sa.Column("file_name", sa.Text(), nullable=False, comment="Archivo"),
        sa.Column("file_id", sa.Integer(), nullable=False, comment="Archivo guardado"),
        sa.Column(
            "layout",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="Lectura del archivo. Codificación, separador, títulos, columnas.",
        ),
        sa.Column("status", sa.Text(), server_default="loaded", nullable=False, comment="Estado"),
        sa.Column("message", sa.Text(), nullable=True, comment="Por qué se detuvo"),
        sa.Column(
            "judged_on",
            sa.Date(),
            nullable=True,
            comment="Fecha de la importación. Después de ella, una fecha está en el futuro.",
        ),
        sa.Column(
            "position",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Última fila escrita. Como la numera la planilla.",
        ),
        sa.Column(
            "seen", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="Filas recorridas"
        ),
        sa.Column("total", sa.Integer(), nullable=True, comment="Filas del archivo"),
        sa.Column(
            "imported", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="Importadas"
        ),
        sa.Column(
            "duplicate", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="Duplicadas"
        ),
        sa.Column(
            "quarantined", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="En cuarentena"
        ),
        sa.Column("blank", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="En blanco"),
        sa.Column(
            "trial",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="Resultado de la prueba. Cuenta, causas y ejemplos, sin escribir nada.",
        ),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=True, comment="Última señal"),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True, comment="Terminó"),
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
        sa.CheckConstraint(
            "status IN ('loaded', 'judging', 'ready', 'writing', 'failed', 'done', 'undoing', 'undone')",
            name=op.f("ck_register_import_status"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_register_import_created_by_id")
        ),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_register_import_file_id")),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_register_import_updated_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_import")),
        sa.UniqueConstraint("name", name=op.f("uq_register_import_name")),
        sa.UniqueConstraint("uuid", name=op.f("uq_register_import_uuid")),
    )
    op.create_index(
        op.f("ix_register_import_created_by_id"), "register_import", ["created_by_id"], unique=False
    )
    op.create_index(op.f("ix_register_import_file_id"), "register_import", ["file_id"], unique=False)
    op.create_index(
        op.f("ix_register_import_updated_by_id"), "register_import", ["updated_by_id"], unique=False
    )
    op.create_table(
        "register_row",
        sa.Column("id", sa.Integer(), nullable=False, comment="N.º interno"),
        sa.Column("batch_id", sa.Integer(), nullable=False, comment="Lote"),
        sa.Column("line_number", sa.Integer(), nullable=False, comment="Fila del archivo"),
        sa.Column("outcome", sa.Text(), nullable=False, comment="Desenlace"),
        sa.Column(
            "codes",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Causas. Sus códigos.",
        ),
        sa.Column(
            "flags",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Dudas. Para que alguien mire.",
        ),
        sa.Column(
            "waived",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Causas aceptadas",
        ),
        sa.Column(
            "values",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="Celdas. En el orden del archivo.",
        ),
        sa.Column(
            "original",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="Celdas antes de corregir",
        ),
        sa.Column(
            "causes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
            comment="Explicación",
        ),
        sa.Column(
            "repairs",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
            comment="Reparaciones",
        ),
        sa.Column(
            "notices",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
            comment="Avisos",
        ),
        sa.Column(
            "content",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="Contenido. Como se entendió, para comparar.",
        ),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=True, comment="Huella de la fila del archivo"),
        sa.Column("act_number", sa.Text(), nullable=True, comment="Número de acta"),
        sa.Column("act_year", sa.Integer(), nullable=True, comment="Año del acta"),
        sa.Column("cause", sa.Text(), nullable=True, comment="Motivo"),
        sa.Column("result", sa.Text(), nullable=True, comment="Resultado"),
        sa.Column("fine", sa.BigInteger(), nullable=True, comment="Multa"),
        sa.Column("resolution_number", sa.Text(), nullable=True, comment="Resolución"),
        sa.Column("resolution_on", sa.Date(), nullable=True, comment="Fecha de la resolución"),
        sa.Column("visit_id", sa.Integer(), nullable=True, comment="Visita"),
        sa.Column(
            "superseded_by_id",
            sa.Integer(),
            nullable=True,
            comment="Reemplazada por. Otra fila de la misma acta.",
        ),
        sa.Column("made_employer", sa.Integer(), nullable=True, comment="Empleador creado"),
        sa.Column("made_establishment", sa.Integer(), nullable=True, comment="Establecimiento creado"),
        sa.Column("made_headcount", sa.Integer(), nullable=True, comment="Cantidad de personal creada"),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False, comment="Versión"),
        sa.CheckConstraint(
            "outcome <> 'imported' OR visit_id IS NOT NULL", name=op.f("ck_register_row_visit")
        ),
        sa.CheckConstraint(
            "outcome IN ('imported', 'duplicate', 'quarantined', 'blank')",
            name=op.f("ck_register_row_outcome"),
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["register_import.id"], name=op.f("fk_register_row_batch_id")),
        sa.ForeignKeyConstraint(
            ["superseded_by_id"], ["register_row.id"], name=op.f("fk_register_row_superseded_by_id")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_register_row_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_row")),
        sa.UniqueConstraint("batch_id", "line_number", name=op.f("uq_register_row_batch_id_line_number")),
    )
    op.create_index("ix_register_row_act", "register_row", ["act_year", "act_number"], unique=False)
    op.create_index("ix_register_row_batch_outcome", "register_row", ["batch_id", "outcome"], unique=False)
    op.create_index(op.f("ix_register_row_fingerprint"), "register_row", ["fingerprint"], unique=False)
    op.create_index(
        op.f("ix_register_row_superseded_by_id"), "register_row", ["superseded_by_id"], unique=False
    )
    op.create_index(op.f("ix_register_row_visit_id"), "register_row", ["visit_id"], unique=False)
    op.create_index(
        "uq_visit_historical_identity",
        "visit",
        ["historical_act", "happened_on", "establishment_id"],
        unique=True,
        postgresql_where=sa.text("historical_act IS NOT NULL"),
    )
    # How far a run went is a counter; where it stands, and what it wrote, is a record.
    migrations.trace(op, "register_import", ignore=("position", "seen", "beat_at", "updated_at"))
    migrations.trace(op, "register_row")
    op.execute(KEPT)


def downgrade() -> None:
    op.drop_index("uq_visit_historical_identity", "visit")
    op.drop_table("register_row")
    op.drop_table("register_import")
