"""The whole application at once: the rules of the house, read off the registries of tables, views, files.

The registry of routes has a file of its own: test_routes.py.
"""

import re
from typing import Any

import pytest
from alembic import command
from flask import Flask
from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint, create_engine
from support import ROOT, Live

from app import migrations
from app.core.base import Model, metadata
from app.security.roles import GRANTS
from app.views.menu import ITEMS

OURS = sorted(
    (mapper.class_ for mapper in Model.registry.mappers if issubclass(mapper.class_, Model)),
    key=lambda kind: kind.__name__,
)
Keyed = PrimaryKeyConstraint | UniqueConstraint


def test_every_screen_is_in_the_table_of_the_menu(app: Flask) -> None:
    theirs = {"HomeView"}
    names = {type(view).__name__ for view in app.extensions["appbuilder"].baseviews}
    assert names - theirs == {item.view.__name__ for item in ITEMS}


def test_every_grant_names_a_screen_and_its_doors(app: Flask) -> None:
    doors: dict[str, set[str]] = {}
    for view in app.extensions["appbuilder"].baseviews:
        doors.setdefault(view.class_permission_name, set()).update(view.base_permissions)
    for resource, rows in GRANTS.items():
        for permissions in rows:
            assert permissions <= doors[resource], resource


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_every_table_and_column_has_words(kind: Any) -> None:
    assert kind.label and kind.label_plural
    for column in kind.__table__.c:
        assert column.info.get("label"), column.name
        assert column.comment, column.name


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_every_foreign_key_has_an_index(kind: Any) -> None:
    table = kind.__table__
    keyed = [index.columns.keys() for index in table.indexes]
    keyed += [item.columns.keys() for item in table.constraints if isinstance(item, Keyed)]
    for reference in table.foreign_key_constraints:
        wanted = set(reference.column_keys)
        assert any(set(columns[: len(wanted)]) == wanted for columns in keyed), reference.column_keys


def test_models_match_migrations(live: Live) -> None:
    engine = create_engine(live.urls.owner_url)
    with engine.connect() as connection:
        command.check(migrations.configuration(connection))
    engine.dispose()


def test_constraints_follow_one_convention() -> None:
    for table in metadata.tables.values():
        for constraint in table.constraints:
            if constraint.name:
                assert re.match(r"(pk|fk|uq|ck|ex)_", str(constraint.name)), (table.name, constraint.name)


def test_no_file_holds_a_machine_path_or_a_secret() -> None:
    bad = re.compile(r"/(work|farm|root|tmp/bash_jobs)/|BEGIN (RSA|EC|OPENSSH) PRIVATE KEY")
    own = ROOT / "tests" / "test_house.py"
    for folder in ("app", "tests", "tools", "docs", ".ci"):
        for path in (ROOT / folder).rglob("*"):
            inside = path.suffix in {".py", ".html", ".ts", ".css", ".yaml", ".md", ".sql", ".sh"}
            if inside and path != own and "/static/" not in path.as_posix():
                assert not bad.search(path.read_text(encoding="utf-8")), path


def test_texts_of_the_framework_are_translated() -> None:
    from tools.translations import compile_all

    assert [line for line in compile_all() if line.startswith("es:")] == []
