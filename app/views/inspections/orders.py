"""Orders: their list, the draft's form with inspectors and workload, the page of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload, selectinload
from wtforms import BooleanField, FileField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired

from app.core import clock
from app.core.base import Session
from app.core.errors import DomainError, Missing, RuleBroken
from app.models.catalogs import Office
from app.models.checklists import ChecklistVersion
from app.models.followup import Term, TermStatus, owner_column
from app.models.inspections import (
    InspectionOrder,
    OrderChecklist,
    OrderEstablishment,
    OrderInspector,
    OrderKind,
    OrderOrigin,
    Priority,
    Shift,
    VisitKind,
)
from app.models.norms import InfractionArea
from app.models.registry import Employer, Establishment
from app.models.staff import Brigade, Inspector
from app.operations import moves, papers, procedures, transfers
from app.operations.inspections import facts, letters, orders, reassign, visits
from app.operations.moves import Details
from app.security.principal import current
from app.security.scope import may_write
from app.views.base import explain, valid, version_sent
from app.views.exports import keys
from app.views.history import history_of
from app.views.inspections.outlook import next_due, outlook
from app.views.inspections.searched import HINT, by_days, by_place, found, in_phase
from app.views.inspections.shown import mark, page_of, place_of, term_mark, validity
from app.views.inspections.steps import SignedForm, StepForm, counted, details_of, fit, held_of, pdf
from app.views.inspections.transfers import transfer_mark
from app.views.lists import Button, Column, Listing, ListView, OfRecord, Yes, of_office
from app.views.references import ReferenceField, by_key
from app.views.widgets import ChoiceField, day_field, text_or_none, whole
from app.workflow.definition import Phase

WHOLE = (
    joinedload(InspectionOrder.document),
    joinedload(InspectionOrder.office),
    joinedload(InspectionOrder.checklists)
    .joinedload(OrderChecklist.checklist_version)
    .joinedload(ChecklistVersion.checklist),
    joinedload(InspectionOrder.team).joinedload(OrderInspector.inspector),
    selectinload(InspectionOrder.places)
    .joinedload(OrderEstablishment.establishment)
    .options(joinedload(Establishment.employer), joinedload(Establishment.district)),
)
"""What the page of an order shows of the order itself, in two questions."""
LISTS = (
    joinedload(InspectionOrder.places),
    joinedload(InspectionOrder.checklists),
    joinedload(InspectionOrder.team),
)
"""What the form of a draft is filled with, beside its own fields."""
SUBSTITUTION = "OI-SUS"
PHASES = (Phase.PLANNED, Phase.ISSUED, Phase.IN_FIELD, Phase.IN_REPORT, Phase.CLOSED, Phase.ANNULLED)
REQUIRED = "Este dato es obligatorio."


def _choices(kind: Any) -> list[tuple[str, str]]:
    return [(each.value, each.label) for each in kind]


class PersonForm(FlaskForm):
    """Somebody for the team who is not among the inspectors listed."""

    person = ReferenceField(
        Inspector, False, label="Otro inspector", description="Por apellido, nombre o código."
    )

    def added_to(self, team: list[int]) -> bool:
        """Whether the button that adds somebody was pressed; the form is then drawn again, nothing saved."""
        if "add_person" not in request.form:
            return False
        field = self.person
        if field.validate(self) and field.data is not None:
            team[:] = dict.fromkeys([*team, field.data])
            field.data, field.typed = None, ""
        else:
            field.errors = ["Busque al inspector y elíjalo de la lista."]
        return True


class OrderForm(PersonForm):
    """A draft. Places and team are lists that the template draws."""

    kind = ChoiceField("Clase de orden", choices=_choices(OrderKind), coerce=str)
    origin = ChoiceField("Modo de inicio", choices=_choices(OrderOrigin), coerce=str)
    priority = ChoiceField("Prioridad", choices=_choices(Priority), coerce=str, default=Priority.P3.value)
    office_id = SelectField("Oficina", coerce=lambda v: int(v) if v else None, validate_choice=False)
    place = ReferenceField(
        Establishment,
        False,
        depends_on=("employer", "employer_id"),
        creates=True,
        label="Establecimiento",
        description="Por nombre, dirección o sucursal; elija antes el empleador para ver los suyos.",
    )
    employer = ReferenceField(
        Employer, False, creates=True, label="Empleador", description="Por nombre o RUC."
    )
    zone = StringField("Zona", filters=[text_or_none], description="Solo en una orden de turno o abierta.")
    period_from = day_field("Período examinado, desde")
    period_to = day_field("Período examinado, hasta")
    shift = ChoiceField("Turno", choices=_choices(Shift), coerce=str, default=Shift.DAY.value)
    instructions = TextAreaField(
        "Instrucciones", filters=[text_or_none], description="Se imprimen en la orden."
    )
    requires_authorisation = BooleanField(
        "Es un domicilio particular",
        description="Exige consentimiento o autorización judicial antes de entrar.",
    )
    absence_confirmed = BooleanField("Designar igual a quien está ausente en el período")

    def offer(self) -> None:
        """Fill the list of offices: one's own first."""
        rows = Session.execute(select(Office.id, Office.code, Office.name).order_by(Office.code)).all()
        own = current().offices
        self.office_id.choices = [
            (key, f"{code} · {name}") for key, code, name in sorted(rows, key=lambda row: row[0] not in own)
        ]


