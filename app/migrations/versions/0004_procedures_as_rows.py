"""Procedures as rows: versions, processes, states, terms, moves; published ones frozen."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app import migrations

revision = "0004"
down_revision = "0003"

PARTS = ("procedure_process", "procedure_state", "procedure_term", "procedure_move")

FROZEN = """
CREATE FUNCTION refuse_published_part() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
DECLARE
    versions text[] := ARRAY[]::text[];
BEGIN
    IF TG_OP <> 'INSERT' THEN versions := versions || OLD.version_code; END IF;
    IF TG_OP <> 'DELETE' THEN versions := versions || NEW.version_code; END IF;
    IF EXISTS (SELECT 1 FROM procedure_version WHERE code = ANY (versions) AND status <> 'draft') THEN
        RAISE EXCEPTION 'A published procedure version is frozen (%)', array_to_string(versions, ', ')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_procedure_frozen';
    END IF;
    RETURN coalesce(NEW, OLD);
END
$$;
CREATE FUNCTION refuse_published_version() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    IF OLD.status = 'draft' THEN RETURN coalesce(NEW, OLD); END IF;
    IF TG_OP = 'UPDATE' AND NEW.status IN ('published', 'retired')
       AND (to_jsonb(NEW) - ARRAY['status', 'valid_to', 'updated_at', 'updated_by_id', 'version'])
         = (to_jsonb(OLD) - ARRAY['status', 'valid_to', 'updated_at', 'updated_by_id', 'version'])
    THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'A published procedure version is frozen (%)', OLD.code
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_procedure_frozen';
END
$$;
CREATE TRIGGER frozen BEFORE UPDATE OR DELETE ON procedure_version
    FOR EACH ROW EXECUTE FUNCTION refuse_published_version();
