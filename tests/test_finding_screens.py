"""The screens of a finding: from the request handed over to its closure; the roster; who comes in."""

import io
from typing import Any

from inspection_samples import SIGN, acting, begun, done, filled, first_finding
from sqlalchemy.orm import Session as OrmSession
from test_visit_screens import Enter, post, text_of

from app.core.base import Session
from app.models.inspections import AffectedWorker, Finding
from app.operations import moves
from app.operations.inspections import findings


def remediable() -> Finding:
    """A finding of a signed acta that can be put right."""
    rows = findings.of_visit(done(3))
    return next(row for row in rows if row.infraction is not None and row.infraction.remediable)


def state_of(finding: Finding) -> str | None:
    """The state of a finding as it stands now."""
    row = Session.get(Finding, finding.id, populate_existing=True)
    return row.state if row else None


def test_a_remedy_is_walked_from_the_request_to_its_closure(enter: Enter, db: OrmSession) -> None:
    finding = remediable()
    client, root = enter("inspector1"), f"/hallazgos/{finding.id}"
    assert "Registrar la entrega" not in text_of(client.get(root))
    assert client.get(f"{root}/entrega").status_code == 302
    with acting("inspector1"):
        moves.move(Session.get(Finding, finding.id), "requerir", SIGN)
    assert "Registrar la entrega" in text_of(client.get(root))
    answer = post(client, f"{root}/entrega", {"delivery": "nada", "happened_on": ""})
    assert answer.status_code == 422 and "Elija cómo se entregó" in text_of(answer)
    answer = post(client, f"{root}/entrega", {"delivery": "refused", "happened_on": "01/01/2020"})
    assert answer.status_code == 422 and 'value="2020-01-01"' in text_of(answer)
    assert post(client, f"{root}/entrega", {"delivery": "refused"}).status_code == 302
    page = text_of(client.get(root))
    assert state_of(finding) == "EN_PLAZO" and "Vence el" in page and "Se negó a firmar" in page

    answer = post(client, f"{root}/presentacion", {"late_reason": "Llegó por correo"})
    assert answer.status_code == 422 and "Escriba qué presentó" in text_of(answer)
    assert "Llegó por correo" in text_of(answer)
    form = {"description": "Planillas del IPS", "file": (io.BytesIO(b"%PDF-1.4 roto"), "planilla.pdf")}
    answer = post(client, f"{root}/presentacion", form, content_type="multipart/form-data")
    assert answer.status_code == 422 and "Planillas del IPS" in text_of(answer)
    assert state_of(finding) == "EN_PLAZO"
    assert post(client, f"{root}/presentacion", {"description": "Planillas del IPS"}).status_code == 302
    assert state_of(finding) == "PRESENTADO"

    answer = post(client, f"{root}/verificacion", {"verification": "remedied"})
    assert answer.status_code == 422 and "Escriba qué se verificó" in text_of(answer)
    answer = post(
        client, f"{root}/verificacion", {"verification": "remedied", "verification_note": "Se vio."}
    )
    assert answer.status_code == 302 and answer.location.endswith(root)
    assert state_of(finding) == "SUBSANADO"


def test_a_roster_is_typed_pasted_and_read_from_a_file(enter: Enter, db: OrmSession) -> None:
    finding = remediable()
    client, root = enter("inspector1"), f"/hallazgos/{finding.id}/nomina"
    answer = post(client, root, {"document_number": "1234567"})
    assert answer.status_code == 422 and 'value="1234567"' in text_of(answer)
    assert post(client, root, {"name": "Juana Núñez", "amount": "1.500.000"}).status_code == 302
    pasted = "Nombre\tDocumento\nPedro Ayala\t2222222\nOtra persona\t"
    assert post(client, root, {"roster": pasted}).status_code == 302
    answer = post(client, root, {"roster": "Pedro;1;enero;mucho"})
    assert answer.status_code == 422 and "Línea 1" in text_of(answer) and "enero;mucho" in text_of(answer)
    sheet = {"sheet": (io.BytesIO("nombre;documento\nMaría Peña;3\n".encode("cp1252")), "lista.csv")}
    assert post(client, root, sheet, content_type="multipart/form-data").status_code == 302
    page = text_of(client.get(root))
    for name in ("Juana Núñez", "Pedro Ayala", "María Peña", "1.500.000", "4 personas"):
        assert name in page
    worker = next(iter(Session.query(AffectedWorker).filter_by(finding_id=finding.id, name="Pedro Ayala")))
    assert post(client, f"{root}/{worker.id}/retirar", {"reason": ""}).status_code == 302
    assert post(client, f"{root}/{worker.id}/retirar", {"reason": "No trabaja ahí."}).status_code == 302
    page = text_of(client.get(root))
    assert "No trabaja ahí." in page and "cuentan <strong>3</strong>" in page
    hidden = text_of(enter("auditor").get(root))
    assert "Juana" not in hidden and "Persona reservada" in hidden and "Agregar personas" not in hidden
    assert post(enter("auditor"), root, {"name": "Nadie"}).status_code == 403


def test_the_list_is_filtered_and_only_of_ones_own(enter: Enter, db: OrmSession) -> None:
    finding = first_finding(done(2))
    client = enter("inspector1")
    assert f"/hallazgos/{finding.id}" in text_of(client.get("/hallazgos/"))
    assert f"/hallazgos/{finding.id}" in text_of(client.get("/hallazgos/?phase=in_field"))
    for nothing in ("?overdue=y", "?phase=in_term", "?phase=nada"):
        assert f"/hallazgos/{finding.id}" not in text_of(client.get(f"/hallazgos/{nothing}")), nothing
    assert "sis-invalid" in text_of(client.get("/hallazgos/?office=999999"))  # said at its field
    assert f"/hallazgos/{finding.id}" not in text_of(enter("inspector3").get("/hallazgos/"))
    for path in ("", "/entrega", "/presentacion", "/verificacion", "/nomina"):
        assert enter("inspector3").get(f"/hallazgos/{finding.id}{path}").status_code == 404, path
        assert enter("salud").get(f"/hallazgos/{finding.id}{path}").status_code in (403, 404), path


def test_a_finding_in_preparation_is_seen_on_its_visit(enter: Enter, db: OrmSession) -> None:
    visit = filled(begun(), 1)
    finding: Any = first_finding(visit)
    answer = enter("inspector1").get(f"/hallazgos/{finding.id}")
    assert answer.location.endswith(f"/visitas/{visit.id}/hallazgos/{finding.id}")
