"""Orders, visits, answers, findings, reports, their terms and the log of their moves."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app import migrations

revision = "0006"
down_revision = "0005"

TRACED = (
    "inspection_order",
    "order_inspector",
    "order_establishment",
    "order_checklist",
    "conflict_of_interest",
    "visit",
    "visit_inspector",
    "visit_headcount",
    "answer",
    "visit_signature",
    "visit_file",
    "acta_correction",
    "finding",
    "filing",
    "affected_worker",
    "final_report",
    "record_move",
    "term",
    "term_alert",
    "record_document",
    "notice",
)

SIGNED = """
CREATE FUNCTION keep_signed_visit() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
DECLARE
    annulled boolean;
BEGIN
    IF OLD.document_id IS NULL THEN
        RETURN NEW;
    END IF;
    IF NEW.document_id IS DISTINCT FROM OLD.document_id THEN
        SELECT status = 'annulled' INTO annulled FROM document WHERE id = OLD.document_id;
        IF NEW.document_id IS NULL AND annulled THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'The acta of visit % is signed', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_visit_signed';
    END IF;
    IF (to_jsonb(NEW) - '{state,state_since,last_act_on,held,annex,copy_means,version,updated_at,updated_by_id}'::text[])
       IS DISTINCT FROM
       (to_jsonb(OLD) - '{state,state_since,last_act_on,held,annex,copy_means,version,updated_at,updated_by_id}'::text[])
    THEN
        RAISE EXCEPTION 'The acta of visit % is signed', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_visit_signed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_signed BEFORE UPDATE ON visit FOR EACH ROW EXECUTE FUNCTION keep_signed_visit();

CREATE FUNCTION keep_signed_parts() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
DECLARE
    part jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
BEGIN
    IF EXISTS (SELECT FROM visit WHERE id = (part ->> 'visit_id')::integer AND document_id IS NOT NULL) THEN
        IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'visit_inspector' AND
           (to_jsonb(NEW) - '{confirmed_at,version,updated_at,updated_by_id}'::text[])
           = (to_jsonb(OLD) - '{confirmed_at,version,updated_at,updated_by_id}'::text[])
        THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'The acta of visit % is signed', part ->> 'visit_id'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_' || TG_TABLE_NAME || '_signed';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
"""

PARTS = ("visit_inspector", "visit_headcount", "answer", "visit_signature", "visit_file")

KEPT = """
CREATE FUNCTION keep_signed_order() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'An order is annulled, never deleted (%)', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_inspection_order_kept';
    END IF;
    IF OLD.document_id IS NOT NULL AND
       (NEW.document_id, NEW.kind, NEW.origin, NEW.matters, NEW.instructions, NEW.period_from, NEW.period_to,
        NEW.shift, NEW.zone, NEW.valid_from)
       IS DISTINCT FROM
       (OLD.document_id, OLD.kind, OLD.origin, OLD.matters, OLD.instructions, OLD.period_from, OLD.period_to,
        OLD.shift, OLD.zone, OLD.valid_from)
    THEN
        RAISE EXCEPTION 'The order % is signed', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_inspection_order_signed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_signed BEFORE UPDATE OR DELETE ON inspection_order
    FOR EACH ROW EXECUTE FUNCTION keep_signed_order();

CREATE FUNCTION keep_move() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.reviewed_at IS NOT NULL OR
       (to_jsonb(NEW) - '{reviewed_at,reviewed_by_id,review}'::text[])
       IS DISTINCT FROM (to_jsonb(OLD) - '{reviewed_at,reviewed_by_id,review}'::text[])
    THEN
        RAISE EXCEPTION 'A step that was taken is not changed (%)', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_record_move_kept';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON record_move FOR EACH ROW EXECUTE FUNCTION keep_move();

CREATE FUNCTION keep_opened_finding() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.state IS NOT NULL THEN
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
CREATE TRIGGER keep_opened BEFORE UPDATE OR DELETE ON finding
    FOR EACH ROW EXECUTE FUNCTION keep_opened_finding();

CREATE FUNCTION keep_roster() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    IF EXISTS (SELECT FROM finding WHERE id = OLD.finding_id AND state IS NOT NULL) THEN
        RAISE EXCEPTION 'A worker is taken off the roster with a reason, never deleted (%)', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_affected_worker_kept';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER keep BEFORE DELETE ON affected_worker FOR EACH ROW EXECUTE FUNCTION keep_roster();
