"""How much goes back, where to, and who has to agree (MN-6, MN-7, MN-9)."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import Forbidden, Invalid
from app.domain.money import Money
from app.domain.refunds import (
    PaidFacts,
    Split,
    decide_manual_refund,
    decide_percentage_refund,
    decide_second_opinion,
    missing_to,
    passes_threshold,
    split_refund,
)
from app.domain.vocabulary import RefundType

THRESHOLD = Decimal("200.00")
ADA, BOB = UUID(int=1), UUID(int=2)
MIXED = PaidFacts(currency="EUR", paid_gateway_minor=3_000, paid_credit_minor=500)


@pytest.mark.spec("MN-6")
@pytest.mark.parametrize(
    "paid, percentage, refunded, missing",
    [
        (3_500, 70, 0, 2_450),
        (3_500, 70, 450, 2_000),
        (3_500, 70, 2_450, 0),
        (3_500, 70, 3_000, 0),
        (3_500, 0, 0, 0),
        (3_500, 100, 1, 3_499),
        (1, 50, 0, 1),  # half a cent goes up
        (1, 49, 0, 0),
        (999, 33, 0, 330),  # 329.67
        (15, 70, 0, 11),  # 10.5
    ],
)
def test_a_refund_is_what_is_missing_to_the_target(paid: int, percentage: int, refunded: int, missing: int) -> None:
    assert missing_to(paid, percentage, refunded) == missing


@pytest.mark.spec("MN-7")
@pytest.mark.parametrize(
    "amount, expected", [(0, Split(0, 0)), (1, Split(1, 0)), (3_000, Split(3_000, 0)), (3_100, Split(3_000, 100))]
)
def test_the_gateway_comes_first_and_the_rest_goes_to_credit(amount: int, expected: Split) -> None:
    assert split_refund(amount, MIXED.left) == expected


@pytest.mark.spec("INV-4")
@pytest.mark.parametrize("amount", [-1, 3_501])
def test_more_than_is_left_cannot_be_split(amount: int) -> None:
    with pytest.raises(ValueError, match="cannot be taken"):
        split_refund(amount, MIXED.left)


@pytest.mark.spec("MN-6", "MN-7", "INV-4")
@given(
    gateway=st.integers(0, 10**9),
    paid_credit=st.integers(0, 10**6),
    percentages=st.lists(st.integers(0, 100), max_size=6),
)
def test_however_often_it_is_refunded_the_sum_is_the_highest_target(
    gateway: int, paid_credit: int, percentages: list[int]
) -> None:
    back = Split(0, 0)
    for percentage in percentages:
        facts = PaidFacts(
            currency="EUR",
            paid_gateway_minor=gateway,
            paid_credit_minor=paid_credit,
            refunded_gateway_minor=back.gateway_minor,
            refunded_credit_minor=back.credit_minor,
        )
        split = decide_percentage_refund(facts, percentage, by_staff=False, threshold=THRESHOLD).split
        back = Split(back.gateway_minor + split.gateway_minor, back.credit_minor + split.credit_minor)

    paid = gateway + paid_credit
    assert back.total_minor == missing_to(paid, max(percentages, default=0), 0)
    assert back.gateway_minor <= gateway
    assert back.credit_minor == 0 or back.gateway_minor == gateway


@pytest.mark.spec("MN-7", "ACT-3")
class TestManualRefund:
    def decide(self, kind: RefundType, amount: int, currency: str = "EUR", **known: int) -> object:
        facts = PaidFacts(currency="EUR", **({"paid_gateway_minor": 3_000, "paid_credit_minor": 500} | known))
        return decide_manual_refund(facts, kind, Money(amount, currency), threshold=THRESHOLD)

    @pytest.mark.parametrize(
        "kind, amount, split",
        [
            (RefundType.FULL, 3_500, Split(3_000, 500)),
            (RefundType.PARTIAL, 1, Split(1, 0)),
            (RefundType.PARTIAL, 3_500, Split(3_000, 500)),
            (RefundType.BONUS, 9_000, Split(0, 9_000)),
        ],
    )
    def test_each_kind_within_its_limits(self, kind: RefundType, amount: int, split: Split) -> None:
        decision = self.decide(kind, amount)

        assert (decision.allowed, decision.split, decision.needs_approval) == (True, split, False)  # type: ignore[attr-defined]
        assert decision.consequences["refund_minor"] == amount  # type: ignore[attr-defined]

    @pytest.mark.parametrize(
        "kind, amount, currency, rule",
        [
            (RefundType.FULL, 3_499, "EUR", "full_is_what_is_left"),
            (RefundType.FULL, 3_501, "EUR", "full_is_what_is_left"),
            (RefundType.PARTIAL, 3_501, "EUR", "more_than_is_left"),
            (RefundType.PARTIAL, 0, "EUR", "amount_not_positive"),
            (RefundType.BONUS, -1, "EUR", "amount_not_positive"),
            (RefundType.BONUS, 100, "USD", "currency_differs"),
        ],
    )
    def test_beyond_them_the_amount_is_named(self, kind: RefundType, amount: int, currency: str, rule: str) -> None:
        decision = self.decide(kind, amount, currency)

        with pytest.raises(Invalid) as refusal:
            decision.require()  # type: ignore[attr-defined]
        assert decision.rule == rule  # type: ignore[attr-defined]
        assert list(refusal.value.fields) == ["amount"]

    def test_full_means_what_is_left_after_earlier_refunds(self) -> None:
        assert self.decide(RefundType.FULL, 2_500, refunded_gateway_minor=1_000).allowed  # type: ignore[attr-defined]


@pytest.mark.spec("MN-9")
class TestApproval:
    @pytest.mark.parametrize(
        "earlier, amount, needed", [(0, 20_000, False), (0, 20_001, True), (19_999, 1, False), (20_000, 1, True)]
    )
    def test_the_sum_of_staff_decided_refunds_counts(self, earlier: int, amount: int, needed: bool) -> None:
        facts = PaidFacts(currency="EUR", paid_gateway_minor=100_000, staff_decided_minor=earlier)

        decision = decide_manual_refund(facts, RefundType.PARTIAL, Money(amount, "EUR"), threshold=THRESHOLD)

        assert decision.needs_approval is needed

    def test_a_percentage_chosen_by_staff_counts_and_one_by_policy_does_not(self) -> None:
        facts = PaidFacts(currency="EUR", paid_gateway_minor=50_000)

        by_staff = decide_percentage_refund(facts, 100, by_staff=True, threshold=THRESHOLD)
        by_policy = decide_percentage_refund(facts, 100, by_staff=False, threshold=THRESHOLD)

        assert (by_staff.needs_approval, by_policy.needs_approval) == (True, False)

    def test_nothing_needs_no_approval(self) -> None:
        facts = PaidFacts(currency="EUR", paid_gateway_minor=50_000, staff_decided_minor=30_000)

        assert not decide_percentage_refund(facts, 0, by_staff=True, threshold=THRESHOLD).needs_approval

    @pytest.mark.parametrize(
        "currency, minor, passes", [("JPY", 200, False), ("JPY", 201, True), ("KWD", 200_001, True)]
    )
    def test_the_threshold_is_in_the_currency_s_own_units(self, currency: str, minor: int, passes: bool) -> None:
        assert passes_threshold(Money(minor, currency), THRESHOLD) is passes

    @pytest.mark.parametrize("percentage", [-1, 101])
    def test_a_percentage_out_of_range_names_its_field(self, percentage: int) -> None:
        with pytest.raises(Invalid) as refusal:
            decide_percentage_refund(MIXED, percentage, by_staff=True, threshold=THRESHOLD).require()
        assert list(refusal.value.fields) == ["refundPercentage"]

    def test_the_requester_cannot_approve(self) -> None:
        assert decide_second_opinion(requested_by=ADA, approver=BOB).allowed
        for approver in (ADA, None):
            with pytest.raises(Forbidden) as refusal:
                decide_second_opinion(requested_by=ADA, approver=approver).require()
            assert refusal.value.error_code == "own_request"
