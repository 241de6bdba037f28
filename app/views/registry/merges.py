"""«Unir duplicados»: two records side by side, which one stays, the result, and the way back."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.models.registry import Employer, Establishment, Merge
from app.operations import registry
from app.views.base import KEPT_OUT
from app.views.references import ReferenceField, text_of
from app.views.widgets import formatter, whole

KINDS: dict[str, Any] = {"employer": Employer, "establishment": Establishment}
VERBS = {"employer": registry.merge_employers, "establishment": registry.merge_establishments}
PAGES = {"employer": "EmployerView.show", "establishment": "EstablishmentView.show"}


UNSAID = KEPT_OUT | {"merged_into_id", "ruc_dv", "provisional"}
"""Columns that tell nothing when two records are compared."""


class PairForm(FlaskForm):
    """The two records to compare."""

    class Meta:
        csrf = False


class EmployerPair(PairForm):
    """Two employers."""

    a = ReferenceField(Employer, True, label="Primer registro")
    b = ReferenceField(Employer, True, label="Segundo registro")


class EstablishmentPair(PairForm):
    """Two establishments."""

    a = ReferenceField(Establishment, True, label="Primer registro")
    b = ReferenceField(Establishment, True, label="Segundo registro")


FORMS: dict[str, type[PairForm]] = {"employer": EmployerPair, "establishment": EstablishmentPair}


class DuplicatesView(BaseView):
    """Doubles joined and taken apart."""

    route_base = "/duplicados"
    default_view = "page"
    class_permission_name = "Merge"

    @expose("/")
    @has_access
    @permission_name("list")
    def page(self) -> Any:
        """Choose two records; with both chosen, side by side."""
        return self._page()

    @expose("/unir", methods=["POST"])
    @has_access
    @permission_name("merge")
    def merge(self) -> Response | Any:
        """Join the one that gives way to the one that stays."""
        kind, keys = _kind(request.form), _keys(request.form.getlist("record"))
        kept = _keys([request.form.get("kept", "")])
        if len(keys) != 2 or not kept or kept[0] not in keys:
            flash("Elija cuál de los dos se conserva.", "danger")
            return self._page(422)
        absorbed = keys[1] if kept[0] == keys[0] else keys[0]
        try:
            VERBS[kind](kept[0], absorbed, request.form.get("reason", "").strip()[:500] or None)
        except RuleBroken as error:
            flash(error.message, "danger")
            return self._page(422)
        flash(
            "Los registros se unieron. Si fue un error, se puede deshacer desde «Unir duplicados».", "success"
        )
        return redirect(url_for(PAGES[kind], pk=kept[0]))

    @expose("/deshacer/<int:key>", methods=["POST"])
    @has_access
    @permission_name("merge")
    def undo(self, key: int) -> Response | Any:
        """Take a merge apart."""
        try:
            merge = registry.undo_merge(key)
        except RuleBroken as error:
            flash(error.message, "danger")
            return self._page(422)
        flash(f"Se deshizo la unión: {merge.absorbed} vuelve a ser un registro aparte.", "success")
        return redirect(url_for("DuplicatesView.page"))

    def _page(self, status: int = 200) -> Any:
        asked = request.values
        kind = _kind(asked)
        # Of a look-up the last value is the key.
        chosen = [asked.getlist(name)[-1] for name in ("a", "b") if asked.get(name)]
        keys = _keys(asked.getlist("record") or chosen)
        form = FORMS[kind](meta={"csrf": False})
        records = [] if len(keys) < 1 else _records(KINDS[kind], keys)
        for field, record in zip((form["a"], form["b"]), records, strict=False):
            field.process_data(record.id)
        pair = records if len(records) == 2 and keys[0] != keys[1] else []
        body = self.render_template(
            "registry/merge.html",
            title="Unir duplicados",
            kind=kind,
            form=form,
            pair=pair,
            names=[text_of(record) for record in pair],
            rows=_compared(KINDS[kind], pair) if pair else [],
            suggestions=_suggestions(kind, records[0]) if len(records) == 1 else [],
            merges=_recent(),
            text_of=text_of,
        )
        return body, status


def _kind(values: Any) -> str:
    kind = values.get("kind", "employer")
    if kind not in KINDS:
        raise Missing()
    return str(kind)


def _keys(texts: list[str]) -> list[int]:
    return [key for key in map(whole, texts) if key is not None]


def _records(kind: Any, keys: list[int]) -> list[Any]:
    load = [joinedload(getattr(kind, name)) for name in kind.lookup_load]
    query = select(kind).where(kind.id.in_(keys), kind.merged_into_id.is_(None)).options(*load)
    found = {row.id: row for row in Session.scalars(query)}
    return [found[key] for key in dict.fromkeys(keys) if key in found]


def _compared(kind: Any, pair: list[Any]) -> list[tuple[str, list[Any], bool]]:
    """(label, the two values, whether they differ): the columns, then what refers to each."""
    rows = []
    for column in kind.__table__.c:
        if column.name in UNSAID:
            continue
        relations = [r for r in kind.__mapper__.relationships if not r.uselist]
        relation = next((r.key for r in relations if column in r.local_columns), None)
        show = (lambda value: value or "") if relation else formatter(column)
        values = [str(show(getattr(record, relation or column.name)) or "—") for record in pair]
        if values != ["—", "—"]:
            rows.append((column.info["label"], values, values[0] != values[1]))
    for label, counts in registry.referring(kind, [record.id for record in pair]).items():
        rows.append((label, [str(count) for count in counts], counts[0] != counts[1]))
    return rows


def _suggestions(kind: str, record: Any) -> list[registry.Similar]:
    if kind == "employer":
        return registry.similar_employers(record.legal_name, trade_name=record.trade_name, exclude=record.id)
    point = (record.latitude, record.longitude) if record.latitude is not None else None
    return registry.similar_establishments(
        record.employer_id, record.district_code, record.address, point, exclude=record.id
    )


def _recent() -> list[Merge]:
    names = ("kept_employer", "absorbed_employer", "kept_establishment", "absorbed_establishment")
    query = select(Merge).where(Merge.undone_at.is_(None)).order_by(Merge.id.desc()).limit(10)
    return list(Session.scalars(query.options(*(joinedload(getattr(Merge, name)) for name in names))))
