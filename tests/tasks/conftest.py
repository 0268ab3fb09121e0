"""The queue server, for tests that really ring."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from redis import Redis

from app.extensions import Doorbell, doorbell


@pytest.fixture
def bell(app: Flask, servers: tuple[str, str]) -> Iterator[Doorbell]:
    """The doorbell, connected and heard, over an empty queue server."""
    redis_url = servers[1]
    doorbell.connect(redis_url)
    doorbell.redis.flushall()
    yield doorbell
    Redis.from_url(redis_url).flushall()
    doorbell.connect(redis_url, is_silent=True)
