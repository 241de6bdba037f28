"""Auditoría: the state of the trail, its search, its copy for another computer. For the auditor and IT."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from flask import Response, jsonify, request, send_file, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import func, select, text
from wtforms import SelectField, StringField
from wtforms.validators import ValidationError
from wtforms.widgets import html_params

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing
from app.core.types import fold
from app.models.security import Account
from app.operations import audit, search
from app.security.principal import current
from app.security.roles import GRANTS
from app.security.scope import SEES_ALL, TABLES, roles_of
from app.views import acts
from app.views.history import TITLES, compared
from app.views.widgets import day_field, whole

PAGE = 50
MOST_ROWS = 300
"""Changes of one act that its page shows."""
DAYS = 30
"""How far back a search goes that says nothing else."""
IN_MEMORY = 1024 * 1024
FIND = text(
    "SELECT found.* FROM unnest(CAST(:verbs AS text[])) AS wanted(verb) CROSS JOIN LATERAL audit.find("
    ":since, :until, :person, wanted.verb, :table, :key, :most) AS found ORDER BY found.at DESC LIMIT :most"
)
"""Acts of any of these verbs; a NULL among them means every verb."""
PEOPLE = 20
"""People, and acts, that a look-up offers."""
ACT = text("SELECT act_id, change_id, at, actor, verb, reason, origin, address FROM audit.one(:act, :change)")
DETAILS = text(
    "SELECT at, table_name, row_key, operation, old_values, new_values"
    " FROM audit.details(:act, :change, :most)"
)


class LookedUp(StringField):
    """A text that a script completes from a list of ours; `key` is what was chosen (assets/lookup.ts)."""

    def __init__(self, label: str, source: str, none: str, **options: Any) -> None:
        super().__init__(label, **options)
        self.source, self.none, self.key = source, none, ""

    def process_formdata(self, valuelist: list[str]) -> None:
        given = [value.replace("\x00", "").strip() for value in valuelist]
        self.data = given[0] if given and given[0] else None
        self.key = given[1] if self.data and len(given) > 1 else ""

    def widget(self, field: Any, **attributes: Any) -> Markup:
        """The text box, and the key beside it."""
        look = f"{attributes.pop('class', '')} sis-lookup-input".strip()
        attributes = {"id": field.id, "placeholder": "Escriba para buscar", **attributes, "class": look}
        shown = html_params(
            type="text", name=field.name, value=field.data or "", autocomplete="off", **attributes
        )
        frame = {
            "class": "sis-lookup",
            "data-lookup": url_for(field.source),
            "data-none": field.none,
            "data-failed": "No se pudo buscar. Revise la conexión e intente de nuevo.",
            "data-found": "opciones; use las flechas para elegir",
        }
        hidden = html_params(type="hidden", name=field.name, value=field.key)
        return Markup(f"<div {html_params(**frame)}><input {shown}><input {hidden}></div>")


class AuditSearch(FlaskForm):
    """What the trail is asked."""

    class Meta:
        csrf = False

    accion = LookedUp("Acción", "AuditView.verbs", "Ninguna acción se llama así. Pruebe con otra palabra.")
    persona = LookedUp("Persona", "AuditView.people", "Nadie coincide. Pruebe con otra parte del nombre.")
    desde = day_field("Desde")
    hasta = day_field("Hasta")
    registro = SelectField("Registro", validate_choice=False)
    numero = StringField("N.º interno", render_kw={"inputmode": "numeric"})

    def verbs(self) -> dict[str | None, str]:
        """The verbs that are asked for, with their words; {None: ""} is every one."""
        if not self.accion.data:
            return {None: ""}
        found = acts.meant(self.accion.key or self.accion.data)
        if len(found) == 1:
            self.accion.key, self.accion.data = next(iter(found.items()))
        return {**found}

    def validate_accion(self, field: LookedUp) -> None:
        """Words that name an act, or a few."""
        count = len(self.verbs())
        if count == 0:
            raise ValidationError(
                "Ninguna acción se llama así: elija una de la lista que se abre al escribir."
            )
        if count > acts.MOST:
            raise ValidationError(f"Hay {count} acciones con esas palabras: elija una de la lista.")


class AuditView(BaseView):
    """The audit trail."""

    route_base = "/auditoria"
    class_permission_name = "AuditTrail"
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        """How the trail stands, and the acts that answer the search, the newest first."""
        form = AuditSearch(request.args)
        form.registro.choices = [
            ("", "Todos"),
            *sorted(acts.labels().items(), key=lambda each: fold(each[1])),
        ]
        rows, after = self._found(form)
        steps = acts.steps()
        kept = {name: request.args.getlist(name) for name in request.args if name != "antes"}
        return self.render_template(
            "sis/audit.html",
            title="Auditoría",
            form=form,
            rows=[(row, acts.verb_words(row.verb, steps)) for row in rows],
            head=audit.head(),
            check=audit.last_check(),
            days=DAYS,
            next_url=url_for("AuditView.list", **kept, antes=after) if after else None,
            first_url=url_for("AuditView.list", **kept) if request.args.get("antes") else None,
            may_copy=self.appbuilder.sm.has_access("can_export", "AuditTrail"),
        )

    def _found(self, form: AuditSearch) -> tuple[list[Any], str | None]:
        if not form.validate():
            return [], None
        today = clock.local(clock.real_now()).date()
        since = form.desde.data or today - timedelta(days=DAYS)
        until = min(form.hasta.data or today, today) + timedelta(days=1)
        rows = Session.execute(
            FIND,
            {
                "since": _midnight(since),
                "until": _moment(request.args.get("antes")) or _midnight(until),
                "person": form.persona.key or form.persona.data,
                "verbs": [*form.verbs()],
                "table": form.registro.data or None,
                "key": whole(form.numero.data),
                "most": PAGE + 1,
            },
        ).all()
        return [*rows[:PAGE]], rows[PAGE - 1].at.isoformat() if len(rows) > PAGE else None

    @expose("/personas")
    @has_access
    @permission_name("list")
    def people(self) -> Response:
        """`[{id, text}]`: people by name or user, for the search."""
        named = func.fold(func.concat_ws(" ", Account.first_name, Account.last_name, Account.username))
        words = search.words(request.args.get("q", ""))
        query = select(Account).where(*(search.like(named, word) for word in words))
        found = Session.scalars(query.order_by(Account.last_name, Account.id).limit(PEOPLE))
        return jsonify(
            [{"id": row.username, "text": f"{row.get_full_name()} ({row.username})"} for row in found]
        )

    @expose("/acciones")
    @has_access
    @permission_name("list")
    def verbs(self) -> Response:
        """`[{id, text}]`: acts by their words, for the search."""
        found = acts.meant(request.args.get("q", "")).items()
        return jsonify([{"id": verb, "text": words} for verb, words in islice(found, PEOPLE)])

    @expose("/acto/<int:pk>")
    @has_access
    @permission_name("show")
    def act(self, pk: int) -> Any:
        """What an act did and showed."""
        return self._show(pk, None)

    @expose("/cambio/<int:pk>")
    @has_access
    @permission_name("show")
    def change(self, pk: int) -> Any:
        """A change that no act explains: made in the database itself."""
        return self._show(None, pk)

    def _show(self, act: int | None, change: int | None) -> Any:
        if (act or change or 0) >= 2**63:
            raise Missing()
        row = Session.execute(ACT, {"act": act, "change": change}).one_or_none()
        if row is None:
            raise Missing()
        found = Session.execute(DETAILS, {"act": act, "change": change, "most": MOST_ROWS + 1}).all()
        return self.render_template(
            "sis/audit_act.html",
            title=f"Acto n.º {act}" if act else f"Cambio n.º {change}",
            row=row,
            words=acts.verb_words(row.verb, acts.steps()),
            entries=[
                {
                    "title": TITLES[each.operation],
                    "record": audit.label_of(each.table_name, each.row_key),
                    "changes": [*_values(each)] if self._may_see(each.table_name) else None,
                }
                for each in found[:MOST_ROWS]
            ],
            more=len(found) > MOST_ROWS,
        )

    def _may_see(self, table: str) -> bool:
        """Whether a table's values are this person's to see: by scope, else by the door of its screen."""
        if table in TABLES:
            return bool(roles_of(current()) & SEES_ALL)
        name = getattr(audit.kind_of(table), "__name__", "")
        return name not in GRANTS or self.appbuilder.sm.has_access("can_show", name)

    @expose("/copia", methods=["POST"])
    @has_access
    @permission_name("export")
    def copy(self) -> Response:
        """The trail as a file that another computer can check."""
        first = whole(request.form.get("desde")) or 1
        out: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  it is the answer
        for line in audit.export(first):
            out.write(f"{line}\n".encode())
        out.seek(0)
        name = f"rastro {clock.local(clock.real_now()):%Y-%m-%d}.jsonl"
        return send_file(out, mimetype="application/jsonl", as_attachment=True, download_name=name)


def _values(row: Any) -> Iterator[tuple[str, str | None, str | None]]:
    """(column, before, after) of a row of the trail; without a value where there was, or is, none."""
    kind = audit.kind_of(row.table_name)
    if row.operation == "U" and kind is not None:
        yield from compared(kind, row)
    elif row.operation in "ID":
        for name, value in (row.new_values or row.old_values or {}).items():
            column = None if kind is None else kind.__table__.c.get(name)
            label = name if column is None else column.info.get("label") or name
            if value not in (None, "", [], {}):
                said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                yield (label, said, None) if row.operation == "D" else (label, None, said)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), clock.ASUNCION)


def _moment(given: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(given or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else None
