"""The import of the historical register: account, resumption, repetition, corrections, undoing, screens."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import register_samples as samples
from flask.testing import FlaskClient
from sqlalchemy import select
from support import ROOT, Live, log_in, token_of

from app.core.base import Session
from app.core.errors import Stale
from app.exchange import register_batches as batches
from app.exchange.register.reading import detect
from app.models.imports import RegisterImport, RegisterRow
from app.models.inspections import Finding, Visit, VisitHeadcount
from app.models.registry import Employer, Establishment, Headcount
from app.operations import records
from app.operations import register_import as ops
from app.operations.register_import.matching import addresses_alike
from app.operations.unit import act
from app.security.principal import Principal, acting_as
from app.views.registry.timeline import timeline

HEAD = samples.HEADERS["ministry"]
MADE = ("employer", "establishment", "visit", "visit_headcount", "visit_inspector", "headcount", "finding",
        "register_row", "register_import")  # fmt: skip
TOTALS = {"rows": 6978, "imported": 6670, "duplicate": 62, "quarantined": 230, "blank": 16}


@pytest.fixture
def here(live: Live) -> Iterator[Live]:
    """The application on a database of its own, and somebody who imports."""
    with live.app.app_context(), acting_as(Principal("prueba", origin="consola")):
        yield live


def real_file() -> Path:
    path = Path(os.environ.get("SIS_REGISTER") or ROOT.parent / "shared" / "data" / "historical_register.csv")
    if not path.is_file():
        pytest.skip("historical_register.csv is not here: set SIS_REGISTER to its path")
    return path


def row(number: int, **changes: str) -> dict[str, str]:
    cells = dict(
        row_number=str(number), date="05/03/2014", order_number=f"OI-2014-{number:05}", act_number=f"{number}/2014",
        employer_name="Panadería Ñandutí S.R.L.", ruc="80009735-1", department="Central", district="San Lorenzo",
        address="Avda. Mburucuyá 123", activity="Construcción", workers="10", men="6", women="4", minors="1",
        inspector_1="Óscar Núñez", cause="Denuncia", infractions="", outcome="Sin infracción",
    )  # fmt: skip
    return cells | changes


def register(*rows: dict[str, str]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow(HEAD.values())
    writer.writerows([one.get(name, "") for name in HEAD] for one in rows)
    return text.getvalue().encode()


def imported(data: bytes, name: str = "registro.csv") -> RegisterImport:
    batch = batches.load(data, name, detect(data))
    batches.run(batch.id)
    return batches._batch(batch.id)


def told(batch: RegisterImport) -> dict[str, int]:
    return batches.account_of(batch)


def line(batch: RegisterImport, number: int) -> RegisterRow:
    query = select(RegisterRow).where(RegisterRow.batch_id == batch.id, RegisterRow.line_number == number)
    return Session.scalars(query.execution_options(populate_existing=True)).one()


def digest(live: Live, tables: tuple[str, ...] = MADE) -> dict[str, tuple[int, str]]:
    """What the tables hold, moments apart."""
    found = {}
    for table in tables:
        apart = "ARRAY['updated_at','beat_at','created_at']"
        rows = live.sql(f"SELECT (to_jsonb(t) - {apart})::text FROM {table} t ORDER BY 1")
        found[table] = (len(rows), sha256("\n".join(text for (text,) in rows).encode()).hexdigest())
    return found


def substance(live: Live) -> list[Any]:
    """What a batch says, keys and moments apart: two ways to one end give the same."""
    return live.sql(
        "SELECT r.line_number, r.outcome, r.codes, r.fine, v.historical_act, v.happened_on, v.office_id, v.kind,"
        " v.historical_result, e.ruc_base, e.legal_name, s.address, s.district_code,"
        " (SELECT array_agg((f.infraction_id, f.facts, f.state, f.historical_fine)::text ORDER BY f.facts) FROM finding f"
        " WHERE f.visit_id = v.id), (SELECT sum(men + women) FROM visit_headcount h WHERE h.visit_id = v.id)"
        " FROM register_row r LEFT JOIN visit v ON v.id = r.visit_id"
        " LEFT JOIN establishment s ON s.id = v.establishment_id LEFT JOIN employer e ON e.id = s.employer_id"
        " ORDER BY r.batch_id, r.line_number"
    )


# --- the real file, through the command ---------------------------------------------------------------------


def command(live: Live, *arguments: str, wait: bool = True) -> Any:
    environ = dict(os.environ, DATABASE_URL=live.urls.app_url, FLASK_APP="app.factory", SIS_ENV="training")
    environ["SIS_DATA_DIR"] = str(live.app.config["SIS_DATA_DIR"])
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "import-register", *arguments],
        cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    if not wait:
        return process
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return json.loads(out)


def test_the_real_register_adds_up_a_second_time_changes_nothing_and_a_kill_leads_to_the_same_end(
    live: Live, tmp_path: Path
) -> None:
    path, report = str(real_file()), tmp_path / "informe.csv"
    assert command(live, path, "--dry-run", "--json") == TOTALS
    assert live.sql("SELECT count(*) FROM register_row")[0][0] == 0

    process = command(live, path, "--json", wait=False)
    for _ in range(2000):
        if live.sql("SELECT coalesce(max(position), 0) FROM register_import")[0][0] > 1000:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    half = live.sql("SELECT status, position FROM register_import")[0]
    assert half[0] == "writing" and 1000 < half[1] < 6979
    assert live.sql("SELECT max(line_number), count(*) FROM register_row")[0] == (half[1], half[1] - 1)

    assert command(live, path, "--json", "--report", str(report)) == TOTALS
    resumed = substance(live)
    assert len(resumed) == 6978 and sum(1 for one in resumed if one[1] == "imported") == 6670
    with report.open(encoding="utf-8-sig", newline="") as stream:
        told_rows = list(csv.DictReader(stream, delimiter=";"))
    assert len(told_rows) == 6978
    assert {one["SIS desenlace"] for one in told_rows} == {
        "importada",
        "duplicada",
        "en cuarentena",
        "en blanco",
    }
    assert not [cell for one in told_rows for cell in one.values() if re.match(r"[=+@]|-\D", cell)]

    before, changes = digest(live), live.sql("SELECT audit.head()")[0][0]
    again = command(live, path, "--json")
    assert again == {"rows": 6978, "imported": 0, "duplicate": 6962, "quarantined": 0, "blank": 16}
    assert digest(live) == before and live.sql("SELECT audit.head()")[0][0] == changes

    with live.app.app_context():
        key = Session.scalar(select(RegisterImport.id))
        assert key is not None and batches.undo(key) == 6670
    kept = digest(live, ("employer", "establishment", "visit", "finding", "headcount", "register_row"))
    assert kept["visit"][0] == kept["finding"][0] == kept["register_row"][0] == 0
    assert command(live, path, "--json") == TOTALS
    assert substance(live) == resumed


# --- what a row becomes ---------------------------------------------------------------------------------------


def test_a_row_becomes_a_visit_with_its_place_its_counts_and_its_findings(here: Live) -> None:
    fined = {"infractions": "Extintores vencidos; Algo nunca visto", "outcome": "Con infracción", "fine": "Gs. 2.315.148",
             "resolution_number": "89/14", "resolution_date": "21/03/2014", "remarks": "=1+1"}  # fmt: skip
    batch = imported(register(row(1, **fined), row(2, cause="Verificación", date="06/05/2014")))
    assert told(batch) == {"rows": 2, "imported": 2, "duplicate": 0, "quarantined": 0, "blank": 0}
    first, second = Session.scalars(select(Visit).order_by(Visit.id)).all()
    assert (first.version_code, first.state, first.historical_act) == ("historico", "REALIZADA", "1/2014")
    assert first.order_id is None and first.narrative == "=1+1" and second.kind == "VERIFICACION"
    assert first.historical_result == "Con infracción · Resolución 89/2014 del 21/03/2014"
    assert first.office.code.startswith("REG") and first.establishment_id == second.establishment_id
    findings = Session.scalars(select(Finding).order_by(Finding.id)).all()
    assert [(f.state, f.confirmed, f.historical_fine) for f in findings] == [
        ("SANCIONADO", True, 2315148), ("SANCIONADO", True, None),
    ]  # fmt: skip
    assert findings[0].infraction is not None and findings[1].infraction is None
    assert findings[1].facts == "Algo nunca visto"
    count = Session.scalars(select(VisitHeadcount).where(VisitHeadcount.visit_id == first.id)).one()
    assert (count.men, count.women) == (6, 4)
    at_place = Session.scalars(
        select(Headcount).where(Headcount.establishment_id == first.establishment_id)
    ).all()
    assert {(c.source, c.adolescents) for c in at_place} == {("importado", 1)}
    events = timeline(first.establishment)
    assert any("acta 1/2014" in event.title and "2 infracciones" in event.detail for event in events)


def test_every_change_of_an_import_is_in_the_trail_with_who_made_it(here: Live) -> None:
    imported(register(row(1)))
    rows = here.sql(
        "SELECT DISTINCT c.table_name FROM audit.change c JOIN audit.act a ON a.id = c.act_id"
        " WHERE a.verb = 'register.import' AND a.actor = 'prueba' AND c.operation = 'I'"
    )
    assert {name for (name,) in rows} >= {"employer", "establishment", "visit", "headcount", "register_row"}


def test_an_employer_is_found_by_ruc_and_a_branch_by_district_and_similar_address(here: Live) -> None:
    records.create(
        Employer, {"kind": "legal", "ruc_base": "80009735", "ruc_dv": "1", "legal_name": "Otra Cosa S.A."}
    )
    batch = imported(
        register(
            row(1), row(2, address="AVDA MBURUCUYA N° 123", date="06/03/2014"),
            row(3, address="Avda. Mburucuyaa 123", date="07/03/2014"),
            row(4, address="Avda. Mburucuyá 1899", date="08/03/2014"),
            row(5, district="Luque", date="09/03/2014"),
        )
    )  # fmt: skip
    assert told(batch)["imported"] == 5
    places = [one.establishment_id for one in Session.scalars(select(Visit).order_by(Visit.id))]
    assert places[0] == places[1] == places[2] and len(set(places)) == 3
    assert line(batch, 4).flags[0] == "establishment_alike"
    assert "establishment_doubtful" in line(batch, 5).flags
    assert "employer_name_differs" in line(batch, 2).flags
    assert (
        Session.scalars(select(Employer).where(Employer.ruc_base == "80009735")).one().legal_name
        == "Otra Cosa S.A."
    )


def test_addresses_are_one_door_only_when_their_numbers_allow_it() -> None:
    assert addresses_alike("avenida mburucuya 123", "avenida mburucuia 123")[1]
    assert not addresses_alike("avenida mburucuya 123", "avenida mburucuya 1899")[1]


def test_an_inspection_born_here_is_flagged_and_never_merged(here: Live) -> None:
    first = imported(register(row(1)))
    place = Session.scalars(select(Visit)).one().establishment_id
    version = here.sql(
        "SELECT version_code FROM procedure_state WHERE process_code = 'visit' AND version_code <> 'historico'"
    )
    here.sql(
        "INSERT INTO inspection_order (kind, origin, office_id, version_code)"
        f" SELECT 'ESTABLECIMIENTO', 'PLAN', min(id), '{version[0][0]}' FROM office"
    )
    here.sql(
        "INSERT INTO visit (order_id, office_id, establishment_id, kind, happened_on, version_code)"
        f" SELECT id, office_id, {place}, 'INICIAL', '2015-05-05', version_code FROM inspection_order"
    )
    second = imported(register(row(2, date="05/05/2015", act_number="9/2015")), "otro.csv")
    assert told(first)["imported"] == told(second)["imported"] == 1
    assert line(second, 2).flags == ["matches_own_inspection"]
    assert len(Session.scalars(select(Visit)).all()) == 3


# --- duplicates, conflicts, corrections -------------------------------------------------------------------------


def test_another_file_with_the_same_acts_is_duplicate_and_with_other_content_conflict(here: Live) -> None:
    imported(register(row(1), row(2)))
    other = imported(register(row(2, row_number="77"), row(1, workers="11", men="7"), row(3)), "segundo.csv")
    assert told(other) == {"rows": 3, "imported": 1, "duplicate": 1, "quarantined": 1, "blank": 0}
    assert line(other, 3).codes == ["conflict"]
    assert "Varones: «7» y «6»" in line(other, 3).causes[0][1]


def test_a_reviewed_conflict_replaces_the_act_keeps_the_old_values_and_undoing_gives_them_back(
    here: Live,
) -> None:
    first = imported(register(row(1, infractions="Extintores vencidos", outcome="Con infracción")))
    before = substance(here)
    other = imported(register(row(1, workers="11", men="7", address="Calle Nueva 9")), "segundo.csv")
    waiting = line(other, 2)
    batches.apply_conflict(other, waiting, waiting.version, True)
    assert told(batches._batch(other.id))["imported"] == 1
    old, new = line(first, 2), line(other, 2)
    assert old.superseded_by_id == new.id and old.visit_id == new.visit_id and old.values[12] == "6"
    count = Session.scalars(select(VisitHeadcount)).one()
    assert (count.men, count.women) == (7, 4) and not Session.scalars(select(Finding)).all()
    third = imported(
        register(row(1, infractions="Extintores vencidos", outcome="Con infracción", row_number="9")), "3.csv"
    )
    assert told(third)["duplicate"] == 1  # the old content is known too
    with pytest.raises(ops.Standing, match=r"segundo\.csv"):
        batches.undo(first.id)
    batches.undo(other.id)
    batches.undo(third.id)
    assert [one for one in substance(here) if one[1]] == before
    assert not here.sql("SELECT 1 FROM establishment WHERE address = 'Calle Nueva 9'")


def test_two_acts_of_one_number_stand_apart_after_a_review(here: Live) -> None:
    imported(register(row(1)))
    other = imported(register(row(1, date="09/09/2014", workers="11", men="7")), "segundo.csv")
    waiting = line(other, 2)
    batches.apply_conflict(other, waiting, waiting.version, False)
    assert len(Session.scalars(select(Visit)).all()) == 2
    with pytest.raises(Stale):
        batches.apply_conflict(other, line(other, 2), waiting.version, False)


def test_rows_without_ruc_are_taken_as_provisional_and_one_with_another_cause_waits_for_it(
    here: Live,
) -> None:
    batch = imported(
        register(
            row(1, ruc=""), row(2, ruc="", date="06/03/2014"), row(3, ruc="", district="Xx"),
            row(4, ruc="", employer_name="Otro S.A."), row(5, ruc="80009735-2"),
        )
    )  # fmt: skip
    assert told(batch)["quarantined"] == 5
    outcome = batches.take_as_provisional(batch)
    assert outcome.counts == {"imported": 3, "quarantined": 1}
    batch = batches._batch(batch.id)
    assert told(batch)["imported"] == 3 and told(batch)["rows"] == 5
    made = Session.scalars(select(Employer).where(Employer.provisional)).all()
    names = [one.legal_name for one in made if one.description.startswith("Sin RUC en el registro")]
    assert sorted(names) == ["Otro S.A.", "Panadería Ñandutí S.R.L."]
    assert line(batch, 4).codes == ["unknown_district"] and line(batch, 4).waived == ["missing_ruc"]
    waiting = line(batch, 4)
    batches.correct(batch, waiting, {"district": "San Lorenzo"}, waiting.version)
    assert line(batch, 4).outcome == "imported"
    assert line(batch, 6).codes == ["wrong_ruc_digit"]


def test_a_corrected_report_changes_only_the_rows_that_were_changed(here: Live, tmp_path: Path) -> None:
    batch = imported(
        register(row(1), row(2, ruc="80009735-2"), row(3, district="Xx"), row(4, date="31/02/2014"))
    )
    assert told(batch)["quarantined"] == 3
    text = io.StringIO(newline="")
    batches.report(batch, text)
    changed = text.getvalue().replace("80009735-2", "80009735-1").replace("Xx", "Itá")
    changed = changed.replace("Avda. Mburucuyá 123", "Otra calle 5", 1)  # row 1 is imported: it is left alone
    path = tmp_path / "corregido.csv"
    path.write_text(changed, encoding="utf-8", newline="")
    still = here.sql("SELECT version FROM register_row WHERE line_number IN (2, 5) ORDER BY id")
    answer = batches.import_file(path)
    assert answer.account == {"rows": 2, "imported": 2, "duplicate": 0, "quarantined": 0, "blank": 0}
    assert "1 no esperaban" in answer.sentence
    assert here.sql("SELECT version FROM register_row WHERE line_number IN (2, 5) ORDER BY id") == still
    assert line(batch, 3).original[6] == "80009735-2" and line(batch, 3).values[6] == "80009735-1"
    assert batches.import_file(path).account["rows"] == 0
    # The file itself, again: what was corrected here does not wait a second time.
    third = imported(register(row(2, ruc="80009735-2"), row(9)), "tercero.csv")
    assert told(third) == {"rows": 2, "imported": 1, "duplicate": 1, "quarantined": 0, "blank": 0}


def test_a_formula_is_stored_as_text_and_neutralised_in_the_report(here: Live) -> None:
    batch = imported(register(row(1, remarks="=CMD|'/c calc'!A0", employer_name="@SUM(A1) S.A.")))
    assert Session.scalars(select(Visit)).one().narrative == "=CMD|'/c calc'!A0"
    text = io.StringIO(newline="")
    batches.report(batch, text)
    assert ";'=CMD|'/c calc'!A0" in text.getvalue() and ";'@SUM(A1) S.A.;" in text.getvalue()


def test_backslashes_tabs_and_line_ends_survive(here: Live) -> None:
    odd = 'C:\\nuevo\\t\nsegunda línea "con comillas"; y \\N'
    batch = imported(register(row(1, remarks=odd), row(2, remarks=odd, ruc="")))
    assert Session.scalars(select(Visit)).one().narrative == odd
    waiting = line(batch, 4) if told(batch)["rows"] > 2 else Session.scalars(
        select(RegisterRow).where(RegisterRow.outcome == "quarantined")
    ).one()  # fmt: skip
    batches.correct(batch, waiting, {"ruc": "80009735-1"}, waiting.version)
    assert [one.narrative for one in Session.scalars(select(Visit))] == [odd, odd]


@pytest.mark.parametrize(
    ("kind", "headers", "how"),
    [
        ("csv", "regional", {"separator": ",", "titles": 2, "encoding": "utf-8-sig"}),
        ("csv", "short", {"separator": "\t", "encoding": "cp1252"}),
        ("xlsx", "regional", {"titles": 2, "shuffled": True}),
    ],
)
def test_another_layout_comes_to_the_end_that_it_was_built_for(here: Live, kind, headers, how) -> None:
    sample = samples.make(11, size=160, kind=kind, headers=headers, **how)
    batch = imported(sample.data, f"registro.{kind}")
    wanted = [plan.outcome for plan in sample.planned]
    found = Session.scalars(
        select(RegisterRow.outcome).where(RegisterRow.batch_id == batch.id).order_by(RegisterRow.line_number)
    ).all()
    assert len(found) == len(wanted) == told(batch)["rows"]
    unlike = [n for n, pair in enumerate(zip(found, wanted, strict=True)) if pair[0] != pair[1]]
    assert not unlike, unlike[:5]


# --- undone, stopped, one at a time -----------------------------------------------------------------------------


def test_a_batch_is_undone_only_while_nothing_later_refers_to_it(here: Live) -> None:
    before = digest(here, ("employer", "establishment", "visit", "headcount"))
    first = imported(register(row(1)))
    second = imported(register(row(2, date="06/03/2014")), "segundo.csv")
    with pytest.raises(ops.Standing, match="Acta 2/2014"):
        batches.undo(first.id)
    batches.undo(second.id)
    employer = Session.scalars(select(Employer).where(Employer.ruc_base == "80009735")).one()
    records.change(Employer, employer.id, {"phone": "+595981000000"})
    with pytest.raises(ops.Standing, match="cambiados después: 80009735-1"):
        batches.undo(first.id)
    here.sql("UPDATE employer SET version = 1 WHERE ruc_base = '80009735'")
    batches.undo(first.id)
    assert digest(here, ("employer", "establishment", "visit", "headcount")) == before
    again = batches.load(register(row(1)), "registro.csv", detect(register(row(1))))
    batches.run(again.id)
    assert again.id == first.id and told(batches._batch(first.id))["imported"] == 1


def test_two_imports_never_work_at_once(here: Live) -> None:
    with ops.exclusive(), pytest.raises(ops.Busy), ops.exclusive():
        pass


def test_a_failure_in_the_middle_stops_the_batch_whole_and_the_next_run_goes_on(
    here: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "CHUNK", 2)
    write, calls = ops.write, []

    def fails(*arguments: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            with act("register.import"):
                write(*arguments)
                raise OSError("disco lleno")
        write(*arguments)

    monkeypatch.setattr(ops, "write", fails)
    data = register(*(row(n, date=f"{n:02}/03/2014") for n in range(1, 6)))
    batch = batches.load(data, "registro.csv", detect(data))
    with pytest.raises(OSError):
        batches.run(batch.id)
    stopped = batches._batch(batch.id)
    assert (stopped.status, stopped.position, stopped.imported) == ("failed", 3, 2)
    assert len(Session.scalars(select(Visit)).all()) == 2
    batches.run(batch.id)
    assert told(batches._batch(batch.id))["imported"] == 5 and len(Session.scalars(select(Visit)).all()) == 5
    assert (
        len(
            Session.scalars(select(Establishment).where(Establishment.address == "Avda. Mburucuyá 123")).all()
        )
        == 1
    )


def test_a_name_that_belongs_to_another_file_is_refused(here: Live) -> None:
    batches.load(register(row(1)), "a.csv", detect(register(row(1))), "lote")
    with pytest.raises(Exception, match="ya existe con otro archivo"):
        batches.load(register(row(2)), "b.csv", detect(register(row(2))), "lote")


# --- the screen ---------------------------------------------------------------------------------------------------


@pytest.fixture
def admin(live: Live) -> FlaskClient:
    return log_in(live.app.test_client(), "admin")


def send(client: FlaskClient, path: str, **data: Any) -> Any:
    page = client.get("/importaciones/list/").get_data(as_text=True)
    return client.post(path, data=data | {"csrf_token": token_of(page)}, content_type="multipart/form-data")


def test_a_file_is_loaded_read_tried_imported_and_undone_on_screen(live: Live, admin: FlaskClient) -> None:
    data = register(row(1), row(2, ruc=""), row(3, district="Xx"))
    answer = send(admin, "/importaciones/cargar", file=(io.BytesIO(data), "registro.csv"))
    assert answer.status_code == 302 and answer.location.endswith("/lectura")
    page = admin.get(answer.location).get_data(as_text=True)
    assert "Punto y coma" in page and "Mburucuyá" in page
    key = int(answer.location.split("/")[-2])
    chosen = {f"c_{name}": str(n) for n, name in enumerate(HEAD)}
    answer = send(admin, f"/importaciones/{key}/lectura", then="try", header_row="1", encoding="utf-8",
                  separator=";", **chosen)  # fmt: skip
    assert answer.status_code == 302
    assert admin.get(f"/importaciones/{key}/avance.json").json["state"] == "En prueba"
    with live.app.app_context():
        jobs = live.sql("SELECT task_name FROM procrastinate_jobs ORDER BY id")
        assert jobs[-1][0] == "app.jobs.register_trial"
        batches.try_batch(key)
    page = admin.get(f"/importaciones/{key}").get_data(as_text=True)
    assert "Resultado de la prueba" in page and "Distrito desconocido" in page
    assert "registro" not in str(live.sql("SELECT count(*) FROM visit")[0][0])
    assert "en cuarentena" in admin.get(f"/importaciones/{key}/prueba.csv").get_data(as_text=True)
    assert send(admin, f"/importaciones/{key}/pedir/importar").status_code == 302
    with live.app.app_context():
        batches.run(key)
    page = admin.get(f"/importaciones/{key}").get_data(as_text=True)
    assert "Tomar todas como provisorias" in page
    send(admin, f"/importaciones/{key}/provisorios")
    with live.app.app_context():
        waiting = Session.scalars(select(RegisterRow).where(RegisterRow.outcome == "quarantined")).one()
        row_id, version = waiting.id, waiting.version
    answer = send(admin, f"/importaciones/{key}/fila/{row_id}", version=str(version), f_district="Nada")
    assert answer.status_code == 302
    page = admin.get(f"/importaciones/{key}/fila/{row_id}").get_data(as_text=True)
    assert 'value="Nada"' in page and "«Nada» no existe" in page
    stale = send(admin, f"/importaciones/{key}/fila/{row_id}", version=str(version), f_district="Escrito")
    assert stale.status_code == 409 and 'value="Escrito"' in stale.get_data(as_text=True)
    answer = send(
        admin, f"/importaciones/{key}/fila/{row_id}", version=str(version + 1), f_district="San Lorenzo"
    )
    assert answer.status_code == 302
    report = admin.get(f"/importaciones/{key}/informe.csv")
    assert (
        report.headers["Content-Disposition"].startswith("attachment")
        and report.get_data(as_text=True).count("importada") == 3
    )
    send(admin, f"/importaciones/{key}/deshacer")
    with live.app.app_context():
        batches.undo_batch(key)
    assert "Deshecho" in admin.get(f"/importaciones/{key}").get_data(as_text=True)
    assert live.sql("SELECT count(*) FROM visit")[0][0] == 0


def test_a_file_without_titles_is_shown_for_correction_and_one_that_is_no_table_is_refused(
    live: Live, admin: FlaskClient
) -> None:
    answer = send(admin, "/importaciones/cargar", file=(io.BytesIO(b"%PDF-1.4 nada"), "x.pdf"))
    assert answer.status_code == 422 and "PDF" in answer.get_data(as_text=True)
    answer = send(admin, "/importaciones/cargar", file=(io.BytesIO(b"a;b;c\r\n1;2;3\r\n"), "x.csv"))
    assert answer.status_code == 302
    assert "Falta decir qué columna es" in admin.get(answer.location).get_data(as_text=True)
    assert send(admin, "/importaciones/cargar").status_code == 422


def test_who_may_read_does_not_write_and_a_stranger_sees_nothing(live: Live) -> None:
    with live.app.app_context(), acting_as(Principal("prueba")):
        key = imported(register(row(1))).id
    director = log_in(live.app.test_client(), "director")
    page = director.get(f"/importaciones/{key}").get_data(as_text=True)
    assert "Resultado" in page and "Deshacer el lote" not in page
    token = token_of(page)
    for path in (f"{key}/deshacer", f"{key}/pedir/importar", f"{key}/provisorios", "cargar"):
        answer = director.post(f"/importaciones/{path}", data={"csrf_token": token})
        assert answer.status_code in (302, 403)
    assert live.sql("SELECT status FROM register_import") == [("done",)]
    inspector = log_in(live.app.test_client(), "inspector1")
    assert inspector.get(f"/importaciones/{key}").status_code in (302, 403)
