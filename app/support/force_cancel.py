"""Force cancel: staff end a session with the refund they choose (ACT-1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.booking.access import load_for_change, load_session_for
from app.booking.announce import tell, when
from app.booking.cancel import Concluded, conclude_cancellation
from app.domain.context import Context
from app.domain.decision import Decision, Refusal
from app.domain.money import Money
from app.domain.permissions import Permission
from app.domain.reassignment import OPEN_REASSIGNMENTS
from app.domain.states import can_move
from app.domain.vocabulary import (
    CancellationCategory,
    CancelledBy,
    NotificationType,
    ReassignmentStatus,
    RefundState,
    SessionStatus,
)
from app.domain.wording import format_money
from app.foundation.transaction import transaction
from app.messaging.mail import send_mail
from app.models import MentoringSession, User
from app.money.refunds import decide_refund
from app.money.rows import MoneyRows, lock_rows, read_rows, terms_of
from app.support.staff_acts import PlanRow, clean_reason, fingerprint_of, record_act_on, require_seen, require_staff_for

ACTION = "ADMIN_FORCE_CANCEL"
_FROM = (
    SessionStatus.DRAFT,
    SessionStatus.PENDING_MENTOR_REVIEW,
    SessionStatus.SCHEDULED,
    SessionStatus.IN_PROGRESS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForceCancelPlan:
    """What will happen, shown before and obeyed by the act.

    :param refund: what will go back, or wait for a second person
    :param mentor_keeps: the mentor's share of what is kept
    :param fingerprint: of the facts alone; what one may type in the dialog is no part of it
    """

    decision: Decision
    previous_status: SessionStatus
    refund_percentage: int
    notify_parties: bool
    paid: Money
    refund: Money
    needs_approval: bool
    mentor_keeps: Money
    platform_keeps: Money
    sentence: str
    button: str
    rows: Sequence[PlanRow]
    fingerprint: str

    @property
    def moves_money(self) -> bool:
        return self.refund.minor > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForceCancelled:
    """What was done."""

    session_id: UUID
    refund: Money
    awaits_approval: bool
    notifications_sent: int

    @property
    def sentence(self) -> str:
        told = "Nobody was told." if not self.notifications_sent else "Those concerned are being told."
        if self.awaits_approval:
            return f"The session is cancelled. {format_money(self.refund)} wait for a second person. {told}"
        if self.refund.minor:
            return f"The session is cancelled and {format_money(self.refund)} go back. {told}"
        return f"The session is cancelled. {told}"


def decide_force_cancel(session: MentoringSession, ctx: Context) -> Decision:
    """Whether support may end a session from where it stands: what greys the button out and refuses the act alike."""
    numbers = {"status": session.status}
    if session.status in _FROM and can_move(session.status, SessionStatus.CANCELLED, ctx.actor.kind):
        return Decision(allowed=True, rule="force_cancel", message="The session can be cancelled.", numbers=numbers)
    words = session.status.value.replace("_", " ")
    return Decision(
        allowed=False,
        rule="force_cancel",
        message=f"The session is {words}. Only one that is not over yet can be cancelled.",
        numbers=numbers,
        refusal=Refusal.TRANSITION,
    )


def preview_force_cancel(
    session_id: UUID, *, refund_percentage: int = 100, notify_parties: bool = True, ctx: Context
) -> ForceCancelPlan:
    """What a force cancel would do now; nothing is changed.

    :raises NotFound: there is no such session
    :raises Forbidden: the role may not, or it is one's own case
    :raises Invalid: the percentage is none
    """
    session = load_session_for(ctx, session_id)
    require_staff_for(session, Permission.SESSION_FORCE_CANCEL, ctx)
    return plan_force_cancel(session, read_rows(session.id), refund_percentage, ctx, notify_parties=notify_parties)


def force_cancel(
    session_id: UUID,
    *,
    reason: str,
    refund_percentage: int = 100,
    notify_parties: bool = True,
    fingerprint: str | None,
    ctx: Context,
    bulk_id: UUID | None = None,
) -> ForceCancelled:
    """This function will cancel a session for support, with a refund of the given percentage of what was paid (ACT-1).

    :param fingerprint: the preview's; None acts without one, for callers that show none (the API)
    :param bulk_id: the list of many of which it is one, named in the audit row
    :raises NotFound: there is no such session
    :raises Forbidden: the role may not, or it is one's own case
    :raises InvalidTransition: it is over already
    :raises StalePreview: the case changed since the preview
    :raises Invalid: reason or percentage cannot be used
    """
    with transaction():
        session = load_for_change(ctx, session_id)
        require_staff_for(session, Permission.SESSION_FORCE_CANCEL, ctx)
        decide_force_cancel(session, ctx).require()
        plan = plan_force_cancel(session, lock_rows(session), refund_percentage, ctx, notify_parties=notify_parties)
        require_seen(fingerprint, plan.fingerprint)
        text, with_mentor = clean_reason(reason), _has_mentor(session)
        done = conclude_cancellation(
            session,
            cancelled_by=CancelledBy.ADMIN,
            category=CancellationCategory.SUPPORT,
            reason=text,
            refund_percentage=refund_percentage,
            ctx=ctx,
            by_staff=True,
            notify_parties=notify_parties,
        )
        awaits = done.refund is not None and done.refund.status is RefundState.AWAITING_APPROVAL
        sent = _tell(session, done, text, ctx, awaits=awaits, with_mentor=with_mentor) if notify_parties else 0
        record_act_on(
            session,
            ACTION,
            reason=text,
            ctx=ctx,
            before=done.previous_status,
            details={
                "refundPercentage": refund_percentage,
                "refundAmount": str(Money(done.refund_minor, session.currency).amount),
                "currency": session.currency,
                "awaitingApproval": awaits,
                "notifyParties": notify_parties,
                "notificationsSent": sent,
                **({"bulkCancel": str(bulk_id)} if bulk_id else {}),
            },
        )
    return ForceCancelled(
        session_id=session.id,
        refund=Money(done.refund_minor, session.currency),
        awaits_approval=awaits,
        notifications_sent=sent,
    )


def plan_force_cancel(
    session: MentoringSession, rows: MoneyRows, percentage: int, ctx: Context, *, notify_parties: bool
) -> ForceCancelPlan:
    """The plan for a session that is read already; whether this person may is the caller's question.

    :raises Invalid: the percentage is none
    """
    refund = decide_refund(session, rows, percentage=percentage, by_staff=True)
    refund.require()
    currency = session.currency
    kept = max(0, rows.net_minor - refund.amount.minor)
    mentor_keeps = Money(0 if _is_between_mentors(session) else terms_of(session).mentor_share(kept), currency)
    return ForceCancelPlan(
        decision=decide_force_cancel(session, ctx),
        previous_status=session.status,
        refund_percentage=percentage,
        notify_parties=notify_parties,
        paid=Money(rows.paid_minor, currency),
        refund=refund.amount,
        needs_approval=refund.needs_approval,
        mentor_keeps=mentor_keeps,
        platform_keeps=Money(kept, currency) - mentor_keeps,
        sentence=_sentence(session, rows.paid_minor, refund.amount, mentor_keeps, needs_approval=refund.needs_approval),
        button=_button(refund.amount, needs_approval=refund.needs_approval),
        rows=_rows(
            session,
            refund.amount,
            mentor_keeps,
            notify_parties=notify_parties,
            needs_approval=refund.needs_approval,
        ),
        fingerprint=fingerprint_of(
            {
                "act": ACTION,
                "session": session.id,
                "version": session.version,
                "status": session.status,
                "money": {**refund.numbers, "percentage": None},
                "net": rows.net_minor,
                "open_payment": rows.open_payment.id if rows.open_payment else None,
            }
        ),
    )


def _sentence(
    session: MentoringSession, paid_minor: int, refund: Money, mentor_keeps: Money, *, needs_approval: bool
) -> str:
    mentee, mentor = session.mentee.name, session.mentor.name
    free = "and the time is free again" if session.scheduled_at else "and the request is closed"
    if not paid_minor:
        return f"The session is cancelled, {free}. Nothing was paid, so no money moves."
    back = f"{mentee} gets {format_money(refund)} back" if refund.minor else f"{mentee} gets nothing back"
    if refund.minor and needs_approval:
        back = f"{format_money(refund)} for {mentee} wait for a second person to approve them"
    if _is_between_mentors(session):
        return (
            f"The session is cancelled: {back}, {free}. No mentor is paid for it: the one who had it gave the session "
            "up, and nobody has taken it over yet."
        )
    keeps = f"{mentor} keeps {format_money(mentor_keeps)}" if mentor_keeps.minor else f"{mentor} is paid nothing"
    return f"The session is cancelled: {back}, {keeps}, {free}."


def _is_between_mentors(session: MentoringSession) -> bool:
    """Somebody gave it up and the mentee has not gone on with anybody else: nobody earns of it (CX-4, MN-14)."""
    return session.reassignment_status in OPEN_REASSIGNMENTS


def _has_mentor(session: MentoringSession) -> bool:
    """Whether the mentor is a party: knows of it, and has not given it up (RA-2)."""
    is_history = session.reassignment_status is ReassignmentStatus.AWAITING_MENTEE_CHOICE
    return session.status is not SessionStatus.DRAFT and not is_history


def _button(refund: Money, *, needs_approval: bool) -> str:
    if not refund.minor:
        return "Cancel without a refund"
    if needs_approval:
        return f"Cancel and ask to refund {format_money(refund)}"
    return f"Cancel and refund {format_money(refund)}"


def _rows(
    session: MentoringSession, refund: Money, mentor_keeps: Money, *, notify_parties: bool, needs_approval: bool
) -> list[PlanRow]:
    is_draft = session.status is SessionStatus.DRAFT
    message = "E-mail and notification" if notify_parties else "Is not told"
    mentee_change = "Session cancelled by support"
    if refund.minor:
        waiting = " (waits for approval)" if needs_approval else ""
        mentee_change += f", refund{waiting}"
    freed = "Time free again" if session.scheduled_at else "Request closed"
    found = [
        PlanRow(who=session.mentee.name, change=mentee_change, money=refund, message=message),
        PlanRow(
            who=session.mentor.name,
            change=f"{freed}, keeps" if mentor_keeps.minor else freed,
            money=mentor_keeps if mentor_keeps.minor else None,
            message=message if _has_mentor(session) else "Never knew of it" if is_draft else "Gave it up before",
        ),
    ]
    if session.meeting_url:
        found.append(PlanRow(who="Meeting", change="The link stops working"))
    if session.pending_reschedule_request_id:
        found.append(PlanRow(who="Proposed time", change="Withdrawn"))
    return found


def _tell(
    session: MentoringSession, done: Concluded, reason: str, ctx: Context, *, awaits: bool, with_mentor: bool
) -> int:
    """E-mail and notification for both; for the mentor only when it is a party. The number of messages."""
    # A refund that waits for a second person is no promise yet: the mentee is told of it once it is approved (MN-9).
    refund_minor = 0 if awaits else done.refund_minor
    readers: list[tuple[User, int]] = [(session.mentee, refund_minor)]
    if with_mentor:
        readers.append((session.mentor, 0))
    sent = 0
    for reader, money in readers:
        back = f" You get {format_money(money, session.currency)} back." if money else ""
        body = f"Support cancelled “{session.title}” on {when(session, reader, ctx)}: {reason}{back}"
        tell(reader, NotificationType.ADMIN_CANCELLED, "Session Cancelled", body, session=session, ctx=ctx)
        send_mail(
            "admin_cancelled_session",
            reader,
            facts={"reason": reason, "refund_minor": money or None},
            session=session,
            ctx=ctx,
            cause=f"admin_cancelled:{session.id}",
            with_ics="cancel" if done.was_confirmed and session.scheduled_at else None,
        )
        sent += 2
    return sent
