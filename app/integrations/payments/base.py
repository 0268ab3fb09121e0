"""What the product asks of a payment gateway (MN-2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from app.domain.money import Money


class ChargeState(StrEnum):
    """Where a charge stands, in the gateway's own books."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABANDONED = "abandoned"


class GatewayRefundState(StrEnum):
    PENDING = "pending"
    PROCESSED = "processed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Checkout:
    """A payment page waiting for the mentee."""

    reference: str
    authorization_url: str
    gateway_payment_id: str | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge as re-read from the gateway, never as a webhook or a return page claims it to be."""

    reference: str
    state: ChargeState
    amount: Money
    gateway_payment_id: str | None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GatewayRefund:
    """A refund in the gateway's books; ``error`` is in the gateway's own words."""

    state: GatewayRefundState
    gateway_refund_id: str | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """An authentic event. ``key`` is the same for every delivery of one event (MN-3)."""

    key: str
    kind: str
    reference: str | None
    payload: Mapping[str, Any]


class PaymentGateway(Protocol):
    """One provider. No method is called inside a transaction; each raises ``ProviderFailed`` when it cannot answer."""

    name: str

    def start(self, *, reference: str, amount: Money, email: str, description: str, return_url: str) -> Checkout:
        """Open a payment page for ``amount``; the same reference twice gives the same page."""
        ...

    def verify(self, reference: str) -> Charge:
        """Re-read the charge."""
        ...

    def refund(self, *, reference: str, amount: Money, key: str) -> GatewayRefund:
        """Pay ``amount`` back; the same ``key`` never pays twice.

        :raises ProviderFailed: ``unknown`` is set when the answer was lost; ask ``find_refund`` before repeating
        """
        ...

    def find_refund(self, *, reference: str, key: str) -> GatewayRefund | None:
        """Look up what an earlier call with ``key`` did; None: nothing."""
        ...

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> WebhookEvent:
        """Check the signature over the raw body, then read it.

        :raises Malformed: when it is not authentic or not readable
        """
        ...
