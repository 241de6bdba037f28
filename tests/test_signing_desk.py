"""The signing desk: many signed at once, printed for the hand, a signed folder back by its scan."""

import base64
import io
import random
import re
import time
import unicodedata
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pypdf
import pytest
from flask.testing import FlaskClient
from inspection_samples import acting, done, draft, principal
from PIL import Image
from sqlalchemy import event, select
from sqlalchemy.orm import Session as OrmSession
from support import PASSWORD, token_of

from app.core import clock
from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.documents import scans
from app.documents.render import render
from app.documents.verify import qr_png
from app.models.documents import Document, StoredFile
from app.models.inspections import FinalReport, InspectionOrder
from app.models.staff import Post, PostHolder
from app.operations import files, moves, papers, signing
from app.operations.inspections import facts, reports
from app.operations.moves import Details
from app.operations.signing import Entry, Pick
from app.operations.unit import act

Enter = Callable[[str], FlaskClient]


def pending(count: int = 1) -> list[InspectionOrder]:
    """Orders that wait for the minister."""
    found = [draft() for _ in range(count)]
    with acting("coordinador"):
        for order in found:
            moves.move(order, "enviar_a_firma")
    return found


def picks(orders: list[InspectionOrder]) -> list[Pick]:
    """What the minister chooses, with the seals that the desk shows him."""
    seals = {one.waiting.pick: one.seal for one in signing.review([_pick(order) for order in orders])}
    return [Pick("order", order.id, "firmar", seals[_pick(order)]) for order in orders]


def again(row: Any) -> Any:
    """A row as it stands now; requests take the session of a test with them."""
    return Session.get(type(row), row.id, populate_existing=True)


def _pick(order: InspectionOrder) -> Pick:
    return Pick("order", order.id, "firmar")


def words(pdf: bytes) -> list[str]:
    """The text of each page."""
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    return [" ".join(unicodedata.normalize("NFC", page.extract_text()).split()) for page in reader.pages]


def papers_of(orders: list[InspectionOrder]) -> tuple[bytes, list[Document]]:
    """The orders printed for the hand."""
    with acting("secretaria"):
        content, outcomes = signing.printed([_pick(order) for order in orders])
    assert content is not None and all(one.ok for one in outcomes), outcomes
    return content, [one.document for one in outcomes if one.document is not None]


def change_minister(db: OrmSession, username: str = "director") -> None:
    """From today on somebody else is minister."""
    with act("test.change"):
        post = db.scalars(select(Post).where(Post.code == "MINISTRO")).one()
        held = db.scalars(select(PostHolder).where(PostHolder.post_id == post.id)).one()
        held.valid_to = clock.today() - timedelta(days=1)
        db.flush()
        account = principal(username).account_id
        db.add(
            PostHolder(
                post_id=post.id,
                account_id=account,
                holding="interino",
                valid_from=clock.today(),
                legal_act="Decreto 1",
            )
        )


# What waits


def test_minister_and_secretary_see_what_waits_and_an_inspector_gets_403(
    db: OrmSession, enter: Enter
) -> None:
    order = pending()[0]
    for username in ("ministro", "secretaria"):
        page = enter(username).get("/firmas/").get_data(as_text=True)
        assert f"order:{order.id}:firmar" in page and "Orden de inspección" in page
    assert "Nada espera su firma" in enter("juridico").get("/firmas/").get_data(as_text=True)
    for username in ("inspector1", "coordinador", "auditor"):
        client = enter(username)
        assert client.get("/firmas/").status_code == 403
        assert client.get("/firmas/carpetas/1").status_code == 403


def test_orders_of_an_open_procedure_do_not_wait_for_their_extension(db: OrmSession) -> None:
    orders = pending(2)
    with acting("ministro"):
        signing.sign(picks(orders[:1]), PASSWORD)
        assert [one.record.id for one in signing.waiting()] == [orders[1].id]


def test_list_costs_the_same_for_one_and_for_many(db: OrmSession, enter: Enter) -> None:
    client = enter("ministro")

    def cost() -> int:
        counted: list[str] = []
        bind = db.connection()
        listener = lambda *args: counted.append(args[2])  # noqa: E731
        event.listen(bind, "before_cursor_execute", listener)
        try:
            assert client.get("/firmas/").status_code == 200
        finally:
            event.remove(bind, "before_cursor_execute", listener)
        return len(counted)

    papers_of(pending(1))
    client.get("/firmas/")
    one = cost()
    papers_of(pending(3))
    assert cost() == one


