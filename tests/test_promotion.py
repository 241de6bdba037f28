"""From training to production, and training back to its beginning: two real databases, one transaction."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import Role as RoleRow
from sqlalchemy import create_engine, select, text
from support import PASSWORD, Live, log_in

from app import cli, embedded, migrations
from app.core.base import Session, metadata
from app.core.errors import DomainError
from app.models.catalogs import Office
from app.models.documents import StoredFile
from app.models.registry import Employer
from app.models.security import Account
from app.operations import (
    accounts,
    audit,
    demo_inspections,
    documents,
    files,
    promotion,
    records,
    registry,
    seeding,
)
from app.operations.promotion import ACCESS, CONFIGURATION, CannotPromote, promote
from app.operations.seed_files import load
from app.operations.unit import act
from app.security.principal import Principal, acting_as

Target = embedded.URLs


@pytest.fixture(scope="module")
def production_template(cluster: embedded.Cluster, app: Flask) -> str:
    """A production database as `flask init` leaves it."""
    urls = cluster.create_database("production")
    migrations.upgrade(urls.owner_url)
    prepare_production(app, urls.app_url)
    return "production"


def prepare_production(app: Flask, url: str) -> None:
    engine = create_engine(url)
    with app.app_context(), engine.begin() as connection, promotion.elsewhere(connection):
        seeding.prepare("production", cli.doors())
    engine.dispose()


@pytest.fixture
def target(cluster: embedded.Cluster, production_template: str) -> Iterator[Target]:
    name = f"target_{uuid4().hex[:12]}"
    yield cluster.create_database(name, template=production_template)
    cluster.drop_database(name)


@pytest.fixture
def training(live: Live) -> Live:
    """A training database in use: configuration changed, records, numbers, a person of the ministry."""
    with live.app.app_context():
        records.create(
            Office, {"code": "REG-99", "name": "Oficina nueva", "kind": "regional", "opened_on": "2026-01-01"}
        )
        office = Session.scalars(select(Office).where(Office.code == "REG-CAP")).one()
        records.change(Office, office.id, {"phone": "021 729 0100", "city": "Lambaré"})
        registry.register_employer({"ruc": "80012345-0", "legal_name": "Empresa de práctica"}, confirmed=True)
        with act("test.document"):
            kind = next(row["code"] for row in load("document_types.yaml") if row["number_owner"] == "sis")
            documents.reserve(kind, "Número de práctica", office_id=office.id)
        _person("lgimenez", derived_role())
    return live


def derived_role() -> str:
    with act("test.role") as unit:
        role = RoleRow(name="Inspector de puertos")
        unit.session.add(role)
        unit.session.flush()
        unit.session.execute(
            text(
                "INSERT INTO ab_permission_view_role (permission_view_id, role_id)"
                " SELECT pv.id, :role FROM ab_permission_view pv JOIN ab_view_menu v ON v.id = pv.view_menu_id"
                " WHERE v.name = 'Office'"
            ),
            {"role": role.id},
        )
        if "derived_role" in metadata.tables:
            about = (
                "INSERT INTO derived_role (role_id, base, description) VALUES (:role, 'inspector', 'Puertos')"
            )
            unit.session.execute(text(about), {"role": role.id})
    return "Inspector de puertos"


def _person(username: str, *roles: str) -> None:
    found = list(Session.scalars(select(RoleRow.id).where(RoleRow.name.in_({"Inspector", *roles}))))
    office = Session.scalars(select(Office.id).where(Office.code == "REG-CAP")).one()
    values = {"username": username, "first_name": "Liz", "last_name": "Giménez", "active": True}
    accounts.create({**values, "email": f"{username}@mtess.gov.py"}, found, office)


def sql(url: str, statement: str) -> list[Any]:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            result = connection.exec_driver_sql(statement)
            return list(result) if result.returns_rows else []
    finally:
        engine.dispose()


def content(url: str, name: str) -> list[str]:
    """The rows of a table, stamps of persons apart."""
    rows = sql(url, f"SELECT to_jsonb(t) - 'created_by_id' - 'updated_by_id' FROM {name} t")
    return sorted(json.dumps(row[0], sort_keys=True) for row in rows)


def test_configuration_goes_whole_and_nothing_else(training: Live, target: Target) -> None:
    with acting_as(Principal("consola: promote", origin="consola")):
        taken = promote(target.owner_url, ["lgimenez"])
    for name in CONFIGURATION:
        assert content(training.urls.owner_url, name) == content(target.owner_url, name), name
    for name in set(metadata.tables) - set(CONFIGURATION) - ACCESS:
        if not name.startswith("ab_"):
            assert sql(target.owner_url, f"SELECT count(*) FROM {name}")[0][0] == 0, name
    assert taken.rows["office"] == sql(target.owner_url, "SELECT count(*) FROM office")[0][0]
    assert sql(target.owner_url, "SELECT environment, clock_offset::text FROM installation") == [
        ("production", "00:00:00")
    ]
    assert (taken.users, taken.roles, taken.known) == (["lgimenez"], ["Inspector de puertos"], [])


def test_the_chosen_person_goes_without_password_with_roles_and_office(
    training: Live, target: Target
) -> None:
    promote(target.owner_url, ["LGimenez", "lgimenez", ""])
    assert sql(target.owner_url, "SELECT username, password, active, must_change_password FROM ab_user") == [
        ("lgimenez", None, True, True)
    ]
    roles = "SELECT r.name FROM ab_user_role ur JOIN ab_role r ON r.id = ur.role_id ORDER BY 1"
    assert sql(target.owner_url, roles) == [("Inspector",), ("Inspector de puertos",)]
    assert sql(target.owner_url, "SELECT o.code FROM user_office u JOIN office o ON o.id = u.office_id") == [
        ("REG-CAP",)
    ]
    grants = (
        "SELECT count(*) FROM ab_permission_view_role pvr JOIN ab_role r ON r.id = pvr.role_id"
        " WHERE r.name = 'Inspector de puertos'"
    )
    assert sql(target.owner_url, grants) == sql(training.urls.owner_url, grants) != [(0,)]
    if "derived_role" in metadata.tables:
        said = "SELECT r.name, d.base, d.description FROM derived_role d JOIN ab_role r ON r.id = d.role_id"
        assert sql(target.owner_url, said) == [("Inspector de puertos", "inspector", "Puertos")]


def test_it_is_traced_on_the_target_row_by_row(training: Live, target: Target) -> None:
    with acting_as(Principal("consola: promote", origin="consola")):
        promote(target.owner_url)
    acts = sql(
        target.owner_url, "SELECT id, actor, origin, reason FROM audit.act WHERE verb = 'promotion.receive'"
    )
    assert [row[1:3] for row in acts] == [("consola: promote", "consola")] and "capacitación" in acts[0][3]
    changes = sql(
        target.owner_url,
        "SELECT operation, count(*) FROM audit.change"
        f" WHERE act_id = {acts[0][0]} AND table_name = 'office' GROUP BY 1 ORDER BY 1",
    )
    offices = sql(target.owner_url, "SELECT count(*) FROM office")[0][0]
    assert changes == [("D", offices - 1), ("I", offices)]
    assert sql(training.urls.owner_url, "SELECT count(*) FROM ab_user") != sql(
        target.owner_url, "SELECT count(*) FROM ab_user"
    )


def test_production_works_afterwards(training: Live, target: Target) -> None:
    """Triggers guard again, keys go on, the person enters with a provisional password."""
    promote(target.owner_url, ["lgimenez"])
    assert (
        sql(target.owner_url, "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'O' AND NOT tgisinternal")
        == []
    )
    with pytest.raises(Exception, match="procedure_version|frozen|publicada|published"):
        sql(target.owner_url, "UPDATE procedure_version SET name = 'x' WHERE status = 'published'")
    engine = create_engine(target.app_url)
    with training.app.app_context(), engine.begin() as connection, promotion.elsewhere(connection):
        made = records.create(
            Office, {"code": "REG-98", "name": "Otra", "kind": "regional", "opened_on": "2026-01-01"}
        )
        assert made.id == max(Session.scalars(select(Office.id)))
        account = Session.scalars(select(Account).where(Account.username == "lgimenez")).one()
        _, password = accounts.reset_password(account.id)
    Session.remove()
    before = dict(Session.session_factory.kw)
    Session.configure(bind=engine)
    training.app.config["SIS_ENV"] = "production"
    training.app.extensions.pop("sis_right_database", None)
    try:
        assert log_in(training.app.test_client(), "lgimenez", password).get("/").status_code == 302
    finally:
        Session.remove()
        Session.session_factory.kw.update(before)
        training.app.config["SIS_ENV"] = "training"
        training.app.extensions.pop("sis_right_database", None)
        engine.dispose()


def test_a_second_time_is_refused_and_changes_nothing(training: Live, target: Target) -> None:
    promote(target.owner_url, ["lgimenez"])
    head = sql(target.owner_url, "SELECT audit.head()")
    with pytest.raises(CannotPromote, match="ya recibió su configuración"):
        promote(target.owner_url, ["lgimenez"])
    assert sql(target.owner_url, "SELECT audit.head()") == head


EMPLOYER = "INSERT INTO employer (legal_name, kind, ruc_base, ruc_dv, status) VALUES ('X', 'legal', '80012345', '0', 'ACTIVO')"
SERIES = (
    "INSERT INTO number_series (type_code, year, next_number) SELECT code, 2026, 1 FROM document_type LIMIT 1"
)
EDITED = (
    "INSERT INTO ab_user (first_name, last_name, username, email) VALUES ('A', 'B', 'ab', 'a@b');"
    "UPDATE office SET updated_by_id = (SELECT max(id) FROM ab_user) WHERE code = 'DT'"
)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (EMPLOYER, r"ya tiene registros \(employer\)"),
        (SERIES, r"ya tiene registros \(number_series\)"),
        (EDITED, r"a mano \(office\)"),
        ("UPDATE installation SET environment = 'training'", "no es de producción"),
        ("UPDATE alembic_version SET version_num = '0001'", "El esquema de la base de destino"),
    ],
)
def test_a_target_that_is_not_fit_is_refused(training: Live, target: Target, spoil: str, words: str) -> None:
    sql(target.owner_url, spoil)
    before = {name: content(target.owner_url, name) for name in ("office", "parameter")}
    with pytest.raises(CannotPromote, match=words):
        promote(target.owner_url)
    assert before == {name: content(target.owner_url, name) for name in before}


def test_the_same_database_another_role_and_an_empty_one_are_refused(
    training: Live, target: Target, cluster: embedded.Cluster
) -> None:
    with pytest.raises(CannotPromote, match="no es de producción"):
        promote(training.urls.owner_url)
    with pytest.raises(CannotPromote, match="dueño del esquema"):
        promote(target.app_url)
    empty = cluster.create_database(f"empty_{uuid4().hex[:8]}")
    with pytest.raises(CannotPromote, match="está vacía"):
        promote(empty.owner_url)
    cluster.drop_database(empty.database)


@pytest.mark.parametrize(
    ("users", "words"),
    [
        (["inspector1"], "demostración no pasan a producción: inspector1"),
        (["lgimenez", "ADMIN"], "demostración no pasan a producción: admin"),
        (["lgimenez", "nadie"], "No hay una cuenta con este usuario: nadie"),
    ],
)
def test_demonstration_and_unknown_users_are_refused(
    training: Live, target: Target, users: list[str], words: str
) -> None:
    with pytest.raises(CannotPromote, match=words):
        promote(target.owner_url, users)
    assert sql(target.owner_url, "SELECT count(*) FROM ab_user") == [(0,)]


def test_a_failure_half_way_leaves_the_target_as_it_was(
    training: Live, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {name: content(target.owner_url, name) for name in CONFIGURATION}
    head = sql(target.owner_url, "SELECT audit.head()")

    def fail(*arguments: Any) -> None:
        raise OSError("se cortó la luz")

    monkeypatch.setattr(promotion, "_add_users", fail)
    with pytest.raises(OSError):
        promote(target.owner_url)
    assert before == {name: content(target.owner_url, name) for name in CONFIGURATION}
    assert sql(target.owner_url, "SELECT audit.head()") == head
    assert (
        sql(target.owner_url, "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'O' AND NOT tgisinternal")
        == []
    )


def test_an_account_that_is_there_already_stays_as_it_is(training: Live, target: Target) -> None:
    sql(
        target.owner_url,
        "INSERT INTO ab_user (first_name, last_name, username, email, password, active)"
        " VALUES ('Liz', 'G', 'lgimenez', 'otra@mtess.gov.py', 'suya', true)",
    )
    assert promote(target.owner_url, ["lgimenez"]).known == ["lgimenez"]
    assert sql(target.owner_url, "SELECT password FROM ab_user") == [("suya",)]


def test_every_table_of_configuration_follows_those_it_refers_to() -> None:
    for position, name in enumerate(CONFIGURATION):
        for key in metadata.tables[name].foreign_keys:
            other = key.column.table.name
            if other not in ACCESS and not other.startswith("ab_"):
                assert other in CONFIGURATION[: position + 1], (name, other)


# The commands.


@pytest.fixture
def run(live: Live, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setattr(cli, "owner_url", lambda: live.urls.owner_url)

    def invoke(*words: str) -> Any:
        with live.app.app_context():  # as `flask` does
            return live.app.test_cli_runner().invoke(args=list(words))

    return invoke


def test_the_command_prints_what_it_took(training: Live, target: Target, run: Callable[..., Any]) -> None:
    url = embedded.libpq_dsn(target.owner_url)
    done = run("promote", "--to", url, "--users", "lgimenez", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert told["users"] == ["lgimenez"] and told["rows"]["procedure_version"] >= 2
    again = run("promote", "--to", url)
    assert again.exit_code == 1 and "ya recibió su configuración" in again.output
    wrong = run("promote", "--to", "sqlite:///x")
    assert wrong.exit_code == 1 and "postgresql://" in wrong.output


def test_the_command_speaks_to_people_too(training: Live, target: Target, run: Callable[..., Any]) -> None:
    done = run("promote", "--to", target.owner_url, "--users", "lgimenez")
    assert done.exit_code == 0, done.output
    for words in ("Oficinas", "Parámetros", "cuenta, sin contraseña: lgimenez", "No se llevaron registros"):
        assert words in done.output, words


def test_training_goes_back_to_its_beginning(training: Live, run: Callable[..., Any]) -> None:
    url = training.urls.owner_url
    client = log_in(training.app.test_client(), "inspector1")
    sql(url, "UPDATE installation SET clock_offset = interval '3 days'")
    head = sql(url, "SELECT audit.head()")[0][0]
    refused = run("training", "reset")
    assert refused.exit_code == 1 and "--yes" in refused.output
    assert sql(url, "SELECT count(*) FROM office WHERE code = 'REG-99'") == [(1,)]

    training.app.config["SIS_DEMO_PASSWORD"] = PASSWORD
    done = run("training", "reset", "--yes", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["demo_password"] == PASSWORD
    assert sql(url, "SELECT count(*) FROM office WHERE code = 'REG-99'") == [(0,)]
    assert sql(url, "SELECT count(*) FROM employer WHERE legal_name = 'Empresa de práctica'") == [(0,)]
    assert sql(url, "SELECT count(*) FROM ab_user WHERE username = 'lgimenez'") == [(0,)]
    assert sql(url, "SELECT environment, clock_offset::text FROM installation") == [("training", "00:00:00")]
    assert sql(url, "SELECT audit.head()")[0][0] > head, "the trail stays"
    assert audit.verify_tables().ok, "and tells what became of every row"
    assert sql(url, "SELECT count(*) FROM audit.act WHERE verb = 'training.reset'") == [(1,)]
    Session.remove()
    assert client.get("/").status_code == 302, "every session ends"
    assert log_in(training.app.test_client(), "inspector1").get("/oficinas/list/").status_code == 200


def test_a_reset_gives_the_rows_of_a_new_installation(live: Live, run: Callable[..., Any]) -> None:
    tables = [name for name in metadata.tables if not name.startswith("ab_per") and name not in ACCESS]
    count = "SELECT count(*) FROM {}"
    with live.app.app_context(), acting_as(Principal("consola: init", origin="consola")):
        demo_inspections.seed(PASSWORD)  # as `flask init` does, unlike the prepared database
    before = {name: sql(live.urls.owner_url, count.format(name)) for name in tables}
    assert run("training", "reset", "--yes").exit_code == 0
    assert before == {name: sql(live.urls.owner_url, count.format(name)) for name in tables}
    Session.remove()
    for row in Session.scalars(select(StoredFile)):
        assert files.read(row)  # what the new rows name was not swept with the old files


def test_production_is_never_reset(live: Live, run: Callable[..., Any]) -> None:
    live.sql("UPDATE installation SET environment = 'production'")
    employers = live.sql("SELECT count(*) FROM employer")
    refused = run("training", "reset", "--yes")
    assert refused.exit_code == 1 and "es de producción" in refused.output
    with live.app.app_context(), pytest.raises(DomainError):
        promotion.reset_training(live.urls.owner_url, cli.doors(), None)
    live.app.config["SIS_ENV"] = "production"
    try:
        assert "Esto es producción" in run("training", "reset", "--yes").output
    finally:
        live.app.config["SIS_ENV"] = "training"
    assert live.sql("SELECT count(*) FROM employer") == employers != [(0,)]
    assert Session.scalars(select(Employer.id).limit(1)).first() is not None
