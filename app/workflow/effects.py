"""Effects: what a move brings about besides its new state, known by name.

Here each has its name, a Spanish description for the screen where procedures are edited, and the processes
whose moves may carry it. Operations register exactly one implementation for every name.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effect:
    """A named effect; `processes` are those whose moves may carry it."""

    name: str
    description: str
    processes: frozenset[str]


EFFECTS: dict[str, Effect] = {
    name: Effect(name, description, frozenset(processes.split()))
    for name, processes, description in (
        ("notify_inspectors", "order", "Avisa a los inspectores designados"),
        (
            "record_extension",
            "order finding",
            "Registra la prórroga como un plazo nuevo enlazado al anterior",
        ),
        ("reissue_order", "order", "Crea un proyecto de orden enlazado a esta"),
        ("annul_planned_visits", "order", "Anula las visitas programadas de la orden"),
        ("open_report", "order", "Abre el informe final de la orden"),
        ("begin_order", "visit", "Pone la orden en ejecución con la primera visita"),
        (
            "create_annex",
            "visit",
            "Crea el anexo que nombra el establecimiento en orden de turno u operativo",
        ),
        ("ratify_annex", "visit", "Da por ratificado el anexo de la visita"),
        ("open_findings", "visit", "Abre los hallazgos confirmados de los «No cumple»"),
        ("lock_acta", "visit", "Fija el acta firmada; después solo admite acta complementaria"),
        ("annul_acta", "visit", "Anula el acta de la visita y sus actas complementarias, con el motivo"),
        ("withdraw_findings", "visit", "Retira los hallazgos, plazos y documentos nacidos del acta anulada"),
        ("propose_visit", "visit", "Propone una visita nueva dentro de la misma orden"),
        ("reopen_order", "visit report", "Devuelve la orden a ejecución"),
        ("close_order", "report", "Cierra la orden con la decisión del informe"),
        ("send_to_case", "report", "Remite a sumario los hallazgos destinados a él"),
    )
}
"""Every effect by name."""
