"""One person's past in the console, and a warning (SD-1, DSP-4, ACT-9)."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.booking.cancel import cancel_session
from app.domain.vocabulary import CancellationCategory, DisputeResolution, Party
from app.extensions import db
from app.models import AdminAuditTrail, EmailEvent, Notification, Strike, User
from app.support.disputes.outcomes import Wish
from app.support.disputes.resolving import resolve_dispute
from app.support.mark_no_show import mark_no_show
from app.support.person_history import LISTED
from app.support.warn_user import warn_user
from tests.admin.conftest import Statements
from tests.factories import disputes, people, sessions
from tests.factories.proposals import NEW_AT
from tests.world import START, context

_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


def path(user: User, act: str = "") -> str:
    return f"/admin/people/{user.id}{act}"


def page_of(browser: FlaskClient, user: User) -> str:
    answer = browser.get(path(user))
    assert answer.status_code == 200
    return html.unescape(answer.text)


@pytest.mark.spec("SD-1", "DSP-4", "PERF-7")
def test_a_persons_page_tells_what_happened_and_what_staff_did(support: FlaskClient, statements: Statements) -> None:
    completed = sessions.a_completed_session(title="A talk that was held")
    mentee, mentor, agent = completed.mentee, completed.mentor, people.a_support_agent(name="Sam Support")
    again = sessions.a_paid_session(at=NEW_AT, mentee=mentee, mentor=mentor, title="A talk called off")
    cancel_session(
        again.id, category=CancellationCategory.EMERGENCY, reason="My train stands", ctx=people.ctx_of(mentee)
    )
    dispute = disputes.a_dispute(completed, by=mentee)
    wish = Wish(
        outcome=DisputeResolution.WARNING_SENT, notes="It was rude", reason="Please be kind", person=Party.MENTOR
    )
    resolve_dispute(dispute.id, wish=wish, fingerprint=None, ctx=people.ctx_of(agent))
    mark_no_show(completed.id, absent=Party.MENTOR, reason="The log shows it", ctx=people.ctx_of(agent))
    statements.clear()
    page = page_of(support, mentor)
    assert len(statements) <= 13
    for words in ("1 warning", "Sam Support", "It was rude", "By the other side", "A talk that was held"):
        assert words in page, words
    assert "They never cancelled" in page
    assert f"/admin/sessions/{completed.id}" in page
    other = page_of(support, mentee)
    for words in ("A talk called off", "My train stands", "by them", "They always came", "Staff has done nothing"):
        assert words in other, words
    assert f"/admin/disputes/{dispute.id}" in other
    assert path(mentee) in support.get(f"/admin/sessions/{completed.id}").text
    assert path(mentee) in support.get("/admin/users/").text
    assert page_of(support, agent)


@pytest.mark.spec("ACT-9", "DSP-4", "SM-3")
def test_a_warning_is_read_counted_and_on_record_once(support: FlaskClient) -> None:
    mentee = people.a_mentee(name="Mia Mentee")
    page = support.get(path(mentee, "/warn"))
    assert "as their first warning, and is a strike" in page.text
    form = {**dict(_HIDDEN.findall(page.text)), "reason": "Please be on time"}
    assert support.post(path(mentee, "/warn"), data={**form, "reason": "x"}).status_code == 422
    first, second = (support.post(path(mentee, "/warn"), data=form) for _ in range(2))
    assert (first.status_code, first.location) == (second.status_code, second.location) == (303, path(mentee))
    db.session.expire_all()
    assert db.session.get_one(User, mentee.id).warnings_count == 1
    strike = db.session.scalars(select(Strike)).one()
    assert (strike.user_id, strike.session_id, strike.evidence) == (mentee.id, None, {"reason": "Please be on time"})
    row = db.session.scalars(select(AdminAuditTrail)).one()
    assert (row.action, row.subject_id, row.reason) == ("ADMIN_USER_WARNED", str(mentee.id), "Please be on time")
    assert db.session.scalars(select(EmailEvent.template).where(EmailEvent.user_id == mentee.id)).one() == (
        "account_warned"
    )
    assert db.session.scalars(select(Notification.body).where(Notification.user_id == mentee.id)).one() == row.reason
    assert "Please be on time" in page_of(support, mentee)
    assert "warning number 2" in support.get(path(mentee, "/warn")).text


@pytest.mark.spec("SD-1")
def test_of_many_acts_on_a_person_the_latest_are_shown(support: FlaskClient) -> None:
    mentee, agent = people.a_mentee(), people.a_support_agent()
    for number in range(LISTED + 1):
        ctx = context(people.ctx_of(agent).actor, START + timedelta(days=number - LISTED))
        warn_user(mentee.id, reason=f"Warning number {number:02}", ctx=ctx)
    page = page_of(support, mentee)
    assert f"Warning number {LISTED:02}" in page
    assert "Warning number 00" not in page


@pytest.mark.spec("ADM-2")
def test_staff_are_not_warned(support: FlaskClient) -> None:
    admin = people.an_admin()
    assert "Only mentees and mentors are warned" in page_of(support, admin)
    answer = support.post(path(admin, "/warn"), data={"reason": "Because", "key": "k"})
    assert answer.status_code == 422
    assert "Only mentees and mentors" in answer.text
    assert db.session.scalars(select(AdminAuditTrail)).all() == []
