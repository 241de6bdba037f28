"""Codes of a telephone (TOTP, RFC 6238) and on paper: made, kept, compared. Who needs them, operations know.

A secret is encrypted with a key derived from the installation's own for this purpose alone, and bound to its
owner: a row copied to another account opens nothing. Another SIS_SECRET_KEY makes every secret unreadable.
"""

import base64
import hashlib
import hmac
import logging
import os
from datetime import datetime
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pyotp import TOTP, random_base32

from app.security.roles import LEADERS, Role

log = logging.getLogger(__name__)

STEP = 30
"""Seconds that a code of the telephone lives."""
DRIFT = 1
"""Steps by which the telephone's clock may differ, either way."""
NONCE = 12

ASKED_OF = LEADERS | {Role.ADMIN, Role.MINISTER, Role.SECRETARY, Role.LEGAL, Role.JUDGE}
"""Whoever administers, leads or signs for the ministry (so does, whatever his role, who holds a post that
signs); an inspector signs in the field, where his telephone may be the very device, and chooses."""

_settings: dict[str, object] = {}


def use(secret_key: str, required: bool) -> None:
    """Encrypt with this key from here on; `required`: those of `ASKED_OF` do not enter without one."""
    key = HKDF(SHA256(), 32, salt=None, info=b"sis second factor v1").derive(secret_key.encode())
    _settings.update(cipher=AESGCM(key), required=required)


def required_here() -> bool:
    """Whether this installation demands a second factor of anybody (production does)."""
    return bool(_settings.get("required"))


def new_secret() -> str:
    """160 random bits, in base 32 as telephones take them."""
    return random_base32(32)


def seal(secret: str, owner: UUID) -> str:
    """The secret as it is stored."""
    nonce = os.urandom(NONCE)
    return base64.b64encode(nonce + _cipher().encrypt(nonce, secret.encode(), owner.bytes)).decode()


def unseal(sealed: str, owner: UUID) -> str | None:
    """The secret of this owner; None, and a line in the log, when it cannot be read."""
    raw = base64.b64decode(sealed)
    try:
        return _cipher().decrypt(raw[:NONCE], raw[NONCE:], owner.bytes).decode()
    except InvalidTag:
        log.error("the second factor of account %s cannot be read: was SIS_SECRET_KEY changed?", owner)
        return None


def address(secret: str, username: str, training: bool) -> str:
    """What the QR says to the telephone (otpauth:)."""
    issuer = "SIS capacitación" if training else "SIS"
    return TOTP(secret).provisioning_uri(name=username, issuer_name=issuer)


def step_of(secret: str, code: str, at: datetime, after: int) -> int | None:
    """The period whose code this is, if it is of about now and later than the last one used; else None."""
    totp, now, found = TOTP(secret), int(at.timestamp()) // STEP, None
    for step in range(now - DRIFT, now + DRIFT + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode()) and step > after:
            found = step
    return found


def hash_code(code: str, salt: UUID) -> str:
    """The stored form of a code on paper (scrypt; one salt for the ten of a person)."""
    return hashlib.scrypt(code.encode(), salt=salt.bytes, n=2**14, r=8, p=1).hex()


def _cipher() -> AESGCM:
    cipher = _settings["cipher"]
    assert isinstance(cipher, AESGCM)
    return cipher
