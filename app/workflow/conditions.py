"""The one condition language: a closed subset of JSONLogic with strict types.

Used for show-if and validation of checklists and for guards without code. A second evaluator, for the
browser, must agree with this one on every vector of `tests/condition_vectors.json`.

Values are null, booleans, finite numbers, strings, and lists of these. Rules that go beyond JSONLogic:

* nothing is coerced: `==` of values of different types is false (a boolean is not a number);
  two lists cannot be compared;
* `<`, `<=`, `>`, `>=` compare two numbers or two days written `YYYY-MM-DD`;
* null means "no data": an order comparison with null is false, arithmetic with null is null, and null
  counts as false in `and`, `or` and `!`; any other value that is not a boolean is an error there;
* `and`, `or` and `!` give booleans; they stop at the first operand that decides;
* `in` looks for a scalar in a list; null is in no list, and nothing is in null;
* `missing` gives a boolean: true when any of the named facts is absent, null or the empty string;
* `var` takes one dotted name; a name that leads nowhere gives null;
* an expression is checked whole before it is evaluated, operands that would not be reached included;
* whole numbers beyond plus or minus 9007199254740991 are refused, so that both evaluators count alike.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from app.core.errors import DomainError

MAX_DEPTH = 16
MAX_NODES = 400
MAX_TEXT = 500
MAX_WHOLE = 2**53 - 1

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_][A-Za-z0-9_-]*)*", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

# Operator: least and greatest number of operands.
OPERATORS: Mapping[str, tuple[int, int]] = {
    "var": (1, 1),
    "==": (2, 2),
    "!=": (2, 2),
    "<": (2, 2),
    "<=": (2, 2),
    ">": (2, 2),
    ">=": (2, 2),
    "and": (1, MAX_NODES),
    "or": (1, MAX_NODES),
    "!": (1, 1),
    "in": (2, 2),
    "+": (2, MAX_NODES),
    "-": (1, 2),
    "*": (2, MAX_NODES),
    "missing": (1, MAX_NODES),
}
_BOOLEAN = frozenset({"==", "!=", "<", "<=", ">", ">=", "and", "or", "!", "in", "missing"})
_NUMERIC = frozenset({"+", "-", "*"})
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}


class ConditionError(DomainError):
    """A condition is malformed or met a value of the wrong type; `problems` lists every fault found."""

    default_code = "condition"

    def __init__(self, problems: Collection[str]) -> None:
        super().__init__("La condición no se puede evaluar: " + " ".join(problems))
        self.problems = tuple(problems)


def check(expr: object, known: Collection[str] | None = None) -> list[str]:
    """Return what is wrong with a condition, in Spanish, each with its place; empty when it is sound.

    With `known`, variables not in it are reported too. The whole must be able to give a boolean.
    """
    problems: list[str] = []
    nodes = _check(expr, "condición", 1, problems)
    if nodes > MAX_NODES:
        problems.append(f"condición: es demasiado larga ({nodes} elementos; el máximo es {MAX_NODES}).")
    if not problems:
        _expect(expr, "boolean", "condición", problems)
        if known is not None:
            problems += [
                f"condición: no existe el dato «{name}»." for name in variables(expr) if name not in known
            ]
    return problems


def evaluate(expr: object, facts: Mapping[str, Any]) -> Any:
    """Return the value of a condition on `facts`, nested mappings of values; days become `YYYY-MM-DD`.

    Raises `ConditionError` when the expression is malformed or a value has the wrong type.
    """
    problems: list[str] = []
    if _check(expr, "condición", 1, problems) > MAX_NODES:
        problems.append("condición: es demasiado larga.")
    if problems:
        raise ConditionError(problems)
    return _value(expr, facts)


def holds(expr: object, facts: Mapping[str, Any]) -> bool:
    """Say whether a condition is true on `facts`; null (no data) is not. Raises `ConditionError`."""
    return _truth(evaluate(expr, facts), "condición")


def variables(expr: object) -> tuple[str, ...]:
    """Return the names of the facts that a sound condition reads, in order of first use."""
    return tuple(dict.fromkeys(_names(expr)))


def _operands(expr: Mapping[str, Any]) -> tuple[str, list[Any]]:
    operator, operands = next(iter(expr.items()))
    return operator, operands if isinstance(operands, list) else [operands]


def _names(expr: object) -> Iterator[str]:
    if isinstance(expr, Mapping):
        operator, operands = _operands(expr)
        if operator in ("var", "missing"):
            yield from operands
        else:
            for operand in operands:
                yield from _names(operand)


def _check(expr: object, path: str, depth: int, problems: list[str]) -> int:
    """Append the faults of form below `expr`; return how many nodes it has."""
    if depth > MAX_DEPTH:
        problems.append(f"{path}: hay más de {MAX_DEPTH} niveles; divida la condición.")
        return 1
    if isinstance(expr, list):
        for index, item in enumerate(expr):
            if isinstance(item, list | Mapping):
                problems.append(
                    f"{path}[{index}]: una lista solo puede tener textos, números, sí/no o nulos."
                )
            else:
                _check(item, f"{path}[{index}]", depth + 1, problems)
        return 1 + len(expr)
    if not isinstance(expr, Mapping):
        _check_scalar(expr, path, problems)
        return 1
    if len(expr) != 1:
        problems.append(f"{path}: cada operación debe tener exactamente un operador.")
        return 1
    operator, operands = _operands(expr)
    if operator not in OPERATORS:
        problems.append(f"{path}: el operador «{operator}» no existe. Use uno de: {', '.join(OPERATORS)}.")
        return 1
    here = f"{path}.{operator}"
    least, most = OPERATORS[operator]
    if not least <= len(operands) <= most:
        wanted = (
            str(least) if least == most else f"{least} o más" if most == MAX_NODES else f"{least} o {most}"
        )
        problems.append(f"{here}: lleva {wanted} operandos y tiene {len(operands)}.")
        return 1
    if operator in ("var", "missing"):
        for name in operands:
            if not isinstance(name, str) or len(name) > MAX_TEXT or not _NAME.fullmatch(name):
                problems.append(f"{here}: «{name}» no es el nombre de un dato.")
        return 1 + len(operands)
    before = len(problems)
    nodes = 1 + sum(_check(o, f"{here}[{i}]", depth + 1, problems) for i, o in enumerate(operands))
    if len(problems) == before:
        _check_types(operator, operands, here, problems)
    return nodes


def _check_scalar(value: object, path: str, problems: list[str]) -> None:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, int):
        if abs(value) > MAX_WHOLE:
            problems.append(f"{path}: el número {value} es demasiado grande.")
    elif isinstance(value, float):
        if not math.isfinite(value):
            problems.append(f"{path}: el número no es finito.")
    elif isinstance(value, str):
        if len(value) > MAX_TEXT:
            problems.append(f"{path}: el texto pasa de {MAX_TEXT} caracteres.")
    else:
        problems.append(f"{path}: un valor debe ser texto, número, sí/no, nulo o una lista de ellos.")


def _check_types(operator: str, operands: list[Any], path: str, problems: list[str]) -> None:
    """Append the faults of type that can be seen without any fact."""
    if operator in ("and", "or", "!"):
        wanted = ["boolean"] * len(operands)
    elif operator in _NUMERIC:
        wanted = ["number"] * len(operands)
    elif operator in _ORDER:
        wanted = ["order"] * 2
    elif operator == "in":
        wanted = ["scalar", "list"]
    else:
        wanted = ["scalar"] * 2
    for index, (operand, kind) in enumerate(zip(operands, wanted, strict=True)):
        _expect(operand, kind, f"{path}[{index}]", problems)
    kinds = {_kind(o) for o in operands} - {None}
    if operator in _ORDER and len(kinds) == 2 and kinds <= {"number", "string"}:
        problems.append(f"{path}: compara un número con un texto.")


_WANTED = {
    "boolean": ("debe ser una condición (verdadero o falso).", {"boolean"}),
    "number": ("debe ser un número.", {"number"}),
    "order": ("debe ser un número o una fecha AAAA-MM-DD.", {"number", "string"}),
    "scalar": ("no puede ser una lista; use «in».", {"number", "string", "boolean"}),
    "list": ("debe ser una lista.", {"list"}),
}


def _expect(expr: object, wanted: str, path: str, problems: list[str]) -> None:
    words, kinds = _WANTED[wanted]
    kind = _kind(expr)
    odd_text = wanted == "order" and isinstance(expr, str) and not _is_day(expr)
    if odd_text or (kind is not None and kind not in kinds):
        problems.append(f"{path}: {words}")


def _kind(value: object) -> str | None:
    """Return the type that an expression certainly has, or None when only the facts can tell."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        operator, _ = _operands(value)
        return "boolean" if operator in _BOOLEAN else "number" if operator in _NUMERIC else None
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "list"


