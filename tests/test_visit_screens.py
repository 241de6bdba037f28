"""The inspector's screens of a visit: walked to the signed acta; who is refused; nothing typed is lost."""

import base64
import io
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from inspection_samples import (
    acting,
    assigned,
    begun,
    checklist,
    done,
    drawing,
    establishment,
    filled,
    first_finding,
    inspector,
    office_of,
    photo,
)
from sqlalchemy import event
from sqlalchemy.orm import Session as OrmSession
from support import PASSWORD, token_of
from werkzeug.datastructures import MultiDict

from app.core import clock
from app.core.base import Session
from app.models.inspections import Finding, HeadcountGroup, Visit
from app.operations.inspections import questionnaire, visits
from app.operations.unit import act

Enter = Callable[[str], FlaskClient]


def planned(**values: Any) -> Visit:
    """A visit that waits for its day."""
    order = assigned(**values)
    with acting("inspector1"):
        return visits.plan(order, {"kind": "INICIAL"})


def post(client: FlaskClient, path: str, data: dict[str, Any] | None = None, **options: Any) -> Any:
    """Send a form of a page, with its token."""
    token = token_of(client.get("/visitas/").get_data(as_text=True))
    return client.post(path, data={**(data or {}), "csrf_token": token}, **options)


def again(visit: Visit) -> Visit:
    """The visit as it stands now; a request leaves nothing loaded behind."""
    row = Session.get(Visit, visit.id, populate_existing=True)
    assert row is not None
    return row


def text_of(answer: Any) -> str:
    """The page of an answer."""
    return answer.get_data(as_text=True)


def counted(number: int = 3) -> dict[str, int]:
    """The form of workers, filled in."""
    return {f"{who}-{group.value}": number for who in ("men", "women") for group in HeadcountGroup}


def test_a_visit_is_walked_from_the_door_to_the_signed_acta(enter: Enter, db: OrmSession) -> None:
    visit = planned()
    client, root = enter("inspector1"), f"/visitas/{visit.id}"
    assert "Iniciar la visita" in text_of(client.get(root))
    answer = post(client, f"{root}/inicio", {"started": "00:01"})
    assert answer.status_code == 302, text_of(answer)
    assert answer.location.endswith("/datos")
    data = {"attended_by": "Rosa Cáceres", "attended_post": "Encargada", "go": ""}
    assert post(client, f"{root}/datos", data).location.endswith("/trabajadores")
    assert post(client, f"{root}/trabajadores", counted()).location.endswith("/cuestionario")
    for group in questionnaire.groups(again(visit)):
        page = f"{root}/cuestionario/{group.section.id}"
        assert group.asked[0].question.text in text_of(client.get(page))
        answers: dict[str, Any] = {}
        for position, one in enumerate(group.asked):
            key = one.question.id
            answers[f"value-{key}"] = "CUMPLE" if position else "NO_CUMPLE"
            if not position:
                answers |= {f"affected-{key}": "2", f"note-{key}": "Se ve en el lugar."}
            if one.question.evidence != "none":
                answers[f"proof-{key}"] = (io.BytesIO(photo()), "foto.jpg")
        answer = post(client, page, answers, content_type="multipart/form-data")
        assert answer.status_code == 302 and "#q-" in answer.location, text_of(answer)
        finding = next(row for row in again(visit).findings if not row.confirmed)
        title = finding.infraction.title
        shown = text_of(client.get(page))
        assert title in shown and "Sin confirmar" in shown
        confirmed = post(
            client,
            page,
            {
                f"facts-{finding.id}": "Hechos escritos por la inspectora.",
                f"remedy-{finding.id}": finding.remedy_kind or "",
                "confirm": finding.id,
            },
        )
        assert confirmed.status_code == 302, text_of(confirmed)
        kept = Session.get(Finding, finding.id)
        assert kept is not None and kept.confirmed and kept.facts == "Hechos escritos por la inspectora."
    assert "Hechos escritos" in text_of(client.get(f"{root}/hallazgos"))
    assert post(client, f"{root}/relato", {"narrative": "Se recorre."}).status_code == 302
    assert "Falta la firma de" in text_of(client.get(f"{root}/cierre"))
    one, two = inspector("inspector1").id, inspector("inspector2").id
    assert post(client, f"{root}/firmas", {"what": f"sign-{one}", "password": PASSWORD}).status_code == 302
    absent = {"what": f"presence-{two}", "present": "0", "reason": "Con licencia médica."}
    assert post(client, f"{root}/firmas", absent).status_code == 302
    picture = "data:image/png;base64," + base64.b64encode(drawing()).decode()
    party = {"what": "party", "party": "employer", "name": "Rosa Cáceres", "drawing": picture}
    assert post(client, f"{root}/firmas", party).status_code == 302
    close = text_of(client.get(f"{root}/cierre"))
    assert f"/pasos/visit/{visit.id}/finalizar" in close
    ended = post(client, f"/pasos/visit/{visit.id}/finalizar", {"signing_mode": "drawn", "happened_on": ""})
    assert ended.status_code == 302, text_of(ended)
    page = text_of(client.get(root))
    visit = again(visit)
    assert visit.state == "REALIZADA" and visit.document is not None
    assert visit.document.number in page and "Descargar el acta" in page
    assert post(client, f"{root}/copia", {"copy_means": "paper"}).status_code == 302
    assert again(visit).copy_means == "paper"


