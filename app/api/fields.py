"""The kinds of value that go in and out of the API, each with its reading, its writing and its place in OpenAPI.

What comes in is strict: no guessed types, no unknown names, no naive times. Names are camelCase outside and snake_case
inside.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic.alias_generators import to_camel

from app.domain.errors import Invalid
from app.domain.money import Money
from app.domain.times import EARLIEST, LATEST, parse_instant, zone

LARGEST_PAGE: Final = 100
_DIGITS = re.compile(r"-?[0-9]{1,18}")


class Given(BaseModel):
    """What a caller sends: a body or part of one, or the parameters of an address."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=False,
        validate_by_alias=True,
    )


class Told(BaseModel):
    """What the API answers with, or part of it. It says exactly what is declared: nothing more can slip out."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


class Paged(Given):
    """The parameters of every list (API-1)."""

    page: Whole = Field(1, ge=1, le=100_000, description="Which page, from 1.")
    limit: Whole = Field(20, ge=1, le=LARGEST_PAGE, description="How many a page.")


class Pagination(Told):
    page: int
    limit: int
    total: int
    total_pages: int


def pagination(page: int, limit: int, total: int) -> Pagination:
    """Where a page stands among all; an empty list has one page."""
    return Pagination(page=page, limit=limit, total=total, total_pages=max(1, -(-total // limit)))


def _read_whole(value: Any) -> Any:
    # In an address everything is text; there "1.0", " 1" and "1_0" are no whole numbers either.
    if isinstance(value, str):
        if not _DIGITS.fullmatch(value):
            raise ValueError("Give a whole number.")
        return int(value)
    return value


def _read_count(value: Any) -> Any:
    # JSON has one kind of number: 2.0 is 2.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _read_switch(value: Any) -> Any:
    if isinstance(value, str):
        if value not in {"true", "false"}:
            raise ValueError("Give true or false.")
        return value == "true"
    return value


def _read_instant(value: Any) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    if not isinstance(value, str) or len(value) > 40:
        raise ValueError("Give the time as text with its offset, such as 2026-03-29T08:00:00Z.")
    try:
        return parse_instant(value, field="time")
    except Invalid as error:
        raise ValueError(error.fields["time"]) from error


def _read_price(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("Give a number.")  # noqa: TRY004 - pydantic tells a ValueError as a refusal
    # The shortest text that means this number is what was sent.
    return Decimal(repr(value))


def _within_centuries(value: date) -> date:
    if not EARLIEST.date() <= value <= LATEST.date():
        raise ValueError(f"Give a day between {EARLIEST:%Y} and {LATEST:%Y}.")
    return value


def _known_zone(value: str) -> str:
    try:
        zone(value)
    except Invalid as error:
        raise ValueError(error.fields["timezone"]) from error
    return value


# In bodies.
Count = Annotated[int, BeforeValidator(_read_count)]
# In parameters of an address.
Whole = Annotated[int, BeforeValidator(_read_whole)]
Switch = Annotated[bool, BeforeValidator(_read_switch)]
Instant = Annotated[
    datetime,
    BeforeValidator(_read_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-03-29T08:00:00Z"]}),
]
Day = Annotated[date, AfterValidator(_within_centuries)]
ZoneName = Annotated[
    str, AfterValidator(_known_zone), WithJsonSchema({"type": "string", "examples": ["Europe/Berlin"]})
]
# Written as a number with the currency's own decimals (`app.api.writing`); a binary float never holds money (MN-12).
Amount = Annotated[Decimal, WithJsonSchema({"type": "number", "examples": [35.00]})]
Price = Annotated[
    Decimal, BeforeValidator(_read_price), WithJsonSchema({"type": "number", "minimum": 0, "examples": [35.00]})
]
# In parameters of an address, where everything is text.
WholeMinutes = Annotated[int, Field(ge=1, le=1_440), BeforeValidator(_read_whole)]
PriceLimit = Annotated[
    Decimal, Field(ge=0, le=1_000_000), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1_000_000})
]
StarsLimit = Annotated[Decimal, Field(ge=0, le=5), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 5})]


def amount(minor: int, currency: str) -> Decimal:
    """Minor units as the decimal amount that is told."""
    return Money(minor, currency).amount


def several(kind: type[StrEnum]) -> Any:
    """A parameter that holds one or more of ``kind``, separated by commas."""
    known = [member.value for member in kind]

    def read(value: Any) -> Any:
        words = [word.strip() for word in value.split(",")] if isinstance(value, str) else []
        if not words or not set(words) <= set(known):
            raise ValueError(f"Give one or more of {', '.join(known)}, separated by commas.")
        return tuple(member for member in kind if member.value in words)

    schema = {"type": "string", "description": f"One or more of {', '.join(known)}, separated by commas."}
    return Annotated[tuple[StrEnum, ...], PlainValidator(read), WithJsonSchema(schema)]


Paged.model_rebuild()
