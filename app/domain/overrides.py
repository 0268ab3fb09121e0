"""Exceptions from policy that support granted for one session (RS-6, ACT-6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.domain.vocabulary import OverrideType


@dataclass(frozen=True, slots=True)
class Override:
    """One grant.

    :param expires_at: aware; None means the session's start
    """

    type: OverrideType
    expires_at: datetime | None = None
    used_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_active(self, now: datetime, start: datetime | None) -> bool:
        """Whether it counts at ``now``: neither used nor revoked nor expired. Every override expires (RS-6)."""
        ends = self.expires_at or start
        return self.used_at is None and self.revoked_at is None and (ends is None or now < ends)


def active_overrides(granted: Iterable[Override], *, start: datetime | None, now: datetime) -> frozenset[OverrideType]:
    """The kinds of override that count at ``now`` for a session that starts at ``start``."""
    return frozenset(each.type for each in granted if each.is_active(now, start))
