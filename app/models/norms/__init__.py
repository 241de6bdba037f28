"""The law as rows: norms, infractions, amounts, parameters, holidays. Every row says from when it holds."""

from app.models.norms.amounts import MinimumWage, Parameter, ParameterUnit, ValueType
from app.models.norms.dated import Dated, Verification, Verified
from app.models.norms.days import GeneralSuspension, Holiday, HolidayKind
from app.models.norms.law import (
    Basis,
    Confidence,
    Infraction,
    InfractionAlias,
    InfractionArea,
    Norm,
    NormKind,
    NormStatus,
    Severity,
)

__all__ = [
    "Basis",
    "Confidence",
    "Dated",
    "GeneralSuspension",
    "Holiday",
    "HolidayKind",
    "Infraction",
    "InfractionAlias",
    "InfractionArea",
    "MinimumWage",
    "Norm",
    "NormKind",
    "NormStatus",
    "Parameter",
    "ParameterUnit",
    "Severity",
    "ValueType",
    "Verification",
    "Verified",
]
