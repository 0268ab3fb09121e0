"""When the link is released, and what the button says (JN-2, JN-3, INV-9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import Conflict, Forbidden
from app.domain.joining import JoinFacts, JoinState, countdown, decide_join
from app.domain.policies import DEFAULTS
from app.domain.vocabulary import ReassignmentStatus, SessionStatus
from tests.domain.facts import at

START = at("2026-03-29 00:30")
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
END = START + 60 * MINUTE


def facts(**changes: object) -> JoinFacts:
    known = {
        "status": SessionStatus.SCHEDULED,
        "start": START,
        "duration_minutes": 60,
        "is_settled": True,
        "policies": DEFAULTS,
    }
    return JoinFacts(**(known | changes))  # type: ignore[arg-type]


@pytest.mark.spec("JN-2", "JN-3", "QA-1")
@pytest.mark.parametrize(
    "now, state, code",
    [
        (START - 16 * MINUTE, JoinState.COUNTDOWN, "too_early"),
        (START - 15 * MINUTE - SECOND, JoinState.COUNTDOWN, "too_early"),
        (START - 15 * MINUTE, JoinState.OPEN, None),
        (START - 14 * MINUTE, JoinState.OPEN, None),
        (START - SECOND, JoinState.OPEN, None),
        (START, JoinState.LIVE, None),
        (END - SECOND, JoinState.LIVE, None),
        (END, JoinState.OPEN, None),
        (END + 60 * MINUTE - SECOND, JoinState.OPEN, None),
        (END + 60 * MINUTE, JoinState.COMPLETED, "link_expired"),
    ],
)
@pytest.mark.parametrize("status", [SessionStatus.SCHEDULED, SessionStatus.IN_PROGRESS])
def test_the_link_is_released_from_15_minutes_before_to_60_after(
    now: object, state: JoinState, code: str | None, status: SessionStatus
) -> None:
    decision = decide_join(facts(status=status), now)  # type: ignore[arg-type]

    assert (decision.state, decision.allowed) == (state, code is None)
    assert decision.numbers == {"opens_at": START - 15 * MINUTE, "closes_at": END + 60 * MINUTE}
    if code:
        with pytest.raises(Forbidden) as refusal:
            decision.require()
        assert refusal.value.error_code == code
        assert refusal.value.details["opens_at"] == "2026-03-29T00:15:00Z"


@pytest.mark.spec("JN-2")
def test_the_window_is_the_one_of_today_s_policies() -> None:
    wide = replace(DEFAULTS, join_opens_minutes_before=30, join_closes_minutes_after_end=0)

    assert decide_join(facts(policies=wide), START - 30 * MINUTE).allowed
    assert not decide_join(facts(policies=wide), END).allowed


@pytest.mark.spec("JN-2", "RA-3")
@pytest.mark.parametrize(
    "changes, code",
    [
        ({"status": SessionStatus.DRAFT}, "not_confirmed"),
        ({"status": SessionStatus.PENDING_MENTOR_REVIEW, "start": None}, "not_confirmed"),
        ({"status": SessionStatus.CANCELLED}, "not_confirmed"),
        ({"status": SessionStatus.NO_SHOW}, "not_confirmed"),
        ({"is_settled": False}, "payment_due"),
        ({"reassignment": ReassignmentStatus.PENDING_ACCEPTANCE}, "reassignment_open"),
        ({"reassignment": ReassignmentStatus.AWAITING_MENTEE_CHOICE}, "reassignment_open"),
    ],
)
def test_a_session_that_is_not_confirmed_has_nothing_to_join(changes: dict[str, object], code: str) -> None:
    decision = decide_join(facts(**changes), START)

    assert decision.state is JoinState.HIDDEN
    with pytest.raises(Conflict) as refusal:
        decision.require()
    assert refusal.value.error_code == code


@pytest.mark.spec("JN-3")
def test_a_completed_session_says_so() -> None:
    decision = decide_join(facts(status=SessionStatus.COMPLETED), END)

    assert (decision.state, decision.rule) == (JoinState.COMPLETED, "link_expired")


@pytest.mark.spec("JN-2")
def test_an_accepted_reassignment_is_no_obstacle() -> None:
    assert decide_join(facts(reassignment=ReassignmentStatus.ACCEPTED), START).allowed


@pytest.mark.spec("JN-3")
@pytest.mark.parametrize(
    "before, words",
    [
        (timedelta(hours=2, minutes=5), "Session starts in 2h 5m"),
        (timedelta(hours=2, minutes=4, seconds=1), "Session starts in 2h 5m"),
        (timedelta(seconds=1), "Session starts in 0h 1m"),
        (timedelta(days=2), "Session starts in 48h 0m"),
        (-timedelta(hours=1), "Session starts in 0h 0m"),
    ],
)
def test_the_countdown_never_says_zero_too_early(before: timedelta, words: str) -> None:
    assert countdown(START, START - before) == words


@pytest.mark.spec("INV-9")
@given(
    offset=st.integers(-200_000, 200_000),
    opens=st.integers(0, 1440),
    closes=st.integers(0, 1440),
    duration=st.integers(5, 1440),
    status=st.sampled_from(list(SessionStatus)),
    settled=st.booleans(),
)
def test_the_link_is_never_released_outside_its_window(
    offset: int, opens: int, closes: int, duration: int, status: SessionStatus, settled: bool
) -> None:
    policies = replace(DEFAULTS, join_opens_minutes_before=opens, join_closes_minutes_after_end=closes)
    now = START + timedelta(seconds=offset)

    decision = decide_join(facts(policies=policies, duration_minutes=duration, status=status, is_settled=settled), now)

    if decision.allowed:
        assert settled
        assert status in {SessionStatus.SCHEDULED, SessionStatus.IN_PROGRESS}
        assert START - opens * MINUTE <= now < START + (duration + closes) * MINUTE
