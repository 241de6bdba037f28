"""The historical register on screen: a file read, tried, imported; rows that wait; a batch undone.

Nothing is written here: each door calls `app/exchange/register_batches`, or asks the worker for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath
from typing import Any

from flask import Response, flash, jsonify, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy import func, select

from app.core import clock
from app.core.base import Session
from app.core.errors import DomainError, Missing, NotAllowed, Stale
from app.core.types import format_guaranies
from app.exchange import register_batches as batches
from app.exchange.exports import Sheet
from app.exchange.register.account import OUTCOMES
from app.exchange.register.columns import BY_NAME
from app.exchange.register.csvtext import SEPARATOR_NAMES
from app.exchange.register.errors import RegisterError
from app.exchange.register.reading import Layout, detect, rows
from app.models.catalogs import Department, District
from app.models.documents import StoredFile
from app.models.imports import ImportStatus, RegisterImport, RegisterRow
from app.models.inspections import Finding, Visit
from app.models.registry import Establishment
from app.operations import files
from app.operations import register_import as ops
from app.views.exports import Exported, keys
from app.views.registry.timeline import Event, provides

PAGE = 50
LARGEST = 25 * 1024 * 1024
QUIET = 60
"""Seconds without a sign of life after which a run is shown as stopped."""

BATCHES = select(RegisterImport).order_by(RegisterImport.id.desc())
AT_WORK = (ImportStatus.JUDGING, ImportStatus.WRITING, ImportStatus.UNDOING)
ENCODINGS = {
    "utf-8-sig": "UTF-8 (con marca)",
    "utf-8": "UTF-8",
    "cp1252": "Windows-1252",
    "latin-1": "Latin-1 (ISO 8859-1)",
    "cp850": "DOS 850",
    "utf-16": "UTF-16",
}


@dataclass(frozen=True)
class Cause:
    """A reason to wait, in words, and what is done about it."""

    label: str
    action: str


CAUSES = {
    "missing_ruc": Cause(
        "Falta el RUC", "Complete el RUC, o tome todas estas filas con empleador provisorio."
    ),
    "wrong_ruc_digit": Cause(
        "RUC con dígito equivocado", "Verifique el número con la constancia y corríjalo."
    ),
    "bad_ruc": Cause("RUC que no se entiende", "Escriba el RUC como 80009735-1."),
    "missing_act": Cause("Falta el número de acta", "Complételo según el acta en papel."),
    "bad_act": Cause("Número de acta que no se entiende", "Escríbalo como 12/2013."),
    "act_year_conflict": Cause("El año del acta no es el de la fecha", "Corrija el que esté mal."),
    "conflict": Cause("Acta ya importada con otro contenido", "Compare las dos y decida cuál vale."),
    "missing_date": Cause("Falta la fecha", "Complétela según el acta."),
    "impossible_date": Cause("Fecha imposible", "Corríjala según el acta."),
    "future_date": Cause("Fecha en el futuro", "Corríjala según el acta."),
    "date_too_old": Cause("Fecha demasiado antigua", "Corríjala según el acta."),
    "missing_district": Cause("Falta el distrito", "Complételo según el acta."),
    "unknown_district": Cause("Distrito desconocido", "Corrija el distrito o el departamento."),
    "ambiguous_district": Cause("Distrito con más de un sentido", "Escriba el nombre completo."),
    "unknown_department": Cause("Departamento desconocido", "Corríjalo según el acta."),
    "ambiguous_department": Cause("Departamento con más de un sentido", "Escriba el nombre completo."),
    "negative_count": Cause("Cantidad negativa", "Corríjala según el acta."),
    "bad_count": Cause("Cantidad que no se entiende", "Escriba solo el número."),
    "inconsistent_counts": Cause("Varones más mujeres no dan el total", "Corrija según el acta."),
    "negative_amount": Cause("Multa negativa", "Corríjala según la resolución."),
    "bad_amount": Cause("Multa que no se entiende", "Escríbala como 1.234.567."),
    "too_many_cells": Cause("Fila con celdas de más", "Corrija la fila: puede estar corrida."),
    "cell_too_long": Cause("Celda demasiado larga", "Acórtela: falta una comilla o sobra texto."),
    "duplicate": Cause("Repite un acto ya registrado", "No hay nada que hacer."),
}
DOUBTS = {
    "establishment_alike": "Establecimiento tomado por dirección parecida",
    "establishment_doubtful": "Establecimiento nuevo, parecido a otro",
    "employer_name_differs": "El RUC es de un empleador con otro nombre",
    "employer_same_document": "Hay un empleador con esa cédula",
    "matches_own_inspection": "Coincide con una inspección de este sistema",
}


def cause_of(code: str) -> Cause:
    """The words of a cause."""
    return CAUSES.get(code, Cause(code.replace("_", " "), "Corrija la fila."))


class RegisterImportView(Exported, BaseView):
    """Batches of the historical register."""

    route_base = "/importaciones"
    class_permission_name = "RegisterImport"
    default_view = "list"

    def listing(self) -> Sheet:
        """Every batch with the columns of its page."""
        cells = [
            ("Lote", lambda row: row.name),
            ("Estado", lambda row: ops.status_label(row.status)),
            ("Cargado", lambda row: row.created_at),
            ("Importadas", lambda row: row.imported),
            ("En cuarentena", lambda row: row.quarantined),
            ("Duplicadas", lambda row: row.duplicate),
            *keys(RegisterImport),
        ]
        return Sheet("Lotes del registro histórico", "register_import", cells, BATCHES)

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """Every batch, the newest first, and the form for another file."""
        return self._list()

    def _list(self, status: int = 200, name: str = "") -> Any:
        query = BATCHES.limit(PAGE)
        body = self.render_template(
            "register/list.html",
            title="Importar historial",
            batches=Session.scalars(query).all(),
            label=ops.status_label,
            name=name,
        )
        return body, status

    @expose("/cargar", methods=["POST"])
    @has_access
    @permission_name("add")
    def load(self) -> Any:
        """Take a file: what it seems to be is shown before anything else happens."""
        sent = request.files.get("file")
        name = request.form.get("name", "").strip()[:120]
        content = sent.read(LARGEST + 1) if sent is not None else b""
        file_name = PurePath((sent.filename if sent else "") or "registro").name[:120]
        if not content:
            flash("Elija el archivo del registro, en CSV o XLSX.", "danger")
            return self._list(422, name)
        try:
            layout, complaint = _read(content)
            if batches.is_report(layout):
                flash(
                    "El archivo es un informe corregido: cárguelo en la página de su lote, en «Corregir».",
                    "warning",
                )
                return self._list(422, name)
            known = batches.standing_batch(content)
            if known is not None:
                flash(f"Este archivo ya se importó en el lote «{known}»: no cambió nada.", "warning")
                return redirect(url_for("RegisterImportView.show", key=known.id))
            batch = batches.load(content, file_name, layout, name or None)
        except DomainError as error:
            flash(error.message, "danger")
            return self._list(422, name)
        if complaint:
            flash(complaint, "warning")
        return redirect(url_for("RegisterImportView.layout", key=batch.id))

    @expose("/<int:key>/lectura", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def layout(self, key: int) -> Any:
        """How the file is read: encoding, separator, titles, which column is which; each may be corrected."""
        batch = _batch(key)
        layout, status = batches.layout_of(batch), 200
        if request.method == "POST":
            try:
                layout = _corrected(batch, layout)
                if request.form.get("then") == "try":
                    if layout.missing:
                        raise RegisterError(f"Falta decir qué columna es: {', '.join(layout.missing)}.")
                    ops.relayout(key, layout.as_dict())
                    ops.ask_for(key, "register_trial")
                    return redirect(url_for("RegisterImportView.show", key=key))
            except DomainError as error:
                flash(error.message, "danger")
                status = 422
        body = self.render_template(
            "register/layout.html",
            title=f"Lectura de {batch.file_name}",
            batch=batch,
            layout=layout,
            fields=BY_NAME,
            sample=list(islice(rows(batches.path_of(batch), layout), 5)),
            encodings=ENCODINGS,
            separators=SEPARATOR_NAMES,
            chosen=_chosen(layout),
            asked=request.form,
        )
        return body, status

    @expose("/<int:key>")
    @has_access
    @permission_name("show")
    def show(self, key: int) -> Any:
        """One batch: where it stands, its account, what waits and what can be done about it."""
        return self._show(key)

    def _show(self, key: int, status: int = 200) -> Any:
        batch = _batch(key)
        body = self.render_template(
            "register/batch.html",
            title=f"Lote {batch.name}",
            batch=batch,
            state=ops.status_label(batch.status),
            progress=_progress(batch),
            at_work=batch.status in AT_WORK and not _stopped(batch),
            stopped=_stopped(batch),
            layout=batches.layout_of(batch),
            causes=[(code, count, cause_of(code)) for code, count in batches.waiting_by_cause(batch).items()],
            doubts=_doubts(key),
            trial=batch.trial,
            trial_causes=sorted((batch.trial or {}).get("causes", {}).items(), key=lambda item: -item[1]),
            cause_of=cause_of,
            may=lambda door: self.appbuilder.sm.has_access(f"can_{door}", "RegisterImport"),
            separators=SEPARATOR_NAMES,
            encodings=ENCODINGS,
        )
        return body, status

    @expose("/<int:key>/avance.json")
    @has_access
    @permission_name("show")
    def progress(self, key: int) -> Any:
        """How far a run is, for the page that shows it."""
        return jsonify(_progress(_batch(key)))

    @expose("/<int:key>/pedir/<task>", methods=["POST"])
    @has_access
    @permission_name("add")
    def ask(self, key: int, task: str) -> Any:
        """Have the worker try, import or undo the batch."""
        verbs = {"probar": "register_trial", "importar": "register_run", "deshacer": "register_undo"}
        if task not in verbs:
            raise Missing()
        if task == "deshacer" and not self.appbuilder.sm.has_access("can_undo", "RegisterImport"):
            raise NotAllowed()
        try:
            ops.ask_for(key, verbs[task])
        except Missing:
            raise
        except DomainError as error:
            flash(error.message, "danger")
        return redirect(url_for("RegisterImportView.show", key=key))

    @expose("/<int:key>/deshacer", methods=["POST"])
    @has_access
    @permission_name("undo")
    def undo(self, key: int) -> Any:
        """Take back the batch."""
        return self.ask(key, "deshacer")

    @expose("/<int:key>/informe.csv")
    @has_access
    @permission_name("show")
    def report(self, key: int) -> Response:
        """The report of the batch; `solo=cuarentena` gives only the rows to correct."""
        batch = _batch(key)
        only = ("quarantined",) if request.args.get("solo") == "cuarentena" else ()
        content = batches.written(lambda stream: batches.report(batch, stream, only))
        return _download(content, f"informe-{batch.id}.csv")

    @expose("/<int:key>/prueba.csv")
    @has_access
    @permission_name("show")
    def trial_report(self, key: int) -> Response:
        """The report of the dry run."""
        batch = _batch(key)
        kept = Session.get(StoredFile, (batch.trial or {}).get("report") or 0)
        if kept is None:
            raise Missing()
        return _download(files.read(kept), f"prueba-{batch.id}.csv")

    @expose("/<int:key>/filas")
    @has_access
    @permission_name("show")
    def rows(self, key: int) -> Any:
        """Rows of the batch with one cause, one doubt, or one outcome."""
        batch, asked = _batch(key), request.args
        query = select(RegisterRow).where(RegisterRow.batch_id == key).order_by(RegisterRow.line_number)
        heading, action = "Filas", ""
        if asked.get("causa"):
            query = query.where(RegisterRow.outcome == "quarantined", _holds("codes", asked["causa"]))
            heading, action = cause_of(asked["causa"]).label, cause_of(asked["causa"]).action
        elif asked.get("duda"):
            query = query.where(_holds("flags", asked["duda"]))
            heading = DOUBTS.get(asked["duda"], "Dudas")
        else:
            outcome = asked.get("desenlace", "quarantined")
            query = query.where(RegisterRow.outcome == outcome)
            heading = f"Filas: {OUTCOMES.get(outcome, outcome)}"
        page = asked.get("page", "0")
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 0
        found = Session.scalars(query.offset(number * PAGE).limit(PAGE + 1)).all()
        layout = batches.layout_of(batch)
        return self.render_template(
            "register/rows.html",
            title=heading,
            batch=batch,
            rows=[(row, batches.cells_of(layout, row)) for row in found[:PAGE]],
            places=ops.places_of([row.id for row in found]),
            action=action,
            cause=asked.get("causa", ""),
            more=len(found) > PAGE,
            page=number,
            asked=asked,
            may_edit=self.appbuilder.sm.has_access("can_edit", "RegisterImport"),
            doubts=DOUBTS,
        )

    @expose("/<int:key>/fila/<int:row_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def row(self, key: int, row_id: int) -> Any:
        """Correct a row that waits; what is wrong still is told at its field, and what was typed stays."""
        batch, row = _batch(key), _row(key, row_id)
        layout, status = batches.layout_of(batch), 200
        cells = batches.cells_of(layout, row)
        if request.method == "POST":
            typed = {
                name: request.form[f"f_{name}"].replace("\r\n", "\n")
                for name in cells
                if f"f_{name}" in request.form
            }
            try:
                outcome = batches.correct(batch, row, typed, _version())
            except Missing:
                raise
            except DomainError as error:
                flash(error.message, "danger")
                status, cells = 409 if isinstance(error, Stale) else 422, cells | typed
            else:
                if outcome.counts.get("quarantined"):
                    flash("Se guardó lo corregido; la fila espera todavía por lo que se indica.", "warning")
                    return redirect(url_for("RegisterImportView.row", key=key, row_id=row_id))
                word = "importó" if outcome.counts.get("imported") else "reconoció como duplicada"
                flash(f"La fila {row.line_number} se {word}.", "success")
                return redirect(_next_row(key, request.form.get("cause", "")))
        body = self.render_template(
            "register/row.html",
            title=f"Fila {row.line_number}",
            batch=batch,
            row=row,
            cells=cells,
            fields=BY_NAME,
            told=_by_field(cause for cause in row.causes if cause[0] != "conflict"),
            cause=request.values.get("cause", ""),
            cause_of=cause_of,
            places=_places(),
            others=[(other, batches.compared(row, other)) for other in batches.conflicting(row)]
            if "conflict" in row.codes
            else [],
        )
        return body, status

    @expose("/<int:key>/fila/<int:row_id>/conflicto", methods=["POST"])
    @has_access
    @permission_name("edit")
    def conflict(self, key: int, row_id: int) -> Any:
        """After the comparison: the row replaces what is there, or stands beside it."""
        batch, row = _batch(key), _row(key, row_id)
        replace_it = request.form.get("decision") == "replace"
        try:
            batches.apply_conflict(batch, row, _version(), replace_it)
        except DomainError as error:
            flash(error.message, "danger")
            return redirect(url_for("RegisterImportView.row", key=key, row_id=row_id))
        done = "reemplazó a la anterior, que queda guardada" if replace_it else "se registró como acta aparte"
        flash(f"La fila {row.line_number} {done}.", "success")
        return redirect(_next_row(key, "conflict"))

    @expose("/<int:key>/provisorios", methods=["POST"])
    @has_access
    @permission_name("edit")
    def provisional(self, key: int) -> Any:
        """Take every row without RUC with a provisional employer."""
        try:
            outcome = batches.take_as_provisional(_batch(key))
        except DomainError as error:
            flash(error.message, "danger")
            return self._show(key, 422)
        taken, left = outcome.counts.get("imported", 0), outcome.counts.get("quarantined", 0)
        words = _counted(taken, "fila se importó", "filas se importaron") + " con empleador provisorio."
        if left:
            words += f" {_counted(left, 'espera', 'esperan')} por otra causa."
        flash(words, "success" if taken else "warning")
        return redirect(url_for("RegisterImportView.show", key=key))

    @expose("/<int:key>/corregido", methods=["POST"])
    @has_access
    @permission_name("edit")
    def corrected(self, key: int) -> Any:
        """Take the changed rows of a corrected report."""
        sent = request.files.get("file")
        content = sent.read(LARGEST + 1) if sent is not None else b""
        if not content:
            flash("Elija el informe corregido.", "danger")
            return self._show(key, 422)
        try:
            outcome = batches.import_corrected(_batch(key), content)
        except DomainError as error:
            flash(error.message, "danger")
            return self._show(key, 422)
        flash(_told(outcome), "success" if outcome.rows else "warning")
        return redirect(url_for("RegisterImportView.show", key=key))


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _told(outcome: batches.Outcome) -> str:
    if not outcome.rows and not outcome.left_alone:
        return "El informe no tiene filas cambiadas: no cambió nada."
    names = {
        "imported": ("importada", "importadas"),
        "duplicate": ("duplicada", "duplicadas"),
        "quarantined": ("sigue en cuarentena", "siguen en cuarentena"),
        "blank": ("en blanco", "en blanco"),
    }
    parts = ", ".join(_counted(count, *names[name]) for name, count in outcome.counts.items())
    words = f"Filas juzgadas de nuevo: {outcome.rows}{f' ({parts})' if parts else ''}."
    if outcome.left_alone:
        words += f" {outcome.left_alone} no esperaban en cuarentena, o cambiaron después, y no se tocaron."
    return words


def _batch(key: int) -> RegisterImport:
    batch = Session.get(RegisterImport, key, populate_existing=True) if key < 2**31 else None
    if batch is None:
        raise Missing()
    return batch


def _row(key: int, row_id: int) -> RegisterRow:
    row = Session.get(RegisterRow, row_id, populate_existing=True) if row_id < 2**31 else None
    if row is None or row.batch_id != key:
        raise Missing()
    return row


def _version() -> int:
    sent = request.form.get("version", "")
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else -1


def _holds(column: str, code: str) -> Any:
    return getattr(RegisterRow, column).contains([code])


def _next_row(key: int, cause: str) -> str:
    """The next row that waits for the same cause, so that a pile is worked down; else the batch."""
    if cause:
        query = select(RegisterRow.id).where(
            RegisterRow.batch_id == key, RegisterRow.outcome == "quarantined", _holds("codes", cause)
        )
        found = Session.scalar(query.order_by(RegisterRow.line_number).limit(1))
        if found is not None:
            return url_for("RegisterImportView.row", key=key, row_id=found, cause=cause)
    return url_for("RegisterImportView.show", key=key)


def _by_field(causes: Iterable[Any]) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for _, sentence, name in causes:
        told.setdefault(name, []).append(sentence)
    return told


def _places() -> dict[str, list[str]]:
    """The names that the boxes of department and district suggest."""
    return {
        "department": list(Session.scalars(select(Department.name).order_by(Department.name))),
        "district": list(Session.scalars(select(District.name).distinct().order_by(District.name))),
    }


def _doubts(key: int) -> list[tuple[str, str, int]]:
    code = func.unnest(RegisterRow.flags)
    query = select(code, func.count()).where(RegisterRow.batch_id == key).group_by(code).order_by(code)
    return [(name, DOUBTS.get(name, name), count) for name, count in Session.execute(query)]


def _stopped(batch: RegisterImport) -> bool:
    """At work, and without a sign of life: the worker died, or waits for another import."""
    if batch.status not in AT_WORK or batch.beat_at is None:
        return False
    return (clock.real_now() - batch.beat_at).total_seconds() > QUIET


def _progress(batch: RegisterImport) -> dict[str, Any]:
    seen = batch.seen or 0
    share = round(100 * seen / batch.total) if batch.total else None
    words = f"{seen:,} filas".replace(",", ".")
    if batch.total:
        words = f"{seen:,} de {batch.total:,} filas".replace(",", ".")
    return {
        "status": batch.status,
        "state": ops.status_label(batch.status),
        "working": batch.status in AT_WORK and not _stopped(batch),
        "seen": seen,
        "total": batch.total,
        "percent": min(share, 100) if share is not None else None,
        "words": words if seen else "Esperando turno…",
    }


def _download(content: bytes, name: str) -> Response:
    response = Response(content, mimetype="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _read(content: bytes) -> tuple[Layout, str]:
    """What the file is; where its titles were not found, the first row is taken, for a person to correct."""
    try:
        return detect(content), ""
    except RegisterError as error:
        if error.code == "no_header":
            return detect(content, header_row=1), error.message
        if error.code == "unknown_separator":
            return detect(content, separator=";", header_row=1), error.message
        raise


def _corrected(batch: RegisterImport, before: Layout) -> Layout:
    """The layout that the form asks for; a new encoding, separator, sheet or title row finds columns anew."""
    form = request.form
    how: dict[str, Any] = {"header_row": _number(form.get("header_row"), before.header_row)}
    if before.kind == "xlsx":
        how["sheet"] = form.get("sheet") or before.sheet
    else:
        how["encoding"] = form.get("encoding") if form.get("encoding") in ENCODINGS else before.encoding
        separator = form.get("separator", "")
        how["separator"] = separator if separator in SEPARATOR_NAMES else before.separator
    now = {"header_row": before.header_row, "sheet": before.sheet, "encoding": before.encoding}
    now["separator"] = before.separator
    if all(now[name] == value for name, value in how.items()):
        places = range(len(before.headers))
        how["mapping"] = {
            name: int(sent) if sent.isascii() and sent.isdigit() and int(sent) in places else None
            for name in BY_NAME
            if (sent := form.get(f"c_{name}")) is not None
        }
    return detect(batches.path_of(batch), **how)


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 4 else default


def _chosen(layout: Layout) -> dict[str, int]:
    return {name: column.position for name, column in layout.columns.items()}


@provides
def history(establishment: Establishment) -> Iterable[Event]:
    """Imported visits, with what was found and the fine of the register."""
    own = Finding.visit_id == Visit.id
    query = (
        select(
            Visit.happened_on,
            Visit.historical_act,
            Visit.historical_result,
            select(func.count()).select_from(Finding).where(own).scalar_subquery(),
            select(func.sum(Finding.historical_fine)).where(own).scalar_subquery(),
        )
        .where(Visit.establishment_id == establishment.id, Visit.historical_act.is_not(None))
        .order_by(Visit.happened_on.desc())
        .limit(100)
    )
    for on, number, result, count, fine in Session.execute(query):
        parts = [
            result or "",
            f"{count} infracciones" if count and count > 1 else "1 infracción" if count else "",
        ]
        parts.append(f"multa {format_guaranies(int(fine))}" if fine else "")
        detail = " · ".join(part for part in ("Del registro histórico", *parts) if part)
        yield Event(on, f"Inspección, acta {number}", detail)
