"""Clear a no-show: staff say that it was a mistake, and the money follows (ACT-5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.booking import announce_attendance, why
from app.booking.access import load_for_change, load_session_for
from app.booking.cancel import conclude_cancellation
from app.booking.complete import conclude_completion
from app.booking.no_show import times_marked
from app.domain.clearing import decide_clear_no_show
from app.domain.context import Context
from app.domain.decision import Decision
from app.domain.money import Money
from app.domain.permissions import Permission
from app.domain.vocabulary import CancellationCategory, CancelledBy, SessionStatus
from app.domain.wording import format_money
from app.foundation.transaction import transaction
from app.models import MentoringSession
from app.money.attendance import Correction, bring_to, foresee, stoppable_refunds
from app.money.rows import MoneyRows, lock_rows, read_rows
from app.support.staff_acts import PlanRow, clean_reason, fingerprint_of, record_act_on, require_seen, require_staff_for

ACTION = "ADMIN_CLEAR_NO_SHOW"
COMPLETED, CANCELLED = SessionStatus.COMPLETED, SessionStatus.CANCELLED


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearNoShowPlan:
    """What will happen, shown before and obeyed by the act.

    :param refund_percentage: None where the session becomes completed
    :param money: withdrawn, refunded, lost, and what each keeps
    :param fingerprint: of the facts alone; what one may choose in the dialog is no part of it
    """

    decision: Decision
    restore: SessionStatus
    refund_percentage: int | None
    notify_parties: bool
    money: Correction
    sentence: str
    button: str
    rows: Sequence[PlanRow]
    fingerprint: str

    @property
    def moves_money(self) -> bool:
        return True

    @property
    def needs_approval(self) -> bool:
        return self.money.needs_approval


@dataclass(frozen=True, slots=True, kw_only=True)
class NoShowCleared:
    """What was done."""

    session_id: UUID
    restored: SessionStatus
    money: Correction
    notifications_sent: int

    @property
    def sentence(self) -> str:
        told = "Nobody was told." if not self.notifications_sent else "Both are being told."
        return f"The no-show is cleared and the session is {self.restored.value}. {_moves(self.money)} {told}"


def preview_clear_no_show(
    session_id: UUID,
    *,
    restore: SessionStatus = COMPLETED,
    refund_percentage: int = 100,
    notify_parties: bool = True,
    ctx: Context,
) -> ClearNoShowPlan:
    """What clearing would do now; nothing is changed.

    :param refund_percentage: for ``cancelled`` only
    :raises NotFound: there is no such session
    :raises Forbidden: the role may not, or it is one's own case
    :raises Invalid: the percentage is none, or the status cannot be restored
    """
    session = load_session_for(ctx, session_id)
    require_staff_for(session, Permission.SESSION_CLEAR_NO_SHOW, ctx)
    return _plan(session, read_rows(session.id), restore, refund_percentage, ctx, notify_parties=notify_parties)


def clear_no_show(
    session_id: UUID,
    *,
    reason: str,
    restore: SessionStatus = COMPLETED,
    refund_percentage: int = 100,
    notify_parties: bool = True,
    fingerprint: str | None,
    ctx: Context,
) -> NoShowCleared:
    """This function will clear a no-show for support, to ``completed`` or ``cancelled`` (ACT-5).

    ``completed`` pays the mentor and withdraws a refund that nobody has begun to send; one that has gone stays gone, at
    the platform's cost. ``cancelled`` brings the refunds to ``refund_percentage``.

    :param fingerprint: the preview's; None acts without one, for callers that show none (the API)
    :raises NotFound: there is no such session
    :raises Forbidden: the role may not, or it is one's own case
    :raises InvalidTransition: it is no no-show
    :raises StalePreview: the case changed since the preview
    :raises Invalid: reason, status or percentage cannot be used
    """
    with transaction():
        session = load_for_change(ctx, session_id)
        require_staff_for(session, Permission.SESSION_CLEAR_NO_SHOW, ctx)
        decision = decide_clear_no_show(session.status, ctx.actor.kind, restore)
        decision.require()
        plan = _plan(session, lock_rows(session), restore, refund_percentage, ctx, notify_parties=notify_parties)
        require_seen(fingerprint, plan.fingerprint)
        text = clean_reason(reason)
        was_absent, turn = session.no_show_party, times_marked(session.id)
        done = _bring(session, restore, refund_percentage, text, ctx, notify_parties=notify_parties)
        _restore(session, decision, restore, refund_percentage, text, ctx)
        sent = _tell(session, done, turn, ctx) if notify_parties else 0
        record_act_on(
            session,
            ACTION,
            reason=text,
            ctx=ctx,
            before=SessionStatus.NO_SHOW,
            details={
                "restoreStatus": restore,
                "wasAbsent": was_absent,
                "refundPercentage": plan.refund_percentage,
                **_amounts(done),
                "currency": session.currency,
                "awaitingApproval": done.needs_approval,
                "notifyParties": notify_parties,
                "notificationsSent": sent,
            },
        )
    return NoShowCleared(session_id=session.id, restored=restore, money=done, notifications_sent=sent)


def _bring(
    session: MentoringSession,
    restore: SessionStatus,
    percentage: int,
    reason: str,
    ctx: Context,
    *,
    notify_parties: bool,
) -> Correction:
    return bring_to(
        session,
        percentage=_target(restore, percentage),
        reason=reason,
        ctx=ctx,
        by_staff=True,
        notify_parties=notify_parties,
    )


def _restore(
    session: MentoringSession, decision: Decision, restore: SessionStatus, percentage: int, reason: str, ctx: Context
) -> None:
    if restore is COMPLETED:
        conclude_completion(
            session, decision=decision, ctx=ctx, action="no_show_cleared", reason=reason, notify_parties=False
        )
    else:
        why.remember(decision, session=session, kind="no_show", ctx=ctx)
        conclude_cancellation(
            session,
            cancelled_by=CancelledBy.ADMIN,
            category=CancellationCategory.SUPPORT,
            reason=reason,
            refund_percentage=percentage,
            ctx=ctx,
            action="no_show_cleared",
            by_staff=True,
        )
    session.no_show_party = session.no_show_marked_by = None
    session.attendance_decided_at = ctx.now


def _target(restore: SessionStatus, percentage: int) -> int:
    return 0 if restore is COMPLETED else percentage


def _plan(
    session: MentoringSession,
    rows: MoneyRows,
    restore: SessionStatus,
    percentage: int,
    ctx: Context,
    *,
    notify_parties: bool,
) -> ClearNoShowPlan:
    decision = decide_clear_no_show(session.status, ctx.actor.kind, restore)
    money = foresee(session, rows, percentage=_target(restore, percentage), by_staff=True)
    return ClearNoShowPlan(
        decision=decision,
        restore=restore,
        refund_percentage=percentage if restore is CANCELLED else None,
        notify_parties=notify_parties,
        money=money,
        sentence=f"The session is {restore.value} instead of missed. {_moves(money)}",
        button=_button(restore, money),
        rows=_rows(session, restore, money, notify_parties=notify_parties),
        fingerprint=fingerprint_of(
            {
                "act": ACTION,
                "session": session.id,
                "version": session.version,
                "status": session.status,
                "refunds": sorted((str(refund.id), refund.status) for refund in rows.refunds),
                "stoppable": sorted(str(refund_id) for refund_id in stoppable_refunds(session, rows)),
                "net": rows.net_minor,
            }
        ),
    )


def _moves(money: Correction) -> str:
    """What becomes of the money, in one line."""
    if not money.paid.minor:
        return "Nothing was paid, so no money moves."
    parts = []
    if money.withdrawn.minor:
        parts.append(f"The refund of {format_money(money.withdrawn)} is withdrawn.")
    if money.refund.minor and money.needs_approval:
        parts.append(f"{format_money(money.refund)} for the mentee wait for a second person to approve them.")
    elif money.refund.minor:
        parts.append(f"{format_money(money.refund)} go back to the mentee.")
    if money.lost.minor:
        parts.append(f"{format_money(money.lost)} have gone back already and stay there.")
    if money.mentor.minor:
        parts.append(f"The mentor is paid {format_money(money.mentor)}.")
    if money.borne.minor:
        parts.append(f"{format_money(money.borne)} of that is our cost.")
    return " ".join(parts) or "No money moves."


def _button(restore: SessionStatus, money: Correction) -> str:
    if restore is COMPLETED:
        return f"Clear and pay {format_money(money.mentor)}" if money.mentor.minor else "Clear the no-show"
    if not money.refund.minor:
        return "Clear and cancel"
    asks = "ask to refund" if money.needs_approval else "refund"
    return f"Clear, cancel and {asks} {format_money(money.refund)}"


def _rows(
    session: MentoringSession, restore: SessionStatus, money: Correction, *, notify_parties: bool
) -> list[PlanRow]:
    message = "E-mail and notification" if notify_parties else "Is not told"
    change = f"Session {restore.value}"
    if money.withdrawn.minor:
        back = PlanRow(
            who=session.mentee.name, change=f"{change}, refund withdrawn", money=-money.withdrawn, message=message
        )
    elif money.refund.minor:
        waits = " (waits for approval)" if money.needs_approval else ""
        back = PlanRow(who=session.mentee.name, change=f"{change}, refund{waits}", money=money.refund, message=message)
    else:
        back = PlanRow(who=session.mentee.name, change=change, message=message)
    found = [
        back,
        PlanRow(
            who=session.mentor.name,
            change="Is paid" if money.mentor.minor else "Is paid nothing",
            money=money.mentor if money.mentor.minor else None,
            message=message,
        ),
    ]
    if money.withdrawn.minor and money.refund.minor:
        found.insert(1, PlanRow(who=session.mentee.name, change="Refund instead", money=money.refund))
    if money.lost.minor:
        found.append(PlanRow(who="Platform", change="Refund that cannot be stopped", money=money.lost))
    if money.borne.minor:
        found.append(PlanRow(who="Platform", change="Pays the mentor for it", money=money.borne))
    return found


def _tell(session: MentoringSession, money: Correction, turn: int, ctx: Context) -> int:
    # A refund that waits for a second person is no promise yet (MN-9).
    return announce_attendance.no_show_cleared(
        session,
        withdrawn=money.withdrawn,
        refund=None if money.needs_approval else money.refund,
        earnings=money.mentor,
        turn=turn,
        ctx=ctx,
    )


def _amounts(money: Correction) -> dict[str, str]:
    named: dict[str, Money] = {
        "refundAmount": money.refund,
        "withdrawnAmount": money.withdrawn,
        "lostAmount": money.lost,
        "platformCost": money.borne,
        "mentorShare": money.mentor,
    }
    return {name: str(amount.amount) for name, amount in named.items()}
