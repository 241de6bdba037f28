"""PDFs as wholes: how many pages one has, several behind one another.

pypdf and its ciphers take 20 MB: only a process that handles a PDF has them.
"""

import io
from collections.abc import Sequence


def page_count(content: bytes) -> int:
    """How many pages a PDF has; none when it asks for a password. Raises ValueError when it does not open."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(content))
        return 0 if reader.is_encrypted else len(reader.pages)
    except (PyPdfError, KeyError, TypeError, RecursionError, OSError) as error:
        raise ValueError("a broken PDF") from error


def joined(pdfs: Sequence[bytes]) -> bytes | None:
    """PDFs of our own, one behind the other; None of none."""
    from pypdf import PdfWriter

    if not pdfs:
        return None
    writer = PdfWriter()
    for pdf in pdfs:
        writer.append(io.BytesIO(pdf))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