def test_what_was_typed_stays_when_something_is_refused(enter: Enter, db: OrmSession) -> None:
    visit = begun()
    client, root = enter("inspector1"), f"/visitas/{visit.id}"
    answer = post(client, f"{root}/datos", {"attended_by": "Rosa Cáceres", "started": "23:59", "ended": "x"})
    assert answer.status_code == 422 and "Rosa Cáceres" in text_of(answer)
    assert "Escriba la hora como hh:mm" in text_of(answer)
    answer = post(
        client, f"{root}/datos", {"attended_by": "Rosa Cáceres", "started": "00:01", "ended": "00:00"}
    )
    assert answer.status_code == 422 and "termina antes de empezar" in text_of(answer)
    assert 'value="00:00"' in text_of(answer)

    answer = post(client, f"{root}/trabajadores", {**counted(), "men-IPS": "dos"})
    assert answer.status_code == 422 and 'value="dos"' in text_of(answer)
    answer = post(client, f"{root}/trabajadores", {**counted(), "men-IPS": "9"})
    assert (
        answer.status_code == 422 and "pasa del total" in text_of(answer) and 'value="9"' in text_of(answer)
    )

    one = questionnaire.groups(again(visit))[0]
    page, key = f"{root}/cuestionario/{one.section.id}", one.asked[0].question.id
    answer = post(client, page, {f"note-{key}": "Una observación sin respuesta"})
    assert answer.status_code == 422 and "Una observación sin respuesta" in text_of(answer)
    answer = post(client, page, {f"value-{key}": "NO_CUMPLE", f"affected-{key}": "tres"})
    assert answer.status_code == 422 and 'value="tres"' in text_of(answer)
    assert 'value="NO_CUMPLE" checked' in text_of(answer)

    answer = post(client, f"{root}/hallazgos/nuevo", {"facts": "Se vio una escalera rota."})
    assert answer.status_code == 422 and "Se vio una escalera rota." in text_of(answer)
    assert "Elija la infracción" in text_of(answer)
    answer = post(client, f"{root}/pruebas", {"caption": "Fachada"})
    assert answer.status_code == 422 and 'value="Fachada"' in text_of(answer)
    files = {"caption": "Fachada", "file": (io.BytesIO(b"nada"), "foto.jpg")}
    answer = post(client, f"{root}/pruebas", files, content_type="multipart/form-data")
    assert answer.status_code == 422 and "no es una fotografía" in text_of(answer)

    answer = post(client, f"{root}/firmas", {"what": "party", "party": "employer", "name": "Rosa Cáceres"})
    assert answer.status_code == 422 and "Rosa Cáceres" in text_of(answer) and "negativa" in text_of(answer)
    one_inspector = inspector("inspector1").id
    answer = post(client, f"{root}/firmas", {"what": f"sign-{one_inspector}", "password": "otra"})
    assert answer.status_code == 422 and "La contraseña no es correcta" in text_of(answer)
    assert "otra" not in text_of(answer).split("La contraseña no es correcta")[1][:400]


