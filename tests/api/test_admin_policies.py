"""Policies and overrides over the API (POL-1, POL-3, POL-4, ACT-6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.booking.cancel import cancel_session
from app.domain.policies import POLICIES
from app.domain.vocabulary import CancellationCategory, OverrideType
from app.extensions import db
from app.foundation.policies import current_policies
from app.models import AdminAuditTrail, User
from app.support.override_policy import grant_override, overrides_of
from tests.api.contract import Caller, data_of, error_of
from tests.factories import people, sessions
from tests.world import Clock

Calling = Callable[[User], Caller]
PATH = "/api/admin/policies"

pytestmark = pytest.mark.usefixtures("clock")


def acts() -> list[str]:
    return list(db.session.scalars(select(AdminAuditTrail.action).order_by(AdminAuditTrail.seq)))


@pytest.mark.spec("POL-1", "ADM-2")
def test_they_are_read_and_changed_against_the_version_that_was_seen(calling: Calling) -> None:
    admin, support = calling(people.an_admin(name="Pola Cy")), calling(people.a_support_agent())
    seen = data_of(support.get(PATH))
    assert (seen["preset"], len(seen["policies"])) == ("flexible", len(POLICIES))
    assert (seen["values"]["refundApprovalThreshold"], seen["values"]["reminderHours"]) == (200.00, [24, 1])
    body = {
        "values": {"lateRefundPercentage": 10, "refundApprovalThreshold": 150.5, "reminderHours": [1, 48]},
        "versionId": seen["versionId"],
        "reason": "A trial",
    }
    error_of(support.put(PATH, body), 403, "forbidden")
    after = data_of(admin.put(PATH, body))
    assert (after["preset"], after["values"]["refundApprovalThreshold"]) == (None, 150.5)
    changed = next(each for each in after["policies"] if each["key"] == "lateRefundPercentage")
    assert (changed["value"], changed["default"], changed["changedBy"], changed["unit"]) == (10, 0, "Pola Cy", "%")
    error_of(admin.put(PATH, body), 409, "stale_version")
    assert acts() == ["ADMIN_POLICY_CHANGED"]


@pytest.mark.spec("POL-1", "API-1")
def test_what_does_not_fit_is_named(calling: Calling) -> None:
    admin = calling(people.an_admin())
    sent = {"versionId": str(current_policies().version_id), "reason": "A trial"}
    for wish, field in (
        ({"values": {"lateRefundPercentage": 101}}, "lateRefundPercentage"),
        ({"values": {"lateRefundPercentage": "10"}}, "values.lateRefundPercentage"),
        ({"values": {"nothing": 1}}, "values.nothing"),
        ({"values": {"cancellationCutoffHours": 30}}, "freeCancellationHours"),
        ({"values": {}}, "values"),
        ({"values": {"lateRefundPercentage": 10}, "preset": "flexible"}, "values"),
        ({"preset": "nothing"}, "preset"),
    ):
        assert field in error_of(admin.put(PATH, {**sent, **wish}), 422)["fields"], wish
    error_of(admin.put(PATH, {**sent, "preset": "flexible"}), 422)
    assert acts() == []


@pytest.mark.spec("POL-4", "POL-3")
def test_a_change_is_tried_on_the_past(calling: Calling, clock: Clock) -> None:
    session = sessions.a_paid_session()
    clock.set(sessions.START_AT - timedelta(hours=10))
    cancel_session(session.id, category=CancellationCategory.EMERGENCY, reason="", ctx=people.ctx_of(session.mentee))
    support = calling(people.a_support_agent())
    told = data_of(support.post(f"{PATH}/preview", {"values": {"partialRefundPercentage": 50}, "days": 30}))
    assert told["changes"] == [{"key": "partialRefundPercentage", "before": 70, "after": 50}]
    (replay,) = told["replays"]
    assert (replay["kind"], replay["lookedAt"], replay["different"]) == ("cancel", 1, 1)
    (difference,) = replay["differences"]
    assert difference["refunds"] == [{"amount": -10.00, "currency": "EUR"}]
    assert difference["earnings"] == [{"amount": 7.00, "currency": "EUR"}]
    assert difference["sessionIds"] == [str(session.id)]
    strict = data_of(support.post(f"{PATH}/preview", {"preset": "strict_24h"}))
    assert len(strict["changes"]) == 6
    assert current_policies().values.partial_refund_percentage == 70


@pytest.mark.spec("SEC-2")
def test_a_browser_types_the_password_again_before_policies_change(client: FlaskClient, clock: Clock) -> None:
    admin = people.sign_in(client, people.an_admin())
    clock.advance(hours=1)
    body = {"preset": "strict_24h", "versionId": str(current_policies().version_id), "reason": "A trial"}
    answer = admin.put(PATH, json=body)
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "password_needed")
    assert acts() == []


@pytest.mark.spec("ACT-6", "RS-6")
def test_an_override_is_taken_back_once(calling: Calling) -> None:
    session, agent = sessions.a_paid_session(), people.a_support_agent()
    grant_override(
        session.id,
        override_type=OverrideType.EXTEND_TIME,
        reason="Goodwill",
        fingerprint=None,
        ctx=people.ctx_of(agent),
    )
    path = f"/api/admin/overrides/{overrides_of(session.id)[0].id}/revoke"
    support = calling(agent)
    error_of(calling(people.an_ops()).post(path, {"reason": "By mistake"}), 403)
    error_of(support.post(path, {"reason": " "}), 422)
    told = data_of(support.post(path, {"reason": "By mistake"}))
    assert (told["sessionId"], told["overrideType"]) == (str(session.id), "extend_time")
    assert told["revokedAt"]
    error_of(support.post(path, {"reason": "By mistake"}), 409, "override_over")
    assert acts() == ["ADMIN_POLICY_OVERRIDE", "ADMIN_POLICY_OVERRIDE_REVOKED"]
