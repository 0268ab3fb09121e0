"""What staff's acts on a session take and answer (ACT-1 to ACT-6, ACT-9)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from uuid import UUID

from pydantic import Field

from app.api.admin_case_answers import StaffSessionTold
from app.api.admin_dispute_answers import PlanLine
from app.api.fields import Count, Given, Instant, Price, Switch, Told, amount
from app.domain.vocabulary import OverrideType, Party, RefundType, SessionStatus
from app.support.act_plan import Plan
from app.support.reassign_session import ReassignPlan
from app.support.staff_acts import LONGEST_REASON, PlanRow


class WhetherOnlyPreview(Given):
    preview: Switch = Field(False, description="Only say what would happen; nothing is changed.")


class ActGiven(Given):
    """What every act takes."""

    reason: str = Field(
        "",
        max_length=LONGEST_REASON,
        description="Needed to act, from 3 characters; a preview goes without.",
        examples=["Both asked for it"],
    )
    notify_parties: bool = True
    fingerprint: str | None = Field(
        None, max_length=64, description="The preview's: the act is refused if the case changed since."
    )


class CancelAct(ActGiven):
    refund_percentage: Count = Field(100, ge=0, le=100, description="Of what was paid.")


class CompleteAct(ActGiven):
    actual_minutes: Count | None = Field(
        None, alias="actualDuration", ge=1, le=1_440, description="Minutes; as planned when left out."
    )


class RefundActGiven(ActGiven):
    type: Literal[RefundType.FULL, RefundType.PARTIAL, RefundType.BONUS] = Field(
        alias="refundType", examples=["partial"], description="`full`: exactly what is left. `bonus`: credit, our cost."
    )
    amount: Price | None = Field(None, description="Needed to act; a preview without it proposes what is left.")


class ReassignAct(ActGiven):
    to: UUID | None = Field(
        None, alias="newMentorId", description="Needed to act; a preview without it proposes the best who is free."
    )


class ClearNoShowAct(ActGiven):
    restore: Literal[SessionStatus.COMPLETED, SessionStatus.CANCELLED] = Field(
        SessionStatus.COMPLETED, alias="restoreStatus"
    )
    refund_percentage: Count = Field(100, ge=0, le=100, description="For `cancelled`.")


class OverrideAct(ActGiven):
    override_type: OverrideType = Field(examples=["allow_cancellation"])
    expires_at: Instant | None = Field(None, description="The session's start when left out.")


class MoveAct(ActGiven):
    starts_at: Instant = Field(description="The new start. Weekly hours do not bind staff; both calendars do.")


class NoShowAct(ActGiven):
    absent: Party = Field(examples=["mentee"])


class MeetingLinkAct(ActGiven):
    url: str = Field(
        "", alias="meetingUrl", max_length=500, description="https only.", examples=["https://meet.example.com/room"]
    )


class CandidateTold(Told):
    """A mentor who is free then, works then and offers such a session."""

    id: UUID
    name: str
    shared: list[str] = Field(description="Topics shared with the mentor so far.")
    rating_average: float | None
    upcoming_sessions: int


class ActPreview(Told):
    """What would happen now."""

    allowed: bool
    message: str = Field(description="What happens, or why it cannot be done.")
    rule: str = Field(description="The rule that decided.")
    needs_approval: bool = Field(description="Money waits for a second person.")
    changes: list[PlanLine]
    fingerprint: str = Field(description="Send it back with the act, so that what was seen is what is done.")
    candidates: list[CandidateTold] | None = Field(description="For a reassignment: best first.")


class ActTold(Told):
    """A preview, or what was done and the session as it is now."""

    is_preview: bool
    preview: ActPreview | None
    message: str | None = Field(description="What was done.")
    session: StaffSessionTold | None


def told_plan(plan: Plan) -> ActPreview:
    """What would happen."""
    return ActPreview(
        allowed=plan.decision.allowed,
        message=plan.sentence if plan.decision.allowed else plan.decision.message,
        rule=plan.decision.rule,
        needs_approval=getattr(plan, "needs_approval", False),
        changes=told_lines(plan.rows),
        fingerprint=plan.fingerprint,
        candidates=_candidates(plan) if isinstance(plan, ReassignPlan) else None,
    )


def told_lines(rows: Iterable[PlanRow]) -> list[PlanLine]:
    """The rows of a plan."""
    return [
        PlanLine(
            who=row.who,
            change=row.change,
            amount=amount(row.money.minor, row.money.currency) if row.money else None,
            message=row.message,
        )
        for row in rows
    ]


def _candidates(plan: ReassignPlan) -> list[CandidateTold]:
    return [
        CandidateTold(
            id=each.mentor_id,
            name=each.name,
            shared=list(each.shared),
            rating_average=each.rating_average,
            upcoming_sessions=each.upcoming_sessions,
        )
        for each in plan.candidates
    ]
