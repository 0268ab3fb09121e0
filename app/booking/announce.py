"""Who is told what when a session changes: notifications and e-mails, written with the change itself (NT-1, EM).

One function per event. Times are worded in the reader's own zone (ID-7); a meeting link never stands in any of them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from app.domain.cancellation import tiers
from app.domain.context import Context
from app.domain.policies import Snapshot
from app.domain.vocabulary import NotificationType
from app.domain.wording import format_money, format_when
from app.messaging import links
from app.messaging.mail import send_mail
from app.messaging.notify import notify
from app.models import MentoringSession, User


def tell(
    reader: User, kind: NotificationType, title: str, body: str, *, session: MentoringSession, ctx: Context
) -> None:
    """This function will notify one person; the notification leads to the session's page."""
    notify(
        reader.id,
        kind,
        title=title,
        body=body,
        action_url=links.session_page(session.id),
        session_id=session.id,
        ctx=ctx,
    )


def when(session: MentoringSession, reader: User, ctx: Context) -> str:
    """The session's time as this person reads it; words, where no time is set yet."""
    if session.scheduled_at is None:
        return "a time to be agreed"
    return format_when(session.scheduled_at, reader.timezone, ctx.now)


def confirmed(
    session: MentoringSession, *, paid_minor: int, earnings_minor: int, policies: Snapshot, ctx: Context
) -> None:
    """The session is scheduled, and paid or free: both parties are told (BK-3).

    :param earnings_minor: the mentor's share, pending for now (MN-5)
    """
    cause = f"confirmed:{session.id}"
    mentee, mentor = session.mentee, session.mentor
    tell(
        mentee,
        NotificationType.PAYMENT_CONFIRMED,
        "Booking Confirmed",
        f"“{session.title}” with {mentor.name} is confirmed for {when(session, mentee, ctx)}.",
        session=session,
        ctx=ctx,
    )
    tell(
        mentor,
        NotificationType.NEW_BOOKING,
        "New Booking",
        f"{mentee.name} booked “{session.title}” for {when(session, mentor, ctx)}.",
        session=session,
        ctx=ctx,
    )
    facts = {"paid_minor": paid_minor, "free_until": _free_until(session, policies, ctx)}
    send_mail("booking_confirmed", mentee, facts=facts, session=session, ctx=ctx, cause=cause, with_ics="request")
    if paid_minor:
        earnings = format_money(earnings_minor, session.currency)
        tell(
            mentor,
            NotificationType.PAYMENT_RECEIVED,
            "Payment Received",
            f"{mentee.name} paid for “{session.title}”. Your earnings: {earnings}, pending until the session is over.",
            session=session,
            ctx=ctx,
        )
    send_mail(
        "new_booking_alert",
        mentor,
        facts={"earnings_minor": earnings_minor if paid_minor else None},
        session=session,
        ctx=ctx,
        cause=cause,
        with_ics="request",
    )


def requested(session: MentoringSession, *, ctx: Context) -> None:
    """A request waits for its mentor (BK-4)."""
    mentor = session.mentor
    wish = session.preferred_time_note or when(session, mentor, ctx)
    body = f"{session.mentee.name} asks for “{session.title}”: {wish}."
    tell(mentor, NotificationType.SESSION_REQUEST, "New Session Request", body, session=session, ctx=ctx)
    send_mail(
        "booking_request_received",
        mentor,
        facts={"answer_until": session.approval_deadline, "message": session.mentee_message},
        session=session,
        ctx=ctx,
        cause=f"requested:{session.id}",
    )


def approved(session: MentoringSession, *, ctx: Context) -> None:
    """The mentor said yes; where something is to be paid, the mentee is led to it (BK-5)."""
    mentee = session.mentee
    deadline = session.hold_expires_at
    rest = "" if deadline is None else f" Pay by {format_when(deadline, mentee.timezone, ctx.now)} to keep the time."
    tell(
        mentee,
        NotificationType.SESSION_ACCEPTED,
        "Request Approved",
        f"{session.mentor.name} approved “{session.title}” for {when(session, mentee, ctx)}.{rest}",
        session=session,
        ctx=ctx,
    )
    send_mail(
        "request_approved",
        mentee,
        facts={"pay_until": deadline, "message": session.mentor_response},
        session=session,
        ctx=ctx,
        cause=f"approved:{session.id}",
    )


