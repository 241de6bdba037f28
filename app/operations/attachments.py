"""Files that people hand in: their kind is told by content, images are re-encoded, all have a size limit.

A file is served as a download only, by the view of the record that it belongs to.
"""

import hashlib
import io
from dataclasses import dataclass
from typing import Final

from PIL import Image

from app.core.errors import RuleBroken
from app.documents.images import safe_image
from app.documents.pdfs import page_count
from app.models.documents import StoredFile
from app.operations import files

LARGEST: Final = 25 * 1024 * 1024
MOST_PAGES: Final = 2_000
IMAGES: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
KINDS: Final = {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf"}


@dataclass(frozen=True)
class Received:
    """A file as it is kept, and the SHA-256 of what came in."""

    file: StoredFile
    sha256_original: str


def receive(content: bytes, field: str = "file") -> Received:
    """Keep a photograph or a PDF. Raises RuleBroken at `field` for anything else."""
    kept, kind = _checked(content, field)
    return Received(files.store(kept, kind), hashlib.sha256(content).hexdigest())


def as_pdf(content: bytes, field: str = "scan") -> bytes:
    """A scan as PDF: a PDF as it came, a photograph on a page of its own."""
    kept, kind = _checked(content, field)
    if kind == "application/pdf":
        return kept
    out = io.BytesIO()
    with Image.open(io.BytesIO(kept)) as picture:
        picture.convert("RGB").save(out, "PDF", resolution=150)
    return out.getvalue()


def _checked(content: bytes, field: str) -> tuple[bytes, str]:
    if not content:
        raise RuleBroken("El archivo está vacío. Elija otro.", field, "empty_file")
    if len(content) > LARGEST:
        raise RuleBroken("El archivo pesa más de 25 MB. Redúzcalo y vuelva a intentar.", field, "too_large")
    if content[:1024].lstrip().startswith(b"%PDF-"):
        _check_pdf(content, field)
        return content, "application/pdf"
    if content.startswith(IMAGES) or (content[:4] == b"RIFF" and content[8:12] == b"WEBP"):
        kept = safe_image(content, field=field)
        return kept, "image/png" if kept.startswith(IMAGES[1]) else "image/jpeg"
    raise RuleBroken(
        "El archivo no es una fotografía (JPG, PNG, WebP) ni un PDF. Conviértalo y vuelva a adjuntarlo.",
        field,
        "file_kind",
    )


def _check_pdf(content: bytes, field: str) -> None:
    """A PDF that opens, without password; its active parts do nothing, for it is only downloaded."""
    try:
        pages = page_count(content)
    except ValueError as error:
        raise RuleBroken(
            "El PDF está dañado y no se puede abrir. Vuelva a escanearlo.", field, "broken_pdf"
        ) from error
    if not 0 < pages <= MOST_PAGES:
        raise RuleBroken(
            "El PDF no tiene páginas, tiene demasiadas o lleva contraseña. Adjunte otro.", field, "broken_pdf"
        )
