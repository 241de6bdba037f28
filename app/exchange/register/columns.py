"""The fields of a register, the header wordings that name them, and the matching of headers to fields.

Headers are compared folded (no accents, case, punctuation) and token by token, so that `Nro. de Acta`,
`ACTA Nº` and `Acta` all name the act. Each match has a confidence from 0 to 1; a person may override any.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from typing import NamedTuple

from app.core.types import fold
from app.exchange.register.errors import RegisterError
from app.exchange.register.words import word_set

# Below this a header is left unmapped: half of a two-word header in common (0.67) is not enough.
THRESHOLD = 0.7


class Field(NamedTuple):
    """A field of the register: `label` is its Spanish name, `wordings` the folded headers that name it."""

    name: str
    label: str
    wordings: tuple[str, ...]
    essential: bool = False


class Column(NamedTuple):
    """Where a field was found: `position` counts columns from 0, its header as written, the confidence of
    the match."""

    position: int
    header: str
    confidence: float


def _field(name: str, label: str, wordings: str, essential: bool = False) -> Field:
    return Field(name, label, tuple(wordings.split("|")), essential)


FIELDS: tuple[Field, ...] = (
    _field(
        "row_number", "N.º de fila", "n|item|fila|linea|n fila|n item|n linea|id|correlativo|n correlativo"
    ),
    _field(
        "date",
        "Fecha de inspección",
        "fecha inspeccion|fecha|fecha visita|fecha acta|fecha acta inspeccion|fecha fiscalizacion|"
        "fecha procedimiento|dia inspeccion",
        True,
    ),
    _field(
        "order_number",
        "Orden de inspección",
        "orden n|orden inspeccion|orden inspeccion n|orden|oi|oi n|orden trabajo|orden trabajo n",
    ),
    _field(
        "act_number",
        "Acta",
        "acta n|acta|acta inspeccion|acta inspeccion n|n acta labrada|acta constatacion",
        True,
    ),
    _field(
        "employer_name",
        "Empresa o razón social",
        "empresa razon social|razon social|empresa|empleador|nombre empresa|nombre razon social|"
        "nombre empleador|razon social empleador|denominacion|empleador razon social|nombre|patron|firma",
        True,
    ),
    _field(
        "trade_name",
        "Nombre de fantasía",
        "nombre fantasia|fantasia|nombre comercial|denominacion comercial|nombre establecimiento|"
        "establecimiento|nombre local|local",
    ),
    _field(
        "ruc",
        "RUC",
        "ruc|ruc n|ruc ci|ruc empleador|ruc empresa|ruc cedula|ruc patronal|identificador ruc",
        True,
    ),
    _field("department", "Departamento", "departamento|departamento geografico|departamento establecimiento"),
    _field(
        "district",
        "Distrito",
        "distrito|ciudad|municipio|localidad|distrito ciudad|ciudad distrito|distrito municipio",
        True,
    ),
    _field(
        "address",
        "Dirección",
        "direccion|domicilio|ubicacion|direccion establecimiento|direccion local|domicilio establecimiento|"
        "direccion empresa|calle n",
    ),
    _field(
        "activity",
        "Rama de actividad",
        "rama actividad|actividad|actividad economica|rubro|sector|ramo|giro|sector actividad|"
        "actividad principal|rama|sector economico|rama economica",
    ),
    _field(
        "workers",
        "Cantidad de trabajadores",
        "cantidad trabajadores|trabajadores|total trabajadores|n trabajadores|dotacion|personal|"
        "total personal|cantidad personal|empleados|cantidad empleados|total empleados|total",
    ),
    _field(
        "men",
        "Varones",
        "varones|hombres|masculino|cantidad varones|cantidad hombres|trabajadores varones|"
        "trabajadores hombres|sexo masculino|total varones|total hombres|h",
    ),
    _field(
        "women",
        "Mujeres",
        "mujeres|femenino|cantidad mujeres|trabajadoras|trabajadoras mujeres|sexo femenino|total mujeres|f",
    ),
    _field(
        "minors",
        "Menores",
        "menores|menores edad|adolescentes|cantidad menores|trabajadores menores|menores 18|nna|"
        "total menores|menores 18 anos|trabajadores adolescentes",
    ),
    _field(
        "inspector_1",
        "Inspector 1",
        "inspector 1|inspector|inspectores|inspector actuante|inspectores actuantes|inspector interviniente|"
        "inspectores intervinientes|fiscalizador|fiscalizadores|nombre inspector|inspector laboral|"
        "inspector responsable|primer inspector|inspectores asignados",
    ),
    _field(
        "inspector_2",
        "Inspector 2",
        "inspector 2|segundo inspector|inspector acompanante|otro inspector|inspector ii|fiscalizador 2|"
        "acompanante",
    ),
    _field(
        "cause",
        "Motivo",
        "motivo|causa|origen|tipo inspeccion|motivo inspeccion|causa inspeccion|origen inspeccion|"
        "modalidad|forma inicio|motivo visita|tipo",
    ),
    _field(
        "infractions",
        "Infracciones constatadas",
        "infracciones constatadas|infracciones|infraccion|incumplimientos|faltas|irregularidades|hallazgos|"
        "faltas constatadas|irregularidades constatadas|infracciones detectadas|incumplimientos detectados",
    ),
    _field(
        "outcome", "Resultado", "resultado|resultado inspeccion|conclusion|resultado visita|estado|situacion"
    ),
    _field(
        "fine",
        "Multa",
        "multa|monto multa|importe multa|multa aplicada|monto|importe|sancion|valor multa|multa impuesta|"
        "monto sancion",
    ),
    _field(
        "resolution_number",
        "Resolución",
        "resolucion n|resolucion|resolucion multa|resolucion sancion|resolucion mtess",
    ),
    _field("resolution_date", "Fecha de resolución", "fecha resolucion|fecha resolucion multa"),
    _field(
        "remarks",
        "Observaciones",
        "observaciones|observacion|comentarios|notas|anotaciones|observaciones generales|aclaraciones",
    ),
)
BY_NAME: Mapping[str, Field] = {field.name: field for field in FIELDS}

_STOPWORDS = word_set("de del la el los las y o u a en por al e gs guaranies pyg")
_TOKENS = {
    "#": "n", "no": "n", "nro": "n", "nros": "n", "num": "n", "numero": "n", "nr": "n",
    "dpto": "departamento", "depto": "departamento", "dto": "departamento", "dep": "departamento",
    "dtto": "distrito", "cant": "cantidad", "cdad": "cantidad", "obs": "observaciones", "dom": "domicilio",
    "rs": "resolucion", "fch": "fecha", "cnt": "cantidad", "edad": "edad", "ctes": "constatadas",
}  # fmt: skip


# How every word of a wording begins, to tell most data from headers at a glance.
_BEGINNINGS = frozenset(
    word[:2] for field in FIELDS for wording in field.wordings for word in wording.split()
)


@lru_cache(maxsize=4096)
def tokens(header: str) -> tuple[str, ...]:
    """Return the words of a header that tell fields apart: folded, abbreviations of `número` alike."""
    text = fold(header.translate({0x00B0: " ", 0x00BA: " ", 0x00AA: " "}))
    text = re.sub(r"\b([a-z])\.(?=[a-z]\b)", r"\1", text)  # R.U.C. is one word
    found = (_TOKENS.get(word, word) for word in re.findall(r"[a-z0-9]+|#", text))
    return tuple(word for word in found if word not in _STOPWORDS)


@lru_cache(maxsize=16_384)
def _alike(word: str, other: str) -> float:
    if word == other:
        return 1.0
    if len(word) >= 3 and other.startswith(word):
        return 0.9
    if (
        min(len(word), len(other)) >= 5
        and word[0] == other[0]
        and SequenceMatcher(None, word, other).ratio() >= 0.85
    ):
        return 0.8
    return 0.0


def _overlap(header: Sequence[str], wording: Sequence[str]) -> float:
    """Return twice the words in common over the words of both: 1.0 for the same words in any order."""
    rest = list(wording)
    common = 0.0
    for word in header:
        best = max(rest, key=lambda other: _alike(word, other), default="")
        score = _alike(word, best) if best else 0.0
        if score:
            rest.remove(best)
            common += score
    return 2 * common / (len(header) + len(wording))


@lru_cache(maxsize=4096)
def scores(header: str) -> tuple[tuple[str, float], ...]:
    """Return (field, confidence) for every field that the header may name, the surest first."""
    words = tokens(header)
    known = sum(1 for word in words if word[:2] in _BEGINNINGS)
    if 2 * known < len(words) or not 1 <= len(words) <= 8 or fold(header).startswith("sis "):
        return ()  # most cells searched for a header are data, and end here
    found = []
    for field in FIELDS:
        best = max(_overlap(words, wording.split()) for wording in field.wordings)
        if words == ("n", "orden") and field.name == "order_number":
            best = 0.9  # `N° de orden` may be a mere count of the rows, where a surer header names the order
        if best >= THRESHOLD:
            found.append((field.name, round(best, 2)))
    return tuple(sorted(found, key=lambda pair: -pair[1]))


def match(headers: Sequence[str]) -> dict[str, Column]:
    """Return field -> Column for a row of headers, each field and each column at most once."""
    offers = sorted(
        ((score, -index, name) for index, header in enumerate(headers) for name, score in scores(header)),
        reverse=True,
    )
    chosen: dict[str, Column] = {}
    taken: set[int] = set()
    for score, negative, name in offers:
        if name not in chosen and -negative not in taken:
            chosen[name] = Column(-negative, headers[-negative], score)
            taken.add(-negative)
    _second_meanings(headers, chosen, taken)
    return dict(sorted(chosen.items(), key=lambda item: item[1].position))


def _second_meanings(headers: Sequence[str], chosen: dict[str, Column], taken: set[int]) -> None:
    """Give a meaning to headers that have one only by their neighbours: a repeated Inspector, a bare M or
    Fecha."""
    for index, header in enumerate(headers):
        if index in taken:
            continue
        words, name = tokens(header), ""
        if words == ("m",):
            name = "men" if "men" not in chosen and "women" in chosen else "women"
        elif words == ("n", "orden"):
            name = "row_number"
        elif words and "inspector_1" in chosen and words == tokens(chosen["inspector_1"].header):
            name = "inspector_2"
        elif words == ("fecha",) and "resolution_number" in chosen:
            name = _which_date(index, chosen)
        if name and name not in chosen:
            chosen[name] = Column(index, header, THRESHOLD)
            taken.add(index)


def _which_date(index: int, chosen: dict[str, Column]) -> str:
    """Tell which field a second bare Fecha is: the one right after the resolution is the resolution's."""
    after = chosen["resolution_number"].position + 1
    if index == after:
        return "resolution_date"
    if "date" in chosen and chosen["date"].position == after and "resolution_date" not in chosen:
        chosen["resolution_date"] = chosen.pop("date")
        return "date"
    return ""


