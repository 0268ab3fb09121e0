"""Not asking again and again what does not answer (MT-2)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

_FAILURES: Final = 3
_PAUSE_SECONDS: Final = 60.0


class Circuit:
    """Opens after three failures in a row and lets one try through a minute later; one success closes it.

    It belongs to a process: each learns by itself, and none needs another to.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._opened_at = 0.0

    @property
    def is_open(self) -> bool:
        return self._failures >= _FAILURES and self._clock() < self._opened_at + _PAUSE_SECONDS

    def failed(self) -> None:
        self._failures += 1
        self._opened_at = self._clock()

    def worked(self) -> None:
        self._failures = 0
