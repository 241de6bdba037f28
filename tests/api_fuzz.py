"""Cases that schemathesis makes from the API's own description, right and wrong ones, asked in the process.

`fuzz` is what the test of CI and `tools/prove.py` share: it asks every operation, with keys of records that are
there and with invented ones, and fails at the first answer that is a 500 or is not of the published form.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import schemathesis
from api_samples import Machine
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from sqlalchemy import select

from app.core.base import Session
from app.exchange.resources import key_name
from app.security.scope import unscoped
from app.views import api
from app.views.api.base import ResourceApi

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]

STEPS = ["asignar", "iniciar", "prorrogar", "cerrar", "presentar"]
"""Steps that records may take, or not now."""


def fuzz(machine: Machine, keys: Mapping[str, Sequence[str]], cases: int) -> Counter[int]:
    """Ask `cases` times or a few more, what takes a body thrice as often; how often each status came.

    `keys`: of the records of each path.
    """
    headers = {"Authorization": f"Bearer {machine.token}"}
    schema = schemathesis.openapi.from_wsgi("/api/v1/_openapi", machine.app, headers=headers)
    operations = [found.ok() for found in schema.get_all_operations()]
    told: Counter[int] = Counter()
    weights = [3 if operation.body else 1 for operation in operations]
    each = -(-cases // sum(weights))
    for operation, weight in zip(operations, weights, strict=True):
        _ask(operation, headers, list(keys.get(operation.path.split("/")[3], ())), each * weight, told)
    return told


def keys_of() -> dict[str, list[str]]:
    """Some keys of each path, own and foreign: as whoever knows them would ask."""
    found = {}
    with unscoped():
        for part in api.PARTS:
            if issubclass(part, ResourceApi):
                kind: Any = part.resource.kind
                column = getattr(kind, key_name(kind))
                rows = Session.scalars(select(column).order_by(kind.__mapper__.primary_key[0]).limit(20))
                found[str(part.resource_name)] = [str(key) for key in rows]
    return found


def _ask(operation: Any, headers: Mapping[str, str], keys: list[str], times: int, told: Counter[int]) -> None:
    places = {parameter.name for parameter in operation.path_parameters}

    @given(data=st.data())
    @settings(
        max_examples=times,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def asks(data: Any) -> None:
        mode = data.draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
        known = {}
        if keys and places and data.draw(st.integers(0, 3)):
            known = {"key": data.draw(st.sampled_from(keys)), "code": data.draw(st.sampled_from(STEPS))}
        if known and (mode is GenerationMode.POSITIVE or operation.body):
            known = {name: value for name, value in known.items() if name in places}
            case = data.draw(operation.as_strategy(generation_mode=mode, path_parameters=known))
        else:
            case = data.draw(operation.as_strategy(generation_mode=mode))
        answer = case.call(headers=dict(headers))
        told[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS, headers=dict(headers))

    asks()
