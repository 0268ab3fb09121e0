"""Reviews, the time in which a problem is reported, and the overview's arithmetic (RV-1, DSP-1, KPI-1)."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from app.domain.disputes import decide_report
from app.domain.errors import Conflict, Invalid, Refused
from app.domain.kpis import change, rate
from app.domain.policies import DEFAULTS
from app.domain.reviewing import decide_review_texts, decide_review_window
from app.domain.vocabulary import SessionStatus
from tests.domain.facts import at

ENDED = at("2028-02-29 01:30")
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.mark.spec("RV-1")
class TestReview:
    def decide(self, now: datetime, status: SessionStatus = SessionStatus.COMPLETED) -> object:
        return decide_review_window(status=status, ended_at=ENDED, policies=DEFAULTS, now=now)

    def test_it_can_be_written_for_14_days(self) -> None:
        assert self.decide(ENDED + 14 * DAY).allowed  # type: ignore[attr-defined]
        with pytest.raises(Refused) as refusal:
            self.decide(ENDED + 14 * DAY + SECOND).require()  # type: ignore[attr-defined]
        assert refusal.value.details["nextChange"] == "1 second earlier it would have been possible."

    @pytest.mark.parametrize("status", [each for each in SessionStatus if each is not SessionStatus.COMPLETED])
    def test_only_a_completed_session_is_reviewed(self, status: SessionStatus) -> None:
        with pytest.raises(Conflict):
            self.decide(ENDED, status).require()  # type: ignore[attr-defined]

    @pytest.mark.parametrize(
        "rating, comment, bad",
        [(1, "", []), (5, "x" * 2_000, []), (0, "", ["rating"]), (6, "x" * 2_001, ["rating", "comment"])],
    )
    def test_stars_and_comment_have_their_bounds(self, rating: int, comment: str, bad: list[str]) -> None:
        decision = decide_review_texts(rating, comment)

        assert list(decision.fields) == bad
        if bad:
            with pytest.raises(Invalid):
                decision.require()


@pytest.mark.spec("DSP-1")
class TestReport:
    def decide(self, now: datetime = ENDED, **changes: object) -> object:
        known = {"status": SessionStatus.COMPLETED, "ended_at": ENDED, "has_open": False}
        return decide_report(**(known | changes), policies=DEFAULTS, now=now)  # type: ignore[arg-type]

    def test_a_problem_can_be_reported_up_to_30_days_after(self) -> None:
        assert self.decide(ENDED + 30 * DAY).allowed  # type: ignore[attr-defined]
        with pytest.raises(Refused):
            self.decide(ENDED + 30 * DAY + SECOND).require()  # type: ignore[attr-defined]

    @pytest.mark.parametrize(
        "changes, code",
        [
            ({"has_open": True}, "dispute_open"),
            ({"status": SessionStatus.DRAFT}, "not_reportable"),
            ({"ended_at": None}, "not_reportable"),
        ],
    )
    def test_one_open_report_on_a_session_that_was_sold(self, changes: dict[str, object], code: str) -> None:
        with pytest.raises(Conflict) as refusal:
            self.decide(**changes).require()  # type: ignore[attr-defined]
        assert refusal.value.error_code == code


@pytest.mark.spec("KPI-1")
@pytest.mark.parametrize(
    "current, before, percent",
    [(110, 100, "10.0"), (0, 4, "-100.0"), (1, 3, "-66.7"), (5, 0, None), (-50, -100, "50.0"), (2_001, 2_000, "0.1")],
)
def test_the_change_against_the_period_before(current: int, before: int, percent: str | None) -> None:
    assert change(current, before) == (Decimal(percent) if percent else None)


@pytest.mark.spec("KPI-1")
def test_a_rate_of_nothing_is_nothing() -> None:
    assert (rate(0, 0), rate(1, 8)) == (Decimal("0.0"), Decimal("12.5"))
