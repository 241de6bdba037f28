"""The catalogues: activities, norms, infractions, amounts, parameters, holidays, checklists."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app import migrations

revision = "0002"
down_revision = "0001"

TRACED = {
    "activity": ("code",),
    "activity_alias": ("alias",),
    "department_alias": ("alias",),
    "norm": ("id",),
    "infraction_area": ("code",),
    "infraction": ("id",),
    "infraction_alias": ("id",),
    "minimum_wage": ("id",),
    "parameter": ("id",),
    "holiday": ("id",),
    "holiday_department": ("holiday_id", "department_code"),
    "holiday_district": ("holiday_id", "district_code"),
    "holiday_office": ("holiday_id", "office_id"),
    "general_suspension": ("id",),
    "general_suspension_office": ("general_suspension_id", "office_id"),
    "checklist": ("code",),
    "checklist_version": ("id",),
    "checklist_section": ("id",),
    "checklist_question": ("id",),
}
"""Table -> the columns of its key."""

# An infraction has a row per period, so that its code is no key to refer to: a trigger looks it up.
KNOWN_INFRACTION = """
CREATE FUNCTION known_infraction() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    IF NEW.infraction_code IS NOT NULL
       AND NOT EXISTS (SELECT FROM infraction WHERE code = NEW.infraction_code) THEN
        RAISE EXCEPTION 'no infraction %', NEW.infraction_code USING ERRCODE = 'check_violation',
            TABLE = TG_TABLE_NAME, CONSTRAINT = 'ck_' || TG_TABLE_NAME || '_infraction_code';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION known_infraction IS 'The code of an infraction that is referred to exists';
CREATE TRIGGER known_infraction BEFORE INSERT OR UPDATE OF infraction_code ON infraction_alias
    FOR EACH ROW EXECUTE FUNCTION known_infraction();
CREATE TRIGGER known_infraction BEFORE INSERT OR UPDATE OF infraction_code ON checklist_question
    FOR EACH ROW EXECUTE FUNCTION known_infraction();
"""

# A published version may only be closed, retired or annotated; its sections and questions stay as they are.
FROZEN = """
CREATE FUNCTION frozen_version() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
DECLARE
    free text[] := '{status,valid_to,verification,note,updated_at,updated_by_id,version}';
BEGIN
    IF OLD.status = 'draft' THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - free = to_jsonb(NEW) - free
       AND (NEW.status = OLD.status OR NEW.status = 'retired') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a published checklist is frozen' USING ERRCODE = 'check_violation',
        TABLE = TG_TABLE_NAME, CONSTRAINT = 'ck_' || TG_TABLE_NAME || '_frozen';
END
$$;
COMMENT ON FUNCTION frozen_version IS 'A published version of a checklist is not changed nor deleted';
CREATE TRIGGER frozen_version BEFORE UPDATE OR DELETE ON checklist_version
    FOR EACH ROW EXECUTE FUNCTION frozen_version();

CREATE FUNCTION frozen_content() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    -- The lock holds off a publication under way; OLD and NEW may be of two versions.
    PERFORM FROM checklist_version WHERE id IN (OLD.version_id, NEW.version_id) FOR SHARE;
    IF EXISTS (SELECT FROM checklist_version
                WHERE id IN (OLD.version_id, NEW.version_id) AND status <> 'draft') THEN
        RAISE EXCEPTION 'a published checklist is frozen' USING ERRCODE = 'check_violation',
            TABLE = TG_TABLE_NAME, CONSTRAINT = 'ck_' || TG_TABLE_NAME || '_frozen';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
COMMENT ON FUNCTION frozen_content IS 'Sections and questions change only while their version is a draft';
CREATE TRIGGER frozen_content BEFORE INSERT OR UPDATE OR DELETE ON checklist_section
    FOR EACH ROW EXECUTE FUNCTION frozen_content();
CREATE TRIGGER frozen_content BEFORE INSERT OR UPDATE OR DELETE ON checklist_question
    FOR EACH ROW EXECUTE FUNCTION frozen_content();
