"""Policies in the console: read, tried on the past, changed with the password (POL-1, POL-3, POL-4, POL-6, SEC-2)."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.booking.cancel import cancel_session
from app.domain.policies import PRESETS
from app.domain.vocabulary import CancellationCategory
from app.extensions import db
from app.foundation.policies import change_policies, current_policies
from app.foundation.transaction import transaction
from app.models import AdminAuditTrail, MentoringSession, Precedent
from tests.admin.conftest import Statements
from tests.factories import people, sessions
from tests.world import Clock

CHANGE = "/admin/policies/change"
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


def shown(browser: FlaskClient, **values: Any) -> str:
    page = browser.get(CHANGE, query_string={"key": list(values), **values})
    assert page.status_code == 200, page.text
    return html.unescape(page.text)


def saving(page: str) -> dict[str, str]:
    """The fields of the form that saves, as a browser would send them."""
    return {
        **dict(_HIDDEN.findall(page[page.index('<form method="post" action="/admin/policies') :])),
        "reason": "A trial",
    }


def a_partly_refunded_session(clock: Clock) -> MentoringSession:
    session = sessions.a_paid_session()
    clock.set(sessions.START_AT - timedelta(hours=10))
    cancel_session(session.id, category=CancellationCategory.EMERGENCY, reason="", ctx=people.ctx_of(session.mentee))
    return session


@pytest.mark.spec("POL-1", "PERF-7")
def test_the_list_says_what_each_policy_is_and_who_changed_it(admin: FlaskClient, statements: Statements) -> None:
    editor = people.an_admin(name="Pola Cy")
    with transaction():
        change_policies({"late_refund_percentage": 10}, reason="A trial", ctx=people.ctx_of(editor))
    statements.clear()
    page = html.unescape(admin.get("/admin/policies/").text)
    assert len(statements) <= 8
    for words in ("Late refund", "10 %", "usually 0 %", "0 to 100 %", "Pola Cy", "Hours a proposal stays open"):
        assert words in page
    assert page.count('data-label="May be"') == len(PRESETS["flexible"])
    history = html.unescape(admin.get("/admin/policies/late_refund_percentage/history").text)
    assert "0 % → 10 %" in history
    assert "A trial" in history
    assert admin.get("/admin/policies/nothing/history").status_code == 404


@pytest.mark.spec("POL-4", "POL-1", "SM-3")
def test_an_edit_is_tried_on_the_past_and_then_made_once(admin: FlaskClient, clock: Clock) -> None:
    session = a_partly_refunded_session(clock)
    admin = people.sign_in(admin.application.test_client(), people.an_admin())
    page = shown(admin, partial_refund_percentage="50")
    for words in (
        "70 %",
        "50 %",
        "1 of 1",
        "Between the cut-off and the free period: 70 % back",
        "\u2212€10.00",
        "+€7.00",
    ):
        assert words in page, words
    assert f"/admin/sessions/{session.id}" in page
    assert current_policies().values.partial_refund_percentage == 70
    done = admin.post(CHANGE, data=saving(page))
    assert (done.status_code, done.location) == (303, "/admin/policies/")
    db.session.expire_all()
    assert current_policies().values.partial_refund_percentage == 50
    row = db.session.scalars(select(AdminAuditTrail)).one()
    assert (row.action, row.reason) == ("ADMIN_POLICY_CHANGED", "A trial")
    again = admin.post(CHANGE, data=saving(page))
    assert again.status_code == 409
    assert "changed on another screen" in again.text


@pytest.mark.spec("POL-3")
def test_a_preset_is_shown_as_its_difference_and_applied(admin: FlaskClient) -> None:
    page = html.unescape(admin.get(CHANGE, query_string={"preset": "strict_24h"}).text)
    assert "Put 6 changes into force" in page
    assert admin.post(CHANGE, data=saving(page)).status_code == 303
    assert current_policies().values == PRESETS["strict_24h"]
    assert "Strict 24 h is in force" in admin.get("/admin/policies/").text
    assert admin.get(CHANGE, query_string={"preset": "nothing"}).status_code == 404
    same = admin.get(CHANGE, query_string={"preset": "strict_24h"})
    assert same.status_code == 200
    assert "Nothing would change" in same.text


@pytest.mark.spec("POL-1", "UX-3")
def test_values_that_do_not_fit_are_put_right_where_they_stand(admin: FlaskClient) -> None:
    page = admin.get(CHANGE, query_string={"key": "late_refund_percentage", "late_refund_percentage": "101"})
    assert page.status_code == 422
    assert "At most 100." in page.text
    both = admin.get(CHANGE, query_string={"key": "cancellation_cutoff_hours", "cancellation_cutoff_hours": "30"})
    assert both.status_code == 422
    assert 'name="free_cancellation_hours"' in both.text, "what has to change with it gets its field"
    together = shown(admin, cancellation_cutoff_hours="30", free_cancellation_hours="48")
    assert "Put 2 changes into force" in together
    assert admin.post(CHANGE, data={**saving(together), "reason": ""}).status_code == 422
    assert admin.get(CHANGE).status_code == 404
    assert "nothing in the past to try them on" in shown(admin, payment_hold_minutes="20")


@pytest.mark.spec("ADM-2", "SEC-2")
def test_support_tries_and_an_admin_changes_with_the_password(support: FlaskClient, clock: Clock) -> None:
    page = shown(support, late_refund_percentage="10")
    assert "An admin puts policies into force" in page
    form = {"key": "late_refund_percentage", "late_refund_percentage": "10", "reason": "A trial"}
    assert support.post(CHANGE, data=form).status_code == 403
    admin = people.sign_in(support.application.test_client(), people.an_admin())
    clock.advance(hours=1)
    assert "/account/confirm-password" in admin.get(CHANGE, query_string=form).location
    assert "/account/confirm-password" in admin.post(CHANGE, data=form).location
    assert shown(support, late_refund_percentage="10"), "who only looks is not asked"
    assert current_policies().values.late_refund_percentage == 0


@pytest.mark.spec("POL-6")
def test_a_case_is_kept_as_golden_warns_of_a_change_and_is_let_go(support: FlaskClient, clock: Clock) -> None:
    session = a_partly_refunded_session(clock)
    support = people.sign_in(support.application.test_client(), people.a_support_agent())
    assert "Keep as a golden case" in support.get(f"/admin/sessions/{session.id}").text
    where = f"/admin/sessions/{session.id}/precedent"
    page = support.get(where)
    chosen = re.search(r'name="decision" id="decision-1" value="([^"]+)"', page.text)
    assert chosen
    form = {"decision": chosen[1], "title": "Ten hours before is 70 %", "reason": "We said so"}
    assert support.post(where, data={**form, "title": ""}).status_code == 422
    assert support.post(where, data={**form, "decision": "x"}).status_code == 422
    assert support.post(where, data=form).status_code == 303
    assert "already" in support.post(where, data=form).text
    changed = shown(support, partial_refund_percentage="50")
    assert "1 of 1 would be decided otherwise" in changed
    assert "Ten hours before is 70 %" in changed
    assert "would still be decided as it was" in shown(support, late_refund_percentage="5")
    (golden,) = db.session.scalars(select(Precedent)).all()
    assert (
        support.post(f"/admin/policies/precedents/{golden.id}/retire", data={"reason": "Not any more"}).status_code
        == 303
    )
    assert "No golden cases yet" in support.get("/admin/policies/").text
