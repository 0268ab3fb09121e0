"""What can go wrong, as types with a code and fields and no HTTP in them.

``code`` is for machines and part of the API's contract; ``message`` is for people and says what to do next; ``details``
are named facts; ``fields`` names each bad input. The doors turn a type into a status in one table
(``app.http.errors``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class DomainError(Exception):
    """A refusal that a person can understand. Raise a subclass."""

    code: ClassVar[str] = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        details: Mapping[str, Any] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_code = code or self.code
        self.details: dict[str, Any] = dict(details or {})
        self.fields: dict[str, str] = dict(fields or {})


class NotFound(DomainError):
    """It does not exist, or this person may not know that it does (SEC, INV-8)."""

    code = "not_found"

    def __init__(self, message: str = "We could not find that. It may have moved, or it is not yours to see.") -> None:
        super().__init__(message)


class NotAuthentic(DomainError):
    """What was sent does not come from whoever it says; nothing of it is kept."""

    code = "bad_signature"


class Forbidden(DomainError):
    """The person may know of it, but not do this."""

    code = "forbidden"


class SignInRequired(DomainError):
    """Nobody is signed in."""

    code = "sign_in_required"


class Invalid(DomainError):
    """Input that cannot be used; ``fields`` says which and why."""

    code = "validation_failed"


class Malformed(DomainError):
    """The request could not be read at all."""

    code = "malformed"


class Throttled(DomainError):
    """Too many tries; ``details["retry_after"]`` is in seconds."""

    code = "rate_limited"


class Conflict(DomainError):
    """The world changed meanwhile; nothing was done."""

    code = "conflict"


class InvalidTransition(Conflict):
    """An attempt outside the table of transitions (SM-1)."""

    code = "invalid_transition"


class SlotTaken(Conflict):
    """Somebody else has this time. ``details["nearest"]`` lists free starts as ISO strings, when known."""

    code = "slot_taken"


class StaleVersion(Conflict):
    """It was edited on another screen meanwhile."""

    code = "stale_version"


class StalePreview(Conflict):
    """The case changed between preview and confirm; show the new preview instead of acting."""

    code = "stale_preview"


class IdempotencyMismatch(Conflict):
    """The same key came with another body (BK-9)."""

    code = "idempotency_mismatch"


class Busy(Conflict):
    """A lock could not be had in time; trying again is right."""

    code = "busy"


class Refused(DomainError):
    """A policy says no. ``details`` carry the rule and the numbers it used."""

    code = "policy_refused"

    def __init__(self, message: str, *, rule: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, details={"rule": rule, **(details or {})})
        self.rule = rule


class ProviderFailed(DomainError):
    """A gateway, meeting provider or mail server did not do what was asked.

    :param retryable: whether trying again may help
    :param unknown: the call may have worked although no answer came; look before repeating it
    """

    code = "provider_failed"

    def __init__(self, message: str, *, retryable: bool = True, unknown: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.unknown = unknown
