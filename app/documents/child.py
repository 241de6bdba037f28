"""The child process that renders: it reads requests from its input and writes PDFs to its output.

It holds what strangers wrote, so it gets as little as possible: no environment, no network (refused by the
resource policy, by an audit hook, and by an empty network namespace where the kernel grants one), no file but
its fonts, its templates and its own temporary folder, 512 MB, and an alarm that ends it even when the parent
is gone. Started by `pool.py`; never imported by the application.
"""

from __future__ import annotations

import ctypes
import io
import json
import logging
import mimetypes
import os
import pickle
import resource
import signal
import sys
import sysconfig
import tempfile
import traceback
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import reportlab.rl_config  # type: ignore[import-untyped]
from jinja2 import TemplateError
from jinja2.exceptions import SecurityError, UndefinedError
from PIL import Image
from reportlab.lib.fonts import addMapping  # type: ignore[import-untyped]
from reportlab.lib.units import mm  # type: ignore[import-untyped]
from reportlab.pdfbase import pdfmetrics  # type: ignore[import-untyped]
from reportlab.pdfbase.ttfonts import TTFont  # type: ignore[import-untyped]
from xhtml2pdf import default  # type: ignore[import-untyped]
from xhtml2pdf.config.resources import RenderLimitError, ResourceAccessPolicy  # type: ignore[import-untyped]
from xhtml2pdf.document import pisaDocument  # type: ignore[import-untyped]
from xhtml2pdf.xhtml2pdf_reportlab import PmlPageTemplate  # type: ignore[import-untyped]

from app.documents import channel
from app.documents.images import MAX_IMAGE_PIXELS, MAX_IMAGES, ImageRefused, check_image, emblem_png
from app.documents.letters import compose_source

APP = Path(__file__).resolve().parent.parent
FONTS = APP / "static" / "fonts"
IMAGES = APP / "static" / "img"
FAMILY = "dejavu"
FACES = {(0, 0): "DejaVuSans", (1, 0): "DejaVuSans-Bold", (0, 1): "DejaVuSans-Oblique"}
FACES[1, 1] = "DejaVuSans-BoldOblique"
MONO = "DejaVuSansMono"
NUMBERED = '<meta name="sis-pages"'
"""A template that has it gets `Página x de y` at the foot, without the second layout of <pdf:pagecount>."""
PAGE_RIGHT, PAGE_BOTTOM = 20 * mm, 17.5 * mm
"""Where that ends, from the right and the lower edge: in the foot of `style.css`."""
REFUSED_ADDRESS = "refused:"
"""What the callback answers for an address that is not ours: a scheme that the policy refuses."""

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_watermark: str | None = None
_numbered = False


class Refused(Exception):
    """The document cannot be made; `code` says why to the parent."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


# Getting ready


def limit(memory: int) -> None:
    """Bound what this process may take, for good."""
    bounds = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_FSIZE: 64 * 1024 * 1024,
        resource.RLIMIT_NOFILE: 128,
        resource.RLIMIT_CORE: 0,
    }
    for what, most in bounds.items():
        resource.setrlimit(what, (most, most))


def leave_the_network() -> None:
    """Move into an empty network namespace where the kernel allows it; the audit hook stands in any case."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_CLONE_NEWNET) != 0:
            libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    except (OSError, AttributeError):
        return


def seal() -> None:
    """Refuse sockets, programs and foreign files from here on. An audit hook cannot be taken off again."""
    code = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    readable = (*(os.path.realpath(folder) + os.sep for folder in (*code, str(APP))), "/usr/share/zoneinfo/")
    own = os.path.realpath(tempfile.gettempdir()) + os.sep
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    programs = (
        "subprocess.",
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.fork",
        "os.spawn",
        "pty.",
        "socket.",
    )

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, int) or path is None:
                return
            real = os.path.realpath(os.fsdecode(path))
            # The folder itself too: an unnamed temporary file is opened by it.
            if (real + os.sep).startswith(own) or real == os.devnull:
                return
            if not (flags or 0) & writing and real.startswith(readable):
                return
            raise PermissionError(13, "a document may not open this file", real)
        if event.startswith(programs):
            raise PermissionError(13, f"a document may not: {event}")

    sys.addaudithook(hook)


