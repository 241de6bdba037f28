"""What whoever keeps the system running looks at: people who cannot work yet, tasks that failed or wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, or_, select, text

from app.core.base import Session
from app.models.security import Account

MOST = 100
"""Tasks that are listed."""
WAITS = 15
"""Minutes after which a task that nobody took counts as held."""
TASKS = text(
    "SELECT id, task_name, status::text AS status, attempts, scheduled_at, count(*) OVER () AS total"
    " FROM procrastinate_jobs WHERE status = 'failed' OR (status = 'todo' AND coalesce(scheduled_at,"
    " (SELECT max(at) FROM procrastinate_events WHERE job_id = procrastinate_jobs.id))"
    " < now() - make_interval(mins => :waits)) ORDER BY id DESC LIMIT :most"
)


@dataclass(frozen=True)
class Task:
    """Work of the queue that failed for good or that nobody takes."""

    id: int
    name: str
    failed: bool
    attempts: int
    at: datetime | None


def without_access() -> Select[Any]:
    """People whose account lets them do nothing: without a role, or who never entered."""
    nothing = and_(~Account.roles.any(), ~Account.groups.any())
    never = func.coalesce(Account.login_count, 0) == 0
    return (
        select(Account)
        .where(Account.active, ~Account.machine, or_(nothing, never))
        .order_by(Account.last_name, Account.id)
    )


def stuck_tasks() -> tuple[list[Task], int]:
    """The latest tasks that failed or are held, and how many they are."""
    rows = Session.execute(TASKS, {"waits": WAITS, "most": MOST}).all()
    found = [
        Task(
            row.id,
            row.task_name.removeprefix("app.jobs."),
            row.status == "failed",
            row.attempts,
            row.scheduled_at,
        )
        for row in rows
    ]
    return found, rows[0].total if rows else 0
