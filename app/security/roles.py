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

GRANTS: Mapping[str, Mapping[frozenset[str], frozenset[Role]]] = {
    "Office": {READ: INTERNAL, WRITE: frozenset({Role.ADMIN})},
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
