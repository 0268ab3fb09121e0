"""A session goes to another mentor, or waits until its mentee has chosen one (RA-1, RA-2, RA-8, MN-14).

What belongs together is done together: calendars, meeting, fields, earnings, audit. Who is told is the caller's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select

from app.booking import calendar, meetings, why
from app.booking.access import load_for_change, try_lock_people
from app.booking.book import AROUND
from app.booking.engine import touch
from app.booking.expiry import lock_people_and_free_stale_holds
from app.booking.proposals import close_request
from app.booking.replacement import Need, Replacement, find_replacements, in_numbers, need_of, ranking_in_numbers
from app.booking.session_facts import is_settled
from app.domain.context import Context
from app.domain.decision import Decision
from app.domain.errors import Busy, SlotTaken
from app.domain.reassignment import response_deadline
from app.domain.times import Interval, utc
from app.domain.vocabulary import MeetingType, ReassignmentStatus, RescheduleStatus, SessionStatus
from app.extensions import db
from app.foundation import audit
from app.foundation.policies import current_policies
from app.foundation.switches import AUTO_REASSIGNMENT, is_off
from app.models import MentoringSession, MentorOffering, MentorSchedule, User
from app.money.earnings import move_earnings

# Locked together with the parties, so that two searches at once wait for each other and neither finds nobody.
_LOCKED: Final = 5
# Looked at when all of those were lost meanwhile.
_MORE: Final = 25


def load_to_give_up(session_id: UUID, ctx: Context) -> tuple[MentoringSession, list[UUID]]:
    """This function will lock a session, and with it the best who could follow if its mentor is the one who acts.

    Everybody is locked at once, in id order (AV-5), so the search is made before it is certain that it is needed.

    :raises NotFound: for those who may not know of it
    """
    session = db.session.get(MentoringSession, session_id)
    candidates: list[UUID] = []
    if session is not None and ctx.actor.user_id == session.mentor_id and _may_be_followed(session, ctx):
        found = find_replacements(need_of(session), now=ctx.now, limit=_LOCKED)
        candidates = [each.mentor_id for each in found]
    return load_with(session_id, candidates, ctx), candidates


def load_with(
    session_id: UUID, mentors: Collection[UUID], ctx: Context, *, start: datetime | None = None
) -> MentoringSession:
    """This function will lock a session, its parties and these mentors, and end what is in their way and ran out.

    :param start: the time that is wanted; default: the session's own
    :raises NotFound: for those who may not know of it
    """
    row = db.session.execute(
        select(
            MentoringSession.mentor_id,
            MentoringSession.mentee_id,
            MentoringSession.scheduled_at,
            MentoringSession.duration,
        ).where(MentoringSession.id == session_id)
    ).one_or_none()
    at = utc(start) if start is not None else row.scheduled_at if row is not None else None
    if row is not None and at is not None and mentors:
        window = Interval.lasting(at, row.duration).widened(before=AROUND, after=AROUND)
        people = [row.mentor_id, row.mentee_id, *mentors]
        lock_people_and_free_stale_holds(people, window, leaving_out=session_id, ctx=ctx)
    return load_for_change(ctx, session_id, also=mentors)


def hand_on(session: MentoringSession, candidates: Collection[UUID], *, ctx: Context) -> Replacement | None:
    """This function will give a locked session to the best mentor who can have it, or have the mentee choose (RA-1).

    Whoever has it now is not asked again (RA-8).

    :param candidates: who was locked with the session
    :returns: the new mentor, whom the mentee has yet to accept; None when none was found
    :raises Busy: when somebody else works on all who are left
    """
    need = need_of(session)
    switched_off = is_off(AUTO_REASSIGNMENT)
    tried: list[Replacement] = []
    for each in () if switched_off else _to_try(need, candidates, ctx):
        tried.append(each)
        try:
            change_mentor(session, to=each.mentor_id, status=ReassignmentStatus.PENDING_ACCEPTANCE, ctx=ctx)
        except SlotTaken:
            continue
        others = [other for other in find_replacements(need, now=ctx.now, limit=_LOCKED) if other != each]
        _remember(session, each, others, ctx)
        return each
    _remember_none(session, ctx, switched_off=switched_off, lost=len(tried))
    _wait_for_choice(session, ctx)
    return None


def change_mentor(
    session: MentoringSession,
    *,
    to: UUID,
    status: ReassignmentStatus,
    ctx: Context,
    start: datetime | None = None,
    may_return: bool = False,
) -> None:
    """This function will give a locked, scheduled session to another mentor, who is locked too.

    What was sold stays: offering, price, currency and length. The earnings follow when ``status`` is ``accepted``.

    :param start: another time, aware; default: as it is
    :param may_return: whether whoever has it now may be asked again
    :raises SlotTaken: when the new mentor or the mentee is busy then; nothing has changed
    """
    before, at = session.scheduled_at, utc(start) if start is not None else session.scheduled_at
    if session.status is not SessionStatus.SCHEDULED or at is None:
        message = "Only a scheduled session has a mentor to replace"
        raise ValueError(message)
    former, new = session.mentor_id, db.session.get_one(User, to)
    buffer = db.session.scalar(select(MentorSchedule.buffer_minutes).where(MentorSchedule.mentor_id == to))
    buffer = session.buffer_minutes if buffer is None else buffer
    calendar.hand_over(session, to, start=at, buffer_minutes=buffer)
    close_request(session, RescheduleStatus.CANCELLED, now=ctx.now)
    meetings.drop_meeting(session, ctx=ctx)
    if not may_return:
        _exclude(session, former)
    if session.meeting_type is MeetingType.IN_PERSON:
        session.location = _place_of(to)
    said = session.mentor_response
    session.mentor, session.mentor_id, session.scheduled_at, session.buffer_minutes = new, to, at, buffer
    # The former mentor's words are not the new one's.
    session.mentor_response = None
    session.was_reassigned, session.reassigned_from_mentor_id, session.reassigned_at = True, former, ctx.now
    session.reassignment_status = status
    is_open = status is ReassignmentStatus.PENDING_ACCEPTANCE
    session.reassignment_deadline = response_deadline(ctx.now, at, current_policies().values) if is_open else None
    session.calendar_sequence += 1
    meetings.request_meeting(session, ctx=ctx)
    if not is_open:
        move_earnings(session, ctx)
    touch(session, ctx=ctx)
    audit.record(
        session,
        action="session_reassigned",
        ctx=ctx,
        previous_scheduled_at=before,
        new_scheduled_at=at,
        details={
            "previous_mentor_id": former,
            "new_mentor_id": to,
            "reassignment_status": status,
            "previous_mentor_response": said,
        },
    )


def _wait_for_choice(session: MentoringSession, ctx: Context) -> None:
    """Nobody was found: the mentor is free and out of it, the mentee's time stays held (RA-2)."""
    if session.scheduled_at is None:
        message = "A session without a time has nobody to wait for"
        raise ValueError(message)
    _exclude(session, session.mentor_id)
    close_request(session, RescheduleStatus.CANCELLED, now=ctx.now)
    calendar.release(session.id, session.mentor_id)
    calendar.hold(session, None)
    meetings.drop_meeting(session, ctx=ctx)
    session.reassignment_status = ReassignmentStatus.AWAITING_MENTEE_CHOICE
    session.reassignment_deadline = response_deadline(ctx.now, session.scheduled_at, current_policies().values)
    session.calendar_sequence += 1
    touch(session, ctx=ctx)
    audit.record(session, action="no_mentor_found", ctx=ctx, details={"previous_mentor_id": session.mentor_id})


