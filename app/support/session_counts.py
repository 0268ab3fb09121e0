"""How many sessions a filter shows, without reading them where figures are kept (SL-4)."""

from __future__ import annotations

from dataclasses import dataclass

from app.support.figures import Figures, count_between
from app.support.session_filter import SessionFilter

_IN_FIGURES = {"status", "refund", "cancelled_by", "reason", "currency", "in_net", "from", "to"}


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are; more than ``cap`` means that counting stopped there."""

    value: int
    cap: int | None = None


def count_from_figures(chosen: SessionFilter) -> Count | None:
    """The exact count where figures are kept for such a filter, else None."""
    if set(chosen.arguments(with_order=False)) - _IN_FIGURES:
        return None
    wanted = Figures(
        chosen.statuses, chosen.refund_statuses, chosen.cancelled_by, chosen.reasons, chosen.currencies, chosen.in_net
    )
    return Count(count_between(wanted, chosen.start, chosen.end))
