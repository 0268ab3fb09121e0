"""Every status, every other status, every actor, against the specification's table written out again (SM-1)."""

from __future__ import annotations

import pytest

from app.domain.errors import InvalidTransition
from app.domain.states import TRANSITIONS, can_move, require_move
from app.domain.vocabulary import ActorKind, SessionStatus

# From the specification's table, in its own words and order. "admin" there is support and admin here.
# A mentee agrees to the time that a mentor proposes for a free request (BK-5).
SPECIFICATION = """
new                    > draft                 : mentee
new                    > scheduled             : mentee admin
new                    > pending_mentor_review : mentee
draft                  > scheduled             : payment
draft                  > expired               : clock
expired                > scheduled             : payment
cancelled              > scheduled             : payment
draft                  > cancelled             : mentee admin
pending_mentor_review  > cancelled             : mentee admin
pending_mentor_review  > scheduled             : mentor mentee
pending_mentor_review  > rejected              : mentor clock
scheduled              > in_progress           : clock
scheduled              > cancelled             : mentee mentor admin clock
scheduled              > no_show               : mentee mentor admin
in_progress            > no_show               : mentee mentor admin
completed              > no_show               : admin
scheduled              > completed             : clock mentor admin
in_progress            > completed             : clock mentor admin
in_progress            > cancelled             : admin
no_show                > completed             : admin
no_show                > cancelled             : admin
"""


def table() -> set[tuple[str, str, str]]:
    allowed = set()
    for line in SPECIFICATION.strip().splitlines():
        states, actors = line.split(":")
        source, target = (state.strip() for state in states.split(">"))
        for actor in actors.split():
            allowed |= {(source, target, each) for each in (["support", "admin"] if actor == "admin" else [actor])}
    return allowed


@pytest.mark.spec("SM-1")
def test_exactly_the_moves_of_the_specification_are_possible() -> None:
    possible = {
        (source.value if source else "new", target.value, actor.value)
        for source in [None, *SessionStatus]
        for target in SessionStatus
        for actor in ActorKind
        if can_move(source, target, actor)
    }

    assert possible == table()


@pytest.mark.spec("SM-1")
@pytest.mark.parametrize("source", [None, *SessionStatus])
@pytest.mark.parametrize("target", list(SessionStatus))
def test_a_move_outside_the_table_is_refused_with_both_states(
    source: SessionStatus | None, target: SessionStatus
) -> None:
    before = source.value if source else "new"
    for actor in ActorKind:
        if (before, target.value, actor.value) in table():
            require_move(source, target, actor)
            continue
        with pytest.raises(InvalidTransition) as refusal:
            require_move(source, target, actor)
        assert refusal.value.error_code == "invalid_transition"
        assert refusal.value.details == {"from": before, "to": target.value, "by": actor.value}


@pytest.mark.spec("SM-1")
def test_nothing_moves_to_itself_and_nobody_unknown_moves_anything() -> None:
    assert not any(source is target for source, target in TRANSITIONS)
    assert not {ActorKind.OPS, ActorKind.ANONYMOUS, ActorKind.SYSTEM} & frozenset().union(*TRANSITIONS.values())


@pytest.mark.spec("SM-1")
def test_what_is_rejected_stays_rejected() -> None:
    assert not [target for source, target in TRANSITIONS if source is SessionStatus.REJECTED]
