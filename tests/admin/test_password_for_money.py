"""Whoever moves money types the password again, and is left in peace for a while then (SEC-2)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.domain.vocabulary import Party
from app.extensions import db
from app.models import AdminAuditTrail
from app.support.mark_no_show import mark_no_show
from tests.factories import disputes, people, sessions
from tests.factories.people import PASSWORD
from tests.factories.proposals import NEW_AT
from tests.world import Clock, context

ASKED = "/account/confirm-password"
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


def is_asked(browser: FlaskClient, path: str, **query: object) -> bool:
    answer = browser.get(path, query_string=query)
    assert answer.status_code in {200, 303}, answer.status_code
    return answer.status_code == 303 and answer.location.startswith(ASKED)


@pytest.mark.spec("SEC-2")
def test_every_dialog_that_moves_money_asks_and_the_others_do_not(support: FlaskClient, clock: Clock) -> None:
    paid, draft = sessions.a_paid_session(), sessions.a_draft(at=NEW_AT)
    reported = disputes.a_dispute(paid)
    case = f"/admin/sessions/{paid.id}"
    clock.advance(minutes=11)
    for path in (f"{case}/cancel", f"{case}/refund", f"/admin/disputes/{reported.id}/resolve/refund_issued"):
        assert is_asked(support, path), path
    clock.advance(minutes=5)
    assert is_asked(support, f"{case}/cancel", refundPercentage="100", shown="1")
    assert not is_asked(support, f"{case}/cancel", refundPercentage="0", shown="1"), "nothing goes back"
    assert not is_asked(support, f"/admin/sessions/{draft.id}/cancel"), "nothing was paid"
    for path in (
        f"{case}/complete", f"{case}/override", f"{case}/no-show", f"{case}/clear-no-show",
        f"/admin/disputes/{reported.id}/resolve/no_action",
    ):  # fmt: skip
        assert not is_asked(support, path), path


@pytest.mark.spec("SEC-2", "ACT-5")
def test_the_dialogs_of_a_no_show_ask_where_there_is_something_to_decide(clock: Clock, client: FlaskClient) -> None:
    held, missed = (sessions.a_completed_session(at=NEW_AT) for _ in range(2))
    clock.set(NEW_AT + timedelta(hours=2))
    agent = people.a_support_agent()
    ctx = context(people.ctx_of(agent).actor, clock.now)
    mark_no_show(missed.id, absent=Party.MENTEE, reason="Nobody came", ctx=ctx)
    browser = people.sign_in(client, agent)
    clock.advance(minutes=11)
    assert is_asked(browser, f"/admin/sessions/{held.id}/no-show")
    assert is_asked(browser, f"/admin/sessions/{missed.id}/clear-no-show")


@pytest.mark.spec("SEC-2", "ACT-1")
def test_one_answer_lasts_for_several_cases_and_for_what_is_being_typed(support: FlaskClient, clock: Clock) -> None:
    first, second = sessions.a_paid_session(), sessions.a_paid_session(at=NEW_AT)
    path = f"/admin/sessions/{first.id}/cancel"
    clock.advance(hours=1)
    assert is_asked(support, path)
    confirmed = support.post(ASKED, data={"password": PASSWORD, "next": path})
    assert (confirmed.status_code, confirmed.location) == (303, path)
    clock.advance(minutes=9)
    other = f"/admin/sessions/{second.id}/cancel"
    form, form_of_other = (
        {
            **dict(_HIDDEN.findall(support.get(each).text)),
            "refundPercentage": "100", "notifyParties": "1", "reason": "Mentor is ill",
        }
        for each in (path, other)
    )  # fmt: skip
    clock.advance(minutes=4)
    assert is_asked(support, other), "too late to begin"
    done = support.post(path, data=form)
    assert done.location == f"/admin/sessions/{first.id}", "and early enough to end"
    clock.advance(minutes=4)
    late = support.post(other, data=form_of_other)
    assert late.location.startswith(ASKED)
    assert list(db.session.scalars(select(AdminAuditTrail.action))) == ["ADMIN_FORCE_CANCEL"]


@pytest.mark.spec("SEC-2")
def test_another_browser_of_the_same_person_is_asked_for_itself(support: FlaskClient, clock: Clock) -> None:
    session, agent = sessions.a_paid_session(), people.a_support_agent()
    one, other = (people.sign_in(support.application.test_client(), agent) for _ in range(2))
    clock.advance(hours=1)
    path = f"/admin/sessions/{session.id}/refund"
    one.post(ASKED, data={"password": PASSWORD, "next": path})
    assert not is_asked(one, path)
    assert is_asked(other, path)
