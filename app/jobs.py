"""Background tasks on the queue in PostgreSQL: thin wrappers that call one operation.

The worker is its own process (`python -m app.jobs`); it speaks psycopg 3, the rest of the system psycopg 2.
Tasks are enqueued on the session's own connection inside the unit of work, so that a job and the change that
asked for it live or die together.
"""

import logging
import os

import procrastinate
from sqlalchemy import delete

from app import embedded
from app.core import clock
from app.core.base import Session
from app.models.security import LoginFailure, LoginSession
from app.operations.unit import untraced
from app.security.manager import LONGEST_DELAY

queue = procrastinate.App(connector=procrastinate.PsycopgConnector())


@queue.periodic(cron="*/10 * * * *")
@queue.task(queueing_lock="sweep_sessions", pass_context=False)
def sweep_sessions(timestamp: int) -> None:
    """Forget ended sessions and old failed attempts."""
    now = clock.real_now()
    with untraced() as db:
        db.execute(delete(LoginSession).where(LoginSession.ends_at < now))
        db.execute(delete(LoginFailure).where(LoginFailure.last_at < now - 2 * LONGEST_DELAY))
    Session.remove()


def main() -> None:
    """Run the worker until a signal stops it; the task at hand is finished first."""
    from app.factory import create_app
    from config import settings

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    configuration = settings()
    address = configuration.DATABASE_URL or embedded.shared(configuration.SIS_DATA_DIR).app_url
    conninfo = embedded.libpq_dsn(address)
    application = create_app(configuration)
    connector = procrastinate.PsycopgConnector(conninfo=conninfo)
    with application.app_context(), queue.replace_connector(connector) as worker:
        worker.run_worker(concurrency=2, name=f"sis-{os.getpid()}", shutdown_graceful_timeout=20)


if __name__ == "__main__":
    # Under its own name, so that the tasks are `app.jobs.…` for whoever enqueues them.
    from app.jobs import main as start

    start()
