"""Past cases decided again under other values: what changes for whom, and what cannot be told (POL-4, POL-6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from app.domain.attendance import AttendanceFacts
from app.domain.cancellation import CancellationFacts
from app.domain.money import Money
from app.domain.policies import DEFAULTS
from app.domain.replay import PastCase, ReplayKind, Verdict, decide_again, kinds_touched, replay
from app.domain.rescheduling import Negotiation, ProposalFacts
from app.domain.vocabulary import MeetingType, Party, RescheduleStatus, SessionStatus
from tests.domain.facts import at

START = at("2028-03-01 10:00")
HOUR = timedelta(hours=1)


def a_case(kind: ReplayKind, facts: object, recorded: Verdict, *, now: datetime, by: Party = Party.MENTEE) -> PastCase:
    return PastCase(
        kind=kind, session_id=uuid4(), record_id=uuid4(), at=now, by=by, policies=DEFAULTS, recorded=recorded,
        facts=facts, currency="EUR", paid_minor=5_000,  # type: ignore[arg-type]
    )  # fmt: skip


def cancelled(before: timedelta, recorded: Verdict) -> PastCase:
    facts = CancellationFacts(status=SessionStatus.SCHEDULED, start=START, policies=DEFAULTS, paid=Money(5_000, "EUR"))
    return a_case(ReplayKind.CANCELLATION, facts, recorded, now=START - before)


def asked_to_move(before: timedelta, recorded: Verdict) -> PastCase:
    facts = ProposalFacts(
        status=SessionStatus.SCHEDULED, start=START, duration_minutes=60, is_settled=True, count=0, policies=DEFAULTS
    )
    return a_case(ReplayKind.RESCHEDULE, facts, recorded, now=START - before)


def reported(after: timedelta, recorded: Verdict) -> PastCase:
    facts = AttendanceFacts(
        status=SessionStatus.IN_PROGRESS, start=START, duration_minutes=60, meeting_type=MeetingType.VIDEO,
        policies=DEFAULTS, is_settled=True, joined=frozenset({Party.MENTEE}),
    )  # fmt: skip
    return a_case(ReplayKind.NO_SHOW, facts, recorded, now=START + after)


PARTIAL = Verdict(allowed=True, rule="partial_refund", percentage=70)


@pytest.mark.spec("POL-4")
def test_cases_that_would_have_been_decided_otherwise_are_counted_with_what_it_costs() -> None:
    free = Verdict(allowed=True, rule="free_cancellation", percentage=100)
    cases = [cancelled(30 * HOUR, free), cancelled(10 * HOUR, PARTIAL), cancelled(5 * HOUR, PARTIAL)]
    done = replay(ReplayKind.CANCELLATION, cases, {"partial_refund_percentage": 50})
    assert (done.looked_at, done.unclear, done.different) == (3, 0, 2)
    (difference,) = done.differences
    assert (difference.before, difference.after) == (PARTIAL, replace(PARTIAL, percentage=50))
    assert (difference.refunds, difference.earnings) == ({"EUR": -2_000}, {"EUR": 1_400})
    assert difference.examples == [cases[1].session_id, cases[2].session_id]


@pytest.mark.spec("POL-4")
def test_another_name_for_the_same_answer_is_no_difference() -> None:
    case = cancelled(10 * HOUR, replace(PARTIAL, rule="as it was called then"))
    assert replay(ReplayKind.CANCELLATION, [case], {"free_cancellation_hours": 48}).different == 0


@pytest.mark.spec("POL-4")
def test_a_case_that_its_own_values_do_not_explain_is_left_out_and_said_so() -> None:
    case = cancelled(10 * HOUR, replace(PARTIAL, percentage=33))
    done = replay(ReplayKind.CANCELLATION, [case], {"partial_refund_percentage": 50})
    assert (done.looked_at, done.unclear, done.different) == (0, 1, 0)


@pytest.mark.spec("POL-4")
def test_a_refusal_moves_no_money_and_the_mentor_keeps_all_of_it() -> None:
    case = cancelled(HOUR, Verdict(allowed=True, rule="late_cancellation", percentage=0))
    again = decide_again(case, replace(DEFAULTS, late_cancellation_rule="not_allowed"))
    assert again.verdict == Verdict(allowed=False, rule="late_cancellation_not_allowed")
    assert (again.refund_minor, again.mentor_minor) == (0, 3_500)


@pytest.mark.spec("POL-4", "NS-2")
def test_reports_proposals_answers_and_earnings_are_decided_again_too() -> None:
    absent = reported(15 * timedelta(minutes=1), Verdict(allowed=True, rule="mentor_absent", percentage=100))
    assert decide_again(absent, DEFAULTS).refund_minor == 5_000
    assert decide_again(absent, replace(DEFAULTS, no_show_grace_minutes=20)).verdict.rule == "grace"

    move = asked_to_move(10 * HOUR, Verdict(allowed=True, rule="reschedule_allowed"))
    strict = {"reschedule_cutoff_hours": 12}
    assert replay(ReplayKind.RESCHEDULE, [move], strict).differences[0].after.rule == "reschedule_cutoff"

    talk = Negotiation(
        status=RescheduleStatus.PENDING, initiator=Party.MENTOR, proposer=Party.MENTOR,
        time_on_table=START + 24 * HOUR, counter_count=0, expires_at=START,
    )  # fmt: skip
    counter = a_case(
        ReplayKind.COUNTER, talk, Verdict(allowed=True, rule="reschedule_counter_propose"), now=START - 10 * HOUR
    )
    none_left = {"max_counter_proposals": 0}
    assert replay(ReplayKind.COUNTER, [counter], none_left).differences[0].after.rule == "counter_limit"

    earned = a_case(ReplayKind.EARNINGS, None, Verdict(allowed=True, rule="earnings"), now=START)
    (less,) = replay(ReplayKind.EARNINGS, [earned], {"mentor_share_percentage": 60}).differences
    assert less.earnings == {"EUR": -500}


@pytest.mark.spec("POL-4")
def test_a_handful_of_examples_is_enough_and_the_most_frequent_comes_first() -> None:
    late = Verdict(allowed=True, rule="late_cancellation", percentage=0)
    cases = [cancelled(10 * HOUR, PARTIAL) for _ in range(7)] + [cancelled(HOUR, late)]
    changed = {"partial_refund_percentage": 50, "late_refund_percentage": 10}
    done = replay(ReplayKind.CANCELLATION, cases, changed)
    assert [each.count for each in done.differences] == [7, 1]
    assert len(done.differences[0].examples) == len(set[UUID](done.differences[0].examples)) == 5


@pytest.mark.spec("POL-6")
def test_only_the_kinds_that_read_a_policy_are_asked() -> None:
    assert kinds_touched(["no_show_grace_minutes"]) == [ReplayKind.NO_SHOW]
    assert kinds_touched(["slot_interval_minutes"]) == []
    shares = {ReplayKind.CANCELLATION, ReplayKind.NO_SHOW, ReplayKind.EARNINGS}
    assert set(kinds_touched(["mentor_share_percentage"])) == shares
    assert Verdict.from_json(PARTIAL.as_json()) == PARTIAL
