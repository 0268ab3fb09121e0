"""The test house itself: what one test writes, the next does not see."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from app.domain.vocabulary import Role
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import PolicyVersion, User
from tests.world import START


@pytest.mark.parametrize("turn", [1, 2])
def test_a_committed_row_is_gone_in_the_next_test(app: Flask, turn: int) -> None:
    with transaction():
        db.session.add(User(email="ada@example.com", name="Ada", password_hash="x", role=Role.MENTEE, created_at=START))

    assert db.session.scalar(select(func.count()).select_from(User)) == 1


@pytest.mark.spec("POL-5")
def test_a_policy_version_cannot_be_changed(app: Flask) -> None:
    with pytest.raises(IntegrityError, match="what happened is kept"):
        db.session.execute(text("UPDATE policy_versions SET reason = 'other'"))


def test_a_new_database_has_the_shipped_policies(app: Flask) -> None:
    from app.domain.policies import DEFAULTS
    from app.foundation.policies import current_policies

    assert current_policies().values == DEFAULTS
    assert db.session.scalar(select(func.count()).select_from(PolicyVersion)) == 1
