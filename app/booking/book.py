"""Creating a booking: instant, or as a request that the mentor reviews (BK-3, BK-4, BK-10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Uuid, bindparam, func, select

from app.booking import announce, calendar
from app.booking.access import lock_people
from app.booking.confirm import confirm
from app.booking.engine import begin
from app.booking.expiry import lock_people_and_free_stale_holds
from app.booking.facts import load_availability, nearest_starts, surroundings
from app.booking.parties import Terms, load_bookable_mentor, load_terms
from app.domain.context import Context
from app.domain.decision import Refusal
from app.domain.errors import Forbidden, Invalid, SlotTaken
from app.domain.permissions import Permission, require
from app.domain.requests import (
    DESCRIPTION_MAX,
    approval_deadline,
    decide_new_hold,
    decide_new_request,
    decide_texts,
    hold_expiry,
)
from app.domain.times import Interval, utc
from app.domain.vocabulary import BookingMode, MeetingType, SessionStatus
from app.extensions import UtcDateTime, db
from app.foundation.policies import PoliciesInForce, current_policies
from app.foundation.prepared import Prepared
from app.foundation.transaction import transaction
from app.models import MentoringSession, User
from app.money.payments import BY_CREDIT, open_payment
from app.money.wallets import available_credit, lock_credit

# The longest buffer there is, so that every hold in the way is found.
AROUND: Final = timedelta(hours=4)
PLACE_MAX: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What the mentee asks for, as given."""

    mentor_id: UUID
    offering_id: UUID | None
    scheduled_at: datetime | None
    meeting_type: MeetingType
    title: str
    description: str
    message: str | None
    preferred_time_note: str | None
    location: str | None


def create_booking(
    *,
    mentor_id: UUID,
    offering_id: UUID | None,
    scheduled_at: datetime | None,
    meeting_type: MeetingType,
    title: str,
    ctx: Context,
    description: str = "",
    message: str | None = None,
    preferred_time_note: str | None = None,
    location: str | None = None,
) -> MentoringSession:
    """This function will book for the signed-in mentee.

    A free offering, or one that the mentee's credit covers, is ``scheduled`` at once; a paid one becomes a ``draft``
    whose slot is held while ``pay.start_checkout`` takes the mentee to the payment page; in request mode it becomes
    ``pending_mentor_review``. Give it an ``Idempotency-Key`` at the door, by ``foundation.idempotency.once`` (BK-9).

    :param offering_id: None in a request, where the mentor chooses it
    :param scheduled_at: aware; None in a request that describes dates in words
    :param location: where the mentee would like to meet in person, in a request: the mentor agrees by approving it;
        default: the offering's place
    :raises Invalid: ``fields`` names each input that cannot be used and why (BK-10)
    :raises SlotTaken: somebody was quicker; ``details["nearest"]`` lists free starts as ISO strings
    :raises Refused: too many unpaid bookings or open requests, or the mentor takes no bookings now
    :raises NotFound: there is no such mentor to be booked
    """
    require(ctx.actor, Permission.OWN_BOOKING_CREATE)
    wish = _Wish(
        mentor_id=mentor_id,
        offering_id=offering_id,
        scheduled_at=utc(scheduled_at) if scheduled_at is not None else None,
        meeting_type=meeting_type,
        title=title.strip(),
        description=description.strip(),
        message=_text(message),
        preferred_time_note=_text(preferred_time_note),
        location=_text(location),
    )
    terms = load_terms(wish.offering_id, mentor_id=wish.mentor_id, names_time=wish.scheduled_at is not None)
    _check_words(wish, terms)
    try:
        with transaction():
            return _book(wish, terms, ctx)
    except SlotTaken as taken:
        # The database's last word, behind the lock's: nobody has looked around yet.
        if wish.scheduled_at is not None and "nearest" not in taken.details:
            taken.details["nearest"] = nearest_starts(
                wish.mentor_id,
                ctx.actor.user_id,
                around=wish.scheduled_at,
                duration_minutes=terms.duration,
                now=ctx.now,
            )
        raise


def _book(wish: _Wish, terms: Terms, ctx: Context) -> MentoringSession:
    mentee_id = ctx.actor.user_id
    if mentee_id is None:
        raise Forbidden("Only a mentee can book.")
    people = {wish.mentor_id, mentee_id}
    if wish.scheduled_at is None:
        lock_people(*people)
    else:
        own = Interval.lasting(wish.scheduled_at, terms.duration)
        lock_people_and_free_stale_holds(people, own.widened(before=AROUND, after=AROUND), ctx=ctx)
    mentor = load_bookable_mentor(wish.mentor_id)
    buffer = _require_free(wish, terms, mentee_id, ctx)
    policies = current_policies()
    session = _session(wish, terms, mentor, db.session.get_one(User, mentee_id), policies, buffer)
    if terms.booking_mode is BookingMode.REQUEST:
        return _request(session, policies, ctx)
    return _instant(session, policies, ctx)


def _require_free(wish: _Wish, terms: Terms, mentee_id: UUID, ctx: Context) -> int:
    """Raise unless a named slot is on the grid and free; the mentor's buffer, which the session keeps (AV-4)."""
    start = wish.scheduled_at
    window = surroundings(start or ctx.now, now=ctx.now)
    facts = load_availability(wish.mentor_id, mentee_id, window, now=ctx.now)
    if start is not None:
        decision = facts.decide(start, duration_minutes=terms.duration, now=ctx.now)
        if decision.refusal is Refusal.SLOT_TAKEN:
            taken = decision.error()
            taken.details["nearest"] = facts.nearest(start, duration_minutes=terms.duration, now=ctx.now)
            raise taken
        decision.require()
    return facts.schedule.buffer_minutes


