"""What the clock has done each minute and each night, as one list each (OPS-4).

A round is a bounded piece of work that may run twice at once, catches up by itself and reports what it changed. Another
kind of work is another line; steps of a session's life are lines of ``booking.steps``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from flask import current_app

from app.booking.recordings import ask_for_recordings
from app.booking.review import refresh_ratings
from app.booking.tick import TickReport, tick
from app.config import Settings
from app.domain.context import Context
from app.extensions import db
from app.foundation import cleanup
from app.foundation.anchors import drop_anchor
from app.foundation.audit import head_of_chain
from app.foundation.transaction import transaction
from app.http.adapters import adapters
from app.support.anchoring import mail_head
from app.support.disputes.escalation import escalate_disputes
from app.support.disputes.resolving import settle_all_awaiting
from app.support.machinery import is_late, mail_counts, oldest_mail
from app.tasks.money_work import reconcile_money

_log = structlog.get_logger(__name__)

# What is still left then is the next minute's.
_MOST_BATCHES = 20


@dataclass(frozen=True, slots=True)
class Round:
    """One kind of work. ``work`` gives what it changed, by name."""

    name: str
    work: Callable[[Context], Mapping[str, Any]]


def work_sessions(ctx: Context) -> Mapping[str, Any]:
    """Everything that time does to sessions; after a pause of the clock there is more than one batch."""
    return in_batches(lambda failed: tick(ctx=ctx, leaving_out=failed))


def in_batches(work: Callable[[frozenset[UUID]], TickReport]) -> Mapping[str, Any]:
    """This function will repeat a batch while it is full, leaving out what failed, and give the sums."""
    counts: Counter[str] = Counter()
    failed: frozenset[UUID] = frozenset()
    done = TickReport()
    for _ in range(_MOST_BATCHES):
        done = work(failed)
        counts.update(done.counts)
        failed |= done.failed
        if not done.is_behind or not (done.changed or done.failed):
            break
    return {"counts": dict(counts), "changed": counts.total(), "failed": len(failed), "is_behind": done.is_behind}


def work_disputes(ctx: Context) -> Mapping[str, Any]:
    """Open disputes whose time runs out, and those whose refund was decided meanwhile (DSP-3, DSP-4)."""
    counts = escalate_disputes(ctx=ctx)
    counts["dispute_settled"] = settle_all_awaiting(ctx=ctx)
    done = {name: count for name, count in counts.items() if count}
    return {"counts": done, "changed": sum(done.values())}


def anchor_audit(ctx: Context) -> Mapping[str, Any]:
    """The head of the staff audit trail is written down outside the database, once an hour (AUD-3)."""
    settings: Settings = current_app.extensions["desk-settings"]
    with transaction():
        head = head_of_chain()
    anchor = drop_anchor(settings.data_dir, head, now=ctx.now)
    return {"counts": {"anchored": 1} if anchor else {}, "changed": int(anchor is not None)}


def mail_audit_head(ctx: Context) -> Mapping[str, Any]:
    """And it is mailed to the admins each night, beyond the reach of whoever has this machine (AUD-3)."""
    sent = mail_head(ctx=ctx)
    return {"counts": {"mailed": sent} if sent else {}, "changed": sent}


def mend_ratings(ctx: Context) -> Mapping[str, Any]:
    """Averages are kept with each review; whatever drifted all the same is put right at night (RV-1)."""
    mended = refresh_ratings(ctx=ctx)
    return {"counts": {"rating_mended": mended} if mended else {}, "changed": mended}


def ask_for_lost_recordings(ctx: Context) -> Mapping[str, Any]:
    """Providers are asked for recordings of the last days of which no news came (MT-1)."""
    asked = ask_for_recordings([each.name for each in adapters().meetings if each.keeps_recordings], ctx=ctx)
    return {"counts": {"recordings_asked_for": asked} if asked else {}, "changed": asked}


def watch_mail(ctx: Context) -> Mapping[str, Any]:
    """Mail that does not leave is said in the log, by which whoever watches it is woken (EM-5)."""
    with transaction():
        late = is_late(oldest_mail(), ctx.now)
        if late:
            mail = mail_counts(now=ctx.now)
            _log.error("mail_is_late", waiting=mail.waiting, oldest=mail.oldest)
    return {"counts": {}, "changed": 0, "is_late": late}


EACH_MINUTE: Final[tuple[Round, ...]] = (
    Round("sessions", work_sessions),
    Round("disputes", work_disputes),
    Round("audit_anchor", anchor_audit),
    Round("mail", watch_mail),
)
EACH_NIGHT: Final[tuple[Round, ...]] = (
    Round("audit_head", mail_audit_head),
    Round("forgotten", lambda ctx: cleanup.forget_old(ctx=ctx)),
    Round("ratings", mend_ratings),
    Round("recordings", ask_for_lost_recordings),
    Round("money", reconcile_money),
)


def run_rounds(rounds: Iterable[Round], ctx: Context) -> dict[str, Mapping[str, Any]]:
    """This function will do each round and give its report by name; one that fails keeps no other from its turn."""
    reports: dict[str, Mapping[str, Any]] = {}
    for each in rounds:
        try:
            reports[each.name] = each.work(ctx)
        except Exception as error:  # noqa: BLE001 - logged; the other rounds have their own work
            _log.exception("round_failed", round=each.name)
            db.session.remove()
            reports[each.name] = {"error": type(error).__name__}
    return reports
