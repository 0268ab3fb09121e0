"""The sandbox gateway's payment page (MN-2): a stranger's page that happens to live in our house, open to anybody.

It knows only what the gateway's books say, never the product's database.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.domain.errors import Malformed, NotFound
from app.domain.money import Money
from app.http.adapters import adapters
from app.http.context import current_context
from app.integrations.payments.base import ChargeState
from app.integrations.payments.sandbox import SandboxGateway
from app.money.webhooks import pay_late_in_sandbox, send_sandbox_webhook

sandbox = Blueprint("sandbox", __name__, url_prefix="/sandbox")

# Longer than a draft is held with the shipped policies, so that the money comes after the hold (BK-7).
LATE = timedelta(minutes=20)

_DECISIONS = {
    "pay": ChargeState.SUCCEEDED,
    "pay_and_close": ChargeState.SUCCEEDED,
    "decline": ChargeState.FAILED,
    "close": ChargeState.ABANDONED,
}
_RETURNS = frozenset({"pay", "decline"})


def _gateway() -> SandboxGateway:
    gateway = adapters().gateway
    if not isinstance(gateway, SandboxGateway):
        raise NotFound
    return gateway


def _book(reference: str) -> dict[str, Any]:
    book = _gateway().read(reference)
    if book is None:
        raise NotFound
    return book


@sandbox.get("/pay/<reference>")
def page(reference: str) -> ResponseReturnValue:
    """The payment page, or what was decided on it."""
    return _page(reference, note=None)


@sandbox.post("/pay/<reference>")
def decide(reference: str) -> ResponseReturnValue:
    """The payer's choice; the product hears of it by a signed webhook, and by the payer who comes back."""
    choice = request.form.get("choice", "")
    _book(reference)
    if choice == "pay_late":
        pay_late_in_sandbox(reference, at=current_context().now + LATE, ctx=current_context())
        return _page(reference, note="late")
    if choice not in _DECISIONS:
        raise Malformed("Choose one of the buttons.")
    event_id = _gateway().decide(reference, _DECISIONS[choice])
    if event_id is not None:
        send_sandbox_webhook(reference, event_id, ctx=current_context())
    if choice in _RETURNS:
        return redirect(_return_to(_book(reference)), 303)
    return _page(reference, note="closed")


def _page(reference: str, note: str | None) -> Response:
    book = _book(reference)
    state = ChargeState(book["state"])
    body = render_template(
        "sandbox/pay.html",
        book=book,
        amount=Money(book["amount_minor"], book["currency"]),
        is_open=state in {ChargeState.PENDING, ChargeState.ABANDONED},
        state=state.value,
        note=note,
        late_minutes=int(LATE.total_seconds()) // 60,
        return_to=_return_to(book),
        merchant=urlsplit(book["return_url"]).netloc or "the product",
    )
    # A payment page is nobody else's to keep or to find.
    return Response(body, headers={"Cache-Control": "no-store", "X-Robots-Tag": "noindex"})


def _return_to(book: dict[str, Any]) -> str:
    """Where the product asked to be returned to, with the reference, as gateways do."""
    address: str = book["return_url"]
    if "reference=" in address or book["reference"] in address:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode({'reference': book['reference']})}"