def _session(
    wish: _Wish,
    terms: Terms,
    mentor: User,
    mentee: User,
    policies: PoliciesInForce,
    buffer_minutes: int,
) -> MentoringSession:
    return MentoringSession(
        id=uuid4(),
        mentor_id=mentor.id,
        mentee_id=mentee.id,
        mentor=mentor,
        mentee=mentee,
        offering_id=terms.offering_id,
        title=wish.title,
        description=wish.description,
        booking_mode=terms.booking_mode,
        scheduled_at=wish.scheduled_at,
        duration=terms.duration,
        buffer_minutes=buffer_minutes,
        preferred_time_note=wish.preferred_time_note,
        meeting_type=wish.meeting_type,
        location=wish.location or terms.place_for(wish.meeting_type),
        rate_minor=terms.rate_minor,
        currency=terms.currency,
        payment_status=terms.payment_status,
        mentee_message=wish.message,
        policy_version_id=policies.version_id,
        # Read before the next statement gives the defaults back.
        calendar_sequence=0,
        cancelled_mentor_ids=[],
    )


def _instant(session: MentoringSession, policies: PoliciesInForce, ctx: Context) -> MentoringSession:
    is_free = session.rate_minor == 0
    if not is_free:
        lock_credit(session.mentee_id, session.currency)
    has_credit = not is_free and available_credit(session.mentee_id, session.currency).minor >= session.rate_minor
    if is_free or has_credit:
        begin(session, status=SessionStatus.SCHEDULED, ctx=ctx, action="booking_created")
        calendar.occupy(session)
        if has_credit:
            open_payment(session, ctx=ctx, gateway_name=BY_CREDIT)
        confirm(session, ctx=ctx)
        return session
    decide_new_hold(_count_open(session.mentee_id, SessionStatus.DRAFT, ctx.now), policies.values).require()
    if session.scheduled_at is not None:
        session.hold_expires_at = hold_expiry(ctx.now, session.scheduled_at, policies.values)
    begin(session, status=SessionStatus.DRAFT, ctx=ctx, action="booking_created")
    calendar.occupy(session)
    return session


def _request(session: MentoringSession, policies: PoliciesInForce, ctx: Context) -> MentoringSession:
    waiting = _count_open(session.mentee_id, SessionStatus.PENDING_MENTOR_REVIEW, ctx.now)
    decide_new_request(waiting, policies.values).require()
    session.approval_deadline = approval_deadline(ctx.now, session.scheduled_at, policies.values)
    begin(session, status=SessionStatus.PENDING_MENTOR_REVIEW, ctx=ctx, action="booking_requested")
    if session.scheduled_at is not None:
        calendar.occupy(session)
    announce.requested(session, ctx=ctx)
    return session


def _count_open(mentee_id: UUID, status: SessionStatus, now: datetime) -> int:
    """What the mentee has open; what ran out by now does not count, whether or not the clock came by."""
    return int(_open(status).run(mentee_id=mentee_id, now=now).scalar_one())


@cache
def _open(status: SessionStatus) -> Prepared:
    deadline = MentoringSession.hold_expires_at if status is SessionStatus.DRAFT else MentoringSession.approval_deadline
    return Prepared(
        select(func.count())
        .select_from(MentoringSession)
        .where(
            MentoringSession.mentee_id == bindparam("mentee_id", type_=Uuid()),
            MentoringSession.status == status,
            deadline > bindparam("now", type_=UtcDateTime()),
        )
    )


def _check_words(wish: _Wish, terms: Terms) -> None:
    """Raise naming everything that can be known without looking at any calendar."""
    problems = dict(decide_texts(wish.title, wish.description).fields)
    for field, text in (("message", wish.message), ("preferredTimeNote", wish.preferred_time_note)):
        if len(text or "") > DESCRIPTION_MAX:
            problems[field] = f"At most {DESCRIPTION_MAX} characters."
    if wish.meeting_type not in terms.meeting_types:
        problems["meetingType"] = "This offering does not take place that way. Choose one that is listed."
    if wish.scheduled_at is None and terms.booking_mode is BookingMode.INSTANT:
        problems["scheduledAt"] = "Choose a time."
    if wish.scheduled_at is None and wish.preferred_time_note is None:
        problems.setdefault("scheduledAt", "Choose a time, or say in words when it would suit you.")
    if wish.location is not None:
        problems |= _check_place(wish, terms)
    if problems:
        raise Invalid("This booking cannot be made as it is.", fields=problems)


def _check_place(wish: _Wish, terms: Terms) -> dict[str, str]:
    """Why the mentee's own place cannot be; nobody is booked to go somewhere without having agreed."""
    if wish.meeting_type is not MeetingType.IN_PERSON:
        return {"location": "Only a meeting in person has a place."}
    if terms.booking_mode is BookingMode.INSTANT:
        return {"location": "This offering takes place where the mentor says. Leave the place empty."}
    if len(wish.location or "") > PLACE_MAX:
        return {"location": f"At most {PLACE_MAX} characters."}
    return {}


def _text(given: str | None) -> str | None:
    return (given or "").strip() or None