def test_an_answer_is_kept_by_itself_and_shows_its_finding(enter: Enter, db: OrmSession) -> None:
    visit = begun()
    client, group = enter("inspector1"), questionnaire.groups(again(visit))[0]
    page, key = f"/visitas/{visit.id}/cuestionario/{group.section.id}", group.asked[0].question.id
    quick = {"headers": {"Accept": "application/json"}}
    sent = {"only": key, f"value-{key}": "NO_CUMPLE", f"affected-{key}": "2"}
    answer = post(client, page, sent, **quick)
    assert answer.status_code == 200 and answer.json["saved"] and answer.json["done"] == 1
    assert "Hallazgo que se abre" in answer.json["tail"]
    answer = post(client, page, {**sent, f"affected-{key}": "x"}, **quick)
    assert (
        answer.status_code == 422 and not answer.json["saved"] and "número entero" in answer.json["message"]
    )
    answer = post(client, page, {"only": key, f"value-{key}": "CUMPLE"}, **quick)
    assert answer.json["saved"] and "Hallazgo" not in answer.json["tail"]
    assert not again(visit).findings


def test_a_confirmed_finding_stays_confirmed_when_its_section_is_saved_again(
    enter: Enter, db: OrmSession
) -> None:
    visit = begun()
    client, group = enter("inspector1"), questionnaire.groups(again(visit))[0]
    page, key = f"/visitas/{visit.id}/cuestionario/{group.section.id}", group.asked[0].question.id
    sent = {f"value-{key}": "NO_CUMPLE", f"affected-{key}": "2", f"note-{key}": "Así es."}
    post(client, page, sent)
    finding = again(visit).findings[0]
    form = {"facts": "Otros hechos.", "affected_workers": "5", "infraction_id": finding.infraction_id}
    assert post(client, f"/visitas/{visit.id}/hallazgos/{finding.id}", form).status_code == 302
    post(client, page, sent)
    row = again(visit).findings[0]
    assert row.confirmed and row.affected_workers == 5 and row.facts == "Otros hechos."


def test_the_rest_of_a_section_is_answered_at_once_after_confirming(enter: Enter, db: OrmSession) -> None:
    visit = begun()
    client, group = enter("inspector1"), questionnaire.groups(again(visit))[0]
    page = f"/visitas/{visit.id}/cuestionario/{group.section.id}"
    asked = len(group.asked)
    answer = post(client, page, {"rest": "1", "rest_value": "NO_APLICA"})
    assert answer.status_code == 422 and "Marque la casilla" in text_of(answer)
    assert post(client, page, {"rest": "1", "rest_value": "NO_CUMPLE", "sure": "1"}).status_code == 422
    assert post(client, page, {"rest": "1", "rest_value": "NO_APLICA", "sure": "1"}).status_code == 302
    assert len(again(visit).answers) == asked


def test_the_questions_without_an_answer_are_walked_alone(enter: Enter, db: OrmSession) -> None:
    visit = begun()
    client, groups = enter("inspector1"), questionnaire.groups(again(visit))
    root = f"/visitas/{visit.id}/cuestionario"
    first, second, third = (group.section.id for group in groups[:3])
    one, other = (asked.question.id for asked in groups[0].asked[:2])
    post(client, f"{root}/{first}", {f"value-{one}": "NO_APLICA"})
    post(client, f"{root}/{second}", {"rest": "1", "rest_value": "NO_APLICA", "sure": "1"})
    page = text_of(client.get(f"{root}/{first}?ver=faltan"))
    assert f'id="q-{other}"' in page and f'id="q-{one}"' not in page
    assert f'id="q-{one}"' in text_of(client.get(f"{root}/{first}"))
    answer = post(client, f"{root}/{first}?ver=faltan", {f"value-{other}": "NO_APLICA"})
    assert answer.location.endswith(f"{root}/{third}?ver=faltan")
    assert "no falta ninguna respuesta" in text_of(client.get(f"{root}/{second}?ver=faltan"))


def test_only_those_concerned_come_in(enter: Enter, db: OrmSession) -> None:
    visit = filled(begun(), 1)
    finding = first_finding(visit)
    paths = (
        "",
        "/inicio",
        "/datos",
        "/trabajadores",
        "/cuestionario",
        "/hallazgos",
        f"/hallazgos/{finding.id}",
        "/pruebas",
        "/firmas",
        "/cierre",
        "/transcribir",
        "/borrador",
    )
    stranger, guest = enter("inspector3"), enter("salud")
    for path in paths:
        assert stranger.get(f"/visitas/{visit.id}{path}").status_code == 404, path
        assert guest.get(f"/visitas/{visit.id}{path}").status_code in (403, 404), path
    for path in ("/datos", "/firmas", "/copia", "/confirmar-firma", f"/hallazgos/{finding.id}/quitar"):
        assert post(stranger, f"/visitas/{visit.id}{path}", {}).status_code == 404, path
    assert f'/visitas/{visit.id}"' not in text_of(stranger.get("/visitas/"))
    assert enter("auditor").get(f"/visitas/{visit.id}").status_code == 200
    assert enter("auditor").get(f"/visitas/{visit.id}/datos").status_code == 403
    assert enter("inspector1").post(f"/visitas/{visit.id}/datos", data={}).status_code == 400


