"""Inspections for machines: orders, visits, findings, reports and documents to read, and their steps.

A step is the one of the button: the same judgement and the same operation. What is signed is signed by a
person, so a step that issues a document is no machine's.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from datetime import date
from typing import Any

from flask import Response
from flask_appbuilder.api import expose
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from app.core.errors import Missing, NotAllowed, RuleBroken
from app.exchange.resources import (
    KEPT,
    Field,
    Malformed,
    Resource,
    Schema,
    key_schema,
    refer,
    reference,
    shown,
)
from app.models.documents import Document
from app.models.followup import RecordDocument
from app.models.inspections import (
    FinalReport,
    Finding,
    InspectionOrder,
    OrderEstablishment,
    OrderInspector,
    Visit,
)
from app.models.machines import KeyScope
from app.models.registry import Establishment
from app.models.staff import Inspector
from app.operations import attachments, files, moves
from app.operations.moves import Details
from app.views.api.base import Api, ByUuid, Operation, answered, body, describe, door
from app.views.inspections.steps import pdf
from app.workflow.definition import Phase
from app.workflow.engine import MoveOffer

TEXT: Schema = {"type": "string", "maxLength": moves.LONGEST_REASON, "pattern": KEPT}
STEP: Schema = {
    "type": "object",
    "properties": {
        "happened_on": {
            "type": "string",
            "format": "date",
            "title": "Fecha del acto",
            "description": "Cuándo ocurrió; sin ella, hoy. Si fue antes de hoy hacen falta motivo y escaneo.",
        },
        "reason": {**TEXT, "title": "Motivo"},
        "late_reason": {**TEXT, "title": "Por qué se carga después"},
        "external_number": {**TEXT, "title": "Número", "maxLength": 100},
        "scan": {
            "type": "string",
            "contentEncoding": "base64",
            "maxLength": 20_000_000,
            "pattern": "^[A-Za-z0-9+/]*={0,2}$",
            "title": "Escaneo",
            "description": "PDF o fotografía, en base64.",
        },
    },
    "required": [],
    "additionalProperties": False,
}
OFFER: Schema = {
    "type": "object",
    "properties": {
        "code": {"type": "string", "title": "Código del paso"},
        "label": {"type": "string", "title": "Nombre"},
        "allowed": {"type": "boolean", "title": "Se puede dar ahora"},
        "reasons": {"type": "array", "items": {"type": "string"}, "title": "Por qué no"},
        "reason_required": {"type": "boolean", "title": "Exige motivo"},
        "signed": {"type": "boolean", "title": "Lleva firma: lo da una persona en pantalla"},
    },
    "required": ["code", "label", "allowed", "reasons", "reason_required", "signed"],
    "additionalProperties": False,
}
STATE: Schema = {
    "type": "object",
    "title": "Estado",
    "properties": {
        "code": {"type": "string"},
        "name": {"type": "string"},
        "phase": {"type": "string", "enum": [phase.value for phase in Phase]},
    },
    "required": ["code", "name", "phase"],
    "additionalProperties": False,
}
OF_ORDER = joinedload(InspectionOrder.document).load_only(Document.number)


def _state(record: Any) -> dict[str, str]:
    state = moves.state_of(record)
    assert state is not None
    return {"code": state.code, "name": state.name, "phase": state.phase.value}


def _listed(name: str, title: str, kind: Any, rows: Any) -> Field:
    """Several records that another refers to."""
    schema = {"type": "array", "items": reference(kind), "title": title}
    return Field(name, schema, lambda row: [refer(each) for each in rows(row)])


class OfInspections(Api):
    """The part that a key of inspections opens."""

    read_scope = KeyScope.READ_INSPECTIONS
    write_scope = KeyScope.WRITE_INSPECTIONS


class Stepped(OfInspections, ByUuid):
    """Records that live through a process: what can be done with them, and doing it."""

    @expose("/<uuid:key>/pasos", methods=["GET"])
    @door("show")
    def steps(self, key: Any) -> Response:
        """The steps that concern the machine's functions, each judged."""
        return answered({"result": [_offer(each) for each in moves.offers(self.record(key))]})

    @expose("/<uuid:key>/pasos/<code>", methods=["POST"])
    @door("show", writing=True)
    def take(self, key: Any, code: str) -> Response:
        """Take a step."""
        if not self.may("take", "Step"):
            raise NotAllowed("La función de su cuenta no da pasos.")
        record = self.record(key)
        details = _details(body(STEP))
        offer = next((each for each in moves.offers(record) if each.move.code == code), None)
        if offer is None:
            raise Missing()
        if offer.move.letters:
            raise RuleBroken("Este paso lleva firma: lo da una persona en pantalla.", code="signed")
        moves.move(record, code, details)
        return self.shown(self.record(key))

    def operations(self) -> Iterable[tuple[str, str, Operation]]:
        yield from super().operations()
        kind, label = self.resource.kind, self.resource.kind.label
        several: Schema = _result({"type": "array", "items": OFFER})
        yield (
            f"{self.one_path}/pasos",
            "get",
            describe(self, f"{label}: pasos que se pueden dar", several, key=key_schema(kind)),
        )
        yield (
            f"{self.one_path}/pasos/{{code}}",
            "post",
            describe(
                self,
                f"{label}: dar un paso",
                _result(self.resource.schema),
                sent=STEP,
                key=key_schema(kind),
                code={"type": "string", "maxLength": 100, "pattern": "^[a-z_]+$"},
            ),
        )