def _is_day(text: str) -> bool:
    if not _DAY.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _value(expr: object, facts: Mapping[str, Any]) -> Any:
    if not isinstance(expr, Mapping):
        return expr
    operator, operands = _operands(expr)
    if operator == "var":
        return _look_up(operands[0], facts)
    if operator == "missing":
        return any(_look_up(name, facts) in (None, "") for name in operands)
    if operator in ("and", "or"):
        decisive = operator == "or"
        for operand in operands:
            if _truth(_value(operand, facts), operator) is decisive:
                return decisive
        return not decisive
    values = [_value(operand, facts) for operand in operands]
    if operator == "!":
        return not _truth(values[0], operator)
    if operator in ("==", "!="):
        return _equal(values[0], values[1], operator) is (operator == "==")
    if operator in _ORDER:
        return _compare(operator, values[0], values[1])
    if operator == "in":
        return _contains(values[0], values[1])
    return _arithmetic(operator, values)


def _look_up(name: str, facts: Mapping[str, Any]) -> Any:
    value: Any = facts
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return _fact(value, name)


def _fact(value: Any, name: str) -> Any:
    """Return a fact as a value of the language, or raise `ConditionError`."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple | set | frozenset):
        items = [_fact(item, name) for item in value]
        if any(isinstance(item, list) for item in items):
            raise ConditionError([f"el dato «{name}» tiene listas dentro de listas."])
        return items
    problems: list[str] = []
    _check_scalar(value, f"el dato «{name}»", problems)
    if problems:
        raise ConditionError(problems)
    return value


def _truth(value: Any, where: str) -> bool:
    if value is None:
        return False
    if not isinstance(value, bool):
        raise ConditionError([f"«{where}» necesita verdadero o falso y encontró {_shown(value)}."])
    return value


def _shown(value: Any) -> str:
    return f"«{value}»" if isinstance(value, str) else str(value)


def _equal(left: Any, right: Any, operator: str) -> bool:
    if isinstance(left, list) or isinstance(right, list):
        raise ConditionError([f"«{operator}» no compara listas; use «in»."])
    return _kind(left) == _kind(right) and bool(left == right)


def _compare(operator: str, left: Any, right: Any) -> bool:
    for value in (left, right):
        kind = _kind(value)
        if not (kind in (None, "number") or (kind == "string" and _is_day(value))):
            raise ConditionError([f"«{operator}» compara números o fechas AAAA-MM-DD, no {_shown(value)}."])
    if left is None or right is None:
        return False
    if _kind(left) != _kind(right):
        raise ConditionError([f"«{operator}» compara un número con una fecha."])
    return _ORDER[operator](left, right)


def _contains(needle: Any, items: Any) -> bool:
    if isinstance(needle, list) or not (items is None or isinstance(items, list)):
        raise ConditionError(["«in» busca un valor simple en una lista."])
    if needle is None or items is None:
        return False
    return any(_equal(needle, item, "in") for item in items)


def _arithmetic(operator: str, values: list[Any]) -> Any:
    for value in values:
        if _kind(value) not in (None, "number"):
            raise ConditionError([f"«{operator}» calcula con números, no con {_shown(value)}."])
    if None in values:
        return None
    if operator == "-" and len(values) == 1:
        return -values[0]
    result = values[0]
    for value in values[1:]:
        result = result + value if operator == "+" else result - value if operator == "-" else result * value
        if not math.isfinite(result) or abs(result) > MAX_WHOLE:
            raise ConditionError([f"«{operator}»: el resultado es demasiado grande."])
    return result
