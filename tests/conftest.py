"""Fixtures: a throw-away PostgreSQL for each test process, a prepared database, the cast.

`db`    a session inside a savepoint, undone after the test: rules, forms, the test client.
`live`  a database of its own, copied from the prepared one: real commits, threads, worker, browser.
"""

import os
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings as hypothesis_settings
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session as OrmSession
from support import PASSWORD, Live, log_in

from app import cli, embedded, migrations
from app.core.base import Session
from app.factory import create_app
from app.operations import seeding
from config import Settings, settings

# The same examples at every run: a red run here is a red run everywhere. Long random runs are for `make prove`.
hypothesis_settings.register_profile("steady", derandomize=True, database=None)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Cluster]:
    """A PostgreSQL server of this test process."""
    server = embedded.Cluster.throwaway(tmp_path_factory.mktemp("pg") / "postgres")
    server.ensure()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def prepared(cluster: embedded.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a database with schema, seeds and demonstration accounts; nobody stays connected to it."""
    urls = cluster.create_database("prepared")
    configuration = settings(
        {
            "DATABASE_URL": urls.app_url,
            "DATABASE_OWNER_URL": urls.owner_url,
            "SIS_DATA_DIR": str(tmp_path_factory.mktemp("data")),
            "SIS_DEMO_PASSWORD": PASSWORD,
            "SIS_PUBLIC_URL": "http://localhost",
        }
    )
    migrations.upgrade(urls.owner_url)
    app = create_app(configuration)
    with app.app_context():
        seeding.prepare("training", cli.doors(), PASSWORD, inspections=False)
    app.extensions["sis_engine"].dispose()
    return configuration


@pytest.fixture(scope="session")
def app(prepared: Settings, cluster: embedded.Cluster) -> Iterator[Flask]:
    """The application, on a copy of the prepared database that `db` tests share."""
    urls = cluster.create_database("shared", template="prepared")
    prepared.DATABASE_URL, prepared.DATABASE_OWNER_URL = urls.app_url, urls.owner_url
    application = create_app(prepared)
    application.testing = False  # errors become pages, as for a user
    yield application
    application.extensions["sis_engine"].dispose()


@pytest.fixture
def db(app: Flask) -> Iterator[OrmSession]:
    """A session whose commits are savepoints; everything is undone after the test."""
    engine: Engine = app.extensions["sis_engine"]
    with engine.connect() as connection:
        whole = connection.begin()
        Session.remove()
        Session.configure(bind=connection, join_transaction_mode="create_savepoint")
        try:
            yield Session()
        finally:
            Session.remove()
            Session.configure(bind=engine, join_transaction_mode="conditional_savepoint")
            whole.rollback()


@pytest.fixture
def live(app: Flask, cluster: embedded.Cluster) -> Iterator[Live]:
    """Real commits on a fresh copy; the application is bound to it for the length of the test."""
    name = f"live_{uuid4().hex[:12]}"
    urls = cluster.create_database(name, template="prepared")
    engine = create_engine(urls.app_url, pool_pre_ping=True, connect_args={"options": "-c timezone=UTC"})
    Session.remove()
    Session.configure(bind=engine)
    try:
        yield Live(app, urls, engine)
    finally:
        Session.remove()
        Session.configure(bind=app.extensions["sis_engine"])
        engine.dispose()
        cluster.drop_database(name)


@pytest.fixture
def enter(app: Flask, db: OrmSession) -> Callable[[str], FlaskClient]:
    """A client of the shared application, entered as one of the cast."""
    return lambda username: log_in(app.test_client(), username)


@pytest.fixture
def anonymous(app: Flask, db: OrmSession) -> FlaskClient:
    """A visitor without a session."""
    return app.test_client()
