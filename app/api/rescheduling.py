"""Asking for another time, and answering (RS)."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from app.api.booking_answers import BookingTold
from app.api.booking_reading import tell
from app.api.bookings import TAG
from app.api.fields import Count, Given, Instant
from app.api.schema import api, idempotency_key
from app.booking.access import load_session_for
from app.booking.reschedule import REASON_MAX, counter_propose, propose
from app.booking.reschedule_answers import accept, cancel_session_instead, reject, withdraw
from app.domain.errors import Invalid
from app.domain.permissions import Permission
from app.domain.rescheduling import RescheduleAnswer
from app.foundation.idempotency import once
from app.http.context import current_context

_NEEDS = Permission.OWN_RESCHEDULE_NEGOTIATE
_CLOSED = "`proposal_closed`, `proposal_expired`: reload; `not_your_turn`; `busy`"


class Proposal(Given):
    proposed_time: Instant = Field(description="A free start on the mentor's grid.", examples=["2028-03-02T10:00:00Z"])
    proposed_duration: Count | None = Field(
        None, ge=5, le=1_440, description="Minutes, as the offering has them. Left out: as it is."
    )
    reason: str = Field("", max_length=REASON_MAX, description="The other side reads it.")


class Answer(Given):
    request_id: UUID = Field(description="`pendingRescheduleRequestId` of the booking, as you read it.")
    action: RescheduleAnswer = Field(description="`withdraw` has an endpoint of its own.", examples=["accept"])
    counter_proposed_time: Instant | None = Field(None, description="Needed with `counter_propose`.")
    cancellation_reason: str = Field("", max_length=REASON_MAX, description="With `cancel_session`.")


@api.declare(
    "POST",
    "/bookings/<uuid:session_id>/reschedule",
    tag=TAG,
    summary="Ask for another time",
    needs=_NEEDS,
    body=Proposal,
    answer=BookingTold,
    status=201,
    is_idempotent=True,
    refusals={
        409: "`slot_taken`: `details.nearest` lists free starts; `proposal_open`, `reassignment_open`, `payment_due`, "
        "`session_started`, `invalid_transition`; `busy`",
        422: "`policy_refused`: `reschedule_cutoff` or `reschedule_limit`, in `details.rule`",
    },
)
def ask_to_move(session_id: UUID, body: Proposal) -> BookingTold:
    """The time is held until the other side has answered, or the time to answer is over."""
    ctx = current_context()

    def run() -> dict[str, object]:
        propose(
            session_id,
            proposed_time=body.proposed_time,
            proposed_duration=body.proposed_duration,
            reason=body.reason,
            ctx=ctx,
        )
        return {}

    once(idempotency_key(), scope=f"reschedule {session_id}", body=body.model_dump(mode="json"), ctx=ctx, run=run)
    return tell(load_session_for(ctx, session_id), ctx)


@api.declare(
    "POST",
    "/bookings/<uuid:session_id>/reschedule/respond",
    tag=TAG,
    summary="Answer a proposal of another time",
    needs=_NEEDS,
    body=Answer,
    answer=BookingTold,
    is_idempotent=True,
    refusals={
        403: "`not_for_this_side`: the mentor declines, the mentee whose mentor asked cancels",
        409: f"{_CLOSED}; `slot_taken`: `details.nearest` lists free starts, and the proposal stays open",
        422: "`policy_refused`: `counter_limit`",
    },
)
def answer_move(session_id: UUID, body: Answer) -> BookingTold:
    """For the side whose turn it is. `cancel_session` gives everything back."""
    ctx = current_context()

    def run() -> dict[str, object]:
        _answer(session_id, body)
        return {}

    once(idempotency_key(), scope=f"respond {session_id}", body=body.model_dump(mode="json"), ctx=ctx, run=run)
    return tell(load_session_for(ctx, session_id), ctx)


@api.declare(
    "POST",
    "/bookings/<uuid:session_id>/reschedule/withdraw",
    tag=TAG,
    summary="Withdraw your proposal of another time",
    needs=_NEEDS,
    answer=BookingTold,
    refusals={403: "`not_for_this_side`: the other side began it", 409: _CLOSED},
)
def withdraw_move(session_id: UUID) -> BookingTold:
    """At any turn, for the side that began. The session stays where it was."""
    ctx = current_context()
    withdraw(session_id, ctx=ctx)
    return tell(load_session_for(ctx, session_id), ctx)


def _answer(session_id: UUID, body: Answer) -> None:
    ctx = current_context()
    match body.action:
        case RescheduleAnswer.ACCEPT:
            accept(session_id, request_id=body.request_id, ctx=ctx)
        case RescheduleAnswer.REJECT:
            reject(session_id, request_id=body.request_id, ctx=ctx)
        case RescheduleAnswer.WITHDRAW:
            withdraw(session_id, request_id=body.request_id, ctx=ctx)
        case RescheduleAnswer.CANCEL_SESSION:
            cancel_session_instead(session_id, request_id=body.request_id, reason=body.cancellation_reason, ctx=ctx)
        case RescheduleAnswer.COUNTER_PROPOSE:
            if body.counter_proposed_time is None:
                message = "Say which time you propose instead."
                raise Invalid(message, fields={"counterProposedTime": message})
            counter_propose(session_id, request_id=body.request_id, proposed_time=body.counter_proposed_time, ctx=ctx)
