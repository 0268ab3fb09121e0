"""What a policy key may hold, and reading a value for it from a form or from JSON (POL-1).

The keys themselves stand in ``policies``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

from app.domain.errors import Invalid

PolicyValue = int | Decimal | bool | str | tuple[int, ...]
Number = TypeVar("Number", int, Decimal)


class PolicyType(StrEnum):
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    INTEGER_LIST = "integer_list"


class PolicyGroup(StrEnum):
    """The headings of the policy editor."""

    BOOKING = "booking"
    CANCELLATION = "cancellation"
    JOINING = "joining"
    MONEY = "money"
    REASSIGNMENT = "reassignment"
    RESCHEDULING = "rescheduling"
    SUPPORT = "support"


@dataclass(frozen=True, slots=True)
class PolicySpec:
    """What a policy key may hold.

    :param minimum: least number allowed, for each item of a list
    :param maximum: greatest number allowed, for each item of a list
    :param pinned: a session keeps the value in force when the mentee submitted it (POL-5)
    :param strict_24h: the value in the preset *Strict 24 h*
    """

    key: str
    type: PolicyType
    default: PolicyValue
    strict_24h: PolicyValue
    group: PolicyGroup
    description: str
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str, ...] = ()
    pinned: bool = False

    @property
    def unit(self) -> str:
        """What a number of it counts, as people write it behind it; empty for what is no measure."""
        words = self.key.split("_")
        return next((unit for name, unit in _UNITS.items() if name in words), "")

    @property
    def label(self) -> str:
        """The key as people say it, without its unit: ``"Payment hold"``."""
        words = [word for word in self.key.split("_") if word not in _UNITS]
        return " ".join(words).capitalize().replace("cutoff", "cut-off").replace("o show", "o-show")


_UNITS = {"hours": "hours", "minutes": "minutes", "days": "days", "seconds": "seconds", "percentage": "%"}


def value_as_json(value: PolicyValue) -> int | str | bool | list[int]:
    """One value as JSON can hold it."""
    match value:
        case Decimal():
            return str(value)
        case tuple():
            return list(value)
        case _:
            return value


def value_in_words(spec: PolicySpec, value: PolicyValue) -> str:
    """A value as people read it: ``"24 hours"``, ``"70 %"``, ``"yes"``, ``"no refund"``."""
    match value:
        case bool():
            return "yes" if value else "no"
        case tuple():
            text = ", ".join(str(item) for item in value) or "none"
        case str():
            return value.replace("_", " ")
        case _:
            text = str(value)
    unit = spec.unit[:-1] if value == 1 and spec.unit.endswith("s") else spec.unit
    return f"{text} {unit}" if unit else text


def bounds_in_words(spec: PolicySpec) -> str:
    """What may stand there: ``"0 to 720 hours"``, ``"yes or no"``."""
    match spec.type:
        case PolicyType.BOOLEAN:
            return "yes or no"
        case PolicyType.CHOICE:
            return " or ".join(choice.replace("_", " ") for choice in spec.choices)
        case _:
            each = "each " if spec.type is PolicyType.INTEGER_LIST else ""
            return f"{each}{spec.minimum:,} to {spec.maximum:,} {spec.unit}".strip()


def parse_value(spec: PolicySpec, raw: object) -> PolicyValue:
    """Read a value for ``spec`` from a form (text) or from JSON.

    :raises Invalid: ``fields[spec.key]`` says what is wrong with it
    """
    try:
        match spec.type:
            case PolicyType.INTEGER:
                return _within(spec, _read_integer(raw))
            case PolicyType.DECIMAL:
                return _read_decimal(spec, raw)
            case PolicyType.BOOLEAN:
                return _read_boolean(raw)
            case PolicyType.CHOICE:
                return _read_choice(spec, raw)
            case PolicyType.INTEGER_LIST:
                return _read_integers(spec, raw)
    except (TypeError, ValueError) as error:
        message = f"{spec.key}: {error}"
        raise Invalid(message, fields={spec.key: str(error)}) from error


_MAX_DECIMALS = 3
_MAX_LIST_ITEMS = 10
# Only ASCII digits and few of them: int() would take "1_000", "٣" and megabytes.
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,9}")
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


def _read_integer(raw: object) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and _WHOLE_NUMBER.fullmatch(raw.strip()):
        return int(raw)
    message = "A whole number is needed."
    raise ValueError(message)


def _read_decimal(spec: PolicySpec, raw: object) -> Decimal:
    message = "A number such as 200.00 is needed."
    if isinstance(raw, bool) or not isinstance(raw, int | str | Decimal):
        raise TypeError(message)
    try:
        value = Decimal(raw.strip() if isinstance(raw, str) else raw)
    except InvalidOperation:
        raise ValueError(message) from None
    if not value.is_finite():
        raise ValueError(message)
    _within(spec, value)
    if value != round(value, _MAX_DECIMALS):
        message = f"At most {_MAX_DECIMALS} decimals."
        raise ValueError(message)
    return value


def _read_boolean(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    text = raw.strip().lower() if isinstance(raw, str) else ""
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    message = "Yes or no is needed."
    raise ValueError(message)


def _read_choice(spec: PolicySpec, raw: object) -> str:
    if isinstance(raw, str) and raw.strip() in spec.choices:
        return raw.strip()
    message = f"One of {', '.join(spec.choices)} is needed."
    raise ValueError(message)


def _read_integers(spec: PolicySpec, raw: object) -> tuple[int, ...]:
    items: list[object]
    if isinstance(raw, str):
        items = [part for part in raw.split(",") if part.strip()]
    elif isinstance(raw, list | tuple):
        items = list(raw)
    else:
        message = "Whole numbers, separated by commas, are needed."
        raise TypeError(message)
    if len(items) > _MAX_LIST_ITEMS:
        message = f"At most {_MAX_LIST_ITEMS} numbers."
        raise ValueError(message)
    numbers = {_within(spec, _read_integer(item)) for item in items}
    return tuple(sorted(numbers, reverse=True))


def _within(spec: PolicySpec, value: Number) -> Number:
    if spec.minimum is not None and value < spec.minimum:
        message = f"At least {spec.minimum}."
        raise ValueError(message)
    if spec.maximum is not None and value > spec.maximum:
        message = f"At most {spec.maximum}."
        raise ValueError(message)
    return value
