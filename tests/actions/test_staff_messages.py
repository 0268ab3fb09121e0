"""Staff hide reviews and send e-mails again; each is one row in their trail (RV-1, EM-2)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.booking.queries import load_mentor_page
from app.booking.review import review_session
from app.domain.errors import Conflict, Forbidden, Invalid, NotFound
from app.domain.vocabulary import EmailState
from app.extensions import db
from app.models import AdminAuditTrail, EmailEvent, MentorProfile, SessionReview
from app.people.sign_in import request_reset
from app.support.hide_review import hide_review, show_review
from app.support.resend_mail import resend_mail
from tests.factories.people import a_mentee, a_support_agent, an_ops, ctx_of
from tests.factories.sessions import a_completed_session, a_paid_session, fresh
from tests.outbox import RunOutbox
from tests.world import context

pytestmark = pytest.mark.usefixtures("app", "clock")


def acts() -> list[str]:
    return list(db.session.scalars(select(AdminAuditTrail.action).order_by(AdminAuditTrail.seq)))


def reviewed() -> SessionReview:
    session = fresh(a_completed_session())
    return review_session(session.id, rating=1, comment="Rude words", ctx=ctx_of(session.mentee))


def average(review: SessionReview) -> tuple[float | None, int]:
    profile = db.session.get(MentorProfile, review.mentor_id, populate_existing=True)
    assert profile is not None
    return profile.rating_average, profile.rating_count


@pytest.mark.spec("RV-1")
def test_a_hidden_review_leaves_page_and_average_and_comes_back() -> None:
    review, staff = reviewed(), a_support_agent()
    assert average(review) == (1.0, 1)
    hide_review(review.id, reason="It insults the mentor", ctx=ctx_of(staff))
    assert average(review) == (None, 0)
    assert load_mentor_page(review.mentor_id).reviews == []
    show_review(review.id, reason="It was a quote", ctx=ctx_of(staff))
    assert average(review) == (1.0, 1)
    assert acts() == ["ADMIN_REVIEW_HIDDEN", "ADMIN_REVIEW_SHOWN"]


@pytest.mark.spec("RV-1", "ADM-2")
def test_what_cannot_be_hidden_stays_and_leaves_no_act() -> None:
    review, staff = reviewed(), a_support_agent()
    with pytest.raises(Invalid):
        hide_review(review.id, reason=" ", ctx=ctx_of(staff))
    with pytest.raises(Conflict):
        show_review(review.id, reason="It is visible", ctx=ctx_of(staff))
    with pytest.raises(Forbidden):
        hide_review(review.id, reason="I want to", ctx=ctx_of(an_ops()))
    session = fresh(a_completed_session())
    private = review_session(session.id, rating=2, comment="", ctx=ctx_of(session.mentor))
    with pytest.raises(Conflict) as refused:
        hide_review(private.id, reason="It is private", ctx=ctx_of(staff))
    assert refused.value.error_code == "private_rating"
    with pytest.raises(NotFound):
        hide_review(session.id, reason="No such review", ctx=ctx_of(staff))
    assert acts() == []


def _mail(template: str) -> EmailEvent:
    return db.session.scalars(
        select(EmailEvent).where(EmailEvent.template == template).execution_options(populate_existing=True)
    ).first()  # type: ignore[return-value]


@pytest.mark.spec("EM-2")
def test_an_email_is_sent_again_with_its_first_words(run_outbox: RunOutbox) -> None:
    a_paid_session()
    run_outbox()
    event = _mail("booking_confirmed")
    assert (event.status, event.attempts) == (EmailState.SENT, 1)
    resend_mail(event.id, reason="The mentee deleted it", ctx=ctx_of(a_support_agent()))
    assert _mail("booking_confirmed").status is EmailState.QUEUED
    assert ("mail.send", "done") in run_outbox()
    event = _mail("booking_confirmed")
    assert (event.status, event.attempts) == (EmailState.SENT, 2)
    (act,) = db.session.scalars(select(AdminAuditTrail))
    assert (act.action, act.subject_id, act.session_id) == ("ADMIN_EMAIL_RESENT", str(event.id), event.session_id)


@pytest.mark.spec("EM-2")
def test_what_is_on_its_way_or_held_a_link_for_one_use_is_not_sent_again(run_outbox: RunOutbox) -> None:
    a_paid_session()
    staff = ctx_of(a_support_agent())
    with pytest.raises(Invalid):
        resend_mail(_mail("booking_confirmed").id, reason="Too early", ctx=staff)
    mentee = a_mentee()
    request_reset(mentee.email, ctx=context(now=staff.now))
    run_outbox()
    with pytest.raises(Invalid, match="one use"):
        resend_mail(_mail("password_reset").id, reason="It got lost", ctx=staff)
    with pytest.raises(Forbidden):
        resend_mail(_mail("booking_confirmed").id, reason="My own", ctx=ctx_of(mentee))
    assert acts() == []
