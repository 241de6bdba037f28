"""A scan of many papers in one PDF: what the QR of each page says, and the PDF cut into parts.

    pages = read(pdf)                     every page: its number, the texts of its QR codes, a small picture
    parts = split(pages, code_in)         pages -> [Part((1, 2), "K7QM2XRT"), …, Part((3,), None)]
    pdfs = extract(pdf, [(1, 2), (4,)])   a PDF of each group of pages
    pictures = draw(pdf)                  its pages to be read on a screen, each a JPEG

It knows nothing of documents: `code_of` says what a text means. A PDF from a scanner is still a file that a
stranger may have written, so pdfium draws it in a child without network, environment or foreign files,
bounded in memory and killed when a page takes too long: that page counts as unread and the next ones go on.
"""

from __future__ import annotations

import io
import json
import logging
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any, Final

from app.core.errors import RuleBroken
from app.documents import channel
from app.documents.pool import ROOT
from app.documents.verify import normalise_code

log = logging.getLogger("sis.documents")

MOST_PAGES: Final = 200
MOST_BYTES: Final = 100 * 1024 * 1024
PAGE_SECONDS: Final = 10.0
TOTAL_SECONDS: Final = 90.0
"""For a whole file; pages that were not reached are listed as unread, for the eye of a person."""
OPEN_SECONDS: Final = 30.0
MOST_FAILURES: Final = 3
"""Pages that hang or kill the child before the file is given up."""
MEMORY: Final = 1024 * 1024 * 1024
DPI: Final = (150, 300)
"""First try and, when no QR was found, second. A QR of 18 mm has 3 dots to a module at 150 dpi."""
MOST_DOTS: Final = 12_000_000
THUMBNAIL: Final = (420, 600)
READABLE_DPI: Final = 110
MOST_DRAWN: Final = 20

OPENED, PAGE, PICTURE, PART, DONE = b"o", b"g", b"i", b"a", b"d"
_BOOT: Final = "import sys; sys.path.insert(0, sys.argv[1]); from app.documents.scans import main; main()"
_one_at_a_time = threading.BoundedSemaphore(1)

_MESSAGES: Final = {
    "broken": "El PDF está dañado o lleva contraseña y no se puede abrir. Vuelva a escanearlo.",
    "pages": f"El archivo tiene más de {MOST_PAGES} páginas. Divídalo y súbalo por partes.",
    "size": "El archivo pesa más de 100 MB. Divídalo, o escanee a 200 puntos por pulgada en grises.",
    "kind": "El archivo no es un PDF. Suba el PDF que hizo el escáner, o fotografías JPG o PNG.",
    "busy": "Se está leyendo otra carpeta escaneada. Pruebe de nuevo dentro de un minuto.",
    "died": "No se pudo leer el PDF: una o más páginas detienen al lector. Vuelva a escanearlo.",
}


class ScanRefused(RuleBroken):
    """The file is not read, and nothing of it was kept; `code` says why."""

    def __init__(self, code: str, field: str | None = "scan") -> None:
        super().__init__(_MESSAGES.get(code, _MESSAGES["died"]), field, f"scan_{code}")


@dataclass(frozen=True)
class Page:
    """A page: its number from 1, what its QR codes say, a JPEG of it. Unread: no text and no picture."""

    number: int
    texts: tuple[str, ...] = ()
    picture: bytes | None = None


@dataclass(frozen=True)
class Part:
    """Pages that belong together; without a code nobody knows yet to what."""

    pages: tuple[int, ...]
    code: str | None


def code_in(text: str) -> str | None:
    """The verification code of one of our addresses (`https://…/v/K7QM2XRT`); None for any other text."""
    head, mark, tail = text.strip().rstrip("/").rpartition("/v/")
    if not mark or not head.startswith(("http://", "https://")):
        return None
    try:
        return normalise_code(tail)
    except RuleBroken:
        return None


def split(pages: Sequence[Page], code_of: Callable[[str], str | None] = code_in) -> list[Part]:
    """The pages of each code, in the order in which the codes come; last, those without one, or with two."""
    found: dict[str | None, list[int]] = {}
    for page in pages:
        codes = {code for text in page.texts if (code := code_of(text)) is not None}
        found.setdefault(codes.pop() if len(codes) == 1 else None, []).append(page.number)
    loose = found.pop(None, [])
    parts = [Part(tuple(numbers), code) for code, numbers in found.items()]
    return [*parts, Part(tuple(loose), None)] if loose else parts