def test_opinion_waits_once_it_is_written_and_the_ruling_after_it(db: OrmSession, enter: Enter) -> None:
    report = _report_at_legal()
    with acting("juridico"):
        assert signing.waiting() == []
        reports.write(report, {"opinion": "Visto.\nCorresponde el archivo."})
        (one,) = signing.waiting()
        assert one.way.letter == "DIC" and one.mine
        seal = signing.review([one.pick])[0].seal
        assert signing.sign([Pick("report", report.id, "dictaminar", seal)], PASSWORD)[0].ok
        moves.move(report, "elevar")
    with acting("ministro"):
        (one,) = signing.waiting()
        assert (one.way.letter, one.way.code, one.may_return) == ("PRV-ARC", "archivar", False)
    (order,) = pending()
    client = enter("ministro")  # chosen together, the ruling is not dropped in silence
    token = token_of(client.get("/firmas/").get_data(as_text=True))
    chosen = {"pick": [str(_pick(order)), str(one.pick)], "csrf_token": token}
    page = client.post("/firmas/devolver", data=chosen).get_data(as_text=True)
    assert "siguen en la mesa" in page and f'href="/informes/{report.id}"' in page


def _report_at_legal() -> FinalReport:
    order = facts.order_of(done(fails=0))
    with acting("inspector1"):
        moves.move(order, "declarar_ejecutada")
        report = facts.report_of(order)
        assert report is not None
        reports.write(report, {"facts": "Sin novedad.", "analysis": "Nada.", "proposal": "ARCHIVO"})
        moves.move(report, "enviar_a_coordinacion")
    with acting("coordinador"):
        moves.move(report, "dar_visto_bueno")
    with acting("inspector1"):
        moves.move(report, "firmar", Details(password=PASSWORD))
    with acting("director"):
        moves.move(report, "remitir")
    return report


# Signing


def test_batch_signs_each_with_its_number_and_one_that_changed_does_not_stop_the_others(
    db: OrmSession,
) -> None:
    orders = pending(3)
    with acting("ministro"):
        chosen = picks(orders)
    with act("test.change"):
        orders[1].instructions = "Otra cosa."
    with acting("ministro"):
        outcomes = signing.sign(chosen, PASSWORD)
    assert [one.ok for one in outcomes] == [True, False, True]
    assert "cambió desde que usted lo leyó" in outcomes[1].text
    numbers = [one.document.number for one in outcomes if one.document]
    assert len(set(numbers)) == 2 and all(number.startswith("OI-") for number in numbers)
    assert numbers[0][-6:] == "000001" and numbers[1][-6:] == "000002"  # the refused one took none
    for order, state in zip(orders, ("EMITIDA", "PENDIENTE_FIRMA", "EMITIDA"), strict=True):
        order = again(order)
        assert order.state == state
    first = outcomes[0].document
    assert first is not None and first.file is not None
    assert outcomes[0].seal in "".join(words(files.read(first.file))).replace(" ", "")


def test_document_is_read_on_the_desk_page_by_page(db: OrmSession, enter: Enter) -> None:
    order = pending()[0]
    client, draft_of = enter("ministro"), f"/pasos/borrador/order/{order.id}/OI"
    page = client.get("/firmas/").get_data(as_text=True)
    assert f'data-preview="{draft_of}?paginas=1"' in page
    inspectors = [each.inspector.full_name for each in again(order).designated]
    assert inspectors and all(name in page for name in inspectors)
    drawn = client.get(f"{draft_of}?paginas=1").get_json()["pages"]
    printed = client.get(draft_of)
    assert printed.mimetype == "application/pdf" and len(drawn) == len(words(printed.data))
    for page in drawn:
        with Image.open(io.BytesIO(base64.b64decode(page.removeprefix("data:image/jpeg;base64,")))) as seen:
            assert seen.format == "JPEG" and seen.width > 800
            shades = seen.convert("L").getextrema()
            assert shades[0] < 100 and shades[1] > 200  # ink on paper
    assert enter("inspector3").get(f"{draft_of}?paginas=1").status_code == 404


