"""The sandbox gateway: a payment company of our own, with its own books (MN-2). The embedded default.

It stands for a stranger: what it knows lies in files under its folder, one a charge, and neither our database nor the
queue can make it forget. Its page is ``web``'s; its misbehaviour (fail, be slow, repeat, reorder) is set in a file too.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from app.domain.errors import Malformed, ProviderFailed
from app.domain.money import Money
from app.integrations.payments.base import (
    Charge,
    ChargeState,
    Checkout,
    GatewayRefund,
    GatewayRefundState,
    WebhookEvent,
)

SIGNATURE_HEADER = "X-Sandbox-Signature"
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,80}\Z")


class SandboxGateway:
    """Books in ``folder``; the payment page under ``public_url``."""

    name = "sandbox"

    def __init__(self, folder: Path, public_url: str) -> None:
        self._folder = folder
        self._public_url = public_url

    def start(self, *, reference: str, amount: Money, email: str, description: str, return_url: str) -> Checkout:
        with self._book(reference) as book:
            if not book:
                book.update(
                    reference=reference, amount_minor=amount.minor, currency=amount.currency, email=email,
                    description=description, return_url=return_url, state=ChargeState.PENDING.value,
                    id=f"sbx_{uuid4().hex}", refunds=[],
                )  # fmt: skip
            return Checkout(reference, f"{self._public_url}/sandbox/pay/{reference}", book["id"])

    def verify(self, reference: str) -> Charge:
        book = self.read(reference)
        if book is None:
            raise ProviderFailed("The sandbox gateway knows no such payment.", retryable=False)
        return Charge(
            reference=reference,
            state=ChargeState(book["state"]),
            amount=Money(book["amount_minor"], book["currency"]),
            gateway_payment_id=book["id"],
            raw={key: value for key, value in book.items() if key != "email"},
        )

    def refund(self, *, reference: str, amount: Money, key: str) -> GatewayRefund:
        with self._book(reference) as book:
            if not book or book["state"] != ChargeState.SUCCEEDED:
                raise ProviderFailed("The sandbox gateway holds no captured payment for this.", retryable=False)
            for known in book["refunds"]:
                if known["key"] == key:
                    return _as_refund(known)
            refunded = sum(r["amount_minor"] for r in book["refunds"] if r["state"] == GatewayRefundState.PROCESSED)
            if refunded + amount.minor > book["amount_minor"]:
                return GatewayRefund(GatewayRefundState.FAILED, None, "The refund exceeds what is left of the payment.")
            entry = {
                "key": key, "id": f"sbr_{uuid4().hex}", "amount_minor": amount.minor,
                "state": GatewayRefundState.PROCESSED.value, "error": None,
            }  # fmt: skip
            book["refunds"].append(entry)
            return _as_refund(entry)

    def find_refund(self, *, reference: str, key: str) -> GatewayRefund | None:
        book = self.read(reference) or {}
        return next((_as_refund(entry) for entry in book.get("refunds", []) if entry["key"] == key), None)

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> WebhookEvent:
        given = headers.get(SIGNATURE_HEADER, "")
        if not hmac.compare_digest(given.encode(), self.sign(body).encode()):
            raise Malformed("The signature does not fit.", code="bad_signature")
        try:
            event = json.loads(body)
            return WebhookEvent(str(event["id"]), str(event["type"]), event.get("reference"), event)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Malformed("The event cannot be read.") from error

    def sign(self, body: bytes) -> str:
        """The signature that goes with a webhook's raw body."""
        return hmac.new(self._secret(), body, hashlib.sha256).hexdigest()

    def decide(self, reference: str, state: ChargeState) -> dict[str, Any] | None:
        """What the payer did on the page: only a pending charge can still change, or an abandoned one be paid late."""
        with self._book(reference) as book:
            if not book:
                return None
            if book["state"] in {ChargeState.PENDING, ChargeState.ABANDONED}:
                book["state"] = state.value
            return dict(book)

    def read(self, reference: str) -> dict[str, Any] | None:
        """The books on one charge."""
        if not _REFERENCE.match(reference):
            return None
        try:
            book: dict[str, Any] = json.loads((self._folder / "charges" / f"{reference}.json").read_text())
        except FileNotFoundError:
            return None
        return book

    def _secret(self) -> bytes:
        path = self._folder / "webhook-secret"
        try:
            return path.read_bytes()
        except FileNotFoundError:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(f".{os.getpid()}")
            draft.write_bytes(os.urandom(32).hex().encode())
            draft.chmod(0o600)
            try:
                os.link(draft, path)  # the first of two processes wins
            except FileExistsError:
                pass
            draft.unlink()
            return path.read_bytes()

    @contextmanager
    def _book(self, reference: str) -> Iterator[dict[str, Any]]:
        """The books on one charge, held alone; what was changed is written when the block ends well."""
        if not _REFERENCE.match(reference):
            raise ProviderFailed("The sandbox gateway takes no such reference.", retryable=False)
        charges = self._folder / "charges"
        charges.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = self.read(reference) or {}
            book = json.loads(json.dumps(before))
            yield book
            if book != before:
                path = charges / f"{reference}.json"
                draft = path.with_suffix(".part")
                draft.write_text(json.dumps(book))
                draft.replace(path)


def _as_refund(entry: Mapping[str, Any]) -> GatewayRefund:
    return GatewayRefund(GatewayRefundState(entry["state"]), entry["id"], entry["error"])
