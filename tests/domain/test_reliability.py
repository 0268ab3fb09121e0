"""The published formulas of reliability and quality (AN-1, AN-2)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.domain.reliability import QualityFacts, Record, quality, reliability


@pytest.mark.spec("AN-1")
@pytest.mark.parametrize(
    "completed, cancelled, no_shows, score",
    [
        (0, 0, 0, "100.0"),
        (10, 0, 0, "100.0"),
        (0, 0, 1, "88.9"),
        (0, 1, 0, "94.1"),
        (2, 0, 2, "83.3"),
        (92, 0, 2, "98.0"),
        (0, 16, 0, "50.0"),
    ],
)
def test_reliability_assumes_eight_good_sessions(completed: int, cancelled: int, no_shows: int, score: str) -> None:
    assert reliability(Record(completed, cancelled, no_shows)) == Decimal(score)


@pytest.mark.spec("AN-2")
@pytest.mark.parametrize(
    "facts, score",
    [
        (QualityFacts(sessions=0, completed=0, reviews=0, rating_sum=0, disputed=0), "95.0"),
        (QualityFacts(sessions=10, completed=10, reviews=4, rating_sum=20, disputed=0), "97.5"),
        (QualityFacts(sessions=10, completed=5, reviews=0, rating_sum=0, disputed=0), "80.0"),
        (QualityFacts(sessions=10, completed=10, reviews=0, rating_sum=0, disputed=5), "85.0"),
        (QualityFacts(sessions=1, completed=0, reviews=0, rating_sum=0, disputed=2), "45.0"),
    ],
    ids=["nothing", "all well", "half held", "half disputed", "all wrong"],
)
def test_quality_weighs_reviews_completion_and_disputes(facts: QualityFacts, score: str) -> None:
    assert quality(facts) == Decimal(score)
