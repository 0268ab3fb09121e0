"""A change of policies is tried on the past before it is made (POL-3, POL-4, POL-6), and then made once (POL-1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.engine import Engine

from app.booking.cancel import cancel_session
from app.booking.no_show import report_no_show
from app.domain.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, StalePreview, StaleVersion
from app.domain.policies import PINNED, PRESETS
from app.domain.replay import READS, ReplayKind
from app.domain.vocabulary import CancellationCategory, OverrideType, Party, RescheduleStatus
from app.extensions import db
from app.foundation.policies import change_policies, current_policies
from app.foundation.transaction import transaction
from app.models import (
    AdminAuditTrail,
    DecisionRecord,
    MentoringSession,
    PolicyOverride,
    Precedent,
    RescheduleRequest,
    SessionAuditLog,
)
from app.support.policies.changing import PolicyPlan, edit_policies, preset_values, preview_policies
from app.support.policies.precedents import check_precedents, decisions_to_mark, mark_precedent, retire_precedent
from tests.factories.people import a_mentee, a_mentor, a_support_agent, an_admin, ctx_of
from tests.factories.proposals import NEW_AT, a_counter, a_proposal, as_
from tests.factories.sessions import START_AT, a_completed_session, a_paid_session, a_running_session, fresh
from tests.world import Clock

pytestmark = pytest.mark.usefixtures("app")


def cancelled(clock: Clock, *, before: timedelta, **options: Any) -> MentoringSession:
    """A paid session that its mentee cancels so long before the start."""
    session = a_paid_session(**options)
    assert session.scheduled_at is not None
    clock.set(session.scheduled_at - before)
    ctx = ctx_of(session.mentee)
    cancel_session(session.id, category=CancellationCategory.SCHEDULE_CONFLICT, reason="", ctx=ctx)
    return fresh(session)


def a_move_nobody_knew_of(session: MentoringSession) -> RescheduleRequest:
    """With it, the cancellation would have given 33 %: what is known of the case contradicts what was decided."""
    return RescheduleRequest(
        session_id=session.id, initiated_by=Party.MENTEE, initiator_id=session.mentee_id,
        status=RescheduleStatus.ACCEPTED, proposed_time=START_AT, proposed_duration=60, original_time=START_AT,
        refund_percentage_when_proposed=33, expires_at=START_AT, resolved_at=session.created_at,
        created_at=session.created_at,
    )  # fmt: skip


def cancel_late(session: MentoringSession) -> None:
    cancel_session(session.id, category=CancellationCategory.EMERGENCY, reason="", ctx=ctx_of(fresh(session).mentee))


def refused(act: Callable[[], object]) -> None:
    with pytest.raises(DomainError):
        act()


def preview(days: int = 90, **values: Any) -> PolicyPlan:
    return preview_policies(values, days=days, ctx=ctx_of(an_admin()))


@pytest.mark.spec("POL-4")
def test_what_is_replayed_reads_only_what_a_session_keeps() -> None:
    assert set().union(*READS.values()) <= PINNED


@pytest.mark.spec("POL-4")
def test_another_refund_is_tried_on_the_cancellations_of_the_past_with_its_cost(clock: Clock) -> None:
    late = cancelled(clock, before=timedelta(hours=10))
    early = cancelled(clock, before=timedelta(hours=30), at=START_AT + timedelta(days=5))
    plan = preview(partial_refund_percentage=50)
    ((sample, found),) = plan.replays
    assert (sample.kind, found.looked_at, found.unclear, sample.is_cut) == (ReplayKind.CANCELLATION, 2, 0, False)
    (difference,) = found.differences
    assert (difference.before.percentage, difference.after.percentage, difference.count) == (70, 50, 1)
    # Of €50.00: €10.00 less goes back, and the mentor keeps 70 % of that.
    assert (difference.refunds, difference.earnings) == ({"EUR": -1_000}, {"EUR": 700})
    assert difference.examples == [late.id] != [early.id]
    assert current_policies().values.partial_refund_percentage == 70


@pytest.mark.spec("POL-4", "POL-5")
def test_a_case_is_decided_under_the_policies_of_its_time_but_for_what_is_to_change(clock: Clock) -> None:
    session = a_paid_session()
    with transaction():
        change_policies({"cancellation_cutoff_hours": 20}, reason="Strict", ctx=ctx_of(an_admin()))
    clock.set(START_AT - timedelta(hours=10))
    cancel_session(session.id, category=CancellationCategory.SCHEDULE_CONFLICT, reason="", ctx=ctx_of(session.mentee))
    ((_, found),) = preview(late_refund_percentage=30).replays
    assert (found.looked_at, found.different) == (1, 0), "for this mentee ten hours before were not late"


@pytest.mark.spec("POL-4")
def test_a_refusal_of_the_past_would_have_been_allowed_and_counts_once(clock: Clock) -> None:
    with transaction():
        change_policies({"late_cancellation_rule": "not_allowed"}, reason="Strict", ctx=ctx_of(an_admin()))
    first, second = a_paid_session(), a_paid_session(at=NEW_AT)
    clock.set(START_AT - timedelta(hours=1))
    for _ in range(2):
        refused(lambda: cancel_late(first))
    clock.set(NEW_AT - timedelta(hours=1))
    refused(lambda: cancel_late(second))
    ((_, found),) = preview(late_cancellation_rule="no_refund", late_refund_percentage=20).replays
    (difference,) = found.differences
    assert found.looked_at == 2, "who tries again is not another case"
    assert (difference.before.allowed, difference.after.allowed, difference.after.percentage) == (False, True, 20)
    assert difference.refunds == {"EUR": 2 * 1_000}


@pytest.mark.spec("POL-4")
def test_moves_counters_absences_and_shares_are_replayed_too(clock: Clock) -> None:
    moved = a_proposal(session=a_paid_session())
    a_counter()
    ((_, moves),) = preview(max_reschedules_per_session=0).replays
    assert (moves.looked_at, [each.after.rule for each in moves.differences]) == (2, ["reschedule_limit"])
    assert moved.id in moves.differences[0].examples
    ((_, counters),) = preview(max_counter_proposals=0).replays
    assert [(each.count, each.after.rule) for each in counters.differences] == [(1, "counter_limit")]

    missed = a_running_session(joined=(Party.MENTEE,), at=START_AT + timedelta(days=6))
    assert missed.scheduled_at is not None
    clock.set(missed.scheduled_at + timedelta(minutes=12))
    report_no_show(missed.id, ctx=as_(missed, Party.MENTEE))
    ((_, absences),) = preview(no_show_grace_minutes=15).replays
    (absence,) = absences.differences
    assert (absence.before.percentage, absence.after.allowed, absence.refunds) == (100, False, {"EUR": -5_000})

    clock.set(START_AT + timedelta(days=13))
    a_completed_session(at=START_AT + timedelta(days=14))
    clock.set(START_AT + timedelta(days=15))
    shares = {sample.kind: found for sample, found in preview(mentor_share_percentage=80).replays}
    (share,) = shares[ReplayKind.EARNINGS].differences
    # The two that were negotiated about took place meanwhile.
    assert (share.count, share.earnings, share.refunds) == (3, {"EUR": 1_500}, {"EUR": 0})


@pytest.mark.spec("POL-4")
def test_what_was_an_exception_stays_one(clock: Clock) -> None:
    session, agent = a_paid_session(), a_support_agent()
    with transaction():
        db.session.add(
            PolicyOverride(
                session_id=session.id, override_type=OverrideType.ALLOW_CANCELLATION, reason="illness",
                granted_by=agent.id, created_at=session.created_at, expires_at=START_AT,
            )
        )  # fmt: skip
    clock.set(START_AT - timedelta(hours=10))
    cancel_session(session.id, category=CancellationCategory.EMERGENCY, reason="", ctx=ctx_of(session.mentee))
    ((_, found),) = preview(partial_refund_percentage=0).replays
    assert (found.looked_at, found.different) == (1, 0)


@pytest.mark.spec("POL-4")
def test_what_cannot_be_told_any_more_is_left_out_and_said_so(clock: Clock) -> None:
    session = cancelled(clock, before=timedelta(hours=10))
    with transaction():
        db.session.add(a_move_nobody_knew_of(session))
    ((_, found),) = preview(partial_refund_percentage=50).replays
    assert (found.looked_at, found.unclear, found.different) == (0, 1, 0)


@pytest.mark.spec("POL-4")
def test_only_the_asked_range_is_looked_at_and_other_policies_replay_nothing(clock: Clock) -> None:
    cancelled(clock, before=timedelta(hours=10))
    clock.advance(days=40)
    ((_, found),) = preview(days=30, partial_refund_percentage=50).replays
    assert found.looked_at == 0
    assert preview(join_opens_minutes_before=30).replays == []


@pytest.mark.spec("POL-4", "PERF-7")
def test_the_number_of_statements_does_not_grow_with_the_past(clock: Clock) -> None:
    mentor, mentee, admin = a_mentor(), a_mentee(), ctx_of(an_admin())
    counts = []
    for day in range(3):
        cancelled(
            clock, before=timedelta(hours=10), at=START_AT + timedelta(days=7 * day), mentor=mentor, mentee=mentee
        )
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any, seen: list[str] = seen) -> None:
            seen.append(statement)

        event.listen(Engine, "before_cursor_execute", note)
        preview_policies(preset_values("strict_24h"), ctx=admin)
        event.remove(Engine, "before_cursor_execute", note)
        counts.append(len(seen))
    assert counts[0] == counts[-1] <= 12, counts


@pytest.mark.spec("POL-1", "POL-3", "SM-3")
def test_a_preset_changes_several_values_at_once_with_one_row(app: Flask) -> None:
    admin = ctx_of(an_admin())
    plan = preview_policies(preset_values("strict_24h"), ctx=admin)
    assert {each.spec.key for each in plan.changes} == {
        key for key in PRESETS["strict_24h"] if PRESETS["strict_24h"][key] != PRESETS["flexible"][key]
    }
    edit_policies(
        plan.raw_values, reason="A strict season", seen=plan.version_id, fingerprint=plan.fingerprint, ctx=admin
    )
    assert current_policies().values == PRESETS["strict_24h"]
    row = db.session.scalars(select(AdminAuditTrail)).one()
    assert row.action == "ADMIN_POLICY_CHANGED"
    assert row.details["changes"]["max_reschedules_per_session"] == {"old": 2, "new": 0}


@pytest.mark.spec("POL-1", "SM-4")
def test_the_second_of_two_editors_is_told(app: Flask) -> None:
    admin = ctx_of(an_admin())
    plan = preview_policies({"late_refund_percentage": 10}, ctx=admin)
    edit_policies({"late_refund_percentage": 20}, reason="First", seen=plan.version_id, fingerprint=None, ctx=admin)
    with pytest.raises(StaleVersion):
        edit_policies(plan.raw_values, reason="Second", seen=plan.version_id, fingerprint=plan.fingerprint, ctx=admin)
    assert current_policies().values.late_refund_percentage == 20


@pytest.mark.spec("POL-1", "ADM-2", "ACT")
def test_who_may_not_and_what_does_not_fit_changes_nothing(app: Flask) -> None:
    admin, agent = ctx_of(an_admin()), ctx_of(a_support_agent())
    plan = preview_policies({"late_refund_percentage": 10}, ctx=agent)
    wanted: dict[str, Any] = {"seen": plan.version_id, "fingerprint": plan.fingerprint}
    with pytest.raises(Forbidden):
        edit_policies(plan.raw_values, reason="Because", ctx=agent, **wanted)
    with pytest.raises(StalePreview):
        edit_policies({"late_refund_percentage": 11}, reason="Because", ctx=admin, **wanted)
    with pytest.raises(Invalid):
        edit_policies(plan.raw_values, reason=" ", ctx=admin, **wanted)
    with pytest.raises(Invalid) as incoherent:
        preview_policies({"cancellation_cutoff_hours": 30}, ctx=admin)
    assert set(incoherent.value.fields) == {"cancellation_cutoff_hours", "free_cancellation_hours"}
    with pytest.raises(Invalid):
        change_policies({"cancellation_cutoff_hours": 30}, reason="Because", ctx=admin)
    assert db.session.scalars(select(AdminAuditTrail)).all() == []


@pytest.mark.spec("POL-5", "SM-3")
def test_better_policies_are_applied_to_sessions_ahead_and_others_keep_their_promise(clock: Clock) -> None:
    admin = ctx_of(an_admin())
    ahead, cancelled_one = a_paid_session(), cancelled(clock, before=timedelta(days=2), at=NEW_AT)
    with transaction():
        change_policies({"partial_refund_percentage": 60}, reason="Less", ctx=admin)
    # What it was promised differs in money from what is offered: it is left alone.
    poorer = a_paid_session(at=START_AT + timedelta(days=5))
    with transaction():
        change_policies({"partial_refund_percentage": 70}, reason="As before", ctx=admin)
    plan = preview(max_reschedules_per_session=3)
    assert plan.upcoming == 1
    assert preview(partial_refund_percentage=90).upcoming == 0
    done = edit_policies(
        plan.raw_values, reason="More freedom", seen=plan.version_id, fingerprint=plan.fingerprint, to_upcoming=True,
        ctx=admin,
    )  # fmt: skip
    assert fresh(ahead).policy_version_id == done.version_id
    assert done.version_id not in {fresh(poorer).policy_version_id, fresh(cancelled_one).policy_version_id}
    (row,) = db.session.scalars(select(SessionAuditLog).where(SessionAuditLog.action == "policies_improved")).all()
    assert (row.session_id, row.user_id, row.details) == (
        ahead.id,
        admin.actor.user_id,
        {"version": str(done.version_id)},
    )
    act = db.session.scalars(select(AdminAuditTrail).order_by(AdminAuditTrail.seq.desc())).first()
    assert act is not None
    assert act.details["appliedToUpcoming"] == 1
    assert preview(max_counter_proposals=4).upcoming == 1, "once more, from what it was given"


@pytest.mark.spec("POL-6")
def test_a_change_shows_which_golden_cases_it_would_break(clock: Clock) -> None:
    session, agent = cancelled(clock, before=timedelta(hours=10)), ctx_of(a_support_agent())
    (case,) = decisions_to_mark(session.id, ctx=agent)
    assert case.record_id is not None
    kept = mark_precedent(
        session.id, case.record_id, title="A day before is partly paid back", reason="We decided so twice", ctx=agent
    )
    with pytest.raises(Conflict):
        mark_precedent(session.id, case.record_id, title="Once more", reason="We decided so", ctx=agent)
    assert preview(late_refund_percentage=5).broken == []
    (broken,) = preview(partial_refund_percentage=60).broken
    assert (broken.precedent.id, broken.holds_now, broken.expected.percentage) == (kept.id, True, 70)
    assert broken.then is not None
    assert broken.then.verdict.percentage == 60
    retire_precedent(kept.id, reason="We think otherwise now", ctx=agent)
    assert preview(partial_refund_percentage=60).precedents == []
    assert list(db.session.scalars(select(AdminAuditTrail.action).order_by(AdminAuditTrail.seq))) == [
        "ADMIN_PRECEDENT_MARKED",
        "ADMIN_PRECEDENT_RETIRED",
    ]
    with pytest.raises(Conflict):
        retire_precedent(kept.id, reason="Once more", ctx=agent)


@pytest.mark.spec("POL-6", "ADM-2")
def test_only_a_decision_that_follows_from_what_is_known_becomes_a_golden_case(clock: Clock) -> None:
    session, agent = cancelled(clock, before=timedelta(hours=10)), ctx_of(a_support_agent())
    record_id = db.session.scalars(select(DecisionRecord.id).where(DecisionRecord.kind == "cancel")).one()
    other = a_paid_session(at=NEW_AT)
    with pytest.raises(NotFound):
        mark_precedent(other.id, record_id, title="Another's", reason="Because", ctx=agent)
    with pytest.raises(Invalid):
        mark_precedent(session.id, record_id, title="No", reason="Because", ctx=agent)
    with pytest.raises(Forbidden):
        mark_precedent(session.id, record_id, title="My own", reason="Because", ctx=ctx_of(session.mentee))
    with transaction():
        db.session.add(a_move_nobody_knew_of(session))
    assert decisions_to_mark(session.id, ctx=agent) == []
    with pytest.raises(Invalid):
        mark_precedent(session.id, record_id, title="Unclear", reason="Because", ctx=agent)
    assert db.session.scalars(select(Precedent)).all() == []
    assert check_precedents(current_policies().values, current_policies().values) == []
