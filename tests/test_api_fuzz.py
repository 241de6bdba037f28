"""Five hundred cases of schemathesis for each of three functions; `make prove` asks ten thousand."""

import pytest
from api_fuzz import fuzz, keys_of
from api_samples import machine
from flask import Flask
from inspection_samples import assigned, signed
from sqlalchemy.orm import Session as OrmSession

from app.security.roles import Role


@pytest.mark.parametrize(
    "role", [Role.COORDINATOR, Role.INSPECTOR, Role.AUDITOR], ids=lambda role: role.value
)
def test_no_case_is_answered_by_a_failure_or_out_of_form(app: Flask, db: OrmSession, role: Role) -> None:
    asked = machine(app, role)
    signed()
    assigned()
    told = fuzz(asked, keys_of(), 500)
    assert told.total() >= 500 and told[200] > 50 and told[400] > 50 and told[404] > 20
