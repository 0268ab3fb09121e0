"""What gateways tell of themselves: kept once, answered at once, worked off in a job (MN-3)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import update

from app.domain.context import Context
from app.extensions import db
from app.foundation import outbox
from app.foundation.audit import plain
from app.foundation.once_rows import insert_once
from app.foundation.transaction import transaction
from app.integrations.payments.base import WebhookEvent as Event
from app.models import WebhookEvent

VERIFY = "payment.verify"
SANDBOX_WEBHOOK = "sandbox.webhook"


def keep_event(gateway_name: str, event: Event, ctx: Context) -> bool:
    """This function will keep an authentic event and put its work into the outbox; False when it was kept before.

    What it says is a hint only: the job re-reads the charge from the gateway, so neither order nor repetition matters.
    """
    with transaction():
        about_payment = event.reference is not None
        event_id = insert_once(
            WebhookEvent,
            "provider",
            "event_key",
            provider=gateway_name,
            event_key=event.key,
            kind=event.kind,
            reference=event.reference,
            payload=plain(event.payload),
            received_at=ctx.now,
            processed_at=None if about_payment else ctx.now,
            outcome=None if about_payment else "ignored",
        )
        if event_id is None:
            return False
        if about_payment:
            outbox.put(
                VERIFY,
                key=f"webhook:{gateway_name}:{event.key}",
                payload={"reference": event.reference, "event_id": event_id, "returns": event.is_return},
                ctx=ctx,
            )
        return True


def event_done(event_id: UUID | str | None, outcome: str, ctx: Context) -> None:
    """This function will note what an event came to; None is no event, only a wish to look."""
    if event_id is not None:
        db.session.execute(
            update(WebhookEvent)
            .where(WebhookEvent.id == UUID(str(event_id)), WebhookEvent.processed_at.is_(None))
            .values(processed_at=ctx.now, outcome=outcome)
        )


def send_sandbox_webhook(reference: str, event_id: str, *, ctx: Context) -> None:
    """This function will have the sandbox gateway's event sent to us over HTTP, even if the payer closes the window."""
    with transaction():
        outbox.put(
            SANDBOX_WEBHOOK,
            key=f"sandbox:{event_id}",
            payload={"reference": reference, "event_id": event_id},
            ctx=ctx,
        )


def pay_late_in_sandbox(reference: str, *, at: datetime, ctx: Context) -> bool:
    """This function will have the sandbox's payer pay at ``at``; False when that is arranged already."""
    with transaction():
        row = outbox.put(
            SANDBOX_WEBHOOK,
            key=f"sandbox:late:{reference}",
            payload={"reference": reference, "pay": True},
            ctx=ctx,
            available_at=at,
        )
        return row is not None
