"""Who is told what when a session is cancelled (CX-5): both sides, each about what concerns them."""

from __future__ import annotations

from app.booking.announce import tell, when
from app.domain.context import Context
from app.domain.vocabulary import NotificationType
from app.domain.wording import format_money
from app.messaging.mail import CalendarMethod, send_mail
from app.models import MentoringSession

_KIND = NotificationType.SESSION_CANCELLED
_TITLE = "Session Cancelled"


def withdrawn(session: MentoringSession, *, ctx: Context) -> None:
    """The mentee withdrew a request or an approved booking before paying: the mentor is told in the product only."""
    body = f"{session.mentee.name} withdrew “{session.title}”. Your time is free again."
    tell(session.mentor, _KIND, "Booking Withdrawn", body, session=session, ctx=ctx)


def by_mentee(
    session: MentoringSession, *, refund_minor: int, paid_minor: int, earnings_minor: int, reason: str, ctx: Context
) -> None:
    """The mentee cancelled a confirmed session.

    :param earnings_minor: what the mentor keeps of it
    """
    cause = f"cancelled:{session.id}"
    mentee, mentor = session.mentee, session.mentor
    refund = f" {format_money(refund_minor, session.currency)} will be refunded." if refund_minor else ""
    earned = f" You earn {format_money(earnings_minor, session.currency)}." if earnings_minor else ""
    tell(
        mentee,
        _KIND,
        _TITLE,
        f"You cancelled “{session.title}” with {mentor.name} on {when(session, mentee, ctx)}.{refund}",
        session=session,
        ctx=ctx,
    )
    tell(
        mentor,
        _KIND,
        _TITLE,
        f"{mentee.name} cancelled “{session.title}” on {when(session, mentor, ctx)}.{earned}",
        session=session,
        ctx=ctx,
    )
    send_mail(
        "mentee_cancellation_confirmation",
        mentee,
        facts={"refund_minor": refund_minor, "paid_minor": paid_minor},
        session=session,
        ctx=ctx,
        cause=cause,
        with_ics=_ics(session),
    )
    facts = {"reason": reason or None, "earnings_minor": earnings_minor}
    send_mail("mentee_cancelled", mentor, facts=facts, session=session, ctx=ctx, cause=cause, with_ics=_ics(session))


def by_mentor(session: MentoringSession, *, refund_minor: int, reason: str, ctx: Context) -> None:
    """The mentor cancelled; the mentee gets everything back."""
    cause = f"cancelled:{session.id}"
    mentee, mentor = session.mentee, session.mentor
    refund = f" You get {format_money(refund_minor, session.currency)} back." if refund_minor else ""
    tell(
        mentee,
        _KIND,
        _TITLE,
        f"{mentor.name} cancelled “{session.title}” on {when(session, mentee, ctx)}.{refund}",
        session=session,
        ctx=ctx,
    )
    tell(
        mentor,
        _KIND,
        _TITLE,
        f"You cancelled “{session.title}” with {mentee.name} on {when(session, mentor, ctx)}.",
        session=session,
        ctx=ctx,
    )
    send_mail(
        "mentor_cancelled",
        mentee,
        facts={"refund_minor": refund_minor, "reason": reason or None},
        session=session,
        ctx=ctx,
        cause=cause,
        with_ics=_ics(session),
    )
    send_mail(
        "mentor_cancellation_confirmation",
        mentor,
        facts={"reason": reason or None},
        session=session,
        ctx=ctx,
        cause=cause,
        with_ics=_ics(session),
    )


def _ics(session: MentoringSession) -> CalendarMethod | None:
    return "cancel" if session.scheduled_at is not None else None
