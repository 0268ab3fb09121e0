"""What the worker would have done in the demonstration's past: rooms made, refunds paid, letters sent.

The worker is not running then. What is younger than an hour is left to it, so that a newcomer sees it work.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from app.booking import meetings
from app.domain.context import SYSTEM, Context
from app.foundation import outbox
from app.foundation.transaction import transaction
from app.integrations.adapters import Adapters
from app.messaging.mail import close_past_letters
from app.money.sending import handle_refund_send

_BATCH = 2_000


def settle_outside(ctx: Context, adapters: Adapters) -> None:
    """Do all outside work that is due at ``ctx.now``."""
    with transaction():
        close_past_letters(until=ctx.now)
    while True:
        with transaction():
            ids = outbox.due(now=ctx.now, limit=_BATCH)
        for row_id in ids:
            _deliver(row_id, ctx.acting_as(SYSTEM), adapters)
        if len(ids) < _BATCH:
            return


def _deliver(row_id: UUID, ctx: Context, adapters: Adapters) -> None:
    with transaction():
        work = outbox.claim(row_id, now=ctx.now, lease=timedelta(seconds=1))
    if work is None:
        return
    record = _act(work, ctx, adapters)
    with transaction():
        if record is not None:
            record()
        outbox.settle(work, now=ctx.now)


def _act(work: outbox.Work, ctx: Context, adapters: Adapters) -> Callable[[], object] | None:
    match work.kind:
        case "refund.send":
            return handle_refund_send(work, ctx, adapters.gateway)
        case "meeting.create":
            request = meetings.load_for_create(UUID(str(work.session_id)), ctx=ctx)
            if request is None:
                return None
            room = adapters.meetings[0].create(request)
            return lambda: meetings.record_link(request.session_id, room, ctx=ctx)
        case _:
            # To remove a Jitsi room, or to repeat a webhook of the sandbox, changes nothing in a past that is over.
            return None
