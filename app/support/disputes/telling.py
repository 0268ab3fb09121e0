"""Who is told what about a dispute, in the transaction of what happened.

The reporter hears of every step that is theirs to know; staff by the bell, and by Slack or Discord when it is pressing.
What goes to a chat names no person and quotes nobody.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from app.booking.announce import tell
from app.domain.context import Context
from app.domain.vocabulary import DisputePriority, NotificationType, Role
from app.extensions import db
from app.foundation import outbox
from app.messaging import links
from app.messaging.mail import send_mail
from app.messaging.notify import notify
from app.models import MentoringSession, SessionDispute, User

CHAT_HOOK = "chat_hook.send"
HOOKS = ("slack", "discord")
PRESSING = frozenset({DisputePriority.HIGH, DisputePriority.URGENT})
# An alert that comes later than this helps nobody.
_ALERT_LIVES = timedelta(hours=1)
_LEADS = (Role.ADMIN,)
DESK = (Role.SUPPORT, Role.ADMIN)


def opened(dispute: SessionDispute, session: MentoringSession, reporter: User, ctx: Context) -> None:
    """A problem was reported: its reporter is assured, staff find it in their bell, and chats when it is pressing."""
    send_mail(
        "dispute_received",
        reporter,
        facts={"reason": dispute.reason, "answer_until": dispute.first_response_due_at},
        session=session,
        ctx=ctx,
        cause=f"dispute:{dispute.id}",
    )
    urgent = dispute.priority is DisputePriority.URGENT
    desk(
        dispute,
        NotificationType.DISPUTE_URGENT if urgent else NotificationType.DISPUTE_OPENED,
        "Urgent: a problem was reported" if urgent else "A problem was reported",
        f"{words_of(dispute.category)}, {dispute.priority.value} priority: {dispute.reason}",
        ctx,
    )
    alert_chats(dispute, "opened", ctx)


def priority_rose(dispute: SessionDispute, ctx: Context) -> None:
    """It has become pressing: whoever has not heard of it in that voice hears it now."""
    if dispute.priority is DisputePriority.URGENT:
        desk(dispute, NotificationType.DISPUTE_URGENT, "A dispute is urgent now", dispute.reason, ctx)
    alert_chats(dispute, "priority raised", ctx)


def warned(dispute: SessionDispute, ctx: Context) -> None:
    """Three quarters of the time are used: whoever has it is told, or everybody when nobody has."""
    body = f"Three quarters of the time for this {dispute.priority.value} dispute are used: {dispute.reason}"
    readers = [dispute.assigned_to] if dispute.assigned_to else staff_ids(DESK)
    for reader in readers:
        _note(reader, dispute, NotificationType.DISPUTE_UPDATED, "A dispute is due soon", body, ctx)


def breached(dispute: SessionDispute, before: DisputePriority, ctx: Context) -> None:
    """The promise is broken: the leads and whoever has it are told, by now in the new priority's voice (DSP-3)."""
    rose = "" if dispute.priority is before else f" It is {dispute.priority.value} now."
    body = f"A dispute was not handled in time.{rose} {dispute.reason}"
    readers = {*staff_ids(_LEADS), *([dispute.assigned_to] if dispute.assigned_to else [])}
    urgent = dispute.priority is DisputePriority.URGENT
    kind = NotificationType.DISPUTE_URGENT if urgent else NotificationType.DISPUTE_UPDATED
    for reader in sorted(readers):
        _note(reader, dispute, kind, "A dispute is late", body, ctx)
    alert_chats(dispute, "late", ctx)


def assigned(dispute: SessionDispute, ctx: Context) -> None:
    """A colleague gave it to somebody, who is told."""
    if dispute.assigned_to and dispute.assigned_to != ctx.actor.user_id:
        body = f"{ctx.actor.name or 'A colleague'} gave you a dispute: {dispute.reason}"
        _note(dispute.assigned_to, dispute, NotificationType.DISPUTE_UPDATED, "A dispute is yours", body, ctx)


def taken_up(dispute: SessionDispute, session: MentoringSession, ctx: Context) -> None:
    """Somebody works on it: the reporter is told, by name of nobody."""
    body = f"Somebody from support is looking into what you reported about “{session.title}”."
    tell(
        _reporter(dispute), NotificationType.DISPUTE_UPDATED, "Your report is being handled", body,
        session=session, ctx=ctx,
    )  # fmt: skip


