"""Auditoría and the reserved interviews: who reads what, and that a reading leaves its line in the trail."""

import html
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from inspection_samples import acting, begun, done
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session as OrmSession
from support import ROOT, Live, token_of

from app.core import clock
from app.core.base import Session
from app.core.errors import RuleBroken
from app.models.audit import AuditCheck
from app.models.catalogs import Office
from app.models.inspections import Visit, VisitInterview
from app.operations import audit, mail, records
from app.operations.inspections import interviews
from app.operations.unit import act
from app.views import acts

Enter = Callable[[str], FlaskClient]
WORDS = "Nos hacen firmar recibos en blanco"


def interviewed(visit: Visit) -> VisitInterview:
    with acting("inspector1"):
        return interviews.add(
            visit, {"taken_at": clock.now(), "worker": "Soldador, turno noche", "text": WORDS}
        )


def page(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return html.unescape(answer.get_data(as_text=True))


def readings(db: OrmSession, key: int) -> list[str]:
    with acting("director"):
        rows = db.execute(
            text(
                "SELECT actor, operation FROM audit.history('visit_interview', jsonb_build_object('id', :key))"
            ),
            {"key": key},
        )
        return [row.actor for row in rows if row.operation == "R"]


def test_an_interview_is_read_by_the_team_and_the_director_and_each_reading_is_written_down(
    enter: Enter, db: OrmSession
) -> None:
    visit = begun()
    interview = interviewed(visit)
    address = f"/visitas/{visit.id}/entrevistas"
    assert address in page(enter("inspector1"), f"/visitas/{visit.id}")
    assert WORDS in page(enter("director"), address)
    assert readings(db, interview.id) == ["director"]
    assert WORDS in page(enter("inspector1"), f"{address}/{interview.id}")
    assert readings(db, interview.id) == ["inspector1", "director"]
    for username in ("coordinador", "regional", "auditor", "ministro", "secretaria"):
        client = enter(username)
        assert client.get(address).status_code == 404, username
        assert client.get(f"{address}/agregar").status_code in (302, 403, 404), username
        if username != "regional":
            assert address not in page(client, f"/visitas/{visit.id}"), username
    assert readings(db, interview.id) == ["inspector1", "director"]


def test_the_team_writes_interviews_until_the_acta_is_signed_and_adds_after(
    enter: Enter, db: OrmSession
) -> None:
    visit = begun()
    client, address = enter("inspector1"), f"/visitas/{visit.id}/entrevistas"
    form = page(client, f"{address}/agregar")
    typed = {
        "csrf_token": token_of(form),
        "taken_on": "24/11/2026",
        "taken": "10:15",
        "worker": "Cajera",
        "version": "",
        "text": "",
    }
    refused = client.post(f"{address}/agregar", data=typed)
    assert refused.status_code == 422 and "Cajera" in refused.get_data(as_text=True)
    assert client.post(f"{address}/agregar", data=typed | {"text": WORDS}).status_code == 302
    assert "Tomada el 24/11/2026 10:15" in page(client, address)
    with acting("inspector1"):
        row = db.query(VisitInterview).filter_by(visit_id=visit.id).one()
    changed = typed | {"text": "Otra cosa", "version": row.version}
    assert client.post(f"{address}/{row.id}", data=changed).status_code == 302
    assert f"Qué dijo: {WORDS} → Otra cosa" in page(client, f"{address}/{row.id}")
    assert client.post(f"{address}/{row.id}", data=changed | {"text": "Vieja"}).status_code in (409, 422)
    signed = done()
    later = interviewed(signed)  # also after the signature
    with acting("inspector1"), pytest.raises(RuleBroken, match="firmada"):
        interviews.change(later, {"text": "cambio"}, later.version)


def test_the_trail_keeps_reserved_values_apart(live: Live) -> None:
    key = interviewed(begun()).id
    for _ in range(3):
        audit.seal()
    assert WORDS not in str(live.sql("SELECT * FROM audit.change")) and audit.verify().ok
    told = "\n".join(audit.export())
    assert WORDS not in told and "dato reservado" in told
    history = text(
        "SELECT new_values ->> 'text' FROM audit.history('visit_interview', jsonb_build_object('id', CAST(:id AS int)))"
    )
    for username, value in (("director", WORDS), ("inspector1", WORDS), ("auditor", "dato reservado")):
        with acting(username):
            Session.execute(text("SELECT set_config('audit.checking', 'on', true)"))  # of no use
            assert Session.scalar(history, {"id": key}) == value, username
        Session.rollback()
    assert audit.verify_tables(["visit_interview"]).rows == {"visit_interview": 1}
    bare = "SET session_replication_role = replica; "
    live.sql(bare + "UPDATE visit_interview SET text = 'otra cosa'", live.urls.superuser_url)
    assert [row.columns for row in audit.verify_tables(["visit_interview"]).faults] == [("text",)]
    for deed, code in (
        ("UPDATE audit.reserved SET new_values = '{}'", "hidden_edited"),
        ("DELETE FROM audit.reserved", "hidden_deleted"),
    ):
        live.sql(bare + deed, live.urls.superuser_url)
        assert [each.code for each in audit.verify().faults] == [code]
    with pytest.raises(DBAPIError):
        live.sql("SELECT * FROM audit.reserved", live.urls.app_url)


def test_auditoria_finds_acts_by_person_record_and_verb(enter: Enter, db: OrmSession) -> None:
    with acting("admin"):
        made = records.create(
            Office, {"code": "REG-97", "name": "Prueba", "kind": "regional", "opened_on": "2024-01-01"}
        )
        records.change(Office, made.id, {"city": "Luque"})
    client = enter("auditor")
    found = page(client, f"/auditoria/?registro=office&numero={made.id}")
    assert found.count('data-label="Acción"') == 2 and "Oficina: modificación" in found
    assert page(client, "/auditoria/?persona=admin&accion=office.change").count('data-label="Acción"') == 1
    assert "No hay actos que mostrar" in page(client, "/auditoria/?desde=01/01/2020&hasta=02/01/2020")
    assert "dd/mm/aaaa" in page(client, "/auditoria/?desde=nada")
    assert "Oficina: modificación" in page(client, "/auditoria/?registro=office&hasta=31/12/9999")
    number = db.execute(
        text(
            "SELECT act_id FROM audit.find(now() - interval '1 hour', now() + interval '1 hour',"
            " NULL, 'office.change', 'office', NULL, 1)"
        )
    ).scalar_one()
    assert "Ciudad</th><td>—</td><td><ins>Luque</ins></td>" in page(client, f"/auditoria/acto/{number}")
    assert client.get("/auditoria/acto/999999999").status_code == 404
    assert client.get("/auditoria/cambio/1").status_code in (200, 404)


def test_auditoria_is_asked_in_words(enter: Enter) -> None:
    with acting("admin"):
        office = {"code": "REG-98", "name": "Prueba", "kind": "regional", "opened_on": "2024-01-01"}
        made = records.create(Office, office)
        records.change(Office, made.id, {"city": "Luque"})
    client = enter("auditor")
    about = f"registro=office&numero={made.id}"
    for words in ("Oficina: modificación", "OFICINA: modificacion", "office.change"):
        found = page(client, f"/auditoria/?accion={words}&{about}")
        assert found.count('data-label="Acción"') == 1 and 'value="Oficina: modificación"' in found, words
    several = page(client, f"/auditoria/?accion=oficina:&{about}")  # every act whose words hold it
    assert several.count('data-label="Acción"') == 2
    assert "acciones con esas palabras" in page(client, "/auditoria/?accion=alta")
    assert "Ninguna acción se llama así" in page(client, "/auditoria/?accion=nada de esto")
    offered = client.get("/auditoria/acciones?q=oficina alta").get_json()
    assert {"id": "office.create", "text": "Oficina: alta"} in offered
    person = client.get("/auditoria/personas?q=admin").get_json()[0]
    assert person["id"] == "admin" and person["text"].endswith("(admin)")
    chosen = f"persona={person['text']}&persona={person['id']}"
    assert page(client, f"/auditoria/?{about}&{chosen}").count('data-label="Acción"') == 2
    assert "No hay actos" in page(client, f"/auditoria/?{about}&persona=nadie")


def test_values_that_a_role_may_not_see_stay_out_of_its_auditoria(enter: Enter, db: OrmSession) -> None:
    visit = begun()
    interview = interviewed(visit)
    with acting("inspector1"), act("visit.write") as unit:
        visit.narrative = "Relato del acta"
        unit.session.flush()
        number = unit.act_id
    own = db.execute(
        text(
            "SELECT act_id FROM audit.find(now() - interval '1 hour', now() + interval '1 hour', NULL, NULL,"
            " 'visit_interview', :key, 1)"
        ),
        {"key": interview.id},
    ).scalar_one()
    assert "Relato del acta" in page(enter("auditor"), f"/auditoria/acto/{number}")
    assert "Relato del acta" not in page(enter("admin"), f"/auditoria/acto/{number}")
    for username in ("auditor", "admin"):
        assert WORDS not in page(enter(username), f"/auditoria/acto/{own}"), username
    assert "dato reservado" in page(enter("auditor"), f"/auditoria/acto/{own}")
    assert enter("director").get("/auditoria/").status_code in (302, 403)


def test_the_copy_is_the_auditors_and_leaves_an_act(enter: Enter, db: OrmSession) -> None:
    audit.seal()
    client = enter("auditor")
    token = {"csrf_token": token_of(page(client, "/auditoria/"))}
    answer = client.post("/auditoria/copia", data=token)
    lines = answer.get_data(as_text=True).splitlines()
    assert lines[0].startswith('{"format": "sis-audit-1"') and len(lines) == audit.head().seq + 1
    assert "audit.export" in page(enter("auditor"), "/auditoria/?accion=audit.export")
    other = enter("admin")
    assert "Descargar el rastro" not in page(other, "/auditoria/")
    token = {"csrf_token": token_of(page(other, "/"))}
    assert other.post("/auditoria/copia", data=token).status_code in (302, 403)


def test_the_nightly_verification_is_kept_shown_and_mailed(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, str, str]] = []
    monkeypatch.setattr(mail, "send", lambda *letter: sent.append(letter))
    monkeypatch.setattr(mail, "configured", lambda: True)
    check = audit.nightly()
    assert check.faults == [] and check.rows > 0 and check.seq == audit.head().seq > 0
    audit.send_head(check.id)
    assert sent == []  # nobody is named
    jobs = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'app.jobs.send_audit_head'"
    assert live.sql(jobs)[0][0] == 0
    live.sql("UPDATE parameter SET value = 'auditoria@example.org' WHERE code = 'AUDITORIA_CORREO'")
    live.sql(
        "SET session_replication_role = replica; UPDATE office SET city = 'Luque' WHERE code = 'DGIFT'",
        live.urls.superuser_url,
    )
    Session.rollback()
    check = audit.nightly()
    assert len(check.faults) == 1 and "cambió sin rastro (city)" in check.faults[0]
    assert live.sql(jobs)[0][0] == 1
    audit.send_head(check.id)
    ((to, _, words),) = sent
    assert to == "auditoria@example.org" and f"{check.seq}:{check.hash}" in words and check.faults[0] in words
    told = live.app.test_client().get("/health").get_json()
    assert told["audit"] == "altered" and told["audit_head"] == audit.head().short
    assert Session.query(AuditCheck).count() == 2


def test_figures_of_the_whole_country_carry_the_head_of_the_trail(enter: Enter, db: OrmSession) -> None:
    audit.seal()
    head = audit.head()
    said = enter("director").get("/mi-trabajo/cifras.csv").get_data(as_text=True)
    assert f"Cabeza del rastro de auditoría {head.seq}:{head.hash}" in said
    assert "Cabeza del rastro" not in enter("coordinador").get("/mi-trabajo/cifras.csv").get_data(
        as_text=True
    )


def test_every_act_that_the_code_names_has_words_of_the_screen(live: Live) -> None:
    source = "".join(path.read_text() for path in (ROOT / "app").rglob("*.py"))
    verbs = set(re.findall(r'\bact\(\s*"([a-z_]+\.[a-z_]+)"', source))
    known = {*acts.WHOLE, *(verb for verb in verbs if verb.split(".")[1] in acts.WORDS)}
    about = {*acts.ABOUT, *acts.labels()}
    assert verbs and not [verb for verb in verbs if verb not in known or verb.split(".")[0] not in about]
    assert verbs == {f"{name}.{what}" for name, words in acts.NAMED.items() for what in words.split()}
