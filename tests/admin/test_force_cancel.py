"""Force cancel through the console (ACT-1): seen first, done once, on record."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.booking.cancel import cancel_session
from app.domain.errors import Forbidden, StalePreview
from app.domain.vocabulary import (
    CancellationCategory,
    CancelledBy,
    NotificationType,
    RefundState,
    RefundStatus,
    SessionStatus,
)
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import (
    AdminAuditTrail,
    CalendarEntry,
    EmailEvent,
    MentoringSession,
    Notification,
    OutboxRow,
    Refund,
    SessionAuditLog,
)
from app.support.force_cancel import force_cancel, preview_force_cancel
from tests.factories import people, sessions
from tests.factories.sessions import fresh
from tests.world import Clock

_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


def path(session: MentoringSession) -> str:
    return f"/admin/sessions/{session.id}/cancel"


def dialog(browser: FlaskClient, session: MentoringSession, **query: Any) -> dict[str, str]:
    """The fields of the dialog as a browser would send them, with a reason typed in."""
    page = browser.get(path(session), query_string=query)
    assert page.status_code == 200
    fields = dict(_HIDDEN.findall(page.text))
    return {"refundPercentage": "100", "notifyParties": "1", **fields, "reason": "Mentor is ill"}


def acts(session: MentoringSession) -> list[AdminAuditTrail]:
    return list(
        db.session.scalars(
            select(AdminAuditTrail).where(
                AdminAuditTrail.session_id == session.id, AdminAuditTrail.action == "ADMIN_FORCE_CANCEL"
            )
        )
    )


def count(model: Any, session_id: UUID) -> int:
    found: int = (
        db.session.scalar(select(db.func.count()).select_from(model).where(model.session_id == session_id)) or 0
    )
    return found


@pytest.mark.spec("ACT-1", "ACT")
def test_the_dialog_says_what_will_happen_and_the_button_names_the_sum(support: FlaskClient) -> None:
    session = sessions.a_paid_session()
    page = support.get(path(session))
    assert f"{session.mentee.name} gets €50.00 back, {session.mentor.name} is paid nothing" in page.text
    assert ">Cancel and refund €50.00</button>" in page.text
    assert "data-no-enter" in page.text
    half = support.get(path(session), query_string={"refundPercentage": 50, "shown": 1, "notifyParties": 1})
    assert ">Cancel and refund €25.00</button>" in half.text
    assert f"{session.mentor.name} keeps €17.50" in half.text
    assert fresh(session).status is SessionStatus.SCHEDULED


@pytest.mark.spec("ACT-1", "MN-6", "CX-5", "SM-3")
def test_a_force_cancel_ends_the_session_refunds_and_tells_both(support: FlaskClient) -> None:
    session = sessions.a_paid_session()
    answer = support.post(path(session), data=dialog(support, session))
    assert (answer.status_code, answer.location) == (303, f"/admin/sessions/{session.id}")
    session = fresh(session)
    assert session.status is SessionStatus.CANCELLED
    assert session.cancelled_by is CancelledBy.ADMIN
    assert session.cancellation_reason == "Mentor is ill"
    assert session.refund_status is RefundStatus.PENDING
    assert count(CalendarEntry, session.id) == 0
    refund = db.session.scalars(select(Refund).where(Refund.session_id == session.id)).one()
    assert (refund.amount_minor, refund.by_staff, refund.status) == (5_000, True, RefundState.PENDING)
    mails = db.session.scalars(select(EmailEvent).where(EmailEvent.template == "admin_cancelled_session")).all()
    assert {mail.user_id for mail in mails} == {session.mentee_id, session.mentor_id}
    told = db.session.scalars(select(Notification).where(Notification.type == NotificationType.ADMIN_CANCELLED)).all()
    assert {notification.user_id for notification in told} == {session.mentee_id, session.mentor_id}
    moved = db.session.scalars(select(SessionAuditLog).where(SessionAuditLog.new_status == "cancelled")).all()
    assert len(moved) == 1


@pytest.mark.spec("ACT-1", "AUD-1")
def test_one_audit_row_says_who_did_it_why_and_with_what(support: FlaskClient) -> None:
    session = sessions.a_paid_session()
    support.post(path(session), data=dialog(support, session))
    (row,) = acts(session)
    assert (row.previous_status, row.new_status, row.reason) == ("scheduled", "cancelled", "Mentor is ill")
    assert row.details["refundPercentage"] == 100
    assert row.details["refundAmount"] == "50.00"
    assert row.details["notificationsSent"] == 4
    assert row.ip_address
    assert row.user_agent
    page = support.get(f"/admin/sessions/{session.id}")
    assert "cancelled the session for support" in page.text
    assert "Mentor is ill" in page.text


@pytest.mark.spec("ACT-1")
def test_sent_twice_it_answers_twice_and_acts_once(support: FlaskClient) -> None:
    session = sessions.a_paid_session()
    form = dialog(support, session)
    first, second = support.post(path(session), data=form), support.post(path(session), data=form)
    assert first.status_code == second.status_code == 303
    assert "Session cancelled" in support.get(second.location).text
    assert len(acts(session)) == 1
    assert count(Refund, session.id) == 1


@pytest.mark.spec("ACT")
def test_a_case_that_changed_meanwhile_shows_the_new_preview_and_keeps_what_was_typed(support: FlaskClient) -> None:
    session = sessions.a_paid_session()
    form = dialog(support, session)
    with transaction():
        changed = fresh(session)
        changed.version += 1
    answer = support.post(path(session), data=form)
    assert answer.status_code == 409
    assert "This case changed since you opened it" in answer.text
    assert ">Mentor is ill</textarea>" in answer.text
    assert fresh(session).status is SessionStatus.SCHEDULED
    assert acts(session) == []
    again = {**form, **dict(_HIDDEN.findall(answer.text))}
    assert support.post(path(session), data=again).status_code == 303
    assert fresh(session).status is SessionStatus.CANCELLED


@pytest.mark.spec("ACT", "SM-4")
def test_a_case_that_a_party_ended_first_is_left_as_it_is(support: FlaskClient) -> None:
    session = sessions.a_paid_session()
    form = dialog(support, session)
    cancel_session(
        session.id, category=CancellationCategory.SCHEDULE_CONFLICT, reason="Ill", ctx=people.ctx_of(session.mentee)
    )
    answer = support.post(path(session), data=form, follow_redirects=True)
    assert "Nothing was done" in answer.text
    assert fresh(session).cancelled_by is CancelledBy.MENTEE
    assert acts(session) == []


@pytest.mark.spec("ACT")
def test_a_percentage_that_was_not_shown_is_shown_before_it_is_done(support: FlaskClient) -> None:
    session = sessions.a_paid_session()
    form = {**dialog(support, session), "refundPercentage": "30"}
    answer = support.post(path(session), data=form)
    assert answer.status_code == 200
    assert ">Cancel and refund €15.00</button>" in answer.text
    assert fresh(session).status is SessionStatus.SCHEDULED
    support.post(path(session), data={**form, **dict(_HIDDEN.findall(answer.text))})
    assert fresh(session).refund_amount_minor == 1_500


@pytest.mark.spec("ACT")
@pytest.mark.parametrize(
    "changes",
    [
        {"reason": ""},
        {"reason": "ab"},
        {"reason": " a "},
        {"reason": "x" * 1_001},
        {"refundPercentage": "101"},
        {"refundPercentage": "-1"},
        {"refundPercentage": "12.5"},
        {"refundPercentage": "all"},
    ],
)
def test_what_cannot_be_used_is_named_and_changes_nothing(support: FlaskClient, changes: dict[str, str]) -> None:
    session = sessions.a_paid_session()
    before = count(SessionAuditLog, session.id)
    answer = support.post(path(session), data={**dialog(support, session), **changes})
    assert answer.status_code == 422
    assert "is-invalid" in answer.text
    assert fresh(session).status is SessionStatus.SCHEDULED
    assert count(SessionAuditLog, session.id) == before


@pytest.mark.spec("ACT-1")
@pytest.mark.parametrize("make", [sessions.a_draft, sessions.a_scheduled_session, sessions.a_running_session])
def test_it_works_from_every_state_that_is_not_over(support: FlaskClient, make: Any) -> None:
    session = make()
    support.post(path(session), data=dialog(support, session))
    assert fresh(session).status is SessionStatus.CANCELLED


@pytest.mark.spec("ACT-1")
def test_a_request_can_be_ended_too(support: FlaskClient) -> None:
    session = sessions.a_pending_request()
    support.post(path(session), data=dialog(support, session))
    assert fresh(session).status is SessionStatus.CANCELLED


@pytest.mark.spec("ACT-1", "SM-1")
@pytest.mark.parametrize(
    "make", [sessions.a_completed_session, sessions.a_cancelled_session, sessions.an_expired_draft]
)
def test_what_is_over_cannot_be_cancelled_and_the_page_says_why(support: FlaskClient, make: Any) -> None:
    session = make()
    status = session.status
    page = support.get(f"/admin/sessions/{session.id}")
    assert "Only one that is not over yet can be cancelled." in page.text
    assert f'href="{path(session)}"' not in page.text
    asked = support.get(path(session))
    assert "btn-danger" not in asked.text
    sent = {"reason": "Mentor is ill", "refundPercentage": "100", "previewed": "100", "key": "k", "shown": "1"}
    support.post(path(session), data=sent)
    assert fresh(session).status is status
    assert acts(session) == []


@pytest.mark.spec("ACT-1")
def test_the_mentor_of_a_draft_never_hears_of_it(support: FlaskClient) -> None:
    session = sessions.a_draft()
    support.post(path(session), data=dialog(support, session))
    told = db.session.scalars(select(Notification).where(Notification.type == NotificationType.ADMIN_CANCELLED)).all()
    assert [notification.user_id for notification in told] == [session.mentee_id]


@pytest.mark.spec("ACT")
def test_nobody_is_told_when_the_box_is_not_ticked(support: FlaskClient) -> None:
    session = sessions.a_paid_session()
    form = dialog(support, session)
    del form["notifyParties"]
    before = count(EmailEvent, session.id)
    support.post(path(session), data=form)
    assert fresh(session).status is SessionStatus.CANCELLED
    assert count(EmailEvent, session.id) == before
    assert acts(session)[0].details["notificationsSent"] == 0


@pytest.mark.spec("MN-9", "ACT-1")
def test_a_large_refund_waits_for_a_second_person_and_is_promised_to_nobody(support: FlaskClient) -> None:
    session = sessions.a_paid_session(mentor=people.a_mentor(rate_minor=30_000))
    page = support.get(path(session))
    assert "will wait for a second person" in page.text
    assert ">Cancel and ask to refund €300.00</button>" in page.text
    support.post(path(session), data=dialog(support, session))
    session = fresh(session)
    assert session.status is SessionStatus.CANCELLED
    refund = db.session.scalars(select(Refund).where(Refund.session_id == session.id)).one()
    assert refund.status is RefundState.AWAITING_APPROVAL
    assert db.session.scalar(select(OutboxRow.id).where(OutboxRow.key == refund.idempotency_key)) is None
    assert acts(session)[0].details["awaitingApproval"] is True
    mail = db.session.scalars(
        select(EmailEvent).where(
            EmailEvent.template == "admin_cancelled_session", EmailEvent.user_id == session.mentee_id
        )
    ).one()
    assert mail.details["facts"]["refund_minor"] is None


@pytest.mark.spec("ADM-2")
def test_nobody_decides_a_case_of_their_own(app: Flask, clock: Clock) -> None:
    session = sessions.a_paid_session()
    user = session.mentee
    with transaction():
        user = db.session.merge(user)
        user.role = people.Role.SUPPORT
    browser = people.sign_in(app.test_client(), user)
    page = browser.get(f"/admin/sessions/{session.id}")
    assert "You are a party in this case" in page.text
    assert browser.get(path(session)).status_code == 403
    assert browser.post(path(session), data={"reason": "Mine"}).status_code in {200, 403}
    with pytest.raises(Forbidden):
        force_cancel(session.id, reason="Mine now", fingerprint=None, ctx=people.ctx_of(user))
    assert fresh(session).status is SessionStatus.SCHEDULED


@pytest.mark.spec("ADM-2")
@pytest.mark.parametrize("role, status", [("anonymous", 302), ("mentee", 403), ("mentor", 403), ("ops", 403)])
def test_only_support_and_admins_may(as_role: Any, role: str, status: int) -> None:
    session = sessions.a_paid_session()
    browser = as_role(role)
    assert browser.get(path(session)).status_code == status
    sent = {"reason": "Mentor is ill", "refundPercentage": "100", "previewed": "100", "key": "k"}
    assert browser.post(path(session), data=sent).status_code in {303, 403}
    assert fresh(session).status is SessionStatus.SCHEDULED


@pytest.mark.spec("ACT")
def test_the_preview_and_the_act_are_one_plan(app: Flask, clock: Clock) -> None:
    session = sessions.a_paid_session()
    ctx = people.ctx_of(people.a_support_agent())
    plan = preview_force_cancel(session.id, refund_percentage=40, ctx=ctx)
    other = preview_force_cancel(session.id, refund_percentage=70, ctx=ctx)
    assert plan.fingerprint == other.fingerprint, "what one may type is no fact of the case"
    with pytest.raises(StalePreview):
        force_cancel(session.id, reason="Mentor is ill", refund_percentage=40, fingerprint="other", ctx=ctx)
    done = force_cancel(session.id, reason="Mentor is ill", refund_percentage=40, fingerprint=plan.fingerprint, ctx=ctx)
    assert done.refund == plan.refund
    assert done.refund.minor == 2_000
