"""Support gives a session to another mentor (ACT-4, MN-14)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from app.booking import announce_reassigned, calendar, why
from app.booking.access import load_session_for
from app.booking.handover import change_mentor, load_with
from app.booking.parties import is_findable
from app.booking.replacement import Replacement, find_replacements, in_numbers, need_of, ranking_in_numbers
from app.booking.session_facts import is_settled
from app.domain.context import Context
from app.domain.decision import Decision, Refusal
from app.domain.errors import Invalid
from app.domain.permissions import Permission
from app.domain.vocabulary import ReassignmentStatus, SessionStatus
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import MentoringSession, MentorProfile, MentorSchedule, User
from app.money.rows import terms_of
from app.money.settlement import split_of
from app.support.act_plan import ActDone, ActPlan, decided
from app.support.staff_acts import PlanRow, clean_reason, fingerprint_of, record_act_on, require_seen, require_staff_for

ACTION: Final = "ADMIN_REASSIGN_SESSION"
LISTED: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ReassignPlan(ActPlan):
    """A plan with whom it is about.

    :param mentor: who would have the session; None when it cannot be given to anybody now
    :param candidates: who is free then, works then and offers such a session, best first (AV-6)
    """

    mentor: User | None
    candidates: Sequence[Replacement]


def decide_reassign(session: MentoringSession, ctx: Context) -> Decision:
    """Whether support may give a session to another mentor from where it stands: confirmed and not begun.

    Also while its mentee has yet to answer to another mentor, or to choose one: support may find somebody first.
    """
    numbers = {"status": session.status, "start": session.scheduled_at, "now": ctx.now}
    message = ""
    if session.status is not SessionStatus.SCHEDULED or session.scheduled_at is None:
        words = session.status.value.replace("_", " ")
        message = f"This session is {words}. Only a scheduled one can be given to another mentor."
    elif session.scheduled_at <= ctx.now:
        message = "The session has begun, so nobody can take it over any more."
    elif not is_settled(session):
        message = "It is not paid yet, so there is nothing to take over."
    can = "The session can be given to another mentor."
    return decided("reassign", message, code="not_reassignable", can=can, numbers=numbers)


def candidates_for(session: MentoringSession, ctx: Context) -> Sequence[Replacement]:
    """The best few who could take a session that can be given away; nobody for any other."""
    if not decide_reassign(session, ctx).allowed:
        return ()
    return find_replacements(need_of(session), now=ctx.now, limit=LISTED)


def preview_reassign(
    session_id: UUID, *, to: UUID | None = None, notify_parties: bool = True, ctx: Context
) -> ReassignPlan:
    """What giving it to another mentor would change; nothing is changed. Weekly hours and offers do not bind staff.

    :param to: any verified mentor; None proposes the best of those who are free
    :raises NotFound: there is no such session
    :raises Forbidden: the role may not, or it is one's own case
    :raises Invalid: this mentor cannot have it, or none is named and nobody is free
    """
    session = load_session_for(ctx, session_id)
    require_staff_for(session, Permission.SESSION_REASSIGN, ctx)
    return _plan(session, to, ctx, notify_parties=notify_parties)


def reassign_session(
    session_id: UUID, *, to: UUID, reason: str, notify_parties: bool = True, fingerprint: str | None, ctx: Context
) -> ActDone:
    """This function will give a session to another mentor for support; earnings, room and calendars follow (ACT-4).

    What was sold stays. The mentor until now is not asked again, and an open proposal is closed.

    :raises NotFound: there is no such session
    :raises Forbidden: the role may not, or it is one's own case
    :raises Conflict: it cannot be given away from where it stands
    :raises SlotTaken: the new mentor is busy then
    :raises StalePreview: the case changed since the preview
    :raises Invalid: the reason cannot be used, or this mentor cannot have it
    """
    with transaction():
        session = load_with(session_id, [to], ctx)
        require_staff_for(session, Permission.SESSION_REASSIGN, ctx)
        plan = _plan(session, to, ctx, notify_parties=notify_parties)
        plan.decision.require()
        require_seen(fingerprint, plan.fingerprint)
        text = clean_reason(reason)
        former, had_none, before = session.mentor, _has_none(session), session.reassignment_status
        change_mentor(session, to=to, status=ReassignmentStatus.ACCEPTED, ctx=ctx)
        why.remember(plan.decision, session=session, kind="replacement", ctx=ctx)
        sent = 0
        if notify_parties:
            told = None if had_none else former
            sent = announce_reassigned.by_support(session, told, former_name=former.name, reason=text, ctx=ctx)
        audit_id = record_act_on(
            session,
            ACTION,
            reason=text,
            ctx=ctx,
            details={
                "previousMentorId": former.id,
                "previousMentorName": former.name,
                "newMentorId": to,
                "newMentorName": session.mentor.name,
                "previousReassignmentStatus": before,
                "rank": _rank(plan.candidates, to),
                "notifyParties": notify_parties,
                "notificationsSent": sent,
            },
        )
    sentence = f"{session.mentor.name} has the session now, instead of {former.name}."
    return ActDone(session_id=session.id, sentence=sentence, audit_id=audit_id)


def _plan(session: MentoringSession, to: UUID | None, ctx: Context, *, notify_parties: bool) -> ReassignPlan:
    decision, mentor = decide_reassign(session, ctx), None
    candidates = candidates_for(session, ctx)
    able = False
    if decision.allowed:
        mentor = _load_mentor(session, to or (candidates[0].mentor_id if candidates else None))
        able = _is_able(session, mentor, candidates, ctx)
        decision = _decide_mentor(session, mentor, candidates, able=able)
    rows = _rows(session, mentor, able=able, notify_parties=notify_parties) if mentor and decision.allowed else []
    return ReassignPlan(
        decision=decision,
        sentence=f"{mentor.name} takes the session at its time. Length and price stay, nothing more is to be paid."
        if mentor
        else decision.message,
        button=f"Give it to {mentor.name}" if mentor else "Give it to another mentor",
        rows=rows,
        fingerprint=fingerprint_of(
            {"act": ACTION, "session": session.id, "version": session.version, "status": session.status}
        ),
        mentor=mentor,
        candidates=candidates,
    )


def _load_mentor(session: MentoringSession, mentor_id: UUID | None) -> User:
    """:raises Invalid: on ``newMentorId``: none, not verified, or of this session's past"""
    mentor = None
    if mentor_id is not None:
        mentor = db.session.scalars(
            select(User)
            .join(MentorProfile, MentorProfile.user_id == User.id)
            .where(User.id == mentor_id, is_findable())
            .execution_options(populate_existing=True)
        ).one_or_none()
    problem = ""
    if mentor_id is None:
        problem = "Nobody who offers such a session is free and works then. Choose any verified mentor."
    elif mentor is None:
        problem = "Choose a verified mentor."
    elif mentor_id in session.cancelled_mentor_ids:
        problem = f"{mentor.name} had this session before and is out of it. Choose somebody else."
    elif mentor_id == session.mentor_id:
        problem = f"{mentor.name} has this session already."
    if problem or mentor is None:
        raise Invalid(problem, fields={"newMentorId": problem})
    return mentor


