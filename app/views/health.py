"""`/health` and `/health/live`: for the person or the machine that watches the service. No personal data.

A stranger learns whether the service works, and nothing else: the figures are for an administrator who has
entered, and for a request made on the machine itself.
"""

import shutil

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from flask_login import current_user
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import migrations
from app.core.base import Session
from app.security.roles import Role

bp = Blueprint("health", __name__)
WORKER_SILENCE = 60  # seconds without a heartbeat after which the worker counts as stopped
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
    answer = {"database": "ok", "migrations": "current", "worker": "alive"}
    free = shutil.disk_usage(current_app.config["SIS_DATA_DIR"]).free
    answer["disk"] = "ok" if free > LOW_DISK else "low"
    numbers: dict[str, object] = {"disk_free_mb": free // 2**20}
    entitled = _on_this_machine()
    try:
        entitled = entitled or _administrator()
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
    told = answer | numbers if entitled else {}
    return jsonify(status=status, **told), 503 if serious else 200


def _on_this_machine() -> bool:
    """Whether the request was made here. A proxy that tells nobody's address would make everybody local."""
    local = request.remote_addr in ("127.0.0.1", "::1")
    return local and not any(name in request.headers for name in FORWARDED)


def _administrator() -> bool:
    return current_user.is_authenticated and Role.ADMIN.label in current_user.role_names


def register(app: Flask) -> None:
    """Add the two routes."""
    app.register_blueprint(bp)
