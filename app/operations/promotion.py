"""From training to production, and training back to its beginning (working rule 22).

`promote` carries configuration and nothing else into a production database without records; `reset_training`
brings a training database back to its demonstration state. Both work as the owner of a schema, whose address
is given, in one transaction: a failure leaves everything as it was.
"""

import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from flask_appbuilder.security.sqla.models import Role as RoleRow
from sqlalchemy import Connection, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError

from app import migrations
from app.core import clock
from app.core.base import Session, metadata
from app.core.errors import DomainError, RuleBroken
from app.models.security import Account, UserOffice
from app.operations import files, procedures, seeding
from app.operations.seed_files import load
from app.operations.unit import act
from app.security.roles import BY_NAME

CONFIGURATION = (
    "department",
    "department_alias",
    "district",
    "activity",
    "activity_alias",
    "office",
    "jurisdiction",
    "norm",
    "infraction_area",
    "infraction",
    "infraction_alias",
    "minimum_wage",
    "parameter",
    "holiday",
    "holiday_department",
    "holiday_district",
    "holiday_office",
    "checklist",
    "checklist_version",
    "checklist_section",
    "checklist_question",
    "procedure_version",
    "procedure_process",
    "procedure_state",
    "procedure_term",
    "procedure_move",
    "document_type",
)
"""Tables that are carried, each after those it refers to. Any other is a record until it stands here."""

ACCESS = frozenset(
    {
        "installation",
        "user_office",
        "login_session",
        "login_failure",
        "account_recovery",
        "derived_role",
    }
)
"""Tables of the installation and of who may enter, with Flask-AppBuilder's own (`ab_…`): of these only the
chosen users and the derived roles are carried."""

KEPT = frozenset({"alembic_version", "procrastinate_workers"})
"""Tables that a reset leaves alone."""

RECEIVED = "promotion.receive"
LOCK = 20130122
WAIT = "SET LOCAL lock_timeout = '30s'; SET LOCAL statement_timeout = 0"
STAMPS = ("created_by_id", "updated_by_id")


class CannotPromote(DomainError):
    """The two databases are not what a promotion needs; nothing was changed."""

    default_code = "cannot_promote"


@dataclass
class Taken:
    """What a promotion took: table -> rows, users, derived roles; and the users that were there already."""

    rows: dict[str, int] = field(default_factory=dict)
    users: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For a machine."""
        return {"rows": self.rows, "users": self.users, "roles": self.roles, "known_users": self.known}

    def sentences(self) -> list[str]:
        """For a person."""
        labels = {
            mapper.local_table.name: getattr(mapper.class_, "label_plural", "")
            for mapper in Account.registry.mappers
        }
        lines = [f"{number:>6}  {labels.get(name) or name}" for name, number in self.rows.items()]
        lines += [f"función derivada: {name}" for name in self.roles]
        lines += [f"cuenta, sin contraseña: {name}" for name in self.users]
        lines += [f"cuenta que ya estaba, sin cambios: {name}" for name in self.known]
        lines.append("No se llevaron registros, números, ni cuentas de demostración.")
        if self.users:
            lines.append("Cada cuenta entra cuando Informática le da una contraseña provisoria.")
        return lines


def promote(target_url: str, usernames: Collection[str] = ()) -> Taken:
    """Carry this training database's configuration, and these users, to another. Raises CannotPromote."""
    taken = Taken()
    with _snapshot() as source:
        if source.scalar(text("SELECT environment FROM installation")) != "training":
            raise CannotPromote("Se promueve desde la base de capacitación: esta es de producción.")
        _same_code(source, "esta base")
        accounts = _chosen(usernames)
        rows = {name: _read(source, name) for name in CONFIGURATION}
        roles = _derived(source)
        with _owner(target_url) as target:
            target.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            _check(target)
            with elsewhere(target), act(RECEIVED, reason=_origin(source)):
                taken.rows = _replace(target, rows)
                taken.roles = _add_roles(target, roles)
                _add_users(accounts, taken)
    return taken


