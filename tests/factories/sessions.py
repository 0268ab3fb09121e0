"""Sessions in every state, brought there by the product's own actions and the sandbox gateway."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from app.booking.book import create_booking
from app.booking.cancel import cancel_session
from app.booking.handover import change_mentor
from app.booking.pay import Settled, settle_payment, start_checkout
from app.booking.review_request import approve_request, reject_request
from app.booking.tick import tick
from app.domain.context import CLOCK, SYSTEM
from app.domain.vocabulary import BookingMode, CancellationCategory, JoinSource, MeetingType, Party, ReassignmentStatus
from app.extensions import db
from app.foundation.switches import AUTO_REASSIGNMENT
from app.foundation.transaction import transaction
from app.http.adapters import adapters
from app.integrations.payments.base import ChargeState
from app.integrations.payments.sandbox import SandboxGateway
from app.models import KillSwitch, MentoringSession, SessionJoin, User
from tests.factories.people import a_mentee, a_mentor, ctx_of, offering_of
from tests.world import context

# The Wednesday after the clock's Monday night: inside every factory mentor's hours.
START_AT = datetime.fromisoformat("2028-03-01T10:00:00+00:00")
RETURN_URL = "http://localhost/paid"


def sandbox() -> SandboxGateway:
    """The application's gateway, with its own books."""
    gateway = adapters().gateway
    assert isinstance(gateway, SandboxGateway)
    return gateway


def empty_books() -> None:
    """The gateway's books outlive a rolled-back test; who compares them with ours begins with none."""
    for reference in sandbox().references():
        (sandbox()._folder / "charges" / f"{reference}.json").unlink()


def book(
    *,
    mentee: User | None = None,
    mentor: User | None = None,
    at: datetime | None = START_AT,
    **wish: Any,
) -> MentoringSession:
    """What ``create_booking`` makes of the mentor's first offering."""
    mentor = mentor or a_mentor()
    mentee = mentee or a_mentee()
    return create_booking(
        **{
            "mentor_id": mentor.id,
            "offering_id": offering_of(mentor).id,
            "scheduled_at": at,
            "meeting_type": MeetingType.VIDEO,
            "title": "How to lead a team",
            "description": "I lead five people and would like to talk about it.",
            "ctx": ctx_of(mentee),
            **wish,
        }
    )


def a_draft(**options: Any) -> MentoringSession:
    """Booked, not paid: the slot is held."""
    return book(**options)


def a_scheduled_session(**options: Any) -> MentoringSession:
    """A free session, scheduled at once."""
    options.setdefault("mentor", None)
    options["mentor"] = options["mentor"] or a_mentor(rate_minor=0)
    return book(**options)


def a_paid_session(**options: Any) -> MentoringSession:
    """Booked and paid in the sandbox: scheduled, the mentor's share pending."""
    session = book(**options)
    pay(session)
    return fresh(session)


def a_running_session(*, joined: Collection[Party] = tuple(Party), **options: Any) -> MentoringSession:
    """Paid, and started by the clock; both have joined on time."""
    session = a_paid_session(**options)
    assert session.scheduled_at is not None
    tick(ctx=context(CLOCK, session.scheduled_at))
    they_join(session, *joined)
    return fresh(session)


def they_join(session: MentoringSession, *parties: Party, at: datetime | None = None) -> None:
    """These sides stand in the join log, at the start or when it is said."""
    people = {Party.MENTOR: session.mentor_id, Party.MENTEE: session.mentee_id}
    with transaction():
        for party in parties:
            db.session.add(
                SessionJoin(
                    session_id=session.id,
                    user_id=people[party],
                    source=JoinSource.PAGE,
                    joined_at=at or session.scheduled_at,
                )
            )


def a_completed_session(**options: Any) -> MentoringSession:
    """Paid, held, and completed by the clock: the mentor's share is available."""
    session = a_paid_session(**options)
    assert session.scheduled_at is not None
    they_join(session, *Party)
    tick(ctx=context(CLOCK, session.scheduled_at + timedelta(minutes=session.duration, hours=1)))
    return fresh(session)


def a_cancelled_session(*, by_mentor: bool = False, **options: Any) -> MentoringSession:
    """Paid, then cancelled by the mentee a day or more before, or by the mentor."""
    session = a_paid_session(**options)
    cancel_session(
        session.id,
        category=CancellationCategory.SCHEDULE_CONFLICT,
        reason="Something came up",
        ctx=ctx_of(session.mentor if by_mentor else session.mentee),
    )
    return fresh(session)


def a_reassigned_session(*, to: User | None = None, **options: Any) -> MentoringSession:
    """Paid, given up by its mentor, and assigned to another one whom the mentee has yet to accept."""
    session = a_paid_session(**options)
    to = to or a_mentor()
    with transaction():
        change_mentor(
            fresh(session), to=to.id, status=ReassignmentStatus.PENDING_ACCEPTANCE, ctx=ctx_of(session.mentor)
        )
    return fresh(session)


def a_session_without_mentor(**options: Any) -> MentoringSession:
    """Paid, given up by its mentor, and nobody was found: the mentee has to choose."""
    session = a_paid_session(**options)
    with transaction():
        switch = KillSwitch(key=AUTO_REASSIGNMENT, is_off=True, changed_at=session.created_at)
        db.session.add(switch)
        cancel_session(session.id, category=CancellationCategory.ILLNESS, reason="", ctx=ctx_of(session.mentor))
        db.session.delete(switch)
    return fresh(session)


def an_expired_draft(**options: Any) -> MentoringSession:
    """A draft whose hold ran out."""
    session = a_draft(**options)
    assert session.hold_expires_at is not None
    tick(ctx=context(CLOCK, session.hold_expires_at))
    return fresh(session)


def a_pending_request(*, mentor: User | None = None, **options: Any) -> MentoringSession:
    """A request that waits for its mentor."""
    return book(mentor=mentor or a_mentor(booking_mode=BookingMode.REQUEST), **options)


def an_approved_request(**options: Any) -> MentoringSession:
    """A request that the mentor approved and the mentee has yet to pay."""
    session = a_pending_request(**options)
    approve_request(session.id, message="Looking forward to it", ctx=ctx_of(session.mentor))
    return fresh(session)


def a_rejected_request(**options: Any) -> MentoringSession:
    session = a_pending_request(**options)
    reject_request(session.id, reason="I am on holiday then", ctx=ctx_of(session.mentor))
    return fresh(session)


def checkout(session: MentoringSession) -> str:
    """Open the payment page, and give the payment's reference."""
    return start_checkout(session.id, gateway=sandbox(), return_url=RETURN_URL, ctx=ctx_of(session.mentee)).reference


def pay(session: MentoringSession, state: ChargeState = ChargeState.SUCCEEDED, at: datetime | None = None) -> Settled:
    """Go to the sandbox's page, decide there, and come back."""
    reference = checkout(session)
    sandbox().decide(reference, state)
    ctx = ctx_of(session.mentee)
    return settle_payment(reference, gateway=sandbox(), ctx=context(SYSTEM, at) if at else ctx)


def fresh(session: MentoringSession) -> MentoringSession:
    """The session as the database has it now, with its people."""
    return db.session.scalars(
        db.select(MentoringSession)
        .where(MentoringSession.id == session.id)
        .options(db.joinedload(MentoringSession.mentor), db.joinedload(MentoringSession.mentee))
        .execution_options(populate_existing=True)
    ).one()
