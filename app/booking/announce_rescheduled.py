"""Who is told what while the parties negotiate about another time, and what each can do now (RS, NT-1, EM)."""

from __future__ import annotations

from datetime import datetime

from app.booking.announce import tell, when
from app.booking.proposals import time_on_table
from app.domain.context import Context
from app.domain.vocabulary import NotificationType, Party
from app.domain.wording import format_when
from app.messaging.mail import send_mail
from app.models import MentoringSession, RescheduleRequest, User


def requested(session: MentoringSession, request: RescheduleRequest, *, ctx: Context) -> None:
    """One side asks for another time, or a mentor offers one to a request without (BK-5): the other has to answer."""
    asks, answers = _sides(session, request.initiated_by)
    wanted, until = _at(time_on_table(request), answers, ctx), _at(request.expires_at, answers, ctx)
    if session.scheduled_at is None:
        title, body = "A Time Is Proposed", f"{asks.name} proposes {wanted} for “{session.title}”."
    else:
        title = "Reschedule Request"
        body = f"{asks.name} asks to move “{session.title}” from {when(session, answers, ctx)} to {wanted}."
    kind = NotificationType.RESCHEDULE_REQUESTED
    tell(answers, kind, title, f"{body} Answer by {until}.", session=session, ctx=ctx)
    send_mail(
        "reschedule_request",
        answers,
        facts={
            "proposed_at": time_on_table(request),
            "answer_until": request.expires_at,
            "reason": request.reason,
            "full_refund": request.initiated_by is Party.MENTOR,
        },
        session=session,
        ctx=ctx,
        cause=f"reschedule:{request.id}",
    )


def countered(session: MentoringSession, request: RescheduleRequest, *, by: Party, ctx: Context) -> None:
    """The other side answered with another time: the turn has passed."""
    asks, answers = _sides(session, by)
    wanted, until = _at(time_on_table(request), answers, ctx), _at(request.expires_at, answers, ctx)
    tell(
        answers,
        NotificationType.RESCHEDULE_COUNTERED,
        "Another Time Proposed",
        f"{asks.name} suggests {wanted} for “{session.title}” instead. Answer by {until}.",
        session=session,
        ctx=ctx,
    )
    send_mail(
        "reschedule_countered",
        answers,
        facts={"proposed_at": time_on_table(request), "answer_until": request.expires_at},
        session=session,
        ctx=ctx,
        cause=f"reschedule:{request.id}:{request.counter_proposal_count}",
    )


def accepted(session: MentoringSession, request: RescheduleRequest, *, before: datetime, ctx: Context) -> None:
    """The session has moved: both are told, and their calendars follow (DB-6)."""
    for reader in (session.mentee, session.mentor):
        body = f"“{session.title}” has moved from {_at(before, reader, ctx)} to {when(session, reader, ctx)}."
        tell(reader, NotificationType.RESCHEDULE_ACCEPTED, "Session Rescheduled", body, session=session, ctx=ctx)
        send_mail(
            "reschedule_confirmed",
            reader,
            facts={"previous_at": before},
            session=session,
            ctx=ctx,
            cause=f"reschedule-accepted:{request.id}",
            with_ics="request",
        )


def moved_by_support(session: MentoringSession, *, before: datetime, reason: str, ctx: Context) -> None:
    """Support has moved it: both are told why, and their calendars follow (ACT-9)."""
    for reader in (session.mentee, session.mentor):
        body = (
            f"Support moved “{session.title}” from {_at(before, reader, ctx)} to {when(session, reader, ctx)}: {reason}"
        )
        tell(reader, NotificationType.RESCHEDULE_ACCEPTED, "Session Rescheduled", body, session=session, ctx=ctx)
        send_mail(
            "reschedule_confirmed",
            reader,
            facts={"previous_at": before},
            session=session,
            ctx=ctx,
            cause=f"moved-by-support:{session.id}:{session.calendar_sequence}",
            with_ics="request",
        )


def rejected(session: MentoringSession, request: RescheduleRequest, *, ctx: Context) -> None:
    """The mentor declined: the mentee is told that nothing has changed."""
    mentor, mentee = session.mentor, session.mentee
    wanted = _at(time_on_table(request), mentee, ctx)
    tell(
        mentee,
        NotificationType.RESCHEDULE_REJECTED,
        "Reschedule Declined",
        f"{mentor.name} cannot make {wanted}. {_stays(session, mentee, ctx)}",
        session=session,
        ctx=ctx,
    )
    send_mail(
        "reschedule_rejected",
        mentee,
        facts={"proposed_at": time_on_table(request)},
        session=session,
        ctx=ctx,
        cause=f"reschedule-rejected:{request.id}",
    )


def withdrawn(session: MentoringSession, request: RescheduleRequest, *, by: Party, ctx: Context) -> None:
    """Whoever asked does not ask any more."""
    asked, other = _sides(session, by)
    tell(
        other,
        NotificationType.RESCHEDULE_WITHDRAWN,
        "Reschedule Request Withdrawn",
        f"{asked.name} no longer asks to move “{session.title}”. {_stays(session, other, ctx)}",
        session=session,
        ctx=ctx,
    )
    send_mail(
        "reschedule_withdrawn",
        other,
        facts={"proposed_at": time_on_table(request)},
        session=session,
        ctx=ctx,
        cause=f"reschedule-withdrawn:{request.id}",
    )


def expired(session: MentoringSession, request: RescheduleRequest, *, ctx: Context) -> None:
    """Nobody answered in time: both are told that nothing has changed (RS-5)."""
    waited, _ = _sides(session, request.counter_proposed_by or request.initiated_by)
    for reader in (session.mentee, session.mentor):
        body = f"Nobody answered about {_at(time_on_table(request), reader, ctx)} in time. "
        tell(
            reader,
            NotificationType.RESCHEDULE_EXPIRED,
            "Reschedule Request Expired",
            body + _stays(session, reader, ctx),
            session=session,
            ctx=ctx,
        )
        send_mail(
            "reschedule_expired",
            reader,
            facts={"proposed_at": time_on_table(request), "waited": reader is waited},
            session=session,
            ctx=ctx,
            cause=f"reschedule-expired:{request.id}",
        )


def _sides(session: MentoringSession, party: Party) -> tuple[User, User]:
    """The person of this side, and the other one."""
    if party is Party.MENTOR:
        return session.mentor, session.mentee
    return session.mentee, session.mentor


def _at(moment: datetime, reader: User, ctx: Context) -> str:
    return format_when(moment, reader.timezone, ctx.now)


def _stays(session: MentoringSession, reader: User, ctx: Context) -> str:
    if session.scheduled_at is None:
        return f"“{session.title}” still has no time."
    return f"“{session.title}” stays on {when(session, reader, ctx)}."
