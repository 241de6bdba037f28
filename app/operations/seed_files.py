"""Reading seed files and adding what is missing from them: what every seeding step shares."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from sqlalchemy.dialects.postgresql import insert

from app.core.base import Model, Session
from app.operations.readiness import APP

SEEDS = APP / "seeds"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(name: str, part: str | None = None) -> list[dict[str, Any]]:
    """The rows of a seed file, or of one part of it."""
    document: Any = yaml.load((SEEDS / name).read_text(encoding="utf-8"), Loader=_LOADER)
    rows: list[dict[str, Any]] = (document[part] if part else document)["rows"]
    return rows


def add_missing(kind: type[Model] | Any, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert the rows whose key is not there yet; how many were added. Inside an act."""
    result: Any = Session.execute(insert(kind).values(rows).on_conflict_do_nothing())
    return int(result.rowcount)
