"""How much goes back, where to, and who has to agree (MN-6, MN-7, MN-9). Whole minor units of one currency.

Not here: who may cancel and at which percentage (``cancellation``), and the postings (``ledger``).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from app.domain.decision import Decision, Refusal
from app.domain.money import Money, percentage_of
from app.domain.vocabulary import RefundType
from app.domain.wording import format_money


@dataclass(frozen=True, slots=True)
class Split:
    """Which part of a refund goes to the gateway payment and which to the mentee's credit."""

    gateway_minor: int
    credit_minor: int

    @property
    def total_minor(self) -> int:
        return self.gateway_minor + self.credit_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidFacts:
    """What was paid for a session and what of it is on its way back.

    :param paid_gateway_minor: captured by the gateway
    :param paid_credit_minor: taken from the mentee's credit
    :param refunded_gateway_minor: refunds awaiting approval, pending, processed, or failed (still owed); not declined
    :param refunded_credit_minor: likewise, to credit
    :param staff_decided_minor: the part of all refunds, bonuses included, that staff decided (MN-9)
    """

    currency: str
    paid_gateway_minor: int = 0
    paid_credit_minor: int = 0
    refunded_gateway_minor: int = 0
    refunded_credit_minor: int = 0
    staff_decided_minor: int = 0

    @property
    def paid_minor(self) -> int:
        return self.paid_gateway_minor + self.paid_credit_minor

    @property
    def refunded_minor(self) -> int:
        return self.refunded_gateway_minor + self.refunded_credit_minor

    @property
    def left(self) -> Split:
        """What can still be refunded, by where it came from."""
        return Split(
            self.paid_gateway_minor - self.refunded_gateway_minor, self.paid_credit_minor - self.refunded_credit_minor
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundDecision(Decision):
    """A decision about a refund, with its amount.

    :param split: where the money goes; a bonus goes to credit whole
    :param needs_approval: whether a second person must agree first (MN-9)
    """

    amount: Money
    split: Split
    needs_approval: bool = False


def missing_to(paid_minor: int, percentage: int, refunded_minor: int) -> int:
    """What is missing until ``percentage`` of what was paid has gone back; never below zero (MN-6)."""
    return max(0, percentage_of(paid_minor, percentage) - refunded_minor)


def split_refund(amount_minor: int, left: Split) -> Split:
    """Divide a refund: the gateway payment first, the rest back to credit (MN-7).

    :raises ValueError: when it is negative or more than what is left
    """
    if not 0 <= amount_minor <= left.total_minor:
        raise ValueError(f"{amount_minor} cannot be taken from {left.total_minor}")
    gateway = min(amount_minor, left.gateway_minor)
    return Split(gateway, amount_minor - gateway)


def passes_threshold(staff_decided: Money, threshold: Decimal) -> bool:
    """Whether the sum of staff-decided refunds of a session is above the threshold, in its own currency (MN-9)."""
    return staff_decided.amount > threshold


def decide_percentage_refund(
    facts: PaidFacts, percentage: int, *, by_staff: bool, threshold: Decimal
) -> RefundDecision:
    """The refund that brings the session to ``percentage`` of what was paid (MN-6).

    Refused as invalid when the percentage is not one.
    """
    amount_minor = missing_to(facts.paid_minor, percentage, facts.refunded_minor) if 0 <= percentage <= 100 else 0
    amount = Money(amount_minor, facts.currency)
    split = split_refund(amount_minor, facts.left)
    numbers = _numbers(facts) | {"percentage": percentage}
    if not 0 <= percentage <= 100:
        message = "A refund is between 0 and 100 percent."
        return _invalid("percentage_out_of_range", message, "refundPercentage", numbers, amount)
    return RefundDecision(
        allowed=True,
        rule="refund_percentage",
        message=f"{percentage} % of what was paid goes back: {amount}.",
        numbers=numbers,
        consequences={"refund_minor": amount_minor, "gateway_minor": split.gateway_minor},
        amount=amount,
        split=split,
        needs_approval=by_staff and _needs_approval(facts, amount, threshold),
    )


def decide_manual_refund(facts: PaidFacts, kind: RefundType, amount: Money, *, threshold: Decimal) -> RefundDecision:
    """A refund whose amount a person typed: ``full``, ``partial`` or ``bonus`` (ACT-3, MN-7).

    Refused as invalid on ``amount`` when it does not fit its kind.
    """
    numbers = _numbers(facts) | {"amount_minor": amount.minor, "refund_type": kind.value}
    left = Money(facts.left.total_minor, facts.currency)
    if amount.currency != facts.currency:
        message = f"The session was paid in {facts.currency}."
        return _invalid("currency_differs", message, "amount", numbers, amount)
    if amount.minor <= 0:
        return _invalid("amount_not_positive", "Give an amount above zero.", "amount", numbers, amount)
    if kind is RefundType.FULL and amount.minor != left.minor:
        message = f"A full refund is exactly what is left: {format_money(left)}."
        return _invalid("full_is_what_is_left", message, "amount", numbers, amount)
    if kind is not RefundType.BONUS and amount.minor > left.minor:
        message = f"At most {format_money(left)} is left to refund. To give more, choose a bonus."
        return _invalid("more_than_is_left", message, "amount", numbers, amount)
    split = Split(0, amount.minor) if kind is RefundType.BONUS else split_refund(amount.minor, facts.left)
    where = "as credit" if kind is RefundType.BONUS else "back"
    return RefundDecision(
        allowed=True,
        rule=f"manual_{kind.value}",
        message=f"The mentee gets {amount} {where}.",
        numbers=numbers,
        consequences={"refund_minor": amount.minor, "gateway_minor": split.gateway_minor},
        amount=amount,
        split=split,
        needs_approval=_needs_approval(facts, amount, threshold),
    )


def decide_second_opinion(*, requested_by: UUID | None, approver: UUID | None) -> Decision:
    """Whether this person may approve or decline the refund: never the one who asked for it (MN-9)."""
    if approver is None or approver == requested_by:
        return Decision(
            allowed=False,
            rule="second_person",
            message="You asked for this refund, so somebody else has to decide it.",
            refusal=Refusal.FORBIDDEN,
            code="own_request",
        )
    return Decision(allowed=True, rule="second_person", message="You may decide this refund.")


def _needs_approval(facts: PaidFacts, amount: Money, threshold: Decimal) -> bool:
    total = Money(facts.staff_decided_minor + amount.minor, facts.currency)
    return amount.minor > 0 and passes_threshold(total, threshold)


def _numbers(facts: PaidFacts) -> dict[str, int | str]:
    return {
        "paid_minor": facts.paid_minor,
        "refunded_minor": facts.refunded_minor,
        "staff_decided_minor": facts.staff_decided_minor,
        "currency": facts.currency,
    }


def _invalid(rule: str, message: str, field: str, numbers: dict[str, int | str], amount: Money) -> RefundDecision:
    return RefundDecision(
        allowed=False,
        rule=rule,
        message=message,
        numbers=numbers,
        refusal=Refusal.INVALID,
        fields={field: message},
        amount=amount,
        split=Split(0, 0),
    )
