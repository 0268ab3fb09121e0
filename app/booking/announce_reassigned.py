"""Who is told what when a session's mentor changes (RA): the mentee, the new mentor, and whoever is out of it.

A mentor who is out of it is led to the own schedule: the session's page is not theirs any more.
"""

from __future__ import annotations

from typing import Final

from app.booking.announce import tell, when
from app.domain.context import Context
from app.domain.vocabulary import NotificationType as Kind
from app.domain.wording import format_money, format_when
from app.messaging import links
from app.messaging.mail import CalendarMethod, send_mail
from app.messaging.notify import notify
from app.models import MentoringSession, User
from app.money.settlement import split_of
from app.people.headlines import headlines_of

_ANSWER: Final = "You can continue, choose somebody else, or cancel for a full refund."


def found(session: MentoringSession, former: User, *, reason: str, declines: bool, ctx: Context) -> None:
    """Another mentor was found: the mentee decides, the new one is told, the former one is out of it (RA-1)."""
    mentee, mentor = session.mentee, session.mentor
    what = "cannot take it" if declines else "had to cancel"
    body = f"{former.name} {what}. {mentor.name} can take “{session.title}” on {when(session, mentee, ctx)}. {_ANSWER}"
    tell(mentee, Kind.SESSION_REASSIGNED, "Your Session Has a New Mentor", body, session=session, ctx=ctx)
    _mail(
        "mentor_cancelled_reassigned",
        mentee,
        session,
        ctx,
        ics="request",
        former_name=former.name,
        headline=headlines_of([mentor.id]).get(mentor.id),
        answer_until=session.reassignment_deadline,
        reason=reason or None,
    )
    _assigned(session, ctx)
    _out(session, former, declines=declines, reason=reason, ctx=ctx)


def none_found(session: MentoringSession, former: User, *, reason: str, declines: bool, ctx: Context) -> None:
    """Nobody was found: the mentee chooses, or gets everything back (RA-2)."""
    mentee = session.mentee
    until = (
        format_when(session.reassignment_deadline, mentee.timezone, ctx.now) if session.reassignment_deadline else ""
    )
    what = "cannot take it" if declines else "had to cancel"
    body = (
        f"{former.name} {what}, and nobody else is free then. Choose another mentor by {until}, or get a full refund."
    )
    tell(mentee, Kind.NO_MENTOR_FOUND, "Choose Another Mentor", body, session=session, ctx=ctx)
    _mail(
        "mentor_cancelled_no_mentor",
        mentee,
        session,
        ctx,
        ics="cancel",
        former_name=former.name,
        answer_until=session.reassignment_deadline,
        reason=reason or None,
    )
    _out(session, former, declines=declines, reason=reason, ctx=ctx)


def accepted(session: MentoringSession, *, ctx: Context) -> None:
    """The mentee goes on with the new mentor (RA-4)."""
    mentor = session.mentor
    body = f"{session.mentee.name} confirmed “{session.title}” with you on {when(session, mentor, ctx)}."
    tell(mentor, Kind.REASSIGNMENT_ACCEPTED, "Session Confirmed", body, session=session, ctx=ctx)
    _mail("reassignment_accepted", mentor, session, ctx, earnings_minor=_earnings(session))


def alternative_selected(session: MentoringSession, released: User | None, *, ctx: Context) -> None:
    """The mentee chose somebody else (RA-6)."""
    mentee, mentor = session.mentee, session.mentor
    body = f"“{session.title}” takes place with {mentor.name} on {when(session, mentee, ctx)}."
    tell(mentee, Kind.ALTERNATIVE_MENTOR_SELECTED, "New Mentor Confirmed", body, session=session, ctx=ctx)
    _mail("alternative_mentor_selected", mentee, session, ctx, ics="request")
    _assigned(session, ctx)
    if released is not None:
        body = f"{mentee.name} chose another mentor for “{session.title}”. Your time is free again."
        _tell_former(released, Kind.MENTOR_UNASSIGNED, "Session No Longer Yours", body, session, ctx)
        _mail("mentor_unassigned", released, session, ctx, ics="cancel", by_mentee=True)


def by_support(session: MentoringSession, former: User | None, *, former_name: str, reason: str, ctx: Context) -> int:
    """Support gave it to another mentor: all whom it concerns are told, and their calendars follow (ACT-4).

    :param former: who had it until now; None when that mentor was out of it before
    :returns: the number of messages
    """
    mentee, mentor = session.mentee, session.mentor
    at = when(session, mentee, ctx)
    body = f"Support gave “{session.title}” on {at} to {mentor.name} instead of {former_name}: {reason}"
    tell(mentee, Kind.ADMIN_REASSIGNED, "Your Session Has a New Mentor", body, session=session, ctx=ctx)
    _mail("admin_reassigned_mentee", mentee, session, ctx, ics="request", former_mentor=former_name, reason=reason)
    body = f"Support assigned “{session.title}” with {mentee.name} on {when(session, mentor, ctx)} to you."
    tell(mentor, Kind.MENTOR_ASSIGNED, "Session Assigned to You", body, session=session, ctx=ctx)
    _mail("admin_assigned_mentor", mentor, session, ctx, ics="request", earnings_minor=_earnings(session))
    if former is None:
        return 4
    body = f"Support gave “{session.title}” with {mentee.name} to another mentor. Your time is free again."
    _tell_former(former, Kind.MENTOR_UNASSIGNED, "Session No Longer Yours", body, session, ctx)
    _mail("mentor_unassigned", former, session, ctx, ics="cancel", by_support=True)
    return 6


