"""The `flask` commands: `init`, `doctor`, `seed`, `sync-security`, `clock`, `create-admin` and those of data.

Each starts the embedded server when none runs and no DATABASE_URL is given. `--json` where it reports.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from app import embedded, migrations
from app.core import clock
from app.core.base import Session
from app.core.errors import DomainError
from app.exchange import register_batches
from app.models.security import Account
from app.operations import audit, backups, demo_load, promotion, readiness, second_factor, seeding, watch
from app.operations.unit import act
from app.security.manager import check_new_password, hash_password
from app.security.principal import Principal, acting_as
from app.security.roles import Role
from config import ConfigurationError

as_json = click.option("--json", "as_json", is_flag=True, help="Imprime el resultado como JSON.")


def register(app: Flask) -> None:
    """Add the commands to `flask`."""
    for command in (
        init,
        doctor,
        seed,
        sync_security,
        clock_command,
        create_admin,
        ask_second_factor_reset,
        import_register,
        demo,
        promote,
        training,
        watch_command,
        backup,
        restore,
        audit_group,
    ):
        app.cli.add_command(command)


def _explained(command: Callable[..., Any]) -> Callable[..., Any]:
    """Errors as one sentence, without a trace; the actor named after the command."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        name = f"consola: {command.__name__.replace('_', '-')}"
        try:
            with acting_as(Principal(name, origin="consola")):
                return command(*args, **options)
        except (DomainError, ConfigurationError, seeding.WrongEnvironment, embedded.EmbeddedError) as error:
            raise click.ClickException(str(error)) from error
        except SQLAlchemyError as error:
            raise click.ClickException(
                f"La base de datos no respondió: {str(error).splitlines()[0]}"
            ) from error

    return run


def _say(report: dict[str, Any], as_json: bool, lines: list[str]) -> None:
    click.echo(json.dumps(report, ensure_ascii=False, default=str) if as_json else "\n".join(lines))


@click.command("init")
@as_json
@_explained
def init(as_json: bool) -> None:
    """Migra, sincroniza la seguridad y carga los datos iniciales. Puede repetirse sin riesgo."""
    migrations.upgrade(owner_url())
    report = _prepare()
    _say(_as_dict(report), as_json, _sentences(report))


@click.command("seed")
@as_json
@_explained
def seed(as_json: bool) -> None:
    """Carga los datos iniciales que falten; no cambia los que el ministerio editó."""
    report = _prepare()
    _say(_as_dict(report), as_json, _sentences(report))


@click.command("sync-security")
@as_json
@_explained
def sync_security(as_json: bool) -> None:
    """Escribe las funciones y permisos del código en sus tablas."""
    with one_at_a_time():
        report = seeding.synchronise(doors())
    _say(_as_dict(report), as_json, _sentences(report))


@click.command("doctor")
@as_json
@_explained
def doctor(as_json: bool) -> None:
    """Revisa la instalación y dice qué hacer. Sale con 1 si algo impide trabajar."""
    checks = dict(_checks())
    lines = [
        f"{'bien' if not advice else 'MAL '}  {name}{': ' + advice if advice else ''}"
        for name, advice in checks.items()
    ]
    _say({"ok": not any(checks.values()), "checks": checks}, as_json, lines)
    if any(checks.values()):
        sys.exit(1)


@click.command("clock")
@click.argument("change", required=False, metavar="[+1d | -2h | 0]")
@as_json
@_explained
def clock_command(change: str | None, as_json: bool) -> None:
    """Muestra el reloj del sistema o, solo en capacitación, lo adelanta (+1d, +3h, -1d; 0 lo repone)."""
    if change is not None:
        if current_app.config["SIS_ENV"] != "training":
            raise click.ClickException("El reloj solo se mueve en capacitación; en producción es el real.")
        with act("clock.move", reason=change) as unit:
            unit.session.execute(
                text("UPDATE installation SET clock_offset = :moved"), {"moved": _moved(change)}
            )
    offset = Session.scalar(text("SELECT clock_offset FROM installation")) or timedelta(0)
    now = clock.local(clock.real_now() + offset)
    _say(
        {"now": now, "offset_seconds": int(offset.total_seconds())},
        as_json,
        [f"{now:%d/%m/%Y %H:%M} (America/Asuncion), adelanto {offset}"],
    )


