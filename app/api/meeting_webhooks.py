"""Where meeting providers tell what happens in a room (MT-1): authentic or refused, answered at once, done in a job."""

from __future__ import annotations

import structlog
from flask import Response, jsonify, request

from app.api.webhooks import LARGEST, webhooks
from app.booking.meeting_news import keep_news
from app.domain.errors import Malformed, NotAuthentic, NotFound
from app.http.adapters import adapters
from app.http.clock import now
from app.http.context import current_context
from app.http.limits import limit_forgeries
from app.integrations.meetings.base import Handshake

_log = structlog.get_logger(__name__)


@webhooks.post("/meetings/<provider_name>")
@webhooks.post("/meetings/<provider_name>/events/<subject>/<what>")
@limit_forgeries
def meeting_news(provider_name: str, subject: str = "", what: str = "") -> Response:  # noqa: ARG001 - Jitsi's server adds them to the address; the body says the same
    """One delivery of one event; the answer is the same whether or not the room is one of ours."""
    provider = next((one for one in adapters().meetings if one.name == provider_name), None)
    if provider is None:
        raise NotFound
    if (request.content_length or 0) > LARGEST:
        raise Malformed("That is more than an event ever is.")
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        told = provider.parse_webhook(request.get_data(cache=False), headers, now=now())
    except (Malformed, NotAuthentic) as error:
        _log.warning("meeting_webhook_refused", provider=provider_name, error=error.error_code)
        raise
    if isinstance(told, Handshake):
        return jsonify(dict(told.answer))
    is_kept = keep_news(provider.name, told, ctx=current_context())
    _log.info("meeting_webhook", provider=provider_name, kind=told.name, is_kept=is_kept)
    return jsonify(received=True)
