"""Staff take, give, rank, talk and write; the clock warns and raises (DSP-2, DSP-3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.domain.context import CLOCK
from app.domain.errors import Conflict, Forbidden, Invalid, NotFound
from app.domain.vocabulary import DisputeCategory, DisputePriority, DisputeStatus, NotificationType
from app.extensions import db
from app.models import AdminAuditTrail, DisputeComment, EmailEvent, Notification, OutboxRow, SessionAuditLog
from app.support.disputes.escalation import escalate_disputes
from app.support.disputes.handling import (
    assign_dispute,
    change_priority,
    comment_on_dispute,
    handlers_for,
    take_dispute,
    write_to_reporter,
)
from app.tasks.rounds import EACH_MINUTE, run_rounds
from tests.factories import people, sessions
from tests.factories.disputes import a_dispute, a_resolved_dispute, an_asked_dispute, fresh_dispute, session_of
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("clock")


def acts() -> list[str]:
    return list(db.session.scalars(select(AdminAuditTrail.action).order_by(AdminAuditTrail.seq)))


def told(user_id: object) -> list[str]:
    rows = select(Notification.title).where(Notification.user_id == user_id).order_by(Notification.number)
    return list(db.session.scalars(rows))


def alerts() -> int:
    return db.session.scalar(select(func.count()).where(OutboxRow.kind == "chat_hook.send")) or 0


@pytest.mark.spec("DSP-2", "SM-3")
def test_taking_a_dispute_makes_it_mine_and_says_so_to_the_reporter() -> None:
    agent, dispute = people.a_support_agent(), a_dispute()
    take_dispute(dispute.id, ctx=people.ctx_of(agent))
    dispute = fresh_dispute(dispute)
    assert (dispute.assigned_to, dispute.status) == (agent.id, DisputeStatus.IN_PROGRESS)
    assert dispute.first_responded_at is None
    assert "Your report is being handled" in told(dispute.reported_by)
    take_dispute(dispute.id, ctx=people.ctx_of(agent))
    assert acts() == ["ADMIN_DISPUTE_TAKEN"]
    with pytest.raises(Conflict):
        take_dispute(dispute.id, ctx=people.ctx_of(people.a_support_agent()))


@pytest.mark.spec("DSP-2")
def test_a_dispute_is_given_to_a_colleague_and_back_to_nobody() -> None:
    agent, colleague, dispute = people.a_support_agent(), people.an_admin(), a_dispute()
    ctx = people.ctx_of(agent)
    assign_dispute(dispute.id, assignee_id=colleague.id, reason="Knows them", ctx=ctx)
    assert fresh_dispute(dispute).assigned_to == colleague.id
    assert "A dispute is yours" in told(colleague.id)
    assign_dispute(dispute.id, assignee_id=None, reason="On holiday", ctx=ctx)
    assert fresh_dispute(dispute).assigned_to is None
    assert acts() == ["ADMIN_DISPUTE_ASSIGNED"] * 2
    for nobody in (uuid4(), people.an_ops().id, people.a_mentee().id, people.a_support_agent(is_active=False).id):
        with pytest.raises(Invalid):
            assign_dispute(dispute.id, assignee_id=nobody, reason="Because", ctx=ctx)
    with pytest.raises(Invalid):
        assign_dispute(dispute.id, assignee_id=colleague.id, reason="", ctx=ctx)


@pytest.mark.spec("DSP-2", "DSP-3")
def test_a_higher_priority_shortens_the_time_and_is_announced(clock: Clock) -> None:
    agent, dispute = people.a_support_agent(), a_dispute()
    assert (dispute.priority, alerts()) == (DisputePriority.LOW, 0)
    ctx = people.ctx_of(agent)
    change_priority(dispute.id, priority=DisputePriority.URGENT, reason="It goes on", ctx=ctx)
    dispute = fresh_dispute(dispute)
    assert dispute.first_response_due_at == clock.now + timedelta(hours=1)
    assert alerts() == 2
    change_priority(dispute.id, priority=DisputePriority.LOW, reason="Calmed down", ctx=ctx)
    assert fresh_dispute(dispute).resolution_due_at == clock.now + timedelta(hours=168)
    assert (acts(), alerts()) == (["ADMIN_DISPUTE_PRIORITY_CHANGED"] * 2, 2)


@pytest.mark.spec("DSP-2")
def test_comments_stay_among_staff_and_messages_reach_the_reporter(clock: Clock) -> None:
    agent, dispute = people.a_support_agent(), a_dispute()
    ctx = people.ctx_of(agent)
    comment_on_dispute(dispute.id, comment="He did that before.", ctx=ctx)
    assert fresh_dispute(dispute).first_responded_at is None
    before = told(dispute.reported_by)
    write_to_reporter(dispute.id, message="We are looking into it.", awaits_answer=False, ctx=ctx)
    dispute = fresh_dispute(dispute)
    assert (dispute.first_responded_at, dispute.waiting_since) == (clock.now, None)
    assert dispute.assigned_to == agent.id
    write_to_reporter(dispute.id, message="When was it?", awaits_answer=True, ctx=ctx)
    dispute = fresh_dispute(dispute)
    assert dispute.waiting_since == clock.now
    assert told(dispute.reported_by)[len(before) :] == ["Support wrote to you", "Support has a question"]
    mails = db.session.scalars(select(EmailEvent).where(EmailEvent.template == "dispute_updated")).all()
    assert {mail.user_id for mail in mails} == {dispute.reported_by}
    assert len(mails) == 2
    comments = db.session.scalars(select(DisputeComment).order_by(DisputeComment.is_internal)).all()
    assert [comment.is_internal for comment in comments] == [False, False, True]
    assert acts() == ["ADMIN_DISPUTE_COMMENTED", *["ADMIN_DISPUTE_REPORTER_WRITTEN"] * 2]


_ACTS: dict[str, Callable[..., Any]] = {
    "take": lambda dispute, ctx: take_dispute(dispute.id, ctx=ctx),
    "assign": lambda dispute, ctx: assign_dispute(dispute.id, assignee_id=None, reason="Because", ctx=ctx),
    "priority": lambda dispute, ctx: change_priority(
        dispute.id, priority=DisputePriority.HIGH, reason="Because", ctx=ctx
    ),
    "comment": lambda dispute, ctx: comment_on_dispute(dispute.id, comment="x", ctx=ctx),
    "write": lambda dispute, ctx: write_to_reporter(dispute.id, message="x", awaits_answer=True, ctx=ctx),
}


@pytest.mark.spec("ADM-2", "DSP-2")
@pytest.mark.parametrize("act", sorted(_ACTS))
def test_nobody_without_the_role_and_nobody_in_an_own_case(act: str) -> None:
    former = people.a_mentor()
    session = sessions.a_completed_session(mentor=former)
    dispute = a_dispute(session)
    for person in (session.mentee, people.an_ops()):
        with pytest.raises(Forbidden):
            _ACTS[act](dispute, people.ctx_of(person))
    # A mentor of before who became an admin is still a party of it.
    former.role = people.Role.ADMIN
    db.session.commit()
    with pytest.raises(Forbidden) as refusal:
        _ACTS[act](dispute, people.ctx_of(former))
    assert refusal.value.error_code == "own_case"
    assert former.id not in {user.id for user in handlers_for(session_of(dispute))}
    assert acts() == []


@pytest.mark.spec("DSP-2")
@pytest.mark.parametrize("act", sorted(set(_ACTS) - {"comment"}))
def test_a_closed_dispute_is_only_commented_on(act: str) -> None:
    dispute, agent = a_resolved_dispute(), people.a_support_agent()
    before = acts()
    with pytest.raises(Conflict):
        _ACTS[act](dispute, people.ctx_of(agent))
    assert acts() == before
    _ACTS["comment"](dispute, people.ctx_of(agent))
    assert acts() == [*before, "ADMIN_DISPUTE_COMMENTED"]


def test_a_dispute_that_is_none_is_not_found() -> None:
    with pytest.raises(NotFound):
        take_dispute(uuid4(), ctx=people.ctx_of(people.a_support_agent()))


@pytest.mark.spec("DSP-3")
def test_the_clock_warns_once_then_raises_the_priority_and_tells_the_lead(clock: Clock) -> None:
    agent, lead = people.a_support_agent(), people.an_admin()
    dispute = a_dispute(category=DisputeCategory.BEHAVIOR)
    take_dispute(dispute.id, ctx=people.ctx_of(agent))
    opened = clock.now
    assert alerts() == 2
    assert escalate_disputes(ctx=context(CLOCK, opened + timedelta(hours=3, seconds=-1))) == {}
    assert escalate_disputes(ctx=context(CLOCK, opened + timedelta(hours=3))) == {"dispute_warned": 1}
    assert escalate_disputes(ctx=context(CLOCK, opened + timedelta(hours=3, minutes=1))) == {}
    assert told(agent.id)[-1] == "A dispute is due soon"
    late = opened + timedelta(hours=4)
    assert escalate_disputes(ctx=context(CLOCK, late)) == {"dispute_escalated": 1}
    dispute = fresh_dispute(dispute)
    assert (dispute.priority, dispute.escalation_level) == (DisputePriority.URGENT, 1)
    assert dispute.breached_at == late
    assert dispute.first_response_due_at == late + timedelta(hours=1)
    for reader in (agent, lead):
        assert told(reader.id)[-1] == "A dispute is late"
    assert alerts() == 4
    (logged,) = db.session.scalars(select(SessionAuditLog).where(SessionAuditLog.action == "dispute_escalated"))
    assert (logged.details["previous_priority"], logged.details["priority"]) == ("high", "urgent")
    assert escalate_disputes(ctx=context(CLOCK, late + timedelta(minutes=44))) == {}
    assert escalate_disputes(ctx=context(CLOCK, late + timedelta(hours=2))) == {"dispute_escalated": 1}
    assert fresh_dispute(dispute).priority is DisputePriority.URGENT
    assert escalate_disputes(ctx=context(CLOCK, late + timedelta(hours=50))) == {}


@pytest.mark.spec("DSP-3")
def test_nothing_escalates_while_the_reporter_is_asked_or_once_it_is_closed(clock: Clock) -> None:
    an_asked_dispute()
    a_resolved_dispute()
    assert escalate_disputes(ctx=context(CLOCK, clock.now + timedelta(days=300))) == {}


@pytest.mark.spec("DSP-3", "OPS-4")
def test_the_clock_s_minute_reports_what_it_did_to_disputes(clock: Clock) -> None:
    a_dispute(category=DisputeCategory.BEHAVIOR)
    report = run_rounds(EACH_MINUTE, context(CLOCK, clock.now + timedelta(hours=4)))["disputes"]
    assert report == {"counts": {"dispute_escalated": 1}, "changed": 1}


@pytest.mark.spec("NT-3", "DSP-3")
def test_what_becomes_urgent_is_heard(clock: Clock) -> None:
    agent, dispute = people.a_support_agent(), a_dispute()
    ctx = people.ctx_of(people.an_admin())
    change_priority(dispute.id, priority=DisputePriority.URGENT, reason="It goes on", ctx=ctx)
    kinds = db.session.scalars(select(Notification.type).where(Notification.user_id == agent.id)).all()
    assert NotificationType.DISPUTE_URGENT in kinds
