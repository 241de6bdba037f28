"""The timeline of an establishment: each context adds a provider of what it knows, newest first on the page.

    @provides
    def visits(establishment: Establishment) -> Iterable[Event]:
        ...

A provider costs one statement at most, and shows only what the present user may see.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from app.core import clock
from app.core.base import Session
from app.models.registry import Establishment, Merge

LONGEST = 100


@dataclass(frozen=True)
class Event:
    """Something that happened at an establishment on a day."""

    on: date
    title: str
    detail: str = ""
    url: str = ""


Provider = Callable[[Establishment], Iterable[Event]]
PROVIDERS: list[Provider] = []


def provides(provider: Provider) -> Provider:
    """Register a provider of events."""
    PROVIDERS.append(provider)
    return provider


def timeline(establishment: Establishment) -> list[Event]:
    """Every event of every provider, the newest first."""
    found = [event for provider in PROVIDERS for event in provider(establishment)]
    return sorted(found, key=lambda event: event.on, reverse=True)[:LONGEST]


@provides
def life(establishment: Establishment) -> Iterable[Event]:
    """Opening and closing."""
    if establishment.opened_on:
        yield Event(establishment.opened_on, "Abrió")
    if establishment.closed_on:
        yield Event(establishment.closed_on, "Cerró")


@provides
def merges(establishment: Establishment) -> Iterable[Event]:
    """Doubles joined to it."""
    for merge in Session.scalars(
        select(Merge)
        .where(
            or_(
                Merge.kept_establishment_id == establishment.id,
                Merge.absorbed_establishment_id == establishment.id,
            ),
            Merge.undone_at.is_(None),
        )
        .options(joinedload(Merge.kept_establishment), joinedload(Merge.absorbed_establishment))
    ):
        kept = merge.kept_establishment_id == establishment.id
        title = "Se le unió un duplicado" if kept else "Se unió con otro registro"
        other = merge.absorbed if kept else merge.kept
        yield Event(clock.local(merge.created_at).date(), title, str(other))
