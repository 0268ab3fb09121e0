"""Taking a no-show back (ACT-5)."""

from __future__ import annotations

import pytest

from app.domain.clearing import RESTORABLE, decide_clear_no_show
from app.domain.errors import Invalid, InvalidTransition
from app.domain.vocabulary import ActorKind, SessionStatus


@pytest.mark.spec("ACT-5")
@pytest.mark.parametrize("restore", RESTORABLE)
def test_staff_restore_it_to_completed_or_to_cancelled(restore: SessionStatus) -> None:
    decision = decide_clear_no_show(SessionStatus.NO_SHOW, ActorKind.SUPPORT, restore)
    assert (decision.allowed, decision.rule) == (True, f"cleared_to_{restore.value}")
    assert decision.consequences == {"restore_status": restore}


@pytest.mark.spec("ACT-5", "SM-1")
@pytest.mark.parametrize("status", [status for status in SessionStatus if status is not SessionStatus.NO_SHOW])
def test_only_a_no_show_can_be_cleared(status: SessionStatus) -> None:
    with pytest.raises(InvalidTransition):
        decide_clear_no_show(status, ActorKind.SUPPORT).require()


@pytest.mark.spec("ACT-5", "ADM-2")
@pytest.mark.parametrize("who", [ActorKind.MENTEE, ActorKind.MENTOR, ActorKind.CLOCK])
def test_nobody_else_clears_it(who: ActorKind) -> None:
    assert not decide_clear_no_show(SessionStatus.NO_SHOW, who).allowed


@pytest.mark.spec("ACT-5")
def test_it_is_restored_to_nothing_else() -> None:
    with pytest.raises(Invalid) as refused:
        decide_clear_no_show(SessionStatus.NO_SHOW, ActorKind.ADMIN, SessionStatus.SCHEDULED).require()
    assert set(refused.value.fields) == {"restoreStatus"}
