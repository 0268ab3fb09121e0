"""Proposing, answering, countering, withdrawing, expiring (RS-1 to RS-6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from app.domain.errors import Conflict, Forbidden, Invalid, Refused
from app.domain.overrides import Override, active_overrides
from app.domain.policies import DEFAULTS, PRESETS
from app.domain.rescheduling import (
    Negotiation,
    ProposalDecision,
    ProposalFacts,
    RescheduleAnswer,
    decide_counter_time,
    decide_expiry,
    decide_proposal,
    decide_response,
    expiry,
)
from app.domain.vocabulary import OverrideType, Party, ReassignmentStatus, RescheduleStatus, SessionStatus
from tests.domain.facts import at

START = at("2028-02-29 00:30")
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
NEW = START + timedelta(days=3)
NOW = START - 5 * HOUR


def facts(**changes: object) -> ProposalFacts:
    known = {
        "status": SessionStatus.SCHEDULED,
        "start": START,
        "duration_minutes": 60,
        "is_settled": True,
        "count": 0,
        "policies": DEFAULTS,
    }
    return ProposalFacts(**(known | changes))  # type: ignore[arg-type]


def propose(
    by: Party, before: timedelta, proposed: datetime = NEW, duration: int | None = None, **changes: object
) -> ProposalDecision:
    return decide_proposal(facts(**changes), by, START - before, proposed=proposed, duration_minutes=duration)


@pytest.mark.spec("RS-1")
class TestProposal:
    @pytest.mark.parametrize("by, cutoff", [(Party.MENTEE, 4), (Party.MENTOR, 2)])
    def test_the_cut_off_is_by_role_and_its_instant_counts_for_the_one_who_asks(self, by: Party, cutoff: int) -> None:
        assert propose(by, cutoff * HOUR).rule == "reschedule_allowed"

        late = propose(by, cutoff * HOUR - SECOND)
        with pytest.raises(Refused) as refusal:
            late.require()
        assert (refusal.value.rule, late.next_change) == (
            "reschedule_cutoff",
            "1 second earlier it would have been possible.",
        )

    @pytest.mark.parametrize("by", list(Party))
    @pytest.mark.parametrize("count, rule", [(1, "reschedule_allowed"), (2, "reschedule_limit")])
    def test_each_side_has_its_count(self, by: Party, count: int, rule: str) -> None:
        assert propose(by, 48 * HOUR, count=count).rule == rule

    @pytest.mark.spec("POL-3")
    def test_the_strict_preset_lets_only_the_mentor_move(self) -> None:
        strict = PRESETS["strict_24h"]

        assert propose(Party.MENTEE, 48 * HOUR, policies=strict).rule == "reschedule_limit"
        assert propose(Party.MENTOR, 24 * HOUR, policies=strict).allowed
        assert propose(Party.MENTOR, 24 * HOUR - SECOND, policies=strict).rule == "reschedule_cutoff"

    @pytest.mark.parametrize(
        "changes, code",
        [
            ({"status": SessionStatus.IN_PROGRESS}, "invalid_transition"),
            ({"status": SessionStatus.DRAFT}, "invalid_transition"),
            ({"is_settled": False}, "payment_due"),
            ({"reassignment": ReassignmentStatus.PENDING_ACCEPTANCE}, "reassignment_open"),
            ({"has_open_proposal": True}, "proposal_open"),
        ],
    )
    def test_only_a_settled_session_without_open_questions_moves(self, changes: dict[str, object], code: str) -> None:
        with pytest.raises(Conflict) as refusal:
            propose(Party.MENTEE, 48 * HOUR, **changes).require()
        assert refusal.value.error_code == code

    def test_nothing_moves_once_it_has_begun(self) -> None:
        assert propose(Party.MENTOR, timedelta(0)).rule == "session_started"

    @pytest.mark.parametrize(
        "proposed, duration, field",
        [
            (START - 48 * HOUR, None, "proposedTime"),
            (START - 49 * HOUR, None, "proposedTime"),
            (START, None, "proposedTime"),
            (START, 60, "proposedTime"),
            (NEW, 45, "proposedDuration"),
        ],
    )
    def test_a_proposal_that_means_nothing_names_its_field(
        self, proposed: datetime, duration: int | None, field: str
    ) -> None:
        with pytest.raises(Invalid) as refusal:
            propose(Party.MENTEE, 48 * HOUR, proposed, duration).require()
        assert list(refusal.value.fields) == [field]

    def test_a_duration_of_the_offering_is_allowed_even_at_the_same_time(self) -> None:
        assert propose(Party.MENTEE, 48 * HOUR, START, 90, allowed_durations={90}).allowed

    def test_without_a_time_it_says_whether_the_button_is_shown(self) -> None:
        assert decide_proposal(facts(), Party.MENTEE, START - 48 * HOUR).allowed

    def test_it_stays_open_until_the_earliest_of_three_instants(self) -> None:
        early = START - 100 * HOUR

        assert expiry(early, START, NEW, DEFAULTS) == early + 48 * HOUR
        assert expiry(START - 10 * HOUR, START, NEW, DEFAULTS) == START
        assert expiry(START - 10 * HOUR, START, START - HOUR, DEFAULTS) == START - HOUR
        assert propose(Party.MENTEE, 10 * HOUR).expires_at == START


@pytest.mark.spec("RS-6")
class TestOverrides:
    ALLOW = frozenset({OverrideType.ALLOW_RESCHEDULE})
    EXTEND = frozenset({OverrideType.EXTEND_TIME})

    def test_one_more_past_limit_and_cut_off_which_is_then_used_up(self) -> None:
        for before, count in [(48 * HOUR, 2), (HOUR, 0), (HOUR, 7)]:
            decision = propose(Party.MENTEE, before, count=count, overrides=self.ALLOW)

            assert (decision.rule, decision.uses_override) == ("override_allow_reschedule", True)

    def test_a_grant_that_is_not_needed_is_not_used(self) -> None:
        assert not propose(Party.MENTEE, 48 * HOUR, overrides=self.ALLOW).uses_override

    def test_extended_time_lifts_the_cut_off_and_not_the_limit(self) -> None:
        assert propose(Party.MENTEE, HOUR, overrides=self.EXTEND).rule == "reschedule_allowed"
        assert propose(Party.MENTEE, HOUR, overrides=self.EXTEND, count=2).rule == "reschedule_limit"

    def test_an_override_counts_until_it_is_used_revoked_or_expired(self) -> None:
        kind = OverrideType.EXTEND_TIME
        now = START - HOUR
        dead = [
            Override(kind, used_at=now),
            Override(kind, revoked_at=now),
            Override(kind, expires_at=now),
        ]

        assert active_overrides(dead, start=START, now=now) == frozenset()
        assert active_overrides([Override(kind, expires_at=now + SECOND)], start=START, now=now) == {kind}
        assert active_overrides([Override(kind)], start=START, now=START - SECOND) == {kind}
        assert active_overrides([Override(kind)], start=START, now=START) == frozenset()
        assert active_overrides([Override(kind)], start=None, now=START) == {kind}


@pytest.mark.spec("RS-2")
@pytest.mark.parametrize(
    "proposed, allowed",
    [(NOW + SECOND, True), (NOW, False), (NEW, False), (START, False), (NEW + HOUR, True)],
)
def test_an_answer_names_another_time_that_is_still_to_come(proposed: datetime, allowed: bool) -> None:
    assert decide_counter_time(talk(), START, proposed, NOW).allowed is allowed
    assert decide_counter_time(talk(), None, proposed, NOW).allowed is (allowed or proposed == START)


def talk(**changes: object) -> Negotiation:
    known = {
        "status": RescheduleStatus.PENDING,
        "initiator": Party.MENTOR,
        "proposer": Party.MENTOR,
        "time_on_table": NEW,
        "counter_count": 0,
        "expires_at": START,
    }
    return Negotiation(**(known | changes))  # type: ignore[arg-type]


A = RescheduleAnswer
BY_MENTEE = {"initiator": Party.MENTEE, "proposer": Party.MENTEE}
COUNTERED = {"status": RescheduleStatus.COUNTER_PROPOSED}


@pytest.mark.spec("RS-2", "RS-3")
class TestResponse:
    @pytest.mark.parametrize(
        "changes, answer, by, expected",
        [
            # The mentor asked: it is the mentee's turn.
            ({}, A.ACCEPT, Party.MENTEE, "reschedule_accept"),
            ({}, A.COUNTER_PROPOSE, Party.MENTEE, "reschedule_counter_propose"),
            ({}, A.CANCEL_SESSION, Party.MENTEE, "reschedule_cancel_session"),
            ({}, A.REJECT, Party.MENTEE, "not_for_this_side"),
            ({}, A.WITHDRAW, Party.MENTOR, "reschedule_withdraw"),
            ({}, A.WITHDRAW, Party.MENTEE, "not_for_this_side"),
            ({}, A.ACCEPT, Party.MENTOR, "not_your_turn"),
            # The mentee asked: it is the mentor's turn.
            (BY_MENTEE, A.ACCEPT, Party.MENTOR, "reschedule_accept"),
            (BY_MENTEE, A.REJECT, Party.MENTOR, "reschedule_reject"),
            (BY_MENTEE, A.COUNTER_PROPOSE, Party.MENTOR, "reschedule_counter_propose"),
            (BY_MENTEE, A.CANCEL_SESSION, Party.MENTOR, "not_for_this_side"),
            (BY_MENTEE, A.CANCEL_SESSION, Party.MENTEE, "not_your_turn"),
            (BY_MENTEE, A.WITHDRAW, Party.MENTEE, "reschedule_withdraw"),
            # The mentee countered the mentor: the turn has passed, withdrawing is still the initiator's.
            (COUNTERED | {"proposer": Party.MENTEE}, A.REJECT, Party.MENTOR, "reschedule_reject"),
            (COUNTERED | {"proposer": Party.MENTEE}, A.ACCEPT, Party.MENTEE, "not_your_turn"),
            (COUNTERED | {"proposer": Party.MENTEE}, A.WITHDRAW, Party.MENTOR, "reschedule_withdraw"),
            # The mentor countered the mentee, who initiated and so cannot cancel for nothing.
            (COUNTERED | {"initiator": Party.MENTEE}, A.CANCEL_SESSION, Party.MENTEE, "not_for_this_side"),
            (COUNTERED | {"initiator": Party.MENTEE}, A.ACCEPT, Party.MENTEE, "reschedule_accept"),
            # At most three counter-proposals over both sides.
            ({"counter_count": 2}, A.COUNTER_PROPOSE, Party.MENTEE, "reschedule_counter_propose"),
            ({"counter_count": 3}, A.COUNTER_PROPOSE, Party.MENTEE, "counter_limit"),
            ({"counter_count": 3}, A.ACCEPT, Party.MENTEE, "reschedule_accept"),
        ],
    )
    def test_who_may_answer_what(
        self, changes: dict[str, object], answer: RescheduleAnswer, by: Party, expected: str
    ) -> None:
        decision = decide_response(talk(**changes), answer, by, START - HOUR, DEFAULTS)

        assert decision.rule == expected
        assert decision.allowed is expected.startswith("reschedule_")

    def test_cancelling_because_the_mentor_asked_refunds_everything(self) -> None:
        decision = decide_response(talk(), A.CANCEL_SESSION, Party.MENTEE, START - HOUR, DEFAULTS)

        assert decision.consequences == {"refund_percentage": 100}

    @pytest.mark.parametrize(
        "status", [each for each in RescheduleStatus if each not in {"pending", "counter_proposed"}]
    )
    def test_a_closed_proposal_takes_no_answer(self, status: RescheduleStatus) -> None:
        with pytest.raises(Conflict) as refusal:
            decide_response(talk(status=status), A.ACCEPT, Party.MENTEE, START - HOUR, DEFAULTS).require()
        assert refusal.value.error_code == "proposal_closed"

    def test_the_request_must_be_the_open_one(self) -> None:
        decision = decide_response(talk(), A.ACCEPT, Party.MENTEE, START - HOUR, DEFAULTS, is_open_request=False)

        assert decision.rule == "proposal_closed"

    def test_an_expired_one_takes_no_answer_though_the_clock_is_late(self) -> None:
        with pytest.raises(Conflict) as refusal:
            decide_response(talk(), A.ACCEPT, Party.MENTEE, START, DEFAULTS).require()
        assert refusal.value.error_code == "proposal_expired"

    def test_the_wrong_side_is_forbidden_and_the_limit_is_policy(self) -> None:
        with pytest.raises(Forbidden):
            decide_response(talk(), A.REJECT, Party.MENTEE, START - HOUR, DEFAULTS).require()
        none_left = replace(DEFAULTS, max_counter_proposals=0)
        with pytest.raises(Refused):
            decide_response(talk(), A.COUNTER_PROPOSE, Party.MENTEE, START - HOUR, none_left).require()


@pytest.mark.spec("RS-5")
def test_the_clock_closes_a_proposal_at_its_instant() -> None:
    assert decide_expiry(talk(), START).allowed
    assert decide_expiry(talk(), START - SECOND).rule == "not_due"
    assert decide_expiry(talk(status=RescheduleStatus.ACCEPTED), START).rule == "proposal_closed"