class TeamForm(StepForm):
    """A substitution: what its document needs, and whether somebody absent may enter."""

    absence_confirmed = BooleanField("Designar aunque esté ausente en el período")


class ReassignForm(SignedForm):
    """Who leads several orders from now on, and why."""

    leader = ReferenceField(
        Inspector,
        False,
        label="Nuevo líder",
        description="Por apellido, nombre o código.",
        validators=[InputRequired(REQUIRED)],
    )
    reason = TextAreaField(
        "Motivo",
        [InputRequired(REQUIRED)],
        filters=[text_or_none],
        description="Se imprime en las sustituciones.",
        render_kw={"rows": 2},
    )
    absence_confirmed = BooleanField("Designar aunque esté ausente en el período")


class VisitForm(FlaskForm):
    """A visit to plan."""

    kind = ChoiceField("Tipo de visita", choices=_choices(VisitKind), coerce=str)
    planned_on = day_field("Programada para")


class AuthorisationForm(FlaskForm):
    """Consent or court authorisation to enter a home."""

    authorisation = StringField(
        "Quién consintió o autorizó",
        [InputRequired(REQUIRED)],
        description="Persona o juzgado, número y fecha. Se imprime en la orden.",
    )
    authorisation_file = FileField("Documento", render_kw={"accept": "application/pdf,image/*"})


def _leader(order: InspectionOrder) -> str:
    return next((each.inspector.full_name for each in order.designated if each.leader), "")


def _overdue(query: Any, _: Any) -> Any:
    overdue = select(Term.order_id).where(Term.status == TermStatus.OPEN.value, Term.due_on < clock.today())
    return query.where(InspectionOrder.id.in_(overdue))


def _designated(inspectors: Any) -> Any:
    """The orders on whose team one of these inspectors stands."""
    seats = select(OrderInspector.order_id).where(OrderInspector.until.is_(None))
    return InspectionOrder.id.in_(seats.where(OrderInspector.inspector_id.in_(inspectors)))


def _mine(query: Any, _: Any) -> Any:
    return query.where(_designated(select(Inspector.id).where(Inspector.account_id == current().account_id)))


def _shown(team: Callable[..., Any]) -> tuple[Any, ...]:
    """What a row of the list shows; the team by this strategy."""
    return (
        joinedload(InspectionOrder.document),
        joinedload(InspectionOrder.office),
        team(InspectionOrder.team).joinedload(OrderInspector.inspector),
        selectinload(InspectionOrder.places)
        .joinedload(OrderEstablishment.establishment)
        .joinedload(Establishment.employer),
    )