"""


def upgrade() -> None:
    _tables()
    op.create_index("ix_procedure_move_to", "procedure_move", ["version_code", "process_code", "to_state"])
    migrations.trace(op, "procedure_version", "code")
    migrations.trace(op, "procedure_process", "version_code", "code")
    migrations.trace(op, "procedure_state", "version_code", "process_code", "code")
    migrations.trace(op, "procedure_term", "version_code", "process_code", "code")
    migrations.trace(op, "procedure_move", "version_code", "process_code", "from_state", "code")
    op.execute(FROZEN)
    for table in PARTS:
        op.execute(
            f"CREATE TRIGGER frozen BEFORE INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_published_part()"
        )


def _tables() -> None:
    op.create_table(
        "procedure_version",
        sa.Column("code", sa.Text(), nullable=False, comment="Código. Por ejemplo 2025-398."),
        sa.Column("name", sa.Text(), nullable=False, comment="Nombre"),
        sa.Column("basis", sa.Text(), nullable=False, comment="Base legal"),
        sa.Column("valid_from", sa.Date(), nullable=False, comment="Rige desde"),
        sa.Column("valid_to", sa.Date(), nullable=True, comment="Rige hasta"),
        sa.Column("status", sa.Text(), nullable=False, comment="Estado"),
        sa.Column(
            "historical",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Histórica. Sobre ella se apoyan las actuaciones importadas: tiene fases y ningún paso.",
        ),
        sa.Column(
            "transition",
            sa.Text(),
            server_default=sa.text("''"),
            nullable=False,
            comment="Regla transitoria. Qué pasa con los expedientes abiertos.",
        ),
        sa.Column(
            "transition_basis",
            sa.Text(),
            server_default=sa.text("''"),
            nullable=False,
            comment="Base de la regla transitoria",
        ),
        sa.Column(
            "transition_source",
            sa.Text(),
            server_default=sa.text("''"),
            nullable=False,
            comment="Respaldo de la regla transitoria",
        ),
        sa.Column("notes", sa.Text(), server_default=sa.text("''"), nullable=False, comment="Notas"),
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
            "status IN ('draft', 'published', 'retired')", name=op.f("ck_procedure_version_status")
        ),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_procedure_version_dates")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_procedure_version_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_procedure_version_updated_by_id")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_procedure_version")),
    )
    op.create_index(
        op.f("ix_procedure_version_created_by_id"), "procedure_version", ["created_by_id"], unique=False
    )
    op.create_index(
        op.f("ix_procedure_version_updated_by_id"), "procedure_version", ["updated_by_id"], unique=False
    )
    op.create_index(
        op.f("ix_procedure_version_valid_from"), "procedure_version", ["valid_from"], unique=False
    )
    op.create_table(
        "procedure_process",
        sa.Column("version_code", sa.Text(), nullable=False, comment="Versión"),
        sa.Column("code", sa.Text(), nullable=False, comment="Código"),
        sa.Column("position", sa.Integer(), nullable=False, comment="Orden"),
        sa.Column("name", sa.Text(), nullable=False, comment="Nombre"),
        sa.Column(
            "guards",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Guardas. Se juzgan al inicio y en cada paso.",
        ),
        sa.Column("version_from", sa.Text(), nullable=False, comment="Toma la versión de"),
        sa.Column("basis", sa.Text(), server_default=sa.text("''"), nullable=False, comment="Base legal"),
        sa.Column("start_state", sa.Text(), nullable=True, comment="Estado inicial"),
        sa.Column(
            "start_roles",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Quién lo abre",
        ),
        sa.Column(
            "start_guards",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Guardas del inicio",
        ),
        sa.Column(
            "start_opens_terms",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Plazos que abre el inicio",
        ),
        sa.ForeignKeyConstraint(
            ["version_code"], ["procedure_version.code"], name=op.f("fk_procedure_process_version_code")
        ),
        sa.PrimaryKeyConstraint("version_code", "code", name=op.f("pk_procedure_process")),
    )
    op.create_table(
        "procedure_state",
        sa.Column("version_code", sa.Text(), nullable=False, comment="Versión"),
        sa.Column("process_code", sa.Text(), nullable=False, comment="Proceso"),
        sa.Column("code", sa.Text(), nullable=False, comment="Código"),
        sa.Column("position", sa.Integer(), nullable=False, comment="Orden"),
        sa.Column("name", sa.Text(), nullable=False, comment="Nombre"),
        sa.Column("phase", sa.Text(), nullable=False, comment="Fase"),
        sa.Column("final", sa.Boolean(), nullable=False, comment="Final"),
        sa.Column("basis", sa.Text(), server_default=sa.text("''"), nullable=False, comment="Base legal"),
        sa.Column("source", sa.Text(), server_default=sa.text("''"), nullable=False, comment="Respaldo"),
        sa.ForeignKeyConstraint(
            ["version_code", "process_code"],
            ["procedure_process.version_code", "procedure_process.code"],
            name=op.f("fk_procedure_state_version_code_process_code"),
        ),
        sa.PrimaryKeyConstraint("version_code", "process_code", "code", name=op.f("pk_procedure_state")),
    )
    op.create_index(op.f("ix_procedure_state_phase"), "procedure_state", ["phase"], unique=False)
    op.create_table(
        "procedure_term",
        sa.Column("version_code", sa.Text(), nullable=False, comment="Versión"),
        sa.Column("process_code", sa.Text(), nullable=False, comment="Proceso"),
        sa.Column("code", sa.Text(), nullable=False, comment="Código"),
        sa.Column("position", sa.Integer(), nullable=False, comment="Orden"),
        sa.Column("name", sa.Text(), nullable=False, comment="Nombre"),
        sa.Column("parameter", sa.Text(), nullable=False, comment="Parámetro de los días"),
        sa.Column("unit", sa.Text(), nullable=False, comment="Unidad. Días hábiles o corridos."),
        sa.Column("calendar_of", sa.Text(), nullable=False, comment="Calendario de"),
        sa.Column("responsible", sa.Text(), nullable=False, comment="Responsable"),
        sa.Column(
            "alerts_parameter",
            sa.Text(),
            server_default=sa.text("''"),
            nullable=False,
            comment="Parámetro de las alertas",
        ),
        sa.Column(
            "alert_roles",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Avisa a",
        ),
        sa.Column(
            "escalation",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Escala a",
        ),
        sa.Column(
            "extension_parameter",
            sa.Text(),
            server_default=sa.text("''"),
            nullable=False,
            comment="Parámetro del límite de prórrogas",
        ),
        sa.Column(
            "condition",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="Condición",
        ),
        sa.Column("basis", sa.Text(), server_default=sa.text("''"), nullable=False, comment="Base legal"),
        sa.Column("source", sa.Text(), server_default=sa.text("''"), nullable=False, comment="Respaldo"),
        sa.ForeignKeyConstraint(
            ["version_code", "process_code"],
            ["procedure_process.version_code", "procedure_process.code"],
            name=op.f("fk_procedure_term_version_code_process_code"),
        ),
        sa.PrimaryKeyConstraint("version_code", "process_code", "code", name=op.f("pk_procedure_term")),
    )
    op.create_table(
        "procedure_move",
        sa.Column("version_code", sa.Text(), nullable=False, comment="Versión"),
        sa.Column("process_code", sa.Text(), nullable=False, comment="Proceso"),
        sa.Column("from_state", sa.Text(), nullable=False, comment="Desde"),
        sa.Column("code", sa.Text(), nullable=False, comment="Código"),
        sa.Column("position", sa.Integer(), nullable=False, comment="Orden"),
        sa.Column("to_state", sa.Text(), nullable=False, comment="Hasta"),
        sa.Column("text", sa.Text(), nullable=False, comment="Texto del botón"),
        sa.Column(
            "roles",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Quién puede",
        ),
        sa.Column("reason_required", sa.Boolean(), nullable=False, comment="Exige motivo"),
        sa.Column("reopens", sa.Boolean(), nullable=False, comment="Reabre"),
        sa.Column(
            "guards",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Guardas",
        ),
        sa.Column(
            "condition",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="Condición",
        ),
        sa.Column(
            "condition_reason",
            sa.Text(),
            server_default=sa.text("''"),
            nullable=False,
            comment="Motivo cuando la condición no se cumple",
        ),
        sa.Column(
            "opens_terms",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Plazos que abre",
        ),
        sa.Column(
            "closes_terms",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Plazos que cierra",
        ),
        sa.Column(
            "letters",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Documentos que emite",
        ),
        sa.Column(
            "effects",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Efectos",
        ),
        sa.Column("basis", sa.Text(), server_default=sa.text("''"), nullable=False, comment="Base legal"),
        sa.Column("source", sa.Text(), server_default=sa.text("''"), nullable=False, comment="Respaldo"),
        sa.ForeignKeyConstraint(
            ["version_code", "process_code", "from_state"],
            ["procedure_state.version_code", "procedure_state.process_code", "procedure_state.code"],
            name="fk_procedure_move_from",
        ),
        sa.ForeignKeyConstraint(
            ["version_code", "process_code", "to_state"],
            ["procedure_state.version_code", "procedure_state.process_code", "procedure_state.code"],
            name="fk_procedure_move_to",
        ),
        sa.PrimaryKeyConstraint(
            "version_code", "process_code", "from_state", "code", name=op.f("pk_procedure_move")
        ),
    )


def downgrade() -> None:
    for table in (*reversed(PARTS), "procedure_version"):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_published_part")
    op.execute("DROP FUNCTION refuse_published_version")
