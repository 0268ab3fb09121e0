"""The sandbox gateway: a payment company of our own, with its own books (MN-2). The embedded default.

It stands for a stranger: what it knows lies in files under its folder, one a charge, and neither our database nor the
queue can make it forget. Its page is ``web``'s; how it misbehaves stands in ``sandbox_behavior``.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
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
    ListedReturn,
    ReturnKind,
    WebhookEvent,
)
from app.integrations.payments.sandbox_behavior import Behavior, Operation, Trouble

SIGNATURE_HEADER = "X-Sandbox-Signature"
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,80}\Z")
_OPEN = frozenset({ChargeState.PENDING, ChargeState.ABANDONED})
_RETURNS = frozenset({"refund.processed", "charge.disputed"})
_COUNTS = frozenset({GatewayRefundState.PROCESSED, GatewayRefundState.PENDING})


class SandboxGateway:
    """Books in ``folder``; the payment page under ``public_url``."""

    name = "sandbox"

    def __init__(self, folder: Path, public_url: str) -> None:
        self._folder = folder
        self._public_url = public_url
        self.behavior = Behavior(folder / "behavior.json")

    # What the product calls.

    def start(self, *, reference: str, amount: Money, email: str, description: str, return_url: str) -> Checkout:
        with self.behavior.during(Operation.START), self._book(reference) as book:
            if not book:
                book.update(
                    reference=reference, amount_minor=amount.minor, currency=amount.currency, email=email,
                    description=description, return_url=return_url, state=ChargeState.PENDING.value,
                    id=f"sbx_{uuid4().hex}", refunds=[], events=[],
                )  # fmt: skip
            elif Money(book["amount_minor"], book["currency"]) != amount:
                raise ProviderFailed("The sandbox gateway has this reference with another amount.", retryable=False)
            return Checkout(reference, f"{self._public_url}/sandbox/pay/{reference}", book["id"])

    def verify(self, reference: str) -> Charge:
        with self.behavior.during(Operation.VERIFY):
            book = self.read(reference)
            if book is None:
                raise ProviderFailed("The sandbox gateway knows no such payment.", retryable=False)
            return _as_charge(book)

    def refund(self, *, reference: str, amount: Money, key: str) -> GatewayRefund:
        with self.behavior.during(Operation.REFUND) as trouble, self._book(reference) as book:
            if not book or book["state"] != ChargeState.SUCCEEDED:
                raise ProviderFailed("The sandbox gateway holds no captured payment for this.", retryable=False)
            for known in book["refunds"]:
                if known["key"] == key:
                    if known["amount_minor"] != amount.minor:
                        raise ProviderFailed("This key was used for another amount.", retryable=False)
                    return _as_refund(known)
            problem = _problem(book, amount)
            if problem:
                return GatewayRefund(GatewayRefundState.FAILED, None, problem)
            state = GatewayRefundState.PENDING if trouble is Trouble.PENDING else GatewayRefundState.PROCESSED
            entry = {
                "key": key, "id": f"sbr_{uuid4().hex}", "amount_minor": amount.minor, "state": state.value,
                "error": None,
            }  # fmt: skip
            book["refunds"].append(entry)
            return _as_refund(entry)

    def find_refund(self, *, reference: str, key: str) -> GatewayRefund | None:
        with self.behavior.during(Operation.FIND_REFUND):
            book = self.read(reference) or {}
            return next((_as_refund(entry) for entry in book.get("refunds", []) if entry["key"] == key), None)

    def list_charges(self, *, since: datetime) -> Iterator[Charge]:
        with self.behavior.during(Operation.LIST):
            for reference in self.references():
                book = self.read(reference)
                if book is not None:
                    yield _as_charge(book)

    def list_returns(self, *, since: datetime) -> Iterator[ListedReturn]:
        with self.behavior.during(Operation.LIST):
            for reference in self.references():
                yield from self._returns(reference)

    def returns_of(self, reference: str) -> list[ListedReturn]:
        with self.behavior.during(Operation.LIST):
            return self._returns(reference)

    def _returns(self, reference: str) -> list[ListedReturn]:
        book = self.read(reference) or {}
        return [_as_listed(book, entry) for entry in book.get("refunds", [])]

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> WebhookEvent:
        given = headers.get(SIGNATURE_HEADER, "")
        if not hmac.compare_digest(given.encode(), self.sign(body).encode()):
            raise Malformed("The signature does not fit.", code="bad_signature")
        try:
            event = json.loads(body)
            kind, reference = str(event["type"]), event.get("reference")
            is_known = kind.startswith(("charge.", "refund.")) and isinstance(reference, str)
            is_return = is_known and kind in _RETURNS
            return WebhookEvent(str(event["id"]), kind, reference if is_known else None, event, is_return)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Malformed("The event cannot be read.") from error

    # What the payer does on the page, and what the gateway does by itself.

    def decide(self, reference: str, state: ChargeState) -> str | None:
        """The payer's choice; the id of the event that tells of it, None when nothing changed.

        Only a pending charge can still change, or an abandoned one be paid late.
        """
        with self._book(reference) as book:
            if not book or ChargeState(book["state"]) not in _OPEN or book["state"] == state:
                return None
            book["state"] = state.value
            event = {"id": f"sbe_{uuid4().hex}", "type": f"charge.{state.value}", "reference": reference}
            book["events"].append(event)
            return event["id"]

    def pay_late(self, reference: str) -> str | None:
        """The payer pays after all; the id of the event that tells of it, of an earlier one when all was decided."""
        event_id = self.decide(reference, ChargeState.SUCCEEDED)
        events = (self.read(reference) or {}).get("events", [])
        return event_id or (events[-1]["id"] if events else None)

    def give_back(self, reference: str, amount_minor: int, kind: ReturnKind = ReturnKind.REFUND) -> str:
        """Somebody at the gateway pays back by hand, or the payer's bank takes it; its event's id.

        :raises ProviderFailed: the charge does not hold as much; a bank may take what was refunded before
        """
        with self._book(reference) as book:
            if not book or book["state"] != ChargeState.SUCCEEDED or not 0 < amount_minor <= book["amount_minor"]:
                raise ProviderFailed("The sandbox gateway holds no such sum.", retryable=False)
            problem = _problem(book, Money(amount_minor, book["currency"]))
            if kind is ReturnKind.REFUND and problem:
                raise ProviderFailed(problem, retryable=False)
            made = f"sbr_{uuid4().hex}"
            book["refunds"].append(
                {
                    "key": f"by-hand-{made}", "id": made, "amount_minor": amount_minor, "kind": kind.value,
                    "state": GatewayRefundState.PROCESSED.value, "error": None,
                }
            )  # fmt: skip
            type_ = "refund.processed" if kind is ReturnKind.REFUND else "charge.disputed"
            event = {"id": f"sbe_{uuid4().hex}", "type": type_, "reference": reference}
            book["events"].append(event)
            return event["id"]

    def settle_refunds(self, reference: str) -> None:
        """Pay out the refunds that are pending."""
        with self._book(reference) as book:
            for entry in book.get("refunds", []):
                if entry["state"] == GatewayRefundState.PENDING:
                    entry["state"] = GatewayRefundState.PROCESSED.value

    def outgoing(self, reference: str, event_id: str) -> list[bytes]:
        """The bodies to send for one event: normally one; repeated, held back or out of order when told to."""
        book = self.read(reference) or {}
        event = next((event for event in book.get("events", []) if event["id"] == event_id), None)
        return self.behavior.outgoing(json.dumps(event)) if event else []

    def sign(self, body: bytes) -> str:
        """The signature that goes with a webhook's raw body."""
        return hmac.new(self._secret(), body, hashlib.sha256).hexdigest()

    # Its books.

    def read(self, reference: str) -> dict[str, Any] | None:
        """The books on one charge."""
        if not _REFERENCE.match(reference):
            return None
        try:
            book: dict[str, Any] = json.loads((self._folder / "charges" / f"{reference}.json").read_text())
        except FileNotFoundError:
            return None
        return book

    def references(self) -> list[str]:
        """Every charge it knows, in no particular order."""
        return [path.stem for path in (self._folder / "charges").glob("*.json")]

    def _secret(self) -> bytes:
        path = self._folder / "webhook-secret"
        with suppress(FileNotFoundError):
            return path.read_bytes()
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{uuid4().hex}")
        draft.write_bytes(os.urandom(32).hex().encode())
        draft.chmod(0o600)
        with suppress(FileExistsError):
            os.link(draft, path)  # the first of two processes wins
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
            book = self.read(reference) or {}
            before = json.dumps(book)
            yield book
            after = json.dumps(book)
            if after != before:
                path = charges / f"{reference}.json"
                draft = path.with_suffix(".part")
                draft.write_text(after)
                draft.replace(path)


