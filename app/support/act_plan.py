"""The preview that every staff act on a session shows, and what it answers when it is done (ACT)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from app.domain.decision import Decision, Refusal, Value
from app.support.staff_acts import PlanRow


class Plan(Protocol):
    """What a door needs of any preview."""

    @property
    def decision(self) -> Decision: ...
    @property
    def sentence(self) -> str: ...
    @property
    def button(self) -> str: ...
    @property
    def rows(self) -> Sequence[PlanRow]: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def moves_money(self) -> bool:
        """Whether a browser has to have typed the password lately (SEC-2)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ActPlan:
    """What will happen, shown before and obeyed by the act.

    :param fingerprint: of the facts alone; what one may choose in the dialog is no part of it
    """

    decision: Decision
    sentence: str
    button: str
    rows: Sequence[PlanRow]
    fingerprint: str

    @property
    def moves_money(self) -> bool:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class ActDone:
    """What was done, in a sentence for the toast."""

    session_id: UUID
    sentence: str
    audit_id: UUID


def decided(rule: str, why_not: str, *, code: str, can: str, numbers: Mapping[str, Value]) -> Decision:
    """Whether a session may be acted on from where it stands.

    :param why_not: a conflict of this ``code``, in words; empty when it may
    :param can: what is said when it may
    """
    if why_not:
        return Decision(allowed=False, rule=rule, message=why_not, numbers=numbers, refusal=Refusal.CONFLICT, code=code)
    return Decision(allowed=True, rule=rule, message=can, numbers=numbers)
