"""Doubles joined into one, and taken apart again."""

from typing import Any

import pytest
from registry_samples import doubles, make, place
from sqlalchemy import Column, ForeignKey, Integer, Table, func, select, text
from sqlalchemy.orm import Session as OrmSession

from app.core.base import Session, metadata
from app.core.errors import Missing, RuleBroken
from app.models.registry import (
    Contact,
    Merge,
)
from app.operations import registry
from app.operations.search import search_employers
from app.operations.unit import act

# -- merges ----------------------------------------------------------------------------------------------


def test_a_merge_moves_what_refers_and_undoing_puts_back_exactly_that(db: OrmSession) -> None:
    kept, absorbed, there = doubles()
    own = place(kept, name="Propia", address="Calle Propia 1")
    version = there.version
    merge = registry.merge_employers(kept.id, absorbed.id, "Es la misma zapatería")
    assert there.employer_id == kept.id and there.version == version + 1
    assert absorbed.merged_into_id == kept.id and merge.reason == "Es la misma zapatería"
    assert {entry["table"] for entry in merge.moved} == {"establishment", "contact"}
    assert absorbed.id not in [item.id for item in search_employers("zapateria luque")]

    registry.undo_merge(merge.id)
    assert there.employer_id == absorbed.id and own.employer_id == kept.id
    assert absorbed.merged_into_id is None and merge.undone_at is not None
    assert db.scalar(select(func.count()).where(Contact.employer_id == absorbed.id)) == 1
    with pytest.raises(RuleBroken, match="ya se deshizo"):
        registry.undo_merge(merge.id)


def test_the_merge_and_its_rows_are_one_act_in_the_trail(db: OrmSession) -> None:
    kept, absorbed, there = doubles()
    registry.merge_employers(kept.id, absorbed.id)
    row = db.execute(
        text("SELECT verb FROM audit.history('establishment', jsonb_build_object('id', CAST(:id AS int)))"),
        {"id": there.id},
    ).first()
    assert row is not None and row.verb == "employer.merge"


def test_undoing_is_refused_when_something_moved_later(db: OrmSession) -> None:
    kept, absorbed, there = doubles()
    merge = registry.merge_employers(kept.id, absorbed.id)
    third = make(ruc="80100200-1", legal_name="Tercera Firma de Muestra")
    registry.change_establishment(there.id, {"employer_id": third.id})
    with pytest.raises(RuleBroken, match="Establecimientos: 1 cambiaron después") as refusal:
        registry.undo_merge(merge.id)
    assert refusal.value.code == "changed_later" and absorbed.merged_into_id == kept.id


def test_merges_on_merges_are_undone_from_the_last(db: OrmSession) -> None:
    kept, absorbed, there = doubles()
    other = place(kept, name="Propia", address="Calle Propia 1")
    first = registry.merge_employers(kept.id, absorbed.id)
    second = registry.merge_establishments(other.id, there.id)
    with pytest.raises(RuleBroken, match="deshaga antes esas uniones"):
        registry.undo_merge(first.id)
    registry.undo_merge(second.id)
    registry.undo_merge(first.id)
    assert there.employer_id == absorbed.id and there.merged_into_id is None


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("same", "dos registros distintos"),
        ("two_rucs", "dos contribuyentes"),
        ("provisional_stays", "Conserve el que está identificado"),
        ("twice", "ya se unió con"),
        ("other_employer", "empleadores distintos"),
    ],
)
def test_merges_refused(db: OrmSession, case: str, words: str) -> None:
    kept, absorbed, there = doubles()
    other = make(ruc="80045678-5", legal_name="Heladería Aparte")
    with pytest.raises(RuleBroken, match=words):
        if case == "same":
            registry.merge_employers(kept.id, kept.id)
        elif case == "two_rucs":
            registry.merge_employers(kept.id, other.id)
        elif case == "provisional_stays":
            registry.merge_employers(absorbed.id, kept.id)
        elif case == "twice":
            registry.merge_employers(kept.id, absorbed.id)
            registry.merge_employers(other.id, absorbed.id)
        else:
            registry.merge_establishments(place(other).id, there.id)
    with pytest.raises(Missing):
        registry.merge_employers(kept.id, 999_999_999)


def test_a_merged_employer_is_changed_no_more_and_takes_no_branch(db: OrmSession) -> None:
    kept, absorbed, _ = doubles()
    registry.merge_employers(kept.id, absorbed.id)
    for refused in (
        lambda: registry.change_employer(absorbed.id, {"notes": "x"}),
        lambda: place(absorbed, address="Otra 1"),
    ):
        with pytest.raises(RuleBroken, match="se unió con"):
            refused()


def test_a_table_unknown_to_the_operation_is_moved_too_and_a_collision_is_told(live: Any) -> None:
    live.sql(
        "CREATE TABLE later_visit (id int PRIMARY KEY,"
        " establishment_id int NOT NULL UNIQUE REFERENCES establishment);"
        " GRANT ALL ON later_visit TO sis_app"
    )
    table = Table(
        "later_visit",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("establishment_id", ForeignKey("establishment.id"), nullable=False, unique=True),
    )
    try:
        made = make()
        kept, absorbed = place(made), place(made, name="Doble", address="Avda. 1.ª 100")
        with act("test.visit") as unit:
            unit.session.execute(table.insert().values(id=1, establishment_id=absorbed.id))
        merge = registry.merge_establishments(kept.id, absorbed.id)
        assert Session.scalar(select(table.c.establishment_id)) == kept.id
        registry.undo_merge(merge.id)
        assert Session.scalar(select(table.c.establishment_id)) == absorbed.id
        with act("test.visit") as unit:
            unit.session.execute(table.insert().values(id=2, establishment_id=kept.id))
        with pytest.raises(RuleBroken, match="no pueden convivir"):
            registry.merge_establishments(kept.id, absorbed.id)
        assert Session.scalar(select(func.count()).select_from(Merge).where(Merge.undone_at.is_(None))) == 0
    finally:
        metadata.remove(table)
