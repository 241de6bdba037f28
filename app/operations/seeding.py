"""Bring a database to readiness: its environment, catalogues, roles and, in training, demonstration accounts.

Every step only adds what is missing, so that what the ministry changed on screen stays. Each step is an Act.
"""

import csv
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from flask_appbuilder.security.sqla.models import Role as RoleRow
from sqlalchemy import select, text
from werkzeug.security import check_password_hash

from app.core.base import Session
from app.models.catalogs import Department, District, Jurisdiction, Office
from app.models.security import Account, UserOffice
from app.models.system import Installation
from app.operations import catalog_seeds, demo_data, demo_inspections, documents, procedures, staff
from app.operations.readiness import digest
from app.operations.seed_files import SEEDS, add_missing, load
from app.operations.unit import act
from app.security.manager import hash_password
from app.security.roles import BY_KEY, Role

DEMO_MAIL = "demo.sis.invalid"


class WrongEnvironment(Exception):
    """The database belongs to another environment; the message says what to do."""


@dataclass
class Report:
    """What a run added: table -> rows; and the password to print, when one was made."""

    added: dict[str, int] = field(default_factory=dict)
    demo_password: str | None = None

    def count(self, what: str, number: int) -> None:
        """Note rows added; nothing is noted when there were none."""
        if number:
            self.added[what] = self.added.get(what, 0) + number


def prepare(
    environment: str,
    doors: Iterable[tuple[str, str]],
    demo_password: str | None = None,
    inspections: bool = True,
) -> Report:
    """Every step, in order. `doors` are the (permission, resource) of the registered screens.

    `inspections`: in training, demonstration inspections too, where there is no order yet.
    """
    report = Report()
    stamp(environment)
    _territory(report)
    _offices(report)
    catalog_seeds.seed(report.count)
    report.count("procedure_version", procedures.seed())
    report.count("document_type", documents.seed())
    synchronise(doors, report)
    if environment == "training":
        _demo(report, demo_password)
        report.count("establishment", demo_data.seed())
        report.count("inspector", staff.seed_demo())
        if inspections:
            report.count("inspection_order", demo_inspections.seed(report.demo_password))
    with act("seed.done") as unit:
        unit.session.execute(text("UPDATE installation SET seeds_digest = :digest"), {"digest": digest()})
    return report


def stamp(environment: str) -> None:
    """Write the environment into a new database; refuse one that belongs to another environment."""
    found = Session.scalar(select(Installation.environment))
    if found is None:
        with act("installation.create") as unit:
            unit.session.add(Installation(environment=environment))
    elif found != environment:
        raise WrongEnvironment(
            f"Esta base de datos es de «{found}» y el sistema arranca como «{environment}». "
            f"Use SIS_ENV={found}, o indique otra base con SIS_DATA_DIR o DATABASE_URL."
        )


def synchronise(doors: Iterable[tuple[str, str]], report: Report | None = None) -> Report:
    """Rows of the base roles, and of each permission and resource, for the screen that copies roles."""
    report = report or Report()
    doors = sorted(set(doors))
    with act("security.synchronise") as unit:
        run = unit.session.execute
        names = [{"name": role.label} for role in Role]
        report.count("ab_role", add_missing(RoleRow, names))
        for table, values in (
            ("ab_permission", sorted({permission for permission, _ in doors})),
            ("ab_view_menu", sorted({resource for _, resource in doors})),
        ):
            for value in values:
                run(
                    text(f"INSERT INTO {table} (name) VALUES (:name) ON CONFLICT DO NOTHING"), {"name": value}
                )
        for permission, resource in doors:
            run(
                text(
                    "INSERT INTO ab_permission_view (permission_id, view_menu_id)"
                    " SELECT p.id, v.id FROM ab_permission p, ab_view_menu v"
                    " WHERE p.name = :permission AND v.name = :resource ON CONFLICT DO NOTHING"
                ),
                {"permission": permission, "resource": resource},
            )
    return report


def _territory(report: Report) -> None:
    with (SEEDS / "territories.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    capitals = {row["department_code"]: row["capital"] for row in load("capitals.yaml")}
    departments = {
        int(row["department_code"]): {
            "code": int(row["department_code"]),
            "iso": row["department_iso"],
            "name": row["department_label"],
            "official_name": row["department_name"],
            "capital": capitals.get(int(row["department_code"])),
        }
        for row in rows
    }
    districts = [
        {
            "code": int(row["district_code"]),
            "department_code": int(row["department_code"]),
            "name": row["district_label"],
            "official_name": row["district_name"],
        }
        for row in rows
    ]
    with act("seed.territory"):
        report.count("department", add_missing(Department, list(departments.values())))
        report.count("district", add_missing(District, districts))


def _offices(report: Report) -> None:
    known = {office.code: office for office in Session.scalars(select(Office))}
    rows = [row for row in load("offices.yaml") if row["code"] not in known]
    if not rows:
        return
    with act("seed.offices") as unit:
        for row in rows:
            columns = ("code", "series_code", "name", "kind", "city", "opened_on")
            office = Office(**{name: row.get(name) for name in columns})
            unit.session.add(office)
            known[office.code] = office
        unit.session.flush()
        for row in rows:
            office = known[row["code"]]
            office.parent_id = known[row["parent"]].id if row.get("parent") else None
            for district in unit.session.scalars(
                select(District).where(District.department_code.in_(row.get("departments") or []))
            ):
                unit.session.add(
                    Jurisdiction(
                        office_id=office.id, district_code=district.code, valid_from=office.opened_on
                    )
                )
    report.count("office", len(rows))


def _demo(report: Report, wanted: str | None) -> None:
    """Accounts for training, exempt from the forced change of password; one password for all."""
    rows = load("demo.yaml", "accounts")
    known = {account.username: account for account in Session.scalars(select(Account))}
    missing = [row for row in rows if row["username"] not in known]
    if not missing and not wanted:
        return
    password = wanted or secrets.token_urlsafe(9)
    ours = [known[row["username"]] for row in rows if row["username"] in known]
    if missing or not all(check_password_hash(account.password, password) for account in ours[:1]):
        hashed = hash_password(password)
        roles = {role.name: role for role in Session.scalars(select(RoleRow))}
        offices = {office.code: office.id for office in Session.scalars(select(Office))}
        with act("seed.demo") as unit:
            for account in ours:
                account.password = hashed
            for row in missing:
                account = Account(
                    username=row["username"],
                    first_name=row["first_name"],
                    last_name=row["last_name"],
                    email=f"{row['username']}@{DEMO_MAIL}",
                    password=hashed,
                    active=True,
                )
                account.roles = [roles[BY_KEY[row["role"]].label]]
                unit.session.add(account)
                unit.session.flush()
                if row.get("office"):
                    unit.session.add(
                        UserOffice(
                            user_id=account.id, office_id=offices[row["office"]], valid_from=date(2024, 1, 1)
                        )
                    )
        report.demo_password = password
    report.count("account", len(missing))
