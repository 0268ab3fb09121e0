"""What is done for each kind of outbox row, how often it is tried, and when it is given up (OPS-3).

A handler loads what it needs, acts outside any transaction with the row's key, and returns the function that records
the result; the runner calls that in one transaction with settling the row. It may be run twice at any point, by two
workers, in any order: the key and the record make that harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from app.domain.context import Context
from app.foundation.outbox import Work
from app.tasks import bulk_work, chat_work, mail_work, meeting_work, money_work, sms_work

Record = Callable[[], None]
Handle = Callable[[Work, Context], Record | None]
# Told in the transaction of the failure: the work, why, whether it was the last try.
Failed = Callable[[Work, str, bool, Context], None]


@dataclass(frozen=True, slots=True)
class HandlerSpec:
    """One kind of outside work.

    :param pauses: between tries; the last one repeats until the deadline
    :param deadline: counted from when the work was put; a try that fails after it is the last
    """

    handle: Handle
    pauses: tuple[timedelta, ...]
    deadline: timedelta
    failed: Failed | None = None

    def pause(self, attempts: int) -> timedelta:
        """The pause after that many tries."""
        return self.pauses[min(attempts, len(self.pauses)) - 1]


def _seconds(*pauses: int) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=pause) for pause in pauses)


HANDLERS: Final[dict[str, HandlerSpec]] = {
    # Never more than five minutes apart: when the mail server is back, whatever is due leaves in time (EM-5).
    "mail.send": HandlerSpec(
        mail_work.send, _seconds(10, 30, 60, 120, 300), timedelta(days=3), failed=mail_work.failed
    ),
    # A refund that the gateway has accepted and not paid yet is looked up again each hour.
    "refund.send": HandlerSpec(
        money_work.send_refund, _seconds(10, 30, 120, 600, 3600), timedelta(days=7), failed=money_work.refund_failed
    ),
    "payment.verify": HandlerSpec(money_work.verify_payment, _seconds(5, 15, 60, 300), timedelta(days=1)),
    "sandbox.webhook": HandlerSpec(money_work.send_sandbox_webhook, _seconds(5, 15, 60, 300), timedelta(hours=1)),
    "meeting.create": HandlerSpec(
        meeting_work.create, _seconds(5, 20, 60, 300, 900), timedelta(days=2), failed=meeting_work.create_failed
    ),
    # A few tries, and no more: an alert is dropped an hour after its cause.
    "chat_hook.send": HandlerSpec(chat_work.send, _seconds(5, 60, 300), timedelta(minutes=30)),
    # Soon given up: a new room is made then, and the session may be near.
    "meeting.move": HandlerSpec(
        meeting_work.move, _seconds(5, 20, 60, 300), timedelta(minutes=30), failed=meeting_work.move_failed
    ),
    "meeting.news": HandlerSpec(meeting_work.news, _seconds(5, 20, 60, 300), timedelta(days=1)),
    "meeting.delete": HandlerSpec(meeting_work.delete, _seconds(30, 300, 1800), timedelta(days=2)),
    # Both are dropped soon: a code ends, and a reminder is for the next quarter of an hour.
    "sms.code": HandlerSpec(sms_work.send_code, _seconds(5, 20, 60), timedelta(minutes=15)),
    "sms.reminder": HandlerSpec(sms_work.send_reminder, _seconds(5, 20, 60), timedelta(minutes=15)),
    "meeting.discard": HandlerSpec(meeting_work.discard, _seconds(30, 300, 1800), timedelta(days=2)),
    "meeting.recordings": HandlerSpec(meeting_work.recordings, _seconds(60, 600, 1800), timedelta(hours=6)),
    "session.bulk_cancel": HandlerSpec(
        bulk_work.cancel_sessions, _seconds(2, 10, 60, 300), timedelta(days=1), failed=bulk_work.failed
    ),
}


def kinds() -> Iterable[str]:
    """Every kind that this version of the product can do."""
    return HANDLERS.keys()
