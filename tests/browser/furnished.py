"""A product in which everything has happened once: people of each role, and sessions in every state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.booking.chat import write_message
from app.booking.notes import add_own_note, send_summary
from app.booking.reschedule import propose
from app.booking.review import review_session
from app.domain.vocabulary import BookingMode, OverrideType, Party
from app.domain.wording import format_iso
from app.extensions import db
from app.models import (
    AdminAuditTrail,
    DecisionRecord,
    EmailEvent,
    LedgerTransaction,
    OutboxRow,
    Payment,
    Refund,
    SessionAuditLog,
    User,
)
from app.people.mentors import apply_as_mentor
from app.support.bulk_cancel import freeze_picked
from app.support.force_cancel import force_cancel
from app.support.notes import add_note
from app.support.override_policy import grant_override, overrides_of
from app.support.policies.precedents import decisions_to_mark, mark_precedent
from app.support.saved_views import save_view
from app.support.session_filter import read_filter
from tests.browser.disputed import disputes_of
from tests.browser.money_to_decide import money_to_decide
from tests.browser.stage import Stage
from tests.factories import sessions as made
from tests.factories.people import (
    a_mentee,
    a_mentor,
    a_support_agent,
    an_admin,
    an_offering,
    an_ops,
    ctx_of,
    offering_of,
)
from tests.world import START

ROLES = ("visitor", "mentee", "mentor", "support", "admin", "ops")

# What must not break a page: long, in other scripts, and with what looks like markup.
LONG_NAME = "Jean-Baptiste Emanuel Zorg-Featherstonehaugh of Habsburg 🙂"
LONG_TITLE = "How to lead a team of <b>five</b> through a migration that nobody wanted, in one quarter 🚀"
_LATER = START + timedelta(days=4)
# One row of each of these tables, whichever.
_ROWS = {
    "act": AdminAuditTrail.id,
    "decision": DecisionRecord.id,
    "job": OutboxRow.id,
    "letter": EmailEvent.id,
    "logged": SessionAuditLog.id,
    "payment": Payment.id,
    "refund": Refund.id,
    "transaction": LedgerTransaction.id,
}


@dataclass(frozen=True)
class Furnished:
    """What ``furnish`` has made.

    :param people: by role, the address with which each signs in
    :param names: what the placeholders in an address stand for
    """

    stage: Stage
    people: dict[str, str]
    names: dict[str, object]


def furnish(stage: Stage) -> Furnished:
    """Let it all happen, and stand at the Friday after."""
    with stage.app.app_context():
        people = {
            "mentee": a_mentee(name=LONG_NAME, email="mentee@people.example", timezone="America/New_York"),
            "mentor": a_mentor(name="Ada Berg", email="mentor@people.example", timezone="Europe/Berlin"),
            "support": a_support_agent(name="Sam Support", email="support@people.example", timezone="Europe/Berlin"),
            "admin": an_admin(name="Alex Admin", email="admin@people.example"),
            "ops": an_ops(name="Olu Ops", email="ops@people.example"),
        }
        names = _fill(stage, people)
        stage.clock.set(_LATER)
        stage.tick()
        stage.run_outbox()
        emails = {role: user.email for role, user in people.items()}
    return Furnished(stage, emails, names)


def _talk(session_id: UUID, mentee: User, mentor: User) -> UUID:
    """A conversation, a summary and a private note, whose id is given."""
    write_message(session_id, body=f"{LONG_TITLE}\nhttps://example.com/{'x' * 90}", ctx=ctx_of(mentee))
    write_message(session_id, body="Gladly.", ctx=ctx_of(mentor))
    send_summary(session_id, body="We talked.", action_items=["Read it", LONG_TITLE], ctx=ctx_of(mentor))
    return add_own_note(session_id, body="Ask about the team.", ctx=ctx_of(mentee)).id


def _fill(stage: Stage, people: dict[str, User]) -> dict[str, object]:
    mentee, mentor = people["mentee"], people["mentor"]
    paid = offering_of(mentor)
    free = an_offering(mentor, title="A free chat", rate_minor=0, duration=30)
    reading = an_offering(mentor, title="Reading your code", booking_mode=BookingMode.REQUEST)
    both = {"mentee": mentee, "mentor": mentor, "offering_id": paid.id}
    hours = (made.START_AT + timedelta(hours=number) for number in (0, 2, 4))
    completed = made.a_paid_session(at=next(hours), title=LONG_TITLE, **both)
    made.they_join(completed, *Party)
    cancelled = made.a_cancelled_session(at=next(hours), **both)
    ended = made.a_paid_session(at=next(hours), title="A session that went wrong", **both)
    support = ctx_of(people["support"])
    note = add_note(ended.id, note="The mentor wrote that his train stands still.", ctx=support)
    force_cancel(ended.id, reason="The mentor's train stands still.", fingerprint=None, ctx=support)
    stage.run_outbox()
    stage.clock.set(_LATER)
    stage.tick()
    review = review_session(completed.id, rating=5, comment="Worth every minute.\nThank you.", ctx=ctx_of(mentee))
    own_note = _talk(completed.id, mentee, mentor)
    # Completing more sessions takes the clock ahead: what is still to come is made afterwards.
    decided = {
        **disputes_of(made.fresh(completed), made.fresh(ended), made.fresh(cancelled), people),
        **money_to_decide(completed, people),
    }
    soon = (_LATER.replace(hour=10, minute=0) + timedelta(days=day) for day in range(3, 8))
    upcoming = made.a_paid_session(at=next(soon), **both)
    chat = made.book(at=next(soon), **both | {"offering_id": free.id})
    assert upcoming.scheduled_at is not None
    afternoon = upcoming.scheduled_at + timedelta(hours=3)
    moving = made.a_paid_session(at=afternoon, title="A session that may move", **both)
    wanted = afternoon + timedelta(days=1)
    propose(moving.id, proposed_time=wanted, reason="My train is late.", ctx=ctx_of(mentor))
    request = made.book(at=next(soon), **both | {"offering_id": reading.id})
    other = a_mentor(name="Bo Busy", email="bo@people.example")
    next_days = {"at": afternoon + timedelta(days=2), "mentee": mentee}
    reassigned = made.a_reassigned_session(mentor=other, to=mentor, title="A session that changed hands", **next_days)
    unplaced = made.a_session_without_mentor(
        mentor=other, title="A session without a mentor", **next_days | {"at": afternoon + timedelta(days=3)}
    )
    draft = made.a_draft(at=next(soon), **both)
    reference = made.checkout(draft)
    applicant = a_mentee(name="Nia New", email="nia@people.example")
    apply_as_mentor(
        applicant.id, headline="I listen", bio="Twenty years in support.", expertise=["Support"], timezone="Asia/Tokyo",
        rate_minor=4_000, currency="EUR", ctx=ctx_of(applicant),
    )  # fmt: skip
    return {
        "mentor": mentor.id,
        "mentee": mentee.id,
        "applicant": applicant.id,
        "offering": paid.id,
        "start": _iso(next(soon)),
        "taken": _iso(upcoming.scheduled_at),
        "completed": completed.id,
        "cancelled": cancelled.id,
        "ended": ended.id,
        "upcoming": upcoming.id,
        "chat": chat.id,
        "moving": moving.id,
        "request": request.id,
        "reassigned": reassigned.id,
        "unplaced": unplaced.id,
        "draft": draft.id,
        "reference": reference,
        "note": note.id,
        "view": save_view(
            LONG_TITLE[:60], read_filter({"q": ["status:cancelled"]}, zone="UTC"), is_shared=True, ctx=support
        ),
        "bulk": freeze_picked([upcoming.id, moving.id, completed.id], ctx=ctx_of(people["support"])),
        **decided,
        "precedent": _golden(cancelled.id, people["support"]),
        "override": _exception(moving.id, people["support"]),
        "own_note": own_note,
        "review": review.id,
        **{name: _first(key) for name, key in _ROWS.items()},
    }


def _golden(session_id: UUID, agent: User) -> object:
    """A golden case that no change of policies has touched yet."""
    (case,) = decisions_to_mark(session_id, ctx=ctx_of(agent))
    assert case.record_id is not None
    return mark_precedent(session_id, case.record_id, title=LONG_TITLE, reason="We said so", ctx=ctx_of(agent)).id


def _exception(session_id: UUID, agent: User) -> object:
    """An override in force."""
    grant_override(
        session_id, override_type=OverrideType.ALLOW_RESCHEDULE, reason="Trouble on our side", fingerprint=None,
        ctx=ctx_of(agent),
    )  # fmt: skip
    return overrides_of(session_id)[0].id


def _iso(moment: datetime | None) -> str:
    assert moment is not None
    return format_iso(moment)


def _first(key: Any) -> object:
    return db.session.scalars(db.select(key).limit(1)).one()
