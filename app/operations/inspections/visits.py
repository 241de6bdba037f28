"""Visits: planned, opened at the door, counted, signed. Its acta is issued by the move that ends it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing, NotAllowed, RuleBroken
from app.models.documents import SigningMode, StoredFile
from app.models.followup import RecordMove
from app.models.inspections import (
    AnnexStatus,
    HeadcountGroup,
    InspectionOrder,
    Party,
    Visit,
    VisitFile,
    VisitHeadcount,
    VisitInspector,
    VisitKind,
    VisitSignature,
)
from app.models.security import Account
from app.models.staff import Inspector
from app.operations import attachments, moves, records, second_factor
from app.operations.moves import Details
from app.operations.unit import act
from app.security.manager import proves
from app.security.principal import current
from app.workflow.definition import Phase

OPEN = (Phase.PLANNED, Phase.IN_FIELD)
FIELDS = frozenset(
    {
        "establishment_id",
        "planned_on",
        "happened_on",
        "started_at",
        "ended_at",
        "latitude",
        "longitude",
        "accuracy",
        "attended_by",
        "attended_document",
        "attended_post",
        "workers_representative",
        "work_domain",
        "live_in",
        "unhealthy_work",
        "documents_seen",
        "documents_requested",
        "narrative",
        "employer_statement",
        "workers_statement",
        "captured_on_device",
    }
)
"""What may be written on an open visit."""
GROUPS = {group.value: group for group in HeadcountGroup}


def plan(order: InspectionOrder, values: Mapping[str, Any], *, as_system: bool = False) -> Visit:
    """A visit of an order, with its designated inspectors. Raises RuleBroken, NotAllowed."""
    kind = values.get("kind") or VisitKind.INITIAL.value
    if kind not in {each.value for each in VisitKind}:
        raise RuleBroken("Elija el tipo de visita.", "kind")
    with act("visit.plan") as unit:
        unit.session.execute(  # two visits planned at once get two numbers
            select(InspectionOrder.id)
            .where(InspectionOrder.id == order.id)
            .with_for_update(of=InspectionOrder)
        )
        number = unit.session.scalar(select(func.max(Visit.number)).where(Visit.order_id == order.id)) or 0
        establishment = values.get("establishment_id")
        if establishment is None and len(order.places) == 1:
            establishment = order.places[0].establishment_id
        _check_place(order, establishment)
        visit = Visit(
            version_code=order.version_code,
            order=order,
            office_id=order.office_id,
            number=number + 1,
            kind=kind,
            establishment_id=establishment,
            planned_on=values.get("planned_on"),
        )
        moves.begin(visit, as_system=as_system)
        for person in order.designated:
            unit.session.add(VisitInspector(visit=visit, inspector_id=person.inspector_id))
        unit.session.flush()
    return visit


def start(visit: Visit, details: Details, values: Mapping[str, Any] | None = None) -> Visit:
    """Open a visit at the door: moment, point, establishment. Raises RuleBroken with every reason."""
    given = dict(values or {})
    with act("visit.start"):
        given.setdefault("started_at", clock.now())
        given["happened_on"] = details.happened_on or clock.local(given["started_at"]).date()
        write(visit, given)
        step = next(
            (m for m in moves.process_of(visit).moves_from(visit.state or "") if _begins(visit, m)), None
        )
        if step is None:
            raise RuleBroken("Esta visita ya comenzó o se cerró. Recargue la página.")
        moves.move(visit, step.code, details)
    return visit


def _begins(visit: Visit, step: Any) -> bool:
    return moves.process_of(visit).state(step.to_state).phase is Phase.IN_FIELD


def write(visit: Visit, values: Mapping[str, Any]) -> Visit:
    """Write on an open visit. Raises RuleBroken once its acta is signed."""
    with act("visit.write") as unit:
        row = editable(visit)
        clean = {name: value for name, value in values.items() if name in FIELDS}
        if "establishment_id" in clean and clean["establishment_id"] != row.establishment_id:
            _check_place(row.order, clean["establishment_id"])
            if row.annex == AnnexStatus.RATIFIED.value:
                raise RuleBroken(
                    "El anexo que nombra el establecimiento ya fue ratificado: no se cambia.",
                    "establishment_id",
                )
        _check_hours(row, clean)
        for name, value in clean.items():
            setattr(row, name, value.strip() or None if isinstance(value, str) else value)
        unit.session.flush()
    return row


def count(visit: Visit, rows: Iterable[Mapping[str, Any]]) -> None:
    """Keep the counts of workers: `group`, `men`, `women`. Raises RuleBroken at the group's field."""
    with act("visit.count") as unit:
        row = editable(visit)
        known = {each.group_code: each for each in row.headcounts}
        for given in rows:
            group = GROUPS.get(str(given["group"]))
            if group is None:
                raise RuleBroken("Ese grupo de trabajadores no existe.")
            men, women = given.get("men"), given.get("women")
            if men is None and women is None:
                continue
            if men is None or women is None or min(men, women) < 0 or max(men, women) > 999_999:
                raise RuleBroken("Escriba las dos cantidades; 0 si no hay.", f"count-{group.value}")
            found = known.get(group.value)
            if found is None:
                found = VisitHeadcount(visit_id=row.id, group_code=group.value, men=men, women=women)
                row.headcounts.append(found)
                known[group.value] = found
            found.men, found.women = men, women
        total = known.get(HeadcountGroup.TOTAL.value)
        for code, each in known.items():
            if total is not None and (each.men > total.men or each.women > total.women):
                label = GROUPS[code].label
                raise RuleBroken(f"«{label}» pasa del total: revise las cantidades.", f"count-{code}")
        unit.session.flush()


