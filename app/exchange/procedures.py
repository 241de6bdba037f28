"""A whole procedure version as one YAML file: from the training installation to production, and back.

Reading is of hostile input: bounded size, no aliases (a short file could mean a huge one), no tags; every
fault comes with its line or its path.
"""

from typing import Any

import yaml

from app.core.errors import RuleBroken
from app.workflow.definition import ProcedureVersion
from app.workflow.loading import version_from_mapping
from app.workflow.writing import mapping_of

LARGEST = 2_000_000
"""Bytes that a file may have; the shipped versions have 60 thousand."""
MOST_NODES = 60_000
"""Values that it may hold: reading more would keep the server busy."""


class _Writer(yaml.SafeDumper):
    """Short lists on one line, as a person writes them; no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _sequence(writer: yaml.SafeDumper, items: list[Any]) -> yaml.Node:
    plain = all(isinstance(item, str) for item in items)
    return writer.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=plain)


def _text(writer: yaml.SafeDumper, text: str) -> yaml.Node:
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Writer.add_representer(list, _sequence)
_Writer.add_representer(str, _text)


class _Reader(yaml.SafeLoader):
    """The safe loader, without aliases, without a key twice, and with text that the database can keep."""

    nodes = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise yaml.MarkedYAMLError(problem=f"hay más de {MOST_NODES} valores")
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="los alias (*) no se aceptan", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="una clave es un texto", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"la clave «{key.value}» está repetida", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_scalar(self, node: Any) -> Any:
        value = super().construct_scalar(node)
        if "\0" in value or not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            raise yaml.MarkedYAMLError(
                problem="hay un carácter que no se puede guardar", problem_mark=node.start_mark
            )
        return value


def written(version: ProcedureVersion) -> str:
    """The file of a version; `read(written(version)) == version`."""
    return yaml.dump(mapping_of(version), Dumper=_Writer, allow_unicode=True, sort_keys=False, width=100)


def read(content: bytes) -> ProcedureVersion:
    """The version that a file describes. Raises RuleBroken with every fault and where it is."""
    if len(content) > LARGEST:
        raise RuleBroken(
            f"El archivo pasa de {LARGEST // 1_000_000} MB: no es una versión del procedimiento."
        )
    try:
        mapping = yaml.load(content.decode("utf-8-sig"), Loader=_Reader)
    except UnicodeDecodeError:
        raise RuleBroken("El archivo no está en UTF-8: guárdelo así y vuelva a intentar.") from None
    except RecursionError:
        raise RuleBroken("El archivo tiene demasiados niveles, unos dentro de otros.") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"línea {mark.line + 1}, columna {mark.column + 1}" if mark else "el archivo"
        raise RuleBroken(f"No se pudo leer: {where}: {error.problem}.") from None
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError) as error:
        # The last three: a tag (`!!bool`, `!!timestamp`) on what is no such value.
        raise RuleBroken(f"No se pudo leer el archivo: {error}.") from None
    return version_from_mapping(mapping)
