"""How a booking is told: what both parties may see of it, and the meeting link only while it is open (JN-2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from pydantic import Field

from app.api.fields import Amount, Instant, Pagination, Told, amount
from app.api.people import PersonTold, person
from app.booking.pay import CheckoutStarted
from app.domain.money import Money
from app.domain.vocabulary import (
    BookingMode,
    CancellationCategory,
    CancelledBy,
    MeetingType,
    Party,
    PaymentStatus,
    ReassignmentStatus,
    RefundStatus,
    SessionStatus,
)
from app.models import MentoringSession


class BookingTold(Told):
    """One session, as its two parties see it."""

    id: UUID
    mentor: PersonTold
    mentee: PersonTold
    offering_id: UUID | None = Field(
        description="Null in a request that leaves it to the mentor; rate and duration are not agreed then."
    )
    title: str
    description: str
    status: SessionStatus
    booking_mode: BookingMode
    scheduled_at: Instant | None
    ends_at: Instant | None = Field(description="By the plan: the start and the duration.")
    duration: int = Field(description="Minutes.")
    started_at: Instant | None
    ended_at: Instant | None
    preferred_time_note: str | None
    meeting_type: MeetingType
    meeting_provider: str | None
    meeting_url: str | None = Field(description="Only while the join window is open, and only for the two parties.")
    location: str | None
    rate: Amount = Field(description="The price, in `currency`.")
    currency: str
    payment_status: PaymentStatus
    hold_expires_at: Instant | None = Field(description="Until when an unpaid booking keeps its slot.")
    approval_deadline: Instant | None = Field(description="Until when the mentor may answer a request.")
    mentee_message: str | None
    mentor_response: str | None
    rejected_at: Instant | None
    cancelled_by: CancelledBy | None
    cancelled_at: Instant | None
    cancellation_category: CancellationCategory | None
    cancellation_reason: str | None
    refund_status: RefundStatus
    refund_amount: Amount
    refund_percentage: int | None
    rescheduled_from: UUID | None
    reschedule_count: int = Field(description="How often the mentee moved it.")
    mentor_reschedule_count: int
    pending_reschedule_request_id: UUID | None
    pending_reschedule_time: Instant | None
    pending_reschedule_by: Party | None
    was_reassigned: bool
    reassigned_at: Instant | None
    reassignment_status: ReassignmentStatus | None
    reassignment_deadline: Instant | None
    no_show_party: Party | None
    created_at: Instant
    updated_at: Instant
    version: int = Field(description="Give it back with a change.")
    allowed_actions: list[str] = Field(description="What you may do with it now.")


class PaymentPage(Told):
    authorization_url: str | None = Field(
        description="Where to pay. Null when nothing is left to pay, because credit covered it."
    )
    reference: str
    amount: Amount = Field(description="What is paid there.")
    credit_used: Amount = Field(description="What your credit pays of the price.")


class BookingMade(BookingTold):
    payment: PaymentPage | None = Field(description="Only where a payment is due.")
    credit_used: Amount = Field(description="What your credit paid, or pays of what is due. The gateway gets the rest.")


class BookingList(Told):
    bookings: list[BookingTold]
    pagination: Pagination


def booking(
    session: MentoringSession,
    *,
    headline: str | None,
    allowed_actions: Sequence[str],
    meeting_url: str | None,
) -> BookingTold:
    """A session with its two people loaded.

    :param headline: the mentor's
    :param meeting_url: the link, where this reader may have it now
    """
    return BookingTold(
        **_columns(session),
        mentor=person(session.mentor, headline),
        mentee=person(session.mentee),
        ends_at=session.scheduled_at and session.scheduled_at + timedelta(minutes=session.duration),
        rate=amount(session.rate_minor, session.currency),
        refund_amount=amount(session.refund_amount_minor, session.currency),
        meeting_url=meeting_url,
        allowed_actions=list(allowed_actions),
    )


def made(told: BookingTold, checkout: CheckoutStarted | None, credit_used: Money) -> BookingMade:
    """A new booking with its payment page, where one is due."""
    page = payment_page(checkout) if checkout else None
    return BookingMade(**dict(told), payment=page, credit_used=credit_used.amount)


def payment_page(checkout: CheckoutStarted) -> PaymentPage:
    return PaymentPage(
        authorization_url=checkout.authorization_url,
        reference=checkout.reference,
        amount=checkout.amount.amount,
        credit_used=checkout.credit.amount,
    )


_COMPUTED = {"mentor", "mentee", "ends_at", "rate", "refund_amount", "meeting_url", "allowed_actions"}
_COLUMNS = tuple(name for name in BookingTold.model_fields if name not in _COMPUTED)


def _columns(session: MentoringSession) -> dict[str, object]:
    """What is told under the column's own name."""
    return {name: getattr(session, name) for name in _COLUMNS}
