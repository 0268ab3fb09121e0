"""Where payment gateways tell us what happened (MN-3): signature first, kept once, answered at once."""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, jsonify, request

from app.domain.errors import Malformed, NotFound
from app.extensions import csrf
from app.http.adapters import adapters
from app.http.context import current_context
from app.http.limits import limit_forgeries
from app.money.webhooks import keep_event

_log = structlog.get_logger(__name__)
LARGEST = 256 * 1024

webhooks = Blueprint("webhooks", __name__, url_prefix="/api/webhooks")
csrf.exempt(webhooks)  # a gateway has no page of ours; its signature says that it is no other site


@webhooks.post("/<gateway_name>")
@limit_forgeries
def receive(gateway_name: str) -> Response:
    """One delivery of one event.

    The body is read raw, since the signature is over its bytes. Nothing of a body that is not authentic is kept.
    """
    gateway = adapters().gateway
    if gateway.name != gateway_name:
        raise NotFound
    if (request.content_length or 0) > LARGEST:
        raise Malformed("That is more than an event ever is.")
    try:
        event = gateway.parse_webhook(request.get_data(cache=False), dict(request.headers))
    except Malformed as error:
        _log.warning("webhook_refused", gateway=gateway_name, error=error.error_code)
        raise
    is_new = keep_event(gateway.name, event, current_context())
    _log.info("webhook", gateway=gateway_name, kind=event.kind, is_new=is_new)
    return jsonify(received=True)
