"""Cancelling a few sessions in one request (SL-3)."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from app.api.fields import Amount, Count, Given, Told, amount
from app.api.schema import api, idempotency_key
from app.domain.permissions import Permission
from app.http.context import current_context
from app.support.bulk_run import MOST_AT_ONCE, Result, cancel_each
from app.support.staff_acts import LONGEST_REASON, SHORTEST_REASON, clean_reason


class BulkCancelGiven(Given):
    ids: list[UUID] = Field(
        min_length=1,
        max_length=MOST_AT_ONCE,
        strict=False,
        description="The sessions; for more than these the console has a page that works through a whole filter.",
    )
    reason: str = Field(min_length=SHORTEST_REASON, max_length=LONGEST_REASON, examples=["The mentor is ill"])
    refund_percentage: Count = Field(100, ge=0, le=100, description="Of what was paid, for each.")
    notify_parties: bool = True


class WhyNot(Told):
    """As the act on one session would have refused it."""

    code: str
    message: str


class CancelResult(Told):
    """What became of one session."""

    id: UUID
    is_cancelled: bool
    refund_amount: Amount | None
    currency: str | None
    awaits_approval: bool = Field(description="The refund waits for a second person.")
    notifications_sent: int
    error: WhyNot | None


class BulkCancelTold(Told):
    cancelled: int
    refused: int
    results: list[CancelResult] = Field(description="In the order of `ids`, each once.")


@api.declare(
    "POST",
    "/admin/sessions/bulk-cancel",
    tag="Staff",
    summary="Force cancel several sessions",
    needs=Permission.SESSION_BULK_CANCEL,
    body=BulkCancelGiven,
    answer=BulkCancelTold,
    is_idempotent=True,
    needs_password=True,
)
def bulk_cancel_sessions(body: BulkCancelGiven) -> BulkCancelTold:
    """Each session by itself: one that is refused keeps no other from being cancelled.

    With the same key, what was cancelled before is told again, and the others are tried again.
    """
    results = cancel_each(
        body.ids,
        reason=clean_reason(body.reason),
        refund_percentage=body.refund_percentage,
        notify_parties=body.notify_parties,
        key=idempotency_key(),
        ctx=current_context(),
    )
    done = sum(result.done is not None for result in results)
    return BulkCancelTold(cancelled=done, refused=len(results) - done, results=[_told(result) for result in results])


def _told(result: Result) -> CancelResult:
    done, refusal = result.done, result.refusal
    return CancelResult(
        id=result.session_id,
        is_cancelled=done is not None,
        refund_amount=amount(done["refund_minor"], done["currency"]) if done else None,
        currency=done["currency"] if done else None,
        awaits_approval=bool(done and done["awaits_approval"]),
        notifications_sent=done["notifications_sent"] if done else 0,
        error=WhyNot(code=refusal.error_code, message=refusal.message) if refusal else None,
    )
