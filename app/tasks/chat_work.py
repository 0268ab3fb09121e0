"""Telling the team's chats of pressing disputes (DSP-3)."""

from __future__ import annotations

from datetime import datetime

from flask import current_app

from app.config import Settings
from app.domain.context import Context
from app.domain.wording import format_when
from app.foundation.outbox import Work
from app.http.adapters import adapters
from app.integrations.chat_hooks import Alert
from app.messaging.links import dispute_page


def send(work: Work, ctx: Context) -> None:
    """Post one alert into one chat; nothing is done where that chat is not set up.

    :raises ProviderFailed: the chat's
    """
    told = work.payload
    hook = next((one for one in adapters().chat_hooks if one.name == told["hook"]), None)
    if hook is None:
        return
    settings: Settings = current_app.extensions["desk-settings"]
    short, priority = told["dispute_id"][:8], told["priority"]
    due = format_when(datetime.fromisoformat(told["due_at"]), "UTC", ctx.now)
    hook.send(
        Alert(
            headline=f"Dispute {short} ({priority}): {told['event']}",
            facts=f"{told['category'].replace('_', ' ').capitalize()}, due {due}",
            url=f"{settings.public_url}{dispute_page(told['dispute_id'])}",
        )
    )