@click.command("watch")
@as_json
@_explained
def watch_command(as_json: bool) -> None:
    """Da las alertas de plazos que falten y los pasos del sistema. Puede repetirse sin riesgo."""
    done = watch.watch()
    lines = [done.sentence, *(f"  {line}" for line in (*done.moves, *done.waiting, *done.errors))]
    _say(done.as_dict(), as_json, lines)
    if done.errors:
        sys.exit(1)


@click.command("create-admin")
@click.option("--username", prompt="Usuario", help="Nombre con el que entra.")
@click.option("--first-name", prompt="Nombre", help="Nombre de la persona.")
@click.option("--last-name", prompt="Apellido", help="Apellido de la persona.")
@click.option("--email", prompt="Correo", help="Correo de la persona.")
@click.option(
    "--password", prompt="Contraseña", hide_input=True, confirmation_prompt=True, help="Provisoria."
)
@_explained
def create_admin(username: str, first_name: str, last_name: str, email: str, password: str) -> None:
    """Crea el primer administrador; cambia su contraseña la primera vez que entra."""
    if Session.scalar(select(Account.id).where(Account.username == username)):
        raise click.ClickException(f"Ya existe la cuenta «{username}».")
    account = Account(
        username=username,
        first_name=first_name,
        last_name=last_name,
        email=email,
        active=True,
        must_change_password=True,
    )
    check_new_password(password, account)
    account.password = hash_password(password)
    with act("account.create") as unit:
        role = unit.session.scalar(select(seeding.RoleRow).where(seeding.RoleRow.name == Role.ADMIN.label))
        if role is None:
            raise click.ClickException("Faltan las funciones: ejecute antes «flask init».")
        account.roles = [role]
        unit.session.add(account)
    click.echo(f"Cuenta «{username}» creada con la función {Role.ADMIN.label}.")


@click.command("ask-second-factor-reset")
@click.argument("username", metavar="USUARIO")
@click.option("--reason", prompt="Motivo", help="Qué pasó y cómo se comprobó que es la persona.")
@_explained
def ask_second_factor_reset(username: str, reason: str) -> None:
    """Pide restablecer el segundo factor de una persona, cuando nadie más puede pedirlo en la pantalla."""
    account = Session.scalar(select(Account).where(Account.username == username))
    if account is None or second_factor.factor_of(account.id) is None:
        raise click.ClickException(f"«{username}» no es una cuenta con segundo factor.")
    second_factor.ask_reset(account.id, reason)
    click.echo("Pedido hecho: lo aprueba otra persona en Administración › Segundo factor.")


@click.command("import-register")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Juzga el archivo y no escribe nada.")
@click.option("--batch", "name", help="Nombre del lote; sin él, el del archivo.")
@click.option("--report", "report_to", type=click.Path(dir_okay=False, path_type=Path), help="Informe CSV.")
@click.option("--encoding", help="Codificación, si la detectada no es la correcta (utf-8, cp1252…).")
@click.option("--separator", help="Separador de columnas, si el detectado no es el correcto.")
@click.option("--sheet", help="Hoja del libro de Excel.")
@click.option("--header-row", type=click.IntRange(0), help="Fila de los títulos; 0 si no hay.")
@click.option("--column", "columns", multiple=True, metavar="CAMPO=TÍTULO", help="Qué columna es un campo.")
@as_json
@_explained
def import_register(
    file: Path,
    dry_run: bool,
    name: str | None,
    report_to: Path | None,
    columns: tuple[str, ...],
    as_json: bool,
    **hints: Any,
) -> None:
    """Importa el registro histórico de FILE (CSV o XLSX), o las correcciones de su informe.

    Si se cortó, el mismo comando sigue donde quedó. El mismo archivo dos veces no cambia nada.
    """
    wishes = dict(pair.partition("=")[::2] for pair in columns)
    found = {key: value for key, value in hints.items() if value is not None}
    if wishes:
        found["mapping"] = {key: title or None for key, title in wishes.items()}
    if found.get("separator") in ("tab", "\\t"):
        found["separator"] = "\t"
    answer = register_batches.import_file(
        file,
        dry_run=dry_run,
        name=name,
        report_to=report_to,
        hints=found,
        tell=None if as_json else lambda rows: click.echo(f"\r{rows} filas", nl=False, err=True),
    )
    words = {"rows": "filas", "imported": "importadas", "duplicate": "duplicadas"}
    words |= {"quarantined": "en cuarentena", "blank": "en blanco"}
    lines = ["", answer.sentence, *(f"{answer.account[key]:>8}  {word}" for key, word in words.items())]
    lines += [f"{count:>8}    {cause}" for cause, count in answer.causes.items()]
    _say(answer.account, as_json, lines)


