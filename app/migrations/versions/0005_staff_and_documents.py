"""Inspectors, posts and who holds them; official documents with gapless numbers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app import migrations

revision = "0005"
down_revision = "0004"

TRACED = (
    "inspector",
    "brigade",
    "brigade_member",
    "absence",
    "post",
    "post_holder",
    "delegation",
    "number_series",
    "stored_file",
    "document",
)

FIXED = """
CREATE FUNCTION keep_document() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'A numbered document is annulled, never deleted (%)', OLD.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_document_kept';
    END IF;
    IF (NEW.type_code, NEW.number, NEW.series_id, NEW.sequence, NEW.happened_on, NEW.verification_code)
       IS DISTINCT FROM
       (OLD.type_code, OLD.number, OLD.series_id, OLD.sequence, OLD.happened_on, OLD.verification_code)
       OR (OLD.file_id IS NOT NULL AND NEW.file_id IS DISTINCT FROM OLD.file_id)
       OR (OLD.status = 'annulled' AND NEW.status <> 'annulled')
       OR (OLD.status = 'issued' AND NEW.status = 'reserved')
    THEN
        RAISE EXCEPTION 'The number and the file of a document never change (%)', OLD.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_document_kept';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON document FOR EACH ROW EXECUTE FUNCTION keep_document();
