"""The registry: employers, establishments, patronal numbers, headcounts, contacts, workers, merges."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app import migrations

revision = "0003"
down_revision = "0002"

CHECK_DIGIT = """
CREATE FUNCTION ruc_check_digit(base text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS
$$
    SELECT CASE WHEN total % 11 > 1 THEN 11 - total % 11 ELSE 0 END::text
      FROM (SELECT sum(figure::int * ((place - 1) % 10 + 2)) AS total
              FROM regexp_split_to_table(reverse((
                   SELECT string_agg(CASE WHEN c ~ '[0-9]' THEN c ELSE ascii(c)::text END, '' ORDER BY n)
                     FROM regexp_split_to_table(base, '') WITH ORDINALITY AS letter (c, n)
                   )), '') WITH ORDINALITY AS digit (figure, place)) AS sums
$$;
COMMENT ON FUNCTION ruc_check_digit IS 'Check digit of a RUC base, modulo 11; a letter counts as its code';
GRANT EXECUTE ON FUNCTION ruc_check_digit TO sis_app, sis_backup;
"""

SEARCH_TEXT = """
CREATE FUNCTION search_text({parameters}) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT public.fold(concat_ws(' ', {arguments})) $$;
GRANT EXECUTE ON FUNCTION search_text({parameters}) TO sis_app, sis_backup;
"""


def upgrade() -> None:
    op.execute(CHECK_DIGIT)
    for count in range(1, 7):
        names = [f"${number}" for number in range(1, count + 1)]
        op.execute(SEARCH_TEXT.format(parameters=", ".join(["text"] * count), arguments=", ".join(names)))
    _tables()
    for table in (
        "employer",
        "establishment",
        "patronal_number",
        "headcount",
        "contact",
        "worker",
        "record_merge",
    ):
        migrations.trace(op, table)


def _tables() -> None:
    op.create_table(
        "employer",
        sa.Column("kind", sa.Text(), nullable=False, comment="Tipo de persona"),
        sa.Column("ruc_base", sa.Text(), nullable=True, comment="RUC sin dígito"),
        sa.Column("ruc_dv", sa.Text(), nullable=True, comment="Dígito verificador"),
        sa.Column(
            "document_number",
            sa.Text(),
            nullable=True,
            comment="Cédula. De la persona física, cuando no tiene RUC.",
        ),
        sa.Column(
            "description",
            sa.Text(),
            nullable=True,
            comment="Descripción provisoria. Cuando no se conoce RUC ni cédula; por ejemplo «responsable del taller de la calle Palma 123».",
        ),
        sa.Column(
            "provisional",
            sa.Boolean(),
            sa.Computed("ruc_base IS NULL AND document_number IS NULL", persisted=True),
            nullable=False,
            comment="Sin identificar",
        ),
        sa.Column(
            "legal_name",
            sa.Text(),
            nullable=False,
            comment="Razón social. O nombre y apellido de la persona física.",
        ),
        sa.Column("trade_name", sa.Text(), nullable=True, comment="Nombre de fantasía"),
        sa.Column("legal_form", sa.Text(), nullable=True, comment="Forma jurídica. Por ejemplo S.A., S.R.L."),
        sa.Column("status", sa.Text(), server_default="NO_REGISTRADO", nullable=False, comment="Situación"),
        sa.Column("started_on", sa.Date(), nullable=True, comment="Inicio de actividades"),
        sa.Column("representative", sa.Text(), nullable=True, comment="Representante legal"),
        sa.Column("has_union", sa.Boolean(), nullable=True, comment="Tiene sindicato"),
        sa.Column("shifts", sa.Text(), nullable=True, comment="Turnos de trabajo"),
        sa.Column("phone", sa.Text(), nullable=True, comment="Teléfono"),
        sa.Column("email", sa.Text(), nullable=True, comment="Correo electrónico"),
        sa.Column("notes", sa.Text(), nullable=True, comment="Observaciones"),
        sa.Column("merged_into_id", sa.Integer(), nullable=True, comment="Unido con"),
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
        sa.CheckConstraint("document_number ~ '^[1-9][0-9]{4,7}$'", name=op.f("ck_employer_document_number")),
        sa.CheckConstraint("kind IN ('legal', 'individual', 'unknown')", name=op.f("ck_employer_kind")),
        sa.CheckConstraint("ruc_base ~ '^[1-9][0-9]{0,7}[A-Z]?$'", name=op.f("ck_employer_ruc_base")),
        sa.CheckConstraint(
            "status IN ('ACTIVO', 'INACTIVO_TEMPORAL', 'CANCELADO', 'NO_REGISTRADO')",
            name=op.f("ck_employer_status"),
        ),
        sa.CheckConstraint("(ruc_base IS NULL) = (ruc_dv IS NULL)", name=op.f("ck_employer_ruc_whole")),
        sa.CheckConstraint("merged_into_id <> id", name=op.f("ck_employer_own_merge")),
        sa.CheckConstraint(
            "ruc_base IS NOT NULL OR document_number IS NOT NULL OR description IS NOT NULL",
            name=op.f("ck_employer_identified"),
        ),
        sa.CheckConstraint("ruc_dv = ruc_check_digit(ruc_base)", name=op.f("ck_employer_ruc_dv")),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_employer_created_by_id")),
        sa.ForeignKeyConstraint(["merged_into_id"], ["employer.id"], name=op.f("fk_employer_merged_into_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_employer_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_employer")),
        sa.UniqueConstraint("uuid", name=op.f("uq_employer_uuid")),
    )
    op.create_index(op.f("ix_employer_created_by_id"), "employer", ["created_by_id"], unique=False)
    op.create_index(
        "ix_employer_fold_name",
        "employer",
        [sa.literal_column("fold(legal_name) gin_trgm_ops")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(
        "ix_employer_fold_trade",
        "employer",
        [sa.literal_column("fold(trade_name) gin_trgm_ops")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index("ix_employer_legal_name_id", "employer", ["legal_name", "id"], unique=False)
    op.create_index(op.f("ix_employer_merged_into_id"), "employer", ["merged_into_id"], unique=False)
    op.create_index(op.f("ix_employer_provisional"), "employer", ["provisional"], unique=False)
    op.create_index(
        "ix_employer_search",
        "employer",
        [
            sa.literal_column(
                "search_text(legal_name, trade_name, description, ruc_base, document_number) gin_trgm_ops"
            )
        ],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(op.f("ix_employer_updated_by_id"), "employer", ["updated_by_id"], unique=False)
    op.create_index(
        "uq_employer_document_number",
        "employer",
        ["document_number"],
        unique=True,
        postgresql_where=sa.text("document_number IS NOT NULL"),
    )
    op.create_index(
        "uq_employer_ruc_base",
        "employer",
        ["ruc_base"],
        unique=True,
        postgresql_where=sa.text("ruc_base IS NOT NULL"),
    )
    op.create_table(
        "worker",
        sa.Column("name", sa.Text(), nullable=False, comment="Nombre y apellido"),
        sa.Column(
            "document_country",
            sa.Text(),
            server_default="PY",
            nullable=False,
            comment="País del documento. Dos letras: PY, AR, BR.",
        ),
        sa.Column("document_number", sa.Text(), nullable=True, comment="Documento"),
        sa.Column("birth_date", sa.Date(), nullable=True, comment="Fecha de nacimiento"),
        sa.Column("sex", sa.Text(), nullable=True, comment="Sexo"),
        sa.Column("nationality", sa.Text(), nullable=True, comment="Nacionalidad"),
        sa.Column("phone", sa.Text(), nullable=True, comment="Teléfono"),
        sa.Column("notes", sa.Text(), nullable=True, comment="Observaciones"),
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
            "document_country <> 'PY' OR document_number ~ '^[1-9][0-9]{4,7}$'",
            name=op.f("ck_worker_document_number"),
        ),
        sa.CheckConstraint("document_country ~ '^[A-Z]{2}$'", name=op.f("ck_worker_document_country")),
        sa.CheckConstraint("sex IN ('F', 'M')", name=op.f("ck_worker_sex")),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_worker_created_by_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_worker_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker")),
        sa.UniqueConstraint("uuid", name=op.f("uq_worker_uuid")),
    )
    op.create_index(op.f("ix_worker_created_by_id"), "worker", ["created_by_id"], unique=False)
    op.create_index("ix_worker_name_id", "worker", ["name", "id"], unique=False)
    op.create_index(
        "ix_worker_search",
        "worker",
        [sa.literal_column("search_text(name, document_number) gin_trgm_ops")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(op.f("ix_worker_updated_by_id"), "worker", ["updated_by_id"], unique=False)
    op.create_index(
        "uq_worker_document_number",
        "worker",
        ["document_country", "document_number"],
        unique=True,
        postgresql_where=sa.text("document_number IS NOT NULL"),
    )
    op.create_table(
        "establishment",
        sa.Column("employer_id", sa.Integer(), nullable=False, comment="Empleador"),
        sa.Column(
            "branch_number",
            sa.Text(),
            nullable=True,
            comment="N.º de sucursal. El de la constancia de RUC, por ejemplo 001.",
        ),
        sa.Column(
            "name",
            sa.Text(),
            nullable=False,
            comment="Nombre. Como se lo conoce: «Casa central», «Sucursal Luque».",
        ),
        sa.Column("district_code", sa.Integer(), nullable=False, comment="Distrito"),
        sa.Column("neighbourhood", sa.Text(), nullable=True, comment="Barrio, compañía o localidad"),
        sa.Column("address", sa.Text(), nullable=True, comment="Dirección"),
        sa.Column(
            "reference",
            sa.Text(),
            nullable=True,
            comment="Referencia. Cómo llegar, cuando la dirección no alcanza.",
        ),
        sa.Column(
            "latitude",
            sa.Numeric(precision=9, scale=6),
            nullable=True,
            comment="Latitud. En grados, negativa; por ejemplo -25,286700.",
        ),
        sa.Column(
            "longitude",
            sa.Numeric(precision=9, scale=6),
            nullable=True,
            comment="Longitud. En grados, negativa; por ejemplo -57,647000.",
        ),
        sa.Column("activity_code", sa.Text(), nullable=True, comment="Actividad principal. CIIU Rev. 4."),
        sa.Column("second_activity_code", sa.Text(), nullable=True, comment="Actividad secundaria"),
        sa.Column("phone", sa.Text(), nullable=True, comment="Teléfono"),
        sa.Column("email", sa.Text(), nullable=True, comment="Correo electrónico"),
        sa.Column("opened_on", sa.Date(), nullable=True, comment="Abierto desde"),
        sa.Column("closed_on", sa.Date(), nullable=True, comment="Cerrado desde"),
        sa.Column(
            "provisional",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Provisorio. Sus datos se tomaron sin papeles y falta confirmarlos.",
        ),
        sa.Column("notes", sa.Text(), nullable=True, comment="Observaciones"),
        sa.Column("merged_into_id", sa.Integer(), nullable=True, comment="Unido con"),
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
        sa.CheckConstraint("branch_number ~ '^[0-9]{1,4}$'", name=op.f("ck_establishment_branch_number")),
        sa.CheckConstraint(
            "(latitude IS NULL) = (longitude IS NULL)", name=op.f("ck_establishment_point_whole")
        ),
        sa.CheckConstraint(
            "address IS NOT NULL OR reference IS NOT NULL OR latitude IS NOT NULL",
            name=op.f("ck_establishment_somewhere"),
        ),
        sa.CheckConstraint("closed_on >= opened_on", name=op.f("ck_establishment_dates")),
        sa.CheckConstraint(
            "latitude BETWEEN -27.7 AND -19.2 AND longitude BETWEEN -62.7 AND -54.2",
            name=op.f("ck_establishment_point"),
        ),
        sa.CheckConstraint("merged_into_id <> id", name=op.f("ck_establishment_own_merge")),
        sa.ForeignKeyConstraint(
            ["activity_code"], ["activity.code"], name=op.f("fk_establishment_activity_code")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_establishment_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["district_code"], ["district.code"], name=op.f("fk_establishment_district_code")
        ),
        sa.ForeignKeyConstraint(["employer_id"], ["employer.id"], name=op.f("fk_establishment_employer_id")),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["establishment.id"], name=op.f("fk_establishment_merged_into_id")
        ),
        sa.ForeignKeyConstraint(
            ["second_activity_code"], ["activity.code"], name=op.f("fk_establishment_second_activity_code")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_establishment_updated_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_establishment")),
        sa.UniqueConstraint("uuid", name=op.f("uq_establishment_uuid")),
    )
    op.create_index(op.f("ix_establishment_activity_code"), "establishment", ["activity_code"], unique=False)
    op.create_index(op.f("ix_establishment_created_by_id"), "establishment", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_establishment_district_code"), "establishment", ["district_code"], unique=False)
    op.create_index(op.f("ix_establishment_employer_id"), "establishment", ["employer_id"], unique=False)
    op.create_index(
        "ix_establishment_fold_address",
        "establishment",
        [sa.literal_column("fold(address) gin_trgm_ops")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(
        op.f("ix_establishment_merged_into_id"), "establishment", ["merged_into_id"], unique=False
    )
    op.create_index("ix_establishment_name_id", "establishment", ["name", "id"], unique=False)
    op.create_index("ix_establishment_point", "establishment", ["latitude", "longitude"], unique=False)
    op.create_index(op.f("ix_establishment_provisional"), "establishment", ["provisional"], unique=False)
    op.create_index(
        "ix_establishment_search",
        "establishment",
        [
            sa.literal_column(
                "search_text(name, branch_number, address, reference, neighbourhood) gin_trgm_ops"
            )
        ],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(
        op.f("ix_establishment_second_activity_code"), "establishment", ["second_activity_code"], unique=False
    )
    op.create_index(op.f("ix_establishment_updated_by_id"), "establishment", ["updated_by_id"], unique=False)
    op.create_table(
        "contact",
        sa.Column("employer_id", sa.Integer(), nullable=False, comment="Empleador"),
        sa.Column("establishment_id", sa.Integer(), nullable=True, comment="Establecimiento"),
        sa.Column("name", sa.Text(), nullable=False, comment="Nombre y apellido"),
        sa.Column("role", sa.Text(), nullable=True, comment="Cargo. Por ejemplo jefa de personal, contador."),
        sa.Column("phone", sa.Text(), nullable=True, comment="Teléfono"),
        sa.Column("email", sa.Text(), nullable=True, comment="Correo electrónico"),
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
        sa.CheckConstraint("phone IS NOT NULL OR email IS NOT NULL", name=op.f("ck_contact_reachable")),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_contact_created_by_id")),
        sa.ForeignKeyConstraint(["employer_id"], ["employer.id"], name=op.f("fk_contact_employer_id")),
        sa.ForeignKeyConstraint(
            ["establishment_id"], ["establishment.id"], name=op.f("fk_contact_establishment_id")
        ),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_contact_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("uuid", name=op.f("uq_contact_uuid")),
    )
    op.create_index(op.f("ix_contact_created_by_id"), "contact", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_contact_employer_id"), "contact", ["employer_id"], unique=False)
    op.create_index(op.f("ix_contact_establishment_id"), "contact", ["establishment_id"], unique=False)
    op.create_index(op.f("ix_contact_updated_by_id"), "contact", ["updated_by_id"], unique=False)
    op.create_table(
        "headcount",
        sa.Column("establishment_id", sa.Integer(), nullable=False, comment="Establecimiento"),
        sa.Column("as_of", sa.Date(), nullable=False, comment="A la fecha"),
        sa.Column("source", sa.Text(), nullable=False, comment="Fuente"),
        sa.Column("women", sa.Integer(), nullable=False, comment="Mujeres"),
        sa.Column("men", sa.Integer(), nullable=False, comment="Hombres"),
        sa.Column(
            "adolescents",
            sa.Integer(),
            nullable=True,
            comment="Adolescentes. De 14 a 17 años, incluidos en el total.",
        ),
        sa.Column("foreigners", sa.Integer(), nullable=True, comment="Extranjeros"),
        sa.Column("disabled", sa.Integer(), nullable=True, comment="Personas con discapacidad"),
        sa.Column("indigenous", sa.Integer(), nullable=True, comment="Personas indígenas"),
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
            "source IN ('declarado', 'inspeccion', 'reop', 'ips', 'importado')",
            name=op.f("ck_headcount_source"),
        ),
        sa.CheckConstraint(
            "greatest(adolescents, foreigners, disabled, indigenous) <= women + men",
            name=op.f("ck_headcount_within"),
        ),
        sa.CheckConstraint(
            "least(women, men, adolescents, foreigners, disabled, indigenous) >= 0",
            name=op.f("ck_headcount_counts"),
        ),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_headcount_created_by_id")),
        sa.ForeignKeyConstraint(
            ["establishment_id"], ["establishment.id"], name=op.f("fk_headcount_establishment_id")
        ),
        sa.ForeignKeyConstraint(["updated_by_id"], ["ab_user.id"], name=op.f("fk_headcount_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_headcount")),
        sa.UniqueConstraint("uuid", name=op.f("uq_headcount_uuid")),
    )
    op.create_index(op.f("ix_headcount_created_by_id"), "headcount", ["created_by_id"], unique=False)
    op.create_index(
        "ix_headcount_establishment_as_of", "headcount", ["establishment_id", "as_of"], unique=False
    )
    op.create_index(op.f("ix_headcount_establishment_id"), "headcount", ["establishment_id"], unique=False)
    op.create_index(op.f("ix_headcount_updated_by_id"), "headcount", ["updated_by_id"], unique=False)
    op.create_table(
        "patronal_number",
        sa.Column("employer_id", sa.Integer(), nullable=False, comment="Empleador"),
        sa.Column(
            "establishment_id",
            sa.Integer(),
            nullable=True,
            comment="Establecimiento. Cuando el número es de una sola sucursal.",
        ),
        sa.Column("kind", sa.Text(), nullable=False, comment="Institución"),
        sa.Column("number", sa.Text(), nullable=False, comment="Número"),
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
            "kind <> 'IPS' OR number ~ '^[0-9]{3,4}-[0-9]{2}-[0-9]{4,6}$'",
            name=op.f("ck_patronal_number_ips"),
        ),
        sa.CheckConstraint(
            "kind <> 'MTESS' OR number ~ '^[0-9]{1,7}$'", name=op.f("ck_patronal_number_mtess")
        ),
        sa.CheckConstraint("kind IN ('MTESS', 'IPS')", name=op.f("ck_patronal_number_kind")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_patronal_number_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["employer_id"], ["employer.id"], name=op.f("fk_patronal_number_employer_id")
        ),
        sa.ForeignKeyConstraint(
            ["establishment_id"], ["establishment.id"], name=op.f("fk_patronal_number_establishment_id")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_patronal_number_updated_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patronal_number")),
        sa.UniqueConstraint("uuid", name=op.f("uq_patronal_number_uuid")),
    )
    op.create_index(
        op.f("ix_patronal_number_created_by_id"), "patronal_number", ["created_by_id"], unique=False
    )
    op.create_index(op.f("ix_patronal_number_employer_id"), "patronal_number", ["employer_id"], unique=False)
    op.create_index(
        op.f("ix_patronal_number_establishment_id"), "patronal_number", ["establishment_id"], unique=False
    )
    op.create_index(
        op.f("ix_patronal_number_updated_by_id"), "patronal_number", ["updated_by_id"], unique=False
    )
    op.create_index("uq_patronal_number_kind_number", "patronal_number", ["kind", "number"], unique=True)
    op.create_table(
        "record_merge",
        sa.Column("kept_employer_id", sa.Integer(), nullable=True, comment="Empleador conservado"),
        sa.Column("absorbed_employer_id", sa.Integer(), nullable=True, comment="Empleador absorbido"),
        sa.Column("kept_establishment_id", sa.Integer(), nullable=True, comment="Establecimiento conservado"),
        sa.Column(
            "absorbed_establishment_id", sa.Integer(), nullable=True, comment="Establecimiento absorbido"
        ),
        sa.Column("reason", sa.Text(), nullable=True, comment="Motivo"),
        sa.Column(
            "moved",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="Referencias movidas. Tabla, columna y claves de cada fila.",
        ),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True, comment="Deshecha"),
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
            "num_nonnulls(kept_employer_id, absorbed_employer_id) IN (0, 2) AND num_nonnulls(kept_establishment_id, absorbed_establishment_id) IN (0, 2) AND num_nonnulls(kept_employer_id, kept_establishment_id) = 1",
            name=op.f("ck_record_merge_one_pair"),
        ),
        sa.ForeignKeyConstraint(
            ["absorbed_employer_id"], ["employer.id"], name=op.f("fk_record_merge_absorbed_employer_id")
        ),
        sa.ForeignKeyConstraint(
            ["absorbed_establishment_id"],
            ["establishment.id"],
            name=op.f("fk_record_merge_absorbed_establishment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_record_merge_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["kept_employer_id"], ["employer.id"], name=op.f("fk_record_merge_kept_employer_id")
        ),
        sa.ForeignKeyConstraint(
            ["kept_establishment_id"],
            ["establishment.id"],
            name=op.f("fk_record_merge_kept_establishment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["ab_user.id"], name=op.f("fk_record_merge_updated_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_merge")),
        sa.UniqueConstraint("uuid", name=op.f("uq_record_merge_uuid")),
    )
    op.create_index(
        op.f("ix_record_merge_absorbed_employer_id"), "record_merge", ["absorbed_employer_id"], unique=False
    )
    op.create_index(
        op.f("ix_record_merge_absorbed_establishment_id"),
        "record_merge",
        ["absorbed_establishment_id"],
        unique=False,
    )
    op.create_index(op.f("ix_record_merge_created_by_id"), "record_merge", ["created_by_id"], unique=False)
    op.create_index(
        op.f("ix_record_merge_kept_employer_id"), "record_merge", ["kept_employer_id"], unique=False
    )
    op.create_index(
        op.f("ix_record_merge_kept_establishment_id"), "record_merge", ["kept_establishment_id"], unique=False
    )
    op.create_index(op.f("ix_record_merge_updated_by_id"), "record_merge", ["updated_by_id"], unique=False)


def downgrade() -> None:
    raise RuntimeError("The registry is not undone: restore a backup instead.")