def _result(schema: Schema) -> Schema:
    return {"type": "object", "properties": {"result": schema}, "required": ["result"]}


def _offer(offer: MoveOffer) -> dict[str, Any]:
    return {
        "code": offer.move.code,
        "label": offer.move.label,
        "allowed": offer.allowed,
        "reasons": list(offer.reasons),
        "reason_required": offer.move.reason_required,
        "signed": bool(offer.move.letters),
    }


def _details(sent: dict[str, Any]) -> Details:
    """What was said about an act, with its scan kept. Raises Malformed, RuleBroken."""
    happened = sent.get("happened_on")
    scan_id = None
    if sent.get("scan"):
        try:
            content = base64.b64decode(sent["scan"], validate=True)
        except binascii.Error:
            raise Malformed({"scan": ["Debe ser base64."]}) from None
        scan_id = attachments.receive(content, "scan").file.id
    words = {
        name: sent[name].strip() for name in ("reason", "late_reason", "external_number") if name in sent
    }
    return moves.details_from(words, happened_on=happened and date.fromisoformat(happened), scan_id=scan_id)


class OrderApi(Stepped):
    """Orders of inspection."""

    resource_name = "ordenes"
    resource = Resource(
        InspectionOrder,
        (
            *shown(InspectionOrder, "uuid"),
            Field("number", {"type": "string", "title": "Número"}, lambda row: row.number),
            Field("state", STATE, _state),
            *shown(
                InspectionOrder,
                "kind",
                "origin",
                "priority",
                "office",
                "matters",
                "period_from",
                "period_to",
                "shift",
                "zone",
                "valid_from",
                "valid_until",
                "version_code",
                "held",
                "created_at",
                "updated_at",
            ),
            _listed(
                "establishments",
                "Establecimientos",
                Establishment,
                lambda row: [place.establishment for place in row.places],
            ),
            _listed(
                "inspectors",
                "Inspectores designados, primero quien lidera",
                Inspector,
                lambda row: [each.inspector for each in row.designated],
            ),
        ),
        load=(
            OF_ORDER,
            joinedload(InspectionOrder.office),
            selectinload(InspectionOrder.places).joinedload(OrderEstablishment.establishment),
            selectinload(InspectionOrder.team).joinedload(OrderInspector.inspector),
        ),
        filters=("office", "kind", "origin", "priority"),
    )


