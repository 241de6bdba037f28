"""`/health` and `/health/live`: for the person or the machine that watches the service. No personal data."""

import shutil

from flask import Blueprint, Flask, Response, current_app, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import migrations
from app.core.base import Session

bp = Blueprint("health", __name__)
WORKER_SILENCE = 60  # seconds without a heartbeat after which the worker counts as stopped
LOW_DISK = 500 * 1024 * 1024


@bp.get("/health/live")
def live() -> Response:
    """The web server answers; says nothing of the rest."""
    return jsonify(status="ok")


@bp.get("/health")
def health() -> tuple[Response, int]:
    """Database, migrations, worker, disk and the head of the audit trail; 503 when work cannot go on."""
    answer = {"database": "ok", "migrations": "current", "worker": "alive"}
    free = shutil.disk_usage(current_app.config["SIS_DATA_DIR"]).free
    answer["disk"] = "ok" if free > LOW_DISK else "low"
    numbers: dict[str, object] = {"disk_free_mb": free // 2**20}
    try:
        if migrations.current(Session.connection()) != migrations.head():
            answer["migrations"] = "pending"
        numbers["audit_head"] = Session.execute(text("SELECT audit.head()")).scalar_one()
        silence = Session.execute(
            text("SELECT extract(epoch FROM now() - max(last_heartbeat)) FROM procrastinate_workers")
        ).scalar_one()
        if silence is None or silence > WORKER_SILENCE:
            answer["worker"] = "stopped"
    except SQLAlchemyError:
        Session.rollback()
        answer |= {"database": "down", "migrations": "unknown", "worker": "unknown"}
    serious = answer["database"] != "ok" or answer["migrations"] == "pending"
    status = "down" if serious else "ok" if set(answer.values()) <= {"ok", "current", "alive"} else "degraded"
    return jsonify(status=status, **answer, **numbers), 503 if serious else 200


def register(app: Flask) -> None:
    """Add the two routes."""
    app.register_blueprint(bp)
