"""Background tasks on the queue in PostgreSQL: thin wrappers that call one operation.

The worker is its own process (`python -m app.jobs`); it speaks psycopg 3, the rest of the system psycopg 2.
Tasks are enqueued on the session's own connection inside the unit of work, so that a job and the change that
asked for it live or die together.
"""

import logging
import os
import smtplib
from collections.abc import Callable

import procrastinate
from sqlalchemy import delete, func

from app import embedded
from app.core import clock
from app.core.base import Session
from app.core.errors import DomainError
from app.exchange import register_batches
from app.models.security import LoginFailure, LoginSession
from app.operations import audit, backups, recovery, second_factor, watch
from app.operations.register_import import Busy
from app.operations.unit import untraced
from app.security.attempts import KNOWN_FOR, LONGEST_DELAY
from app.security.principal import Principal, acting_as

log = logging.getLogger(__name__)

queue = procrastinate.App(connector=procrastinate.PsycopgConnector())

MAIL_RETRIES = procrastinate.RetryStrategy(
    max_attempts=4, exponential_wait=4, retry_exceptions=[OSError, smtplib.SMTPException]
)
"""A mail server that is down for a moment: again after 4, 16, 64 seconds."""


@queue.periodic(cron="*/10 * * * *")
@queue.task(queueing_lock="sweep_sessions", pass_context=False)
def sweep_sessions(timestamp: int) -> None:
    """Forget ended sessions and old failed attempts."""
    now = clock.real_now()
    with untraced() as db:
        db.execute(delete(LoginSession).where(LoginSession.ends_at < now))
        known = func.coalesce(LoginFailure.succeeded_at > now - KNOWN_FOR, False)
        db.execute(delete(LoginFailure).where(LoginFailure.last_at < now - 2 * LONGEST_DELAY, ~known))
    Session.remove()


FIRST_HOUR = 6
"""Before this hour of Paraguay nobody is told of his terms."""


@queue.periodic(cron="5 * * * *")
@queue.task(queueing_lock="watch_terms", pass_context=False)
def watch_terms(timestamp: int) -> None:
    """Alerts of terms and the steps of the system, every hour of the day: what was given is not repeated."""
    try:
        if clock.local(clock.real_now()).hour >= FIRST_HOUR:
            log.info("%s", watch.watch().sentence)
    finally:
        Session.remove()


@queue.periodic(cron="*/10 * * * *")
@queue.task(queueing_lock="keep_safe", pass_context=False)
def keep_safe(timestamp: int) -> None:
    """The backup of the night and the weekly copy of the embedded server, each when it is due."""
    for task in (backups.nightly, backups.refresh):
        _kept_safe(task)


@queue.task(pass_context=False)
def make_backup() -> None:
    """A backup now, as somebody asked."""
    _kept_safe(backups.make)


def _kept_safe(task: Callable[[], object]) -> None:
    """A backup that fails says why in its card and in the log; the next round tries again."""
    try:
        task()
    except (DomainError, embedded.EmbeddedError) as error:
        log.error("%s", error)
    finally:
        Session.remove()


@queue.periodic(cron="* * * * *")
@queue.task(queueing_lock="seal_audit", pass_context=False)
def seal_audit(timestamp: int) -> None:
    """The seals of what changed in the last minute."""
    try:
        audit.seal()
    finally:
        Session.remove()


@queue.periodic(cron="20 5 * * *")
@queue.task(queueing_lock="verify_audit", pass_context=False)
def verify_audit(timestamp: int) -> None:
    """The nightly verification of the trail (05:20 UTC, 02:20 in Paraguay); its head is mailed."""
    try:
        for fault in audit.nightly().faults:
            log.error("%s", fault)
    finally:
        Session.remove()


@queue.task(retry=MAIL_RETRIES, pass_context=False)
def send_audit_head(check_id: int) -> None:
    """Send the head of the trail to whoever keeps it outside."""
    try:
        audit.send_head(check_id)
    finally:
        Session.remove()


@queue.task(retry=MAIL_RETRIES, pass_context=False)
def send_notices(account_id: int, notice_ids: list[int]) -> None:
    """Send a person the notices that he has not read."""
    try:
        watch.send_notices(account_id, notice_ids)
    finally:
        Session.remove()


@queue.task(retry=MAIL_RETRIES, pass_context=False)
def send_recovery(account_id: int | None) -> None:
    """Send a link for a new password; without an account there is nothing to do, and nobody learns it."""
    try:
        recovery.send_link(account_id)
    finally:
        Session.remove()


@queue.task(retry=MAIL_RETRIES, pass_context=False)
def tell_change(account_id: int, way: str, moment: str) -> None:
    """Tell a person that the password was changed."""
    try:
        recovery.tell_change(account_id, way, moment)
    finally:
        Session.remove()


@queue.task(retry=MAIL_RETRIES, pass_context=False)
def tell_second_factor(account_id: int, what: str, moment: str) -> None:
    """Tell a person what became of his second factor."""
    try:
        second_factor.tell(account_id, what, moment)
    finally:
        Session.remove()


IMPORT_RETRIES = procrastinate.RetryStrategy(max_attempts=720, wait=5, retry_exceptions=[Busy])
"""Imports wait for each other: again every five seconds, for an hour."""


@queue.task(retry=IMPORT_RETRIES, pass_context=False)
def register_trial(batch_id: int, account_id: int | None, actor: str) -> None:
    """Judge a batch of the historical register without writing its rows."""
    _import(register_batches.try_batch, batch_id, account_id, actor)


@queue.task(retry=IMPORT_RETRIES, pass_context=False)
def register_run(batch_id: int, account_id: int | None, actor: str) -> None:
    """Import a batch of the historical register, or go on with it."""
    _import(register_batches.run, batch_id, account_id, actor)


@queue.task(retry=IMPORT_RETRIES, pass_context=False)
def register_undo(batch_id: int, account_id: int | None, actor: str) -> None:
    """Take back a batch of the historical register."""
    _import(register_batches.undo_batch, batch_id, account_id, actor)


def _import(task: Callable[[int], None], batch_id: int, account_id: int | None, actor: str) -> None:
    """Run as the person who asked for it."""
    try:
        with acting_as(Principal(actor, account_id=account_id, origin="tarea")):
            task(batch_id)
    finally:
        Session.remove()


def main() -> None:
    """Run the worker until a signal stops it; the task at hand is finished first."""
    from app.factory import create_app
    from config import settings

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    configuration = settings()
    address = configuration.DATABASE_URL or embedded.shared(*configuration.PLACES).app_url
    conninfo = embedded.libpq_dsn(address)
    application = create_app(configuration)
    connector = procrastinate.PsycopgConnector(conninfo=conninfo)
    with application.app_context(), queue.replace_connector(connector) as worker:
        worker.run_worker(concurrency=2, name=f"sis-{os.getpid()}", shutdown_graceful_timeout=20)


if __name__ == "__main__":
    # Under its own name, so that the tasks are `app.jobs.…` for whoever enqueues them.
    from app.jobs import main as start

    start()
