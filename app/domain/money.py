"""Money as integer minor units with an ISO 4217 currency (MN-12). Never a float."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

# Currencies whose minor unit is not a hundredth. The rest of ISO 4217 that the product takes has two decimals.
_DECIMALS = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
    "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}  # fmt: skip


# Decimal() itself would take "1_0", "1e999999" (a number of a megabyte) and the digits of other scripts.
_PLAIN_DECIMAL = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?")


def decimals(currency: str) -> int:
    """The number of decimals that ``currency`` is written with."""
    return _DECIMALS.get(currency, 2)


def share_of(amount_minor: int, percentage: int) -> int:
    """``percentage`` of an amount, rounded down to the minor unit: the mentor's share (MN-5)."""
    return amount_minor * percentage // 100


def percentage_of(amount_minor: int, percentage: int) -> int:
    """``percentage`` of an amount, rounded half up to the minor unit: a refund's target (MN-6)."""
    return (amount_minor * percentage * 2 + 100) // 200


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in one currency; arithmetic across currencies raises ``ValueError``."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if len(self.currency) != 3 or not self.currency.isascii() or not self.currency.isupper():
            message = f"{self.currency!r} is not an ISO 4217 code"
            raise ValueError(message)

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Read a plain decimal such as ``"35.00"``.

        :raises ValueError: when it is no plain number, too large, or has more decimals than the currency
        """
        if not _PLAIN_DECIMAL.fullmatch(text.strip()):
            message = f"{text[:40]!r} is not an amount"
            raise ValueError(message)
        value = Decimal(text.strip())
        scaled = value.scaleb(decimals(currency))
        if scaled != scaled.to_integral_value():
            message = f"{currency} has {decimals(currency)} decimals"
            raise ValueError(message)
        return cls(int(scaled), currency)

    @property
    def amount(self) -> Decimal:
        """The decimal amount, with the currency's own number of decimals."""
        return (
            Decimal(self.minor)
            .scaleb(-decimals(self.currency))
            .quantize(Decimal(1).scaleb(-decimals(self.currency)), rounding=ROUND_HALF_UP)
        )

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other).minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other).minor

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other).minor

    def percentage(self, percentage: int) -> Money:
        """``percentage`` of it, rounded half up to the minor unit."""
        return Money(percentage_of(self.minor, percentage), self.currency)

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            message = f"{self.currency} and {other.currency} cannot be mixed"
            raise ValueError(message)
        return other

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"
