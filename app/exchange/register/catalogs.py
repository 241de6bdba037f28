"""The plain mappings that judging needs. The caller fills them from wherever they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from app.exchange.register.cells.infractions import Infractions, wording_key
from app.exchange.register.cells.people import Inspectors
from app.exchange.register.cells.places import Places


@dataclass(frozen=True)
class Catalogs:
    """What a register is matched with. Texts in keys may be written in any way: they are folded here.

    `districts` maps a code to (department code, name); aliases map a wording to a code; `inspectors` maps
    `people.person_key(name)` to the name as shown. Years before `first_year` are not plausible for a
    register.
    """

    departments: Mapping[int, str]
    districts: Mapping[int, tuple[int, str]]
    department_aliases: Mapping[str, int] = field(default_factory=dict)
    district_aliases: Mapping[str, int] = field(default_factory=dict)
    infraction_aliases: Mapping[str, str] = field(default_factory=dict)
    activities: Mapping[str, str] = field(default_factory=dict)
    inspectors: Mapping[str, str] = field(default_factory=dict)
    first_year: int = 1990
    ruc_with_letter: bool = False

    @cached_property
    def places(self) -> Places:
        """Finder of departments and districts."""
        return Places(self.departments, self.districts, self.department_aliases, self.district_aliases)

    @cached_property
    def infractions(self) -> Infractions:
        """Reader of infractions."""
        return Infractions(self.infraction_aliases)

    @cached_property
    def people(self) -> Inspectors:
        """Reader of inspectors."""
        return Inspectors(self.inspectors)

    @cached_property
    def activity_codes(self) -> Mapping[str, str]:
        """Folded wording -> section of the classification of activities."""
        return {wording_key(text): code for text, code in self.activities.items()}
