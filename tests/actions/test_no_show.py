"""One side says that the other did not come (NS-1, NS-2): the money, the words, the evidence, and every refusal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app.booking.decisions import NO_SHOW, decisions_for
from app.booking.no_show import report_no_show
from app.booking.tick import tick
from app.domain.context import CLOCK, Context
from app.domain.errors import Conflict, DomainError, NotFound, Refused
from app.domain.money import Money
from app.domain.vocabulary import MeetingType, NotificationType, Party, RefundStatus, SessionStatus
from app.extensions import db
from app.models import CalendarEntry, DecisionRecord, EmailEvent, MentoringSession, SessionAuditLog, User
from app.money.checks import CHECKS
from app.money.wallets import wallet_of
from tests.actions.traces import counts, told, work
from tests.factories.people import a_mentee, a_mentor, an_offering, ctx_of
from tests.factories.sessions import (
    START_AT,
    a_completed_session,
    a_paid_session,
    a_running_session,
    book,
    fresh,
    pay,
    they_join,
)
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")

GRACE = timedelta(minutes=10)
LATER = START_AT + GRACE


def by(session: MentoringSession, side: Party, now: Any = LATER) -> Context:
    person = session.mentee if side is Party.MENTEE else session.mentor
    ctx = ctx_of(person)
    return context(ctx.actor, now)


def available(mentor: User) -> Money:
    return wallet_of(mentor.id).in_currency("EUR").available


def problems() -> list[str]:
    return [str(problem) for check in CHECKS for problem in check.run()]


@pytest.mark.spec("NS-1", "NS-2", "MN-5")
def test_an_absent_mentor_pays_everything_back_and_both_are_told() -> None:
    session = a_running_session(joined=[Party.MENTEE])

    report_no_show(session.id, ctx=by(session, Party.MENTEE))

    session = fresh(session)
    assert (session.status, session.no_show_party, session.no_show_marked_by) == (
        SessionStatus.NO_SHOW, Party.MENTOR, session.mentee_id,
    )  # fmt: skip
    assert (session.refund_amount_minor, session.refund_percentage, session.refund_status) == (
        5_000, 100, RefundStatus.PENDING,
    )  # fmt: skip
    assert available(session.mentor) == Money(0, "EUR")
    assert "refund.send" in work(session)
    for person in (session.mentee_id, session.mentor_id):
        assert told(session, person)[-1] is NotificationType.NO_SHOW_MARKED
    assert db.session.scalar(select(func.count()).where(CalendarEntry.session_id == session.id)) == 0
    assert problems() == []


@pytest.mark.spec("NS-1", "NS-2", "MN-5")
def test_an_absent_mentee_gets_nothing_back_and_the_mentor_is_paid() -> None:
    session = a_running_session(joined=[Party.MENTOR])

    report_no_show(session.id, ctx=by(session, Party.MENTOR))

    session = fresh(session)
    assert (session.status, session.no_show_party, session.refund_amount_minor) == (
        SessionStatus.NO_SHOW, Party.MENTEE, 0,
    )  # fmt: skip
    assert available(session.mentor) == Money(3_500, "EUR")
    assert "refund.send" not in work(session)
    assert problems() == []


@pytest.mark.spec("SM-3", "WHY-1")
def test_it_is_one_audit_row_and_one_decision_record() -> None:
    session = a_running_session(joined=[Party.MENTEE])
    report_no_show(session.id, ctx=by(session, Party.MENTEE))
    row = db.session.scalars(
        select(SessionAuditLog).where(
            SessionAuditLog.session_id == session.id, SessionAuditLog.new_status == SessionStatus.NO_SHOW
        )
    ).one()
    assert (row.action, row.previous_status, row.actor_role, row.details["absent"]) == (
        "no_show_marked", "in_progress", "mentee", "mentor",
    )  # fmt: skip
    record = db.session.scalars(select(DecisionRecord).where(DecisionRecord.kind == "no_show")).one()
    assert (record.kind, record.rule, record.allowed, record.inputs["joined"]) == (
        "no_show", "mentor_absent", True, ["mentee"],
    )  # fmt: skip


@pytest.mark.spec("EM-1")
def test_each_side_reads_what_concerns_it() -> None:
    session = a_running_session(joined=[Party.MENTEE])
    report_no_show(session.id, ctx=by(session, Party.MENTEE))
    rows = db.session.scalars(select(EmailEvent).where(EmailEvent.template == "no_show_marked")).all()
    facts = {row.user_id: row.details["facts"] for row in rows}
    subjects = {row.user_id: row.subject for row in rows}
    assert facts[session.mentee_id]["refund_minor"] == 5_000
    assert facts[session.mentor_id]["refund_minor"] is None
    assert subjects[session.mentor_id].startswith("You were marked as absent")
    assert subjects[session.mentee_id].startswith(f"{session.mentor.name} was marked as absent")


@pytest.mark.spec("NS-1")
@pytest.mark.parametrize(
    "joined, moment, error, code",
    [
        pytest.param([Party.MENTEE, Party.MENTOR], LATER, Conflict, "party_joined", id="the other joined"),
        pytest.param([Party.MENTOR], LATER, Conflict, "party_joined", id="only the other joined"),
        pytest.param([], LATER, Conflict, "reporter_not_joined", id="nobody joined"),
        pytest.param(
            [Party.MENTEE], LATER - timedelta(seconds=1), Refused, "policy_refused", id="a second before the grace ends"
        ),
    ],
)
def test_a_refusal_changes_nothing_and_is_remembered(
    joined: list[Party], moment: Any, error: type[DomainError], code: str
) -> None:
    session = a_running_session(joined=joined)
    before = counts()

    with pytest.raises(error) as refusal:
        report_no_show(session.id, ctx=by(session, Party.MENTEE, moment))

    assert refusal.value.error_code == code
    assert (counts(), fresh(session).status) == (before, SessionStatus.IN_PROGRESS)
    said = db.session.scalars(select(DecisionRecord.allowed).where(DecisionRecord.kind == "no_show"))
    assert said.all() == [False]


@pytest.mark.spec("NS-1", "SM-1")
def test_a_completed_session_cannot_be_reported_by_a_party() -> None:
    session = a_completed_session()
    with pytest.raises(Conflict) as refusal:
        report_no_show(session.id, ctx=by(session, Party.MENTEE, START_AT + timedelta(days=1)))
    assert refusal.value.error_code == "invalid_transition"


@pytest.mark.spec("INV-8")
def test_a_stranger_does_not_learn_that_the_session_exists() -> None:
    session = a_running_session(joined=[Party.MENTEE])
    with pytest.raises(NotFound):
        report_no_show(session.id, ctx=context(ctx_of(a_mentee()).actor, LATER))


@pytest.mark.spec("NS-1", "JN-5")
@pytest.mark.parametrize("kind", [MeetingType.AUDIO, MeetingType.CHAT, MeetingType.IN_PERSON])
def test_where_no_join_log_can_know_the_word_counts(kind: MeetingType) -> None:
    mentor = a_mentor()
    offering = an_offering(mentor, meeting_types=[kind.value])
    session = book(mentor=mentor, meeting_type=kind, offering_id=offering.id)
    pay(session)
    report_no_show(session.id, ctx=by(session, Party.MENTEE))
    assert fresh(session).no_show_party is Party.MENTOR


@pytest.mark.spec("NS-1", "SM-1")
def test_it_needs_no_clock_to_have_started_the_session() -> None:
    session = a_paid_session()
    they_join(session, Party.MENTEE)
    report_no_show(session.id, ctx=by(session, Party.MENTEE))
    assert fresh(session).status is SessionStatus.NO_SHOW


@pytest.mark.spec("WHY-1")
def test_the_offered_action_is_the_decision_that_the_act_obeys(clock: Clock) -> None:
    session = a_running_session(joined=[Party.MENTEE])
    early, late = by(session, Party.MENTEE, START_AT), by(session, Party.MENTEE)
    assert not decisions_for(fresh(session), early)[NO_SHOW].allowed
    assert decisions_for(fresh(session), late)[NO_SHOW].allowed
    assert not decisions_for(fresh(session), by(session, Party.MENTOR))[NO_SHOW].allowed


@pytest.mark.spec("SM-3")
def test_the_clock_leaves_a_missed_session_alone() -> None:
    session = a_running_session(joined=[Party.MENTEE])
    report_no_show(session.id, ctx=by(session, Party.MENTEE))
    assert tick(ctx=context(CLOCK, START_AT + timedelta(days=9))).changed == 0