@click.command("promote")
@click.option("--to", "target", required=True, metavar="URL", help="Base de producción, con sis_owner.")
@click.option("--users", default="", metavar="A,B,C", help="Usuarios que pasan, sin contraseña.")
@as_json
@_explained
def promote(target: str, users: str, as_json: bool) -> None:
    """Lleva la configuración de capacitación a una base de producción vacía de registros.

    Pasan procedimientos, listas de control, documentos, catálogos, parámetros, oficinas, funciones derivadas
    y los usuarios elegidos. Nunca registros, cuentas de demostración ni números. Se hace una sola vez.
    """
    taken = promotion.promote(_address(target, "--to"), users.split(","))
    _say(taken.as_dict(), as_json, taken.sentences())


@click.command("demo")
@click.option("--inspections", required=True, type=click.IntRange(1, 5_000_000), help="Cuántas órdenes.")
@as_json
@_explained
def demo(inspections: int, as_json: bool) -> None:
    """Agrega un registro e inspecciones inventados de cualquier tamaño, para medir. Solo en capacitación.

    Carga por COPY como dueño del esquema (DATABASE_OWNER_URL o el servidor embebido), con los disparadores
    de auditoría y de actas firmadas apagados mientras dura: estos datos no dejan rastro. El usuario de la
    aplicación no puede hacerlo. Los documentos comparten un PDF marcado como ficticio.
    """
    if current_app.config["SIS_ENV"] != "training":
        raise click.ClickException("Esto es producción: no se cargan datos inventados.")

    def tell(made: int, seconds: float) -> None:
        click.echo(f"\r{made} de {inspections} órdenes, {seconds:.0f} s", nl=False, err=True)

    with one_at_a_time():
        done = demo_load.load(owner_url(), inspections, None if as_json else tell)
    lines = [f"{count:>9}  {table}" for table, count in done.rows.items()]
    lines = ["", *lines, f"{done.seconds:>9}  segundos"]
    _say({"rows": done.rows, "seconds": done.seconds}, as_json, lines)


@click.group("training")
def training() -> None:
    """Lo que solo se hace en capacitación."""


@training.command("reset")
@click.option("--yes", is_flag=True, help="Confirma que se borran todos los registros de capacitación.")
@as_json
@_explained
def reset(yes: bool, as_json: bool) -> None:
    """Devuelve la base de capacitación a su estado de demostración: borra todo y lo carga de nuevo."""
    if current_app.config["SIS_ENV"] != "training":
        raise click.ClickException("Esto es producción: sus datos no se borran.")
    if not yes:
        raise click.ClickException("Se borran todos los registros de capacitación. Confirme con --yes.")
    with one_at_a_time():
        report = promotion.reset_training(owner_url(), doors(), current_app.config["SIS_DEMO_PASSWORD"])
    _say(_as_dict(report), as_json, _sentences(report))


@click.command("backup")
@click.option(
    "--to", type=click.Path(file_okay=False, path_type=Path), help="Carpeta; sin ella, la de siempre."
)
@click.option("--age-recipient", metavar="CLAVE", help="Cifra la copia para esta clave pública de age.")
@as_json
@_explained
def backup(to: Path | None, age_recipient: str | None, as_json: bool) -> None:
    """Hace una copia de respaldo: la base, los archivos y un manifiesto con sus huellas."""
    card = backups.make(to, age_recipient, _quiet if as_json else _step)
    lines = [
        f"Copia hecha: {(to or backups.current().folder) / card.file}",
        f"{card.size / 1e6:>9.1f}  MB, en {card.seconds} segundos",
        f"{card.rows:>9}  filas; último sello de la auditoría {card.audit_head}",
        f"{card.files:>9}  archivos",
        *(f"FALTA en el depósito el archivo {sha256}" for sha256 in card.missing),
    ]
    _say(card.as_dict(), as_json, lines)
    if card.missing:
        sys.exit(1)


