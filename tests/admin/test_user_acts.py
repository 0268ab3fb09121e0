"""Suspending and reinstating people in the console (ID-4): seen first, done once, on record."""

from __future__ import annotations

import html
import re
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import AdminAuditTrail, EmailEvent, MentoringSession, User
from app.people import logins
from tests.factories import people, sessions
from tests.factories.sessions import fresh

_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


def path(user: User, act: str = "suspend") -> str:
    return f"/admin/suspension/{user.id}/{act}"


def details(user: User) -> str:
    return f"/admin/users/details/?id={user.id}"


def dialog(browser: FlaskClient, user: User, act: str = "suspend") -> dict[str, str]:
    """The fields of the dialog as a browser would send them, with a reason typed in."""
    page = browser.get(path(user, act))
    assert page.status_code == 200
    return {**dict(_HIDDEN.findall(page.text)), "reason": "Abuse in the chat"}


def acts() -> list[str]:
    return list(db.session.scalars(select(AdminAuditTrail.action).order_by(AdminAuditTrail.seq)))


def is_suspended(user: User) -> bool:
    db.session.expire_all()
    return db.session.get_one(User, user.id).suspended_at is not None


def a_suspended(user: User, admin: FlaskClient) -> User:
    assert admin.post(path(user), data=dialog(admin, user)).status_code == 303
    return user


@pytest.mark.spec("ID-4", "ACT")
def test_the_dialog_says_what_will_happen_and_changes_nothing(admin: FlaskClient) -> None:
    session: MentoringSession = sessions.a_paid_session()
    mentor = session.mentor
    for _ in range(2):
        logins.open_login(mentor, remembered=False, ctx=people.ctx_of(mentor))
    page = html.unescape(admin.get(path(mentor)).text)
    assert f"{mentor.name} is signed out everywhere now" in page
    assert "2 live sign-ins end now" in page
    assert f"Cannot find or book {mentor.name}" in page
    assert "1 upcoming session stays booked and waits in the queue" in page
    assert f"/admin/sessions/{session.id}" in page
    assert "data-no-enter" in page
    assert not is_suspended(mentor)
    mentee = html.unescape(admin.get(path(people.a_mentee())).text)
    assert "Is signed in nowhere at the moment" in mentee
    assert "No upcoming sessions stay booked" not in mentee
    assert "No upcoming sessions" in mentee
    assert "find or book" not in mentee


@pytest.mark.spec("ID-4", "SL-2")
def test_the_dialog_leads_to_the_list_of_exactly_the_sessions_that_lie_ahead(admin: FlaskClient) -> None:
    cancelled = sessions.a_cancelled_session()
    session = sessions.a_paid_session(mentor=cancelled.mentor, mentee=cancelled.mentee)
    other = sessions.a_paid_session()
    for person in (session.mentor, session.mentee):
        found = re.search(r'<a href="([^"]+)">Show it in the list</a>', admin.get(path(person)).text)
        assert found
        listed = admin.get(html.unescape(found[1])).text
        assert listed.count("<a class=clip href=/admin/sessions/") == 1
        assert str(session.id) in listed
        assert str(other.id) not in listed


@pytest.mark.spec("ID-4", "ACT-9", "SEC-2")
def test_a_suspension_ends_the_sign_ins_keeps_the_sessions_and_is_told(admin: FlaskClient) -> None:
    session = sessions.a_paid_session()
    mentor = session.mentor
    browser = people.sign_in(admin.application.test_client(), mentor)
    assert browser.get("/account/profile").status_code == 200
    answer = admin.post(path(mentor), data=dialog(admin, mentor))
    assert (answer.status_code, answer.location) == (303, details(mentor))
    assert f"{mentor.name} is suspended" in admin.get(answer.location).text
    assert is_suspended(mentor)
    assert "/sign-in" in browser.get("/account/profile").location
    assert fresh(session).status.value == "scheduled"
    assert db.session.scalars(select(EmailEvent.user_id).where(EmailEvent.template == "account_suspended")).one() == (
        mentor.id
    )


@pytest.mark.spec("ID-4", "AUD-1")
def test_each_act_leaves_one_row_that_says_who_and_why(admin: FlaskClient) -> None:
    user = a_suspended(people.a_mentee(), admin)
    admin.post(path(user, "reinstate"), data={**dialog(admin, user, "reinstate"), "reason": "The matter is settled"})
    rows = db.session.scalars(select(AdminAuditTrail).order_by(AdminAuditTrail.seq)).all()
    assert [(row.action, row.reason) for row in rows] == [
        ("ADMIN_USER_SUSPENDED", "Abuse in the chat"),
        ("ADMIN_USER_REINSTATED", "The matter is settled"),
    ]
    assert all(row.subject_id == str(user.id) and row.ip_address for row in rows)
    assert not is_suspended(user)