def reset_training(owner_url: str, doors: Iterable[tuple[str, str]], password: str | None) -> seeding.Report:
    """Drop every record of a training database and seed it again. Raises RuleBroken in production.

    The audit trail stays, and tells the reset. Keys go on from where they were, so that the history of an old
    record is never shown as that of a new one. `password` is the new one of the demonstration accounts.
    """
    with _owner(owner_url) as connection:
        found = connection.scalar(text("SELECT environment FROM installation"))
        if found != "training":
            raise RuleBroken("Esta base es de producción: sus datos no se borran.", code="production")
        stored = list(connection.scalars(text("SELECT sha256 FROM stored_file")))
        with elsewhere(connection):
            with act("training.reset"):
                names = ", ".join(sorted(_tables(connection) - KEPT))
                connection.exec_driver_sql(f"TRUNCATE {names}")
            procedures.forget()
            report = seeding.prepare("training", doors, password)
        wanted = set(connection.scalars(text("SELECT sha256 FROM stored_file")))
    for sha256 in set(stored) - wanted:  # after the commit: a row never points to nothing
        with suppress(OSError):
            files.place(sha256).unlink()
    return report


@contextmanager
def elsewhere(connection: Connection) -> Iterator[None]:
    """Operations inside the block work on this connection, inside its transaction."""
    factory = Session.session_factory
    before = dict(factory.kw)
    Session.remove()
    Session.configure(bind=connection, join_transaction_mode="create_savepoint")
    try:
        yield
    finally:
        Session.remove()
        factory.kw.clear()
        factory.kw.update(before)


@contextmanager
def _snapshot() -> Iterator[Connection]:
    """This database at one moment, to read from."""
    Session.remove()
    bind = Session.session_factory.kw["bind"]
    with bind.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        with connection.begin():
            yield connection


@contextmanager
def _owner(url: str) -> Iterator[Connection]:
    """A connection of the owner of a schema, in one transaction."""
    engine = create_engine(url, hide_parameters=True)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(WAIT)
            if connection.scalar(text("SELECT to_regclass('public.installation') IS NULL")):
                raise CannotPromote("La base indicada está vacía: ejecute en ella «flask init».")
            if not connection.scalar(
                text(
                    "SELECT pg_has_role(current_user, relowner, 'MEMBER') FROM pg_class"
                    " WHERE oid = 'public.installation'::regclass"
                )
            ):
                raise CannotPromote("Hace falta la dirección del dueño del esquema (usuario sis_owner).")
            yield connection
    except DBAPIError as error:
        if getattr(error.orig, "pgcode", None) == "55P03":
            raise CannotPromote(
                "Alguien está trabajando en esa base: detenga el sistema e intente de nuevo."
            ) from error
        raise
    finally:
        engine.dispose()


def _same_code(connection: Connection, which: str) -> None:
    if migrations.current(connection) != migrations.head():
        raise CannotPromote(f"El esquema de {which} no es el de este programa: ejecute en ella «flask init».")


def _check(target: Connection) -> None:
    """Whether a database may receive: production, of this code, without records, for the first time."""
    if target.scalar(text("SELECT environment FROM installation")) != "production":
        raise CannotPromote(
            "La base de destino no es de producción: prepárela con SIS_ENV=production y «flask init»."
        )
    _same_code(target, "la base de destino")
    received = text("SELECT min(at) FROM audit.act WHERE verb = :verb")
    at = target.scalar(received, {"verb": RECEIVED})
    if at is not None:
        raise CannotPromote(
            f"La base de destino ya recibió su configuración el {clock.local(at):%d/%m/%Y}: desde entonces "
            "se cambia en ella, pantalla por pantalla."
        )
    records = sorted(
        name
        for name in _tables(target) - KEPT - ACCESS - set(CONFIGURATION)
        if not name.startswith(("ab_", "procrastinate_"))
        and target.scalar(text(f"SELECT EXISTS (SELECT FROM {name})"))
    )
    if records:
        raise CannotPromote(f"La base de destino ya tiene registros ({', '.join(records)}): no se la toca.")
    edited = [name for name in CONFIGURATION if _stamped(name) and _edited(target, name)]
    if edited:
        raise CannotPromote(
            f"En la base de destino ya se cargó configuración a mano ({', '.join(edited)}): se perdería."
        )


