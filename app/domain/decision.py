"""The answer to *may this be done now, and what follows?* as a value (WHY-1).

Page, API, console and clock show and obey the same one; its snapshot is what ``decision_records`` keeps. A decision
holds no object of the database and no text in a particular time zone: instants are numbers in it, and the page words
them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any
from uuid import UUID

from app.domain.errors import Conflict, DomainError, Forbidden, Invalid, InvalidTransition, Refused, SlotTaken

Value = None | bool | int | str | Decimal | datetime | timedelta | UUID | Enum | Sequence["Value"]


class Refusal(StrEnum):
    """What kind of *no* a decision is, and so which error it becomes."""

    CONFLICT = "conflict"
    FORBIDDEN = "forbidden"
    INVALID = "invalid"
    POLICY = "policy"
    SLOT_TAKEN = "slot_taken"
    TRANSITION = "transition"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Allowed or not, the rule that decided, the numbers it used, and what follows.

    :param rule: the name of the rule, stable, for machines and statistics
    :param message: the answer in plain words, for both parties (WHY-2)
    :param numbers: the inputs that mattered
    :param consequences: what happens when it is done; empty when it is refused
    :param next_change: the nearest thing that would have changed the answer, as a sentence
    :param refusal: the kind of refusal; None when allowed
    :param code: the error code, where it is more exact than that of the kind
    :param fields: for ``Refusal.INVALID``: each bad input and why
    """

    allowed: bool
    rule: str
    message: str
    numbers: Mapping[str, Value] = field(default_factory=dict)
    consequences: Mapping[str, Value] = field(default_factory=dict)
    next_change: str | None = None
    refusal: Refusal | None = None
    code: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.allowed is not (self.refusal is None):
            message = "A decision is either allowed or says what kind of refusal it is"
            raise ValueError(message)

    def require(self) -> None:
        """Raise the refusal as a typed error; do nothing when allowed.

        :raises Refused: a policy says no
        :raises Conflict: the world is in another state (``SlotTaken``, ``InvalidTransition`` among them)
        :raises Forbidden: this person cannot do it now
        :raises Invalid: an input cannot be used
        """
        if not self.allowed:
            raise self.error()

    def error(self) -> DomainError:
        """The typed error of a refusal.

        :raises ValueError: when the decision is allowed
        """
        details = {"rule": self.rule, **{key: as_json(value) for key, value in self.numbers.items()}}
        if self.next_change:
            details["nextChange"] = self.next_change
        match self.refusal:
            case Refusal.POLICY:
                return Refused(self.message, rule=self.rule, details=details)
            case Refusal.CONFLICT:
                return Conflict(self.message, code=self.code, details=details)
            case Refusal.TRANSITION:
                return InvalidTransition(self.message, details=details)
            case Refusal.SLOT_TAKEN:
                return SlotTaken(self.message, details=details)
            case Refusal.FORBIDDEN:
                return Forbidden(self.message, code=self.code, details=details)
            case Refusal.INVALID:
                return Invalid(self.message, code=self.code, details=details, fields=self.fields)
            case None:
                message = "An allowed decision has no error"
                raise ValueError(message)

    def snapshot(self) -> dict[str, Any]:
        """Everything as JSON can hold it, for ``decision_records`` (WHY-1)."""
        return {
            "allowed": self.allowed,
            "rule": self.rule,
            "message": self.message,
            "numbers": {key: as_json(value) for key, value in self.numbers.items()},
            "consequences": {key: as_json(value) for key, value in self.consequences.items()},
            "next_change": self.next_change,
        }


def as_json(value: Value) -> Any:
    """A value as JSON can hold it: instants in ISO 8601, durations in seconds, decimals as strings."""
    match value:
        case Enum():
            return value.value
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case timedelta():
            return int(value.total_seconds())
        case Decimal() | UUID():
            return str(value)
        case None | bool() | int() | str():
            return value
        case _:
            return [as_json(item) for item in value]


def in_words(duration: timedelta) -> str:
    """A duration as people say it, its two largest units: ``"1 day 2 hours"``, ``"11 minutes"``, ``"1 second"``."""
    # Part of a second counts as one: "0 seconds earlier" would explain nothing.
    rest = -(-abs(duration) // timedelta(seconds=1))
    parts: list[str] = []
    for name, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 seconds"
