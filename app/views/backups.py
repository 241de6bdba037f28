"""Backups for the administrator: what there is, one more now; bringing one back is a command."""

from datetime import datetime
from typing import Any

from flask import Response, flash, jsonify, redirect, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app.core import clock
from app.core.errors import RuleBroken
from app.operations import backups, parameters


class BackupView(BaseView):
    """The folder of backups."""

    route_base = "/respaldos"
    class_permission_name = "Backup"
    default_view = "list"

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """The backups, the failed attempts, how the server's log is kept, how to bring one back."""
        kept = backups.current()
        today, last = clock.today(), backups.last_good(kept.folder)
        return self.render_template(
            "sis/backups.html",
            title="Copias de respaldo",
            cards=backups.cards(kept.folder),
            last=last,
            age_days=_days_since(last.at) if last else None,
            kept=kept,
            log=backups.kept_log(),
            hour=parameters.whole("RESPALDO_HORA", today),
            days=parameters.whole("RESPALDO_DIAS", today),
            weekly=parameters.whole("RESPALDO_SEMANAL_DIAS", today),
            progress=_progress(),
            may_add=self.appbuilder.sm.has_access("can_add", self.class_permission_name),
        )

    @expose("/avance")
    @has_access
    @permission_name("list")
    def progress(self) -> Response:
        """How far the one is that is being made."""
        return jsonify(_progress())

    @expose("/hacer", methods=["POST"])
    @has_access
    @permission_name("add")
    def add(self) -> Any:
        """Ask for one now."""
        try:
            backups.ask()
        except RuleBroken as broken:
            flash(broken.message, "warning")
        else:
            flash("Pedida: se hace en el servidor, puede seguir trabajando.", "success")
        return redirect(url_for("BackupView.list"))


def _days_since(moment: datetime) -> int:
    """Midnights that passed since then, by the true clock: training may have moved its own."""
    return (clock.local(clock.real_now()).date() - clock.local(moment).date()).days


def _progress() -> dict[str, Any]:
    """What the page says of the one that is being made."""
    told = backups.progress(backups.current().folder)
    if told is None:
        waits = backups.asked()
        return {"working": waits, "words": "Espera al ejecutor de tareas." if waits else "", "percent": None}
    done, total = told["done"], told["total"]
    words = f"{told['step']}: {done} de {total}." if total else f"{told['step'] or 'Empieza'}…"
    return {"working": True, "words": words, "percent": round(100 * done / total) if total else None}
