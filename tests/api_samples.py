"""What the tests of the API share: a machine with its key, and asking with it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask
from flask_appbuilder.security.sqla.models import Role as RoleRow
from sqlalchemy import select

from app.core import clock
from app.core.base import Session
from app.models.catalogs import Office
from app.models.machines import ApiKey, KeyScope
from app.operations import machines
from app.security.roles import Role

EVERYTHING = tuple(scope.value for scope in KeyScope)


@dataclass
class Machine:
    """A machine that asks."""

    app: Flask
    key: ApiKey
    token: str

    def ask(self, path: str, method: str = "GET", **options: Any) -> Any:
        """The answer to a question with the key."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self.app.test_client().open(f"/api/v1/{path}", method=method, headers=headers, **options)

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a good answer."""
        answer = self.ask(path, query_string=query)
        assert answer.status_code == 200, answer.get_data(as_text=True)[:2000]
        return answer.get_json()


def machine(
    app: Flask,
    *roles: Role,
    office: str | None = "REG-CAP",
    scopes: Iterable[str] = EVERYTHING,
    name: str = "Portal REOP",
    **values: Any,
) -> Machine:
    """A machine with these functions, in an office."""
    given = {"calls_per_minute": 6000, "expires_on": clock.today() + timedelta(days=30), **values}
    wanted = [role.label for role in roles]
    rows = Session.scalars(select(RoleRow.id).where(RoleRow.name.in_(wanted))).all()
    place = Session.scalar(select(Office.id).where(Office.code == office))
    key, token = machines.create({"name": name, "scopes": list(scopes), **given}, rows, place)
    return Machine(app, key, token)