def read(
    pdf: bytes,
    *,
    page_seconds: float = PAGE_SECONDS,
    total_seconds: float = TOTAL_SECONDS,
) -> list[Page]:
    """Every page of a scanned PDF. Raises ScanRefused when it cannot be opened or is too large."""
    _check(pdf)
    with _alone():
        return _read(pdf, page_seconds, time.monotonic() + total_seconds)


def extract(pdf: bytes, groups: Sequence[Sequence[int]], *, seconds: float = 60.0) -> list[bytes]:
    """A PDF of each group of page numbers. Raises ScanRefused."""
    _check(pdf)
    with _alone(), _Reader() as reader:
        reader.ask({"do": "extract", "pdf": pdf, "groups": [list(group) for group in groups]}, seconds)
        reader.next(seconds)  # opened
        found = []
        for _ in groups:
            frame = reader.next(seconds)
            if frame is None or frame[0] != PART:
                raise ScanRefused("died")
            found.append(frame[1])
    return found


def draw(pdf: bytes, *, seconds: float = 20.0) -> list[bytes]:
    """The pages of a PDF for reading on a screen, each a JPEG; the first MOST_DRAWN. Raises ScanRefused."""
    _check(pdf)
    pictures: list[bytes] = []
    with _alone(), _Reader() as reader:
        reader.ask({"do": "draw", "pdf": pdf}, seconds)
        frame = reader.next(seconds)  # opened
        while frame is not None and frame[0] != DONE:
            if frame[0] == PICTURE:
                pictures.append(frame[1])
            elif frame[0] != OPENED:
                raise ScanRefused(_reason(frame[1]))
            frame = reader.next(seconds)
    if frame is None:
        raise ScanRefused("died")
    return pictures


def _check(pdf: bytes) -> None:
    if len(pdf) > MOST_BYTES:
        raise ScanRefused("size")
    if not pdf[:1024].lstrip().startswith(b"%PDF-"):
        raise ScanRefused("kind")


@contextmanager
def _alone() -> Iterator[None]:
    """One file at a time in each process: a folder takes a core and up to 1 GB for its time."""
    if not _one_at_a_time.acquire(timeout=30):
        raise ScanRefused("busy")
    try:
        yield
    finally:
        _one_at_a_time.release()


def _read(pdf: bytes, page_seconds: float, deadline: float) -> list[Page]:
    pages: list[Page] = []
    total, failures = 1, 0
    while len(pages) < total:
        if pages and (failures >= MOST_FAILURES or time.monotonic() > deadline):
            log.warning("scan: %s of %s pages read, the rest is unread", len(pages), total)
            return pages + [Page(number) for number in range(len(pages) + 1, total + 1)]
        with _Reader() as reader:
            reader.ask({"do": "read", "pdf": pdf, "start": len(pages)}, page_seconds)
            opened = reader.next(OPEN_SECONDS)
            if opened is None or opened[0] != OPENED:
                raise ScanRefused("died" if pages or opened is None else _reason(opened[1]))
            total = int(json.loads(opened[1])["pages"])
            if total > MOST_PAGES:
                raise ScanRefused("pages")
            while len(pages) < total:
                left = min(page_seconds, deadline - time.monotonic())
                said = reader.next(left) if left > 0 else None
                picture = reader.next(page_seconds) if said and said[0] == PAGE else None
                if said is None or picture is None or picture[0] != PICTURE:
                    log.warning("scan: page %s was not read", len(pages) + 1)
                    pages.append(Page(len(pages) + 1))
                    failures += 1
                    break
                texts = tuple(str(text) for text in json.loads(said[1]))
                pages.append(Page(len(pages) + 1, texts, picture[1] or None))
    return pages


def _reason(body: bytes) -> str:
    with suppress(ValueError, TypeError, KeyError):
        return str(json.loads(body)["code"])
    return "broken"


