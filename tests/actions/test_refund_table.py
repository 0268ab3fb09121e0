"""The refund table of the specification, row by row, at each boundary and one second on either side of it.

Every row goes through the actions of the product; what went back is read from the ledger, to the minor unit.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.booking.cancel import cancel_session
from app.booking.no_show import report_no_show
from app.booking.reassign import reject_reassignment
from app.booking.reschedule_answers import accept
from app.booking.tick import tick
from app.domain.context import CLOCK
from app.domain.errors import Conflict, Refused
from app.domain.ledger import PLATFORM_HELD, PLATFORM_REVENUE, REFUNDS
from app.domain.vocabulary import AccountKind, CancellationCategory, OverrideType, Party, SessionStatus
from app.extensions import db
from app.foundation.policies import change_policies
from app.foundation.transaction import transaction
from app.models import MentoringSession, PolicyOverride
from app.money.checks import CHECKS
from app.money.ledger import balances_of_session
from app.support.force_cancel import force_cancel
from tests.factories.people import a_mentor, a_support_agent, an_admin, ctx_of
from tests.factories.proposals import a_proposal, as_, open_id, the_request
from tests.factories.sessions import START_AT, a_paid_session, a_running_session, fresh
from tests.world import context

pytestmark = pytest.mark.usefixtures("app", "clock")

# No percentage of it is whole: 70 % are 2,333.10, the mentor's share of what is kept then 700.00.
PRICE = 3_333
SECOND = timedelta(seconds=1)
_A_MENTORS = {AccountKind.HELD, AccountKind.MENTOR_PAYABLE}
DAY, CUT_OFF, NONE = timedelta(hours=24), timedelta(hours=2), timedelta()


def paid() -> MentoringSession:
    return a_paid_session(mentor=a_mentor(rate_minor=PRICE))


def cancel(session: MentoringSession, at: datetime, by: Party = Party.MENTEE) -> None:
    cancel_session(
        session.id, category=CancellationCategory.SCHEDULE_CONFLICT, reason="", ctx=as_(fresh(session), by, at)
    )


def given_back(session: MentoringSession) -> int:
    """What the ledger owes the mentee, after looking that the rest is the mentor's and the platform's, to the cent."""
    sums = balances_of_session(session.id)
    back = -sums.get(REFUNDS, 0)
    kept = PRICE - back
    mentors = -sum(minor for account, minor in sums.items() if account.kind in _A_MENTORS and account.owner)
    platforms = -sums.get(PLATFORM_HELD, 0) - sums.get(PLATFORM_REVENUE, 0)
    assert (mentors, platforms) == (kept * 70 // 100, kept - kept * 70 // 100)
    session = fresh(session)
    assert (session.refund_amount_minor, sums.get(PLATFORM_HELD, 0)) == (back, 0)
    assert [str(problem) for check in CHECKS for problem in check.run()] == []
    return back


def strictly() -> None:
    with transaction():
        change_policies({"late_cancellation_rule": "not_allowed"}, reason="strict", ctx=ctx_of(an_admin()))


@pytest.mark.spec("RF", "CX-2", "MN-6")
@pytest.mark.parametrize(
    "left, back",
    [
        (DAY + SECOND, PRICE),
        (DAY, PRICE),
        (DAY - SECOND, 2_333),
        (CUT_OFF + SECOND, 2_333),
        (CUT_OFF, 2_333),
        (CUT_OFF - SECOND, 0),
        (SECOND, 0),
    ],
)
def test_the_mentee_cancels(left: timedelta, back: int) -> None:
    session = paid()
    cancel(session, START_AT - left)
    assert fresh(session).status is SessionStatus.CANCELLED
    assert given_back(session) == back


@pytest.mark.spec("RF", "CX-1")
@pytest.mark.parametrize("late", [NONE, SECOND])
def test_once_it_has_begun_nobody_cancels(late: timedelta) -> None:
    session = paid()
    for by in Party:
        with pytest.raises(Conflict, match="has begun"):
            cancel(session, START_AT + late, by)
    assert fresh(session).status is SessionStatus.SCHEDULED


@pytest.mark.spec("RF", "CX-2")
def test_where_the_rule_says_not_allowed_the_boundary_still_counts_for_the_mentee() -> None:
    strictly()
    first, second = paid(), a_paid_session(mentor=a_mentor(rate_minor=PRICE))
    with pytest.raises(Refused):
        cancel(first, START_AT - CUT_OFF + SECOND)
    assert fresh(first).status is SessionStatus.SCHEDULED
    cancel(second, START_AT - CUT_OFF)
    assert given_back(second) == 2_333


@pytest.mark.spec("RF", "CX-2", "RS-6")
@pytest.mark.parametrize("kind, back", [(OverrideType.ALLOW_CANCELLATION, PRICE), (OverrideType.EXTEND_TIME, 0)])
def test_an_override_holds_up_to_the_last_second(kind: OverrideType, back: int) -> None:
    strictly()
    session, admin = paid(), an_admin()
    with transaction():
        db.session.add(
            PolicyOverride(
                session_id=session.id, override_type=kind, reason="illness", granted_by=admin.id,
                created_at=session.created_at, expires_at=START_AT,
            )
        )  # fmt: skip
    cancel(session, START_AT - SECOND)
    assert given_back(session) == back


@pytest.mark.spec("RF", "RS-2", "RS-5")
@pytest.mark.parametrize("early, back", [(SECOND, PRICE), (NONE, 2_333)])
def test_while_the_mentors_proposal_is_open_everything_goes_back_and_not_an_instant_longer(
    early: timedelta, back: int
) -> None:
    # It expires twenty hours before the session: that is the time on the table.
    session = a_proposal(Party.MENTOR, session=paid(), time=START_AT - timedelta(hours=20))
    expires_at = the_request(session).expires_at
    assert DAY > START_AT - expires_at >= CUT_OFF, "the tier alone would give 70 %"
    cancel(session, expires_at - early)
    assert given_back(session) == back


@pytest.mark.spec("RF", "CX-2")
@pytest.mark.parametrize("left, back", [(DAY, PRICE), (DAY - SECOND, 2_333)])
def test_who_moved_it_bought_no_time(left: timedelta, back: int) -> None:
    at = START_AT - left
    session = a_proposal(Party.MENTEE, session=paid(), time=START_AT + timedelta(days=7), now=at)
    accept(session.id, request_id=open_id(session), ctx=as_(session, Party.MENTOR, at))
    cancel(session, at + timedelta(minutes=1))
    assert given_back(session) == back


@pytest.mark.spec("RF", "RA-5")
@pytest.mark.parametrize("is_found", [True, False])
def test_the_mentor_cancels_and_the_mentee_does_not_go_on(is_found: bool) -> None:
    session = paid()
    if is_found:
        a_mentor(rate_minor=PRICE)
    cancel(session, START_AT - SECOND, Party.MENTOR)
    session = fresh(session)
    assert session.was_reassigned is is_found
    reject_reassignment(session.id, ctx=as_(session, Party.MENTEE, START_AT - SECOND))
    assert given_back(session) == PRICE


@pytest.mark.spec("RF", "RA-7")
@pytest.mark.parametrize("is_found", [True, False])
def test_the_mentor_cancels_and_the_mentee_does_not_answer(is_found: bool) -> None:
    session = paid()
    if is_found:
        a_mentor(rate_minor=PRICE)
    cancel(session, START_AT - timedelta(hours=30), Party.MENTOR)
    deadline = fresh(session).reassignment_deadline
    assert deadline is not None
    tick(ctx=context(CLOCK, deadline - SECOND))
    assert fresh(session).status is SessionStatus.SCHEDULED
    tick(ctx=context(CLOCK, deadline))
    assert fresh(session).status is SessionStatus.CANCELLED
    assert given_back(session) == PRICE


@pytest.mark.spec("RF", "NS-1", "NS-2")
def test_the_mentor_does_not_come() -> None:
    session = a_running_session(mentor=a_mentor(rate_minor=PRICE), joined=[Party.MENTEE])
    grace = timedelta(minutes=10)
    with pytest.raises((Refused, Conflict)):
        report_no_show(session.id, ctx=as_(session, Party.MENTEE, START_AT + grace - SECOND))
    report_no_show(session.id, ctx=as_(session, Party.MENTEE, START_AT + grace))
    assert given_back(session) == PRICE


@pytest.mark.spec("RF", "ACT-1")
@pytest.mark.parametrize(
    "percentage, back", [(0, 0), (1, 33), (50, 1_667), (70, 2_333), (99, 3_300), (100, PRICE), (None, PRICE)]
)
def test_support_cancels(percentage: int | None, back: int) -> None:
    session, ctx = paid(), ctx_of(a_support_agent())
    chosen = {} if percentage is None else {"refund_percentage": percentage}
    force_cancel(session.id, reason="The mentor is ill", fingerprint=None, ctx=ctx, **chosen)
    assert given_back(session) == back
