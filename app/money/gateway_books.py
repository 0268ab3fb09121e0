"""The gateway's own lists beside ours (MN-11). Reading them is the network's; comparing is a transaction's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from app.domain.ledger import LedgerEvent
from app.domain.money import Money
from app.domain.vocabulary import PaymentState, RefundState
from app.extensions import db
from app.integrations.payments.base import Charge, ChargeState, GatewayRefundState, ListedReturn, PaymentGateway
from app.models import LedgerPosting, LedgerTransaction, Payment, Refund
from app.money.checks import Problem

SAYS: Final = "the gateway's books and ours agree"
INVARIANT: Final = "MN-11"
# What the gateway has done may be on its way to us for so long (I-4 of the reconciliation's rules).
_ON_ITS_WAY: Final = timedelta(minutes=15)
# A gateway's list may begin by another clock than ours.
_MARGIN: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class GatewayBooks:
    """What a gateway said when it was asked for everything ``since``."""

    gateway: str
    since: datetime
    charges: Mapping[str, Charge]
    returns: Mapping[str, Sequence[ListedReturn]]


@dataclass(frozen=True, slots=True)
class _Ours:
    """What our books say beside it."""

    payments: Mapping[str, Payment]
    refunds: Mapping[str, Sequence[Refund]]
    settled_outside: frozenset[str]
    borne: Mapping[str, int]


def read_books(gateway: PaymentGateway, *, since: datetime) -> GatewayBooks:
    """This function will ask the gateway for its lists; outside any transaction.

    :raises ProviderFailed: it did not answer
    """
    returns: defaultdict[str, list[ListedReturn]] = defaultdict(list)
    for each in gateway.list_returns(since=since):
        returns[each.reference].append(each)
    charges = {charge.reference: charge for charge in gateway.list_charges(since=since)}
    return GatewayBooks(gateway.name, since, charges, returns)


def compare_books(books: GatewayBooks, *, now: datetime) -> list[Problem]:
    """This function will lay the gateway's books beside ours, and name every disagreement (MN-11).

    What happened there in the last quarter of an hour may still be on its way to us and is no disagreement.
    """
    ours = _read_ours(books)
    problems = [
        Problem(reference, "we have it as paid, the gateway does not know it")
        for reference, payment in ours.payments.items()
        if payment.status is PaymentState.SUCCEEDED
        and payment.created_at >= books.since + _MARGIN
        and reference not in books.charges
    ]
    for reference in sorted(books.charges):
        problems += _compare(books, ours, reference, now)
    return problems


def _read_ours(books: GatewayBooks) -> _Ours:
    payments = db.session.scalars(select(Payment).where(Payment.gateway == books.gateway))
    refunds: defaultdict[str, list[Refund]] = defaultdict(list)
    for refund, reference in db.session.execute(
        select(Refund, Payment.reference)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Payment.gateway == books.gateway)
    ):
        refunds[reference].append(refund)
    outside = db.session.scalars(
        select(LedgerTransaction.source_id).where(LedgerTransaction.kind == LedgerEvent.REFUND_SETTLED_OUTSIDE.value)
    )
    borne = db.session.execute(
        select(LedgerTransaction.source_id, LedgerPosting.amount_minor)
        .join(LedgerPosting, LedgerPosting.transaction_id == LedgerTransaction.id)
        .where(LedgerTransaction.kind == LedgerEvent.CHARGEBACK.value, LedgerPosting.amount_minor > 0)
    )
    return _Ours(
        {payment.reference: payment for payment in payments},
        refunds,
        frozenset(outside),
        {row.source_id: row.amount_minor for row in borne},
    )


def _compare(books: GatewayBooks, ours: _Ours, reference: str, now: datetime) -> Iterator[Problem]:
    charge, payment = books.charges[reference], ours.payments.get(reference)
    is_paid = charge.state is ChargeState.SUCCEEDED
    if payment is None:
        if is_paid:
            yield Problem(reference, "the gateway has it as paid, we do not know it")
        return
    recent = payment.updated_at > now - _ON_ITS_WAY
    asked = Money(payment.amount_minor, payment.currency)
    if payment.status is PaymentState.SUCCEEDED and not is_paid:
        yield Problem(reference, f"we have it as paid, the gateway as {charge.state.value}")
    elif is_paid and payment.status is not PaymentState.SUCCEEDED and (payment.flagged_reason or not recent):
        flag = f", flagged: {payment.flagged_reason}" if payment.flagged_reason else ""
        yield Problem(reference, f"the gateway has it as paid, we as {payment.status.value}{flag}")
    if is_paid and asked != charge.amount:
        yield Problem(reference, f"we asked for {asked}, the gateway took {charge.amount}")
    left = list(books.returns.get(reference, ()))
    for refund in ours.refunds.get(reference, ()):
        entry = next((each for each in left if _is_same(refund, each)), None)
        if entry is not None:
            left.remove(entry)
        yield from _compare_refund(reference, refund, entry, ours)
    for each in left:
        if each.state is GatewayRefundState.PROCESSED and ours.borne.get(each.gateway_refund_id) != each.amount.minor:
            yield Problem(
                reference, f"the gateway paid back {each.amount} under {each.gateway_refund_id}, we know of no such"
            )


def _is_same(refund: Refund, entry: ListedReturn) -> bool:
    return refund.idempotency_key == entry.key or refund.gateway_refund_id == entry.gateway_refund_id


def _compare_refund(reference: str, refund: Refund, entry: ListedReturn | None, ours: _Ours) -> Iterator[Problem]:
    asked = refund.amount_minor - refund.credit_minor
    if entry is None:
        is_outside = str(refund.id) in ours.settled_outside
        if refund.status is RefundState.PROCESSED and asked and not is_outside:
            yield Problem(reference, f"refund {refund.id} of {asked} is processed, the gateway knows nothing of it")
        return
    given = entry.amount.minor - ours.borne.get(entry.gateway_refund_id, 0)
    if given != asked:
        yield Problem(reference, f"refund {refund.id} is {asked}, the gateway paid back {given}")
    is_gone = entry.state is GatewayRefundState.PROCESSED
    if is_gone and refund.status in {RefundState.FAILED, RefundState.DECLINED}:
        yield Problem(reference, f"refund {refund.id} is {refund.status.value}, the gateway paid it back")
    if is_gone and str(refund.id) in ours.settled_outside:
        yield Problem(reference, f"refund {refund.id} was settled outside, the gateway paid it back as well")
    if refund.status is RefundState.PROCESSED and not is_gone:
        yield Problem(reference, f"refund {refund.id} is processed, the gateway has it as {entry.state.value}")
