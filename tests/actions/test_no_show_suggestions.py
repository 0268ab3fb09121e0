"""What the join log misses at a session's end is flagged for a person; the clock never says who was absent (NS-3)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.booking.complete import complete_session
from app.booking.no_show import report_no_show
from app.booking.suggestions import reconsider_suggestion
from app.booking.tick import TickReport, tick
from app.domain.context import CLOCK
from app.domain.errors import Conflict, Forbidden
from app.domain.vocabulary import MeetingType, Party, SessionStatus
from app.extensions import db
from app.foundation.policies import change_policies
from app.foundation.transaction import transaction
from app.models import AdminAuditTrail, DecisionRecord, MentoringSession
from app.money.wallets import wallet_of
from app.support.dismiss_suggestion import dismiss_suggestion
from app.support.mark_no_show import mark_no_show
from app.support.queues import Queue, waiting
from tests.actions.traces import actions, counts
from tests.factories.people import a_support_agent, actor_of, an_ops
from tests.factories.sessions import START_AT, a_running_session, fresh, they_join
from tests.world import context

pytestmark = pytest.mark.usefixtures("app", "clock")

END = START_AT + timedelta(hours=1)
HOLD = timedelta(hours=48)
SECOND = timedelta(seconds=1)


def run(now: datetime) -> TickReport:
    return tick(ctx=context(CLOCK, now))


def available(session: MentoringSession) -> int:
    return wallet_of(session.mentor_id).in_currency("EUR").available.minor


@pytest.mark.spec("NS-3", "WHY-1", "KPI-3")
@pytest.mark.parametrize(
    "joined, rule, missing",
    [
        pytest.param([], "nobody_joined", ["mentee", "mentor"], id="neither"),
        pytest.param([Party.MENTEE], "mentor_did_not_join", ["mentor"], id="only the mentee"),
        pytest.param([Party.MENTOR], "mentee_did_not_join", ["mentee"], id="only the mentor"),
    ],
)
def test_a_video_session_that_lacks_a_join_is_flagged_at_its_end(
    joined: Collection[Party], rule: str, missing: list[str]
) -> None:
    session = a_running_session(joined=joined)
    assert run(END - SECOND).changed == 0

    assert run(END).counts == {"no_show_suggested": 1}
    assert run(END).changed == 0, "twice is harmless"

    session = fresh(session)
    assert (session.status, session.attendance_suggested_at, session.no_show_party) == (
        SessionStatus.IN_PROGRESS, END, None,
    )  # fmt: skip
    record = db.session.scalars(select(DecisionRecord).where(DecisionRecord.kind == "attendance")).one()
    assert (record.rule, record.consequences["missing"]) == (rule, missing)
    assert waiting(END)[Queue.NO_SHOW_SUGGESTIONS].count == 1


@pytest.mark.spec("NS-3")
def test_both_joined_nothing_is_suggested() -> None:
    a_running_session()
    assert run(END).changed == 0


@pytest.mark.spec("NS-3", "MN-5")
def test_a_flagged_session_is_completed_only_after_the_hold_and_earnings_wait() -> None:
    session = a_running_session(joined=[])
    run(END)
    assert run(END + HOLD - SECOND).changed == 0
    assert available(session) == 0

    assert run(END + HOLD).counts == {"completed": 1}

    assert (fresh(session).status, available(session)) == (SessionStatus.COMPLETED, 3_500)
    rules = db.session.scalars(select(DecisionRecord.rule).where(DecisionRecord.kind == "complete")).all()
    assert rules == ["suggestion_hold_passed"]
    assert waiting(END + HOLD)[Queue.NO_SHOW_SUGGESTIONS].count == 0


@pytest.mark.spec("NS-3", "OPS-4")
def test_after_days_without_a_clock_support_still_has_its_two_days() -> None:
    session = a_running_session(joined=[])
    late = END + timedelta(days=5)
    assert run(late).counts == {"no_show_suggested": 1}
    assert run(late + HOLD - SECOND).changed == 0
    assert run(late + HOLD).counts == {"completed": 1}
    assert actions(session)[-2:] == ["no_show_suggested", "session_completed"]


@pytest.mark.spec("NS-3")
@pytest.mark.parametrize("key, value", [("auto_no_show_detection", False)])
def test_without_detection_the_clock_completes_as_ever(key: str, value: object) -> None:
    session = a_running_session(joined=[])
    with transaction():
        change_policies({key: value}, reason="Not here", ctx=context())
    assert run(END).changed == 0
    assert run(END + timedelta(hours=1)).counts == {"completed": 1}
    assert fresh(session).attendance_suggested_at is None


@pytest.mark.spec("NS-3", "JN-5")
def test_what_no_log_can_know_is_not_suggested() -> None:
    session = a_running_session(joined=[], meeting_type=MeetingType.AUDIO)
    assert run(END).changed == 0
    assert run(END + timedelta(hours=1)).counts == {"completed": 1}
    assert fresh(session).status is SessionStatus.COMPLETED


@pytest.mark.spec("NS-3")
@pytest.mark.parametrize("flagged", [True, False], ids=["flagged", "not flagged yet"])
def test_the_mentor_does_not_decide_it(flagged: bool) -> None:
    session = a_running_session(joined=[Party.MENTEE])
    if flagged:
        run(END)
    with pytest.raises(Conflict) as refusal:
        complete_session(session.id, ctx=context(actor_of(session.mentor), END + SECOND))
    assert refusal.value.error_code == "attendance_unclear"


@pytest.mark.spec("NS-1", "NS-3")
def test_a_partys_report_decides_it() -> None:
    session = a_running_session(joined=[Party.MENTEE])
    run(END)
    report_no_show(session.id, ctx=context(actor_of(session.mentee), END + SECOND))
    assert waiting(END)[Queue.NO_SHOW_SUGGESTIONS].count == 0
    assert fresh(session).no_show_party is Party.MENTOR


@pytest.mark.spec("NS-4", "NS-3")
def test_supports_mark_decides_it() -> None:
    session = a_running_session(joined=[Party.MENTOR])
    run(END)
    ctx = context(actor_of(a_support_agent()), END + timedelta(hours=5))
    mark_no_show(session.id, absent=Party.MENTEE, reason="The log says so", ctx=ctx)
    assert (fresh(session).attendance_decided_at, available(session)) == (ctx.now, 3_500)
    assert waiting(END)[Queue.NO_SHOW_SUGGESTIONS].count == 0


@pytest.mark.spec("NS-3", "ACT-9")
def test_support_lets_it_go_and_the_clock_completes() -> None:
    session = a_running_session(joined=[])
    run(END)
    agent, later = a_support_agent(), END + timedelta(hours=5)

    dismiss_suggestion(
        session.id, reason="They met by telephone", fingerprint=None, ctx=context(actor_of(agent), later)
    )

    act = db.session.scalars(select(AdminAuditTrail)).one()
    assert (act.action, act.admin_id) == ("ADMIN_NO_SHOW_SUGGESTION_DISMISSED", agent.id)
    assert run(later).counts == {"completed": 1}
    assert available(session) == 3_500


@pytest.mark.spec("ACT-9", "ADM-2")
def test_what_is_not_flagged_cannot_be_let_go_and_operations_may_not() -> None:
    session = a_running_session(joined=[])
    before = counts()
    with pytest.raises(Conflict):
        dismiss_suggestion(
            session.id, reason="They met", fingerprint=None, ctx=context(actor_of(a_support_agent()), END)
        )
    with pytest.raises(Forbidden):
        dismiss_suggestion(session.id, reason="They met", fingerprint=None, ctx=context(actor_of(an_ops()), END))
    assert counts() == before


@pytest.mark.spec("NS-3")
def test_a_join_that_is_told_late_takes_the_suggestion_back() -> None:
    session = a_running_session(joined=[Party.MENTEE])
    run(END)
    they_join(session, Party.MENTOR)
    with transaction():
        assert reconsider_suggestion(fresh(session), ctx=context(CLOCK, END + timedelta(minutes=30)))
    assert fresh(session).attendance_suggested_at is None
    assert run(END + timedelta(minutes=31)).changed == 0
    assert run(END + timedelta(hours=1)).counts == {"completed": 1}
