"""Ask the worker for something, in the same transaction as the change that asks for it.

The queue is PostgreSQL's (procrastinate); its own connector would open a transaction of its own, so its SQL
function is called on the connection of the unit of work: a job lives or dies with the change.
"""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session as OrmSession

DEFER = text(
    "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(:queue, :task, 0, NULL, NULL,"
    " CAST(:args AS jsonb), :at)::procrastinate_job_to_defer_v1])"
)


def defer(
    session: OrmSession, task: str, *, queue: str = "default", at: datetime | None = None, **args: Any
) -> int:
    """Enqueue `app.jobs.<task>` with these arguments (plain JSON values); the number of the job."""
    found: list[int] = session.execute(
        DEFER, {"queue": queue, "task": f"app.jobs.{task}", "args": json.dumps(args), "at": at}
    ).scalar_one()
    return found[0]
