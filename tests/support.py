"""What tests share: the password of the cast, a database of one's own, entering as a person does."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine, text

from app import embedded

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PASSWORD = "una clave para las pruebas"


@dataclass
class Live:
    """A database of its own, and the application on it."""

    app: Flask
    urls: embedded.URLs
    engine: Engine

    def sql(self, statement: str, url: str | None = None) -> list[Any]:
        """Run SQL as the owner (or as another role's address) outside the application."""
        engine = create_engine(url or self.urls.owner_url)
        try:
            with engine.begin() as connection:
                result = connection.exec_driver_sql(statement)
                return list(result) if result.returns_rows else []
        finally:
            engine.dispose()


WRITTEN = text(
    "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_xact_user_tables"
    " WHERE schemaname = 'public' AND relname <> ALL (ARRAY['login_session', 'login_failure', 'api_key_use'])"
)


def written(connection: Any) -> int:
    """Rows written so far in the transaction of a connection or session, whoever wrote them.

    Sessions and attempts at the door are left out: to come and look writes those.
    """
    return int(connection.execute(WRITTEN).scalar_one())


def token_of(page: str) -> str:
    """The CSRF token of a page."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found, "no CSRF token on the page"
    return found[1]


def log_in(client: FlaskClient, username: str, password: str = PASSWORD) -> FlaskClient:
    """Enter through the log-in page, as a person does."""
    page = client.get("/login/").get_data(as_text=True)
    answer = client.post(
        "/login/", data={"username": username, "password": password, "csrf_token": token_of(page)}
    )
    assert answer.status_code == 302, answer.get_data(as_text=True)[:2000]
    return client
