"""Fields that a version adds without code: read, shown, asked for, kept on the record, frozen with the version."""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pypdf
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from inspection_samples import SIGN, acting, draft, signed
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session as OrmSession
from support import Live, token_of

from app.core import clock
from app.core.errors import NotAllowed, RuleBroken, Stale
from app.exchange import procedures as files
from app.models.inspections import InspectionOrder
from app.operations import extra, moves, papers, procedure_drafts, procedures
from app.operations.unit import act
from app.views.history import history_of
from app.workflow import definition, editing, fields
from app.workflow.condition_rows import ALL, Row, expression
from app.workflow.fields import ExtraField, FieldKind

Enter = Callable[[str], FlaskClient]
MODE = ExtraField(
    "modalidad", "Modalidad de trabajo", FieldKind.ONE, options=("Presencial", "Remota", "Mixta")
)
DAYS = ExtraField(
    "dias", "Días en casa", FieldKind.WHOLE, required=True,
    condition={"==": [{"var": "extra.modalidad"}, "Mixta"]},
)  # fmt: skip
ALL_KINDS = [
    ExtraField(kind.value, kind.label, kind, options=("A", "B", "Ñ") if kind in ("one", "many") else ())
    for kind in FieldKind
]


@pytest.mark.parametrize(
    ("kind", "given", "value", "words"),
    [
        ("text", ["  Hola "], "Hola", "Hola"),
        ("text", ["", " "], None, ""),
        ("long", ["a\nb"], "a\nb", "a\nb"),
        ("whole", ["-12"], -12, "-12"),
        ("decimal", ["12,50"], "12.50", "12,50"),
        ("money", ["1.234.567"], 1234567, "Gs. 1.234.567"),
        ("day", ["31/01/2027"], "2027-01-31", "31/01/2027"),
        ("day", ["2027-01-31"], "2027-01-31", "31/01/2027"),
        ("yes_no", ["1"], True, "Sí"),
        ("yes_no", ["0"], False, "No"),
        ("one", ["Ñ"], "Ñ", "Ñ"),
        ("many", ["Ñ", "A"], ["A", "Ñ"], "A, Ñ"),
        ("many", [], None, ""),
    ],
)
def test_a_value_is_read_kept_as_json_and_shown(kind: str, given: list[str], value: Any, words: str) -> None:
    field = next(each for each in ALL_KINDS if each.kind == kind)
    assert fields.read(field, given) == value
    assert fields.shown(field, value) == words


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("text", "x" * 301), ("long", "x" * 4001), ("whole", "1.5"), ("whole", "²"), ("whole", "9" * 16),
        ("decimal", "doce"), ("decimal", "NaN"), ("decimal", "1e99"), ("money", "mucho"), ("money", "9" * 17),
        ("day", "31/02/2027"), ("day", "ayer"), ("yes_no", "quizás"), ("one", "C"), ("many", "C"),
    ],
)  # fmt: skip
def test_what_is_no_value_is_refused_in_words(kind: str, typed: str) -> None:
    field = next(each for each in ALL_KINDS if each.kind == kind)
    with pytest.raises(fields.Unreadable, match=r"\w+ \w+"):
        fields.read(field, [typed])


@given(st.sampled_from(ALL_KINDS), st.lists(st.text(max_size=40), max_size=3))
def test_anything_typed_is_read_or_refused(field: ExtraField, typed: list[str]) -> None:
    try:
        value = fields.read(field, typed)
    except fields.Unreadable:
        return
    assert isinstance(fields.shown(field, value), str)


