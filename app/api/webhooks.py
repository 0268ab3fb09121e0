"""Where payment gateways tell us what happened (MN-3): signature first, kept once, answered at once."""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, jsonify, request

from app.domain.errors import Malformed, NotFound
from app.extensions import csrf
from app.http.adapters import adapters
from app.http.context import current_context
from app.http.limits import address, limiter
from app.money.webhooks import keep_event

_log = structlog.get_logger(__name__)
_LARGEST = 256 * 1024

webhooks = Blueprint("webhooks", __name__, url_prefix="/api/webhooks")


@webhooks.post("/<gateway_name>")
@csrf.exempt
# Only what is not authentic counts: a gateway that delivers its backlog is welcome.
@limiter.limit("30 per minute", key_func=address, deduct_when=lambda response: response.status_code == 400)
def receive(gateway_name: str) -> Response:
    """One delivery of one event.

    The body is read raw, since the signature is over its bytes. Nothing of a body that is not authentic is kept.
    """
    gateway = adapters().gateway
    if gateway.name != gateway_name:
        raise NotFound
    if (request.content_length or 0) > _LARGEST:
        raise Malformed("That is more than an event ever is.")
    try:
        event = gateway.parse_webhook(request.get_data(cache=False), request.headers)
    except Malformed as error:
        _log.warning("webhook_refused", gateway=gateway_name, error=error.error_code)
        raise
    is_new = keep_event(gateway.name, event, current_context())
    _log.info("webhook", gateway=gateway_name, kind=event.kind, is_new=is_new)
    return jsonify(received=True)
