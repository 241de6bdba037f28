"""Domain errors: the few ways in which a request to the system can be refused, each with words for the user.

Messages are Spanish (es-PY) and say what happened and what to do. `code` is stable and for machines.
One place of the web layer turns these into a form with its message, a 403, a 404, a 409 or a JSON answer.
"""

from __future__ import annotations

from collections.abc import Iterable


class DomainError(Exception):
    """A refusal that the user can understand and act upon.

    `message` is shown as it is; `code` is a stable word for machines, in lower case with underscores.
    """

    default_code = "error"

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code

    def __str__(self) -> str:
        return self.message

    def as_dict(self) -> dict[str, object]:
        """Return `{code, message, fields}` for a machine; `fields` maps a field to its messages."""
        return {"code": self.code, "message": self.message, "fields": {}}


class RuleBroken(DomainError, ValueError):
    """A rule of the procedure or of a datum is not met; nothing was changed.

    `field` names the form field at fault, when there is one. `reasons` holds every reason when several
    were found at once; `message` then joins them. It is a `ValueError` too, so that form libraries show it.
    """

    default_code = "rule_broken"

    def __init__(
        self,
        message: str,
        field: str | None = None,
        code: str | None = None,
        reasons: Iterable[str] = (),
    ) -> None:
        super().__init__(message, code)
        self.field = field
        self.reasons: tuple[str, ...] = tuple(reasons) or (message,)

    def as_dict(self) -> dict[str, object]:
        """Return `{code, message, fields, reasons}`."""
        fields = {self.field: [self.message]} if self.field else {}
        return {"code": self.code, "message": self.message, "fields": fields, "reasons": list(self.reasons)}


class NotAllowed(DomainError):
    """The actor's role or scope does not permit the act."""

    default_code = "not_allowed"

    def __init__(
        self,
        message: str = "Su función no permite esta acción. Si la necesita, pídala a su coordinación.",
        code: str | None = None,
    ) -> None:
        super().__init__(message, code)


class Missing(DomainError):
    """The record does not exist, or the actor may not know that it exists."""

    default_code = "missing"

    def __init__(
        self,
        message: str = "No se encontró el registro. Verifique el número o búsquelo en la lista.",
        code: str | None = None,
    ) -> None:
        super().__init__(message, code)


class Stale(DomainError):
    """Another person changed the record since the actor opened it; nothing was overwritten."""

    default_code = "stale"

    def __init__(
        self,
        message: str = (
            "Otra persona modificó este registro mientras usted lo tenía abierto. "
            "Vuelva a abrirlo, revise los cambios y repita lo suyo."
        ),
        code: str | None = None,
    ) -> None:
        super().__init__(message, code)
