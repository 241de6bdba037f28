"""The list of a long registry: one search box, a few filters, pages by key, one statement.

A page begins after the last record of the one before (`despues`), so that page 1,000 costs what page 1 costs,
and nothing is counted.
"""

from typing import Any

from flask import request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_wtf import FlaskForm
from sqlalchemy import Select, select, tuple_
from wtforms import StringField

from app.core.base import Session
from app.exchange.exports import Cells, Sheet
from app.operations.search import matching
from app.views.base import RegistryView
from app.views.exports import keys
from app.views.widgets import whole

PAGE = 25


class SearchForm(FlaskForm):
    """What every list asks; a subclass adds its filters. By GET: a search is an address to send."""

    class Meta:
        csrf = False

    q = StringField("Buscar")


class SearchedView(RegistryView):
    """A registry whose list is searched and paged by key. A subclass gives `cells`, `sort`, `narrowed`."""

    list_template = "registry/list.html"
    search_form_class: type[SearchForm] = SearchForm
    search_help = ""
    sort = "name"
    cells: Cells = ()
    load: tuple[Any, ...] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        cls.list_columns = [cls.sort]
        super().__init_subclass__(**options)

    def narrowed(self, query: Select[Any], form: Any) -> Select[Any]:
        """The select with the filters of the form; the search box by default."""
        return query.where(matching(self.kind, form.q.data or ""))

    def listing(self) -> Sheet:
        """The columns of the page, whatever the page shows of them."""
        columns = [*self.cells, *keys(self.kind)]
        return Sheet(self.list_title, self.kind.__tablename__, columns, self._query(self._asked()))

    def _asked(self) -> SearchForm:
        form = self.search_form_class(request.args, meta={"csrf": False})
        form.validate()
        return form

    def _query(self, form: SearchForm) -> Select[Any]:
        kind: Any = self.kind
        query = self.narrowed(select(kind), form).options(*self.load)
        return query.order_by(getattr(kind, self.sort), kind.id)

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """The list page."""
        form = self._asked()
        kind: Any = self.kind
        sort = getattr(kind, self.sort)
        query = self._query(form)
        after = whole(request.args.get("despues"))
        if after is not None:
            start = select(sort).where(kind.id == after).scalar_subquery()
            query = query.where(tuple_(sort, kind.id) > tuple_(start, after))
        rows = Session.scalars(query.limit(PAGE + 1)).unique().all()
        return self.render_template(
            self.list_template,
            title=self.list_title,
            form=form,
            rows=rows[:PAGE],
            cells=self.cells,
            record_url=lambda row: url_for(f"{self.endpoint}.show", pk=row.id),
            next_url=self._page(rows[PAGE - 1].id) if len(rows) > PAGE else None,
            first_url=self._page(None) if request.args.get("despues") else None,
            search_help=self.search_help,
            searching=any(value for name, value in request.args.items() if name != "despues"),
            clear_url=url_for(f"{self.endpoint}.list"),
        )

    def _page(self, after: int | None) -> str:
        kept = {name: value for name, value in request.args.items() if name != "despues" and value}
        return url_for(f"{self.endpoint}.list", **kept, despues=after)