def quality(headers: Sequence[str]) -> float:
    """Return how much a row looks like the header: the sum of confidences, 0 when it is too little to be
    one."""
    filled = [cell for cell in headers if cell.strip()]
    if len(filled) < 3:
        return 0.0
    found = match(headers)
    enough = len(found) >= 4 or (len(found) == 3 and len(filled) <= 5)
    return sum(column.confidence for column in found.values()) if enough else 0.0


def override(
    found: Mapping[str, Column], headers: Sequence[str], wishes: Mapping[str, str | int | None]
) -> dict[str, Column]:
    """Return the mapping with a person's wishes applied: field -> header, column index, or None for no
    column.

    Raises `RegisterError` for a field or a column that does not exist.
    """
    result = dict(found)
    for name, wish in wishes.items():
        if name not in BY_NAME:
            raise RegisterError(f"El campo «{name}» no existe en el registro.", "unknown_field")
        result.pop(name, None)
        if wish is None:
            continue
        index = wish if isinstance(wish, int) else _index_of(headers, wish)
        if not 0 <= index < len(headers):
            raise RegisterError(
                f"La columna «{wish}», elegida para «{BY_NAME[name].label}», no existe en el archivo. "
                "Elija una de las columnas del archivo.",
                "unknown_column",
            )
        result = {key: column for key, column in result.items() if column.position != index}
        result[name] = Column(index, headers[index], 1.0)
    return dict(sorted(result.items(), key=lambda item: item[1].position))


def _index_of(headers: Sequence[str], wish: str) -> int:
    exact = [index for index, header in enumerate(headers) if header == wish]
    alike = exact or [index for index, header in enumerate(headers) if tokens(header) == tokens(wish)]
    return alike[0] if alike else -1


def missing(found: Iterable[str]) -> tuple[str, ...]:
    """Return the Spanish labels of the essential fields for which no column was found."""
    names = set(found)
    return tuple(field.label for field in FIELDS if field.essential and field.name not in names)
