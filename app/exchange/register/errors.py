"""The one error of reading a register: a file that cannot be read, with words for the person who sent it."""

from __future__ import annotations

from app.core.errors import DomainError


class RegisterError(DomainError):
    """The file as a whole cannot be read as a register. `message` says in Spanish what to do."""

    default_code = "register"
