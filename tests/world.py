"""The clock, the contexts and the settings that tests are given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from app.config import Settings
from app.domain.context import SYSTEM, Actor, Context

# An awkward default: the leap day's sibling, a few minutes before midnight in UTC.
START = datetime(2028, 2, 28, 23, 40, tzinfo=UTC)


class Clock:
    """The time as the doors see it; a test moves it by hand."""

    def __init__(self, start: datetime = START) -> None:
        self.now = start

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **delta: float) -> datetime:
        self.now += timedelta(**delta)
        return self.now

    def set(self, instant: datetime) -> datetime:
        self.now = instant
        return self.now


def at(local: str, zone: str = "UTC") -> datetime:
    """``at("2028-03-26 10:00", "Europe/Berlin")`` as an instant in UTC."""
    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def context(actor: Actor = SYSTEM, now: datetime = START) -> Context:
    return Context(actor=actor, now=now, request_id="test-request", ip_address="127.0.0.1", user_agent="pytest")


def settings_for(database_url: str, redis_url: str, data_dir: Path, **changes: Any) -> Settings:
    return Settings(
        **{
            "app_env": "test",
            "secret_key": "a key for tests only",
            "public_url": "http://localhost",
            "data_dir": data_dir,
            "database_url": database_url,
            "redis_url": redis_url,
            **changes,
        }
    )
