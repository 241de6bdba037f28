"""A condition as rows that a person fills in: «dato, comparación, valor», all of them or any of them.

What the rows can say is a part of the condition language (`conditions`); an expression beyond it stays as it
was written and is shown in words. `expression(*rows_of(expr)) == expr` for every one that rows can say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.core.errors import RuleBroken
from app.workflow.guards import Fact, Kind

ALL, ANY = "and", "or"
HOW: Mapping[str, str] = {ALL: "se cumplen todas", ANY: "se cumple alguna"}
SAME: Mapping[str, str] = {"==": "es", "!=": "no es"}
ORDERED: Mapping[str, str] = {"<": "menor que", "<=": "hasta", ">": "mayor que", ">=": "desde"}
LACKS: Mapping[str, str] = {"missing": "falta"}
COMPARISONS: Mapping[str, str] = {**SAME, **ORDERED, **LACKS}
"""Every comparison, with its words."""
FITTING: Mapping[Kind, Mapping[str, str]] = {
    Kind.YES_NO: SAME,
    Kind.COUNT: {**SAME, **ORDERED},
    Kind.DAY: {**SAME, **ORDERED, **LACKS},
    Kind.TEXT: {**SAME, **LACKS},
}
"""The comparisons of each kind of fact; a fact of another kind takes none."""
YES, NO = "sí", "no"


@dataclass(frozen=True)
class Row:
    """One comparison: the name of a fact, the operator, the value as a person types it."""

    fact: str
    operator: str
    value: str = ""


def expression(how: str, rows: Iterable[Row], facts: Mapping[str, Fact]) -> Any:
    """The condition that the rows say; None without rows. Raises RuleBroken with the row at fault."""
    parts = [_compared(row, number, facts) for number, row in enumerate(rows, start=1)]
    if how not in HOW:
        raise RuleBroken("Elija si se cumplen todas o alguna.", field="condition")
    return {how: parts} if len(parts) > 1 else parts[0] if parts else None


def rows_of(expr: Any, facts: Mapping[str, Fact]) -> tuple[str, list[Row]] | None:
    """The rows that say a condition, with how they are joined; None when rows cannot say it."""
    if expr is None:
        return ALL, []
    if isinstance(expr, Mapping) and len(expr) == 1:
        ((operator, operands),) = expr.items()
        if operator in HOW and isinstance(operands, list) and len(operands) > 1:
            rows = [_row(part, facts) for part in operands]
            return None if None in rows else (operator, [row for row in rows if row])
    row = _row(expr, facts)
    return None if row is None else (ALL, [row])


def in_words(expr: Any, facts: Mapping[str, Fact]) -> str:
    """A condition as a person reads it; what has no words is shown as it is written."""
    found = rows_of(expr, facts)
    if found is None:
        return str(expr)
    how, rows = found
    joint = " y " if how == ALL else " o "
    return joint.join(
        f"{facts[row.fact].label}: {COMPARISONS[row.operator]} {row.value}".rstrip() for row in rows
    )


def _compared(row: Row, number: int, facts: Mapping[str, Fact]) -> dict[str, Any]:
    fact = facts.get(row.fact)
    if fact is None or fact.kind not in FITTING:
        raise RuleBroken(f"Condición, fila {number}: elija un dato de la lista.", field="condition")
    if row.operator not in FITTING[fact.kind]:
        words = ", ".join(FITTING[fact.kind].values())
        raise RuleBroken(f"Condición, fila {number}: «{fact.label}» admite {words}.", field="condition")
    if row.operator in LACKS:
        return {"missing": [row.fact]}
    try:
        value = _read(row.value.strip(), fact.kind)
    except ValueError as error:
        raise RuleBroken(f"Condición, fila {number}: «{fact.label}» {error}.", field="condition") from None
    return {row.operator: [{"var": row.fact}, value]}


def _read(text: str, kind: Kind) -> bool | int | str:
    """The value of a text. Raises ValueError with the words for what to type."""
    if kind is Kind.YES_NO:
        if text.lower() not in (YES, "si", NO):
            raise ValueError("se compara con «sí» o «no»")
        return text.lower() != NO
    if kind is Kind.COUNT:
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise ValueError("se compara con un número entero")
        return int(text)
    if kind is Kind.DAY:
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            raise ValueError("se compara con una fecha, como 2027-01-31") from None
    if not text or len(text) > 200:
        raise ValueError("se compara con un texto de hasta 200 letras")
    return text


def _row(part: Any, facts: Mapping[str, Fact]) -> Row | None:
    if not isinstance(part, Mapping) or len(part) != 1:
        return None
    ((operator, operands),) = part.items()
    if operator in LACKS and isinstance(operands, list) and len(operands) == 1:
        name, value = operands[0], ""
    elif operator in COMPARISONS and isinstance(operands, list) and len(operands) == 2:
        name, value = _named(operands[0]), _typed(operands[1])
    else:
        return None
    row = Row(name, operator, value)
    try:
        same = _compared(row, 1, facts) == part
    except RuleBroken:
        return None
    return row if same else None


def _named(operand: Any) -> str:
    if isinstance(operand, Mapping) and list(operand) == ["var"] and isinstance(operand["var"], str):
        return operand["var"]
    return ""


def _typed(value: Any) -> str:
    if isinstance(value, bool):
        return YES if value else NO
    return str(value) if isinstance(value, int | str) else ""