"""


def upgrade() -> None:
    _tables()
    for table, key in TRACED.items():
        migrations.trace(op, table, *key)
    with op.get_bind().connection.cursor() as cursor:  # without parameters: their % is their own
        cursor.execute(KNOWN_INFRACTION)
        cursor.execute(FROZEN)


def downgrade() -> None:
    raise RuntimeError("The catalogues are not undone: restore a backup instead.")


def _tables() -> None:
    op.create_table(
        "activity",
        sa.Column("code", sa.Text(), nullable=False, comment="Código. CIIU Rev. 4."),
        sa.Column("parent_code", sa.Text(), nullable=True, comment="Sección"),
        sa.Column("level", sa.Text(), nullable=False, comment="Nivel"),
        sa.Column("title", sa.Text(), nullable=False, comment="Título"),
        sa.CheckConstraint("(level = 'section') = (parent_code IS NULL)", name=op.f("ck_activity_parent")),
        sa.CheckConstraint("level IN ('section', 'division')", name=op.f("ck_activity_level")),
        sa.ForeignKeyConstraint(["parent_code"], ["activity.code"], name=op.f("fk_activity_parent_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_activity")),
    )
    op.create_index(op.f("ix_activity_parent_code"), "activity", ["parent_code"], unique=False)
    op.create_index(
        "ix_activity_title_trgm",
        "activity",
        [sa.literal_column("fold(title) gin_trgm_ops")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_table(
        "checklist",
        sa.Column("code", sa.Text(), nullable=False, comment="Código"),
        sa.Column("title", sa.Text(), nullable=False, comment="Título"),
        sa.CheckConstraint("code ~ '^[A-Z0-9-]{2,16}$'", name=op.f("ck_checklist_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_checklist")),
    )
    op.create_table(
        "infraction_area",
        sa.Column("code", sa.Text(), nullable=False, comment="Sigla. De 2 a 6 mayúsculas."),
        sa.Column("position", sa.Integer(), nullable=False, comment="Orden. Lugar en listas y documentos."),
        sa.Column("title", sa.Text(), nullable=False, comment="Nombre"),
        sa.Column(
            "verification",
            sa.Text(),
            nullable=False,
            comment="Verificación. Si el dato se leyó en su fuente. «Por verificar» lo marca para Jurídico.",
        ),
        sa.Column("note", sa.Text(), nullable=True, comment="Observación"),
        sa.CheckConstraint("code ~ '^[A-Z]{2,6}$'", name=op.f("ck_infraction_area_code")),
        sa.CheckConstraint(
            "verification IN ('verificado', 'por_verificar', 'diseno')",
            name=op.f("ck_infraction_area_verification"),
        ),
        sa.CheckConstraint("position > 0", name=op.f("ck_infraction_area_position")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_infraction_area")),
        sa.UniqueConstraint("title", name=op.f("uq_infraction_area_title")),
    )
    op.create_table(
        "activity_alias",
        sa.Column("alias", sa.Text(), nullable=False, comment="Texto. Como aparece en los registros."),
        sa.Column("activity_code", sa.Text(), nullable=False, comment="Actividad"),
        sa.Column("source", sa.Text(), nullable=True, comment="Origen"),
        sa.ForeignKeyConstraint(
            ["activity_code"], ["activity.code"], name=op.f("fk_activity_alias_activity_code")
        ),
        sa.PrimaryKeyConstraint("alias", name=op.f("pk_activity_alias")),
    )
    op.create_index(
        op.f("ix_activity_alias_activity_code"), "activity_alias", ["activity_code"], unique=False
    )
    op.create_index(
        "uq_activity_alias_folded", "activity_alias", [sa.literal_column("fold(alias)")], unique=True
    )
    op.create_table(
        "checklist_version",
        sa.Column("checklist_code", sa.Text(), nullable=False, comment="Lista de control"),
        sa.Column("number", sa.Integer(), nullable=False, comment="N.º de versión"),
        sa.Column("status", sa.Text(), server_default=sa.text("'draft'"), nullable=False, comment="Estado"),
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
        sa.Column("valid_from", sa.Date(), nullable=False, comment="Vigente desde"),
        sa.Column(
            "valid_to",
            sa.Date(),
            nullable=True,
            comment="Vigente hasta. Último día de vigencia; vacío mientras siga vigente.",
        ),
        sa.Column(
            "legal_basis", sa.Text(), nullable=False, comment="Base legal. Norma y artículo que lo establece."
        ),
        sa.Column(
            "verification",
            sa.Text(),
            nullable=False,
            comment="Verificación. Si el dato se leyó en su fuente. «Por verificar» lo marca para Jurídico.",
        ),
        sa.Column("note", sa.Text(), nullable=True, comment="Observación"),
        postgresql.ExcludeConstraint(
            (sa.column("checklist_code"), "="),
            (sa.text("daterange(valid_from, valid_to, '[]')"), "&&"),
            where=sa.text("status = 'published'"),
            using="gist",
            name="ex_checklist_version_one_published",
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'published', 'retired')", name=op.f("ck_checklist_version_status")
        ),
        sa.CheckConstraint(
            "verification IN ('verificado', 'por_verificar', 'diseno')",
            name=op.f("ck_checklist_version_verification"),
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_checklist_version_number")),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_checklist_version_dates")
        ),
        sa.ForeignKeyConstraint(
            ["checklist_code"], ["checklist.code"], name=op.f("fk_checklist_version_checklist_code")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_checklist_version_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_checklist_version_updated_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checklist_version")),
        sa.UniqueConstraint(
            "checklist_code", "number", name=op.f("uq_checklist_version_checklist_code_number")
        ),
        sa.UniqueConstraint("uuid", name=op.f("uq_checklist_version_uuid")),
    )
    op.create_index(
        op.f("ix_checklist_version_checklist_code"), "checklist_version", ["checklist_code"], unique=False
    )
    op.create_index(
        op.f("ix_checklist_version_created_by_id"), "checklist_version", ["created_by_id"], unique=False
    )
    op.create_index(
        op.f("ix_checklist_version_updated_by_id"), "checklist_version", ["updated_by_id"], unique=False
    )
    op.create_table(
        "department_alias",
        sa.Column("alias", sa.Text(), nullable=False, comment="Texto. Como aparece en los registros."),
        sa.Column("department_code", sa.Integer(), nullable=False, comment="Departamento"),
        sa.ForeignKeyConstraint(
            ["department_code"], ["department.code"], name=op.f("fk_department_alias_department_code")
        ),
        sa.PrimaryKeyConstraint("alias", name=op.f("pk_department_alias")),
    )
    op.create_index(
        op.f("ix_department_alias_department_code"), "department_alias", ["department_code"], unique=False
    )
    op.create_index(
        "uq_department_alias_folded", "department_alias", [sa.literal_column("fold(alias)")], unique=True
    )
    op.create_table(
        "general_suspension",
        sa.Column(
            "processes",
            sa.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Procesos. Códigos de los procesos alcanzados; vacío, todos.",
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
        sa.Column("valid_from", sa.Date(), nullable=False, comment="Vigente desde"),
        sa.Column(
            "valid_to",
            sa.Date(),
            nullable=True,
            comment="Vigente hasta. Último día de vigencia; vacío mientras siga vigente.",
        ),
        sa.Column(
            "legal_basis", sa.Text(), nullable=False, comment="Base legal. Norma y artículo que lo establece."
        ),
        sa.Column(
            "verification",
            sa.Text(),
            nullable=False,
            comment="Verificación. Si el dato se leyó en su fuente. «Por verificar» lo marca para Jurídico.",
        ),
        sa.Column("note", sa.Text(), nullable=True, comment="Observación"),
        sa.CheckConstraint(
            "verification IN ('verificado', 'por_verificar', 'diseno')",
            name=op.f("ck_general_suspension_verification"),
        ),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_general_suspension_dates")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_general_suspension_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_general_suspension_updated_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_general_suspension")),
        sa.UniqueConstraint("uuid", name=op.f("uq_general_suspension_uuid")),
    )
    op.create_index(
        op.f("ix_general_suspension_created_by_id"), "general_suspension", ["created_by_id"], unique=False
    )
    op.create_index(
        op.f("ix_general_suspension_updated_by_id"), "general_suspension", ["updated_by_id"], unique=False
    )
    op.create_table(
        "holiday",
        sa.Column(
            "original_date", sa.Date(), nullable=False, comment="Fecha original. La que trae el calendario."
        ),
        sa.Column(
            "effective_date",
            sa.Date(),
            nullable=False,
            comment="Fecha efectiva. El día en que se cumple, otro si un decreto lo trasladó. Solo esta detiene plazos.",
        ),
        sa.Column("name", sa.Text(), nullable=False, comment="Nombre"),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="Tipo. Un asueto detiene plazos solo si así lo dice el parámetro ASUETO_SUSPENDE.",
        ),
        sa.Column(
            "movable",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Trasladable por decreto",
        ),
        sa.Column("norm", sa.Text(), nullable=True, comment="Norma. La que lo crea o lo traslada."),
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
        sa.Column(
            "verification",
            sa.Text(),
            nullable=False,
            comment="Verificación. Si el dato se leyó en su fuente. «Por verificar» lo marca para Jurídico.",
        ),
        sa.Column("note", sa.Text(), nullable=True, comment="Observación"),
        sa.CheckConstraint(
            "effective_date BETWEEN '1990-01-01' AND '2100-12-31'", name=op.f("ck_holiday_effective_date")
        ),
        sa.CheckConstraint(
            "kind IN ('NACIONAL', 'DECRETO', 'LOCAL', 'ASUETO')", name=op.f("ck_holiday_kind")
        ),
        sa.CheckConstraint(
            "verification IN ('verificado', 'por_verificar', 'diseno')", name=op.f("ck_holiday_verification")
        ),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_holiday_created_by_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_holiday_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holiday")),
        sa.UniqueConstraint("original_date", "name", name=op.f("uq_holiday_original_date_name")),
        sa.UniqueConstraint("uuid", name=op.f("uq_holiday_uuid")),
    )
    op.create_index(op.f("ix_holiday_created_by_id"), "holiday", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_holiday_effective_date"), "holiday", ["effective_date"], unique=False)
    op.create_index(op.f("ix_holiday_updated_by_id"), "holiday", ["updated_by_id"], unique=False)
    op.create_table(
        "infraction",
        sa.Column("code", sa.Text(), nullable=False, comment="Código. Área y número; por ejemplo SAL-05."),
        sa.Column("area_code", sa.Text(), nullable=False, comment="Área"),
        sa.Column("title", sa.Text(), nullable=False, comment="Título"),
        sa.Column(
            "article", sa.Text(), nullable=True, comment="Norma incumplida. La obligación que no se cumplió."
        ),
        sa.Column(
            "article_verification", sa.Text(), nullable=False, comment="Verificación de la norma incumplida"
        ),
        sa.Column("severity", sa.Text(), nullable=False, comment="Gravedad"),
        sa.Column("severity_verification", sa.Text(), nullable=False, comment="Verificación de la gravedad"),
        sa.Column("day_wages_min", sa.Integer(), nullable=False, comment="Jornales, mínimo"),
        sa.Column("day_wages_max", sa.Integer(), nullable=False, comment="Jornales, máximo"),
        sa.Column(
            "basis", sa.Text(), nullable=False, comment="La multa se cuenta. Código del Trabajo, art. 385."
        ),
        sa.Column(
            "doubles_on_repeat",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="Se duplica si hay reincidencia",
        ),
        sa.Column(
            "remediable",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="Se puede regularizar antes del sumario",
        ),
        sa.Column(
            "mandatory_referral",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Derivación obligatoria",
        ),
        sa.Column(
            "stoppage_proposed",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Propone paralización de tareas",
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
        sa.Column("valid_from", sa.Date(), nullable=False, comment="Vigente desde"),
        sa.Column(
            "valid_to",
            sa.Date(),
            nullable=True,
            comment="Vigente hasta. Último día de vigencia; vacío mientras siga vigente.",
        ),
        sa.Column(
            "legal_basis", sa.Text(), nullable=False, comment="Base legal. Norma y artículo que lo establece."
        ),
        sa.Column(
            "verification",
            sa.Text(),
            nullable=False,
            comment="Verificación. Si el dato se leyó en su fuente. «Por verificar» lo marca para Jurídico.",
        ),
        sa.Column("note", sa.Text(), nullable=True, comment="Observación"),
        postgresql.ExcludeConstraint(
            (sa.column("code"), "="),
            (sa.text("daterange(valid_from, valid_to, '[]')"), "&&"),
            using="gist",
            name="ex_infraction_one_in_force",
        ),
        sa.CheckConstraint(
            "article_verification IN ('verificado', 'por_verificar', 'diseno')",
            name=op.f("ck_infraction_article_verification"),
        ),
        sa.CheckConstraint("basis IN ('per_worker', 'per_obligation')", name=op.f("ck_infraction_basis")),
        sa.CheckConstraint("code ~ '^[A-Z]{2,6}-[0-9]{2,3}$'", name=op.f("ck_infraction_code")),
        sa.CheckConstraint("severity IN ('leve', 'grave', 'muy_grave')", name=op.f("ck_infraction_severity")),
        sa.CheckConstraint(
            "severity_verification IN ('verificado', 'por_verificar', 'diseno')",
            name=op.f("ck_infraction_severity_verification"),
        ),
        sa.CheckConstraint(
            "verification IN ('verificado', 'por_verificar', 'diseno')",
            name=op.f("ck_infraction_verification"),
        ),
        sa.CheckConstraint(
            "day_wages_max BETWEEN day_wages_min AND 10000", name=op.f("ck_infraction_day_wages_max")
        ),
        sa.CheckConstraint("day_wages_min BETWEEN 1 AND 10000", name=op.f("ck_infraction_day_wages_min")),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_infraction_dates")),
        sa.ForeignKeyConstraint(
            ["area_code"], ["infraction_area.code"], name=op.f("fk_infraction_area_code")
        ),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_infraction_created_by_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_infraction_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_infraction")),
        sa.UniqueConstraint("code", "valid_from", name=op.f("uq_infraction_code_valid_from")),
        sa.UniqueConstraint("uuid", name=op.f("uq_infraction_uuid")),
    )
    op.create_index(op.f("ix_infraction_area_code"), "infraction", ["area_code"], unique=False)
    op.create_index(op.f("ix_infraction_created_by_id"), "infraction", ["created_by_id"], unique=False)
    op.create_index(
        "ix_infraction_title_trgm",
        "infraction",
        [sa.literal_column("fold(title) gin_trgm_ops")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(op.f("ix_infraction_updated_by_id"), "infraction", ["updated_by_id"], unique=False)
    op.create_table(
        "infraction_alias",
        sa.Column(
            "alias",
            sa.Text(),
            nullable=False,
            comment="Texto. Como aparece en los registros; no importan mayúsculas ni acentos.",
        ),
        sa.Column(
            "infraction_code",
            sa.Text(),
            nullable=True,
            comment="Código de la infracción. Por ejemplo SAL-05; vacío si debe decidir una persona.",
        ),
        sa.Column("confidence", sa.Text(), nullable=False, comment="Confianza"),
        sa.Column("source", sa.Text(), nullable=True, comment="Origen"),
        sa.Column("note", sa.Text(), nullable=True, comment="Observación"),
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
            "(infraction_code IS NULL) = (confidence = 'nula')",
            name=op.f("ck_infraction_alias_confidence_fits"),
        ),
        sa.CheckConstraint(
            "confidence IN ('alta', 'media', 'nula')", name=op.f("ck_infraction_alias_confidence")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_infraction_alias_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_infraction_alias_updated_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_infraction_alias")),
        sa.UniqueConstraint("uuid", name=op.f("uq_infraction_alias_uuid")),
    )
    op.create_index("ix_infraction_alias_code", "infraction_alias", ["infraction_code"], unique=False)
    op.create_index(
        op.f("ix_infraction_alias_created_by_id"), "infraction_alias", ["created_by_id"], unique=False
    )
    op.create_index(
        "ix_infraction_alias_trgm",
        "infraction_alias",
        [sa.literal_column("fold(alias) gin_trgm_ops")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(
        op.f("ix_infraction_alias_updated_by_id"), "infraction_alias", ["updated_by_id"], unique=False
    )
    op.create_index(
        "uq_infraction_alias_folded", "infraction_alias", [sa.literal_column("fold(alias)")], unique=True
    )
    op.create_table(
        "minimum_wage",
        sa.Column("monthly", sa.BigInteger(), nullable=False, comment="Salario mensual"),
        sa.Column(
            "daily",
            sa.BigInteger(),
            nullable=False,
            comment="Jornal mínimo. El publicado, para actividades diversas no especificadas. No se calcula.",
        ),
        sa.Column(
            "adjustment_percent",
            sa.Numeric(precision=6, scale=2),
            nullable=True,
            comment="Reajuste (%). Respecto del período anterior.",
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
        sa.Column("valid_from", sa.Date(), nullable=False, comment="Vigente desde"),
        sa.Column(
            "valid_to",
            sa.Date(),
            nullable=True,
            comment="Vigente hasta. Último día de vigencia; vacío mientras siga vigente.",
        ),
        sa.Column(
            "legal_basis", sa.Text(), nullable=False, comment="Base legal. Norma y artículo que lo establece."
        ),
        sa.Column(
            "verification",
            sa.Text(),
            nullable=False,
            comment="Verificación. Si el dato se leyó en su fuente. «Por verificar» lo marca para Jurídico.",
        ),
        sa.Column("note", sa.Text(), nullable=True, comment="Observación"),
        postgresql.ExcludeConstraint(
            (sa.text("daterange(valid_from, valid_to, '[]')"), "&&"),
            using="gist",
            name="ex_minimum_wage_one_in_force",
        ),
        sa.CheckConstraint(
            "verification IN ('verificado', 'por_verificar', 'diseno')",
            name=op.f("ck_minimum_wage_verification"),
        ),
        sa.CheckConstraint("daily BETWEEN 1 AND monthly", name=op.f("ck_minimum_wage_daily")),
        sa.CheckConstraint("monthly BETWEEN 1 AND 1000000000", name=op.f("ck_minimum_wage_monthly")),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_minimum_wage_dates")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_minimum_wage_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_minimum_wage_updated_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_minimum_wage")),
        sa.UniqueConstraint("uuid", name=op.f("uq_minimum_wage_uuid")),
        sa.UniqueConstraint("valid_from", name=op.f("uq_minimum_wage_valid_from")),
    )
    op.create_index(op.f("ix_minimum_wage_created_by_id"), "minimum_wage", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_minimum_wage_updated_by_id"), "minimum_wage", ["updated_by_id"], unique=False)
    op.create_table(
        "norm",
        sa.Column(
            "code", sa.Text(), nullable=False, comment="Sigla. Corta, para citarla; por ejemplo CT o R346."
        ),
        sa.Column("kind", sa.Text(), nullable=False, comment="Tipo"),
        sa.Column("number", sa.Text(), nullable=True, comment="Número. Como se cita; por ejemplo 346/2024."),
        sa.Column("title", sa.Text(), nullable=False, comment="Título"),
        sa.Column(
            "dated",
            sa.Date(),
            nullable=True,
            comment="Fecha. De la firma o promulgación; vacía si no se conoce.",
        ),
        sa.Column("status", sa.Text(), nullable=False, comment="Estado"),
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
        sa.Column("valid_from", sa.Date(), nullable=False, comment="Vigente desde"),
        sa.Column(
            "valid_to",
            sa.Date(),
            nullable=True,
            comment="Vigente hasta. Último día de vigencia; vacío mientras siga vigente.",
        ),
        sa.Column(
            "legal_basis", sa.Text(), nullable=False, comment="Base legal. Norma y artículo que lo establece."
        ),
        sa.Column(
            "verification",
            sa.Text(),
            nullable=False,
            comment="Verificación. Si el dato se leyó en su fuente. «Por verificar» lo marca para Jurídico.",
        ),
        sa.Column("note", sa.Text(), nullable=True, comment="Observación"),
        sa.CheckConstraint("code = upper(code) AND code ~ '^[A-Z0-9-]{2,16}$'", name=op.f("ck_norm_code")),
        sa.CheckConstraint(
            "kind IN ('constitucion', 'convenio', 'ley', 'decreto_ley', 'decreto', 'resolucion')",
            name=op.f("ck_norm_kind"),
        ),
        sa.CheckConstraint(
            "status IN ('vigente', 'parcialmente_derogada', 'derogada', 'por_determinar')",
            name=op.f("ck_norm_status"),
        ),
        sa.CheckConstraint(
            "verification IN ('verificado', 'por_verificar', 'diseno')", name=op.f("ck_norm_verification")
        ),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_norm_dates")),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_norm_created_by_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_norm_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_norm")),
        sa.UniqueConstraint("code", name=op.f("uq_norm_code")),
        sa.UniqueConstraint("uuid", name=op.f("uq_norm_uuid")),
    )
    op.create_index(op.f("ix_norm_created_by_id"), "norm", ["created_by_id"], unique=False)
    op.create_index(
        "ix_norm_title_trgm",
        "norm",
        [sa.literal_column("fold(title) gin_trgm_ops")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(op.f("ix_norm_updated_by_id"), "norm", ["updated_by_id"], unique=False)
    op.create_table(
        "parameter",
        sa.Column("code", sa.Text(), nullable=False, comment="Código. El sistema lo conoce por este código."),
        sa.Column("description", sa.Text(), nullable=False, comment="Descripción"),
        sa.Column(
            "value",
            sa.Text(),
            nullable=False,
            comment="Valor. Decimales con punto; listas separadas por comas.",
        ),
        sa.Column("value_type", sa.Text(), nullable=False, comment="Tipo de valor"),
        sa.Column("unit", sa.Text(), nullable=False, comment="Unidad"),
        sa.Column(
            "options",
            sa.ARRAY(sa.Text()),
            nullable=True,
            comment="Opciones admitidas. Separadas por comas; vacío si no hay una lista cerrada.",
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
        sa.Column("valid_from", sa.Date(), nullable=False, comment="Vigente desde"),
        sa.Column(
            "valid_to",
            sa.Date(),
            nullable=True,
            comment="Vigente hasta. Último día de vigencia; vacío mientras siga vigente.",
        ),
        sa.Column(
            "legal_basis", sa.Text(), nullable=False, comment="Base legal. Norma y artículo que lo establece."
        ),
        sa.Column(
            "verification",
            sa.Text(),
            nullable=False,
            comment="Verificación. Si el dato se leyó en su fuente. «Por verificar» lo marca para Jurídico.",
        ),
        sa.Column("note", sa.Text(), nullable=True, comment="Observación"),
        postgresql.ExcludeConstraint(
            (sa.column("code"), "="),
            (sa.text("daterange(valid_from, valid_to, '[]')"), "&&"),
            using="gist",
            name="ex_parameter_one_in_force",
        ),
        sa.CheckConstraint(
            "CASE value_type WHEN 'int' THEN value ~ '^-?[0-9]{1,15}$' WHEN 'decimal' THEN value ~ '^-?[0-9]{1,12}([.][0-9]{1,6})?$' WHEN 'bool' THEN value IN ('true', 'false') ELSE value <> '' END",
            name=op.f("ck_parameter_value"),
        ),
        sa.CheckConstraint("code ~ '^[A-Z][A-Z0-9_]{2,60}$'", name=op.f("ck_parameter_code")),
        sa.CheckConstraint(
            "unit IN ('dias_habiles', 'dias_corridos', 'horas', 'hora', 'mes', 'meses', 'anios', 'porcentaje', 'veces', 'puntos', 'grados', 'cuotas', 'trabajadores', 'trabajadoras', 'inspectores', 'victimas', 'accidentes', 'casos', 'si_no', 'opcion', 'expresion')",
            name=op.f("ck_parameter_unit"),
        ),
        sa.CheckConstraint(
            "value_type IN ('int', 'decimal', 'bool', 'list', 'text')", name=op.f("ck_parameter_value_type")
        ),
        sa.CheckConstraint(
            "verification IN ('verificado', 'por_verificar', 'diseno')",
            name=op.f("ck_parameter_verification"),
        ),
        sa.CheckConstraint("options IS NULL OR value = ANY (options)", name=op.f("ck_parameter_options")),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_parameter_dates")),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_parameter_created_by_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_parameter_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parameter")),
        sa.UniqueConstraint("code", "valid_from", name=op.f("uq_parameter_code_valid_from")),
        sa.UniqueConstraint("uuid", name=op.f("uq_parameter_uuid")),
    )
    op.create_index(op.f("ix_parameter_created_by_id"), "parameter", ["created_by_id"], unique=False)
    op.create_index(
        "ix_parameter_description_trgm",
        "parameter",
        [sa.literal_column("fold(description) gin_trgm_ops")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(op.f("ix_parameter_updated_by_id"), "parameter", ["updated_by_id"], unique=False)
    op.create_table(
        "checklist_section",
        sa.Column("version_id", sa.Integer(), nullable=False, comment="Versión"),
        sa.Column("number", sa.Integer(), nullable=False, comment="Orden"),
        sa.Column("title", sa.Text(), nullable=False, comment="Título"),
        sa.Column("id", sa.Integer(), nullable=False, comment="N.º interno"),
        sa.Column(
            "uuid",
            sa.Uuid(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="Identificador público",
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_checklist_section_number")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["checklist_version.id"], name=op.f("fk_checklist_section_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checklist_section")),
        sa.UniqueConstraint("uuid", name=op.f("uq_checklist_section_uuid")),
        sa.UniqueConstraint("version_id", "id", name=op.f("uq_checklist_section_version_id_id")),
        sa.UniqueConstraint("version_id", "number", name=op.f("uq_checklist_section_version_id_number")),
    )
    op.create_index(
        op.f("ix_checklist_section_version_id"), "checklist_section", ["version_id"], unique=False
    )
    op.create_table(
        "general_suspension_office",
        sa.Column("general_suspension_id", sa.Integer(), nullable=False, comment="Registro"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="Oficina"),
        sa.ForeignKeyConstraint(
            ["general_suspension_id"],
            ["general_suspension.id"],
            name=op.f("fk_general_suspension_office_general_suspension_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["office_id"], ["office.id"], name=op.f("fk_general_suspension_office_office_id")
        ),
        sa.PrimaryKeyConstraint(
            "general_suspension_id", "office_id", name=op.f("pk_general_suspension_office")
        ),
    )
    op.create_index(
        op.f("ix_general_suspension_office_office_id"),
        "general_suspension_office",
        ["office_id"],
        unique=False,
    )
    op.create_table(
        "holiday_department",
        sa.Column("holiday_id", sa.Integer(), nullable=False, comment="Registro"),
        sa.Column("department_code", sa.Integer(), nullable=False, comment="Departamento"),
        sa.ForeignKeyConstraint(
            ["department_code"], ["department.code"], name=op.f("fk_holiday_department_department_code")
        ),
        sa.ForeignKeyConstraint(
            ["holiday_id"], ["holiday.id"], name=op.f("fk_holiday_department_holiday_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("holiday_id", "department_code", name=op.f("pk_holiday_department")),
    )
    op.create_index(
        op.f("ix_holiday_department_department_code"), "holiday_department", ["department_code"], unique=False
    )
    op.create_table(
        "holiday_district",
        sa.Column("holiday_id", sa.Integer(), nullable=False, comment="Registro"),
        sa.Column("district_code", sa.Integer(), nullable=False, comment="Distrito"),
        sa.ForeignKeyConstraint(
            ["district_code"], ["district.code"], name=op.f("fk_holiday_district_district_code")
        ),
        sa.ForeignKeyConstraint(
            ["holiday_id"], ["holiday.id"], name=op.f("fk_holiday_district_holiday_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("holiday_id", "district_code", name=op.f("pk_holiday_district")),
    )
    op.create_index(
        op.f("ix_holiday_district_district_code"), "holiday_district", ["district_code"], unique=False
    )
    op.create_table(
        "holiday_office",
        sa.Column("holiday_id", sa.Integer(), nullable=False, comment="Registro"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="Oficina"),
        sa.ForeignKeyConstraint(
            ["holiday_id"], ["holiday.id"], name=op.f("fk_holiday_office_holiday_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_holiday_office_office_id")),
        sa.PrimaryKeyConstraint("holiday_id", "office_id", name=op.f("pk_holiday_office")),
    )
    op.create_index(op.f("ix_holiday_office_office_id"), "holiday_office", ["office_id"], unique=False)
    op.create_table(
        "checklist_question",
        sa.Column("version_id", sa.Integer(), nullable=False, comment="Versión"),
        sa.Column("section_id", sa.Integer(), nullable=False, comment="Sección"),
        sa.Column("number", sa.Integer(), nullable=False, comment="Orden. Dentro de la lista."),
        sa.Column("code", sa.Text(), nullable=False, comment="Código"),
        sa.Column(
            "text", sa.Text(), nullable=False, comment="Pregunta. De modo que «Cumple» sea lo correcto."
        ),
        sa.Column(
            "infraction_code",
            sa.Text(),
            nullable=True,
            comment="Infracción. La que abre la respuesta «No cumple».",
        ),
        sa.Column(
            "weight", sa.Integer(), server_default=sa.text("1"), nullable=False, comment="Peso. De 1 a 3."
        ),
        sa.Column(
            "evidence", sa.Text(), server_default=sa.text("'none'"), nullable=False, comment="Evidencia"
        ),
        sa.Column(
            "answer_type",
            sa.Text(),
            server_default=sa.text("'compliance'"),
            nullable=False,
            comment="Tipo de respuesta",
        ),
        sa.Column(
            "show_if",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="Se pregunta si. Condición; sin ella se pregunta siempre.",
        ),
        sa.Column("scope", sa.Text(), nullable=True, comment="Ámbito"),
        sa.Column("help", sa.Text(), nullable=True, comment="Ayuda"),
        sa.Column("id", sa.Integer(), nullable=False, comment="N.º interno"),
        sa.Column(
            "uuid",
            sa.Uuid(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="Identificador público",
        ),
        sa.CheckConstraint("answer_type IN ('compliance')", name=op.f("ck_checklist_question_answer_type")),
        sa.CheckConstraint(
            "evidence IN ('none', 'photo', 'document')", name=op.f("ck_checklist_question_evidence")
        ),
        sa.CheckConstraint("scope IN ('domestic', 'rural')", name=op.f("ck_checklist_question_scope")),
        sa.CheckConstraint(
            "show_if IS NULL OR jsonb_typeof(show_if) = 'object'", name=op.f("ck_checklist_question_show_if")
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_checklist_question_number")),
        sa.CheckConstraint("weight BETWEEN 1 AND 3", name=op.f("ck_checklist_question_weight")),
        sa.ForeignKeyConstraint(
            ["version_id", "section_id"],
            ["checklist_section.version_id", "checklist_section.id"],
            name=op.f("fk_checklist_question_version_id_section_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checklist_question")),
        sa.UniqueConstraint("uuid", name=op.f("uq_checklist_question_uuid")),
        sa.UniqueConstraint("version_id", "code", name=op.f("uq_checklist_question_version_id_code")),
    )
    op.create_index(
        "ix_checklist_question_infraction_code", "checklist_question", ["infraction_code"], unique=False
    )
    op.create_index(
        "ix_checklist_question_section", "checklist_question", ["section_id", "version_id"], unique=False
    )
