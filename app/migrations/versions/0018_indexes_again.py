"""Searches and lists at the size of a country: folding in PL/pgSQL, indexes that answer alone."""

from typing import Any

from alembic import op
from sqlalchemy import text

revision = "0018"
down_revision = "0017"

FOLD = """
CREATE OR REPLACE FUNCTION fold(text) RETURNS text LANGUAGE {language} IMMUTABLE PARALLEL SAFE STRICT AS
$$ {expression} $$
"""
SEARCH_TEXT = """
CREATE OR REPLACE FUNCTION search_text({parameters}) RETURNS text LANGUAGE {language} IMMUTABLE PARALLEL SAFE AS
$$ {expression} $$
"""
FOLDED = "lower(public.unaccent('public.unaccent', {text}))"
"""The same text as before: a function of SQL that cannot be inlined costs four times one of PL/pgSQL, for each
row that a search looks at and each row that an index takes."""
OPEN = {"postgresql_where": text("status = 'open'")}
INDEXES: dict[str, tuple[str, list[str], list[str], dict[str, Any]]] = {
    "ix_order_inspector_inspector_id": (
        "order_inspector", ["inspector_id"], ["order_id"], {"postgresql_include": ["until"]},
    ),
    "ix_order_establishment_establishment_id": ("order_establishment", ["establishment_id"], ["order_id"], {}),
    "ix_inspection_order_state": (
        "inspection_order", ["version_code", "process_code", "state"], ["office_id", "id"], {},
    ),
    "ix_inspection_order_valid_from": (
        "inspection_order", [], ["valid_from", "office_id", "version_code", "state"], {},
    ),
    "ix_finding_visit_version": ("finding", ["visit_id", "version_code"], ["state", "office_id"], {}),
    "ix_term_due": ("term", ["due_on"], ["office_id"], OPEN),
    "ix_document_reserved": ("document", [], ["type_code"], {"postgresql_where": text("status = 'reserved'")}),
    "ix_inspector_search": (
        "inspector", [], [text("search_text(last_name, first_name, code) gin_trgm_ops")],
        {"postgresql_using": "gin"},
    ),
}  # fmt: skip
"""Index -> its table, the columns that it had, those that it gains: what an inspector, a place, a state, a year
have is then answered by the index, without the rows."""


def upgrade() -> None:
    for parameters, arguments in _arities():
        folded = FOLDED.format(text=f"concat_ws(' ', {arguments})")
        _replace(SEARCH_TEXT, "plpgsql", f"BEGIN RETURN {folded}; END", parameters)
    _replace(FOLD, "plpgsql", f"BEGIN RETURN {FOLDED.format(text='$1')}; END")
    for name, (table, columns, more, options) in INDEXES.items():
        if columns:
            op.drop_index(name, table)
        op.create_index(name, table, [*columns, *more], **options)


def downgrade() -> None:
    for name, (table, columns, _, options) in INDEXES.items():
        op.drop_index(name, table)
        if columns:
            kept = {key: value for key, value in options.items() if key != "postgresql_include"}
            op.create_index(name, table, columns, **kept)
    _replace(FOLD, "sql", f"SELECT {FOLDED.format(text='$1')}")
    for parameters, arguments in _arities():
        _replace(SEARCH_TEXT, "sql", f"SELECT public.fold(concat_ws(' ', {arguments}))", parameters)


def _arities() -> list[tuple[str, str]]:
    """Parameters and arguments of `search_text` over one column, two, up to six."""
    return [
        (", ".join(["text"] * count), ", ".join(f"${number}" for number in range(1, count + 1)))
        for count in range(1, 7)
    ]


def _replace(statement: str, language: str, expression: str, parameters: str = "") -> None:
    op.execute(statement.format(language=language, expression=expression, parameters=parameters))