def test_wrong_password_signs_none(db: OrmSession, enter: Enter) -> None:
    orders = pending(2)
    with acting("ministro"), pytest.raises(RuleBroken) as refused:
        signing.sign(picks(orders), "otra")
    assert refused.value.field == "password"
    assert not db.scalars(select(Document)).all()
    client = enter("ministro")
    token = token_of(client.get("/firmas/").get_data(as_text=True))
    chosen = {"pick": [str(_pick(order)) for order in orders], "csrf_token": token}
    page = client.post("/firmas/revisar", data=chosen).get_data(as_text=True)
    seals = dict(re.findall(r'name="(seal-[^"]+)" value="([0-9a-f]{64})"', page))
    assert len(seals) == 2
    answer = client.post("/firmas/firmar", data={**chosen, **seals, "password": "otra"})
    assert answer.status_code == 422 and "contraseña no es correcta" in answer.get_data(as_text=True)
    assert all(seal in answer.get_data(as_text=True) for seal in seals.values())
    answer = client.post("/firmas/firmar", data={**chosen, **seals, "password": PASSWORD})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200 and "2 firmados" in " ".join(re.sub("<[^>]+>", "", text).split())
    assert all(seal in text for seal in seals.values())


def test_secretary_does_not_sign_for_the_minister(db: OrmSession) -> None:
    orders = pending()
    with acting("secretaria"):
        reviewed = signing.review([_pick(orders[0])])
        assert "La firma" in " ".join(reviewed[0].reasons)
        outcome = signing.sign(picks(orders), PASSWORD)[0]
    assert not outcome.ok and "firmante habilitado" in outcome.text


def test_document_without_the_seal_that_was_shown_is_not_signed(db: OrmSession) -> None:
    order = pending()[0]
    with acting("ministro"):
        assert not signing.sign([_pick(order)], PASSWORD)[0].ok


def test_return_needs_its_reason_and_gives_back_all(db: OrmSession, enter: Enter) -> None:
    orders = pending(2)
    client = enter("secretaria")
    token = token_of(client.get("/firmas/").get_data(as_text=True))
    chosen = {"pick": [str(_pick(order)) for order in orders], "csrf_token": token}
    assert "Motivo de la devolución" in client.post("/firmas/devolver", data=chosen).get_data(as_text=True)
    answer = client.post("/firmas/devolver", data={**chosen, "reason": " "})
    assert answer.status_code == 422
    assert client.post("/firmas/devolver", data={**chosen, "reason": "Falta la zona."}).status_code == 200
    for order in orders:
        order = again(order)
        assert order.state == "DEVUELTA"
        assert moves.history([order])[0].reason == "Falta la zona."


def test_stranger_to_the_record_cannot_pick_it(db: OrmSession) -> None:
    order = pending()[0]
    with acting("juridico"):
        assert signing.review([_pick(order)]) == []
        assert not signing.sign([Pick("order", order.id, "firmar", "a" * 64)], PASSWORD)[0].ok
    with pytest.raises(Missing):
        Pick.parse("visit:1:finalizar")


# Printing for the hand


def test_printing_several_gives_one_pdf_with_the_numbers_in_the_name_of_who_signs(db: OrmSession) -> None:
    orders = pending(2)
    content, printed = papers_of(orders)
    text = " ".join(words(content))
    minister = papers.signatories(orders[0], "OI", clock.today())[0]
    assert all(document.number in text for document in printed)
    assert text.count(minister.name) == 2
    assert principal("secretaria").name not in text and "Estela Caballero" not in text
    assert {document.signatory for document in printed} == {str(minister)}


def test_printing_again_keeps_the_numbers(db: OrmSession, enter: Enter) -> None:
    orders = pending(2)
    _, first = papers_of(orders)
    client = enter("secretaria")
    token = token_of(client.get("/firmas/").get_data(as_text=True))
    chosen = [str(_pick(order)) for order in orders]
    answer = client.post("/firmas/imprimir", data={"pick": chosen, "csrf_token": token})
    assert answer.mimetype == "application/pdf"
    text = " ".join(words(answer.data))
    assert all(document.number in text for document in first)
    assert len(db.scalars(select(Document)).all()) == 2


def test_change_of_holder_prints_anew_in_the_new_name_with_the_same_numbers(
    db: OrmSession, enter: Enter
) -> None:
    orders = pending(2)
    _, printed = papers_of(orders)
    with acting("secretaria"):
        assert signing.reprinted() == (None, [])
    change_minister(db)
    client = enter("secretaria")
    page = client.get("/firmas/").get_data(as_text=True)
    assert "2 documentos a nombre de quien ya no firma" in page
    answer = client.post("/firmas/reimprimir", data={"csrf_token": token_of(page)})
    text = " ".join(words(answer.data))
    new = papers.signatories(orders[0], "OI", clock.today())[0]
    assert text.count(new.name) == 2 and "Interino" in text
    for document in printed:
        assert document.number in text
        document = again(document)
        assert document.signatory == str(new) and document.status == "reserved"
    assert "ya no firma" not in client.get("/firmas/").get_data(as_text=True)


