"""Delivering one e-mail: from its record, through the mailer, back into the record (EM-2, EM-3)."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flask import current_app
from sqlalchemy import update

from app.config import Settings
from app.domain.context import Context
from app.domain.errors import ProviderFailed
from app.domain.vocabulary import EmailState
from app.extensions import db
from app.foundation.outbox import Work
from app.foundation.transaction import transaction
from app.http.adapters import adapters
from app.messaging.letters import LETTERS
from app.messaging.render import Branding, render
from app.models import EmailEvent, OutboxRow


def send(work: Work, ctx: Context) -> Callable[[], None] | None:
    """Send the letter, unless it was sent already.

    :raises ProviderFailed: the mailer's, or a one-time link that was wiped meanwhile
    """
    with transaction():
        event = db.session.get(EmailEvent, _event_id(work), populate_existing=True)
    if event is None or event.status is EmailState.SENT:
        return None
    secret = work.payload.get("secret") or {}
    if LETTERS[event.template].secret - secret.keys():
        raise ProviderFailed("The link in this e-mail was for one use and is kept no longer.", retryable=False)
    settings: Settings = current_app.extensions["desk-settings"]
    adapters().mailer.send(render(event, Branding.of(settings), secret=secret))
    return lambda: _sent(work, ctx)


def failed(work: Work, error: str, is_final: bool, ctx: Context) -> None:  # noqa: ARG001, FBT001 - the shape of every such function
    """Note in the record that support reads what went wrong; after the last try, that it stays unsent."""
    state = EmailState.FAILED if is_final else EmailState.QUEUED
    db.session.execute(
        update(EmailEvent)
        .where(EmailEvent.id == _event_id(work), EmailEvent.status != EmailState.SENT)
        .values(status=state, attempts=EmailEvent.attempts + 1, error=error)
    )
    if is_final:
        _wipe_secret(work)


def _sent(work: Work, ctx: Context) -> None:
    db.session.execute(
        update(EmailEvent)
        .where(EmailEvent.id == _event_id(work))
        .values(status=EmailState.SENT, attempts=EmailEvent.attempts + 1, error=None, sent_at=ctx.now)
    )
    _wipe_secret(work)


def _wipe_secret(work: Work) -> None:
    if "secret" in work.payload:
        kept = {name: value for name, value in work.payload.items() if name != "secret"}
        db.session.execute(update(OutboxRow).where(OutboxRow.id == work.id).values(payload=kept))


def _event_id(work: Work) -> UUID:
    return UUID(work.payload["event_id"])