def register_fonts() -> None:
    """Make DejaVu the face of every family, so that no letter of Guaraní is ever lost.

    The standard faces of PDF have no ẽ, ỹ or g̃; a template that asks for Arial gets DejaVu.
    """
    for (bold, italic), face in FACES.items():
        name = f"{FAMILY}_{bold}{italic}"
        pdfmetrics.registerFont(TTFont(name, str(FONTS / f"{face}.ttf")))
        addMapping(FAMILY, bold, italic, name)
    pdfmetrics.registerFont(TTFont("dejavumono", str(FONTS / f"{MONO}.ttf")))
    for bold in (0, 1):
        for italic in (0, 1):
            addMapping("dejavumono", bold, italic, "dejavumono")
    mono = {"courier", "courier new", "mono", "monospace", "monospaced", "ui-monospace"}
    for family in (*default.DEFAULT_FONT, FAMILY, "dejavu sans", "dejavu sans mono"):
        if family not in ("symbol", "zapfdingbats", "zapf-dingbats"):
            default.DEFAULT_FONT[family] = "dejavumono" if family in mono or "mono" in family else FAMILY


def mark_pages() -> None:
    """Have each page drawn with its number and the watermark over it.

    A background image would send every document through pypdf a second time and hold no text; the page count
    of xhtml2pdf lays everything out twice.
    """
    plain = PmlPageTemplate.afterDrawPage

    def marked(self: Any, canvas: Any, doc: Any) -> None:
        plain(self, canvas, doc)
        if _watermark:
            _draw_watermark(canvas, self.pagesize, _watermark)
        if _numbered:
            _leave_number(canvas, self.pagesize)

    PmlPageTemplate.afterDrawPage = marked


def _leave_number(canvas: Any, size: tuple[float, float]) -> None:
    """Place a form on this page that is drawn when the last page is known: `Página 1 de 3`."""
    page = canvas.getPageNumber()
    canvas.doForm(f"sis-page-{page}")
    save = canvas.save if page == 1 else None
    if save is None:
        return

    def finish() -> None:
        total = canvas.getPageNumber() - 1
        for number in range(1, total + 1):
            canvas.beginForm(f"sis-page-{number}", 0, 0, *size)
            canvas.setFont(f"{FAMILY}_00", 7)
            canvas.setFillGray(0.27)
            canvas.drawRightString(size[0] - PAGE_RIGHT, PAGE_BOTTOM, f"Página {number} de {total}")
            canvas.endForm()
        save()

    canvas.save = finish


def _draw_watermark(canvas: Any, size: tuple[float, float], text: str) -> None:
    face = f"{FAMILY}_10"
    width, height = size
    diagonal = (width**2 + height**2) ** 0.5
    points = min(110.0, 0.66 * diagonal / pdfmetrics.stringWidth(text, face, 1))
    canvas.saveState()
    canvas.translate(width / 2, height / 2)
    canvas.rotate(54)
    canvas.setFillColorRGB(0.70, 0.12, 0.12, alpha=0.11)
    canvas.setFont(face, points)
    canvas.drawCentredString(0, -points * 0.36, text)
    canvas.restoreState()


# One request


def drawable(html: str) -> str:
    """Return the text with `[U+1F477]` for each character that the font cannot draw.

    It would be an empty box that nobody can search or copy; and ReportLab spoils the text of a whole page
    with one character beyond U+FFFF. Joiners and selectors, which draw nothing themselves, are dropped.
    """
    regular, bold = (pdfmetrics.getFont(f"{FAMILY}_{weight}0").face.charToGlyph for weight in (0, 1))
    table: dict[int, str | None] = {}
    for character in set(html):
        code = ord(character)
        if code > 0xFFFF or (code > 0x7E and not (code in regular and code in bold)):
            silent = code in (0x200D, 0xFE0E, 0xFE0F) or unicodedata.category(character) == "Cf"
            table[code] = None if silent else f"[U+{code:04X}]"
    return html.translate(table) if table else html


def answer(request: Mapping[str, Any]) -> bytes:
    """Return the PDF of a request, or raise `Refused`."""
    global _watermark, _numbered
    images: dict[str, bytes] = dict(request["images"])
    if len(images) > MAX_IMAGES:
        raise Refused("image", f"{len(images)} images, more than {MAX_IMAGES}")
    try:
        for name, data in images.items():
            check_image(name, data)
    except ImageRefused as error:
        raise Refused("image", error.message) from error
    images.setdefault("emblem", emblem_png())
    html = request["html"] if request["source"] is None else _compose(request["source"], request["context"])
    # xhtml2pdf draws what it gets: e and a combining tilde would be two glyphs, ẽ is one.
    html = drawable(unicodedata.normalize("NFC", html))
    # The dates and the identifiers of the file are taken from this moment: same HTML, same bytes.
    os.environ["SOURCE_DATE_EPOCH"] = str(request["moment"])
    _watermark, _numbered = request["watermark"], NUMBERED in html
    return _pdf(html, request["title"], images)


