"""What the pages of a visit ask, made from the declaration of the columns."""

from __future__ import annotations

import base64
import binascii
from datetime import date, datetime, time
from typing import Any

from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import FileField, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Optional

from app.core import clock
from app.core.base import Session
from app.core.errors import RuleBroken
from app.models.inspections import CopyMeans, Finding, Party, Visit
from app.models.norms import Infraction, InfractionArea
from app.models.registry import Establishment
from app.operations.inspections.visits import GROUPS
from app.views.fields import Typed
from app.views.references import ReferenceField
from app.views.widgets import day_field, form_field, text_or_none

PICTURES = "image/*,application/pdf"
PNG = "data:image/png;base64,"
LARGEST_DRAWING = 600_000


class Hour(Typed):
    """An hour of the day, as hh:mm."""

    hint = "Escriba la hora como hh:mm, por ejemplo 09:30."

    def read(self, text: str) -> time:
        return time.fromisoformat(text if len(text) != 4 or ":" not in text else f"0{text}")

    def write(self, value: time) -> str:
        return f"{value:%H:%M}"


def hour(label: str, help: str = "") -> Hour:
    """A field for an hour."""
    look = {"type": "time", "autocomplete": "off"}
    return Hour(label, [Optional()], description=help, render_kw=look)


def moment_of(day: date, at: time | None) -> datetime | None:
    """The moment of an hour of a day in Paraguay."""
    return None if at is None else datetime.combine(day, at, clock.ASUNCION)


def hour_of(value: datetime | None) -> time | None:
    """The hour of a moment in Paraguay."""
    return None if value is None else clock.local(value).time().replace(second=0, microsecond=0)


class PointForm(FlaskForm):
    """Where somebody stands; a script fills it in from the phone."""

    latitude = form_field(Visit, "latitude")
    longitude = form_field(Visit, "longitude")
    accuracy = form_field(Visit, "accuracy")

    def point(self) -> dict[str, Any]:
        """The point: whole or none."""
        if self.latitude.data is None or self.longitude.data is None:
            return {"latitude": None, "longitude": None, "accuracy": None}
        return {name: self[name].data for name in ("latitude", "longitude", "accuracy")}


class PlaceField(ReferenceField):
    """An establishment: one of those that the order names, or any."""

    allowed: list[Any] | None = None

    def options(self) -> list[Any] | None:
        return super().options() if self.allowed is None else self.allowed


class PlaceForm(PointForm):
    """The establishment, when the order does not name it."""

    establishment_id = PlaceField(
        Establishment,
        False,
        label="Establecimiento visitado",
        description="Busque por nombre, dirección o empleador.",
        render_kw={"class": "form-select"},
    )

    def offer(self, visit: Visit) -> None:
        """Offer the establishments that the order allows: one, a list, or any."""
        places = visit.order.places if visit.order else []
        if len(places) == 1 and visit.establishment_id is not None:
            del self.establishment_id
        elif places:
            self.establishment_id.allowed = [each.establishment for each in places]

    def place(self) -> dict[str, Any]:
        """The establishment, when the form asks it."""
        if "establishment_id" not in self._fields:
            return {}
        return {"establishment_id": self._fields["establishment_id"].data}


class StartForm(PlaceForm):
    """What is said at the door."""

    started = hour("Hora de inicio")


class PaperForm(StartForm):
    """What is said when the paper of a visit is typed in later."""

    happened_on = day_field(
        "Fecha de la visita", validators=[InputRequired("Escriba la fecha que dice el acta en papel.")]
    )
    late_reason = TextAreaField(
        "Por qué se carga después",
        filters=[text_or_none],
        description="Por ejemplo: corte de luz, sin teléfono, acta hecha a mano.",
    )
    scan = FileField(
        "Escaneo de la carpeta firmada",
        description="PDF o fotografía. Será el acta que vale.",
        render_kw={"accept": PICTURES},
    )


class DataForm(PlaceForm):
    """Who received the inspectors, and what decides which questions are asked."""

    attended_by = form_field(Visit, "attended_by")
    attended_document = form_field(Visit, "attended_document")
    attended_post = form_field(Visit, "attended_post")
    workers_representative = form_field(Visit, "workers_representative")
    work_domain = form_field(Visit, "work_domain")
    live_in = form_field(Visit, "live_in")
    unhealthy_work = form_field(Visit, "unhealthy_work")
    started = hour("Hora de inicio")
    ended = hour("Hora de fin", "Si la deja vacía, es la de la firma del acta.")


