"""What the caller may do with a session now, and what would follow: the same answers that the actions obey (WHY-1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from app.booking.holds import UNPAID
from app.booking.no_show import decide_report
from app.booking.reschedule_decisions import decide_moving
from app.booking.session_facts import SessionFacts, facts_of, facts_of_all, reassignment_facts
from app.domain.attendance import decide_completion_by_mentor
from app.domain.cancellation import decide_cancellation
from app.domain.context import Context
from app.domain.decision import Decision, Refusal
from app.domain.joining import decide_join
from app.domain.permissions import Permission, may
from app.domain.reassignment import ReassignmentAnswer, decide_answer
from app.domain.requests import decide_review, is_due
from app.domain.reviewing import decide_review_window
from app.domain.vocabulary import Party, SessionStatus
from app.models import MentoringSession

PAY: Final = "pay"
CANCEL: Final = "cancel"
APPROVE: Final = "approve"
REJECT: Final = "reject"
JOIN: Final = "join"
COMPLETE: Final = "complete"
REVIEW: Final = "review"
NO_SHOW: Final = "noShow"
ACCEPT_REASSIGNMENT: Final = "acceptReassignment"
REJECT_REASSIGNMENT: Final = "rejectReassignment"
SELECT_ALTERNATIVE: Final = "selectAlternativeMentor"
DECLINE_REASSIGNMENT: Final = "declineReassignment"
_REASSIGNMENT: Final = {
    ACCEPT_REASSIGNMENT: ReassignmentAnswer.ACCEPT,
    REJECT_REASSIGNMENT: ReassignmentAnswer.REJECT,
    SELECT_ALTERNATIVE: ReassignmentAnswer.CHOOSE,
    DECLINE_REASSIGNMENT: ReassignmentAnswer.DECLINE,
}

# An action that a role may never ask for is not decided at all, and so never offered.
_ACTIONS: Final[Mapping[Party, Mapping[str, Permission]]] = {
    Party.MENTEE: {
        PAY: Permission.OWN_BOOKING_PAY,
        JOIN: Permission.OWN_SESSION_JOIN,
        NO_SHOW: Permission.OWN_SESSION_REPORT_NO_SHOW,
        CANCEL: Permission.OWN_SESSION_CANCEL,
        REVIEW: Permission.OWN_REVIEW_WRITE,
        ACCEPT_REASSIGNMENT: Permission.OWN_REASSIGNMENT_ANSWER,
        SELECT_ALTERNATIVE: Permission.OWN_REASSIGNMENT_ANSWER,
        REJECT_REASSIGNMENT: Permission.OWN_REASSIGNMENT_ANSWER,
    },
    Party.MENTOR: {
        APPROVE: Permission.OWN_REQUEST_REVIEW,
        REJECT: Permission.OWN_REQUEST_REVIEW,
        JOIN: Permission.OWN_SESSION_JOIN,
        COMPLETE: Permission.OWN_SESSION_COMPLETE,
        NO_SHOW: Permission.OWN_SESSION_REPORT_NO_SHOW,
        CANCEL: Permission.OWN_SESSION_CANCEL,
        REVIEW: Permission.OWN_RATING_GIVE,
        DECLINE_REASSIGNMENT: Permission.OWN_REASSIGNMENT_DECLINE,
    },
}


def decisions_for(session: MentoringSession, ctx: Context) -> dict[str, Decision]:
    """Every action of the caller's side of this session, allowed or not and why; empty for anybody but its parties."""
    return decide_all(facts_of(session), ctx)


def decisions_for_all(sessions: Iterable[MentoringSession], ctx: Context) -> dict[UUID, dict[str, Decision]]:
    """The same for a page of sessions, in six statements whatever their number."""
    return {key: decide_all(facts, ctx) for key, facts in facts_of_all(sessions).items()}


def decide_all(facts: SessionFacts, ctx: Context) -> dict[str, Decision]:
    """The same from facts that are loaded already."""
    party = side_of(facts.session, ctx)
    if party is None:
        return {}
    found = {
        action: _decide(action, facts, party, ctx)
        for action, permission in _ACTIONS[party].items()
        if may(ctx.actor.role, permission)
    }
    if may(ctx.actor.role, Permission.OWN_RESCHEDULE_NEGOTIATE):
        found |= decide_moving(facts, party, ctx)
    return found


def side_of(session: MentoringSession, ctx: Context) -> Party | None:
    """Which side of the session the caller is; None for staff and the product itself."""
    if ctx.actor.user_id == session.mentee_id:
        return Party.MENTEE
    # A mentor who gave it up is history (RA-2).
    is_mentor = ctx.actor.user_id == session.mentor_id and session.mentor_id not in session.cancelled_mentor_ids
    return Party.MENTOR if is_mentor else None


def decide_payable(session: MentoringSession, ctx: Context) -> Decision:
    """Whether the session awaits the mentee's payment now (BK-3, BK-6)."""
    numbers = {"status": session.status, "payment_status": session.payment_status, "until": session.hold_expires_at}
    awaits = session.status in {SessionStatus.DRAFT, SessionStatus.SCHEDULED} and session.payment_status in UNPAID
    if not awaits:
        message, code = "This session awaits no payment.", "nothing_to_pay"
    elif is_due(session.hold_expires_at, ctx.now):
        message = "The time to pay has passed, and the slot is free for others again. Choose a time once more."
        code = "hold_expired"
    else:
        return Decision(allowed=True, rule="awaits_payment", message="This session can be paid.", numbers=numbers)
    return Decision(allowed=False, rule=code, message=message, numbers=numbers, refusal=Refusal.CONFLICT, code=code)


def _decide(action: str, facts: SessionFacts, party: Party, ctx: Context) -> Decision:
    session = facts.session
    match action:
        case "pay":
            return decide_payable(session, ctx)
        case "cancel":
            return decide_cancellation(facts.for_cancelling(now=ctx.now), party, ctx.now)
        case "join":
            return decide_join(facts.for_joining(), ctx.now)
        case "review":
            return decide_review_window(
                status=session.status, ended_at=session.ended_at, policies=facts.policies, now=ctx.now
            )
        case "complete":
            return _completion(facts, ctx)
        case "noShow":
            return decide_report(facts, party, ctx)
        case _ if action in _REASSIGNMENT:
            # Whom the mentee chooses is asked once there is a choice.
            return decide_answer(reassignment_facts(session), _REASSIGNMENT[action], ctx.now, chosen=UUID(int=0))
        case _:
            return decide_review(
                status=session.status,
                deadline=session.approval_deadline or session.updated_at,
                approves=action == APPROVE,
                # Whether there is a reason is asked when there is a form.
                reason="to be given",
                now=ctx.now,
                has_proposal=facts.open_talk(ctx.now) is not None,
            )


def _completion(facts: SessionFacts, ctx: Context) -> Decision:
    if facts.session.scheduled_at is None:
        return Decision(
            allowed=False,
            rule="no_time",
            message="This session has no time yet.",
            refusal=Refusal.CONFLICT,
        )
    return decide_completion_by_mentor(facts.for_attending(), ctx.now)