def _compose(source: str, context: Mapping[str, Any]) -> str:
    try:
        return compose_source(source, context)
    except UndefinedError as error:
        raise Refused("template_field", str(error)) from error
    except SecurityError as error:
        raise Refused("template", str(error)) from error
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
        raise Refused("template", f"{type(error).__name__}: {error}") from error


def _pdf(html: str, title: str, images: Mapping[str, bytes]) -> bytes:
    missing: list[str] = []

    def callback(address: str | bytes, _base: str | None) -> str | bytes:
        text = address if isinstance(address, str) else ""
        if text.startswith("sis-image:"):
            name = text.removeprefix("sis-image:")
            if name in images:
                return images[name]
            missing.append(name)
        elif text.startswith("sis-static:"):
            return str(IMAGES / Path(text.removeprefix("sis-static:")).name)
        return REFUSED_ADDRESS

    policy = ResourceAccessPolicy.server(
        None,
        allow_remote=False,
        extra_roots=(FONTS, IMAGES),
        max_image_pixels=MAX_IMAGE_PIXELS,
        max_resources=MAX_IMAGES,
        max_render_seconds=None,
    )
    out = io.BytesIO()
    try:
        status = pisaDocument(
            html,
            out,
            link_callback=callback,
            resource_policy=policy,
            context_meta={"title": title, "author": "SIS, Sistema de Inspección del Trabajo"},
        )
    except RenderLimitError as error:
        raise Refused("too_large", str(error)) from error
    if missing:
        raise Refused("image_missing", ", ".join(sorted(set(missing))))
    if status.err:
        raise Refused("html", "; ".join(str(line[2]) for line in status.log[:5]))
    return out.getvalue()


# The loop


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer requests until the parent closes its end. After a failure the child ends: it may be unsound."""
    while (frame := channel.receive(requests)) is not None:
        request: dict[str, Any] = pickle.loads(frame[1])
        # The parent kills at `timeout`; this is for a parent that is gone.
        signal.setitimer(signal.ITIMER_REAL, request["timeout"] + 2)
        try:
            kind, body = channel.PDF, answer(request)
        except Refused as error:
            kind, body = channel.REFUSED, _reason(error.code, error.detail)
        except MemoryError:
            kind, body = channel.REFUSED, b'{"code": "memory", "detail": ""}'
        except Exception:
            kind, body = channel.REFUSED, _reason("html", traceback.format_exc(limit=-6))
        request.clear()
        signal.setitimer(signal.ITIMER_REAL, 0)
        channel.send(answers, kind, body)
        if kind == channel.REFUSED:
            return


def _reason(code: str, detail: str) -> bytes:
    return json.dumps({"code": code, "detail": detail[:4000]}).encode()


def _own_channel() -> tuple[IO[bytes], IO[bytes]]:
    """Input and output of the protocol; what any library prints goes nowhere."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):
        os.dup2(nothing, standard)
    return requests, answers


_SAMPLE = """<html lang="es"><head><style>@page { size: a4; @frame f { -pdf-frame-content: foot; left: 1cm;
width: 10cm; top: 27cm; height: 1cm } @frame b { left: 1cm; width: 19cm; top: 1cm;
height: 25cm } } td { border: 1px solid black; padding: 2px }</style></head><body><div id="foot">1</div>
<h1>g̃</h1><p><b>a</b> <i>b</i> <b><i>c</i></b></p><table><tr><td>d</td></tr></table>
<img src="sis-image:emblem" width="20"></body></html>"""


def main() -> None:
    """Get ready, say so, serve."""
    requests, answers = _own_channel()
    logging.disable(logging.CRITICAL)
    mimetypes.init()
    Image.MAX_IMAGE_PIXELS = MAX_IMAGE_PIXELS
    reportlab.rl_config.invariant = 1
    leave_the_network()
    register_fonts()
    mark_pages()
    seal()
    limit(int(sys.argv[2]))
    # A first document loads what xhtml2pdf imports late, the widths of the letters and the styles.
    _pdf(_SAMPLE, "", {"emblem": emblem_png()})
    channel.send(answers, channel.READY, b"")
    serve(requests, answers)
    # A parent that was killed did not remove our folder. Never more than an empty one.
    with suppress(OSError):
        os.rmdir(tempfile.gettempdir())
