"""Refunds and payments at the gateway: the doors' half of what ``money`` and ``booking`` decide and record (MN)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from flask import current_app

from app.booking.pay import settle_payment
from app.domain.context import PAYMENT, Context
from app.domain.errors import NotFound
from app.foundation.outbox import Work
from app.http.adapters import adapters
from app.integrations.payments.sandbox import SandboxGateway
from app.integrations.payments.sandbox_delivery import deliver
from app.money.outside import book_returns
from app.money.reconciliation import reconcile
from app.money.sending import give_up_refund, handle_refund_send
from app.money.webhooks import event_done

_log = structlog.get_logger(__name__)


def send_refund(work: Work, ctx: Context) -> Callable[[], None] | None:
    """Have the gateway pay a refund back, with the refund's one key (MN-6).

    :raises ProviderFailed: to be tried again; the gateway's books are asked before anything is repeated
    """
    return handle_refund_send(work, ctx, adapters().gateway)


def refund_failed(work: Work, error: str, is_final: bool, ctx: Context) -> None:  # noqa: FBT001 - the shape of every such function
    """After the last try the refund is support's (MN-8)."""
    if is_final:
        give_up_refund(work, error, ctx)


def verify_payment(work: Work, ctx: Context) -> Callable[[], None]:
    """Re-read a payment that a webhook told of, and do what follows from it (MN-3, BK-7).

    The payment records itself, harmlessly twice; what is given notes on the event what it came to.

    News of money that went back has the gateway's list of it read as well (MN-14).

    :raises ProviderFailed: the gateway did not answer
    """
    try:
        settled = settle_payment(work.payload["reference"], gateway=adapters().gateway, ctx=ctx.acting_as(PAYMENT))
    except NotFound:
        # An event about somebody else's payment at the same gateway.
        _log.warning("unknown_payment", reference=work.payload["reference"])
        outcome = "unknown_payment"
    else:
        _log.info("payment_verified", outcome=settled.payment.value, status=settled.status.value)
        outcome = settled.payment.value
        if work.payload.get("returns"):
            listed = adapters().gateway.returns_of(work.payload["reference"])
            if book_returns(work.payload["reference"], listed, ctx.acting_as(PAYMENT)):
                outcome = "returned"
    return lambda: event_done(work.payload.get("event_id"), outcome, ctx)


def reconcile_money(ctx: Context) -> Mapping[str, Any]:
    """Lay all books beside one another, and keep what does not agree (MN-11)."""
    return reconcile(adapters().gateway, ctx)


def send_sandbox_webhook(work: Work, ctx: Context) -> None:  # noqa: ARG001 - the shape of every handler
    """Have the sandbox gateway tell us over HTTP what its payer did, as a real one would (MN-2).

    :raises ProviderFailed: nobody answered; the gateway sends it again
    """
    gateway = adapters().gateway
    if not isinstance(gateway, SandboxGateway):
        return  # another gateway was configured since
    reference = work.payload["reference"]
    event_id = gateway.pay_late(reference) if work.payload.get("pay") else work.payload["event_id"]
    if event_id is not None:
        public_url: str = current_app.config["PUBLIC_URL"]
        deliver(gateway, reference=reference, event_id=event_id, public_url=public_url)