def test_a_proof_is_withdrawn_with_its_reason(enter: Enter, db: OrmSession) -> None:
    visit = filled(begun(), 0)
    client, file = enter("inspector1"), again(visit).files[0].id
    path = f"/visitas/{visit.id}/pruebas/{file}/retirar"
    post(client, path, {"reason": " "})
    assert next(row for row in again(visit).files if row.id == file).withdrawn_reason is None
    post(client, path, {"reason": "Es de otro lugar."})
    page = text_of(client.get(f"/visitas/{visit.id}/pruebas"))
    assert "Retirada" in page and "Es de otro lugar." in page and "exigen una prueba" in page


def test_a_colleague_who_drew_confirms_by_his_own_log_in(enter: Enter, db: OrmSession) -> None:
    visit = done(1)
    here, there = enter("inspector1"), enter("inspector2")
    assert "Confirmar mi firma" not in text_of(here.get(f"/visitas/{visit.id}"))
    assert "Confirmar mi firma" in text_of(there.get(f"/visitas/{visit.id}"))
    assert post(there, f"/visitas/{visit.id}/confirmar-firma").status_code == 302
    assert all(row.confirmed_at for row in again(visit).inspectors)


def test_a_signed_visit_is_only_read(enter: Enter, db: OrmSession) -> None:
    visit = done(1)
    client, root = enter("inspector1"), f"/visitas/{visit.id}"
    page = text_of(client.get(root))
    assert "Descargar el acta" in page and "Firmar el acta y finalizar" in page
    assert client.get(f"{root}/datos").status_code == 302
    answer = post(client, f"{root}/datos", {"attended_by": "Otra persona", "started": "00:01"})
    assert answer.status_code == 422 and "está firmada" in text_of(answer)


def test_a_visit_done_on_paper_is_typed_in_and_closed_with_its_scan(enter: Enter, db: OrmSession) -> None:
    visit = planned()
    client, root = enter("inspector1"), f"/visitas/{visit.id}"
    scan = {"scan": (io.BytesIO(photo()), "carpeta.jpg"), "started": "00:01"}
    today = f"{clock.today():%d/%m/%Y}"
    form = {"happened_on": today, "started": "00:01", "late_reason": "Corte de luz"}
    answer = post(client, f"{root}/transcribir", form)
    assert (
        answer.status_code == 422
        and "Adjunte el escaneo" in text_of(answer)
        and "Corte de luz" in text_of(answer)
    )
    answer = post(client, f"{root}/transcribir", {**form, **scan}, content_type="multipart/form-data")
    assert answer.status_code == 302, text_of(answer)
    data = {"attended_by": "Rosa Cáceres", "started": "00:01"}
    assert post(client, f"{root}/datos", data).status_code == 302
    assert post(client, f"{root}/trabajadores", counted()).location.endswith("/relato")
    for group in questionnaire.groups(again(visit)):
        answers = {f"value-{one.question.id}": "CUMPLE" for one in group.asked}
        assert post(client, f"{root}/cuestionario/{group.section.id}", answers).status_code == 302
    assert "La prueba está en la carpeta escaneada" in text_of(client.get(f"{root}/pruebas"))
    assert post(client, f"{root}/pruebas", {"by_paper": "1"}).status_code == 302
    party = {"what": "party", "party": "employer", "name": "Rosa Cáceres", "on_paper": "1"}
    assert post(client, f"{root}/firmas", party).status_code == 302
    close = text_of(client.get(f"{root}/cierre"))
    assert "Vale como acta" in close and "Falta la firma" not in close.split("No se pudo hacer")[0]
    answer = post(client, f"{root}/cierre", {"move": "finalizar"})
    assert answer.status_code == 302, text_of(answer)
    visit = again(visit)
    assert visit.state == "REALIZADA" and visit.document is not None
    assert visit.document.signing_mode == "handwritten"


