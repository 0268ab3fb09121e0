"""What an outcome would do, as a value that the dialog shows and the act obeys (DSP-4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.domain.decision import Decision
from app.support.staff_acts import PlanRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What would happen: shown before, obeyed by the act.

    :param facts: what a fingerprint is made of, beside the dispute and the session
    """

    decision: Decision
    sentence: str
    button: str
    rows: Sequence[PlanRow]
    is_dangerous: bool = False
    needs_approval: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
