"""Support says who did not come, and the money follows (NS-2, NS-4)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.booking.tick import tick
from app.domain.errors import DomainError, Forbidden
from app.domain.money import Money
from app.domain.vocabulary import Party, RefundStatus, SessionStatus
from app.extensions import db
from app.models import AdminAuditTrail, CalendarEntry, MentoringSession
from app.money.wallets import wallet_of
from app.support.mark_no_show import mark_no_show
from tests.factories.people import a_support_agent, an_ops, ctx_of
from tests.factories.sessions import a_completed_session, a_scheduled_session
from tests.world import Clock, context

WHY = "The other side reported it, and the call log agrees."


def _available(session: MentoringSession) -> Money:
    balances = (balance.available for balance in wallet_of(session.mentor_id).balances)
    return next((amount for amount in balances if amount.currency == session.currency), Money(0, session.currency))


@pytest.mark.spec("NS-2", "NS-4")
def test_an_absent_mentee_gets_nothing_back_and_the_mentor_is_paid(app: Flask, clock: Clock) -> None:
    session = a_scheduled_session()
    assert session.scheduled_at is not None
    clock.set(session.scheduled_at + timedelta(minutes=20))

    mark_no_show(session.id, absent=Party.MENTEE, reason=WHY, ctx=ctx_of(a_support_agent()))

    found = db.session.get_one(MentoringSession, session.id, populate_existing=True)
    assert (found.status, found.no_show_party, found.refund_status) == (
        SessionStatus.NO_SHOW,
        Party.MENTEE,
        RefundStatus.NONE,
    )
    assert _available(found).minor == found.rate_minor * 70 // 100


@pytest.mark.spec("NS-2", "NS-4")
def test_an_absent_mentor_pays_everything_back_even_after_completion(app: Flask, clock: Clock) -> None:
    session = a_completed_session()
    clock.advance(days=2)

    mark_no_show(session.id, absent=Party.MENTOR, reason=WHY, ctx=ctx_of(a_support_agent()))

    found = db.session.get_one(MentoringSession, session.id, populate_existing=True)
    assert (found.status, found.refund_amount_minor) == (SessionStatus.NO_SHOW, found.rate_minor)
    assert _available(found).minor == 0


@pytest.mark.spec("ACT-9", "AUD-1")
def test_it_is_one_row_in_the_staff_trail_with_who_was_absent(app: Flask, clock: Clock) -> None:
    session, agent = a_completed_session(), a_support_agent()

    mark_no_show(session.id, absent=Party.MENTOR, reason=WHY, ctx=ctx_of(agent))

    row = db.session.scalars(select(AdminAuditTrail).where(AdminAuditTrail.session_id == session.id)).one()
    assert (row.action, row.admin_id, row.reason, row.previous_status, row.new_status, row.details) == (
        "ADMIN_MARK_NO_SHOW",
        agent.id,
        WHY,
        "completed",
        "no_show",
        {
            "absent": "mentor",
            "refundPercentage": 100,
            "refundAmount": "50.00",
            "currency": "EUR",
            "notifyParties": True,
            "notificationsSent": 4,
        },
    )


@pytest.mark.parametrize("kind", ["too old", "may not"])
def test_a_refusal_changes_nothing(app: Flask, clock: Clock, kind: str) -> None:
    session = a_completed_session()
    if kind == "too old":
        clock.advance(days=40)
    actor = a_support_agent() if kind == "too old" else an_ops()

    with pytest.raises(Forbidden if kind == "may not" else DomainError):
        mark_no_show(session.id, absent=Party.MENTOR, reason=WHY, ctx=ctx_of(actor))

    found = db.session.get_one(MentoringSession, session.id, populate_existing=True)
    assert (found.status, found.refund_amount_minor) == (SessionStatus.COMPLETED, 0)
    assert db.session.scalars(select(AdminAuditTrail)).all() == []


def test_a_missed_session_is_not_completed_by_the_clock_and_holds_nobody(app: Flask, clock: Clock) -> None:
    session = a_scheduled_session()
    assert session.scheduled_at is not None
    clock.set(session.scheduled_at + timedelta(minutes=20))
    mark_no_show(session.id, absent=Party.MENTEE, reason=WHY, ctx=ctx_of(a_support_agent()))

    tick(ctx=context(now=clock.advance(days=1)))

    found = db.session.get_one(MentoringSession, session.id, populate_existing=True)
    assert found.status is SessionStatus.NO_SHOW
    assert db.session.scalars(select(CalendarEntry).where(CalendarEntry.session_id == session.id)).all() == []