class _Reader:
    """The child that draws one file; whoever waits for it longer than he said kills it."""

    def __enter__(self) -> _Reader:
        self.folder = tempfile.mkdtemp(prefix="sis-scan-")
        # No variable of ours goes in: addresses and passwords of the database are there.
        kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", _BOOT, str(ROOT), str(MEMORY)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            env={**kept, "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": self.folder, "TMPDIR": self.folder},
        )
        frame = self.next(OPEN_SECONDS)
        if frame is None or frame[0] != channel.READY:
            self.__exit__()
            raise ScanRefused("died")
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        for stream in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                stream.close()  # type: ignore[union-attr]
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, request: dict[str, Any], seconds: float) -> None:
        body = pickle.dumps({**request, "seconds": seconds}, pickle.HIGHEST_PROTOCOL)
        with suppress(OSError), self._watched(seconds + 30):
            channel.send(self.process.stdin, channel.REQUEST, body)  # type: ignore[arg-type]

    def next(self, seconds: float) -> tuple[bytes, bytes] | None:
        """The next frame; None when there is none in time, and the child is dead then."""
        with self._watched(seconds):
            return channel.receive(self.process.stdout)  # type: ignore[arg-type]

    @contextmanager
    def _watched(self, seconds: float) -> Iterator[None]:
        timer = threading.Timer(max(seconds, 0.01), self.process.kill)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


# The child


def main() -> None:
    """Get ready, say so, answer one request."""
    from app.documents import child

    requests, answers = child._own_channel()
    logging.disable(logging.CRITICAL)
    import PIL.JpegImagePlugin  # noqa: F401  what is loaded late would be refused by the seal
    import pypdfium2
    import zxingcpp

    pypdfium2.PdfDocument.new().close()
    zxingcpp.read_barcodes(_blank(), formats=zxingcpp.BarcodeFormat.QRCode)
    child.leave_the_network()
    child.seal()
    child.limit(int(sys.argv[2]))
    channel.send(answers, channel.READY, b"")
    frame = channel.receive(requests)
    if frame is not None:
        try:
            _answer(pickle.loads(frame[1]), answers)
        except Exception as error:  # the parent learns that it is broken, not how
            channel.send(
                answers, channel.REFUSED, json.dumps({"code": "broken", "detail": repr(error)[:500]}).encode()
            )
    with suppress(OSError):
        os.rmdir(tempfile.gettempdir())


def _blank() -> Any:
    from PIL import Image

    return Image.new("L", (64, 64), 255)


def _answer(request: dict[str, Any], answers: IO[bytes]) -> None:
    import pypdfium2

    seconds = float(request["seconds"]) + 2  # the parent kills earlier; this is for a parent that is gone
    signal.setitimer(signal.ITIMER_REAL, seconds + 30)
    source = pypdfium2.PdfDocument(request.pop("pdf"))
    total = len(source)
    if not total:
        raise ValueError("no pages")
    channel.send(answers, OPENED, json.dumps({"pages": total}).encode())
    if request["do"] == "extract":
        for group in request["groups"]:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            channel.send(answers, PART, _part(source, group))
    elif request["do"] == "draw":
        for index in range(min(total, MOST_DRAWN)):
            signal.setitimer(signal.ITIMER_REAL, seconds)
            channel.send(answers, PICTURE, _drawn(source[index]))
    elif total <= MOST_PAGES:
        for index in range(int(request["start"]), total):
            signal.setitimer(signal.ITIMER_REAL, seconds)
            texts, picture = _seen(source, index)
            channel.send(answers, PAGE, json.dumps(texts).encode())
            channel.send(answers, PICTURE, picture)
    channel.send(answers, DONE, b"")


def _part(source: Any, group: Sequence[int]) -> bytes:
    import pypdfium2

    part = pypdfium2.PdfDocument.new()
    part.import_pages(source, [number - 1 for number in group])
    out = io.BytesIO()
    part.save(out)
    part.close()
    return out.getvalue()


def _drawn(page: Any) -> bytes:
    """A page as a JPEG that can be read on a screen."""
    out = io.BytesIO()
    width, height = page.get_size()
    scale = min(READABLE_DPI / 72, (MOST_DOTS / max(width * height, 1.0)) ** 0.5)
    page.render(scale=scale).to_pil().convert("RGB").save(out, "JPEG", quality=70)
    page.close()
    return out.getvalue()


def _seen(source: Any, index: int) -> tuple[list[str], bytes]:
    """What the QR codes of a page say, and a small picture of it."""
    import zxingcpp

    page = source[index]
    texts: list[str] = []
    picture = b""
    for dpi in DPI:
        width, height = page.get_size()
        scale = min(dpi / 72, (MOST_DOTS / max(width * height, 1.0)) ** 0.5)
        image = page.render(scale=scale, grayscale=True).to_pil()
        found = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode)
        texts = [one.text[:500] for one in found if one.text]
        if not picture:
            small = image.copy()
            small.thumbnail(THUMBNAIL)
            out = io.BytesIO()
            small.convert("L").save(out, "JPEG", quality=60)
            picture = out.getvalue()
        if texts:
            break
    page.close()
    return texts, picture
