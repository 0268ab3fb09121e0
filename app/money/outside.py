"""Money that moved without the gateway being asked by us: paid from our own bank (MN-8), or taken back there (MN-14).

A refund made at the gateway by hand and a chargeback are the same to our books: money left, nobody here decided it. As
far as something of the payment is left it becomes a refund row like any other, so that limits, shares and summaries
need no second way of thinking; what goes beyond it the platform bears.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from uuid import UUID, uuid4

from sqlalchemy import select

from app.domain.context import Context
from app.domain.errors import Conflict
from app.domain.ledger import LedgerEvent, chargeback, refund_processed, refund_requested, refund_settled_outside
from app.domain.money import Money
from app.domain.permissions import Permission, require
from app.domain.refunds import Split
from app.domain.vocabulary import NotificationType, PaymentState, RefundState, RefundType
from app.domain.wording import format_money
from app.extensions import db
from app.foundation import audit, outbox
from app.foundation.transaction import transaction
from app.integrations.payments.base import GatewayRefund, GatewayRefundState, ListedReturn, ReturnKind
from app.messaging.links import BOOKS
from app.models import LedgerTransaction, MentoringSession, Payment, Refund
from app.money.findings import raise_finding
from app.money.ledger import is_settled, post
from app.money.payments import find_payment
from app.money.refunds import audit_refund_act, load_refund, record_refund_result
from app.money.rows import MoneyRows, keep_summary, lock_rows, lock_session, terms_of
from app.money.telling import tell_refund_arrived, tell_share_fell, tell_support

RETURNED = "returned at the gateway"


@dataclass(frozen=True, slots=True)
class Booked:
    """What became of one return that nobody here had asked for.

    :param refund: the row that stands for it, or the owed one that it settled
    :param borne_minor: what was not there any more to be given back, so that the platform bears it
    """

    gateway_refund_id: str
    refund: Refund | None
    borne_minor: int = 0


def settle_refund_outside(refund_id: UUID, *, reason: str, ctx: Context) -> Refund:
    """This function will record that a refund which failed for good was paid from our own bank (MN-8).

    Ask the gateway first whether its last try arrived after all.

    :param reason: how it was paid, for the audit trail and the ledger
    :raises Forbidden: not an admin
    :raises Conflict: it has not failed
    """
    require(ctx.actor, Permission.REFUND_SETTLE_OUTSIDE)
    with transaction():
        session, rows, refund = load_refund(refund_id)
        if refund.status is not RefundState.FAILED:
            raise Conflict("This refund has not failed. Reload the page to see where it stands.", code="not_failed")
        terms, to_payer = terms_of(session), refund.amount_minor - refund.credit_minor
        write = partial(post, source_id=refund.id, ctx=ctx, session_id=session.id, note=reason)
        write(refund_settled_outside(terms, to_payer))
        write(refund_processed(terms, Split(0, refund.credit_minor)))
        refund.status, refund.processed_at, refund.error = RefundState.PROCESSED, ctx.now, None
        audit_refund_act("ADMIN_REFUND_SETTLED_OUTSIDE", session, refund, reason, ctx)
        keep_summary(session, rows)
        tell_refund_arrived(session, refund, ctx, by_bank=True)
        return refund


def book_returns(reference: str, listed: Iterable[ListedReturn], ctx: Context) -> list[Booked]:
    """This function will book what a gateway gave back without being asked by us, each once (MN-14).

    While an answer to a refund of ours is outstanding, an unknown entry may be that refund: it waits for the next time.
    """
    payment = find_payment(reference)
    if payment is None:
        return []
    with transaction():
        session = lock_session(payment.session_id)
        booked = []
        for each in listed:
            rows = lock_rows(session)
            own = next(row for row in rows.payments if row.reference == reference)
            if _is_to_be_booked(each, own, rows):
                booked.append(_book(session, rows, own, each, ctx))
        return booked


def _is_to_be_booked(each: ListedReturn, payment: Payment, rows: MoneyRows) -> bool:
    if each.state is not GatewayRefundState.PROCESSED or payment.status is not PaymentState.SUCCEEDED:
        return False
    known = {name for refund in rows.refunds for name in (refund.idempotency_key, refund.gateway_refund_id)}
    if known & {each.key, each.gateway_refund_id} or _borne_minor(each.gateway_refund_id) is not None:
        return False
    return not any(
        refund.payment_id == payment.id and refund.status is RefundState.PENDING and refund.attempts
        for refund in rows.refunds
    )


def _borne_minor(gateway_refund_id: str) -> UUID | None:
    found: UUID | None = db.session.scalar(
        select(LedgerTransaction.id).where(
            LedgerTransaction.kind == LedgerEvent.CHARGEBACK.value, LedgerTransaction.source_id == gateway_refund_id
        )
    )
    return found


def _book(session: MentoringSession, rows: MoneyRows, payment: Payment, each: ListedReturn, ctx: Context) -> Booked:
    owed = _owed_by_it(rows, payment, each, ctx)
    if owed is not None:
        result = GatewayRefund(GatewayRefundState.PROCESSED, each.gateway_refund_id)
        booked = Booked(each.gateway_refund_id, record_refund_result(owed.id, result, ctx))
    else:
        booked = _take_back(session, rows, payment, each, ctx)
    audit.record(
        session,
        action="returned_at_gateway",
        ctx=ctx,
        details={
            "kind": each.kind,
            "reference": each.reference,
            "amount_minor": each.amount.minor,
            "borne_minor": booked.borne_minor,
        },
    )
    _give_support_a_task(session, each, booked, ctx)
    return booked


def _owed_by_it(rows: MoneyRows, payment: Payment, each: ListedReturn, ctx: Context) -> Refund | None:
    """The refund that somebody made by hand because ours had failed, or before ours was sent."""
    if each.kind is not ReturnKind.REFUND:
        return None
    for refund in rows.refunds:
        if refund.payment_id != payment.id or refund.amount_minor - refund.credit_minor != each.amount.minor:
            continue
        if refund.status is RefundState.FAILED:
            return refund
        if refund.status is RefundState.PENDING and outbox.withdraw([refund.idempotency_key], ctx=ctx):
            return refund
    return None


def _take_back(
    session: MentoringSession, rows: MoneyRows, payment: Payment, each: ListedReturn, ctx: Context
) -> Booked:
    terms, settled = terms_of(session), is_settled(session.id)
    left = rows.facts(session.currency).left.gateway_minor if rows.paid_by is payment else 0
    shared = min(each.amount.minor, left)
    borne = each.amount.minor - shared
    refund = _row_of(session, payment, each, shared, ctx) if shared else None
    if refund is not None:
        write = partial(post, source_id=refund.id, ctx=ctx, session_id=session.id, note=each.kind.value)
        before = terms.mentor_share(rows.net_minor)
        write(refund_requested(terms, shared, net_before=rows.net_minor, settled=settled))
        write(refund_processed(terms, Split(shared, 0)))
        after = terms.mentor_share(rows.net_minor - shared)
        tell_share_fell(session, Money(before - after, session.currency), each.kind, ctx)
    entry = chargeback(terms, borne, net_before=0, settled=settled)
    post(entry, source_id=each.gateway_refund_id, ctx=ctx, session_id=session.id, note=each.kind.value)
    keep_summary(session, lock_rows(session))
    return Booked(each.gateway_refund_id, refund, borne)


def _row_of(session: MentoringSession, payment: Payment, each: ListedReturn, minor: int, ctx: Context) -> Refund:
    words = "Charged back by the payer's bank" if each.kind is ReturnKind.CHARGEBACK else "Made at the gateway by hand"
    refund = Refund(
        id=uuid4(),
        session_id=session.id,
        payment_id=payment.id,
        amount_minor=minor,
        credit_minor=0,
        currency=session.currency,
        type=RefundType.PARTIAL,
        reason=words,
        status=RefundState.PROCESSED,
        idempotency_key=f"gateway:{each.gateway_refund_id}",
        gateway_refund_id=each.gateway_refund_id,
        attempts=0,
        notify_parties=False,
        created_at=ctx.now,
        processed_at=ctx.now,
    )
    db.session.add(refund)
    db.session.flush()
    return refund


def _give_support_a_task(session: MentoringSession, each: ListedReturn, booked: Booked, ctx: Context) -> None:
    what = "A chargeback" if each.kind is ReturnKind.CHARGEBACK else "A refund made at the gateway by hand"
    says = f"{what} of {format_money(each.amount)} was booked."
    if booked.borne_minor:
        borne = format_money(Money(booked.borne_minor, session.currency))
        says += f" {borne} of it had gone back before, so that the platform bears it."
    raise_finding(
        f"returned:{each.gateway_refund_id}",
        check=RETURNED,
        facts={"what": says, "subject": each.reference, "kind": each.kind, "needs_person": True},
        session_id=session.id,
        ctx=ctx,
    )
    tell_support(
        NotificationType.PAYMENT_FAILED,
        title="Money went back at the gateway",
        body=f"{says} Session “{session.title}”: decide what becomes of it.",
        session_id=session.id,
        action_url=BOOKS,
        ctx=ctx,
    )