def _edited(target: Connection, name: str) -> bool:
    condition = " OR ".join(f"{column} IS NOT NULL" for column in STAMPS)
    return bool(target.scalar(text(f"SELECT EXISTS (SELECT FROM {name} WHERE {condition})")))


def _stamped(name: str) -> bool:
    return set(STAMPS) <= set(metadata.tables[name].c.keys())


def _tables(connection: Connection) -> set[str]:
    return set(connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")))


def _origin(source: Connection) -> str:
    return f"Desde la base de capacitación «{source.scalar(text('SELECT current_database()'))}»."


def _read(source: Connection, name: str) -> list[dict[str, Any]]:
    """The rows of a table; who made them stays behind with the accounts."""
    rows = source.scalars(text(f"SELECT to_jsonb(t) FROM {name} t"))
    blank = dict.fromkeys(STAMPS) if _stamped(name) else {}
    return [row | blank for row in rows]


def _replace(target: Connection, rows: dict[str, list[dict[str, Any]]]) -> dict[str, int]:
    """The configuration that `init` had put there gives way to that of training, row by row in the trail."""
    guards = _guards(target)
    for table, trigger in guards:
        target.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    for name in reversed(CONFIGURATION):
        target.exec_driver_sql(f"DELETE FROM {name}")
    for name in CONFIGURATION:
        columns = ", ".join(f'"{column.name}"' for column in metadata.tables[name].c if not column.computed)
        target.execute(
            text(
                f"INSERT INTO {name} ({columns}) SELECT {columns}"
                f" FROM jsonb_populate_recordset(NULL::{name}, CAST(:rows AS jsonb))"
            ),
            {"rows": json.dumps(rows[name])},
        )
        if "id" in metadata.tables[name].c:
            sequence = f"pg_get_serial_sequence('public.{name}', 'id')"
            last = f"(SELECT greatest(max(id), 1) FROM {name})"
            target.execute(text(f"SELECT setval({sequence}, {last}) WHERE {sequence} IS NOT NULL"))
    for table, trigger in guards:
        target.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")
    return {name: len(rows[name]) for name in CONFIGURATION if rows[name]}


def _guards(target: Connection) -> list[tuple[str, str]]:
    """Triggers that freeze what is published: what is carried was judged by them where it was written."""
    found = target.execute(
        text(
            "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE NOT t.tgisinternal AND t.tgname <> 'zz_audit' AND c.relname = ANY(:names)"
            " AND c.relnamespace = 'public'::regnamespace ORDER BY 1, 2"
        ),
        {"names": list(CONFIGURATION)},
    )
    return [(table, trigger) for table, trigger in found]


def _derived(source: Connection) -> list[dict[str, Any]]:
    """Roles made by the ministry, with their grants by name and what is said of them."""
    rows = source.execute(
        text(
            "SELECT r.id, r.name, coalesce(jsonb_agg(jsonb_build_array(p.name, v.name))"
            " FILTER (WHERE p.id IS NOT NULL), '[]') AS grants"
            " FROM ab_role r LEFT JOIN ab_permission_view_role pvr ON pvr.role_id = r.id"
            " LEFT JOIN ab_permission_view pv ON pv.id = pvr.permission_view_id"
            " LEFT JOIN ab_permission p ON p.id = pv.permission_id"
            " LEFT JOIN ab_view_menu v ON v.id = pv.view_menu_id"
            " WHERE r.name <> ALL(:base) GROUP BY r.id, r.name ORDER BY r.name"
        ),
        {"base": list(BY_NAME)},
    )
    found = [dict(row) for row in rows.mappings()]
    if "derived_role" in metadata.tables:
        about = {row["role_id"]: row for row in _read(source, "derived_role")}
        for role in found:
            role["about"] = about.get(role["id"])
    return found


def _add_roles(target: Connection, roles: list[dict[str, Any]]) -> list[str]:
    added = []
    for role in roles:
        made = target.scalar(
            text("INSERT INTO ab_role (name) VALUES (:name) ON CONFLICT DO NOTHING RETURNING id"),
            {"name": role["name"]},
        )
        if made is None:
            continue
        for permission, resource in role["grants"]:
            target.execute(
                text(
                    "INSERT INTO ab_permission_view_role (permission_view_id, role_id)"
                    " SELECT pv.id, :role FROM ab_permission_view pv"
                    " JOIN ab_permission p ON p.id = pv.permission_id AND p.name = :permission"
                    " JOIN ab_view_menu v ON v.id = pv.view_menu_id AND v.name = :resource"
                ),
                {"role": made, "permission": permission, "resource": resource},
            )
        if role.get("about"):
            row = json.dumps(role["about"] | {"role_id": made})
            target.execute(
                text(
                    "INSERT INTO derived_role"
                    " SELECT * FROM jsonb_populate_record(NULL::derived_role, CAST(:row AS jsonb))"
                ),
                {"row": row},
            )
        added.append(role["name"])
    return added


@dataclass(frozen=True)
class _Person:
    """A user to carry: who, with which roles, of which offices."""

    username: str
    first_name: str
    last_name: str
    email: str
    roles: tuple[str, ...]
    offices: tuple[int, ...]


def _chosen(usernames: Collection[str]) -> list[_Person]:
    """The users of these names. Raises CannotPromote for unknown ones and for demonstration accounts."""
    wanted = list(dict.fromkeys(name.strip().lower() for name in usernames if name.strip()))
    found = {
        account.username.lower(): account
        for account in Session.scalars(select(Account).where(func.lower(Account.username).in_(wanted)))
    }
    unknown = [name for name in wanted if name not in found]
    if unknown:
        raise CannotPromote(f"No hay una cuenta con este usuario: {', '.join(unknown)}.")
    demo = {row["username"] for row in load("demo.yaml", "accounts")}
    played = [name for name in wanted if name in demo or found[name].email.endswith(f"@{seeding.DEMO_MAIL}")]
    if played:
        raise CannotPromote(
            f"Las cuentas de demostración no pasan a producción: {', '.join(played)}. Quítelas de --users."
        )
    return [_person(found[name]) for name in wanted]


def _person(account: Account) -> _Person:
    offices = select(UserOffice.office_id).where(
        UserOffice.user_id == account.id, UserOffice.valid_to.is_(None)
    )
    return _Person(
        account.username,
        account.first_name,
        account.last_name,
        account.email,
        tuple(sorted(role.name for role in account.roles)),
        tuple(Session.scalars(offices)),
    )


def _add_users(people: list[_Person], taken: Taken) -> None:
    """Accounts without password: nobody enters with one until IT gives a provisional one."""
    for person in people:
        same = (func.lower(Account.username) == person.username.lower()) | (
            func.lower(Account.email) == person.email.lower()
        )
        if Session.scalar(select(Account.id).where(same)) is not None:
            taken.known.append(person.username)
            continue
        account = Account(
            username=person.username,
            first_name=person.first_name,
            last_name=person.last_name,
            email=person.email,
            active=True,
            must_change_password=True,
        )
        account.roles = list(Session.scalars(select(RoleRow).where(RoleRow.name.in_(person.roles))))
        Session.add(account)
        Session.flush()
        for office in person.offices:
            Session.add(UserOffice(user_id=account.id, office_id=office, valid_from=clock.today()))
        taken.users.append(person.username)
    Session.flush()
