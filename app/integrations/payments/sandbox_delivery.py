"""Sending the sandbox gateway's webhooks: over HTTP, to the address at which the whole world finds the product."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from app.domain.errors import ProviderFailed
from app.integrations.payments.sandbox import SIGNATURE_HEADER, SandboxGateway

_SECONDS = 10


def deliver(gateway: SandboxGateway, *, reference: str, event_id: str, public_url: str) -> None:
    """POST an event, signed, to ``/api/webhooks/sandbox``.

    :raises ProviderFailed: nobody answered, or not with a success; to be sent again, like every gateway does
    """
    for body in gateway.outgoing(reference, event_id):
        status = _post(f"{public_url}/api/webhooks/{gateway.name}", body, gateway.sign(body))
        if not 200 <= status < 300:
            raise ProviderFailed(f"The webhook was answered with {status}.")


def _post(url: str, body: bytes, signature: str) -> int:
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.netloc, timeout=_SECONDS)
    try:
        connection.request("POST", parts.path, body, {"Content-Type": "application/json", SIGNATURE_HEADER: signature})
        return connection.getresponse().status
    except (OSError, HTTPException) as error:
        raise ProviderFailed(f"The webhook did not arrive: {error}") from error
    finally:
        connection.close()
