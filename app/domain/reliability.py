"""How reliable somebody was, and how good sessions were, as published formulas (AN-1, AN-2).

Both are smoothed: somebody with two sessions is not judged by one bad evening. The words of each formula stand beside
it, so that the page that shows a score can say how it came about.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

_ASSUMED: Final = 8
_TENTH: Final = Decimal("0.1")
_PRIOR_RATING: Final = Decimal("4.5")

RELIABILITY_IN_WORDS: Final = (
    "100 times (completed + 8) ÷ (completed + 8 + no-shows + half of the sessions that this person cancelled): eight "
    "good sessions are assumed, so that one bad evening of a newcomer does not count for more than it is."
)
QUALITY_IN_WORDS: Final = (
    "Half the average rating (with four more reviews of 4.5 assumed), three tenths the share of sessions that were "
    "completed, two tenths the share without a dispute; each from 0 to 100."
)


@dataclass(frozen=True, slots=True)
class Record:
    """What somebody did with their sessions; ``cancelled`` are those that they themselves called off."""

    completed: int
    cancelled: int
    no_shows: int


@dataclass(frozen=True, slots=True)
class QualityFacts:
    """A mentor's sessions that took place or should have, and what was said of them."""

    sessions: int
    completed: int
    reviews: int
    rating_sum: int
    disputed: int


def reliability(record: Record) -> Decimal:
    """From 0 to 100 with one decimal; somebody without sessions has 100."""
    good = Decimal(record.completed + _ASSUMED)
    return _rounded(100 * good / (good + record.no_shows + Decimal(record.cancelled) / 2))


def quality(facts: QualityFacts) -> Decimal:
    """From 0 to 100 with one decimal."""
    assumed = 4
    rating = (facts.rating_sum + assumed * _PRIOR_RATING) / (facts.reviews + assumed) / 5
    completed = _share(facts.completed, facts.sessions, of_none=1)
    undisputed = 1 - _share(facts.disputed, facts.sessions, of_none=0)
    return _rounded(100 * (rating * 5 + completed * 3 + undisputed * 2) / 10)


def _share(part: int, whole: int, *, of_none: int) -> Decimal:
    """At most 1: a session can be disputed by both sides."""
    return min(Decimal(part) / whole, Decimal(1)) if whole else Decimal(of_none)


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_TENTH, rounding=ROUND_HALF_UP)