@click.command("restore")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--to-moment", metavar="'24/11/2026 10:31'", help="Con la carpeta de datos de la instalación.")
@click.option(
    "--age-identity", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Clave privada."
)
@click.option("--despite-audit", is_flag=True, help="Aunque la cadena de auditoría no cierre; queda anotado.")
@as_json
@_explained
def restore(
    source: Path, to_moment: str | None, age_identity: Path | None, despite_audit: bool, as_json: bool
) -> None:
    """Trae la instalación de la copia SOURCE a un lugar vacío (SIS_DATA_DIR, o la base de DATABASE_URL).

    Con --to-moment, SOURCE es la carpeta de datos de una instalación con servidor embebido, que vuelve aquí
    como estaba en ese momento (hora del Paraguay). No se cambia nada hasta que todo se comprobó.
    """
    tell = _quiet if as_json else _step
    if to_moment is not None:
        if not current_app.config["EMBEDDED"]:
            raise click.ClickException(
                "Se vuelve a un momento solo con el servidor embebido, sin DATABASE_URL."
            )
        at = backups.moment(to_moment)
        missing = backups.restore_to(source.resolve(), at, tell)
        lines = [f"Listo: la instalación volvió a como estaba el {to_moment}."]
        report: dict[str, Any] = {"moment": at, "missing": missing}
    elif source.is_dir():
        raise click.ClickException("Indique el archivo de la copia; una carpeta va con --to-moment.")
    else:
        done = backups.restore(source, owner_url(), age_identity, tell, despite_audit=despite_audit)
        report, missing = done.as_dict(), list(done.missing)
        lines = [
            f"{done.rows:>9}  filas en {done.tables} tablas, iguales a las de la copia",
            f"{done.files:>9}  archivos, iguales a los de la copia",
            f"Listo: volvió la instalación del {clock.local(done.made_at):%d/%m/%Y %H:%M}.",
            *(["La copia es de una versión anterior: ejecute «flask init»."] if done.older else []),
        ]
    lines += [f"FALTA el archivo {sha256}: tampoco estaba en el depósito" for sha256 in missing]
    _say(report, as_json, [*lines, "Todas las personas vuelven a entrar con su usuario y contraseña."])


def _step(step: str, done: int, total: int) -> None:
    """A line of progress for a person."""
    of = f" {done} de {total}" if total else f" {done}" if done else ""
    click.echo(f"… {step}{of}", err=True)


def _quiet(step: str, done: int, total: int) -> None:
    """Nothing, for a machine."""


@click.group("audit")
def audit_group() -> None:
    """El rastro de auditoría: sus sellos, su verificación y su copia."""


@audit_group.command("head")
@as_json
@_explained
def audit_head(as_json: bool) -> None:
    """Dice el último sello. Anótelo fuera del sistema: prueba que nadie cortó ni rehízo el rastro."""
    head = audit.head()
    at = f", del {clock.local(head.at):%d/%m/%Y %H:%M:%S}" if head.at else ""
    lines = [f"{head.seq}:{head.hash}", f"último sello{at}"]
    if head.late:
        lines.append("Hay cambios sin sellar desde hace más de cinco minutos: ¿está en marcha la tarea?")
    _say(asdict(head), as_json, lines)


@audit_group.command("seal")
@as_json
@_explained
def audit_seal(as_json: bool) -> None:
    """Sella lo que falte. La tarea de fondo lo hace cada minuto."""
    done = audit.seal()
    _say({"sealed": done}, as_json, [f"{done} filas selladas."])


@audit_group.command("verify")
@click.option("--head", "copies", multiple=True, metavar="NÚMERO:HUELLA", help="Cabeza anotada afuera.")
@as_json
@_explained
def audit_verify(copies: tuple[str, ...], as_json: bool) -> None:
    """Verifica la cadena del rastro. Sale con 1 si una fila se editó, borró, insertó, movió o cortó."""
    found = audit.verify([audit.read_copy(copy) for copy in copies])
    lines = found.sentences or [f"Íntegro hasta el sello {found.seq} ({found.hash})."]
    _say(found.as_dict(), as_json, lines)
    if not found.ok:
        sys.exit(1)


@audit_group.command("replay")
@click.option("--table", "tables", multiple=True, metavar="TABLA", help="Solo esta; se puede repetir.")
@as_json
@_explained
def audit_replay(tables: tuple[str, ...], as_json: bool) -> None:
    """Rehace las tablas desde su rastro y las compara. Sale con 1 si una fila cambió sin dejarlo."""
    found = audit.verify_tables(tables or None)
    total = sum(found.rows.values())
    lines = found.sentences or [f"{total} filas de {len(found.rows)} tablas, como dice su rastro."]
    _say(found.as_dict(), as_json, lines)
    if not found.ok:
        sys.exit(1)


