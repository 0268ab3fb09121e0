"""Money is whole minor units, and never a float (MN-12)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.money import Money, percentage_of, share_of

AMOUNTS = st.integers(-(10**12) + 1, 10**12 - 1)
CURRENCIES = st.sampled_from(["EUR", "NGN", "JPY", "KWD"])


@pytest.mark.spec("MN-12")
@pytest.mark.parametrize(
    "text, currency, minor",
    [
        ("35.00", "EUR", 3_500),
        (" 35 ", "EUR", 3_500),
        ("0.5", "EUR", 50),
        ("35", "JPY", 35),
        ("1.234", "KWD", 1_234),
        ("-1.10", "EUR", -110),
        ("35.0000", "EUR", 3_500),
    ],
)
def test_an_amount_is_read_in_its_currency_s_decimals(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.spec("MN-12", "API-1")
@pytest.mark.parametrize(
    "text, currency",
    [
        ("0.001", "EUR"),
        ("0.1", "JPY"),
        ("1e5", "EUR"),
        ("1e999999", "EUR"),
        ("1_000", "EUR"),
        ("٣", "EUR"),
        ("NaN", "EUR"),
        ("Infinity", "EUR"),
        ("", "EUR"),
        ("1,50", "EUR"),
        ("9" * 30, "EUR"),
    ],
)
def test_anything_else_is_no_amount(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match=r"not an amount|decimals"):
        Money.parse(text, currency)


@pytest.mark.spec("MN-12")
@given(minor=AMOUNTS, currency=CURRENCIES)
def test_an_amount_survives_being_written_and_read(minor: int, currency: str) -> None:
    money = Money(minor, currency)

    assert Money.parse(str(money.amount), currency) == money
    assert str(money) == f"{money.amount} {currency}"
    assert isinstance(money.amount, Decimal)


@pytest.mark.spec("MN-5", "MN-6")
@given(minor=st.integers(0, 10**12), percentage=st.integers(0, 100))
def test_shares_round_down_refunds_half_up_and_nothing_is_lost(minor: int, percentage: int) -> None:
    exact = Decimal(minor) * percentage / 100

    assert share_of(minor, percentage) == int(exact)
    assert percentage_of(minor, percentage) == int(exact + Decimal("0.5"))
    assert share_of(minor, percentage) + (minor - share_of(minor, percentage)) == minor


def test_money_is_added_compared_and_turned_around_in_one_currency() -> None:
    small, large = Money(100, "EUR"), Money(250, "EUR")

    assert small + large == Money(350, "EUR")
    assert large - small == Money(150, "EUR")
    assert -small == Money(-100, "EUR")
    assert small < large
    assert small <= Money(100, "EUR")
    assert large.percentage(33) == Money(83, "EUR")


@pytest.mark.parametrize("other", [Money(1, "USD")])
def test_currencies_do_not_mix(other: Money) -> None:
    with pytest.raises(ValueError, match="cannot be mixed"):
        Money(1, "EUR") + other
    with pytest.raises(ValueError, match="cannot be mixed"):
        _ = Money(1, "EUR") < other


@pytest.mark.parametrize("code", ["eur", "EU", "EURO", "ÄÖÜ", ""])
def test_a_currency_is_an_iso_code(code: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(1, code)
