"""What the product asks of a payment gateway (MN-2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
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


class ReturnKind(StrEnum):
    """Why money left the gateway again."""

    REFUND = "refund"
    CHARGEBACK = "chargeback"


@dataclass(frozen=True, slots=True)
class ListedReturn:
    """Money that went back, as the gateway's own list has it; who asked for it is another question (MN-11, MN-14).

    :param key: the key that it was asked for with, where the gateway keeps one
    """

    reference: str
    gateway_refund_id: str
    key: str | None
    amount: Money
    state: GatewayRefundState
    kind: ReturnKind = ReturnKind.REFUND


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """An authentic event. ``key`` is the same for every delivery of one event (MN-3).

    :param is_return: it tells of money that went back, so that the gateway's list of it is worth reading (MN-14)
    """

    key: str
    kind: str
    reference: str | None
    payload: Mapping[str, Any]
    is_return: bool = False


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

    def list_charges(self, *, since: datetime) -> Iterable[Charge]:
        """Every charge begun since then, for reconciliation; older ones may be among them (MN-11)."""
        ...

    def list_returns(self, *, since: datetime) -> Iterable[ListedReturn]:
        """Every refund and chargeback since then, whoever made it; older ones may be among them (MN-11, MN-14)."""
        ...

    def returns_of(self, reference: str) -> Sequence[ListedReturn]:
        """Those of one charge."""
        ...

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> WebhookEvent:
        """Check the signature over the raw body, then read it.

        :raises Malformed: when it is not authentic or not readable
        """
        ...
