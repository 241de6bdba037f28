"""The arithmetic of fines: day wages, how often they count, the day wage in force, the factor.

Serves Código del Trabajo arts. 384 to 390. Amounts are whole guaraníes; nothing is rounded but by a factor
that is not whole. Which day fixes the day wage is a parameter, decided by the caller.
"""

from __future__ import annotations

from decimal import Decimal

from app.core.errors import RuleBroken
from app.core.types import round_guaranies

PER_WORKER = "per_worker"


def times(basis: str, workers: int, obligations: int = 1) -> int:
    """Return how often the fine counts: the affected workers, or the obligations whatever the workers.

    Raises `RuleBroken` when that is less than one.
    """
    number, name = (workers, "workers") if basis == PER_WORKER else (obligations, "obligations")
    if number < 1:
        raise RuleBroken(
            "Indique al menos un trabajador afectado o una obligación incumplida.", name, "fine_times"
        )
    return number


def suggested_day_wages(severity: str, lowest: int, highest: int) -> int:
    """Return the day wages proposed for a severity: the lowest, the middle rounded up, the highest."""
    if severity == "leve":
        return lowest
    return highest if severity == "muy_grave" else (lowest + highest + 1) // 2


def fine(day_wages: int, number: int, day_wage: int, factor: int | Decimal = 1) -> int:
    """Return the fine in guaraníes: `day_wages` x `number` x `day_wage` x `factor` (2 when repeated)."""
    return round_guaranies(Decimal(day_wages * number * day_wage) * factor)


def check_range(day_wages: int, lowest: int, highest: int) -> None:
    """Raise `RuleBroken` for day wages outside the range of the infraction."""
    if not lowest <= day_wages <= highest:
        raise RuleBroken(
            f"Los jornales de esta infracción van de {lowest} a {highest}.", "day_wages", "fine_range"
        )
