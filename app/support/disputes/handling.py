"""What staff do with an open dispute before they end it: take, give, rank, talk among themselves, write (DSP-2)."""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlalchemy import select

from app.domain.context import Context
from app.domain.dispute_clock import deadlines_after_change, is_more_urgent
from app.domain.disputes import MESSAGE_LENGTH, decide_handling, decide_words
from app.domain.errors import Conflict, Invalid
from app.domain.permissions import Permission, may
from app.domain.vocabulary import DisputePriority, DisputeStatus
from app.extensions import db
from app.foundation.audit import record_staff_act
from app.foundation.transaction import transaction
from app.models import DisputeComment, MentoringSession, SessionDispute, User
from app.support.disputes import telling
from app.support.disputes.loading import (
    clock_of,
    current_targets,
    lock_for_staff,
    note_first_answer,
    set_deadlines,
    touch,
)
from app.support.staff_acts import clean_reason, parties_of

TAKE, ASSIGN = "ADMIN_DISPUTE_TAKEN", "ADMIN_DISPUTE_ASSIGNED"
PRIORITY = "ADMIN_DISPUTE_PRIORITY_CHANGED"
COMMENT, WRITE = "ADMIN_DISPUTE_COMMENTED", "ADMIN_DISPUTE_REPORTER_WRITTEN"
_PREVIEW = 100


def take_dispute(dispute_id: UUID, *, ctx: Context) -> SessionDispute:
    """This function will make a dispute the caller's own; the reporter is told that somebody is on it.

    :raises Forbidden: the role may not, or it is the caller's own case
    :raises Conflict: it is closed, or a colleague's (who may give it away)
    """
    with transaction():
        dispute, session = lock_for_staff(dispute_id, Permission.DISPUTE_ASSIGN, ctx)
        _require_open(dispute)
        if dispute.assigned_to == ctx.actor.user_id:
            return dispute
        if dispute.assigned_to is not None:
            raise Conflict("A colleague has this dispute. Reload the page; it can be given to you.", code="taken")
        _begin(dispute, session, ctx)
        dispute.assigned_to = ctx.actor.user_id
        _done(dispute, TAKE, "Taken", ctx)
    return dispute


def assign_dispute(dispute_id: UUID, *, assignee_id: UUID | None, reason: str, ctx: Context) -> SessionDispute:
    """This function will give a dispute to a colleague, or back to nobody (None).

    :raises Invalid: there is no such colleague, one who may not handle it, or no reason
    :raises Forbidden: the role may not, or it is the caller's own case
    :raises Conflict: it is closed
    """
    with transaction():
        dispute, session = lock_for_staff(dispute_id, Permission.DISPUTE_ASSIGN, ctx)
        _require_open(dispute)
        text = clean_reason(reason)
        assignee = None if assignee_id is None else _assignee(assignee_id, session)
        before = dispute.assigned_to
        if before == assignee_id:
            return dispute
        if assignee is not None:
            _begin(dispute, session, ctx)
        dispute.assigned_to = assignee_id
        _done(dispute, ASSIGN, text, ctx, previousAssignee=before, assignee=assignee_id)
        telling.assigned(dispute, ctx)
    return dispute


def change_priority(dispute_id: UUID, *, priority: DisputePriority, reason: str, ctx: Context) -> SessionDispute:
    """This function will rank a dispute anew; its deadlines follow, and urgent ones are announced (DSP-2, DSP-3).

    :raises Forbidden: the role may not, or it is the caller's own case
    :raises Conflict: it is closed
    :raises Invalid: without a reason
    """
    with transaction():
        dispute, _session = lock_for_staff(dispute_id, Permission.DISPUTE_ASSIGN, ctx)
        _require_open(dispute)
        text, before = clean_reason(reason), dispute.priority
        if priority is before:
            return dispute
        set_deadlines(dispute, deadlines_after_change(clock_of(dispute), priority, ctx.now, current_targets()))
        dispute.priority = priority
        _done(dispute, PRIORITY, text, ctx, previousPriority=before, priority=priority)
        if is_more_urgent(priority, before):
            telling.priority_rose(dispute, ctx)
    return dispute


