"""What the caller may do with a booking now, and what would follow (WHY-1, CX-3)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field
from pydantic.alias_generators import to_camel

from app.api.booking_answers import BookingTold
from app.api.booking_reading import done_once
from app.api.bookings import TAG
from app.api.fields import Amount, Count, Given, Told
from app.api.schema import SIGNED_IN, api, idempotency_key
from app.booking.access import load_session_for
from app.booking.complete import complete_session
from app.booking.decisions import decisions_for
from app.booking.review import review_session
from app.domain.attendance import NoShowDecision
from app.domain.cancellation import CancellationDecision
from app.domain.decision import Decision
from app.domain.permissions import Permission
from app.domain.reviewing import COMMENT_MAX
from app.foundation.idempotency import once
from app.http.context import current_context


class DecisionTold(Told):
    """One action: allowed or not, by which rule, and what would follow."""

    allowed: bool
    rule: str = Field(description="The name of the rule that decided. It stays.")
    message: str = Field(description="The answer in plain words.")
    next_change: str | None = Field(description="The nearest thing that would have changed the answer.")
    numbers: dict[str, Any] = Field(description="The inputs that mattered; lengths of time in seconds.")
    refund_percentage: int | None = Field(description="Of what was paid. For `cancel` and `noShow` only.")
    refund_amount: Amount | None = Field(description="What would go back, in the booking's currency.")
    reason_required: bool | None = Field(description="Whether a reason has to be chosen. For `cancel` only.")


class DecisionsTold(Told):
    decisions: dict[str, DecisionTold] = Field(
        description="By action: `pay`, `cancel`, `join`, `review`, `approve`, `reject`, `complete`, `noShow`, "
        "`acceptReassignment`, `rejectReassignment`, `selectAlternativeMentor`, `declineReassignment`, "
        "`reschedule`; and while another time is on the table `acceptReschedule`, `counterReschedule`, "
        "`rejectReschedule`, `cancelInsteadOfReschedule`, `withdrawReschedule`."
    )
    currency: str


class Review(Given):
    rating: Count = Field(ge=1, le=5, description="Stars.", examples=[5])
    comment: str = Field("", max_length=COMMENT_MAX, examples=["Clear and kind."])


class ReviewTold(Told):
    id: UUID
    rating: int
    comment: str


@api.declare(
    "GET",
    "/bookings/<uuid:session_id>/decisions",
    tag=TAG,
    summary="What you may do now, and what would follow",
    needs=SIGNED_IN,
    answer=DecisionsTold,
)
def booking_decisions(session_id: UUID) -> DecisionsTold:
    """The same decisions that the actions obey. Empty for staff, who act in the console."""
    ctx = current_context()
    session = load_session_for(ctx, session_id)
    return DecisionsTold(
        decisions={action: _told(decision) for action, decision in decisions_for(session, ctx).items()},
        currency=session.currency,
    )


@api.declare(
    "POST",
    "/bookings/<uuid:session_id>/complete",
    tag=TAG,
    summary="Complete a session that is over",
    needs=Permission.OWN_SESSION_COMPLETE,
    answer=BookingTold,
    is_idempotent=True,
    refusals={409: "`invalid_transition` and others: it is not over, not paid, or completed already; `busy`"},
)
def complete_booking(session_id: UUID) -> BookingTold:
    """For its mentor. The clock does it some time after the end by itself."""
    return done_once("complete", session_id, None, lambda ctx: complete_session(session_id, ctx=ctx))


@api.declare(
    "POST",
    "/bookings/<uuid:session_id>/review",
    tag=TAG,
    summary="Rate a completed session",
    needs=SIGNED_IN,
    body=Review,
    answer=ReviewTold,
    status=201,
    is_idempotent=True,
    refusals={
        409: "`invalid_transition`: it is not completed; `busy`",
        422: "`policy_refused`: the time to review has passed",
    },
)
def review_booking(session_id: UUID, body: Review) -> ReviewTold:
    """A second one changes the first. A mentee's is read by others, a mentor's stays private."""
    ctx = current_context()

    def run() -> dict[str, object]:
        review = review_session(session_id, rating=body.rating, comment=body.comment, ctx=ctx)
        return {"id": review.id, "rating": review.rating, "comment": review.comment}

    result, _ = once(idempotency_key(), scope=f"review {session_id}", body=body.model_dump(), ctx=ctx, run=run)
    return ReviewTold(id=UUID(result["id"]), rating=result["rating"], comment=result["comment"])


def _told(decision: Decision) -> DecisionTold:
    snapshot = decision.snapshot()
    cancels = decision if isinstance(decision, CancellationDecision) else None
    return DecisionTold(
        allowed=decision.allowed,
        rule=decision.rule,
        message=decision.message,
        next_change=decision.next_change,
        numbers={to_camel(name): value for name, value in snapshot["numbers"].items()},
        refund_percentage=_percentage(decision),
        refund_amount=cancels.refund.amount if cancels and cancels.refund else None,
        reason_required=cancels.reason_required if cancels else None,
    )


def _percentage(decision: Decision) -> int | None:
    if isinstance(decision, CancellationDecision | NoShowDecision):
        return decision.refund_percentage
    return None
