"""Procedure versions as rows: what is read back is what was shipped, and a published one is frozen."""

from dataclasses import replace
from datetime import date

import pytest
import yaml
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session as OrmSession
from support import ROOT, Live

from app.core.errors import Missing, RuleBroken
from app.models.procedures import ProcedureState, ProcedureVersion
from app.operations import procedures
from app.operations.unit import act
from app.security.roles import Role
from app.workflow import definition
from app.workflow.loading import version_from_mapping

SHIPPED = sorted((ROOT / "app" / "seeds" / "procedures").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_rows_read_back_equal_the_shipped_file(db: OrmSession, path: object) -> None:
    shipped = version_from_mapping(yaml.safe_load(path.read_text(encoding="utf-8")))
    procedures.forget()
    assert procedures.version(shipped.code) == shipped


def test_seeding_again_adds_nothing(db: OrmSession) -> None:
    assert procedures.seed() == 0


def test_seeding_leaves_a_published_version_that_differs_and_says_so(
    db: OrmSession, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read = version_from_mapping
    monkeypatch.setattr(procedures, "version_from_mapping", lambda given: replace(read(given), processes=()))
    assert procedures.seed() == 0
    assert "the published procedure 2025-398 stays" in caplog.text


@pytest.mark.parametrize(
    ("day", "code"),
    [(date(2024, 6, 1), "2024-346"), (date(2025, 4, 29), "2025-398"), (date(2026, 11, 24), "2025-398")],
)
def test_the_version_in_force_follows_the_date(db: OrmSession, day: date, code: str) -> None:
    assert procedures.version_in_force(day).code == code


def test_before_the_first_version_there_is_none(db: OrmSession) -> None:
    with pytest.raises(Missing, match="Ninguna versión"):
        procedures.version_in_force(date(2001, 1, 1))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE procedure_state SET name = 'Otro' WHERE version_code = '2025-398'",
        "DELETE FROM procedure_move WHERE version_code = '2025-398'",
        "UPDATE procedure_move SET roles = '{inspector}' WHERE version_code = '2024-346'",
        "INSERT INTO procedure_state (version_code, process_code, code, position, name, phase, final)"
        " VALUES ('2025-398', 'order', 'NUEVO', 99, 'Nuevo', 'issued', false)",
        "UPDATE procedure_version SET basis = 'otra' WHERE code = '2025-398'",
        "UPDATE procedure_version SET status = 'draft' WHERE code = '2025-398'",
        "DELETE FROM procedure_version WHERE code = 'historico'",
    ],
)
def test_a_published_version_is_frozen(live: Live, statement: str) -> None:
    for url in (live.urls.app_url, live.urls.owner_url):
        with pytest.raises(DBAPIError, match="frozen"):
            live.sql(statement, url)


def test_a_published_version_may_be_retired(live: Live) -> None:
    live.sql(
        "UPDATE procedure_version SET status = 'retired', valid_to = '2026-12-31' WHERE code = '2025-398'"
    )


def test_a_version_with_problems_is_refused_in_words(db: OrmSession) -> None:
    state = definition.State("UNO", "Uno", definition.Phase.ISSUED)
    process = definition.Process("order", "Orden", definition.Start("OTRO", ("director",)), (state,))
    broken = definition.ProcedureVersion("9999-1", "Rota", "Ley", date(2026, 1, 1), (process,))
    with pytest.raises(RuleBroken, match="no existe"), act("test"):
        procedures.write(broken, "published")
    assert db.scalar(select(ProcedureVersion).where(ProcedureVersion.code == "9999-1")) is None


def test_no_state_without_its_version(live: Live) -> None:
    with pytest.raises(DBAPIError, match="foreign key"):
        live.sql(
            "INSERT INTO procedure_state (version_code, process_code, code, position, name, phase, final)"
            " VALUES ('no-hay', 'order', 'X', 1, 'X', 'issued', false)"
        )


def test_every_phase_in_rows_is_one_of_the_code(db: OrmSession) -> None:
    phases = set(db.scalars(select(ProcedureState.phase)))
    assert phases <= {phase.value for phase in definition.Phase}


def test_the_roles_of_procedures_are_those_of_the_matrix() -> None:
    assert dict(definition.ROLES) == {role.value: role.label for role in Role}


def test_every_actor_of_a_shipped_procedure_has_a_demonstration_account() -> None:
    demo = yaml.safe_load((ROOT / "app" / "seeds" / "demo.yaml").read_text(encoding="utf-8"))
    cast = {row["role"] for row in demo["accounts"]["rows"]}
    for path in SHIPPED:
        shipped = version_from_mapping(yaml.safe_load(path.read_text(encoding="utf-8")))
        for process in shipped.processes:
            for move in process.moves:
                assert set(move.roles) - {definition.SYSTEM} <= cast, (shipped.code, process.code, move.code)
