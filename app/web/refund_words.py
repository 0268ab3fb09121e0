"""What cancelling would cost at which date, for the wizard, the session page and the dialog (BK-2, CX-3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.cancellation import Tier, tiers
from app.domain.money import Money
from app.domain.policies import Snapshot


@dataclass(frozen=True, slots=True)
class RefundStep:
    """A stretch of time and what a cancellation in it gives back.

    :param until: its end, an instant that still belongs to it; the start of the session for the last one
    :param percentage: None when cancelling is not possible any more
    :param is_now: the stretch in which we are
    """

    until: datetime
    percentage: int | None
    refund: Money | None
    is_now: bool
    is_last: bool


def refund_steps(policies: Snapshot, *, start: datetime, price: Money, now: datetime) -> Sequence[RefundStep]:
    """The refund rule as dates, from now on; a stretch that is over is left out."""
    rows = tiers(policies)
    ends = [start - timedelta(hours=tier.hours) for tier in rows]
    left = [(tier, end) for tier, end in zip(rows, ends, strict=True) if end >= now]
    return [
        RefundStep(
            until=end,
            percentage=tier.percentage,
            refund=_refund(tier, price),
            is_now=number == 0,
            is_last=end >= start,
        )
        for number, (tier, end) in enumerate(left)
    ]


def _refund(tier: Tier, price: Money) -> Money | None:
    return None if tier.percentage is None else price.percentage(tier.percentage)