CREATE FUNCTION keep_series() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.next_number < OLD.next_number
       OR (NEW.type_code, NEW.year, NEW.office_id) IS DISTINCT FROM (OLD.type_code, OLD.year, OLD.office_id)
    THEN
        RAISE EXCEPTION 'A number series only goes forward (% %)', OLD.type_code, OLD.year
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_number_series_kept';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON number_series FOR EACH ROW EXECUTE FUNCTION keep_series();
CREATE FUNCTION keep_file() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    RAISE EXCEPTION 'A stored file never changes (%)', OLD.sha256
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_stored_file_kept';
END
$$;
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON stored_file FOR EACH ROW EXECUTE FUNCTION keep_file();
"""


def upgrade() -> None:
    _tables()
    for table in TRACED:
        migrations.trace(op, table)
    migrations.trace(op, "document_type", "code")
    op.execute(FIXED)


def _tables() -> None:
    op.create_table(
        "stored_file",
        sa.Column("sha256", sa.Text(), nullable=False, comment="Huella SHA-256"),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="Tamaño. En bytes."),
        sa.Column("content_type", sa.Text(), nullable=False, comment="Clase de contenido"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="Fecha de carga",
        ),
        sa.Column("id", sa.Integer(), nullable=False, comment="N.º interno"),
        sa.Column(
            "uuid",
            sa.Uuid(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="Identificador público",
        ),
        sa.CheckConstraint("size > 0", name=op.f("ck_stored_file_size")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_file")),
        sa.UniqueConstraint("sha256", name=op.f("uq_stored_file_sha256")),
        sa.UniqueConstraint("uuid", name=op.f("uq_stored_file_uuid")),
    )
    op.create_table(
        "document_type",
        sa.Column("code", sa.Text(), nullable=False, comment="Código"),
        sa.Column("position", sa.Integer(), nullable=False, comment="Orden"),
        sa.Column("title", sa.Text(), nullable=False, comment="Título"),
        sa.Column("stage", sa.Text(), nullable=False, comment="Etapa"),
        sa.Column("signer_roles", postgresql.ARRAY(sa.Text()), nullable=False, comment="Firma"),
        sa.Column("addressee", sa.Text(), nullable=False, comment="Destinatario"),
        sa.Column("number_owner", sa.Text(), nullable=False, comment="Número de"),
        sa.Column("series_scope", sa.Text(), nullable=False, comment="Serie"),
        sa.Column("first_number", sa.Integer(), nullable=False, comment="Primer número"),
        sa.Column("number_format", sa.Text(), nullable=False, comment="Formato del número"),
        sa.Column("signing_modes", postgresql.ARRAY(sa.Text()), nullable=False, comment="Modos de firma"),
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
        sa.CheckConstraint("number_owner IN ('sis', 'external')", name=op.f("ck_document_type_number_owner")),
        sa.CheckConstraint(
            "series_scope IN ('national', 'office')", name=op.f("ck_document_type_series_scope")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_document_type_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_document_type_updated_by_id")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_document_type")),
    )
    op.create_index(op.f("ix_document_type_created_by_id"), "document_type", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_document_type_updated_by_id"), "document_type", ["updated_by_id"], unique=False)
    op.create_table(
        "inspector",
        sa.Column("code", sa.Text(), nullable=False, comment="Código. Por ejemplo INSP-01."),
        sa.Column("first_name", sa.Text(), nullable=False, comment="Nombre"),
        sa.Column("last_name", sa.Text(), nullable=False, comment="Apellido"),
        sa.Column("document", sa.Text(), nullable=True, comment="Cédula"),
        sa.Column("sex", sa.Text(), nullable=True, comment="Sexo"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="Oficina"),
        sa.Column("account_id", sa.Integer(), nullable=True, comment="Cuenta. Con la que entra al sistema."),
        sa.Column("specialty", sa.Text(), nullable=True, comment="Especialidad"),
        sa.Column("contract_type", sa.Text(), nullable=True, comment="Vínculo"),
        sa.Column(
            "has_vehicle",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Con vehículo",
        ),
        sa.Column("active_from", sa.Date(), nullable=False, comment="En funciones desde"),
        sa.Column("active_to", sa.Date(), nullable=True, comment="Hasta"),
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
        sa.CheckConstraint("active_to IS NULL OR active_to >= active_from", name=op.f("ck_inspector_dates")),
        sa.CheckConstraint(
            "specialty IN ('general', 'sst', 'infantil', 'domestico_rural')",
            name=op.f("ck_inspector_specialty"),
        ),
        sa.CheckConstraint(
            "contract_type IN ('permanente', 'contratado', 'comisionado')",
            name=op.f("ck_inspector_contract_type"),
        ),
        sa.CheckConstraint("sex IN ('F', 'M')", name=op.f("ck_inspector_sex")),
        sa.ForeignKeyConstraint(["account_id"], ["ab_user.id"], name=op.f("fk_inspector_account_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_inspector_created_by_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_inspector_office_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_inspector_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspector")),
        sa.UniqueConstraint("account_id", name=op.f("uq_inspector_account_id")),
        sa.UniqueConstraint("code", name=op.f("uq_inspector_code")),
        sa.UniqueConstraint("document", name=op.f("uq_inspector_document")),
        sa.UniqueConstraint("uuid", name=op.f("uq_inspector_uuid")),
    )
    op.create_index(op.f("ix_inspector_created_by_id"), "inspector", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_inspector_office_id"), "inspector", ["office_id"], unique=False)
    op.create_index(op.f("ix_inspector_updated_by_id"), "inspector", ["updated_by_id"], unique=False)
    op.create_table(
        "number_series",
        sa.Column("type_code", sa.Text(), nullable=False, comment="Tipo"),
        sa.Column("year", sa.Integer(), nullable=False, comment="Año"),
        sa.Column("office_id", sa.Integer(), nullable=True, comment="Oficina"),
        sa.Column("next_number", sa.Integer(), nullable=False, comment="Próximo número"),
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
        sa.CheckConstraint("next_number >= 1", name=op.f("ck_number_series_next_number")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_number_series_created_by_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_number_series_office_id")),
        sa.ForeignKeyConstraint(
            ["type_code"], ["document_type.code"], name=op.f("fk_number_series_type_code")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_number_series_updated_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_series")),
        sa.UniqueConstraint(
            "type_code",
            "year",
            "office_id",
            name=op.f("uq_number_series_type_code_year_office_id"),
            postgresql_nulls_not_distinct=True,
        ),
        sa.UniqueConstraint("uuid", name=op.f("uq_number_series_uuid")),
    )
    op.create_index(op.f("ix_number_series_created_by_id"), "number_series", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_number_series_office_id"), "number_series", ["office_id"], unique=False)
    op.create_index(op.f("ix_number_series_type_code"), "number_series", ["type_code"], unique=False)
    op.create_index(op.f("ix_number_series_updated_by_id"), "number_series", ["updated_by_id"], unique=False)
    op.create_table(
        "post",
        sa.Column("code", sa.Text(), nullable=False, comment="Código"),
        sa.Column("title", sa.Text(), nullable=False, comment="Denominación. Como se imprime en la firma."),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="Oficina"),
        sa.Column(
            "role", sa.Text(), nullable=False, comment="Función. Con la que firma en el procedimiento."
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
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_post_created_by_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_post_office_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_post_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post")),
        sa.UniqueConstraint("code", name=op.f("uq_post_code")),
        sa.UniqueConstraint("uuid", name=op.f("uq_post_uuid")),
    )
    op.create_index(op.f("ix_post_created_by_id"), "post", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_post_office_id"), "post", ["office_id"], unique=False)
    op.create_index(op.f("ix_post_updated_by_id"), "post", ["updated_by_id"], unique=False)
    op.create_table(
        "absence",
        sa.Column("inspector_id", sa.Integer(), nullable=False, comment="Inspector"),
        sa.Column("valid_from", sa.Date(), nullable=False, comment="Desde"),
        sa.Column("valid_to", sa.Date(), nullable=False, comment="Hasta"),
        sa.Column("reason", sa.Text(), nullable=False, comment="Motivo. Vacaciones, permiso, comisión."),
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
        postgresql.ExcludeConstraint(
            (sa.column("inspector_id"), "="),
            (sa.text("daterange(valid_from, valid_to, '[]')"), "&&"),
            using="gist",
            name="ex_absence_apart",
        ),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_absence_dates")),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_absence_created_by_id")),
        sa.ForeignKeyConstraint(["inspector_id"], ["inspector.id"], name=op.f("fk_absence_inspector_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_absence_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence")),
        sa.UniqueConstraint("uuid", name=op.f("uq_absence_uuid")),
    )
    op.create_index(op.f("ix_absence_created_by_id"), "absence", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_absence_inspector_id"), "absence", ["inspector_id"], unique=False)
    op.create_index(op.f("ix_absence_updated_by_id"), "absence", ["updated_by_id"], unique=False)
    op.create_table(
        "brigade",
        sa.Column("code", sa.Text(), nullable=False, comment="Código"),
        sa.Column("name", sa.Text(), nullable=False, comment="Nombre"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="Oficina"),
        sa.Column("leader_id", sa.Integer(), nullable=True, comment="Líder"),
        sa.Column("shift", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="De turno"),
        sa.Column("subject", sa.Text(), nullable=True, comment="Materia"),
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
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_brigade_created_by_id")),
        sa.ForeignKeyConstraint(["leader_id"], ["inspector.id"], name=op.f("fk_brigade_leader_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_brigade_office_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_brigade_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brigade")),
        sa.UniqueConstraint("code", name=op.f("uq_brigade_code")),
        sa.UniqueConstraint("uuid", name=op.f("uq_brigade_uuid")),
    )
    op.create_index(op.f("ix_brigade_created_by_id"), "brigade", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_brigade_leader_id"), "brigade", ["leader_id"], unique=False)
    op.create_index(op.f("ix_brigade_office_id"), "brigade", ["office_id"], unique=False)
    op.create_index(op.f("ix_brigade_updated_by_id"), "brigade", ["updated_by_id"], unique=False)
    op.create_table(
        "delegation",
        sa.Column("from_post_id", sa.Integer(), nullable=False, comment="Delega"),
        sa.Column("to_post_id", sa.Integer(), nullable=False, comment="En"),
        sa.Column("document_type_code", sa.Text(), nullable=False, comment="Tipo de documento"),
        sa.Column("valid_from", sa.Date(), nullable=False, comment="Desde"),
        sa.Column("valid_to", sa.Date(), nullable=False, comment="Hasta"),
        sa.Column("legal_act", sa.Text(), nullable=False, comment="Acto legal"),
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
        postgresql.ExcludeConstraint(
            (sa.column("from_post_id"), "="),
            (sa.column("document_type_code"), "="),
            (sa.text("daterange(valid_from, valid_to, '[]')"), "&&"),
            using="gist",
            name="ex_delegation_apart",
        ),
        sa.CheckConstraint("from_post_id <> to_post_id", name=op.f("ck_delegation_to_another")),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_delegation_dates")),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_delegation_created_by_id")),
        sa.ForeignKeyConstraint(["from_post_id"], ["post.id"], name=op.f("fk_delegation_from_post_id")),
        sa.ForeignKeyConstraint(["to_post_id"], ["post.id"], name=op.f("fk_delegation_to_post_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_delegation_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegation")),
        sa.UniqueConstraint("uuid", name=op.f("uq_delegation_uuid")),
    )
    op.create_index(op.f("ix_delegation_created_by_id"), "delegation", ["created_by_id"], unique=False)
    op.create_index(
        op.f("ix_delegation_document_type_code"), "delegation", ["document_type_code"], unique=False
    )
    op.create_index(op.f("ix_delegation_from_post_id"), "delegation", ["from_post_id"], unique=False)
    op.create_index(op.f("ix_delegation_to_post_id"), "delegation", ["to_post_id"], unique=False)
    op.create_index(op.f("ix_delegation_updated_by_id"), "delegation", ["updated_by_id"], unique=False)
    op.create_table(
        "document",
        sa.Column("type_code", sa.Text(), nullable=False, comment="Tipo"),
        sa.Column("number", sa.Text(), nullable=False, comment="Número"),
        sa.Column("series_id", sa.Integer(), nullable=True, comment="Serie"),
        sa.Column("sequence", sa.Integer(), nullable=True, comment="Número en la serie"),
        sa.Column("office_id", sa.Integer(), nullable=True, comment="Oficina"),
        sa.Column("status", sa.Text(), nullable=False, comment="Estado"),
        sa.Column("title", sa.Text(), nullable=False, comment="Asunto"),
        sa.Column(
            "happened_on",
            sa.Date(),
            nullable=False,
            comment="Fecha. Cuándo ocurrió el acto; nunca en el futuro.",
        ),
        sa.Column("signing_mode", sa.Text(), nullable=True, comment="Modo de firma"),
        sa.Column(
            "signatory", sa.Text(), nullable=True, comment="Firmante. Nombre y cargo, como se imprimieron."
        ),
        sa.Column("signed_by_id", sa.Integer(), nullable=True, comment="Firmado por"),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True, comment="Emitido"),
        sa.Column("verification_code", sa.Text(), nullable=False, comment="Código de verificación"),
        sa.Column("file_id", sa.Integer(), nullable=True, comment="Archivo"),
        sa.Column("annulled_on", sa.Date(), nullable=True, comment="Fecha de anulación"),
        sa.Column("annulled_reason", sa.Text(), nullable=True, comment="Motivo de anulación"),
        sa.Column("replaced_by_id", sa.Integer(), nullable=True, comment="Modificado por"),
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
            "signing_mode IN ('handwritten', 'drawn', 'electronic')", name=op.f("ck_document_signing_mode")
        ),
        sa.CheckConstraint(
            "status <> 'annulled' OR annulled_reason IS NOT NULL", name=op.f("ck_document_annulled")
        ),
        sa.CheckConstraint(
            "status <> 'issued' OR (file_id IS NOT NULL AND issued_at IS NOT NULL)",
            name=op.f("ck_document_issued"),
        ),
        sa.CheckConstraint("status IN ('reserved', 'issued', 'annulled')", name=op.f("ck_document_status")),
        sa.CheckConstraint("(series_id IS NULL) = (sequence IS NULL)", name=op.f("ck_document_series")),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_document_created_by_id")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_document_file_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_document_office_id")),
        sa.ForeignKeyConstraint(["replaced_by_id"], ["document.id"], name=op.f("fk_document_replaced_by_id")),
        sa.ForeignKeyConstraint(["series_id"], ["number_series.id"], name=op.f("fk_document_series_id")),
        sa.ForeignKeyConstraint(["signed_by_id"], ["ab_user.id"], name=op.f("fk_document_signed_by_id")),
        sa.ForeignKeyConstraint(["type_code"], ["document_type.code"], name=op.f("fk_document_type_code")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_document_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        sa.UniqueConstraint("number", name=op.f("uq_document_number")),
        sa.UniqueConstraint("series_id", "sequence", name=op.f("uq_document_series_id_sequence")),
        sa.UniqueConstraint("uuid", name=op.f("uq_document_uuid")),
        sa.UniqueConstraint("verification_code", name=op.f("uq_document_verification_code")),
    )
    op.create_index(op.f("ix_document_created_by_id"), "document", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_document_file_id"), "document", ["file_id"], unique=False)
    op.create_index(op.f("ix_document_office_id"), "document", ["office_id"], unique=False)
    op.create_index(op.f("ix_document_replaced_by_id"), "document", ["replaced_by_id"], unique=False)
    op.create_index(op.f("ix_document_series_id"), "document", ["series_id"], unique=False)
    op.create_index(op.f("ix_document_signed_by_id"), "document", ["signed_by_id"], unique=False)
    op.create_index(op.f("ix_document_type_code"), "document", ["type_code"], unique=False)
    op.create_index("ix_document_type_happened", "document", ["type_code", "happened_on"], unique=False)
    op.create_index(op.f("ix_document_updated_by_id"), "document", ["updated_by_id"], unique=False)
    op.create_table(
        "post_holder",
        sa.Column("post_id", sa.Integer(), nullable=False, comment="Cargo"),
        sa.Column("account_id", sa.Integer(), nullable=False, comment="Persona"),
        sa.Column("holding", sa.Text(), nullable=False, comment="Calidad"),
        sa.Column("valid_from", sa.Date(), nullable=False, comment="Desde"),
        sa.Column("valid_to", sa.Date(), nullable=True, comment="Hasta"),
        sa.Column(
            "legal_act", sa.Text(), nullable=False, comment="Acto legal. Decreto o resolución que lo nombra."
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
        postgresql.ExcludeConstraint(
            (sa.column("post_id"), "="),
            (sa.text("daterange(valid_from, valid_to, '[]')"), "&&"),
            using="gist",
            name="ex_post_holder_apart",
        ),
        sa.CheckConstraint(
            "holding IN ('titular', 'encargado', 'interino')", name=op.f("ck_post_holder_holding")
        ),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_post_holder_dates")),
        sa.ForeignKeyConstraint(["account_id"], ["ab_user.id"], name=op.f("fk_post_holder_account_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_post_holder_created_by_id")),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_post_holder_post_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_post_holder_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post_holder")),
        sa.UniqueConstraint("uuid", name=op.f("uq_post_holder_uuid")),
    )
    op.create_index(op.f("ix_post_holder_account_id"), "post_holder", ["account_id"], unique=False)
    op.create_index(op.f("ix_post_holder_created_by_id"), "post_holder", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_post_holder_post_id"), "post_holder", ["post_id"], unique=False)
    op.create_index(op.f("ix_post_holder_updated_by_id"), "post_holder", ["updated_by_id"], unique=False)
    op.create_table(
        "brigade_member",
        sa.Column("brigade_id", sa.Integer(), nullable=False, comment="Brigada"),
        sa.Column("inspector_id", sa.Integer(), nullable=False, comment="Inspector"),
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
        sa.ForeignKeyConstraint(["brigade_id"], ["brigade.id"], name=op.f("fk_brigade_member_brigade_id")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_brigade_member_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["inspector_id"], ["inspector.id"], name=op.f("fk_brigade_member_inspector_id")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_brigade_member_updated_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brigade_member")),
        sa.UniqueConstraint(
            "brigade_id", "inspector_id", name=op.f("uq_brigade_member_brigade_id_inspector_id")
        ),
        sa.UniqueConstraint("uuid", name=op.f("uq_brigade_member_uuid")),
    )
    op.create_index(op.f("ix_brigade_member_brigade_id"), "brigade_member", ["brigade_id"], unique=False)
    op.create_index(
        op.f("ix_brigade_member_created_by_id"), "brigade_member", ["created_by_id"], unique=False
    )
    op.create_index(op.f("ix_brigade_member_inspector_id"), "brigade_member", ["inspector_id"], unique=False)
    op.create_index(
        op.f("ix_brigade_member_updated_by_id"), "brigade_member", ["updated_by_id"], unique=False
    )


def downgrade() -> None:
    for table in ("document", "stored_file", "number_series", "document_type", "delegation", "post_holder"):
        op.drop_table(table)
    for table in ("post", "absence", "brigade_member", "brigade", "inspector"):
        op.drop_table(table)
    for function in ("keep_document", "keep_series", "keep_file"):
        op.execute(f"DROP FUNCTION {function}")
