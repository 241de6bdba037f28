"""Final reports on screen: every route of working rule 13, what each person may write, what is refused."""

import html
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from inspection_samples import acting, done, photo, principal
from sqlalchemy import event, select
from sqlalchemy.orm import Session as OrmSession
from support import PASSWORD, token_of

from app.core.base import Session
from app.models.documents import Document
from app.models.followup import Term
from app.models.inspections import FinalReport, InspectionOrder
from app.operations import moves
from app.operations.inspections import facts, findings, reports

Enter = Callable[[str], FlaskClient]
TEXTS = {"facts": "Sin novedad en el lugar.", "analysis": "No hay infracción.", "proposal": "ARCHIVO"}


class Fresh:
    """A report read anew at each look: every request of the client closes the session of the test."""

    def __init__(self, key: int) -> None:
        self.id = key

    def row(self) -> FinalReport:
        Session.expire_all()
        found = Session.get(FinalReport, self.id)
        assert found is not None
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.row(), name)


def report_of(visit: Any) -> Fresh:
    """The final report of a visit's order, just opened."""
    order = facts.order_of(visit)
    with acting("inspector1"):
        moves.move(order, "declarar_ejecutada")
    found = facts.report_of(order)
    assert found is not None
    return Fresh(found.id)


def page(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return html.unescape(answer.get_data(as_text=True))


def send(client: FlaskClient, path: str, **form: Any) -> Any:
    """Send the form of a page, with its token and version."""
    text = client.get(path).get_data(as_text=True)
    data = {"csrf_token": token_of(text), **form}
    version = re.search(r'name="_version" value="(\d+)"', text)
    if version and "_version" not in form:
        data["_version"] = version[1]
    return client.post(path, data=data, content_type="multipart/form-data")


def step(client: FlaskClient, report: Fresh, code: str, **form: Any) -> None:
    """Take a step of a report through its form, and see it done."""
    answer = send(client, f"/pasos/report/{report.id}/{code}", **form)
    assert answer.status_code == 302, re.findall(
        r'(?s)class="help-block sis-error">(.*?)</p>|alert">(.*?)</div>', answer.get_data(as_text=True)
    )


def scan() -> tuple[io.BytesIO, str]:
    return io.BytesIO(photo()), "firmado.jpg"


def account(username: str) -> int:
    found = principal(username).account_id
    assert found is not None
    return found


def written(enter: Enter, report: Fresh, **texts: str) -> None:
    answer = send(enter("inspector1"), f"/informes/{report.id}/escribir", **{**TEXTS, **texts})
    assert answer.status_code == 302


def signed_by_inspector(enter: Enter, report: Fresh, code: str = "firmar", **texts: str) -> None:
    """Written, reviewed by the coordinator, signed and sent to DGIFT."""
    written(enter, report, **texts)
    step(enter("inspector1"), report, "enviar_a_coordinacion")
    step(enter("coordinador"), report, "dar_visto_bueno")
    step(enter("inspector1"), report, code, signing_mode="electronic", password=PASSWORD)


def test_archive_with_the_review_and_its_return_all_from_screens(enter: Enter, db: OrmSession) -> None:
    report = report_of(done(fails=0))
    written(enter, report)
    step(enter("inspector1"), report, "enviar_a_coordinacion")
    step(enter("coordinador"), report, "devolver", reason="Falta el detalle de la visita.")
    assert "Falta el detalle de la visita." in page(enter("inspector1"), f"/informes/{report.id}")
    step(enter("inspector1"), report, "enviar_a_coordinacion")
    step(enter("coordinador"), report, "dar_visto_bueno")
    step(enter("inspector1"), report, "firmar", signing_mode="electronic", password=PASSWORD)
    step(enter("director"), report, "remitir")
    assert (
        send(enter("juridico"), f"/informes/{report.id}/escribir", opinion="Visto.\nArchívese.").status_code
        == 302
    )
    step(enter("juridico"), report, "dictaminar", signing_mode="electronic", password=PASSWORD)
    step(enter("juridico"), report, "elevar")
    step(enter("ministro"), report, "archivar", signing_mode="electronic", password=PASSWORD)
    assert report.state == "ARCHIVADO"
    text = page(enter("ministro"), f"/informes/{report.id}")
    for words in ("Archivado", "Sin novedad en el lugar.", "Archívese.", "INF-FIN-", "DIC-", "PRV-ARC-"):
        assert words in text, words
    order = Session.get(InspectionOrder, report.order_id)
    assert order is not None and order.state == "CERRADA"
    assert not Session.scalars(select(Term).where(Term.status == "open")).all()


def test_signed_scans_of_the_letters_take_the_place_of_letters_of_the_system(
    enter: Enter, db: OrmSession
) -> None:
    report = report_of(done(fails=0))
    signed_by_inspector(enter, report)
    hand = {"signing_mode": "handwritten"}
    step(
        enter("director"),
        report,
        "remitir_con_observacion",
        **hand,
        signatory_account_id=str(account("director")),
        scan=scan(),
    )
    step(
        enter("juridico"),
        report,
        "dictaminar",
        **hand,
        signatory_account_id=str(account("juridico")),
        scan=scan(),
    )
    step(enter("juridico"), report, "elevar")
    step(
        enter("secretaria"),
        report,
        "archivar",
        **hand,
        signatory_account_id=str(account("ministro")),
        scan=scan(),
    )
    assert report.state == "ARCHIVADO" and report.opinion_id is not None
    made = Session.scalars(
        select(Document).where(Document.type_code.in_(("INF-DGIF", "DIC", "PRV-ARC")))
    ).all()
    assert {(row.type_code, row.status, row.signing_mode) for row in made} == {
        (code, "issued", "handwritten") for code in ("INF-DGIF", "DIC", "PRV-ARC")
    }


def test_handwritten_step_without_its_scan_is_refused_and_changes_nothing(
    enter: Enter, db: OrmSession
) -> None:
    report = report_of(done(fails=0))
    signed_by_inspector(enter, report)
    step(enter("director"), report, "remitir")
    answer = send(
        enter("juridico"),
        f"/pasos/report/{report.id}/dictaminar",
        signing_mode="handwritten",
        signatory_account_id=str(account("juridico")),
    )
    assert answer.status_code == 422 and report.state == "REMITIDO_DGAJ" and report.opinion_id is None


def test_sumario_sends_the_report_with_its_act_of_infraction(enter: Enter, db: OrmSession) -> None:
    visit = done(fails=1)
    with acting("inspector1"):
        for finding in findings.of_visit(visit):
            if finding.infraction is not None and finding.infraction.remediable:
                moves.move(finding, "requerir", moves.Details(password=PASSWORD))
                findings.deliver(finding, "signed", moves.Details())
                findings.file(finding, "Nota sin pruebas", None, moves.Details())
                findings.verify(finding, "not_remedied", "No se vio la planilla.")
                moves.move(finding, "dar_por_no_subsanado")
            moves.move(finding, "enviar_a_sumario")
    report = report_of(visit)
    signed_by_inspector(enter, report, "firmar_con_infraccion", proposal="SUMARIO")
    text = page(enter("director"), f"/informes/{report.id}")
    assert "El informe no propone el archivo." in text  # says why the other routes are closed
    step(enter("director"), report, "enviar_a_sumario")
    assert report.state == "A_SUMARIO"
    assert "ACT-INF-" in page(enter("juridico"), f"/informes/{report.id}")


def test_new_actions_send_the_order_back_and_the_report_is_taken_up_again(
    enter: Enter, db: OrmSession
) -> None:
    report = report_of(done(fails=0))
    signed_by_inspector(enter, report, proposal="NUEVAS_DILIGENCIAS")
    step(enter("director"), report, "ordenar_diligencias", reason="Pedir las planillas del IPS.")
    order = Session.get(InspectionOrder, report.order_id)
    assert report.state == "DILIGENCIAS_ORDENADAS" and order is not None and order.state == "EN_EJECUCION"
    text = page(enter("inspector1"), f"/informes/{report.id}")
    assert "Pedir las planillas del IPS." in text and "Retomar el informe" in text


def test_minister_orders_new_actions_after_the_opinion(enter: Enter, db: OrmSession) -> None:
    report = report_of(done(fails=0))
    signed_by_inspector(enter, report)
    step(enter("director"), report, "remitir")
    send(enter("juridico"), f"/informes/{report.id}/escribir", opinion="Visto.\nFaltan pruebas.")
    step(enter("juridico"), report, "dictaminar", signing_mode="electronic", password=PASSWORD)
    step(enter("juridico"), report, "elevar")
    step(
        enter("ministro"),
        report,
        "ordenar_diligencias",
        reason="Oír a los trabajadores.",
        signing_mode="electronic",
        password=PASSWORD,
    )
    order = Session.get(InspectionOrder, report.order_id)
    assert order is not None and order.state == "EN_EJECUCION" and order.valid_until is not None


def test_each_writes_his_part_in_his_turn_alone(enter: Enter, db: OrmSession) -> None:
    report = report_of(done(fails=0))
    path = f"/informes/{report.id}/escribir"
    assert 'name="facts"' in page(enter("inspector1"), path)
    assert 'name="opinion"' not in page(enter("inspector1"), path)
    for username in ("coordinador", "ministro"):
        assert enter(username).get(path).status_code == 403, username
    for username in ("inspector3", "juridico", "juez"):  # another's file, or one that has not reached them
        assert enter(username).get(path).status_code in (403, 404), username
        assert enter(username).get(f"/informes/{report.id}").status_code == 404
    answer = send(enter("inspector1"), path, **TEXTS, opinion="Dictamen inventado")
    assert answer.status_code == 302
    assert report.opinion is None and report.facts == TEXTS["facts"]


def test_lost_update_is_told_and_what_was_typed_stays(enter: Enter, db: OrmSession) -> None:
    report = report_of(done(fails=0))
    old = report.version
    with acting("inspector2"):
        reports.write(report.row(), {"facts": "Lo que escribió la otra persona."})
    answer = send(
        enter("inspector1"), f"/informes/{report.id}/escribir", facts="Lo mío, largo.", _version=str(old)
    )
    assert answer.status_code == 409 and "Lo mío, largo." in answer.get_data(as_text=True)
    assert report.facts == "Lo que escribió la otra persona."


@pytest.mark.parametrize("sent", ["", "abc", "9" * 40])
def test_form_without_its_version_overwrites_nothing(enter: Enter, db: OrmSession, sent: str) -> None:
    report = report_of(done(fails=0))
    answer = send(enter("inspector1"), f"/informes/{report.id}/escribir", facts="X", _version=sent)
    assert answer.status_code == 409


def test_unknown_proposal_is_refused_at_its_field(enter: Enter, db: OrmSession) -> None:
    report = report_of(done(fails=0))
    answer = send(enter("inspector1"), f"/informes/{report.id}/escribir", facts="Hechos", proposal="OTRA")
    text = html.unescape(answer.get_data(as_text=True))
    assert answer.status_code == 422 and "Elija la propuesta de la lista." in text and "Hechos" in text


def test_list_filters_by_state_proposal_and_office_in_a_constant_number_of_statements(
    enter: Enter, app: Any, db: OrmSession
) -> None:
    report = report_of(done(fails=0))
    report_of(done(fails=0))
    written(enter, report)
    link = f"/informes/{report.id}"
    client = enter("coordinador")
    page(client, "/informes/list/")  # versions of the procedure are read once a process
    seen: list[str] = []
    listener = lambda *call: seen.append(call[2])  # noqa: E731
    event.listen(app.extensions["sis_engine"], "before_cursor_execute", listener)
    assert link in page(client, "/informes/list/")
    event.remove(app.extensions["sis_engine"], "before_cursor_execute", listener)
    assert len([one for one in seen if "SAVEPOINT" not in one]) <= 8, seen
    for good, bad in (
        ("estado=ELABORACION", "estado=ARCHIVADO"),
        ("propuesta=ARCHIVO", "propuesta=SUMARIO"),
        (f"oficina={report.office_id}", "oficina=1"),
    ):
        assert link in page(client, f"/informes/list/?{good}")
        assert link not in page(client, f"/informes/list/?{bad}")
    assert link not in page(client, f"/informes/list/?despues={report.id}")
    assert link not in page(enter("regional"), "/informes/list/")  # of another office
    assert enter("salud").get("/informes/list/").status_code == 403
