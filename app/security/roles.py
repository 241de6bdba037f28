"""The one matrix: what each role may do with each resource. Deny, then grant.

A base role is code (this file); a role derived by the ministry is a row, a copy with changed grants. A
resource is the permission name of a screen (`Office`), a permission is one of its doors (`can_list`).
"""

from collections.abc import Mapping

from app.core.base import Choice


class Role(Choice):
    """The base roles of the procedure: key in code, name of the row in `ab_role`, shown as is."""

    ADMIN = "admin", "Admin TI"
    DIRECTOR = "director", "Director DGIFT"
    REGIONAL = "regional", "Director Regional"
    COORDINATOR = "coordinator", "Coordinador"
    INSPECTOR = "inspector", "Inspector"
    INTAKE = "intake", "Mesa de Entrada"
    SECRETARY = "secretary", "Secretaría General"
    NOTIFIER = "notifier", "Notificador"
    CONCILIATION = "conciliation", "Conciliación (DT)"
    LICENSING = "licensing", "Licencias (DROP/DSSO)"
    OSH = "osh", "SST"
    LEGAL = "legal", "Jurídico (DGAJ)"
    JUDGE = "judge", "Juez Instructor"
    MINISTER = "minister", "Ministro/Delegado"
    TREASURY = "treasury", "Tesorería"
    STATISTICS = "statistics", "Estadística"
    AUDITOR = "auditor", "Auditor"
    HEALTH = "health", "Salud (MSPBS)"


BY_KEY: Mapping[str, Role] = {role.value: role for role in Role}

READ = frozenset({"can_list", "can_show"})
WRITE = frozenset({"can_add", "can_edit"})
DELETE = frozenset({"can_delete"})

INTERNAL = frozenset(Role) - {Role.HEALTH}
"""Everybody who works in the ministry (the Ministry of Health is a guest)."""

LEADERS = frozenset({Role.DIRECTOR, Role.REGIONAL, Role.COORDINATOR})
"""Those who assign the work of inspectors."""

REGISTRARS = frozenset({Role.INTAKE, Role.LICENSING, Role.COORDINATOR, Role.ADMIN})
"""Who keeps the register of employers; an inspector adds provisional records, others join doubles."""
KNOW_WORKERS = frozenset({Role.INSPECTOR, Role.COORDINATOR, Role.OSH, Role.LEGAL})

INSPECTION_READERS = LEADERS | {
    Role.INSPECTOR,
    Role.INTAKE,
    Role.SECRETARY,
    Role.NOTIFIER,
    Role.LEGAL,
    Role.JUDGE,
    Role.MINISTER,
    Role.OSH,
    Role.AUDITOR,
}
"""Who sees inspections at all; which ones, security/scope.py says."""
STEP_TAKERS = INSPECTION_READERS - {Role.AUDITOR}
"""Who takes steps of a procedure; which ones, the procedure says."""