def test_a_field_is_asked_for_where_its_condition_holds() -> None:
    both = [MODE, DAYS]
    assert fields.lacking(both, {}) == [] and fields.lacking(both, {"modalidad": "Remota"}) == []
    assert fields.lacking(both, {"modalidad": "Mixta"}) == [DAYS]
    assert fields.lacking(both, {"modalidad": "Mixta", "dias": 0}) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"code": "Mal Código"}, "el código debe ser"),
        ({"code": "csrf_token"}, "el código debe ser"),
        ({"label": " "}, "no tiene nombre"),
        ({"options": ()}, "faltan sus opciones"),
        ({"options": ("A", "A")}, "repetidas"),
        ({"kind": FieldKind.TEXT}, "no es una lista"),
        ({"see": ("nadie",)}, "no existe"),
        ({"see": ("legal",), "edit": ("inspector",)}, "quien no lo ve"),
        ({"condition": {"==": [{"var": "extra.otro"}, 1]}}, "extra.otro"),
        ({"condition": {"==": [{"var": "extra.dias"}, 1]}}, "depende de sí misma"),
    ],
)
def test_what_is_wrong_with_a_field_is_said(change: dict[str, Any], words: str) -> None:
    field = replace(MODE, **change)
    found = fields.problems(field, [field, DAYS], definition.ROLES)
    assert any(words in each for each in found), found
    assert not fields.problems(MODE, [MODE, DAYS], definition.ROLES)


def test_rows_of_a_condition_may_name_extra_fields() -> None:
    facts = fields.facts_of([MODE, DAYS])
    assert expression(ALL, [Row("extra.modalidad", "==", "Mixta")], facts) == DAYS.condition


# On records


@pytest.fixture
def with_fields(db: OrmSession) -> str:
    """A version in force from today whose orders have two more fields, one for the coordinator alone."""
    procedures.forget()
    secret = ExtraField("reserva", "Nota reservada", FieldKind.TEXT, see=("coordinator",))
    code = procedure_drafts.clone("2025-398", "2027-030", "Con datos", "Ley", clock.today())
    for field in (MODE, DAYS, secret):
        head = db.get_one(procedures.rows.ProcedureVersion, code)
        procedure_drafts.change(
            code, head.version, "test", lambda v, each=field: editing.put_field(v, "order", each)
        )
    with act("test"):
        db.execute(text("UPDATE procedure_version SET status = 'published' WHERE code = :c"), {"c": code})
    db.expire_all()
    return code


def test_a_version_with_fields_comes_back_from_its_rows_and_its_file(
    db: OrmSession, with_fields: str
) -> None:
    version = procedures.version(with_fields)
    assert [each.code for each in version.process("order").fields] == ["modalidad", "dias", "reserva"]
    assert version.process("order").fields[:2] == (MODE, DAYS)
    assert files.read(files.written(version).encode()) == version


def test_a_record_keeps_what_its_version_asks_for(db: OrmSession, with_fields: str) -> None:
    order = signed()
    assert order.version_code == with_fields
    with acting("coordinador"):
        extra.keep(order, {"modalidad": ["Mixta"], "dias": ["3"], "reserva": ["ojo"]}, order.version)
        assert ("Nota reservada", "ojo") in extra.said(order)
        with pytest.raises(Stale):
            extra.keep(order, {"dias": ["4"]}, order.version - 1)
        with pytest.raises(RuleBroken) as refused:
            extra.keep(order, {"dias": ["tres"]}, order.version)
        assert refused.value.field == "dias"
    with acting("inspector1"):
        assert extra.said(order) == [("Modalidad de trabajo", "Mixta"), ("Días en casa", "3")]
        with pytest.raises(NotAllowed):
            extra.keep(order, {"reserva": ["otra"]}, order.version)
        with pytest.raises(NotAllowed):
            extra.keep(order, {"inventado": ["x"]}, order.version)
        extra.keep(order, {"modalidad": ["Remota"]}, order.version)
    assert order.extra == {"modalidad": "Remota", "reserva": "ojo"}  # the days are no longer asked for


