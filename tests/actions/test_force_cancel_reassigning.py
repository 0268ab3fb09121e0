"""Support ends a session whose mentor gave it up and whose mentee has not answered yet (ACT-1, CX-4, MN-14)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.booking.session_queries import load_session_row
from app.domain.ledger import PLATFORM_HELD, PLATFORM_REVENUE
from app.domain.vocabulary import ReassignmentStatus, RefundState, SessionStatus
from app.extensions import db
from app.models import MentoringSession, Refund, User
from app.money.checks import CHECKS
from app.money.ledger import balance
from app.money.refunds import decline_refund
from app.money.settlement import split_of
from app.money.wallets import wallet_of
from app.support.force_cancel import force_cancel, preview_force_cancel
from tests.actions.traces import mailed, told
from tests.factories.people import a_mentor, a_support_agent, an_admin, ctx_of
from tests.factories.sessions import a_reassigned_session, a_session_without_mentor, fresh

pytestmark = pytest.mark.usefixtures("app", "clock")


def money_of(mentor: User) -> tuple[int, int]:
    wallet = wallet_of(mentor.id).in_currency("EUR")
    return wallet.pending.minor, wallet.available.minor


def platform() -> tuple[int, int]:
    return -balance(PLATFORM_HELD, "EUR"), -balance(PLATFORM_REVENUE, "EUR")


def problems() -> list[str]:
    return [str(problem) for check in CHECKS for problem in check.run()]


@pytest.mark.spec("ACT-1", "CX-4", "MN-14", "INV-3")
@pytest.mark.parametrize("make", [a_reassigned_session, a_session_without_mentor])
def test_what_is_kept_is_nobodys_earnings(make: Callable[..., MentoringSession]) -> None:
    former, support = a_mentor(), ctx_of(a_support_agent())
    session = make(mentor=former)
    assert money_of(former) == (3_500, 0)

    plan = preview_force_cancel(session.id, refund_percentage=40, ctx=support)
    assert (plan.mentor_keeps.minor, plan.platform_keeps.minor) == (0, 3_000)
    assert "gave the session up" in plan.sentence
    force_cancel(
        session.id, reason="The mentee wants out", refund_percentage=40, fingerprint=plan.fingerprint, ctx=support
    )

    session = fresh(session)
    assert (session.status, session.reassignment_status) == (SessionStatus.CANCELLED, ReassignmentStatus.REJECTED)
    assert money_of(former) == (0, 0)
    assert money_of(session.mentor) == (0, 0)
    assert split_of(session).mentor.minor == 0
    assert platform() == (0, 3_000)
    assert problems() == []


@pytest.mark.spec("ACT-1", "MN-9", "MN-14", "INV-3")
def test_nor_when_a_second_person_refuses_the_refund() -> None:
    former, admin = a_mentor(rate_minor=30_000), ctx_of(an_admin())
    session = a_reassigned_session(mentor=former)
    force_cancel(session.id, reason="The mentee wants out", fingerprint=None, ctx=ctx_of(a_support_agent()))
    refund = db.session.scalars(db.select(Refund).where(Refund.session_id == session.id)).one()
    assert refund.status is RefundState.AWAITING_APPROVAL
    assert money_of(former) == (0, 0)
    decline_refund(refund.id, reason="Not agreed with anybody", ctx=admin)
    assert money_of(former) == (0, 0)
    assert platform() == (0, 30_000)
    assert problems() == []


@pytest.mark.spec("RA-2", "ACT-1")
def test_a_mentor_who_gave_it_up_is_no_party_and_hears_nothing_of_it() -> None:
    session = a_session_without_mentor()
    before = told(session, session.mentor_id)
    done = force_cancel(session.id, reason="The mentee wants out", fingerprint=None, ctx=ctx_of(a_support_agent()))
    assert done.notifications_sent == 2
    assert told(session, session.mentor_id) == before
    assert ("admin_cancelled_session", session.mentor_id) not in mailed(session)
    assert ("admin_cancelled_session", session.mentee_id) in mailed(session)


@pytest.mark.spec("DB-2", "MN-14")
def test_the_mentor_who_was_assigned_is_shown_no_earnings_of_it() -> None:
    session = a_reassigned_session()
    support = ctx_of(a_support_agent())
    force_cancel(session.id, reason="The mentee wants out", refund_percentage=0, fingerprint=None, ctx=support)
    earnings = load_session_row(session.id, ctx=ctx_of(fresh(session).mentor)).earnings
    assert earnings is not None
    assert earnings.minor == 0
