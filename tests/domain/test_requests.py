"""Deadlines of holds, requests and payments, and what a payment does when it comes (BK-3 to BK-7)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.domain.errors import Conflict, Invalid, InvalidTransition, Refused
from app.domain.policies import DEFAULTS
from app.domain.requests import (
    LatePayment,
    PaymentFacts,
    approval_deadline,
    decide_new_hold,
    decide_new_request,
    decide_payment,
    decide_review,
    decide_texts,
    hold_expiry,
    is_due,
    payment_deadline,
)
from app.domain.vocabulary import CancellationCategory, PaymentStatus, SessionStatus
from tests.domain.facts import at

NOW = at("2028-02-28 23:50")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.mark.spec("BK-3", "BK-5", "BK-6")
def test_deadlines_are_the_policy_s_and_never_later_than_the_start() -> None:
    far, near = NOW + 1_000 * HOUR, NOW + 5 * MINUTE

    assert hold_expiry(NOW, far, DEFAULTS) == NOW + 15 * MINUTE
    assert approval_deadline(NOW, far, DEFAULTS) == approval_deadline(NOW, None, DEFAULTS) == NOW + 72 * HOUR
    assert payment_deadline(NOW, far, DEFAULTS) == NOW + 24 * HOUR
    assert {deadline(NOW, near, DEFAULTS) for deadline in (hold_expiry, approval_deadline, payment_deadline)} == {near}


@pytest.mark.spec("BK-6")
def test_the_instant_of_a_deadline_counts_as_passed() -> None:
    assert is_due(NOW, NOW)
    assert not is_due(NOW + timedelta(seconds=1), NOW)
    assert not is_due(None, NOW)


@pytest.mark.spec("BK-3", "BK-4")
@pytest.mark.parametrize("decide, most", [(decide_new_hold, 2), (decide_new_request, 5)])
def test_a_mentee_has_only_so_many_open_at_once(decide: object, most: int) -> None:
    assert decide(most - 1, DEFAULTS).allowed  # type: ignore[operator]
    with pytest.raises(Refused) as refusal:
        decide(most, DEFAULTS).require()  # type: ignore[operator]
    assert refusal.value.details["count"] == most


@pytest.mark.spec("BK-10")
@pytest.mark.parametrize(
    "title, description, bad",
    [
        ("abc", "", []),
        ("x" * 120, "y" * 2_000, []),
        ("ab", "", ["title"]),
        ("  a  ", "", ["title"]),
        ("x" * 121, "y" * 2_001, ["title", "description"]),
    ],
)
def test_title_and_description_have_their_lengths(title: str, description: str, bad: list[str]) -> None:
    decision = decide_texts(title, description)

    assert (decision.allowed, list(decision.fields)) == (not bad, bad)


@pytest.mark.spec("BK-5")
class TestReview:
    def review(self, **changes: object) -> object:
        known = {
            "status": SessionStatus.PENDING_MENTOR_REVIEW,
            "deadline": NOW + HOUR,
            "approves": True,
            "reason": "",
            "now": NOW,
        }
        return decide_review(**(known | changes))  # type: ignore[arg-type]

    def test_a_mentor_approves_or_rejects_with_a_reason(self) -> None:
        assert self.review().allowed  # type: ignore[attr-defined]
        assert self.review(approves=False, reason="No time").allowed  # type: ignore[attr-defined]

    def test_while_a_time_is_being_agreed_it_can_only_be_declined(self) -> None:
        assert self.review(has_proposal=True).code == "proposal_open"  # type: ignore[attr-defined]
        assert self.review(approves=False, reason="No time", has_proposal=True).allowed  # type: ignore[attr-defined]

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 1_001])
    def test_a_rejection_needs_a_reason(self, reason: str) -> None:
        with pytest.raises(Invalid) as refusal:
            self.review(approves=False, reason=reason).require()  # type: ignore[attr-defined]
        assert list(refusal.value.fields) == ["reason"]

    def test_after_the_deadline_it_is_too_late(self) -> None:
        with pytest.raises(Conflict) as refusal:
            self.review(deadline=NOW).require()  # type: ignore[attr-defined]
        assert refusal.value.error_code == "request_expired"

    @pytest.mark.parametrize("approves, target", [(True, "scheduled"), (False, "rejected")])
    def test_what_was_answered_stays_answered(self, approves: bool, target: str) -> None:
        with pytest.raises(InvalidTransition) as refusal:
            self.review(status=SessionStatus.CANCELLED, approves=approves).require()  # type: ignore[attr-defined]
        assert (refusal.value.details["from"], refusal.value.details["to"]) == ("cancelled", target)


START = NOW + HOUR
UNPAID, WILL = CancellationCategory.UNPAID, CancellationCategory.NO_LONGER_NEEDED
CONFIRMS, REVIVES, REFUNDED = LatePayment.CONFIRMS, LatePayment.REVIVES, LatePayment.REFUNDED


@pytest.mark.spec("BK-3", "BK-7", "MN-1")
@pytest.mark.parametrize(
    "status, payment, category, free, now, outcome",
    [
        (SessionStatus.DRAFT, PaymentStatus.PENDING, None, True, NOW, CONFIRMS),
        (SessionStatus.DRAFT, PaymentStatus.FAILED, None, True, NOW, CONFIRMS),
        (SessionStatus.SCHEDULED, PaymentStatus.PENDING, None, True, NOW, CONFIRMS),
        (SessionStatus.DRAFT, PaymentStatus.PENDING, None, True, START, REFUNDED),
        (SessionStatus.SCHEDULED, PaymentStatus.PAID, None, True, NOW, REFUNDED),
        (SessionStatus.EXPIRED, PaymentStatus.PENDING, None, True, NOW, REVIVES),
        (SessionStatus.EXPIRED, PaymentStatus.PENDING, None, False, NOW, REFUNDED),
        (SessionStatus.EXPIRED, PaymentStatus.PENDING, None, True, START, REFUNDED),
        (SessionStatus.CANCELLED, PaymentStatus.PENDING, UNPAID, True, NOW, REVIVES),
        (SessionStatus.CANCELLED, PaymentStatus.PENDING, UNPAID, False, NOW, REFUNDED),
        (SessionStatus.CANCELLED, PaymentStatus.PENDING, WILL, True, NOW, REFUNDED),
        (SessionStatus.REJECTED, PaymentStatus.PENDING, None, True, NOW, REFUNDED),
        (SessionStatus.COMPLETED, PaymentStatus.NOT_REQUIRED, None, True, NOW, REFUNDED),
    ],
)
def test_a_payment_confirms_revives_or_goes_back(
    status: SessionStatus,
    payment: PaymentStatus,
    category: CancellationCategory | None,
    free: bool,
    now: object,
    outcome: LatePayment,
) -> None:
    facts = PaymentFacts(
        status=status, payment_status=payment, start=START, slot_free=free, cancellation_category=category
    )

    decision = decide_payment(facts, now)  # type: ignore[arg-type]

    assert (decision.allowed, decision.outcome) == (True, outcome)