def test_who_does_not_see_a_field_gets_it_by_no_way_round(db: OrmSession, with_fields: str) -> None:
    order = signed()
    text_of_own = "{% extends 'base.html' %}{% block body %}Dice: {{ extra.reserva }}.{% endblock %}"
    with acting("coordinador"):
        extra.keep(order, {"modalidad": ["Remota"], "reserva": ["ojo"]}, order.version)
    told = {}
    for who in ("coordinador", "inspector1"):
        with acting(who):
            lines = [line for entry in history_of(InspectionOrder, order.id) for line in entry.changes]
            pdf = pypdf.PdfReader(io.BytesIO(papers.draft(order, "OI", source=text_of_own)))
            told[who] = (lines, "Dice: ojo." in pdf.pages[0].extract_text())
    assert "Nota reservada: — → ojo" in told["coordinador"][0] and told["coordinador"][1]
    assert "Modalidad de trabajo: — → Remota" in told["inspector1"][0]
    assert "ojo" not in "".join(told["inspector1"][0]) and not told["inspector1"][1]


def test_a_document_waits_for_a_required_datum(db: OrmSession, with_fields: str) -> None:
    order = draft()
    with acting("coordinador"):
        moves.move(order, "enviar_a_firma")
        extra.keep(order, {"modalidad": ["Mixta"]}, order.version)
    with acting("ministro"):
        lacks = "Falta el dato «Días en casa»: complételo en «Otros datos»."
        waiting = [offer.move.code for offer in moves.offers(order) if lacks in offer.reasons]
        assert waiting == ["firmar"]  # to return the order waits for no datum
        with pytest.raises(RuleBroken, match="Días en casa"):
            moves.move(order, "firmar", SIGN)
    with acting("coordinador"):
        extra.keep(order, {"dias": ["2"]}, order.version)
    with acting("ministro"):
        moves.move(order, "firmar", SIGN)


def test_records_of_other_versions_have_none(db: OrmSession) -> None:
    procedures.forget()
    order = signed()
    with acting("coordinador"):
        assert extra.said(order) == [] and order.extra == {}
        with pytest.raises(NotAllowed):
            extra.keep(order, {"modalidad": ["Mixta"]}, order.version)


def test_fields_of_a_published_version_are_frozen(live: Live) -> None:
    statement = (
        "INSERT INTO procedure_field (version_code, process_code, code, position, text, kind, required)"
        " VALUES ('2025-398', 'order', 'x', 1, 'X', 'text', false)"
    )
    for url in (live.urls.app_url, live.urls.owner_url):
        with pytest.raises(DBAPIError, match="frozen"):
            live.sql(statement, url)


# On screen


def test_otros_datos_are_filled_in_on_the_page_of_the_record(
    enter: Enter, db: OrmSession, with_fields: str
) -> None:
    order = signed()
    client = enter("coordinador")
    address = f"/otros-datos/order/{order.id}"
    page = client.get(address).text
    assert "Modalidad de trabajo" in page and "Nota reservada" in page and "<option>Mixta</option>" in page
    values = {
        "csrf_token": token_of(page),
        "_version": str(order.version),
        "modalidad": "Mixta",
        "dias": "tres",
    }
    wrong = client.post(address, data=values)
    assert wrong.status_code == 422 and 'value="tres"' in wrong.text and "número entero" in wrong.text
    assert "<option selected>Mixta</option>" in wrong.text
    saved = client.post(address, data={**values, "dias": "3"}, follow_redirects=True)
    assert "Se guardaron los otros datos" in saved.text and "Modalidad de trabajo" in saved.text
    stale = client.post(address, data=values)
    assert stale.status_code == 409


def test_otros_datos_of_a_record_without_them_do_not_exist(enter: Enter, db: OrmSession) -> None:
    procedures.forget()
    order = signed()
    client = enter("coordinador")
    assert client.get(f"/otros-datos/order/{order.id}").status_code == 404
    assert client.get("/otros-datos/nada/1").status_code == 404
    assert enter("inspector1").get(f"/otros-datos/order/{order.id}").status_code == 403
