"""Cause and outcome of an inspection: a few words under many spellings. What is not known is kept as text."""

from __future__ import annotations

from functools import lru_cache

from app.exchange.register.cells.text import formula_notice, is_nothing, key, looks_like_formula
from app.exchange.register.marks import Cell, Notice, Repair

CAUSES = {
    "programada": "Programada", "denuncia": "Denuncia", "de_oficio": "De oficio",
    "verificacion": "Verificación",
    "accidente": "Accidente", "operativo": "Operativo", "pedido_judicial": "Pedido judicial o fiscal",
}  # fmt: skip
OUTCOMES = {"con_infraccion": "Con infracción", "sin_infraccion": "Sin infracción"}
_WORDINGS = {
    "programada": "programada|programado|programa|plan|planificada|rutina|rutinaria|de rutina|"
                  "programacion|ordinaria",
    "denuncia": "denuncia|por denuncia|denuncias|a denuncia|denunciada|a pedido de parte",
    "de_oficio": "de oficio|oficio|d oficio|ex officio|of|por oficio",
    "verificacion": "verificacion|reinspeccion|re inspeccion|seguimiento|control",
    "accidente": "accidente|accidente de trabajo|por accidente|accidente laboral",
    "operativo": "operativo|operativo conjunto|campana",
    "pedido_judicial": "pedido judicial|judicial|fiscalia|pedido fiscal|oficio judicial|"
                       "pedido del ministerio publico",
    "con_infraccion": "con infraccion|con infracciones|infraccion|con inf|infraccionado|positivo|"
                      "con observaciones|"
                      "con incumplimiento|con incumplimientos",
    "sin_infraccion": "sin infraccion|sin infracciones|sin inf|negativo|conforme|sin observaciones|"
                      "sin novedad|"
                      "sin incumplimiento|sin incumplimientos|en regla",
}  # fmt: skip
_CODES = {wording: code for code, wordings in _WORDINGS.items() for wording in wordings.split("|")}


@lru_cache(maxsize=4096)
def read_choice(text: str, field: str) -> Cell[tuple[str, str]]:
    """Return (code, text as shown); an unknown text has code "" and is kept, with a notice."""
    if not text.strip() or is_nothing(text):
        return Cell(("", ""))
    if looks_like_formula(text):
        return Cell(("", text), notices=(formula_notice(text, field),))
    labels = CAUSES if field == "cause" else OUTCOMES
    code = _CODES.get(key(text), "")
    if code not in labels:
        kept = " ".join(text.split())
        sentence = f"«{kept[:60]}» no está en la lista de valores; se guardó como texto."
        return Cell(("", kept), notices=(Notice(f"unknown_{field}", sentence, field),))
    label = labels[code]
    if text == label:
        return Cell((code, label))
    return Cell(
        (code, label), (Repair(f"{field}_wording", "Se llevó a la forma única.", text, label, field),)
    )
