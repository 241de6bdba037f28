"""The registry and the catalogues for machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.core import clock
from app.core.base import Session
from app.exchange.resources import FieldsBroken, Resource, shown
from app.models.catalogs import Activity, Department, District, Office
from app.models.machines import KeyScope
from app.models.norms import Infraction
from app.models.registry import Employer, Establishment, Worker
from app.operations import records, registry
from app.operations.search import matching
from app.views.api.base import Api, ByCode, ByNumber, ByUuid, Writable

RUC = {
    "type": ["string", "null"],
    "title": "RUC",
    "description": "Con guion y dígito, como 80009735-1. Sin guion se calcula el dígito.",
    "maxLength": 20,
    "pattern": "^[0-9A-Za-z. -]*$",
}


class OfRegistry(Api):
    """The part that a key of the registry opens."""

    read_scope = KeyScope.READ_REGISTRY
    write_scope = KeyScope.WRITE_REGISTRY


class Confirmed(OfRegistry, Writable):
    """Records whose doubles are shown before they are made."""

    def registered(
        self, register: Callable[..., Any], values: dict[str, Any], sent: Mapping[str, Any]
    ) -> Any:
        """Register by an operation. Raises FieldsBroken that names the similar ones at `confirmed`."""
        confirmed = bool(sent.get("confirmed"))
        try:
            return register(values, confirmed=confirmed, provisional_only=not self.may("edit"))
        except registry.LooksAlike as error:
            kind: Any = self.resource.kind
            alike = [each.id for each in error.similar]
            keys = dict(Session.execute(select(kind.id, kind.uuid).where(kind.id.in_(alike))).tuples().all())
            said = [f"{keys[each.id]} · {each.text} ({each.reason})" for each in error.similar]
            raise FieldsBroken(error.message, {"confirmed": said}, error.code) from error


class EmployerApi(Confirmed):
    """Employers."""

    resource_name = "empleadores"
    resource = Resource(
        Employer,
        shown(
            Employer,
            "uuid",
            "legal_name",
            "trade_name",
            "kind",
            "ruc_base",
            "ruc_dv",
            "document_number",
            "description",
            "provisional",
            "legal_form",
            "status",
            "started_on",
            "representative",
            "has_union",
            "shifts",
            "phone",
            "email",
            "notes",
            "merged_into",
            "created_at",
            "updated_at",
            "version",
        ),
        load=(joinedload(Employer.merged_into),),
        filters=("kind", "status", "provisional", "ruc_base", "document_number"),
        search=lambda q: matching(Employer, q),
        listed=lambda: Employer.merged_into_id.is_(None),
        accepts=(
            "document_number",
            "legal_name",
            "trade_name",
            "description",
            "kind",
            "legal_form",
            "status",
            "started_on",
            "representative",
            "has_union",
            "shifts",
            "phone",
            "email",
            "notes",
        ),
        extra={"ruc": RUC},
        confirms=True,
    )

    def create(self, values: dict[str, Any], sent: Mapping[str, Any]) -> Any:
        return self.registered(registry.register_employer, values, sent)

    def change(self, key: int, values: dict[str, Any], version: int) -> Any:
        return registry.update_employer(key, values, version)


class EstablishmentApi(Confirmed):
    """Establishments."""

    resource_name = "establecimientos"
    resource = Resource(
        Establishment,
        shown(
            Establishment,
            "uuid",
            "employer",
            "branch_number",
            "name",
            "district",
            "neighbourhood",
            "address",
            "reference",
            "latitude",
            "longitude",
            "activity",
            "second_activity",
            "phone",
            "email",
            "opened_on",
            "closed_on",
            "provisional",
            "notes",
            "merged_into",
            "created_at",
            "updated_at",
            "version",
        ),
        load=tuple(
            joinedload(getattr(Establishment, name))
            for name in ("employer", "district", "activity", "second_activity", "merged_into")
        ),
        filters=("employer", "district", "activity", "provisional"),
        search=lambda q: matching(Establishment, q),
        listed=lambda: Establishment.merged_into_id.is_(None),
        accepts=(
            "employer",
            "branch_number",
            "name",
            "district",
            "neighbourhood",
            "address",
            "reference",
            "latitude",
            "longitude",
            "activity",
            "second_activity",
            "phone",
            "email",
            "opened_on",
            "closed_on",
            "provisional",
            "notes",
        ),
        required=("employer", "name", "district"),
        confirms=True,
    )

    def create(self, values: dict[str, Any], sent: Mapping[str, Any]) -> Any:
        return self.registered(registry.register_establishment, values, sent)

    def change(self, key: int, values: dict[str, Any], version: int) -> Any:
        return registry.change_establishment(key, values, version)


class WorkerApi(OfRegistry, Writable):
    """Workers: personal data."""

    resource_name = "trabajadores"
    resource = Resource(
        Worker,
        shown(
            Worker,
            "uuid",
            "name",
            "document_country",
            "document_number",
            "birth_date",
            "sex",
            "nationality",
            "phone",
            "notes",
            "created_at",
            "updated_at",
            "version",
        ),
        filters=("document_country", "document_number"),
        search=lambda q: matching(Worker, q),
        accepts=(
            "name",
            "document_country",
            "document_number",
            "birth_date",
            "sex",
            "nationality",
            "phone",
            "notes",
        ),
        required=("name",),
    )

    def create(self, values: dict[str, Any], sent: Mapping[str, Any]) -> Any:
        return records.create(Worker, values)

    def change(self, key: int, values: dict[str, Any], version: int) -> Any:
        return records.change(Worker, key, values, version)


class OfficeApi(OfRegistry, ByUuid):
    """Offices."""

    resource_name = "oficinas"
    resource = Resource(
        Office,
        shown(
            Office,
            "uuid",
            "code",
            "name",
            "kind",
            "parent",
            "city",
            "address",
            "phone",
            "email",
            "opened_on",
            "closed_on",
        ),
        load=(joinedload(Office.parent),),
        filters=("kind", "code", "parent"),
    )


class DepartmentApi(OfRegistry, ByNumber):
    """Departments."""

    resource_name = "departamentos"
    resource = Resource(Department, shown(Department, "code", "iso", "name", "official_name", "capital"))


class DistrictApi(OfRegistry, ByNumber):
    """Districts."""

    resource_name = "distritos"
    resource = Resource(
        District,
        shown(District, "code", "department", "name", "official_name"),
        filters=("department",),
        search=lambda q: matching(District, q),
    )


class ActivityApi(OfRegistry, ByCode):
    """Economic activities (CIIU)."""

    resource_name = "actividades"
    resource = Resource(
        Activity,
        shown(Activity, "code", "parent", "level", "title"),
        load=(joinedload(Activity.parent),),
        filters=("level", "parent"),
        search=lambda q: matching(Activity, q),
    )


class InfractionApi(OfRegistry, ByUuid):
    """Infractions: those in force, and by their identifier those that were."""

    resource_name = "infracciones"
    resource = Resource(
        Infraction,
        shown(
            Infraction,
            "uuid",
            "code",
            "area_code",
            "title",
            "severity",
            "day_wages_min",
            "day_wages_max",
            "basis",
            "remediable",
            "valid_from",
            "valid_to",
            "legal_basis",
        ),
        filters=("code", "area_code", "severity"),
        listed=lambda: (
            (Infraction.valid_from <= clock.today())
            & (Infraction.valid_to.is_(None) | (Infraction.valid_to >= clock.today()))
        ),
    )