class TextsForm(FlaskForm):
    """Documents and narrative."""

    documents_seen = form_field(Visit, "documents_seen")
    documents_requested = form_field(Visit, "documents_requested")
    narrative = form_field(Visit, "narrative")


class StatementsForm(FlaskForm):
    """What the parties said."""

    employer_statement = form_field(Visit, "employer_statement")
    workers_statement = form_field(Visit, "workers_statement")


class FindingForm(FlaskForm):
    """A finding as the inspector writes it."""

    infraction_id = SelectField(
        "Infracción",
        coerce=lambda value: int(value) if value else None,
        validate_choice=False,
        render_kw={"class": "form-select"},
    )
    facts = form_field(Finding, "facts")
    evidence = form_field(Finding, "evidence")
    affected_workers = form_field(Finding, "affected_workers")
    obligation = form_field(Finding, "obligation")
    remedy_kind = form_field(Finding, "remedy_kind")
    repeat_offence = form_field(Finding, "repeat_offence")

    def offer(self, on: date, chosen: int | None = None) -> None:
        """The infractions in force on a day, by area."""
        self.infraction_id.choices = infractions(on, chosen)

    def values(self) -> dict[str, Any]:
        """What was typed, for the operation."""
        given = {name: field.data for name, field in self._fields.items() if name != "csrf_token"}
        given["affected_workers"] = given["affected_workers"] or 0
        return given


class PartyForm(FlaskForm):
    """The signature of somebody who is no inspector, or his refusal."""

    party = RadioField(
        "Firma",
        choices=[(each.value, each.label) for each in Party],
        default=Party.EMPLOYER.value,
        validate_choice=False,
    )
    name = StringField("Nombre y apellido", filters=[text_or_none], render_kw={"autocomplete": "off"})
    document_number = StringField("Documento", filters=[text_or_none], render_kw={"inputmode": "numeric"})
    post = StringField("Cargo", filters=[text_or_none])
    refusal = TextAreaField(
        "No quiso firmar: motivo",
        filters=[text_or_none],
        description="Escríbalo solo si se niega; la negativa no quita validez al acta.",
        render_kw={"rows": 2},
    )
    drawing = HiddenField()


class CopyForm(FlaskForm):
    """How the copy was handed over."""

    copy_means = RadioField(
        "Cómo se entregó la copia",
        choices=[(each.value, each.label) for each in CopyMeans],
        validate_choice=False,
    )


def infractions(on: date, chosen: int | None) -> dict[str, list[tuple[str, str]]]:
    """The infractions in force on a day, by the name of their area; the chosen one in any case."""
    rows = Session.execute(
        select(Infraction.id, Infraction.code, Infraction.title, InfractionArea.title)
        .join(InfractionArea, InfractionArea.code == Infraction.area_code)
        .where(
            (Infraction.id == chosen)
            | ((Infraction.valid_from <= on) & (Infraction.valid_to.is_(None) | (Infraction.valid_to >= on)))
        )
        .order_by(InfractionArea.title, Infraction.code)
    )
    found: dict[str, list[tuple[str, str]]] = {"": [("", "Elija la infracción…")]}
    for key, code, title, area in rows:
        found.setdefault(area, []).append((str(key), f"{code} · {title}"))
    return found


def drawn(text: str | None) -> bytes | None:
    """The picture that the canvas of a signature sent; None when nothing was drawn. Raises RuleBroken."""
    if not text:
        return None
    if not text.startswith(PNG) or len(text) > LARGEST_DRAWING:
        raise RuleBroken("La firma dibujada no llegó bien. Bórrela y dibújela otra vez.", "drawing")
    try:
        return base64.b64decode(text.removeprefix(PNG), validate=True)
    except binascii.Error as error:
        raise RuleBroken(
            "La firma dibujada no llegó bien. Bórrela y dibújela otra vez.", "drawing"
        ) from error


def whole(text: str | None, field: str) -> int | None:
    """A count as typed; None when empty. Raises RuleBroken at its field."""
    typed = (text or "").strip().replace(".", "")
    if not typed:
        return None
    if not typed.isascii() or not typed.isdigit() or len(typed) > 6:
        raise RuleBroken("Escriba un número entero, sin letras ni signos.", field)
    return int(typed)


def counts(sent: Any) -> list[dict[str, Any]]:
    """The counts of the form, one row a group. Raises RuleBroken at the group's field."""
    return [
        {
            "group": code,
            "men": whole(sent.get(f"men-{code}"), f"count-{code}"),
            "women": whole(sent.get(f"women-{code}"), f"count-{code}"),
        }
        for code in GROUPS
    ]
