"""Findings after the acta: list, the request handed over, what the employer filed, its check, the roster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import joinedload, selectinload
from wtforms import FileField, RadioField, StringField, TextAreaField
from wtforms.validators import Optional

from app.core import clock
from app.core.base import Session
from app.core.errors import DomainError, Missing, NotAllowed, RuleBroken
from app.models.documents import Document
from app.models.followup import RecordDocument, Term, TermStatus
from app.models.inspections import (
    AffectedWorker,
    Delivery,
    Finding,
    InspectionOrder,
    RemedyKind,
    Verification,
    Visit,
)
from app.models.procedures import ProcedureState
from app.models.registry import Establishment
from app.operations import attachments, moves
from app.operations.inspections import facts, findings
from app.operations.moves import Details
from app.views.base import explain, valid
from app.views.fields import Guaranies
from app.views.history import history_of
from app.views.inspections.outlook import outlook
from app.views.inspections.searched import HINT, by_days, by_place, found, in_phase
from app.views.inspections.shown import mark, page_of, term_mark
from app.views.inspections.steps import held_of
from app.views.lists import Column, Listing, ListView, Yes, of_office
from app.views.widgets import day_field, text_or_none, whole
from app.workflow.definition import Phase

PICTURES = {"accept": "application/pdf,image/*"}
ON_A_PAGE = 100
LARGEST_LIST = 5 * 1024 * 1024
RESULTS = {
    "dar_por_subsanado": Verification.REMEDIED.value,
    "dar_por_parcial": Verification.PARTLY.value,
    "dar_por_no_subsanado": Verification.NOT_REMEDIED.value,
}
"""The step that each result of a verification leads to."""
OWN_SCREENS = ("abrir_plazo", "presentar")
PHASES = [
    (Phase.IN_FIELD.value, "Constatados"),
    (Phase.ISSUED.value, "Requeridos"),
    (Phase.IN_TERM.value, "En plazo"),
    (Phase.IN_DECISION.value, "Para verificar o decidir"),
    (Phase.RESOLVED.value, "Subsanados"),
    (Phase.IN_CASE.value, "A sumario"),
    (Phase.CLOSED.value, "Cerrados"),
    (Phase.DISMISSED.value, "Descartados"),
    (Phase.ANNULLED.value, "Anulados"),
]


class ActForm(FlaskForm):
    """The two moments of an act (working rule 3)."""

    happened_on = day_field("Fecha")
    scan = FileField("Constancia escaneada", description="PDF o fotografía.", render_kw=PICTURES)
    late_reason = TextAreaField(
        "Por qué se carga después",
        filters=[text_or_none],
        description="Si ocurrió antes de hoy; con la constancia escaneada.",
        render_kw={"rows": 2},
    )

    def details(self) -> Details:
        """What the act says of its moment."""
        upload = self.scan.data
        content = upload.read() if upload else b""
        return Details(
            happened_on=self.happened_on.data,
            late_reason=self.late_reason.data or "",
            scan_id=attachments.receive(content, "scan").file.id if content else None,
        )


class DeliveryForm(ActForm):
    """How the request reached the employer."""

    delivery = RadioField(
        "Cómo se entregó",
        choices=[(each.value, each.label) for each in Delivery],
        default=Delivery.SIGNED.value,
        validate_choice=False,
    )


class FilingForm(ActForm):
    """What the employer handed in."""

    description = TextAreaField("Qué presentó", filters=[text_or_none], render_kw={"rows": 4})
    file = FileField("Lo presentado", description="PDF o fotografía.", render_kw=PICTURES)


class VerificationForm(FlaskForm):
    """What the check showed."""

    verification = RadioField(
        "Resultado", choices=[(each.value, each.label) for each in Verification], validate_choice=False
    )
    verification_note = TextAreaField("Qué se verificó y cómo", filters=[text_or_none], render_kw={"rows": 4})
    verified_on = day_field("Fecha de la verificación")


class RosterForm(FlaskForm):
    """Workers typed, pasted or from a file."""

    name = StringField("Nombre o descripción", filters=[text_or_none], render_kw={"autocomplete": "off"})
    document_number = StringField("Documento", filters=[text_or_none], render_kw={"inputmode": "numeric"})
    period = StringField("Período", filters=[text_or_none])
    amount = Guaranies("Importe", [Optional()])
    roster = TextAreaField(
        "Pegar una lista",
        filters=[text_or_none],
        description="Una persona por línea: nombre; documento; período; importe. Sirve copiar de Excel.",
        render_kw={"rows": 6},
    )
    sheet = FileField("Archivo CSV", render_kw={"accept": ".csv,text/csv,text/plain"})


Line = tuple[Finding, Term | None]
"""A finding, and the term that counts."""


def _with_terms(block: Sequence[Finding]) -> list[Line]:
    """Each finding with the term that counts; one question for all of them."""
    terms = _running([row.id for row in block])
    return [(row, terms.get(row.id)) for row in block]


def _running(keys: list[int]) -> dict[int, Term]:
    """The term that counts of each finding: the newest that is not done with."""
    standing = (TermStatus.OPEN.value, TermStatus.SUSPENDED.value, TermStatus.OVERDUE.value)
    rows = Session.scalars(
        select(Term).where(Term.finding_id.in_(keys), Term.status.in_(standing)).order_by(Term.id)
    )
    return {row.finding_id: row for row in rows if row.finding_id is not None}


def _overdue(query: Any, _: Any) -> Any:
    """Findings that go on, with a term that is over."""
    late = or_(
        Term.status == TermStatus.OVERDUE.value,
        (Term.status == TermStatus.OPEN.value) & (Term.due_on < clock.today()),
    )
    goes_on = exists().where(
        ProcedureState.code == Finding.state,
        ProcedureState.version_code == Finding.version_code,
        ProcedureState.process_code == Finding.process_code,
        ProcedureState.final.is_(False),
    )
    return query.where(Finding.id.in_(select(Term.finding_id).where(late)), goes_on)


def _named(line: Line) -> str:
    finding = line[0]
    infraction = finding.infraction
    if infraction is not None:
        return f"{infraction.code} · {infraction.title}"
    return finding.facts if len(finding.facts) <= 60 else f"{finding.facts[:59]}…"


def _employer(line: Line) -> str:
    place = line[0].visit.establishment
    return (place.employer.legal_name or str(place.employer)) if place else ""


FINDINGS = Listing(
    kind=Finding,
    title="Hallazgos",
    columns=(
        Column(
            "hallazgo",
            "Hallazgo",
            lambda line: line[0].infraction.title if line[0].infraction else line[0].facts,
            _named,
            sort=Finding.id,
        ),
        Column("empleador", "Empleador", _employer, wide=True),
        Column("estado", "Estado", lambda line: mark(line[0])),
        Column("plazo", "Plazo", lambda line: line[1] and term_mark(line[1])),
        Column("oficina", "Oficina", lambda line: line[0].office.code, sort=Finding.office_id, tight=True),
        Column(
            "infraccion",
            "Infracción",
            lambda line: line[0].infraction and line[0].infraction.code,
            shown=False,
        ),
    ),
    filters=(
        in_phase(Finding, "phase", "Estado", PHASES),
        of_office(Finding, "office"),
        *by_days(Finding),
        Yes("overdue", "Solo vencidos", _overdue, main=True),
        *by_place(Finding),
    ),
    search=found(Finding),
    hint=HINT,
    base=lambda query: query.where(Finding.state.is_not(None)),
    load=(
        joinedload(Finding.infraction),
        joinedload(Finding.office),
        joinedload(Finding.visit).joinedload(Visit.establishment).joinedload(Establishment.employer),
    ),
    lines=_with_terms,
    order="-hallazgo",
    page=page_of,
    keys=[("Identificador público", lambda line: str(line[0].uuid))],
    empty="Todavía no hay hallazgos a su alcance: nacen de una respuesta que incumple, en una visita.",
)


class FindingView(ListView, BaseView):
    """Findings."""

    route_base = "/hallazgos"
    class_permission_name = "Finding"
    default_view = "list"

    listed = FINDINGS

    @expose("/")
    @has_access
    def list(self) -> Any:
        """The findings within one's scope, the newest first."""
        return self.drawn()

    @expose("/<int:pk>")
    @has_access
    @permission_name("show")
    def show(self, pk: int) -> Any:
        """A finding: what was found, its terms, what can be done."""
        finding = _load(pk)
        if finding.state is None:
            return redirect(url_for("VisitView.hallazgo", pk=finding.visit_id, key=pk))
        offers = moves.offers(finding)
        offered = {offer.move.code: offer for offer in offers}
        require = next((o for o in offers if findings.REQUEST in o.move.letters and o.allowed), None)
        hidden = [*OWN_SCREENS, *(c for c, result in RESULTS.items() if result != finding.verification)]
        if require is not None:
            hidden.append(require.move.code)
        terms = Session.scalars(
            select(Term).where(Term.finding_id == pk).options(joinedload(Term.type)).order_by(Term.id.desc())
        ).all()
        documents = Session.scalars(
            select(RecordDocument)
            .where(RecordDocument.finding_id == pk)
            .options(joinedload(RecordDocument.document).joinedload(Document.type))
            .order_by(RecordDocument.id.desc())
        )
        log = moves.history([finding])
        return self.render_template(
            "inspections/finding.html",
            finding=finding,
            outlook=outlook(finding, terms, log, offers, (*OWN_SCREENS, *RESULTS)),
            history=history_of(Finding, pk),
            title=finding.infraction.title if finding.infraction else "Hallazgo",
            mark=mark(finding),
            offers=offers,
            hidden=hidden,
            may_require=require is not None,
            may_deliver="abrir_plazo" in offered and finding.request_id is not None,
            may_file="presentar" in offered,
            may_verify=any(code in offered for code in RESULTS),
            terms=[(term, term_mark(term)) for term in terms],
            documents=[row.document for row in documents],
            log=log,
            held=held_of(log),
            affected=facts.affected(finding),
            roster=Session.scalar(
                select(func.count(AffectedWorker.id)).where(AffectedWorker.finding_id == pk)
            ),
            words={each.value: each.label for kind in (RemedyKind, Delivery, Verification) for each in kind},
            may_edit=self._may_edit(),
            may_list_people=self._may_list_people(),
        )

    @expose("/<int:pk>/entrega", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def deliver(self, pk: int) -> Any:
        """The request reached the employer."""

        def keep(finding: Finding, form: Any) -> None:
            findings.deliver(finding, form.delivery.data or "", form.details())

        help = "Desde la entrega corre el plazo. La firma del recibo o la negativa registrada valen."
        return self._act(pk, DeliveryForm, "Entrega del requerimiento", keep, "abrir_plazo", help)

    @expose("/<int:pk>/presentacion", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def filed(self, pk: int) -> Any:
        """What the employer handed in."""

        def keep(finding: Finding, form: Any) -> None:
            upload = form.file.data
            content = upload.read() if upload else b""
            before = finding.state
            findings.file(finding, form.description.data or "", content or None, form.details())
            if finding.state == before:
                flash(
                    "Llegó fuera de plazo: queda en el expediente y el hallazgo sigue como estaba.", "warning"
                )

        return self._act(pk, FilingForm, "Presentación del empleador", keep, "presentar", "")

    @expose("/<int:pk>/verificacion", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def verify(self, pk: int) -> Any:
        """The check of the remedy, and the step that follows from it."""

        def keep(finding: Finding, form: Any) -> None:
            findings.conclude(
                finding,
                form.verification.data or "",
                form.verification_note.data or "",
                form.verified_on.data,
            )

        return self._act(pk, VerificationForm, "Verificación", keep, tuple(RESULTS), "")

    def _act(
        self,
        pk: int,
        kind: type[Any],
        title: str,
        keep: Any,
        step: str | tuple[str, ...],
        help: str,
    ) -> Any:
        """The page of an act with a form of its own."""
        finding = _load(pk)
        wanted = (step,) if isinstance(step, str) else step
        if not any(offer.move.code in wanted for offer in moves.offers(finding)):
            flash("Ese paso no corresponde ahora a este hallazgo.", "warning")
            return redirect(page_of(finding))
        form = kind()
        if request.method == "POST" and valid(form):
            try:
                keep(finding, form)
            except DomainError as error:
                explain(form, error)
                Session.rollback()
                finding = _load(pk)
            else:
                flash(f"{title}: se registró.", "success")
                return redirect(page_of(finding))
        elif request.method == "GET":
            day = "happened_on" if "happened_on" in form else "verified_on"
            form[day].data = clock.today()
        return self.render_template(
            "inspections/finding_act.html",
            finding=finding,
            form=form,
            title=title,
            help=help,
            mark=mark(finding),
        )

    @expose("/<int:pk>/nomina", methods=["GET", "POST"])
    @has_access
    @permission_name("show")
    def roster(self, pk: int) -> Any:
        """The affected workers: as cited, and who was taken out."""
        finding = _load(pk)
        form = RosterForm()
        if request.method == "POST":
            if not self._may_list_people():
                raise NotAllowed()
            if valid(form):
                try:
                    added = findings.add_workers(finding, _workers(form))
                except DomainError as error:
                    explain(form, error)
                    Session.rollback()
                    finding = _load(pk)
                else:
                    flash(f"Se agregaron {added} personas a la nómina.", "success")
                    return redirect(url_for("FindingView.roster", pk=pk))
        after = request.args.get("despues", "")
        query = select(AffectedWorker).where(AffectedWorker.finding_id == pk)
        if (last := whole(after)) is not None:
            query = query.where(AffectedWorker.position > last)
        rows = Session.scalars(query.order_by(AffectedWorker.position).limit(ON_A_PAGE + 1)).all()
        total = Session.scalar(select(func.count(AffectedWorker.id)).where(AffectedWorker.finding_id == pk))
        return self.render_template(
            "inspections/finding_roster.html",
            finding=finding,
            form=form,
            title="Nómina de trabajadores afectados",
            mark=mark(finding),
            back=page_of(finding),
            rows=rows[:ON_A_PAGE],
            total=total,
            affected=facts.affected(finding),
            next_url=(
                url_for("FindingView.roster", pk=pk, despues=rows[ON_A_PAGE - 1].position)
                if len(rows) > ON_A_PAGE
                else None
            ),
            named=self.appbuilder.sm.has_access("can_list", "Worker"),
            may_edit=self._may_list_people(),
        )

    @expose("/<int:pk>/nomina/<int:key>/retirar", methods=["POST"])
    @has_access
    @permission_name("edit")
    def remove_worker(self, pk: int, key: int) -> Any:
        """Take a worker out of the count, with the reason."""
        finding = _load(pk)
        if not self._may_list_people():
            raise NotAllowed()
        worker = Session.get(AffectedWorker, key) if key < 2**31 else None
        if worker is None or worker.finding_id != finding.id:
            raise Missing()
        try:
            findings.remove_worker(worker, request.form.get("reason", ""))
        except RuleBroken as error:
            flash(error.message, "danger")
        else:
            flash("La persona se retiró de la cuenta; sigue en la nómina como citada.", "success")
        return redirect(url_for("FindingView.roster", pk=pk))

    def _may_edit(self) -> bool:
        return bool(self.appbuilder.sm.has_access("can_edit", "Finding"))

    def _may_list_people(self) -> bool:
        """Who may not read the names of affected workers adds and removes none: the fine counts them."""
        return self._may_edit() and bool(self.appbuilder.sm.has_access("can_edit", "Worker"))


def _load(pk: int) -> Finding:
    query = (
        select(Finding)
        .where(Finding.id == pk)
        .options(
            joinedload(Finding.infraction),
            joinedload(Finding.question),
            joinedload(Finding.request),
            joinedload(Finding.office),
            joinedload(Finding.visit).joinedload(Visit.establishment).joinedload(Establishment.employer),
            joinedload(Finding.visit).joinedload(Visit.order).joinedload(InspectionOrder.document),
            selectinload(Finding.filings),
        )
    )
    finding: Finding | None = Session.scalar(query) if pk < 2**31 else None
    if finding is None:
        raise Missing()
    return finding


def _workers(form: RosterForm) -> list[dict[str, Any]]:
    """Who is to be added: of the file, the pasted lines and the one typed. Raises RuleBroken."""
    found: list[dict[str, Any]] = []
    upload = form.sheet.data
    content = upload.read(LARGEST_LIST + 1) if upload else b""
    if len(content) > LARGEST_LIST:
        raise RuleBroken("El archivo pesa más de 5 MB: divídalo.", "sheet")
    if content:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", errors="replace")
        try:
            found += findings.parse_roster(text.replace("\x00", ""))
        except RuleBroken as error:
            error.field = "sheet"
            raise
    if form.roster.data:
        found += findings.parse_roster(form.roster.data)
    if form.name.data:
        names = ("name", "document_number", "period", "amount")
        found.append({name: form[name].data for name in names})
    elif form.document_number.data or form.period.data or form.amount.data:
        raise RuleBroken("Escriba el nombre o una descripción de la persona.", "name")
    if not found:
        g.sis_status = 422
        raise RuleBroken("Escriba una persona, pegue una lista o elija un archivo.", "name")
    return found
