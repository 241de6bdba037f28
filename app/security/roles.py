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
EXPORT = frozenset({"can_export"})
"""Taking a whole list away as a spreadsheet: another matter than looking at a page of it."""

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

TAKE_FILES = INSPECTION_READERS - {Role.INTAKE, Role.NOTIFIER, Role.JUDGE}
TAKE_REGISTRY = REGISTRARS | LEADERS | {Role.STATISTICS, Role.LEGAL, Role.MINISTER, Role.AUDITOR}
TAKE_STAFF = LEADERS | {Role.ADMIN, Role.SECRETARY, Role.AUDITOR}
"""Who may take lists of files, of the registry and of people away; catalogues, whoever reads them."""

GRANTS: Mapping[str, Mapping[frozenset[str], frozenset[Role]]] = {
    "InspectionOrder": {READ: INSPECTION_READERS, EXPORT: TAKE_FILES, WRITE: LEADERS},
    "Visit": {
        READ: INSPECTION_READERS,
        EXPORT: TAKE_FILES,
        frozenset({"can_edit"}): LEADERS | {Role.INSPECTOR},
    },
    "Finding": {
        READ: INSPECTION_READERS,
        EXPORT: TAKE_FILES,
        frozenset({"can_edit"}): STEP_TAKERS - {Role.JUDGE, Role.LEGAL, Role.MINISTER},
    },
    "FinalReport": {
        READ: INSPECTION_READERS,
        EXPORT: TAKE_FILES,
        frozenset({"can_edit"}): STEP_TAKERS,
    },
    "Document": {frozenset({"can_show"}): INSPECTION_READERS},
    "Step": {
        frozenset({"can_take"}): STEP_TAKERS,
        frozenset({"can_review"}): LEADERS,
    },
    "FileTransfer": {
        frozenset({"can_list", "can_export"}): LEADERS | {Role.AUDITOR},
        frozenset({"can_add"}): LEADERS,
        frozenset({"can_answer"}): frozenset({Role.REGIONAL, Role.COORDINATOR}),
        frozenset({"can_decide"}): frozenset({Role.DIRECTOR}),
    },
    "ConflictOfInterest": {
        READ: LEADERS | {Role.INSPECTOR, Role.AUDITOR},
        WRITE: LEADERS | {Role.INSPECTOR},
        EXPORT: LEADERS | {Role.AUDITOR},
    },
    "Home": {EXPORT: TAKE_FILES, frozenset({"can_watch"}): frozenset({Role.ADMIN})},
    "SigningDesk": {
        frozenset({"can_list", "can_take", "can_add", "can_undo"}): frozenset(
            {Role.MINISTER, Role.SECRETARY, Role.DIRECTOR, Role.REGIONAL, Role.LEGAL}
        ),
    },
    "Account": {READ | EXPORT | WRITE: frozenset({Role.ADMIN}), READ | EXPORT: frozenset({Role.AUDITOR})},
    "AccessCode": {frozenset({"can_list", "can_release"}): LEADERS | {Role.ADMIN}},
    "SecondFactorReset": {frozenset({"can_list", "can_add", "can_approve"}): LEADERS | {Role.ADMIN}},
    "Role": {
        READ | EXPORT | WRITE | DELETE: frozenset({Role.ADMIN}),
        READ | EXPORT: frozenset({Role.AUDITOR}),
    },
    "Group": {
        READ | EXPORT | WRITE | DELETE: frozenset({Role.ADMIN}),
        READ | EXPORT: frozenset({Role.AUDITOR}),
    },
    "AuditTrail": {
        READ: frozenset({Role.ADMIN, Role.AUDITOR}),
        EXPORT: frozenset({Role.AUDITOR}),
    },
    "Backup": {
        frozenset({"can_list"}): frozenset({Role.ADMIN, Role.AUDITOR}),
        frozenset({"can_add"}): frozenset({Role.ADMIN}),
    },
    "Office": {READ | EXPORT: INTERNAL, WRITE: frozenset({Role.ADMIN})},
    "Inspector": {READ: INTERNAL, EXPORT: TAKE_STAFF, WRITE: frozenset({Role.ADMIN, Role.DIRECTOR})},
    "Brigade": {READ: INTERNAL, EXPORT: TAKE_STAFF, WRITE: LEADERS},
    "Absence": {READ: LEADERS | {Role.ADMIN}, EXPORT: LEADERS, WRITE: LEADERS},
    "Post": {READ: INTERNAL, EXPORT: TAKE_STAFF, WRITE: frozenset({Role.ADMIN})},
    "PostHolder": {READ: INTERNAL, EXPORT: TAKE_STAFF, WRITE: frozenset({Role.ADMIN, Role.SECRETARY})},
    "ProcedureVersion": {
        READ: INTERNAL,
        frozenset({"can_edit"}): frozenset({Role.ADMIN}),
        frozenset({"can_publish"}): frozenset({Role.ADMIN, Role.DIRECTOR, Role.MINISTER}),
    },
    "NumberSeries": {
        READ | EXPORT: frozenset({Role.SECRETARY, Role.ADMIN, Role.AUDITOR}),
        frozenset({"can_edit"}): frozenset({Role.SECRETARY}),
    },
    "Delegation": {READ: INTERNAL, EXPORT: TAKE_STAFF, WRITE: frozenset({Role.ADMIN, Role.SECRETARY})},
    "Norm": {READ | EXPORT: INTERNAL, WRITE: frozenset({Role.ADMIN, Role.LEGAL})},
    "Infraction": {READ | EXPORT: INTERNAL, WRITE: frozenset({Role.ADMIN, Role.LEGAL})},
    "InfractionArea": {READ | EXPORT: INTERNAL, WRITE: frozenset({Role.ADMIN})},
    "InfractionAlias": {READ | EXPORT: INTERNAL, WRITE: frozenset({Role.ADMIN})},
    "ChecklistVersion": {
        READ | EXPORT: INTERNAL,
        frozenset({"can_draft"}): frozenset({Role.ADMIN}),
        frozenset({"can_publish"}): frozenset({Role.ADMIN, Role.DIRECTOR, Role.MINISTER}),
    },
    "MinimumWage": {READ | EXPORT: INTERNAL, WRITE: frozenset({Role.ADMIN})},
    "Parameter": {READ | EXPORT: INTERNAL, WRITE: frozenset({Role.ADMIN})},
    "Holiday": {READ | EXPORT: INTERNAL, WRITE: frozenset({Role.ADMIN})},
    "GeneralSuspension": {READ | EXPORT: INTERNAL, WRITE: frozenset({Role.ADMIN})},
    "Activity": {READ | EXPORT: INTERNAL},
    "Department": {READ | EXPORT: INTERNAL},
    "District": {READ | EXPORT: INTERNAL},
    "Employer": {
        READ: INTERNAL,
        EXPORT: TAKE_REGISTRY,
        frozenset({"can_add"}): REGISTRARS | {Role.INSPECTOR},
        frozenset({"can_edit"}): REGISTRARS,
    },
    "Establishment": {
        READ: INTERNAL,
        EXPORT: TAKE_REGISTRY,
        frozenset({"can_add"}): REGISTRARS | {Role.INSPECTOR},
        frozenset({"can_edit"}): REGISTRARS,
    },
    "PatronalNumber": {READ: INTERNAL, EXPORT | WRITE: REGISTRARS},
    "Contact": {READ: INTERNAL, EXPORT: REGISTRARS, WRITE: REGISTRARS | {Role.INSPECTOR}},
    "Headcount": {READ: INTERNAL, EXPORT: REGISTRARS, WRITE: REGISTRARS | {Role.INSPECTOR}},
    "Worker": {READ | WRITE: KNOW_WORKERS, EXPORT: frozenset({Role.COORDINATOR, Role.LEGAL})},
    "RegisterImport": {
        READ | EXPORT: frozenset({Role.ADMIN, Role.DIRECTOR}),
        frozenset({"can_add", "can_edit", "can_undo"}): frozenset({Role.ADMIN}),
    },
    "ApiKey": {
        READ | EXPORT: frozenset({Role.ADMIN, Role.AUDITOR}),
        WRITE: frozenset({Role.ADMIN}),
    },
    "Merge": {
        frozenset({"can_list", "can_merge"}): frozenset(
            {Role.COORDINATOR, Role.DIRECTOR, Role.LICENSING, Role.ADMIN}
        )
    },
}
"""resource -> permissions -> the roles that have them."""

PERSONAL = frozenset(
    {
        ("can_get", "Home"),
        ("can_keep", "SavedList"),
        ("can_get", "Search"),
        ("can_get", "Help"),
        ("can_read", "MyAccount"),
        ("can_password", "MyAccount"),
        ("can_logout", "Auth"),
    }
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
