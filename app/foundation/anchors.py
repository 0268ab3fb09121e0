"""The head of the staff audit trail, kept where the database's own role cannot reach it (AUD-3).

Hashes show every change inside the chain; only a head that was written down elsewhere shows that its newest rows were
cut off, or that the whole chain was written anew.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from app.foundation.audit import Head, hashes_at

FILE = "audit-anchors.jsonl"
_PAUSE = timedelta(hours=1)
_TAIL = 4_096
_TOGETHER = 1_000


@dataclass(frozen=True, slots=True)
class Anchor:
    """A head as it was at a moment."""

    at: datetime
    seq: int
    hash: str


def drop_anchor(folder: Path, head: Head, *, now: datetime) -> Anchor | None:
    """This function will add the head to the file in ``folder``, at most once an hour.

    None when the hour is not over, or the head stands there already.
    """
    last = _last(folder)
    if head.seq == 0 or (last and (last.seq == head.seq or now - last.at < _PAUSE)):
        return None
    anchor = Anchor(now, head.seq, head.hash)
    line = json.dumps({"at": anchor.at.isoformat(), "seq": anchor.seq, "hash": anchor.hash})
    with (folder / FILE).open("a", encoding="utf-8") as file:
        # Begun on a line of its own: what a crash cut short before must not take this one with it.
        file.write(f"\n{line}\n")
        file.flush()
        os.fsync(file.fileno())
    return anchor


def read_anchors(folder: Path) -> list[Anchor]:
    """All that were written, oldest first; a line that a crash cut short is left out."""
    file = folder / FILE
    return _read(file.read_text(encoding="utf-8")) if file.exists() else []


def _last(folder: Path) -> Anchor | None:
    """The newest, without reading years of them."""
    file = folder / FILE
    if not file.exists():
        return None
    with file.open("rb") as content:
        content.seek(max(0, file.stat().st_size - _TAIL))
        found = _read(content.read().decode("utf-8", errors="replace"))
    return found[-1] if found else None


def _read(text: str) -> list[Anchor]:
    found = []
    for line in text.splitlines():
        try:
            told = json.loads(line)
            found.append(Anchor(datetime.fromisoformat(told["at"]), int(told["seq"]), str(told["hash"])))
        except (ValueError, KeyError, TypeError):
            continue
    return found


def first_lost(anchors: list[Anchor]) -> Anchor | None:
    """The first anchor that the chain does not hold any more; None when all hold.

    From there on, rows were cut off or written anew.
    """
    for begin in range(0, len(anchors), _TOGETHER):
        part = anchors[begin : begin + _TOGETHER]
        hashes = hashes_at([anchor.seq for anchor in part])
        lost = next((anchor for anchor in part if hashes.get(anchor.seq) != anchor.hash), None)
        if lost is not None:
            return lost
    return None
