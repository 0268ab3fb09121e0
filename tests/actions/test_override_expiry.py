"""Exceptions end at their instant, and the clock notes it once, so that the case tells of it (RS-6, OPS-4)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.booking.tick import tick
from app.domain.context import CLOCK
from app.domain.vocabulary import OverrideType
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import MentoringSession, PolicyOverride, SessionAuditLog
from tests.actions.traces import actions
from tests.factories.people import a_support_agent
from tests.factories.sessions import START_AT, a_paid_session
from tests.world import context

pytestmark = pytest.mark.usefixtures("app", "clock")

END = START_AT - timedelta(hours=3)


def granted(session: MentoringSession, **columns: datetime) -> PolicyOverride:
    agent = a_support_agent()
    with transaction():
        row = PolicyOverride(
            session_id=session.id, override_type=OverrideType.EXTEND_TIME, reason="illness",
            granted_by=agent.id, created_at=session.created_at, **{"expires_at": END, **columns},
        )  # fmt: skip
        db.session.add(row)
    return row


def worked(at: datetime) -> int:
    return tick(ctx=context(CLOCK, at)).counts.get("override_expired", 0)


@pytest.mark.spec("OPS-4", "RS-6")
def test_one_that_ran_out_is_noted_once_with_what_it_was() -> None:
    session = a_paid_session()
    override = granted(session)
    assert worked(END - timedelta(seconds=1)) == 0
    assert worked(END) == 1
    assert worked(END + timedelta(minutes=1)) == 0
    assert db.session.get_one(PolicyOverride, override.id).ended_at == END
    assert actions(session).count("override_expired") == 1
    row = db.session.scalars(db.select(SessionAuditLog).where(SessionAuditLog.action == "override_expired")).one()
    assert (row.actor_role, row.details["override_id"]) == ("clock", str(override.id))


@pytest.mark.spec("OPS-4")
def test_what_was_used_or_revoked_has_ended_otherwise_and_two_of_one_session_end_together() -> None:
    session = a_paid_session()
    granted(session, used_at=session.created_at)
    granted(session, revoked_at=session.created_at)
    granted(session)
    granted(session, expires_at=END - timedelta(minutes=5))
    assert worked(END) == 1
    assert actions(session).count("override_expired") == 2