def test_number_that_is_not_signed_is_annulled_with_its_reason_and_never_used_again(
    db: OrmSession, enter: Enter
) -> None:
    order = pending()[0]
    _, (document,) = papers_of([order])
    client = enter("secretaria")
    token = token_of(client.get("/firmas/").get_data(as_text=True))
    address = f"/firmas/anular/{document.id}"
    client.post(address, data={"csrf_token": token})
    document = again(document)
    assert document.status == "reserved"
    client.post(address, data={"csrf_token": token, "annulled_reason": "Se extravió el papel."})
    document = again(document)
    assert document.status == "annulled" and document.annulled_reason == "Se extravió el papel."
    _, (other,) = papers_of([order])
    assert other.number != document.number
    with acting("juridico"), pytest.raises(Missing):
        signing.annul(other.id, "Porque sí.")


# The signed folder


def turned(pdf: bytes, page: int, degrees: int) -> pypdf.PageObject:
    """A page as a scanner gives it: a picture, turned."""
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    picture = document[page].render(scale=200 / 72, grayscale=True).to_pil().rotate(degrees, expand=True)
    out = io.BytesIO()
    picture.save(out, "PDF", resolution=200)
    return pypdf.PdfReader(io.BytesIO(out.getvalue())).pages[0]


def foreign() -> bytes:
    """A page with the QR of another system."""
    code = qr_png("https://www.set.gov.py/portal/PARAGUAY_SET/verificar?c=K7QM2XRT")
    return render("<p>Factura</p><img src='sis-image:qr' width='90'>", title="Factura", images={"qr": code})


def folder_of(content: bytes, seed: int = 7) -> bytes:
    """A synthetic signed folder: shuffled, one page upside down, one without QR, one of another system."""
    pages: list[pypdf.PageObject] = [*pypdf.PdfReader(io.BytesIO(content)).pages]
    pages[1] = turned(content, 1, 180)
    pages.append(pypdf.PdfReader(io.BytesIO(render("<p>Hoja suelta</p>", title="x"))).pages[0])
    pages.append(pypdf.PdfReader(io.BytesIO(foreign())).pages[0])
    pages.append(turned(content, 0, 2))  # the first page once more: scanned twice, askew
    random.Random(seed).shuffle(pages)
    writer = pypdf.PdfWriter()
    for page in pages:
        writer.add_page(page)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_signed_folder_is_split_by_its_codes_and_the_rest_is_listed(db: OrmSession) -> None:
    content, printed = papers_of(pending(3))
    scan = folder_of(content)
    pages = scans.read(scan)
    parts = scans.split(pages)
    codes = {part.code: part.pages for part in parts}
    count = len(pypdf.PdfReader(io.BytesIO(content)).pages)
    assert set(codes) == {*(document.verification_code for document in printed), None}
    assert len(codes[None]) == 2  # the loose sheet and the invoice
    assert len(codes[printed[0].verification_code]) == count // 3 + 1
    assert sorted(number for part in parts for number in part.pages) == list(range(1, count + 4))
    assert all(page.picture and page.picture.startswith(b"\xff\xd8") for page in pages)


