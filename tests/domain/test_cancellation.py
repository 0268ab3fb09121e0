"""Who may cancel and what goes back, row by row and a second on either side of each boundary (CX-1, CX-2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.cancellation import (
    CancellationFacts,
    MenteeMove,
    decide_cancellation,
    decide_force_cancellation,
    decide_reason,
    percentage_at,
    tiers_in_words,
)
from app.domain.errors import Conflict, DomainError, Invalid, InvalidTransition, Refused
from app.domain.money import Money
from app.domain.policies import DEFAULTS, PRESETS, Snapshot
from app.domain.vocabulary import (
    CancellationCategory,
    OverrideType,
    Party,
    ReassignmentStatus,
    SessionStatus,
)
from tests.domain.facts import at

# A leap day, shortly after midnight: awkward on purpose.
START = at("2028-02-29 00:30")
PAID = Money(3_500, "EUR")
SECOND = timedelta(seconds=1)
STRICT = PRESETS["strict_24h"]


def facts(**changes: object) -> CancellationFacts:
    known = {"status": SessionStatus.SCHEDULED, "start": START, "policies": DEFAULTS, "paid": PAID} | changes
    return CancellationFacts(**known)  # type: ignore[arg-type]


def mentee_gets(before: timedelta, **changes: object) -> tuple[str, int]:
    decision = decide_cancellation(facts(**changes), Party.MENTEE, START - before)
    assert decision.allowed
    return decision.rule, decision.refund_percentage


HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
ROWS = [
    (25 * HOUR, "free_cancellation", 100),
    (24 * HOUR + SECOND, "free_cancellation", 100),
    (24 * HOUR, "free_cancellation", 100),
    (24 * HOUR - SECOND, "partial_refund", 70),
    (23 * HOUR, "partial_refund", 70),
    (2 * HOUR + SECOND, "partial_refund", 70),
    (2 * HOUR, "partial_refund", 70),
    (2 * HOUR - SECOND, "late_cancellation", 0),
    (16 * MINUTE, "late_cancellation", 0),
    (14 * MINUTE, "late_cancellation", 0),
    (SECOND, "late_cancellation", 0),
]


@pytest.mark.spec("CX-2", "QA-1")
@pytest.mark.parametrize("before, rule, percentage", ROWS)
def test_a_mentee_gets_back_what_the_table_says(before: timedelta, rule: str, percentage: int) -> None:
    decision = decide_cancellation(facts(), Party.MENTEE, START - before)

    assert (decision.rule, decision.refund_percentage) == (rule, percentage)
    assert decision.refund == Money({100: 3_500, 70: 2_450, 0: 0}[percentage], "EUR")
    assert decision.reason_required
    assert decision.is_late is (before < 2 * HOUR)


@pytest.mark.spec("CX-2", "AV-3")
@pytest.mark.parametrize(
    "start, exactly_24_hours_before",
    [("2026-03-29 10:00", "2026-03-28 09:00"), ("2026-10-25 10:00", "2026-10-24 11:00")],
)
def test_24_hours_are_elapsed_hours_when_the_clock_changes(start: str, exactly_24_hours_before: str) -> None:
    on = facts(start=at(start, "Europe/Berlin"))
    boundary = at(exactly_24_hours_before, "Europe/Berlin")

    assert decide_cancellation(on, Party.MENTEE, boundary).refund_percentage == 100
    assert decide_cancellation(on, Party.MENTEE, boundary + SECOND).refund_percentage == 70


@pytest.mark.spec("WHY-1")
@pytest.mark.parametrize(
    "before, sentence",
    [
        (2 * HOUR - 11 * MINUTE, "11 minutes earlier it would have been 70 %."),
        (24 * HOUR - 11 * MINUTE, "11 minutes earlier it would have been 100 %."),
        (24 * HOUR - SECOND, "1 second earlier it would have been 100 %."),
        (2 * HOUR + 30 * MINUTE, "In 30 minutes it will be 0 %."),
        (26 * HOUR, "In 2 hours it will be 70 %."),
        (timedelta(days=3), "In 2 days it will be 70 %."),
    ],
)
def test_the_decision_says_what_would_have_changed_it(before: timedelta, sentence: str) -> None:
    assert decide_cancellation(facts(), Party.MENTEE, START - before).next_change == sentence


@pytest.mark.spec("WHY-1")
@pytest.mark.parametrize(
    "partial, before, sentence",
    [
        (100, 30 * HOUR, "In 1 day 4 hours it will be 0 %."),
        (100, 3 * HOUR, "In 1 hour it will be 0 %."),
        (0, HOUR, "23 hours earlier it would have been 100 %."),
        (0, 3 * HOUR, "21 hours earlier it would have been 100 %."),
    ],
)
def test_a_boundary_at_which_nothing_changes_is_not_named(partial: int, before: timedelta, sentence: str) -> None:
    policies = replace(DEFAULTS, partial_refund_percentage=partial)

    decision = decide_cancellation(facts(policies=policies), Party.MENTEE, START - before)

    assert decision.next_change == sentence


@pytest.mark.spec("WHY-1")
def test_where_time_changes_nothing_the_decision_says_nothing() -> None:
    generous = replace(DEFAULTS, cancellation_cutoff_hours=0, free_cancellation_hours=0)

    decision = decide_cancellation(facts(policies=generous), Party.MENTEE, START - SECOND)

    assert (decision.refund_percentage, decision.next_change) == (100, None)
    assert tiers_in_words(generous) == ["Any time before the start: full refund."]


@pytest.mark.spec("CX-2", "POL-3")
class TestStrictPreset:
    def test_24_hours_before_is_free_and_a_second_later_impossible(self) -> None:
        assert mentee_gets(24 * HOUR, policies=STRICT) == ("free_cancellation", 100)

        decision = decide_cancellation(facts(policies=STRICT), Party.MENTEE, START - 24 * HOUR + SECOND)

        with pytest.raises(Refused) as refusal:
            decision.require()
        assert refusal.value.rule == "late_cancellation_not_allowed"
        assert refusal.value.details["time_left"] == 24 * 3600 - 1
        assert refusal.value.details["nextChange"] == "1 second earlier it would have been 100 %."

    def test_before_it_the_decision_warns_that_it_will_end(self) -> None:
        decision = decide_cancellation(facts(policies=STRICT), Party.MENTEE, START - 25 * HOUR)

        assert decision.next_change == "In 1 hour it will no longer be possible."

    def test_an_allowed_cancellation_lifts_the_refusal_and_gives_everything(self) -> None:
        overrides = frozenset({OverrideType.ALLOW_CANCELLATION})

        assert mentee_gets(HOUR, policies=STRICT, overrides=overrides) == ("override_allow_cancellation", 100)

    def test_extended_time_lifts_the_refusal_only(self) -> None:
        overrides = frozenset({OverrideType.EXTEND_TIME})

        assert mentee_gets(HOUR, policies=STRICT, overrides=overrides) == ("late_cancellation", 0)

    def test_a_mentor_s_open_proposal_lifts_it_too(self) -> None:
        assert mentee_gets(HOUR, policies=STRICT, open_proposal_by=Party.MENTOR) == ("mentor_proposal_open", 100)


@pytest.mark.spec("CX-2")
def test_an_allowed_cancellation_gives_everything_by_the_default_policies_too() -> None:
    overrides = frozenset({OverrideType.ALLOW_CANCELLATION})

    assert mentee_gets(HOUR, overrides=overrides) == ("override_allow_cancellation", 100)


@pytest.mark.spec("RS-2")
@pytest.mark.parametrize("by, expected", [(Party.MENTOR, 100), (Party.MENTEE, 0), (None, 0)])
def test_only_a_mentor_s_open_proposal_frees_the_mentee(by: Party | None, expected: int) -> None:
    assert mentee_gets(HOUR, open_proposal_by=by)[1] == expected


@pytest.mark.spec("CX-2")
class TestNoBuyingTime:
    def move(self, before_the_old_start: timedelta) -> MenteeMove:
        old_start = START - timedelta(days=5)
        return MenteeMove(proposed_at=old_start - before_the_old_start, original_start=old_start)

    def test_a_move_proposed_late_keeps_its_percentage_for_good(self) -> None:
        moved = [self.move(23 * HOUR)]

        decision = decide_cancellation(facts(mentee_moves=moved), Party.MENTEE, START - timedelta(days=4))

        assert (decision.rule, decision.refund_percentage) == ("lower_after_own_move", 70)
        assert decision.numbers["percentage_now"] == 100
        assert decision.next_change == "Had you not moved the session, it would have been 100 %."

    def test_a_move_proposed_in_time_costs_nothing(self) -> None:
        assert mentee_gets(25 * HOUR, mentee_moves=[self.move(24 * HOUR)]) == ("free_cancellation", 100)

    def test_now_counts_where_it_is_lower(self) -> None:
        assert mentee_gets(HOUR, mentee_moves=[self.move(23 * HOUR)]) == ("late_cancellation", 0)

    def test_of_several_moves_the_lowest_counts(self) -> None:
        moved = [self.move(23 * HOUR), self.move(HOUR), self.move(48 * HOUR)]

        assert mentee_gets(25 * HOUR, mentee_moves=moved) == ("lower_after_own_move", 0)

    def test_under_the_strict_rule_a_late_move_counts_as_the_late_refund(self) -> None:
        moved = [self.move(HOUR)]

        assert mentee_gets(25 * HOUR, policies=STRICT, mentee_moves=moved) == ("lower_after_own_move", 0)


@pytest.mark.spec("CX-1")
@pytest.mark.parametrize(
    "changes",
    [
        {"status": SessionStatus.DRAFT, "paid": None},
        {"status": SessionStatus.PENDING_MENTOR_REVIEW, "paid": None},
        {"status": SessionStatus.PENDING_MENTOR_REVIEW, "paid": None, "start": None},
        {"status": SessionStatus.SCHEDULED, "paid": None},
    ],
)
def test_before_any_payment_a_mentee_may_always_withdraw(changes: dict[str, object]) -> None:
    decision = decide_cancellation(facts(policies=STRICT, **changes), Party.MENTEE, START - SECOND)

    assert (decision.allowed, decision.rule, decision.refund) == (True, "withdrawn_before_payment", None)
    assert not decision.reason_required
    assert decide_reason(decision, Party.MENTEE, None, "").allowed


@pytest.mark.spec("CX-1")
def test_a_free_session_obeys_the_cut_off_and_refunds_nothing() -> None:
    decision = decide_cancellation(facts(paid=None, is_free=True), Party.MENTEE, START - 23 * HOUR)

    assert (decision.rule, decision.refund) == ("partial_refund", None)


@pytest.mark.spec("CX-1", "SM-1")
@pytest.mark.parametrize("by", list(Party))
@pytest.mark.parametrize(
    "status",
    [
        SessionStatus.IN_PROGRESS,
        SessionStatus.COMPLETED,
        SessionStatus.CANCELLED,
        SessionStatus.REJECTED,
        SessionStatus.EXPIRED,
        SessionStatus.NO_SHOW,
    ],
)
def test_nobody_cancels_a_session_that_has_begun_or_is_over(status: SessionStatus, by: Party) -> None:
    decision = decide_cancellation(facts(status=status), by, START - HOUR)

    with pytest.raises(InvalidTransition) as refusal:
        decision.require()
    assert (refusal.value.details["from"], refusal.value.details["to"]) == (status.value, "cancelled")


@pytest.mark.spec("CX-1")
@pytest.mark.parametrize("by", list(Party))
@pytest.mark.parametrize("late", [timedelta(0), SECOND])
def test_nobody_cancels_once_the_start_is_reached_though_the_clock_is_late(by: Party, late: timedelta) -> None:
    decision = decide_cancellation(facts(), by, START + late)

    with pytest.raises(Conflict) as refusal:
        decision.require()
    assert refusal.value.error_code == "session_started"


@pytest.mark.spec("RA-3")
@pytest.mark.parametrize(
    "reassignment, by",
    [
        (ReassignmentStatus.PENDING_ACCEPTANCE, Party.MENTEE),
        (ReassignmentStatus.AWAITING_MENTEE_CHOICE, Party.MENTEE),
        (ReassignmentStatus.AWAITING_MENTEE_CHOICE, Party.MENTOR),
    ],
)
def test_an_open_reassignment_is_answered_first(reassignment: ReassignmentStatus, by: Party) -> None:
    decision = decide_cancellation(facts(reassignment=reassignment), by, START - 48 * HOUR)

    with pytest.raises(Conflict) as refusal:
        decision.require()
    assert refusal.value.error_code == "reassignment_open"


@pytest.mark.spec("RA-1", "RA-8")
class TestMentorCancels:
    @pytest.mark.parametrize("changes", [{}, {"paid": None, "is_free": True}])
    def test_a_paid_or_free_session_looks_for_a_replacement(self, changes: dict[str, object]) -> None:
        decision = decide_cancellation(facts(**changes), Party.MENTOR, START - SECOND)

        assert (decision.allowed, decision.searches_replacement, decision.refund_percentage) == (True, True, 100)

    def test_the_new_mentor_may_cancel_before_the_mentee_has_answered(self) -> None:
        waiting = facts(reassignment=ReassignmentStatus.PENDING_ACCEPTANCE)

        assert decide_cancellation(waiting, Party.MENTOR, START - HOUR).searches_replacement

    def test_an_unpaid_session_is_simply_cancelled(self) -> None:
        decision = decide_cancellation(facts(paid=None), Party.MENTOR, START - HOUR)

        assert (decision.allowed, decision.rule, decision.searches_replacement) == (
            True,
            "mentor_cancels_unpaid",
            False,
        )

    def test_a_request_is_declined_and_not_cancelled(self) -> None:
        decision = decide_cancellation(
            facts(status=SessionStatus.PENDING_MENTOR_REVIEW, paid=None), Party.MENTOR, START - HOUR
        )

        with pytest.raises(InvalidTransition, match="decline"):
            decision.require()


@pytest.mark.spec("ACT-1")
class TestForceCancel:
    @pytest.mark.parametrize(
        "status",
        [
            SessionStatus.DRAFT,
            SessionStatus.PENDING_MENTOR_REVIEW,
            SessionStatus.SCHEDULED,
            SessionStatus.IN_PROGRESS,
        ],
    )
    @pytest.mark.parametrize("percentage, refund", [(0, 0), (33, 1_155), (100, 3_500)])
    def test_support_chooses_the_percentage(self, status: SessionStatus, percentage: int, refund: int) -> None:
        decision = decide_force_cancellation(facts(status=status), percentage)

        assert (decision.rule, decision.refund) == ("force_cancel", Money(refund, "EUR"))

    def test_what_was_refunded_before_counts(self) -> None:
        assert decide_force_cancellation(facts(refunded_minor=3_000), 50).refund == Money(0, "EUR")
        assert decide_force_cancellation(facts(refunded_minor=3_000), 100).refund == Money(500, "EUR")

    @pytest.mark.parametrize("percentage", [-1, 101])
    def test_a_percentage_out_of_range_names_its_field(self, percentage: int) -> None:
        with pytest.raises(Invalid) as refusal:
            decide_force_cancellation(facts(), percentage).require()
        assert list(refusal.value.fields) == ["refundPercentage"]

    @pytest.mark.parametrize(
        "status",
        [
            SessionStatus.COMPLETED,
            SessionStatus.CANCELLED,
            SessionStatus.REJECTED,
            SessionStatus.EXPIRED,
            SessionStatus.NO_SHOW,
        ],
    )
    def test_what_is_over_is_not_cancelled(self, status: SessionStatus) -> None:
        with pytest.raises(InvalidTransition):
            decide_force_cancellation(facts(status=status), 100).require()


@pytest.mark.spec("CX-1")
class TestReason:
    @pytest.mark.parametrize(
        "by, category, reason, bad",
        [
            (Party.MENTEE, None, "", ["reasonCategory"]),
            (Party.MENTEE, CancellationCategory.OTHER, "  ", ["reason"]),
            (Party.MENTEE, CancellationCategory.ILLNESS, "", ["reasonCategory"]),
            (Party.MENTOR, CancellationCategory.FOUND_OTHER, "", ["reasonCategory"]),
            (Party.MENTOR, CancellationCategory.SUPPORT, "", ["reasonCategory"]),
            (Party.MENTEE, CancellationCategory.EMERGENCY, "x" * 1_001, ["reason"]),
            (Party.MENTEE, CancellationCategory.OTHER, "moving house", []),
            (Party.MENTOR, CancellationCategory.ILLNESS, "", []),
            (Party.MENTEE, CancellationCategory.SCHEDULE_CONFLICT, "", []),
        ],
    )
    def test_a_category_of_one_s_own_side_and_text_for_other(
        self, by: Party, category: CancellationCategory | None, reason: str, bad: list[str]
    ) -> None:
        decision = decide_cancellation(facts(), by, START - 48 * HOUR)

        answer = decide_reason(decision, by, category, reason)

        assert (answer.allowed, list(answer.fields)) == (not bad, bad)

    def test_the_policy_can_do_without(self) -> None:
        relaxed = replace(DEFAULTS, require_cancellation_reason=False)
        decision = decide_cancellation(facts(policies=relaxed), Party.MENTEE, START - 48 * HOUR)

        assert decide_reason(decision, Party.MENTEE, None, "").allowed
        assert decide_reason(decision, Party.MENTEE, CancellationCategory.OTHER, "").allowed


@pytest.mark.spec("CX-3", "BK-2")
def test_the_rules_in_plain_words() -> None:
    assert tiers_in_words(DEFAULTS) == [
        "24 hours or more before the start: full refund.",
        "From 2 up to 24 hours before the start: 70 % refund.",
        "Less than 2 hours before the start: no refund.",
    ]
    assert tiers_in_words(STRICT) == [
        "24 hours or more before the start: full refund.",
        "Less than 24 hours before the start: cancelling is not possible.",
    ]


@pytest.mark.spec("CX-2")
@given(
    cutoff=st.integers(0, 72),
    free=st.integers(0, 72),
    percentages=st.tuples(st.integers(0, 100), st.integers(0, 100)),
    rule=st.sampled_from(["no_refund", "not_allowed"]),
    seconds=st.lists(st.integers(0, 80 * 3600), min_size=2, max_size=6),
)
def test_the_refund_never_grows_as_the_start_comes_nearer(
    cutoff: int, free: int, percentages: tuple[int, int], rule: str, seconds: list[int]
) -> None:
    late, partial = sorted(percentages)
    policies = replace(
        DEFAULTS,
        cancellation_cutoff_hours=cutoff,
        free_cancellation_hours=free,
        partial_refund_percentage=partial,
        late_refund_percentage=late,
        late_cancellation_rule=rule,
    )

    refunds = [percentage_at(policies, timedelta(seconds=each)) for each in sorted(seconds, reverse=True)]

    assert refunds == sorted(refunds, reverse=True)


@pytest.mark.spec("WHY-1", "CX-2")
@given(
    seconds=st.integers(1, 80 * 3600),
    policies=st.sampled_from([DEFAULTS, STRICT, replace(DEFAULTS, partial_refund_percentage=100)]),
    by=st.sampled_from(list(Party)),
    status=st.sampled_from(list(SessionStatus)),
    overrides=st.frozensets(st.sampled_from(list(OverrideType))),
    proposal=st.sampled_from([None, *Party]),
    reassignment=st.sampled_from([None, *ReassignmentStatus]),
)
def test_every_decision_is_whole_explains_itself_and_has_a_snapshot(
    seconds: int,
    policies: Snapshot,
    by: Party,
    status: SessionStatus,
    overrides: frozenset[OverrideType],
    proposal: Party | None,
    reassignment: ReassignmentStatus | None,
) -> None:
    now: datetime = START - timedelta(seconds=seconds)
    known = facts(
        status=status,
        policies=policies,
        overrides=overrides,
        open_proposal_by=proposal,
        reassignment=reassignment,
    )

    decision = decide_cancellation(known, by, now)

    snapshot = decision.snapshot()
    assert snapshot["message"].endswith(".")
    assert 0 <= decision.refund_percentage <= 100
    if decision.allowed:
        decision.require()
        assert snapshot["consequences"]["refund_percentage"] == decision.refund_percentage
    else:
        with pytest.raises(DomainError):
            decision.require()
