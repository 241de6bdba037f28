"""The final report: written by the inspector, reviewed, sent on its routes (Res. MTESS 398/2025)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.errors import NotAllowed, RuleBroken, Stale
from app.models.inspections import FinalReport, Proposal
from app.operations import moves, records
from app.operations.unit import act
from app.security.principal import current
from app.security.roles import Role
from app.workflow.definition import Phase

WRITERS: Mapping[str, tuple[frozenset[Phase], frozenset[Role]]] = {
    "facts": (frozenset({Phase.IN_REPORT}), frozenset({Role.INSPECTOR})),
    "analysis": (frozenset({Phase.IN_REPORT}), frozenset({Role.INSPECTOR})),
    "background": (frozenset({Phase.IN_REPORT}), frozenset({Role.INSPECTOR})),
    "proposal": (frozenset({Phase.IN_REPORT}), frozenset({Role.INSPECTOR})),
    "observation": (frozenset({Phase.IN_REPORT}), frozenset({Role.DIRECTOR, Role.OSH})),
    "opinion": (frozenset({Phase.IN_DECISION}), frozenset({Role.LEGAL})),
    "decision": (frozenset({Phase.IN_DECISION}), frozenset({Role.MINISTER, Role.SECRETARY})),
}
"""Each part of a report: in which phases it is written, and by whom."""


def may_write(report: FinalReport) -> frozenset[str]:
    """The parts that the present person may write now; a signed report only after it was returned."""
    state, start = moves.state_of(report), moves.process_of(report).start
    if state is None or report.held:
        return frozenset()
    mine = current().roles
    signed = report.document_id is not None and not (start is not None and state.code == start.state)
    return frozenset(
        name
        for name, (phases, roles) in WRITERS.items()
        if state.phase in phases
        and any(role.label in mine for role in roles)
        and not (name in ("facts", "analysis", "background", "proposal") and signed)
    )


def write(report: FinalReport, values: Mapping[str, Any], version: int | None = None) -> FinalReport:
    """Write parts of a report. Raises RuleBroken, NotAllowed, Stale."""
    with act("report.write") as unit:
        row = records.locked(FinalReport, report.id)
        if version is not None and row.version != version:
            raise Stale()
        allowed = may_write(row)
        for name, value in values.items():
            if name not in WRITERS:
                continue
            clean = value.strip() or None if isinstance(value, str) else value
            if clean == getattr(row, name):
                continue
            if name not in allowed:
                raise NotAllowed("Esa parte del informe no se escribe ahora, o la escribe otra persona.")
            setattr(row, name, clean)
        if row.proposal is not None and row.proposal not in {each.value for each in Proposal}:
            raise RuleBroken("Elija la propuesta de la lista.", "proposal")
        row.updated_by_id = current().account_id
        unit.session.flush()
    return row
