"""What pages and the API read of bookings: what is in it, and that it never takes more statements for more rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import event

from app.booking.queries import (
    MentorFilter,
    SessionFilter,
    count_tabs,
    expertise_tags,
    find_mentors,
    list_sessions,
    load_mentor_page,
    load_session_page,
    load_slots,
    mentor_figures,
)
from app.booking.review import review_session
from app.booking.session_queries import MENTEE_TABS
from app.domain.errors import Invalid, NotFound
from app.domain.joining import JoinState
from app.domain.money import Money
from app.domain.vocabulary import BookingMode, SessionStatus, SlotReason
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import User
from tests.factories.people import a_mentee, a_mentor, a_support_agent, an_offering, ctx_of
from tests.factories.sessions import (
    START_AT,
    a_completed_session,
    a_draft,
    a_paid_session,
    a_pending_request,
    a_rejected_request,
    an_expired_draft,
    book,
    fresh,
)
from tests.world import START, Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")


@contextmanager
def statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            seen.append(statement)

    engine = db.session.get_bind().engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def search(mentee: User | None = None, **wanted: object) -> list[str]:
    found = find_mentors(
        MentorFilter(**wanted),  # type: ignore[arg-type]
        mentee_id=mentee.id if mentee else None,
        page=1,
        limit=20,
        now=START,
    )
    assert found.total == len(found.items)
    return [card.name for card in found.items]


@pytest.mark.spec("BK-1", "ID-3")
def test_only_verified_active_accepting_mentors_with_something_to_book_are_found() -> None:
    a_mentor(name="Ada")
    a_mentor(name="Unverified", is_verified=False)
    a_mentor(name="Busy", is_accepting=False)
    a_mentor(name="Gone", suspended_at=START, suspension_reason="fraud")
    without = a_mentor(name="Empty")
    with transaction():
        db.session.execute(
            db.text("UPDATE mentor_offerings SET is_active = false WHERE mentor_id = :m"), {"m": without.id}
        )

    assert search() == ["Ada"]
    assert search(text="ada LEAD") == ["Ada"], "every word, in name, headline, bio or expertise"
    assert search(text="ada nobody") == []
    assert search(text="100%_") == [], "a wildcard of SQL is a letter like any other"


@pytest.mark.spec("BK-1")
def test_the_list_is_narrowed_by_expertise_price_and_rating_and_ordered() -> None:
    a_mentor(name="Cheap", rate_minor=1_000, expertise=["Go"])
    dear = a_mentor(name="Dear", rate_minor=9_000, expertise=["Python"])
    with transaction():
        db.session.execute(
            db.text("UPDATE mentor_profiles SET rating_average = 4.5, rating_count = 2 WHERE user_id = :m"),
            {"m": dear.id},
        )

    assert search(expertise="Go") == ["Cheap"]
    assert search(max_rate_minor=5_000) == ["Cheap"]
    assert search(max_rate_minor=5_000, currency="USD") == []
    assert search(min_rating=4) == ["Dear"]
    assert search() == ["Dear", "Cheap"], "best rated first"
    assert search(sort="price") == ["Cheap", "Dear"]
    assert search(sort="name") == ["Cheap", "Dear"]
    assert dict(expertise_tags()) == {"Go": 1, "Python": 1}
    with pytest.raises(Invalid):
        search(sort="bribe")


@pytest.mark.spec("BK-1", "AV-2")
def test_the_next_free_slot_knows_of_the_viewers_own_sessions() -> None:
    mentor, other, mentee = a_mentor(name="Ada"), a_mentor(name="Ben"), a_mentee()
    first = find_mentors(MentorFilter(text="Ada"), mentee_id=mentee.id, page=1, limit=20, now=START).items[0]
    assert first.next_free is not None
    book(mentor=other, mentee=mentee, at=first.next_free)

    again = find_mentors(MentorFilter(text="Ada"), mentee_id=mentee.id, page=1, limit=20, now=START).items[0]
    stranger = find_mentors(MentorFilter(text="Ada"), mentee_id=None, page=1, limit=20, now=START).items[0]
    assert again.next_free == first.next_free + timedelta(hours=1)
    assert stranger.next_free == first.next_free
    assert mentor.id == first.id


@pytest.mark.spec("PERF-7")
def test_a_page_of_mentors_takes_the_same_statements_for_one_and_for_ten() -> None:
    a_mentor()
    with statements() as few:
        search()
    for _ in range(9):
        a_mentor()
    with statements() as many:
        assert len(search()) == 10
    assert len(many) == len(few) <= 7


@pytest.mark.spec("BK-1", "RV-1")
def test_a_mentors_page_shows_offerings_and_visible_reviews_by_first_name() -> None:
    session = a_completed_session(mentee=a_mentee(name="Grace Hopper"))
    assert session.ended_at is not None
    review_session(
        session.id, rating=5, comment="Very clear.", ctx=context(ctx_of(session.mentee).actor, session.ended_at)
    )
    an_offering(session.mentor, title="Half an hour", rate_minor=0, duration=30)

    page = load_mentor_page(session.mentor_id)

    assert [(offer.title, offer.price) for offer in page.offerings] == [
        ("Half an hour", Money(0, "EUR")),
        ("One hour of advice", Money(5_000, "EUR")),
    ]
    assert [(review.rating, review.author) for review in page.reviews] == [(5, "Grace")]
    assert (page.rating_average, page.rating_count, page.completed_sessions) == (5.0, 1, 1)


@pytest.mark.spec("ID-3", "ID-4")
@pytest.mark.parametrize("columns", [{"is_verified": False}, {"suspended_at": START, "suspension_reason": "fraud"}])
def test_a_mentor_who_cannot_be_found_has_no_page_and_no_slots(columns: dict[str, object]) -> None:
    mentor = a_mentor(**columns)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        load_mentor_page(mentor.id)
    with pytest.raises(NotFound):
        slots_of(mentor)


def slots_of(mentor: User, mentee: User | None = None, days: int = 2) -> dict[str, SlotReason | None]:
    answer = load_slots(
        mentor.id,
        first_day=date(2028, 3, 1),
        last_day=date(2028, 3, 1) + timedelta(days=days - 1),
        duration=60,
        viewer_zone="UTC",
        mentee_id=mentee.id if mentee else None,
        now=START,
    )
    return {f"{slot.local_start:%d %H:%M}": slot.reason for slot in answer.slots}


@pytest.mark.spec("AV-2", "AV-4")
def test_slots_tell_what_is_booked_what_is_held_and_where_one_is_busy_oneself() -> None:
    mentor, mentee = a_mentor(), a_mentee()
    a_paid_session(mentor=mentor)
    a_draft(mentor=mentor, at=START_AT + timedelta(hours=3))
    a_paid_session(mentor=a_mentor(), mentee=mentee, at=START_AT + timedelta(days=1))

    found = slots_of(mentor, mentee)

    assert found["01 10:00"] is SlotReason.BOOKED
    assert found["01 13:00"] is SlotReason.HELD
    assert found["02 10:00"] is SlotReason.OWN_CONFLICT
    assert found["01 11:30"] is None, "a quarter of an hour after the end is the buffer, half an hour is free"
    assert found["01 11:00"] is SlotReason.BOOKED, "the buffer"
    assert slots_of(mentor)["02 10:00"] is None, "nobody else is busy then"


@pytest.mark.spec("AV-4")
def test_a_hold_that_ran_out_blocks_no_slot_even_before_the_clock_has_come() -> None:
    mentor = a_mentor()
    draft = a_draft(mentor=mentor)
    assert draft.hold_expires_at is not None
    for moment, reason in (
        (draft.hold_expires_at - timedelta(seconds=1), SlotReason.HELD),
        (draft.hold_expires_at, None),
    ):
        answer = load_slots(
            mentor.id, first_day=START_AT.date(), last_day=START_AT.date(), duration=60, viewer_zone="UTC",
            mentee_id=None, now=moment,
        )  # fmt: skip
        assert {slot.start_at: slot.reason for slot in answer.slots}[START_AT] is reason


@pytest.mark.spec("AV-2", "API-1")
@pytest.mark.parametrize("days, field", [(63, "end"), (0, "end")])
def test_a_range_of_slots_is_bounded(days: int, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        slots_of(a_mentor(), days=days)
    assert field in refused.value.fields


@pytest.mark.spec("DB-1")
def test_the_mentees_tabs_hold_what_belongs_there_and_what_must_be_paid_comes_first(clock: Clock) -> None:
    mentee = a_mentee()
    paid = a_paid_session(mentee=mentee)
    draft = a_draft(mentee=mentee, at=START_AT + timedelta(days=1))
    request = a_pending_request(mentee=mentee, at=START_AT + timedelta(hours=2))
    rejected = a_rejected_request(mentee=mentee, at=START_AT + timedelta(hours=4))
    done = a_completed_session(mentee=mentee, at=START_AT - timedelta(days=1))
    expired = an_expired_draft(mentee=mentee, at=START_AT + timedelta(days=2))
    draft, ctx = fresh(draft), ctx_of(mentee)
    assert draft.status is SessionStatus.EXPIRED, "both holds ran out together"
    lapsed, draft = draft, a_draft(mentee=mentee, at=START_AT + timedelta(days=5))

    tabs = {
        tab: [row.id for row in list_sessions(SessionFilter(tab=tab), page=1, limit=20, ctx=ctx).items]
        for tab in MENTEE_TABS
    }

    assert tabs == {
        "awaiting": [request.id],
        "upcoming": [draft.id, paid.id],
        "past": [expired.id, lapsed.id, done.id],
        "rejected": [rejected.id],
    }
    assert count_tabs(ctx) == {"awaiting": 1, "upcoming": 2, "past": 3, "rejected": 1}
    clock.advance(minutes=15)
    later = count_tabs(ctx_of(mentee))
    assert (later["upcoming"], later["past"]) == (1, 4), "a hold that is over is past before the clock has come"


@pytest.mark.spec("DB-2")
def test_a_mentor_finds_declined_requests_in_the_past_and_never_hears_of_unpaid_drafts() -> None:
    mentor = a_mentor(booking_mode=BookingMode.REQUEST)
    rejected = a_rejected_request(mentor=mentor)
    instant = an_offering(mentor)
    an_expired_draft(mentor=mentor, offering_id=instant.id, at=START_AT + timedelta(hours=4))
    past = list_sessions(SessionFilter(tab="past"), page=1, limit=20, ctx=ctx_of(mentor)).items
    assert [row.id for row in past] == [rejected.id]


@pytest.mark.spec("DB-1", "WHY-1")
def test_each_row_offers_exactly_what_may_be_done_now() -> None:
    mentee = a_mentee()
    a_draft(mentee=mentee)
    a_paid_session(mentee=mentee, at=START_AT + timedelta(days=1))
    rows = list_sessions(SessionFilter(tab="upcoming"), page=1, limit=20, ctx=ctx_of(mentee)).items

    assert [row.allowed_actions for row in rows] == [["pay", "cancel"], ["cancel", "reschedule"]]
    assert rows[1].join_state is JoinState.COUNTDOWN
    assert rows[1].earnings is None, "what the mentor earns is the mentor's business"


@pytest.mark.spec("DB-1")
def test_a_list_is_narrowed_by_the_other_partys_name_and_by_dates() -> None:
    mentee = a_mentee()
    session = a_paid_session(mentee=mentee, mentor=a_mentor(name="Ada Lovelace"))
    a_paid_session(mentee=mentee, mentor=a_mentor(name="Ben"), at=START_AT + timedelta(days=1))
    ctx = ctx_of(mentee)

    def found(**wanted: object) -> list[object]:
        return [row.id for row in list_sessions(SessionFilter(**wanted), page=1, limit=20, ctx=ctx).items]  # type: ignore[arg-type]

    assert found(name="love") == [session.id]
    assert found(text="LOVE") == [session.id]
    assert found(text="mentoring_") == [], "a wildcard is a letter like any other"
    assert found(end=START_AT + timedelta(minutes=1)) == [session.id]
    assert found(statuses=[SessionStatus.SCHEDULED], start=START_AT, end=START_AT) == []
    assert len(found()) == 2


@pytest.mark.spec("DB-2", "INV-8")
def test_a_mentor_sees_own_sessions_only_with_earnings_and_the_header_cards() -> None:
    mentor = a_mentor()
    a_completed_session(mentor=mentor)
    a_paid_session(mentor=mentor, at=START_AT + timedelta(days=5))
    a_paid_session()
    ctx = ctx_of(mentor)

    rows = list_sessions(SessionFilter(), page=1, limit=20, ctx=ctx).items
    assert [(row.status, row.earnings) for row in rows] == [
        (SessionStatus.SCHEDULED, Money(3_500, "EUR")),
        (SessionStatus.COMPLETED, Money(3_500, "EUR")),
    ]
    figures = mentor_figures(ctx)
    assert (figures.total_mentees, figures.total_sessions, figures.upcoming, figures.completed) == (2, 2, 1, 1)
    assert figures.gross_revenue == (Money(10_000, "EUR"),)
    assert count_tabs(ctx) == {"approvals": 0, "pending": 1, "active": 0, "past": 1}


@pytest.mark.spec("PERF-7", "DB-3")
def test_a_list_of_sessions_takes_the_same_statements_for_one_and_for_ten() -> None:
    mentee = a_mentee()
    a_paid_session(mentee=mentee)
    with statements() as few:
        list_sessions(SessionFilter(), page=1, limit=20, ctx=ctx_of(mentee))
    for day in range(1, 10):
        a_paid_session(
            mentee=mentee, at=START_AT + timedelta(days=7 * day) if day < 8 else START_AT + timedelta(days=day - 7)
        )
    with statements() as many:
        assert len(list_sessions(SessionFilter(), page=1, limit=20, ctx=ctx_of(mentee)).items) == 10
    assert len(many) == len(few) <= 12


@pytest.mark.spec("DB-5", "JN-2", "INV-9")
def test_the_session_page_tells_the_story_and_never_the_link() -> None:
    session = a_paid_session()
    with transaction():
        session.meeting_url = "https://meet.example/secret-room"
    page = load_session_page(session.id, ctx=ctx_of(session.mentee))

    assert [entry.action for entry in page.timeline] == ["booking_created", "payment_confirmed"]
    assert [entry.is_mine for entry in page.timeline] == [True, False]
    assert page.paid == Money(5_000, "EUR")
    assert page.policies_in_words[0].startswith("24 hours or more")
    assert "secret-room" not in repr(page)


@pytest.mark.spec("INV-8")
@pytest.mark.parametrize("stranger", [a_mentee, a_mentor, a_support_agent])
def test_nobody_else_reads_a_partys_page(stranger: Callable[[], User]) -> None:
    session = a_pending_request(mentor=a_mentor(booking_mode=BookingMode.REQUEST))
    with pytest.raises(NotFound):
        load_session_page(session.id, ctx=ctx_of(stranger()))


@pytest.mark.spec("API-1")
@pytest.mark.parametrize("page, limit", [(0, 20), (1, 0), (1, 101)])
def test_lists_are_bounded(app: Flask, page: int, limit: int) -> None:
    with pytest.raises(Invalid):
        list_sessions(SessionFilter(), page=page, limit=limit, ctx=ctx_of(a_mentee()))
    with pytest.raises(Invalid):
        find_mentors(MentorFilter(), mentee_id=None, page=page, limit=limit, now=START)