def _is_able(session: MentoringSession, mentor: User, candidates: Sequence[Replacement], ctx: Context) -> bool:
    """Whether a mentor could have been found: works then, offers such a session, and is free."""
    if _rank(candidates, mentor.id) is not None:
        return True
    return bool(find_replacements(need_of(session), now=ctx.now, limit=1, among=[mentor.id]))


def _decide_mentor(
    session: MentoringSession, mentor: User, candidates: Sequence[Replacement], *, able: bool
) -> Decision:
    start = session.scheduled_at
    assert start is not None  # decided before
    if not able and _is_busy(mentor.id, session):
        return Decision(
            allowed=False,
            rule="reassign_mentor",
            message=f"{mentor.name} has another session then. Choose somebody else.",
            numbers={"mentor_id": mentor.id, "start": start},
            refusal=Refusal.SLOT_TAKEN,
        )
    found = next((each for each in candidates if each.mentor_id == mentor.id), None)
    words = in_numbers(found) if found else "named by support and free then"
    return Decision(
        allowed=True,
        rule="reassigned_by_support",
        message=f"Support gave the session to {mentor.name}: {words}.",
        numbers={"mentor_id": mentor.id, "is_able": able, **ranking_in_numbers(candidates)},
        consequences={"mentor_id": mentor.id},
    )


def _is_busy(mentor_id: UUID, session: MentoringSession) -> bool:
    assert session.scheduled_at is not None  # decided before
    buffer = db.session.scalar(select(MentorSchedule.buffer_minutes).where(MentorSchedule.mentor_id == mentor_id))
    minutes = session.duration + (session.buffer_minutes if buffer is None else buffer)
    end = session.scheduled_at + timedelta(minutes=minutes)
    return bool(calendar.busy_entries([mentor_id], session.scheduled_at, end))


def _rank(candidates: Sequence[Replacement], mentor_id: UUID) -> int | None:
    return next((rank for rank, each in enumerate(candidates, start=1) if each.mentor_id == mentor_id), None)


def _has_none(session: MentoringSession) -> bool:
    """Whether its mentor gave it up and nobody followed: that mentor is free, and out of it already (RA-2)."""
    return session.reassignment_status is ReassignmentStatus.AWAITING_MENTEE_CHOICE


def _rows(session: MentoringSession, mentor: User, *, able: bool, notify_parties: bool) -> list[PlanRow]:
    message = "E-mail with calendar file" if notify_parties else "Is not told"
    earnings, earner = split_of(session).mentor, terms_of(session).mentor_id
    money = earnings if earnings.minor and session.rate_minor else None
    change = f"{mentor.name} instead of {session.mentor.name}"
    if session.reassignment_status is ReassignmentStatus.PENDING_ACCEPTANCE or _has_none(session):
        change += ", and is not asked any more"
    rows = [
        PlanRow(who=session.mentee.name, change=change, message=message),
        PlanRow(who=mentor.name, change="Gets the session and its earnings", money=money, message=message),
    ]
    if not _has_none(session):
        loses = -money if money and earner == session.mentor_id else None
        change = "Loses the session" + (" and its earnings" if loses else "") + "; that time is free again"
        rows.append(PlanRow(who=session.mentor.name, change=change, money=loses, message=message))
    if money and earner != session.mentor_id:
        name = db.session.get_one(User, earner).name
        rows.append(PlanRow(who=name, change="The earnings follow the session", money=-money))
    if session.meeting_url:
        rows.append(PlanRow(who="Meeting", change="A new room; the old link stops working"))
    if session.pending_reschedule_request_id:
        rows.append(PlanRow(who="Proposed time", change="Withdrawn"))
    if not able:
        change = f"{mentor.name} works at other times or offers no such session. Ask before you assign it."
        rows.append(PlanRow(who="Mind", change=change))
    return rows