ORDERS = Listing(
    kind=InspectionOrder,
    title="Órdenes de inspección",
    columns=(
        Column("orden", "Orden", lambda row: row.number, sort=InspectionOrder.id, tight=True),
        Column("lugar", "Empleador y lugar", place_of, wide=True),
        Column("estado", "Estado", mark),
        Column("lider", "Líder", _leader),
        Column(
            "vigencia", "Primera visita hasta", lambda row: row.valid_until, sort=InspectionOrder.valid_until
        ),
        Column("oficina", "Oficina", lambda row: row.office.code, sort=InspectionOrder.office_id, tight=True),
        Column(
            "equipo",
            "Inspectores",
            lambda row: ", ".join(each.inspector.full_name for each in row.designated),
            shown=False,
        ),
        Column("prioridad", "Prioridad", lambda row: letters.said(Priority, row.priority), shown=False),
        Column("inicio", "Modo de inicio", lambda row: letters.said(OrderOrigin, row.origin), shown=False),
        Column(
            "firmada",
            "Vigente desde",
            lambda row: row.valid_from,
            sort=InspectionOrder.valid_from,
            shown=False,
        ),
    ),
    filters=(
        in_phase(InspectionOrder, "fase", "Etapa", [(phase.value, phase.label) for phase in PHASES], "Todas"),
        of_office(InspectionOrder),
        *by_days(InspectionOrder),
        *by_place(InspectionOrder),
        OfRecord(
            "inspector",
            "Inspector",
            lambda query, value: query.where(_designated([value])),
            kind=Inspector,
        ),
        Yes("mias", "Donde estoy designado", _mine),
        Yes("vencidas", "Con la vigencia vencida", _overdue),
    ),
    search=found(InspectionOrder),
    hint=HINT,
    load=_shown(joinedload),
    streamed=_shown(selectinload),
    order="-orden",
    page=page_of,
    keys=keys(InspectionOrder),
    empty="Todavía no hay órdenes a su alcance.",
    add=Button("Nueva orden", "OrderView.add", ("can_add", "InspectionOrder")),
    bulk=(Button("Reasignar", "OrderView.reassign", ("can_edit", "InspectionOrder"), "user-circle"),),
)


