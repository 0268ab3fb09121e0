"""The life of sessions as a rule-based state machine: every invariant after every step (INV-1 to INV-9)."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from app.integrations.payments.base import ChargeState
from tests.invariants.session_machine import SLOTS, SessionMachine, make_world

# More on demand: DESK_EXAMPLES=5000 pytest tests/invariants/test_session_machine.py
EXAMPLES = int(os.environ.get("DESK_EXAMPLES", "200"))
PARTS = 4


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.spec("INV-1", "INV-2", "INV-3", "INV-4", "INV-5", "INV-6", "INV-7", "INV-8", "INV-9", "SM-1")
@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_happens_in_whichever_order_the_invariants_hold(own_database: Callable[..., Flask], part: int) -> None:
    """In parts, so that they run beside each other."""
    app = own_database()
    machine = type(f"Part{part}", (SessionMachine,), {"app": app, "world": make_world(app)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            # A fifth on top: those that Hypothesis derives from others may end before their fiftieth step. In all it
            # comes to as many steps as that number of whole examples has.
            max_examples=EXAMPLES // PARTS * 6 // 5,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


@pytest.mark.spec("INV-1")
def test_the_same_steps_lead_to_the_same_place(own_database: Callable[..., Flask]) -> None:
    """Otherwise an example that failed could not be tried again, and Hypothesis would call it flaky."""
    app = own_database()
    machine = type("Twice", (SessionMachine,), {"app": app, "world": make_world(app)})
    seen = []

    @settings(max_examples=1, phases=[Phase.generate], deadline=None, database=None)
    @given(st.none())
    def play(_: None) -> None:
        game = machine()
        try:
            for who, mentor in enumerate((0, 2, 3)):
                game.book(who=who, mentor=mentor, slot=SLOTS[6])
            game.nothing_is_broken()
            game.pay(number=0, state=ChargeState.SUCCEEDED)
            game.nothing_is_broken()
            seen.append(dict(game.seen))
        finally:
            game.teardown()

    play()
    play()
    assert len(seen[0]["status"]) > len(machine.world.sessions), "something has to have happened"
    assert seen[0] == seen[1]
