"""Notices to a person: the unread on the first page, all of them here; marking as read; as a spreadsheet."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy import Select, func, select

from app.core.base import Session
from app.exchange.exports import Sheet
from app.models.followup import Notice
from app.operations import notices
from app.security.principal import current
from app.views.exports import download, export_links, keys
from app.views.widgets import whole

LATEST = 50
"""Notices on a page."""
UNDER_THE_BELL = 6


class NoticePages:
    """The pages of notices; part of the first page's view."""

    render_template: Any

    @expose("/avisos")
    @has_access
    @permission_name("get")
    def notices(self) -> str:
        """The notices, read or not, the newest first; pages by key."""
        last = whole(request.args.get("antes"))
        query = _own() if last is None else _own().where(Notice.id < last)
        rows = Session.scalars(query.limit(LATEST + 1)).all()
        unread = Session.scalar(
            select(func.count()).select_from(_own().where(Notice.read_at.is_(None)).subquery())
        )
        return str(
            self.render_template(
                "sis/notices.html",
                title="Avisos",
                rows=rows[:LATEST],
                unread=unread,
                exports=export_links("HomeView.export_notices"),
                next_url=url_for("HomeView.notices", antes=rows[LATEST - 1].id)
                if len(rows) > LATEST
                else None,
                first_url=url_for("HomeView.notices") if last is not None else None,
            )
        )

    @expose("/avisos/ultimos")
    @has_access
    @permission_name("get")
    def latest(self) -> str:
        """The last notices, as they stand under the bell of every page."""
        rows = Session.scalars(_own().limit(UNDER_THE_BELL)).all()
        return str(self.render_template("sis/notices_latest.html", rows=rows))

    @expose("/avisos/exportar.<form>")
    @has_access
    @permission_name("get")
    def export_notices(self, form: str) -> Response:
        """All of one's own notices as a spreadsheet."""
        cells = [
            ("Fecha", lambda row: row.created_at),
            ("Aviso", lambda row: row.text),
            ("Leído", lambda row: row.read_at),
            *keys(Notice),
        ]
        return download(Sheet("Avisos", "notice", cells, _own()), form)

    @expose("/avisos/leidos", methods=["POST"])
    @has_access
    @permission_name("get")
    def read(self) -> Any:
        """Mark notices of one's own as read: those named, or all."""
        if request.form.get("all"):
            notices.mark_all_read()
        else:
            sent = request.form.getlist("notice")
            notices.mark_read([key for key in map(whole, sent) if key is not None])
        return redirect(
            url_for("HomeView.notices" if request.form.get("from") == "all" else "HomeView.index")
        )


def _own() -> Select[Notice]:
    return select(Notice).where(Notice.account_id == current().account_id).order_by(Notice.id.desc())
