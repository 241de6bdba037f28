"""What proves that a copy is the document that was signed: hash, verification code, QR."""

from __future__ import annotations

import hashlib
import io
import secrets
from typing import Final

import segno

from app.core.errors import RuleBroken

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""No 0 O, 1 I L: people read the code aloud and copy it by hand. 31 letters, eight of them: 39.6 bits."""
CODE_LENGTH: Final = 8

# What people write for a letter that is not in the alphabet cannot be guessed: 0 may be D, O or Q.


def content_hash(pdf: bytes) -> str:
    """Return the SHA-256 of the bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(pdf).hexdigest()


def verification_code() -> str:
    """Return a new code that nobody can guess. The caller checks that it is not taken."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def normalise_code(text: str, field: str | None = None) -> str:
    """Return a code as it is stored, from what a person typed: `k7qm 2xrt` is `K7QM2XRT`.

    Raises `RuleBroken` (code `verification_code`).
    """
    code = "".join(
        c for c in text if not c.isspace() and c not in "-\u2010\u2011\u2012\u2013\u2014._"
    ).upper()
    if len(code) != CODE_LENGTH or any(c not in ALPHABET for c in code):
        raise RuleBroken(
            "El código de verificación tiene 8 letras y cifras, sin 0, 1, I, L ni O. "
            "Cópielo del pie del documento, por ejemplo K7QM-2XRT.",
            field,
            "verification_code",
        )
    return code


def printed_code(code: str) -> str:
    """Return a code as it is printed, in two groups: `K7QM-2XRT`."""
    return f"{code[:4]}-{code[4:]}"


def qr_png(url: str) -> bytes:
    """Return a QR of `url` as PNG, black on white, with its quiet zone; the same bytes each time.

    Correction level M: it survives a stamp or a fold over 15 % of it.
    """
    out = io.BytesIO()
    segno.make_qr(url, error="m").save(out, kind="png", scale=6, border=2)
    return out.getvalue()
