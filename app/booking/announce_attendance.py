"""Who is told what about a no-show, a correction of it, and a session that comes near (NS, EM-5)."""

from __future__ import annotations

from app.booking.announce import tell, when
from app.domain.context import Context
from app.domain.money import Money
from app.domain.reminding import reminder_window
from app.domain.vocabulary import NotificationType, Party, SessionStatus
from app.domain.wording import format_money
from app.messaging.mail import send_mail
from app.models import MentoringSession, User


def no_show_marked(
    session: MentoringSession,
    *,
    absent: Party,
    refund: Money | None,
    earnings: Money | None,
    marked_by: Party | None,
    turn: int,
    ctx: Context,
) -> int:
    """Somebody did not come: both are told, with what it means for their money; gives the number of messages.

    :param refund: what goes back to the mentee by this; None when nothing does
    :param earnings: what the mentor keeps; None when nothing
    :param marked_by: the side that said so; None for support
    :param turn: how often this session was marked, so that a second time is told again
    """
    facts = {
        "absent": absent.value,
        "marked_by": marked_by.value if marked_by else "support",
        "refund_minor": refund.minor if refund else None,
        "earnings_minor": earnings.minor if earnings else None,
    }
    for reader in (session.mentee, session.mentor):
        side = _side(session, reader)
        body = f"“{session.title}” on {when(session, reader, ctx)}: {_who_missed(session, side, absent)}"
        body += _money_words(side, refund, earnings)
        tell(reader, NotificationType.NO_SHOW_MARKED, "Marked as Missed", body, session=session, ctx=ctx)
        cause = f"no-show:{session.id}:{turn}"
        mentors_only = {"earnings_minor": facts["earnings_minor"] if side is Party.MENTOR else None}
        mentees_only = {"refund_minor": facts["refund_minor"] if side is Party.MENTEE else None}
        send_mail(
            "no_show_marked", reader, facts=facts | mentors_only | mentees_only, session=session, ctx=ctx, cause=cause
        )
    return 4


def no_show_cleared(
    session: MentoringSession,
    *,
    withdrawn: Money | None,
    refund: Money | None,
    earnings: Money | None,
    turn: int,
    ctx: Context,
) -> int:
    """Support took a no-show back; both are told; gives the number of messages.

    :param withdrawn: a refund that does not go back after all
    :param refund: what goes back now
    :param earnings: what the mentor is paid in the end
    """
    became = "completed" if session.status is SessionStatus.COMPLETED else "cancelled"
    for reader in (session.mentee, session.mentor):
        is_mentee = _side(session, reader) is Party.MENTEE
        body = f"Support looked into “{session.title}” again: it is no longer marked as missed, but {became}."
        if is_mentee and withdrawn and withdrawn.minor:
            body += f" The refund of {format_money(withdrawn)} is withdrawn."
        body += _money_words(Party.MENTEE if is_mentee else Party.MENTOR, refund, earnings)
        tell(reader, NotificationType.NO_SHOW_CLEARED, "No Longer Marked as Missed", body, session=session, ctx=ctx)
        send_mail(
            "no_show_cleared",
            reader,
            facts={
                "became": became,
                "withdrawn_minor": withdrawn.minor if is_mentee and withdrawn and withdrawn.minor else None,
                "refund_minor": refund.minor if is_mentee and refund and refund.minor else None,
                "earnings_minor": earnings.minor if not is_mentee and earnings and earnings.minor else None,
            },
            session=session,
            ctx=ctx,
            cause=f"no-show-cleared:{session.id}:{turn}",
        )
    return 4


def reminder(session: MentoringSession, reader: User, *, hours: int, by_mail: bool, ctx: Context) -> None:
    """The session comes near (EM-5); worded in the reader's zone, and of no use once it is late."""
    if session.scheduled_at is None:
        return
    other = session.mentor if reader is session.mentee else session.mentee
    near = in_hours(hours)
    body = f"“{session.title}” with {other.name} begins {near}: {when(session, reader, ctx)}."
    tell(reader, NotificationType.SESSION_REMINDER, f"Session {near}", body, session=session, ctx=ctx)
    if by_mail:
        send_mail(
            "session_reminder",
            reader,
            facts={"near": near},
            session=session,
            ctx=ctx,
            cause=f"reminder:{session.id}:{session.scheduled_at.isoformat()}:{hours}",
            not_after=reminder_window(session.scheduled_at, hours)[1],
        )


def in_hours(hours: int) -> str:
    """``"in 1 hour"``, ``"in 24 hours"``, ``"in 3 days"``."""
    if hours > 24 and hours % 24 == 0:
        return f"in {hours // 24} days"
    return "in 1 hour" if hours == 1 else f"in {hours} hours"


def _side(session: MentoringSession, reader: User) -> Party:
    return Party.MENTEE if reader.id == session.mentee_id else Party.MENTOR


def _who_missed(session: MentoringSession, side: Party, absent: Party) -> str:
    if absent is side:
        return "you were marked as absent."
    return f"{(session.mentor if absent is Party.MENTOR else session.mentee).name} was marked as absent."


def _money_words(side: Party, refund: Money | None, earnings: Money | None) -> str:
    if side is Party.MENTEE and refund and refund.minor:
        return f" {format_money(refund)} goes back to you."
    if side is Party.MENTOR and earnings and earnings.minor:
        return f" Your earnings: {format_money(earnings)}."
    return ""
