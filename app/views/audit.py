"""Auditoría: the state of the trail, its search, its copy for another computer. For the auditor and IT."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from flask import Response, request, send_file, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from sqlalchemy import text
from wtforms import SelectField, StringField

from app.core import clock
from app.core.base import Session, metadata
from app.core.errors import Missing
from app.operations import audit
from app.security.principal import current
from app.security.roles import GRANTS
from app.security.scope import SEES_ALL, TABLES, roles_of
from app.views.history import TITLES, changes
from app.views.widgets import day_field, text_or_none, whole

PAGE = 50
MOST_ROWS = 300
"""Changes of one act that its page shows."""
DAYS = 30
"""How far back a search goes that says nothing else."""
IN_MEMORY = 1024 * 1024
FIND = text(
    "SELECT act_id, change_id, at, actor, verb, reason, origin, address FROM audit.find("
    ":since, :until, :person, :verb, :table, :key, :most)"
)
ACT = text("SELECT act_id, change_id, at, actor, verb, reason, origin, address FROM audit.one(:act, :change)")
DETAILS = text(
    "SELECT at, table_name, row_key, operation, old_values, new_values"
    " FROM audit.details(:act, :change, :most)"
)
WORDS = {
    "create": "alta",
    "add": "alta",
    "change": "modificación",
    "write": "modificación",
    "remove": "baja",
    "read": "lectura",
    "export": "descarga",
    "verify": "verificación",
    "sign": "firma",
    "attach": "archivo agregado",
    "answer": "respuestas",
    "count": "cantidad de trabajadores",
    "plan": "programación",
    "start": "inicio",
    "open": "comienzo",
    "close": "fin",
    "begin": "comienzo",
    "end": "fin",
    "reset": "vuelta al comienzo",
    "sql": "cambio directo en la base de datos",
    "load": "carga",
    "import": "importación",
    "layout": "lectura de columnas",
    "trial": "prueba",
    "stop": "interrupción",
    "beat": "señal de vida",
    "undo": "se deshizo",
    "register": "alta",
    "identify": "identificación",
    "merge": "unión",
    "districts": "distritos",
    "member": "integrantes",
    "password": "contraseña",
    "forgotten": "contraseña olvidada",
    "recover": "contraseña recuperada",
    "code": "código de un solo uso",
    "link": "enlace enviado",
    "unsent": "no se envió",
    "refused": "rechazo",
    "use": "uso",
    "use_on_paper": "número usado en papel",
    "off": "desactivación",
    "confirm": "confirmación",
    "ask": "pedido",
    "request": "pedido",
    "ask_reset": "pedido de restablecer",
    "refuse_reset": "restablecimiento rechazado",
    "renew": "renovación",
    "revoke": "revocación",
    "restore": "restauración",
    "synchronise": "permisos al día",
    "publish": "publicación",
    "move": "cambio de hora",
    "review": "revisión",
    "watch": "vigilancia",
    "extend": "prórroga",
    "recount": "nuevo cálculo",
    "tell": "aviso enviado",
    "annul": "anulación",
    "issue": "emisión",
    "print": "impresión",
    "print_substitution": "impresión de la sustitución",
    "reserve": "reserva de número",
    "store": "archivo guardado",
    "scan": "carpeta firmada",
    "create_several": "alta de varias",
    "authorise_entry": "autorización para entrar",
    "substitute": "sustitución de inspectores",
    "revise": "modificación",
    "discard": "descarte",
    "require": "requerimiento",
    "prepare": "preparación",
    "deliver": "entrega",
    "deliver_all": "entregas",
    "file": "presentación",
    "conclude": "conclusión",
    "add_workers": "nómina",
    "remove_worker": "retiro de la nómina",
    "accept": "aceptación",
    "refuse": "rechazo",
    "decide": "resolución",
    "withdraw": "retiro",
    "withdraw_file": "retiro de una prueba",
    "withdraw_signatures": "retiro de firmas",
    "confirm_signature": "firma confirmada",
    "sign_party": "firma de una parte",
    "presence": "presencia",
    "hand_over": "entrega de la copia",
    "correct": "corrección",
    "prove_by_paper": "prueba en papel",
    "catalogues": "catálogos",
    "document_types": "tipos de documento",
    "inspections": "inspecciones",
    "offices": "oficinas",
    "registry": "registro",
    "staff": "personal",
    "territory": "territorio",
    "done": "fin",
    "demo": "demostración",
}
"""The last word of a verb; a step of the procedure has its own code."""
WHOLE = {
    "session.open": "entrada",
    "session.close": "salida",
    "account.reset": "contraseña provisoria",
    "second_factor.reset": "restablecimiento",
}
"""A verb whose last word says another thing elsewhere."""
ABOUT = {
    "order": "Orden",
    "report": "Informe final",
    "session": "Sesión",
    "audit": "Rastro",
    "seed": "Datos iniciales",
    "training": "Capacitación",
    "account": "Cuenta",
    "backup": "Copia de respaldo",
    "clock": "Reloj",
    "demo": "Carga para medir",
    "file": "Archivo",
    "group": "Grupo",
    "merge": "Unión de duplicados",
    "move": "Acto retenido",
    "procedure": "Procedimiento",
    "recovery": "Acceso",
    "register": "Importación del registro",
    "role": "Función",
    "roster": "Nómina",
    "security": "Seguridad",
    "signing": "Firma",
    "api_key": "Llave de máquina",
    "second_factor": "Segundo factor",
    "transfer": "Pase de expediente",
}
"""What a verb is about, where that is no table."""


class AuditSearch(FlaskForm):
    """What the trail is asked."""

    class Meta:
        csrf = False

    persona = StringField("Persona", filters=[text_or_none])
    desde = day_field("Desde")
    hasta = day_field("Hasta")
    registro = SelectField("Registro", validate_choice=False)
    numero = StringField("N.º interno", render_kw={"inputmode": "numeric"})
    accion = StringField(
        "Acción", filters=[text_or_none], description="Su código, como order.vencer: se lee al abrir un acto."
    )


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
        form.registro.choices = [("", "Todos"), *sorted(labels().items(), key=lambda each: each[1].lower())]
        rows, after = self._found(form)
        kept = {name: value for name, value in request.args.items() if value and name != "antes"}
        return self.render_template(
            "sis/audit.html",
            title="Auditoría",
            form=form,
            rows=[(row, verb_words(row.verb)) for row in rows],
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
                "person": form.persona.data,
                "verb": form.accion.data,
                "table": form.registro.data or None,
                "key": whole(form.numero.data),
                "most": PAGE + 1,
            },
        ).all()
        return [*rows[:PAGE]], rows[PAGE - 1].at.isoformat() if len(rows) > PAGE else None

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
            words=verb_words(row.verb),
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


def verb_words(verb: str) -> str:
    """The verb of an act in words, as far as it has them."""
    about, _, what = verb.rpartition(".")
    label = ABOUT.get(about) or labels().get(about) or about.replace("_", " ")
    words = WHOLE.get(verb) or WORDS.get(what) or what.replace("_", " ")
    return f"{label}: {words}" if label else words


def labels() -> dict[str, str]:
    """Every table that has a name for people."""
    return {
        table.name: label
        for table in metadata.tables.values()
        if isinstance(label := getattr(audit.kind_of(table.name), "label", ""), str) and label
    }


def _values(row: Any) -> Iterator[str]:
    """What a row of the trail says of its record's values."""
    kind = audit.kind_of(row.table_name)
    if row.operation == "U" and kind is not None:
        yield from changes(kind, row)
    elif row.operation in "ID":
        for name, value in (row.new_values or row.old_values or {}).items():
            column = None if kind is None else kind.__table__.c.get(name)
            label = name if column is None else column.info.get("label") or name
            if value not in (None, "", [], {}):
                yield f"{label}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), clock.ASUNCION)


def _moment(given: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(given or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else None