def rejected(session: MentoringSession, mentors: list[User], *, refund_minor: int, reason: str, ctx: Context) -> None:
    """The mentee took the refund instead (RA-5).

    :param mentors: who had it, and who was to have it
    """
    mentee = session.mentee
    back = f" {format_money(refund_minor, session.currency)} will be refunded." if refund_minor else ""
    body = f"“{session.title}” on {when(session, mentee, ctx)} is cancelled.{back}"
    tell(mentee, Kind.SESSION_CANCELLED, "Session Cancelled", body, session=session, ctx=ctx)
    _mail(
        "mentee_cancellation_confirmation",
        mentee,
        session,
        ctx,
        ics="cancel",
        refund_minor=refund_minor,
        paid_minor=refund_minor,
    )
    for mentor in mentors:
        body = f"{mentee.name} did not go on with another mentor, so “{session.title}” is cancelled."
        _tell_former(mentor, Kind.REASSIGNMENT_REJECTED, "Reassignment Rejected", body, session, ctx)
        _mail("reassignment_rejected", mentor, session, ctx, ics="cancel", reason=reason or None)


def expired(session: MentoringSession, mentors: list[User], *, refund_minor: int, ctx: Context) -> None:
    """Nobody answered in time (RA-7)."""
    mentee = session.mentee
    back = f" {format_money(refund_minor, session.currency)} will be refunded." if refund_minor else ""
    body = f"You did not choose a mentor for “{session.title}” in time, so it is cancelled.{back}"
    tell(mentee, Kind.REASSIGNMENT_EXPIRED, "Session Cancelled", body, session=session, ctx=ctx)
    _mail("reassignment_expired", mentee, session, ctx, ics="cancel", refund_minor=refund_minor)
    for mentor in mentors:
        body = f"{mentee.name} did not answer in time, so “{session.title}” is cancelled."
        _tell_former(mentor, Kind.REASSIGNMENT_EXPIRED, "Session Cancelled", body, session, ctx)
        _mail("reassignment_expired", mentor, session, ctx, ics="cancel")


def _assigned(session: MentoringSession, ctx: Context) -> None:
    mentor, until = session.mentor, session.reassignment_deadline
    waits = "" if until is None else f" {session.mentee.name} has yet to agree."
    body = f"“{session.title}” with {session.mentee.name} on {when(session, mentor, ctx)} was assigned to you.{waits}"
    tell(mentor, Kind.MENTOR_ASSIGNED, "Session Assigned to You", body, session=session, ctx=ctx)
    _mail(
        "new_mentor_assigned",
        mentor,
        session,
        ctx,
        ics="request",
        answer_until=until,
        earnings_minor=_earnings(session),
    )


def _out(session: MentoringSession, former: User, *, declines: bool, reason: str, ctx: Context) -> None:
    at = format_when(session.scheduled_at, former.timezone, ctx.now) if session.scheduled_at else ""
    if declines:
        body = f"You declined “{session.title}” with {session.mentee.name} on {at}. Your time is free again."
        _tell_former(former, Kind.MENTOR_UNASSIGNED, "Session Declined", body, session, ctx)
        _mail("mentor_unassigned", former, session, ctx, ics="cancel", by_mentee=False)
        return
    body = f"You cancelled “{session.title}” with {session.mentee.name} on {at}."
    _tell_former(former, Kind.SESSION_CANCELLED, "Session Cancelled", body, session, ctx)
    _mail("mentor_cancellation_confirmation", former, session, ctx, ics="cancel", reason=reason or None)


def _tell_former(reader: User, kind: Kind, title: str, body: str, session: MentoringSession, ctx: Context) -> None:
    url = links.MENTOR_SCHEDULE
    notify(reader.id, kind, title=title, body=body, action_url=url, session_id=session.id, ctx=ctx)


def _earnings(session: MentoringSession) -> int | None:
    return split_of(session).mentor.minor if session.rate_minor else None


def _mail(
    template: str,
    to: User,
    session: MentoringSession,
    ctx: Context,
    ics: CalendarMethod | None = None,
    **facts: object,
) -> None:
    # A session may change hands more than once: its sequence names which change this was.
    cause = f"reassignment:{session.id}:{session.calendar_sequence}"
    send_mail(template, to, facts=facts, session=session, ctx=ctx, cause=cause, with_ics=ics)
