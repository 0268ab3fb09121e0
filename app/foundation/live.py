"""The doorbell of the live feed: whoever may be looking is told that something changed (NT-2).

It may get lost: what changed stands in the database, where every reader finds it by its number.
"""

from __future__ import annotations

from app.extensions import doorbell
from app.foundation.transaction import after_commit, in_transaction, memo

_KEY = "live_called"


def something_changed() -> None:
    """This function will call every web process once after the open transaction's commit; outside one, nobody."""
    if not in_transaction() or _KEY in memo():
        return
    memo()[_KEY] = True
    after_commit(doorbell.call)
