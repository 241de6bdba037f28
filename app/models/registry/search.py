"""Search: one folded text of each record, and the trigram index behind it."""

from typing import Any

from sqlalchemy import Index, Text, cast, func, text


def searchable(name: str, *columns: str) -> Index:
    """The trigram index behind a search over these columns (`search_expression` is the same words)."""
    return Index(name, text(f"search_text({', '.join(columns)}) gin_trgm_ops"), postgresql_using="gin")


def search_expression(kind: type[Any]) -> Any:
    """The folded text over which a record of this kind is looked up, from its `lookup_columns`."""
    columns = [getattr(kind, name) for name in kind.lookup_columns]
    return func.search_text(*(c if isinstance(c.type, Text) else cast(c, Text) for c in columns))