def _may_be_followed(session: MentoringSession, ctx: Context) -> bool:
    return (
        session.status is SessionStatus.SCHEDULED
        and session.scheduled_at is not None
        and session.scheduled_at > ctx.now
        and is_settled(session)
    )


def _to_try(need: Need, candidates: Collection[UUID], ctx: Context) -> Iterator[Replacement]:
    """Who can have it, best first: those who are locked, then others as far as they can be locked without waiting."""
    if candidates:
        yield from find_replacements(need, now=ctx.now, limit=len(candidates), among=candidates)
    held_elsewhere = False
    for each in find_replacements(need, now=ctx.now, limit=_MORE):
        if each.mentor_id in candidates:
            continue
        if not try_lock_people(each.mentor_id):
            held_elsewhere = True
        else:
            # What was found before the lock may have been lost until it came.
            yield from find_replacements(need, now=ctx.now, limit=1, among=[each.mentor_id])
    if held_elsewhere:
        raise Busy("Somebody else is working on the mentors who could follow. Try again in a moment.")


def _exclude(session: MentoringSession, mentor_id: UUID) -> None:
    if mentor_id not in session.cancelled_mentor_ids:
        session.cancelled_mentor_ids = [*session.cancelled_mentor_ids, mentor_id]


def _place_of(mentor_id: UUID) -> str | None:
    """Where this mentor meets people."""
    return db.session.scalar(
        select(MentorOffering.location)
        .where(
            MentorOffering.mentor_id == mentor_id,
            MentorOffering.is_active,
            MentorOffering.meeting_types.contains([MeetingType.IN_PERSON.value]),
        )
        .order_by(MentorOffering.location.is_(None), MentorOffering.created_at, MentorOffering.id)
        .limit(1)
    )


def _remember(session: MentoringSession, chosen: Replacement, others: list[Replacement], ctx: Context) -> None:
    runner_up = others[0].name if others else None
    decision = Decision(
        allowed=True,
        rule="replacement_found",
        message=f"{chosen.name} is free at this time, works then and offers such a session: {in_numbers(chosen)}.",
        numbers=ranking_in_numbers([chosen, *others]),
        consequences={"mentor_id": chosen.mentor_id},
        next_change=None
        if runner_up is None
        else "Another mentor with more shared topics, or as many and a better rating, would have come first.",
    )
    why.remember(decision, session=session, kind="replacement", ctx=ctx)


def _remember_none(session: MentoringSession, ctx: Context, *, switched_off: bool, lost: int) -> None:
    found = "The search is switched off at present" if switched_off else "Nobody else is free then and offers such"
    decision = Decision(
        allowed=True,
        rule="search_switched_off" if switched_off else "no_replacement",
        message=f"{found}{'' if switched_off else ' a session'}, so the mentee chooses.",
        numbers={"lost_to_others": lost},
        next_change=None if switched_off else "One mentor who is free at this time would have been enough.",
    )
    why.remember(decision, session=session, kind="replacement", ctx=ctx)
