"""The rest of a session's life: answering requests, the room, joining, completing, reviewing (BK-5, JN, NS-5, RV-1)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.booking.cancel import cancel_session
from app.booking.complete import complete_session
from app.booking.decisions import decisions_for
from app.booking.join import record_join, release_link
from app.booking.meetings import load_for_create, record_failure, record_link, set_meeting_link
from app.booking.review import review_session
from app.booking.review_request import approve_request, reject_request
from app.booking.tick import tick
from app.domain.context import CLOCK, SYSTEM
from app.domain.errors import Conflict, DomainError, Forbidden, Invalid, InvalidTransition, NotFound, Refused, SlotTaken
from app.domain.money import Money
from app.domain.vocabulary import BookingMode, CancellationCategory, NotificationType, PaymentStatus, SessionStatus
from app.extensions import db
from app.integrations.meetings.base import Room
from app.models import CalendarEntry, MentoringSession, MentorProfile, SessionAuditLog, SessionJoin, SessionReview, User
from app.money.wallets import wallet_of
from tests.actions.traces import actions, counts, mailed, told, work
from tests.factories.people import a_mentee, a_mentor, a_support_agent, ctx_of
from tests.factories.sessions import (
    START_AT,
    a_cancelled_session,
    a_completed_session,
    a_draft,
    a_paid_session,
    a_pending_request,
    a_running_session,
    an_approved_request,
    fresh,
)
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")

ROOM = Room(provider="jitsi", ref="session-abc", url="https://meet.example/session-abc")


def with_room(session: MentoringSession) -> MentoringSession:
    record_link(session.id, ROOM, ctx=context(SYSTEM))
    return fresh(session)


# --- requests --------------------------------------------------------------------------------------------------------


@pytest.mark.spec("BK-5", "BK-6")
def test_an_approved_request_awaits_payment_for_a_day_and_the_mentee_is_led_to_it(clock: Clock) -> None:
    session = an_approved_request()

    assert (session.status, session.payment_status) == (SessionStatus.SCHEDULED, PaymentStatus.PENDING)
    assert session.hold_expires_at == clock.now + timedelta(hours=24)
    assert (session.mentor_response, session.approval_deadline) == ("Looking forward to it", None)
    assert session.approval_notes == "Looking forward to it"
    assert actions(session) == ["booking_requested", "request_approved"]
    assert told(session, session.mentee_id) == [NotificationType.SESSION_ACCEPTED]
    assert ("request_approved", session.mentee_id) in mailed(session)
    assert work(session) == [], "no room before it is paid"


@pytest.mark.spec("BK-5", "SM-1")
def test_an_approved_free_request_is_confirmed_at_once() -> None:
    session = a_pending_request(mentor=a_mentor(rate_minor=0, booking_mode=BookingMode.REQUEST))
    approve_request(session.id, ctx=ctx_of(session.mentor))
    session = fresh(session)

    assert (session.status, session.hold_expires_at) == (SessionStatus.SCHEDULED, None)
    assert ("booking_confirmed", session.mentee_id) in mailed(session)
    assert work(session) == ["meeting.create"]


@pytest.mark.spec("BK-5")
def test_a_rejected_request_frees_the_slot_and_tells_the_reason() -> None:
    session = a_pending_request()
    reject_request(session.id, reason=" I am away ", ctx=ctx_of(session.mentor))
    session = fresh(session)

    assert (session.status, session.mentor_response) == (SessionStatus.REJECTED, "I am away")
    assert session.rejected_at is not None
    assert db.session.scalar(select(func.count()).where(CalendarEntry.session_id == session.id)) == 0
    assert told(session, session.mentee_id) == [NotificationType.SESSION_REJECTED]
    assert ("request_rejected", session.mentee_id) in mailed(session)


@pytest.mark.spec("BK-5")
def test_a_request_in_words_is_approved_with_a_time_that_is_held_until_it_is_paid() -> None:
    session = a_pending_request(at=None, preferred_time_note="Wednesday")
    with pytest.raises(Invalid, match="names no time"):
        approve_request(session.id, ctx=ctx_of(session.mentor))

    approve_request(session.id, scheduled_at=START_AT, ctx=ctx_of(session.mentor))

    session = fresh(session)
    assert (session.scheduled_at, session.buffer_minutes) == (START_AT, 15)
    assert db.session.scalar(select(func.count()).where(CalendarEntry.session_id == session.id)) == 2


@pytest.mark.spec("BK-5", "AV-5")
def test_a_time_that_is_taken_cannot_be_approved() -> None:
    session = a_pending_request(at=None, preferred_time_note="Wednesday")
    a_pending_request(mentor=session.mentor)
    with pytest.raises(SlotTaken):
        approve_request(session.id, scheduled_at=START_AT, ctx=ctx_of(session.mentor))
    assert fresh(session).status is SessionStatus.PENDING_MENTOR_REVIEW


@pytest.mark.spec("BK-5")
def test_a_time_that_the_mentee_named_cannot_be_changed_by_approving() -> None:
    session = a_pending_request()
    with pytest.raises(Invalid) as refused:
        approve_request(session.id, scheduled_at=START_AT + timedelta(hours=1), ctx=ctx_of(session.mentor))
    assert "scheduledAt" in refused.value.fields


@pytest.mark.spec("BK-5", "SM-4", "INV-8")
def test_a_request_is_answered_once_by_its_mentor_and_never_without_a_reason() -> None:
    session = a_pending_request()
    before = counts()
    for reader, error in ((session.mentee, Forbidden), (a_mentor(), NotFound), (a_mentee(), DomainError)):
        with pytest.raises(error):
            approve_request(session.id, ctx=ctx_of(reader))
    with pytest.raises(Invalid):
        reject_request(session.id, reason="  ", ctx=ctx_of(session.mentor))
    assert counts() == before

    approve_request(session.id, ctx=ctx_of(session.mentor))
    for answer in (lambda: approve_request(session.id, ctx=ctx_of(session.mentor)),
                   lambda: reject_request(session.id, reason="No", ctx=ctx_of(session.mentor))):  # fmt: skip
        with pytest.raises(InvalidTransition):
            answer()


@pytest.mark.spec("BK-5")
def test_an_answer_that_comes_too_late_is_refused(clock: Clock) -> None:
    session = a_pending_request()
    assert session.approval_deadline is not None
    clock.set(session.approval_deadline)
    with pytest.raises(Conflict) as refused:
        approve_request(session.id, ctx=ctx_of(session.mentor))
    assert refused.value.error_code == "request_expired"


# --- the room --------------------------------------------------------------------------------------------------------


@pytest.mark.spec("JN-1")
def test_a_room_is_made_from_the_session_and_kept() -> None:
    session = a_paid_session()
    request = load_for_create(session.id, ctx=context(SYSTEM))
    assert request is not None
    assert (request.starts_at, request.duration, request.topic) == (START_AT, 60, session.title)

    session = with_room(session)

    assert (session.meeting_provider, session.meeting_ref, session.meeting_url) == (ROOM.provider, ROOM.ref, ROOM.url)
    assert load_for_create(session.id, ctx=context(SYSTEM)) is None, "made once"


@pytest.mark.spec("JN-4")
def test_a_room_that_comes_after_the_cancellation_is_taken_down_again() -> None:
    session = a_cancelled_session()
    with_room(session)
    assert fresh(session).meeting_url is None
    assert "meeting.delete" in work(session)


@pytest.mark.spec("JN-4", "BK-5")
def test_a_link_by_hand_replaces_the_providers() -> None:
    session = with_room(a_paid_session())
    set_meeting_link(session.id, " https://call.example/mine ", ctx=ctx_of(session.mentor))
    session = fresh(session)
    assert (session.meeting_provider, session.meeting_url) == ("manual", "https://call.example/mine")
    assert "meeting.delete" in work(session)


@pytest.mark.spec("JN-4", "BK-5")
def test_a_providers_room_that_comes_after_the_mentors_own_link_is_taken_down_again() -> None:
    session = a_paid_session()
    set_meeting_link(session.id, "https://call.example/mine", ctx=ctx_of(session.mentor))
    session = with_room(session)
    assert session.meeting_url == "https://call.example/mine"
    assert "meeting.delete" in work(session)


@pytest.mark.spec("JN-4", "SEC-4")
@pytest.mark.parametrize(
    "url",
    [
        "http://call.example/x",
        "javascript:alert(1)",
        "https://a b.example",
        "https://me@evil.example/",
        "https://x",
        "",
    ],
)
def test_only_a_plain_https_address_is_a_link(url: str) -> None:
    session = a_paid_session()
    with pytest.raises(Invalid) as refused:
        set_meeting_link(session.id, url, ctx=ctx_of(session.mentor))
    assert "meetingUrl" in refused.value.fields


@pytest.mark.spec("JN-4")
def test_when_no_provider_can_the_mentor_is_asked_once_and_the_booking_stands() -> None:
    session = a_paid_session()
    for _ in range(2):
        record_failure(session.id, ctx=context(SYSTEM))
    session = fresh(session)
    assert session.status is SessionStatus.SCHEDULED
    assert ("meeting_link_missing", session.mentor_id) in mailed(session)
    assert NotificationType.MEETING_LINK_MISSING in told(session, session.mentor_id)


# --- joining ---------------------------------------------------------------------------------------------------------

OPENS, CLOSES = START_AT - timedelta(minutes=15), START_AT + timedelta(minutes=60 + 60)


@pytest.mark.spec("JN-2", "INV-9")
@pytest.mark.parametrize(
    "now, code",
    [
        (OPENS - timedelta(seconds=1), "too_early"),
        (OPENS, None),
        (START_AT, None),
        (CLOSES - timedelta(seconds=1), None),
        (CLOSES, "link_expired"),
    ],
)
def test_the_link_is_released_inside_its_window_only(clock: Clock, now: object, code: str | None) -> None:
    session = with_room(a_paid_session())
    clock.set(now)  # type: ignore[arg-type]
    for reader in (session.mentee, session.mentor):
        if code is None:
            assert release_link(session.id, ctx=ctx_of(reader)) == ROOM.url
            continue
        with pytest.raises(Forbidden) as refused:
            release_link(session.id, ctx=ctx_of(reader))
        assert refused.value.error_code == code
        assert refused.value.details["opens_at"] == "2028-03-01T09:45:00Z"
        assert ROOM.url not in f"{refused.value.details} {refused.value.message}"
    assert db.session.scalar(select(func.count()).where(SessionJoin.session_id == session.id)) == 0


@pytest.mark.spec("JN-3", "NS-5")
def test_pressing_join_is_kept_as_evidence_and_the_first_of_all_is_when_it_began(clock: Clock) -> None:
    session = with_room(a_paid_session())
    for minutes, reader in ((-5, session.mentor), (3, session.mentee), (20, session.mentee)):
        clock.set(START_AT + timedelta(minutes=minutes))
        tick(ctx=context(CLOCK, clock.now))
        assert record_join(session.id, ctx=ctx_of(reader)) == ROOM.url

    joins = db.session.scalars(select(SessionJoin.user_id).order_by(SessionJoin.joined_at)).all()
    assert joins == [session.mentor_id, session.mentee_id, session.mentee_id]
    clock.set(START_AT + timedelta(hours=2))
    tick(ctx=context(CLOCK, clock.now))
    session = fresh(session)
    assert session.started_at == START_AT - timedelta(minutes=5)
    assert session.ended_at == START_AT + timedelta(minutes=60)


@pytest.mark.spec("JN-2", "INV-8", "ADM-2")
def test_nobody_but_the_parties_gets_the_link(clock: Clock) -> None:
    session = with_room(a_paid_session())
    clock.set(START_AT)
    for stranger, error in ((a_mentee(), NotFound), (a_mentor(), NotFound), (a_support_agent(), Forbidden)):
        with pytest.raises(error):
            release_link(session.id, ctx=ctx_of(stranger))
        with pytest.raises(error):
            record_join(session.id, ctx=ctx_of(stranger))


@pytest.mark.spec("JN-2")
def test_an_unpaid_session_has_nothing_to_join(clock: Clock) -> None:
    session = an_approved_request()
    clock.set(START_AT)
    with pytest.raises(Conflict):
        record_join(session.id, ctx=ctx_of(session.mentee))


# --- completing and reviewing ----------------------------------------------------------------------------------------


@pytest.mark.spec("SM-1", "MN-5")
def test_the_mentor_completes_a_session_once_its_time_is_over(clock: Clock) -> None:
    session = a_running_session()
    clock.set(START_AT + timedelta(minutes=59))
    with pytest.raises(Conflict):
        complete_session(session.id, ctx=ctx_of(session.mentor))
    clock.set(START_AT + timedelta(minutes=60))

    complete_session(session.id, ctx=ctx_of(session.mentor))

    session = fresh(session)
    assert session.status is SessionStatus.COMPLETED
    assert wallet_of(session.mentor_id).in_currency("EUR").available == Money(3_500, "EUR")
    with pytest.raises(InvalidTransition):
        complete_session(session.id, ctx=ctx_of(session.mentor))


@pytest.mark.spec("ADM-2")
def test_a_mentee_does_not_complete_a_session(clock: Clock) -> None:
    session = a_running_session()
    clock.set(START_AT + timedelta(hours=1))
    with pytest.raises(Forbidden):
        complete_session(session.id, ctx=ctx_of(session.mentee))


def review(session: MentoringSession, rating: int, *, by: User | None = None, days: int = 0) -> SessionReview:
    assert session.ended_at is not None
    ctx = context(ctx_of(by or session.mentee).actor, session.ended_at + timedelta(days=days))
    return review_session(session.id, rating=rating, comment="Good", ctx=ctx)


def rating_of(session: MentoringSession) -> tuple[float | None, int]:
    db.session.expire_all()
    profile = db.session.get_one(MentorProfile, session.mentor_id)
    return profile.rating_average, profile.rating_count


@pytest.mark.spec("RV-1")
def test_a_review_is_written_once_can_be_changed_and_moves_the_mentors_average() -> None:
    session = a_completed_session()
    first = review(session, 2)
    assert rating_of(session) == (2.0, 1)
    assert told(session, session.mentor_id)[-1] is NotificationType.REVIEW_RECEIVED

    assert review(session, 5, days=14).id == first.id
    assert rating_of(session) == (5.0, 1)
    assert told(session, session.mentor_id).count(NotificationType.REVIEW_RECEIVED) == 1
    assert actions(session)[-2:] == ["review_written", "review_changed"]


@pytest.mark.spec("RV-1")
def test_a_mentors_rating_is_private_and_leaves_the_average_alone() -> None:
    session = a_completed_session()
    review(session, 1, by=session.mentor)
    assert rating_of(session) == (None, 0)
    assert NotificationType.REVIEW_RECEIVED not in told(session, session.mentor_id)
    review(session, 5)
    assert rating_of(session) == (5.0, 1)


@pytest.mark.spec("RV-1", "INV-8")
def test_a_review_has_its_time_its_stars_and_its_author() -> None:
    session = a_completed_session()
    with pytest.raises(Invalid):
        review(session, 6)
    with pytest.raises(NotFound):
        review(session, 5, by=a_mentee())
    assert session.ended_at is not None
    late = context(ctx_of(session.mentee).actor, session.ended_at + timedelta(days=14, seconds=1))
    with pytest.raises(Refused):
        review_session(session.id, rating=5, comment="", ctx=late)
    with pytest.raises(Conflict):
        running = a_paid_session(at=START_AT + timedelta(days=1))
        review_session(running.id, rating=5, comment="", ctx=ctx_of(running.mentee))
    assert rating_of(session) == (None, 0)


# --- what may be done ------------------------------------------------------------------------------------------------


def offered(session: MentoringSession, reader: User) -> set[str]:
    return {action for action, decision in decisions_for(session, ctx_of(reader)).items() if decision.allowed}


@pytest.mark.spec("DB-1", "WHY-1", "ADM-2")
def test_each_side_is_offered_what_the_actions_would_do(clock: Clock) -> None:
    draft, request, paid = [fresh(each) for each in (a_draft(), a_pending_request(), a_paid_session())]
    assert (offered(draft, draft.mentee), offered(draft, draft.mentor)) == ({"pay", "cancel"}, set())
    assert (offered(request, request.mentee), offered(request, request.mentor)) == ({"cancel"}, {"approve", "reject"})
    assert offered(paid, paid.mentor) == {"cancel", "reschedule"}
    assert offered(paid, a_support_agent()) == set()
    clock.set(START_AT)
    assert offered(paid, paid.mentee) == {"join"}
    done = a_completed_session(at=START_AT + timedelta(days=1))
    clock.set(START_AT + timedelta(days=2))
    assert offered(done, done.mentee) == {"review"}


@pytest.mark.spec("WHY-1")
def test_an_action_that_is_not_offered_is_refused_with_the_same_words() -> None:
    session = a_completed_session()
    shown = decisions_for(session, ctx_of(session.mentee))["cancel"]
    assert not shown.allowed
    with pytest.raises(InvalidTransition) as refused:
        cancel_session(session.id, category=CancellationCategory.OTHER, reason="x", ctx=ctx_of(session.mentee))
    assert refused.value.message == shown.message
    assert db.session.scalar(select(func.count()).where(SessionAuditLog.action == "session_cancelled")) == 0
