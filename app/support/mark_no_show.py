"""Staff say who did not come (NS-4, ACT-9); the money is put right in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.booking.access import load_for_change, load_session_for
from app.booking.no_show import conclude_no_show
from app.booking.session_facts import attendance_facts
from app.domain.attendance import NoShowDecision, decide_no_show_by_staff
from app.domain.context import Context
from app.domain.decision import Decision, Refusal
from app.domain.errors import Conflict
from app.domain.permissions import Permission
from app.domain.vocabulary import Party
from app.domain.wording import format_money
from app.foundation.transaction import transaction
from app.models import MentoringSession
from app.money.attendance import Correction, foresee
from app.money.rows import MoneyRows, lock_rows, read_rows
from app.support.staff_acts import PlanRow, clean_reason, fingerprint_of, record_act_on, require_seen, require_staff_for

ACTION = "ADMIN_MARK_NO_SHOW"


def decide_mark_no_show(session: MentoringSession, ctx: Context, absent: Party = Party.MENTEE) -> Decision:
    """Whether support may mark a session as missed: what greys the button out and refuses the act alike."""
    if session.scheduled_at is None:
        message = "This session has no time yet, so nobody can have missed it."
        return Decision(allowed=False, rule="no_time", message=message, refusal=Refusal.CONFLICT, code="no_time")
    return decide_no_show_by_staff(attendance_facts(session), absent, ctx.now, completed_end=session.ended_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkNoShowPlan:
    """What will happen, shown before and obeyed by the act; ``fingerprint`` is of the facts alone."""

    decision: NoShowDecision
    absent: Party
    notify_parties: bool
    money: Correction
    sentence: str
    button: str
    rows: Sequence[PlanRow]
    fingerprint: str

    @property
    def moves_money(self) -> bool:
        return True


def preview_mark_no_show(
    session_id: UUID, *, absent: Party, notify_parties: bool = True, ctx: Context
) -> MarkNoShowPlan:
    """What marking would do now; nothing is changed.

    :raises NotFound: there is no such session
    :raises Forbidden: the role may not, or it is one's own case
    :raises Conflict: the session has no time yet
    """
    session = load_session_for(ctx, session_id)
    require_staff_for(session, Permission.SESSION_MARK_NO_SHOW, ctx)
    return _plan(session, read_rows(session.id), absent, ctx, notify_parties=notify_parties)


def mark_no_show(
    session_id: UUID,
    *,
    absent: Party,
    reason: str,
    notify_parties: bool = True,
    fingerprint: str | None = None,
    ctx: Context,
) -> MentoringSession:
    """This function will mark a session as missed by one party; a mentor's absence refunds everything (NS-2).

    :param fingerprint: the preview's; None acts without one
    :raises NotFound: there is no such session
    :raises Forbidden: without the permission, or for a party of the session
    :raises InvalidTransition: from any status but scheduled, in progress and completed
    :raises Conflict: not begun yet, or a completed session is older than the dispute window
    :raises StalePreview: the case changed since the preview
    :raises Invalid: the reason cannot be used
    """
    with transaction():
        session = load_for_change(ctx, session_id)
        require_staff_for(session, Permission.SESSION_MARK_NO_SHOW, ctx)
        plan = _plan(session, lock_rows(session), absent, ctx, notify_parties=notify_parties)
        plan.decision.require()
        require_seen(fingerprint, plan.fingerprint)
        text = clean_reason(reason)
        done = conclude_no_show(
            session,
            decision=plan.decision,
            reason=text,
            marked_by=None,
            ctx=ctx,
            notify_parties=notify_parties,
        )
        record_act_on(
            session,
            ACTION,
            reason=text,
            ctx=ctx,
            before=done.previous_status,
            details={
                "absent": absent,
                "refundPercentage": plan.decision.refund_percentage,
                "refundAmount": str(done.money.refund.amount),
                "currency": session.currency,
                "notifyParties": notify_parties,
                "notificationsSent": done.notifications_sent,
            },
        )
        return session


def sentence_of(session: MentoringSession) -> str:
    """What marking brought about, for the toast and the API."""
    absent = session.no_show_party.value if session.no_show_party else "nobody"
    return f"The session counts as missed by the {absent}."


def _plan(
    session: MentoringSession, rows: MoneyRows, absent: Party, ctx: Context, *, notify_parties: bool
) -> MarkNoShowPlan:
    if session.scheduled_at is None:
        raise Conflict("This session has no time yet.", code="no_time")
    decision = decide_no_show_by_staff(attendance_facts(session), absent, ctx.now, completed_end=session.ended_at)
    money = foresee(session, rows, percentage=100 if absent is Party.MENTOR else 0, by_staff=False)
    return MarkNoShowPlan(
        decision=decision,
        absent=absent,
        notify_parties=notify_parties,
        money=money,
        sentence=_sentence(session, absent, money),
        button=f"Mark and refund {format_money(money.refund)}" if money.refund.minor else "Mark as missed",
        rows=_rows(session, absent, money, notify_parties=notify_parties),
        fingerprint=fingerprint_of(
            {
                "act": ACTION,
                "session": session.id,
                "version": session.version,
                "status": session.status,
                "refunds": sorted((str(refund.id), refund.status) for refund in rows.refunds),
                "net": rows.net_minor,
            }
        ),
    )


def _sentence(session: MentoringSession, absent: Party, money: Correction) -> str:
    mentee, mentor = session.mentee.name, session.mentor.name
    who = mentor if absent is Party.MENTOR else mentee
    if not money.paid.minor:
        return f"{who} is marked as absent. Nothing was paid, so no money moves."
    if absent is Party.MENTOR:
        return f"{who} is marked as absent: {format_money(money.refund)} go back to {mentee}, {mentor} is paid nothing."
    return f"{who} is marked as absent: nothing goes back, {mentor} is paid {format_money(money.mentor)}."


def _rows(session: MentoringSession, absent: Party, money: Correction, *, notify_parties: bool) -> list[PlanRow]:
    message = "E-mail and notification" if notify_parties else "Is not told"
    is_mentor = absent is Party.MENTOR
    return [
        PlanRow(
            who=session.mentee.name,
            change="Came" if is_mentor else "Marked as absent",
            money=money.refund if money.refund.minor else None,
            message=message,
        ),
        PlanRow(
            who=session.mentor.name,
            change="Marked as absent" if is_mentor else "Came, is paid",
            money=money.mentor if money.mentor.minor else None,
            message=message,
        ),
    ]