def attach(
    visit: Visit,
    content: bytes,
    caption: str,
    question_id: int | None = None,
    taken_at: datetime | None = None,
) -> VisitFile:
    """Keep a photograph or document of the visit. Raises RuleBroken."""
    with act("visit.attach") as unit:
        row = editable(visit)
        received = attachments.receive(content)
        file = VisitFile(
            visit_id=row.id,
            question_id=question_id,
            file_id=received.file.id,
            caption=caption.strip()[:300] or "Fotografía",
            sha256_original=received.sha256_original,
            taken_at=taken_at,
        )
        row.files.append(file)
        unit.session.flush()
    return file


def paper(visit: Visit) -> RecordMove | None:
    """The step that began a visit from its hand-written pack, with the scan; None for one kept here."""
    fields = [state.code for state in moves.process_of(visit).states if state.phase is Phase.IN_FIELD]
    return Session.scalars(
        select(RecordMove)
        .where(RecordMove.visit_id == visit.id, RecordMove.scan_id.is_not(None))
        .where(RecordMove.to_state.in_(fields))
        .order_by(RecordMove.id.desc())
        .limit(1)
    ).first()


def prove_by_paper(visit: Visit, question_ids: Iterable[int]) -> int:
    """The scan of the hand-written pack is the proof of these answers. How many. Raises RuleBroken."""
    with act("visit.prove_by_paper") as unit:
        row = editable(visit)
        step = paper(row)
        scan = unit.session.get(StoredFile, step.scan_id) if step is not None else None
        if scan is None:
            raise RuleBroken("Esta visita no tiene una carpeta escaneada: adjunte cada prueba.")
        keys = list(dict.fromkeys(question_ids))
        for key in keys:
            row.files.append(
                VisitFile(
                    visit_id=row.id,
                    question_id=key,
                    file_id=scan.id,
                    caption="Carpeta de visita escaneada",
                    sha256_original=scan.sha256,
                )
            )
        unit.session.flush()
    return len(keys)


def withdraw_file(file: VisitFile, reason: str) -> None:
    """Withdraw a proof from an open visit; it stays kept with its reason."""
    if not reason.strip():
        raise RuleBroken("Escriba por qué se retira la prueba.", "reason")
    with act("visit.withdraw_file", reason=reason) as unit:
        editable(file.visit)
        row = unit.session.get(VisitFile, file.id)
        if row is None:
            raise Missing()
        row.withdrawn_reason = reason.strip()
        unit.session.flush()


# Signatures


