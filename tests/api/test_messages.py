"""The conversation over the API (CH-1)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.api.contract import Caller, assert_unknown_alike, data_of, error_of
from tests.factories.people import a_mentee
from tests.factories.sessions import a_draft, a_paid_session, fresh

pytestmark = [pytest.mark.usefixtures("app", "clock"), pytest.mark.spec("CH-1")]

Calling = Callable[..., Caller]


def test_a_message_is_sent_once_under_its_key_and_read_by_the_other(calling: Calling) -> None:
    session = fresh(a_paid_session())
    mentee, mentor = calling(session.mentee), calling(session.mentor)
    path = f"/api/bookings/{session.id}/messages"
    first = data_of(mentee.post(path, {"body": "See you"}, key="k1"), 201)
    assert data_of(mentee.post(path, {"body": "See you"}, key="k1"), 201) == first
    error_of(mentee.post(path, {"body": "Something else"}, key="k1"), 409, "idempotency_mismatch")
    (line,) = data_of(mentor.get(path))["messages"]
    assert (line["body"], line["isMine"], line["isRead"]) == ("See you", False, False)
    assert data_of(mentor.post(f"{path}/read"))["marked"] == 1
    assert data_of(mentee.get(path))["messages"][0]["isRead"] is True


def test_pages_lead_back_to_the_beginning(calling: Calling) -> None:
    session = fresh(a_paid_session())
    caller = calling(session.mentee)
    path = f"/api/bookings/{session.id}/messages"
    for number in range(3):
        data_of(caller.post(path, {"body": str(number)}), 201)
    last = data_of(caller.get(path, limit=2))
    assert [line["body"] for line in last["messages"]] == ["1", "2"]
    first = data_of(caller.get(path, limit=2, before=last["earlier"]))
    assert ([line["body"] for line in first["messages"]], first["earlier"]) == (["0"], None)


def test_refusals_are_told_with_their_codes(calling: Calling) -> None:
    draft = fresh(a_draft())
    path = f"/api/bookings/{draft.id}/messages"
    error_of(calling(draft.mentee).post(path, {"body": "Hello"}), 409, "chat_not_open")
    error_of(calling(draft.mentee).post(path, {"body": ""}), 422)
    error_of(calling(draft.mentee).post(path, {"body": "x" * 2_001}), 422)
    assert_unknown_alike(calling(a_mentee()), "GET", "/api/bookings/{}/messages", draft.id)
