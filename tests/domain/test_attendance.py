"""Starting, completing, and who did not come (NS-1 to NS-5, ACT-2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.domain.attendance import (
    AttendanceFacts,
    completes_at,
    decide_auto_completion,
    decide_completion_by_mentor,
    decide_force_completion,
    decide_no_show_by_staff,
    decide_no_show_report,
    decide_start,
    decide_suggestion,
    ended_at,
    started_at,
    suggested_absentees,
)
from app.domain.errors import Conflict, Invalid, InvalidTransition, Refused
from app.domain.policies import DEFAULTS
from app.domain.vocabulary import MeetingType, Party, ReassignmentStatus, SessionStatus
from tests.domain.facts import at

START = at("2028-02-29 00:30")
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
END = START + 60 * MINUTE
BOTH = frozenset(Party)
ONLY_MENTEE = frozenset({Party.MENTEE})
OVER = [SessionStatus.COMPLETED, SessionStatus.CANCELLED, SessionStatus.NO_SHOW, SessionStatus.REJECTED]


def facts(**changes: object) -> AttendanceFacts:
    known = {
        "status": SessionStatus.IN_PROGRESS,
        "start": START,
        "duration_minutes": 60,
        "meeting_type": MeetingType.VIDEO,
        "policies": DEFAULTS,
        "joined": ONLY_MENTEE,
    }
    return AttendanceFacts(**(known | changes))  # type: ignore[arg-type]


@pytest.mark.spec("NS-1", "NS-2")
class TestReport:
    @pytest.mark.parametrize("status", [SessionStatus.SCHEDULED, SessionStatus.IN_PROGRESS])
    def test_after_the_grace_it_means_the_other_party(self, status: SessionStatus) -> None:
        decision = decide_no_show_report(facts(status=status), Party.MENTEE, START + 10 * MINUTE)

        assert (decision.allowed, decision.absent, decision.refund_percentage) == (True, Party.MENTOR, 100)

    def test_an_absent_mentee_gets_nothing_back(self) -> None:
        decision = decide_no_show_report(facts(joined={Party.MENTOR}), Party.MENTOR, END)

        assert (decision.allowed, decision.absent, decision.refund_percentage) == (True, Party.MENTEE, 0)

    def test_a_second_before_the_grace_is_over_it_is_too_early(self) -> None:
        decision = decide_no_show_report(facts(), Party.MENTEE, START + 10 * MINUTE - SECOND)

        with pytest.raises(Refused) as refusal:
            decision.require()
        assert (refusal.value.rule, decision.next_change) == ("grace", "In 1 second it will be possible.")

    @pytest.mark.parametrize(
        "joined, code",
        [(BOTH, "party_joined"), ({Party.MENTOR}, "party_joined"), (frozenset(), "reporter_not_joined")],
    )
    def test_for_video_the_join_log_must_bear_it_out(self, joined: frozenset[Party], code: str) -> None:
        with pytest.raises(Conflict) as refusal:
            decide_no_show_report(facts(joined=joined), Party.MENTEE, END).require()
        assert refusal.value.error_code == code

    @pytest.mark.parametrize("kind", [MeetingType.AUDIO, MeetingType.CHAT, MeetingType.IN_PERSON])
    def test_without_video_the_word_counts(self, kind: MeetingType) -> None:
        assert decide_no_show_report(facts(meeting_type=kind, joined=frozenset()), Party.MENTEE, END).allowed

    @pytest.mark.parametrize("status", OVER)
    def test_once_it_is_over_nobody_can_be_reported(self, status: SessionStatus) -> None:
        with pytest.raises(InvalidTransition):
            decide_no_show_report(facts(status=status), Party.MENTEE, END).require()

    @pytest.mark.parametrize(
        "changes", [{"is_settled": False}, {"reassignment": ReassignmentStatus.PENDING_ACCEPTANCE}]
    )
    def test_what_is_not_confirmed_cannot_be_missed(self, changes: dict[str, object]) -> None:
        with pytest.raises(Conflict) as refusal:
            decide_no_show_report(facts(**changes), Party.MENTEE, END).require()
        assert refusal.value.error_code == "not_confirmed"


@pytest.mark.spec("NS-4")
class TestByStaff:
    @pytest.mark.parametrize("status", [SessionStatus.SCHEDULED, SessionStatus.IN_PROGRESS])
    def test_support_needs_no_join_log_but_a_start(self, status: SessionStatus) -> None:
        assert decide_no_show_by_staff(facts(status=status, joined=BOTH), Party.MENTOR, START).allowed
        with pytest.raises(Conflict) as refusal:
            decide_no_show_by_staff(facts(status=status), Party.MENTOR, START - SECOND).require()
        assert refusal.value.error_code == "not_started"

    def test_a_completed_session_can_be_changed_within_the_dispute_window(self) -> None:
        done = facts(status=SessionStatus.COMPLETED)
        closes = END + timedelta(days=30)

        assert decide_no_show_by_staff(done, Party.MENTEE, closes).allowed
        assert decide_no_show_by_staff(done, Party.MENTEE, closes + SECOND, completed_end=END + MINUTE).allowed
        with pytest.raises(Conflict) as refusal:
            decide_no_show_by_staff(done, Party.MENTEE, closes + SECOND).require()
        assert refusal.value.error_code == "dispute_window"

    @pytest.mark.parametrize("status", [each for each in OVER if each is not SessionStatus.COMPLETED])
    def test_nothing_else_can(self, status: SessionStatus) -> None:
        with pytest.raises(InvalidTransition):
            decide_no_show_by_staff(facts(status=status), Party.MENTOR, END).require()


@pytest.mark.spec("NS-3")
@pytest.mark.parametrize(
    "changes, now, absent",
    [
        ({}, END, {Party.MENTOR}),
        ({"joined": frozenset()}, END, {Party.MENTOR, Party.MENTEE}),
        ({"joined": BOTH}, END, set()),
        ({}, END - SECOND, set()),
        ({"meeting_type": MeetingType.AUDIO}, END, set()),
        ({"policies": replace(DEFAULTS, auto_no_show_detection=False)}, END, set()),
        ({"status": SessionStatus.NO_SHOW}, END, set()),
    ],
)
def test_the_join_log_suggests_who_was_missing(changes: dict[str, object], now: object, absent: set[Party]) -> None:
    assert suggested_absentees(facts(**changes), now) == absent  # type: ignore[arg-type]


@pytest.mark.spec("SM-3")
class TestStart:
    def test_the_clock_starts_at_the_start(self) -> None:
        scheduled = facts(status=SessionStatus.SCHEDULED)

        assert decide_start(scheduled, START).allowed
        assert decide_start(scheduled, START - SECOND).rule == "not_due"

    @pytest.mark.parametrize(
        "changes, rule",
        [
            ({"is_settled": False}, "payment_due"),
            ({"reassignment": ReassignmentStatus.AWAITING_MENTEE_CHOICE}, "reassignment_open"),
            ({"status": SessionStatus.IN_PROGRESS}, "not_scheduled"),
        ],
    )
    def test_only_what_is_settled_starts(self, changes: dict[str, object], rule: str) -> None:
        known = {"status": SessionStatus.SCHEDULED} | changes

        decision = decide_start(facts(**known), START)

        assert (decision.allowed, decision.rule) == (False, rule)


@pytest.mark.spec("NS-3", "SM-3")
class TestCompletion:
    @pytest.mark.parametrize(
        "flagged, wait, rule",
        [(False, timedelta(hours=1), "auto_complete"), (True, timedelta(hours=48), "suggestion_hold_passed")],
    )
    def test_the_clock_waits_an_hour_and_longer_where_somebody_was_missing(
        self, flagged: bool, wait: timedelta, rule: str
    ) -> None:
        known = facts(suggested_at=END if flagged else None)

        assert completes_at(known) == END + wait
        assert decide_auto_completion(known, END + wait - SECOND).rule == "not_due"
        assert decide_auto_completion(known, END + wait).rule == rule

    def test_the_mentor_completes_from_the_end_on(self) -> None:
        assert decide_completion_by_mentor(facts(joined=BOTH), END).allowed
        assert decide_completion_by_mentor(facts(joined=BOTH), END - SECOND).rule == "not_over"

    def test_the_mentor_does_not_decide_a_session_that_lacks_a_join(self) -> None:
        assert decide_completion_by_mentor(facts(), END).rule == "attendance_unclear"
        assert decide_completion_by_mentor(facts(suggested_at=END, joined=BOTH), END).rule == "attendance_unclear"
        assert decide_completion_by_mentor(facts(suggested_at=END, is_decided=True), END).allowed

    def test_the_hold_counts_from_when_the_suggestion_was_made(self) -> None:
        """A clock that was down for three days leaves support its two days all the same."""
        made = END + timedelta(days=3)

        assert completes_at(facts(suggested_at=made)) == made + timedelta(hours=48)
        assert completes_at(facts(suggested_at=made, is_decided=True)) == END + timedelta(hours=1)

    @pytest.mark.spec("ACT-2")
    @pytest.mark.parametrize("minutes, ends", [(None, END), (1, START + MINUTE), (1_440, START + 1_440 * MINUTE)])
    def test_support_completes_with_the_real_duration(self, minutes: int | None, ends: object) -> None:
        decision = decide_force_completion(facts(), START, minutes)

        assert (decision.allowed, decision.consequences) == (True, {"ended_at": ends})

    @pytest.mark.spec("ACT-2")
    @pytest.mark.parametrize("minutes", [0, 1_441])
    def test_an_impossible_duration_names_its_field(self, minutes: int) -> None:
        with pytest.raises(Invalid) as refusal:
            decide_force_completion(facts(), START, minutes).require()
        assert list(refusal.value.fields) == ["actualDuration"]

    @pytest.mark.spec("ACT-2")
    def test_support_does_not_complete_what_has_not_begun(self) -> None:
        assert decide_force_completion(facts(), START - SECOND).rule == "not_started"

    @pytest.mark.parametrize("decide", [decide_auto_completion, decide_completion_by_mentor, decide_force_completion])
    @pytest.mark.parametrize(
        "changes, error",
        [
            ({"is_settled": False}, Conflict),
            ({"reassignment": ReassignmentStatus.PENDING_ACCEPTANCE}, Conflict),
            *(({"status": status}, InvalidTransition) for status in OVER),
        ],
    )
    def test_nobody_completes_what_is_unpaid_in_doubt_or_over(
        self, decide: object, changes: dict[str, object], error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            decide(facts(**changes), END + timedelta(days=9)).require()  # type: ignore[operator]


@pytest.mark.spec("NS-5")
def test_the_real_times_come_from_the_first_join_and_the_provider() -> None:
    assert started_at(START, [START + MINUTE, START - MINUTE]) == START - MINUTE
    assert started_at(START, []) == START
    assert ended_at(START, 60, None) == END
    assert ended_at(START, 60, END + MINUTE) == END + MINUTE


@pytest.mark.spec("NS-3", "WHY-1")
@pytest.mark.parametrize(
    "joined, rule, words",
    [
        (frozenset(), "nobody_joined", "neither side"),
        (ONLY_MENTEE, "mentor_did_not_join", "no mentor"),
        (frozenset({Party.MENTOR}), "mentee_did_not_join", "no mentee"),
    ],
)
def test_a_suggestion_says_no_more_than_the_log(joined: frozenset[Party], rule: str, words: str) -> None:
    decision = decide_suggestion(facts(joined=joined), END)
    assert decision is not None
    assert (decision.allowed, decision.rule) == (True, rule)
    assert words in decision.message
    assert decision.numbers["suggestion_hold_hours"] == DEFAULTS.suggestion_hold_hours
    assert decide_suggestion(facts(joined=joined), END - SECOND) is None
    assert decide_suggestion(facts(joined=BOTH), END) is None
