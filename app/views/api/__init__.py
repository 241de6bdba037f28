"""The API for machines, under `/api/v1`: registry and catalogues, inspections, its own description."""

from app.views.api.description import DescriptionApi
from app.views.api.inspections import DocumentApi, FindingApi, OrderApi, ReportApi, VisitApi
from app.views.api.registry import (
    ActivityApi,
    DepartmentApi,
    DistrictApi,
    EmployerApi,
    EstablishmentApi,
    InfractionApi,
    OfficeApi,
    WorkerApi,
)

PARTS = (
    EmployerApi,
    EstablishmentApi,
    WorkerApi,
    OfficeApi,
    DepartmentApi,
    DistrictApi,
    ActivityApi,
    InfractionApi,
    OrderApi,
    VisitApi,
    FindingApi,
    ReportApi,
    DocumentApi,
    DescriptionApi,
)
"""Every part, in the order in which it is described."""
