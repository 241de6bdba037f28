"""What the tests of the registry share: an employer, an establishment, a pair of doubles, a form sent."""

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import text
from support import token_of

from app.core.base import Session
from app.models.registry import Contact, Employer, Establishment
from app.operations import records, registry

Enter = Callable[[str], FlaskClient]
LUQUE = "Luque"


def district(name: str = LUQUE) -> int:
    return Session.execute(text("SELECT code FROM district WHERE name = :name"), {"name": name}).scalar_one()


def make(**values: Any) -> Employer:
    given = {"ruc": "80012345-0", "legal_name": "Zapatería Guyra Campana S.A.", **values}
    return registry.register_employer(given, confirmed=True)


def place(employer: Employer, **values: Any) -> Establishment:
    given = {"name": "Casa central", "district_code": district(), "address": "Avda. Primera 100", **values}
    return registry.register_establishment({"employer_id": employer.id, **given}, confirmed=True)


def send(client: FlaskClient, path: str, **form: Any) -> Any:
    token = token_of(client.get(path).get_data(as_text=True))
    return client.post(path, data={**form, "csrf_token": token})


def doubles() -> tuple[Employer, Employer, Establishment]:
    kept = make()
    absorbed = make(ruc=None, legal_name=None, description="Responsable de la zapatería de Luque")
    there = place(absorbed)
    records.create(Contact, {"employer_id": absorbed.id, "name": "Contadora", "phone": "+595981123456"})
    return kept, absorbed, there
