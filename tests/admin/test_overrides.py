"""The exceptions in force in the console (ACT-6, RS-6)."""

from __future__ import annotations

import html

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.domain.vocabulary import OverrideType
from app.extensions import db
from app.models import AdminAuditTrail, User
from app.support.override_policy import grant_override, overrides_of
from app.support.policies.overrides import live_overrides
from tests.admin.conftest import Statements
from tests.factories import people, sessions
from tests.factories.proposals import NEW_AT
from tests.world import Clock

PAGE = "/admin/overrides/"


def granted(agent: User, kind: OverrideType = OverrideType.EXTEND_TIME, **options: object) -> str:
    """The id of a new override."""
    session = sessions.a_paid_session(**options)
    grant_override(session.id, override_type=kind, reason="Goodwill", fingerprint=None, ctx=people.ctx_of(agent))
    return str(overrides_of(session.id)[0].id)


@pytest.mark.spec("ACT-6", "PERF-7")
def test_those_in_force_are_listed_revoked_and_counted(
    support: FlaskClient, clock: Clock, statements: Statements
) -> None:
    assert "No exception is in force" in support.get(PAGE).text
    agent = people.a_support_agent(name="Sam Support")
    ended, live = granted(agent), granted(agent, at=NEW_AT, title="A talk to be moved")
    clock.set(sessions.START_AT)
    support = people.sign_in(support.application.test_client(), people.a_support_agent())
    statements.clear()
    page = html.unescape(support.get(PAGE).text)
    assert len(statements) <= 6
    for words in ("A talk to be moved", "Sam Support", "Goodwill", f"{PAGE}{live}/revoke"):
        assert words in page
    assert ended not in page
    where = f"{PAGE}{live}/revoke"
    assert "The session's rules count again at once" in html.unescape(support.get(where).text)
    assert support.post(where, data={"reason": ""}).status_code == 422
    assert support.post(where, data={"reason": "By mistake"}).status_code == 303
    assert "does not count any more" in support.post(where, data={"reason": "Once more"}).text
    assert list(db.session.scalars(select(AdminAuditTrail.action).order_by(AdminAuditTrail.seq)))[2:] == [
        "ADMIN_POLICY_OVERRIDE_REVOKED"
    ]
    after = html.unescape(support.get(PAGE).text)
    assert "No exception is in force" in after
    row = after[after.index("Cut-offs do not count until it ends") :].partition("</tr>")[0]
    counts = [each.split(">")[-1] for each in row.replace("<b>", "").replace("</b>", "").split("</td>")[1:5]]
    assert counts == ["2", "0", "1", "1"], "granted, used, revoked, ended unused"
    assert "/admin/policies/change?key=cancellation_cutoff_hours" in row
    assert support.get(PAGE, query_string={"from": "2028-03-02", "to": "2028-03-01"}).status_code == 422


@pytest.mark.spec("ADM-2")
def test_nobody_revokes_in_a_case_of_their_own(support: FlaskClient) -> None:
    agent = people.a_support_agent()
    granted(agent)
    (found,) = live_overrides(ctx=people.ctx_of(agent))
    party = db.session.get_one(User, next(iter(found.parties)))
    party.role = agent.role
    db.session.flush()
    own = people.sign_in(support.application.test_client(), party)
    assert "Your own case" in own.get(PAGE).text
    assert own.get(f"{PAGE}{found.id}/revoke").status_code == 403
