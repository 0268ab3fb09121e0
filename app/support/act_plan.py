"""The preview that every staff act on a session shows, and what it answers when it is done (ACT)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from app.domain.decision import Decision
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
