"""Lists as people keep them: filters under a name, for oneself or one's office, and the columns one sees."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, or_, select

from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.models.lists import SavedList
from app.operations.unit import act
from app.security.principal import current

LONGEST_NAME, LONGEST_ADDRESS, MOST = 80, 2000, 50
"""Characters of a name and of an address; lists that one person keeps of one screen."""


def within_reach() -> ColumnElement[bool]:
    """The kept lists of the present person, and those shared with his offices."""
    return or_(
        SavedList.account_id == current().account_id, SavedList.office_id.in_(sorted(current().offices))
    )


def keep(screen: str, name: str, address: str, shared: bool) -> SavedList:
    """Keep the filters of a list under a name; the same name again takes the place of the one before.

    `shared`: his office sees it too. Raises RuleBroken.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise RuleBroken(f"Escriba un nombre de hasta {LONGEST_NAME} letras para la lista.", "name")
    if len(address) > LONGEST_ADDRESS:
        raise RuleBroken("La lista tiene demasiados filtros para guardarla: quite algunos.")
    office = min(current().offices, default=None) if shared else None
    if shared and office is None:
        raise RuleBroken("Su cuenta no tiene oficina: la lista se guarda solo para usted.", "shared")
    with act("list.keep") as unit:
        row = _own(screen, name)
        if row is None:
            own = select(SavedList.id).where(
                SavedList.account_id == current().account_id, SavedList.screen == screen
            )
            if len(unit.session.scalars(own).all()) >= MOST:
                raise RuleBroken(f"Ya guardó {MOST} listas de esta pantalla: borre alguna antes.")
            row = SavedList(account_id=current().account_id, screen=screen, name=name)
            unit.session.add(row)
        row.address, row.office_id = address, office
        unit.session.flush()
    return row


def drop(key: int) -> SavedList:
    """Take a kept list away; whose it is not finds none. Raises Missing."""
    query = select(SavedList).where(SavedList.id == key, SavedList.account_id == current().account_id)
    with act("list.drop") as unit:
        row: SavedList | None = unit.session.scalar(query.where(SavedList.name.is_not(None)))
        if row is None:
            raise Missing()
        unit.session.delete(row)
    return row


def choose(screen: str, columns: Sequence[str]) -> None:
    """Keep the columns of a list that the present person sees; none: those of the list again."""
    with act("list.columns") as unit:
        row = _own(screen, None)
        if not columns:
            if row is not None:
                unit.session.delete(row)
            return
        if row is None:
            row = SavedList(account_id=current().account_id, screen=screen)
            unit.session.add(row)
        row.columns = list(columns)


def _own(screen: str, name: str | None) -> SavedList | None:
    query = select(SavedList).where(
        SavedList.account_id == current().account_id,
        SavedList.screen == screen,
        SavedList.name.is_not_distinct_from(name),
    )
    return Session.scalar(query.with_for_update())