def test_pages_stay_small_and_ask_little(enter: Enter, app: Flask, db: OrmSession) -> None:
    codes = ("CL-GEN", "CL-SST", "CL-INF")
    visit = filled(begun(assigned(checklists=[checklist(code).id for code in codes])), 3)
    finding = first_finding(done(2))
    client, root = enter("inspector1"), f"/visitas/{visit.id}"
    sections = [group.section.id for group in questionnaire.groups(again(visit))]
    paths = [
        "",
        "/datos",
        "/trabajadores",
        "/hallazgos",
        "/hallazgos/nuevo",
        "/pruebas",
        "/relato",
        "/firmas",
    ]
    paths = [root + path for path in [*paths, "/cierre", *(f"/cuestionario/{key}" for key in sections)]]
    for path in [
        *paths,
        "/visitas/",
        "/hallazgos/",
        f"/hallazgos/{finding.id}",
        f"/hallazgos/{finding.id}/nomina",
    ]:
        seen: list[str] = []

        def note(*call: Any, seen: list[str] = seen) -> None:
            seen.append(call[2])

        event.listen(app.extensions["sis_engine"], "before_cursor_execute", note)
        try:
            answer = client.get(path)
        finally:
            event.remove(app.extensions["sis_engine"], "before_cursor_execute", note)
        cost = [statement for statement in seen if "SAVEPOINT" not in statement]
        assert answer.status_code == 200, path

        assert len(cost) <= 22, f"{path}: {len(cost)}\n" + "\n".join(line[:110] for line in cost)
        assert len(answer.get_data()) < 60_000, (path, len(answer.get_data()))


def test_a_visit_of_before_is_held_until_the_coordinator_looks_at_it(enter: Enter, db: OrmSession) -> None:
    visit = planned()
    client, root = enter("inspector1"), f"/visitas/{visit.id}"
    before = f"{clock.today() - timedelta(days=1):%d/%m/%Y}"
    form = {"happened_on": before, "started": "09:00", "scan": (io.BytesIO(photo()), "carpeta.jpg")}
    answer = post(client, f"{root}/transcribir", form, content_type="multipart/form-data")
    assert answer.status_code == 422 and "por qué se carga después" in text_of(answer)
    form = {**form, "scan": (io.BytesIO(photo()), "carpeta.jpg"), "late_reason": "Corte de luz"}
    answer = post(client, f"{root}/transcribir", form, content_type="multipart/form-data")
    assert answer.status_code == 302, text_of(answer)
    page = text_of(client.get(root))
    assert (
        "Acto retenido" in page and "Transcripción del papel" in page and "Registrar la revisión" not in page
    )
    assert again(visit).held and "coordinación debe revisarlo" in text_of(client.get(f"{root}/cierre"))
    assert "Registrar la revisión" in text_of(enter("coordinador").get(root))


def test_under_a_shift_order_the_place_is_said_at_the_door(enter: Enter, db: OrmSession) -> None:
    visit = planned(kind="TURNO", places=[], zone="Mercado 4")
    place = establishment()
    key, shown = str(place.id), place.lookup_text
    client, root = enter("inspector1"), f"/visitas/{visit.id}"
    answer = post(client, f"{root}/inicio", {"started": "00:01"})
    assert answer.status_code == 422 and "Indique el establecimiento" in text_of(answer)
    words = {"establishment_id": "Ninguno así", "started": "00:01"}
    answer = post(client, f"{root}/inicio", words)
    assert answer.status_code == 422 and "Ninguno así" in text_of(answer)
    found = MultiDict([("establishment_id", shown), ("establishment_id", key), ("started", "00:01")])
    token = token_of(text_of(client.get("/visitas/")))
    found["csrf_token"] = token
    answer = client.post(f"{root}/inicio", data=found)
    assert answer.status_code == 302, text_of(answer)
    assert again(visit).establishment_id == int(key) and again(visit).annex == "pending"


def test_an_imported_visit_is_shown_without_an_order(enter: Enter, db: OrmSession) -> None:
    with act("test.history") as unit:
        visit = Visit(
            version_code="historico",
            state="REALIZADA",
            office_id=office_of("coordinador"),
            establishment_id=establishment().id,
            kind="INICIAL",
            happened_on=date(2019, 5, 6),
            historical_act="123/2019",
        )
        unit.session.add(visit)
        unit.session.flush()
    client = enter("coordinador")
    page = text_of(client.get(f"/visitas/{visit.id}"))
    assert "Acta 123/2019" in page
    assert client.get(f"/visitas/{visit.id}/datos").status_code == 302
    assert "Acta 123/2019" in text_of(client.get("/visitas/"))
