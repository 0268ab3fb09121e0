"""The relay: finds outbox rows that are due and rings the worker for them (OPS-2).

Whoever commits a row rings at once; the relay is for what was not heard: rows of a process that died after its commit,
retries, claims that ended, everything that a wiped queue server forgot. Several relays share the work.
"""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass, field
from types import FrameType

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from app.domain.errors import DomainError
from app.extensions import db, doorbell
from app.foundation import heartbeats, outbox
from app.foundation.transaction import transaction
from app.http.clock import now

_log = structlog.get_logger(__name__)

PAUSE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 15.0
# The queue is kept short: ringing again and again for a backlog would only make more of it. At twenty jobs a second one
# worker empties this before the relay would ring for the same row a second time.
QUEUE_LIMIT = 500


@dataclass(slots=True)
class Relay:
    """One relay. ``sweep`` is one look; ``run`` looks until told to stop."""

    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Sweep until SIGTERM or SIGINT; survives the queue server and the database being away."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop_soon)
        pause = PAUSE_SECONDS
        while not self.stopping.is_set():
            try:
                rung = self.sweep()
                # A full sweep means there is more: the next one follows at once.
                pause = 0.0 if rung >= QUEUE_LIMIT else PAUSE_SECONDS
            except (RedisError, DBAPIError, DomainError) as error:
                pause = min(max(pause, PAUSE_SECONDS) * 2, _LONGEST_PAUSE_SECONDS)
                _log.warning("relay_waits", error=f"{type(error).__name__}: {error}".splitlines()[0], seconds=pause)
            except Exception:  # noqa: BLE001 - logged; a relay that ends helps nobody
                pause = _LONGEST_PAUSE_SECONDS
                _log.exception("relay_failed")
            finally:
                db.session.remove()
            self.stopping.wait(pause)

    def _stop_soon(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping.set()

    def sweep(self) -> int:
        """Ring for rows that are due, as many as the queue has room for, and give how many.

        :raises RedisError: before any row is marked, so that none waits for nothing
        """
        with transaction():
            heartbeats.beat(heartbeats.RELAY, now=now())
        room = QUEUE_LIMIT - doorbell.queue().count
        if room <= 0:
            return 0
        with transaction():
            rows = outbox.due(now=now(), limit=room)
        if rows and doorbell.ring(rows):
            _log.info("relay", rung=len(rows))
        return len(rows)
