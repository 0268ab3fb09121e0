"""Money that staff decide about: refunds that wait or failed, and payouts (MN-8 to MN-10)."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import Response
from pydantic import Field

from app.api.admin_act_bodies import WhetherOnlyPreview
from app.api.admin_acts import money_given, stale
from app.api.admin_sessions import CappedPagination, NamedPerson
from app.api.fields import Amount, Given, Instant, Paged, Pagination, Price, Told, amount, pagination
from app.api.schema import api, idempotency_key
from app.domain.errors import Invalid, StalePreview
from app.domain.permissions import Permission
from app.domain.vocabulary import RefundState, RefundType
from app.foundation.idempotency import once
from app.http.adapters import adapters
from app.http.context import current_context
from app.money.payouts import (
    PayoutBatch,
    PayoutLine,
    PayoutPlan,
    count_batches,
    payout_batches,
    payout_currencies,
    preview_payouts,
    record_payouts,
    usual_minimum,
)
from app.support.refund_decisions import (
    COUNT_CAP,
    RefundAct,
    RefundCase,
    count_refunds,
    decide_about_refund,
    refund_case,
    refund_cases,
)
from app.support.staff_acts import LONGEST_REASON, SHORTEST_REASON, clean_reason

TAG: Final = "Staff: money"
_OVER: Final = frozenset({RefundState.PROCESSED, RefundState.DECLINED})
_LINES: Final = 500


class WhichRefunds(Paged):
    status: RefundState = Field(RefundState.AWAITING_APPROVAL, description="One state; the others are asked for alike.")


class RefundDecisionGiven(Given):
    reason: str = Field(
        min_length=SHORTEST_REASON,
        max_length=LONGEST_REASON,
        description="For the audit trail; the mentee never reads it.",
        examples=["The case is clear"],
    )


class RefundChoice(Told):
    """One thing that your role may decide about a refund."""

    action: RefundAct
    why_not: str | None = Field(description="Why it cannot be done now; null when it can.")


class RefundTold(Told):
    """One refund with what a decision about it needs."""

    id: UUID
    session_id: UUID
    session_title: str
    mentor: NamedPerson
    mentee: NamedPerson
    status: RefundState
    type: RefundType
    amount: Amount = Field(description="All of it, credit included.")
    credit_amount: Amount = Field(description="The part that goes to the mentee's credit.")
    currency: str
    session_rate: Amount
    reason: str
    by_staff: bool
    requested_by: NamedPerson | None
    approved_by: UUID | None
    attempts: int
    error: str | None = Field(description="The gateway's own words, or why it was declined.")
    created_at: Instant
    decided_at: Instant | None
    processed_at: Instant | None
    decisions: list[RefundChoice]


class RefundsTold(Told):
    refunds: list[RefundTold]
    pagination: CappedPagination


class NewPayout(Given):
    currency: str = Field(min_length=3, max_length=3, examples=["EUR"])
    minimum: Price | None = Field(None, description="Less than this is not sent; ten whole units when left out.")
    reference: str = Field("", max_length=60, description="The bank's, or whatever names the transfer.")
    reason: str = Field("", max_length=LONGEST_REASON, description="Needed to act; a preview goes without.")
    fingerprint: str | None = Field(None, max_length=64, description="The preview's. Needed to act.")


class PayoutLineTold(Told):
    mentor: NamedPerson
    available: Amount
    why_not: str | None = Field(description="Why nothing is sent; null when it is.")


class PayoutPreview(Told):
    currency: str
    minimum: Amount
    total: Amount
    count: int = Field(description="How many mentors are sent something.")
    sent: list[PayoutLineTold] = Field(description=f"By name, the first {_LINES}.")
    left: list[PayoutLineTold] = Field(description=f"Who is sent nothing, by name, the first {_LINES}.")
    fingerprint: str


class BatchTold(Told):
    """What was recorded in one go."""

    id: UUID
    total: Amount
    currency: str
    count: int = Field(description="How many mentors.")
    recorded_at: Instant
    recorded_by: str | None


class BatchesTold(Told):
    batches: list[BatchTold] = Field(description="The latest first.")
    currencies: list[str] = Field(description="In which mentors have ever earned.")
    pagination: Pagination


class PayoutRecordTold(Told):
    """A preview, or what was recorded."""

    is_preview: bool
    preview: PayoutPreview | None
    batch: BatchTold | None


@api.declare(
    "GET",
    "/admin/refunds",
    tag=TAG,
    summary="Refunds of one state",
    needs=Permission.REFUND_VIEW,
    query=WhichRefunds,
    answer=RefundsTold,
)
def admin_refunds(query: WhichRefunds) -> RefundsTold:
    """Those that wait longest first; those that are over latest first."""
    cases = refund_cases(
        query.status,
        ctx=current_context(),
        page=query.page,
        size=query.limit,
        newest_first=query.status in _OVER,
    )
    total = count_refunds(query.status)
    told = pagination(query.page, query.limit, min(total, COUNT_CAP))
    return RefundsTold(
        refunds=[_refund(case) for case in cases],
        pagination=CappedPagination(**dict(told), is_at_least=total > COUNT_CAP),
    )


def _declare_decision(act: RefundAct, summary: str, note: str, needs: Permission, conflicts: str) -> None:
    def decide(refund_id: UUID, body: RefundDecisionGiven) -> RefundTold:
        ctx = current_context()

        def run() -> dict[str, object]:
            decide_about_refund(refund_id, act, reason=body.reason, gateway=adapters().gateway, ctx=ctx)
            return {}

        once(idempotency_key(), scope=f"refund {act} {refund_id}", body=body.model_dump(), ctx=ctx, run=run)
        return _refund(refund_case(refund_id, act, ctx=ctx))

    decide.__name__ = f"{act.value}_admin_refund"
    decide.__doc__ = note
    api.declare(
        "POST",
        f"/admin/refunds/<uuid:refund_id>/{act.value}",
        tag=TAG,
        summary=summary,
        needs=needs,
        body=RefundDecisionGiven,
        answer=RefundTold,
        is_idempotent=True,
        needs_password=True,
        refusals={403: "`own_case`; `own_request`: a second person has to decide", 409: f"{conflicts}; `busy`"},
    )(decide)


_declare_decision(
    RefundAct.APPROVE,
    "Approve a refund",
    "Of somebody else's; it goes its way, and those concerned are told.",
    Permission.REFUND_APPROVE,
    "`decided_already`; `less_is_left`: decline it, and refund what is left",
)
_declare_decision(
    RefundAct.DECLINE,
    "Decline a refund",
    "Nothing moves, and the mentee never hears of it.",
    Permission.REFUND_APPROVE,
    "`decided_already`",
)
_declare_decision(
    RefundAct.RETRY,
    "Try a failed refund again",
    "Under its one key, so that the gateway cannot pay twice.",
    Permission.REFUND_RETRY,
    "`not_failed`",
)


@api.declare(
    "GET",
    "/admin/payouts",
    tag=TAG,
    summary="Batches of payouts",
    needs=Permission.PAYOUT_VIEW,
    query=Paged,
    answer=BatchesTold,
)
def admin_payouts(query: Paged) -> BatchesTold:
    return BatchesTold(
        batches=[_batch(each) for each in payout_batches(limit=query.limit, offset=(query.page - 1) * query.limit)],
        currencies=payout_currencies(),
        pagination=pagination(query.page, query.limit, count_batches()),
    )


@api.declare(
    "POST",
    "/admin/payouts",
    tag=TAG,
    summary="Record a batch of payouts",
    needs=Permission.PAYOUT_RECORD,
    query=WhetherOnlyPreview,
    body=NewPayout,
    answer=PayoutRecordTold,
    is_idempotent=True,
    needs_password=True,
    refusals={
        409: "`nothing_to_pay_out`; `stale_version`: balances changed since the preview, and `details.preview` says "
        "what would be sent now; `busy`"
    },
)
def record_admin_payouts(query: WhetherOnlyPreview, body: NewPayout) -> PayoutRecordTold | Response:
    """What mentors have available is sent and each is told. With `preview=true` nothing is recorded."""
    ctx = current_context()
    if body.currency not in payout_currencies():
        message = "No mentor has earned in this currency."
        raise Invalid(message, fields={"currency": message})
    minimum = (
        usual_minimum(body.currency)
        if body.minimum is None
        else money_given(body.minimum, body.currency, field="minimum")
    )
    if query.preview:
        seen = _previewed(preview_payouts(body.currency, minimum=minimum, ctx=ctx))
        return PayoutRecordTold(is_preview=True, preview=seen, batch=None)
    fingerprint, reason = body.fingerprint, clean_reason(body.reason)
    if fingerprint is None:
        message = "Look at the preview first, and send its fingerprint."
        raise Invalid(message, fields={"fingerprint": message})

    def run() -> dict[str, object]:
        done = record_payouts(
            body.currency, minimum=minimum, reference=body.reference, fingerprint=fingerprint, reason=reason, ctx=ctx
        )
        return {"id": done.id, "total": done.total.minor, "count": done.count, "at": done.recorded_at}

    try:
        result, _ = once(idempotency_key(), scope="payouts", body=body.model_dump(mode="json"), ctx=ctx, run=run)
    except StalePreview as changed:
        return stale(changed, _previewed(preview_payouts(body.currency, minimum=minimum, ctx=ctx)))
    batch = BatchTold.model_validate(
        {
            "id": UUID(str(result["id"])),
            "total": amount(result["total"], body.currency),
            "currency": body.currency,
            "count": result["count"],
            "recorded_at": result["at"],
            "recorded_by": ctx.actor.name,
        }
    )
    return PayoutRecordTold(is_preview=False, preview=None, batch=batch)


def _refund(case: RefundCase) -> RefundTold:
    refund, session, asked_by = case.refund, case.session, case.asked_by
    return RefundTold(
        id=refund.id,
        session_id=session.id,
        session_title=session.title,
        mentor=NamedPerson(id=session.mentor_id, name=session.mentor.name),
        mentee=NamedPerson(id=session.mentee_id, name=session.mentee.name),
        status=refund.status,
        type=refund.type,
        amount=case.amount.amount,
        credit_amount=amount(refund.credit_minor, refund.currency),
        currency=refund.currency,
        session_rate=case.price.amount,
        reason=refund.reason,
        by_staff=refund.by_staff,
        requested_by=NamedPerson(id=asked_by.id, name=asked_by.name) if asked_by else None,
        approved_by=refund.approved_by,
        attempts=refund.attempts,
        error=refund.error,
        created_at=refund.created_at,
        decided_at=refund.decided_at,
        processed_at=refund.processed_at,
        decisions=[
            # Settling outside asks the gateway first, and is done in the console.
            RefundChoice(action=act, why_not=words)
            for act, words in case.why_not.items()
            if act is not RefundAct.SETTLE
        ],
    )


def _batch(batch: PayoutBatch) -> BatchTold:
    return BatchTold(
        id=batch.id,
        total=batch.total.amount,
        currency=batch.total.currency,
        count=batch.count,
        recorded_at=batch.recorded_at,
        recorded_by=batch.recorded_by,
    )


def _previewed(plan: PayoutPlan) -> PayoutPreview:
    return PayoutPreview(
        currency=plan.currency,
        minimum=plan.minimum.amount,
        total=plan.total.amount,
        count=len(plan.sent),
        sent=[_line(each) for each in plan.sent[:_LINES]],
        left=[_line(each) for each in plan.left[:_LINES]],
        fingerprint=plan.fingerprint,
    )


def _line(line: PayoutLine) -> PayoutLineTold:
    return PayoutLineTold(
        mentor=NamedPerson(id=line.mentor.id, name=line.mentor.name),
        available=line.available.amount,
        why_not=line.why_not or None,
    )