GRANTS: Mapping[str, Mapping[frozenset[str], frozenset[Role]]] = {
    "InspectionOrder": {READ: INSPECTION_READERS, WRITE: LEADERS},
    "Visit": {READ: INSPECTION_READERS, frozenset({"can_edit"}): LEADERS | {Role.INSPECTOR}},
    "Finding": {
        READ: INSPECTION_READERS,
        frozenset({"can_edit"}): STEP_TAKERS - {Role.JUDGE, Role.LEGAL, Role.MINISTER},
    },
    "FinalReport": {READ: INSPECTION_READERS, frozenset({"can_edit"}): STEP_TAKERS},
    "Document": {frozenset({"can_show"}): INSPECTION_READERS},
    "Step": {
        frozenset({"can_take"}): STEP_TAKERS,
        frozenset({"can_review"}): LEADERS,
    },
    "FileTransfer": {
        frozenset({"can_list"}): LEADERS | {Role.AUDITOR},
        frozenset({"can_add"}): LEADERS,
        frozenset({"can_answer"}): frozenset({Role.REGIONAL, Role.COORDINATOR}),
        frozenset({"can_decide"}): frozenset({Role.DIRECTOR}),
    },
    "ConflictOfInterest": {
        READ: LEADERS | {Role.INSPECTOR, Role.AUDITOR},
        WRITE: LEADERS | {Role.INSPECTOR},
    },
    "SigningDesk": {
        frozenset({"can_list", "can_take", "can_add", "can_undo"}): frozenset(
            {Role.MINISTER, Role.SECRETARY, Role.DIRECTOR, Role.REGIONAL, Role.LEGAL}
        ),
    },
    "Account": {READ | WRITE: frozenset({Role.ADMIN}), READ: frozenset({Role.AUDITOR})},
    "AccessCode": {frozenset({"can_list", "can_release"}): LEADERS | {Role.ADMIN}},
    "Role": {READ | WRITE | DELETE: frozenset({Role.ADMIN}), READ: frozenset({Role.AUDITOR})},
    "Group": {READ | WRITE | DELETE: frozenset({Role.ADMIN}), READ: frozenset({Role.AUDITOR})},
    "Office": {READ: INTERNAL, WRITE: frozenset({Role.ADMIN})},
    "Inspector": {READ: INTERNAL, WRITE: frozenset({Role.ADMIN, Role.DIRECTOR})},
    "Brigade": {READ: INTERNAL, WRITE: LEADERS},
    "Absence": {READ: LEADERS | {Role.ADMIN}, WRITE: LEADERS},
    "Post": {READ: INTERNAL, WRITE: frozenset({Role.ADMIN})},
    "PostHolder": {READ: INTERNAL, WRITE: frozenset({Role.ADMIN, Role.SECRETARY})},
    "NumberSeries": {
        READ: frozenset({Role.SECRETARY, Role.ADMIN, Role.AUDITOR}),
        frozenset({"can_edit"}): frozenset({Role.SECRETARY}),
    },
    "Delegation": {READ: INTERNAL, WRITE: frozenset({Role.ADMIN, Role.SECRETARY})},
    "Norm": {READ: INTERNAL, WRITE: frozenset({Role.ADMIN, Role.LEGAL})},
    "Infraction": {READ: INTERNAL, WRITE: frozenset({Role.ADMIN, Role.LEGAL})},
    "InfractionArea": {READ: INTERNAL, WRITE: frozenset({Role.ADMIN})},
    "InfractionAlias": {READ: INTERNAL, WRITE: frozenset({Role.ADMIN})},
    "ChecklistVersion": {READ: INTERNAL},
    "MinimumWage": {READ: INTERNAL, WRITE: frozenset({Role.ADMIN})},
    "Parameter": {READ: INTERNAL, WRITE: frozenset({Role.ADMIN})},
    "Holiday": {READ: INTERNAL, WRITE: frozenset({Role.ADMIN})},
    "GeneralSuspension": {READ: INTERNAL, WRITE: frozenset({Role.ADMIN})},
    "Activity": {READ: INTERNAL},
    "Department": {READ: INTERNAL},
    "District": {READ: INTERNAL},
    "Employer": {
        READ: INTERNAL,
        frozenset({"can_add"}): REGISTRARS | {Role.INSPECTOR},
        frozenset({"can_edit"}): REGISTRARS,
    },
    "Establishment": {
        READ: INTERNAL,
        frozenset({"can_add"}): REGISTRARS | {Role.INSPECTOR},
        frozenset({"can_edit"}): REGISTRARS,
    },
    "PatronalNumber": {READ: INTERNAL, WRITE: REGISTRARS},
    "Contact": {READ: INTERNAL, WRITE: REGISTRARS | {Role.INSPECTOR}},
    "Headcount": {READ: INTERNAL, WRITE: REGISTRARS | {Role.INSPECTOR}},
    "Worker": {READ: KNOW_WORKERS, WRITE: KNOW_WORKERS},
    "RegisterImport": {
        READ: frozenset({Role.ADMIN, Role.DIRECTOR}),
        frozenset({"can_add", "can_edit", "can_undo"}): frozenset({Role.ADMIN}),
    },
    "Merge": {
        frozenset({"can_list", "can_merge"}): frozenset(
            {Role.COORDINATOR, Role.DIRECTOR, Role.LICENSING, Role.ADMIN}
        )
    },
}
"""resource -> permissions -> the roles that have them."""

PERSONAL = frozenset(
    {("can_get", "Home"), ("can_read", "MyAccount"), ("can_password", "MyAccount"), ("can_logout", "Auth")}
)
"""What everybody with an account may do: (permission, resource)."""


def grants_of(role: Role) -> frozenset[tuple[str, str]]:
    """Every (permission, resource) of a base role."""
    return PERSONAL | {
        (permission, resource)
        for resource, rows in GRANTS.items()
        for permissions, roles in rows.items()
        if role in roles
        for permission in permissions
    }


BY_NAME: Mapping[str, frozenset[tuple[str, str]]] = {role.label: grants_of(role) for role in Role}
"""Name of the role's row -> its grants; a role that is not here is a derived one."""
