"""The books of numbers (working rule 4): each series with what became of every number, and no gap."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from sqlalchemy import case, func, select
from sqlalchemy.orm import joinedload
from wtforms import FileField, IntegerField, StringField, TextAreaField
from wtforms.validators import InputRequired

from app.core import clock
from app.core.base import Session
from app.core.errors import DomainError, Missing, RuleBroken
from app.exchange.exports import Sheet
from app.models.catalogs import Office
from app.models.documents import Document, DocumentStatus, DocumentType, NumberSeries
from app.operations import documents, files
from app.views.base import explain, valid
from app.views.exports import Exported, download, export_links
from app.views.widgets import day_field, text_or_none, whole

PAGE = 50
LOOKS = {
    DocumentStatus.RESERVED.value: ("Reservado, espera la firma", "sis-state-soon"),
    DocumentStatus.ISSUED.value: ("Emitido", "sis-state-done"),
    DocumentStatus.ANNULLED.value: ("Anulado", "sis-state-void"),
    DocumentStatus.USED.value: ("Usado en papel", "sis-state-done"),
}
CELLS = (
    ("N.º de la serie", lambda row: row.sequence),
    ("Número", lambda row: row.number),
    ("Estado", lambda row: LOOKS[row.status][0]),
    ("Fecha", lambda row: row.happened_on),
    ("Motivo", lambda row: row.reason),
)
"""The columns of a book, as a spreadsheet."""


class PaperForm(FlaskForm):
    """A number that was used on paper outside the system."""

    number = IntegerField("N.º de la serie", [InputRequired("Escriba el número.")])
    happened_on = day_field("Fecha del documento", description="La que dice el papel.")
    title = StringField("Asunto", filters=[text_or_none], render_kw={"maxlength": 300})
    reason = TextAreaField(
        "Por qué se usó en papel",
        filters=[text_or_none],
        description="Por ejemplo un corte de luz. Queda en el libro.",
        render_kw={"maxlength": 500},
    )
    scan = FileField(
        "Escaneo", description="PDF o fotografía del papel.", render_kw={"accept": "application/pdf,image/*"}
    )


class BookView(Exported, BaseView):
    """Series of numbers and the book of each."""

    route_base = "/libros"
    class_permission_name = "NumberSeries"
    default_view = "list"

    def listing(self) -> Sheet:
        """The series of a year with the columns of their page."""
        cells = (
            ("Serie", lambda row: row.NumberSeries.type_code),
            ("Año", lambda row: row.NumberSeries.year),
            ("Oficina", lambda row: row.office),
            ("Documento", lambda row: row.title),
            ("Emitidos", lambda row: row.issued),
            ("Reservados", lambda row: row.reserved),
            ("Anulados", lambda row: row.annulled),
            ("Usados en papel", lambda row: row.used),
            ("Próximo", lambda row: row.NumberSeries.next_number),
        )
        return Sheet("Libros de numeración", "number_series", cells, rows=_year()[2])

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """Every series of a year, with its counts."""
        years, year, rows = _year()
        return self.render_template(
            "sis/books.html",
            title="Libros de numeración",
            documents=[(title, [*found]) for title, found in groupby(rows, key=lambda row: row.title)],
            years=years,
            year=year,
        )

    @expose("/<int:pk>")
    @has_access
    @permission_name("show")
    def show(self, pk: int) -> Any:
        """The book of a series, the newest number first; pages by key."""
        row = Session.execute(_counted().where(NumberSeries.id == _key(pk))).first()
        if row is None:
            raise Missing()
        series = row.NumberSeries
        status = request.args.get("estado", "")
        query = select(Document).where(Document.series_id == series.id).options(joinedload(Document.office))
        if status in LOOKS:
            query = query.where(Document.status == status)
        before = whole(request.args.get("antes"))
        if before is not None:
            query = query.where(Document.sequence < before)
        lines = Session.scalars(query.order_by(Document.sequence.desc()).limit(PAGE + 1)).all()
        kept = {"estado": status} if status in LOOKS else {}
        return self.render_template(
            "sis/book.html",
            title=_title(row),
            row=row,
            lines=lines[:PAGE],
            looks=LOOKS,
            exports=export_links("BookView.download", pk=pk, estado=None) if self._may("can_export") else [],
            status=status,
            gaps=_gaps(series, row.title_first),
            may_annul=self._may("can_edit"),
            next_url=url_for("BookView.show", pk=pk, **kept, antes=lines[PAGE - 1].sequence)
            if len(lines) > PAGE
            else None,
            first_url=url_for("BookView.show", pk=pk, **kept) if before is not None else None,
        )

    @expose("/<int:pk>/libro.<form>")
    @has_access
    @permission_name("export")
    def download(self, pk: int, form: str) -> Response:
        """The whole book as a spreadsheet."""
        series = Session.get(NumberSeries, _key(pk))
        if series is None:
            raise Missing()
        return download(Sheet(f"Libro {series}", "number_series", CELLS, rows=documents.book(series)), form)

    def _may(self, permission: str) -> bool:
        return bool(self.appbuilder.sm.has_access(permission, self.class_permission_name))

    @expose("/anular/<int:pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def annul(self, pk: int) -> Any:
        """Annul a number that was reserved and not signed, with its reason; it is not used again."""
        document = Session.get(Document, _key(pk))
        if document is None or document.series_id is None:
            raise Missing()
        back = url_for("BookView.show", pk=document.series_id)
        reason, error = request.form.get("reason", "").strip(), ""
        status = 200
        if request.method == "POST":
            try:
                if document.status != DocumentStatus.RESERVED.value:
                    raise RuleBroken("Aquí solo se anula un número reservado que no se firmó.")
                documents.annul(document, reason[:500])
            except DomainError as broken:
                error, status = broken.message, 422
            else:
                flash(f"El número {document.number} quedó anulado; no se usa otra vez.", "success")
                return redirect(back)
        page = self.render_template(
            "sis/book_annul.html",
            title=f"Anular el número {document.number}",
            document=document,
            reason=reason,
            error=error,
            reserved=document.status == DocumentStatus.RESERVED.value,
            back=back,
        )
        return page, status

    @expose("/<int:pk>/papel", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def paper(self, pk: int) -> Any:
        """Record that a number of the series was used on paper: date, reason, scan (working rule 4)."""
        series = Session.get(NumberSeries, _key(pk))
        if series is None:
            raise Missing()
        form = PaperForm()
        if request.method == "GET":
            form.number.data, today = series.next_number, clock.today()
            form.happened_on.data = today if today.year == series.year else None
        elif valid(form):
            try:
                document = documents.use_on_paper(
                    series,
                    form.number.data,
                    form.title.data or "",
                    form.reason.data or "",
                    form.scan.data.read() if form.scan.data else b"",
                    form.happened_on.data,
                )
            except DomainError as error:
                explain(form, error)
            else:
                flash(f"El número {document.number} figura como usado en papel.", "success")
                return redirect(url_for("BookView.show", pk=pk))
        return self.render_template(
            "sis/book_paper.html",
            title="Registrar un número usado en papel",
            series=series,
            form=form,
            back=url_for("BookView.show", pk=pk),
        )

    @expose("/escaneo/<int:pk>")
    @has_access
    @permission_name("show")
    def scan(self, pk: int) -> Response:
        """The scan of a number that was used on paper."""
        document = Session.get(Document, _key(pk))
        if document is None or document.status != DocumentStatus.USED.value or document.file is None:
            raise Missing()
        name = f"{document.number}.{document.file.content_type.rpartition('/')[2]}"
        response = Response(files.read(document.file), mimetype=document.file.content_type)
        response.headers.set("Content-Disposition", "attachment", filename=name)
        return response


def _year() -> tuple[Sequence[int], int | None, Sequence[Any]]:
    """The years with series, the one that is asked for (the last one otherwise), its series."""
    years = Session.scalars(select(NumberSeries.year).distinct().order_by(NumberSeries.year.desc())).all()
    asked = whole(request.args.get("anio"))
    year = asked if asked in years else (years[0] if years else None)
    query = _counted().where(NumberSeries.year == year)
    return years, year, Session.execute(query.order_by(DocumentType.position, Office.code)).all()


def _counted() -> Any:
    """Each series with its kind, its office and how many of its numbers stand in each status."""

    def count(status: DocumentStatus) -> Any:
        return func.count(case((Document.status == status.value, 1)))

    return (
        select(
            NumberSeries,
            DocumentType.title.label("title"),
            DocumentType.first_number.label("title_first"),
            Office.code.label("office"),
            count(DocumentStatus.ISSUED).label("issued"),
            count(DocumentStatus.RESERVED).label("reserved"),
            count(DocumentStatus.ANNULLED).label("annulled"),
            count(DocumentStatus.USED).label("used"),
        )
        .join(DocumentType, DocumentType.code == NumberSeries.type_code)
        .outerjoin(Office, Office.id == NumberSeries.office_id)
        .outerjoin(Document, Document.series_id == NumberSeries.id)
        .group_by(NumberSeries.id, DocumentType.code, Office.code)
    )


def _title(row: Any) -> str:
    office = f" · {row.office}" if row.office else ""
    return f"Libro {row.NumberSeries.type_code} {row.NumberSeries.year}{office}"


def _gaps(series: NumberSeries, first: int) -> list[int]:
    """Numbers of the series that no document holds: always none, and said so."""
    number = func.generate_series(first, series.next_number - 1).table_valued("n").render_derived()
    taken = select(Document.id).where(Document.series_id == series.id, Document.sequence == number.c.n)
    return list(Session.scalars(select(number.c.n).where(~taken.exists()).order_by(number.c.n).limit(20)))


def _key(pk: int) -> int:
    if pk >= 2**31:
        raise Missing()
    return pk
