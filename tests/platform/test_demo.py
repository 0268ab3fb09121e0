"""The demonstration is a small world in which every rule holds (RUN-1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select

from app.domain.vocabulary import DisputeStatus, SessionStatus
from app.extensions import db
from app.models import MentoringSession, SessionDispute
from app.support.invariants import check_invariants


@pytest.mark.slow
@pytest.mark.spec("RUN-1", "RUN-6")
def test_the_demonstration_has_every_state_and_no_broken_rule(own_database: Callable[..., Flask]) -> None:
    from app.cli.demo.seed import seed_demo

    app = own_database()
    told: list[str] = []
    with app.app_context():
        adapters = app.extensions["desk-adapters"]
        arguments = {"now": datetime.now(UTC), "sessions": 90, "mentors": 14, "mentees": 30, "days": 40}
        made = seed_demo(**arguments, adapters=adapters, say=told.append)
        again = seed_demo(**arguments, adapters=adapters, say=told.append)

        assert (made, again) == (True, False)
        assert set(db.session.scalars(select(MentoringSession.status).distinct())) == set(SessionStatus), told[-1]
        assert set(db.session.scalars(select(SessionDispute.status).distinct())) == set(DisputeStatus), told[-1]
        assert db.session.scalars(select(SessionDispute).where(SessionDispute.awaiting_refund_id.is_not(None))).all()
        assert [finding for finding in check_invariants() if not finding.holds] == []