@audit_group.command("export")
@click.option("--to", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Archivo nuevo.")
@click.option("--from", "first", type=click.IntRange(1), default=1, help="Primer sello; sin él, todos.")
@as_json
@_explained
def audit_export(to: Path, first: int, as_json: bool) -> None:
    """Copia el rastro a un archivo que tools/verify_audit.py comprueba en otra computadora."""
    if to.exists():
        raise click.ClickException(f"«{to}» ya existe: elija otro nombre.")
    with to.open("x", encoding="utf-8", newline="\n") as file:
        count = sum(1 for line in audit.export(first) if file.write(f"{line}\n")) - 1
    _say({"file": to, "seals": count}, as_json, [f"{count} sellos en {to}"])


def _address(url: str, name: str) -> str:
    """A PostgreSQL address for the driver of this program."""
    scheme, mark, rest = url.partition("://")
    if not mark or scheme.partition("+")[0] not in ("postgres", "postgresql"):
        raise ConfigurationError(f"{name} debe empezar con postgresql://.")
    return f"postgresql+psycopg2://{rest}"


def owner_url() -> str:
    """The address of the schema's owner; only `init` and the migrations use it."""
    from config import settings

    configuration = settings()
    if configuration.EMBEDDED:
        return embedded.shared(*configuration.PLACES).owner_url
    if not configuration.DATABASE_OWNER_URL:
        raise ConfigurationError(
            "Para migrar hace falta DATABASE_OWNER_URL, la dirección del dueño del esquema (sis_owner)."
        )
    return configuration.DATABASE_OWNER_URL


def doors() -> set[tuple[str, str]]:
    """Every (permission, resource) of the registered screens."""
    views = current_app.extensions["appbuilder"].baseviews
    return {(name, view.class_permission_name) for view in views for name in view.base_permissions or ()}


def _prepare() -> seeding.Report:
    with one_at_a_time():
        return _seeded()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two first starts at once wait for each other, instead of seeding the same rows."""
    with current_app.extensions["sis_engine"].connect() as connection:
        connection.exec_driver_sql("SET statement_timeout = 0; SET lock_timeout = 0")
        connection.exec_driver_sql("SELECT pg_advisory_lock(20130101)")
        try:
            yield
        finally:
            connection.exec_driver_sql("SELECT pg_advisory_unlock(20130101)")
            connection.invalidate()


def _seeded() -> seeding.Report:
    return seeding.prepare(current_app.config["SIS_ENV"], doors(), current_app.config["SIS_DEMO_PASSWORD"])


def _as_dict(report: seeding.Report) -> dict[str, Any]:
    return {"added": report.added, "demo_password": report.demo_password}


def _sentences(report: seeding.Report) -> list[str]:
    lines = [f"{number:>6}  {table}" for table, number in report.added.items()] or ["Todo estaba al día."]
    if report.demo_password:
        lines.append(f"Contraseña de las cuentas de demostración: {report.demo_password}")
    if current_app.config["SIS_ENV"] == "production" and not Session.scalar(select(Account.id).limit(1)):
        lines.append("Falta el primer administrador: ejecute «flask create-admin».")
    return lines


def _checks() -> Any:
    yield "configuración", ""
    try:
        connection = Session.connection()
    except SQLAlchemyError:
        yield "base de datos", "no responde; revise DATABASE_URL o el servidor embebido."
        return
    yield "base de datos", ""
    version = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
    yield "versión de PostgreSQL", "" if version >= 150000 else "hace falta PostgreSQL 15 o más nuevo."
    found = migrations.current(connection)
    yield "migraciones", "" if found == migrations.head() else "ejecute «flask init»."
    if found is None:
        return
    stored = Session.scalar(text("SELECT seeds_digest FROM installation"))
    yield "datos iniciales", "" if stored == readiness.digest() else "ejecute «flask init»."
    wanted = current_app.config["SIS_ENV"]
    environment = Session.scalar(text("SELECT environment FROM installation"))
    yield (
        "entorno",
        "" if environment == wanted else f"la base es de «{environment}» y el sistema de «{wanted}».",
    )
    bypass = connection.exec_driver_sql(
        "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    ).scalar_one()
    yield (
        "derechos del usuario de la base",
        "la aplicación no debe entrar como superusuario." if bypass else "",
    )


def _moved(change: str) -> timedelta:
    if change == "0":
        return timedelta(0)
    found = re.fullmatch(r"([+-]?)(\d{1,4})([dh])", change)
    if not found:
        raise click.ClickException("Escriba el cambio como +1d, -2d, +3h o 0.")
    amount = int(found[2]) * (-1 if found[1] == "-" else 1)
    now = Session.scalar(text("SELECT clock_offset FROM installation")) or timedelta(0)
    return now + (timedelta(days=amount) if found[3] == "d" else timedelta(hours=amount))