def rejected(session: MentoringSession, *, reason: str, ctx: Context) -> None:
    """The mentor said no, and why (BK-5)."""
    notify(
        session.mentee_id,
        NotificationType.SESSION_REJECTED,
        title="Request Declined",
        body=f"{session.mentor.name} declined “{session.title}”: {reason}",
        action_url=links.mentors_to_ask_again(session.id),
        session_id=session.id,
        ctx=ctx,
    )
    send_mail(
        "request_rejected",
        session.mentee,
        facts={"reason": reason},
        session=session,
        ctx=ctx,
        cause=f"rejected:{session.id}",
    )


def unanswered(session: MentoringSession, *, ctx: Context) -> None:
    """Nobody answered the request in time; both are told (BK-5)."""
    for reader, other in ((session.mentee, session.mentor), (session.mentor, session.mentee)):
        body = f"The request “{session.title}” with {other.name} was not answered in time and is closed."
        tell(reader, NotificationType.REQUEST_EXPIRED, "Request Expired", body, session=session, ctx=ctx)
        send_mail("request_expired", reader, session=session, ctx=ctx, cause=f"unanswered:{session.id}")


def hold_ran_out(session: MentoringSession, *, was_approved: bool, ctx: Context) -> None:
    """The payment did not come in time, and the slot is free again (BK-6); the mentor knew only of an approved one."""
    cause = f"unpaid:{session.id}"
    body = f"“{session.title}” with {session.mentor.name} was not paid in time, so the slot is free again."
    tell(session.mentee, NotificationType.BOOKING_EXPIRED, "Booking Expired", body, session=session, ctx=ctx)
    send_mail("booking_expired", session.mentee, session=session, ctx=ctx, cause=cause)
    if was_approved:
        body = f"{session.mentee.name} did not pay for “{session.title}” in time. Your time is free again."
        tell(session.mentor, NotificationType.BOOKING_EXPIRED, "Booking Expired", body, session=session, ctx=ctx)


def late_payment_refunded(session: MentoringSession, *, refund_minor: int, why: str, cause: str, ctx: Context) -> None:
    """A payment found no session to confirm and goes back in full (BK-7, MN-1)."""
    amount = format_money(refund_minor, session.currency)
    tell(
        session.mentee,
        NotificationType.BOOKING_EXPIRED,
        "Payment Refunded",
        f"Your payment of {amount} for “{session.title}” goes back in full. {why}",
        session=session,
        ctx=ctx,
    )
    facts = {"refund_minor": refund_minor}
    send_mail("late_payment_refunded", session.mentee, facts=facts, session=session, ctx=ctx, cause=cause)


def payment_failed(session: MentoringSession, *, ctx: Context) -> None:
    """The gateway declined; the hold goes on until its end."""
    body = f"Your payment for “{session.title}” did not go through. You can try again while the slot is held."
    tell(session.mentee, NotificationType.PAYMENT_FAILED, "Payment Failed", body, session=session, ctx=ctx)


def completed(session: MentoringSession, *, review_until: datetime, ctx: Context) -> None:
    """The session is over; the mentee is asked for a review (RV-1)."""
    for reader in (session.mentee, session.mentor):
        body = f"“{session.title}” is completed."
        if reader is session.mentee:
            body += f" Tell others how it was with {session.mentor.name}."
        tell(reader, NotificationType.SESSION_COMPLETED, "Session Completed", body, session=session, ctx=ctx)
    send_mail(
        "session_completed",
        session.mentee,
        facts={"review_until": review_until},
        session=session,
        ctx=ctx,
        cause=f"completed:{session.id}",
    )


def link_missing(session: MentoringSession, *, ctx: Context) -> None:
    """No provider made a room; the mentor is asked for a link (JN-4)."""
    cause = f"no-link:{session.id}:{session.calendar_sequence}"
    body = f"We could not make a meeting room for “{session.title}”. Please add a link yourself."
    tell(session.mentor, NotificationType.MEETING_LINK_MISSING, "Meeting Link Missing", body, session=session, ctx=ctx)
    send_mail("meeting_link_missing", session.mentor, session=session, ctx=ctx, cause=cause)


def reviewed(session: MentoringSession, *, rating: int, ctx: Context) -> None:
    """The mentee left stars (RV-1)."""
    body = f"{session.mentee.name} rated “{session.title}” with {rating} of 5."
    tell(session.mentor, NotificationType.REVIEW_RECEIVED, "New Review", body, session=session, ctx=ctx)


def _free_until(session: MentoringSession, policies: Snapshot, ctx: Context) -> datetime | None:
    """Until when cancelling costs nothing; None when that has passed already."""
    if session.scheduled_at is None:
        return None
    until = session.scheduled_at - timedelta(hours=tiers(policies)[0].hours)
    return until if until > ctx.now else None