class OrderView(ListView, BaseView):
    """Inspection orders and their files."""

    route_base = "/ordenes"
    class_permission_name = "InspectionOrder"
    default_view = "list"
    listed = ORDERS

    @expose("/nueva", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def add(self) -> Any:
        """A new draft; from the page of an establishment or employer, `establecimiento=` once or more."""
        form = OrderForm()
        lists = _sent_lists()
        if request.method == "GET":
            form.office_id.data = next(iter(current().offices), None)
            lists["places"] = [
                place.id for place in _places(_numbers(request.args.getlist("establecimiento")))
            ]
            lists["checklists"] = _usual_checklists()
        elif self._rearranged(form, lists):
            pass
        elif valid(form):
            try:
                made = self._create(form, lists)
            except DomainError as error:
                explain(form, error)
            else:
                flash(
                    "Proyecto de orden guardado." if len(made) == 1 else f"{len(made)} proyectos guardados.",
                    "success",
                )
                return redirect(page_of(made[0]) if len(made) == 1 else url_for("OrderView.list"))
        return self._form(form, lists, "Nueva orden de inspección", None)

    def _create(self, form: OrderForm, lists: dict[str, Any]) -> list[InspectionOrder]:
        values = {**_values(form), **lists}
        if request.form.get("one_each") and len(lists["places"]) > 1:
            return orders.create_several({**values, "kind": OrderKind.ESTABLISHMENT.value})
        return [orders.create(values)]

    @expose("/<int:pk>/editar", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def edit(self, pk: int) -> Any:
        """Change a draft."""
        order = self._order(pk, () if request.method == "POST" else LISTS)
        form = OrderForm(obj=None if request.method == "POST" else order)
        lists = _sent_lists()
        if request.method == "GET":
            lists = {
                "places": [place.establishment_id for place in order.places],
                "checklists": [row.checklist_version_id for row in order.checklists],
                "matters": [*order.matters],
                "team": [each.inspector_id for each in order.designated],
            }
        elif self._rearranged(form, lists):
            pass
        elif valid(form):
            try:
                orders.change(order, {**_values(form), **lists}, version_sent())
            except DomainError as error:
                explain(form, error)
            else:
                flash("Cambios guardados.", "success")
                return redirect(page_of(order))
        return self._form(form, lists, f"Editar {order}", order)

    def _rearranged(self, form: OrderForm, lists: dict[str, Any]) -> bool:
        """Adding or taking out a place, or a brigade, draws the form again and saves nothing."""
        if "add_place" in request.form:
            form.place.validate(form)
            if form.place.data is None:
                form.place.errors = ["Busque el establecimiento y elíjalo de la lista."]
            elif form.place.data not in lists["places"]:
                lists["places"].append(form.place.data)
                form.place.data, form.place.typed = None, ""
            return True
        for name in request.form:
            if name.startswith("drop_place-"):
                dropped = whole(name.removeprefix("drop_place-"))
                lists["places"] = [key for key in lists["places"] if key != dropped]
                return True
        if "use_brigade" in request.form:
            brigade = by_key(Brigade, request.form.get("brigade", ""))
            if brigade is not None:
                members = [member.inspector_id for member in brigade.members]
                members.sort(key=lambda key: key != brigade.leader_id)
                lists["team"] = members
            return True
        return "refresh" in request.form or form.added_to(lists["team"])

    @expose("/<int:pk>")
    @has_access
    @permission_name("show")
    def show(self, pk: int) -> Any:
        """The file: the order, its visits, findings, report, terms, documents, steps."""
        order = self._order(pk, WHOLE)
        found_visits = facts.visits_of(order)
        found = facts.findings_of(order)
        report = facts.report_of(order)
        records = [order, *found_visits, *found, *([report] if report else [])]
        terms = Session.scalars(
            select(Term)
            .where(or_(*(getattr(Term, owner_column(record)) == record.id for record in records)))
            .options(joinedload(Term.type))
            .order_by(Term.id.desc())
        ).all()
        log = moves.history(records)
        mine = may_write(order)
        offers = moves.offers(order, {"visits": found_visits}) if mine else []
        is_draft = order.document_id is None and self._is_draft(order)
        may_visit = (
            mine
            and self._may("can_edit", "Visit")
            and facts.phase_of(order) in (Phase.ISSUED, Phase.IN_FIELD)
        )
        return self.render_template(
            "inspections/order.html",
            title=str(order),
            trail=order,
            order=order,
            mark=mark(order),
            outlook=outlook(order, terms, log, offers),
            due=next_due(terms),
            place=place_of(order),
            leader=next((each.inspector.full_name for each in order.designated if each.leader), ""),
            standing=[visit for visit in found_visits if facts.phase_of(visit) in facts.STANDING],
            marks={(record.process, record.id): mark(record) for record in records},
            offers=offers,
            substitution=next((o.move.code for o in offers if SUBSTITUTION in o.move.letters), None),
            visits=found_visits,
            findings=found,
            report=report,
            terms=[(term, term_mark(term)) for term in terms],
            documents=papers.documents_of_file(records),
            log=log[:40],
            held=held_of(log),
            may_review=mine and self._may("can_review", "Step"),
            may_edit=mine and self._may("can_edit") and is_draft,
            mine=mine,
            validity=validity(order),
            elsewhere=orders.open_elsewhere([p.establishment_id for p in order.places], order.id)
            if is_draft
            else [],
            passes=[(row, transfer_mark(row)) for row in transfers.of_order(order)],
            may_pass=self._may("can_add", "FileTransfer") and transfers.may_ask(order),
            may_visit=may_visit and order.document_id is not None,
            visit_form=VisitForm(),
            matters=letters.matters(order),
            labels={
                "kind": letters.said(OrderKind, order.kind),
                "origin": letters.said(OrderOrigin, order.origin),
                "priority": letters.said(Priority, order.priority),
                "shift": letters.said(Shift, order.shift),
                "visit": {each.value: each.label for each in VisitKind},
            },
            history=history_of(InspectionOrder, order.id),
            version=procedures.version(order.version_code),
        )

    def _is_draft(self, order: InspectionOrder) -> bool:
        start = moves.process_of(order).start
        return start is not None and order.state == start.state

    @expose("/<int:pk>/visita", methods=["POST"])
    @has_access
    @permission_name("show")
    def visit(self, pk: int) -> Any:
        """Plan a visit."""
        order = self._order(pk)
        if not self._may("can_edit", "Visit"):
            raise Missing()
        form = VisitForm()
        if not form.validate():
            flash("Revise el tipo y la fecha de la visita.", "danger")
            return redirect(page_of(order))
        try:
            visit = visits.plan(order, {"kind": form.kind.data, "planned_on": form.planned_on.data})
        except RuleBroken as error:
            flash(error.message, "danger")
            return redirect(page_of(order))
        return redirect(page_of(visit))

    @expose("/<int:pk>/autorizacion", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def authorise(self, pk: int) -> Any:
        """Attach the consent or the court's authorisation to enter a home."""
        order = self._order(pk)
        form = AuthorisationForm(obj=None if request.method == "POST" else order)
        if request.method == "POST" and valid(form):
            upload = form.authorisation_file.data
            try:
                orders.authorise_entry(order, form.authorisation.data, upload.read() if upload else b"")
            except DomainError as error:
                explain(form, error)
            else:
                flash("Autorización adjuntada.", "success")
                return redirect(page_of(order))
        return self.render_template(
            "inspections/simple.html",
            title="Consentimiento o autorización judicial",
            record=order,
            form=form,
            back=page_of(order),
            button="Adjuntar",
        )

    @expose("/<int:pk>/equipo", methods=["GET", "POST"])
    @has_access
    @permission_name("show")
    def team(self, pk: int) -> Any:
        """Substitute or add inspectors of a signed order, by a document of its own."""
        order = self._order(pk)
        offer = next((o for o in moves.offers(order) if SUBSTITUTION in o.move.letters), None)
        if offer is None:
            raise Missing()
        form, who = TeamForm(), PersonForm()
        types = [papers.kind_of(code) for code in offer.move.letters]
        signers = [
            (one.account_id, str(one)) for one in papers.signatories(order, SUBSTITUTION, clock.today())
        ]
        fit(form, offer.move, types, signers, order)
        if "seal" in form:
            del form.seal
        team = _sent_team() if request.method == "POST" else [each.inspector_id for each in order.designated]
        if request.method == "GET":
            form.happened_on.data = clock.today()
        elif not who.added_to(team) and valid(form):
            try:
                done = self._substituted(order, team, form)
            except DomainError as error:
                explain(form, error)
            else:
                return done
        return self.render_template(
            "inspections/team.html",
            title="Sustituir o agregar inspectores",
            order=order,
            form=form,
            offer=offer,
            printed=papers.reserved_of(order, SUBSTITUTION),
            **_choice(who, order.office_id, [place.establishment_id for place in order.places], team),
            back=page_of(order),
        )

    def _substituted(self, order: InspectionOrder, team: list[int], form: TeamForm) -> Any:
        """What the button asks: the draft, the paper to sign by hand, or the substitution itself."""
        details: Details = details_of(form)
        if request.form.get("go") == "draft":
            return pdf(orders.draft_substitution(order, team, details), f"Borrador {SUBSTITUTION}.pdf")
        if request.form.get("go") == "print":
            document, content = orders.print_substitution(order, team, details)
            return pdf(content, f"{document.number} para firmar.pdf")
        with counted(details.password):
            orders.substitute(order, team, details)
        flash("Sustitución hecha: el documento está en el expediente.", "success")
        return redirect(page_of(order))

    @expose("/reasignar", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def reassign(self) -> Any:
        """Give the ticked orders another leader: what will happen, then what happened to each."""
        keys = _numbers(request.values.getlist("fila"))[: reassign.MOST]
        chosen = Session.scalars(
            select(InspectionOrder).where(InspectionOrder.id.in_(keys)).options(*ORDERS.load)
        ).unique()
        rows = [(order, place_of(order), mark(order), _leader(order)) for order in chosen]
        if not rows:
            flash("Elija en la lista las órdenes que se reasignan.", "warning")
            return redirect(url_for("OrderView.list"))
        form, outcomes = ReassignForm(), None
        signed = next((order for order, *_ in rows if order.document_id), None)
        signers = papers.signatories(signed, SUBSTITUTION, clock.today()) if signed else []
        may_sign = signed is not None and papers.signs(signed, SUBSTITUTION, clock.today()) is not None
        if not may_sign:
            del form.password
        if request.method == "POST" and valid(form):
            details = Details(
                happened_on=clock.today(),
                reason=form.reason.data or "",
                password=(form.password.data or "") if form.password else "",
                absence_confirmed=form.absence_confirmed.data,
            )
            try:
                with counted(details.password):
                    outcomes = reassign.reassign(keys, form.leader.data, details)
            except DomainError as error:
                explain(form, error)
        return self.render_template(
            "inspections/reassign.html",
            may_sign=may_sign,
            signers=[str(one) for one in signers],
            possible=may_sign or any(order.document_id is None for order, *_ in rows),
            title="Reasignar órdenes",
            orders=rows,
            form=form,
            outcomes=outcomes,
        )

    @expose("/<int:pk>/carpeta")
    @has_access
    @permission_name("show")
    def pack(self, pk: int) -> Any:
        """The visit pack: blank acta and checklists, to fill in by hand (working rule 7)."""
        order = self._order(pk)
        return pdf(letters.pack_pdf(order), f"Carpeta de visita {order.number}.pdf")

    def _form(self, form: OrderForm, lists: dict[str, Any], title: str, order: InspectionOrder | None) -> Any:
        form.offer()
        return self.render_template(
            "inspections/order_form.html",
            title=title,
            form=form,
            order=order,
            version=request.form.get("_version") or (order.version if order else ""),
            places=_places(lists["places"]),
            lists=lists,
            areas=Session.scalars(select(InfractionArea).order_by(InfractionArea.position)).all(),
            checklists=Session.scalars(
                select(ChecklistVersion)
                .where(or_(orders.checklists_in_force(), ChecklistVersion.id.in_(lists["checklists"])))
                .order_by(ChecklistVersion.checklist_code, ChecklistVersion.number.desc())
            ).all(),
            brigades=Session.scalars(select(Brigade).order_by(Brigade.code)).all(),
            **_choice(form, form.office_id.data, lists["places"], lists["team"]),
            elsewhere=orders.open_elsewhere(lists["places"], order.id if order else None),
            back=page_of(order) if order else url_for("OrderView.list"),
        )

    def _order(self, pk: int, options: Sequence[Any] = ()) -> InspectionOrder:
        order: InspectionOrder | None = None
        if pk < 2**31:
            order = Session.get(InspectionOrder, pk, options=options)
        if order is None:
            raise Missing()
        return order

    def _may(self, permission: str, resource: str = "InspectionOrder") -> bool:
        return bool(self.appbuilder.sm.has_access(permission, resource))


def _values(form: OrderForm) -> dict[str, Any]:
    names = set(orders.FIELDS) & set(form._fields)
    return {name: form[name].data for name in names}


def _places(keys: Sequence[int]) -> list[Establishment]:
    """These establishments, in this order, with what a line shows; who gave way to another is left out."""
    query = select(Establishment).where(Establishment.id.in_(keys), Establishment.merged_into_id.is_(None))
    query = query.options(joinedload(Establishment.employer), joinedload(Establishment.district))
    return sorted(Session.scalars(query), key=lambda place: keys.index(place.id))


def _choice(
    who: PersonForm, office_id: int | None, places: Sequence[int], team: Sequence[int]
) -> dict[str, Any]:
    """What the table of inspectors is drawn from; the look-up beside it once they are too many to list."""
    loads = orders.workloads(office_id, places, team)
    return {"team": team, "workloads": loads, "who": who if len(loads) == orders.OFFERED else None}


def _numbers(sent: Iterable[str]) -> list[int]:
    return list(
        dict.fromkeys(int(text) for text in sent if text.isascii() and text.isdigit() and len(text) < 10)
    )


def _sent_team() -> list[int]:
    """The designated inspectors, the leader first."""
    team, leader = _numbers(request.form.getlist("team")), _numbers(request.form.getlist("leader"))
    return sorted(team, key=lambda key: key not in leader)


def _sent_lists() -> dict[str, Any]:
    return {
        "places": _numbers(request.form.getlist("places")),
        "checklists": _numbers(request.form.getlist("checklists")),
        "matters": request.form.getlist("matters"),
        "team": _sent_team(),
    }


def _usual_checklists() -> list[int]:
    """The general checklist is proposed; the others are chosen."""
    query = select(ChecklistVersion.id).where(
        ChecklistVersion.checklist_code == "CL-GEN", orders.checklists_in_force()
    )
    return list(Session.scalars(query.order_by(ChecklistVersion.number.desc()).limit(1)))