"""


def upgrade() -> None:
    # ### commands auto generated by Alembic - please adjust! ###
    op.create_table(
        "notice",
        sa.Column("account_id", sa.Integer(), nullable=False, comment="Para"),
        sa.Column("text", sa.Text(), nullable=False, comment="Aviso"),
        sa.Column("url", sa.Text(), nullable=True, comment="Dirección. Camino dentro del sistema."),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="Fecha",
        ),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True, comment="Leído"),
        sa.Column("id", sa.Integer(), nullable=False, comment="N.º interno"),
        sa.Column(
            "uuid",
            sa.Uuid(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="Identificador público",
        ),
        sa.ForeignKeyConstraint(["account_id"], ["ab_user.id"], name=op.f("fk_notice_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("uuid", name=op.f("uq_notice_uuid")),
    )
    op.create_index(op.f("ix_notice_account_id"), "notice", ["account_id"], unique=False)
    op.create_index(
        "ix_notice_unread",
        "notice",
        ["account_id", "id"],
        unique=False,
        postgresql_where=sa.text("read_at IS NULL"),
    )
    op.create_table(
        "conflict_of_interest",
        sa.Column("inspector_id", sa.Integer(), nullable=False, comment="Inspector"),
        sa.Column("employer_id", sa.Integer(), nullable=False, comment="Empleador"),
        sa.Column(
            "relation",
            sa.Text(),
            nullable=False,
            comment="Relación. Por ejemplo parentesco, empleo anterior, pleito.",
        ),
        sa.Column("valid_from", sa.Date(), nullable=False, comment="Desde"),
        sa.Column("valid_to", sa.Date(), nullable=True, comment="Hasta"),
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
            "valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_conflict_of_interest_dates")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_conflict_of_interest_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["employer_id"], ["employer.id"], name=op.f("fk_conflict_of_interest_employer_id")
        ),
        sa.ForeignKeyConstraint(
            ["inspector_id"], ["inspector.id"], name=op.f("fk_conflict_of_interest_inspector_id")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_conflict_of_interest_updated_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conflict_of_interest")),
        sa.UniqueConstraint("uuid", name=op.f("uq_conflict_of_interest_uuid")),
    )
    op.create_index(
        op.f("ix_conflict_of_interest_created_by_id"), "conflict_of_interest", ["created_by_id"], unique=False
    )
    op.create_index(
        op.f("ix_conflict_of_interest_employer_id"), "conflict_of_interest", ["employer_id"], unique=False
    )
    op.create_index(
        op.f("ix_conflict_of_interest_inspector_id"), "conflict_of_interest", ["inspector_id"], unique=False
    )
    op.create_index(
        op.f("ix_conflict_of_interest_updated_by_id"), "conflict_of_interest", ["updated_by_id"], unique=False
    )
    op.create_table(
        "inspection_order",
        sa.Column("kind", sa.Text(), nullable=False, comment="Clase de orden"),
        sa.Column("origin", sa.Text(), nullable=False, comment="Modo de inicio"),
        sa.Column("priority", sa.Text(), server_default=sa.text("'P3'"), nullable=False, comment="Prioridad"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="Oficina"),
        sa.Column(
            "matters",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Materias. Áreas que la orden alcanza.",
        ),
        sa.Column(
            "instructions", sa.Text(), nullable=True, comment="Instrucciones. Se imprimen en la orden."
        ),
        sa.Column("period_from", sa.Date(), nullable=True, comment="Período examinado desde"),
        sa.Column("period_to", sa.Date(), nullable=True, comment="Período examinado hasta"),
        sa.Column("shift", sa.Text(), server_default=sa.text("'diurno'"), nullable=False, comment="Turno"),
        sa.Column("zone", sa.Text(), nullable=True, comment="Zona. En una orden de turno o abierta."),
        sa.Column(
            "requires_authorisation",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Es un domicilio particular. Exige consentimiento o autorización judicial antes de la visita.",
        ),
        sa.Column(
            "authorisation",
            sa.Text(),
            nullable=True,
            comment="Consentimiento o autorización judicial. Quién la dio, número y fecha.",
        ),
        sa.Column(
            "authorisation_file_id",
            sa.Integer(),
            nullable=True,
            comment="Documento del consentimiento o la autorización",
        ),
        sa.Column(
            "absence_confirmed",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Designación confirmada pese a la ausencia",
        ),
        sa.Column("valid_from", sa.Date(), nullable=True, comment="Vigente desde"),
        sa.Column("valid_until", sa.Date(), nullable=True, comment="Vigente hasta. Para la primera visita."),
        sa.Column("document_id", sa.Integer(), nullable=True, comment="Orden emitida"),
        sa.Column("replaces_id", sa.Integer(), nullable=True, comment="Reemplaza a"),
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
        sa.Column("version_code", sa.Text(), nullable=False, comment="Versión del procedimiento"),
        sa.Column(
            "process_code", sa.Text(), server_default=sa.text("'order'"), nullable=False, comment="Proceso"
        ),
        sa.Column("state", sa.Text(), nullable=True, comment="Estado. Sin estado: en preparación."),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=True, comment="En este estado desde"),
        sa.Column("last_act_on", sa.Date(), nullable=True, comment="Último acto"),
        sa.Column(
            "held", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="Acto retenido"
        ),
        sa.CheckConstraint(
            "kind IN ('ESTABLECIMIENTO', 'TURNO', 'OPERATIVO')", name=op.f("ck_inspection_order_kind")
        ),
        sa.CheckConstraint(
            "origin IN ('PLAN', 'OFICIO', 'DENUNCIA', 'GREMIAL', 'INSTITUCIONAL', 'FISCAL_JUDICIAL', 'ACCIDENTE')",
            name=op.f("ck_inspection_order_origin"),
        ),
        sa.CheckConstraint("priority IN ('P1', 'P2', 'P3')", name=op.f("ck_inspection_order_priority")),
        sa.CheckConstraint("process_code = 'order'", name=op.f("ck_inspection_order_process")),
        sa.CheckConstraint(
            "shift IN ('diurno', 'nocturno', 'fin_de_semana')", name=op.f("ck_inspection_order_shift")
        ),
        sa.CheckConstraint(
            "period_to IS NULL OR period_from <= period_to", name=op.f("ck_inspection_order_period")
        ),
        sa.CheckConstraint("replaces_id <> id", name=op.f("ck_inspection_order_replaces")),
        sa.CheckConstraint(
            "valid_until IS NULL OR valid_until >= valid_from", name=op.f("ck_inspection_order_validity")
        ),
        sa.ForeignKeyConstraint(
            ["authorisation_file_id"],
            ["stored_file.id"],
            name=op.f("fk_inspection_order_authorisation_file_id"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_inspection_order_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name=op.f("fk_inspection_order_document_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_inspection_order_office_id")),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["inspection_order.id"], name=op.f("fk_inspection_order_replaces_id")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_inspection_order_updated_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["version_code", "process_code", "state"],
            ["procedure_state.version_code", "procedure_state.process_code", "procedure_state.code"],
            name=op.f("fk_inspection_order_version_code_process_code_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection_order")),
        sa.UniqueConstraint("id", "version_code", name=op.f("uq_inspection_order_id_version_code")),
        sa.UniqueConstraint("uuid", name=op.f("uq_inspection_order_uuid")),
    )
    op.create_index(
        op.f("ix_inspection_order_authorisation_file_id"),
        "inspection_order",
        ["authorisation_file_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_inspection_order_created_by_id"), "inspection_order", ["created_by_id"], unique=False
    )
    op.create_index(
        op.f("ix_inspection_order_document_id"), "inspection_order", ["document_id"], unique=False
    )
    op.create_index(
        "ix_inspection_order_office_created", "inspection_order", ["office_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_inspection_order_replaces_id"), "inspection_order", ["replaces_id"], unique=False
    )
    op.create_index(
        "ix_inspection_order_state",
        "inspection_order",
        ["version_code", "process_code", "state"],
        unique=False,
    )
    op.create_index(
        op.f("ix_inspection_order_updated_by_id"), "inspection_order", ["updated_by_id"], unique=False
    )
    op.create_table(
        "final_report",
        sa.Column("order_id", sa.Integer(), nullable=False, comment="Orden"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="Oficina"),
        sa.Column("facts", sa.Text(), nullable=True, comment="Relato de los hechos"),
        sa.Column("analysis", sa.Text(), nullable=True, comment="Análisis legal"),
        sa.Column(
            "background", sa.Text(), nullable=True, comment="Antecedentes que acompaña. Uno por línea."
        ),
        sa.Column("proposal", sa.Text(), nullable=True, comment="Propuesta"),
        sa.Column("observation", sa.Text(), nullable=True, comment="Informe explicativo de la DGIFT"),
        sa.Column("opinion", sa.Text(), nullable=True, comment="Dictamen de la DGAJ"),
        sa.Column("decision", sa.Text(), nullable=True, comment="Providencia"),
        sa.Column("document_id", sa.Integer(), nullable=True, comment="Informe emitido"),
        sa.Column("opinion_id", sa.Integer(), nullable=True, comment="Dictamen emitido"),
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
        sa.Column("version_code", sa.Text(), nullable=False, comment="Versión del procedimiento"),
        sa.Column(
            "process_code", sa.Text(), server_default=sa.text("'report'"), nullable=False, comment="Proceso"
        ),
        sa.Column("state", sa.Text(), nullable=True, comment="Estado. Sin estado: en preparación."),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=True, comment="En este estado desde"),
        sa.Column("last_act_on", sa.Date(), nullable=True, comment="Último acto"),
        sa.Column(
            "held", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="Acto retenido"
        ),
        sa.CheckConstraint("process_code = 'report'", name=op.f("ck_final_report_process")),
        sa.CheckConstraint(
            "proposal IN ('ARCHIVO', 'SUMARIO', 'NUEVAS_DILIGENCIAS')", name=op.f("ck_final_report_proposal")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_final_report_created_by_id")
        ),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_final_report_document_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_final_report_office_id")),
        sa.ForeignKeyConstraint(["opinion_id"], ["document.id"], name=op.f("fk_final_report_opinion_id")),
        sa.ForeignKeyConstraint(
            ["order_id", "version_code"],
            ["inspection_order.id", "inspection_order.version_code"],
            name=op.f("fk_final_report_order_id_version_code"),
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_final_report_updated_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["version_code", "process_code", "state"],
            ["procedure_state.version_code", "procedure_state.process_code", "procedure_state.code"],
            name=op.f("fk_final_report_version_code_process_code_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_final_report")),
        sa.UniqueConstraint("order_id", name=op.f("uq_final_report_order_id")),
        sa.UniqueConstraint("uuid", name=op.f("uq_final_report_uuid")),
    )
    op.create_index(op.f("ix_final_report_created_by_id"), "final_report", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_final_report_document_id"), "final_report", ["document_id"], unique=False)
    op.create_index(op.f("ix_final_report_office_id"), "final_report", ["office_id"], unique=False)
    op.create_index(op.f("ix_final_report_opinion_id"), "final_report", ["opinion_id"], unique=False)
    op.create_index(
        "ix_final_report_order_version", "final_report", ["order_id", "version_code"], unique=False
    )
    op.create_index(
        "ix_final_report_state", "final_report", ["version_code", "process_code", "state"], unique=False
    )
    op.create_index(op.f("ix_final_report_updated_by_id"), "final_report", ["updated_by_id"], unique=False)
    op.create_table(
        "order_checklist",
        sa.Column("order_id", sa.Integer(), nullable=False, comment="Orden"),
        sa.Column("checklist_version_id", sa.Integer(), nullable=False, comment="Lista de control"),
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
        sa.ForeignKeyConstraint(
            ["checklist_version_id"],
            ["checklist_version.id"],
            name=op.f("fk_order_checklist_checklist_version_id"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_order_checklist_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["inspection_order.id"], name=op.f("fk_order_checklist_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_order_checklist_updated_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_checklist")),
        sa.UniqueConstraint(
            "order_id", "checklist_version_id", name=op.f("uq_order_checklist_order_id_checklist_version_id")
        ),
        sa.UniqueConstraint("uuid", name=op.f("uq_order_checklist_uuid")),
    )
    op.create_index(
        op.f("ix_order_checklist_checklist_version_id"),
        "order_checklist",
        ["checklist_version_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_order_checklist_created_by_id"), "order_checklist", ["created_by_id"], unique=False
    )
    op.create_index(op.f("ix_order_checklist_order_id"), "order_checklist", ["order_id"], unique=False)
    op.create_index(
        op.f("ix_order_checklist_updated_by_id"), "order_checklist", ["updated_by_id"], unique=False
    )
    op.create_table(
        "order_establishment",
        sa.Column("order_id", sa.Integer(), nullable=False, comment="Orden"),
        sa.Column("establishment_id", sa.Integer(), nullable=False, comment="Establecimiento"),
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
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_order_establishment_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["establishment_id"], ["establishment.id"], name=op.f("fk_order_establishment_establishment_id")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["inspection_order.id"], name=op.f("fk_order_establishment_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_order_establishment_updated_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_establishment")),
        sa.UniqueConstraint(
            "order_id", "establishment_id", name=op.f("uq_order_establishment_order_id_establishment_id")
        ),
        sa.UniqueConstraint("uuid", name=op.f("uq_order_establishment_uuid")),
    )
    op.create_index(
        op.f("ix_order_establishment_created_by_id"), "order_establishment", ["created_by_id"], unique=False
    )
    op.create_index(
        op.f("ix_order_establishment_establishment_id"),
        "order_establishment",
        ["establishment_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_order_establishment_order_id"), "order_establishment", ["order_id"], unique=False
    )
    op.create_index(
        op.f("ix_order_establishment_updated_by_id"), "order_establishment", ["updated_by_id"], unique=False
    )
    op.create_table(
        "order_inspector",
        sa.Column("order_id", sa.Integer(), nullable=False, comment="Orden"),
        sa.Column("inspector_id", sa.Integer(), nullable=False, comment="Inspector"),
        sa.Column("leader", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="Líder"),
        sa.Column("since", sa.Date(), nullable=False, comment="Desde"),
        sa.Column("until", sa.Date(), nullable=True, comment="Hasta. Fue sustituido ese día."),
        sa.Column("reason", sa.Text(), nullable=True, comment="Motivo de la sustitución"),
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
        sa.CheckConstraint("until IS NULL OR until >= since", name=op.f("ck_order_inspector_dates")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_order_inspector_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["inspector_id"], ["inspector.id"], name=op.f("fk_order_inspector_inspector_id")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["inspection_order.id"], name=op.f("fk_order_inspector_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_order_inspector_updated_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_inspector")),
        sa.UniqueConstraint("uuid", name=op.f("uq_order_inspector_uuid")),
    )
    op.create_index(
        op.f("ix_order_inspector_created_by_id"), "order_inspector", ["created_by_id"], unique=False
    )
    op.create_index(
        op.f("ix_order_inspector_inspector_id"), "order_inspector", ["inspector_id"], unique=False
    )
    op.create_index(op.f("ix_order_inspector_order_id"), "order_inspector", ["order_id"], unique=False)
    op.create_index(
        op.f("ix_order_inspector_updated_by_id"), "order_inspector", ["updated_by_id"], unique=False
    )
    op.create_index(
        "uq_order_inspector_leader",
        "order_inspector",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("leader AND until IS NULL"),
    )
    op.create_index(
        "uq_order_inspector_once",
        "order_inspector",
        ["order_id", "inspector_id"],
        unique=True,
        postgresql_where=sa.text("until IS NULL"),
    )
    op.create_table(
        "visit",
        sa.Column("order_id", sa.Integer(), nullable=True, comment="Orden"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="Oficina"),
        sa.Column(
            "establishment_id",
            sa.Integer(),
            nullable=True,
            comment="Establecimiento. En una orden de turno, en la puerta.",
        ),
        sa.Column("kind", sa.Text(), nullable=False, comment="Tipo de visita"),
        sa.Column(
            "number", sa.Integer(), server_default=sa.text("1"), nullable=False, comment="N.º de visita"
        ),
        sa.Column("planned_on", sa.Date(), nullable=True, comment="Programada para"),
        sa.Column("happened_on", sa.Date(), nullable=True, comment="Fecha de la visita"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True, comment="Inicio"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True, comment="Fin"),
        sa.Column("latitude", sa.Numeric(precision=9, scale=6), nullable=True, comment="Latitud"),
        sa.Column("longitude", sa.Numeric(precision=9, scale=6), nullable=True, comment="Longitud"),
        sa.Column("accuracy", sa.Integer(), nullable=True, comment="Precisión. En metros."),
        sa.Column("attended_by", sa.Text(), nullable=True, comment="Atendió la visita"),
        sa.Column("attended_document", sa.Text(), nullable=True, comment="Documento de quien atendió"),
        sa.Column("attended_post", sa.Text(), nullable=True, comment="Cargo de quien atendió"),
        sa.Column(
            "workers_representative", sa.Text(), nullable=True, comment="Representante de los trabajadores"
        ),
        sa.Column("work_domain", sa.Text(), nullable=True, comment="Ámbito. En trabajo doméstico o rural."),
        sa.Column(
            "live_in",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Sin retiro. La persona trabajadora vive en el lugar.",
        ),
        sa.Column(
            "unhealthy_work",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Trabajo insalubre",
        ),
        sa.Column("documents_seen", sa.Text(), nullable=True, comment="Documentos vistos. Uno por línea."),
        sa.Column(
            "documents_requested", sa.Text(), nullable=True, comment="Documentos requeridos. Uno por línea."
        ),
        sa.Column("narrative", sa.Text(), nullable=True, comment="Relato de lo constatado"),
        sa.Column(
            "employer_statement", sa.Text(), nullable=True, comment="Manifestaciones de la parte empleadora"
        ),
        sa.Column(
            "workers_statement",
            sa.Text(),
            nullable=True,
            comment="Manifestaciones de los trabajadores. Sin nombres.",
        ),
        sa.Column("copy_means", sa.Text(), nullable=True, comment="Entrega de la copia"),
        sa.Column("annex", sa.Text(), nullable=True, comment="Anexo de establecimiento"),
        sa.Column(
            "captured_on_device",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Capturada en el momento",
        ),
        sa.Column("document_id", sa.Integer(), nullable=True, comment="Acta"),
        sa.Column("historical_order", sa.Text(), nullable=True, comment="Orden, en el registro histórico"),
        sa.Column("historical_act", sa.Text(), nullable=True, comment="Acta, en el registro histórico"),
        sa.Column(
            "historical_result", sa.Text(), nullable=True, comment="Resultado, en el registro histórico"
        ),
        sa.Column(
            "historical_inspectors", sa.Text(), nullable=True, comment="Inspectores, en el registro histórico"
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
        sa.Column("version_code", sa.Text(), nullable=False, comment="Versión del procedimiento"),
        sa.Column(
            "process_code", sa.Text(), server_default=sa.text("'visit'"), nullable=False, comment="Proceso"
        ),
        sa.Column("state", sa.Text(), nullable=True, comment="Estado. Sin estado: en preparación."),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=True, comment="En este estado desde"),
        sa.Column("last_act_on", sa.Date(), nullable=True, comment="Último acto"),
        sa.Column(
            "held", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="Acto retenido"
        ),
        sa.CheckConstraint("annex IN ('pending', 'ratified')", name=op.f("ck_visit_annex")),
        sa.CheckConstraint("work_domain IN ('domestic', 'rural')", name=op.f("ck_visit_work_domain")),
        sa.CheckConstraint("copy_means IN ('paper', 'pdf', 'code')", name=op.f("ck_visit_copy_means")),
        sa.CheckConstraint(
            "kind IN ('INICIAL', 'CONTINUACION', 'VERIFICACION', 'ACCIDENTE', 'OPERATIVO', 'DOCUMENTAL')",
            name=op.f("ck_visit_kind"),
        ),
        sa.CheckConstraint("order_id IS NOT NULL OR version_code = 'historico'", name=op.f("ck_visit_order")),
        sa.CheckConstraint("process_code = 'visit'", name=op.f("ck_visit_process")),
        sa.CheckConstraint("ended_at IS NULL OR ended_at >= started_at", name=op.f("ck_visit_hours")),
        sa.CheckConstraint(
            "latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name=op.f("ck_visit_position")
        ),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_visit_created_by_id")),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_visit_document_id")),
        sa.ForeignKeyConstraint(
            ["establishment_id"], ["establishment.id"], name=op.f("fk_visit_establishment_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_visit_office_id")),
        sa.ForeignKeyConstraint(
            ["order_id", "version_code"],
            ["inspection_order.id", "inspection_order.version_code"],
            name=op.f("fk_visit_order_id_version_code"),
        ),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_visit_updated_by_id")),
        sa.ForeignKeyConstraint(
            ["version_code", "process_code", "state"],
            ["procedure_state.version_code", "procedure_state.process_code", "procedure_state.code"],
            name=op.f("fk_visit_version_code_process_code_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
        sa.UniqueConstraint("id", "version_code", name=op.f("uq_visit_id_version_code")),
        sa.UniqueConstraint("order_id", "number", name=op.f("uq_visit_order_id_number")),
        sa.UniqueConstraint("uuid", name=op.f("uq_visit_uuid")),
    )
    op.create_index(op.f("ix_visit_created_by_id"), "visit", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_visit_document_id"), "visit", ["document_id"], unique=False)
    op.create_index(
        "ix_visit_establishment_happened", "visit", ["establishment_id", "happened_on"], unique=False
    )
    op.create_index("ix_visit_office_happened", "visit", ["office_id", "happened_on"], unique=False)
    op.create_index("ix_visit_order_version", "visit", ["order_id", "version_code"], unique=False)
    op.create_index("ix_visit_state", "visit", ["version_code", "process_code", "state"], unique=False)
    op.create_index(op.f("ix_visit_updated_by_id"), "visit", ["updated_by_id"], unique=False)
    op.create_table(
        "acta_correction",
        sa.Column("visit_id", sa.Integer(), nullable=False, comment="Visita"),
        sa.Column("document_id", sa.Integer(), nullable=False, comment="Acta complementaria"),
        sa.Column(
            "target",
            sa.Text(),
            nullable=True,
            comment="Dato. El dato corregido: los informes usan el valor nuevo y guardan el primero.",
        ),
        sa.Column("says", sa.Text(), nullable=False, comment="Dice"),
        sa.Column("should_say", sa.Text(), nullable=False, comment="Debe decir"),
        sa.Column("reason", sa.Text(), nullable=False, comment="Motivo"),
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
        sa.CheckConstraint("says <> should_say", name=op.f("ck_acta_correction_differs")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_acta_correction_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name=op.f("fk_acta_correction_document_id")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_acta_correction_updated_by_id")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_acta_correction_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acta_correction")),
        sa.UniqueConstraint("uuid", name=op.f("uq_acta_correction_uuid")),
    )
    op.create_index(
        op.f("ix_acta_correction_created_by_id"), "acta_correction", ["created_by_id"], unique=False
    )
    op.create_index(op.f("ix_acta_correction_document_id"), "acta_correction", ["document_id"], unique=False)
    op.create_index(
        op.f("ix_acta_correction_updated_by_id"), "acta_correction", ["updated_by_id"], unique=False
    )
    op.create_index(op.f("ix_acta_correction_visit_id"), "acta_correction", ["visit_id"], unique=False)
    op.create_table(
        "answer",
        sa.Column("visit_id", sa.Integer(), nullable=False, comment="Visita"),
        sa.Column("question_id", sa.Integer(), nullable=False, comment="Pregunta"),
        sa.Column("value", sa.Text(), nullable=False, comment="Respuesta"),
        sa.Column("note", sa.Text(), nullable=True, comment="Observación"),
        sa.Column("affected_workers", sa.Integer(), nullable=True, comment="Trabajadores afectados"),
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
            "value IN ('CUMPLE', 'NO_CUMPLE', 'NO_APLICA', 'NO_VERIFICADO')", name=op.f("ck_answer_value")
        ),
        sa.CheckConstraint("affected_workers >= 0", name=op.f("ck_answer_affected_workers")),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_answer_created_by_id")),
        sa.ForeignKeyConstraint(
            ["question_id"], ["checklist_question.id"], name=op.f("fk_answer_question_id")
        ),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_answer_updated_by_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_answer_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer")),
        sa.UniqueConstraint("uuid", name=op.f("uq_answer_uuid")),
        sa.UniqueConstraint("visit_id", "question_id", name=op.f("uq_answer_visit_id_question_id")),
    )
    op.create_index(op.f("ix_answer_created_by_id"), "answer", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_answer_question_id"), "answer", ["question_id"], unique=False)
    op.create_index(op.f("ix_answer_updated_by_id"), "answer", ["updated_by_id"], unique=False)
    op.create_table(
        "finding",
        sa.Column("visit_id", sa.Integer(), nullable=False, comment="Visita"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="Oficina"),
        sa.Column("question_id", sa.Integer(), nullable=True, comment="Pregunta"),
        sa.Column("infraction_id", sa.Integer(), nullable=True, comment="Infracción"),
        sa.Column("facts", sa.Text(), nullable=False, comment="Hechos constatados"),
        sa.Column("evidence", sa.Text(), nullable=True, comment="Medio de prueba"),
        sa.Column(
            "affected_workers",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Trabajadores afectados",
        ),
        sa.Column("obligation", sa.Text(), nullable=True, comment="Qué debe regularizar"),
        sa.Column("remedy_kind", sa.Text(), nullable=True, comment="Plazo de regularización"),
        sa.Column(
            "confirmed",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Revisado por el inspector",
        ),
        sa.Column(
            "repeat_offence",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Reincidencia",
        ),
        sa.Column("request_id", sa.Integer(), nullable=True, comment="Requerimiento"),
        sa.Column("delivery", sa.Text(), nullable=True, comment="Entrega del requerimiento"),
        sa.Column("delivered_on", sa.Date(), nullable=True, comment="Entregado el"),
        sa.Column("verification", sa.Text(), nullable=True, comment="Verificación"),
        sa.Column("verification_note", sa.Text(), nullable=True, comment="Qué se verificó"),
        sa.Column("verified_on", sa.Date(), nullable=True, comment="Verificado el"),
        sa.Column(
            "historical_fine", sa.BigInteger(), nullable=True, comment="Multa, en el registro histórico"
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
        sa.Column("version_code", sa.Text(), nullable=False, comment="Versión del procedimiento"),
        sa.Column(
            "process_code", sa.Text(), server_default=sa.text("'finding'"), nullable=False, comment="Proceso"
        ),
        sa.Column("state", sa.Text(), nullable=True, comment="Estado. Sin estado: en preparación."),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=True, comment="En este estado desde"),
        sa.Column("last_act_on", sa.Date(), nullable=True, comment="Último acto"),
        sa.Column(
            "held", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="Acto retenido"
        ),
        sa.CheckConstraint("delivery IN ('signed', 'refused', 'notified')", name=op.f("ck_finding_delivery")),
        sa.CheckConstraint("process_code = 'finding'", name=op.f("ck_finding_process")),
        sa.CheckConstraint(
            "remedy_kind IN ('DOCUMENTAL', 'SST', 'INMEDIATO')", name=op.f("ck_finding_remedy_kind")
        ),
        sa.CheckConstraint(
            "verification IN ('remedied', 'partly', 'not_remedied')", name=op.f("ck_finding_verification")
        ),
        sa.CheckConstraint("affected_workers >= 0", name=op.f("ck_finding_affected_workers")),
        sa.CheckConstraint("state IS NULL OR confirmed", name=op.f("ck_finding_confirmed")),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_finding_created_by_id")),
        sa.ForeignKeyConstraint(["infraction_id"], ["infraction.id"], name=op.f("fk_finding_infraction_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_finding_office_id")),
        sa.ForeignKeyConstraint(
            ["question_id"], ["checklist_question.id"], name=op.f("fk_finding_question_id")
        ),
        sa.ForeignKeyConstraint(["request_id"], ["document.id"], name=op.f("fk_finding_request_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_finding_updated_by_id")),
        sa.ForeignKeyConstraint(
            ["version_code", "process_code", "state"],
            ["procedure_state.version_code", "procedure_state.process_code", "procedure_state.code"],
            name=op.f("fk_finding_version_code_process_code_state"),
        ),
        sa.ForeignKeyConstraint(
            ["visit_id", "version_code"],
            ["visit.id", "visit.version_code"],
            name=op.f("fk_finding_visit_id_version_code"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
        sa.UniqueConstraint("id", "version_code", name=op.f("uq_finding_id_version_code")),
        sa.UniqueConstraint("uuid", name=op.f("uq_finding_uuid")),
    )
    op.create_index(op.f("ix_finding_created_by_id"), "finding", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_finding_infraction_id"), "finding", ["infraction_id"], unique=False)
    op.create_index(op.f("ix_finding_office_id"), "finding", ["office_id"], unique=False)
    op.create_index(op.f("ix_finding_question_id"), "finding", ["question_id"], unique=False)
    op.create_index(op.f("ix_finding_request_id"), "finding", ["request_id"], unique=False)
    op.create_index("ix_finding_state", "finding", ["version_code", "process_code", "state"], unique=False)
    op.create_index(op.f("ix_finding_updated_by_id"), "finding", ["updated_by_id"], unique=False)
    op.create_index("ix_finding_visit_version", "finding", ["visit_id", "version_code"], unique=False)
    op.create_index(
        "uq_finding_question",
        "finding",
        ["visit_id", "question_id"],
        unique=True,
        postgresql_where=sa.text("question_id IS NOT NULL AND (state IS NULL OR state NOT IN ('ANULADO', 'DESCARTADO'))"),
    )
    op.create_table(
        "visit_file",
        sa.Column("visit_id", sa.Integer(), nullable=False, comment="Visita"),
        sa.Column("question_id", sa.Integer(), nullable=True, comment="Pregunta"),
        sa.Column("file_id", sa.Integer(), nullable=False, comment="Archivo"),
        sa.Column("caption", sa.Text(), nullable=False, comment="Descripción"),
        sa.Column(
            "sha256_original",
            sa.Text(),
            nullable=False,
            comment="Huella del original. SHA-256 de lo que se recibió.",
        ),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True, comment="Tomada"),
        sa.Column(
            "withdrawn_reason",
            sa.Text(),
            nullable=True,
            comment="Motivo del retiro. Una prueba no se borra: se retira.",
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
        sa.CheckConstraint("length(sha256_original) = 64", name=op.f("ck_visit_file_sha256_original")),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_visit_file_created_by_id")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_visit_file_file_id")),
        sa.ForeignKeyConstraint(
            ["question_id"], ["checklist_question.id"], name=op.f("fk_visit_file_question_id")
        ),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_visit_file_updated_by_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_file_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_file")),
        sa.UniqueConstraint("uuid", name=op.f("uq_visit_file_uuid")),
    )
    op.create_index(op.f("ix_visit_file_created_by_id"), "visit_file", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_visit_file_file_id"), "visit_file", ["file_id"], unique=False)
    op.create_index(op.f("ix_visit_file_question_id"), "visit_file", ["question_id"], unique=False)
    op.create_index(op.f("ix_visit_file_updated_by_id"), "visit_file", ["updated_by_id"], unique=False)
    op.create_index(op.f("ix_visit_file_visit_id"), "visit_file", ["visit_id"], unique=False)
    op.create_table(
        "visit_headcount",
        sa.Column("visit_id", sa.Integer(), nullable=False, comment="Visita"),
        sa.Column("group_code", sa.Text(), nullable=False, comment="Grupo"),
        sa.Column("men", sa.Integer(), nullable=False, comment="Hombres"),
        sa.Column("women", sa.Integer(), nullable=False, comment="Mujeres"),
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
            "group_code IN ('TOTAL', 'ADOLESCENTES', 'EXTRANJEROS', 'DISCAPACIDAD', 'IPS', 'CONTRATO')",
            name=op.f("ck_visit_headcount_group_code"),
        ),
        sa.CheckConstraint("men >= 0 AND women >= 0", name=op.f("ck_visit_headcount_counts")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_visit_headcount_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_visit_headcount_updated_by_id")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_headcount_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_headcount")),
        sa.UniqueConstraint("uuid", name=op.f("uq_visit_headcount_uuid")),
        sa.UniqueConstraint("visit_id", "group_code", name=op.f("uq_visit_headcount_visit_id_group_code")),
    )
    op.create_index(
        op.f("ix_visit_headcount_created_by_id"), "visit_headcount", ["created_by_id"], unique=False
    )
    op.create_index(
        op.f("ix_visit_headcount_updated_by_id"), "visit_headcount", ["updated_by_id"], unique=False
    )
    op.create_index(op.f("ix_visit_headcount_visit_id"), "visit_headcount", ["visit_id"], unique=False)
    op.create_table(
        "visit_inspector",
        sa.Column("visit_id", sa.Integer(), nullable=False, comment="Visita"),
        sa.Column("inspector_id", sa.Integer(), nullable=False, comment="Inspector"),
        sa.Column(
            "present", sa.Boolean(), server_default=sa.text("true"), nullable=False, comment="Presente"
        ),
        sa.Column("absence_reason", sa.Text(), nullable=True, comment="Motivo de la ausencia"),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True, comment="Firmó"),
        sa.Column("signing_mode", sa.Text(), nullable=True, comment="Modo de firma"),
        sa.Column("signature_file_id", sa.Integer(), nullable=True, comment="Firma dibujada"),
        sa.Column(
            "confirmed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Confirmó con su usuario. Quien firmó en el dispositivo de un colega confirma después.",
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
        sa.CheckConstraint(
            "signing_mode IN ('handwritten', 'drawn', 'electronic')",
            name=op.f("ck_visit_inspector_signing_mode"),
        ),
        sa.CheckConstraint("signed_at IS NULL OR present", name=op.f("ck_visit_inspector_present")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_visit_inspector_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["inspector_id"], ["inspector.id"], name=op.f("fk_visit_inspector_inspector_id")
        ),
        sa.ForeignKeyConstraint(
            ["signature_file_id"], ["stored_file.id"], name=op.f("fk_visit_inspector_signature_file_id")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_visit_inspector_updated_by_id")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_inspector_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_inspector")),
        sa.UniqueConstraint("uuid", name=op.f("uq_visit_inspector_uuid")),
        sa.UniqueConstraint(
            "visit_id", "inspector_id", name=op.f("uq_visit_inspector_visit_id_inspector_id")
        ),
    )
    op.create_index(
        op.f("ix_visit_inspector_created_by_id"), "visit_inspector", ["created_by_id"], unique=False
    )
    op.create_index(
        op.f("ix_visit_inspector_inspector_id"), "visit_inspector", ["inspector_id"], unique=False
    )
    op.create_index(
        op.f("ix_visit_inspector_signature_file_id"), "visit_inspector", ["signature_file_id"], unique=False
    )
    op.create_index(
        op.f("ix_visit_inspector_updated_by_id"), "visit_inspector", ["updated_by_id"], unique=False
    )
    op.create_index(op.f("ix_visit_inspector_visit_id"), "visit_inspector", ["visit_id"], unique=False)
    op.create_table(
        "visit_signature",
        sa.Column("visit_id", sa.Integer(), nullable=False, comment="Visita"),
        sa.Column("party", sa.Text(), nullable=False, comment="Parte"),
        sa.Column("name", sa.Text(), nullable=False, comment="Nombre y apellido"),
        sa.Column("document_number", sa.Text(), nullable=True, comment="Documento"),
        sa.Column("post", sa.Text(), nullable=True, comment="Cargo"),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True, comment="Firmó"),
        sa.Column("signing_mode", sa.Text(), nullable=True, comment="Modo de firma"),
        sa.Column("signature_file_id", sa.Integer(), nullable=True, comment="Firma dibujada"),
        sa.Column("refusal", sa.Text(), nullable=True, comment="Motivo de la negativa a firmar"),
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
            "party IN ('employer', 'workers', 'witness')", name=op.f("ck_visit_signature_party")
        ),
        sa.CheckConstraint(
            "signing_mode IN ('handwritten', 'drawn', 'electronic')",
            name=op.f("ck_visit_signature_signing_mode"),
        ),
        sa.CheckConstraint(
            "(signed_at IS NULL) <> (refusal IS NULL)", name=op.f("ck_visit_signature_signed_or_refused")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_visit_signature_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["signature_file_id"], ["stored_file.id"], name=op.f("fk_visit_signature_signature_file_id")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_visit_signature_updated_by_id")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_signature_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_signature")),
        sa.UniqueConstraint("uuid", name=op.f("uq_visit_signature_uuid")),
    )
    op.create_index(
        op.f("ix_visit_signature_created_by_id"), "visit_signature", ["created_by_id"], unique=False
    )
    op.create_index(
        op.f("ix_visit_signature_signature_file_id"), "visit_signature", ["signature_file_id"], unique=False
    )
    op.create_index(
        op.f("ix_visit_signature_updated_by_id"), "visit_signature", ["updated_by_id"], unique=False
    )
    op.create_index(op.f("ix_visit_signature_visit_id"), "visit_signature", ["visit_id"], unique=False)
    op.create_table(
        "affected_worker",
        sa.Column("finding_id", sa.Integer(), nullable=False, comment="Hallazgo"),
        sa.Column("position", sa.Integer(), nullable=False, comment="Orden"),
        sa.Column("name", sa.Text(), nullable=False, comment="Nombre o descripción"),
        sa.Column("document_number", sa.Text(), nullable=True, comment="Documento"),
        sa.Column("period", sa.Text(), nullable=True, comment="Período"),
        sa.Column("amount", sa.BigInteger(), nullable=True, comment="Importe"),
        sa.Column("removed_on", sa.Date(), nullable=True, comment="Retirado el"),
        sa.Column("removed_reason", sa.Text(), nullable=True, comment="Motivo del retiro"),
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
            "(removed_on IS NULL) = (removed_reason IS NULL)", name=op.f("ck_affected_worker_removed")
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_affected_worker_amount")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_affected_worker_created_by_id")
        ),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_affected_worker_finding_id")),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_affected_worker_updated_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_affected_worker")),
        sa.UniqueConstraint("uuid", name=op.f("uq_affected_worker_uuid")),
    )
    op.create_index(
        op.f("ix_affected_worker_created_by_id"), "affected_worker", ["created_by_id"], unique=False
    )
    op.create_index(op.f("ix_affected_worker_finding_id"), "affected_worker", ["finding_id"], unique=False)
    op.create_index(
        op.f("ix_affected_worker_updated_by_id"), "affected_worker", ["updated_by_id"], unique=False
    )
    op.create_table(
        "filing",
        sa.Column("finding_id", sa.Integer(), nullable=False, comment="Hallazgo"),
        sa.Column("filed_on", sa.Date(), nullable=False, comment="Presentado el"),
        sa.Column("description", sa.Text(), nullable=False, comment="Qué presentó"),
        sa.Column("file_id", sa.Integer(), nullable=True, comment="Archivo"),
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
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_filing_created_by_id")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_filing_file_id")),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_filing_finding_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_filing_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_filing")),
        sa.UniqueConstraint("uuid", name=op.f("uq_filing_uuid")),
    )
    op.create_index(op.f("ix_filing_created_by_id"), "filing", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_filing_file_id"), "filing", ["file_id"], unique=False)
    op.create_index(op.f("ix_filing_finding_id"), "filing", ["finding_id"], unique=False)
    op.create_index(op.f("ix_filing_updated_by_id"), "filing", ["updated_by_id"], unique=False)
    op.create_table(
        "record_document",
        sa.Column("document_id", sa.Integer(), nullable=False, comment="Documento"),
        sa.Column("order_id", sa.Integer(), nullable=True, comment="Orden"),
        sa.Column("visit_id", sa.Integer(), nullable=True, comment="Visita"),
        sa.Column("finding_id", sa.Integer(), nullable=True, comment="Hallazgo"),
        sa.Column("report_id", sa.Integer(), nullable=True, comment="Informe final"),
        sa.Column("id", sa.Integer(), nullable=False, comment="N.º interno"),
        sa.Column(
            "uuid",
            sa.Uuid(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="Identificador público",
        ),
        sa.CheckConstraint(
            "num_nonnulls(order_id, visit_id, finding_id, report_id) = 1",
            name=op.f("ck_record_document_one_record"),
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name=op.f("fk_record_document_document_id")
        ),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_record_document_finding_id")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["inspection_order.id"], name=op.f("fk_record_document_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["report_id"], ["final_report.id"], name=op.f("fk_record_document_report_id")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_record_document_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_document")),
        sa.UniqueConstraint("document_id", "finding_id", name="uq_record_document_finding"),
        sa.UniqueConstraint("document_id", "order_id", name="uq_record_document_order"),
        sa.UniqueConstraint("document_id", "report_id", name="uq_record_document_report"),
        sa.UniqueConstraint("document_id", "visit_id", name="uq_record_document_visit"),
        sa.UniqueConstraint("uuid", name=op.f("uq_record_document_uuid")),
    )
    op.create_index(op.f("ix_record_document_document_id"), "record_document", ["document_id"], unique=False)
    op.create_index(op.f("ix_record_document_finding_id"), "record_document", ["finding_id"], unique=False)
    op.create_index(op.f("ix_record_document_order_id"), "record_document", ["order_id"], unique=False)
    op.create_index(op.f("ix_record_document_report_id"), "record_document", ["report_id"], unique=False)
    op.create_index(op.f("ix_record_document_visit_id"), "record_document", ["visit_id"], unique=False)
    op.create_table(
        "record_move",
        sa.Column("process_code", sa.Text(), nullable=False, comment="Proceso"),
        sa.Column("code", sa.Text(), nullable=True, comment="Paso. Vacío: el inicio del registro."),
        sa.Column("name", sa.Text(), nullable=False, comment="Acto"),
        sa.Column("from_state", sa.Text(), nullable=True, comment="Desde"),
        sa.Column("to_state", sa.Text(), nullable=False, comment="Hasta"),
        sa.Column("happened_on", sa.Date(), nullable=False, comment="Ocurrió"),
        sa.Column(
            "entered_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="Se cargó",
        ),
        sa.Column("actor_id", sa.Integer(), nullable=True, comment="Quién"),
        sa.Column("actor_name", sa.Text(), nullable=False, comment="Nombre"),
        sa.Column("reason", sa.Text(), nullable=True, comment="Motivo"),
        sa.Column(
            "late", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="Cargado después"
        ),
        sa.Column("late_reason", sa.Text(), nullable=True, comment="Motivo de la carga posterior"),
        sa.Column("scan_id", sa.Integer(), nullable=True, comment="Escaneo"),
        sa.Column(
            "holds",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Retenido porque",
        ),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True, comment="Revisado"),
        sa.Column("reviewed_by_id", sa.Integer(), nullable=True, comment="Revisó"),
        sa.Column("review", sa.Text(), nullable=True, comment="Resultado de la revisión"),
        sa.Column("order_id", sa.Integer(), nullable=True, comment="Orden"),
        sa.Column("visit_id", sa.Integer(), nullable=True, comment="Visita"),
        sa.Column("finding_id", sa.Integer(), nullable=True, comment="Hallazgo"),
        sa.Column("report_id", sa.Integer(), nullable=True, comment="Informe final"),
        sa.Column("id", sa.Integer(), nullable=False, comment="N.º interno"),
        sa.Column(
            "uuid",
            sa.Uuid(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="Identificador público",
        ),
        sa.CheckConstraint("(reviewed_at IS NULL) = (review IS NULL)", name=op.f("ck_record_move_reviewed")),
        sa.CheckConstraint("cardinality(holds) = 0 OR late", name=op.f("ck_record_move_held_is_late")),
        sa.CheckConstraint(
            "num_nonnulls(order_id, visit_id, finding_id, report_id) = 1",
            name=op.f("ck_record_move_one_record"),
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["ab_user.id"], name=op.f("fk_record_move_actor_id")),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_record_move_finding_id")),
        sa.ForeignKeyConstraint(["order_id"], ["inspection_order.id"], name=op.f("fk_record_move_order_id")),
        sa.ForeignKeyConstraint(["report_id"], ["final_report.id"], name=op.f("fk_record_move_report_id")),
        sa.ForeignKeyConstraint(
            ["reviewed_by_id"], ["ab_user.id"], name=op.f("fk_record_move_reviewed_by_id")
        ),
        sa.ForeignKeyConstraint(["scan_id"], ["stored_file.id"], name=op.f("fk_record_move_scan_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_record_move_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_move")),
        sa.UniqueConstraint("uuid", name=op.f("uq_record_move_uuid")),
    )
    op.create_index(op.f("ix_record_move_actor_id"), "record_move", ["actor_id"], unique=False)
    op.create_index(op.f("ix_record_move_finding_id"), "record_move", ["finding_id"], unique=False)
    op.create_index(op.f("ix_record_move_happened_on"), "record_move", ["happened_on"], unique=False)
    op.create_index(
        "ix_record_move_held",
        "record_move",
        ["id"],
        unique=False,
        postgresql_where=sa.text("cardinality(holds) > 0 AND reviewed_at IS NULL"),
    )
    op.create_index(op.f("ix_record_move_order_id"), "record_move", ["order_id"], unique=False)
    op.create_index(op.f("ix_record_move_report_id"), "record_move", ["report_id"], unique=False)
    op.create_index(op.f("ix_record_move_reviewed_by_id"), "record_move", ["reviewed_by_id"], unique=False)
    op.create_index(op.f("ix_record_move_scan_id"), "record_move", ["scan_id"], unique=False)
    op.create_index(op.f("ix_record_move_visit_id"), "record_move", ["visit_id"], unique=False)
    op.create_table(
        "term",
        sa.Column("version_code", sa.Text(), nullable=False, comment="Versión"),
        sa.Column("process_code", sa.Text(), nullable=False, comment="Proceso"),
        sa.Column("type_code", sa.Text(), nullable=False, comment="Tipo"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="Oficina"),
        sa.Column("start_on", sa.Date(), nullable=False, comment="Desde. Día cero: el del acto."),
        sa.Column("days", sa.Integer(), nullable=False, comment="Días"),
        sa.Column("unit", sa.Text(), nullable=False, comment="Unidad"),
        sa.Column("due_on", sa.Date(), nullable=True, comment="Vence"),
        sa.Column(
            "printed_due_on",
            sa.Date(),
            nullable=True,
            comment="Vencimiento impreso. Dicho a una parte: nunca se adelanta.",
        ),
        sa.Column("status", sa.Text(), nullable=False, comment="Estado"),
        sa.Column("closed_on", sa.Date(), nullable=True, comment="Cerrado el"),
        sa.Column("extends_id", sa.Integer(), nullable=True, comment="Prorroga a"),
        sa.Column("order_id", sa.Integer(), nullable=True, comment="Orden"),
        sa.Column("visit_id", sa.Integer(), nullable=True, comment="Visita"),
        sa.Column("finding_id", sa.Integer(), nullable=True, comment="Hallazgo"),
        sa.Column("report_id", sa.Integer(), nullable=True, comment="Informe final"),
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
            "due_on IS NOT NULL OR status IN ('suspended', 'withdrawn')", name=op.f("ck_term_due")
        ),
        sa.CheckConstraint(
            "status IN ('open', 'met', 'overdue', 'suspended', 'extended', 'withdrawn')",
            name=op.f("ck_term_status"),
        ),
        sa.CheckConstraint("days >= 0", name=op.f("ck_term_days")),
        sa.CheckConstraint(
            "num_nonnulls(order_id, visit_id, finding_id, report_id) = 1", name=op.f("ck_term_one_record")
        ),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_term_created_by_id")),
        sa.ForeignKeyConstraint(["extends_id"], ["term.id"], name=op.f("fk_term_extends_id")),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_term_finding_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_term_office_id")),
        sa.ForeignKeyConstraint(["order_id"], ["inspection_order.id"], name=op.f("fk_term_order_id")),
        sa.ForeignKeyConstraint(["report_id"], ["final_report.id"], name=op.f("fk_term_report_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_term_updated_by_id")),
        sa.ForeignKeyConstraint(
            ["version_code", "process_code", "type_code"],
            ["procedure_term.version_code", "procedure_term.process_code", "procedure_term.code"],
            name=op.f("fk_term_version_code_process_code_type_code"),
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_term_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_term")),
        sa.UniqueConstraint("extends_id", name=op.f("uq_term_extends_id")),
        sa.UniqueConstraint("uuid", name=op.f("uq_term_uuid")),
    )
    op.create_index(op.f("ix_term_created_by_id"), "term", ["created_by_id"], unique=False)
    op.create_index(
        "ix_term_due", "term", ["due_on"], unique=False, postgresql_where=sa.text("status = 'open'")
    )
    op.create_index(op.f("ix_term_finding_id"), "term", ["finding_id"], unique=False)
    op.create_index(op.f("ix_term_office_id"), "term", ["office_id"], unique=False)
    op.create_index(op.f("ix_term_order_id"), "term", ["order_id"], unique=False)
    op.create_index(op.f("ix_term_report_id"), "term", ["report_id"], unique=False)
    op.create_index("ix_term_type", "term", ["version_code", "process_code", "type_code"], unique=False)
    op.create_index(op.f("ix_term_updated_by_id"), "term", ["updated_by_id"], unique=False)
    op.create_index(op.f("ix_term_visit_id"), "term", ["visit_id"], unique=False)
    op.create_table(
        "term_alert",
        sa.Column("term_id", sa.Integer(), nullable=False, comment="Plazo"),
        sa.Column(
            "offset_days", sa.Integer(), nullable=False, comment="Días hábiles respecto del vencimiento"
        ),
        sa.Column(
            "given_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="Dada",
        ),
        sa.Column("id", sa.Integer(), nullable=False, comment="N.º interno"),
        sa.Column(
            "uuid",
            sa.Uuid(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="Identificador público",
        ),
        sa.ForeignKeyConstraint(["term_id"], ["term.id"], name=op.f("fk_term_alert_term_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_term_alert")),
        sa.UniqueConstraint("term_id", "offset_days", name=op.f("uq_term_alert_term_id_offset_days")),
        sa.UniqueConstraint("uuid", name=op.f("uq_term_alert_uuid")),
    )
    op.create_index(op.f("ix_term_alert_term_id"), "term_alert", ["term_id"], unique=False)
    op.execute(SIGNED)
    for table in PARTS:
        op.execute(
            f"CREATE TRIGGER keep_signed BEFORE INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION keep_signed_parts()"
        )
    op.execute(KEPT)
    for table in TRACED:
        migrations.trace(op, table)


def downgrade() -> None:
    for table in reversed(TRACED):
        op.execute(f"DROP TABLE {table} CASCADE")
    for function in ("visit", "parts", "order"):
        op.execute(f"DROP FUNCTION keep_signed_{function}")
    for function in ("move", "opened_finding", "roster"):
        op.execute(f"DROP FUNCTION keep_{function}")