def test_folder_is_kept_previewed_and_each_part_becomes_the_authoritative_copy(db: OrmSession) -> None:
    orders = pending(3)
    content, printed = papers_of(orders)
    with acting("secretaria"):
        key = signing.receive([folder_of(content)], "carpeta.pdf")
        (folder,) = signing.folders()
        assert folder.id == key
        preview = signing.preview(folder)
        assert {group.reserved.document.id for group in preview.groups if group.reserved} == {
            document.id for document in printed
        }
        assert signing.picture(folder, preview.loose[0]).startswith(b"\xff\xd8")
        minister = preview.groups[0].signers[0].account_id
        entries = [Entry(g.reserved.document.id, g.pages, minister) for g in preview.groups if g.reserved]
        entries[1] = Entry(entries[1].document_id, entries[1].pages, principal("director").account_id)
        attached = signing.attach(folder, entries, preview.loose[:1])
        assert [one.ok for one in attached.outcomes] == [True, False, True]
        assert "quién firmó" in attached.outcomes[1].text
        assert attached.left == len(entries[1].pages) + 1
        left = signing.folder(key).left
        assert sorted(left) == sorted([*entries[1].pages, preview.loose[1]])
        then = signing.preview(signing.folder(key))
        assert [group.pages for group in then.groups] == [entries[1].pages]
        late = Entry(entries[1].document_id, entries[1].pages, None)
        assert signing.attach(signing.folder(key), [late], preview.loose[1:]).outcomes[0].ok
        assert signing.folders() == []
    for document, entry in zip(printed, sorted(entries, key=lambda e: e.document_id), strict=True):
        document = again(document)
        assert document.status == "issued" and document.signing_mode == "handwritten"
        assert document.file is not None
        kept = pypdf.PdfReader(io.BytesIO(files.read(document.file)))
        assert len(kept.pages) == len(entry.pages)
    with acting("ministro"), pytest.raises(Missing):
        signing.folder(key)


def test_folder_of_yesterday_needs_its_reason(db: OrmSession) -> None:
    content, (document,) = papers_of(pending())
    yesterday = clock.today() - timedelta(days=1)
    with acting("secretaria"):
        key = signing.receive([content], "carpeta.pdf")
        (group,) = signing.preview(signing.folder(key), yesterday).groups
        entry = Entry(document.id, group.pages, group.signers[0].account_id)
        refused = signing.attach(signing.folder(key), [entry], happened_on=yesterday).outcomes[0]
        assert not refused.ok and "motivo" in refused.text
        told = signing.attach(
            signing.folder(key), [entry], happened_on=yesterday, late_reason="Se firmó sin red."
        ).outcomes[0]
    document = again(document)
    assert told.ok and document.status == "issued"
    step = moves.history([told.record])[0]
    assert step.late and step.happened_on == yesterday and step.scan_id is not None


def test_pages_without_a_code_are_assigned_by_hand(db: OrmSession, enter: Enter) -> None:
    order = pending()[0]
    _, (document,) = papers_of([order])
    client = enter("secretaria")
    token = token_of(client.get("/firmas/").get_data(as_text=True))
    sheet = render("<p>Orden firmada, sin código legible</p>", title="x")
    answer = client.post(
        "/firmas/escanear", data={"csrf_token": token, "scan": (io.BytesIO(sheet), "hoja.pdf")}
    )
    assert answer.status_code == 302
    page = client.get(answer.location).get_data(as_text=True)
    assert "1 página sin identificar" in page and document.number in page
    chosen = {"csrf_token": token, "page-1": str(document.id), "happened_on": f"{clock.today():%d/%m/%Y}"}
    page = client.post(answer.location, data={**chosen, "actualizar": "1"}).get_data(as_text=True)
    assert f'name="signatory-{document.id}"' in page
    result = client.post(answer.location, data=chosen)
    assert result.status_code == 200 and "1 adjuntado" in re.sub("<[^>]+>", "", result.get_data(as_text=True))
    document = again(document)
    assert document.status == "issued" and document.file_id is not None
    with acting("secretaria"):
        assert signing.folders() == []


def test_folder_may_be_larger_than_other_uploads(db: OrmSession, enter: Enter) -> None:
    client = enter("secretaria")
    token = token_of(client.get("/firmas/").get_data(as_text=True))
    large = b"%PDF-1.7\n" + b"0" * (26 * 1024 * 1024)

    def sent(path: str) -> int:
        data = {"csrf_token": token, "scan": (io.BytesIO(large), "carpeta.pdf")}
        return client.post(path, data=data).status_code

    assert sent("/firmas/imprimir") == 413
    assert sent("/firmas/escanear") == 302
    assert "no se puede abrir" in client.get("/firmas/").get_data(as_text=True)


def test_folder_of_another_person_is_not_shown(db: OrmSession, enter: Enter) -> None:
    with acting("secretaria"):
        key = signing.receive([render("<p>x</p>", title="x")], "x.pdf")
    assert enter("ministro").get(f"/firmas/carpetas/{key}").status_code == 404
    assert enter("ministro").get(f"/firmas/carpetas/{key}/1.jpg").status_code == 404


