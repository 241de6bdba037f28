"""The trail: every row of every table, whoever changes it; the application can add to it and nothing else."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session as OrmSession
from support import Live

from app.models.catalogs import Office
from app.operations import records
from app.operations.unit import UNTRACED, act
from app.security.principal import Principal, acting_as

OFFICE = {"code": "REG-99", "name": "Oficina de prueba", "kind": "regional", "opened_on": "2024-01-01"}
HISTORY = text("SELECT * FROM audit.history('office', jsonb_build_object('id', CAST(:id AS int)))")


def test_every_table_is_traced_but_the_listed_ones(live: Live) -> None:
    rows = live.sql(
        "SELECT c.relname FROM pg_class c"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
        " AND NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'zz_audit')"
    )
    untraced = {name for (name,) in rows if not name.startswith("procrastinate_")}
    assert untraced == UNTRACED | {"alembic_version"}


def test_a_change_leaves_who_which_verb_and_the_values(db: OrmSession) -> None:
    with acting_as(Principal("ana", origin="web")):
        office = records.create(Office, OFFICE)
        records.change(Office, office.id, {"name": "Otro nombre"})
    last, first = db.execute(HISTORY, {"id": office.id}).all()
    assert (first.actor, first.verb, first.operation) == ("ana", "office.create", "I")
    assert (last.verb, last.operation) == ("office.change", "U")
    assert last.old_values["name"] == "Oficina de prueba" and last.new_values["name"] == "Otro nombre"
    assert "code" not in last.new_values


def test_a_rolled_back_act_leaves_nothing(live: Live) -> None:
    before = live.sql("SELECT count(*) FROM audit.act")[0][0]
    with pytest.raises(ZeroDivisionError), act("office.create") as unit:
        unit.session.add(Office(**OFFICE))
        unit.session.flush()
        _ = 1 / 0
    assert live.sql("SELECT count(*) FROM audit.act")[0][0] == before
    assert live.sql("SELECT count(*) FROM office WHERE code = 'REG-99'")[0][0] == 0


def test_a_write_outside_an_act_is_refused(db: OrmSession) -> None:
    db.add(Office(**OFFICE))
    with pytest.raises(RuntimeError, match="outside an act"):
        db.flush()
    db.rollback()
    with pytest.raises(RuntimeError, match="outside an act"):
        db.query(Office).update({"name": "x"})


def test_a_change_in_psql_by_the_owner_is_traced_with_the_database_user(live: Live) -> None:
    live.sql("UPDATE office SET city = 'Luque' WHERE code = 'DGIFT'")
    row = live.sql(
        "SELECT db_user, act_id, new_values ->> 'city' FROM audit.change ORDER BY id DESC LIMIT 1"
    )[0]
    assert tuple(row) == ("sis_owner", None, "Luque")


def test_passwords_are_kept_as_a_hash_and_counters_not_at_all(live: Live) -> None:
    live.sql("UPDATE ab_user SET password = 'SECRETO' WHERE username = 'mesa'")
    live.sql("UPDATE ab_user SET login_count = 7 WHERE username = 'mesa'")
    rows = live.sql("SELECT new_values FROM audit.change WHERE table_name = 'ab_user' AND operation = 'U'")
    assert len(rows) == 1
    assert rows[0][0]["password"].startswith("sha256:") and "SECRETO" not in str(rows)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit.change SET db_user = 'otro'",
        "DELETE FROM audit.change",
        "TRUNCATE audit.change",
        "SELECT * FROM audit.change",
        "INSERT INTO audit.act (actor, verb, origin) VALUES ('x', 'x', 'x')",
        "DROP TABLE audit.change",
        "ALTER TABLE office DISABLE TRIGGER zz_audit",
        "SET session_replication_role = replica",
        "TRUNCATE office",
        "CREATE TABLE mine (id int)",
        "SELECT audit.record()",
    ],
)
def test_the_application_cannot_touch_the_trail(live: Live, statement: str) -> None:
    with pytest.raises(DBAPIError) as refused:
        live.sql(statement, live.urls.app_url)
    assert refused.value.orig.pgcode in {"42501", "0A000"}  # insufficient privilege; trigger function called


@pytest.mark.parametrize("statement", ["UPDATE audit.change SET db_user = 'otro'", "DELETE FROM audit.act"])
def test_even_its_owner_only_adds(live: Live, statement: str) -> None:
    with pytest.raises(DBAPIError, match="only added to"):
        live.sql(statement, live.urls.superuser_url)