def mark_presence(visit: Visit, inspector_id: int, present: bool, reason: str = "") -> None:
    """Whether a designated inspector was there; an absent one has his reason (working rule 11)."""
    with act("visit.presence") as unit:
        row = _of_team(editable(visit, signing=True), inspector_id)
        if not present and not reason.strip():
            raise RuleBroken("Escriba por qué no estuvo presente.", f"reason-{inspector_id}")
        if not present and row.signed_at is not None:
            raise RuleBroken("Esta persona ya firmó: estuvo presente.", f"reason-{inspector_id}")
        row.present, row.absence_reason = present, None if present else reason.strip()
        unit.session.flush()


def sign_as_inspector(
    visit: Visit, inspector_id: int, *, password: str = "", drawing: bytes | None = None
) -> None:
    """An inspector signs the acta: with his password, or drawing on the leader's device.

    On another's device he gives his own password, which confirms him at once; a drawing alone waits for his
    confirmation by his own log-in. Raises RuleBroken, NotAllowed.
    """
    with act("visit.sign") as unit:
        visit = editable(visit, signing=True)
        _check_in_field(visit)
        row = _of_team(visit, inspector_id)
        if not row.present:
            raise RuleBroken("Está marcado como ausente: corrija la presencia antes de firmar.")
        account = Session.get(Account, row.inspector.account_id) if row.inspector.account_id else None
        if password:
            if account is None or not proves(account, password):
                raise RuleBroken("La contraseña no es correcta.", f"password-{inspector_id}", "password")
            second_factor.demand(account)
            row.signing_mode, row.confirmed_at = SigningMode.ELECTRONIC.value, clock.now()
        elif drawing:
            row.signature_file_id = attachments.receive(drawing, f"drawing-{inspector_id}").file.id
            row.signing_mode = SigningMode.DRAWN.value
            own = account is not None and account.id == current().account_id
            row.confirmed_at = clock.now() if own else None
        else:
            raise RuleBroken("Firme con su contraseña o dibuje su firma.", f"password-{inspector_id}")
        row.signed_at = clock.now()
        unit.session.flush()


def confirm_signature(visit: Visit) -> None:
    """An inspector who signed on a colleague's device confirms by his own log-in."""
    with act("visit.confirm_signature") as unit:
        inspector = Session.scalar(select(Inspector).where(Inspector.account_id == current().account_id))
        if inspector is None:
            raise NotAllowed("Solo un inspector confirma su propia firma.")
        row = _of_team(visit, inspector.id)
        if row.signed_at is None or row.confirmed_at is not None:
            raise RuleBroken("No hay una firma suya pendiente de confirmar.")
        row.confirmed_at = clock.now()
        unit.session.flush()


def sign_as_party(
    visit: Visit, values: Mapping[str, Any], drawing: bytes | None = None, *, on_paper: bool = False
) -> VisitSignature:
    """The signature of the employer's side, the workers or a witness, or the refusal. Raises RuleBroken.

    `on_paper`: the hand-written acta whose scan is attached bears the signature.
    """
    party, name = values.get("party"), (values.get("name") or "").strip()
    refusal = (values.get("refusal") or "").strip()
    if party not in {each.value for each in Party}:
        raise RuleBroken("Elija por quién firma.", "party")
    if not name:
        raise RuleBroken("Escriba el nombre; si no quiso darlo, una descripción de la persona.", "name")
    if not drawing and not refusal and not on_paper:
        raise RuleBroken("Dibuje la firma, o registre la negativa con su motivo.", "refusal")
    with act("visit.sign_party") as unit:
        row = editable(visit, signing=True)
        _check_in_field(row)
        if on_paper and paper(row) is None:
            raise RuleBroken("Falta el escaneo del acta firmada en papel.", "refusal")
        for old in [s for s in row.signatures if s.party == party and party != Party.WITNESS.value]:
            row.signatures.remove(old)
            unit.session.delete(old)
        signature = VisitSignature(
            visit_id=row.id,
            party=party,
            name=name,
            document_number=(values.get("document_number") or "").strip() or None,
            post=(values.get("post") or "").strip() or None,
            refusal=refusal or None,
        )
        if not refusal and drawing:
            signature.signature_file_id = attachments.receive(drawing, "drawing").file.id
            signature.signing_mode, signature.signed_at = SigningMode.DRAWN.value, clock.now()
        elif not refusal:
            signature.signing_mode, signature.signed_at = SigningMode.HANDWRITTEN.value, clock.now()
        row.signatures.append(signature)
        unit.session.flush()
    return signature


