"""What pages and the API are given to show: frozen values, no row of the database among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Generic, TypeVar
from uuid import UUID

from app.booking.reschedule_views import NegotiationView, ProposalView
from app.domain.availability import Slot
from app.domain.decision import Decision
from app.domain.joining import JoinState
from app.domain.money import Money
from app.domain.reassignment import OPEN_REASSIGNMENTS
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

Item = TypeVar("Item")

LARGEST_PAGE = 100


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list. ``page`` counts from 1."""

    items: Sequence[Item]
    total: int
    page: int
    limit: int

    @property
    def total_pages(self) -> int:
        return -(-self.total // self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """What one party sees of the other."""

    id: UUID
    name: str
    avatar: str | None
    headline: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferingView:
    """:param duration: minutes"""

    id: UUID
    title: str
    description: str
    duration: int
    price: Money
    booking_mode: BookingMode
    meeting_types: Sequence[MeetingType]
    location: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MentorCard:
    """One mentor in the list (BK-1).

    :param price_from: of the cheapest offering
    :param next_free: the first bookable start of the next days; None when there is none
    """

    id: UUID
    name: str
    avatar: str | None
    headline: str
    expertise: Sequence[str]
    timezone: str
    rating_average: float | None
    rating_count: int
    price_from: Money
    durations: Sequence[int]
    next_free: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewView:
    """A visible review; the author by first name only."""

    rating: int
    comment: str
    author: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MentorPage:
    """A mentor's public page (BK-1)."""

    id: UUID
    name: str
    avatar: str | None
    headline: str
    bio: str
    expertise: Sequence[str]
    timezone: str
    is_accepting: bool
    rating_average: float | None
    rating_count: int
    completed_sessions: int
    offerings: Sequence[OfferingView]
    reviews: Sequence[ReviewView]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotsAnswer:
    """The slots of a range of days in the viewer's zone (AV-2)."""

    first_day: date
    last_day: date
    duration: int
    timezone: str
    mentor_timezone: str
    slots: Sequence[Slot]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One session in a party's list, with exactly what this party may do now (DB-1, DB-2).

    :param side: the reader's
    :param other: the other party
    :param decisions: every action of this side, allowed or not and why
    :param earnings: the mentor's share, for the mentor only
    :param needs_link: confirmed, and nobody has made its room yet (JN-4)
    :param answer_until: until when the mentee may answer to a change of mentor
    :param is_reviewed: whether the reader has reviewed it
    :param proposal: the other time that is on the table now
    :param unread_messages: lines of the chat that the other party wrote and the reader has not read (CH-1)
    """

    id: UUID
    title: str
    status: SessionStatus
    booking_mode: BookingMode
    side: Party
    other: PersonView
    scheduled_at: datetime | None
    duration: int
    meeting_type: MeetingType
    location: str | None
    price: Money
    payment_status: PaymentStatus
    refund_status: RefundStatus
    refund: Money
    earnings: Money | None
    hold_expires_at: datetime | None
    approval_deadline: datetime | None
    preferred_time_note: str | None
    mentee_message: str | None
    mentor_response: str | None
    cancelled_by: CancelledBy | None
    cancellation_category: CancellationCategory | None
    cancellation_reason: str | None
    no_show_party: Party | None
    needs_link: bool
    join_state: JoinState
    join_opens_at: datetime | None
    is_reviewed: bool
    proposal: ProposalView | None
    unread_messages: int
    decisions: Mapping[str, Decision]
    offering_id: UUID | None
    reschedule_count: int
    reassignment: ReassignmentStatus | None
    answer_until: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int

    @property
    def allowed_actions(self) -> list[str]:
        """What may be offered as a button; a review that exists can still be changed (RV-1)."""
        return [action for action, decision in self.decisions.items() if decision.allowed]

    @property
    def is_open(self) -> bool:
        """Whether the mentor has yet to say what the request is for; length and price are not agreed then (BK-5)."""
        return self.offering_id is None and self.booking_mode is BookingMode.REQUEST

    @property
    def is_changing_mentor(self) -> bool:
        """Whether the mentee has yet to say who holds it (RA-3)."""
        return self.status is SessionStatus.SCHEDULED and self.reassignment in OPEN_REASSIGNMENTS

    @property
    def awaits_payment(self) -> bool:
        return "pay" in self.decisions and self.decisions["pay"].allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """Something that happened, for the parties.

    :param by: a side, ``former_mentor``, ``support``, or None for the product itself
    """

    at: datetime
    action: str
    by: str | None
    is_mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPage:
    """Everything the session page shows to a party (DB-5); never the meeting's address (JN-2).

    :param credit: the part of the price that the mentee's credit paid, or will pay at the checkout (MN-7)
    :param recordings: where they can be seen; none while the policy keeps them to staff (JN-5)
    """

    row: SessionRow
    description: str
    paid: Money
    credit: Money
    policies_in_words: Sequence[str]
    review: ReviewView | None
    timeline: Sequence[TimelineEntry]
    negotiations: Sequence[NegotiationView]
    recordings: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MentorFigures:
    """The header cards of a mentor's dashboard (DB-2).

    :param gross_revenue: what mentees paid, one amount per currency
    """

    total_mentees: int = 0
    total_sessions: int = 0
    upcoming: int = 0
    active: int = 0
    completed: int = 0
    pending_approvals: int = 0
    gross_revenue: Sequence[Money] = field(default_factory=tuple)
