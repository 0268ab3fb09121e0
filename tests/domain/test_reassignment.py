"""Replacement, its answers and its deadline (RA-2 to RA-8, AV-6)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import Conflict, Invalid
from app.domain.policies import DEFAULTS
from app.domain.reassignment import (
    Candidate,
    ReassignmentAnswer,
    ReassignmentFacts,
    decide_answer,
    decide_expiry,
    expires_at,
    ranked,
    response_deadline,
)
from app.domain.vocabulary import ReassignmentStatus, SessionStatus
from tests.domain.facts import at

START = at("2028-02-29 00:30")
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
DEADLINE = START - 10 * HOUR
ADA, BOB, EVE = UUID(int=1), UUID(int=2), UUID(int=3)
FOUND, NONE_FOUND = ReassignmentStatus.PENDING_ACCEPTANCE, ReassignmentStatus.AWAITING_MENTEE_CHOICE
Answer = ReassignmentAnswer


def facts(**changes: object) -> ReassignmentFacts:
    known = {"status": SessionStatus.SCHEDULED, "reassignment": FOUND, "deadline": DEADLINE, "start": START}
    return ReassignmentFacts(**(known | changes))  # type: ignore[arg-type]


@pytest.mark.spec("AV-6")
class TestRanking:
    def test_expertise_then_rating_then_fewer_sessions_then_id(self) -> None:
        best_first = [
            Candidate(EVE, 3, 0, 9),
            Candidate(EVE, 1, 480, 9),
            Candidate(EVE, 1, 470, 0),
            Candidate(ADA, 1, 470, 4),
            Candidate(BOB, 1, 470, 4),
            Candidate(ADA, 0, 500, 0),
        ]

        assert ranked(reversed(best_first)) == best_first

    @pytest.mark.spec("RA-8")
    def test_those_who_cancelled_are_not_asked_again(self) -> None:
        found = ranked([Candidate(ADA, 9, 500, 0), Candidate(BOB, 0, 0, 0)], frozenset({ADA}))

        assert [each.mentor_id for each in found] == [BOB]

    @given(st.lists(st.builds(Candidate, st.uuids(), *[st.integers(0, 3)] * 3), unique_by=lambda each: each.mentor_id))
    def test_the_order_does_not_depend_on_who_is_found_first(self, found: list[Candidate]) -> None:
        assert ranked(found) == ranked(reversed(found))


@pytest.mark.spec("RA-7")
def test_the_mentee_has_24_hours_and_never_longer_than_to_the_start() -> None:
    assert response_deadline(START - 100 * HOUR, START, DEFAULTS) == START - 76 * HOUR
    assert response_deadline(START - HOUR, START, DEFAULTS) == START
    assert expires_at(facts(deadline=START + HOUR)) == START
    assert expires_at(facts(deadline=None, start=None)) is None


@pytest.mark.spec("RA-4", "RA-5", "RA-6", "RA-8")
class TestAnswer:
    @pytest.mark.parametrize(
        "reassignment, answer, rule",
        [
            (FOUND, Answer.ACCEPT, "reassignment_accept"),
            (FOUND, Answer.REJECT, "reassignment_reject"),
            (FOUND, Answer.CHOOSE, "reassignment_choose"),
            (FOUND, Answer.DECLINE, "reassignment_decline"),
            (NONE_FOUND, Answer.REJECT, "reassignment_reject"),
            (NONE_FOUND, Answer.CHOOSE, "reassignment_choose"),
            (NONE_FOUND, Answer.ACCEPT, "no_mentor_proposed"),
            (NONE_FOUND, Answer.DECLINE, "no_mentor_proposed"),
            (ReassignmentStatus.ACCEPTED, Answer.ACCEPT, "no_reassignment"),
            (ReassignmentStatus.REJECTED, Answer.REJECT, "no_reassignment"),
            (None, Answer.ACCEPT, "no_reassignment"),
        ],
    )
    def test_which_answer_fits_which_state(
        self, reassignment: ReassignmentStatus | None, answer: ReassignmentAnswer, rule: str
    ) -> None:
        decision = decide_answer(facts(reassignment=reassignment), answer, DEADLINE - SECOND, chosen=BOB)

        assert (decision.rule, decision.allowed) == (rule, rule.startswith("reassignment_"))

    def test_rejecting_refunds_everything(self) -> None:
        decision = decide_answer(facts(), Answer.REJECT, DEADLINE - SECOND)

        assert decision.consequences == {"refund_percentage": 100}

    @pytest.mark.parametrize("chosen", [None, ADA])
    def test_a_mentor_who_cancelled_cannot_be_chosen(self, chosen: UUID | None) -> None:
        with pytest.raises(Invalid) as refusal:
            decide_answer(facts(excluded=frozenset({ADA})), Answer.CHOOSE, DEADLINE - SECOND, chosen=chosen).require()
        assert list(refusal.value.fields) == ["mentorId"]

    def test_after_the_deadline_no_answer_counts(self) -> None:
        with pytest.raises(Conflict) as refusal:
            decide_answer(facts(), Answer.ACCEPT, DEADLINE).require()
        assert refusal.value.error_code == "reassignment_expired"

    def test_a_session_that_is_cancelled_has_nothing_to_answer(self) -> None:
        assert (
            decide_answer(facts(status=SessionStatus.CANCELLED), Answer.ACCEPT, DEADLINE - SECOND).rule
            == "no_reassignment"
        )


@pytest.mark.spec("RA-7")
def test_the_clock_cancels_what_nobody_answered_with_everything_back() -> None:
    decision = decide_expiry(facts(), DEADLINE)

    assert decision.consequences == {"refund_percentage": 100, "cancelled_by": "mentor"}
    assert decide_expiry(facts(), DEADLINE - SECOND).rule == "not_due"
    assert decide_expiry(facts(reassignment=None), DEADLINE).rule == "no_reassignment"
    assert decide_expiry(facts(deadline=None, start=None), DEADLINE).rule == "no_reassignment"
