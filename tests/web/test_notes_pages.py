"""Notes and the summary through the pages and the API; reviews and e-mails in the console (RV-1, RV-2, EM-2)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.booking.notes import add_own_note
from app.booking.review import review_session
from app.extensions import db
from app.models import EmailEvent, SessionReview
from tests.api.contract import Caller, data_of, error_of
from tests.factories.people import a_support_agent, ctx_of, sign_in
from tests.factories.sessions import a_completed_session, a_paid_session, fresh
from tests.outbox import RunOutbox

pytestmark = pytest.mark.usefixtures("app", "clock")


@pytest.fixture
def calling(client: FlaskClient) -> Callable[..., Caller]:
    return lambda user: Caller.of(client, user)


@pytest.mark.spec("RV-2")
def test_a_note_is_kept_changed_and_removed_and_the_other_party_never_sees_it(client: FlaskClient) -> None:
    session = fresh(a_paid_session())
    path = f"/sessions/{session.id}"
    mentee = sign_in(client, session.mentee)
    mentee.post(f"{path}/notes", data={"body": "Ask about <b>pay</b>"})
    page = mentee.get(path).text
    assert "Ask about &lt;b&gt;pay&lt;/b&gt;" in page
    note = page.split(f"{path}/notes/")[1].split('"')[0]
    assert mentee.post(f"{path}/notes/{note}", data={"body": "Ask about the team"}).status_code == 303
    assert "Ask about the team" in mentee.get(path).text
    assert mentee.post(f"{path}/notes/{note}", data={"body": "x" * 5_001}).status_code == 422
    mentor = sign_in(client, session.mentor)
    assert "Ask about the team" not in mentor.get(path).text
    assert mentor.get(f"{path}/notes/{note}").status_code == 404
    mentee = sign_in(client, session.mentee)
    mentee.post(f"{path}/notes/{note}", data={"body": ""})
    assert "Ask about the team" not in mentee.get(path).text


@pytest.mark.spec("RV-2")
def test_the_mentor_sums_up_and_the_mentee_reads_it(client: FlaskClient) -> None:
    session = fresh(a_completed_session())
    path = f"/sessions/{session.id}"
    mentor = sign_in(client, session.mentor)
    assert "Send a summary" in mentor.get(path).text
    assert mentor.post(f"{path}/summary", data={"body": ""}).status_code == 422
    answer = mentor.post(f"{path}/summary", data={"body": "We talked.", "action_items": "Read it\n\n Ask Bo "})
    assert answer.status_code == 303
    assert "Change the summary" in mentor.get(path).text
    mentee = sign_in(client, session.mentee)
    page = mentee.get(path).text
    assert "We talked." in page
    assert "<li>Read it</li><li>Ask Bo</li>" in page
    assert "Change the summary" not in page
    assert mentee.get(f"{path}/summary").status_code == 403


@pytest.mark.spec("RV-2")
def test_before_the_end_no_summary_is_offered(client: FlaskClient) -> None:
    session = fresh(a_paid_session())
    mentor = sign_in(client, session.mentor)
    assert "Send a summary" not in mentor.get(f"/sessions/{session.id}").text
    assert mentor.get(f"/sessions/{session.id}/summary").status_code == 303


@pytest.mark.spec("RV-2", "API-2")
def test_notes_over_the_api(calling: Callable[..., Caller]) -> None:
    session = fresh(a_completed_session())
    mentee, mentor = calling(session.mentee), calling(session.mentor)
    path = f"/api/bookings/{session.id}/notes"
    first = data_of(mentee.post(path, {"body": "Mine"}, key="k1"), 201)
    assert data_of(mentee.post(path, {"body": "Mine"}, key="k1"), 201) == first
    summary = {"body": "We talked.", "kind": "summary", "actionItems": ["Read it"]}
    error_of(mentee.post(path, summary), 403)
    data_of(mentor.post(path, summary), 201)
    error_of(mentor.post(path, {"body": "x", "actionItems": ["y"]}), 422)
    told = data_of(mentee.get(path))
    assert [note["body"] for note in told["notes"]] == ["Mine"]
    assert told["summary"]["actionItems"] == ["Read it"]
    assert data_of(mentor.get(path))["notes"] == []
    ahead = fresh(a_paid_session())
    error_of(calling(ahead.mentor).post(f"/api/bookings/{ahead.id}/notes", summary), 409, "not_over")


@pytest.mark.spec("RV-1")
def test_a_review_is_hidden_and_shown_from_its_row_in_the_console(client: FlaskClient) -> None:
    session = fresh(a_completed_session())
    review = review_session(session.id, rating=1, comment="Rude words", ctx=ctx_of(session.mentee))
    staff = sign_in(client, a_support_agent())
    details = f"/admin/session-reviews/details/?id={review.id}"
    assert "Hide it" in staff.get(details).text
    assert staff.post(f"/admin/review-acts/{review.id}/hide", data={"reason": ""}).status_code == 422
    assert staff.post(f"/admin/review-acts/{review.id}/hide", data={"reason": "It insults"}).status_code == 303
    assert "Show it again" in staff.get(details).text
    assert "Rude words" not in client.application.test_client().get(f"/mentors/{session.mentor_id}").text
    staff.post(f"/admin/review-acts/{review.id}/show", data={"reason": "A quote"})
    assert db.session.scalar(db.select(SessionReview.hidden_at)) is None


@pytest.mark.spec("EM-2")
def test_an_email_is_sent_again_from_its_page(client: FlaskClient, run_outbox: RunOutbox) -> None:
    a_paid_session()
    event = db.session.scalars(db.select(EmailEvent).where(EmailEvent.template == "booking_confirmed")).one()
    staff = sign_in(client, a_support_agent())
    page = f"/admin/mailbox/{event.id}"
    assert "Send it again" not in staff.get(page).text  # it is on its way
    run_outbox()
    assert "Send it again" in staff.get(page).text
    assert staff.post(f"{page}/resend", data={"reason": ""}).status_code == 422
    assert staff.post(f"{page}/resend", data={"reason": "It was deleted"}).status_code == 303
    assert staff.post(f"{page}/resend", data={"reason": "Once more"}).status_code == 422
    assert ("mail.send", "done") in run_outbox()


@pytest.mark.spec("SEC-2")
def test_a_new_password_is_told_by_mail(client: FlaskClient) -> None:
    session = fresh(a_paid_session())
    browser = sign_in(client, session.mentee)
    add_own_note(session.id, body="x", ctx=ctx_of(session.mentee))
    words = {"current": "four calm words here", "new": "five other calm words here"}
    assert browser.post("/account/password", data=words).status_code == 303
    question = db.select(EmailEvent.recipient).where(EmailEvent.template == "password_changed")
    assert db.session.scalars(question).all() == [session.mentee.email]