def _problem(book: Mapping[str, Any], amount: Money) -> str | None:
    if amount.minor <= 0:
        return "A refund is more than nothing."
    if amount.currency != book["currency"]:
        return "The payment was made in another currency."
    refunded = sum(entry["amount_minor"] for entry in book["refunds"] if entry["state"] in _COUNTS)
    if refunded + amount.minor > book["amount_minor"]:
        return "The refund exceeds what is left of the payment."
    return None


def _as_charge(book: Mapping[str, Any]) -> Charge:
    return Charge(
        reference=book["reference"],
        state=ChargeState(book["state"]),
        amount=Money(book["amount_minor"], book["currency"]),
        gateway_payment_id=book["id"],
        raw={key: value for key, value in book.items() if key not in {"email", "return_url"}},
    )


def _as_listed(book: Mapping[str, Any], entry: Mapping[str, Any]) -> ListedReturn:
    return ListedReturn(
        reference=book["reference"],
        gateway_refund_id=entry["id"],
        key=entry["key"],
        amount=Money(entry["amount_minor"], book["currency"]),
        state=GatewayRefundState(entry["state"]),
        kind=ReturnKind(entry.get("kind", ReturnKind.REFUND)),
    )


def _as_refund(entry: Mapping[str, Any]) -> GatewayRefund:
    return GatewayRefund(GatewayRefundState(entry["state"]), entry["id"], entry["error"])
