"""The arithmetic of the overview's cards (KPI-1)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

_TENTH = Decimal("0.1")


def change(current: int | Decimal, before: int | Decimal) -> Decimal | None:
    """The change against the period before, in percent with one decimal; None where there is nothing to compare."""
    if before == 0:
        return None
    return _rounded((Decimal(current) - Decimal(before)) * 100 / abs(Decimal(before)))


def rate(part: int, whole: int) -> Decimal:
    """``part`` of ``whole`` in percent with one decimal; of nothing it is 0."""
    return _rounded(Decimal(part) * 100 / Decimal(whole)) if whole else Decimal("0.0")


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_TENTH, rounding=ROUND_HALF_UP)
