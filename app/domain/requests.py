"""Holds, requests and payments in time: deadlines, and what happens at them (BK-3 to BK-7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from app.domain.decision import Decision, Refusal, in_words
from app.domain.policies import Snapshot
from app.domain.vocabulary import CancellationCategory, PaymentStatus, SessionStatus

TITLE_LENGTH: Final = (3, 120)
DESCRIPTION_MAX: Final = 2_000
REASON_MAX: Final = 1_000


class LatePayment(StrEnum):
    """What a verified payment does to its session (BK-3, BK-7, MN-1)."""

    CONFIRMS = "confirms"
    REVIVES = "revives"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFacts:
    """:param slot_free: whether both people are still free then; asked only where the session lost its slot"""

    status: SessionStatus
    payment_status: PaymentStatus
    start: datetime | None
    slot_free: bool
    cancellation_category: CancellationCategory | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDecision(Decision):
    outcome: LatePayment


def hold_expiry(now: datetime, start: datetime, policies: Snapshot) -> datetime:
    """When an unpaid draft loses its slot; never later than the start."""
    return min(now + timedelta(minutes=policies.payment_hold_minutes), start)


def approval_deadline(now: datetime, slot_start: datetime | None, policies: Snapshot) -> datetime:
    """Until when the mentor may answer a request; never later than the slot it names (BK-5)."""
    deadline = now + timedelta(hours=policies.request_review_expiry_hours)
    return deadline if slot_start is None else min(deadline, slot_start)


def payment_deadline(now: datetime, start: datetime, policies: Snapshot) -> datetime:
    """Until when an approved request must be paid; never later than the start (BK-6)."""
    return min(now + timedelta(hours=policies.request_payment_window_hours), start)


def decide_new_hold(open_holds: int, policies: Snapshot) -> Decision:
    """Whether a mentee may hold one more slot without paying."""
    most = policies.max_open_holds_per_mentee
    return _within_limit("max_open_holds_per_mentee", open_holds, most, "unpaid bookings; pay or withdraw one first")


def decide_new_request(open_requests: int, policies: Snapshot) -> Decision:
    """Whether a mentee may send one more request."""
    most = policies.max_open_requests_per_mentee
    return _within_limit("max_open_requests_per_mentee", open_requests, most, "open requests; wait or withdraw one")


def decide_texts(title: str, description: str) -> Decision:
    """Whether a session's title and description can be used (BK-10)."""
    problems: dict[str, str] = {}
    shortest, longest = TITLE_LENGTH
    if not shortest <= len(title.strip()) <= longest:
        problems["title"] = f"Between {shortest} and {longest} characters."
    if len(description) > DESCRIPTION_MAX:
        problems["description"] = f"At most {DESCRIPTION_MAX} characters."
    if problems:
        message = "The title or the description cannot be used."
        return Decision(allowed=False, rule="texts", message=message, refusal=Refusal.INVALID, fields=problems)
    return Decision(allowed=True, rule="texts", message="Title and description are fine.")


def decide_review(
    *,
    status: SessionStatus,
    deadline: datetime,
    approves: bool,
    reason: str,
    now: datetime,
    has_proposal: bool = False,
) -> Decision:
    """Whether the mentor may approve or reject a request now (BK-5); rejecting needs a reason.

    :param has_proposal: the mentor offered a time for a free session, and the two have yet to agree on it
    """
    target = SessionStatus.SCHEDULED if approves else SessionStatus.REJECTED
    if status is not SessionStatus.PENDING_MENTOR_REVIEW:
        return Decision(
            allowed=False,
            rule="not_a_request",
            message=f"This session is {status.value.replace('_', ' ')}: it has been answered already.",
            numbers={"from": status, "to": target},
            refusal=Refusal.TRANSITION,
        )
    if now >= deadline:
        return Decision(
            allowed=False,
            rule="request_expired",
            message="The time to answer this request has passed.",
            numbers={"deadline": deadline, "now": now},
            next_change=f"{in_words(now - deadline)} earlier it could have been answered.",
            refusal=Refusal.CONFLICT,
            code="request_expired",
        )
    if approves and has_proposal:
        return Decision(
            allowed=False,
            rule="proposal_open",
            message="A time is being agreed already. Answer or withdraw that proposal first.",
            refusal=Refusal.CONFLICT,
            code="proposal_open",
        )
    if not approves and not 1 <= len(reason.strip()) <= REASON_MAX:
        message = f"Give a reason of at most {REASON_MAX} characters; the mentee will read it."
        return Decision(
            allowed=False, rule="reason", message=message, refusal=Refusal.INVALID, fields={"reason": message}
        )
    message = "The request is approved." if approves else "The request is declined."
    return Decision(allowed=True, rule="review", message=message, numbers={"deadline": deadline, "now": now})


def is_due(deadline: datetime | None, now: datetime) -> bool:
    """Whether a deadline has come: the instant itself counts as passed, for hold, request and payment alike."""
    return deadline is not None and now >= deadline


def decide_payment(facts: PaymentFacts, now: datetime) -> PaymentDecision:
    """What a verified payment does: confirm the session, bring it back, or go back itself (BK-3, BK-7).

    A payment never fails a rule: the money is there, and the decision says what becomes of it.
    """
    awaits = facts.payment_status in {PaymentStatus.PENDING, PaymentStatus.FAILED}
    in_time = facts.start is not None and now < facts.start
    lost = facts.status is SessionStatus.EXPIRED or (
        # The clock cancelled it for want of a payment; any other cancellation was somebody's will.
        facts.status is SessionStatus.CANCELLED and facts.cancellation_category is CancellationCategory.UNPAID
    )
    waiting = facts.status in {SessionStatus.DRAFT, SessionStatus.SCHEDULED}
    if awaits and waiting and in_time:
        return _payment(LatePayment.CONFIRMS, "The session is paid and confirmed.", facts, now)
    if awaits and lost and in_time and facts.slot_free:
        return _payment(LatePayment.REVIVES, "The payment came late, but the time was still free.", facts, now)
    if awaits and (lost or waiting):
        why = "the time is no longer free" if in_time else "the session would have begun"
        return _payment(LatePayment.REFUNDED, f"The payment came late and {why}; it goes back in full.", facts, now)
    message = "The session does not await a payment; it goes back in full."
    return _payment(LatePayment.REFUNDED, message, facts, now)


def _payment(outcome: LatePayment, message: str, facts: PaymentFacts, now: datetime) -> PaymentDecision:
    return PaymentDecision(
        allowed=True,
        rule=f"payment_{outcome.value}",
        message=message,
        numbers={"status": facts.status, "payment_status": facts.payment_status, "start": facts.start, "now": now},
        consequences={"outcome": outcome},
        outcome=outcome,
    )


def _within_limit(rule: str, count: int, most: int, what: str) -> Decision:
    numbers = {"count": count, rule: most}
    if count >= most:
        return Decision(
            allowed=False,
            rule=rule,
            message=f"You have {count} {what}.",
            numbers=numbers,
            next_change=f"With fewer than {most} it would have been possible.",
            refusal=Refusal.POLICY,
        )
    return Decision(allowed=True, rule=rule, message="Within the limit.", numbers=numbers)
