"""Text messages: the code that proves a number, and the reminder before a session (SMS-1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from flask import current_app

from app.booking.text_reminders import load_text
from app.config import Settings
from app.domain.context import Context
from app.foundation.outbox import Work
from app.foundation.transaction import transaction
from app.http.adapters import adapters
from app.people.phones import new_code, number_for_code, record_code


def send_code(work: Work, ctx: Context) -> Callable[[], None] | None:  # noqa: ARG001 - the shape of every handler
    """Send a code; made here, so that it stands nowhere but in the message. Of two tries the later one's counts.

    :raises ProviderFailed: the sender's
    """
    user_id, asked_at = UUID(work.payload["user_id"]), datetime.fromisoformat(work.payload["asked_at"])
    with transaction():
        number = number_for_code(user_id, asked_at)
    sender = adapters().sms
    if number is None or sender is None:
        return None
    settings: Settings = current_app.extensions["desk-settings"]
    code = new_code()
    sender.send(number, f"{code} is your code for {settings.brand_name}. It ends in 15 minutes.", key=work.key)
    return lambda: record_code(user_id, asked_at, code)


def send_reminder(work: Work, ctx: Context) -> None:
    """Send a reminder, unless the session is off, moved, or the number was taken away.

    :raises ProviderFailed: the sender's
    """
    told, sender = work.payload, adapters().sms
    settings: Settings = current_app.extensions["desk-settings"]
    with transaction():
        found = load_text(
            UUID(told["session_id"]),
            UUID(told["user_id"]),
            datetime.fromisoformat(told["starts_at"]),
            public_url=settings.public_url,
            ctx=ctx,
        )
    if found is not None and sender is not None:
        number, text = found
        sender.send(number, text, key=work.key)