def comment_on_dispute(dispute_id: UUID, *, comment: str, ctx: Context) -> DisputeComment:
    """This function will add a comment that staff alone read; on closed disputes, too.

    :raises Forbidden: the role may not, or it is the caller's own case
    :raises Invalid: the comment is empty or too long
    """
    with transaction():
        dispute, _session = lock_for_staff(dispute_id, Permission.DISPUTE_COMMENT, ctx)
        row = _comment(dispute, comment, ctx, is_internal=True)
        _done(dispute, COMMENT, "Internal comment", ctx, commentPreview=row.body[:_PREVIEW])
    return row


def write_to_reporter(dispute_id: UUID, *, message: str, awaits_answer: bool, ctx: Context) -> DisputeComment:
    """This function will write to the reporter, who reads and answers it on the session page (DSP-2).

    It is the first answer, when there was none. With ``awaits_answer`` the clocks stand still until the reporter
    writes.

    :raises Forbidden: the role may not, or it is the caller's own case
    :raises Conflict: it is closed
    :raises Invalid: the message is empty or too long
    """
    with transaction():
        dispute, session = lock_for_staff(dispute_id, Permission.DISPUTE_COMMENT, ctx)
        _require_open(dispute)
        row = _comment(dispute, message, ctx, is_internal=False)
        note_first_answer(dispute, ctx)
        dispute.status = DisputeStatus.IN_PROGRESS
        dispute.assigned_to = dispute.assigned_to or ctx.actor.user_id
        if awaits_answer and dispute.waiting_since is None:
            dispute.waiting_since = ctx.now
        _done(dispute, WRITE, "Wrote to the reporter", ctx, awaitsAnswer=awaits_answer, preview=row.body[:_PREVIEW])
        telling.written_to(dispute, session, row.body, awaits_answer=awaits_answer, message_id=row.id, ctx=ctx)
    return row


def handlers_for(session: MentoringSession) -> list[User]:
    """Colleagues to whom a dispute of this session can be given, by name."""
    staff = db.session.scalars(select(User).where(User.id.in_(telling.staff_ids(telling.DESK))).order_by(User.name))
    own = parties_of(session)
    return [user for user in staff if user.id not in own]


def _assignee(user_id: UUID, session: MentoringSession) -> User:
    user = db.session.get(User, user_id)
    if user is None or not user.can_sign_in or not may(user.role, Permission.DISPUTE_RESOLVE):
        message = "Choose a colleague who handles disputes."
        raise Invalid(message, fields={"assigneeId": message})
    if user.id in parties_of(session):
        message = f"{user.name} is a party in this case. Choose somebody else."
        raise Invalid(message, fields={"assigneeId": message})
    return user


def _begin(dispute: SessionDispute, session: MentoringSession, ctx: Context) -> None:
    if dispute.status is DisputeStatus.OPEN:
        dispute.status = DisputeStatus.IN_PROGRESS
        telling.taken_up(dispute, session, ctx)


def _require_open(dispute: SessionDispute) -> None:
    decide_handling(dispute.status, awaits_approval=dispute.awaiting_refund_id is not None).require()


def _comment(dispute: SessionDispute, text: str, ctx: Context, *, is_internal: bool) -> DisputeComment:
    body = text.replace("\0", "").replace("\r\n", "\n").strip()
    name = "comment" if is_internal else "message"
    decide_words({name: body}, {name: MESSAGE_LENGTH}).require()
    row = DisputeComment(
        id=uuid4(),
        dispute_id=dispute.id,
        author_id=ctx.actor.user_id,
        body=body,
        is_internal=is_internal,
        created_at=ctx.now,
    )
    db.session.add(row)
    return row


def _done(dispute: SessionDispute, action: str, reason: str, ctx: Context, **details: object) -> None:
    touch(dispute, ctx)
    record_staff_act(
        action=action,
        reason=reason,
        ctx=ctx,
        subject_type="dispute",
        subject_id=dispute.id,
        session_id=dispute.session_id,
        details=details,
    )
