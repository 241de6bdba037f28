"""`/health` and `/health/live`: for the person or the machine that watches the service. No personal data.

A stranger learns whether the service works, and nothing else: the figures are for an administrator who has
entered, and for a request made on the machine itself.
"""

import shutil
from datetime import timedelta

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from flask_login import current_user
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import migrations
from app.core import clock
from app.core.base import Session
from app.operations import audit, backups
from app.security.roles import Role

bp = Blueprint("health", __name__)
WORKER_SILENCE = 60  # seconds without a heartbeat after which the worker counts as stopped
BACKUP_EVERY = timedelta(hours=26)
"""A backup every night, with time to be made."""
LOG = text(
    "SELECT CASE WHEN current_setting('archive_mode') = 'off' THEN 'not kept'"
    " WHEN last_failed_time > coalesce(last_archived_time, '-infinity') THEN 'failing' ELSE 'ok' END"
    " FROM pg_stat_archiver"
)
"""Whether the server's log is kept; a server of the ministry's own may leave that to others."""
GOOD = {"ok", "current", "alive", "not kept"}
LOW_DISK = 500 * 1024 * 1024
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via")
"""Headers by which a proxy on this machine says that somebody else asks."""


@bp.get("/health/live")
def live() -> Response:
    """The web server answers; says nothing of the rest."""
    return jsonify(status="ok")


@bp.get("/health")
def health() -> tuple[Response, int]:
    """Database, migrations, worker, disk and the head of the audit trail; 503 when work cannot go on."""
    answer = {"database": "ok", "migrations": "current", "worker": "alive", "audit": "ok"}
    free = shutil.disk_usage(current_app.config["SIS_DATA_DIR"]).free
    answer["disk"] = "ok" if free > LOW_DISK else "low"
    numbers: dict[str, object] = {"disk_free_mb": free // 2**20}
    entitled = _on_this_machine()
    try:
        entitled = entitled or _administrator()
        if migrations.current(Session.connection()) != migrations.head():
            answer["migrations"] = "pending"
        else:
            head, check = audit.head(), audit.last_check()
            numbers["audit_head"] = head.short
            numbers["audit_checked"] = check and check.ended_at.isoformat()
            answer["audit"] = "altered" if check and check.faults else "late" if head.late else "ok"
        silence = Session.execute(
            text("SELECT extract(epoch FROM now() - max(last_heartbeat)) FROM procrastinate_workers")
        ).scalar_one()
        if silence is None or silence > WORKER_SILENCE:
            answer["worker"] = "stopped"
        answer["backup"], numbers["backup_hours"] = _backup()
        answer["log"] = Session.execute(LOG).scalar_one()
    except SQLAlchemyError:
        Session.rollback()
        answer |= {"database": "down", "migrations": "unknown", "worker": "unknown", "audit": "unknown"}
    serious = answer["database"] != "ok" or answer["migrations"] == "pending"
    status = "down" if serious else "ok" if set(answer.values()) <= GOOD else "degraded"
    told = answer | numbers if entitled else {}
    return jsonify(status=status, **told), 503 if serious else 200


def _backup() -> tuple[str, float | None]:
    """Whether the last good backup is young enough, and its age in hours; a new system has time for it."""
    last = backups.last_good(backups.current().folder)
    now = clock.real_now()
    began = Session.execute(text("SELECT created_at FROM installation")).scalar() or now
    since = last.at if last else began
    hours = round((now - last.at).total_seconds() / 3600, 1) if last else None
    return "ok" if now - since < BACKUP_EVERY else "late", hours


def _on_this_machine() -> bool:
    """Whether the request was made here. A proxy that tells nobody's address would make everybody local."""
    local = request.remote_addr in ("127.0.0.1", "::1")
    return local and not any(name in request.headers for name in FORWARDED)


def _administrator() -> bool:
    return current_user.is_authenticated and Role.ADMIN.label in current_user.role_names


def register(app: Flask) -> None:
    """Add the two routes."""
    app.register_blueprint(bp)
