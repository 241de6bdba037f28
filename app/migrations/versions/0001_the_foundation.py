"""The foundation: audit trail, territory, offices, accounts and sessions, the queue."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

from app import migrations

revision = "0001"
down_revision = None

FOLD = """
CREATE FUNCTION fold(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS
$$ SELECT lower(public.unaccent('public.unaccent', $1)) $$;
COMMENT ON FUNCTION fold IS 'Text without accents or capitals, for searching';
"""

END_SESSIONS = """
CREATE FUNCTION end_sessions() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    IF TG_TABLE_NAME = 'ab_user' THEN
        DELETE FROM login_session WHERE user_id = NEW.id;
    ELSIF TG_TABLE_NAME = 'ab_group_role' THEN
        DELETE FROM login_session WHERE user_id IN (
            SELECT user_id FROM ab_user_group WHERE group_id = coalesce(NEW.group_id, OLD.group_id));
    ELSE
        DELETE FROM login_session WHERE user_id = coalesce(NEW.user_id, OLD.user_id);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION end_sessions IS 'A change of password, state, roles or groups ends the sessions at once';
CREATE TRIGGER end_sessions AFTER UPDATE OF password, active ON ab_user FOR EACH ROW
    WHEN (OLD.password IS DISTINCT FROM NEW.password OR OLD.active IS DISTINCT FROM NEW.active)
    EXECUTE FUNCTION end_sessions();
CREATE TRIGGER end_sessions AFTER INSERT OR UPDATE OR DELETE ON ab_user_role FOR EACH ROW
    EXECUTE FUNCTION end_sessions();
CREATE TRIGGER end_sessions AFTER INSERT OR UPDATE OR DELETE ON ab_user_group FOR EACH ROW
    EXECUTE FUNCTION end_sessions();
CREATE TRIGGER end_sessions AFTER INSERT OR UPDATE OR DELETE ON ab_group_role FOR EACH ROW
    EXECUTE FUNCTION end_sessions();
"""

GRANTS = """
GRANT EXECUTE ON FUNCTION fold TO sis_app, sis_backup;
DO $$ DECLARE f regprocedure; BEGIN
    FOR f IN SELECT oid::regprocedure FROM pg_proc
              WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'procrastinate%'
    LOOP EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO sis_app', f); END LOOP;
END $$;
"""

COUNTERS = ("last_login", "login_count", "fail_login_count")


def upgrade() -> None:
    for extension in ("pg_trgm", "unaccent", "btree_gist"):
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    op.execute(FOLD)
    _run((Path(migrations.HERE) / "audit.sql").read_text())
    _tables()
    for table in (
        "office",
        "jurisdiction",
        "user_office",
        "ab_role",
        "ab_permission",
        "ab_view_menu",
        "ab_permission_view",
        "ab_permission_view_role",
        "ab_user_role",
        "ab_group",
        "ab_user_group",
        "ab_group_role",
        "ab_register_user",
    ):
        migrations.trace(op, table)
    migrations.trace(op, "department", "code")
    migrations.trace(op, "district", "code")
    migrations.trace(op, "installation", "single")
    migrations.trace(op, "ab_user", secret=("password",), ignore=COUNTERS)
    migrations.trace(op, "ab_api_key", secret=("key_hash", "lookup_hash"), ignore=("last_used_on",))
    _run(END_SESSIONS)
    _run(SchemaManager.get_schema())
    _run(GRANTS)


def _run(script: str) -> None:
    """Run a script as it stands, without parameters (its % and : are its own)."""
    connection = op.get_bind().connection
    with connection.cursor() as cursor:
        cursor.execute(script)


def _tables() -> None:
    op.create_table(
        "ab_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("label", sa.String(length=150), nullable=True),
        sa.Column("description", sa.String(length=512), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_group")),
        sa.UniqueConstraint("name", name=op.f("uq_ab_group_name")),
    )
    op.create_table(
        "ab_permission",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_permission")),
        sa.UniqueConstraint("name", name=op.f("uq_ab_permission_name")),
    )
    op.create_table(
        "ab_register_user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first_name", sa.String(length=64), nullable=False),
        sa.Column("last_name", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=128), nullable=False),
        sa.Column("password", sa.String(length=256), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("registration_date", sa.DateTime(), nullable=True),
        sa.Column("registration_hash", sa.String(length=256), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_register_user")),
        sa.UniqueConstraint("email", name=op.f("uq_ab_register_user_email")),
        sa.UniqueConstraint("username", name=op.f("uq_ab_register_user_username")),
    )
    op.create_table(
        "ab_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_role")),
        sa.UniqueConstraint("name", name=op.f("uq_ab_role_name")),
    )
    op.create_table(
        "ab_user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first_name", sa.String(length=64), nullable=False),
        sa.Column("last_name", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=128), nullable=False),
        sa.Column("password", sa.String(length=256), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("last_login", sa.DateTime(), nullable=True),
        sa.Column("login_count", sa.Integer(), nullable=True),
        sa.Column("fail_login_count", sa.Integer(), nullable=True),
        sa.Column("created_on", sa.DateTime(), nullable=True),
        sa.Column("changed_on", sa.DateTime(), nullable=True),
        sa.Column("created_by_fk", sa.Integer(), nullable=True),
        sa.Column("changed_by_fk", sa.Integer(), nullable=True),
        sa.Column(
            "uuid",
            sa.Uuid(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="Identificador público",
        ),
        sa.Column(
            "must_change_password",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Debe cambiar la contraseña. Al entrar, antes de cualquier otra cosa.",
        ),
        sa.ForeignKeyConstraint(["changed_by_fk"], ["ab_user.id"], name=op.f("fk_ab_user_changed_by_fk")),
        sa.ForeignKeyConstraint(["created_by_fk"], ["ab_user.id"], name=op.f("fk_ab_user_created_by_fk")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_user")),
        sa.UniqueConstraint("email", name=op.f("uq_ab_user_email")),
        sa.UniqueConstraint("username", name=op.f("uq_ab_user_username")),
        sa.UniqueConstraint("uuid", name=op.f("uq_ab_user_uuid")),
    )
    op.create_table(
        "ab_view_menu",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_view_menu")),
        sa.UniqueConstraint("name", name=op.f("uq_ab_view_menu_name")),
    )
    op.create_table(
        "department",
        sa.Column("code", sa.Integer(), autoincrement=False, nullable=False, comment="Código"),
        sa.Column("iso", sa.Text(), nullable=False, comment="Código ISO. ISO 3166-2."),
        sa.Column("name", sa.Text(), nullable=False, comment="Nombre"),
        sa.Column("official_name", sa.Text(), nullable=False, comment="Nombre oficial"),
        sa.Column("capital", sa.Text(), nullable=True, comment="Capital"),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_department")),
        sa.UniqueConstraint("iso", name=op.f("uq_department_iso")),
        sa.UniqueConstraint("name", name=op.f("uq_department_name")),
    )
    op.create_table(
        "installation",
        sa.Column("single", sa.Boolean(), server_default=sa.text("true"), nullable=False, comment="Única fila"),
        sa.Column("environment", sa.Text(), nullable=False, comment="Entorno"),
        sa.Column(
            "clock_offset",
            sa.Interval(),
            server_default=sa.text("interval '0'"),
            nullable=False,
            comment="Adelanto del reloj. Solo en capacitación.",
        ),
        sa.Column("seeds_digest", sa.Text(), nullable=True, comment="Huella de los datos iniciales"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="Creada",
        ),
        sa.CheckConstraint(
            "environment = 'training' OR clock_offset = interval '0'", name=op.f("ck_installation_clock")
        ),
        sa.CheckConstraint(
            "environment IN ('training', 'production')", name=op.f("ck_installation_environment")
        ),
        sa.CheckConstraint("single", name=op.f("ck_installation_single_row")),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_installation")),
    )
    op.create_table(
        "login_failure",
        sa.Column("name_hash", sa.Text(), nullable=False, comment="Huella del nombre"),
        sa.Column("address", sa.Text(), nullable=False, comment="Dirección de red"),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="Intentos"),
        sa.Column(
            "last_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="Último",
        ),
        sa.PrimaryKeyConstraint("name_hash", "address", name=op.f("pk_login_failure")),
    )
    op.create_index(op.f("ix_login_failure_last_at"), "login_failure", ["last_at"], unique=False)
    op.create_table(
        "ab_api_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("key_hash", sa.String(length=256), nullable=False),
        sa.Column("lookup_hash", sa.String(length=256), nullable=True),
        sa.Column("key_prefix", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_on", sa.DateTime(), nullable=True),
        sa.Column("expires_on", sa.DateTime(), nullable=True),
        sa.Column("revoked_on", sa.DateTime(), nullable=True),
        sa.Column("last_used_on", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["ab_user.id"], name=op.f("fk_ab_api_key_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_api_key")),
        sa.UniqueConstraint("lookup_hash", name=op.f("uq_ab_api_key_lookup_hash")),
        sa.UniqueConstraint("uuid", name=op.f("uq_ab_api_key_uuid")),
    )
    op.create_index("idx_api_key_lookup_hash", "ab_api_key", ["lookup_hash"], unique=True)
    op.create_index("idx_api_key_prefix", "ab_api_key", ["key_prefix"], unique=False)
    op.create_index("idx_api_key_user_id", "ab_api_key", ["user_id"], unique=False)
    op.create_table(
        "ab_group_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.Column("role_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["group_id"], ["ab_group.id"], name=op.f("fk_ab_group_role_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["role_id"], ["ab_role.id"], name=op.f("fk_ab_group_role_role_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_group_role")),
        sa.UniqueConstraint("group_id", "role_id", name=op.f("uq_ab_group_role_group_id_role_id")),
    )
    op.create_index("idx_group_id", "ab_group_role", ["group_id"], unique=False)
    op.create_index("idx_group_role_id", "ab_group_role", ["role_id"], unique=False)
    op.create_table(
        "ab_permission_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("permission_id", sa.Integer(), nullable=False),
        sa.Column("view_menu_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["permission_id"], ["ab_permission.id"], name=op.f("fk_ab_permission_view_permission_id")
        ),
        sa.ForeignKeyConstraint(
            ["view_menu_id"], ["ab_view_menu.id"], name=op.f("fk_ab_permission_view_view_menu_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_permission_view")),
        sa.UniqueConstraint(
            "permission_id", "view_menu_id", name=op.f("uq_ab_permission_view_permission_id_view_menu_id")
        ),
    )
    op.create_index("idx_permission_id", "ab_permission_view", ["permission_id"], unique=False)
    op.create_index("idx_view_menu_id", "ab_permission_view", ["view_menu_id"], unique=False)
    op.create_table(
        "ab_user_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["group_id"], ["ab_group.id"], name=op.f("fk_ab_user_group_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["ab_user.id"], name=op.f("fk_ab_user_group_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_user_group")),
        sa.UniqueConstraint("user_id", "group_id", name=op.f("uq_ab_user_group_user_id_group_id")),
    )
    op.create_index("idx_user_group_id", "ab_user_group", ["group_id"], unique=False)
    op.create_index("idx_user_id", "ab_user_group", ["user_id"], unique=False)
    op.create_table(
        "ab_user_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("role_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["role_id"], ["ab_role.id"], name=op.f("fk_ab_user_role_role_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["ab_user.id"], name=op.f("fk_ab_user_role_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_user_role")),
        sa.UniqueConstraint("user_id", "role_id", name=op.f("uq_ab_user_role_user_id_role_id")),
    )
    op.create_table(
        "district",
        sa.Column("code", sa.Integer(), autoincrement=False, nullable=False, comment="Código"),
        sa.Column("department_code", sa.Integer(), nullable=False, comment="Departamento"),
        sa.Column("name", sa.Text(), nullable=False, comment="Nombre"),
        sa.Column("official_name", sa.Text(), nullable=False, comment="Nombre oficial"),
        sa.ForeignKeyConstraint(
            ["department_code"], ["department.code"], name=op.f("fk_district_department_code")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_district")),
        sa.UniqueConstraint("department_code", "name", name=op.f("uq_district_department_code_name")),
    )
    op.create_index(op.f("ix_district_department_code"), "district", ["department_code"], unique=False)
    op.create_table(
        "login_session",
        sa.Column("token_hash", sa.Text(), nullable=False, comment="Huella de la sesión"),
        sa.Column("user_id", sa.Integer(), nullable=False, comment="Usuario"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="Inicio",
        ),
        sa.Column(
            "seen_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="Última actividad",
        ),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False, comment="Vence"),
        sa.Column("address", sa.Text(), nullable=True, comment="Dirección de red"),
        sa.Column("device", sa.Text(), nullable=True, comment="Equipo. Navegador y sistema que se anuncian."),
        sa.ForeignKeyConstraint(
            ["user_id"], ["ab_user.id"], name=op.f("fk_login_session_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_login_session")),
    )
    op.create_index(op.f("ix_login_session_ends_at"), "login_session", ["ends_at"], unique=False)
    op.create_index(op.f("ix_login_session_user_id"), "login_session", ["user_id"], unique=False)
    op.create_table(
        "office",
        sa.Column(
            "code",
            sa.Text(),
            nullable=False,
            comment="Sigla. Mayúsculas, números y guion; por ejemplo DGIFT o REG-07.",
        ),
        sa.Column(
            "series_code",
            sa.Text(),
            nullable=True,
            comment="Código de serie. Aparece en los números de documentos propios de la oficina; por ejemplo R07.",
        ),
        sa.Column("name", sa.Text(), nullable=False, comment="Nombre"),
        sa.Column("kind", sa.Text(), nullable=False, comment="Tipo"),
        sa.Column("parent_id", sa.Integer(), nullable=True, comment="Depende de"),
        sa.Column("city", sa.Text(), nullable=True, comment="Ciudad"),
        sa.Column("address", sa.Text(), nullable=True, comment="Dirección"),
        sa.Column("phone", sa.Text(), nullable=True, comment="Teléfono"),
        sa.Column("email", sa.Text(), nullable=True, comment="Correo electrónico"),
        sa.Column("opened_on", sa.Date(), nullable=False, comment="Abierta desde"),
        sa.Column("closed_on", sa.Date(), nullable=True, comment="Cerrada desde"),
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
        sa.CheckConstraint("code = upper(code) AND code ~ '^[A-Z0-9-]{2,16}$'", name=op.f("ck_office_code")),
        sa.CheckConstraint("kind IN ('central', 'regional')", name=op.f("ck_office_kind")),
        sa.CheckConstraint("closed_on IS NULL OR closed_on >= opened_on", name=op.f("ck_office_dates")),
        sa.CheckConstraint("parent_id IS NULL OR parent_id <> id", name=op.f("ck_office_own_parent")),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_office_created_by_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["office.id"], name=op.f("fk_office_parent_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_office_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office")),
        sa.UniqueConstraint("code", name=op.f("uq_office_code")),
        sa.UniqueConstraint("series_code", name=op.f("uq_office_series_code")),
        sa.UniqueConstraint("uuid", name=op.f("uq_office_uuid")),
    )
    op.create_index(op.f("ix_office_created_by_id"), "office", ["created_by_id"], unique=False)
    op.create_index(
        "ix_office_name_trgm",
        "office",
        [sa.literal_column("fold(name) gin_trgm_ops")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(op.f("ix_office_parent_id"), "office", ["parent_id"], unique=False)
    op.create_index(op.f("ix_office_updated_by_id"), "office", ["updated_by_id"], unique=False)
    op.create_table(
        "ab_permission_view_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("permission_view_id", sa.Integer(), nullable=True),
        sa.Column("role_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["permission_view_id"],
            ["ab_permission_view.id"],
            name=op.f("fk_ab_permission_view_role_permission_view_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["role_id"], ["ab_role.id"], name=op.f("fk_ab_permission_view_role_role_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_permission_view_role")),
        sa.UniqueConstraint(
            "permission_view_id",
            "role_id",
            name=op.f("uq_ab_permission_view_role_permission_view_id_role_id"),
        ),
    )
    op.create_index("idx_permission_view_id", "ab_permission_view_role", ["permission_view_id"], unique=False)
    op.create_index("idx_role_id", "ab_permission_view_role", ["role_id"], unique=False)
    op.create_table(
        "jurisdiction",
        sa.Column("office_id", sa.Integer(), nullable=False, comment="Oficina"),
        sa.Column("district_code", sa.Integer(), nullable=False, comment="Distrito"),
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
        postgresql.ExcludeConstraint(
            (sa.column("district_code"), "="),
            (sa.text("daterange(valid_from, valid_to, '[]')"), "&&"),
            using="gist",
            name="ex_jurisdiction_one_office",
        ),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_jurisdiction_dates")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_jurisdiction_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["district_code"], ["district.code"], name=op.f("fk_jurisdiction_district_code")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_jurisdiction_office_id")),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_jurisdiction_updated_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jurisdiction")),
        sa.UniqueConstraint("uuid", name=op.f("uq_jurisdiction_uuid")),
    )
    op.create_index(op.f("ix_jurisdiction_created_by_id"), "jurisdiction", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_jurisdiction_district_code"), "jurisdiction", ["district_code"], unique=False)
    op.create_index(op.f("ix_jurisdiction_office_id"), "jurisdiction", ["office_id"], unique=False)
    op.create_index(op.f("ix_jurisdiction_updated_by_id"), "jurisdiction", ["updated_by_id"], unique=False)
    op.create_table(
        "user_office",
        sa.Column("user_id", sa.Integer(), nullable=False, comment="Usuario"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="Oficina"),
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
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_user_office_dates")),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_user_office_created_by_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_user_office_office_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_user_office_updated_by_id")),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name=op.f("fk_user_office_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_office")),
        sa.UniqueConstraint("uuid", name=op.f("uq_user_office_uuid")),
    )
    op.create_index(op.f("ix_user_office_created_by_id"), "user_office", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_user_office_office_id"), "user_office", ["office_id"], unique=False)
    op.create_index(op.f("ix_user_office_updated_by_id"), "user_office", ["updated_by_id"], unique=False)
    op.create_index(op.f("ix_user_office_user_id"), "user_office", ["user_id"], unique=False)
    op.create_index(
        "uq_user_office_open",
        "user_office",
        ["user_id", "office_id"],
        unique=True,
        postgresql_where=sa.text("valid_to IS NULL"),
    )


def downgrade() -> None:
    raise RuntimeError("The first schema is not undone: restore a backup instead.")