def withdraw_signatures(visit: Visit) -> None:
    """Take back what was signed on an open visit, to correct it; the trail keeps who had signed."""
    with act("visit.withdraw_signatures"):
        void_signatures(editable(visit, signing=True))


def void_signatures(visit: Visit) -> None:
    """Signatures on an annulled acta do not sign the next one; the trail keeps them."""
    for person in visit.inspectors:
        person.signed_at = person.confirmed_at = None
        person.signing_mode = person.signature_file_id = None
    for signature in list(visit.signatures):
        visit.signatures.remove(signature)
        Session.delete(signature)
    Session.flush()


def hand_over(visit: Visit, means: str) -> None:
    """How the employer got his copy of the signed acta."""
    with act("visit.hand_over") as unit:
        row = unit.session.get(Visit, visit.id, populate_existing=True)
        if row is None or row.document_id is None:
            raise RuleBroken("Primero firme el acta: la copia se entrega después.")
        row.copy_means = means or None
        unit.session.flush()


# Rules


def editable(visit: Visit, signing: bool = False) -> Visit:
    """The visit, locked, if it can still be written on. Raises RuleBroken, Missing.

    What somebody signed is not written on: his signature is withdrawn first (`withdraw_signatures`).
    """
    row = records.locked(Visit, visit.id)
    if row.document_id is not None:
        raise RuleBroken(
            "El acta de esta visita está firmada: solo se corrige con un acta complementaria.", code="signed"
        )
    state = moves.state_of(row)
    if state is None or state.phase not in OPEN:
        raise RuleBroken("Esta visita está cerrada: no admite cambios.", code="closed")
    mine = (
        [each for each in row.order.team if each.inspector.account_id == current().account_id]
        if row.order
        else []
    )
    if mine and all(each.until is not None for each in mine):
        raise NotAllowed("Usted fue sustituido en esta orden: ya no escribe en sus visitas.")
    if not signing and signed_by_some(row):
        raise RuleBroken(
            "Ya hay firmas sobre lo escrito. Para corregir, retírelas en «Firmas» y vuelvan a firmar.",
            code="signed_by_some",
        )
    return row


def signed_by_some(visit: Visit) -> bool:
    """Whether somebody signed on the screen what is written; a paper is transcribed after it was signed."""
    paper = SigningMode.HANDWRITTEN.value
    return any(row.signed_at is not None and row.signing_mode != paper for row in visit.inspectors) or any(
        row.signing_mode != paper for row in visit.signatures
    )


def _check_in_field(visit: Visit) -> None:
    state = moves.state_of(visit)
    if state is None or state.phase is not Phase.IN_FIELD:
        raise RuleBroken("Inicie la visita antes de firmar.")


def _check_place(order: InspectionOrder | None, establishment_id: int | None) -> None:
    """An order that names its establishments is not carried out elsewhere."""
    if order is None or establishment_id is None or not order.places:
        return
    if establishment_id not in {place.establishment_id for place in order.places}:
        raise RuleBroken(
            "La orden no alcanza a ese establecimiento: elija uno de los que nombra.", "establishment_id"
        )


def _check_hours(row: Visit, clean: Mapping[str, Any]) -> None:
    started = clean.get("started_at", row.started_at)
    ended = clean.get("ended_at", row.ended_at)
    now = clock.now()
    if started is not None and started > now:
        raise RuleBroken("La hora de inicio está en el futuro.", "started_at")
    if ended is not None and (started is None or ended < started):
        raise RuleBroken("La visita termina antes de empezar: corrija las horas.", "ended_at")
    happened: date | None = clean.get("happened_on", row.happened_on)
    if happened is not None and happened > clock.today():
        raise RuleBroken("La fecha de la visita está en el futuro.", "happened_on")


def _of_team(visit: Visit, inspector_id: int) -> VisitInspector:
    found = next((row for row in visit.inspectors if row.inspector_id == inspector_id), None)
    if found is None:
        raise RuleBroken("Esa persona no está designada en esta visita.")
    return found
