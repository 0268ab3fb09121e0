"""Many sessions cancelled at once: what was shown is what is done, each once, whatever happens to the worker (SL-3)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from app.booking.cancel import cancel_session
from app.domain.context import SYSTEM
from app.domain.errors import Conflict, Forbidden, Invalid, NotFound, StalePreview
from app.domain.vocabulary import BulkItemState, BulkState, CancellationCategory, OutboxState, Role, SessionStatus
from app.extensions import db
from app.foundation import cleanup
from app.foundation.transaction import transaction
from app.models import AdminAuditTrail, BulkCancel, BulkCancelItem, MentoringSession, OutboxRow, Refund, User
from app.support import bulk_cancel, bulk_run
from app.support.bulk_cancel import confirm_bulk_cancel, freeze_filter, freeze_picked, plan_again, stop_bulk_cancel
from app.support.bulk_report import tally_of
from app.support.force_cancel import force_cancel
from app.support.session_filter import SessionFilter
from app.tasks import bulk_work
from tests.factories import people, sessions
from tests.factories.sessions import START_AT, fresh
from tests.outbox import KillPoint, RunOutbox
from tests.world import Clock, context

pytestmark = [pytest.mark.usefixtures("app", "clock"), pytest.mark.spec("SL-3")]
KIND = bulk_cancel.KIND


@pytest.fixture
def agent() -> User:
    return people.a_support_agent()


@pytest.fixture
def three() -> list[MentoringSession]:
    """Two paid sessions and a draft of one mentor."""
    mentor = people.a_mentor()
    paid = [sessions.a_paid_session(mentor=mentor, at=START_AT + timedelta(hours=2 * hour)) for hour in range(2)]
    return [*paid, sessions.a_draft(mentor=mentor, at=START_AT + timedelta(hours=5))]


def frozen(agent: User, chosen: list[MentoringSession]) -> UUID:
    return freeze_picked([session.id for session in chosen], ctx=people.ctx_of(agent))


def confirmed(agent: User, bulk_id: UUID, **changes: Any) -> BulkCancel:
    wish = {"reason": "Mentor is ill", "typed": str(tally_of(bulk_id).pending), "refund_percentage": 100}
    return confirm_bulk_cancel(bulk_id, **{**wish, "notify_parties": True, **changes}, ctx=people.ctx_of(agent))


def items(bulk_id: UUID) -> dict[UUID, BulkCancelItem]:
    found = select(BulkCancelItem).where(BulkCancelItem.bulk_id == bulk_id).order_by(BulkCancelItem.position)
    return {item.session_id: item for item in db.session.scalars(found.execution_options(populate_existing=True))}


def states(bulk_id: UUID) -> list[str]:
    return [item.state.value for item in items(bulk_id).values()]


def acts(action: str = "ADMIN_FORCE_CANCEL") -> list[AdminAuditTrail]:
    return list(db.session.scalars(select(AdminAuditTrail).where(AdminAuditTrail.action == action)))


def statuses(chosen: list[MentoringSession]) -> Counter[SessionStatus]:
    return Counter(fresh(session).status for session in chosen)


def test_the_preview_says_what_each_would_get_and_changes_nothing(agent: User, three: list[MentoringSession]) -> None:
    over = sessions.a_cancelled_session()
    bulk_id = frozen(agent, [*three, over])
    found = items(bulk_id)
    assert [found[session.id].refund_minor for session in three] == [5_000, 5_000, 0]
    assert found[over.id].state is BulkItemState.REFUSED
    assert "Only one that is not over yet" in (found[over.id].outcome or "")
    tally = tally_of(bulk_id)
    assert (tally.pending, tally.total, dict(tally.refunds)) == (3, 4, {"EUR": 10_000})
    assert statuses(three)[SessionStatus.CANCELLED] == 0
    assert not db.session.scalars(select(OutboxRow).where(OutboxRow.kind == KIND)).all()


def test_another_refund_is_previewed_before_it_is_confirmed(agent: User, three: list[MentoringSession]) -> None:
    bulk_id = frozen(agent, three)
    plan_again(bulk_id, refund_percentage=50, notify_parties=False, ctx=people.ctx_of(agent))
    assert dict(tally_of(bulk_id).refunds) == {"EUR": 5_000}
    with pytest.raises(StalePreview):
        confirmed(agent, bulk_id)
    with pytest.raises(Invalid):
        plan_again(bulk_id, refund_percentage=101, notify_parties=True, ctx=people.ctx_of(agent))


@pytest.mark.spec("ACT-1", "SM-3")
def test_each_session_is_cancelled_by_the_force_cancel_with_one_audit_row(
    agent: User, three: list[MentoringSession], run_outbox: RunOutbox
) -> None:
    bulk_id = frozen(agent, three)
    confirmed(agent, bulk_id)
    run_outbox(kind=KIND)
    assert states(bulk_id) == ["done", "done", "done"]
    assert statuses(three) == {SessionStatus.CANCELLED: 3}
    assert {row.session_id for row in acts()} == {session.id for session in three}
    row = acts()[0]
    assert (row.admin_id, row.reason, row.ip_address) == (agent.id, "Mentor is ill", "127.0.0.1")
    assert row.details["bulkCancel"] == str(bulk_id)
    assert sorted(refund.amount_minor for refund in db.session.scalars(select(Refund))) == [5_000, 5_000]
    order = acts("ADMIN_BULK_CANCEL")
    assert [(one.subject_id, one.details["sessions"]) for one in order] == [(str(bulk_id), 3)]
    bulk = db.session.get_one(BulkCancel, bulk_id, populate_existing=True)
    assert bulk.state is BulkState.DONE
    assert bulk.finished_at is not None


def test_what_changed_since_the_preview_is_left_alone_and_reported(
    agent: User, three: list[MentoringSession], run_outbox: RunOutbox
) -> None:
    moved, gone, left = three
    bulk_id = frozen(agent, three)
    confirmed(agent, bulk_id)
    with transaction():
        db.session.get_one(MentoringSession, moved.id).version += 1
    cancel_session(
        gone.id,
        category=CancellationCategory.SCHEDULE_CONFLICT,
        reason="I cannot come",
        ctx=people.ctx_of(gone.mentee),
    )
    run_outbox(kind=KIND)
    assert states(bulk_id) == ["changed", "changed", "done"]
    assert fresh(moved).status is SessionStatus.SCHEDULED
    assert "left as it is" in (items(bulk_id)[gone.id].outcome or "")
    assert [row.session_id for row in acts()] == [left.id]


@pytest.mark.spec("ADM-2")
def test_ones_own_case_is_refused_in_the_preview(agent: User, three: list[MentoringSession]) -> None:
    with transaction():
        db.session.get_one(MentoringSession, three[0].id).cancelled_mentor_ids = [agent.id]
    item = items(frozen(agent, three))[three[0].id]
    assert item.state is BulkItemState.REFUSED
    assert "You are a party" in (item.outcome or "")


@pytest.mark.spec("ADM-2", "SEC-2")
@pytest.mark.parametrize(
    "change", [{"role": Role.OPS}, {"suspended_at": START_AT, "suspension_reason": "A test"}, {"is_active": False}]
)
def test_who_may_not_any_more_when_the_worker_comes_cancels_nothing(
    agent: User, three: list[MentoringSession], run_outbox: RunOutbox, change: dict[str, Any]
) -> None:
    bulk_id = frozen(agent, three)
    confirmed(agent, bulk_id)
    with transaction():
        for name, value in change.items():
            setattr(db.session.get_one(User, agent.id), name, value)
    run_outbox(kind=KIND)
    assert states(bulk_id) == ["refused", "refused", "refused"]
    assert statuses(three)[SessionStatus.CANCELLED] == 0


@pytest.mark.spec("OPS-3")
@pytest.mark.parametrize("point", ["claim", "act"])
def test_a_killed_worker_leaves_nothing_half_done_and_nothing_twice(
    agent: User,
    three: list[MentoringSession],
    run_outbox: RunOutbox,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    point: KillPoint,
) -> None:
    monkeypatch.setattr(bulk_work, "STEP", 2)
    bulk_id = frozen(agent, three)
    confirmed(agent, bulk_id)
    run_outbox(kill_after=point, kind=KIND)
    assert states(bulk_id) == (["pending"] * 3 if point == "claim" else ["done", "done", "pending"])
    clock.advance(minutes=2)
    run_outbox(kind=KIND)
    assert states(bulk_id) == ["done", "done", "done"]
    assert len(acts()) == 3
    # A late second worker, and a second confirmation, find everything done.
    assert bulk_run.cancel_some(bulk_id, most=10, ctx=people.ctx_of(agent)) is False
    assert confirmed(agent, bulk_id).state is BulkState.DONE
    assert len(acts()) == 3


def test_one_that_breaks_is_reported_and_the_others_go_on(
    agent: User, three: list[MentoringSession], run_outbox: RunOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fragile(session_id: UUID, **wish: Any) -> Any:
        if session_id == three[0].id:
            raise ZeroDivisionError
        return force_cancel(session_id, **wish)

    monkeypatch.setattr(bulk_run, "force_cancel", fragile)
    bulk_id = frozen(agent, three)
    confirmed(agent, bulk_id)
    run_outbox(kind=KIND)
    assert states(bulk_id) == ["failed", "done", "done"]
    assert fresh(three[0]).status is SessionStatus.SCHEDULED


def test_what_cannot_be_finished_is_reported_at_the_deadline(
    agent: User, three: list[MentoringSession], run_outbox: RunOutbox, clock: Clock
) -> None:
    bulk_id = frozen(agent, three)
    confirmed(agent, bulk_id)
    with transaction():
        row = db.session.scalars(select(OutboxRow).where(OutboxRow.kind == KIND)).one()
        row.attempts = 1
    clock.advance(days=2)
    run_outbox(kind=KIND)
    assert states(bulk_id) == ["failed", "failed", "failed"]
    assert db.session.get_one(BulkCancel, bulk_id, populate_existing=True).state is BulkState.DONE
    assert db.session.scalars(select(OutboxRow.state).where(OutboxRow.kind == KIND)).all() == [OutboxState.DEAD]


def test_it_can_be_stopped(agent: User, three: list[MentoringSession], run_outbox: RunOutbox) -> None:
    bulk_id = frozen(agent, three)
    confirmed(agent, bulk_id)
    stop_bulk_cancel(bulk_id, ctx=people.ctx_of(people.a_support_agent()))
    run_outbox(kind=KIND)
    assert states(bulk_id) == ["pending", "pending", "pending"]
    assert [row.details["left"] for row in acts("ADMIN_BULK_CANCEL_STOPPED")] == [3]


@pytest.mark.parametrize(
    "changes, field",
    [({"typed": "2"}, "typed"), ({"typed": ""}, "typed"), ({"reason": "x"}, "reason"), ({"reason": ""}, "reason")],
)
def test_it_takes_a_reason_and_the_number_typed_by_hand(
    agent: User, three: list[MentoringSession], changes: dict[str, str], field: str
) -> None:
    bulk_id = frozen(agent, three)
    with pytest.raises(Invalid) as refused:
        confirmed(agent, bulk_id, **changes)
    assert list(refused.value.fields) == [field]
    assert db.session.get_one(BulkCancel, bulk_id, populate_existing=True).state is BulkState.PREVIEW


@pytest.mark.spec("ADM-2")
def test_only_who_made_the_list_confirms_it_and_only_while_something_can_be_done(agent: User) -> None:
    over = sessions.a_cancelled_session()
    bulk_id = frozen(agent, [over])
    with pytest.raises(Forbidden):
        confirmed(people.a_support_agent(), bulk_id)
    with pytest.raises(Conflict):
        confirmed(agent, bulk_id)
    with pytest.raises(Forbidden):
        freeze_picked([over.id], ctx=people.ctx_of(people.an_ops()))


def test_a_whole_filter_is_frozen_in_its_order_and_bounded(
    agent: User, three: list[MentoringSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = people.ctx_of(agent)
    chosen = SessionFilter(zone="UTC", statuses=(SessionStatus.SCHEDULED,), sort="scheduled_at", descending=False)
    bulk_id = freeze_filter(chosen, ctx=ctx)
    assert list(items(bulk_id)) == [session.id for session in three[:2]]
    assert db.session.get_one(BulkCancel, bulk_id).filter == chosen.arguments()
    with pytest.raises(Invalid, match="Narrow the list"):
        freeze_filter(SessionFilter(zone="UTC"), ctx=ctx)
    monkeypatch.setattr(bulk_cancel, "MOST", 1)
    with pytest.raises(Invalid, match="more than 1 sessions"):
        freeze_filter(chosen, ctx=ctx)
    with pytest.raises(Invalid, match="at most 1"):
        freeze_picked([session.id for session in three], ctx=ctx)
    with pytest.raises(Invalid, match="at least one"):
        freeze_picked([uuid4()], ctx=ctx)


def test_a_few_at_once_each_on_its_own_and_once_per_key(agent: User, three: list[MentoringSession]) -> None:
    over, ctx = sessions.a_cancelled_session(), people.ctx_of(agent)
    wish: dict[str, Any] = {"reason": "Mentor is ill", "refund_percentage": 50, "notify_parties": True, "key": "k"}
    ids = [three[0].id, over.id, three[1].id]
    for _ in range(2):
        results = bulk_run.cancel_each(ids, **wish, ctx=ctx)
        assert [result.session_id for result in results] == ids
        assert [result.refusal.error_code if result.refusal else None for result in results] == [
            None, "invalid_transition", None,
        ]  # fmt: skip
        assert results[0].done is not None
        assert results[0].done["refund_minor"] == 2_500
    assert len(acts()) == 2


@pytest.mark.spec("OPS-4")
def test_a_list_that_nobody_confirmed_is_forgotten_after_a_week_and_what_was_done_is_not(
    agent: User, three: list[MentoringSession]
) -> None:
    looked_at, ordered = frozen(agent, three), frozen(agent, three)
    confirmed(agent, ordered)
    now = people.ctx_of(agent).now
    assert cleanup.forget_old(ctx=context(SYSTEM, now + timedelta(days=7)))["bulk_previews"] == 0
    assert cleanup.forget_old(ctx=context(SYSTEM, now + timedelta(days=7, seconds=1)))["bulk_previews"] == 1
    assert (len(items(looked_at)), len(items(ordered))) == (0, 3)
    with pytest.raises(NotFound):
        confirmed(agent, looked_at)