class VisitApi(Stepped):
    """Visits."""

    resource_name = "visitas"
    resource = Resource(
        Visit,
        (
            *shown(Visit, "uuid"),
            Field("state", STATE, _state),
            *shown(
                Visit,
                "order",
                "number",
                "kind",
                "office",
                "establishment",
                "planned_on",
                "happened_on",
                "started_at",
                "ended_at",
                "latitude",
                "longitude",
                "annex",
                "document",
                "held",
                "created_at",
                "updated_at",
            ),
        ),
        load=(
            joinedload(Visit.order).options(OF_ORDER),
            joinedload(Visit.office),
            joinedload(Visit.establishment),
            joinedload(Visit.document).load_only(Document.number, Document.uuid),
        ),
        within=lambda: Visit.state.is_not(None),
        filters=("order", "office", "kind", "establishment"),
    )


class FindingApi(Stepped):
    """Findings; those that are being prepared with their acta are not there yet."""

    resource_name = "hallazgos"
    resource = Resource(
        Finding,
        (
            *shown(Finding, "uuid"),
            Field("state", STATE, _state),
            *shown(
                Finding,
                "visit",
                "office",
                "infraction",
                "facts",
                "evidence",
                "affected_workers",
                "obligation",
                "remedy_kind",
                "repeat_offence",
                "request",
                "delivery",
                "delivered_on",
                "verification",
                "verified_on",
                "held",
                "created_at",
                "updated_at",
            ),
        ),
        load=(
            joinedload(Finding.visit).joinedload(Visit.order).options(OF_ORDER),
            joinedload(Finding.office),
            joinedload(Finding.infraction),
            joinedload(Finding.request).load_only(Document.number, Document.uuid),
        ),
        within=lambda: Finding.state.is_not(None),
        filters=("visit", "office", "infraction"),
    )


class ReportApi(Stepped):
    """Final reports."""

    resource_name = "informes"
    resource = Resource(
        FinalReport,
        (
            *shown(FinalReport, "uuid"),
            Field("state", STATE, _state),
            *shown(
                FinalReport, "order", "office", "proposal", "document", "held", "created_at", "updated_at"
            ),
        ),
        load=(
            joinedload(FinalReport.order).options(OF_ORDER),
            joinedload(FinalReport.office),
            joinedload(FinalReport.document).load_only(Document.number, Document.uuid),
        ),
        filters=("order", "office", "proposal"),
    )


class DocumentApi(OfInspections, ByUuid):
    """Documents of the records within one's scope."""

    resource_name = "documentos"
    resource = Resource(
        Document,
        shown(
            Document,
            "uuid",
            "type_code",
            "number",
            "title",
            "status",
            "office",
            "happened_on",
            "issued_at",
            "signatory",
            "verification_code",
            "annulled_on",
            "annulled_reason",
        ),
        load=(joinedload(Document.office),),
        within=lambda: Document.id.in_(select(RecordDocument.document_id)),
        filters=("type_code", "status", "office"),
    )

    @expose("", methods=["GET"])
    @door("show")
    def get_list(self) -> Response:
        """A page of the list; documents have no list on screen, and no door of one."""
        return self.listed()

    @expose("/<uuid:key>/pdf", methods=["GET"])
    @door("show")
    def pdf(self, key: Any) -> Response:
        """The PDF as it was issued."""
        document = self.record(key)
        if document.file is None:
            raise Missing()
        return pdf(files.read(document.file), f"{document.number}.pdf")

    def operations(self) -> Iterable[tuple[str, str, Operation]]:
        yield from super().operations()
        described = describe(self, "Documento: su PDF", {}, key=key_schema(Document))
        described["responses"]["200"]["content"] = {"application/pdf": {"schema": {}}}
        yield f"{self.one_path}/pdf", "get", described