def test_photographs_are_a_folder_too(db: OrmSession) -> None:
    import pypdfium2

    content, (document,) = papers_of(pending())
    photos = []
    for page in pypdfium2.PdfDocument(content):
        out = io.BytesIO()
        page.render(scale=250 / 72).to_pil().rotate(1.5, fillcolor="white").save(out, "JPEG", quality=80)
        photos.append(out.getvalue())
    with acting("secretaria"):
        (group,) = signing.preview(signing.folder(signing.receive(photos, "fotos"))).groups
    assert group.reserved is not None and group.reserved.document.id == document.id
    assert len(group.pages) == len(photos)


def test_code_of_a_document_that_does_not_wait_says_so(db: OrmSession) -> None:
    order = pending()[0]
    with acting("ministro"):
        signing.sign(picks([order]), PASSWORD)
    order = again(order)
    assert order.document is not None and order.document.file is not None
    with acting("secretaria"):
        key = signing.receive([files.read(order.document.file)], "x.pdf")
        (group,) = signing.preview(signing.folder(key)).groups
    assert group.reserved is None and "ya está emitido" in group.why


# What reads the scans


def test_only_our_addresses_are_codes() -> None:
    assert scans.code_in("https://sis.mtess.gov.py/v/K7QM2XRT") == "K7QM2XRT"
    for other in ("https://otro.py/v/123", "K7QM2XRT", "https://x.py/?v/K7QM2XR0", "tel:/v/K7QM2XRT"):
        assert scans.code_in(other) is None


def test_split_keeps_every_page_once_and_two_codes_on_a_page_are_for_a_person() -> None:
    ours = "https://sis.py/v/"
    texts = [(ours + "K7QM2XRT",), (), (ours + "AAAA2222", ours + "K7QM2XRT"), ("otro", ours + "K7QM2XRT")]
    pages = [scans.Page(number, said) for number, said in enumerate(texts, 1)]
    assert scans.split(pages) == [scans.Part((1, 4), "K7QM2XRT"), scans.Part((2, 3), None)]
    assert scans.split([]) == []


@pytest.mark.parametrize("content", [b"hola", b"%PDF-1.7\nbasura", b"", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_pdf_is_refused_with_words(content: bytes) -> None:
    with pytest.raises(scans.ScanRefused) as refused:
        scans.read(content)
    assert refused.value.field == "scan" and refused.value.message.endswith(".")


def test_folder_with_too_many_pages_is_refused() -> None:
    writer = pypdf.PdfWriter()
    for _ in range(scans.MOST_PAGES + 1):
        writer.add_blank_page(100, 100)
    out = io.BytesIO()
    writer.write(out)
    with pytest.raises(scans.ScanRefused, match="más de 200 páginas"):
        scans.read(out.getvalue())


def test_page_of_a_mile_is_drawn_within_bounds() -> None:
    writer = pypdf.PdfWriter()
    writer.add_blank_page(14_400, 14_400)
    out = io.BytesIO()
    writer.write(out)
    (page,) = scans.read(out.getvalue())
    assert page.picture and max(Image.open(io.BytesIO(page.picture)).size) <= 600


def heavy() -> bytes:
    """A page that takes pdfium minutes: one drawing that shows another a thousand times, five deep."""
    body = b"/F Do " * 1000
    form = b"<< /Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /XObject << /F %d 0 R >> >> /Length %d >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R 10 0 R] /Count 2 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /XObject << /F 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(body), body),
    ]
    for number in range(5, 9):
        objects.append(form % (number + 1, len(body)) + b"\nstream\n" + body + b"\nendstream")
    drawing = b"0 0 m 600 700 l 300 10 l f " * 50
    objects.append(
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 612 792] /Length %d >>\nstream\n%s\nendstream"
        % (len(drawing), drawing)
    )
    objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>")
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for place in places:
        out += b"%010d 00000 n \n" % place
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start)
    return bytes(out)


def test_page_that_hangs_is_left_unread_and_the_next_one_is_read() -> None:
    began = time.monotonic()
    pages = scans.read(heavy(), page_seconds=2.0)
    assert time.monotonic() - began < 20
    assert [page.picture is None for page in pages] == [True, False]


def test_files_of_folders_are_no_downloads(db: OrmSession, enter: Enter) -> None:
    with acting("secretaria"):
        key = signing.receive([render("<p>x</p>", title="x")], "x.pdf")
        folder = signing.folder(key)
    for file in (key, folder.pdf_id, folder.pictures_id):
        assert db.get(StoredFile, file) is not None
        assert enter("secretaria").get(f"/documentos/archivo/{file}").status_code == 404
