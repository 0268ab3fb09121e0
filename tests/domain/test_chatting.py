"""When the two parties may write to each other (CH-1)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.domain.chatting import MESSAGE_MAX, OPEN_AFTER_END, ChatFacts, decide_chat, decide_message
from app.domain.vocabulary import SessionStatus
from tests.world import START

pytestmark = pytest.mark.spec("CH-1")

S = SessionStatus
SECOND = timedelta(seconds=1)


def allowed(status: SessionStatus, *, was_accepted: bool = False, ago: timedelta = timedelta()) -> str:
    facts = ChatFacts(status=status, was_accepted=was_accepted, over_at=START)
    return decide_chat(facts, START + ago).rule


@pytest.mark.parametrize("status", [S.SCHEDULED, S.IN_PROGRESS, S.COMPLETED, S.NO_SHOW])
def test_a_conversation_is_open_until_seven_days_after_the_end(status: SessionStatus) -> None:
    assert allowed(status, ago=-timedelta(days=30)) == "chat_open"
    assert allowed(status, ago=OPEN_AFTER_END) == "chat_open"
    assert allowed(status, ago=OPEN_AFTER_END + SECOND) == "chat_closed"


@pytest.mark.parametrize("status", [S.DRAFT, S.PENDING_MENTOR_REVIEW, S.REJECTED, S.EXPIRED])
def test_nobody_writes_before_acceptance_or_payment(status: SessionStatus) -> None:
    assert allowed(status) == "chat_not_open"


def test_after_a_cancellation_only_those_who_had_a_session_still_write() -> None:
    assert allowed(S.CANCELLED) == "chat_not_open"
    assert allowed(S.CANCELLED, was_accepted=True, ago=OPEN_AFTER_END) == "chat_open"
    assert allowed(S.CANCELLED, was_accepted=True, ago=OPEN_AFTER_END + SECOND) == "chat_closed"


@pytest.mark.parametrize("length, fits", [(0, False), (1, True), (MESSAGE_MAX, True), (MESSAGE_MAX + 1, False)])
def test_a_message_has_one_to_two_thousand_characters(length: int, fits: bool) -> None:
    assert decide_message("x" * length).allowed is fits