@pytest.mark.spec("ID-4", "KPI-3")
def test_the_upcoming_sessions_of_a_suspended_mentor_become_a_queue(admin: FlaskClient) -> None:
    session = sessions.a_paid_session()
    queue = "/admin/sessions/?queue=suspended_mentors"
    assert queue not in admin.get("/admin/").text
    a_suspended(session.mentor, admin)
    assert queue in admin.get("/admin/").text
    assert str(session.id) in admin.get(queue).text
    assert "Upcoming sessions" in admin.get(details(session.mentor)).text
    admin.post(path(session.mentor, "reinstate"), data=dialog(admin, session.mentor, "reinstate"))
    assert queue not in admin.get("/admin/").text


@pytest.mark.spec("ID-4", "ACT")
@pytest.mark.parametrize("act", ["suspend", "reinstate"])
def test_sent_twice_it_answers_twice_and_acts_once(admin: FlaskClient, act: str) -> None:
    user = people.a_mentee()
    if act == "reinstate":
        a_suspended(user, admin)
    before, form = len(acts()), dialog(admin, user, act)
    first, second = (admin.post(path(user, act), data=form) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert "Nothing was done" not in admin.get(second.location).text
    assert len(acts()) == before + 1


@pytest.mark.spec("ID-4", "ACT")
def test_what_a_colleague_did_first_is_said_and_not_done_again(admin: FlaskClient) -> None:
    user = people.a_mentee()
    mine, theirs = dialog(admin, user), dialog(admin, user)
    admin.post(path(user), data=theirs)
    answer = admin.post(path(user), data={**mine, "reason": "Asked for payment outside"}, follow_redirects=True)
    assert "Nothing was done" in answer.text
    assert "suspended already" in answer.text
    page = admin.get(path(user)).text
    assert "suspended already" in page
    assert "Suspend the account" not in page
    assert acts() == ["ADMIN_USER_SUSPENDED"]


@pytest.mark.spec("ID-4", "ACT")
def test_nobody_is_reinstated_who_is_not_suspended(admin: FlaskClient) -> None:
    user = people.a_mentee()
    page = admin.get(path(user, "reinstate")).text
    assert "This account is not suspended." in page
    assert "Reinstate the account" not in page
    answer = admin.post(path(user, "reinstate"), data={"reason": "By mistake"}, follow_redirects=True)
    assert "Nothing was done" in answer.text
    assert acts() == []


@pytest.mark.spec("ACT")
@pytest.mark.parametrize("reason", ["", "ab", "  a ", "x" * 1_001])
def test_a_reason_that_cannot_be_used_is_refused_and_kept(admin: FlaskClient, reason: str) -> None:
    user = people.a_mentee()
    answer = admin.post(path(user), data={**dialog(admin, user), "reason": reason})
    assert answer.status_code == 422
    assert "in 3 to 1,000 characters" in answer.text
    assert f">{reason}</textarea>" in answer.text
    assert not is_suspended(user)
    assert acts() == []


@pytest.mark.spec("ACT")
@pytest.mark.parametrize("reason", ["abc", "x" * 1_000, "<b>Abuse</b>\0"])
def test_a_reason_at_the_edges_is_taken(admin: FlaskClient, reason: str) -> None:
    user = people.a_mentee()
    assert admin.post(path(user), data={**dialog(admin, user), "reason": reason}).status_code == 303
    assert is_suspended(user)


@pytest.mark.spec("ADM-2", "ID-4")
def test_support_sees_why_it_may_not_and_gets_nowhere(support: FlaskClient) -> None:
    user = people.a_mentee()
    page = support.get(details(user)).text
    assert "Only an admin may do this." in page
    assert path(user) not in page
    for act in ("suspend", "reinstate"):
        assert support.get(path(user, act)).status_code == 403
        assert support.post(path(user, act), data={"reason": "Abuse in the chat"}).status_code == 403
    assert not is_suspended(user)


@pytest.mark.spec("ADM-2", "ID-4")
def test_nobody_acts_on_the_own_account(admin: FlaskClient) -> None:
    people.an_admin()
    own = people.an_admin()
    browser = people.sign_in(admin.application.test_client(), own)
    page = browser.get(details(own)).text
    assert "Nobody suspends the own account." in page
    assert path(own) not in page
    assert browser.get(path(own)).status_code == 403
    assert browser.post(path(own), data={"reason": "Holidays"}).status_code == 403
    assert not is_suspended(own)


@pytest.mark.spec("ID-4")
def test_an_admin_offers_one_of_the_two(admin: FlaskClient) -> None:
    user = people.a_mentee()
    page = admin.get(details(user)).text
    assert (path(user) in page, path(user, "reinstate") in page) == (True, False)
    a_suspended(user, admin)
    page = admin.get(details(user)).text
    assert (path(user) in page, path(user, "reinstate") in page) == (False, True)


@pytest.mark.spec("ID-4")
def test_a_person_who_does_not_exist_is_not_found(admin: FlaskClient) -> None:
    for act in ("suspend", "reinstate"):
        assert admin.get(f"/admin/suspension/{uuid4()}/{act}").status_code == 404
        assert admin.post(f"/admin/suspension/{uuid4()}/{act}", data={"reason": "Abuse"}).status_code == 404
