"""Callers of the API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.models import User
from tests.api.contract import Caller


@pytest.fixture
def anybody(client: FlaskClient) -> Caller:
    """Nobody signed in."""
    return Caller(client)


@pytest.fixture
def calling(client: FlaskClient) -> Callable[..., Caller]:
    """``calling(user)``: somebody with a bearer token."""

    def make(user: User) -> Caller:
        return Caller.of(client, user)

    return make
