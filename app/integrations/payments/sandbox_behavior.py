"""How the sandbox gateway misbehaves, so that what happens then can be seen and tested (MN-2).

A file of rules beside its books, written by hand or by ``misbehave``: ``[{"on": "refund", "do": "lose_answer",
"times": 1}]``. Without ``times`` a rule holds until it is taken out. Without the file, all is well.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

from app.domain.errors import ProviderFailed


class Operation(StrEnum):
    """Where something can go wrong."""

    START = "start"
    VERIFY = "verify"
    REFUND = "refund"
    FIND_REFUND = "find_refund"
    LIST = "list"
    WEBHOOK = "webhook"


class Trouble(StrEnum):
    """What goes wrong."""

    FAIL = "fail"  # no answer, and nothing was done
    REFUSE = "refuse"  # no, for good
    SLOW = "slow"  # works, after ``seconds``
    LOSE_ANSWER = "lose_answer"  # done, but the answer never arrives
    PENDING = "pending"  # a refund is accepted, and paid later
    REPEAT = "repeat"  # a webhook comes twice
    REORDER = "reorder"  # a webhook is held back, and comes after the next one
    DROP = "drop"  # a webhook never comes


class Behavior:
    """The rules in one file; several processes share it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def misbehave(
        self, on: Operation, do: Trouble, *, times: int | None = None, seconds: float = 0, words: str = ""
    ) -> None:
        """Add a rule.

        :param words: what the gateway says when it refuses
        """
        with self._rules() as state:
            state["rules"].append({"on": on, "do": do, "times": times, "seconds": seconds, "words": words})

    def behave(self) -> None:
        """Take all rules out; what was held back stays so until the next webhook."""
        with self._rules() as state:
            state["rules"].clear()

    @contextmanager
    def during(self, operation: Operation) -> Iterator[Trouble | None]:
        """Around an operation: what goes wrong before it, in it, or after it.

        :raises ProviderFailed: when a rule says so
        """
        rule = self._next(operation)
        trouble = Trouble(rule["do"]) if rule else None
        if rule and trouble is Trouble.SLOW:
            time.sleep(float(rule.get("seconds") or 0))
        if trouble is Trouble.FAIL:
            raise ProviderFailed("The sandbox gateway is not reachable.")
        if rule and trouble is Trouble.REFUSE:
            words = rule.get("words") or "The sandbox gateway was told to refuse this."
            raise ProviderFailed(words, retryable=False)
        yield trouble
        if trouble is Trouble.LOSE_ANSWER:
            raise ProviderFailed("The answer of the sandbox gateway was lost.", unknown=True)

    def outgoing(self, event: str) -> list[bytes]:
        """What to send now that this event is due."""
        rule = self._next(Operation.WEBHOOK)
        trouble = Trouble(rule["do"]) if rule else None
        body = event.encode()
        if trouble is Trouble.DROP:
            return []
        with self._rules() as state:
            if trouble is Trouble.REORDER:
                state["held_back"].append(event)
                return []
            earlier = [held.encode() for held in state["held_back"]]
            state["held_back"].clear()
        return [body, *([body] if trouble is Trouble.REPEAT else []), *earlier]

    def _next(self, operation: Operation) -> dict[str, Any] | None:
        """The first rule for this operation, used up by one."""
        if not self._path.exists():
            return None
        with self._rules() as state:
            rule: dict[str, Any] | None = next((rule for rule in state["rules"] if rule["on"] == operation), None)
            if rule and rule.get("times") is not None:
                rule["times"] -= 1
                if rule["times"] <= 0:
                    state["rules"].remove(rule)
            return rule

    @contextmanager
    def _rules(self) -> Iterator[dict[str, Any]]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            found: Any = json.loads(self._path.read_text()) if self._path.exists() else {}
            state: dict[str, Any] = {"rules": found} if isinstance(found, list) else dict(found)
            state.setdefault("rules", [])
            state.setdefault("held_back", [])
            before = json.dumps(state)
            yield state
            if json.dumps(state) != before:
                draft = self._path.with_suffix(".part")
                draft.write_text(json.dumps(state, indent=2))
                draft.replace(self._path)