def written_to(
    dispute: SessionDispute,
    session: MentoringSession,
    message: str,
    *,
    awaits_answer: bool,
    message_id: UUID,
    ctx: Context,
) -> None:
    """Support wrote to the reporter: asked something, or said how things stand (DSP-2)."""
    reporter = _reporter(dispute)
    kind = NotificationType.DISPUTE_INFO_REQUESTED if awaits_answer else NotificationType.DISPUTE_UPDATED
    title = "Support has a question" if awaits_answer else "Support wrote to you"
    tell(reporter, kind, title, message, session=session, ctx=ctx)
    send_mail(
        "dispute_updated",
        reporter,
        facts={"message": message, "is_question": awaits_answer},
        session=session,
        ctx=ctx,
        cause=f"dispute-message:{message_id}",
    )


def answered(dispute: SessionDispute, ctx: Context) -> None:
    """The reporter wrote: whoever has the dispute is told, or everybody when nobody has."""
    for reader in [dispute.assigned_to] if dispute.assigned_to else staff_ids(DESK):
        body = f"The reporter answered: {dispute.reason}"
        _note(reader, dispute, NotificationType.DISPUTE_UPDATED, "An answer to a dispute", body, ctx)


def resolved(dispute: SessionDispute, session: MentoringSession, outcome: str, ctx: Context) -> None:
    """The reporter is told what was decided, in the words of the outcome; the notes stay with staff."""
    reporter = _reporter(dispute)
    tell(reporter, NotificationType.DISPUTE_RESOLVED, "Your report is settled", outcome, session=session, ctx=ctx)
    send_mail(
        "dispute_resolved",
        reporter,
        facts={"message": outcome},
        session=session,
        ctx=ctx,
        cause=f"dispute-resolved:{dispute.id}",
    )


def refund_refused(dispute: SessionDispute, ctx: Context) -> None:
    """A second person declined the refund: the dispute is open again, and whoever has it is told."""
    if dispute.assigned_to:
        body = f"The refund was declined, so the dispute is open again: {dispute.reason}"
        _note(dispute.assigned_to, dispute, NotificationType.DISPUTE_UPDATED, "A refund was declined", body, ctx)


def alert_chats(dispute: SessionDispute, event: str, ctx: Context) -> None:
    """This function will queue an alert for each chat, if it is pressing; the handler knows which are set up."""
    if dispute.priority not in PRESSING:
        return
    payload = {
        "dispute_id": dispute.id,
        "event": event,
        "priority": dispute.priority,
        "category": dispute.category,
        "due_at": dispute.resolution_due_at if dispute.first_responded_at else dispute.first_response_due_at,
    }
    for hook in HOOKS:
        outbox.put(
            CHAT_HOOK,
            key=f"chat:{hook}:{dispute.id}:{dispute.version}:{event}",
            payload={**payload, "hook": hook},
            ctx=ctx,
            session_id=dispute.session_id,
            not_after=ctx.now + _ALERT_LIVES,
        )


def desk(dispute: SessionDispute, kind: NotificationType, title: str, body: str, ctx: Context) -> None:
    """Everybody who handles disputes, but for parties of this one and whoever did it."""
    for reader in staff_ids(DESK):
        if reader not in {ctx.actor.user_id, dispute.reported_by}:
            _note(reader, dispute, kind, title, body, ctx)


def staff_ids(roles: tuple[Role, ...]) -> list[UUID]:
    """Staff of these roles who can sign in."""
    return list(
        db.session.scalars(
            select(User.id).where(User.role.in_(roles), User.is_active, User.suspended_at.is_(None)).order_by(User.id)
        )
    )


def words_of(value: str) -> str:
    return value.replace("_", " ").capitalize()


def _note(reader: UUID, dispute: SessionDispute, kind: NotificationType, title: str, body: str, ctx: Context) -> None:
    notify(
        reader,
        kind,
        title=title,
        body=body,
        action_url=links.dispute_page(dispute.id),
        session_id=dispute.session_id,
        ctx=ctx,
    )


def _reporter(dispute: SessionDispute) -> User:
    return db.session.get_one(User, dispute.reported_by)
