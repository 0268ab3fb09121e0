"""Column types and shorthands that tables share."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, Enum, ForeignKey, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import UtcDateTime


def enum_column(kind: type[StrEnum], name: str, **options: Any) -> Mapped[Any]:
    """A string column that takes the members' values only, by a CHECK named after ``name``."""
    return mapped_column(
        Enum(
            kind,
            name=name,
            native_enum=False,
            create_constraint=True,
            length=40,
            values_callable=lambda members: [member.value for member in members],
        ),
        **options,
    )


def uuid_key() -> Mapped[UUID]:
    """A random version 4 primary key: public ids are unguessable."""
    return mapped_column(Uuid, primary_key=True, default=uuid4)


def refers(target: str, *, index: bool = False, **options: Any) -> Mapped[Any]:
    """A foreign key to ``target``; nothing that happened is deleted, so nothing cascades."""
    return mapped_column(Uuid, ForeignKey(target), index=index, **options)


def instant(**options: Any) -> Mapped[Any]:
    """A point in time, aware, in UTC."""
    return mapped_column(UtcDateTime, **options)


def minor(**options: Any) -> Mapped[Any]:
    """An amount in minor units of the currency beside it (MN-12)."""
    return mapped_column(BigInteger, **options)


def currency(**options: Any) -> Mapped[Any]:
    """An ISO 4217 code."""
    return mapped_column(Text, **options)


def json(**options: Any) -> Mapped[Any]:
    return mapped_column(JSONB, **options)


def texts(**options: Any) -> Mapped[Any]:
    return mapped_column(ARRAY(Text), **options)


def uuids(**options: Any) -> Mapped[Any]:
    return mapped_column(ARRAY(Uuid), **options)


Instant = datetime
