"""The books of numbers (working rule 4): each series with what became of every number, and no gap."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy import case, func, select
from sqlalchemy.orm import joinedload

from app.core.base import Session
from app.core.errors import DomainError, Missing, RuleBroken
from app.exchange import tables
from app.models.catalogs import Office
from app.models.documents import Document, DocumentStatus, DocumentType, NumberSeries
from app.operations import documents
from app.views.widgets import whole

PAGE = 50
LOOKS = {
    DocumentStatus.RESERVED.value: ("Reservado, espera la firma", "sis-state-soon"),
    DocumentStatus.ISSUED.value: ("Emitido", "sis-state-done"),
    DocumentStatus.ANNULLED.value: ("Anulado", "sis-state-void"),
}
TITLES = ("N.º de la serie", "Número", "Estado", "Fecha", "Motivo de la anulación")


class BookView(BaseView):
    """Series of numbers and the book of each."""

    route_base = "/libros"
    class_permission_name = "NumberSeries"
    default_view = "list"

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """Every series of a year, with its counts."""
        years = Session.scalars(select(NumberSeries.year).distinct().order_by(NumberSeries.year.desc())).all()
        asked = whole(request.args.get("anio"))
        year = asked if asked in years else (years[0] if years else None)
        query = _counted().where(NumberSeries.year == year)
        rows = Session.execute(query.order_by(DocumentType.position, Office.code)).all()
        return self.render_template(
            "sis/books.html", title="Libros de numeración", rows=rows, years=years, year=year
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
            status=status,
            gaps=_gaps(series, row.title_first),
            may_annul=self.appbuilder.sm.has_access("can_edit", self.class_permission_name),
            next_url=url_for("BookView.show", pk=pk, **kept, antes=lines[PAGE - 1].sequence)
            if len(lines) > PAGE
            else None,
            first_url=url_for("BookView.show", pk=pk, **kept) if before is not None else None,
        )

    @expose("/<int:pk>/libro.<kind>")
    @has_access
    @permission_name("show")
    def download(self, pk: int, kind: str) -> Response:
        """The whole book as a spreadsheet."""
        series = Session.get(NumberSeries, _key(pk))
        if series is None or kind not in ("csv", "xlsx"):
            raise Missing()
        labels = {status: label for status, (label, _) in LOOKS.items()}
        rows = [
            (
                line.sequence,
                line.number,
                labels[line.status],
                f"{line.happened_on:%d/%m/%Y}",
                line.reason or "",
            )
            for line in documents.book(series)
        ]
        if kind == "csv":
            response = Response(tables.as_csv(TITLES, rows), mimetype="text/csv")
        else:
            response = Response(tables.as_xlsx(str(series), TITLES, rows), mimetype=tables.XLSX)
        name = f"libro {series}.{kind}"
        response.headers.set("Content-Disposition", "attachment", filename=name)
        return response

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
