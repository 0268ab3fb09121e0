"""``POST …/no-show`` over HTTP (NS-1): answered, refused in the envelope, and the same key acts once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.domain.vocabulary import Party
from app.extensions import db
from app.models import Refund
from tests.factories.people import sign_in
from tests.factories.sessions import START_AT, a_running_session
from tests.world import Clock

LATER = START_AT + timedelta(minutes=10)


@pytest.mark.spec("NS-1", "API-2")
def test_the_same_key_reports_once_and_the_answer_says_who_was_absent(client: FlaskClient, clock: Clock) -> None:
    session = a_running_session(joined=[Party.MENTEE])
    clock.set(LATER)
    sign_in(client, session.mentee)
    for _ in range(2):
        answer = client.post(f"/api/bookings/{session.id}/no-show", json={}, headers={"Idempotency-Key": "k-1"})
        assert answer.status_code == 200, answer.text
        told = answer.json["data"]
        assert (told["status"], told["noShowParty"], told["refundPercentage"]) == ("no_show", "mentor", 100)
    assert db.session.scalar(select(func.count()).select_from(Refund)) == 1


@pytest.mark.spec("NS-1")
def test_a_party_that_joined_cannot_be_reported(client: FlaskClient, clock: Clock) -> None:
    session = a_running_session()
    clock.set(LATER)
    sign_in(client, session.mentee)
    answer = client.post(f"/api/bookings/{session.id}/no-show", json={})
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "party_joined")


@pytest.mark.spec("NS-1", "WHY-1")
def test_the_consequences_are_told_beforehand(client: FlaskClient, clock: Clock) -> None:
    session = a_running_session(joined=[Party.MENTOR])
    clock.set(START_AT)
    sign_in(client, session.mentor)
    early = client.get(f"/api/bookings/{session.id}/decisions").json["data"]["decisions"]["noShow"]
    assert (early["allowed"], early["rule"]) == (False, "grace")
    clock.set(LATER)
    late = client.get(f"/api/bookings/{session.id}/decisions").json["data"]["decisions"]["noShow"]
    assert (late["allowed"], late["rule"], late["refundPercentage"]) == (True, "mentee_absent", 0)
    assert "noShow" in client.get(f"/api/bookings/{session.id}").json["data"]["allowedActions"]
